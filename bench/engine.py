"""How fast the language-model engine asks, beside what others would have asked the same server with.

    python -m bench.engine --leads ../leads-peer --vllm-url http://127.0.0.1:8000/v1 --vllm-model tiny \
        --out bench/results/engine.json

Prompts are invented papers of 1,000 tokens with four criteria, in the format of LEADS, so that everybody's answers
can be read by everybody. Clients take turns in each round, every run in a process of its own; of each its best round
counts. Ratios say more than rates: another machine is faster for all.

gpu       a loopback server that plays a GPU server: 256 sequences at once, latencies drawn from a log-normal
          distribution with a median of two seconds. Ours (pool, client, every call in SQLite), the published LEADS
          client (its own functions: batches of 20, each waiting for its slowest, a second's sleep between), the
          same with its batch raised to what we have in flight, and langchain's `abatch`
layers    microseconds per request of each of our layers, against a server that answers at once
vllm      a real vLLM server: the share of what a bare load generator gets out of it
device    tokens/s of a 7B model on an accelerator, where one is at hand
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench.engine_layers import layers
from bench.engine_work import CLIENTS, Setting, Took, least_s, questions, texts
from bench.report import Column, parser, table, write

ROOT = Path(__file__).parents[1]
PARTS = ("gpu", "layers", "vllm", "device")
MODEL = "invented-7b"

COLUMNS = (
    Column("part", "part"),
    Column("client", "client"),
    Column("ours_is", "ours is … times as fast", 2),
    Column("share_of_server", "share of what the server can", 3),
    Column("records_per_s", "records/s", 2),
    Column("seconds", "seconds", 1),
    Column("usable", "answers"),
    Column("of", "of"),
    Column("same_answers", "same answers"),
    Column("cpu_us", "CPU µs/request"),
    Column("wall_us", "wall µs/request"),
    Column("more_than_langchain_us", "CPU µs over langchain"),
    Column("note", "note"),
)

NO_PEER = "not measured: --leads FOLDER with a checkout of RyanWangZf/LEADS was not given"
NO_VLLM = "not measured: --vllm-url was not given"
NO_DEVICE = "not measured: no accelerator on this machine"


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what is asked for and print one table."""
    given = arguments().parse_args(argv)
    if given.one:
        print(json.dumps(_asdict(CLIENTS[given.one](_setting(json.loads(given.setting))))))
        return
    if given.layers_of:
        print(json.dumps(layers(_setting(json.loads(given.setting)), given.layers_of)))
        return
    rows: list[dict[str, Any]] = []
    if "gpu" in given.parts:
        rows += gpu(given)
    if "layers" in given.parts:
        rows += overhead(given)
    if "vllm" in given.parts:
        rows += vllm(given)
    if "device" in given.parts:
        rows.append({"part": "device", "client": "7B on an accelerator", "note": NO_DEVICE})
    print(table(rows, shown(rows)))
    write(given.out, summary(rows), rows)


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    made = parser(__doc__ or "")
    made.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    made.add_argument("--records", type=int, default=1000)
    made.add_argument("--in-flight", type=int, default=256)
    made.add_argument("--rounds", type=int, default=3, help="of the GPU server; the slowest peer once")
    made.add_argument("--median", type=float, default=2.0, help="seconds of the GPU server's latencies")
    made.add_argument("--leads", type=Path, help="a checkout of RyanWangZf/LEADS, the published client")
    made.add_argument("--layer-records", type=int, default=400)
    made.add_argument("--layer-rounds", type=int, default=5)
    made.add_argument("--vllm-url", help="a running vLLM, such as http://127.0.0.1:8000/v1")
    made.add_argument("--vllm-model", default="tiny", help="what that server calls its model")
    made.add_argument("--vllm-records", type=int, default=96)
    made.add_argument("--vllm-in-flight", type=int, default=32)
    made.add_argument("--vllm-rounds", type=int, default=5)
    made.add_argument(
        "--vllm-tokens", type=int, default=300, help="longest answer: the model need not be trained"
    )
    made.add_argument("--one", choices=CLIENTS, help=argparse.SUPPRESS)
    made.add_argument("--layers-of", type=int, help=argparse.SUPPRESS)
    made.add_argument("--setting", help=argparse.SUPPRESS)
    return made


# Parts --------------------------------------------------------------------------------------------


def gpu(given: argparse.Namespace) -> list[dict[str, Any]]:
    """The loopback server with a GPU's patience."""
    with server("--median", str(given.median)) as url:
        setting = Setting(url, MODEL, given.records, given.in_flight, "gpu", leads=given.leads)
        clients = {
            "ours": ("ours", setting),
            "langchain abatch": ("abatch", setting),
            "LEADS client": ("leads", setting),
            "LEADS client, larger batch": ("leads", replace(setting, leads_batch=given.in_flight)),
        }
        if given.leads is None:
            clients = {name: each for name, each in clients.items() if each[0] != "leads"}
        took = turns(clients, given.rounds, once=("LEADS client",))
    rows = compared("gpu", took, setting.records)
    least = _least(setting, given.median)
    for row in rows:
        row["share_of_server"] = round(least / row["seconds"], 3)
        row["note"] = NOTES.get(row["client"], "")
    computed = {
        "seconds": round(least, 2),
        "records_per_s": round(setting.records / least, 2),
        "of": setting.records,
    }
    rows.append({"part": "gpu", "client": "nobody's time but the server's"} | computed | {"note": "computed"})
    return rows + ([] if given.leads else [{"part": "gpu", "client": "LEADS client", "note": NO_PEER}])


