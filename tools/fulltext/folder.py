"""The reviewer's folder of full texts: JATS, PDFs and supplements, a library exported from Zotero, and assignments.

A file belongs to a report when a person says so in `assigned.csv` (columns `record_id,file`), when it carries the
report's PMID, PMCID or DOI inside or in its name, when it is named after the record's own key, or when its title is
clearly the report's (see `matching`). A number inside a file is compared with numbers of its own kind only: another
database's key 123 is not PMID 123.

An export from Zotero with files is a RIS file beside a folder `files/`, whose `L1` lines name the files; its citation
tells whose file it is.
"""

import csv
import gzip
import io
import json
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tools.errors import ConfigError, InputFileError
from tools.fulltext import identity, jats, pdf, reading
from tools.fulltext.finding import Found, NotFound
from tools.fulltext.jats import UnreadableFullText
from tools.fulltext.matching import FileFacts, Kind, Survey, match, survey
from tools.schemas import Record, canonical_json, sha256_of
from tools.search.citation_text import Problem
from tools.search.formats import ris

__all__ = ["ASSIGNMENTS", "FolderFinder"]

ASSIGNMENTS = "assigned.csv"
_ENDINGS: dict[str, Kind] = {
    **dict.fromkeys((".nxml", ".xml", ".nxml.gz", ".xml.gz"), "jats"),
    ".pdf": "pdf",
}
_SUPPLEMENTS = (
    ".doc",
    ".docx",
    ".xls",
    ".xlsx",
    ".csv",
    ".txt",
    ".zip",
    ".ppt",
    ".pptx",
    ".rtf",
    ".html",
    ".htm",
)
MOST_FILES = 20_000
DEEPEST = 4


class FolderFinder:
    """Full texts in a folder and the folders in it.

    Args:
        folder: the reviewer's; it may be absent.
        cache: a folder for what the first pages of PDFs say, so that they are opened once and not at each resume.
            Everything in it can be made again.
    """

    def __init__(self, folder: Path, cache: Path | None = None) -> None:
        self.folder, self._cache = folder, cache
        self._files: list[FileFacts] | None = None
        self._assigned: dict[str, str] | None = None

    def find(self, record: Record, look: int = 1) -> Found | NotFound:
        """The file that belongs to the record.

        Raises:
            InputFileError: it cannot be opened.
            ConfigError: `assigned.csv` is wrong, or there are too many files.
        """
        assigned = self._assignments()
        if (name := assigned.get(record.record_id)) is not None:
            return Found(_read(self.folder / name), name)
        # Names and JATS are cheap; PDFs are opened only for a report that they do not settle.
        found = match(record, self._named(), assigned) or match(record, self._opened(), assigned)
        if found is None:
            return NotFound(f"no file for it in {self.folder.name}/")
        return Found(_read(self.folder / found.file.name), found.file.name)

    def survey(self, records: Sequence[Record]) -> Survey:
        """The whole folder against these reports: what belongs to whom, and what to nobody.

        Raises:
            ConfigError: `assigned.csv` is wrong, or there are too many files.
        """
        return survey(records, self._opened(), self._assignments())

    # What is there ---------------------------------------------------------------------------------

    def _named(self) -> list[FileFacts]:
        if self._files is None:
            self._files = list(self._listed())
        return self._files

    def _listed(self) -> Iterator[FileFacts]:
        names = sorted(_below(self.folder)) if self.folder.is_dir() else []
        library = dict(self._library(names))
        for name in names:
            ending = next((e for e in _ENDINGS if name.lower().endswith(e)), None)
            if ending is None:
                if name.lower().endswith(_SUPPLEMENTS) and name != ASSIGNMENTS:
                    yield FileFacts(name, "other", Path(name).stem)
                continue
            stem = Path(name).name[: -len(ending)]
            facts = FileFacts(name, _ENDINGS[ending], stem, titles=_title_in(stem))
            if (cited := library.get(name)) is not None:
                facts = _with(facts, ids=_ids(cited), titles=(cited.title,), registry_ids=cited.registry_ids)
            yield _jats_facts(self.folder / name, facts) if facts.kind == "jats" else facts

    def _opened(self) -> list[FileFacts]:
        """With what stands on the first pages of PDFs."""
        files = self._named()
        for place, file in enumerate(files):
            if file.kind == "pdf" and not file.beginning and not file.problem:
                files[place] = self._pdf_facts(file)
        return files

    def _pdf_facts(self, facts: FileFacts) -> FileFacts:
        """With what stands on the first pages, or why they cannot be read."""
        try:
            data = _read(self.folder / facts.name)
        except InputFileError:
            return facts._replace(problem="it cannot be opened")
        kept = self._cache and self._cache / f"{sha256_of([sha256_of(data), pdf.reader_name()])}.json"
        if kept and kept.is_file():
            told = json.loads(kept.read_bytes())
        else:
            told = _first_pages(data)
            if kept:
                kept.parent.mkdir(parents=True, exist_ok=True)
                whole = kept.with_suffix(f".{os.getpid()}")
                whole.write_text(canonical_json(told), encoding="utf-8")
                whole.replace(kept)
        if "problem" in told:
            return facts._replace(problem=told["problem"])
        opened = _with(
            facts,
            ids=[(kind, value) for kind, value in told["ids"]],
            titles=told["titles"],
            registry_ids=told["registry_ids"],
        )
        return opened._replace(beginning=told["beginning"])

    def _library(self, names: Sequence[str]) -> Iterator[tuple[str, Record]]:
        """Files that a RIS export lists, with the citation that lists them."""
        known = set(names)
        for name in names:
            if not name.lower().endswith(".ris"):
                continue
            problems: list[Problem] = []
            lines = _read(self.folder / name).decode("utf-8-sig", "replace").splitlines()
            for entry in ris.read(lines, "library", problems):
                if entry.record is None:
                    continue
                for tag, value in ris.pairs_of(entry.record):
                    if tag in ("L1", "L4") and (file := _inside(name, value, known)):
                        yield file, entry.record

    def _assignments(self) -> dict[str, str]:
        """Record id to file, as a person has written it.

        Raises:
            ConfigError: with every mistake and its line.
        """
        if self._assigned is None:
            path = self.folder / ASSIGNMENTS
            self._assigned = _assigned(path, self.folder) if path.is_file() else {}
        return self._assigned


