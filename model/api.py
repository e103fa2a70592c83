"""The engine's tasks as functions, for notebooks and scripts: plain values in, typed answers out, on any backend.

    from model.api import connect, screening_study, screening_study_batch

    engine = {"backend": "vllm", "prompts": "leads"}
    judged = screening_study("Snail syrup for cough. …", ["Adults with a cough"], engine=engine)
    judged.verdicts["c1"].label, judged.score

Each function has a batch form: `…_batch(items, engine=…, in_flight=…, progress=…, **common)`. An item is a dict of
the single form's arguments, or its first argument alone; `common` holds what is the same for all. All items are
checked before the first is asked. The results come in the order of the items, each an answer or the typed error of
its failure, never None or an empty text; equal items stay separate entries. Where the engine cannot be reached any
more, `Stopped` is raised and holds what had landed.

`engine` is what the section `engine` of review.yaml says, as a dict; or a backend's name; or an engine, such as
`connect` gives: that one can keep every call in a file. All functions raise `ConfigError` for an argument that cannot
be used, and `EngineError` (see `model.engine`) where no usable answer came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from model import api_questions as asked
from model.api_engine import Batch, EngineLike, Stopped, connect, engine_of
from model.api_inputs import Paper, Text
from model.engine import A, Answer, AnswerRejected, Request
from model.pool import ask
from model.tasks.arms import ArmsAnswer
from model.tasks.bias import BiasAnswer
from model.tasks.characteristics import CharacteristicsAnswer
from model.tasks.direction import DirectionAnswer
from model.tasks.participants import ParticipantsAnswer
from model.tasks.pico import PicoAnswer
from model.tasks.query import QueryAnswer
from model.tasks.question import QuestionAnswer
from model.tasks.rationale import RationaleAnswer
from model.tasks.results import ResultsAnswer
from model.tasks.screen import Judgement, ScreenAnswer, ScreenInput
from model.tasks.summary import SummaryAnswer
from tools.schemas import Block, Label, SetAside
from tools.screening.verdicts import mean_score
from tools.search.building import blocks_query, usable
from tools.search.query import render

__all__ = [
    "Drafted",
    "Screened",
    "Stopped",
    "answer_question",
    "answer_question_batch",
    "connect",
    "direction_of_effect",
    "direction_of_effect_batch",
    "explain_verdict",
    "explain_verdict_batch",
    "extract_arm_design",
    "extract_arm_design_batch",
    "extract_participant_statistics",
    "extract_participant_statistics_batch",
    "extract_study_characteristics",
    "extract_study_characteristics_batch",
    "extract_trial_result",
    "extract_trial_result_batch",
    "narrative_summary",
    "narrative_summary_batch",
    "pico_elements",
    "pico_elements_batch",
    "risk_of_bias",
    "risk_of_bias_batch",
    "screening_study",
    "screening_study_batch",
    "search_query_generation",
    "search_query_generation_batch",
]


@dataclass(frozen=True)
class Screened:
    """One text, judged by each criterion."""

    record_id: str
    verdicts: Mapping[str, Judgement]
    """By criterion id, in the order of the criteria."""
    score: float
    """LEADS' mean in [-1, 1]: for ranking only, it decides nothing."""
    answer: Answer[ScreenAnswer]
    """What the engine said: raw text, tokens, probabilities, notes."""


@dataclass(frozen=True)
class Drafted:
    """A search strategy as the engine drafted it. Whether its terms find anything is not checked here."""

    query: str
    """PubMed syntax."""
    blocks: tuple[Block, ...]
    set_aside: tuple[SetAside, ...]
    """What the engine proposed and is no search term."""
    answer: Answer[QueryAnswer]


def _as_it_is(_request: object, answer: Answer[A]) -> Answer[A]:
    return answer


