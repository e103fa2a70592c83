"""How well a row of a table is about the outcome that is asked for. Pure."""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence

from model.baseline.outcome_words import EMPTY
from model.baseline.paper_groups import Shorts, Token, key, keys, tokens
from model.baseline.results_times import times_in
from model.baseline.results_wanted import Wanted
from tools.fulltext.tables import PaperTable, TableRow, bare

__all__ = ["fit_of", "is_named", "is_time", "only_row_fit", "rows_of_times"]

_PART = re.compile(r"[<>≥≤]|\d\s?[-–]\s?\d|\bor (?:more|older|younger|less)\b")
"""Rows about a part of the participants: `Age ≥ 65`."""

_DEFINED = re.compile(r":\s?[^\W\d]\w*\s?[<>≥≤][^:]*$")
"""What a condition is, behind its name: `Cold: toes < 20 °C`."""

_UNITS_LIST = """
day days week weeks month months hour hours h min minutes s sec seconds year years mm cm m kg g mg ml l points mean
median sd se ci n no score total standard standardised unit
"""
_UNITS = frozenset(map(key, _UNITS_LIST.split()))
"""Words of a row's label that add nothing to its name."""

_SAYING_LIST = """
index scale inventory questionnaire present presence reported defined
household households case cases one experienced experiencing
"""
_SAYING = frozenset(map(key, _SAYING_LIST.split()))
"""Words that say how something is measured, or that it was found, and not what."""


def fit_of(pieces: Sequence[str], under: str, table: PaperTable, wanted: Wanted, shorts: Shorts) -> float:
    """How well a row is about the outcome; 0 where it is not, 1 where it is in all its words."""
    raw = " ".join(bare(piece, table.marks) for piece in pieces)
    if _PART.search(_plain(raw)) and not _PART.search(wanted.text):
        return 0.0
    label = keys(raw, shorts) | keys(" ".join(pieces), shorts)
    section = keys(bare(under, table.marks), shorts)
    own, with_section = wanted.covered(label), wanted.covered(label | section)
    if not own or with_section < LEAST:
        return 0.0
    if wanted.covered(label | section | keys(f"{table.caption} {_times(table)}", shorts)) < ENOUGH:
        return 0.0
    names = [piece for piece in pieces if not re.match(r"\W*\d", piece)] or pieces  # `0.5 °C` names nothing
    said = list(_said(_plain(" ".join(bare(name, table.marks) for name in names)), section, wanted, shorts))
    fits = sum(said) / len(said) if said else 1.0
    # Words of the row itself tell more than those of its section.
    return (0.7 * with_section + 0.3 * own) * (0.5 + 0.5 * fits) if fits > HALF else 0.0


def _times(table: PaperTable) -> str:
    """The headings of a table that say a numbered time: which of them is asked for is told later."""
    columns = dict.fromkeys(row.columns for row in table.rows)
    return " ".join(dict.fromkeys(p for paths in columns for path in paths for p in path if times_in(p)))


def _said(label: str, section: frozenset[str], wanted: Wanted, shorts: Shorts) -> Iterator[bool]:
    """For each word of a label that tells something, whether it is asked for; what the section says is said.

    An abbreviation that is not asked for is several words, of which two count.
    """
    literal = keys(label, {})
    # Beside an abbreviation a word of what it stands for names a part: `ABC alpha score`.
    parts = frozenset(k for term in wanted.terms if term.own & literal for k in term.long) - wanted.title
    for token in tokens(label, shorts):
        own = keys(label[token.start : token.end], {})
        if not own or own <= _QUIET or all(k.isdigit() for k in own):
            continue
        known = _knows(wanted, token, own) and not own <= parts
        if known:
            yield True
        elif not _stands(token, own, section):
            yield from (False,) * (2 if len(token.keys - own) > 1 else 1)


_QUIET = EMPTY | _UNITS | _SAYING


