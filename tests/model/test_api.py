"""The engine as functions: plain values in, typed answers or typed failures out, on any backend."""

import asyncio
import inspect
import json
import re

import pytest

from model import api
from model.api import Screened, Stopped, connect, screening_study, screening_study_batch
from model.engine import Answer, AnswerRejected, AnswerTruncated, EngineBusy, EngineRefused, EngineUnavailable
from model.tasks import ALL
from tests.servers.answering import fitting, schema_of, task_of
from tests.servers.openai_server import MODEL, changed, failing, serving, truncated
from tools.errors import ConfigError
from tools.schemas import Criterion, FullText, Passage, Record

TEXT = "Wool socks in walkers: a trial.\nSixty walkers wore wool socks. Toes stayed warm."
PAPER = {
    "title": "Wool socks",
    "sections": {
        "Methods": "Sixty walkers were randomised by a computer-generated list.\n\nThey wore wool or cotton.",
        "Results": "Toes were warmer with wool (P = 0.01).",
    },
}
WOOL = ["Wool socks were worn"]
RANDOM = {"1.1": "Was the allocation sequence random?"}

CALLS = {
    "pico": ("pico_elements", {"question": "P: walkers I: wool socks"}),
    "query": (
        "search_query_generation",
        {"elements": {"population": "walkers", "intervention": ["wool socks"]}},
    ),
    "screen": ("screening_study", {"text": TEXT, "criteria": WOOL}),
    "rationale": ("explain_verdict", {"text": TEXT, "criterion": WOOL[0], "label": "YES"}),
    "characteristics": ("extract_study_characteristics", {"paper": PAPER, "fields": {"size": "How many?"}}),
    "arms": ("extract_arm_design", {"paper": PAPER}),
    "participants": (
        "extract_participant_statistics",
        {"paper": PAPER, "measure": "Age", "groups": ["Wool", "Cotton"]},
    ),
    "results": ("extract_trial_result", {"paper": PAPER, "outcome": "Warmth", "group": "Wool"}),
    "direction": (
        "direction_of_effect",
        {"paper": PAPER, "intervention": "wool", "comparator": "cotton", "outcome": "warmth"},
    ),
    "bias": ("risk_of_bias", {"paper": PAPER, "result": "Warmth", "questions": RANDOM}),
    "question": ("answer_question", {"question": "Who wore wool socks?", "records": [TEXT]}),
    "summary": ("narrative_summary", {"outcome": "Warmth", "cells": {"Wool, mean": "31.2"}}),
}


def said(body):
    return fitting(body)


def at(server, **more):
    return {"backend": "openai", "model": MODEL, "base_url": server.base_url, "probabilities": False} | more


def value_of(told):
    return told.answer.value if hasattr(told, "answer") else told.value


@pytest.fixture
def server():
    with serving(said) as served:
        yield served


# Every task --------------------------------------------------------------------------------------


def test_there_is_a_function_and_a_batch_form_for_every_task():
    assert set(CALLS) == set(ALL)
    named = {name for name, _ in CALLS.values()}
    assert {name for name in api.__all__ if inspect.isfunction(getattr(api, name))} == named | {"connect"}
    assert {name for name in api.__all__ if name.endswith("_batch")} == {f"{name}_batch" for name in named}


@pytest.mark.parametrize("task", CALLS)
def test_every_function_asks_its_task_of_a_server(task, server):
    name, told = CALLS[task]
    answer = getattr(api, name)(**told, engine=at(server))
    assert isinstance(value_of(answer), ALL[task].answer)
    (asked,) = server.log
    assert task_of(asked.body) == task
    whole = answer.answer if hasattr(answer, "answer") else answer
    assert json.loads(whole.raw)
    assert whole.tokens_in > 0


