"""The numbers of a PRISMA 2020 flow diagram, counted from rows. Pure.

Every box is counted by its own rule over the rows, not by subtraction, so that an equation between
them (see prisma.py) is evidence when it holds, and not a tautology.

Source: Page et al. 2021, BMJ 372:n71, doi:10.1136/bmj.n71 (boxes); PRISMA-trAIce item R1 (decisions of
people and of machines apart).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from tools.reporting.data import OTHER_METHODS, FinalDecision, How, RecordLine, ReviewData, SearchRun
from tools.reporting.standing import arms, awaits_a_report, in_review, superseded_ids
from tools.schemas import Criterion, Frozen, RecordVerdict

__all__ = [
    "Agreement",
    "Flow",
    "Pile",
    "PrismaCounts",
    "ReasonCount",
    "SourceCount",
    "StageCounts",
    "Versions",
    "count",
    "reason_in_words",
]


class SourceCount(Frozen):
    """Records that one source delivered in the searches that count."""

    source: str
    kind: str
    search_ids: tuple[str, ...]
    received: int
    missing: int


class Pile(Frozen):
    """A number of exclusions, by the way they came about."""

    individual: int = 0
    bulk: int = 0
    machine: int = 0

    @property
    def n(self) -> int:
        """All of them."""
        return self.individual + self.bulk + self.machine


class StageCounts(Frozen):
    """One stage of screening. `failed`: the machine gave no answer and no person has decided yet."""

    decided: int
    passed: int
    excluded: Pile
    ongoing: int
    awaiting_classification: int
    failed: int
    waiting: int


class ReasonCount(Frozen):
    """Reports excluded for one primary reason."""

    reason: str | None
    words: str
    excluded: Pile


class Agreement(Frozen):
    """The machine's suggestion against a person's own look; bulk approvals tell nothing and are left out."""

    both_pass: int = 0
    both_exclude: int = 0
    machine_pass_person_exclude: int = 0
    machine_exclude_person_pass: int = 0

    @property
    def n(self) -> int:
        """Decisions compared."""
        return (
            self.both_pass
            + self.both_exclude
            + self.machine_pass_person_exclude
            + self.machine_exclude_person_pass
        )


class Flow(Frozen):
    """One column of the diagram: records up to `passed`, then reports."""

    sources: tuple[SourceCount, ...]
    identified: int
    arrivals: int
    missing: int
    repeats: int
    duplicates: int
    seen_before: int
    not_screened: int
    screening: StageCounts
    audit: int
    audit_decided: int
    audit_passed: int
    not_begun: int
    sought: int
    seeking: int
    not_retrieved: int
    retrieved: int
    unreadable: int
    unreadable_decided: int
    eligibility: StageCounts
    reasons: tuple[ReasonCount, ...]


class Versions(Frozen):
    """The bridge from the review's previous version to this one; all zero in a first version."""

    studies_before: int = 0
    reports_before: int = 0
    studies_withdrawn: int = 0
    reports_withdrawn: int = 0
    studies_new: int = 0
    reports_of_new_studies: int = 0
    new_reports_of_earlier_studies: int = 0
    changed: int = 0
    """Records that are decided on again because they have changed."""


class PrismaCounts(Flow):
    """All boxes of the diagram. The fields of `Flow` are the column of databases and registers."""

    other: Flow | None = None
    """The column of other methods; None where none was used."""
    is_update: bool = False
    versions: Versions = Versions()
    kept_reports: int
    grouped_reports: int
    reports_included: int
    ungrouped: int
    studies_included: int
    studies_with_evidence: int
    studies_ongoing: int
    studies_awaiting_classification: int
    studies_undecided: int
    superseded_identified: int
    superseded_arrivals: int
    superseded_records: int
    screening_agreement: Agreement
    eligibility_agreement: Agreement
    search_accounts: tuple[tuple[str, int, int], ...]
    strays: tuple[str, ...]


def reason_in_words(reason: str | None, criteria: Iterable[Criterion]) -> str:
    """A criterion's text for its id; a person's own words as they are."""
    if reason is None:
        return "no reason recorded"
    return next((c.text for c in criteria if c.id == reason), reason)


