"""Reading strategies in the language of Ovid MEDLINE. Pure.

Lines are kept as Ovid numbers them; the last is the query. AND and NOT are done before OR where nothing
says otherwise, and that is noted, as Ovid's order has changed with its versions.

Source: Ovid, MEDLINE Database Guide and Command Line Syntax, https://ospguides.ovid.com/OSPguides/medline.htm.
"""

import re
from collections.abc import Mapping
from typing import Literal, cast

from tools.search.dialects.grammar import Grammar, Step
from tools.search.dialects.limits import limit
from tools.search.dialects.reading import (
    Entry,
    Imported,
    Joined,
    Meaning,
    Node,
    Number,
    Ready,
    Report,
    Target,
    Unreadable,
    Within,
    Words,
    all_of,
    any_of,
    history,
)
from tools.search.dialects.subheadings import CODES, NAMES, RETIRED
from tools.search.query import Dates, Query, Term

__all__ = ["read"]

# Fields -------------------------------------------------------------------------------------------

_FIELDS: Mapping[str, tuple[Target, ...]] = {
    "ti": (Target("ti"),),
    "ab": (Target("ab"),),
    "tw": (Target("tiab"),),
    "mp": (Target("tw"),),
    "af": (Target("all"),),
    "kw": (Target("ot"),),
    "kf": (Target("ot"),),
    "ot": (Target("tt"),),
    "hw": (Target("tw"),),
    "sh": (Target("mh", exploded=False),),
    "xm": (Target("mh"),),
    "fs": (Target("sh"),),
    "xs": (Target("sh"),),
    "pt": (Target("pt"),),
    "nm": (Target("nm"),),
    "px": (Target("nm"),),
    "rx": (Target("nm"),),
    "ox": (Target("nm"),),
    "rn": (Target("rn"),),
    "au": (Target("au"),),
    "fa": (Target("fau"),),
    "ca": (Target("cn"),),
    "in": (Target("ad"),),
    "ia": (Target("ad"),),
    "jn": (Target("ta"),),
    "jw": (Target("ta"),),
    "ja": (Target("ta"),),
    "is": (Target("ta"),),
    "la": (Target("la"),),
    "lg": (Target("la"),),
    "cp": (Target("pl"),),
    "no": (Target("gr"),),
    "si": (Target("si"),),
    "ui": (Target("uid"),),
    "do": (Target("aid"),),
    "vo": (Target("vi"),),
    "ip": (Target("ip"),),
    "pg": (Target("pg"),),
    "yr": (Target("dp"),),
    "dp": (Target("dp"),),
    "dt": (Target("crdt"),),
    "ez": (Target("edat"),),
    "ed": (Target("edat"),),
    "da": (Target("edat"),),
    "up": (Target("lr"),),
    "rd": (Target("lr"),),
}
"""PubMed's field for each of Ovid's."""

_FIELD_NOTES: Mapping[str, str] = {
    "hw": ".hw. (words of headings) is searched in [tw] (wider)",
    "kw": ".kw. and .kf. are searched in [ot], without the words of [tiab] where that is searched anyway",
    "jw": ".jw. (words of the journal's name) needs the whole name in [ta]",
    "ed": "Ovid's entry date (ed) has no form in PubMed; [edat] is near it: check the dates",
    "da": "Ovid's date da has no form in PubMed; [edat] is near it: check the dates",
    "up": "Ovid's update date (up) has no form in PubMed; [lr] is near it: check the dates",
}

_DEFAULT = (Target("tw"),)
"""`.mp.`, which Ovid takes for words without a field."""


def _targets(codes: list[str], report: Report, text: str, at: int) -> tuple[Target, ...]:
    unknown = [code for code in codes if code not in _FIELDS]
    for code in unknown:
        report.gap(f".{code}.", "this field has no form in PubMed", at)
    known = set(codes).difference(unknown)
    if not known:
        raise Unreadable(f"{text.strip()}: no field that PubMed has", at)
    if {"ti", "ab"} <= known or "tw" in known:
        if not known & {"kw", "kf", "mp", "af"}:
            report.note("title and abstract are searched in [tiab], which adds the authors' keywords (wider)")
        known = known.difference({"ti", "ab", "kw", "kf"}) | {"tw"}
    if known & {"mp", "af"}:
        known -= {"ti", "ab", "tw", "kw", "kf", "hw", "nm", "px", "rx", "ox"}
    for code in sorted(known):
        if code in _FIELD_NOTES:
            report.note(_FIELD_NOTES[code])
    ordered = dict.fromkeys(code if code in known else "tw" for code in codes if code not in unknown)
    return tuple(dict.fromkeys(t for code in ordered if code in known for t in _FIELDS[code]))


