"""Real search strategies: whether they are read, questioned, written back and run.

    python -m bench.strategies --queries ../shared/data/queries --reviews ../shared/data/reviews \
        --pool ../shared/data/pubmed/pool.jsonl.gz --mesh ../shared/data/mesh

Strategies in PubMed syntax must be read, pass through lint, be written back as the same value and run on a
local index over the pool. Strategies in Ovid's must be translated with nothing left untranslated, line by
line and as a whole, and what comes out is written back and run as well. Each that fails is listed with the
reason. Hits are those in the pool. `doubts` counts places where no operator is written, read as AND as PubMed
does: many of them mean that the text holds more than a strategy.

Read are a seed collection (`seed_collection.jsonl.gz`: `query` and `edited_search`), topics of CLEF's task
on technology-assisted reviews (`clef/*/*.gz`, the text behind "Query:"), and `query` of each review.
"""

import argparse
import gzip
import json
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.report import Column, parser, table, write
from bench.search import read_pool
from tools.errors import InputFileError, ReviewError
from tools.search.dialects.table import READERS, guess
from tools.search.query import Query, QuerySyntaxError, leaves, lint, parse, render
from tools.search.sources.base import DateRange
from tools.search.sources.local import LocalSource
from tools.search.vocabulary import Vocabulary, install

__all__ = ["Strategy", "checked", "main", "read_strategies", "summary_of"]

COLUMNS = (
    Column("strategy", "strategy"),
    Column("language", "language"),
    Column("lines", "lines"),
    Column("complete", "complete"),
    Column("leaves", "terms"),
    Column("warnings", "lint"),
    Column("same", "same value"),
    Column("hits", "hits"),
    Column("milliseconds", "ms", 1),
    Column("doubts", "doubts"),
    Column("passed", "passed"),
)


@dataclass(frozen=True)
class Strategy:
    """A strategy as its authors wrote it, and the language it is in."""

    name: str
    text: str
    language: str


# Reading ------------------------------------------------------------------------------------------


def read_strategies(queries: Path | None, reviews: Path | None) -> tuple[Strategy, ...]:
    """All strategies in these folders, each text once.

    Raises:
        InputFileError: a folder or a file is missing or is not in the form named above.
    """
    found: dict[str, Strategy] = {}
    for strategy in [*(_of_queries(queries) if queries else ()), *(_of_reviews(reviews) if reviews else ())]:
        found.setdefault(strategy.text, strategy)
    return tuple(found.values())


