"""A review of Europe PMC and ClinicalTrials.gov with citation searching, from the command line to its replay."""

import json

import pytest

from agent.cli import main
from tests.e2e.test_language_model import settings
from tests.graphs.small import FULL_TEXT
from tests.servers import serving as services
from tests.servers.answering import fitting
from tests.servers.ctgov import Ctgov, study_of
from tests.servers.europepmc import EuropePmc
from tests.servers.openai_server import serving
from tools.schemas import Record

YAML = """
review: {title: Snail syrup for invented cough, type: intervention, id: snail, email: ada@institute.org}
question: {framework: PICO, elements: {population: [cough], intervention: [snail syrup]}}
criteria:
  - {id: snail, kind: include, element: intervention, text: They were given snail syrup.}
  - {id: animals, kind: exclude, element: design, text: The study is about animals.}
search:
  strategy: '"snail syrup"[tiab] AND (randomized controlled trial[pt] OR syrup[tiab])'
  citations: {}
sources:
  - {kind: europepmc, from: 2001-01-01}
  - {kind: ctgov}
prefilter: {model: none}
fulltext: {folder: fulltexts, pmc: false}
gates: [screen, extract]
"""

PAPERS = [
    Record(
        record_id=f"x:{n}",
        pmid=str(n),
        title=f"Snail syrup {n}",
        abstract="Snail syrup for cough.",
        year=2000 + n,
    )
    for n in (1, 2)
] + [
    Record(record_id="x:9", pmid="9", title="Syrup of another name", abstract="It names no snail.", year=1999)
]
TRIALS = [study_of(Record(record_id="x:5", title="A trial of snail syrup", year=2003))]
"""Invented; 9 is found by its citation of 1 alone."""


def said(body):
    """Includes everything, with evidence."""
    told = {"snail": "YES", "animals": "NO"}

    def choose(item, name, _schema):
        if name == "phrases":
            return ["syrup"]
        if item in told and name in ("label", "quote"):
            return told[item] if name == "label" else "snail syrup"
        return ...

    return fitting(body, choose)


@pytest.mark.timeout(240)
def test_two_live_sources_and_their_citations_from_question_to_replay(tmp_path, capsys):
    (tmp_path / "fulltexts").mkdir()
    (tmp_path / "review.yaml").write_text(YAML)
    for n in (1, 2, 9):
        text = FULL_TEXT.format(pmid=n, title=f"Snail syrup {n}", n=40 + n)
        (tmp_path / "fulltexts" / f"{n}.nxml").write_text(text)
    review = str(tmp_path / "review.yaml")

    def agent(verb, *more):
        status = main([verb, review, *more])
        told = capsys.readouterr()
        assert status in (0, 3), told.err
        return status, told.out

    world = {"epmc": EuropePmc(PAPERS, cites={"MED:9": ["MED:1"]}), "ct": Ctgov(TRIALS)}
    with serving(said) as model, services(world) as served:
        at = ["--service", f"europepmc={served.at('epmc')}", "--service", f"ctgov={served.at('ct')}"]
        status, _ = agent("run", *settings(model), *at)
        gates = 0
        while status == 3:
            gates += 1
            agent("approve", "--by", "Ada")
            status, told = agent("resume")  # knows the addresses from the run before
    # Twice for what the databases gave, twice for what cites it.
    assert (status, gates) == (0, 4)
    counts = json.loads((tmp_path / "out" / "counts.json").read_text())["counts"]
    assert {source["source"]: source["received"] for source in counts["sources"]} == {
        "europepmc": 2,
        "ctgov": 1,
    }
    (other,) = counts["other"]["sources"]
    assert (other["kind"], other["received"]) == ("citations", 1)
    assert counts["reports_included"] == 3
    data = json.loads((tmp_path / "out" / "data.json").read_text())
    included = [
        line["record"]["record_id"]
        for line in data["records"]
        if (line["full_text"] or {}).get("kind") == "passed"
    ]
    assert included == ["europepmc:MED:1", "europepmc:MED:2", "europepmc:MED:9"]
    registry = next(search for search in data["searches"] if search["source"] == "ctgov")
    assert registry["kind"] == "register"
    assert registry["parameters"]["dropped"] == ["(randomized controlled trial[pt] OR syrup[tiab])"]
    status, told = agent("replay", "--verify")
    assert status == 0
    assert "byte-identical" in told
    assert agent("verify")[0] == 0
