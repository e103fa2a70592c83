"""Records of PubMed by their PMIDs, in batches: EFetch with all its ways of not quite answering.

Source: NBK25499 (E-utilities Help), "EFetch".
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from tools import eutils
from tools.errors import SourceRefused, SourceUnavailable
from tools.exchange import Judgement, Reply
from tools.schemas import Record
from tools.search.sources.ahead import ahead
from tools.transport import Transport

if TYPE_CHECKING:
    from lxml import etree

__all__ = ["Batch", "Delivery", "Fetcher", "Kept", "batches"]

NAME = "pubmed"
OK = Judgement(kind="ok")
TRIAL = 2
"""Attempts for a part of a batch that could not be read as a whole; the batch had all our patience."""

_STRANGERS = "the history server gave records that were not in the answer to the search"
_DIVIDED = "application/json"
"""Media type of our own note about a batch, which is kept in the place of PubMed's answer."""


@dataclass
class Kept:
    """A search that the history server keeps for us, until it forgets it."""

    web_env: str
    query_key: str

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return bool(self.web_env and self.query_key)

    def forgotten(self) -> None:
        """It answered that it knows of no such search, or gave another one's records."""
        self.web_env = self.query_key = ""


@dataclass(frozen=True)
class Batch:
    """PMIDs to fetch together, and where the history server has them."""

    ids: tuple[str, ...]
    start: int
    kept: Kept


