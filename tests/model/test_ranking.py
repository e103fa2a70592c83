"""Similarity by hand: vectors of two dimensions, a log that remembers, a replay that needs no model."""

import numpy as np
import pytest

from model import ranking
from model.ranking import SimilarityRanker
from tools.database import Database
from tools.errors import ReplayMiss
from tools.logs import ScoreLog

VECTORS = {
    "east": (1.0, 0.0),
    "north": (0.0, 1.0),
    "between": (0.6, 0.8),
    "west": (-1.0, 0.0),
}


class Compass:
    """Knows four texts."""

    name = "compass"
    dimensions = 2

    def __init__(self):
        self.encoded = []

    def encode(self, texts):
        self.encoded.append(list(texts))
        return np.array([VECTORS[text] for text in texts], dtype=np.float32)


@pytest.fixture
def log(tmp_path):
    database = Database.file(tmp_path / "review.sqlite")
    yield ScoreLog(database)
    database.close()


def test_a_score_is_the_mean_of_the_cosines_by_hand(log):
    ranker = SimilarityRanker("compass", Compass, log)
    scores = ranker.scores(["east", "north"], {"a": "east", "b": "between", "c": "west"})
    assert scores == {"a": 0.5, "b": 0.7, "c": -0.5}


def test_near_to_one_statement_and_far_from_the_other_stands_behind_fairly_near_to_both(log):
    scores = SimilarityRanker("compass", Compass, log).scores(
        ["east", "north"], {"a": "east", "b": "between"}
    )
    assert scores["b"] > scores["a"]


def test_a_score_is_computed_once_and_a_replay_needs_no_model(log):
    compass = Compass()
    first = SimilarityRanker("compass", lambda: compass, log).scores(["east"], {"a": "between", "b": "west"})
    asked = len(compass.encoded)
    assert (
        SimilarityRanker("compass", lambda: compass, log).scores(["east"], {"b": "west", "a": "between"})
        == first
    )
    assert len(compass.encoded) == asked
    assert SimilarityRanker("compass", None, log).scores(["east"], {"a": "between"}) == {"a": first["a"]}


@pytest.mark.parametrize(
    ("name", "question", "text"),
    [("other", ["east"], "west"), ("compass", ["north"], "west"), ("compass", ["east"], "north")],
)
def test_another_model_question_or_text_is_another_score(log, name, question, text):
    SimilarityRanker("compass", Compass, log).scores(["east"], {"a": "west"})
    with pytest.raises(ReplayMiss, match="no stored similarity for 1 records, such as a"):
        SimilarityRanker(name, None, log).scores(question, {"a": text})


def test_two_records_with_the_same_text_have_the_same_score(log):
    assert SimilarityRanker("compass", Compass, log).scores(["east"], {"a": "between", "b": "between"}) == {
        "a": 0.6,
        "b": 0.6,
    }


def test_a_kill_in_the_middle_loses_at_most_one_round(log, monkeypatch):
    monkeypatch.setattr(ranking, "CHUNK", 2)
    told = []

    class Dying(Compass):
        def encode(self, texts):
            if "west" in texts:
                raise KeyboardInterrupt
            return super().encode(texts)

    texts = {"a": "east", "b": "north", "c": "between", "d": "west"}
    with pytest.raises(KeyboardInterrupt):
        SimilarityRanker("compass", Dying, log, lambda done, total: told.append((done, total))).scores(
            ["east"], texts
        )
    assert told == [(2, 4)]
    compass = Compass()
    SimilarityRanker("compass", lambda: compass, log, lambda *n: told.append(n)).scores(["east"], texts)
    assert compass.encoded == [["east"], ["between"], ["west"]]
    assert told == [(2, 4), (2, 2)]


def test_fresh_and_stored_scores_are_the_same_number_to_the_last_digit(log):
    class Odd(Compass):
        def encode(self, texts):
            return np.array([(1 / 3, 2 / 3) for _ in texts], dtype=np.float32)

    fresh = SimilarityRanker("odd", Odd, log).scores(["q"], {"a": "t"})
    assert fresh == SimilarityRanker("odd", None, log).scores(["q"], {"a": "t"}) == {"a": 0.555556}


def test_nothing_to_score_loads_no_model(log):
    def load():
        raise AssertionError("loaded")

    assert SimilarityRanker("compass", load, log).scores(["east"], {}) == {}
