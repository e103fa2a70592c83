"""What every source of records promises, one suite for all. A new source is one line in `SOURCES`."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Fault, faults, serve, serving
from tests.servers.ctgov import Ctgov, study_of
from tests.servers.europepmc import EuropePmc, version_only
from tests.tools.test_transport import Log
from tools import eutils
from tools.errors import InputFileError, SourceError, SourceRefused
from tools.protocol import ManualSource
from tools.schemas import Hits, Record, SearchResult, canonical_json
from tools.search.query import parse
from tools.search.sources import ctgov, europepmc
from tools.search.sources.base import DateRange, Source
from tools.search.sources.local_files import LocalFiles
from tools.search.sources.manual import ManualSearch
from tools.search.sources.pubmed import PubMedSource
from tools.search.sources.recorded import Recorded
from tools.transport import Patience, Transport

AT = "2026-01-02T03:04:05Z"
RECORDS = [
    Record(
        record_id=f"pubmed:{n}",
        pmid=str(n),
        title=f"Invented trial {n} of {'asthma' if n % 2 else 'cough'}",
        year=2000 + n,
        journal="J Inv Tr",
        abstract="Nobody was enrolled.",
    )
    for n in range(1, 13)
]
"""Invented: the odd ones are about asthma, the even ones about cough; number 7 is of 2007."""


def written(folder: Path) -> Path:
    """The records as a file."""
    path = folder / "export.jsonl"
    path.write_text("".join(canonical_json(record) + "\n" for record in RECORDS))
    return path


@contextmanager
def local(folder: Path) -> Iterator[Source]:
    yield LocalFiles("shelf", [written(folder)], folder / "cache")


@contextmanager
def recorded(folder: Path) -> Iterator[Source]:
    with local(folder) as source:
        yield Recorded("shelf", "database", source, Log(), lambda: AT)


@contextmanager
def replayed(folder: Path) -> Iterator[Source]:
    """Everything is asked twice, and the second time told from the log."""
    with local(folder) as source:
        yield Twice(Recorded("shelf", "database", source, Log(), lambda: AT))


class Twice:
    """Gives the second of two answers to the same question."""

    def __init__(self, source: Source) -> None:
        self.source, self.name, self.kind = source, source.name, source.kind

    def search(self, query: Any, **more: Any) -> SearchResult:
        first = self.source.search(query, **more)
        again = self.source.search(query, **more)
        assert again == first
        return again

    def probe(self, query: Any, **more: Any) -> Hits:
        first = self.source.probe(query, **more)
        again = self.source.probe(query, **more)
        assert again == first
        return again


@contextmanager
def pubmed(folder: Path) -> Iterator[Source]:
    with talking(folder) as source:
        yield source


@contextmanager
def talking(folder: Path, *script: Fault) -> Iterator[Source]:
    """PubMed's client and the local E-utilities."""
    with (
        serve(RECORDS, faults=script) as served,
        Transport(
            {eutils.SERVICE: eutils.service(served.address)},
            Log(),
            cache=folder,
            patience=Patience(attempts=2),
            sleep=lambda pause_s: None,
        ) as transport,
    ):
        yield PubMedSource(transport, email="a@example.org", batch_size=5)


@contextmanager
def other_live(folder: Path, name: str, *script: Fault) -> Iterator[Source]:
    """Europe PMC's or the registry's client and the local service, pages of five."""
    services: dict[str, Any] = {"europepmc": EuropePmc(RECORDS), "ctgov": Ctgov(map(study_of, RECORDS))}
    with (
        serving(services[name], script) as served,
        Transport(
            {"europepmc": europepmc.service(served.address), "ctgov": ctgov.service(served.address)},
            Log(),
            cache=folder,
            patience=Patience(attempts=2),
            sleep=lambda pause_s: None,
        ) as transport,
    ):
        if name == "ctgov":
            yield ctgov.CtgovSource(transport, page_size=5)
        else:
            yield europepmc.EuropePmcSource(transport, page_size=5)


@contextmanager
def of_europepmc(folder: Path) -> Iterator[Source]:
    with other_live(folder, "europepmc") as source:
        yield source


@contextmanager
def of_ctgov(folder: Path) -> Iterator[Source]:
    with other_live(folder, "ctgov") as source:
        yield source


SOURCES: dict[str, Callable[[Path], AbstractContextManager[Source]]] = {
    "local": local,
    "recorded": recorded,
    "replayed": replayed,
    "pubmed": pubmed,
    "europepmc": of_europepmc,
    "ctgov": of_ctgov,
}


@contextmanager
def without_its_file(folder: Path) -> Iterator[Source]:
    yield LocalFiles("shelf", [folder / "gone.jsonl"], folder / "cache")


@contextmanager
def recorded_without_its_file(folder: Path) -> Iterator[Source]:
    with without_its_file(folder) as source:
        yield Recorded("shelf", "database", source, Log(), lambda: AT)


@contextmanager
def pubmed_down(folder: Path) -> Iterator[Source]:
    with talking(folder, Fault("*", 0, faults.unavailable())) as source:
        yield source


