"""Live PubMed as a source: the real client, over real HTTP, against the local E-utilities."""

import itertools
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.servers import Fault, Served, faults, hard, serve
from tests.servers.corpus import records
from tests.tools.test_transport import Log
from tools import eutils
from tools.errors import ConfigError, ReplayMiss, SourceRefused, SourceUnavailable
from tools.schemas import Record, SearchResult
from tools.search.query import parse
from tools.search.sources.base import DateRange
from tools.search.sources.pubmed import PubMedSource, estimate
from tools.transport import Patience, StoredExchange, Transport

KEY = "sesame-opens"
ALWAYS = DateRange()


def invented(n: int, **more: object) -> Record:
    fields: dict[str, object] = {"title": f"Invented trial {n} of asthma", "abstract": "We asked."}
    fields |= {"year": 2000 + n % 20, "journal": "J Inv Tr"}
    return Record.model_validate({"record_id": f"pubmed:{n}", "pmid": str(n)} | fields | more)


RECORDS = [invented(n) for n in range(1, 26)]


@dataclass
class Bench:
    """A source, what it talks to, and what it keeps."""

    source: PubMedSource
    served: Served
    log: Log
    progress: list[tuple[int, int]] = field(default_factory=list)

    def search(self, text: str = "asthma[ti]", *, limit: int = 1000, **more: object) -> SearchResult:
        given = {"search_id": "s1", "dates": ALWAYS} | more
        return self.source.search(parse(text), limit=limit, **given)


@contextmanager
def bench(
    tmp_path, *script, served_records=RECORDS, forms=None, log=None, replay_only=False, **options
) -> Iterator[Bench]:
    log = Log() if log is None else log
    progress: list[tuple[int, int]] = []
    patience = {name: options.pop(name) for name in ("max_bytes", "call_s") if name in options}
    with (
        serve(served_records, faults=script, forms=forms) as served,
        Transport(
            {eutils.SERVICE: eutils.service(served.address)},
            log,
            cache=tmp_path,
            replay_only=replay_only,
            patience=Patience.model_validate({"attempts": 3, **patience}),
            secrets=[KEY],
            sleep=lambda pause_s: None,
        ) as transport,
    ):
        settings = {"batch_size": 10, "parallel": 1, "email": "a@example.org", "api_key": KEY} | options
        source = PubMedSource(transport, progress=lambda *n: progress.append(n), **settings)
        yield Bench(source, served, log, progress)


def ids(result: SearchResult) -> list[str]:
    return [record.record_id for record in result.records]


# A healthy service -------------------------------------------------------------------------------


def test_every_hit_comes_and_is_the_record_that_was_served(tmp_path):
    with bench(tmp_path) as b:
        result = b.search()
    assert result.count == 25
    assert result.missing == ()
    assert sorted(result.records, key=lambda r: int(r.pmid)) == RECORDS
    assert result.query_sent == "asthma[ti]"
    assert result.translation == "asthma[ti]"
    assert b.progress == [(10, 25), (20, 25), (25, 25)]


def test_the_order_is_the_one_esearch_gave(tmp_path):
    """Newest first, as the sort that we ask for says; worked out by hand for five."""
    few = [invented(1, year=2001), invented(2, year=2009), invented(3, year=2005), invented(4, year=2009)]
    with bench(tmp_path, served_records=few, batch_size=3) as b:
        assert ids(b.search()) == ["pubmed:4", "pubmed:2", "pubmed:3", "pubmed:1"]
    assert b.served.asked("esearch")[0].params["sort"] == "pub_date"


def test_batches_come_through_the_history_server(tmp_path):
    with bench(tmp_path) as b:
        b.search()
    windows = [(s.params["retstart"], s.params["retmax"]) for s in b.served.asked("efetch")]
    assert windows == [("0", "10"), ("10", "10"), ("20", "5")]
    assert all("id" not in s.params and s.params["query_key"] == "1" for s in b.served.asked("efetch"))


