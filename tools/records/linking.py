"""Reports to studies: which papers and registry entries tell of the same investigation. Pure.

A *study* is one or more *reports* (Cochrane Handbook, chapter 4.6.2). The machine joins reports only
through a trial registration number that they share; everything else is a person's decision, kept as a
`HandLink` with a name and a reason. Nothing is lost: every report comes out in exactly one group.
"""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Literal

from pydantic import Field

from tools.errors import NotAllowed
from tools.schemas import Frozen, Record

__all__ = ["HandLink", "StudyGroup", "registry_ids", "registry_of", "studies"]

MAX_NUMBERS = 3
"""A trial is rarely in more than three registers; a report that names more is likely to list others."""

# Formats as the registers print them (WHO ICTRP, list of primary registries). Two spellings that
# authors use freely, `NCT 01234567` and `ISRCTN-12345678`, are read too.
_REGISTERS: dict[str, str] = {
    "ClinicalTrials.gov": r"NCT[\s:#-]?\d{8}",
    "ISRCTN": r"ISRCTN[\s:-]?\d{8}",
    "EU": r"(?:(?:EudraCT|EUCT|CTIS)[ :#.a-z-]{0,12})?(?:19|20)\d\d-\d{6}-\d\d(?:-\d\d)?",
    "ANZCTR": r"ACTRN\d{14}",
    "ChiCTR": r"ChiCTR(?:-[A-Z]{2,5}-?)?\d{8,10}",
    "CRIS": r"KCT\d{7}",
    "CTRI": r"CTRI/\d{4}/\d{2,3}/\d{6}",
    "DRKS": r"DRKS\d{8}",
    "IRCT": r"IRCT\d{8,16}(?:N\d{1,3})?",
    "jRCT": r"(?:JPRN-)?jRCTs?\d{9,10}",
    "NTR": r"NTR\d{2,5}",
    "PACTR": r"PACTR\d{15,16}",
    "ReBec": r"RBR-[0-9a-z]{6,8}",
    "SLCTR": r"SLCTR/\d{4}/\d{3}",
    "TCTR": r"TCTR\d{11}",
    "UMIN": r"(?:JPRN-)?UMIN\d{9}",
}
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9-])(?:"
    + "|".join(f"(?P<r{i}>{form})" for i, form in enumerate(_REGISTERS.values()))
    + r")(?![A-Za-z0-9])",
    re.IGNORECASE,
)
# Most texts hold none of these. The long pattern alone took half the time of reading a file.
_LONG_NUMBER = re.compile(r"\d(?:\d{4}|\d{3}/)")
_SHORT_NUMBERS = ("rbr-", *(f"ntr{digit}" for digit in range(10)))
_NAMES = tuple(_REGISTERS)
_AS_PRINTED = {"CHICTR": "ChiCTR", "JRCTS": "jRCTs", "JRCT": "jRCT"}

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


def registry_ids(text: str) -> tuple[str, ...]:
    """Registration numbers named in `text`, in one spelling, in order, each once."""
    found: dict[str, None] = {}
    if _LONG_NUMBER.search(text) is None:
        lower = text.lower()
        if not any(hint in lower for hint in _SHORT_NUMBERS):
            return ()
    for match in _NUMBER.finditer(text):
        found[_one_spelling(match.group(), _NAMES[int(match.lastgroup[1:])] if match.lastgroup else "")] = (
            None
        )
    return tuple(found)


def registry_of(number: str) -> str:
    """The register that issues numbers of this form, or an empty string."""
    match = _NUMBER.fullmatch(number)
    return _NAMES[int(match.lastgroup[1:])] if match and match.lastgroup else ""


def _one_spelling(number: str, register: str) -> str:
    if register == "ReBec":
        return "RBR-" + number[4:].lower()
    if register == "EU":
        bare = re.sub(r"^[^\d]*", "", number)
        return f"EudraCT {bare}" if bare.count("-") == 2 else f"EUCT {bare}"
    number = number.upper().removeprefix("JPRN-")
    if register in ("ClinicalTrials.gov", "ISRCTN"):
        return re.sub(r"[\s:#-]", "", number)
    for upper, printed in _AS_PRINTED.items():
        if number.startswith(upper):
            return printed + number[len(upper) :]
    return number


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
