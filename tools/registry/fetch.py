"""One study of ClinicalTrials.gov with its posted results, through the review's transport and log.

Source: https://clinicaltrials.gov/data-api/api, `/studies/{nctId}`. A former number is redirected to the entry
that took its place; that there is no such entry is an answer, and is stored like one.
"""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from tools.errors import SourceRefused
from tools.exchange import Call, Judgement, Reply
from tools.schemas import Frozen
from tools.search.ctgov_json import nct_of
from tools.search.sources.ctgov import SERVICE
from tools.search.sources.json_answers import decoded, judge_json
from tools.transport import Transport

__all__ = ["NoSuchTrial", "fetch_study"]


class NoSuchTrial(Frozen):
    """The registry says that it has no entry of this number."""

    nct_id: str
    said: str = Field(description="In the registry's words.")
    at: str = Field(description="UTC, ISO 8601: when it said so.")


def fetch_study(transport: Transport, nct_id: str, *, event: str) -> Mapping[str, Any] | NoSuchTrial:
    """The whole study, for `tools.registry.trial.read`.

    Args:
        transport: with a service named `tools.search.sources.ctgov.SERVICE`.
        nct_id: `NCT` and eight digits; a former number leads to the entry that took its place.
        event: names the occasion; a new event asks again, the same one is answered from the log.

    Raises:
        SourceRefused: no number of a study, a refusal (400, in plain text), or an entry that is another one.
        SourceUnavailable: no answer, or a page instead of one, until our patience ended; nothing was stored.
        ReplayMiss: a replay, and the log has no such exchange.
    """
    if not re.fullmatch(r"NCT\d{8}", nct_id):
        raise SourceRefused(SERVICE, nct_id, "not an NCT number", "write it as NCT01234567")
    call = Call(service=SERVICE, path=f"studies/{nct_id}", params=(("format", "json"),), event=event)
    reply = transport.exchange(call, lambda reply: _judged(reply, nct_id))
    if reply.status == 404:
        return NoSuchTrial(nct_id=nct_id, said=_words(reply), at=reply.at)
    return decoded(reply)


def _judged(reply: Reply, nct_id: str) -> Judgement:
    """As `judge_json`; that the number is unknown is an answer where the registry itself says so."""
    is_page = reply.content_type == "text/html" or reply.body.lstrip()[:1] == b"<"
    if reply.status == 404 and not is_page and nct_id in _words(reply):
        return Judgement(kind="ok")
    return judge_json(reply, lambda document: _look(document, nct_id))


def _look(document: Mapping[str, Any], nct_id: str) -> Judgement:
    number = nct_of(document)
    if number is None:
        return Judgement(kind="transient", said=f"no study: {sorted(document)}")
    if number != nct_id and nct_id not in _former(document):
        said = f"asked for {nct_id} it gave {number}, which does not name {nct_id} as a former number"
        return Judgement(kind="permanent", said=said)
    return Judgement(kind="ok")


def _former(document: Mapping[str, Any]) -> list[str]:
    identity = document["protocolSection"]["identificationModule"]  # `nct_of` has been there
    aliases = identity.get("nctIdAliases")
    return [str(alias) for alias in aliases] if isinstance(aliases, list) else []


def _words(reply: Reply) -> str:
    return " ".join(reply.body.decode("utf-8", "replace").split())[:500]