@pytest.mark.parametrize("task", CALLS)
def test_every_batch_form_gives_the_answers_of_the_single_form_in_order(task, server):
    name, told = CALLS[task]
    first, *others = told
    one = getattr(api, name)(**told, engine=at(server))
    common = {key: told[key] for key in others}
    both = [told[first], {first: told[first]}]
    if task == "query":
        both = [{first: told[first]}] * 2
    many = getattr(api, f"{name}_batch")(both, **common, engine=at(server))
    assert [value_of(each) for each in many] == [value_of(one)] * 2


@pytest.mark.parametrize("task", ["pico", "query", "screen", "bias"])
def test_the_baseline_answers_without_any_server(task):
    name, told = CALLS[task]
    assert isinstance(value_of(getattr(api, name)(**told)), ALL[task].answer)


# What comes back ---------------------------------------------------------------------------------


def labelled(**labels):
    def choose(body):
        return fitting(body, lambda item, name, schema: labels.get(item, ...) if name == "label" else ...)

    return choose


def test_screening_gives_verdicts_by_id_and_the_mean_that_ranks():
    criteria = {"wool": "Wool socks were worn", "north": {"text": "Done in the south", "kind": "exclude"}}
    with serving(labelled(wool="PARTIAL", north="YES")) as server:
        judged = screening_study(TEXT, criteria, engine=at(server))
    assert {key: verdict.label for key, verdict in judged.verdicts.items()} == {
        "wool": "PARTIAL",
        "north": "YES",
    }
    assert judged.score == pytest.approx((0.5 - 1) / 2)
    assert judged.answer.raw.startswith('{"verdicts"')


def test_verdicts_come_in_the_order_of_the_criteria_whatever_the_order_of_the_answer():
    def turned(body):
        told = json.loads(fitting(body))
        return json.dumps({"verdicts": dict(reversed(told["verdicts"].items()))})

    with serving(turned) as server:
        judged = screening_study(TEXT, ["one", "two", "three"], engine=at(server))
    assert list(judged.verdicts) == ["c1", "c2", "c3"]


def test_a_strategy_is_written_out_and_what_is_no_term_is_set_aside():
    def terms(body):
        return json.dumps(
            {
                "blocks": {
                    "population": {"terms": ["walkers[tiab]", "a AND b"]},
                    "intervention": {"terms": ['"wool socks"[tiab]']},
                }
            }
        )

    with serving(terms) as server:
        drafted = api.search_query_generation(**CALLS["query"][1], engine=at(server))
    assert drafted.query == '(walkers[tiab] AND "wool socks"[tiab])'
    assert [one.term for one in drafted.set_aside] == ["a AND b"]


def test_a_strategy_that_would_lose_a_concept_is_none():
    def empty(body):
        told = {"population": {"terms": ["walkers[tiab]"]}, "intervention": {"terms": ["wool OR silk"]}}
        return json.dumps({"blocks": told})

    with serving(empty) as server:
        with pytest.raises(AnswerRejected, match=r"no term of \['intervention'\]"):
            api.search_query_generation(**CALLS["query"][1], engine=at(server))
        (one,) = api.search_query_generation_batch([CALLS["query"][1]], engine=at(server))
        assert isinstance(one, AnswerRejected)


# Failing loudly ----------------------------------------------------------------------------------


def test_a_failure_is_raised_with_its_type_and_never_an_empty_answer():
    wrong = changed(lambda told: {"verdicts": {}})
    with serving(said, faults=[failing(400)]) as server, pytest.raises(EngineRefused):
        screening_study(TEXT, WOOL, engine=at(server))
    with serving(said, faults=[truncated]) as server, pytest.raises(AnswerTruncated):
        screening_study(TEXT, WOOL, engine=at(server))
    with serving(said, faults=[wrong, wrong]) as server, pytest.raises(AnswerRejected, match="missing"):
        screening_study(TEXT, WOOL, engine=at(server))
    with pytest.raises(EngineUnavailable):
        screening_study(TEXT, WOOL, engine=at(server))  # it is gone by now


