"""What the index of a local corpus keeps of a record: its words, its exact values, and the record itself.

Everything here is done record by record, so that several processes can prepare several files at once;
`Builder` then writes it down in one, in constant memory.
"""

import json
import sqlite3
import zlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tools.schemas import Record
from tools.search.vocabulary import Vocabulary, is_telling, words

__all__ = [
    "BELOW",
    "COLUMNS",
    "DEAD",
    "FORMAT",
    "HAS",
    "NAMED",
    "Builder",
    "Prepared",
    "Preparer",
    "forms",
    "language",
    "preparer",
    "unpacked",
]

FORMAT = "local-3"
"""Recipe of the index; a change in `words` or in the tables is a new recipe."""

# Stands between keywords, authors and headings, so that no phrase reaches from one into the next.
# From the private use area: SQLite keeps it as a word, `words` never yields it.
BOUNDARY = " \ue000 "

COLUMNS = ("title", "abstract", "keywords", "indexing", "bibliographic")

HAS, NAMED, BELOW, DEAD = "has", "named", "below", "dead"
"""Facets of our own: the fields that a record has; the headings that the words of an unindexed record name,
and with them all headings above; the positions of records that a later file replaced or deleted."""

_TABLES = f"""
CREATE VIRTUAL TABLE text USING fts5({", ".join(COLUMNS)}, content='', columnsize=0,
                                     tokenize="unicode61 remove_diacritics 0 categories 'L* N* Co'");
CREATE TABLE facet (field TEXT NOT NULL, value TEXT NOT NULL, positions BLOB NOT NULL);
CREATE TABLE record (position INTEGER PRIMARY KEY, id TEXT NOT NULL, pmid TEXT, given TEXT, version TEXT,
                     replaceable INTEGER NOT NULL, body BLOB NOT NULL);
CREATE UNIQUE INDEX record_id ON record (id);
CREATE INDEX record_given ON record (given) WHERE given IS NOT NULL;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TEMP TABLE part (field TEXT NOT NULL, value TEXT NOT NULL, first INTEGER NOT NULL, positions BLOB);
"""
_SEGMENT = 20_000

# ISO 639 codes and names that their first three letters do not lead to.
_LANGUAGES = {
    "japanese": "jpn", "jap": "jpn", "croatian": "hrv", "cro": "hrv", "serbian": "srp", "romanian": "rum",
    "en": "eng", "fr": "fre", "fra": "fre", "de": "ger", "deu": "ger", "es": "spa", "it": "ita", "pt": "por",
    "zh": "chi", "zho": "chi", "ja": "jpn", "ru": "rus", "nl": "dut", "nld": "dut", "pl": "pol", "tr": "tur",
    "ko": "kor", "cs": "cze", "ces": "cze", "sv": "swe", "da": "dan", "no": "nor", "fi": "fin", "hu": "hun",
    "el": "gre", "ell": "gre", "fa": "per", "fas": "per", "ar": "ara", "uk": "ukr",
}  # fmt: skip


class Prepared(NamedTuple):
    """A record as the index takes it; `body` is its JSON, compressed."""

    record_id: str
    pmid: str | None
    version: str
    columns: tuple[str, ...]
    facets: tuple[tuple[str, str], ...]
    body: bytes

    def renamed(self, record_id: str) -> "Prepared":
        """The same under another id; its version stays that of the content as its file gives it."""
        record = unpacked(self.body).model_copy(update={"record_id": record_id})
        return self._replace(record_id=record_id, body=packed(record))


def packed(record: Record) -> bytes:
    """A record's JSON, compressed; what it has not is left out."""
    return zlib.compress(record.model_dump_json(exclude_defaults=True).encode(), 1)


def unpacked(body: bytes) -> Record:
    """The record of `packed`."""
    return Record.model_validate_json(zlib.decompress(body))


class Preparer:
    """Makes `Prepared` of records, with the headings of one vocabulary, or of none."""

    def __init__(self, vocabulary: Vocabulary | None) -> None:
        self._headings = _Headings(vocabulary) if vocabulary else None

    def __call__(self, record: Record) -> Prepared:
        texts = columns(record)
        exact = set(facets(record))
        if self._headings is not None and not record.mesh:
            exact |= self._headings.facets(BOUNDARY.join(texts[:3]).split())
        return Prepared(record.record_id, record.pmid, record.version, texts, tuple(exact), packed(record))


@lru_cache(maxsize=1)
def preparer(vocabulary: Path | None) -> Preparer:
    """The preparer of a worker process: a large vocabulary takes a second to read, and serves many files."""
    return Preparer(Vocabulary(vocabulary) if vocabulary else None)


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
    """(field, value) for all that is searched as a whole and not as words, and `("has", field)` for each
    field that the record has; values may repeat."""
    for field, value in _values(record):
        if value:
            yield field, value
            yield HAS, field


def _values(record: Record) -> Iterator[tuple[str, str]]:
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
    yield "crdt", record.created or ""
    yield "lr", record.updated or ""
    yield "ab", "present" if record.abstract else ""
    yield "ot", "present" if record.keywords else ""


