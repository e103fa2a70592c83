"""How a model is trained: one YAML file, checked as a whole before anything is loaded.

Paths are relative to the file that names them, so that a folder with a configuration can be moved.
The defaults are the published recipe (LEADS, Nat Commun 2025;16:8361, Methods) where it tells them.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from tools.errors import ConfigError
from tools.schemas import Frozen, sha256_of

__all__ = ["Adapter", "Hardware", "Method", "Optimizer", "Settings", "Weighting", "read_settings"]

Method = Literal["full", "lora", "dora", "rslora"]


class Adapter(Frozen):
    """Shape of a low-rank adapter (LoRA: Hu et al. 2021; DoRA: Liu et al. 2024; rsLoRA: Kalajdzievski 2023)."""

    rank: int = Field(default=16, ge=1)
    alpha: float = Field(
        default=32, gt=0, description="Weight of the adapter: over rank, in rsLoRA over its root."
    )
    dropout: float = Field(default=0.0, ge=0, lt=1)
    targets: tuple[str, ...] = Field(
        default=(), description="Names of the modules that get one; empty: every linear layer but the head."
    )


class Optimizer(Frozen):
    """AdamW, or Muon for the matrices within the layers and AdamW for all else."""

    name: Literal["adamw", "muon"] = "adamw"
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = Field(default=1e-8, gt=0)
    weight_decay: float = Field(default=0.0, ge=0, description="Of matrices; norms and biases have none.")
    matrices: float = Field(default=5.0, gt=0, description="Muon's rate, as a multiple of `lr`.")
    embeddings: float = Field(
        default=1.0,
        gt=0,
        description="Rate of the embeddings, as a multiple of `lr`; small where heads copy by them.",
    )

    @field_validator("betas")
    @classmethod
    def _below_one(cls, betas: tuple[float, float]) -> tuple[float, float]:
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError("both must be at least 0 and below 1")
        return betas


class Weighting(Frozen):
    """How often an example comes in an epoch: the product of what its task and its source are given here."""

    tasks: dict[str, float] = Field(
        default_factory=dict, description="Task id to weight; others 1, 0: never."
    )
    sources: dict[str, float] = Field(default_factory=dict, description="Source to weight; others 1.")

    @field_validator("tasks", "sources")
    @classmethod
    def _not_negative(cls, weights: dict[str, float]) -> dict[str, float]:
        for name, weight in weights.items():
            if not 0 <= weight <= 100:
                raise ValueError(f"{name}: {weight} is no weight; write a number from 0 to 100")
        return weights


class Hardware(Frozen):
    """What the plan reckons with."""

    name: str = Field(
        default="a100-80g", description="One of the plan's table, see `finetune.training.plan.DEVICES`."
    )
    devices: int = Field(default=1, ge=1)
    utilisation: float = Field(
        default=0.4, gt=0, le=1, description="Share of the peak that is reached; 0.3 to 0.5 is usual."
    )
    tflops: float | None = Field(
        default=None, gt=0, description="Peak of bf16 without sparsity; None: of the table."
    )
    memory_gb: float | None = Field(default=None, gt=0)
    price: float | None = Field(default=None, ge=0, description="Per device and hour, in US dollars.")


class Settings(Frozen):
    """One training."""

    name: str = Field(min_length=1, description="Of the model that comes out; stands in its card.")
    model: str = Field(min_length=1, description="Name on the hub, or a folder.")
    revision: str | None = Field(default=None, description="Commit of the hub; pin it.")
    data: Path = Field(description="Folder with train/ and, if there is one, validation/.")
    out: Path = Field(description="Folder of checkpoints, logs and, at the end, of the model (out/model).")

    method: Method = "full"
    adapter: Adapter = Adapter()
    freeze: tuple[str, ...] = Field(
        default=(), description="Patterns of parameter names that stay as they are, such as `*embed*`."
    )
    wired: bool = Field(
        default=False, description="Keep the heads that `finetune.small.copying` set by hand from training."
    )

    context: int = Field(default=30_000, ge=16, description="Tokens of a row, and of the longest example.")
    packing: bool = Field(default=True, description="Several examples in a row; they do not see each other.")
    weights: Weighting = Weighting()

    batch: int = Field(default=5, ge=1, description="Rows of one step, over all devices.")
    epochs: int = Field(default=1, ge=1)
    steps: int | None = Field(default=None, ge=1, description="Stop after so many; None: all epochs.")
    optimizer: Optimizer = Optimizer()
    lr: float = Field(default=1e-6, gt=0, lt=1, description="Highest learning rate.")
    schedule: Literal["cosine", "linear", "constant_with_warmup"] = "cosine"
    warmup: float = Field(default=0.1, ge=0, le=1, description="Share of the steps in which the rate rises.")
    clip: float = Field(default=1.0, ge=0, description="Longest gradient; 0: not clipped.")
    dtype: Literal["bf16", "fp32"] = "bf16"
    attention: Literal["auto", "flash_attention_2", "by_example", "sdpa", "eager"] = "auto"
    checkpointing: bool = Field(
        default=True, description="Compute activations again in the backward pass instead of keeping them."
    )
    seed: int = Field(default=1, ge=0, lt=2**32)

    save_every: int = Field(default=200, ge=1, description="Steps between checkpoints.")
    keep: int = Field(default=2, ge=1, description="Checkpoints that are kept.")
    eval_every: int | None = Field(default=200, ge=1, description="Steps between looks at validation/.")
    eval_examples: int | None = Field(
        default=500, ge=1, description="Of each task, from the front; None: all."
    )
    log_every: int = Field(default=10, ge=1)
    tensorboard: bool = True
    deepspeed: Path | None = Field(default=None, description="DeepSpeed's configuration, a JSON file.")
    hardware: Hardware = Hardware()
    notes: tuple[str, ...] = Field(default=(), description="What the card says the model was not made for.")

    @model_validator(mode="after")
    def _together(self) -> Settings:
        if self.optimizer.name == "muon" and self.deepspeed is not None:
            raise ValueError(
                "muon does not work with DeepSpeed, which cuts matrices to pieces; take optimizer.name: adamw"
            )
        if self.optimizer.name == "muon" and self.method != "full":
            raise ValueError(f"muon is for whole matrices, not for {self.method}; take optimizer.name: adamw")
        if self.attention == "flash_attention_2" and self.dtype == "fp32":
            raise ValueError("flash_attention_2 computes in 16 bits; take dtype: bf16, or attention: auto")
        if self.wired and (self.method != "full" or self.deepspeed is not None):
            raise ValueError(
                "wired: is for small models that are trained whole on one device; take wired: false"
            )
        if self.freeze and self.method != "full":
            raise ValueError(
                "freeze: an adapter freezes the model by itself; take method: full, or no freeze"
            )
        return self

    def hash(self) -> str:
        """16 hex digits over all that changes the course of training: not paths, logs, nor hardware."""
        told = self.model_dump(mode="json", exclude=set(_ASIDE))
        return sha256_of(told)[:16]

    def course(self) -> dict[str, Any]:
        """What a resumed run has to have in common with the one it goes on with."""
        return self.model_dump(mode="json", exclude=set(_ASIDE))


_ASIDE = (
    "name",
    "out",
    "data",
    "model",
    "deepspeed",
    "save_every",
    "keep",
    "eval_every",
    "eval_examples",
    "log_every",
    "tensorboard",
    "hardware",
    "notes",
)


def read_settings(path: Path, changes: Mapping[str, Any] | None = None) -> Settings:
    """Read a configuration.

    Args:
        path: the YAML file.
        changes: dotted keys to values, in place of those of the file; relative paths in them are taken from the
            working folder.

    Raises:
        ConfigError: every mistake at once, each with its place and what to do.
    """
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(f"{path}: cannot be read: {e}. Remedy: see finetune/configs.") from e
    except yaml.YAMLError as e:
        raise ConfigError(f"{path}: is no YAML: {e}. Remedy: mend that line.") from e
    if not isinstance(told, dict):
        raise ConfigError(f"{path}: is not a list of `key: value` lines. Remedy: see finetune/configs.")
    told = _placed(told, path.parent)
    for key, value in (changes or {}).items():
        _put(told, key, value)
    try:
        return Settings.model_validate(told)
    except ValidationError as e:
        raise ConfigError([f"{path}: {_said(error)}" for error in e.errors(include_url=False)]) from e


def _placed(told: dict[str, Any], base: Path) -> dict[str, Any]:
    """Relative paths become paths from the file's folder. A model is one where a folder of that name is there."""
    placed = dict(told)
    for key in ("data", "out", "deepspeed"):
        if isinstance(placed.get(key), str):
            placed[key] = str((base / Path(placed[key]).expanduser()).resolve())
    model = placed.get("model")
    if isinstance(model, str) and model.startswith((".", "/", "~")):
        placed["model"] = str((base / Path(model).expanduser()).resolve())
    return placed