def count(data: ReviewData) -> PrismaCounts:
    """Count every box.

    Args:
        data: the review; records in any stage, a review in mid-course included.

    Returns:
        Counts that may or may not balance: `equations` and `check` tell.
    """
    gone = superseded_ids(data)
    active = [line for line in data.records if in_review(line, gone)]
    runs = [s for s in data.searches if not s.superseded and s.kind != "recheck"]
    old_runs = [s for s in data.searches if s.superseded]
    columns = dict(zip((x.record.record_id for x in data.records), arms(data), strict=True))
    main = [x for x in active if columns[x.record.record_id] == "databases and registers"]
    rest = [x for x in active if columns[x.record.record_id] == "other methods"]
    other_runs = [s for s in runs if s.kind in OTHER_METHODS]
    return PrismaCounts(
        **_flow(main, [s for s in runs if s.kind not in OTHER_METHODS], data),
        other=Flow(**_flow(rest, other_runs, data)) if other_runs else None,
        is_update=data.is_update,
        versions=_versions(data, active),
        **_studies(data, active),
        superseded_identified=sum(s.received for s in old_runs),
        superseded_arrivals=_arrivals(data.records, gone),
        superseded_records=len(data.records) - len(active),
        screening_agreement=_agreement((x.verdict, x.title_abstract) for x in active),
        eligibility_agreement=_agreement((x.full_text_verdict, x.full_text) for x in active),
        search_accounts=tuple((s.search_id, s.count, s.received + len(s.missing)) for s in data.searches),
        strays=tuple(_strays(data, active)),
    )


def _flow(active: Sequence[RecordLine], runs: Sequence[SearchRun], data: ReviewData) -> dict[str, Any]:
    """The boxes of one column over its records and its searches."""
    fresh = [line for line in active if not line.seen_before]
    unique = [line for line in fresh if line.duplicate_of is None]
    to_screen = [line for line in unique if not _cut(line)]
    retrieved = [x for x in active if x.report and x.report.state in ("retrieved", "unreadable")]
    at_full_text = [x for x in active if x.full_text and not awaits_a_report(x)]
    audit = [line for line in unique if line.prefilter and line.prefilter.audit]
    # Also what stands in the other column arrived here, if a search of this one brought it.
    arrivals = _arrivals(data.records, {s.search_id for s in runs})
    return {
        "sources": _by_source(runs),
        "identified": sum(s.received for s in runs),
        "arrivals": arrivals,
        "missing": sum(len(s.missing) for s in runs),
        "repeats": arrivals - len(active),
        "duplicates": len(fresh) - len(unique),
        "seen_before": len(active) - len(fresh),
        "not_screened": len(unique) - len(to_screen),
        "screening": _screening(active, to_screen),
        "audit": len(audit),
        "audit_decided": sum(x.title_abstract is not None for x in audit),
        "audit_passed": sum(
            x.title_abstract is not None and x.title_abstract.kind == "passed" for x in audit
        ),
        "not_begun": sum(_passed(x.title_abstract) and x.report is None for x in active),
        "sought": sum(x.report is not None for x in active),
        "seeking": sum(x.report is not None and x.report.state == "sought" for x in active),
        "not_retrieved": sum(x.report is not None and x.report.state == "not_retrieved" for x in active),
        "retrieved": len(retrieved),
        "unreadable": sum(x.report is not None and x.report.state == "unreadable" for x in active),
        "unreadable_decided": sum(
            x.report is not None and x.report.state == "unreadable" for x in at_full_text
        ),
        "eligibility": _eligibility(at_full_text, retrieved),
        "reasons": _reasons(at_full_text, data.criteria),
    }


def _arrivals(lines: Iterable[RecordLine], search_ids: set[str] | frozenset[str]) -> int:
    return sum(search_id in search_ids for line in lines for search_id in line.search_ids)


