"""NCBI's answers judged, and Bio.Entrez' requests taken over by our transport."""

import inspect
import json
import threading
import time
from pathlib import Path

import pytest
from Bio import Entrez

from tests.servers import serve
from tools import eutils
from tools.exchange import Reply
from tools.schemas import Record
from tools.transport import Transport

EPOST = "<ePostResult><ERROR>{}</ERROR></ePostResult>"
VIEWER = "<eFetchResult><ERROR> Error: External viewer error: Empty Response.</ERROR></eFetchResult>"
THROTTLED = '{"error":"API rate limit exceeded","api-key":"203.0.113.7","count":"4","limit":"3"}'
GOOD = "<eSearchResult><Count>0</Count><IdList/></eSearchResult>"


def reply(body: str | bytes, status: int = 200) -> Reply:
    return Reply(status=status, body=body.encode() if isinstance(body, str) else body, at="")


def error(text: str) -> str:
    return f'<?xml version="1.0" ?><eSearchResult><ERROR>{text}</ERROR></eSearchResult>'


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (GOOD, 200, "ok"),
        (GOOD.replace("<IdList/>", "<ErrorList><PhraseNotFound>x</PhraseNotFound></ErrorList>"), 200, "ok"),
        (GOOD.replace("<IdList/>", "<ERROR/>"), 200, "ok"),
        (error("Search Backend failed: Database is not supported: pubmed"), 200, "transient"),
        (error("Search Backend failed: Exception: 502 Proxy Error"), 200, "transient"),
        (error("Couldn't resolve #exLinkSrv2, the address table is empty."), 200, "transient"),
        (
            error("Search Backend failed: Exception:\n'retstart' cannot be larger than 9998."),
            200,
            "permanent",
        ),
        (error("Empty term and query_key - nothing todo"), 200, "permanent"),
        (error("WebEnv not found"), 200, "permanent"),
        (error("Something nobody has seen"), 200, "transient"),
        (error("Something nobody has seen"), 400, "permanent"),
        (error("WebEnv not found"), 503, "transient"),
        (EPOST.format("Invalid db name specified: nothing"), 200, "permanent"),
        (VIEWER, 200, "transient"),
        ("", 200, "transient"),
        ('<?xml version="1.0" encoding="UTF-8" ?>\n', 200, "transient"),
        (GOOD[:-8], 200, "transient"),
        ("<html><body>Down for maintenance</body></html>", 200, "transient"),
        ("<!DOCTYPE html><html><p>Down<br></html>", 200, "transient"),
        (THROTTLED, 200, "transient"),
        (THROTTLED, 429, "transient"),
        ("<html>too long</html>", 414, "permanent"),
        ("not xml", 404, "permanent"),
        ("<ePostResult><WebEnv>x</WebEnv></ePostResult>", 200, "transient"),
    ],
)
def test_the_table_of_answers(body, status, kind):
    judgement = eutils.judge(reply(body, status), "eSearchResult")
    assert judgement.kind == kind
    assert bool(judgement.said) == (kind != "ok")
    assert "203.0.113.7" not in judgement.said


@pytest.mark.parametrize(
    ("body", "divisible"),
    [
        ("<PubmedArticleSet><PubmedArticle>", True),
        ("<PubmedArticleSet>\x01</PubmedArticleSet>", True),
        ("<html><body>Down<br></html>", False),
        ('<?xml version="1.0" ?>', False),
        ("", False),
    ],
)
def test_a_set_that_breaks_down_is_told_from_no_set(body, divisible):
    judgement = eutils.judge(reply(body), "PubmedArticleSet")
    assert (judgement.kind, judgement.divisible) == ("transient", divisible)


@pytest.mark.shared
def test_real_answers_are_judged_as_what_they_are(shared_data):
    """Recorded answers of NCBI; those that hold an ERROR are epost2 and epost3."""
    folder = shared_data / "api_samples" / "eutils"
    roots = {"esearch": "eSearchResult", "epost": "ePostResult", "einfo": "eInfoResult"}
    judged = {
        path.stem: eutils.judge(reply(path.read_bytes()), root).kind
        for name, root in roots.items()
        for path in sorted(folder.glob(f"{name}?.xml"))
    }
    assert len(judged) >= 10
    assert {name for name, kind in judged.items() if kind != "ok"} == {"epost2", "epost3"}


