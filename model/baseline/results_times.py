"""Times in tables: which of an arm's values in one row is meant, and which tables tell of the start. Pure."""

import re
from collections.abc import Iterable, Sequence

from model.baseline.results_wanted import Wanted
from tools.fulltext.tables import PaperTable

__all__ = ["BASELINE", "changes", "describes", "follow_ups", "meant", "times_in"]

BASELINE = re.compile(
    r"\b(?:baseline|before|pre|pre-?(?:test|treatment|intervention|op\w*|training|study)\w*|t0|day 0|week 0"
    r"|month 0|initial"
    r"|admission|enrol\w*|screening|at entry)\b",
    re.IGNORECASE,
)
_BASELINE_TABLE = re.compile(
    r"\b(?:baseline|demographics?|(?:patient|participant|subject|clinical|general|sample"
    r"|study population)s?['’]?"
    r" characteristics|characteristics of)\b",
    re.IGNORECASE,
)
_LATER = re.compile(
    r"\b(?:change|follow[- ]?up|post|after|outcomes?|results?|effect\w*|end ?point)\b", re.IGNORECASE
)
_CHANGE = re.compile(
    r"\b(?:change[sd]?|difference from|increase|decrease|reduction|improvement|gain|loss|[Δδ])\b|Δ",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?:day|week|month|year|hour|min(?:ute)?|h|visit|t|post\w*|follow\w*|after|end(?:point)?|final"
    r"|discharge)s?\b\W?\d*",
    re.IGNORECASE,
)
_EVERYONE = re.compile(r"\b(?:overall|all|total|whole|entire)\b", re.IGNORECASE)
_DEMOGRAPHIC = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"^\W*(?:mean |median )?ages?\b(?! at (?:death|onset))",
        r"\b(?:sex|gender|males?|females?|women|men|boys|girls)\b",
        r"\b(?:race|ethnic\w*|white|caucasian|black)\b",
        r"\b(?:height|BMI|body mass index)\b",
        r"\b(?:smok\w+|tobacco)\b",
        r"\b(?:education\w*|school\w*|marital|married|occupation\w*|income|employ\w+)\b",
        r"\bparity|primipar|gravid",
        r"\bASA\b",
        r"\b(?:diabetes|hypertension|comorbid\w*|history of)\b",
        r"\bduration of (?:disease|diabetes|illness|symptoms)\b",
    )
)
"""Rows that tell of participants, age first."""


def describes(table: PaperTable) -> bool:
    """Whether a table tells who took part: by its caption, or by rows such as age and sex without any later time."""
    if _BASELINE_TABLE.search(table.caption):
        return not _LATER.search(table.caption)
    labels = [" ".join((row.section, *row.label)) for row in table.rows]
    kinds = sum(any(pattern.search(label) for label in labels) for pattern in _DEMOGRAPHIC)
    aged = any(_DEMOGRAPHIC[0].search(label) for row in table.rows for label in row.label)
    heads = {piece for row in table.rows for path in row.columns for piece in path}
    timed = any(_LATER.search(piece) or _TIME.search(piece) for piece in (table.caption, *heads))
    return aged and kinds >= 2 and not timed


def follow_ups(heads: Iterable[str]) -> int:
    """How many different times after the beginning some headings name.

    >>> follow_ups(["Week 4", "Change at week 4", "Week 8"]), follow_ups(["Outcome", "Effect (95% CI)"])
    (2, 0)
    """
    found: set[object] = set()
    for head in heads:
        told = _AFTERWARDS.search(head)
        if told is not None and not BASELINE.search(_CHANGED_FROM.sub("", head)):
            found.add(times_in(head) or told.group().lower())
    return len(found)


_AFTERWARDS = re.compile(
    r"\b(?:(?:day|week|wk|month|year|yr|hour|hr|min(?:ute)?|visit)s?\b|t\d+\b|post\w*|follow[- ]?up|after\b"
    r"|end ?point\b|final\b|discharge\b)",
    re.IGNORECASE,
)
_CHANGED_FROM = re.compile(r"\b(?:change[sd]?|difference) from \w+", re.IGNORECASE)


def changes(text: str) -> bool:
    """Whether a heading speaks of a change."""
    return _CHANGE.search(text) is not None


def meant(titles: Sequence[str], labels: Sequence[str], wanted: Wanted) -> list[tuple[int, str]]:
    """Of several values of one row those that are meant: by time frame, else all but those before.

    Args:
        titles: what stands above each value, pieces parted by ` / `.
        labels: what stands beside it.
        wanted: the question.

    Returns:
        Places in the row with what tells each value from the others; empty where they cannot be told apart.
    """
    shared = frozenset.intersection(*(frozenset(title.split(" / ")) for title in titles))
    apart = [" / ".join(p for p in title.split(" / ") if p not in shared) for title in titles]
    every = list(enumerate(apart))
    before = [one for one in every if BASELINE.search(one[1]) and not _CHANGE.search(one[1])]
    if wanted.baseline:
        return before if len(before) == 1 else []  # what comes later is no baseline
    later = [one for one in every if one not in before]
    if len(later) > 1:
        asked = times_in(wanted.text)
        later = _only([one for one in later if asked & times_in(one[1])], later)
    if _CHANGE.search(wanted.text) and (before or len(later) > 1):
        # A value at the end is no change, where the table also has the one at the beginning.
        later = [one for one in later if _CHANGE.search(f"{one[1]} | {labels[one[0]]}")]
    if len(later) > 1:
        later = _only([one for one in later if _EVERYONE.search(one[1])], later)
    if len(later) == 1:
        return later
    # Several times are several values; anything else cannot be told apart here.
    timed = all(_TIME.search(title) for _, title in later)
    return later if later and timed and len({title for _, title in later}) == len(later) else []


def _only(some: list[tuple[int, str]], rest: list[tuple[int, str]]) -> list[tuple[int, str]]:
    return some if len(some) == 1 else rest


_NUMBERED = re.compile(
    r"(?P<n>\d+)(?:st|nd|rd|th)?[\s-]?(?P<u>d|day|w|wk|week|m|mo|month|y|yr|year|h|hr|hour|min|minute)s?\b"
    r"|\b(?P<u2>day|week|wk|month|year|hour|visit|time|t|at)s?\s?(?P<n2>\d+)\b|^\W*(?P<n3>\d+)\W*$",
    re.IGNORECASE,
)


def times_in(text: str) -> frozenset[tuple[str, str]]:
    """The numbered times of a text: `6 months` and `month 6` are one. A number alone is a time of any unit."""
    found: set[tuple[str, str]] = set()
    for hit in _NUMBERED.finditer(text):
        unit = (hit["u"] or hit["u2"] or "").lower()[:1]
        number = hit["n"] or hit["n2"] or hit["n3"]
        found |= {(number, unit)} | ({(number, "")} if unit in ("", "t", "a") else set())
    return frozenset(found)
