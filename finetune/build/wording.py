"""Instructions in the words of a prompt pack, with their lengths: `worded/<maker>/…` beside `made/<maker>/…`.

Another pack, tokenizer or context words anew what need not be made anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from finetune.build.kinds import Shard
from finetune.build.pieces import Notes, Piece, Receipt, file_hash, keep, pieces, receipt_of
from finetune.build.workshop import Workshop
from finetune.instructions import Instruction, Refusal, Row, read_rows, row_of
from model.engine import AnswerRejected
from model.forms import answers_of, form
from model.tasks import ALL
from tools.errors import ConfigError, InputFileError
from tools.schemas import sha256_of

__all__ = ["NOT_SAID", "NO_PROMPT", "TOO_LONG", "Pack", "counter", "word_all"]

NO_PROMPT = "the prompt pack has no prompt for this task"
NOT_SAID = "the prompt pack's form cannot say this answer"
TOO_LONG = "longer than the context"

Count = Callable[[str, str], int]
"""A prompt and its reply to their length."""


class Pack(NamedTuple):
    """A prompt pack and the tags of its prompts."""

    name: str
    answers: str
    tags: Mapping[str, str]

    @classmethod
    def of(cls, name: str) -> Pack:
        """A pack by name or folder.

        Raises:
            ConfigError: it has no prompt at all.
        """
        tags = {}
        for task, known in ALL.items():
            try:
                tags[task] = form(name, known).tag
            except ConfigError:
                continue
        if not tags:
            raise ConfigError(
                f"prompts: {name} holds no prompt. Remedy: name ours, leads, or a folder of prompts."
            )
        return cls(name, answers_of(name), tags)


def counter(tokenizer: str | None) -> Count:
    """Counts tokens, those of the chat template among them; characters where no tokenizer is named.

    Raises:
        ConfigError: there is no such tokenizer.
    """
    if tokenizer is None:
        return lambda prompt, reply: len(prompt) + len(reply)
    from transformers import AutoTokenizer

    try:
        made: Any = AutoTokenizer.from_pretrained(tokenizer)
    except (OSError, ValueError) as e:
        raise ConfigError(
            f"tokenizer: {tokenizer} cannot be loaded: {e}. Remedy: give a folder with tokenizer.json."
        ) from e

    def count(prompt: str, reply: str) -> int:
        if made.chat_template:
            prompt = made.apply_chat_template(
                [{"role": "user", "content": prompt}], add_generation_prompt=True, tokenize=False
            )
        # One more: the end token.
        return sum(len(made(text, add_special_tokens=False)["input_ids"]) for text in (prompt, reply)) + 1

    return count


def _content(tokenizer: str | None) -> str | None:
    """What names a tokenizer: the content of its folder, which may change under one name; else its name."""
    folder = Path(tokenizer) if tokenizer else None
    if folder is None or not folder.is_dir():
        return tokenizer
    return sha256_of([[p.name, file_hash(p)] for p in sorted(folder.glob("*")) if p.is_file()])


def word_all(workshop: Workshop, mine: Shard, say: Callable[[str], None]) -> dict[Piece, Receipt]:
    """Put every piece into words that is not yet; the receipts of all of this process's pieces.

    Raises:
        InputFileError: a piece has not been made, or its file is damaged.
        ConfigError: the pack has no prompts, or there is no such tokenizer.
    """
    settings = workshop.settings
    pack = Pack.of(settings.prompts)
    count, counts_with = counter(settings.tokenizer), _content(settings.tokenizer)
    receipts = {}
    for piece in pieces(settings, mine):
        source = piece.file(workshop.work / "made")
        made = receipt_of(source)
        if made is None:
            raise InputFileError(
                f"{source}: is missing or damaged. Remedy: run the stage make, on every shard, before split."
            )
        basis = sha256_of([made.sha256, pack.answers, dict(pack.tags), counts_with, settings.longest])
        path = piece.file(workshop.work / "worded")
        receipt = receipt_of(path)
        if receipt is None or receipt.follows_from != basis:
            notes = Notes()
            plain: Iterator[Row] = read_rows(source)
            receipt = keep(path, _worded(plain, pack, count, settings.longest, notes), basis, notes)
            say(f"worded {piece.maker} {piece.name}: {receipt.line}")
        receipts[piece] = receipt
    return receipts


def _worded(rows: Iterator[Row], pack: Pack, count: Count, longest: int, notes: Notes) -> Iterator[Row]:
    for plain in rows:
        if plain.task not in pack.tags:
            notes.refuse(Refusal(plain.task, plain.source, NO_PROMPT, plain.example_id))
            continue
        try:
            row = row_of(_instruction(plain), pack.name)
        except AnswerRejected as e:
            notes.refuse(Refusal(plain.task, plain.source, NOT_SAID, f"{plain.example_id}: {e}"))
            continue
        length = count(row.prompt, row.reply)
        if length > longest:
            notes.refuse(Refusal(row.task, row.source, TOO_LONG, f"{row.example_id}: {length:,}"))
            continue
        notes.lengths[row.example_id] = length
        notes.counts[row.task] += 1
        yield row


def _instruction(row: Row) -> Instruction:
    about = {
        name: getattr(row, name)
        for name in ("source", "licence", "how", "reviews", "studies", "year", "evidence")
    }
    return Instruction.model_validate(
        {"task": row.task, "asked": json.loads(row.asked), "answer": json.loads(row.answer), "about": about}
    )
