"""The criteria of a review as they are asked: its own, in words that are not ours, under ids that vary. Pure.

A model that has only seen `C1`, `C2`, `C3` learns to count instead of copying. So each question has ids of one of
several styles, and in a third of them the criteria stand in another order: order never carries meaning.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from finetune.build.kinds import Review
from model.baseline.words import telling
from tools.schemas import Criterion, sha256_of

__all__ = ["asked_criteria", "chance_of", "renamed", "title_only"]

SHUFFLED = 1 / 3
"""Share of the questions whose criteria stand in another order than in the review."""

_SYLLABLES = ("ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "xo", "zu")


def chance_of(*parts: object) -> random.Random:
    """Chance that depends on these words alone: the same in every process and on every machine."""
    return random.Random(sha256_of([str(part) for part in parts]))  # noqa: S311 - draws, hides nothing


def title_only(review: Review) -> bool:
    """Whether nothing is known of the criteria but the review's title or question."""
    known = {_folded(review.title), _folded(review.question)} - {""}
    return not review.criteria or all(_folded(c.text) in known for c in review.criteria)


def asked_criteria(review: Review) -> tuple[Criterion, ...]:
    """The review's own criteria, all of them; where there are none, its question or title as the only one.

    Very long ones stay whole: that is what the product asks, too. Empty where a review tells nothing at all.
    """
    if review.criteria:
        return review.criteria
    text = " ".join((review.question or review.title).replace("_", " ").split())
    return (Criterion(id="whole", kind="include", text=text),) if text else ()


def renamed(criteria: Sequence[Criterion], *key: object) -> tuple[Criterion, ...]:
    """The same criteria under other ids, perhaps in another order; always the same for the same key."""
    chance = chance_of("ids", *key)
    ordered = list(criteria)
    if chance.random() < SHUFFLED:
        chance.shuffle(ordered)
    style: Callable[[Sequence[Criterion], random.Random], list[str]] = chance.choice(_STYLES)
    ids = _different(style(ordered, chance))
    return tuple(c.model_copy(update={"id": name}) for c, name in zip(ordered, ids, strict=True))


def _folded(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.replace("_", " ").casefold()))


# Styles ------------------------------------------------------------------------------------------


def _own(criteria: Sequence[Criterion], _chance: random.Random) -> list[str]:
    return [c.id for c in criteria]


def _lettered(criteria: Sequence[Criterion], chance: random.Random) -> list[str]:
    letter, first = chance.choice("CKQRcekq"), chance.choice((0, 1, 1, 1, 7, 20))
    return [f"{letter}{number}" for number in range(first, first + len(criteria))]


def _numbered(criteria: Sequence[Criterion], chance: random.Random) -> list[str]:
    first = chance.choice((1, 1, 101))
    return [str(number) for number in range(first, first + len(criteria))]


def _by_kind(criteria: Sequence[Criterion], chance: random.Random) -> list[str]:
    words = chance.choice(({"include": "I", "exclude": "E"}, {"include": "inc-", "exclude": "exc-"}))
    made: list[str] = []
    for criterion in criteria:
        start = words[criterion.kind]
        made.append(f"{start}{sum(name.startswith(start) for name in made) + 1}")
    return made


def _by_words(criteria: Sequence[Criterion], _chance: random.Random) -> list[str]:
    made = []
    for criterion in criteria:
        said = [word for word in telling(criterion.text) if word.isascii() and len(word) > 2][:2]
        made.append("-".join(said) or criterion.kind)
    return made


def _made_up(criteria: Sequence[Criterion], chance: random.Random) -> list[str]:
    return ["".join(chance.choice(_SYLLABLES) for _ in range(chance.choice((2, 3)))) for _ in criteria]


_STYLES = (_own, _lettered, _numbered, _by_kind, _by_words, _by_words, _made_up)


def _different(ids: Sequence[str]) -> list[str]:
    """No id twice: the second `rhinitis` is `rhinitis-2`."""
    made: list[str] = []
    for name in ids:
        number, fresh = 1, name[:90]
        while fresh in made:
            number += 1
            fresh = f"{name[:90]}-{number}"
        made.append(fresh)
    return made
