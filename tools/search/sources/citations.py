"""Citations of known works: what they cite (backward), and what cites them (forward).

Sources: Europe PMC, "Articles RESTful API", `references` and `citations`
(https://europepmc.org/RestfulWebService); NBK25499 (E-utilities Help), ELink, link names `pubmed_pubmed_refs`
and `pubmed_pubmed_citedin`. Method: Horsley et al. 2011, doi:10.1002/14651858.MR000026.pub2 (reference lists);
PRISMA-S, item 5 (citation searching).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from tools import eutils
from tools.errors import ConfigError, SourceUnavailable
from tools.exchange import Judgement
from tools.schemas import Record
from tools.search.europepmc_json import UnreadableResult, key_of, read_result
from tools.search.sources import europepmc
from tools.search.sources.pubmed_fetch import Fetcher, Kept, batches
from tools.transport import Transport

__all__ = [
    "CitationIndex",
    "Delivered",
    "Direction",
    "EuropePmcCitations",
    "Neighbours",
    "PubMedCitations",
]

Direction = Literal["backward", "forward"]

PAGE_SIZE = 1000
"""Links per call of Europe PMC; it gives no more."""

PER_SEARCH = 100
"""Records of Europe PMC asked for together."""

PER_LINK_CALL = 100
"""Works per call of ELink; each comes back with a set of its own."""

PER_FETCH = 200
"""Records of PubMed asked for together."""

_LINKS = {"backward": "pubmed_pubmed_refs", "forward": "pubmed_pubmed_citedin"}


@dataclass(frozen=True)
class Neighbours:
    """What an index knows around some works.

    Attributes:
        keys: of the works found, each once, in the order of the works and of their lists.
        pmids: key to PMID, for those that have one.
        unmatched: references that are in no database, and so have no key: work's id to how many.
        unknown: ids of works that the index cannot name.
        at: UTC, ISO 8601: when the first answer came; empty where nothing could be asked.
    """

    keys: tuple[str, ...] = ()
    pmids: Mapping[str, str] = field(default_factory=dict)
    unmatched: Mapping[str, int] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    at: str = ""


@dataclass(frozen=True)
class Delivered:
    """Records by key, and why others did not come."""

    records: Mapping[str, Record]
    warnings: tuple[str, ...] = ()


class CitationIndex(Protocol):
    """A place that knows who cites whom."""

    title: str
    """As a report names it."""

    def neighbours(self, works: Sequence[Record], direction: Direction, *, event: str) -> Neighbours:
        """The works that these cite, or that cite these.

        Raises:
            SourceRefused, SourceUnavailable: as a source does; nobody cites a work is never the result of that.
        """
        ...

    def records(self, keys: Sequence[str], *, event: str) -> Delivered:
        """The records behind keys that `neighbours` gave, as far as they come.

        Raises:
            SourceRefused, SourceUnavailable: as in `neighbours`.
        """
        ...


# Europe PMC ----------------------------------------------------------------------------------------


class EuropePmcCitations:
    """Europe PMC: articles of every publisher whose reference lists are open, and preprints.

    Args:
        transport: with a service named `europepmc.SERVICE`.
        email: sent along where given.
        name: begins record ids: `<name>:<SRC>:<id>`.
    """

    title = "Europe PMC"

    def __init__(self, transport: Transport, *, email: str | None = None, name: str = "europepmc") -> None:
        self._transport, self._email, self._name = transport, email, name

    def neighbours(self, works: Sequence[Record], direction: Direction, *, event: str) -> Neighbours:
        """See `CitationIndex.neighbours`."""
        keys: dict[str, None] = {}
        unmatched: dict[str, int] = {}
        unknown: list[str] = []
        at = ""
        for work in works:
            own = _europepmc_key(work)
            if own is None:
                unknown.append(work.record_id)
                continue
            found, first = self._links(own, direction, event)
            at = at or first
            if strange := sum(key is None for key in found):
                unmatched[work.record_id] = strange
            keys |= dict.fromkeys(key for key in found if key is not None)
        pmids = {key: key.removeprefix("MED:") for key in keys if key.startswith("MED:")}
        return Neighbours(tuple(keys), pmids, unmatched, tuple(unknown), at)

    def _links(self, own: str, direction: Direction, event: str) -> tuple[list[str | None], str]:
        """All pages of one work's list; None for a reference without a key."""
        source, _, id_ = own.partition(":")
        path, outer, inner = ("references", "referenceList", "reference")
        if direction == "forward":
            path, outer, inner = ("citations", "citationList", "citation")
        found: list[str | None] = []
        page, at = 1, ""
        while True:
            document, reply = europepmc.ask(
                self._transport,
                f"{source}/{id_}/{path}",
                {"page": str(page), "pageSize": str(PAGE_SIZE)},
                event=event,
                email=self._email,
                wants=outer,
            )
            at = at or reply.at
            links = [item for item in document.get(outer, {}).get(inner, ()) if isinstance(item, dict)]
            found += [key_of(link) for link in links]
            if len(found) >= document["hitCount"]:
                return found, at
            if not links:
                raise SourceUnavailable(
                    self.title,
                    f"{len(found)} of {document['hitCount']} {path} of {own} came; run again later",
                )
            page += 1

    def records(self, keys: Sequence[str], *, event: str) -> Delivered:
        """See `CitationIndex.records`."""
        records: dict[str, Record] = {}
        warnings: list[str] = []
        for start in range(0, len(keys), PER_SEARCH):
            part = keys[start : start + PER_SEARCH]
            wanted = [f"(EXT_ID:{key.partition(':')[2]} AND SRC:{key.partition(':')[0]})" for key in part]
            params = {"query": " OR ".join(wanted), "resultType": "core", "pageSize": str(PAGE_SIZE)}
            document, _ = europepmc.ask(
                self._transport,
                "searchPOST",
                params | {"cursorMark": "*", "synonym": "false"},
                event=event,
                email=self._email,
                wants="resultList",
                method="POST",
            )
            for result in document.get("resultList", {}).get("result", ()):
                key = key_of(result) or ""
                if key not in part:
                    continue
                try:
                    records[key] = read_result(result, name=self._name)
                except UnreadableResult as e:
                    warnings.append(str(e))
        return Delivered(records, tuple(warnings))


