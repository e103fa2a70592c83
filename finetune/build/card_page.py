"""The data card for people: Markdown. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from finetune.build.card import Card
from finetune.splitting.split import PARTS

__all__ = ["page", "summary"]


def page(card: Card) -> str:
    """`README.md` of a data folder."""
    passing = (
        f"**Not for redistribution.** {card.redistribution}"
        if card.redistribution
        else "Every row stands under a licence that allows redistribution, with attribution where it asks for it."
    )
    parts = [
        "# Instructions for the tasks of a systematic review",
        f"{sum(card.rows.values()):,} instructions, built by {card.program} in the words of the prompt pack "
        f"`{card.prompts}`. Data hash `{card.data_hash}`.",
        passing,
        *(["## Warnings", "\n".join(f"- {one}" for one in card.warnings)] if card.warnings else []),
        "## Rows per task and part",
        _tasks(card),
        "## Where they come from",
        _table(
            ("task", "source", "rule", *PARTS),
            (
                (task, source, how, *(f"{by[part]:,}" for part in PARTS))
                for (task, source, how), by in sorted(_by_rule(card).items())
            ),
        ),
        "## Licences",
        _table(
            ("licence", "rows", "sources", "passing on"),
            ((x.licence, f"{x.rows:,}", ", ".join(x.sources), x.forbids or "allowed") for x in card.licences),
        ),
        "## Lengths",
        f"Question and answer, in {card.unit}. Longer than {card.context:,}: left out, never cut.",
        _table(
            ("task", "mean", "median", "95 %", "longest", "left out"),
            (
                (task, *(f"{n:,}" for n in (x.mean, x.median, x.p95, x.longest, x.over)))
                for task, x in card.lengths.items()
            ),
        ),
        *_split(card),
        *_leaks(card),
        *_links(card),
        "## What was left out",
        _table(
            ("stage", "maker", "task", "why", "rows", "such as"),
            (
                (x.stage, x.maker, x.task, x.why, f"{x.rows:,}", "; ".join(x.examples[:1]))
                for x in card.left_out
            ),
        ),
        *_unread(card),
        "## Prompts",
        _table(("task", "tag"), card.tags.items()),
        "## Files",
        _table(("file", "SHA-256"), card.files.items()),
    ]
    return "\n\n".join(parts) + "\n"


def summary(card: Card) -> str:
    """Rows per task and part, for a terminal."""
    by = _by_task(card)
    width = max((len(task) for task in by), default=4)
    lines = [f"{'task':<{width}}" + "".join(f"{part:>12}" for part in PARTS)]
    lines += [f"{task:<{width}}" + "".join(f"{by[task][part]:>12,}" for part in PARTS) for task in sorted(by)]
    lines.append(f"{'all':<{width}}" + "".join(f"{card.rows[part]:>12,}" for part in PARTS))
    return "\n".join(lines)


def _by_task(card: Card) -> dict[str, Counter[str]]:
    by: dict[str, Counter[str]] = {}
    for one in card.counts:
        by.setdefault(one.task, Counter())[one.part] += one.rows
    return by


def _by_rule(card: Card) -> dict[tuple[str, str, str], Counter[str]]:
    by: dict[tuple[str, str, str], Counter[str]] = {}
    for one in card.counts:
        by.setdefault((one.task, one.source, one.how), Counter())[one.part] += one.rows
    return by


def _tasks(card: Card) -> str:
    rows = [(task, *(f"{by[part]:,}" for part in PARTS)) for task, by in sorted(_by_task(card).items())]
    return _table(("task", *PARTS), [*rows, ("all", *(f"{card.rows[part]:,}" for part in PARTS))])


def _split(card: Card) -> list[str]:
    split = card.split
    dated = [
        (
            source,
            "no dates" if year is None else f"test is newer than {year}",
            *(_span(split.years[part].get(source)) for part in PARTS),
            f"{split.unknown_year.get(source, 0):,}",
        )
        for source, year in split.after.items()
    ]
    sizes = ", ".join(f"{split.sizes[part]:,} in {part}" for part in PARTS)
    return [
        "## Split",
        "By review, by study and by date, all three at once. Rows that share a review, a study or a title hang "
        f"together and stand in one part: {split.components:,} such components, {sizes}. The largest "
        f"({split.largest['with']}) holds {split.largest['rows']:,} rows of {split.largest['reviews']:,} reviews and "
        f"{split.largest['studies']:,} studies. {split.cut:,} studies that tie many reviews together were cut out. "
        f"Rows without a year, where their source has dates: {split.settings['unknown_year']}.",
        _table(("source", "rule", *(f"years in {part}" for part in PARTS), "without a year"), dated),
    ]


def _span(years: tuple[int, int] | None) -> str:
    if years is None:
        return ""
    return str(years[0]) if years[0] == years[1] else f"{years[0]} to {years[1]}"


def _leaks(card: Card) -> list[str]:
    like = card.leaks.likeness
    return [
        "## Leaks between the parts",
        f"Near-duplicates: Jaccard index of {like.words}-word shingles of {like.jaccard} or more, candidates by "
        f"MinHash with {like.permutations} permutations. Dropped rows shared a text with a part that is tested by.",
        _table(
            ("check", "rows", "distinct", "dropped before", "such as"),
            (
                (x.what, f"{x.rows:,}", f"{x.keys:,}", f"{x.settled:,}", "; ".join(x.examples[:1]))
                for x in card.leaks.checks
            ),
        ),
    ]


def _links(card: Card) -> list[str]:
    if not card.links:
        return []
    return [
        "## Papers and registry entries",
        _table(
            ("", "links"),
            ((key, f"{n:,}" if isinstance(n, int) else str(n)) for key, n in card.links.items()),
        ),
    ]


def _unread(card: Card) -> list[str]:
    rows = [(source, why, f"{n:,}") for source, reasons in card.unread.items() for why, n in reasons.items()]
    return ["## What could not be read", _table(("source", "why", "items"), rows)] if rows else []


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [_row(head), "|" + " --- |" * len(head), *map(_row, rows)]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"
