"""First, cautious grouping of records that are the same citation. Pure.

Only identity of an identifier joins, and only where the titles agree: one wrong join hides a study, one
missed join costs a reader a minute. PMID and DOI are not proof by themselves: meeting abstracts share
their proceedings' DOI, and an erratum or a Part II can carry the title of another PMID. Such pairs come
out as `Doubt` for a person. (Bramer et al. 2016, PMC4915647, on why identifiers cannot be relied upon.)
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from pydantic import Field

from tools.schemas import Frozen, Record

__all__ = ["Doubt", "Group", "doubts", "group", "title_key"]

_NOT_WORD = re.compile(r"[\W_]+")


class Group(Frozen):
    """Records of one citation; a record without duplicates is a group of its own."""

    leader_id: str = Field(description="Stands for the group: the first in the given order.")
    member_ids: tuple[str, ...] = Field(description="All of them, the leader first, in the given order.")
    reason: str = Field(default="", description="What joined them; empty for a single record.")


class Doubt(Frozen):
    """Two records with the same identifier that were not joined: a person decides."""

    first_id: str
    second_id: str
    reason: str


def title_key(title: str) -> str:
    """A title reduced to letters and digits, for comparison only.

    Case, punctuation, typography and the brackets of translated titles do not tell citations apart.
    """
    return _NOT_WORD.sub(" ", unicodedata.normalize("NFKC", title).casefold()).strip()


def group(records: Sequence[Record]) -> list[Group]:
    """Every record in exactly one group, in the order of the leaders.

    Joined are records with the same PMID or the same DOI whose titles agree by `title_key`, or of which
    one has no title; never two different PMIDs, never an untitled record that fits two titles.

    Raises:
        ValueError: two records have the same id.
    """
    merging = _Merging(records)
    return [
        Group(
            leader_id=records[members[0]].record_id,
            member_ids=tuple(records[m].record_id for m in members),
            reason="; ".join(merging.reasons[members[0]]),
        )
        for members in merging.groups()
    ]


def doubts(records: Sequence[Record]) -> list[Doubt]:
    """Pairs that share an identifier and were not joined, in a fixed order.

    Of many records with one identifier, each is paired with the first, so the list grows linearly.

    Raises:
        ValueError: two records have the same id.
    """
    merging = _Merging(records)
    found: dict[tuple[str, str], Doubt] = {}
    for label, bucket in merging.buckets:
        seen = {merging.root(bucket[0])}
        for member in bucket[1:]:
            root = merging.root(member)
            if root in seen:
                continue
            seen.add(root)
            pair = (records[bucket[0]].record_id, records[member].record_id)
            found.setdefault(
                pair, Doubt(first_id=pair[0], second_id=pair[1], reason=merging.why(label, bucket, member))
            )
    return list(found.values())


class _Merging:
    """Disjoint sets whose root is the earliest record, each set with at most one title and one PMID."""

    def __init__(self, records: Sequence[Record]) -> None:
        if len({r.record_id for r in records}) < len(records):
            raise ValueError("record ids must be unique before grouping")
        self._parent = list(range(len(records)))
        self._titles = [title_key(r.title) for r in records]
        self._pmids = [r.pmid or "" for r in records]
        self.reasons: list[dict[str, None]] = [{} for _ in records]
        self._own = list(zip(self._titles, self._pmids, strict=True))
        # PMIDs first: the stronger identity settles what the weaker one may still join.
        self.buckets = [
            *_buckets("PMID", [r.pmid for r in records]),
            *_buckets("DOI", [r.doi for r in records]),
        ]
        for label, bucket in self.buckets:
            for members in self._agreeing(bucket):
                for member in members[1:]:
                    self._join(members[0], member, label)

    def root(self, index: int) -> int:
        while self._parent[index] != index:
            self._parent[index] = self._parent[self._parent[index]]
            index = self._parent[index]
        return index

    def groups(self) -> Iterator[list[int]]:
        members: dict[int, list[int]] = {}
        for index in range(len(self._parent)):
            members.setdefault(self.root(index), []).append(index)
        yield from members.values()

    def why(self, label: str, bucket: list[int], member: int) -> str:
        first, other = self._own[bucket[0]], self._own[member]
        if first[0] != other[0] and first[0] and other[0]:
            differ = "different titles"
        elif first[1] != other[1] and first[1] and other[1]:
            differ = "different PMIDs"
        else:
            differ = "a title or PMID is missing, and it would fit more than one of them"
        return f"same {label}, {differ} ({len(bucket)} records share it)"

    def _agreeing(self, bucket: list[int]) -> Iterator[list[int]]:
        """Members that agree on title and PMID; a blank is filled only where one value is possible."""
        titles = {self._own[m][0] for m in bucket} - {""}
        pmids_of = {
            t: {self._own[m][1] for m in bucket if self._own[m][0] in (t, "")} - {""} for t in titles | {""}
        }
        cells: dict[tuple[str, str], list[int]] = {}
        for member in bucket:
            title, pmid = self._own[member]
            if not title and len(titles) == 1:
                (title,) = titles
            elif not title and titles:
                continue
            if not pmid and len(pmids_of[title]) == 1:
                (pmid,) = pmids_of[title]
            elif not pmid and pmids_of[title]:
                continue
            cells.setdefault((title, pmid), []).append(member)
        yield from cells.values()

    def _join(self, one: int, other: int, label: str) -> None:
        first, second = sorted((self.root(one), self.root(other)))
        if first == second:
            return
        for values in (self._titles, self._pmids):
            if values[first] and values[second] and values[first] != values[second]:
                return  # joined to something else meanwhile; `doubts` will show the pair
        for values in (self._titles, self._pmids):
            values[first] = values[first] or values[second]
        self._parent[second] = first
        self.reasons[first] |= self.reasons[second] | {f"same {label}": None}


def _buckets(name: str, values: Sequence[str | None]) -> list[tuple[str, list[int]]]:
    """(label, indexes) of each value that several records have, in the order of the first of them."""
    holders: dict[str, list[int]] = {}
    for index, value in enumerate(values):
        if value:
            holders.setdefault(value, []).append(index)
    return [(f"{name} {value}", held) for value, held in holders.items() if len(held) > 1]
