"""The vocabulary: one frozen type for each thing a systematic review talks about.

*Record*: one citation from one source. *Report*: a paper or registry entry. *Study*: one or more
reports. *Criterion*, *verdict*, *gate* and *outcome* are used as the Cochrane Handbook uses them.
Values only: no I/O, no clock, no randomness.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Approval",
    "Artefact",
    "Block",
    "Cell",
    "CellStatus",
    "Correction",
    "Criterion",
    "CriterionVerdict",
    "Decision",
    "Disposition",
    "EarlierReview",
    "Failed",
    "FieldSpec",
    "Frozen",
    "FullText",
    "Hits",
    "KnownStudyCheck",
    "Label",
    "Outcome",
    "OutcomeKind",
    "Passage",
    "Quote",
    "Record",
    "RecordVerdict",
    "SearchResult",
    "SetAside",
    "Stage",
    "Strategy",
    "StrategyAttempt",
    "StrategyLine",
    "Study",
    "Suggestion",
    "canonical_json",
    "sha256_of",
]

Stage = Literal["title_abstract", "full_text", "both"]
"""When a criterion is judged. `both`: on the abstract first, again on the full text."""

Label = Literal["YES", "PARTIAL", "NO", "UNCERTAIN"]
"""A criterion's verdict (LEADS, arXiv 2501.16255). UNCERTAIN is an answer about the paper:
it does not tell. Having no answer is a `Failed`, never a label."""

Suggestion = Literal["pass", "exclude"]
"""What the machine suggests for a record. Deciding is a person's."""

OutcomeKind = Literal[
    "passed", "excluded", "not_screened", "waiting", "failed", "duplicate", "seen_before", "superseded"
]
"""Where a record stands after a step.

passed        goes on to the next step
excluded      a decision with a person or a permitted rule behind it
not_screened  below the prefilter's cut; nobody judged it
waiting       a person must decide or supply something
failed        the machine could not, and says why
duplicate     another record of the same citation stands for it
seen_before   an earlier pass has settled it, and nothing that matters has changed since
superseded    its search was replaced
"""

Decision = Literal["approve", "reject"]
"""At a gate. *Edit* is no decision: it is a new revision of the artefact, to be approved in turn."""

CellStatus = Literal[
    "grounded", "located", "ungrounded", "computed", "not_reported", "not_found", "conflicting", "failed"
]
"""An extracted cell's standing.

grounded      value with a verbatim quote found in the source
located       as grounded, but we looked the quote up after the fact
ungrounded    a value without a quote that can be found: to be checked by a person
computed      follows from other cells by a rule that `reason` names
not_reported  the engine says that the paper does not report it
not_found     the engine found nothing; says nothing about the paper
conflicting   readers differ, `reason` says in what; it has no value until a person has settled it
failed        no answer, and why
"""


