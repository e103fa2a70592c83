"""The attention heads that copying needs, set by hand before training begins.

A language model copies with heads in two layers: some let every token see the tokens just before it, another looks
for the place where the same tokens stood before, and takes what came after them (Olsson et al. 2022, "In-context
Learning and Induction Heads"). From random weights they form only after far more text than a model for tests can be
shown, and without them it neither repeats an id nor quotes. They stay as they are; all else is trained.

The residual stream is shared out: one constant, dimensions that tell which token stands here (`own`), and some for
the last token and the one before that; the rest is free.
"""

from __future__ import annotations

from functools import partial
from typing import Any

__all__ = ["spare", "wire"]

WIRED = ((0, (0, 1)), (1, (0,)))
"""Layers, and which of their heads are set by hand."""

CONSTANT, SPREAD = 0.3, 0.1
"""In every token's embedding: its constant, and the spread of the dimensions that tell it apart."""

NEAR, LIKE = 2.0, 2.8
"""How sharply the heads look: for the place before, and for the like place."""

NOTE, SAY, HINT = 0.09, 0.3, 0.05
"""How loudly they write what they found: beside the token, over it, and in heads that have yet to learn to look."""


def wire(model: Any, seed: int) -> None:
    """Set two heads of the first layer, one of the second, and what all heads of the third take along.

    They learn along with the rest unless `spare` is called before training.

    Args:
        model: a Mistral with three layers or more, tied embeddings and as many key as query heads.
        seed: of the directions that tell tokens apart.
    """
    import torch

    config = model.config
    hidden, size = config.hidden_size, config.head_dim
    half, slow, fast = size // 2, size // 4, size // 4
    own = slice(1, 1 + hidden // 2)
    count = own.stop - own.start
    last, second_last = (slice(own.stop + n * slow, own.stop + (n + 1) * slow) for n in range(2))
    assert second_last.stop <= hidden
    assert count >= size
    assert config.num_key_value_heads == config.num_attention_heads >= 2
    dice = torch.Generator().manual_seed(seed)
    basis = torch.linalg.qr(torch.randn(count, count, generator=dice))[0][:size]
    # Slow pairs of the rotary positions hardly turn over some hundred tokens: likeness can be read from them.
    # The fast pairs tell places apart.
    like_last, like_second = (slice(at + slow, at + half) for at in (0, half))
    turn = config.rope_parameters["rope_theta"] ** (-torch.arange(half) / half)
    with torch.no_grad():
        table = model.model.embed_tokens.weight
        table.copy_(torch.randn(table.shape, generator=dice) * 0.02)
        table[:, 0] = CONSTANT
        told = torch.randn(table.shape[0], count, generator=dice)
        # All of one length: else the longer ones are looked at for their length and not for their place.
        table[:, own] = told / told.norm(dim=1, keepdim=True) * SPREAD * count**0.5
        table[:, last.start : second_last.stop] = 0
        first, second, third = (layer.self_attn for layer in model.model.layers[:3])
        for head, (back, place) in enumerate(((1, last), (2, second_last))):
            here = _emptied(first, head, size)
            first.k_proj.weight[here.start : here.start + fast, 0] = NEAR
            first.q_proj.weight[here.start : here.start + fast, 0] = NEAR * torch.cos(-back * turn[:fast])
            middle = here.start + half
            first.q_proj.weight[middle : middle + fast, 0] = NEAR * torch.sin(-back * turn[:fast])
            first.v_proj.weight[here.start : here.start + slow, own] = basis[:slow]
            first.o_proj.weight[place, here.start : here.start + slow] = NOTE * torch.eye(slow)
        _emptied(second, 0, size)
        second.q_proj.weight[like_last, own] = LIKE * basis[:slow]
        second.k_proj.weight[like_last, last] = LIKE * torch.eye(slow)
        second.q_proj.weight[like_second, last] = LIKE * torch.eye(slow)
        second.k_proj.weight[like_second, second_last] = LIKE * torch.eye(slow)
        second.v_proj.weight[:size, own] = basis
        second.o_proj.weight[own, :size] = SAY * basis.T
        for head in range(config.num_attention_heads):
            here = slice(head * size, (head + 1) * size)
            third.v_proj.weight[here, own] = basis
            third.o_proj.weight[own, here] = HINT * basis.T


def spare(model: Any) -> None:
    """Keep the heads that `wire` set from training, in a model made here or loaded from its folder."""
    size = model.config.head_dim
    for layer, heads in WIRED:
        attention = model.model.layers[layer].self_attn
        for head in heads:
            here = slice(head * size, (head + 1) * size)
            for part in (attention.q_proj, attention.k_proj, attention.v_proj):
                part.weight.register_hook(partial(_spared, rows=here))
            attention.o_proj.weight.register_hook(partial(_spared, columns=here))


def _emptied(attention: Any, head: int, size: int) -> slice:
    """The rows of a head, all weights of which are made zero."""
    here = slice(head * size, (head + 1) * size)
    for part in (attention.q_proj, attention.k_proj, attention.v_proj):
        part.weight[here] = 0
    attention.o_proj.weight[:, here] = 0
    return here


def _spared(gradient: Any, rows: slice | None = None, columns: slice | None = None) -> Any:
    """A gradient that leaves these rows or columns alone."""
    kept = gradient.clone()
    kept[rows if rows is not None else slice(None), columns if columns is not None else slice(None)] = 0
    return kept
