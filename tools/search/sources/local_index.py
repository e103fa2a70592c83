"""The index file of a local corpus: words in an FTS5 table, everything exact in a table of facets.

For records that nobody indexed it also holds which headings of the vocabulary their words name, so that a
heading with tens of thousands of terms below it is one row to read, not as many searches.
It holds no texts, only where words stand, and can be deleted at any time.
Source: https://www.sqlite.org/fts5.html, "Contentless Tables", "Phrases", "NEAR Queries".
"""

import json
import sqlite3
import struct
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from tools.errors import InputFileError
from tools.schemas import Record
from tools.search.vocabulary import Vocabulary, is_telling, words
from tools.search.vocabulary_source import write_atomically

__all__ = ["COLUMNS", "Index", "Progress", "facets", "forms", "identity_of", "open_index"]

Progress = Callable[[int, int], None]
"""Told how many records are done, of how many."""

_FORMAT = "local-2"
"""Recipe of the index; a change in `words` or in the tables is a new recipe."""

# Stands between keywords, authors and headings, so that no phrase reaches from one into the next.
# From the private use area: SQLite keeps it as a word, `words` never yields it.
_BOUNDARY = " \ue000 "

COLUMNS = ("title", "abstract", "keywords", "indexing", "bibliographic")

_TABLES = f"""
CREATE VIRTUAL TABLE text USING fts5({", ".join(COLUMNS)}, content='', columnsize=0,
                                     tokenize="unicode61 remove_diacritics 0 categories 'L* N* Co'");
CREATE TABLE facet (field TEXT NOT NULL, value TEXT NOT NULL, position INTEGER NOT NULL,
                    PRIMARY KEY (field, value, position)) WITHOUT ROWID;
CREATE TABLE word (word TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE named (name TEXT, exploded INTEGER, positions BLOB NOT NULL,
                    PRIMARY KEY (name, exploded)) WITHOUT ROWID;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
_BATCH = 500

# ISO 639 codes and names that their first three letters do not lead to.
_LANGUAGES = {
    "japanese": "jpn", "jap": "jpn", "croatian": "hrv", "cro": "hrv", "serbian": "srp", "romanian": "rum",
    "en": "eng", "fr": "fre", "fra": "fre", "de": "ger", "deu": "ger", "es": "spa", "it": "ita", "pt": "por",
    "zh": "chi", "zho": "chi", "ja": "jpn", "ru": "rus", "nl": "dut", "nld": "dut", "pl": "pol", "tr": "tur",
    "ko": "kor", "cs": "cze", "ces": "cze", "sv": "swe", "da": "dan", "no": "nor", "fi": "fin", "hu": "hun",
    "el": "gre", "ell": "gre", "fa": "per", "fas": "per", "ar": "ara", "uk": "ukr",
}  # fmt: skip


def identity_of(records: Sequence[Record], vocabulary: Vocabulary | None = None) -> str:
    """Content hash of a corpus in its order, 16 hex digits; recipe and vocabulary of the index go into it."""
    digest = sha256(f"{_FORMAT}\n{vocabulary.identity if vocabulary else ''}\n".encode())
    for record in records:
        digest.update(record.model_dump_json().encode() + b"\n")
    return digest.hexdigest()[:16]


def language(name: str) -> str:
    """The three-letter code MEDLINE uses, of a code or an English name."""
    plain = " ".join(words(name))
    return _LANGUAGES.get(plain, plain[:3])


def author_forms(name: str) -> Iterator[str]:
    """`smith john b` and `smith jb` of "Smith, John B"; a collective name as it is."""
    last, comma, first = name.partition(",")
    yield " ".join(words(name))
    if comma:
        yield " ".join([*words(last), "".join(word[0] for word in words(first))]).strip()


def facets(record: Record) -> Iterator[tuple[str, str]]:
    """(field, value) for all that is searched as a whole and not as words."""
    for heading in record.mesh:
        yield "mh", " ".join(words(heading))
    for kind in record.publication_types:
        yield "pt", " ".join(words(kind))
    for position, author in enumerate(record.authors):
        for form in author_forms(author):
            yield "au", form
            if position == 0:
                yield "1au", form
            if position == len(record.authors) - 1:
                yield "lastau", form
    plain = {"ta": record.journal, "vi": record.volume, "ip": record.issue, "pg": record.pages}
    yield from ((field, " ".join(words(value))) for field, value in plain.items())
    identifiers = {"uid": record.pmid, "pmcid": record.pmcid, "aid": record.doi}
    yield from ((field, value.lower()) for field, value in identifiers.items() if value)
    yield from (("si", number.lower()) for number in record.registry_ids)
    yield "la", language(record.language)
    yield "dp", f"{record.year:04d}" if record.year is not None else ""
    yield "ab", "present" if record.abstract else ""
    yield "ot", "present" if record.keywords else ""


def _columns(record: Record) -> tuple[str, ...]:
    def joined(values: Iterable[str]) -> str:
        return _BOUNDARY.join(" ".join(words(value)) for value in values)

    return (
        " ".join(words(record.title)),
        " ".join(words(record.abstract)),
        joined(record.keywords),
        joined([*record.mesh, *record.publication_types, *record.registry_ids]),
        joined([*record.authors, record.journal]),
    )


def forms(term: str) -> Iterator[str]:
    """A heading or entry term as it stands, and in natural order: `chronic renal insufficiency` of
    `Renal Insufficiency, Chronic`; without those that say nothing in a running text."""
    natural = " ".join(reversed(term.split(", ")))
    return (form for form in dict.fromkeys((term, natural)) if is_telling(form))


class _Headings:
    """Which headings the words of a text name: by name or any entry term, in `forms`, word for word.

    Unlike `Vocabulary.find_in`, which reads a text once and takes the longest term, this finds every term,
    also those inside others: it must find what a search for each single term would.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._names: dict[str, set[str]] = {}
        self._lengths: dict[str, set[int]] = {}  # by the first two words: most positions are left at once
        self._here: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
        self._below: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
        self._above: dict[str, tuple[str, ...]] = {}
        for name, term in vocabulary.terms():
            for form in forms(term):
                parts = words(form)
                self._names.setdefault(" ".join(parts), set()).add(name)
                if len(parts) > 1:
                    self._lengths.setdefault(" ".join(parts[:2]), set()).add(len(parts))

    def find(self, parts: Sequence[str]) -> set[str]:
        """Names of the headings; `parts` are the words of a text."""
        found: set[str] = set()
        for start, (first, second) in enumerate(pairwise((*parts, ""))):
            if first in self._names:
                found |= self._names[first]
            for length in self._lengths.get(f"{first} {second}", ()):
                found |= self._names.get(" ".join(parts[start : start + length]), set())
        return found

    def add(self, position: int, columns: Sequence[str]) -> None:
        """Take note of the record at this position; positions come in ascending order."""
        names = self.find(_BOUNDARY.join(columns).split())
        above: set[str] = set(names)
        for name in names:
            if name not in self._above:
                self._above[name] = self._vocabulary.ancestors(name)
            above.update(self._above[name])
            self._here[name].append(position)
        for name in above:
            self._below[name].append(position)

    def rows(self) -> Iterator[tuple[str, bool, bytes]]:
        """(name, with all below it, positions), sorted; the exploded row only where it says more."""
        for name in sorted(self._below):
            here, below = self._here.get(name, array("I")), self._below[name]
            yield name, False, struct.pack(f"<{len(here)}I", *here)
            if len(below) > len(here):
                yield name, True, struct.pack(f"<{len(below)}I", *below)


