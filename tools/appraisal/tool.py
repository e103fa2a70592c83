"""A tool for risk of bias as a value, and its algorithm: answers in, judgements with their rule out. Pure.

RoB 2 is such a value (`tools.appraisal.rob2`), and so is every form that a user writes (`tools.appraisal.forms`).
The algorithm never fills a gap: while a question that is to be asked has no answer, its domain is not judged.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from tools.appraisal.conditions import Signal, condition_in_words, holds, questions_in
from tools.errors import NotAllowed
from tools.schemas import Frozen

__all__ = [
    "Colour",
    "Domain",
    "DomainJudged",
    "Judgement",
    "Level",
    "Overall",
    "Part",
    "Question",
    "Rule",
    "Tool",
    "UnusableAnswer",
    "judge",
    "overall",
    "question_fields",
    "questions_to_ask",
    "worst",
]

Colour = Literal["low", "some", "high", "critical", "none"]
"""Colour class of a judgement in plots and tables: green, yellow, red, dark red, grey."""

Status = Literal["judged", "answers missing", "person decides"]
"""judged: the algorithm came to a level. answers missing: `missing` tells which. person decides: the tool, or this
path through it, has no algorithm that could be relied upon."""

_BASE: tuple[Signal, ...] = ("Y", "PY", "PN", "N", "NI")


class UnusableAnswer(NotAllowed):
    """An answer to a question that the tool does not have, or one that the question does not offer."""


class Level(Frozen):
    """One word that a domain can be judged with."""

    id: str = Field(min_length=1)
    word: str = Field(min_length=1, description="As people read it: `Some concerns`.")
    colour: Colour
    ranked: bool = Field(default=True, description="False for `no information`: neither better nor worse.")


class Question(Frozen):
    """One signalling question."""

    id: str = Field(min_length=1, pattern=r"^[^\s;]+$")
    text: str = Field(min_length=1)
    options: tuple[Signal, ...] = Field(default=_BASE, min_length=2)
    asked_if: str = Field(default="", description="Condition over earlier questions of the domain.")


class Rule(Frozen):
    """One line of a decision table. The first line whose condition holds decides."""

    when: str = Field(description="Condition; empty: whatever the answers.")
    level: str | None = Field(description="None: on this path a person decides.")
    why: str = Field(min_length=1, description="The line in words, so that a person sees what led there.")


class Part(Frozen):
    """A decision table. A domain with several is as bad as the worst of them."""

    name: str = ""
    rules: tuple[Rule, ...] = Field(min_length=1)


class Domain(Frozen):
    """One domain: its questions, and the tables that lead from answers to a level."""

    id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    questions: tuple[Question, ...] = Field(min_length=1)
    parts: tuple[Part, ...] = Field(default=(), description="Empty: a person judges the domain.")
    note: str = Field(default="", description="Shown where a person has to judge: why.")


class Tool(Frozen):
    """A published tool in one variant, or a form of the user's own."""

    id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    version: str = Field(min_length=1)
    variant: str = ""
    effect: Literal["assignment", "adhering", ""] = Field(default="", description="Effect of interest.")
    source: str = ""
    levels: tuple[Level, ...] = Field(min_length=2, description="From best to worst.")
    domains: tuple[Domain, ...] = Field(min_length=1)
    overall: Literal["worst", "person"] = "worst"
    raise_at: str = Field(
        default="",
        description="Level of which several, as the worst ones, may add up to a worse overall judgement.",
    )
    words: tuple[tuple[Signal, str], ...] = Field(default=(), description="The tool's own words for answers.")

    def level(self, level_id: str) -> Level:
        """The level of that id.

        Raises:
            NotAllowed: the tool has no such level.
        """
        for level in self.levels:
            if level.id == level_id:
                return level
        raise NotAllowed(
            f"{self.name} has no judgement {level_id!r}; choose from {', '.join(x.id for x in self.levels)}."
        )

    def domain(self, domain_id: str) -> Domain:
        """The domain of that id.

        Raises:
            NotAllowed: the tool has no such domain.
        """
        for domain in self.domains:
            if domain.id == domain_id:
                return domain
        raise NotAllowed(
            f"{self.name} has no domain {domain_id!r}; choose from {', '.join(x.id for x in self.domains)}."
        )


