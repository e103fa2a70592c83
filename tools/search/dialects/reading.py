"""What strategies of other databases are read with: their numbered lines, and their proximity. Pure.

A reader of one language turns text into the small tree below, in which wildcards already have one
spelling: `*` for any ending, `?` for one character or none, `#` for exactly one. `Meaning` turns the
tree into a `Query`. PubMed has no wildcard inside a word, and its proximity `[tiab:~N]` takes whole
words only; what is searched more widely or more narrowly for that reason is noted, and what has no
form at all is listed with its place.

Source: PubMed User Guide, https://pubmed.ncbi.nlm.nih.gov/help/, "Proximity searching" and "Truncation".
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Literal, TypeAlias

from tools.search.dialects.subheadings import NAMES, RETIRED
from tools.search.query import (
    DATE_FIELDS,
    HEADING_FIELDS,
    And,
    Dates,
    Leaf,
    Not,
    Or,
    Query,
    Term,
    normalise,
    prune,
)
from tools.search.query_nodes import PROXIMITY_FIELDS

__all__ = [
    "Entry",
    "Imported",
    "Joined",
    "Line",
    "Meaning",
    "Near",
    "Node",
    "Number",
    "Ready",
    "Report",
    "Target",
    "Unreadable",
    "Untranslated",
    "Within",
    "Words",
    "all_of",
    "any_of",
    "history",
]

MOST_COMBINATIONS = 100
"""Proximities that one expression is multiplied out to; beyond, its groups are joined with AND."""

MOST_ALTERNATIVES = 1000
"""Words and phrases that one side of a proximity may hold, with truncated ones."""

SHORTEST_STEM = 4
"""Letters that PubMed wants before a `*`."""

_LETTERS = "aeiouyszck"
"""What a wildcard inside a word nearly always stands for in English spellings: oe/e, our/or, is/iz, sk/sc."""

_GAP = "untranslated"
"""Field of the term that stands for what could not be read, until `prune` takes it out."""


# What comes back ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a strategy, as written, and what it became; None where nothing of it can be searched."""

    number: int
    text: str
    query: Query | None


@dataclass(frozen=True, slots=True)
class Untranslated:
    """A part of a strategy that has no form in PubMed, with its place: line, and character from 1."""

    line: int
    character: int
    text: str
    why: str

    def __str__(self) -> str:
        return f"line {self.line}, character {self.character}: {self.text}: {self.why}"


@dataclass(frozen=True, slots=True)
class Imported:
    """A strategy from another database as a value.

    Args:
        query: the last line; None when nothing of it can be searched.
        lines: all of them, in their order.
        notes: what is searched differently, and how.
        untranslated: what is missing from the value. Inside AND it counts as nothing, inside OR it is
            left out, and on the right of NOT the whole group is, so that it never excludes a record.
        blanks: headings of another thesaurus for which a MeSH heading must be looked up; the value has
            them as words in title and abstract.
    """

    query: Query | None
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()
    untranslated: tuple[Untranslated, ...] = ()
    blanks: tuple[str, ...] = ()


class Unreadable(Exception):
    """A line is no strategy in this language. Caught in the readers, which list the line."""

    def __init__(self, why: str, at: int) -> None:
        super().__init__(why)
        self.why, self.at = why, at


