"""Records of one citation become a group, and what only looks like one goes to a person. Pure.

`sort_out` compares the pairs that share a key (`candidates`), judges each (`likeness`), and joins those that
are safe. Joins are transitive, contradictions are not joined: a chain that would bring together two PMIDs,
two DOIs or years more than one apart falls apart into doubts. What people decided wins, the later over the
earlier, and can be undone by deciding again. Nothing is lost: every record comes out in exactly one group.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from pydantic import Field
from rapidfuzz import fuzz, process

from tools.records.candidates import pairs
from tools.records.citation import Citation, citation, folded
from tools.records.decisions import DuplicateDecision
from tools.records.likeness import ABSTRACT, Likeness, Verdict, judge, likeness
from tools.schemas import Frozen, Record

__all__ = [
    "RECIPE",
    "Doubt",
    "DuplicateDecision",
    "Group",
    "Link",
    "SortedOut",
    "doubts",
    "group",
    "related",
    "sort_out",
    "title_key",
]

RECIPE = "2"
"""Raised when the same records would be grouped in another way, so that stored groups are made anew."""

LOWEST_TITLE = 0.6
"""Pairs whose titles are less alike than this are compared only if they share an identifier or a place."""

COLLECTION = 3
"""A DOI under so many different titles is a collection's, such as a meeting's proceedings."""

_NOT_WORD = re.compile(r"[\W_]+")


class Group(Frozen):
    """Records of one citation; a record without duplicates is a group of its own."""

    leader_id: str = Field(description="Stands for the group: the first in the given order.")
    member_ids: tuple[str, ...] = Field(description="All of them, the leader first, in the given order.")
    reason: str = Field(default="", description="What joined them; empty for a single record.")


class Doubt(Frozen):
    """Two records that may be one citation and were not joined: a person decides."""

    first_id: str
    second_id: str
    reason: str = Field(description="What agrees and what differs, in a line.")
    score: float = Field(default=0.0, description="0 to 1, for sorting; no probability.")


class Link(Frozen):
    """Two records that belong together and are not one citation: reports, perhaps, of one study."""

    kind: str = Field(
        description="`preprint`, `conference`, `protocol`, `registry` of the other's title and authors, or a "
        "source's own word such as `ErratumFor` or `ResultReference`."
    )
    first_id: str
    second_id: str
    reason: str = ""


class SortedOut(Frozen):
    """What became of a list of records."""

    groups: tuple[Group, ...]
    doubts: tuple[Doubt, ...]
    links: tuple[Link, ...]


def title_key(title: str) -> str:
    """A title reduced to letters and digits, for comparison only.

    Case, punctuation, typography and the brackets of translated titles do not tell citations apart.
    """
    return _NOT_WORD.sub(" ", unicodedata.normalize("NFKC", title).casefold()).strip()


def group(records: Sequence[Record], by_hand: Sequence[DuplicateDecision] = ()) -> list[Group]:
    """Every record in exactly one group, in the order of the leaders; see `sort_out`."""
    return list(sort_out(records, by_hand).groups)


def doubts(records: Sequence[Record], by_hand: Sequence[DuplicateDecision] = ()) -> list[Doubt]:
    """Pairs for a person, the most alike first; see `sort_out`."""
    return list(sort_out(records, by_hand).doubts)


def related(records: Sequence[Record]) -> list[Link]:
    """Pairs that are linked and never joined; see `sort_out`."""
    return list(sort_out(records).links)


def sort_out(records: Sequence[Record], by_hand: Sequence[DuplicateDecision] = ()) -> SortedOut:
    """Groups, doubts and links of a list of records.

    A doubt stands for two groups: of all pairs between them it shows the most alike. A pair about which a
    person has decided is no doubt any more. Decisions about records that are not here are passed over: the
    search that brought them was replaced.

    Raises:
        ValueError: two records have the same id.
    """
    place_of = {record.record_id: place for place, record in enumerate(records)}
    if len(place_of) < len(records):
        raise ValueError("record ids must be unique before grouping")
    cited = [citation(record, place) for place, record in enumerate(records)]
    compared = _compared(cited, records)
    joined = _Joined(cited, _Persons.of(by_hand, place_of), compared)
    return SortedOut(
        groups=tuple(joined.groups()),
        doubts=tuple(joined.doubts()),
        links=(*_told_links(records), *joined.links()),
    )


# Comparing -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Pair:
    first: int
    second: int
    like: Likeness
    verdict: Verdict


def _compared(cited: Sequence[Citation], records: Sequence[Record]) -> list[_Pair]:
    """All pairs of which something follows, by place."""
    candidates = pairs(cited)
    if not len(candidates):
        return []
    titles = [c.title for c in cited]
    # One call for all pairs: a call per pair would spend most of its time on the way into the library.
    alike = process.cpdist(
        [titles[i] for i in candidates[:, 0]],
        [titles[j] for j in candidates[:, 1]],
        scorer=fuzz.ratio,
        dtype=np.float32,
        workers=-1,
    )
    abstracts: dict[int, str] = {}

    def abstract_of(place: int) -> str:
        if place not in abstracts:
            abstracts[place] = folded(records[place].abstract[: 2 * ABSTRACT])[:ABSTRACT]
        return abstracts[place]

    found = []
    for (first, second), title in zip(candidates.tolist(), alike.tolist(), strict=True):
        one, other = cited[first], cited[second]
        if title < 100 * LOWEST_TITLE and not _share(one, other):
            continue
        like = likeness(one, other, title / 100, abstract_of)
        verdict = judge(one, other, like)
        if verdict.kind != "other":
            found.append(_Pair(first, second, like, verdict))
    return found


def _share(one: Citation, other: Citation) -> bool:
    """An identifier, or the place in a volume: titles may then differ, in another language for one."""
    if any(
        (mine := getattr(one, name)) and mine == getattr(other, name) for name in ("pmid", "doi", "entry")
    ):
        return True
    if not one.start_page or one.start_page != other.start_page or not one.volume:
        return False
    return one.volume == other.volume and bool(one.authors & other.authors)


def _told_links(records: Sequence[Record]) -> Iterator[Link]:
    """What the sources themselves say: corrections, and references of registry entries."""
    holders: dict[str, list[str]] = {}
    for record in records:
        if record.pmid:
            holders.setdefault(record.pmid, []).append(record.record_id)
    for record in records:
        for said in record.corrections:
            for other in holders.get(said.pmid or "", ()):
                if other != record.record_id:
                    yield Link(
                        kind=said.kind,
                        first_id=record.record_id,
                        second_id=other,
                        reason="told by the source",
                    )


# People --------------------------------------------------------------------------------------------


class _Persons:
    """What people decided, as pairs of places: joined sets, and pairs that must stay apart."""

    def __init__(self) -> None:
        self.sets = _Sets()
        self.apart: set[frozenset[int]] = set()
        self.reasons: dict[frozenset[int], str] = {}

    @classmethod
    def of(cls, decisions: Sequence[DuplicateDecision], place_of: Mapping[str, int]) -> "_Persons":
        """The newest decision first, so that an older one finds its pairs taken."""
        made = cls()
        for decision in reversed(decisions):
            here = [place_of[i] for i in decision.record_ids if i in place_of]
            for one, other in combinations(here, 2):
                made._take(decision, one, other)
        return made

    def _take(self, decision: DuplicateDecision, one: int, other: int) -> None:
        together = self.sets.root(one) == self.sets.root(other)
        if decision.kind == "different" and not together:
            self.apart.add(frozenset((one, other)))
        elif decision.kind == "same" and not together and not self.parted(one, other):
            self.sets.join(one, other)
            self.reasons[frozenset((one, other))] = f"person:{decision.by}: {decision.why}"

    def parted(self, one: int, other: int) -> bool:
        """Somebody said that a member of the one set is not a member of the other."""
        if not self.apart:
            return False
        ones, others = self.sets.members(one), self.sets.members(other)
        return any(frozenset((a, b)) in self.apart for a in ones for b in others)


class _Sets:
    """Disjoint sets of places whose root is the earliest."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}
        self._members: dict[int, list[int]] = {}

    def root(self, place: int) -> int:
        while (parent := self._parent.get(place, place)) != place:
            self._parent[place] = place = self._parent.get(parent, parent)
        return place

    def members(self, place: int) -> list[int]:
        """All of the set that a place is in."""
        root = self.root(place)
        return self._members.get(root, [root])

    def join(self, one: int, other: int) -> None:
        first, second = sorted((self.root(one), self.root(other)))
        if first != second:
            self._members[first] = [*self.members(first), *self.members(second)]
            self._members.pop(second, None)
            self._parent[second] = first


