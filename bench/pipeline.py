"""What the graph, the store and the whole pipeline cost.

    python -m bench.pipeline --records 1159 10000 --data ../shared/data/pubmed/pool.jsonl.gz --out FILE

Each row runs in a process of its own, so that its peak memory is its own:

index     the records are read and indexed for local search
scripted  retrieve → prefilter → screen over a search that was run before, with an engine and a ranking that
          cost nothing: what remains is the graph, the store and the checkpoints
baseline  the same with the real embedding model and the baseline engine
"""

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from bench.report import Column, parser, table, write

DATA = Path(os.environ.get("LEADS_SHARED_DATA", "../shared/data")) / "pubmed" / "pool.jsonl.gz"

YAML = """
review: {title: Kidney biopsy in chronic kidney disease, type: other, id: bench}
question:
  framework: PICO
  elements: {population: [chronic kidney disease], intervention: [kidney biopsy]}
criteria:
  - {id: population, kind: include, element: population, text: Participants have chronic kidney disease.}
  - {id: intervention, kind: include, element: intervention, text: A kidney biopsy was performed.}
  - {id: animals, kind: exclude, element: design, text: The study was done in animals only.}
search: {strategy: "hasabstract[sb]"}
sources: [{kind: local, name: pool, files: [records.jsonl]}]
gates: [screen]
"""


COLUMNS = (
    Column("mode", "mode"),
    Column("records", "records"),
    Column("seconds", "seconds", 1),
    Column("records_per_s", "records/s", 1),
    Column("ms_per_record", "ms/record", 2),
    Column("cpu_ms_per_record", "CPU ms/record", 2),
    Column("peak_mb", "peak MB"),
    Column("review_mb", "review.sqlite MB", 1),
    Column("checkpoints_kb", "checkpoints.sqlite kB"),
)


def main(argv: Sequence[str] | None = None) -> None:
    """Run every mode at every size and print one table."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--records", type=int, nargs="+", default=[1159, 10000])
    arguments.add_argument("--data", type=Path, default=DATA, help="JSON lines of records, gzipped")
    arguments.add_argument("--modes", nargs="+", default=["index", "scripted", "baseline"])
    arguments.add_argument("--one", help=argparse.SUPPRESS)
    given = arguments.parse_args(argv)
    if given.one:
        print(json.dumps(measured(given.one, given.records[0], given.data)))
        return
    rows = [child(mode, n, given.data) for n in given.records for mode in given.modes]
    overheads = [row["ms_per_record"] for row in rows if row["mode"] == "scripted"]
    summary = {
        "overhead_ms_per_record_max": max(overheads, default=None),
        "checkpoints_kb_max": max((row["checkpoints_kb"] or 0 for row in rows), default=None),
    }
    print(table(rows, COLUMNS))
    write(given.out, summary, rows)


def child(mode: str, records: int, data: Path) -> dict[str, Any]:
    """One measurement in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "bench.pipeline",
        "--one",
        mode,
        "--records",
        str(records),
        "--data",
        str(data),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def measured(mode: str, records: int, data: Path) -> dict[str, Any]:
    """Seconds, peak memory and file sizes of one mode."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = (
            f"{folder}/cache"  # a cold cache: vectors and indexes are part of the cost
        )
        home = Path(folder) / "review"
        copy(data, home, records)
        began, worked = time.perf_counter(), time.process_time()
        told = index(home) if mode == "index" else pipeline(home, mode)
        cpu = time.process_time() - worked - told.pop("not_counted_cpu_s", 0.0)
        seconds = time.perf_counter() - began - told.pop("not_counted_s", 0.0)
        n = told["n"]
        return {
            "mode": mode,
            "records": n,
            "seconds": round(seconds, 2),
            "records_per_s": round(n / seconds, 1),
            "ms_per_record": round(1000 * seconds / n, 3),
            "cpu_ms_per_record": round(1000 * cpu / n, 3),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "review_mb": told.get("review_mb"),
            "checkpoints_kb": told.get("checkpoints_kb"),
        }


def copy(data: Path, home: Path, records: int) -> None:
    """A review over the first records that have an abstract."""
    home.mkdir(parents=True)
    (home / "review.yaml").write_text(YAML)
    with gzip.open(data, "rt", encoding="utf-8") as lines, (home / "records.jsonl").open("w") as out:
        out.writelines(islice((line for line in lines if json.loads(line).get("abstract")), records))


def index(home: Path) -> dict[str, Any]:
    """Read and index."""
    from tools.search.sources.files import read_records
    from tools.search.sources.local import LocalSource

    report = read_records(home / "records.jsonl", source="pool")
    LocalSource("pool", report.records, home / "index.sqlite").close()
    return {"n": len(report.records)}


def pipeline(home_folder: Path, mode: str) -> dict[str, Any]:
    """Retrieve, prefilter and screen, to the screening gate."""
    loading, working = time.perf_counter(), time.process_time()
    import langgraph.checkpoint.sqlite  # noqa: F401 - imports are no cost of a record

    from agent.home import Home
    from agent.protocol import ensure_protocol
    from agent.review import Review
    from agent.wiring import live_deps
    from graphs.driver import advance, checkpoints

    home = Home.of(home_folder)
    with Review.open(home) as review:
        ensure_protocol(review, overrides=None, reason=None, author="bench")
        deps = live_deps(review)
        if mode == "scripted":
            deps = free_of_thought(deps, review)
            searched_before(deps)
        loaded, worked = time.perf_counter() - loading, time.process_time() - working
        with checkpoints(home.checkpoints) as saver:
            halt = advance(deps, saver)
        assert halt.step == "screen", halt
        n = len(review.store.outcomes(review.pass_id, "screen"))
    return {
        "n": n,
        "not_counted_s": loaded,
        "not_counted_cpu_s": worked,
        "review_mb": round(home.database.stat().st_size / 1e6, 1),
        "checkpoints_kb": round(home.checkpoints.stat().st_size / 1e3),
    }


def searched_before(deps: Any) -> None:
    """Run the search ahead of time: reading and indexing files has a row of its own."""
    from tools.search.query import parse

    for use in deps.sources:
        search_id = f"{deps.pass_id}/{use.source.name}/1"
        strategy = parse(str(deps.config.search.strategy))
        use.source.search(strategy, search_id=search_id, dates=use.dates, limit=use.limit)


def free_of_thought(deps: Any, review: Any) -> Any:
    """The same with an engine and a ranking that answer at once."""
    from dataclasses import replace

    from model.scripted import ScriptedEngine
    from model.tasks.pico import Element, PicoAnswer
    from model.tasks.screen import Judgement, ScreenAnswer
    from model.wrappers import Recorded

    def say(request: Any) -> Any:
        if request.task.id == "pico":
            return PicoAnswer(elements=tuple(Element(name=n, phrases=()) for n in request.input.elements))
        return ScreenAnswer(
            verdicts=tuple(
                Judgement(criterion_id=c.id, label="NO", quote=request.input.title)
                for c in request.input.criteria
            )
        )

    class Ranker:
        """Everything is equally near."""

        name = "constant"

        def scores(self, _question: Sequence[str], texts: Mapping[str, str]) -> Mapping[str, float]:
            return dict.fromkeys(texts, 0.5)

    engine = Recorded(ScriptedEngine(say), review.calls)
    return replace(deps, engines=dict.fromkeys(deps.engines, engine), ranker=Ranker())


if __name__ == "__main__":
    main()
