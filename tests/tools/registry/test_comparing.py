"""Differences between entry and paper; trial and paper are invented."""

from typing import Any

import pytest

from tests.tools.registry.invented import study
from tools.registry.arms import ArmName
from tools.registry.comparing import compare, outcome_switching, sample_size
from tools.registry.differences import Difference, PaperOutcome, PaperReport, PaperValue
from tools.registry.numbers import different_numbers
from tools.registry.text import write
from tools.registry.timing import early_termination, retrospective, unpublished
from tools.registry.trial import RegisteredTrial, read
from tools.schemas import Quote

ARMS = (ArmName(name="Zavidol 20 mg"), ArmName(name="Placebo"))
AGREEING = (
    PaperOutcome(name="Cough severity score, change", kind="primary", time_point="week 12"),
    PaperOutcome(name="Free of cough", kind="secondary", time_point="12 weeks"),
    PaperOutcome(name="Relapse", kind="secondary", time_point="1 year"),
)


def trial(**status: Any) -> RegisteredTrial:
    """The invented trial with some fields of its status changed; None takes a field away."""
    entry = study()
    module = entry["protocolSection"]["statusModule"]
    for key, value in status.items():
        if value is None:
            module.pop(key, None)
        else:
            module[key] = value
    return read(entry)


def unreported(**status: Any) -> RegisteredTrial:
    """As `trial`, without results and references."""
    entry = study()
    del entry["resultsSection"]
    del entry["protocolSection"]["referencesModule"]
    entry["hasResults"] = False
    entry["protocolSection"]["statusModule"].pop("resultsFirstPostDateStruct")
    entry["protocolSection"]["statusModule"] |= status
    return read(entry)


def paper(*outcomes: PaperOutcome, values: tuple[PaperValue, ...] = (), n: int | None = None) -> PaperReport:
    return PaperReport(report_id="p1", arms=ARMS, outcomes=outcomes, values=values, sample_size=n)


def rules(found: tuple[Difference, ...]) -> list[str]:
    return [difference.rule for difference in found]


class TestOutcomes:
    def test_a_paper_that_agrees(self):
        assert outcome_switching(trial(), paper(*AGREEING)) == ()

    def test_nothing_is_said_of_a_paper_whose_outcomes_nobody_took(self):
        assert outcome_switching(trial(), paper()) == ()

    def test_a_primary_outcome_that_is_missing(self):
        (found,) = outcome_switching(trial(), paper(PaperOutcome(name="Hiccups"), AGREEING[1]))
        assert found.rule == "registered-primary-not-reported"
        assert "was not found among the 2 outcomes" in found.message
        assert found.registry.quote.text == "Change in Cough Severity Score"
        # The nearest is told, and is no match.
        assert found.paper.says == "secondary outcome: Free of cough [12 weeks]"
        (alone,) = outcome_switching(trial(), paper(PaperOutcome(name="Hiccups")))
        assert alone.paper is None

    def test_demoted_and_promoted(self):
        demoted = AGREEING[0].model_copy(update={"kind": "secondary"})
        promoted = AGREEING[1].model_copy(
            update={"kind": "primary", "quote": Quote(text="free of cough", start=3, end=16)}
        )
        found = outcome_switching(trial(), paper(demoted, promoted))
        assert rules(found) == ["primary-demoted", "secondary-promoted"]
        assert found[1].paper.quote.start == 3
        assert found[1].registry.quote.text == "Participants Free of Cough"

    def test_an_outcome_of_unknown_kind_is_not_demoted(self):
        assert outcome_switching(trial(), paper(AGREEING[0].model_copy(update={"kind": ""}))) == ()

    def test_a_primary_outcome_that_was_never_registered(self):
        (found,) = outcome_switching(trial(), paper(*AGREEING, PaperOutcome(name="Hiccups", kind="primary")))
        assert found.rule == "reported-primary-not-registered"

    def test_another_time(self):
        (found,) = outcome_switching(trial(), paper(AGREEING[0].model_copy(update={"time_point": "week 4"})))
        assert found.rule == "time-frame-changed"
        assert "12 weeks" in found.message
        assert "week 4" in found.message


class TestSizes:
    def test_they_agree(self):
        assert sample_size(trial(), paper(n=92)) == ()

    def test_enrolment_and_flow(self):
        enrolled, flow = sample_size(trial(), paper(n=95))
        assert (enrolled.rule, enrolled.registry.says, enrolled.paper.says) == ("sample-size", "92", "95")
        assert flow.rule == "sample-size-flow"

    def test_a_plan_may_be_missed_a_little(self):
        entry = study()
        entry["protocolSection"]["designModule"]["enrollmentInfo"] = {"count": 100, "type": "ESTIMATED"}
        del entry["resultsSection"]
        assert sample_size(read(entry), paper(n=92)) == ()
        assert rules(sample_size(read(entry), paper(n=80))) == ["sample-size"]

    def test_people_in_two_groups_are_not_added_up(self):
        entry = study()
        entry["protocolSection"]["designModule"]["designInfo"]["interventionModel"] = "CROSSOVER"
        assert rules(sample_size(read(entry), paper(n=95))) == ["sample-size"]

    def test_an_entry_that_contradicts_itself(self):
        entry = study()
        entry["protocolSection"]["designModule"]["enrollmentInfo"]["count"] = 120
        assert rules(sample_size(read(entry), paper())) == ["registry-enrolment-flow"]


