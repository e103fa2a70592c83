"""How far kinds of evidence agree about which papers belong to which registry entries. Pure.

Two kinds are compared over the pairs that both could have named: the corpus holds the paper's record, its full
text, or the entry. Of pairs that nobody names there are as many as one likes. So agreement is given over those
that somebody names, as specific positive agreement, 2 both / (2 both + only first + only second) (Fleiss et al.
2003, Statistical Methods for Rates and Proportions, chapter 18), to which Cohen's kappa tends as the others grow
in number. Kappa itself is given over the pairs that some evidence names.

Not every two kinds are independent: NLM takes a data bank's numbers from the article, whose abstract may have
them too, finds papers of type DERIVED by the number in PubMed, and lists are often made from PubMed's data banks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from pydantic import Field

from finetune.build.kinds import Link, Paper
from tools.schemas import Frozen, Record

__all__ = ["Agreement", "Coverage", "agreements"]

KINDS = ("databank", "abstract", "full_text", "registry_result", "registry_derived", "listed")
DEPENDENT = frozenset(
    {
        frozenset({"databank", "abstract"}),
        frozenset({"databank", "full_text"}),
        frozenset({"abstract", "full_text"}),
        frozenset({"databank", "registry_derived"}),
        frozenset({"abstract", "registry_derived"}),
        frozenset({"databank", "listed"}),
    }
)
"""Of these two, one is made from the other, or both come from the authors of the paper."""
EXCLUSIVE = frozenset({"registry_result", "registry_derived"})
"""A reference of an entry is of one type, so that these two cannot agree."""


class Agreement(Frozen):
    """Two kinds of evidence, over the pairs that both could have named."""

    first: str
    second: str
    independent: bool
    both: int
    only_first: int
    only_second: int
    neither: int = Field(description="Pairs that only a third kind names.")

    @property
    def positive(self) -> float | None:
        """Specific positive agreement, 0 to 1; None where neither names any."""
        named = 2 * self.both + self.only_first + self.only_second
        return 2 * self.both / named if named else None

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa over the pairs that some evidence names; None where it is not defined."""
        total = self.both + self.only_first + self.only_second + self.neither
        if not total:
            return None
        first, second = (self.both + self.only_first) / total, (self.both + self.only_second) / total
        chance = first * second + (1 - first) * (1 - second)
        return ((self.both + self.neither) / total - chance) / (1 - chance) if chance < 1 else None


class Coverage:
    """Which pairs are named by what, and which kinds of evidence could have named them."""

    def __init__(self, entries: frozenset[str]) -> None:
        self._entries = entries
        self.pairs: list[tuple[frozenset[str], frozenset[str]]] = []
        """(kinds that name the pair, kinds that could have)."""

    def add(
        self, pmid: str, record: Record | None, paper: Paper | None, links: Mapping[str, Sequence[Link]]
    ) -> None:
        """All pairs of one paper."""
        could = set()
        if record is not None and record.abstract:
            could.add("abstract")
        if record is not None and (record.updated or record.publication_types):
            could.add("databank")  # a bare record of title and abstract has lost its data banks
        if paper is not None:
            could.add("full_text")
        if any(one.evidence == "listed" for some in links.values() for one in some):
            could.add("listed")
        for nct_id, some in links.items():
            registry = {"registry_result", "registry_derived"} if nct_id in self._entries else set()
            names = frozenset(str(one.evidence) for one in some)
            self.pairs.append((names, frozenset(could | registry | names)))


def agreements(coverage: Coverage) -> tuple[Agreement, ...]:
    """A table for each two kinds that could both have named some pair which one of them names."""
    made = []
    for first, second in combinations(KINDS, 2):
        if {first, second} == EXCLUSIVE:
            continue
        named = [names for names, could in coverage.pairs if {first, second} <= could]
        counted = [sum((first in n, second in n) == want for n in named) for want in _CELLS]
        if any(counted[:3]):
            both, only_first, only_second, neither = counted
            made.append(
                Agreement(
                    first=first,
                    second=second,
                    independent=frozenset({first, second}) not in DEPENDENT,
                    both=both,
                    only_first=only_first,
                    only_second=only_second,
                    neither=neither,
                )
            )
    return tuple(made)


_CELLS = ((True, True), (True, False), (False, True), (False, False))
