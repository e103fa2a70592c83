"""Rows of examples: by hand, by properties, and that no example sees another."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.training import feeding
from finetune.training.encoding import Examples
from finetune.training.feeding import Rows, collate, tensors
from finetune.training.packing import order, pack_rows, plan_rows, starts


def test_the_fullest_row_that_has_room_is_taken():
    # 10 tokens a row: 7 opens one, 6 another; 4 fills the second, 3 the first, 2 a third.
    assert pack_rows([0, 1, 2, 3, 4], [3, 6, 2, 7, 4], 10) == [(3, 0), (1, 4), (2,)]


def test_of_equal_lengths_the_earlier_comes_first():
    assert pack_rows([5, 2, 9], [5] * 10, 10) == [(5, 2), (9,)]


def test_an_example_as_long_as_the_row_fits_and_a_longer_one_is_refused():
    assert pack_rows([0, 1], [10, 1], 10) == [(0,), (1,)]
    with pytest.raises(ValueError, match="11 tokens, a row 10"):
        pack_rows([0], [11], 10)


lengths = st.lists(st.integers(1, 50), min_size=1, max_size=80)


@given(lengths)
def test_every_example_is_packed_once_and_no_row_is_too_long(told):
    rows = pack_rows(range(len(told)), told, 50)
    assert sorted(index for row in rows for index in row) == list(range(len(told)))
    assert all(sum(told[index] for index in row) <= 50 for row in rows)
    # Best fit decreasing leaves no two rows that would fit into one.
    sizes = sorted(sum(told[index] for index in row) for row in rows)
    assert len(sizes) == 1 or sizes[0] + sizes[1] > 50


@given(lengths, st.integers(1, 7), st.integers(0, 3), st.booleans())
def test_a_plan_is_whole_steps_and_each_epoch_holds_every_example_once(told, batch, seed, packing):
    ids = [f"e{n}" for n in range(len(told))]
    how = {"context": 50, "packing": packing, "batch": batch, "epochs": 2, "seed": seed, "window": 16}
    rows = plan_rows(ids, told, [1.0] * len(told), **how)
    assert len(rows) % batch == 0
    assert sorted(index for row in rows for index in row) == sorted([*range(len(told))] * 2)
    assert rows == plan_rows(ids, told, [1.0] * len(told), **how)
    assert () not in rows[: -batch + 1 or None] or batch > 1


def test_another_seed_and_another_epoch_are_another_order():
    ids = [f"e{n}" for n in range(100)]
    orders = {tuple(order(ids, [1.0] * 100, seed, epoch)) for seed in (1, 2) for epoch in (0, 1)}
    assert len(orders) == 4


def test_so_many_steps_take_as_many_epochs_as_they_need():
    rows = plan_rows(
        ["a", "b", "c"], [9, 9, 9], [1.0] * 3, context=10, packing=True, batch=2, epochs=1, seed=1, steps=4
    )
    assert len(rows) == 8
    assert all(len(row) == 1 for row in rows)


@settings(deadline=None)
@given(st.floats(0, 3), st.integers(0, 5))
def test_a_weight_is_how_often_an_example_comes_on_average(weight, epoch):
    ids = [f"e{n}" for n in range(400)]
    drawn = order(ids, [weight] * 400, 1, epoch)
    assert abs(len(drawn) / 400 - weight) < 0.12
    assert {drawn.count(n) for n in range(400)} <= {int(weight), int(weight) + 1}


def test_what_comes_once_more_does_not_depend_on_what_else_is_there():
    ids = [f"e{n}" for n in range(50)]
    few = {ids[n] for n in order(ids[:20], [0.5] * 20, 1, 0)}
    many = {ids[n] for n in order(ids, [0.5] * 50, 1, 0)}
    assert few == {name for name in many if name in ids[:20]}


# Rows as tensors ---------------------------------------------------------------------------------


def examples(*parts):
    """Examples of (ids, start)."""
    ids = [token for part, _ in parts for token in part]
    offsets = [0]
    for part, _ in parts:
        offsets.append(offsets[-1] + len(part))
    return Examples(
        ids=ids,
        offsets=offsets,
        answers=[len(part) - start for part, start in parts],
        names=[f"e{n}" for n in range(len(parts))],
        tasks=["pico" if n % 2 else "screen" for n in range(len(parts))],
        sources=["x"] * len(parts),
    )


def test_a_row_by_hand():
    #          prompt    reply
    one = ([10, 11, 12, 20, 2], 3)
    two = ([10, 13, 21, 22, 2], 2)
    row = tensors(examples(one, two), (1, 0), 0, {"pico": 0, "screen": 1})
    assert row["input_ids"].tolist() == [[10, 13, 21, 22, 2, 10, 11, 12, 20, 2]]
    assert row["position_ids"].tolist() == [[0, 1, 2, 3, 4, 0, 1, 2, 3, 4]]
    assert row["keep"].tolist() == [1, 2, 3, 7, 8]
    assert row["labels"].tolist() == [21, 22, 2, 20, 2]
    assert row["task"].tolist() == [0, 0, 0, 1, 1]
    assert row["segment_lengths"] == [5, 5]
    assert row["examples"] == [1, 0]
    assert starts([2, 3]) == [0, 1, 0, 1, 2]


def test_an_empty_row_teaches_nothing():
    rows = Rows(examples(([1, 2], 1)), [(0,), ()], filler=7)
    row = collate([rows[1]])
    assert row["input_ids"].tolist() == [[7]]
    assert len(row["labels"]) == 0
    small = model("sdpa")
    losses = token_losses(small, row)
    assert losses.shape == (0,)
    losses.sum().backward()
    assert all(not p.grad.any() for p in small.parameters() if p.grad is not None)


def model(attention):
    from transformers import MistralConfig, MistralForCausalLM

    from finetune.training.attention import register

    register()
    torch.manual_seed(3)
    config = MistralConfig(
        vocab_size=60, hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=8, sliding_window=None, attn_implementation=attention,
    )  # fmt: skip
    return MistralForCausalLM(config).double()


def token_losses(small, row):
    return feeding.token_losses(small, row, by_example=small.config._attn_implementation == "by_example")


def invented(count, seed=5):
    torch.manual_seed(seed)
    sizes = torch.randint(4, 30, (count,)).tolist()
    return [(torch.randint(3, 60, (size,)).tolist(), size // 2) for size in sizes]


@pytest.mark.parametrize("attention", ["sdpa", "by_example", "eager"])
def test_a_packed_row_gives_each_example_the_losses_it_has_alone(attention):
    parts, small = invented(6), model(attention)
    known, codes = examples(*parts), {"pico": 0, "screen": 1}
    with torch.no_grad():
        packed = token_losses(small, tensors(known, (3, 0, 5, 1, 4, 2), 0, codes))
        alone = [token_losses(small, tensors(known, (index,), 0, codes)) for index in (3, 0, 5, 1, 4, 2)]
    assert torch.allclose(packed, torch.cat(alone), atol=1e-12)


@pytest.mark.parametrize("attention", ["sdpa", "by_example"])
def test_a_change_in_one_example_changes_no_other_s_loss(attention):
    parts, small = invented(3), model(attention)
    other = [([(token + 1) % 57 + 3 for token in parts[0][0]], parts[0][1]), *parts[1:]]
    codes = {"pico": 0, "screen": 1}
    with torch.no_grad():
        before = token_losses(small, tensors(examples(*parts), (0, 1, 2), 0, codes))
        after = token_losses(small, tensors(examples(*other), (0, 1, 2), 0, codes))
    own = len(parts[0][0]) - parts[0][1]
    assert not torch.allclose(before[:own], after[:own])
    assert torch.equal(before[own:], after[own:])


def test_gradients_of_a_packed_row_are_those_of_its_examples_together():
    parts = invented(4)
    known, codes = examples(*parts), {"pico": 0, "screen": 1}
    grads = []
    for rows in ([(0, 1, 2, 3)], [(0,), (1,), (2,), (3,)]):
        small = model("by_example")
        sum(token_losses(small, tensors(known, row, 0, codes)).sum() for row in rows).backward()
        grads.append([p.grad.clone() for p in small.parameters()])
    assert all(torch.allclose(a, b, atol=1e-10) for a, b in zip(*grads, strict=True))


def test_the_loss_is_that_of_the_whole_sequence_at_the_answers():
    [(ids, start)] = invented(1)
    small = model("sdpa")
    with torch.no_grad():
        losses = token_losses(small, tensors(examples((ids, start)), (0,), 0, {"screen": 0}))
        labels = torch.tensor([[-100] * start + ids[start:]])
        whole = small(input_ids=torch.tensor([ids]), labels=labels).loss
    assert torch.allclose(losses.mean(), whole)


@pytest.mark.parametrize("attention", ["sdpa", "by_example"])
def test_activations_computed_again_give_the_same_gradients(attention):
    """The borders of the examples reach the layers the second time as well."""
    row = tensors(examples(*invented(4)), (0, 1, 2, 3), 0, {"pico": 0, "screen": 1})
    grads = []
    for again in (False, True):
        small = model(attention).train()
        if again:
            small.activation_checkpointing_enable({"use_reentrant": False})
        token_losses(small, row).sum().backward()
        grads.append([p.grad.clone() for p in small.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*grads, strict=True))


def test_transformers_reads_the_borders_for_flash_attention_off_the_positions():
    """What FlashAttention is told of a row, as far as it can be seen without a GPU."""
    from transformers.modeling_flash_attention_utils import (
        _is_packed_sequence,
        prepare_fa_kwargs_from_position_ids,
    )

    parts, codes = invented(4), {"pico": 0, "screen": 1}
    positions = tensors(examples(*parts), (2, 0, 3, 1), 0, codes)["position_ids"]
    assert _is_packed_sequence(positions, 1)
    (ends, keys), (longest, _) = prepare_fa_kwargs_from_position_ids(positions)
    sizes = [len(parts[index][0]) for index in (2, 0, 3, 1)]
    assert ends.tolist() == keys.tolist() == [sum(sizes[:n]) for n in range(5)]
    assert int(longest) == max(sizes)
    assert not _is_packed_sequence(tensors(examples(*parts), (0,), 0, codes)["position_ids"], 1)


def test_what_attention_is_chosen(monkeypatch):
    from types import SimpleNamespace

    from finetune.training import attention
    from tools.errors import ConfigError

    whole, windowed = SimpleNamespace(sliding_window=None), SimpleNamespace(sliding_window=100)
    assert attention.choose("auto", whole, 200)[0] == "by_example"
    assert attention.choose("auto", windowed, 200)[0] == "sdpa"
    assert attention.choose("by_example", windowed, 100)[0] == "by_example"
    with pytest.raises(ConfigError, match="sees 100 tokens back"):
        attention.choose("by_example", windowed, 200)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(attention, "find_spec", lambda name: name)
    assert attention.choose("auto", windowed, 200, "bf16")[0] == "flash_attention_2"
    told = attention.choose("auto", whole, 200, "fp32")
    assert told == (
        "by_example",
        "SDPA example by example: flash_attn computes in 16 bits, and dtype is fp32",
    )


def test_attention_by_example_is_never_without_their_borders():
    row = tensors(examples(*invented(2)), (0, 1), 0, {"pico": 0, "screen": 1})
    with pytest.raises(TypeError, match="segment_lengths"):
        feeding.token_losses(model("by_example"), row, by_example=False)
