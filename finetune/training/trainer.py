"""transformers' Trainer with our loss, our guards and our numbers. Imported only when something is trained."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any

import torch
from safetensors import SafetensorError
from torch.utils.data import SequentialSampler
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from finetune.training.attention import BY_EXAMPLE
from finetune.training.batches_saved import save_batch
from finetune.training.checkpoints import NotSaved, keep_newest, latest, mark_whole
from finetune.training.feeding import Rows, collate, token_losses
from finetune.training.optimizers import optimizer_of
from finetune.training.settings import Settings

__all__ = ["LeadsTrainer", "arguments_of"]

TOKENS, ROOM = -2, -1
"""Places of the last two sums."""


def arguments_of(settings: Settings, world: int, steps: int) -> TrainingArguments:
    """What transformers is told. One row per device at a time; the rest of the batch is accumulated.

    Args:
        settings: of the run.
        world: processes.
        steps: of the whole run.
    """
    cuda = torch.cuda.is_available()
    evaluates = settings.eval_every is not None and (settings.data / "validation").is_dir()
    return TrainingArguments(
        output_dir=str(settings.out),
        per_device_train_batch_size=1,
        gradient_accumulation_steps=settings.batch // world,
        num_train_epochs=1,  # the rows are those of all epochs
        max_steps=steps,
        learning_rate=settings.lr,
        lr_scheduler_type=settings.schedule,
        warmup_steps=round(settings.warmup * steps),
        max_grad_norm=settings.clip,
        adam_beta1=settings.optimizer.betas[0],  # for a DeepSpeed configuration that brings its own AdamW
        adam_beta2=settings.optimizer.betas[1],
        adam_epsilon=settings.optimizer.eps,
        weight_decay=settings.optimizer.weight_decay,
        bf16=settings.dtype == "bf16",
        use_cpu=not cuda,
        **_checkpointing(settings.checkpointing),
        seed=settings.seed,
        save_strategy="steps",
        save_steps=settings.save_every,
        save_total_limit=None,  # see `_save_checkpoint`: transformers deletes before all processes have written
        eval_strategy="steps" if evaluates else "no",
        eval_steps=settings.eval_every if evaluates else None,
        eval_on_start=evaluates,
        logging_steps=settings.log_every,
        logging_nan_inf_filter=False,
        report_to=["tensorboard"] if settings.tensorboard else [],
        deepspeed=str(settings.deepspeed) if settings.deepspeed else None,
        remove_unused_columns=False,
        dataloader_pin_memory=cuda,
        average_tokens_across_devices=False,  # counted by `get_batch_samples` below
        disable_tqdm=True,
    )


def _checkpointing(wanted: bool) -> dict[str, Any]:
    """transformers 5.23 renamed it and warns of the old name."""
    known = TrainingArguments.__dataclass_fields__
    name = "activation_checkpointing" if "activation_checkpointing" in known else "gradient_checkpointing"
    return {name: wanted, f"{name}_kwargs": {"use_reentrant": False} if wanted else None}


class LeadsTrainer(Trainer):
    """Loss per answer token of the whole batch, sums by task, a stop at the first number that is none."""

    def __init__(self, settings: Settings, *, rows: Rows, validation: Rows | None, **more: Any) -> None:
        super().__init__(train_dataset=rows, eval_dataset=validation, data_collator=collate, **more)
        self.settings = settings
        self.rows, self.validation = rows, validation
        config: Any = getattr(self.model, "config", None)
        self.by_example = config._attn_implementation == BY_EXAMPLE
        self.model_accepts_loss_kwargs = True
        self.loss_is_scaled_for_ga = True
        self.tasks = list(rows.codes)
        self._seen = self._zeros(len(self.tasks))
        self._since = time.perf_counter()
        self._of_step: list[dict[str, Any]] = []
        self.looked_at = -1
        """Step of the last look at the examples held out."""
        self.remove_callback(PrinterCallback)
        self.add_callback(_Guard(self))
        self.add_callback(_Teller)

    # Data: in the order in which they lie ---------------------------------------------------------

    def _get_train_sampler(self, *_: Any, **__: Any) -> Any:
        return SequentialSampler(self.rows)

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: Any) -> tuple[list[Any], Any]:
        """The rows of one step of this process, and the answer tokens of that step over all processes."""
        rows, _ = super().get_batch_samples(epoch_iterator, num_batches, device)
        self._of_step = rows
        count = torch.tensor(sum(len(row["labels"]) for row in rows), device=self.args.device)
        return rows, self.accelerator.reduce(count, "sum")

    # Loss ------------------------------------------------------------------------------------------

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """Sum over the answer tokens of this row, over the number of those of the whole batch.

        Gradients are averaged over processes, so the share of each is multiplied by their number.
        """
        losses = token_losses(model, inputs, by_example=self.by_example)
        total = losses.sum()
        if not torch.isfinite(total):
            raise self.stopped("loss", float(total))
        self._add(self._seen, inputs, losses.detach())
        share = total / num_items_in_batch.clamp(min=1) * self.args.world_size
        return (share, None) if return_outputs else share

    def stopped(self, what: str, value: float, done: int = 0) -> Exception:
        """The error of a run that cannot go on; its batch is saved. `done`: 1 after the step was counted."""
        return save_batch(
            self.settings.out,
            what=what,
            value=value,
            step=self.state.global_step + 1 - done,
            rank=self.args.process_index,
            rows=self._of_step,
            examples=self.rows.examples,
            last_good=latest(self.settings.out),
        )

    def create_optimizer(self, model: Any = None) -> Any:
        """See `finetune.training.optimizers`."""
        if self.optimizer is None:
            self.optimizer = optimizer_of(
                self.model if model is None else model, self.settings.optimizer, self.args.learning_rate
            )
        return self.optimizer

    # Numbers ---------------------------------------------------------------------------------------

    def _zeros(self, tasks: int) -> Any:
        """Per task the sum of losses and the number of tokens; then tokens, and room for tokens, of all rows."""
        return torch.zeros(2 * tasks + 2, dtype=torch.float64, device=self.args.device)

    def _add(self, sums: Any, row: Any, losses: Any) -> None:
        tasks = (len(sums) - 2) // 2
        sums[:tasks].index_add_(0, row["task"], losses.double())
        sums[tasks : 2 * tasks].index_add_(0, row["task"], torch.ones_like(losses, dtype=torch.float64))
        sums[TOKENS] += row["input_ids"].numel()
        sums[ROOM] += self.settings.context

    def log(self, logs: dict[str, float], *more: Any, **named: Any) -> None:
        """What is logged of the steps since the last time: also the loss of each task, tokens/s, room left empty."""
        if "loss" in logs:
            sums = self.accelerator.reduce(self._seen, "sum")
            now = time.perf_counter()
            logs |= _by_task("loss", self.tasks, sums)
            logs["tokens_per_second"] = float(sums[TOKENS]) / max(now - self._since, 1e-9)
            logs["room_left_empty"] = 1 - float(sums[TOKENS]) / max(float(sums[ROOM]), 1.0)
            self._seen, self._since = self._zeros(len(self.tasks)), now
        super().log(logs, *more, **named)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Mean loss per answer token of the examples held out: over all, and of each task."""
        assert self.validation is not None
        self.looked_at = self.state.global_step
        known = list(self.validation.codes)
        sums = self._zeros(len(known))
        model = (
            self.accelerator.unwrap_model(self.model_wrapped)
            if not self.is_deepspeed_enabled
            else self.model_wrapped
        )
        model.eval()
        world, began = self.args.world_size, time.perf_counter()
        with torch.no_grad():
            for at in range(self.args.process_index, len(self.validation), world):
                row = self._prepare_inputs(self.validation[at])
                with self.accelerator.autocast():
                    losses = token_losses(model, row, by_example=self.by_example)
                self._add(sums, row, losses)
        model.train()
        sums = self.accelerator.reduce(sums, "sum")
        told: dict[str, float] = _by_task("eval_loss", known, sums)
        tokens = float(sums[len(known) : 2 * len(known)].sum())
        told["eval_loss"] = float(sums[: len(known)].sum()) / max(tokens, 1.0)
        self._since += time.perf_counter() - began
        self.log(dict(told))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, told)
        return told

    # Checkpoints -----------------------------------------------------------------------------------

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        began = time.perf_counter()
        try:
            super()._save_checkpoint(model, trial)
            self.accelerator.wait_for_everyone()
            if self.args.should_save:
                out = self.settings.out
                mark_whole(out / f"checkpoint-{self.state.global_step}", self.args.world_size)
                keep_newest(out, self.settings.keep)
        except (OSError, RuntimeError, SafetensorError) as e:
            half = self.settings.out / f"checkpoint-{self.state.global_step}"
            if self.args.should_save:
                shutil.rmtree(half, ignore_errors=True)
            whole = latest(self.settings.out)
            kept = f"{whole} is as it was" if whole else "there is no earlier one"
            raise NotSaved(
                f"{half} could not be written: {e}. What was written of it does not count; {kept}. "
                "Remedy: free space, then go on with --resume."
            ) from e
        self._since += time.perf_counter() - began


