"""Task `results` by rules: the value of one group in one outcome, from a table's cell or beside the group's name.

Tables go first: their columns say whose a number is. In sentences only a number that stands right beside the
group's name counts, and only with its spread or as a count of a known number. Nothing is computed, and where
two numbers could be meant, none is taken.
"""

import re
from collections.abc import Iterable, Sequence

from model.baseline.direction_cues import AIM
from model.baseline.outcome_words import outcome_weights, share
from model.baseline.paper import Sentence, sentences_of
from model.baseline.paper_columns import Asked, Taken, asks_baseline, take
from model.baseline.paper_groups import Group, Shorts, groups_of, in_role, keys, read_shorts
from model.baseline.paper_tables import tables_of
from model.baseline.paper_values import dispersion, param
from model.baseline.reading import MAX_QUOTE
from model.baseline.told_values import Told, told_of
from model.tasks.results import ResultsAnswer, ResultsInput, ResultValue

__all__ = ["results_of"]

_SURE = frozenset(("spread", "count"))
"""Kinds of value that a sentence gives for certain. A bare number or percentage may be of another time or part."""

ENOUGH = 0.9
"""Share of the outcome's words, weighted, that a sentence must have."""


def results_of(asked: ResultsInput) -> ResultsAnswer:
    """The result of one group; `not_found` where rules cannot tell."""
    paper = [s for s in sentences_of(asked) if s.prose]
    texts = [s.text for s in paper]
    names = f"{asked.group.title}. {asked.group.description}"
    shorts = read_shorts([asked.outcome.title, names, *texts])
    wanted = _wanted(asked, shorts, texts)
    (alone,) = groups_of((asked.group.title,), shorts, texts)
    group = in_role(alone, texts, shorts)
    taken = take(list(tables_of(asked.passages)), wanted, group, shorts)
    if taken and all(len(t.row.line) <= MAX_QUOTE for t in taken):
        return _from_table(taken)
    told = _in_text(paper, wanted, group, shorts)
    return _from_text(told) if told is not None else ResultsAnswer(status="not_found")


def _wanted(asked: ResultsInput, shorts: Shorts, texts: Sequence[str]) -> Asked:
    outcome = asked.outcome
    around = f"{outcome.description} {outcome.time_frame}"
    inside = " ".join(re.findall(r"\(([^)]*)\)", outcome.title))
    return Asked(
        weights=outcome_weights(outcome.title, shorts, texts),
        extra=keys(f"{outcome.title} {around} {inside}", shorts),
        text=f"{outcome.title} {around}",
        baseline=asks_baseline(f"{outcome.title} {outcome.time_frame}"),
    )


def _from_table(taken: Sequence[Taken]) -> ResultsAnswer:
    first = taken[0]
    sizes = {t.value.denominator or t.row.sizes[t.column] for t in taken}
    size = sizes.pop() if len(sizes) == 1 else None
    several = len(taken) > 1
    return ResultsAnswer(
        status="found",
        param_type=param(first.value, first.told),
        dispersion_type=dispersion(first.value, first.told),
        unit=_unit(first.value.kind, first.row.label),
        denominator_unit="Participants" if size is not None else "",
        denominator=size,
        values=tuple(
            ResultValue(
                quote=t.row.line,
                title=t.row.columns[t.column].rpartition(" / ")[2][:200] if several else "",
                value=t.value.value,
                spread=t.value.spread,
                lower=t.value.lower,
                upper=t.value.upper,
            )
            for t in taken
        ),
    )


def _from_text(told: Told) -> ResultsAnswer:
    value = told.value
    return ResultsAnswer(
        status="found",
        param_type=param(value, told.before),
        dispersion_type=dispersion(value, told.quote),
        unit=_unit(value.kind, ""),
        denominator_unit="Participants" if value.denominator is not None else "",
        denominator=value.denominator,
        values=(
            ResultValue(
                quote=told.quote, value=value.value, spread=value.spread, lower=value.lower, upper=value.upper
            ),
        ),
    )


_UNIT = re.compile(r"[(\[,]\s?((?:[µμ]?[A-Za-z°%]+)(?:[/·][A-Za-z0-9²]+){0,3})\s?[)\]]?\s*$")


def _unit(kind: str, label: str) -> str:
    if kind in ("count", "percent"):
        return "Participants" if kind == "count" else "percent"
    hit = _UNIT.search(label)
    named = hit[1] if hit is not None else ""
    return "" if re.fullmatch(r"(?i)n|sd|se|sem|iqr|ci|mean|median|range|%", named) else named


def _in_text(paper: Iterable[Sentence], wanted: Asked, group: Group, shorts: Shorts) -> Told | None:
    """The one value that the report's sentences give; None where they give several, or none."""
    found: dict[str, Told] = {}
    for sentence in paper:
        results = (
            sentence.section == "abstract" or "result" in sentence.section or "finding" in sentence.section
        )
        if not results or AIM.search(sentence.text) or len(sentence.text) > MAX_QUOTE:
            continue
        if asks_baseline(sentence.text) and not wanted.baseline:
            continue
        if share(wanted.weights, keys(sentence.text, shorts)) >= ENOUGH:
            for told in told_of(sentence.text, wanted, group, shorts):
                if told.value.kind not in _SURE:
                    continue
                found.setdefault(told.value.value, told)
    return next(iter(found.values())) if len(found) == 1 else None
