"""A corpus on this machine as a source: the same strategy, evaluated over a full-text index in SQLite.

What the records do not carry cannot be searched: such clauses are dropped and listed, and none of them
ever excludes a record. Headings of records that nobody indexed are looked for in title and abstract,
to find a record, never to exclude it: PubMed's `NOT animals[mh]` keeps unindexed records, and so do we.

Source: PubMed User Guide, https://pubmed.ncbi.nlm.nih.gov/help/, for what each field means.
"""

import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from tools.errors import SourceRefused, SourceUnavailable
from tools.schemas import Hits, Record, SearchResult
from tools.search.query import FIELDS, And, Dates, Leaf, Not, Or, Query, Term, leaves, prune, render
from tools.search.sources.base import DateRange
from tools.search.sources.local_build import forms, language
from tools.search.sources.local_index import Index, Positions, Progress, open_index
from tools.search.vocabulary import Vocabulary, words

__all__ = ["LocalSource"]

_Row = TypeVar("_Row")

_TIAB = ("title", "abstract", "keywords")
_EVERYWHERE = (*_TIAB, "indexing", "bibliographic")
_TEXT = {
    "ti": ("title",),
    "ab": ("abstract",),
    "tiab": _TIAB,
    "ot": ("keywords",),
    "tw": (*_TIAB, "indexing"),
    "all": _EVERYWHERE,
    "": _EVERYWHERE,
}
"""Columns that a text field searches."""

_YEAR_BEGINS = frozenset({"", "/1", "/01", "/1/1", "/01/01"})
_YEAR_ENDS = frozenset({"", "/12", "/12/31"})
_AUTHORS = frozenset({"au", "1au", "lastau"})
_EXACT = frozenset({"pt", "ta", "vi", "ip", "pg", "uid", "pmcid", "aid", "si", "la"}) | _AUTHORS
_HEADINGS = frozenset({"mh", "majr"})
_DAYS = {"crdt": "create date", "lr": "date of revision"}
"""Dates that records carry as days, where they carry them."""


@dataclass(slots=True)
class _Corpus:
    """What an evaluation needs to know."""

    index: Index
    vocabulary: Vocabulary | None
    fields: frozenset[str]


