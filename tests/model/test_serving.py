"""The command that serves a model: exact words, no key among them, and nothing that must not be."""

import json

import pytest

from model.serving import KEY, Serving, Weights, command, found, is_loopback, settings_text
from tools.errors import ConfigError

HELD = '{"backend":"xgrammar","disable_any_whitespace":true}'


@pytest.fixture
def folder(tmp_path):
    """A folder that looks like a model's."""
    made = tmp_path / "some model"
    made.mkdir()
    (made / "config.json").write_text("{}")
    return made


def adapter_in(folder, **told):
    """A folder that looks like an adapter's."""
    folder.mkdir()
    (folder / "adapter_config.json").write_text(
        json.dumps({"r": 8, "base_model_name_or_path": "some/base"} | told)
    )
    return folder


def of(model="some/model", **wanted):
    """The command for a model, as it would be run."""
    told = Serving(model=str(model), **wanted)
    return command(told, found(told.model))


def after(words, flag):
    """The word behind a flag; None where the flag is not there."""
    return words[words.index(flag) + 1] if flag in words else None


def test_a_model_of_the_hub_is_served_on_this_machine_alone_and_held_to_schemas():
    made = of("zifeng-ai/leads-mistral-7b-v1")
    assert made.words == (
        "vllm", "serve", "zifeng-ai/leads-mistral-7b-v1", "--served-model-name", "leads",
        "--host", "127.0.0.1", "--port", "8000", "--structured-outputs-config", HELD,
    )  # fmt: skip
    assert made.environment == {
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }


def test_a_folder_needs_no_hub(folder):
    made = of(folder)
    assert made.words[2] == str(folder)
    assert made.environment["HF_HUB_OFFLINE"] == "1"


def test_nobody_else_s_code_is_ever_trusted():
    assert not [word for word in of().words if "trust" in word]


@pytest.mark.parametrize(
    ("wanted", "flag", "value"),
    [
        ({"tensor_parallel": 2}, "--tensor-parallel-size", "2"),
        ({"data_parallel": 4}, "--data-parallel-size", "4"),
        ({"data_parallel": 4, "ray": True}, "--data-parallel-backend", "ray"),
        ({"tensor_parallel": 4, "ray": True}, "--distributed-executor-backend", "ray"),
        ({"max_model_len": 16384}, "--max-model-len", "16384"),
        ({"gpu_memory": 0.85}, "--gpu-memory-utilization", "0.85"),
        ({"max_queued": 300}, "--max-num-queued-reqs", "300"),
        ({"port": 9001}, "--port", "9001"),
        ({"name": "mine"}, "--served-model-name", "mine"),
    ],
)
def test_what_is_wanted_is_asked_for_and_nothing_else_is(wanted, flag, value):
    assert after(of(**wanted).words, flag) == value
    assert flag in ("--port", "--served-model-name") or flag not in of().words


def test_a_processor_gets_room_for_its_cache_and_a_person_s_own_figure_stays():
    made = of(cpu=True)
    assert made.surroundings({})["VLLM_CPU_KVCACHE_SPACE"] == "2"
    assert made.surroundings({"VLLM_CPU_KVCACHE_SPACE": "16"})["VLLM_CPU_KVCACHE_SPACE"] == "16"
    assert "VLLM_CPU_KVCACHE_SPACE" not in of().environment


def test_an_adapter_is_put_on_its_base_and_answers_under_the_name(tmp_path):
    made = of(adapter_in(tmp_path / "adapter", r=12))
    assert made.words[2] == "some/base"
    assert after(made.words, "--lora-modules") == f"leads={tmp_path / 'adapter'}"
    assert after(made.words, "--served-model-name") == "leads-base"
    assert after(made.words, "--max-lora-rank") == "16"
    assert "--enable-lora" in made.words


def test_a_base_that_is_given_goes_before_the_one_that_the_adapter_names(tmp_path, folder):
    made = of(adapter_in(tmp_path / "adapter"), base=str(folder))
    assert made.words[2] == str(folder)
    assert made.environment["HF_HUB_OFFLINE"] == "1"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"base_model_name_or_path": ""}, "does not name the model"),
        ({"r": 1024}, "up to 512"),
        ({"r": "many"}, "not the configuration of a LoRA adapter"),
        ({"use_dora": True}, "DoRA adapter.*finetune.export"),
    ],
)
def test_an_adapter_that_cannot_be_served_is_told_why(tmp_path, told, said):
    with pytest.raises(ConfigError, match=said):
        of(adapter_in(tmp_path / "adapter", **told))


