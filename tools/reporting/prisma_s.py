"""The search appendix: the sixteen items of PRISMA-S in order, from what each search event stored. Pure.

What the review does not know is said to be not reported; nothing is filled in from habit. A strategy stands
there exactly as it was sent, with its SHA-256.

Source: Rethlefsen et al. 2021, Syst Rev 10:39, doi:10.1186/s13643-020-01542-z.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tools.reporting.counts import PrismaCounts
from tools.reporting.data import PassLine, ReviewData, SearchRun
from tools.reporting.text import one_line, person, shown
from tools.reporting.words import plural
from tools.schemas import Frozen, sha256_of

__all__ = ["NOT_REPORTED", "Item", "Part", "appendix", "markdown"]

NOT_REPORTED = "Not reported by this review."
NONE = "None recorded."


class Part(Frozen):
    """A paragraph, or text to be shown letter by letter."""

    text: str
    verbatim: bool = False


class Item(Frozen):
    """One item of the guideline and what the review says to it."""

    number: int
    title: str
    parts: tuple[Part, ...]


def appendix(data: ReviewData, counts: PrismaCounts) -> tuple[Item, ...]:
    """All sixteen items, in order; none is left out."""
    now = [run for run in data.searches if not run.superseded and run.kind not in ("carried", "recheck")]
    by_kind = {kind: [run for run in now if run.kind == kind] for kind in _WAYS}
    browsing = [*by_kind["website"], *by_kind["organisation"]]
    rows: list[tuple[str, Iterable[Part]]] = [
        ("Database name", _places(by_kind["database"])),
        ("Multi-database searching", _together(now)),
        ("Study registries", _places(by_kind["register"])),
        ("Online resources and browsing", _places(browsing)),
        ("Citation searching", _places(by_kind["citations"])),
        ("Contacts", [Part(text=NONE)]),
        ("Other methods", _places(by_kind["other"])),
        ("Full search strategies", _strategies(data)),
        ("Limits and restrictions", _limits(now)),
        ("Search filters", _filters(data)),
        ("Prior work", _prior_work(data)),
        ("Updates", _updates(data)),
        ("Dates of searches", _each(now, _when)),
        ("Peer review", _peer_review(data)),
        ("Total records", _totals(now, counts)),
        ("Deduplication", _deduplication(data, counts)),
    ]
    return tuple(
        Item(number=number, title=title, parts=tuple(parts))
        for number, (title, parts) in enumerate(rows, start=1)
    )


_WAYS = ("database", "register", "website", "organisation", "citations", "other")


def markdown(data: ReviewData, counts: PrismaCounts) -> str:
    """The appendix as Markdown: no raw markup, no images, no links."""
    lines = [f"# Search appendix: {_plain(data.title)}", ""]
    lines += [
        "Reported by the items of PRISMA-S (Rethlefsen et al. 2021, doi:10.1186/s13643-020-01542-z).",
        "",
    ]
    for item in appendix(data, counts):
        lines += [f"## {item.number} {item.title}", ""]
        for part in item.parts:
            lines += [*(_fenced(part.text) if part.verbatim else [_plain(part.text)]), ""]
    return "\n".join(lines)


_MARKUP = re.compile(r"([\\`*_\[\]<>|#!~])")


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", one_line(shown(text)))


def _fenced(text: str) -> list[str]:
    """A fence longer than any in the text, so that the text cannot end it (CommonMark 4.5)."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *(shown(text).splitlines() or [""]), fence]


# Places ------------------------------------------------------------------------------------------


def _each(runs: Sequence[SearchRun], told: Callable[[SearchRun], str]) -> list[Part]:
    return [Part(text=f"{run.source}: {told(run)}") for run in runs] or [Part(text=NONE)]


def _places(runs: Sequence[SearchRun]) -> list[Part]:
    return _each(runs, _place)


def _place(run: SearchRun) -> str:
    """Where it was searched, in the source's own words where it told them."""
    told = run.parameters
    if "platform" in told:
        return f"{told['platform']}, searched by hand{_by(told.get('searched_by'))}; imported from files"
    parts = [str(told[key]) for key in ("database", "api") if told.get(key)]
    if told.get("data_timestamp"):
        parts.append(f"data of {told['data_timestamp']}")
    if not parts and told.get("files"):
        parts.append(f"files of records, searched on this machine: {', '.join(map(str, told['files']))}")
    return "; ".join(parts) or "the platform is not reported by this review"


