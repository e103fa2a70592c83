"""A report as the extraction rules read it: its sentences, and what a rule found in one. Pure."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from model.tasks.characteristics import CharacteristicsInput
from model.tasks.paper import PaperInput
from tools.fulltext.quotes import sentences
from tools.schemas import FieldSpec

__all__ = ["Finding", "Rule", "Sentence", "any_case", "sentences_of", "told"]


@dataclass(frozen=True)
class Sentence:
    """A sentence with its place in the report."""

    text: str
    section: str
    """Lower case; `title` and `abstract` for these."""
    prose: bool
    """False in tables and captions, where phrases mean something else."""

    @property
    def about_itself(self) -> bool:
        """Title, abstract and methods speak of this study; introduction and discussion of others."""
        return self.prose and bool(_OWN.search(self.section))

    @property
    def about_its_sample(self) -> bool:
        """As `about_itself`, and results."""
        return self.about_itself or (self.prose and "result" in self.section)


_OWN = re.compile(
    r"^title$|abstract|method|participant|patient|subject|design|setting|randomi|procedure|intervention|population"
)


@dataclass(frozen=True)
class Finding:
    """A value, and the sentence that holds it."""

    value: str
    quote: str
    unit: str | None = None


Rule = Callable[[FieldSpec, Sequence[Sentence]], Finding | None]
"""A field and a report to a finding, or None: the rule abstains."""


def any_case(*patterns: str) -> re.Pattern[str]:
    """One pattern for any of these; groups in them stay."""
    return re.compile("|".join(patterns), re.IGNORECASE)


def sentences_of(asked: CharacteristicsInput | PaperInput) -> Iterator[Sentence]:
    """All sentences in reading order. Headings of sections are no sentences."""
    for number, passage in enumerate(asked.passages):
        if passage.kind == "title" and number:
            continue
        section = passage.kind if passage.kind in ("title", "abstract") else passage.section.lower()
        prose = passage.kind in ("title", "abstract", "paragraph")
        for start, end in sentences(passage.text):
            yield Sentence(passage.text[start:end], section, prose)


def told(patterns: Iterable[re.Pattern[str]], among: Sequence[Sentence], group: str) -> Finding | None:
    """What the first sentence with one of the phrases says; earlier patterns are the surer ones."""
    for pattern in patterns:
        for sentence in among:
            if sentence.prose and (hit := pattern.search(sentence.text)) is not None:
                return Finding(hit[group].strip(" ,"), sentence.text)
    return None