# Joining -------------------------------------------------------------------------------------------


class _Joined:
    """The groups: persons' sets, grown by safe pairs wherever nothing contradicts."""

    def __init__(self, cited: Sequence[Citation], persons: _Persons, compared: Sequence[_Pair]) -> None:
        self.cited, self.persons, self.compared = cited, persons, compared
        self.sets = _Sets()
        self.refused: list[_Pair] = []
        self.why: dict[int, dict[str, None]] = {}
        for places, reason in sorted(persons.reasons.items(), key=lambda item: sorted(item[0])):
            one, other = sorted(places)
            self._join(one, other, reason)
        safe = [pair for pair in compared if pair.verdict.kind == "same"]
        for part in _components(safe, persons.sets):
            self._settle(part)

    def groups(self) -> Iterator[Group]:
        """In the order of their first member."""
        for place, c in enumerate(self.cited):
            if self.sets.root(place) == place:
                members = sorted(self.sets.members(place))
                ids = tuple(self.cited[m].record_id for m in members)
                reasons = [reason for m in members for reason in self.why.get(m, ())]
                yield Group(leader_id=c.record_id, member_ids=ids, reason="; ".join(dict.fromkeys(reasons)))

    def doubts(self) -> list[Doubt]:
        """Two groups that may be one, the most alike first; a decided pair opens the next that it stood for."""
        asked = [pair for pair in self.compared if pair.verdict.kind == "doubt"] + self.refused
        collections = _collections(self.cited)
        best: dict[tuple[int, int], _Pair] = {}
        for pair in asked:
            first, second = sorted((self.sets.root(pair.first), self.sets.root(pair.second)))
            if first == second or self._decided(first, second) or self._by_chance(pair, collections):
                continue
            known = best.get((first, second))
            if known is None or pair.like.score > known.like.score:
                best[first, second] = pair
        # Ten records of one title are nine questions, not forty-five: what follows from others is not asked.
        shown, asked_of = [], _Sets()
        for pair in sorted(best.values(), key=lambda p: (-p.like.score, p.first, p.second)):
            first, second = self.sets.root(pair.first), self.sets.root(pair.second)
            if asked_of.root(first) != asked_of.root(second):
                asked_of.join(first, second)
                shown.append(self._doubt(pair))
        return shown

    def links(self) -> Iterator[Link]:
        """One for every two groups that are related in one way."""
        seen = set()
        for pair in self.compared:
            if pair.verdict.kind != "related":
                continue
            first, second = sorted((self.sets.root(pair.first), self.sets.root(pair.second)))
            key = (first, second, pair.verdict.relation)
            if first != second and key not in seen:
                seen.add(key)
                yield Link(
                    kind=pair.verdict.relation,
                    first_id=self.cited[pair.first].record_id,
                    second_id=self.cited[pair.second].record_id,
                    reason=pair.verdict.reason,
                )

    def _doubt(self, pair: _Pair) -> Doubt:
        reason = pair.verdict.reason if pair.verdict.kind == "doubt" else self._why_not(pair)
        return Doubt(
            first_id=self.cited[pair.first].record_id,
            second_id=self.cited[pair.second].record_id,
            reason=reason,
            score=pair.like.score,
        )

    def _why_not(self, pair: _Pair) -> str:
        return f"{pair.like.evidence}; not joined, as more than one citation would fit"

    def _decided(self, first: int, second: int) -> bool:
        return any(
            frozenset((a, b)) in self.persons.apart
            for a in self.sets.members(first)
            for b in self.sets.members(second)
        )

    def _by_chance(self, pair: _Pair, collections: set[str]) -> bool:
        """Two of many titles under a collection's DOI, with nothing else in common."""
        one, other, like = self.cited[pair.first], self.cited[pair.second], pair.like
        shared = like.doi == 1 and like.pmid < 1 and one.doi in collections
        return (
            shared
            and one.title != other.title
            and like.pages < 1
            and like.title < 0.85
            and bool(one.title and other.title)
        )

    # Components ----------------------------------------------------------------------------------

    def _settle(self, part: Sequence[_Pair]) -> None:
        """Join a component of safe pairs; if it contradicts itself, by ever stronger pairs only."""
        if self._consistent(part):
            for pair in part:
                self._join(pair.first, pair.second, pair.verdict.reason)
            return
        for strong in (_by_identifier, lambda pair: pair.like.pmid == 1):
            kept = [pair for pair in part if strong(pair)]
            if len(kept) < len(part):
                self.refused += [pair for pair in part if not strong(pair)]
                for smaller in _components(kept, self.sets):
                    self._settle(smaller)
                return
        self.refused += part

    def _consistent(self, part: Sequence[_Pair]) -> bool:
        """No two members of what would become one group contradict each other."""
        places = {m for pair in part for place in (pair.first, pair.second) for m in self.sets.members(place)}
        atoms = {self.persons.sets.root(place): self.persons.sets.members(place) for place in places}
        if self.persons.apart and any(
            frozenset(two) in self.persons.apart for two in combinations(sorted(places), 2)
        ):
            return False
        if len(atoms) == len(places):
            return _agree([self.cited[place] for place in places])
        parts = [[self.cited[m] for m in members] for members in atoms.values()]
        return all(_fit(one, other) for one, other in combinations(parts, 2))

    def _join(self, one: int, other: int, reason: str) -> None:
        if self.sets.root(one) != self.sets.root(other):
            self.sets.join(one, other)
            self.why.setdefault(max(one, other), {})[reason] = None


