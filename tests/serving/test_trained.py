"""A model that `finetune.train` wrote, served by vLLM: it loads, its card fits, and it answers in its forms."""

import asyncio
import random

import pytest

from finetune.invention.questions import example
from finetune.train import main
from model.building import Backends
from model.tasks import ALL
from tests.finetune.training.trainable import base, configuration, data
from tests.serving.conftest import started
from tools.engine_settings import EngineSettings

pytestmark = [pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]

KNOWN = ("direction", "screen")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A few steps of all weights, saved in 16 bits."""
    folder = tmp_path_factory.mktemp("trained")
    start = base(folder / "base", heads=2, kv_heads=1, hidden=128)
    instructions = data(folder / "data", 12, KNOWN)
    assert main([str(configuration(folder, start, instructions, dtype="bf16"))]) == 0
    return folder / "out" / "model"


@pytest.fixture(scope="module")
def served(vllm, trained, tmp_path_factory):
    """It, served."""
    log = tmp_path_factory.mktemp("served") / "log"
    with started(vllm, trained, log) as running:
        yield running


@pytest.mark.parametrize("task", KNOWN)
def test_a_trained_model_is_served_and_its_answers_are_read(task, served):
    request = example(task, random.Random(task)).request
    told = {"backend": "vllm", "base_url": served.base_url, "model": "leads", "context": 8192}
    backend = Backends(None, None)(EngineSettings.model_validate(told))  # type: ignore[arg-type]
    answered = asyncio.run(backend.answer(request))
    ALL[task].check(answered.value, request.input)
