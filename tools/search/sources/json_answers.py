"""Answers in JSON from services that fail in many ways: what is an answer, and what only looks like one. Pure."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from tools.exchange import Judgement, Reply, excerpt, judge_status

__all__ = ["Look", "decoded", "judge_json"]

Look = Callable[[Mapping[str, Any]], Judgement]
"""Judges the content of a well-formed answer."""


TOO_LONG = (413, 414, 431)
"""These come from gateways, with a page of HTML, and asking again cannot help."""


def judge_json(reply: Reply, look: Look) -> Judgement:
    """Tell an answer from an outage and from a refusal.

    A page of HTML is an outage whatever its status says: gateways and maintenance pages send it with 200 and
    with 400 alike. A refusal is in plain text or JSON, and its words are kept whole.
    """
    by_status = judge_status(reply)
    if by_status.kind == "transient":
        return by_status
    if reply.status in TOO_LONG:
        said = f"HTTP {reply.status}: the question is longer than this service takes"
        return Judgement(kind="permanent", said=said)
    if reply.content_type == "text/html" or reply.body.lstrip()[:1] == b"<":
        return Judgement(kind="transient", said=f"a page instead of JSON: {excerpt(reply.body)}")
    if by_status.kind == "permanent":
        return Judgement(
            kind="permanent", said=" ".join(reply.body.decode("utf-8", "replace").split())[:2000]
        )
    try:
        document = decoded(reply)
    except ValueError as e:
        return Judgement(
            kind="transient", said=f"no complete JSON ({e}): {excerpt(reply.body)}", divisible=True
        )
    return look(document)


def decoded(reply: Reply) -> Mapping[str, Any]:
    """The JSON object in a reply.

    Raises:
        ValueError: it holds none.
    """
    try:
        document = json.loads(reply.body)
    except RecursionError as e:
        raise ValueError("nested too deeply") from e
    if not isinstance(document, dict):
        raise ValueError(f"a {type(document).__name__} instead of an object")  # noqa: TRY004 - of the service
    return document
