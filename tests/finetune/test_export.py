"""What training left becomes what can be served: the same answers, a card that fits, and nothing half done."""

import json

import pytest

from finetune.export import export, main, memory_gb
from model.card import (
    Base,
    ModelCard,
    Trained,
    ensure_card,
    read_card,
    tokenizer_hash,
    weights_hash,
    write_card,
)
from model.prompting import pack
from tests import tiny
from tools.errors import ConfigError


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny.build(tmp_path_factory.mktemp("base") / "model")


def carded(folder, base, kind="adapter", **other):
    told = {
        "name": "trial",
        "kind": kind,
        "base": Base(name="snail", weights=weights_hash(base)),
        "prompts": {"screen": pack("ours", "screen").tag},
        "data": "0123456789abcdef",
        "trained": Trained(at="2026-01-01", program="test", method="lora", epochs=1, examples=3),
        "tokenizer": tokenizer_hash(base),
        "weights": weights_hash(folder),
    }
    write_card(folder, ModelCard.model_validate(told | other))
    return folder


@pytest.fixture(scope="module")
def adapter(base, tmp_path_factory):
    return carded(tiny.adapter(tmp_path_factory.mktemp("run") / "adapter", base), base)


def logits(folder, adapter=None):
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    if adapter:
        model = PeftModel.from_pretrained(model, str(adapter))
    with torch.inference_mode():
        return model(torch.arange(10, 40)[None]).logits


def test_a_merged_adapter_says_what_base_and_adapter_said(base, adapter, tmp_path):
    made = export(adapter, tmp_path / "out", dtype="float32")
    assert made.merged
    assert made.difference < 1e-3
    together = logits(base, adapter)
    assert float((logits(tmp_path / "out") - together).abs().max()) < 1e-2
    assert float((logits(base) - together).abs().max()) > 0.5
    card = read_card(tmp_path / "out")
    assert (card.kind, card.data, card.prompts) == ("model", "0123456789abcdef", read_card(adapter).prompts)
    assert ensure_card(tmp_path / "out", "ours", ["screen"]) is None
    assert str(tmp_path / "out") in made.serve
    assert "--lora-modules" not in made.serve
    assert not list((tmp_path / "out").glob("*.bin"))


