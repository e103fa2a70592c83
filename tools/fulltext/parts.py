"""A report as parts that are read together, and how near each stands to a question. Pure.

A part is a paragraph, or a table or figure with its caption and footnotes. Its nearness is its own words'
(`tools.fulltext.relevance`), and some of that of its neighbours in the section; a table or figure gets some from
each part that refers to it. What others found (introduction, discussion) and what stands behind the paper (funding,
contributions) counts half.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tools.fulltext import relevance
from tools.schemas import Passage

__all__ = ["Part", "Report", "chapter_of"]

OTHERS = 0.5
"""Weight of sections that tell of other work, or of nothing that is asked."""
BESIDE = 0.2
"""Share of its nearness that a part lends to its neighbours in the section."""
REFERRED = 0.2
"""Share of its nearness that a part lends to the tables and figures it refers to."""

_LABEL = re.compile(r"(?:supplementa\w+ |additional |online )?(?:e?table|fig(?:ure|\.)?|box|scheme|chart)s?\s*"
                    r"(?:[A-Z]?\d+|[IVX]+\b)", re.IGNORECASE)  # fmt: skip
_TABLE = re.compile(r"(?:supplementa\w+ |additional |online )?table\b", re.IGNORECASE)
_REFERENCE = re.compile(
    r"\b(table|fig(?:ure|\.)?)s?\s*([A-Z]?\d+)(?:\s*(?:,|and|&|to|-|–)\s*([A-Z]?\d+))*", re.IGNORECASE
)
_OWN = re.compile(r"method|material|patient|subject|participant|procedure|design|result|finding|outcome|efficacy"
                  r"|safety|statistic|intervention|treatment", re.IGNORECASE)  # fmt: skip
_OTHER = re.compile(r"introduction|background|discussion|conclusion|comment|limitation|interpretation|acknowledg"
                    r"|funding|competing|conflict|contribution|publication history|abbreviation|availability"
                    r"|references|disclosure|consent|authors", re.IGNORECASE)  # fmt: skip


@dataclass
class Part:
    """Passages that are read together."""

    members: tuple[int, ...]
    """Numbers of its passages."""
    headings: tuple[int, ...]
    """Numbers of the headings above it, the highest first."""
    section: str
    is_float: bool
    """A table or a figure."""
    score: float = 0.0
    """Nearness to the question."""

    @property
    def weight(self) -> float:
        """Of its section: what the report itself did and found counts whole."""
        chapter = chapter_of(self.section)
        others = not self.is_float and _OTHER.search(chapter) and not _OWN.search(chapter)
        return OTHERS if others else 1.0


def chapter_of(section: str) -> str:
    """The section of the highest level in a path of headings."""
    return section.split(" > ")[0]


class Report:
    """A report as parts, each with its nearness to the question."""

    def __init__(self, passages: tuple[Passage, ...]) -> None:
        self._passages = passages
        # Title and abstract: no parts, since they are read whatever the question is.
        self.always = tuple(n for n, p in enumerate(passages) if _is_always(p))
        self.parts = list(_parts(passages))
        self._terms = [relevance.terms(self._text(part)) for part in self.parts]

    def _text(self, part: Part) -> str:
        return " ".join([part.section, *(self._passages[n].text for n in part.members)])

    def has(self, asked: relevance.Terms) -> bool:
        """Whether any of these terms stands in a part."""
        return any(term in asked for part in self._terms for term in part)

    def weigh(self, asked: relevance.Terms, scores: Mapping[int, float]) -> None:
        """Give each part its own nearness, then what its neighbours and its references lend it.

        Args:
            asked: terms of the question with their weights.
            scores: `Passage.start` to a nearness from another source; of a part its best passage counts.
        """
        known = relevance.abbreviations(p.text for p in self._passages)
        own = relevance.bm25(self._terms, relevance.with_abbreviations(asked, known))
        best = max(own, default=0.0) or 1.0
        for part, score in zip(self.parts, own, strict=True):
            other = max(0.0, *(scores.get(self._passages[n].start, 0.0) for n in part.members))
            part.score = (score / best + other) * part.weight
        self._lend([part.score for part in self.parts])

    def _lend(self, own: Sequence[float]) -> None:
        floats = {label: part for part in self.parts if (label := self._label(part))}
        for n, part in enumerate(self.parts):
            for m in (n - 1, n + 1):
                if 0 <= m < len(self.parts) and self.parts[m].section == part.section:
                    part.score += BESIDE * own[m]
            if not part.is_float:
                for label in dict.fromkeys(_references(self._text(part))):
                    if label in floats:
                        floats[label].score += REFERRED * own[n]

    def _label(self, part: Part) -> str:
        found = _REFERENCE.match(self._passages[part.members[0]].text) if part.is_float else None
        return f"{found[1][0]}{found[2]}".lower() if found else ""

    def nearest_first(self) -> list[int]:
        """Numbers of the parts that have something of the question; equals in reading order."""
        near = [n for n, part in enumerate(self.parts) if part.score > 0]
        return sorted(near, key=lambda n: (-self.parts[n].score, n))

    def own_first(self) -> list[int]:
        """Numbers of all parts: methods, results and tables in reading order, then the others."""
        return sorted(range(len(self.parts)), key=lambda n: (-self.parts[n].weight, n))


def _references(text: str) -> Iterator[str]:
    for hit in _REFERENCE.finditer(text):
        for number in re.findall(r"[A-Z]?\d+", hit.group()):
            yield f"{hit[1][0]}{number}".lower()


def _is_always(passage: Passage) -> bool:
    """The paper's title and its abstract; translations and summaries in plain language are like any section."""
    if passage.kind == "title":
        return not passage.section or passage.section == "title"
    return passage.kind == "abstract" and not passage.section.lower().startswith("abstract (")


def _parts(passages: tuple[Passage, ...]) -> Iterator[Part]:
    headings: dict[str, int] = {}
    group: list[int] = []

    def closed() -> Iterator[Part]:
        if group:
            first = passages[group[0]]
            paths = first.section.split(" > ")
            above = (headings.get(" > ".join(paths[: n + 1])) for n in range(len(paths)))
            yield Part(
                tuple(group), tuple(n for n in above if n is not None), first.section, first.kind in _FLOAT
            )
            group.clear()

    for n, passage in enumerate(passages):
        if _is_always(passage):
            yield from closed()
        elif passage.kind == "title":
            yield from closed()
            headings[passage.section] = n
        else:
            if not (group and _goes_on(passages, group, n)):
                yield from closed()
            group.append(n)
    yield from closed()


_FLOAT = ("caption", "table")


def _goes_on(passages: Sequence[Passage], group: Sequence[int], n: int) -> bool:
    """Whether a passage belongs to the table or figure before it."""
    first, passage = passages[group[0]], passages[n]
    if first.kind not in _FLOAT or first.section != passage.section:
        return False
    has_table = any(passages[m].kind == "table" for m in group)
    if passage.kind == "table":
        return True
    if passage.kind == "paragraph":  # a PDF has no tables, only their lines below the caption
        return not has_table and _TABLE.match(first.text) is not None and _is_no_prose(passage.text)
    if _LABEL.match(passage.text):
        return False
    # Without a label: a caption stands right above its table, a footnote below.
    return not (has_table and n + 1 < len(passages) and passages[n + 1].kind == "table")


def _is_no_prose(text: str) -> bool:
    """Lines of a table: a quarter of the words hold a digit, or a few words and no full stop."""
    words = text.split()
    return 4 * sum(any(c.isdigit() for c in word) for word in words) >= len(words) or (
        len(words) <= 15 and not text.endswith((".", ":", "?", "!"))
    )
