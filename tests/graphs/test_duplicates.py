"""People's words about duplicates, and what follows downstream: every record stays accounted for."""

import pytest

from agent import duplicates
from agent.commands import open_gate, status
from graphs.accounts import check_all
from tests.graphs import small
from tools.errors import ConfigError, NotAllowed
from tools.records.decisions import DuplicateDecision

FIRST, AGAIN = "shelf:1", "shelf:again"


@pytest.fixture
def home(tmp_path):
    return small.write(tmp_path / "snail")


@pytest.fixture
def wide(tmp_path):
    """The same review without a cut, so that whatever is retrieved is screened."""
    return small.write(tmp_path / "wide", small.YAML.replace("keep: 6", "keep: 20"))


def say(review, kind, *ids):
    word = DuplicateDecision(kind=kind, record_ids=ids, by="Ada", why="read both")
    review.store.add_duplicate_decision(review.pass_id, word)


def ids_of(review):
    """The first record and the one that came again, whatever the reader of the file called the latter."""
    outcomes = review.store.outcomes(review.pass_id, "retrieve")
    (copy,) = [i for i, stored in outcomes.items() if stored.outcome.kind == "duplicate"]
    return str(outcomes[copy].outcome.content["duplicate_of"]), copy


def kinds(review, step, *ids):
    outcomes = review.store.outcomes(review.pass_id, step)
    return [outcomes[i].outcome.kind if i in outcomes else None for i in ids]


def test_a_duplicate_that_is_none_is_screened_and_everything_still_adds_up(wide):
    with small.opened(wide) as review:
        small.through(review)
        first, copy = ids_of(review)
        before = check_all(review.store, review.pass_id)
        say(review, "different", first, copy)
        assert small.go(review).step == "screen"
        assert kinds(review, "retrieve", first, copy) == ["passed", "passed"]
        listed = {line["record_id"] for line in open_gate(review, "screen").content["dispositions"]}
        assert {first, copy} <= listed
        assert small.through(review).kind == "finished"
        after = check_all(review.store, review.pass_id)
    assert before["retrieve"] == {"entered": 9, "passed": 8, "duplicate": 1}
    assert after["retrieve"] == {"entered": 9, "passed": 9}
    assert after["prefilter"]["entered"] == 9


def test_the_word_can_be_taken_back_and_the_record_leaves_all_later_steps(wide):
    with small.opened(wide) as review:
        small.through(review)
        first, copy = ids_of(review)
        say(review, "different", first, copy)
        small.through(review)
        assert kinds(review, "screen", copy) != [None]
        say(review, "same", first, copy)
        assert small.through(review).kind == "finished"
        assert kinds(review, "retrieve", first, copy) == ["passed", "duplicate"]
        assert kinds(review, "screen", copy) == ["superseded"]
        check_all(review.store, review.pass_id)
        outcome = review.store.outcomes(review.pass_id, "retrieve")[copy].outcome
        assert outcome.reason.startswith("person:Ada: read both")
        assert outcome.attempt == 3


def test_two_records_that_a_person_joins_are_one_from_then_on(home):
    with small.opened(home) as review:
        small.through(review)
        say(review, "same", "shelf:1", "shelf:2")
        assert small.through(review).kind == "finished"
        assert kinds(review, "retrieve", "shelf:1", "shelf:2") == ["passed", "duplicate"]
        later = ("prefilter", "screen", "fulltext", "extract", "approve")
        assert [kinds(review, step, "shelf:2") for step in later] == [["superseded"]] * 5
        counts = check_all(review.store, review.pass_id)
    assert counts["retrieve"] == {"entered": 9, "passed": 7, "duplicate": 2}
    assert counts["extract"]["entered"] == 1


def test_a_second_walk_compares_nothing_and_writes_nothing(home, monkeypatch):
    from graphs.steps import retrieve

    with small.opened(home) as review:
        small.through(review)
        before = [o.seq for o in review.store.outcome_log(review.pass_id)]
        shown = review.store.artefact(review.pass_id, "retrieve")
        monkeypatch.setattr(retrieve, "sort_out", lambda *_: pytest.fail("compared again"))
        home.checkpoints.unlink()
        assert small.go(review).kind == "finished"
        assert [o.seq for o in review.store.outcome_log(review.pass_id)] == before
        assert review.store.artefact(review.pass_id, "retrieve") == shown


TWINS = (
    *small.RECORDS,
    {
        "pmid": "21",
        "id": "x",
        "title": "Snail syrup for twins in invented towns [NO]",
        "abstract": "Twins cough.",
    },
    {"id": "y", "title": "Snail syrup for twins in invented towns [NO]"},
)
"""Invented: two more, with one title and nothing else to compare."""


@pytest.fixture
def twins(tmp_path):
    home = small.write(tmp_path / "twins", records=TWINS)
    with small.opened(home) as review:
        small.go(review)
        small.approve_open(review)
        small.go(review)
    return home


