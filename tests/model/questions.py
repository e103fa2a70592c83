"""One small question for every task, and an answer that fits it, in the task's own form."""

from typing import Any

from model.engine import Request
from model.tasks import (
    ALL,
    arms,
    bias,
    characteristics,
    direction,
    participants,
    pico,
    query,
    question,
    rationale,
    results,
    screen,
    summary,
)
from tools.schemas import Criterion, FieldSpec, Passage

COUGH = Criterion(id="cough", kind="include", text="A cough.")
ANIMALS = Criterion(id="animals", kind="exclude", text="Animals.")
TEXT = "Snail syrup for cough\nForty adults with cough were given snail syrup or water by lot."
PAPER: dict[str, Any] = {
    "report_id": "lib:1",
    "title": "Snail syrup for cough",
    "passages": (Passage(section="Results", kind="paragraph", start=0, text=TEXT),),
}
RANDOM = bias.SignallingQuestion(id="1.1", domain="randomisation", text="Was the sequence random?")
UNHARMED = bias.SignallingQuestion(
    id="3.2", domain="missing data", text="Did missing data not matter?", options=("Y", "PY", "PN", "N")
)

QUESTIONS: dict[str, Any] = {
    "pico": pico.PicoInput(title="t", question="q", framework="PICO", elements=("P", "I")),
    "query": query.QueryInput(title="t", framework="PICO", elements={"P": ("cough",)}),
    "screen": screen.ScreenInput(record_id="lib:1", criteria=(COUGH, ANIMALS), text="Cough"),
    "rationale": rationale.RationaleInput(record_id="lib:1", criterion=COUGH, label="YES", text=TEXT),
    "characteristics": characteristics.CharacteristicsInput(
        report_id="lib:1",
        title="t",
        fields=(
            FieldSpec(id="size", question="How many?"),
            FieldSpec(id="setting", kind="category", question="Where?", options=("ward", "home")),
        ),
        passages=(),
    ),
    "arms": arms.ArmsInput(**PAPER),
    "participants": participants.ParticipantsInput(
        **PAPER,
        measure=participants.Measure(title="Age", param_type="MEAN", unit="years"),
        groups=(participants.Group(id="BG0", title="Syrup"), participants.Group(id="BG1", title="Water")),
    ),
    "results": results.ResultsInput(
        **PAPER,
        outcome=results.OutcomeMeasure(title="Nights slept"),
        group=results.TrialGroup(title="Syrup"),
    ),
    "direction": direction.DirectionInput(
        **PAPER, intervention="snail syrup", comparator="water", outcome="nights slept"
    ),
    "bias": bias.BiasInput(**PAPER, result="Nights slept", questions=(RANDOM, UNHARMED)),
    "question": question.QuestionInput(
        question="How many took part?", sources=(question.SourceText(record_id="lib:1", text=TEXT),)
    ),
    "summary": summary.SummaryInput(
        outcome="Nights slept",
        cells=(summary.SummaryCell(id="c1", label="Snail syrup, mean", value="5.5 nights"),),
        results=(summary.SummaryCell(id="r1", label="Mean difference", value="1.5 (95% CI 0.5 to 2.5)"),),
    ),
}

YES = {"criterion_id": "cough", "label": "YES", "quote": "Cough", "rationale": "", "confidence": 0.5}
NO = YES | {"criterion_id": "animals", "label": "NO"}
CELL = {"field_id": "size", "status": "found", "value": "40", "unit": None, "quote": "forty"}
SILENT = {"field_id": "setting", "status": "not_reported", "value": None, "unit": None, "quote": ""}
ARM = {
    "quote": "snail syrup",
    "label": "Syrup",
    "type": "EXPERIMENTAL",
    "description": "",
    "interventions": ["Drug: snail syrup"],
}
AGED = {"group_id": "BG0", "quote": "41", "status": "found", "value": "41", "spread": "9.5", "note": "SD"}
AGELESS = {"group_id": "BG1", "quote": "", "status": "not_found", "value": None, "spread": None, "note": ""}
NIGHTS = {"quote": "5.5", "title": "", "value": "5.5", "spread": None, "lower": "-.5", "upper": "6"}
SLEPT = {
    "status": "found",
    "param_type": "MEAN",
    "dispersion_type": "95% CI",
    "unit": "nights",
    "time_frame": "a week",
    "denominator_unit": "Participants",
    "denominator": 20,
    "values": [NIGHTS],
}
BY_LOT = {"question_id": "1.1", "quote": "by lot", "answer": "Y", "rationale": "drawn by lot"}
UNCLEAR = {"question_id": "3.2", "quote": "", "answer": "PN", "rationale": ""}
POOLED = {"cites": ["r1"], "text": "The mean difference was 1.5 (95% CI 0.5 to 2.5)."}
STATED = {"record_id": "lib:1", "quote": "Forty adults", "text": "Forty adults took part."}

FITTING: dict[str, Any] = {
    "pico": {"elements": [{"name": "I", "phrases": []}, {"name": "P", "phrases": ["cough"]}]},
    "query": {"blocks": [{"name": "P", "terms": ["cough[tiab]"]}], "notes": ["P: adults is not required"]},
    "screen": {"verdicts": [NO, YES]},
    "rationale": {"quote": "with cough", "supported": True, "rationale": "They had one."},
    "characteristics": {"cells": [CELL, SILENT]},
    "arms": {"status": "found", "arms": [ARM]},
    "participants": {"values": [AGED, AGELESS]},
    "results": SLEPT,
    "direction": {"quote": "did not differ", "direction": "no_difference", "rationale": ""},
    "bias": {"answers": [BY_LOT, UNCLEAR]},
    "question": {"status": "answered", "statements": [STATED]},
    "summary": {"status": "summarised", "sentences": [POOLED]},
}


def request(task: str) -> Request[Any, Any]:
    """The small question of a task."""
    return Request(ALL[task], QUESTIONS[task])


def answer(task: str) -> Any:
    """The answer that fits it."""
    return ALL[task].answer.model_validate(FITTING[task])
