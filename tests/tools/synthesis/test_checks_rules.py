"""Every rule catches its planted error, says which numbers and arms, and is silent on the clean twin."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from tools.synthesis.checks import (
    RULES,
    Reported,
    ReportRow,
    check_arm,
    check_dates,
    check_report,
    check_studies,
    check_study,
    check_text,
    found,
    rules_table,
)
from tools.synthesis.values import ArmData, EffectMeasure, Finding, StudyData


def dichotomous(**numbers: Any) -> list[Finding]:
    return check_arm(ArmData(arm="socks", **numbers), kind="dichotomous")


def continuous(
    scale: tuple[float, float] | None = None, whole: bool = False, **numbers: Any
) -> list[Finding]:
    return check_arm(ArmData(arm="socks", **numbers), kind="continuous", scale=scale, integer_valued=whole)


def between(measure: EffectMeasure = "MD", *, p: str = "", **numbers: Any) -> list[Finding]:
    data = StudyData(study_id="s", label="Sock 2001", **numbers)
    return check_study(data, measure=measure, reported=Reported(p_text=p))


def two(one: dict[str, float], other: dict[str, float], measure: EffectMeasure = "MD", reported: Any = None,
        **numbers: Any) -> list[Finding]:  # fmt: skip
    data = StudyData(study_id="s", label="Sock 2001", experimental=ArmData(arm="socks", **one),
                     control=ArmData(arm="barefoot", **other), **numbers)  # fmt: skip
    return check_study(data, measure=measure, reported=reported or Reported())


def row(outcome: str, *totals: int, randomised: Sequence[int] = (), **others: Any) -> ReportRow:
    arms = tuple(
        ArmData(arm=f"arm {i}", total=total, randomised=randomised[i] if randomised else None)
        for i, total in enumerate(totals)
    )
    return ReportRow(outcome=outcome, arms=arms, **others)


def studies(*sds: float, factor: float = 1.0) -> list[Finding]:
    """Four usual studies with mean 30, and one whose numbers are given."""
    made = []
    for i, sd in enumerate((*sds, 9.0, 10.0, 11.0, 12.0)):
        mean = (30.0 + i) * (factor if i == 0 else 1)
        arms = [
            ArmData(arm=name, total=64 + i, mean=mean + more, sd=sd)
            for name, more in (("e", 1.0), ("c", 0.0))
        ]
        made.append(StudyData(study_id=str(i), label=f"Study {i}", experimental=arms[0], control=arms[1]))
    return check_studies(made)


def counted(events: int, total: int) -> dict[str, float]:
    return {"events": events, "total": total}


def scored(mean: float, sd: float, total: int = 50) -> dict[str, float]:
    return {"mean": mean, "sd": sd, "total": total}


copied = (ArmData(arm="e", total=50, events=13), ArmData(arm="c", total=51, events=22))
other_arms = (ArmData(arm="e", total=50, events=13), ArmData(arm="c", total=51, events=23))


def twins(same: bool) -> list[Finding]:
    one = StudyData(study_id="a", label="A", experimental=copied[0], control=copied[1])
    pair = copied if same else other_arms
    return check_studies([one, StudyData(study_id="b", label="B", experimental=pair[0], control=pair[1])])


CASES: dict[str, tuple[list[Finding], list[Finding]]] = {
    "negative": (dichotomous(total=20, events=-3), dichotomous(total=20, events=3)),
    "not-whole": (dichotomous(total=20, events=15.4), dichotomous(total=20, events=15)),
    "total-zero": (dichotomous(total=0, events=0), dichotomous(total=1, events=0)),
    "events-exceed-total": (dichotomous(total=20, events=21), dichotomous(total=20, events=20)),
    "total-exceeds-randomised": (dichotomous(total=21, randomised=20), dichotomous(total=20, randomised=20)),
    "percent-range": (dichotomous(percent=104.0), dichotomous(percent=100.0)),
    "percent-of-total": (
        dichotomous(total=80, events=20, percent=35.0),
        dichotomous(total=80, events=20, percent=25.0),
    ),
    "percent-cut-off": (
        dichotomous(total=3, events=2, percent=66.6),
        dichotomous(total=3, events=2, percent=66.7),
    ),
    "percent-of-randomised": (
        dichotomous(total=80, events=20, percent=20.0, randomised=100),
        dichotomous(total=80, events=20, percent=25.0, randomised=100),
    ),
    "interval-order": (continuous(ci_lower=5.0, ci_upper=3.0), continuous(ci_lower=3.0, ci_upper=5.0)),
    "mean-outside-interval": (
        continuous(mean=8.4, ci_lower=3.1, ci_upper=5.2),
        continuous(mean=4.1, ci_lower=3.1, ci_upper=5.2),
    ),
    "mean-interval-skew": (
        continuous(mean=3.3, ci_lower=3.1, ci_upper=5.2),
        continuous(mean=4.2, ci_lower=3.1, ci_upper=5.2),
    ),
    "sd-against-se": (
        continuous(mean=4.0, sd=2.5, se=2.5, total=100),
        continuous(mean=4.0, sd=2.5, se=0.25, total=100),
    ),
    "sd-is-se": (
        continuous(mean=4.0, sd=0.25, ci_lower=3.51, ci_upper=4.49, total=100),
        continuous(mean=4.0, sd=2.5, ci_lower=3.51, ci_upper=4.49, total=100),
    ),
    "sd-against-interval": (
        continuous(mean=4.0, sd=1.2, ci_lower=3.51, ci_upper=4.49, total=100),
        continuous(mean=4.0, sd=2.5, ci_lower=3.50, ci_upper=4.50, total=100),
    ),
    "sd-zero": (continuous(sd=0.0), continuous(sd=0.1)),
    "sd-against-range": (
        continuous(sd=0.3, minimum=10.0, maximum=40.0, total=50),
        continuous(sd=6.3, minimum=10.0, maximum=40.0, total=50),
    ),
    "sd-against-quartiles": (
        continuous(sd=0.9, q1=20.1, q3=30.1, total=50),
        continuous(sd=7.4, q1=20.1, q3=30.1, total=50),
    ),
    "mean-against-median": (
        continuous(mean=24.0, median=20.0, sd=1.1, total=50),
        continuous(mean=24.0, median=20.0, sd=11.1, total=50),
    ),
    "quantile-order": (continuous(median=5.0, q1=6.0, q3=7.0), continuous(median=6.0, q1=5.0, q3=7.0)),
    "mean-outside-range": (
        continuous(mean=45.5, minimum=10.0, maximum=40.0),
        continuous(mean=25.5, minimum=10.0, maximum=40.0),
    ),
    "outside-scale": (continuous((0, 10), mean=14.2), continuous((0, 10), mean=9.2)),
    "sd-against-scale": (
        continuous((0, 10), mean=5.1, sd=6.3, total=50),
        continuous((0, 10), mean=5.1, sd=1.3, total=50),
    ),
    "skew": (
        continuous((0, 100), mean=5.1, sd=6.3, total=50),
        continuous((0, 100), mean=50.1, sd=6.3, total=50),
    ),
    "grim": (continuous(whole=True, mean=5.19, total=28), continuous(whole=True, mean=5.18, total=28)),
    "grimmer": (
        # Ten scores with mean 3.0: 9 SD² + 90 must be even, so an SD of 1.00 (99) cannot be and 1.05 (100) can.
        continuous(whole=True, mean=3.0, sd=1.02, total=10),
        continuous(whole=True, mean=3.0, sd=1.05, total=10),
    ),
    "same-numbers": (two(scored(30.4, 5.2), scored(30.4, 5.2)), two(scored(30.4, 5.2), scored(31.4, 5.2))),
    "unlike-sd": (
        two(scored(30.4, 5.2, 20), scored(31.4, 52.1, 20)),
        two(scored(30.4, 5.2), scored(31.4, 6.1)),
    ),
    "sd-looks-like-se": (
        two(scored(30.4, 0.75, 49), scored(31.4, 5.2, 49)),
        two(scored(30.4, 4.75, 49), scored(31.4, 5.2, 49)),
    ),
    "unlike-means": (two(scored(30.4, 0.7), scored(20.4, 0.8)), two(scored(30.4, 5.7), scored(28.4, 5.8))),
    "scale-differs": (two(scored(3.04, 0.7), scored(31.4, 6.8)), two(scored(30.4, 7.0), scored(31.4, 6.8))),
    "arms-exceed-total": (
        two(counted(3, 50), counted(5, 51), "OR", Reported(total=100)),
        two(counted(3, 50), counted(5, 51), "OR", Reported(total=101)),
    ),
    "arms-short-of-total": (
        two(counted(3, 50), counted(5, 51), "OR", Reported(total=110, all_arms=True)),
        two(counted(3, 50), counted(5, 51), "OR", Reported(total=101, all_arms=True)),
    ),
    "ratio-not-positive": (
        between("OR", estimate=-0.4, estimate_lower=-0.9, estimate_upper=0.1),
        between("OR", estimate=0.67, estimate_lower=0.41, estimate_upper=1.1),
    ),
    "estimate-outside-interval": (
        between("OR", estimate=1.67, estimate_lower=0.41, estimate_upper=1.1),
        between("OR", estimate=0.67, estimate_lower=0.41, estimate_upper=1.1),
    ),
    "estimate-off-centre": (
        between("OR", estimate=0.67, estimate_lower=0.41, estimate_upper=2.1),
        between("OR", estimate=0.67, estimate_lower=0.41, estimate_upper=1.1),
    ),
    "estimate-se": (
        between(estimate=2.04, estimate_lower=1.02, estimate_upper=3.06, estimate_se=5.0),
        between(estimate=2.04, estimate_lower=1.02, estimate_upper=3.06, estimate_se=0.52),
    ),
    "p-range": (between(p="1.3"), between(p="0.13")),
    "p-significance": (
        between(p="0.45", estimate=2.04, estimate_lower=1.02, estimate_upper=3.06),
        between(p="<0.001", estimate=2.04, estimate_lower=1.02, estimate_upper=3.06),
    ),
    "p-value": (
        between(p="0.03", estimate=2.04, estimate_lower=1.02, estimate_upper=3.06),
        between(p="0.0001", estimate=2.04, estimate_lower=1.02, estimate_upper=3.06),
    ),
    "arms-swapped": (
        two(counted(30, 100), counted(15, 100), "RR", estimate=0.5, estimate_lower=0.29, estimate_upper=0.87),
        two(counted(15, 100), counted(30, 100), "RR", estimate=0.5, estimate_lower=0.29, estimate_upper=0.87),
    ),
    "estimate-recomputed": (
        two(counted(29, 100), counted(30, 100), "RR", estimate=0.5, estimate_lower=0.29, estimate_upper=0.87),
        two(counted(15, 100), counted(30, 100), "RR", estimate=0.5, estimate_lower=0.29, estimate_upper=0.87),
    ),
    "interval-recomputed": (
        two(counted(15, 100), counted(30, 100), "RR", estimate=0.5, estimate_lower=0.41, estimate_upper=0.61),
        two(counted(15, 100), counted(30, 100), "RR", estimate=0.5, estimate_lower=0.29, estimate_upper=0.87),
    ),
    "units-differ": (
        two(counted(3, 50), counted(5, 51), "OR", Reported(unit_experimental="mg", unit_control="g")),
        two(
            counted(3, 50), counted(5, 51), "OR", Reported(unit_experimental="mg", unit_control="milligrams")
        ),
    ),
    "percent-scale": (
        two(counted(20, 80) | {"percent": 0.25}, counted(24, 80) | {"percent": 30.0}, "OR"),
        two(counted(20, 80) | {"percent": 25.0}, counted(24, 80) | {"percent": 30.0}, "OR"),
    ),
    "dates-order": (
        check_dates(start=date(2020, 5, 1), end=date(2019, 5, 1)),
        check_dates(start=date(2019, 5, 1), end=date(2020, 5, 1), published=date(2021, 1, 1)),
    ),
    "follow-up-too-long": (
        check_dates(start=date(2019, 5, 1), end=date(2020, 5, 1), follow_up_days=730),
        check_dates(start=date(2019, 5, 1), end=date(2020, 5, 1), follow_up_days=366),
    ),
    "randomised-differs": (
        check_report([row("pain", 49, randomised=[50]), row("sleep", 48, randomised=[52])]),
        check_report([row("pain", 49, randomised=[50]), row("sleep", 48, randomised=[50])]),
    ),
    "row-repeated": (
        check_report([ReportRow(outcome="pain", arms=copied), ReportRow(outcome="sleep", arms=copied)]),
        check_report([ReportRow(outcome="pain", arms=copied), ReportRow(outcome="sleep", arms=other_arms)]),
    ),
    "study-repeated": (twins(True), twins(False)),
    "not-a-number": (
        check_text("12 (34%)", arm="socks", statistic="events"),
        check_text("12", arm="socks", statistic="events"),
    ),
}


def test_every_rule_has_its_case() -> None:
    assert set(CASES) == set(RULES)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_planted_error_is_flagged_by_its_rule(rule: str) -> None:
    planted, _ = CASES[rule]
    caught = [finding for finding in planted if finding.rule == rule]
    assert caught
    assert rule == "units-differ" or any(letter.isdigit() for letter in caught[0].message), (
        "numbers are named"
    )


@pytest.mark.parametrize("rule", sorted(RULES))
def test_the_clean_twin_raises_nothing(rule: str) -> None:
    _, clean = CASES[rule]
    assert clean == []


def test_the_message_names_arms_numbers_and_what_to_do() -> None:
    printed = Reported(printed={"estimate": "0.50"})
    (finding,) = two(
        counted(29, 100),
        counted(30, 100),
        "RR",
        printed,
        estimate=0.5,
        estimate_lower=0.29,
        estimate_upper=0.87,
    )
    assert finding.rule == "estimate-recomputed"
    assert finding.severity == "error"
    assert finding.arms == ("socks", "barefoot")
    assert finding.message == "socks 29/100 and barefoot 30/100 give RR 0.9667, but 0.50 is reported."
    assert RULES[finding.rule].resolve


def test_the_table_for_the_documentation_has_every_rule() -> None:
    lines = rules_table().splitlines()
    assert len(lines) == len(RULES) + 2
    assert all(f"| `{rule}` |" in line for rule, line in zip(RULES, lines[2:], strict=True))
    assert all(rule.meaning.endswith(".") and rule.resolve.endswith(".") for rule in RULES.values())


def test_a_rule_that_is_not_in_the_table_cannot_be_used() -> None:
    with pytest.raises(KeyError):
        found("no-such-rule", "x")
