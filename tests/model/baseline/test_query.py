"""Strategies by rules: each term is one that PubMed reads, none says nothing, and studies are found by them."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.reviews import read_review
from model.baseline.query import MAX_BLOCKS, MAX_TERMS, blocks_of
from model.engine import EngineRefused
from model.tasks.query import TASK, QueryInput
from tools.search.query import Term, lint, parse
from tools.search.sources.base import DateRange
from tools.search.sources.local import LocalSource
from tools.search.vocabulary import install


def strategy(vocabulary=None, **elements):
    asked = QueryInput(title="", framework="PICO", elements=elements)
    answer = blocks_of(asked, vocabulary)
    TASK.check(answer, asked)
    return {block.name: block.terms for block in answer.blocks}


def test_a_known_phrase_brings_heading_synonyms_narrower_headings_and_itself(vocabulary):
    terms = strategy(vocabulary, population=("kidney disease",))["population"]
    assert '"Kidney Diseases"[mh]' in terms
    assert '"kidney disease*"[tiab]' in terms
    assert '"renal disease*"[tiab]' in terms
    assert '"lupus nephrit*"[tiab]' in terms
    assert '"kidney disease"[tiab:~3]' in terms


def test_people_and_hedges_are_no_search_terms(vocabulary):
    terms = strategy(vocabulary, population=("Adults and/or children with suspected or diagnosed CKD",))[
        "population"
    ]
    assert "CKD[tiab]" in terms
    assert '"Renal Insufficiency, Chronic"[mh]' in terms
    assert not any(word in term for term in terms for word in ("adult", "child", "suspect", "diagnos"))


def test_without_its_qualifier_a_phrase_is_searched_too(vocabulary):
    terms = strategy(vocabulary, population=("chronic kidney disease",))["population"]
    assert {'"chronic kidney disease*"[tiab]', '"kidney disease*"[tiab]', '"Kidney Diseases"[mh]'} <= set(
        terms
    )


def test_what_no_heading_names_is_searched_by_the_heading_of_its_last_word(vocabulary):
    terms = strategy(vocabulary, intervention=("Native kidney biopsy",))["intervention"]
    assert {'"Biopsy"[mh]', "biops*[ti]", '"kidney biops*"[tiab]', '"renal biops*"[tiab]'} <= set(terms)


def test_known_concepts_that_must_both_occur_are_blocks_of_their_own(vocabulary):
    blocks = strategy(vocabulary, population=("Patients with dementia and atrial fibrillation",))
    assert list(blocks) == ["population", "population 2"]
    assert '"Dementia"[mh]' in blocks["population"]
    assert '"Atrial Fibrillation"[mh]' in blocks["population 2"]


def test_several_phrases_are_alternatives_in_one_block(vocabulary):
    blocks = strategy(vocabulary, population=("dementia", "atrial fibrillation"))
    assert list(blocks) == ["population"]
    assert {'"Dementia"[mh]', '"Atrial Fibrillation"[mh]'} <= set(blocks["population"])


def test_what_is_only_feared_or_excluded_is_not_required(vocabulary):
    for tail in (
        "at risk for atrial fibrillation",
        "without dementia",
        "and no previous atrial fibrillation",
    ):
        blocks = strategy(vocabulary, population=(f"Adults with peptic ulcer {tail}",))
        assert list(blocks) == ["population"]
        assert not any("Fibrillation" in term or "Dementia" in term for term in blocks["population"])


def test_names_of_substances_are_not_truncated(vocabulary):
    terms = strategy(vocabulary, intervention=("aspirin",))["intervention"]
    assert "trombolin[tiab]" in terms


def test_without_a_vocabulary_the_phrases_own_words_are_searched():
    terms = strategy(population=("haemorrhage of the liver",))["population"]
    assert "hepatic hemorrhage" in " ".join(terms)
    assert not any("[mh]" in term for term in terms)


def test_both_spellings_are_searched():
    terms = " ".join(strategy(population=("pediatric leukemia",))["population"])
    assert '"pediatric leukemia*"' in terms
    assert '"paediatric leukaemia*"' in terms


def test_a_term_that_another_covers_is_left_out(vocabulary):
    terms = strategy(vocabulary, population=("dementia", "senile dementia"))["population"]
    assert "dementia*[tiab]" in terms
    assert '"senile dementia*"[tiab]' not in terms


@pytest.mark.parametrize("phrase", ["adults", "the", "patients of any age", "usual care?", "", "1"])
def test_words_that_say_nothing_make_no_strategy(phrase):
    with pytest.raises(EngineRefused, match=r"question\.elements"):
        strategy(population=(phrase,))


def test_an_element_of_people_alone_adds_no_block(vocabulary):
    assert list(strategy(vocabulary, population=("adults",), intervention=("aspirin",))) == ["intervention"]


@settings(max_examples=150)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=4))
def test_whatever_is_asked_each_term_is_one_term(phrases):
    try:
        blocks = strategy(population=tuple(phrases))
    except EngineRefused:
        return
    assert len(blocks) <= MAX_BLOCKS
    for terms in blocks.values():
        assert 1 <= len(terms) <= MAX_TERMS
        assert len(set(terms)) == len(terms)
        assert all(isinstance(parse(term), Term) for term in terms)


@pytest.fixture(scope="module")
def mesh(shared_data, tmp_path_factory):
    with install(tmp_path_factory.mktemp("mesh") / "mesh.sqlite", shared_data / "mesh") as installed:
        yield installed


@pytest.mark.shared
def test_the_included_studies_of_a_real_review_are_found(mesh, shared_data, tmp_path):
    """KDIGO 2024, kidney biopsy: of 1,159 records that the guideline's own search brought, 11 were included."""
    blocks = strategy(
        mesh,
        population=("Adults and/or children with suspected or diagnosed CKD",),
        intervention=("Native kidney biopsy",),
    )
    text = " AND ".join(f"({' OR '.join(terms)})" for terms in blocks.values())
    review = read_review(Path(shared_data) / "reviews" / "kdigo_a1")
    source = LocalSource("kdigo", [r.record for r in review.records], tmp_path / "index.sqlite", mesh)
    found = source.search(parse(text), search_id="1", dates=DateRange(), limit=10_000)
    source.close()
    retrieved = {record.record_id for record in found.records}
    included = {r.record.record_id for r in review.records if r.final}
    assert len(included) == 11
    assert len(included & retrieved) >= 10
    assert len(retrieved) < 1_000


@pytest.mark.shared
def test_no_searcher_would_question_the_terms_of_real_questions(mesh, shared_data):
    """Headings exist, stems are long enough, phrases hold no stop word at their ends."""
    for name in ("kdigo_a1", "kdigo_b4", "kdigo_b5", "ean_4_sample"):
        question = json.loads((shared_data / "reviews" / name / "review.json").read_text())["pico"][0]
        blocks = strategy(mesh, population=(question["P"],), intervention=(question["I"],))
        text = " AND ".join(f"({' OR '.join(terms)})" for terms in blocks.values())
        assert [note for note in lint(text, mesh) if "heading" in note or "stop" in note.lower()] == []
