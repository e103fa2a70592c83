"""How alike two texts are: embeddings where they are installed, else their words. Each text by itself.

A vector differs in its last digits with the texts that are encoded beside it (`model.embedding.CachedEmbedder`).
What is built must not depend on how the work was divided, so every text is encoded alone, and remembered.
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.baseline.words import STOP, folded_words
from model.embedding import Embedder, Vectors, load
from tools.errors import ConfigError

__all__ = ["Alone", "Lexical", "embedder_at_hand"]


class Lexical:
    """Vectors of folded words, hashed to dimensions, square root of their counts. No model, no download.

    Meets `model.embedding.Embedder`. Cosines are lower than those of a language model, so it ranks well and
    thresholds made for another embedder are strict with it.
    """

    def __init__(self, dimensions: int = 1024) -> None:
        self.dimensions = dimensions
        self.name = f"lexical-{dimensions}"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.encode`. A text without a word is a row of zeros."""
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in folded_words(text):
                if word not in STOP:
                    vectors[row, zlib.crc32(word.encode()) % self.dimensions] += 1
        vectors = np.sqrt(vectors)
        lengths: NDArray[np.float32] = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float32).tiny), dtype=np.float32)


class Alone:
    """An embedder that encodes each text by itself and remembers the newest.

    The criteria of a review come with each of its records, and cost their vectors once.
    """

    def __init__(self, embedder: Embedder, remembered: int = 20_000) -> None:
        """
        Args:
            embedder: what encodes.
            remembered: texts; 20,000 of MiniLM are 30 MB.
        """
        self.embedder, self.remembered = embedder, remembered
        self.name = embedder.name
        self._known: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.encode`; the same text always has the same vector."""
        if not texts:
            return self.embedder.encode([])
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> NDArray[np.float32]:
        if text not in self._known:
            self._known[text] = self.embedder.encode([text])[0]
            if len(self._known) > self.remembered:
                self._known.popitem(last=False)
        self._known.move_to_end(text)
        return self._known[text]

    def cosine(self, one: str, other: str) -> float:
        """Of two texts, -1 to 1, rounded to six digits so that no threshold hangs on the hardware's noise."""
        return round(float(self._vector(one) @ self._vector(other)), 6)


def embedder_at_hand(model: str = "minilm") -> Alone:
    """MiniLM (or another model that `model.embedding.load` knows) where it is installed, else words."""
    try:
        return Alone(load(model))
    except ConfigError:
        if model != "minilm":
            raise
        return Alone(Lexical())
