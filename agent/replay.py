"""The same graph over what was stored: no network, no model, no file of the reviewer's.

A replay is a fresh review in a scratch folder. It takes the people's part from the original's log
(protocol revisions, edits, decisions, groupings, in their order) and the world's part from its stored
exchanges, calls and scores. If the program and the log agree, `out/` comes out the same to the byte.
"""

from __future__ import annotations

import difflib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from agent.commands import Done, decide
from agent.home import Home
from agent.review import Review, config_of
from agent.wiring import bias_tool, engines, silent, tasks_of, trials
from graphs.accounts import check_all, check_versions
from graphs.deps import Deps, SourceUse
from graphs.driver import advance
from graphs.steps.report import rendered
from model.building import Backends, Rooms
from model.engine import call_key
from model.ranking import ranker
from model.wrappers import Corrected, Replayed
from tools.errors import ReplayMiss, StoreError
from tools.exchange import key_of
from tools.fulltext.finding import NotFound, Stored
from tools.logs import Exchanges, ScoreLog
from tools.protocol import CtgovSource, EuropepmcSource, PubmedSource, ReviewConfig
from tools.schemas import Artefact, Record
from tools.search.notes import Notes
from tools.search.sources.base import DateRange
from tools.search.sources.citations import CitationIndex
from tools.search.sources.recorded import Recorded
from tools.store import Event, Protocol

__all__ = ["replay", "verify"]


def replay(given: Path, *, compare: bool, folder: Path | None = None, into: Path | None = None) -> Done:
    """Run the review again from what it stored.

    Args:
        compare: also compare the outputs with the original's, byte by byte.
        folder: home of the original, where it is not beside review.yaml.
        into: keep the replayed review here instead of a temporary folder.

    Raises:
        ReplayMiss: something was asked that the original never stored, or came out another way.
    """
    home = Home.of(given, folder)
    with Review.open(home) as original, tempfile.TemporaryDirectory() as scratch:
        again = Home(home.yaml, into or Path(scratch))
        if again.database.exists():
            raise StoreError(
                f"{again.folder} holds a review already. Remedy: choose an empty folder for --into."
            )
        with Review.open(again) as copy:
            _follow(original, copy)
        told = [f"Replayed {len(_cues(original))} commands" + (f" into {into}." if into else ".")]
        if compare:
            told.append(_compared(home.out, again.out))
    return Done("\n".join(told))


def _cues(review: Review) -> list[Event]:
    """What people did, in order."""
    kinds = {"run", "edited", "decided", "grouped", "compared", "entered"}
    passes = review.store.passes()
    return [event for each in passes for event in review.store.events(each) if event.kind in kinds]


def _follow(original: Review, copy: Review) -> None:
    from langgraph.checkpoint.memory import InMemorySaver

    saver = InMemorySaver()
    for pass_id in original.store.passes():
        told = original.store.opened(pass_id)
        copy.store.open_pass(pass_id, told.kind, told.content or None, told.at)
        _follow_pass(original, copy, pass_id, saver)


def _follow_pass(original: Review, copy: Review, pass_id: str, saver: Any) -> None:
    events = original.store.events(pass_id)
    artefacts = {artefact.artefact_id: (artefact, at) for artefact, at in original.store.artefacts(pass_id)}
    for place, event in enumerate(events):
        if event.kind == "run":
            _add_protocols(original, copy, int(event.content["revision"]))
            _run_again(original, copy, event, _halted(events[place:]), saver)
        elif event.kind == "edited":
            _edit_again(copy, *artefacts[str(event.content["artefact_id"])], artefacts)
        elif event.kind == "decided":
            _decide_again(original, copy, artefacts[str(event.content["artefact_id"])][0])
        elif event.kind == "grouped":
            link, at = original.store.study_links(pass_id)[len(copy.store.study_links(pass_id))]
            copy.store.add_study_link(pass_id, link, at)
        elif event.kind == "entered":
            told = original.store.readings(pass_id)[len(copy.store.readings(pass_id))]
            copy.store.add_reading(pass_id, told.artefact_id, told.cells, told.by, told.at)
        elif event.kind == "compared":
            known = len(copy.store.duplicate_decisions(pass_id))
            decision, at = original.store.duplicate_decisions(pass_id)[known]
            copy.store.add_duplicate_decision(pass_id, decision, at)


