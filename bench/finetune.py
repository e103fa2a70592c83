"""Training: tokens per second and share of the hardware's peak, beside TRL's trainer on the same examples.

    python -m bench.finetune --rounds 3 --out FILE                 the small model, on CPU or on one GPU
    python -m bench.finetune --cases 7b-lora-4k 7b-full-30k …      Mistral-7B's shape with random weights, on one GPU

Each measurement is a process of its own, in turns, and the best of the rounds counts. Tokens are those of examples:
padding is no work done. Peers need `pip install trl`; where it is missing their rows are empty.

ours         finetune.train: rows packed, each example attends to itself alone, only answers go through the head
trl-padded   trl.SFTTrainer, loss on completions, examples padded to the longest of a batch of eight
trl-packed   trl.SFTTrainer, packing "bfd"; without FlashAttention its examples see their neighbours in the row

The peak is measured for a CPU (a large product of matrices in the same precision, in the same process), and the
maker's for a GPU, as `finetune.training.plan` lists it.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from bench.report import Column, parser, table, write
from finetune.build.kinds import Shard
from finetune.build.make.invented import Invented
from finetune.instructions import Instruction, row_of, write_rows
from finetune.training.plan import LEADS_LOAD
from finetune.training.shapes import MISTRAL_7B, Shape

SMALL = Shape(192, 512, 4, 3, 3, 64, 2048, tied=True)
ROOT = Path(__file__).parents[1]
COLUMNS = [
    Column("case", "case"),
    Column("who", "who"),
    Column("tokens_per_second", "tokens/s", 0),
    Column("beside_ours", "of ours", 2),
    Column("of_peak", "of the peak", 3),
    Column("peak_gb", "memory GB", 2),
    Column("loss_first", "loss at first", 2),
    Column("loss_last", "at last", 2),
    Column("leads_hours", "hours for LEADS' examples", 1),
    Column("why", "why not"),
]


class Case(NamedTuple):
    """What is trained, and how."""

    shape: Shape
    settings: Mapping[str, Any]
    steps: int
    examples: int
    filler: bool = False
    """Long texts only, so that rows of 30,000 tokens are not thousands of short examples."""
    launched: bool = False
    peers: tuple[str, ...] = ()


_LARGE: dict[str, Any] = {"checkpointing": True, "batch": 1, "lr": 1e-6, "hardware": {"name": "h200-141g"}}
_OFFLOAD: dict[str, Any] = _LARGE | {
    "method": "full",
    "deepspeed": str(ROOT / "finetune/configs/ds_zero3_offload.json"),
}
_LORA: dict[str, Any] = _LARGE | {"method": "lora", "adapter": {"rank": 32, "alpha": 64}, "lr": 1e-4}
CASES = {
    "small-2k": Case(
        SMALL,
        {"context": 2048, "batch": 1, "lr": 1e-3, "checkpointing": False, "hardware": {"name": "cpu"}},
        steps=24,
        examples=1500,
        peers=("trl-padded", "trl-packed"),
    ),
    "7b-lora-4k": Case(MISTRAL_7B, _LORA | {"context": 4096}, steps=12, examples=1200, peers=("trl-packed",)),
    "7b-lora-30k": Case(MISTRAL_7B, _LORA | {"context": 30_000}, steps=8, examples=3000, filler=True),
    "7b-full-4k": Case(MISTRAL_7B, _OFFLOAD | {"context": 4096}, steps=6, examples=1200, launched=True),
    "7b-full-30k": Case(
        MISTRAL_7B, _OFFLOAD | {"context": 30_000}, steps=5, examples=3000, filler=True, launched=True
    ),
}
_WORKER = [sys.executable, "-W", "ignore", "-m", "bench.finetune", "--worker"]
WARM = 3
"""Steps that are not counted."""


# Data and model ----------------------------------------------------------------------------------


def prepare(name: str, folder: Path) -> None:
    """Invented examples and a model of random weights, the same for everybody who trains on them."""
    import torch
    from transformers import GenerationConfig

    from finetune.small.base import Shape as Small
    from finetune.small.base import make, model_of

    case = CASES[name]
    write_rows(folder / "data" / "train" / "invented.parquet", _rows(case))
    shape = Small(
        vocabulary=min(case.shape.vocabulary, 8192) - 600,
        hidden=case.shape.hidden,
        inner=case.shape.inner,
        layers=case.shape.layers,
        heads=case.shape.heads,
        kv_heads=case.shape.kv_heads,
        head=case.shape.head,
        context=32_768,
        wired=False,
    )
    if case.shape == SMALL:
        make(folder / "data", folder / "base", shape)
        return
    from transformers import AutoTokenizer

    small = Small(**(shape.__dict__ | {"hidden": 64, "inner": 64, "layers": 1, "heads": 1, "kv_heads": 1}))
    make(folder / "data", folder / "base", small)  # for its tokenizer
    words = AutoTokenizer.from_pretrained(folder / "base")
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = model_of(shape, _Sized(words, case.shape.vocabulary))
    model.generation_config = GenerationConfig(eos_token_id=words.eos_token_id)  # type: ignore[no-untyped-call]
    model.save_pretrained(folder / "base")


class _Sized:
    """A tokenizer's ids with the size of a larger vocabulary."""

    def __init__(self, words: Any, size: int) -> None:
        self.bos_token_id, self.eos_token_id = words.bos_token_id, words.eos_token_id
        self.pad_token_id, self._size = words.pad_token_id, size

    def __len__(self) -> int:
        return self._size


