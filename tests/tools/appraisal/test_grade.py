"""GRADE: suggestions with their numbers, ratings only with reasons. All numbers here are invented."""

import math

import pytest

from tools.appraisal.grade import DOWN, Step, Undecided, UnreasonedStep, rate, start
from tools.appraisal.grade_evidence import OutcomeEvidence, risk_of
from tools.appraisal.grade_suggest import suggest
from tools.appraisal.overrides import OVERALL, PersonsJudgement, settle
from tools.appraisal.rob2 import rob2
from tools.appraisal.tool import Level, judge
from tools.errors import ConfigError, NotAllowed
from tools.synthesis.values import Effect, Pooled


def steps(**given):
    """All five domains undecided but for a 0, then what is given as (steps, reason)."""
    every = {**dict.fromkeys(DOWN, (0, "")), **given}
    return [Step(domain=name, steps=n, reason=why) for name, (n, why) in every.items()]


def test_where_a_rating_starts():
    assert [start("randomised"), start("non_randomised"), start("non_randomised", robins_i=True)] == [
        "high",
        "low",
        "high",
    ]


@pytest.mark.parametrize(
    ("given", "certainty", "symbols"),
    [
        ({}, "high", "⊕⊕⊕⊕"),
        ({"imprecision": (-1, "Few events.")}, "moderate", "⊕⊕⊕◯"),
        ({"imprecision": (-1, "Few events."), "risk_of_bias": (-1, "Unblinded.")}, "low", "⊕⊕◯◯"),
        ({"imprecision": (-2, "Few events."), "risk_of_bias": (-2, "Unblinded.")}, "very_low", "⊕◯◯◯"),
    ],
)
def test_every_step_takes_down_to_very_low_at_the_lowest(given, certainty, symbols):
    got = rate("randomised", steps(**given))
    assert (got.certainty, got.symbols) == (certainty, symbols)
    assert len(got.reasons) == len(given)


def test_reasons_come_in_the_order_of_grade_as_sentences():
    got = rate(
        "randomised", steps(imprecision=(-2, "40 events"), risk_of_bias=(-1, "Half of the weight unblinded."))
    )
    assert got.reasons == (
        "Taken down one step for risk of bias: Half of the weight unblinded.",
        "Taken down two steps for imprecision: 40 events.",
    )


@pytest.mark.parametrize("reason", ["", " \t"])
def test_a_step_without_a_reason_is_refused(reason):
    with pytest.raises(UnreasonedStep, match=r"Without a reason: inconsistency \(-1\)"):
        rate("randomised", steps(inconsistency=(-1, reason)))


def test_a_domain_that_nobody_decided_is_refused():
    with pytest.raises(Undecided, match="Not decided yet: indirectness, publication bias"):
        rate("randomised", [s for s in steps() if s.domain not in ("indirectness", "publication_bias")])


@pytest.mark.parametrize(
    ("design", "step", "said"),
    [
        ("randomised", ("imprecision", 1), "can only take the certainty down"),
        ("non_randomised", ("large_effect", -1), "can only take the certainty up"),
        ("randomised", ("large_effect", 1), "non-randomised studies only"),
        ("non_randomised", ("dose_response", 2), "by one step"),
        ("randomised", ("publication_bias", -2), "at most one step"),
    ],
)
def test_steps_that_grade_does_not_know_are_refused(design, step, said):
    with pytest.raises(NotAllowed, match=said):
        rate(design, steps(**{step[0]: (step[1], "A reason.")}))


def test_a_domain_decided_twice_is_refused():
    with pytest.raises(NotAllowed, match="more than once: imprecision"):
        rate("randomised", [*steps(), Step(domain="imprecision", steps=0)])


def test_non_randomised_studies_may_be_taken_up():
    got = rate("non_randomised", steps(large_effect=(2, "RR 6.")))
    assert (got.start, got.certainty, got.notes) == ("low", "high", ())
    both = rate("non_randomised", steps(large_effect=(1, "RR 3."), imprecision=(-1, "40 events.")))
    assert both.certainty == "low"
    assert "rarely" in both.notes[0]
    beyond = rate("non_randomised", steps(large_effect=(2, "RR 6.")), robins_i=True)
    assert (beyond.certainty, len(beyond.notes)) == ("high", 1)


def pooled(rr=(0.7, 0.5, 0.98), weights=(60.0, 40.0), **more):
    y, lower, upper = (math.log(x) for x in rr)
    values = {
        "measure": "RR", "model": "random", "tau2_method": "REML", "k": len(weights), "y": y, "se": 0.2, "lower": lower,
        "upper": upper, "statistic": -1.9, "p": 0.04, "i2": 0.0, "weights": weights,
    }  # fmt: skip
    return Pooled(**{**values, **more})


