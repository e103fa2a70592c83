"""JATS full texts (PubMed Central, Europe PMC): bytes in, passages in reading order out. Pure.

JATS 1.0 to 1.3 and the NLM 2.x tags before it (jats.nlm.nih.gov/archiving). Citation markers are
dropped, spans of tables are filled in, and what could not be read is said in `FullText.warnings`.
The paper is data: no DTD is loaded, no entity expanded, no address opened.
"""

import re
from collections.abc import Iterator
from html.entities import html5
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tools.errors import ReviewError
from tools.fulltext import jats_xml as xml
from tools.records.linking import registry_ids
from tools.schemas import FullText, Passage

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["UnreadableFullText", "parse"]

MAX_BYTES = 50 * 1024 * 1024
MAX_SPAN = 100  # columns or rows; the widest real table seen has 24
MAX_TABLE_CHARS = 2_000_000  # a small file can ask for a huge table through spans

_Kind = Literal["title", "abstract", "paragraph", "caption", "table"]


class _Block(NamedTuple):
    section: str
    kind: _Kind
    text: str


_FLOATS = {"table-wrap", "table-wrap-group", "fig", "fig-group", "media", "supplementary-material",
           "chem-struct-wrap", "graphic"}  # fmt: skip
_CONTAINERS = {"sec", "ack", "app", "app-group", "notes", "glossary", "fn-group", "fn", "boxed-text",
               "disp-quote", "list", "list-item", "def-list", "floats-group", "statement", "verse-group",
               "speech", "bio", "author-notes", "disp-formula-group"}  # fmt: skip
_PMC_ID_TYPES = ("pmcid", "pmc", "pmcaid", "pmc-uid")
_NOTICES = {"retraction": "a retraction notice", "correction": "a correction", "expression-of-concern":
            "an expression of concern", "abstract": "an abstract only"}  # fmt: skip


class UnreadableFullText(ReviewError):
    """These bytes hold no article that can be read by machine. A person can still read the report.

    `kind` names the reason in one word, such as `malformed`, `encrypted` or `scanned`.
    """

    def __init__(self, report_id: str, what: str, *, kind: str = "malformed") -> None:
        super().__init__(
            f"full text of {report_id} cannot be read: {what}; read it yourself and fill in its cells by "
            "hand, or supply another file"
        )
        self.report_id, self.what, self.kind = report_id, what, kind


def parse(data: bytes, *, report_id: str, source: str) -> FullText:
    """Read one JATS article.

    Args:
        data: the XML, uncompressed, 50 MB at most.
        report_id: id of the report in this review, passed through.
        source: where the bytes came from (file name or service), passed through.

    Returns:
        The text in reading order: title, abstracts, body, back matter, floats. Each section's heading is
        a passage of kind `title`, and `Passage.section` is its path (`Methods > Randomisation`). Tables
        are lines of cells separated by ` | `, with the text of a spanning cell in each place it covers.
        A superscript after a digit is written `10^9`, since `109` would be another number.
        `canonical[p.start:p.start + len(p.text)] == p.text` for each passage.

    Raises:
        UnreadableFullText: not XML, broken XML, not exactly one article, or no text in it.
    """
    warnings: list[str] = []
    root = _root(data, report_id, warnings)
    article = _article(root, report_id)
    try:
        blocks = [b for b in _article_blocks(article, warnings) if b.text]
        front = " ".join(_front_texts(article))
    except RecursionError as e:
        raise UnreadableFullText(report_id, "its elements are nested too deeply") from e
    if not blocks:
        raise UnreadableFullText(report_id, "the article has neither title, abstract nor body")
    canonical = "\n".join(b.text for b in blocks)
    return FullText(
        report_id=report_id,
        source=source,
        canonical=canonical,
        passages=tuple(_placed(blocks)),
        title=blocks[0].text if blocks[0].kind == "title" and not blocks[0].section else "",
        # Line by line: few lines hold a long number, and only those are looked at closely.
        registry_ids=tuple(
            dict.fromkeys(n for line in (front, *canonical.split("\n")) for n in registry_ids(line))
        ),
        warnings=tuple(dict.fromkeys(warnings)),
        **_ids(article),
    )


