"""Abbreviations as reports list them: `AB, alpha beta; CD, gamma delta` under a table, `AB: …` at the end. Pure.

Those that running text explains in brackets are read by `paper_groups.read_shorts`; they go first. What is listed
counts where the letters stand in the words in order, the first at their beginning, so that a list of anything else
explains nothing.
"""

import re
from collections.abc import Iterable, Iterator

from model.baseline.paper_groups import Shorts, keys, read_shorts
from tools.fulltext.tables import PaperTable
from tools.schemas import Passage

__all__ = ["shorts_of"]

_ITEM = re.compile(r"[;.\n]\s*|,\s+(?=[A-Z][A-Za-z0-9/-]{0,5}[A-Z0-9]\b)")
_LISTED = re.compile(
    r"\W*(?:(?i:abbreviations?|note)\W+|[a-z](?=[A-Z]{2}))?"
    r"(?P<short>[A-Za-z][A-Za-z0-9-]{1,8})(?:\s?[,:=–—-]\s?|\s+)(?P<long>[A-Za-z][^()\d]{3,70})"
)


def shorts_of(texts: Iterable[str], tables: Iterable[PaperTable], passages: Iterable[Passage]) -> Shorts:
    """The abbreviations of a report: those explained in these texts, and those of its lists."""
    found = read_shorts(texts)
    lists = [note.text for table in tables for note in table.notes]
    lists += [p.text for p in passages if "abbreviation" in p.section.lower()]
    for text in lists:
        for short, long in _listed(text):
            found.setdefault(short, keys(long, {}))
    return found


def _listed(text: str) -> Iterator[tuple[str, str]]:
    for item in _ITEM.split(text):
        hit = _LISTED.fullmatch(item.strip())
        if (
            hit is not None
            and sum(c.isupper() for c in hit["short"]) > 1
            and _explains(hit["short"], hit["long"])
        ):
            yield hit["short"].removesuffix("s"), hit["long"]


def _explains(short: str, long: str) -> bool:
    """Whether the letters stand in the words in order, the first at the beginning, and no word is left over."""
    letters = [c for c in short.lower() if c.isalpha()]
    words = long.lower()
    if words[0] != letters[0] or len(words.split()) > len(letters) + 2:
        return False
    at = -1
    for letter in letters:
        at = words.find(letter, at + 1)
        if at < 0:
            return False
    return True
