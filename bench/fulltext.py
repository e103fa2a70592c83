"""Reading full texts: how fast, and how many cells of their tables arrive, and where they belong.

    python -m bench.fulltext --data ../shared/data/jats

Each article is read by our reader of JATS and, in the same run, by pubmed_parser (paragraphs and tables), one after
the other on one core. Times are of the processor, the best of `--rounds` for each article; `documents/s` is one
over the median article.

What a table holds is counted by a third, plain reader in this file, straight from the XML: a cell of an HTML table
in a `table-wrap` that has text. `cells` are those; `recovered` are those whose text a reader gives back in that
article, as often as the XML has it; `in place` are those that stand in the row and column where HTML's rules for
spanning cells put them, in every place that they span. Texts are compared by their letters and digits; the marks of
footnotes and citations do not count. pubmed_parser gives values by row without filling in spans in the same way, so
that only `recovered` is comparable.
"""

import gzip
import re
import statistics
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bench.report import Column, parser, table, write
from tools.errors import InputFileError, ReviewError
from tools.fulltext import jats

__all__ = ["Counted", "cells_of", "grid_of", "main", "measured"]

COLUMNS = (
    Column("reader", "reader"),
    Column("documents", "documents"),
    Column("failed", "failed"),
    Column("ms", "median ms", 2),
    Column("per_s", "documents/s", 1),
    Column("passages", "passages"),
    Column("tables", "tables"),
    Column("tables_found", "found"),
    Column("cells", "cells"),
    Column("recovered", "recovered"),
    Column("share", "share", 4),
    Column("in_place", "in place"),
    Column("place_share", "share in place", 4),
)


class Counted(NamedTuple):
    """What the XML of one article holds: tables, each as rows of cell texts with spans filled in."""

    cells: Counter[str]
    grids: list[list[list[str]]]


class Read(NamedTuple):
    """What a reader made of one article."""

    seconds: float
    passages: int
    tables: list[list[list[str]]]


def main(argv: list[str] | None = None) -> None:
    """Measure, print, write."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--data", type=Path, required=True, help="folder of JATS articles (.nxml.gz)")
    arguments.add_argument("--rounds", type=int, default=3, help="times each article is read")
    arguments.add_argument("--limit", type=int, default=None, help="so many articles only")
    given = arguments.parse_args(argv)
    paths = sorted(given.data.glob("*.nxml.gz"))[: given.limit]
    if not paths:
        raise SystemExit(f"{given.data}: no *.nxml.gz there. Remedy: see --data.")
    rows, summary = measured(paths, given.rounds)
    print(table(rows, COLUMNS))
    print(", ".join(f"{key} {value}" for key, value in summary.items()))
    write(given.out, summary, rows)


def measured(paths: list[Path], rounds: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A row for each reader, and what is to be remembered."""
    counted = [cells_of(_bytes(path)) for path in paths]
    rows = []
    for name, reader in (("ours", _ours), ("pubmed_parser", _peer)):
        made = [_best(reader, _bytes(path), rounds) for path in paths]
        rows.append(_row(name, made, counted))
    ours, peer = rows
    summary = {
        "documents": ours["documents"],
        "failed": ours["failed"],
        "documents_per_s": round(ours["per_s"], 1),
        "times_pubmed_parser": round(peer["ms"] / ours["ms"], 2),
        "passages": ours["passages"],
        "tables": ours["tables"],
        "tables_found": ours["tables_found"],
        "cells": ours["cells"],
        "cells_recovered": round(ours["share"], 4),
        "cells_in_place": round(ours["place_share"], 4),
        "pubmed_parser_cells_recovered": round(peer["share"], 4),
    }
    return rows, summary


