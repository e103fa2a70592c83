"""A whole review against services that misbehave in every known way: the same records, or a stop that says so.

Real processes, real HTTP. The first review runs against healthy services, the others must end as it does.
"""

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.processes import ROOT, Agent, environment
from tests.servers import Fault, faults, hard, services, serving
from tests.servers.answering import fitting
from tests.servers.openai_server import MODEL
from tests.servers.openai_server import serving as speaking
from tools.exchange import UNRECORDED
from tools.schemas import Record

pytestmark = pytest.mark.timeout(600)

REVIEW = """
review: {{title: Syrup for an invented cough, type: intervention, id: syrup, email: someone@institute.org}}
question:
  framework: PICO
  elements: {{population: [cough], intervention: [syrup]}}
criteria:
  - {{id: animals, kind: exclude, element: design, text: The study was done in animals.}}
search: {{strategy: "syrup[tiab] OR invented[tiab]"}}
sources:
  - {{kind: pubmed, batch_size: 3, api_key_env: INVENTED_KEY}}
engine: {{backend: openai, model: {model}, base_url: "{base_url}"}}
prefilter: {{model: none}}
gates: [screen]
"""
"""Batches of three, so that a small corpus takes as many requests as the fault script has lines."""

KEY = "0123456789-invented-key"

CORPUS = [
    Record(
        record_id=f"pubmed:{n}",
        pmid=str(n),
        title=f"Invented syrup trial {n}",
        abstract="Some took it.",
        year=2000 + n % 20,
        pmcid=f"PMC{n}" if n % 7 == 0 else None,
        created=f"2020-01-{1 + n % 28:02d}",
    )
    for n in range(1, 51)
] + hard.records()
"""Fifty plain records, and ten with everything that is hard about PubMed's XML. All invented."""


def said(body) -> str:
    """A model that never knows, so that a person decides."""
    return fitting(body, lambda _item, name, _schema: ["syrup"] if name == "phrases" else ...)


@pytest.fixture(scope="module")
def base_url():
    with speaking(said) as server:
        yield server.base_url


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("INVENTED_KEY", KEY)


def agent_in(folder: Path, base_url: str, cache: Path) -> Agent:
    folder.mkdir()
    review = folder / "review.yaml"
    review.write_text(REVIEW.format(model=MODEL, base_url=base_url))
    return Agent(review, folder, cache)


def found(agent: Agent) -> list[tuple[object, ...]]:
    """The records that the review holds, with their hashes."""
    return agent.rows("SELECT record_id, version FROM hit ORDER BY record_id")


def stands(agent: Agent) -> list[tuple[object, ...]]:
    """Where every record stands at every step."""
    return agent.rows(
        "SELECT step, record_id, record_version, kind FROM current_outcome ORDER BY step, record_id"
    )


def result(agent: Agent) -> dict[str, object]:
    ((content,),) = agent.rows("SELECT content FROM search")
    return dict(json.loads(str(content)))


def status(agent: Agent, verb: str, *flags: str) -> tuple[int, str]:
    """Exit status and what was printed; 0 is done, 3 a gate, 4 a service that does not answer."""
    done = subprocess.run(
        agent.command(verb, *flags),
        cwd=ROOT,
        env=environment(agent.cache),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    told = done.stdout + done.stderr
    assert done.returncode in (0, 3, 4), told
    return done.returncode, told


def through(agent: Agent, address: str, *flags: str, most_stops: int = 0) -> list[str]:
    """To the end of the review, its gate approved. What each stop said; more than `most_stops` fail."""
    stops: list[str] = []
    ended, told = status(agent, "run", "--pubmed-url", address, *flags)
    while ended:
        if ended == 3:
            agent("approve", "--by", "Ada")
        else:
            stops.append(told)
            assert "Nothing is lost" in told
            assert len(stops) <= most_stops, told
        ended, told = status(agent, "resume", "--pubmed-url", address, *flags)
    assert "All equations hold." in agent("verify")
    return stops


@pytest.fixture(scope="module")
def healthy(tmp_path_factory, base_url, cache) -> Agent:
    """The review as it comes out when nothing goes wrong."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INVENTED_KEY", KEY)
        agent = agent_in(tmp_path_factory.mktemp("healthy") / "review", base_url, cache)
        with services(CORPUS, forms=hard.FORMS) as by_prefix, serving(by_prefix) as served:
            assert through(agent, served.at("entrez/eutils")) == []
    return agent


def test_a_healthy_review_holds_every_record(healthy):
    assert len(found(healthy)) == len(CORPUS) == 60
    assert result(healthy)["missing"] == []


def test_under_the_full_fault_script_the_review_ends_with_the_same_records(
    tmp_path, base_url, cache, healthy
):
    agent = agent_in(tmp_path / "review", base_url, cache)
    script = faults.load("full")
    with services(CORPUS, forms=hard.FORMS) as by_prefix, serving(by_prefix, script) as served:
        stops = through(agent, served.at("entrez/eutils"), most_stops=2)
        log = served.log
    assert len(stops) == 1, "the redirect to another host, and nothing else"
    assert "192.0.2.1, which we do not follow" in stops[0]
    assert found(agent) == found(healthy)
    assert stands(agent) == stands(healthy)
    told = result(agent)
    assert told["missing"] == []
    assert told["warnings"] == ["PMID 41456105 was deleted from PubMed or merged into another"]
    asked = {utility: sum(seen.utility == utility for seen in log) for utility in ("esearch", "efetch")}
    played = [f for f in script if f.utility in asked and f.nth <= asked[f.utility]]
    assert sum(f.utility == "efetch" for f in played) == sum(f.utility == "efetch" for f in script)
    assert all(seen.params["tool"] == "leads-agent" and seen.params["email"] for seen in log)
    assert all(seen.params["api_key"] == KEY and KEY not in seen.url for seen in log)
    everything = b"".join(path.read_bytes() for path in agent.home.rglob("*") if path.is_file())
    assert KEY.encode() not in everything
    # The services are gone.
    assert "byte-identical" in agent("replay", "--verify")


def test_a_record_that_never_comes_is_named_and_a_long_outage_is_waited_out(
    tmp_path, base_url, cache, healthy
):
    agent = agent_in(tmp_path / "review", base_url, cache)
    script = [
        *(Fault("efetch", n, faults.unavailable()) for n in range(4, 10)),
        Fault("efetch", 0, faults.without("21")),
    ]
    with services(CORPUS, forms=hard.FORMS) as by_prefix, serving(by_prefix, script) as served:
        stops = through(agent, served.at("entrez/eutils"), "--patience", "1.5", most_stops=8)
    assert stops
    assert "efetch.fcgi failed" in stops[0]
    assert agent.rows("SELECT COUNT(*) FROM search") == [(1,)]
    assert found(agent) == [row for row in found(healthy) if row[0] != "pubmed:21"]
    told = result(agent)
    assert told["missing"] == ["21"]
    assert told["warnings"] == ["PMID 21 was asked for twice and did not come"]


def test_what_is_recorded_of_a_request_names_nobody(healthy):
    requests = [str(request) for (request,) in healthy.rows("SELECT request FROM exchange")]
    assert requests
    assert not any(f'"{name}"' in request for request in requests for name in UNRECORDED)
