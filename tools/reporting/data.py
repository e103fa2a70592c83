"""All that a report may say, as one frozen value: pure.

Everything under `tools/reporting` is a function of `ReviewData` and of nothing else: no clock, no
randomness, no store. Whoever fills it reads stored rows in sequence order; the same value always
gives the same bytes.
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from tools.reporting.evidence import EvidenceData
from tools.schemas import (
    Approval,
    Cell,
    Criterion,
    EarlierReview,
    Failed,
    FieldSpec,
    Frozen,
    KnownStudyCheck,
    Record,
    RecordVerdict,
    StrategyLine,
    Study,
)

__all__ = [
    "OTHER_METHODS",
    "ArtefactEdit",
    "EarlierRecord",
    "EngineUse",
    "FilterUse",
    "FinalDecision",
    "How",
    "PassLine",
    "Prefilter",
    "ProtocolRevision",
    "QuestionElement",
    "RecordLine",
    "ReportStatus",
    "ReviewData",
    "SearchKind",
    "SearchRun",
    "StrategyUse",
]

How = Literal["individual", "bulk approval of machine suggestions", "machine"]
"""The way a final decision came about.

individual     a person looked at this one record or report
bulk approval of machine suggestions
               a person approved a listed batch: one decision for all of it, automation-suggested
machine        nobody looked; possible only where review.yaml asks for it and the pilot allows it
"""


SearchKind = Literal[
    "database", "register", "website", "organisation", "citations", "other", "carried", "recheck"
]
"""The box of the flow diagram that a search event is counted in.

database, register    identification via databases and registers
website, organisation, citations, other
                      identification via other methods
carried               records that an update takes up again: left open by an earlier pass, or changed since
recheck               known reports looked up again for retractions; counted nowhere
"""

OTHER_METHODS = ("website", "organisation", "citations", "other")
"""Kinds of the diagram's other column."""


class QuestionElement(Frozen):
    """One element of the review question, such as population."""

    name: str
    phrases: tuple[str, ...]


class ProtocolRevision(Frozen):
    """One revision of the protocol; the first is review.yaml as it was first given."""

    revision: int = Field(ge=1)
    at: str = Field(description="UTC, ISO 8601.")
    reason: str = ""
    differences: tuple[str, ...] = Field(default=(), description="What changed, one sentence each.")


class EngineUse(Frozen):
    """Which engine did which task (PRISMA-trAIce M2, M3, M6)."""

    task: str = Field(description="Such as pico, query, screen, characteristics.")
    name: str = Field(description="Engine name with its version, as stored beside each answer.")
    language_model: bool
    label: str = Field(description="In words: 'baseline rules (no language model)'.")
    prompt: str = Field(default="", description="Prompt id and hash; empty where there is no prompt.")
    parameters: Mapping[str, Any] = Field(default_factory=dict)


class SearchRun(Frozen):
    """One search of one source, exactly as it was run (PRISMA-S items 1, 8, 9, 13, 15)."""

    search_id: str
    source: str
    kind: SearchKind
    date: str = Field(description="UTC, ISO 8601.")
    query_sent: str
    translation: str = ""
    warnings: tuple[str, ...] = ()
    count: int = Field(ge=0, description="Hits the source declared.")
    received: int = Field(ge=0, description="Records it delivered.")
    missing: tuple[str, ...] = Field(default=(), description="Ids that matched and were not delivered.")
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    superseded: bool = Field(default=False, description="Replaced by a later search; its records are apart.")


class Prefilter(Frozen):
    """Where the ranking put a record. A record goes to screening when it is kept or drawn for audit."""

    rank: int | None = Field(default=None, ge=1)
    score: float | None = None
    kept: bool = Field(description="Above the cut.")
    audit: bool = Field(
        default=False, description="Below the cut, drawn at random to be screened all the same."
    )


class FinalDecision(Frozen):
    """What holds for a record or report at one stage. Absent: nobody has decided, it waits."""

    kind: Literal["passed", "excluded", "ongoing", "awaiting_classification"]
    reason: str | None = Field(default=None, description="Criterion id, or the person's own words.")
    by: str = Field(min_length=1, description="`person:<name>`, or the engine for a machine's decision.")
    how: How


class ReportStatus(Frozen):
    """How far the retrieval of a full text came.

    `unreadable` was retrieved, but holds no text a machine can read: a person reads it. It is not
    PRISMA's "report not retrieved" and never an exclusion.
    """

    state: Literal["sought", "not_retrieved", "unreadable", "retrieved"]
    why: str = ""
    source: str = Field(default="", description="Where it was found: file or service.")