def _run_again(original: Review, copy: Review, run: Event, halted: Event | None, saver: Any) -> None:
    """As far as the run came: one that stopped, such as at a service that did not answer, ends where the
    log does, and what it lacked is there for the next one."""
    horizon = None if halted is None else int(halted.content["exchanges"])
    try:
        advance(replay_deps(original, copy, run, horizon), saver)
    except ReplayMiss:
        if halted is None or not halted.content.get("stopped"):
            raise


def _halted(events: list[Event]) -> Event | None:
    """How the run beginning here ended; a killed run has no end of its own, but that of the next one."""
    return next((event for event in events if event.kind == "halted"), None)


def _add_protocols(original: Review, copy: Review, upto: int) -> None:
    known = {protocol.revision for protocol in copy.store.protocols()}
    for protocol in original.store.protocols():
        if protocol.revision <= upto and protocol.revision not in known:
            copy.store.add_protocol(protocol)


def _edit_again(copy: Review, made: Artefact, at: str, artefacts: Mapping[str, tuple[Artefact, str]]) -> None:
    parent, _ = artefacts[str(made.parent_id)]
    standing = _same(copy, parent)
    copy.store.add_artefact(
        copy.pass_id,
        made.step,
        made.content,
        author=made.author,
        basis=standing.basis,
        parent=standing,
        note=made.note,
        at=at,
    )


def _decide_again(original: Review, copy: Review, artefact: Artefact) -> None:
    approval = original.store.approval(artefact.artefact_id)
    assert approval is not None
    standing = _same(copy, artefact)
    decide(copy, standing, by=approval.by, decision=approval.decision, note=approval.note, at=approval.at)


def _same(copy: Review, wanted: Artefact) -> Artefact:
    """What the replay's gate shows, if it is what the person saw.

    Raises:
        ReplayMiss: it is something else.
    """
    standing = copy.store.artefact(copy.pass_id, wanted.step)
    if standing is not None and standing.sha256 == wanted.sha256:
        return standing
    now = {} if standing is None else standing.content
    raise ReplayMiss(
        f"the gate `{wanted.step}` shows something else than the person decided about:\n"
        + _difference(wanted.content, now)
    )


def _difference(old: Any, new: Any) -> str:
    one, other = (
        json.dumps(x, indent=1, sort_keys=True, ensure_ascii=False).splitlines() for x in (old, new)
    )
    return "\n".join(list(difflib.unified_diff(one, other, "then", "now", lineterm="", n=1))[:40])


def _compared(out: Path, again: Path) -> str:
    """Say that all files are equal.

    Raises:
        ReplayMiss: which are not.
    """
    one, other = (_bytes(folder) for folder in (out, again))
    different = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    if different:
        raise ReplayMiss(
            f"outputs differ: {', '.join(different)}. Compare them after `replay --into FOLDER`."
        )
    return f"{len(one)} output files byte-identical: {', '.join(sorted(one))}."


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


# Stored things in the place of live ones ---------------------------------------------------------


def replay_deps(
    original: Review, copy: Review, run: Event, horizon: int | None, pass_id: str | None = None
) -> Deps:
    """What the steps use in a replay: the original's log behind every face, as it was at a run of a pass."""
    pass_id = pass_id or copy.pass_id
    protocols = [one for one in copy.store.protocols() if one.revision <= int(run.content["revision"])]
    config, environment = config_of(protocols[-1]), protocols[-1].content["environment"]
    exchanges = original.exchanges if horizon is None else original.exchanges.until(horizon)
    made, uses = _engines(original, config, environment)
    return Deps(
        store=copy.store,
        config=config,
        protocols=protocols,
        review_id=config.review_id,
        pass_id=pass_id,
        engines=made,
        in_flight=dict.fromkeys(tasks_of(config), 1),
        ranker=ranker(environment["embedder"], None, ScoreLog(original.database)),
        sources=_sources(original, protocols[-1], exchanges),
        citations=_citations(config, exchanges),
        texts=Stored(_Missing(original, pass_id), exchanges, copy.clock),
        notes=Notes(environment["vocabulary"], None, exchanges, copy.clock, live=False),
        out=copy.home.out,
        progress=silent,
        version=_version(),
        trials=_trials(config, exchanges),
        bias_tool=bias_tool(config, environment),
        engine_uses=uses,
        given=f"{horizon}:{len(copy.store.study_links(pass_id))}"
        f":{len(copy.store.duplicate_decisions(pass_id))}:{len(copy.store.readings(pass_id))}",
        attempt=int(run.content["attempt"]),
        operator=str(run.content["by"]),
        signed=_signatures(original),
    )


