"""Whole reviews with known answers: what was included, what was not, what they are about, what they are searched in."""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.errors import InputFileError
from tools.labelled import LabelledRecord, read_question, read_review
from tools.schemas import Criterion, Record

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus
    from tools.search.vocabulary import Vocabulary

__all__ = [
    "SIZES",
    "Candidate",
    "Reviewed",
    "bare",
    "candidates_of",
    "from_corpus",
    "from_folders",
    "read_pool",
    "read_topics",
    "size_of",
    "topic_of",
]

TOPICS: Mapping[str, str] = {
    "N": "Health care",
    "C04": "Neoplasms",
    "C14": "Circulatory",
    "F03": "Mental",
    "F01": "Mental",
    "C18": "Metabolic",
    "C19": "Metabolic",
    "C05": "Musculoskeletal",
    "C06": "Digestive",
    "C01": "Infectious",
    "C08": "Respiratory",
    "C12": "Genitourinary",
    "C13": "Genitourinary",
    "C10": "Nervous",
    "C26": "Injury",
    "C16": "Congenital",
    "C23": "Symptoms",
    "C11": "Eye",
    "C17": "Skin",
    "C15": "Blood",
    "C20": "Immune",
    "C09": "Ear",
}
"""MeSH branches to the topics of LEADS' figures, as far as they correspond."""

NO_TOPIC = "no topic known"
SIZES = ("1–5", "6–10", "11–15", "16–20", "21–25", "26–30", ">30")
"""LEADS' classes of numbers of target studies (figures 2e and 3c), which share their limits; ours do not."""


@dataclass(frozen=True)
class Candidate:
    """A record to be ranked."""

    record: Record
    included: bool


@dataclass(frozen=True)
class Reviewed:
    """One review, and what its authors decided. `included`: PMIDs; `trials`: registry numbers of what it included."""

    review_id: str
    title: str
    text: str
    elements: Mapping[str, tuple[str, ...]]
    criteria: tuple[Criterion, ...]
    records: tuple[LabelledRecord, ...]
    included: frozenset[str]
    trials: frozenset[str] = frozenset()

    @property
    def statements(self) -> list[str]:
        """What records are compared with: the title and the inclusion criteria, as in the prefilter step."""
        return [self.title, *(c.text for c in self.criteria if c.kind == "include")]

    @property
    def truth(self) -> dict[str, bool]:
        """Record id to whether it was included, where that is known: after full text, else by title and abstract.

        Where full texts were judged, a record that passed by abstract and of which no more is known is left out.
        """
        read = any(one.final is not None for one in self.records)
        told = {one.record.record_id: _last_word(one, read) for one in self.records}
        return {record_id: said for record_id, said in told.items() if said is not None}


def _last_word(one: LabelledRecord, read: bool) -> bool | None:
    if one.final is not None:
        return one.final
    return one.ta if not read or one.ta is False else None


def from_folders(folder: Path, seen: frozenset[str] = frozenset()) -> tuple[list[Reviewed], list[str]]:
    """Reviews as `tools.labelled` reads them, one folder each; the rest as `from_corpus`.

    Raises:
        InputFileError: there is none, or one cannot be read.
    """
    places = sorted(path.parent for path in folder.glob("*/review.json"))
    if not places:
        raise InputFileError(
            f"{folder} holds no review. Remedy: --reviews takes a folder with a folder per review."
        )
    fresh = [place for place in places if place.name not in seen]
    return [_from_folder(place) for place in fresh], [place.name for place in places if place not in fresh]


def _from_folder(place: Path) -> Reviewed:
    review, question = read_review(place), read_question(place)
    return Reviewed(
        review.review_id,
        question.title,
        question.text,
        question.elements,
        review.criteria,
        review.records,
        question.included,
    )


SURE = frozenset({"databank", "registry_result", "registry_derived", "listed"})
"""Links that name a paper's own trial; a number in a text may be another trial's."""


def from_corpus(corpus: Corpus, seen: frozenset[str] = frozenset()) -> tuple[list[Reviewed], list[str]]:
    """Reviews of what `finetune.build ingest` read, with the trials that their included reports are linked to.

    Args:
        corpus: what was read.
        seen: ids of reviews that a model was trained on; they are not read.

    Returns:
        The reviews, and the ids of those that were left out.
    """
    trials: dict[str, set[str]] = {}
    for link in corpus.links():
        if link.evidence in SURE:
            trials.setdefault(link.pmid, set()).add(link.nct_id)
    made, left_out = [], []
    for review in corpus.reviews():
        if bare(review.review_id) in seen:
            left_out.append(review.review_id)
            continue
        records = tuple(
            LabelledRecord(one.record, one.ta, one.final) for one in corpus.candidates(review.review_id)
        )
        linked = frozenset(nct for pmid in review.included for nct in trials.get(pmid, ()))
        made.append(
            Reviewed(
                review_id=review.review_id,
                title=review.title,
                text=review.question or review.title,
                elements=review.elements,
                criteria=review.criteria,
                records=records,
                included=frozenset(review.included),
                trials=linked,
            )
        )
    return made, left_out


