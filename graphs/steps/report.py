"""Step `report`: everything in `out/`, rebuilt from stored rows and nothing else."""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from graphs.accounts import check_versions, current_searches, entering
from graphs.deps import Deps
from graphs.gates import cells_of
from graphs.numbers import evidence_data
from graphs.passes import ASIDE, Opening, lineage, opening, past_of
from graphs.state import ReviewState
from graphs.steps.approve import studies_of
from tools.errors import StoreError
from tools.frameworks import FILTERS
from tools.records.dedupe import RECIPE
from tools.reporting.data import (
    ArtefactEdit,
    EarlierRecord,
    FilterUse,
    FinalDecision,
    PassLine,
    Prefilter,
    ProtocolRevision,
    QuestionElement,
    RecordLine,
    ReportStatus,
    ReviewData,
    SearchRun,
    StrategyUse,
)
from tools.reporting.evidence_files import evidence_files
from tools.reporting.library_requests import library_requests_csv, library_requests_ris
from tools.reporting.library_requests import wanted as wanted_of_the_library
from tools.reporting.render import render_all
from tools.reporting.standing import standing as place_of
from tools.schemas import Cell, Failed, Record, RecordVerdict, Strategy, sha256_of
from tools.store import Protocol, Search, Store, StoredOutcome

__all__ = ["differences", "report", "review_data", "write_all"]

FILES = {
    "html": ("report.html",),
    "csv": ("decisions.csv", "extraction.csv"),
    "ris": ("included.ris",),
    "svg": ("prisma.svg",),
    "json": ("counts.json", "data.json"),
}
"""What `outputs` in review.yaml stands for; tables and plots of numbers come besides, in the same kinds. The search
as run is always written: PRISMA-S asks for it."""
"""What `outputs` in review.yaml stands for; tables and plots of numbers come besides, in the same kinds. The search
as run is always written: PRISMA-S asks for it."""

DEDUPLICATION = (
    "Titles, authors, years, journals, volumes, pages, abstracts and identifiers were compared within blocks of "
    "records that share some of them. Records were joined where several independent fields agreed and none spoke "
    f"against it (rules, version {RECIPE}); pairs that only looked alike were left to people, whose decisions are "
    "stored with their reasons."
)


def report(_state: ReviewState, deps: Deps) -> dict[str, Any]:
    """Render the review and swap the new files in, all at once."""
    check_versions(deps.store, deps.pass_id)
    files = rendered(deps)
    write_all(deps.out, files)
    return {"report_sha256": sha256_of({name: sha256_of(body) for name, body in files.items()})}


def rendered(deps: Deps) -> dict[str, bytes]:
    """File name to bytes: a pure function of the stored rows."""
    wanted = [
        "search.txt",
        "search-appendix.md",
        *(name for output in deps.config.outputs for name in FILES.get(output, ())),
    ]
    if opening(deps.store, deps.pass_id) is not None and "csv" in deps.config.outputs:
        wanted.append("earlier.csv")
    data = review_data(deps)
    besides = evidence_files(data.evidence, deps.config.outputs) | _requests(data, deps.config.outputs)
    return render_all(data, wanted, besides)


def _requests(data: ReviewData, outputs: Sequence[str]) -> dict[str, bytes]:
    """What to ask the library for; no file where every report was obtained and can be read."""
    if not wanted_of_the_library(data):
        return {}
    made = {"ris": library_requests_ris(data), "csv": "\ufeff" + library_requests_csv(data)}
    return {f"library-requests.{kind}": text.encode() for kind, text in made.items() if kind in outputs}


