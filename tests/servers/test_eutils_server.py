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

RECORDS = [
    Record(
        record_id=f"pubmed:{n}",
        pmid=str(n),
        title=f"Asthma {n}",
        year=2000,
        created=f"2020-01-0{n}" if n < 7 else None,
        pmcid="PMC5" if n == 5 else None,
    )
    for n in range(1, 8)
]
"""Invented; the seventh has no create date."""

LINKS = {
    "pubmed_pubmed_citedin": {"1": ["4", "5"], "2": ["5", "6"]},
    "pubmed_pubmed_refs": {"5": ["1", "2"]},
}


@pytest.fixture(scope="module")
def served():
    with serve(RECORDS, links=LINKS) as service:
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


def found(answer):
    root = etree.fromstring(answer.content)
    return [e.text for e in root.iterfind("IdList/Id")]


@pytest.mark.parametrize(
    ("term", "ids"),
    [
        ("asthma[ti] AND 2020/01/02:2020/01/03[crdt]", ["3", "2"]),
        ("asthma[ti] AND 2020/01[crdt]", ["6", "5", "4", "3", "2", "1"]),
        ("asthma[ti] NOT 1900:2100[crdt]", ["7"]),
        ("asthma[ti] AND 3:5[uid]", ["5", "4", "3"]),
        ("2:3[pmid] OR 2020/01/06[crdt]", ["6", "3", "2"]),
        # Added nineteen years late, so PubMed sets the entry date back to the publication.
        ("2000:2001[edat] AND 1:2[uid]", ["2", "1"]),
    ],
)
def test_days_and_ranges_of_pmids(ask, term, ids):
    assert found(ask("esearch.fcgi", db="pubmed", term=term)) == ids


def test_earlier_searches_are_combined_by_their_numbers(ask):
    def search(term, **more):
        return ask("esearch.fcgi", db="pubmed", term=term, usehistory="y", **more)

    first = etree.fromstring(search("1:4[uid]").content)
    place = {"WebEnv": first.findtext("WebEnv")}
    search("3:7[uid]", **place)
    assert found(search("#1 AND #2", **place)) == ["4", "3"]
    assert found(search("#2 NOT #1", **place)) == ["7", "6", "5"]
    unknown = search("#9", **place)
    assert b"#9 was not found" in unknown.content


def test_a_count_alone(ask):
    answer = ask("esearch.fcgi", db="pubmed", term="asthma[ti]", rettype="count")
    root = etree.fromstring(answer.content)
    assert [(child.tag, child.text) for child in root] == [("Count", "7")]


def test_links_one_by_one_and_together(ask):
    def links(ids, name="pubmed_pubmed_citedin"):
        answer = ask("elink.fcgi", dbfrom="pubmed", db="pubmed", linkname=name, id=ids)
        return [
            ([i.text for i in s.iterfind("IdList/Id")], [i.text for i in s.iterfind("LinkSetDb/Link/Id")])
            for s in etree.fromstring(answer.content).iterfind("LinkSet")
        ]

    assert links(["1", "2", "3"]) == [(["1"], ["4", "5"]), (["2"], ["5", "6"]), (["3"], [])]
    assert links("1,2") == [(["1", "2"], ["4", "5", "6"])]
    assert links("5", "pubmed_pubmed_refs") == [(["5"], ["1", "2"])]
    told = ask("elink.fcgi", dbfrom="pubmed", db="pmc", linkname="pubmed_pmc", id="5", retmode="json").json()
    assert told["linksets"] == [
        {
            "dbfrom": "pubmed",
            "ids": ["5"],
            "linksetdbs": [{"dbto": "pmc", "linkname": "pubmed_pmc", "links": ["5"]}],
        }
    ]


def test_summaries_hold_neither_abstract_nor_headings_and_name_the_unknown(ask):
    told = ask("esummary.fcgi", db="pubmed", id="5,999", retmode="json").json()["result"]
    assert told["uids"] == ["5", "999"]
    assert told["5"]["title"] == "Asthma 5"
    assert told["999"]["error"] == "cannot get document summary"
    root = etree.fromstring(ask("esummary.fcgi", db="pubmed", id="5").content)
    assert root.findtext("DocSum/Id") == "5"


def test_the_log_tells_what_was_asked(served, ask):
    before = len(served.log)
    ask("einfo.fcgi", tool="t", email="a@example.org")
    (seen,) = served.log[before:]
    assert (seen.method, seen.utility, seen.params["tool"]) == ("GET", "einfo", "t")


def test_a_row_becomes_a_record_and_control_characters_go():
    row = {"pmid": 7, "title": "A\x00\x0bB", "abstract": None, "year": "2001 Jan", "doi": "10.5555/A", "x": 1}
    assert record(row) == Record(record_id="pubmed:7", pmid="7", title="AB", year=2001, doi="10.5555/a")


def test_it_runs_as_a_program_with_every_service_and_a_fault_script(tmp_path):
    data, log = tmp_path / "data.jsonl", tmp_path / "log.jsonl"
    data.write_text('{"pmid": "1", "title": "Asthma", "pmcid": "PMC1"}\n{"title": "no pmid"}\n')
    script = tmp_path / "faults.yaml"
    script.write_text("- {utility: esearch, nth: 1, does: unavailable, with: {status: 502}}\n")
    command = [sys.executable, "-m", "tests.servers", "--data", str(data), "--port", "0", "--hard"]
    command += ["--faults", str(script), "--log", str(log)]
    here = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=here) as process:
        assert process.stdout is not None
        addresses = dict(process.stdout.readline().split() for _ in range(4))
        with httpx.Client(trust_env=False) as client:
            question = {"db": "pubmed", "term": "asthma", "api_key": "sesame", "email": "a@example.org"}
            search = f"{addresses['entrez/eutils']}esearch.fcgi"
            first, second = (client.post(search, data=question) for _ in range(2))
            converted = client.get(
                f"{addresses['pmc']}tools/idconv/api/v1/articles/?ids=1&format=json"
            ).json()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert (first.status_code, second.status_code) == (502, 200)
    assert b"<Count>1</Count>" in second.content
    assert converted["records"] == [{"pmcid": "PMC1", "pmid": 1, "requested-id": "1"}]
    told = log.read_text()
    assert [json.loads(line)["utility"] for line in told.splitlines()] == ["esearch", "esearch", "idconv"]
    assert "sesame" not in told
    assert "example.org" not in told
