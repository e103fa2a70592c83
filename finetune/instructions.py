"""What a model is trained on: a task's typed question, its right answer, and where both come from.

An *instruction* is kept twice in its row: as typed question and answer, which any prompt pack can put into words again,
and in the words of one pack, byte for byte as an engine is asked and answers (`model.forms`). Rows lie in Parquet
files of one schema, so that DuckDB, pandas and the trainer read the same.

A builder that looks at a candidate and makes nothing of it says why, as a `Refusal`: nothing is left out silently.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field, ValidationError

from model.engine import Request
from model.forms import form
from model.tasks import ALL
from tools.errors import InputFileError
from tools.schemas import Frozen, sha256_of

__all__ = [
    "COLUMNS",
    "About",
    "Instruction",
    "Refusal",
    "Row",
    "instruction",
    "read_rows",
    "request_of",
    "row_of",
    "write_rows",
]


class About(Frozen):
    """Where an instruction comes from, and whose text and results stand in it."""

    source: str = Field(min_length=1, description="The data set, as the build's settings name it.")
    licence: str = Field(min_length=1, description="Of that source; `unknown` where it states none.")
    how: str = Field(
        min_length=1, description="The rule that made it, short and fixed, such as `registry-arms`."
    )
    reviews: tuple[str, ...] = Field(default=(), description="Ids of the reviews it was made from.")
    studies: tuple[str, ...] = Field(
        default=(),
        description="Everything of which text or results stand in it: `pmid:1`, `nct:NCT00000001`, `doc:<hash>`.",
    )
    year: int | None = Field(
        default=None, description="Of its newest report, or of its review; None: unknown."
    )
    evidence: tuple[str, ...] = Field(
        default=(), description="Why it is held to be right, in short sentences."
    )


class Instruction(Frozen):
    """One question of a task, and its right answer."""

    task: str
    asked: dict[str, Any] = Field(description="The task's input, JSON values.")
    answer: dict[str, Any] = Field(description="The task's answer, JSON values.")
    about: About

    @property
    def example_id(self) -> str:
        """16 hex digits over task, question and answer: the same instruction twice has one id."""
        return sha256_of([self.task, self.asked, self.answer])[:16]


class Refusal(NamedTuple):
    """A candidate of which no instruction was made."""

    task: str
    source: str
    why: str
    """Short and from a fixed set, so that it can be counted, such as `value not in the text`."""
    what: str = ""
    """Which candidate, such as `NCT00000001 outcome 2`."""


def instruction(task: str, asked: Frozen, answer: Frozen, about: About) -> Instruction:
    """An instruction whose answer fits its question.

    Raises:
        AnswerRejected: it does not; a builder's mistake, or a candidate that must be refused.
    """
    ALL[task].check(answer, asked)
    return Instruction(
        task=task, asked=asked.model_dump(mode="json"), answer=answer.model_dump(mode="json"), about=about
    )


def request_of(task: str, asked: Mapping[str, Any]) -> Request[Any, Any]:
    """The typed question of a row.

    Raises:
        InputFileError: it is none; made by another version of this program.
    """
    try:
        return Request(ALL[task], ALL[task].input.model_validate(asked))
    except (KeyError, ValidationError) as e:
        raise InputFileError(f"no question of task {task}: {e}. Remedy: build the instructions again.") from e


class Row(Frozen):
    """An instruction in the words of one prompt pack, as it lies in a Parquet file."""

    example_id: str
    task: str
    source: str
    licence: str
    how: str
    reviews: tuple[str, ...]
    studies: tuple[str, ...]
    year: int | None
    evidence: tuple[str, ...]
    asked: str = Field(description="JSON of the task's input.")
    answer: str = Field(description="JSON of the task's answer.")
    prompt: str = Field(description="What an engine is sent.")
    reply: str = Field(description="What it is to say, without the end token.")
    prompt_tag: str = Field(description="Id, version and hash of the prompt file.")

    @property
    def request(self) -> Request[Any, Any]:
        """The typed question."""
        return request_of(self.task, json.loads(self.asked))

    @property
    def value(self) -> Any:
        """The typed answer."""
        return ALL[self.task].answer.model_validate_json(self.answer)


def row_of(one: Instruction, prompts: str) -> Row:
    """An instruction in the words of a pack.

    Raises:
        ConfigError: the pack has no prompt for its task.
        AnswerRejected: the pack's form cannot say this answer, or does not read it back as it was.
    """
    request = request_of(one.task, one.asked)
    spoken = form(prompts, request.task)
    value = request.task.answer.model_validate(one.answer)
    reply = spoken.write(request, value)
    spoken.read(request, reply)
    prompt = spoken.prompt(request.input)
    return Row(
        example_id=one.example_id,
        task=one.task,
        source=one.about.source,
        licence=one.about.licence,
        how=one.about.how,
        reviews=one.about.reviews,
        studies=one.about.studies,
        year=one.about.year,
        evidence=one.about.evidence,
        asked=_as_it_is(one.asked),
        answer=_as_it_is(one.answer),
        prompt=prompt.text,
        reply=reply,
        prompt_tag=prompt.tag,
    )


def _as_it_is(value: dict[str, Any]) -> str:
    """JSON with the keys in their own order: that of a question's elements is the order of its schema."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# Files -------------------------------------------------------------------------------------------

