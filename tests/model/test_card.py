"""The card of a model: what it was trained on, against what it is to be asked."""

import json
from pathlib import Path
from typing import Any

import pytest

from model import card as cards
from model.card import (
    CARD,
    Base,
    ModelCard,
    Trained,
    check_card,
    ensure_card,
    fingerprint,
    read_card,
    tokenizer_hash,
    weights_hash,
    write_card,
)
from model.prompting import pack
from tools.errors import ConfigError


def card(**given: Any) -> ModelCard:
    return ModelCard(
        **{
            "name": "snail-1",
            "kind": "model",
            "base": Base(name="someone/tiny", revision="0123abc"),
            "prompts": {task: pack("ours", task).tag for task in ("screen", "pico")},
            "data": "d" * 16,
            "trained": Trained(
                at="2026-01-02T03:04:05Z", program="leads-agent 0.1.0", method="lora", epochs=2, examples=900
            ),
            "notes": ("Never tried on animal studies.",),
        }
        | given
    )


def tensors(path: Path, *, value: int = 0, count: int = 3, size: int = 64) -> None:
    """A safetensors file, written by hand."""
    header = {
        f"t{i}": {"dtype": "U8", "shape": [size], "data_offsets": [i * size, (i + 1) * size]}
        for i in range(count)
    }
    head = json.dumps(header).encode()
    body = bytearray(count * size)
    body[-1] = value
    path.write_bytes(len(head).to_bytes(8, "little") + head + body)


@pytest.fixture
def folder(tmp_path) -> Path:
    place = tmp_path / "snail-1"
    place.mkdir()
    (place / "config.json").write_text('{"model_type": "mistral"}')
    (place / "tokenizer.json").write_text("{}")
    tensors(place / "model.safetensors")
    return place


def test_a_card_is_read_as_it_was_written(folder):
    assert read_card(folder) is None
    assert write_card(folder, card()) == folder / CARD
    assert read_card(folder) == card()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"name": "x"}', '{"name": "x", "invented": 1}'])
def test_what_is_no_card_is_an_error(folder, text):
    (folder / CARD).write_text(text)
    with pytest.raises(ConfigError, match="Remedy"):
        read_card(folder)


def test_the_prompts_it_was_trained_on_fit():
    assert check_card(card(), "ours", ["screen", "pico"]) == []


def test_every_other_prompt_is_told():
    known = card(prompts={"screen": "screen.v1@000000000000"})
    told = [str(mismatch) for mismatch in check_card(known, "ours", ["screen", "pico"])]
    assert told == [
        f"prompt of screen: trained with screen.v1@000000000000, in use is {pack('ours', 'screen').tag}",
        f"prompt of pico: trained with none, in use is {pack('ours', 'pico').tag}",
    ]


def test_another_format_of_answers_is_told():
    assert "format of the answers" in str(check_card(card(answers="leads"), "ours", [])[0])


def test_a_word_changed_in_a_prompt_is_another_prompt(tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    shipped = Path(cards.__file__).parent / "prompts" / "ours" / "screen.md"
    (mine / "screen.md").write_text(shipped.read_text() + "Be brief.\n")
    assert check_card(card(), str(mine), ["screen"])
    (mine / "screen.md").write_text(shipped.read_text())
    pack.cache_clear()
    assert not check_card(card(), str(mine), ["screen"]), "where a pack lies makes no difference"


def test_a_folder_without_a_card_is_allowed_and_said_so(folder):
    assert "no model card" in (ensure_card(folder, "ours", ["screen"]) or "")


def test_a_card_that_fits_leaves_nothing_to_say(folder):
    write_card(folder, card(weights=weights_hash(folder), tokenizer=tokenizer_hash(folder)))
    assert ensure_card(folder, "ours", ["screen", "pico"]) is None


def test_every_mismatch_is_refused_at_once_with_a_remedy(folder):
    write_card(folder, card(prompts={}, weights="0" * 16))
    with pytest.raises(ConfigError) as caught:
        ensure_card(folder, "ours", ["screen", "pico"])
    told = str(caught.value)
    assert all(part in told for part in ("prompt of screen", "prompt of pico", "weights", "allow_other_card"))


def test_what_does_not_fit_can_be_allowed_and_is_still_told(folder):
    write_card(folder, card(prompts={}))
    assert "prompt of screen" in (ensure_card(folder, "ours", ["screen"], allow_other=True) or "")


def test_an_adapter_on_another_base_is_refused(folder, tmp_path):
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    tensors(adapter / "adapter_model.safetensors")
    base = Base(name="someone/tiny", weights=weights_hash(folder))
    write_card(adapter, card(kind="adapter", base=base, tokenizer=tokenizer_hash(folder)))
    assert ensure_card(adapter, "ours", ["screen"], base=folder) is None
    assert ensure_card(adapter, "ours", ["screen"]) is None, (
        "where the base is not at hand, it is not compared"
    )
    tensors(folder / "model.safetensors", value=1)
    with pytest.raises(ConfigError, match="weights of the base"):
        ensure_card(adapter, "ours", ["screen"], base=folder)


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "generation_config.json", "chat_template.jinja"]
)
def test_every_file_that_can_change_an_answer_changes_the_fingerprint(folder, name):
    before = fingerprint(folder)
    (folder / "README.md").write_text("A tiny model.")
    write_card(folder, card())
    assert fingerprint(folder) == before, "what says something about the model does not"
    (folder / name).write_text('{"changed": 1}')
    assert fingerprint(folder) != before


@pytest.mark.parametrize("small", [2**26, 10], ids=["read whole", "read in samples"])
def test_one_changed_weight_changes_the_hash(folder, monkeypatch, small):
    monkeypatch.setattr(cards, "_SMALL", small)
    hashes = set()
    for value in (0, 1):
        tensors(folder / "model.safetensors", value=value)
        hashes.add(weights_hash(folder))
    tensors(folder / "model.safetensors", count=4)
    assert len({*hashes, weights_hash(folder)}) == 3


def test_the_same_weights_in_another_layout_are_not_read(folder):
    before = weights_hash(folder)
    (folder / "consolidated.safetensors").write_bytes(b"the same once more")
    assert weights_hash(folder) == before


@pytest.mark.parametrize(
    "content", [b"", b"12345678", b"\xff" * 40, (3).to_bytes(8, "little") + b"[1]" + b"." * 20]
)
def test_a_large_file_that_holds_no_tensors_is_an_error(folder, monkeypatch, content):
    monkeypatch.setattr(cards, "_SMALL", -1)
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(ConfigError, match=r"no safetensors file.*Remedy"):
        weights_hash(folder)
