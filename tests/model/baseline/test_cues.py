"""Signs of the kind of study. Titles and abstracts are invented."""

import pytest

from model.baseline.cues import contradicts, kinds_named, signs
from model.baseline.reading import Reading


def sure(text, **indexing):
    return {name for name, sign in signs(Reading(text), **indexing).items() if sign.sure}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Wool against cotton: a randomised trial.\nAll feet were warm.", "trial"),
        ("Wool socks.\nSixty adults were randomly assigned to wool or cotton.", "trial"),
        ("Cold feet at work: a retrospective cohort.\nFiles were read.", "cohort"),
        ("Wool socks.\nWe retrospectively reviewed 40 files.", "cohort"),
        ("Frostbite of one toe: a case report.\nIt healed.", "case_report"),
        ("Frostbite of one toe.\nWe report the case of a hiker.", "case_report"),
        ("A toe.\nA 45-year-old man came with a cold toe.", "case_report"),
        ("Wool socks: a systematic review.\nTen trials were found.", "systematic_review"),
        ("Wool socks.\nThis review tells what is known about wool.", "review"),
        ("Wool, at last.\nEditorial", "none"),
        ("Editorial: wool at last.\nSocks matter.", "editorial"),
        ("Wool socks: study protocol.\nSixty will take part.", "protocol"),
        ("Wool in rats.\nTwenty rats were kept warm.", "animal"),
        ("Socks for schoolchildren.\nAll walked to school.", "child"),
    ],
)
def test_a_report_shows_what_it_is(text, kind):
    found = sure(text)
    assert (kind in found) if kind != "none" else ("editorial" not in found)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Wool socks: a retrospective review of 40 files.\nFeet were counted.", "review"),
        ("Wool socks.\nA clinical review of patient records was done.", "review"),
        ("Wool socks: a systematic review.\nThis review searched all shops.", "review"),
        ("Wool socks in patients bitten by dogs.\nThe patients were followed.", "animal"),
        ("Wool socks.\nThe allograft protocol was followed in all.", "protocol"),
        ("Wool socks.\nThis was not a randomised trial.", "trial"),
    ],
)
def test_what_only_looks_like_it_is_no_sure_sign(text, kind):
    assert kind not in sure(text)


def test_every_sign_in_the_text_has_a_verbatim_quote():
    text = "Wool against cotton in adults.\nIn this double-blind trial 60 adults were randomised. Rats were not used."
    for sign in signs(Reading(text)).values():
        assert sign.quote
        assert sign.quote in text


def test_indexing_counts_and_brings_no_quote_of_its_own():
    found = signs(Reading("Wool socks.\nAll feet were warm."), publication_types=("Case Reports",))
    assert found["case_report"].sure
    assert found["case_report"].quote == ""


def test_animals_and_humans_together_are_not_animals_only():
    text = "Wool in rats.\nTwenty rats were kept warm."
    assert "animal" not in sure(text, mesh=("Animals", "Humans"))
    assert "animal" in sure(text, mesh=("Animals",))


@pytest.mark.parametrize(
    ("criterion", "kinds"),
    [
        ("Randomised controlled trials", {"trial"}),
        ("systematic reviews", {"systematic_review"}),
        ("narrative review", {"review"}),
        ("Cohort and case-control studies", {"cohort", "case_control"}),
        ("Studies in rats or mice", {"animal"}),
        ("Socks of wool", set()),
    ],
)
def test_criteria_name_kinds(criterion, kinds):
    assert kinds_named(criterion) == kinds


def test_primary_research_is_every_design_with_data_of_its_own():
    named = kinds_named("Original empirical research")
    assert {"trial", "cohort", "qualitative", "cross_sectional"} <= named
    assert not named & {"review", "editorial", "systematic_review"}


def test_a_case_report_contradicts_trials_and_a_trial_does_not():
    found = signs(Reading("Frostbite: a case report.\nA randomized trial should follow."))
    assert contradicts(found["case_report"], frozenset({"trial"}), found)
    found = signs(Reading("Wool: a randomised trial.\nAll feet were warm."))
    assert not contradicts(found["trial"], frozenset({"trial"}), found)


def test_a_design_hinted_at_is_never_contradicted_by_another_with_data():
    found = signs(Reading("Wool in a cohort.\nThe cohort came from a trial of socks."))
    assert not contradicts(found["cohort"], frozenset({"trial"}), found)


def test_without_wanted_designs_nothing_is_contradicted():
    found = signs(Reading("Frostbite: a case report.\nIt healed."))
    assert not contradicts(found["case_report"], frozenset(), found)
