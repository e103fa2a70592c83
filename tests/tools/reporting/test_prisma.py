"""The numbers of the flow diagram, their equations, and the way from a number to its rows."""

import csv
import io
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings

from tests.tools.reporting.invented import (
    BULK,
    CUT,
    RETRIEVED,
    SEARCHES,
    STUDIES,
    decision,
    line,
    lines,
    review,
)
from tests.tools.reporting.reviews import reviews
from tools.errors import Unaccounted
from tools.reporting.data import ReviewData
from tools.reporting.export import decisions_csv
from tools.reporting.prisma import Unbalanced, check, count, equations, ledger
from tools.reporting.standing import standing, superseded_ids
from tools.reporting.text import original_text
from tools.schemas import Cell, Failed, Study


def test_boxes_before_screening_by_hand() -> None:
    c = count(review())
    assert [(s.source, s.kind, s.received, s.missing) for s in c.sources] == [
        ("pubmed", "database", 22, 1),
        ("ctgov", "register", 3, 0),
    ]
    assert (c.identified, c.repeats, c.duplicates, c.not_screened) == (25, 1, 1, 2)
    assert (c.superseded_identified, c.superseded_records) == (2, 2)


def test_screening_boxes_by_hand_with_people_and_machines_apart() -> None:
    c = count(review())
    s = c.screening
    assert (s.decided, s.passed, s.failed, s.waiting) == (19, 14, 1, 1)
    assert (s.excluded.individual, s.excluded.bulk, s.excluded.machine, s.excluded.n) == (2, 2, 1, 5)
    assert (c.audit, c.audit_decided, c.audit_passed) == (1, 1, 0)


def test_report_and_study_boxes_by_hand() -> None:
    c = count(review())
    assert (c.not_begun, c.sought, c.seeking, c.not_retrieved, c.retrieved, c.unreadable) == (
        1,
        13,
        1,
        1,
        11,
        1,
    )
    e = c.eligibility
    assert (e.decided, e.excluded.n, e.passed, e.ongoing, e.awaiting_classification) == (9, 3, 4, 1, 1)
    assert (e.failed, e.waiting) == (1, 1)
    assert [(r.words, r.excluded.n) for r in c.reasons] == [
        ("Follow-up shorter than one week", 2),
        ("The paper is a sermon", 1),
    ]
    assert (c.studies_included, c.reports_included, c.ungrouped) == (2, 3, 1)
    assert (c.studies_ongoing, c.studies_awaiting_classification) == (1, 1)


def test_agreement_counts_only_what_a_person_looked_at_one_by_one() -> None:
    a = count(review()).screening_agreement
    assert (a.both_pass, a.both_exclude, a.machine_pass_person_exclude, a.machine_exclude_person_pass) == (
        14,
        2,
        0,
        0,
    )


def test_the_hand_counted_review_balances() -> None:
    counts = count(review())
    assert [e.name for e in equations(counts) if not e.holds] == []
    check(counts)


def test_an_empty_review_balances_and_has_nothing_in_it() -> None:
    empty = ReviewData(review_id="e", title="e", review_type="", framework="", agent_version="0")
    counts = count(empty)
    check(counts)
    assert counts.identified == counts.screening.decided == counts.studies_included == 0


def test_a_machine_failure_waits_for_a_person_and_is_no_exclusion() -> None:
    before = count(review())
    broken = line("6", None, failure=Failed(record_id="pubmed:6", kind="malformed", reason="no JSON"))
    after = count(review(records=tuple(broken if x.record.pmid == "6" else x for x in lines())))
    assert after.screening.failed == before.screening.failed + 1
    assert after.screening.excluded == before.screening.excluded
    check(after)


def test_a_failure_that_a_person_answered_no_longer_waits() -> None:
    answered = line(
        "5",
        None,
        failure=Failed(record_id="pubmed:5", kind="timeout", reason="late"),
        title_abstract=decision("excluded"),
    )
    c = count(review(records=tuple(answered if x.record.pmid == "5" else x for x in lines())))
    assert (c.screening.failed, c.screening.excluded.individual) == (0, 3)


def test_a_record_below_the_cut_that_a_person_took_up_by_hand_counts_as_screened() -> None:
    taken = line("7", None, prefilter=CUT, title_abstract=decision("excluded"))
    c = count(review(records=tuple(taken if x.record.pmid == "7" else x for x in lines())))
    check(c)
    assert (c.not_screened, c.screening.decided) == (1, 20)


def test_a_report_nobody_could_get_may_await_classification() -> None:
    old = next(x for x in lines() if x.record.pmid == "12")
    parked = old.model_copy(update={"full_text": decision("awaiting_classification")})
    c = count(review(records=tuple(parked if x is old or x == old else x for x in lines())))
    check(c)
    assert (c.not_retrieved, c.eligibility.decided, c.kept_reports) == (1, 9, 7)


