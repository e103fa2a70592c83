"""What every bench prints and writes: one table for people, one JSON for machines."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["Column", "environment", "parser", "table", "write"]

PACKAGES = (
    "faiss-cpu",
    "langgraph",
    "numpy",
    "pydantic",
    "sentence-transformers",
    "sqlalchemy",
    "torch",
    "transformers",
)
"""Their versions can change a number."""


@dataclass(frozen=True)
class Column:
    """A column of the table: key of the row, heading, digits after the point of a float."""

    key: str
    heading: str
    digits: int = 3


def parser(description: str) -> argparse.ArgumentParser:
    """The arguments that all benches share: `--out`."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--out", type=Path, help="also write summary, rows and environment to this JSON file")
    return made


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[Column]) -> str:
    """A Markdown table. What is undefined or absent is shown as a dash, never as 0."""
    cells = [[column.heading for column in columns]]
    cells += [[_shown(row.get(column.key), column.digits) for column in columns] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    left = [all(isinstance(row.get(column.key), str | None) for row in rows) for column in columns]

    def line(row: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if first else cell.rjust(width)
            for cell, width, first in zip(row, widths, left, strict=True)
        ]
        return f"| {' | '.join(padded)} |"

    ruler = [
        ("-" * width) if first else ("-" * (width - 1) + ":")
        for width, first in zip(widths, left, strict=True)
    ]
    return "\n".join([line(cells[0]), f"| {' | '.join(ruler)} |", *map(line, cells[1:])])


def _shown(value: Any, digits: int) -> str:
    if value is None:
        return "–"
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)


def environment() -> dict[str, Any]:
    """Where the numbers came from."""
    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "packages": versions,
        "arguments": sys.argv[1:],
    }


def write(out: Path | None, summary: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write `{"summary", "rows", "environment"}`; nothing when `out` is None."""
    if out is None:
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    content = {"summary": dict(summary), "rows": [dict(row) for row in rows], "environment": environment()}
    out.write_text(
        json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )
