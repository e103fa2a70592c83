"""The small trained model that tests ask, made once and kept until a prompt or its making changes.

    python -m tests.trained

The same steps that make a large one: build, base, train.
"""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from model.card import check_card, read_card
from model.tasks import ALL

ROOT = Path(__file__).parents[1]
HOME = ROOT / ".cache" / "invented"
STEPS = (
    ("finetune.build", "finetune/configs/build_invented.yaml", "--out", f"{HOME}/data"),
    ("finetune.small.base", "--data", f"{HOME}/data", "--out", f"{HOME}/base", "--vocabulary", "2048"),
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
    for step in STEPS:
        subprocess.run(
            [sys.executable, "-W", "ignore", "-m", *step], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
        )


if __name__ == "__main__":
    make()
