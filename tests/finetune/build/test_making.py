"""Pieces, receipts and the invented maker."""

import json

import pytest

from finetune.build.kinds import Shard
from finetune.build.make.invented import Invented
from finetune.build.makers import MAKERS, misfit, options_of
from finetune.build.pieces import EXAMPLES, Notes, Piece, keep, pieces, receipt_of
from finetune.build.settings import BuildSettings
from finetune.build.wording import Pack, _content, counter
from finetune.instructions import About, Instruction, Refusal, read_rows, row_of
from model.tasks import ALL
from tools.errors import ConfigError, InputFileError


def test_invented_instructions_are_of_every_task_each_about_a_text_of_its_own():
    made = list(Invented(240, 1)(None, Shard()))
    assert all(isinstance(one, Instruction) for one in made)
    assert {one.task for one in made} == set(ALL)
    assert len({one.example_id for one in made}) == len(made)
    assert all(one.about.studies[0].startswith("doc:invented-") for one in made)
    assert {(one.about.source, one.about.licence) for one in made} == {("invented", "Apache-2.0")}
    for one in made:
        assert row_of(one, "ours").reply
    assert [one.example_id for one in Invented(240, 1)(None, Shard())] == [one.example_id for one in made]
    assert {one.example_id for one in Invented(240, 2)(None, Shard())}.isdisjoint(
        {one.example_id for one in made}
    )


def test_the_shards_of_the_invented_ones_make_the_whole():
    whole = {one.example_id for one in Invented(100, 1)(None, Shard())}
    parts = [{one.example_id for one in Invented(100, 1)(None, Shard(n, 3))} for n in range(3)]
    assert set.union(*parts) == whole
    assert sum(map(len, parts)) == len(whole)


def test_pieces_of_a_process_and_of_all():
    settings = BuildSettings(makers={"pico": {}, "search": {}}, invented={"count": 1}, pieces=3)
    names = [(piece.maker, piece.name) for piece in pieces(settings)]
    assert names[:3] == [("pico", f"{n:04}-of-0003") for n in range(3)]
    assert {maker for maker, _ in names} == {"pico", "search", "invented"}
    both = [pieces(settings, Shard(n, 2)) for n in range(2)]
    assert {*both[0], *both[1]} == set(pieces(settings))
    assert not {*both[0]} & {*both[1]}
    assert [piece.shard.number for piece in both[1]] == [1, 1, 1]


def rows(notes):
    for one in Invented(24, 1)(None, Shard()):
        notes.counts[one.task] += 1
        yield row_of(one, "ours")


def test_a_receipt_tells_what_was_made_and_stands_only_beside_its_own_file(tmp_path):
    notes = Notes()
    path = Piece("invented", Shard(0, 1)).file(tmp_path)
    receipt = keep(path, rows(notes), "this", notes)
    assert sum(receipt.counts.values()) == 24 == len(list(read_rows(path)))
    assert receipt_of(path) == receipt
    path.with_suffix(".json").write_text("{}")
    assert receipt_of(path) is None
    keep(path, rows(Notes()), "this", Notes())
    path.write_bytes(b"PAR1")
    assert receipt_of(path) is None
    assert receipt_of(tmp_path / "none.parquet") is None


def test_a_maker_that_fails_half_way_leaves_no_receipt(tmp_path):
    def failing():
        yield from list(rows(Notes()))[:3]
        raise RuntimeError("half way")

    path = Piece("invented", Shard(0, 1)).file(tmp_path)
    keep(path, rows(Notes()), "before", Notes())
    with pytest.raises(RuntimeError, match="half way"):
        keep(path, failing(), "after", Notes())
    assert receipt_of(path) is None


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path):
    (tmp_path / "invented").write_text("a file where the folder should be")
    with pytest.raises(InputFileError, match="another --out"):
        keep(Piece("invented", Shard(0, 1)).file(tmp_path), rows(Notes()), "x", Notes())


def test_refusals_are_counted_and_the_first_few_named():
    notes = Notes()
    for number in range(9):
        notes.refuse(Refusal("arms", "ctgov", "no results are posted", f"NCT{number:08}"))
    notes.refuse(Refusal("arms", "ctgov", "link refused"))
    told = notes.told()
    assert [(one.why, one.count, len(one.examples)) for one in told] == [
        ("link refused", 1, 0),
        ("no results are posted", 9, EXAMPLES),
    ]
    assert json.loads(told[1].model_dump_json())["examples"][0] == "NCT00000000"


@pytest.mark.parametrize("name", MAKERS)
def test_every_maker_takes_its_defaults_and_makes_known_tasks(name):
    assert misfit(name, {}) is None
    assert set(MAKERS[name].tasks) <= set(ALL)
    assert misfit(name, {"no-such-option": 1}) is not None
    options_of(name, {})


def test_an_option_that_is_none_is_told_wherever_it_stands():
    assert misfit("directions", {"reading": {"charactrs": 3}}) == "reading.charactrs: no such option"
    assert misfit("directions", {"reading": {"characters": 3}, "uncertain_of": 2}) is None
    assert "characters" in misfit("directions", {"reading": {"characters": "many"}})


def test_lengths_are_characters_or_the_tokens_of_the_chat(tmp_path):
    assert counter(None)("four", "five!") == 9
    with pytest.raises(ConfigError, match="cannot be loaded"):
        counter(str(tmp_path))
    from finetune.small.tokenizer import fixed_lines, tokenizer_of

    tokenizer = tokenizer_of(300, 8192, ["some words to learn from"], fixed_lines("ours", ["screen"]))
    tokenizer.save_pretrained(tmp_path / "tok")
    asked, told = "what is asked?", '{"a": 1}'
    turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": told}]
    whole = tokenizer.apply_chat_template(turns, tokenize=True)["input_ids"]
    assert counter(str(tmp_path / "tok"))(asked, told) == len(whole)


def test_another_tokenizer_under_the_same_name_is_counted_with_anew(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}")
    before = _content(str(tmp_path))
    (tmp_path / "tokenizer.json").write_text('{"other": 1}')
    assert _content(str(tmp_path)) != before
    assert (_content("name/on-a-hub"), _content(None)) == ("name/on-a-hub", None)


def test_a_folder_without_prompts_is_no_pack(tmp_path):
    assert set(Pack.of("ours").tags) == set(ALL)
    with pytest.raises(ConfigError, match="holds no prompt"):
        Pack.of(str(tmp_path))


def test_an_about_needs_a_source():
    with pytest.raises(ValueError):
        About(source="", licence="x", how="y")