def _placed(blocks: list[_Block]) -> Iterator[Passage]:
    start = 0
    for block in blocks:
        yield Passage(section=block.section, kind=block.kind, start=start, text=block.text)
        start += len(block.text) + 1


# XML ---------------------------------------------------------------------------------------------


def _root(data: bytes, report_id: str, warnings: list[str]) -> "Element":
    from lxml import etree

    if len(data) > MAX_BYTES:
        raise UnreadableFullText(report_id, f"{len(data):,} bytes, more than the {MAX_BYTES:,} we read")
    if not data.strip():
        raise UnreadableFullText(report_id, "the file is empty")

    def read(raw: bytes) -> "Element":
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        root: Element | None = etree.fromstring(raw, parser)
        if root is None:
            raise UnreadableFullText(report_id, "the file holds no element")
        return root

    try:
        root = read(data)
    except etree.XMLSyntaxError as e:
        # Without a DOCTYPE a named entity is fatal to the parser, though HTML's names say what it is.
        if "not defined" not in str(e):
            raise UnreadableFullText(report_id, f"not well-formed XML ({e})") from e
        try:
            root = read(re.sub(rb"&([A-Za-z][A-Za-z0-9]*);", _numeric, data))
        except etree.XMLSyntaxError as again:
            raise UnreadableFullText(report_id, f"not well-formed XML ({again})") from again
        warnings.append(f"undefined entities were read by their HTML names ({e})")
    dtd: Any = root.getroottree().docinfo.internalDTD  # its stubs know no entities
    if dtd is not None and next(iter(dtd.iterentities()), None) is not None:
        # NLM's answers have a DOCTYPE but never declare entities; a declaration is an attack or a mistake.
        raise UnreadableFullText(report_id, "the file declares XML entities of its own")
    return root


def _numeric(match: re.Match[bytes]) -> bytes:
    name = match.group(1).decode()
    if name in ("amp", "lt", "gt", "quot", "apos"):
        return match.group()
    return "".join(f"&#{ord(c)};" for c in html5.get(f"{name};", f"&{name};")).encode()


def _article(root: "Element", report_id: str) -> "Element":
    articles = [root] if xml.name(root) == "article" else [e for e in root.iter() if xml.name(e) == "article"]
    articles = [a for a in articles if not any(xml.name(up) == "article" for up in a.iterancestors())]
    if len(articles) == 1:
        return articles[0]
    said = " ".join(xml.text(e) for e in root.iter() if xml.name(e) == "error")
    if said or not articles:
        raise UnreadableFullText(
            report_id, f"no JATS article in <{xml.name(root)}>{said and ': ' + said[:200]}"
        )
    raise UnreadableFullText(report_id, f"{len(articles)} articles in one file")


# Blocks ------------------------------------------------------------------------------------------


def _article_blocks(article: "Element", warnings: list[str]) -> Iterator[_Block]:
    meta = xml.descend(article, "front", "article-meta")
    if meta is not None:
        yield from _front(meta)
    if (kind := article.get("article-type", "")) in _NOTICES:
        warnings.append(f"this is {_NOTICES[kind]}")
    body = xml.child(article, "body")
    if body is None or not xml.text(body):
        warnings.append("no body: the file holds only what stands in front of it")
    for name in ("body", "back", "floats-group"):
        for part in xml.children(article, name):
            yield from _blocks(part, "", warnings)
    for name in ("sub-article", "response"):
        for other in xml.children(article, name):
            warnings.append(
                f"left out: {name} {other.get('article-type', '')} {other.get('id', '')}".rstrip()
            )


def _front(meta: "Element") -> Iterator[_Block]:
    titles = xml.child(meta, "title-group")
    if titles is not None:
        parts = [xml.text(xml.child(titles, name)) for name in ("article-title", "subtitle")]
        yield _Block("", "title", ": ".join(p for p in parts if p))
    for child in meta:
        if xml.name(child) in ("abstract", "trans-abstract"):
            marks = [child.get("abstract-type"), child.get("{http://www.w3.org/XML/1998/namespace}lang")]
            named = ", ".join(m for m in marks[: 2 if xml.name(child) == "trans-abstract" else 1] if m)
            yield from _abstract(child, f"Abstract ({named})" if named else "Abstract")


