"""Writing a strategy for Scopus' advanced search. Pure.

Scopus has index terms of several thesauri and does not explode: headings are blanks.
Source: Elsevier, Scopus Search Guide, https://schema.elsevier.com/dtds/document/bkapi/search/SCOPUSSearchTips.htm.
"""

from tools.search.dialects.base import Translated
from tools.search.dialects.writing import Language, Sheet, Style, translate, year_range
from tools.search.query import Dates, Query, Term

__all__ = ["write"]


def _heading(term: Term, sheet: Sheet) -> str:
    sheet.note("Scopus does not explode index terms: write the narrower ones or text words for each blank")
    return f'INDEXTERMS("{sheet.blank(term.text + "*" * term.truncated)}")'


def _type(term: Term, sheet: Sheet) -> str:
    sheet.note("publication types of MEDLINE are index terms there, where they are found at all")
    return f'INDEXTERMS("{sheet.blank(term.text)}")'


def _dates(dates: Dates, sheet: Sheet) -> str | None:
    if dates.field != "dp":
        return None
    start, end = year_range(dates, sheet)
    if end is None:
        return f"PUBYEAR > {start - 1}"
    return f"PUBYEAR = {start}" if start == end else f"(PUBYEAR > {start - 1} AND PUBYEAR < {end + 1})"


LANGUAGE = Language(
    name="Scopus",
    style=Style(near=lambda n: f"W/{n}", ending="PRE/0", wildcards="?"),
    fields={
        "": "TITLE-ABS-KEY({})",
        "1au": "FIRSTAUTH({})",
        "ab": "ABS({})",
        "ad": "AFFIL({})",
        "aid": "DOI({})",
        "all": "ALL({})",
        "au": "AUTH({})",
        "fau": "AUTH({})",
        "gr": "FUND-NO({})",
        "ip": "ISSUE({})",
        "la": "LANGUAGE({})",
        "lastau": "AUTH({})",
        "nm": "TITLE-ABS-KEY({})",
        "ot": "AUTHKEY({})",
        "rn": "CASREGNUMBER({})",
        "ta": "SRCTITLE({})",
        "ti": "TITLE({})",
        "tiab": "TITLE-ABS-KEY({})",
        "tw": "TITLE-ABS-KEY({})",
        "uid": "PMID({})",
        "vi": "VOLUME({})",
    },
    headings={"mh": _heading, "majr": _heading, "sh": _heading, "pt": _type, "pa": _heading},
    dates=_dates,
    differences={
        "all": "ALL searches the references too (much wider)",
        "lastau": "any author there (wider)",
        "nm": "names of substances are searched as words",
        "ta": "the journal's full name is wanted there",
        "tiab": "KEY adds index terms (wider)",
    },
    negation="AND NOT",
)


def write(query: Query) -> Translated:
    """The strategy as one expression of the advanced search."""
    return translate(query, LANGUAGE)
