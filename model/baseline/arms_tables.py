"""Lists of arms that stand over the columns of a report's tables. Pure.

A column's heading is taken apart: times, statistics, sizes and what stands over all columns are no names. What is
left, level by level, is a list of names, such as `Wool` and `Cotton` under `Week 4`. Whether a list is one of arms
is told by its words: one of them is the comparator, or all of them stand where the report tells of the allocation.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from model.baseline.arms_words import COMPARATOR, MOST, Named, is_generic
from model.baseline.paper import any_case
from model.baseline.reading import MAX_QUOTE
from model.baseline.results_arms import is_arm_heading
from tools.extraction.numbers import sizes_in
from tools.fulltext.tables import PaperTable, bare, tables_in
from tools.schemas import Passage

__all__ = ["Listed", "lists_in"]


@dataclass(frozen=True)
class Listed:
    """Names over the columns of one table."""

    arms: tuple[Named, ...]
    baseline: bool
    """Whether the table describes the participants as they came."""

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many each has; empty unless all are told."""
        sizes = tuple(arm.size for arm in self.arms if arm.size is not None)
        return sizes if len(sizes) == len(self.arms) else ()


_SIZE = r"\b[nN]\s?(?:[=:]\s?|\s)\s?\d[\d,. ]*"
_SIZED = re.compile(rf"[(\[,;/]?\s*(?:{_SIZE}|\b[nN]o\.?\s?=\s?\d+)\s*(?:\([\d.]+\s?%\))?\s*[)\]]?")
_STATISTIC = (
    r"(?>(?<![a-z])(?:means?|medians?|s\.?d|s\.?e\.?m|s\.?e|n|no|numbers?|per ?cent\w*|ci|iqr|range|min|max|counts?"
    r"|values?|scores?|m|est(?:imate)?|rate|frequency|patients|participants|subjects|cases|events?|p|total"
    r"|differences?|change|th|percentiles?|interquartile|quartiles|standard|deviations?|errors?|and|or|of"
    r"|[a-z]{2,4}/[a-z]{1,4}|mm ?hg)(?![a-z]))"
)
_STATISTICS = rf"(?:[\W\d_]*+{_STATISTIC})++"
_ONLY_STATISTIC = re.compile(rf"(?:{_STATISTICS})?[\W\d_]*+", re.IGNORECASE)
_STATED = re.compile(
    rf"\s*[(\[,;:]\s*{_STATISTICS}[\W\d_]*$"
    r"|\s(?:mean|median)\s?(?:±|\(|\+/).*$|\s(?:n|no\.?|numbers?)\s?\(%\)\s*$",
    re.IGNORECASE,
)
"""What a heading says of its values: `, mean (SD)`. Atomic, so that long rows of such words take no long time."""
_TIME = any_case(
    r"\b(?:baseline|pre-?(?:test|treatment|intervention|op\w*)?|post-?(?:test|treatment|intervention|op\w*)?"
    r"|follow-?\s?ups?|before|after|initial|final|visits?|admission|discharge|enrol\w*|end(?:point| of \w+)|screening"
    r"|run-in|prior|basal|t\d|start|onset|periods?|phase)\b",
    r"(?<!/)(?<!per )\b(?:day|week|month|year|hour|minute|mo|wk|yr|min|h)s?\b",
)
_ONLY_DOSE = re.compile(
    r"\d[\d.,]*\s?(?:mg|g|µg|μg|mcg|ml|iu|units?|u|%)(?:\s?/\s?\w+)?"
    r"(?:,? (?:once|twice|three times)? ?(?:daily|bid|qd|weekly))?",
    re.IGNORECASE,
)
_NO_COLUMN = any_case(
    r"^\W*(?:total|overall|all|pooled|combined|entire|whole|both|full)\b",
    r"\btotal (?:cohort|sample|population)\b",
    r"\?\W*$|[Δδ∆]|\bfavou?rs?\b",
)
"""Columns of everyone together, of differences and of remarks."""
_NO_ARMS = any_case(
    r"^\W*(?:fe)?males?\b",
    r"\b(?:boys?|girls?|wom[ae]n|m[ae]n|(?:non-?)?(?:responders?|completers?|survivors?|smokers))\b",
    r"^\W*(?:yes|no|present|absent|positive|negative|normal|abnormal|high|low|mild|moderate|severe|amplified"
    r"|deleted|improved|unchanged|worse)\W*$",
    r"^\W*(?:model|grade|stage|class|type|score|item|question|domain|study|trial|site|cent(?:re|er)|country|cohort|case"
    r"|quartile|tertile|quintile|variable|parameter|characteristics?|outcome|measure|component|factor)s?\b",
    r"\b(?:healthy|non-?diabetic|normal) (?:controls?|volunteers?|subjects|participants|group)\b",
    r"^\W*(?:age|sex|gender|weight|height|bmi|race|dose|unit|reason|description|comment|cost|unadjusted|adjusted|crude"
    r"|observed|expected|coefficient|relative|risk|event|exposed|unexposed|incidence|increase|decrease|missing)s?\b",
    r"^\W*non-?(?!intervention|treat)", r"[<>≥≤]", r"^\W*\d[\d.,\s–-]*\W*\w{0,5}\W*$", r"^\d+\s?[-–]\s?\d", r"^.{0,1}$",
)  # fmt: skip
"""Names over columns that make a list one of something else: subgroups, centres, models, characteristics."""
_PATIENTS = any_case(r"^\W*(?:cases?|patients?)\W*$")
_BASELINE = any_case(
    r"\b(?:baseline|demographics?|characteristics|randomi[sz]ed (?:patients|participants))\b"
)


