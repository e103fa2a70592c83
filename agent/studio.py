"""The graph for LangGraph's own tools; target of langgraph.json."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.home import Home, system_clock
from agent.protocol import ensure_protocol
from agent.review import Review
from agent.wiring import live_deps
from graphs.review import build
from tools.blobs import Blobs
from tools.database import Database
from tools.store import Store

__all__ = ["review_graph"]


async def review_graph(config: Mapping[str, Any]) -> Any:
    """The graph for LangGraph's own tools (langgraph.json).

    Args:
        config: a RunnableConfig; `configurable.review` is the path of a review.yaml. Without it the
            graph of the demonstration is built, for looking at.
    """
    # Opening files blocks, and those tools build graphs inside their event loop.
    return await asyncio.to_thread(_review_graph, config)


def _review_graph(config: Mapping[str, Any]) -> Any:
    given = (config.get("configurable") or {}).get("review")
    path = Path(given) if given else Path(__file__).parents[1] / "examples" / "demo" / "review.yaml"
    home = Home.of(path)
    database = Database.file(home.database)
    review = Review(home, system_clock, database, Store(database, Blobs(home.blobs), system_clock))
    ensure_protocol(review, overrides=None, reason=None, author="langgraph")
    return build(live_deps(review))
