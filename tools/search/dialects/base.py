"""What a translation of a strategy is: a text, and everything about it that a person has to know. Pure."""

from collections.abc import Callable
from typing import TypeAlias

from pydantic import Field

from tools.schemas import Frozen
from tools.search.query import Query

__all__ = ["BLANK", "Dialect", "Translated"]

BLANK = "<<{}>>"
"""How a heading stands in a translation for whose thesaurus a person must look it up."""


class Translated(Frozen):
    """A strategy in another database's language. What could not be carried over is listed, never dropped
    without a word."""

    text: str
    notes: tuple[str, ...] = Field(default=(), description="What is searched differently there, and how.")
    blanks: tuple[str, ...] = Field(
        default=(), description="Headings that a person must supply, see `BLANK`."
    )
    dropped: tuple[str, ...] = Field(
        default=(), description="Clauses, in PubMed syntax, that have no form there."
    )


Dialect: TypeAlias = Callable[[Query], Translated]
"""Writes a strategy in one database's language."""
