"""Forms of the user's own: read, judged, and refused with what to do. The forms here are invented."""

import pytest
import yaml

from model.tasks.bias import SignallingQuestion
from tools.appraisal import forms
from tools.appraisal.forms import form
from tools.appraisal.tool import judge, overall, question_fields, questions_to_ask
from tools.errors import ConfigError

TEXT = """
id: invented-diagnostic
name: Invented list for test accuracy
version: "2026"
judgements:
  - {id: low, word: Low, colour: low}
  - {id: high, word: High, colour: high}
  - {id: unclear, word: Unclear, colour: none, ranked: false}
answers: {Y: "Yes", N: "No", NI: "Unclear", NA: "Not applicable"}
overall: worst
domains:
  - id: "1"
    name: Patients
    questions:
      - {id: "1.1", text: "Were patients taken in a row?"}
      - {id: "1.2", text: "Was the threshold set before?", asked_if: "1.1 yes", options: [Y, N, NI]}
    rules:
      - {when: "1.1 no", level: high, why: Not taken in a row.}
      - {when: "1.2 yes", level: low, why: In a row and set before.}
      - {when: "1.1 ni or 1.2 ni", level: unclear, why: Not told.}
      - {when: "1.1 na", level: null, why: Not applicable.}
  - id: "2"
    name: Flow
    questions:
      - {id: "2.1", text: "Is everybody in the analysis?"}
    note: The list gives no rule for this domain.
"""


def document():
    return yaml.safe_load(TEXT)


def judged(answers):
    return [(d.status, d.level) for d in judge(form(document()), answers).domains]


def test_a_form_becomes_a_tool():
    tool = form(document())
    assert [q.id for q in questions_to_ask(tool, {"1.1": "Y"})] == ["1.1", "1.2", "2.1"]
    assert tool.words == (("Y", "Yes"), ("N", "No"), ("NI", "Unclear"), ("NA", "Not applicable"))
    assert tool.level("unclear").colour == "none"
    assert tool.domains[0].questions[0].options == ("Y", "N", "NI", "NA")


@pytest.mark.parametrize(
    ("answers", "first"),
    [
        ({"1.1": "N"}, ("judged", "high")),
        ({"1.1": "Y", "1.2": "Y"}, ("judged", "low")),
        ({"1.1": "NI"}, ("judged", "unclear")),
        ({"1.1": "NA"}, ("person decides", None)),
        ({"1.1": "Y", "1.2": "N"}, ("person decides", None)),
        ({"1.1": "Y"}, ("answers missing", None)),
    ],
)
def test_rules_decide_in_order_and_a_gap_is_left_to_a_person(answers, first):
    assert judged(answers)[0] == first


def test_a_domain_without_rules_is_left_to_a_person_with_its_note():
    got = judge(form(document()), {"2.1": "Y"}).domains[1]
    assert (got.status, got.rule) == ("person decides", "The list gives no rule for this domain.")


def test_an_unranked_judgement_hides_the_worst_unless_the_worst_is_there():
    tool = form(document())
    unclear = overall(tool, {"1": "unclear", "2": "low"})
    assert (unclear.status, unclear.level) == ("person decides", None)
    assert overall(tool, {"1": "unclear", "2": "unclear"}).status == "person decides"
    assert overall(tool, {"1": "unclear", "2": "high"}).level == "high"
    by_person = form({**document(), "overall": "person"})
    assert overall(by_person, {"1": "low", "2": "low"}).status == "person decides"


def test_its_questions_fit_what_the_reader_of_reports_takes():
    read = [SignallingQuestion.model_validate(f) for f in question_fields(form(document()))]
    assert [q.options for q in read] == [
        ("Y", "N", "NI", "NA"),
        ("Y", "N", "NI", "NA"),
        ("Y", "N", "NI", "NA"),
    ]


def change(path, value):
    changed = document()
    at = changed
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (
            ("domains", 0, "questions", 0, "id"),
            1.1,
            r'domains.0.questions.0.id: write it in quotes, such as "1.10"',
        ),
        (("domains", 1, "questions", 0, "id"), "1.1", "questions: the id '1.1' is there 2 times"),
        (
            ("domains", 0, "questions", 0, "options"),
            ["Y", "Maybe"],
            "questions.0.options.1: choose from 'Y', 'PY'",
        ),
        (
            ("domains", 0, "questions", 1, "asked_if"),
            "1.9 yes",
            "question 1.2, asked_if: '1.9' is no earlier",
        ),
        (("domains", 0, "questions", 0, "asked_if"), "1.1 yes", "the first question has none before it"),
        (
            ("domains", 1, "questions", 0, "asked_if"),
            "1.1 yes",
            "'1.1' is no earlier question of this domain",
        ),
        (
            ("domains", 0, "rules", 0, "when"),
            "1.1 perhaps",
            "rule 1, when: condition '1.1 perhaps'.*Write, for example",
        ),
        (
            ("domains", 0, "rules", 0, "level"),
            "awful",
            "rule 1: no judgement 'awful'; choose from low, high, unclear",
        ),
        (("judgements", 0, "ranked"), False, "at least two must be ranked"),
        (("judgements", 0, "colour"), "teal", "judgements.0.colour: choose from 'low', 'some', 'high'"),
        (("raise_at",), "unclear", "raise_at: 'unclear' must be a judgement that has a worse one"),
        (("verdict",), "x", "verdict: there is no such entry"),
        (("answers",), {"Y": "Yes"}, "answers: give at least 2"),
        (("name",), "", "name: it must not be empty"),
    ],
)
def test_a_wrong_form_is_refused_with_the_place_and_what_to_do(path, value, said):
    with pytest.raises(ConfigError, match=said) as refused:
        form(change(path, value))
    assert len(refused.value.problems) == 1


def test_all_mistakes_are_told_at_once():
    wrong = change(("domains", 0, "rules", 0, "level"), "awful")
    wrong["domains"][1]["questions"][0]["asked_if"] = "1.1 yes"
    with pytest.raises(ConfigError) as refused:
        form(wrong)
    assert len(refused.value.problems) == 2


def test_the_form_in_the_documentation_is_one():
    example = forms.__doc__.split("\n\n")[1]
    tool = form(yaml.safe_load(example))
    assert [d.level for d in judge(tool, {"1.1": "N", "1.2": "NI"}).domains] == ["high"]
