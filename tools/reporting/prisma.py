"""What binds the numbers of the flow diagram, and where the rows behind each of them are. Pure."""

from collections.abc import Sequence

from tools.errors import ReviewError, Unaccounted
from tools.reporting.counts import Flow, PrismaCounts, count
from tools.reporting.standing import Arm
from tools.schemas import Frozen

__all__ = ["Entry", "Equation", "PrismaCounts", "Unbalanced", "check", "count", "equations", "ledger"]


class Equation(Frozen):
    """One law of conservation with its numbers."""

    name: str
    words: str
    left: int
    right: int

    @property
    def holds(self) -> bool:
        """Whether both sides are the same number."""
        return self.left == self.right


class Unbalanced(Unaccounted):
    """The report's numbers do not add up, so it is not written. `equations` holds those that fail."""

    def __init__(self, failing: Sequence[Equation], strays: Sequence[str]) -> None:
        self.step, self.lost, self.extra = "report", (), tuple(strays)
        self.equations = tuple(failing)
        lines = [f"  {e.name}: {e.left} on one side, {e.right} on the other ({e.words})" for e in failing]
        lines += [f"  out of place: {stray}" for stray in strays[:5]]
        ReviewError.__init__(
            self,
            "report: the numbers do not add up:\n"
            + "\n".join(lines)
            + "\nThis is a bug of ours: no report was written; please report it with the output of "
            "`python -m agent trace`.",
        )


def equations(counts: PrismaCounts) -> list[Equation]:
    """The laws of conservation, in the order of the diagram."""
    columns = [(counts, "")] + ([(counts.other, "Other methods: ")] if counts.other else [])
    return [
        *_search_equations(counts),
        *(e for flow, label in columns for e in _labelled(label, _record_equations(flow))),
        *(e for flow, label in columns for e in _labelled(label, _report_equations(flow))),
        *_study_equations(counts),
        *(_version_equations(counts) if counts.is_update else []),
    ]


def _labelled(label: str, found: Sequence[Equation]) -> list[Equation]:
    return [e.model_copy(update={"name": f"{label}{e.name}"}) for e in found]


def _search_equations(c: PrismaCounts) -> list[Equation]:
    rows = [
        (
            f"Search {search_id}",
            "hits declared by the source = records delivered + ids named as missing",
            declared,
            accounted,
        )
        for search_id, declared, accounted in c.search_accounts
    ]
    words = "records delivered by all searches = records stored"
    rows.append(("Identified", words, c.identified, c.arrivals))
    if c.other:
        rows.append(("Other methods: Identified", words, c.other.identified, c.other.arrivals))
    if c.superseded_identified or c.superseded_arrivals:
        rows.append(
            (
                "Superseded searches",
                "records delivered by replaced searches = records stored, counted apart",
                c.superseded_identified,
                c.superseded_arrivals,
            )
        )
    return [Equation(name=n, words=w, left=left, right=right) for n, w, left, right in rows]


def _record_equations(c: Flow) -> list[Equation]:
    s = c.screening
    return [
        Equation(
            name="Before screening",
            words="identified − duplicates − settled by an earlier version − not screened = "
            "screened + no machine answer + waiting",
            left=c.identified - c.repeats - c.duplicates - c.seen_before - c.not_screened,
            right=s.decided + s.failed + s.waiting,
        ),
        Equation(
            name="Screening",
            words="screened = excluded + ongoing + awaiting classification + passed on",
            left=s.decided,
            right=s.excluded.n + s.ongoing + s.awaiting_classification + s.passed,
        ),
        Equation(
            name="Sought",
            words="passed on = reports sought + reports not looked for yet",
            left=s.passed,
            right=c.sought + c.not_begun,
        ),
    ]


def _report_equations(c: Flow) -> list[Equation]:
    e = c.eligibility
    rows = [
        (
            "Retrieval",
            "reports sought = not retrieved + still being sought + retrieved",
            c.sought,
            c.not_retrieved + c.seeking + c.retrieved,
        ),
        (
            "Assessment",
            "reports retrieved = assessed + no machine answer + waiting",
            c.retrieved,
            e.decided + e.failed + e.waiting,
        ),
        (
            "Eligibility",
            "reports assessed = excluded + ongoing + awaiting classification + passed",
            e.decided,
            e.excluded.n + e.ongoing + e.awaiting_classification + e.passed,
        ),
        (
            "Reasons",
            "reports excluded = sum over the reasons",
            e.excluded.n,
            sum(r.excluded.n for r in c.reasons),
        ),
    ]
    return [Equation(name=n, words=w, left=left, right=right) for n, w, left, right in rows]


