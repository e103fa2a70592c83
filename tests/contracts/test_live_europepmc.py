"""What we rely on in Europe PMC's live service, one call per endpoint. Run with `pytest -m contract`."""

from collections.abc import Iterator

import pytest

from tools.errors import SourceRefused
from tools.schemas import Record
from tools.search.query import parse
from tools.search.sources import europepmc
from tools.search.sources.base import DateRange
from tools.search.sources.citations import EuropePmcCitations
from tools.search.sources.europepmc import EuropePmcSource
from tools.transport import Transport

pytestmark = [pytest.mark.contract, pytest.mark.timeout(600)]

TRIAL = Record(record_id="pubmed:22663011", pmid="22663011")
"""Flaherty 2012, which will not go away."""


@pytest.fixture
def live(tmp_path) -> Iterator[Transport]:
    with Transport({europepmc.SERVICE: europepmc.service()}, None, cache=tmp_path) as transport:
        yield transport


def search(live: Transport, text: str, limit: int = 300, **options):
    source = EuropePmcSource(live, **options)
    return source.search(parse(text), search_id="contract", dates=DateRange(), limit=limit)


def test_a_search_by_pmid_brings_this_record_and_reads_it(live):
    (trial,) = search(live, "22663011[uid]").records
    assert trial.record_id == "europepmc:MED:22663011"
    assert trial.title == "Improved survival with MEK inhibition in BRAF-mutated melanoma."
    assert (trial.year, trial.doi) == (2012, "10.1056/nejmoa1203421")
    assert trial.authors[0] == "Flaherty, Keith T"
    assert "<h4>" not in trial.abstract
    assert trial.created


def test_cursors_lead_to_the_end(live):
    result = search(live, "biopython[ti]", page_size=5)
    assert 5 < result.count <= 300
    assert len({record.record_id for record in result.records}) == result.count == len(result.records)


def test_every_field_that_we_write_is_known(live):
    """An unknown field finds nothing without a word, so each is tried where something must be found."""
    source = EuropePmcSource(live)
    for text in (
        "melanoma[ti]", "melanoma[ab]", "melanoma[tiab]", "melanoma[mh]", "melanom*[ti]", '"melanoma survival"[ti:~3]',
        "Flaherty KT[au]", "Flaherty KT[1au]", "harvard[ad]", "N Engl J Med[ta]", "randomized controlled trial[pt]",
        "preprint[pt]", "english[la]", "NCT01245062[si]", "hasabstract[sb]", "10.1056/nejmoa1203421[aid]",
        "2012/06/04[dp]", "2012/06[crdt]", "PMC3040717[pmcid]",
    ):  # fmt: skip
        assert source.probe(parse(text), search_id="contract", dates=DateRange()).count > 0, text


def test_an_error_inside_200_is_a_refusal(live):
    with pytest.raises(SourceRefused):
        europepmc.ask(
            live, "search", {"query": "melanoma", "pageSize": "1001"}, event="contract", wants="resultList"
        )


def test_a_long_strategy_can_be_posted(live):
    text = " OR ".join(f"melanoma{n}[ti]" for n in range(150)) + " OR 22663011[uid]"
    assert search(live, text).count >= 1


def test_citations_and_references_are_listed(live):
    index = EuropePmcCitations(live)
    assert len(index.neighbours([TRIAL], "forward", event="contract").keys) > 1000
    assert len(index.neighbours([TRIAL], "backward", event="contract").keys) > 5
