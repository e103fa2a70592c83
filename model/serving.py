"""The vLLM command that serves a model to this program, composed without running anything.

Sources: vLLM 0.32, `vllm serve --help`, docs "Security" and "Structured Outputs". Flags that vLLM dropped are
ignored by it in silence or refused, so what is asked for here is checked by the canary of `model.serve`.
"""

from __future__ import annotations

import ipaddress
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.errors import ConfigError

__all__ = [
    "KEY",
    "Adapter",
    "Command",
    "Serving",
    "Weights",
    "address",
    "command",
    "found",
    "is_loopback",
    "settings_text",
]

KEY = "VLLM_API_KEY"
"""Where vLLM looks for the key that clients must show. On a command line every user of the machine could read it."""

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The ranks of adapters that vLLM can be told to make room for (vllm.config.lora, MaxLoRARanks)."""

KV_GIB = "2"
"""GiB for the key-value cache on a CPU, unless VLLM_CPU_KVCACHE_SPACE says otherwise: 16 short papers at once."""


def _structured(prompts: str) -> str:
    """Answers held to their schema by a grammar: for our own prompts without white space, as they are trained, and in
    which a model could go on for ever; other weights were trained to set theirs as they like."""
    told = {"backend": "xgrammar"} | ({"disable_any_whitespace": True} if prompts == "ours" else {})
    return json.dumps(told, separators=(",", ":"))


DANGEROUS = ("VLLM_SERVER_DEV_MODE", "VLLM_ALLOW_RUNTIME_LORA_UPDATING", "PYTHONPATH", "PYTHONHOME")
"""Taken out of the server's environment: doors that need no key, and paths into another Python."""


@dataclass(frozen=True)
class Serving:
    """What is wanted."""

    model: str
    """A folder with a model or with an adapter, or a name on the Hugging Face hub."""
    name: str = "leads"
    """What clients call it."""
    base: str | None = None
    """The model that an adapter is put on, where it is not the one that the adapter names."""
    host: str = "127.0.0.1"
    port: int = 8000
    cpu: bool = False
    eager: bool = False
    """Start in half the time, answer somewhat slower: nothing is compiled."""
    tensor_parallel: int = 1
    """Accelerators that one copy of the model is spread over."""
    data_parallel: int = 1
    """Copies of the model behind the one address."""
    ray: bool = False
    """Copies on several machines, through Ray."""
    max_model_len: int | None = None
    """Tokens of a question and its answer together; the model's own limit unless given."""
    gpu_memory: float | None = None
    """Share of each accelerator's memory, above 0 and up to 1."""
    max_queued: int | None = None
    """Questions taken on at once; more are refused as overload, and asked again later."""
    key_env: str | None = None
    """Name of the environment variable that holds the key."""
    prompts: str = "ours"
    """The prompt pack that it will be asked with."""


@dataclass(frozen=True)
class Adapter:
    """A LoRA adapter, by its `adapter_config.json`."""

    folder: Path
    rank: int
    base: str


@dataclass(frozen=True)
class Weights:
    """What a name stands for: a folder on this machine, an adapter in one, or neither: a name on the hub."""

    folder: Path | None = None
    adapter: Adapter | None = None


@dataclass(frozen=True)
class Command:
    """A program with its arguments, and the environment it is started in."""

    words: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    key_env: str | None = None
    """The variable whose value becomes `VLLM_API_KEY`; the value itself is no part of this."""
    without: tuple[str, ...] = DANGEROUS

    def text(self) -> str:
        """One line for a shell. The key is named, not told."""
        told = [f"-u {name}" for name in self.without]
        told += [f"{name}={shlex.quote(value)}" for name, value in self.environment.items()]
        if self.key_env:
            told.append(f'{KEY}="${self.key_env}"')
        return " ".join(["env", *told, *map(shlex.quote, self.words)])

    def surroundings(self, outside: Mapping[str, str]) -> dict[str, str]:
        """The environment of the process, from ours.

        Raises:
            ConfigError: the variable with the key is not set.
        """
        kept = {name: value for name, value in outside.items() if name not in (*self.without, KEY)}
        # What a person has set stays as they set it, but for what they are not asked about.
        chosen = {name: outside.get(name, value) for name, value in self.environment.items() if name in _OPEN}
        given = kept | dict(self.environment) | chosen
        if self.key_env is None:
            return given
        if not outside.get(self.key_env):
            raise ConfigError(
                f"--key-env names {self.key_env}, which is not set. Remedy: export {self.key_env}=… before."
            )
        return given | {KEY: outside[self.key_env]}


_OPEN = ("VLLM_CPU_KVCACHE_SPACE",)


def found(model: str) -> Weights:
    """Look what lies under a name.

    Raises:
        ConfigError: a folder without a model, or an adapter whose configuration cannot be read.
    """
    folder = Path(model).expanduser()
    if not folder.is_dir():
        if folder.is_absolute() or model.startswith((".", "~")) or model.count("/") > 1:
            raise ConfigError(
                f"{model}: no such folder. Remedy: name a model's folder, or owner/name on the hub."
            )
        return Weights()
    config = folder / "adapter_config.json"
    if not config.is_file():
        if not (folder / "config.json").is_file():
            raise ConfigError(
                f"{folder} holds no config.json and no adapter_config.json. Remedy: name the folder of a model "
                "or of a LoRA adapter, such as `python -m finetune.train` leaves in out/model."
            )
        return Weights(folder.resolve())
    try:
        told = json.loads(config.read_text(encoding="utf-8"))
        if told.get("use_dora"):  # by its adapters' reader, `vllm/lora/peft_helper.py`
            raise ConfigError(
                f"{folder} is a DoRA adapter, which vLLM puts on no base. "
                f"Remedy: python -m finetune.export {folder} --out FOLDER merges it; serve that folder."
            )
        adapter = Adapter(folder.resolve(), int(told["r"]), str(told.get("base_model_name_or_path") or ""))
    except (OSError, ValueError, TypeError, LookupError, AttributeError) as e:
        raise ConfigError(
            f"{config} is not the configuration of a LoRA adapter: {e!r}. Train it again."
        ) from e
    return Weights(folder.resolve(), adapter)


