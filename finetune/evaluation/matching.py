"""When an answer counts as right: the rules of every table, in one place and in words.

text     LEADS' rule: cosine of the embeddings ≥ 0.75. LEADS does not name its embedder; ours is all-MiniLM-L6-v2,
         so figures are comparable between engines here and only roughly with the published ones. Beside it, word
         for word: equal after folding (Unicode NFKC, case, white space, quotation marks, dashes, marks at the edges).
number   equal after normalisation: thousands separators, signs, trailing zeros; tolerance 1e-6 of the value, for
         numbers are copied and not computed. Beside it: within 1 %.
arms     one to one, so that the sum of likeness is the greatest (Kuhn 1955, Munkres 1957); likeness as for text.
label    equal.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from math import isclose
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from model.embedding import Embedder

__all__ = [
    "ALIKE",
    "RULES",
    "Likeness",
    "folded",
    "number_of",
    "numbers_in",
    "one_to_one",
    "same_number",
    "within",
]

ALIKE = 0.75
"""Cosine from which two texts count as one (LEADS, Nat Commun 2025;16:8361, Methods)."""

EXACT, NEAR = 1e-6, 0.01

RULES = {
    "text": f"cosine of all-MiniLM-L6-v2 embeddings >= {ALIKE} (LEADS' threshold, another embedder), or word for word",
    "text, word for word": "equal after folding Unicode, case, white space, quotation marks and dashes",
    "number": f"equal after normalisation, tolerance {EXACT} of the value",
    "number, within 1 %": f"tolerance {NEAR} of the value",
    "arms": "one to one by greatest likeness of labels (assignment); an arm is found where that is a match of texts",
    "label": "equal",
    "no usable answer": "counts against the engine in every figure it could have answered: as wrong; in macro-F1 as "
    "every label but the right one; in a ranking an included record is never found, and any other is taken for one "
    "that fulfils everything",
    "search recall": "included reports that were found, over those that the index holds; `of all included`: over all "
    "that are known by an id, also those that no strategy could find here",
}
"""Figure to its rule, for the report."""

_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\uff0d]")
_QUOTES = re.compile("[\u2018-\u201f\u2032\u2033`´«»\"']")
_NUMBER = re.compile(
    r"(?<![\w.])[-+−–]?(?:\d{1,3}(?:[,\u2009\u202f]\d{3})+(?:[.·]\d+)?|\d+(?:[.·]\d+)?|[.·]\d+)(?!\d)"
)


def folded(text: str) -> str:
    """A text as it is compared word for word.

    >>> folded(" “Usual  Care”. ") == folded("usual care")
    True
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    plain = _QUOTES.sub("", _DASHES.sub("-", plain))
    return " ".join(plain.split()).strip(".,;: ")


class Likeness:
    """Cosines between texts, each embedded once."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        self._known: dict[str, np.ndarray] = {}

    @property
    def name(self) -> str:
        """Of the embedder."""
        return self.embedder.name

    def learn(self, texts: Iterable[str]) -> None:
        """Embed many at once, which is much faster than one by one."""
        new = sorted({text for text in texts if text.strip()} - set(self._known))
        if new:
            self._known |= dict(zip(new, self.embedder.encode(new), strict=True))

    def __call__(self, one: str, other: str) -> float:
        """Cosine of two texts, 1 for texts that are equal word for word, 0 where one is empty."""
        if folded(one) == folded(other):
            return 1.0
        if not one.strip() or not other.strip():
            return 0.0
        self.learn((one, other))
        return float(self._known[one] @ self._known[other])

    def same(self, one: str, other: str) -> bool:
        """Whether they count as one."""
        return self(one, other) >= ALIKE


# Numbers -----------------------------------------------------------------------------------------


def number_of(text: str | None) -> float | None:
    """The one number that a text is or begins with; None where there is none.

    >>> number_of("1,204 patients"), number_of("−0·40"), number_of("about half")
    (1204.0, -0.4, None)
    """
    found = _NUMBER.search(text or "")
    return None if found is None else _value(found[0])


def numbers_in(text: str) -> frozenset[float]:
    """Every number in a text, without sign: a dash before it may be a hyphen."""
    return frozenset(abs(_value(found)) for found in _NUMBER.findall(text))


def _value(written: str) -> float:
    plain = re.sub("[,\u2009\u202f]", "", written).replace("·", ".")
    return float(_DASHES.sub("-", plain))


def same_number(one: float, other: float) -> bool:
    """Equal, but for how a computer stores them."""
    return isclose(one, other, rel_tol=EXACT, abs_tol=1e-12)


def within(one: float, other: float, share: float = NEAR) -> bool:
    """Within this share of the second."""
    return abs(one - other) <= share * abs(other) + 1e-12


# One to one --------------------------------------------------------------------------------------


def one_to_one(truth: Sequence[str], said: Sequence[str], likeness: Likeness) -> dict[int, int]:
    """Positions in `truth` to positions in `said`: pairs of greatest likeness in sum; equals in their order."""
    from scipy.optimize import linear_sum_assignment

    if not truth or not said:
        return {}
    likeness.learn((*truth, *said))
    # The order decides among equals only.
    scores = np.array(
        [
            [likeness(one, other) - 1e-6 * abs(i - j) for j, other in enumerate(said)]
            for i, one in enumerate(truth)
        ]
    )
    rows, columns = linear_sum_assignment(scores, maximize=True)
    return {int(i): int(j) for i, j in zip(rows, columns, strict=True)}
