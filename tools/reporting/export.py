"""The review as files for other programs: CSV tables, RIS, the searches as run, the counts. Pure.

CSV follows RFC 4180 (CRLF, quotes doubled) and neutralises formulas; `text.original_text` undoes that.
Values are given as text; `render.render_all` encodes them.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from tools.reporting.data import FinalDecision, RecordLine, ReviewData, SearchRun
from tools.reporting.prisma import PrismaCounts, equations, ledger
from tools.reporting.standing import arms, in_review, standing, superseded_ids
from tools.reporting.text import cell_text, one_line
from tools.schemas import Cell, Failed, Quote, RecordVerdict, Stage, sha256_of
from tools.search.formats import ris

__all__ = [
    "counts_json",
    "decisions_csv",
    "earlier_csv",
    "extraction_csv",
    "included_ris",
    "records_ris",
    "search_text",
    "sources_of",
]

Row = dict[str, str]


def _number(value: float | None) -> str:
    return "" if value is None else repr(value)


def _csv(columns: Sequence[str], rows: Iterable[Row]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([cell_text(name) for name in columns])
    for row in rows:
        writer.writerow([cell_text(row.get(name, "")) for name in columns])
    return out.getvalue()


def sources_of(line: RecordLine, searches: Iterable[SearchRun]) -> tuple[str, ...]:
    """Names of the sources whose searches brought a record, each once, in the order of searches."""
    return tuple(dict.fromkeys(s.source for s in searches if s.search_id in line.search_ids))


# Decisions ---------------------------------------------------------------------------------------


def decisions_csv(data: ReviewData) -> str:
    """One row per record, duplicates and superseded ones included, in stored order.

    Column `standing` says where the record ended up; each number of the diagram is a filter over this
    table (`prisma.ledger`). `row` is the number that the HTML report links with.
    """
    judged = [*_verdict_columns(data, "title_abstract"), *_verdict_columns(data, "full_text")]
    columns = [
        *("row", "record_id", "record_version", "title", "year", "journal", "doi", "pmid", "pmcid"),
        *("registry_ids", "retracted", "sources", "search_ids", "in_review", "column", "standing"),
        *("duplicate_of", "included_before", "earlier", "changed"),
        *("rank", "score", "above_cut", "audit"),
        *(c for c in judged if c.startswith("title_abstract")),
        *(f"title_abstract_{c}" for c in _STAGE_COLUMNS),
        *("report_status", "report_source", "report_why"),
        *(c for c in judged if c.startswith("full_text")),
        *(f"full_text_{c}" for c in _STAGE_COLUMNS),
        *("study_id", "study_state", "warnings"),
    ]
    gone = superseded_ids(data)
    study_of = {rid: s for s in data.studies for rid in s.report_ids}
    before = {x.record.record_id for x in data.earlier if x.included}
    rows = []
    for number, (line, column) in enumerate(zip(data.records, arms(data), strict=True), 1):
        row = {"row": str(number), **_identity(line, data, gone), **_ranking(line), **_judging(line)}
        row |= {"column": column, "earlier": line.earlier, "changed": "; ".join(line.changed)}
        row["included_before"] = "yes" if line.record.record_id in before else "no"
        if study := study_of.get(line.record.record_id):
            row |= {"study_id": study.study_id, "study_state": study.state}
        rows.append(row)
    return _csv(columns, rows)


def earlier_csv(data: ReviewData) -> str:
    """One row per record of the earlier versions, as they left it; no rows in a first version."""
    columns = (
        *("row", "pass", "record_id", "record_version", "title", "year", "journal", "doi", "pmid"),
        *("included", "standing", "reason", "by", "how"),
    )
    rows = [
        {
            "row": str(number),
            "pass": x.pass_id,
            "record_id": x.record.record_id,
            "record_version": x.record.version,
            "title": x.record.title,
            "year": "" if x.record.year is None else str(x.record.year),
            "journal": x.record.journal,
            "doi": x.record.doi or "",
            "pmid": x.record.pmid or "",
            "included": "yes" if x.included else "no",
            "standing": x.standing,
            "reason": x.reason,
            "by": x.by,
            "how": x.how,
        }
        for number, x in enumerate(data.earlier, 1)
    ]
    return _csv(columns, rows)


_STAGE_COLUMNS = (
    *("suggestion", "suggested_reason", "machine_score", "flagged", "failure", "failure_why"),
    *("decision", "reason", "by", "how"),
)


def _verdict_columns(data: ReviewData, stage: Stage) -> list[str]:
    """Columns of one stage: the protocol's criteria in order, then any that only a verdict knows."""
    ids = [c.id for c in data.criteria if c.stage in (stage, "both")]
    verdicts = (x.verdict if stage == "title_abstract" else x.full_text_verdict for x in data.records)
    seen = {v.criterion_id for rv in verdicts if rv for v in rv.verdicts}
    ids += sorted(seen - set(ids))
    return [f"{stage} {cid}: {part}" for cid in ids for part in ("label", "quote", "offsets")]


