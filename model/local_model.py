"""A language model in this process: loading it, and generating several answers in one pass.

Everything that knows torch and transformers stands here; `model.local` is the engine around it. Nothing heavy is
imported before it is needed.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import Any

from model.embedding import _cpu_knows_bf16, _no_progress_bars
from model.engine import EngineBusy, EngineUnavailable, RequestTooLong
from model.local_files import Tokenizer, need
from model.local_grammar import Grammars
from tools.errors import ConfigError

__all__ = ["Job", "LocalModel", "Said", "precision_of"]


@dataclass(frozen=True)
class Job:
    """One answer to be generated."""

    messages: tuple[dict[str, str], ...]
    """Roles `user` and `assistant`, as a chat server takes them."""
    schema: str
    """JSON Schema of the answer, as text."""
    max_tokens: int
    temperature: float = 0.0
    seed: int = 0
    alternatives: int = 0
    """How many of the likeliest tokens to note at each place; 0: none."""
    abandoned: Event = field(default_factory=Event, compare=False)
    """Set when nobody waits for it any more: generation stops at the next token."""


@dataclass(frozen=True)
class Said:
    """What the model generated for one job."""

    text: str
    finish: str
    """`stop`: to its end; `length`: cut off at `max_tokens`; `abandoned`."""
    tokens_in: int
    tokens_out: int
    tokens: tuple[tuple[str, dict[str, float]], ...] = ()
    """Each token's text, which together are `text`, and natural logarithms of the probabilities of what could
    have stood there, before temperature and grammar."""


# The model ---------------------------------------------------------------------------------------


def precision_of(dtype: str | None, device: str) -> str:
    """The name that torch has for a precision; where none is given, what the device computes fastest.

    Raises:
        ConfigError: no such precision.
    """
    names = {"bf16": "bfloat16", "fp16": "float16", "fp32": "float32"}
    if dtype is None:
        return "bfloat16" if device.startswith("cuda") or _cpu_knows_bf16() else "float32"
    name = names.get(dtype, dtype)
    if name not in names.values():
        raise ConfigError(f"dtype {dtype} is not known. Remedy: one of {', '.join(names)}.")
    return name


class LocalModel:
    """Weights in memory. One thread at a time may call `generate`."""

    def __init__(self, folder: Path, adapter: Path | None, device: str | None, dtype: str | None) -> None:
        """Load them; takes seconds to minutes.

        Raises:
            ConfigError: something is missing, or cannot be loaded.
            EngineUnavailable: there is not memory enough.
        """
        need("torch", "transformers", "xgrammar")
        import torch

        from model.local_choosing import Vocabulary

        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.dtype = precision_of(dtype, self.device)
        self.tokenizer = Tokenizer(folder)
        try:
            self.model = _loaded(folder, adapter, self.device, self.dtype)
        except Exception as e:
            if (failure := _as_ours(e)) is None:
                raise
            raise failure from e
        config = self.model.config.get_text_config()
        self.context: int = config.max_position_embeddings
        self._stops = _stops(self.model, self.tokenizer)
        self._grammars = Grammars(self.tokenizer.inner, config.vocab_size, self._stops)
        unsaid = [token for token in self.tokenizer.marks if token not in self._stops]
        self._vocabulary = Vocabulary(self._grammars.bytes, unsaid)

    @property
    def told(self) -> dict[str, str]:
        """What this machine chose by itself, to be stored beside the answers."""
        return {"device": self.device, "dtype": self.dtype}

    @property
    def batch_size(self) -> int:
        """How many answers are best made in one pass.

        In company a text is padded and multiplied otherwise than alone, so its logits differ in the last digits,
        and now and then a token does: in bf16 on a CPU in 2 of 40 answers, in fp32 in none. On a
        GPU a pass with eight costs little more than one with a single text, and the stored answer is what counts.
        On a CPU it is up to three times as fast; but there an answer is to depend on nothing but its question.
        """
        return 8 if self.device.startswith("cuda") else 1

    def generate(self, jobs: Sequence[Job]) -> list[Said | RequestTooLong | EngineBusy]:
        """One answer for each job, in order, or why there is none.

        Raises:
            ConfigError: the grammar compiler does not take a schema, or the template the messages.
            EngineUnavailable: the device has failed.
        """
        encoded = [self.tokenizer.encode(job.messages) for job in jobs]
        done: list[Any] = [self._too_long(job, ids) for job, ids in zip(jobs, encoded, strict=True)]
        fitting = [i for i, failure in enumerate(done) if failure is None]
        for i, said in zip(fitting, self._all([(jobs[i], encoded[i]) for i in fitting]), strict=True):
            done[i] = said
        return done

    def _too_long(self, job: Job, ids: list[int]) -> RequestTooLong | None:
        if len(ids) + job.max_tokens <= self.context:
            return None
        return RequestTooLong(
            f"the question takes {len(ids)} tokens and its answer up to {job.max_tokens}; the model reads "
            f"{self.context}. Remedy: lower max_tokens, or let long papers be read in sections (engine.context)."
        )

    def _all(self, jobs: list[tuple[Job, list[int]]]) -> list[Said | EngineBusy]:
        """Halved until it fits the memory; a job that does not fit alone is told so."""
        if not jobs:
            return []
        try:
            return list(self._batch(jobs))
        except Exception as e:
            failure = _as_ours(e)
            if failure is None:
                raise
            if not isinstance(failure, _NoMemory):
                raise failure from e
            if len(jobs) == 1:
                said = f"no memory left for a question of {len(jobs[0][1])} tokens. {_NoMemory.remedy}"
                return [EngineBusy(said)]
        _tidy(self.device)
        half = len(jobs) // 2
        return [*self._all(jobs[:half]), *self._all(jobs[half:])]

    def _batch(self, jobs: list[tuple[Job, list[int]]]) -> list[Said]:
        import torch

        from model.local_choosing import Chooser, Ended

        width = max(len(ids) for _, ids in jobs)
        chooser = Chooser([(job, self._grammars.compiled(job.schema)) for job, _ in jobs], self._vocabulary)
        config = _plain_config(
            do_sample=False,  # the chooser draws, so that each row has a seed of its own
            max_new_tokens=max(job.max_tokens for job, _ in jobs),
            eos_token_id=self._stops,
            pad_token_id=self._stops[0],
        )
        padded = [[self._stops[0]] * (width - len(ids)) + ids for _, ids in jobs]
        mask = [[0] * (width - len(ids)) + [1] * len(ids) for _, ids in jobs]
        with torch.inference_mode():
            out = self.model.generate(
                input_ids=torch.tensor(padded, device=self.device),
                attention_mask=torch.tensor(mask, device=self.device),
                generation_config=config,
                logits_processor=[chooser],
                stopping_criteria=[Ended([job for job, _ in jobs], width)],
            )
        chooser.finish(out)
        return [
            self._said(job, ids, row[width:], chooser.alternatives(i))
            for i, ((job, ids), row) in enumerate(zip(jobs, out.tolist(), strict=True))
        ]

    def _said(
        self, job: Job, asked: list[int], row: list[int], alternatives: list[list[tuple[int, float]]]
    ) -> Said:
        ends = [place for place, token in enumerate(row) if token in self._stops]
        tokens = row[: ends[0]] if ends else row[: job.max_tokens]
        finish = "stop" if ends else "length"
        pieces = _pieces([self._grammars.bytes[token] for token in tokens])
        told = [
            (
                piece,
                {
                    self._grammars.bytes[token].decode("utf-8", "replace"): logprob
                    for token, logprob in reversed(others)
                },
            )
            for piece, others in zip(pieces, alternatives, strict=False)
        ]
        if job.abandoned.is_set():
            finish = "abandoned"
        return Said("".join(pieces), finish, len(asked), len(tokens) + bool(ends), tuple(told))


def _pieces(tokens: list[bytes]) -> list[str]:
    """The text of each token; a letter that spans several tokens stands with the last of them."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return [decoder.decode(token, final=i == len(tokens) - 1) for i, token in enumerate(tokens)]


