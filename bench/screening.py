"""Zero-shot screening of reviews whose outcome is known: ranking, verdicts, and MiniLM alone beside them.

    python -m bench.screening --reviews ../shared/data/reviews --ids kdigo_a1 cohen_triptans --engine baseline

A folder per review, with `review.json` and `records.jsonl.gz`; see `tools.labelled` for how criteria are
made from a review's own words. Nothing is learnt from labels. Three rankings per review and label:

similarity  mean cosine of a record with title and inclusion criteria: what the prefilter does
verdicts    LEADS' mean score; ties by similarity
combined    mean of the two ranks; ties by similarity: fixed beforehand, the same for every review

Equals are ordered by record id everywhere. The confusion matrix counts the machine's suggestions, by the
rules of the screening step: without an abstract nothing is suggested for exclusion.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.report import Column, parser, table, write
from model.baseline import BaselineEngine
from model.embedding import CachedEmbedder, Embedder, load
from model.engine import Answer, Engine, Request
from model.pool import ask_all
from model.tasks.screen import TASK, ScreenAnswer, ScreenInput
from tools.errors import ConfigError, EngineError, ReviewError
from tools.labelled import LabelledRecord, Review, read_review, statements_of
from tools.schemas import RecordVerdict
from tools.screening.metrics import (
    auroc,
    average_time_to_discovery,
    confusion,
    normalised_loss,
    recall_at,
    wss,
)
from tools.screening.rank import order
from tools.screening.verdicts import conclude
from tools.search.vocabulary import Vocabulary, install

__all__ = ["combined_scores", "main", "measure", "rankings", "screened", "similarity_scores"]

DEPTHS = (10, 20, 50, 100)

IN_FLIGHT = 64
"""Records at once: enough to fill the embedder's batches."""

COLUMNS = (
    Column("review", "review"),
    Column("label", "label"),
    Column("ranking", "ranking"),
    Column("n", "n"),
    Column("included", "incl"),
    *(Column(f"recall_{k}", f"R@{k}") for k in DEPTHS),
    Column("wss_95", "WSS@95"),
    Column("auroc", "AUROC"),
    Column("atd", "ATD", 1),
    Column("loss", "loss"),
    *(Column(key, key.upper()) for key in ("tp", "fp", "fn", "tn")),
    Column("recall", "recall"),
    Column("specificity", "spec"),
    Column("mcc", "MCC"),
    Column("failed", "failed"),
    Column("seconds", "s", 1),
)


# Scores ------------------------------------------------------------------------------------------


def similarity_scores(review: Review, embedder: Embedder) -> dict[str, float]:
    """Record id to mean cosine with the review's statements, rounded as the prefilter does."""
    texts = [labelled.record.text for labelled in review.records]
    cosines = embedder.encode(texts) @ embedder.encode(statements_of(review)).T
    ids = [labelled.record.record_id for labelled in review.records]
    return {
        record_id: round(float(mean), 6) for record_id, mean in zip(ids, cosines.mean(axis=1), strict=True)
    }


def screened(review: Review, engine: Engine) -> dict[str, RecordVerdict | EngineError]:
    """Record id to the engine's verdict, or why there is none."""
    records = [labelled.record for labelled in review.records]
    asked = [
        ScreenInput(record_id=r.record_id, criteria=review.criteria, text=r.text, title=r.title)
        for r in records
    ]
    verdicts: dict[str, RecordVerdict | EngineError] = {}

    def landed(position: int, result: Answer[ScreenAnswer] | EngineError) -> None:
        record, question = records[position], asked[position]
        verdicts[record.record_id] = (
            result
            if isinstance(result, EngineError)
            else conclude(
                record.record_id,
                review.criteria,
                result.value.verdicts,
                question.text,
                can_exclude=bool(record.abstract.strip()),
            )
        )

    ask_all(engine, (Request(TASK, question) for question in asked), in_flight=IN_FLIGHT, landed=landed)
    return verdicts


def combined_scores(first: Mapping[str, float], second: Mapping[str, float]) -> dict[str, float]:
    """Record id to the mean of its two ranks, negative so that more is better; equal scores share a rank."""
    ranks = [_mid_ranks(scores) for scores in (first, second)]
    return {record_id: -(ranks[0][record_id] + ranks[1][record_id]) / 2 for record_id in first}


