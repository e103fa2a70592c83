"""Every task put to vLLM, and what vLLM does when it is asked too much or the wrong thing."""

import asyncio
import json
import random
import re
from dataclasses import replace

import httpx
import pytest

from finetune.invention.questions import example
from model.building import Backends
from model.engine import (
    AnswerRejected,
    AnswerTruncated,
    EngineBusy,
    EngineUnavailable,
    Request,
    RequestTooLong,
)
from model.forms import form, json_object
from model.tasks import ALL, screen
from model.tasks.screen import ScreenInput
from tools.engine_settings import EngineSettings
from tools.schemas import Criterion

pytestmark = pytest.mark.timeout(600)

LEARNED = {"rationale", "characteristics", "results", "direction", "bias"}
"""Tasks whose form the small model knows well enough to come to an end of what it says."""

TEXT = "Adults with migraine were randomly assigned to tarovexin 40 mg or placebo for 12 weeks."


def engine(server, **settings):
    """The engine that review.yaml would give."""
    told = {"backend": "vllm", "base_url": server.base_url, "model": server.model, "context": 8192}
    return Backends(None, None)(EngineSettings.model_validate(told | settings))  # type: ignore[arg-type]


def asked(server, *requests, **settings):
    """The answers, or the errors in their places."""
    backend = engine(server, **settings)  # it closes its connections with the loop, and must outlive it

    async def all_of_them():
        return await asyncio.gather(*(backend.answer(r) for r in requests), return_exceptions=True)

    return asyncio.run(all_of_them())


def screening(*ids, text=TEXT):
    """Criteria by the ids given, about one text."""
    criteria = tuple(Criterion(id=name, kind="include", text=f"Statement {name} holds.") for name in ids)
    return Request(screen.TASK, ScreenInput(record_id="1", criteria=criteria, text=text))


def counter(server, name):
    """One of vLLM's own counters."""
    told = httpx.get(f"{server.address}/metrics", trust_env=False).text
    found = re.search(rf"^vllm:{name}{{.*?}} (\S+)$", told, re.MULTILINE)
    assert found, f"{name} is not among the metrics"
    return float(found[1])


@pytest.mark.parametrize("name", ALL)
def test_every_task_is_answered_in_its_form(server, name):
    chance = random.Random(f"served {name}")
    requests = [example(name, chance).request for _ in range(6)]
    answers = asked(server, *requests)
    # A grammar holds shape, ids and labels. That a value stands exactly where one is said to be found is beyond
    # grammars, and so is the end of a text: a small model forgets the one and misses the other now and then.
    rejected = [a for a in answers if isinstance(a, BaseException)]
    assert all(isinstance(a, AnswerRejected) for a in rejected), rejected
    for error in rejected:
        if not isinstance(error, AnswerTruncated):
            json_object(name, error.raw)
    if name in LEARNED:
        assert len(rejected) < len(requests) / 2, rejected
    for request, answer in zip(requests, answers, strict=True):
        if answer in rejected:
            continue
        assert form("ours", request.task).read(request, answer.raw) == answer.value
        assert answer.tokens_in > 0
        assert answer.tokens_out > 0


def test_ids_that_the_model_never_saw_are_each_answered_once(server):
    one = example("bias", random.Random("unseen")).request
    ids = [f"zq-{n}_{'x' * n}" for n in range(len(one.input.questions))]
    questions = tuple(q.model_copy(update={"id": i}) for q, i in zip(one.input.questions, ids, strict=True))
    (answer,) = asked(server, replace(one, input=one.input.model_copy(update={"questions": questions})))
    assert [a.question_id for a in answer.value.answers] == ids


def test_labels_have_probabilities_that_sum_to_one(server):
    (answer,) = asked(server, screening("adults", "randomised", "placebo"))
    assert set(answer.probabilities) == {"adults", "randomised", "placebo"}
    for verdict in answer.value.verdicts:
        told = answer.probabilities[verdict.criterion_id]
        assert set(told) == {"YES", "PARTIAL", "NO", "UNCERTAIN"}
        assert sum(told.values()) == pytest.approx(1, abs=1e-3)
        assert max(told, key=told.__getitem__) == verdict.label


def test_the_criteria_that_two_records_share_are_read_once(server):
    before = counter(server, "prefix_cache_hits_total")
    ids = [f"criterion-{n}" for n in range(80)]
    for text in ("Adults took placebo.", "Rats took tarovexin."):
        (told,) = asked(server, screening(*ids, text=text), max_tokens=16)
        assert told.tokens_in > 512  # whether or not sixteen tokens are an answer
    assert counter(server, "prefix_cache_hits_total") - before > 256


def test_the_same_question_has_the_same_answer(server):
    request = screening("adults", "randomised")
    first, second = (asked(server, request)[0] for _ in range(2))
    assert first.raw == second.raw


def test_a_text_beyond_the_context_is_too_long_and_no_part_of_it_is_answered(server):
    (told,) = asked(server, screening("adults", text="tarovexin " * 9000))
    assert isinstance(told, RequestTooLong)


def test_a_model_that_is_not_served_stops_the_step_with_a_remedy(server):
    (told,) = asked(server, screening("adults"), model="another")
    assert isinstance(told, EngineUnavailable)
    assert "model" in str(told)


def test_more_at_once_than_the_server_takes_is_overload_and_no_failure_of_the_answers(server):
    from model.wrappers import Limited, Retried

    chance = random.Random("overload")
    requests = [example("direction", chance).request for _ in range(80)]
    backend = Retried(Limited(engine(server), 80), lambda: 1.0)

    async def all_of_them():
        return await asyncio.gather(*(backend.answer(r) for r in requests), return_exceptions=True)

    answers = asyncio.run(all_of_them())
    assert not [a for a in answers if isinstance(a, EngineBusy)]
    assert sum(not isinstance(a, BaseException) for a in answers) > 40


def test_the_server_says_what_to_write_into_review_yaml(server):
    assert "context: 8192" in server.said
    assert f"base_url: {server.base_url}" in server.said


def test_the_model_carries_a_card_that_names_the_prompts_it_was_trained_on(tiny):
    card = json.loads((tiny / "leads-card.json").read_text())
    assert card["prompts"] == {name: form("ours", task).tag for name, task in ALL.items()}
