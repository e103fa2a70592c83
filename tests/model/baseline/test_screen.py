"""Screening by rules: YES and NO need evidence, silence is UNCERTAIN. All texts and criteria are invented."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.baseline.screen import RATIONALE, Screener
from model.tasks.screen import TASK, ScreenInput
from tools.fulltext.quotes import locate
from tools.schemas import Criterion

WOOL = Criterion(
    id="wool", kind="include", element="intervention", text="Wool socks were worn.", terms=("wool socks",)
)
ADULTS = Criterion(
    id="adults", kind="include", element="population", text="Adults with chronic kidney disease"
)
TRIALS = Criterion(id="trials", kind="include", element="design", text="Randomised controlled trials")
NO_REPORTS = Criterion(
    id="reports",
    kind="exclude",
    element="design",
    text="Case reports or reviews",
    terms=("case report", "narrative review"),
)
NO_GLOVES = Criterion(
    id="gloves", kind="exclude", element="intervention", text="Gloves only.", terms=("gloves",)
)

TRIAL = (
    "Wool socks in adults with chronic kidney disease: a randomised trial.\n"
    "Sixty adults were randomly assigned to wool socks or none. Feet were warmer with wool."
)


def no_vectors(texts):
    return np.zeros((len(texts), 4), np.float32)


def judge(criteria, text, vocabulary=None, encode=no_vectors, **more):
    asked = ScreenInput(record_id="r", criteria=tuple(criteria), text=text, title=text.split("\n")[0], **more)
    answer = Screener(vocabulary).judge(asked, encode)
    TASK.check(answer, asked)
    return {v.criterion_id: v for v in answer.verdicts}


def label(criterion, text, *others, vocabulary=None, **more):
    return judge((criterion, *others), text, vocabulary, **more)[criterion.id].label


def test_a_fitting_trial_meets_everything(vocabulary):
    found = judge((WOOL, ADULTS, TRIALS, NO_REPORTS, NO_GLOVES), TRIAL, vocabulary)
    assert [found[i].label for i in ("wool", "adults", "trials")] == ["YES", "YES", "YES"]
    assert found["reports"].label in ("NO", "UNCERTAIN")
    assert found["gloves"].label == "UNCERTAIN"


def test_every_label_but_uncertain_has_a_quote_that_is_found():
    for verdict in judge((WOOL, ADULTS, TRIALS, NO_REPORTS, NO_GLOVES), TRIAL).values():
        if verdict.label == "UNCERTAIN":
            assert verdict.quote == ""
        else:
            assert locate(verdict.quote, TRIAL) is not None


def test_every_rationale_says_that_no_language_model_wrote_it():
    assert all(v.rationale.startswith(RATIONALE) for v in judge((WOOL, ADULTS), TRIAL).values())
    assert "no language model" in RATIONALE


@pytest.mark.parametrize("text", ["Knots in sailing.\nA rope is tied.", "Knots.", "", "12"])
def test_absence_of_evidence_is_uncertain_and_never_no(text):
    found = judge((WOOL, ADULTS, TRIALS, NO_REPORTS, NO_GLOVES), text)
    assert {v.label for v in found.values()} == {"UNCERTAIN"}


def test_the_vocabularys_synonyms_and_narrower_headings_count(vocabulary):
    text = "Socks in chronic renal insufficiency.\nSixty wore wool."
    assert label(ADULTS, text, vocabulary=vocabulary) == "YES"
    kidney = Criterion(id="k", kind="include", text="Kidney diseases")
    narrower = "Socks in lupus nephritis.\nSixty wore wool."
    assert label(kidney, narrower, vocabulary=vocabulary) == "YES"
    assert label(kidney, narrower) == "UNCERTAIN"


def test_abbreviations_are_read_as_what_they_stand_for(vocabulary):
    ckd = Criterion(id="k", kind="include", text="People with CKD")
    assert label(ckd, "Socks in chronic kidney disease.\nWool.", vocabulary=vocabulary) == "YES"
    assert label(ckd, "Socks in CKD.\nWool.", vocabulary=vocabulary) == "YES"


def test_a_denied_mention_is_not_evidence():
    diabetes = Criterion(id="d", kind="include", text="Diabetes", terms=("diabetes",))
    assert label(diabetes, "Wool socks.\nSixty adults without diabetes took part.") == "UNCERTAIN"
    assert label(diabetes, "Wool socks.\nSixty adults with diabetes took part.") == "YES"


def test_part_of_a_criterion_is_partial():
    both = Criterion(id="b", kind="include", text="Patients with dementia and atrial fibrillation")
    assert label(both, "Socks in dementia.\nSixty wore wool.") == "PARTIAL"
    assert label(both, "Socks in dementia and atrial fibrillation.\nSixty wore wool.") == "YES"


@pytest.mark.parametrize(
    ("criterion", "text"),
    [
        (TRIALS, "Frostbite of one toe: a case report.\nWe report the case of a hiker."),
        (TRIALS, "Editorial: wool at last.\nSocks matter."),
        (TRIALS, "Cold feet at work: a cross-sectional survey.\nForty clerks answered."),
        (ADULTS, "Chronic kidney disease in rats.\nTwenty rats were fed wool."),
        (
            Criterion(id="a", kind="include", text="Adults with frostbite"),
            "Frostbite in schoolchildren.\nThey wore wool.",
        ),
    ],
)
def test_positive_evidence_of_the_contrary_is_no(criterion, text):
    found = judge((criterion,), text)[criterion.id]
    assert found.label == "NO"
    assert locate(found.quote, text) is not None


@pytest.mark.parametrize(
    ("criterion", "text"),
    [
        (TRIALS, "A cohort of hikers.\nThey had been randomised to wool or cotton."),
        (TRIALS, "Wool socks.\nForty clerks answered a survey."),
        (
            ADULTS,
            "Chronic kidney disease in rats and patients.\nTwenty rats and forty patients were studied.",
        ),
        (
            Criterion(id="a", kind="include", text="Adults with frostbite"),
            "Frostbite in children and adults.\nWool.",
        ),
        (
            Criterion(id="a", kind="include", text="Adults or children with frostbite"),
            "Frostbite in children.\nWool.",
        ),
        (Criterion(id="w", kind="include", text="Wool socks"), "Wool socks in rats.\nTwenty rats wore them."),
    ],
)
def test_mixed_or_unasked_evidence_is_never_no(criterion, text):
    assert label(criterion, text) != "NO"


def test_an_excluded_design_excludes_when_the_report_says_it_is_one():
    text = "Frostbite of one toe: a case report.\nWe report the case of a hiker."
    assert label(NO_REPORTS, text) == "YES"
    assert label(NO_REPORTS, "Wool socks.\nCase reports had raised hopes.") == "PARTIAL"


def test_an_excluded_design_does_not_exclude_what_is_surely_of_a_wanted_one():
    text = "Wool socks, with a case report.\nSixty adults were randomly assigned. We also report a case."
    assert label(NO_REPORTS, text) == "YES"
    assert label(NO_REPORTS, text, TRIALS) != "YES"


def test_another_design_in_its_place_is_a_no_with_its_quote():
    found = judge((NO_REPORTS,), TRIAL)["reports"]
    assert found.label == "NO"
    assert locate(found.quote, TRIAL) is not None


def test_an_excluded_topic_excludes_only_from_a_title_that_names_nothing_wanted():
    assert label(NO_GLOVES, "Gloves for cold hands.\nForty wore them.", WOOL) == "YES"
    assert label(NO_GLOVES, "Gloves or wool socks.\nForty wore either.", WOOL) == "PARTIAL"
    assert label(NO_GLOVES, "Cold hands.\nForty wore gloves.", WOOL) == "PARTIAL"


def test_a_term_excludes_word_for_word_and_not_by_what_is_left_without_its_small_words():
    reports = Criterion(
        id="r",
        kind="exclude",
        element="design",
        text="Single cases only.",
        terms=("we report a case", "case report"),
    )
    assert label(reports, "Wool socks for cold toes in 120 cases.\nToes were warm.") != "YES"
    assert label(reports, "A case of cold toes.\nWe report a case of cold toes.") == "YES"


def test_an_excluded_outcome_never_excludes_since_others_may_be_measured_too():
    costs = Criterion(id="c", kind="exclude", element="outcome", text="Costs", terms=("costs",))
    assert label(costs, "Costs of wool.\nThey are high.") == "PARTIAL"


def test_an_exclusion_put_as_a_denial_cannot_be_met_by_silence():
    no_wool = Criterion(id="n", kind="exclude", text="Not on wool socks.")
    assert label(no_wool, "Knots in sailing.\nA rope is tied.") == "UNCERTAIN"
    assert label(no_wool, TRIAL) == "NO"


def test_an_inclusion_put_as_a_denial_is_for_a_person():
    never = Criterion(id="n", kind="include", text="No previous frostbite")
    assert label(never, "Frostbite of the toe.\nWool helped.") == "UNCERTAIN"
    reviews = Criterion(id="r", kind="include", text="Review articles were not eligible.")
    assert label(reviews, "Wool socks.\nThis review tells what is known.") == "NO"
    assert label(reviews, TRIAL) == "UNCERTAIN"


def test_prose_settles_nothing_by_words():
    prose = Criterion(
        id="p", kind="include", text="We looked for wool socks, and we did not want case reports. " * 8
    )
    assert label(prose, TRIAL) != "YES"
    assert label(prose, "A case report of frostbite.\nWe report the case of a hiker.") != "NO"
    excluded = prose.model_copy(update={"kind": "exclude"})
    assert label(excluded, TRIAL) == "UNCERTAIN"


def test_publication_types_without_words_in_the_text_give_a_verdict_without_quote():
    """It will be flagged: the evidence is real, and a person cannot see it in the text."""
    found = judge((NO_REPORTS,), "Cold toes.\nThey healed.", publication_types=("Case Reports",))["reports"]
    assert (found.label, found.quote) == ("YES", "")


def test_likeness_is_partial_and_only_for_what_words_leave_open(likeness):
    def encode(texts):
        return likeness.encode(texts)

    topic = Criterion(id="t", kind="include", text="Warmth of extremities ~")
    text = "Cold toes ~.\nForty hikers took part."
    found = judge((topic, WOOL), text, encode=encode)
    assert (found["t"].label, found["t"].quote) == ("PARTIAL", "Cold toes ~.")
    assert found["wool"].label == "UNCERTAIN"
    likeness.calls.clear()
    assert label(WOOL, TRIAL, encode=encode) == "YES"
    assert likeness.calls == []


def test_an_unlike_record_costs_no_embedding_of_its_sentences(likeness):
    def encode(texts):
        return likeness.encode(texts)

    text = "Knots in sailing.\nA rope is tied. It holds."
    assert (
        label(Criterion(id="t", kind="include", text="Warmth of toes ~"), text, encode=encode) == "UNCERTAIN"
    )
    assert likeness.calls == [["Warmth of toes ~"], [text]]


@given(st.text(max_size=300), st.text(min_size=1, max_size=80), st.sampled_from(["include", "exclude"]))
def test_any_text_gets_an_answer_with_grounded_quotes(text, wording, kind):
    criterion = Criterion(id="c", kind=kind, text=wording)
    found = judge((criterion,), text)["c"]
    assert found.quote in text
    assert 0 <= found.confidence <= 1
