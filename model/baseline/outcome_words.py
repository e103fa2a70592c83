"""How well a stretch of a report fits the outcome or measure that is asked for. Pure."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from model.baseline.paper_groups import Shorts, key, keys

__all__ = ["EMPTY", "outcome_weights", "share"]

_EMPTY_LIST = """
mean median average averages total overall number numbers level levels rate rates score scores value values change
changes patient patients participant participants group groups result results measure measures percentage percent
incidence frequency proportion
"""
EMPTY = frozenset(map(key, _EMPTY_LIST.split()))
"""Words of an outcome that tell little of it."""


def outcome_weights(outcome: str, shorts: Shorts, texts: Sequence[str]) -> dict[str, float]:
    """Keys of an outcome with their weight, 1 together; a word that is rarer in the report weighs more.

    What stands in brackets explains (an abbreviation, a unit, the instrument) and is left out.
    """
    asked = keys(re.sub(r"\([^)]*\)", " ", outcome), shorts) or keys(outcome, shorts)
    asked = asked - EMPTY or asked
    having = Counter[str]()
    for text in texts:
        having.update(asked & keys(text, shorts))
    weights = {k: math.log(1 + (len(texts) + 1) / (having[k] + 1)) for k in asked}
    total = sum(weights.values())
    return {k: w / total for k, w in weights.items()} if total else {}


def share(weights: Mapping[str, float], has: frozenset[str]) -> float:
    """Share of an outcome's words, weighted, that stand among these."""
    return sum(weight for k, weight in weights.items() if k in has)
