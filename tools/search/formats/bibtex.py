"""BibTeX, as Zotero, Mendeley, JabRef, Scopus and ACM write it. Pure.

Of bibtexparser 1.4 we use the table of LaTeX names and the rules for the parts of a name. Its parser is not
sound here: it turns an entry with a missing brace into a comment without a word, keeps one of two fields of
the same name, and forgets their order.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from sys import intern
from typing import Any, NamedTuple

from tools.search.citation_text import (
    Entry,
    Problem,
    address_of,
    doi_among,
    finish,
    issn_of,
    one_line,
    outside,
    page_range,
    paragraphs,
    pmcid_among,
    pmid_among,
    safe,
    year_of,
)

__all__ = ["holds", "read", "unlatexed"]

_START = re.compile(r"\s*@\s*([A-Za-z]+)\s*([{(])")
_NAME = re.compile(r"[\s,]*([^\s=,{}\"#%()]+)\s*=\s*")
_SIGNS = re.compile(r"\\.|[{})]", re.DOTALL)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def holds(line: str) -> bool:
    """Whether an entry begins with this line."""
    return _START.match(line) is not None


class _Value(NamedTuple):
    text: str
    end: int
    whole: bool


def read(lines: Iterable[str], source: str, problems: list[Problem]) -> Iterator[Entry]:
    """Entries from one `@type{` to the next; a missing brace costs the entry its last field, not its neighbours."""
    macros = {month: month for month in _MONTHS}
    for began, block in _blocks(lines, problems):
        place, at, counted = 0, began, 0
        while found := _START.match(block, place):
            kind = found.group(1).lower()
            at, counted = at + block.count("\n", counted, found.start(1)), found.start(1)
            end = _closing(block, found.end())
            place = len(block) if end is None else end + 1
            inside = block[found.end() : end]
            if end is None and kind != "comment":
                what = "an entry is not closed by its brace; what could be read of it was read"
                problems.append(Problem(place=f"line {at}", what=what))
            if kind == "string":
                macros |= {n.lower(): v for n, v in _fields(inside, macros, at, problems)}
            elif kind not in ("comment", "preamble"):
                yield _entry(kind, inside, macros, at, source, problems)
        stray = re.compile(r"\s*(\S.*)").match(block, place)
        if stray and not stray.group(1).startswith("%"):
            problems.append(outside(at + block.count("\n", counted, stray.start(1)), stray.group(1)))


def _blocks(lines: Iterable[str], problems: list[Problem]) -> Iterator[tuple[int, str]]:
    block: list[str] = []
    began = 0
    for number, line in enumerate(lines, 1):
        if holds(line):
            if block:
                yield began, "\n".join(block)
            block, began = [line], number
        elif block:
            block.append(line)
        elif line.strip() and not line.lstrip().startswith("%"):
            problems.append(outside(number, line))
    if block:
        yield began, "\n".join(block)


def _closing(text: str, start: int) -> int | None:
    """Place of the brace or parenthesis that closes an entry whose content begins at `start`."""
    depth = 0
    closer = ")" if text[start - 1] == "(" else "}"
    for found in _SIGNS.finditer(text, start):
        sign = found.group()
        if depth == 0 and sign == closer:
            return found.start()
        depth += {"{": 1, "}": -1}.get(sign, 0)
    return None


def _fields(
    inside: str, macros: Mapping[str, str], at: int, problems: list[Problem]
) -> Iterator[tuple[str, str]]:
    place = 0
    while found := _NAME.match(inside, place):
        value = _value(inside, found.end(), macros)
        if not value.whole:
            where = at + inside.count("\n", 0, found.end())
            what = f"the value of {found.group(1)} is not closed; read to the end of the entry"
            problems.append(Problem(place=f"line {where}", what=what))
        yield intern(found.group(1)), value.text
        place = value.end
    if left := inside[place:].strip(" \t\n,"):
        where = at + inside.count("\n", 0, place)
        problems.append(Problem(place=f"line {where}", what=f"no field, not read: {left[:60]!r}"))


def _value(text: str, start: int, macros: Mapping[str, str]) -> _Value:
    """Pieces joined by `#`: braced, quoted, a number, or the name of a macro."""
    out, place, whole = "", start, True
    while True:
        if text[place : place + 1] in ("{", '"'):
            end = _end_of_piece(text, place)
            whole = end is not None
            out += text[place + 1 : end]
            place = len(text) if end is None else end + 1
        else:
            bare = re.compile(r"[^\s,#{}\"]*").match(text, place)
            word = bare.group() if bare else ""
            out += macros.get(word.lower(), word)
            place += len(word)
        if not (joined := re.compile(r"\s*#\s*").match(text, place)):
            return _Value(out, place, whole)
        place = joined.end()


def _end_of_piece(text: str, start: int) -> int | None:
    quoted, depth = text[start] == '"', 0
    for found in re.compile(r'\\.|[{}"]', re.DOTALL).finditer(text, start + 1):
        sign = found.group()
        if depth == 0 and sign == ('"' if quoted else "}"):
            return found.start()
        depth += {"{": 1, "}": -1}.get(sign, 0)
    return None


def _entry(
    kind: str, inside: str, macros: Mapping[str, str], at: int, source: str, problems: list[Problem]
) -> Entry:
    key = re.match(r"\s*([^\s,={}\"]*)\s*(?:,|$)", inside)
    pairs = [("ENTRYTYPE", kind), ("ID", key.group(1) if key else "")]
    pairs += _fields(inside[key.end() :] if key else inside, macros, at, problems)
    values: dict[str, list[str]] = {}
    for name, value in pairs[2:]:
        if clean := safe(value).strip():
            values.setdefault(name.lower(), []).append(clean)
    if not values:
        return Entry(f"line {at}", None, "an entry without any content")
    warnings: list[str] = []
    fields = _typed(values, warnings)
    return Entry(f"line {at}", finish(source, pairs[1][1], fields, warnings, pairs))


def _typed(values: Mapping[str, list[str]], warnings: list[str]) -> dict[str, Any]:
    def raw(*names: str) -> str:
        return next((values[n][0] for n in names if values.get(n)), "")

    def text(*names: str) -> str:
        return one_line(unlatexed(raw(*names)))

    addresses = [_unescaped(v) for v in values.get("url", [])]
    notes = [one_line(unlatexed(v)) for n in ("note", "annote", "extra") for v in values.get(n, [])]
    doi = doi_among([_unescaped(v) for v in values.get("doi", [])], addresses)
    if values.get("doi") and not doi:
        warnings.append(f"DOI not understood: {values['doi'][0][:80]!r}")
    eprint = [raw("eprint")] if raw("eprinttype", "archiveprefix").lower() == "pubmed" else []
    return {
        "title": text("title"),
        "abstract": paragraphs(unlatexed(raw("abstract")).splitlines()),
        "authors": tuple(_names(raw("author"), warnings)),
        "year": year_of(text("year")) or year_of(text("date")),
        "journal": text("journal", "journaltitle", "booktitle", "series"),
        "volume": text("volume"),
        "issue": text("number", "issue"),
        "pages": page_range(re.sub(r"\s*[-–]+\s*", "-", text("pages", "article-number"))),
        "pmid": pmid_among([*values.get("pmid", []), *eprint], notes, addresses, warnings),
        "pmcid": pmcid_among([*values.get("pmcid", []), *values.get("pmc", []), *notes]),
        "doi": doi,
        "issn": issn_of(values.get("issn", [])),
        "url": address_of(addresses),
        "language": text("language", "langid"),
        "publication_types": tuple(filter(None, [text("type"), text("document_type")])),
        "keywords": _split(text("keywords", "author_keywords", "keyword")),
    }


def _unescaped(address: str) -> str:
    """Addresses and DOIs: only escapes go, as `~` and `%` mean themselves there."""
    return re.sub(r"\\([&%$#_{}~])", r"\1", re.sub(r"\{(\\[&%$#_])\}", r"\1", address))


def _split(text: str) -> tuple[str, ...]:
    mark = ";" if ";" in text else ","
    return tuple(dict.fromkeys(part.strip() for part in text.split(mark) if part.strip()))


# Names -------------------------------------------------------------------------------------------


def _names(text: str, warnings: list[str]) -> Iterator[str]:
    """`Last, First`; a name in braces of its own is a group's and stays as it is."""
    for raw in _outside_braces(one_line(text), " and "):
        name = raw.strip()
        if name.lower() in ("others", "et al.", "et al"):
            warnings.append("the file names the first authors only (and others)")
        elif re.fullmatch(r"\{.*\}", name, re.DOTALL) and _end_of_piece(name, 0) == len(name) - 1:
            yield one_line(unlatexed(name))
        elif name:
            yield _name(name)


