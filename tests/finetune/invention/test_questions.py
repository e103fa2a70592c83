"""Invented questions: right answers, evidence that stands in the text, and the same ones each time."""

import random

import pytest

from finetune.invention.questions import example
from finetune.invention.trials import invent
from model.forms import form
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
        chance = random.Random(seed)
        return [example(name, chance) for _ in range(3) for name in ALL]

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
