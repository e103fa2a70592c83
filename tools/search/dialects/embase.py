"""The language of Embase.com: `read` and `write` a strategy. Pure.

Emtree is not MeSH: headings are blanks. Source: Embase.com help, https://www.embase.com/info/helpfiles/.
"""

from datetime import date, timedelta

from tools.search.dialects.base import Translated
from tools.search.dialects.embase_reading import read
from tools.search.dialects.writing import Language, Sheet, Style, translate, year_range
from tools.search.query import Dates, Query, Term

__all__ = ["read", "write"]


def _heading(term: Term, sheet: Sheet) -> str:
    way = "exp" if term.exploded else "de"
    focus = "/mj" if term.field == "majr" else ""
    sheet.note("MeSH is not Emtree: look up each blank, and prefer Emtree's preferred term")
    return f"{STYLE.quoted(sheet.blank(term.text + '*' * term.truncated))}/{way}{focus}"


def _subheading(term: Term, sheet: Sheet) -> str:
    return f"{STYLE.quoted(sheet.blank(term.text))}:lnk"


def _type(term: Term, sheet: Sheet) -> str:
    sheet.note("most publication types of MEDLINE are headings in Emtree: look up each blank")
    return f"{STYLE.quoted(sheet.blank(term.text))}/exp"


def _dates(dates: Dates, sheet: Sheet) -> str | None:
    if dates.field == "dp":
        start, end = year_range(dates, sheet)
        return f"[{start}-{end or 3000}]/py"
    if dates.field not in {"crdt", "edat"}:
        return None
    sheet.note(f"[{dates.field}]: the day the record entered Embase, /sd, is its nearest form")
    since = f"[{_shown(_first(dates.start))}]/sd"
    if dates.end.startswith("3000"):
        return since
    return f"({since} NOT [{_shown(_after(dates.end))}]/sd)"


def _shown(day: date) -> str:
    return f"{day.day}-{day.month}-{day.year}"


def _first(text: str) -> date:
    year, month, day = ([int(part) for part in text.split("/")] + [1, 1])[:3]
    return _real(year, month, day)


def _after(text: str) -> date:
    """The day after this day, or after the last day of this month or year."""
    parts = [int(part) for part in text.split("/")]
    if len(parts) == 1:
        return date(parts[0] + 1, 1, 1)
    if len(parts) == 2:
        return date(parts[0] + parts[1] // 12, parts[1] % 12 + 1, 1)
    return _real(*parts) + timedelta(days=1)


def _real(year: int, month: int, day: int) -> date:
    """The day, or the last before it that the calendar has: strategies do say 31 June."""
    month = min(max(month, 1), 12)
    for possible in range(min(max(day, 1), 31), 0, -1):
        try:
            return date(year, month, possible)
        except ValueError:
            continue
    raise ValueError(f"not a year: {year}")


STYLE = Style(near=lambda n: f"NEAR/{n + 1}", quotes=("'", "'"), wildcards="?$")

LANGUAGE = Language(
    name="Embase.com",
    style=STYLE,
    fields={
        "": "{}",
        "1au": "{}:au",
        "ab": "{}:ab",
        "ad": "{}:ad",
        "aid": "{}:do",
        "all": "{}",
        "au": "{}:au",
        "fau": "{}:au",
        "ip": "{}:ip",
        "la": "{}:la",
        "lastau": "{}:au",
        "nm": "{}:ti,ab,kw,de,tn",
        "ot": "{}:kw",
        "rn": "{}:rn",
        "si": "{}:cn",
        "ta": "{}:jt",
        "ti": "{}:ti",
        "tiab": "{}:ti,ab,kw",
        "tt": "{}:tt",
        "tw": "{}:ti,ab,kw,de",
        "vi": "{}:vi",
    },
    headings={"mh": _heading, "majr": _heading, "sh": _subheading, "pt": _type, "pa": _heading},
    dates=_dates,
    differences={
        "": "all fields are searched there",
        "1au": "any author there (wider)",
        "lastau": "any author there (wider)",
        "nm": "names of substances are searched as words, index terms and trade names",
        "ta": "the journal's full name is wanted there",
        "tw": "words of Emtree are searched in the place of those of MeSH",
    },
)


def write(query: Query) -> Translated:
    """The strategy as one expression."""
    return translate(query, LANGUAGE)
