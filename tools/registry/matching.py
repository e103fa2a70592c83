"""A review's outcome to the outcomes of an entry: ranked candidates, and whether one of them is clear. Pure.

Words count, with their spelling forgiven (haemoglobin, hemoglobin) and abbreviations that the entry defines
written out; numbers in names must agree (EASI-75 is not EASI-50); time points are compared in days. Where two
candidates are close, a person chooses.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from pydantic import Field

from tools.registry.arms import abbreviations
from tools.registry.trial import RegisteredTrial
from tools.schemas import Frozen

__all__ = ["AskedOutcome", "OutcomeMatch", "OutcomeMatches", "alike", "days", "match_outcome", "same_time"]

CLEAR, POSSIBLE, MARGIN = 0.6, 0.4, 0.1
"""Least score of a clear match, of a candidate at all, and the least lead before the next candidate."""

SAME_WORD = 85.0
"""Least likeness of two words of five letters or more (rapidfuzz ratio, 0 to 100)."""

_COMMON = frozenset({
    "a", "after", "all", "among", "an", "and", "as", "assessed", "at", "baseline", "between", "by", "change",
    "changes", "count", "defined", "during", "each", "end", "for", "from", "in", "least", "mean", "measure",
    "measured", "median", "number", "occurrence", "of", "on", "or", "outcome", "over", "participants", "patients",
    "per", "percent", "percentage", "period", "proportion", "rate", "score", "scores", "study", "subjects", "the",
    "through", "time", "to", "total", "treatment", "until", "up", "using", "versus", "who", "with", "within",
})  # fmt: skip
_FIGURES = {
    word: str(number)
    for number, word in enumerate(
        (
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        )
    )
}
_UNITS = {"hour": 1 / 24, "hr": 1 / 24, "h": 1 / 24, "day": 1.0, "d": 1.0, "week": 7.0, "wk": 7.0,
          "month": 30.4375, "mo": 30.4375, "year": 365.25, "yr": 365.25}  # fmt: skip
_UNIT = r"(hours?|hrs?|h|days?|d|weeks?|wks?|months?|mos?|years?|yrs?)"
_NUMBER = r"(\d+(?:\.\d+)?)"
_TIME = re.compile(
    rf"\b(?:{_NUMBER}[\s-]*{_UNIT}\b|(hours?|days?|weeks?|months?|years?|wk|mo)[\s-]*{_NUMBER}\b)",
    re.IGNORECASE,
)
_LISTED = re.compile(
    r"\b(hours?|days?|weeks?|months?|years?) ((?:\d+(?:\.\d+)?(?:, ?| and |, and | or |/))+\d+(?:\.\d+)?)\b|"
    r"\b((?:\d+(?:\.\d+)?(?:, ?| and |, and | or |/))+\d+(?:\.\d+)?)[ -](hours?|days?|weeks?|months?|years?)\b",
    re.IGNORECASE,
)


class AskedOutcome(Frozen):
    """An outcome as a review asks for it."""

    title: str
    description: str = ""
    terms: tuple[str, ...] = Field(default=(), description="Other names of it.")
    time_points: tuple[str, ...] = Field(default=(), description="Such as `12 weeks`; none: any time.")


class OutcomeMatch(Frozen):
    """One candidate."""

    number: int = Field(
        description="Posted: its number in the entry. Registered: its place in the plan, from 1."
    )
    title: str
    kind: str = ""
    time_frame: str = ""
    score: float = Field(ge=0, le=1)
    words: float = Field(ge=0, le=1, description="Share of the words in common.")
    time: bool | None = Field(default=None, description="Whether the time agrees; None: one side names none.")


class OutcomeMatches(Frozen):
    """Candidates, the best first, and whether the first may be taken."""

    decision: Literal["clear", "ambiguous", "none"]
    candidates: tuple[OutcomeMatch, ...] = ()
    why: str = ""


def match_outcome(
    asked: AskedOutcome, trial: RegisteredTrial, *, among: Literal["posted", "registered"] = "posted"
) -> OutcomeMatches:
    """Rank the outcomes of an entry for one outcome of a review.

    Returns:
        Candidates with a score of `POSSIBLE` or more. `clear`: the first bears the very name, as the only one,
        or it has `CLEAR` or more and leads the next by `MARGIN`. Everything else is for a person.
    """
    short = abbreviations(_texts(asked, trial))
    found = []
    for number, title, kind, frame, more in _offered(trial, among):
        words = max(alike(name, title, more, short) for name in (asked.title, *asked.terms))
        time = same_time(" ; ".join(asked.time_points), f"{title} ; {frame} ; {more}")
        score = words * {True: 1.0, False: 0.6, None: 0.9 if asked.time_points else 1.0}[time]
        if score >= POSSIBLE:
            found.append(
                OutcomeMatch(
                    number=number,
                    title=title,
                    kind=kind,
                    time_frame=frame,
                    score=score,
                    words=words,
                    time=time,
                )
            )
    found.sort(key=lambda match: (-match.score, match.number))
    same = [m for m in found if _plain(m.title) == _plain(asked.title) and m.time is not False]
    if len(same) == 1:
        others = (match for match in found if match is not same[0])
        return OutcomeMatches(decision="clear", candidates=(same[0], *others))
    return _decided(tuple(found))


def alike(name: str, title: str, more: str = "", short: dict[str, str] | None = None) -> float:
    """How much two names of outcomes have in common, 0 to 1: words of `name` in `title`, and the reverse.

    Args:
        name: what is looked for.
        title: what it may be called here.
        more: further text here (classes, description); a word found only there counts half.
        short: abbreviations, lower case, and what they stand for.
    """
    wanted, there = _words(name, short), _words(title, short)
    if not wanted or not there:
        return 0.0
    also = _words(more, short)
    found = sum(1.0 if _among(word, there) else 0.5 if _among(word, also) else 0.0 for word in wanted)
    back = sum(1.0 if _among(word, wanted) else 0.0 for word in there)
    share = found / len(wanted)
    score = 0.75 * share + 0.25 * min(1.0, back / len(there))
    return score * (0.5 if _other_numbers(name, title) else 1.0)


def days(text: str) -> tuple[float, ...]:
    """Time points that a text names, in days, each once, in order: `Week 12`, `6 months`, `2-year`.

    A month is a twelfth of 365.25 days.
    """
    plain = re.sub(
        r"\b[a-z]+\b", lambda m: _FIGURES.get(m.group().lower(), m.group()), text, flags=re.IGNORECASE
    )
    made: list[tuple[int, float]] = []
    for found in _TIME.finditer(plain):
        number, unit = found.group(1) or found.group(4), found.group(2) or found.group(3)
        made.append((found.start(), float(number) * _unit(unit)))
    for found in _LISTED.finditer(plain):
        unit, numbers = found.group(1) or found.group(4), found.group(2) or found.group(3)
        made += [(found.start(), float(n) * _unit(unit)) for n in re.findall(_NUMBER, numbers)]
    return tuple(dict.fromkeys(round(value, 4) for _, value in sorted(made)))


def same_time(one: str, other: str) -> bool | None:
    """Whether two texts name a common time point, up to 5 %; None where one of them names none."""
    left, right = days(one), days(other)
    if not left or not right:
        return None
    return any(abs(a - b) <= 0.05 * max(a, b) for a in left for b in right)


# Within ------------------------------------------------------------------------------------------


def _offered(trial: RegisteredTrial, among: str) -> Iterator[tuple[int, str, str, str, str]]:
    """Number, title, kind, time frame, and what else is said of each outcome."""
    if among == "registered":
        for number, planned in enumerate(trial.outcomes, 1):
            yield (
                number,
                planned.measure.text,
                planned.kind,
                _text(planned.time_frame),
                _text(planned.description),
            )
        return
    for outcome in trial.results.outcomes if trial.results else ():
        parts = [c.title.text for c in outcome.classes if c.title]
        more = " ; ".join((*parts, _text(outcome.description)))
        yield outcome.number, outcome.name, _text(outcome.type).lower(), _text(outcome.time_frame), more


def _plain(title: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", title.lower()))


def _text(leaf: object) -> str:
    return str(getattr(leaf, "text", ""))


def _texts(asked: AskedOutcome, trial: RegisteredTrial) -> Iterable[str]:
    yield from (asked.title, asked.description, *asked.terms)
    for planned in trial.outcomes:
        yield from (planned.measure.text, _text(planned.description))
    for outcome in trial.results.outcomes if trial.results else ():
        yield from (outcome.name, _text(outcome.description))


def _decided(found: tuple[OutcomeMatch, ...]) -> OutcomeMatches:
    if not found:
        return OutcomeMatches(decision="none", why="no outcome of the entry has a name like it")
    best = found[0]
    if best.score < CLEAR:
        why = "nothing is near enough to be taken without a look"
    elif len(found) > 1 and best.score - found[1].score < MARGIN:
        why = f"{best.title} and {found[1].title} are about as near"
    elif best.time is False:
        why = "the nearest is at another time"
    else:
        return OutcomeMatches(decision="clear", candidates=found)
    return OutcomeMatches(decision="ambiguous", candidates=found, why=why)


def _words(text: str, short: dict[str, str] | None) -> tuple[str, ...]:
    """Words that carry meaning, abbreviations written out; all words where there are no others."""
    bare = _TIME.sub(" ", text).lower()
    parts = re.findall(r"[^\W_]+", bare)
    spelled = [piece for part in parts for piece in (short or {}).get(part, part).split()]
    words = [w for piece in spelled for w in re.findall(r"[^\W_]+", piece)]
    return tuple(dict.fromkeys(w for w in words if w not in _COMMON)) or tuple(dict.fromkeys(words))


def _among(word: str, words: Sequence[str]) -> bool:
    if word in words:
        return True
    if len(word) < 5 or word.isdigit():
        return False
    from rapidfuzz import fuzz

    return any(len(other) >= 5 and fuzz.ratio(word, other) >= SAME_WORD for other in words)


def _other_numbers(one: str, other: str) -> bool:
    left, right = (set(re.findall(r"\d+(?:\.\d+)?", _TIME.sub(" ", text))) for text in (one, other))
    return bool(left and right) and not left & right


def _unit(word: str) -> float:
    bare = word.lower()
    return _UNITS[bare if bare in _UNITS else bare.removesuffix("s")]