def columns(record: Record) -> tuple[str, ...]:
    """What each of `COLUMNS` holds of a record; PubMed searches other abstracts with the abstract."""

    def joined(values: Iterable[str]) -> str:
        return BOUNDARY.join(" ".join(words(value)) for value in values)

    return (
        " ".join(words(record.title)),
        joined([record.abstract, *record.other_abstracts]),
        joined(record.keywords),
        joined([*record.mesh, *record.publication_types, *record.registry_ids]),
        joined([*record.authors, record.journal, *filter(None, [record.vernacular_title])]),
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
        self._names: dict[tuple[str, ...], set[str]] = {}
        self._single: set[str] = set()
        self._lengths: dict[tuple[str, str], set[int]] = {}  # of terms that begin with these two words
        self._facets: dict[str, frozenset[tuple[str, str]]] = {}
        for name, term in vocabulary.terms():
            for form in forms(term):
                parts = tuple(words(form))
                self._names.setdefault(parts, set()).add(name)
                if len(parts) == 1:
                    self._single.add(parts[0])
                else:
                    self._lengths.setdefault((parts[0], parts[1]), set()).add(len(parts))

    def find(self, parts: Sequence[str]) -> set[str]:
        """Names of the headings; `parts` are the words of a text."""
        found: set[str] = set()
        for word in self._single.intersection(parts):
            found |= self._names[word,]
        pairs = list(pairwise(parts))
        # Whole sets first: nearly all words of a text begin no term.
        beginnings = self._lengths.keys() & set(pairs)
        for start, pair in enumerate(pairs) if beginnings else ():
            if pair in beginnings:
                for length in self._lengths[pair]:
                    found |= self._names.get(tuple(parts[start : start + length]), set())
        return found

    def facets(self, parts: Sequence[str]) -> set[tuple[str, str]]:
        """The headings that a text names, and all that lie above them."""
        names = self.find(parts)
        for name in names:
            if name not in self._facets:
                above = (name, *self._vocabulary.ancestors(name))
                self._facets[name] = frozenset([(NAMED, name), *((BELOW, one) for one in above)])
        return set().union(*(self._facets[name] for name in names))


class Builder:
    """Writes an index file, record by record; of the lists of positions only a segment is in memory."""

    def __init__(self, path: Path) -> None:
        self.size = 0
        """Positions given out, those of replaced records included."""
        self._dead: list[int] = []
        self._segment: defaultdict[tuple[str, str], array[int]] = defaultdict(lambda: array("I"))
        self._db = sqlite3.connect(path)
        pragmas = "journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536; PRAGMA temp_store=FILE"
        self._db.executescript(f"PRAGMA {pragmas};{_TABLES}BEGIN;")

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    @property
    def live(self) -> int:
        """Records that are found."""
        return self.size - len(self._dead)

    def holds(self, record_id: str, version: str) -> bool:
        """Whether this content came before under this id, whatever id it was kept under."""
        asked = "SELECT 1 FROM record WHERE version = ? AND (id = ? AND given IS NULL OR given = ?)"
        return self._db.execute(asked, (version, record_id, record_id)).fetchone() is not None

    def taken(self, record_id: str) -> bool:
        """Whether a record has this id."""
        return self._db.execute("SELECT 1 FROM record WHERE id = ?", (record_id,)).fetchone() is not None

    def add(self, record: Prepared, *, given: str | None = None, replaceable: bool = False) -> None:
        """Take a record whose id is not taken.

        Args:
            record: the record.
            given: the id that its file gives it, where it is kept under another one.
            replaceable: whether a later file may say what has become of this id.
        """
        insert = f"INSERT INTO text (rowid, {', '.join(COLUMNS)}) VALUES (?{',?' * len(COLUMNS)})"  # noqa: S608
        position = self.size
        self._db.execute(insert, (position, *record.columns))
        row = (position, record.record_id, record.pmid, given, record.version, replaceable, record.body)
        self._db.execute("INSERT INTO record VALUES (?,?,?,?,?,?,?)", row)
        for facet in record.facets:
            self._segment[facet].append(position)
        self.size += 1
        if self.size % _SEGMENT == 0:
            self._flush()

    def drop(self, record_id: str) -> bool:
        """Take the replaceable record of this id out again; False when there is none."""
        asked = "DELETE FROM record WHERE id = ? AND replaceable RETURNING position"
        row = self._db.execute(asked, (record_id,)).fetchone()
        if row is not None:
            self._dead.append(row[0])
        return row is not None

    def finish(self, meta: Mapping[str, object]) -> None:
        """Put the lists together and write what the file says about itself."""
        self._flush()
        dead = frozenset(self._dead)
        rows = self._db.execute("SELECT field, value, positions FROM part ORDER BY field, value, first")
        whole = (
            (field, value, kept)
            for (field, value), group in groupby(rows, key=itemgetter(0, 1))
            if (kept := _without(dead, b"".join(part[2] for part in group)))
        )
        self._db.executemany("INSERT INTO facet VALUES (?,?,?)", whole)
        if dead:
            self._db.execute("INSERT INTO facet VALUES (?,?,?)", (DEAD, "", _blob(sorted(dead))))
        self._db.execute("CREATE UNIQUE INDEX facet_value ON facet (field, value)")
        said = {**meta, "size": self.size, "live": self.live}
        self._db.executemany("INSERT INTO meta VALUES (?,?)", ((k, json.dumps(v)) for k, v in said.items()))
        self._db.execute("INSERT INTO text (text) VALUES ('optimize')")
        self._db.commit()

    def _flush(self) -> None:
        rows = ((field, value, p[0], _blob(p)) for (field, value), p in self._segment.items())
        self._db.executemany("INSERT INTO part VALUES (?,?,?,?)", rows)
        self._segment.clear()


def _blob(positions: Sequence[int]) -> bytes:
    """Unsigned 32-bit numbers, little end first."""
    return np.asarray(positions, dtype="<u4").tobytes()


def _without(dead: frozenset[int], positions: bytes) -> bytes:
    if not dead:
        return positions
    return _blob([position for position in np.frombuffer(positions, "<u4").tolist() if position not in dead])
