"""Train a model on instructions, by a configuration file.

    python -m finetune.train CONFIG                                    one device, or CPU
    torchrun --nproc_per_node 5 -m finetune.train CONFIG               five GPUs of one machine
    deepspeed --num_gpus 5 --module finetune.train CONFIG              the same, by DeepSpeed's launcher
    accelerate launch --num_processes 5 -m finetune.train CONFIG       the same, by accelerate's

Several machines: by the launcher's own flags, see configs/leads_7b_nodes.yaml. `--plan` prints what it will take and
stops; `--resume` goes on from the newest whole checkpoint, bit for bit as if nothing had happened.

In `out`: checkpoints, logs for TensorBoard, `training.json`, and at the end `model/` with its card.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from finetune.training.checkpoints import note_run, ready_to_resume, ready_to_start, run_of
from finetune.training.encoding import Examples, Speech, data_hash, encode_folder
from finetune.training.finishing import finish
from finetune.training.masking import check_masks, pack_of
from finetune.training.models import model_of
from finetune.training.packing import plan_rows
from finetune.training.plan import LEADS_LOAD, Load, Plan, plan_of
from finetune.training.saying import say
from finetune.training.settings import Settings, read_settings
from model.card import weights_hash
from model.local_files import folder_of_model
from tools.errors import ConfigError, ReviewError

__all__ = ["main", "train"]


def train(settings: Settings, *, resume: bool = False) -> Path:
    """Train, save, and return the folder of the model.

    Raises:
        ConfigError: settings, data or machine do not fit each other.
        InputFileError: instructions that cannot be read.
        WrongMask: what would be learned is not the replies.
        NonFinite: loss or gradient became no number.
        NotSaved: the disk is full; earlier checkpoints stay.
    """
    world = _processes(settings)
    _deepspeed(settings)
    folder = folder_of_model(settings.model, settings.revision)
    if not resume:
        ready_to_start(settings.out)

    data = data_hash(settings.data)
    speech = Speech(folder)
    examples = _encoded(settings, speech, "train", None)
    rows = plan_rows(
        examples.names,
        examples.lengths,
        _weights(settings, examples),
        context=settings.context,
        packing=settings.packing,
        batch=settings.batch,
        epochs=settings.epochs,
        steps=settings.steps,
        seed=settings.seed,
    )
    if not rows:
        raise ConfigError("weights: every example has weight 0. Remedy: leave at least one task its weight.")
    lengths = examples.lengths
    seen = [index for row in rows for index in row]
    answers = sum(int(examples.answers[index]) for index in seen)
    load = Load.of([lengths[index] for index in seen], answers, len(rows))
    plan = plan_of(settings.model_copy(update={"model": str(folder)}), load)
    say(str(plan))
    for why, by_task in examples.left_out.items():
        say(f"left out  {sum(by_task.values()):,} examples {why}: {json.dumps(by_task)}")

    prompts = pack_of(examples.tags)
    pages = check_masks(settings.data / "train", examples, speech, prompts)
    for page in pages:
        say(f"learned between ⟦ and ⟧:\n{page}\n")
    if prompts is None:
        say("the prompts are of no shipped pack: replies were not held against the grammars of their tasks")

    run = run_of(settings, world, examples.key, weights_hash(folder))
    universal = bool(_deepspeed(settings).get("checkpoint", {}).get("load_universal"))
    start = None
    if resume:
        start = ready_to_resume(
            settings.out, run, universal=universal, deepspeed=settings.deepspeed is not None
        )
    trainer = _trainer(settings, folder, speech, examples, rows, world)
    if start is None and trainer.args.should_save:
        note_run(settings.out, run)
    trainer.train(resume_from_checkpoint=str(start) if start else None)
    if trainer.validation is not None and trainer.looked_at != trainer.state.global_step:
        trainer.evaluate()
    return finish(settings, folder, trainer, examples, plan, prompts, data)


# Before ------------------------------------------------------------------------------------------


def _processes(settings: Settings) -> int:
    """How many processes train together; one without a launcher."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if settings.deepspeed is not None and "RANK" not in os.environ:
        raise ConfigError(
            "DeepSpeed needs a launcher, also for one device. Remedy: "
            "torchrun --nproc_per_node 1 -m finetune.train CONFIG (or deepspeed --module, accelerate launch)."
        )
    if settings.batch % world:
        raise ConfigError(
            f"batch: {settings.batch} rows cannot be dealt to {world} processes evenly. "
            f"Remedy: a multiple of {world}, or another number of processes."
        )
    import torch

    if world == 1 and torch.cuda.device_count() > 1 and "RANK" not in os.environ:
        raise ConfigError(
            f"{torch.cuda.device_count()} GPUs and no launcher. Remedy: torchrun --nproc_per_node "
            f"{torch.cuda.device_count()} -m finetune.train CONFIG, or CUDA_VISIBLE_DEVICES=0 for one of them."
        )
    return world


