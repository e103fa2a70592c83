"""The language of Ovid MEDLINE: `read` and `write` a strategy. Pure.

Source: Ovid, MEDLINE Database Guide, https://ospguides.ovid.com/OSPguides/medline.htm.
"""

import re

from tools.search.dialects.base import Translated
from tools.search.dialects.ovid_reading import read
from tools.search.dialects.subheadings import CODES
from tools.search.dialects.writing import Language, Sheet, Style, joined, possible, translated, year_range
from tools.search.query import And, Dates, Query, Term

__all__ = ["read", "write"]

_LONGEST = 60
"""Years that are written one by one."""

_DATE_CODES = {"dp": "yr", "crdt": "dt", "edat": "ez", "lr": "rd"}


def _heading(term: Term, sheet: Sheet) -> str | None:
    if term.truncated:
        sheet.note("truncated headings are searched as words of headings, .hw. (wider)")
        return f'"{term.text}*".hw.'
    name, subheading = term.heading, term.subheading
    plain = re.fullmatch(r"[A-Za-z][\w', -]*", name) and not re.search(
        r"\b(and|or|not|adj\d*)\b", name.lower()
    )
    shown = name if plain else f'"{name}"'
    code = CODES.get(subheading.lower()) or (sheet.blank(subheading) if subheading else "")
    return f"{'exp ' * term.exploded}{'*' * (term.field == 'majr')}{shown}/{code}"


def _subheading(term: Term, sheet: Sheet) -> str:
    code = CODES.get(term.text.lower()) or (term.text if len(term.text) == 2 else sheet.blank(term.text))
    return f"{code}.fs."


def _dates(dates: Dates, sheet: Sheet) -> str | None:
    """Years one by one; whole ranges are a limit, see `write`."""
    if dates.field != "dp":
        return None
    start, end = year_range(dates, sheet)
    if end is None or end - start > _LONGEST:
        return None
    years = [f"{year}.yr." for year in range(start, end + 1)]
    return joined(years, "or") if len(years) > 1 else years[0]


LANGUAGE = Language(
    name="Ovid MEDLINE",
    style=Style(near=lambda n: f"adj{n + 1}", wildcards="?#$"),
    fields={
        "": "{}.mp.",
        "1au": "{}.au.",
        "ab": "{}.ab.",
        "ad": "{}.in.",
        "aid": "{}.do.",
        "all": "{}.af.",
        "au": "{}.au.",
        "cn": "{}.ca.",
        "fau": "{}.fa.",
        "gr": "{}.no.",
        "ip": "{}.ip.",
        "la": "{}.la.",
        "lastau": "{}.au.",
        "nm": "{}.nm.",
        "ot": "{}.kf.",
        "pg": "{}.pg.",
        "pl": "{}.cp.",
        "pt": "{}.pt.",
        "rn": "{}.rn.",
        "si": "{}.si.",
        "ta": "{}.jn.",
        "ti": "{}.ti.",
        "tiab": "{}.ti,ab,kf.",
        "tt": "{}.ot.",
        "tw": "{}.mp.",
        "uid": "{}.ui.",
        "vi": "{}.vo.",
    },
    headings={"mh": _heading, "majr": _heading, "sh": _subheading},
    dates=_dates,
    differences={
        "1au": "any author there (wider)",
        "lastau": "any author there (wider)",
        "pt": "publication types are not exploded there",
        "ta": "the journal's full name is wanted there",
        "tw": ".mp. is its nearest form",
    },
    negation="not",
    conjunction="and",
    disjunction="or",
)


def write(query: Query) -> Translated:
    """The strategy on one line; dates that limit all of it follow as `limit` lines."""
    sheet = Sheet()
    parts = query.parts if isinstance(query, And) else (query,)
    limits = [part for part in parts if isinstance(part, Dates) and part.field in _DATE_CODES]
    rest = [part for part in parts if part not in limits]
    if not rest:
        kept, dropped = possible(query, LANGUAGE, sheet)
        return translated(LANGUAGE.write(kept, sheet) if kept else "", LANGUAGE, sheet, dropped)
    kept, dropped = possible(And(tuple(rest)) if len(rest) > 1 else rest[0], LANGUAGE, sheet)
    if kept is None:
        return translated("", LANGUAGE, sheet, (*dropped, *limits))
    lines = [LANGUAGE.write(kept, sheet)]
    for dates in limits:
        lines.append(f"limit {len(lines)} to {_limit(dates, sheet)}")
    numbered = [f"{number}. {line}" for number, line in enumerate(lines, start=1)]
    return translated("\n".join(numbered if limits else lines), LANGUAGE, sheet, dropped)


def _limit(dates: Dates, sheet: Sheet) -> str:
    code = _DATE_CODES[dates.field]
    if code == "yr":
        start, end = year_range(dates, sheet)
        return f'yr="{start} -{end or "Current"}"'
    return f"{code}={_day(dates.start, '0101')}-{_day(dates.end, '1231')}"


def _day(day: str, rest: str) -> str:
    """YYYYMMDD; what is missing is the first or the last day."""
    digits = "".join(part.zfill(2) for part in day.split("/"))
    return digits + rest[len(digits) - 4 :]
