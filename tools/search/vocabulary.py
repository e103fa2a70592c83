"""MeSH as one read-only SQLite file: headings, entry terms, trees, pharmacological actions.

The file is a disposable cache: `install` builds it from what NLM publishes, `Vocabulary` reads it.
Source of the data: https://www.nlm.nih.gov/databases/download/mesh.html; XML elements:
https://www.nlm.nih.gov/mesh/xml_data_elements.html.
"""

import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from tools.errors import InputFileError
from tools.schemas import canonical_json, sha256_of
from tools.search.vocabulary_source import Heading, read_headings, read_substances, write_atomically

__all__ = ["Descriptor", "Vocabulary", "install", "words"]

FORMAT = 2
"""Of the tables below; a file of another format is rebuilt, never migrated."""

_TABLES = """
CREATE TABLE descriptor (ui TEXT PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL);
CREATE TABLE term (ui TEXT NOT NULL, text TEXT NOT NULL, permuted INTEGER NOT NULL, key TEXT NOT NULL,
                   loose TEXT NOT NULL, preferred INTEGER NOT NULL);
CREATE TABLE tree (number TEXT PRIMARY KEY, ui TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE action (ui TEXT NOT NULL, name TEXT NOT NULL);
CREATE TABLE substance (name TEXT NOT NULL, action TEXT NOT NULL);
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
_INDEXES = """
CREATE INDEX descriptor_key ON descriptor (key);
CREATE INDEX term_key ON term (key);
CREATE INDEX term_loose ON term (loose);
CREATE INDEX term_ui ON term (ui);
CREATE INDEX tree_ui ON tree (ui);
CREATE INDEX action_ui ON action (ui);
CREATE INDEX action_name ON action (name);
CREATE INDEX substance_action ON substance (action);
"""

_WORD = re.compile(r"[^\W_]+")
_ASCII_WORD = re.compile(r"[a-z0-9]+")
_SPELLED = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "κ": "kappa", "λ": "lambda", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma",
    "τ": "tau", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
    "ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe",
}  # fmt: skip
# PubMed spells Greek letters out, so TNF-α is found by TNF-alpha; μ stays, as it is mostly the prefix micro.
_LETTER = re.compile("[α-ωłøđıæœ]")
# Combining marks; a pattern, as asking `unicodedata.combining` of each character takes half the indexing.
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u3099\u309a\ufe20-\ufe2f]+")

# Function words that are also acronyms in MeSH (ALL, WHO, IT): as single words they name no heading.
_FUNCTION_LIST = """
a all an and any are as at be but by can do for from had has have he her him his how if in is it its may
more most no nor not of on one or our out set she so some than that the them then they this to up us was
we were what when where which who why will with
"""
_FUNCTION_WORDS = frozenset(_FUNCTION_LIST.split())


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A MeSH heading."""

    ui: str
    name: str
    tree_numbers: tuple[str, ...] = ()


def words(text: str) -> list[str]:
    """The words of a text as every index and look-up here sees them.

    Lower case, without diacritics, Greek letters by name; a hyphen or any other sign splits.
    """
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    plain = _MARKS.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return _WORD.findall(_LETTER.sub(lambda found: _SPELLED.get(found[0], found[0]), plain))


def install(target: Path, source: Path | BinaryIO) -> "Vocabulary":
    """Build the vocabulary file; an install that fails leaves whatever was at `target` before.

    Args:
        target: the file to write, in the user's cache.
        source: NLM's descriptor XML (`desc2026.xml`, also gzipped), as a path or an open binary stream;
            or a folder with `mesh_thesaurus.tsv.gz`, `mesh_trees.tsv.gz` and, if there,
            `PharmacologicalActions.tsv.gz`; or JSON lines, one heading each:
            `{"descriptor": "Asthma", "ui": "D001249", "entry_terms": ["Bronchial Asthma"],
            "tree_numbers": ["C08.127.108"], "pharmacological_actions": []}`, of which only
            `descriptor` is required.

    Raises:
        InputFileError: the source is missing, cut off, empty, or none of these.
    """
    with write_atomically(target) as scratch:
        db = sqlite3.connect(scratch)
        try:
            db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;" + _TABLES)
            _fill(db, read_headings(source), read_substances(source), str(source))
            db.executescript(_INDEXES)
            db.commit()
        finally:
            db.close()
    return Vocabulary(target)


