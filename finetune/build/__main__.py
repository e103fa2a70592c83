"""Public data to instructions, split and checked.

    python -m finetune.build CONFIG --data DIR --out DIR
    python -m finetune.build CONFIG --data DIR --out DIR --stage make --shard 0/8     # on each of 8 machines
    python -m finetune.build ingest --sources SOURCES.yaml --out DIR                  # the corpus alone

Stages, each of which goes on where it was stopped: ingest reads the files, link checks which registry entries
belong to which papers, make makes the instructions, split words, divides and checks them and writes the card.
Progress goes to stderr, the summary to stdout. Exit status: 0 built; 2 the settings or a file; 3 a leak between
the parts; 4 an engine that cannot be reached.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from finetune.build.kinds import Shard
from finetune.build.settings import BuildSettings, read_settings
from finetune.build.stages import STAGES, Build
from tools.errors import ConfigError, ReviewError

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m finetune.build`."""
    given = list(sys.argv[1:] if argv is None else argv)
    try:
        if given[:1] == ["ingest"]:
            return _ingest(given[1:])
        return _build(given)
    except ReviewError as e:
        print(e, file=sys.stderr)
        return e.exit_status


def _build(given: Sequence[str]) -> int:
    args = _parser().parse_args(given)
    data: Path = args.data or args.config.parent
    settings = read_settings(args.config, data)
    if args.limit:
        settings = _limited(settings, args.limit)
    build = Build(settings, data, args.out, args.config.parent, _shard(args.shard), args.workers, _say)
    for stage in STAGES if args.stage == "all" else (args.stage,):
        if stage == "split" and build.mine.of > 1:
            if args.stage == "all":
                _say("the stage split waits for every shard: run it once, without --shard")
                break
            raise ConfigError("--shard: the stage split is for all shards at once. Remedy: run it without.")
        told = build.run(stage)
        if told:
            print(told)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m finetune.build",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "config", type=Path, metavar="CONFIG", help="such as finetune/configs/build_shared.yaml"
    )
    parser.add_argument("--data", type=Path, help="folder that the sources' paths start from; the file's own")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of the data set; work/ in it can be deleted"
    )
    parser.add_argument("--stage", choices=(*STAGES, "all"), default="all")
    _common(parser)
    parser.add_argument(
        "--limit",
        type=int,
        metavar="N",
        help="at most N instructions of each maker and task: for a first look",
    )
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--shard", default="0/1", metavar="i/n", help="the i-th of n parts of the work, from 0"
    )
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes that read files")


def _ingest(given: Sequence[str]) -> int:
    from finetune.build.ingest import ingest, read_sources

    parser = argparse.ArgumentParser(prog="python -m finetune.build ingest", description="Files to a corpus.")
    parser.add_argument(
        "--sources", type=Path, required=True, help="YAML: a list of name, kind, path, licence"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the corpus")
    _common(parser)
    args = parser.parse_args(given)
    done = ingest(read_sources(args.sources), args.out, _shard(args.shard), workers=args.workers, say=_say)
    print(done.table())
    return 0


def _shard(text: str) -> Shard:
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if not found or not int(found[1]) < int(found[2]):
        raise ConfigError(f"--shard {text}: is no part of a whole. Remedy: write 0/8 to 7/8 for eight parts.")
    return Shard(int(found[1]), int(found[2]))


def _limited(settings: BuildSettings, most: int) -> BuildSettings:
    """With a limit per maker and task that no limit of the file exceeds."""
    from finetune.build.pieces import INVENTED
    from finetune.build.settings import Limit

    if most < 1:
        raise ConfigError("--limit: must be 1 or more.")
    limits = {}
    for name in (*settings.makers, INVENTED):
        known = settings.limits.get(name, Limit())
        limits[name] = known.model_copy(update={"per_task": min(most, known.per_task or most)})
    return settings.model_copy(update={"limits": limits})


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
