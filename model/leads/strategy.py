"""The Boolean line that LEADS answers a search question with, as concept blocks, and back.

LEADS was trained on queries of the form `(P terms joined by OR) AND (I terms joined by OR)`, untagged and mostly
unquoted. They are read with the reader of all our strategies, under rules that leave nothing to guess:

* the parts that AND joins at the top stand, in order, for the elements that were asked for: as many as were asked
  for, or two for P and I; any other number is refused;
* between brackets, quotation marks and operators in capitals stands one term, however many words it has;
* a term without a field tag is searched in title and abstract, several words as a phrase; headings are left to the
  vocabulary. A tag that is there stays;
* `and` in small letters between two words belongs to a term ("head and neck cancer") where the line has operators
  in capitals; where it has none, and for `or` and `not`, the meaning is open and the reply is refused;
* AND and OR side by side without brackets are refused: PubMed would read them from left to right;
* an AND or NOT inside a block is no single term; it is handed on as written, and so is set aside at the gate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from model.leads.reply import Unreadable
from model.tasks.query import QueryInput
from tools.schemas import Block
from tools.search import query as queries
from tools.search.query import And, Or, Query, QuerySyntaxError, Term

__all__ = ["LINES", "blocks_of", "line_of", "lines", "put"]

LINES = {
    "P": "P (Patient, Problem or Population)",
    "I": "I (Intervention)",
    "C": "C (Comparison)",
    "O": "O (Outcome)",
}
"""The elements LEADS knows, as its prompt names them, in the order of its prompt."""

_LETTER = {
    **dict.fromkeys(("p", "population", "diagnosis"), "P"),
    **dict.fromkeys(("i", "intervention", "exposure", "concept", "index_test"), "I"),
    **dict.fromkeys(("c", "comparator", "comparison", "reference_test"), "C"),
    **dict.fromkeys(("o", "outcome"), "O"),
}

_PIECE = re.compile(r'"[^"]*"\*?|\[[^\[\]]*\]|[()]|[^()\[\]"]+|.', re.DOTALL)
_CAPITALS = re.compile(r"(?:(?<=\s)|^)(AND|OR|NOT)(?=\s|$)")
_OPERATORS = frozenset({"and", "or", "not"})
_HARMLESS = "in small letters is read as the operator"


def put(asked: QueryInput) -> tuple[dict[str, str], tuple[str, ...]]:
    """Letter to the name of the element it stands for, in LEADS' order; and a note on each that has no letter.

    An element without words is not put at all.
    """
    found: dict[str, str] = {}
    notes = []
    for name, phrases in asked.elements.items():
        if not any(phrase.strip() for phrase in phrases):
            continue
        letter = _LETTER.get(name.strip().casefold())
        if letter is None or letter in found:
            notes.append(f"{name}: not in this proposal, as the LEADS format has no place for it")
        else:
            found[letter] = name
    return {letter: found[letter] for letter in LINES if letter in found}, tuple(notes)


def lines(asked: QueryInput) -> Mapping[str, str]:
    """Letter to the reviewer's words for it; only of elements that have any."""
    letters, _ = put(asked)
    return {
        letter: "; ".join(phrase.strip() for phrase in asked.elements[name] if phrase.strip())
        for letter, name in letters.items()
    }


def blocks_of(asked: QueryInput, line: str) -> tuple[list[Block], tuple[str, ...]]:
    """The blocks of a query, named after the elements asked for, and what was left out.

    Raises:
        Unreadable: it cannot be read without guessing.
    """
    letters, notes = put(asked)
    parts = _joined(_parsed(line))
    if len(parts) != len(letters):
        if len(parts) != 2 or not {"P", "I"} <= letters.keys():
            names = " AND ".join(f"({name})" for name in letters.values())
            raise Unreadable(
                f"the query has {len(parts)} part(s) joined by AND, and not the {len(letters)} of {names}"
            )
        left = [name for letter, name in letters.items() if letter not in "PI"]
        notes += tuple(f"{name}: not in this proposal, which has two parts only" for name in left)
        letters = {letter: letters[letter] for letter in "PI"}
    return [_block(name, part) for name, part in zip(letters.values(), parts, strict=True)], notes


