"""What an update takes over from the pass before: the elements of the question and the approved strategy.

A person approves the hash of exactly what was shown. What an update takes over has that very hash, so the
approval is carried, as a row of its own that says whose it was, of when and from where; and whoever opens the
update asks for just this: the same search again. Where the protocol has changed what the step depends on,
nothing is taken over, and the gate opens as always. Decisions about records are never carried this way.
"""

from graphs.deps import Deps
from graphs.passes import Opening, opening
from tools.errors import NotAllowed
from tools.schemas import Approval, Artefact
from tools.store import Event

__all__ = ["taken_over"]


def taken_over(step: str, basis: str, deps: Deps) -> Artefact | None:
    """The earlier pass's artefact in this pass, with its approval; None where there is nothing to take over.

    Args:
        step: `pico` or `query`.
        basis: hash of what the step depends on now; under another one the artefact is not the same any more.
    """
    told = opening(deps.store, deps.pass_id)
    old = None if told is None else deps.store.artefact(told.previous, step)
    if told is None or old is None or old.basis != basis:
        return None
    standing = deps.store.artefact(deps.pass_id, step)
    author = f"pass:{told.previous}"
    if standing is None:
        note = f"taken over from {old.artefact_id} by {old.author}"
        standing = deps.store.add_artefact(
            deps.pass_id, step, old.content, author=author, basis=basis, note=note
        )
        deps.store.log(deps.pass_id, Event(step, "taken_over", {"artefact_id": old.artefact_id}))
    if standing.author != author:
        return None  # a person has changed it since
    if not told.look_again:
        _carry_approval(old, standing, told, deps)
    return standing


def _carry_approval(old: Artefact, standing: Artefact, told: Opening, deps: Deps) -> None:
    given = deps.store.approval(old.artefact_id)
    known = deps.store.approval(standing.artefact_id)
    if known is not None or given is None or given.decision != "approve":
        return
    if given.artefact_sha256 != standing.sha256:
        return
    carried = Approval(
        step=standing.step,
        artefact_id=standing.artefact_id,
        artefact_sha256=standing.sha256,
        decision="approve",
        by=given.by,
        note=f"approved as {old.artefact_id}; taken over unchanged into the update that {told.by} opened",
        at=given.at,
    )
    try:
        deps.store.approve(deps.pass_id, carried, deps.revision_of(standing.step), [])
    except NotAllowed:
        if deps.store.approval(standing.artefact_id) is None:
            raise  # not because somebody has decided about it meanwhile
