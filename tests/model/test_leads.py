"""The LEADS format: the same answer there and back, in prompts whose headings and names the weights know."""

import contextlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import leads
from model.engine import AnswerRejected
from model.forms import form
from model.tasks import ALL
from model.tasks.participants import ParticipantsAnswer
from model.tasks.screen import ScreenAnswer, ScreenInput
from tests.model.leads_questions import (
    ANSWERS,
    QUESTIONS,
    TEXT,
    request,
)
from tools.schemas import Criterion
from tools.screening.verdicts import conclude


def spoken(task):
    return form("leads", ALL[task])


def read(task, reply, asked=None):
    raw = reply if isinstance(reply, str) else json.dumps(reply)
    return spoken(task).read(request(task, asked), raw)


def written(task):
    return spoken(task).write(request(task), ANSWERS[task])


# There and back ------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", leads.TASKS)
def test_what_is_written_reads_as_the_same_answer(task):
    assert read(task, written(task)) == ANSWERS[task]


FENCES = {
    "alone": "{}",
    "white space around": "\n  {}\n\n",
    "a fence": "```json\n{}\n```",
    "a fence without a language": "```\n{}\n```",
    "a fence and white space": "\n```json  \n{}\n```\n",
}


@pytest.mark.parametrize("task", leads.TASKS)
@pytest.mark.parametrize("how", FENCES)
def test_one_document_is_read_alone_and_in_one_fence(task, how):
    assert read(task, FENCES[how].replace("{}", written(task))) == ANSWERS[task]


@pytest.mark.parametrize("task", leads.TASKS)
@pytest.mark.parametrize(
    "around",
    [
        "Here it is: {}",
        "{}\nI hope this helps.",
        "```json\n{}\n```\nDone.",
        "{}{}",
        "```\n{}\n```\n```\n{}\n```",
    ],
)
def test_words_or_a_second_document_around_it_are_refused_and_the_reply_is_kept(task, around):
    raw = around.replace("{}", written(task))
    with pytest.raises(AnswerRejected, match="not one JSON document") as refused:
        read(task, raw)
    assert refused.value.raw == raw


@pytest.mark.parametrize("task", leads.TASKS)
def test_a_property_given_twice_is_refused(task):
    """JSON readers keep the last of them, without a word."""
    raw = written(task)
    name = re.search(r'"(\w+)": ', raw).group(0)
    with pytest.raises(AnswerRejected, match="given twice"):
        read(task, raw.replace(name, f"{name}null, {name}", 1))


@pytest.mark.parametrize("task", leads.TASKS)
def test_a_property_too_few_or_too_many_is_refused(task):
    raw = written(task)
    last = re.search(r'[,{] "?(\w+)": [^,{}\[\]]*\}', raw)
    more = raw[: raw.rindex("}")] + ', "score": 1}' + raw[raw.rindex("}") + 1 :]
    with pytest.raises(AnswerRejected, match="score"):
        read(task, more)
    if last is not None:
        with pytest.raises(AnswerRejected, match="Field required"):
            read(task, raw[: last.start()] + "}" + raw[last.end() :])


@given(
    st.text(max_size=40)
    | st.lists(st.sampled_from(['"', "{", "}", "[", "]", "```", "\n", "query", ":"])).map("".join)
)
def test_whatever_is_said_is_an_answer_or_refused(raw):
    for task in leads.TASKS:
        with contextlib.suppress(AnswerRejected):
            assert read(task, raw) is not None


labels = st.sampled_from(["YES", "PARTIAL", "NO", "UNCERTAIN"])


@given(
    st.lists(
        st.tuples(st.sampled_from(["include", "exclude"]), labels, st.text(max_size=30)),
        min_size=1,
        max_size=9,
    )
)
def test_any_verdicts_survive_there_and_back(rows):
    criteria = tuple(Criterion(id=f"c{n}", kind=kind, text="x") for n, (kind, *_) in enumerate(rows))
    asked = ScreenInput(record_id="lib:1", criteria=criteria, text="t")
    answer = ScreenAnswer(
        verdicts=tuple(
            {"criterion_id": f"c{n}", "label": label, "rationale": why}
            for n, (_, label, why) in enumerate(rows)
        )
    )
    assert read("screen", spoken("screen").write(request("screen", asked), answer), asked) == answer


NUMBERS = st.from_regex(r"\A-?(0|[1-9][0-9]{0,6})(\.[0-9]{1,6})?\Z")


@given(NUMBERS)
def test_a_number_keeps_every_digit_there_and_back(digits):
    answer = ParticipantsAnswer(
        values=(
            {"group_id": "BG000", "status": "found", "value": digits},
            {"group_id": "BG001", "status": "not_found"},
        )
    )
    raw = spoken("participants").write(request("participants"), answer)
    assert f'"value": {digits},' in raw
    assert read("participants", raw) == answer


@pytest.mark.parametrize("digits", ["007", "+5", ".5"])
def test_a_number_that_json_cannot_spell_is_not_written(digits):
    answer = ParticipantsAnswer(
        values=(
            {"group_id": "BG000", "status": "found", "value": digits},
            {"group_id": "BG001", "status": "not_found"},
        )
    )
    with pytest.raises(ValueError, match="no JSON number"):
        spoken("participants").write(request("participants"), answer)


# Lists whose order means something -----------------------------------------------------------------

FOUR = [{"eligibility": label, "rationale": ""} for label in ("YES", "PARTIAL", "NO", "UNCERTAIN")]


@given(st.lists(st.sampled_from(FOUR), max_size=9))
def test_a_list_of_another_length_never_becomes_verdicts(items):
    if len(items) == 4:
        told = [v.label for v in read("screen", {"evaluations": items}).verdicts]
        assert told[:3] == [item["eligibility"] for item in items[:3]]
    else:
        with pytest.raises(AnswerRejected, match=f"{len(items)} given, 4 asked for"):
            read("screen", {"evaluations": items})