def _signatures(original: Review) -> dict[str, dict[str, str]]:
    return {
        search.search_id: {
            key: search.result.parameters[key]
            for key in ("tool", "operator")
            if key in search.result.parameters
        }
        for pass_id in original.store.passes()
        for search in original.store.searches(pass_id)
    }


def _engines(original: Review, config: Any, environment: Mapping[str, str]) -> tuple[dict[str, Any], Any]:
    # A backend tells what it would be asked by names alone, so no model and no vocabulary is loaded.
    none = environment["vocabulary"] == "none"
    words: Any = None if none else SimpleNamespace(identity=environment["vocabulary"])
    vectors: Any = SimpleNamespace(name=environment["embedder"])
    scores = ScoreLog(original.database)
    return engines(
        config,
        Backends(words, vectors, original.home.yaml.parent),
        lambda backend, _settings: Corrected(Replayed(backend, original.calls)),
        Rooms(original.home.yaml.parent, scores, live=False),
        None,
    )


def _trials(config: ReviewConfig, exchanges: Exchanges) -> Any:
    from tools.search.sources import ctgov
    from tools.transport import Transport

    with tempfile.TemporaryDirectory() as cache:
        services = {ctgov.SERVICE: ctgov.service(None)}
        return trials(config, Transport(services, exchanges, cache=Path(cache), replay_only=True))


def _citations(config: ReviewConfig, exchanges: Exchanges) -> CitationIndex | None:
    from tools import eutils
    from tools.search.sources import europepmc
    from tools.search.sources.citations import EuropePmcCitations, PubMedCitations
    from tools.transport import Transport

    wanted = config.search.citations
    if wanted is None:
        return None
    services = {eutils.SERVICE: eutils.service(None), europepmc.SERVICE: europepmc.service(None)}
    with tempfile.TemporaryDirectory() as cache:
        way_out = Transport(services, exchanges, cache=Path(cache), replay_only=True)
    if wanted.source == "europepmc":
        return EuropePmcCitations(way_out)
    return PubMedCitations(way_out, email="replay@localhost.invalid")


def _sources(original: Review, protocol: Protocol, exchanges: Exchanges) -> list[SourceUse]:
    from tools import eutils
    from tools.search.sources.pubmed import PubMedSource
    from tools.transport import Transport

    uses = []
    with tempfile.TemporaryDirectory() as cache:
        way_out = Transport(
            {eutils.SERVICE: eutils.service(None)}, exchanges, cache=Path(cache), replay_only=True
        )
    for settings in config_of(protocol).sources:
        if isinstance(settings, EuropepmcSource | CtgovSource):
            kind = "register" if isinstance(settings, CtgovSource) else "database"
            source: Any = Recorded(settings.name, kind, None, exchanges, original.clock)
        elif isinstance(settings, PubmedSource):
            source = PubMedSource(way_out, email="replay@localhost.invalid", batch_size=settings.batch_size)
        else:
            source = Recorded(settings.name, settings.kind_in_prisma, None, exchanges, original.clock)
        dates = DateRange(start=settings.start, end=settings.end)
        told = settings.model_dump(mode="json", by_alias=True)
        uses.append(SourceUse(source, dates, settings.limit, told))
    return uses


