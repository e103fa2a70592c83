"""What we rely on in NCBI's live services, one call per endpoint. Run with `pytest -m contract`.

Give your address in LEADS_EMAIL, as NCBI asks, and a key in NCBI_API_KEY if you have one.
"""

import os
from collections.abc import Iterator

import pytest

from tools import eutils
from tools.errors import SourceRefused
from tools.fulltext.pmc import NoFullText, fetch_jats
from tools.schemas import Hits
from tools.search.query import parse
from tools.search.sources.base import DateRange
from tools.search.sources.pubmed import PubMedSource, parse_esearch
from tools.transport import Transport

pytestmark = [pytest.mark.contract, pytest.mark.timeout(600)]

EMAIL = os.environ.get("LEADS_EMAIL", "")
KEY = os.environ.get("NCBI_API_KEY") or None


@pytest.fixture
def live(tmp_path) -> Iterator[Transport]:
    if not EMAIL:
        pytest.fail("set LEADS_EMAIL to your e-mail address: NCBI wants to know who asks")
    with Transport({eutils.SERVICE: eutils.service(api_key=KEY)}, None, cache=tmp_path) as transport:
        yield transport


def search(live: Transport, text: str, limit: int = 200, **options):
    source = PubMedSource(live, email=EMAIL, api_key=KEY, **options)
    return source.search(parse(text), search_id="contract", dates=DateRange(), limit=limit)


def test_a_search_by_pmid_brings_these_records_and_reads_them(live):
    """Three papers that will not go away; facts of the first as its publisher prints them."""
    result = search(live, "22663011[uid] OR 12091962[uid] OR 11748933[uid]", batch_size=2)
    assert (result.count, result.missing) == (3, ())
    trial = next(r for r in result.records if r.pmid == "22663011")
    assert trial.title == "Improved survival with MEK inhibition in BRAF-mutated melanoma."
    assert (trial.year, trial.volume, trial.issue, trial.pages) == (2012, "367", "2", "107-14")
    assert trial.doi == "10.1056/nejmoa1203421"
    assert "NCT01245062" in trial.registry_ids
    assert trial.abstract.splitlines()[0].startswith("BACKGROUND: ")
    assert trial.authors[0] == "Flaherty, Keith T"
    assert result.translation


def test_the_order_of_the_history_server_is_the_one_of_the_list(live):
    """Batches of ten through the history server; a stranger in a batch would have been asked by id."""
    result = search(live, "biopython[ti] AND 2000:2020[dp]", limit=100, batch_size=10)
    assert 5 <= result.count <= 100
    assert result.missing == ()


def test_no_hits_and_an_unknown_phrase_are_told(live):
    result = search(live, "xqzvwyjk[tiab]")
    assert (result.count, result.records) == (0, ())
    assert result.warnings


def test_date_limits_are_understood(live):
    source = PubMedSource(live, email=EMAIL, api_key=KEY)
    dates = DateRange(start="2010-01-01", end="2012-12-31")
    result = source.search(parse("biopython[tiab]"), search_id="contract", dates=dates, limit=200)
    assert result.count > 0
    # The electronic date counts for PubMed, too, so a printed year may lie one beyond.
    assert {r.year for r in result.records} <= {2009, 2010, 2011, 2012, 2013}


def test_too_many_hits_are_refused_by_us_before_anything_is_fetched(live):
    with pytest.raises(SourceRefused, match="more than the limit"):
        search(live, "asthma[tiab]", limit=10)


def count(live: Transport, text: str, **more) -> Hits:
    source = PubMedSource(live, email=EMAIL, api_key=KEY)
    return source.probe(parse(text), search_id="contract", dates=more.pop("dates", DateRange()), **more)


def test_a_probe_has_count_translation_and_the_first_pmids(live):
    hits = count(live, "biopython[tiab]", pmids=3)
    assert hits.count >= 50
    assert len(hits.pmids) == 3
    assert "biopython" in hits.translation.lower()


