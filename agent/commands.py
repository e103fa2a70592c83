"""One function per verb; each returns a `Done`. Terminal, chat and web page call the same functions."""

from __future__ import annotations

import getpass
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from agent import config as configuration
from agent.home import Clock, Home, system_clock
from agent.review import Review, attempts
from agent.wiring import Progress, cache_folder, live_deps, silent
from tools.errors import ConfigError, NotAllowed, ReviewError
from tools.protocol_values import Gate
from tools.schemas import Approval, Artefact, Decision, Record
from tools.store import Event, StoredOutcome

__all__ = [
    "WAITING",
    "Done",
    "approve",
    "check",
    "edit",
    "group",
    "init",
    "is_finished",
    "open_gate",
    "resume",
    "run",
    "schema",
    "shown_gate",
    "status",
    "texts_of",
    "trace",
    "vocabulary_install",
]

WAITING = 3
"""Exit status: a person must decide before the review can go on."""

GATES = get_args(Gate)


@dataclass(frozen=True)
class Done:
    """What a command has to say, and the exit status it stands for; `beside` is about the text, for people."""

    text: str
    status: int = 0
    beside: str = ""


def whoami() -> str:
    """The name of whoever runs the command, where none is given."""
    return getpass.getuser()


# Before a run ------------------------------------------------------------------------------------


