"""Full texts in JATS, one article to a file, or in archives of such files as PubMed Central's bulk packages are.

Licence and year are read from the article itself.
"""

from __future__ import annotations

import gzip
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from finetune.build.kinds import Paper
from finetune.build.sources.source import Item, Kind, Source, Unread, files_named
from tools.fulltext import jats, jats_xml

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

__all__ = ["KIND", "licence_of"]

_ARCHIVES = (".tar", ".tar.gz")
_ADDRESS = re.compile(
    r"creativecommons\.org/(?:licen[sc]es/(?P<kind>by[a-z-]*)(?:/(?P<version>\d\.\d))?|(?P<zero>publicdomain/zero))",
    re.IGNORECASE,
)
_WORDS = (
    (re.compile(r"public domain|CC0\b", re.IGNORECASE), "CC0"),
    (
        re.compile(r"Creative Commons Attribution[- ]Non-?Commercial[- ]No ?Deriv", re.IGNORECASE),
        "CC BY-NC-ND",
    ),
    (re.compile(r"Creative Commons Attribution[- ]Non-?Commercial[- ]Share", re.IGNORECASE), "CC BY-NC-SA"),
    (re.compile(r"Creative Commons Attribution[- ]Non-?Commercial", re.IGNORECASE), "CC BY-NC"),
    (re.compile(r"Creative Commons Attribution[- ]Share", re.IGNORECASE), "CC BY-SA"),
    (re.compile(r"Creative Commons Attribution[- ]No ?Deriv", re.IGNORECASE), "CC BY-ND"),
    (re.compile(r"Creative Commons Attribution", re.IGNORECASE), "CC BY"),
)


def _read(path: Path, source: Source) -> Iterator[Item]:
    if path.name.lower().endswith(_ARCHIVES):
        yield from _archived(path, source)
        return
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError, zlib.error) as e:
        yield Unread(path.name, f"damaged file: {e}")
        return
    yield _article(path.name, data, source)


def _archived(path: Path, source: Source) -> Iterator[Item]:
    """The articles of an archive in its own order, one at a time; what else lies in it is passed over."""
    try:
        with tarfile.open(path, "r|*") as box:
            for member in box:
                if member.isfile() and member.name.lower().endswith((".nxml", ".xml")):
                    held = box.extractfile(member)
                    yield _article(Path(member.name).name, held.read() if held else b"", source)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as e:
        yield Unread(path.name, f"damaged file: {e}")


def _article(file: str, data: bytes, source: Source) -> Paper | Unread:
    from lxml import etree

    name = file.removesuffix(".gz").removesuffix(".nxml").removesuffix(".xml")
    try:
        text = jats.parse(data, report_id=name, source=source.name)
    except jats.UnreadableFullText as e:
        return Unread(file, f"no article: {e.what}")
    report_id = text.pmcid or (f"pmid:{text.pmid}" if text.pmid else name)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True
    )
    meta = next(
        (e for e in etree.fromstring(data, parser).iter() if jats_xml.name(e) == "article-meta"), None
    )
    return Paper(
        report_id=report_id,
        source=source.name,
        licence=licence_of(meta) or source.licence,
        pmid=text.pmid,
        pmcid=text.pmcid,
        title=text.title,
        year=_year(meta),
        text=text.model_copy(update={"report_id": report_id}),
    )


def licence_of(meta: Element | None) -> str:
    """`CC BY 4.0` and the like, as `<permissions>` says; empty where it names none of Creative Commons'.

    An article may say it by an address (JATS4R), or only in words.
    """
    permissions = jats_xml.child(meta, "permissions") if meta is not None else None
    if permissions is None:
        return ""
    said = " ".join("".join(str(t) for t in permissions.itertext()).split())
    named = [str(v) for e in permissions.iter() for v in e.attrib.values()]
    for place in (*named, said):
        if found := _ADDRESS.search(place):
            if found["zero"]:
                return "CC0"
            return f"CC {found['kind'].upper().strip('-')} {found['version'] or ''}".strip()
    return next((name for form, name in _WORDS if form.search(said)), "")


def _year(meta: Element | None) -> int | None:
    """The first year in which it came out; of several dates the earliest."""
    dates = [] if meta is None else [e for e in meta.iter() if jats_xml.name(e) == "pub-date"]
    # pmc-release is PubMed Central's own date and may be years later.
    dates = [e for e in dates if e.get("pub-type") != "pmc-release"] or dates
    years = [jats_xml.text(jats_xml.child(e, "year")) for e in dates]
    return min((int(y) for y in years if re.fullmatch(r"(1[89]|20)\d\d", y)), default=None)


KIND = Kind(_read, files_named(".nxml", ".xml", ".tar"))
