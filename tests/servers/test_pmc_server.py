"""PubMed Central's services answer as the real ones do, misses included."""

import httpx
import pytest
from lxml import etree

from tests.servers import Fault, faults, serving
from tests.servers.pmc import Pmc
from tools.schemas import Record

RECORDS = [
    Record(record_id="pubmed:1", pmid="1", pmcid="PMC1", doi="10.5555/a", title="Open"),
    Record(record_id="pubmed:2", pmid="2", pmcid="PMC2", title="Closed"),
    Record(record_id="pubmed:3", pmid="3", title="Elsewhere"),
]


@pytest.fixture
def client(tmp_path):
    (tmp_path / "PMC1.nxml").write_text("<article/>")
    with (
        serving({"pmc": Pmc(RECORDS, jats=tmp_path)}, [Fault("bioc/9", 0, faults.html_page())]) as served,
        httpx.Client(base_url=served.at("pmc"), trust_env=False) as client,
    ):
        yield client


def test_known_and_unknown_ids_come_in_one_answer_and_the_number_is_a_number(client):
    told = client.get("tools/idconv/api/v1/articles/", params={"ids": "1,3", "format": "json"}).json()
    assert told["records"] == [
        {"doi": "10.5555/a", "pmcid": "PMC1", "pmid": 1, "requested-id": "1"},
        {"requested-id": "3", "status": "error", "errmsg": "Identifier not found in PMC", "pmid": 3},
    ]


def test_ids_of_several_kinds_are_refused_as_a_whole(client):
    assert client.get("tools/idconv/api/v1/articles/", params={"ids": "1,PMC2"}).status_code == 400


def test_the_oa_service_says_what_is_not_open_and_its_links_are_dead(client):
    closed = etree.fromstring(client.get("utils/oa/oa.fcgi", params={"id": "PMC2"}).content)
    assert closed.find("error").get("code") == "idIsNotOpenAccess"
    opened = etree.fromstring(client.get("utils/oa/oa.fcgi", params={"id": "PMC1"}).content)
    href = opened.find(".//link").get("href")
    assert client.get(href[href.index("oa_package") :]).status_code == 404


def test_a_miss_of_bioc_is_a_page_that_claims_success(client):
    miss = client.get("pmcoa.cgi/BioC_json/PMC2/unicode")
    assert (miss.status_code, miss.headers["content-type"]) == (200, "text/html")
    assert miss.text.startswith("[Error] : No result can be found.")
    found = client.get("pmcoa.cgi/BioC_json/1/unicode").json()
    assert found[0]["documents"][0]["passages"][0]["text"] == "Open"


def test_one_id_can_misbehave(client):
    assert "maintenance" in client.get("pmcoa.cgi/BioC_json/9/unicode").text