def _bytes(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


# Readers -----------------------------------------------------------------------------------------


def _best(reader: Callable[[bytes, str], Read], data: bytes, rounds: int) -> Read | None:
    """The quickest of several readings; None where there is none."""
    with tempfile.NamedTemporaryFile(suffix=".nxml") as file:
        file.write(data)
        file.flush()
        try:
            return min((reader(data, file.name) for _ in range(rounds)), key=lambda read: read.seconds)
        except ReviewError:
            return None


def _ours(data: bytes, _path: str) -> Read:
    began = time.process_time()
    text = jats.parse(data, report_id="r", source="s")
    seconds = time.process_time() - began
    tables = [[line.split(" | ") for line in p.text.split("\n")] for p in text.passages if p.kind == "table"]
    return Read(seconds, len(text.passages), tables)


def _peer(_data: bytes, path: str) -> Read:
    import pubmed_parser

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            began = time.process_time()
            paragraphs = pubmed_parser.parse_pubmed_paragraph(path, all_paragraph=True)
            tables = pubmed_parser.parse_pubmed_table(path, return_xml=False) or []
            seconds = time.process_time() - began
    except Exception as e:  # it raises whatever its helpers do
        raise InputFileError(f"{path}: {e!r}. Remedy: none, it is counted as failed.") from e
    grids = [
        [
            [str(c) for c in t["table_columns"] or ()],
            *([str(c) for c in row] for row in t["table_values"] or ()),
        ]
        for t in tables
    ]
    return Read(seconds, len(paragraphs), grids)


# What the XML holds ------------------------------------------------------------------------------


def cells_of(data: bytes) -> Counted:
    """Cells with text of the HTML tables in an article, and the grids that they make."""
    from lxml import etree

    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    grids, cells = [], Counter[str]()
    for made in root.iterfind(".//table-wrap//table"):
        if any(up.tag in ("sub-article", "response", "table") for up in made.iterancestors()):
            continue
        rows = [row for row in made.iter("tr") if next(row.iterancestors("table")) is made]
        cells.update(key for row in rows for cell in row.iter("td", "th") if (key := _key(_text(cell))))
        if grid := [line for line in grid_of(made) if any(line)]:
            grids.append(grid)
    return Counted(cells, grids)


def grid_of(made: Any) -> list[list[str]]:
    """Rows of a table with each cell in all the places that it spans (HTML, "forming a table")."""
    lines: list[list[str]] = []
    groups = [g for g in made if g.tag in ("thead", "tbody", "tfoot")] or [made]
    for group in [made] if made.find("tr") is not None else groups:
        rows = list(group.iterfind("tr"))
        filled: dict[tuple[int, int], str] = {}
        for y, row in enumerate(rows):
            x = 0
            for cell in row:
                if cell.tag not in ("td", "th"):
                    continue
                while (x, y) in filled:
                    x += 1
                wide, high = _span(cell.get("colspan")), _span(cell.get("rowspan"))
                for place in ((x + i, y + j) for j in range(high or len(rows)) for i in range(wide or 1)):
                    filled.setdefault(place, _text(cell).strip())
                x += wide or 1
        for y in range(len(rows)):
            width = max((x for x, at in filled if at == y), default=-1) + 1
            lines.append([filled.get((x, y), "") for x in range(width)])
    return lines


def _span(given: str | None) -> int:
    return min(int(given), 100) if given and given.strip().isdigit() else 1


def _text(cell: Any) -> str:
    """Text without the marks of footnotes and citations."""
    return "".join(_pieces(cell))


def _pieces(element: Any) -> Iterator[str]:
    marks = ("bibr", "fn", "table-fn", "aff", "corresp", "author-notes")
    yield element.text or ""
    for inner in element:
        if isinstance(inner.tag, str) and not (inner.tag == "xref" and inner.get("ref-type") in marks):
            yield from _pieces(inner)
        yield inner.tail or ""


def _key(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


# Rows --------------------------------------------------------------------------------------------


def _row(name: str, made: list[Read | None], counted: list[Counted]) -> dict[str, Any]:
    read = [r for r in made if r is not None]
    cells = sum(sum(c.cells.values()) for c in counted)
    recovered = sum(_recovered(r, c) for r, c in zip(made, counted, strict=True))
    places = sum(1 for c in counted for grid in c.grids for line in grid for cell in line if _key(cell))
    in_place = sum(_in_place(r, c) for r, c in zip(made, counted, strict=True))
    median = statistics.median(r.seconds for r in read) if read else None
    return {
        "reader": name,
        "documents": len(made),
        "failed": len(made) - len(read),
        "ms": None if median is None else 1000 * median,
        "per_s": None if not median else 1 / median,
        "passages": sum(r.passages for r in read),
        "tables": sum(len(c.grids) for c in counted),
        "tables_found": sum(
            min(len(r.tables), len(c.grids)) for r, c in zip(made, counted, strict=True) if r
        ),
        "cells": cells,
        "recovered": recovered,
        "share": recovered / cells if cells else None,
        "in_place": in_place,
        "place_share": in_place / places if places else None,
    }


def _recovered(read: Read | None, counted: Counted) -> int:
    found = Counter(_key(cell) for grid in (read.tables if read else ()) for line in grid for cell in line)
    return sum(min(n, found[key]) for key, n in counted.cells.items())


def _in_place(read: Read | None, counted: Counted) -> int:
    """Places of the grids that agree, table by table in the order of the article."""
    if read is None:
        return 0
    right = 0
    at = 0
    for grid in counted.grids:
        # A reader that lost a table may go on with the next one.
        fits = [(_agreeing(grid, other), -n) for n, other in enumerate(read.tables[at : at + 3])]
        best, place = max(fits, default=(0, 0))
        right += best
        at += 1 - place if best else 0
    return right


def _agreeing(grid: list[list[str]], other: list[list[str]]) -> int:
    return sum(
        _key(one) == _key(another) != ""
        for line, told in zip(grid, other, strict=False)
        for one, another in zip(line, told, strict=False)
    )


if __name__ == "__main__":
    main()
