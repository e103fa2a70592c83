"""Reading strategies in the language of Embase.com. Pure.

Emtree is not MeSH: a heading becomes its words in title and abstract, and is listed as a blank for which
a MeSH heading must be looked up; with a vocabulary, a name that MeSH knows becomes that heading as well.
AND and NOT are done before OR where nothing says otherwise, and that is noted.

Source: Embase.com help, https://www.embase.com/info/helpfiles/search-hints/boolean-operators.
"""

import re
from collections.abc import Mapping
from typing import Literal, cast

from tools.search.dialects.base import BLANK
from tools.search.dialects.grammar import Grammar, Step
from tools.search.dialects.limits import limit
from tools.search.dialects.reading import (
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
    any_of,
    history,
)
from tools.search.query import Dates, Headings, Query, Term

__all__ = ["read"]

_FIELDS: Mapping[str, tuple[Target, ...]] = {
    "ti": (Target("ti"),),
    "ab": (Target("ab"),),
    "kw": (Target("ot"),),
    "tt": (Target("tt"),),
    "au": (Target("au"),),
    "ad": (Target("ad"),),
    "ff": (Target("ad"),),
    "jt": (Target("ta"),),
    "ta": (Target("ta"),),
    "la": (Target("la"),),
    "it": (Target("pt"),),
    "rn": (Target("rn"),),
    "tn": (Target("nm"),),
    "cn": (Target("si"),),
    "do": (Target("aid"),),
    "is": (Target("ta"),),
    "vi": (Target("vi"),),
    "ip": (Target("ip"),),
    "py": (Target("dp"),),
}
"""PubMed's field for each of Embase's."""

_DEFAULT = (Target("tw"),)

_OPERATOR = re.compile(r"(and|or|not|near|next)(?:/(\d+))?(?=[\s('\"]|$)", re.IGNORECASE)
_REFERENCE = re.compile(r"#(\d+)(?:\s*-\s*#(\d+))?(?![\w])")
_LIMIT = re.compile(r"\[([^\[\]]+)\]/(\w+)")
_QUOTED = re.compile(r"'((?:[^']|(?<=\w)'(?=[a-z]\b))*)'|\"([^\"]*)\"", re.IGNORECASE)
_WORD = re.compile(r"[^\s()\[\]\":/]+")
_FIELD = re.compile(r":([a-z]{2}(?:\s*,\s*[a-z]{2})*)(?![\w])", re.IGNORECASE)
_HEADING = re.compile(
    r"/((?:exp|de|mj|br|syn)(?:/mj)?)((?:/(?:dm|dd|am)_\w+(?:,\w+)*)*)(?![\w])", re.IGNORECASE
)
_YEARS = re.compile(r"(\d{4})\s*(?:-\s*(\d{4}))?")
_DAY = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{4})")


def read(text: str, vocabulary: Headings | None = None) -> Imported:
    """Read a strategy as Embase.com prints it, also one whose last line stands first.

    A line that cannot be read is listed among the untranslated; the others are read all the same.

    Args:
        vocabulary: MeSH, to find the headings that have the name of an Emtree term.
    """
    report = Report()
    entries = history(text, report)
    known: dict[int, Query] = {}
    for entry in entries:
        report.line, report.text = entry.number, entry.text
        try:
            node = _Reader(entry.text.rstrip(), report, vocabulary).whole()
            known[entry.number] = Meaning(report, known, _DEFAULT).query(node)
        except Unreadable as e:
            known[entry.number] = report.gap(entry.text, e.why, e.at)
    report.line = 0
    return report.imported(entries, list(known.values()))