def command(wanted: Serving, weights: Weights, program: str = "vllm") -> Command:
    """The command for what is wanted. Reads nothing, starts nothing.

    Raises:
        ConfigError: what is wanted cannot be had, or must not be.
    """
    _allowed(wanted)
    served, named = _served(wanted, weights)
    words = [program, "serve", served, *named]
    words += ["--host", wanted.host, "--port", str(wanted.port)]
    words += ["--structured-outputs-config", _structured(wanted.prompts)]
    counts = {
        "--tensor-parallel-size": wanted.tensor_parallel,
        "--data-parallel-size": wanted.data_parallel,
    }
    words += [word for flag, count in counts.items() if count > 1 for word in (flag, str(count))]
    if wanted.ray:
        spread = "--data-parallel-backend" if wanted.data_parallel > 1 else "--distributed-executor-backend"
        words += [spread, "ray"]
    limits = {
        "--max-model-len": wanted.max_model_len,
        "--gpu-memory-utilization": wanted.gpu_memory,
        "--max-num-queued-reqs": wanted.max_queued,
    }
    words += [word for flag, limit in limits.items() if limit is not None for word in (flag, str(limit))]
    if wanted.eager:
        words.append("--enforce-eager")
    environment = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    if Path(served).is_absolute():
        environment["HF_HUB_OFFLINE"] = "1"
    if wanted.cpu:
        environment["VLLM_CPU_KVCACHE_SPACE"] = KV_GIB
    return Command(tuple(words), environment, wanted.key_env)


def _allowed(wanted: Serving) -> None:
    problems = []
    if not is_loopback(wanted.host) and wanted.key_env is None:
        problems.append(
            f"--host {wanted.host}: other machines could ask, and there is no key. Remedy: stay on 127.0.0.1 (and "
            "reach it through ssh -L), or name the variable that holds a key with --key-env."
        )
    if not 1 <= wanted.port <= 65535:
        problems.append(f"--port {wanted.port}: ports go from 1 to 65535.")
    for flag, count in (
        ("--tensor-parallel", wanted.tensor_parallel),
        ("--data-parallel", wanted.data_parallel),
    ):
        if count < 1:
            problems.append(f"{flag} {count}: at least 1.")
    if wanted.gpu_memory is not None and not 0 < wanted.gpu_memory <= 1:
        problems.append(f"--gpu-memory {wanted.gpu_memory:g}: a share above 0 and up to 1, such as 0.9.")
    if wanted.cpu and wanted.gpu_memory is not None:
        problems.append(
            "--gpu-memory with --cpu: there is no such memory. Remedy: set VLLM_CPU_KVCACHE_SPACE, in GiB."
        )
    if wanted.ray and wanted.tensor_parallel * wanted.data_parallel == 1:
        problems.append(
            "--ray with one copy on one accelerator: give --tensor-parallel or --data-parallel too."
        )
    for flag, limit in (("--max-model-len", wanted.max_model_len), ("--max-queued", wanted.max_queued)):
        if limit is not None and limit < 1:
            problems.append(f"{flag} {limit}: at least 1.")
    if problems:
        raise ConfigError(problems)


def _served(wanted: Serving, weights: Weights) -> tuple[str, list[str]]:
    """The model that vLLM loads, and the words by which clients know it and its adapter."""
    adapter = weights.adapter
    if adapter is None:
        if wanted.base is not None:
            raise ConfigError(
                f"--base is for adapters, and {wanted.model} is none. Remedy: leave --base out."
            )
        return str(weights.folder or wanted.model), ["--served-model-name", wanted.name]
    base = wanted.base or adapter.base
    if not base:
        raise ConfigError(
            f"{adapter.folder} does not name the model it was trained on. Remedy: --base MODEL."
        )
    rank = next((rank for rank in RANKS if rank >= adapter.rank), None)
    if rank is None:
        raise ConfigError(
            f"{adapter.folder} has rank {adapter.rank}; vLLM takes up to {RANKS[-1]}. Merge it instead."
        )
    folder = Path(base).expanduser()
    loaded = str(folder.resolve()) if folder.is_dir() else base
    lora = [
        "--enable-lora",
        "--max-lora-rank",
        str(rank),
        "--lora-modules",
        f"{wanted.name}={adapter.folder}",
    ]
    return loaded, ["--served-model-name", f"{wanted.name}-base", *lora]


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def address(wanted: Serving) -> str:
    """What clients call, without the `/v1`."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(wanted.host, wanted.host)  # noqa: S104 - read, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{wanted.port}"


def settings_text(wanted: Serving, context: int | None = None) -> str:
    """The lines of review.yaml that use this server; `context`: how many tokens it takes, as it says."""
    lines = ["engine:", "  backend: vllm", f"  model: {wanted.name}", f"  base_url: {address(wanted)}/v1"]
    if context is not None:
        lines.append(f"  context: {context}")
    if wanted.prompts != "ours":
        lines.append(f"  prompts: {wanted.prompts}")
    if wanted.key_env:
        lines.append(f"  api_key_env: {wanted.key_env}")
    if wanted.data_parallel > 1:
        lines.append(f"  data_parallel: {wanted.data_parallel}")
    return "\n".join(lines)