def test_a_wrong_form_is_asked_for_once_more():
    with serving(said, faults=[changed(lambda told: {"verdicts": {}})]) as server:
        assert screening_study(TEXT, WOOL, engine=at(server)).verdicts["c1"].label == "UNCERTAIN"
        assert len(server.log) == 2


def naming(body):
    """A rationale that says which text it is about."""
    told = json.loads(fitting(body))
    number = re.search(r"Trial (\d+)", body["messages"][0]["content"])[1]
    for verdict in told["verdicts"].values():
        verdict["rationale"] = f"about {number}"
    return json.dumps(told)


def test_one_failure_in_a_batch_stays_in_its_place_and_costs_no_other():
    texts = [f"Trial {n}. Wool." for n in range(8)]
    with serving(naming, faults=[None, None, failing(400, "no")]) as server:
        told = screening_study_batch(texts, criteria=WOOL, engine=at(server), in_flight=1)
    assert [type(one) for one in told] == [Screened, Screened, EngineRefused, *[Screened] * 5]
    about = [one.verdicts["c1"].rationale for one in told if isinstance(one, Screened)]
    assert about == [f"about {n}" for n in (0, 1, 3, 4, 5, 6, 7)]


def test_results_keep_the_order_of_the_questions_however_they_land():
    texts = [{"title": f"Trial {n}", "record_id": f"r{n}"} for n in range(30)]
    seen = []
    with serving(naming) as server:
        told = screening_study_batch(
            texts, criteria=WOOL, engine=at(server), in_flight=8, progress=lambda *n: seen.append(n)
        )
    assert [one.record_id for one in told] == [f"r{n}" for n in range(30)]
    assert [one.verdicts["c1"].rationale for one in told] == [f"about {n}" for n in range(30)]
    assert seen == [(n, 30) for n in range(1, 31)]


def test_equal_ids_and_equal_texts_stay_separate_entries():
    twice = {"title": "Trial 1", "record_id": "same"}
    with serving(naming) as server:
        told = screening_study_batch([twice, twice, twice], criteria=WOOL, engine=at(server))
    assert [one.record_id for one in told] == ["same"] * 3


def test_a_server_that_goes_away_stops_the_batch_and_what_had_landed_is_kept():
    texts = [f"Trial {n}. Wool." for n in range(6)]
    with serving(naming, faults=[None, None, *[failing(401)] * 20]) as server, pytest.raises(Stopped) as e:
        screening_study_batch(texts, criteria=WOOL, engine=at(server), in_flight=1)
    assert [type(one) for one in e.value.results] == [Screened, Screened, *[Stopped] * 4]
    assert "2 of 6" in str(e.value)
    assert e.value.exit_status == 4
    assert isinstance(e.value.__cause__, EngineUnavailable)


def test_no_items_no_questions():
    assert screening_study_batch([], criteria=WOOL) == []


# Engines -----------------------------------------------------------------------------------------


def test_an_engine_of_ones_own_is_asked_as_it_is():
    class Silent:
        name = "silent"

        def seen(self, request):
            return {}

        async def answer(self, request):
            raise EngineBusy("not now")

        def read(self, request, raw):
            raise AssertionError

    with pytest.raises(EngineBusy, match="not now"):
        screening_study(TEXT, WOOL, engine=Silent())
    (one,) = screening_study_batch([TEXT], criteria=WOOL, engine=Silent())
    assert isinstance(one, EngineBusy)


def test_a_store_keeps_every_call_so_that_nothing_is_asked_twice(tmp_path, server):
    for _ in range(2):  # as in two notebooks
        engine = connect(at(server), store=tmp_path / "calls.sqlite")
        first = screening_study(TEXT, WOOL, engine=engine)
        again = screening_study_batch([TEXT, TEXT], criteria=WOOL, engine=engine, in_flight=1)
        assert [one.answer.key for one in again] == [first.answer.key] * 2
        assert first.answer.key.startswith("v1:")
    assert len(server.log) == 1


