"""Reports to studies: which papers and registry entries tell of the same investigation. Pure.

A *study* is one or more *reports* (Cochrane Handbook, chapter 4.6.2). The machine joins reports only
through a trial registration number that they share; everything else is a person's decision, kept as a
`HandLink` with a name and a reason. Nothing is lost: every report comes out in exactly one group.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Literal

from pydantic import Field

from tools.errors import NotAllowed
from tools.identifiers import registry_ids, registry_of
from tools.schemas import Frozen, Record

__all__ = ["HandLink", "StudyGroup", "registry_ids", "registry_of", "studies"]

MAX_NUMBERS = 3
"""A trial is rarely in more than three registers; a report that names more is likely to list others."""

_Key = Hashable


class HandLink(Frozen):
    """A person's word about which reports belong together; a later one overrides an earlier one.

    join   the named reports are one study
    split  the named reports leave, together, whatever study they were joined to
    """

    kind: Literal["join", "split"]
    report_ids: tuple[str, ...] = Field(min_length=1)
    by: str = Field(min_length=1, description="Who decided.")
    why: str = Field(min_length=1)


class StudyGroup(Frozen):
    """The reports of one study, how they came together, and what a person should look at."""

    study_id: str = Field(description="A registration number, else the id of its first report.")
    report_ids: tuple[str, ...] = Field(description="In the given order.")
    registry_ids: tuple[str, ...] = Field(default=(), description="All numbers that its reports name.")
    grouped_by: str = Field(
        default="", description="Shared numbers, `person:<name>`, or empty for one report."
    )
    why: str = Field(default="", description="The persons' reasons.")
    doubts: tuple[str, ...] = Field(default=(), description="For a person to settle with a HandLink.")


def studies(reports: Sequence[Record], by_hand: Sequence[HandLink] = ()) -> list[StudyGroup]:
    """Group reports into studies, in the order of their first report.

    Reports that share a registration number are one study, and so on along the chain. A report that
    names two numbers of one register, or more than `MAX_NUMBERS`, is likely a pooled analysis or a
    review: it joins nothing by itself and comes out alone, with a doubt that names what it would have
    joined. Hand links are applied afterwards, in their order, and win.

    Raises:
        NotAllowed: a hand link names a report that is not here.
        ValueError: two reports have the same id.
    """
    ids = [r.record_id for r in reports]
    if len(set(ids)) < len(ids):
        raise ValueError(f"report ids must be unique: {[i for i, n in Counter(ids).items() if n > 1]}")
    numbers = {r.record_id: _numbers_of(r) for r in reports}
    keys: dict[str, set[_Key]] = {i: set(numbers[i]) if _unambiguous(numbers[i]) else set() for i in ids}
    _apply(by_hand, keys)
    groups = _components(ids, keys)
    owners = {key: index for index, group in enumerate(groups) for i in group for key in keys[i]}
    return [_describe(group, keys, numbers, by_hand, owners, groups) for group in groups]


def _numbers_of(report: Record) -> tuple[str, ...]:
    """Its numbers in one spelling; a form that we do not know stays as it is."""
    return tuple(
        dict.fromkeys(one for given in report.registry_ids for one in registry_ids(given) or (given,))
    )


def _unambiguous(numbers: Sequence[str]) -> bool:
    per_register = Counter(registry_of(n) or n for n in numbers)
    return len(numbers) <= MAX_NUMBERS and all(n == 1 for n in per_register.values())


def _apply(by_hand: Sequence[HandLink], keys: dict[str, set[_Key]]) -> None:
    """Rewrite the keys so that reports with a common key are together, as the persons decided.

    A split renames every key of the leaving reports, so they keep what ties them to each other.
    """
    for index, link in enumerate(by_hand):
        unknown = [i for i in link.report_ids if i not in keys]
        if unknown:
            raise NotAllowed(
                f"{link.by} linked {unknown}, which is not among the reports of this review; "
                "correct the id, or withdraw the link"
            )
        for report_id in link.report_ids:
            if link.kind == "join":
                keys[report_id].add(("join", index))
            else:
                keys[report_id] = {("split", index, key) for key in keys[report_id]}


def _components(ids: Iterable[str], keys: dict[str, set[_Key]]) -> list[list[str]]:
    """Connected components of reports over common keys, both levels in the given order."""
    ids = list(ids)
    holders: dict[_Key, list[str]] = {}
    for report_id in ids:
        for key in keys[report_id]:
            holders.setdefault(key, []).append(report_id)
    group_of: dict[str, int] = {}
    count = 0
    for first in ids:
        if first in group_of:
            continue
        waiting = [first]
        group_of[first] = count
        while waiting:
            for key in keys[waiting.pop()]:
                for other in holders.pop(key, ()):
                    if other not in group_of:
                        group_of[other] = count
                        waiting.append(other)
        count += 1
    groups: list[list[str]] = [[] for _ in range(count)]
    for report_id in ids:
        groups[group_of[report_id]].append(report_id)
    return groups


def _describe(
    group: list[str],
    keys: dict[str, set[_Key]],
    numbers: dict[str, tuple[str, ...]],
    by_hand: Sequence[HandLink],
    owners: dict[_Key, int],
    groups: list[list[str]],
) -> StudyGroup:
    # A number that a split took away from here is no plain key any more, so that the part which stays
    # keeps the number as its id and the part which leaves takes its own first report's.
    plain = Counter(key for i in group for key in keys[i] if isinstance(key, str))
    shared = sorted(number for number, n in plain.items() if n > 1)
    hands = [link for link in by_hand if set(link.report_ids) & set(group)]
    persons = dict.fromkeys(f"person:{link.by}" for link in hands)
    return StudyGroup(
        study_id=_preferred(plain) or group[0],
        report_ids=tuple(group),
        registry_ids=tuple(dict.fromkeys(n for i in group for n in numbers[i])),
        grouped_by="; ".join([*shared, *persons]),
        why="; ".join(dict.fromkeys(link.why for link in hands)),
        doubts=tuple(_doubts(group, numbers, plain, owners, groups, handled=_handled(by_hand))),
    )


def _preferred(numbers: Iterable[str]) -> str | None:
    """ClinicalTrials.gov before others, since most links lead there; then alphabetical."""
    return min(numbers, key=lambda n: (registry_of(n) != "ClinicalTrials.gov", n), default=None)


def _handled(by_hand: Sequence[HandLink]) -> set[str]:
    return {i for link in by_hand for i in link.report_ids}


def _doubts(
    group: list[str],
    numbers: dict[str, tuple[str, ...]],
    plain: Counter[str],
    owners: dict[_Key, int],
    groups: list[list[str]],
    handled: set[str],
) -> list[str]:
    doubts = []
    for report_id in group:
        if _unambiguous(numbers[report_id]) or report_id in handled:
            continue
        named = numbers[report_id]
        near = dict.fromkeys(groups[owners[n]][0] for n in named if n in owners)
        beside = f"; reports of the same numbers: {', '.join(near)}" if near else ""
        doubts.append(f"{report_id} names {', '.join(named)}: perhaps several studies{beside}")
    registers = Counter(registry_of(n) or n for n in plain)
    for register in (r for r, n in registers.items() if n > 1):
        several = sorted(n for n in plain if registry_of(n) == register)
        doubts.append(f"the chain of reports holds several {register} numbers: {', '.join(several)}")
    return doubts
