"""Europe PMC, BioC and Unpaywall over local services: found, none, and away. The articles are invented."""

import json

import pytest

from tests.servers import Fault, faults, serving
from tests.servers.europepmc import EuropePmc
from tests.servers.faults import Answer
from tests.servers.pmc import Pmc
from tests.servers.unpaywall import Unpaywall
from tests.tools.fulltext import pdfs
from tests.tools.test_transport import Log
from tools.errors import SourceRefused, SourceUnavailable
from tools.exchange import Call
from tools.fulltext import bioc, fetching, unpaywall
from tools.fulltext.fetching import Fetched, NotFetched
from tools.fulltext.finding import Found, NotFound
from tools.fulltext.jats import UnreadableFullText, parse
from tools.fulltext.services import BIOC, BiocFinder, EuropePmcFinder, bioc_service
from tools.fulltext.unpaywall import UnpaywallFinder
from tools.schemas import Record
from tools.search.sources import europepmc
from tools.transport import Patience, Transport

JATS = """<?xml version="1.0"?>
<!DOCTYPE article PUBLIC "-//NLM//DTD JATS v1.2//EN" "JATS-archivearticle1.dtd">
<article><front><article-meta><article-id pub-id-type="pmcid">{name}</article-id>
<title-group><article-title>Invented</article-title></title-group></article-meta></front>{rest}</article>"""
BODY = "<body><p>Forty people.</p></body>"


def record(**ids):
    return Record(record_id="lib:1", title="Snail syrup", **ids)


def asked(tmp_path, service, name, made, finder_of, wanted, *script, log=None):
    with (
        serving(service, script) as served,
        Transport(
            {name: made(served.address)},
            log,
            cache=tmp_path,
            patience=Patience(attempts=2),
            sleep=lambda pause_s: None,
        ) as transport,
    ):
        return finder_of(transport).find(wanted)


# Europe PMC --------------------------------------------------------------------------------------


@pytest.fixture
def library(tmp_path):
    folder = tmp_path / "jats"
    folder.mkdir()
    for name, inside, rest in (("PMC1", "PMC1", BODY), ("PMC3", "PMC3", "<body/>"), ("PMC6", "PMC999", BODY)):
        (folder / f"{name}.nxml").write_text(JATS.format(name=inside, rest=rest))
    return folder


def of_europepmc(tmp_path, library, pmcid, *script, log=None):
    return asked(
        tmp_path,
        EuropePmc([], jats=library),
        europepmc.SERVICE,
        europepmc.service,
        lambda transport: EuropePmcFinder(transport, event="e1"),
        record(pmcid=pmcid),
        *script,
        log=log,
    )


def test_europe_pmcs_article_comes_whole(tmp_path, library):
    found = of_europepmc(tmp_path, library, "PMC1")
    assert isinstance(found, Found)
    assert found.source == "Europe PMC PMC1"
    assert parse(found.data, report_id="r", source="s").canonical == "Invented\nForty people."


@pytest.mark.parametrize(
    ("pmcid", "reason"),
    [
        ("PMC404", "Europe PMC: no open full text of it"),
        ("PMC3", "Europe PMC: it holds only the front matter"),
        ("PMC6", "Europe PMC: it gave another article: 999"),
        (None, "no PMCID, so Europe PMC was not asked"),
    ],
)
def test_none_at_europe_pmc_is_an_answer(tmp_path, library, pmcid, reason):
    assert of_europepmc(tmp_path, library, pmcid) == NotFound(reason)


@pytest.mark.parametrize(
    "behaviour",
    [
        faults.unavailable(),
        faults.html_page(),
        faults.empty(),
        faults.half_a_document(),
        lambda *_: Answer(b"<error/>"),
    ],
    ids=["503", "html", "empty", "half", "other root"],
)
def test_an_outage_of_europe_pmc_is_never_none(tmp_path, library, behaviour):
    log = Log()
    with pytest.raises(SourceUnavailable):
        of_europepmc(tmp_path, library, "PMC1", Fault("fullTextXML", 0, behaviour), log=log)
    assert log.kept == {}


def test_both_answers_of_europe_pmc_are_kept(tmp_path, library):
    log = Log()
    first = [of_europepmc(tmp_path, library, pmcid, log=log) for pmcid in ("PMC1", "PMC404")]
    down = Fault("fullTextXML", 0, faults.unavailable())
    assert [of_europepmc(tmp_path, library, pmcid, down, log=log) for pmcid in ("PMC1", "PMC404")] == first


# BioC --------------------------------------------------------------------------------------------


def of_bioc(tmp_path, library, pmcid, *script, log=None):
    known = [Record(record_id="p:1", title="Snail syrup", abstract="We asked.", pmid="1", pmcid="PMC1")]
    return asked(
        tmp_path,
        Pmc(known, jats=library),
        BIOC,
        bioc_service,
        lambda transport: BiocFinder(transport, event="e1"),
        record(pmcid=pmcid),
        *script,
        log=log,
    )


