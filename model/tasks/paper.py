"""What the tasks about one report share: its text, and how it stands in a prompt."""

from collections import Counter
from collections.abc import Iterable, Sequence

from model.engine import boundary
from tools.schemas import Frozen, Passage

__all__ = ["NUMBER", "PaperInput", "mismatch", "paper_variables"]

NUMBER = r"^[-+]?([0-9]{1,15}(\.[0-9]{1,10})?|\.[0-9]{1,10})$"
"""How numbers are written in answers: plain digits and a point, so that `-0.4` and `007` stay what they are.
Not `\\d`, which here would take the digits of every script."""


class PaperInput(Frozen):
    """A report in reading order."""

    report_id: str
    title: str
    passages: tuple[Passage, ...]


def paper_variables(asked: PaperInput) -> dict[str, str]:
    """`boundary`, `title` and `text` of a prompt about one report."""
    text = "\n".join(p.text if p.kind != "caption" else f"[{p.section}] {p.text}" for p in asked.passages)
    return {
        "boundary": boundary(f"{asked.title}\n{text}"),  # both stand inside
        "title": asked.title,
        "text": text,
    }


def mismatch(what: str, wanted: Iterable[str], given: Sequence[str]) -> str | None:
    """What is wrong with the ids of an answer's items; None when each stands there exactly once."""
    asked, told = Counter(wanted), Counter(given)
    if asked == told:
        return None
    return f"{what} missing {sorted(asked - told)}, unknown or doubled {sorted(told - asked)}"
