"""Which column of a table is a group's, and which row is about what is asked for. Pure.

A column belongs to a group when its heading has what no other column's heading has of the group's name; a
row fits when its label, with the heading line above it, has the words of what is asked. Where two fit alike
and differ, neither is taken.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from model.baseline.direction_cues import BEFORE
from model.baseline.outcome_words import EMPTY, share
from model.baseline.paper_groups import Group, Shorts, doses_in, key, keys, mentions
from model.baseline.paper_tables import Row, Table, is_group
from model.baseline.paper_values import Value, cell_value

__all__ = ["Asked", "Taken", "columns_of", "rows_of", "take"]

_CONTROL_HEAD = re.compile(r"(?:^|/ )\W*(?:controls?|no intervention|usual care|comparison)\b", re.IGNORECASE)
_TREATED_HEAD = re.compile(
    r"(?:^|/ )\W*(?:intervention|experimental|treatment|treated|active)\b", re.IGNORECASE
)
"""Headings of columns that say a group's role alone."""

_BASELINE = re.compile(
    r"\b(?:baseline|before|pre|pre-?\w*|t0|day 0|week 0|initial|admission|enrol\w*|screening)\b",
    re.IGNORECASE,
)
_BASELINE_TABLE = re.compile(
    r"\b(?:baseline|demographics?|(?:patient|participant|subject|clinical|general|sample)s?['’]? characteristics"
    r"|characteristics of)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?:day|week|month|year|hour|min(?:ute)?|h|visit|t|post\w*|follow\w*|after|end(?:point)?|final)s?\b\W?\d*",
    re.IGNORECASE,
)

_UNITS_LIST = """
day days week weeks month months hour hours h min minutes s sec seconds year years mm cm m kg g mg ml l points
"""
_UNITS = frozenset(map(key, _UNITS_LIST.split()))
"""Words of a row's label that add nothing but its unit."""


@dataclass(frozen=True)
class Asked:
    """What a value is asked for."""

    weights: Mapping[str, float]
    """Keys of the outcome or measure, with weight."""
    extra: frozenset[str]
    """Keys that a row may have besides: of the description, the unit, the time frame."""
    text: str
    """Title, time frame and the like, for what only patterns can tell."""
    baseline: bool
    """Whether values before the intervention are asked for."""


@dataclass(frozen=True)
class Taken:
    """A value and where it stands."""

    value: Value
    row: Row
    column: int
    told: str
    """What row, column and caption say of it."""


def columns_of(row: Row, group: Group, shorts: Shorts) -> list[int]:
    """The columns with a group's values; none where the headings do not tell them from others."""
    able = [j for j in range(1, len(row.columns)) if is_group(row.columns[j]) and row.columns[j]]
    if not able:
        return []
    heads = {j: keys(row.columns[j], shorts) for j in able}
    common = frozenset.intersection(*heads.values()) if len(able) > 1 else frozenset[str]()
    scores = {j: _fit(row.columns[j], heads[j] - common, group, shorts) for j in able}
    best = max(scores.values())
    if best <= 0:
        return []
    chosen = [j for j in able if scores[j] == best]
    # Of `Wool` and `Wool and cotton`, what is asked for is the one without more of a name.
    if group.doses:
        chosen = [j for j in chosen if not (told := doses_in(row.columns[j])) or told & group.doses]
    spare = {j: len(_name(row.columns[j], group, shorts)) for j in chosen}
    return [j for j in chosen if spare[j] == min(spare[k] for k in chosen)]


def _fit(heading: str, apart: frozenset[str], group: Group, shorts: Shorts) -> float:
    found = len(apart & group.keys) / len(group.keys) if group.keys else 0.0
    if found == 0:
        plain = Group(frozenset(), group.labels, group.control, group.treated)
        role = (group.control and _CONTROL_HEAD.search(heading)) or (
            group.treated and _TREATED_HEAD.search(heading)
        )
        return 0.5 if role or mentions(heading, plain, shorts) else 0.0
    return found


def _name(heading: str, group: Group, shorts: Shorts) -> frozenset[str]:
    """Words of a heading's innermost naming piece that are not the group's."""
    pieces = [p for p in heading.split(" / ") if keys(p, shorts) & group.keys]
    return frozenset().union(*(keys(re.sub(r"\([^)]*\)", "", p), shorts) for p in pieces)) - group.keys


def rows_of(table: Table, asked: Asked, shorts: Shorts) -> list[tuple[float, Row]]:
    """Rows that are about what is asked for, best first, with how well they fit (1 is fully)."""
    about = keys(table.caption, shorts)
    found = []
    for row in table.rows:
        label, under = keys(_bare(row.label), shorts), keys(_bare(row.under), shorts)
        own = share(asked.weights, label | under)
        whole = share(asked.weights, label | under | about)
        said = frozenset(k for k in label if not k.isdigit()) - EMPTY - _UNITS
        if _PART.search(_bare(row.label)) and not _PART.search(asked.text):
            continue
        fits = len(said & (frozenset(asked.weights) | asked.extra)) / len(said) if said else 1.0
        if whole >= 0.95 and own >= 0.6 and fits >= 0.5:
            found.append((own * (0.5 + 0.5 * fits), row))
    return sorted(found, key=lambda f: -f[0])