def init(folder: Path, title: str) -> Done:
    """Write a commented review.yaml to begin with.

    Raises:
        ConfigError: there is one already.
    """
    path = folder / "review.yaml"
    if path.exists():
        raise ConfigError(f"{path} exists already. Remedy: edit it, or choose another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(configuration.template(title), encoding="utf-8")
    return Done(f"Wrote {path}. Fill in the places marked << … >>, then: python -m agent check {path}")


def check(given: Path, overrides: configuration.Overrides) -> Done:
    """Every value of review.yaml with its origin, and what will probably be regretted."""
    loaded = configuration.load(Home.of(given).yaml, overrides)
    notes = [f"warning: {note}" for note in configuration.warnings(loaded.config)]
    return Done("\n".join([configuration.describe(loaded), "", *notes, f"{given}: no mistakes found."]))


def schema() -> Done:
    """JSON Schema of review.yaml, for editors."""
    import json

    return Done(json.dumps(configuration.json_schema(), indent=2, ensure_ascii=False))


def vocabulary_install(source: Path | None, target: Path | None = None) -> Done:
    """Install MeSH from NLM's descriptor file: a given one, or downloaded."""
    from tools.search import vocabulary

    path = target or cache_folder() / "mesh.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    if source is not None:
        made = vocabulary.install(path, source)
    else:
        from tools.search.vocabulary_download import download

        with download(cache_folder()) as stream:
            made = vocabulary.install(path, stream)
    with made:
        return Done(f"Installed {path} ({made.identity}).")


# Running -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Running:
    """How a run is to go, besides the protocol."""

    folder: Path | None = None
    clock: Clock = system_clock
    progress: Progress = silent
    addresses: Mapping[str, str] = field(default_factory=dict)
    """Services by name (see `wiring.SERVICES`) to other addresses than the usual."""
    patience_s: float | None = None
    reason: str | None = None
    retry_failed: bool = False


def run(given: Path, overrides: configuration.Overrides, how: Running) -> Done:
    """Begin a review, or go on with it, to the next gate or to the report."""
    home = Home.of(given, how.folder)
    return _advance(home, overrides or None, how, given)


def resume(given: Path, how: Running) -> Done:
    """Go on with a review that was begun.

    Raises:
        ConfigError: there is nothing to go on with.
    """
    home = Home.of(given, how.folder)
    if not home.database.is_file():
        raise ConfigError(f"{home.folder}: nothing to resume. Remedy: python -m agent run {given}")
    return _advance(home, None, how, given)


def _advance(home: Home, overrides: configuration.Overrides | None, how: Running, given: Path) -> Done:
    from agent.protocol import ensure_protocol
    from graphs.driver import advance, checkpoints

    with home.driving(), Review.open(home, how.clock) as review:
        ensure_protocol(review, overrides=overrides, reason=how.reason, author=f"person:{whoami()}")
        addresses = known_addresses(review, how.addresses)
        attempt = attempts(review) + how.retry_failed
        deps = live_deps(
            review,
            progress=how.progress,
            addresses=addresses,
            patience_s=how.patience_s,
            attempt=attempt,
            operator=whoami(),
        )
        # A replay does again what was done, in the same order: this line is its cue.
        engines = {use.task: [use.name, use.prompt] for use in deps.engine_uses}
        told = {"by": whoami(), "revision": deps.revision, "attempt": attempt, "engines": engines}
        review.store.log(review.pass_id, Event("review", "run", told))
        stopped = ""
        try:
            with checkpoints(home.checkpoints) as saver:
                halt = advance(deps, saver)
        except ReviewError as e:
            stopped = type(e).__name__
            raise
        finally:
            ended = {"exchanges": review.exchanges.last, "stopped": stopped}
            review.store.log(review.pass_id, Event("review", "halted", ended))
        if halt.kind == "gate":
            return Done(_gate_told(review, halt.step, given, how.folder), WAITING)
        if halt.kind == "rejected":
            return Done(
                f"A person rejected the review at a gate; it ends here. See: {_command('status', given, how.folder)}",
                1,
            )
        return Done(_finished(review))


def known_addresses(review: Review, given: Mapping[str, str]) -> dict[str, str]:
    """Where services are: by flags, else by the flags of earlier runs. They are no part of the protocol."""
    known: dict[str, str] = {}
    for each in review.store.passes():
        for event in review.store.events(each):
            if event.kind == "address":
                known |= event.content
    if new := {name: address for name, address in given.items() if known.get(name) != address}:
        review.store.log(review.pass_id, Event("review", "address", new))
    return {**known, **given}


def _finished(review: Review) -> str:
    from graphs.accounts import check_all, check_versions

    counts = check_all(review.store, review.pass_id)
    told = f"Done: {counts.get('approve', {}).get('passed', 0)} reports included."
    if review.pass_id != review.store.passes()[0]:
        over = check_versions(review.store, review.pass_id)
        told = (
            f"Done: {over['before']} reports before - {over['excluded']} excluded again + {over['new']} new = "
            f"{over['now']} reports included."
        )
    return f"{told} The report: {review.home.out / 'report.html'}"


def _gate_told(review: Review, step: str, given: Path, folder: Path | None) -> str:
    from agent.importing import searches_told

    shown = shown_gate(review, step)
    if step == "screen":
        told = [searches_told(review), *_look_alikes(review, given, folder), shown]
        shown = "\n\n".join(told)
    go = [
        f"The review waits at the gate `{step}` for a person. Decide with one of:",
        f"  {_command('approve', given, folder, f'--gate {step}')} --by YOUR-NAME",
        f"  {_command('edit', given, folder, f'{step} --file FILE')} --by YOUR-NAME",
        f"  {_command('reject', given, folder, f'--gate {step}')} --by YOUR-NAME --note WHY",
        f"then: {_command('resume', given, folder)}",
    ]
    return "\n".join([shown, "", *go])


def _look_alikes(review: Review, given: Path, folder: Path | None) -> list[str]:
    """Records that only a person can join or keep apart, best settled before they are screened twice."""
    compared = review.store.artefact(review.pass_id, "retrieve")
    pairs = len(compared.content["doubts"]) if compared else 0
    if not pairs:
        return []
    which = (
        "1 pair of records looks alike and is"
        if pairs == 1
        else f"{pairs} pairs of records look alike and are"
    )
    return [f"{which} not joined; decide with: {_command('duplicates', given, folder)}"]


def _command(verb: str, given: Path, folder: Path | None, more: str = "") -> str:
    home = f" --home {folder}" if folder else ""
    return f"python -m agent {verb} {given}{' ' + more if more else ''}{home}"


# Deciding ----------------------------------------------------------------------------------------


def open_gate(review: Review, step: str | None) -> Artefact:
    """The artefact at the gate that waits: the named one, or the only one.

    Raises:
        NotAllowed: no gate is open, or not this one.
    """
    waiting = [
        artefact
        for name in GATES
        if name in review.config.gates
        and (artefact := review.store.artefact(review.pass_id, name)) is not None
        and review.store.approval(artefact.artefact_id) is None
    ]
    if step is not None:
        waiting = [artefact for artefact in waiting if artefact.step == step]
    if not waiting:
        which = f"the gate `{step}` is" if step else "no gate is"
        raise NotAllowed(
            f"{which} {'not ' if step else ''}waiting for a decision; see `python -m agent status`."
        )
    return waiting[0]


def shown_gate(review: Review, step: str | None) -> str:
    """What a gate shows; the whole list is written to the folder `gates` as well."""
    from agent.showing import gate_files, gate_text

    artefact = open_gate(review, step)
    paths = []
    for name, text in gate_files(artefact, *_listed(review, artefact)).items():
        review.home.gates.mkdir(parents=True, exist_ok=True)
        path = review.home.gates / name
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return gate_text(artefact, paths)


def approve(
    given: Path,
    *,
    step: str | None,
    by: str | None,
    note: str = "",
    decision: Decision = "approve",
    shown: str | None = None,
    folder: Path | None = None,
    clock: Clock = system_clock,
) -> Done:
    """Decide at a gate about exactly what it shows; works while another process runs the review.

    Args:
        shown: hash of what the person was shown; None shows it first and takes that.

    Raises:
        NotAllowed: no gate is open, or it shows something else by now.
    """
    from graphs.gates import obstacles

    with Review.open(Home.of(given, folder), clock) as review:
        artefact = open_gate(review, step)
        if shown is not None and not (len(shown) >= 8 and artefact.sha256.startswith(shown)):
            raise NotAllowed(
                f"the gate `{artefact.step}` shows {artefact.sha256[:16]}… now, not {shown}. "
                "Look at it again with `python -m agent status`, then decide about that."
            )
        if decision == "approve" and (lacking := obstacles(artefact, note)):
            listed = "\n".join(f"  {line}" for line in lacking)
            raise NotAllowed(f"the gate `{artefact.step}` cannot be approved yet:\n{listed}")
        text = "" if shown is not None else shown_gate(review, artefact.step) + "\n\n"
        decide(review, artefact, by=by or whoami(), decision=decision, note=note)
        word = "Approved" if decision == "approve" else "Rejected"
        told = f"{word} by {by or whoami()}: {artefact.artefact_id} ({artefact.sha256[:16]}…)."
        return Done(f"{text}{told}\nGo on with: {_command('resume', given, folder)}")


def decide(
    review: Review, artefact: Artefact, *, by: str, decision: Decision, note: str = "", at: str | None = None
) -> None:
    """Store a decision and what it means for every listed record, as one transaction."""
    from graphs.accounts import FLOW
    from graphs.gates import decisions

    approval = Approval(
        step=artefact.step,
        artefact_id=artefact.artefact_id,
        artefact_sha256=artefact.sha256,
        decision=decision,
        by=by,
        note=note,
        at=at or review.clock(),
    )
    outcomes = []
    if decision == "approve" and artefact.step in FLOW:
        standing = review.store.outcomes(review.pass_id, artefact.step)
        outcomes = decisions(artefact, by, standing)
    review.store.approve(review.pass_id, approval, revision_of(review, artefact.step), outcomes)
    told = {"by": by, "decision": decision, "artefact_id": artefact.artefact_id, "sha256": artefact.sha256}
    review.store.log(review.pass_id, Event(artefact.step, "decided", {**told, "note": note}))


def revision_of(review: Review, step: str) -> int:
    """The protocol revision since which nothing has changed that a step depends on."""
    from graphs.deps import effective_revision

    return effective_revision(review.store.protocols(), step)


def edit(
    given: Path,
    *,
    step: str,
    file: Path,
    by: str | None,
    note: str = "",
    folder: Path | None = None,
    clock: Clock = system_clock,
) -> Done:
    """Put a new revision of an artefact under its gate; it is to be approved in turn.

    Raises:
        NotAllowed: the gate is not open.
        ConfigError: the file is missing, or the edit does not fit.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"{file} cannot be read as text: {e}. Remedy: give an existing UTF-8 file.") from e
    with Review.open(Home.of(given, folder), clock) as review:
        made = store_edit(review, open_gate(review, step), text, by=by or whoami(), note=note)
        return Done(f"{shown_gate(review, step)}\n\nStored as {made.artefact_id}; it is to be approved now.")


def editable(given: Path, *, folder: Path | None = None) -> tuple[str, str, str]:
    """What the open gate shows, in the form that `edit` takes: (step, text, file suffix)."""
    import yaml

    from agent.showing import gate_files

    with Review.open(Home.of(given, folder)) as review:
        artefact = open_gate(review, None)
        content = artefact.content
        if artefact.step == "pico":
            return "pico", yaml.safe_dump(content["elements"], sort_keys=False, allow_unicode=True), ".yaml"
        if artefact.step == "query":
            return "query", str(content["text"]) + "\n", ".txt"
        files = gate_files(artefact, *_listed(review, artefact))
        if not files:
            raise NotAllowed(
                f"the gate `{artefact.step}` has nothing to edit yet: people still read, each alone. "
                "Remedy: `form`, then `enter`."
            )
        return artefact.step, next(iter(files.values())), ".csv"


def _listed(review: Review, artefact: Artefact) -> tuple[dict[str, Record], dict[str, StoredOutcome]]:
    """The records of a list and what the machine said about them."""
    keys = [(x["record_id"], x["record_version"]) for x in artefact.content.get("dispositions", ())]
    records = {record.record_id: record for record in review.store.records(keys)}
    return records, review.store.machine_outcomes(review.pass_id, artefact.step)


def store_edit(review: Review, artefact: Artefact, text: str, *, by: str, note: str) -> Artefact:
    """Store a person's edit as the next revision."""
    from graphs.edits import edited

    content = edited(artefact.step, artefact.content, text, by, texts_of(review, artefact))
    same = "text" if artefact.step == "query" else None  # an edited strategy has new counts in any case
    if (content == artefact.content) if same is None else (content[same] == artefact.content[same]):
        raise NotAllowed("the edit changes nothing; approve what the gate shows instead.")
    if artefact.step == "query":
        content = _counted(review, str(content["text"]), artefact.revision + 1)
    made = review.store.add_artefact(
        review.pass_id,
        artefact.step,
        content,
        author=f"person:{by}",
        basis=artefact.basis,
        parent=artefact,
        note=note,
    )
    told = {"by": by, "artefact_id": made.artefact_id, "parent_id": artefact.artefact_id, "note": note}
    review.store.log(review.pass_id, Event(artefact.step, "edited", told))
    return made


def texts_of(review: Review, artefact: Artefact) -> Callable[[str], str]:
    """Report id to its canonical text, to find quotes in; empty where no machine could read the report.

    Entries of registers have their texts in the artefact that shows them.
    """
    from tools.schemas import FullText

    texts = review.store.outcomes(review.pass_id, "fulltext")
    entries = artefact.content.get("texts", {})

    def text_of(report_id: str) -> str:
        if report_id in entries:
            return FullText.model_validate_json(review.store.blobs.get(entries[report_id])).canonical
        stored = texts.get(report_id)
        if stored is None or "text" not in stored.outcome.content:
            return ""
        return FullText.model_validate_json(review.store.blobs.get(stored.outcome.content["text"])).canonical

    return text_of


def _counted(review: Review, text: str, revision: int) -> dict[str, object]:
    """An edited strategy with its hits and known studies, as a proposed one has them.

    A person may edit while the source is out of reach; then the strategy says that it was not counted.
    """
    from graphs.counting import Counter
    from graphs.steps.query import counter_of, examined
    from tools.errors import SourceUnavailable

    deps = live_deps(review, addresses=known_addresses(review, {}))
    try:
        strategy = examined(text, deps, counter_of(deps, f"{review.pass_id}/query/{revision}"))
    except SourceUnavailable as e:
        strategy = examined(text, deps, Counter(None))
        strategy = strategy.model_copy(update={"notes": (*strategy.notes, f"not counted: {e}")})
    return strategy.model_dump(mode="json")


def group(
    given: Path,
    reports: Sequence[str],
    *,
    by: str | None,
    why: str,
    split: bool = False,
    folder: Path | None = None,
    clock: Clock = system_clock,
) -> Done:
    """Say that reports belong to one study, or that one stands alone."""
    from tools.records.linking import HandLink

    with Review.open(Home.of(given, folder), clock) as review:
        known = {i for each in review.store.passes() for i in review.store.standing(each, "retrieve")}
        if unknown := [r for r in reports if r not in known]:
            raise ConfigError(
                f"no such record: {', '.join(unknown)}. Remedy: use ids from out/decisions.csv."
            )
        name = by or whoami()
        link = HandLink(kind="split" if split else "join", report_ids=tuple(reports), by=name, why=why)
        review.store.add_study_link(review.pass_id, link)
        review.store.log(review.pass_id, Event("approve", "grouped", link.model_dump(mode="json")))
    return Done(f"Stored. It shows in the report after: {_command('resume', given, folder)}")


# Looking -----------------------------------------------------------------------------------------


def status(given: Path, *, folder: Path | None = None) -> Done:
    """Where every record stands, which gate is open, and what to do next."""
    from graphs.accounts import check_all

    home = Home.of(given, folder)
    if not home.database.is_file():
        return Done(f"Nothing was run yet. Begin with: {_command('run', given, folder)}")
    with Review.open(home) as review:
        config = review.config
        lines = [
            f"{config.review.title}",
            f"protocol revision {review.protocol.revision}, pass {review.pass_id}",
            *_earlier_passes(review),
            "",
        ]
        for step, counts in check_all(review.store, review.pass_id).items():
            told = ", ".join(f"{kind} {n}" for kind, n in counts.items() if kind != "entered")
            lines.append(f"  {step:<10} entered {counts['entered']} = {told}")
            if counts.get("failed"):
                lines.append(f"  {'':<10} failed: {_failed(review, step)}")
        try:
            gate = open_gate(review, None)
        except NotAllowed:
            return Done("\n".join([*lines, "", _standing(review, given, folder)]))
        return Done("\n".join([*lines, "", _gate_told(review, gate.step, given, folder)]), WAITING)


def _failed(review: Review, step: str) -> str:
    """How many records failed for which reason; `calls --failed` shows what the engine said."""
    kinds = Counter(
        stored.outcome.content.get("failure", {}).get("kind", "other")
        for stored in review.store.outcomes(review.pass_id, step).values()
        if stored.outcome.kind == "failed"
    )
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))


