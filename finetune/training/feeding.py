"""Rows of examples as tensors: no padding, and only what the loss needs of the model's head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from finetune.training.encoding import Examples
from finetune.training.packing import Packed, starts

__all__ = ["Rows", "collate", "tensors", "token_losses"]


class Rows:
    """The rows of a run, one after another; a data set of torch's kind."""

    def __init__(self, examples: Examples, rows: Sequence[Packed], filler: int) -> None:
        """
        Args:
            examples: what the rows hold.
            rows: indices of examples per row.
            filler: token of a row without examples, of which nothing is learned.
        """
        self.examples, self.rows, self.filler = examples, rows, filler
        known = examples.known_tasks()
        self.codes = {task: code for code, task in enumerate(known)}

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: int) -> dict[str, Any]:
        return tensors(self.examples, self.rows[at], self.filler, self.codes)


def tensors(examples: Examples, row: Packed, filler: int, codes: dict[str, int]) -> dict[str, Any]:
    """One row.

    Returns:
        input_ids and position_ids of shape (1, tokens); `keep`: the positions whose logits are needed, and `labels`:
        the token that is to come after each of them, both (answer tokens,); `task`: the task of each label;
        `segment_lengths`: tokens of each example; `examples`: their indices.
    """
    import torch

    parts = [examples[index] for index in row]
    if not parts:
        ids = torch.tensor([[filler]])
        none = torch.empty(0, dtype=torch.long)
        told = {"input_ids": ids, "position_ids": torch.zeros_like(ids), "keep": none, "labels": none}
        return told | {"task": none, "segment_lengths": [1], "examples": []}
    lengths = [len(part.ids) for part in parts]
    offset = 0
    all_ids: list[int] = []
    kept: list[int] = []
    task: list[int] = []
    for index, part in zip(row, parts, strict=True):
        all_ids += part.ids
        kept += range(offset + part.start - 1, offset + len(part.ids) - 1)
        task += [codes[examples.tasks[index]]] * (len(part.ids) - part.start)
        offset += len(part.ids)
    row_ids, keep = torch.tensor(all_ids), torch.tensor(kept)
    return {
        "input_ids": row_ids[None],
        "position_ids": torch.tensor(starts(lengths))[None],
        "keep": keep,
        "labels": row_ids[keep + 1],
        "task": torch.tensor(task),
        "segment_lengths": lengths,
        "examples": list(row),
    }


def collate(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A device computes one row at a time; more of them in a step are accumulated."""
    [row] = rows
    return row


def token_losses(model: Any, row: dict[str, Any], *, by_example: bool) -> Any:
    """Cross-entropy of each answer token of a row, float32, shape (answer tokens,).

    Only the answers' positions go through the head: at 30,000 tokens and a vocabulary of 32,768, all logits would
    take 4 GB in float32, and as much again for their gradient.

    Args:
        model: also one that DeepSpeed or torch has wrapped.
        row: see `tensors`.
        by_example: its attention is `attention.BY_EXAMPLE`, which has to be told where examples end.
    """
    import torch

    more = {"segment_lengths": row["segment_lengths"]} if by_example else {}
    logits = model(
        input_ids=row["input_ids"],
        position_ids=row["position_ids"],
        logits_to_keep=row["keep"],
        use_cache=False,
        **more,
    ).logits[0]
    return torch.nn.functional.cross_entropy(logits.float(), row["labels"], reduction="none")