def test_every_utility_travels_as_a_post_with_name_and_address_and_the_key_in_its_body(tmp_path):
    caller = eutils.Caller(email="a@example.org", api_key="sesame-opens", tool="tests")
    records = [Record(record_id="pubmed:1", pmid="1", title="Lung")]
    with serve(records) as served, _transport(served.address, tmp_path) as transport:

        def ask(utility, params, root):
            return eutils.ask(transport, utility, caller=caller, event="e", params=params, root=root)

        ask("einfo", {}, "eInfoResult")
        ask("esearch", {"db": "pubmed", "term": "lung[ti]"}, "eSearchResult")
        ask("epost", {"db": "pubmed", "id": "1"}, "ePostResult")
        ask("efetch", {"db": "pubmed", "id": "1", "retmode": "xml"}, "PubmedArticleSet")
        ask("esummary", {"db": "pubmed", "id": "1"}, "eSummaryResult")
        ask("elink", {"dbfrom": "pubmed", "db": "pubmed", "id": ["1", "2"]}, "eLinkResult")
        log = served.log
    assert [seen.utility for seen in log] == ["einfo", "esearch", "epost", "efetch", "esummary", "elink"]
    assert log[-1].params.every("id") == ["1", "2"], "one by one, so that links are told apart"
    assert {seen.method for seen in log} == {"POST"}
    for seen in log:
        assert "?" not in seen.url
        who = {name: seen.params[name] for name in ("tool", "email", "api_key")}
        assert who == {"tool": "tests", "email": "a@example.org", "api_key": "sesame-opens"}


def test_entrez_neither_sleeps_nor_keeps_anything_of_ours(tmp_path):
    before = Entrez.urlopen, Entrez.max_tries, Entrez.email, Entrez.api_key
    with serve([]) as served, _transport(served.address, tmp_path) as transport:
        began = time.monotonic()
        for n in range(8):
            eutils.ask(
                transport,
                "einfo",
                caller=eutils.Caller("a@example.org"),
                event=str(n),
                params={},
                root="eInfoResult",
            )
        # Bio.Entrez' own limiter would take 7 * 0.37 s.
        assert time.monotonic() - began < 2.0
    assert (Entrez.urlopen, Entrez.max_tries, Entrez.email, Entrez.api_key) == before


def test_threads_do_not_mix_up_their_requests():
    calls: dict[int, str] = {}

    def go(n: int) -> None:
        call = eutils._request(
            Entrez.esearch, eutils.Caller("a@example.org"), {"db": "pubmed", "term": f"t{n}"}
        )
        calls[n] = dict(call.params)["term"]

    threads = [threading.Thread(target=go, args=(n,)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == {n: f"t{n}" for n in range(40)}


def test_a_term_arrives_as_it_was_meant():
    """Plus signs, ampersands, percent signs and letters beyond ASCII survive form encoding."""
    term = '("β-blocker"[tiab] OR 50%[tiab]) AND a+b & c=d #1'
    call = eutils._request(Entrez.esearch, eutils.Caller("a@example.org"), {"db": "pubmed", "term": term})
    assert dict(call.params)["term"] == term
    assert json.loads(call.request)["method"] == "POST"


def test_what_we_rely_on_in_biopython_is_still_there():
    """We replace `urlopen` inside `Bio.Entrez` and reset the limiter of `_open`; both are its inner life."""
    source = inspect.getsource(Entrez._open)
    assert "urlopen(request)" in source
    assert "_open.previous" in source


def test_the_address_can_be_another_and_the_gap_follows_the_key():
    assert eutils.service().base_url == "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"
    assert eutils.service("http://127.0.0.1:1").base_url == "http://127.0.0.1:1/"
    assert eutils.service().gap_s >= 1 / 3
    assert 1 / 10 <= eutils.service(api_key="k").gap_s < 1 / 3


def _transport(address: str, cache: Path) -> Transport:
    return Transport({eutils.SERVICE: eutils.service(address)}, None, cache=cache)
