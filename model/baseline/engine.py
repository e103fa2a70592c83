"""The engine without a language model: typed input in, answers by vocabulary, rules and embeddings out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from model.baseline.screen import Screener
from model.embedding import Embedder
from model.engine import A, Answer, EngineRefused, I, Request, parse_answer
from tools.schemas import Frozen, canonical_json
from tools.search.vocabulary import Vocabulary

__all__ = ["BaselineEngine"]

VERSION = 3
"""Raise it with every change that can change an answer: stored answers are keyed by it."""


class BaselineEngine:
    """The default engine, and the floor that every model must beat. Meets `model.engine.Engine`.

    It draws nothing by chance: a sample of the task `query` is one of ten fixed ways to word a strategy, and
    of every other task every sample is the same answer.
    """

    name = f"baseline-{VERSION}"
    label = "baseline rules (no language model)"
    language_model = False

    def __init__(self, vocabulary: Vocabulary | None, embedder: Embedder) -> None:
        """
        Args:
            vocabulary: synonyms and narrower terms; without one only the criteria's own words count.
            embedder: for what words do not settle; asked by `screen`, `rationale` and `question`.
        """
        self.vocabulary, self.embedder = vocabulary, embedder
        self._screener = Screener(vocabulary)

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
        value: Any = self._by_rules(request.task.id, request.input, request.sample)
        request.task.check(value, request.input)
        return Answer(value, canonical_json(value), seconds=time.perf_counter() - began)

    def read(self, request: Request[I, A], raw: str) -> A:
        """The task's own form."""
        return parse_answer(request, raw)

    def _by_rules(self, task: str, asked: Any, sample: int) -> Frozen:
        match task:
            case "pico":
                from model.baseline.pico import elements_of

                return elements_of(asked)
            case "query":
                from model.baseline.query import blocks_of

                return blocks_of(asked, self.vocabulary, sample)
            case "screen":
                return self._screener.judge(asked, self.embedder.encode)
            case "rationale":
                from model.baseline.rationale import reasons_of

                return reasons_of(asked, self._screener, self.embedder.encode)
            case "question":
                from model.baseline.question import sentences_for

                return sentences_for(asked, self.embedder.encode)
            case "summary":
                from model.baseline.summary import sentences_of_cells

                return sentences_of_cells(asked)
        return self._on_report(task, asked)

    def _on_report(self, task: str, asked: Any) -> Frozen:
        """The tasks that read one report."""
        match task:
            case "characteristics":
                from model.baseline.characteristics import fields_of

                return fields_of(asked)
            case "arms":
                from model.baseline.arms import arms_of

                return arms_of(asked)
            case "participants":
                from model.baseline.participants import participants_of

                return participants_of(asked)
            case "results":
                from model.baseline.results import results_of

                return results_of(asked)
            case "direction":
                from model.baseline.direction import direction_of

                return direction_of(asked)
            case "bias":
                from model.baseline.bias import answers_of

                return answers_of(asked)
        raise EngineRefused(
            f"the baseline engine has no rules for the task {task!r}. "
            "Remedy: name a backend with a language model for it in review.yaml."
        )
