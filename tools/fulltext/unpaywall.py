"""Open copies of reports in repositories and at publishers, which Unpaywall knows by DOI.

Source: Unpaywall REST API v2 (https://unpaywall.org/products/api): `/v2/{doi}?email=`; 404 where it does not know the
DOI; `best_oa_location` and `oa_locations` with `url_for_pdf`, `version` and `host_type`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from tools.exchange import Call, Judgement, Reply, Service, excerpt, judge_status
from tools.fulltext import fetching, pdf
from tools.fulltext.finding import Found, NotFound
from tools.schemas import Record
from tools.transport import Transport

__all__ = ["SERVICE", "UnpaywallFinder", "service"]

SERVICE = "unpaywall"
_BASE_URL = "https://api.unpaywall.org/v2/"
_GAP_S = 0.2
MAX_TRIED = 3
"""Copies that are tried; further ones are nearly always the same file elsewhere."""

_VERSIONS = {
    "publishedVersion": "published version",
    "acceptedVersion": "accepted manuscript",
    "submittedVersion": "submitted manuscript, before peer review",
}


def service(base_url: str | None = None) -> Service:
    """The service for `Transport(services={SERVICE: …})`."""
    return Service(base_url=base_url or _BASE_URL, gap_s=_GAP_S)


class _Copy(NamedTuple):
    url: str
    version: str


class UnpaywallFinder:
    """Open PDFs of records that carry a DOI.

    Args:
        transport: with a service named `SERVICE`.
        email: Unpaywall asks for the caller's.
        event: names this retrieval; a new event is a new exchange.
        fetch: fetches an address that Unpaywall gave; see `fetching.fetch`.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        email: str,
        event: str,
        fetch: Callable[[str], fetching.Fetched] = fetching.fetch,
    ) -> None:
        self.transport, self.email, self.event, self.fetch = transport, email, event, fetch

    def find(self, record: Record, look: int = 1) -> Found | NotFound:
        """The first open copy that is a PDF; the published version before manuscripts.

        A host that does not answer is no reason to stop a review that has other ways: it is told in the reason,
        and the next look asks it again.

        Raises:
            SourceRefused, SourceUnavailable, ReplayMiss: about Unpaywall itself; see `Transport.exchange`.
        """
        if record.doi is None:
            return NotFound("no DOI, so Unpaywall was not asked")
        try:
            call = Call(
                service=SERVICE,
                path=quote(record.doi, safe="/"),
                params=(("email", self.email),),
                event=self.event,
            )
        except ValueError:
            return NotFound("Unpaywall cannot be asked about a DOI of this form")
        reply = self.transport.exchange(call, _judge)
        copies = _copies(reply)
        if not copies:
            return NotFound("Unpaywall: no open copy of it")
        reasons = []
        for copy in copies[:MAX_TRIED]:
            try:
                fetched = self.fetch(copy.url)
            except fetching.NotFetched as e:
                reasons.append(str(e))
                continue
            host = urlsplit(fetched.url).hostname
            if pdf.is_pdf(fetched.data):
                return Found(fetched.data, f"Unpaywall: {host}, {copy.version}")
            reasons.append(f"{host} gave something else than a PDF")
        return NotFound(f"Unpaywall: {', '.join(dict.fromkeys(reasons))}")


def _judge(reply: Reply) -> Judgement:
    if reply.status == 404:
        return Judgement(kind="ok")
    said = _said(reply)
    if reply.status == 422:  # a DOI it cannot read, or an e-mail address that it does not take
        if "email" in str(said.get("message", "")).lower():
            return Judgement(kind="permanent", said=f"HTTP 422: {said['message']}")
        return Judgement(kind="ok")
    if (judged := judge_status(reply)).kind != "ok":
        return judged
    if "doi" not in said:
        return Judgement(kind="transient", said=f"no answer about a DOI: {excerpt(reply.body)}")
    return Judgement(kind="ok")


def _said(reply: Reply) -> Mapping[str, Any]:
    try:
        said = json.loads(reply.body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _copies(reply: Reply) -> list[_Copy]:
    """Open PDFs, the best version first, in Unpaywall's order otherwise."""
    if reply.status != 200:
        return []
    copies = list(dict.fromkeys(_listed(_said(reply))))
    order = [*_VERSIONS.values(), "version unknown"]
    return sorted(copies, key=lambda copy: order.index(copy.version))


def _listed(said: Mapping[str, Any]) -> Iterator[_Copy]:
    others = said.get("oa_locations")
    for location in (said.get("best_oa_location"), *(others if isinstance(others, list) else ())):
        if isinstance(location, dict) and isinstance(url := location.get("url_for_pdf"), str):
            yield _Copy(url, _VERSIONS.get(str(location.get("version")), "version unknown"))
