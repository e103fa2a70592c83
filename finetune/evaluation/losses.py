"""What a model in this process thinks of the right answers, and what it says when nothing holds it to the form.

loss      mean cross-entropy per token of the answer, end of turn included, in nats; the whole question before it
valid     share of greedy, unconstrained replies that are read without error
exact     share of them that are the right reply letter for letter

Question and answer are the token ids of training (`finetune.training.encoding`). What does not fit into the model's
context, or whose answer its tokenizer cannot say, is left out and counted.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.evaluation.items import Item
from finetune.evaluation.sheet import Key, Sheet
from finetune.training.encoding import Encoded, Speech
from model.engine import AnswerRejected
from model.forms import form

if TYPE_CHECKING:
    from model.local_model import LocalModel

__all__ = ["examined", "judged", "loss_of", "note_losses", "replies"]

TABLE = "loss"


def note_losses(
    sheet: Sheet,
    engine: str,
    folders: tuple[Path, Path | None],
    items: Mapping[str, Sequence[Item]],
    *,
    prompts: str,
    greedy: int,
    longest: int,
) -> dict[str, int]:
    """Enter the losses and free replies of the weights in a folder.

    Args:
        folders: of the model, and of an adapter.
        greedy: how many questions of each task are answered freely; 0: none.
        longest: tokens of such a reply.

    Returns:
        Task to how many questions did not fit.

    Raises:
        ConfigError: the weights cannot be loaded, or the pack has no prompt for a task.
    """
    from model.local import Folders, shared

    holder, speech = shared(Folders(*folders), None, None), Speech(folders[0])
    left_out = {}
    for task, own in items.items():
        print(f"{engine}, loss of {task}: {len(own)}", file=sys.stderr, flush=True)
        fitting = _encoded(own, speech, holder.model.context)
        left_out[task] = len(own) - len(fitting)
        for item, one in fitting:
            total, tokens = loss_of(holder.model, one)
            sheet.mean(Key(TABLE, task, "loss per token"), engine, item.cluster, total, tokens)
        for item, valid, exact in examined(holder.model, fitting[:greedy], prompts, longest):
            sheet.mean(Key(TABLE, task, "free reply is readable"), engine, item.cluster, float(valid))
            sheet.mean(
                Key(TABLE, task, "free reply is right, letter for letter"), engine, item.cluster, float(exact)
            )
    return left_out


def _encoded(items: Sequence[Item], speech: Speech, context: int) -> list[tuple[Item, Encoded]]:
    """Questions and right answers in the ids that training shows; without those that do not fit."""
    prompts = speech.prompts([item.row.prompt for item in items])
    replies = speech.replies([item.row.reply for item in items])
    return [
        (item, Encoded(asked + told, len(asked)))
        for item, asked, told in zip(items, prompts, replies, strict=True)
        if told is not None and len(asked) + len(told) <= context
    ]


def loss_of(local: LocalModel, one: Encoded) -> tuple[float, int]:
    """Sum of the cross-entropy over the tokens of the answer, and how many they are."""
    import torch

    ids = torch.tensor([one.ids], device=local.device)
    with torch.inference_mode():
        # Only the answer's logits: over a long paper all of them would be gigabytes.
        kept = len(one.ids) - one.start + 1
        logits = local.model(input_ids=ids, use_cache=False, logits_to_keep=kept).logits[0, :-1].float()
        loss = torch.nn.functional.cross_entropy(logits, ids[0, one.start :], reduction="sum")
    return float(loss), len(one.ids) - one.start


def examined(
    local: LocalModel, items: Sequence[tuple[Item, Encoded]], prompts: str, longest: int
) -> list[tuple[Item, bool, bool]]:
    """Each question with whether the greedy reply can be read, and whether it is the right one."""
    made = []
    for at in range(0, len(items), local.batch_size):
        batch = items[at : at + local.batch_size]
        told = replies(local, [one.ids[: one.start] for _, one in batch], longest)
        made += [(item, *judged(item, reply, prompts)) for (item, _), reply in zip(batch, told, strict=True)]
    return made


def judged(item: Item, reply: str, prompts: str) -> tuple[bool, bool]:
    """Whether a reply can be read, and whether it is the right one."""
    try:
        form(prompts, item.request.task).read(item.request, reply)
    except AnswerRejected:
        return False, False
    return True, reply.strip() == item.row.reply


def replies(local: LocalModel, asked: Sequence[Sequence[int]], longest: int) -> list[str]:
    """Greedy replies, each up to `longest` tokens or to the end of the context."""
    import torch
    from transformers import GenerationConfig

    inner: Any = local.tokenizer.inner
    width = max(map(len, asked))
    end = int(inner.eos_token_id)
    room = min(longest, local.context - width)
    if room < 1:
        return [""] * len(asked)
    config = GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=False, max_new_tokens=room, eos_token_id=end, pad_token_id=end
    )
    # On the left, so that all replies begin at one place.
    ids = torch.tensor([[end] * (width - len(one)) + list(one) for one in asked], device=local.device)
    mask = torch.tensor([[0] * (width - len(one)) + [1] * len(one) for one in asked], device=local.device)
    with torch.inference_mode():
        made = local.model.generate(input_ids=ids, attention_mask=mask, generation_config=config)
    return [str(inner.decode(row[width:], skip_special_tokens=True)) for row in made]