def _identity(line: RecordLine, data: ReviewData, gone: frozenset[str]) -> Row:
    r = line.record
    return {
        "record_id": r.record_id,
        "record_version": r.version,
        "title": r.title,
        "year": "" if r.year is None else str(r.year),
        "journal": r.journal,
        "doi": r.doi or "",
        "pmid": r.pmid or "",
        "pmcid": r.pmcid or "",
        "registry_ids": "; ".join(r.registry_ids),
        "retracted": "yes" if r.retracted else "no",
        "sources": "; ".join(sources_of(line, data.searches)),
        "search_ids": "; ".join(line.search_ids),
        "in_review": "yes" if in_review(line, gone) else "no",
        "standing": standing(line, gone),
        "duplicate_of": line.duplicate_of or "",
        "warnings": "; ".join(r.warnings),
    }


def _ranking(line: RecordLine) -> Row:
    p = line.prefilter
    if p is None:
        return {}
    return {
        "rank": "" if p.rank is None else str(p.rank),
        "score": _number(p.score),
        "above_cut": "yes" if p.kept else "no",
        "audit": "yes" if p.audit else "no",
    }


def _judging(line: RecordLine) -> Row:
    row = _stage_row("title_abstract", line.verdict, line.failure, line.title_abstract)
    row |= _stage_row("full_text", line.full_text_verdict, line.full_text_failure, line.full_text)
    if report := line.report:
        row |= {"report_status": report.state, "report_source": report.source, "report_why": report.why}
    return row


def _stage_row(
    stage: Stage, verdict: RecordVerdict | None, failure: Failed | None, final: FinalDecision | None
) -> Row:
    row: Row = {}
    if verdict:
        row |= {"suggestion": verdict.suggestion, "suggested_reason": verdict.reason or ""}
        row |= {"machine_score": _number(verdict.score), "flagged": "yes" if verdict.flagged else "no"}
    if failure:
        row |= {"failure": failure.kind, "failure_why": failure.reason}
    if final:
        row |= {"decision": final.kind, "reason": (final.reason or "").strip()}
        row |= {"by": final.by, "how": final.how}
    row = {f"{stage}_{key}": value for key, value in row.items()}
    for v in verdict.verdicts if verdict else ():
        at = f"{stage} {v.criterion_id}: "
        row |= {f"{at}label": v.label, f"{at}quote": v.quote.text if v.quote else ""}
        row[f"{at}offsets"] = _offsets(v.quote)
    return row


def _offsets(quote: Quote | None) -> str:
    # "12–40", not "12-40", which a spreadsheet would take for the twelfth of a month.
    return f"{quote.start}–{quote.end}" if quote else ""


# Extraction --------------------------------------------------------------------------------------


def extraction_csv(data: ReviewData) -> str:
    """Long form: one row per extracted cell, with its quote and where it stands in the source text."""
    columns = (
        *("row", "report_id", "report_title", "study_id", "study_state", "field_id", "question", "kind"),
        *("value", "unit", "status", "quote", "quote_start", "quote_end", "located", "section"),
        *("reason", "call_key"),
    )
    titles = {x.record.record_id: x.record.title for x in data.records}
    studies = {rid: s for s in data.studies for rid in s.report_ids}
    fields = {f.id: f for f in data.fields}
    rows = []
    for number, cell in enumerate(data.cells, 1):
        row = {"row": str(number), "report_title": titles.get(cell.report_id, ""), **_cell_row(cell)}
        if study := studies.get(cell.report_id):
            row |= {"study_id": study.study_id, "study_state": study.state}
        if field := fields.get(cell.field_id):
            row |= {"question": field.question, "kind": field.kind}
            row["unit"] = cell.unit or field.unit or ""
        rows.append(row)
    return _csv(columns, rows)


def _cell_row(cell: Cell) -> Row:
    row = {
        "report_id": cell.report_id,
        "field_id": cell.field_id,
        "value": cell.value or "",
        "unit": cell.unit or "",
        "status": cell.status,
        "section": cell.section,
        "reason": cell.reason,
        "call_key": cell.call_key,
    }
    if q := cell.quote:
        row |= {"quote": q.text, "quote_start": str(q.start), "quote_end": str(q.end)}
        row["located"] = "yes" if q.located else "no"
    return row


