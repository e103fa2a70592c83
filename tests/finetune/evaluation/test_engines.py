"""From a word on the command line to an engine."""

import asyncio
import json
from pathlib import Path
from typing import get_args

import pytest

from finetune.evaluation.engines import connected, described
from model.engine import Request
from model.pool import ask
from model.tasks import ALL
from model.tasks.direction import Direction
from tests import tiny
from tests.finetune.evaluation.rows import invented_rows
from tools.errors import ConfigError


def _model(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    return folder


def test_forms(tmp_path: Path) -> None:
    model = _model(tmp_path / "small model")
    settings = tmp_path / "other.yaml"
    settings.write_text("engine:\n  backend: openai\n  model: big\n  base_url: http://localhost:9/v1\n")
    told = [
        "baseline",
        str(model),
        "http://127.0.0.1:8000/v1#leads-7b",
        "http://127.0.0.1:8000/v1",
        str(settings),
    ]
    baseline, folder, named, unnamed, file = described(told, "leads", 256)
    assert [one.label for one in (baseline, folder, named, unnamed, file)] == [
        "baseline", "small-model", "leads-7b", "leads", "other",
    ]  # fmt: skip
    assert folder.config.backend == "transformers"
    assert folder.weights == (model, None)
    assert (named.config.backend, named.config.model, named.config.base_url) == (
        "vllm", "leads-7b", "http://127.0.0.1:8000/v1",
    )  # fmt: skip
    assert (named.config.prompts, named.config.max_tokens) == ("leads", 256)
    assert (file.config.backend, file.config.model, file.config.prompts) == ("openai", "big", "ours")
    assert baseline.weights is None is named.weights


def test_two_of_one_name_and_names_of_ones_own(tmp_path: Path) -> None:
    one, other = _model(tmp_path / "a" / "final"), _model(tmp_path / "b" / "final")
    found = described([str(one), str(other), f"before={one}", "old=http://127.0.0.1:8000/v1#x?a=b"])
    assert [given.label for given in found] == ["final", "final-2", "before", "old"]
    assert found[3].config.model == "x?a=b"


def test_an_adapter_on_its_base_or_another(tmp_path: Path) -> None:
    base, adapter = _model(tmp_path / "base"), tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(base)}))
    for told in (str(adapter), f"{adapter}@{base}"):
        [found] = described([told])
        assert found.config.model == str(base)
        assert found.config.adapter == str(adapter)
    with pytest.raises(ConfigError, match="it is no adapter"):
        described([f"{base}@{base}"])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("engine: [1]", "valid dictionary"),
        ("- a list", "holds no section engine"),
        ("engine:\n  modell: x", "modell"),
    ],
)
def test_a_file_that_is_no_section(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "engine.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=problem):
        described([str(path)])


def test_what_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is nothing that is known"):
        described(["leads-7b"])
    with pytest.raises(ConfigError, match="holds no config.json"):
        described([str(tmp_path)])


def test_settings_of_single_tasks_hold(tmp_path: Path) -> None:
    """The section's `tasks` name another engine for one task: there a server that is not there, elsewhere rules."""
    path = tmp_path / "mixed.yaml"
    path.write_text(
        "engine:\n  backend: baseline\n  tasks:\n"
        "    arms: {backend: openai, model: x, base_url: 'http://127.0.0.1:9/v1', timeout_s: 1}\n"
    )
    engine = connected(described([str(path)])[0], tmp_path / "calls")
    row, other = invented_rows(1, tasks=("direction", "arms"))
    assert ask(engine, Request(ALL["direction"], row.request.input)).value
    assert "sampling" in engine.seen(Request(ALL["arms"], other.request.input))
    assert "sampling" not in engine.seen(Request(ALL["direction"], row.request.input))
    assert (tmp_path / "calls" / "mixed.sqlite").is_file()


def test_a_real_adapter_is_asked(tmp_path: Path) -> None:
    """Random weights: whatever comes, it comes through base, adapter and grammar, and not as from the base alone."""
    base = tiny.build(tmp_path / "base")
    adapter = tiny.adapter(tmp_path / "adapter", base)
    given = described([str(adapter), str(base)], max_tokens=512)
    assert [one.weights for one in given] == [(base, adapter), (base, None)]
    [row] = invented_rows(1, tasks=("direction",))
    told = []
    for number, one in enumerate(given):
        answer = asyncio.run(connected(one, tmp_path / f"calls{number}").answer(row.request))
        assert answer.value.direction in get_args(Direction)
        told.append(answer.probabilities[""])
    assert told[0] != told[1]
