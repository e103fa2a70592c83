"""PubMed's own language among the others, which are read and written by the same two functions. Pure."""

from tools.search.dialects.base import Translated
from tools.search.dialects.reading import Imported, Line
from tools.search.query import Query, render
from tools.search.query import read as read_pubmed

__all__ = ["read", "write"]


def read(text: str) -> Imported:
    """Read a strategy in PubMed syntax; it needs no translation, so a mistake in it is an error.

    Raises:
        QuerySyntaxError: with the place and the remedy.
    """
    parsed = read_pubmed(text)
    return Imported(parsed.query, (Line(1, text, parsed.query),), parsed.notes)


def write(query: Query) -> Translated:
    """The strategy in PubMed syntax, with all parentheses."""
    return Translated(text=render(query))
