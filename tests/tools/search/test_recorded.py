"""A search of files is an exchange as any other: asked once per event, replayed without the files."""

import pytest

from tests.tools.test_transport import Log
from tools.errors import ReplayMiss, SourceRefused, SourceUnavailable
from tools.schemas import Record, SearchResult
from tools.search.query import parse
from tools.search.sources.base import DateRange, Source
from tools.search.sources.recorded import Recorded

AT = "2026-01-02T03:04:05Z"
ALWAYS = DateRange()
QUERY = parse("cough[tiab] AND snail[tiab]")


class Shelf:
    """Says what it is told to, and counts."""

    name = "shelf"
    kind = "file"

    def __init__(self, says=None):
        self.says, self.asked = says, 0

    def search(self, query, *, search_id, dates, limit):
        self.asked += 1
        if isinstance(self.says, Exception):
            raise self.says
        return SearchResult(
            source="shelf",
            query_sent="cough",
            count=2,
            missing=("shelf:9",),
            warnings=("one is missing",),
            parameters={"files": ["a.ris"], "limits": (1, 2)},
            records=(Record(record_id=f"shelf:{self.asked}", title="Cough — ünïcode \u2028"),),
        )


def recorded(source, log):
    return Recorded("shelf", "file", source, log, lambda: AT)


def search(source, query=QUERY, **more):
    return source.search(query, **({"search_id": "s1", "dates": ALWAYS, "limit": 10} | more))


def test_an_event_is_asked_once_and_every_time_the_same():
    shelf, log = Shelf(), Log()
    source: Source = recorded(shelf, log)
    first = search(source)
    assert shelf.asked == 1
    assert search(source) == first
    assert search(recorded(None, log)) == first, "without the files"
    assert shelf.asked == 1
    assert first.parameters["searched_at"] == first.parameters["finished_at"] == AT
    assert (first.count, first.missing, first.warnings) == (2, ("shelf:9",), ("one is missing",))


@pytest.mark.parametrize(
    "change",
    [
        {"search_id": "s2"},
        {"query": parse("snail[tiab] AND cough[tiab]")},
        {"dates": DateRange(start="2020-01-01")},
        {"limit": 11},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_new_event_or_another_question_is_asked_anew(change):
    shelf, log = Shelf(), Log()
    first = search(recorded(shelf, log))
    assert search(recorded(shelf, log), **change).records != first.records
    with pytest.raises(ReplayMiss):
        search(recorded(None, Log()), **change)


def test_a_replay_without_the_event_says_what_was_asked():
    with pytest.raises(ReplayMiss, match=r"shelf: the review holds no search s1 for .*cough\[tiab\]"):
        search(recorded(None, Log()))


@pytest.mark.parametrize(
    "error", [SourceUnavailable("shelf", "gone"), SourceRefused("shelf", "q", "too many", "narrow it")]
)
def test_a_failure_is_not_kept_as_a_result(error):
    log = Log()
    with pytest.raises(type(error)):
        search(recorded(Shelf(error), log))
    assert log.kept == {}
    assert len(search(recorded(Shelf(), log)).records) == 1


def test_two_sources_with_the_same_question_do_not_share_an_answer():
    log = Log()
    search(recorded(Shelf(), log))
    with pytest.raises(ReplayMiss):
        search(Recorded("other", "file", None, log, lambda: AT))


class Unwilling(Shelf):
    """Cannot count."""

    def probe(self, query, *, search_id, dates, pmids=0):
        self.asked += 1
        raise SourceRefused("shelf", "cough", "no such field", "name another")


def test_a_refusal_to_count_is_kept_and_said_again_in_a_replay():
    shelf, log = Unwilling(), Log()
    for source in (recorded(shelf, log), recorded(shelf, log), recorded(None, log)):
        with pytest.raises(SourceRefused, match="no such field") as e:
            source.probe(QUERY, search_id="s1", dates=ALWAYS)
        assert e.value.remedy == "name another"
    assert shelf.asked == 1
    with pytest.raises(ReplayMiss, match="no count s2"):
        recorded(None, log).probe(QUERY, search_id="s2", dates=ALWAYS)
