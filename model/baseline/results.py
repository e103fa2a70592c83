"""Task `results` by rules: the value of one arm in one outcome, from a table's cell or from a sentence.

Tables go first: their headings say whose a number is. In sentences only values that stand in a pair with the
other arm's count, or right beside the arm's name. Nothing is computed, and where two numbers could be meant, none
is taken. `results_of` is a plain function: it also serves to check what a language model read.
"""

import re
from collections.abc import Sequence

from model.baseline.paper import Sentence, sentences_of
from model.baseline.reading import MAX_QUOTE
from model.baseline.results_arms import Arms, arms_in
from model.baseline.results_shorts import shorts_of
from model.baseline.results_sizes import fitting, sizes_of, sizes_said
from model.baseline.results_tables import Cell, cells_of
from model.baseline.results_told import Said, beside_of, said_of
from model.baseline.results_wanted import wanted_of
from model.tasks.results import ResultsAnswer, ResultsInput, ResultValue
from tools.extraction.numbers import Reading
from tools.fulltext.tables import PaperTable, tables_in
from tools.schemas import Passage

__all__ = ["results_of"]


def results_of(asked: ResultsInput) -> ResultsAnswer:
    """The result of one arm; `not_found` where rules cannot tell."""
    paper = [s for s in sentences_of(asked) if s.prose]
    texts = [s.text for s in paper]
    tables = tables_in(asked.passages)
    captions = [p.text for p in asked.passages if p.kind == "caption"]
    heads = [piece for table in tables for row in table.rows[:1] for path in row.columns for piece in path]
    names = [f"{group.title}. {group.description}" for group in (asked.group, *asked.others)]
    explained = [asked.outcome.title, *names, *texts, *captions, *_sections(tables)]
    shorts = shorts_of(explained, tables, asked.passages)
    wanted = wanted_of(asked, shorts, texts)
    arms = arms_in(asked, texts, [*captions, *heads], shorts)
    known = _size_known(tables, paper, arms)
    cells, choice = cells_of(tables, wanted, arms)
    if cells and all(c.end - c.start <= MAX_QUOTE for c in cells):
        return _from_table(cells, known, asked.passages)
    said = said_of(paper, wanted, arms, MAX_QUOTE) or beside_of(paper, wanted, arms, MAX_QUOTE)
    if said is None or (choice and said.reading.value not in choice):
        return ResultsAnswer(status="not_found")
    return _from_text(said, known)


def _sections(tables: Sequence[PaperTable]) -> list[str]:
    return sorted({row.section for table in tables for row in table.rows if "(" in row.section})


def _size_known(tables: Sequence[PaperTable], paper: Sequence[Sentence], arms: Arms) -> int | None:
    """The arm's size where all that the report tells of it agrees."""
    found = sizes_of(tables, arms) or sizes_said(paper, arms)
    return next(iter(found)) if len(found) == 1 else None


# Answers -----------------------------------------------------------------------------------------


def _from_table(cells: Sequence[Cell], known: int | None, passages: Sequence[Passage]) -> ResultsAnswer:
    first = cells[0].reading
    sizes = {c.size if c.sized else fitting(c.reading, known) for c in cells}
    size = sizes.pop() if len(sizes) == 1 else None
    several = len(cells) > 1
    values = [_value(c.reading, _printed(c, passages), c.title[:200] if several else "") for c in cells]
    return _answer(first, size, cells[0].label, values)


def _from_text(said: Said, known: int | None) -> ResultsAnswer:
    size = said.size if said.size is not None else fitting(said.reading, known)
    return _answer(said.reading, size, "", [_value(said.reading, said.sentence, "")])


def _printed(cell: Cell, passages: Sequence[Passage]) -> str:
    """The cell's line as the passage has it, or what of it reaches to the cell where the whole is too long."""
    for passage in passages:
        if passage.start <= cell.start and cell.line_end <= passage.start + len(passage.text):
            end = cell.line_end if cell.line_end - cell.start <= MAX_QUOTE else cell.end
            return passage.text[cell.start - passage.start : end - passage.start]
    raise AssertionError("a cell stands in one of the passages it was read from")


def _value(reading: Reading, quote: str, title: str) -> ResultValue:
    return ResultValue(
        quote=quote,
        title=title,
        value=reading.value,
        spread=reading.spread,
        lower=reading.lower,
        upper=reading.upper,
    )


_PARAM = {"count": "COUNT_OF_PARTICIPANTS", "mean": "MEAN", "median": "MEDIAN"}
_SPREAD = {"sd": "Standard Deviation", "se": "Standard Error"}
_LIMITS = {"ci": "95% Confidence Interval", "iqr": "Inter-Quartile Range", "range": "Full Range"}
"""ClinicalTrials.gov's words."""


def _answer(first: Reading, size: int | None, label: str, values: Sequence[ResultValue]) -> ResultsAnswer:
    return ResultsAnswer(
        status="found",
        param_type=_PARAM.get(first.kind, "NUMBER"),
        dispersion_type=_SPREAD.get(first.spread_kind or "", "") or _LIMITS.get(first.limits_kind or "", ""),
        unit=_unit(first.kind, label),
        denominator_unit="Participants" if size is not None else "",
        denominator=size,
        values=tuple(values),
    )


_UNIT = re.compile(r"[(\[,]\s?((?:[µμ]?[A-Za-z°%]+)(?:[/·][A-Za-z0-9²]+){0,3})\s?[)\]]?\s*(?:\||$)")


def _unit(kind: str, label: str) -> str:
    if kind in ("count", "percent"):
        return "Participants" if kind == "count" else "percent"
    hit = _UNIT.search(label)
    named = hit[1] if hit is not None else ""
    return "" if re.fullmatch(r"(?i)n|sd|se|sem|iqr|ci|mean|median|range|%", named) else named
