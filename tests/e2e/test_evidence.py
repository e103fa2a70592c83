"""From full texts to pooled effects through the command line: people, kills, outages, updates, and a model's slips.

The trials are invented (`tests.graphs.evident`). Where a process is killed it is a real one.
"""

import json
import re
import shutil
import threading

import pytest

from agent.cli import main
from agent.commands import open_gate
from agent.home import Home
from agent.review import Review
from tests.e2e.processes import Agent, at_least
from tests.graphs import evident, small
from tests.graphs.test_registering import entry
from tests.servers import Fault, faults, serving
from tests.servers.answering import fitting, task_of
from tests.servers.ctgov import Ctgov
from tests.servers.openai_server import MODEL
from tests.servers.openai_server import serving as speaking

pytestmark = pytest.mark.timeout(240)

ONE = evident.YAML.replace(
    "measure: MD,", "measure: MD, comparison: {experimental: [syrup], control: [water]},"
)
"""Rules do not guess which arm is the control: the protocol's words say so."""

TWO = ONE.replace("people: 1", "people: 2")
HEADER = "report_id,outcome,time_point,arm,field_id,value,unit,quote,reason\n"
CERTAINTY = "analysis,domain,steps,reason\n" + "".join(
    f"nights,{domain},0,\n"
    for domain in ("risk_of_bias", "inconsistency", "indirectness", "imprecision", "publication_bias")
)


