"""A small review of our own invention, every number of which can be counted on this page."""

from typing import Any

from tools.reporting.data import (
    ArtefactEdit,
    EngineUse,
    FinalDecision,
    Prefilter,
    ProtocolRevision,
    QuestionElement,
    RecordLine,
    ReportStatus,
    ReviewData,
    SearchRun,
)
from tools.schemas import (
    Approval,
    Cell,
    Criterion,
    CriterionVerdict,
    Failed,
    FieldSpec,
    Quote,
    Record,
    RecordVerdict,
    Study,
)

BULK = "bulk approval of machine suggestions"
CRITERIA = (
    Criterion(id="population", kind="include", text="Adults who sleep badly", element="population"),
    Criterion(id="design", kind="include", text="Randomised comparison", element="design"),
    Criterion(id="length", kind="exclude", text="Follow-up shorter than one week", stage="full_text"),
)
KEPT = Prefilter(rank=1, score=0.75, kept=True)
CUT = Prefilter(rank=900, score=0.125, kept=False)
AUDIT = Prefilter(rank=901, score=0.1, kept=False, audit=True)
RETRIEVED = ReportStatus(state="retrieved", source="Europe PMC")


def decision(
    kind: str, how: str = "individual", reason: str | None = None, by: str = "person:Ada"
) -> FinalDecision:
    return FinalDecision.model_validate({"kind": kind, "how": how, "reason": reason, "by": by})


def record(key: str, **more: Any) -> Record:
    source = "ctgov" if key.startswith("NCT") else "pubmed"
    given: dict[str, Any] = {
        "record_id": f"{source}:{key}",
        "title": f"Warm milk and sleep, report {key}",
        "abstract": "Forty adults who sleep badly drank milk.\nThey slept 12 minutes longer.",
        "authors": ("Moss, Ada", "Fern, Bo"),
        "year": 2019,
        "journal": "" if source == "ctgov" else "Journal of Invented Sleep",
        "volume": "3",
        "pages": "101-9",
        "pmid": key if key.isdigit() else None,
    }
    return Record(**(given | more))


def verdict(record_: Record, suggestion: str, *, length: bool = False) -> RecordVerdict:
    text = record_.text
    start = text.find("adults who sleep badly")
    quote = Quote(text="adults who sleep badly", start=start, end=start + 22) if start >= 0 else None
    verdicts = [
        CriterionVerdict(criterion_id="population", label="YES", quote=quote, flagged=quote is None),
        CriterionVerdict(criterion_id="design", label="UNCERTAIN" if suggestion == "pass" else "NO"),
    ]
    if length:
        verdicts.append(CriterionVerdict(criterion_id="length", label="NO"))
    return RecordVerdict.model_validate(
        {
            "record_id": record_.record_id,
            "verdicts": verdicts,
            "suggestion": suggestion,
            "reason": "design" if suggestion == "exclude" else None,
            "score": 0.5 if suggestion == "pass" else -0.25,
        }
    )


def line(key: str, suggestion: str | None = "pass", search: str = "s1", **more: Any) -> RecordLine:
    rec = more.pop("record", None) or record(key)
    given: dict[str, Any] = {"record": rec, "search_ids": (search,), "prefilter": KEPT}
    if suggestion:
        given["verdict"] = verdict(rec, suggestion)
    return RecordLine(**(given | more))


def full(key: str, final: FinalDecision | None, **more: Any) -> RecordLine:
    rec = more.pop("record", None) or record(key)
    given: dict[str, Any] = {
        "record": rec,
        "title_abstract": decision("passed"),
        "report": RETRIEVED,
        "full_text_verdict": verdict(rec, "pass", length=True),
        "full_text": final,
    }
    return line(key, **(given | more))


def lines() -> tuple[RecordLine, ...]:
    """25 records. s1 brought 19 (one of them s2 as well), s2 brought 3, s3 3, s0 (superseded) 2."""
    out = decision("excluded", reason="design")
    gone = ReportStatus(state="not_retrieved", why="asked the authors twice, no answer")
    return (
        line("1", "exclude", title_abstract=out),
        line("2", "exclude", title_abstract=decision("excluded", BULK)),
        line("3", "exclude", title_abstract=decision("excluded", BULK)),
        line("4", "exclude", title_abstract=decision("excluded", "machine", by="baseline-1")),
        line("5", None, failure=Failed(record_id="pubmed:5", kind="timeout", reason="no answer in 60 s")),
        line("6"),
        line("7", None, prefilter=CUT),
        line("8", None, prefilter=CUT),
        line("9", "exclude", prefilter=AUDIT, title_abstract=out),
        line("10", title_abstract=decision("passed")),
        line("11", title_abstract=decision("passed"), report=ReportStatus(state="sought")),
        line("12", title_abstract=decision("passed"), report=gone),
        full(
            "13", None, report=ReportStatus(state="unreadable", why="scanned pages"), full_text_verdict=None
        ),
        full("14", None),
        full("15", decision("excluded", reason="length")),
        full("16", decision("excluded", BULK, reason="length")),
        full("17", decision("excluded", reason="The paper is a sermon")),
        full("18", decision("passed"), search_ids=("s1", "s2")),
        full("19", decision("passed")),
        line("20", None, search="s2", duplicate_of="pubmed:18"),
        full("21", decision("awaiting_classification"), search_ids=("s2",)),
        full("NCT1", decision("ongoing"), search_ids=("s3",)),
        full("NCT2", decision("passed"), search_ids=("s3",)),
        full("NCT3", decision("passed"), search_ids=("s3",)),
        line("0", None, search="s0"),
        line("00", "exclude", search="s0", title_abstract=out),
    )


