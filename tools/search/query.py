"""The Boolean search strategy as a value: parse, render, lint, prune. Pure.

`parse` reads PubMed syntax, `render` writes it with all parentheses, and what was rendered reads back
as the same value. Sources that speak another language, or that lack some fields, work on the value.

Source: PubMed User Guide, https://pubmed.ncbi.nlm.nih.gov/help/.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from tools.search.dialects.subheadings import NAMES as SUBHEADINGS
from tools.search.query_nodes import (
    DATE_FIELDS,
    FIELDS,
    HEADING_FIELDS,
    PROXIMITY_FIELDS,
    And,
    Dates,
    Leaf,
    Not,
    Or,
    Query,
    QuerySyntaxError,
    Term,
    canonical_field,
    leaves,
)
from tools.search.query_parse import Parsed, normalise, read

__all__ = [
    "DATE_FIELDS",
    "FIELDS",
    "HEADING_FIELDS",
    "And",
    "Dates",
    "Headings",
    "Leaf",
    "Not",
    "Or",
    "Parsed",
    "Pruned",
    "Query",
    "QuerySyntaxError",
    "Term",
    "canonical_field",
    "leaves",
    "lint",
    "normalise",
    "parse",
    "prune",
    "read",
    "render",
]

_STOP_LIST = """
a about again all almost also although always among an and another any are as at be because been before
being between both but by can could did do does done due during each either enough especially etc for
found from further had has have having here how however i if in into is it its itself just kg km made
mainly make may mg might ml mm most mostly must nearly neither no nor obtained of often on our overall
perhaps pmid quite rather really regarding seem seen several should show showed shown shows significantly
since so some such than that the their theirs them then there therefore these they this those through
thus to upon use used using various very was we were what when which while with within without would
"""
_STOP_WORDS = frozenset(_STOP_LIST.split())
"""PubMed's list, User Guide, "Stopwords"."""

_TEXT_FIELDS = frozenset({"ti", "ab", "tiab", "tw", "all", "ot"})
_MIN_STEM = 4
_TYPOGRAPHIC = frozenset("“”„‟″«»‘’‚‛′‐‑‒–—―−")
_ALL_SUBHEADINGS = frozenset({*SUBHEADINGS, *SUBHEADINGS.values()})


class _Named(Protocol):
    @property
    def name(self) -> str: ...


