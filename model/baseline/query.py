"""Task `query` by rules: blocks of PubMed terms from the elements of a question, sensitive before precise.

Which concepts are blocks is in `query_concepts`, which terms a block has in `query_terms`, and how a
strategy learns from studies that it misses in `query_revision`.

Source: PubMed User Guide, https://pubmed.ncbi.nlm.nih.gov/help/; Cochrane Handbook 4.4.
"""

from model.baseline.query_concepts import wanted
from model.baseline.query_headings import Lookup
from model.baseline.query_revision import learnt, revised
from model.baseline.query_terms import MAX_TERMS, MAX_WIDENED, SAMPLES, terms_of
from model.engine import EngineRefused
from model.tasks.query import MAX_NOTE, QueryAnswer, QueryInput
from tools.schemas import Block
from tools.search.vocabulary import Vocabulary

__all__ = ["MAX_BLOCKS", "MAX_TERMS", "MAX_WIDENED", "SAMPLES", "blocks_of"]

MAX_BLOCKS = 6
MAX_NOTES = 20

LEARNS = 9
"""The sample that also takes the words of known studies; the others show what the question alone gives."""


def blocks_of(asked: QueryInput, vocabulary: Vocabulary | None, sample: int = 0) -> QueryAnswer:
    """A block for each concept that has to be there.

    Args:
        asked: the question; with `previous`, the strategy that is to find the studies it misses.
        vocabulary: synonyms and narrower headings; without one the phrases' own words are searched.
        sample: which of the ten ways to word the same blocks; the blocks themselves are the same in all.

    Raises:
        EngineRefused: no element has a word that can be searched for.
    """
    lookup = Lookup(vocabulary)
    if asked.previous:
        blocks, notes = revised(asked.previous, asked.missed, lookup)
        return QueryAnswer(blocks=blocks[:MAX_BLOCKS], notes=_bounded(notes))
    found, notes = wanted(asked, lookup)
    made: list[Block] = []
    for block in found:
        terms = terms_of(block.concepts, lookup, sample)
        if terms and sample % SAMPLES == LEARNS:
            terms = learnt(terms, asked.known, lookup)
        if terms and terms not in [other.terms for other in made]:
            made.append(Block(name=block.name, terms=terms))
    if not made:
        raise EngineRefused(
            f"no word to search for in {dict(asked.elements)!r}. "
            "Remedy: name conditions or interventions in question.elements of review.yaml."
        )
    return QueryAnswer(blocks=tuple(made[:MAX_BLOCKS]), notes=_bounded(notes))


def _bounded(notes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(note[:MAX_NOTE] for note in notes[:MAX_NOTES])
