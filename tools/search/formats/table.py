"""Tables of citations, from CSV, tab-separated text, XLSX or a register's XML: headers recognised, cells read. Pure.

A column is found by its usual headers (those of PubMed, Scopus, Web of Science, Zotero, EndNote, Covidence,
Rayyan, ICTRP and ClinicalTrials.gov among them) or named by the reviewer. All cells stay text: what looks
like a formula is never more than that.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

from tools.errors import InputFileError
from tools.identifiers import normal_pmcid, registry_ids
from tools.search.citation_text import (
    Entry,
    Problem,
    address_of,
    doi_among,
    finish,
    iso_day,
    issn_of,
    one_line,
    page_range,
    paragraphs,
    pmid_among,
    safe,
    year_of,
)
from tools.search.formats import wos

__all__ = ["COLUMNS", "Columns", "Row", "csv_rows", "delimiter_of", "entries", "entry", "recognised"]

Columns = Mapping[str, str]
"""Field of a record to the header of its column, as a reviewer names it."""


class Row(NamedTuple):
    """One row, and where it stands; `lost` says why it cannot be read."""

    place: str
    cells: Sequence[str]
    lost: str = ""


_HEADERS: Mapping[str, str] = {
    "title": "title articletitle documenttitle primarytitle publictitle studytitle brieftitle papertitle titel "
    "ti t1 scientifictitle officialtitle",
    "abstract": "abstract abstractnote abstracttext abstracts ab n2 summary briefsummary",
    "authors": "authorfullnames authors author authornames creator creators primaryauthors af au a1 autor autoren",
    "year": "year publicationyear publishedyear yearpublished pubyear py y1 publicationdate datepublished "
    "pubdate published date coverdate startdate dateregistration dateregistration3 firstposted",
    "journal": "journal journalbook sourcetitle publicationtitle publicationname journaltitle journalname "
    "fulljournaltitle secondarytitle containertitle booktitle t2 jo jf so source",
    "volume": "volume vol vl",
    "issue": "issue issuenumber journalissue number no is",
    "pages": "pages page pagerange pagination pg",
    "start_page": "pagestart startpage firstpage bp sp",
    "end_page": "pageend endpage lastpage ep",
    "article_number": "artno articlenumber articleno ar",
    "doi": "doi digitalobjectidentifier doiurl doilink di do",
    "pmid": "pmid pubmedid medlinepmid pubmed",
    "pmcid": "pmcid pmc",
    "issn": "issn issnisbn isbnissn printissn eissn electronicissn sn",
    "url": "url urls webaddress studyurl link articleurl pubmedurl",
    "language": "language languages languageoforiginaldocument la",
    "publication_types": "publicationtype publicationtypes documenttype documenttypes dt studytype",
    "keywords": "keywords keyword authorkeywords indexkeywords manualtags automatictags tags kw de "
    "conditions condition",
    "registry_ids": "trialid nctnumber otherids secondaryid secondaryids clinicaltrialnumber "
    "trialregistrationnumber registrationnumber clinicaltrialidentifiers",
    "own_id": "trialid nctnumber accessionnumber eid utuniquewosid ut pui embaseaccessionid key recordid id "
    "refid covidence customid internalnumber",
    "created": "createdate firstposted dateregistration3 dateregistration",
    "updated": "lastupdateposted lastrefreshedon",
    "notes": "notes note extra annote",
    "database": "database nameofdatabase databasename databaseprovider",
}
"""Headers by field, in small letters without anything else, the preferred first."""

_KNOWN: Mapping[str, tuple[str, ...]] = {field: tuple(names.split()) for field, names in _HEADERS.items()}
_WEAK = {"source", "number", "no", "date", "id", "key", "so", "is", "page"}
"""Headers that mean something else where a better one is there: `Source` is Scopus' name of itself."""

COLUMNS: tuple[str, ...] = tuple(
    name for name in _KNOWN if name not in ("start_page", "end_page", "article_number", "notes", "database")
)
"""Fields that a reviewer can name a column for."""

