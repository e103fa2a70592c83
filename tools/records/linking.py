"""Reports to studies: which papers and registry entries tell of the same investigation. Pure.

A *study* is one or more *reports* (Cochrane Handbook, chapter 4.6.2). The machine joins reports only
through a trial registration number that they share, or through a registry entry whose sponsor names the
paper as its result; everything else is a person's decision, kept as a `HandLink` with a name and a reason.
What only suggests that reports belong together (a paper that NLM matched to an entry, a preprint, a
conference abstract, an erratum) comes out as a doubt. Nothing is lost: every report comes out in exactly
one group.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Literal

from pydantic import Field

from tools.errors import NotAllowed
from tools.identifiers import registry_ids, registry_of
from tools.records.citation import entry_number, numbers_of
from tools.records.dedupe import related
from tools.schemas import Frozen, Record

__all__ = [
    "HandLink",
    "StudyGroup",
    "about_leaders",
    "as_told_by_all",
    "registry_ids",
    "registry_of",
    "studies",
]

MAX_NUMBERS = 3
"""A trial is rarely in more than three registers; a report that names more is likely to list others."""

RESULT = "ResultReference"
"""What a registry entry's references are called where the sponsor declares the paper to be its result."""

SUGGESTIVE = {
    "DerivedReference": "was matched to this entry by NLM, not by its sponsor",
    "preprint": "is perhaps its preprint, or its published form",
    "conference": "was perhaps shown at a meeting before",
    "protocol": "is perhaps its protocol, or its results",
    "registry": "is perhaps its registry entry, or a paper about it",
    "ErratumFor": "is corrected by it",
    "ErratumIn": "is its erratum",
    "UpdateOf": "is updated by it",
    "UpdateIn": "is its update",
    "CorrectedandRepublishedFrom": "was corrected and published again as it",
    "CorrectedandRepublishedIn": "is its corrected form",
    "RepublishedFrom": "was published again as it",
    "RepublishedIn": "is its second publication",
    "OriginalReportIn": "is its original report",
}
"""Kinds of links between two records that suggest one study, and what the second is to the first."""

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
    joined. A registry entry lends its own number to the papers that its sponsor calls its results. Hand
    links are applied afterwards, in their order, and win.

    Raises:
        NotAllowed: a hand link names a report that is not here.
        ValueError: two reports have the same id.
    """
    ids = [r.record_id for r in reports]
    if len(set(ids)) < len(ids):
        raise ValueError(f"report ids must be unique: {[i for i, n in Counter(ids).items() if n > 1]}")
    numbers = _numbers(reports)
    keys: dict[str, set[_Key]] = {i: set(numbers[i]) if _unambiguous(numbers[i]) else set() for i in ids}
    for report in reports:
        if own := entry_number(report):
            keys[report.record_id] = {own, *_elsewhere(numbers[report.record_id], own)}
    _apply(by_hand, keys)
    groups = _components(ids, keys)
    owners = {key: index for index, group in enumerate(groups) for i in group for key in keys[i]}
    found = [_describe(group, keys, numbers, by_hand, owners, groups) for group in groups]
    return _with_suggestions(found, reports, _handled(by_hand))


def as_told_by_all(record: Record, copies: Sequence[Record]) -> Record:
    """The record with the registrations, and if it lacks one the PMID, that its duplicates name."""
    numbers = dict.fromkeys(n for one in (record, *copies) for n in one.registry_ids)
    pmid = next((one.pmid for one in (record, *copies) if one.pmid), None)
    if tuple(numbers) == record.registry_ids and pmid == record.pmid:
        return record
    return record.model_copy(update={"registry_ids": tuple(numbers), "pmid": pmid})


def about_leaders(link: HandLink, copies: Mapping[str, Sequence[Record]]) -> HandLink:
    """A person's word about a record that has since become a duplicate, said about the one that stands for it.

    Args:
        copies: leader's id to its duplicates.
    """
    leader = {copy.record_id: leader_id for leader_id, records in copies.items() for copy in records}
    ids = tuple(dict.fromkeys(leader.get(i, i) for i in link.report_ids))
    return link if ids == link.report_ids else link.model_copy(update={"report_ids": ids})


def _numbers(reports: Sequence[Record]) -> dict[str, tuple[str, ...]]:
    """Report id to its numbers, those included that registry entries lend to their results."""
    numbers = {r.record_id: numbers_of(r) for r in reports}
    by_pmid: dict[str, list[str]] = {}
    for report in reports:
        if report.pmid:
            by_pmid.setdefault(report.pmid, []).append(report.record_id)
    for entry in reports:
        own = entry_number(entry)
        if not own:
            continue
        numbers[entry.record_id] = tuple(dict.fromkeys((own, *numbers[entry.record_id])))
        for reference in entry.corrections:
            if reference.kind == RESULT and reference.pmid:
                for paper in by_pmid.get(reference.pmid, ()):
                    numbers[paper] = tuple(dict.fromkeys((*numbers[paper], own)))
    return numbers


def _elsewhere(numbers: Sequence[str], own: str) -> Iterable[str]:
    """An entry's numbers in other registers, one of each. A second number in its own register may be a
    former number or its parent study's: the entry does not say which."""
    registers = Counter(registry_of(n) or n for n in numbers)
    return (n for n in numbers if registers[registry_of(n) or n] == 1 and registry_of(n) != registry_of(own))


def _with_suggestions(
    groups: list[StudyGroup], reports: Sequence[Record], handled: set[str]
) -> list[StudyGroup]:
    """The groups with a doubt wherever a link leads from one to another, and nobody has spoken about it."""
    place = {report_id: at for at, group in enumerate(groups) for report_id in group.report_ids}
    said: dict[int, dict[str, None]] = {}
    for link in related(reports):
        first, second = place[link.first_id], place[link.second_id]
        if link.kind in SUGGESTIVE and first != second and not {link.first_id, link.second_id} & handled:
            text = f"{link.second_id} {SUGGESTIVE[link.kind]} ({link.first_id}): perhaps one study"
            said.setdefault(max(first, second), {})[text] = None
    return [
        group.model_copy(update={"doubts": (*group.doubts, *said[at])}) if at in said else group
        for at, group in enumerate(groups)
    ]


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