def open_index(
    path: Path,
    records: Sequence[Record],
    progress: Progress | None = None,
    vocabulary: Vocabulary | None = None,
) -> "Index":
    """The index of these records and this vocabulary at `path`; built anew when it is missing, of others
    or broken.

    Raises:
        InputFileError: two records share an id.
    """
    identity = identity_of(records, vocabulary)
    index = _reuse(path, identity)
    if index is None:
        _refuse_doubles(records)
        with write_atomically(path) as scratch:
            _build(scratch, records, identity, progress, _Headings(vocabulary) if vocabulary else None)
        index = Index(path, identity)
    return index


def _reuse(path: Path, identity: str) -> "Index | None":
    if not path.is_file():
        return None
    index = Index(path, identity)
    try:
        if index.meta().get("identity") == identity:
            return index
    except sqlite3.DatabaseError:  # not SQLite, or of another shape: it is a cache, so we build it again
        index.close()
        return None
    index.close()
    return None


def _refuse_doubles(records: Sequence[Record]) -> None:
    seen: set[str] = set()
    for record in records:
        if record.record_id in seen:
            raise InputFileError(
                f"two records of the corpus have the id {record.record_id!r}; "
                "remedy: give each its own id, duplicates are joined later and counted"
            )
        seen.add(record.record_id)