class DomainJudged(Frozen):
    """What the algorithm says of one domain."""

    domain: str
    name: str
    status: Status
    level: str | None
    rule: str = Field(description="The line of the table in words; or why there is no level.")
    answers: tuple[tuple[str, Signal], ...] = Field(
        description="Every question with the answer that counted."
    )
    missing: tuple[str, ...] = Field(default=(), description="Questions to be asked and not answered.")
    unused: tuple[str, ...] = Field(
        default=(), description="Answered, though the tool does not ask them here."
    )


class Overall(Frozen):
    """What the algorithm says of the result as a whole."""

    status: Status
    level: str | None
    rule: str
    notes: tuple[str, ...] = ()


class Judgement(Frozen):
    """What the algorithm says, domain by domain and overall. A person decides."""

    tool: str
    domains: tuple[DomainJudged, ...]
    overall: Overall


def questions_to_ask(tool: Tool, answers: Mapping[str, Signal]) -> tuple[Question, ...]:
    """Questions that the answers so far call for, answered ones included.

    Args:
        tool: the tool.
        answers: by question id; may be incomplete. A question after an unanswered one is not called for yet.
    """
    return tuple(q for domain in tool.domains for q in _walk(domain, answers)[0])


def question_fields(tool: Tool) -> tuple[dict[str, object], ...]:
    """Fields `id`, `domain`, `text`, `options` of every question, for a reader that answers all of them at once.

    A question with a condition says so in its text and offers NA.
    """
    return tuple(
        {"id": q.id, "domain": domain.name, "text": _with_condition(q), "options": _with_na(q)}
        for domain in tool.domains
        for q in domain.questions
    )


def _with_condition(question: Question) -> str:
    said = condition_in_words(question.asked_if)
    return f"(Only if {said}; otherwise NA.) {question.text}" if said else question.text


def _with_na(question: Question) -> tuple[Signal, ...]:
    return (
        question.options if not question.asked_if or "NA" in question.options else (*question.options, "NA")
    )


def judge(tool: Tool, answers: Mapping[str, Signal]) -> Judgement:
    """Follow the tool's algorithm.

    Args:
        tool: the tool.
        answers: by question id. NA, or nothing, where a question is not to be asked.

    Raises:
        UnusableAnswer: an unknown question, or an answer that the question does not offer.
    """
    _check(tool, answers)
    domains = tuple(_judge_domain(tool, domain, answers) for domain in tool.domains)
    return Judgement(
        tool=tool.id, domains=domains, overall=overall(tool, {d.domain: d.level for d in domains})
    )


def _check(tool: Tool, answers: Mapping[str, Signal]) -> None:
    questions = {q.id: q for domain in tool.domains for q in domain.questions}
    wrong = [f"{name}: {tool.name} has no such question" for name in answers if name not in questions]
    for name, answer in answers.items():
        options = questions[name].options if name in questions else ()
        if name in questions and answer not in (*options, "NA"):
            wrong.append(f"{name}: {answer!r} is not offered; choose from {', '.join(options)}")
    if wrong:
        raise UnusableAnswer("\n".join(wrong))


def _walk(domain: Domain, answers: Mapping[str, Signal]) -> tuple[list[Question], dict[str, Signal]]:
    """The domain's questions that are to be asked, and the answers that count: NA where one is not asked.

    A question whose condition waits for an unanswered one is neither asked yet nor counted.
    """
    counted: dict[str, Signal] = {}
    asked = []
    for question in domain.questions:
        if holds(question.asked_if, counted):
            asked.append(question)
            # NA to a question that is to be asked and does not offer it is no answer.
            if question.id in answers and answers[question.id] in question.options:
                counted[question.id] = answers[question.id]
        elif all(name in counted for name in questions_in(question.asked_if)):
            counted[question.id] = "NA"
    return asked, counted


