"""Configurations: what is wrong is told all at once; every shipped one is right and says its command."""

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from finetune.train import main, parser
from finetune.training.plan import DEVICES, Zero, plan_of
from finetune.training.plan import LEADS_LOAD as LOAD
from finetune.training.settings import Settings, read_settings
from tools.errors import ConfigError

CONFIGS = Path(__file__).parents[3] / "finetune" / "configs"
SHIPPED = sorted(p for p in CONFIGS.glob("*.yaml") if not p.name.startswith("build"))
MADE_HERE = ("tiny_cpu", "invented_cpu")
"""They begin at models that `make` builds, which are not there in a fresh copy."""


def written(folder, **told):
    path = folder / "c.yaml"
    path.write_text(yaml.safe_dump({"name": "x", "model": "m", "data": "d", "out": "o"} | told))
    return path


def test_defaults_are_the_published_recipe(tmp_path):
    told = read_settings(written(tmp_path))
    assert (told.method, told.context, told.packing, told.batch, told.epochs) == ("full", 30_000, True, 5, 1)
    assert (told.lr, told.schedule, told.warmup, told.dtype) == (1e-6, "cosine", 0.1, "bf16")
    assert told.optimizer.name == "adamw"


def test_every_mistake_is_told_at_once_with_its_place_and_remedy(tmp_path):
    path = written(
        tmp_path,
        metod="lora",
        batch=0,
        warmup=2,
        adapter={"rnk": 4},
        optimizer={"betas": [0.9, 1.5]},
        lr="quick",
        weights={"tasks": {"screen": -1}},
    )
    path.write_text(path.read_text().replace("model: m\n", ""))
    with pytest.raises(ConfigError) as caught:
        read_settings(path)
    said = caught.value.problems
    places = ["metod", "model", "batch", "warmup", "adapter.rnk", "optimizer.betas", "lr", "weights.tasks"]
    assert len(said) == len(places)
    for place in places:
        [line] = [line for line in said if f": {place}: " in line]
        assert "Remedy: " in line
    assert any("did you mean method" in line for line in said)
    assert any("did you mean rank" in line for line in said)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"optimizer": {"name": "muon"}, "deepspeed": "ds.json"}, "muon does not work with DeepSpeed"),
        ({"optimizer": {"name": "muon"}, "method": "lora"}, "muon is for whole matrices"),
        ({"freeze": ["*"], "method": "dora"}, "an adapter freezes"),
    ],
)
def test_what_does_not_go_together_is_refused(told, said, tmp_path):
    with pytest.raises(ConfigError, match=said):
        read_settings(written(tmp_path, **told))


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "", "!!python/object/apply:os.system ['true']"])
def test_a_file_that_is_no_configuration_is_refused(text, tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="Remedy"):
        read_settings(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_settings(tmp_path / "none.yaml")


def test_paths_are_those_of_the_file_and_changes_come_last(tmp_path):
    told = read_settings(written(tmp_path, deepspeed="ds.json"), {"adapter.rank": 8, "lr": 0.1})
    assert told.data == tmp_path / "d"
    assert told.deepspeed == tmp_path / "ds.json"
    assert told.model == "m"
    assert (told.adapter.rank, told.lr) == (8, 0.1)
    assert read_settings(written(tmp_path, model="./m")).model == str(tmp_path / "m")


def test_the_course_of_a_run_does_not_hang_on_paths_and_logs(tmp_path):
    one = read_settings(written(tmp_path))
    assert one.hash() == read_settings(written(tmp_path, out="other", log_every=1, name="y")).hash()
    assert one.hash() != read_settings(written(tmp_path, lr=0.1)).hash()


# What is shipped ---------------------------------------------------------------------------------


def commands(path):
    """The commands in the comment at the top of a configuration."""
    head = [line[1:].strip() for line in path.read_text().splitlines() if line.startswith("#")]
    return [shlex.split(line) for line in head if re.match(r"(python|torchrun|deepspeed|accelerate) ", line)]


def test_there_is_one_for_each_way_to_train():
    told = {path.stem: read_settings(path) for path in SHIPPED}
    assert {s.method for s in told.values()} == {"full", "lora", "dora", "rslora"}
    assert {
        "leads_7b",
        "leads_7b_nodes",
        "lora_24gb",
        "lora_80gb_30k",
        "zero3_offload_1gpu",
        "tiny_cpu",
    } <= set(told)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_configuration_is_right_and_says_its_command(path):
    told = read_settings(path)
    assert told.hardware.name in DEVICES
    assert told.batch % told.hardware.devices == 0
    if told.deepspeed is not None:
        assert Zero.of(told.deepspeed).stage == 3
    found = commands(path)
    assert found
    for command in found:
        launcher = command[0]
        module = command.index("finetune.train")
        assert command[module - 1] == ("--module" if launcher == "deepspeed" else "-m")
        given = parser().parse_args(command[module + 1 :])
        assert (Path(__file__).parents[3] / given.config).resolve() == path
        if told.deepspeed is not None and not given.plan:
            assert launcher != "python"
        if launcher == "torchrun":
            _launched(command[1 : module - 1], told)


def _launched(flags: list[str], told: Settings) -> None:
    from torch.distributed.run import get_args_parser

    given = get_args_parser().parse_args([*flags, "script"])
    nodes = int(given.nnodes.partition(":")[0])
    assert int(given.nproc_per_node) * nodes == told.hardware.devices


@pytest.mark.parametrize("path", [p for p in SHIPPED if p.stem not in MADE_HERE], ids=lambda path: path.stem)
def test_the_plan_of_every_shipped_configuration_fits_its_hardware(path, capsys):
    assert plan_of(read_settings(path), LOAD).fits
    assert main([str(path), "--plan"]) == 0
    said = capsys.readouterr().out
    assert "7,248,023,552 parameters" in said
    assert "guessed" in said


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("ds_*.json")), ids=lambda path: path.stem)
def test_deepspeed_s_configurations_gather_the_weights_and_leave_sizes_to_the_trainer(path):
    told = json.loads(path.read_text())
    assert told["zero_optimization"]["stage3_gather_16bit_weights_on_model_save"] is True
    sizes = ("train_batch_size", "train_micro_batch_size_per_gpu", "gradient_accumulation_steps")
    assert all(told[name] == "auto" for name in sizes)


def test_the_launcher_of_deepspeed_may_put_the_rank_before_everything():
    assert parser().parse_args(["--local_rank=1", "c.yaml"]).config == Path("c.yaml")
