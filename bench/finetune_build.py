"""What reading sources into a corpus costs, and finding things in it, as the corpus grows.

    python -m bench.finetune_build --data ../shared/data --out bench/results/finetune_build.json
    python -m bench.finetune_build --records 3000 30000 300000

shared  real files of each kind as they are: items per second of the processor, and peak memory
growth  files of 30,000 articles as NLM delivers them, made from real ones under PMIDs of their own: reading them,
        finding that nothing has changed, opening the corpus (which makes its index once), and looking up records
        at random, one by one and a thousand at once

Each measurement is a process of its own, so that its peak memory is its own. Reading is one thread, timed by the
processor; looking up is timed by the clock.
"""

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.report import Column, parser, table, write
from bench.retrieval import PER_FILE, real_articles, write_articles
from finetune.build.corpus import Corpus
from finetune.build.ingest import ingest
from finetune.build.sources import Source

DATA = Path(os.environ.get("LEADS_SHARED_DATA", "../shared/data"))
SHARED = {
    "pubmed_xml": "pubmed/xml",
    "nbib": "pubmed/medline",
    "pool": "pubmed/pool.jsonl.gz",
    "review_folders": "reviews",
    "ctgov": "ctgov/studies",
    "jats": "jats",
}
SHARED_COLUMNS = (
    Column("kind", "kind"),
    Column("items", "items"),
    Column("unread", "not read"),
    Column("seconds", "seconds", 1),
    Column("items_per_s", "items/s", 0),
    Column("peak_mb", "peak MB"),
    Column("corpus_mb", "corpus MB", 1),
)
GROWTH_COLUMNS = (
    Column("records", "records"),
    Column("files", "files"),
    Column("seconds", "seconds", 1),
    Column("records_per_s", "records/s", 0),
    Column("peak_mb", "peak MB"),
    Column("corpus_mb", "corpus MB", 1),
    Column("again_s", "unchanged s", 1),
    Column("index_s", "index s", 2),
    Column("open_ms", "open ms", 1),
    Column("one_ms", "one record ms", 2),
    Column("thousand_ms", "thousand ms", 0),
    Column("lookup_peak_mb", "its peak MB"),
)
FOUND = ("records", "trials", "papers", "annotations", "candidates")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the parts that were asked for and print a table of each."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--data", type=Path, default=DATA)
    arguments.add_argument("--parts", nargs="+", default=["shared", "growth"], choices=["shared", "growth"])
    arguments.add_argument("--records", type=int, nargs="+", default=[3_000, 30_000, 300_000])
    arguments.add_argument(
        "--scratch", type=Path, help="folder for what is made; some 1 GB for 300,000 records"
    )
    arguments.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    given = arguments.parse_args(argv)
    if given.one:
        measures: dict[str, Callable[..., dict[str, Any]]] = {"read": read, "look_up": look_up}
        print(json.dumps(measures[given.one[0]](*given.one[1:])))
        return
    rows: list[dict[str, Any]] = []
    summary: dict[str, Any] = {}
    if "shared" in given.parts:
        rows += (found := shared(given.data, given.scratch))
        print(table(found, SHARED_COLUMNS), end="\n\n")
        summary["items_per_s"] = {row["kind"]: round(row["items_per_s"]) for row in found}
    if "growth" in given.parts:
        rows += (found := [growth(given.data, n, given.scratch) for n in given.records])
        print(table(found, GROWTH_COLUMNS))
        for key in ("records_per_s", "peak_mb", "one_ms"):
            summary[key] = {str(row["records"]): round(row[key], 2) for row in found}
    write(given.out, summary, rows)


def shared(data: Path, scratch: Path | None) -> list[dict[str, Any]]:
    """A row for each kind of real source."""
    rows = []
    for kind, path in SHARED.items():
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            rows.append({"part": "shared", **child("read", kind, data / path, folder)})
    return rows


def growth(data: Path, records: int, scratch: Path | None) -> dict[str, Any]:
    """The row of one size."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        files, corpus = Path(folder) / "files", Path(folder) / "corpus"
        files.mkdir()
        articles = real_articles(data)
        for number, first in enumerate(range(0, records, PER_FILE)):
            path = files / f"pubmed26n{number + 1:04}.xml.gz"
            write_articles(path, articles, min(PER_FILE, records - first), first + 1)
        row = child("read", "pubmed_xml", files, corpus)
        again = child("read", "pubmed_xml", files, corpus)
        found = child("look_up", corpus, records)
    return {
        "part": "growth",
        "records": row["items"],
        "files": -(-records // PER_FILE),
        "seconds": row["seconds"],
        "records_per_s": row["items_per_s"],
        "peak_mb": row["peak_mb"],
        "corpus_mb": row["corpus_mb"],
        "again_s": again["seconds"],
        **found,
    }


def child(*what: object) -> dict[str, Any]:
    """One measurement in a process of its own."""
    command = [sys.executable, "-m", "bench.finetune_build", "--one", *map(str, what)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def read(kind: str, path: str, out: str) -> dict[str, Any]:
    """Read a source into a corpus, or find that it has not changed."""
    began = time.process_time()
    done = ingest([Source(name="bench", kind=kind, path=Path(path))], Path(out))
    seconds = time.process_time() - began
    # A review's candidates become records as well; they are counted once.
    items = max(
        sum(done.counts.get(t, 0) for t in FOUND if t != "candidates"), done.counts.get("candidates", 0)
    )
    return {
        "kind": kind,
        "items": items,
        "unread": done.counts.get("unread", 0),
        "seconds": seconds,
        "items_per_s": items / seconds,
        "peak_mb": _peak_mb(),
        "corpus_mb": sum(p.stat().st_size for p in Path(out).rglob("*") if p.is_file()) / 1e6,
    }


def look_up(folder: str, records: str) -> dict[str, Any]:
    """Times of looking records up, in milliseconds."""
    began = time.perf_counter()
    corpus = Corpus(Path(folder))
    known = corpus.known_pmids(map(str, range(1, int(records) + 1)))
    index_s = time.perf_counter() - began
    draw = random.Random(20_260_101)
    some = draw.sample(sorted(known, key=int), 1000)
    began = time.perf_counter()
    corpus = Corpus(Path(folder))
    corpus.record(some[0])
    open_ms = (time.perf_counter() - began) * 1000
    single = []
    for pmid in some[:200]:
        began = time.perf_counter()
        corpus.record(pmid)
        single.append((time.perf_counter() - began) * 1000)
    corpus = Corpus(Path(folder))
    began = time.perf_counter()
    found = corpus.records(some)
    thousand_ms = (time.perf_counter() - began) * 1000
    if len(found) != 1000:
        raise SystemExit(f"only {len(found)} of 1000 records were found")
    return {
        "index_s": index_s,
        "open_ms": open_ms,
        "one_ms": statistics.median(single),
        "thousand_ms": thousand_ms,
        "lookup_peak_mb": _peak_mb(),
    }


def _peak_mb() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    main()
