"""Writing a strategy for CINAHL on EBSCOhost. Pure.

CINAHL Headings are not MeSH: headings are blanks. Source: EBSCO, https://help.ebsco.com/, and
https://connect.ebsco.com/, "Searching with Field Codes" and "Using Proximity Searches".
"""

from tools.search.dialects.base import Translated
from tools.search.dialects.writing import Language, Sheet, Style, translate
from tools.search.query import Dates, Query, Term

__all__ = ["write"]


def _heading(term: Term, sheet: Sheet) -> str:
    code = "MM" if term.field == "majr" else "MH"
    sheet.note("MeSH is not CINAHL Headings: look up each blank")
    return f'({code} "{sheet.blank(term.text + "*" * term.truncated)}{"+" * term.exploded}")'


def _subheading(term: Term, sheet: Sheet) -> str:
    return f'(MW "{sheet.blank(term.text)}")'


def _type(term: Term, sheet: Sheet) -> str:
    sheet.note("publication types there are not MEDLINE's: look up each blank")
    return f'PT "{sheet.blank(term.text)}"'


def _dates(dates: Dates, sheet: Sheet) -> str | None:
    if dates.field != "dp":
        return None
    start, end = (day.split("/") for day in (dates.start, dates.end))
    first = start[0] + "".join(part.zfill(2) for part in start[1:]) + "0101"[2 * len(start) - 2 :]
    last = end[0] + "".join(part.zfill(2) for part in end[1:]) + "1231"[2 * len(end) - 2 :]
    return f"DT {first}-{last}"


LANGUAGE = Language(
    name="CINAHL",
    style=Style(near=lambda n: f"N{n}", wildcards="?#"),
    fields={
        "": "{}",
        "1au": "AU {}",
        "ab": "AB {}",
        "ad": "AF {}",
        "all": "TX {}",
        "au": "AU {}",
        "fau": "AU {}",
        "la": "LA {}",
        "lastau": "AU {}",
        "nm": "(TI {} OR AB {})",
        "ta": "SO {}",
        "ti": "TI {}",
        "tiab": "(TI {} OR AB {})",
        "tw": "(TI {} OR AB {} OR MW {})",
    },
    headings={"mh": _heading, "majr": _heading, "sh": _subheading, "pt": _type, "pa": _heading},
    dates=_dates,
    differences={
        "": "EBSCO's default fields are searched",
        "1au": "any author there (wider)",
        "all": "TX searches full texts too (much wider)",
        "lastau": "any author there (wider)",
        "nm": "names of substances are searched as words in title and abstract",
        "ta": "the journal's full name is wanted there",
        "tiab": "authors' keywords are not searched there (narrower)",
        "tw": "words of CINAHL Headings are searched in the place of those of MeSH",
    },
)


def write(query: Query) -> Translated:
    """The strategy as one expression."""
    return translate(query, LANGUAGE)