class _Guard(TrainerCallback):
    """Looks at the gradient before a step is made of it; under DeepSpeed right after, and before it is saved."""

    def __init__(self, trainer: LeadsTrainer) -> None:
        self.trainer = trainer

    def on_pre_optimizer_step(self, *_: Any, **__: Any) -> None:
        if self.trainer.is_deepspeed_enabled:
            return
        gradients = [
            p.grad for p in (self.trainer.model or torch.nn.Module()).parameters() if p.grad is not None
        ]
        norm = torch.nn.utils.get_total_norm(gradients)
        if not torch.isfinite(norm):
            raise self.trainer.stopped("gradient", float(norm))

    def on_step_end(self, *_: Any, **__: Any) -> None:
        if not self.trainer.is_deepspeed_enabled:
            return
        engine: Any = self.trainer.model_wrapped
        norm = engine.get_global_grad_norm()
        if norm is not None and not torch.isfinite(torch.as_tensor(float(norm))):
            raise self.trainer.stopped("gradient", float(norm), done=1)


class _Teller(TrainerCallback):
    """One line per log, for people; everything else is in TensorBoard and `training.json`."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        if not state.is_world_process_zero or not logs:
            return
        at = f"step {state.global_step}/{state.max_steps}"
        if "loss" in logs:
            told = f"loss {logs['loss']:.4f}, gradient {logs.get('grad_norm', 0):.3g}, lr {logs['learning_rate']:.3g}"
            print(f"{at}: {told}, {logs['tokens_per_second']:,.0f} tokens/s", file=sys.stderr, flush=True)
        elif "eval_loss" in logs:
            each = ", ".join(f"{k.partition('/')[2]} {v:.3f}" for k, v in logs.items() if "/" in k)
            print(f"{at}: held out {logs['eval_loss']:.4f} ({each})", file=sys.stderr, flush=True)


def _by_task(name: str, tasks: list[str], sums: Any) -> dict[str, float]:
    """Task to mean loss per answer token, of tasks that came."""
    count = len(tasks)
    pairs = zip(tasks, sums[:count].tolist(), sums[count : 2 * count].tolist(), strict=True)
    return {f"{name}/{task}": total / tokens for task, total, tokens in pairs if tokens}