def test_what_is_asked_is_shown_side_by_side_and_stored_with_the_record(twins):
    told = duplicates.listed(twins.yaml).text
    assert "Pairs that may be one citation: 1." in told
    row = next(line for line in told.splitlines() if "shelf:21" in line)
    left, _, right = row.partition(" | ")
    assert left.strip() == "shelf:21"
    assert right.startswith("shelf:")
    with small.opened(twins) as review:
        outcomes = review.store.outcomes(review.pass_id, "retrieve").values()
        asked = [o.outcome for o in outcomes if "possible_duplicates" in o.outcome.content]
    assert len(asked) == 1
    assert "shelf:21" in asked[0].content["possible_duplicates"][0]


def test_a_decision_is_stored_with_its_person_and_leaves_the_list(twins):
    other = next(
        part.split()[0]
        for line in duplicates.listed(twins.yaml).text.splitlines()
        if "shelf:21" in line and (part := line.partition(" | ")[2])
    )
    done = duplicates.decide(twins.yaml, ["shelf:21", other], kind="same", by="Bea", why="same town")
    assert "one citation" in done.text
    told = duplicates.listed(twins.yaml).text
    assert "Pairs that may be one citation: 0; decided since: 1." in told
    assert "Bea" in told
    with small.opened(twins) as review:
        small.go(review)
        assert kinds(review, "retrieve", "shelf:21", other) == ["passed", "duplicate"]
    assert (
        f"person:Bea: same town\n   {'shelf:21'.ljust(58)} | {other}"
        in duplicates.listed(twins.yaml, joined=True).text
    )


def test_a_decision_about_one_record_or_an_unknown_one_is_refused(twins):
    with pytest.raises(ConfigError, match="at least two records"):
        duplicates.decide(twins.yaml, ["shelf:1", "shelf:1"], kind="same", by="Bea", why="x")
    with pytest.raises(ConfigError, match="no such record: shelf:999"):
        duplicates.decide(twins.yaml, ["shelf:1", "shelf:999"], kind="same", by="Bea", why="x")


def test_before_the_first_search_there_is_nothing_to_show(home):
    with small.opened(home) as review:
        small.go(review)
    with pytest.raises(NotAllowed, match="nothing was retrieved yet"):
        duplicates.listed(home.yaml)


def test_a_grouping_survives_when_one_of_its_reports_becomes_a_duplicate(home):
    from graphs.steps.approve import studies_of
    from tools.records.linking import HandLink

    with small.opened(home) as review:
        small.through(review)
        first, copy = ids_of(review)
        link = HandLink(kind="join", report_ids=(copy, "shelf:2"), by="Ada", why="same site")
        review.store.add_study_link(review.pass_id, link)
        assert small.go(review).kind == "finished"
        joined = [s.report_ids for s in studies_of(small.deps_of(review)) if len(s.report_ids) > 1]
    assert joined == [(first, "shelf:2")]


def test_a_replay_takes_the_words_as_they_were_said(tmp_path):
    """By the commands themselves, with rules in the place of an engine."""
    from agent import commands
    from agent.replay import replay

    yaml = small.YAML.replace("keep: 6", "keep: 20")
    home = small.write(tmp_path / "plain", yaml + "search: {strategy: 'snail[tiab]'}\n")
    how = commands.Running(clock=lambda: small.AT)

    def to_the_end():
        done = commands.run(home.yaml, {}, how)
        while done.status == commands.WAITING:
            commands.approve(home.yaml, step=None, by="Ada", clock=how.clock)
            done = commands.run(home.yaml, {}, how)

    to_the_end()
    with small.opened(home) as review:
        first, copy = ids_of(review)
    for kind in ("different", "same"):
        duplicates.decide(home.yaml, [first, copy], kind=kind, by="Ada", why="read both", clock=how.clock)
        to_the_end()
    assert "byte-identical" in replay(home.yaml, compare=True, into=tmp_path / "again").text
    with small.opened(home) as review:
        check_all(review.store, review.pass_id)
        assert kinds(review, "retrieve", first, copy) == ["passed", "duplicate"]


def test_the_screening_gate_says_how_many_pairs_only_a_person_can_settle(tmp_path):
    title = "A comparison of snail syrup and honey water for cough at night [YES]"
    twins = [{"pmid": "21", "title": title}, {"id": "twin", "title": title, "abstract": "Snail syrup again."}]
    home = small.write(tmp_path / "twins", records=[*small.RECORDS, *twins])
    with small.opened(home) as review:
        assert small.go(review).step == "query"
        small.approve_open(review)
        assert small.go(review).step == "screen"
    told = status(home.yaml).text
    assert "1 pair of records looks alike and is not joined; decide with: python -m agent duplicates" in told