def _title_in(stem: str) -> tuple[str, ...]:
    """The title in a name as reference managers make it: `Miller et al. - 2010 - Snail syrup for cough`."""
    parts = [part.strip() for part in stem.split(" - ")]
    return (parts[-1],) if len(parts) > 1 and len(parts[-1]) >= identity.SHORT else ()


def _below(folder: Path) -> Iterator[str]:
    """Files below a folder by their path in it; links and hidden files are passed over."""
    count = 0
    for place, folders, files in os.walk(folder, followlinks=False):
        here = Path(place).relative_to(folder)
        folders[:] = sorted(f for f in folders if not f.startswith(".")) if len(here.parts) < DEEPEST else []
        for file in sorted(files):
            count += 1
            if count > MOST_FILES:
                raise ConfigError(
                    f"fulltext.folder: {folder} holds more than {MOST_FILES:,} files. "
                    "Remedy: name a folder that holds the full texts only."
                )
            if not file.startswith(".") and not (Path(place) / file).is_symlink():
                yield (here / file).as_posix()


def _inside(library: str, value: str, known: set[str]) -> str | None:
    """The file that a library's line names, where it lies in the folder."""
    path = value.strip().removeprefix("file://").replace("\\", "/")
    below = Path(library).parent
    candidates = [(below / path).as_posix()] if not path.startswith("/") else []
    # Zotero's storage has one folder for each file, eight signs long; its end of the path is what can be found.
    tail = path.rsplit("/", 2)[-2:]
    candidates += [name for name in sorted(known) if name.split("/")[-2:] == tail]
    return next((c for c in candidates if c in known), None)


def _assigned(path: Path, folder: Path) -> dict[str, str]:
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise ConfigError(f"{path} cannot be read: {e}. Remedy: save it as CSV in UTF-8.") from e
    known = set(_below(folder))
    found: dict[str, str] = {}
    wrong = []
    for number, row in enumerate(rows, 2):
        record_id, file = (row.get("record_id") or "").strip(), (row.get("file") or "").strip()
        if not record_id or not file:
            wrong.append(f"line {number}: columns record_id and file must both be filled in")
        elif file not in known:
            wrong.append(f"line {number}: {file!r} is not in {folder.name}/")
        elif found.get(record_id, file) != file:
            wrong.append(f"line {number}: {record_id} has another file already")
        else:
            found[record_id] = file
    if wrong:
        raise ConfigError(f"{path}, {w}. Remedy: correct the line, or remove it." for w in wrong)
    return found


# Looking into files ------------------------------------------------------------------------------


def _read(path: Path) -> bytes:
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as file:
                # One more than is read later: a bomb stays small and is refused.
                return file.read(jats.MAX_BYTES + 1)
        with path.open("rb") as plain:
            return plain.read(pdf.MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as e:
        raise InputFileError(f"{path} cannot be read: {e}. Replace it, or move it out of the folder.") from e


def _jats_facts(path: Path, facts: FileFacts) -> FileFacts:
    """With the identifiers and the title inside; a file that cannot be read shows when it is read for good."""
    try:
        text = reading.read(_read(path), report_id=path.name, source=path.name)
    except (InputFileError, UnreadableFullText) as e:
        return facts._replace(problem=e.what if isinstance(e, UnreadableFullText) else "it cannot be opened")
    ids = (("pmid", text.pmid), ("pmcid", text.pmcid), ("doi", text.doi))
    return _with(
        facts, ids=[(k, v) for k, v in ids if v], titles=(text.title,), registry_ids=text.registry_ids
    )


def _first_pages(data: bytes) -> dict[str, Any]:
    try:
        text = pdf.parse(data, report_id="-", source="-", first_pages=2)
    except UnreadableFullText as e:
        return {"problem": e.what}
    ids = (("pmid", text.pmid), ("pmcid", text.pmcid), ("doi", text.doi))
    return {
        "ids": [[kind, value] for kind, value in ids if value],
        "titles": [text.title],
        "registry_ids": list(text.registry_ids),
        "beginning": text.canonical[: identity.BEGINNING],
    }


def _with(
    facts: FileFacts,
    *,
    ids: Sequence[tuple[str, str]],
    titles: Sequence[str],
    registry_ids: Sequence[str],
) -> FileFacts:
    """What a library says stands before what the file's first page says: its DOI may be that of a reference."""
    kinds = {kind for kind, _ in facts.ids}
    return facts._replace(
        ids=(*facts.ids, *((k, v) for k, v in ids if k not in kinds)),
        titles=tuple(dict.fromkeys((*facts.titles, *(t for t in titles if t)))),
        registry_ids=tuple(dict.fromkeys((*facts.registry_ids, *registry_ids))),
    )


def _ids(record: Record) -> list[tuple[str, str]]:
    told = (("pmid", record.pmid), ("pmcid", record.pmcid), ("doi", record.doi))
    return [(kind, value) for kind, value in told if value]
