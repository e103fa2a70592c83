"""Certainty: suggested from the data, decided by a person on exactly these data. The trials are invented."""

import json

import pytest

from graphs.certainty import COLUMNS, certainty_rows, decided, overall_risks, rating_of, with_certainty
from tests.graphs.tables import cell
from tests.tools.synthesis.tables import RELAPSE, SETTINGS, SLEPT, analysis, arm, between, role, study, trial
from tools.appraisal.grade import DOWN
from tools.appraisal.tool import Domain, Level, Question, Tool
from tools.errors import ConfigError, NotAllowed
from tools.evidence_settings import OutcomeSpec
from tools.synthesis.analysing import analyse

TRIALS = [trial("a", 30, 300, 60, 300), trial("b", 31, 310, 62, 310), trial("c", 29, 290, 61, 290)]
LOW = {"slept": {"a": "low", "b": "low", "c": "low"}}


def content(trials=TRIALS, spec: OutcomeSpec = SLEPT, **told):
    made = analyse(analysis(spec, **told), spec, trials, SETTINGS)
    return {"analyses": [made.model_dump(mode="json")], "kept": "as it is"}


def suggested(made=None, before=None, risks=LOW):
    return with_certainty(made or content(), before or {}, risks)


def rows(**steps):
    """A line for every domain: a number of steps, or steps with a reason."""
    lines = []
    for domain in DOWN:
        told = steps.get(domain, ("0", ""))
        lines.append({"analysis": "main", "domain": domain, "steps": told[0], "reason": told[1]})
    return lines


def steps_of(made, name="main"):
    return {s["domain"]: s["steps"] for s in made["certainty"][name]["steps"]}


# Suggestions -------------------------------------------------------------------------------------


def test_every_domain_of_every_analysis_has_a_line_and_nothing_is_decided():
    lines = certainty_rows(suggested())
    assert [line["domain"] for line in lines] == list(DOWN)
    assert all(tuple(line) == COLUMNS for line in lines)
    assert {(line["steps"], line["decided"]) for line in lines} == {("", "")}
    assert all(line["why"] for line in lines)
    assert next(line for line in lines if line["domain"] == "indirectness")["suggested"] == "a person's"


def test_risk_of_bias_is_suggested_by_the_weight_of_the_studies():
    def of(**risks):
        lines = certainty_rows(suggested(risks={"slept": risks}))
        return next(line["suggested"] for line in lines if line["domain"] == "risk_of_bias")

    assert of(a="low", b="low", c="low") == "0"
    assert of(a="high", b="some", c="low") == "-1"
    assert of(a="low") == "a person's"
    assert of() == "a person's"


def test_judgements_of_another_outcome_count_for_nothing():
    lines = certainty_rows(suggested(risks={"worry": LOW["slept"]}))
    assert next(line["suggested"] for line in lines if line["domain"] == "risk_of_bias") == "a person's"


def test_an_analysis_without_a_pool_can_be_decided_too():
    made = suggested(content([]))
    assert len(certainty_rows(made)) == len(DOWN)
    sides = [role("Drug", "experimental"), role("Placebo", "control")]
    hazard = [
        study(sides, between("Drug vs Placebo", estimate="0.7", estimate_lower="0.5", estimate_upper="0.98"))
    ]
    assert len(certainty_rows(suggested(content(hazard, RELAPSE)))) == len(DOWN)


def test_arms_that_share_a_control_group_are_counted_once():
    doses = study(
        arm("Tea 1 g", "experimental", events=3, total=40),
        arm("Tea 2 g", "experimental", events=5, total=60),
        arm("Water", "control", events=10, total=50),
    )
    said = {
        line["domain"]: line["why"] for line in certainty_rows(suggested(content([doses], multi_arm="split")))
    }
    assert "18 events" in said["imprecision"]  # 3 + 5 + 2 × 10/2


def test_what_else_is_in_the_artefact_stays():
    made = suggested()
    assert made["kept"] == "as it is"
    assert json.loads(json.dumps(made)) == made


# Decisions ---------------------------------------------------------------------------------------


def test_a_rating_takes_every_domain():
    part = decided(suggested(), rows()[:4], "ada")
    assert rating_of(part, "main") is None
    whole = decided(suggested(), rows(imprecision=("-1", "wide")), "ada")
    rating = rating_of(whole, "main")
    assert rating is not None
    assert rating.certainty == "moderate"
    assert rating.reasons == ("Taken down one step for imprecision: wide.",)
    assert rating_of(suggested(), "main") is None


def test_a_line_without_steps_leaves_its_domain_open_and_zero_decides_it():
    lines = rows(indirectness=("", "not sure"))
    assert steps_of(decided(suggested(), lines, "ada")) == {d: 0 for d in DOWN if d != "indirectness"}