def _abstract(abstract: "Element", section: str) -> Iterator[_Block]:
    for block in _blocks(abstract, section, []):
        yield block._replace(kind="abstract" if block.kind in ("paragraph", "title") else block.kind)


def _blocks(parent: "Element", section: str, warnings: list[str]) -> Iterator[_Block]:
    """All blocks below `parent` in document order; an unknown element with text is a paragraph."""
    heading = xml.text(xml.child(parent, "title"))
    label = xml.text(xml.child(parent, "label"))
    if heading:
        section = f"{section} > {heading}" if section else heading
        yield _Block(section, "title", f"{label} {heading}".strip())
    for child in parent:
        name = xml.name(child)
        if name in ("", "&", "title", "label") or name in xml.NOT_TEXT - {"graphic"}:
            continue
        if name == "p":
            blocks = _paragraph(child, section, warnings)
        elif name in _FLOATS:
            blocks = _float(child, section, warnings)
        elif name in _CONTAINERS:
            blocks = _blocks(child, section, warnings)
        elif name == "def-item":
            term, meaning = xml.text(xml.child(child, "term")), xml.text(xml.child(child, "def"))
            blocks = iter([_Block(section, "paragraph", f"{term}: {meaning}")])
        else:
            if name == "disp-formula" and not xml.text(child):
                warnings.append(f"formula as image only in {section or 'the body'}")
            blocks = iter([_Block(section, "paragraph", xml.text(child))])
        if label and not heading:  # a numbered list item, a footnote: its label goes to its first block
            first = next(blocks, _Block(section, "paragraph", ""))
            yield first._replace(text=f"{label} {first.text}".strip())
            label = ""
        yield from blocks


def _paragraph(p: "Element", section: str, warnings: list[str]) -> Iterator[_Block]:
    """A paragraph; lists and quotations in it keep their place, tables and figures come after it."""
    floats: list[Element] = []
    raw = [p.text or ""]
    for child in p:
        name = xml.name(child)
        if name in _FLOATS:
            floats.append(child)
            raw.append(" ")
        elif name in _CONTAINERS:
            yield _Block(section, "paragraph", xml.tidy("".join(raw)))
            yield from _blocks(child, section, warnings)
            raw = []
        else:
            if name == "disp-formula" and not xml.text(child):
                warnings.append(f"formula as image only in {section or 'the body'}")
            raw += xml.inline(child, "".join(raw[-3:]))
        raw.append(child.tail or "")
    yield _Block(section, "paragraph", xml.tidy("".join(raw)))
    for element in floats:
        yield from _float(element, section, warnings)


def _float(element: "Element", section: str, warnings: list[str]) -> Iterator[_Block]:
    name = xml.name(element)
    label = xml.text(xml.child(element, "label"))
    caption = " ".join(t for c in xml.children(element, "caption") if (t := xml.text(c)))
    yield _Block(section, "caption", f"{label} {caption}".strip())
    tables = list(_own_tables(element))
    for table in tables:
        yield _Block(section, "table", _table(table, label, warnings))
    if name == "table-wrap" and not any(xml.text(t) for t in tables):
        warnings.append(f"{label or 'a table'} is an image: its numbers cannot be read here")
    for child in element:
        if xml.name(child) in ("table-wrap", "fig", "media"):
            yield from _float(child, section, warnings)
        elif xml.name(child) == "table-wrap-foot":
            for note in child:
                yield _Block(section, "caption", xml.text(note))
        elif xml.name(child) in ("p", "list"):
            yield from _paragraph(child, section, warnings)


def _own_tables(element: "Element") -> Iterator["Element"]:
    """Tables of this float itself: HTML tables, or the groups of a CALS table."""
    for child in element:
        if xml.name(child) == "alternatives" or (
            xml.name(child) == "table" and xml.child(child, "tgroup") is not None
        ):
            yield from _own_tables(child)
        elif xml.name(child) in ("table", "tgroup"):
            yield child


# Tables ------------------------------------------------------------------------------------------


