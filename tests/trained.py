"""The small trained model of `finetune.tiny`, made once and kept until a prompt or its making changes."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from model.card import check_card, read_card
from model.tasks import ALL

ROOT = Path(__file__).parents[1]


@cache
def trained_model() -> Path:
    """LEADS_TINY_MODEL, or the model of `make tiny`, which is made here where it is not there or outdated."""
    if given := os.environ.get("LEADS_TINY_MODEL"):
        return Path(given)
    folder = ROOT / ".cache" / "tiny"
    known = read_card(folder) if folder.is_dir() else None
    if known is None or check_card(known, "ours", list(ALL)):
        # In a process of its own: training threads and random state are no business of the tests.
        command = [sys.executable, "-W", "ignore", "-m", "finetune.tiny", "--out", str(folder)]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return folder
