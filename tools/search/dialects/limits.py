"""What Ovid and Embase.com offer as limits, in PubMed's terms. Pure.

Source: Ovid, MEDLINE Database Guide, "Limits"; Embase.com, https://www.embase.com/info/helpfiles/.
"""

from collections.abc import Mapping

from tools.search.dialects.reading import Report, any_of
from tools.search.query import Query, Term

__all__ = ["limit"]

_TYPE_LIST = """
case reports; clinical trial; comment; comparative study; controlled clinical trial; editorial;
evaluation study; guideline; historical article; journal article; lecture; letter; meta-analysis;
multicenter study; news; observational study; practice guideline; randomized controlled trial; review;
systematic review; validation study
"""
_TYPES: Mapping[str, str] = {name.strip(): name.strip() for name in _TYPE_LIST.split(";")} | {
    "article": "journal article",
    "clinical trial, all": "clinical trial",
    "evaluation studies": "evaluation study",
    "letters": "letter",
    "meta analysis": "meta-analysis",
    "review articles": "review",
    "validation studies": "validation study",
}
"""Publication types by the name of the limit."""

_GROUPS: Mapping[str, tuple[Term, ...]] = {
    name: tuple(Term(heading, "mh", True, exploded=exploded) for heading in headings)
    for name, exploded, headings in (
        ("human", True, ("Humans",)),
        ("humans", True, ("Humans",)),
        ("animal", True, ("Animals",)),
        ("animals", True, ("Animals",)),
        ("male", True, ("Male",)),
        ("female", True, ("Female",)),
        ("pregnancy", True, ("Pregnancy",)),
        ("all infant", True, ("Infant",)),
        ("all child", True, ("Infant", "Child", "Adolescent")),
        ("all adult", True, ("Adult",)),
        ("all aged", True, ("Aged",)),
        ("newborn", True, ("Infant, Newborn",)),
        ("newborn infant", True, ("Infant, Newborn",)),
        ("infant", False, ("Infant",)),
        ("preschool", True, ("Child, Preschool",)),
        ("preschool child", True, ("Child, Preschool",)),
        ("child", False, ("Child",)),
        ("school", False, ("Child",)),
        ("adolescent", True, ("Adolescent",)),
        ("young adult", True, ("Young Adult",)),
        ("adult", False, ("Adult",)),
        ("middle age", True, ("Middle Aged",)),
        ("middle aged", True, ("Middle Aged",)),
        ("aged", False, ("Aged",)),
        ("very elderly", True, ("Aged, 80 and over",)),
        ("aged, 80 and over", True, ("Aged, 80 and over",)),
    )
}
"""Check tags and ages by the name of the limit."""

_LANGUAGE_LIST = """
english french german spanish italian portuguese russian chinese japanese dutch danish swedish norwegian
finnish polish czech hungarian turkish greek korean hebrew arabic persian
"""
_LANGUAGES = frozenset(_LANGUAGE_LIST.split())


def limit(name: str, said: str, at: int, report: Report) -> Query:
    """The value of a limit; one that PubMed has no form for is listed.

    Args:
        name: in small letters, without the explanation in parentheses behind it.
        said: as it is written, for the list.
    """
    language = name.removesuffix(" language").removeprefix("language=").strip('" ')
    if language in _LANGUAGES:
        return Term(language, "la")
    if name in _GROUPS:
        if name.startswith("human"):
            report.note("a limit to humans loses records without indexing; use NOT (animals NOT humans)")
        return any_of(_GROUPS[name])
    if name in _TYPES:
        return Term(_TYPES[name], "pt", phrase=True)
    if name in {"abstracts", "has abstract"}:
        return Term("hasabstract", "sb")
    if name == "core clinical journals":
        return Term("jsubsetaim", "sb")
    return report.gap(said, "this limit has no form in PubMed", at)
