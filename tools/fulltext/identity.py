"""Is this text the report that the record tells of? Pure.

A file may lie under the wrong number, a service may mix up two articles, a person may save the wrong tab. A person
must be told before anybody trusts the figures of another paper; the text itself is kept and read all the same, since
titles also differ for good reasons (translations, subtitles, errors of typing).
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz import fuzz

from tools.records.dedupe import title_key
from tools.schemas import FullText, Record

__all__ = ["SAME_TITLE", "SHORT", "names_title", "numbers_of", "title_likeness", "wrong_paper"]

SAME_TITLE = 0.9
"""Titles this near are one title: errors of typing, Greek letters spelt out, a missing article."""

BEGINNING = 4000
"""Characters of a text in which its title must stand."""

SHORT = 20
"""Shorter titles (`Comment`, `Reply`) are many papers' and decide nothing by their beginning."""

_CUT = 40
_ROMAN = re.compile(r"\b(?:i{1,3}|iv|v|vi{1,3})\b")


def title_likeness(one: str, other: str) -> float:
    """How near two titles are, 0 to 1; 1 also where one is the other without its subtitle.

    Titles whose numbers differ are not near: `part 1` and `part 2` are two reports.
    """
    first, second = _key(one), _key(other)
    if not first or not second:
        return 0.0
    if first == second:
        return 1.0
    shorter, longer = sorted((first, second), key=len)
    # Without its subtitle; or cut off in a word, as reference managers cut long names of files.
    if len(shorter) >= SHORT and longer.startswith(f"{shorter} " if len(shorter) < _CUT else shorter):
        return 1.0
    if numbers_of(first) != numbers_of(second):
        return 0.0
    return float(fuzz.ratio(first, second)) / 100


def numbers_of(title: str) -> tuple[str, ...]:
    """The numbers in a title, Roman ones included, in order."""
    key = _key(title)
    return tuple(re.findall(r"\d+", key) + _ROMAN.findall(key))


# Each file of a folder is compared with many records.
_key = lru_cache(maxsize=8192)(title_key)


@lru_cache(maxsize=4096)
def _beginning(text: str) -> tuple[str, frozenset[str]]:
    key = title_key(text)
    return key, frozenset(key.split())


def names_title(text: str, title: str) -> bool:
    """Whether a title stands in the beginning of a text, apart from small differences."""
    wanted = _key(title)
    beginning, words = _beginning(text[:BEGINNING])
    if len(wanted) < SHORT:
        return f" {wanted} " in f" {beginning} "
    if wanted in beginning or wanted.replace(" ", "") in beginning.replace(" ", ""):
        return True
    # The slow comparison is for texts that hold most of the title's words.
    long = [word for word in wanted.split() if len(word) > 3]
    if 2 * sum(word in words for word in long) < len(long):
        return False
    found = fuzz.partial_ratio_alignment(wanted, beginning, score_cutoff=92)
    if found is None:
        return False
    return numbers_of(wanted) == numbers_of(beginning[found.dest_start : found.dest_end])


def wrong_paper(record: Record, text: FullText) -> list[str]:
    """What speaks against this text being the record's report, the strongest first; empty where nothing does."""
    told = []
    pairs = (
        ("PMID", record.pmid, text.pmid),
        ("PMCID", record.pmcid, text.pmcid),
        ("DOI", record.doi, text.doi),
    )
    agreed = [name for name, ours, theirs in pairs if ours and theirs and _same(name, ours, theirs)]
    for name, ours, theirs in pairs:
        # One paper can have two DOIs (its preprint's, its versions'), but then its PMID says that it is one.
        if ours and theirs and name not in agreed and not (name == "DOI" and agreed):
            told.append(f"this may be another paper: it carries {name} {theirs}, the record has {ours}")
    if not _titles_fit(record, text):
        told.append(
            f"its title differs from the record's: {text.title!r}"
            if text.title
            else "the record's title does not stand at its beginning"
        )
    return told


def _same(name: str, ours: str, theirs: str) -> bool:
    one, other = ours.casefold(), theirs.casefold()
    if name == "DOI":  # versions of one article: 10.12688/f1000research.1.2, 10.7554/elife.1.3
        one, other = (re.sub(r"(?:\.v?\d|/v\d+)$", "", doi) if one != other else doi for doi in (one, other))
    return one == other


def _titles_fit(record: Record, text: FullText) -> bool:
    titles = [t for t in (record.title, record.vernacular_title) if t]
    if not titles:
        return True
    if any(title_likeness(title, text.title) >= SAME_TITLE for title in titles if text.title):
        return True
    guessed = is_guessed(text)
    if guessed or not text.title:
        # A title of a PDF is a guess by the size of its type; the words on its first page are not.
        return (not guessed) or any(names_title(text.canonical, title) for title in titles)
    return False


def is_guessed(text: FullText) -> bool:
    """Whether the text's title was guessed from the look of a page."""
    return _any_starts(text.warnings, "read from a PDF")


def _any_starts(lines: Iterable[str], start: str) -> bool:
    return any(line.startswith(start) for line in lines)