# Tokens -------------------------------------------------------------------------------------------

_SUFFIX = r"\s?\.\s?(?P<codes>[a-z]{2}(?:\s?,\s?[a-z]{2})*)\s?\.?(?=[\s)]|$)"
_CODE = "|".join([*NAMES, *RETIRED])
_NAME = "|".join(re.escape(name) for name in sorted(CODES, key=len, reverse=True))
_UNNAMED_SUFFIX = _SUFFIX.replace("?P<codes>", "?:")
_HEADING = r"""
    (?P<exp>(?:exp|explode)\s+)?(?P<major>\*\s*)?
    (?: "(?P<quoted>[^"/]+)" | (?P<plain>[a-z0-9](?:(?!{stop})[^/()"]|(?<=\S)\([^()]*\))*) )
    \s*/ [ ]? (?P<sub>\*?(?:{code})\b(?:\s*,\s*\*?(?:{code})\b)*|(?:{name})\b)? (?=[\s)]|$)
"""


def _heading_pattern(prefix: str, also: str) -> re.Pattern[str]:
    stop = rf"\s(?:or|not|adj\d*{also})\s|{_UNNAMED_SUFFIX}"
    pattern = prefix + _HEADING.format(stop=stop, code=_CODE, name=_NAME)
    return re.compile(pattern, re.VERBOSE | re.IGNORECASE)


_PLAIN_HEADING = _heading_pattern("", "|and")
_WITH_AND = _heading_pattern("(?![0-9])", "")
"""Also takes `Wounds and Injuries/`, where Ovid itself wants quotation marks."""

_OPERATOR = re.compile(r"(and|or|not|adj(\d*)|near(\d*))(?=[\s(\"]|$)", re.IGNORECASE)
_RANGE = re.compile(r"(and|or)/\s*(\d[\d\s,-]*\d|\d)", re.IGNORECASE)
_QUOTED = re.compile(r'"([^"]*)"([$*]?)')
_WORD = re.compile(rf'(?:(?!{_UNNAMED_SUFFIX})[^\s()"])+', re.IGNORECASE)
_FIELD = re.compile(_SUFFIX, re.IGNORECASE)
_COMMENT = re.compile(r'("[^"]*")|\[[^\]]*\]|/\*.*?\*/')
_FREQUENCY = re.compile(r"/freq\s?=\s?\d+", re.IGNORECASE)
_LIMIT = re.compile(r"\.*\s*limit\s+#?(\d+)\s+to\s+(.+)$", re.IGNORECASE)
_USE = re.compile(r"\s+use\s+([a-z0-9]+)\s*$", re.IGNORECASE)
_DUPLICATES = re.compile(r"(?:remove duplicates from|dedup)\s+#?(\d+)$", re.IGNORECASE)
_KEEP = re.compile(r"from\s+#?(\d+)\s+keep\s+(.+)$", re.IGNORECASE)
_MEDLINE = re.compile(r"(?:med|ppez|pmez|mes|prem|prmz|cmed)\w*", re.IGNORECASE)


def read(text: str) -> Imported:
    """Read a strategy as Ovid prints it, or as people write it down for Ovid.

    A line that cannot be read is listed among the untranslated; the others are read all the same.
    """
    report = Report()
    entries = history(text, report)
    known: dict[int, Query] = {}
    for entry in entries:
        report.line, report.text = entry.number, entry.text
        try:
            known[entry.number] = _line(entry, known, report)
        except Unreadable as e:
            known[entry.number] = report.gap(entry.text, e.why, e.at)
    report.line = 0
    return report.imported(entries, list(known.values()))


def _line(entry: Entry, known: dict[int, Query], report: Report) -> Query:
    text = _COMMENT.sub(lambda m: m[1] or " " * len(m[0]), entry.text)
    if _FREQUENCY.search(text):
        report.note("how often a word must occur (/freq) has no form in PubMed (wider)")
        text = _FREQUENCY.sub(lambda m: " " * len(m[0]), text)
    text = text.rstrip()
    if not text.strip():
        raise Unreadable("a comment, nothing to search for", 0)
    used = _USE.search(text)
    if used and not _MEDLINE.fullmatch(used[1]):
        raise Unreadable(f"a line for another database ({used[1]})", used.start(1))
    text = text[: used.start()] if used else text
    bare = text.strip()
    if limited := _LIMIT.match(bare):
        at = text.index(bare) + limited.start(2)
        return all_of((_before(int(limited[1]), known, report), _limits(limited[2], at, report)))
    if duplicates := _DUPLICATES.match(bare):
        report.note("duplicates are not removed by the query itself")
        return _before(int(duplicates[1]), known, report)
    if keep := _KEEP.match(bare):
        gap = report.gap(bare, "records picked by hand have no form in a query")
        return all_of((_before(int(keep[1]), known, report), gap))
    meaning = Meaning(report, known, _DEFAULT)
    return meaning.query(_Reader(text, report).whole())


