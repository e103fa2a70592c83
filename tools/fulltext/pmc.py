"""Full texts from PubMed Central, as JATS XML.

Source: NBK25499, EFetch with db=pmc; PMC's notes on articles whose publishers do not allow
the text to be given out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tools import eutils
from tools.exchange import Judgement
from tools.schemas import Frozen
from tools.transport import Transport

if TYPE_CHECKING:
    from lxml import etree

__all__ = ["NoFullText", "fetch_jats"]


class NoFullText(Frozen):
    """PMC answered, and gives no text of this article. An answer, not a failure: get it elsewhere."""

    pmcid: str
    reason: str


def fetch_jats(
    transport: Transport, pmcid: str, *, email: str, api_key: str | None = None, event: str
) -> bytes | NoFullText:
    """The article in PMC with this id.

    Args:
        transport: with a service named `eutils.SERVICE`.
        pmcid: with or without its prefix.
        email: see `PubMedSource`.
        api_key: see `PubMedSource`.
        event: names this retrieval; a new event is a new exchange.

    Returns:
        the <article> element as UTF-8 XML with its declaration, or why there is none.

    Raises:
        ValueError: `pmcid` is no PMC id.
        SourceRefused, SourceUnavailable, ReplayMiss: see `Transport.exchange`; an outage is
            never "no full text".
    """
    match = re.fullmatch(r"(?:PMC)?(\d+)(?:\.\d+)?", pmcid.strip(), re.IGNORECASE)
    if match is None:
        raise ValueError(f"not a PMC id: {pmcid!r}; it looks like PMC1234567")
    number = match.group(1)
    reply = eutils.ask(
        transport,
        "efetch",
        caller=eutils.Caller(email=email, api_key=api_key),
        event=event,
        params={"db": "pmc", "id": number, "retmode": "xml"},
        root="pmc-articleset",
        look=_look,
    )
    return _read(reply.body, number)


def _look(root: etree._Element) -> Judgement:
    """An answer says something about the article; an empty set says nothing."""
    if root.find("article") is None and root.find("error") is None:
        return Judgement(kind="transient", said="a set with neither article nor error")
    return Judgement(kind="ok")


def _read(body: bytes, number: str) -> bytes | NoFullText:
    """Pure: the same bytes, the same article."""
    from lxml import etree

    root = etree.fromstring(body, eutils.xml_parser())
    article = root.find("article")
    if article is None:
        return NoFullText(pmcid=f"PMC{number}", reason=_text(root.find("error")) or "not in PMC")
    ids = {
        re.sub(r"\D", "", i.text or "")
        for i in article.iterfind("front/article-meta/article-id[@pub-id-type]")
        if i.get("pub-id-type") in ("pmc", "pmcid", "pmcaid")
    }
    if ids and number not in ids:
        return NoFullText(pmcid=f"PMC{number}", reason=f"PMC gave another article: {', '.join(sorted(ids))}")
    if not _text(article.find("body")):
        comment = " ".join(
            str(c.text).strip() for c in article.iter(etree.Comment) if "full text" in str(c.text).lower()
        )
        return NoFullText(
            pmcid=f"PMC{number}",
            reason=comment or "PMC holds only the front matter; the publisher does not give out the text",
        )
    return etree.tostring(article, xml_declaration=True, encoding="UTF-8", with_tail=False)


def _text(element: etree._Element | None) -> str:
    return "" if element is None else " ".join("".join(map(str, element.itertext())).split())
