"""The review, readable from top to bottom: steps in order, a gate after those the protocol names."""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, get_args

from langgraph.graph import END, START, StateGraph

from graphs.accounts import FLOW, check
from graphs.deps import Deps
from graphs.gates import gate
from graphs.state import ReviewState
from graphs.steps.approve import approve
from graphs.steps.chase import chase
from graphs.steps.evidence import evidence
from graphs.steps.extract import extract
from graphs.steps.fulltext import fulltext
from graphs.steps.pico import pico
from graphs.steps.prefilter import prefilter
from graphs.steps.query import query
from graphs.steps.report import report
from graphs.steps.retrieve import retrieve
from graphs.steps.screen import screen
from graphs.steps.synthesis import synthesis
from tools.protocol_values import Gate
from tools.store import Event

__all__ = ["GATES", "STEPS", "build"]

Step = Callable[[ReviewState, Deps], dict[str, Any]]

STEPS: tuple[Step, ...] = (
    pico,
    query,
    retrieve,
    prefilter,
    screen,
    fulltext,
    extract,
    approve,
    evidence,
    synthesis,
    report,
)

GATES = get_args(Gate)
"""Steps that can have a gate; `gates` in review.yaml says which do."""


def build(deps: Deps, checkpointer: Any = None) -> Any:
    """Compile the review: `STEPS` in order, a gate after each step that the protocol names.

    Where the protocol wants citations searched, `chase` follows `approve` and leads back to `retrieve` for as
    long as it finds something to look at.

    `evidence` and `synthesis` are there where the protocol names outcomes and analyses. After the pilot of the
    extraction form, the gate of `evidence` leads back to it.

    At a gate *approve* goes on and *reject* ends the pass. *Edit* is no road back: it puts a new
    revision of the artefact under the same gate.
    """
    graph: Any = StateGraph(ReviewState)
    steps = [step for step in STEPS if _takes_part(step, deps)]
    names = [step.__name__ for step in steps]
    graph.add_edge(START, names[0])
    for step, name, then in zip(steps, names, [*names[1:], END], strict=True):
        graph.add_node(name, traced(step, deps))
        if name in deps.config.gates:
            graph.add_node(f"{name}_gate", gate(name, deps))
            graph.add_edge(name, f"{name}_gate")
            roads = {"approve": then, "reject": END} | ({"pilot": name} if name == "evidence" else {})
            graph.add_conditional_edges(f"{name}_gate", _or_pilot if "pilot" in roads else _decision, roads)
        elif name == "approve" and deps.config.search.citations is not None:
            graph.add_node("chase", traced(chase, deps))
            graph.add_edge(name, "chase")
            graph.add_conditional_edges("chase", _found, {"again": "retrieve", "nothing": then})
        else:
            graph.add_edge(name, then)
    return graph.compile(checkpointer=checkpointer, name="review")


def traced(step: Step, deps: Deps) -> Callable[[ReviewState], dict[str, Any]]:
    """The step as a node: its begin and end go to the trace, and its accounts are checked."""
    name = step.__name__

    @wraps(step)
    def node(state: ReviewState) -> dict[str, Any]:
        deps.store.log(deps.pass_id, Event(name, "started", {"state": dict(state)}))
        began = time.perf_counter()
        try:
            update = step(state, deps)
            counts = check(deps.store, deps.pass_id, name) if name in ("retrieve", *FLOW) else {}
        except Exception as e:
            stopped = {"error": type(e).__name__, "message": str(e)}
            deps.store.log(deps.pass_id, Event(name, "stopped", stopped, time.perf_counter() - began))
            raise
        finished = {"update": update, "counts": counts}
        deps.store.log(deps.pass_id, Event(name, "finished", finished, time.perf_counter() - began))
        return update

    return node


def _takes_part(step: Step, deps: Deps) -> bool:
    if step is evidence:
        return deps.config.reads_evidence
    return step is not synthesis or bool(deps.config.synthesis.analyses)


def _decision(state: ReviewState) -> str:
    return state["decision"]


def _or_pilot(state: ReviewState) -> str:
    return "pilot" if state["decision"] == "approve" and state["piloting"] else state["decision"]


def _found(state: ReviewState) -> str:
    return "again" if state["found_by_citations"] else "nothing"
