"""When the loss is no number: stop at once, and keep the batch that did it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from finetune.training.encoding import Examples
from tools.errors import ReviewError

__all__ = ["NonFinite", "save_batch"]


class NonFinite(ReviewError):
    """Loss or gradient became infinite or no number; the batch is saved, and no checkpoint holds the damage."""


def save_batch(
    out: Path,
    *,
    what: str,
    value: float,
    step: int,
    rank: int,
    rows: Sequence[dict[str, Any]],
    examples: Examples,
    last_good: Path | None,
) -> NonFinite:
    """Write the rows of the step, and return the error to be raised.

    Args:
        out: of the run.
        what: what became no number: `loss` or `gradient`.
        value: what it became.
        step: from 1.
        rank: of the process that saw it.
        rows: what this process computed in the step, see `feeding.tensors`.
        examples: where the rows come from.
        last_good: the newest whole checkpoint.
    """
    path = out / "stopped" / f"step-{step}-rank-{rank}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "what": what,
        "value": str(value),
        "step": step,
        "rank": rank,
        "last_good_checkpoint": last_good.name if last_good else None,
        "rows": [
            {
                "examples": [examples.names[index] for index in row["examples"]],
                "tasks": [examples.tasks[index] for index in row["examples"]],
                "lengths": row["segment_lengths"],
                "answer_tokens": len(row["labels"]),
                "tokens": row["input_ids"][0].tolist(),
            }
            for row in rows
        ],
    }
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    named = f"the last good checkpoint is {last_good}" if last_good else "there is no checkpoint yet"
    return NonFinite(
        f"step {step}: the {what} is {value}. Stopped; the batch is in {path}; {named}. "
        "Remedy: look at the batch; train on without it, with a lower lr, or with dtype: fp32."
    )
