"""Tasks: answers that fit their questions, and forms in which a model cannot run on for ever."""

import json
import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from model.engine import AnswerRejected, Request, parse_answer
from model.forms import form
from model.tasks import ALL, characteristics, pico, query, screen
from model.tasks.bias import BiasInput, SignallingQuestion
from model.tasks.characteristics import CharacteristicsInput
from model.tasks.paper import NUMBER
from model.tasks.participants import ParticipantsInput
from model.tasks.query import MAX_CHARS, MAX_NOTE, MAX_TERMS
from model.tasks.question import QuestionInput
from model.tasks.screen import ScreenInput
from tests.model.questions import (
    AGED,
    AGELESS,
    ARM,
    BY_LOT,
    CELL,
    FITTING,
    NIGHTS,
    NO,
    PAPER,
    POOLED,
    QUESTIONS,
    SILENT,
    SLEPT,
    STATED,
    UNCLEAR,
    YES,
)
from tools.protocol import TaskName


def parsed(task, answer):
    raw = answer if isinstance(answer, str) else json.dumps(answer)
    return parse_answer(Request(ALL[task], QUESTIONS[task]), raw)


def test_these_are_the_tasks_that_a_protocol_can_name():
    assert sorted(get_args(TaskName)) == sorted(ALL) == sorted(QUESTIONS) == sorted(FITTING)


@pytest.mark.parametrize("task", ALL)
def test_a_fitting_answer_is_taken_as_it_is(task):
    assert parsed(task, FITTING[task]).model_dump(mode="json") == FITTING[task]