def _by_identifier(pair: _Pair) -> bool:
    return 1 in (pair.like.pmid, pair.like.doi, pair.like.entry)


def _components(part: Sequence[_Pair], grown: _Sets) -> list[list[_Pair]]:
    """Pairs that hang together, through each other or through sets that are joined already."""
    sets = _Sets()
    for pair in part:
        for place in (pair.first, pair.second):
            sets.join(place, grown.root(place))
        sets.join(pair.first, pair.second)
    found: dict[int, list[_Pair]] = {}
    for pair in part:
        found.setdefault(sets.root(pair.first), []).append(pair)
    return list(found.values())


def _collections(cited: Sequence[Citation]) -> set[str]:
    titles: dict[str, set[str]] = {}
    for c in cited:
        if c.doi and c.title:
            titles.setdefault(c.doi, set()).add(c.title)
    return {doi for doi, held in titles.items() if len(held) >= COLLECTION}


def _agree(members: Iterable[Citation]) -> bool:
    """What one citation can have only one of, these have one of; years lie at most one apart."""
    members = list(members)
    single: tuple[set[Any], ...] = (
        {c.pmid for c in members} - {""},
        {c.doi for c in members} - {""},
        {c.entry for c in members} - {""},
        {c.notice for c in members},
        {c.protocol for c in members if c.title},
    )
    if any(not c.title for c in members) and len({c.title for c in members} - {""}) > 1:
        return False  # an untitled record would fit two titles
    years = [c.year for c in members if c.year is not None]
    close = not years or max(years) - min(years) <= 1
    return close and all(len(values) <= 1 for values in single)


def _fit(one: Sequence[Citation], other: Sequence[Citation]) -> bool:
    """A set that a person made may hold two PMIDs; another joins it if it has one of them, or none."""
    for name in ("pmid", "doi"):
        mine, theirs = ({getattr(c, name) for c in part} - {""} for part in (one, other))
        if mine and theirs and not mine & theirs:
            return False
    years, others = ([c.year for c in part if c.year is not None] for part in (one, other))
    return not years or not others or min(abs(a - b) for a in years for b in others) <= 1
