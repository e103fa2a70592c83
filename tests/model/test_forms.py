"""Forms: what a language model is held to, and what is read of its reply. Nothing is repaired."""

import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from model.engine import AnswerRejected, Request
from model.forms import OwnForm, _schema_of, answers_of, form, label_spans, strict
from model.tasks import ALL, screen
from tests.model.questions import QUESTIONS, answer, request
from tools.errors import ConfigError
from tools.schemas import Criterion

KEYED = sorted(task.id for task in ALL.values() if task.keyed)
PLAIN = sorted(set(ALL) - set(KEYED))


def own(task):
    return form("ours", ALL[task])


def written(task):
    return own(task).write(request(task), answer(task))


def items_of(task, raw):
    return json.loads(raw)[ALL[task].keyed.items]


# There and back ----------------------------------------------------------------------------------

TEXTS = st.sampled_from(["", " ", "forty", '{"label": "NO"}', '"label": "NO"', "\\", "ß\u2028"]) | st.text(
    max_size=10
)
"""What models say: JSON in words, too."""

WISHES = {"record_id": st.just("lib:1"), "cites": st.just(["r1", "c1"])}


def saying(part, whole, name=""):
    """Whatever fits a schema."""
    if "$ref" in part:
        part = whole["$defs"][part["$ref"].rpartition("/")[2]]
    if name in WISHES:
        return WISHES[name]
    if "enum" in part:
        return st.sampled_from(part["enum"])
    if "anyOf" in part:
        return st.one_of(*(saying(kind, whole) for kind in part["anyOf"]))
    match part["type"]:
        case "object":
            return st.fixed_dictionaries(
                {key: saying(sub, whole, key) for key, sub in part["properties"].items()}
            )
        case "array":
            least = part.get("minItems", 0)
            return st.lists(saying(part["items"], whole), min_size=least, max_size=max(least, 2))
        case "string":
            return st.sampled_from(["0", "-0.4", ".05", "007"]) if "pattern" in part else TEXTS
        case "integer":
            return st.integers(part["minimum"], part["maximum"])
        case "boolean":
            return st.booleans()
    return st.none()


def said(task):
    schema = own(task).schema(QUESTIONS[task])
    return saying(schema, schema).map(json.dumps)


@pytest.mark.parametrize("task", ALL)
@settings(max_examples=40)
@given(data=st.data())
def test_what_fits_the_form_and_its_question_is_read_and_written_back_the_same(task, data):
    raw = data.draw(said(task))
    try:
        value = own(task).read(request(task), raw)
    except AnswerRejected:
        assume(False)
    back = own(task).write(request(task), value)
    assert json.loads(back) == json.loads(raw)
    assert own(task).write(request(task), own(task).read(request(task), back)) == back


@pytest.mark.parametrize("task", ALL)
def test_every_fitting_answer_can_be_said(task):
    value = own(task).read(request(task), written(task))
    told, wanted = value.model_dump(mode="json"), answer(task).model_dump(mode="json")
    assert own(task).write(request(task), value) == written(task)
    if task not in KEYED:  # the others come back in the order asked
        assert told == wanted


@pytest.mark.parametrize("task", KEYED)
def test_items_are_said_in_the_order_asked_whatever_order_they_were_found_in(task):
    asked = list(ALL[task].keyed.ids(QUESTIONS[task]))
    assert list(items_of(task, written(task))) == asked
    turned = {ALL[task].keyed.items: dict(reversed(items_of(task, written(task)).items()))}
    read = own(task).read(request(task), json.dumps(turned))
    assert own(task).write(request(task), read) == written(task)


@pytest.mark.parametrize("task", ALL)
def test_properties_are_said_in_the_order_of_the_schema(task):
    """A grammar lets them come in no other; a model trained on another order would fight it."""

    def follows(value, part, whole):
        if "$ref" in part:
            part = whole["$defs"][part["$ref"].rpartition("/")[2]]
        if isinstance(value, dict):
            assert list(value) == list(part["properties"]) == part["required"]
            for key, inside in value.items():
                follows(inside, part["properties"][key], whole)
        if isinstance(value, list):
            for inside in value:
                follows(inside, part["items"], whole)

    schema = own(task).schema(QUESTIONS[task])
    follows(json.loads(written(task)), schema, schema)


