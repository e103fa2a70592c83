"""Conditions over answers to signalling questions, written as one short line that people can read too. Pure.

    1.2 yes                      question 1.2 was answered Y or PY
    1.2 ni; 1.3 yes              both hold
    2.1 yes ni or 2.2 yes ni     one of the two holds; each may be yes or no information
    (empty)                      always

`yes` is Y or PY, `no` is N or PN, `ni` is NI, `na` is NA (not asked, or not applicable). RoB 2 gives the firm and
the probable answer the same weight (22 August 2019), so no condition tells them apart.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from tools.errors import ConfigError
from tools.schemas import Frozen

__all__ = ["SIGNALS", "Is", "Signal", "condition_in_words", "holds", "parse_condition", "questions_in"]

Signal = Literal["Y", "PY", "PN", "N", "NI", "NA"]
"""Yes, probably yes, probably no, no, no information; NA: not asked because of an earlier answer, or not applicable."""

SIGNALS: tuple[Signal, ...] = ("Y", "PY", "PN", "N", "NI", "NA")

_GROUPS: dict[str, tuple[Signal, ...]] = {"yes": ("Y", "PY"), "no": ("N", "PN"), "ni": ("NI",), "na": ("NA",)}
_SPOKEN = {"yes": "yes", "no": "no", "ni": "no information", "na": "not asked or not applicable"}


class Is(Frozen):
    """One demand: the answer to a question is in one of these groups."""

    question: str
    groups: tuple[str, ...]

    def met(self, answers: Mapping[str, Signal]) -> bool:
        """Whether an answer is there and fits; a missing answer never does."""
        return answers.get(self.question) in {signal for group in self.groups for signal in _GROUPS[group]}


@lru_cache(maxsize=1024)
def parse_condition(text: str) -> tuple[tuple[Is, ...], ...]:
    """The alternatives of a condition, each a tuple of demands that must all be met.

    Raises:
        ConfigError: the text is not a condition; the message shows how one looks.
    """
    if not text.strip():
        return ((),)
    return tuple(
        tuple(_demand(part, text) for part in alternative.split(";")) for alternative in text.split(" or ")
    )


def _demand(part: str, text: str) -> Is:
    question, *groups = part.split() or [""]
    if not question or not groups or any(group not in _GROUPS for group in groups):
        raise ConfigError(
            f"condition {text!r}: {part.strip()!r} is not a question followed by {', '.join(_GROUPS)}. "
            "Write, for example, '1.2 ni; 1.3 yes' for both, or '2.1 yes ni or 2.2 yes ni' for one of two."
        )
    return Is(question=question, groups=tuple(groups))


def holds(text: str, answers: Mapping[str, Signal]) -> bool:
    """Whether a condition is met by these answers; a question without an answer meets nothing."""
    return any(all(demand.met(answers) for demand in demands) for demands in parse_condition(text))


def questions_in(text: str) -> tuple[str, ...]:
    """Ids of the questions that a condition looks at, each once, in the order of the text."""
    found = (demand.question for demands in parse_condition(text) for demand in demands)
    return tuple(dict.fromkeys(found))


def condition_in_words(text: str) -> str:
    """The condition as a person reads it; empty when it always holds."""
    return ", or ".join(
        " and ".join(f"{d.question} is {' or '.join(_SPOKEN[g] for g in d.groups)}" for d in demands)
        for demands in parse_condition(text)
        if demands
    )