class Desk:
    """A person at the command line, in this process: `main` with its words, and what it prints."""

    def __init__(self, folder, capsys=None):
        self.folder, self.capsys = folder, capsys

    def __call__(self, verb, *more, expect=0):
        status = main([verb, str(self.folder), *more, "--clock", small.AT])
        told = "" if self.capsys is None else "".join(self.capsys.readouterr())
        assert status == expect, f"{verb} {more}: status {status}, not {expect}\n{told}"
        return told

    def text(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def reads(self, by, own=None):
        """A person takes the form, fills it in, and enters it."""
        self("form", "--by", by)
        lines = evident.rows(self.folder / "gates" / f"form-{by.casefold()}.csv")
        path = self.text(f"{by}.csv", evident.as_csv(evident.filled(lines, own)))
        return self("enter", "--file", path, "--by", by)

    def approves(self, gate):
        self("approve", "--gate", gate, "--by", "Ada")

    def outputs(self):
        return {path.name: path.read_bytes() for path in (self.folder / "out").iterdir()}

    def data(self):
        return json.loads((self.folder / "out" / "data.json").read_text())["evidence"]


def begun(folder, yaml, trials=("1", "2", "3")):
    """A review that waits at the gate of the numbers."""
    desk = Desk(evident.write(folder / "snail", trials, yaml).folder)
    desk("run", expect=3)
    desk.approves("extract")
    desk("resume", expect=3)
    return desk.folder


@pytest.fixture(scope="module")
def waiting_for_two(tmp_path_factory):
    return begun(tmp_path_factory.mktemp("two"), TWO)


@pytest.fixture(scope="module")
def waiting_for_one(tmp_path_factory):
    return begun(tmp_path_factory.mktemp("one"), ONE)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def copied(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "snail")
    return tmp_path / "snail"


@pytest.fixture
def two(waiting_for_two, tmp_path, capsys):
    return Desk(copied(waiting_for_two, tmp_path), capsys)


@pytest.fixture
def one(waiting_for_one, tmp_path, capsys):
    return Desk(copied(waiting_for_one, tmp_path), capsys)


# People -------------------------------------------------------------------------------------------


def test_two_people_read_settle_and_decide_and_everything_is_replayed_to_the_byte(two):
    assert "cannot be approved yet" in two("approve", "--gate", "evidence", "--by", "Ada", expect=2)
    two.reads("Ada")
    two("resume", expect=3)
    two.reads("Bea", {("shelf:1", "Snail syrup", "mean"): "6.5"})
    told = two("resume", expect=3)
    assert "mean !" in told
    told = two("approve", "--gate", "evidence", "--by", "Ada", expect=2)
    assert "people read different values: person:Ada: 6.0; person:Bea: 6.5" in told
    quote = '"Nights slept, mean (SD) | 6.0 (2.0)"'
    line = f"shelf:1,nights,,Snail syrup,mean,6.0,nights,{quote},Bea misread\n"
    two("edit", "evidence", "--file", two.text("settled.csv", HEADER + line), "--by", "Cid")
    two.approves("evidence")
    assert "1.25" in two("resume", expect=3)
    two("edit", "synthesis", "--file", two.text("certainty.csv", CERTAINTY), "--by", "Ada")
    two.approves("synthesis")
    two("resume")
    (made,) = two.data()["analyses"]
    assert made["pooled"]["y"] == pytest.approx(evident.POOLED["1", "2", "3"])
    (settled,) = [c for c in two.data()["cells"] if c["reason"].startswith("settled by Cid")]
    assert (settled["value"], settled["status"]) == ("6.0", "grounded")
    assert "All equations hold." in two("verify")
    assert "byte-identical" in two("replay", "--verify")
    told = two("trace")
    assert re.search(r"entered", told)
    assert (two.folder / "checkpoints.sqlite").stat().st_size < 200_000


def test_bad_lines_are_refused_with_their_numbers_and_nothing_is_stored(two):
    bad = (
        HEADER
        + "shelf:1,nights,,Water,mean,5.0,,,\nshelf:1,nights,,Water,sd,two,,,\nshelf:8,nights,,Water,sd,2,,,\n"
    )
    told = two("enter", "--file", two.text("mine.csv", bad), "--by", "Ada", expect=2)
    assert "line 3: 'two' is no number" in told
    assert "line 4: no report 'shelf:8'" in told
    assert "line 2" not in told
    assert "so far: nobody yet" in two("status", expect=3)
    # Without the bad lines the same file is taken.
    two("enter", "--file", two.text("mine.csv", "\n".join(bad.splitlines()[:2])), "--by", "Ada")


# Kills --------------------------------------------------------------------------------------------


def through(folder):
    """To the report, everything approved."""
    desk = Desk(folder)
    desk.approves("evidence")
    desk("resume", expect=3)
    desk.approves("synthesis")
    desk("resume")
    return desk


@pytest.fixture(scope="module")
def finished(waiting_for_one, tmp_path_factory):
    """A review in which nothing has gone wrong."""
    return through(copied(waiting_for_one, tmp_path_factory.mktemp("finished"))).folder


@pytest.fixture(scope="module")
def undisturbed(finished):
    """Its files."""
    return Desk(finished).outputs()


def asked_once(agent):
    (calls, kinds) = agent.rows("SELECT COUNT(*), COUNT(DISTINCT request) FROM call")[0]
    return calls == kinds > 0


def test_a_kill_while_numbers_are_read_loses_and_doubles_nothing(tmp_path, cache, undisturbed, capsys):
    folder = evident.write(tmp_path / "snail", ("1", "2", "3"), ONE).folder
    desk = Desk(folder, capsys)
    desk("run", expect=3)
    desk.approves("extract")
    agent = Agent(folder, folder, cache, ("--clock", small.AT))
    agent.killed_when(at_least("results", 2), "resume")
    assert agent.rows("SELECT 1 FROM outcome WHERE step = 'evidence'") == []
    desk("resume", expect=3)
    assert asked_once(agent)
    read = agent.rows("SELECT record_id FROM outcome WHERE step = 'evidence' AND reader LIKE 'machine:%'")
    assert sorted(read) == [("shelf:1",), ("shelf:2",), ("shelf:3",)]
    through(folder)
    assert desk.outputs() == undisturbed
    assert "All equations hold." in desk("verify")
    assert "byte-identical" in desk("replay", "--verify")


def test_a_kill_in_the_synthesis_loses_and_doubles_nothing(one, cache, undisturbed):
    one.approves("evidence")
    agent = Agent(one.folder, one.folder, cache, ("--clock", small.AT))

    def begun_to_pool(connection):
        told = "SELECT COUNT(*) FROM event WHERE step = 'synthesis' AND kind = 'started'"
        return bool(connection.execute(told).fetchone()[0])

    agent.killed_when(begun_to_pool, "resume")
    assert agent.rows("SELECT 1 FROM artefact WHERE step = 'synthesis'") == []
    one("resume", expect=3)
    assert agent.rows("SELECT revision FROM artefact WHERE step = 'synthesis'") == [(1,)]
    assert asked_once(agent)
    one.approves("synthesis")
    one("resume")
    assert one.outputs() == undisturbed
    assert "byte-identical" in one("replay", "--verify")


# A form of one's own ------------------------------------------------------------------------------


def test_a_form_that_changes_in_mid_review_is_noticed(one):
    form = one.folder / "form.yaml"
    form.write_text(evident.FORM.replace("Was it concealed?", "Was it hidden?"))
    told = one("resume", expect=2)
    assert "the risk-of-bias form has changed since protocol revision 1" in told
    one("resume", "--reason", "clearer", expect=3)
    asked = Agent(one.folder, one.folder, one.folder).rows("SELECT COUNT(*) FROM call WHERE task = 'bias'")
    assert asked == [(6,)]  # three reports, each once with either form
    form.write_text(evident.FORM.replace("overall: worst", "overall: best"))
    told = one("resume", expect=2)
    assert "form.yaml: overall: choose from" in told


# The register -------------------------------------------------------------------------------------


def test_an_outage_of_the_register_stops_and_is_gone_on_with(tmp_path, capsys):
    yaml = ONE.replace("people: 1", "people: 1\n  registry: true")
    papers = {"1": evident.paper("1", " It was registered as NCT09000001."),
              "2": evident.paper("2", " It was registered as NCT09999999.")}  # fmt: skip
    desk = Desk(evident.write(tmp_path / "snail", ("1", "2"), yaml, papers).folder, capsys)
    desk("run", expect=3)
    desk.approves("extract")
    register = Ctgov([entry(syrup=("9.0", "2.0"))])
    with serving(register, [Fault("studies", 0, faults.unavailable())]) as served:
        at = ("--service", f"ctgov={served.address}", "--patience", "0.5")
        told = desk("resume", *at, expect=4)
    assert "Nothing is lost" in told
    agent = Agent(desk.folder, desk.folder, desk.folder)
    assert agent.rows("SELECT 1 FROM outcome WHERE step = 'evidence'") == []
    asked = agent.rows("SELECT COUNT(*) FROM call")
    with serving(register) as served:
        told = desk("resume", "--service", f"ctgov={served.address}", expect=3)
        assert {seen.utility for seen in served.log} == {"studies/NCT09000001", "studies/NCT09999999"}
    assert agent.rows("SELECT COUNT(*) FROM call") == asked
    assert "Papers beside their registrations:" in told
    assert "9.0" in told
    # The register is gone: nothing below has need of it.
    through(desk.folder)
    assert {c["report_id"] for c in desk.data()["cells"]} >= {"ctgov:NCT09000001"}
    assert "All equations hold." in desk("verify")
    assert "byte-identical" in desk("replay", "--verify")


# A long way ---------------------------------------------------------------------------------------


def test_a_pilot_and_what_follows_it_are_replayed_to_the_byte(tmp_path, capsys):
    yaml = TWO.replace("people: 2", "people: 2\n  pilot: 2")
    folder = begun(tmp_path, yaml, ("1", "2", "3", "4"))
    desk = Desk(folder, capsys)
    for by in ("Ada", "Bea"):
        desk.reads(by)
    assert "pilot" in desk("resume", expect=3)
    desk.approves("evidence")
    assert "shelf:4: 2 more" in desk("resume", "--retry-failed", expect=3)
    for by in ("Ada", "Bea"):
        desk.reads(by)
    desk("resume", expect=3)
    desk.approves("evidence")
    desk("resume", expect=3)
    desk.approves("synthesis")
    desk("resume")
    (made,) = desk.data()["analyses"]
    assert made["pooled"]["k"] == 4
    assert "All equations hold." in desk("verify")
    assert "byte-identical" in desk("replay", "--verify")


def test_a_revision_and_an_update_of_it_are_replayed_to_the_byte(tmp_path, finished, capsys):
    folder = copied(finished, tmp_path)
    desk = Desk(folder, capsys)
    (folder / "review.yaml").write_text(ONE.replace("model: common", "model: random"))
    desk("resume", "--reason", "studies differ", expect=3)
    desk.approves("synthesis")
    desk("resume")
    evident.publish(folder, ("1", "2", "3", "4"))
    desk("update", "--reason", "a year has passed", expect=3)
    assert "All equations hold." in desk("verify")  # out/ is still the first version's
    desk.approves("extract")
    assert "Numbers of 1 report." in desk("resume", expect=3)
    through(folder)
    (made,) = desk.data()["analyses"]
    assert (made["pooled"]["k"], made["pooled"]["model"]) == (4, "random")
    assert "All equations hold." in desk("verify")
    assert "byte-identical" in desk("replay", "--verify")


def test_a_report_that_no_machine_can_read_waits_and_the_others_are_pooled(tmp_path, capsys):
    papers = {"2": "<article><front></front></article>"}
    folder = evident.write(tmp_path / "snail", ("1", "2", "3"), ONE, papers).folder
    desk = Desk(folder, capsys)
    desk("run", expect=3)
    desk.approves("extract")
    desk("resume", expect=3)
    through(folder)
    assert {c["report_id"] for c in desk.data()["cells"]} == {"shelf:1", "shelf:3"}
    assert desk.data()["analyses"][0]["pooled"]["k"] == 2
    assert "byte-identical" in desk("replay", "--verify")


# A language model ---------------------------------------------------------------------------------


class Model:
    """Reads the table; one of its numbers is wrong, some of its answers have no form."""

    def __init__(self):
        self.asked = []
        self.lock = threading.Lock()

    def __call__(self, body):
        task = task_of(body)
        whole = "\n".join(message["content"] for message in body["messages"])
        number = re.search(r"invented trial (\d)", whole)
        with self.lock:
            self.asked.append((task, whole))
        if task == "arms":
            return self.arms(whole, number[1])
        if task == "results":
            return self.results(whole, number[1])
        if task == "bias" and number[1] == "3":
            return "I would rather not say."
        told = {"snail": "YES"}

        def choose(item, name, _schema):
            if name == "phrases":
                return ["syrup"]
            if item in told and name in ("label", "quote"):
                return told[item] if name == "label" else "snail syrup"
            return ...

        return fitting(body, choose)

    def arms(self, whole, number):
        """Of the second trial the first answer has no form; told so, it mends it."""
        first = number == "2" and sum("invented trial 2" in w for t, w in self.asked if t == "arms") == 1
        if first:
            return '{"status": "found", "arms": "two"}'
        arm = {"description": "", "interventions": []}
        return json.dumps(
            {
                "status": "found",
                "arms": [
                    {"quote": "to snail syrup", "label": "snail syrup", "type": "EXPERIMENTAL", **arm},
                    {"quote": "or to water", "label": "water", "type": "PLACEBO_COMPARATOR", **arm},
                ],
            }
        )

    def results(self, whole, number):
        row = re.search(r"Nights slept, mean \(SD\) \| ([\d.]+) \(([\d.]+)\) \| ([\d.]+) \(([\d.]+)\)", whole)
        water = "Group\nwater" in whole
        mean, spread = (row[3], row[4]) if water else (row[1], row[2])
        if number == "2" and water:
            mean = "9.9"  # which nobody has printed
        value = {"quote": row[0], "title": "", "value": mean, "spread": spread, "lower": None, "upper": None}
        return json.dumps(
            {
                "status": "found",
                "param_type": "MEAN",
                "dispersion_type": "Standard Deviation",
                "unit": "nights",
                "time_frame": "",
                "denominator_unit": "Participants",
                "denominator": {"1": 20, "2": 40, "3": 20}[number],
                "values": [value],
            }
        )


def test_a_language_models_numbers_stand_beside_those_of_the_rules_and_its_slips_are_told(tmp_path, capsys):
    folder = evident.write(tmp_path / "snail", ("1", "2", "3")).folder
    desk = Desk(folder, capsys)
    with speaking(Model()) as server:
        engine = ("--engine", "openai", "--set", f"engine.model={MODEL}")
        desk("run", *engine, "--set", f"engine.base_url={server.base_url}", expect=3)
        desk.approves("extract")
        desk("resume", expect=3)
        with Review.open(Home.of(folder)) as review:
            table = open_gate(review, "evidence").content
        cells = {
            (c["report_id"], c["arm"], c["field_id"]): c for c in table["cells"] if c["outcome"] == "nights"
        }
        agreed, differing = cells["shelf:1", "water", "mean"], cells["shelf:2", "water", "mean"]
        assert agreed["value"] == "5.0"
        assert agreed["readings"] == [f"machine:openai:{MODEL}: 5.0", "rules: 5.0"]
        assert differing["readings"] == [f"machine:openai:{MODEL}: 9.9", "rules: 5.0"]
        assert differing["confidence"] < agreed["confidence"]
        assert "9.9" in differing["reason"]
        # The second trial's arms were told when it was asked again; the third's answers about bias never were.
        assert cells["shelf:2", "snail syrup", "mean"]["value"] == "7.0"
        failed = [c for c in table["cells"] if c["status"] == "failed"]
        assert {(c["report_id"], c["field_id"]) for c in failed} == {
            ("shelf:3", "bias/1.1"),
            ("shelf:3", "bias/1.2"),
        }
        assert {c["value"] for c in failed} == {None}
        line = "shelf:2,nights,,water,mean,5.0,nights,,the model misread\n"
        desk("edit", "evidence", "--file", desk.text("settled.csv", HEADER + line), "--by", "Ada")
        through(folder)
    assert desk.data()["analyses"][0]["pooled"]["y"] == pytest.approx(evident.POOLED["1", "2", "3"])
    # The server is gone: a replay has no need of it.
    assert "All equations hold." in desk("verify")
    assert "byte-identical" in desk("replay", "--verify")
