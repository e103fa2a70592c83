"""Prompts and replies as token ids, and where they lie on disk.

The prompt's ids are those of the chat template with the mark that a reply follows, as engines send it. The reply's
ids are those that *the server's grammar lets through*: their bytes, as xgrammar counts them, are the reply's own,
from the first brace on. A template that puts a space before the reply, or a tokenizer that puts a word mark there,
would teach a first token that the grammar forbids at every question; so the template is not asked about replies.
One end token follows, and that is all that is learned.

A mark of the template that stands in a text from a record, such as `</s>`, is read letter by letter.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from finetune.instructions import read_rows
from model.card import tokenizer_hash
from model.local_files import Tokenizer
from model.local_grammar import Grammars
from tools.errors import ConfigError, InputFileError
from tools.schemas import sha256_of

__all__ = ["Encoded", "Examples", "Speech", "bytes_hash", "data_hash", "encode_folder"]

VERSION = 1
"""Of what lies on disk."""

AT_ONCE = 512
PATIENCE = 60.0
"""Seconds after which a process that waits says what for."""
COLUMNS = ("example_id", "task", "source", "prompt", "reply", "prompt_tag")

TOO_LONG = "longer than the context"
UNSAYABLE = "the tokenizer does not give back its reply"
TWICE = "there twice"


class Encoded(NamedTuple):
    """One example: its ids, and where those that are learned begin."""

    ids: list[int]
    start: int


class Speech:
    """A model's tokenizer, as one asks with it and as one is answered."""

    def __init__(self, folder: Path) -> None:
        """
        Args:
            folder: of the model.

        Raises:
            ConfigError: no tokenizer, no chat template or no end token.
        """
        self.folder = folder
        self.inner = Tokenizer(folder)
        self.tokenizer: Any = self.inner.inner
        self.tokenizer.padding_side = "right"
        end = self.tokenizer.eos_token_id
        if end is None:
            raise ConfigError(
                f"{folder}: its tokenizer has no end token, so no answer would ever end. Remedy: set eos_token."
            )
        self.end: int = int(end)
        self.grammars = Grammars(self.tokenizer, self._logits(), [self.end])
        self.bytes = self.grammars.bytes

    def _logits(self) -> int:
        """How many logits the model gives; its configuration says so."""
        told = json.loads((self.folder / "config.json").read_text(encoding="utf-8"))
        return max(int(told.get("vocab_size") or 0), len(self.tokenizer))

    def prompt_text(self, prompt: str) -> str:
        """A prompt in the chat template: what the model goes on from."""
        return self.inner.rendered([{"role": "user", "content": prompt}])

    def prompts(self, prompts: Sequence[str]) -> list[list[int]]:
        """Token ids of prompts in the chat template."""
        many = self._ids([self.prompt_text(prompt) for prompt in prompts])
        marks = list(self.inner.marks.values())
        for at, prompt in enumerate(prompts):
            if any(mark in prompt for mark in marks):
                many[at] = self.inner.encode([{"role": "user", "content": prompt}])
        return many

    def replies(self, replies: Sequence[str]) -> list[list[int] | None]:
        """Token ids of replies with the end token; None where no tokens of theirs have just their bytes."""
        told: list[list[int] | None] = [None] * len(replies)
        for before in ("", "\n"):
            open_ = [at for at, ids in enumerate(told) if ids is None]
            if not open_:
                break
            [skipped] = self._ids([before], split_special_tokens=True) if before else [[]]
            tried = self._ids([before + replies[at] for at in open_], split_special_tokens=True)
            for at, ids in zip(open_, tried, strict=True):
                rest = ids[len(skipped) :]
                if ids[: len(skipped)] == skipped and self.said(rest) == replies[at].encode():
                    told[at] = [*rest, self.end]
        return told

    def said(self, ids: Iterable[int]) -> bytes:
        """What tokens say, as the grammar counts it."""
        return b"".join(self.bytes[token] for token in ids)

    def _ids(self, texts: Sequence[str], **how: Any) -> list[list[int]]:
        # verbose: what is too long is left out and counted by us.
        done = self.tokenizer(list(texts), add_special_tokens=False, verbose=False, **how)
        return [list(map(int, ids)) for ids in done["input_ids"]]


