"""Tasks: answers that fit their questions, and forms in which a model cannot run on for ever."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from agent.wiring import TASKS as WIRED
from model.engine import AnswerRejected, Request, parse_answer
from model.tasks import characteristics, pico, query, screen
from model.tasks.characteristics import CharacteristicsInput
from model.tasks.pico import PicoInput
from model.tasks.query import MAX_CHARS, MAX_NOTE, MAX_TERMS, QueryInput
from model.tasks.screen import ScreenInput
from tools.schemas import Criterion, FieldSpec

TASKS = {module.TASK.id: module.TASK for module in (characteristics, pico, query, screen)}
COUGH = Criterion(id="cough", kind="include", text="A cough.")
ANIMALS = Criterion(id="animals", kind="exclude", text="Animals.")

QUESTIONS = {
    "screen": ScreenInput(record_id="lib:1", criteria=(COUGH, ANIMALS), text="Cough"),
    "pico": PicoInput(title="t", question="q", framework="PICO", elements=("P", "I")),
    "query": QueryInput(title="t", framework="PICO", elements={"P": ("cough",)}),
    "characteristics": CharacteristicsInput(
        report_id="lib:1", title="t", fields=(FieldSpec(id="size", question="How many?"),), passages=()
    ),
}
YES = {"criterion_id": "cough", "label": "YES", "quote": "Cough", "rationale": "", "confidence": 0.5}
NO = YES | {"criterion_id": "animals", "label": "NO"}
CELL = {"field_id": "size", "status": "found", "value": "40", "unit": None, "quote": "forty"}
FITTING = {
    "screen": {"verdicts": [NO, YES]},
    "pico": {"elements": [{"name": "I", "phrases": []}, {"name": "P", "phrases": ["cough"]}]},
    "query": {"blocks": [{"name": "P", "terms": ["cough[tiab]"]}], "notes": ["P: adults is not required"]},
    "characteristics": {"cells": [CELL]},
}


def parsed(task, answer):
    raw = answer if isinstance(answer, str) else json.dumps(answer)
    return parse_answer(Request(TASKS[task], QUESTIONS[task]), raw)


def test_these_are_the_tasks_that_the_product_asks():
    assert sorted(WIRED) == sorted(TASKS)


@pytest.mark.parametrize("task", TASKS)
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
    "extract: a field missing": ("characteristics", {"cells": []}, r"missing \['size'\]"),
    "extract: one doubled": ("characteristics", {"cells": [CELL, CELL]}, r"doubled \['size'\]"),
    "extract: found without a value": (
        "characteristics",
        {"cells": [CELL | {"value": " "}]},
        r"found but without a value: \['size'\]",
    ),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_an_answer_that_does_not_fit_its_question_is_rejected_whole(misfit):
    task, answer, said = MISFITS[misfit]
    with pytest.raises(AnswerRejected, match=said) as e:
        parsed(task, answer)
    assert str(e.value).startswith(f"{task}: ")
    assert json.loads(e.value.raw)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    "raw", ["", " ", "null", "[]", "{}", '"YES"', "1", "NaN", "Sure! {}", "{} {}", '{"a":', "\x00"]
)
def test_what_is_no_answer_is_never_read_as_one(task, raw):
    with pytest.raises(AnswerRejected):
        parsed(task, raw)


@given(st.sampled_from(sorted(TASKS)), st.data())
def test_a_cut_answer_is_rejected_wherever_it_is_cut(task, data):
    raw = json.dumps(FITTING[task])
    with pytest.raises(AnswerRejected):
        parsed(task, raw[: data.draw(st.integers(0, len(raw) - 1))])


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


@pytest.mark.parametrize("task", TASKS)
def test_nothing_in_a_form_is_without_bounds(task):
    schema = TASKS[task].answer.model_json_schema()
    kinds = set()
    for part in parts(schema):
        kinds.add(kind := part.get("type"))
        if kind == "string":
            assert "enum" in part or "const" in part or part["maxLength"] > 0, part
        if kind == "array":
            assert part["maxItems"] > 0, part
            assert part["items"], part
        if kind == "object":
            assert part["additionalProperties"] is False, part
            assert part["properties"], part
        if kind in ("number", "integer"):
            assert {"minimum", "maximum"} <= part.keys(), part
        assert kind or "$ref" in part or "anyOf" in part, part
    assert {"object", "array", "string"} <= kinds


def test_a_form_that_asks_for_a_block_is_the_block_we_read():
    """Its bounds are written by hand; they must describe the same fields."""
    from tools.schemas import Block

    items = query.QueryAnswer.model_json_schema()["properties"]["blocks"]["items"]
    assert set(items["properties"]) == set(Block.model_fields)
    assert items["required"] == [name for name, field in Block.model_fields.items() if field.is_required()]


@pytest.mark.parametrize("task", TASKS)
def test_inputs_are_strict_too(task):
    asked = QUESTIONS[task]
    with pytest.raises(ValidationError):
        type(asked).model_validate(asked.model_dump() | {"secret": 1})


def test_a_question_without_criteria_or_fields_cannot_be_asked():
    with pytest.raises(ValidationError):
        ScreenInput(record_id="lib:1", criteria=(), text="Cough")
    with pytest.raises(ValidationError):
        CharacteristicsInput(report_id="lib:1", title="t", fields=(), passages=())


def test_what_a_prompt_is_filled_with_by_hand():
    assert screen.TASK.variables(QUESTIONS["screen"])["criteria"] == (
        "- id cough (include): A cough.\n- id animals (exclude): Animals."
    )
    assert query.TASK.variables(QUESTIONS["query"])["elements"] == "- P: cough"
    assert pico.TASK.variables(QUESTIONS["pico"])["given"] == "- nothing"
    given_ = QUESTIONS["pico"].model_copy(update={"given": {"P": ("cough", "cold"), "I": ()}})
    assert pico.TASK.variables(given_)["given"] == "- P: cough; cold"
