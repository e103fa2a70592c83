"""What the build reads, whichever files it came from: reviews, records, trials, papers, annotations, links. Pure."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from pydantic import Field

from tools.schemas import Criterion, Frozen, FullText, Record

__all__ = ["Annotation", "AnnotationKind", "Candidate", "Link", "Paper", "Review", "Shard", "Trial"]


class Shard(NamedTuple):
    """The part of the work that one process does: number `number`, from 0, of `of` parts."""

    number: int = 0
    of: int = 1

    def has(self, key: str) -> bool:
        """Whether a review, trial or file with this id is this part's. The same for ever and everywhere."""
        from tools.schemas import sha256_of

        return int(sha256_of(key)[:12], 16) % self.of == self.number


class Review(Frozen):
    """One systematic review: its question, its criteria, and what it included."""

    review_id: str = Field(description="Unique over all sources: `<source>:<id there>`.")
    source: str
    licence: str
    title: str
    question: str = ""
    framework: str = Field(default="PICO")
    elements: dict[str, tuple[str, ...]] = Field(
        default={}, description="Element to its phrases, where known."
    )
    criteria: tuple[Criterion, ...] = ()
    year: int | None = Field(default=None, description="Of publication or of its last search.")
    strategies: tuple[str, ...] = Field(default=(), description="PubMed strategies as its authors ran them.")
    included: tuple[str, ...] = Field(default=(), description="PMIDs of what it included after full text.")


class Candidate(Frozen):
    """A record that a review's search found, and what the reviewers decided."""

    review_id: str
    record: Record
    ta: bool | None = Field(default=None, description="Kept by title and abstract.")
    final: bool | None = Field(default=None, description="Included after full text.")

    @property
    def included(self) -> bool | None:
        """The last word that is known."""
        return self.final if self.final is not None else self.ta


class Trial(Frozen):
    """A registry entry: the document as the registry gave it (ClinicalTrials.gov API v2)."""

    nct_id: str
    source: str
    licence: str
    title: str
    year: int | None = Field(default=None, description="Of its last update.")
    has_results: bool
    document: dict[str, Any]


class Paper(Frozen):
    """A full text."""

    report_id: str = Field(description="PMCID where it has one.")
    source: str
    licence: str = Field(description="As the article states it; `unknown` where it does not.")
    pmid: str | None = None
    pmcid: str | None = None
    title: str
    year: int | None = None
    text: FullText


AnnotationKind = Literal["direction", "numbers", "groups", "design", "bias"]
"""direction  an outcome of a comparison went up, down or neither, with spans (Evidence Inference)
numbers    events or means per arm of one outcome (numeric outcomes)
groups     numbers of participants in an abstract, in total and by group (PICO corpus)
design     what kind of study an abstract tells of
bias       judgements of RoB 2 with the texts that support them"""


class Annotation(Frozen):
    """What people wrote down about one report."""

    annotation_id: str = Field(description="Unique over all sources.")
    kind: AnnotationKind
    source: str
    licence: str
    pmid: str | None = None
    pmcid: str | None = None
    title: str = ""
    text: str = Field(default="", description="The annotated text, where it comes with the annotation.")
    body: dict[str, Any] = Field(description="The annotation itself, in the fields of its source.")


class Link(Frozen):
    """A paper and a registry entry that tell of the same trial, as one piece of evidence says."""

    pmid: str
    nct_id: str
    evidence: Literal[
        "databank", "abstract", "full_text", "registry_result", "registry_derived", "listed"
    ] = Field(
        description="databank: PubMed's DataBankList. abstract, full_text: the number stands there. registry_result, "
        "registry_derived: the entry names the paper, by its sponsor or matched by NLM. listed: a list of others."
    )
    source: str
    where: str = Field(default="", description="Where it stands, such as a quote or a path.")
