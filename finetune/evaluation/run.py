"""One evaluation from end to end: which tables, of which engines, over which questions and reviews."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.evaluation.cells import Cell, cells_of, learn
from finetune.evaluation.failures import misses_of, report_of
from finetune.evaluation.items import Item, Told, ask_items
from finetune.evaluation.losses import note_losses
from finetune.evaluation.matching import RULES, Likeness
from finetune.evaluation.published import SOURCE, published_rows
from finetune.evaluation.ranking import ALONE, note_ranking, ranked, scores_of, similarities
from finetune.evaluation.reviews import SIZES, Reviewed, candidates_of, topic_of
from finetune.evaluation.robustness import note_robustness
from finetune.evaluation.searching import SAMPLES, Target, note_search, proposals
from finetune.evaluation.sheet import Key, Sheet
from finetune.evaluation.tables import confusion, note_cells
from model.engine import Answer, Engine

if TYPE_CHECKING:
    from model.embedding import Embedder
    from tools.schemas import Record
    from tools.search.vocabulary import Vocabulary

__all__ = ["HEADLINE", "TABLES", "Contestant", "Library", "Plan", "evaluate"]

TABLES = ("search", "screening", "criteria", "extraction", "other tasks", "answers", "loss", "robustness")
"""In the order in which they are printed; the report of failures goes with the tables of values."""

OF_ANSWERS = frozenset({"criteria", "extraction", "other tasks", "answers", "robustness"})
"""Tables that need the answers to the test questions."""

HEADLINE: Mapping[str, Key] = {
    "search, one query: recall": Key("search", "publications", "one: recall"),
    "search, ten queries: recall": Key("search", "publications", f"{SAMPLES} samples: recall"),
    "screening: recall@50": Key("screening", "all reviews", "recall@50"),
    "screening: macro-F1 of criteria": Key("criteria", "screen", "criterion: macro-F1"),
    "characteristics: text": Key("extraction", "characteristics", "text: cosine"),
    "arms": Key("extraction", "arms", "arm: cosine"),
    "participants: numbers": Key("extraction", "participants", "number: exact"),
    "results: numbers": Key("extraction", "results", "number: exact"),
    "direction: macro-F1": Key("extraction", "direction", "direction: macro-F1"),
}
"""One figure per task, such as LEADS' abstract gives."""


@dataclass(frozen=True)
class Contestant:
    """An engine under its label; with its weights where they lie in a folder."""

    label: str
    engine: Engine | None
    """None: only the loss of its weights is measured."""
    weights: tuple[Path, Path | None] | None = None


@dataclass(frozen=True)
class Library:
    """Reviews, and what they are searched in and filled up from."""

    reviews: Sequence[Reviewed] = ()
    pool: Sequence[Record] = ()
    targets: Sequence[Target] = ()
    topics: Mapping[str, str] = field(default_factory=dict)
    vocabulary: Vocabulary | None = None
    left_out: Sequence[str] = ()
    """Ids of reviews that a model may have been trained on."""


@dataclass(frozen=True)
class Plan:
    """What is to be measured."""

    items: Mapping[str, Sequence[Item]]
    tables: tuple[str, ...] = TABLES
    library: Library = field(default_factory=Library)
    candidates: int = 2000
    samples: int = SAMPLES
    greedy: int = 50
    longest: int = 1024
    prompts: str = "ours"
    resamples: int = 1000
    seed: int = 1


