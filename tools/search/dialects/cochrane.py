"""Writing a strategy for the Cochrane Library's search manager (CENTRAL and reviews). Pure.

It has MeSH itself. Source: Cochrane Library, https://www.cochranelibrary.com/search-manager-help.
"""

from tools.search.dialects.base import Translated
from tools.search.dialects.subheadings import CODES
from tools.search.dialects.writing import Language, Sheet, Style, translate
from tools.search.query import Dates, Query, Term

__all__ = ["write"]


def _heading(term: Term, sheet: Sheet) -> str:
    if term.truncated:
        sheet.note("truncated headings are searched as words of headings, :kw (wider)")
        return f"{STYLE.written(term, sheet)}:kw"
    code = CODES.get(term.subheading.lower()) or (sheet.blank(term.subheading) if term.subheading else "")
    major = "[mj]" if term.field == "majr" else ""
    return f'[mh {"" if term.exploded else "^"}"{term.heading}"{"/" + code.upper() if code else ""}{major}]'


def _subheading(term: Term, sheet: Sheet) -> str:
    code = CODES.get(term.text.lower()) or (term.text if len(term.text) == 2 else sheet.blank(term.text))
    return f"[mh /{code.upper() if len(code) == 2 else code}]"


def _dates(dates: Dates, sheet: Sheet) -> None:
    sheet.note("dates are no part of a strategy there: set them under the limits of the search manager")


STYLE = Style(near=lambda n: f"NEAR/{n + 1}", ending="NEXT", wildcards="?")

LANGUAGE = Language(
    name="the Cochrane Library",
    style=STYLE,
    fields={
        "": "{}:ti,ab,kw",
        "1au": "{}:au",
        "ab": "{}:ab",
        "aid": "{}:doi",
        "all": "{}",
        "au": "{}:au",
        "fau": "{}:au",
        "la": "{}:la",
        "lastau": "{}:au",
        "nm": "{}:ti,ab,kw",
        "ot": "{}:kw",
        "pt": "{}:pt",
        "ta": "{}:so",
        "ti": "{}:ti",
        "tiab": "{}:ti,ab,kw",
        "tw": "{}:ti,ab,kw",
        "uid": "{}:an",
    },
    headings={"mh": _heading, "majr": _heading, "sh": _subheading},
    dates=_dates,
    differences={
        "1au": "any author there (wider)",
        "lastau": "any author there (wider)",
        "nm": "names of substances are searched as words",
        "ot": ":kw also has index terms there (wider)",
        "pt": "CENTRAL has few publication types: leave out a filter for trials there",
        "tiab": ":kw also has index terms there (wider)",
        "uid": "CENTRAL keeps PubMed's number as an accession number: check",
    },
)


def write(query: Query) -> Translated:
    """The strategy as one line of the search manager."""
    return translate(query, LANGUAGE)
