"""Lines of text on the pages of a PDF, made into passages of a report. Pure.

A PDF knows neither paragraphs nor headings: both are guessed here from gaps, indents and sizes, and cautiously,
since a passage that is cut in the wrong place can still be quoted, and a wrong section misleads. Headings are known
by their words alone. Running heads and page numbers go; words divided at the end of a line are joined.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Any, Literal, NamedTuple

from tools.fulltext.pdf_pages import Line, Page, hidden_in, is_garbled
from tools.identifiers import normal_doi, registry_ids
from tools.schemas import FullText, Passage

__all__ = ["VERSION", "full_text"]

VERSION = 1
"""Raised when the same pages give another text."""

_Kind = Literal["title", "abstract", "paragraph", "caption", "table"]


class _Block(NamedTuple):
    section: str
    kind: _Kind
    text: str


# Lines -------------------------------------------------------------------------------------------

_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(r"(?:page )?[ivxlc\d]{1,5}(?: ?(?:of|/) ?\d{1,4})?", re.IGNORECASE)


def _without_running(pages: Sequence[Page]) -> list[list[Line]]:
    """Lines of each page but for heads and feet that come again on other pages, and page numbers."""
    counts: Counter[str] = Counter()
    for page in pages:
        counts.update({_pattern(line) for line in page.lines if _at_the_edge(line, page)})
    often = max(3, round(0.3 * len(pages)))
    return [
        [
            line
            for line in page.lines
            if not (
                _at_the_edge(line, page)
                and (counts[_pattern(line)] >= often or _PAGE_NUMBER.fullmatch(line.text))
            )
        ]
        for page in pages
    ]


def _at_the_edge(line: Line, page: Page) -> bool:
    return bool(page.height) and not 0.1 < line.y / page.height < 0.92


def _pattern(line: Line) -> str:
    return _DIGITS.sub("#", line.text.casefold())


# Headings ----------------------------------------------------------------------------------------

_HEADINGS = {
    "Abstract": "abstract|summary|synopsis",
    "Introduction": "introduction|background",
    "Objectives": "objectives?|aims?|purpose",
    "Methods": r"(?:(?:materials?|patients|subjects|participants)(?: and |/| & ))?methods?"
    r"(?:(?: and |/| & )(?:materials?|design|analys[ie]s))?"
    r"|methodology|experimental procedures?|(?:study )?design(?:(?: and |/| & )methods?)?",
    "Results": r"results?|findings|results and discussion",
    "Discussion": r"discussion|comments?",
    "Conclusions": r"conclusions?|interpretation",
    "Acknowledgements": r"acknowledge?ments?",
    "Funding": r"funding|financial support|sources? of (?:funding|support)",
    "Competing interests": r"(?:(?:conflicts?|declarations?) of )?(?:competing )?interests?|disclosures?",
    "References": "references|bibliography|literature cited|works cited",
    "Appendix": r"appendix(?: [a-z0-9])?|supplementary (?:materials?|data|information)",
}
_HEADING = re.compile(
    r"(?:(?:\d{1,2}|[ivx]{1,4})(?:\.|\s|\))\s*)?(?:"
    + "|".join(f"(?P<h{i}>{words})" for i, words in enumerate(_HEADINGS.values()))
    + r")\s*[:.]?",
    re.IGNORECASE,
)
_NAMES = tuple(_HEADINGS)
# `Table 2 shows` goes on with a sentence; a caption goes on with a capital or a sign, or ends.
_CAPTION = re.compile(
    r"(?i:supplementary |appendix )?(?i:table|figure|fig\.?|box) ?[A-Z]?\d{1,2}[a-z]?(?=$|\s*[.:|–—-]|\s+[A-Z(])"
)
_INSIDE_ABSTRACT = frozenset(_NAMES[1:7])


def _heading(text: str) -> str:
    """The section that a line opens, or an empty string."""
    squeezed = text.replace(" ", "") if re.fullmatch(r"(?:\w )+\w", text) else text  # A B S T R A C T
    found = _HEADING.fullmatch(squeezed.strip())
    return _NAMES[int(found.lastgroup[1:])] if found and found.lastgroup else ""


# Paragraphs --------------------------------------------------------------------------------------


class _Writer:
    """Takes lines one after the other, and gives blocks."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.body_size = _usual([line.size for line in lines])
        below = [a.y - b.y for a, b in pairwise(lines) if 0 < a.y - b.y < 3 * max(a.size, 1.0)]
        self.leading = _usual(below) or 1.2 * self.body_size
        self.words = Counter(
            w for line in lines for w in re.findall(r"\w+(?:-\w+)*", line.text.casefold())[:-1]
        )
        known = [(h, line.size) for line in lines if (h := _heading(line.text))]
        self.later = Counter(heading for heading, _ in known)
        larger = [size for _, size in known if size >= 1.1 * self.body_size]
        self.heading_size = _usual(larger) if 2 * len(larger) > len(known) > 2 else None
        self.section = ""
        self.blocks: list[_Block] = []
        self._open: list[Line] = []

    def add(self, line: Line) -> None:
        if heading := _heading(line.text) or self._looks_like_one(line):
            self._close()
            self.later[heading] -= 1
            # A structured abstract has headings that the paper has again; what comes again later opens nothing here.
            inside = self.section.startswith("Abstract") and heading in _INSIDE_ABSTRACT
            self.section = f"Abstract > {heading}" if inside and self.later[heading] > 0 else heading
            self.blocks.append(_Block(self.section, self._kind("title"), line.text))
            return
        if self._open and self._begins(line):
            self._close()
        self._open.append(line)

    def _looks_like_one(self, line: Line) -> str:
        """A short line in the type of the known headings, after the first of them."""
        if self.heading_size is None or not self.section or abs(line.size - self.heading_size) > 0.2:
            return ""
        name = re.sub(r"^\d{1,2}\.?\s+", "", line.text)
        return name if name[:1].isupper() and len(name.split()) <= 10 and not _CAPTION.match(name) else ""

    def end(self) -> list[_Block]:
        self._close()
        return self.blocks

    def _begins(self, line: Line) -> bool:
        before = self._open[-1]
        if _CAPTION.match(line.text) or abs(line.size - before.size) > 0.15 * max(self.body_size, 1.0):
            return True
        down = before.y - line.y
        if down < -0.5 * self.leading or down > 6 * self.leading:  # another column or page
            return before.text.endswith((".", "?", "!", ":")) or line.text[:1].isupper()
        if down > 1.45 * self.leading:
            return True
        indent = line.x - before.x
        ended = before.text.endswith((".", "?", "!", ":"))
        return 0.5 * line.size < indent < 4 * line.size and ended and not line.text[:1].islower()

    def _close(self) -> None:
        if self._open:
            text = self._joined([line.text for line in self._open])
            kind: _Kind = "caption" if _CAPTION.match(text) else "paragraph"
            self.blocks.append(_Block(self.section, self._kind(kind), text))
            self._open = []

    def _kind(self, kind: _Kind) -> _Kind:
        return "abstract" if self.section.startswith("Abstract") and kind in ("paragraph", "title") else kind

    def _joined(self, lines: Sequence[str]) -> str:
        text = lines[0]
        for line in lines[1:]:
            if text.endswith("\u00ad"):
                text = text[:-1] + line
            elif (cut := re.search(r"([^\W\d_]+)[-‐]$", text)) and line[:1].islower():
                text = text if self._is_compound(cut.group(1), line) else text[:-1]
                text += line
            else:
                text = f"{text} {line}"
        return text

    def _is_compound(self, first: str, line: str) -> bool:
        """Whether the hyphen belongs to the word: the text has it elsewhere, inside a line."""
        rest = re.match(r"\w+", line)
        second = rest.group() if rest else ""
        whole, divided = f"{first}{second}".casefold(), f"{first}-{second}".casefold()
        return self.words[divided] > self.words[whole]


