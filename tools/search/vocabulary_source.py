"""Reading the forms in which MeSH is given: NLM's XML, tables, JSON lines. Used by `vocabulary.install`."""

import csv
import gzip
import io
import json
import os
import sqlite3
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO

from tools.errors import InputFileError, StoreError
from tools.schemas import sha256_of

if TYPE_CHECKING:
    from lxml import etree

__all__ = ["Heading", "read_headings", "read_substances", "write_atomically"]

_REMEDY = "remedy: give NLM's descYYYY.xml (also gzipped), the folder of MeSH tables, or JSON lines"
_THESAURUS, _TREES, _ACTIONS = "mesh_thesaurus.tsv.gz", "mesh_trees.tsv.gz", "PharmacologicalActions.tsv.gz"


@dataclass(slots=True)
class Heading:
    """One heading as its source gives it; `terms` are (text, permuted) without the name itself."""

    ui: str
    name: str
    terms: list[tuple[str, bool]] = field(default_factory=list)
    tree_numbers: list[str] = field(default_factory=list)
    pharmacological_actions: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Content without the order in which the source happens to list it."""
        return {
            "ui": self.ui,
            "name": self.name,
            "terms": sorted(set(self.terms)),
            "tree_numbers": sorted(set(self.tree_numbers)),
            "pharmacological_actions": sorted(set(self.pharmacological_actions)),
        }


@contextmanager
def write_atomically(target: Path) -> Iterator[Path]:
    """A scratch file beside `target` that takes its place when all went well, and is removed otherwise.

    Raises:
        StoreError: the disk is full, or the folder cannot be written.
    """
    scratch: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.name, suffix=".part")
        os.close(handle)
        scratch = Path(name)
        yield scratch
        scratch.replace(target)
    except (OSError, sqlite3.OperationalError) as e:
        remedy = "free space on that disk, or choose another folder for the cache"
        raise StoreError(f"{target} cannot be written: {e}; remedy: {remedy}") from e
    finally:
        if scratch is not None:
            scratch.unlink(missing_ok=True)


def read_headings(source: Path | BinaryIO) -> Iterator[Heading]:
    """Headings one by one, whatever the form.

    Raises:
        InputFileError: missing, cut off, or of no known form.
    """
    if not isinstance(source, Path):
        yield from _read_stream(source, "the stream")
    elif source.is_dir():
        yield from _read_tables(source)
    elif not source.is_file():
        raise InputFileError(f"no file or folder at {source}; {_REMEDY}")
    else:
        try:
            with source.open("rb") as stream:
                yield from _read_stream(stream, str(source))
        except OSError as e:
            raise InputFileError(f"{source} cannot be read ({e}); {_REMEDY}") from e


def _read_stream(stream: BinaryIO, name: str) -> Iterator[Heading]:
    buffered = io.BufferedReader(stream)  # type: ignore[type-var]
    try:
        packed = buffered.peek(2)[:2] == b"\x1f\x8b"
        plain: IO[bytes] = io.BufferedReader(gzip.GzipFile(fileobj=buffered)) if packed else buffered
        start = plain.peek(64)[:64].lstrip(b"\xef\xbb\xbf \t\r\n")  # type: ignore[attr-defined]
        if start.startswith(b"<"):
            yield from _read_xml(plain, name)
        elif start.startswith(b"{"):
            yield from _read_json_lines(plain, name)
        else:
            raise InputFileError(f"{name} is neither XML nor JSON lines; {_REMEDY}")
    except (EOFError, gzip.BadGzipFile, zlib.error) as e:
        raise InputFileError(f"{name} is cut off or damaged ({e}); remedy: fetch it again") from e
    finally:
        buffered.detach()  # the stream is the caller's to close


def _read_xml(stream: IO[bytes], name: str) -> Iterator[Heading]:
    from lxml import etree

    records = etree.iterparse(
        stream,
        tag="DescriptorRecord",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    try:
        for _, record in records:
            yield _xml_heading(record, name)
            record.clear()
            while record.getprevious() is not None:  # else 300 MB of empty siblings stay in memory
                del record.getparent()[0]
    except etree.XMLSyntaxError as e:
        raise InputFileError(f"{name} is cut off or not XML ({e}); remedy: fetch it again") from e


def _xml_heading(record: "etree._Element", name: str) -> Heading:
    ui, heading = record.findtext("DescriptorUI"), record.findtext("DescriptorName/String")
    if not ui or not heading:
        raise InputFileError(f"{name}: a DescriptorRecord has no identifier or name; {_REMEDY}")
    actions = "PharmacologicalActionList/PharmacologicalAction/DescriptorReferredTo/DescriptorName/String"
    terms = [
        (text.strip(), term.get("IsPermutedTermYN") == "Y")
        for term in record.iterfind("ConceptList/Concept/TermList/Term")
        if (text := term.findtext("String")) and text.strip() != heading.strip()
    ]
    return Heading(
        ui=ui.strip(),
        name=heading.strip(),
        terms=terms,
        tree_numbers=[e.text.strip() for e in record.iterfind("TreeNumberList/TreeNumber") if e.text],
        pharmacological_actions=[e.text.strip() for e in record.iterfind(actions) if e.text],
    )


def _read_tables(folder: Path) -> Iterator[Heading]:
    headings: dict[str, Heading] = {}
    for row in _rows(folder / _THESAURUS, "DescriptorUI", "DescriptorName", "TermName", "IsPermutedTermYN"):
        ui, name, term = row["DescriptorUI"], row["DescriptorName"], row["TermName"]
        heading = headings.setdefault(ui, Heading(ui, name))
        if term != name:
            heading.terms.append((term, row["IsPermutedTermYN"] == "Y"))
    # The table has no row for the first heading of a tree; those below name it with its number.
    tops: dict[str, str] = {}
    for row in _rows(folder / _TREES, "DescriptorUI", "DescriptorName", "tree_location"):
        if row.get("mesh1") and row.get("tree1"):
            tops[row["mesh1"]] = row["tree1"]
        heading = headings.setdefault(
            row["DescriptorUI"], Heading(row["DescriptorUI"], row["DescriptorName"])
        )
        heading.tree_numbers.append(row["tree_location"])
    for heading in headings.values():
        if heading.name in tops and tops[heading.name] not in heading.tree_numbers:
            heading.tree_numbers.append(tops[heading.name])
    if (folder / _ACTIONS).is_file():
        for row in _rows(folder / _ACTIONS, "DescriptorUI", "PharmActionName"):
            if row["DescriptorUI"] in headings:  # the table also lists substances that are no headings
                headings[row["DescriptorUI"]].pharmacological_actions.append(row["PharmActionName"])
    yield from headings.values()


def read_substances(source: Path | BinaryIO) -> Iterator[tuple[str, str]]:
    """(name, pharmacological action) of substances that are no headings themselves, as most newer drugs.

    Only the folder of tables lists them; NLM's descriptor file and JSON lines do not.

    Raises:
        InputFileError: the table is cut off or damaged.
    """
    if not isinstance(source, Path) or not (source / _ACTIONS).is_file():
        return
    for row in _rows(source / _ACTIONS, "DescriptorUI", "DescriptorName", "PharmActionName"):
        if row["DescriptorUI"].startswith("C"):  # a supplementary record; a heading's begins with D
            yield row["DescriptorName"], row["PharmActionName"]


def _rows(path: Path, *columns: str) -> Iterator[dict[str, str]]:
    if not path.is_file():
        raise InputFileError(f"{path} is missing; {_REMEDY}")
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
            reader = csv.DictReader(text, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True)
            if absent := set(columns) - set(reader.fieldnames or ()):
                raise InputFileError(f"{path} has no column {', '.join(sorted(absent))}; {_REMEDY}")
            for row in reader:
                if any(not row[column] for column in columns):
                    raise InputFileError(f"{path}, line {reader.line_num}: a column is empty; fetch it again")
                yield row
    except (EOFError, OSError, zlib.error, UnicodeDecodeError) as e:
        raise InputFileError(f"{path} cannot be read ({e}); remedy: fetch it again") from e


def _read_json_lines(stream: IO[bytes], name: str) -> Iterator[Heading]:
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            given = json.loads(line)
        except ValueError as e:
            raise InputFileError(f"{name}, line {number} is not JSON ({e}); {_REMEDY}") from e
        yield _json_heading(given, f"{name}, line {number}")


def _json_heading(given: Any, place: str) -> Heading:
    lists = ("entry_terms", "tree_numbers", "pharmacological_actions")
    if not isinstance(given, dict) or not isinstance(given.get("descriptor"), str) or not given["descriptor"]:
        raise InputFileError(f'{place}: no "descriptor"; remedy: write {{"descriptor": "Asthma"}}')
    if unknown := given.keys() - {"descriptor", "ui", *lists}:
        raise InputFileError(
            f"{place}: unknown {sorted(unknown)}; remedy: use {['descriptor', 'ui', *lists]}"
        )
    for key in lists:
        values = given.get(key, [])
        if not isinstance(values, list) or not all(isinstance(v, str) and v for v in values):
            raise InputFileError(f"{place}: {key} is no list of texts; remedy: write [] when there is none")
    name = given["descriptor"]
    return Heading(
        ui=str(given.get("ui") or "X" + sha256_of(name)[:9]),  # X: NLM's own begin with D
        name=name,
        terms=[(term, False) for term in given.get("entry_terms", []) if term != name],
        tree_numbers=given.get("tree_numbers", []),
        pharmacological_actions=given.get("pharmacological_actions", []),
    )