def _before(number: int, known: dict[int, Query], report: Report) -> Query:
    return known[number] if number in known else report.gap(str(number), "there is no such line above")


# Grammar ------------------------------------------------------------------------------------------


class _Reader(Grammar):
    def following(self) -> Step | None:
        """AND, OR, NOT and ADJ; `or/1-5` is an operand."""
        match = _OPERATOR.match(self.text, self.at)
        if match is None or _RANGE.match(self.text, self.at):
            return None
        name, number = match[1].lower(), match[2] or match[3]
        if name in {"and", "or", "not"}:
            return Step(cast(Literal["and", "or", "not"], name), match.end())
        return Step("near", match.end(), max(int(number) - 1, 0) if number else 0, ordered=name == "adj")

    def operand(self) -> Node:
        """A range of lines, a heading, a group or words, and the fields behind it."""
        begin = self.begin()
        if listed := self.take(_RANGE):
            return self._range(listed)
        if self.following() is not None:
            raise Unreadable("an operator has no term before it", begin)
        for pattern in (_PLAIN_HEADING, _WITH_AND):
            if heading := self.take(pattern):
                return Ready(self._heading(heading))
        node: Node = self.group() if self.text[begin] == "(" else self._words()
        while field := self.take(_FIELD):
            codes = [code.strip().lower() for code in field["codes"].split(",")]
            node = Within(node, _targets(codes, self.report, field[0], field.start()))
        return node

    def _range(self, match: re.Match[str]) -> Node:
        """`or/1-5,7`: these lines joined."""
        numbers: list[int] = []
        for part in match[2].split(","):
            first, dash, last = (piece.strip() for piece in part.partition("-"))
            if not first.isdigit() or (dash and not last.isdigit()):
                raise Unreadable("not a list of lines", match.start(2))
            numbers += range(int(first), int(last or first) + 1)
        parts = tuple(Number(number, match.start()) for number in dict.fromkeys(numbers))
        if len(parts) == 1:
            return parts[0]
        return Joined("AND" if match[1].lower() == "and" else "OR", parts)

    def _words(self) -> Node:
        """Words next to each other, quoted or not, up to an operator, a parenthesis or a field."""
        begin = self.at
        words: list[str] = []
        quoted = False
        while self.at < len(self.text) and self.text[self.at] not in "()":
            if self.following() is not None or _FIELD.match(self.text, self.at):
                break
            if phrase := self.take(_QUOTED):
                quoted = True
                words += self._plain(phrase[1] + phrase[2], begin)
            elif word := self.take(_WORD):
                words += self._plain(word[0], begin)
            else:
                raise Unreadable("a quotation mark is never closed", self.at)
            if not _FIELD.match(self.text, self.at):
                self.skip()
        if len(words) == 1 and not quoted and words[0].lstrip("#").isdigit():
            return Number(int(words[0].lstrip("#")), begin)
        if not words:
            raise Unreadable("nothing to search for", begin)
        if self.at < len(self.text) and self.text[self.at] == "(" and not _FIELD.match(self.text, self.at):
            raise Unreadable("an operator is missing before the parenthesis", self.at)
        return Words(tuple(words), begin)

    def _plain(self, text: str, begin: int) -> list[str]:
        """Words with wildcards in the common spelling: `*`, `?` and `#`."""
        words = []
        for word in re.sub(r"(?<=\w):(?=\s|$)", "*", text).split():
            limited = re.search(r"[$*](\d+)$", word)
            if limited:
                self.report.note(f"'{word}': any ending, where Ovid allows {limited[1]} letters (wider)")
                word = word[: limited.start()] + "*"
            if re.fullmatch(r"[A-Za-z]+/[a-z]?", word):
                raise Unreadable(f"{word}: neither a heading nor a text word", begin)
            spelled = re.sub(r"\*+", "*", word.replace("$", "*"))
            if spelled.startswith("*"):
                self.report.note(f"'{word}': no truncation at the beginning of a word; the sign is dropped")
                spelled = spelled.lstrip("*")
            if any(c.isalnum() for c in spelled):
                words += re.sub(r"(?<=\w)/(?=\w)", " ", spelled).split()
        return words

    def _heading(self, match: re.Match[str]) -> Query:
        name = " ".join((match["quoted"] or match["plain"]).split())
        field = "majr" if match["major"] else "mh"
        exploded = bool(match["exp"])
        subheadings = [part.strip() for part in (match["sub"] or "").split(",") if part.strip()]
        if re.search(r"\band\b", match["plain"] or "", re.IGNORECASE):
            self.report.note(f"'{name}' is read as one heading; quote it to be sure")
        made = []
        for code in subheadings or [""]:
            if code.startswith("*"):
                field = "majr"
            short = code.lstrip("*").lower()
            if short in RETIRED:
                now = RETIRED[short] or "none: the heading alone is searched (wider)"
                self.report.note(f"/{short}: MeSH no longer has this subheading; in its place: {now}")
            full = NAMES[short] if short in NAMES else RETIRED.get(short, short)
            try:
                made.append(Term(f"{name}/{full}" if full else name, field, True, exploded=exploded))
            except ValueError as e:
                raise Unreadable(str(e), match.start()) from e
        return any_of(made)