def test_what_no_model_is_asked_is_not_said():
    """An engine's own confidence and notes are kept with its answer, but no model is trained to make them up."""
    assert answer("screen").verdicts[0].confidence == 0.5
    assert "confidence" not in written("screen")
    assert answer("query").notes
    assert "notes" not in written("query")


# What is refused ---------------------------------------------------------------------------------


def refused(task, raw, match):
    with pytest.raises(AnswerRejected, match=match) as e:
        own(task).read(request(task), raw)
    assert e.value.raw == raw
    assert e.value.kind == "malformed"
    return e.value


@pytest.mark.parametrize("task", KEYED)
def test_an_id_that_comes_twice_is_refused_where_a_json_reader_keeps_the_last(task):
    raw = written(task)
    key = next(iter(items_of(task, raw)))
    twice = json.dumps({ALL[task].keyed.items: {key: "first"}})
    twice = twice.replace('"first"', "{}").replace("}}", "}, " + json.dumps(key) + ": {}}")
    assert len(json.loads(twice)[ALL[task].keyed.items]) == 1, "a reader that sees nothing wrong"
    assert key in str(refused(task, twice, "given twice"))


@pytest.mark.parametrize("task", ALL)
def test_a_field_that_comes_twice_is_refused_at_any_depth(task):
    raw = written(task)
    name = next(iter(json.loads(raw)))
    refused(task, "{" + f'"{name}": null, ' + raw[1:], f"given twice: \\['{name}'\\]")


def test_a_label_that_is_given_twice_is_no_label():
    raw = written("screen").replace('"label":"YES"', '"label":"NO","label":"YES"', 1)
    refused("screen", raw, r"given twice: \['label'\]")


@pytest.mark.parametrize("task", KEYED)
def test_a_missing_id_and_an_unknown_one_are_refused_by_name(task):
    items = ALL[task].keyed.items
    told = items_of(task, written(task))
    first, *others = told
    if others or task != "query":  # which has but one, and no strategy is without blocks
        refused(task, json.dumps({items: {key: told[key] for key in others}}), first)
    refused(task, json.dumps({items: told | {"stranger": told[first]}}), "stranger")
    renamed = {("stranger" if key == first else key): item for key, item in told.items()}
    refused(task, json.dumps({items: renamed}), "stranger")


@pytest.mark.parametrize("task", KEYED)
def test_a_list_where_ids_are_asked_for_is_refused(task):
    """Position never stands for an id: with one item missing, all behind it would move up."""
    items = ALL[task].keyed.items
    listed = list(items_of(task, written(task)).values())
    for wrong in (listed, [], None, "x", {"cough": "YES"}, {"cough": ["YES"]}):
        refused(task, json.dumps({items: wrong}), "is not an object with an object for each id")


@pytest.mark.parametrize("task", KEYED)
def test_an_item_cannot_carry_another_items_id(task):
    """Two items that name each other would otherwise change places without a word."""
    keyed = ALL[task].keyed
    told = items_of(task, written(task))
    swapped = dict(zip(told, reversed(told), strict=True))
    smuggled = {key: item | {keyed.id: swapped[key]} for key, item in told.items()}
    refused(task, json.dumps({keyed.items: smuggled}), "of its own")


def test_a_misfit_is_kept_as_the_model_said_it():
    for task, said in (
        ("arms", '{"status":  "found", "arms": []}'),
        ("pico", '{"elements":  {"P": {"phrases": []}}}'),
    ):
        refused(task, said, "status|match")