def swap(pmid: str, **changes: object) -> ReviewData:
    return review(
        records=tuple(x.model_copy(update=changes) if x.record.pmid == pmid else x for x in lines())
    )


BREACHES: dict[str, tuple[Callable[[], ReviewData], str]] = {
    "a record was lost": (lambda: review(records=lines()[1:]), "Identified"),
    "a record was invented": (lambda: review(records=(*lines(), line("77"))), "Identified"),
    "a record stands twice": (lambda: review(records=(*lines(), lines()[0])), "Strays"),
    "a source lost a hit": (
        lambda: review(searches=(*SEARCHES[:3], SEARCHES[3].model_copy(update={"count": 4}))),
        "Search s3",
    ),
    "a superseded record was lost": (lambda: review(records=lines()[:-1]), "Superseded searches"),
    "a duplicate was decided": (
        lambda: swap("20", title_abstract=decision("excluded")),
        "Before screening",
    ),
    "a batch reached below the cut": (lambda: swap("7", title_abstract=decision("excluded", BULK)), "Strays"),
    "the machine excluded below the cut": (
        lambda: swap("7", title_abstract=decision("excluded", "machine")),
        "Strays",
    ),
    "an excluded record has a report": (lambda: swap("1", report=RETRIEVED), "Sought"),
    "a report was assessed that nobody has": (
        lambda: swap("11", full_text=decision("excluded")),
        "Assessment",
    ),
    "full text before abstract": (lambda: swap("6", full_text=decision("passed")), "Strays"),
    "a duplicate of a superseded record": (lambda: swap("20", duplicate_of="pubmed:0"), "Strays"),
    "an unknown search": (lambda: swap("1", search_ids=("s1", "s9")), "Strays"),
    "a study without evidence": (
        lambda: review(studies=(*STUDIES, Study(study_id="x", report_ids=("pubmed:15",), state="included"))),
        "Studies",
    ),
    "a report in two studies": (
        lambda: review(studies=(*STUDIES, Study(study_id="x", report_ids=("pubmed:19",), state="included"))),
        "Grouping",
    ),
    "an invented report in a study": (
        lambda: review(studies=(*STUDIES, Study(study_id="x", report_ids=("pubmed:404",), state="ongoing"))),
        "Strays",
    ),
    "an invented report in the extraction": (
        lambda: review(cells=(Cell(report_id="nobody", field_id="n", status="not_found"),)),
        "Strays",
    ),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_every_breach_of_conservation_stops_the_report(breach: str) -> None:
    make, name = BREACHES[breach]
    counts = count(make())
    assert name in [e.name for e in equations(counts) if not e.holds]
    with pytest.raises(Unbalanced, match="agent trace") as caught:
        check(counts)
    assert name in str(caught.value)
    assert isinstance(caught.value, Unaccounted)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(reviews())
def test_every_lawful_review_balances(data: ReviewData) -> None:
    counts = count(data)
    assert [(e.name, e.left, e.right) for e in equations(counts) if not e.holds] == [], counts.strays


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(reviews())
def test_every_number_is_a_filter_over_the_decisions_table(data: ReviewData) -> None:
    assert_every_number_can_be_found(data)


def test_every_number_of_the_hand_counted_review_is_found_in_the_table() -> None:
    assert assert_every_number_can_be_found(review()) > 25


def assert_every_number_can_be_found(data: ReviewData) -> int:
    table = list(csv.DictReader(io.StringIO(decisions_csv(data), newline="")))
    entries = [e for e in ledger(count(data)) if e.rows]
    for entry in entries:
        found = [
            row for row in table if all(original_text(row[column]) in values for column, values in entry.rows)
        ]
        assert len(found) == entry.n, entry
        assert "decisions.csv" in entry.where
    return len(entries)


def test_the_standing_of_each_record_by_hand() -> None:
    data = review()
    by_key = {x.record.record_id: standing(x, superseded_ids(data)) for x in data.records}
    assert by_key["pubmed:7"] == "not screened"
    assert by_key["pubmed:9"] == "title/abstract: excluded"
    assert by_key["pubmed:12"] == "report: not retrieved"
    assert by_key["pubmed:13"] == "full text: no machine answer"
    assert by_key["pubmed:20"] == "duplicate"
    assert by_key["pubmed:00"] == "superseded"


def test_a_record_of_a_replaced_search_counts_again_when_a_new_search_finds_it() -> None:
    again = line("1", "exclude", title_abstract=decision("excluded"), search_ids=("s0", "s1"))
    searches = (SEARCHES[0].model_copy(update={"count": 3, "received": 3}), *SEARCHES[1:])
    c = count(review(records=(again, *lines()[1:]), searches=searches))
    check(c)
    assert (c.identified, c.superseded_records, c.superseded_identified) == (25, 2, 3)
