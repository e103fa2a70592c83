"""How many people took part, read by an engine out of trial abstracts, beside what people marked there.

A part of `bench.extraction`. The abstracts are those of PICO-Corpus (Mutinda 2022), on which people marked
the number of participants, of all together and of each group. The total is asked for as the field
`sample_size` of the product's own form, the size of each group as a measure of the task `participants`, its
groups named by the first words marked as intervention and as control.

Some abstracts have several totals marked, such as enrolled and analysed: `exact` is the share of abstracts for
which what was read is one of them, `exact_first` the first. `wrong` is any other number, `not_found` none at
all; the three are shares of all abstracts that have a total. `wrong_of_answered` is the one that hurts.
`grounded` is the share of answers whose quote stands verbatim in the text and holds the number.
`without_gold` counts numbers read where people marked none.

The rules of the baseline were written on abstracts with an even PubMed number (`--part design`). Figures to
be quoted are those of the others, `--part held-out`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.report import Column
from model.baseline.counts import counts_in
from model.engine import Engine, Request
from model.pool import ask
from model.tasks.characteristics import TASK as CHARACTERISTICS
from model.tasks.characteristics import CharacteristicsInput
from model.tasks.participants import TASK as PARTICIPANTS
from model.tasks.participants import Group, Measure, ParticipantsInput
from tools import frameworks
from tools.errors import EngineError, InputFileError
from tools.schemas import Passage

__all__ = ["COLUMNS", "Abstract", "Sized", "participants_rows", "read_abstracts", "row_of"]

COLUMNS = (
    Column("task", "task"),
    Column("text", "text"),
    Column("reports", "reports"),
    Column("asked", "asked"),
    Column("answered", "answered"),
    Column("exact", "exact"),
    Column("exact_first", "exact first"),
    Column("wrong", "wrong"),
    Column("not_found", "not found"),
    Column("wrong_of_answered", "wrong ÷ answered"),
    Column("grounded", "grounded"),
    Column("without_gold", "without gold"),
    Column("failed", "failed"),
)

SIZE = next(field for field in frameworks.kind_of("intervention", "PICO").form if field.id == "sample_size")
HOW_MANY = Measure(title="Number of participants", param_type="COUNT_OF_PARTICIPANTS", unit="Participants")


@dataclass(frozen=True)
class Abstract:
    """An abstract, and what is marked in it: kind to the marked texts in their order."""

    pmid: str
    text: str
    marked: dict[str, tuple[str, ...]]

    def sizes(self, kind: str) -> tuple[int, ...]:
        """The numbers marked as a kind, in their order."""
        return tuple(counts[0].value for text in self.marked.get(kind, ()) if (counts := counts_in(text)))


@dataclass(frozen=True)
class Sized:
    """One number asked for: what people marked, and what the engine read."""

    report: str
    gold: tuple[int, ...]
    said: int | None
    grounded: bool = False
    failed: bool = False


# Data --------------------------------------------------------------------------------------------


def read_abstracts(data: Path, part: str) -> Iterator[Abstract]:
    """The abstracts of a part in order of their files; `design` those with an even number, `held-out` the others.

    Raises:
        InputFileError: when a file cannot be read or is not in brat's format.
    """
    folder = data / "extraction" / "pico_corpus"
    paths = sorted(folder.glob("*.ann"))
    if not paths:
        raise InputFileError(f"{folder}: no *.ann files. Remedy: see --data.")
    for path in paths:
        if part != "all" and (int(path.stem) % 2 == 0) != (part == "design"):
            continue
        try:
            text = path.with_suffix(".txt").read_text(encoding="utf-8")
            marked = _marked(path.read_text(encoding="utf-8").splitlines())
        except (OSError, ValueError) as e:
            raise InputFileError(
                f"{path}: cannot be read as brat's format: {e!r}. Remedy: see --data."
            ) from e
        yield Abstract(path.stem, text, marked)


def _marked(lines: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """`T1<tab>kind start end<tab>text` by kind, in order of place."""
    spans = []
    for line in lines:
        if line.startswith("T"):
            _, what, text = line.split("\t")
            kind, start = what.split()[:2]
            spans.append((int(start), kind, text))
    kinds = dict.fromkeys(kind for _, kind, _ in sorted(spans))
    return {kind: tuple(text for _, of, text in sorted(spans) if of == kind) for kind in kinds}


# Asking ------------------------------------------------------------------------------------------


def _passages(abstract: Abstract) -> tuple[Passage, ...]:
    return (Passage(section="abstract", kind="abstract", start=0, text=abstract.text),)


def _total(abstract: Abstract, engine: Engine) -> Sized:
    asked = CharacteristicsInput(
        report_id=abstract.pmid, title="", fields=(SIZE,), passages=_passages(abstract)
    )
    gold = abstract.sizes("total-participants")
    try:
        cell = ask(engine, Request(CHARACTERISTICS, asked)).value.cells[0]
    except EngineError:
        return Sized(abstract.pmid, gold, None, failed=True)
    return _sized(abstract, gold, cell.value if cell.status == "found" else None, cell.quote)


def _arms(abstract: Abstract, engine: Engine) -> list[Sized]:
    """Both groups; none where people did not mark how both are called."""
    named = [abstract.marked.get(kind, ()) for kind in ("intervention", "control")]
    if not all(named):
        return []
    asked = ParticipantsInput(
        report_id=abstract.pmid,
        title="",
        passages=_passages(abstract),
        measure=HOW_MANY,
        groups=tuple(
            Group(id=f"g{number}", title=names[0].strip() or "not named")
            for number, names in enumerate(named)
        ),
    )
    golds = [abstract.sizes(f"{kind}-participants") for kind in ("intervention", "control")]
    try:
        values = ask(engine, Request(PARTICIPANTS, asked)).value.values
    except EngineError:
        return [Sized(abstract.pmid, gold, None, failed=True) for gold in golds]
    by_id = {value.group_id: value for value in values}
    told = [by_id[group.id] for group in asked.groups]
    return [_sized(abstract, gold, v.value, v.quote) for gold, v in zip(golds, told, strict=True)]


def _sized(abstract: Abstract, gold: tuple[int, ...], value: str | None, quote: str) -> Sized:
    if value is None:
        return Sized(abstract.pmid, gold, None)
    try:
        said = int(value.replace(",", ""))
    except ValueError:
        said = -1  # no whole number at all: wrong whatever people marked
    held = bool(quote.strip()) and quote in abstract.text
    return Sized(abstract.pmid, gold, said, held and said in {c.value for c in counts_in(quote)})


# Counting ----------------------------------------------------------------------------------------


def row_of(text: str, found: Sequence[Sized]) -> dict[str, Any]:
    """One line of the table; numbers read where people marked none are counted apart."""
    asked = [f for f in found if f.gold]
    answered = [f for f in asked if f.said is not None]
    exact = sum(f.said in f.gold for f in answered)
    return {
        "task": "participants",
        "text": text,
        "reports": len({f.report for f in asked}),
        "asked": len(asked),
        "answered": len(answered),
        "share": _ratio(len(answered), len(asked)),
        "exact": _ratio(exact, len(asked)),
        "exact_first": _ratio(sum(f.said == f.gold[0] for f in answered), len(asked)),
        "wrong": _ratio(len(answered) - exact, len(asked)),
        "not_found": _ratio(len(asked) - len(answered), len(asked)),
        "wrong_of_answered": _ratio(len(answered) - exact, len(answered)),
        "grounded": _ratio(sum(f.grounded for f in answered), len(answered)),
        "without_gold": sum(f.said is not None for f in found if not f.gold),
        "failed": sum(f.failed for f in found),
    }


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def participants_rows(data: Path, part: str, engine: Engine) -> list[dict[str, Any]]:
    """The lines of the table: totals of trials, and sizes of groups."""
    abstracts = list(read_abstracts(data, part))
    totals = [_total(abstract, engine) for abstract in abstracts]
    arms = [size for abstract in abstracts for size in _arms(abstract, engine)]
    return [row_of("total", totals), row_of("per group", arms)]