def test_what_is_given_to_connect_may_be_an_engine_already():
    engine = connect("baseline")
    assert connect(engine) is engine
    assert screening_study(TEXT, WOOL, engine=engine).score == screening_study(TEXT, WOOL).score


def test_it_works_where_an_event_loop_is_running_as_in_a_notebook(server):
    async def cell():
        one = screening_study(TEXT, WOOL, engine=at(server))
        return one, screening_study_batch([TEXT] * 3, criteria=WOOL, engine=at(server))

    one, many = asyncio.run(cell())
    assert [each.verdicts for each in many] == [one.verdicts] * 3


def test_a_long_paper_is_read_in_parts_and_says_so():
    long = {"title": "Wool socks", "sections": {f"Part {n}": "Wool is warm. " * 300 for n in range(3)}}
    with serving(said) as server:
        told = api.extract_study_characteristics(
            long, {"size": "How many?"}, engine=at(server, context=4096, max_tokens=256)
        )
    assert len(server.log) > 1
    assert isinstance(told, Answer)
    assert told.value.cells[0].status == "not_found"


WRONG_ENGINES = {
    "an unknown backend": ("gpt", "engine.backend"),
    "an unknown setting": ({"backend": "baseline", "modle": "x"}, "engine.modle"),
    "no address": ({"backend": "openai", "model": "x"}, "needs base_url"),
    "no model": ({"backend": "transformers"}, "needs model"),
    "no such pack": (
        {"backend": "openai", "model": "x", "base_url": "http://127.0.0.1:9/v1", "prompts": "nowhere"},
        "nowhere",
    ),
}


@pytest.mark.parametrize("what", WRONG_ENGINES)
def test_an_engine_that_cannot_be_used_is_refused_with_the_settings_name(what):
    description, match = WRONG_ENGINES[what]
    with pytest.raises(ConfigError, match=match):
        screening_study(TEXT, WOOL, engine=description)


# Plain values ------------------------------------------------------------------------------------


def asked_of(server):
    return server.log[-1].prompt


TEXTS = {
    "a text": TEXT,
    "a dict with an abstract": {"title": TEXT.split("\n")[0], "abstract": TEXT.split("\n")[1]},
    "a dict with a text": {"title": "Wool", "text": TEXT, "record_id": "r"},
    "a record": Record(record_id="pubmed:1", title=TEXT.split("\n")[0], abstract=TEXT.split("\n")[1]),
}


@pytest.mark.parametrize("what", TEXTS)
def test_a_text_may_be_given_in_several_ways_and_is_sent_the_same(what, server):
    screening_study(TEXTS[what], WOOL, engine=at(server))
    assert f"\n{TEXT}\n" in asked_of(server)


PAPERS = {
    "a text": "Sixty walkers.\n\nWool was warm.",
    "sections": {"sections": {"Methods": "Sixty walkers.", "Results": "Wool was warm."}},
    "passages": [
        Passage(section="", kind="paragraph", start=0, text="Sixty walkers."),
        Passage(section="", kind="paragraph", start=15, text="Wool was warm."),
    ],
    "abstract and text": {"abstract": "Sixty walkers.", "text": "Wool was warm."},
}
PAPERS["a full text"] = FullText(
    report_id="r", source="s", canonical="Sixty walkers.\nWool was warm.", passages=tuple(PAPERS["passages"])
)


@pytest.mark.parametrize("what", PAPERS)
def test_a_paper_may_be_given_in_several_ways_and_is_sent_the_same(what, server):
    api.extract_arm_design(PAPERS[what], engine=at(server))
    assert "\nSixty walkers.\nWool was warm.\n" in asked_of(server)


