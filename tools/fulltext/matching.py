"""Which file of a folder is which report? Pure.

Decided by a person's own word first, then by identifiers, then by titles, and only where one file is clearly the
one. What stays undecided goes to a person with the reason; a file under the wrong report would be worse than none.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from tools.fulltext import identity
from tools.schemas import Frozen, Record

__all__ = ["FileFacts", "Match", "Standing", "Survey", "folded", "is_supplement", "match", "survey"]

CLEAR = 0.95
"""Likeness of titles that decides alone; with a common trial registration `identity.SAME_TITLE` is enough."""

LEAD = 0.03
"""The next file's title must be so much less like it."""

Kind = Literal["jats", "pdf", "other"]

# At most three digits: `10.1016_s0140673605678890` is a DOI of Elsevier's and no supplement.
_SUPPLEMENT = re.compile(
    r"[-_. ](?:supp(?:l|lement(?:s|al|ary)?)?|supporting|appendix|annex|esm|moesm|si|s)"
    r"[-_. ]?(?:info|data|material|file|table)?s?[-_. ]?\d{0,3}$",
    re.IGNORECASE,
)


class FileFacts(NamedTuple):
    """What a file says of itself, as far as it was looked at."""

    name: str
    """Path below the folder, with `/`."""
    kind: Kind
    stem: str
    """Its name without endings."""
    ids: tuple[tuple[str, str], ...] = ()
    """("pmid" | "pmcid" | "doi", value) from inside the file or from the library that lists it."""
    registry_ids: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    beginning: str = ""
    """The first characters of a text whose title may have been guessed wrongly."""
    problem: str = ""
    """Why it could not be looked into."""


class Match(NamedTuple):
    """The file of a report, and how it was known."""

    file: FileFacts
    how: str


class Standing(Frozen):
    """One file of the folder, and what became of it."""

    file: str
    record_id: str | None = None
    how: str
    """By what it was matched, or why it was not."""


class Survey(Frozen):
    """The whole folder against all reports."""

    matched: tuple[Standing, ...] = ()
    supplements: tuple[Standing, ...] = ()
    unmatched: tuple[Standing, ...] = ()
    several: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Record id and its files, where there is more than one; the first is read."""


def folded(name: str) -> str:
    """An identifier as it can stand in a file's name."""
    return name.casefold().replace("/", "_").replace(":", "_")


def is_supplement(stem: str) -> bool:
    """Whether a name says that the file goes with a report and is not the report."""
    return _SUPPLEMENT.search(stem) is not None


def match(record: Record, files: Sequence[FileFacts], assigned: Mapping[str, str]) -> Match | None:
    """The file of a report, or None where none clearly is.

    Args:
        files: of the folder, in their order; supplements are passed over.
        assigned: record id to file, as a person has said. A file that is assigned to one report is no other's.
    """
    if (name := assigned.get(record.record_id)) is not None:
        return next((Match(f, "a person has assigned it") for f in files if f.name == name), None)
    taken = set(assigned.values())
    free = [f for f in files if f.kind != "other" and f.name not in taken and not is_supplement(f.stem)]
    return _by_inside(record, free) or _by_name(record, free) or _by_title(record, free)


def _ids(record: Record) -> list[tuple[str, str]]:
    told = (("pmcid", record.pmcid), ("pmid", record.pmid), ("doi", record.doi))
    return [(kind, folded(value)) for kind, value in told if value]


def _by_inside(record: Record, files: Sequence[FileFacts]) -> Match | None:
    for kind, value in _ids(record):
        for file in files:
            if (kind, value) in {(k, folded(v)) for k, v in file.ids}:
                return Match(file, f"its {kind.upper()}")
    return None


def _by_name(record: Record, files: Sequence[FileFacts]) -> Match | None:
    names = [*(value for _, value in _ids(record)), folded(record.record_id.partition(":")[2])]
    for name in filter(None, names):
        for file in files:
            if folded(file.stem) == name:
                return Match(file, "its name")
    # `Miller 2010 PMC123 final.pdf`, `10.1056_NEJMoa1 (1).pdf`: an identifier among other words. A bare number
    # among other words may be a year, a page or anybody's key.
    for kind, value in _ids(record):
        form = f"pmid[ _-]?{value}" if kind == "pmid" else re.escape(value)
        for file in files:
            if re.search(rf"(?<![a-z0-9]){form}(?![a-z0-9])", folded(file.stem)):
                return Match(file, f"the {kind.upper()} in its name")
    return None