class Frozen(BaseModel):
    """Base of the vocabulary: immutable, and a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def canonical_json(value: Any) -> str:
    """JSON with one spelling per value: sorted keys, no spaces, UTF-8 as it is.

    Hashes and keys are taken over this, so it must never change between versions.
    """
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256_of(value: Any) -> str:
    """Hex SHA-256 of a text, of bytes, or of anything `canonical_json` can spell."""
    if isinstance(value, str):
        value = value.encode()
    if not isinstance(value, bytes):
        value = canonical_json(value).encode()
    return hashlib.sha256(value).hexdigest()


# Protocol ----------------------------------------------------------------------------------------


class Criterion(Frozen):
    """One eligibility criterion of the protocol."""

    id: str = Field(description="Short and unique; order never carries meaning.")
    kind: Literal["include", "exclude"] = Field(description="Must be met, or must not be met.")
    text: str = Field(description="The criterion as reviewers read it.")
    stage: Stage = Field(default="both", description="When it is judged.")
    element: str | None = Field(
        default=None, description="Element of the framework it belongs to, such as population; or design."
    )
    terms: tuple[str, ...] = Field(
        default=(), description="Words that signal it, for engines without a language model."
    )


class FieldSpec(Frozen):
    """One field of the extraction form."""

    id: str = Field(description="Short and unique; order never carries meaning.")
    kind: Literal["text", "number", "category"] = Field(default="text", description="What the value is.")
    question: str = Field(description="What to look for, in a sentence.")
    unit: str | None = Field(default=None, description="Unit of a number, such as mg or years.")
    options: tuple[str, ...] = Field(default=(), description="Permitted values of a category.")


# Search ------------------------------------------------------------------------------------------


class Block(Frozen):
    """One concept of a search strategy: synonyms joined by OR."""

    name: str
    terms: tuple[str, ...] = Field(description="Each a term in PubMed syntax, tag included.")


class SetAside(Frozen):
    """A proposed term that is not searched for. Shown at the gate, so that a person can take it back."""

    block: str
    term: str
    why: str
    hits: int | None = None


class StrategyLine(Frozen):
    """One line of a strategy as searchers write it; its number is its place, from 1."""

    text: str = Field(description="A term, or earlier lines joined: `#1 OR #2`.")
    label: str = Field(default="", description="The concept, where the line is one.")
    hits: int | None = Field(default=None, description="None: it could not be counted.")


class KnownStudyCheck(Frozen):
    """Whether the strategy finds a study that the reviewers know to be relevant."""

    pmid: str
    title: str = ""
    use: Literal["building", "validation"] = Field(
        description="`building` studies lend the strategy words; `validation` studies only test it."
    )
    found: bool | None = Field(description="None: it could not be tested, see `why`.")
    why: str = ""
    lacks: tuple[str, ...] = Field(default=(), description="Blocks of which the study holds no term.")


class StrategyAttempt(Frozen):
    """One version of the strategy on the way to the one that is shown."""

    text: str
    hits: int | None = None
    missed: tuple[str, ...] = Field(default=(), description="PMIDs of known studies that it does not find.")
    added: tuple[str, ...] = Field(default=(), description="Terms that were not in the attempt before.")
    call_keys: tuple[str, ...] = ()


class EarlierReview(Frozen):
    """A systematic review that seems to have asked the question before."""

    pmid: str
    title: str
    year: int | None = None


class Strategy(Frozen):
    """A Boolean search strategy in PubMed syntax: the artefact of the query step."""

    text: str = Field(description="What is sent; authoritative.")
    blocks: tuple[Block, ...] = Field(default=(), description="How it came about; empty after an edit.")
    notes: tuple[str, ...] = Field(default=(), description="Warnings and remarks for the person at the gate.")
    counted_in: str = Field(default="", description="Source whose hits `lines` gives; empty: not counted.")
    lines: tuple[StrategyLine, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    known_studies: tuple[KnownStudyCheck, ...] = ()
    attempts: tuple[StrategyAttempt, ...] = Field(default=(), description="Oldest first; the last is `text`.")
    earlier_reviews: tuple[EarlierReview, ...] = ()


class Correction(Frozen):
    """One line of a record's comments and corrections (MEDLINE/PubMed data elements, CommentsCorrections)."""

    kind: str = Field(description="PubMed's RefType, such as RetractionIn, ErratumIn, ExpressionOfConcernIn.")
    citation: str = Field(default="", description="The other publication, in the source's words.")
    pmid: str | None = None