def test_the_term_decides_what_comes(tmp_path):
    few = [invented(1), invented(2, title="Gout and diet"), invented(3, abstract="Also on gout.")]
    with bench(tmp_path, served_records=few) as b:
        assert ids(b.search("gout[tiab]")) == ["pubmed:3", "pubmed:2"]
        assert ids(b.search("asthma[ti] NOT gout[tiab]")) == ["pubmed:1"]


def test_date_limits_stand_in_the_query_that_is_sent(tmp_path):
    with bench(tmp_path) as b:
        result = b.search(dates=DateRange(start="2003-01-01", end="2004-12-31"))
        later = b.search(dates=DateRange(start="2019-01-01"))
    assert result.query_sent == "(asthma[ti] AND 2003/01/01:2004/12/31[dp])"
    assert {r.year for r in result.records} == {2003, 2004}
    assert later.query_sent == "(asthma[ti] AND 2019/01/01:3000/12/31[dp])"
    assert {r.year for r in later.records} == {2019}
    assert result.parameters["date_start"] == "2003-01-01"


def test_what_prisma_s_wants_is_told(tmp_path):
    with bench(tmp_path) as b:
        parameters = b.search().parameters
    at = next(e.at for e in b.log.kept.values() if "esearch" in e.request)
    assert parameters["searched_at"] == at
    assert parameters["finished_at"] >= at, "when the last records came"
    assert parameters["database"].startswith("PubMed")
    assert parameters["sort"] == "pub_date"
    assert (parameters["batch_size"], parameters["limit"], parameters["date_field"]) == (10, 1000, None)


def test_limits_of_creation_refer_to_the_create_date(tmp_path):
    """Both of 2001, listed in 2001 and in 2024: an update has to find the second."""
    few = [invented(1, created="2001-05-01"), invented(2, year=2001, created="2024-02-03")]
    with bench(tmp_path, served_records=few) as b:
        result = b.search(dates=DateRange(start="2024-01-01", end="2024-12-31", of="creation"))
    assert result.query_sent == "(asthma[ti] AND 2024/01/01:2024/12/31[crdt])"
    assert ids(result) == ["pubmed:2"]
    assert result.parameters["date_field"] == "crdt"


# Counting ----------------------------------------------------------------------------------------


def test_a_probe_counts_and_lists_and_fetches_nothing(tmp_path):
    with bench(tmp_path) as b:
        hits = b.source.probe(parse("asthma[ti]"), search_id="q", dates=ALWAYS)
        some = b.source.probe(parse("asthma[ti]"), search_id="q", dates=ALWAYS, pmids=3)
        within = b.source.probe(parse("asthma[ti]"), search_id="q", dates=DateRange(start="2019-01-01"))
        assert b.source.probe(parse("asthma[ti]"), search_id="q", dates=ALWAYS) == hits
    assert (hits.source, hits.query_sent, hits.count, hits.pmids) == ("pubmed", "asthma[ti]", 25, ())
    assert hits.translation == "asthma[ti]"
    assert some.pmids == ("19", "18", "17")  # newest first: 2019, 2018, 2017
    assert within.count == 1
    assert [s.utility for s in b.served.log] == ["esearch"] * 3


def test_a_probe_says_what_pubmed_did_not_understand(tmp_path):
    with bench(tmp_path) as b:
        unknown = b.source.probe(parse("asthma[nosuchfield]"), search_id="q", dates=ALWAYS)
        nothing = b.source.probe(parse("xyzzy[ti]"), search_id="q", dates=ALWAYS)
    assert unknown.warnings == (
        "PubMed does not know this field tag and searched all fields instead: nosuchfield",
        "PubMed says: asthma: untagged, its words are searched in all fields, unmapped",
    )
    assert (nothing.count, nothing.warnings) == (0, ("PubMed says: No items found.",))


def test_a_probe_of_a_service_that_is_down_is_no_zero(tmp_path):
    with bench(tmp_path, Fault("esearch", 0, faults.html_page())) as b, pytest.raises(SourceUnavailable):
        b.source.probe(parse("asthma[ti]"), search_id="q", dates=ALWAYS)
    with bench(tmp_path) as b, pytest.raises(ValueError, match="pmids"):
        b.source.probe(parse("asthma[ti]"), search_id="q", dates=ALWAYS, pmids=10_000)


