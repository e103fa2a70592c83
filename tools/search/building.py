"""The parts of building a strategy that need neither an engine nor a source. Pure.

A strategy is blocks of terms: OR inside a block, AND between blocks, search filters around it
(Cochrane Handbook 4.4). Here blocks of several proposals become one, terms are sorted out, a strategy is
numbered line by line.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from tools.schemas import Block, SetAside, StrategyLine
from tools.search import query as queries
from tools.search.query import FIELDS, And, Dates, Not, Or, Query, QuerySyntaxError, Term

__all__ = ["apart", "block_query", "blocks_query", "numbered", "swamping", "unite", "usable"]

SWAMPS = 20
"""A term with this many times the hits of all other terms of its block together decides alone what is
found; a word such as `patients` next to the names of a disease."""

MIN_NEIGHBOURS = 3
"""Of a block's other terms, before one of them can be said to swamp it."""


def unite(proposals: Sequence[Sequence[Block]]) -> tuple[tuple[Block, ...], tuple[str, ...]]:
    """The blocks of several proposals as one set of blocks, and what was left out.

    Blocks of one name become one block with the terms of all, in the order of their first appearance. A
    block joins by AND, so one that only few proposals have would lose what the others find: it is required
    only when more than half of them have it.
    """
    names = [[_key(block) for block in blocks] for blocks in proposals]
    voted = Counter(name for own in names for name in dict.fromkeys(own))
    terms: dict[str, dict[str, None]] = {}
    shown: dict[str, str] = {}
    for blocks in proposals:
        for block in blocks:
            shown.setdefault(_key(block), block.name)
            terms.setdefault(_key(block), {}).update(dict.fromkeys(block.terms))
    kept = [name for name in terms if voted[name] * 2 > len(proposals)] or [voted.most_common(1)[0][0]]
    notes = [
        f"block {shown[name]!r} is not required: {voted[name]} of {len(proposals)} proposals have it"
        for name in terms
        if name not in kept
    ]
    return tuple(Block(name=shown[name], terms=tuple(terms[name])) for name in kept), tuple(notes)


def apart(
    blocks: Sequence[Block], proposals: Sequence[Sequence[Block]]
) -> tuple[tuple[Block, ...], tuple[SetAside, ...]]:
    """The united blocks with each term in one of them only, and what was taken out.

    A term that stands in two blocks fulfils both, and the AND between them means nothing for it. It stays in the
    block in which most proposals have it. Where several have it equally often, it stays if most proposals put it
    there (the engine means it), and fits none of them in particular if not.
    """
    votes = Counter(
        (_key(block), _spelt(term))
        for own in proposals
        for block in own
        for term in dict.fromkeys(block.terms)
    )
    kept, aside = [], []
    for block in blocks:
        terms = []
        for term in block.terms:
            rivals = {other.name: votes[_key(other), term] for other in blocks if term in other.terms}
            most, own = max(rivals.values()), rivals[block.name]
            best = [name for name, n in rivals.items() if n == most]
            if own == most and (len(best) == 1 or most * 2 > len(proposals)):
                terms.append(term)
            else:
                why = "fits several blocks alike" if own == most else f"belongs to block {best[0]}"
                aside.append(SetAside(block=block.name, term=term, why=why))
        # A block is never emptied by this: without it the search would be another one.
        kept.append(Block(name=block.name, terms=tuple(terms) or block.terms))
    return tuple(kept), tuple(aside)


def _key(block: Block) -> str:
    return " ".join(block.name.casefold().split())


def usable(blocks: Iterable[Block]) -> tuple[tuple[Block, ...], tuple[SetAside, ...]]:
    """The blocks with those of their terms that are single, well-formed terms; the others set aside.

    An engine's words never reach a source unread: an operator or a second term inside a term would smuggle
    in a strategy of its own. A block of which nothing is left is left out.
    """
    kept, aside = [], []
    for block in blocks:
        faults = {term: fault for term in block.terms if (fault := _fault(term))}
        aside += [SetAside(block=block.name, term=term, why=why) for term, why in faults.items()]
        if good := tuple(dict.fromkeys(_spelt(term) for term in block.terms if term not in faults)):
            kept.append(Block(name=block.name, terms=good))
    return tuple(kept), tuple(aside)


def _fault(text: str) -> str:
    """Why this is no term to search for; empty when it is one."""
    try:
        term = queries.parse(text)
    except QuerySyntaxError as e:
        return f"is not one search term: {e.problem}"
    if not isinstance(term, Term):
        return "is not one search term"
    if term.field and term.field not in FIELDS:
        return f"PubMed knows no field [{term.field}]"
    return ""


def _spelt(text: str) -> str:
    """One spelling for each term, so that the same one is not searched twice."""
    return queries.render(queries.parse(text))


def block_query(block: Block) -> Query:
    """The block's terms, joined by OR."""
    parts = tuple(queries.parse(term) for term in block.terms)
    return parts[0] if len(parts) == 1 else Or(parts)


def blocks_query(blocks: Sequence[Block]) -> Query:
    """The blocks, joined by AND."""
    parts = tuple(block_query(block) for block in blocks)
    return parts[0] if len(parts) == 1 else And(parts)


def swamping(hits: Mapping[str, int]) -> tuple[str, ...]:
    """Those of a block's terms that alone would bring nearly all of its hits.

    Args:
        hits: term to number of hits, of one block.
    """
    found = []
    for term, n in hits.items():
        others = [m for other, m in hits.items() if other != term and m > 0]
        if len(others) >= MIN_NEIGHBOURS and n > SWAMPS * sum(others):
            found.append(term)
    return tuple(found)


# Lines -------------------------------------------------------------------------------------------


def numbered(query: Query, names: Mapping[Query, str] | None = None) -> list[tuple[StrategyLine, Query]]:
    """The strategy as numbered lines, each with what it stands for; the last line is the whole.

    Terms come before the line that joins them. What occurs twice has one line.

    Args:
        query: the strategy.
        names: labels of some of its parts, such as the names of blocks.
    """
    numbers: dict[Query, int] = {}
    lines: list[tuple[StrategyLine, Query]] = []

    def number(node: Query) -> int:
        if node not in numbers:
            text = _line(node, number)
            label = (names or {}).get(node, "")
            lines.append((StrategyLine(text=text, label=label), node))
            numbers[node] = len(lines)
        return numbers[node]

    number(query)
    return lines


def _line(node: Query, number: Callable[[Query], int]) -> str:
    match node:
        case Term() | Dates():
            return queries.render(node)
        case Not(left, right):
            return f"#{number(left)} NOT #{number(right)}"
        case And(parts):
            return " AND ".join(f"#{n}" for n in map(number, parts))
        case Or(parts):
            return " OR ".join(f"#{n}" for n in map(number, parts))