def _fill(
    db: sqlite3.Connection, headings: Iterable[Heading], substances: Iterable[tuple[str, str]], source: str
) -> None:
    digests: list[str] = []
    for heading in headings:
        name_key = " ".join(words(heading.name))
        try:
            db.execute("INSERT INTO descriptor VALUES (?,?,?)", (heading.ui, heading.name, name_key))
            db.executemany("INSERT INTO tree VALUES (?,?)", [(n, heading.ui) for n in heading.tree_numbers])
        except sqlite3.IntegrityError as e:
            raise InputFileError(
                f"{source}: heading {heading.name!r} repeats an identifier or a tree number ({e}); "
                "remedy: give each heading its own, or fetch the file anew"
            ) from e
        db.executemany("INSERT INTO term VALUES (?,?,?,?,?,?)", _term_rows(heading))
        actions = [(heading.ui, name) for name in heading.pharmacological_actions]
        db.executemany("INSERT INTO action VALUES (?,?)", actions)
        digests.append(sha256_of(canonical_json(heading.as_json())))
    if not digests:
        raise InputFileError(f"{source} holds no headings; remedy: give NLM's descriptor file, descYYYY.xml")
    count = len(digests)
    for name, action in substances:
        db.execute("INSERT INTO substance VALUES (?,?)", (name, action))
        digests.append(sha256_of(canonical_json([name, action])))
    identity = f"mesh-{sha256_of(''.join(sorted(digests)))[:16]}-{count}"
    db.executemany("INSERT INTO meta VALUES (?,?)", [("format", str(FORMAT)), ("identity", identity)])


def _term_rows(heading: Heading) -> list[tuple[str, str, bool, str, str, bool]]:
    rows = []
    terms = dict.fromkeys([(heading.name, False), *heading.terms])
    for text, permuted in terms:
        key = " ".join(words(text))
        if key:
            rows.append((heading.ui, text, permuted, key, _loose(text), text == heading.name))
    return rows


def _loose(text: str) -> str:
    """Blind to plural, hyphen and inversion: `Non-Steroidal Agents` and `agent, nonsteroidal` are one."""
    return "".join(sorted(map(_singular, words(text.replace("-", "")))))


@lru_cache(maxsize=200_000)
def _singular(word: str) -> str:
    """A plural's singular, roughly; short words and Latin endings stay, as AIDS is no plural of aid."""
    if len(word) < 5 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "shes", "ches", "xes")) else word[:-1]