def _outside_braces(text: str, mark: str) -> list[str]:
    parts, depth, begin = [], 0, 0
    for found in re.finditer(rf"\\.|[{{}}]|{mark}", text, re.DOTALL):
        if found.group() in "{}":
            depth += 1 if found.group() == "{" else -1
        elif depth == 0 and not found.group().startswith("\\"):
            parts.append(text[begin : found.start()])
            begin = found.end()
    return [*parts, text[begin:]]


def _name(name: str) -> str:
    from bibtexparser.customization import InvalidName, splitname

    try:
        parts = splitname(name.replace("~", " "), strict_mode=False)
    except InvalidName:  # such as an unbalanced brace
        return one_line(unlatexed(name))
    joined = {part: one_line(unlatexed(" ".join(words))) for part, words in parts.items()}
    last = f"{joined['von']} {joined['last']}".strip()
    return ", ".join(filter(None, (last, joined["first"], joined["jr"])))


# LaTeX -------------------------------------------------------------------------------------------

_ACCENTS = {
    "`": "\u0300",
    "'": "\u0301",
    "^": "\u0302",
    "~": "\u0303",
    "=": "\u0304",
    "u": "\u0306",
    ".": "\u0307",
    '"': "\u0308",
    "r": "\u030a",
    "H": "\u030b",
    "v": "\u030c",
    "d": "\u0323",
    "c": "\u0327",
    "k": "\u0328",
    "b": "\u0331",
}
_LETTERS = {
    "ss": "ß",
    "o": "ø",
    "O": "Ø",
    "l": "ł",
    "L": "Ł",
    "ae": "æ",
    "AE": "Æ",
    "oe": "œ",
    "OE": "Œ",
    "aa": "å",
    "AA": "Å",
    "i": "ı",
    "j": "ȷ",
    "dh": "ð",
    "DH": "Ð",
    "th": "þ",
    "TH": "Þ",
    "dj": "đ",
    "DJ": "Đ",
    "ng": "ŋ",
    "NG": "Ŋ",
    "textless": "<",
    "textgreater": ">",
    "textendash": "–",
    "textemdash": "—",
    "ldots": "…",
    "dots": "…",
    "textellipsis": "…",
    "textbar": "|",
    "textmu": "µ",
    "textquoteleft": "‘",
    "textquoteright": "’",
    "textquotedblleft": "“",
    "textquotedblright": "”",
    "texttrademark": "™",
    "textsuperscript": "",
    "textsubscript": "",
    "emph": "",
    "textit": "",
    "textbf": "",
    "textrm": "",
    "textsc": "",
    "text": "",
    "mathrm": "",
    "mathit": "",
    "mathbf": "",
    "it": "",
    "bf": "",
    "em": "",
    "rm": "",
    "sc": "",
    "url": "",
    "textnormal": "",
    "ensuremath": "",
    "le": "≤",
    "leq": "≤",
    "ge": "≥",
    "geq": "≥",
    "times": "×",
    "backslash": "\\",
    "degree": "°",
}
"""What stands for a letter; font commands stand for nothing."""

