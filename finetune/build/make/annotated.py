"""What the makers of annotated instructions share: the report that people read, its ids, and its words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from finetune.build.kinds import Annotation
from finetune.instructions import About
from tools.fulltext import relevance
from tools.fulltext.choosing import choose, cues_for
from tools.fulltext.cues import Task
from tools.fulltext.quotes import locate, sentences
from tools.schemas import FullText, Passage, Quote, Record, sha256_of

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus

__all__ = [
    "CHARACTERS",
    "ReadReport",
    "about",
    "chosen",
    "covered",
    "nth",
    "report_of",
    "sentences_in",
    "span_in",
    "stems",
    "studies_of",
    "text_of",
    "text_of_record",
]

CHARACTERS = 16_000
"""Of a report that are read for one question, as `tools.evidence_settings` has it where a protocol names none."""


class ReadReport(NamedTuple):
    """A report that people annotated, as an engine is given it."""

    report_id: str
    text: FullText
    kind: str
    """`full text`, `annotated text` or `abstract`."""
    studies: tuple[str, ...]
    year: int | None

    @property
    def title(self) -> str:
        """Of the report; empty where nothing tells it."""
        return self.text.title


def report_of(corpus: Corpus, annotation: Annotation) -> ReadReport | None:
    """The report in the best text at hand: our own reading of it, else what was annotated, else its abstract."""
    paper = corpus.paper(pmcid=annotation.pmcid, pmid=annotation.pmid)
    record = corpus.record(annotation.pmid) if annotation.pmid else None
    year = (paper.year if paper else None) or (record.year if record else None)
    studies = studies_of(annotation, record, paper.pmid if paper else None, paper.pmcid if paper else None)
    name = annotation.pmcid or annotation.pmid or annotation.annotation_id
    if paper is not None and paper.text.passages:
        return ReadReport(name, paper.text, "full text", studies, year)
    if annotation.text.strip():
        title = annotation.title or (record.title if record else "")
        return ReadReport(name, text_of(annotation.text, name, title), "annotated text", studies, year)
    if record is not None and record.abstract.strip():
        return ReadReport(name, text_of_record(record), "abstract", studies, year)
    return None


def studies_of(
    annotation: Annotation, record: Record | None = None, pmid: str | None = None, pmcid: str | None = None
) -> tuple[str, ...]:
    """All names of the report that was annotated: the split goes by them."""
    pmids = {each for each in (annotation.pmid, pmid, record.pmid if record else None) if each}
    pmcids = {each for each in (annotation.pmcid, pmcid, record.pmcid if record else None) if each}
    named = (*(f"pmid:{each}" for each in sorted(pmids)), *(f"pmcid:{each}" for each in sorted(pmcids)))
    if named:
        return named
    told = annotation.title or annotation.text[:200] or annotation.annotation_id
    return (f"doc:{sha256_of(' '.join(told.casefold().split()))[:16]}",)


def about(
    annotation: Annotation, report: ReadReport, how: str, *evidence: str, others: Iterable[str] = ()
) -> About:
    """Where an instruction about a report comes from."""
    return About(
        source=annotation.source,
        licence=annotation.licence,
        how=how,
        studies=tuple(dict.fromkeys((*report.studies, *others))),
        year=report.year,
        evidence=evidence,
    )


# Texts -------------------------------------------------------------------------------------------

_HEADING = re.compile(r"(?P<name>[A-Z][A-Z0-9&/,.;:'() -]{2,120}):\s*")


def text_of(annotated: str, report_id: str, title: str = "") -> FullText:
    """A text that came with an annotation: headings in capitals on lines of their own, paragraphs between them.

    A text without such headings is an abstract.
    """
    passages: list[Passage] = []
    heading, at, found = "abstract", 0, title
    for line in annotated.splitlines(keepends=True):
        text = line.strip()
        named = _HEADING.fullmatch(text) if text.endswith(":") else None
        if named is not None:
            heading = named["name"]
        elif text:
            kind = _kind_of(heading)
            if kind == "title":
                found = text
            start = at + line.index(text)
            passages.append(Passage(section=_section(heading), kind=kind, start=start, text=text))
        at += len(line)
    return FullText(
        report_id=report_id, source="annotation", canonical=annotated, passages=tuple(passages), title=found
    )


def _kind_of(heading: str) -> str:
    first = heading.partition(".")[0].casefold()
    return {"title": "title", "abstract": "abstract"}.get(first, "paragraph")


def _section(heading: str) -> str:
    return " > ".join(part.strip().capitalize() for part in heading.split(".") if part.strip())


def text_of_record(record: Record) -> FullText:
    """Title and abstract of a record, as passages of its own text."""
    text = record.text
    passages = [Passage(section="title", kind="title", start=0, text=record.title)] if record.title else []
    if record.abstract:
        start = len(text) - len(record.abstract)
        passages.append(Passage(section="abstract", kind="abstract", start=start, text=record.abstract))
    return FullText(
        report_id=record.record_id,
        source="abstract",
        canonical=text,
        passages=tuple(passages),
        pmid=record.pmid,
        title=record.title,
    )


def chosen(report: ReadReport, task: Task, words: Sequence[str], characters: int) -> tuple[Passage, ...]:
    """The passages that a question about the report holds, as a language model is given them in a review."""
    return choose(
        report.text.passages,
        [word for word in words if word],
        characters=characters,
        cues=cues_for(task),
        tables_by_rows=task in ("results", "participants"),
    ).passages


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

_UNTELLING = frozenset(
    relevance.terms(
        "group groups arm treatment therapy intervention control condition patient participant subject daily day week"
        " month mg ml dose change mean score level rate total number percentage incidence outcome effect measure value"
        " significantly difference baseline follow-up time year result"
    )
)


def stems(*texts: str) -> frozenset[str]:
    """The telling stems of names; all stems where none of them tells much."""
    every = frozenset(term for text in texts for term in relevance.terms(text))
    return frozenset(term for term in every if term not in _UNTELLING and len(term) > 1) or every


def covered(wanted: frozenset[str], text: str) -> float:
    """Share of the stems that a text has.

    >>> covered(stems("postoperative pain"), "No pains were felt.")
    0.5
    """
    return len(wanted & set(relevance.terms(text))) / len(wanted) if wanted else 0.0


def nth(key: str, of: int) -> int:
    """A number below `of` from a key: the same for ever, and spread evenly."""
    return int(sha256_of(key)[:12], 16) % of