def line_of(asked: QueryInput, blocks: Sequence[Block]) -> str:
    """The query that `blocks_of` reads as these blocks.

    Raises:
        ValueError: the format has no place for one of them, or one is missing.
    """
    letters, _ = put(asked)
    by_name = {block.name: block for block in blocks}
    names = list(letters.values())
    if len(by_name) == 2 and {"P", "I"} <= letters.keys():
        names = [letters["P"], letters["I"]]
    if sorted(names) != sorted(block.name for block in blocks):
        raise ValueError(f"blocks {sorted(by_name)} are not the elements {names}")
    line = " AND ".join(f"({' OR '.join(map(_written, by_name[name].terms))})" for name in names)
    wanted = {name: tuple(dict.fromkeys(map(_canonical, by_name[name].terms))) for name in names}
    try:
        told = {block.name: block.terms for block in blocks_of(asked, line)[0]}
    except Unreadable as e:
        raise ValueError(f"the LEADS format cannot say {line}: {e}") from e
    if told != wanted:
        raise ValueError(f"the LEADS format reads {line} as other terms")
    return line


# Reading -------------------------------------------------------------------------------------------


def _parsed(line: str) -> Query:
    spaced = " ".join(queries.normalise(line).split())
    try:
        read = queries.read("".join(_quoted(spaced)))
    except QuerySyntaxError as e:
        raise Unreadable(f"the query cannot be read: {e.problem}; {e.remedy}") from e
    doubts = [note for note in read.notes if _HARMLESS not in note]
    if doubts:
        raise Unreadable(f"the query can be read in several ways; put each group in brackets: {doubts[0]}")
    return read.query


def _quoted(line: str) -> Iterator[str]:
    """The line with each run of plain words that is one term in quotation marks."""
    pieces = _PIECE.findall(line)
    in_capitals = any(piece[0] not in '"[' and _CAPITALS.search(piece) for piece in pieces)
    for piece, after in zip(pieces, [*pieces[1:], ""], strict=True):
        if piece[0] in '"[()':
            yield piece
            continue
        parts = _CAPITALS.split(piece)
        for n, part in enumerate(parts, 1):
            tagged = n == len(parts) and after.startswith("[")
            yield f" {_one_term(part.split(), in_capitals, tagged)} "


def _one_term(words: list[str], in_capitals: bool, tagged: bool) -> str:
    """Operators at either end stand beside a bracket or quotation mark, and stay what they are."""
    begin, end = 0, len(words)
    while begin < end and words[begin].casefold() in _OPERATORS:
        begin += 1
    while end > begin and words[end - 1].casefold() in _OPERATORS:
        end -= 1
    term = words[begin:end]
    inside = {word.casefold() for word in term} & _OPERATORS
    if inside - {"and"} or (inside and not in_capitals):
        shown = " ".join(term)
        raise Unreadable(f"{shown!r}: an operator or a part of the term? Write operators in capitals")
    # With a tag of its own a term may go without quotation marks, and means something else without them.
    quotes = len(term) > 1 and (bool(inside) or not tagged)
    said = f'"{" ".join(term)}"' if quotes else " ".join(term)
    return " ".join([*words[:begin], said, *words[end:]])


def _joined(query: Query) -> list[Query]:
    """What AND joins at the top, however it is bracketed."""
    if not isinstance(query, And):
        return [query]
    return [part for inner in query.parts for part in _joined(inner)]


def _block(name: str, part: Query) -> Block:
    nodes = list(_alternatives(part))
    if not any(isinstance(node, Term) for node in nodes):
        raise Unreadable(f"the part for {name} has no single term: {queries.render(part)}")
    return Block(name=name, terms=tuple(dict.fromkeys(queries.render(_tagged(node)) for node in nodes)))


def _alternatives(query: Query) -> Iterator[Query]:
    """What OR joins, however it is bracketed."""
    if isinstance(query, Or):
        for part in query.parts:
            yield from _alternatives(part)
    else:
        yield query


def _tagged(node: Query) -> Query:
    """An untagged term, in title and abstract: PubMed would map it to whatever it takes it for."""
    if not isinstance(node, Term) or node.field:
        return node
    return replace(node, field="tiab", phrase=node.phrase or " " in node.text)


# Writing -------------------------------------------------------------------------------------------


def _canonical(term: str) -> str:
    return queries.render(queries.parse(term))


def _written(term: str) -> str:
    """The plainest spelling that reads as this term."""
    try:
        wanted = queries.parse(term)
    except QuerySyntaxError as e:
        raise ValueError(f"no search term: {term}") from e
    spellings = [queries.render(wanted)]
    if isinstance(wanted, Term) and wanted.field == "tiab" and wanted.proximity is None:
        words = wanted.text + "*" * wanted.truncated
        spellings = [words, f'"{words}"', *spellings]
    for spelling in spellings:
        try:
            if _tagged(_parsed(spelling)) == wanted:
                return spelling
        except Unreadable:
            continue
    raise ValueError(f"the LEADS format cannot say {term}")