def _drafted(request: Request[Any, Any], answer: Answer[QueryAnswer]) -> Drafted:
    blocks, aside = usable(answer.value.blocks)
    if lost := [
        block.name for block in answer.value.blocks if block.name not in {kept.name for kept in blocks}
    ]:
        raise AnswerRejected(f"query: no term of {lost} can be searched for: {_said(aside)}", raw=answer.raw)
    return Drafted(render(blocks_query(blocks)), blocks, aside, answer)


def _said(aside: Iterable[SetAside]) -> str:
    return "; ".join(f"{one.term!r} {one.why}" for one in aside)


def _screened(request: Request[ScreenInput, ScreenAnswer], answer: Answer[ScreenAnswer]) -> Screened:
    told = {verdict.criterion_id: verdict for verdict in answer.value.verdicts}
    question = request.input
    return Screened(
        record_id=question.record_id,
        verdicts={criterion.id: told[criterion.id] for criterion in question.criteria},
        score=mean_score(question.criteria, {key: verdict.label for key, verdict in told.items()}),
        answer=answer,
    )


# Searching ---------------------------------------------------------------------------------------


def pico_elements(
    question: str, *, title: str = "", framework: str = "PICO", engine: EngineLike = "baseline"
) -> Answer[PicoAnswer]:
    """The elements of a question in free text, such as `P: adults with cough I: snail syrup`."""
    return ask(engine_of(engine), asked.pico(question, title=title, framework=framework))


pico_elements_batch = Batch(asked.pico, _as_it_is)
"""Many questions; see the module."""


def search_query_generation(
    elements: Mapping[str, str | Sequence[str]],
    *,
    target: Literal["publications", "trials"] = "publications",
    title: str = "",
    framework: str = "PICO",
    engine: EngineLike = "baseline",
) -> Drafted:
    """A search strategy for a question.

    Args:
        elements: those that are to be searched for, such as `{"population": "cough", "intervention": "snail syrup"}`;
            empty ones are left out.
        target: what is searched.
        title: of the review.
        framework: whose elements they are.
        engine: see the module.

    Raises:
        AnswerRejected: of a proposed block no term can be searched for; without it the strategy would be another.
    """
    request = asked.query(elements, target=target, title=title, framework=framework)
    return _drafted(request, ask(engine_of(engine), request))


search_query_generation_batch = Batch(asked.query, _drafted)
"""Strategies for many questions; see the module. Here each item is a dict of arguments."""


# Judging -----------------------------------------------------------------------------------------


def screening_study(text: Text, criteria: object, *, engine: EngineLike = "baseline") -> Screened:
    """Each eligibility criterion, judged on one text.

    Args:
        text: see `api_inputs.Text`.
        criteria: a list of texts (inclusion criteria c1, c2, …), a dict of id to text, or dicts or objects of
            `tools.schemas.Criterion`, which tell inclusion from exclusion.
        engine: see the module.
    """
    request = asked.screen(text, criteria)
    return _screened(request, ask(engine_of(engine), request))


screening_study_batch = Batch(asked.screen, _screened)
"""Many texts, as a rule by the same `criteria`; see the module."""


def explain_verdict(
    text: Text, criterion: object, label: Label, *, engine: EngineLike = "baseline"
) -> Answer[RationaleAnswer]:
    """Why a text bears a verdict out, or that it does not."""
    return ask(engine_of(engine), asked.rationale(text, criterion, label))


explain_verdict_batch = Batch(asked.rationale, _as_it_is)
"""Many verdicts; see the module."""


# Extracting --------------------------------------------------------------------------------------


def extract_study_characteristics(
    paper: Paper, fields: object, *, engine: EngineLike = "baseline"
) -> Answer[CharacteristicsAnswer]:
    """The fields of a form from one report.

    Args:
        paper: see `api_inputs.Paper`.
        fields: a dict of name to question, a list of names, or dicts or objects of `tools.schemas.FieldSpec`.
        engine: see the module.
    """
    return ask(engine_of(engine), asked.characteristics(paper, fields))


extract_study_characteristics_batch = Batch(asked.characteristics, _as_it_is)
"""Many reports, as a rule with the same `fields`; see the module."""


