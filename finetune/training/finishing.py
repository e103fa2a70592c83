"""After the last step: weights, tokenizer, card and report."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from finetune.training.checkpoints import NotSaved, latest
from finetune.training.encoding import Examples
from finetune.training.plan import Plan
from finetune.training.saying import say
from finetune.training.settings import Settings
from model.card import Base, ModelCard, Trained, read_card, tokenizer_hash, weights_hash, write_card
from model.forms import answers_of

__all__ = ["finish"]


def finish(
    settings: Settings,
    folder: Path,
    trainer: Any,
    examples: Examples,
    plan: Plan,
    prompts: str | None,
    data: str,
) -> Path:
    """Weights, tokenizer, card and report; returns the model's folder.

    Args:
        settings: of the run.
        folder: of the model that training began from.
        trainer: after its last step.
        examples: what was trained on.
        plan: what was printed before.
        prompts: the pack of the prompts, where it is a shipped one.
        data: hash of the data, see `encoding.data_hash`.

    Raises:
        NotSaved: the disk is full; the last checkpoint stays.
    """
    import torch

    out = settings.out / "model"
    if not trainer.is_deepspeed_enabled and settings.method == "full" and settings.dtype == "bf16":
        trainer.model.to(torch.bfloat16)  # as servers run it
    if settings.method != "full":
        trainer.model.peft_config["default"].base_model_name_or_path = settings.model
    _save(trainer, out)
    if trainer.args.should_save:
        for name in ("training_args.bin", "README.md"):
            (out / name).unlink(missing_ok=True)
        answers = answers_of(prompts) if prompts is not None else "ours"
        times = round(plan.load.examples / len(examples), 3)
        write_card(out, _card(settings, folder, out, examples, times=times, answers=answers, data=data))
        report = _report(settings, trainer, examples, plan)
        (settings.out / "training.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        say(f"model     {out}")
    trainer.accelerator.wait_for_everyone()
    return out


def _save(trainer: Any, out: Path) -> None:
    from safetensors import SafetensorError

    try:
        trainer.save_model(str(out))
    except (OSError, RuntimeError, SafetensorError) as e:
        kept = latest(Path(trainer.args.output_dir))
        raise NotSaved(
            f"{out} could not be written: {e}. The last checkpoint is {kept}. "
            "Remedy: free space, then --resume, which goes on from there and saves again."
        ) from e


def _card(
    settings: Settings,
    folder: Path,
    out: Path,
    examples: Examples,
    *,
    times: float,
    answers: str,
    data: str,
) -> ModelCard:
    adapter = settings.method != "full"
    return ModelCard(
        name=settings.name,
        kind="adapter" if adapter else "model",
        base=Base(
            name=_name(settings, folder),
            revision=settings.revision,
            weights=weights_hash(folder),
        ),
        prompts=examples.tags,
        answers="leads" if answers == "leads" else "ours",
        data=data,
        trained=Trained(
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            program=f"finetune.train of leads-agent {version('leads-agent')}",
            method=settings.method,
            epochs=times,
            examples=len(examples),
        ),
        tokenizer=tokenizer_hash(folder if adapter else out),
        weights=weights_hash(out),
        notes=settings.notes,
    )


def _name(settings: Settings, folder: Path) -> str:
    """What the base is called: on the hub, by its own card, or by its folder."""
    if not Path(settings.model).is_dir():
        return settings.model
    card = read_card(folder)
    return card.name if card is not None else folder.name


def _report(settings: Settings, trainer: Any, examples: Examples, plan: Plan) -> dict[str, Any]:
    history = trainer.state.log_history
    return {
        "settings": settings.model_dump(mode="json"),
        "versions": _versions(),
        "processes": trainer.args.world_size,
        "steps": trainer.state.global_step,
        "plan": plan.told(),
        "examples": {task: examples.tasks.count(task) for task in examples.known_tasks()},
        "left_out": examples.left_out,
        "losses": [line for line in history if "loss" in line],
        "held_out": [line for line in history if "eval_loss" in line],
    }


def _versions() -> dict[str, str]:
    told = {}
    for name in ("leads-agent", "torch", "transformers", "accelerate", "deepspeed", "peft", "flash-attn"):
        try:
            told[name] = version(name)
        except PackageNotFoundError:
            continue
    return told
