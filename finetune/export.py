"""Make of a training run what can be served: whole weights or an adapter, with its card, and say how to serve it.

    python -m finetune.export RUN --out FOLDER [--base FOLDER] [--dtype bfloat16] [--evaluation FILE]

RUN is an output folder of `finetune.train`. Whole weights are taken over, an adapter is merged into its base
(`--keep-adapter` leaves it one; vLLM puts no DoRA on a base). What lies in FOLDER afterwards are safetensors, the
tokenizer, the card that `model.serve` and the engines check, and a README for people. A merged model is loaded again
and compared with adapter and base before anything is said to be done.

Merging is done in `--dtype`, so it takes one copy of the weights in memory: 15 GB for 7B parameters in bfloat16,
29 GB in float32; what it will be is said at the start. Whole weights are copied file by file.
"""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.model_page import page
from model.card import (
    CARD,
    ModelCard,
    read_card,
    tokenizer_hash,
    weight_files,
    weights_hash,
    write_card,
)
from model.serving import Serving, command, found
from tools.errors import ConfigError, ReviewError

__all__ = ["Exported", "export", "main"]

BESIDE = (
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "generation_config.json",
)
"""What belongs to a model besides its weights and configuration."""

TOLERANCE = {"float32": 1e-3, "bfloat16": 0.5, "float16": 0.1}
"""How far the logits of the merged weights may lie from those of base and adapter, where logits reach 10: merging
rounds once more. Two ways to compute the same in bfloat16 differ by 0.3 in the model of the tests."""

LOST = 0.5
"""Share of what the adapter changes that may be lost in rounding, in root mean square of the logits."""

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}

PROBES = (
    "Forty adults with a cough drank snail syrup or water before bed. Which group slept longer?",
    'Answer with one JSON object: {"slept": {"syrup": 12, "water": 5}, "of": [20, 20], "years": "54.2 (SD 8.0)"}',
    "Nothing was measured.",
)
"""What both are asked before they are compared; the words do not matter."""


@dataclass(frozen=True)
class Exported:
    """What was made, and how to go on."""

    folder: Path
    card: ModelCard
    merged: bool
    difference: float | None
    """Largest difference of a logit between the merged weights and base with adapter; None where nothing was merged."""
    serve: str
    gguf: str


def export(
    run: Path,
    out: Path,
    *,
    base: Path | None = None,
    dtype: str = "bfloat16",
    keep_adapter: bool = False,
    evaluation: Path | None = None,
) -> Exported:
    """Write FOLDER from a run.

    Args:
        run: folder with `config.json` or `adapter_config.json`, and the card.
        out: empty or absent.
        base: of an adapter, where it is not the one that the adapter names.
        dtype: of merged weights: float32, bfloat16 or float16.
        evaluation: JSON of `finetune.evaluate`, for the README.

    Raises:
        ConfigError: the run has no card, its base is another one, `out` is not empty, or merging changed the answers.
    """
    if dtype not in TOLERANCE:
        raise ConfigError(f"--dtype {dtype} is unknown. Remedy: one of {', '.join(TOLERANCE)}.")
    if out.exists() and any(out.iterdir()):
        raise ConfigError(f"{out} is not empty. Remedy: choose another --out, or clear it.")
    card = _card_of(run)
    weights = found(str(run))
    difference = None
    out.mkdir(parents=True, exist_ok=True)
    try:
        if weights.adapter is None:
            _take_whole(run, out)
        elif keep_adapter:
            _take_adapter(run, out)
        else:
            difference = _merge(run, base or Path(weights.adapter.base), out, card, dtype)
        card = _carded(card, out, merged=difference is not None)
        (out / "README.md").write_text(page(card, run, evaluation), encoding="utf-8")
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)  # half a model is worse than none
        raise
    wanted = Serving(str(out), base=str(base) if keep_adapter and base else None, prompts=_pack(card))
    return Exported(
        folder=out,
        card=card,
        merged=difference is not None,
        difference=difference,
        serve=command(wanted, found(str(out))).text(),
        gguf=f"python convert_hf_to_gguf.py {out} --outfile {out}/{card.name}.gguf --outtype q8_0",
    )


def _card_of(run: Path) -> ModelCard:
    """The run's card; refused where the weights beside it are not the ones it names."""
    card = read_card(run)
    if card is None:
        raise ConfigError(
            f"{run} holds no {CARD}: what was trained, and on what, is unknown. "
            "Remedy: name the output folder of python -m finetune.train."
        )
    if card.weights is not None and (used := weights_hash(run)) != card.weights:
        raise ConfigError(
            f"{run}: its weights ({used}) are not those of its card ({card.weights}). Remedy: train again, or take "
            "the folder as it was when training ended."
        )
    return card


def _pack(card: ModelCard) -> str:
    return "leads" if card.answers == "leads" else "ours"


def _take_whole(run: Path, out: Path) -> None:
    if not weight_files(run):
        raise ConfigError(
            f"{run} holds no safetensors. Remedy: name the output folder of python -m finetune.train."
        )
    for path in [*weight_files(run), run / "config.json", *_indexes(run)]:
        shutil.copy2(path, out / path.name)
    _take_beside(run, out)


def _take_adapter(run: Path, out: Path) -> None:
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        if not (run / name).is_file():
            raise ConfigError(f"{run} lacks {name}. Remedy: train the adapter again.")
        shutil.copy2(run / name, out / name)
    _take_beside(run, out)


def _indexes(run: Path) -> list[Path]:
    return sorted(run.glob("*.safetensors.index.json"))


