"""The small trained model that tests ask, made once and kept until a prompt or its making changes.

    python -m tests.trained

The same steps that make a large one: build, base, train. So small a model is at home with what it has seen and with
little else; so it is also taught the very questions that the contract of all engines asks, as the rules answer them.
What is tested with it is what lies around a model, and never what a model knows.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from finetune.instructions import About, Row, instruction, row_of, write_rows
from model.card import check_card, read_card
from model.tasks import ALL

ROOT = Path(__file__).parents[1]
HOME = ROOT / ".cache" / "invented"
BUILD = ("finetune.build", "finetune/configs/build_invented.yaml", "--out", f"{HOME}/data")
STEPS = (
    ("finetune.small.base", "--data", f"{HOME}/taught", "--out", f"{HOME}/base", "--vocabulary", "2048"),
    ("finetune.train", "finetune/configs/invented_cpu.yaml"),
)


@cache
def trained_model() -> Path:
    """LEADS_TINY_MODEL, or the model of `make test-model`, which is made here where it is not there or outdated."""
    if given := os.environ.get("LEADS_TINY_MODEL"):
        return Path(given)
    folder = HOME / "run" / "model"
    known = read_card(folder) if folder.is_dir() else None
    if known is None or check_card(known, "ours", list(ALL)):
        make()
    return folder


def make() -> None:
    """Make it anew, in processes of their own: training threads and random state are no business of the tests."""
    shutil.rmtree(HOME, ignore_errors=True)
    _run(BUILD)
    shutil.copytree(HOME / "data" / "train", HOME / "taught" / "train")
    write_rows(HOME / "taught" / "train" / "contract.parquet", taught())
    for step in STEPS:
        _run(step)


def taught() -> Iterator[Row]:
    """The questions of the contract, answered by the rules."""
    from tests.contracts.test_engines import QUESTIONS, baseline, numbered

    about = About(source="contract", licence="Apache-2.0", how="contract")
    with baseline() as engine:
        for request in (*QUESTIONS.values(), *(numbered(n) for n in range(8))):
            value = asyncio.run(engine.answer(request)).value
            yield row_of(instruction(request.task.id, request.input, value, about), "ours")


def _run(step: Sequence[str]) -> None:
    command = [sys.executable, "-W", "ignore", "-m", *step]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    make()
