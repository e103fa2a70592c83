"""A model small enough for tests, of the architecture that the large one has, trained on invented questions.

    python -m finetune.tiny --out FOLDER

It exists so that servers and engines can be tested with real weights, a real tokenizer and a real chat template:
it answers every task in its form and copies from the text, and it knows nothing. Deterministic by its seed, on
one machine; a minute or two on two cores.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from finetune.copying import wire
from finetune.invented_questions import example
from finetune.samples import Sample, available, batches, fixed_lines, sample, spoken, stream, tokenizer_of
from model.card import Base, ModelCard, Trained, tokenizer_hash, weights_hash, write_card
from model.engine import AnswerRejected
from model.forms import Form, answers_of
from tools.schemas import sha256_of

__all__ = ["Recipe", "build", "main"]


@dataclass(frozen=True)
class Recipe:
    """What the model is, and how it is trained."""

    seed: int = 1
    steps: int = 400
    tokens: int = 3072
    """Of one step, padding included."""
    rate: float = 2e-3
    slow: float = 0.02
    """Share of the rate by which the embeddings change."""
    prompts: str = "ours"
    vocabulary: int = 2048
    hidden: int = 192
    inner: int = 512
    layers: int = 4
    heads: int = 3
    kv_heads: int = 3
    wired: bool = True
    """Begin with the heads that copying needs, see `finetune.copying`."""
    head: int = 64
    """Dimensions of a head; vLLM on CPU takes multiples of 32."""
    theta: float = 1e6
    """Base of the rotary positions, as in Mistral's later models: at 1e4 so small a head has hardly a dimension
    left in which words far apart can be matched, and copying is not learned."""
    context: int = 8192
    held_out: int = 6
    """Questions of each task that are asked afterwards, none of which it has seen."""
    longest: int = 512
    """Tokens of an answer then."""


# Model -------------------------------------------------------------------------------------------


def model_of(recipe: Recipe, tokenizer: Any) -> Any:
    """A Mistral that can copy and nothing else."""
    import torch
    from transformers import MistralConfig, MistralForCausalLM

    torch.manual_seed(recipe.seed)
    config = MistralConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        intermediate_size=recipe.inner,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.kv_heads,
        head_dim=recipe.head,
        rope_parameters={"rope_type": "default", "rope_theta": recipe.theta},
        max_position_embeddings=recipe.context,
        sliding_window=None,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = MistralForCausalLM(config)
    if recipe.wired:
        wire(model, recipe.seed)
    return model


def loss_of(model: Any, batch: Sequence[Sample], pad: int) -> Any:
    """Mean cross-entropy over the tokens of the answers.

    Samples are padded on the right: under a causal mask no token of theirs sees the padding.
    """
    import torch

    longest = max(len(one.ids) for one in batch)
    ids = torch.tensor([one.ids + [pad] * (longest - len(one.ids)) for one in batch])
    rows = [(r, t) for r, one in enumerate(batch) for t in range(one.start - 1, len(one.ids) - 1)]
    row, at = torch.tensor(rows).T
    hidden = model.model(input_ids=ids).last_hidden_state[row, at]
    return torch.nn.functional.cross_entropy(model.lm_head(hidden).float(), ids[row, at + 1])


def optimizers_of(model: Any, recipe: Recipe) -> list[Any]:
    """Muon for the matrices within the layers, AdamW for the embeddings and norms.

    The embeddings change slowly: by them the copying heads tell one token from another.
    """
    import torch

    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    inner = [p for name, p in trained if p.ndim == 2 and "embed" not in name]
    outer = [p for _, p in trained if p.ndim != 2]
    table = [model.model.embed_tokens.weight]
    groups = [{"params": outer, "lr": recipe.rate}, {"params": table, "lr": recipe.rate * recipe.slow}]
    return [
        torch.optim.Muon(inner, lr=recipe.rate * 5, weight_decay=0.0, adjust_lr_fn="original"),
        torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def train(model: Any, feed: Iterator[list[Sample]], recipe: Recipe, pad: int) -> tuple[float, float, int]:
    """Train, and return the loss of the first and of the last steps (mean of up to 20), and the examples seen."""
    import torch

    steppers = optimizers_of(model, recipe)
    rates = [group["lr"] for stepper in steppers for group in stepper.param_groups]
    losses: list[float] = []
    began, seen, examples = time.perf_counter(), 0, 0
    model.train()
    for step in range(recipe.steps):
        batch = next(feed)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = loss_of(model, batch, pad)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        share = _schedule(step, recipe.steps)
        groups = [group for stepper in steppers for group in stepper.param_groups]
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate * share
        for stepper in steppers:
            stepper.step()
            stepper.zero_grad(set_to_none=True)
        losses.append(loss.item())
        seen += sum(len(one.ids) for one in batch)
        examples += len(batch)
        if step % 50 == 49 or step + 1 == recipe.steps:
            mean, rate_s = sum(losses[-50:]) / len(losses[-50:]), seen / (time.perf_counter() - began)
            _say(f"step {step + 1}/{recipe.steps}: loss {mean:.3f}, {rate_s:,.0f} tokens/s")
    last = losses[-20:]
    return losses[0], sum(last) / len(last), examples


def _schedule(step: int, steps: int) -> float:
    """Up over the first twentieth, then down along a cosine to a twentieth."""
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


# Examination -------------------------------------------------------------------------------------


def examine(
    model: Any, tokenizer: Any, forms: dict[str, Form], recipe: Recipe
) -> dict[str, dict[str, float]]:
    """Task to the share of greedy, unconstrained answers to unseen questions that are read without error
    (`valid`) and that are the expected answer word for word (`exact`)."""
    chance = random.Random(f"held out {recipe.seed}")  # noqa: S311 - invents
    told = {}
    model.eval()
    for name, spoken_form in forms.items():
        asked = [example(name, chance) for _ in range(recipe.held_out)]
        answers = answer(model, tokenizer, [spoken(forms, name, one)[0] for one in asked], recipe.longest)
        valid = exact = 0
        for one, raw in zip(asked, answers, strict=True):
            try:
                spoken_form.read(one.request, raw)
            except AnswerRejected as e:
                _say(f"{name}: {str(e)[:150]} | {raw[:200]}")
                continue
            valid += 1
            exact += raw == spoken(forms, name, one)[1]
        told[name] = {"valid": valid / len(asked), "exact": exact / len(asked)}
    return told


def answer(model: Any, tokenizer: Any, prompts: Sequence[str], longest: int) -> list[str]:
    """Greedy answers, unconstrained."""
    import torch

    turns = [[{"role": "user", "content": prompt}] for prompt in prompts]
    heads = [tokenizer.apply_chat_template(t, add_generation_prompt=True, tokenize=False) for t in turns]
    tokenizer.padding_side = "left"
    ids = tokenizer(
        heads, add_special_tokens=False, padding=True, return_tensors="pt", return_token_type_ids=False
    )
    with torch.inference_mode():
        made = model.generate(**ids, max_new_tokens=longest, do_sample=False)
    return [
        str(text)
        for text in tokenizer.batch_decode(made[:, ids["input_ids"].shape[1] :], skip_special_tokens=True)
    ]


# Whole -------------------------------------------------------------------------------------------


def build(out: Path, recipe: Recipe) -> dict[str, Any]:
    """Make the tokenizer, train the model, examine it, write everything; returns the report.

    Raises:
        ConfigError: the pack has no prompts.
    """
    import torch
    from transformers import GenerationConfig

    forms = available(recipe.prompts)
    began = time.perf_counter()
    text = stream(forms, recipe.seed)
    corpus = [part for _ in range(len(forms) * 150) for part in spoken(forms, *next(text))]
    tokenizer = tokenizer_of(recipe.vocabulary, recipe.context, corpus, fixed_lines(recipe.prompts, forms))
    model = model_of(recipe, tokenizer)
    size = sum(p.numel() for p in model.parameters())
    ready = time.perf_counter() - began
    _say(f"{len(forms)} tasks, {len(tokenizer)} tokens, {size / 1e6:.1f} M parameters, {ready:.0f} s")
    samples = (sample(tokenizer, *spoken(forms, name, one)) for name, one in stream(forms, recipe.seed))
    first, last, examples = train(
        model, batches(samples, recipe.tokens, recipe.seed), recipe, tokenizer.pad_token_id
    )
    model = model.to(torch.bfloat16)  # as servers run it: here and there the same weights
    trained = time.perf_counter() - began
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    shares = examine(model, tokenizer, forms, recipe)
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    tokenizer.padding_side = "right"
    tokenizer.save_pretrained(out)
    report = {
        "parameters": size,
        "examples": examples,
        "loss_first": round(first, 4),
        "loss_last": round(last, 4),
        "tasks": shares,
        "prompts": {name: spoken_form.tag for name, spoken_form in forms.items()},
        "recipe": vars(recipe),
        "invented": sha256_of(corpus)[:16],
    }
    (out / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    write_card(out, card(out, recipe, report))
    _say(f"trained in {trained:.0f} s, examined in {time.perf_counter() - began - trained:.0f} s")
    return report


def card(out: Path, recipe: Recipe, report: Mapping[str, Any]) -> ModelCard:
    """What is to be known of the model in a folder."""
    return ModelCard(
        name="tiny",
        kind="model",
        base=Base(name="none: random weights"),
        prompts=report["prompts"],
        answers="leads" if answers_of(recipe.prompts) == "leads" else "ours",
        data=report["invented"],
        trained=Trained(
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            program=f"finetune.tiny of leads-agent {version('leads-agent')}",
            method="full",
            epochs=1,
            examples=report["examples"],
        ),
        tokenizer=tokenizer_hash(out),
        weights=weights_hash(out),
        notes=("For tests of servers and engines alone: it knows no medicine, and its texts were invented.",),
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m finetune.tiny", description="Build the small model for tests."
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the model")
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--prompts", default=Recipe.prompts, help="prompt pack (ours), or a folder")
    told = parser.parse_args(arguments)
    report = build(told.out, Recipe(seed=told.seed, steps=told.steps, prompts=told.prompts))
    print(f"loss {report['loss_first']:.2f} -> {report['loss_last']:.3f}")
    for name, share in report["tasks"].items():
        print(f"{name:16} valid {share['valid']:5.0%}  exact {share['exact']:5.0%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