_SECTIONS = {
    "scientifictitle": "Scientific title",
    "officialtitle": "Official title",
    "briefsummary": "Summary",
    "conditions": "Condition",
    "condition": "Condition",
    "interventions": "Intervention",
    "intervention": "Intervention",
    "studydesign": "Design",
    "phases": "Phase",
    "phase": "Phase",
    "inclusioncriteria": "Inclusion criteria",
    "exclusioncriteria": "Exclusion criteria",
    "primaryoutcomemeasures": "Primary outcomes",
    "primaryoutcome": "Primary outcomes",
    "secondaryoutcomemeasures": "Secondary outcomes",
    "secondaryoutcome": "Secondary outcomes",
}
"""What a register says of a trial, as the sections of an abstract."""

_REGISTER = {"nctnumber", "trialid"}
_MARKUP = re.compile(r"<\s*/?\s*(?:br|p|li|ul|ol|b|i|div|span)\s*/?\s*>", re.IGNORECASE)
_HEADER_WITHIN = 20
_FIND_AGAIN = 20
"""Each time, all that is left is read once more."""

CELL_LIMIT = 10_000_000
"""Characters: far above any abstract, and a stop for a quotation mark that is never closed."""


def recognised(headers: Sequence[str], columns: Columns) -> dict[str, tuple[str, ...]]:
    """Field to the headers of its columns, as they stand in the file and in order of preference.

    Raises:
        InputFileError: `columns` names one that is not there.
    """
    by_name: dict[str, str] = {}
    for header in headers:
        by_name.setdefault(_plain(header), header)
    found: dict[str, tuple[str, ...]] = {}
    for field, names in _KNOWN.items():
        there = [name for name in names if name in by_name]
        strong = [name for name in there if name not in _WEAK]
        if there:
            found[field] = tuple(by_name[name] for name in strong or there)
    for field, header in columns.items():
        if _plain(header) not in by_name:
            raise InputFileError(
                f"no column is called {header!r}, which is named for {field}; the columns are "
                f"{', '.join(filter(None, headers))}. Correct `columns`"
            )
        found[field] = (by_name[_plain(header)],)
    return found


def _plain(header: str) -> str:
    return re.sub(r"[\W_]+", "", header.casefold())


# Rows to entries ---------------------------------------------------------------------------------


def entries(
    rows: Iterable[Row], source: str, problems: list[Problem], columns: Columns, told: dict[str, str]
) -> Iterator[Entry]:
    """An entry per row below the header; `told` is filled with field to header.

    Raises:
        InputFileError: no row holds headers that we know, or `columns` names one that is not there.
    """
    steady = iter(rows)
    start = list(islice(steady, _HEADER_WITHIN))
    at, known = _header(start, columns)
    headers = [cell.strip() for cell in start[at].cells]
    for row in start[:at]:
        if any(cell.strip() for cell in row.cells):
            what = f"above the header, not read: {' '.join(row.cells)[:60]!r}"
            problems.append(Problem(place=row.place, what=what))
    told |= {field: " / ".join(names) for field, names in known.items()}
    empty = {name: (name, "") for name in ("", *headers)}
    tagged = set(headers) >= {"PT", "AU", "TI", "SO"} and all(len(h) == 2 for h in headers if h)
    for row in chain(start[at + 1 :], steady):
        if row.lost:
            yield Entry(row.place, None, row.lost)
        elif any(cell.strip() for cell in row.cells):
            yield _entry_of(row, headers, empty, known, tagged and not columns, source, problems)


def _header(rows: Sequence[Row], columns: Columns) -> tuple[int, dict[str, tuple[str, ...]]]:
    refused: InputFileError | None = None
    for at, row in enumerate(rows):
        if row.lost or not any(cell.strip() for cell in row.cells):
            continue
        try:
            known = recognised(row.cells, columns)
        except InputFileError as e:
            refused = refused or e
            continue
        filled = sum(bool(cell.strip()) for cell in row.cells)
        if "title" in known and (len(known) > 1 or filled == 1 or columns):
            return at, known
    if refused:
        raise refused
    first = next((row.cells for row in rows if any(row.cells)), [])
    shown = ", ".join(cell.strip()[:40] for cell in first[:12])
    raise InputFileError(
        f"looks like a table, but no column is known as the title; its first row is: {shown}. Name the "
        'columns, as `columns: {title: "Name of the column"}`'
    )


