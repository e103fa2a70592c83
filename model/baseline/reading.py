"""A text as the rules read it: its sentences, where each word stands, what is denied. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product

from model.baseline.words import folded_words
from tools.fulltext.quotes import sentences

__all__ = ["MAX_QUOTE", "Hit", "Reading", "read"]

MAX_QUOTE = 600
"""Characters that an answer's quote may have."""

OPENING = 25
"""Sentences, from the first, that are taken for title and abstract, in a full text too: what a paper says
about itself stands there, and further down it speaks of others' studies."""

_GAP = 4
"""Words that may stand between those of a phrase: `biopsy of the left kidney` is a kidney biopsy."""

_DENIAL_LIST = """
no not without neither nor never exclude excluded excluding except absence lack free non
"""
_DENIALS = frozenset(_DENIAL_LIST.split())
_REACH = 4
"""Words before a phrase in which a denial concerns it."""

_MOST_PLACES = 12
"""Occurrences of one word in one sentence that are tried."""


@dataclass(frozen=True)
class Hit:
    """A phrase in a sentence. `share` of its words were found there; 1 when all stand close together."""

    sentence: int
    share: float
    denied: bool = False


class Reading:
    """One text, taken apart once and asked many times."""

    def __init__(self, text: str, title: str = "") -> None:
        """
        Args:
            text: title and abstract, or a full text.
            title: the title, when known; otherwise the first sentence.
        """
        self.text = text
        self.spans = sentences(text)
        self.title = title or (self.sentence(0) if self.spans else "")

    def sentence(self, index: int) -> str:
        """A sentence, verbatim."""
        start, end = self.spans[index]
        return self.text[start:end]

    def quote(self, index: int) -> str:
        """A sentence as evidence, cut at a word where it is longer than a quote may be."""
        sentence = self.sentence(index)
        if len(sentence) <= MAX_QUOTE:
            return sentence
        return sentence[:MAX_QUOTE].rsplit(None, 1)[0]

    def in_title(self, index: int) -> bool:
        """Whether the sentence belongs to the title."""
        return self.sentence(index) in self.title

    @cached_property
    def opening(self) -> range:
        """The sentences of title and abstract."""
        return range(min(OPENING, len(self.spans)))

    @cached_property
    def lines(self) -> tuple[tuple[str, ...], ...]:
        """Each sentence's folded words."""
        return tuple(folded_words(self.sentence(index)) for index in range(len(self.spans)))

    @cached_property
    def _places(self) -> dict[str, dict[int, list[int]]]:
        places: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
        for index, line in enumerate(self.lines):
            for position, word in enumerate(line):
                places[word][index].append(position)
        return places

    def find(self, phrase: Sequence[str]) -> Hit | None:
        """The best sentence for a phrase of folded words; None when it has none of them.

        Best is: the largest share of the words, affirmed before denied, the earliest.
        """
        counts: dict[int, int] = defaultdict(int)
        for word in phrase:
            for index in self._places.get(word, ()):
                counts[index] += 1
        if not counts:
            return None
        most = max(counts.values())
        best = None
        for index in sorted(index for index, count in counts.items() if count == most):
            hit = self._judge(phrase, index, most)
            if best is None or (hit.share, not hit.denied) > (best.share, not best.denied):
                best = hit
            if hit.share == 1 and not hit.denied:
                break
        return best

    def _judge(self, phrase: Sequence[str], index: int, count: int) -> Hit:
        places = [
            self._places[word][index][:_MOST_PLACES] for word in phrase if index in self._places.get(word, ())
        ]
        start, length = _tightest(places)
        # All words of a phrase in one long sentence prove little when they stand far apart.
        near = length <= len(phrase) + _GAP
        share = count / len(phrase) if near or count < len(phrase) else (len(phrase) - 0.5) / len(phrase)
        before = self.lines[index][max(0, start - _REACH) : start]
        return Hit(index, share, denied=bool(_DENIALS.intersection(before)))

    def overlap(self, words: Iterable[str]) -> list[int]:
        """Sentences in order of how many of these words they have, most first; those with none left out."""
        counts: dict[int, int] = defaultdict(int)
        for word in set(words):
            for index in self._places.get(word, ()):
                counts[index] += 1
        return sorted(counts, key=lambda index: (-counts[index], index))

    def search(
        self, pattern: re.Pattern[str], within: Iterable[int] | None = None
    ) -> tuple[int, re.Match[str]] | None:
        """The first sentence that a pattern matches, and the match; denied matches do not count."""
        for index in self.opening if within is None else within:
            sentence = self.sentence(index)
            for found in pattern.finditer(sentence):
                before = folded_words(sentence[max(0, found.start() - 40) : found.start()])[-_REACH:]
                if not _DENIALS.intersection((*before, *folded_words(found.group()))):
                    return index, found
        return None


def _tightest(places: Sequence[Sequence[int]]) -> tuple[int, int]:
    """Start and length in words of the narrowest stretch with one place of each."""
    if len(places) > 4:  # long phrases are judged by their share; all combinations would be too many
        first = [options[0] for options in places]
        return min(first), max(first) - min(first) + 1
    choices = (sorted(chosen) for chosen in product(*places))
    length, start = min((chosen[-1] - chosen[0] + 1, chosen[0]) for chosen in choices)
    return start, length


@lru_cache(maxsize=64)
def read(text: str, title: str = "") -> Reading:
    """A reading, kept for a while: all criteria of a record ask the same text."""
    return Reading(text, title)
