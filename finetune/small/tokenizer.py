"""A tokenizer for small models, made from the words that they will read, with which copying is easy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from model.forms import Form, form
from model.prompting import pack
from model.tasks import ALL
from tools.errors import ConfigError

__all__ = ["available", "fixed_lines", "tokenizer_of"]

CHAT = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + eos_token }}{% endgeneration %}"
    "{% else %}{{ '[INST]' + message['content'] + '[/INST]' }}{% endif %}{% endfor %}"
)
"""Turns as Mistral marks them. What stands between the generation marks is what a trainer learns from."""

UNKNOWN, FIRST, LAST, PADDING = "<unk>", "<s>", "</s>", "<pad>"
TURNS = ("[INST]", "[/INST]")


def available(prompts: str) -> dict[str, Form]:
    """The tasks that a pack has prompts for, each with its form.

    Raises:
        ConfigError: it has none.
    """
    forms = {}
    for name, task in ALL.items():
        try:
            forms[name] = form(prompts, task)
        except ConfigError:
            continue
    if not forms:
        raise ConfigError(
            f"{prompts} holds no prompt. Remedy: name a shipped pack (ours), or a folder of prompts."
        )
    return forms


def fixed_lines(prompts: str, names: Iterable[str]) -> list[str]:
    """What stands between the variables of the prompts, line by line; short pieces are left out."""
    bodies = [re.sub(r"\$\$|\$\{?\w+\}?", "\n", pack(prompts, name).body) for name in names]
    pieces = (piece.strip() for body in bodies for piece in body.splitlines())
    return list(dict.fromkeys(piece for piece in pieces if len(piece) >= 16))


def tokenizer_of(vocabulary: int, context: int, texts: Iterable[str], lines: Sequence[str]) -> Any:
    """A byte-level BPE tokenizer that copying is easy with: a word is the same tokens behind a space and behind a
    quotation mark, and numbers are digits.

    Each of `lines` is one token: a model for tests need not spend its short training on reading instructions.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(" ", "isolated"),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[UNKNOWN, FIRST, LAST, PADDING, *TURNS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    core.train_from_iterator(texts, trainer)
    core.add_tokens([AddedToken(line, normalized=False) for line in lines])
    told = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=core,
        unk_token=UNKNOWN,
        bos_token=FIRST,
        eos_token=LAST,
        pad_token=PADDING,
        additional_special_tokens=list(TURNS),
        model_max_length=context,
        clean_up_tokenization_spaces=False,
    )
    told.chat_template = CHAT
    return told