_PART = re.compile(r"[<>≥≤]|\d\s?[-–]\s?\d|\bor (?:more|older|younger|less)\b")
"""Rows about a part of the participants: `Age ≥ 65`."""


def _bare(label: str) -> str:
    return re.sub(r"\([^)]*\)|\[[^\]]*\]|,\s*(?:n|mean|median|no\.?)\b.*$", " ", label)


def take(tables: Sequence[Table], asked: Asked, group: Group, shorts: Shorts) -> list[Taken]:
    """The value of a group, or its values at several times; empty where none or more than one can be meant."""
    found: list[tuple[float, list[Taken]]] = []
    for table in tables:
        described = _BASELINE_TABLE.search(table.caption) is not None
        if described and not asked.baseline:
            continue
        for fit, row in rows_of(table, asked, shorts):
            values = _values(table, row, asked, group, shorts)
            if asked.baseline and not described:
                values = [v for v in values if _BASELINE.search(f"{v.row.label} | {v.row.columns[v.column]}")]
            if values:
                found.append((fit, values))
    best = [values for fit, values in found if fit >= max(f for f, _ in found) - 0.1]
    if not asked.baseline:
        best = [v for v in best if not _BASELINE.search(v[0].row.label)]
    told = {tuple(v.value.value for v in values) for values in best}
    return best[0] if len(told) == 1 else []


def _values(table: Table, row: Row, asked: Asked, group: Group, shorts: Shorts) -> list[Taken]:
    columns = columns_of(row, group, shorts)
    inner = {j: row.columns[j].rpartition(" / ")[2] for j in columns}
    counted = any(_SHARE.match(head) for head in inner.values())
    made: list[Taken] = []
    for j in columns:
        parted = " / " in row.columns[j] and not _SIZE.match(inner[j])
        if parted and (
            _SHARE.match(inner[j]) or (_BESIDE.match(inner[j]) and not (counted and _N.match(inner[j])))
        ):
            if made and _SPREAD.match(inner[j]) and j == made[-1].column + 1:
                made[-1] = _with_spread(made[-1], row.cells[j], inner[j])
            continue
        # A heading line above may belong to other rows: `Sex, n (%)`. What a row says of itself goes first.
        under = "" if _FORM.search(row.label) else row.under
        told = " | ".join((row.label, under, row.columns[j], table.caption))
        value = cell_value(row.cells[j], told)
        if value is not None:
            made.append(Taken(value, row, j, told))
    return _at_the_time(made, asked) if len(made) > 1 else made


_FORM = re.compile(r"%|±|\b(?:n|no|mean|median|sd|iqr|number|se|sem|range)\b", re.IGNORECASE)
_SIZE = re.compile(r"^\W*n\s?=", re.IGNORECASE)
_N = re.compile(r"^\W*(?:n|no\.?|number)\W*$", re.IGNORECASE)
_SHARE = re.compile(r"^\W*(?:%|percent(?:age)?)\W*$", re.IGNORECASE)
_SPREAD = re.compile(r"^\W*(?:s\.?d\.?|s\.?e\.?m?\.?)\W*$", re.IGNORECASE)
_BESIDE = re.compile(
    r"^\W*(?:n|no\.?|number|p|p[- ]?values?|95 ?% ?ci|ci|s\.?d\.?|s\.?e\.?m?\.?|iqr|range|min|max)\W*$",
    re.IGNORECASE,
)
"""A column beside a group's values that holds something else of the group."""


def _with_spread(taken: Taken, cell: str, head: str) -> Taken:
    """A mean and the standard deviation in the next column."""
    spread = cell_value(cell)
    if spread is None or spread.kind != "single" or taken.value.spread is not None:
        return taken
    return replace(taken, value=replace(taken.value, spread=spread.value), told=f"{taken.told} | {head}")


def _at_the_time(made: Sequence[Taken], asked: Asked) -> list[Taken]:
    """Of several columns of one group those that are meant: by time frame, else all but those before."""
    pieces = {t.column: _apart(t, made) for t in made}
    before = [t for t in made if _BASELINE.search(pieces[t.column])]
    if asked.baseline:
        return before if len(before) == 1 else []  # what comes later is no baseline
    later = [t for t in made if t not in before]
    if len(later) > 1:
        numbers = set(re.findall(r"\d+", asked.text))
        meant = [t for t in later if numbers & set(re.findall(r"\d+", pieces[t.column]))]
        later = meant if len(meant) == 1 else later
    if len(later) == 1:
        return later
    # Several times are several values; anything else cannot be told apart here.
    timed = all(_TIME.search(pieces[t.column]) for t in later)
    return later if later and timed and len({pieces[t.column] for t in later}) == len(later) else []


def _apart(taken: Taken, among: Sequence[Taken]) -> str:
    """The pieces of a column's heading that the group's other columns do not have."""
    others = [set(t.row.columns[t.column].split(" / ")) for t in among]
    shared = set.intersection(*others)
    return " / ".join(p for p in taken.row.columns[taken.column].split(" / ") if p not in shared)


def asks_baseline(text: str) -> bool:
    """Whether a title speaks of the time before the intervention."""
    return BEFORE.search(text) is not None or re.search(r"\bbaseline\b", text, re.IGNORECASE) is not None
