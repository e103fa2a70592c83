"""Building a strategy: over an invented corpus, with an engine that says what a test wants it to say."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from graphs.counting import Counter
from graphs.known import known_studies
from graphs.strategy import Plan, build, examine
from model.engine import EngineBusy, EngineUnavailable, Request
from model.scripted import ScriptedEngine
from model.tasks.query import QueryAnswer, QueryInput
from tools.errors import ConfigError, EngineError
from tools.schemas import Block, Record
from tools.search.notes import Heading
from tools.search.query import parse
from tools.search.sources.local import LocalSource

TITLES = {
    1: "Snail syrup for cough",
    2: "Slug extract for cough",
    3: "Snail syrup for whooping tussis",
    4: "Honey for cough",
    5: "Snail syrup in patients with warts",
    6: "Slug extract for barking",
    7: "A systematic review of snail syrup for cough",
}
RECORDS = [
    Record(record_id=f"shelf:{n}", pmid=str(n), title=title, year=2000 + n) for n, title in TITLES.items()
] + [Record(record_id=f"shelf:{n}", pmid=str(n), title="Something of patients") for n in range(100, 400)]
"""Invented."""

ASKED = QueryInput(
    title="t", framework="PICO", elements={"population": ("cough",), "intervention": ("snail",)}
)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[LocalSource]:
    source = LocalSource("shelf", RECORDS, tmp_path / "index.sqlite")
    yield source
    source.close()


@pytest.fixture
def counter(shelf: LocalSource) -> Counter:
    return Counter(shelf, live=True)


def answer(population: str, intervention: str) -> QueryAnswer:
    """A proposal; terms are separated by a comma."""
    return QueryAnswer(
        blocks=(
            Block(name="population", terms=tuple(population.split(", "))),
            Block(name="intervention", terms=tuple(intervention.split(", "))),
        )
    )


def engine(say: Callable[[Request[Any, Any]], Any]) -> ScriptedEngine:
    return ScriptedEngine(say)


def no_vocabulary(_names: Any) -> dict[str, Heading | None]:
    return {}


def built(
    say: Callable[[Request[Any, Any]], Any], counter: Counter, pmids: tuple[str, ...] = (), **plan: Any
) -> Any:
    return build(
        Plan(ASKED, **{"samples": 3} | plan),
        engine(say),
        counter,
        no_vocabulary,
        known_studies(pmids, counter),
    )


def test_ten_samples_are_asked_and_united(counter):
    words = ["cough", "tussis", "barking"]
    strategy = built(lambda r: answer(f"{words[r.sample]}[tiab]", "snail[tiab], slug[tiab]"), counter)
    assert strategy.blocks[0].terms == ("cough[tiab]", "tussis[tiab]", "barking[tiab]")
    assert strategy.text == (
        "((cough[tiab] OR tussis[tiab] OR barking[tiab]) AND (snail[tiab] OR slug[tiab]))"
    )
    assert strategy.attempts[-1].hits == 5


def test_the_united_strategy_does_not_depend_on_the_order_of_arrival(counter):
    words = ["cough", "tussis", "barking"]

    def say(r: Request[Any, Any]) -> QueryAnswer:
        return answer(f"{words[r.sample]}[tiab]", "snail[tiab]")

    one, three = (Counter(counter.source, live=True) for _ in range(2))
    assert built(say, one, in_flight=1) == built(say, three, in_flight=3)


def test_a_proposal_that_failed_is_told_and_the_others_count(counter):
    def say(r: Request[Any, Any]) -> QueryAnswer:
        if r.sample == 1:
            raise EngineBusy("too slow today")
        return answer("cough[tiab]", "snail[tiab]")

    strategy = built(say, counter)
    assert "proposal 2 of 3 failed: too slow today" in strategy.notes
    assert strategy.attempts[-1].hits == 2


def test_when_every_proposal_failed_there_is_no_strategy(counter):
    def say(r: Request[Any, Any]) -> QueryAnswer:
        raise EngineBusy("too slow today")

    with pytest.raises(EngineError, match="too slow today"):
        built(say, counter)


def test_a_term_without_hits_is_set_aside_in_a_live_database_and_kept_in_a_small_corpus(counter, shelf):
    def say(r: Request[Any, Any]) -> QueryAnswer:
        return answer("cough[tiab], coughology[tiab]", "snail[tiab]")

    strategy = built(say, counter)
    assert [(x.term, x.why, x.hits) for x in strategy.set_aside] == [
        ("coughology[tiab]", "no hits in shelf", 0)
    ]
    assert "coughology" not in strategy.text
    assert "coughology" in built(say, Counter(shelf)).text


def test_a_word_that_swamps_its_block_is_set_aside_unless_most_proposals_have_it(counter):
    def say(r: Request[Any, Any]) -> QueryAnswer:
        stray = ", patients[tiab]" if r.sample < often else ""
        return answer("tussis[tiab], whooping[tiab], warts[tiab]" + stray, "snail[tiab]")

    often = 1
    strategy = built(say, counter)
    assert [(x.term, x.why) for x in strategy.set_aside] == [
        ("patients[tiab]", "alone brings nearly all hits of its block")
    ]
    assert strategy.set_aside[0].hits == 301
    often = 2
    assert built(say, counter).set_aside == ()


def test_a_block_that_finds_nothing_stays_and_is_told(counter):
    strategy = built(lambda r: answer("dragons[tiab]", "snail[tiab]"), counter)
    assert strategy.blocks[0].terms == ("dragons[tiab]",)
    assert "block 'population': none of its terms finds anything in shelf" in strategy.notes
    assert strategy.attempts[-1].hits == 0


def test_a_heading_that_does_not_exist_is_searched_as_words(counter):
    def vocabulary(names: Any) -> dict[str, Heading | None]:
        return {
            n: Heading(name="Cough", entry_terms=("Tussis", "Cough, Dry")) if n == "Cough" else None
            for n in names
        }

    say = engine(lambda r: answer('"Cough"[mh], "Snail Disease"[mh]', "snail[tiab]"))
    say.language_model = True
    strategy = build(Plan(ASKED, samples=1), say, Counter(None), vocabulary)
    terms = strategy.blocks[0].terms
    assert '"Snail Disease"[mh]' not in terms
    assert '"Snail Disease"[tiab]' in terms
    assert '"tussis"[tiab]' in terms, "entry terms of what exists are added"
    assert not any("dry" in t for t in terms), "an inverted name is no phrase that authors write"
    assert strategy.set_aside[0].why == "no such MeSH heading; searched as words"


def test_an_engine_that_knows_no_term_at_all_is_told_with_the_remedy(counter):
    with pytest.raises(ConfigError, match="no usable search term was proposed.*Remedy"):
        built(lambda r: answer("a OR b", "c OR d"), counter)


class TestKnownStudies:
    """Studies that the strategy must find."""

    def test_what_is_missed_is_named_with_the_block_that_lacks_a_term(self, counter):
        strategy = built(lambda r: answer("cough[tiab]", "snail[tiab]"), counter, ("1", "2"), revisions=0)
        found = {x.pmid: (x.found, x.lacks) for x in strategy.known_studies}
        assert found == {"1": (True, ()), "2": (False, ("intervention",))}
        assert "the strategy misses 2 (building): it lacks a term of block intervention" in strategy.notes

    def test_the_engine_revises_until_they_are_found_and_every_attempt_is_kept(self, counter):
        def say(r: Request[Any, Any]) -> QueryAnswer:
            if not r.input.previous:
                return answer("cough[tiab]", "snail[tiab]")
            assert [m.study.record_id for m in r.input.missed]
            lacks = r.input.missed[0].lacks
            return (
                answer("tussis[tiab]", "x[tiab]")
                if "population" in lacks
                else answer("y[tiab]", "slug[tiab]")
            )

        strategy = built(say, counter, ("1", "2", "3"))
        assert all(x.found for x in strategy.known_studies)
        assert [x.missed for x in strategy.attempts] == [("2", "3"), ("3",), ()]
        assert strategy.attempts[1].added == ("slug[tiab]",)
        assert strategy.attempts[-1].text == strategy.text

    def test_the_number_of_revisions_is_bounded(self, counter):
        words = iter(["one", "two", "three", "four", "five"])

        def say(r: Request[Any, Any]) -> QueryAnswer:
            return answer(
                "cough[tiab]", f"snail[tiab], {next(words)}[ti]" if r.input.previous else "snail[tiab]"
            )

        corpus = Counter(counter.source)  # in which a word without hits stays
        strategy = built(say, corpus, ("2",), revisions=2)
        assert len(strategy.attempts) == 3
        assert strategy.known_studies[0].found is False

    def test_a_revision_that_changes_nothing_ends_the_attempts(self, counter):
        strategy = built(lambda r: answer("cough[tiab]", "snail[tiab]"), counter, ("2",))
        assert len(strategy.attempts) == 1

    def test_a_revision_takes_nothing_away_and_adds_no_block(self, counter):
        def say(r: Request[Any, Any]) -> QueryAnswer:
            if not r.input.previous:
                return answer("cough[tiab]", "snail[tiab]")
            return QueryAnswer(
                blocks=(
                    Block(name="new", terms=("slug[tiab]",)),
                    Block(name="Intervention", terms=("slug[tiab]",)),
                )
            )

        strategy = built(say, counter, ("2",))
        assert {b.name: b.terms for b in strategy.blocks} == {
            "population": ("cough[tiab]",),
            "intervention": ("snail[tiab]", "slug[tiab]"),
        }

    def test_a_revision_puts_no_term_of_one_block_into_another(self, counter):
        def say(r: Request[Any, Any]) -> QueryAnswer:
            if not r.input.previous:
                return answer("cough[tiab]", "snail[tiab]")
            return answer("cough[tiab]", "cough[tiab], slug[tiab]")

        strategy = built(say, counter, ("2",))
        assert strategy.blocks[1].terms == ("snail[tiab]", "slug[tiab]"), "else the AND would mean nothing"

    def test_a_server_that_is_gone_stops_the_step_and_a_refusal_is_a_note(self, counter):
        def say(error: type[EngineError]) -> Callable[[Request[Any, Any]], QueryAnswer]:
            def inner(r: Request[Any, Any]) -> QueryAnswer:
                if r.input.previous:
                    raise error("no more")
                return answer("cough[tiab]", "snail[tiab]")

            return inner

        assert "no revision: no more" in built(say(EngineBusy), counter, ("2",)).notes
        with pytest.raises(EngineUnavailable):
            built(say(EngineUnavailable), counter, ("2",))

    def test_half_of_them_build_and_half_validate_whatever_their_order(self, counter):
        known = known_studies(("1", "2", "3", "4", "5", "6"), counter)
        again = known_studies(("6", "5", "4", "3", "2", "1"), counter)
        assert len(known.building) == len(known.validation) == 3
        assert {s.record_id for s in known.building} == {s.record_id for s in again.building}

    def test_validation_studies_teach_the_engine_nothing(self, counter):
        seen: set[str] = set()

        def say(r: Request[Any, Any]) -> QueryAnswer:
            seen.update(s.record_id for s in r.input.known)
            seen.update(m.study.record_id for m in r.input.missed)
            return answer("nothing[tiab]", "at[tiab], all[tiab]")

        built(say, Counter(counter.source), ("1", "2", "3", "4", "5", "6"))
        known = known_studies(("1", "2", "3", "4", "5", "6"), counter)
        assert seen == {s.record_id for s in known.building}

    def test_a_study_that_the_source_does_not_hold_is_no_miss(self, counter):
        strategy = built(lambda r: answer("cough[tiab]", "snail[tiab]"), counter, ("1", "999999"))
        assert [(x.pmid, x.found) for x in strategy.known_studies] == [("1", True), ("999999", None)]
        assert "known study 999999 was not tested: shelf does not hold it" in strategy.notes

    def test_a_study_that_nobody_could_be_asked_about_is_neither_missed_nor_absent(self):
        strategy = built(lambda r: answer("cough[tiab]", "snail[tiab]"), Counter(None), ("1",))
        assert [(x.pmid, x.found, x.lacks) for x in strategy.known_studies] == [("1", None, ())]
        assert "known study 1 was not tested: no source could be asked about it" in strategy.notes

    def test_a_block_that_cannot_be_evaluated_is_not_said_to_lack_anything(self, counter):
        class Deaf(Counter):
            def among(self, query: Any, pmids: Any) -> Any:
                return None if query == parse("slug[tiab]") else super().among(query, pmids)

        deaf = Deaf(counter.source)
        strategy = built(lambda r: answer("cough[tiab]", "slug[tiab]"), deaf, ("3",), revisions=0)
        assert strategy.known_studies[0].found is False
        assert strategy.known_studies[0].lacks == ("population",)


def test_every_line_is_counted(counter):
    strategy = built(lambda r: answer("cough[tiab], tussis[tiab]", "snail[tiab]"), counter)
    assert [(x.text, x.hits, x.label) for x in strategy.lines] == [
        ("cough[tiab]", 4, ""),
        ("tussis[tiab]", 1, ""),
        ("#1 OR #2", 5, "population"),
        ("snail[tiab]", 4, "intervention"),
        ("#3 AND #4", 3, ""),
    ]
    assert strategy.counted_in == "shelf"


def test_filters_are_joined_and_counted_as_well(counter):
    strategy = built(lambda r: answer("cough[tiab]", "snail[tiab]"), counter, filters=("no_animals",))
    assert strategy.text.endswith("NOT (animals[mh] NOT humans[mh])")
    assert strategy.lines[-1].text.split()[1] == "NOT"


def test_earlier_reviews_are_shown(counter):
    strategy = built(lambda r: answer("cough[tiab]", "snail[tiab]"), counter)
    assert [(x.pmid, x.year) for x in strategy.earlier_reviews] == [("7", 2007)]


def test_without_a_source_nothing_is_counted_and_nothing_set_aside():
    strategy = built(lambda r: answer("cough[tiab], zzz[tiab]", "snail[tiab]"), Counter(None))
    assert strategy.counted_in == ""
    assert {x.hits for x in strategy.lines} == {None}
    assert strategy.set_aside == ()


def test_a_strategy_of_a_person_is_counted_and_never_changed(counter):
    text = "(cough[tiab] OR zzz[tiab]) AND snail[tiab]"
    strategy = examine(text, counter, known_studies(("1", "2"), counter))
    assert strategy.text == text
    assert strategy.set_aside == ()
    assert [x.hits for x in strategy.lines] == [4, 0, 4, 4, 2]
    assert [(x.pmid, x.found, x.lacks) for x in strategy.known_studies] == [
        ("1", True, ()),
        ("2", False, ("snail[tiab]",)),
    ]
