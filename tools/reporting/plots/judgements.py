"""How a risk-of-bias judgement looks: a colour class and a symbol, so that no plot rests on colours. Pure."""

from typing import Literal

from pydantic import Field

from tools.reporting.plots.drawing import Disc, Picture
from tools.schemas import Frozen

__all__ = ["COLOURS", "ROB2", "ColourClass", "Judgement", "draw_judgement", "ink_on", "look_up"]

ColourClass = Literal["low", "some", "high", "critical", "no_information"]

COLOURS: dict[ColourClass, str] = {
    "low": "#2e9e4f",
    "some": "#f2c230",
    "high": "#c8352e",
    "critical": "#6b1f4f",
    "no_information": "#b9c0c8",
}


class Judgement(Frozen):
    """One value that a domain can have. Tools name them differently; the colour class says what they share."""

    id: str = Field(min_length=1)
    words: str
    colour: ColourClass
    symbol: str = Field(min_length=1, max_length=1)


ROB2: tuple[Judgement, ...] = (
    Judgement(id="low", words="Low risk", colour="low", symbol="+"),
    Judgement(id="some", words="Some concerns", colour="some", symbol="!"),
    Judgement(id="high", words="High risk", colour="high", symbol="–"),
    Judgement(id="no_information", words="No information", colour="no_information", symbol="?"),
)
"""Of RoB 2 (Sterne 2019, doi:10.1136/bmj.l4898), with the symbols of Cochrane reviews."""


def look_up(judgement_id: str, known: tuple[Judgement, ...]) -> Judgement:
    """The judgement of that id.

    Raises:
        ValueError: it is none of the known ones; naming them is the caller's to mend.
    """
    for judgement in known:
        if judgement.id == judgement_id:
            return judgement
    allowed = ", ".join(j.id for j in known)
    raise ValueError(
        f"unknown judgement {judgement_id!r}: use one of {allowed}, or pass your own `judgements`"
    )


def ink_on(colour: ColourClass) -> str:
    """Colour of a symbol that can be read on the fill."""
    return "#111111" if colour in ("some", "no_information") else "#ffffff"


def draw_judgement(picture: Picture, x: float, y: float, judgement: Judgement, radius: float = 5.5) -> None:
    """A disc with its symbol, centred on the place."""
    picture.add(Disc(x, y, radius, COLOURS[judgement.colour], "#333333"))
    size = radius * 1.65
    picture.text(
        x,
        y + size * 0.36,
        judgement.symbol,
        size=size,
        bold=True,
        anchor="middle",
        colour=ink_on(judgement.colour),
    )