def study(name, y, v=0.04):
    return Effect(study_id=name, label=name, measure="RR", y=y, v=v)


PAIR = (study("a", -0.4), study("b", -0.3))


def of(domain, **evidence):
    given = {"design": "randomised", "pooled": pooled(), "effects": PAIR, **evidence}
    (found,) = [s for s in suggest(OutcomeEvidence(**given)) if s.domain == domain]
    assert found.words
    assert found.source
    return found


@pytest.mark.parametrize(
    ("risks", "expected", "numbers"),
    [
        ({"a": "low", "b": "low"}, 0, (100, 0, 0, 0)),
        ({"a": "low", "b": "high"}, 0, (60, 0, 40, 0)),
        ({"a": "some", "b": "low"}, -1, (40, 60, 0, 0)),
        ({"a": "high", "b": "low"}, -1, (40, 0, 60, 0)),
        ({"a": "low"}, 0, (60, 0, 0, 40)),
        ({"b": "low"}, None, (40, 0, 0, 60)),
        ({"a": None, "b": "some"}, None, (0, 40, 0, 60)),
        ({"a": "some"}, -1, (0, 60, 0, 40)),
    ],
)
def test_risk_of_bias_is_the_share_of_the_weight(risks, expected, numbers):
    got = of("risk_of_bias", risks=tuple(risks.items()))
    assert got.steps == expected
    assert tuple(n for _, n in got.numbers) == numbers


def test_most_of_the_weight_at_high_risk_says_that_two_steps_are_possible():
    assert "two steps where" in of("risk_of_bias", risks=(("a", "high"), ("b", "low"))).words
    assert "without the studies at high risk" in of("risk_of_bias", risks=(("a", "low"), ("b", "high"))).words


APART = (study("a", -1.5, 0.01), study("b", 0.2, 0.01))


@pytest.mark.parametrize(
    ("i2", "effects", "prediction", "expected"),
    [
        (0.0, PAIR, None, 0),
        (60.0, PAIR, None, 0),
        (60.0, APART, None, -1),
        (45.0, APART, None, 0),
        (60.0, PAIR, (-1.2, 0.5), -1),
        (80.0, APART, None, -1),
        (80.0, APART, (-1.2, 0.5), -2),
        (None, APART, None, None),
    ],
)
def test_inconsistency_takes_i2_and_a_second_sign(i2, effects, prediction, expected):
    low, high = prediction or (None, None)
    got = of(
        "inconsistency", effects=effects, pooled=pooled(i2=i2, prediction_lower=low, prediction_upper=high)
    )
    assert got.steps == expected


def test_inconsistency_tells_its_numbers_on_the_scale_that_people_read():
    got = of(
        "inconsistency",
        effects=APART,
        pooled=pooled(i2=80, prediction_lower=math.log(0.2), prediction_upper=math.log(2)),
    )
    assert got.words == (
        "I² 80 %; 1 of 1 pairs of intervals do not overlap; prediction interval 0.2 to 2, which reaches no effect "
        "while the confidence interval does not."
    )
    assert dict(got.numbers)["prediction lower"] == pytest.approx(0.2)


def test_one_study_cannot_be_inconsistent():
    assert of("inconsistency", pooled=pooled(weights=(100.0,), i2=None), effects=PAIR[:1]).steps == 0


@pytest.mark.parametrize(
    ("rr", "more", "expected"),
    [
        ((0.7, 0.5, 0.9), {"events": 400}, 0),
        ((0.7, 0.5, 0.9), {"events": 299}, -1),
        ((0.7, 0.5, 0.9), {"events": 300}, 0),
        ((0.7, 0.5, 0.9), {}, None),
        ((0.9, 0.8, 1.1), {"events": 400}, 0),
        ((0.9, 0.8, 1.1), {"events": 100}, -1),
        ((0.9, 0.8, 1.1), {}, None),
        ((0.9, 0.7, 1.1), {"events": 400}, -1),
        ((0.9, 0.7, 1.1), {"events": 100}, -2),
        ((0.9, 0.7, 1.1), {}, -1),
        ((1.1, 0.8, 1.3), {"events": 400}, -1),
        ((0.9, 0.5, 1.6), {"events": 4000}, -2),
        ((0.9, 0.8, 1.1), {"events": 400, "thresholds": (0.75, 1.25)}, 0),
        ((0.8, 0.7, 1.1), {"events": 400, "thresholds": (0.75, 1.25)}, -1),
        ((0.9, 0.5, 1.6), {"thresholds": (0.75, 1.25)}, -2),
        ((0.7, 0.5, 0.9), {"events": 100, "participants": 900, "information_size": 800}, 0),
        ((0.7, 0.5, 0.9), {"events": 900, "participants": 700, "information_size": 800}, -1),
    ],
)
def test_imprecision_takes_the_interval_and_the_size_of_the_information(rr, more, expected):
    assert of("imprecision", pooled=pooled(rr=rr), **more).steps == expected


