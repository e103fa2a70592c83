"""Instructions about invented trials, of every task: texts that nobody owns, with answers that follow from them.

They teach the form of the answers, copying and abstaining, and nothing about medicine.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from finetune.build.kinds import Shard
from finetune.instructions import About, Instruction, Refusal, instruction
from finetune.invention.questions import example
from model.engine import AnswerRejected
from model.tasks import ALL
from tools.schemas import sha256_of

__all__ = ["LICENCE", "SOURCE", "Invented"]

SOURCE, LICENCE = "invented", "Apache-2.0"
LONG, FILLER = 0.03, range(5, 40)
"""Share of the questions with a long text, and how many sentences make it long."""


class Invented:
    """So many instructions, of all tasks in turn; the same ones for a seed, whichever process makes them."""

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed = count, seed

    def __call__(self, corpus: Any, shard: Shard) -> Iterator[Instruction | Refusal]:
        """Those of one piece. `corpus` is not looked at."""
        names = tuple(ALL)
        for number in range(self.count):
            if shard.has(f"{SOURCE} {number}"):
                yield self._made(names[number % len(names)], number)

    def _made(self, task: str, number: int) -> Instruction | Refusal:
        # A generator for each, so that a piece need not invent what belongs to the others.
        chance = random.Random(f"{self.seed} {number}")  # noqa: S311 - invents, hides nothing
        filler = chance.choice(FILLER) if chance.random() < LONG else 0
        one = example(task, chance, filler)
        asked, value = one.request.input, one.value
        about = About(
            source=SOURCE,
            licence=LICENCE,
            how=f"invented-{task}",
            studies=(f"doc:invented-{sha256_of(asked)[:16]}",),
            evidence=("The text was written from the answer.",),
        )
        try:
            return instruction(task, asked, value, about)
        except AnswerRejected as e:
            return Refusal(task, SOURCE, "the answer does not fit its question", f"number {number}: {e}")