def lists_in(passages: Sequence[Passage]) -> list[Listed]:
    """Every list of two to eight names over the columns of a table, in reading order."""
    texts = {passage.start: passage.text for passage in passages if passage.kind == "table"}
    found: list[Listed] = []
    for table in tables_in(passages):
        found += _lists_of(table, texts[table.start])
    return found


def _lists_of(table: PaperTable, text: str) -> Iterator[Listed]:
    baseline = _BASELINE.search(table.caption) is not None
    seen: set[tuple[str, ...]] = set()
    if table.rows and sum(_is_dose(cell.text) for cell in table.rows[0].cells) > 1:
        return  # a line of doses that looks like values: the arms are not told by the headings above it
    for columns in dict.fromkeys(row.columns for row in table.rows):
        for named in _levels(columns[table.stub :], table, lambda cell: _line_with(cell, text)):
            names = tuple(arm.label for arm in named)
            if names not in seen:
                seen.add(names)
                yield Listed(named, baseline)


def _is_dose(text: str) -> bool:
    return _ONLY_DOSE.fullmatch(_SIZED.sub("", text).strip()) is not None and not text.endswith("%")


def _line_with(cell: str, text: str) -> str:
    """The heading line that a name stands in, or the cell alone where the line is too long for a quote."""
    for line in text.split("\n"):
        if cell in (piece.strip() for piece in line.split(" | ")):
            line = line.strip(" |")
            return line if len(line) <= MAX_QUOTE else cell[:MAX_QUOTE]
    return ""


@dataclass(frozen=True)
class _Name:
    """One name in a column's heading."""

    name: str
    cell: str
    size: int | None


def _levels(
    columns: Sequence[tuple[str, ...]], table: PaperTable, line_with: Callable[[str], str]
) -> Iterator[tuple[Named, ...]]:
    """The lists of names over some columns, outermost first."""
    able = [path for path in columns if _can_be(path)]
    common = set(able[0]).intersection(*able) if len(able) > 1 else set[str]()
    paths = [tuple(piece for piece in path if piece not in common) for path in able]
    named = [names for path in paths if (names := _names(path, table.marks))]
    if len(named) < 2 or 2 * len(named) < len(paths):
        return
    for level in range(min(len(names) for names in named)):
        arms: dict[str, Named] = {}
        for names in named:
            own = names[level]
            known = arms.get(own.name.casefold())
            if known is None or (known.size is not None and own.size not in (None, known.size)):
                size = own.size if known is None else None  # told twice differently: at several times
                arms[own.name.casefold()] = Named(own.name, line_with(own.cell), size, own.name)
        made = tuple(arms.values())
        if (
            2 <= len(made) <= MOST
            and all(arm.quote for arm in made)
            and _may_be_arms([a.label for a in made])
        ):
            yield made


def _can_be(path: Sequence[str]) -> bool:
    plain = [piece for piece in path if not COMPARATOR.fullmatch(piece)]  # `Comparison` alone is an arm
    return (is_arm_heading(plain) or (bool(path) and not plain)) and not any(
        _NO_COLUMN.search(piece) for piece in path
    )


def _names(path: Sequence[str], marks: frozenset[str]) -> tuple[_Name, ...]:
    """The pieces of a heading that name something, each with its size; a size on its own is that of the last."""
    made: list[_Name] = []
    for cell in path:
        sizes = sizes_in(cell)
        size = sizes[0] if len(sizes) == 1 else None
        name = _STATED.sub("", _SIZED.sub(" ", bare(cell, marks)))
        name = re.sub(r"\s+", " ", name).strip(" *†‡§¶#,;:-–—")
        if re.fullmatch(r"\([^()]*\)|\[[^\][]*\]", name):
            name = name[1:-1].strip()
        if _ONLY_STATISTIC.fullmatch(name):
            if size is not None and made and made[-1].size is None:
                made[-1] = _Name(made[-1].name, made[-1].cell, size)
        elif made and _ONLY_DOSE.fullmatch(name):  # `Woolin` over `20 mg` and `40 mg`
            made[-1] = _Name(f"{made[-1].name} {name}"[:200], cell, size)
        elif not _TIME.search(name):
            made.append(_Name(name[:200], cell, size))
    return tuple(made)


def _may_be_arms(names: Sequence[str]) -> bool:
    if any(_NO_ARMS.search(name) and not is_generic(name) and not COMPARATOR.search(name) for name in names):
        return False
    if any(re.search(r"\bhealthy\b", name, re.IGNORECASE) for name in names):
        return False
    return not any(_PATIENTS.search(name) for name in names)