@dataclass(slots=True)
class Report:
    """Collects what a person must know, by line."""

    line: int = 0
    text: str = ""
    said: dict[str, list[int]] = field(default_factory=dict)
    untranslated: list[Untranslated] = field(default_factory=list)
    blanks: list[str] = field(default_factory=list)
    widened: int = 0
    wide_lines: set[int] = field(default_factory=set)

    def note(self, message: str) -> None:
        """Say this once for each line it is true of; "(wider" in it is counted as a widening."""
        if "(wider" in message:
            self.widened += 1
            self.wide_lines.add(self.line)
        lines = self.said.setdefault(message, [])
        if self.line not in lines:
            lines.append(self.line)

    def gap(self, text: str, why: str, at: int = 0) -> Term:
        """List what has no form in PubMed; the term stands for it until the tree is pruned."""
        found = Untranslated(self.line, at + 1, " ".join(text.split()), why)
        if found not in self.untranslated:
            self.untranslated.append(found)
        return Term("untranslated", _GAP)

    def notes(self) -> tuple[str, ...]:
        """Each message with its lines; line 0 is the strategy as a whole."""
        return tuple(
            message if lines == [0] else f"{_lines(lines)}: {message}" for message, lines in self.said.items()
        )

    def imported(self, entries: "Sequence[Entry]", queries: Sequence[Query]) -> Imported:
        """What the reader returns, without the terms that stood for gaps."""
        if not entries:
            self.line = 1
            self.gap("", "there is nothing to search for")
        pruned = [without_gaps(query) for query in queries]
        return Imported(
            query=pruned[-1] if pruned else None,
            lines=tuple(Line(e.number, e.text, q) for e, q in zip(entries, pruned, strict=True)),
            notes=self.notes(),
            untranslated=tuple(self.untranslated),
            blanks=tuple(dict.fromkeys(self.blanks)),
        )


def _lines(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:12])) + (f" and {len(numbers) - 12} more" if numbers[12:] else "")
    return f"line {shown}" if len(numbers) == 1 else f"lines {shown}"


def without_gaps(query: Query) -> Query | None:
    """The strategy without the terms that stand for gaps, by the rules of `prune`."""

    def is_gap(leaf: Leaf, excludes: bool) -> bool:
        return isinstance(leaf, Term) and leaf.field == _GAP

    return prune(query, is_gap).query


# Lines --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a search history: its number and its text without it."""

    number: int
    text: str


_NUMBERED = re.compile(
    r"^\s*#?\s*(\d{1,3})(?:\s*[.):]\s+|\s*[.):](?=[^\s\d])|\s+)(?!(?:and|or|not|adj\d*|near)\b(?!/))(?=\S)",
    re.IGNORECASE,
)
_ABOUT = re.compile(r"^\s*[A-Z][\w ()<>,-]{2,40}:(?:\s|$)(?!.*[\"$*/])")
_GOES_ON = re.compile(r"^\s*(?:and|or|not)\b(?!/)", re.IGNORECASE)
_NOT_FINISHED = re.compile(r"\b(?:and|or|not|adj\d*|near/?\d*|next/?\d*)\s*$", re.IGNORECASE)
_COUNT = re.compile(
    r"(?<=[\w/.)\]\"'*$])(?:\s+\(\d[\d,. ]*\)|(?:\t+|\s{2,})\d[\d,]*(?:\s+\d{1,2} [A-Z][a-z]{2} \d{4})?)\s*$"
)


def history(text: str, report: Report) -> list[Entry]:
    """The lines of a strategy, numbered as written, or from 1 when they carry no numbers.

    A line that was wrapped is joined again, a history that runs from the last line to the first is
    turned round, and headings before the first line and hit counts behind lines are left out with a note.
    """
    raw = [line for line in normalise(text).split("\n") if line.strip()]
    numbered = max(_numbered(raw), _numbered(raw[::-1]), key=lambda found: len(found[0]))
    entries, skipped = numbered if numbered[0] else _unnumbered(raw, report)
    if skipped:
        report.note("left out, as headings before the first line: " + " / ".join(skipped))
    counted = [_COUNT.sub("", entry.text).strip() for entry in entries]
    if any(short != entry.text.strip() for short, entry in zip(counted, entries, strict=True)):
        report.note("hit counts at the ends of lines are left out")
    return [Entry(entry.number, short) for entry, short in zip(entries, counted, strict=True)]


def _numbered(raw: Sequence[str]) -> tuple[list[Entry], list[str]]:
    """The lines that carry numbers, and what stands before the first."""
    entries: list[Entry] = []
    skipped: list[str] = []
    for line in raw:
        match = _NUMBERED.match(line)
        number = int(match[1]) if match else 0
        if match and number == (entries[-1].number + 1 if entries else 1):
            entries.append(Entry(number, line[match.end() :]))
        elif entries and not (number > entries[-1].number):
            entries[-1] = Entry(entries[-1].number, f"{entries[-1].text.rstrip()} {line.strip()}")
        elif entries and match:
            entries.append(Entry(number, line[match.end() :]))
        else:
            skipped.append(line.strip())
    return entries, skipped