def _least(setting: Setting, median_s: float) -> float:
    """Seconds that a run takes at least."""
    from tests.servers.gpu import latency_s

    prompts = texts(setting, questions(setting))
    return least_s((latency_s(prompt, seed=1, median_s=median_s) for prompt in prompts), setting.in_flight)


NOTES = {
    "LEADS client": "20 a batch, as published",
    "LEADS client, larger batch": "its batch_size set to our number in flight",
}


def overhead(given: argparse.Namespace) -> list[dict[str, Any]]:
    """Layer by layer, at sixteen in flight."""
    with server("--median", "0") as url:
        setting = Setting(url, MODEL, given.layer_records, 16, "layers")
        rows: list[dict[str, Any]] = _child(["--layers-of", str(given.layer_rounds)], setting)
    return [{"part": "layers", "client": row.pop("layer")} | row for row in rows]


def vllm(given: argparse.Namespace) -> list[dict[str, Any]]:
    """A real server, which is the bottleneck itself."""
    if given.vllm_url is None:
        return [{"part": "vllm", "client": "ours", "note": NO_VLLM}]
    setting = Setting(
        given.vllm_url,
        given.vllm_model,
        given.vllm_records,
        given.vllm_in_flight,
        "vllm",
        max_tokens=given.vllm_tokens,
        leads=given.leads,
    )
    clients = {
        "bare load generator": ("bare", setting),
        "ours": ("ours", setting),
        "langchain abatch": ("abatch", setting),
    }
    if given.leads is not None:
        clients["LEADS client"] = ("leads", setting)
    # Its cache knows the papers that it has read: everybody gets papers of their own.
    took = turns(clients, given.vllm_rounds, own_papers=True, once=("LEADS client",))
    rows = compared("vllm", took, setting.records)
    fastest = next(row["records_per_s"] for row in rows if row["client"] == "bare load generator")
    for row in rows:
        row["share_of_server"] = round(row["records_per_s"] / fastest, 3)
        del row["same_answers"]
        if row["client"] == "LEADS client":
            row["note"] = "sends no schema, so its answers are other and longer ones"
    return rows


def turns(
    clients: Mapping[str, tuple[str, Setting]],
    rounds: int,
    *,
    own_papers: bool = False,
    once: Sequence[str] = (),
) -> dict[str, list[Took]]:
    """Every client once a round, each time in another order; some in the first round only.

    Args:
        own_papers: no two runs get the same papers; else all do.
        once: those whose time is waiting, and too long to be waited for again.
    """
    took: dict[str, list[Took]] = {name: [] for name in clients}
    names = list(clients)
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            if number and name in once:
                continue
            client, setting = clients[name]
            seed = f"{setting.seed}-{number}-{name}" if own_papers else setting.seed
            took[name].append(Took(**_child(["--one", client], replace(setting, seed=seed))))
            print(f"{name}, round {number + 1}: {took[name][-1].seconds:.1f} s", file=sys.stderr, flush=True)
    return took


def compared(part: str, took: Mapping[str, Sequence[Took]], records: int) -> list[dict[str, Any]]:
    """A row per client: its best round, and how ours compares."""
    best = {name: min(runs, key=lambda run: run.seconds) for name, runs in took.items()}
    said = {name: [hashed(run.answers) for run in runs] for name, runs in took.items()}
    return [
        {
            "part": part,
            "client": name,
            "ours_is": round(run.seconds / best["ours"].seconds, 2) if name != "ours" else None,
            "records_per_s": round(records / run.seconds, 2),
            "seconds": round(run.seconds, 2),
            "all_seconds": [round(each.seconds, 2) for each in took[name]],
            "usable": min(each.usable for each in took[name]),
            "of": records,
            "same_answers": "yes" if said[name] == said["ours"][: len(said[name])] else "no",
            "cpu_us": round(min(each.cpu_s for each in took[name]) * 1e6 / records),
        }
        for name, run in best.items()
    ]


def hashed(answers: Sequence[str]) -> str:
    """A list of answers in a few letters."""
    return hashlib.sha256(json.dumps(list(answers)).encode()).hexdigest()[:16]


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The figures that a release is held to."""

    def of(part: str, client: str, key: str) -> Any:
        return next((row.get(key) for row in rows if (row["part"], row["client"]) == (part, client)), None)

    return {
        "gpu_times_leads": of("gpu", "LEADS client", "ours_is"),
        "gpu_times_leads_larger_batch": of("gpu", "LEADS client, larger batch", "ours_is"),
        "gpu_times_abatch": of("gpu", "langchain abatch", "ours_is"),
        "vllm_share_of_server": of("vllm", "ours", "share_of_server"),
        "cpu_us_over_langchain": of("layers", "as in a review", "more_than_langchain_us"),
    }


def shown(rows: Sequence[Mapping[str, Any]]) -> list[Column]:
    """The columns that some row has something in."""
    return [column for column in COLUMNS if any(row.get(column.key) not in (None, "") for row in rows)]


# Processes ----------------------------------------------------------------------------------------


@contextmanager
def server(*more: str) -> Iterator[str]:
    """The make-believe GPU server in a process of its own; its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.servers.gpu", *more], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def _child(what: Sequence[str], setting: Setting) -> Any:
    """One measurement in a process of its own."""
    told = json.dumps(_asdict(setting), default=str)
    command = [sys.executable, "-m", "bench.engine", *what, "--setting", told]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def _asdict(value: Any) -> dict[str, Any]:
    return asdict(value)


def _setting(told: Mapping[str, Any]) -> Setting:
    folder = told["leads"]
    return Setting(**{**told, "leads": None if folder is None else Path(folder).resolve()})


if __name__ == "__main__":
    main()
