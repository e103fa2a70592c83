"""Strategies that an engine proposes beside those of the reviews' own authors, over one pool of records.

    python -m bench.search --reviews ../shared/data/reviews --pool ../shared/data/pubmed/pool.jsonl.gz \
        --engine baseline --queries ../shared/data/queries

For each review: recall of the included records that are in the pool (included after full text, else after
title and abstract), hits and precision within the pool, for one proposal, for the union of ten as the
agent makes it, and for the authors' strategy. Nothing is learnt from labels or from seed studies.

Both sides are evaluated alike: the pool has no indexing, so a heading is searched as the heading and its
entry terms in title and abstract, and clauses on fields that the pool lacks are dropped and listed.

The pool favours the authors, as it consists of what their searches found: what only another strategy
would have found is not there. Read the figures as a guard against getting worse, never as a comparison.

`recall_mean`, `recall_authors_mean` and `hits_ratio_mean` (our hits over the authors') are means over the
same reviews: those with a strategy that can be run here and with at least ten included records in the
pool. The others have rows of their own. `--queries` adds the reviews of a seed collection; the CLEF topics
beside it name no included records.
"""

import argparse
import gzip
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.report import Column, parser, table, write
from graphs.counting import Counter
from graphs.strategy import Plan, build
from model.baseline import BaselineEngine
from model.embedding import NoEmbedder
from model.engine import Engine, Request
from model.pool import ask
from model.tasks.pico import TASK as PICO_TASK
from model.tasks.pico import PicoInput
from model.tasks.query import QueryInput
from tools.errors import ConfigError, EngineError, InputFileError, ReviewError
from tools.frameworks import kind_of
from tools.labelled import Question, read_question, read_seed_collection
from tools.schemas import Record, Strategy
from tools.search.dialects.ovid_reading import read as read_ovid
from tools.search.notes import Heading
from tools.search.query import Query, parse
from tools.search.sources.base import DateRange
from tools.search.sources.local import LocalSource
from tools.search.vocabulary import Vocabulary, install

__all__ = ["Measured", "main", "measured", "read_pool", "summary_of"]

CAVEAT = (
    "The pool consists of what the authors' searches found, so it favours them: these are regression figures, "
    "no comparison of strategies."
)

SAMPLES = 10
"""Proposals that are united, as in the agent's default."""

FEWEST = 10
"""Included records in the pool, for a review to count in the means."""

EVERYTHING = DateRange()

COLUMNS = (
    Column("review", "review"),
    Column("included", "incl"),
    Column("in_pool", "in pool"),
    Column("recall_one", "1: recall"),
    Column("hits_one", "hits"),
    Column("precision_one", "prec"),
    Column("recall", "10: recall"),
    Column("hits", "hits"),
    Column("precision", "prec"),
    Column("recall_authors", "authors: recall"),
    Column("hits_authors", "hits"),
    Column("precision_authors", "prec"),
    Column("hits_ratio", "10/authors", 2),
    Column("platform", "their syntax"),
    Column("counted", "in means"),
    Column("seconds", "s", 1),
)


# Measuring ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """What one strategy finds in the pool."""

    found: frozenset[str]
    dropped: tuple[str, ...] = ()

    def row(self, included: frozenset[str], suffix: str) -> dict[str, Any]:
        """Recall of what was included, hits and precision; None where it would be a division by nothing."""
        right = len(self.found & included)
        return {
            f"recall{suffix}": right / len(included) if included else None,
            f"hits{suffix}": len(self.found),
            f"precision{suffix}": right / len(self.found) if self.found else None,
        }


def measured(query: Query, pool: LocalSource) -> Measured:
    """The PMIDs that a strategy finds, and its clauses that could not be evaluated."""
    hits = pool.probe(query, search_id="bench", dates=EVERYTHING, pmids=10**9)
    dropped = tuple(w.rpartition(": ")[2] for w in hits.warnings if w.startswith("dropped"))
    return Measured(frozenset(hits.pmids), dropped)


def proposed(question: Question, engine: Engine, pool: LocalSource, samples: int) -> Strategy:
    """A strategy as the agent builds one, without known studies."""
    elements = dict(question.elements) or _elements(question, engine)
    plan = Plan(
        asked=QueryInput(title=question.title, framework="PICO", elements=elements),
        samples=samples,
        look_for_reviews=False,
    )
    return build(plan, engine, Counter(pool, "bench"), _no_vocabulary)