def _rows(case: Case) -> Iterator[Any]:
    for made in Invented(case.examples, seed=1)(None, Shard()):
        if isinstance(made, Instruction):
            row = row_of(made, "ours")
            if not case.filler or len(row.prompt) > 4000:
                yield row


# Workers: one process each -------------------------------------------------------------------------


def ours(name: str, folder: Path) -> dict[str, Any]:
    """`finetune.train`, as a user runs it."""
    from finetune.train import train
    from finetune.training.settings import Settings

    case = CASES[name]
    told = dict(case.settings) | {
        "name": "bench",
        "model": str(folder / "base"),
        "data": str(folder / "data"),
        "out": str(folder / "out"),
        "steps": case.steps,
        "log_every": 1,
        "eval_every": None,
        "save_every": 10_000,
        "tensorboard": False,
    }
    train(Settings.model_validate(told))
    report = json.loads((folder / "out" / "training.json").read_text())
    lines = report["losses"][WARM:]
    tokens = report["plan"]["tokens"] / report["plan"]["steps"]
    seconds = sum(tokens / line["tokens_per_second"] for line in lines) / len(lines)
    return {
        "tokens_per_second": tokens / seconds,
        "operations_per_token": report["plan"]["operations"] / report["plan"]["tokens"],
        "loss_first": report["losses"][0]["loss"],
        "loss_last": lines[-1]["loss"],
        "peak_gb": _peak_memory(),
    }


def trl(name: str, folder: Path, *, packed: bool) -> dict[str, Any]:
    """`trl.SFTTrainer` on the same examples, model and precision."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback

    from finetune.instructions import read_rows

    peer, frames = import_module("trl"), import_module("datasets")
    case = CASES[name]
    told = case.settings
    turns = [
        {
            "prompt": [{"role": "user", "content": row["prompt"]}],
            "completion": [{"role": "assistant", "content": row["reply"]}],
        }
        for row in read_rows(folder / "data" / "train", ["prompt", "reply"])
    ]
    seen: list[tuple[float, int]] = []

    class Counted(peer.SFTTrainer):  # type: ignore[name-defined,misc]
        def compute_loss(self, model: Any, inputs: Any, *more: Any, **named: Any) -> Any:
            mask = inputs.get("attention_mask")
            seen.append(
                (time.perf_counter(), int(mask.sum() if mask is not None else inputs["input_ids"].numel()))
            )
            return super().compute_loss(model, inputs, *more, **named)

    ends: list[float] = []

    class Ends(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            ends.append(time.perf_counter())

    adapter = None
    if told.get("method") == "lora":
        from peft import LoraConfig

        adapter = LoraConfig(
            r=told["adapter"]["rank"], lora_alpha=told["adapter"]["alpha"], target_modules="all-linear"
        )
    trainer = Counted(
        model=AutoModelForCausalLM.from_pretrained(
            folder / "base", dtype=torch.bfloat16 if adapter else torch.float32
        ),
        args=peer.SFTConfig(
            output_dir=str(folder / "out"),
            max_length=told["context"],
            packing=packed,
            completion_only_loss=True,
            per_device_train_batch_size=1 if packed else 8,
            max_steps=case.steps,
            learning_rate=told["lr"],
            gradient_checkpointing=told["checkpointing"],
            bf16=True,
            use_cpu=not torch.cuda.is_available(),
            logging_steps=1,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
        ),
        train_dataset=frames.Dataset.from_list(turns),
        processing_class=AutoTokenizer.from_pretrained(folder / "base"),
        peft_config=adapter,
        callbacks=[Ends()],
    )
    trainer.train()
    losses = [line["loss"] for line in trainer.state.log_history if "loss" in line]
    tokens = sum(count for _, count in seen[WARM:])
    return {
        "tokens_per_second": tokens / (ends[-1] - ends[WARM - 1]),
        "loss_first": losses[0],
        "loss_last": losses[-1],
        "peak_gb": _peak_memory(),
    }


def _peak_memory() -> float:
    """Of the device, or of this process on a CPU; GB."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def peak() -> float | None:
    """Operations per second of a large product in bf16 (the best of five), or the maker's figure of a GPU; None: of a
    GPU that is not in the table."""
    import torch

    from finetune.training.plan import DEVICES

    if torch.cuda.is_available():
        name = torch.cuda.get_device_name().lower()
        known = [device for key, device in DEVICES.items() if key.split("-")[0] in name]
        return known[0].tflops * 1e12 if known else None
    size = 2048
    one, other = (torch.randn(size, size).bfloat16() for _ in range(2))
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        one @ other
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best