def _by(name: Any) -> str:
    return f" by {name}" if name else ""


def _together(runs: Sequence[SearchRun]) -> list[Part]:
    by_hand = [run for run in runs if "platform" in run.parameters]
    parts = (
        [Part(text="This program searched each source by itself, none together with another.")]
        if runs
        else []
    )
    if by_hand:
        names = ", ".join(run.source for run in by_hand)
        parts.append(
            Part(text=f"Whether searches by hand ({names}) covered several databases at once: {NOT_REPORTED}")
        )
    return parts or [Part(text=NONE)]


# Strategies --------------------------------------------------------------------------------------


def _strategies(data: ReviewData) -> Iterable[Part]:
    runs = [run for run in data.searches if run.kind != "carried"]
    if not runs:
        yield Part(text=NONE)
    for run in runs:
        state = " Replaced by a later search; its records are counted apart." if run.superseded else ""
        again = " Known reports looked up again; not counted as identified." if run.kind == "recheck" else ""
        yield Part(
            text=f"{run.source}, search {run.search_id}, exactly as run "
            f"(SHA-256 {sha256_of(run.query_sent)}):{state}{again}"
        )
        yield Part(text=run.query_sent, verbatim=True)
        if run.translation:
            yield Part(text="Read by the source as:")
            yield Part(text=run.translation, verbatim=True)
        yield from (Part(text=f"Said about it: {warning}") for warning in run.warnings)
        signed = [str(run.parameters[key]) for key in ("tool", "operator") if run.parameters.get(key)]
        if signed:
            yield Part(text=f"Run with {', by '.join(signed)}.")
    yield from _line_by_line(data)


def _line_by_line(data: ReviewData) -> Iterable[Part]:
    used = data.strategy
    if used is None or not used.lines:
        return
    yield Part(text=f"Line by line, with hits in {used.counted_in or 'no source'} when it was approved:")
    rows = [
        f"#{number}  {one_line(line.text)}  {'(not counted)' if line.hits is None else f'{line.hits:,}'}"
        + (f"  ({one_line(line.label)})" if line.label else "")
        for number, line in enumerate(used.lines, start=1)
    ]
    yield Part(text="\n".join(rows), verbatim=True)


def _limits(runs: Sequence[SearchRun]) -> Iterable[Part]:
    yield from _each(runs, _limit)
    if runs:
        yield Part(text=f"Justification of limits: {_not_reported()}")


def _limit(run: SearchRun) -> str:
    told = run.parameters
    dates = told.get("dates") or {}
    start = told.get("date_start") or dates.get("start")
    end = told.get("date_end") or dates.get("end")
    of = told.get("date_field") or dates.get("of") or "publication"
    parts = []
    if "platform" in told:
        parts.append(str(told.get("limits") or f"limits set on the platform: {_not_reported()}"))
    elif start or end:
        parts.append(f"dates ({of}) from {start or 'the beginning'} to {end or 'the day of the search'}")
    if told.get("created_since"):
        parts.append(f"listed by the source since {told['created_since']}")
    if told.get("dropped"):
        parts.append(
            f"clauses that the source cannot evaluate, left out: {', '.join(map(str, told['dropped']))}"
        )
    is_known = "date_start" in told or "dates" in told
    return "; ".join(parts) or ("no limits beside what the strategy says" if is_known else _not_reported())


def _not_reported() -> str:
    return NOT_REPORTED[0].lower() + NOT_REPORTED[1:]


def _filters(data: ReviewData) -> Iterable[Part]:
    used = data.strategy
    if used is None or not used.filters:
        yield Part(text="No published search filter known to this program stands in the strategy.")
        return
    for one in used.filters:
        yield Part(text=f"{one.id}: {one.source}")
        yield Part(text=one.text, verbatim=True)