# More of a healthy service -----------------------------------------------------------------------


def test_no_hits_are_no_hits_and_nothing_is_fetched(tmp_path):
    with bench(tmp_path) as b:
        result = b.search("xyzzy[ti]")
    assert (result.count, result.records, result.missing) == (0, (), ())
    assert result.warnings == ("PubMed says: No items found.",)
    assert b.served.asked("efetch") == []


def test_what_pubmed_could_not_understand_is_a_warning(tmp_path):
    """PubMed drops an unknown tag and searches all fields; a clause the server cannot evaluate, too."""
    with bench(tmp_path) as b:
        result = b.search("asthma[nosuchfield] AND 2001:2002[mhda]")
    assert result.count == 25
    said = "\n".join(result.warnings)
    assert "does not know this field tag and searched all fields instead: nosuchfield" in said
    assert "ignored this: 2001:2002[mhda]" in said


def test_a_long_strategy_travels_whole(tmp_path):
    long = " OR ".join(f"word{n}[tiab]" for n in range(900)) + " OR asthma[ti]"
    with bench(tmp_path) as b:
        result = b.search(long)
    (seen,) = b.served.asked("esearch")
    assert result.count == 25
    assert seen.params["term"] == result.query_sent
    assert len(seen.params["term"]) > 9_000
    assert (seen.method, len(seen.url)) == ("POST", len("/esearch.fcgi"))


def test_neither_key_nor_address_is_kept(tmp_path):
    with bench(tmp_path) as b:
        b.search()
    assert all(s.params["api_key"] == KEY and s.params["email"] == "a@example.org" for s in b.served.log)
    kept = "".join(e.model_dump_json() for e in b.log.kept.values())
    assert len(b.log.kept) == 4
    assert KEY not in kept
    assert "a@example.org" not in kept
    assert b.served.address not in kept


# Limits ------------------------------------------------------------------------------------------


def test_more_hits_than_the_limit_are_refused_with_an_estimate_and_the_line_to_write(tmp_path):
    with bench(tmp_path) as b, pytest.raises(SourceRefused) as caught:
        b.search(limit=24)
    said = str(caught.value)
    assert "25 hits, more than the limit of 24; nothing was fetched" in said
    assert "3 requests, at least 0 s at NCBI's rate, and about 0 MB of disk" in said
    assert "\n      limit: 25\n" in said
    assert b.served.asked("efetch") == []


def test_two_hundred_thousand_hits_are_asked_about_first(tmp_path):
    body = "".join(f"<Id>{n}</Id>" for n in range(1, 10_000))
    answer = f"<eSearchResult><Count>200000</Count><IdList>{body}</IdList></eSearchResult>".encode()
    script = Fault("esearch", 0, lambda *_: faults.Answer(answer))
    with bench(tmp_path, script, batch_size=500) as b, pytest.raises(SourceRefused) as caught:
        b.search(limit=50_000)
    said = str(caught.value)
    assert "200,000 hits, more than the limit of 50,000; nothing was fetched" in said
    assert "limit: 204000" in said
    assert "1.6 GB" in said
    assert len(b.served.log) == 1


@pytest.mark.parametrize(
    ("count", "keyed", "told"),
    [
        # By hand: 20 calls of 500 at 0.37 s; 400 of 500 and 2 for each of 21 windows at 0.37 s, then at 0.11 s.
        (9_999, False, "20 requests, at least 7 s at NCBI's rate, and about 80 MB of disk"),
        (200_000, False, "442 requests, at least 3 min at NCBI's rate, and about 1.6 GB of disk"),
        (200_000, True, "442 requests, at least 49 s at NCBI's rate, and about 1.6 GB of disk"),
    ],
)
def test_the_estimate_worked_out_by_hand(count, keyed, told):
    assert estimate(count, 500, keyed=keyed) == told


