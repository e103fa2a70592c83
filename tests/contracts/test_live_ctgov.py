"""What we rely on in ClinicalTrials.gov's live API, one call per endpoint. Run with `pytest -m contract`."""

from collections.abc import Iterator

import pytest

from tools.errors import SourceRefused
from tools.exchange import Call
from tools.search.dialects.ctgov import MESH_AREAS
from tools.search.query import parse
from tools.search.sources import ctgov
from tools.search.sources.base import DateRange
from tools.search.sources.ctgov import CtgovSource
from tools.search.sources.json_answers import decoded
from tools.transport import Transport

pytestmark = [pytest.mark.contract, pytest.mark.timeout(600)]


@pytest.fixture
def live(tmp_path) -> Iterator[Transport]:
    with Transport({ctgov.SERVICE: ctgov.service()}, None, cache=tmp_path) as transport:
        yield transport


def search(live: Transport, text: str, limit: int = 500, **options):
    dates = DateRange(**options.pop("dates", {}))
    return CtgovSource(live, **options).search(parse(text), search_id="contract", dates=dates, limit=limit)


def test_one_study_is_read(live):
    record = CtgovSource(live).study("NCT01245062", search_id="contract")
    assert record.record_id == "ctgov:NCT01245062"
    assert "GSK1120212" in record.title
    assert record.abstract.startswith("SUMMARY: ")
    assert record.created
    assert "Results posted" in record.publication_types


def test_tokens_lead_to_the_end_and_the_version_is_told(live):
    result = search(live, '"phelan-mcdermid syndrome"[tiab]', page_size=5)
    assert 5 < result.count <= 500
    assert len({record.record_id for record in result.records}) == result.count == len(result.records)
    assert result.parameters["data_timestamp"]


def test_limits_of_dates_are_understood(live):
    dates = {"start": "2012-01-01", "end": "2015-12-31"}
    result = search(live, '"phelan-mcdermid syndrome"[tiab]', dates=dates)
    assert result.records
    assert {record.year for record in result.records} <= {2012, 2013, 2014, 2015}


@pytest.mark.parametrize("area", MESH_AREAS)
def test_the_areas_of_its_mesh_terms_are_known(live, area):
    heading = "Melanoma" if area.startswith("Condition") else "Enzyme Inhibitors"
    params = {
        "query.term": f'AREA[{area}]"{heading}"',
        "countTotal": "true",
        "pageSize": "1",
        "fields": "NCTId",
    }
    call = Call(service=ctgov.SERVICE, path="studies", params=tuple(params.items()), event="contract")
    assert decoded(live.exchange(call))["totalCount"] > 0


def test_a_refusal_comes_in_plain_text_and_is_shown(live):
    params = (("query.term", "AREA[NoSuchArea]x"), ("pageSize", "1"))
    call = Call(service=ctgov.SERVICE, path="studies", params=params, event="contract")
    with pytest.raises(SourceRefused, match="NoSuchArea"):
        live.exchange(call)


def test_an_unknown_number_is_refused(live):
    with pytest.raises(SourceRefused):
        CtgovSource(live).study("NCT99999999", search_id="contract")