def _mid_ranks(scores: Mapping[str, float]) -> dict[str, float]:
    ranked = order(scores)
    places: dict[float, list[int]] = {}
    for place, record_id in enumerate(ranked, start=1):
        places.setdefault(scores[record_id], []).append(place)
    return {record_id: sum(places[s]) / len(places[s]) for record_id, s in scores.items()}


def rankings(
    similarity: Mapping[str, float], verdicts: Mapping[str, RecordVerdict | EngineError]
) -> dict[str, list[tuple[float, float, str]]]:
    """Ranking to (score, similarity, record id) of each record, best first.

    A record without an answer is ranked first: somebody must look at it.
    """
    scores = {i: v.score if isinstance(v, RecordVerdict) else 1.0 for i, v in verdicts.items()}
    both = combined_scores(scores, similarity)
    return {
        name: sorted(
            ((value[i], similarity[i], i) for i in similarity), key=lambda row: (-row[0], -row[1], row[2])
        )
        for name, value in (("similarity", similarity), ("verdicts", scores), ("combined", both))
    }


# Measures ----------------------------------------------------------------------------------------


def measure(
    review: Review,
    similarity: Mapping[str, float],
    verdicts: Mapping[str, RecordVerdict | EngineError],
) -> list[dict[str, Any]]:
    """A row per label that the review has and per ranking; the verdicts' row holds the confusion matrix."""
    rows = []
    for label in ("final", "ta"):
        truth = {r.record.record_id: said for r in review.records if (said := _known(r, label)) is not None}
        if not any(truth.values()):
            continue
        for name, ranked in rankings(similarity, verdicts).items():
            known = [row for row in ranked if row[2] in truth]
            row = {"review": review.review_id, "label": label, "ranking": name} | _ranked(known, truth)
            rows.append(row | (_decided(truth, verdicts) if name == "verdicts" else {}))
    return rows


def _known(labelled: LabelledRecord, label: str) -> bool | None:
    return labelled.final if label == "final" else labelled.ta


def _ranked(ranked: Sequence[tuple[float, float, str]], truth: Mapping[str, bool]) -> dict[str, Any]:
    labels = [truth[record_id] for _, _, record_id in ranked]
    measures = {
        "n": len(labels),
        "included": sum(labels),
        "wss_95": wss(labels),
        # By score and tie-break, so that the area is that of the order the reader sees.
        "auroc": auroc([-place for place in _places(ranked)], labels),
        "atd": average_time_to_discovery(labels),
        "loss": normalised_loss(labels),
    }
    return measures | {f"recall_{k}": recall_at(labels, k) for k in DEPTHS}


def _places(ranked: Sequence[tuple[float, float, str]]) -> list[int]:
    """Place of each record; equal in score and tie-break is equal in place."""
    places: list[int] = []
    for index, row in enumerate(ranked):
        same = index > 0 and row[:2] == ranked[index - 1][:2]
        places.append(places[-1] if same else index)
    return places


def _decided(
    truth: Mapping[str, bool], verdicts: Mapping[str, RecordVerdict | EngineError]
) -> dict[str, Any]:
    """Suggestions against labels; what failed goes to a person and is counted apart."""
    answered = {i: v for i, v in verdicts.items() if i in truth and isinstance(v, RecordVerdict)}
    found = confusion([v.suggestion == "pass" for v in answered.values()], [truth[i] for i in answered])
    return {
        "tp": found.tp,
        "fp": found.fp,
        "fn": found.fn,
        "tn": found.tn,
        "recall": found.recall,
        "precision": found.precision,
        "specificity": found.specificity,
        "mcc": found.mcc,
        "failed": len(truth) - len(answered),
    }