@contextmanager
def pubmed_down_at_the_records(folder: Path) -> Iterator[Source]:
    with talking(folder, Fault("efetch", 0, faults.unavailable())) as source:
        yield source


def by_hand(folder: Path, file: str) -> ManualSearch:
    settings = ManualSource(
        kind="manual",
        name="shelf",
        platform="A shelf",
        searched_on="2026-01-02",
        strategy="all of it",
        hits=len(RECORDS),
        files=(file,),
    )
    return ManualSearch(settings, folder)


@contextmanager
def manual(folder: Path) -> Iterator[Source]:
    yield by_hand(folder, written(folder).name)


@contextmanager
def recorded_manual(folder: Path) -> Iterator[Source]:
    with manual(folder) as source:
        yield Twice(Recorded("shelf", "database", source, Log(), lambda: AT))


RUN_ELSEWHERE: dict[str, Callable[[Path], AbstractContextManager[Source]]] = {
    "manual": manual,
    "recorded manual": recorded_manual,
}
"""Sources whose strategy somebody ran elsewhere: what they are asked decides nothing."""


@contextmanager
def manual_without_its_file(folder: Path) -> Iterator[Source]:
    yield by_hand(folder, "gone.jsonl")


@contextmanager
def europepmc_down(folder: Path) -> Iterator[Source]:
    with other_live(folder, "europepmc", Fault("*", 0, faults.unavailable())) as source:
        yield source


@contextmanager
def europepmc_with_nothing_but_its_version(folder: Path) -> Iterator[Source]:
    with other_live(folder, "europepmc", Fault("*", 0, version_only())) as source:
        yield source


@contextmanager
def ctgov_down(folder: Path) -> Iterator[Source]:
    with other_live(folder, "ctgov", Fault("*", 0, faults.html_page())) as source:
        yield source


@contextmanager
def ctgov_down_after_the_count(folder: Path) -> Iterator[Source]:
    with other_live(folder, "ctgov", Fault("version", 0, faults.reset())) as source:
        yield source


BROKEN: dict[str, Callable[[Path], AbstractContextManager[Source]]] = {
    "local without its file": without_its_file,
    "recorded without its file": recorded_without_its_file,
    "manual without its file": manual_without_its_file,
    "pubmed down": pubmed_down,
    "pubmed down at the records": pubmed_down_at_the_records,
    "europepmc down": europepmc_down,
    "europepmc with nothing but its version": europepmc_with_nothing_but_its_version,
    "ctgov down": ctgov_down,
    "ctgov down after the count": ctgov_down_after_the_count,
}


def search(source: Source, text: str, *, limit: int = 100, **dates: str) -> SearchResult:
    return source.search(parse(text), search_id="s1", dates=DateRange(**dates), limit=limit)


def numbers(result: SearchResult) -> list[int]:
    return sorted(int(re.sub(r"\D", "", record.record_id.rpartition(":")[2])) for record in result.records)


OWN_KEYS: dict[str, str] = {"europepmc": "europepmc:MED:{}", "ctgov": "ctgov:NCT{:08}"}
"""How ids look where the source's own key is no PMID."""

WITHOUT_PMIDS = ("ctgov",)
EXCLUDES_NOTHING = ("ctgov",)
"""A register is searched more widely than the strategy says: what it excludes is dropped, and said."""


