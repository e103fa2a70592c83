"""The checks on data that are right, however papers print them; and the borders of single rules."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.synthesis.checks import (
    RULES,
    Reported,
    ReportRow,
    check_arm,
    check_report,
    check_studies,
    check_study,
    check_text,
)
from tools.synthesis.distributions import critical, two_sided_p
from tools.synthesis.effects import effect
from tools.synthesis.values import RATIOS, ArmData, Effect, EffectMeasure, Finding, StudyData


def rules(findings: list[Finding]) -> list[str]:
    return [finding.rule for finding in findings]


def errors(findings: list[Finding]) -> list[str]:
    return [finding.message for finding in findings if finding.severity == "error"]


def printed(value: float, decimals: int) -> tuple[float, str]:
    """As a paper prints it, and what is read of it."""
    text = f"{value:.{decimals}f}"
    return float(text), text


# Right data raise no errors ----------------------------------------------------------------------


@st.composite
def people(draw: st.DrawFn) -> dict[str, Any]:
    """Scores of one arm, summarised and printed with some number of decimals."""
    scores = sorted(draw(st.lists(st.integers(0, 100), min_size=4, max_size=60)))
    n, decimals = len(scores), draw(st.integers(0, 3))
    mean = sum(scores) / n
    sd = math.sqrt(sum((score - mean) ** 2 for score in scores) / (n - 1))
    t = critical(0.95, n - 1) * sd / math.sqrt(n)
    exact = {
        "mean": mean, "sd": sd, "se": sd / math.sqrt(n), "ci_lower": mean - t, "ci_upper": mean + t,
        "median": (scores[(n - 1) // 2] + scores[n // 2]) / 2, "q1": scores[(n - 1) // 4],
        "q3": scores[3 * (n - 1) // 4], "minimum": scores[0], "maximum": scores[-1],
    }  # fmt: skip
    both = {name: printed(value, decimals) for name, value in exact.items()}
    texts = {name: text for name, (_, text) in both.items()}
    return {"numbers": {name: value for name, (value, _) in both.items()} | {"total": n}, "texts": texts}


@settings(deadline=None, max_examples=150)
@given(people(), st.booleans())
def test_any_group_of_people_is_without_errors(group: dict[str, Any], with_text: bool) -> None:
    arm = ArmData(arm="a", **group["numbers"])
    texts = group["texts"] if with_text else None
    findings = check_arm(arm, kind="continuous", printed=texts, scale=(0, 100), integer_valued=with_text)
    assert errors(findings) == []
    assert {"grim", "grimmer", "sd-against-interval"}.isdisjoint(rules(findings))


counts = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def table(one: tuple[int, int], other: tuple[int, int], **numbers: float) -> StudyData:
    arms = [
        ArmData(
            arm=name, events=events, total=total, percent=round(100 * events / total, 1), randomised=total
        )
        for name, (events, total) in (("e", one), ("c", other))
    ]
    return StudyData(study_id="s", label="S", experimental=arms[0], control=arms[1], **numbers)


def with_printed_estimate(
    data: StudyData, measure: EffectMeasure, decimals: int
) -> tuple[StudyData, Reported] | None:
    """The study with its estimate, interval and p as a paper prints them; None where there is none or it is 0.0."""
    made = effect(data, measure)
    if not isinstance(made, Effect):
        return None
    z = critical(0.95)
    limits = [made.y, made.y - z * math.sqrt(made.v), made.y + z * math.sqrt(made.v)]
    if measure in RATIOS:
        limits = [math.exp(min(limit, 50)) for limit in limits]
    both = [printed(limit, decimals) for limit in limits]
    names = ("estimate", "estimate_lower", "estimate_upper")
    if measure in RATIOS and both[0][0] == 0:
        return None
    p = two_sided_p(made.y / math.sqrt(made.v))
    text = "<0.001" if p < 0.001 else f"{p:.3f}"
    reported = Reported(
        printed={n: t for n, (_, t) in zip(names, both, strict=True)}, p_text=text, adjusted=False
    )
    return data.model_copy(update={n: v for n, (v, _) in zip(names, both, strict=True)}), reported


@settings(deadline=None, max_examples=200)
@given(counts, counts, st.sampled_from(["OR", "RR", "RD"]), st.integers(1, 3))
def test_any_two_by_two_table_is_without_errors(
    one: tuple[int, int], other: tuple[int, int], measure: EffectMeasure, decimals: int
) -> None:
    line = with_printed_estimate(table(one, other), measure, decimals)
    if line is not None:
        assert errors(check_study(line[0], measure=measure, reported=line[1])) == []


@settings(deadline=None, max_examples=100)
@given(people(), people(), st.sampled_from(["MD", "SMD"]), st.integers(0, 3))
def test_any_two_groups_are_without_errors(
    one: dict[str, Any], other: dict[str, Any], measure: EffectMeasure, decimals: int
) -> None:
    arms = [ArmData(arm=name, **group["numbers"]) for name, group in (("e", one), ("c", other))]
    data = StudyData(study_id="s", label="S", experimental=arms[0], control=arms[1])
    line = with_printed_estimate(data, measure, decimals)
    if line is None:
        return
    reported = line[1].model_copy(
        update={"printed_experimental": one["texts"], "printed_control": other["texts"]}
    )
    assert errors(check_study(line[0], measure=measure, reported=reported)) == []
    assert "sd-is-se" not in rules(check_study(line[0], measure=measure))


@given(counts)
def test_percents_cut_off_are_a_warning_at_most(pair: tuple[int, int]) -> None:
    events, total = pair
    for decimals in (0, 1, 2):
        cut = math.floor(100 * events / total * 10**decimals) / 10**decimals
        arm = ArmData(arm="a", events=events, total=total, percent=cut)
        found = check_arm(arm, kind="dichotomous", printed={"percent": f"{cut:.{decimals}f}"})
        assert errors(found) == []


# Borders -----------------------------------------------------------------------------------------


def test_the_printed_digits_decide() -> None:
    """20 of 79 is 25.32 %: 25 is right, 25.0 is not."""
    arm = ArmData(arm="a", events=20, total=79, percent=25.0)
    assert check_arm(arm, kind="dichotomous", printed={"percent": "25"}) == []
    (finding,) = check_arm(arm, kind="dichotomous", printed={"percent": "25.0"})
    assert finding.message == "a: 20 of 79 is 25.32 %, not 25.0 %."
    assert finding.statistics == ("events", "total", "percent")
    assert check_arm(arm, kind="dichotomous") == []


@pytest.mark.parametrize(
    ("events", "percent", "whole"), [(5, "22.7", True), (9, "22.7", False), (25, "22.7", True)]
)
def test_a_percent_without_a_total_must_be_that_of_some_whole_number(
    events: int, percent: str, whole: bool
) -> None:
    """9 ÷ 22.8 % = 39.5 and 9 ÷ 22.6 % = 39.8: no total between; 5 of 22 and 25 of 110 are 22.7 %."""
    found = check_arm(
        ArmData(arm="a", events=events, percent=float(percent)),
        kind="dichotomous",
        printed={"percent": percent},
    )
    assert [one.rule for one in found] == ([] if whole else ["percent-of-total"])


@pytest.mark.parametrize(
    ("numbers", "hint"),
    [
        ({"events": 35, "total": 80, "percent": 35}, "typed as the count"),
        ({"events": 20, "total": 80, "percent": 75}, "without the event"),
        ({"events": 20, "total": 80, "percent": 0.25}, "may be a proportion"),
    ],
)
def test_a_wrong_percent_is_explained(numbers: dict[str, float], hint: str) -> None:
    (finding,) = check_arm(ArmData(arm="a", **numbers), kind="dichotomous")
    assert finding.rule == "percent-of-total"
    assert hint in finding.message


def test_what_is_no_number_is_said_and_left_out() -> None:
    findings = check_arm(ArmData(arm="a", total=math.nan, events=3, mean=math.inf), kind="continuous")
    assert rules(findings) == ["not-a-number", "not-a-number"]


def test_numbers_of_different_precision_may_cross_by_rounding() -> None:
    arm = ArmData(
        arm="a", minimum=5.3, q1=5.0, median=6.0
    )  # a first quartile of 5.4, printed without decimals
    assert check_arm(arm, kind="continuous", printed={"minimum": "5.3", "q1": "5", "median": "6"}) == []
    texts = {"minimum": "5.3", "q1": "5.0", "median": "6"}
    assert rules(check_arm(arm, kind="continuous", printed=texts)) == ["quantile-order"]


def test_an_arm_without_numbers_has_no_findings() -> None:
    empty = StudyData(study_id="s", label="S", experimental=ArmData(arm="e"), control=ArmData(arm="c"))
    for measure in ("OR", "MD", "HR", "PROPORTION"):
        assert check_study(empty, measure=measure) == []
        assert check_study(StudyData(study_id="s", label="S"), measure=measure) == []
    assert check_report([]) == []
    assert check_studies([]) == []


def test_an_se_in_place_of_the_sd_shows_in_the_reported_interval() -> None:
    """Means 30 and 27, SD 10, 100 each: SE of the difference 1.414; entered are the SEs of 1.0."""
    arms = [
        ArmData(arm=name, mean=mean, sd=1.0, total=100) for name, mean in (("socks", 30.0), ("bare", 27.0))
    ]
    reported = {"estimate": 3.0, "estimate_lower": 0.23, "estimate_upper": 5.77}
    data = StudyData(study_id="s", label="S", experimental=arms[0], control=arms[1], **reported)
    found = [finding for finding in check_study(data, measure="MD") if finding.rule == "sd-is-se"]
    assert [finding.severity for finding in found] == ["error"]
    assert "fits only if both SDs are SEs" in found[0].message
    assert found[0].arms == ("socks", "bare")


def test_an_adjusted_estimate_may_differ_from_the_arms() -> None:
    arms = [ArmData(arm=name, events=events, total=100) for name, events in (("e", 20), ("c", 35))]
    reported = {"estimate": 0.52, "estimate_lower": 0.33, "estimate_upper": 0.82}
    data = StudyData(study_id="s", label="S", experimental=arms[0], control=arms[1], **reported)
    severities = {
        adjusted: [f.severity for f in check_study(data, measure="RR", reported=Reported(adjusted=adjusted))
                   if f.rule == "estimate-recomputed"]
        for adjusted in (True, None, False)
    }  # fmt: skip
    assert severities == {True: ["warning"], None: ["warning"], False: ["error"]}


def test_a_misplaced_point_and_a_logarithm_are_named() -> None:
    arms = [ArmData(arm=name, events=events, total=100) for name, events in (("e", 20), ("c", 30))]
    for estimate, hint in ((6.67, "decimal point"), (0.067, "decimal point")):
        data = StudyData(study_id="s", label="S", experimental=arms[0], control=arms[1], estimate=estimate)
        (finding,) = check_study(data, measure="RR")
        assert (finding.rule, finding.severity) == ("estimate-recomputed", "error")
        assert hint in finding.message
    swapped = [ArmData(arm=name, events=events, total=100) for name, events in (("e", 60), ("c", 30))]
    data = StudyData(study_id="s", label="S", experimental=swapped[0], control=swapped[1], estimate=0.693)
    (finding,) = check_study(data, measure="RR")
    assert (finding.rule, "that is its logarithm" in finding.message) == ("estimate-recomputed", True)


def test_a_lower_limit_printed_as_zero_is_no_error() -> None:
    data = StudyData(study_id="s", label="S", estimate=0.12, estimate_lower=0.0, estimate_upper=2.31)
    assert check_study(data, measure="OR") == []


@pytest.mark.parametrize("text", ["NS", "NR", "", "not reported"])
def test_a_p_value_that_is_not_given_is_no_finding(text: str) -> None:
    data = StudyData(study_id="s", label="S", estimate=2.04, estimate_lower=1.02, estimate_upper=3.06)
    assert check_study(data, measure="MD", reported=Reported(p_text=text)) == []


def test_p_against_a_bound() -> None:
    data = StudyData(study_id="s", label="S", estimate=2.04, estimate_lower=1.02, estimate_upper=3.06)
    assert check_study(data, measure="MD", reported=Reported(p_text="P < 0.05")) == []
    assert rules(check_study(data, measure="MD", reported=Reported(p_text="p>0.20"))) == ["p-significance"]
    assert rules(check_study(data, measure="MD", reported=Reported(p_value=0.5))) == ["p-significance"]


def test_people_of_a_crossover_trial_are_in_both_arms() -> None:
    arms = [ArmData(arm=name, events=5, total=40, randomised=40) for name in ("e", "c")]
    data = StudyData(study_id="s", label="S", experimental=arms[0], control=arms[1], design="crossover")
    assert check_study(data, measure="OR", reported=Reported(total=40)) == []
    rows = [ReportRow(outcome="pain", arms=tuple(arms), all_arms=True)]
    assert rules(check_report(rows, total_randomised=40)) == ["arms-exceed-total", "arms-exceed-total"]
    assert check_report(rows, total_randomised=40, crossover=True) == []


def test_randomised_arms_have_to_reach_the_whole() -> None:
    arms = tuple(ArmData(arm=name, total=38, randomised=40) for name in ("e", "c"))
    whole = ReportRow(outcome="pain", time_point="week 8", arms=arms, all_arms=True)
    assert check_report([whole], total_randomised=80) == []
    (finding,) = check_report([whole], total_randomised=120)
    assert finding.message == "pain at week 8: e 40 + c 40 = 80, but 120 were randomised."
    assert check_report([whole.model_copy(update={"all_arms": False})], total_randomised=120) == []


def test_one_outcome_in_two_units_is_said() -> None:
    arms = (ArmData(arm="e", mean=7.0), ArmData(arm="c", mean=8.0))
    weeks = ReportRow(outcome="Time to relapse", time_point="first", unit="weeks", arms=arms)
    months = ReportRow(outcome="time to relapse", time_point="second", unit="months", arms=arms[:1])
    (finding,) = check_report([weeks, months])
    assert (finding.rule, finding.severity) == ("units-differ", "warning")
    assert finding.message == "Time to relapse at first is in weeks, time to relapse at second in months."
    assert check_report([weeks, months.model_copy(update={"unit": "wk"})]) == []


def test_studies_side_by_side_show_an_se_and_a_slip_of_units() -> None:
    def group(mean: float, sd: float, i: int) -> StudyData:
        arms = [ArmData(arm=name, mean=mean + i, sd=sd, total=64) for name, i in (("e", 1.0), ("c", 0.0))]
        return StudyData(study_id=str(i), label=f"Study {i}", experimental=arms[0], control=arms[1])

    usual = [group(30.0 + i, 9.0 + i, i) for i in range(4)]
    assert check_studies(usual) == []
    assert rules(check_studies([*usual, group(31.0, 1.25, 9)])) == ["sd-looks-like-se"]
    assert rules(check_studies([*usual, group(3100.0, 1050.0, 9)])) == ["scale-differs"]
    assert check_studies([usual[0], group(31.0, 1.25, 9)]) == []


def test_texts_of_cells() -> None:
    assert check_text("NR", arm="a", statistic="sd") == []
    (comma,) = check_text("12,3", arm="a", statistic="sd")
    assert comma.severity == "error"
    assert "It may mean 12.3." in comma.message
    (bound,) = check_text("<5", arm="a", statistic="events")
    assert bound.severity == "warning"


def test_grimmer_by_exhaustion() -> None:
    """Every sample of three scores from 0 to 6 passes; some pairs of mean and SD that no sample has are caught."""
    from itertools import product

    real = set()
    for scores in product(range(7), repeat=3):
        mean = sum(scores) / 3
        sd = math.sqrt(sum((score - mean) ** 2 for score in scores) / 2)
        real.add((f"{mean:.2f}", f"{sd:.2f}"))
    caught = 0
    for mean_text in sorted({mean for mean, _ in real}):
        for hundredths in range(0, 400, 3):
            pair = (mean_text, f"{hundredths / 100:.2f}")
            arm = ArmData(arm="a", total=3, mean=float(pair[0]), sd=float(pair[1]))
            found = check_arm(arm, kind="continuous", printed=dict(zip(("mean", "sd"), pair, strict=True)),
                              integer_valued=True)  # fmt: skip
            if pair in real:
                assert "grimmer" not in rules(found)
            caught += "grimmer" in rules(found)
    assert caught > 500


def test_every_finding_is_of_a_rule_in_the_table() -> None:
    arm = ArmData(
        arm="a", total=-1.5, events=7, percent=120, mean=1, sd=0, ci_lower=5, ci_upper=3, median=9, q1=10
    )
    for kind in ("dichotomous", "continuous"):
        found = check_arm(arm, kind=kind)  # type: ignore[arg-type]
        assert found
        assert set(rules(found)) <= set(RULES)
