"""Verdicts whose right label is known, one criterion at a time: what the maker of rationales starts from.

included records  meet the review's criteria of population and intervention: YES
designs           people said what kind of study an abstract tells of: YES, and NO to the other kinds
comparisons       a trial compares what its annotators wrote down, so it meets a criterion that asks for a class to
                  which that belongs: YES. The class comes from the graph, one or two steps up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from finetune.build.kinds import Annotation, Review, Shard
from finetune.build.make.criteria_of_reviews import chance_of, renamed
from finetune.build.make.judging import studies_of_record
from finetune.build.make.reasoning_steps import natural, without_acronyms
from tools.schemas import Criterion, Label, Record
from tools.search.concepts import HAS_ACTION, IS_A, Concepts

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus

__all__ = ["Case", "cases"]

_TOPICAL = frozenset({"population", "intervention", "exposure", "concept", "index_test", "diagnosis"})

_DESIGNS: Mapping[str, str] = {
    "randomized_trial": "Randomized controlled trials",
    "trial": "Clinical trials",
    "systematic_review": "Systematic reviews",
    "meta_analysis": "Meta-analyses",
    "protocol": "Clinical trial protocols",
    "rodent": "Studies in rodents",
    "human": "Studies in humans",
    "child": "Studies in children",
}

_APART = {
    "trial": "systematic_review",
    "randomized_trial": "systematic_review",
    "rodent": "human",
    "human": "rodent",
}
"""A kind and another that an abstract of it is not: only with one of these at hand can a NO be reasoned."""

_ACTIONS = "D27.505"
_DONE = ("E02", "E03", "E04", "F04")
"""Trees of what a trial can give: drugs, by what they do to people and not by their formula or use in kitchens; and
procedures and psychotherapies, without tests and methods of research."""

HIGHEST = 2
"""Steps up to the class that a made criterion asks for."""


class Case(NamedTuple):
    """One criterion, one record, and the verdict that is right."""

    criterion: Criterion
    label: Label
    record: Record
    how: str
    source: str
    licence: str
    why: str
    """Why the label is held to be right."""
    reviews: tuple[str, ...] = ()
    studies: tuple[str, ...] = ()
    year: int | None = None


def cases(corpus: Corpus, shard: Shard, concepts: Concepts) -> Iterator[Case]:
    """All of a shard, in a fixed order."""
    for review in corpus.reviews(shard):
        yield from _of_review(corpus, review)
    for annotation in corpus.annotations("design", shard):
        yield from _of_design(annotation)
    for annotation in corpus.annotations("direction", shard):
        yield from _of_comparison(corpus, annotation, concepts)


def _of_review(corpus: Corpus, review: Review) -> Iterator[Case]:
    wanted = [c for c in review.criteria if c.kind == "include" and c.element in _TOPICAL]
    if not wanted:
        return
    for candidate in corpus.candidates(review.review_id):
        record = candidate.record
        if not candidate.final or not record.abstract:
            continue
        for criterion in wanted:
            (asked,) = renamed([criterion], review.review_id, record.record_id)
            yield Case(
                criterion=asked,
                label="YES",
                record=record,
                how="reasoning-included",
                source=review.source,
                licence=review.licence,
                why="the review included it after full text",
                reviews=(review.review_id,),
                studies=studies_of_record(record),
                year=record.year or review.year,
            )


def _of_design(annotation: Annotation) -> Iterator[Case]:
    title, _, abstract = annotation.text.partition("\n")
    if not abstract.strip():
        return
    record = Record(
        record_id=f"pmid:{annotation.pmid}" if annotation.pmid else annotation.annotation_id,
        pmid=annotation.pmid,
        title=title,
        abstract=abstract,
    )
    told = {kind: bool(annotation.body[kind]) for kind in _DESIGNS if kind in annotation.body}
    for kind, holds in told.items():
        if not holds and not told.get(_APART.get(kind, "")):
            continue
        criterion = Criterion(id=kind, kind="include", text=_DESIGNS[kind], element="design")
        (asked,) = renamed([criterion], annotation.annotation_id)
        yield Case(
            criterion=asked,
            label="YES" if holds else "NO",
            record=record,
            how="reasoning-design",
            source=annotation.source,
            licence=annotation.licence,
            why=f"labelled by people: {kind} {'yes' if holds else 'no'}",
            studies=studies_of_record(record),
        )


def _of_comparison(corpus: Corpus, annotation: Annotation, concepts: Concepts) -> Iterator[Case]:
    record = corpus.record(annotation.pmid) if annotation.pmid else None
    if record is None or not record.abstract:
        return
    for element in ("intervention", "comparator"):
        phrase = str(annotation.body.get(element) or "")
        for name in [one for one in concepts.named_in(without_acronyms(phrase)) if _is_given(concepts, one)][
            :1
        ]:
            above = _above(concepts, name)
            if not above:
                continue
            # By the record and not by the annotation: each of the outcomes of one trial has the same arms.
            wanted = chance_of(record.record_id, element, name).choice(above)
            criterion = Criterion(
                id=element,
                kind="include",
                text=f"{element.capitalize()}: {natural(wanted)}",
                element=element,
            )
            (asked,) = renamed([criterion], record.record_id, element, name)
            yield Case(
                criterion=asked,
                label="YES",
                record=record,
                how="reasoning-comparison",
                source=annotation.source,
                licence=annotation.licence,
                why=f"annotated as {element}: {' '.join(phrase.split())[:100]}",
                studies=studies_of_record(record),
                year=record.year,
            )


def _is_given(concepts: Concepts, name: str) -> bool:
    """Whether a concept can be what the arms of a trial are given; substances that are no heading are."""
    heading = concepts.vocabulary.descriptor(name)
    return heading is None or any(number.startswith(("D", *_DONE)) for number in heading.tree_numbers)


def _above(concepts: Concepts, name: str) -> list[str]:
    """The classes of a concept, up to two steps up, in order; hubs say too little."""
    graph = concepts.graph
    start = graph.number(name)
    found: dict[int, None] = {}
    level = [] if start is None else [start]
    for _ in range(HIGHEST):
        level = [
            near
            for number in level
            for near in dict.fromkeys(graph.neighbours(number))
            if near not in graph.hubs and near != start and _leads_up(concepts, number, near)
        ]
        found.update(dict.fromkeys(level))
    return [graph.names[number] for number in sorted(found) if _is_class(concepts, graph.names[number])]


def _is_class(concepts: Concepts, name: str) -> bool:
    heading = concepts.vocabulary.descriptor(name)
    return heading is not None and any(n.startswith((_ACTIONS, *_DONE)) for n in heading.tree_numbers)


def _leads_up(concepts: Concepts, number: int, near: int) -> bool:
    step = concepts.graph.step(number, near)
    return step.forward and step.kind in (IS_A, HAS_ACTION)