@pytest.mark.parametrize("kind", SOURCES)
class TestSource:
    """See `tools.search.sources.base.Source`."""

    @pytest.fixture
    def source(self, kind: str, tmp_path: Path) -> Iterator[Source]:
        with SOURCES[kind](tmp_path) as source:
            yield source

    def test_it_brings_every_hit_once(self, source: Source) -> None:
        assert numbers(search(source, "asthma[ti]")) == [1, 3, 5, 7, 9, 11]
        assert numbers(search(source, "cough[ti] OR asthma[ti]")) == list(range(1, 13))

    def test_it_excludes_what_the_strategy_excludes_or_says_that_it_does_not(
        self, source: Source, kind: str
    ) -> None:
        result = search(source, "(cough[ti] OR asthma[ti]) NOT asthma[ti]")
        if kind in EXCLUDES_NOTHING:
            assert numbers(result) == list(range(1, 13))
            assert any("NOT asthma[ti]" in warning for warning in result.warnings)
        else:
            assert numbers(result) == [2, 4, 6, 8, 10, 12]

    def test_the_accounts_balance(self, source: Source) -> None:
        result = search(source, "asthma[ti]")
        assert result.count == len(result.records) + len(result.missing) == 6

    def test_ids_bear_its_name_and_the_sources_own_key(self, source: Source, kind: str) -> None:
        result = search(source, "asthma[ti]")
        form = OWN_KEYS.get(kind, source.name + ":{}")
        assert {r.record_id for r in result.records} == {form.format(n) for n in (1, 3, 5, 7, 9, 11)}
        assert result.source == source.name

    def test_a_record_is_what_the_source_holds(self, source: Source, kind: str) -> None:
        (found,) = search(source, "7[ti] AND asthma[ti]").records
        if kind in OWN_KEYS:  # with fields of their own; their modules' tests look at them all
            assert (found.title, found.year) == (RECORDS[6].title, RECORDS[6].year)
            assert "Nobody was enrolled." in found.abstract
        else:
            assert found.model_copy(update={"record_id": "pubmed:7"}) == RECORDS[6]

    def test_no_hits_is_an_answer_with_its_query(self, source: Source) -> None:
        result = search(source, "horses[ti]")
        assert (result.count, result.records, result.missing) == (0, (), ())
        assert "horses" in result.query_sent

    def test_a_probe_counts_what_a_search_would_bring_and_lists_pmids_of_its_hits(
        self, source: Source, kind: str
    ) -> None:
        query, dates = parse("asthma[ti]"), DateRange(start="2003-01-01", end="2009-12-31")
        for most in (0, 2, 100):
            hits = source.probe(query, search_id="s1", dates=dates, pmids=most)
            assert (hits.source, hits.count) == (source.name, 4)
            assert len(hits.pmids) == (0 if kind in WITHOUT_PMIDS else min(most, 4))
            assert set(hits.pmids) <= {"3", "5", "7", "9"}
        nothing = source.probe(parse("horses[ti]"), search_id="s1", dates=DateRange(), pmids=5)
        assert (nothing.count, nothing.pmids) == (0, ())

    def test_limits_of_dates_include_both_ends(self, source: Source) -> None:
        result = search(source, "asthma[ti]", start="2005-01-01", end="2009-12-31")
        assert numbers(result) == [5, 7, 9]

    def test_more_hits_than_the_limit_are_refused_and_not_cut(self, source: Source) -> None:
        assert len(search(source, "asthma[ti]", limit=6).records) == 6
        with pytest.raises(SourceRefused):
            search(source, "asthma[ti]", limit=5)

    def test_the_same_question_has_the_same_answer_in_the_same_order(self, source: Source) -> None:
        first = [r.record_id for r in search(source, "asthma[ti] OR cough[ti]").records]
        assert [r.record_id for r in search(source, "asthma[ti] OR cough[ti]").records] == first

    def test_what_could_not_be_searched_as_meant_is_said(self, source: Source) -> None:
        result = search(source, "asthma[ti] OR cough[majr]")
        assert set(numbers(result)) >= {1, 3, 5, 7, 9, 11}
        assert result.warnings

    def test_a_result_can_be_stored_and_read_back(self, source: Source) -> None:
        result = search(source, "asthma[ti]")
        assert SearchResult.model_validate_json(canonical_json(result)).records == result.records

    def test_it_has_a_box_in_the_diagram(self, source: Source) -> None:
        assert source.kind in ("database", "register", "file")


@pytest.mark.parametrize("kind", RUN_ELSEWHERE)
class TestSourceRunElsewhere:
    """What remains of the promises where the strategy was not run here."""

    @pytest.fixture
    def source(self, kind: str, tmp_path: Path) -> Iterator[Source]:
        with RUN_ELSEWHERE[kind](tmp_path) as source:
            yield source

    def test_it_brings_everything_once_and_the_accounts_balance(self, source: Source) -> None:
        result = search(source, "horses[ti]", start="2099-01-01")
        assert numbers(result) == list(range(1, 13))
        assert result.count == len(result.records) + len(result.missing) == 12
        assert {r.record_id for r in result.records} == {f"shelf:{n}" for n in range(1, 13)}
        assert (result.source, result.query_sent, result.warnings) == ("shelf", "all of it", ())

    def test_the_same_question_has_the_same_answer_and_can_be_stored(self, source: Source) -> None:
        result = search(source, "horses[ti]")
        assert search(source, "horses[ti]") == result
        assert SearchResult.model_validate_json(canonical_json(result)).records == result.records

    def test_more_than_the_limit_is_refused_and_not_cut(self, source: Source) -> None:
        with pytest.raises(SourceRefused):
            search(source, "horses[ti]", limit=11)

    def test_it_counts_what_it_holds_and_says_that_it_cannot_be_asked(self, source: Source) -> None:
        hits = source.probe(parse("horses[ti]"), search_id="s1", dates=DateRange(), pmids=3)
        assert (hits.count, hits.pmids) == (12, ())
        assert hits.warnings


@pytest.mark.parametrize("kind", BROKEN)
def test_a_source_that_cannot_answer_raises_and_never_says_no_records(kind: str, tmp_path: Path) -> None:
    with BROKEN[kind](tmp_path) as source, pytest.raises((SourceError, InputFileError)):
        search(source, "asthma[ti]")


@pytest.mark.parametrize(
    "kind", ["local without its file", "recorded without its file", "manual without its file", "pubmed down"]
)
def test_a_source_that_cannot_count_raises_and_never_says_zero(kind: str, tmp_path: Path) -> None:
    with BROKEN[kind](tmp_path) as source, pytest.raises((SourceError, InputFileError)):
        source.probe(parse("asthma[ti]"), search_id="s1", dates=DateRange())
