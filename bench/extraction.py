"""Direction of effect and numeric results that an engine reads out of trial reports, beside what people read.

    python -m bench.extraction --data ../shared/data --part held-out --engine baseline
    python -m bench.extraction --gold numeric_outcomes.jsonl.gz --jats jats --engine baseline --out extraction.json

Direction: the questions of Evidence Inference 2.0 on full texts and abstracts; see `bench.extraction_direction`.

Numbers: the outcomes per arm of Yun 2024 on full texts; see `bench.extraction_numbers` for what is exact and what
is wrong, and `bench.extraction_effects` for what errors do to a synthesis. Participants: the totals and groups of
PICO-Corpus on abstracts; see `bench.extraction_participants`. Arms: those that either compares, recognised in full
texts; see `bench.extraction_arms`.

One data set alone: `--gold FILE --jats DIR`, where FILE is `numeric_outcomes` or `evidence_inference` as JSON lines
(gzipped or not), or the folder `pico_corpus`; which one it is, its columns say.

The rules of the baseline were written on reports with an even PMC number: `--part design`. Figures to be
quoted are those of the others, `--part held-out`.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.extraction_arms import COLUMNS as ARMS
from bench.extraction_arms import arms_rows
from bench.extraction_direction import CLASSES, Direct, confusion, direction_row, direction_rows, directions
from bench.extraction_direction import COLUMNS as DIRECTION
from bench.extraction_effects import COLUMNS as EFFECTS
from bench.extraction_effects import effect_rows
from bench.extraction_numbers import COLUMNS as NUMBERS
from bench.extraction_numbers import ArmRow, numeric_rows, read_rows
from bench.extraction_participants import COLUMNS as PARTICIPANTS
from bench.extraction_participants import participants_rows
from bench.extraction_texts import Texts, is_of, json_lines
from bench.report import parser, table, write
from model.baseline import BaselineEngine
from model.embedding import NoEmbedder
from model.engine import Engine
from tools.errors import InputFileError, ReviewError
from tools.schemas import Passage

__all__ = ["Found", "main", "rows_of", "summary_of"]

# Command -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """All that a run counted, by data set; empty where it was not asked for."""

    direct: tuple[Direct, ...] = ()
    numeric: tuple[ArmRow, ...] = ()
    participants: tuple[Mapping[str, Any], ...] = ()
    arms: tuple[Mapping[str, Any], ...] = ()


def rows_of(found: Found) -> list[dict[str, Any]]:
    """All lines of all tables."""
    rows: list[dict[str, Any]] = []
    if found.direct:
        rows += direction_rows(found.direct)
    if found.numeric:
        rows += numeric_rows(found.numeric)
        rows += [{"task": "effects", **row} for row in effect_rows(found.numeric)]
    return [*rows, *map(dict, found.participants), *map(dict, found.arms)]


def summary_of(found: Found) -> dict[str, dict[str, Any]]:
    """`exact`, `wrong` and `not_found` as shares of what was asked, `grounded` of what was answered, by data set."""
    made: dict[str, dict[str, Any]] = {}
    if found.numeric:
        made["numeric_outcomes"] = _picked(
            numeric_rows(found.numeric)[0], (*MEASURED, "wrong_of_answered", "coverage")
        )
    if found.direct:
        row = direction_row("all", found.direct)
        made["evidence_inference"] = {
            "exact": sum(f.said == f.gold for f in found.direct) / len(found.direct),
            "wrong": sum(f.said in CLASSES and f.said != f.gold for f in found.direct) / len(found.direct),
            "not_found": sum(f.said not in CLASSES for f in found.direct) / len(found.direct),
            **_picked(row, ("grounded", "accuracy", "macro_f1", "majority", "at_evidence")),
        }
    if found.participants:
        made["pico_corpus"] = _picked(found.participants[0], (*MEASURED, "wrong_of_answered"))
    if found.arms:
        made["arms"] = _picked(
            found.arms[-1], ("share", "matched", "matched_of_answered", "number", "grounded")
        )
    return made


MEASURED = ("exact", "wrong", "not_found", "grounded")


def _picked(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: row.get(name) for name in names}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the tables, and return 0; 2 when something given is wrong."""
    try:
        return _run(_parser().parse_args(arguments))
    except ReviewError as e:
        print(e, file=sys.stderr)
        return e.exit_status


