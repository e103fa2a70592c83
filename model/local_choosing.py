"""Which token comes next: the grammar's bounds, each row's own dice, and a note of what else was likely.

Imports torch: only `model.local_model` loads it, when it generates.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from transformers import LogitsProcessor, StoppingCriteria
from xgrammar import GrammarMatcher, allocate_token_bitmask, apply_token_bitmask_inplace

from model.local_lengths import Bounds, Lengths

if TYPE_CHECKING:
    from model.local_model import Job

__all__ = ["Chooser", "Ended", "Vocabulary"]


class Ended(StoppingCriteria):  # type: ignore[misc, unused-ignore]
    """Ends each row by itself: at its longest answer, or when nobody waits for it any more."""

    def __init__(self, jobs: Sequence[Job], width: int) -> None:
        self.jobs, self.width = jobs, width

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        """One truth value per row."""
        said = input_ids.shape[1] - self.width
        ended = [said >= job.max_tokens or job.abandoned.is_set() for job in self.jobs]
        return torch.tensor(ended, device=input_ids.device)


class _Row:
    """One answer under way."""

    def __init__(self, job: Job, grammar: Any) -> None:
        self.job, self.matcher = job, GrammarMatcher(grammar)
        self.lengths = Lengths(json.loads(job.schema))
        self.dice = torch.Generator().manual_seed(job.seed) if job.temperature > 0 else None
        self.said = 0
        self.likely: list[tuple[Any, Any]] = []
        """Per place: ids and logprobs of the likeliest tokens, still on the device."""
        self.chosen: list[tuple[int, Any]] = []

    @property
    def live(self) -> bool:
        over = self.matcher.is_terminated() or self.said >= self.job.max_tokens
        return not (over or self.job.abandoned.is_set())

    def draw(self, scores: Any) -> Any:
        """Scores whose highest is a draw from their distribution (Gumbel-max trick, Gumbel 1954).

        The noise is drawn on the CPU, so that it is the same on every device.
        """
        if self.dice is None:
            return scores
        noise = torch.empty(scores.shape[-1]).exponential_(generator=self.dice).log_().neg_()
        return scores / self.job.temperature + noise.to(scores.device)


class Vocabulary:
    """What the tokens of a model can do to a text. Made once per model."""

    def __init__(self, tokens: Sequence[bytes], unsaid: Sequence[int]) -> None:
        """
        Args:
            tokens: what each stands for.
            unsaid: those that belong in no answer, whose names a grammar would take for text.
        """
        self.tokens = tokens
        self.unsaid = torch.tensor(unsaid, dtype=torch.long)
        inside = [_inside(token) for token in tokens]
        self.characters = torch.tensor([characters for characters, _ in inside])
        """By how many characters a token makes a text longer that is under way."""
        self.ends = torch.tensor([ends for _, ends in inside])
        """Whether it ends it."""
        self.longest = int(self.characters.max())

    def hold(self, scores: Any, bounds: Bounds | None) -> Any:
        """Scores without the tokens by which a text would become too long, or end too early."""
        if bounds is None or (bounds.at_most >= self.longest and not bounds.at_least):
            return scores
        characters, ends = self.characters.to(scores.device), self.ends.to(scores.device)
        wrong = (characters > bounds.at_most) | (ends & (characters < bounds.at_least))
        held = scores.masked_fill(wrong, -torch.inf)
        # A pattern may not let the text end here; then it goes on, and is found to be too long when it is read.
        return held if bool(held.max() > -torch.inf) else scores


def _inside(token: bytes) -> tuple[int, bool]:
    """Characters of a token up to a quotation mark that ends a text, and whether there is one."""
    escaped, count = False, 0
    for byte in token:
        if byte == ord('"') and not escaped:
            return count, True
        escaped = byte == ord("\\") and not escaped
        count += (byte & 0xC0) != 0x80
    return count, False


class Chooser(LogitsProcessor):  # type: ignore[misc, unused-ignore]
    """Sees the raw logits of each step; leaves only what the row's grammar allows. For one call of `generate`."""

    def __init__(self, jobs: Sequence[tuple[Job, Any]], vocabulary: Vocabulary) -> None:
        """
        Args:
            jobs: each with its compiled grammar.
        """
        self._vocabulary = vocabulary
        self._rows = [_Row(job, grammar) for job, grammar in jobs]
        self._mask = allocate_token_bitmask(len(jobs), jobs[0][1].tokenizer_info.vocab_size)
        self._before: Any = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Scores, shape (rows, vocabulary), float32: masked, and noisy where the row is to be sampled."""
        self._accept(input_ids)
        self._note(scores)
        live = [row.live for row in self._rows]
        for i, row in enumerate(self._rows):
            if live[i]:
                row.matcher.fill_next_token_bitmask(self._mask, i)
            else:
                self._mask[i] = -1  # anything: the row has ended and only waits for the others
        apply_token_bitmask_inplace(scores, self._mask.to(scores.device))
        scores.index_fill_(1, self._vocabulary.unsaid.to(scores.device), -torch.inf)
        hold = self._vocabulary.hold
        return torch.stack(
            [
                row.draw(hold(of_row, row.lengths.bounds)) if on else of_row
                for row, of_row, on in zip(self._rows, scores, live, strict=True)
            ]
        )

    def finish(self, out: Any) -> None:
        """Take note of the last tokens; `out` is what `generate` returned."""
        self._accept(out)

    def alternatives(self, row: int) -> list[list[tuple[int, float]]]:
        """For each token of a row (token id, logprob): the chosen one, then the likeliest, best first."""
        told = self._rows[row]
        if not told.likely:
            return []
        ids = torch.stack([ids for ids, _ in told.likely]).tolist()
        logprobs = torch.stack([logprobs for _, logprobs in told.likely]).tolist()
        chosen = [(token, float(logprob)) for token, logprob in told.chosen]
        return [[one, *zip(i, p, strict=True)] for one, i, p in zip(chosen, ids, logprobs, strict=False)]

    def _accept(self, input_ids: Any) -> None:
        if self._before is None:
            return
        logprobs, live = self._before
        for i, token in enumerate(input_ids[:, -1].tolist()):
            row = self._rows[i]
            if not live[i]:
                continue
            if logprobs is not None and row.job.alternatives:
                row.chosen.append((token, logprobs[i, token].clone()))  # a view would keep the whole step
            row.said += 1
            row.lengths.said(self._vocabulary.tokens[token] if token < len(self._vocabulary.tokens) else b"")
            if not row.job.abandoned.is_set() and not row.matcher.accept_token(token):
                raise AssertionError("a token was chosen that the grammar does not allow")

    def _note(self, scores: Any) -> None:
        """Keep the likeliest tokens of this step. Without waiting for the device: they are read at the end."""
        live = [row.live for row in self._rows]
        most = max(row.job.alternatives for row in self._rows)
        if not most:
            self._before = (None, live)
            return
        logprobs = torch.log_softmax(scores.float(), dim=-1)
        best = torch.topk(logprobs, min(most, logprobs.shape[-1]), dim=-1)
        for i, row in enumerate(self._rows):
            if live[i] and row.job.alternatives:
                row.likely.append((best.indices[i], best.values[i]))
        self._before = (logprobs, live)
