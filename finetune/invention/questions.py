"""Questions of every task about invented trials, with the answers that follow from what their texts tell."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from finetune.invention.trials import Arm, Trial, disease, drug, invent, word
from model.engine import Request
from model.tasks import ALL
from model.tasks.arms import Arm as TrialArm
from model.tasks.arms import ArmsAnswer, ArmsInput, ArmType
from model.tasks.bias import BiasAnswer, BiasInput, SignallingAnswer, SignallingQuestion
from model.tasks.characteristics import CharacteristicsAnswer, CharacteristicsInput, FieldAnswer
from model.tasks.direction import DirectionAnswer, DirectionInput
from model.tasks.participants import Group, GroupValue, Measure, ParticipantsAnswer, ParticipantsInput
from model.tasks.pico import Element, PicoAnswer, PicoInput
from model.tasks.query import KnownStudy, QueryAnswer, QueryInput
from model.tasks.question import QuestionAnswer, QuestionInput, SourceText, Statement
from model.tasks.rationale import RationaleAnswer, RationaleInput
from model.tasks.results import OutcomeMeasure, ResultsAnswer, ResultsInput, ResultValue, TrialGroup
from model.tasks.screen import Judgement, ScreenAnswer, ScreenInput
from model.tasks.summary import SummaryAnswer, SummaryCell, SummaryInput, SummarySentence
from tools.frameworks import KINDS
from tools.schemas import Block, Criterion, FieldSpec, Frozen, Label, Passage

__all__ = ["Example", "example"]


class Example(NamedTuple):
    """A question, and what a good engine answers."""

    request: Request[Any, Any]
    value: Frozen


class _Asked(NamedTuple):
    """A criterion about a trial, its verdict, and the span it rests on."""

    kind: str
    text: str
    label: Label
    quote: str


def example(task: str, chance: random.Random, filler: int = 0) -> Example:
    """One invented question of a task with its answer; `filler` sentences make its text longer."""
    asked, value = _MAKERS[task](chance, filler)
    return Example(Request(ALL[task], asked), value)


# Parts -------------------------------------------------------------------------------------------


def _ids(chance: random.Random, count: int, hints: list[str]) -> list[str]:
    """Ids of all kinds, none twice: words, numbers, words made up."""
    style = chance.choice(("hint", "hint", "letter", "hint", "word"))
    if style == "letter":
        letter, first = chance.choice("CEFGIQacefgqx"), chance.randrange(0, 30)
        return [f"{letter}{first + n}" for n in range(count)]
    made: list[str] = []
    while len(made) < count:
        name = hints[len(made)] if style == "hint" else word(chance)
        made.append(name if name not in made else f"{name}-{len(made) + 1}")
    return made


def _paper(chance: random.Random, filler: int) -> tuple[Trial, dict[str, Any]]:
    trial = invent(chance, filler)
    middle = chance.randrange(1, len(trial.sentences) + 1)
    parts = (("Abstract", trial.sentences[:middle]), ("Results", trial.sentences[middle:]))
    passages, start = [], 0
    for section, sentences in parts:
        if sentences:
            text = " ".join(sentences)
            passages.append(Passage(section=section, kind="paragraph", start=start, text=text))
            start += len(text) + 1
    number = f"{chance.randrange(10**7, 10**8)}"
    return trial, {"report_id": number, "title": trial.title, "passages": tuple(passages)}


def _criteria(chance: random.Random, trial: Trial) -> list[_Asked]:
    """Every criterion that can be asked of a trial, with its verdict by the text."""
    told = trial.told
    people, study = (
        told.get("people", ""),
        told.get("randomised") or told.get("cohort") or told.get("review") or "",
    )
    human = bool(people) and trial.design != "animal"
    adult: Label = "UNCERTAIN"
    if human:
        labels: dict[str, Label] = {"adults": "YES", "children": "NO"}
        adult = labels.get(trial.people, "PARTIAL")
    elif people:
        adult = "NO"

    def yes_no(quote: str, yes: bool) -> tuple[Label, str]:
        return ("YES" if yes else "NO", quote) if quote else ("UNCERTAIN", "")

    control = told.get("comparator", "")
    one, other = disease(chance), drug(chance)
    asked = [
        ("include", f"Participants have {trial.disease}.", *yes_no(told.get("disease", ""), True)),
        ("include", f"Participants have {one}.", *yes_no(told.get("disease", ""), False)),
        ("include", "Participants are adults, aged 18 years or older.", adult, people),
        ("include", f"One group took {trial.drug}.", *yes_no(told.get("drug", ""), True)),
        ("include", f"One group took {other}.", *yes_no(told.get("drug", ""), False)),
        ("include", "The study is a randomised trial.", *yes_no(study, trial.design == "randomised")),
        ("include", "The control group took placebo.", *yes_no(control, control == "placebo")),
        ("include", f"The study measured {trial.outcome}.", *yes_no(told.get("direction", ""), True)),
        ("exclude", "The study was done in animals.", *yes_no(people, trial.design == "animal")),
        (
            "exclude",
            "The report is a review without data of its own.",
            *yes_no(study, trial.design == "review"),
        ),
        (
            "exclude",
            "Participants are children only.",
            *yes_no(people if human else "", trial.people == "children"),
        ),
        (
            "include",
            f"The study was done in {chance.choice(('Norland', 'Vestria', 'Tarsis'))}.",
            "UNCERTAIN",
            "",
        ),
    ]
    place = told.get("country")
    rows = [_Asked(kind, text, label, quote) for kind, text, label, quote in asked]
    if place:
        rows[-1] = rows[-1]._replace(label="YES" if place in rows[-1].text else "NO", quote=place)
    return rows


_REASONS: dict[Label, str] = {
    "YES": "The text says so.",
    "PARTIAL": "It holds for a part of them.",
    "NO": "The text says otherwise.",
    "UNCERTAIN": "The text does not tell.",
}


def _criterion(name: str, asked: _Asked) -> Criterion:
    return Criterion.model_validate({"id": name, "kind": asked.kind, "text": asked.text})


# Tasks -------------------------------------------------------------------------------------------


def _pico(chance: random.Random, _filler: int) -> tuple[PicoInput, PicoAnswer]:
    kind = chance.choice(list(KINDS.values()))
    concepts = {name: _concept(chance, name) for name in kind.element_ids}
    if chance.random() < 0.2:
        concepts[chance.choice(kind.element_ids)] = ()
    if chance.random() < 0.5:
        question = "\n".join(f"{name[0].upper()}: {', '.join(v)}" for name, v in concepts.items() if v)
    else:
        parts = [f"{name.replace('_', ' ')}: {', '.join(v)}" for name, v in concepts.items() if v]
        question = f"In {'; '.join(parts)}?"
    given = {name: v for name, v in concepts.items() if v and chance.random() < 0.1}
    first = concepts[kind.element_ids[1]]
    title = f"{', '.join(first).capitalize() or 'Treatments'}: a systematic review"
    asked = PicoInput(
        title=title, question=question, framework=kind.framework, elements=kind.element_ids, given=given
    )
    elements = tuple(Element(name=name, phrases=phrases) for name, phrases in concepts.items())
    return asked, PicoAnswer(elements=elements)


def _concept(chance: random.Random, element: str) -> tuple[str, ...]:
    if element in ("population", "diagnosis"):
        return tuple(disease(chance) for _ in range(chance.choice((1, 1, 2))))
    if element == "comparator":
        return (chance.choice(("placebo", "usual care", drug(chance))),)
    if element in ("outcome", "context"):
        choices = ("pain", "quality of life", "adverse events", "mortality", "primary care", "costs")
        return tuple(chance.sample(choices, chance.choice((1, 2))))
    return tuple(drug(chance) for _ in range(chance.choice((1, 1, 2))))


def _query(chance: random.Random, filler: int) -> tuple[QueryInput, QueryAnswer]:
    kind = chance.choice(list(KINDS.values()))
    elements = {name: _concept(chance, name) for name in kind.searched}
    known: tuple[KnownStudy, ...] = ()
    if filler or chance.random() < 0.3:
        trial = invent(chance, filler)
        known = (KnownStudy(record_id="1", title=trial.title, mesh=(trial.disease.capitalize(),)),)
    blocks = []
    for name, phrases in elements.items():
        terms = [f'"{phrase}"[tiab]' for phrase in phrases]
        terms += [f'"{phrase.capitalize()}"[mh]' for phrase in phrases if len(phrases) == 1]
        blocks.append(Block(name=name, terms=tuple(terms)))
    title = f"{elements[kind.searched[-1]][0].capitalize()} and {elements[kind.searched[0]][0]}"
    asked = QueryInput(title=title, framework=kind.framework, elements=elements, known=known)
    return asked, QueryAnswer(blocks=tuple(blocks))


def _screen(chance: random.Random, filler: int) -> tuple[ScreenInput, ScreenAnswer]:
    trial = invent(chance, filler)
    chosen = chance.sample(_criteria(chance, trial), chance.choice((1, 2, 3, 4, 5, 6)))
    hints = [
        {"Participants": "population", "One": "intervention", "The": "design"}[c.text.split()[0]]
        for c in chosen
    ]
    names = _ids(chance, len(chosen), hints)
    verdicts = tuple(
        Judgement(criterion_id=name, quote=c.quote, label=c.label, rationale=_REASONS[c.label])
        for name, c in zip(names, chosen, strict=True)
    )
    criteria = tuple(_criterion(name, c) for name, c in zip(names, chosen, strict=True))
    asked = ScreenInput(record_id="1", criteria=criteria, text=trial.abstract, title=trial.title)
    return asked, ScreenAnswer(verdicts=verdicts)


def _rationale(chance: random.Random, filler: int) -> tuple[RationaleInput, RationaleAnswer]:
    trial = invent(chance, filler)
    one = chance.choice(_criteria(chance, trial))
    labels: tuple[Label, ...] = ("YES", "PARTIAL", "NO", "UNCERTAIN")
    given = one.label if chance.random() < 0.7 else chance.choice(labels)
    asked = RationaleInput(record_id="1", criterion=_criterion("one", one), label=given, text=trial.abstract)
    supported = given == one.label
    quote = one.quote if supported else ""
    return asked, RationaleAnswer(quote=quote, supported=supported, rationale=_REASONS[one.label])


def _characteristics(
    chance: random.Random, filler: int
) -> tuple[CharacteristicsInput, CharacteristicsAnswer]:
    trial, paper = _paper(chance, filler)
    forms = {field.id: field for kind in KINDS.values() for field in kind.form if not field.options}
    facts = {"sample_size": "size", "condition": "disease", "intervention": "drug", "comparator": "comparator",
             "follow_up": "weeks", "population": "people"}  # fmt: skip
    fields, cells = [], []
    chosen = chance.sample(list(forms.values()), chance.choice((1, 2, 3, 4, 5)))
    names = _ids(chance, len(chosen), [field.id for field in chosen])
    for name, known in zip(names, chosen, strict=True):
        span = trial.told.get(facts.get(known.id, known.id), "")
        fields.append(known.model_copy(update={"id": name}))
        state = {"status": "found", "value": span, "unit": known.unit} if span else {"status": "not_reported"}
        cells.append(FieldAnswer.model_validate({"field_id": name, "quote": span, **state}))
    if chance.random() < 0.3 and "design" not in names:
        fields.append(FieldSpec(id="design", kind="category", question="What is the design of the study?",
                                options=("randomised trial", "cohort", "other")))  # fmt: skip
        value = {"randomised": "randomised trial", "cohort": "cohort"}.get(trial.design, "other")
        quote = trial.told.get(trial.design, "")
        state = {"status": "found", "value": value} if quote else {"status": "not_reported"}
        cells.append(FieldAnswer.model_validate({"field_id": "design", "quote": quote, **state}))
    asked = CharacteristicsInput(fields=tuple(fields), **paper)
    return asked, CharacteristicsAnswer(cells=tuple(cells))


def _arms(chance: random.Random, filler: int) -> tuple[ArmsInput, ArmsAnswer]:
    trial, paper = _paper(chance, filler)
    if trial.design in ("review", ""):
        return ArmsInput(**paper), ArmsAnswer(status="not_reported")
    arms = tuple(
        TrialArm(quote=arm.label, label=arm.label, type=_type(arm), description=arm.dose,
                 interventions=() if arm.label == "usual care" else (f"Drug: {arm.drug}",))
        for arm in trial.arms
    )  # fmt: skip
    return ArmsInput(**paper), ArmsAnswer(status="found", arms=arms)


def _type(arm: Arm) -> ArmType:
    if not arm.comparator:
        return "EXPERIMENTAL"
    return {"placebo": "PLACEBO_COMPARATOR", "usual care": "NO_INTERVENTION"}.get(
        arm.label, "ACTIVE_COMPARATOR"
    )  # type: ignore[return-value]


def _participants(chance: random.Random, filler: int) -> tuple[ParticipantsInput, ParticipantsAnswer]:
    trial, paper = _paper(chance, filler)
    fact, measure = chance.choice((
        ("age", Measure(title="Age", param_type="MEAN", unit="years")),
        ("women", Measure(title="Sex", category="Female", param_type="COUNT_OF_PARTICIPANTS", unit="Participants")),
        ("size", Measure(title="Participants analysed", param_type="NUMBER", unit="Participants")),
    ))  # fmt: skip
    chosen = list(trial.arms)
    names = _ids(chance, len(chosen), [f"BG{n:03d}" for n in range(len(chosen))])
    groups = tuple(Group(id=n, title=arm.label) for n, arm in zip(names, chosen, strict=True))
    values = []
    for name, arm in zip(names, chosen, strict=True):
        span = trial.told.get(f"{fact} {arm.label}", "")
        value = {"age": arm.age, "women": str(arm.women), "size": str(arm.size)}[fact]
        spread, note = (arm.age_sd, "SD") if fact == "age" else (None, "")
        told = (
            {"status": "found", "value": value, "spread": spread, "note": note}
            if span
            else {"status": "not_reported"}
        )
        values.append(GroupValue.model_validate({"group_id": name, "quote": span, **told}))
    asked = ParticipantsInput(measure=measure, groups=groups, **paper)
    return asked, ParticipantsAnswer(values=tuple(values))


def _results(chance: random.Random, filler: int) -> tuple[ResultsInput, ResultsAnswer]:
    trial, paper = _paper(chance, filler)
    arm = chance.choice(trial.arms)
    frame = f"{trial.weeks} weeks"
    outcome = OutcomeMeasure(title=trial.outcome.capitalize(), time_frame=frame)
    asked = ResultsInput(outcome=outcome, group=TrialGroup(title=arm.label), **paper)
    span = trial.told.get(f"mean {arm.label}", "")
    if not span:
        return asked, ResultsAnswer(status="not_reported")
    sized = f"size {arm.label}" in trial.told
    return asked, ResultsAnswer(
        status="found",
        param_type="MEAN",
        dispersion_type="Standard Deviation",
        unit=trial.unit,
        time_frame=frame,
        denominator_unit="Participants",
        denominator=arm.size if sized else None,
        values=(ResultValue(quote=span, value=arm.mean, spread=arm.sd),),
    )


def _direction(chance: random.Random, filler: int) -> tuple[DirectionInput, DirectionAnswer]:
    trial, paper = _paper(chance, filler)
    last = trial.arms[-1].label
    asked = DirectionInput(intervention=trial.drug, comparator=last, outcome=trial.outcome, **paper)
    quote = trial.told.get("direction", "")
    if not quote:
        return asked, DirectionAnswer(direction="uncertain", rationale=_REASONS["UNCERTAIN"])
    return asked, DirectionAnswer(quote=quote, direction=trial.direction, rationale=_REASONS["YES"])


_SIGNALS = (
    ("1.1", "randomisation", "Was the allocation sequence random?", "randomised", "Y", "cohort", "N"),
    (
        "2.1",
        "deviations",
        "Were participants aware of their assigned intervention?",
        "open",
        "Y",
        "blind",
        "N",
    ),
    ("4.3", "measurement", "Were outcome assessors aware of the intervention?", "open", "Y", "blind", "N"),
    (
        "3.1",
        "missing data",
        "Were data available for all, or nearly all, participants?",
        "lost",
        "PN",
        "",
        "",
    ),
    ("5.1", "selection", "Were the data analysed by a plan made beforehand?", "registration", "PY", "", ""),
)


def _bias(chance: random.Random, filler: int) -> tuple[BiasInput, BiasAnswer]:
    trial, paper = _paper(chance, filler)
    questions, answers = [], []
    for number, domain, text, *facts in chance.sample(_SIGNALS, chance.choice((1, 2, 3))):
        questions.append(SignallingQuestion(id=number, domain=domain, text=text))
        found = [(trial.told[fact], sign) for fact, sign in (facts[:2], facts[2:]) if fact in trial.told]
        quote, sign = found[0] if found else ("", "NI")
        why = _REASONS["YES" if found else "UNCERTAIN"]
        answers.append(
            SignallingAnswer.model_validate(
                {"question_id": number, "quote": quote, "answer": sign, "rationale": why}
            )
        )
    asked = BiasInput(result=f"{trial.outcome}, {trial.drug}", questions=tuple(questions), **paper)
    return asked, BiasAnswer(answers=tuple(answers))


def _question(chance: random.Random, filler: int) -> tuple[QuestionInput, QuestionAnswer]:
    trials = [invent(chance, filler) for _ in range(chance.choice((1, 2)))]
    numbers = [str(chance.randrange(10**7, 10**8)) for _ in trials]
    sources = tuple(
        SourceText(record_id=number, title=trial.title, text=trial.text)
        for number, trial in zip(numbers, trials, strict=True)
    )
    at = chance.randrange(len(trials))
    trial = trials[at]
    text, fact = chance.choice((
        (f"What was the effect of {trial.drug}?", "direction"),
        (f"Where was {trial.drug} studied?", "country"),
        (f"For how long was {trial.drug} given?", "weeks"),
        (f"Who paid for the study of {trial.drug}?", "funding"),
        (f"What was {trial.drug} compared with?", "comparator"),
    ))  # fmt: skip
    asked = QuestionInput(question=text, sources=sources)
    span = trial.told.get(fact, "")
    if not span:
        return asked, QuestionAnswer(status="not_in_the_records")
    statement = Statement(record_id=numbers[at], quote=span, text=f"The record says: {span}.")
    return asked, QuestionAnswer(status="answered", statements=(statement,))


def _summary(chance: random.Random, filler: int) -> tuple[SummaryInput, SummaryAnswer]:
    trials = [invent(chance, filler) for _ in range(chance.choice((1, 2, 3)))]
    outcome = trials[0].outcome
    cells = tuple(
        SummaryCell(
            id=f"c{number}",
            label=f"{trial.drug}, mean {outcome}",
            value=f"{chance.randrange(20, 900) / 10} {trials[0].unit}",
        )
        for number, trial in enumerate(trials, 1)
    )
    low = chance.randrange(-90, 60)
    span = chance.randrange(10, 40)
    pooled = f"{(low + span) / 10} (95% CI {low / 10} to {(low + 2 * span) / 10})"
    results = (SummaryCell(id="r1", label="Pooled mean difference", value=pooled),) * chance.randrange(2)
    told = [
        SummarySentence(cites=(r.id,), text=f"The pooled mean difference was {r.value}.") for r in results
    ] + [
        SummarySentence(cites=(cell.id,), text=f"With {trial.drug}, mean {outcome} was {cell.value}.")
        for trial, cell in zip(trials, cells, strict=True)
    ]
    asked = SummaryInput(outcome=outcome.capitalize(), cells=cells, results=results)
    return asked, SummaryAnswer(status="summarised", sentences=tuple(told))


_MAKERS: dict[str, Callable[[random.Random, int], tuple[Frozen, Frozen]]] = {
    "pico": _pico,
    "query": _query,
    "screen": _screen,
    "rationale": _rationale,
    "characteristics": _characteristics,
    "arms": _arms,
    "participants": _participants,
    "results": _results,
    "direction": _direction,
    "bias": _bias,
    "question": _question,
    "summary": _summary,
}