def test_biocs_document_comes_and_can_be_read(tmp_path, library):
    found = of_bioc(tmp_path, library, "PMC1")
    assert isinstance(found, Found)
    text = bioc.parse(found.data, report_id="r", source=found.source)
    assert [(p.section, p.kind, p.text) for p in text.passages] == [
        ("", "title", "Snail syrup"),
        ("Abstract", "abstract", "We asked."),
    ]
    assert "no body" in " ".join(text.warnings)


def test_biocs_page_of_errors_with_status_200_is_none_and_kept(tmp_path, library):
    log = Log()
    none = NotFound("BioC: no open full text of it")
    assert of_bioc(tmp_path, library, "PMC2", log=log) == none
    assert of_bioc(tmp_path, library, "PMC2", Fault("bioc", 0, faults.unavailable()), log=log) == none
    assert of_bioc(tmp_path, library, None) == NotFound("no PMCID, so BioC was not asked")


@pytest.mark.parametrize(
    "behaviour",
    [
        faults.unavailable(),
        faults.html_page(),
        faults.empty(),
        lambda *_: Answer(b"[]"),
        lambda *_: Answer(b'{"a":1}'),
    ],
)
def test_an_outage_of_bioc_is_never_none(tmp_path, library, behaviour):
    with pytest.raises(SourceUnavailable):
        of_bioc(tmp_path, library, "PMC1", Fault("bioc", 0, behaviour))


def passage(part, kind, text, **infons):
    return {"infons": {"section_type": part, "type": kind, **infons}, "offset": 0, "text": text}


def collection(*passages):
    return json.dumps([{"source": "PMC", "documents": [{"id": "1", "passages": list(passages)}]}]).encode()


def test_a_bioc_document_in_its_sections():
    table = "<?xml version='1.0'?><table><tr><td rowspan='2'>A</td><td>1</td></tr><tr><td>2</td></tr></table>"
    ids = {"article-id_pmid": "77", "article-id_pmc": "88", "article-id_doi": "10.5555/X"}
    text = bioc.parse(
        collection(
            passage("TITLE", "front", "Snail syrup", **ids),
            passage("ABSTRACT", "abstract_title_1", "Methods"),
            passage("ABSTRACT", "abstract", "We asked."),
            passage("METHODS", "title_1", "Methods"),
            passage("METHODS", "title_2", "Snails"),
            passage("METHODS", "paragraph", "Forty snails, NCT01234567."),
            passage("TABLE", "table_caption", "Table 1"),
            passage("TABLE", "table", "A 1 2", xml=table),
            passage("TABLE", "table", "B\t3"),
            passage("RESULTS", "title_1", "Results"),
            passage("RESULTS", "paragraph", "Slow."),
            passage("REF", "ref", "Miller 2010"),
        ),
        report_id="r",
        source="s",
    )
    assert [(p.section, p.kind, p.text) for p in text.passages] == [
        ("", "title", "Snail syrup"),
        ("Abstract > Methods", "abstract", "Methods"),
        ("Abstract > Methods", "abstract", "We asked."),
        ("Methods", "title", "Methods"),
        ("Methods > Snails", "title", "Snails"),
        ("Methods > Snails", "paragraph", "Forty snails, NCT01234567."),
        ("Methods > Snails", "caption", "Table 1"),
        ("Methods > Snails", "table", "A | 1\nA | 2"),
        ("Methods > Snails", "table", "B 3"),
        ("Results", "title", "Results"),
        ("Results", "paragraph", "Slow."),
    ]
    assert (text.pmid, text.pmcid, text.doi, text.registry_ids) == (
        "77",
        "PMC88",
        "10.5555/x",
        ("NCT01234567",),
    )
    assert any("a table came as plain text" in w for w in text.warnings)
    for p in text.passages:
        assert text.canonical[p.start : p.start + len(p.text)] == p.text


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b"{}",
        b"[1]",
        b'{"documents": [{}, {}]}',
        collection(),
        collection(passage("REF", "ref", "x")),
        b"[" * 10_000,
    ],
)
def test_json_without_one_document_with_text_is_unreadable(data):
    with pytest.raises(UnreadableFullText):
        bioc.parse(data, report_id="r", source="s")


# Unpaywall ---------------------------------------------------------------------------------------

PUBLISHED, ACCEPTED, SUBMITTED = "publishedVersion", "acceptedVersion", "submittedVersion"
ODD = "10.1016/S0140-6736(05)67889-0"


