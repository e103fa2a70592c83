"""A real guideline question over its real records: through E-utilities on loopback, and as a local source."""

import csv
import json
import os

import pytest

from tests.e2e.processes import ROOT, Agent
from tests.servers import serve
from tests.servers.corpus import records as corpus

pytestmark = [pytest.mark.shared, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def relevant(shared_data):
    """PMIDs that the guideline's panel finally included."""
    import gzip

    with gzip.open(
        shared_data / "reviews" / "kdigo_a1" / "records.jsonl.gz", "rt", encoding="utf-8"
    ) as lines:
        return {row["pmid"] for row in map(json.loads, lines) if row["label_final"] == 1}


def finish(agent, *flags):
    """From the first command to the report, with the machine's suggestions approved."""
    agent("run", *flags, expect=3)
    for gate in ("query", "screen", "extract"):
        agent("approve", "--gate", gate, "--by", "Ada")
        agent("resume", expect=0 if gate == "extract" else 3)


def screened(agent):
    """PMID to the machine's suggestion."""
    with (agent.home / "gates" / "screen-1.csv").open(encoding="utf-8", newline="") as file:
        return {row["record_id"].partition(":")[2]: row["decision"] for row in csv.DictReader(file)}


def test_the_kdigo_review_through_the_server(tmp_path, cache, shared_data, relevant):
    """Biopython asks, our transport sends: only the address differs from live PubMed."""
    records = list(corpus(shared_data / "reviews" / "kdigo_a1" / "records.jsonl.gz"))
    agent = Agent(ROOT / "examples" / "kdigo" / "review.yaml", tmp_path / "home", cache)
    with serve(records) as server:
        finish(agent, "--pubmed-url", server.address)
        asked = server.asked("esearch") + server.asked("efetch")
    assert all(entry.params["tool"] == "leads-agent" and entry.params["email"] for entry in asked)
    suggested = screened(agent)
    assert len(relevant & suggested.keys()) >= 10
    assert {pmid for pmid in relevant if suggested.get(pmid) == "exclude"} == set()
    assert "All equations hold." in agent("verify")
    # The server is gone.
    assert "byte-identical" in agent("replay", "--verify")
    assert (agent.home / "checkpoints.sqlite").stat().st_size < 200_000


def test_the_kdigo_review_as_a_local_source(tmp_path, cache, shared_data, relevant):
    review = ROOT / "examples" / "kdigo-local" / "review.yaml"
    agent = Agent(review, tmp_path / "home", cache)
    if os.environ.get("LEADS_SHARED_DATA"):  # the file in the example lies where the data usually is
        text = review.read_text(encoding="utf-8").replace("../../../shared/data", str(shared_data))
        agent.review = tmp_path / "review.yaml"
        agent.review.write_text(text, encoding="utf-8")
    finish(agent)
    suggested = screened(agent)
    assert len(relevant & suggested.keys()) >= 10
    assert {pmid for pmid in relevant if suggested.get(pmid) == "exclude"} == set()
    data = json.loads((agent.home / "out" / "data.json").read_text(encoding="utf-8"))
    assert (data["review_type"], data["framework"]) == ("other", "PICO")
    assert "byte-identical" in agent("replay", "--verify")
