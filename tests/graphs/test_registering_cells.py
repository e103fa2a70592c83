"""Posted results of a registry entry as cells beside the paper's: values in, values out. The trial is invented."""

import pytest

from graphs.registering import REGISTRY, differences, registry_reading, report_of
from tests.graphs.tables import cell
from tests.tools.registry.invented import study as entry
from tools.evidence_settings import Analysis, OutcomeSpec, Synthesis
from tools.synthesis.analysing import analyse
from tools.synthesis.studies import REGISTRY as PREFIX
from tools.synthesis.studies import StudyCells
from tools.synthesis.values import STATISTICS

FREE = OutcomeSpec(id="free", title="Participants Free of Cough", kind="dichotomous", better="higher")
SCORE = OutcomeSpec(id="score", title="Change in Cough Severity Score", kind="continuous", change=True)
RELAPSE = OutcomeSpec(id="relapse", title="Time to Relapse", kind="time_to_event")


def posted(study):
    """The posted outcome measures of an entry: score, free of cough, relapse."""
    return study["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"]


def numbers(spec, study=None, at=""):
    """Arm to statistic to value, of one outcome at one time point."""
    got: dict[str, dict[str, str | None]] = {}
    for c in registry_reading(study or entry(), [spec]).cells:
        if (c.outcome, c.time_point) == (spec.id, at):
            assert c.field_id not in got.get(c.arm, {}), "a cell stands twice"
            got.setdefault(c.arm, {})[c.field_id] = c.value
    return got


def test_an_entry_is_a_report_of_its_own_that_syntheses_know_as_one():
    assert report_of("NCT09000001") == "ctgov:NCT09000001"
    assert report_of("NCT09000001").startswith(PREFIX)
    reading = registry_reading(entry(), [FREE])
    assert reading.nct_id == "NCT09000001"
    assert {c.report_id for c in reading.cells} == {reading.text.report_id} == {"ctgov:NCT09000001"}


def test_arms_come_with_the_roles_that_their_types_suggest():
    roles = {c.arm: c.value for c in registry_reading(entry(), []).cells if c.field_id == "arm_role"}
    assert roles == {"Zavidol 20 mg": "experimental", "Placebo": "control"}


def test_counts_stand_under_the_registered_arm_whatever_the_posted_group_is_called():
    assert numbers(FREE) == {
        "Placebo": {"total": "40", "events": "8"},
        "Zavidol 20 mg": {"total": "50", "events": "25"},
    }


def test_a_standard_error_is_one_and_no_sd_and_the_adjustment_is_told():
    assert numbers(SCORE)["Placebo"] == {"total": "40", "mean": "-1.0", "se": "0.25"}
    cells = [c for c in registry_reading(entry(), [SCORE]).cells if c.outcome]
    assert all("adjusted by a model" in c.reason for c in cells)
    units = {c.field_id: c.unit for c in cells}
    assert units == {"total": None, "mean": "units on a scale", "se": "units on a scale"}


def test_a_median_that_was_not_reached_has_no_value():
    got = numbers(RELAPSE)
    assert got["Placebo"] == {"total": "40", "median": "7.5", "ci_lower": "5.0", "ci_upper": "9.9"}
    assert got["Zavidol 20 mg"] == {"total": "50", "ci_lower": "8.1"}


def test_every_number_is_grounded_in_the_entry():
    reading = registry_reading(entry(), [FREE, SCORE, RELAPSE])
    of_outcomes = [c for c in reading.cells if c.outcome]
    assert len(of_outcomes) > 12
    for c in reading.cells:
        assert c.quote is not None
        assert reading.text.canonical[c.quote.start : c.quote.end] == c.quote.text
        assert (c.status, c.reader) == ("grounded", REGISTRY)
    assert {c.field_id for c in of_outcomes} <= set(STATISTICS)


def test_the_same_entry_gives_the_same_bytes():
    first, second = (registry_reading(entry(), [FREE, SCORE]).model_dump_json() for _ in range(2))
    assert first == second


# Where nothing is clear --------------------------------------------------------------------------


def test_an_outcome_that_was_not_posted_has_no_cells():
    assert numbers(FREE.model_copy(update={"title": "Walking distance"})) == {}


def test_an_entry_without_results_gives_its_arms_and_no_number():
    study = entry()
    del study["resultsSection"]
    assert {c.outcome for c in registry_reading(study, [FREE]).cells} == {""}


def test_an_outcome_that_was_posted_twice_is_for_a_person():
    study = entry()
    posted(study).append({**posted(study)[1], "timeFrame": "Week 24"})
    assert numbers(FREE, study) == {}