MISFITS = {
    "screen: a criterion missing": ("screen", {"verdicts": [YES]}, r"missing \['animals'\]"),
    "screen: one doubled": ("screen", {"verdicts": [YES, NO, YES]}, r"doubled \['cough'\]"),
    "screen: one unknown": (
        "screen",
        {"verdicts": [YES, NO, YES | {"criterion_id": "x"}]},
        r"unknown.*\['x'\]",
    ),
    "screen: right number, wrong one": ("screen", {"verdicts": [YES, YES]}, r"missing \['animals'\]"),
    "screen: no label": ("screen", {"verdicts": [NO, {"criterion_id": "cough"}]}, "label: Field required"),
    "screen: lower case": ("screen", {"verdicts": [NO, YES | {"label": "yes"}]}, "label"),
    "screen: confidence in percent": ("screen", {"verdicts": [NO, YES | {"confidence": 90}]}, "confidence"),
    "screen: a field too many": ("screen", {"verdicts": [NO, YES | {"score": 1}]}, "score"),
    "screen: beside the point": ("screen", {"verdicts": [NO, YES], "note": "hi"}, "note"),
    "pico: an element missing": ("pico", {"elements": [{"name": "P", "phrases": []}]}, "do not match"),
    "pico: one doubled": ("pico", {"elements": FITTING["pico"]["elements"] * 2}, "do not match"),
    "query: no block": ("query", {"blocks": []}, "blocks"),
    "query: a block that would match all": (
        "query",
        {"blocks": [{"name": "P", "terms": []}]},
        "without terms",
    ),
    "query: a note without end": (
        "query",
        {"blocks": [{"name": "P", "terms": ["cough[tiab]"]}], "notes": ["x" * (MAX_NOTE + 1)]},
        "notes",
    ),
    "query: a term without end": (
        "query",
        {"blocks": [{"name": "P", "terms": ["a" * (MAX_CHARS + 1)]}]},
        "more than 300 characters",
    ),
    "query: terms without end": (
        "query",
        {"blocks": [{"name": "P", "terms": ["a[tiab]"] * (MAX_TERMS + 1)}]},
        "more than 300 terms",
    ),
    "extract: a field missing": ("characteristics", {"cells": [CELL]}, r"missing \['setting'\]"),
    "extract: one doubled": ("characteristics", {"cells": [CELL, CELL, SILENT]}, r"doubled \['size'\]"),
    "extract: found without a value": (
        "characteristics",
        {"cells": [CELL | {"value": " "}, SILENT]},
        r"found but without a value: \['size'\]",
    ),
    "rationale: without a word": (
        "rationale",
        FITTING["rationale"] | {"rationale": " \n"},
        "the rationale is empty",
    ),
    "arms: found and none there": ("arms", {"status": "found", "arms": []}, "status found with 0 arms"),
    "arms: not found and one there": (
        "arms",
        {"status": "not_found", "arms": [ARM]},
        "status not_found with 1 arms",
    ),
    "arms: two of one name": (
        "arms",
        {"status": "found", "arms": [ARM, ARM | {"label": " SYRUP"}]},
        "two with the same",
    ),
    "arms: one without a name": (
        "arms",
        {"status": "found", "arms": [ARM | {"label": ""}]},
        "without a label",
    ),
    "arms: a type of one's own": (
        "arms",
        {"status": "found", "arms": [ARM | {"type": "Experimental"}]},
        r"arms\.0\.type",
    ),
    "participants: a group missing": ("participants", {"values": [AGED]}, r"groups missing \['BG1'\]"),
    "participants: one unknown": (
        "participants",
        {"values": [AGED, AGELESS | {"group_id": "BG2"}]},
        r"missing \['BG1'\], unknown or doubled \['BG2'\]",
    ),
    "participants: found without a value": (
        "participants",
        {"values": [AGED | {"value": None}, AGELESS]},
        r"found without a value.*\['BG0'\]",
    ),
    "participants: a value that was not found": (
        "participants",
        {"values": [AGED, AGELESS | {"value": "43"}]},
        r"not found: \['BG1'\]",
    ),
    "participants: a number with its unit": (
        "participants",
        {"values": [AGED | {"value": "41 years"}, AGELESS]},
        "value",
    ),
    "results: found and none there": (
        "results",
        SLEPT | {"values": []},
        "status found with 0 values",
    ),
    "results: not reported and one there": (
        "results",
        SLEPT | {"status": "not_reported"},
        "status not_reported with 1 values",
    ),
    "results: fewer than nobody": ("results", SLEPT | {"denominator": -1}, "denominator"),
    "results: a value in words": (
        "results",
        SLEPT | {"values": [NIGHTS | {"value": "five"}]},
        r"values\.0\.value",
    ),
    "direction: a fifth one": (
        "direction",
        FITTING["direction"] | {"direction": "improved"},
        "direction",
    ),
    "bias: a question missing": ("bias", {"answers": [BY_LOT]}, r"questions missing \['3.2'\]"),
    "bias: one doubled": ("bias", {"answers": [BY_LOT, BY_LOT, UNCLEAR]}, r"doubled \['1.1'\]"),
    "bias: what this question does not offer": (
        "bias",
        {"answers": [BY_LOT, UNCLEAR | {"answer": "NI"}]},
        r"does not offer: \['3.2'\]",
    ),
    "question: answered by nothing": (
        "question",
        {"status": "answered", "statements": []},
        "status answered with 0 statements",
    ),
    "question: no answer, and one": (
        "question",
        {"status": "not_in_the_records", "statements": [STATED]},
        "with 1 statements",
    ),
    "question: a record that nobody gave": (
        "question",
        {"status": "answered", "statements": [STATED | {"record_id": "pubmed:7"}]},
        r"not given: \['pubmed:7'\]",
    ),
    "summary: a summary of nothing": (
        "summary",
        {"status": "summarised", "sentences": []},
        "status summarised with 0 sentences",
    ),
    "summary: a cell that nobody gave": (
        "summary",
        {"status": "summarised", "sentences": [POOLED | {"cites": ["r1", "c9"]}]},
        r"not given: \['c9'\]",
    ),
    "summary: a sentence of blanks": (
        "summary",
        {"status": "summarised", "sentences": [POOLED | {"text": "  "}]},
        "without a text",
    ),
    "summary: a sentence on trust": (
        "summary",
        {"status": "summarised", "sentences": [POOLED | {"cites": []}]},
        "cites",
    ),
    "question: a statement on trust": (
        "question",
        {"status": "answered", "statements": [STATED | {"quote": " "}]},
        "without a quote",
    ),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_an_answer_that_does_not_fit_its_question_is_rejected_whole(misfit):
    task, answer, said = MISFITS[misfit]
    with pytest.raises(AnswerRejected, match=said) as e:
        parsed(task, answer)
    assert str(e.value).startswith(f"{task}: ")
    assert json.loads(e.value.raw)


def test_every_task_can_be_answered_wrongly():
    assert {task for task, _, _ in MISFITS.values()} == set(ALL)


@pytest.mark.parametrize("task", ALL)
@pytest.mark.parametrize(
    "raw", ["", " ", "null", "[]", "{}", '"YES"', "1", "NaN", "Sure! {}", "{} {}", '{"a":', "\x00"]
)
def test_what_is_no_answer_is_never_read_as_one(task, raw):
    with pytest.raises(AnswerRejected):
        parsed(task, raw)


@given(st.sampled_from(sorted(ALL)), st.data())
def test_a_cut_answer_is_rejected_wherever_it_is_cut(task, data):
    raw = json.dumps(FITTING[task])
    with pytest.raises(AnswerRejected):
        parsed(task, raw[: data.draw(st.integers(0, len(raw) - 1))])


@pytest.mark.parametrize("text", ["0", "41", "-0.4", "+2", ".05", "007", "1234.50"])
def test_a_number_stays_as_it_is_written(text):
    cell = AGED | {"value": text}
    assert parsed("participants", {"values": [cell, AGELESS]}).values[0].value == text


@pytest.mark.parametrize(
    "text", ["", "-", ".", "1.", "1,000", "1 000", "41%", "1e3", "NaN", "-\u0664", "4\n"]
)
def test_what_is_no_plain_number_is_none(text):
    """Neither a comma nor an exponent is guessed at: the reader's comma may be the writer's point."""
    with pytest.raises(AnswerRejected):
        parsed("participants", {"values": [AGED | {"value": text}, AGELESS]})


# Forms -------------------------------------------------------------------------------------------


def parts(schema):
    """Every subschema, references resolved where they are defined."""
    yield schema
    for value in schema.get("properties", {}).values():
        yield from parts(value)
    for value in schema.get("$defs", {}).values():
        yield from parts(value)
    for value in schema.get("anyOf", []):
        yield from parts(value)
    if isinstance(schema.get("items"), dict):
        yield from parts(schema["items"])


def bounded(part):
    """A subschema that no answer can be endless in, and that says all it asks for."""
    kind = part.get("type")
    if "enum" in part or "const" in part:
        return True
    if kind == "string" and "pattern" in part:
        return not re.search(r"[*+]|,\}", part["pattern"].replace("[-+]", ""))
    if kind == "string":
        return part["maxLength"] > 0
    if kind == "array":
        return part["maxItems"] > 0 and bool(part["items"])
    if kind == "object":
        inside = part["properties"]
        return bool(inside) and part["additionalProperties"] is False and part["required"] == list(inside)
    if kind in ("number", "integer"):
        return {"minimum", "maximum"} <= part.keys()
    return kind in ("boolean", "null") or "$ref" in part or "anyOf" in part


@pytest.mark.parametrize("task", ALL)
def test_nothing_in_a_form_is_without_bounds_and_nothing_may_be_left_out(task):
    schema = form("ours", ALL[task]).schema(QUESTIONS[task])
    for part in parts(schema):
        assert bounded(part), part


KEYED = {
    "pico": ("elements", ["P", "I"]),
    "query": ("blocks", ["P"]),
    "screen": ("verdicts", ["cough", "animals"]),
    "characteristics": ("cells", ["size", "setting"]),
    "participants": ("values", ["BG0", "BG1"]),
    "bias": ("answers", ["1.1", "3.2"]),
}


def test_these_tasks_have_an_item_per_id():
    assert {task.id for task in ALL.values() if task.keyed} == set(KEYED)


@pytest.mark.parametrize("task", KEYED)
def test_a_form_demands_every_id_in_the_order_asked_and_no_other(task):
    items, ids = KEYED[task]
    told = form("ours", ALL[task]).schema(QUESTIONS[task])["properties"][items]
    assert told["type"] == "object"
    assert list(told["properties"]) == told["required"] == ids
    assert told["additionalProperties"] is False


def item_of(task, key):
    schema = form("ours", ALL[task]).schema(QUESTIONS[task])
    item = schema["properties"][KEYED[task][0]]["properties"][key]
    return schema["$defs"][item["$ref"].rpartition("/")[2]] if "$ref" in item else item


def test_a_category_takes_one_of_its_options_or_nothing():
    assert item_of("characteristics", "setting")["properties"]["value"]["enum"] == ["ward", "home", None]
    assert "enum" not in item_of("characteristics", "size")["properties"]["value"]


def test_a_signalling_question_takes_one_of_its_own_answers():
    assert item_of("bias", "1.1")["properties"]["answer"]["enum"] == ["Y", "PY", "PN", "N", "NI"]
    assert item_of("bias", "3.2")["properties"]["answer"]["enum"] == ["Y", "PY", "PN", "N"]


def test_no_model_is_asked_how_sure_it_is():
    assert list(item_of("screen", "cough")["properties"]) == ["quote", "label", "rationale"]


def test_evidence_comes_before_what_rests_on_it():
    for task in ALL.values():
        for part in parts(form("ours", task).schema(QUESTIONS[task.id])):
            names = list(part.get("properties", {}))
            if "quote" in names:
                judged = {"label", "status", "value", "answer", "direction", "supported", "text", "type"}
                assert not judged.intersection(names[: names.index("quote")]), (task.id, names)


def test_a_number_in_a_form_has_the_pattern_of_a_number():
    value = item_of("participants", "BG0")["properties"]["value"]
    assert {"type": "null"} in value["anyOf"]
    assert value["anyOf"][0]["pattern"] == NUMBER


def test_a_form_that_asks_for_a_block_is_the_block_we_read():
    """Its bounds are written by hand; they must describe the same fields."""
    from tools.schemas import Block

    items = query.QueryAnswer.model_json_schema()["properties"]["blocks"]["items"]
    assert set(items["properties"]) == set(Block.model_fields)
    assert items["required"] == [name for name, field in Block.model_fields.items() if field.is_required()]


# Questions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ALL)
def test_inputs_are_strict_too(task):
    asked = QUESTIONS[task]
    with pytest.raises(ValidationError):
        type(asked).model_validate(asked.model_dump() | {"secret": 1})


def test_a_question_without_anything_to_answer_cannot_be_asked():
    with pytest.raises(ValidationError):
        ScreenInput(record_id="lib:1", criteria=(), text="Cough")
    with pytest.raises(ValidationError):
        CharacteristicsInput(report_id="lib:1", title="t", fields=(), passages=())
    with pytest.raises(ValidationError):
        ParticipantsInput(**PAPER, measure={"title": "Age"}, groups=())
    with pytest.raises(ValidationError):
        BiasInput(**PAPER, result="r", questions=())
    with pytest.raises(ValidationError):
        QuestionInput(question="")


def test_what_a_prompt_is_filled_with_by_hand():
    assert screen.TASK.variables(QUESTIONS["screen"])["criteria"] == (
        "- id cough (include): A cough.\n- id animals (exclude): Animals."
    )
    assert query.TASK.variables(QUESTIONS["query"])["elements"] == "- P: cough"
    assert "PubMed" in query.TASK.variables(QUESTIONS["query"])["target"]
    trials = QUESTIONS["query"].model_copy(update={"target": "trials"})
    assert "ClinicalTrials.gov" in query.TASK.variables(trials)["target"]
    assert pico.TASK.variables(QUESTIONS["pico"])["given"] == "- nothing"
    given_ = QUESTIONS["pico"].model_copy(update={"given": {"P": ("cough", "cold"), "I": ()}})
    assert pico.TASK.variables(given_)["given"] == "- P: cough; cold"
    assert characteristics.TASK.variables(QUESTIONS["characteristics"])["fields"] == (
        "- id size (text): How many?\n- id setting (category): Where? [options: ward, home]"
    )


def test_what_the_tasks_about_a_paper_are_filled_with():
    def filled(task):
        return ALL[task].variables(QUESTIONS[task])

    assert filled("rationale")["criterion"] == "(include) A cough."
    assert filled("rationale")["label"] == "YES"
    assert filled("participants")["groups"] == "- id BG0: Syrup\n- id BG1: Water"
    assert filled("participants")["measure"] == "Measure: Age\nKind of number: MEAN\nUnit: years"
    assert filled("results")["outcome"] == "Nights slept"
    assert filled("direction")["comparator"] == "water"
    assert filled("bias")["questions"] == (
        "- id 1.1 (randomisation; Y, PY, PN, N, NI): Was the sequence random?\n"
        "- id 3.2 (missing data; Y, PY, PN, N): Did missing data not matter?"
    )
    assert filled("question")["records"].startswith("[lib:1] \nSnail syrup")
    assert SignallingQuestion(id="1.1", domain="d", text="t").options[-1] == "NI"
