"""Europe PMC: its client against the local service, over real HTTP."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Fault, faults, serving
from tests.servers.europepmc import EuropePmc, count_of, error_body, repeated_cursor, version_only
from tests.servers.loopback import Served
from tests.tools.test_transport import Log
from tools.errors import SourceRefused, SourceUnavailable
from tools.schemas import Record, SearchResult
from tools.search.query import parse
from tools.search.sources import europepmc
from tools.search.sources.base import DateRange
from tools.search.sources.europepmc import EuropePmcSource
from tools.transport import Patience, Transport

RECORDS = [
    Record(
        record_id=f"x:{n}",
        pmid=str(n),
        title=f"Invented cough {n}",
        year=2000 + n,
        abstract="Nobody coughed.",
    )
    for n in range(1, 12)
] + [Record(record_id="europepmc:PPR:PPR7", title="Invented cough as a preprint", year=2020)]
"""Invented: eleven articles and a preprint."""

CUT = 5


@contextmanager
def asked(
    folder: Path, *script: Fault, log: Log | None = None, service: EuropePmc | None = None, **options: Any
) -> Iterator[tuple[EuropePmcSource, Served]]:
    with (
        serving(service or EuropePmc(RECORDS), script) as served,
        Transport(
            {europepmc.SERVICE: europepmc.service(served.address)},
            log or Log(),
            cache=folder,
            patience=Patience(attempts=3),
            sleep=lambda pause_s: None,
        ) as transport,
    ):
        yield EuropePmcSource(transport, page_size=CUT, **options), served


def search(
    source: EuropePmcSource, text: str = "cough[tiab]", limit: int = 100, **dates: Any
) -> SearchResult:
    return source.search(parse(text), search_id="s1", dates=DateRange(**dates), limit=limit)


def ids(result: SearchResult) -> list[str]:
    return [record.record_id for record in result.records]


ALL = [*(f"europepmc:MED:{n}" for n in range(1, 12)), "europepmc:PPR:PPR7"]


class TestASearch:
    def test_it_walks_the_pages_to_the_end(self, tmp_path):
        with asked(tmp_path) as (source, served):
            result = search(source)
        assert ids(result) == ALL
        assert (result.count, result.missing) == (12, ())
        # One count, then pages of 5, 5 and 2.
        assert [seen.params["resultType"] for seen in served.log] == ["idlist", "core", "core", "core"]

    def test_a_list_that_ends_with_a_full_page_ends(self, tmp_path):
        with asked(tmp_path, service=EuropePmc(RECORDS[:10])) as (source, _):
            assert len(search(source).records) == 10

    def test_a_single_hit_comes_without_a_cursor(self, tmp_path):
        with asked(tmp_path) as (source, _):
            assert ids(search(source, "preprint[ti]")) == ["europepmc:PPR:PPR7"]

    def test_a_preprint_says_so(self, tmp_path):
        with asked(tmp_path) as (source, _):
            (record,) = search(source, "preprint[pt] AND cough[ti]").records
        assert record.publication_types == ("Preprint",)
        assert record.pmid is None

    def test_what_prisma_s_asks_for_is_kept(self, tmp_path):
        with asked(tmp_path) as (source, _):
            result = search(source, "cough[tiab] AND cough[jid]", start="2005-01-01", end="2007-12-31")
        told = result.parameters
        assert (told["synonym"], told["date_field"], told["count_declared"]) == (False, "FIRST_PDATE", 3)
        assert "6.9" in told["api"]
        assert told["searched_at"]
        assert told["dropped"] == ("cough[jid]",)
        assert "FIRST_PDATE:[2005-01-01 TO 2007-12-31]" in result.query_sent
        assert any("cough[jid]" in warning for warning in result.warnings)

    def test_the_choice_about_synonyms_is_sent_and_kept(self, tmp_path):
        with asked(tmp_path, synonym=True) as (source, served):
            assert search(source).parameters["synonym"] is True
        assert {seen.params["synonym"] for seen in served.log} == {"true"}

    def test_creation_dates_are_days_of_first_indexing(self, tmp_path):
        records = [RECORDS[0].model_copy(update={"created": "2024-05-05"}), RECORDS[1]]
        with asked(tmp_path, service=EuropePmc(records)) as (source, _):
            result = search(source, start="2024-05-05", end="2024-05-05", of="creation")
        assert [record.created for record in result.records] == ["2024-05-05"]

    def test_a_long_strategy_is_posted(self, tmp_path):
        text = " OR ".join(f"invented{n}[tiab]" for n in range(100)) + " OR cough[tiab]"
        with asked(tmp_path) as (source, served):
            assert ids(search(source, text)) == ALL
        assert {(seen.method, seen.utility) for seen in served.log} == {("POST", "searchPOST")}

    def test_more_hits_than_the_limit_are_refused_before_anything_is_fetched(self, tmp_path):
        with asked(tmp_path) as (source, served), pytest.raises(SourceRefused, match="12 hits, more than"):
            search(source, limit=11)
        assert [seen.params["resultType"] for seen in served.log] == ["idlist"]

    def test_nothing_left_to_ask_is_refused(self, tmp_path):
        with asked(tmp_path) as (source, served), pytest.raises(SourceRefused, match="no clause"):
            search(source, "cough[jid]")
        assert served.log == []

    def test_asked_again_it_comes_from_the_log(self, tmp_path):
        log = Log()
        with asked(tmp_path, log=log) as (source, _):
            first = search(source)
        with asked(tmp_path, Fault("*", 0, faults.unavailable()), log=log) as (source, served):
            assert search(source) == first
        assert served.log == []

    def test_an_email_is_sent_where_given_and_never_stored(self, tmp_path):
        log = Log()
        with asked(tmp_path, log=log, email="ada@institute.org") as (source, served):
            search(source)
        assert {seen.params["email"] for seen in served.log} == {"ada@institute.org"}
        assert not any("ada@" in exchange.request for exchange in log.kept.values())


class TestProbe:
    def test_it_counts_and_lists_pmids_and_fetches_nothing(self, tmp_path):
        with asked(tmp_path) as (source, served):
            hits = source.probe(parse("cough[tiab]"), search_id="p", dates=DateRange(), pmids=3)
        assert (hits.count, hits.pmids) == (12, ("1", "2", "3"))
        assert len(served.log) == 1

    def test_known_studies_are_found_by_their_pmid(self, tmp_path):
        with asked(tmp_path) as (source, _):
            query = parse("cough[tiab] AND (3[uid] OR 99[uid])")
            assert source.probe(query, search_id="p", dates=DateRange(), pmids=2).pmids == ("3",)


PASSING: Mapping[str, Callable[[], faults.Behaviour]] = {
    "version only": version_only,
    "html with status 200": faults.html_page,
    "503": faults.unavailable,
    "reset": faults.reset,
    "half of the body": faults.truncated,
    "half of the document": faults.half_a_document,
    "empty": faults.empty,
    "its own breakdown inside 200": lambda: error_body("Internal error", 500),
    "429": lambda: faults.too_many_requests(),
}


class TestMisbehaviour:
    @pytest.mark.parametrize("name", PASSING)
    @pytest.mark.parametrize("nth", [1, 3])
    def test_what_passes_leaves_no_trace_in_the_records(self, tmp_path, name, nth):
        with asked(tmp_path, Fault("search", nth, PASSING[name]())) as (source, _):
            result = search(source)
        assert ids(result) == ALL
        assert result.missing == ()

    @pytest.mark.parametrize("name", PASSING)
    def test_what_stays_is_an_outage_and_never_no_hits(self, tmp_path, name):
        with (
            asked(tmp_path, Fault("search", 0, PASSING[name]())) as (source, _),
            pytest.raises(SourceUnavailable),
        ):
            search(source)

    def test_a_refusal_inside_200_is_shown_in_its_own_words(self, tmp_path):
        with (
            asked(tmp_path, Fault("search", 1, error_body("Invalid query: oh dear"))) as (source, _),
            pytest.raises(SourceRefused, match="oh dear") as caught,
        ):
            search(source)
        assert "edit" in str(caught.value)

    def test_a_list_that_ends_too_soon_is_read_again(self, tmp_path):
        # The third call is the second page; its cursor says that it is the last.
        with asked(tmp_path, Fault("search", 3, repeated_cursor())) as (source, _):
            result = search(source)
        assert ids(result) == ALL
        assert any("10 of 12 hits came" in warning for warning in result.warnings)

    def test_a_list_that_never_adds_up_stops_the_search(self, tmp_path):
        log = Log()
        with (
            asked(tmp_path, Fault("search", 0, repeated_cursor()), log=log) as (source, _),
            pytest.raises(SourceUnavailable, match="did not add up"),
        ):
            search(source)
        with asked(tmp_path, log=log) as (source, _):  # and is no obstacle on a better day
            assert ids(search(source)) == ALL

    def test_a_count_that_moves_is_noted(self, tmp_path):
        service = EuropePmc(RECORDS)

        def leave(params, healthy, served):
            service.hide("PPR:PPR7")
            return healthy()

        with asked(tmp_path, Fault("search", 3, leave), service=service) as (source, _):
            result = search(source)
        assert len(result.records) == result.count == 11
        assert any("12 hits before, 11 after" in warning for warning in result.warnings)

    def test_a_first_page_that_declares_too_little_is_noted_once_more_came(self, tmp_path):
        with asked(tmp_path, Fault("search", 2, count_of(11))) as (source, _):
            result = search(source)
        assert len(result.records) == 12
        assert any("11 hits before, 12 after" in warning for warning in result.warnings)

    def test_a_result_that_cannot_be_read_is_missing_by_name(self, tmp_path):
        broken = {"id": "3", "source": "MED", "pmid": "3", "title": "x", "journalInfo": "a text"}
        with asked(tmp_path, service=EuropePmc(RECORDS, forms={"MED:3": broken})) as (source, _):
            result = search(source)
        assert result.missing == ("MED:3",)
        assert len(result.records) + len(result.missing) == result.count == 12
        assert any("MED:3 could not be read" in warning for warning in result.warnings)
