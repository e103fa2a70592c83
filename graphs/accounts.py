"""Conservation: what entered a step is what came out, record by record.

*entered = passed on + excluded + not screened + waiting + failed*; duplicates are counted apart, and
records of a replaced search become *superseded*. It is the PRISMA diagram as an equation, checked after
each step and by `python -m agent verify`.
"""

from collections.abc import Iterable, Sequence

from tools.errors import Unaccounted
from tools.schemas import Outcome
from tools.store import Store, StoredOutcome

__all__ = ["FLOW", "Key", "check", "check_all", "current_searches", "entering", "stale", "unsettled"]

Key = tuple[str, str]
"""(record_id, record_version)"""

FLOW = {
    "prefilter": "retrieve",
    "screen": "prefilter",
    "fulltext": "screen",
    "extract": "fulltext",
    "approve": "screen",
}
"""Step to the step whose passed records enter it. The first, `retrieve`, is fed by the searches."""


def current_searches(store: Store, pass_id: str) -> list[str]:
    """The newest finished search of each source, in the order in which the sources were first searched."""
    newest: dict[str, str] = {}
    for search in store.searches(pass_id):
        newest[search.source] = search.search_id
    return list(newest.values())


def entering(store: Store, pass_id: str, step: str) -> list[Key]:
    """The records that enter a step, in the order of the searches that brought them."""
    hits = {key[0]: key for search in current_searches(store, pass_id) for key in store.hits(search)}
    if step == "retrieve":
        return list(hits.values())
    before = store.standing(pass_id, FLOW[step])
    return [key for key in hits.values() if key[0] in before and before[key[0]].outcome.kind == "passed"]


def unsettled(store: Store, pass_id: str, step: str, keys: Sequence[Key], revision: int) -> list[Key]:
    """Those of the entering records that have no outcome at this step under the protocol as it is."""
    known = store.standing(pass_id, step)
    return [key for key in keys if key[0] not in known or not _holds(known[key[0]], key, revision)]


def stale(store: Store, pass_id: str, step: str, keys: Iterable[Key]) -> list[Outcome]:
    """A `superseded` row for every record that stood at this step and enters it no longer."""
    now = {record_id for record_id, _ in keys}
    return [
        Outcome(
            step=step,
            record_id=record_id,
            record_version=stored.outcome.record_version,
            kind="superseded",
            reader="rule",
            reason="no longer enters this step",
            attempt=stored.outcome.attempt + 1,
        )
        for record_id, stored in store.standing(pass_id, step).items()
        if record_id not in now and stored.outcome.kind != "superseded"
    ]


def check(store: Store, pass_id: str, step: str) -> dict[str, int]:
    """Every record that entered stands somewhere, and nobody else does. Returns kind to number.

    Raises:
        Unaccounted: naming the records that vanished or appeared.
    """
    entered = dict(entering(store, pass_id, step))
    standing = {
        record_id: stored.outcome
        for record_id, stored in store.standing(pass_id, step).items()
        if stored.outcome.kind != "superseded"
    }
    lost, extra = entered.keys() - standing.keys(), standing.keys() - entered.keys()
    if lost or extra:
        raise Unaccounted(step, lost, extra)
    counts: dict[str, int] = {"entered": len(entered)}
    for outcome in standing.values():
        counts[outcome.kind] = counts.get(outcome.kind, 0) + 1
    return counts


def check_all(store: Store, pass_id: str) -> dict[str, dict[str, int]]:
    """`check` for every step that has begun, in the order of the flow.

    Raises:
        Unaccounted: as `check`.
    """
    begun = store.counts(pass_id)
    return {step: check(store, pass_id, step) for step in ("retrieve", *FLOW) if step in begun}


def _holds(stored: StoredOutcome, key: Key, revision: int) -> bool:
    outcome = stored.outcome
    current = stored.protocol_revision >= revision and outcome.record_version == key[1]
    return current and outcome.kind != "superseded"
