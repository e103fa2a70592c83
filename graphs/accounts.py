"""Conservation: what entered a step is what came out, record by record.

*entered = passed on + excluded + not screened + waiting + failed*; duplicates are counted apart, and
records of a replaced search become *superseded*. It is the PRISMA diagram as an equation, checked after
each step and by `python -m agent verify`.
"""

from collections.abc import Iterable, Sequence

from graphs.passes import ASIDE, past_of, standing_after
from tools.errors import Unaccounted
from tools.reporting.data import OTHER_METHODS
from tools.schemas import Outcome, OutcomeKind
from tools.store import Search, Store, StoredOutcome

__all__ = [
    "CITATIONS",
    "FLOW",
    "Key",
    "check",
    "check_all",
    "check_versions",
    "current_searches",
    "entering",
    "stale",
    "unsettled",
]

Key = tuple[str, str]
"""(record_id, record_version)"""

CITATIONS = "citations"
"""Source and kind of the searches of step `chase`; no source of a protocol is called so."""

FLOW = {
    "prefilter": "retrieve",
    "screen": "prefilter",
    "fulltext": "screen",
    "extract": "fulltext",
    "approve": "screen",
    "evidence": "approve",
}
"""Step to the step whose passed records enter it. The first, `retrieve`, is fed by the searches."""

GOES_ON: dict[str, tuple[OutcomeKind, ...]] = {"extract": ("passed", "failed")}
"""Step to the kinds of outcome that enter it, where it is not `passed` alone: a report that was retrieved and that no
machine can read goes on to the people who read full texts."""


def current_searches(store: Store, pass_id: str) -> list[str]:
    """The newest finished search of each source, in the order in which the sources were first searched.

    Other methods come last: of a record that a database has as well, the database's stands for both. Searches
    of citations add to each other, since each is about other reports. Looking known records up again is no
    search: it brings nothing into the flow.
    """
    newest: dict[str, Search] = {}
    for search in store.searches(pass_id):
        if search.kind not in ASIDE:
            adds = (search.source, search.kind) == (CITATIONS, CITATIONS)
            newest[search.search_id if adds else search.source] = search
    in_order = sorted(newest.values(), key=lambda search: search.kind in OTHER_METHODS)
    return [search.search_id for search in in_order]


def entering(store: Store, pass_id: str, step: str) -> list[Key]:
    """The records that enter a step, in the order of the searches that brought them."""
    hits = {key[0]: key for search in current_searches(store, pass_id) for key in store.hits(search)}
    if step == "retrieve":
        return list(hits.values())
    before = store.standing(pass_id, FLOW[step])
    kinds = GOES_ON.get(step, ("passed",))
    return [key for key in hits.values() if key[0] in before and before[key[0]].outcome.kind in kinds]


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


def check_versions(store: Store, pass_id: str) -> dict[str, int]:
    """Reports over the passes: before − excluded again + newly included = now. Returns the four numbers.

    Each side is taken from rows of its own: the earlier passes, this pass's decisions, and both together.

    Raises:
        Unaccounted: naming the reports that vanished or appeared.
    """
    before = {record_id for record_id, _ in past_of(store, pass_id).included()}
    now = {record_id for record_id, _ in standing_after(store, pass_id).included()}
    screened, ended = store.standing(pass_id, "screen"), store.standing(pass_id, "approve")
    out = {i for step in (screened, ended) for i, s in step.items() if s.outcome.kind == "excluded"}
    new = {i for i, stored in ended.items() if stored.outcome.kind == "passed"} - before
    expected = (before - out) | new
    if expected != now:
        raise Unaccounted("update", expected - now, now - expected)
    return {"before": len(before), "excluded": len(before & out), "new": len(new), "now": len(now)}


def _holds(stored: StoredOutcome, key: Key, revision: int) -> bool:
    outcome = stored.outcome
    current = stored.protocol_revision >= revision and outcome.record_version == key[1]
    return current and outcome.kind != "superseded"