def test_a_model_is_merged_in_the_dtype_asked_for(base, adapter, tmp_path, capsys, monkeypatch):
    """7B parameters in float32 are 29 GB; nothing but the dtype asked for is ever loaded."""
    from safetensors import safe_open
    from transformers import AutoModelForCausalLM

    load, asked = AutoModelForCausalLM.from_pretrained, []

    def noted(*given, **named):
        asked.append(str(named["dtype"]))
        return load(*given, **named)

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", noted)
    made = export(adapter, tmp_path / "out", dtype="bfloat16")
    assert asked == ["torch.bfloat16", "torch.bfloat16"]
    assert 0 < made.difference < 0.5
    count = 0
    with safe_open(base / "model.safetensors", framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 - no dict
            count += file.get_tensor(name).numel()
    assert memory_gb(base, "bfloat16") == count * 2 / 1e9
    assert memory_gb(base, "float32") == count * 4 / 1e9
    assert "merging in bfloat16: takes 0.0 GB" in capsys.readouterr().err


def test_a_base_in_several_files_is_merged(base, adapter, tmp_path):
    import shutil

    from transformers import AutoModelForCausalLM

    parts = shutil.copytree(base, tmp_path / "parts")
    (parts / "model.safetensors").unlink()
    AutoModelForCausalLM.from_pretrained(base).save_pretrained(parts, max_shard_size="200KB")
    assert len(list(parts.glob("*.safetensors"))) > 1
    assert memory_gb(parts, "float32") == memory_gb(base, "float32")
    run = carded(shutil.copytree(adapter, tmp_path / "run"), parts)
    export(run, tmp_path / "out", base=parts, dtype="float32")
    assert float((logits(tmp_path / "out") - logits(base, adapter)).abs().max()) < 1e-2


def test_whole_weights_in_several_files_are_taken_with_their_index(base, tmp_path):
    import shutil

    import torch
    from transformers import AutoModelForCausalLM

    run = shutil.copytree(base, tmp_path / "run")
    (run / "model.safetensors").unlink()
    AutoModelForCausalLM.from_pretrained(base).save_pretrained(run, max_shard_size="200KB")
    carded(run, base, kind="model")
    export(run, tmp_path / "out")
    assert torch.equal(logits(tmp_path / "out"), logits(base))


def test_the_tokenizer_is_the_one_of_training_byte_for_byte(base, adapter, tmp_path):
    import shutil

    export(adapter, tmp_path / "out")
    assert tokenizer_hash(tmp_path / "out") == tokenizer_hash(base)
    changed = shutil.copytree(base, tmp_path / "changed")
    path = changed / "chat_template.jinja"
    path.write_text(path.read_text() + " ")
    with pytest.raises(ConfigError, match="is not the one that the adapter was trained with"):
        export(adapter, tmp_path / "other", base=changed)
    assert not (tmp_path / "other").exists()


def test_an_adapter_that_rounding_would_swallow_is_not_merged(base, tmp_path):
    """Steps far below the last bit of bfloat16 would be gone, and the model would be its base again."""
    from safetensors.torch import load_file, save_file

    run = tiny.adapter(tmp_path / "run", base)
    path = run / "adapter_model.safetensors"
    small = {name: t * 1e-3 if "lora_B" in name else t for name, t in load_file(path).items()}
    save_file(small, path, metadata={"format": "pt"})
    carded(run, base)
    with pytest.raises(ConfigError, match="merging changed what the model says"):
        export(run, tmp_path / "out", dtype="bfloat16")
    assert export(run, tmp_path / "out", dtype="float32").merged


def test_an_adapter_that_stays_one_is_served_on_its_base(adapter, tmp_path):
    made = export(adapter, tmp_path / "out", keep_adapter=True)
    assert not made.merged
    assert "--lora-modules" in made.serve
    assert read_card(tmp_path / "out").kind == "adapter"


def test_whole_weights_are_taken_over_byte_for_byte(base, tmp_path):
    import shutil

    run = carded(shutil.copytree(base, tmp_path / "run"), base, kind="model")
    export(run, tmp_path / "out")
    weights = "model.safetensors"
    assert (tmp_path / "out" / weights).read_bytes() == (run / weights).read_bytes()
    assert ensure_card(tmp_path / "out", "ours", ["screen"]) is None


def test_the_readme_tells_what_the_card_and_the_evaluation_tell(adapter, tmp_path):
    told = tmp_path / "evaluation.json"
    told.write_text(json.dumps({"summary": {"screen_accuracy": 0.625}}))
    export(adapter, tmp_path / "out", evaluation=told, keep_adapter=True)
    page = (tmp_path / "out" / "README.md").read_text()
    assert "0123456789abcdef" in page
    assert pack("ours", "screen").tag in page
    assert "0.625" in page


def test_without_an_evaluation_the_readme_says_that_there_is_none(adapter, tmp_path):
    export(adapter, tmp_path / "out", keep_adapter=True)
    assert "None was given" in (tmp_path / "out" / "README.md").read_text()


def test_another_base_than_it_was_trained_on_is_refused_and_nothing_is_left(adapter, tmp_path):
    other = tiny.build(tmp_path / "other", seed=2)
    with pytest.raises(ConfigError, match="not the base that the adapter was trained on"):
        export(adapter, tmp_path / "out", base=other)
    assert not (tmp_path / "out").exists()


def test_a_run_without_a_card_is_refused(base, tmp_path):
    with pytest.raises(ConfigError, match=r"holds no leads-card\.json"):
        export(tiny.adapter(tmp_path / "bare", base), tmp_path / "out")


def test_weights_that_are_not_those_of_the_card_are_refused(base, tmp_path):
    run = carded(tiny.adapter(tmp_path / "run", base), base, weights="f" * 16)
    with pytest.raises(ConfigError, match="are not those of its card"):
        export(run, tmp_path / "out")


def test_what_lies_in_the_folder_already_stays(adapter, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="is not empty"):
        export(adapter, tmp_path / "out")
    assert (tmp_path / "out" / "thesis.txt").read_text() == "years of work"


def test_the_command_line_says_how_to_serve_it(adapter, tmp_path, capsys):
    assert main([str(adapter), "--out", str(tmp_path / "out"), "--dtype", "float32"]) == 0
    said = capsys.readouterr().out
    assert "python -m model.serve" in said
    assert "convert_hf_to_gguf.py" in said
    assert main([str(adapter), "--out", str(tmp_path / "out")]) == 2
    assert "is not empty" in capsys.readouterr().err
