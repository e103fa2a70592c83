"""Contradictions in what is read, judged and pooled, each with its line; and what will be regretted."""

import textwrap
from pathlib import Path

import pytest

from agent.config import warnings
from tests.agent.test_config import GOOD, only, parse, problems

NUMBERS = GOOD + textwrap.dedent("""\
    extraction:
      outcomes:
        - {id: relief, title: Relief, kind: dichotomous, time_points: [6 weeks, 1 year]}
        - {id: worry, title: Worry, kind: continuous, unit: points}
        - {id: relapse, title: Relapse, kind: time_to_event}
    """)


def pooling(*analyses: str) -> str:
    """The review with these analyses, each as YAML in one line."""
    lines = "".join(f"    - {{{one}}}\n" for one in analyses)
    return f"{NUMBERS}synthesis:\n  analyses:\n{lines}"


RELIEF = "id: a, outcome: relief, time_point: 1 year, model: random"
WORRY = "id: b, outcome: worry, model: common"
RELAPSE = "id: c, outcome: relapse, model: random"


def test_a_sound_review_of_numbers_is_read(tmp_path):
    c = parse(pooling(RELIEF, WORRY, RELAPSE), tmp_path).config
    assert c.reads_evidence
    assert [a.id for a in c.synthesis.analyses] == ["a", "b", "c"]
    assert c.extraction.people == 2


def test_a_review_without_numbers_has_none_of_it(tmp_path):
    c = parse(GOOD, tmp_path).config
    assert (c.reads_evidence, c.synthesis.analyses, c.appraised) == (False, (), ())


# Mistakes ----------------------------------------------------------------------------------------


def test_nobody_deciding_about_numbers_is_a_mistake(tmp_path):
    told = only(NUMBERS + "gates: [query, screen, extract, synthesis]\n", tmp_path)
    assert "nobody would decide" in told
    assert "evidence" in told


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("id: worry,", "id: relief,", 'two outcomes are called "relief"'),
        ("[6 weeks, 1 year]", "[6 weeks, 6 weeks]", "the same time point twice"),
        (
            "kind: time_to_event",
            "kind: time_to_event, change: true",
            "no meaning for a time_to_event outcome",
        ),
    ],
)
def test_outcomes_that_contradict_themselves(tmp_path, old, new, words):
    assert words in only(NUMBERS.replace(old, new), tmp_path)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("participants: [{id: age, title: Age}, {id: age, title: Years}]", 'two measures are called "age"'),
        ("participants: [{id: arm, title: Arm}]", "what the arm itself is kept under"),
        ("arm_fields: [{id: arm_role, question: Role}]", "what the arm itself is kept under"),
        ("arm_fields: [{id: d, question: Dose}, {id: d, question: Days}]", 'two fields are called "d"'),
    ],
)
def test_fields_of_arms_need_names_of_their_own(tmp_path, section, words):
    assert words in only(f"{NUMBERS}  {section}\n", tmp_path)


def test_a_field_of_arms_is_no_measure_of_participants(tmp_path):
    both = "  participants: [{id: dose, title: Dose}]\n  arm_fields: [{id: dose, question: Dose}]\n"
    assert "a measure of participants too" in only(NUMBERS + both, tmp_path)


@pytest.mark.parametrize(
    ("analysis", "words"),
    [
        (
            "id: a, outcome: joy, model: random",
            'no outcome is called "joy"; known are: relief, worry, relapse',
        ),
        ("id: a, outcome: relief, model: random", "the outcome has several"),
        (
            "id: a, outcome: relief, time_point: 2 years, model: random",
            '"2 years" is no time point of relief',
        ),
        ("id: a, outcome: worry, time_point: 2 years, model: random", "the outcome has: none"),
        (f"{RELIEF}, measure: MD", "MD cannot be had of a dichotomous outcome"),
        (f"{WORRY}, measure: HR", "HR cannot be had of a continuous outcome"),
        (f"{RELAPSE}, measure: RR", "RR cannot be had of a time_to_event outcome"),
        ("id: b, outcome: worry, model: mantel_haenszel", "mantel_haenszel pools OR, RR, RD, not MD"),
        (
            "id: a, outcome: relief, time_point: 1 year, model: peto",
            "peto pools OR, not RR",
        ),
        (
            f"{RELIEF}, comparison: {{experimental: [Drug], control: [drug]}}",
            "is on neither",
        ),
        (
            f"{RELIEF}, comparison: {{experimental: [placebo plus drug], control: [placebo]}}",
            'every arm with "placebo plus drug" also holds "placebo" of the other side',
        ),
    ],
)
def test_analyses_that_cannot_be_done(tmp_path, analysis, words):
    told = " ".join(problems(pooling(analysis), tmp_path))
    assert words.partition(";")[0] in told
    assert words.partition("; ")[2] in told


