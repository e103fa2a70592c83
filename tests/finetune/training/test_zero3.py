"""DeepSpeed ZeRO-3 on CPU: two processes by torchrun over gloo, a model of some 80,000 parameters."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from finetune.train import main
from finetune.training.checkpoints import conversion, latest
from finetune.training.encoding import Speech, encode_folder
from finetune.training.packing import plan_rows
from model.card import ensure_card, read_card
from tests.finetune.training.trainable import base, configuration, data, losses

pytestmark = pytest.mark.filterwarnings("ignore")  # what libraries deprecate among themselves

ROOT = Path(__file__).parents[3]
ZERO3 = str(ROOT / "finetune" / "configs" / "ds_zero3.json")
EXTENSIONS = Path.home() / ".cache" / "torch_extensions"
"""Where DeepSpeed's compiled communication is kept: half a minute the first time on a machine."""


def launched(path, *flags, processes=2):
    """`torchrun -m finetune.train`."""
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes),
        "-m", "finetune.train", str(path), *flags,
    ]  # fmt: skip
    environment = {
        **os.environ,
        "DS_ACCELERATOR": "cpu",
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "ignore",
        "PYTHONPATH": str(ROOT),
        "TORCH_EXTENSIONS_DIR": os.environ.get("TORCH_EXTENSIONS_DIR", str(EXTENSIONS)),
    }
    return ran(command, environment)


def ran(command, environment):
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280)


def weights(folder):
    from safetensors.torch import load_file

    return load_file(next(folder.glob("*.safetensors")))


def rows_of(model, instructions, context, store):
    """How many rows an epoch has."""
    known = encode_folder(instructions / "train", Speech(model), context, store)
    how = {"context": context, "packing": True, "batch": 1, "epochs": 1, "seed": 1}
    return len(plan_rows(known.names, known.lengths, [1.0] * len(known), **how))


def gradients(out):
    """Length of the gradient in each step."""
    return [line["grad_norm"] for line in json.loads((out / "training.json").read_text())["losses"]]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return base(tmp_path_factory.mktemp("base") / "base", layers=1)


