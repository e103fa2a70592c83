"""Task `rationale` by rules: the sentence that bears a verdict out, where the rules come to the same verdict."""

from model.baseline.screen import RATIONALE, Encode, Screener
from model.tasks.rationale import RationaleAnswer, RationaleInput
from model.tasks.screen import Judgement, ScreenInput

__all__ = ["reasons_of"]


def reasons_of(asked: RationaleInput, screener: Screener, encode: Encode) -> RationaleAnswer:
    """The evidence for one verdict; unsupported where the rules see another one, or none.

    The text is judged as the screener judges it, by this criterion alone.
    """
    alone = ScreenInput(record_id=asked.record_id, criteria=(asked.criterion,), text=asked.text)
    (own,) = screener.judge(alone, encode).verdicts
    if own.label == asked.label and (own.quote or own.label == "UNCERTAIN"):
        return RationaleAnswer(quote=own.quote, supported=True, rationale=own.rationale)
    return RationaleAnswer(supported=False, rationale=_disagreeing(asked, own))


def _disagreeing(asked: RationaleInput, own: Judgement) -> str:
    if own.label == "UNCERTAIN":
        return f"{RATIONALE}nothing they find speaks for {asked.label}. That proves nothing against it."
    seen = own.rationale.removeprefix(RATIONALE)
    return f"{RATIONALE}they see {own.label} and not {asked.label}: {seen}"[:600]