def _study_equations(c: PrismaCounts) -> list[Equation]:
    rows = [
        (
            "Grouping",
            "reports kept = reports grouped into one study each + reports not grouped yet",
            c.kept_reports,
            c.grouped_reports + c.ungrouped,
        ),
        (
            "Studies",
            "studies included = studies with at least one report that passed at full text",
            c.studies_included,
            c.studies_with_evidence,
        ),
        ("Strays", "rows that are out of place = 0", len(c.strays), 0),
    ]
    return [Equation(name=n, words=w, left=left, right=right) for n, w, left, right in rows]


def _version_equations(c: PrismaCounts) -> list[Equation]:
    v = c.versions
    rows = [
        (
            "Studies over the versions",
            "studies included before − no longer included + new = studies included in total",
            v.studies_before - v.studies_withdrawn + v.studies_new,
            c.studies_included,
        ),
        (
            "Reports over the versions",
            "reports included before − no longer included + reports of new studies + new reports of earlier "
            "studies = reports included in total",
            v.reports_before
            - v.reports_withdrawn
            + v.reports_of_new_studies
            + v.new_reports_of_earlier_studies,
            c.reports_included,
        ),
    ]
    return [Equation(name=n, words=w, left=left, right=right) for n, w, left, right in rows]


def check(counts: PrismaCounts) -> None:
    """Refuse to report numbers that do not add up.

    Raises:
        Unbalanced: with the equations that fail and the rows that are out of place.
    """
    failing = [e for e in equations(counts) if not e.holds]
    if failing:
        raise Unbalanced(failing, counts.strays)


Filter = tuple[tuple[str, tuple[str, ...]], ...]
"""Columns of decisions.csv with the values they may have; all must match."""

_DECIDED = ("passed", "excluded", "ongoing", "awaiting_classification")
_HOW = {
    "individual": "individual",
    "bulk": "bulk approval of machine suggestions",
    "machine": "machine",
}


class Entry(Frozen):
    """One number of the diagram, and the rows of decisions.csv that make it up."""

    key: str
    words: str
    n: int
    rows: Filter = ()
    file: str = "search.txt"
    """Where a number stands that is no filter over decisions.csv."""

    @property
    def where(self) -> str:
        """The filter in words."""
        tests = [f"{column} is {' or '.join(v or '(empty)' for v in values)}" for column, values in self.rows]
        return f"decisions.csv, rows where {' and '.join(tests)}" if tests else self.file


def ledger(c: PrismaCounts) -> list[Entry]:
    """Every number of the diagram in reading order, with the way to its rows."""
    apart = [
        _standing("superseded", "Records of replaced searches, apart", c.superseded_records, "superseded")
    ]
    if c.other is None:
        return [*_flow_entries(c), *apart, *_study_entries(c)]
    main = _in_column(_flow_entries(c), "", "", "databases and registers")
    rest = _in_column(_flow_entries(c.other), "other:", "Other methods: ", "other methods")
    return [*main, *rest, *apart, *_study_entries(c)]


def _flow_entries(c: Flow) -> list[Entry]:
    found = [
        Entry(
            key=f"identified:{i}",
            words=f"Records from {s.source} ({s.kind}; search {', '.join(s.search_ids)})",
            n=s.received,
        )
        for i, s in enumerate(c.sources, 1)
    ]
    return [*found, *_before_entries(c), *_screening_entries(c), *_report_entries(c)]


def _in_column(entries: Sequence[Entry], key: str, words: str, column: Arm) -> list[Entry]:
    """The same numbers of one column only; what is no filter over rows stays as it is."""
    own: Filter = (("column", (column,)),)
    return [
        e.model_copy(
            update={"key": key + e.key, "words": words + e.words, "rows": own + e.rows if e.rows else ()}
        )
        for e in entries
    ]


def _standing(key: str, words: str, n: int, *places: str, how: str | None = None) -> Entry:
    rows: Filter = (("standing", places),)
    if how is not None:
        stage = "full_text" if places[0].startswith("full text") else "title_abstract"
        rows += ((f"{stage}_how", (_HOW[how],)),)
    return Entry(key=key, words=words, n=n, rows=rows)


def _before_entries(c: Flow) -> list[Entry]:
    return [
        Entry(key="repeats", words="The same record again, from another search of its source", n=c.repeats),
        _standing("duplicates", "Duplicate records removed", c.duplicates, "duplicate"),
        *(
            [_standing("seen_before", "Settled by an earlier version", c.seen_before, "seen before")]
            if c.seen_before
            else []
        ),
        _standing("not_screened", "Not screened: below the ranking cut", c.not_screened, "not screened"),
    ]