def _encoded(settings: Settings, speech: Speech, part: str, first: int | None) -> Examples:
    """Ids of a part of the data: made by the first process, read by the others."""
    return encode_folder(
        settings.data / part,
        speech,
        settings.context,
        settings.out / "tokens",
        first=first,
        waits=os.environ.get("RANK", "0") != "0",
    )


def _weights(settings: Settings, examples: Examples) -> list[float]:
    tasks, sources = settings.weights.tasks, settings.weights.sources
    unknown = sorted((tasks.keys() - set(examples.tasks)) | (sources.keys() - set(examples.sources)))
    if unknown:
        raise ConfigError(
            f"weights: {', '.join(unknown)}: the data have no such task or source. Remedy: they have "
            f"{', '.join(examples.known_tasks())} from {', '.join(sorted(set(examples.sources)))}."
        )
    return [
        tasks.get(task, 1.0) * sources.get(source, 1.0)
        for task, source in zip(examples.tasks, examples.sources, strict=True)
    ]


def _deepspeed(settings: Settings) -> dict[str, Any]:
    """DeepSpeed's configuration, looked at for what would be noticed only after the last step; {} without one."""
    path = settings.deepspeed
    if path is None:
        return {}
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise ConfigError(f"deepspeed: {path}: {e}. Remedy: see finetune/configs/ds_zero3.json.") from e
    zero = told.get("zero_optimization", {})
    if zero.get("stage") == 3 and not zero.get("stage3_gather_16bit_weights_on_model_save"):
        raise ConfigError(
            f"deepspeed: {path}: the weights would stay in pieces, and no model would be saved. "
            "Remedy: stage3_gather_16bit_weights_on_model_save: true."
        )
    if "optimizer" in told and settings.optimizer.weight_decay:
        raise ConfigError(
            f"deepspeed: {path} brings its own optimizer, which would decay norms and biases as well. "
            "Remedy: optimizer.weight_decay: 0, or no optimizer there."
        )
    return told


# Model and trainer -------------------------------------------------------------------------------