ODD = {
    "NaN": ('{"a": NaN}', "NaN is no JSON"),
    "minus infinity": ('{"a": -Infinity}', "-Infinity is no JSON"),
    "deep nesting": ('{"a":' * 100_000, "not one JSON object"),
    "deep lists": ('{"a":' + "[" * 100_000, "not one JSON object"),
    "a number of ten thousand digits": ('{"a": ' + "9" * 10_000 + "}", "not one JSON object"),
    "a list": ("[]", "not a JSON object"),
    "a word": ('"YES"', "not a JSON object"),
    "nothing": ("", "not one JSON object"),
    "a byte order mark": ("\ufeff{}", "not one JSON object"),
    "prose before": ("Sure! {}", "not one JSON object"),
    "prose behind": ("{} I hope this helps.", "not one JSON object"),
    "a fence": ("```json\n{}\n```", "not one JSON object"),
    "two": ("{} {}", "not one JSON object"),
    "single quotes": ("{'a': 1}", "not one JSON object"),
    "a comma too many": ('{"a": 1,}', "not one JSON object"),
    "a comment": ('{"a": 1 /* sure */}', "not one JSON object"),
    "a line break in a text": ('{"a": "\n"}', "not one JSON object"),
}


@pytest.mark.parametrize("task", ["screen", "direction"])
@pytest.mark.parametrize("what", ODD)
def test_what_is_not_one_json_object_is_refused(what, task):
    raw, match = ODD[what]
    refused(task, raw, match)


@pytest.mark.parametrize("task", ["screen", "direction"])
def test_half_a_character_is_refused(task):
    """A lone surrogate is no text: it could be neither stored nor shown."""
    raw = json.dumps(json.loads(written(task))).replace('"rationale": "', '"rationale": "\\ud800', 1)
    with pytest.raises(AnswerRejected):
        own(task).read(request(task), raw)


@given(
    st.sampled_from(sorted(ALL)), st.text() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps)
)
def test_any_text_is_read_or_refused_and_nothing_else(task, raw):
    with pytest.raises(AnswerRejected):
        own(task).read(request(task), raw)


@given(st.sampled_from(sorted(ALL)), st.data())
def test_a_reply_that_is_cut_is_refused_wherever_it_is_cut(task, data):
    raw = written(task)
    with pytest.raises(AnswerRejected):
        own(task).read(request(task), raw[: data.draw(st.integers(0, len(raw) - 1))])


def test_the_reason_can_be_told_to_the_model():
    raw = json.dumps({"verdicts": {"cough": {"quote": "", "label": "MAYBE", "rationale": ""}}})
    said = str(refused("screen", raw, "verdicts.0.label"))
    assert "'YES', 'PARTIAL', 'NO' or 'UNCERTAIN'" in said


# Where the labels stand --------------------------------------------------------------------------


@given(said("screen"), st.sampled_from([None, 0, 2]))
def test_the_place_of_each_label_is_found_whatever_the_texts_beside_it_say(raw, indent):
    raw = json.dumps(json.loads(raw), indent=indent, ensure_ascii=False)
    spans = own("screen").label_spans(request("screen"), raw)
    told = items_of("screen", raw)
    assert {key: raw[slice(*span)] for key, span in spans.items()} == {
        key: item["label"] for key, item in told.items()
    }


def test_a_rationale_that_quotes_json_is_not_taken_for_a_verdict():
    told = items_of("screen", written("screen"))
    told["cough"] |= {"label": "UNCERTAIN", "rationale": 'The text says {"label": "YES"} of itself.'}
    told["animals"] |= {"label": "NO", "quote": '"label": "YES"', "rationale": '"label'}
    raw = json.dumps({"verdicts": told})
    spans = own("screen").label_spans(request("screen"), raw)
    assert {key: raw[slice(*span)] for key, span in spans.items()} == {"cough": "UNCERTAIN", "animals": "NO"}


def test_a_criterion_may_be_called_label():
    asked = screen.ScreenInput(
        record_id="lib:1",
        criteria=tuple(Criterion(id=key, kind="include", text="t") for key in ("label", 'a"label')),
        text="t",
    )
    item = {"quote": "", "label": "UNCERTAIN", "rationale": "none"}
    raw = json.dumps({"verdicts": {"label": item, 'a"label': item | {"label": "NO", "quote": "t"}}})
    spans = own("screen").label_spans(Request(screen.TASK, asked), raw)
    assert {key: raw[slice(*span)] for key, span in spans.items()} == {"label": "UNCERTAIN", 'a"label': "NO"}


def test_a_label_that_is_spelt_with_escapes_has_no_place():
    """Its tokens are not those whose probability is read; none is better than a wrong one."""
    raw = written("screen").replace('"YES"', '"\\u0059ES"')
    assert own("screen").read(request("screen"), raw).verdicts[0].label == "YES"
    assert own("screen").label_spans(request("screen"), raw) == {}