class _Missing:
    """What the original could not find stays not found, for the reason that it stored."""

    def __init__(self, original: Review, pass_id: str) -> None:
        self.reasons = {
            stored.outcome.record_id: str(stored.outcome.content["why"])
            for stored in original.store.outcome_log(pass_id)
            if stored.outcome.step == "fulltext" and "why" in stored.outcome.content
        }

    def find(self, record: Record, look: int = 1) -> NotFound:
        """The stored reason.

        Raises:
            ReplayMiss: the original found it, or never looked.
        """
        if record.record_id not in self.reasons:
            raise ReplayMiss(
                f"the review holds neither a full text of {record.record_id} nor why there is none"
            )
        return NotFound(self.reasons[record.record_id])


def _version() -> str:
    from importlib.metadata import version

    return version("leads-agent")


# Verify ------------------------------------------------------------------------------------------


def verify(given: Path, *, folder: Path | None = None) -> Done:
    """Check that the log holds together and that `out/` is what it says.

    Raises:
        StoreError: the first thing that does not hold.
        Unaccounted: records do not add up.
    """
    home = Home.of(given, folder)
    with Review.open(home) as review:
        told = [_accounts(review), _hashes(review), _keys(review), _bodies(review)]
        if home.out.is_dir():
            told.append(_outputs(review))
    return Done("\n".join([*told, "All equations hold."]))


def _accounts(review: Review) -> str:
    passes = review.store.passes()
    lines = []
    for each in passes:
        lines += [f"pass {each}:"] if len(passes) > 1 else []
        lines += [
            f"  {step}: {counts['entered']} entered = "
            + " + ".join(f"{n} {kind}" for kind, n in counts.items() if kind != "entered")
            for step, counts in check_all(review.store, each).items()
        ]
        if each != passes[0]:
            over = check_versions(review.store, each)
            lines.append(
                f"  reports: {over['before']} before - {over['excluded']} excluded again + {over['new']} new = "
                f"{over['now']}"
            )
    return "\n".join(["Every record is accounted for:", *lines])


def _hashes(review: Review) -> str:
    passes = review.store.passes()
    shown = {a.artefact_id: a.sha256 for each in passes for a, _ in review.store.artefacts(each)}
    approvals = [approval for each in passes for approval in review.store.approvals(each)]
    for approval in approvals:
        if shown.get(approval.artefact_id) != approval.artefact_sha256:
            raise StoreError(f"the approval of {approval.artefact_id} is for other content than is stored.")
    return f"{len(approvals)} decisions, each about exactly what is stored."


def _keys(review: Review) -> str:
    calls = 0
    for call in review.calls.all():
        calls += 1
        if call.key != call_key(call.request):
            raise StoreError(f"call {call.key} is not the call that it stores: its row was changed.")
    exchanges = list(review.exchanges.all())
    for exchange in exchanges:  # reading a body compares it with its hash
        if exchange.key != key_of(exchange.request):
            raise StoreError(f"exchange {exchange.key} is not the one that it stores: its row was changed.")
    return f"{calls} calls and {len(exchanges)} exchanges carry the keys of their content."


def _bodies(review: Review) -> str:
    names = review.store.blobs.names()
    for name in names:
        review.store.blobs.get(name)  # compares the body with its name
    return f"{len(names)} stored bodies are what their names say."


def _reported(review: Review) -> tuple[str, Event]:
    """The newest pass that has made a report, and its last run: an update under way has not touched `out/`."""
    for pass_id in reversed(review.store.passes()):
        events = review.store.events(pass_id)
        if any((event.step, event.kind) == ("report", "finished") for event in events):
            break
    else:
        pass_id = review.pass_id
        events = review.store.events(pass_id)
    return pass_id, next(event for event in reversed(events) if event.kind == "run")


def _outputs(review: Review) -> str:
    pass_id, run = _reported(review)
    expected = rendered(replay_deps(review, review, run, None, pass_id))
    found = _bytes(review.home.out)
    different = sorted(n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n))
    if different:
        raise StoreError(
            f"{review.home.out}: {', '.join(different)} do not match the log. "
            "Remedy: `python -m agent resume` rebuilds them; edits belong into the review, not into out/."
        )
    return f"{len(found)} files in out/ are what the log says, and the PRISMA equations hold."