CRITERIA = {
    "texts": (["Wool", "Walkers"], ["c1", "c2"]),
    "by id": ({"wool": "Wool", "who": "Walkers"}, ["wool", "who"]),
    "dicts": ([{"id": "wool", "kind": "exclude", "text": "Wool"}], ["wool"]),
    "objects": ([Criterion(id="wool", kind="include", text="Wool"), "Walkers"], ["wool", "c2"]),
}


@pytest.mark.parametrize("what", CRITERIA)
def test_criteria_may_be_given_in_several_ways_and_keep_their_ids(what, server):
    criteria, ids = CRITERIA[what]
    screening_study(TEXT, criteria, engine=at(server))
    assert list(schema_of(server.log[0].body)["properties"]["verdicts"]["properties"]) == ids


MISTAKES = {
    "no criteria": (lambda: screening_study(TEXT, []), "criteria: there are none"),
    "criteria as one text": (lambda: screening_study(TEXT, "Wool"), "criteria: write a list"),
    "an id twice": (
        lambda: screening_study(TEXT, [{"id": "a", "text": "x"}, {"id": "a", "text": "y"}]),
        r"come twice: \['a'\]",
    ),
    "a kind that is none": (
        lambda: screening_study(TEXT, [{"id": "a", "kind": "maybe", "text": "x"}]),
        r"criteria\.0\.kind",
    ),
    "a criterion that is a number": (
        lambda: screening_study(TEXT, [7]),
        r"criteria\.0: write a dict, not a int",
    ),
    "an empty text": (lambda: screening_study(" ", WOOL), "nothing to judge"),
    "no text": (lambda: screening_study(None, WOOL), "not nothing"),
    "a misspelt part": (lambda: screening_study({"titel": "x"}, WOOL), r"unknown \['titel'\]"),
    "an empty paper": (lambda: api.extract_arm_design({"title": "Wool"}), "nothing to read"),
    "a paper that is a number": (lambda: api.extract_arm_design(7), "not a int"),
    "sections as a list": (lambda: api.extract_arm_design({"sections": ["x"]}), "paper.sections"),
    "an element that is a number": (
        lambda: api.search_query_generation({"population": 7}),
        "elements.population",
    ),
    "only empty elements": (
        lambda: api.search_query_generation({"population": " "}),
        "every element is empty",
    ),
    "elements as a text": (lambda: api.search_query_generation("wool"), "write a dict"),
    "an unknown framework": (lambda: api.pico_elements("q", framework="ABC"), "none of"),
    "an unknown target": (
        lambda: api.search_query_generation({"population": "x"}, target="books"),
        "query.target",
    ),
    "an unknown label": (lambda: api.explain_verdict(TEXT, "Wool", "MAYBE"), "rationale.label"),
    "an unknown answer": (
        lambda: api.risk_of_bias(PAPER, "r", [{"id": "1", "text": "t", "options": ["Y", "X"]}]),
        "questions.0.options",
    ),
    "no question": (lambda: api.answer_question("", [TEXT]), "question.question"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_named_before_anything_is_asked(what):
    call, match = MISTAKES[what]
    with pytest.raises(ConfigError, match=match):
        call()


def test_a_mistake_in_one_item_is_found_before_the_first_is_asked(server):
    with pytest.raises(ConfigError, match="item 2: text: is empty"):
        screening_study_batch([TEXT, TEXT, ""], criteria=WOOL, engine=at(server))
    with pytest.raises(ConfigError, match="item 0: missing a required argument: 'criteria'"):
        screening_study_batch([TEXT], engine=at(server))
    with pytest.raises(ConfigError, match="item 0: got an unexpected keyword argument 'criterion'"):
        screening_study_batch([TEXT], criteria=WOOL, criterion="Wool", engine=at(server))
    assert server.log == []


def test_records_of_a_question_are_cited_by_the_ids_they_have_or_get(server):
    api.answer_question("Who?", [TEXT, {"title": "Wool", "record_id": "lib:9"}], engine=at(server))
    assert "[r1] " in asked_of(server)
    assert "[lib:9] Wool" in asked_of(server)