def _judge_domain(tool: Tool, domain: Domain, answers: Mapping[str, Signal]) -> DomainJudged:
    asked, counted = _walk(domain, answers)
    missing = tuple(q.id for q in asked if q.id not in counted)
    not_asked = {q.id for q in domain.questions} - {q.id for q in asked}
    status, level, rule = _apply(tool, domain, counted, missing)
    return DomainJudged(
        domain=domain.id,
        name=domain.name,
        status=status,
        level=level,
        rule=rule,
        answers=tuple(counted.items()),
        missing=missing,
        unused=tuple(
            q.id
            for q in domain.questions
            if q.id in not_asked and counted.get(q.id) == "NA" and answers.get(q.id, "NA") != "NA"
        ),
    )


def _apply(
    tool: Tool, domain: Domain, answers: Mapping[str, Signal], missing: tuple[str, ...]
) -> tuple[Status, str | None, str]:
    if missing:
        return "answers missing", None, f"Not judged: no answer to {', '.join(missing)}."
    if not domain.parts:
        return "person decides", None, domain.note or "The tool gives no algorithm: a person judges."
    lines = [(part, next((r for r in part.rules if holds(r.when, answers)), None)) for part in domain.parts]
    said = " ".join(f"{part.name}: {_spoken(rule)}" if part.name else _spoken(rule) for part, rule in lines)
    levels = [rule.level if rule else None for _, rule in lines]
    if None not in levels:
        return "judged", worst(tool, [x for x in levels if x is not None]), said
    return "person decides", None, said


def _spoken(rule: Rule | None) -> str:
    return rule.why if rule else "No line of the table covers these answers: a person judges."


def worst(tool: Tool, levels: list[str]) -> str:
    """The worst of some levels, by the order of the tool."""
    order = [level.id for level in tool.levels]
    return max(levels, key=order.index)


def overall(tool: Tool, levels: Mapping[str, str | None]) -> Overall:
    """The overall judgement that follows from those of the domains.

    RoB 2: low when every domain is low, high when one is high, some concerns otherwise; several domains with some
    concerns may lower the confidence so much that a person says high (Sterne 2019, table 1).

    Args:
        tool: the tool.
        levels: by domain id, None where there is no judgement; those of a person where one has decided.

    Raises:
        NotAllowed: a domain or a level that the tool does not have.
    """
    for domain_id, level_id in levels.items():
        tool.domain(domain_id)
        if level_id is not None:
            tool.level(level_id)
    if tool.overall == "person":
        return Overall(status="person decides", level=None, rule="This tool leaves it to a person.")
    given = [(d, levels.get(d.id)) for d in tool.domains]
    lacking = [d.id for d, level in given if level is None]
    if lacking:
        return Overall(
            status="answers missing",
            level=None,
            rule=f"Not judged: no judgement of domain {', '.join(lacking)}.",
        )
    return _worst_of(tool, [(d, tool.level(level)) for d, level in given if level is not None])


def _worst_of(tool: Tool, given: list[tuple[Domain, Level]]) -> Overall:
    unranked = [d.id for d, level in given if not level.ranked]
    top = tool.level(worst(tool, [level.id for _, level in given if level.ranked] or [tool.levels[0].id]))
    worst_ranked = [level for level in tool.levels if level.ranked][-1]
    if unranked and top != worst_ranked:
        why = f"Domain {', '.join(unranked)} could be better or worse than the others: a person judges."
        return Overall(status="person decides", level=None, rule=why)
    there = [d.id for d, level in given if level.id == top.id]
    everywhere = len(there) == len(tool.domains)
    where = "in every domain" if everywhere else f"is the worst judgement, in domain {', '.join(there)}"
    rule = f"{top.word} {where}."
    return Overall(status="judged", level=top.id, rule=rule, notes=_may_raise(tool, top, there))


def _may_raise(tool: Tool, top: Level, there: list[str]) -> tuple[str, ...]:
    if top.id != tool.raise_at or len(there) < 2:
        return ()
    ranked = [level for level in tool.levels if level.ranked]
    worse = ranked[ranked.index(top) + 1].word.lower()
    return (
        f"{top.word} in {len(there)} domains: a person may judge the result {worse} overall, with a reason.",
    )
