"""Reviews in folders of their own: `review.json` and `records.jsonl.gz` with the reviewers' labels."""

import json
from collections.abc import Iterator
from pathlib import Path

from finetune.build.kinds import Candidate, Review
from finetune.build.sources.source import Item, Kind, Part, Source, Unread, json_rows, plain_record, pmids_in
from tools.errors import InputFileError
from tools.labelled import LabelledRecord, elements_of, read_question, read_review

__all__ = ["KIND"]


def _parts(path: Path) -> list[Part]:
    if (path / "review.json").is_file():
        return [Part(path)]
    found = sorted(p.parent for p in path.glob("*/review.json"))
    if not found:
        raise InputFileError(
            f"{path}: holds no folder with a review.json. Remedy: correct the path in the list of sources."
        )
    return [Part(p) for p in found]


def _read(path: Path, source: Source) -> Iterator[Item]:
    review, question = read_review(path), read_question(path)
    said = json.loads((path / "review.json").read_text(encoding="utf-8"))
    review_id = f"{source.name}:{path.name}"
    rows = [row for _, row in json_rows(path / "records.jsonl.gz") if isinstance(row, dict)]
    candidates: dict[str, Candidate] = {}
    for labelled, row in zip(review.records, rows, strict=True):
        record = plain_record(row, f"{review_id}:{labelled.record.record_id}")
        if not record.title and not record.abstract:
            yield Unread(f"{path.name}, record {labelled.record.record_id}", "neither title nor abstract")
            continue
        if record.pmid is None and record.record_id in candidates:  # ids that the source gave twice
            record = record.model_copy(update={"record_id": f"{record.record_id}#{record.version}"})
        made = Candidate(review_id=review_id, record=record, ta=labelled.ta, final=labelled.final)
        if record.record_id in candidates:
            yield Unread(f"{path.name}, record {labelled.record.record_id}", "twice in one review")
            made = made if made.included else candidates[record.record_id]
        candidates[record.record_id] = made
    years = [c.record.year for c in candidates.values() if c.record.year]
    yield Review(
        review_id=review_id,
        source=source.name,
        licence=str(said.get("licence") or source.licence),
        title=review.title.replace("_", " "),
        question=question.text,
        elements={name: tuple(parts) for name, parts in elements_of(said).items()},
        criteria=review.criteria,
        # Its search cannot be older than what it found; no folder says more.
        year=max(years, default=None),
        strategies=(question.strategy,)
        if question.strategy and question.platform.startswith("PubMed")
        else (),
        included=pmids_in(r.record.pmid or "" for r in review.records if _included(r)),
    )
    yield from candidates.values()


def _included(labelled: LabelledRecord) -> bool:
    return bool(labelled.final if labelled.final is not None else labelled.ta)


KIND = Kind(_read, _parts)