def test_an_answer_without_items_has_one_label_of_no_id():
    raw = written("direction")
    ((start, end),) = own("direction").label_spans(request("direction"), raw).values()
    assert raw[start:end] == "no_difference"
    assert list(own("direction").label_spans(request("direction"), raw)) == [""]


def test_no_labels_no_places():
    assert own("arms").label_spans(request("arms"), written("arms")) == {}
    assert own("screen").label_spans(request("screen"), "YES, surely.") == {}
    assert own("screen").label_spans(request("screen"), "{}") == {}
    assert label_spans('{"label": "YES"}', "label", ["a", "b"]) == {}


def test_the_labels_whose_probability_is_read_are_those_of_the_task():
    assert own("screen").labels == ("YES", "PARTIAL", "NO", "UNCERTAIN")
    assert own("direction").labels == ("increased", "decreased", "no_difference", "uncertain")
    assert all(own(task).labels == () for task in ALL if task not in ("screen", "direction"))


# Schemas and packs -------------------------------------------------------------------------------


def test_a_field_called_like_a_word_of_json_schema_stays_a_field():
    schema = strict(ALL["results"].answer.model_json_schema())
    assert "title" in schema["$defs"]["ResultValue"]["properties"]
    assert "title" in schema["$defs"]["ResultValue"]["required"]
    assert "title" not in schema


def test_defaults_are_no_licence_to_leave_out():
    assert "default" not in json.dumps(own("arms").schema(QUESTIONS["arms"]))


def test_the_same_question_has_the_same_schema():
    """It is part of every call's key."""
    for task in ALL:
        assert json.dumps(own(task).schema(QUESTIONS[task])) == json.dumps(own(task).schema(QUESTIONS[task]))


def test_asking_leaves_the_tasks_model_as_it_is():
    before = json.dumps(ALL["bias"].answer.model_json_schema())
    own("bias").schema(QUESTIONS["bias"])
    assert json.dumps(ALL["bias"].answer.model_json_schema()) == before


PROMPT = "---\nid: arms\nversion: 7\nvariables: [boundary, title, text]\n---\n$boundary $title $text\n"


def test_a_folder_of_ones_own_is_answered_in_our_format(tmp_path):
    (tmp_path / "arms.md").write_text(PROMPT)
    spoken = form(str(tmp_path), ALL["arms"])
    assert isinstance(spoken, OwnForm)
    assert spoken.tag.startswith("arms.v7@")
    assert spoken.prompt(QUESTIONS["arms"]).text.endswith("given snail syrup or water by lot.\n")


@pytest.mark.parametrize("text", ["answers: theirs", "answer: ours", "[", "answers: [ours]"])
def test_a_pack_in_a_format_that_nobody_reads_is_refused(tmp_path, text):
    (tmp_path / "pack.yaml").write_text(text)
    with pytest.raises(ConfigError, match="does not describe a prompt pack"):
        answers_of(str(tmp_path))


def test_a_pack_can_say_its_format(tmp_path):
    (tmp_path / "pack.yaml").write_text("answers: leads\ndescription: the originals")
    assert answers_of(str(tmp_path)) == "leads"


def test_a_pack_without_a_prompt_for_a_task_is_refused_when_it_is_asked_for(tmp_path):
    with pytest.raises(ConfigError, match="arms.md"):
        form(str(tmp_path), ALL["arms"])


@pytest.mark.parametrize(
    ("task", "part", "field"),
    [("question", "Statement", "record_id"), ("summary", "SummarySentence", "cites")],
)
def test_only_what_was_given_can_be_cited(task, part, field):
    """A grammar that is made of the schema then lets no model invent an id."""
    schema = form("ours", ALL[task]).schema(QUESTIONS[task])
    told = schema["$defs"][part]["properties"][field]
    given = ALL[task].limits(QUESTIONS[task])[part][field]
    assert given.items() <= told.items()
    assert "enum" in json.dumps(told)
    # The task's own schema is left as it is for the next question.
    assert "enum" not in json.dumps(_schema_of(ALL[task])["$defs"][part]["properties"][field])