# On disk -----------------------------------------------------------------------------------------


@dataclass
class Examples:
    """The examples of a folder as ids, in the order of its files."""

    ids: Any
    """All tokens one after another, int32, mapped from disk."""
    offsets: Any
    """Where each example begins in `ids`, and at last where the last one ends."""
    answers: Any
    """How many tokens of each are learned; they are its last."""
    names: list[str]
    tasks: list[str]
    sources: list[str]
    tags: dict[str, str] = field(default_factory=dict)
    """Task to the tag of its prompt."""
    left_out: dict[str, dict[str, int]] = field(default_factory=dict)
    """Reason to task to count."""
    key: str = ""

    def __len__(self) -> int:
        return len(self.names)

    @property
    def lengths(self) -> list[int]:
        """Tokens of each example."""
        import numpy as np

        return [int(n) for n in np.diff(self.offsets)]

    def __getitem__(self, index: int) -> Encoded:
        start, end = int(self.offsets[index]), int(self.offsets[index + 1])
        return Encoded([int(t) for t in self.ids[start:end]], end - start - int(self.answers[index]))

    def known_tasks(self) -> list[str]:
        """Tasks that examples are there of, by name."""
        return sorted(set(self.tasks))


def data_hash(folder: Path) -> str:
    """What names the data in a model's card: the build's hash where the folder has a card, else one over the bytes.

    Raises:
        InputFileError: no instructions, or files that are not those of the folder's card.
    """
    from finetune.build import card

    return card.data_hash(folder) if (folder / "card.json").is_file() else bytes_hash(folder)


def bytes_hash(folder: Path) -> str:
    """16 hex digits over the bytes of all Parquet files below a folder.

    Raises:
        InputFileError: there are none.
    """
    import hashlib

    files = sorted(folder.rglob("*.parquet"))
    if not files:
        raise InputFileError(f"{folder}: holds no instructions. Remedy: python -m finetune.build --help")
    parts = []
    for path in files:
        with path.open("rb") as file:
            parts.append(
                [path.relative_to(folder).as_posix(), hashlib.file_digest(file, "sha256").hexdigest()]
            )
    return sha256_of(parts)[:16]


def encode_folder(
    folder: Path,
    speech: Speech,
    context: int,
    store: Path,
    *,
    first: int | None = None,
    waits: bool = False,
) -> Examples:
    """The examples of a folder as ids; made once and kept in `store`, until data, tokenizer or context change.

    Args:
        folder: with Parquet files of instructions.
        speech: the tokenizer.
        context: examples with more tokens are left out and counted.
        store: folder for the ids; about 4 bytes per token.
        first: of each task only so many, from the front; None: all.
        waits: another process makes them. No limit: where that one fails, the launcher ends this one.

    Raises:
        InputFileError: no instructions, a damaged file, or nothing that is short enough.
        ConfigError: prompts of two packs are mixed.
    """
    key = sha256_of([VERSION, bytes_hash(folder), tokenizer_hash(speech.folder), context, first])[:16]
    place = store / key
    if waits:
        _wait_for(place / "examples.json")
    if not (place / "examples.json").is_file():
        shutil.rmtree(place, ignore_errors=True)
        _write(place, folder, speech, context, first)
    return _read(place, key)


def _wait_for(path: Path) -> None:
    began, said = time.monotonic(), False
    while not path.is_file():
        if not said and time.monotonic() - began >= PATIENCE:
            print(
                f"waiting for the first process to write {path}. If that is not a folder which all machines see, "
                "it never will be seen here: stop, and choose such an `out`.",
                file=sys.stderr,
                flush=True,
            )
            said = True
        time.sleep(0.1)