class LocalSource:
    """Meets `base.Source` over the index of a corpus, which holds the records too."""

    def __init__(
        self,
        name: str,
        records: Sequence[Record],
        index_path: Path,
        vocabulary: Vocabulary | None = None,
        kind: str = "database",
        progress: Progress | None = None,
    ) -> None:
        """Open the index, or build it when there is none for exactly these records and this vocabulary.

        Args:
            name: as in review.yaml.
            records: the corpus; its order is the order of results.
            index_path: a file in the user's cache, which may be deleted at any time.
            vocabulary: explodes headings and gives their entry terms; without it a heading is its own words.
            kind: `database`, `register` or `file`, as in the PRISMA diagram.
            progress: told (records done, of how many) while the index is built.

        Raises:
            InputFileError: two records share an id.
        """
        self._use(name, open_index(index_path, records, progress, vocabulary), vocabulary, kind)

    @classmethod
    def over(
        cls, name: str, index: Index, vocabulary: Vocabulary | None = None, kind: str = "database"
    ) -> "LocalSource":
        """The source of an index that is there, built with this vocabulary; closes it in the end."""
        made = cls.__new__(cls)
        made._use(name, index, vocabulary, kind)
        return made

    def _use(self, name: str, index: Index, vocabulary: Vocabulary | None, kind: str) -> None:
        self.name, self.kind = name, kind
        self._corpus = _Corpus(index, vocabulary, index.fields())

    @property
    def size(self) -> int:
        """How many records the index holds."""
        return self._corpus.index.size

    def close(self) -> None:
        """Let the index file go."""
        self._corpus.index.close()

    def search(self, query: Query, *, search_id: str, dates: DateRange, limit: int) -> SearchResult:
        """See `Source.search`; `search_id` changes nothing here, as no service is asked.

        Returns:
            Hits in the corpus' order. `query_sent` is what was evaluated, `warnings` say what was
            dropped or read differently, and `parameters` name the index and the vocabulary.

        Raises:
            SourceRefused: an unknown tag, nothing left to evaluate, or more hits than `limit`.
            SourceUnavailable: the index file is damaged.
        """
        vocabulary, index = self._corpus.vocabulary, self._corpus.index
        sent, found, warnings = self._found(query, dates)
        count = int(found.sum())
        if count > limit:
            remedy = "make the strategy narrower, or raise the limit of this source"
            raise SourceRefused(self.name, render(query), f"{count} hits, the limit is {limit}", remedy)
        return SearchResult(
            source=self.name,
            query_sent=sent,
            count=count,
            warnings=warnings,
            parameters={
                "index": index.identity,
                "corpus_records": index.size,
                "vocabulary": vocabulary.identity if vocabulary else None,
                "dates": dates.model_dump(),
                "limit": limit,
            },
            records=self._read(index.records(found)),
        )

    def probe(self, query: Query, *, search_id: str, dates: DateRange, pmids: int = 0) -> Hits:
        """See `Source.probe`; hits in the corpus' order, those without a PMID are counted, not listed.

        Raises:
            SourceRefused, SourceUnavailable: as in `search`.
        """
        sent, found, warnings = self._found(query, dates)
        first = self._read(islice(self._corpus.index.pmids(found), pmids))
        return Hits(source=self.name, query_sent=sent, count=int(found.sum()), warnings=warnings, pmids=first)

    def _read(self, rows: Iterable[_Row]) -> tuple[_Row, ...]:
        try:
            return tuple(rows)
        except (sqlite3.DatabaseError, zlib.error, ValueError) as e:
            raise self._damaged(e) from e

    def _damaged(self, error: Exception) -> SourceUnavailable:
        what = f"its index cannot be read ({error}); remedy: delete {self._corpus.index.path} and run again"
        return SourceUnavailable(self.name, what)

    def _found(self, query: Query, dates: DateRange) -> tuple[str, Positions, tuple[str, ...]]:
        """What was evaluated, where it holds, and what has to be said about it."""
        self._refuse_unknown_tags(query)
        pruned = prune(query, self._is_missing)
        if pruned.query is None:
            remedy = "search with text words, such as asthma[tiab]"
            raise SourceRefused(self.name, render(query), "no clause can be evaluated in this corpus", remedy)
        warnings = [f"dropped, cannot be evaluated in this corpus: {render(part)}" for part in pruned.dropped]
        try:
            found = _Evaluation(self._corpus, warnings).hits(pruned.query, excludes=False)
            found = self._within(dates, found, warnings)
        except sqlite3.DatabaseError as e:
            raise self._damaged(e) from e
        return render(pruned.query), found, tuple(dict.fromkeys(warnings))

    def _refuse_unknown_tags(self, query: Query) -> None:
        for leaf in leaves(query):
            if leaf.field and leaf.field not in FIELDS:
                remedy = f"use a field tag of PubMed, such as {render(Term('asthma', 'tiab'))}"
                raise SourceRefused(self.name, render(query), f"[{leaf.field}] is no field tag", remedy)

    def _is_missing(self, leaf: Leaf, excludes: bool) -> bool:
        """Whether no record carries what this clause asks for."""
        if isinstance(leaf, Dates):
            return leaf.field not in {"dp", *_DAYS} or leaf.field not in self._corpus.fields
        if leaf.field in _HEADINGS:
            # A wider reading finds more. Where a match excludes, it would lose records.
            wider = leaf.field == "majr" or bool(leaf.subheading) or "mh" not in self._corpus.fields
            return excludes and wider
        if leaf.field == "sb":
            return leaf.text.lower() != "hasabstract"
        if leaf.field in _TEXT:
            return leaf.field in {"ab", "ot"} and leaf.field not in self._corpus.fields
        return leaf.field not in _EXACT or leaf.field not in self._corpus.fields

    def _within(self, dates: DateRange, found: Positions, warnings: list[str]) -> Positions:
        """Hits within the limits of the search; records without such a date stay, for a person to see."""
        if dates.start is None and dates.end is None:
            return found
        index = self._corpus.index
        start, end = dates.start or "0000", dates.end or "9999"
        field, name = ("crdt", "create date") if dates.of == "creation" else ("dp", "year")
        undated = found & index.absent(field)
        if number := int(undated.sum()):
            warnings.append(f"{number} hits have no {name} and are kept despite the limits of dates")
        if field == "crdt":
            return found & index.between(field, start, f"{end}~") | undated
        if start[4:] not in {"", "-01-01"} or end[4:] not in {"", "-12-31"}:
            warnings.append("records carry years only: the limits of the search apply to whole years")
        return found & _between_years(index, int(start[:4]), int(end[:4])) | undated


