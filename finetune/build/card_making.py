"""The data card, made from the parts, the receipts of the pieces and the division."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from finetune.build.card import Card, Count, Lengths, Licence, Refusals, Splitting, files_of
from finetune.build.dividing import Divided
from finetune.build.licences import forbids
from finetune.build.pieces import Piece, Receipt
from finetune.build.settings import BuildSettings
from finetune.build.wording import TOO_LONG, Pack
from finetune.instructions import read_rows
from finetune.splitting.split import PARTS
from tools.schemas import sha256_of

__all__ = ["card_of"]


def card_of(
    out: Path,
    settings: BuildSettings,
    divided: Divided,
    made: Mapping[Piece, Receipt],
    worded: Mapping[Piece, Receipt],
    links: Mapping[str, Any],
    unread: Mapping[str, Mapping[str, int]],
    asked_for: Iterable[str],
) -> Card:
    """The card of the parts that lie in `out`.

    Args:
        made, worded: receipts of all pieces.
        links: what `finetune.build.linking` says of the corpus; empty without one.
        unread: see `Card`.
        asked_for: tasks that the settings' makers are for.
    """
    rows = list(_rows_of(out))
    files = files_of(out)
    pack = Pack.of(settings.prompts)
    counts = Counter((row["task"], row["part"], row["source"], row["how"]) for row in rows)
    licences = _licences(rows)
    lengths = _lengths(rows, worded)
    tasks = sorted({row["task"] for row in rows})
    kept = Counter(row["part"] for row in rows)
    return Card(
        data_hash=sha256_of(files)[:32],
        program=f"leads-agent {version('leads-agent')}",
        settings=_told(settings),
        prompts=settings.prompts,
        tags={task: pack.tags[task] for task in tasks},
        rows={part: kept[part] for part in PARTS},
        files=files,
        counts=tuple(
            Count(task=t, part=p, source=s, how=h, rows=n)
            for (t, p, s, h), n in sorted(counts.items(), key=_order)
        ),
        left_out=_left_out(made, worded, divided),
        licences=licences,
        redistribution=_redistribution(licences),
        unit=f"tokens of {Path(settings.tokenizer).name}" if settings.tokenizer else "characters",
        context=settings.longest,
        lengths=lengths,
        split=_splitting(settings, divided, rows),
        leaks=divided.report,
        links=dict(links),
        unread={source: dict(reasons) for source, reasons in sorted(unread.items())},
        warnings=tuple(_warnings(counts, asked_for, divided, pack)),
    )


def _rows_of(out: Path) -> Iterable[dict[str, Any]]:
    """The rows of a data folder without their texts, each with its part."""
    columns = ("example_id", "task", "source", "licence", "how", "year")
    for part in PARTS:
        if any((out / part).glob("*.parquet")):
            for row in read_rows(out / part, columns):
                yield row | {"part": part}


def _order(one: tuple[tuple[str, str, str, str], int]) -> tuple[str, int, str, str]:
    task, part, source, how = one[0]
    return task, [*PARTS].index(part), source, how  # type: ignore[arg-type]


def _told(settings: BuildSettings) -> dict[str, Any]:
    """The settings without the places on one machine."""
    told = settings.model_dump(mode="json", exclude={"sources", "vocabulary", "engine", "tokenizer"})
    told["engine"] = settings.engine.model_dump(
        mode="json", exclude_unset=True, exclude={"base_url", "api_key_env"}
    )
    told["sources"] = [one.model_dump(mode="json", exclude={"path"}) for one in settings.sources]
    return told


def _left_out(
    made: Mapping[Piece, Receipt], worded: Mapping[Piece, Receipt], divided: Divided
) -> tuple[Refusals, ...]:
    counts: Counter[tuple[str, str, str, str]] = Counter()
    examples: dict[tuple[str, str, str, str], list[str]] = {}
    for stage, receipts in (("make", made), ("word", worded)):
        for piece, receipt in receipts.items():
            for one in receipt.refused:
                key = (stage, piece.maker, one.task, one.why)
                counts[key] += one.count
                examples.setdefault(key, []).extend(one.examples)
    counts.update({("divide", *key): count for key, count in divided.left_out.counts.items()})
    stages = ["make", "word", "divide"]
    return tuple(
        Refusals(
            stage=key[0],
            maker=key[1],
            task=key[2],
            why=key[3],
            rows=n,
            examples=tuple(examples.get(key, ())[:3]),
        )
        for key, n in sorted(counts.items(), key=lambda one: (stages.index(one[0][0]), one[0]))
    )


def _licences(rows: Sequence[Mapping[str, Any]]) -> tuple[Licence, ...]:
    counts = Counter(row["licence"] for row in rows)
    sources: dict[str, set[str]] = {}
    for row in rows:
        sources.setdefault(row["licence"], set()).add(row["source"])
    return tuple(
        Licence(licence=name, rows=counts[name], sources=tuple(sorted(sources[name])), forbids=forbids(name))
        for name in sorted(counts)
    )


def _redistribution(licences: Sequence[Licence]) -> str | None:
    closed = [one for one in licences if one.forbids]
    if not closed:
        return None
    told = "; ".join(f"{one.licence} ({one.forbids}): {one.rows:,}" for one in closed)
    return f"{sum(one.rows for one in closed):,} rows stand under licences that do not allow it: {told}."


def _lengths(rows: Sequence[Mapping[str, Any]], worded: Mapping[Piece, Receipt]) -> dict[str, Lengths]:
    known = {key: length for receipt in worded.values() for key, length in receipt.lengths.items()}
    over: Counter[str] = Counter()
    for receipt in worded.values():
        over.update({one.task: one.count for one in receipt.refused if one.why == TOO_LONG})
    found = {}
    for task in sorted({row["task"] for row in rows} | over.keys()):
        values = np.array([known[row["example_id"]] for row in rows if row["task"] == task] or [0])
        found[task] = Lengths(
            rows=sum(row["task"] == task for row in rows),
            mean=round(float(values.mean())),
            median=round(float(np.median(values))),
            p95=round(float(np.percentile(values, 95))),
            longest=int(values.max()),
            over=over[task],
        )
    return found


def _splitting(settings: BuildSettings, divided: Divided, rows: Sequence[Mapping[str, Any]]) -> Splitting:
    division = divided.division
    years: dict[str, dict[str, list[int]]] = {part: {} for part in PARTS}
    for row in rows:
        years[row["part"]].setdefault(row["source"], []).extend([row["year"]] if row["year"] else [])
    largest = division.largest
    return Splitting(
        settings=settings.split.model_dump(mode="json"),
        after=dict(sorted(division.after.items())),
        components=division.components,
        sizes=dict(division.sizes),
        largest={
            "rows": largest.rows,
            "reviews": largest.reviews,
            "studies": largest.studies,
            "with": largest.key,
        },
        unknown_year=dict(division.unknown_year),
        cut=len(division.cut),
        years={
            part: {
                source: (min(known), max(known)) if known else None for source, known in sorted(by.items())
            }
            for part, by in years.items()
        },
    )


def _warnings(
    counts: Mapping[tuple[str, str, str, str], int], asked_for: Iterable[str], divided: Divided, pack: Pack
) -> Iterable[str]:
    by: Counter[tuple[str, str]] = Counter()
    for (task, part, _, _), n in counts.items():
        by[task, part] += n
    for task in sorted(set(asked_for)):
        if task not in pack.tags:
            yield f"{task}: the pack {pack.name} has no prompt for it, so none is in the data."
        elif not any(by[task, part] for part in PARTS):
            yield f"{task}: no instruction came of it. See what was refused, and why."
        else:
            yield from (f"{task}: no row in {part}." for part in PARTS if not by[task, part])
    for source, year in sorted(divided.division.after.items()):
        if year is None:
            yield f"{source}: has no dates, so its rows were divided by review and study only."