def test_a_model_takes_no_base(folder):
    with pytest.raises(ConfigError, match="--base is for adapters"):
        of(folder, base="some/base")


@pytest.mark.parametrize("model", ["/nowhere/at/all", "./nowhere", "~/nowhere-at-all", "a/b/c"])
def test_a_folder_that_is_not_there_is_no_name_on_the_hub(model):
    with pytest.raises(ConfigError, match="no such folder"):
        found(model)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"no config\.json"):
        found(str(tmp_path))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "leads.example"])
def test_other_machines_are_let_in_with_a_key_only(host):
    with pytest.raises(ConfigError, match="--key-env"):
        of(host=host)
    assert after(of(host=host, key_env="LEADS_KEY").words, "--host") == host


def test_the_key_comes_from_the_environment_and_stands_in_no_command():
    made = of(key_env="LEADS_KEY")
    assert made.surroundings({"LEADS_KEY": "s3cret"})[KEY] == "s3cret"
    assert 'VLLM_API_KEY="$LEADS_KEY"' in made.text()
    with pytest.raises(ConfigError, match="LEADS_KEY, which is not set"):
        made.surroundings({})


def test_a_stray_key_does_not_lock_out_those_who_were_told_of_none():
    assert KEY not in of().surroundings({KEY: "left over"})


def test_doors_without_a_key_stay_shut_whatever_the_environment_says():
    outside = {"VLLM_SERVER_DEV_MODE": "1", "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True", "PYTHONPATH": "."}
    assert not outside.keys() & of().surroundings(outside).keys()
    assert of().surroundings({"VLLM_NO_USAGE_STATS": "0"})["VLLM_NO_USAGE_STATS"] == "1"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"port": 0}, "1 to 65535"),
        ({"tensor_parallel": 0}, "at least 1"),
        ({"data_parallel": -1}, "at least 1"),
        ({"gpu_memory": 1.5}, "up to 1"),
        ({"gpu_memory": 0.5, "cpu": True}, "VLLM_CPU_KVCACHE_SPACE"),
        ({"ray": True}, "--tensor-parallel or --data-parallel"),
        ({"max_model_len": 0}, "at least 1"),
        ({"max_queued": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_is_said_before_anything_starts(wanted, said):
    with pytest.raises(ConfigError, match=said):
        of(**wanted)


def test_all_that_is_wrong_is_said_at_once():
    with pytest.raises(ConfigError) as e:
        of(port=0, tensor_parallel=0, host="0.0.0.0")
    assert len(e.value.problems) == 3


def test_the_shell_line_can_be_pasted(folder):
    line = of(folder, cpu=True).text()
    assert line.startswith("env -u VLLM_SERVER_DEV_MODE")
    assert f"serve '{folder}'" in line
    assert f"--structured-outputs-config '{HELD}'" in line


@pytest.mark.parametrize(
    ("host", "alone"),
    [("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("[::1]", True), ("localhost", True),
     ("0.0.0.0", False), ("", False), ("localhost.example", False)],
)  # fmt: skip
def test_loopback_is_told_from_the_rest(host, alone):
    assert is_loopback(host) is alone


def test_the_lines_for_review_yaml_are_those_of_an_engine():
    from tools.engine_settings import EngineConfig

    yaml = pytest.importorskip("yaml")
    wanted = Serving(
        "m", name="mine", port=9001, data_parallel=2, key_env="LEADS_KEY", prompts="leads", host="::1"
    )
    told = EngineConfig.model_validate(yaml.safe_load(settings_text(wanted))["engine"])
    assert told.addresses == ("http://[::1]:9001/v1",)
    assert (told.model_name, told.prompts, told.api_key_env, told.data_parallel) == (
        "mine",
        "leads",
        "LEADS_KEY",
        2,
    )


def test_a_model_that_is_told_apart_by_its_weights_is_served_from_them(tmp_path):
    made = command(Serving("anything"), Weights(tmp_path))
    assert made.words[2] == str(tmp_path)
