"""Strategies by rules: each term is one that PubMed reads, none says nothing, and studies are found by them."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.baseline.newer import names_for
from model.baseline.query import LEARNS, MAX_BLOCKS, MAX_TERMS, MAX_WIDENED, SAMPLES, blocks_of
from model.engine import EngineRefused
from model.tasks.query import TASK, KnownStudy, Missed, QueryInput
from tools.labelled import read_review
from tools.search.query import Term, lint, parse
from tools.search.sources.base import DateRange
from tools.search.sources.local import LocalSource
from tools.search.vocabulary import install


def answered(vocabulary, title="", sample=0, known=(), **elements):
    asked = QueryInput(title=title, framework="PICO", elements=elements, known=known)
    answer = blocks_of(asked, vocabulary, sample)
    TASK.check(answer, asked)
    return answer


def strategy(vocabulary=None, title="", sample=0, known=(), **elements):
    answer = answered(vocabulary, title, sample, known, **elements)
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


# What is required -------------------------------------------------------------------------------


def test_what_all_who_are_studied_have_in_common_is_required_and_the_rest_is_left_to_screening(vocabulary):
    answer = answered(
        vocabulary,
        population=(
            "Patients with dementia and atrial fibrillation",
            "Patients with dementia and lupus nephritis",
        ),
    )
    (block,) = answer.blocks
    assert '"Dementia"[mh]' in block.terms
    assert not any("fibrillation" in term or "lupus" in term for term in block.terms)
    assert answer.notes == (
        "population: atrial fibrillation, lupus nephritis is not required, as studies may not say so; "
        "left to screening",
    )


def test_two_conditions_without_people_are_alternatives(vocabulary):
    blocks = strategy(vocabulary, population=("dementia and atrial fibrillation",))
    assert list(blocks) == ["population"]
    assert {'"Dementia"[mh]', '"Atrial Fibrillation"[mh]'} <= set(blocks["population"])


def test_people_alone_are_left_out_with_a_word_about_it(vocabulary):
    answer = answered(vocabulary, population=("older adults",), intervention=("aspirin",))
    assert [block.name for block in answer.blocks] == ["intervention"]
    assert "older adults" in answer.notes[0]
    assert "left to screening" in answer.notes[0]


def test_what_is_done_with_an_intervention_is_not_searched(vocabulary):
    terms = strategy(vocabulary, intervention=("Discontinuation of aspirin",))["intervention"]
    assert '"Aspirin"[mh]' in terms
    assert not any("discontin" in term for term in terms)


def test_a_title_alone_gives_its_concepts_without_designs(vocabulary):
    title = "Effects of aspirin in dementia: a systematic review and meta-analysis of randomised controlled trials"
    blocks = strategy(vocabulary, title=title)
    assert list(blocks) == ["topic", "topic 2"]
    assert '"Aspirin"[mh]' in blocks["topic"]
    assert '"Dementia"[mh]' in blocks["topic 2"]
    said = " ".join(term for terms in blocks.values() for term in terms)
    assert not any(word in said for word in ("review", "trial", "effect", "meta"))


def test_a_title_completes_a_question_of_which_only_the_people_are_told(vocabulary):
    blocks = strategy(vocabulary, title="Aspirin for patients with dementia", population=("dementia",))
    assert '"Aspirin"[mh]' in blocks["topic"]
    given = strategy(vocabulary, title="Aspirin for patients with dementia", intervention=("kidney biopsy",))
    assert list(given) == ["intervention"]


def test_a_misspelt_drug_is_the_drug_that_was_meant(vocabulary):
    terms = strategy(vocabulary, intervention=("trombolinn",))["intervention"]
    assert '"Aspirin"[mh]' in terms
    assert "trombolinn*[tiab]" in terms


# Samples ----------------------------------------------------------------------------------------


def test_ten_samples_are_ten_wordings_of_the_same_blocks(vocabulary):
    asked = {"population": ("chronic kidney disease",), "intervention": ("kidney biopsy",)}
    made = [strategy(vocabulary, sample=n, **asked) for n in range(SAMPLES)]
    assert {tuple(blocks) for blocks in made} == {("population", "intervention")}
    assert len({blocks["population"] for blocks in made}) >= 6
    assert all('"Renal Insufficiency, Chronic"[mh]' in blocks["population"] for blocks in made)
    assert all(len(terms) <= MAX_WIDENED for blocks in made for terms in blocks.values())
    assert (
        strategy(vocabulary, sample=3, **asked)
        == made[3]
        == strategy(vocabulary, sample=3 + SAMPLES, **asked)
    )


def test_some_sample_looks_for_initials_and_another_for_words_far_apart(vocabulary):
    made = [
        strategy(vocabulary, sample=n, population=("lupus kidney flare",))["population"]
        for n in range(SAMPLES)
    ]
    assert "LKF[tiab]" in made[6]
    assert '"lupus kidney flare"[tiab:~6]' in made[4]
    assert "LKF[tiab]" not in made[0]


def test_a_class_of_drugs_brings_its_members_and_a_member_not_its_class():
    assert "empagliflozin" in names_for("SGLT2 inhibitor")
    assert names_for("empagliflozin") == ()
    terms = strategy(intervention=("SGLT2 inhibitors",))["intervention"]
    assert "empagliflozin*[tiab]" in terms


def test_words_of_known_studies_are_taken_by_one_sample_only(vocabulary):
    known = (KnownStudy(record_id="1", title="Renal tissue sampling in lupus", mesh=("Lupus Nephritis",)),)
    asked = {"population": ("chronic kidney disease",)}
    learnt = strategy(vocabulary, sample=LEARNS, known=known, **asked)["population"]
    assert {'"renal tissue samplin*"[tiab]', '"Lupus Nephritis"[mh]'} & set(learnt)
    assert strategy(vocabulary, known=known, **asked) == strategy(vocabulary, **asked)


# Revising ---------------------------------------------------------------------------------------


def revised(vocabulary, study, lacks=("population",)):
    previous = blocks_of(
        QueryInput(
            title="",
            framework="PICO",
            elements={"population": ("chronic kidney disease",), "intervention": ("aspirin",)},
        ),
        vocabulary,
    ).blocks
    asked = QueryInput(
        title="",
        framework="PICO",
        elements={"population": ("chronic kidney disease",)},
        previous=previous,
        missed=(Missed(study=study, lacks=lacks),),
    )
    answer = blocks_of(asked, vocabulary)
    TASK.check(answer, asked)
    return previous, answer


def test_a_missed_study_lends_what_is_about_the_block_it_lacks(vocabulary):
    study = KnownStudy(record_id="7", title="Renal impairment and aspirin", mesh=("Lupus Nephritis",))
    previous, answer = revised(vocabulary, study)
    before, after = set(previous[0].terms), set(answer.blocks[0].terms)
    assert before < after
    assert '"renal impairment*"[tiab]' in after - before
    assert not any("aspirin" in term for term in after - before)
    assert answer.blocks[1] == previous[1]


def test_what_fits_no_block_is_not_forced_into_one(vocabulary):
    previous, answer = revised(vocabulary, KnownStudy(record_id="7", title="Warm socks for hikers"))
    assert answer.blocks == previous
    assert "no word of its title or indexing is about 'population'" in answer.notes[0]


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