# Rounds --------------------------------------------------------------------------------------------


def _measured(name: str, who: str, folder: Path) -> dict[str, Any]:
    worker = ["bench.finetune", "--worker", who, "--cases", name, "--folder", str(folder)]
    launched = CASES[name].launched and who == "ours"
    command = [sys.executable, "-W", "ignore", "-m", *worker]
    if launched:
        command = [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc_per_node",
            "1",
            "-m",
        ]
        command += worker
    subprocess.run(["rm", "-rf", str(folder / "out")], check=True)
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"TQDM_DISABLE": "1"}
    )
    line = next((x for x in reversed(done.stdout.splitlines()) if x.startswith("{")), None)
    if done.returncode or line is None:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        print(done.stderr[-2000:], file=sys.stderr)
        return {"why": last[:120]}
    told: dict[str, Any] = json.loads(line)
    return told


def _best(measured: list[dict[str, Any]]) -> dict[str, Any]:
    done = [one for one in measured if "tokens_per_second" in one]
    return max(done, key=lambda one: one["tokens_per_second"]) if done else measured[-1]


def rows_of(name: str, rounds: int) -> list[dict[str, Any]]:
    """A case: ours and its peers, in turns."""
    who = ["ours", *CASES[name].peers]
    measured: dict[str, list[dict[str, Any]]] = {one: [] for one in who}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        subprocess.run(
            [*_WORKER, "prepare", "--cases", name, "--folder", str(folder)],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for _ in range(rounds):
            for one in who:
                measured[one].append(_measured(name, one, folder))
    top, best = peak(), {one: _best(measured[one]) for one in who}
    per_token = best["ours"].get("operations_per_token")
    rows = []
    for one in who:
        row: dict[str, Any] = {"case": name, "who": one} | best[one]
        row.pop("operations_per_token", None)
        if speed := row.get("tokens_per_second"):
            row["beside_ours"] = speed / best["ours"].get("tokens_per_second", float("nan"))
            row["of_peak"] = speed * per_token / top if per_token and top else None
            if name.startswith("7b"):
                row["leads_hours"] = LEADS_LOAD.tokens / speed / 3600
            row["rounds"] = [x.get("tokens_per_second") for x in measured[one]]
        rows.append(row)
    return rows


def main() -> int:
    """The command line."""
    made = parser(__doc__ or "")
    made.add_argument("--cases", nargs="+", choices=list(CASES), default=["small-2k"])
    made.add_argument("--rounds", type=int, default=3)
    made.add_argument("--worker", help=argparse.SUPPRESS)
    made.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = made.parse_args()
    if given.worker == "prepare":
        prepare(given.cases[0], given.folder)
        return 0
    if given.worker:
        work = {"ours": ours, "trl-padded": _padded, "trl-packed": _packed}[given.worker]
        told = work(given.cases[0], given.folder)
        if os.environ.get("RANK", "0") == "0":
            print(json.dumps(told), flush=True)
        return 0
    rows = [row for name in given.cases for row in rows_of(name, given.rounds)]
    print(table(rows, COLUMNS))
    summary = {f"{row['case']} {row['who']}": row.get("tokens_per_second") for row in rows}
    summary["peak_operations_per_second"] = peak()
    write(given.out, summary, rows)
    return 0


def _padded(name: str, folder: Path) -> dict[str, Any]:
    return trl(name, folder, packed=False)


def _packed(name: str, folder: Path) -> dict[str, Any]:
    return trl(name, folder, packed=True)


if __name__ == "__main__":
    sys.exit(main())
