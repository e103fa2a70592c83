"""Invented questions: right answers, evidence that stands in the text, and the same ones each time."""

import random

import pytest

from finetune.invented import invent
from finetune.invented_questions import example
from finetune.samples import available, fixed_lines, sample, spoken, stream, tokenizer_of
from model.forms import form
from model.prompting import pack
from model.tasks import ALL


@pytest.mark.parametrize("name", ALL)
def test_every_answer_fits_its_question_and_is_read_back_as_written(name):
    chance = random.Random(name)
    for _ in range(50):
        one = example(name, chance)
        ALL[name].check(one.value, one.request.input)
        spoken_form = form("ours", ALL[name])
        assert spoken_form.read(one.request, spoken_form.write(one.request, one.value)) == one.value


@pytest.mark.parametrize("name", ALL)
def test_every_quote_stands_in_the_prompt(name):
    chance = random.Random(f"quotes {name}")

    def quotes(part):
        if isinstance(part, dict):
            yield from (part["quote"] for _ in range(1) if part.get("quote"))
            for value in part.values():
                yield from quotes(value)
        elif isinstance(part, list | tuple):
            for value in part:
                yield from quotes(value)

    for _ in range(50):
        one = example(name, chance)
        asked = form("ours", ALL[name]).prompt(one.request.input).text
        assert all(quote in asked for quote in quotes(one.value.model_dump()))


def test_the_same_seed_invents_the_same_and_another_something_else():
    def told(seed):
        feed = stream(available("ours"), seed)
        return [next(feed)[1] for _ in range(40)]

    assert told(3) == told(3)
    assert told(3) != told(4)


def test_a_trial_s_facts_stand_in_its_text():
    chance = random.Random(5)
    for _ in range(200):
        trial = invent(chance, filler=3)
        assert all(span in trial.text for span in trial.told.values())


def test_answers_of_every_label_occur():
    chance = random.Random(6)
    labels = [v.label for _ in range(200) for v in example("screen", chance).value.verdicts]
    assert {"YES", "PARTIAL", "NO", "UNCERTAIN"} == set(labels)
    directions = {example("direction", chance).value.direction for _ in range(100)}
    assert directions == {"increased", "decreased", "no_difference", "uncertain"}


def test_tokens_are_those_of_the_chat_template_and_give_back_every_byte():
    forms = available("ours")
    feed = stream(forms, 1)
    texts = [part for _ in range(60) for part in spoken(forms, *next(feed))]
    tokenizer = tokenizer_of(1024, 8192, texts, fixed_lines("ours", forms))
    asked, told = spoken(forms, *next(feed))
    one = sample(tokenizer, asked, told)
    assert tokenizer.decode(one.ids) == f"<s>[INST]{asked}[/INST]{told}</s>"
    assert tokenizer.decode(one.ids[one.start :]) == f"{told}</s>"
    turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": told}]
    whole = tokenizer.apply_chat_template(
        turns, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
    )
    assert whole["input_ids"] == one.ids
    assert whole["assistant_masks"].index(1) == one.start
    odd = "naïve – 12.5 µg\t[x]\n\u4e2d"
    assert tokenizer.decode(tokenizer(odd, add_special_tokens=False)["input_ids"]) == odd


def test_each_line_of_a_prompt_is_one_token():
    lines = fixed_lines("ours", ["screen"])
    assert all(line in pack("ours", "screen").body for line in lines)
    tokenizer = tokenizer_of(512, 8192, ["a few words"], lines)
    assert {len(tokenizer(line, add_special_tokens=False)["input_ids"]) for line in lines} == {1}