def _by_source(runs: Sequence[SearchRun]) -> tuple[SourceCount, ...]:
    groups: dict[tuple[str, str], list[SearchRun]] = {}
    for run in runs:
        groups.setdefault((run.kind, run.source), []).append(run)
    return tuple(
        SourceCount(
            source=source,
            kind=kind,
            search_ids=tuple(run.search_id for run in group),
            received=sum(run.received for run in group),
            missing=sum(len(run.missing) for run in group),
        )
        for (kind, source), group in groups.items()
    )


def _cut(line: RecordLine) -> bool:
    """Below the cut, not drawn for audit, and nobody took it up by hand."""
    place = line.prefilter
    return place is not None and not place.kept and not place.audit and line.title_abstract is None


def _passed(decision: FinalDecision | None) -> bool:
    return decision is not None and decision.kind == "passed"


def _pile(decisions: Iterable[FinalDecision]) -> Pile:
    by: Counter[How] = Counter(d.how for d in decisions if d.kind == "excluded")
    return Pile(
        individual=by["individual"],
        bulk=by["bulk approval of machine suggestions"],
        machine=by["machine"],
    )


def _stage(decisions: Sequence[FinalDecision], failed: int, waiting: int) -> StageCounts:
    kinds = Counter(d.kind for d in decisions)
    return StageCounts(
        decided=len(decisions),
        passed=kinds["passed"],
        excluded=_pile(decisions),
        ongoing=kinds["ongoing"],
        awaiting_classification=kinds["awaiting_classification"],
        failed=failed,
        waiting=waiting,
    )


def _screening(active: Sequence[RecordLine], to_screen: Sequence[RecordLine]) -> StageCounts:
    # Decisions are taken from every record in the review, a duplicate's included: a decision that sits
    # where none belongs must upset the equation, not be filtered away.
    decisions = [x.title_abstract for x in active if x.title_abstract]
    open_lines = [x for x in to_screen if x.title_abstract is None]
    failed = sum(x.failure is not None for x in open_lines)
    return _stage(decisions, failed, len(open_lines) - failed)


def _eligibility(decided: Sequence[RecordLine], retrieved: Sequence[RecordLine]) -> StageCounts:
    decisions = [x.full_text for x in decided if x.full_text]
    open_lines = [x for x in retrieved if x.full_text is None]
    failed = sum(
        x.full_text_failure is not None or (x.report is not None and x.report.state == "unreadable")
        for x in open_lines
    )
    return _stage(decisions, failed, len(open_lines) - failed)


def _reasons(decided: Sequence[RecordLine], criteria: Sequence[Criterion]) -> tuple[ReasonCount, ...]:
    """Protocol order first, then a person's own words in the order of rows."""
    groups: dict[str | None, list[FinalDecision]] = {c.id: [] for c in criteria}
    for line in decided:
        if line.full_text and line.full_text.kind == "excluded":
            reason = (line.full_text.reason or "").strip() or None
            groups.setdefault(reason, []).append(line.full_text)
    return tuple(
        ReasonCount(reason=reason, words=reason_in_words(reason, criteria), excluded=_pile(group))
        for reason, group in groups.items()
        if group
    )


def _studies(data: ReviewData, active: Sequence[RecordLine]) -> dict[str, int]:
    kept = {x.record.record_id for x in active if _kept(x)}
    passed = {x.record.record_id for x in active if _passed(x.full_text)}
    states = Counter(study.state for study in data.studies)
    included = [study for study in data.studies if study.state == "included"]
    standing_reports = passed | _held(data, active)
    named = [rid for study in data.studies for rid in study.report_ids if rid in kept]
    return {
        "kept_reports": len(kept),
        "grouped_reports": len(named),
        "ungrouped": len(kept - set(named)),
        "reports_included": len(standing_reports & {rid for study in included for rid in study.report_ids}),
        "studies_included": states["included"],
        "studies_with_evidence": sum(not standing_reports.isdisjoint(study.report_ids) for study in included),
        "studies_ongoing": states["ongoing"],
        "studies_awaiting_classification": states["awaiting_classification"],
        "studies_undecided": states["undecided"],
    }


def _before(data: ReviewData) -> set[str]:
    """The reports that stood in the review when this pass began."""
    return {x.record.record_id for x in data.earlier if x.included}


