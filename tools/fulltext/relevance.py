"""How near the parts of a report stand to the words of a question: Okapi BM25 over their stems. Pure.

Source of the weighting: Robertson and Zaragoza 2009, doi:10.1561/1500000019, with the inverse document frequency
that cannot fall below 0 (Lucene's `BM25Similarity`). The documents are the parts of one report, so that a word which
stands in all of them, such as the name of the studied drug, tells little.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

__all__ = ["Terms", "abbreviations", "bm25", "stem", "terms", "with_abbreviations"]

Terms = Mapping[str, float]
"""Stems and their weight in a question."""

SATURATION = 1.2
"""BM25's k1: how soon a word that is repeated stops to count."""
LENGTH = 0.5
"""BM25's b: how much a long part pays for its length. Below the usual 0.75, since tables are long by nature."""

_WORD = re.compile(r"[^\W_]+")
_STOPS = """
a about after all also an and any are as at be been before both but by can compared could did do does each for from had
has have how if in into is it its may more no not of on or other our per such than that the their then there these they
this those through to under until use used using versus via vs was we were what when where which while who will with
within without
"""
_STOP = frozenset(_STOPS.split())
_ENDINGS = re.compile(
    r"(?:i[sz]ation|ational|ation|ating|ated|ate|i[sz]ing|i[sz]ed?|ment|ness|itie|ity|ically|ical|ional|ion|ing|ive"
    r"|ous|ally|al|ic|ly|ed|ie|er|e|y)$"
)
_BRITISH = (("ae", "e"), ("oe", "e"), ("our", "or"))
"""Wherever they stand: both sides of a comparison are changed alike."""
_SHORTEST = 4
"""Letters of a stem that is still told from others."""


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """One form for the words of one root, for comparing only.

    >>> stem("Randomisation"), stem("randomized"), stem("tumours"), stem("pain")
    ('random', 'random', 'tumor', 'pain')
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(c))
    for british, american in _BRITISH:
        plain = plain.replace(british, american)
    if len(plain) >= _SHORTEST and plain.endswith("s") and not plain.endswith("ss"):
        plain = plain[:-1]
    short = _ENDINGS.sub("", plain)
    return short if len(short) >= _SHORTEST else plain


def terms(text: str) -> list[str]:
    """Stems of a text's words in order, repeated as they are; function words are left out."""
    return [stem(word) for word in _WORD.findall(text) if word.lower() not in _STOP]


# Abbreviations -----------------------------------------------------------------------------------

_EXPLAINED = re.compile(r"\(\s?([A-Za-z][A-Za-z0-9/-]{1,9})s?\s?[),;=]")


def abbreviations(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Stem of an abbreviation to the stems of what the report says it stands for: `body mass index (BMI)`.

    Known where each letter begins one of as many words before it, function words apart; the first explanation
    counts. Tables use abbreviations that questions write out, and the other way round.
    """
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        for hit in _EXPLAINED.finditer(text):
            letters = [c for c in hit[1].casefold() if c.isalpha()]
            before = _WORD.findall(text[max(0, hit.start() - 150) : hit.start()])
            words = [w for w in before if w.lower() not in _STOP][-len(letters) :]
            if len(letters) >= 2 and [w[0].casefold() for w in words] == letters:
                found.setdefault(stem(hit[1]), tuple(map(stem, words)))
    return found


def with_abbreviations(asked: Terms, known: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """The question's terms, with the short form of what it writes out and the long form of what it shortens."""
    more = dict(asked)
    for short, long in known.items():
        if short in asked:
            for term in long:
                more[term] = max(more.get(term, 0.0), asked[short])
        elif all(term in asked for term in long):
            more[short] = max(asked[term] for term in long)
    return more


# Weights -----------------------------------------------------------------------------------------


def bm25(parts: Sequence[Sequence[str]], asked: Terms) -> list[float]:
    """One score per part, 0 where none of the question's terms stands in it.

    Args:
        parts: the stems of each part, as `terms` gives them.
        asked: stems of the question, each with its weight.
    """
    counts = [Counter(part) for part in parts]
    mean = sum(map(len, parts)) / len(parts) if parts else 0.0
    weights = {}
    for term, weight in asked.items():
        having = sum(term in count for count in counts)
        weights[term] = weight * math.log(1 + (len(parts) - having + 0.5) / (having + 0.5))
    return [
        sum(
            weight * count[term] * (SATURATION + 1) / (count[term] + SATURATION * _length(len(part), mean))
            for term, weight in weights.items()
            if term in count
        )
        for part, count in zip(parts, counts, strict=True)
    ]


def _length(length: int, mean: float) -> float:
    return 1 - LENGTH + LENGTH * length / mean