def test_windows_of_create_dates_and_of_pmids_make_up_the_whole(live):
    """What a search of more than 9,999 hits rests on. Old records, so that nothing moves meanwhile."""
    text = "asthma[ti] AND 2001:2003[dp]"
    whole = count(live, text).count
    assert 1_000 < whole < 20_000
    days = [f"({text} AND {w}[crdt])" for w in ("1800/01/01:2002/06/30", "2002/07/01:2100/12/31")]
    assert (
        sum(live_count(live, one) for one in days) + live_count(live, f"({text} NOT 1800:2100[crdt])")
        == whole
    )
    uids = [f"({text} AND {w}[uid])" for w in ("1:12000000", "12000001:99999999")]
    assert sum(live_count(live, one) for one in uids) == whole


def live_count(live: Transport, term: str) -> int:
    """Our query language has no ranges of PMIDs, so the term goes as it is."""
    params = {"db": "pubmed", "term": term, "retmax": "0"}
    caller = eutils.Caller(email=EMAIL, api_key=KEY)
    reply = eutils.ask(live, "esearch", caller=caller, event="contract", params=params, root="eSearchResult")
    return parse_esearch(reply).count


def test_limits_of_creation_are_understood(live):
    dates = DateRange(start="2020-01-01", end="2020-12-31", of="creation")
    result = PubMedSource(live, email=EMAIL, api_key=KEY).search(
        parse("biopython[tiab]"), search_id="contract", dates=dates, limit=200
    )
    assert result.count > 0
    assert {(r.created or "")[:4] for r in result.records} == {"2020"}


def test_links_come_one_by_one(live):
    params = {
        "dbfrom": "pubmed",
        "db": "pubmed",
        "id": ["22663011", "12091962"],
        "linkname": "pubmed_pubmed_citedin",
    }
    caller = eutils.Caller(email=EMAIL, api_key=KEY)
    reply = eutils.ask(live, "elink", caller=caller, event="contract", params=params, root="eLinkResult")
    assert reply.body.count(b"<LinkSet>") == 2
    assert b"pubmed_pubmed_citedin" in reply.body


def test_summaries_come(live):
    caller = eutils.Caller(email=EMAIL, api_key=KEY)
    params = {"db": "pubmed", "id": "22663011"}
    reply = eutils.ask(
        live, "esummary", caller=caller, event="contract", params=params, root="eSummaryResult"
    )
    assert b"Improved survival with MEK inhibition" in reply.body


def test_ids_can_be_posted_and_the_databases_listed(live):
    caller = eutils.Caller(email=EMAIL, api_key=KEY)
    listed = eutils.ask(live, "einfo", caller=caller, event="contract", params={}, root="eInfoResult")
    assert b"<DbName>pubmed</DbName>" in listed.body
    params = {"db": "pubmed", "id": "22663011"}
    posted = eutils.ask(live, "epost", caller=caller, event="contract", params=params, root="ePostResult")
    assert b"<WebEnv>" in posted.body


def test_a_forgotten_history_is_known_as_such(live):
    params = {"db": "pubmed", "WebEnv": "MCID_000000000000000000000000", "query_key": "1", "retmode": "xml"}
    with pytest.raises(SourceRefused) as caught:
        eutils.ask(
            live,
            "efetch",
            caller=eutils.Caller(email=EMAIL, api_key=KEY),
            event="contract",
            params=params,
            root="PubmedArticleSet",
        )
    assert eutils.history_expired(caught.value.said), caught.value.said


def test_a_full_text_and_its_absence(live):
    jats = fetch_jats(live, "PMC3040717", email=EMAIL, api_key=KEY, event="contract")
    assert isinstance(jats, bytes)
    assert b"<body>" in jats
    absent = fetch_jats(live, "PMC99999999999", email=EMAIL, api_key=KEY, event="contract")
    assert isinstance(absent, NoFullText)
