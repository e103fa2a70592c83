"""LEADS' own tables for any engine, engines side by side, each figure with its number and its interval.

    python -m finetune.evaluate --data DATA --engines baseline MODEL --out FILE.json
    python -m finetune.evaluate --data DATA --engines baseline http://127.0.0.1:8000/v1#leads --out FILE.json

Tables: search, screening (both need --reviews and --pool, or --corpus), criteria, extraction, other tasks, answers,
loss (weights in a folder), robustness; and for every engine what kinds of mistakes it makes. What counts as right
stands in `finetune.evaluation.matching`, the kinds of mistakes in `finetune.evaluation.failures`.

Every call is kept beside FILE, so that the same command after an outage, or with one engine more, asks nothing
twice. An answer that cannot be used is a result of its own, and counts against the engine.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from finetune.evaluation.engines import connected, described, known_engines
from finetune.evaluation.items import read_items, seen_reviews
from finetune.evaluation.reviews import (
    Reviewed,
    bare,
    from_corpus,
    from_folders,
    read_pool,
    read_topics,
)
from finetune.evaluation.run import TABLES, Contestant, Library, Plan, evaluate
from finetune.evaluation.searching import SAMPLES, Target, index_of
from finetune.evaluation.sheet import markdown
from model.api_engine import Stopped
from model.tasks import ALL
from tools.errors import ConfigError, ReviewError

if TYPE_CHECKING:
    from tools.schemas import Record
    from tools.search.vocabulary import Vocabulary

__all__ = ["main", "printed"]

PACKAGES = ("leads-agent", "torch", "transformers", "xgrammar", "sentence-transformers", "numpy", "scipy")
"""Their versions can change a figure."""

OF_REVIEWS = ("search", "screening")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Status: 0 done, 2 something given is wrong, 4 an engine is not to be reached."""
    try:
        given = _parser().parse_args(arguments)
        told = _evaluated(given)
    except Stopped as e:
        print(f"{e}\nRemedy: the same command goes on from here; nothing is asked twice.", file=sys.stderr)
        return e.exit_status
    except ReviewError as e:
        print(e, file=sys.stderr)
        return e.exit_status
    given.out.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False)
    given.out.write_text(text + "\n", encoding="utf-8")
    print(printed(told))
    return 0


def _evaluated(given: argparse.Namespace) -> dict[str, Any]:
    calls = given.calls or given.out.with_suffix(".calls")
    engines = described(given.engines, given.prompts, given.max_tokens)
    bases = described([*given.engines, *given.base], given.prompts)[len(engines) :]
    if unfit := [one.label for one in bases if one.weights is None]:
        raise ConfigError(f"--base: {', '.join(unfit)} has no weights here. Remedy: name a model's folder.")
    items, data = read_items(given.data, given.tasks, given.limit), _data_of(given.data)
    from model.embedding import CachedEmbedder, load

    calls.mkdir(parents=True, exist_ok=True)
    embedder = CachedEmbedder(load(), calls / "embeddings.sqlite")
    with tempfile.TemporaryDirectory() as scratch:
        mesh = _installed(given.mesh, Path(scratch))
        library = _library(given, calls, mesh)
        plan = Plan(
            items=items,
            tables=tuple(t for t in given.tables if t not in OF_REVIEWS or library.reviews),
            library=library,
            candidates=given.candidates,
            samples=given.samples,
            greedy=given.greedy,
            longest=given.max_tokens or 1024,
            prompts=given.prompts,
            resamples=given.resamples,
            seed=given.seed,
        )
        contestants = [Contestant(one.label, connected(one, calls, mesh), one.weights) for one in engines]
        contestants += [Contestant(one.label, None, one.weights) for one in bases]
        told = evaluate(plan, contestants, embedder)
        for target in library.targets:
            target.source.close()
    embedder.close()
    return told | {"data": data, "packages": _packages()}


