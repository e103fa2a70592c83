"""Full texts from PMC over the local E-utilities. The articles are invented."""

import pytest
from lxml import etree

from tests.servers import Fault, faults, serve
from tests.tools.test_transport import Log
from tools import eutils
from tools.errors import SourceUnavailable
from tools.fulltext.pmc import NoFullText, fetch_jats
from tools.transport import Patience, Transport

JATS = """<?xml version="1.0"?>
<!DOCTYPE article PUBLIC "-//NLM//DTD JATS v1.2//EN" "JATS-archivearticle1.dtd">
<article xmlns:xlink="http://www.w3.org/1999/xlink" article-type="research-article"><front><article-meta>
<article-id pub-id-type="{kind}">{id}</article-id><article-id pub-id-type="doi">10.5555/1</article-id>
<title-group><article-title>Invented</article-title></title-group></article-meta></front>{rest}</article>"""
BODY = "<body><sec><title>Methods</title><p>At 70 µm &amp; 2 m<sup>2</sup>.</p></sec></body>"
FORBIDDEN = "<!--The publisher of this article does not allow downloading of the full text in XML form.-->"


@pytest.fixture
def library(tmp_path):
    folder = tmp_path / "jats"
    folder.mkdir()

    def put(number, kind="pmc", name=None, rest=BODY):
        text = JATS.format(kind=kind, id=name or number, rest=rest)
        (folder / f"PMC{number}.nxml").write_text(text, encoding="utf-8")

    put(1)
    put(2, kind="pmcid", name="PMC2")
    put(3, rest="")
    put(4, rest=FORBIDDEN)
    put(5, rest="<body> </body>")
    put(6, name="999")
    return folder


def fetch(tmp_path, library, pmcid, *script, log=None):
    with (
        serve([], jats=library, faults=script) as served,
        Transport(
            {eutils.SERVICE: eutils.service(served.address)},
            log,
            cache=tmp_path,
            patience=Patience(attempts=2),
            sleep=lambda pause_s: None,
        ) as transport,
    ):
        return fetch_jats(transport, pmcid, email="a@example.org", api_key=None, event="e1")


@pytest.mark.parametrize("pmcid", ["PMC1", "1", "pmc1", "PMC1.2", "PMC2"])
def test_the_article_comes_whole_and_alone(tmp_path, library, pmcid):
    jats = fetch(tmp_path, library, pmcid)
    assert isinstance(jats, bytes)
    root = etree.fromstring(jats)
    assert root.tag == "article"
    assert "".join(root.find("body").itertext()) == "MethodsAt 70 µm & 2 m2."
    assert root.get("article-type") == "research-article"


@pytest.mark.parametrize(
    ("pmcid", "reason"),
    [
        ("PMC404", "The following PMCID is not available: 404"),
        ("PMC3", "front matter"),
        ("PMC4", "does not allow downloading"),
        ("PMC5", "front matter"),
        ("PMC6", "another article: 999"),
    ],
    ids=["missing", "front only", "forbidden", "empty body", "mixed up"],
)
def test_no_full_text_is_an_answer_with_a_reason(tmp_path, library, pmcid, reason):
    answer = fetch(tmp_path, library, pmcid)
    assert isinstance(answer, NoFullText)
    assert answer.pmcid == pmcid
    assert reason in answer.reason


@pytest.mark.parametrize(
    "behaviour",
    [
        faults.unavailable(),
        faults.html_page(),
        faults.empty(),
        faults.half_a_document(),
        faults.altered(b"article", b"nothing"),
        faults.error_inside("Error: External viewer error: Empty Response.", "eFetchResult"),
        lambda *_: faults.Answer(b"<pmc-articleset></pmc-articleset>"),
    ],
    ids=["503", "html", "empty", "half", "other root", "viewer", "empty set"],
)
def test_an_outage_is_never_no_full_text(tmp_path, library, behaviour):
    log = Log()
    with pytest.raises(SourceUnavailable):
        fetch(tmp_path, library, "PMC1", Fault("efetch", 0, behaviour), log=log)
    assert log.kept == {}


def test_both_answers_are_kept_for_replay(tmp_path, library):
    log = Log()
    first = [fetch(tmp_path, library, pmcid, log=log) for pmcid in ("PMC1", "PMC404")]
    down = Fault("efetch", 0, faults.unavailable())
    assert [fetch(tmp_path, library, pmcid, down, log=log) for pmcid in ("PMC1", "PMC404")] == first


def test_what_is_no_pmc_id_is_a_mistake_of_the_caller(tmp_path, library):
    with pytest.raises(ValueError, match="PMC1234567"):
        fetch(tmp_path, library, "10.5555/1")


@pytest.mark.shared
def test_every_real_article_comes_through(tmp_path, shared_data):
    names = sorted(path.name.partition(".")[0] for path in (shared_data / "jats").glob("*.nxml.gz"))[:40]
    assert len(names) == 40
    with (
        serve([], jats=shared_data / "jats") as served,
        Transport({eutils.SERVICE: eutils.service(served.address)}, None, cache=tmp_path) as transport,
    ):
        for name in names:
            jats = fetch_jats(transport, name, email="a@example.org", event="e1")
            assert isinstance(jats, bytes), (name, jats)
            ids = [i.text for i in etree.fromstring(jats).iterfind("front/article-meta/article-id")]
            assert name.removeprefix("PMC") in " ".join(filter(None, ids))


@pytest.mark.shared
def test_real_recorded_answers_are_full_texts(shared_data, tmp_path):
    """Two author manuscripts as NCBI gave them in 2026."""
    import gzip

    for name in ("PMC3040717", "PMC6329583"):
        path = shared_data / "api_captures" / "ncbi_efetch" / f"{name.lower()}.xml.gz"
        body = gzip.decompress(path.read_bytes())
        jats = fetch(tmp_path, None, name, Fault("efetch", 0, lambda *_, body=body: faults.Answer(body)))
        assert isinstance(jats, bytes)
        assert len("".join(etree.fromstring(jats).find("body").itertext())) > 10_000