def test_rows_of_several_classes_are_for_a_person():
    study = entry()
    row = posted(study)[1]["classes"][0]
    posted(study)[1]["classes"] = [{**row, "title": "Women"}, {**row, "title": "Men"}]
    assert numbers(FREE, study) == {}


@pytest.mark.parametrize("points", [("12 weeks",), ("6 weeks", "12 weeks")])
def test_numbers_stand_at_the_time_point_of_their_time_frame(points):
    spec = FREE.model_copy(update={"time_points": points})
    assert numbers(spec, at="12 weeks")["Placebo"]["events"] == "8"
    assert numbers(spec, at="6 weeks") == {}


def test_a_time_frame_in_words_is_not_taken_for_each_of_several_time_points():
    study = entry()
    posted(study)[1]["timeFrame"] = "End of treatment"
    several = FREE.model_copy(update={"time_points": ("6 weeks", "12 weeks")})
    assert numbers(several, study, "6 weeks") == numbers(several, study, "12 weeks") == {}


def test_two_groups_that_would_be_one_arm_give_no_numbers():
    study = entry()
    posted(study)[1]["groups"][0]["title"] = "Zavidol 20 mg"
    assert numbers(FREE, study) == {}


def test_arms_of_one_name_have_no_roles_since_nothing_tells_them_apart():
    study = entry()
    arms = study["protocolSection"]["armsInterventionsModule"]["armGroups"]
    arms[1]["label"] = arms[0]["label"]
    assert [c for c in registry_reading(study, []).cells if c.field_id in ("arm", "arm_role")] == []


@pytest.mark.parametrize("value", ["NA", "", "about 8", "8*x"])
def test_what_is_no_number_is_left_out(value):
    study = entry()
    posted(study)[1]["classes"][0]["categories"][0]["measurements"][0]["value"] = value
    got = numbers(FREE, study)
    assert got.get("Placebo", {}).get("events") is None
    assert got.get("Zavidol 20 mg", {}).get("events") in ("25", None)


def test_hostile_words_of_an_entry_are_only_words():
    study = entry()
    wild = '=cmd|"x" <script>_a_ $b$</script>'
    study["protocolSection"]["armsInterventionsModule"]["armGroups"][0]["label"] = wild
    assert wild in [c.value for c in registry_reading(study, []).cells]


# Beside a paper ----------------------------------------------------------------------------------


def paper(**counts):
    """What a paper gives of people free of cough: `Placebo=("8", "40")`."""
    sides = {"Placebo": "control", "Zavidol": "experimental"}
    cells = []
    for name, (events, total) in counts.items():
        cells.append(cell("arm_role", sides[name], arm=name))
        cells += [cell(f, v, outcome="free", arm=name) for f, v in (("events", events), ("total", total))]
    return cells


def experimental(cells):
    """Events and participants of the experimental arm that an analysis takes."""
    study = StudyCells(study_id="s1", label="Nobody 2021", cells=tuple(cells))
    asked = Analysis.model_validate({"id": "a", "outcome": "free", "model": "common", "measure": "RR"})
    (line,) = analyse(asked, FREE, [study], Synthesis()).lines
    assert line.data is not None
    assert line.data.experimental is not None
    return line.data.experimental.events, line.data.experimental.total


def test_posted_numbers_are_pooled_only_where_no_paper_gives_any():
    of_entry = registry_reading(entry(), [FREE]).cells
    assert experimental(of_entry) == (25, 50)
    assert experimental([*of_entry, *paper(Placebo=("9", "40"), Zavidol=("20", "49"))]) == (20, 49)
    assert experimental([*of_entry, *paper(Placebo=(None, None), Zavidol=(None, None))]) == (25, 50)


def rules(cells, outcomes=(FREE,)):
    found = differences(entry(), "r1", cells, outcomes)
    assert {f.report_id for f in found} <= {"r1"}
    return [f.finding.rule for f in found]


def test_a_number_that_differs_from_the_entry_is_told_and_one_that_agrees_is_not():
    assert rules(paper(Placebo=("9", "40"), Zavidol=("25", "50"))).count("different-number") == 1
    assert "different-number" not in rules(paper(Placebo=("8", "40"), Zavidol=("25", "50")))


def test_other_reports_and_outcomes_are_not_compared():
    other = [c.model_copy(update={"report_id": "r2"}) for c in paper(Placebo=("9", "40"))]
    assert rules(other) == rules([])
    assert "different-number" not in rules(paper(Placebo=("9", "40")), [])