@dataclass
class Delivery:
    """What has arrived so far."""

    records: dict[str, Record] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)
    warnings: dict[str, None] = field(default_factory=dict)
    """In order, each once."""
    last_at: str = ""
    """When the last answer came; UTC, ISO 8601."""

    def missing(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Those of `ids` that have not come, in ascending order."""
        return tuple(sorted(set(ids) - self.records.keys(), key=int))

    def unexplained(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Those of the missing of which PubMed has said nothing."""
        return tuple(i for i in self.missing(ids) if i not in self.deleted | self.unreadable)


def batches(parts: Sequence[tuple[Sequence[str], Kept]], size: int) -> Iterator[Batch]:
    """Listings in batches, each PMID once. What several listings leave over is put together."""
    seen: set[str] = set()
    over: list[str] = []
    for ids, kept in parts:
        for start in range(0, len(ids), size):
            wanted = tuple(ids[start : start + size])
            if seen.isdisjoint(wanted) and (len(wanted) == size or len(parts) == 1):
                yield Batch(wanted, start, kept)
            else:  # no longer a stretch of a list that the history server keeps
                over.extend(i for i in wanted if i not in seen)
            seen.update(wanted)
    for start in range(0, len(over), size):
        yield Batch(tuple(over[start : start + size]), 0, Kept("", ""))


@dataclass(frozen=True)
class Fetcher:
    """Fetches the records of one search event.

    Args:
        transport: with a service named `eutils.SERVICE`.
        caller: who asks.
        event: the search event.
        parallel: EFetch calls at a time. The rate limit spaces their starts; without several of them the
            time that PubMed takes for one answer would be the limit.
    """

    transport: Transport
    caller: eutils.Caller
    event: str
    parallel: int

    def fetch(self, wanted: Sequence[Batch], progress: Callable[[int, int], None]) -> Delivery:
        """All records of these batches, as far as PubMed has them.

        What did not come with its batch is asked for once more by its PMID.

        Raises:
            SourceUnavailable: see `Transport.exchange`; what has arrived is kept.
            SourceRefused: PubMed refuses a batch.
        """
        delivery = Delivery()
        asked = frozenset(i for batch in wanted for i in batch.ids)
        jobs = [partial(self._whole, batch) for batch in wanted]
        done = 0
        for batch, replies in zip(wanted, ahead(jobs, self.parallel), strict=True):
            for reply in replies:
                self._take(reply, asked, delivery)
            done += len(batch.ids)
            progress(done, len(asked))
        late = delivery.unexplained(asked)
        size = max((len(batch.ids) for batch in wanted), default=1)
        for start in range(0, len(late), size):
            self._take(self._by_ids(late[start : start + size], None, None), asked, delivery)
        for pmid in delivery.unexplained(asked):
            delivery.warnings[f"PMID {pmid} was asked for twice and did not come"] = None
        return delivery

    # Asking --------------------------------------------------------------------------------------

    def _whole(self, batch: Batch) -> tuple[Reply, ...]:
        """A batch by the history server, or by its ids once that has forgotten our search, or in pieces.

        All ways ask the same question, so all have one key: a search that was resumed after its history
        expired replays as well as one that ran through.
        """
        try:
            reply = self._by_history(batch) or self._by_ids(
                batch.ids, lambda root: _look_at_set(root, batch.ids, strangers=True), None
            )
        except SourceUnavailable as e:
            if not e.divisible or not self._others_come():
                raise
            reply = self._divided(batch.ids)
        if reply.content_type != _DIVIDED:
            return (reply,)
        parts = json.loads(reply.body)["parts"]
        return (reply, *(self._by_ids(ids, None, None) for ids in parts))

    def _by_history(self, batch: Batch) -> Reply | None:
        """None where the history server cannot help."""
        web_env, query_key = batch.kept.web_env, batch.kept.query_key
        if not batch.kept.alive:
            return None
        params = {"db": "pubmed", "retmode": "xml", "WebEnv": web_env, "query_key": query_key}
        params |= {"retstart": str(batch.start), "retmax": str(len(batch.ids))}
        try:
            return eutils.ask(
                self.transport,
                "efetch",
                caller=self.caller,
                event=self.event,
                params=params,
                stands_for=_question(batch.ids),
                root="PubmedArticleSet",
                look=lambda root: _look_at_set(root, batch.ids, strangers=False),
            )
        except SourceRefused as e:
            if not (eutils.history_expired(e.said) or e.said == _STRANGERS):
                raise
            batch.kept.forgotten()
            return None

    def _by_ids(self, ids: Sequence[str], look: eutils.Look | None, attempts: int | None) -> Reply:
        return eutils.ask(
            self.transport,
            "efetch",
            caller=self.caller,
            event=self.event,
            params=_question(ids),
            root="PubmedArticleSet",
            look=look,
            attempts=attempts,
        )

    # A batch that cannot be read -----------------------------------------------------------------

    def _others_come(self) -> bool:
        """Whether PubMed sends any set of articles at all: else it is down, and no record is to blame."""
        call = eutils.call_of("efetch", caller=self.caller, event=self.event, params=_question(["1"]))
        try:
            self.transport.exchange(
                call, lambda reply: eutils.judge(reply, "PubmedArticleSet"), attempts=TRIAL, kept=False
            )
        except SourceUnavailable:
            return False
        return True

    def _divided(self, ids: tuple[str, ...]) -> Reply:
        """Halve a batch until only the records that break it are left out; a note of it is kept."""
        parts: list[tuple[str, ...]] = []
        unreadable: dict[str, str] = {}
        pieces = [ids[: len(ids) // 2], ids[len(ids) // 2 :]] if len(ids) > 1 else [ids]
        while pieces:
            piece = pieces.pop(0)
            try:
                self._by_ids(piece, None, TRIAL)
            except SourceUnavailable as e:
                if not e.divisible:
                    raise
                if len(piece) == 1:
                    unreadable[piece[0]] = e.what.partition("\n")[0]
                else:
                    pieces[:0] = [piece[: len(piece) // 2], piece[len(piece) // 2 :]]
            else:
                parts.append(piece)
        call = eutils.call_of("efetch", caller=self.caller, event=self.event, params=_question(ids))
        note = {"asked": ids, "parts": parts, "unreadable": unreadable}
        return self.transport.settle(call, json.dumps(note).encode(), _DIVIDED)

    # Reading -------------------------------------------------------------------------------------

    def _take(self, reply: Reply, wanted: frozenset[str], delivery: Delivery) -> None:
        """Add what came. What cannot be a record stays among the missing, and is said aloud."""
        # Imported here so that commands that never meet XML start without lxml.
        from tools.search.pubmed_xml import Deleted, Unreadable, parse_article_set

        delivery.last_at = max(delivery.last_at, reply.at)
        if reply.content_type == _DIVIDED:
            for pmid, why in json.loads(reply.body)["unreadable"].items():
                delivery.unreadable.add(pmid)
                delivery.warnings[f"PMID {pmid} breaks every answer that should hold it: {why}"] = None
            return
        for item in parse_article_set(io.BytesIO(reply.body), name=NAME):
            if isinstance(item, Deleted):
                if item.pmid in wanted:
                    delivery.deleted.add(item.pmid)
                said = f"PMID {item.pmid} was deleted from PubMed or merged into another"
            elif isinstance(item, Unreadable):
                delivery.unreadable.update({item.pmid} if item.pmid else ())
                who = f"PMID {item.pmid}" if item.pmid else f"article {item.position} of a batch"
                said = f"{who} could not be read: {item.reason}"
            elif item.pmid not in wanted:
                said = (
                    f"PMID {item.pmid} came without being asked for, perhaps in place of a missing one; "
                    "it is not taken up: look at it by hand"
                )
            else:
                delivery.records.setdefault(item.pmid, item)
                continue
            delivery.warnings[said] = None


def _question(ids: Sequence[str]) -> dict[str, str]:
    return {"db": "pubmed", "retmode": "xml", "id": ",".join(ids)}


def _look_at_set(root: etree._Element, asked: tuple[str, ...], *, strangers: bool) -> Judgement:
    """An EFetch answer brings something, and, where `strangers` are not welcome, nothing else."""
    if len(root) == 0 and len(asked) > 1:
        return Judgement(kind="transient", said=f"none of {len(asked)} records came")
    if not strangers and not set(asked).issuperset(_pmids(root)):
        return Judgement(kind="permanent", said=_STRANGERS)
    return OK


def _pmids(root: etree._Element) -> Iterator[str]:
    for path in ("PubmedArticle/MedlineCitation/PMID", "PubmedBookArticle/BookDocument/PMID"):
        for element in root.iterfind(path):
            yield (element.text or "").strip()