def _library(given: argparse.Namespace, calls: Path, mesh: Path | None) -> Library:
    """What search and screening are measured on; nothing where no reviews are given.

    Raises:
        ConfigError: reviews without a pool, or none that a model was not trained on.
    """
    wanted = set(given.tables) & set(OF_REVIEWS)
    if not wanted or not (given.reviews or given.corpus):
        return Library()
    if given.reviews and given.corpus:
        raise ConfigError("--reviews and --corpus are two sources of reviews. Remedy: give one of them.")
    if given.reviews and not given.pool:
        raise ConfigError("--reviews needs --pool: what is searched in. Remedy: give JSON lines of records.")
    reviews, left_out, pool, trials = _gathered(given)
    if given.ids:
        reviews = [review for review in reviews if bare(review.review_id) in set(given.ids)]
    if not reviews:
        raise ConfigError(
            f"no review is left to measure on; trained on: {', '.join(left_out) or 'none'}. Remedy: give other "
            "reviews, correct --ids, or measure on seen ones with --seen."
        )
    from tools.search.vocabulary import Vocabulary

    vocabulary = Vocabulary(mesh) if mesh else None
    targets = _targets(reviews, pool, trials, calls, vocabulary) if "search" in wanted else []
    topics = read_topics(given.topics) if given.topics else {}
    return Library(reviews, pool, targets, topics, vocabulary, left_out)


class _Gathered(NamedTuple):
    reviews: list[Reviewed]
    left_out: list[str]
    pool: Sequence[Record]
    trials: Sequence[Record]


def _gathered(given: argparse.Namespace) -> _Gathered:
    """Reviews that nothing was trained on, the pool, and trials as records."""
    seen = frozenset() if given.seen else frozenset(map(bare, seen_reviews(given.data)))
    if given.reviews:
        return _Gathered(*from_folders(given.reviews, seen), read_pool(given.pool), ())
    from finetune.build.corpus import Corpus
    from tools.search.ctgov_json import read_study

    corpus = Corpus(given.corpus)
    trials = [read_study(trial.document) for trial in corpus.trials()]
    return _Gathered(*from_corpus(corpus, seen), tuple(corpus.all_records()), trials)


def _targets(
    reviews: Sequence[Reviewed],
    pool: Sequence[Record],
    trials: Sequence[Record],
    calls: Path,
    vocabulary: Vocabulary | None,
) -> list[Target]:
    own = [one.record for review in reviews for one in review.records]
    print(f"indexing {len(pool) + len(own)} records", file=sys.stderr, flush=True)
    # In the pool the same record may stand with less; the review's own comes first.
    found = [index_of((*own, *pool), calls / "publications.index.sqlite", vocabulary, "publications")]
    if trials:
        found.append(index_of(trials, calls / "trials.index.sqlite", vocabulary, "trials"))
    return found


def _installed(source: Path | None, scratch: Path) -> Path | None:
    """An installed vocabulary, or one made from NLM's files, which takes some seconds."""
    if source is None or source.suffix == ".sqlite":
        return source
    from tools.search.vocabulary import install

    install(scratch / "mesh.sqlite", source).close()
    return scratch / "mesh.sqlite"


def _data_of(data: Path) -> dict[str, Any]:
    """By what the test part can be told from another."""
    from finetune.training.encoding import data_hash

    folder = data / "test" if (data / "test").is_dir() else data
    if folder.is_file():
        return {"name": folder.name}
    return {"name": data.resolve().name, "test": data_hash(folder)}


def _packages() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


# Printing ----------------------------------------------------------------------------------------


def printed(told: Mapping[str, Any]) -> str:
    """All tables as Markdown."""
    engines = told["summary"]["engines"]
    parts = [_headline(told["summary"]), f"Intervals: {told['settings']['interval']}."]
    for name, rows in told["tables"].items():
        parts += [f"## {name}", markdown(rows, engines)]
        if figures := [one for one in told["published"]["figures"] if one["table"] == name]:
            parts.append(_published(figures, told["published"]["source"]))
    if told["failures"]:
        parts += ["## Mistakes by kind", _mistakes(told["failures"])]
    parts += [
        "## What counts as right",
        "\n".join(f"- {name}: {rule}" for name, rule in told["rules"].items()),
    ]
    parts += ["## Notes", "\n".join(f"- {line}" for line in told["notes"])] if told["notes"] else []
    return "\n\n".join(parts)


