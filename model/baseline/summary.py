"""Task `summary` by rules: one plain sentence per pooled result and per cell, with their own words and numbers.

Nothing is compared, counted or concluded, so that nothing can be said that the cells do not hold.
"""

from model.tasks.summary import SummaryAnswer, SummaryCell, SummaryInput, SummarySentence

__all__ = ["sentences_of_cells"]

MOST = 40
"""Sentences that an answer may have; cells beyond them stay in the table."""


def sentences_of_cells(asked: SummaryInput) -> SummaryAnswer:
    """Results first, then the cells of the table, in their order; cells without a value are passed over."""
    told = [cell for cell in asked.every if cell.label.strip() and cell.value.strip()]
    sentences = tuple(map(_sentence, told[:MOST]))
    return SummaryAnswer(status="summarised" if sentences else "nothing_to_say", sentences=sentences)


def _sentence(cell: SummaryCell) -> SummarySentence:
    label, value = cell.label.strip(), cell.value.strip().rstrip(".")
    return SummarySentence(cites=(cell.id,), text=f"{label[0].upper()}{label[1:]}: {value}.")