def _table(table: "Element", label: str, warnings: list[str]) -> str:
    """Lines of cells; each cell stands in every row and column that it spans."""
    columns = [c.get("colname", "") for c in table.iter() if xml.name(c) == "colspec"]
    groups = [g for g in table if xml.name(g) in ("thead", "tbody", "tfoot")] or [table]
    if any(xml.name(inner) in ("table", "tgroup") and inner is not table for inner in table.iter()):
        warnings.append(f"{label or 'a table'} holds a table in a cell: that cell is one line of text")
    if any(xml.name(child) in ("tr", "row") for child in table):
        groups = [table]
    lines: list[str] = []
    for group in groups:
        rows = [[_cell(c, columns) for c in row if xml.name(c) in ("td", "th", "entry")]
                for row in group if xml.name(row) in ("tr", "row")]  # fmt: skip
        asked = sum(cell.rows * cell.columns * len(cell.text) for row in rows for cell in row)
        if asked > MAX_TABLE_CHARS:
            warnings.append(f"{label or 'a table'} is too large to fill in its spanning cells")
            rows = [[cell._replace(rows=1, columns=1) for cell in row] for row in rows]
        lines += [" | ".join(line) for line in _grid(rows) if any(line)]
    return "\n".join(lines)


class _Cell(NamedTuple):
    text: str
    rows: int
    columns: int


def _cell(cell: "Element", columns: list[str]) -> _Cell:
    if xml.name(cell) != "entry":
        return _Cell(xml.text(cell), _span(cell.get("rowspan")), _span(cell.get("colspan")))
    first, last = cell.get("namest", ""), cell.get("nameend", "")  # the CALS table model
    wide = columns.index(last) - columns.index(first) + 1 if {first, last} <= set(columns) else 1
    return _Cell(xml.text(cell), _span(cell.get("morerows"), 0) + 1, max(1, min(wide, MAX_SPAN)))


def _span(given: str | None, default: int = 1) -> int:
    # rowspan="0" means "to the end of the group" in HTML; the group's end cuts it off.
    given = (given or "").strip()
    if not given.isascii() or not given.isdigit():
        return default
    return min(int(given[:6]), MAX_SPAN) or (MAX_SPAN if default else 0)


def _grid(rows: list[list[_Cell]]) -> Iterator[list[str]]:
    hanging: dict[int, tuple[str, int]] = {}  # column -> text from above, rows still to fill
    for row in rows:
        line: dict[int, str] = {}
        below: dict[int, tuple[str, int]] = {}
        for column, (text, left) in hanging.items():
            line[column] = text
            if left > 1:
                below[column] = (text, left - 1)
        column = 0
        for cell in row:
            while column in line:
                column += 1
            for at in range(column, column + cell.columns):
                if at not in line:
                    line[at] = cell.text
                    if cell.rows > 1:
                        below[at] = (cell.text, cell.rows - 1)
            column += cell.columns
        hanging = below
        yield [line.get(at, "") for at in range(max(line, default=-1) + 1)]


# Identifiers -------------------------------------------------------------------------------------


def _ids(article: "Element") -> dict[str, str | None]:
    """pmid, pmcid (with PMC) and doi of the article itself, never of its references."""
    meta = xml.descend(article, "front", "article-meta")
    given: dict[str, str] = {}
    for element in xml.children(meta, "article-id") if meta is not None else ():
        given.setdefault(element.get("pub-id-type", ""), xml.text(element))
    pmc = next((given[t] for t in _PMC_ID_TYPES if given.get(t)), "")
    digits = re.fullmatch(r"(?:PMC)?0*(\d+)(?:\.\d+)?", pmc, re.IGNORECASE)
    pmid = re.fullmatch(r"0*([1-9]\d*)", given.get("pmid", ""))
    doi = re.search(r"10\.\d{4,9}/\S+", given.get("doi", "").lower())
    return {
        "pmid": pmid.group(1) if pmid else None,
        "pmcid": f"PMC{digits.group(1)}" if digits else None,
        "doi": doi.group() if doi else None,
    }


def _front_texts(article: "Element") -> Iterator[str]:
    """Where registrations hide besides the text: links, related objects and custom metadata."""
    front = xml.child(article, "front")
    for element in front.iter() if front is not None else ():
        if isinstance(element.tag, str):
            yield from (element.text or "", element.tail or "", *map(str, element.attrib.values()))
