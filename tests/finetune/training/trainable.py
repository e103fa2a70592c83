"""A small base model and invented instructions to train it on, for tests of training."""

import json
import random
from pathlib import Path

import yaml

from finetune.instructions import About, Row, instruction, row_of, write_rows
from finetune.invention.questions import example
from finetune.small.base import Shape, model_of
from finetune.small.tokenizer import available, fixed_lines, tokenizer_of
from model.tasks import ALL

__all__ = ["base", "configuration", "data", "losses", "rows"]

TASKS = ("pico", "screen", "direction", "question")


def rows(part: str, count: int, tasks: tuple[str, ...] = tuple(ALL)) -> list[Row]:
    """Invented instructions, the same ones each time."""
    chance = random.Random(part)
    made = []
    for number in range(count):
        for task in tasks:
            one = example(task, chance)
            about = About(source=f"invented-{number % 2}", licence="none", how="invented")
            made.append(row_of(instruction(task, one.request.input, one.value, about), "ours"))
    return made


def data(folder: Path, count: int = 20, tasks: tuple[str, ...] = TASKS) -> Path:
    """A folder with train/ and validation/."""
    write_rows(folder / "train" / "a.parquet", rows("train", count, tasks))
    write_rows(folder / "validation" / "a.parquet", rows("validation", 2, tasks))
    return folder


def base(folder: Path, **more: object) -> Path:
    """An untrained model of 80,000 parameters, with a tokenizer made from the prompts."""
    shape = {"vocabulary": 700, "hidden": 64, "inner": 64, "layers": 2, "heads": 1, "kv_heads": 1} | more
    small = Shape(wired=False, **shape)  # type: ignore[arg-type]
    corpus = [part for row in rows("words", 10) for part in (row.prompt, row.reply)]
    lines = fixed_lines("ours", available("ours"))
    tokenizer = tokenizer_of(small.vocabulary, small.context, corpus, lines)
    model_of(small, tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def configuration(folder: Path, start: Path, instructions: Path, /, **changes: object) -> Path:
    """A configuration for a few quick steps."""
    told: dict[str, object] = {
        "name": "test",
        "model": str(start),
        "data": str(instructions),
        "out": "out",
        "context": 2048,
        "batch": 2,
        "steps": 6,
        "lr": 0.003,
        "dtype": "fp32",
        "save_every": 3,
        "eval_every": None,
        "log_every": 1,
        "tensorboard": False,
        "hardware": {"name": "cpu"},
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(told | changes))
    return path


def losses(out: Path) -> list[float]:
    """Loss of each step."""
    return [line["loss"] for line in json.loads((out / "training.json").read_text())["losses"]]
