"""The local E-utilities answer as NCBI does, so that what passes here has a chance out there."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from lxml import etree

from tests.servers import serve
from tests.servers.corpus import record
from tools.schemas import Record

RECORDS = [Record(record_id=f"pubmed:{n}", pmid=str(n), title=f"Asthma {n}", year=2000) for n in range(1, 8)]


@pytest.fixture(scope="module")
def served():
    with serve(RECORDS) as service:
        yield service


@pytest.fixture
def ask(served):
    with httpx.Client(base_url=served.address, trust_env=False) as client:

        def go(path, **params):
            return client.get(path, params=params)

        yield go


def test_both_addresses_lead_to_the_same_service(ask):
    question = {"db": "pubmed", "term": "asthma[ti]"}
    assert ask("esearch.fcgi", **question).text == ask("entrez/eutils/esearch.fcgi", **question).text
    assert ask("esearch").status_code == ask("nosuch.fcgi").status_code == 404


def test_a_page_of_a_search_in_xml(ask):
    """The same elements in the same order as in NCBI's own answers."""
    answer = ask("esearch.fcgi", db="pubmed", term="asthma[ti]", retstart=2, retmax=3, usehistory="y")
    root = etree.fromstring(answer.content)
    names = [
        "Count",
        "RetMax",
        "RetStart",
        "QueryKey",
        "WebEnv",
        "IdList",
        "TranslationSet",
        "QueryTranslation",
    ]
    assert [child.tag for child in root] == names
    assert [root.findtext(name) for name in names[:4]] == ["7", "3", "2", "1"]
    assert [e.text for e in root.iterfind("IdList/Id")] == ["5", "4", "3"]
    assert answer.headers["content-type"].startswith("text/xml")


def test_twenty_is_the_default_and_nothing_found_is_said(ask):
    root = etree.fromstring(ask("esearch.fcgi", db="pubmed", term="gout[ti]").content)
    assert root.findtext("Count") == "0"
    assert root.findtext("WarningList/OutputMessage") == "No items found."


def test_json_has_counts_as_text_and_the_wall_has_a_raw_line_break(ask):
    found = ask("esearch.fcgi", db="pubmed", term="asthma[nosuch]", retmode="json").json()["esearchresult"]
    assert (found["count"], found["retmax"]) == ("7", "7")
    assert found["errorlist"]["fieldsnotfound"] == ["nosuch"]
    wall = ask("esearch.fcgi", db="pubmed", term="asthma[ti]", retstart=9999, retmode="json").text
    with pytest.raises(json.JSONDecodeError):
        json.loads(wall)
    assert "cannot be larger than 9998" in json.loads(wall, strict=False)["esearchresult"]["ERROR"]


@pytest.mark.parametrize(
    ("path", "params", "said"),
    [
        ("esearch.fcgi", {"db": "pubmed"}, "Empty term and query_key - nothing todo"),
        ("esearch.fcgi", {"db": "nothing", "term": "x"}, "Invalid db name specified: nothing"),
        ("epost.fcgi", {"db": "pubmed", "id": "x"}, "Empty ID list; Nothing to store"),
        ("efetch.fcgi", {"db": "pubmed", "WebEnv": "MCID_0", "query_key": "1"}, "WebEnv not found"),
    ],
)
def test_errors_come_inside_an_answer(ask, path, params, said):
    answer = ask(path, **params)
    assert answer.status_code == 200
    assert etree.fromstring(answer.content).findtext("ERROR") == said


def test_what_was_posted_can_be_fetched_in_its_order(ask):
    posted = etree.fromstring(ask("epost.fcgi", db="pubmed", id="3,1,2").content)
    place = {"WebEnv": posted.findtext("WebEnv"), "query_key": posted.findtext("QueryKey")}
    listed = ask("efetch.fcgi", db="pubmed", rettype="uilist", retmode="text", retstart=1, **place)
    assert listed.text.split() == ["1", "2"]


def test_unknown_ids_are_simply_absent_and_unknown_forms_are_empty(ask):
    root = etree.fromstring(ask("efetch.fcgi", db="pubmed", id="2,999,5").content)
    assert [e.text for e in root.iter("PMID")] == ["2", "5"]
    assert ask("efetch.fcgi", db="pubmed", id="2", rettype="medline", retmode="text").content == b""


def test_dates_count_only_in_pairs(ask):
    both = ask(
        "esearch.fcgi", db="pubmed", term="asthma[ti]", mindate="2001", maxdate="2009", datetype="pdat"
    )
    one = ask("esearch.fcgi", db="pubmed", term="asthma[ti]", mindate="2001")
    assert [etree.fromstring(a.content).findtext("Count") for a in (both, one)] == ["0", "7"]


def test_the_log_tells_what_was_asked(served, ask):
    before = len(served.log)
    ask("einfo.fcgi", tool="t", email="a@example.org")
    (seen,) = served.log[before:]
    assert (seen.method, seen.utility, seen.params["tool"]) == ("GET", "einfo", "t")


def test_a_row_becomes_a_record_and_control_characters_go():
    row = {"pmid": 7, "title": "A\x00\x0bB", "abstract": None, "year": "2001 Jan", "doi": "10.5555/A", "x": 1}
    assert record(row) == Record(record_id="pubmed:7", pmid="7", title="AB", year=2001, doi="10.5555/a")


def test_it_runs_as_a_program(tmp_path):
    data = tmp_path / "data.jsonl"
    data.write_text('{"pmid": "1", "title": "Asthma"}\n{"title": "no pmid"}\n')
    command = [sys.executable, "-m", "tests.servers", "--data", str(data), "--port", "0"]
    here = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=here) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        answer = httpx.get(f"{address}esearch.fcgi?db=pubmed&term=asthma", trust_env=False)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert b"<Count>1</Count>" in answer.content
