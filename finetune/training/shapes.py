"""The shape of a model, and how many parameters follow from it; nothing is downloaded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.training.settings import Adapter
from tools.errors import ConfigError

__all__ = ["MISTRAL_7B", "Shape", "shape_of"]


@dataclass(frozen=True)
class Shape:
    """A decoder of Mistral's kind: gated feed-forward, grouped queries, no biases."""

    hidden: int
    inner: int
    layers: int
    heads: int
    kv_heads: int
    head: int
    vocabulary: int
    tied: bool = False

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """The matrices of a layer: name to (in, out)."""
        wide, narrow = self.heads * self.head, self.kv_heads * self.head
        return {
            "q_proj": (self.hidden, wide),
            "k_proj": (self.hidden, narrow),
            "v_proj": (self.hidden, narrow),
            "o_proj": (wide, self.hidden),
            "gate_proj": (self.hidden, self.inner),
            "up_proj": (self.hidden, self.inner),
            "down_proj": (self.inner, self.hidden),
        }

    @property
    def layer(self) -> int:
        """Parameters of a layer."""
        return sum(a * b for a, b in self.linears.values()) + 2 * self.hidden

    @property
    def parameters(self) -> int:
        """Of the whole model."""
        tables = self.vocabulary * self.hidden * (1 if self.tied else 2)
        return tables + self.layers * self.layer + self.hidden

    @property
    def working(self) -> int:
        """Parameters that every token is multiplied with: without the table of embeddings, which is looked up."""
        return self.layers * self.layer + self.vocabulary * self.hidden

    def adapted(self, adapter: Adapter, dora: bool) -> int:
        """Parameters of an adapter: rank × (in + out) per matrix, and in DoRA a length for each of its rows."""
        chosen = [s for name, s in self.linears.items() if not adapter.targets or name in adapter.targets]
        return self.layers * sum(adapter.rank * (a + b) + (b if dora else 0) for a, b in chosen)


MISTRAL_7B = Shape(4096, 14336, 32, 32, 8, 128, 32768)
KNOWN = {
    "mistralai/Mistral-7B-Instruct-v0.3": MISTRAL_7B,
    "mistralai/Mistral-7B-v0.3": MISTRAL_7B,
    "zifeng-ai/leads-mistral-7b-v1": MISTRAL_7B,
}


def shape_of(model: str) -> Shape:
    """The shape of a model's folder, or of one that is known by name; nothing is downloaded.

    Raises:
        ConfigError: neither, or its configuration is of another kind.
    """
    path = Path(model).expanduser() / "config.json"
    if not path.is_file():
        if model in KNOWN:
            return KNOWN[model]
        raise ConfigError(
            f"{model}: no folder with a config.json, and its shape is not known by name. "
            f"Remedy: download it first, or take one of {', '.join(KNOWN)}."
        )
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    try:
        heads = told["num_attention_heads"]
        return Shape(
            hidden=told["hidden_size"],
            inner=told["intermediate_size"],
            layers=told["num_hidden_layers"],
            heads=heads,
            kv_heads=told.get("num_key_value_heads") or heads,
            head=told.get("head_dim") or told["hidden_size"] // heads,
            vocabulary=told["vocab_size"],
            tied=bool(told.get("tie_word_embeddings", False)),
        )
    except KeyError as e:
        raise ConfigError(
            f"{path}: says nothing of {e}: no decoder of Mistral's kind. Remedy: train without a plan is not "
            "possible; take a Mistral, Llama or Qwen model."
        ) from e
