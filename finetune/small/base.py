"""A small Mistral to begin training from: a tokenizer made from a data folder's words, random weights that can copy.

    python -m finetune.small.base --data DATA --out FOLDER [--vocabulary 4096 --hidden 192 --layers 4 …]

It stands where `mistralai/Mistral-7B-Instruct-v0.3` stands in the large recipe, for machines without a GPU.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.instructions import read_rows
from finetune.small.copying import wire
from finetune.small.tokenizer import available, fixed_lines, tokenizer_of
from tools.errors import ReviewError

__all__ = ["Shape", "main", "make", "model_of"]


@dataclass(frozen=True)
class Shape:
    """What the model is."""

    seed: int = 1
    vocabulary: int = 4096
    hidden: int = 192
    inner: int = 512
    layers: int = 4
    heads: int = 3
    kv_heads: int = 3
    wired: bool = True
    """Begin with the heads that copying needs, see `finetune.small.copying`."""
    head: int = 64
    """Dimensions of a head; vLLM on CPU takes multiples of 32."""
    theta: float = 1e6
    """Base of the rotary positions, as in Mistral's later models: at 1e4 so small a head has hardly a dimension
    left in which words far apart can be matched, and copying is not learned."""
    context: int = 8192


def model_of(shape: Shape, tokenizer: Any) -> Any:
    """A Mistral that can copy and nothing else."""
    import torch
    from transformers import MistralConfig, MistralForCausalLM

    torch.manual_seed(shape.seed)
    config = MistralConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head,
        rope_parameters={"rope_type": "default", "rope_theta": shape.theta},
        max_position_embeddings=shape.context,
        sliding_window=None,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = MistralForCausalLM(config)
    if shape.wired:
        wire(model, shape.seed)
    return model


def make(data: Path, out: Path, shape: Shape, *, prompts: str = "ours", texts: int = 6000) -> int:
    """Write the model's folder, and say how many weights it has.

    Args:
        data: folder with `train/`, see `finetune.build`.
        texts: how many rows the tokenizer is made from; they are taken evenly from all.

    Raises:
        InputFileError: the data folder holds no instructions.
        ConfigError: the pack has no prompts.
    """
    from transformers import GenerationConfig

    forms = available(prompts)
    tokenizer = tokenizer_of(
        shape.vocabulary, shape.context, _texts(data / "train", texts), fixed_lines(prompts, forms)
    )
    model = model_of(shape, tokenizer)
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return sum(p.numel() for p in model.parameters())


def _texts(folder: Path, most: int) -> Iterator[str]:
    """Prompts and replies of at most so many rows, every n-th of all."""
    count = sum(1 for _ in read_rows(folder, ["example_id"]))
    every = max(1, -(-count // most))
    for number, row in enumerate(read_rows(folder, ["prompt", "reply"])):
        if number % every == 0:
            yield row["prompt"]
            yield row["reply"]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m finetune.small.base", description="A small model to train."
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of python -m finetune.build")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")
    parser.add_argument("--prompts", default="ours", help="prompt pack of the data (default: %(default)s)")
    for name in ("seed", "vocabulary", "hidden", "inner", "layers", "heads", "kv_heads", "head", "context"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(Shape, name))
    told = parser.parse_args(arguments)
    shape = Shape(**{name: getattr(told, name) for name in Shape.__dataclass_fields__ if hasattr(told, name)})
    try:
        size = make(told.data, told.out, shape, prompts=told.prompts)
    except ReviewError as e:
        print(f"finetune.small.base: {e}", file=sys.stderr)
        return e.exit_status
    print(f"{size / 1e6:.1f} M weights in {told.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