def _trainer(
    settings: Settings, folder: Path, speech: Speech, examples: Examples, rows: Any, world: int
) -> Any:
    """Everything ready to train. The arguments come first: ZeRO-3 cuts the model to pieces while it is loaded."""
    from transformers import set_seed
    from transformers.utils import logging

    from finetune.training.feeding import Rows
    from finetune.training.trainer import LeadsTrainer, arguments_of

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    if settings.tensorboard:
        os.environ.setdefault("TENSORBOARD_LOGGING_DIR", str(settings.out / "logs"))
    if settings.deepspeed is not None:
        _join()
    arguments = arguments_of(settings, world, len(rows) // settings.batch)
    set_seed(settings.seed)
    validation = None
    if arguments.eval_strategy != "no":
        held_out = _encoded(settings, speech, "validation", settings.eval_examples)
        order = plan_rows(
            held_out.names,
            held_out.lengths,
            [1.0] * len(held_out),
            context=settings.context,
            packing=settings.packing,
            batch=world,
            epochs=1,
            seed=0,
        )
        validation = Rows(held_out, order, speech.end)
    return LeadsTrainer(
        settings,
        rows=Rows(examples, rows, speech.end),
        validation=validation,
        model=model_of(settings, folder),
        args=arguments,
        processing_class=speech.tokenizer if settings.method == "full" else None,
    )


# Command line ------------------------------------------------------------------------------------


def _planned(settings: Settings, examples: int | None, mean: float | None) -> Plan:
    """A plan without tokens having been counted: from the data's size, or for LEADS' own."""
    if examples is not None or mean is not None:
        count, length = examples or LEADS_LOAD.examples, mean or LEADS_LOAD.tokens / LEADS_LOAD.examples
        why = f"{count:,} examples of {length:,.0f} tokens, as given"
        return plan_of(settings, Load.guess(count * settings.epochs, length, settings.context, why))
    if not (settings.data / "train").is_dir():
        return plan_of(settings, LEADS_LOAD)
    return plan_of(settings, _load_by_size(settings))


def _load_by_size(settings: Settings) -> Load:
    """Examples as counted, lengths by characters of the first 2,000: four of them to a token."""
    from itertools import islice

    import pyarrow.parquet as pq

    from finetune.instructions import read_rows

    count = sum(pq.read_metadata(p).num_rows for p in sorted((settings.data / "train").rglob("*.parquet")))
    first = list(islice(read_rows(settings.data / "train", ["prompt", "reply"]), 2000))
    mean = sum(len(row["prompt"]) + len(row["reply"]) for row in first) / len(first) / 4
    why = f"four characters to a token, mean length of the first {len(first):,} examples"
    return Load.guess(count * settings.epochs, mean, settings.context, why)


def _join() -> None:
    """DeepSpeed's processes find each other; on CPU over gloo, where it would look for another library."""
    import deepspeed
    import torch

    if not deepspeed.comm.is_initialized():
        deepspeed.init_distributed(dist_backend=None if torch.cuda.is_available() else "gloo")


def _part() -> None:
    """Processes that end while they still hold on to each other are counted as failed by the launcher."""
    import torch.distributed as dist

    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m finetune.train", description="Train a model on instructions."
    )
    made.add_argument("config", type=Path, help="YAML, see finetune/configs")
    made.add_argument("--plan", action="store_true", help="print memory, hours and cost, and stop")
    made.add_argument("--resume", action="store_true", help="go on from the newest whole checkpoint")
    made.add_argument("--hardware", metavar="NAME[:DEVICES]", help="for the plan, such as a100-80g:5")
    made.add_argument("--examples", type=int, help="for --plan, in place of the data's")
    made.add_argument("--mean-tokens", type=float, help="for --plan, in place of the data's")
    made.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting, such as lr=1e-5"
    )
    made.add_argument("--local_rank", "--local-rank", type=int, default=0, help=argparse.SUPPRESS)
    return made


def _changes(told: argparse.Namespace) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for given in told.set:
        key, equals, value = given.partition("=")
        if not equals:
            raise ConfigError(f"--set {given}: no value. Remedy: --set lr=1e-5")
        changes[key] = yaml.safe_load(value)
    if told.hardware:
        name, _, devices = told.hardware.partition(":")
        changes["hardware.name"] = name
        if devices:
            changes["hardware.devices"] = int(devices) if devices.isdigit() else devices
    return changes


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns its exit status."""
    told = parser().parse_args(arguments)
    try:
        settings = read_settings(told.config, _changes(told))
        if told.plan:
            print(_planned(settings, told.examples, told.mean_tokens))
            return 0
        train(settings, resume=told.resume)
        _part()
    except ReviewError as e:
        print(e, file=sys.stderr)
        return e.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