def value(outcome: str, arm: str, statistic: str, text: str) -> PaperValue:
    return PaperValue(
        outcome=outcome,
        arm=arm,
        statistic=statistic,
        value=float(text),
        value_text=text,
        time_point="12 weeks",
    )


class TestNumbers:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            (("Participants free of cough", "Zavidol 20 mg", "events", "25"), []),
            (("Participants free of cough", "Zavidol 20 mg", "events", "26"), ["different-number"]),
            (("Participants free of cough", "Placebo", "events", "25"), ["different-number"]),
            (("Participants free of cough", "Placebo", "total", "41"), ["different-number"]),
            (("Participants free of cough", "Placebo", "percent", "20.0"), []),
            (("Participants free of cough", "Placebo", "percent", "50.0"), ["different-share"]),
            (("Change in cough severity score", "Placebo", "mean", "-1"), []),
            (("Change in cough severity score", "Placebo", "mean", "-1.04"), []),
            (("Change in cough severity score", "Placebo", "mean", "1.0"), ["opposite-sign"]),
            (("Change in cough severity score", "Placebo", "mean", "-1.4"), ["different-number"]),
            # 0.25 × √40 = 1.58
            (("Change in cough severity score", "Placebo", "sd", "1.6"), []),
            (("Change in cough severity score", "Placebo", "sd", "0.25"), ["sd-or-se"]),
            (("Change in cough severity score", "Placebo", "sd", "4.0"), ["different-spread"]),
            # What is not clear on both sides is not compared.
            (("Change in cough severity score", "Children", "mean", "7"), []),
            (("Hiccups", "Placebo", "mean", "7"), []),
        ],
    )
    def test_a_number_of_the_paper(self, given, expected):
        found = different_numbers(trial(), paper(values=(value(*given),)))
        assert rules(found) == expected
        for difference in found:
            assert difference.registry.quote is not None
            assert difference.arms == (given[1],)

    def test_a_number_that_the_registry_contradicts_itself_with(self):
        entry = study()
        posted = entry["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][1]
        posted["classes"][0]["categories"][0]["measurements"][0]["value"] = "44"
        (found,) = different_numbers(read(entry), paper())
        assert (found.rule, found.severity) == ("registry-impossible", "error")
        assert "44 of 40" in found.message
        assert found.registry.quote.text == "44"


class TestCalendar:
    def test_stopped_early_with_the_reason(self):
        (found,) = early_termination(trial(overallStatus="TERMINATED", whyStopped="No more cough"))
        assert "“No more cough”" in found.message
        assert early_termination(trial()) == ()

    @pytest.mark.parametrize(
        ("start", "submitted", "late"),
        [
            ("2019-03-01", "2019-03-02", True),
            ("2019-03-02", "2019-03-02", False),
            ("2019-03", "2019-03-31", False),
            ("2019-03", "2019-04-01", True),
            ("2019", "2019-12-30", False),
        ],
    )
    def test_registered_after_the_start(self, start, submitted, late):
        found = retrospective(
            trial(startDateStruct={"date": start, "type": "ACTUAL"}, studyFirstSubmitDate=submitted)
        )
        assert rules(found) == (["registered-after-start"] if late else [])

    def test_the_day_of_posting_where_that_of_submission_is_missing(self):
        early = {"date": "2019-01-01", "type": "ACTUAL"}
        (found,) = retrospective(trial(startDateStruct=early, studyFirstSubmitDate=None))
        assert "first posted on 2019-02-14" in found.message

    @pytest.mark.parametrize(("day", "rule"), [("2021-06-30", []), ("2021-07-01", ["completed-unpublished"])])
    def test_completed_and_unpublished_after_twelve_months(self, day, rule):
        # Completion is 2020-06: the last day of that month counts.
        assert rules(unpublished(unreported(), as_of=day)) == rule

    def test_a_linked_paper_or_one_that_the_entry_names(self):
        assert unpublished(unreported(), as_of="2026-01-01", reports=("pmid:5",)) == ()
        entry = study()
        del entry["resultsSection"]
        assert unpublished(read(entry), as_of="2026-01-01") == ()

    def test_background_references_are_no_results(self):
        entry = study()
        entry["protocolSection"]["referencesModule"]["references"].pop()
        assert rules(unpublished(read(entry), as_of="2020-07-01")) == ["results-without-paper"]

    def test_a_trial_that_still_runs(self):
        assert unpublished(unreported(overallStatus="RECRUITING"), as_of="2026-01-01") == ()

    def test_no_date_to_count_from(self):
        with pytest.raises(ValueError, match="isoformat"):
            unpublished(unreported(), as_of="today")


class TestAll:
    def test_in_one_go_and_every_side_is_quoted(self):
        entry = study()
        entry["protocolSection"]["statusModule"]["overallStatus"] = "TERMINATED"
        stopped = read(entry)
        page = write(stopped)
        given = paper(
            *AGREEING, values=(value("Participants free of cough", "Placebo", "events", "9"),), n=95
        )
        found = compare(stopped, given, page)
        assert rules(found) == ["sample-size", "sample-size-flow", "different-number", "stopped-early"]
        for difference in found:
            quote = difference.registry.quote
            assert quote.text == page.text.canonical[quote.start : quote.end]
