"""More hits than PubMed lists: windows of days, then of PMIDs, and the sum that has to come out."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.servers import Fault, Served, serving
from tests.servers.eutils import Eutils
from tests.servers.faults import Answer
from tests.tools.test_transport import Log
from tools import eutils
from tools.errors import SourceRefused, SourceUnavailable
from tools.schemas import Record, SearchResult
from tools.search.query import parse
from tools.search.sources.base import DateRange
from tools.search.sources.pubmed import PubMedSource
from tools.search.sources.pubmed_windows import WALL, Window, by_days, by_uids, divide
from tools.transport import Patience, Transport

# Dividing, without a service ---------------------------------------------------------------------


class Corpus:
    """PMIDs with their days; None for no day."""

    def __init__(self, days: dict[int, date | None]) -> None:
        self.days = days
        self.asked: list[Window] = []

    def within(self, window: Window) -> set[int]:
        """The records of a window, in the plainest way."""

        def holds(uid: int, day: date | None) -> bool:
            if window.uids is not None and not window.uids[0] <= uid <= window.uids[1]:
                return False
            if window.days is None:
                return True
            inside = day is not None and window.days[0] <= day <= window.days[1]
            return inside != window.outside

        return {uid for uid, day in self.days.items() if holds(uid, day)}

    def count(self, window: Window) -> int:
        """What PubMed would say."""
        self.asked.append(window)
        return len(self.within(window))


def holds_once(corpus: Corpus, windows: list[Window]) -> bool:
    found = [uid for window in windows for uid in corpus.within(window)]
    return sorted(found) == sorted(corpus.days) and all(
        0 < len(corpus.within(window)) <= WALL for window in windows
    )


def test_a_small_search_is_one_window():
    corpus = Corpus({n: date(2000, 1, 1) for n in range(1, 10)})
    whole = by_days(date(2026, 1, 1))
    assert list(divide(whole, 9, corpus.count)) == [whole]


def test_a_day_with_too_many_records_is_divided_by_pmid():
    corpus = Corpus({n: date(2000, 1, 1) for n in range(1, 25_001)})
    windows = list(divide(by_days(date(2026, 1, 1)), 25_000, corpus.count))
    assert holds_once(corpus, windows)
    assert {window.days for window in windows} == {(date(2000, 1, 1), date(2000, 1, 1))}
    assert len(corpus.asked) < 60


def test_a_service_that_ignores_the_windows_is_found_out():
    with pytest.raises(SourceRefused, match="does not heed"):
        list(divide(by_days(date(2026, 1, 1)), 25_000, lambda window: 25_000))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40_000), st.integers(1, 6_000)), min_size=2, max_size=12),
    st.booleans(),
)
def test_windows_hold_every_record_exactly_once(bulks, use_days):
    """Bulks of records on arbitrary days between 1800 and 1909."""
    days: dict[int, date | None] = {}
    for offset, size in bulks:
        day = date.fromordinal(date(1800, 1, 1).toordinal() + offset)
        days |= dict.fromkeys(range(len(days) + 1, len(days) + 1 + size), day)
    corpus = Corpus(days)
    whole = by_days(date(2026, 1, 1)) if use_days else by_uids()
    assert holds_once(corpus, list(divide(whole, len(days), corpus.count)))


def test_how_windows_are_written():
    days = (date(2000, 1, 31), date(2000, 2, 1))
    assert Window(days=days).of("x[ti]") == "(x[ti] AND 2000/01/31:2000/02/01[crdt])"
    assert (
        Window(days=days, uids=(1, 9)).of("x[ti]") == "(x[ti] AND 2000/01/31:2000/02/01[crdt] AND 1:9[uid])"
    )
    outside = Window(days=days, outside=True, uids=(1, 9))
    assert outside.of("x[ti]") == "((x[ti] AND 1:9[uid]) NOT 2000/01/31:2000/02/01[crdt])"
    assert Window().of("x[ti]") == "x[ti]"
    parse(Window(days=days).of("x[ti]"))


# 25,000 records over HTTP ------------------------------------------------------------------------


def day_of(n: int) -> str | None:
    """Invented: 11,000 on one day, 300 without a day, the others over fifty years."""
    if n <= 11_000:
        return "2014-10-01"
    if n <= 11_300:
        return None
    return f"{1970 + n % 50}-{1 + n % 12:02d}-{1 + n % 28:02d}"


@pytest.fixture(scope="module")
def service() -> Iterator[Eutils]:
    """Small records, so that the machinery is what takes the time."""
    records = [
        Record(record_id=f"pubmed:{n}", pmid=str(n), title=f"Asthma {n}", year=2000, created=day_of(n))
        for n in range(1, 25_001)
    ]
    made = Eutils(records)
    yield made
    made.close()


@pytest.fixture(scope="module")
def small_service() -> Iterator[Eutils]:
    """The hundredth part, and a wall that is a hundred times lower."""
    records = [
        Record(record_id=f"pubmed:{n}", pmid=str(n), title=f"Asthma {n}", year=2000, created=day_of(n))
        for n in range(100, 25_001, 100)
    ]
    made = Eutils(records, wall=LOW)
    yield made
    made.close()


LOW = 99


@contextmanager
def source(
    service: Eutils, tmp_path, *script: Fault, log: Log | None = None, **options
) -> Iterator[tuple[PubMedSource, Served]]:
    service.hide()
    with (
        serving(service, script) as served,
        Transport(
            {eutils.SERVICE: eutils.service(served.address)},
            Log() if log is None else log,
            cache=tmp_path,
            patience=Patience(attempts=2),
            sleep=lambda pause_s: None,
        ) as transport,
    ):
        yield PubMedSource(transport, email="a@example.org", **options), served


def search(made: PubMedSource, limit: int = 50_000) -> SearchResult:
    return made.search(parse("asthma[ti]"), search_id="s1", dates=DateRange(), limit=limit)


def test_a_search_of_25000_hits_comes_whole_and_is_resumed_where_it_stopped(service, tmp_path):
    log = Log()
    dies = Fault("efetch", 4, lambda *_: Answer(b"", 302, headers={"Location": "http://198.51.100.1/"}))
    with (
        source(service, tmp_path, dies, log=log, batch_size=2_500) as (made, served),
        pytest.raises(SourceUnavailable),
    ):
        search(made)
    listed, fetched = len(served.asked("esearch")), len(served.asked("efetch"))
    assert 3 <= sum("efetch" in e.request for e in log.kept.values()) < fetched <= 6
    with source(service, tmp_path, log=log, batch_size=2_500) as (made, served):
        result = search(made)
    assert served.asked("esearch") == [], f"{listed} listings are kept"
    assert len(served.log) <= 8, "ten batches, of which some had arrived"
    assert (result.count, len(result.records), result.missing, result.warnings) == (25_000, 25_000, (), ())
    assert {int(record.pmid or 0) for record in result.records} == set(range(1, 25_001))
    windows = result.parameters["windows"]
    assert sum(window["count"] for window in windows) == result.parameters["count_declared"] == 25_000
    assert all(0 < window["count"] <= WALL and window["searched_at"] for window in windows)
    assert [window["count"] for window in windows if window.get("outside")] == [300]
    assert sum(w["count"] for w in windows if w.get("from") == w.get("to") == "2014-10-01") >= 11_000
    with source(service, tmp_path, log=log, batch_size=2_500) as (made, served):
        assert search(made) == result
        assert served.log == []


def test_a_count_that_moves_while_it_is_listed_is_said(small_service, tmp_path):
    """Two records go away between the first count and the windows."""

    def shrink(params, healthy, eutils_service):
        eutils_service.hide("20000", "20100")
        return healthy()

    with source(small_service, tmp_path, Fault("esearch", 2, shrink), wall=LOW) as (made, _):
        result = search(made)
    assert result.count == len(result.records) == 248
    (said,) = result.warnings
    assert "250 hits at first, 248 at the end" in said


def test_parts_that_do_not_make_up_the_whole_stop_the_search(small_service, tmp_path):
    """The windows never show one record that both counts of the whole hold."""

    def one_less(params, healthy, eutils_service):
        whole = params["term"] == "asthma[ti]"
        eutils_service.hide(*([] if whole else ["20000"]))
        return healthy()

    with (
        source(small_service, tmp_path, Fault("esearch", 0, one_less), wall=LOW) as (made, served),
        pytest.raises(SourceRefused) as caught,
    ):
        search(made)
    said = str(caught.value)
    assert "PubMed counts 250 hits" in said
    assert "249 in" in said
    assert "at least 1 records cannot be accounted for; nothing was fetched" in said
    assert served.asked("efetch") == []


def test_days_that_do_not_add_up_are_tried_by_pmid(small_service, tmp_path):
    """PubMed shows one record in no window of days, but in its range of PMIDs."""

    def one_less(params, healthy, eutils_service):
        eutils_service.hide(*(["20000"] if "[crdt]" in params["term"] else []))
        return healthy()

    with source(small_service, tmp_path, Fault("esearch", 0, one_less), wall=LOW) as (made, _):
        result = search(made)
    assert (result.count, result.missing, result.warnings) == (250, (), ())
    assert all("pmid_from" in window and "from" not in window for window in result.parameters["windows"])