def _knows(wanted: Wanted, token: Token, own: frozenset[str]) -> bool:
    """Whether a row may have this word; an abbreviation, where most of what it stands for is asked for."""
    long = token.keys - own
    return any(map(wanted.knows, own)) or 2 * sum(map(wanted.knows, long)) > max(1, len(long))


def _stands(token: Token, own: frozenset[str], section: frozenset[str]) -> bool:
    long = token.keys - own
    return bool(own & section) or (bool(long) and long <= section)


ENOUGH = 0.9
"""Share of the outcome's words, weighted, that row, section and caption must have together."""

LEAST = 0.3
"""Share that row and section must have."""

HALF = 0.5
"""Of the row's own words more than this share must be asked for."""


def _plain(label: str) -> str:
    """A label without what explains it: brackets, what is counted, what a condition is defined by."""
    label = _DEFINED.sub(" ", label)
    return re.sub(r"\([^)]*\)|\[[^\]]*\]|,\s*(?:n|mean|median|no\.?)\b.*$", " ", label)


def is_named(pieces: Sequence[str], wanted: Wanted) -> bool:
    """Whether a row's label has every word of the outcome's title, the `total` of `total score` too."""
    return wanted.title <= keys(" ".join(pieces), {})


_SUMS = re.compile(
    r"\b(?:adverse|complications?|side[- ]effects?|events?|outcomes?|safety|symptoms?)\b", re.IGNORECASE
)


def only_row_fit(at: int, table: PaperTable, wanted: Wanted, shorts: Shorts) -> float:
    """How well a heading line fits that has this row alone below it, and so names it; 0 where it has others.

    What sums up several things (`Adverse events`) does not name the one that is listed.
    """
    row = table.rows[at]
    near = table.rows[max(0, at - 1) : at] + table.rows[at + 1 : at + 2]
    alone = bool(row.section) and all(other.section != row.section for other in near)
    if not alone or _SUMS.search(wanted.text) or _PART.search(_plain(" ".join(row.label))):
        return 0.0
    return OF_HEADING * fit_of((row.section,), "", table, wanted, shorts)


_TIME_WORDS = re.compile(
    r"(?:\d\s?(?:min|h|hr|d|wk|w|mo|y|yr)s?\b|[\W\d]|\b(?:baseline|before|after|pre|post|pre-?\w*test|post-?\w*test"
    r"|follow|up|followup|final|initial|end|at|start|the|of|to|from|and|change[sd]?|day|week|month|year|hour|minute"
    r"|visit|time|t\d|discharge|admission|treatment|intervention|study|mean|median|s\.?d|s\.?e\.?m?|iqr|range|ci"
    r"|value|score)s?\b)+",
    re.IGNORECASE,
)


def is_time(row: TableRow, table: PaperTable) -> bool:
    """Whether a row's label says only when, or by which statistic: the heading above it says of what."""
    label = " ".join(re.sub(r"\s([a-z])$", _unmarked(table), bare(piece, table.marks)) for piece in row.label)
    return bool(row.section) and any(c.isalpha() for c in label) and _TIME_WORDS.fullmatch(label) is not None


def _unmarked(table: PaperTable) -> Callable[[re.Match[str]], str]:
    return lambda hit: "" if hit[1] in table.marks else hit.group()


def rows_of_times(table: PaperTable) -> Iterator[list[TableRow]]:
    """Under each heading line the first rows, where they each say a time and nothing else; tests aside."""
    for section, group in itertools.groupby(table.rows, key=lambda row: row.section):
        rows = [row for row in group if not _TEST.match(" ".join(row.label))]
        first = list(itertools.takewhile(lambda row: is_time(row, table), rows))
        if section and first:
            yield first


_TEST = re.compile(r"\W*p\b(?:[- ]values?)?", re.IGNORECASE)
"""A row that holds p-values: `P (week 2 vs week 8)`."""


OF_HEADING = 0.8
"""A heading tells less of a row than its own label does."""
