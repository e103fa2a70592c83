"""An update: old decisions stay, new and changed records are decided, and the accounts hold over both passes."""

import csv
import io
import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from agent.commands import open_gate
from agent.home import Home
from agent.review import Review
from agent.update import Wish, open_update
from agent.wiring import sources, transport
from graphs.accounts import check_all, check_versions
from graphs.driver import advance, checkpoints
from graphs.steps.searching import CARRIED
from tests.graphs import small
from tests.servers import serve
from tools.errors import ConfigError, NotAllowed
from tools.schemas import Record, sha256_of
from tools.store import Event

NEW = [
    {
        "pmid": "9",
        "title": "Snail syrup trial three [YES]",
        "abstract": "Ten people with cough got snail syrup.",
    },
    {"pmid": "10", "title": "Snail syrup in geese [NO]", "abstract": "Geese with cough got snail syrup."},
    {"pmid": "2", "title": "Snail syrup trial two [YES]", "abstract": "Ninety people with cough."},
]
"""Invented: a new trial, a new exclusion, and a second copy of a record that is included already."""


def yaml_with(keep="keep: 6, audit: 1"):
    return small.YAML.replace("keep: 6, audit: 1", keep)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished review; trial one and trial two are included."""
    home = small.write(tmp_path_factory.mktemp("finished") / "snail", yaml_with())
    with small.opened(home) as review:
        small.through(review)
    return home


@pytest.fixture
def home(finished, tmp_path):
    """The same, to go on with."""
    shutil.copytree(finished.folder, tmp_path / "snail")
    return Home.of(tmp_path / "snail")


def publish(home, records):
    """The database as it is a year later."""
    (home.folder / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))


def begun(review, wish=None, reason=None):
    return open_update(review, review.home.yaml, wish or Wish(), reason=reason)


def rows(home, name):
    return list(csv.DictReader(io.StringIO((home.out / name).read_text(encoding="utf-8-sig"))))


def standing(review, step):
    return {i: s.outcome.kind for i, s in review.store.outcomes(review.pass_id, step).items()}


def test_only_new_records_are_screened_and_the_rest_is_seen_before(home):
    publish(home, [*small.RECORDS, *NEW])
    with small.opened(home) as review:
        begun(review)
        assert small.through(review).kind == "finished"
        found = standing(review, "retrieve")
        screened = standing(review, "screen")
        counts = check_all(review.store, review.pass_id)
    # One and two are included, three and the audited one excluded, the fifth was left open: it has no text.
    assert [found[f"shelf:{n}"] for n in "123"] == ["seen_before"] * 3
    assert found["shelf:2#2"] == "duplicate"
    assert (screened["shelf:9"], screened["shelf:10"]) == ("passed", "excluded")
    assert not {"shelf:1", "shelf:2", "shelf:3"} & screened.keys()
    assert counts["retrieve"]["entered"] == sum(n for k, n in counts["retrieve"].items() if k != "entered")


def test_what_the_first_pass_left_open_is_taken_up_again(home):
    """The fourth and the fifth passed and have no full text; the sixth got no answer from the engine."""
    with small.opened(home) as review:
        begun(review)
        small.go(review)
        (carried,) = [s for s in review.store.searches("2") if s.source == CARRIED]
        taken = {record_id for record_id, _ in review.store.hits(carried.search_id)}
        lines = {x["record_id"]: x for x in open_gate(review, "screen").content["dispositions"]}
    assert taken == {"shelf:4", "shelf:5", "shelf:6"}
    # What a person let pass on title and abstract is not taken back by the machine.
    assert (lines["shelf:4"]["decision"], lines["shelf:4"]["suggested_by"]) == ("pass", "pass:1")


def test_the_strategy_is_taken_over_with_its_approval_and_says_whose_it_was(home):
    with small.opened(home) as review:
        before = review.store.artefact("1", "query")
        begun(review)
        assert small.go(review).step == "screen"
        taken = review.store.artefact("2", "query")
        carried = review.store.approval(taken.artefact_id)
        assert (taken.sha256, taken.author) == (before.sha256, "pass:1")
        assert (carried.by, carried.artefact_sha256) == ("Ada", before.sha256)
        assert "approved as 1/query/1" in carried.note


def test_a_wish_to_look_again_opens_the_gate(home):
    with small.opened(home) as review:
        begun(review, Wish(look_again=True))
        assert small.go(review).step == "query"
        assert review.store.searches("2") == []


def test_a_strategy_that_the_protocol_changed_opens_the_gate_and_is_run_in_full(home):
    home.yaml.write_text(yaml_with() + "search: {strategy: 'snail[tiab] OR geese[tiab]'}\n")
    with Review.open(home, lambda: small.AT) as review:
        begun(review, reason="geese count now")
        assert small.go(review).step == "query"
        small.approve_open(review)
        small.go(review)
        search = review.store.searches("2")[0]
        assert "created_since" not in search.result.parameters
        assert review.store.protocols()[-1].reason == "geese count now"


def test_searches_reach_back_before_the_last_one(home):
    publish(home, [{**record, "created": "2025-11-30"} for record in small.RECORDS])
    with small.opened(home) as review:
        begun(review, Wish(overlap_days=10))
        small.go(review)
        search = review.store.searches("2")[0]
    assert search.result.parameters["created_since"] == "2025-12-23"  # ten days before small.AT
    assert search.result.count == 0


def test_a_retracted_report_is_shown_as_changed_and_stays_included_until_a_person_decides(home):
    changed = [
        {**r, "retracted": True} if r.get("id") != "again" and r["pmid"] == "1" else r for r in small.RECORDS
    ]
    publish(home, changed)
    with small.opened(home) as review:
        begun(review)
        small.go(review)
        shown = open_gate(review, "screen").content["changed"]
        assert shown == [{"record_id": "shelf:1", "was": "included", "changes": ["retracted"]}]
        assert check_versions(review.store, "2") == {"before": 2, "excluded": 0, "new": 0, "now": 2}
        small.approve_open(review)
        small.go(review)
        assert check_versions(review.store, "2")["now"] == 2


def test_a_person_can_take_a_retracted_study_out_and_the_total_goes_down(home):
    from agent.commands import store_edit

    publish(home, [{**r, "retracted": True} if r["pmid"] == "1" else r for r in small.RECORDS])
    with small.opened(home) as review:
        begun(review)
        small.go(review)
        edit = "record_id,decision,reason\nshelf:1,exclude,retracted\n"
        store_edit(review, open_gate(review, "screen"), edit, by="Ada", note="")
        small.approve_open(review)
        small.through(review)
        assert check_versions(review.store, "2") == {"before": 2, "excluded": 1, "new": 0, "now": 1}
    numbers = json.loads((home.out / "counts.json").read_text())["counts"]
    assert (numbers["studies_included"], numbers["versions"]["studies_withdrawn"]) == (1, 1)
    diagram = (home.out / "prisma.svg").read_text()
    assert "Included before and excluded by this update" in diagram


def test_a_change_of_indexing_terms_is_no_reason_to_ask_again(home):
    publish(home, [{**r, "mesh": ["Cough"], "volume": "7"} for r in small.RECORDS])
    with small.opened(home) as review:
        begun(review)
        small.go(review)
        assert standing(review, "retrieve")["shelf:1"] == "seen_before"
        told = review.store.outcomes("2", "retrieve")["shelf:1"].outcome.content
    assert told["changed_slightly"] == ["volume", "mesh"]


def test_the_report_of_an_update_bridges_the_versions(home):
    publish(home, [*small.RECORDS, *NEW])
    (home.folder / "fulltexts" / "9.nxml").write_text(
        small.FULL_TEXT.format(pmid="9", title="Snail syrup trial three [YES]", n=10)
    )
    with small.opened(home) as review:
        begun(review, reason="a year has passed")
        small.through(review)
    numbers = json.loads((home.out / "counts.json").read_text())
    versions = numbers["counts"]["versions"]
    assert (versions["studies_before"], versions["studies_new"], numbers["counts"]["studies_included"]) == (
        2,
        1,
        3,
    )
    assert all(equation["holds"] for equation in numbers["equations"])
    assert {e["name"] for e in numbers["equations"]} >= {
        "Studies over the versions",
        "Reports over the versions",
    }
    said = (home.out / "prisma.svg").read_text()
    for words in ("Previous studies", "New studies included in review", "Total studies included in review"):
        assert words in said
    assert sum(row["included"] == "yes" for row in rows(home, "earlier.csv")) == 2
    assert {row["report_id"] for row in rows(home, "extraction.csv")} == {"shelf:1", "shelf:2", "shelf:9"}
    assert (home.out / "included.ris").read_text().count("TY  - ") == 3
    assert "a year has passed" in (home.out / "report.html").read_text()


def test_an_unfinished_review_cannot_be_updated(tmp_path):
    home = small.write(tmp_path / "snail")
    with small.opened(home) as review:
        small.go(review)
        with pytest.raises(NotAllowed, match="pass 1 is not finished.*resume"):
            begun(review)


def test_an_update_under_way_is_gone_on_with_and_not_opened_twice(home):
    with small.opened(home) as review:
        begun(review)
        with pytest.raises(NotAllowed, match="pass 2 is not finished"):
            begun(review)
        assert review.store.passes() == ["1", "2"]


def test_a_rejected_update_leaves_the_review_as_it_was_and_another_may_follow(home):
    from agent.commands import decide

    publish(home, [*small.RECORDS, *NEW])
    with small.opened(home) as review:
        begun(review)
        small.go(review)
        decide(review, open_gate(review, None), by="Ada", decision="reject")
        assert small.go(review).kind == "rejected"
        assert begun(review) == "3"
        small.through(review)
        assert standing(review, "retrieve")["shelf:9"] == "passed"
        assert review.store.opened("3").content["previous"] == "1"


def test_a_date_that_would_leave_a_gap_is_refused(home):
    with small.opened(home) as review:
        with pytest.raises(ConfigError, match="would leave a gap: shelf was last searched on 2026-01-02"):
            begun(review, Wish(since="2026-02-01"))
        with pytest.raises(ConfigError, match="not a date"):
            begun(review, Wish(since="soon"))
        with pytest.raises(ConfigError, match="negative"):
            begun(review, Wish(overlap_days=-1))
        assert review.store.passes() == ["1"]


def test_a_changed_protocol_without_a_reason_is_refused_before_the_pass_opens(home):
    home.yaml.write_text(yaml_with("keep: 5, audit: 1"))
    with Review.open(home, lambda: small.AT) as review:
        with pytest.raises(ConfigError, match="keep: 6 became 5"):
            begun(review)
        assert review.store.passes() == ["1"]


def test_a_kill_in_mid_update_ends_in_the_same_report(home, finished, tmp_path):
    publish(home, [*small.RECORDS, *NEW])
    with small.opened(home) as review:
        begun(review)
    with small.opened(home) as review:  # a fresh process finds the pass and nothing else
        with pytest.raises(small.Killed):
            small.go(review, small.dying_after(1))
        small.through(review)
    killed = {path.name: sha256_of(path.read_bytes()) for path in home.out.iterdir()}
    shutil.copytree(finished.folder, tmp_path / "other" / "snail")
    other = Home.of(tmp_path / "other" / "snail")
    with small.opened(other) as review:
        publish(other, [*small.RECORDS, *NEW])
        begun(review)
        small.through(review)
    assert {path.name: sha256_of(path.read_bytes()) for path in other.out.iterdir()} == killed


def test_a_step_run_twice_in_an_update_writes_nothing_new(home):
    publish(home, [*small.RECORDS, *NEW])
    with small.opened(home) as review:
        begun(review)
        small.through(review)
        before = [o.seq for o in review.store.outcome_log("2")], len(review.store.searches("2"))
        home.checkpoints.unlink()
        assert small.go(review).kind == "finished"
        assert ([o.seq for o in review.store.outcome_log("2")], len(review.store.searches("2"))) == before


def test_the_update_after_an_update_knows_both(home):
    publish(home, [*small.RECORDS, *NEW])
    (home.folder / "fulltexts" / "9.nxml").write_text(
        small.FULL_TEXT.format(pmid="9", title="Snail syrup trial three [YES]", n=10)
    )
    with small.opened(home) as review:
        begun(review)
        small.through(review)
        begun(review)
        small.through(review)
        assert check_versions(review.store, "3") == {"before": 3, "excluded": 0, "new": 0, "now": 3}
        assert standing(review, "retrieve")["shelf:9"] == "seen_before"


def test_another_engine_or_prompt_than_before_is_told_in_the_report(home):
    with small.opened(home) as review:
        noted = {"screen": ["older-engine", "screen-1"]}
        told = {"by": "Ada", "revision": 1, "attempt": 1, "engines": noted}
        review.store.log("1", Event("review", "run", told))
        begun(review)
        small.through(review)
    data = json.loads((home.out / "data.json").read_text())
    assert data["passes"][-1]["changes"] == [
        "screen: engine older-engine became scripted",
        "screen: prompt screen-1 became none",
    ]
    assert (
        "nothing that was tuned on the earlier ones holds any more" in (home.out / "report.html").read_text()
    )


def test_a_manual_search_that_nobody_has_repeated_is_not_counted_again(tmp_path):
    manual = (
        "  - {kind: manual, name: embase, platform: Embase.com, searched_on: 2026-01-01, strategy: snail,\n"
        "     hits: 1, files: [embase.ris]}\n"
    )
    home = small.write(tmp_path / "snail", yaml_with().replace("prefilter:", f"{manual}prefilter:"))
    (home.folder / "embase.ris").write_text("TY  - JOUR\nTI  - Snails in Embase [NO]\nAB  - Cough.\nER  - \n")
    with small.opened(home) as review:
        small.through(review)
        begun(review)
        small.through(review)
        first, second = ([s.source for s in review.store.searches(each)] for each in "12")
    assert "embase" in first
    assert "embase" not in second


PUBMED = small.YAML.replace(
    "{kind: local, name: shelf, files: [records.jsonl]}", "{kind: pubmed, email: someone@institute.org}"
)
ON_PUBMED = [
    Record(
        record_id=f"pubmed:{pmid}",
        pmid=pmid,
        title=f"Snail syrup number {pmid} [YES]",
        abstract="People with cough got snail syrup.",
        year=2020,
        created="2020-05-06",
    )
    for pmid in ("1", "2")
]


def on_pubmed(review, records):
    """Through all gates over a service that holds these records; what was asked of it."""
    with serve(records) as server:
        folder = review.home.yaml.parent
        way_out = review.closing.enter_context(
            transport(review.config, review.exchanges, {"pubmed": server.address}, 20.0)
        )
        while True:
            uses = sources(review, review.config, folder, None, way_out, lambda *_: None)
            deps = small.same_but(small.deps_of(review), sources=uses)
            with checkpoints(review.home.checkpoints) as saver:
                if advance(deps, saver).kind == "finished":
                    return [search.result for search in review.store.searches(review.pass_id)]
            small.approve_open(review)


def test_pubmed_is_searched_by_create_date_and_the_included_are_looked_up_for_retractions(tmp_path):
    home = small.write(tmp_path / "snail", PUBMED)
    today = datetime.now(UTC).date()  # a service's answers carry the real day
    new = ON_PUBMED[0].model_copy(
        update={
            "record_id": "pubmed:3",
            "pmid": "3",
            "title": "Snail syrup number 3 [YES]",
            "abstract": "Other people with cough got snail syrup elsewhere.",
            "created": today.isoformat(),
        }
    )
    retracted = ON_PUBMED[0].model_copy(update={"retracted": True})
    with small.opened(home) as review:
        on_pubmed(review, ON_PUBMED)
        assert check_versions(review.store, "1")["now"] == 2
        begun(review)
        search, recheck, carried = on_pubmed(review, [retracted, ON_PUBMED[1], new])
        told = review.store.outcomes("2", "retrieve")["pubmed:1"].outcome.content
    assert f"{today - timedelta(days=30):%Y/%m/%d}:3000/12/31[crdt]" in search.query_sent
    assert search.count == 1  # the new one; the old ones were listed long ago
    assert recheck.parameters["looked_up"] == 2
    assert carried.count == 1
    assert "retracted" in told["changed"]
    counts = json.loads((home.out / "counts.json").read_text())["counts"]
    assert (counts["identified"], counts["versions"]["changed"]) == (2, 1)  # found, and taken up again
