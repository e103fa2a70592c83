"""Writing a strategy for a database that we cannot query, so that a person can run it there. Pure.

A `Language` says how words, headings and dates are written. What has no form there is taken out by the
rules of `prune` and listed; what means something else there is noted. Groups always stand in parentheses.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from tools.search.dialects.base import BLANK, Translated
from tools.search.query import And, Dates, Leaf, Not, Or, Query, Term, leaves, prune, render

__all__ = ["Language", "Sheet", "Style", "joined", "possible", "translate", "translated", "year_range"]

_OPERATOR = re.compile(r"(?:and|or|not|near|next|same|adj\d*|exp|use|limit|[nw]\d+)", re.IGNORECASE)
_SIMPLE = re.compile(r"[\w'.-]*\w[\w'.*-]*")


@dataclass(slots=True)
class Sheet:
    """What is said about a translation."""

    notes: dict[str, None] = field(default_factory=dict)
    blanks: dict[str, None] = field(default_factory=dict)

    def note(self, message: str) -> None:
        """Say this once."""
        self.notes.setdefault(message)

    def blank(self, heading: str) -> str:
        """The mark for a heading that a person must look up."""
        self.blanks.setdefault(heading)
        return BLANK.format(heading)


@dataclass(frozen=True, slots=True)
class Style:
    """How a language writes words.

    Args:
        near: the operator between words at most N apart, of N.
        quotes: around a phrase.
        ending: the operator between the words of a phrase that ends in `*`; empty where quotes allow `*`.
        wildcards: signs that PubMed takes literally and this language does not.
    """

    near: Callable[[int], str]
    quotes: tuple[str, str] = ('"', '"')
    ending: str = ""
    wildcards: str = "?"

    def word(self, text: str) -> str:
        """A word, in quotation marks where it could be read as something else."""
        if _SIMPLE.fullmatch(text) and not _OPERATOR.fullmatch(text) and not text.startswith("'"):
            return text
        return self.quoted(text)

    def quoted(self, text: str) -> str:
        """In the language's quotation marks, or in double ones where it holds an apostrophe."""
        opening, closing = ('"', '"') if "'" in text else self.quotes
        return f"{opening}{text}{closing}"

    def written(self, term: Term, sheet: Sheet) -> str:
        """A word, a phrase or a proximity; the last two in quotation marks or in parentheses."""
        star = "*" * term.truncated
        words = (term.text + star).split()
        if signs := set(term.text) & set(self.wildcards + "*"):
            sheet.note(f"{render(term)}: {' '.join(sorted(signs))} is a wildcard there: check")
        if len(words) == 1:
            return self.word(words[0])
        if term.proximity is not None:
            if len(words) > 2:
                sheet.note(f"{render(term)}: there the words are counted between neighbours, not between all")
            return joined(map(self.word, words), self.near(term.proximity))
        if not term.phrase and term.field:
            sheet.note("words that stand together without quotation marks are written as a phrase")
        if star and self.ending:
            return joined(map(self.word, words), self.ending)
        return self.quoted(term.text + star)


Headings: TypeAlias = Callable[[Term, Sheet], str | None]
DateForm: TypeAlias = Callable[[Dates, Sheet], str | None]


@dataclass(frozen=True, slots=True)
class Language:
    """How a database writes a strategy.

    Args:
        fields: by PubMed's tag, the form around the words; `{}` stands for them.
        differences: by PubMed's tag, what that form finds that PubMed does not, or the reverse.
        headings: by PubMed's tag, how a controlled term is written; None for one that cannot be.
    """

    name: str
    style: Style
    fields: Mapping[str, str]
    headings: Mapping[str, Headings]
    dates: DateForm
    differences: Mapping[str, str] = field(default_factory=dict)
    negation: str = "NOT"
    conjunction: str = "AND"
    disjunction: str = "OR"

    def leaf(self, leaf: Leaf, sheet: Sheet) -> str | None:
        """A term or a range of dates; None where it has no form."""
        if isinstance(leaf, Dates):
            return self.dates(leaf, sheet)
        if leaf.field in self.headings:
            return self.headings[leaf.field](leaf, sheet)
        if leaf.field not in self.fields:
            return None
        if leaf.field in self.differences:
            sheet.note(f"[{leaf.field}]: {self.differences[leaf.field]}")
        if not leaf.field:
            sheet.note(
                "words without a tag: PubMed also looks for headings and journals, here only words are"
            )
        return self.fields[leaf.field].replace("{}", self.style.written(leaf, sheet))

    def write(self, node: Query, sheet: Sheet) -> str:
        """The text of a strategy all of whose leaves have a form."""
        match node:
            case And(parts):
                return joined((self.write(part, sheet) for part in parts), self.conjunction)
            case Or(parts):
                return joined((self.write(part, sheet) for part in parts), self.disjunction)
            case Not(left, right):
                return joined((self.write(left, sheet), self.write(right, sheet)), self.negation)
            case _:
                return self.leaf(node, sheet) or ""


def translate(query: Query, language: Language) -> Translated:
    """The strategy in this language, with everything that is different there."""
    sheet = Sheet()
    kept, dropped = possible(query, language, sheet)
    text = "" if kept is None else language.write(kept, sheet)
    return translated(text, language, sheet, dropped)


def possible(query: Query, language: Language, sheet: Sheet) -> tuple[Query | None, tuple[Query, ...]]:
    """What of a strategy has a form in this language, and what has none; why not goes to the notes."""
    without = {leaf for leaf in leaves(query) if language.leaf(leaf, Sheet()) is None}
    for leaf in leaves(query):
        if leaf in without:
            language.leaf(leaf, sheet)
    pruned = prune(query, lambda leaf, excludes: leaf in without)
    return pruned.query, pruned.dropped


def translated(text: str, language: Language, sheet: Sheet, dropped: Sequence[Query]) -> Translated:
    """A translation with what was said about it."""
    if not text:
        sheet.note(f"nothing of this strategy has a form in {language.name}")
    return Translated(
        text=text,
        notes=tuple(sheet.notes),
        blanks=tuple(sheet.blanks),
        dropped=tuple(map(render, dropped)),
    )


def joined(parts: Iterable[str], operator: str) -> str:
    """The parts with an operator between them, in parentheses."""
    return "(" + f" {operator} ".join(parts) + ")"


def year_range(dates: Dates, sheet: Sheet) -> tuple[int, int | None]:
    """First and last year, None for no end; dates within a year are widened to it with a note."""
    start, end = int(dates.start[:4]), int(dates.end[:4])
    if len(dates.start + dates.end) > 8:
        sheet.note(f"{render(dates)}: whole years only (wider)")
    return start, None if end >= 3000 else end
