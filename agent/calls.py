"""Verb `calls`: what the reasoning engine was asked and what it said, from the stored rows."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.commands import Done
from agent.home import Home
from agent.review import Review
from tools.errors import ConfigError

if TYPE_CHECKING:
    from tools.logs import StoredCall

__all__ = ["calls"]


def calls(
    given: Path,
    *,
    task: str | None = None,
    failed: bool = False,
    key: str | None = None,
    as_json: bool = False,
    folder: Path | None = None,
) -> Done:
    """List the calls with what they cost, or show one whole.

    Args:
        given: review.yaml or its folder.
        task: only calls of this task.
        failed: only calls that gave no usable answer.
        key: the one call whose key begins so, or whose number this is: prompt, schema, sampling, raw answer.
        as_json: one JSON object per line, everything included.
        folder: home of the review, where it is not beside review.yaml.

    Raises:
        ConfigError: nothing was run yet, or no call or several have this key.
    """
    home = Home.of(given, folder)
    if not home.database.is_file():
        raise ConfigError(f"{home.folder}: nothing was run here yet. Remedy: python -m agent run {given}")
    with Review.open(home) as review:
        numbered = [*enumerate(review.calls.all(), start=1)]
    chosen = [
        (number, call)
        for number, call in numbered
        if (task is None or call.task == task) and not (failed and call.status == "ok")
    ]
    if key is not None:
        number, call = _one(numbered, key)
        return Done(_json(number, call) if as_json else _whole(number, call))
    if as_json:
        return Done("\n".join(_json(number, call) for number, call in chosen))
    if not chosen:
        return Done("No calls." if numbered else "The engine was not asked anything yet.")
    lines = [_line(number, call) for number, call in chosen]
    return Done("\n".join([*lines, "", *_summary(call for _, call in chosen)]))


def _one(numbered: Iterable[tuple[int, StoredCall]], key: str) -> tuple[int, StoredCall]:
    found = [
        (number, call)
        for number, call in numbered
        if str(number) == key or call.key.startswith((key, f"v1:{key}"))
    ]
    exact = [pair for pair in found if str(pair[0]) == key] or found
    if len(exact) != 1:
        which = "several calls have" if exact else "no call has"
        raise ConfigError(f"{which} the key or number {key}. Remedy: take one from `python -m agent calls`.")
    return exact[0]


def _asked(call: StoredCall) -> dict[str, Any]:
    asked: dict[str, Any] = json.loads(call.request)
    return asked


def _line(number: int, call: StoredCall) -> str:
    asked = _asked(call)
    seen = asked["seen"]
    about = seen.get("prompt", "rules")
    tries = f" sample {asked['sample']}" if asked["sample"] else ""
    tries += f" attempt {asked['attempt']}" if asked["attempt"] > 1 else ""
    tries += " asked again" if "objection" in asked else ""
    tokens = "" if call.tokens_in is None else f" {call.tokens_in}+{call.tokens_out or 0} tokens"
    state = "ok" if call.status == "ok" else f"FAILED {call.error_kind}"
    return (
        f"{number:>6}  {call.task:<15} {call.engine:<24} {about}  {state}{tokens} {call.seconds:.3f} s{tries}"
    )


def _whole(number: int, call: StoredCall) -> str:
    asked = _asked(call)
    seen = asked["seen"]
    told = json.loads(call.told)
    rows = {
        "call": f"{number}  {call.key}",
        "at": call.at,
        "task": call.task,
        "engine": call.engine,
        "served model": told.get("served", ""),
        "prompt": seen.get("prompt", ""),
        "sampling": _spelled(seen.get("sampling")),
        "sample, attempt": f"{asked['sample']}, {asked['attempt']}",
        "tokens in, out": f"{call.tokens_in}, {call.tokens_out}" if call.tokens_in is not None else "",
        "seconds": f"{call.seconds:.3f}",
        "state": call.status if call.status == "ok" else f"{call.status}: {call.error_kind}: {call.error}",
        "also told": _spelled({k: v for k, v in told.items() if k != "served"}),
    }
    lines = [f"{name + ':':<17} {value}" for name, value in rows.items() if value]
    for title, text in (
        ("schema", _spelled(seen.get("schema"))),
        ("objection", asked.get("objection", {}).get("error", "")),
        ("asked", seen.get("text") or _spelled(seen.get("input"))),
        ("raw answer", call.raw),
    ):
        if text:
            lines += ["", f"--- {title}", text]
    return "\n".join(lines)


def _spelled(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if value else ""


def _json(number: int, call: StoredCall) -> str:
    told = vars(call) | {"number": number, "request": _asked(call), "told": json.loads(call.told)}
    return json.dumps(told, ensure_ascii=False)


@dataclass
class _Sum:
    """What calls of one task and engine came to."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    failed: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, call: StoredCall) -> None:
        """Count one call."""
        self.calls += 1
        self.tokens_in += call.tokens_in or 0
        self.tokens_out += call.tokens_out or 0
        self.seconds += call.seconds
        if call.status != "ok":
            self.failed[call.error_kind or "engine"] += 1


def _summary(calls: Iterable[StoredCall]) -> list[str]:
    sums: Mapping[tuple[str, str], _Sum] = defaultdict(_Sum)
    for call in calls:
        sums[call.task, call.engine].add(call)
    lines = []
    for (task, engine), one in sums.items():
        failures = ", ".join(f"{count} {kind}" for kind, count in sorted(one.failed.items()))
        lines.append(
            f"{task} by {engine}: {one.calls} calls, {one.tokens_in} tokens in, {one.tokens_out} out, "
            f"{one.seconds:.1f} s of waiting" + (f"; failed: {failures}" if failures else "; none failed")
        )
    return lines
