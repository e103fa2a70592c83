"""Bytes of a full text, whatever their form, made into passages: JATS, BioC or PDF."""

import json

from tools.fulltext import bioc, jats, pdf
from tools.fulltext.jats import UnreadableFullText
from tools.schemas import FullText, canonical_json

__all__ = ["is_slow", "read", "retold", "told"]

_NOBODY = "-"


def read(data: bytes, *, report_id: str, source: str) -> FullText:
    """Read one report; its form is known by its first bytes, never by its name.

    Raises:
        UnreadableFullText: see `jats.parse`, `bioc.parse` and `pdf.parse`; `kind` is `web_page` for a page of
            HTML, such as a publisher's page that was saved in place of the article.
    """
    if pdf.is_pdf(data) or (source.lower().endswith(".pdf") and not _is_web_page(data)):
        return pdf.parse(data, report_id=report_id, source=source)
    if _is_web_page(data):
        raise UnreadableFullText(
            report_id, "it is a web page, such as a publisher's page about the article", kind="web_page"
        )
    if data.lstrip()[:1] in (b"[", b"{"):
        return bioc.parse(data, report_id=report_id, source=source)
    return jats.parse(data, report_id=report_id, source=source)


def is_slow(data: bytes) -> bool:
    """Whether reading it is worth keeping: it takes a process of its own, and may end otherwise elsewhere."""
    return pdf.is_pdf(data)


def told(data: bytes, *, source: str) -> bytes:
    """What reading it comes to, for keeping: the text, or why there is none."""
    try:
        text = read(data, report_id=_NOBODY, source=source)
    except UnreadableFullText as e:
        answer: dict[str, object] = {"unreadable": e.kind, "what": e.what}
    else:
        answer = {"text": text.model_dump(mode="json")}
    return canonical_json({"reader": pdf.reader_name(), **answer}).encode()


def retold(body: bytes, *, report_id: str, source: str) -> FullText:
    """The text behind what `told` gave, for a report.

    Raises:
        UnreadableFullText: that is what was told.
    """
    answer = json.loads(body)
    if "unreadable" in answer:
        raise UnreadableFullText(report_id, answer["what"], kind=answer["unreadable"])
    text = FullText.model_validate(answer["text"])
    return text.model_copy(update={"report_id": report_id, "source": source})


def _is_web_page(data: bytes) -> bool:
    start = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<?xml"):
        start = start.partition(b"?>")[2].lstrip()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<body"))
