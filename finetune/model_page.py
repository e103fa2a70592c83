"""The README of a model: what its card, its training and its evaluation say, for people. Nothing is added."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from model.card import ModelCard
from tools.errors import InputFileError

__all__ = ["page"]


def page(card: ModelCard, run: Path, evaluation: Path | None = None) -> str:
    """Markdown of a model's README.

    Args:
        card: of the folder.
        run: where `training.json` lies, if it does.
        evaluation: JSON of `finetune.evaluate`.

    Raises:
        InputFileError: a file is there and cannot be read.
    """
    trained = _told(run / "training.json") if (run / "training.json").is_file() else {}
    measured = _told(evaluation) if evaluation is not None else {}
    parts = [_head(card), _prompts(card), _training(trained), _evaluation(measured), _use(card)]
    return "\n".join(line for part in parts for line in part) + "\n"


def _told(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise InputFileError(
            f"{path}: cannot be read as JSON: {e}. Remedy: name the file as it was written."
        ) from e
    if not isinstance(told, dict):
        raise InputFileError(f"{path}: holds no JSON object. Remedy: name the file as it was written.")
    return told


def _head(card: ModelCard) -> Iterator[str]:
    yield f"# {card.name}\n"
    kind = "An adapter for" if card.kind == "adapter" else "Whole weights, trained from"
    yield f"{kind} {card.base.name}" + (f" at {card.base.revision}" if card.base.revision else "") + ".\n"
    yield "| | |\n| --- | --- |"
    rows = {
        "method": card.trained.method,
        "examples": f"{card.trained.examples:,}",
        "epochs": f"{card.trained.epochs:g}",
        "ended": card.trained.at,
        "program": card.trained.program,
        "hash of the data": f"`{card.data}`",
        "hash of the weights": f"`{card.weights}`",
        "hash of the tokenizer": f"`{card.tokenizer}`",
    }
    yield from (f"| {name} | {value} |" for name, value in rows.items())
    yield from ("", *(f"- {note}" for note in card.notes), "")


def _prompts(card: ModelCard) -> Iterator[str]:
    yield "## Prompts it was trained on\n"
    yield "Asked in other words it answers worse and nothing shows it; engines and servers of leads-agent compare.\n"
    yield from (f"- {task}: `{tag}`" for task, tag in sorted(card.prompts.items()))
    yield ""


def _training(told: Mapping[str, Any]) -> Iterator[str]:
    if not told:
        return
    yield "## Training\n"
    yield "```json"
    yield json.dumps({k: v for k, v in told.items() if not isinstance(v, list)}, indent=2, ensure_ascii=False)
    yield "```\n"


def _evaluation(told: Mapping[str, Any]) -> Iterator[str]:
    summary = told.get("summary")
    if not summary:
        yield "## Evaluation\n\nNone was given. Run `python -m finetune.evaluate` before you rely on these weights.\n"
        return
    yield "## Evaluation\n"
    yield "```json"
    yield json.dumps(summary, indent=2, ensure_ascii=False)
    yield "```\n"


def _use(card: ModelCard) -> Iterator[str]:
    yield "## Use\n"
    if card.kind == "adapter":
        yield "`python -m model.serve .` in this folder puts it on its base with vLLM.\n"
    else:
        yield "`python -m model.serve .` in this folder serves it with vLLM.\n"
    yield "What it says are suggestions. Decisions about studies are people's."