class _Reader(Grammar):
    def __init__(self, text: str, report: Report, vocabulary: Headings | None) -> None:
        super().__init__(text, report)
        self.vocabulary = vocabulary

    def following(self) -> Step | None:
        """AND, OR, NOT, NEAR and NEXT; AND where none is written."""
        if self.at >= len(self.text) or self.text[self.at] == ")":
            return None
        match = _OPERATOR.match(self.text, self.at)
        if match is None:
            self.report.note("terms without an operator between them are joined with AND")
            return Step("and", self.at)
        name = match[1].lower()
        if name in {"and", "or", "not"}:
            return Step(cast(Literal["and", "or", "not"], name), match.end())
        return Step("near", match.end(), max(int(match[2] or 1) - 1, 0), ordered=name == "next")

    def operand(self) -> Node:
        """A limit, lines, a group or words, and the heading or the fields behind it."""
        begin = self.begin()
        if _OPERATOR.match(self.text, begin):
            raise Unreadable("an operator has no term before it", begin)
        if limited := self.take(_LIMIT):
            return Ready(self._limit(limited))
        if lines := self.take(_REFERENCE):
            numbers = range(int(lines[1]), int(lines[2] or lines[1]) + 1)
            parts = tuple(Number(number, begin) for number in numbers)
            return parts[0] if len(parts) == 1 else Joined("OR", parts)
        node: Node = self.group() if self.text[begin] == "(" else self._words()
        if heading := self.take(_HEADING):
            if not isinstance(node, Words):
                raise Unreadable("a heading is one term, not a group", heading.start())
            return Ready(self._heading(" ".join(node.words), heading))
        while field := self.take(_FIELD):
            codes = [code.strip().lower() for code in field[1].split(",")]
            node = self._within(node, codes, field.start())
        return node

    def _words(self) -> Words:
        begin = self.at
        if quoted := self.take(_QUOTED):
            words = (quoted[1] if quoted[1] is not None else quoted[2]).split()
        elif word := self.take(_WORD):
            words = [word[0]]
        else:
            raise Unreadable("a quotation mark is never closed, or a sign has no meaning here", begin)
        # Embase.com: ? is exactly one character, $ is one or none.
        spelled = [re.sub(r"\*+", "*", w.replace("?", "#").replace("$", "?")).lstrip("*") for w in words]
        kept = tuple(word for word in spelled if any(c.isalnum() for c in word))
        if not kept:
            raise Unreadable("nothing to search for", begin)
        return Words(kept, begin)

    # Fields, headings, limits ---------------------------------------------------------------------

    def _within(self, node: Node, codes: list[str], at: int) -> Node:
        if set(codes) & {"de", "lnk"}:
            self.report.note("index terms of Embase (:de) are searched as text words")
            codes = [code for code in codes if code != "de"] or ["ti", "ab"]
        unknown = [code for code in codes if code not in _FIELDS]
        for code in unknown:
            self.report.gap(f":{code}", "this field has no form in PubMed", at)
        known = [code for code in codes if code in _FIELDS]
        if not known:
            raise Unreadable("no field that PubMed has", at)
        targets = [target for code in known for target in _FIELDS[code]]
        if {"ti", "ab"} <= set(known):
            if "kw" not in known:
                self.report.note(
                    "title and abstract are searched in [tiab], which adds the authors' keywords (wider)"
                )
            targets = [Target("tiab"), *(t for t in targets if t.field not in {"ti", "ab", "ot"})]
        return Within(node, tuple(dict.fromkeys(targets)))

    def _heading(self, name: str, match: re.Match[str]) -> Query:
        if match[2]:
            self.report.gap(match[0], "Emtree subheadings have no form in PubMed (wider)", match.start())
        words = Term(name.rstrip("*"), "tiab", phrase=" " in name or not name.isalnum())
        found = self.vocabulary.lookup(words.text) if self.vocabulary else None
        if found is not None:
            field = "majr" if match[1].lower().endswith("mj") else "mh"
            exploded = "exp" in match[1].lower()
            self.report.note(f"Emtree '{name}' is searched as MeSH '{found.name}' and as words")
            return any_of((Term(found.name, field, True, exploded=exploded), words))
        self.report.blanks.append(BLANK.format(name))
        self.report.note(
            "Emtree headings are searched as words in title and abstract: look up their MeSH headings"
        )
        return words

    def _limit(self, match: re.Match[str]) -> Query:
        text, kind = match[1].strip(), match[2].lower()
        if kind == "py" and (years := _YEARS.fullmatch(text)):
            return self._dates(years[1], years[2] or years[1], "dp", match)
        if kind == "sd" and (day := _DAY.fullmatch(text)):
            self.report.note(
                "the day a record entered Embase (/sd) becomes the day PubMed created its own, [crdt]"
            )
            return self._dates(f"{day[3]}/{int(day[2]):02}/{int(day[1]):02}", "3000", "crdt", match)
        return limit(text.lower(), match[0], match.start(), self.report)

    def _dates(self, start: str, end: str, field: str, match: re.Match[str]) -> Query:
        try:
            return Dates(start, end, field)
        except ValueError as e:
            return self.report.gap(match[0], str(e), match.start())
