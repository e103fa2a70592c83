"""Writing a strategy for the Web of Science Core Collection's advanced search. Pure.

It has no thesaurus: headings are blanks. Source: Clarivate, https://webofscience.help.clarivate.com/.
"""

from tools.search.dialects.base import Translated
from tools.search.dialects.writing import Language, Sheet, Style, translate, year_range
from tools.search.query import Dates, Query, Term

__all__ = ["write"]


def _heading(term: Term, sheet: Sheet) -> str:
    sheet.note("the Core Collection has no headings: write text words for each blank")
    return f'TS=("{sheet.blank(term.text + "*" * term.truncated)}")'


def _type(term: Term, sheet: Sheet) -> str:
    sheet.note("document types are not MEDLINE's publication types: write DT= or text words for each blank")
    return f'TS=("{sheet.blank(term.text)}")'


def _dates(dates: Dates, sheet: Sheet) -> str | None:
    if dates.field != "dp":
        return None
    start, end = year_range(dates, sheet)
    if end is None:
        sheet.note("PY wants a last year: 3000 stands for none")
    return f"PY=({start}-{end or 3000})"


LANGUAGE = Language(
    name="the Web of Science Core Collection",
    style=Style(near=lambda n: f"NEAR/{n}", wildcards="?$"),
    fields={
        "": "TS=({})",
        "1au": "AU=({})",
        "ab": "AB=({})",
        "ad": "AD=({})",
        "aid": "DO=({})",
        "all": "ALL=({})",
        "au": "AU=({})",
        "cn": "GP=({})",
        "fau": "AU=({})",
        "gr": "FG=({})",
        "la": "LA=({})",
        "lastau": "AU=({})",
        "nm": "TS=({})",
        "ot": "AK=({})",
        "ta": "SO=({})",
        "ti": "TI=({})",
        "tiab": "TS=({})",
        "tw": "TS=({})",
        "uid": "PMID=({})",
    },
    headings={"mh": _heading, "majr": _heading, "sh": _heading, "pt": _type, "pa": _heading},
    dates=_dates,
    differences={
        "1au": "any author there (wider)",
        "lastau": "any author there (wider)",
        "nm": "names of substances are searched as words",
        "ta": "the journal's full name is wanted there",
        "tiab": "TS adds Keywords Plus (wider)",
        "tw": "TS has no headings (narrower)",
    },
)


def write(query: Query) -> Translated:
    """The strategy as one expression of the advanced search."""
    return translate(query, LANGUAGE)