COLUMNS = tuple(Row.model_fields)


@cache
def _schema() -> Any:
    import pyarrow as pa

    lists = {"reviews", "studies", "evidence"}
    kinds = {name: pa.list_(pa.string()) if name in lists else pa.string() for name in COLUMNS}
    return pa.schema([(name, pa.int32() if name == "year" else kind) for name, kind in kinds.items()])


def write_rows(path: Path, rows: Iterable[Row], *, at_once: int = 1000) -> int:
    """Write one Parquet file, whole or not at all, and say how many rows it holds.

    Raises:
        InputFileError: the disk is full or the folder cannot be written to; what was there before stays.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    count = 0
    try:
        with pq.ParquetWriter(partial, _schema(), compression="zstd") as file:
            for batch in _batches(rows, at_once):
                file.write_batch(
                    pa.RecordBatch.from_pylist([row.model_dump() for row in batch], schema=_schema())
                )
                count += len(batch)
        partial.replace(path)
    except OSError as e:
        partial.unlink(missing_ok=True)
        raise InputFileError(
            f"{path}: cannot be written: {e}. Remedy: free space, or choose another --out."
        ) from e
    return count


def read_rows(folder: Path, columns: Sequence[str] = COLUMNS) -> Iterator[Any]:
    """The rows of all Parquet files below a folder (or of one file), in the order of their names.

    With all columns they are `Row`s, else dictionaries.

    Raises:
        InputFileError: nothing there, or a file that is damaged or has another schema.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = [folder] if folder.is_file() else sorted(folder.rglob("*.parquet"))
    if not files:
        raise InputFileError(f"{folder}: holds no instructions. Remedy: python -m finetune.build --help")
    whole = tuple(columns) == COLUMNS
    for path in files:
        try:
            with pq.ParquetFile(path) as file:
                held = file.schema_arrow.names
                if lacking := [name for name in columns if name not in held]:
                    raise InputFileError(
                        f"{path}: is no file of instructions: it has no {', '.join(lacking)}. "
                        "Remedy: name a folder that holds parts of finetune.build, such as DATA/train."
                    )
                for batch in file.iter_batches(columns=list(columns)):
                    for told in batch.to_pylist():
                        yield Row.model_validate(told) if whole else told
        except (OSError, pa.ArrowException, ValidationError) as e:
            said = f"{e.error_count()} wrong values" if isinstance(e, ValidationError) else str(e)
            raise InputFileError(
                f"{path}: is no file of instructions: {said}. Remedy: delete it and build again; only it is made anew."
            ) from e


def _batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
