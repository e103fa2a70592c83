"""The parts a Boolean search strategy is made of, and PubMed's field tags. Pure.

A strategy is a tree: `Term` and `Dates` are its leaves, `And`, `Or` and `Not` its joints. The nodes
refuse values that PubMed's syntax cannot spell, so that every node can be rendered and read back.

Source: PubMed User Guide, https://pubmed.ncbi.nlm.nih.gov/help/, "Search field descriptions and tags".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from tools.errors import ReviewError

__all__ = [
    "DATE_FIELDS",
    "FIELDS",
    "HEADING_FIELDS",
    "MAX_DEPTH",
    "PROXIMITY_FIELDS",
    "And",
    "Dates",
    "Leaf",
    "Not",
    "Or",
    "Query",
    "QuerySyntaxError",
    "Term",
    "canonical_field",
    "depth",
    "leaves",
]

MAX_DEPTH = 200
"""Deepest nesting that is read; real strategies stay under 20, and Python's stack has an end."""

FIELDS: dict[str, tuple[str, ...]] = {
    "1au": ("author - first", "first author name", "first author"),
    "ab": ("abstract",),
    "ad": ("affiliation",),
    "aid": ("article identifier", "doi", "lid", "location id"),
    "all": ("all fields",),
    "au": ("author", "author name"),
    "auid": ("author - identifier", "author identifier"),
    "book": (),
    "cn": ("author - corporate", "corporate author"),
    "cois": ("conflict of interest statements",),
    "crdt": ("date - create", "create date"),
    "dcom": ("date - completion", "completion date"),
    "dp": ("pdat", "date - publication", "publication date"),
    "ed": ("editor",),
    "edat": ("date - entrez", "entrez date", "entry date"),
    "epdat": ("electronic publication date",),
    "fau": ("full author name", "author - full"),
    "gr": ("grant number", "grants and funding"),
    "ip": ("issue",),
    "ir": ("investigator",),
    "fir": ("full investigator name",),
    "isbn": (),
    "jid": ("nlm unique id",),
    "la": ("lang", "language"),
    "lastau": ("author - last", "last author name", "last author"),
    "lr": ("date - modification", "modification date", "mdat"),
    "majr": ("mesh major topic",),
    "mh": ("mesh", "mesh terms", "mesh term", "mesh heading", "mesh headings"),
    "mhda": ("date - mesh", "mesh date"),
    "nm": ("supplementary concept", "substance name", "substance"),
    "ot": ("other term",),
    "pa": ("pharmacological action",),
    "pg": ("pagination", "page"),
    "pl": ("place of publication",),
    "pmcid": ("pmc", "pmc id"),
    "ppdat": ("print publication date",),
    "ps": ("subject - personal name", "personal name as subject"),
    "pt": ("ptyp", "publication type", "publication types"),
    "pubn": ("publisher",),
    "rn": ("ec/rn number", "registry number"),
    "sb": ("subset", "filter", "text"),
    "sh": ("mesh subheading", "mesh subheadings", "subheading", "subheadings"),
    "si": ("secondary source id",),
    "ta": ("jour", "journal", "journal title abbreviation"),
    "ti": ("title",),
    "tiab": ("title/abstract", "title / abstract"),
    "tt": ("transliterated title",),
    "tw": ("text word", "text words"),
    "uid": ("pmid",),
    "vi": ("volume",),
}
"""Each tag in its short form, with the other spellings PubMed accepts."""

HEADING_FIELDS = frozenset({"mh", "majr", "sh", "pt"})
"""Fields of controlled headings: they explode, and take `:noexp`."""

DATE_FIELDS = frozenset({"dp", "edat", "crdt", "mhda", "lr", "dcom", "epdat", "ppdat"})

PROXIMITY_FIELDS = frozenset({"ti", "tiab", "ad"})
"""Where `:~N` works; in any other field PubMed finds nothing."""

_CANONICAL = {name: short for short, others in FIELDS.items() for name in (short, *others)}
_OPERATORS = frozenset({"and", "or", "not"})
_REFERENCE = re.compile(r"#\d+[.:]*|\d{1,3}[.:]")  # `#4`, and `4.` or `#4:` at the beginning of a line
_DATE = re.compile(r"\d{4}(/\d{1,2}(/\d{1,2})?)?")


class QuerySyntaxError(ReviewError):
    """A strategy cannot be read. `position` counts characters of `text`, the strategy as normalised."""

    exit_status = 2

    def __init__(self, problem: str, text: str, position: int, remedy: str) -> None:
        line_start = text.rfind("\n", 0, position) + 1
        line_end = text.find("\n", position)
        start = max(line_start, position - 40)
        end = min(len(text) if line_end < 0 else line_end, position + 40)
        shown = re.sub(r"\s", " ", text[start:end])
        super().__init__(
            f"the search strategy cannot be read: {problem}, at character {position + 1}\n"
            f"  {shown}\n  {' ' * (position - start)}^\n  remedy: {remedy}"
        )
        self.problem, self.text, self.position, self.remedy = problem, text, position, remedy