class Record(Frozen):
    """One citation as one source gave it.

    `record_id` is `<source>:<the source's own key>`; `version` changes when the content does.
    """

    record_id: str
    title: str = ""
    abstract: str = Field(default="", description="Sections of a structured abstract on lines of their own.")
    authors: tuple[str, ...] = Field(default=(), description="'Last, First', or a collective name.")
    year: int | None = None
    journal: str = ""
    volume: str = ""
    issue: str = ""
    pages: str = ""
    pmid: str | None = None
    pmcid: str | None = Field(default=None, description="With its PMC prefix.")
    doi: str | None = Field(default=None, description="Lower case, without resolver address.")
    language: str = ""
    publication_types: tuple[str, ...] = ()
    mesh: tuple[str, ...] = Field(default=(), description="Descriptor names, in the record's order.")
    keywords: tuple[str, ...] = ()
    registry_ids: tuple[str, ...] = Field(default=(), description="Trial registrations such as NCT01234567.")
    retracted: bool = False
    issn: str = ""
    url: str = Field(default="", description="Where the source shows it; never fetched, only printed.")
    vernacular_title: str = Field(default="", description="Title in the work's own language.")
    other_abstracts: tuple[str, ...] = Field(
        default=(), description="Translations and plain-language summaries, `<type>, <language>: <text>`."
    )
    corrections: tuple[Correction, ...] = ()
    created: str | None = Field(
        default=None, description="Day on which the source first listed it, YYYY-MM-DD."
    )
    updated: str | None = Field(
        default=None, description="Day of the source's last change to it, YYYY-MM-DD."
    )
    fields: tuple[tuple[str, str], ...] = Field(
        default=(),
        description="Tags and values of an imported citation, verbatim and in order, so that an export gives "
        "them back; empty for what a service delivered.",
    )
    warnings: tuple[str, ...] = Field(default=(), description="What could not be read of the source's form.")

    @cached_property
    def version(self) -> str:
        """Content hash, 16 hex digits; part of every outcome's key.

        Over what is filled in only, so that a field which is added one day changes no old record.
        """
        return sha256_of(self.model_dump(mode="json", exclude_defaults=True))[:16]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> "Record":
        """As pydantic's, but a changed copy has a version of its own."""
        copied = super().model_copy(update=update, deep=deep)
        copied.__dict__.pop("version", None)
        return copied

    @property
    def text(self) -> str:
        """What is read at title/abstract stage; quotes and their offsets refer to this string."""
        return f"{self.title}\n{self.abstract}" if self.abstract else self.title


class Hits(Frozen):
    """What a source says about a query without delivering records."""

    source: str
    query_sent: str
    count: int
    translation: str = ""
    warnings: tuple[str, ...] = ()
    pmids: tuple[str, ...] = Field(default=(), description="Of the first hits, as many as were asked for.")


class SearchResult(Frozen):
    """What one search of one source brought; the accounts must balance.

    `requested` are the ids the source said match, `records` what it delivered.
    """

    source: str
    query_sent: str = Field(description="The exact string this source evaluated.")
    count: int = Field(description="Hits the source declared.")
    translation: str = Field(default="", description="The source's own reading of the query.")
    warnings: tuple[str, ...] = ()
    missing: tuple[str, ...] = Field(default=(), description="Ids requested and not delivered.")
    parameters: Mapping[str, Any] = Field(
        default_factory=dict, description="Limits, dates, versions: what PRISMA-S asks for."
    )
    records: tuple[Record, ...] = ()


# Judging -----------------------------------------------------------------------------------------


class Quote(Frozen):
    """A verbatim span of a source text. `text == source[start:end]`, always."""

    text: str
    start: int
    end: int
    located: bool = Field(default=False, description="True when we looked it up after the fact.")


class CriterionVerdict(Frozen):
    """One criterion, answered for one text, with its evidence checked."""

    criterion_id: str
    label: Label
    quote: Quote | None = None
    flagged: bool = Field(default=False, description="YES, PARTIAL or NO without a quote that can be found.")
    rationale: str = ""
    confidence: float | None = Field(default=None, description="0 to 1, as the engine says; uncalibrated.")
    probability: float | None = Field(
        default=None,
        description="Of the label by the model's own weights, renormalised over the labels; uncalibrated.",
    )
    p_excludes: float | None = Field(
        default=None, description="As `probability`, of the label that alone would rule the record out."
    )


class RecordVerdict(Frozen):
    """All criteria for one record, and what follows from them."""

    record_id: str
    verdicts: tuple[CriterionVerdict, ...]
    suggestion: Suggestion
    reason: str | None = Field(default=None, description="Criterion id that excludes, in protocol order.")
    score: float = Field(description="LEADS' mean in [-1, 1]; ranks, never decides.")
    call_key: str = ""
    engine: str = Field(default="", description="Who answered, where another engine stood in.")
    notes: tuple[str, ...] = Field(
        default=(), description="What was not read, where parts or samples disagree, who stood in for whom."
    )

    @property
    def p_passes(self) -> float | None:
        """Probability that no criterion rules the record out, taking criteria as independent; None if untold.

        Uncalibrated: see `tools.screening.calibration`.
        """
        told = [v.p_excludes for v in self.verdicts]
        known = [p for p in told if p is not None]
        if not known or len(known) < len(told):
            return None
        return math.prod(1.0 - p for p in known)

    @property
    def flagged(self) -> bool:
        """A person should look first: a verdict has no evidence that can be found."""
        return any(v.flagged for v in self.verdicts)


