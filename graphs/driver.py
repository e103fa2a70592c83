"""Advancing a review: from wherever it stands to the next gate, to the end, or to a stop."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from langgraph.types import Command

from graphs.deps import Deps
from graphs.review import build
from graphs.state import STATE_VERSION, ReviewState
from tools.schemas import Frozen

__all__ = ["Halt", "advance", "checkpoints"]


class Halt(Frozen):
    """Where the review came to rest."""

    kind: Literal["gate", "finished", "rejected"]
    step: str = ""


@contextmanager
def checkpoints(path: Path) -> Iterator[Any]:
    """LangGraph's checkpoints in a file of their own, which may be deleted at any time."""
    from langgraph.checkpoint.sqlite import SqliteSaver

    with SqliteSaver.from_conn_string(str(path)) as saver:
        yield saver


def advance(deps: Deps, checkpointer: Any) -> Halt:
    """Walk until a person is needed or the review is done.

    Steps are idempotent, so wherever there is doubt about where the graph stood (no checkpoint, a new
    protocol revision, a new full text, a finished walk) it walks from the top and passes over what is
    settled.

    Raises:
        ReviewError: a step stopped; what it had settled is stored.
    """
    graph = build(deps, checkpointer)
    thread = {"configurable": {"thread_id": f"{deps.review_id}/{deps.pass_id}"}}
    given = _input(graph.get_state(thread), deps)
    if isinstance(given, dict) and checkpointer is not None:
        # A walk from the top has no use for the earlier ones; kept, they would grow with every resume.
        checkpointer.delete_thread(thread["configurable"]["thread_id"])
    graph.invoke(given, thread, durability="sync")
    snapshot = graph.get_state(thread)
    if snapshot.next:
        return Halt(kind="gate", step=snapshot.next[0].removesuffix("_gate"))
    return Halt(kind="rejected" if snapshot.values.get("decision") == "reject" else "finished")


def _input(snapshot: Any, deps: Deps) -> ReviewState | Command[Any] | None:
    fresh = ReviewState(
        state_version=STATE_VERSION,
        review_id=deps.review_id,
        pass_id=deps.pass_id,
        protocol_revision=deps.revision,
        given=f"{deps.attempt}:{deps.given}",
    )
    known = {name: snapshot.values.get(name) for name in fresh}
    if not snapshot.next or known != fresh:
        return fresh
    # What a gate is resumed with is ignored: it reads the approval from the store.
    return Command(resume=True) if snapshot.interrupts else None