def _earlier_passes(review: Review) -> list[str]:
    """A line for each pass before the present one."""
    from graphs.passes import standing_after

    lines = []
    for each in review.store.passes()[:-1]:
        told = review.store.opened(each)
        state = f"{len(standing_after(review.store, each).included())} reports included"
        approvals = review.store.approvals(each)
        if approvals and approvals[-1].decision == "reject":
            state = f"rejected by {approvals[-1].by}"
        lines.append(f"before it, pass {each} ({told.kind}, {told.at}): {state}")
    return lines


def _standing(review: Review, given: Path, folder: Path | None) -> str:
    approvals = review.store.approvals(review.pass_id)
    if approvals and approvals[-1].decision == "reject":
        return f"Rejected at the gate `{approvals[-1].step}` by {approvals[-1].by}."
    if is_finished(review.store.events(review.pass_id)):
        return _finished(review)
    return f"Not finished; go on with: {_command('resume', given, folder)}"


def is_finished(events: Sequence[Event]) -> bool:
    """Whether a pass has come to its report, and nobody has moved anything since."""
    moves = [event for event in events if event.kind in ("finished", "decided", "edited", "stopped")]
    return bool(moves) and (moves[-1].step, moves[-1].kind) == ("report", "finished")


def trace(given: Path, *, folder: Path | None = None) -> Done:
    """Every step with inputs, outputs and duration, and every edit and decision between them."""
    from agent.showing import trace_text

    with Review.open(Home.of(given, folder)) as review:
        parts = [f"Pass {each}\n{trace_text(review.store.events(each))}" for each in review.store.passes()]
        return Done("\n\n".join(parts) if len(parts) > 1 else trace_text(review.store.events(review.pass_id)))
