"""What a training will take, reckoned before it starts: memory per device, hours, cost. Pure arithmetic.

Memory after ZeRO (Rajbhandari et al. 2020, section 3): in bf16 with AdamW 2 bytes of weights, 2 of gradients and 12
of optimizer (float32 weights and two moments) per trained parameter, each divided by the devices from the stage on
that divides it. Work after Kaplan et al. 2020, section 2.1: 2 operations per parameter and token forward, twice that
backward; a third more where activations are computed again; attention by the length of each example.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from finetune.training.settings import Hardware, Settings
from finetune.training.shapes import Shape, shape_of
from tools.errors import ConfigError

__all__ = [
    "DEVICES",
    "LEADS_LOAD",
    "Device",
    "Load",
    "Memory",
    "Plan",
    "Shape",
    "Zero",
    "plan_of",
    "shape_of",
]

GB = 1e9


class Device(NamedTuple):
    """One accelerator. Peaks are the makers' for bf16 without sparsity; prices are guesses to be replaced."""

    tflops: float
    memory_gb: float
    price: float
    """US dollars per hour, on demand."""


DEVICES = {
    "a100-80g": Device(312, 80, 1.8),
    "a100-40g": Device(312, 40, 1.3),
    "h100-80g": Device(989, 80, 2.8),
    "h200-141g": Device(989, 141, 3.5),
    "b200-192g": Device(2250, 192, 5.0),
    "l40s-48g": Device(362, 48, 1.0),
    "a10g-24g": Device(70, 24, 0.8),
    "rtx4090-24g": Device(165, 24, 0.4),
    "rtx3090-24g": Device(71, 24, 0.25),
    "cpu": Device(0.5, 16, 0.1),
}

LEADS_DEVICE_HOURS = 5 * 2.5 * 24
"""Five A100-80GB, about 2.5 days (LEADS, Methods)."""