def _build(
    path: Path,
    records: Sequence[Record],
    identity: str,
    progress: Progress | None,
    headings: _Headings | None,
) -> None:
    insert = f"INSERT INTO text (rowid, {', '.join(COLUMNS)}) VALUES (?{',?' * len(COLUMNS)})"  # noqa: S608
    vocabulary: set[str] = set()
    exact: set[tuple[str, str, int]] = set()
    db = sqlite3.connect(path)
    try:
        db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;" + _TABLES)
        for position, record in enumerate(records):
            columns = _columns(record)
            db.execute(insert, (position, *columns))
            vocabulary.update(columns[0].split(), columns[1].split(), columns[2].split())
            exact.update((field, value, position) for field, value in facets(record) if value)
            if headings is not None and not record.mesh:
                headings.add(position, columns[:3])
            if progress is not None and (position + 1) % _BATCH == 0:
                progress(position + 1, len(records))
        db.executemany("INSERT INTO facet VALUES (?,?,?)", sorted(exact))
        db.executemany("INSERT INTO word VALUES (?)", ((word,) for word in sorted(vocabulary)))
        db.executemany("INSERT INTO named VALUES (?,?,?)", headings.rows() if headings else ())
        db.execute("INSERT INTO meta VALUES ('identity', ?)", (identity,))
        db.execute("INSERT INTO text (text) VALUES ('optimize')")
        db.commit()
    finally:
        db.close()
    if progress is not None:
        progress(len(records), len(records))


class Index:
    """Questions to an index file; each answer is a set of positions in the corpus."""

    def __init__(self, path: Path, identity: str) -> None:
        self.identity = identity
        self._db = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    def meta(self) -> dict[str, str]:
        """What the file says about itself."""
        return dict(self._db.execute("SELECT key, value FROM meta"))

    def fields(self) -> frozenset[str]:
        """Facets that at least one record has."""
        found: set[str] = set()
        last = ""
        while (row := self._db.execute("SELECT min(field) FROM facet WHERE field > ?", (last,)).fetchone())[
            0
        ]:
            last = row[0]
            found.add(last)
        return frozenset(found)

    def match(self, columns: Sequence[str], expressions: Sequence[str]) -> set[int]:
        """Where any of these FTS5 expressions holds in these columns."""
        found: set[int] = set()
        # In portions: FTS5 walks all branches of an OR at every hit, and its parser has a limit.
        for start in range(0, len(expressions), 40):
            either = " OR ".join(expressions[start : start + 40])
            rows = self._db.execute(
                "SELECT rowid FROM text WHERE text MATCH ?", (f"{{{' '.join(columns)}}} : ({either})",)
            )
            found.update(position for (position,) in rows)
        return found

    def having(self, field: str, values: Iterable[str]) -> set[int]:
        """Records of which this facet has one of these values."""
        rows = self._db.execute(
            "SELECT position FROM json_each(?) AS asked JOIN facet ON facet.value = asked.value WHERE field = ?",
            (json.dumps(list(values)), field),
        )
        return {position for (position,) in rows}

    def naming(self, heading: str, *, exploded: bool) -> set[int]:
        """Records without headings whose title, abstract or keywords name this one or, where `exploded`,
        one below it, by any of their terms; of the vocabulary that the index was built with."""
        row = self._db.execute(
            "SELECT positions FROM named WHERE name = ? AND exploded <= ? ORDER BY exploded DESC LIMIT 1",
            (heading, exploded),
        ).fetchone()
        return set(struct.unpack(f"<{len(row[0]) // 4}I", row[0])) if row else set()

    def between(self, field: str, first: str, after: str) -> set[int]:
        """Records of which this facet lies in `[first, after)`, as text."""
        rows = self._db.execute(
            "SELECT position FROM facet WHERE field = ? AND value >= ? AND value < ?", (field, first, after)
        )
        return {position for (position,) in rows}

    def starting(self, field: str, prefix: str) -> set[int]:
        """Records of which this facet has a value that begins so."""
        return self.between(field, prefix, prefix + "\U0010ffff")

    def coverage(self, field: str) -> int:
        """How many records have this facet."""
        row = self._db.execute(
            "SELECT count(DISTINCT position) FROM facet WHERE field = ?", (field,)
        ).fetchone()
        return int(row[0])

    def has_words(self, parts: Iterable[str]) -> bool:
        """Whether each of these words stands in some title, abstract or keyword."""
        return all(
            self._db.execute("SELECT 1 FROM word WHERE word = ?", (part,)).fetchone() is not None
            for part in parts
        )
