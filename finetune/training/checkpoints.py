"""Checkpoints: which of them is whole, and whether a run can go on from it bit for bit."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from finetune.training.settings import Settings
from tools.errors import ConfigError, ReviewError

__all__ = ["NotSaved", "Run", "latest", "note_run", "ready_to_resume", "ready_to_start"]

RUN = "run.json"


class NotSaved(ReviewError):
    """A checkpoint or model could not be written; earlier ones are as they were."""


class Run(dict[str, Any]):
    """What a resumed run has to have in common with the one before: settings, processes, data."""


def run_of(settings: Settings, world: int, data: str, model: str | None) -> Run:
    """What `run.json` says of a run."""
    return Run(settings=settings.course(), processes=world, data=data, model=model)


def latest(out: Path) -> Path | None:
    """The newest checkpoint that is whole: the trainer's state is written last, and each process writes its dice."""
    found = []
    for path in out.glob("checkpoint-*"):
        number = re.fullmatch(r"checkpoint-(\d+)", path.name)
        dice = (path / "rng_state.pth").is_file() or (path / "rng_state_0.pth").is_file()
        if number and dice and (path / "trainer_state.json").is_file():
            found.append((int(number[1]), path))
    return max(found)[1] if found else None


def note_run(out: Path, run: Run) -> None:
    """Write down what a later process is compared with."""
    out.mkdir(parents=True, exist_ok=True)
    (out / RUN).write_text(json.dumps(run, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def ready_to_start(out: Path) -> None:
    """
    Raises:
        ConfigError: there are checkpoints of another run, which would be overwritten.
    """
    if latest(out) is not None:
        raise ConfigError(
            f"{out} holds checkpoints of an earlier run. Remedy: go on with --resume, or choose another out."
        )


def ready_to_resume(out: Path, run: Run, *, universal: bool, deepspeed: bool) -> Path:
    """The checkpoint to go on from.

    Args:
        out: of the run.
        run: of this process, see `run_of`.
        universal: DeepSpeed is told to load a universal checkpoint, which fits any number of processes.
        deepspeed: whether it is used.

    Raises:
        ConfigError: there is none, or it is of another run: every difference, and the remedy.
    """
    found = latest(out)
    if found is None or not (out / RUN).is_file():
        raise ConfigError(f"{out} holds no whole checkpoint. Remedy: start without --resume.")
    before = json.loads((out / RUN).read_text(encoding="utf-8"))
    problems = [
        f"{key}: was {old!r}, is {now!r}"
        for key, (old, now) in _differences(before["settings"], json.loads(json.dumps(run["settings"])))
    ]
    problems += [f"{key} is another one than before" for key in ("data", "model") if before[key] != run[key]]
    if problems:
        raise ConfigError(
            [
                f"{out} was trained otherwise, so the result would be neither the one nor the other:",
                *(f"  {problem}" for problem in problems),
                "Remedy: put these back, or start anew in another out.",
            ]
        )
    if before["processes"] != run["processes"] and not universal:
        raise ConfigError(_other_world(found, before["processes"], run["processes"], deepspeed))
    return found


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, tuple[Any, Any]]]:
    keys = sorted(before.keys() | now.keys())
    return [(key, (before.get(key), now.get(key))) for key in keys if before.get(key) != now.get(key)]


def _other_world(found: Path, before: int, now: int, deepspeed: bool) -> str:
    said = f"{found} was written by {before} processes, this run has {now}. "
    if not deepspeed:
        return said + f"Remedy: start {before} processes: only so does every number stay the same."
    return said + (
        f"ZeRO's checkpoints are cut to the number of processes. Remedy: start {before} processes, or convert it: "
        f"ds_to_universal.py --input_folder {found}/global_step{found.name.rpartition('-')[2]} --output_folder "
        f'{found}/universal --num_extract_workers 1 --num_merge_workers 1, write "universal" into {found}/latest, '
        'and set "checkpoint": {"load_universal": true} in DeepSpeed\'s configuration.'
    )