def _usual(values: Sequence[float]) -> float:
    return median(values) if values else 0.0


# Whole -------------------------------------------------------------------------------------------


def full_text(pages: Sequence[Page], *, report_id: str, source: str) -> FullText:
    """The text of a report, from pages that `pdf_pages.trouble` finds nothing wrong with.

    Returns:
        Passages as in `jats.parse`, but no passage is a table: the lines of a table are paragraphs. Title,
        DOI, PMID and PMCID are those that the first page names, where it names one only.
        `canonical[p.start:p.start + len(p.text)] == p.text` for each passage.
    """
    kept = _without_running(pages)
    lines = [line for page in kept for line in page]
    writer = _Writer(lines)
    title = _title(kept[0] if kept else [], pages[0].height, writer.body_size)
    for line in lines:
        writer.add(line)
    blocks = writer.end()
    canonical = "\n".join(block.text for block in blocks)
    first = "\n".join(line.text for line in pages[0].lines)
    return FullText(
        report_id=report_id,
        source=source,
        canonical=canonical,
        passages=tuple(_placed(blocks)),
        title=title,
        registry_ids=registry_ids(canonical),
        warnings=tuple(_warnings(pages, kept)),
        **_ids(first, canonical),
    )


def _placed(blocks: Sequence[_Block]) -> Iterator[Passage]:
    start = 0
    for block in blocks:
        yield Passage(section=block.section, kind=block.kind, start=start, text=block.text)
        start += len(block.text) + 1


