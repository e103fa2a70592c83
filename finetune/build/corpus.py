"""What was ingested, as one corpus: each review, record, trial and paper once, whichever files it stood in.

    corpus = Corpus(folder)
    corpus.record("12345678")

Of several versions of one thing the first of these wins, and the order never depends on chance:

records  with an abstract before without; then the day of PubMed's last change, newest first; then the one with
         more fields filled in; then the longer one; then the file's name and the place in it. What PubMed has
         deleted is no record any more.
trials   with results before without; then the newest update; then as above.
papers   with a licence that is known before without; then the longer one; then as above.
others   the file's name and the place in it.

How rows are found: see `finetune.build.lookup`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from finetune.build import shards
from finetune.build.kinds import Annotation, AnnotationKind, Candidate, Link, Paper, Review, Shard, Trial
from finetune.build.lookup import Table
from tools.errors import InputFileError
from tools.identifiers import normal_pmcid, normal_pmid
from tools.schemas import Frozen, Record, sha256_of

__all__ = ["Corpus"]

ALL = Shard()
Model = TypeVar("Model", bound=Frozen)


class Corpus:
    """Read-only over a folder that `finetune.build.ingest` filled. Each process opens its own.

    Raises:
        InputFileError: the folder holds no corpus, or a file of it is gone or has another length. Damage inside
            a file is noticed when it is read, and by the next ingest.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.receipts = tuple(shards.receipts(folder))
        if not self.receipts:
            raise InputFileError(
                f"{folder}: holds no corpus. "
                f"Remedy: python -m finetune.build ingest --sources SOURCES.yaml --out {folder}"
            )
        outputs = [o for receipt in self.receipts for o in receipt.outputs]
        self._tables = {name: Table(folder, name, outputs) for name in shards.TABLES}

    def __reduce__(self) -> tuple[type[Corpus], tuple[Path]]:
        return Corpus, (self.folder,)

    def reviews(self, shard: Shard = ALL) -> Iterator[Review]:
        """Every review, ordered by review_id."""
        return _each(Review, self._tables["reviews"].each("review_id", shard))

    def review(self, review_id: str) -> Review | None:
        """One review; None when the corpus does not hold it."""
        body = next(iter(self._tables["reviews"].where("review_id", review_id)), None)
        return _told(Review, body) if body else None

    def candidates(self, review_id: str) -> tuple[Candidate, ...]:
        """What a review's search found, ordered by record_id; () when none is known.

        Where a source gives only PMIDs, the records are the corpus' own; of those that it does not hold, only
        the PMID is known.
        """
        bodies = self._tables["candidates"].where("review_id", review_id, "record_id")
        found = [_told(Candidate, body) for body in bodies]
        bare = self.records(c.record.pmid for c in found if c.record.pmid and not c.record.text)
        return tuple(
            c.model_copy(update={"record": bare[c.record.pmid]}) if c.record.pmid in bare else c
            for c in found
        )

    def record(self, pmid: str) -> Record | None:
        """One record; None when the corpus does not hold it."""
        return self.records([pmid]).get(pmid)

    def records(self, pmids: Iterable[str]) -> dict[str, Record]:
        """Those records that the corpus holds, by the PMIDs and in their order."""
        keys = {pmid: int(number) for pmid in pmids if (number := normal_pmid(pmid))}
        found = self._tables["records"].by_number("pmid", keys.values()) if keys else {}
        return {pmid: _told(Record, found[key]) for pmid, key in keys.items() if key in found}

    def known_pmids(self, pmids: Iterable[str]) -> frozenset[str]:
        """Those PMIDs whose records the corpus holds; nothing is read for it."""
        numbers = {pmid: int(number) for pmid in pmids if (number := normal_pmid(pmid))}
        known = self._tables["records"].known("pmid", numbers.values())
        return frozenset(pmid for pmid, number in numbers.items() if number in known)

    def known_trials(self, nct_ids: Iterable[str]) -> frozenset[str]:
        """Those NCT numbers whose entries the corpus holds; nothing is read for it."""
        numbers = {nct_id: int(n) for nct_id in nct_ids if (n := nct_id.removeprefix("NCT")).isdigit()}
        known = self._tables["trials"].known("nct", numbers.values())
        return frozenset(nct_id for nct_id, number in numbers.items() if number in known)

    def all_records(self, shard: Shard = ALL) -> Iterator[Record]:
        """Every distinct PubMed record, in the order of the files and of the PMIDs in each."""
        return _each(Record, self._tables["records"].all_numbers("pmid", shard))

    def share_of(self, most: int) -> int:
        """Of how many shards one holds about `most` distinct records at the most: a sample, by hashes of PMIDs."""
        return max(1, -(-self._tables["records"].numbers("pmid") // most))

    def trials(self, shard: Shard = ALL) -> Iterator[Trial]:
        """Every registry entry, ordered by nct_id."""
        return _each(Trial, self._tables["trials"].each("nct_id", shard))

    def trial(self, nct_id: str) -> Trial | None:
        """One registry entry; None when the corpus does not hold it."""
        number = nct_id.removeprefix("NCT")
        found = self._tables["trials"].by_number("nct", [int(number)]) if number.isdigit() else {}
        return _told(Trial, found[int(number)]) if found else None

    def papers(self, shard: Shard = ALL) -> Iterator[Paper]:
        """Every full text, ordered by report_id."""
        return _each(Paper, self._tables["papers"].each("report_id", shard))

    def paper(self, *, pmcid: str | None = None, pmid: str | None = None) -> Paper | None:
        """The full text with this PMCID, else the one with this PMID; None when the corpus holds neither."""
        for column, number in (("pmcid", normal_pmcid(pmcid or "")), ("pmid", normal_pmid(pmid or ""))):
            key = int(number.removeprefix("PMC")) if number else 0
            if key and (found := self._tables["papers"].by_number(column, [key])):
                return _told(Paper, found[key])
        return None

    def annotations(self, kind: AnnotationKind, shard: Shard = ALL) -> Iterator[Annotation]:
        """Every annotation of a kind, ordered by annotation_id."""
        bodies = self._tables["annotations"].each("annotation_id", shard, only=("kind", kind))
        return _each(Annotation, bodies)

    def links(self) -> tuple[Link, ...]:
        """All raw links, each piece of evidence once, ordered by PMID and NCT number; see `linking.accepted`."""
        return self._links

    @cached_property
    def _links(self) -> tuple[Link, ...]:
        rows = self._tables["links"].distinct()
        return tuple(Link.model_validate(row | {"pmid": str(row["pmid"])}) for row in rows)

    def unread(self) -> tuple[dict[str, str], ...]:
        """`source`, `what` and `why` of each item that could not be read, in this order."""
        return tuple(self._tables["unread"].distinct())

    def counts(self) -> dict[str, int]:
        """Table to rows as they were read; `distinct_records` are what `all_records` gives."""
        found = {name: table.rows for name, table in self._tables.items()}
        return found | {"distinct_records": self._tables["records"].numbers("pmid")}

    def sources(self) -> tuple[dict[str, Any], ...]:
        """Each source: name, kind, licence, files, bytes, sha256 over its files, rows by table, unread by reason."""
        made = []
        for name in sorted({r.source for r in self.receipts}):
            some = [r for r in self.receipts if r.source == name]
            inputs = sorted({(i.name, i.size, i.sha256) for r in some for i in r.inputs})
            counts, unread = Counter[str](), Counter[str]()
            for receipt in some:
                counts.update(receipt.counts)
                unread.update(receipt.unread)
            made.append(
                {
                    "name": name,
                    "kind": some[0].kind,
                    "licence": some[0].licence,
                    "files": len(inputs),
                    "bytes": sum(size for _, size, _ in inputs),
                    "sha256": sha256_of([list(one) for one in inputs]),
                    "counts": dict(sorted(counts.items())),
                    "unread": dict(sorted(unread.items())),
                }
            )
        return tuple(made)

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits over all its files: the same for the same inputs, on every machine."""
        return shards.fingerprint(self.receipts)


def _each(model: type[Model], bodies: Iterable[str]) -> Iterator[Model]:
    return (_told(model, body) for body in bodies)


def _told(model: type[Model], body: str) -> Model:
    try:
        return model.model_validate_json(body)
    except ValidationError as e:
        raise InputFileError(
            f"the corpus holds a {model.__name__} that is none: {e}. It was made by another version of this program. "
            "Remedy: delete the corpus and ingest again."
        ) from e
