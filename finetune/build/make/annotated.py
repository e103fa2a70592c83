"""What the makers of annotated instructions share: the report that people read, its ids, and its words. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from finetune.build.kinds import Annotation
from finetune.build.make.papers import Report, doc_id, report_of_paper, report_of_record
from finetune.instructions import About, Refusal
from tools.fulltext import relevance
from tools.fulltext.quotes import locate, sentences
from tools.schemas import Passage, Quote, Record, sha256_of

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus

__all__ = [
    "Names",
    "about",
    "cleaned",
    "covered",
    "kind_of",
    "names",
    "nth",
    "passages_of",
    "refused",
    "report_of",
    "sentences_in",
    "span_in",
    "stems",
    "studies_of",
    "text_of",
]


def report_of(corpus: Corpus, annotation: Annotation) -> Report | None:
    """The report in the best text at hand: our own reading of it, else what was annotated, else its abstract."""
    paper = corpus.paper(pmcid=annotation.pmcid, pmid=annotation.pmid)
    record = corpus.record(annotation.pmid) if annotation.pmid else None
    report: Report | None = None
    if paper is not None and paper.text.passages:
        report = report_of_paper(paper)
    elif annotation.text.strip():
        report = text_of(annotation, record)
    elif record is not None:
        report = report_of_record(record, annotation.source, annotation.licence)
    if report is None:
        return None
    studies = studies_of(annotation, record, report)
    year = report.year or (record.year if record else None)
    return replace(report, studies=studies, year=year)


def studies_of(annotation: Annotation, record: Record | None, report: Report | None) -> tuple[str, ...]:
    """All names of the report that was annotated: the split goes by them."""
    pmids = {annotation.pmid, record.pmid if record else None}
    pmcids = {annotation.pmcid, record.pmcid if record else None}
    known = {f"pmid:{each}" for each in pmids if each} | {f"pmcid:{each}" for each in pmcids if each}
    known |= {name for name in (report.studies if report else ()) if not name.startswith("doc:")}
    return tuple(sorted(known, reverse=True)) or (report.studies if report else (doc_id(annotation.title),))


def kind_of(report: Report) -> str:
    """What the text is, in words."""
    return "full text" if report.full_text else "abstract"


def about(
    annotation: Annotation, report: Report, how: str, *evidence: str, others: Iterable[str] = ()
) -> About:
    """Where an instruction about a report comes from; the licence is that of the annotation and of the text."""
    licences = dict.fromkeys((annotation.licence, f"text: {report.licence}"))
    same = report.licence == annotation.licence
    return About(
        source=annotation.source,
        licence=annotation.licence if same else "; ".join(licences),
        how=how,
        studies=tuple(dict.fromkeys((*report.studies, *others))),
        year=report.year,
        evidence=evidence,
    )


def refused(task: str, annotation: Annotation, why: str, more: str = "") -> Refusal:
    """Nothing was made of an annotation, or of a part of it."""
    return Refusal(task, annotation.source, why, f"{annotation.annotation_id} {more}".strip())


# Texts -------------------------------------------------------------------------------------------

_HEADING = re.compile(r"(?P<name>[A-Z][A-Z0-9&/,.;:'() -]{2,120}):\s*")


def text_of(annotation: Annotation, record: Record | None = None) -> Report:
    """A text that came with an annotation: headings in capitals on lines of their own, paragraphs between them.

    A text without such headings is an abstract.
    """
    passages: list[Passage] = []
    heading, at, title = "ABSTRACT", 0, annotation.title
    for line in annotation.text.splitlines(keepends=True):
        text = line.strip()
        named = _HEADING.fullmatch(text) if text.endswith(":") else None
        if named is not None:
            heading = named["name"]
        elif text:
            kind = _kind(heading)
            title = text if kind == "title" else title
            start = at + line.index(text)
            passages.append(Passage(section=_section(heading), kind=kind, start=start, text=text))
        at += len(line)
    return Report(
        report_id=annotation.pmcid or annotation.pmid or annotation.annotation_id,
        title=title or (record.title if record else ""),
        passages=tuple(passages),
        source=annotation.source,
        licence=annotation.licence,
        studies=(doc_id(title or annotation.text[:200]),),
        full_text=any(passage.kind == "paragraph" for passage in passages),
        year=record.year if record else None,
    )


def _kind(heading: str) -> Literal["title", "abstract", "paragraph"]:
    match heading.partition(".")[0].casefold():
        case "title":
            return "title"
        case "abstract":
            return "abstract"
    return "paragraph"


def _section(heading: str) -> str:
    return " > ".join(part.strip().capitalize() for part in heading.split(".") if part.strip())


# Places ------------------------------------------------------------------------------------------


def span_in(said: str, passages: Iterable[Passage], longest: int) -> tuple[Passage, Quote] | None:
    """Where a span stands, as the text has it; None where it does not, or is longer than a quote may be."""
    for passage in passages:
        found = locate(said, passage.text)
        if found is not None and len(found.text) <= longest:
            return passage, found
    return None


def sentences_in(passages: Iterable[Passage]) -> Iterator[tuple[Passage, str]]:
    """The sentences, and the lines of tables, in order."""
    for passage in passages:
        if passage.kind == "table":
            yield from ((passage, line) for line in passage.text.splitlines() if line.strip())
        else:
            yield from ((passage, passage.text[start:end]) for start, end in sentences(passage.text))


# Words -------------------------------------------------------------------------------------------


def cleaned(said: object) -> str:
    """A name as people wrote it down, without marks of the form that it went through.

    >>> cleaned(" 15&amp;nbsp;mg  daily ")
    '15 mg daily'
    """
    return " ".join(html.unescape(html.unescape(str(said if said is not None else ""))).split())


_UNTELLING = frozenset(
    relevance.terms(
        "group groups arm treatment therapy intervention control condition patient participant subject daily day week"
        " month mg ml dose change mean score level rate total number percentage incidence outcome effect measure value"
        " significantly difference baseline follow-up time year result"
    )
)


SHORTEST = 4
"""Letters from which on stems are compared by their beginnings."""
Names = tuple[frozenset[str], ...]
"""The telling stems of one name, once for each way to write it."""


def stems(text: str) -> frozenset[str]:
    """The telling stems of a name; all its stems where none of them tells much."""
    every = frozenset(relevance.terms(text))
    return frozenset(term for term in every if term not in _UNTELLING and len(term) > 1) or every


def names(text: str, known: Mapping[str, Sequence[str]] | None = None) -> Names:
    """A name as it stands, and with its abbreviations written out or its words shortened.

    Args:
        text: the name; what it explains itself is known: `body mass index (BMI)`.
        known: abbreviations of the report, from `relevance.abbreviations`.
    """
    plain = stems(text)
    made = [plain]
    for short, long in {**(known or {}), **relevance.abbreviations([text])}.items():
        words = frozenset(long)
        if short in plain:
            made += [plain - words, (plain - {short}) | words]
        elif words <= plain:
            made.append((plain - words) | {short})
    return tuple(dict.fromkeys(each for each in made if each))


def covered(wanted: Names, text: str) -> float:
    """Share of a name's telling words that a text has, by the way of writing it that fits best.

    >>> covered(names("postoperative nausea and vomiting (PONV)"), "Total PONV, n (%)")
    1.0
    """
    has = _words_of(text)
    return max((sum(_stands(one, has) for one in each) / len(each) for each in wanted), default=0.0)


class _Words(NamedTuple):
    stems: frozenset[str]
    alike: Mapping[str, tuple[str, ...]]
    """Their first four letters to those that begin so."""


@lru_cache(maxsize=20_000)
def _words_of(text: str) -> _Words:
    """Labels and headings of tables are looked at again and again."""
    has = frozenset(relevance.terms(text))
    alike: dict[str, tuple[str, ...]] = {}
    for word in has:
        if len(word) >= SHORTEST:
            alike[word[:SHORTEST]] = (*alike.get(word[:SHORTEST], ()), word)
    return _Words(has, alike)


def _stands(one: str, has: _Words) -> bool:
    """Whether a stem stands there, or one of the same root that the stemmer left apart: `oper`, `operat`."""
    if one in has.stems:
        return True
    return len(one) >= SHORTEST and any(
        abs(len(one) - len(other)) <= 2 and (one.startswith(other) or other.startswith(one))
        for other in has.alike.get(one[:SHORTEST], ())
    )


def nth(key: str, of: int) -> int:
    """A number below `of` from a key: the same for ever, and spread evenly."""
    return int(sha256_of(key)[:12], 16) % of


def passages_of(record: Record) -> tuple[Passage, ...]:
    """The abstract of a record as one passage of its text; none where it has none."""
    start = len(record.text) - len(record.abstract)
    text = record.abstract
    return (Passage(section="Abstract", kind="abstract", start=start, text=text),) if text else ()