@dataclass(frozen=True, slots=True)
class Term:
    """One word, phrase or heading, with its field.

    Args:
        text: without quotes and without the final `*`; single spaces.
        field: short tag as in `FIELDS`, "" for an untagged word, or an unknown tag in lower case.
        phrase: it stands in double quotes.
        truncated: it ends in `*`.
        proximity: N of `[tiab:~N]`, the words that may stand between; None for no proximity.
        exploded: False for `:noexp`; only headings have it.

    Raises:
        ValueError: PubMed's syntax has no spelling for this value.
    """

    text: str
    field: str = ""
    phrase: bool = False
    truncated: bool = False
    proximity: int | None = None
    exploded: bool = True

    def __post_init__(self) -> None:
        words = self.text.split()
        if '"' in self.text or " ".join(words) != self.text or not any(c.isalnum() for c in self.text):
            raise ValueError(f"a term is words joined by single spaces, without double quotes: {self.text!r}")
        if any(word.startswith("*") for word in words) or self.text.endswith("*"):
            raise ValueError(f"truncation is the flag `truncated`, at the end only: {self.text!r}")
        if not self.phrase and any(map(_needs_quotes, words)):
            raise ValueError(f"this text can only be a quoted phrase: {self.text!r}")
        if not self.phrase and not self.field and len(words) > 1 and all(w.isdigit() for w in words):
            raise ValueError(f"untagged numbers are PMIDs joined by OR: {self.text!r}")
        if self.proximity is not None and not (self.phrase and self.proximity >= 0 and self.field):
            raise ValueError(f"proximity needs a quoted phrase, a field and N of 0 or more: {self!r}")
        if not self.exploded and (self.field not in HEADING_FIELDS or self.proximity is not None):
            raise ValueError(f"only headings can be kept from exploding: {self!r}")
        if re.search(r"[\[\]:\"]", self.field):
            raise ValueError(f"not a field tag: {self.field!r}")
        if self.field in DATE_FIELDS and not re.fullmatch(r"last \d+ (day|week|month|year)s?", self.text):
            raise ValueError(f"a date is a `Dates`, not a term: {self.text!r}")
        if self.field == "uid" and not self.phrase and len(words) > 1:
            raise ValueError(f"one identifier for each term: {self.text!r}")

    @property
    def heading(self) -> str:
        """The heading without its subheading: "Biopsy" of "Biopsy/adverse effects"."""
        return self.text.partition("/")[0].strip() if self.field in {"mh", "majr"} else self.text

    @property
    def subheading(self) -> str:
        """ "adverse effects" of "Biopsy/adverse effects"; empty when there is none."""
        return self.text.partition("/")[2].strip() if self.field in {"mh", "majr"} else ""


@dataclass(frozen=True, slots=True)
class Dates:
    """A range of dates in a date field, both ends included; `YYYY`, `YYYY/MM` or `YYYY/MM/DD`.

    Raises:
        ValueError: not dates, not a date field, or the end lies before the start.
    """

    start: str
    end: str
    field: str = "dp"

    def __post_init__(self) -> None:
        if self.field not in DATE_FIELDS or not all(map(_DATE.fullmatch, (self.start, self.end))):
            raise ValueError(f"not dates: {self!r}")
        shared = min(self.start.count("/"), self.end.count("/")) + 1
        first, last = (tuple(map(int, day.split("/")))[:shared] for day in (self.start, self.end))
        if first > last:
            raise ValueError(f"the range ends before it starts: {self.start}:{self.end}")


@dataclass(frozen=True, slots=True)
class And:
    """All of its parts; two or more."""

    parts: "tuple[Query, ...]"

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise ValueError("AND joins two or more parts")


@dataclass(frozen=True, slots=True)
class Or:
    """Any of its parts; two or more."""

    parts: "tuple[Query, ...]"

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise ValueError("OR joins two or more parts")


@dataclass(frozen=True, slots=True)
class Not:
    """`left` without what matches `right`."""

    left: "Query"
    right: "Query"


Leaf: TypeAlias = Term | Dates
Query: TypeAlias = Term | Dates | And | Or | Not
"""A strategy as a value: compare it, hash it, render it, evaluate it."""


def canonical_field(tag: str) -> str:
    """The short form of a tag without brackets; an unknown tag comes back in lower case."""
    name = " ".join(tag.lower().split())
    return _CANONICAL.get(name, name)


def leaves(query: Query) -> Iterator[Leaf]:
    """The terms and date ranges, in the order they are written."""
    stack: list[Query] = [query]
    while stack:
        node = stack.pop()
        if isinstance(node, Term | Dates):
            yield node
        else:
            stack.extend(reversed(_children(node)))


def depth(query: Query) -> int:
    """Longest way from the root to a leaf, in nodes. Works on trees that recursion could not walk."""
    deepest, level = 0, [query]
    while level:
        deepest += 1
        level = [c for node in level if not isinstance(node, Term | Dates) for c in _children(node)]
    return deepest


def _children(node: And | Or | Not) -> "tuple[Query, ...]":
    return (node.left, node.right) if isinstance(node, Not) else node.parts


def _needs_quotes(word: str) -> bool:
    return bool(
        word.lower() in _OPERATORS
        or _REFERENCE.fullmatch(word)
        or word.startswith(":")
        or set(word) & set("()[]")
    )