def test_exactly_the_limit_is_allowed(tmp_path):
    with bench(tmp_path) as b:
        assert len(b.search(limit=25).records) == 25


def test_bad_settings_are_told_before_anything_is_asked(tmp_path):
    for settings in ({"email": "nobody"}, {"batch_size": 0}, {"batch_size": 10_000}):
        with pytest.raises(ConfigError), bench(tmp_path, **settings):
            pass


# A service that fails ----------------------------------------------------------------------------

PASSING = {
    "429": faults.too_many_requests(),
    "429 as 200": faults.too_many_requests(status=200),
    "503": faults.unavailable(),
    "502": faults.unavailable(502),
    "reset": faults.reset(),
    "html as 200": faults.html_page(),
    "prolog only": faults.prolog_only(),
    "empty": faults.empty(),
    "cut by HTTP": faults.truncated(),
    "cut in XML": faults.half_a_document(),
    "cut gzip": faults.cut_gzip(),
    "backend": faults.error_inside("Search Backend failed: Database is not supported: pubmed"),
    "viewer": faults.error_inside("Error: External viewer error: Empty Response.", "eFetchResult"),
}


@pytest.mark.parametrize("utility", ["esearch", "efetch"])
@pytest.mark.parametrize("behaviour", PASSING.values(), ids=PASSING)
def test_a_passing_failure_changes_nothing(tmp_path, utility, behaviour):
    with bench(tmp_path, Fault(utility, 1, behaviour), batch_size=25) as b:
        result = b.search()
    assert (result.count, len(result.records), result.missing) == (25, 25, ())
    assert len(b.served.asked(utility)) == 2
    assert len(b.log.kept) == 2


@pytest.mark.parametrize("utility", ["esearch", "efetch"])
@pytest.mark.parametrize("behaviour", PASSING.values(), ids=PASSING)
def test_a_lasting_failure_is_never_no_hits(tmp_path, utility, behaviour):
    script = Fault(utility, 0, behaviour)
    with bench(tmp_path, script) as b, pytest.raises(SourceUnavailable, match="run again later"):
        b.search()
    assert all(utility not in e.request for e in b.log.kept.values())


def test_a_search_that_pubmed_refuses_says_what_and_what_to_do(tmp_path):
    script = Fault("esearch", 0, faults.error_inside("Empty term and query_key - nothing todo"))
    with (
        bench(tmp_path, script) as b,
        pytest.raises(SourceRefused, match=r"Empty term[\s\S]*remedy: correct"),
    ):
        b.search()
    assert len(b.served.log) == 1


def test_fewer_ids_than_hits_is_a_failure(tmp_path):
    script = Fault("esearch", 0, faults.altered(b"<Id>7</Id>", b""))
    with bench(tmp_path, script) as b, pytest.raises(SourceUnavailable, match="25 hits declared, but 24"):
        b.search()


def test_an_empty_batch_is_a_failure(tmp_path):
    nothing = faults.Answer(b"<PubmedArticleSet></PubmedArticleSet>")
    script = Fault("efetch", 0, lambda *_: nothing)
    with bench(tmp_path, script) as b, pytest.raises(SourceUnavailable, match="none of 10 records came"):
        b.search()


def test_a_record_that_does_not_come_is_missing_by_name(tmp_path):
    script = [Fault("efetch", 0, faults.without("7"))]
    with bench(tmp_path, *script) as b:
        result = b.search()
    assert result.missing == ("7",)
    assert len(result.records) == 24
    assert result.count == len(result.records) + len(result.missing)


def test_missing_ids_are_sorted_as_numbers(tmp_path):
    script = [
        Fault("efetch", 0, _both(faults.without("25"), faults.without("9"))),
    ]
    with bench(tmp_path, *script, batch_size=25) as b:
        result = b.search()
    assert result.missing == ("9", "25")
    assert result.warnings == tuple(f"PMID {n} was asked for twice and did not come" for n in (9, 25))