def _loaded(folder: Path, adapter: Path | None, device: str, dtype: str) -> Any:
    import torch
    from transformers import AutoModelForCausalLM

    with _no_progress_bars():
        try:
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                folder,
                output_loading_info=True,
                dtype=getattr(torch, dtype),
                attn_implementation=_attention(device, dtype),
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
            )
        except (OSError, ValueError, KeyError) as e:
            raise ConfigError(f"{folder} cannot be loaded: {e}. Remedy: name a causal language model.") from e
        model, told = loaded
        # transformers fills what is missing with random numbers, and warns.
        if absent := sorted({*told["missing_keys"], *map(str, told["mismatched_keys"])}):
            raise ConfigError(
                f"{folder} is incomplete: {len(absent)} tensors are missing or of another shape, such as {absent[0]}. "
                "Remedy: copy or download it again."
            )
        own = model.generation_config.eos_token_id
        if adapter is not None:
            model = _adapted(model, adapter)
    # Nothing of a generation_config.json may bend what is asked for, such as a temperature of its own.
    model.generation_config = _plain_config(eos_token_id=own)
    return model.to(device).eval()


def _plain_config(**given: Any) -> Any:
    from transformers import GenerationConfig

    return GenerationConfig(**given)  # type: ignore[no-untyped-call]


def _adapted(model: Any, adapter: Path) -> Any:
    need("peft", remedy="Remedy: pip install 'leads-agent[finetune]'.")
    from peft import PeftModel  # type: ignore[import-not-found, unused-ignore]

    try:
        return PeftModel.from_pretrained(model, str(adapter))
    except (OSError, ValueError, RuntimeError) as e:
        raise ConfigError(
            f"{adapter} does not fit the model: {e}. Remedy: name the base it was trained on."
        ) from e


def _attention(device: str, dtype: str) -> str:
    flash = device.startswith("cuda") and dtype != "float32" and find_spec("flash_attn") is not None
    return "flash_attention_2" if flash else "sdpa"


def _stops(model: Any, tokenizer: Tokenizer) -> list[int]:
    """The tokens that end an answer: the tokenizer's, then what the model was published with."""
    own = model.generation_config.eos_token_id
    listed = own if isinstance(own, list) else [own]
    found = [token for token in (tokenizer.inner.eos_token_id, *listed) if token is not None]
    if not found:
        raise ConfigError(
            "the model has no end-of-text token. Remedy: set eos_token in tokenizer_config.json."
        )
    return list(dict.fromkeys(found))


# Failures of the device ----------------------------------------------------------------------------


class _NoMemory(EngineUnavailable):
    remedy = "Remedy: end what else uses the memory, or use a smaller model or a lower max_in_flight."


def _as_ours(failure: Exception) -> Exception | None:
    """A failure of memory or device as one of our errors; None for anything else, which is a bug."""
    import torch

    text = " ".join(str(failure).split())[:300]
    if isinstance(failure, torch.OutOfMemoryError | MemoryError) or "allocate memory" in text:
        return _NoMemory(f"there is not memory enough for the model: {text}. {_NoMemory.remedy}")
    if isinstance(failure, torch.AcceleratorError) or "CUDA error" in text:
        said = "Remedy: look at the device (nvidia-smi), then `python -m agent resume`."
        return EngineUnavailable(f"the device failed: {text}. {said}")
    return None


def _tidy(device: str) -> None:
    if device.startswith("cuda"):
        import torch

        torch.cuda.empty_cache()
