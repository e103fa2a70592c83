"""Files to a corpus: every source of a list, each input file once.

    python -m finetune.build ingest --sources SOURCES.yaml --out DIR [--shard 0/8] [--workers 4]

SOURCES.yaml is a list of `{name, kind, path, licence}`; paths are relative to it. `--shard i/n` reads the i-th of
n parts of the inputs, so that several machines can fill one folder; what it does not read it leaves alone.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import yaml
from pydantic import ValidationError

from finetune.build import shards
from finetune.build.kinds import Shard
from finetune.build.shards import Receipt, Unit
from finetune.build.sources import READERS, Source
from tools.errors import ConfigError, InputFileError, ReviewError
from tools.schemas import Frozen

__all__ = ["Ingested", "ingest", "read_sources"]


class Ingested(Frozen):
    """What an ingest did."""

    read: int
    """Units that were read; the others were there already."""
    kept: int
    removed: tuple[str, ...]
    """Units of earlier lists or files that are gone."""
    counts: dict[str, int]
    """Table to rows, over all units of this shard."""
    unread: dict[str, dict[str, int]]
    """Source to reason to items that could not be read."""

    def table(self) -> str:
        """A few lines for people."""
        lines = [f"{self.read} inputs read, {self.kept} unchanged, {len(self.removed)} removed"]
        lines += [f"  {table:<12} {rows:>10,}" for table, rows in self.counts.items()]
        for source, reasons in self.unread.items():
            lines += [f"  not read of {source}: {count:,} × {why}" for why, count in reasons.items()]
        return "\n".join(lines)


def read_sources(path: Path) -> tuple[Source, ...]:
    """The list of sources of a YAML file.

    Raises:
        ConfigError: no such list, an unknown kind, or a name that comes twice.
        InputFileError: the file is not there or is no YAML.
    """
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as e:
        raise InputFileError(
            f"{path}: cannot be read as YAML: {e}. Remedy: see finetune/build/ingest.py."
        ) from e
    if not isinstance(said, list) or not said:
        raise ConfigError(f"{path}: must be a list of sources, each with name, kind, path and licence.")
    problems: list[str] = []
    made: list[Source] = []
    for number, one in enumerate(said, 1):
        try:
            source = Source.model_validate(one)
        except ValidationError as e:
            problems += [
                f"{path}: source {number}: {'.'.join(map(str, x['loc']))}: {x['msg']}" for x in e.errors()
            ]
            continue
        if source.kind not in READERS:
            problems.append(
                f"{path}: source {number}: unknown kind {source.kind!r}. Known: {', '.join(READERS)}."
            )
        made.append(source.model_copy(update={"path": path.parent / source.path}))
    twice = [name for name, n in Counter(s.name for s in made).items() if n > 1]
    problems += [
        f"{path}: several sources are called {name!r}; give each a name of its own." for name in twice
    ]
    if problems:
        raise ConfigError(problems)
    return tuple(made)


def ingest(
    sources: Sequence[Source],
    out: Path,
    shard: Shard = Shard(),  # noqa: B008 - immutable
    *,
    workers: int = 1,
    say: Callable[[str], None] = lambda line: None,
) -> Ingested:
    """Bring a corpus up to date with its sources.

    Inputs that are unchanged, and whose files are undamaged, are not read again. Files of inputs that are gone
    are removed, and so are those of sources that the list no longer names.

    Raises:
        InputFileError: a source is not there, or the disk is full.
    """
    mine = [unit for source in sources for unit in shards.units(source) if shard.has(unit.key)]
    removed = _remove_gone(mine, out, shard)
    found: dict[str, Receipt] = {}
    read = 0
    for unit, receipt, anew in _each(mine, out, workers):
        found[unit.key] = receipt
        read += anew
        if anew:
            say(f"{unit.key}: " + ", ".join(f"{n:,} {table}" for table, n in receipt.counts.items()))
    return _summary([found[u.key] for u in mine], read, removed)


def _each(mine: Sequence[Unit], out: Path, workers: int) -> Iterator[tuple[Unit, Receipt, bool]]:
    if workers <= 1 or len(mine) <= 1:
        for unit in mine:
            yield unit, *_one(unit, out)
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=spawn) as pool:
        try:
            for unit, (receipt, anew) in zip(mine, pool.map(partial(_one, out=out), mine), strict=True):
                yield unit, receipt, anew
        finally:
            pool.shutdown(cancel_futures=True)


def _one(unit: Unit, out: Path) -> tuple[Receipt, bool]:
    known = shards.standing(unit, out)
    return (known, False) if known else (shards.make(unit, out), True)


def _remove_gone(mine: Sequence[Unit], out: Path, shard: Shard) -> tuple[str, ...]:
    keys = {unit.key for unit in mine}
    shards.drop_damaged_receipts(out)
    gone = [r for r in shards.receipts(out) if shard.has(r.unit) and r.unit not in keys]
    for receipt in gone:
        shards.remove(receipt, out)
    return tuple(r.unit for r in gone)


def _summary(found: Sequence[Receipt], read: int, removed: tuple[str, ...]) -> Ingested:
    counts: Counter[str] = Counter()
    unread: dict[str, Counter[str]] = {}
    for receipt in found:
        counts.update(receipt.counts)
        if receipt.unread:
            unread.setdefault(receipt.source, Counter()).update(receipt.unread)
    return Ingested(
        read=read,
        kept=len(found) - read,
        removed=removed,
        counts=dict(sorted(counts.items())),
        unread={source: dict(sorted(reasons.items())) for source, reasons in sorted(unread.items())},
    )


def main(argv: Sequence[str] | None = None) -> int:
    """`ingest`: parse, call, print."""
    parser = argparse.ArgumentParser(
        prog="python -m finetune.build ingest",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    arguments(parser)
    given = parser.parse_args(argv)
    try:
        print(run(given))
    except ReviewError as e:
        print(e, file=sys.stderr)
        return e.exit_status
    return 0


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "--sources", type=Path, required=True, help="YAML: a list of name, kind, path, licence"
    )
    parser.add_argument("--out", type=Path, required=True, help="the corpus' folder")
    parser.add_argument(
        "--shard", type=shard_of, default=Shard(), help="i/n: the i-th, from 0, of n parts of the inputs"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes; each needs some 300 MB")


def run(given: argparse.Namespace) -> str:
    """The command, as text for people."""
    sources = read_sources(given.sources)
    return ingest(sources, given.out, given.shard, workers=given.workers, say=print).table()


def shard_of(given: str) -> Shard:
    """A part of the work, of `0/8`.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    number, _, of = given.partition("/")
    if not (number.isdigit() and of.isdigit() and int(number) < int(of)):
        raise argparse.ArgumentTypeError(
            f"{given!r} is no part: write i/n with i from 0 to n - 1, such as 0/8"
        )
    return Shard(int(number), int(of))


if __name__ == "__main__":
    raise SystemExit(main())
