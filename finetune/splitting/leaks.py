"""What test shares with train, looked for in the finished files and not in how they were divided.

    python -m finetune.splitting.leaks DATA

Seven checks: ids of reviews and of studies, the order of dates, whole prompts, long quotes in answers, titles, and
near-duplicates among the papers' own texts (the fixed words of the prompts are left out). For these, a text of 40
words or more is the set of its three-word shingles; candidates come from MinHash with locality-sensitive hashing
(128 permutations), and each is checked by the exact Jaccard index, of which 0.7 or more is a near-duplicate: an
abstract in which one word in twenty was changed. The files are read once, test first; only what stands in test and
validation is kept in memory.

An id or a date in two parts means that the division is wrong, and fails. A text that stands in two parts under
two ids can be settled by dropping the row of train (or of validation, against test).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field

from finetune.instructions import read_rows
from finetune.splitting.contents import quotes_of, texts_of, titles_of
from finetune.splitting.likeness import Likeness, Near
from finetune.splitting.split import PARTS, Part
from tools.errors import InputFileError, ReviewError
from tools.records.citation import folded
from tools.schemas import Frozen, sha256_of

__all__ = [
    "CHECKS",
    "COLUMNS",
    "Check",
    "LeakError",
    "LeakReport",
    "Likeness",
    "Shared",
    "check_folder",
    "find",
    "from_folder",
    "main",
    "refuse",
    "settled",
    "table",
    "to_drop",
    "write_report",
]

COLUMNS = ("example_id", "source", "reviews", "studies", "year", "asked", "answer", "prompt")
"""Of a row, what is read."""

CHECKS: Mapping[str, str] = {
    "reviews": "a review in two parts",
    "studies": "a study in two parts",
    "dates": "a year on the wrong side of the test date",
    "prompts": "the same prompt",
    "quotes": "the same long quote in the answer",
    "titles": "the same title, under another id",
    "near_duplicates": "nearly the same text",
}

BY_TEXT = ("prompts", "quotes", "titles", "near_duplicates")
"""Checks that can be settled by dropping rows: no division by ids could have seen them."""

SHOWN = 5


class LeakError(ReviewError):
    """Test rows are not new to a model that was trained on train: the build is not to be used."""

    exit_status = 3


class Shared(NamedTuple):
    """One thing found in two parts, or one row on the wrong side of a date."""

    check: str
    part: Part
    other: Part
    example_id: str
    """The row in `part`."""
    key: str
    """The id, title or year, or the beginning of the text."""


class Check(Frozen):
    """What one check found."""

    name: str
    what: str
    rows: int = Field(description="Rows of train or validation that share something; for dates, of any part.")
    keys: int = Field(description="Distinct things that are shared.")
    settled: int = Field(default=0, description="Rows that were dropped because of it before this count.")
    examples: tuple[str, ...] = ()


class LeakReport(Frozen):
    """`leaks.json`."""

    likeness: Likeness
    dates: dict[str, int | None] = Field(description="Source to the year its test rows are newer than.")
    rows: dict[str, int] = Field(description="Part to its rows.")
    texts: dict[str, int] = Field(description="Part to its distinct texts that were compared.")
    checks: tuple[Check, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not any(check.rows for check in self.checks)


Reading = Callable[[Part], Iterable[Mapping[str, Any]]]
"""A part to its rows, with at least `COLUMNS`."""


def find(
    read: Reading, dates: Mapping[str, int | None], likeness: Likeness | None = None
) -> tuple[LeakReport, list[Shared]]:
    """Look for what the parts share.

    Args:
        read: gives the rows of a part.
        dates: source to the year that its test rows are newer than; None: it has no dates.
        likeness: of near-duplicates.

    Raises:
        InputFileError: a source has no rule in `dates`, so nothing can be said about its years.
    """
    near = Near(likeness or Likeness())
    held: dict[tuple[str, str], Part] = {}
    found: list[Shared] = []
    rows: dict[str, int] = dict.fromkeys(PARTS, 0)
    for part in reversed(PARTS):
        for row in read(part):
            rows[part] += 1
            found += _row(row, part, held, near, dates)
    report = LeakReport(
        likeness=near.likeness,
        dates=dict(sorted(dates.items())),
        rows=rows,
        texts={part: near.texts(part) for part in PARTS},
        checks=tuple(_counted(name, [one for one in found if one.check == name]) for name in CHECKS),
    )
    return report, found


def _row(
    row: Mapping[str, Any],
    part: Part,
    held: dict[tuple[str, str], Part],
    near: Near,
    dates: Mapping[str, int | None],
) -> Iterator[Shared]:
    """What one row shares with the parts that were read before its own."""
    name = row["example_id"]
    if (wrong := _misdated(row, part, dates)) is not None:
        yield Shared("dates", part, part, name, wrong)
    asked = json.loads(row["asked"])
    keep = part != "train"
    for check, key in _keys(row, asked):
        told = (check, key if len(key) <= 64 else sha256_of(key))
        other = held.get(told)
        if other is not None and other != part:
            yield Shared(check, part, other, name, key[:120])
        elif keep:
            held[told] = part
    for text in texts_of(asked):
        for other, begins in near.alike(text, part, keep):
            yield Shared("near_duplicates", part, other, name, begins)


def _keys(row: Mapping[str, Any], asked: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from (("reviews", key) for key in row["reviews"])
    yield from (("studies", key) for key in row["studies"])
    yield "prompts", row["prompt"]
    yield from (("quotes", folded(quote)) for quote in quotes_of(json.loads(row["answer"])))
    yield from (("titles", title) for title in titles_of(asked))


def _misdated(row: Mapping[str, Any], part: Part, dates: Mapping[str, int | None]) -> str | None:
    if row["source"] not in dates:
        raise InputFileError(
            f"no date rule is known for source {row['source']}. Remedy: build again; the card tells the rules."
        )
    limit, year = dates[row["source"]], row["year"]
    if limit is None:
        return None
    # A row of train without a year is the split's to judge (`unknown_year`); one of test has to show its year.
    newer = year > limit if year is not None else False
    return f"{row['source']} {year} in {part}" if newer != (part == "test") else None


def _counted(name: str, found: Sequence[Shared]) -> Check:
    keys = sorted({one.key for one in found})
    examples = [
        f"{one.example_id} in {one.part}"
        + (f" and {one.other}" if one.other != one.part else "")
        + f": {one.key}"
        for one in sorted(found)[:SHOWN]
    ]
    rows = {(one.part, one.example_id) for one in found}
    return Check(name=name, what=CHECKS[name], rows=len(rows), keys=len(keys), examples=tuple(examples))


def to_drop(found: Iterable[Shared]) -> dict[str, str]:
    """Example id to the check by which it goes, of the rows that a check by text found in train or validation."""
    drops: dict[str, str] = {}
    for one in found:
        if one.check in BY_TEXT:
            drops.setdefault(one.example_id, one.check)
    return drops


def settled(report: LeakReport, before: LeakReport, drops: Mapping[str, str]) -> LeakReport:
    """A report with what was dropped before it, by the check that each row was dropped for.

    Args:
        before: the report that the drops follow from; its examples are kept where nothing is left to show.
        drops: as `to_drop` gives them.
    """
    shown = {check.name: check.examples for check in before.checks}
    counts = Counter(drops.values())
    checks = tuple(
        check.model_copy(
            update={
                "settled": counts[check.name],
                "examples": check.examples or (shown[check.name] if counts[check.name] else ()),
            }
        )
        for check in report.checks
    )
    return report.model_copy(update={"checks": checks})


def refuse(report: LeakReport) -> None:
    """Raise for anything found.

    Raises:
        LeakError: with the counts and an example of each.
    """
    if report.clean:
        return
    told = [
        f"  {check.what}: {check.rows:,} rows, such as {check.examples[0]}"
        for check in report.checks
        if check.rows
    ]
    raise LeakError(
        "\n".join(["The parts share what they must not:", *told])
        + "\nRemedy: build again; rows whose text stands in two parts are dropped with leaks.texts: drop."
    )


def table(report: LeakReport) -> str:
    """The report in lines, for people."""
    width = max(len(what) for what in CHECKS.values())
    lines = [f"{'leak between the parts':<{width}}  {'rows':>6}  {'distinct':>8}  {'dropped before':>14}"]
    lines += [f"{c.what:<{width}}  {c.rows:>6,}  {c.keys:>8,}  {c.settled:>14,}" for c in report.checks]
    return "\n".join(lines)


def write_report(path: Path, report: LeakReport) -> None:
    """Write `leaks.json`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(report.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


# Command line ------------------------------------------------------------------------------------


def from_folder(folder: Path) -> Reading:
    """Reads the parts of a data folder; a part that is not there has no rows."""

    def read(part: Part) -> Iterator[Mapping[str, Any]]:
        return read_rows(folder / part, COLUMNS) if any((folder / part).glob("*.parquet")) else iter(())

    return read


def check_folder(folder: Path) -> LeakReport:
    """Look for leaks in a data folder, by the dates that its card tells.

    Raises:
        InputFileError: no card, or files that cannot be read.
    """
    try:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        dates, likeness = card["split"]["after"], Likeness.model_validate(card["leaks"]["likeness"])
    except (OSError, ValueError, KeyError) as e:
        raise InputFileError(
            f"{folder}: has no data card with the dates of its split ({e!r}). "
            "Remedy: give the folder that python -m finetune.build wrote."
        ) from e
    return find(from_folder(folder), dates, likeness)[0]


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m finetune.splitting.leaks`: 0 without leaks, 3 with."""
    parser = argparse.ArgumentParser(
        prog="python -m finetune.splitting.leaks", description=__doc__.split("\n\n")[0] if __doc__ else ""
    )
    parser.add_argument("data", type=Path, help="folder that python -m finetune.build wrote")
    try:
        report = check_folder(parser.parse_args(argv).data)
        print(table(report))
        refuse(report)
    except ReviewError as e:
        print(e, file=sys.stderr)
        return e.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