def _headline(summary: Mapping[str, Any]) -> str:
    engines = [
        name for name in summary["engines"] if any(name in own for own in summary["headline"].values())
    ]
    lines = [["figure", *engines]]
    lines += [
        [name, *(_number(own.get(engine)) for engine in engines)] for name, own in summary["headline"].items()
    ]
    means = summary["mean"]
    if means:
        lines.append([f"mean of {summary['mean_of']}", *(_number(means.get(engine)) for engine in engines)])
    return "\n\n".join(["## In short", _plain(lines)])


def _published(figures: Sequence[Mapping[str, Any]], source: str) -> str:
    lines = [["published, not measured here", "LEADS", "GPT-4o", "Mistral-7B"]]
    lines += [
        [one["of"], *(_number(one[name]) for name in ("leads", "gpt_4o", "mistral_7b"))] for one in figures
    ]
    return f"{_plain(lines)}\n\nSource: {source}; other data, other embedder."


def _mistakes(failures: Mapping[str, Any]) -> str:
    kinds = list(dict.fromkeys(kind for told in failures.values() for kind in told["by_category"]))
    lines = [["kind", *failures]]
    lines += [
        [kind, *(str(told["by_category"].get(kind, 0)) for told in failures.values())] for kind in kinds
    ]
    lines.append(["all", *(str(told["misses"]) for told in failures.values())])
    return _plain(lines)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _plain(lines: Sequence[Sequence[str]]) -> str:
    first, *rest = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([first, f"|{' --- |' * len(lines[0])}", *rest])


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m finetune.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = made.add_argument
    add("--data", type=Path, required=True, help="data folder of finetune.build; its part `test` is asked")
    add("--engines", nargs="+", required=True, help=known_engines())
    add("--base", nargs="*", default=[], help="folders of weights of which only the loss is measured")
    add("--out", type=Path, required=True, help="JSON file for all figures")
    add(
        "--tasks",
        nargs="+",
        choices=tuple(ALL),
        default=tuple(ALL),
        metavar="TASK",
        help="of the test questions",
    )
    add("--tables", nargs="+", choices=TABLES, default=TABLES, metavar="TABLE", help=", ".join(TABLES))
    add("--limit", type=int, help="questions of each task; default: all")
    add("--reviews", type=Path, help="folder with a folder per labelled review, for search and screening")
    add("--pool", type=Path, help="JSON lines of records, to search in and to fill up candidates")
    add("--corpus", type=Path, help="instead of both: what `finetune.build ingest` wrote")
    add("--ids", nargs="+", help="only these reviews")
    add("--seen", action="store_true", help="also reviews that training data was made from")
    add("--topics", type=Path, help="CSV of review id and topic; default: by MeSH, with --mesh")
    add("--mesh", type=Path, help="an installed mesh.sqlite, or NLM's files")
    add("--candidates", type=int, default=2000, help="records to rank per review")
    add("--samples", type=int, default=SAMPLES, help="proposals that are united")
    add("--greedy", type=int, default=50, help="questions of each task that weights answer freely; 0: none")
    add("--prompts", default="ours", help="prompt pack of folders and addresses; a YAML file names its own")
    add("--max-tokens", type=int, help="longest answer of folders and addresses")
    add("--calls", type=Path, help="folder that keeps calls, embeddings and indexes; default: beside --out")
    add("--resamples", type=int, default=1000, help="of the bootstrap")
    add("--seed", type=int, default=1, help="of bootstrap and draws")
    return made


if __name__ == "__main__":
    sys.exit(main())
