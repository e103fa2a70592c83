"""The heads that are set by hand: before any training, what came once is continued as it went on then."""

import pytest
import torch

from finetune.small.base import Shape, model_of
from finetune.small.copying import wire


class Tokens:
    """As much of a tokenizer as the model's making asks for."""

    bos_token_id, eos_token_id, pad_token_id = 1, 2, 3

    def __len__(self):
        return 2000


def continued(model, length):
    """The share of a text of different tokens that is foretold when it comes a second time."""
    torch.manual_seed(7)
    once = torch.randperm(1900)[:length] + 10
    ids = torch.cat([once, once])[None]
    with torch.inference_mode():
        told = model(ids).logits[0, length:-1].argmax(-1)
    return float((told == once[1:]).float().mean())


@pytest.mark.parametrize("length", [30, 200, 600])
def test_an_untrained_model_copies(length):
    assert continued(model_of(Shape(), Tokens()), length) > 0.95


def test_without_the_two_heads_it_does_not():
    assert continued(model_of(Shape(wired=False), Tokens()), 200) < 0.05


def test_where_one_token_is_not_enough_the_two_last_tell_the_place():
    model = model_of(Shape(), Tokens())
    torch.manual_seed(7)
    words, space = torch.randperm(1900)[:60] + 10, torch.full((60,), 5)
    once = torch.stack([words, space], 1).flatten()
    with torch.inference_mode():
        logits = model(torch.cat([once, once])[None]).logits[0, 120:-1]
    # After every space stands another word, and only the word before the space tells which.
    foretold = logits[1::2].index_fill(1, torch.tensor([5]), float("-inf")).argmax(-1)
    assert float((foretold == words[1:]).float().mean()) > 0.9


def test_a_model_too_narrow_for_them_is_refused():
    with pytest.raises(AssertionError):
        wire(model_of(Shape(wired=False, hidden=64), Tokens()), 1)