def _put(told: dict[str, Any], key: str, value: Any) -> None:
    *groups, last = key.split(".")
    for group in groups:
        told[group] = dict(told[group]) if isinstance(told.get(group), dict) else {}
        told = told[group]
    told[last] = value


def _said(error: Any) -> str:
    """One of pydantic's errors, with its place and what to do."""
    place, kind = ".".join(map(str, error["loc"])) or "file", error["type"]
    if kind == "extra_forbidden":
        known = _known(error["loc"][:-1])
        close = difflib.get_close_matches(str(error["loc"][-1]), known, n=1)
        meant = f" (did you mean {close[0]}?)" if close else ""
        return f"{place}: no such key. Remedy: use one of {', '.join(known)}{meant}."
    if kind == "missing":
        return f"{place}: is missing. Remedy: add it: {Settings.model_fields[place].description}"
    if kind == "value_error":
        what, _, remedy = str(error["ctx"]["error"]).partition("; ")
        return f"{place}: {what}. Remedy: {remedy or 'write another value'}."
    given = str(error["input"])[:60]
    return (
        f"{place}: {error['msg'].replace('Input should', 'should')}, is {given}. Remedy: write such a value."
    )


def _known(groups: tuple[str | int, ...]) -> list[str]:
    model: Any = Settings
    for group in groups:
        model = model.model_fields[group].annotation
    return list(model.model_fields)