_ACCENT = re.compile(
    r"\{?\\(?:([`'^~=.\"])\s*|([uvHcdbkr])(?=[{\s]|\\)\s*)"
    r"(?:\{\s*(?:\\([ij])|([^\W\d_]))\s*\}|\\([ij])(?![A-Za-z])|([^\W\d_]))"
)
_COMMAND = re.compile(r"\\([A-Za-z]+)(?:\{\}|\s+(?=[^\s\\{])|\s*)")
_MATH = re.compile(r"\$(?=\S)([^$\n]{1,80})(?<=\S)\$")
_ESCAPED = {"&": "\ue001", "%": "\ue002", "$": "\ue003", "#": "\ue004", "_": "\ue005", "{": "\ue006"}
_ESCAPED |= {"}": "\ue007", "\\": "\ue008"}
_BACK = {held: ("\n" if sign == "\\" else sign) for sign, held in _ESCAPED.items()}


def unlatexed(text: str) -> str:
    """LaTeX as plain text: accents, named letters, escapes; braces are gone. What is unknown stays as it is."""
    if not re.search(r"[\\{}$~]|``", text):
        return text
    text = re.sub(r"\\([&%$#_{}\\])", lambda m: _ESCAPED[m.group(1)], text)
    text = _MATH.sub(r"\1", text)
    # A brace that was opened before the accent is closed after its letter, and goes with the others below.
    text = _ACCENT.sub(_accented, text)
    text = _COMMAND.sub(_named, text).replace("\\-", "").replace("``", "“").replace("''", "”")
    # A tie stands between two words; elsewhere the sign was not meant as LaTeX.
    text = re.sub(r"(?<=\S)~(?=\S)", " ", text)
    text = text.replace("{", "").replace("}", "")
    text = re.sub(r"[\ue001-\ue008]", lambda m: _BACK[m.group()], text)
    return unicodedata.normalize("NFC", text)


def _accented(found: re.Match[str]) -> str:
    # The dot of i and j gives way to the accent, so LaTeX's dotless letters are the plain ones here.
    letter = str(next(filter(None, found.groups()[2:])))
    return letter + _ACCENTS[found[1] or found[2]]


def _named(found: re.Match[str]) -> str:
    name = found.group(1)
    if name in _LETTERS:
        return _LETTERS[name]
    names = _latex_names()
    short = name.removeprefix("text")  # LaTeX has \textpm for use in a text, and \pm in mathematics
    return names.get(f"\\{name}") or names.get(f"\\{short}") or str(found.group())


@cache
def _latex_names() -> dict[str, str]:
    from bibtexparser.latexenc import unicode_to_latex

    named = ((latex.strip(), sign) for sign, latex in unicode_to_latex)
    return {str(latex): str(sign) for latex, sign in named if re.fullmatch(r"\\[A-Za-z]+", latex)}