def test_imprecision_of_means_counts_participants():
    mean = pooled(measure="MD", y=-3.0, lower=-5.0, upper=-1.0)
    assert of("imprecision", pooled=mean, participants=399).steps == -1
    unclear = pooled(measure="MD", y=-1.0, lower=-3.0, upper=1.0)
    assert of("imprecision", pooled=unclear, participants=400).steps == -1
    got = of("imprecision", pooled=mean, participants=400, thresholds=(-2, 2))
    assert (got.steps, "crosses −2" in got.words) == (-1, True)
    alone = pooled(measure="PROPORTION", y=0.0, lower=-1.0, upper=1.0)
    assert of("imprecision", pooled=alone, events=900).steps is None


@pytest.mark.parametrize(
    ("k", "p", "expected", "said"),
    [
        (9, 0.01, None, "cannot be tested below ten"),
        (10, None, None, "no test"),
        (10, 0.09, -1, "0.09"),
        (10, 0.1, 0, "no sign"),
    ],
)
def test_publication_bias_is_tested_from_ten_studies_up(k, p, expected, said):
    got = of("publication_bias", pooled=pooled(weights=(100 / k,) * k), effects=(), egger_p=p)
    assert got.steps == expected
    assert said in got.words


def test_indirectness_is_never_suggested():
    assert of("indirectness").steps is None


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"pooled": pooled((3.0, 2.1, 4.0))}, 1),
        ({"pooled": pooled((6.0, 4.0, 9.0))}, 2),
        ({"pooled": pooled((0.15, 0.1, 0.2))}, 2),
        ({"pooled": pooled((1.9, 1.5, 2.4))}, 0),
        ({"pooled": pooled((3.0, 0.9, 9.0))}, 0),
        ({"pooled": pooled((3.0, 2.1, 4.0), measure="OR")}, None),
        # 3 / (1 - 0.4 + 3 × 0.4) = 1.67: a large odds ratio of a common outcome is not a large risk ratio.
        ({"pooled": pooled((3.0, 2.1, 4.0), measure="OR"), "assumed_risk": 0.4}, 0),
        ({"pooled": pooled((3.0, 2.1, 4.0), measure="OR"), "assumed_risk": 0.1}, 1),
        ({"pooled": pooled(measure="MD")}, None),
    ],
)
def test_a_large_effect_is_suggested_for_non_randomised_studies(more, expected):
    assert of("large_effect", design="non_randomised", **more).steps == expected


def test_randomised_trials_get_no_suggestion_upwards():
    assert [s.domain for s in suggest(OutcomeEvidence(design="randomised", pooled=pooled()))] == list(DOWN)


def test_what_is_not_pooled_gets_no_steps():
    got = suggest(OutcomeEvidence(design="non_randomised", pooled=None))
    assert {s.steps for s in got} == {None}
    assert len(got) == 8


@pytest.mark.parametrize("thresholds", [(0.75, 0.9), (0, 1.25), (1.25, 0.75)])
def test_thresholds_that_do_not_enclose_no_effect_are_refused(thresholds):
    with pytest.raises(ConfigError, match=r"such as \(0.75, 1.25\)"):
        of("imprecision", thresholds=thresholds)


def test_effects_that_are_not_the_pooled_ones_are_refused():
    with pytest.raises(ConfigError, match="1 effects and 2 weights"):
        of("risk_of_bias", effects=PAIR[:1])


def test_the_levels_of_any_tool_fit_by_their_colour():
    critical = Level(id="critical", word="Critical", colour="critical")
    tool = rob2().model_copy(update={"levels": (*rob2().levels, critical), "overall": "person"})
    unjudged = judge(tool, {})
    assert risk_of(tool, settle(tool, unjudged)) is None
    for level, risk in (("low", "low"), ("some", "some"), ("high", "high"), ("critical", "high")):
        said = PersonsJudgement(domain=OVERALL, level=level, reason="Read it twice.")
        assert risk_of(tool, settle(tool, unjudged, [said])) == risk
