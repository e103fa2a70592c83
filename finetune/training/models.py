"""The model that is trained: whole, partly frozen, or frozen with an adapter."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from finetune.training.saying import say
from finetune.training.settings import Settings
from tools.errors import ConfigError

__all__ = ["model_of"]


def model_of(settings: Settings, folder: Path) -> Any:
    """Load a model ready to be trained. Under ZeRO-3 the trainer's arguments have to be made before.

    Raises:
        ConfigError: patterns or targets that name nothing.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from finetune.training.attention import choose, register

    register()
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    attention, why = choose(settings.attention, config, settings.context, settings.dtype)
    say(f"attention {why}")
    # Without DeepSpeed the optimizer works on the weights themselves, and small steps are lost in 16 bits.
    whole = settings.dtype == "fp32" or (settings.method == "full" and settings.deepspeed is None)
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=torch.float32 if whole else torch.bfloat16,
        attn_implementation=attention,
        local_files_only=True,
    )
    if settings.method != "full":
        return _adapted(model, settings)
    if settings.wired:
        from finetune.small.copying import spare

        spare(model)
    for name in _frozen(settings, [name for name, _ in model.named_parameters()]):
        model.get_parameter(name).requires_grad_(False)
    return model


def _frozen(settings: Settings, names: Sequence[str]) -> list[str]:
    idle = [p for p in settings.freeze if not any(fnmatchcase(name, p) for name in names)]
    if idle:
        raise ConfigError(
            f"freeze: {', '.join(idle)} is the name of no parameter. Remedy: names are such as {names[0]}."
        )
    frozen = [name for name in names if any(fnmatchcase(name, p) for p in settings.freeze)]
    if len(frozen) == len(names):
        raise ConfigError("freeze: nothing would be trained. Remedy: fewer patterns.")
    return frozen


def _adapted(model: Any, settings: Settings) -> Any:
    from peft import LoraConfig, get_peft_model

    told = settings.adapter
    config = LoraConfig(
        r=told.rank,
        lora_alpha=told.alpha,  # type: ignore[arg-type, unused-ignore]  # any number will do
        lora_dropout=told.dropout,
        target_modules=list(told.targets) or "all-linear",
        use_dora=settings.method == "dora",
        use_rslora=settings.method == "rslora",
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(model, config)
    except ValueError as e:
        raise ConfigError(f"adapter.targets: {e} Remedy: leave it out for all linear layers.") from e