def search(search_id: str, source: str, kind: str, received: int, **more: Any) -> SearchRun:
    given: dict[str, Any] = {
        "search_id": search_id,
        "source": source,
        "kind": kind,
        "date": "2031-02-03T04:05:06Z",
        "query_sent": '("milk"[tiab] OR "warm milk"[tiab])\n  AND "sleep"[mh]',
        "count": received,
        "received": received,
    }
    return SearchRun.model_validate(given | more)


SEARCHES = (
    search("s0", "pubmed", "database", 2, superseded=True, query_sent="milk"),
    search(
        "s1",
        "pubmed",
        "database",
        19,
        count=20,
        missing=("999",),
        warnings=("the phrase 'warm milk' was not found as a phrase",),
        translation='"milk"[MeSH Terms]',
        parameters={"mindate": "1990", "retmax": 9999},
    ),
    search("s2", "pubmed", "database", 3),
    search("s3", "ctgov", "register", 3, query_sent="milk AND sleep"),
)
STUDIES = (
    Study(study_id="moss-2019", report_ids=("pubmed:18", "ctgov:NCT2"), state="included", grouped_by="NCT2"),
    Study(study_id="fern-2019", report_ids=("pubmed:19",), state="included"),
    Study(study_id="nct1", report_ids=("ctgov:NCT1",), state="ongoing"),
    Study(study_id="late", report_ids=("pubmed:21",), state="awaiting_classification"),
)
FIELDS = (
    FieldSpec(id="n", kind="number", question="How many people were randomised?", unit="people"),
    FieldSpec(id="effect", kind="number", question="Difference in minutes slept", unit="min"),
    FieldSpec(id="funding", question="Who paid?"),
)
CELLS = (
    Cell(
        report_id="pubmed:18",
        field_id="n",
        status="grounded",
        value="40",
        quote=Quote(text="Forty adults", start=40, end=52),
        section="Abstract",
    ),
    Cell(
        report_id="pubmed:18",
        field_id="effect",
        status="located",
        value="-12.5",
        unit="min",
        quote=Quote(text="12 minutes longer", start=90, end=107, located=True),
        section="Results",
    ),
    Cell(report_id="pubmed:18", field_id="funding", status="not_reported"),
    Cell(report_id="pubmed:19", field_id="n", status="ungrounded", value="38"),
    Cell(report_id="pubmed:19", field_id="effect", status="failed", reason="malformed: no JSON"),
    Cell(report_id="pubmed:19", field_id="funding", status="not_found"),
)


def review(**more: Any) -> ReviewData:
    given: dict[str, Any] = {
        "review_id": "milk",
        "title": "Warm milk for sleep",
        "review_type": "systematic review",
        "framework": "PICO",
        "question": (
            QuestionElement(name="population", phrases=("adults who sleep badly",)),
            QuestionElement(name="intervention", phrases=("warm milk",)),
        ),
        "criteria": CRITERIA,
        "revisions": (
            ProtocolRevision(revision=1, at="2031-01-01T00:00:00Z", reason="first protocol"),
            ProtocolRevision(
                revision=2,
                at="2031-02-01T00:00:00Z",
                reason="the pilot showed very short trials",
                differences=("Criterion 'length' was added.",),
            ),
        ),
        "agent_version": "0.1.0",
        "engines": (
            EngineUse(
                task="screen",
                name="baseline-1",
                language_model=False,
                label="baseline rules (no language model)",
            ),
        ),
        "embedder": "all-MiniLM-L6-v2",
        "deduplication": "Exact identifiers, then title and authors; each join has its reason.",
        "searches": SEARCHES,
        "records": lines(),
        "studies": STUDIES,
        "fields": FIELDS,
        "cells": CELLS,
        "approvals": (
            Approval(
                step="query",
                artefact_id="query-2",
                artefact_sha256="ab" * 32,
                decision="approve",
                by="Ada",
                note="checked with a librarian",
                at="2031-02-02T00:00:00Z",
            ),
        ),
        "edits": (
            ArtefactEdit(
                step="query",
                revision=2,
                author="Ada",
                parent="query-1",
                at="2031-02-01T12:00:00Z",
                note="added milk[mh]",
            ),
        ),
    }
    return ReviewData.model_validate(given | more)
