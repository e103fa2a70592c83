"""Invented questions as token ids: in the words of the prompt pack, through a tokenizer made from those words."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from finetune.invented_questions import Example, example
from model.forms import Form, form
from model.prompting import pack
from model.tasks import ALL
from tools.errors import ConfigError

__all__ = [
    "Sample",
    "available",
    "batches",
    "fixed_lines",
    "sample",
    "spoken",
    "stream",
    "tokenizer_of",
]

CHAT = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + eos_token }}{% endgeneration %}"
    "{% else %}{{ '[INST]' + message['content'] + '[/INST]' }}{% endif %}{% endfor %}"
)
"""Turns as Mistral marks them. What stands between the generation marks is what a trainer learns from."""

UNKNOWN, FIRST, LAST, PADDING = "<unk>", "<s>", "</s>", "<pad>"
TURNS = ("[INST]", "[/INST]")


@dataclass(frozen=True)
class Sample:
    """Token ids of a question and its answer; the answer begins at `start`."""

    ids: list[int]
    start: int


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


def stream(forms: dict[str, Form], seed: int) -> Iterator[tuple[str, Example]]:
    """Questions of all tasks in turn, without end. A few have long texts."""
    chance = random.Random(seed)  # noqa: S311 - invents, hides nothing
    while True:
        for name in forms:
            filler = chance.randrange(5, 40) if chance.random() < 0.03 else 0
            yield name, example(name, chance, filler)


def spoken(forms: dict[str, Form], name: str, one: Example) -> tuple[str, str]:
    """A question and its answer, byte for byte as at inference."""
    return forms[name].prompt(one.request.input).text, forms[name].write(one.request, one.value)


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


def sample(tokenizer: Any, asked: str, told: str) -> Sample:
    """The ids of one exchange through the chat template."""
    turns = [{"role": "user", "content": asked}]
    head = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    ids = tokenizer(head, add_special_tokens=False)["input_ids"]
    tail = tokenizer(told + tokenizer.eos_token, add_special_tokens=False)["input_ids"]
    return Sample(ids + tail, len(ids))


def batches(samples: Iterator[Sample], tokens: int, seed: int) -> Iterator[list[Sample]]:
    """Batches of about so many tokens, alike in length so that little is padding, in random order."""
    chance = random.Random(seed)  # noqa: S311 - shuffles
    while True:
        pool = sorted((next(samples) for _ in range(256)), key=lambda one: len(one.ids))
        made: list[list[Sample]] = [[]]
        for one in pool:
            if made[-1] and len(one.ids) * (len(made[-1]) + 1) > tokens:
                made.append([])
            made[-1].append(one)
        chance.shuffle(made)
        yield from made