class Vocabulary:
    """A read-only view of an installed vocabulary. Usable from several threads.

    Raises:
        InputFileError: on opening, when the file is missing or is no vocabulary of this program.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._matcher: _Matcher | None = None
        self._seen: dict[str, Descriptor] = {}
        remedy = "remedy: install the vocabulary again"
        if not path.is_file():
            raise InputFileError(f"no vocabulary at {path}; {remedy}")
        # immutable: a new install replaces the file by renaming, so what we have open never changes.
        address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        self._db = sqlite3.connect(address, uri=True, check_same_thread=False)
        try:
            meta = dict(self._db.execute("SELECT key, value FROM meta"))
        except sqlite3.DatabaseError as e:
            self._db.close()
            raise InputFileError(f"{path} is not a vocabulary ({e}); {remedy}") from e
        if meta.get("format") != str(FORMAT):
            self._db.close()
            raise InputFileError(f"{path} was written by another version of this program; {remedy}")
        self.identity: str = meta["identity"]
        """Content hash and number of headings; part of the keys of all that depends on the vocabulary."""

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def lookup(self, term: str) -> Descriptor | None:
        """The heading that a term names: its name or an entry term, in any case.

        Also found: permuted forms (`Biopsy, Needle` for `Needle Biopsy`), plurals, and hyphens set
        or left out. A heading's own name goes before an entry term, an exact form before a loose one.
        """
        exact = "SELECT ui FROM term WHERE key = ? ORDER BY preferred DESC, permuted, ui LIMIT 1"
        loose = "SELECT ui FROM term WHERE loose = ? ORDER BY preferred DESC, permuted, ui LIMIT 1"
        key = " ".join(words(term))
        row = (
            self._db.execute(exact, (key,)).fetchone() or self._db.execute(loose, (_loose(term),)).fetchone()
        )
        return self._descriptor_of(row[0]) if key and row else None

    def descriptor(self, name: str) -> Descriptor | None:
        """The heading of exactly this name, in any case; entry terms do not count."""
        row = self._db.execute("SELECT ui FROM descriptor WHERE key = ?", (" ".join(words(name)),)).fetchone()
        return self._descriptor_of(row[0]) if row else None

    def entry_terms(self, name: str, *, permuted: bool = False) -> tuple[str, ...]:
        """The synonyms of a heading, without its own name.

        Args:
            permuted: also give the inverted forms, such as `Asthma, Bronchial`.

        Raises:
            InputFileError: there is no such heading.
        """
        rows = self._db.execute(
            "SELECT text FROM term WHERE ui = ? AND NOT preferred AND permuted <= ? ORDER BY rowid",
            (self._required(name).ui, permuted),
        )
        return tuple(text for (text,) in rows)

    def terms(self) -> Iterator[tuple[str, str]]:
        """(heading, term) for all terms of all headings: names, synonyms and permuted forms."""
        rows = self._db.execute("SELECT d.name, t.text FROM term t JOIN descriptor d USING (ui)")
        return ((name, text) for name, text in rows)

    def explode(self, name: str) -> tuple[str, ...]:
        """The heading and all below it in any of its trees, by name.

        Raises:
            InputFileError: there is no such heading.
        """
        top = self._required(name)
        found = {top.name}
        for number in top.tree_numbers:
            rows = self._db.execute(  # "/" follows "." in ASCII: the range is everything below the number
                "SELECT d.name FROM tree t JOIN descriptor d USING (ui) WHERE t.number > ? AND t.number < ?",
                (number + ".", number + "/"),
            )
            found.update(below for (below,) in rows)
        return tuple(sorted(found))

    def below(self, number: str) -> tuple[str, ...]:
        """Names of the headings below a tree number, in tree order; a heading in two places is named once."""
        rows = self._db.execute(
            "SELECT d.name FROM tree t JOIN descriptor d USING (ui) WHERE t.number > ? AND t.number < ? "
            "ORDER BY t.number",
            (number + ".", number + "/"),
        )
        return tuple(dict.fromkeys(name for (name,) in rows))

    def ancestors(self, name: str) -> tuple[str, ...]:
        """The headings above this one in any of its trees, by name; itself not among them.

        Raises:
            InputFileError: there is no such heading.
        """
        start = self._required(name)
        above: set[str] = set()
        for number in start.tree_numbers:
            parts = number.split(".")
            for end in range(1, len(parts)):
                row = self._db.execute(
                    "SELECT d.name FROM tree t JOIN descriptor d USING (ui) WHERE t.number = ?",
                    (".".join(parts[:end]),),
                ).fetchone()
                above.update(row or ())
        return tuple(sorted(above - {start.name}))

    def pharmacological_actions(self, name: str) -> tuple[str, ...]:
        """Names of the headings for what this substance does; empty for what is no drug.

        Raises:
            InputFileError: there is no such heading.
        """
        ui = self._required(name).ui
        rows = self._db.execute("SELECT name FROM action WHERE ui = ? ORDER BY name", (ui,))
        return tuple(dict.fromkeys(action for (action,) in rows))

    def with_action(self, name: str) -> tuple[str, ...]:
        """Names of the substances that do what this heading says, headings first; empty for what is no action.

        Raises:
            InputFileError: there is no such heading.
        """
        action = self._required(name).name
        headings = self._db.execute(
            "SELECT d.name FROM action a JOIN descriptor d USING (ui) WHERE a.name = ? ORDER BY d.name",
            (action,),
        )
        others = self._db.execute("SELECT name FROM substance WHERE action = ? ORDER BY name", (action,))
        return tuple(dict.fromkeys(text for rows in (headings, others) for (text,) in rows))

    def ending_in(self, word: str) -> tuple[Descriptor, ...]:
        """The headings with a term in natural order whose last word this is: `Muscle Spasticity` for `spasticity`."""
        key = " ".join(words(word))
        if not key or " " in key:
            return ()
        rows = self._db.execute(
            "SELECT DISTINCT ui FROM term WHERE key LIKE ? AND NOT permuted AND instr(text, ',') = 0 ORDER BY ui",
            (f"% {key}",),
        )
        return tuple(self._descriptor_of(ui) for (ui,) in rows)

    def find_in(self, text: str) -> tuple[Descriptor, ...]:
        """The headings whose terms occur in a text, in order of first occurrence.

        Of terms that begin at the same word the longest counts, and reading goes on behind it. Plurals
        count; an acronym must stand in capitals. The first call reads all terms into memory.
        """
        if self._matcher is None:
            self._matcher = _Matcher(self._db)
        return tuple(self._descriptor_of(ui) for ui in self._matcher.find(text))

    def _descriptor_of(self, ui: str) -> Descriptor:
        if ui not in self._seen:
            (name,) = self._db.execute("SELECT name FROM descriptor WHERE ui = ?", (ui,)).fetchone()
            numbers = self._db.execute("SELECT number FROM tree WHERE ui = ? ORDER BY number", (ui,))
            self._seen[ui] = Descriptor(ui, name, tuple(number for (number,) in numbers))
        return self._seen[ui]

    def _required(self, name: str) -> Descriptor:
        if (found := self.descriptor(name)) is None:
            near = self.lookup(name)
            meant = f"the heading is {near.name!r}" if near else "see https://meshb.nlm.nih.gov"
            raise InputFileError(f"{name!r} is no heading of this vocabulary; remedy: {meant}")
        return found


class _Matcher:
    """All terms in memory, to find them in running text."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.terms: dict[str, str] = {}
        self.longest: dict[str, int] = {}  # by the first two words, so that most positions are left at once
        self.acronyms: set[str] = set()
        for text, key, ui in db.execute(
            "SELECT text, key, ui FROM term ORDER BY preferred DESC, permuted, ui"
        ):
            parts = [_singular(word) for word in key.split()]
            joined = " ".join(parts)
            if joined in self.terms or (len(parts) == 1 and not is_telling(text)):
                continue
            self.terms[joined] = ui
            if len(parts) > 1:
                start = " ".join(parts[:2])
                self.longest[start] = max(self.longest.get(start, 0), len(parts))
            elif text.isupper():
                self.acronyms.add(joined)

    def find(self, text: str) -> tuple[str, ...]:
        """Identifiers in order of first occurrence."""
        parts = [_singular(word) for word in words(text)]
        capitals = {_singular(w) for run in _WORD.findall(text) if run.isupper() for w in words(run)}
        found: dict[str, None] = {}
        at = 0
        for start, (first, second) in enumerate(pairwise([*parts, ""])):
            if start < at:  # inside the term found before
                continue
            length = self._longest(parts, start, self.longest.get(f"{first} {second}", 0))
            if length == 0 and first in self.terms and (first not in self.acronyms or first in capitals):
                length = 1
            if length:
                found[self.terms[" ".join(parts[start : start + length])]] = None
                at = start + length
        return tuple(found)

    def _longest(self, parts: Sequence[str], start: int, most: int) -> int:
        """Words of the longest term of two words or more that begins here; 0 when there is none."""
        for length in range(min(most, len(parts) - start), 1, -1):
            if " ".join(parts[start : start + length]) in self.terms:
                return length
        return 0


def is_telling(term: str) -> bool:
    """Whether a term says something when it occurs in a text: not a lone letter, number or function word."""
    parts = words(term)
    return len(parts) > 1 or (
        len(parts) == 1 and len(parts[0]) > 1 and not parts[0].isdigit() and parts[0] not in _FUNCTION_WORDS
    )