# Limits -------------------------------------------------------------------------------------------

_LIMIT_DATES = re.compile(
    r"(yr|ed|dt|ez|up|da|rd|dp|ep)\s*=\s*\"?\s*(\d{4,8})\s*(?:-\s*(\d{4,8}|current)?)?\s*\"?", re.IGNORECASE
)


def _limits(text: str, at: int, report: Report) -> Query:
    """What follows `limit N to`: items joined by and, or and commas, perhaps in parentheses."""
    text, at = text.rstrip(), at + len(text) - len(text.lstrip())
    text = text.lstrip()
    if text.startswith("(") and _closes(text) == len(text) - 1:
        return _limits(text[1:-1], at + 1, report)
    for pattern, join in ((r"\sand\s|,(?!\s*(?:all|80)\b)", all_of), (r"\sor\s", any_of)):
        pieces = _split(text, pattern)
        if len(pieces) > 1:
            return join([_limits(piece, at + begin, report) for begin, piece in pieces])
    return _limit(text.strip().strip('"').strip(), at, report)


def _limit(text: str, at: int, report: Report) -> Query:
    if dates := _LIMIT_DATES.fullmatch(text):
        return _limit_dates(dates, at, report)
    name = re.sub(r"\s*(?:\([^)]*\)|<[^>]*>)$", "", " ".join(text.lower().split()))
    return limit(name, text, at, report)


def _limit_dates(match: re.Match[str], at: int, report: Report) -> Query:
    code, start = match[1].lower(), match[2]
    end = match[3] or ("3000" if "-" in match[0] else start)
    if code in _FIELD_NOTES:
        report.note(_FIELD_NOTES[code])
    field = {"yr": "dp", "ep": "epdat"}.get(code) or _FIELDS[code][0].field
    try:
        return Dates(_day(start), "3000" if end.lower() == "current" else _day(end), field)
    except ValueError as e:
        return report.gap(match[0], str(e), at)


def _day(digits: str) -> str:
    return "/".join(part for part in (digits[:4], digits[4:6], digits[6:8]) if part)


def _closes(text: str) -> int:
    """Where the parenthesis that opens at 0 is closed."""
    open_ = 0
    for i, sign in enumerate(text):
        open_ += (sign == "(") - (sign == ")")
        if not open_:
            return i
    return -1


def _split(text: str, pattern: str) -> list[tuple[int, str]]:
    """Pieces between matches that stand outside quotation marks and parentheses, with their places."""
    hidden = re.sub(r'"[^"]*"', lambda m: "\x00" * len(m[0]), text)
    open_, cuts = 0, [0]
    found = {m.start(): m.end() for m in re.finditer(pattern, hidden, re.IGNORECASE)}
    pieces: list[tuple[int, str]] = []
    for i, sign in enumerate(hidden):
        open_ += (sign in "(<") - (sign in ")>")
        if i in found and not open_ and i >= cuts[-1]:
            pieces.append((cuts[-1], text[cuts[-1] : i]))
            cuts.append(found[i])
    return [*pieces, (cuts[-1], text[cuts[-1] :])]
