"""What a strategy learns from studies that it should find: words of theirs that fit the block they escape.

A word is taken only where it is about the block's concept: a heading near one of the block's headings, or a
phrase with a word that the block has too. What fits no block is not forced into one; a person must see it.
"""

from collections.abc import Iterator, Sequence

from model.baseline.query_concepts import says_something
from model.baseline.query_headings import Lookup
from model.baseline.query_terms import tiab
from model.baseline.words import STOP, folded_words
from model.tasks.query import KnownStudy, Missed
from tools.schemas import Block
from tools.search.query import QuerySyntaxError, Term, parse
from tools.search.vocabulary import Descriptor, words

__all__ = ["learnt", "revised"]

MOST_ADDED = 6
"""Terms for one block from one study."""

MOST_LEARNT = 30
"""Terms for one block from all known studies together."""

LONGEST_PHRASE = 3

_NOT_SHARED = frozenset(
    {
        "acute",
        "chronic",
        "clinical",
        "disease",
        "therapy",
        "treatment",
        "trial",
        "study",
        "human",
        "cell",
        "level",
    }
)
"""Words that two phrases may share and still speak of different things."""


def revised(
    previous: Sequence[Block], missed: Sequence[Missed], lookup: Lookup
) -> tuple[tuple[Block, ...], tuple[str, ...]]:
    """The blocks with terms that find the missed studies, and what could not be done."""
    added: dict[str, dict[str, None]] = {block.name: {} for block in previous}
    notes = []
    for one in missed:
        for block in previous:
            if block.name not in one.lacks:
                continue
            new = [term for term in _fitting(one.study, block, lookup) if term not in block.terms]
            if new:
                added[block.name].update(dict.fromkeys(new[:MOST_ADDED]))
            else:
                notes.append(
                    f"{one.study.record_id} ({one.study.title[:80]}): no word of its title or indexing is about "
                    f"{block.name!r}; add one by hand, or do without this block"
                )
    blocks = tuple(Block(name=b.name, terms=(*b.terms, *added[b.name])) for b in previous)
    return blocks, tuple(notes)


def learnt(terms: Sequence[str], known: Sequence[KnownStudy], lookup: Lookup) -> tuple[str, ...]:
    """Terms with what known studies call the same concept."""
    block = Block(name="", terms=tuple(terms))
    new = (term for study in known for term in _fitting(study, block, lookup))
    fresh = [term for term in dict.fromkeys(new) if term not in block.terms]
    return (*terms, *fresh[:MOST_LEARNT])


def _fitting(study: KnownStudy, block: Block, lookup: Lookup) -> list[str]:
    """Terms from a study that are about the block's concept, the surest first."""
    shared = _words_of(block)
    headings = [heading for name in _headings_of(block) if (heading := lookup.heading(name)) is not None]

    def is_near(name: str) -> Descriptor | None:
        heading = lookup.heading(name)
        return heading if heading and any(_kin(heading, other) for other in headings) else None

    found: dict[str, None] = {}
    for entry in study.mesh:
        if (heading := is_near(entry.split("/")[0].strip("* "))) is not None:
            found[f'"{heading.name}"[mh]'] = None
    for phrase in (*study.keywords, *_phrases(study.title)):
        parts = words(phrase)
        if len(parts) > LONGEST_PHRASE or not says_something(parts):
            continue
        if is_near(phrase) or (len(parts) > 1 and shared & set(folded_words(phrase))):
            found[tiab(phrase)] = None
    return [term for term in found if _is_term(term)]


def _phrases(title: str) -> Iterator[str]:
    """Runs of up to three words of a title, the longest first, none across a small word."""
    runs: list[list[str]] = [[]]
    for word in title.replace(":", " : ").split():
        plain = word.strip(".,;:?!()[]'\"")
        if not plain or plain.lower() in STOP or word[-1] in ",;:.?":
            if plain and plain.lower() not in STOP:
                runs[-1].append(plain)
            runs.append([])
        else:
            runs[-1].append(plain)
    for size in range(LONGEST_PHRASE, 0, -1):
        for run in runs:
            for start in range(len(run) - size + 1):
                yield " ".join(run[start : start + size])


def _headings_of(block: Block) -> list[str]:
    return [term.heading for term in map(parse, block.terms) if isinstance(term, Term) and term.field == "mh"]


def _words_of(block: Block) -> frozenset[str]:
    """The telling words of a block's terms, but for those that anything can share."""
    texts = (term.text for term in map(parse, block.terms) if isinstance(term, Term))
    found = {word for text in texts for word in folded_words(text) if says_something([word])}
    return frozenset(found - _NOT_SHARED)


def _kin(one: Descriptor, other: Descriptor) -> bool:
    """The same, one above the other, or children of one parent that is itself no top of a tree."""
    return any(
        a == b or a.startswith(f"{b}.") or b.startswith(f"{a}.") or _siblings(a, b)
        for a in one.tree_numbers
        for b in other.tree_numbers
    )


def _siblings(a: str, b: str) -> bool:
    parent = a.rpartition(".")[0]
    return "." in parent and parent == b.rpartition(".")[0]


def _is_term(text: str) -> bool:
    try:
        return isinstance(parse(text), Term)
    except QuerySyntaxError:
        return False
