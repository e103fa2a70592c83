"""All languages that strategies are read from and written in, by name. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from tools.search.dialects import (
    cinahl,
    cochrane,
    ctgov,
    embase,
    europepmc,
    ovid,
    pubmed,
    scopus,
    wos,
)
from tools.search.dialects.base import Dialect
from tools.search.dialects.reading import Imported

__all__ = ["DIALECTS", "READERS", "guess"]

Reader: TypeAlias = Callable[[str], Imported]

DIALECTS: Mapping[str, Dialect] = {
    "pubmed": pubmed.write,
    "ovid": ovid.write,
    "embase": embase.write,
    "cochrane": cochrane.write,
    "scopus": scopus.write,
    "wos": wos.write,
    "cinahl": cinahl.write,
    "europepmc": europepmc.translate,
    "ctgov": ctgov.translate,
}
"""What writes a strategy in each language."""

READERS: Mapping[str, Reader] = {
    "pubmed": pubmed.read,
    "ovid": ovid.read,
    "embase": embase.read,
}
"""What reads a strategy in each language; `pubmed` raises QuerySyntaxError, the others list what they cannot read."""

_SIGNS: Mapping[str, re.Pattern[str]] = {
    "pubmed": re.compile(
        r"\[\s*(?:tiab|tw|ti|ab|mh|mesh|majr|pt|sh|all|au|dp|pdat|la|title|text|[a-z]+ terms?)\b", re.I
    ),
    "ovid": re.compile(
        r"\.(?:ti|ab|tw|mp|kf|kw|pt|sh|af|hw|fs)\b|(?<=\w)\"?/(?=\s|$|\))|\badj\d*\b|\b(?:and|or)/\d|\bexp\s|\w\$",
        re.I,
    ),
    "embase": re.compile(
        r"'/(?:exp|de|mj)|[\w'\")*]:(?:ti|ab|kw|de)\b|\bn(?:ear|ext)/\d|\]/(?:lim|py|sd)\b", re.I
    ),
}


def guess(text: str) -> str:
    """The language in which a strategy seems to be written: the one that most of its signs belong to.

    Without any sign, PubMed's: plain words mean the same everywhere.
    """
    return max(_SIGNS, key=lambda name: len(_SIGNS[name].findall(text)))