class RecordLine(Frozen):
    """One record and what holds for it now. `record.record_id` is also its report's id.

    A changed mind leaves only its last word here: no report or full-text decision stands on a record
    that does not, or no longer, pass title/abstract. Otherwise the equations refuse the report.
    """

    record: Record
    search_ids: tuple[str, ...] = Field(min_length=1, description="Every search that brought it, in order.")
    duplicate_of: str | None = Field(default=None, description="Record id of the one that stands for it.")
    seen_before: bool = Field(default=False, description="An earlier pass settled it; not screened again.")
    changed: tuple[str, ...] = Field(
        default=(),
        description="What has changed since an earlier pass decided about it; so it is asked again.",
    )
    earlier: str = Field(default="", description="How an earlier pass left it, in words.")
    prefilter: Prefilter | None = Field(default=None, description="None: not ranked, so not cut either.")
    verdict: RecordVerdict | None = None
    failure: Failed | None = Field(default=None, description="The machine's last word at title/abstract.")
    title_abstract: FinalDecision | None = None
    report: ReportStatus | None = Field(
        default=None, description="None: the full text was not looked for yet."
    )
    full_text_verdict: RecordVerdict | None = None
    full_text_failure: Failed | None = None
    full_text: FinalDecision | None = None


class ArtefactEdit(Frozen):
    """A person changed what a step had produced, before approving it."""

    step: str
    revision: int
    author: str
    at: str = Field(default="", description="UTC, ISO 8601.")
    parent: str | None = Field(default=None, description="Artefact it was made from.")
    sha256: str = ""
    note: str = ""


class EarlierRecord(Frozen):
    """A record that an earlier pass dealt with, and how that ended."""

    record: Record
    pass_id: str
    standing: str = Field(description="As in that pass's own decisions.csv.")
    included: bool = Field(description="Stood in the review when this pass began.")
    reason: str = ""
    by: str = ""
    how: str = ""


class PassLine(Frozen):
    """One pass over the review: the first, or an update (PRISMA-S item 12)."""

    pass_id: str
    kind: Literal["first", "update"]
    opened: str = Field(description="UTC, ISO 8601.")
    by: str = ""
    reason: str = ""
    previous: str | None = Field(default=None, description="The pass that it updates.")
    overlap_days: int | None = None
    changes: tuple[str, ...] = Field(
        default=(), description="What decides or ranks in another way than before: engines, prompts, models."
    )
    not_looked_up: tuple[str, ...] = Field(
        default=(), description="Known reports that a source would not look up again, and its words."
    )


class FilterUse(Frozen):
    """A published search filter that stands in the strategy (PRISMA-S item 10)."""

    id: str
    text: str
    source: str = Field(description="Citation.")


class StrategyUse(Frozen):
    """The strategy that was approved for this pass (PRISMA-S items 8 to 11)."""

    text: str
    author: str
    approved_by: str = ""
    approved_at: str = ""
    counted_in: str = ""
    lines: tuple[StrategyLine, ...] = ()
    filters: tuple[FilterUse, ...] = ()
    seeds: tuple[KnownStudyCheck, ...] = ()
    earlier_reviews: tuple[EarlierReview, ...] = ()
    notes: tuple[str, ...] = ()


class ReviewData(Frozen):
    """One review, whole. Every tuple is in the order of stored rows."""

    review_id: str
    title: str
    review_type: str = Field(description="Such as systematic review, scoping review, rapid review.")
    framework: str
    question: tuple[QuestionElement, ...] = ()
    report_template: str = Field(default="PRISMA 2020", description="Title of the reporting guideline.")
    criteria: tuple[Criterion, ...] = ()
    revisions: tuple[ProtocolRevision, ...] = ()
    agent_version: str
    engines: tuple[EngineUse, ...] = ()
    embedder: str = Field(default="", description="Name of the model behind the ranking; empty when none.")
    deduplication: str = Field(default="", description="Method in a sentence (PRISMA-S item 16).")
    searches: tuple[SearchRun, ...] = ()
    records: tuple[RecordLine, ...] = ()
    studies: tuple[Study, ...] = ()
    fields: tuple[FieldSpec, ...] = ()
    cells: tuple[Cell, ...] = ()
    approvals: tuple[Approval, ...] = ()
    edits: tuple[ArtefactEdit, ...] = ()
    strategy: StrategyUse | None = None
    passes: tuple[PassLine, ...] = Field(default=(), description="Oldest first; this one last.")
    earlier: tuple[EarlierRecord, ...] = Field(
        default=(), description="All records of the earlier passes, as they left them; empty in a first pass."
    )

    evidence: EvidenceData = Field(default=EvidenceData(), description="Numbers, analyses and certainty.")

    @property
    def is_update(self) -> bool:
        """Whether this is another pass than the first."""
        return len(self.passes) > 1