def evaluate(plan: Plan, contestants: Sequence[Contestant], embedder: Embedder) -> dict[str, Any]:
    """All figures, as they are written to the file.

    Args:
        plan: what.
        contestants: whom; each but the first is compared with the first.
        embedder: for likeness of texts and similarity of records.

    Raises:
        Stopped: an engine cannot be reached any more; what it had answered is stored.
        ConfigError: an engine or the weights in a folder cannot be used.
    """
    sheet = Sheet([one.label for one in contestants], resamples=plan.resamples, seed=plan.seed)
    likeness = Likeness(embedder)
    told: dict[str, Any] = {"failures": {}, "confusion": {}, "notes": []}
    for one in contestants:
        if one.engine is not None:
            _with_engine(plan, sheet, one.label, one.engine, embedder, likeness, told)
        if one.weights and "loss" in plan.tables:
            freely = plan.greedy if one.engine is not None else 0  # untrained weights never come to an end
            how = {"prompts": plan.prompts, "greedy": freely, "longest": plan.longest}
            lost = note_losses(sheet, one.label, one.weights, plan.items, **how)  # type: ignore[arg-type]
            told["notes"] += [
                f"{one.label}, loss of {task}: {n} questions left out, longer than the context or not to be said"
                for task, n in lost.items()
                if n
            ]
    if plan.library.left_out:
        said = ", ".join(plan.library.left_out)
        told["notes"].append(f"reviews left out, as a part of the training data was made from them: {said}")
    return _report(plan, sheet, told, likeness.name)


def _with_engine(
    plan: Plan,
    sheet: Sheet,
    name: str,
    engine: Engine,
    embedder: Embedder,
    likeness: Likeness,
    told: dict[str, Any],
) -> None:
    if "search" in plan.tables:
        told["notes"] += _search(plan, sheet, name, engine)
    if "screening" in plan.tables:
        told["notes"] += _rank(plan, sheet, name, engine, embedder)
    if not OF_ANSWERS & set(plan.tables):
        return
    answers = ask_items(engine, name, plan.items)
    cells = _cells(plan, sheet, name, answers, likeness)
    told["failures"][name] = report_of(misses_of(cells, likeness))
    told["confusion"][name] = confusion(cells)
    if "robustness" in plan.tables and "screen" in plan.items:
        note_robustness(sheet, engine, name, plan.items["screen"], answers["screen"])


def _cells(
    plan: Plan, sheet: Sheet, name: str, answers: Mapping[str, Sequence[Told]], likeness: Likeness
) -> list[Cell]:
    made: list[Cell] = []
    for task, items in plan.items.items():
        learn(items, answers[task], likeness)
        for item, answer in zip(items, answers[task], strict=True):
            made += cells_of(item, answer, likeness)
            usable = isinstance(answer, Answer)
            same = isinstance(answer, Answer) and answer.value == item.value
            sheet.mean(Key("answers", task, "no usable answer"), name, item.cluster, float(not usable))
            sheet.mean(Key("answers", task, "right in every part"), name, item.cluster, float(same))
    note_cells(sheet, name, made, likeness)
    return made


def _search(plan: Plan, sheet: Sheet, name: str, engine: Engine) -> list[str]:
    """Returns what has to be said: reviews of which nothing could be found."""
    library, notes = plan.library, []
    for target in library.targets:
        for review in library.reviews:
            wanted = review.included if target.name == "publications" else review.trials
            if not wanted & target.ids:
                why = "are in the index" if wanted else "are known by their ids"
                notes.append(
                    f"{name}, search: {review.review_id} is left out: no included {target.name} {why}"
                )
                continue
            topic = _topic(library, review)
            told = proposals(engine, review, target.name, plan.samples, name)
            note_search(sheet, name, review, topic, target, told)
    return notes


def _topic(library: Library, review: Reviewed) -> str:
    """Empty where nothing could tell a topic, so that there is no table of topics."""
    if library.vocabulary is None and not library.topics:
        return ""
    return topic_of(review, library.vocabulary, library.topics)