def _by_title(record: Record, files: Sequence[FileFacts]) -> Match | None:
    if len(record.title) < 20:
        return None
    near = sorted(((_likeness(record, f), -n) for n, f in enumerate(files)), reverse=True)
    if not near:
        return None
    best, place = near[0]
    file = files[-place]
    shared = set(record.registry_ids) & set(file.registry_ids)
    if best < (identity.SAME_TITLE if shared else CLEAR):
        return None
    if len(near) > 1 and near[1][0] > best - LEAD and not _same_file(file, files[-near[1][1]]):
        return None
    return Match(file, f"its title and {min(shared)}" if shared else "its title")


def _same_file(one: FileFacts, other: FileFacts) -> bool:
    """JATS beside a PDF of the same article: the first of them is read."""
    return one.kind != other.kind or (bool(one.ids) and one.ids == other.ids)


def _likeness(record: Record, file: FileFacts) -> float:
    if _contradicts(record, file):
        return 0.0
    best = max((identity.title_likeness(record.title, title) for title in file.titles), default=0.0)
    if best < CLEAR and file.beginning and identity.names_title(file.beginning, record.title):
        return CLEAR
    return best


def _contradicts(record: Record, file: FileFacts) -> bool:
    """The file names another number of the same kind."""
    ours = dict(_ids(record))
    return any(kind in ours and ours[kind] != folded(value) for kind, value in file.ids)


# All together ------------------------------------------------------------------------------------


def survey(records: Sequence[Record], files: Sequence[FileFacts], assigned: Mapping[str, str]) -> Survey:
    """Every file exactly once: with its report, as a supplement, or unmatched with the reason."""
    owners: dict[str, list[tuple[str, str]]] = {}
    for record in records:
        rest = list(files)
        while (found := match(record, rest, assigned)) is not None:
            owners.setdefault(found.file.name, []).append((record.record_id, found.how))
            rest = [f for f in rest if f.name != found.file.name]
            if record.record_id in assigned:
                break
    matched, supplements, unmatched = [], [], []
    for file in files:
        claims = owners.get(file.name, [])
        if len(claims) == 1:
            matched.append(Standing(file=file.name, record_id=claims[0][0], how=claims[0][1]))
        elif claims:
            several = ", ".join(record_id for record_id, _ in claims)
            unmatched.append(Standing(file=file.name, how=f"it fits several reports: {several}"))
        elif (report := _supplemented(file, records)) is not None:
            supplements.append(
                Standing(file=file.name, record_id=report, how="its name says that it goes with it")
            )
        else:
            unmatched.append(Standing(file=file.name, how=_why_not(file, records)))
    by_record: dict[str, list[str]] = {}
    for standing in matched:
        by_record.setdefault(standing.record_id or "", []).append(standing.file)
    return Survey(
        matched=tuple(matched),
        supplements=tuple(supplements),
        unmatched=tuple(unmatched),
        several=tuple((record_id, tuple(names)) for record_id, names in by_record.items() if len(names) > 1),
    )


def _supplemented(file: FileFacts, records: Iterable[Record]) -> str | None:
    if not is_supplement(file.stem):
        return None
    bare = file._replace(stem=_SUPPLEMENT.sub("", file.stem), kind="pdf")
    found = [r.record_id for r in records if _by_name(r, [bare])]
    return found[0] if len(found) == 1 else None


def _why_not(file: FileFacts, records: Sequence[Record]) -> str:
    if file.problem:
        return f"it could not be looked into: {file.problem}"
    if is_supplement(file.stem):
        return "it looks like a supplement, and its name does not say whose"
    if file.kind == "other":
        return "neither PDF nor JATS"
    near = max(
        ((identity.title_likeness(r.title, t), r.record_id) for r in records for t in file.titles),
        default=(0.0, ""),
    )
    if near[0] >= 0.8:
        return f"its title is near that of {near[1]}, but not near enough to be sure"
    return "no report has its identifiers or its title"
