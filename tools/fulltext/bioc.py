"""BioC JSON of PubMed Central: bytes in, passages in reading order out. Pure.

BioC holds less than JATS (flat tables, no lists), so it is read only where JATS is not to be had. Its passages come
with a section type (TITLE, ABSTRACT, METHODS, …) and a type (paragraph, title_1, fig_caption, table, …).

Source: Comeau et al. 2019, doi:10.1093/bioinformatics/btz070, and the API's page
(https://www.ncbi.nlm.nih.gov/research/bionlp/APIs/BioC-PMC/).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from tools.fulltext import jats
from tools.fulltext.jats import UnreadableFullText
from tools.identifiers import normal_doi, normal_pmcid, normal_pmid, registry_ids
from tools.schemas import FullText, Passage

__all__ = ["parse"]

MAX_BYTES = 50 * 1024 * 1024

_Kind = Literal["title", "abstract", "paragraph", "caption", "table"]

_SECTIONS = {
    "ABSTRACT": "Abstract",
    "INTRO": "Introduction",
    "METHODS": "Methods",
    "RESULTS": "Results",
    "DISCUSS": "Discussion",
    "CONCL": "Conclusions",
    "CASE": "Case",
    "APPENDIX": "Appendix",
    "SUPPL": "Supplementary material",
    "ACK_FUND": "Acknowledgements",
    "AUTH_CONT": "Contributions",
    "COMP_INT": "Competing interests",
    "ABBR": "Abbreviations",
    "KEYWORD": "Keywords",
}
_LEFT_OUT = frozenset({"REF"})
_ANYWHERE = frozenset({"TABLE", "FIG"})


class _Block(NamedTuple):
    section: str
    kind: _Kind
    text: str


def parse(data: bytes, *, report_id: str, source: str) -> FullText:
    """Read one document.

    Args:
        data: a BioC collection in JSON, or a list of collections with one document in all.
        report_id, source: passed through.

    Returns:
        As `jats.parse`; a table is read with its spans where the document carries its XML.

    Raises:
        UnreadableFullText: no such JSON, not exactly one document, or no text in it.
    """
    document = _document(data, report_id)
    passages = [p for p in document.get("passages", []) if isinstance(p, dict)]
    warnings: list[str] = []
    blocks = [block for block in _blocks(passages, warnings) if block.text]
    if not blocks:
        raise UnreadableFullText(report_id, "the BioC document holds no text")
    if not any(block.kind == "paragraph" for block in blocks):
        warnings.append("no body: the file holds only what stands in front of it")
    canonical = "\n".join(block.text for block in blocks)
    front = _infons(passages[0])
    return FullText(
        report_id=report_id,
        source=source,
        canonical=canonical,
        passages=tuple(_placed(blocks)),
        title=blocks[0].text if blocks[0].kind == "title" and not blocks[0].section else "",
        pmid=normal_pmid(front.get("article-id_pmid", "")),
        pmcid=normal_pmcid(front.get("article-id_pmc", "")),
        doi=normal_doi(front.get("article-id_doi", "")),
        registry_ids=registry_ids(canonical),
        warnings=("read from BioC, which keeps less of an article than JATS", *dict.fromkeys(warnings)),
    )


def _document(data: bytes, report_id: str) -> Mapping[str, Any]:
    if len(data) > MAX_BYTES:
        raise UnreadableFullText(report_id, f"{len(data):,} bytes, more than the {MAX_BYTES:,} we read")
    try:
        said = json.loads(data)
    except (ValueError, RecursionError) as e:
        raise UnreadableFullText(report_id, f"neither XML nor JSON ({e})") from e
    collections = said if isinstance(said, list) else [said]
    documents = [
        document
        for collection in collections
        if isinstance(collection, dict) and isinstance(collection.get("documents"), list)
        for document in collection["documents"]
        if isinstance(document, dict)
    ]
    if len(documents) != 1:
        raise UnreadableFullText(report_id, f"JSON with {len(documents)} BioC documents in place of one")
    return documents[0]


def _blocks(passages: list[Any], warnings: list[str]) -> Iterator[_Block]:
    section, heading = "", ""
    for passage in passages:
        infons = _infons(passage)
        part, kind = infons.get("section_type", "").upper(), infons.get("type", "").lower()
        text = " ".join(str(passage.get("text") or "").split())
        if part in _LEFT_OUT:
            continue
        if part == "TITLE" and kind in ("front", "title", ""):
            yield _Block("", "title", text)
            continue
        if part not in _ANYWHERE and (named := _SECTIONS.get(part, "")) != section:
            section, heading = named, ""
        if "title" in kind and part not in _ANYWHERE:
            heading = text if text.casefold() != section.casefold() else ""
            yield _Block(_path(section, heading), "abstract" if part == "ABSTRACT" else "title", text)
        elif kind == "table":
            yield _Block(_path(section, heading), "table", _table(infons.get("xml", ""), text, warnings))
        elif part == "ABSTRACT":
            yield _Block(_path(section, heading), "abstract", text)
        else:
            is_caption = part in _ANYWHERE
            yield _Block(_path(section, heading), "caption" if is_caption else "paragraph", text)


def _path(section: str, heading: str) -> str:
    return " > ".join(part for part in (section, heading) if part)


def _table(xml: str, flat: str, warnings: list[str]) -> str:
    """The table's own XML through the reader of JATS; its flat text where there is none."""
    inner = xml.partition("?>")[2] if xml.lstrip().startswith("<?xml") else xml
    if inner.strip():
        try:
            wrapped = f"<article><body><table-wrap>{inner}</table-wrap></body></article>".encode()
            text = jats.parse(wrapped, report_id="-", source="-")
            if tables := [p.text for p in text.passages if p.kind == "table"]:
                return "\n".join(tables)
        except UnreadableFullText:
            pass
    warnings.append("a table came as plain text: which number stands under which heading is not known")
    return flat


def _infons(passage: Mapping[str, Any]) -> dict[str, str]:
    infons = passage.get("infons")
    return {str(k): str(v) for k, v in infons.items()} if isinstance(infons, dict) else {}


def _placed(blocks: list[_Block]) -> Iterator[Passage]:
    start = 0
    for block in blocks:
        yield Passage(section=block.section, kind=block.kind, start=start, text=block.text)
        start += len(block.text) + 1
