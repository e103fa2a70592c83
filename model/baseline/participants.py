"""Task `participants` by rules: one baseline measure per group, from the table of characteristics, else from the text.

A number counts only in a column whose heading names the group, in a row whose label names the measure, and
only if it is of the kind that is asked for: a percentage is no count, a median no mean.
"""

import re
from collections.abc import Sequence

from model.baseline.group_sizes import group_sizes
from model.baseline.outcome_words import EMPTY, outcome_weights, share
from model.baseline.paper import Sentence, sentences_of
from model.baseline.paper_columns import Asked, take
from model.baseline.paper_groups import Group, Shorts, groups_of, in_role, key, keys, read_shorts
from model.baseline.paper_tables import Table, tables_of
from model.baseline.paper_values import Value, dispersion
from model.baseline.reading import MAX_QUOTE
from model.baseline.sample_size import total_of
from model.baseline.told_values import told_of
from model.tasks.participants import GroupValue, Measure, ParticipantsAnswer, ParticipantsInput

__all__ = ["participants_of"]


def participants_of(asked: ParticipantsInput) -> ParticipantsAnswer:
    """Every group once, in its order; `not_found` where rules cannot tell."""
    paper = [s for s in sentences_of(asked) if s.prose]
    texts = [s.text for s in paper]
    names = [group.title for group in asked.groups]
    shorts = read_shorts([*names, *texts])
    groups = groups_of(names, shorts, texts)
    if len(groups) == 1:
        groups = (in_role(groups[0], texts, shorts),)
    tables = list(tables_of(asked.passages))
    if _counts_people(asked.measure):
        return _sizes(asked, paper, tables, groups, shorts)
    wanted = _wanted(asked.measure, shorts, texts)
    values = tuple(
        _value(told.id, tables, paper, wanted, group, asked.measure, shorts)
        for told, group in zip(asked.groups, groups, strict=True)
    )
    return ParticipantsAnswer(values=values)


_HOW_MANY = re.compile(
    r"^\W*(?:(?:total |overall )?number (?:of )?(?:baseline )?(?:participants|patients|subjects|people)"
    r"(?: analy[sz]ed)?|(?:participants|patients|subjects)(?: (?:randomi[sz]ed|enrolled|included|analy[sz]ed))?"
    r"|(?:sample|group) size|overall(?: baseline)? participants)\W*$",
    re.IGNORECASE,
)


def _counts_people(measure: Measure) -> bool:
    """Whether it is the number of people in each group that is asked for."""
    return not measure.category and _HOW_MANY.match(measure.title) is not None


def _sizes(
    asked: ParticipantsInput,
    paper: Sequence[Sentence],
    tables: Sequence[Table],
    groups: Sequence[Group],
    shorts: Shorts,
) -> ParticipantsAnswer:
    """The size of each group; of all participants together where a group is named so."""
    found = group_sizes(paper, tables, groups, shorts)
    values = []
    for told, size in zip(asked.groups, found, strict=True):
        finding = total_of(paper) if _EVERYONE.search(told.title) else size
        if finding is None or len(finding.quote) > MAX_QUOTE:
            values.append(_none(told.id))
        else:
            values.append(
                GroupValue(group_id=told.id, quote=finding.quote, status="found", value=finding.value)
            )
    return ParticipantsAnswer(values=tuple(values))


_EVERYONE = re.compile(r"^\W*(?:total|overall|all|everyone|whole)\b", re.IGNORECASE)

_KINDS = re.compile(r"\b(?:continuous|categorical|customi[sz]ed|baseline|at enrol\w+)\b", re.IGNORECASE)
_SEX = {"female": ("female", "woman", "women", "girl"), "male": ("male", "man", "men", "boy")}
_SEXES = {key(word): frozenset(map(key, words)) for words in _SEX.values() for word in words}


def _wanted(measure: Measure, shorts: Shorts, texts: Sequence[str]) -> Asked:
    """A category is what the row is named after; without one the measure is."""
    title = _KINDS.sub(" ", re.sub(r":.*", "", measure.title))
    named = measure.category or title
    weights = outcome_weights(named, shorts, texts)
    around = keys(
        f"{measure.title} {measure.category} {measure.unit} {measure.description} sex gender age", shorts
    )
    return Asked(weights, around | EMPTY, f"{title} {measure.category}", baseline=True)


def _value(
    group_id: str,
    tables: Sequence[Table],
    paper: Sequence[Sentence],
    wanted: Asked,
    group: Group,
    measure: Measure,
    shorts: Shorts,
) -> GroupValue:
    for asked in _named(wanted):
        taken = take(tables, asked, group, shorts)
        if len(taken) == 1 and len(taken[0].row.line) <= MAX_QUOTE:
            return _answer(group_id, taken[0].value, taken[0].row.line, taken[0].told, measure)
    found: dict[str, GroupValue] = {}
    for sentence in paper:
        if not sentence.about_its_sample or len(sentence.text) > MAX_QUOTE:
            continue
        if share(wanted.weights, keys(sentence.text, shorts)) < 0.95:
            continue
        for told in told_of(sentence.text, wanted, group, shorts):
            answer = _answer(group_id, told.value, told.quote, told.before, measure)
            if answer.value is not None:
                found.setdefault(answer.value, answer)
    return next(iter(found.values())) if len(found) == 1 else _none(group_id)


def _named(wanted: Asked) -> list[Asked]:
    """What is asked for under each of its names: women are `Female`, or `Women`."""
    words = frozenset(wanted.weights)
    if len(words) != 1 or not words <= _SEXES.keys():
        return [wanted]
    return [
        Asked({name: 1.0}, wanted.extra, wanted.text, wanted.baseline)
        for name in sorted(_SEXES[next(iter(words))])
    ]


def _answer(group_id: str, value: Value, quote: str, told: str, measure: Measure) -> GroupValue:
    number = _of_kind(value, told, measure)
    if number is None:
        return _none(group_id)
    spread = value.spread if number == value.value else None
    kind = dispersion(value, told)
    limits = f"{kind or 'limits'} {value.lower} to {value.upper}" if value.lower is not None else ""
    return GroupValue(
        group_id=group_id,
        quote=quote,
        status="found",
        value=number,
        spread=spread,
        note=limits or (kind if spread is not None else ""),
    )


def _of_kind(value: Value, told: str, measure: Measure) -> str | None:
    """The number of the kind that is asked for; None where what is printed is another."""
    wanted = measure.param_type.upper()
    percent = re.search(r"%|percent|proportion", measure.unit, re.IGNORECASE) is not None
    if wanted.startswith("COUNT") or (measure.unit.lower() == "participants" and not percent):
        return (
            value.value
            if value.kind != "percent" and value.spread is None and value.value.isdigit()
            else None
        )
    if percent:
        return value.value if value.kind == "percent" else value.percent
    if value.kind in ("count", "percent"):
        return None
    mean, median = (
        re.search(r"\bmeans?\b|±|\bSD\b", told),
        re.search(r"\bmedian|\bIQR\b", told, re.IGNORECASE),
    )
    if (wanted in ("MEAN", "LEAST_SQUARES_MEAN") and median and not mean) or (
        wanted == "MEDIAN" and mean and not median
    ):
        return None
    if wanted == "MEAN" and value.lower is not None and not mean:
        return None  # `52 (28–73)` is a median with its range as often
    if wanted == "MEDIAN" and value.spread is not None and not median:
        return None
    return value.value


def _none(group_id: str) -> GroupValue:
    return GroupValue(group_id=group_id, status="not_found")