class _Evaluation:
    """One strategy over one corpus; notes in `warnings` what was read differently from PubMed."""

    def __init__(self, corpus: _Corpus, warnings: list[str]) -> None:
        self.corpus, self.index, self.warnings = corpus, corpus.index, warnings

    def hits(self, node: Query, *, excludes: bool) -> Positions:
        """Where it matches; `excludes` is True where a match takes records away."""
        match node:
            case And(parts):
                return _all(self.hits(part, excludes=excludes) for part in parts)
            case Or(parts):
                return self._any(parts, excludes)
            case Not(left, right):
                return self.hits(left, excludes=excludes) & ~self.hits(right, excludes=not excludes)
            case Dates():
                return self._days(node, excludes) if node.field in _DAYS else self._years(node, excludes)
            case Term():
                return self._term(node, excludes)

    def _any(self, parts: Sequence[Query], excludes: bool) -> Positions:
        """Plain text terms of the same columns go to the index together."""
        found: list[Positions] = []
        together: dict[tuple[str, ...], list[str]] = {}
        for part in parts:
            expression = _expression(part) if isinstance(part, Term) else None
            if isinstance(part, Term) and expression is not None:
                together.setdefault(_TEXT[part.field], []).append(expression)
            else:
                found.append(self.hits(part, excludes=excludes))
        found += (self.index.match(columns, expressions) for columns, expressions in together.items())
        return reduce(np.logical_or, found)

    def _years(self, dates: Dates, excludes: bool) -> Positions:
        first, last = int(dates.start[:4]), int(dates.end[:4])
        whole = dates.start[4:] in _YEAR_BEGINS and dates.end[4:] in _YEAR_ENDS
        if not whole:
            self.warnings.append(f"records carry years only: {render(dates)} is read in whole years")
        if excludes:  # only years that lie in the range as a whole may exclude
            first += dates.start[4:] not in _YEAR_BEGINS
            last -= dates.end[4:] not in _YEAR_ENDS
            return _between_years(self.index, first, last)
        return _between_years(self.index, first, last) | self._undated(dates, "year")

    def _days(self, dates: Dates, excludes: bool) -> Positions:
        """As `_years`, of a date that records carry as a day."""
        first, last = ("-".join(f"{int(n):02d}" for n in day.split("/")) for day in (dates.start, dates.end))
        found = self.index.between(dates.field, first, f"{last}~")  # "~" sorts behind every digit
        return found if excludes else found | self._undated(dates, _DAYS[dates.field])

    def _undated(self, dates: Dates, name: str) -> Positions:
        """Records without such a date, which no range of dates may hide."""
        without = self.index.absent(dates.field)
        if number := int(without.sum()):
            self.warnings.append(f"{number} records have no {name}; {render(dates)} does not hold them back")
        return without

    def _term(self, term: Term, excludes: bool) -> Positions:
        if term.field in {"", "all", "sb"} and term.text.lower() == "hasabstract":
            return self.index.having("ab", ["present"])
        if term.field in _HEADINGS:
            return self._heading(term, excludes)
        if term.field == "pt":
            return self._publication_type(term)
        if term.field in _EXACT:
            return self._exact(term)
        return self._text(term)

    # Words ---------------------------------------------------------------------------------------

    def _text(self, term: Term) -> Positions:
        columns = _TEXT[term.field]
        if (expression := _expression(term)) is not None:
            return self.index.match(columns, [expression])
        if not term.field:
            self.warnings.append(f"{render(term)}: untagged, its words are searched in all fields, unmapped")
            found = self._all_words(term, columns)
            return found | self.index.having("uid", [term.text]) if term.text.isdigit() else found
        if "*" in term.text:
            self.warnings.append(f"{render(term)}: truncated inside, so its words may stand apart")
            return self._all_words(term, columns)
        found = self.index.match(columns, [_phrase(term.text, term.truncated)])
        if found.any():
            return found
        # As PubMed does with an unquoted phrase that its phrase index lacks.
        self.warnings.append(f"{render(term)}: nowhere as a phrase, so its words are searched one by one")
        return self._all_words(term, columns)

    def _all_words(self, term: Term, columns: tuple[str, ...]) -> Positions:
        if term.phrase and "*" not in term.text:
            return self.index.match(columns, [_phrase(term.text, term.truncated)])
        parts = (term.text + "*" * term.truncated).split()
        telling = [part for part in parts if words(part)]
        expressions = [_phrase(part.rstrip("*"), part.endswith("*")) for part in telling]
        return _all(self.index.match(columns, [expression]) for expression in expressions)

    # Headings ------------------------------------------------------------------------------------

    def _heading(self, term: Term, excludes: bool) -> Positions:
        shown = render(term)
        if term.field == "majr":
            self.warnings.append(f"{shown}: records do not mark major topics; read as [mh]")
        if term.subheading:
            self.warnings.append(f"{shown}: records carry no subheadings; read as {term.heading!r} alone")
        name = self._name(term)
        found = self._indexed(term, name)
        unindexed = int(self.index.absent("mh").sum())
        if not unindexed:
            return found
        if excludes:
            self.warnings.append(f"{shown}: excludes none of the {unindexed} records without headings")
            return found
        self.warnings.append(
            f"[mh] in the {unindexed} of {self.index.size} records without headings: "
            "the heading and its entry terms are looked for in title, abstract and keywords"
        )
        return found | self._named(term, name)

    def _name(self, term: Term) -> str | None:
        """The heading that is meant; None without a vocabulary that has it."""
        vocabulary = self.corpus.vocabulary
        if vocabulary is None:
            return None
        descriptor = vocabulary.lookup(term.heading)
        if descriptor is None and not term.truncated:
            self.warnings.append(f"{render(term)}: not in the vocabulary; only its own words are searched")
        return descriptor.name if descriptor else None

    def _indexed(self, term: Term, name: str | None) -> Positions:
        """Records that carry the heading, or one below it; truncation switches that off, as in PubMed."""
        vocabulary = self.corpus.vocabulary
        if "mh" not in self.corpus.fields:
            return self.index.present("mh")
        if term.truncated:
            return self.index.starting("mh", " ".join(words(term.heading)))
        names: Sequence[str] = (name or term.heading,)
        if vocabulary is not None and name is not None and term.exploded:
            names = vocabulary.explode(name)
        return self.index.having("mh", [" ".join(words(one)) for one in names])

    def _named(self, term: Term, name: str | None) -> Positions:
        """Records without headings that name this heading, or one below it, in their text."""
        vocabulary = self.corpus.vocabulary
        if name is not None and not term.truncated:
            return self.index.naming(name, exploded=term.exploded)
        terms = [term.heading]
        if vocabulary is not None and vocabulary.descriptor(term.heading) is not None:
            terms += vocabulary.entry_terms(term.heading, permuted=True)
        phrases = dict.fromkeys(_phrase(form, term.truncated) for one in terms for form in forms(one))
        return self.index.match(_TIAB, list(phrases)) & self.index.absent("mh")

    def _publication_type(self, term: Term) -> Positions:
        self._say_coverage("pt", "publication type")
        if term.truncated:
            return self.index.starting("pt", " ".join(words(term.text)))
        names: tuple[str, ...] = (term.text,)
        vocabulary = self.corpus.vocabulary
        if vocabulary is not None and term.exploded and vocabulary.descriptor(term.text) is not None:
            names = vocabulary.explode(term.text)
        return self.index.having("pt", [" ".join(words(name)) for name in names])

    # Whole values --------------------------------------------------------------------------------

    def _exact(self, term: Term) -> Positions:
        value = " ".join(words(term.text))
        if term.field in _AUTHORS:
            if term.truncated or " " in value:  # PubMed completes initials: smith j[au] finds Smith JB
                return self.index.starting(term.field, value)
            return self.index.having(term.field, [value]) | self.index.starting(term.field, value + " ")
        if term.field == "la":
            self._say_coverage("la", "language")
            value = language(term.text)
        elif term.field in {"uid", "pmcid", "aid", "si"}:
            value = term.text.lower()
            if term.field == "si":
                value = value.rpartition("/")[2]  # ClinicalTrials.gov/NCT01234567[si]
            elif term.field == "pmcid" and value.isdigit():
                value = "pmc" + value
        if term.truncated:
            return self.index.starting(term.field, value)
        return self.index.having(term.field, [value])

    def _say_coverage(self, name: str, what: str) -> None:
        if without := int(self.index.absent(name).sum()):
            self.warnings.append(
                f"{without} of {self.index.size} records carry no {what}: [{name}] misses them"
            )


def _expression(term: Term) -> str | None:
    """One FTS5 expression for a term that has a single reading; None for all others."""
    several = len(term.text.split()) > 1
    if term.field not in _TEXT or not term.field or "*" in term.text or (several and not term.phrase):
        return None
    if term.text.lower() == "hasabstract":
        return None
    parts = words(term.text)
    if term.proximity is None or len(parts) < 2:
        return _phrase(term.text, term.truncated)
    # FTS5 counts the words between the first and the last, those of the term in the middle included.
    distance = term.proximity + len(parts) - 2
    quoted = " ".join(f'"{part}"' for part in parts)
    return f"NEAR({quoted}, {distance})"


def _phrase(text: str, truncated: bool) -> str:
    """Adjacent words as FTS5 writes them; `words` leaves nothing that FTS5 could read as syntax."""
    return f'"{" ".join(words(text))}"' + " *" * truncated


def _all(found: Iterable[Positions]) -> Positions:
    return reduce(np.logical_and, found)


def _between_years(index: Index, first: int, last: int) -> Positions:
    return index.between("dp", f"{first:04d}", f"{last:04d}~")  # "~" sorts behind every digit
