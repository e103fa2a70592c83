"""vLLM, started once for all tests here; skipped where its environment or the model is missing."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

READY_S = 300
"""A small model on one busy core needs about one minute; the limit is against waiting for ever."""


@dataclass(frozen=True)
class Running:
    """A server that is ready."""

    address: str
    model: str
    folder: Path
    said: str

    @property
    def base_url(self) -> str:
        """What clients are given."""
        return f"{self.address}/v1"


def missing(why: str) -> None:
    """Skip, or fail where LEADS_REQUIRE_SERVING is set (`make test-serving`)."""
    if os.environ.get("LEADS_REQUIRE_SERVING"):
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="session")
def vllm() -> Path:
    """The environment with vLLM: LEADS_SERVING_PYTHON, or the one of `make serving-env`."""
    given = os.environ.get("LEADS_SERVING_PYTHON")
    path = Path(given) if given else ROOT / ".venv-serving"
    if not (path.exists() if given else (path / ".ready").is_file()):
        missing(f"no vLLM at {path}: `make serving-env`, or set LEADS_SERVING_PYTHON")
    return path


@pytest.fixture(scope="session")
def tiny() -> Path:
    """The folder of the small model: LEADS_TINY_MODEL, or the one of `make test-model`."""
    folder = Path(os.environ.get("LEADS_TINY_MODEL", ROOT / ".cache" / "invented" / "run" / "model"))
    if not (folder / "config.json").is_file():
        missing(f"no model at {folder}: `make test-model`, or set LEADS_TINY_MODEL")
    return folder


@contextlib.contextmanager
def started(vllm: Path, model: Path, log: Path, *more: str, **environment: str) -> Iterator[Running]:
    """`python -m model.serve`, from its first word until it has ended."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "model.serve", str(model), "--cpu", "--eager", "--vllm", str(vllm),
        "--port", str(port), "--patience", str(READY_S), *more,
    ]  # fmt: skip
    with log.open("w") as words:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
        )
        try:
            said = until_ready(process)
            if "ready" not in said:
                pytest.fail(f"vLLM did not start:\n{log.read_text()[-4000:]}")
            yield Running(f"http://127.0.0.1:{port}", "leads", model, said)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                status = process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            finally:
                assert process.stdout is not None
                process.stdout.close()
    assert status == 0, log.read_text()[-4000:]


def until_ready(process: subprocess.Popen[str]) -> str:
    """What it says until it has told how to use it, or has ended."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if line == "\n" and "base_url" in "".join(lines):
            break
    return "".join(lines)


@pytest.fixture(scope="session")
def server(vllm: Path, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The small model, served."""
    with started(vllm, tiny, tmp_path_factory.mktemp("vllm") / "log", "--max-queued", "64") as running:
        yield running