def test_decisions_say_by_whom_and_stand_beside_the_suggestion():
    made = decided(suggested(), rows(imprecision=("-1", "wide")), "ada")
    line = next(x for x in certainty_rows(made) if x["domain"] == "imprecision")
    assert (line["steps"], line["reason"], line["decided"]) == ("-1", "wide", "-1 by ada")
    assert decided(made, certainty_rows(made), "ada") == made


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ({"imprecision": ("-1", "")}, "Without a reason"),
        ({"imprecision": ("-1", "  ")}, "Without a reason"),
        ({"imprecision": ("1", "up")}, "only take the certainty down"),
        ({"publication_bias": ("-2", "strong")}, "at most one step"),
        ({"imprecision": ("-3", "very")}, "no number of steps"),
        ({"imprecision": ("0.5", "half")}, "no number of steps"),
        ({"imprecision": ("−1", "typographic")}, "no number of steps"),
        ({"imprecision": ("=1+1", "formula")}, "no number of steps"),
    ],
)
def test_what_grade_does_not_know_is_refused(steps, words):
    with pytest.raises(ConfigError) as caught:
        decided(suggested(), rows(**steps), "ada")
    assert words in str(caught.value)


def test_a_wrong_step_is_refused_while_other_domains_are_still_open():
    with pytest.raises(ConfigError, match="Without a reason"):
        decided(
            suggested(), [{"analysis": "main", "domain": "imprecision", "steps": "-1", "reason": ""}], "ada"
        )


def test_unknown_analyses_domains_and_doubles_are_told_with_their_lines():
    lines = [
        {"analysis": "other", "domain": "imprecision", "steps": "0"},
        {"analysis": "main", "domain": "luck", "steps": "0"},
    ]
    with pytest.raises(ConfigError) as caught:
        decided(suggested(), lines, "ada")
    assert "line 2: no analysis 'other'; there are main" in str(caught.value)
    assert "line 3: no domain 'luck'" in str(caught.value)
    with pytest.raises(ConfigError, match="more than once"):
        decided(suggested(), [*rows(), rows()[0]], "ada")


def test_a_step_up_is_not_for_randomised_trials():
    with pytest.raises(ConfigError, match="non-randomised studies only"):
        up = {"analysis": "main", "domain": "large_effect", "steps": "1", "reason": "large"}
        decided(suggested(), [*rows(), up], "ada")


def test_a_stored_decision_that_cannot_be_is_not_rated():
    made = decided(suggested(), rows(), "ada")
    made["certainty"]["main"]["steps"][0]["steps"] = -1
    with pytest.raises(NotAllowed, match="Without a reason"):
        rating_of(made, "main")


# When the numbers change -------------------------------------------------------------------------


def test_a_decision_stays_on_the_same_data():
    first = decided(suggested(), rows(), "ada")
    again = suggested(before=first["certainty"])
    assert again["certainty"] == first["certainty"]
    assert rating_of(again, "main") is not None


def test_a_decision_is_open_again_when_a_number_changes():
    first = decided(suggested(), rows(), "ada")
    other = suggested(content([trial("a", 31, 300, 60, 300), *TRIALS[1:]]), first["certainty"])
    assert (other["certainty"]["main"]["steps"], other["certainty"]["main"]["by"]) == ([], "")


def test_a_decision_is_open_again_when_a_judgement_of_bias_changes_what_is_suggested():
    first = decided(suggested(), rows(), "ada")
    worse = {"slept": {"a": "high", "b": "high", "c": "low"}}
    other = suggested(before=first["certainty"], risks=worse)
    assert (other["certainty"]["main"]["steps"], other["certainty"]["main"]["by"]) == ([], "")


def test_a_decision_about_another_analysis_is_not_taken_over():
    first = decided(suggested(), rows(), "ada")["certainty"]
    assert suggested(before={"else": first["main"]})["certainty"]["main"]["steps"] == []


# Judgements of bias ------------------------------------------------------------------------------


def judged(level, report_id="r1", outcome="slept"):
    return cell("bias/overall", level, outcome=outcome, report_id=report_id)


def test_the_first_report_that_was_judged_speaks_for_its_study():
    cells = {
        "r1": [judged(None)],
        "r2": [judged("high", "r2"), judged("low", "r2", "worry")],
        "r3": [judged("low", "r3")],
    }
    assert overall_risks(cells, {"s1": ["r1", "r2", "r3"]}) == {
        "slept": {"s1": "high"},
        "worry": {"s1": "low"},
    }


def test_reports_without_a_judgement_have_no_risk_and_other_cells_are_none():
    cells = {"r1": [judged(None), cell("bias/1", "high", outcome="slept"), judged("unclear")]}
    assert overall_risks(cells, {"s1": ["r1", "r9"]}) == {}


def test_a_tool_of_the_users_own_is_understood_by_its_colours():
    tool = Tool(
        id="own",
        name="Own",
        version="1",
        levels=(
            Level(id="fine", word="Fine", colour="low"),
            Level(id="grave", word="Grave", colour="critical"),
        ),
        domains=(Domain(id="1", name="One", questions=(Question(id="1.1", text="Is it?"),)),),
    )
    cells = {"r1": [judged("fine")], "r2": [judged("grave", "r2")]}
    assert overall_risks(cells, {"s1": ["r1"], "s2": ["r2"]}, tool) == {"slept": {"s1": "low", "s2": "high"}}
