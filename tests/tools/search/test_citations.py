"""Who cites whom, asked of the local services."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import Fault, faults, serve, serving
from tests.servers.europepmc import EuropePmc, version_only
from tests.tools.test_transport import Log
from tools import eutils
from tools.errors import ConfigError, SourceUnavailable
from tools.schemas import Record
from tools.search.sources import citations, europepmc
from tools.search.sources.citations import EuropePmcCitations, PubMedCitations
from tools.transport import Patience, Transport


def paper(n: int) -> Record:
    return Record(record_id=f"shelf:{n}", pmid=str(n), title=f"Invented {n}", year=2000)


PREPRINT = Record(record_id="europepmc:PPR:PPR7", title="Invented preprint", year=2001)
RECORDS = [*map(paper, range(1, 8)), PREPRINT]
CITES = {"MED:1": ["MED:2", "MED:3", "XXX:1", "PPR:PPR7"], "MED:4": ["MED:1", "MED:2"], "PPR:PPR7": ["MED:1"]}


@contextmanager
def reached(folder: Path, name: str, address: str) -> Iterator[Transport]:
    service = europepmc.service(address) if name == "europepmc" else eutils.service(address)
    patience = Patience(attempts=2)
    with Transport(
        {name: service}, Log(), cache=folder, patience=patience, sleep=lambda s: None
    ) as transport:
        yield transport


@contextmanager
def epmc(folder: Path, *script: Fault) -> Iterator[EuropePmcCitations]:
    with (
        serving(EuropePmc(RECORDS, cites=CITES), script) as served,
        reached(folder, "europepmc", served.address) as transport,
    ):
        yield EuropePmcCitations(transport)


class TestEuropePmc:
    def test_reference_lists_give_works_each_once(self, tmp_path):
        with epmc(tmp_path) as index:
            near = index.neighbours([paper(1), paper(4)], "backward", event="e")
        assert near.keys == ("MED:2", "MED:3", "PPR:PPR7", "MED:1")
        assert near.pmids == {"MED:2": "2", "MED:3": "3", "MED:1": "1"}
        assert near.unmatched == {"shelf:1": 1}
        assert near.at

    def test_citing_works_are_found(self, tmp_path):
        with epmc(tmp_path) as index:
            assert index.neighbours([paper(1)], "forward", event="e").keys == ("MED:4", "PPR:PPR7")

    def test_nobody_cites_it_is_an_answer(self, tmp_path):
        with epmc(tmp_path) as index:
            assert index.neighbours([paper(7)], "forward", event="e").keys == ()

    def test_a_preprint_is_asked_about_by_its_own_key(self, tmp_path):
        with epmc(tmp_path) as index:
            assert index.neighbours([PREPRINT], "backward", event="e").keys == ("MED:1",)

    def test_a_work_without_numbers_is_named(self, tmp_path):
        with epmc(tmp_path) as index:
            near = index.neighbours([Record(record_id="shelf:x", title="No number")], "backward", event="e")
        assert (near.unknown, near.keys) == (("shelf:x",), ())

    def test_long_lists_are_walked_page_by_page(self, tmp_path, monkeypatch):
        monkeypatch.setattr(citations, "PAGE_SIZE", 2)
        with epmc(tmp_path) as index:
            near = index.neighbours([paper(1)], "backward", event="e")
        assert near.keys == ("MED:2", "MED:3", "PPR:PPR7")

    def test_an_envelope_without_hits_is_an_outage_and_never_no_citations(self, tmp_path):
        with epmc(tmp_path, Fault("citations", 0, version_only())) as index, pytest.raises(SourceUnavailable):
            index.neighbours([paper(1)], "forward", event="e")

    def test_records_come_by_key(self, tmp_path, monkeypatch):
        monkeypatch.setattr(citations, "PER_SEARCH", 2)
        with epmc(tmp_path) as index:
            found = index.records(["MED:2", "PPR:PPR7", "MED:3", "MED:99"], event="e")
        assert {key: record.record_id for key, record in found.records.items()} == {
            "MED:2": "europepmc:MED:2",
            "PPR:PPR7": "europepmc:PPR:PPR7",
            "MED:3": "europepmc:MED:3",
        }


LINKS = {
    "pubmed_pubmed_refs": {"1": ["2", "3"], "4": ["2", "1"]},
    "pubmed_pubmed_citedin": {"1": ["4"]},
}


class TestPubMed:
    @pytest.fixture
    def index(self, tmp_path) -> Iterator[PubMedCitations]:
        with (
            serve(RECORDS[:7], links=LINKS) as served,
            reached(tmp_path, eutils.SERVICE, served.address) as transport,
        ):
            yield PubMedCitations(transport, email="a@institute.org")

    def test_both_directions(self, index):
        assert index.neighbours([paper(1), paper(4)], "backward", event="e").keys == ("2", "3", "1")
        assert index.neighbours([paper(1), paper(4)], "forward", event="e").keys == ("4",)

    def test_a_work_without_a_pmid_is_named(self, index):
        near = index.neighbours([PREPRINT, paper(1)], "forward", event="e")
        assert (near.unknown, near.keys) == (("europepmc:PPR:PPR7",), ("4",))

    def test_records_come_by_pmid_and_what_is_missing_is_said(self, index):
        found = index.records(["2", "99"], event="e")
        assert found.records["2"].record_id == "pubmed:2"
        assert "99" not in found.records
        assert any("99" in warning for warning in found.warnings)

    def test_a_work_without_a_set_of_its_own_was_not_looked_up(self, tmp_path):
        lost = Fault("elink", 0, faults.altered(b"<Id>4</Id>", b""))
        with (
            serve(RECORDS[:7], links=LINKS, faults=[lost]) as served,
            reached(tmp_path, eutils.SERVICE, served.address) as transport,
            pytest.raises(SourceUnavailable, match="no answer about 4"),
        ):
            PubMedCitations(transport, email="a@institute.org").neighbours([paper(4)], "backward", event="e")

    def test_an_address_is_asked_for(self, tmp_path):
        with (
            reached(tmp_path, eutils.SERVICE, "http://127.0.0.1:9/") as transport,
            pytest.raises(ConfigError),
        ):
            PubMedCitations(transport, email="")