class Failed(Frozen):
    """The machine did not answer, and we know why. Never read as a verdict, a zero or UNCERTAIN."""

    record_id: str
    kind: str = Field(description="One word, such as timeout, malformed, unreadable.")
    reason: str
    call_key: str = ""


class Outcome(Frozen):
    """Where one record stands after one step, according to one reader. Inserted, never updated."""

    step: str
    record_id: str
    record_version: str
    kind: OutcomeKind
    reader: str = Field(default="machine", description="`machine`, `rule`, or `person:<name>`.")
    reason: str | None = None
    attempt: int = 1
    content: Mapping[str, Any] = Field(default_factory=dict)


# Full text and extraction ------------------------------------------------------------------------


class Passage(Frozen):
    """A stretch of a full text: `text == canonical[start:start + len(text)]`."""

    section: str
    kind: Literal["title", "abstract", "paragraph", "caption", "table"]
    start: int
    text: str


class FullText(Frozen):
    """A report's text in reading order, as one canonical string; all quotes refer to it."""

    report_id: str
    source: str = Field(description="Where it came from: file name or service.")
    canonical: str
    passages: tuple[Passage, ...]
    pmid: str | None = None
    pmcid: str | None = None
    doi: str | None = None
    title: str = ""
    registry_ids: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Cell(Frozen):
    """One field of the form for one report; of outcome data, one statistic of one arm at one time point."""

    report_id: str
    field_id: str = Field(description="Field of the form, or statistic such as `events`; see `key`.")
    arm: str = Field(default="", description="Label of the arm; empty: of the whole report.")
    outcome: str = Field(default="", description="Id of the outcome; empty: of none.")
    time_point: str = ""
    status: CellStatus
    value: str | None = None
    unit: str | None = None
    quote: Quote | None = None
    section: str = ""
    reason: str = Field(default="", description="Why it failed, or who changed it.")
    call_key: str = ""
    confidence: float | None = Field(
        default=None, ge=0, le=1, description="From the agreement of readers; None: one reader only."
    )
    reader: str = Field(default="", description="`machine:<engine>`, `registry`, or `person:<name>`.")
    readings: tuple[str, ...] = Field(
        default=(), description="What each reader said, `<reader>: <value>`, where there was more than one."
    )

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What it is about: report, outcome, time point, arm, field."""
        return (self.report_id, self.outcome, self.time_point, self.arm, self.field_id)


class Study(Frozen):
    """One investigation, known through one or more reports."""

    study_id: str
    report_ids: tuple[str, ...]
    state: Literal["included", "excluded", "ongoing", "awaiting_classification", "undecided"]
    reason: str | None = None
    grouped_by: str = Field(default="", description="Registry number, or the person who grouped them.")
    doubts: tuple[str, ...] = Field(default=(), description="What a person should settle with `group`.")


# People ------------------------------------------------------------------------------------------


class Disposition(Frozen):
    """One line of the list that a person approves at a screening gate."""

    record_id: str
    record_version: str
    decision: Literal["pass", "exclude", "wait", "ongoing", "awaiting_classification"]
    reason: str | None = None
    suggested_by: str = Field(description="Engine, rule, or `person:<name>` for an edited line.")
    flagged: bool = False
    score: float | None = None


class Artefact(Frozen):
    """What a gate shows: a revision of a step's product. Its hash is what a person approves."""

    artefact_id: str
    step: str
    revision: int
    parent_id: str | None = None
    author: str
    content: Mapping[str, Any]
    basis: str = Field(default="", description="Hash of the inputs it was made from.")
    note: str = ""

    @property
    def sha256(self) -> str:
        """Hash of what is on the screen."""
        return sha256_of({"step": self.step, "content": self.content})


class Approval(Frozen):
    """One person's decision about one exact thing."""

    step: str
    artefact_id: str
    artefact_sha256: str
    decision: Decision
    by: str = Field(min_length=1)
    note: str = ""
    at: str = Field(description="UTC, ISO 8601.")
