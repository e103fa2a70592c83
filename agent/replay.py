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
from agent.wiring import TASKS, engine, engine_use, silent
from graphs.accounts import check_all
from graphs.deps import Deps, SourceUse
from graphs.driver import advance
from graphs.steps.report import rendered
from model.engine import call_key
from model.ranking import ranker
from model.wrappers import Replayed
from tools.errors import ReplayMiss, StoreError
from tools.exchange import key_of
from tools.fulltext.finding import NotFound, Stored
from tools.logs import Exchanges, ScoreLog
from tools.protocol import PubmedSource
from tools.schemas import Artefact, Record
from tools.search.notes import Notes
from tools.search.sources.base import DateRange
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
    kinds = {"run", "edited", "decided", "grouped"}
    return [event for event in review.store.events(review.pass_id) if event.kind in kinds]


def _follow(original: Review, copy: Review) -> None:
    from langgraph.checkpoint.memory import InMemorySaver

    saver = InMemorySaver()
    copy.store.open_pass(original.pass_id, "replay")
    events = original.store.events(original.pass_id)
    artefacts = {
        artefact.artefact_id: (artefact, at) for artefact, at in original.store.artefacts(original.pass_id)
    }
    for place, event in enumerate(events):
        if event.kind == "run":
            _add_protocols(original, copy, int(event.content["revision"]))
            advance(replay_deps(original, copy, event, _horizon(events[place:])), saver)
        elif event.kind == "edited":
            _edit_again(copy, *artefacts[str(event.content["artefact_id"])], artefacts)
        elif event.kind == "decided":
            _decide_again(original, copy, str(event.content["artefact_id"]))
        elif event.kind == "grouped":
            link, at = original.store.study_links(original.pass_id)[len(copy.store.study_links(copy.pass_id))]
            copy.store.add_study_link(copy.pass_id, link, at)


def _horizon(events: list[Event]) -> int | None:
    """The newest exchange that the run beginning here could have seen; a killed run has no end of its own."""
    ends = (event.content["exchanges"] for event in events if event.kind == "halted")
    return next(ends, None)


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


def _decide_again(original: Review, copy: Review, artefact_id: str) -> None:
    approval = original.store.approval(artefact_id)
    artefact = next(a for a, _ in original.store.artefacts(original.pass_id) if a.artefact_id == artefact_id)
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


def replay_deps(original: Review, copy: Review, run: Event, horizon: int | None) -> Deps:
    """What the steps use in a replay: the original's log behind every face."""
    protocols = copy.store.protocols()
    config, environment = config_of(protocols[-1]), protocols[-1].content["environment"]
    exchanges = original.exchanges if horizon is None else original.exchanges.until(horizon)
    engines, uses = _engines(original, config, environment)
    return Deps(
        store=copy.store,
        config=config,
        protocols=protocols,
        review_id=config.review_id,
        pass_id=copy.pass_id,
        engines=engines,
        in_flight=dict.fromkeys(TASKS, 1),
        ranker=ranker(environment["embedder"], None, ScoreLog(original.database)),
        sources=_sources(original, protocols[-1], exchanges),
        texts=Stored(_Missing(original), exchanges, copy.clock),
        notes=Notes(environment["vocabulary"], None, exchanges, copy.clock, live=False),
        out=copy.home.out,
        progress=silent,
        version=_version(),
        engine_uses=uses,
        given=f"{horizon}:{len(copy.store.study_links(copy.pass_id))}",
        attempt=int(run.content["attempt"]),
    )


def _engines(original: Review, config: Any, environment: Mapping[str, str]) -> tuple[dict[str, Any], Any]:
    # A backend tells what it would be asked by names alone, so no model and no vocabulary is loaded.
    none = environment["vocabulary"] == "none"
    words: Any = None if none else SimpleNamespace(identity=environment["vocabulary"])
    vectors: Any = SimpleNamespace(name=environment["embedder"])
    settings = {task: config.engine.for_task(task) for task in TASKS}
    backends = {task: engine(settings[task], words, vectors) for task in TASKS}
    engines: dict[str, Any] = {t: Replayed(backend, original.calls) for t, backend in backends.items()}
    return engines, tuple(engine_use(task, backends[task], settings[task]) for task in TASKS)


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
        if isinstance(settings, PubmedSource):
            source: Any = PubMedSource(way_out, email="replay@localhost.invalid")
        else:
            source = Recorded(settings.name, settings.kind_in_prisma, None, exchanges, original.clock)
        dates = DateRange(start=settings.start, end=settings.end)
        told = settings.model_dump(mode="json", by_alias=True)
        uses.append(SourceUse(source, dates, settings.limit, told))
    return uses


class _Missing:
    """What the original could not find stays not found, for the reason that it stored."""

    def __init__(self, original: Review) -> None:
        self.reasons = {
            stored.outcome.record_id: str(stored.outcome.content["why"])
            for stored in original.store.outcome_log(original.pass_id)
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
    lines = [
        f"  {step}: {counts['entered']} entered = "
        + " + ".join(f"{n} {kind}" for kind, n in counts.items() if kind != "entered")
        for step, counts in check_all(review.store, review.pass_id).items()
    ]
    return "\n".join(["Every record is accounted for:", *lines])


def _hashes(review: Review) -> str:
    shown = {a.artefact_id: a.sha256 for a, _ in review.store.artefacts(review.pass_id)}
    approvals = review.store.approvals(review.pass_id)
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


def _outputs(review: Review) -> str:
    run = next(e for e in reversed(review.store.events(review.pass_id)) if e.kind == "run")
    expected, found = rendered(replay_deps(review, review, run, None)), _bytes(review.home.out)
    different = sorted(n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n))
    if different:
        raise StoreError(
            f"{review.home.out}: {', '.join(different)} do not match the log. "
            "Remedy: `python -m agent resume` rebuilds them; edits belong into the review, not into out/."
        )
    return f"{len(found)} files in out/ are what the log says, and the PRISMA equations hold."
