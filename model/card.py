"""The card that a trained model or adapter carries: what it was trained on, checked against what it is asked.

A model that was trained on one wording of a prompt and is asked with another answers, only worse, and nothing
shows it. So `leads-card.json` beside the weights names the prompts by their hashes; who loads or serves the
weights compares, and refuses what does not fit unless told otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from pydantic import Field, ValidationError

from model.forms import answers_of
from model.prompting import pack
from tools.errors import ConfigError
from tools.schemas import Frozen, sha256_of

__all__ = [
    "CARD",
    "Base",
    "Mismatch",
    "ModelCard",
    "Trained",
    "check_card",
    "ensure_card",
    "fingerprint",
    "read_card",
    "tokenizer_hash",
    "weights_hash",
    "write_card",
]

CARD = "leads-card.json"
"""Name of the card in the folder of the weights."""


class Base(Frozen):
    """The model that training began from."""

    name: str = Field(description="As its makers call it, such as mistralai/Mistral-7B-Instruct-v0.3.")
    revision: str | None = Field(default=None, description="Commit on the hub, where it came from there.")
    weights: str | None = Field(default=None, description="`weights_hash` of its folder.")


class Trained(Frozen):
    """How the weights came to be."""

    at: str = Field(description="When training ended, ISO 8601 in UTC.")
    program: str = Field(description="Name and version of the program that trained.")
    method: str = Field(description="Such as lora, qlora or full.")
    epochs: float = Field(ge=0)
    examples: int = Field(ge=0, description="How many different examples were trained on.")


class ModelCard(Frozen):
    """What is to be known of trained weights before they are asked anything."""

    version: Literal[1] = 1
    name: str
    kind: Literal["adapter", "model"] = Field(description="A LoRA adapter, or all weights.")
    base: Base
    prompts: dict[str, str] = Field(description="Task id to the tag of the prompt, as `screen.v1@9c1f…`.")
    answers: Literal["ours", "leads"] = Field(default="ours", description="Format of the answers.")
    data: str = Field(description="Hash of the examples.")
    trained: Trained
    tokenizer: str | None = Field(
        default=None,
        description="`tokenizer_hash` of the folder whose tokenizer is used: an adapter's base's.",
    )
    weights: str | None = Field(default=None, description="`weights_hash` of the card's own folder.")
    notes: tuple[str, ...] = Field(default=(), description="What it was not trained or tested for.")


@dataclass(frozen=True)
class Mismatch:
    """One thing that is not as it was in training."""

    what: str
    trained: str
    used: str

    def __str__(self) -> str:
        return f"{self.what}: trained with {self.trained}, in use is {self.used}"


def read_card(folder: Path) -> ModelCard | None:
    """The card in a folder; None where there is none.

    Raises:
        ConfigError: there is one that cannot be read.
    """
    path = folder / CARD
    if not path.is_file():
        return None
    try:
        return ModelCard.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError, ValueError) as e:
        said = str(e)
        if isinstance(e, ValidationError):
            said = "; ".join(f"{'.'.join(map(str, x['loc'])) or 'card'}: {x['msg']}" for x in e.errors())
        raise ConfigError(
            f"{path} is no model card: {said}. Remedy: train again, or delete the card to use the weights unchecked."
        ) from e


def write_card(folder: Path, card: ModelCard) -> Path:
    """Put a card beside the weights, and say where it lies."""
    path = folder / CARD
    path.write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return path


def check_card(card: ModelCard, prompts: str, tasks: Iterable[str]) -> list[Mismatch]:
    """Where a prompt pack differs from the prompts that a model was trained on; empty where it fits.

    Args:
        card: the model's.
        prompts: a shipped pack or a folder, as `engine.prompts` names it.
        tasks: ids of the tasks that the model is to be asked.

    Raises:
        ConfigError: the pack has no prompt for one of the tasks, or one that cannot be used.
    """
    found = []
    if (format_ := answers_of(prompts)) != card.answers:
        found.append(Mismatch("format of the answers", card.answers, format_))
    for task in tasks:
        tag = pack(prompts, task).tag
        known = card.prompts.get(task)
        if known != tag:
            found.append(Mismatch(f"prompt of {task}", known or "none", tag))
    return found


def ensure_card(
    folder: Path, prompts: str, tasks: Iterable[str], *, allow_other: bool = False, base: Path | None = None
) -> str | None:
    """Refuse weights whose card does not fit their use; see `check_card`.

    Args:
        folder: of the weights, or of the adapter.
        prompts: the pack that they are asked with.
        tasks: ids of what they are asked.
        allow_other: use them all the same, and say so.
        base: the folder of the model that an adapter is put on, if it is at hand.

    Returns:
        What a person should know: that there is no card, or what was allowed not to fit. None when all fits.

    Raises:
        ConfigError: every mismatch, and the remedy.
    """
    card = read_card(folder)
    if card is None:
        return (
            f"{folder.name} carries no model card ({CARD}): whether it knows these prompts cannot be checked."
        )
    found = [*check_card(card, prompts, tasks), *_other_weights(card, folder, base)]
    if not found:
        return None
    if allow_other:
        return f"{card.name} is used although its card does not fit: {'; '.join(map(str, found))}."
    raise ConfigError(
        [
            f"{card.name} was trained for something else than it is asked here:",
            *(f"  {mismatch}" for mismatch in found),
            "Remedy: set engine.prompts to the pack it was trained on, train it on this one, "
            "or set engine.allow_other_card: true.",
        ]
    )


def _other_weights(card: ModelCard, folder: Path, base: Path | None) -> Iterator[Mismatch]:
    where = base if card.kind == "adapter" else folder
    checks = [
        ("weights", card.weights, folder, weights_hash),
        ("tokenizer", card.tokenizer, where, tokenizer_hash),
    ]
    if card.kind == "adapter":
        checks.append(("weights of the base model", card.base.weights, base, weights_hash))
    for what, known, place, hashed in checks:
        if known is not None and place is not None and (used := hashed(place)) != known:
            yield Mismatch(what, known, used)


# Identity of what lies in a folder -----------------------------------------------------------------

_CONFIGS = ("config.json", "adapter_config.json")
_TOKENIZERS = (
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
)
_SAMPLE = 4096
"""Bytes read of the beginning, the middle and the end of each tensor in a large file."""

_SMALL = 64 * 2**20
"""Bytes up to which a file is read whole."""


def fingerprint(folder: Path) -> str:
    """16 hex digits for everything in a model's or adapter's folder that can change an answer.

    Raises:
        ConfigError: see `weights_hash`.
    """
    parts = [weights_hash(folder), tokenizer_hash(folder), _files_hash(folder, ["generation_config.json"])]
    return sha256_of(parts)[:16]


def tokenizer_hash(folder: Path) -> str:
    """16 hex digits over the files of the tokenizer and of the chat template."""
    return _files_hash(folder, _TOKENIZERS)


def weights_hash(folder: Path) -> str:
    """16 hex digits over configuration and weights.

    Small files are read whole. Of large ones the header is read, which names every tensor, and some kilobytes of
    each tensor: training moves nearly every weight, and 15 GB take longer to read than a person waits for a
    refusal. It tells models apart; it is no proof against forgery.

    Raises:
        ConfigError: a file is no safetensors file.
    """
    parts = [[path.name, _tensors_hash(path)] for path in weight_files(folder)]
    return sha256_of([_files_hash(folder, _CONFIGS), parts])[:16]


def weight_files(folder: Path) -> list[Path]:
    """The files with weights in a folder, of a model or an adapter, by name.

    `consolidated*` are the same weights again in another layout, which nobody here reads.
    """
    return sorted(p for p in folder.glob("*.safetensors") if not p.name.startswith("consolidated"))


def _files_hash(folder: Path, names: Iterable[str]) -> str:
    there = [(name, folder / name) for name in names if (folder / name).is_file()]
    return sha256_of([[name, sha256_of(path.read_bytes())] for name, path in there])[:16]


def _tensors_hash(path: Path) -> str:
    size = path.stat().st_size
    if size <= _SMALL:
        return sha256_of(path.read_bytes())
    with path.open("rb") as file:
        begin, places = _header(path, file, size)
        samples = []
        for name, start, end in places:
            for at in (start, (start + end) // 2, max(start, end - _SAMPLE)):
                file.seek(begin + at)
                samples.append([name, sha256_of(file.read(min(_SAMPLE, end - at)))])
    return sha256_of([size, samples])


def _header(path: Path, file: BinaryIO, size: int) -> tuple[int, list[tuple[str, int, int]]]:
    """Where the data begin, and each tensor's name, start and end in them (safetensors, "Format")."""
    length = int.from_bytes(file.read(8), "little")
    try:
        told = json.loads(file.read(min(length, size)))
        places = [(name, *map(int, x["data_offsets"])) for name, x in told.items() if name != "__metadata__"]
        return 8 + length, sorted((name, start, end) for name, start, end in places)
    except (ValueError, LookupError, TypeError, AttributeError) as e:
        raise ConfigError(f"{path} is no safetensors file: {e}. Remedy: download or train it again.") from e