def _take_beside(run: Path, out: Path) -> None:
    for name in BESIDE:
        if (run / name).is_file():
            shutil.copy2(run / name, out / name)


def _merge(run: Path, base: Path, out: Path, card: ModelCard, dtype: str) -> float:
    """Merge, save, load what was saved, and compare; returns the largest difference of a logit."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if not base.is_dir():
        raise ConfigError(
            f"the adapter's base {base} is not at hand. Remedy: name its folder with --base, or --keep-adapter."
        )
    if card.base.weights is not None and (used := weights_hash(base)) != card.base.weights:
        raise ConfigError(
            f"{base} is not the base that the adapter was trained on: weights {used} instead of {card.base.weights}."
        )
    _take_tokenizer(run, base, out, card)
    number, tokenizer = getattr(torch, dtype), AutoTokenizer.from_pretrained(out)
    print(f"merging in {dtype}: takes {memory_gb(base, dtype):.1f} GB of memory", file=sys.stderr, flush=True)
    whole = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=number), str(run))
    before = _logits(whole, tokenizer)
    with whole.disable_adapter():
        without = _logits(whole, tokenizer)
    merged = whole.merge_and_unload(safe_merge=True).to(number)
    merged.save_pretrained(out)
    del merged, whole
    gc.collect()  # the two refer to each other; without it there would be two copies in memory
    after = _logits(AutoModelForCausalLM.from_pretrained(out, dtype=number), tokenizer)
    difference = max(float((one - other).abs().max()) for one, other in zip(before, after, strict=True))
    largest = max(float(one.abs().max()) for one in before)
    lost = _apart(before, after) > LOST * _apart(before, without)
    if lost or not difference <= TOLERANCE[dtype] * max(1.0, largest / 10):
        raise ConfigError(
            f"merging changed what the model says: a logit moved by {difference:.3g}. Remedy: merge with "
            "--dtype float32, or serve the adapter as it is with --keep-adapter."
        )
    return difference


def memory_gb(base: Path, dtype: str) -> float:
    """What the weights in a folder take in memory, in GB (10^9 bytes), by the headers of their files.

    Args:
        base: folder of the model.
        dtype: float32, bfloat16 or float16.
    """
    from math import prod

    from safetensors import safe_open

    count = 0
    for path in weight_files(base):
        with safe_open(path, framework="numpy") as file:
            count += sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118 - no dict
    return count * BYTES[dtype] / 1e9


def _take_tokenizer(run: Path, base: Path, out: Path, card: ModelCard) -> None:
    """The tokenizer that the adapter was trained with, byte for byte: its own, or that of its base."""
    own = any((run / name).is_file() for name in ("tokenizer.json", "tokenizer.model"))
    source = run if own else base
    if card.tokenizer is not None and (used := tokenizer_hash(source)) != card.tokenizer:
        raise ConfigError(
            f"{source}: its tokenizer ({used}) is not the one that the adapter was trained with ({card.tokenizer}). "
            "Remedy: take tokenizer and chat template as they were when training began."
        )
    _take_beside(source, out)


def _apart(some: list[Any], others: list[Any]) -> float:
    """Root mean square of the differences."""
    import torch

    gaps = [(one - other).flatten() for one, other in zip(some, others, strict=True)]
    return float(torch.cat(gaps).square().mean().sqrt())


def _logits(model: Any, tokenizer: Any) -> list[Any]:
    """Of each probe, float32, shape (1, tokens, vocabulary)."""
    import torch

    model.eval()
    told = []
    for probe in PROBES:
        turns = [{"role": "user", "content": probe}]
        text = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
        ids = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            told.append(model(ids).logits.float())
    return told


def _carded(card: ModelCard, out: Path, *, merged: bool) -> ModelCard:
    """The card of what lies in the folder now."""
    told: dict[str, Any] = {"weights": weights_hash(out)}
    if (out / "tokenizer.json").is_file() or (out / "tokenizer.model").is_file():
        told["tokenizer"] = tokenizer_hash(out)
    if merged:
        told |= {"kind": "model", "notes": (*card.notes, f"{card.trained.method} merged into its base.")}
    made = card.model_copy(update=told)
    write_card(out, made)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m finetune.export", description="Make a run servable.")
    parser.add_argument("run", type=Path, help="output folder of python -m finetune.train")
    parser.add_argument("--out", type=Path, required=True, help="folder of the model; must not hold anything")
    parser.add_argument("--base", type=Path, help="folder of an adapter's base, if not the one that it names")
    parser.add_argument("--dtype", default="bfloat16", help="of merged weights (default: %(default)s)")
    parser.add_argument("--keep-adapter", action="store_true", help="do not merge; vLLM serves both together")
    parser.add_argument("--evaluation", type=Path, help="JSON of python -m finetune.evaluate, for the README")
    told = parser.parse_args(arguments)
    try:
        made = export(
            told.run,
            told.out,
            base=told.base,
            dtype=told.dtype,
            keep_adapter=told.keep_adapter,
            evaluation=told.evaluation,
        )
    except ReviewError as e:
        print(f"finetune.export: {e}", file=sys.stderr)
        return e.exit_status
    merged = f", merged (a logit moves by {made.difference:.2g} at most)" if made.merged else ""
    print(f"{made.card.kind} {made.card.name} in {made.folder}{merged}")
    print(f"serve      python -m model.serve {made.folder}")
    print(f"as vLLM    {made.serve}")
    print(f"as GGUF    {made.gguf}   (script of llama.cpp)")
    print(json.dumps({"weights": made.card.weights, "data": made.card.data, "prompts": made.card.prompts}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