def write_all(folder: Path, files: Mapping[str, bytes]) -> None:
    """Replace the folder's content; a crash leaves the old files or the new ones, never a mixture.

    Raises:
        StoreError: the disk is full or not writable.
    """
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    try:
        for leftover in (fresh, old):
            shutil.rmtree(leftover, ignore_errors=True)
        fresh.mkdir(parents=True)
        for name, body in files.items():
            (fresh / name).write_bytes(body)
        if folder.exists():
            os.replace(folder, old)
        os.replace(fresh, folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as e:
        raise StoreError(
            f"cannot write {folder}: {e}. Make room or make it writable, then `python -m agent resume`."
        ) from e


def review_data(deps: Deps) -> ReviewData:
    """The review as one value, every tuple in the order of stored rows."""
    config, store = deps.config, deps.store
    elements = store.artefact(deps.pass_id, "pico")
    question = {} if elements is None else elements.content["elements"]
    return ReviewData(
        review_id=deps.review_id,
        title=config.review.title,
        review_type=config.review.type,
        framework=config.question.framework,
        question=tuple(
            QuestionElement(name=name, phrases=tuple(question[name]))
            for name in config.kind.element_ids
            if name in question
        ),
        report_template=config.kind.report,
        criteria=config.criteria,
        revisions=_revisions(deps.protocols),
        agent_version=deps.version,
        engines=deps.engine_uses,
        embedder=deps.ranker.name,
        deduplication=DEDUPLICATION,
        searches=_searches(deps),
        records=tuple(_lines(store, deps.pass_id)),
        studies=tuple(studies_of(deps)) if _ended(deps) else (),
        fields=config.form,
        cells=_cells(deps),
        approvals=tuple(store.approvals(deps.pass_id)),
        edits=tuple(_edits(deps)),
        strategy=_strategy(deps),
        passes=_passes(deps),
        earlier=tuple(_earlier(deps)),
        evidence=evidence_data(deps),
    )


def _ended(deps: Deps) -> bool:
    """Whether reports have come to their end states; in an update to which nothing came they have before."""
    decided = bool(deps.store.outcomes(deps.pass_id, "approve"))
    return decided or not entering(deps.store, deps.pass_id, "approve")


def _cells(deps: Deps) -> tuple[Cell, ...]:
    """The extraction table; what this pass has not extracted again stands as an earlier one left it."""
    cells: dict[str, list[Cell]] = {}
    for each in [*lineage(deps.store, deps.pass_id), deps.pass_id]:
        extracted = deps.store.artefact(each, "extract")
        fresh: dict[str, list[Cell]] = {}
        for cell in [] if extracted is None else cells_of(extracted.content):
            fresh.setdefault(cell.report_id, []).append(cell)
        cells |= fresh
    return tuple(cell for group in cells.values() for cell in group)


# Protocol, searches, people ----------------------------------------------------------------------


def _revisions(protocols: Iterable[Protocol]) -> tuple[ProtocolRevision, ...]:
    revisions: list[ProtocolRevision] = []
    before: Protocol | None = None
    for protocol in protocols:
        changed = () if before is None else differences(before.content, protocol.content)
        revisions.append(
            ProtocolRevision(
                revision=protocol.revision, at=protocol.at, reason=protocol.reason, differences=changed
            )
        )
        before = protocol
    return tuple(revisions)


def differences(old: Any, new: Any, path: str = "") -> tuple[str, ...]:
    """What changed between two protocols, one sentence per place. Pure."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        keys = [*old, *(key for key in new if key not in old)]
        return tuple(
            line
            for key in keys
            for line in differences(old.get(key), new.get(key), f"{path}.{key}" if path else str(key))
        )
    if old == new:
        return ()
    if _named(old) and _named(new):
        return differences({x["id"]: x for x in old}, {x["id"]: x for x in new}, path)
    return (f"{path}: {_said(old)} became {_said(new)}",)


def _named(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(x, Mapping) and "id" in x for x in value)


def _said(value: Any) -> str:
    return "nothing" if value in (None, [], "", {}) else repr(value)


def _searches(deps: Deps) -> tuple[SearchRun, ...]:
    current = set(current_searches(deps.store, deps.pass_id))
    return tuple(
        _search(
            search,
            len(deps.store.hits(search.search_id)),
            search.search_id not in current and search.kind not in ASIDE,
        )
        for search in deps.store.searches(deps.pass_id)
    )


def _search(search: Search, received: int, superseded: bool) -> SearchRun:
    result = search.result
    return SearchRun(
        search_id=search.search_id,
        source=search.source,
        kind=search.kind,
        date=str(result.parameters["searched_at"]),
        query_sent=result.query_sent,
        translation=result.translation,
        warnings=result.warnings,
        count=result.count,
        received=received,
        missing=result.missing,
        parameters=result.parameters,
        superseded=superseded,
    )


def _edits(deps: Deps) -> Iterable[ArtefactEdit]:
    for artefact, at in deps.store.artefacts(deps.pass_id):
        if artefact.author.startswith("person:"):
            yield ArtefactEdit(
                step=artefact.step,
                revision=artefact.revision,
                author=artefact.author,
                at=at,
                parent=artefact.parent_id,
                sha256=artefact.sha256,
                note=artefact.note,
            )


def _strategy(deps: Deps) -> StrategyUse | None:
    artefact = deps.store.artefact(deps.pass_id, "query")
    if artefact is None:
        return None
    strategy = Strategy.model_validate(
        {key: value for key, value in artefact.content.items() if key in Strategy.model_fields}
    )
    approval = deps.store.approval(artefact.artefact_id)
    filters = [one for one in FILTERS.values() if _holds(strategy.text, one.text)]
    return StrategyUse(
        text=strategy.text,
        author=artefact.author,
        approved_by="" if approval is None else approval.by,
        approved_at="" if approval is None else approval.at,
        counted_in=strategy.counted_in,
        lines=strategy.lines,
        filters=tuple(
            FilterUse(id=one.id, text=one.text, source=one.source)
            for one in filters
            # One filter may be a part of another; then only the whole was chosen.
            if not any(other is not one and _holds(other.text, one.text) for other in filters)
        ),
        seeds=strategy.known_studies,
        earlier_reviews=strategy.earlier_reviews,
        notes=strategy.notes,
    )


def _holds(strategy: str, filter_text: str) -> bool:
    """Whether a filter stands in a strategy, however it is bracketed and spaced."""
    plain = "".join(strategy.casefold().split())
    return "".join(filter_text.casefold().split()).removeprefix("(").removesuffix(")") in plain


# Passes ------------------------------------------------------------------------------------------


def _passes(deps: Deps) -> tuple[PassLine, ...]:
    return tuple(_pass(each, deps) for each in [*lineage(deps.store, deps.pass_id), deps.pass_id])


def _pass(pass_id: str, deps: Deps) -> PassLine:
    told, at = opening(deps.store, pass_id), deps.store.opened(pass_id).at
    if told is None:
        return PassLine(pass_id=pass_id, kind="first", opened=at)
    refused = [e.content for e in deps.store.events(pass_id) if e.kind == "not_looked_up"]
    return PassLine(
        pass_id=pass_id,
        kind="update",
        opened=at,
        by=told.by,
        reason=told.reason,
        previous=told.previous,
        overlap_days=told.overlap_days,
        changes=_changes(told, deps) if pass_id == deps.pass_id else (),
        not_looked_up=tuple(
            dict.fromkeys(f"{x['source']}: {x['records']} reports: {x['said']}" for x in refused)
        ),
    )


def _changes(told: Opening, deps: Deps) -> tuple[str, ...]:
    """What decides or ranks in another way than in the pass before. Nothing learned there holds any more."""
    found = []
    for use in deps.engine_uses:
        if use.task not in told.engines:
            found.append(f"{use.task}: the engine of the pass before is not recorded; now {use.name}")
            continue
        name, prompt = told.engines[use.task]
        if name != use.name:
            found.append(f"{use.task}: engine {name} became {use.name}")
        if prompt != use.prompt:
            found.append(f"{use.task}: prompt {prompt or 'none'} became {use.prompt or 'none'}")
    now: Mapping[str, str] = deps.protocols[-1].content["environment"]
    found += [
        f"{what}: {told.environment[what]} became {now[what]}"
        for what in sorted(told.environment)
        if now.get(what) != told.environment[what]
    ]
    return tuple(found)


def _earlier(deps: Deps) -> Iterable[EarlierRecord]:
    """All records of the earlier passes, each as the last pass that dealt with it left it."""
    past = past_of(deps.store, deps.pass_id)
    ends = {each: _ends(each, deps) for each in lineage(deps.store, deps.pass_id)}
    for record_id, before in past.known.items():
        line, place = ends[before.pass_id][record_id]
        decision = line.full_text or line.title_abstract
        yield EarlierRecord(
            record=line.record,
            pass_id=before.pass_id,
            standing=place,
            included=before.included,
            reason="" if decision is None else decision.reason or "",
            by="" if decision is None else decision.by,
            how="" if decision is None else decision.how,
        )


def _ends(pass_id: str, deps: Deps) -> dict[str, tuple[RecordLine, str]]:
    current = set(current_searches(deps.store, pass_id))
    gone = frozenset(s.search_id for s in deps.store.searches(pass_id) if s.search_id not in current)
    return {line.record.record_id: (line, place_of(line, gone)) for line in _lines(deps.store, pass_id)}


# Records -----------------------------------------------------------------------------------------


def _lines(store: Store, pass_id: str) -> Iterable[RecordLine]:
    """Every record that any search of a pass brought, in the order in which they came."""
    found: dict[tuple[str, str], list[str]] = {}
    for search in store.searches(pass_id):
        if search.kind in ASIDE:
            continue
        for key in store.hits(search.search_id):
            found.setdefault(key, []).append(search.search_id)
    newest = {record_id: (record_id, version) for record_id, version in found}
    searched: dict[str, list[str]] = {}
    for (record_id, _version), search_ids in found.items():
        searched.setdefault(record_id, []).extend(search_ids)
    standing = {
        step: store.outcomes(pass_id, step)
        for step in ("retrieve", "prefilter", "screen", "fulltext", "extract")
    }
    machine = {step: store.machine_outcomes(pass_id, step) for step in ("screen", "extract")}
    for record in store.records(newest.values()):
        yield _line(record, tuple(dict.fromkeys(searched[record.record_id])), standing, machine)


def _line(
    record: Record,
    search_ids: tuple[str, ...],
    standing: Mapping[str, Mapping[str, StoredOutcome]],
    machine: Mapping[str, Mapping[str, StoredOutcome]],
) -> RecordLine:
    key = record.record_id
    group = _live(standing["retrieve"].get(key))
    screened, read = machine["screen"].get(key), machine["extract"].get(key)
    if _live(standing["screen"].get(key)) is None:
        screened = None
    if _live(standing["extract"].get(key)) is None:
        read = None
    told: Mapping[str, Any] = {} if group is None else group.outcome.content
    return RecordLine(
        record=record,
        search_ids=search_ids,
        duplicate_of=told.get("duplicate_of"),
        seen_before=group is not None and group.outcome.kind == "seen_before",
        changed=tuple(told.get("changed", ())),
        earlier=(group.outcome.reason or "") if group is not None and "earlier" in told else "",
        prefilter=_prefilter(_live(standing["prefilter"].get(key))),
        verdict=_verdict(screened),
        failure=_failure(screened),
        title_abstract=_decision(_live(standing["screen"].get(key))),
        report=_report(_live(standing["fulltext"].get(key))),
        full_text_verdict=_verdict(read),
        full_text_failure=_failure(read),
        full_text=_decision(_live(standing["extract"].get(key))),
    )


def _live(stored: StoredOutcome | None) -> StoredOutcome | None:
    return None if stored is None or stored.outcome.kind == "superseded" else stored


def _prefilter(stored: StoredOutcome | None) -> Prefilter | None:
    if stored is None or stored.outcome.content["rank"] is None:
        return None
    content = stored.outcome.content
    kept = stored.outcome.kind == "passed" and not content["audit"]
    return Prefilter(rank=content["rank"], score=content["score"], kept=kept, audit=content["audit"])


def _verdict(stored: StoredOutcome | None) -> RecordVerdict | None:
    if stored is None or "verdict" not in stored.outcome.content:
        return None
    return RecordVerdict.model_validate(stored.outcome.content["verdict"])


def _failure(stored: StoredOutcome | None) -> Failed | None:
    if stored is None or "failure" not in stored.outcome.content:
        return None
    return Failed.model_validate(stored.outcome.content["failure"])


def _decision(stored: StoredOutcome | None) -> FinalDecision | None:
    """A decision is final when a person or a rule of the protocol is behind it."""
    if stored is None or stored.outcome.reader.startswith("machine:"):
        return None
    outcome = stored.outcome
    said = outcome.content.get("decision", outcome.kind)
    kind = outcome.kind if outcome.kind in ("passed", "excluded") else said
    if kind not in ("passed", "excluded", "ongoing", "awaiting_classification"):
        return None
    return FinalDecision(kind=kind, reason=outcome.reason, by=outcome.reader, how=outcome.content["how"])


def _report(stored: StoredOutcome | None) -> ReportStatus | None:
    if stored is None:
        return None
    outcome = stored.outcome
    state = {"passed": "retrieved", "waiting": "not_retrieved", "failed": "unreadable"}[outcome.kind]
    foreign = outcome.content.get("needs_translation")
    told = [outcome.reason or "; ".join(outcome.content.get("warnings", ()))]
    told += [f"to be translated from {foreign}"] if foreign else []
    why = "; ".join(filter(None, told))
    return ReportStatus(state=state, why=why, source=outcome.content.get("source", ""))