def _rank(plan: Plan, sheet: Sheet, name: str, engine: Engine, embedder: Embedder) -> list[str]:
    """Returns what has to be said: reviews that cannot be ranked."""
    library, notes = plan.library, []
    for review in library.reviews:
        candidates = candidates_of(review, library.pool, plan.candidates, plan.seed)
        if not any(one.included for one in candidates):
            notes.append(
                f"{name}, screening: {review.review_id} is left out: it is not known what it included"
            )
            continue
        topic = _topic(library, review)
        similarity = similarities(review, candidates, embedder)
        scores = scores_of(review, candidates, engine, name)
        note_ranking(sheet, name, review, topic, ranked(candidates, scores, similarity))
        if name == sheet.engines[0]:  # once
            alone: dict[str, float | None] = dict.fromkeys(similarity, 0.0)
            note_ranking(sheet, ALONE, review, topic, ranked(candidates, alone, similarity))
    return notes


# Report ------------------------------------------------------------------------------------------


def _report(plan: Plan, sheet: Sheet, told: dict[str, Any], embedder: str) -> dict[str, Any]:
    rows = sheet.rows()
    made: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES if name in plan.tables}
    for row in rows:
        if row["table"] in made:
            made[row["table"]].append(row)
    tables = {name: _in_order(own) for name, own in made.items() if own}
    empty = [name for name in made if name not in tables]
    notes = [*told["notes"], *(f"table {name}: nothing to measure it on" for name in empty)]
    for line in notes:
        print(line, file=sys.stderr, flush=True)
    return {
        "summary": _summary(rows, sheet.engines),
        "tables": tables,
        "failures": told["failures"],
        "confusion": told["confusion"],
        "published": {"source": SOURCE, "measured_here": False, "figures": published_rows(tables)},
        "rules": dict(RULES),
        "questions": {task: len(items) for task, items in plan.items.items()},
        "reviews": [review.review_id for review in plan.library.reviews],
        "embedder": embedder,
        "settings": {
            "candidates": plan.candidates,
            "samples": plan.samples,
            "greedy": plan.greedy,
            "prompts": plan.prompts,
            "resamples": plan.resamples,
            "seed": plan.seed,
            "interval": "95 %, percentile bootstrap over reviews or studies; with fewer than ten of them too narrow",
        },
        "notes": notes,
    }


def _in_order(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Figures of one group together: the whole, then topics by name, then classes of size; else as they came."""
    groups = list(dict.fromkeys(row["group"] for row in rows))
    groups.sort(key=_place)
    return [dict(row) for group in groups for row in rows if row["group"] == group]


def _place(group: str) -> tuple[str, int, str, int]:
    target = group.partition(",")[0] if group.startswith(("publications", "trials")) else ""
    if "targets " in group:
        return target, 2, "", SIZES.index(group.rpartition("targets ")[2])
    return (target, 1, group, 0) if "topic " in group else (target, 0, "", 0)


def _summary(rows: Iterable[Mapping[str, Any]], engines: Sequence[str]) -> dict[str, Any]:
    """One figure per task and its mean over the tasks that all engines have; the loss per task beside it."""
    value = {(row["table"], row["group"], row["measure"], row["engine"]): row["value"] for row in rows}
    headline = {
        name: {engine: value[(*key, engine)] for engine in engines if (*key, engine) in value}
        for name, key in HEADLINE.items()
    }
    headline = {name: own for name, own in headline.items() if own}
    asked = [engine for engine in engines if any(engine in own for own in headline.values())]
    common = [own for own in headline.values() if all(own.get(engine) is not None for engine in asked)]
    means = {engine: sum(own[engine] for own in common) / len(common) for engine in asked} if common else {}
    return {
        "engines": list(engines),
        "headline": headline,
        "mean": means,
        "mean_of": len(common),
        "per_task": _per_task(value, engines),
    }


def _per_task(
    value: Mapping[tuple[str, str, str, str], float | None], engines: Sequence[str]
) -> dict[str, dict[str, dict[str, float | None]]]:
    """Task to engine to what every task has: loss, readable, right."""
    told: dict[str, dict[str, dict[str, float | None]]] = {}
    for (table, group, measure, engine), one in value.items():
        if table in ("loss", "answers") and engine in engines:
            told.setdefault(group, {}).setdefault(engine, {})[measure] = one
    return told
