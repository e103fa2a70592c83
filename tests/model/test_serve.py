"""Starting, waiting for and stopping a server, with a small program in the place of vLLM."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from model import serve
from tools.errors import ConfigError

ROOT = Path(__file__).parents[2]

PROGRAM = '''#!{python}
"""Plays vLLM: listens where it is told to, under the name that it is told."""
import http.server, json, os, subprocess, sys
words = sys.argv
told = lambda flag: words[words.index(flag) + 1]
mood = os.environ.get("MOOD", "")
if mood == "dies":
    print("first word")
    sys.exit("CUDA out of memory: there was never enough")
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(f"child {{child.pid}}", flush=True)
if mood == "hangs":
    child.wait()
key = os.environ.get("VLLM_API_KEY")

class Handler(http.server.BaseHTTPRequestHandler):
    def reply(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        if self.path != "/health" and key and self.headers.get("Authorization") != f"Bearer {{key}}":
            self.reply(401, {{}})
        else:
            self.reply(200, {{"data": [{{"id": told("--served-model-name")}}]}})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        schema = asked["response_format"]["json_schema"]["schema"]
        said = {{name: part["enum"][0] for name, part in schema["properties"].items()}}
        content = "It is sunny." if mood == "free" else json.dumps(said)
        choice = {{"index": 0, "finish_reason": "stop", "message": {{"role": "assistant", "content": content}}}}
        self.reply(200, {{"id": "1", "object": "chat.completion", "created": 1, "model": asked["model"],
                          "choices": [choice]}})

    def log_message(self, *words):
        pass

http.server.ThreadingHTTPServer((told("--host"), int(told("--port"))), Handler).serve_forever()
'''


@pytest.fixture
def vllm(tmp_path):
    """An environment with a program called vllm."""
    path = tmp_path / "environment" / "bin" / "vllm"
    path.parent.mkdir(parents=True)
    path.write_text(PROGRAM.format(python=sys.executable))
    path.chmod(0o755)
    return path


@pytest.fixture
def model(tmp_path):
    """A folder that looks like a model's."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder


def free_port():
    """A port that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Served:
    """`python -m model.serve` in a process."""

    def __init__(self, vllm, model, *more, **environment):
        self.port = free_port()
        self.command = [
            sys.executable, "-m", "model.serve", str(model), "--vllm", str(vllm), "--port", str(self.port), *more
        ]  # fmt: skip
        self.environment = {**os.environ, **environment}

    def run(self):
        """To its end."""
        return subprocess.run(
            self.command,
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self):
        """Until it says that it is ready; returns the process and what it has said."""
        process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line == "\n" and "base_url" in "".join(lines):
                break
        return process, "".join(lines)


def alive(pid):
    """Whether a process runs. One that has ended and was not yet asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children_gone(pid, seconds=10.0):
    """Whether a process ends within some time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not alive(pid):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_tells_when_it_is_ready_and_takes_everything_down_with_it(vllm, model, how):
    served = Served(vllm, model)
    process, said = served.start()
    assert f"ready: leads at http://127.0.0.1:{served.port}/v1" in said
    assert "backend: vllm" in said
    process.send_signal(how)
    out, log = process.communicate(timeout=60)
    assert process.returncode == 0, out + log
    child = int(log.partition("child ")[2].split()[0])
    assert children_gone(child)


def test_a_server_that_dies_leaves_its_last_words_and_a_remedy(vllm, model):
    done = Served(vllm, model, "--quiet", MOOD="dies").run()
    assert done.returncode == 4
    assert "| first word" in done.stderr
    assert "status 1" in done.stderr
    assert "lower --gpu-memory" in done.stderr


def test_a_server_that_ignores_schemas_is_stopped_again(vllm, model):
    done = Served(vllm, model, MOOD="free").run()
    assert done.returncode == 2
    assert "ready" not in done.stdout
    assert children_gone(int(done.stderr.partition("child ")[2].split()[0]))


def test_a_server_that_is_never_ready_is_not_waited_for_for_ever(vllm, model):
    done = Served(vllm, model, "--patience", "1", MOOD="hangs").run()
    assert done.returncode == 4
    assert "not ready after 1 s" in done.stderr
    assert children_gone(int(done.stderr.partition("child ")[2].split()[0]))


def test_the_key_is_handed_on_and_shown_nowhere(vllm, model):
    process, said = Served(vllm, model, "--key-env", "LEADS_KEY", LEADS_KEY="s3cret").start()
    words = Path(f"/proc/{process.pid}/cmdline").read_text()
    process.terminate()
    _, log = process.communicate(timeout=60)
    assert "api_key_env: LEADS_KEY" in said
    assert "s3cret" not in words + said + log


def test_a_port_that_is_taken_is_said_before_anything_starts(vllm, model):
    served = Served(vllm, model)
    with socket.socket() as other:
        other.bind(("127.0.0.1", served.port))
        other.listen()
        done = served.run()
    assert done.returncode == 2
    assert "is taken" in done.stderr
    assert "child" not in done.stderr


def test_printing_needs_no_vllm_and_starts_nothing(model, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(serve, "ENVIRONMENT", "no-such-folder")
    assert serve.main([str(model), "--print"]) == 0
    assert f" vllm serve {model} " in capsys.readouterr().out


def test_without_vllm_the_remedy_is_told(model, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(serve, "ENVIRONMENT", "no-such-folder")
    assert serve.main([str(model)]) == 2
    assert "make serving-env" in capsys.readouterr().err


def test_the_program_is_found_by_its_environment_its_python_or_itself(vllm):
    environment = vllm.parent.parent
    (vllm.parent / "python").symlink_to(sys.executable)
    for given in (vllm, environment, vllm.parent, vllm.parent / "python"):
        assert serve.program(str(given)) == str(vllm)
    with pytest.raises(ConfigError, match="no vllm program there"):
        serve.program(str(environment.parent / "other"))


def test_a_card_that_names_other_prompts_is_refused_unless_asked_for(vllm, model):
    from model.card import Base, ModelCard, Trained, write_card

    trained = Trained(at="2026-01-02T03:04:05Z", program="test", method="full", epochs=1, examples=1)
    card = ModelCard(
        name="odd",
        kind="model",
        base=Base(name="none"),
        prompts={"screen": "screen.v0@0"},
        data="0",
        trained=trained,
    )
    write_card(model, card)
    done = Served(vllm, model).run()
    assert done.returncode == 2
    assert "screen.v0@0" in done.stderr
    process, _ = Served(vllm, model, "--allow-other-card").start()
    process.terminate()
    _, log = process.communicate(timeout=60)
    assert "does not fit" in log
