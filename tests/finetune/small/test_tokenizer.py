"""The small tokenizer: every byte comes back, and the lines of the prompts are one token each."""

import random

import pytest

from finetune.invention.questions import example
from finetune.small.tokenizer import available, fixed_lines, tokenizer_of
from model.forms import form
from model.prompting import pack
from model.tasks import ALL
from tools.errors import ConfigError


@pytest.fixture(scope="module")
def exchanges():
    chance = random.Random(1)
    made = [example(name, chance) for _ in range(6) for name in ALL]
    forms = [form("ours", one.request.task) for one in made]
    return [
        (f.prompt(one.request.input).text, f.write(one.request, one.value))
        for f, one in zip(forms, made, strict=True)
    ]


def test_tokens_are_those_of_the_chat_template_and_give_back_every_byte(exchanges):
    lines = fixed_lines("ours", available("ours"))
    tokenizer = tokenizer_of(1024, 8192, [part for pair in exchanges[:-1] for part in pair], lines)
    asked, told = exchanges[-1]
    turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": told}]
    whole = tokenizer.apply_chat_template(
        turns, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    assert tokenizer.decode(whole["input_ids"]) == f"<s>[INST]{asked}[/INST]{told}</s>"
    start = whole["assistant_masks"].index(1)
    assert tokenizer.decode(whole["input_ids"][start:]) == f"{told}</s>"
    odd = "naïve – 12.5 µg\t[x]\n\u4e2d"
    assert tokenizer.decode(tokenizer(odd, add_special_tokens=False)["input_ids"]) == odd


def test_each_line_of_a_prompt_is_one_token():
    lines = fixed_lines("ours", ["screen"])
    assert all(line in pack("ours", "screen").body for line in lines)
    tokenizer = tokenizer_of(512, 8192, ["a few words"], lines)
    assert {len(tokenizer(line, add_special_tokens=False)["input_ids"]) for line in lines} == {1}


def test_a_pack_without_prompts_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="holds no prompt"):
        available(str(tmp_path))
