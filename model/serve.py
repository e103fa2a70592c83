"""Serve a model or an adapter with vLLM, and tell when it can be asked.

    python -m model.serve MODEL_OR_ADAPTER [--print] [--cpu] [--key-env NAME] [--tensor-parallel N] …

vLLM lives in an environment of its own (`make serving-env`, or any other that has it): it needs other versions of
torch than this program. The server listens on this machine alone unless a key is given. It is ready when it
answers on /health, names the model, and has shown that it holds its answers to a schema.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import IO

from model.card import ensure_card
from model.engine import EngineUnavailable
from model.serving import KEY, Command, Serving, address, command, found, settings_text
from tools.errors import ConfigError, ReviewError

__all__ = ["Server", "main", "program"]

ENVIRONMENT = ".venv-serving"
"""Where `make serving-env` puts vLLM."""

LAST_LINES = 25

CANARY_S = 120.0
"""Seconds for the first answer, during which a server may still compile."""

REMEDIES = (
    ("CUDA out of memory", "lower --gpu-memory or --max-model-len, or spread the model with --tensor-parallel."),
    ("No available memory for the cache", "raise --gpu-memory, or lower --max-model-len."),
    ("larger than the available KV cache", "lower --max-model-len, or raise --gpu-memory (VLLM_CPU_KVCACHE_SPACE)."),
    ("ddress already in use", "another program has the port: stop it, or choose another with --port."),
    ("PackageNotFoundError", "this vLLM is not set up to its end: run `make serving-env`, or repair it."),
    ("operator torchvision::nms does not exist", "this vLLM is not set up to its end: run `make serving-env`."),
    ("Failed to infer device type", "no accelerator was found: serve with --cpu and a vLLM built for it."),
    ("unrecognized arguments", "this vLLM is another version than 0.32 and knows other flags."),
    ("not supported for now", "vLLM does not know this kind of model."),
    ("ModuleNotFoundError: No module named 'ray'", "install ray beside vLLM, or leave --ray out."),
)  # fmt: skip
"""What stands in the last lines of a server that did not start, and what helps."""


def program(given: str | None, outside: Sequence[str] = ()) -> str:
    """The `vllm` program: from a path to it, to its environment or its Python; else the usual places.

    Args:
        given: what --vllm says.
        outside: folders to look for an environment in, before PATH.

    Raises:
        ConfigError: there is none.
    """
    if given is not None:
        path = Path(given).expanduser().absolute()
        for place in (path, path / "bin" / "vllm", path / "vllm", path.parent / "vllm"):
            if place.name == "vllm" and place.is_file() and os.access(place, os.X_OK):
                return str(place)
        raise ConfigError(f"--vllm {given}: no vllm program there. Remedy: name the environment's folder.")
    for folder in outside:
        place = Path(folder) / ENVIRONMENT / "bin" / "vllm"
        if (place.parent.parent / ".ready").is_file():
            return str(place.absolute())
    if on_path := shutil.which("vllm"):
        return on_path
    raise ConfigError(
        "vLLM was not found. Remedy: `make serving-env` for a CPU; on a machine with GPUs, install vllm in an "
        "environment of its own and name its folder with --vllm."
    )


def port_is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError:
            return False
    return True


class Server:
    """A vLLM process: started, waited for, listened to, stopped with everything that it started."""

    def __init__(self, made: Command, at: str, names: Sequence[str], *, log: IO[str] | None = None) -> None:
        """`at`: its address without `/v1`; `names`: the models it has to offer; `log`: where its words go."""
        self.command, self.at, self.names = made, at, tuple(names)
        self.log = log
        self.last: deque[str] = deque(maxlen=LAST_LINES)
        self.process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Start the process in a session of its own, so that it can be stopped as a whole.

        Raises:
            ConfigError: the program cannot be started, or the key is not set.
        """
        words = self.command.words
        surroundings = self.command.surroundings(os.environ)
        beside = os.path.dirname(words[0])
        surroundings["PATH"] = os.pathsep.join(filter(None, (beside, surroundings.get("PATH"))))
        try:
            self.process = subprocess.Popen(  # noqa: S603 - words of our own, no shell
                words,
                env=surroundings,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as e:
            raise ConfigError(
                f"{words[0]} cannot be started: {e}. Remedy: name vLLM's folder with --vllm."
            ) from e
        self._reader = threading.Thread(target=self._listen, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    def _listen(self, words: IO[str]) -> None:
        for line in words:
            self.last.append(line.rstrip("\n"))
            if self.log is not None:
                self.log.write(line)
                self.log.flush()

    def wait_until_ready(self, patience_s: float, key: str | None = None) -> None:
        """Until it is healthy and names its models.

        Raises:
            EngineUnavailable: it ended, or took longer than `patience_s`.
        """
        import httpx

        until = time.monotonic() + patience_s
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        # A proxy of the environment is for the way out, not for a server of ours.
        with httpx.Client(base_url=self.at, headers=headers, timeout=5.0, trust_env=False) as http:
            while time.monotonic() < until:
                self.alive()
                with contextlib.suppress(httpx.HTTPError, ValueError, LookupError, TypeError):
                    if http.get("/health").status_code == 200:
                        told = {model["id"] for model in http.get("/v1/models").json()["data"]}
                        if told >= set(self.names):
                            return
                time.sleep(0.25)
        raise EngineUnavailable(
            f"the server was not ready after {patience_s:g} s. Its last words:\n{self.words()}\n"
            "Remedy: give it longer with --patience, or start a smaller model."
        )

    def alive(self) -> None:
        """Do nothing while it runs.

        Raises:
            EngineUnavailable: it has ended; the message holds its last lines and what may help.
        """
        assert self.process is not None
        if self.process.poll() is None:
            return
        if self._reader is not None:
            self._reader.join(timeout=5)
        words = self.words()
        remedy = next(
            (told for sign, told in REMEDIES if sign in words), "see its last words; then start it again."
        )
        raise EngineUnavailable(
            f"the server ended with status {self.process.returncode}. Its last words:\n{words}\nRemedy: {remedy}"
        )

    def words(self) -> str:
        """The last lines that it wrote."""
        return "\n".join(f"  | {line}" for line in list(self.last)) or "  | (none)"

    def stop(self, patience_s: float = 30.0) -> None:
        """Ask it to end, and after a while end it, with all processes that it started."""
        process = self.process
        if process is None:
            return
        for how, wait_s in ((signal.SIGTERM, patience_s), (signal.SIGKILL, 10.0)):
            # Also when the first process is gone: its workers may not be.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(wait_s)
        if self._reader is not None:
            self._reader.join(timeout=5)


@contextlib.contextmanager
def signals_to(stop: Callable[[], None]) -> Iterator[None]:
    """While this lasts, an interrupt or a request to end calls `stop`, and ends us with status 0."""

    def asked(_number: int, _frame: FrameType | None) -> None:
        stop()
        raise SystemExit(0)

    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def serve(wanted: Serving, made: Command, patience_s: float, *, quiet: bool) -> None:
    """Run a server until it ends or we are asked to end it.

    Raises:
        ConfigError: the port is taken, or the key is not set.
        EngineUnavailable: it ended by itself, or was not ready in time; EngineUnfit: it ignores schemas.
    """
    if not port_is_free(wanted.host, wanted.port):
        raise ConfigError(
            f"port {wanted.port} of {wanted.host} is taken. Remedy: stop what listens there, or give --port."
        )
    at = address(wanted)
    server = Server(made, at, [wanted.name], log=None if quiet else sys.stderr)
    key = made.surroundings(os.environ).get(KEY)
    with signals_to(server.stop):
        try:
            server.start()
            server.wait_until_ready(patience_s, key)
            context = check(f"{at}/v1", wanted.name, wanted.key_env)
            lines = settings_text(wanted, context)
            print(f"\nready: {wanted.name} at {at}/v1\nIn review.yaml:\n\n{lines}\n", flush=True)
            while True:
                server.alive()
                time.sleep(0.5)
        finally:
            server.stop()


def check(base_url: str, name: str, key_env: str | None) -> int | None:
    """The canary: a server that answers outside a schema is of no use. Returns its context, if it tells.

    Raises:
        EngineUnfit: it does.
        EngineError: it gave no answer to judge by.
    """
    from model.canary import examined
    from model.connection import Connection

    served = asyncio.run(
        examined(Connection("model.serve", name, base_url, key_env, CANARY_S), "json_schema")
    )
    return served.context


def arguments_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m model.serve", description="Serve a model with vLLM.")
    parser.add_argument(
        "model", help="folder of a model or of a LoRA adapter, or a name on the Hugging Face hub"
    )
    parser.add_argument(
        "--print", action="store_true", dest="only_print", help="show the command; start nothing"
    )
    parser.add_argument(
        "--name", default=Serving.name, help="what clients call the model (default: %(default)s)"
    )
    parser.add_argument("--base", help="model that an adapter is put on, if not the one that it names")
    parser.add_argument("--prompts", default=Serving.prompts, help="prompt pack that it will be asked with")
    parser.add_argument(
        "--allow-other-card", action="store_true", help="serve it although its card does not fit"
    )
    where = parser.add_argument_group("where")
    where.add_argument("--host", default=Serving.host, help="address to listen on (default: %(default)s)")
    where.add_argument("--port", type=int, default=Serving.port, help="port (default: %(default)s)")
    where.add_argument(
        "--key-env", metavar="NAME", help=f"variable with the key (default: {KEY}, if it is set)"
    )
    where.add_argument("--vllm", metavar="PATH", help="vLLM's environment, its Python, or the program itself")
    size = parser.add_argument_group("how large")
    size.add_argument("--cpu", action="store_true", help="no accelerator; needs a vLLM built for it")
    size.add_argument("--eager", action="store_true", help="start sooner, answer somewhat slower")
    size.add_argument("--tensor-parallel", type=int, default=1, metavar="N", help="accelerators per copy")
    size.add_argument("--data-parallel", type=int, default=1, metavar="N", help="copies behind the address")
    size.add_argument("--ray", action="store_true", help="spread over machines with Ray")
    size.add_argument("--max-model-len", type=int, metavar="TOKENS", help="longest question with its answer")
    size.add_argument("--gpu-memory", type=float, metavar="SHARE", help="share of each accelerator's memory")
    size.add_argument("--max-queued", type=int, metavar="N", help="refuse more questions at once than this")
    parser.add_argument(
        "--patience", type=float, default=1800, metavar="S", help="seconds until it must be ready"
    )
    parser.add_argument("--quiet", action="store_true", help="keep what vLLM writes, unless it fails")
    return parser


def wanted_of(told: argparse.Namespace) -> Serving:
    """The settings of a command line. A key that is in the environment anyway is used."""
    key_env = told.key_env or (KEY if os.environ.get(KEY) else None)
    fields = {name: getattr(told, name) for name in Serving.__dataclass_fields__ if name != "key_env"}
    return Serving(**fields, key_env=key_env)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    told = arguments_parser().parse_args(arguments)
    try:
        wanted = wanted_of(told)
        weights = found(wanted.model)
        made = command(wanted, weights, _program(told))
        if told.only_print:
            print(made.text())
            return 0
        if weights.folder is not None and (note := _card(wanted, weights.folder, told.allow_other_card)):
            print(note, file=sys.stderr, flush=True)
        serve(wanted, made, told.patience, quiet=told.quiet)
    except ReviewError as e:
        print(f"model.serve: {e}", file=sys.stderr, flush=True)
        return e.exit_status
    return 0


def _program(told: argparse.Namespace) -> str:
    try:
        return program(told.vllm, [str(Path.cwd()), str(Path(__file__).parents[1])])
    except ConfigError:
        if told.only_print and told.vllm is None:
            return "vllm"
        raise


def _card(wanted: Serving, folder: Path, allow_other: bool) -> str | None:
    """What a person should know of the model's card; refuses one that names other prompts."""
    from model.card import read_card

    card = read_card(folder)
    base = Path(wanted.base).expanduser() if wanted.base and Path(wanted.base).expanduser().is_dir() else None
    tasks = sorted(card.prompts) if card else []
    return ensure_card(folder, wanted.prompts, tasks, allow_other=allow_other, base=base)


if __name__ == "__main__":
    sys.exit(main())
