"""The engine without a language model: typed input in, answers by vocabulary, rules and embeddings out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from model.baseline.screen import Screener
from model.embedding import Embedder, Vectors
from model.engine import A, Answer, EngineRefused, I, Request
from tools.schemas import Frozen, canonical_json
from tools.search.vocabulary import Vocabulary

__all__ = ["BaselineEngine"]

VERSION = 1
"""Raise it with every change that can change an answer: stored answers are keyed by it."""


class BaselineEngine:
    """The default engine, and the floor that every model must beat. Meets `model.engine.Engine`.

    It has no sampling: every sample of a request is the same answer.
    """

    name = f"baseline-{VERSION}"
    label = "baseline rules (no language model)"
    language_model = False

    def __init__(self, vocabulary: Vocabulary | None, embedder: Embedder) -> None:
        """
        Args:
            vocabulary: synonyms and narrower terms; without one only the criteria's own words count.
            embedder: for what words do not settle; asked by `screen` alone.
        """
        self.vocabulary, self.embedder = vocabulary, embedder
        self._screener = Screener(vocabulary)
        self._together = _Together(embedder)

    def seen(self, request: Request[Any, Any]) -> Mapping[str, Any]:
        """The typed input, and what else the rules read."""
        return {
            "input": request.input.model_dump(mode="json"),
            "version": VERSION,
            "vocabulary": None if self.vocabulary is None else self.vocabulary.identity,
            "embedder": self.embedder.name,
        }

    async def answer(self, request: Request[I, A]) -> Answer[A]:
        """Answer by the rules of the request's task.

        Raises:
            EngineRefused: there are no rules for this task.
            AnswerRejected: the rules' answer does not fit the question; a bug of ours.
        """
        began = time.perf_counter()
        value: Any = await self._by_rules(request.task.id, request.input)
        request.task.check(value, request.input)
        return Answer(value, canonical_json(value), seconds=time.perf_counter() - began)

    async def _by_rules(self, task: str, asked: Any) -> Frozen:
        match task:
            case "pico":
                from model.baseline.pico import elements_of

                return elements_of(asked)
            case "query":
                from model.baseline.query import blocks_of

                return blocks_of(asked, self.vocabulary)
            case "screen":
                return await self._screener.judge(asked, self._together.encode)
            case "characteristics":
                from model.baseline.characteristics import fields_of

                return fields_of(asked)
        raise EngineRefused(
            f"the baseline engine has no rules for the task {task!r}. "
            "Remedy: name a backend with a language model for it in review.yaml."
        )


class _Together:
    """Embeds in one go what all requests that are under way have asked for; each text once."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder
        # A future belongs to one event loop, and each step of a review runs its own.
        self._waiting: WeakKeyDictionary[
            asyncio.AbstractEventLoop, list[tuple[Sequence[str], asyncio.Future[Vectors]]]
        ] = WeakKeyDictionary()

    async def encode(self, texts: Sequence[str]) -> Vectors:
        """One row per text."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Vectors] = loop.create_future()
        waiting = self._waiting.setdefault(loop, [])
        waiting.append((texts, future))
        if len(waiting) == 1:
            # After all requests that can still run have said what they want.
            loop.call_soon(self._flush, loop)
        return await future

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        asked = self._waiting.pop(loop)
        texts = list(dict.fromkeys(text for wanted, _ in asked for text in wanted))
        try:
            vectors = self.embedder.encode(texts)
        except Exception as e:  # noqa: BLE001 - handed to everyone who waits, nothing is swallowed
            for _, future in asked:
                if not future.done():
                    future.set_exception(e)
            return
        rows = dict(zip(texts, vectors, strict=True))
        for wanted, future in asked:
            if not future.done():  # done: its request was cancelled
                future.set_result(np.stack([rows[text] for text in wanted]))