def _unnumbered(raw: Sequence[str], report: Report) -> tuple[list[Entry], list[str]]:
    texts: list[str] = []
    skipped: list[str] = []
    for line in raw:
        if not texts and _ABOUT.match(line):
            skipped.append(line.strip())
        elif texts and (_GOES_ON.match(line) or _NOT_FINISHED.search(texts[-1]) or _is_open(texts[-1])):
            texts[-1] = f"{texts[-1].rstrip()} {line.strip()}"
        else:
            texts.append(line.strip())
    if len(texts) > 1:
        report.note("the lines carry no numbers and are counted from 1")
    return [Entry(number, text) for number, text in enumerate(texts, start=1)], skipped


def _is_open(text: str) -> bool:
    plain = re.sub(r'"[^"]*"', "", text)
    return plain.count("(") > plain.count(")")


# The tree -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Target:
    """A PubMed field in which a word of another database is searched; see `Term`."""

    field: str
    exploded: bool = True


@dataclass(frozen=True, slots=True)
class Words:
    """Words next to each other in this order; each may hold `*` at its end, `?` and `#`."""

    words: tuple[str, ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class Number:
    """A bare number: line `value`, or the word itself where a field governs it."""

    value: int
    at: int = 0


@dataclass(frozen=True, slots=True)
class Ready:
    """What is already a value, such as a heading."""

    query: Query


@dataclass(frozen=True, slots=True)
class Joined:
    """Parts joined by one operator; NOT has two."""

    operator: Literal["AND", "OR", "NOT"]
    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Near:
    """Both sides with at most `between` words between them; `ordered`: the left one first."""

    left: "Node"
    right: "Node"
    between: int
    ordered: bool


@dataclass(frozen=True, slots=True)
class Within:
    """What is searched in these fields only."""

    node: "Node"
    targets: tuple[Target, ...]


Node: TypeAlias = Words | Number | Ready | Joined | Near | Within


@dataclass(frozen=True, slots=True)
class _Span:
    """Words with at most `between` others among them; 0 and ordered is a phrase."""

    words: tuple[str, ...]
    between: int = 0
    ordered: bool = True

    @property
    def exact(self) -> bool:
        """Whether PubMed can search it as it is: truncation at the end of a phrase, none in proximity."""
        if len(self.words) == 1:
            return True
        if self.ordered and not self.between:
            return not any(word.endswith("*") for word in self.words[:-1])
        return not any(word.endswith("*") for word in self.words)


def any_of(queries: Iterable[Query]) -> Query:
    """The alternatives in one OR, each once."""
    flat: dict[Query, None] = {}
    for query in queries:
        for part in query.parts if isinstance(query, Or) else (query,):
            flat.setdefault(part)
    return next(iter(flat)) if len(flat) == 1 else Or(tuple(flat))


def all_of(queries: Iterable[Query]) -> Query:
    """The parts in one AND, each once."""
    parts = tuple(dict.fromkeys(queries))
    return parts[0] if len(parts) == 1 else And(parts)


class Meaning:
    """Turns a tree into a value; `known` holds the lines that a number may name."""

    def __init__(self, report: Report, known: dict[int, Query], default: tuple[Target, ...]) -> None:
        self.report, self.known, self.default = report, known, default

    def query(self, node: Node, targets: tuple[Target, ...] = ()) -> Query:
        """The value of a tree; without `targets`, words without a field go to the default ones."""
        match node:
            case Ready(query):
                return query
            case Within(inner, own):
                return self.query(inner, own)
            case Number(value, at):
                return self._number(value, at, targets)
            case Joined("NOT", (left, right)):
                return Not(self.query(left, targets), self._excluding(right, targets))
            case Joined("AND", parts):
                return all_of(self.query(part, targets) for part in parts)
            case Joined(_, parts):
                return any_of(self.query(part, targets) for part in parts)
            case Near():
                return self._near(node, targets or self._unqualified())
            case Words(words, at):
                found = self._alternatives(node)
                if not found:
                    why = "too many spellings to write out, and too few letters before the first wildcard"
                    return self.report.gap(" ".join(words), why, at)
                return any_of(self._span(span, targets or self._unqualified(), at) for span in found)

    def _excluding(self, node: Node, targets: tuple[Target, ...]) -> Query:
        before = self.report.widened
        query = self.query(node, targets)
        if self.report.widened > before:
            self.report.note(
                "what is searched more widely stands behind NOT: it excludes more than it did there"
            )
        return query

    def _unqualified(self) -> tuple[Target, ...]:
        shown = ", ".join(f"[{target.field}]" for target in self.default)
        self.report.note(f"words without a field are searched in {shown}")
        return self.default

    def _number(self, value: int, at: int, targets: tuple[Target, ...]) -> Query:
        if targets:
            return self.query(Words((str(value),), at), targets)
        if value in self.known:
            if value in self.report.wide_lines:
                self.report.widened += 1
                self.report.wide_lines.add(self.report.line)
            return self.known[value]
        return self.report.gap(str(value), "there is no such line above", at)

    # Proximity ------------------------------------------------------------------------------------

    def _near(self, node: Near, targets: tuple[Target, ...]) -> Query:
        left, right = self._alternatives(node.left), self._alternatives(node.right)
        if left is None or right is None:
            return self._together(node, targets)
        joined = [(a, b, _joined(a, b, node)) for a, b in product(left, right)]
        exact = [span for _, _, span in joined if span.exact]
        if len(exact) > MOST_COMBINATIONS:
            self.report.note(f"proximity of more than {MOST_COMBINATIONS} combinations becomes AND (wider)")
            return self._together(node, targets)
        found = [self._span(span, targets) for span in exact]
        # The rest holds truncation. Its pairs are put together by the word on the left.
        inexact: dict[_Span, list[_Span]] = {}
        for a, b, span in joined:
            if not span.exact:
                inexact.setdefault(a, []).append(b)
        by_partners: dict[tuple[_Span, ...], list[_Span]] = {}
        for a, partners in inexact.items():
            by_partners.setdefault(tuple(partners), []).append(a)
        for partners_of, group in by_partners.items():
            self.report.note("truncated words inside a proximity are joined with AND (wider)")
            sides = (group, partners_of)
            found.append(all_of(any_of(self._span(s, targets) for s in side) for side in sides))
        return any_of(found)

    def _together(self, node: Near, targets: tuple[Target, ...]) -> Query:
        self.report.note("proximity of groups that cannot be multiplied out becomes AND (wider)")
        return all_of((self.query(node.left, targets), self.query(node.right, targets)))

    def _alternatives(self, node: Node) -> list[_Span] | None:
        """All that a side of a proximity can be; None where it is more than words, or too much."""
        found: list[_Span] = []
        match node:
            case Words(words):
                choices = [self._spellings(word) for word in words]
                if any(not choice for choice in choices):
                    return None
                found = [_Span(chosen) for chosen in product(*choices)]
            case Number(value):
                found = [_Span((str(value),))]
            case Joined("OR", parts):
                for part in parts:
                    inner = self._alternatives(part)
                    if inner is None:
                        return None
                    found += inner
            case Near(left, right):
                sides = self._alternatives(left), self._alternatives(right)
                if sides[0] is None or sides[1] is None or len(sides[0]) * len(sides[1]) > MOST_ALTERNATIVES:
                    return None
                found = [_joined(a, b, node) for a, b in product(sides[0], sides[1])]
            case _:
                return None
        return list(dict.fromkeys(found)) if len(found) <= MOST_ALTERNATIVES else None

    def _spellings(self, word: str) -> tuple[str, ...]:
        """The word with its inner wildcards written out."""
        body, star = (word.rstrip("*"), "*") if word.endswith("*") else (word, "")
        if "*" in body:
            body, star = body.partition("*")[0], "*"
            self.report.note(f"'{word}': truncated at its first * (wider)")
        made = [""]
        for i, sign in enumerate(body):
            if sign not in "?#":
                made = [m + sign for m in made]
                continue
            near = "".join(c for c in body[max(0, i - 1) : i + 2].lower() if c.isalpha())
            digits = "-0123456789" if any(c.isdigit() for c in body[max(0, i - 1) : i + 2]) else ""
            choices = ["", *_LETTERS, *near, *digits] if sign == "?" else [*_LETTERS, *digits]
            made = [m + letter for m in made for letter in dict.fromkeys(choices)]
        if len(made) > MOST_COMBINATIONS:
            stem = re.split(r"[?#]", body)[0]
            if len(stem) < SHORTEST_STEM:
                return ()
            self.report.note(f"'{word}': truncated at its first wildcard (wider)")
            return (stem + "*",)
        if len(made) > 1:
            self.report.note(
                f"'{word}': the wildcard is written out with {_LETTERS}"
                + (", its neighbours and nothing" if "?" in word else "")
                + "; other spellings are not searched (narrower)"
            )
        return tuple(spelled + star for spelled in made if any(c.isalnum() for c in spelled))

    # Terms ----------------------------------------------------------------------------------------

    def _span(self, span: _Span, targets: tuple[Target, ...], at: int = 0) -> Query:
        return any_of(self._term(span, target, at) for target in targets)

    def _term(self, span: _Span, target: Target, at: int) -> Query:
        if target.field in DATE_FIELDS:
            return self._date(" ".join(span.words), target.field, at)
        if not span.exact:
            what = "a phrase" if span.ordered and not span.between else "a proximity"
            self.report.note(f"truncated words inside {what} are joined with AND (wider)")
            return all_of(self._term(_Span((word,)), target, at) for word in span.words)
        if len(span.words) == 1 or (span.ordered and not span.between):
            return self._phrase(span.words, target, at)
        place = {"ab": "tiab", "tw": "tiab", "all": "tiab"}.get(target.field, target.field)
        if place not in PROXIMITY_FIELDS:
            self.report.note(f"proximity in [{target.field}] becomes AND (wider)")
            return all_of(self._phrase((word,), target, at) for word in span.words)
        if place != target.field:
            self.report.note(
                f"PubMed has no proximity in [{target.field}]; it is searched in [tiab] ("
                + ("wider)" if target.field == "ab" else "narrower: not in headings)")
            )
        if span.ordered:
            self.report.note("proximity in this order becomes proximity in any order (wider)")
        elif len(span.words) > 2:
            self.report.note("proximity of more than two words counts the words between all of them")
        text = " ".join(word for phrase in span.words for word in _clean(phrase).split())
        return self._made(text, text, Target(place), at, proximity=span.between)

    def _phrase(self, words: Sequence[str], target: Target, at: int) -> Query:
        said = " ".join(words)
        truncated = said.endswith("*")
        text = " ".join(filter(None, map(_clean, words)))
        if target.field in HEADING_FIELDS:
            text = " ".join(said.rstrip("*").replace('"', "").split())
        if target.field == "sh":
            text = NAMES.get(text.lower()) or RETIRED.get(text.lower(), text)
            if not text:
                return self.report.gap(said, "MeSH no longer has this subheading", at)
        return self._made(said, text, target, at, truncated=truncated)

    def _made(
        self,
        said: str,
        text: str,
        target: Target,
        at: int,
        truncated: bool = False,
        proximity: int | None = None,
    ) -> Query:
        phrase = proximity is not None or " " in text or target.field in HEADING_FIELDS or _is_odd(text)
        try:
            return Term(text, target.field, phrase, truncated, proximity, target.exploded)
        except ValueError as e:
            return self.report.gap(said, str(e), at)

    def _date(self, text: str, field_: str, at: int) -> Query:
        found = re.fullmatch(r"(\d{4})(\d\d)?(\d\d)?\*?", text)
        if found is None:
            return self.report.gap(text, "not a date", at)
        day = "/".join(part for part in found.groups() if part)
        return Dates(day, day, field_)


def _joined(a: _Span, b: _Span, node: Near) -> _Span:
    ordered = a.ordered and b.ordered and node.ordered
    return _Span(a.words + b.words, a.between + b.between + node.between, ordered)


def _clean(word: str) -> str:
    """A word as PubMed takes it: without the signs that mean something there."""
    return " ".join(re.sub(r'["*]|/', " ", word).split()).strip(".,;:")


def _is_odd(text: str) -> bool:
    return bool(re.search(r"[()\[\]:#]", text)) or text.lower() in {"and", "or", "not"}
