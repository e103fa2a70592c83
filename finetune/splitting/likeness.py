"""Texts that are nearly the same: MinHash finds candidates, the exact Jaccard index of their shingles decides."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import Field

from finetune.splitting.split import Part
from tools.records.citation import folded
from tools.schemas import Frozen, sha256_of

__all__ = ["Likeness", "Near"]


class Likeness(Frozen):
    """When two texts are near-duplicates."""

    words: int = Field(default=3, ge=1, le=20, description="Of a shingle.")
    jaccard: float = Field(default=0.7, gt=0, le=1, description="Shared shingles over all, at least.")
    permutations: int = Field(default=128, ge=16, le=1024, description="Of MinHash.")


@dataclass
class Near:
    """Texts of test and validation, and a way to their near-duplicates."""

    likeness: Likeness
    sets: dict[str, Any] = field(default_factory=dict)
    """Text hash to its sorted shingles."""
    at: dict[str, Part] = field(default_factory=dict)
    begins: dict[str, str] = field(default_factory=dict)
    answers: dict[tuple[Part, str], list[str]] = field(default_factory=dict)
    """Part and text hash to the texts of other parts that it is like; a text stands in many rows."""

    def __post_init__(self) -> None:
        from datasketch import MinHash, MinHashLSH

        self.empty = MinHash(num_perm=self.likeness.permutations, hashfunc=int)
        # Bands for a lower index than is wanted: a candidate too many costs a comparison, one too few a leak.
        self.index = MinHashLSH(
            threshold=max(0.1, self.likeness.jaccard - 0.2), num_perm=self.likeness.permutations
        )

    def alike(self, text: str, part: Part, keep: bool) -> list[tuple[Part, str]]:
        """Part and beginning of each text of another part that this one is nearly the same as."""
        key = sha256_of(text)[:24]
        if (part, key) not in self.answers:
            self.answers[part, key] = self._look(key, text, part, keep)
        return [(self.at[other], self.begins[other]) for other in self.answers[part, key]]

    def texts(self, part: Part) -> int:
        """Distinct texts of a part that were compared."""
        return sum(1 for where, _ in self.answers if where == part)

    def _look(self, key: str, text: str, part: Part, keep: bool) -> list[str]:
        shingles = self._shingles(text)
        signature = self.empty.copy()
        signature.update_batch(shingles.tolist())
        found = [
            other
            for other in sorted(self.index.query(signature))
            if self.at[other] != part and self._jaccard(shingles, self.sets[other]) >= self.likeness.jaccard
        ]
        if keep and key not in self.sets:
            self.index.insert(key, signature)
            self.sets[key], self.at[key] = shingles, part
            self.begins[key] = " ".join(text.split()[:12])
        return found

    def _shingles(self, text: str) -> Any:
        words = folded(text).split()
        size = self.likeness.words
        hashes = {
            zlib.crc32(" ".join(words[at : at + size]).encode())
            for at in range(max(1, len(words) - size + 1))
        }
        return np.array(sorted(hashes), dtype=np.uint32)

    @staticmethod
    def _jaccard(one: Any, other: Any) -> float:
        both = len(np.intersect1d(one, other, assume_unique=True))
        return both / (len(one) + len(other) - both)