def _europepmc_key(work: Record) -> str | None:
    """How Europe PMC names a work: its own key, else by PMID, else by PMCID."""
    own = re.fullmatch(r"[^:]+:((?:MED|PMC|PPR|AGR|CBA|CTX|ETH|HIR|PAT):[A-Za-z0-9]+)", work.record_id)
    if own:
        return own[1]
    if work.pmid:
        return f"MED:{work.pmid}"
    return f"PMC:{work.pmcid}" if work.pmcid else None


# PubMed --------------------------------------------------------------------------------------------


class PubMedCitations:
    """PubMed, through ELink. It knows the citations between articles of PubMed Central and PubMed only.

    Args:
        transport: with a service named `eutils.SERVICE`.
        email: NCBI wants it with every call.
        api_key: raises NCBI's limit.

    Raises:
        ConfigError: no e-mail address.
    """

    title = "PubMed (citations of articles in PubMed Central)"

    def __init__(self, transport: Transport, *, email: str, api_key: str | None = None) -> None:
        if "@" not in email:
            raise ConfigError(f"NCBI asks for an e-mail address with every call, not {email!r}; give one")
        self._transport = transport
        self._caller = eutils.Caller(email=email, api_key=api_key)

    def neighbours(self, works: Sequence[Record], direction: Direction, *, event: str) -> Neighbours:
        """See `CitationIndex.neighbours`."""
        unknown = tuple(work.record_id for work in works if not work.pmid)
        asked = [work.pmid for work in works if work.pmid]
        keys: dict[str, None] = {}
        at = ""
        for start in range(0, len(asked), PER_LINK_CALL):
            part = asked[start : start + PER_LINK_CALL]
            reply = eutils.ask(
                self._transport,
                "elink",
                caller=self._caller,
                event=event,
                params={"dbfrom": "pubmed", "db": "pubmed", "linkname": _LINKS[direction], "id": part},
                root="eLinkResult",
                look=lambda root, part=part: _all_there(root, part),  # type: ignore[misc]
            )
            at = at or reply.at
            keys |= dict.fromkeys(_linked(reply.body, _LINKS[direction]))
        return Neighbours(tuple(keys), {key: key for key in keys}, {}, unknown, at)

    def records(self, keys: Sequence[str], *, event: str) -> Delivered:
        """See `CitationIndex.records`."""
        fetcher = Fetcher(self._transport, self._caller, event, parallel=3)
        wanted = list(batches([(keys, Kept("", ""))], PER_FETCH))
        delivery = fetcher.fetch(wanted, lambda done, total: None)
        return Delivered(delivery.records, tuple(delivery.warnings))


def _all_there(root: Any, asked: Iterable[str]) -> Judgement:
    """Every work has a set of its own, be it empty; one that is absent was not looked up."""
    answered = {(e.text or "").strip() for e in root.iterfind("LinkSet/IdList/Id")}
    absent = sorted(set(asked) - answered)
    if absent:
        return Judgement(kind="transient", said=f"no answer about {', '.join(absent[:5])}")
    return Judgement(kind="ok")


def _linked(body: bytes, name: str) -> Iterable[str]:
    from lxml import etree

    root = etree.fromstring(body, eutils.xml_parser())
    for linked in root.iterfind("LinkSet/LinkSetDb"):
        if linked.findtext("LinkName") == name:
            yield from (text for e in linked.iterfind("Link/Id") if (text := (e.text or "").strip()))