@pytest.fixture(scope="module")
def instructions(tmp_path_factory):
    return data(tmp_path_factory.mktemp("data"), 12, ("pico", "screen"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, model, instructions):
    """Six steps in one go, in bf16 as on GPUs."""
    folder = tmp_path_factory.mktemp("undisturbed")
    more = {"deepspeed": ZERO3, "dtype": "bf16", "eval_every": 3, "context": 1024}
    path = configuration(folder, model, instructions, **more)
    done = launched(path)
    assert done.returncode == 0, done.stderr[-4000:]
    return path


def test_the_loss_falls_and_the_gathered_weights_load(undisturbed):
    from transformers import AutoModelForCausalLM

    out = undisturbed.parent / "out"
    assert losses(out)[-1] < losses(out)[0] - 0.3
    told = json.loads((out / "training.json").read_text())
    assert told["processes"] == 2
    assert told["held_out"][-1]["eval_loss"] < told["held_out"][0]["eval_loss"]
    loaded, info = AutoModelForCausalLM.from_pretrained(out / "model", output_loading_info=True)
    assert not info["missing_keys"]
    assert loaded.dtype == torch.bfloat16
    card = read_card(out / "model")
    assert card.trained.method == "full"
    assert ensure_card(out / "model", "ours", card.prompts) is None


def test_the_losses_are_those_of_one_process(undisturbed, model, instructions, tmp_path):
    assert main([str(configuration(tmp_path, model, instructions, dtype="bf16", context=1024))]) == 0
    told = losses(tmp_path / "out")
    assert losses(undisturbed.parent / "out") == pytest.approx(told, abs=0.02)
    assert gradients(undisturbed.parent / "out") == pytest.approx(gradients(tmp_path / "out"), rel=0.02)


def test_without_deepspeed_two_processes_are_as_one(model, instructions, tmp_path):
    """The mean is over the answer tokens of the whole batch, however many of them each process has.

    In the last step the second one has none. Adam does not mind how long a gradient is, so that losses alone would not
    tell a wrong factor.
    """
    more = {"steps": None, "context": 1100, "batch": 4}
    done = launched(configuration(tmp_path, model, instructions, **more))
    assert done.returncode == 0, done.stderr[-4000:]
    assert main([str(configuration(tmp_path / "single", model, instructions, **more))]) == 0
    single = tmp_path / "single" / "out"
    assert rows_of(model, instructions, 1100, tmp_path / "tokens") % 4 == 1
    assert losses(tmp_path / "out") == pytest.approx(losses(single), abs=1e-5)
    assert gradients(tmp_path / "out") == pytest.approx(gradients(single), rel=1e-4)


def test_a_run_resumed_at_a_checkpoint_equals_the_undisturbed_one(undisturbed, tmp_path):
    shutil.copytree(undisturbed.parent, tmp_path / "again")
    out = tmp_path / "again" / "out"
    shutil.rmtree(out / "checkpoint-6")
    shutil.rmtree(out / "model")
    (out / "training.json").unlink()
    done = launched(tmp_path / "again" / "config.yaml", "--resume")
    assert done.returncode == 0, done.stderr[-4000:]
    assert losses(out) == losses(undisturbed.parent / "out")
    one, other = weights(out / "model"), weights(undisturbed.parent / "out" / "model")
    assert all(torch.equal(one[name], other[name]) for name in other)


def test_the_gathered_weights_are_those_that_deepspeeds_own_script_puts_together(undisturbed, tmp_path):
    """Not with --safe_serialization: it refuses weights that share memory, as the tied embeddings of this model do."""
    checkpoint = shutil.copytree(undisturbed.parent / "out" / "checkpoint-6", tmp_path / "checkpoint")
    command = [sys.executable, str(checkpoint / "zero_to_fp32.py"), str(checkpoint), str(tmp_path / "whole")]
    done = ran(command, {**os.environ, "DS_ACCELERATOR": "cpu", "PYTHONWARNINGS": "ignore"})
    assert done.returncode == 0, done.stderr[-4000:]
    told = torch.load(tmp_path / "whole" / "pytorch_model.bin", weights_only=True)
    saved = weights(undisturbed.parent / "out" / "model")
    assert saved.keys() == told.keys() - {"lm_head.weight"}
    assert all(torch.equal(told[name].bfloat16(), saved[name]) for name in saved)
    assert any(
        not torch.equal(told[name], saved[name].float()) for name in saved
    )  # more digits than are served


def test_a_checkpoint_of_two_processes_is_converted_and_one_goes_on(undisturbed, tmp_path):
    """By the words of the refusal."""
    shutil.copytree(undisturbed.parent, tmp_path / "again")
    path, out = tmp_path / "again" / "config.yaml", tmp_path / "again" / "out"
    shutil.rmtree(out / "checkpoint-6")
    shutil.rmtree(out / "model")
    refused = launched(path, "--resume", processes=1)
    assert refused.returncode != 0
    command = conversion(latest(out))
    assert command in refused.stderr
    environment = {**os.environ, "DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    done = ran([sys.executable, *command.split()[1:]], environment)
    assert done.returncode == 0, done.stderr[-4000:]
    universal = tmp_path / "universal.json"
    told = json.loads(Path(ZERO3).read_text()) | {"checkpoint": {"load_universal": True}}
    universal.write_text(json.dumps(told))
    done = launched(path, "--resume", "--set", f"deepspeed={universal}", processes=1)
    assert done.returncode == 0, done.stderr[-4000:]
    assert losses(out) == pytest.approx(losses(undisturbed.parent / "out"), abs=0.02)
    assert (
        losses(out)[:4] == losses(undisturbed.parent / "out")[:4]
    )  # before the sums of two devices round apart
    assert json.loads((latest(out) / "whole.json").read_text()) == {"processes": 1}


def test_an_adapter_under_zero3(model, instructions, tmp_path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    more = {"deepspeed": ZERO3, "dtype": "bf16", "method": "lora", "steps": 3, "lr": 0.02, "context": 1024}
    path = configuration(tmp_path, model, instructions, adapter={"rank": 4}, **more)
    done = launched(path)
    assert done.returncode == 0, done.stderr[-4000:]
    out = tmp_path / "out" / "model"
    assert read_card(out).kind == "adapter"
    adapted = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(model), out)
    moved = [p for name, p in adapted.named_parameters() if "lora_B" in name]
    assert len(moved) == 7
    assert all(p.any() for p in moved)
