"""Tools of the user's own: ROBINS-I, QUADAS-2, JBI check lists and others as a form in YAML or JSON. Pure.

    id: list-for-series
    name: Check list for case series
    version: "2020"
    judgements:                       # from best to worst
      - {id: low, word: Low, colour: low}
      - {id: high, word: High, colour: high}
      - {id: unclear, word: Unclear, colour: none, ranked: false}
    answers: {Y: "Yes", N: "No", NI: "Unclear", NA: "Not applicable"}
    overall: person                   # or worst: as bad as the worst domain
    domains:
      - id: "1"
        name: Selection
        questions:
          - {id: "1.1", text: "Was every case taken in?"}
          - {id: "1.2", text: "Were the reasons given?", asked_if: "1.1 no ni"}
        rules:                        # optional; the first line that holds decides. Without rules a person judges
          - {when: "1.1 yes", level: low, why: "Every case was taken in."}
          - {when: "1.2 no ni", level: high, why: "Not every case, and no reasons."}

Conditions are those of `tools.appraisal.conditions`. Answers keep to Y, PY, PN, N, NI and NA; `answers` gives the
tool's own words for them, and by that the options of every question that has none of its own.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError

from tools.appraisal.conditions import Signal, questions_in
from tools.appraisal.tool import Domain, Level, Part, Question, Rule, Tool
from tools.errors import ConfigError
from tools.schemas import Frozen

__all__ = ["form"]


class _FormQuestion(Frozen):
    id: str = Field(min_length=1, pattern=r"^[^\s;]+$")
    text: str = Field(min_length=1)
    options: tuple[Signal, ...] = Field(default=(), description="Empty: those of `answers`.")
    asked_if: str = ""


class _FormDomain(Frozen):
    id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    questions: tuple[_FormQuestion, ...] = Field(min_length=1)
    rules: tuple[Rule, ...] = ()
    note: str = ""


class _Form(Frozen):
    id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    source: str = ""
    judgements: tuple[Level, ...] = Field(min_length=2)
    answers: dict[Signal, str] = Field(min_length=2)
    overall: Literal["worst", "person"]
    raise_at: str = ""
    domains: tuple[_FormDomain, ...] = Field(min_length=1)


_REMEDIES = {
    "string_type": 'write it in quotes, such as "1.10"; without them YAML reads a number',
    "missing": "add it",
    "extra_forbidden": "there is no such entry; check the spelling or leave it out",
    "too_short": "give at least {min_length}",
    "string_too_short": "it must not be empty",
    "string_pattern_mismatch": "leave out blanks and semicolons",
    "literal_error": "choose from {expected}",
}


def form(document: Mapping[str, Any]) -> Tool:
    """The tool that a form describes.

    Args:
        document: the form as read from YAML or JSON.

    Raises:
        ConfigError: what is wrong with it, one line per mistake, each with its place and what to do.
    """
    try:
        read = _Form.model_validate(document)
    except ValidationError as wrong:
        raise ConfigError(_problems(wrong)) from wrong
    if problems := [*_repeated(read), *_levels(read), *_conditions(read)]:
        raise ConfigError(problems)
    options = tuple(read.answers)
    return Tool(
        id=read.id,
        name=read.name,
        version=read.version,
        source=read.source,
        levels=read.judgements,
        domains=tuple(_domain(domain, options) for domain in read.domains),
        overall=read.overall,
        raise_at=read.raise_at,
        words=tuple(read.answers.items()),
    )


def _domain(domain: _FormDomain, options: tuple[Signal, ...]) -> Domain:
    return Domain(
        id=domain.id,
        name=domain.name,
        questions=tuple(
            Question(id=q.id, text=q.text, options=q.options or options, asked_if=q.asked_if)
            for q in domain.questions
        ),
        parts=(Part(rules=domain.rules),) if domain.rules else (),
        note=domain.note,
    )


def _problems(wrong: ValidationError) -> list[str]:
    """One line per mistake; a list that only seems short because its items are wrong is no mistake of its own."""
    errors = wrong.errors()
    inner = [error["loc"] for error in errors]
    return [
        _problem(error)
        for error in errors
        if not any(len(at) > len(error["loc"]) and at[: len(error["loc"])] == error["loc"] for at in inner)
    ]


def _problem(error: Any) -> str:
    place = ".".join(str(part) for part in error["loc"] if part != "[key]") or "the form"
    remedy = _REMEDIES.get(error["type"], error["msg"]).format(**error.get("ctx", {}))
    return f"{place}: {remedy}"


def _repeated(read: _Form) -> Iterable[str]:
    named = {
        "judgements": [level.id for level in read.judgements],
        "domains": [domain.id for domain in read.domains],
        "questions": [q.id for domain in read.domains for q in domain.questions],
    }
    for what, ids in named.items():
        for name, times in Counter(ids).items():
            if times > 1:
                yield f"{what}: the id {name!r} is there {times} times; give each its own"


def _levels(read: _Form) -> Iterable[str]:
    known = [level.id for level in read.judgements]
    ranked = [level.id for level in read.judgements if level.ranked]
    if len(ranked) < 2:
        yield "judgements: at least two must be ranked, or none can be worse than another; leave out `ranked: false`"
    if read.raise_at and read.raise_at not in (fit := ranked[:-1]):
        yield f"raise_at: {read.raise_at!r} must be a judgement that has a worse one; choose from {', '.join(fit)}"
    for domain in read.domains:
        for number, rule in enumerate(domain.rules, 1):
            if rule.level is not None and rule.level not in known:
                yield (
                    f"domain {domain.id}, rule {number}: no judgement {rule.level!r}; choose from {', '.join(known)}, "
                    "or null where a person decides"
                )


def _conditions(read: _Form) -> Iterable[str]:
    for domain in read.domains:
        earlier: list[str] = []
        for question in domain.questions:
            yield from _condition(question.asked_if, earlier, f"question {question.id}, asked_if")
            earlier.append(question.id)
        for number, rule in enumerate(domain.rules, 1):
            yield from _condition(rule.when, earlier, f"domain {domain.id}, rule {number}, when")


def _condition(text: str, known: list[str], place: str) -> Iterable[str]:
    try:
        asked = questions_in(text)
    except ConfigError as wrong:
        yield f"{place}: {wrong}"
        return
    for name in asked:
        if name not in known:
            choice = f"choose from {', '.join(known)}" if known else "the first question has none before it"
            yield f"{place}: {name!r} is no earlier question of this domain; {choice}"