def _prior_work(data: ReviewData) -> Iterable[Part]:
    used = data.strategy
    yield Part(text=f"Strategies of other reviews that were adapted: {_not_reported()}")
    if used is None:
        return
    yield Part(text=f"The strategy was written by {_author(used.author)}.")
    for use, words in (("building", "lent the strategy words"), ("validation", "only tested it")):
        held = [seed for seed in used.seeds if seed.use == use]
        if held:
            found = sum(bool(seed.found) for seed in held)
            pmids = ", ".join(seed.pmid for seed in held)
            yield Part(
                text=f"Known relevant studies that {words} (PMID {pmids}): {found} of {len(held)} found."
            )
    for review in used.earlier_reviews:
        year = "" if review.year is None else f" ({review.year})"
        yield Part(
            text=f"Earlier review that seems to ask the same: {review.title}{year}, PMID {review.pmid}."
        )


def _author(author: str) -> str:
    kind, _, name = author.partition(":")
    said = {
        "person": name,
        "machine": f"the engine {name}, and approved by a person",
        "protocol": "the reviewers",
    }
    if kind == "pass":
        return f"the reviewers for pass {name}, and taken over unchanged"
    return said.get(kind, author)


# Updates and numbers -----------------------------------------------------------------------------


def _updates(data: ReviewData) -> Iterable[Part]:
    if not data.is_update:
        yield Part(text="First version of the review; its searches have not been updated.")
        return
    for line in data.passes:
        yield Part(text=_pass(line))
    for run in data.searches:
        told = run.parameters
        if run.kind == "recheck":
            gone = told.get("not_found") or ()
            missing = f"; not found any more: {', '.join(gone)}" if gone else ""
            yield Part(
                text=f"{run.source}: {told.get('looked_up', run.count)} included or undecided reports looked up "
                f"again on {run.date[:10]} for retractions, corrections and results{missing}."
            )
        elif told.get("created_since"):
            yield Part(
                text=f"{run.source}: searched again for what it has listed since {told['created_since']}; "
                f"the search before was on {told['searched_before']}."
            )
        elif run.kind not in ("carried",) and not run.superseded:
            yield Part(text=f"{run.source}: searched in full, because it was not searched this way before.")
    yield from (
        Part(text=f"Could not be looked up again: {said}") for x in data.passes for said in x.not_looked_up
    )


def _pass(line: PassLine) -> str:
    if line.kind == "first":
        return f"Pass {line.pass_id}: the first version, begun on {line.opened[:10]}."
    why = f" Reason: {line.reason}." if line.reason else ""
    return (
        f"Pass {line.pass_id}: update of pass {line.previous}, opened on {line.opened[:10]} by {line.by}; windows "
        f"reach back {line.overlap_days} days before the last search.{why}"
    )


def _when(run: SearchRun) -> str:
    on = run.parameters.get("searched_on")
    if on:
        return f"{on} (by hand; imported on {run.date[:10]})"
    end = run.parameters.get("finished_at")
    return f"{run.date} (UTC)" + (f", finished {end}" if end else "")


def _peer_review(data: ReviewData) -> Iterable[Part]:
    yield Part(text=f"PRESS or another peer review of the strategy: {_not_reported()}")
    used = data.strategy
    if used is not None and used.approved_by:
        yield Part(
            text=f"Approved by {person(used.approved_by)} on {used.approved_at[:10]}, which is no peer review."
        )


def _totals(runs: Sequence[SearchRun], counts: PrismaCounts) -> Iterable[Part]:
    yield from _each(runs, _total)
    if runs:
        other = 0 if counts.other is None else counts.other.identified
        carried = sum(s.received for s in counts.sources if s.kind == "carried")
        yield Part(text=f"In total {counts.identified + other - carried:,} records.")


def _total(run: SearchRun) -> str:
    missing = f", {len(run.missing):,} declared and not delivered" if run.missing else ""
    told = f"{plural(run.count, 'hit')}, {plural(run.received, 'record')}{missing}"
    declared = run.parameters.get("hits_declared")
    return told if declared is None else f"{told}; the platform declared {declared:,} hits"


def _deduplication(data: ReviewData, counts: PrismaCounts) -> Iterable[Part]:
    yield Part(text=f"{data.deduplication or NOT_REPORTED} Software: leads-agent {data.agent_version}.")
    n = counts.repeats + counts.duplicates
    if counts.other is not None:
        n += counts.other.repeats + counts.other.duplicates
    yield Part(text=f"{n:,} duplicate records were removed.")