def summary_of(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Means over reviews (each counts once), per label and ranking; confusion counts are summed."""
    made = []
    for label, ranking in dict.fromkeys((row["label"], row["ranking"]) for row in rows):
        own = [row for row in rows if (row["label"], row["ranking"]) == (label, ranking)]
        mean: dict[str, Any] = {"review": f"mean of {len(own)}", "label": label, "ranking": ranking}
        for key in (
            "wss_95",
            "auroc",
            "loss",
            *(f"recall_{k}" for k in DEPTHS),
            "recall",
            "specificity",
            "mcc",
        ):
            values = [row[key] for row in own if row.get(key) is not None]
            mean[key] = sum(values) / len(values) if values else None
        for key in ("n", "included", "tp", "fp", "fn", "tn", "failed", "seconds"):
            values = [row[key] for row in own if row.get(key) is not None]
            mean[key] = sum(values) if values else None
        made.append(mean)
    return made


def headline(means: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The figures to compare engines by: the verdicts' ranking towards final labels, where there are any."""
    own = [mean for mean in means if mean["ranking"] == "verdicts"]
    best = next((mean for mean in own if mean["label"] == "final"), own[0] if own else {})
    keys = {"recall50_mean": "recall_50", "recall100_mean": "recall_100", "wss95_mean": "wss_95"}
    keys |= {"auroc_mean": "auroc", "missed": "fn", "failed": "failed"}
    return {"label": best.get("label"), **{name: best.get(key) for name, key in keys.items()}}


# Command -----------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print one table, and return 0; 2 when something given is wrong."""
    try:
        return _run(_parser().parse_args(arguments))
    except ReviewError as e:
        print(e, file=sys.stderr)
        return e.exit_status


def _run(given: argparse.Namespace) -> int:
    embedder: Embedder = load()
    if given.cache:
        embedder = CachedEmbedder(embedder, given.cache)
    engine = _engine(given, embedder)
    folders = [given.reviews / name for name in given.ids] if given.ids else sorted(given.reviews.iterdir())
    rows = []
    for folder in folders:
        review = read_review(folder, given.limit)
        print(f"{review.review_id}: {len(review.records)} records", file=sys.stderr, flush=True)
        similarity = similarity_scores(review, embedder)
        began = time.perf_counter()
        verdicts = screened(review, engine)
        seconds = time.perf_counter() - began
        for row in measure(review, similarity, verdicts):
            rows.append(row | ({"seconds": seconds} if row["ranking"] == "verdicts" else {}))
    means = summary_of(rows)
    print(f"engine {engine.name}, embeddings {embedder.name}")
    print(table([*rows, *means], COLUMNS))
    write(
        given.out, {"engine": engine.name, "embedder": embedder.name, **headline(means), "means": means}, rows
    )
    return 0


def _engine(given: argparse.Namespace, embedder: Embedder) -> Engine:
    if given.engine == "baseline":
        return BaselineEngine(_vocabulary(given.mesh), embedder)
    if not (given.model and given.base_url):
        raise ConfigError("--engine openai needs --model and --base-url. Remedy: give both.")
    from model.chat import ChatEngine, ChatSettings

    return ChatEngine(ChatSettings(model=given.model, base_url=given.base_url))


def _vocabulary(source: Path | None) -> Vocabulary | None:
    """A vocabulary from an installed file, or from NLM's files, which takes some seconds."""
    if source is None or source.suffix == ".sqlite":
        return None if source is None else Vocabulary(source)
    return install(Path(tempfile.mkdtemp()) / "mesh.sqlite", source)


def _parser() -> argparse.ArgumentParser:
    made = parser(__doc__ or "")
    made.add_argument(
        "--reviews", type=Path, default=Path("../shared/data/reviews"), help="folder of folders"
    )
    made.add_argument("--ids", nargs="+", help="names of folders in it; default: all")
    made.add_argument("--engine", choices=("baseline", "openai"), default="baseline")
    made.add_argument("--model", help="with --engine openai: the served model")
    made.add_argument("--base-url", help="with --engine openai: the server's address, ending in /v1")
    made.add_argument(
        "--mesh", type=Path, help="an installed mesh.sqlite, or NLM's files; default: no vocabulary"
    )
    made.add_argument(
        "--limit", type=int, help="records per review, those included first: for a quick try only"
    )
    made.add_argument("--cache", type=Path, help="SQLite file that keeps embeddings between runs")
    return made


if __name__ == "__main__":
    sys.exit(main())
