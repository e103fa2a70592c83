"""Where all figures of an evaluation are gathered, and how they are shown: engines side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from finetune.evaluation.bootstrap import Estimate, MacroF1, Mean, Statistic, compared, estimated

__all__ = ["Key", "Sheet", "markdown", "shown"]


class Key(NamedTuple):
    """Which figure it is."""

    table: str
    group: str
    """What it is about: a task, a topic, a range of numbers of studies."""
    measure: str


@dataclass
class _Figure:
    statistic: Statistic
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Engine to cluster to parts."""


class Sheet:
    """Sums per figure, engine and cluster. Figures come out in the order in which they were first heard of."""

    def __init__(self, engines: Sequence[str], *, resamples: int = 1000, seed: int = 1) -> None:
        self.engines, self.resamples, self.seed = list(engines), resamples, seed
        self._figures: dict[Key, _Figure] = {}

    def mean(self, key: Key, engine: str, cluster: str, value: float, n: float = 1) -> None:
        """Note that `n` observations of a cluster sum up to `value`."""
        self._add(key, Mean(), engine, cluster, np.array([value, n], dtype=np.float64))

    def label(self, key: Key, labels: tuple[str, ...], engine: str, cluster: str, *told: str | None) -> None:
        """Note one label: `told` is the truth, and what was said (None: no usable answer)."""
        truth, said = told
        statistic = MacroF1(labels)
        self._add(key, statistic, engine, cluster, statistic.parts(str(truth), said))

    def _add(self, key: Key, statistic: Statistic, engine: str, cluster: str, parts: Any) -> None:
        figure = self._figures.setdefault(key, _Figure(statistic))
        own = figure.parts.setdefault(engine, {})
        own[cluster] = own[cluster] + parts if cluster in own else parts

    def rows(self) -> list[dict[str, Any]]:
        """One row per figure and engine; every engine after the first with its difference to the first."""
        return [row for key, figure in self._figures.items() for row in self._rows(key, figure)]

    def _rows(self, key: Key, figure: _Figure) -> Iterable[dict[str, Any]]:
        how = {"resamples": self.resamples, "seed": self.seed}
        named = [name for name in self.engines if name in figure.parts]
        named += sorted(set(figure.parts) - set(named))
        for engine in named:
            found = estimated(figure.parts[engine], figure.statistic, **how)
            row = {**key._asdict(), "engine": engine, **vars(found)}
            if engine != named[0] and named[0] == self.engines[0]:
                apart = compared(figure.parts[named[0]], figure.parts[engine], figure.statistic, **how)
                row |= {"difference": apart.value, "difference_low": apart.low, "difference_high": apart.high}
            yield row


# Showing -----------------------------------------------------------------------------------------


def shown(found: Estimate | Mapping[str, Any], prefix: str = "") -> str:
    """A figure with its interval, such as `0.532 [0.48, 0.58]`; a dash where there is none.

    >>> shown(Estimate(0.5324, 0.48, 0.581, 90, 12))
    '0.532 [0.480, 0.581]'
    """
    told = vars(found) if isinstance(found, Estimate) else found
    value = told.get(prefix or "value")
    if value is None:
        return "–"
    low, high = (
        told.get(f"{prefix}_low" if prefix else "low"),
        told.get(f"{prefix}_high" if prefix else "high"),
    )
    digits = 3 if abs(value) < 10 else 1
    between = "" if low is None or high is None else f" [{low:z.{digits}f}, {high:z.{digits}f}]"
    return f"{value:{'+' if prefix else ''}z.{digits}f}{between}"


def markdown(rows: Sequence[Mapping[str, Any]], engines: Sequence[str]) -> str:
    """The figures of one table: a line per group and measure, a column per engine."""
    names = [*engines, *sorted({row["engine"] for row in rows} - set(engines))]
    names = [name for name in names if any(row["engine"] == name for row in rows)]
    first = names[0] if names else ""
    lines = [
        ["of", "figure", "n", "clusters", *names, *(f"{n} − {first}" for n in names[1:] if _has(rows, n))]
    ]
    by_key: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for row in rows:
        by_key.setdefault((row["group"], row["measure"]), {})[row["engine"]] = row
    for (group, measure), told in by_key.items():
        ns = sorted({row["n"] for row in told.values()})
        clusters = max(row["clusters"] for row in told.values())
        n = str(ns[0]) if len(ns) == 1 else f"{ns[0]}–{ns[-1]}"
        line = [group, measure, n, str(clusters)]
        line += [shown(told[name]) if name in told else "–" for name in names]
        line += [shown(told.get(n, {}), "difference") for n in names[1:] if _has(rows, n)]
        lines.append(line)
    return _table(lines)


def _has(rows: Sequence[Mapping[str, Any]], engine: str) -> bool:
    return any(row["engine"] == engine and "difference" in row for row in rows)


def _table(lines: Sequence[Sequence[str]]) -> str:
    safe = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*safe, strict=True)]
    told = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in safe]
    ruler = " | ".join("-" * width for width in widths)
    return "\n".join(f"| {line} |" for line in (told[0], ruler, *told[1:]))
