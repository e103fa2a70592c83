"""What an answer held to a grammar can and cannot say."""

import json
from typing import Any

import pytest

from model.forms import form
from model.local_grammar import Grammars
from model.tasks import ALL
from tests.model.questions import QUESTIONS
from tests.tiny import tokenizer

xgrammar = pytest.importorskip("xgrammar")


@pytest.fixture(scope="module")
def grammars() -> Grammars:
    words = tokenizer()
    return Grammars(words, len(words), [words.eos_token_id])


def fits(grammars: Grammars, schema: Any, text: str) -> bool:
    matcher = xgrammar.GrammarMatcher(
        grammars.compiled(json.dumps(schema)), terminate_without_stop_token=True
    )
    return bool(matcher.accept_string(text) and matcher.is_terminated())


QUOTE = {
    "type": "object",
    "properties": {"quote": {"type": "string", "maxLength": 60}},
    "required": ["quote"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "said", ["a cough", 'the "cough"', "C:\\cough", "cough\nphlegm", "cough\tdry", "Husten: Öl", "😀" * 12]
)
def test_every_text_can_be_quoted_word_by_word(grammars, said):
    assert fits(grammars, QUOTE, json.dumps({"quote": said}, ensure_ascii=False, separators=(",", ":")))


@pytest.mark.parametrize(
    "text",
    [
        '{"quote":"a\tcough"}',  # no JSON
        '{"quote":"a\x00cough"}',
        '{"quote":"a\ncough"}',
        '{"quote":"\\x"}',
        '{"quote":"\\ud83d"}',  # half a letter
        '{"quote": "cough"}',  # one spelling: nothing is spent on spaces
        '{ "quote":"cough"}',
        '{"quote":"cough","more": 1}',
        '{"quote":"cough","quote":"cough"}',
        '{"quote":"cough"} Hope this helps!',
        "{}",
    ],
)
def test_what_is_no_answer_cannot_be_said(grammars, text):
    assert not fits(grammars, QUOTE, text)


@pytest.mark.parametrize("task", ALL)
def test_the_schema_of_every_task_becomes_a_grammar(grammars, task, capfd):
    schema = form("ours", ALL[task]).schema(QUESTIONS[task])
    assert not fits(grammars, schema, "{}")
    assert "arning" not in capfd.readouterr().err, "nothing in the schema is ignored without a word"


def test_a_field_may_be_called_like_a_word_of_json_schema(grammars):
    schema = QUOTE | {
        "properties": {"maxLength": {"type": "string", "maxLength": 4}},
        "required": ["maxLength"],
    }
    assert fits(grammars, schema, '{"maxLength":"long"}')
    assert not fits(grammars, schema, '{"quote":"long"}')


def test_a_pattern_holds_where_a_length_stands_beside_it(grammars):
    number = {"type": "string", "pattern": "^[0-9]+$", "maxLength": 30}
    assert fits(grammars, number, '"40"')
    assert not fits(grammars, number, '"forty"')


def test_a_grammar_is_compiled_once(grammars):
    assert grammars.compiled(json.dumps(QUOTE)) is grammars.compiled(json.dumps(QUOTE))