FIELDS = json.loads(spoken("characteristics").write(request("characteristics"), ANSWERS["characteristics"]))


@given(st.permutations(FIELDS))
def test_fields_in_another_order_keep_their_names(items):
    by_id = {cell.field_id: cell for cell in read("characteristics", items).cells}
    assert by_id == {cell.field_id: cell for cell in ANSWERS["characteristics"].cells}


@given(st.lists(st.sampled_from(FIELDS), max_size=5))
def test_a_missing_or_doubled_field_is_refused(items):
    if sorted(item["name"] for item in items) != ["design", "size", "socks"]:
        with pytest.raises(AnswerRejected):
            read("characteristics", items)


def test_groups_in_another_order_keep_their_ids():
    said = json.loads(written("participants"))
    told = read("participants", {"results": said["results"][::-1]})
    assert {v.group_id: v.value for v in told.values} == {"BG000": "-0.4", "BG001": None}


# Exclusion criteria --------------------------------------------------------------------------------


def test_an_exclusion_criterion_is_put_turned_round():
    said = spoken("screen").prompt(QUESTIONS["screen"]).text
    assert (
        "- Criteria for Inclusion: 1: Population: Adults who run. 2: Intervention: Socks of wool. "
        "3: Comparison: Socks of cotton. 4: None of the following applies to the study: Animals or cells only.\n"
    ) in said
    assert "- Number of Criteria: 4\n" in said


@pytest.mark.parametrize(
    ("said", "meant"), [("YES", "NO"), ("NO", "YES"), ("PARTIAL", "PARTIAL"), ("UNCERTAIN", "UNCERTAIN")]
)
def test_its_label_is_turned_back(said, meant):
    items = [*FOUR[:3], {"eligibility": said, "rationale": "so"}]
    assert read("screen", {"evaluations": items}).verdicts[3].label == meant


@pytest.mark.parametrize(
    ("said", "suggestion", "reason"), [("NO", "exclude", "animals"), ("YES", "pass", None)]
)
def test_only_a_no_to_the_turned_criterion_rules_a_record_out(said, suggestion, reason):
    items = [{"eligibility": "YES", "rationale": ""}] * 3 + [{"eligibility": said, "rationale": ""}]
    judged = read("screen", {"evaluations": items}).verdicts
    verdict = conclude("lib:1", QUESTIONS["screen"].criteria, judged, TEXT, can_exclude=True)
    assert (verdict.suggestion, verdict.reason) == (suggestion, reason)
    assert verdict.flagged  # no quotes in this format: a person looks


def test_the_probabilities_of_its_labels_are_turned_back_too():
    raw = written("screen")
    spans = spoken("screen").label_spans(request("screen"), raw)
    assert {key: raw[start:end] for key, (start, end) in spans.items()} == {
        "who": "YES",
        "wool": "PARTIAL",
        "cotton": "NO",
        "animals": "YES",
    }
    likely = {"who": {"YES": 0.75, "NO": 0.25}, "animals": {"YES": 0.9, "NO": 0.1}}
    assert spoken("screen").meant(request("screen"), likely) == {
        "who": {"YES": 0.75, "NO": 0.25},
        "animals": {"NO": 0.9, "YES": 0.1},
    }


def test_labels_are_found_in_a_fenced_reply_and_in_none_of_another_length():
    raw = f"```json\n{written('screen')}\n```"
    spans = spoken("screen").label_spans(request("screen"), raw)
    assert [raw[start:end] for start, end in spans.values()] == ["YES", "PARTIAL", "NO", "YES"]
    assert spoken("screen").label_spans(request("screen"), '{"evaluations": [{"eligibility": "YES"}]}') == {}
    assert spoken("arms").label_spans(request("arms"), written("arms")) == {}


# Schemas -------------------------------------------------------------------------------------------


def every_part(schema):
    if isinstance(schema, dict):
        yield schema
        for inner in schema.values():
            yield from every_part(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from every_part(inner)


@pytest.mark.parametrize("task", leads.TASKS)
def test_nothing_in_a_schema_may_go_on_for_ever(task):
    for part in every_part(spoken(task).schema(QUESTIONS[task])):
        assert not part.keys() & {
            "pattern",
            "format",
            "uniqueItems",
            "contains",
            "multipleOf",
        }  # vLLM refuses some
        match part.get("type"):
            case "string":
                assert part.keys() & {"maxLength", "enum", "const"}, part
            case "array":
                assert "maxItems" in part, part
            case "number" | "integer":
                assert {"minimum", "maximum"} <= part.keys(), part
            case "object":
                assert part["additionalProperties"] is False
                assert part["required"] == list(part["properties"])


def grammar(schema):
    xgrammar = pytest.importorskip("xgrammar")
    testing = pytest.importorskip("xgrammar.testing")
    compiled = xgrammar.Grammar.from_json_schema(json.dumps(schema))
    return lambda raw: testing._is_grammar_accept_string(compiled, raw)


@pytest.mark.parametrize("task", leads.TASKS)
def test_a_grammar_made_of_the_schema_takes_what_is_written_and_no_item_less(task):
    takes = grammar(spoken(task).schema(QUESTIONS[task]))
    raw = written(task).replace('\\"', "")  # xgrammar has no escapes in texts of a bounded length
    assert takes(raw)
    if task in ("screen", "characteristics", "participants"):
        items = json.loads(raw)
        (items if isinstance(items, list) else next(iter(items.values()))).pop()
        assert not takes(json.dumps(items))