def _entry_of(
    row: Row,
    headers: Sequence[str],
    empty: Mapping[str, tuple[str, str]],
    known: Mapping[str, Sequence[str]],
    tagged: bool,
    source: str,
    problems: list[Problem],
) -> Entry:
    cells = list(row.cells)
    while len(cells) > len(headers) and not cells[-1].strip():
        cells.pop()
    if len(cells) != len(headers):
        what = f"{len(cells)} cells for {len(headers)} columns; read as far as they go"
        problems.append(Problem(place=row.place, what=what))
    names = [*headers, *("" for _ in cells[len(headers) :])]
    # Most cells of a wide table are empty, and one pair serves for all of a column.
    pairs = [(name, cell) if cell else empty[name] for name, cell in zip(names, cells, strict=False)]
    return entry(row.place, pairs, known, source, tagged=tagged)


def entry(
    place: str,
    pairs: Sequence[tuple[str, str]],
    known: Mapping[str, Sequence[str]],
    source: str,
    *,
    tagged: bool = False,
) -> Entry:
    """One row as an entry.

    Args:
        place: where the row stands.
        pairs: header and cell, in order; kept verbatim.
        known: see `recognised`.
        source: name of the source.
        tagged: the headers are Web of Science's field tags.
    """
    cells: dict[str, str] = {}
    for header, cell in pairs:
        if clean := safe(cell).strip():
            cells.setdefault(header, clean)
    values = {field: [cells[h] for h in headers if h in cells] for field, headers in known.items()}
    if not any(values.get(field) for field in ("title", "abstract", "doi", "pmid", "own_id", "authors")):
        return Entry(place, None, "a row with neither title, abstract, authors nor identifier")
    warnings: list[str] = []
    if tagged:
        listed = {t: c.split("; ") if t in ("AU", "AF", "CA") else [c] for t, c in cells.items()}
        fields = wos.fields_of(listed, warnings)
    else:
        fields = _fields(values, cells, warnings)
    own_id = next((one_line(value) for value in values.get("own_id", [])), "")
    return Entry(place, finish(source, own_id, fields, warnings, pairs))


def _fields(values: Mapping[str, list[str]], cells: Mapping[str, str], warnings: list[str]) -> dict[str, Any]:
    def one(field: str) -> str:
        return next((line for value in values.get(field, ()) if (line := one_line(value))), "")

    named = {_plain(header): cell for header, cell in cells.items()}
    medline = re.search(r"pubmed|medline", one("database"), re.I)
    accession = [named["accessionnumber"]] if medline and "accessionnumber" in named else []
    doi = doi_among(values.get("doi", ()), values.get("url", ()))
    if values.get("doi") and not doi:
        warnings.append(f"DOI not understood: {one('doi')[:80]!r}")
    pages = page_range(one("start_page"), one("end_page"))
    register = not named.keys().isdisjoint(_REGISTER)
    return {
        "title": _MARKUP.sub(" ", one("title")).strip(),
        "abstract": _trial(named) if register else paragraphs(one_abstract(values)),
        "authors": _people(one("authors")),
        "year": next((year for value in values.get("year", ()) if (year := year_of(value))), None),
        "journal": one("journal"),
        "volume": one("volume"),
        "issue": one("issue"),
        "pages": page_range(one("pages")) or pages or one("article_number"),
        "pmid": pmid_among(
            [*values.get("pmid", ()), *accession], values.get("notes", ()), values.get("url", ()), warnings
        ),
        "pmcid": next((p for value in values.get("pmcid", ()) if (p := normal_pmcid(value))), None),
        "doi": doi,
        "issn": issn_of(values.get("issn", ())),
        "url": address_of(values.get("url", ())),
        "language": one("language"),
        "publication_types": _listed(one("publication_types")),
        "keywords": tuple(dict.fromkeys(k for v in values.get("keywords", ()) for k in _listed(v))),
        "registry_ids": registry_ids("\n".join(values.get("registry_ids", ()))),
        "created": next((day for value in values.get("created", ()) if (day := iso_day(value))), None),
        "updated": next((day for value in values.get("updated", ()) if (day := iso_day(value))), None),
    }


def one_abstract(values: Mapping[str, list[str]]) -> list[str]:
    """Lines of the first abstract that is there."""
    return next((value.splitlines() for value in values.get("abstract", ()) if value.strip()), [])


def _trial(named: Mapping[str, str]) -> str:
    sections = ((label, one_line(_MARKUP.sub(" ", named.get(name, "")))) for name, label in _SECTIONS.items())
    return "\n".join(f"{label}: {text}" for label, text in sections if text)


def _listed(cell: str) -> tuple[str, ...]:
    mark = next((m for m in (";", "|", "\n") if m in cell), ",")
    return tuple(dict.fromkeys(part for raw in cell.split(mark) if (part := one_line(raw))))