def _withdrawn(data: ReviewData, active: Sequence[RecordLine]) -> set[str]:
    """Those of them that this pass has excluded."""
    out = {
        x.record.record_id
        for x in active
        if any(d is not None and d.kind == "excluded" for d in (x.title_abstract, x.full_text))
    }
    return _before(data) & out


def _held(data: ReviewData, active: Sequence[RecordLine]) -> set[str]:
    """Those of them that stand: an earlier decision holds until a person has taken another."""
    return _before(data) - _withdrawn(data, active)


def _versions(data: ReviewData, active: Sequence[RecordLine]) -> Versions:
    before, withdrawn = _before(data), _withdrawn(data, active)
    fresh = {x.record.record_id for x in active if _passed(x.full_text)} - before
    known = [study for study in data.studies if not before.isdisjoint(study.report_ids)]
    included = [study for study in data.studies if study.state == "included"]
    new = [study for study in included if before.isdisjoint(study.report_ids)]
    earlier = [study for study in included if not before.isdisjoint(study.report_ids)]
    return Versions(
        studies_before=len(known),
        reports_before=len(before),
        studies_withdrawn=sum(study.state != "included" for study in known),
        reports_withdrawn=len(withdrawn),
        studies_new=len(new),
        reports_of_new_studies=len(fresh & {rid for study in new for rid in study.report_ids}),
        new_reports_of_earlier_studies=len(fresh & {rid for study in earlier for rid in study.report_ids}),
        changed=sum(bool(x.changed) for x in active),
    )


def _kept(line: RecordLine) -> bool:
    """Part of some study's account: passed at full text, ongoing, or awaiting classification."""
    last = line.full_text or line.title_abstract
    return last is not None and (
        last.kind in ("ongoing", "awaiting_classification") or _passed(line.full_text)
    )


def _agreement(pairs: Iterable[tuple[RecordVerdict | None, FinalDecision | None]]) -> Agreement:
    table: Counter[tuple[str, str]] = Counter(
        (verdict.suggestion, decision.kind)
        for verdict, decision in pairs
        if verdict and decision and decision.how == "individual"
    )
    return Agreement(
        both_pass=table["pass", "passed"],
        both_exclude=table["exclude", "excluded"],
        machine_pass_person_exclude=table["pass", "excluded"],
        machine_exclude_person_pass=table["exclude", "passed"],
    )


def _strays(data: ReviewData, active: Sequence[RecordLine]) -> Iterable[str]:
    """Names that point at nothing, and decisions where none can be."""
    ids = Counter(x.record.record_id for x in data.records)
    yield from (f"record {rid} has {n} lines" for rid, n in ids.items() if n > 1)
    searches = {s.search_id for s in data.searches}
    for line in data.records:
        unknown = [s for s in line.search_ids if s not in searches]
        if unknown:
            yield f"record {line.record.record_id} names unknown searches {unknown}"
    kept = {x.record.record_id for x in active if x.duplicate_of is None}
    kept |= {x.record.record_id for x in data.earlier}
    ids = ids + Counter(x.record.record_id for x in data.earlier)
    for line in active:
        if line.duplicate_of is not None and line.duplicate_of not in kept:
            yield f"duplicate {line.record.record_id} stands behind {line.duplicate_of}, which takes no part"
        yield from _misplaced(line)
    for study in data.studies:
        yield from (
            f"study {study.study_id} names unknown report {r}" for r in study.report_ids if r not in ids
        )
    for rid in dict.fromkeys(c.report_id for c in data.cells if c.report_id not in ids):
        yield f"extraction names unknown report {rid}"


def _misplaced(line: RecordLine) -> Iterable[str]:
    rid, place, first = line.record.record_id, line.prefilter, line.title_abstract
    below = place is not None and not place.kept and not place.audit
    if below and first is not None and first.how != "individual":
        yield f"record {rid} lies below the cut but was decided by {first.how}"
    if line.full_text is not None and not _passed(first):
        yield f"record {rid} has a full-text decision without having passed title/abstract"
    if line.report is not None and not _passed(first):
        yield f"record {rid} has a report sought without having passed title/abstract"
