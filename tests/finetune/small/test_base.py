"""A model to begin training from: complete, loadable, able to copy, and the same for the same seed and words."""

import random

import pytest

from finetune.instructions import About, instruction, row_of, write_rows
from finetune.invention.questions import example
from finetune.small.base import Shape, main, make
from model.card import tokenizer_hash, weights_hash
from model.prompting import pack
from model.tasks import ALL

SMALL = Shape(vocabulary=700, hidden=64, inner=64, layers=1, heads=1, kv_heads=1, wired=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    chance = random.Random(3)
    about = About(source="invented", licence="Apache-2.0", how="invented")
    made = (example(name, chance) for _ in range(4) for name in ALL)
    rows = [
        row_of(instruction(one.request.task.id, one.request.input, one.value, about), "ours") for one in made
    ]
    write_rows(folder / "train" / "invented.parquet", rows)
    return folder


def test_the_folder_is_loaded_as_any_mistral(data, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    size = make(data, tmp_path, SMALL)
    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert model.config.model_type == "mistral"
    assert sum(p.numel() for p in model.parameters()) == size
    assert len(tokenizer) == model.config.vocab_size
    assert "{% generation %}" in tokenizer.chat_template
    assert tokenizer.eos_token_id == model.generation_config.eos_token_id


def test_its_tokens_give_back_the_words_they_were_made_from_and_others(data, tmp_path):
    from transformers import AutoTokenizer

    make(data, tmp_path, SMALL)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    for text in (pack("ours", "screen").body, "naïve – 12.5 µg\t[x]\n\u4e2d"):
        assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def test_the_same_seed_makes_the_same_model_and_another_does_not(data, tmp_path):
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        make(data, tmp_path / name, Shape(**(vars(SMALL) | {"seed": seed})))
    one, again, other = (weights_hash(tmp_path / name) for name in ("one", "again", "other"))
    assert one == again != other
    assert tokenizer_hash(tmp_path / "one") == tokenizer_hash(tmp_path / "other")


def test_without_data_it_says_how_to_make_them(tmp_path, capsys):
    assert main(["--data", str(tmp_path), "--out", str(tmp_path / "model")]) == 2
    assert "python -m finetune.build" in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_the_command_line_sets_the_shape(data, tmp_path, capsys):
    arguments = ["--hidden", "192", "--layers", "3", "--vocabulary", "900", "--inner", "64"]
    assert main(["--data", str(data), "--out", str(tmp_path), *arguments]) == 0
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(tmp_path)
    assert (config.hidden_size, config.num_hidden_layers, config.intermediate_size) == (192, 3, 64)
    assert "M weights" in capsys.readouterr().out
