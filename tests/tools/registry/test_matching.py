"""A review's outcome to the outcomes of an entry; the trial is invented."""

import pytest

from tests.tools.registry.invented import measure, pair, study
from tools.registry.matching import AskedOutcome, OutcomeMatches, alike, days, match_outcome, same_time
from tools.registry.trial import read


def found(*titles_and_times: tuple[str, str], asked: AskedOutcome) -> OutcomeMatches:
    """The outcome asked for, among invented posted ones."""
    entry = study()
    entry["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"] = [
        measure(title, pair({"value": "1"}, {"value": "2"}), timeFrame=time)
        for title, time in titles_and_times
    ]
    return match_outcome(asked, read(entry))


class TestTimes:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Week 12", (84.0,)),
            ("12-week follow-up", (84.0,)),
            ("Baseline, Weeks 4, 8 and 12", (28.0, 56.0, 84.0)),
            ("2 years", (730.5,)),
            ("twelve months", (365.25,)),
            ("48 h", (2.0,)),
            ("day 28", (28.0,)),
            ("at the end of the study", ()),
            ("Phase 3", ()),
        ],
    )
    def test_in_days(self, text, expected):
        assert days(text) == expected

    def test_a_year_is_52_weeks_and_not_6_months(self):
        assert same_time("12 months", "Week 52") is True
        assert same_time("12 months", "6 months") is False
        assert same_time("12 months", "end of study") is None


class TestMatching:
    def test_a_clear_one_by_words_and_time(self):
        asked = AskedOutcome(title="cough severity", time_points=("12 weeks",))
        matches = found(
            ("Change in Cough Severity Score", "Week 4"),
            ("Change in Cough Severity Score", "Week 12"),
            ("Number of Hiccups", "Week 12"),
            asked=asked,
        )
        assert matches.decision == "clear"
        assert (matches.candidates[0].number, matches.candidates[0].time) == (2, True)

    def test_without_a_time_two_are_ambiguous(self):
        matches = found(
            ("Change in Cough Severity Score", "Week 4"),
            ("Change in Cough Severity Score", "Week 12"),
            asked=AskedOutcome(title="cough severity"),
        )
        assert (matches.decision, len(matches.candidates)) == ("ambiguous", 2)

    def test_only_another_time_is_for_a_person(self):
        asked = AskedOutcome(title="Change in Cough Severity Score", time_points=("1 year",))
        matches = found(("Change in Cough Severity Score", "Week 12"), asked=asked)
        assert matches.decision == "ambiguous"

    def test_other_names_spelling_and_abbreviations(self):
        by_term = found(
            ("Haemoglobin", "Week 12"), asked=AskedOutcome(title="blood count", terms=("hemoglobin",))
        )
        assert by_term.decision == "clear"
        by_short = found(
            ("Change From Baseline in the Cough Quality Index (CQI)", "Week 12"),
            asked=AskedOutcome(title="CQI"),
        )
        assert by_short.decision == "clear"

    def test_numbers_in_names_must_agree(self):
        matches = found(("COUGH-75 response", "Week 12"), ("COUGH-50 response", "Week 12"),
                        asked=AskedOutcome(title="COUGH-50"))  # fmt: skip
        assert (matches.decision, matches.candidates[0].title) == ("clear", "COUGH-50 response")
        alone = found(("COUGH-75 response", "Week 12"), asked=AskedOutcome(title="COUGH-50"))
        assert alone.decision != "clear"

    def test_nothing_like_it(self):
        matches = found(("Number of Hiccups", "Week 12"), asked=AskedOutcome(title="mortality"))
        assert (matches.decision, matches.candidates) == ("none", ())

    def test_the_very_name_wins_over_a_longer_one(self):
        matches = found(
            ("Stage 4 Event or Death", "1 year"),
            ("Stage 3 or Stage 4 Event or Death", "1 year"),
            asked=AskedOutcome(title="stage 4 event or death"),
        )
        assert (matches.decision, matches.candidates[0].number) == ("clear", 1)

    def test_among_the_registered(self):
        matches = match_outcome(AskedOutcome(title="relapse"), read(study()), among="registered")
        assert (matches.decision, matches.candidates[0].title) == ("clear", "Time to Relapse")
        assert matches.candidates[0].kind == "secondary"

    def test_likeness_is_between_nought_and_one(self):
        assert alike("cough severity", "Cough severity") == 1
        assert alike("", "cough") == 0
        assert 0 < alike("severity of cough at night", "Cough severity") < 1