def extract_arm_design(paper: Paper, *, engine: EngineLike = "baseline") -> Answer[ArmsAnswer]:
    """The arms of a trial from its report."""
    return ask(engine_of(engine), asked.arms(paper))


extract_arm_design_batch = Batch(asked.arms, _as_it_is)
"""Many reports; see the module."""


def extract_participant_statistics(
    paper: Paper, measure: object, groups: object, *, engine: EngineLike = "baseline"
) -> Answer[ParticipantsAnswer]:
    """One baseline characteristic, group by group.

    Args:
        paper: see `api_inputs.Paper`.
        measure: its title, or a dict of `model.tasks.participants.Measure`.
        groups: a list of titles (g1, g2, …), a dict of id to title, or dicts of `Group`.
        engine: see the module.
    """
    return ask(engine_of(engine), asked.participants(paper, measure, groups))


extract_participant_statistics_batch = Batch(asked.participants, _as_it_is)
"""Many characteristics or reports; see the module."""


def extract_trial_result(
    paper: Paper, outcome: object, group: object, *, engine: EngineLike = "baseline"
) -> Answer[ResultsAnswer]:
    """What one group scored in one outcome.

    Args:
        paper: see `api_inputs.Paper`.
        outcome: its title, or a dict of `model.tasks.results.OutcomeMeasure`.
        group: its title, or a dict of `model.tasks.results.TrialGroup`.
        engine: see the module.
    """
    return ask(engine_of(engine), asked.results(paper, outcome, group))


extract_trial_result_batch = Batch(asked.results, _as_it_is)
"""Many outcomes, groups or reports; see the module."""


# Appraising and asking ---------------------------------------------------------------------------


def direction_of_effect(
    paper: Paper, intervention: str, comparator: str, outcome: str, *, engine: EngineLike = "baseline"
) -> Answer[DirectionAnswer]:
    """Whether the intervention raised or lowered the outcome, with the passage that shows it."""
    return ask(engine_of(engine), asked.direction(paper, intervention, comparator, outcome))


direction_of_effect_batch = Batch(asked.direction, _as_it_is)
"""Many comparisons or reports; see the module."""


def risk_of_bias(
    paper: Paper, result: str, questions: object, *, engine: EngineLike = "baseline"
) -> Answer[BiasAnswer]:
    """Answers to signalling questions about one result; a domain's judgement is left to a person.

    Args:
        paper: see `api_inputs.Paper`.
        result: outcome and comparison that are appraised.
        questions: a dict of number to text, or dicts of `model.tasks.bias.SignallingQuestion`.
        engine: see the module.
    """
    return ask(engine_of(engine), asked.bias(paper, result, questions))


risk_of_bias_batch = Batch(asked.bias, _as_it_is)
"""Many results or reports, as a rule with the same `questions`; see the module."""


def answer_question(
    question: str, records: Sequence[Text], *, engine: EngineLike = "baseline"
) -> Answer[QuestionAnswer]:
    """A plain question, answered from these records and from nothing else.

    Args:
        question: in a sentence.
        records: see `api_inputs.Text`; give each a `record_id`, as statements cite it. Texts alone are r1, r2, ….
        engine: see the module.
    """
    return ask(engine_of(engine), asked.question(question, records))


answer_question_batch = Batch(asked.question, _as_it_is)
"""Many questions, as a rule to the same `records`; see the module."""


def narrative_summary(
    outcome: str, cells: object, results: object = (), *, engine: EngineLike = "baseline"
) -> Answer[SummaryAnswer]:
    """The cells of one outcome in sentences that cite them; see `tools.reporting.narrative` for what may stand.

    Args:
        outcome: its title.
        cells: a dict of label to value, called c1, c2, …, or dicts of `model.tasks.summary.SummaryCell`.
        results: what was pooled, likewise; from a dict they are called r1, r2, ….
        engine: see the module.
    """
    return ask(engine_of(engine), asked.summary(outcome, cells, results))


narrative_summary_batch = Batch(asked.summary, _as_it_is)
"""Many outcomes; see the module."""