def of_unpaywall(tmp_path, copies, hosts, doi="10.5555/1", *script, email="a@example.org", log=None):
    """`hosts` is what each address gives: a file, or why it gives none."""

    def fetch(url):
        given = hosts[url]
        if isinstance(given, str):
            raise NotFetched(given)
        return Fetched(given, url, "application/pdf")

    return asked(
        tmp_path,
        Unpaywall(copies),
        unpaywall.SERVICE,
        unpaywall.service,
        lambda transport: UnpaywallFinder(transport, email=email, event="e1", fetch=fetch),
        record(doi=doi),
        *script,
        log=log,
    )


def test_the_published_version_goes_before_manuscripts(tmp_path):
    copies = {"10.5555/1": [("https://a.org/1", SUBMITTED), ("https://b.org/2", PUBLISHED), (None, ACCEPTED)]}
    hosts = {"https://a.org/1": pdfs.report("Manuscript of mine"), "https://b.org/2": pdfs.report()}
    assert of_unpaywall(tmp_path, copies, hosts) == Found(
        pdfs.report(), "Unpaywall: b.org, published version"
    )


def test_the_next_copy_is_tried_where_one_does_not_come(tmp_path):
    copies = {
        "10.5555/1": [
            ("https://a.org/1", PUBLISHED),
            ("https://b.org/2", PUBLISHED),
            ("https://c.org/3", SUBMITTED),
        ]
    }
    hosts = {
        "https://a.org/1": "a.org answered 403",
        "https://b.org/2": b"<html>",
        "https://c.org/3": pdfs.report(),
    }
    found = of_unpaywall(tmp_path, copies, hosts)
    assert isinstance(found, Found)
    assert found.source == "Unpaywall: c.org, submitted manuscript, before peer review"
    hosts["https://c.org/3"] = "c.org did not answer (ConnectTimeout)"
    assert of_unpaywall(tmp_path, copies, hosts) == NotFound(
        "Unpaywall: a.org answered 403, b.org gave something else than a PDF, c.org did not answer (ConnectTimeout)"
    )


@pytest.mark.parametrize(
    ("doi", "reason"),
    [
        ("10.5555/404", "Unpaywall: no open copy of it"),
        ("10.5555/closed", "Unpaywall: no open copy of it"),
        ("10.5555/landing", "Unpaywall: no open copy of it"),
        ("10.5555/../admin", "Unpaywall cannot be asked about a DOI of this form"),
        ("10.5555/größe", "Unpaywall cannot be asked about a DOI of this form"),
        (None, "no DOI, so Unpaywall was not asked"),
    ],
)
def test_no_open_copy_is_an_answer(tmp_path, doi, reason):
    copies = {"10.5555/closed": [], "10.5555/landing": [(None, PUBLISHED)]}
    assert of_unpaywall(tmp_path, copies, {}, doi) == NotFound(reason)


@pytest.mark.parametrize(
    "path",
    [
        "a/%2E%2E/b",
        "a/%2F",
        "a/%25",
        "a/..",
        "../a",
        "a//b",
        "a/%2e",
        "a/%0A",
        "a/%",
        "a/(b)",
        "",
    ],
)
def test_no_sign_in_a_path_leads_out_of_it(path):
    with pytest.raises(ValueError, match="not a path below"):
        Call(service="s", path=path, event="e")


def test_a_doi_with_brackets_arrives_whole(tmp_path):
    found = of_unpaywall(
        tmp_path, {ODD: [("https://a.org/1", PUBLISHED)]}, {"https://a.org/1": pdfs.report()}, ODD
    )
    assert isinstance(found, Found)


def test_unpaywall_away_or_unwilling_is_never_none(tmp_path):
    log = Log()
    for behaviour in (faults.unavailable(), faults.html_page(), faults.empty(), lambda *_: Answer(b"{}")):
        with pytest.raises(SourceUnavailable):
            of_unpaywall(tmp_path, {}, {}, "10.5555/1", Fault("doi", 0, behaviour), log=log)
    with pytest.raises(SourceRefused, match="Please use your own email"):
        of_unpaywall(tmp_path, {}, {}, email="me@example.com", log=log)
    assert log.kept == {}


def test_the_callers_address_is_not_kept(tmp_path):
    log = Log()
    of_unpaywall(tmp_path, {}, {}, log=log)
    assert "example.org" not in "".join(log.requests(unpaywall.SERVICE))


def test_by_default_the_rules_for_strangers_hold(tmp_path):
    copies = {"10.5555/1": [("https://127.0.0.1/1", PUBLISHED), ("http://a.example.org/1", PUBLISHED)]}
    finder_of = lambda transport: UnpaywallFinder(transport, email="a@example.org", event="e1")  # noqa: E731
    found = asked(
        tmp_path, Unpaywall(copies), unpaywall.SERVICE, unpaywall.service, finder_of, record(doi="10.5555/1")
    )
    assert found == NotFound(
        "Unpaywall: 127.0.0.1 is a machine of a private network, a.example.org is not offered over https"
    )
    assert fetching.Policy().is_allowed is fetching.is_public