@dataclass(frozen=True)
class Load:
    """What is computed, over all epochs."""

    examples: int
    tokens: int
    squares: int
    """Sum of the squared lengths of the examples: attention's work."""
    answers: int
    """Tokens that are learned."""
    rows: int
    guessed: str = ""
    """How the numbers were come by, where they were not counted."""

    @classmethod
    def of(cls, lengths: Sequence[int], answers: int, rows: int) -> Load:
        """Counted."""
        return cls(len(lengths), sum(lengths), sum(n * n for n in lengths), answers, rows)

    @classmethod
    def guess(cls, examples: int, mean: float, context: int, why: str) -> Load:
        """From a mean length, as if all were of that length and a tenth of it were learned."""
        tokens = round(examples * mean)
        return cls(examples, tokens, round(examples * mean**2), tokens // 10, -(-tokens // context), why)


LEADS_LOAD = Load.guess(
    633_759, 2_500, 30_000, "LEADS' 633,759 examples at a guessed mean of 2,500 tokens (its figure 1e)"
)


@dataclass(frozen=True)
class Zero:
    """What DeepSpeed divides, and what it keeps in the machine's own memory."""

    stage: int = 0
    offload_optimizer: bool = False
    offload_parameters: bool = False

    @classmethod
    def of(cls, path: Path | None) -> Zero:
        """From DeepSpeed's configuration; none: nothing is divided.

        Raises:
            ConfigError: it cannot be read.
        """
        if path is None:
            return cls()
        try:
            told = json.loads(path.read_text(encoding="utf-8")).get("zero_optimization", {})
            return cls(
                int(told.get("stage", 0)),
                told.get("offload_optimizer", {}).get("device", "none") != "none",
                told.get("offload_param", {}).get("device", "none") != "none",
            )
        except (OSError, ValueError, AttributeError) as e:
            raise ConfigError(
                f"{path}: is no configuration of DeepSpeed: {e}. Remedy: see finetune/configs."
            ) from e


@dataclass(frozen=True)
class Memory:
    """Bytes on one device; `host`: bytes in the machine's own memory, of one device's share."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    host: float = 0

    @property
    def device(self) -> float:
        """Together."""
        return self.weights + self.gradients + self.optimizer + self.activations


def memory_of(settings: Settings, shape: Shape, zero: Zero, answers_per_row: float) -> Memory:
    """What one device has to hold; the allocator wants some more."""
    trained, adapter = _trained(settings, shape), settings.method != "full"
    mixed = settings.deepspeed is not None or adapter
    half = 2 if settings.dtype == "bf16" else 4
    weights = half * shape.parameters if mixed else 4.0 * shape.parameters
    if adapter and settings.deepspeed is None:
        weights, gradients, optimizer = weights + 4 * trained, 4.0 * trained, 8.0 * trained
    elif settings.deepspeed is not None:
        gradients, optimizer = float(half * trained), (12.0 if half == 2 else 8.0) * trained
    else:
        gradients, optimizer = 4.0 * trained, 8.0 * trained
    devices = settings.hardware.devices
    optimizer /= devices if zero.stage >= 1 else 1
    gradients /= devices if zero.stage >= 2 else 1
    weights /= devices if zero.stage >= 3 else 1
    host = 0.0
    if zero.offload_optimizer:
        host, optimizer, gradients = optimizer + gradients, 0.0, 0.0
    if zero.offload_parameters:
        host, weights = host + weights, 0.0
    if zero.stage >= 3:  # a layer at work and the next one on its way, and a table
        weights += half * (2 * shape.layer + shape.vocabulary * shape.hidden)
    return Memory(weights, gradients, optimizer, _activations(settings, shape, answers_per_row), host)


def _activations(settings: Settings, shape: Shape, answers_per_row: float) -> float:
    """Of one row in the backward pass: what is kept of each layer, one layer at work, and the logits."""
    half = 2 if settings.dtype == "bf16" else 4
    narrow, wide = shape.kv_heads * shape.head, shape.heads * shape.head
    within = half * (4 * shape.hidden + 2 * wide + 2 * narrow + 4 * shape.inner)
    kept = half * shape.hidden if settings.checkpointing else within
    at_work = within if settings.checkpointing else 0
    logits = answers_per_row * shape.vocabulary * (half + 8)  # as computed, in float32, and their gradient
    return settings.context * (shape.layers * kept + at_work) + logits


def _trained(settings: Settings, shape: Shape) -> int:
    if settings.method == "full":
        return shape.parameters
    return shape.adapted(settings.adapter, dora=settings.method == "dora")


def operations(settings: Settings, shape: Shape, load: Load) -> float:
    """Floating-point operations of the whole run. An adapter spares the gradients of the frozen weights."""
    backward = 2 if settings.method == "full" else 1
    passes = 1 + backward + (1 if settings.checkpointing else 0)
    again = 3 + (1 if settings.checkpointing else 0)
    # Causal: half of two products of tokens × tokens × width per layer, forward.
    attention = 2 * shape.layers * shape.heads * shape.head * load.squares
    return 2.0 * passes * shape.working * load.tokens + again * attention


@dataclass(frozen=True)
class Plan:
    """What is printed before starting."""

    settings: Settings
    shape: Shape
    load: Load
    zero: Zero
    memory: Memory
    device: Device
    steps: int
    work: float

    @property
    def hours(self) -> float:
        """By the assumed share of the peak."""
        hardware = self.settings.hardware
        speed = self.device.tflops * 1e12 * hardware.utilisation * hardware.devices
        return self.work / speed / 3600

    @property
    def cost(self) -> float:
        """US dollars."""
        return self.hours * self.settings.hardware.devices * self.device.price

    @property
    def fits(self) -> bool:
        """With a tenth of the memory left to the allocator."""
        return self.memory.device <= 0.9 * self.device.memory_gb * GB

    def told(self) -> dict[str, float]:
        """For files."""
        return {
            "parameters": self.shape.parameters,
            "trained": _trained(self.settings, self.shape),
            "examples": self.load.examples,
            "tokens": self.load.tokens,
            "steps": self.steps,
            "device_gb": round(self.memory.device / GB, 2),
            "host_gb": round(self.memory.host / GB, 2),
            "operations": self.work,
            "hours": round(self.hours, 3),
            "dollars": round(self.cost, 2),
        }

    def __str__(self) -> str:
        s, m, h, load = self.settings, self.memory, self.settings.hardware, self.load
        share = 1 - load.tokens / max(1, load.rows * s.context)
        zero = f", ZeRO-{self.zero.stage}" if self.zero.stage else ""
        away = f" (and {m.host / GB:,.1f} GB of the machine's own)" if m.host else ""
        room = "fits" if self.fits else "DOES NOT FIT"
        lines = [
            f"model     {s.model}: {self.shape.parameters:,} parameters, "
            f"{_trained(s, self.shape):,} trained ({s.method}{zero}, {s.dtype})",
            f"data      {load.examples:,} examples, {load.tokens:,} tokens, {load.answers:,} of them learned; "
            f"{load.rows:,} rows of {s.context:,}, {share:.0%} left empty",
            f"steps     {self.steps:,} of {s.batch} rows, {h.devices} device(s)",
            f"memory    {m.device / GB:,.1f} GB per device{away}: weights {m.weights / GB:,.1f}, gradients "
            f"{m.gradients / GB:,.1f}, optimizer {m.optimizer / GB:,.1f}, activations {m.activations / GB:,.1f}; "
            f"{h.name} has {self.device.memory_gb:g}: {room}",
            f"time      {self.hours:,.2f} hours on {h.devices} × {h.name} "
            f"({self.device.tflops:g} TFLOP/s, assumed to be used by {h.utilisation:.0%})",
            f"cost      ${self.cost:,.2f} at ${self.device.price:g} per device and hour (assumed)",
            f"beside    LEADS: {LEADS_DEVICE_HOURS:g} device hours of A100 (5 × 2.5 days) for 633,759 examples; "
            f"this: {self.hours * h.devices:,.1f} device hours for {load.examples:,}",
        ]
        if load.guessed:
            lines.insert(2, f"          guessed: {load.guessed}")
        return "\n".join(lines)


def plan_of(settings: Settings, load: Load) -> Plan:
    """The plan of a run.

    Raises:
        ConfigError: hardware or model that nothing is known of.
    """
    shape, zero = shape_of(settings.model), Zero.of(settings.deepspeed)
    steps = settings.steps if settings.steps is not None else -(-load.rows // settings.batch)
    memory = memory_of(settings, shape, zero, load.answers / max(1, load.rows))
    work = operations(settings, shape, load)
    return Plan(settings, shape, load, zero, memory, _device(settings.hardware), steps, work)


def _device(hardware: Hardware) -> Device:
    known = DEVICES.get(hardware.name)
    own = (hardware.tflops, hardware.memory_gb, hardware.price)
    if known is None:
        if None in own:
            raise ConfigError(
                f"hardware.name: {hardware.name} is not in the table. Remedy: take one of {', '.join(DEVICES)}, "
                "or give tflops, memory_gb and price."
            )
        known = Device(0, 0, 0)
    return Device(*(given if given is not None else table for given, table in zip(own, known, strict=True)))
