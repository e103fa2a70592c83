"""Checkpoints: which of them is whole, and whether a run can go on from it bit for bit."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from finetune.training.settings import Settings
from tools.errors import ConfigError, ReviewError

__all__ = [
    "NotSaved",
    "Run",
    "conversion",
    "keep_newest",
    "latest",
    "mark_whole",
    "note_run",
    "ready_to_resume",
    "ready_to_start",
    "run_of",
]

RUN = "run.json"
WHOLE = "whole.json"


class NotSaved(ReviewError):
    """A checkpoint or model could not be written; earlier ones are as they were."""


class Run(dict[str, Any]):
    """What a resumed run has to have in common with the one before: settings, processes, data."""


def run_of(settings: Settings, world: int, data: str, model: str | None) -> Run:
    """What `run.json` says of a run."""
    return Run(settings=settings.course(), processes=world, data=data, model=model)


def latest(out: Path) -> Path | None:
    """The newest checkpoint that is whole."""
    found = [path for path in _by_step(out) if _is_whole(path)]
    return found[-1] if found else None


def _by_step(out: Path) -> list[Path]:
    """All checkpoints, whole or not, the oldest first."""
    found = [(re.fullmatch(r"checkpoint-(\d+)", path.name), path) for path in out.glob("checkpoint-*")]
    return [path for _, path in sorted((int(number[1]), path) for number, path in found if number)]


def _is_whole(path: Path) -> bool:
    """One process writes the trainer's state last. Of several each writes its share, and `mark_whole` comes last."""
    alone = (path / "rng_state.pth").is_file()
    return (path / "trainer_state.json").is_file() and (alone or (path / WHOLE).is_file())


def mark_whole(path: Path, processes: int) -> None:
    """Note that every process has written its share; to be called when all have.

    Args:
        path: the checkpoint.
        processes: how many wrote it.
    """
    partial = path / f"{WHOLE}.partial"
    partial.write_text(json.dumps({"processes": processes}) + "\n", encoding="utf-8")
    partial.replace(path / WHOLE)


def keep_newest(out: Path, keep: int) -> None:
    """Delete all checkpoints but the newest whole ones; to be called while none is being written.

    By step alone, one that an earlier process left half written would count as the newest and outlive a whole one.

    Args:
        out: of the run.
        keep: how many stay.
    """
    kept = [path for path in _by_step(out) if _is_whole(path)][-keep:]
    for path in _by_step(out):
        if path not in kept:
            shutil.rmtree(path, ignore_errors=True)


def _processes_of(path: Path) -> int:
    """How many processes wrote a whole checkpoint."""
    if not (path / WHOLE).is_file():
        return 1
    return int(json.loads((path / WHOLE).read_text(encoding="utf-8"))["processes"])


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
    _same_way(found, deepspeed)
    if universal:
        _converted(found)
    elif (wrote := _processes_of(found)) != run["processes"]:
        raise ConfigError(_other_world(found, wrote, run["processes"], deepspeed))
    return found


def _same_way(found: Path, deepspeed: bool) -> None:
    """Without the state of its optimizer a run would go on as if it had one: it must not be looked for elsewhere."""
    before = any(found.glob("global_step*"))
    if before != deepspeed:
        how = {True: "with DeepSpeed", False: "without DeepSpeed"}
        raise ConfigError(
            f"{found} was written {how[before]}, this run is {how[deepspeed]}, and cannot read its optimizer. "
            "Remedy: set deepspeed as it was, or start anew in another out."
        )


def _converted(found: Path) -> None:
    if not (found / "latest_universal").is_file():
        raise ConfigError(
            f"{found} is no universal checkpoint. Remedy: convert it (see finetune.training.checkpoints), or, with as "
            'many processes as wrote it, take "load_universal" out of DeepSpeed\'s configuration.'
        )


def _differences(before: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, tuple[Any, Any]]]:
    keys = sorted(before.keys() | now.keys())
    return [(key, (before.get(key), now.get(key))) for key in keys if before.get(key) != now.get(key)]


def conversion(found: Path) -> str:
    """The command that makes a checkpoint of DeepSpeed's fit any number of processes."""
    return (
        f"python -m deepspeed.checkpoint.ds_to_universal --input_folder "
        f"{found}/global_step{found.name.rpartition('-')[2]} --output_folder {found}/universal "
        "--num_extract_workers 1 --num_merge_workers 1"
    )


def _other_world(found: Path, before: int, now: int, deepspeed: bool) -> str:
    said = f"{found} was written by {before} processes, this run has {now}. "
    if not deepspeed:
        return said + f"Remedy: start {before} processes: only so does every number stay the same."
    return said + (
        f"ZeRO's checkpoints are cut to the number of processes. Remedy: start {before} processes, or convert it: "
        f"{conversion(found)}, and set "
        '"checkpoint": {"load_universal": true} in a copy of DeepSpeed\'s configuration until the next checkpoint.'
    )