@pytest.mark.parametrize(
    "analysis",
    [
        "id: a, outcome: relief, time_point: 1 year, model: peto, measure: OR",
        "id: a, outcome: relief, time_point: 1 year, model: mantel_haenszel, measure: RD",
        f"{RELIEF}, measure: PROPORTION",
        f"{RELIEF}, comparison: {{experimental: [drug], control: [placebo, usual care]}}",
        f"{WORRY}, measure: SMD",
    ],
)
def test_analyses_that_can_be_done(tmp_path, analysis):
    assert parse(pooling(analysis), tmp_path).config.synthesis.analyses


def test_analyses_of_one_name_would_overwrite_each_other(tmp_path):
    told = only(pooling(RELIEF, WORRY.replace("id: b", "id: a")), tmp_path)
    assert 'two analyses are called "a"' in told
    assert told.startswith("review.yaml:31: synthesis.analyses[2].id:")


def test_a_model_has_to_be_chosen(tmp_path):
    assert "model" in only(pooling("id: b, outcome: worry"), tmp_path)


def test_a_subgroup_is_a_field_of_the_form(tmp_path):
    form = '  form:\n    - {id: setting, question: "Where?"}\n'
    sound = pooling(f"{WORRY}, subgroup: setting").replace("synthesis:", f"{form}synthesis:")
    assert parse(sound, tmp_path).config.synthesis.analyses[0].subgroup == "setting"
    told = only(sound.replace("subgroup: setting", "subgroup: season"), tmp_path)
    assert 'the form has no field "season"' in told


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("{tool: rob3}", "neither a built-in tool nor a file"),
        ("{tool: rob2, outcomes: [joy]}", 'no outcome is called "joy"'),
    ],
)
def test_appraisals_that_cannot_be_done(tmp_path, section, words):
    assert words in only(f"{NUMBERS}appraisal: {section}\n", tmp_path)


def test_bias_is_judged_of_results_so_there_must_be_some(tmp_path):
    assert "no outcome is read" in only(f"{GOOD}appraisal: {{tool: rob2}}\n", tmp_path)


@pytest.mark.parametrize("tool", ["rob2", "rob2-cluster", "rob2-crossover"])
def test_built_in_tools_are_known(tmp_path, tool):
    c = parse(f"{NUMBERS}appraisal: {{tool: {tool}}}\n", tmp_path).config
    assert c.appraised == ("relief", "worry", "relapse")


def test_every_mistake_is_told_at_once(tmp_path):
    told = problems(pooling("id: a, outcome: joy, model: random", f"{RELAPSE}, measure: RR"), tmp_path)
    assert len(told) == 2


# Warnings ----------------------------------------------------------------------------------------


def regretted(text: str, folder: Path) -> list[str]:
    """Warnings about numbers."""
    return [w for w in warnings(parse(text, folder).config) if w.startswith(("extraction:", "synthesis:"))]


def test_a_careful_review_is_not_warned(tmp_path):
    assert regretted(pooling(RELIEF, WORRY, RELAPSE), tmp_path) == []
    assert regretted(NUMBERS, tmp_path) == []
    assert regretted(GOOD, tmp_path) == []


def test_one_reader_is_warned_of(tmp_path):
    (told,) = regretted(NUMBERS + "  people: 1\n", tmp_path)
    assert "MECIR C46" in told
    assert "people: 2" in told


def test_an_old_model_with_a_narrow_interval_is_warned_of(tmp_path):
    (told,) = regretted(pooling(f"{RELIEF}, tau2: DL, interval: wald", WORRY, RELAPSE), tmp_path)
    assert told.startswith("synthesis: a: DerSimonian-Laird")
    assert regretted(pooling(f"{RELIEF}, tau2: DL", WORRY, RELAPSE), tmp_path) == []


def test_an_outcome_in_no_analysis_is_told(tmp_path):
    (told,) = regretted(pooling(RELIEF), tmp_path)
    assert told.startswith("synthesis: relapse, worry")