# RIS ---------------------------------------------------------------------------------------------


def included_ris(data: ReviewData) -> str:
    """The included reports, as RIS: imported ones with every field that they came with.

    In an update, those of the earlier versions that still stand come first.
    """
    gone = superseded_ids(data)
    now = {x.record.record_id: x for x in data.records}
    chosen = [x.record for x in data.earlier if x.included and _stands(now.get(x.record.record_id))]
    chosen += [x.record for x in data.records if standing(x, gone) == "full text: passed"]
    return "".join(ris.written(record, ["Decision: included"]) for record in chosen)


def records_ris(data: ReviewData) -> str:
    """All records that are in the review, duplicates left out, each with where it stands; as RIS."""
    gone = superseded_ids(data)
    places = [(x.record, standing(x, gone)) for x in data.records]
    told = [(record, place) for record, place in places if place not in ("superseded", "duplicate")]
    return "".join(ris.written(record, [f"Standing: {place}"]) for record, place in told)


def _stands(now: RecordLine | None) -> bool:
    """Nobody has excluded it again; where it was included again, this pass's own line tells of it."""
    decisions = [d for d in (now.title_abstract, now.full_text) if d] if now else []
    return not any(d.kind == "excluded" for d in decisions) and not (
        now is not None and now.full_text is not None and now.full_text.kind == "passed"
    )


# Searches ----------------------------------------------------------------------------------------


def search_text(data: ReviewData) -> str:
    """Every search exactly as it was run, with the PRISMA-S items (Rethlefsen 2021) that are recorded."""
    lines = [f"Searches of: {one_line(data.title)}", f"Review: {one_line(data.review_id)}", ""]
    lines += [
        "Between the rulers stands the exact string that was sent; its SHA-256 follows, so that it can be",
        "checked. All sixteen items of PRISMA-S in order: search-appendix.md.",
        "",
        "16 Deduplication: " + (one_line(data.deduplication) or "not recorded"),
        "",
    ]
    for number, run in enumerate(data.searches, 1):
        lines += [*_search_lines(number, run), ""]
    return "\n".join(lines)


ITEM_OF = {
    "database": "1 Database",
    "register": "3 Study register",
    "website": "4 Website",
    "organisation": "4 Organisation",
    "citations": "5 Citation searching",
    "other": "7 Other method",
    "carried": "12 Taken up again from an earlier version",
    "recheck": "12 Known reports looked up again",
}
"""Kind of a search event to its item of PRISMA-S."""


def _search_lines(number: int, run: SearchRun) -> list[str]:
    item = ITEM_OF[run.kind]
    state = " (SUPERSEDED by a later search; its records are counted apart)" if run.superseded else ""
    lines = [
        f"=== Search {number}: {one_line(run.search_id)}{state}",
        f"{item}: {one_line(run.source)}",
        f"13 Date: {one_line(run.date)}",
        f"15 Records: {run.count} declared, {run.received} received, {len(run.missing)} missing",
        "8 Strategy as run:",
        "-" * 72,
        run.query_sent,
        "-" * 72,
        f"SHA-256: {sha256_of(run.query_sent)}",
        f"Read by the source as: {one_line(run.translation) or '(the source does not tell)'}",
        f"9 Limits and parameters: {_parameters(run)}",
    ]
    lines += [f"Warning: {one_line(w)}" for w in run.warnings]
    if run.missing:
        lines.append("Missing ids: " + ", ".join(one_line(i) for i in run.missing))
    return lines


def _parameters(run: SearchRun) -> str:
    if not run.parameters:
        return "none recorded"
    return json.dumps(dict(run.parameters), sort_keys=True, ensure_ascii=False)


# Counts ------------------------------------------------------------------------------------------


def counts_json(data: ReviewData, counts: PrismaCounts, files: dict[str, str]) -> str:
    """All counts, the equations with both sides, the way to the rows, and the SHA-256 of the other files."""
    whole: dict[str, Any] = {
        "review_id": data.review_id,
        "title": data.title,
        "agent_version": data.agent_version,
        "data_sha256": sha256_of(data),
        "counts": counts.model_dump(mode="json"),
        "equations": [{**e.model_dump(), "holds": e.holds} for e in equations(counts)],
        "numbers": [{"key": e.key, "words": e.words, "n": e.n, "where": e.where} for e in ledger(counts)],
        "files_sha256": files,
    }
    return json.dumps(whole, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
