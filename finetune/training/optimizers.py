"""AdamW, or Muon and AdamW as one optimizer."""

from __future__ import annotations

from typing import Any

from finetune.training.settings import Optimizer

__all__ = ["optimizer_of"]


def optimizer_of(model: Any, told: Optimizer, rate: float) -> Any:
    """The optimizer of the parameters that are trained.

    Args:
        model: of transformers or peft.
        told: the settings.
        rate: the learning rate.
    """
    import torch

    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    if told.name == "muon":
        return _muon_with_adamw(trained, told, rate)
    # Under ZeRO-3 a parameter's own shape is empty, and what DeepSpeed keeps of it is `ds_shape`.
    decayed = [p for _, p in trained if len(getattr(p, "ds_shape", p.shape)) >= 2]
    others = [p for _, p in trained if len(getattr(p, "ds_shape", p.shape)) < 2]
    groups = [{"params": decayed, "weight_decay": told.weight_decay}, {"params": others, "weight_decay": 0.0}]
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=rate, betas=told.betas, eps=told.eps)


def _muon_with_adamw(trained: list[tuple[str, Any]], told: Optimizer, rate: float) -> Any:
    import torch

    table = [p for name, p in trained if p.ndim == 2 and "embed" in name]
    outer = [p for name, p in trained if p.ndim != 2 or "lm_head" in name]
    inner = [p for name, p in trained if p.ndim == 2 and "embed" not in name and "lm_head" not in name]
    groups = [{"params": outer, "lr": rate}, {"params": table, "lr": rate * told.embeddings}]
    groups = [group for group in groups if group["params"]]
    parts: list[torch.optim.Optimizer] = []
    if groups:
        parts.append(torch.optim.AdamW(groups, betas=told.betas, eps=told.eps, weight_decay=0.0))
    if inner:
        decay = told.weight_decay
        muon = torch.optim.Muon(inner, rate * told.matrices, weight_decay=decay, adjust_lr_fn="original")
        parts.append(muon)
    return _together(parts)


def _together(parts: list[Any]) -> Any:
    import torch

    class Together(torch.optim.Optimizer):
        """Several optimizers that step at once; their groups are one list, for schedulers."""

        def __init__(self) -> None:
            self.parts = parts
            super().__init__(
                [{"params": g["params"], "lr": g["lr"]} for part in parts for g in part.param_groups], {}
            )
            self._gather()

        def _gather(self) -> None:
            self.param_groups = [group for part in self.parts for group in part.param_groups]

        def step(self, closure: Any = None) -> Any:
            for part in self.parts:
                part.step()
            return closure() if closure is not None else None

        def zero_grad(self, set_to_none: bool = True) -> None:
            for part in self.parts:
                part.zero_grad(set_to_none=set_to_none)

        def state_dict(self) -> dict[str, Any]:
            return {"parts": [part.state_dict() for part in self.parts]}

        def load_state_dict(self, state_dict: dict[str, Any]) -> None:
            for part, state in zip(self.parts, state_dict["parts"], strict=True):
                part.load_state_dict(state)
            self._gather()

    return Together()
