"""Analyses as a process: what they are made of, what opens them again, and what an update adds. Trials are invented."""

import json
import shutil

import pytest

from agent.commands import open_gate, store_edit
from agent.home import Home
from agent.review import Review
from agent.update import Wish, open_update
from graphs.accounts import check_all
from graphs.gates import cells_of
from model.engine import EngineBusy
from tests.graphs import evident, small
from tests.graphs.evident import SYRUP
from tools.errors import ConfigError
from tools.records.linking import HandLink

EVIDENCE = "report_id,outcome,time_point,arm,field_id,value,unit,quote,reason\n"
CERTAINTY = "analysis,domain,steps,reason\n"
DECIDED = CERTAINTY + "".join(
    f"nights,{domain},{steps},{why}\n"
    for domain, steps, why in (
        ("risk_of_bias", -1, "nobody told who knew the allocation"),
        ("inconsistency", 0, ""),
        ("indirectness", 0, ""),
        ("imprecision", -1, "few people"),
        ("publication_bias", 0, ""),
    )
)


@pytest.fixture
def home(tmp_path):
    return evident.write(tmp_path / "snail")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished review of two trials, its certainty decided."""
    home = evident.write(tmp_path_factory.mktemp("finished") / "snail")
    with evident.opened(home) as review:
        evident.upto(review, "synthesis")
        store_edit(review, open_gate(review, "synthesis"), DECIDED, by="Ada", note="")
        evident.through(review)
    return home


@pytest.fixture
def done(finished, tmp_path):
    """The same, to go on with."""
    shutil.copytree(finished.folder, tmp_path / "snail")
    return Home.of(tmp_path / "snail")


def analysis(review):
    (made,) = review.store.artefact(review.pass_id, "synthesis").content["analyses"]
    return made


def decisions(review, name="nights"):
    told = review.store.artefact(review.pass_id, "synthesis").content["certainty"][name]
    return {step["domain"]: step["steps"] for step in told["steps"]}


def reported(home):
    return json.loads((home.out / "data.json").read_text())["evidence"]


def begun(review, **more):
    return open_update(review, review.home.yaml, Wish(), reason=more.get("reason"))


# What it is made of -------------------------------------------------------------------------------


def test_two_trials_are_pooled_as_by_hand(home):
    with evident.opened(home) as review:
        evident.upto(review, "synthesis")
        made = analysis(review)
    assert made["pooled"]["y"] == pytest.approx(evident.POOLED["1", "2"])
    # 1 / (2.5 + 5) is the variance of the common effect.
    assert made["pooled"]["se"] == pytest.approx(7.5**-0.5)
    assert [line["label"] for line in made["lines"]] == ["Author1 2001", "Author2 2002"]


def test_nothing_is_computed_before_the_table_is_approved(home):
    with evident.opened(home) as review:
        evident.upto(review, "evidence")
        store_edit(
            review,
            open_gate(review, "evidence"),
            EVIDENCE + f"shelf:1,nights,,{SYRUP},mean,8.0,nights,,misprint\n",
            by="Ada",
            note="",
        )
        assert review.store.artefact(review.pass_id, "synthesis") is None
        evident.upto(review, "synthesis")
        # The first trial's difference is 3 now: (2.5 * 3 + 5 * 2) / 7.5.
        assert analysis(review)["pooled"]["y"] == pytest.approx(17.5 / 7.5)


def test_a_study_without_numbers_is_listed_with_the_reason_and_nothing_stands_for_it(tmp_path):
    bare = evident.paper("2").replace("Nights slept, mean (SD)", "Cups of tea, mean (SD)")
    home = evident.write(tmp_path / "snail", papers={"2": bare})
    with evident.opened(home) as review:
        evident.upto(review, "synthesis")
        made = analysis(review)
    assert made["pooled"]["k"] == 1
    assert [line["why"] for line in made["lines"] if "why" in line] == [
        "No numbers of this outcome were found in its reports."
    ]


def test_without_any_number_nothing_is_pooled_and_the_report_says_so(tmp_path):
    bare = {n: evident.paper(n).replace("Nights slept, mean (SD)", "Cups, mean (SD)") for n in ("1", "2")}
    home = evident.write(tmp_path / "snail", papers=bare)
    with evident.opened(home) as review:
        assert evident.through(review).kind == "finished"
        made = analysis(review)
    assert made["pooled"] is None
    assert made["why_not_pooled"]
    assert made["why_not_pooled"] in (home.out / "report.html").read_text()


def test_two_reports_of_one_study_with_different_numbers_keep_it_out(home):
    with evident.opened(home) as review:
        evident.upto(review, "synthesis")
        link = HandLink(kind="join", report_ids=("shelf:1", "shelf:2"), by="Ada", why="same site")
        review.store.add_study_link(review.pass_id, link)
        evident.upto(review, "synthesis")
        (line,) = analysis(review)["lines"]
    assert "give different numbers (shelf:1, shelf:2)" in line["why"]


def test_the_report_holds_what_was_approved_and_nothing_else(home):
    with evident.opened(home) as review:
        evident.through(review)
        cells = cells_of(review.store.artefact(review.pass_id, "evidence").content)
    told = reported(home)
    assert len(told["cells"]) == len(cells)
    assert told["analyses"][0]["pooled"]["y"] == pytest.approx(evident.POOLED["1", "2"])


# Certainty ----------------------------------------------------------------------------------------


def test_certainty_is_decided_by_a_person_domain_by_domain(home):
    with evident.opened(home) as review:
        evident.upto(review, "synthesis")
        assert decisions(review) == {}
        store_edit(review, open_gate(review, "synthesis"), DECIDED, by="Ada", note="")
        assert decisions(review)["risk_of_bias"] == -1
        evident.through(review)
    (told,) = reported(home)["certainty"]
    assert (told["by"], told["rating"]["certainty"]) == ("Ada", "low")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("days,imprecision,-1,few", "no analysis 'days'; there are nights"),
        ("nights,precision,-1,few", "no domain 'precision'"),
        ("nights,imprecision,one,few", "'one' is no number of steps"),
        ("nights,imprecision,-3,few", "'-3' is no number of steps"),
        ("nights,imprecision,-1,", "reason"),
    ],
)
def test_a_bad_decision_about_certainty_is_refused_and_nothing_is_stored(home, line, told):
    with evident.opened(home) as review:
        evident.upto(review, "synthesis")
        with pytest.raises(ConfigError, match=told):
            store_edit(
                review,
                open_gate(review, "synthesis"),
                CERTAINTY + "nights,inconsistency,0,\n" + line,
                by="Ada",
                note="",
            )
        assert open_gate(review, "synthesis").revision == 1
        assert decisions(review) == {}


def test_decisions_stand_while_the_numbers_stand_and_are_open_when_they_change(done):
    done.yaml.write_text(evident.YAML.replace("better: higher", "better: lower"))
    with evident.opened(done, reason="fewer nights are better after all") as review:
        evident.upto(review, "synthesis")
        assert decisions(review) == {}
        made = evident.YAML.replace(
            "model: common}", "model: common}\n    - {id: smd, outcome: nights, measure: SMD, model: common}"
        )
        store_edit(review, open_gate(review, "synthesis"), DECIDED, by="Ada", note="")
        small.approve_open(review)
    done.yaml.write_text(made.replace("better: higher", "better: lower"))
    with evident.opened(done, reason="another measure beside it") as review:
        evident.upto(review, "synthesis")
        assert decisions(review)["imprecision"] == -1
        assert decisions_of_all(review) == {"nights": 5, "smd": 0}


def decisions_of_all(review):
    content = review.store.artefact(review.pass_id, "synthesis").content
    return {name: len(told["steps"]) for name, told in content["certainty"].items()}


# Words --------------------------------------------------------------------------------------------


def test_a_sentence_without_a_fact_behind_it_is_dropped_and_listed(home):
    with evident.opened(home) as review:
        evident.upto(review, "synthesis")
        told = review.store.artefact(review.pass_id, "synthesis").content["narratives"]["nights"]
    kept, dropped = json.dumps(told["narrative"]["sentences"]), json.dumps(told["narrative"]["dropped"])
    assert "Together the trials give" in kept
    assert "4711" in dropped
    assert "4711" not in kept


def test_words_that_failed_are_told_and_can_be_tried_again(home):
    def say(request):
        if request.task.id == "summary" and request.attempt == 1:
            raise EngineBusy("too slow today")
        return evident.script(request)

    with evident.opened(home) as review:
        evident.upto(review, "synthesis", say)
        told = review.store.artefact(review.pass_id, "synthesis").content["narratives"]["nights"]
        assert told["failed"] == "busy: too slow today"
        store_edit(review, open_gate(review, "synthesis"), DECIDED, by="Ada", note="")
        evident.upto(review, "synthesis", say, attempt=2)
        told = review.store.artefact(review.pass_id, "synthesis").content["narratives"]["nights"]
        assert "Together the trials give" in json.dumps(told["narrative"])
        assert decisions(review)["imprecision"] == -1
        assert evident.calls(review)["results"] == 4


# Change and failure -------------------------------------------------------------------------------


def test_another_analysis_opens_the_gate_of_the_synthesis_alone(done):
    done.yaml.write_text(evident.YAML.replace("model: common", "model: random"))
    with evident.opened(done, reason="studies differ") as review:
        assert small.go(review, evident.script).step == "synthesis"
        assert analysis(review)["pooled"]["model"] == "random"
        small.approve_open(review)
        assert small.go(review, evident.script).kind == "finished"
    assert reported(done)["analyses"][0]["pooled"]["model"] == "random"


def test_a_review_that_pools_no_longer_shows_no_earlier_analyses(done):
    yaml = evident.YAML.partition("synthesis:")[0] + "gates: [extract, evidence, synthesis]\n"
    done.yaml.write_text(yaml)
    with evident.opened(done, reason="nothing is to be pooled") as review:
        assert small.go(review, evident.script).kind == "finished"
    told = reported(done)
    assert (told["analyses"], told["certainty"]) == ([], [])
    assert len(told["cells"]) > 0


def test_a_kill_in_the_synthesis_loses_and_doubles_nothing(home, tmp_path):
    with evident.opened(home) as review:
        evident.upto(review, "evidence")
        small.approve_open(review)
        with pytest.raises(small.Killed):
            small.go(review, evident.dying_at("summary", 0))
        assert review.store.artefact(review.pass_id, "synthesis") is None
        assert evident.through(review).kind == "finished"
        assert review.store.artefact(review.pass_id, "synthesis").revision == 1
        asked = [call.request for call in review.calls.all()]
        assert len(asked) == len(set(asked))
        killed = {path.name: path.read_bytes() for path in home.out.iterdir()}
    undisturbed = evident.write(tmp_path / "other" / "snail")
    with evident.opened(undisturbed) as review:
        evident.through(review)
    assert {path.name: path.read_bytes() for path in undisturbed.out.iterdir()} == killed


def test_the_same_review_twice_gives_the_same_bytes(done, finished):
    done.checkpoints.unlink()
    before = {path.name: path.read_bytes() for path in finished.out.iterdir()}
    with evident.opened(done) as review:
        assert small.go(review, evident.script).kind == "finished"
    assert {path.name: path.read_bytes() for path in done.out.iterdir()} == before


# Updates ------------------------------------------------------------------------------------------


def test_an_update_reads_the_new_study_alone_and_pools_it_with_the_earlier_ones(done):
    evident.publish(done.folder, ("1", "2", "3"))
    with evident.opened(done) as review:
        before = evident.calls(review)
        begun(review)
        evident.upto(review, "evidence")
        table = evident.shown(review)
        assert {c.report_id for c in cells_of(table.content)} == {"shelf:3"}
        after = evident.calls(review)
        assert {t: after[t] - before[t] for t in ("arms", "results", "bias")} == {
            "arms": 1,
            "results": 2,
            "bias": 1,
        }
        small.approve_open(review)
        evident.upto(review, "synthesis")
        made = analysis(review)
        assert made["pooled"]["k"] == 3
        assert made["pooled"]["y"] == pytest.approx(evident.POOLED["1", "2", "3"])
        assert decisions(review) == {}  # other numbers than those that were decided on
        small.approve_open(review)
        assert small.go(review, evident.script).kind == "finished"
        assert check_all(review.store, review.pass_id)["evidence"] == {"entered": 1, "passed": 1}
    told = reported(done)
    assert {c["report_id"] for c in told["cells"]} == {"shelf:1", "shelf:2", "shelf:3"}
    assert told["waiting"] == 0


def test_an_update_that_finds_nothing_new_keeps_the_analyses_and_what_was_decided(done):
    with evident.opened(done) as review:
        begun(review)
        assert evident.through(review).kind == "finished"
    told = reported(done)
    assert told["analyses"][0]["pooled"]["y"] == pytest.approx(evident.POOLED["1", "2"])
    assert told["certainty"][0]["rating"]["certainty"] == "low"
    assert {c["report_id"] for c in told["cells"]} == {"shelf:1", "shelf:2"}


def test_a_form_that_was_piloted_is_not_piloted_again_in_an_update(tmp_path):
    yaml = evident.YAML.replace("people: 1", "people: 1\n  pilot: 1")
    home = evident.write(tmp_path / "snail", yaml=yaml)
    with evident.opened(home) as review:
        evident.through(review)
    evident.publish(home.folder, ("1", "2", "3", "4"))
    with evident.opened(home) as review:
        begun(review)
        evident.upto(review, "evidence")
        assert {c.report_id for c in cells_of(evident.shown(review).content)} == {"shelf:3", "shelf:4"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("title: Nights slept,", "title: Nights slept, change: true,"),
        ("better: higher}", "better: higher}\n    - {id: cups, title: Cups of tea, kind: dichotomous}"),
        ("appraisal: {tool: form.yaml}", "appraisal: {}"),
    ],
)
def test_an_update_is_refused_while_outcomes_are_asked_for_in_other_words(done, old, new):
    """Numbers that people approved under other words are no answer to the new ones."""
    done.yaml.write_text(evident.YAML.replace(old, new))
    with Review.open(done, lambda: small.AT) as review:
        with pytest.raises(ConfigError, match=r"first read all of them anew with `python -m agent resume"):
            begun(review, reason="other words")
        assert (review.store.passes(), len(review.store.protocols())) == (["1"], 1)


def test_an_update_may_come_with_another_analysis(done):
    done.yaml.write_text(evident.YAML.replace("model: common", "model: random"))
    with Review.open(done, lambda: small.AT) as review:
        begun(review, reason="studies differ")
        evident.through(review)
        assert analysis(review)["pooled"]["model"] == "random"