def _of_queries(folder: Path) -> Iterator[Strategy]:
    collection = folder / "seed_collection.jsonl.gz"
    try:
        with gzip.open(collection, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                for key in ("query", "edited_search"):
                    yield Strategy(f"seed_{row['id']}_{key}", row[key].strip(), "pubmed")
    except (OSError, ValueError, KeyError) as e:
        remedy = "Remedy: give the folder that holds seed_collection.jsonl.gz."
        raise InputFileError(f"{collection}: cannot be read as the seed collection: {e!r}. {remedy}") from e
    for path in sorted((folder / "clef").glob("*/*.gz")):
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as stream:
            topic = stream.read()
        query = re.search(r"^Query:\s*\n(.*?)(?=^\s*Pids:|\Z)", topic, re.DOTALL | re.MULTILINE)
        name = re.search(r"^Topic:\s*(\S+)", topic, re.MULTILINE)
        if query and query[1].strip():
            yield Strategy(f"clef_{name[1] if name else path.stem}", query[1].strip(), guess(query[1]))


def _of_reviews(folder: Path) -> Iterator[Strategy]:
    for path in sorted(folder.glob("*/review.json")):
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as e:
            raise InputFileError(f"{path}: cannot be read as a review: {e!r}.") from e
        platform = (said.get("query_platform") or "").lower()
        language = next((name for name in READERS if name in platform), "other")
        if text := (said.get("query") or "").strip():
            yield Strategy(f"review_{path.parent.name}", text, language)


# Checking -----------------------------------------------------------------------------------------


def checked(strategy: Strategy, pool: LocalSource, vocabulary: Vocabulary | None) -> dict[str, Any]:
    """What became of one strategy. `passed` is yes where nothing failed; `reason` says what did.

    `problem` is the reason without the authors' words.
    """
    row: dict[str, Any] = {"strategy": strategy.name, "language": strategy.language, "passed": "no"}
    if strategy.language not in READERS:
        why = "written for another database, whose language is not read"
        return row | {"passed": None, "reason": why, "problem": why}
    try:
        imported = READERS[strategy.language](strategy.text)
        missing = {gap.line for gap in imported.untranslated}
        row |= {"lines": len(imported.lines), "complete": len(imported.lines) - len(missing)}
        reasons = [str(gap) for gap in imported.untranslated]
        problems = [gap.why.rpartition(": ")[2] for gap in imported.untranslated]
        if imported.query is not None:
            row |= _used(imported.query, imported.notes, pool, vocabulary)
        if imported.query is not None and row["same"] == "no":
            reasons.append("written back it reads as another strategy")
            problems.append(reasons[-1])
    except QuerySyntaxError as e:
        reasons, problems = [str(e)], [re.sub(r"'.*'", "…", e.problem)]
    except ReviewError as e:
        reasons, problems = [str(e)], [type(e).__name__]
    return row | {
        "passed": "no" if reasons else "yes",
        "reason": "\n".join(reasons),
        "problem": "; ".join(dict.fromkeys(problems)),
    }


def _used(
    query: Query, notes: Sequence[str], pool: LocalSource, vocabulary: Vocabulary | None
) -> dict[str, Any]:
    warnings = {*notes, *lint(query, vocabulary)}
    begin = time.perf_counter()
    hits = pool.probe(query, search_id="bench", dates=DateRange())
    return {
        "leaves": sum(1 for _ in leaves(query)),
        "warnings": len(warnings),
        "doubts": sum(warning.startswith("no operator between") for warning in warnings),
        "same": "yes" if parse(render(query)) == query else "no",
        "hits": hits.count,
        "milliseconds": (time.perf_counter() - begin) * 1000,
    }


def summary_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts by language: strategies, those that passed every check, and lines."""
    summary: dict[str, Any] = {}
    for language in dict.fromkeys(row["language"] for row in rows):
        own = [row for row in rows if row["language"] == language]
        summary[f"{language}_strategies"] = len(own)
        if language not in READERS:
            continue
        summary[f"{language}_passed"] = sum(row["passed"] == "yes" for row in own)
        summary[f"{language}_read"] = sum("hits" in row for row in own)
        if language != "pubmed":
            summary[f"{language}_lines"] = sum(row.get("lines", 0) for row in own)
            summary[f"{language}_lines_complete"] = sum(row.get("complete", 0) for row in own)
    times = sorted(row["milliseconds"] for row in rows if "milliseconds" in row)
    summary["milliseconds_median"] = times[len(times) // 2] if times else None
    summary["milliseconds_most"] = times[-1] if times else None
    return summary


# Command ------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print one table and the list of what failed, and return 0; 2 when something given is wrong."""
    try:
        return _run(_parser().parse_args(arguments))
    except ReviewError as e:
        print(e, file=sys.stderr)
        return e.exit_status


def _run(given: argparse.Namespace) -> int:
    strategies = read_strategies(given.queries, given.reviews)
    records = read_pool(given.pool)
    with tempfile.TemporaryDirectory() as scratch:
        vocabulary = None
        if given.mesh:
            ready = given.mesh.suffix == ".sqlite"
            vocabulary = (
                Vocabulary(given.mesh) if ready else install(Path(scratch) / "mesh.sqlite", given.mesh)
            )
        print(f"indexing {len(records)} records", file=sys.stderr, flush=True)
        pool = LocalSource("pool", records, given.index or Path(scratch) / "index.sqlite", vocabulary)
        rows = [checked(strategy, pool, vocabulary) for strategy in strategies]
        pool.close()
    summary = {"pool_records": len(records), **summary_of(rows)}
    print(table(rows, COLUMNS))
    for row in rows:
        if row["passed"] != "yes":
            print(f"\n{row['strategy']} ({row['language']}):\n{row['reason']}")
    print()
    for name in ("pubmed", "ovid", "embase"):
        if f"{name}_strategies" in summary:
            print(
                f"{name}: {summary[f'{name}_passed']} of {summary[f'{name}_strategies']} strategies pass",
                end="",
            )
            lines = summary.get(f"{name}_lines")
            print(f", {summary[f'{name}_lines_complete']} of {lines} lines" if lines else "")
    # Reasons quote the authors' text: printed, not stored.
    write(given.out, summary, [{key: value for key, value in row.items() if key != "reason"} for row in rows])
    return 0


def _parser() -> argparse.ArgumentParser:
    made = parser(__doc__ or "")
    made.add_argument("--queries", type=Path, help="folder with seed_collection.jsonl.gz and clef/")
    made.add_argument("--reviews", type=Path, help="folder of reviews, each with review.json")
    made.add_argument("--pool", type=Path, required=True, help="records as gzipped JSON lines")
    made.add_argument(
        "--mesh", type=Path, help="vocabulary, or what it is built from; without it headings match by name"
    )
    made.add_argument("--index", type=Path, help="keep the local index here; default: thrown away")
    return made


if __name__ == "__main__":
    sys.exit(main())
