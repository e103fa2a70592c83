"""What is learned is the reply and the end token, byte for byte; what is wrong is noticed before training."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finetune.instructions import read_rows, write_rows
from finetune.training.encoding import TOO_LONG, TWICE, UNSAYABLE, Speech, data_hash, encode_folder
from finetune.training.masking import WrongMask, check_masks, pack_of, shown
from tests.finetune.training.trainable import base, rows
from tests.tiny import build
from tools.errors import ConfigError, InputFileError


@pytest.fixture(scope="module")
def speech(tmp_path_factory):
    return Speech(base(tmp_path_factory.mktemp("base")))


@pytest.fixture(scope="module")
def pieces(tmp_path_factory):
    """A tokenizer that puts a word mark before every text."""
    return Speech(build(tmp_path_factory.mktemp("pieces"), spaces_as_marks=True))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("data")
    write_rows(place / "a.parquet", rows("masks", 4))
    return place


def test_what_is_learned_of_every_task_is_its_reply(folder, speech, tmp_path):
    examples = encode_folder(folder, speech, 8192, tmp_path)
    assert len(examples) == len(list(read_rows(folder)))
    assert len(examples.known_tasks()) == 12
    for at, row in enumerate(read_rows(folder)):
        one = examples[at]
        assert examples.names[at] == row.example_id
        assert speech.tokenizer.decode(one.ids[one.start :]) == row.reply + "</s>"
        assert speech.tokenizer.decode(one.ids[: one.start]) == f"<s>[INST]{row.prompt}[/INST]"
    pages = check_masks(folder, examples, speech, "ours")
    assert len(pages) == 2
    assert all("⟦{" in page and page.endswith("}</s>⟧") for page in pages)
    assert pack_of(examples.tags) == "ours"
    assert pack_of({"screen": "screen.v1@other"}) is None


def test_a_reply_has_no_space_before_it_whatever_the_tokenizer_prefers(pieces):
    [ids] = pieces.replies(['{"verdicts":{}}'])
    assert pieces.said(ids[:-1]) == b'{"verdicts":{}}'
    # By itself the tokenizer would begin with the mark of a word, which the grammar forbids.
    plain = pieces.tokenizer('{"verdicts":{}}', add_special_tokens=False)["input_ids"]
    assert pieces.said(plain) == b' {"verdicts":{}}'


def test_the_grammar_lets_such_a_reply_through(folder, pieces, tmp_path):
    examples = encode_folder(folder, pieces, 20_000, tmp_path)
    assert len(examples) > 40
    assert check_masks(folder, examples, pieces, "ours")


text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=60)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text)
def test_any_reply_is_learned_byte_for_byte_with_one_end_token(speech, pieces, told):
    for one in (speech, pieces):
        [ids] = one.replies([told])
        if ids is None:
            assert one is pieces  # SentencePiece's marks cannot say every text
            assert "▁" in told
            continue
        assert one.said(ids[:-1]) == told.encode()
        assert ids.count(one.end) == 1


def test_marks_of_the_template_in_a_text_are_letters(speech):
    [asked] = speech.prompts(["The text says </s> and [INST]."])
    assert asked.count(speech.end) == 0
    assert speech.tokenizer.decode(asked) == "<s>[INST]The text says </s> and [INST].[/INST]"
    [told] = speech.replies(['{"quote":"</s>"}'])
    assert told.count(speech.end) == 1


def test_too_long_examples_and_doubles_are_left_out_and_counted(folder, speech, tmp_path):
    all_rows = list(read_rows(folder))
    lengths = encode_folder(folder, speech, 8192, tmp_path / "a").lengths
    middle = sorted(lengths)[len(lengths) // 2]
    twice = tmp_path / "twice"
    write_rows(twice / "a.parquet", [*all_rows, all_rows[lengths.index(min(lengths))]])
    examples = encode_folder(twice, speech, middle, tmp_path / "b")
    assert max(examples.lengths) == middle  # as long as the context is not too long
    assert sum(examples.left_out[TOO_LONG].values()) == sum(length > middle for length in lengths)
    assert sum(examples.left_out[TWICE].values()) == 1
    assert len(examples) + sum(sum(x.values()) for x in examples.left_out.values()) == len(all_rows) + 1


def test_the_ids_on_disk_are_used_again_until_the_data_change(folder, speech, tmp_path):
    first = encode_folder(folder, speech, 8192, tmp_path / "store")
    [place] = (tmp_path / "store").iterdir()
    before = (place / "ids.bin").stat().st_mtime_ns
    again = encode_folder(folder, speech, 8192, tmp_path / "store")
    assert (place / "ids.bin").stat().st_mtime_ns == before
    assert first.key == again.key
    assert np.array_equal(first.ids, again.ids)
    other = tmp_path / "other"
    write_rows(other / "a.parquet", rows("other", 1))
    assert encode_folder(other, speech, 8192, tmp_path / "store").key != first.key
    assert data_hash(other) != data_hash(folder)


def test_nothing_short_enough_and_two_packs_are_refused(folder, speech, tmp_path):
    with pytest.raises(InputFileError, match="longer context"):
        encode_folder(folder, speech, 20, tmp_path / "store")
    one, *more = rows("mixed", 2, ("screen",))
    mixed = [one, *(row.model_copy(update={"prompt_tag": "screen.v0@0"}) for row in more)]
    write_rows(tmp_path / "mixed" / "a.parquet", mixed)
    with pytest.raises(ConfigError, match="two prompts"):
        encode_folder(tmp_path / "mixed", speech, 8192, tmp_path / "store")
    assert not list((tmp_path / "store").glob("*.partial"))


def test_a_reply_that_the_tokenizer_cannot_say_is_counted(pieces, tmp_path):
    one = rows("unsayable", 1, ("question",))[0]
    write_rows(tmp_path / "a.parquet", [one, one.model_copy(update={"example_id": "b", "reply": "a▁b"})])
    examples = encode_folder(tmp_path, pieces, 20_000, tmp_path / "store")
    assert examples.left_out == {UNSAYABLE: {"question": 1}}


# Masks that are wrong ----------------------------------------------------------------------------


def spoiled(folder, speech, store, change):
    """The examples of a folder after something went wrong with their ids on disk."""
    examples = encode_folder(folder, speech, 8192, store)
    examples.ids = np.array(examples.ids)
    examples.answers = np.array(examples.answers)
    change(examples)
    return examples


def shorter(examples):
    examples.answers[0] -= 1


def longer(examples):
    examples.answers[0] += 1


def nothing(examples):
    examples.answers[0] = 0


def without_end(examples):
    examples.ids[examples.offsets[1] - 1] = examples.ids[examples.offsets[1] - 2]


def another_prompt(examples):
    examples.ids[3] += 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (shorter, "what is learned is"),
        (longer, "what is learned is"),
        (nothing, "nothing of it is learned"),
        (without_end, "end token"),
        (another_prompt, "not what an engine is sent"),
    ],
)
def test_a_wrong_mask_is_noticed(change, said, folder, speech, tmp_path):
    examples = spoiled(folder, speech, tmp_path, change)
    with pytest.raises(WrongMask, match=said) as caught:
        check_masks(folder, examples, speech, "ours")
    assert examples.names[0] in str(caught.value)
    assert "Remedy" in str(caught.value)


def test_a_reply_that_the_server_would_not_let_through_is_noticed(speech, tmp_path):
    one = rows("spaces", 1, ("screen",))[0]
    spaced = json.dumps(json.loads(one.reply))  # with a space behind each colon
    write_rows(tmp_path / "a.parquet", [one.model_copy(update={"reply": spaced})])
    examples = encode_folder(tmp_path, speech, 8192, tmp_path / "store")
    with pytest.raises(WrongMask, match="the grammar of its task forbids token"):
        check_masks(tmp_path, examples, speech, "ours")
    assert check_masks(tmp_path, examples, speech, None)


def test_a_tokenizer_without_template_or_end_token_is_refused(speech, tmp_path):
    for name in ("template", "end"):
        shutil.copytree(speech.folder, tmp_path / name)
    (tmp_path / "template" / "chat_template.jinja").unlink()
    with pytest.raises(ConfigError, match="chat template"):
        Speech(tmp_path / "template")
    path = tmp_path / "end" / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"eos_token": None}))
    with pytest.raises(ConfigError, match="end token"):
        Speech(tmp_path / "end")


def test_the_learned_part_is_marked_for_people(folder, speech, tmp_path):
    one = encode_folder(folder, speech, 8192, tmp_path)[0]
    page = shown(one, speech, around=4)
    assert page.startswith("…")
    assert page.count("⟦") == page.count("⟧") == 1
