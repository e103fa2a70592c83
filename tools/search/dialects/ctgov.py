"""A strategy in the language of ClinicalTrials.gov (Essie expressions), as far as a registry can hold it. Pure.

A registry entry is no article: it has no publication type, no journal, no language and no indexing by hand,
and its text names the words of a trial's protocol, not of an abstract. So a strategy is widened on purpose:

* words are searched in the whole entry, whatever field they had; the registry adds synonyms of its own;
* headings are searched as words and through the registry's own MeSH terms with all their ancestors;
* what is asked of an article only (type, subheading, language, journal, date of publication) is dropped; a
  group of alternatives that holds a publication type or a subheading is a filter for study designs, and goes
  as a whole, since the rest of it alone would be narrower;
* nothing is excluded: every NOT is dropped.

Source: ClinicalTrials.gov, "Constructing complex search queries"
(https://clinicaltrials.gov/find-studies/constructing-complex-search-queries): operators and areas.
"""

import re

from tools.search import query as queries
from tools.search.dialects.base import Translated
from tools.search.dialects.headings import Thesaurus, expand, natural
from tools.search.query import And, Dates, Leaf, Not, Or, Query, Term

__all__ = ["MESH_AREAS", "translate"]

MESH_AREAS = (
    "ConditionMeshTerm",
    "ConditionAncestorTerm",
    "InterventionMeshTerm",
    "InterventionAncestorTerm",
)
"""The registry maps entries to MeSH and stores all headings above: an explosion without a list."""

_WORDS = frozenset({"ti", "ab", "tiab", "tw", "all", "ot", "", "nm", "tt"})
_HEADINGS = frozenset({"mh", "majr", "pa"})
_OF_DESIGN = frozenset({"pt", "sh", "sb"})
"""A group of alternatives that holds one of these is a filter for designs."""

_ENDINGS = (
    "",
    "s",
    "e",
    "es",
    "ed",
    "ing",
    "er",
    "ion",
    "ions",
    "al",
    "ic",
    "y",
    "ies",
    "ation",
    "ity",
    "ive",
)
"""Written after a truncated stem, since the registry has no wildcard."""


def translate(query: Query, thesaurus: Thesaurus | None = None) -> Translated:
    """The strategy for `query.term` of the registry.

    Args:
        query: the strategy.
        thesaurus: for the entry terms of headings.

    Returns:
        Its text is empty where nothing can be asked. It finds at least what a registry could find of the
        strategy: whatever is dropped widens it.
    """
    dropped: dict[str, None] = {}
    left = _without_filters(query, dropped)
    if left is not None:
        pruned = queries.prune(left, lambda leaf, excludes: excludes or not _has_form(leaf))
        dropped |= dict.fromkeys(queries.render(clause) for clause in pruned.dropped)
        left = pruned.query
    writer = _Writer(thesaurus)
    text = "" if left is None else writer.node(left)
    return Translated(text=text, notes=tuple(writer.notes), dropped=tuple(dropped))


def _without_filters(node: Query, dropped: dict[str, None]) -> Query | None:
    """Without filters for designs, and without everything that excludes; None where no limit is left."""
    match node:
        case Or(parts):
            kept = [None if _of_design(part) else _without_filters(part, dropped) for part in parts]
            alternatives = tuple(part for part in kept if part is not None)
            if len(alternatives) == len(parts):
                return Or(alternatives)
            # One of the alternatives has no limits any more, so the group has none.
            dropped[queries.render(node)] = None
            return None
        case And(parts):
            left = tuple(x for part in parts if (x := _without_filters(part, dropped)) is not None)
            return And(left) if len(left) > 1 else next(iter(left), None)
        case Not(wanted, unwanted):
            dropped[f"NOT {queries.render(unwanted)}"] = None
            return _without_filters(wanted, dropped)
        case _:
            return node


def _of_design(node: Query) -> bool:
    return isinstance(node, Term) and node.field in _OF_DESIGN


def _has_form(leaf: Leaf) -> bool:
    if isinstance(leaf, Dates):
        return False
    if leaf.field == "si":
        return bool(_searchable(leaf.text.rpartition("/")[2]))
    return leaf.field in _WORDS | _HEADINGS and bool(_searchable(leaf.text))


class _Writer:
    def __init__(self, thesaurus: Thesaurus | None) -> None:
        self.thesaurus = thesaurus
        self.notes: dict[str, None] = {}

    def node(self, node: Query) -> str:
        match node:
            case And(parts):
                return "(" + " AND ".join(map(self.node, parts)) + ")"
            case Or(parts):
                return "(" + " OR ".join(map(self.node, parts)) + ")"
            case Term():
                return self._term(node)
            case _:
                raise AssertionError("dates and exclusions have gone before")

    def _term(self, term: Term) -> str:
        if term.field in _HEADINGS:
            return self._heading(term)
        if term.field == "si":
            return _quoted(term.text.rpartition("/")[2])
        self._note("words are searched in the whole registry entry, with the registry's own synonyms")
        if term.proximity is not None:
            self._note(
                f"{queries.render(term)}: no proximity there; its words are searched anywhere in the entry"
            )
            return "(" + " AND ".join(dict.fromkeys(map(_quoted, term.text.split()))) + ")"
        if term.truncated or "*" in term.text:
            return self._truncated(term)
        return _quoted(term.text)

    def _truncated(self, term: Term) -> str:
        self._note(
            f"{queries.render(term)}: no truncation there; written out with usual endings, look for others"
        )
        stem = term.text.replace("*", "")
        return "(" + " OR ".join(_quoted(stem + ending) for ending in _ENDINGS) + ")"

    def _heading(self, term: Term) -> str:
        self._note("headings are searched as words, and as the registry's own MeSH terms and their ancestors")
        if term.subheading:
            self._note(f"{queries.render(term)}: searched without its subheading")
        if term.truncated or "*" in term.text:
            return self._truncated(term)
        found = expand(term.heading, self.thesaurus, exploded=False)
        spoken = dict.fromkeys((found.name, natural(found.name), *found.synonyms))
        parts = [
            *dict.fromkeys(map(_quoted, spoken)),
            *(f"AREA[{area}]{_quoted(found.name)}" for area in MESH_AREAS),
        ]
        return "(" + " OR ".join(parts) + ")"

    def _note(self, text: str) -> None:
        self.notes[text] = None


def _searchable(text: str) -> str:
    """Without the signs that are operators there."""
    return " ".join(re.sub(r'[\[\](),"\\*]', " ", text).split())


def _quoted(text: str) -> str:
    return f'"{_searchable(text)}"'