_AUTHOR_ID = re.compile(r"\s*\(\d{6,}\)")
_SHORT_NAME = re.compile(r"[^\W\d_][\w'’ -]* (?:[A-Z]\.?[ -]?){1,4}")


def _people(cell: str) -> tuple[str, ...]:
    """Names from one cell: parted by semicolons, bars or `and`, or by commas where each part is `Last F`."""
    text = _AUTHOR_ID.sub("", cell).strip().rstrip(".;") if "(" in cell else cell.strip().rstrip(";")
    for mark in (r"\s*;\s*", r"\s*\|\s*", r"\s+and\s+", r"\s*//\s*"):
        if len(parts := re.split(mark, text)) > 1:
            return tuple(dict.fromkeys(filter(None, map(one_line, parts))))
    parts = [part.strip().rstrip(".") for part in text.split(",")]
    if len(parts) > 1 and all(_SHORT_NAME.fullmatch(part) for part in parts):
        return tuple(re.sub(r" ((?:[A-Z]\.?[ -]?){1,4})$", r", \1", part) for part in parts)
    return (one_line(text),) if text else ()


# CSV ---------------------------------------------------------------------------------------------


def delimiter_of(head: str) -> str:
    """Comma, semicolon or tab: what parts the most cells of the first line that holds any of them."""
    for line in head.split("\n"):
        bare = re.sub(r'"[^"]*"', "", line)
        counts = {mark: bare.count(mark) for mark in "\t;,"}
        if (best := max(counts, key=lambda mark: counts[mark])) and counts[best]:
            return best
    return ","


def csv_rows(lines: Iterable[str], delimiter: str, problems: list[Problem]) -> Iterator[Row]:
    """Rows of RFC 4180 text, also with line breaks inside quotation marks.

    Where a quotation mark is never closed, the rows behind it are found again and the place is told.
    """
    csv.field_size_limit(max(csv.field_size_limit(), CELL_LIMIT))
    source = _Numbered(lines)
    width, found_again = 0, 0
    while True:
        source.taken = []
        place = f"line {source.number + 1}"
        try:
            cells = next(csv.reader(source, delimiter=delimiter))
        except StopIteration:
            return
        except csv.Error as e:
            yield Row(place, (), f"not read: {e}")
            continue
        taken = source.taken
        if width == 0 and re.fullmatch(r"sep=.?", taken[0].strip()):
            continue  # Excel's own first line
        if len(taken) > 1 and source.ended and _is_open(taken, delimiter):
            what = "a quotation mark is not closed"
            found_again += 1
            if found_again <= _FIND_AGAIN and _rows_again(taken[1:], delimiter, width):
                source.again(taken[1:])
                cells = next(csv.reader(taken[:1], delimiter=delimiter))
                what += "; the rows below it were read as rows of their own"
            problems.append(Problem(place=place, what=f"{what}; the file may be damaged or cut off"))
        width = width or len(cells)
        yield Row(place, cells)


def _is_open(lines: Sequence[str], delimiter: str) -> bool:
    """Whether a quotation mark is still open at the end: a further line would go into the same cell."""
    return next(csv.reader(chain(lines, ["\x00"]), delimiter=delimiter))[-1].endswith("\x00")


def _rows_again(lines: Sequence[str], delimiter: str, width: int) -> bool:
    """Whether lines that an open quotation mark swallowed look like rows."""
    if width < 2:
        return False
    return any(len(cells) == width for cells in islice(csv.reader(lines[:50], delimiter=delimiter), 20))


class _Numbered:
    """Lines with their line breaks, counted, and able to give some again."""

    def __init__(self, lines: Iterable[str]) -> None:
        self.lines = iter(lines)
        self.waiting: list[str] = []
        self.number = 0
        self.taken: list[str] = []
        self.ended = False

    def __iter__(self) -> "_Numbered":
        return self

    def __next__(self) -> str:
        if self.waiting:
            line = self.waiting.pop()
        else:
            try:
                line = next(self.lines) + "\n"
            except StopIteration:
                self.ended = True
                raise
        self.number += 1
        self.taken.append(line)
        return line

    def again(self, lines: Sequence[str]) -> None:
        """Give these once more."""
        self.waiting += reversed(lines)
        self.number -= len(lines)
        self.ended = False
