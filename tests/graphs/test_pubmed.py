"""The graph over PubMed and PMC as services: real HTTP on loopback, Biopython as the client."""

import pytest

from agent.wiring import sources, texts, transport
from graphs.accounts import check_all
from graphs.driver import advance, checkpoints
from tests.graphs import small
from tests.servers import Fault, serve
from tests.servers.faults import unavailable
from tools.errors import SourceUnavailable
from tools.schemas import Record

YAML = small.YAML.replace(
    "{kind: local, name: shelf, files: [records.jsonl]}", "{kind: pubmed, email: someone@institute.org}"
).replace("pmc: false", "pmc: true")

RECORDS = [
    Record(
        record_id=f"pubmed:{pmid}",
        pmid=pmid,
        pmcid=pmcid,
        title=f"Snail syrup number {pmid} [YES]",
        abstract="People with cough got snail syrup.",
        year=2020,
    )
    for pmid, pmcid in (("1001", "PMC9001"), ("1002", "PMC9002"), ("1003", None))
]
"""Invented. PMC has the text of the first, not of the second."""


@pytest.fixture
def home(tmp_path):
    home = small.write(tmp_path / "snail", YAML)
    for file in (home.folder / "fulltexts").iterdir():
        file.unlink()
    (tmp_path / "pmc").mkdir()
    text = small.FULL_TEXT.format(pmid="1001", title="Snail syrup number 1001 [YES]", n=40)
    (tmp_path / "pmc" / "PMC9001.nxml").write_text(text)
    return home


def deps_over(review, address, patience_s=20.0):
    """The steps' tools with the services in the place of NCBI's."""
    deps = small.deps_of(review)
    folder = review.home.yaml.parent
    way_out = review.closing.enter_context(
        transport(review.config, review.exchanges, {"pubmed": address}, patience_s)
    )
    return small.same_but(
        deps,
        sources=sources(review, review.config, folder, None, way_out, lambda *_: None),
        texts=texts(review, review.config, folder, way_out),
    )


def advanced(review, address, patience_s=20.0):
    with checkpoints(review.home.checkpoints) as saver:
        return advance(deps_over(review, address, patience_s), saver)


def test_records_come_from_pubmed_and_full_texts_from_pmc(home, tmp_path):
    with small.opened(home) as review, serve(RECORDS, jats=tmp_path / "pmc") as server:
        while advanced(review, server.address).kind == "gate":
            small.approve_open(review)
        counts = check_all(review.store, review.pass_id)
        standing = review.store.outcomes(review.pass_id, "fulltext")
        asked = len(server.log)
        # Everything is in the log by now: the same walk asks for nothing.
        home.checkpoints.unlink()
        assert advanced(review, server.address).kind == "finished"
        assert len(server.log) == asked
    assert counts["retrieve"] == {"entered": 3, "passed": 3}
    assert counts["fulltext"] == {"entered": 3, "passed": 1, "waiting": 2}
    assert standing["pubmed:1001"].outcome.content["source"] == "PMC PMC9001"
    assert "PMC:" in standing["pubmed:1002"].outcome.reason
    assert "no PMCID" in standing["pubmed:1003"].outcome.reason


def test_an_outage_of_pubmed_in_mid_review_is_no_empty_search(home):
    with small.opened(home) as review:
        with serve(RECORDS) as server:
            assert advanced(review, server.address).step == "query"
            small.approve_open(review)
        with serve(RECORDS, faults=[Fault("esearch", 0, unavailable())]) as server:
            with pytest.raises(SourceUnavailable):
                advanced(review, server.address, patience_s=1.0)
            assert review.store.searches(review.pass_id) == []
        with serve(RECORDS) as server:
            assert advanced(review, server.address).step == "screen"
        assert len(review.store.hits(review.store.searches(review.pass_id)[0].search_id)) == 3


def test_an_outage_while_terms_are_counted_makes_no_strategy_without_counts(home):
    with small.opened(home) as review:
        with serve(RECORDS, faults=[Fault("esearch", 0, unavailable())]) as server:
            with pytest.raises(SourceUnavailable):
                advanced(review, server.address, patience_s=1.0)
        assert review.store.artefact(review.pass_id, "query") is None
        with serve(RECORDS) as server:
            assert advanced(review, server.address).step == "query"