def test_a_record_that_was_left_out_once_is_asked_for_again_and_comes(tmp_path):
    with bench(tmp_path, Fault("efetch", 2, faults.without("7"))) as b:
        result = b.search()
    assert (len(result.records), result.missing, result.warnings) == (25, (), ())
    assert [s.params.get("id") for s in b.served.asked("efetch")] == [None, None, None, "7"]


def _both(first, second):
    return lambda params, healthy, service: second(params, lambda: first(params, healthy, service), service)


def test_a_deleted_record_is_missing_and_said_to_be_deleted(tmp_path):
    gone = b"<DeleteCitation><PMID>7</PMID></DeleteCitation></PubmedArticleSet>"
    behaviour = _both(faults.without("7"), faults.altered(b"</PubmedArticleSet>", gone))
    with bench(tmp_path, Fault("efetch", 1, behaviour), batch_size=25) as b:
        result = b.search()
    assert result.missing == ("7",)
    assert result.warnings == ("PMID 7 was deleted from PubMed or merged into another",)


def test_an_unreadable_record_is_missing_with_its_reason_and_its_neighbours_come(tmp_path):
    hollow = (
        b"<PubmedArticle><MedlineCitation><PMID>7</PMID></MedlineCitation></PubmedArticle></PubmedArticleSet>"
    )
    behaviour = _both(faults.without("7"), faults.altered(b"</PubmedArticleSet>", hollow))
    with bench(tmp_path, Fault("efetch", 1, behaviour), batch_size=25) as b:
        result = b.search()
    assert result.missing == ("7",)
    assert len(result.records) == 24
    assert result.warnings == ("PMID 7 could not be read: no Article element",)


def test_a_stranger_in_a_batch_by_ids_is_named_and_not_taken_up(tmp_path):
    """The history server is not trusted with it: the batch is asked for again, by its ids."""
    script = Fault("efetch", 0, faults.altered(b'<PMID Version="1">7<', b'<PMID Version="1">777<'))
    with bench(tmp_path, script, batch_size=25) as b:
        result = b.search()
    assert [("id" in s.params) for s in b.served.asked("efetch")] == [False, True, True]
    assert result.missing == ("7",)
    assert "777" in result.warnings[0]
    assert "pubmed:777" not in ids(result)


def test_one_record_that_breaks_every_answer_does_not_hold_up_the_others(tmp_path):
    """The batch is halved until it is alone: 10, then 5 and 5, …; and a replay needs no service for that."""
    script = Fault("efetch", 0, faults.broken_by("7"))
    with bench(tmp_path, script) as b:
        result = b.search()
    assert result.missing == ("7",)
    assert len(result.records) == 24
    (said,) = result.warnings
    assert said.startswith(
        "PMID 7 breaks every answer that should hold it: efetch.fcgi failed 2 time(s); last: no complete XML"
    )
    with bench(tmp_path, log=b.log, replay_only=True) as replay:
        assert replay.search() == result


def test_a_batch_of_one_that_breaks_is_told_from_a_service_that_is_down(tmp_path):
    with bench(tmp_path, Fault("efetch", 0, faults.broken_by("7")), batch_size=1) as b:
        result = b.search()
    assert (len(result.records), result.missing) == (24, ("7",))
    with bench(tmp_path, Fault("efetch", 0, faults.half_a_document())) as b, pytest.raises(SourceUnavailable):
        b.search()
    assert len(b.served.asked("efetch")) == 3 + 2, (
        "a batch with all patience, and one look whether it is well"
    )


def test_an_answer_beyond_the_cap_is_asked_for_in_pieces(tmp_path):
    wide = [invented(n, abstract="We asked. " * 200) for n in range(1, 9)]
    with bench(tmp_path, served_records=wide, max_bytes=10_000) as b:
        result = b.search()
    assert (len(result.records), result.missing, result.warnings) == (8, (), ())