class Headings(Protocol):
    """What `lint` needs of a vocabulary; `vocabulary.Vocabulary` has it."""

    def lookup(self, term: str) -> _Named | None:
        """The heading that this term names, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Pruned:
    """What is left of a strategy where some clauses cannot be evaluated, and what was dropped."""

    query: Query | None
    dropped: tuple[Query, ...] = ()


def parse(text: str) -> Query:
    """Read a strategy in PubMed syntax; see `read`, which also gives the notes.

    Raises:
        QuerySyntaxError: with the place and the remedy.
    """
    return read(text).query


def render(query: Query) -> str:
    """PubMed syntax with every group in parentheses; `parse(render(query)) == query`."""
    match query:
        case And(parts):
            return "(" + " AND ".join(map(render, parts)) + ")"
        case Or(parts):
            return "(" + " OR ".join(map(render, parts)) + ")"
        case Not(left, right):
            return f"({render(left)} NOT {render(right)})"
        case Dates(start, end, field):
            return f"{start}[{field}]" if start == end else f"{start}:{end}[{field}]"
        case Term():
            return _render_term(query)


def _render_term(term: Term) -> str:
    text = term.text + "*" * term.truncated
    if term.phrase:
        text = f'"{text}"'
    if not term.field:
        return text
    modifier = "" if term.exploded else ":noexp"
    if term.proximity is not None:
        modifier = f":~{term.proximity}"
    return f"{text}[{term.field}{modifier}]"


def lint(query: Query | Parsed | str, vocabulary: Headings | None = None) -> tuple[str, ...]:
    """What a searcher would question about a strategy, in its own order and each thing once.

    Args:
        query: a value; or its text (or `read(text)`), which also tells what only the text shows:
            operators read from left to right, missing operators, lines that nothing uses, typography.
        vocabulary: to check headings; without one they are not checked.

    Whether a quoted phrase stands in PubMed's index is not known here: PubMed says so when it is asked,
    and the warnings of `Source.probe` and `Source.search` repeat it.

    Raises:
        QuerySyntaxError: the text cannot be read.
    """
    parsed = read(query) if isinstance(query, str) else query
    tree, notes = (parsed.query, parsed.notes) if isinstance(parsed, Parsed) else (parsed, ())
    warnings = list(notes)
    if isinstance(query, str) and _TYPOGRAPHIC.intersection(query):
        warnings.append(
            "typographic quotation marks or dashes are read as plain ones; PubMed searches them literally"
        )
    for leaf in leaves(tree):
        warnings += _lint_dates(leaf) if isinstance(leaf, Dates) else _lint_term(leaf)
        if vocabulary is not None and isinstance(leaf, Term) and leaf.field in {"mh", "majr"}:
            warnings += _lint_heading(leaf, vocabulary)
    warnings += _lint_humans(tree)
    return tuple(dict.fromkeys(warnings))


def _lint_term(term: Term) -> Iterator[str]:
    shown = render(term)
    if not term.field:
        yield f"{shown}: no field tag; PubMed's automatic term mapping changes over time, so tag it"
    elif term.field not in FIELDS:
        yield f"{shown}: PubMed knows no tag [{term.field}] and would ignore it"
    if term.truncated and len(term.text.split()[-1]) < _MIN_STEM:
        yield f"{shown}: truncation needs {_MIN_STEM} letters or more before the *"
    if "*" in term.text:
        yield f"{shown}: PubMed truncates only at the end of the last word"
    if "?" in term.text:
        yield f"{shown}: ? is no wildcard in PubMed; join the spellings with OR"
    if term.proximity is not None and term.field not in PROXIMITY_FIELDS:
        yield f"{shown}: proximity works in [ti], [tiab] and [ad] only; elsewhere nothing is found"
    if term.proximity is not None and (term.truncated or "*" in term.text):
        yield f"{shown}: truncation is ignored inside proximity"
    if term.field in DATE_FIELDS:
        yield f"{shown}: depends on the day of the search; write the dates"
    yield from _lint_words(term, shown)


def _lint_words(term: Term, shown: str) -> Iterator[str]:
    if term.field in {"mh", "majr"} and term.text.lower().startswith(("exp ", "explode ")):
        yield f"{shown}: exp is Ovid's; PubMed takes it for a part of the heading, and explodes by itself"
    subheading = (term.text if term.field == "sh" else term.subheading).lower().replace(" and ", " & ")
    if subheading and not term.truncated and subheading not in _ALL_SUBHEADINGS:
        yield f"{shown}: MeSH has no subheading {subheading}"
    if term.field in _TEXT_FIELDS and term.text.lower() in _STOP_WORDS:
        yield f"{shown}: a stop word, which PubMed does not search"
    stop_words = _STOP_WORDS.intersection(term.text.lower().split())
    if term.field in _TEXT_FIELDS and len(term.text.split()) > 1 and stop_words and term.proximity is None:
        yield f"{shown}: stop words ({', '.join(sorted(stop_words))}) may break the phrase; check its hits"


def _lint_dates(dates: Dates) -> Iterator[str]:
    if int(dates.start[:4]) < 1700:
        yield f"{render(dates)}: is the first year right?"


def _lint_heading(term: Term, vocabulary: Headings) -> Iterator[str]:
    if term.truncated:
        return
    found = vocabulary.lookup(term.heading)
    if found is None:
        yield f"{render(term)}: no such heading in this vocabulary"
    elif found.name.lower() != term.heading.lower():
        yield f"{render(term)}: an entry term; the heading is {found.name}"


def _lint_humans(query: Query) -> Iterator[str]:
    """`AND humans[mh]` loses every record that is not indexed yet (Cochrane Handbook, 4.4.7)."""
    if isinstance(query, And):
        for part in query.parts:
            if isinstance(part, Term) and part.field == "mh" and part.text.lower() == "humans":
                yield "AND humans[mh] loses records without indexing; use NOT (animals[mh] NOT humans[mh])"
            yield from _lint_humans(part)
    elif isinstance(query, Not):
        yield from _lint_humans(query.left)
    elif isinstance(query, Or):
        for part in query.parts:
            yield from _lint_humans(part)


def prune(query: Query, missing: Callable[[Leaf, bool], bool]) -> Pruned:
    """Take out the clauses that a source cannot evaluate.

    Inside AND a dropped clause is neutral, inside OR it is removed, and `x NOT dropped` is x. On the
    right side of a NOT the rule turns round: there a group that loses a part of its AND is dropped as
    a whole, because what cannot be evaluated must never exclude a record.

    Args:
        missing: whether a leaf cannot be evaluated; the flag is True where a match excludes records.
    """
    dropped: list[Query] = []

    def walk(node: Query, excludes: bool) -> Query | None:
        match node:
            case And(parts):
                kept = [walk(part, excludes) for part in parts]
                if excludes and None in kept:
                    dropped.append(node)
                    return None
                return _regroup(And, node, kept)
            case Or(parts):
                return _regroup(Or, node, [walk(part, excludes) for part in parts])
            case Not(left, right):
                return walk_not(node, walk(left, excludes), walk(right, not excludes), excludes)
            case _:
                if not missing(node, excludes):
                    return node
                dropped.append(node)
                return None

    def walk_not(node: Not, left: Query | None, right: Query | None, excludes: bool) -> Query | None:
        if left is not None and right is not None:
            return Not(left, right)
        if right is None and not excludes:
            return left
        dropped.append(node)
        return None

    return Pruned(walk(query, False), tuple(dict.fromkeys(dropped)))


def _regroup(kind: type[And] | type[Or], node: And | Or, kept: list[Query | None]) -> Query | None:
    left = tuple(part for part in kept if part is not None)
    if len(left) == len(node.parts):
        return kind(left)
    return kind(left) if len(left) > 1 else next(iter(left), None)
