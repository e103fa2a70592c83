"""Cells for the tests of the evidence core; papers, people and numbers are invented."""

from tools.evidence_settings import OutcomeSpec
from tools.fulltext.quotes import locate
from tools.schemas import Cell, FullText, Passage

SLEPT = OutcomeSpec(id="slept", title="Slept through", kind="dichotomous", better="higher")
WORRY = OutcomeSpec(id="worry", title="Worry", kind="continuous", unit="points", better="lower")
RELAPSE = OutcomeSpec(id="relapse", title="Relapse", kind="time_to_event", better="lower")

METHODS = "We assigned people to snail syrup (n = 40) or to tap water (n = 41)."
RESULTS = "Sleeping through were 30 of 40 with snail syrup and 21 of 41 with tap water."


def paper(*sections: tuple[str, str], report_id: str = "r1") -> FullText:
    """A report of these sections, title and text."""
    given = sections or (("Methods", METHODS), ("Results", RESULTS))
    canonical, passages = "", []
    for title, text in given:
        passages.append(Passage(section=title, kind="paragraph", text=text, start=len(canonical)))
        canonical += text + "\n\n"
    return FullText(report_id=report_id, source="invented.txt", canonical=canonical, passages=tuple(passages))


def cell(field_id: str, value: str | None = None, **told: object) -> Cell:
    """A cell of report r1; without a value it is not found."""
    status = "not_found" if value is None else "ungrounded"
    given = {
        "report_id": "r1",
        "status": status,
        "reader": "machine:rules",
        "field_id": field_id,
        "value": value,
    }
    return Cell.model_validate({**given, **told})


def events(value: str | None = None, arm: str = "Syrup", **told: object) -> Cell:
    """How many slept through in an arm."""
    return cell("events", value, **{"outcome": "slept", "arm": arm, **told})


def by(person: str, one: Cell, **changed: object) -> Cell:
    """The same cell as a person read it."""
    return one.model_copy(update={"reader": f"person:{person}", **changed})


def quoted(one: Cell, quote: str, text: FullText | None = None) -> Cell:
    """The cell with its quote found in the text."""
    found = locate(quote, (text or paper()).canonical)
    assert found is not None
    return one.model_copy(update={"quote": found, "status": "grounded"})