def test_a_slow_drip_ends_at_the_deadline_and_is_asked_again(tmp_path):
    with bench(tmp_path, Fault("efetch", 1, faults.slow_drip(0.05)), batch_size=25, call_s=0.3) as b:
        assert len(b.search().records) == 25
    assert len(b.served.asked("efetch")) == 2


def test_articles_with_every_difficulty_come_as_what_they_are(tmp_path):
    with bench(tmp_path, served_records=hard.records(), forms=hard.FORMS) as b:
        result = b.search("invented OR syrup", limit=100)
    assert (result.count, result.missing) == (10, ())
    by_pmid = {record.pmid: record for record in result.records}
    assert by_pmid["99000001"].journal == "Invented reviews"
    assert by_pmid["99000003"].title == ""
    assert by_pmid["99000004"].year == 2018
    assert by_pmid["99000005"].authors == ("Doe, Ada", "The Invented Syrup Group")
    assert "1.73 m2 of CO2, in vitro; p<0.05" in by_pmid["99000006"].abstract
    assert (by_pmid["99000007"].doi, by_pmid["99000007"].pmcid) == ("10.5555/mine", None)
    assert {pmid for pmid, record in by_pmid.items() if record.retracted} == {"99000008", "99000009"}
    assert by_pmid["99000010"].abstract == ""


def test_several_batches_at_a_time_bring_the_same_in_the_same_order(tmp_path):
    script = [Fault("efetch", n, b) for n, b in ((1, faults.reset()), (4, faults.unavailable()))]
    with bench(tmp_path) as alone, bench(tmp_path, *script, batch_size=2, parallel=4) as many:
        assert many.search().records == alone.search().records
    assert many.progress == [(n, 25) for n in [*range(2, 25, 2), 25]]


def test_a_forgotten_history_falls_back_to_ids(tmp_path):
    with bench(tmp_path, Fault("efetch", 2, faults.forgotten_history())) as b:
        result = b.search()
    assert (len(result.records), result.missing) == (25, ())
    assert [("id" in s.params) for s in b.served.asked("efetch")] == [False, False, True, True]


# Crash, resume, replay ---------------------------------------------------------------------------


KILLED = """
import sys
from pathlib import Path
from tests.tools.search.test_pubmed import FolderLog
from tools import eutils
from tools.search.query import parse
from tools.search.sources.base import DateRange
from tools.search.sources.pubmed import PubMedSource
from tools.transport import Transport

address, folder = sys.argv[1], Path(sys.argv[2])
with Transport({eutils.SERVICE: eutils.service(address)}, FolderLog(folder), cache=folder) as transport:
    source = PubMedSource(transport, email="a@example.org", batch_size=10, parallel=1)
    result = source.search(parse("asthma[ti]"), search_id="s1", dates=DateRange(), limit=100)
    print(len(result.records), result.missing)
"""


@dataclass
class FolderLog:
    """An exchange log that outlives its process; the real one is the review's database."""

    folder: Path

    def find(self, key: str) -> StoredExchange | None:
        path = self.folder / f"{key[3:]}.json"
        return StoredExchange.model_validate_json(path.read_bytes()) if path.exists() else None

    def save(self, exchange: StoredExchange) -> None:
        path = self.folder / f"{exchange.key[3:]}.json"
        path.with_suffix(".half").write_text(exchange.model_dump_json())
        path.with_suffix(".half").replace(path)


def test_a_process_that_is_killed_in_its_third_batch_loses_nothing(tmp_path):
    running: list[subprocess.Popen[str]] = []

    def kill(params, healthy, service):
        running[0].send_signal(signal.SIGKILL)
        running[0].wait()
        return healthy()

    with serve(RECORDS, faults=[Fault("efetch", 3, kill)]) as served:
        command = [sys.executable, "-c", KILLED, served.address, str(tmp_path)]
        for status in (-signal.SIGKILL, 0):
            running[:] = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True)]
            told, _ = running[0].communicate(timeout=60)
            assert running[0].returncode == status
        asked = [(s.utility, s.params.get("retstart")) for s in served.log]
    assert told == "25 ()\n"
    once = [("esearch", "0"), ("efetch", "0"), ("efetch", "10"), ("efetch", "20")]
    assert asked == [*once, ("efetch", "20")], "only what had not arrived is asked again"