def _screening_entries(c: Flow) -> list[Entry]:
    s, out = c.screening, "title/abstract: excluded"
    decided = Entry(
        key="screened",
        words="Records screened",
        n=s.decided,
        rows=(("in_review", ("yes",)), ("title_abstract_decision", _DECIDED)),
    )
    audit = Entry(
        key="audit",
        words="Random sample from below the cut",
        n=c.audit,
        rows=(("audit", ("yes",)), ("in_review", ("yes",)), ("duplicate_of", ("",))),
    )
    return [
        decided,
        audit,
        _standing(
            "excluded:individual",
            "Excluded by a person, one by one",
            s.excluded.individual,
            out,
            how="individual",
        ),
        _standing(
            "excluded:bulk", "Excluded: machine suggested, approved in bulk", s.excluded.bulk, out, how="bulk"
        ),
        _standing(
            "excluded:machine", "Excluded by the machine alone", s.excluded.machine, out, how="machine"
        ),
        _standing("screening:ongoing", "Ongoing at screening", s.ongoing, "title/abstract: ongoing"),
        _standing(
            "screening:awaiting",
            "Awaiting classification at screening",
            s.awaiting_classification,
            "title/abstract: awaiting classification",
        ),
        _standing(
            "screening:failed",
            "No machine answer, a person must read",
            s.failed,
            "title/abstract: no machine answer",
        ),
        _standing("screening:waiting", "Waiting for a decision", s.waiting, "title/abstract: waiting"),
    ]


def _report_entries(c: Flow) -> list[Entry]:
    e, out = c.eligibility, "full text: excluded"
    sought = Entry(
        key="sought",
        words="Reports sought for retrieval",
        n=c.sought,
        rows=(
            ("in_review", ("yes",)),
            ("report_status", ("sought", "not_retrieved", "unreadable", "retrieved")),
        ),
    )
    unreadable = Entry(
        key="unreadable",
        words="Retrieved, not machine-readable: read by a person",
        n=c.unreadable,
        rows=(("in_review", ("yes",)), ("report_status", ("unreadable",))),
    )
    assessed = (
        "full text: excluded",
        "full text: ongoing",
        "full text: awaiting classification",
        "full text: passed",
    )
    return [
        _standing("not_begun", "Reports not looked for yet", c.not_begun, "report: not sought yet"),
        sought,
        _standing("seeking", "Reports still being sought", c.seeking, "report: being sought"),
        _standing("not_retrieved", "Reports not retrieved", c.not_retrieved, "report: not retrieved"),
        unreadable,
        _standing("assessed", "Reports assessed for eligibility", e.decided, *assessed),
        _standing(
            "ineligible:individual",
            "Excluded by a person, one by one",
            e.excluded.individual,
            out,
            how="individual",
        ),
        _standing(
            "ineligible:bulk",
            "Excluded: machine suggested, approved in bulk",
            e.excluded.bulk,
            out,
            how="bulk",
        ),
        _standing(
            "ineligible:machine", "Excluded by the machine alone", e.excluded.machine, out, how="machine"
        ),
        *(
            Entry(
                key=f"reason:{i}",
                words=f"Reports excluded: {r.words}",
                n=r.excluded.n,
                rows=(("standing", (out,)), ("full_text_reason", (r.reason or "",))),
            )
            for i, r in enumerate(c.reasons, 1)
        ),
        _standing(
            "eligibility:failed",
            "No machine answer, a person must read",
            e.failed,
            "full text: no machine answer",
        ),
        _standing("eligibility:waiting", "Waiting for a decision", e.waiting, "full text: waiting"),
        _standing("passed", "Reports that passed at full text", e.passed, "full text: passed"),
    ]


def _study_entries(c: PrismaCounts) -> list[Entry]:
    rows: Filter = (("standing", ("full text: passed",)), ("study_state", ("included",)))
    if not c.is_update:
        return [
            Entry(
                key="reports_included", words="Reports of included studies", n=c.reports_included, rows=rows
            )
        ]
    v = c.versions
    new: Filter = (*rows, ("included_before", ("no",)))
    fresh = v.reports_of_new_studies + v.new_reports_of_earlier_studies
    return [
        Entry(
            key="reports_before",
            words="Reports included in the previous version",
            n=v.reports_before,
            file="earlier.csv, rows where included is yes",
        ),
        Entry(key="reports_new", words="Reports that this update has included", n=fresh, rows=new),
        Entry(
            key="reports_included",
            words="Reports of included studies in total",
            n=c.reports_included,
            file="included.ris, or the two numbers above less what is excluded again",
        ),
    ]
