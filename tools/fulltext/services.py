"""Finders that ask a service by the record's PMCID: PubMed Central, Europe PMC, and BioC of PubMed Central.

Sources: see `pmc`; Europe PMC, "Articles RESTful API", `fullTextXML` (open-access subset; 404 where there is none);
the BioC API for PMC, which answers a miss with status 200 and a page that begins with `[Error]`.
"""

import json
import re

from tools import eutils
from tools.exchange import Call, Judgement, Reply, Service, excerpt, judge_status
from tools.fulltext import pmc
from tools.fulltext.finding import Found, NotFound
from tools.schemas import Record
from tools.search.sources import europepmc
from tools.transport import Transport

__all__ = ["BIOC", "BiocFinder", "EuropePmcFinder", "PmcFinder", "bioc_service"]

BIOC = "bioc"
_BIOC_URL = "https://www.ncbi.nlm.nih.gov/research/bionlp/RESTful/"
_BIOC_GAP_S = 0.35
"""NCBI asks for at most three calls a second without a key, whichever of its services they go to."""


def bioc_service(base_url: str | None = None) -> Service:
    """The service for `Transport(services={BIOC: …})`."""
    return Service(base_url=base_url or _BIOC_URL, gap_s=_BIOC_GAP_S)


class PmcFinder:
    """Open-access texts in PubMed Central, for records that carry a PMCID."""

    def __init__(self, transport: Transport, *, email: str, api_key: str | None, event: str) -> None:
        self.transport, self.email, self.api_key, self.event = transport, email, api_key, event

    def find(self, record: Record, look: int = 1) -> Found | NotFound:
        """The article that PMC gives for the record's PMCID."""
        if record.pmcid is None:
            return NotFound("no PMCID, so PMC was not asked")
        answer = pmc.fetch_jats(
            self.transport, record.pmcid, email=self.email, api_key=self.api_key, event=self.event
        )
        if isinstance(answer, pmc.NoFullText):
            return NotFound(f"PMC: {answer.reason}")
        return Found(answer, f"PMC {record.pmcid}")


class EuropePmcFinder:
    """Open-access texts in Europe PMC, for records that carry a PMCID.

    Args:
        transport: with a service named `europepmc.SERVICE`.
        event: names this retrieval; a new event is a new exchange.
    """

    def __init__(self, transport: Transport, *, event: str) -> None:
        self.transport, self.event = transport, event

    def find(self, record: Record, look: int = 1) -> Found | NotFound:
        """The article that Europe PMC gives for the record's PMCID.

        Raises:
            SourceRefused, SourceUnavailable, ReplayMiss: see `Transport.exchange`.
        """
        if record.pmcid is None:
            return NotFound("no PMCID, so Europe PMC was not asked")
        call = Call(service=europepmc.SERVICE, path=f"{record.pmcid}/fullTextXML", event=self.event)
        reply = self.transport.exchange(call, _judge_xml)
        if reply.status == 404:
            return NotFound("Europe PMC: no open full text of it")
        if reason := _unusable(reply.body, record.pmcid.removeprefix("PMC")):
            return NotFound(f"Europe PMC: {reason}")
        return Found(reply.body, f"Europe PMC {record.pmcid}")


def _judge_xml(reply: Reply) -> Judgement:
    """404 is an answer; anything else that is no whole XML article is none."""
    if reply.status == 404:
        return Judgement(kind="ok")
    if (judged := judge_status(reply)).kind != "ok":
        return judged
    from lxml import etree

    try:
        root = etree.fromstring(reply.body, eutils.xml_parser())
    except etree.XMLSyntaxError as e:
        return Judgement(kind="transient", said=f"no XML ({e}): {excerpt(reply.body)}")
    if root.tag != "article":
        return Judgement(kind="transient", said=f"<{root.tag}> in place of an article")
    return Judgement(kind="ok")


def _unusable(body: bytes, number: str) -> str:
    """Why this article is not what was asked for; empty where it is."""
    from lxml import etree

    article = etree.fromstring(body, eutils.xml_parser())
    ids = {
        re.sub(r"\D", "", i.text or "")
        for i in article.iterfind("front/article-meta/article-id[@pub-id-type]")
        if i.get("pub-id-type") in ("pmc", "pmcid", "pmcaid")
    }
    if ids and number not in ids:
        return f"it gave another article: {', '.join(sorted(ids))}"
    found = article.find("body")
    if found is None or not "".join(map(str, found.itertext())).strip():
        return "it holds only the front matter"
    return ""


class BiocFinder:
    """Texts of PubMed Central as BioC JSON, for records that carry a PMCID, where JATS is not to be had.

    Args:
        transport: with a service named `BIOC`.
        event: names this retrieval; a new event is a new exchange.
    """

    def __init__(self, transport: Transport, *, event: str) -> None:
        self.transport, self.event = transport, event

    def find(self, record: Record, look: int = 1) -> Found | NotFound:
        """The document that BioC gives for the record's PMCID.

        Raises:
            SourceRefused, SourceUnavailable, ReplayMiss: see `Transport.exchange`.
        """
        if record.pmcid is None:
            return NotFound("no PMCID, so BioC was not asked")
        path = f"pmcoa.cgi/BioC_json/{record.pmcid}/unicode"
        reply = self.transport.exchange(Call(service=BIOC, path=path, event=self.event), _judge_bioc)
        if _is_miss(reply):
            return NotFound("BioC: no open full text of it")
        return Found(reply.body, f"BioC {record.pmcid}")


def _is_miss(reply: Reply) -> bool:
    return reply.body.lstrip().startswith(b"[Error]")


def _judge_bioc(reply: Reply) -> Judgement:
    if (judged := judge_status(reply)).kind != "ok" or _is_miss(reply):
        return judged
    try:
        said = json.loads(reply.body)
    except ValueError:
        return Judgement(kind="transient", said=f"no JSON: {excerpt(reply.body)}")
    collections = said if isinstance(said, list) else [said]
    if not any(isinstance(c, dict) and c.get("documents") for c in collections):
        return Judgement(kind="transient", said="JSON without a document")
    return Judgement(kind="ok")
