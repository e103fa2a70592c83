"""Training as a whole, on CPU with a model of some 80,000 parameters: real steps, real files."""

import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from finetune.train import main, train
from finetune.training.settings import read_settings
from finetune.training.trainer import LeadsTrainer
from model.card import ensure_card, read_card
from tests.finetune.training.trainable import base, configuration, data, losses
from tools.errors import ConfigError

pytestmark = pytest.mark.filterwarnings("ignore")  # what libraries deprecate among themselves

LINEARS = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return base(tmp_path_factory.mktemp("base") / "base")


@pytest.fixture(scope="module")
def instructions(tmp_path_factory):
    return data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, model, instructions):
    """Six steps in one go."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert main([str(configuration(folder, model, instructions, eval_every=3, tensorboard=True))]) == 0
    return folder / "out"


def weights(folder):
    from safetensors.torch import load_file

    return load_file(next(folder.glob("*.safetensors")))


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_the_loss_falls_on_what_is_seen_and_on_what_is_held_out(undisturbed):
    told = json.loads((undisturbed / "training.json").read_text())
    assert losses(undisturbed)[-1] < losses(undisturbed)[0] - 0.3
    first, *_, last = told["held_out"]
    tasks = [key for key in first if key.startswith("eval_loss/")]
    assert len(tasks) == 4
    assert all(last[task] < first[task] for task in tasks)
    assert told["steps"] == 6
    assert told["versions"]["torch"] == torch.__version__
    assert any((undisturbed / "logs").iterdir())


def test_a_run_that_was_interrupted_goes_on_bit_for_bit(undisturbed, model, instructions, tmp_path):
    path = configuration(tmp_path, model, instructions)
    settings = read_settings(path)
    killed = _interrupted(path, after=4)
    assert killed.returncode == 9, killed.stderr[-2000:]
    assert not (settings.out / "training.json").exists()
    train(settings, resume=True)
    assert losses(settings.out) == losses(undisturbed)
    assert same(weights(settings.out / "model"), weights(undisturbed / "model"))


def _interrupted(path: Path, after: int) -> "subprocess.CompletedProcess[str]":
    """A process that trains and is gone after some steps, as by `kill -9`."""
    program = f"""
import os, sys
from finetune.training import trainer
step = trainer.LeadsTrainer.training_step
def dies(self, *given, **named):
    if self.state.global_step == {after}:
        os._exit(9)
    return step(self, *given, **named)