def _write(place: Path, folder: Path, speech: Speech, context: int, first: int | None) -> None:
    import numpy as np

    partial = place.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    index = _Index()
    offsets, answers = [0], []
    try:
        with (partial / "ids.bin").open("wb") as file:
            for batch in _batches(_of_each(read_rows(folder, COLUMNS), first)):
                for row, one in index.kept(batch, speech, context):
                    np.asarray(one.ids, dtype=np.int32).tofile(file)
                    offsets.append(offsets[-1] + len(one.ids))
                    answers.append(len(one.ids) - one.start)
                    index.add(row)
        if not answers:
            raise InputFileError(
                f"{folder}: no example can be trained on: {json.dumps(index.left())}. "
                "Remedy: a longer context, or other data."
            )
        np.save(partial / "offsets.npy", np.asarray(offsets, dtype=np.int64))
        np.save(partial / "answers.npy", np.asarray(answers, dtype=np.int32))
        (partial / "examples.json").write_text(json.dumps(index.told()) + "\n", encoding="utf-8")
        partial.replace(place)
    except OSError as e:
        raise InputFileError(f"{place}: cannot be written: {e}. Remedy: free space, or another out.") from e
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _read(place: Path, key: str) -> Examples:
    import numpy as np

    told = json.loads((place / "examples.json").read_text(encoding="utf-8"))
    return Examples(
        ids=np.memmap(place / "ids.bin", dtype=np.int32, mode="r"),
        offsets=np.load(place / "offsets.npy"),
        answers=np.load(place / "answers.npy"),
        key=key,
        **told,
    )


class _Index:
    """What is known of the examples that were kept, and of those that were not."""

    def __init__(self) -> None:
        self.rows: list[Mapping[str, str]] = []
        self.seen: set[str] = set()
        self.tags: dict[str, str] = {}
        self.left_out: Counter[tuple[str, str]] = Counter()

    def kept(
        self, batch: Sequence[Mapping[str, str]], speech: Speech, context: int
    ) -> Iterator[tuple[Mapping[str, str], Encoded]]:
        """The rows that are trained on, with their ids."""
        prompts = speech.prompts([row["prompt"] for row in batch])
        replies = speech.replies([row["reply"] for row in batch])
        for row, asked, told in zip(batch, prompts, replies, strict=True):
            why = self._why_not(row, asked, told, context)
            if why:
                self.left_out[why, row["task"]] += 1
            elif told is not None:
                yield row, Encoded(asked + told, len(asked))

    def _why_not(self, row: Mapping[str, str], asked: list[int], told: list[int] | None, context: int) -> str:
        if row["example_id"] in self.seen:
            return TWICE
        if told is None:
            return UNSAYABLE
        return TOO_LONG if len(asked) + len(told) > context else ""

    def add(self, row: Mapping[str, str]) -> None:
        """Take note of an example that was kept."""
        self.rows.append({name: row[name] for name in ("example_id", "task", "source")})
        self.seen.add(row["example_id"])
        task, tag = row["task"], row["prompt_tag"]
        if self.tags.setdefault(task, tag) != tag:
            raise ConfigError(
                f"{row['example_id']}: task {task} comes in two prompts, {self.tags[task]} and {tag}. "
                "Remedy: build the data anew with one pack."
            )

    def left(self) -> dict[str, dict[str, int]]:
        """Reason to task to count."""
        told: dict[str, dict[str, int]] = {}
        for (why, task), count in sorted(self.left_out.items()):
            told.setdefault(why, {})[task] = count
        return told

    def told(self) -> dict[str, Any]:
        return {
            "names": [row["example_id"] for row in self.rows],
            "tasks": [row["task"] for row in self.rows],
            "sources": [row["source"] for row in self.rows],
            "tags": dict(sorted(self.tags.items())),
            "left_out": self.left(),
        }


def _of_each(rows: Iterable[Mapping[str, str]], first: int | None) -> Iterator[Mapping[str, str]]:
    taken: Counter[str] = Counter()
    for row in rows:
        taken[row["task"]] += 1
        if first is None or taken[row["task"]] <= first:
            yield row


def _batches(rows: Iterable[Mapping[str, str]]) -> Iterator[list[Mapping[str, str]]]:
    each = iter(rows)
    while batch := list(islice(each, AT_ONCE)):
        yield batch