def test_a_search_goes_on_where_it_stopped_although_its_history_has_expired(tmp_path):
    """The first run dies in its third batch, and the history server has forgotten by the second run."""
    with bench(tmp_path, Fault("efetch", 3, _dies)) as first, pytest.raises(SourceUnavailable):
        first.search()
    assert len(first.log.kept) == 3
    with bench(tmp_path, log=first.log) as second:
        result = second.search()
    assert len(result.records) == 25
    assert second.served.asked("esearch") == []
    asked = second.served.asked("efetch")
    assert [("id" in s.params) for s in asked] == [False, True]
    assert asked[1].params["id"].count(",") == 4
    with bench(tmp_path) as untouched:
        assert ids(untouched.search()) == ids(result)


def _dies(params, healthy, service):
    """A redirect that is not followed ends the search at once."""
    return faults.Answer(b"", 302, headers={"Location": "http://198.51.100.1/"})


def test_a_finished_search_asked_again_costs_nothing_and_is_the_same(tmp_path):
    with bench(tmp_path) as b:
        first = b.search()
        asked = len(b.served.log)
        assert b.search() == first
        assert len(b.served.log) == asked


def test_a_new_event_asks_again(tmp_path):
    with bench(tmp_path) as b:
        b.search()
        asked = len(b.served.log)
        b.search(search_id="s2")
        assert len(b.served.log) == 2 * asked


@pytest.mark.parametrize(
    "script", [(), (Fault("efetch", 2, faults.forgotten_history()),)], ids=["plain", "resumed"]
)
def test_a_replay_gives_the_same_result_without_a_service(tmp_path, script):
    with bench(tmp_path, *script) as b:
        recorded = b.search()
    with bench(tmp_path, log=b.log, replay_only=True, email="other@example.org", api_key=None) as replay:
        assert replay.search() == recorded
        assert replay.served.log == []


def test_a_replay_of_another_query_shows_the_difference(tmp_path):
    with bench(tmp_path) as b:
        b.search("asthma[ti] AND invented[ti]")
    with bench(tmp_path, log=b.log, replay_only=True) as replay, pytest.raises(ReplayMiss) as caught:
        replay.search("asthma[ti] AND trial[ti]")
    assert "invented[ti]" in str(caught.value)
    assert "trial[ti]" in str(caught.value)


def test_raising_the_limit_needs_no_new_search(tmp_path):
    with bench(tmp_path) as b:
        with pytest.raises(SourceRefused):
            b.search(limit=5)
        assert len(b.search(limit=500).records) == 25
    assert len(b.served.asked("esearch")) == 1


def test_every_batch_size_brings_the_same(tmp_path):
    results = []
    for size in (1, 7, 25, 9_999):
        with bench(tmp_path, batch_size=size) as b:
            results.append(b.search().records)
    assert all(one == other for one, other in itertools.pairwise(results))


@pytest.mark.shared
def test_a_real_strategy_over_real_records(tmp_path, shared_data):
    """Counted by another way: a plain search of the words in the texts of every tenth record."""
    some = list(itertools.islice(records(shared_data / "pubmed" / "pool.jsonl.gz"), 0, None, 10))
    wanted = {
        r.pmid
        for r in some
        if re.search(r"\bplacebo\b", r.text, re.I) and re.search(r"\b(children|infants)\b", r.text, re.I)
    }
    assert len(wanted) > 20
    with bench(tmp_path, served_records=some, batch_size=50) as b:
        result = b.search("placebo[tiab] AND (children[tiab] OR infants[tiab])")
    assert {r.pmid for r in result.records} == wanted
    by_id = {r.pmid: r for r in some}
    for record in result.records:
        original = by_id[record.pmid]
        assert (record.year, record.doi) == (original.year, original.doi)
        assert re.sub(r"\s+", " ", record.text) == re.sub(r"\s+", " ", original.text.strip())