trainer.LeadsTrainer.training_step = dies
from finetune.train import main
sys.exit(main([{str(path)!r}]))
"""
    return subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True)


def test_the_saved_model_is_loaded_by_transformers_and_gives_the_trained_logits(undisturbed):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = undisturbed / "model"
    loaded, info = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("Forty adults", return_tensors="pt")["input_ids"]
    kept = AutoModelForCausalLM.from_pretrained(undisturbed / "checkpoint-6")
    with torch.no_grad():
        assert torch.equal(loaded(ids).logits, kept(ids).logits)
    assert loaded.config._attn_implementation == "sdpa"
    assert not (folder / "training_args.bin").exists()


def test_the_card_names_prompts_data_and_base(undisturbed, model, instructions):
    from finetune.training.encoding import data_hash
    from model.card import weights_hash

    card = read_card(undisturbed / "model")
    assert card.kind == "model"
    assert sorted(card.prompts) == ["direction", "pico", "question", "screen"]
    assert card.data == data_hash(instructions)
    assert card.base.weights == weights_hash(model)
    assert card.trained.method == "full"
    assert ensure_card(undisturbed / "model", "ours", card.prompts) is None


def test_bf16_is_saved_in_16_bits_and_a_frozen_table_stays(model, instructions, tmp_path):
    path = configuration(tmp_path, model, instructions, steps=2, dtype="bf16", freeze=["*embed*"])
    out = train(read_settings(path))
    before, after = weights(model), weights(out)
    assert {tensor.dtype for tensor in after.values()} == {torch.bfloat16}
    table = "model.embed_tokens.weight"
    assert torch.equal(after[table], before[table].bfloat16())
    moved = "model.layers.0.mlp.up_proj.weight"
    assert not torch.equal(after[moved], before[moved].bfloat16())


@pytest.mark.parametrize("method", ["lora", "dora", "rslora"])
def test_an_adapter_is_trained_saved_and_loaded(method, model, instructions, tmp_path):
    from peft import PeftConfig, PeftModel
    from transformers import AutoModelForCausalLM

    path = configuration(tmp_path, model, instructions, method=method, adapter={"rank": 4}, lr=0.01)
    out = train(read_settings(path))
    assert losses(tmp_path / "out")[-1] < losses(tmp_path / "out")[0]
    told = PeftConfig.from_pretrained(out)
    assert (told.use_dora, told.use_rslora) == (method == "dora", method == "rslora")
    assert {name.rpartition(".")[2] for name in told.target_modules} == LINEARS
    card = read_card(out)
    assert (card.kind, card.trained.method) == ("adapter", method)
    assert ensure_card(out, "ours", card.prompts, base=model) is None
    plain = AutoModelForCausalLM.from_pretrained(model)
    ids = torch.arange(20, 60)[None]
    with torch.no_grad():
        before = plain(ids).logits
        after = PeftModel.from_pretrained(plain, out)(ids).logits
    assert not torch.allclose(before, after)
    assert not list(out.glob("tokenizer*"))


def test_muon_trains_and_resumes_bit_for_bit(model, instructions, tmp_path):
    muon = {"name": "muon", "betas": [0.9, 0.98], "embeddings": 0.5}
    whole = read_settings(configuration(tmp_path / "whole", model, instructions, optimizer=muon))
    train(whole)
    assert losses(whole.out)[-1] < losses(whole.out)[0] - 0.3
    parts = read_settings(configuration(tmp_path / "parts", model, instructions, optimizer=muon))
    train(parts)
    shutil.rmtree(parts.out / "checkpoint-6")
    train(parts, resume=True)  # from the third step
    assert losses(parts.out) == losses(whole.out)
    assert same(weights(parts.out / "model"), weights(whole.out / "model"))


def test_a_loss_that_is_no_number_stops_at_once_and_keeps_the_batch(instructions, tmp_path, capsys):
    # The last norm is so large that a real forward pass overflows.
    broken = base(tmp_path / "broken")
    from safetensors.torch import load_file, save_file

    file = broken / "model.safetensors"
    tensors = load_file(file)
    tensors["model.norm.weight"] = tensors["model.norm.weight"] * 3e38
    save_file(tensors, file, metadata={"format": "pt"})
    path = configuration(tmp_path, broken, instructions)
    assert main([str(path)]) == 1
    said = capsys.readouterr().err
    assert "step 1: the loss is" in said
    assert "there is no checkpoint yet" in said
    [saved] = (tmp_path / "out" / "stopped").iterdir()
    told = json.loads(saved.read_text())
    assert told["step"] == 1
    assert told["rows"]
    names = {row["example_id"] for row in _train_rows(instructions)}
    assert {name for row in told["rows"] for name in row["examples"]} <= names
    assert all(len(row["tokens"]) == sum(row["lengths"]) for row in told["rows"])


def _train_rows(folder):
    from finetune.instructions import read_rows

    return read_rows(folder / "train", ["example_id"])


def test_a_gradient_that_is_no_number_stops_before_the_step(
    model, instructions, tmp_path, monkeypatch, capsys
):
    compute = LeadsTrainer.compute_loss

    def spoiled(self, model, inputs, *given, **named):
        loss = compute(self, model, inputs, *given, **named)
        if self.state.global_step == 3:  # the square root's slope at 0 is infinite, its value is not
            loss = loss + torch.sqrt(0 * loss)
        return loss

    monkeypatch.setattr(LeadsTrainer, "compute_loss", spoiled)
    path = configuration(tmp_path, model, instructions, save_every=2)
    assert main([str(path)]) == 1
    said = capsys.readouterr().err
    assert "step 4: the gradient is nan" in said
    assert "the last good checkpoint is" in said
    assert [p.name for p in (tmp_path / "out").glob("checkpoint-*")] == ["checkpoint-2"]


def test_a_full_disk_leaves_the_earlier_checkpoint_whole(model, instructions, tmp_path, monkeypatch, capsys):
    step = LeadsTrainer.training_step
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def filled(self, *given, **named):
        if self.state.global_step == 3:  # from here on no file may grow: writing fails as on a full disk
            resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
        return step(self, *given, **named)

    path = configuration(tmp_path, model, instructions, save_every=2, keep=1)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(LeadsTrainer, "training_step", filled)
            assert main([str(path)]) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said = capsys.readouterr().err
    assert "checkpoint-4 could not be written" in said
    assert "checkpoint-2 is as it was" in said
    out = tmp_path / "out"
    assert [p.name for p in out.glob("checkpoint-*")] == ["checkpoint-2"]
    assert main([str(path), "--resume"]) == 0
    assert len(losses(out)) == 6


def test_examples_longer_than_the_context_are_counted_by_task(model, instructions, tmp_path, capsys):
    path = configuration(tmp_path, model, instructions, context=400, steps=1)
    assert main([str(path)]) == 0
    told = json.loads((tmp_path / "out" / "training.json").read_text())
    assert sum(told["left_out"]["longer than the context"].values()) > 0
    assert "longer than the context" in capsys.readouterr().err
    count = sum(told["examples"].values()) + sum(told["left_out"]["longer than the context"].values())
    assert count == len(list(_train_rows(instructions)))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"context": 20}, "no example can be trained on"),
        ({"weights": {"tasks": {"sreen": 2}}}, "no such task or source"),
        ({"freeze": ["*embe"]}, "the name of no parameter"),
        ({"freeze": ["*"]}, "nothing would be trained"),
        ({"method": "lora", "adapter": {"targets": ["w_proj"]}}, "adapter.targets"),
        ({"deepspeed": "ds.json"}, "needs a launcher"),
        ({"data": "nowhere"}, "holds no instructions"),
        ({"model": "./nowhere"}, "is no folder"),
        ({"hardware": {"name": "abacus"}}, "not in the table"),
        ({"attention": "flash_attention_2"}, "flash_attention_2 computes in 16 bits"),
        (
            {"weights": {"tasks": dict.fromkeys(("pico", "screen", "direction", "question"), 0)}},
            "weight 0",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused_with_a_remedy(
    changes, said, model, instructions, tmp_path, capsys
):
    assert main([str(configuration(tmp_path, model, instructions, **changes))]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert "Remedy: " in told


def test_a_folder_with_checkpoints_is_not_written_over_nor_mixed(undisturbed, model, instructions, capsys):
    path = configuration(undisturbed.parent, model, instructions)
    assert main([str(path)]) == 2
    assert "--resume" in capsys.readouterr().err
    assert main([str(path), "--resume", "--set", "lr=0.5", "--set", "seed=9"]) == 2
    said = capsys.readouterr().err
    assert "lr: was 0.003, is 0.5" in said
    assert "seed: was 1, is 9" in said


def test_another_number_of_processes_is_refused(undisturbed, tmp_path):
    from finetune.training.checkpoints import Run, ready_to_resume

    before = Run(json.loads((undisturbed / "run.json").read_text()))
    now = Run(before | {"processes": 4})
    with pytest.raises(ConfigError, match="start 1 processes"):
        ready_to_resume(undisturbed, now, universal=False, deepspeed=False)
    with pytest.raises(ConfigError, match="was written without DeepSpeed, this run is with DeepSpeed"):
        ready_to_resume(undisturbed, before, universal=False, deepspeed=True)
    out = shutil.copytree(undisturbed, tmp_path / "out")
    (out / "checkpoint-6" / "global_step6").mkdir()
    with pytest.raises(ConfigError, match="ds_to_universal"):
        ready_to_resume(out, now, universal=False, deepspeed=True)
    with pytest.raises(ConfigError, match="was written with DeepSpeed, this run is without DeepSpeed"):
        ready_to_resume(out, before, universal=False, deepspeed=False)
    with pytest.raises(ConfigError, match="is no universal checkpoint"):
        ready_to_resume(out, now, universal=True, deepspeed=True)


def test_other_data_or_another_model_are_refused(undisturbed, model, tmp_path):
    other = data(tmp_path / "data", 5)
    path = configuration(undisturbed.parent, model, other)
    with pytest.raises(ConfigError, match="data is another one than before"):
        train(read_settings(path), resume=True)
    bigger = base(tmp_path / "base", hidden=32)
    instructions_of = json.loads((undisturbed / "training.json").read_text())["settings"]["data"]
    path = configuration(undisturbed.parent, bigger, Path(instructions_of))
    with pytest.raises(ConfigError, match="model is another one than before"):
        train(read_settings(path), resume=True)


def test_resuming_without_a_checkpoint_says_so(model, instructions, tmp_path, capsys):
    assert main([str(configuration(tmp_path, model, instructions)), "--resume"]) == 2
    assert "holds no whole checkpoint. Remedy: start without --resume" in capsys.readouterr().err


def test_of_several_processes_a_checkpoint_is_whole_when_all_have_written(tmp_path):
    from finetune.training.checkpoints import latest, mark_whole

    for step in (2, 4):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        for name in ("trainer_state.json", "rng_state_0.pth"):  # the first process is done, the second is not
            (folder / name).write_text("{}")
    assert latest(tmp_path) is None
    mark_whole(tmp_path / "checkpoint-2", 2)
    assert latest(tmp_path) == tmp_path / "checkpoint-2"


def test_a_checkpoint_left_half_written_does_not_outlive_a_whole_one(model, instructions, tmp_path):
    """Such as one of step 9 by an earlier process: by number alone it would be the newest."""
    half = tmp_path / "out" / "checkpoint-9"
    half.mkdir(parents=True)
    (half / "model.safetensors").write_bytes(b"half")
    assert main([str(configuration(tmp_path, model, instructions, steps=4, save_every=1, keep=2))]) == 0
    left = sorted(path.name for path in (tmp_path / "out").glob("checkpoint-*"))
    assert left == ["checkpoint-3", "checkpoint-4"]


def test_who_waits_for_the_tokens_says_what_for(model, instructions, tmp_path, monkeypatch, capsys):
    from finetune.training import encoding

    speech, sleeps = encoding.Speech(model), []

    def slept(seconds):
        sleeps.append(seconds)
        if len(sleeps) == 3:
            encoding.encode_folder(instructions / "train", speech, 2048, tmp_path / "tokens")

    monkeypatch.setattr(encoding, "PATIENCE", 0.0)
    monkeypatch.setattr(encoding.time, "sleep", slept)
    found = encoding.encode_folder(instructions / "train", speech, 2048, tmp_path / "tokens", waits=True)
    assert len(found) > 0
    assert capsys.readouterr().err.count("waiting for the first process") == 1


@pytest.mark.parametrize(
    ("told", "changes", "said"),
    [
        ("{", {}, "see finetune/configs/ds_zero3.json"),
        ('{"zero_optimization": {"stage": 3}}', {}, "stage3_gather_16bit_weights_on_model_save: true"),
        ('{"optimizer": {"type": "AdamW"}}', {"optimizer": {"weight_decay": 0.1}}, "no optimizer there"),
    ],
)
def test_a_configuration_of_deepspeed_that_would_fail_at_the_end(
    told, changes, said, model, instructions, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("RANK", "0")
    (tmp_path / "ds.json").write_text(told)
    path = configuration(tmp_path, model, instructions, deepspeed="ds.json", **changes)
    assert main([str(path)]) == 2
    assert said in capsys.readouterr().err


def test_weights_of_tasks_and_sources_choose_what_comes(model, instructions, tmp_path):
    weights = {"tasks": {"screen": 0, "pico": 2}, "sources": {"invented-1": 0.5}}
    path = configuration(tmp_path, model, instructions, weights=weights, steps=None, batch=1)
    train(read_settings(path))
    lines = json.loads((tmp_path / "out" / "training.json").read_text())["losses"]
    assert any("loss/pico" in line for line in lines)
    assert not any("loss/screen" in line for line in lines)