def _elements(question: Question, engine: Engine) -> dict[str, tuple[str, ...]]:
    """Where the review does not give its elements, those that the engine reads out of the question."""
    kind = kind_of("intervention", "PICO")
    asked = PicoInput(
        title=question.title, question=question.text, framework="PICO", elements=kind.element_ids
    )
    found = {e.name: e.phrases for e in ask(engine, Request(PICO_TASK, asked)).value.elements if e.phrases}
    return {name: found[name] for name in kind.searched if name in found}


def _no_vocabulary(names: Sequence[str]) -> Mapping[str, Heading | None]:
    """The baseline engine takes its headings from the vocabulary, so none needs to be checked."""
    return {}


def authors(question: Question, pool: LocalSource) -> tuple[Measured | None, str]:
    """What the authors' strategy finds; or why that cannot be told, which is empty where they give none."""
    if not question.strategy:
        return None, ""
    try:
        query, left_out = _read(question)
        found = measured(query, pool)
    except ReviewError as e:
        return None, str(e)
    return Measured(found.found, (*left_out, *found.dropped)), ""


def _read(question: Question) -> tuple[Query, tuple[str, ...]]:
    """The authors' strategy, and what its translation could not carry over."""
    platform = question.platform.lower()
    if "pubmed" in platform:
        return parse(question.strategy), ()
    if "ovid" in platform:
        imported = read_ovid(question.strategy)
        if imported.query is not None:
            return imported.query, tuple(f"not translated: {part}" for part in imported.untranslated)
    raise ConfigError(f"a strategy for {question.platform!r} cannot be read. Remedy: none; it is left out.")


def row_of(question: Question, engine: Engine, pool: LocalSource, pmids: frozenset[str]) -> dict[str, Any]:
    """One review's figures; where the engine proposes nothing, `unproposed` says why."""
    included = question.included & pmids
    began = time.perf_counter()
    theirs, unread = authors(question, pool)
    row: dict[str, Any] = {
        "review": question.review_id,
        "included": len(question.included),
        "in_pool": len(included),
        "platform": question.platform if question.strategy else None,
        "unread": unread or None,
        "dropped": [] if theirs is None else list(theirs.dropped),
        "counted": "yes" if theirs is not None and theirs.found and len(included) >= FEWEST else "no",
        **({} if theirs is None else theirs.row(included, "_authors")),
    }
    try:
        one, union = (proposed(question, engine, pool, samples) for samples in (1, SAMPLES))
    except (EngineError, ConfigError) as e:
        # No strategy finds nothing: left out of the means it would flatter the engine.
        return (
            row
            | Measured(frozenset()).row(included, "_one")
            | Measured(frozenset()).row(included, "")
            | {
                "hits_ratio": 0.0 if theirs else None,
                "unproposed": str(e),
            }
        )
    ours = measured(parse(union.text), pool)
    return row | {
        **measured(parse(one.text), pool).row(included, "_one"),
        **ours.row(included, ""),
        "hits_ratio": len(ours.found) / len(theirs.found) if theirs and theirs.found else None,
        "strategy": union.text,
        "notes": list(union.notes),
        "missed": sorted(included - ours.found),
        "seconds": round(time.perf_counter() - began, 2),
    }


def summary_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means over the reviews that count; None where none does."""
    counted = [row for row in rows if row["counted"] == "yes"]

    def mean(key: str) -> float | None:
        return sum(row[key] or 0.0 for row in counted) / len(counted) if counted else None

    theirs = sum(row["hits_authors"] for row in counted)
    return {
        "reviews": len(counted),
        "recall_mean": mean("recall"),
        "recall_one_mean": mean("recall_one"),
        "recall_authors_mean": mean("recall_authors"),
        "precision_mean": mean("precision"),
        "precision_authors_mean": mean("precision_authors"),
        "hits_ratio_mean": mean("hits_ratio"),
        "hits_ratio_of_sums": sum(row["hits"] for row in counted) / theirs if theirs else None,
        "caveat": CAVEAT,
    }


def means_of(summary: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The last line of the table."""
    keys = ("recall", "recall_one", "recall_authors", "precision", "precision_authors", "hits_ratio")
    return {"review": f"mean of {summary['reviews']}", **{key: summary[f"{key}_mean"] for key in keys}}


# Command -----------------------------------------------------------------------------------------