def _run(given: argparse.Namespace) -> int:
    engine = _engine(given)
    part = given.part or ("all" if given.gold else "held-out")
    found = _found(given, part, engine)
    rows = rows_of(found)
    print(f"engine {engine.name}, part {part}")
    for name, columns in TABLES:
        of = [row for row in rows if row["task"] == name]
        if of:
            print(f"\n{table(of, columns)}")
    summary: dict[str, Any] = {"engine": engine.name, "part": part, **summary_of(found)}
    if found.direct:
        summary["confusion"] = confusion(found.direct)
    write(given.out, summary, rows)
    return 0


TABLES = (
    ("direction", DIRECTION),
    ("results", NUMBERS),
    ("effects", EFFECTS),
    ("participants", PARTICIPANTS),
    ("arms", ARMS),
)


def _found(given: argparse.Namespace, part: str, engine: Engine) -> Found:
    """Everything asked for: one data set with `--gold`, else all that the data's folder holds."""
    texts = Texts(given.data, given.jats)
    gold: Path | None = given.gold
    if gold is None:
        folder = given.data / "extraction"
        corpus = (folder / "pico_corpus").is_dir()
        return Found(
            tuple(directions(given.data, part, texts, engine)),
            tuple(numbers(json_lines(folder / "numeric_outcomes.jsonl.gz"), part, texts, engine)),
            tuple(participants_rows(given.data, part, engine)) if corpus else (),
            tuple(arms_rows(given.data, part, texts, engine)),
        )
    if gold.is_dir():
        return Found(participants=tuple(participants_rows(gold.parent.parent, part, engine)))
    rows = list(json_lines(gold))
    if rows and "outcome_type" in rows[0]:
        return Found(numeric=tuple(numbers(rows, part, texts, engine)))
    if rows and "label" in rows[0]:
        return Found(direct=tuple(directions(gold, part, texts, engine)))
    raise InputFileError(
        f"{gold}: neither numeric_outcomes nor evidence_inference. Remedy: JSON lines with outcome_type or label."
    )


def numbers(rows: Iterable[Mapping[str, Any]], part: str, texts: Texts, engine: Engine) -> Iterator[ArmRow]:
    """Every outcome in both arms whose full text is at hand, answered."""
    reports: dict[str, tuple[str, Sequence[Passage]]] = {}
    asked = []
    for row in rows:
        report = texts.of(row["pmcid"], row.get("pmid", "")) if is_of(part, row["pmcid"]) else None
        if report is not None:
            reports[row["pmcid"]] = report.title, report.passages
            asked.append(row)
    return read_rows(asked, reports, engine)


def _engine(given: argparse.Namespace) -> Engine:
    if given.engine == "baseline":
        return BaselineEngine(None, NoEmbedder())
    if not (given.model and given.base_url):
        raise InputFileError("--engine openai needs --model and --base-url. Remedy: give both.")
    from model.chat import ChatEngine, ChatSettings

    return ChatEngine(ChatSettings(model=given.model, base_url=given.base_url))


def _parser() -> argparse.ArgumentParser:
    made = parser(__doc__ or "")
    made.add_argument(
        "--data", type=Path, default=Path("../shared/data"), help="folder with extraction, jats and pubmed"
    )
    made.add_argument("--gold", type=Path, help="one data set alone: JSON lines, or the folder pico_corpus")
    made.add_argument("--jats", type=Path, help="folder of full texts; without it, jats in --data")
    made.add_argument(
        "--part", choices=("held-out", "design", "all"), help="held-out, and with --gold all, unless given"
    )
    made.add_argument("--engine", choices=("baseline", "openai"), default="baseline")
    made.add_argument("--model", help="with --engine openai: the served model")
    made.add_argument("--base-url", help="with --engine openai: the server's address, ending in /v1")
    return made


if __name__ == "__main__":
    sys.exit(main())