def bare(review_id: str) -> str:
    """A review's id without its source: `shared:kdigo` and the folder `kdigo` are one review."""
    return review_id.rpartition(":")[2]


def read_pool(path: Path) -> tuple[Record, ...]:
    """Records to search in and to fill up candidates: JSON lines with `pmid`, `title`, `abstract`, gzipped or not.

    Raises:
        InputFileError: it is missing, or not in this form.
    """
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8")
            if path.suffix == ".gz"
            else path.open("rt", encoding="utf-8") as f
        ):
            rows = [json.loads(line) for line in f if line.strip()]
        return tuple(
            Record(
                record_id=str(row["pmid"]),
                pmid=str(row["pmid"]),
                title=row.get("title") or "",
                abstract=row.get("abstract") or "",
                year=row.get("year"),
            )
            for row in rows
        )
    except (OSError, ValueError, KeyError, TypeError) as e:
        remedy = "Remedy: give JSON lines with pmid, title and abstract."
        raise InputFileError(f"{path}: cannot be read as a pool: {e!r}. {remedy}") from e


def candidates_of(review: Reviewed, pool: Sequence[Record], at_most: int, seed: int) -> list[Candidate]:
    """What a reader would have to rank: all that was included, and others up to `at_most`, in a fixed order.

    LEADS ranks 2,000 candidates a review. A review with more is thinned by a seeded draw among what it excluded; one
    with fewer is filled up from the pool, whose records nobody judged for it and which count as not included.
    """
    truth = review.truth
    by_id = {one.record.record_id: one.record for one in review.records}
    included = [Candidate(by_id[i], True) for i, held in sorted(truth.items()) if held]
    excluded = [Candidate(by_id[i], False) for i, held in sorted(truth.items()) if not held]
    dice = random.Random(f"{seed} {review.review_id}")  # noqa: S311 - draws, hides nothing
    room = max(0, at_most - len(included))
    if len(excluded) > room:
        excluded = dice.sample(excluded, room)
    known = {one.record.pmid for one in review.records} | set(review.included)
    spare = sorted(
        (record for record in pool if record.pmid not in known), key=lambda record: record.record_id
    )
    added = dice.sample(spare, min(len(spare), room - len(excluded)))
    filled = [
        Candidate(record.model_copy(update={"record_id": f"pool:{record.record_id}"}), False)
        for record in added
    ]
    return sorted((*included, *excluded, *filled), key=lambda one: one.record.record_id)


# Groups ------------------------------------------------------------------------------------------


def size_of(targets: int) -> str:
    """The class of a number of target studies.

    >>> size_of(5), size_of(6), size_of(31)
    ('1–5', '6–10', '>30')
    """
    return SIZES[min((max(targets, 1) - 1) // 5, len(SIZES) - 1)]


def read_topics(path: Path) -> dict[str, str]:
    """Review id to topic, from a CSV file with these two columns.

    Raises:
        InputFileError: it cannot be read, or a line has other columns.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
        told: dict[str, str] = dict(rows)
    except (OSError, ValueError, csv.Error) as e:
        raise InputFileError(
            f"{path}: {e}. Remedy: give lines of review id and topic, with a comma between."
        ) from e
    return told


def topic_of(review: Reviewed, vocabulary: Vocabulary | None, given: Mapping[str, str] | None = None) -> str:
    """The topic given, else that of most headings in population and intervention, or in the title where those are
    not known; equals in the order of their first word."""
    for name in (review.review_id, bare(review.review_id)):
        if given and name in given:
            return given[name]
    if vocabulary is None:
        return NO_TOPIC
    phrases = [phrase for own in review.elements.values() for phrase in own]
    for texts in (review.elements.get("population", ()), phrases, (review.title,)):
        headings = [heading for text in texts for heading in vocabulary.find_in(text)]
        found = Counter(topic for heading in headings for topic in _topics(heading.tree_numbers))
        if found:
            return found.most_common(1)[0][0]
    return NO_TOPIC


def _topics(numbers: Sequence[str]) -> list[str]:
    """Each topic of a heading once, in the order of its places in the tree."""
    branches = [number.split(".")[0] for number in numbers]
    told = [TOPICS.get(branch) or TOPICS.get(branch[0]) for branch in branches]
    return list(dict.fromkeys(topic for topic in told if topic))
