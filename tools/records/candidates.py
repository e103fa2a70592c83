"""Which pairs of citations are worth comparing: blocks of records that share a key, near-linear in number. Pure.

ASySD's idea (Hair et al. 2023) with more keys, so that a misspelt title, a missing author or a wrong year each
leave several ways to meet: identifiers, whole title, rarest words of the title by twos, ends of the title, first
author with year, volume with first page, beginning of the abstract.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tools.records.citation import Citation

__all__ = ["BLOCK", "pairs"]

BLOCK = 40
"""Members up to which all pairs of a block are compared. Larger ones are divided by further fields."""

_RARE_WORDS = 4

Key = Hashable
Finer = Callable[[Citation], Key]

_FINER: tuple[Finer, ...] = (
    lambda c: (c.surname, c.start_page),
    lambda c: (c.year, c.volume),
    lambda c: c.abstract_start or None,
)


def pairs(cited: Sequence[Citation]) -> NDArray[np.int64]:
    """Pairs of places in `cited`, each once, first < second, in order; shape (n, 2)."""
    found: set[int] = set()
    size = len(cited)
    for block in _blocks(cited):
        found.update(first * size + second for first, second in block)
    codes = np.fromiter(found, dtype=np.int64, count=len(found))
    codes.sort()
    return np.stack(np.divmod(codes, max(size, 1)), axis=1)


def _blocks(cited: Sequence[Citation]) -> Iterator[Iterator[tuple[int, int]]]:
    for identifier in ("pmid", "doi", "entry"):
        for members in _by(cited, lambda c, name=identifier: [getattr(c, name)]):  # type: ignore[misc]
            yield _met(members, star=True)
    rare = _rare_words(cited)
    for members in _by(cited, lambda c: [c.title]):
        yield _met(members, star=True)
    for keys in (
        lambda c: rare[c.place],
        lambda c: [c.title[:24], c.title[-24:]] if len(c.title) > 24 else [],
        lambda c: [(c.surname, c.year)] if c.surname and c.year else [],
        lambda c: [(c.volume, c.start_page, c.year)] if c.volume and c.start_page else [],
        lambda c: [(c.surname, c.start_page)] if c.surname and c.start_page else [],
        lambda c: [c.abstract_start] if len(c.abstract_start) > 60 else [],
    ):
        for members in _by(cited, keys):
            yield _met(members)


def _by(cited: Iterable[Citation], keys: Callable[[Citation], Iterable[Key]]) -> Iterator[list[Citation]]:
    """The members of each key that several citations have."""
    blocks: dict[Key, list[Citation]] = defaultdict(list)
    for c in cited:
        for key in keys(c):
            if key:
                blocks[key].append(c)
    return (members for members in blocks.values() if len(members) > 1)


def _met(members: list[Citation], *, star: bool = False, finer: int = 0) -> Iterator[tuple[int, int]]:
    """Pairs of a block. Too large: first with each (for identities), and within parts by further fields."""
    if len(members) <= BLOCK:
        for i, first in enumerate(members):
            for second in members[i + 1 :]:
                yield first.place, second.place
        return
    if star:
        for member in members[1:]:
            yield members[0].place, member.place
    if finer < len(_FINER):
        for part in _by(members, lambda c: [_FINER[finer](c)]):
            yield from _met(part, finer=finer + 1)


def _rare_words(cited: Sequence[Citation]) -> list[list[Key]]:
    """Each title's rarest words among these records, two at a time: a misspelt word leaves the others."""
    words = [sorted({w for w in c.title.split() if len(w) > 3}) for c in cited]
    number = Counter(word for title in words for word in title)
    keys: list[list[Key]] = []
    for title in words:
        rarest = sorted(title, key=lambda w: (number[w], w))[:_RARE_WORDS]
        keys.append([(a, b) for i, a in enumerate(rarest) for b in rarest[i + 1 :]])
    return keys
