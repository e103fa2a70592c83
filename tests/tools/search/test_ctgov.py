"""ClinicalTrials.gov: its client against the local service, over real HTTP."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Fault, faults, serving
from tests.servers.ctgov import Ctgov, expired_token, refusal, study_of, total_of
from tests.servers.loopback import Served
from tests.tools.test_transport import Log
from tools.errors import SourceRefused, SourceUnavailable
from tools.schemas import Record, SearchResult
from tools.search.query import parse
from tools.search.sources import ctgov
from tools.search.sources.base import DateRange
from tools.search.sources.ctgov import CtgovSource
from tools.transport import Patience, Transport

RECORDS = [
    Record(
        record_id=f"x:{n}",
        title=f"Invented cough {n}",
        year=2000 + n,
        abstract="Nobody coughed.",
        mesh=("Cough",),
    )
    for n in range(1, 13)
]
"""Invented."""

STUDIES = [study_of(record) for record in RECORDS]
ALL = [f"ctgov:NCT{n:08}" for n in range(1, 13)]


@contextmanager
def asked(
    folder: Path, *script: Fault, log: Log | None = None, service: Ctgov | None = None, **options: Any
) -> Iterator[tuple[CtgovSource, Served]]:
    with (
        serving(service or Ctgov(STUDIES), script) as served,
        Transport(
            {ctgov.SERVICE: ctgov.service(served.address)},
            log or Log(),
            cache=folder,
            patience=Patience(attempts=3),
            sleep=lambda pause_s: None,
        ) as transport,
    ):
        yield CtgovSource(transport, **{"page_size": 5, **options}), served


def search(source: CtgovSource, text: str = "cough[tiab]", limit: int = 100, **dates: Any) -> SearchResult:
    return source.search(parse(text), search_id="s1", dates=DateRange(**dates), limit=limit)


def ids(result: SearchResult) -> list[str]:
    return [record.record_id for record in result.records]


class TestASearch:
    def test_it_walks_the_pages_to_the_end(self, tmp_path):
        with asked(tmp_path) as (source, served):
            result = search(source)
        assert ids(result) == ALL
        assert (result.count, result.missing) == (12, ())
        # The total is asked for on first pages only; afterwards there is none to be had.
        assert [seen.params.get("countTotal") for seen in served.asked("studies")] == [
            "true",
            "true",
            None,
            None,
        ]

    def test_what_prisma_s_asks_for_is_kept(self, tmp_path):
        with asked(tmp_path) as (source, _):
            result = search(source, "cough[tiab] AND placebo[pt]", start="2005-01-01", end="2007-12-31")
        told = result.parameters
        assert told["data_timestamp"] == "2026-01-02T09:00:05"
        assert (told["count_declared"], told["dropped"]) == (3, ("placebo[pt]",))
        assert result.query_sent == '"cough" AND AREA[StudyFirstPostDate]RANGE[2005-01-01,2007-12-31]'
        assert any("placebo[pt]" in warning for warning in result.warnings)

    def test_one_open_end_of_the_dates(self, tmp_path):
        with asked(tmp_path) as (source, _):
            assert [record.year for record in search(source, start="2011-01-01").records] == [2011, 2012]

    def test_creation_is_the_day_of_first_posting_as_well(self, tmp_path):
        with asked(tmp_path) as (source, _):
            (record,) = search(source, start="2003-06-15", end="2003-06-15", of="creation").records
        assert record.created == "2003-06-15"

    def test_a_heading_finds_what_the_registry_maps_below_it(self, tmp_path):
        study = study_of(Record(record_id="x:20", title="Nothing of the word", year=2001))
        study["derivedSection"]["conditionBrowseModule"]["ancestors"] = [
            {"id": "", "term": "Respiration Disorders"}
        ]
        with asked(tmp_path, service=Ctgov([study, *STUDIES])) as (source, _):
            assert ids(search(source, '"Respiration Disorders"[mh]')) == ["ctgov:NCT00000020"]

    def test_a_page_of_any_size_is_cut_by_the_registry_and_walked_all_the_same(self, tmp_path, monkeypatch):
        monkeypatch.setattr("tests.servers.ctgov.MOST", 3)
        with asked(tmp_path, page_size=1000) as (source, served):
            assert ids(search(source)) == ALL
        assert len(served.asked("studies")) == 1 + 4

    def test_more_hits_than_the_limit_are_refused_before_anything_is_fetched(self, tmp_path):
        with asked(tmp_path) as (source, served), pytest.raises(SourceRefused, match="12 hits, more than"):
            search(source, limit=11)
        assert [seen.params["fields"] for seen in served.log] == ["NCTId"]

    def test_nothing_left_to_ask_is_refused(self, tmp_path):
        with asked(tmp_path) as (source, served), pytest.raises(SourceRefused, match="registry"):
            search(source, "english[la]")
        assert served.log == []

    def test_asked_again_it_comes_from_the_log(self, tmp_path):
        log = Log()
        with asked(tmp_path, log=log) as (source, _):
            first = search(source)
        with asked(tmp_path, Fault("*", 0, faults.unavailable()), log=log) as (source, served):
            assert search(source) == first
        assert served.log == []

    def test_it_counts_and_lists_no_pmids(self, tmp_path):
        with asked(tmp_path) as (source, served):
            hits = source.probe(parse("cough[tiab]"), search_id="p", dates=DateRange(), pmids=3)
        assert (hits.count, hits.pmids) == (12, ())
        assert len(served.log) == 1


class TestAStudy:
    def test_a_former_number_leads_to_its_successor(self, tmp_path):
        with asked(tmp_path, service=Ctgov(STUDIES, aliases={"NCT99999999": "NCT00000003"})) as (
            source,
            served,
        ):
            assert source.study("NCT99999999", search_id="s").record_id == "ctgov:NCT00000003"
        assert len(served.log) == 2

    def test_a_redirect_to_another_host_is_not_followed(self, tmp_path):
        away = Fault("studies", 0, faults.redirect("https://elsewhere.example/studies/NCT00000003"))
        with asked(tmp_path, away) as (source, _), pytest.raises(SourceUnavailable, match="elsewhere"):
            source.study("NCT00000003", search_id="s")

    def test_an_unknown_number_is_refused_in_the_registrys_words(self, tmp_path):
        with (
            asked(tmp_path) as (source, _),
            pytest.raises(SourceRefused, match="NCT number NCT77777777 not found"),
        ):
            source.study("NCT77777777", search_id="s")

    def test_what_is_no_number_is_not_asked(self, tmp_path):
        with asked(tmp_path) as (source, served), pytest.raises(SourceRefused):
            source.study("../version", search_id="s")
        assert served.log == []


PASSING: Mapping[str, Callable[[], faults.Behaviour]] = {
    "html with status 200": faults.html_page,
    "html with status 400": lambda: faults.unavailable(400),
    "500": lambda: faults.unavailable(500),
    "reset": faults.reset,
    "half of the document": faults.half_a_document,
    "empty": faults.empty,
    "429": lambda: faults.too_many_requests(retry_after="1"),
}


class TestMisbehaviour:
    @pytest.mark.parametrize("name", PASSING)
    @pytest.mark.parametrize("nth", [1, 3])
    def test_what_passes_leaves_no_trace_in_the_records(self, tmp_path, name, nth):
        with asked(tmp_path, Fault("studies", nth, PASSING[name]())) as (source, _):
            assert ids(search(source)) == ALL

    @pytest.mark.parametrize("name", PASSING)
    def test_what_stays_is_an_outage_and_never_no_hits(self, tmp_path, name):
        with (
            asked(tmp_path, Fault("studies", 0, PASSING[name]())) as (source, _),
            pytest.raises(SourceUnavailable),
        ):
            search(source)

    def test_plain_text_is_shown_in_the_registrys_own_words(self, tmp_path):
        said = "Error parsing query in Other terms: no viable alternative at input `AND`"
        with (
            asked(tmp_path, Fault("studies", 1, refusal(said))) as (source, _),
            pytest.raises(SourceRefused) as caught,
        ):
            search(source)
        assert said in str(caught.value)

    def test_an_expired_token_begins_the_list_anew(self, tmp_path):
        with asked(tmp_path, Fault("studies", 4, expired_token())) as (source, _):
            result = search(source)
        assert ids(result) == ALL
        assert any("expired" in warning for warning in result.warnings)

    def test_tokens_that_always_expire_stop_the_search(self, tmp_path):
        log = Log()
        with (
            asked(tmp_path, Fault("studies", 0, expired_token()), log=log) as (source, _),
            pytest.raises(SourceUnavailable, match="did not add up"),
        ):
            search(source)
        with asked(tmp_path, log=log) as (source, _):
            assert ids(search(source)) == ALL

    def test_a_total_that_moves_is_noted(self, tmp_path):
        with asked(tmp_path, Fault("studies", 2, total_of(13))) as (source, _):
            result = search(source)
        # 13 before; 12 came and 12 are counted afterwards.
        assert len(result.records) == result.count == 12
        assert any("13 hits before, 12 after" in warning for warning in result.warnings)

    def test_a_study_that_cannot_be_read_is_missing_by_name(self, tmp_path):
        broken = study_of(RECORDS[2])
        broken["protocolSection"]["conditionsModule"] = "a text"
        with asked(tmp_path, service=Ctgov([*STUDIES[:2], broken, *STUDIES[3:]])) as (source, _):
            result = search(source)
        assert result.missing == ("NCT00000003",)
        assert len(result.records) + len(result.missing) == result.count == 12
