"""Strategies made from what a review included: no stray term, run on the index, refused where they fail."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from finetune.build.corpus import Corpus
from finetune.build.kinds import Review, Shard
from finetune.build.make.search import SearchMaker, Settings, trial_records
from finetune.build.make.search_blocks import Index
from finetune.build.make.search_evidence import Evidence
from finetune.build.make.search_terms import ORIGINS, candidates, covers, elements_of, origin_of
from finetune.instructions import Instruction, Refusal, row_of
from model.baseline import BaselineEngine
from model.baseline.query_headings import Lookup
from model.embedding import NoEmbedder
from tests.finetune.build.make import marsh_world as world
from tools.schemas import Block, Record
from tools.search.building import blocks_query
from tools.search.query import parse
from tools.search.sources.local import LocalSource
from tools.search.vocabulary import Vocabulary


class Bench(NamedTuple):
    corpus: Corpus
    vocabulary: Vocabulary
    publications: Index
    trials: Index

    def maker(self, **settings: Any) -> SearchMaker:
        # Of 57 records the right ones are many: in a real index they are few.
        told = Settings.model_validate({"most_share": 0.5, "with_seeds": 0, "with_revision": 0, **settings})
        engine = BaselineEngine(self.vocabulary, NoEmbedder())
        return SearchMaker(engine, self.vocabulary, self.publications, self.trials, told)

    def review(self, **fields: Any) -> Review:
        (review,) = self.corpus.reviews()
        return review.model_copy(update=fields)

    def made(self, review: Review | None = None, **settings: Any) -> Instruction | Refusal:
        asked = review or self.review()
        included = self.corpus.records(asked.included)
        return self.maker(**settings).made(asked, included, "publications")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("marsh")
    vocabulary = world.vocabulary_at(folder)
    corpus = world.corpus_at(folder)
    records = list(corpus.all_records())
    entries = [record for _, record in trial_records(corpus)]
    publications = LocalSource("publications", records, folder / "p.sqlite", vocabulary)
    trials = LocalSource("trials", entries, folder / "t.sqlite", vocabulary, "register")
    yield Bench(corpus, vocabulary, Index(publications, len(records)), Index(trials, len(entries), "si"))
    publications.close()
    trials.close()


def taught(one: Instruction | Refusal) -> Instruction:
    assert isinstance(one, Instruction), one
    return one


def why(one: Instruction | Refusal) -> str:
    assert isinstance(one, Refusal), one
    return one.why


def terms_of(one: Instruction) -> dict[str, list[str]]:
    return {block["name"]: block["terms"] for block in one.answer["blocks"]}


def test_one_block_for_each_element_with_the_words_of_question_records_and_vocabulary(bench: Bench) -> None:
    made = taught(bench.made(cheap_share=0.5))
    found = terms_of(made)
    assert list(found) == list(made.asked["elements"]) == ["population", "intervention"]
    assert {'"Glimmer Fever"[mh]', '"glimmer fever*"[tiab]', '"shining fever*"[tiab]'} <= set(
        found["population"]
    )
    assert {'"Veluprine"[mh]', "veluprine[tiab]", '"Tomafril"[mh]', "tomafril[tiab]"} <= set(
        found["intervention"]
    )
    # what finds nothing here is not taught: a trade name, and a class that no record names
    assert not {"zelquora[tiab]", '"Glimmer Blockers"[mh]'} & set(found["intervention"])
    assert not any("cough" in term for terms in found.values() for term in terms)
    row_of(made, "ours")


def test_a_term_that_finds_nothing_more_must_cost_little(bench: Bench) -> None:
    assert '"shining fever*"[tiab]' in terms_of(taught(bench.made(cheap_share=0.5)))["population"]
    assert '"shining fever*"[tiab]' not in terms_of(taught(bench.made(cheap_share=0)))["population"]


def test_no_block_is_longer_than_allowed(bench: Bench) -> None:
    made = taught(bench.made(cheap_share=1, most_terms=3))
    assert max(map(len, terms_of(made).values())) == 3


def test_the_strategy_finds_what_was_included_and_says_so(bench: Bench) -> None:
    made = taught(bench.made())
    blocks = [Block(name=name, terms=tuple(terms)) for name, terms in terms_of(made).items()]
    found = bench.publications.found(blocks_query(blocks), world.RECORDS)
    assert set(world.INCLUDED) <= found
    assert "201" not in found  # veluprine, but for another disease
    assert made.about.evidence[0] == "finds 1.000 of 5 included records that the index holds"
    assert made.about.evidence[1] == f"retrieves {len(found)} of {len(world.RECORDS)} records"
    assert made.about.studies == tuple(f"pmid:{pmid}" for pmid in sorted(world.INCLUDED))
    assert made.about.reviews == ("marsh:marsh",)


def test_every_term_has_an_origin_and_a_stray_one_has_none(bench: Bench) -> None:
    made = taught(bench.made())
    lookup = Lookup(bench.vocabulary)
    evidence = Evidence(tuple(bench.corpus.records(world.INCLUDED).values()), bench.vocabulary)
    elements = {e.name: e for e in elements_of(made.asked["elements"], "PICO", lookup)}
    for name, terms in terms_of(made).items():
        for term in terms:
            assert origin_of(term, elements[name], evidence, lookup) in ORIGINS, term
    for stray in ("aspirin[tiab]", '"Reed Cough"[mh]', '"reed cough*"[tiab]', '"fever glimmer"[tiab]'):
        assert origin_of(stray, elements["population"], evidence, lookup) is None, stray
    assert origin_of('"shining fever*"[tiab]', elements["population"], evidence, lookup) == ORIGINS[1]
    assert origin_of("zelquora[tiab]", elements["intervention"], evidence, lookup) == ORIGINS[3]
    assert origin_of("veluprine[tiab]", elements["intervention"], evidence, lookup) == ORIGINS[0]


def test_indexing_of_a_record_lends_its_headings(bench: Bench) -> None:
    lookup = Lookup(bench.vocabulary)
    (element,) = elements_of({"intervention": ("glimmer blockers",)}, "PICO", lookup)
    record = Record(record_id="x", title="A drug of no name", mesh=("Tomafril", "Reed Cough"))
    evidence = Evidence((record,), bench.vocabulary)
    assert '"Tomafril"[mh]' in candidates(element, evidence, lookup)
    assert origin_of('"Tomafril"[mh]', element, evidence, lookup) == ORIGINS[2]
    assert origin_of('"Reed Cough"[mh]', element, evidence, lookup) is None


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ("fever*[tiab]", '"glimmer fevers"[tiab]', True),
        ("fever[tiab]", '"glimmer fevers"[tiab]', False),
        ('"glimmer fever"[tiab]', '"late glimmer fever*"[tiab]', False),
        ('"glimmer fever*"[tiab]', '"late glimmer fever*"[tiab]', True),
        ('"Fever"[mh]', '"glimmer fever"[tiab]', False),
        ("fever*[tiab]", "fever*[tiab]", False),
    ],
)
def test_a_term_is_covered_by_a_shorter_one_that_stands_in_it(wide: str, narrow: str, covered: bool) -> None:
    assert covers(wide, narrow) is covered


def test_a_block_that_would_lose_included_records_is_left_out(bench: Bench) -> None:
    elements = {"population": ("reed cough",), "intervention": ("veluprine", "glimmer blockers")}
    review = bench.review(elements=elements, included=("101", "103", "105", "201"))
    made = taught(bench.made(review))
    assert list(made.asked["elements"]) == ["intervention"]
    assert made.about.evidence[-1] == "no block for population: it would lose included records"


def test_seeds_are_shown_and_do_not_count(bench: Bench) -> None:
    made = taught(bench.made(with_seeds=1, seeds=2))
    seeds = {study["record_id"] for study in made.asked["known"]}
    assert len(seeds) == 2
    assert seeds < set(world.INCLUDED)
    assert made.about.evidence[0] == "finds 1.000 of 3 included records that the index holds"
    assert {f"pmid:{pmid}" for pmid in seeds} <= set(made.about.studies)
    assert taught(bench.made(with_seeds=0)).asked["known"] == []


def test_a_first_draft_is_revised_from_studies_that_it_misses(bench: Bench) -> None:
    maker = bench.maker(with_revision=1, seeds=2)
    made = [one for one in maker(bench.corpus, Shard()) if isinstance(one, Instruction)]
    (revision,) = (one for one in made if one.about.how == "search-revision")
    (draft,) = (one for one in made if one.about.how == "search-publications")
    assert revision.answer == draft.answer
    previous = {block["name"]: set(block["terms"]) for block in revision.asked["previous"]}
    assert previous["intervention"] == {'"Veluprine"[mh]', "veluprine[tiab]"}
    assert all(terms <= set(terms_of(revision)[name]) for name, terms in previous.items())
    shown = {one["study"]["record_id"]: one["lacks"] for one in revision.asked["missed"]}
    # Tomafril is no word of the question.
    assert shown == {"102": ["intervention"], "104": ["intervention"]}
    assert revision.about.evidence[0] == "finds 1.000 of 3 included records that the index holds"
    row_of(revision, "ours")


def test_a_draft_that_misses_nothing_is_not_revised(bench: Bench) -> None:
    review = bench.review(included=("101", "103", "105"))
    found = bench.maker().revised(review, bench.corpus.records(review.included))
    assert why(found) == "the question's own terms miss nothing"


def test_what_cannot_be_taught_is_refused_with_why(bench: Bench) -> None:
    assert why(bench.made(bench.review(included=()))) == "no included record known"
    assert why(bench.made(bench.review(included=("999",)))) == "no included record in the index"
    assert why(bench.made(bench.review(included=("101",)))) == "too few included records in the index"
    assert why(bench.made(bench.review(elements={}, title="Weather", question=""))) == "elements empty"
    assert why(bench.made(most_share=0.01)) == "too broad"
    stray = bench.review(elements={"population": ("unheard-of palsy",)})
    assert why(bench.made(stray)) == "no term finds an included record"
    half = bench.review(elements={"intervention": ("tomafril",)}, included=("101", "102", "103"))
    assert why(bench.made(half)) == "recall too low"
    assert isinstance(bench.made(half, least_recall=0.3), Instruction)
    assert why(bench.made(bench.review(framework="ODD"))) == "unknown framework"


def test_elements_that_the_review_does_not_give_are_read_by_the_engine(bench: Bench) -> None:
    made = taught(bench.made(bench.review(elements={})))
    assert made.asked["elements"]["population"] == ["adults with glimmer fever"]


def test_linked_registry_entries_are_a_target_of_their_own(bench: Bench) -> None:
    made = [one for one in bench.maker(fewest=2)(bench.corpus, Shard()) if isinstance(one, Instruction)]
    publications, trials = made
    assert (publications.asked["target"], trials.asked["target"]) == ("publications", "trials")
    assert trials.about.studies == ("nct:NCT90000001", "nct:NCT90000002")
    assert trials.about.evidence[:2] == (
        "finds 1.000 of 2 included records that the index holds",
        "retrieves 2 of 12 records",
    )
    blocks = [Block(name=name, terms=tuple(terms)) for name, terms in terms_of(trials).items()]
    assert bench.trials.count(blocks_query(blocks)) == 2


def test_the_same_corpus_makes_the_same_and_shards_share_it_out(bench: Bench) -> None:
    whole = list(bench.maker()(bench.corpus, Shard()))
    assert whole == list(bench.maker()(bench.corpus, Shard()))
    parts = [one for n in range(3) for one in bench.maker()(bench.corpus, Shard(n, 3))]
    assert parts == whole


def test_terms_cost_what_the_index_says(bench: Bench) -> None:
    assert bench.publications.count(parse("veluprine[tiab]")) == 3
    assert bench.publications.found(parse("veluprine[tiab]"), ["101", "102"]) == {"101"}
    assert bench.publications.held(["101", "999"]) == {"101"}
    assert bench.publications.found(parse("veluprine[tiab]"), []) == frozenset()