def read_pool(path: Path) -> tuple[Record, ...]:
    """Records of a pool: JSON lines with `pmid`, `title`, `abstract` and perhaps `year`, gzipped.

    Raises:
        InputFileError: it is missing, or not in this form.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            return tuple(_record(json.loads(line)) for line in lines if line.strip())
    except (OSError, ValueError, KeyError) as e:
        remedy = "Remedy: give gzipped JSON lines with pmid, title and abstract."
        raise InputFileError(f"{path}: cannot be read as a pool: {e!r}. {remedy}") from e


def _record(row: Mapping[str, Any]) -> Record:
    return Record(
        record_id=row["pmid"],
        pmid=row["pmid"],
        title=row.get("title") or "",
        abstract=row.get("abstract") or "",
        year=row.get("year"),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print one table, and return 0; 2 when something given is wrong."""
    try:
        return _run(_parser().parse_args(arguments))
    except ReviewError as e:
        print(e, file=sys.stderr)
        return e.exit_status


def _run(given: argparse.Namespace) -> int:
    questions = [read_question(folder) for folder in sorted(given.reviews.iterdir()) if folder.is_dir()]
    if given.queries:
        questions += read_seed_collection(given.queries / "seed_collection.jsonl.gz")
    if given.ids:
        questions = [question for question in questions if question.review_id in given.ids]
    records = read_pool(given.pool)
    with tempfile.TemporaryDirectory() as scratch:
        vocabulary = _vocabulary(given, Path(scratch))
        engine = _engine(given, vocabulary)
        index = given.index or Path(scratch) / "index.sqlite"
        print(f"indexing {len(records)} records", file=sys.stderr, flush=True)
        pool = LocalSource("pool", records, index, vocabulary)
        pmids = frozenset(record.pmid for record in records if record.pmid)
        rows = []
        for question in questions:
            print(question.review_id, file=sys.stderr, flush=True)
            rows.append(row_of(question, engine, pool, pmids))
        pool.close()
        identity = vocabulary.identity if vocabulary else None
    summary = {
        "engine": engine.name,
        "vocabulary": identity,
        "pool_records": len(records),
        **summary_of(rows),
    }
    rows.sort(key=lambda row: row["counted"] == "no")
    print(f"engine {engine.name}, vocabulary {identity}, {len(records)} records in the pool")
    print(table([*rows, means_of(summary, rows)], COLUMNS))
    print(CAVEAT)
    for row in rows:
        if row["unread"]:
            print(f"{row['review']}: the authors' strategy is left out: {row['unread']}")
        if row["dropped"]:
            print(f"{row['review']}: of the authors' strategy is not evaluated: {'; '.join(row['dropped'])}")
        if row.get("unproposed"):
            print(f"{row['review']}: no strategy proposed: {row['unproposed']}")
    # Clauses are the authors' text: printed, not stored.
    write(given.out, summary, [row | {"dropped": len(row["dropped"])} for row in rows])
    return 0


def _engine(given: argparse.Namespace, vocabulary: Vocabulary | None) -> Engine:
    if given.engine == "baseline":
        return BaselineEngine(vocabulary, NoEmbedder())
    if not (given.model and given.base_url):
        raise ConfigError("--engine openai needs --model and --base-url. Remedy: give both.")
    from model.chat import ChatEngine, ChatSettings

    return ChatEngine(ChatSettings(model=given.model, base_url=given.base_url))


def _vocabulary(given: argparse.Namespace, scratch: Path) -> Vocabulary | None:
    """As given; else the one beside the reviews or in the shared data. None without any: it is said in the table."""
    shared = Path(os.environ.get("LEADS_SHARED_DATA", "../shared/data")) / "mesh"
    source = given.mesh or next((p for p in (given.reviews.parent / "mesh", shared) if p.is_dir()), None)
    if source is None or source.suffix == ".sqlite":
        return None if source is None else Vocabulary(source)
    return install(scratch / "mesh.sqlite", source)


def _parser() -> argparse.ArgumentParser:
    shared = Path("../shared/data")
    made = parser(__doc__ or "")
    made.add_argument("--reviews", type=Path, default=shared / "reviews", help="folder of folders")
    made.add_argument(
        "--pool",
        type=Path,
        default=shared / "pubmed" / "pool.jsonl.gz",
        help="JSON lines of records, gzipped",
    )
    made.add_argument("--queries", type=Path, help="folder with seed_collection.jsonl.gz")
    made.add_argument("--ids", nargs="+", help="only these reviews")
    made.add_argument("--engine", choices=("baseline", "openai"), default="baseline")
    made.add_argument("--model", help="with --engine openai: the served model")
    made.add_argument("--base-url", help="with --engine openai: the server's address, ending in /v1")
    made.add_argument(
        "--mesh",
        type=Path,
        help="an installed mesh.sqlite, or NLM's files; default: `mesh` beside the reviews",
    )
    made.add_argument("--index", type=Path, help="SQLite file that keeps the index of the pool between runs")
    return made


if __name__ == "__main__":
    sys.exit(main())
