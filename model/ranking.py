"""Similarity of records to a question, stored under content keys so that a replay needs no model."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from model.embedding import Embedder, NoEmbedder, nearest
from tools.errors import ReplayMiss
from tools.logs import ScoreLog
from tools.schemas import sha256_of

__all__ = ["NoRanker", "SimilarityRanker", "ranker"]

DIGITS = 6
"""Kept of a cosine: more would be noise of the hardware and could turn the order of equals."""

CHUNK = 256
"""Texts per round: progress moves and a kill loses little."""


class NoRanker:
    """Every record is as near as every other: for reviews that screen all they find."""

    name = NoEmbedder.name

    def scores(self, question: Sequence[str], texts: Mapping[str, str]) -> Mapping[str, float]:
        """Record id to 0; ties stand in the order of their ids."""
        return dict.fromkeys(texts, 0.0)


def ranker(
    name: str,
    embedder: Callable[[], Embedder] | None,
    log: ScoreLog,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> "SimilarityRanker | NoRanker":
    """The ranker that an embedder's name calls for; arguments as those of `SimilarityRanker`."""
    return NoRanker() if name == NoEmbedder.name else SimilarityRanker(name, embedder, log, progress)


class SimilarityRanker:
    """Mean cosine of a text with the statements of a question.

    The mean, not the maximum: a record that is near to one criterion and far from the others is a
    near miss, and should stand behind one that is fairly near to all.
    """

    def __init__(
        self,
        name: str,
        embedder: Callable[[], Embedder] | None,
        log: ScoreLog,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        """
        Args:
            name: the embedder's name, known without loading it; part of every key.
            embedder: loads the model when first needed; None replays stored scores only.
            log: where scores are kept.
            progress: told (done, total) texts.
        """
        self.name, self.embedder, self.log, self.progress = name, embedder, log, progress

    def scores(self, question: Sequence[str], texts: Mapping[str, str]) -> Mapping[str, float]:
        """Record id to mean cosine in [-1, 1], rounded to `DIGITS`.

        Raises:
            ReplayMiss: a score is not stored, and there is no embedder to ask.
        """
        keys = {
            record_id: "v1:" + sha256_of([self.name, list(question), text])
            for record_id, text in texts.items()
        }
        known = self.log.find(list(keys.values()))
        missing = [record_id for record_id, key in keys.items() if key not in known]
        if missing and self.embedder is None:
            raise ReplayMiss(f"no stored similarity for {len(missing)} records, such as {missing[0]}")
        for first in range(0, len(missing), CHUNK):
            part = missing[first : first + CHUNK]
            fresh = self._embedded(question, [texts[record_id] for record_id in part])
            new = {keys[record_id]: score for record_id, score in zip(part, fresh, strict=True)}
            self.log.save(new)
            known |= new
            self.progress(min(first + CHUNK, len(missing)), len(missing))
        return {record_id: known[key] for record_id, key in keys.items()}

    def _embedded(self, question: Sequence[str], texts: Sequence[str]) -> list[float]:
        assert self.embedder is not None
        embedder = self.embedder()
        # The mean of cosines is the inner product with the mean of the statements.
        mean = embedder.encode(list(question)).mean(axis=0, keepdims=True)
        # One by one: a vector must not depend on which other records a search happened to bring.
        vectors = np.concatenate([embedder.encode([text]) for text in texts])
        found, rows = nearest(mean, vectors, len(texts))
        scores = dict(zip(rows[0].tolist(), found[0].tolist(), strict=True))
        return [round(scores[row], DIGITS) for row in range(len(texts))]