def _title(lines: Sequence[Line], height: float, body: float) -> str:
    """The largest type on the upper part of the first page, where it is larger than the text."""
    upper = [line for line in lines if line.y > 0.4 * height]
    if not upper:
        return ""
    # A journal's name or a drop capital is larger still, but too short to be a title.
    for size in sorted({line.size for line in upper if line.size >= 1.15 * body}, reverse=True)[:10]:
        of_size = [line.text for line in upper if abs(line.size - size) < 0.5]
        text = " ".join(of_size)
        if len(text.split()) >= 3 and 20 <= len(text) <= 400 and not _heading(text):
            return text
    return ""


_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>]+(?:(?<=[./-])\n[^\s\"<>]+)?")
# Publishers print the article's DOI behind or before these words, also where its first page has none.
_CITE_AS = re.compile(
    r"(?:cite this article(?: as)?|how to cite)\b.{0,500}?(10\.\d{4,9}/[^\s\"<>]+)"
    r"|(10\.\d{4,9}/[^\s\"<>]+)\s+cite this article\b",
    re.IGNORECASE | re.DOTALL,
)


def _ids(first_page: str, whole: str) -> dict[str, str | None]:
    """Those of the first page, where it names one only; a DOI also from the place that says how to cite."""
    cited = [one or other for one, other in _CITE_AS.findall(whole)]
    given = _DOI.findall(first_page) or cited
    dois = {doi for one in given if (doi := normal_doi(one.replace("\n", "").rstrip(")];")))}
    pmids = set(re.findall(r"\bPMID:? ?([1-9]\d{4,7})\b", first_page))
    pmcids = set(re.findall(r"\bPMC[1-9]\d{4,8}\b", first_page))
    return {
        name: next(iter(found)) if len(found) == 1 else None
        for name, found in (("doi", dois), ("pmid", pmids), ("pmcid", pmcids))
    }


def _warnings(pages: Sequence[Page], kept: Sequence[Sequence[Line]]) -> Iterator[str]:
    yield "read from a PDF: tables are plain lines, and columns come in the order in which the file draws them"
    for why, count in sorted(hidden_in(pages).items()):
        yield f"left out: {count:,} characters that nobody can see ({why})"
    if ocr := _numbers(page.ocr for page in pages):
        yield f"page {ocr}: the text comes from text recognition; compare its numbers with the page"
    if garbled := _numbers(any(is_garbled(line.text) for line in lines) for lines in kept):
        yield f"page {garbled}: some of its type does not say which letters it shows; read it there yourself"
    bare = [page.images > 0 and not lines for page, lines in zip(pages, kept, strict=True)]
    if pictures := _numbers(bare):
        yield f"page {pictures}: a picture without text"


def _numbers(flags: Any) -> str:
    return ", ".join(str(number) for number, flag in enumerate(flags, 1) if flag)
