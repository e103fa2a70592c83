"""Files that a protocol names, one by one or by a pattern."""

import glob
from collections.abc import Sequence
from pathlib import Path

__all__ = ["is_pattern", "named"]


def is_pattern(folder: Path, name: str) -> bool:
    """A name with `*`, unless there is a file of just that name."""
    return "*" in name and not (folder / name).exists()


def named(folder: Path, names: Sequence[str]) -> list[Path]:
    """The files that these names mean; those that fit a pattern in the order of their names.

    A set of files such as NLM's baseline is numbered, so that order is the order of its numbers.
    """
    found: list[Path] = []
    for name in names:
        if is_pattern(folder, name):
            whole = name if Path(name).is_absolute() else f"{glob.escape(str(folder))}/{name}"
            found += [path for path in map(Path, sorted(glob.glob(whole))) if path.is_file()]
        else:
            found.append(folder / name)
    return found
