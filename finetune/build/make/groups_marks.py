"""The marks of one abstract (PICO corpus): spans with their sentences, what the groups are called, their sizes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from finetune.build.kinds import Annotation
from finetune.build.make import annotated as read
from finetune.build.make.papers import NO_TEXT, Report
from finetune.instructions import About, Refusal
from model.baseline.counts import counts_in
from tools.fulltext import relevance
from tools.fulltext.quotes import sentences

if TYPE_CHECKING:
    from finetune.build.corpus import Corpus

__all__ = ["LONGEST", "Mark", "Marked", "marked"]

LONGEST = 600
"""Characters of a quote."""
MOST_WORDS = 25
"""Of a group's name."""


class Mark(NamedTuple):
    """A span that people marked, and the sentence it stands in."""

    kind: str
    start: int
    end: int
    text: str
    sentence: str
    at: int
    """Where its sentence begins."""

    @property
    def people(self) -> int | None:
        """The people that the span counts; None where it is no whole number, or one of something else."""
        before, after = self.sentence[: self.start - self.at], self.sentence[self.end - self.at :]
        if _NO_PEOPLE.match(after) or re.search(r"\b(?:per|every)\s$", before):
            return None
        found = counts_in(self.text)
        return found[0].value if len(found) == 1 else None


_NO_PEOPLE = re.compile(
    r"\W{0,3}(?:\([\d. ]+%\)\s)?(?:procedures?|eyes|breasts?|tumou?rs?|cycles?|samples?|radiologists?|events?|mg"
    r"|person)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Marked:
    """An abstract and its marks."""

    annotation: Annotation
    report: Report
    text: str
    marks: tuple[Mark, ...]
    """In the order of their places."""

    @property
    def asked(self) -> dict[str, Any]:
        """The report, as a task's input holds it: all of it."""
        return self.report.asked(self.report.passages)

    def of(self, kind: str) -> tuple[Mark, ...]:
        """The marks of a kind."""
        return tuple(mark for mark in self.marks if mark.kind == kind)

    def about(self, how: str, *why: str) -> About:
        """Where an instruction comes from."""
        return read.about(self.annotation, self.report, how, *why)

    def refused(self, task: str, why: str, what: str = "") -> Refusal:
        """Nothing is made of a part of it."""
        return read.refused(task, self.annotation, why, what)

    @cached_property
    def group_names(self) -> tuple[str, str] | None:
        """What the intervention group and the control group were given; None where it is not one thing each."""
        found = [_name(self.of("intervention")), _name(self.of("control"))]
        words = [read.stems(name) for name in found]
        if not all(found) or not _apart(words[0], words[1]):
            return None
        return found[0], found[1]

    def size(self, group: str) -> Mark | str | None:
        """The size of a group: its mark; a reason where several differ; None where none is marked."""
        marks = [m for m in self.of(f"{group}-participants") if m.people is not None]
        if not marks:
            return "no number in the mark" if self.of(f"{group}-participants") else None
        return marks[0] if len({m.people for m in marks}) == 1 else "several"

    def is_exceeded(self, total: Mark | None) -> bool:
        """Whether the groups together are more than a total; of all totals where none is named."""
        sizes = [self.size("intervention"), self.size("control")]
        counts = [m.people for m in sizes if isinstance(m, Mark) and m.people is not None]
        totals = [total] if total is not None else list(self.of("total-participants"))
        most = max((m.people for m in totals if m.people is not None), default=None)
        return most is not None and len(counts) == 2 and sum(counts) > most

    def names_group(self, name: str, mark: Mark) -> bool:
        """Whether a group is named in the sentence of a mark, written out or short."""
        return read.covered(read.names(name, self.shorts), mark.sentence) >= 0.5

    @cached_property
    def shorts(self) -> dict[str, tuple[str, ...]]:
        """The abbreviations that the abstract explains."""
        return relevance.abbreviations([self.text])


def marked(annotation: Annotation, corpus: Corpus) -> Marked | Refusal:
    """The marks of an annotation, or why there are none that can be used."""
    report = read.report_of(corpus, annotation)
    text = annotation.text
    if report is None or not text.strip():
        return read.refused("participants", annotation, NO_TEXT)
    if not all(p.text in text for p in report.passages):  # a full text: marks are places of the abstract
        report = read.text_of(annotation, corpus.record(annotation.pmid) if annotation.pmid else None)
    spans = sentences(text)
    marks = []
    for each in annotation.body.get("spans") or ():
        start, end = int(each["start"]), int(each["end"])
        place = next(((a, b) for a, b in spans if a <= start and end <= b), None)
        if place is not None:
            said = " ".join(text[start:end].split()).strip(" ,;:")
            marks.append(Mark(str(each["type"]), start, end, said, text[slice(*place)], place[0]))
    if not marks:
        return read.refused("participants", annotation, "no marks in its sentences")
    return Marked(annotation, report, text, tuple(sorted(marks, key=lambda m: (m.start, m.end, m.kind))))


def _apart(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two names differ in words, and not in a dose alone."""
    return any(not any(c.isdigit() for c in stem) for stem in one ^ other)


_BOTH = re.compile(
    r"\bwith(?: or |/)without\b|\bversus\b|\bvs\b|^without$|^with$|^(?:group|arm|schedule)s?\W+\w{1,3}$|^\w{1,3}$"
    r"|^(?:the )?(?:intervention|experimental|treatment|study)(?: group| arm)?$", re.IGNORECASE,
)  # fmt: skip
"""What names both groups, or tells nothing of what a group was given."""
_DOSE = re.compile(r"\s*[(\[][^()\[\]]*\d[^()\[\]]*[)\]]")


def _name(marks: Sequence[Mark]) -> str:
    """What a group is called: the mark that has the words of all others; empty where they are of several things."""
    texts = [re.sub(r"\s+", " ", _DOSE.sub("", m.text)).strip() for m in marks]
    if not texts or any(not text or _BOTH.search(text) or len(text.split()) > MOST_WORDS for text in texts):
        return ""
    longest = max(texts, key=lambda text: len(read.stems(text)))
    return longest if all(read.stems(text) <= read.stems(longest) for text in texts) else ""
