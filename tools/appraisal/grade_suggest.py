"""What the data say about each GRADE domain: a suggestion with its numbers, or why there is none. Pure.

A suggestion never rates: `tools.appraisal.grade.rate` takes a person's steps with reasons. Where something is not
known, `steps` is None and the words say what is lacking; it is not 0. GRADE gives few cut-offs; those that are ours are
said to be ours.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

from tools.appraisal.grade_evidence import (
    OutcomeEvidence,
    Risk,
    Suggestion,
    no_effect,
    short,
)
from tools.errors import ConfigError
from tools.synthesis.pooling import natural
from tools.synthesis.values import RATIOS, Effect, Pooled

__all__ = ["suggest"]

_CLEAR_EVENTS = 300
_CLEAR_PARTICIPANTS = 400
_SMALL_STUDY_MINIMUM = 10


def suggest(evidence: OutcomeEvidence) -> tuple[Suggestion, ...]:
    """One suggestion per domain in GRADE's order; the domains that take up only for non-randomised studies.

    Raises:
        ConfigError: the effects do not fit the pooled weights, or the thresholds do not enclose no effect.
    """
    _check(evidence)
    down = (
        _risk_of_bias(evidence),
        _inconsistency(evidence),
        Suggestion(
            domain="indirectness",
            steps=None,
            words="A person compares populations, interventions, comparators and outcomes with the question.",
            source="Cochrane Handbook 14.2.2",
        ),
        _imprecision(evidence),
        _publication_bias(evidence),
    )
    return down if evidence.design == "randomised" else (*down, *_upwards(evidence))


def _check(evidence: OutcomeEvidence) -> None:
    pooled = evidence.pooled
    if pooled and evidence.effects and len(evidence.effects) != len(pooled.weights):
        raise ConfigError(
            f"{len(evidence.effects)} effects and {len(pooled.weights)} weights: give the effects that were pooled, in "
            "the same order."
        )
    if evidence.thresholds and pooled:
        low, high = evidence.thresholds
        ratio = pooled.measure in RATIOS
        if (ratio and low <= 0) or not low < (1 if ratio else 0) < high:
            example = "(0.75, 1.25)" if ratio else "(-5, 5)"
            raise ConfigError(
                f"thresholds {evidence.thresholds}: give one effect on each side of no effect, such as {example}."
            )


def _interval(pooled: Pooled) -> str:
    low, high = natural(pooled.measure, pooled.lower), natural(pooled.measure, pooled.upper)
    return f"{short(low)} to {short(high)}"


# Risk of bias


def _risk_of_bias(evidence: OutcomeEvidence) -> Suggestion:
    """Over half of the weight at high risk or with some concerns: one step. The cut-off is ours."""
    source = "Cochrane Handbook 14.2.2; Guyatt 2011, J Clin Epidemiol 64:407-15; the cut-off of 50 % is ours"

    def told(steps: int | None, words: str, shares: Mapping[str, float] | None = None) -> Suggestion:
        numbers = tuple((f"{level} %", round(share, 1)) for level, share in (shares or {}).items())
        return Suggestion(domain="risk_of_bias", steps=steps, words=words, numbers=numbers, source=source)

    if evidence.pooled is None or not evidence.effects:
        return told(None, "No weights: the outcome is not pooled, or its effects are not given.")
    shares = _shares(evidence.effects, evidence.pooled.weights, dict(evidence.risks))
    of_weight = ", ".join(f"{share:.0f} % {_RISK_WORDS[level]}" for level, share in shares.items() if share)
    concern = shares["some"] + shares["high"]
    if concern > 50:
        more = "; two steps where the limitations are very serious" if shares["high"] > 50 else ""
        return told(-1, f"Of the weight, {of_weight}{more}.", shares)
    if concern + shares["unknown"] > 50:
        return told(None, f"Of the weight, {of_weight}: appraise the others first.", shares)
    also = "; see whether the result holds without the studies at high risk" if shares["high"] else ""
    return told(0, f"Of the weight, {of_weight}{also}.", shares)


_RISK_WORDS = {
    "low": "at low risk",
    "some": "with some concerns",
    "high": "at high risk",
    "unknown": "not appraised",
}


def _shares(
    effects: Sequence[Effect], weights: Sequence[float], risks: Mapping[str, Risk | None]
) -> dict[str, float]:
    shares = dict.fromkeys(_RISK_WORDS, 0.0)
    for effect, weight in zip(effects, weights, strict=True):
        shares[risks.get(effect.study_id) or "unknown"] += weight
    return shares


# Inconsistency


def _inconsistency(evidence: OutcomeEvidence) -> Suggestion:
    """Large I² and a second sign: one step; very large with both signs: two. Which signs add up is our rule."""
    source = (
        "Cochrane Handbook 10.10.2 (I²) and 10.10.4.3 (prediction interval); Guyatt 2011, J Clin Epidemiol "
        "64:1294-302; how the signs add up is ours"
    )
    pooled = evidence.pooled
    if pooled is None:
        return Suggestion(
            domain="inconsistency", steps=None, words="The outcome is not pooled.", source=source
        )
    if pooled.k == 1:
        words = "One study: nothing to disagree with."
        return Suggestion(domain="inconsistency", steps=0, words=words, source=source)
    if pooled.i2 is None:
        words = "I² is not given."
        return Suggestion(domain="inconsistency", steps=None, words=words, source=source)
    apart, pairs = _apart(evidence.effects)
    widens = _prediction_reaches_no_effect(pooled)
    steps = _inconsistent_steps(pooled.i2, apart, widens)
    said = [f"I² {pooled.i2:.0f} %"]
    numbers = [("I²", round(pooled.i2, 1))]
    if pairs:
        said.append(f"{apart} of {pairs} pairs of intervals do not overlap")
        numbers += [("pairs apart", float(apart)), ("pairs", float(pairs))]
    if pooled.prediction_lower is not None and pooled.prediction_upper is not None:
        low, high = (
            natural(pooled.measure, pooled.prediction_lower),
            natural(pooled.measure, pooled.prediction_upper),
        )
        numbers += [("prediction lower", low), ("prediction upper", high)]
        reach = ", which reaches no effect while the confidence interval does not" if widens else ""
        said.append(f"prediction interval {short(low)} to {short(high)}{reach}")
    return Suggestion(
        domain="inconsistency",
        steps=steps,
        words="; ".join(said) + ".",
        numbers=tuple(numbers),
        source=source,
    )


def _inconsistent_steps(i2: float, apart: int, widens: bool) -> int:
    if i2 >= 75 and apart and widens:
        return -2
    return -1 if i2 >= 50 and (apart or widens) else 0


def _apart(effects: Sequence[Effect]) -> tuple[int, int]:
    """Pairs of studies whose 95 % intervals have nothing in common, and all pairs."""
    z = 1.959963984540054  # 97.5 % of the standard normal
    limits = [(e.y - z * math.sqrt(e.v), e.y + z * math.sqrt(e.v)) for e in effects]
    pairs = list(combinations(limits, 2))
    return sum(a[1] < b[0] or b[1] < a[0] for a, b in pairs), len(pairs)


def _prediction_reaches_no_effect(pooled: Pooled) -> bool:
    null, low, high = no_effect(pooled), pooled.prediction_lower, pooled.prediction_upper
    if null is None or low is None or high is None:
        return False
    return low <= null <= high and not pooled.lower <= null <= pooled.upper


# Imprecision


def _imprecision(evidence: OutcomeEvidence) -> Suggestion:
    """One step for an interval that leaves the conclusion open, one for too little information; two at most."""
    source = (
        "Guyatt 2011, J Clin Epidemiol 64:1283-93 (0.75 and 1.25, 400 participants); GRADE Handbook 5.2.4 (300 "
        "events); that the two signs add up is ours"
    )
    pooled = evidence.pooled
    if pooled is None:
        return Suggestion(domain="imprecision", steps=None, words="The outcome is not pooled.", source=source)
    open_, by_interval = _open_conclusion(pooled, evidence.thresholds)
    enough, by_size, numbers = _information(evidence, pooled)
    numbers = (
        ("lower", natural(pooled.measure, pooled.lower)),
        ("upper", natural(pooled.measure, pooled.upper)),
        *numbers,
    )
    steps = _imprecise_steps(open_, enough)
    return Suggestion(
        domain="imprecision", steps=steps, words=f"{by_interval} {by_size}", numbers=numbers, source=source
    )


def _imprecise_steps(open_: int | None, enough: bool | None) -> int | None:
    if open_ == 2:
        return -2
    if open_ is None or (enough is None and not open_):
        return None
    if enough is None:
        return -open_  # at least that; the words say what is not checked
    return -min(2, open_ + (not enough))


def _open_conclusion(pooled: Pooled, thresholds: tuple[float, float] | None) -> tuple[int | None, str]:
    """How many borders the interval leaves open (0 to 2), and that in words."""
    low, high = natural(pooled.measure, pooled.lower), natural(pooled.measure, pooled.upper)
    said = f"The interval, {_interval(pooled)},"
    null = no_effect(pooled)
    if null is None:
        return None, f"{said} is of a single group: a person says how precise it has to be."
    if thresholds:
        crossed = [t for t in thresholds if low < t < high]
        which = " and ".join(short(t) for t in crossed)
        return len(crossed), f"{said} {'crosses ' + which if crossed else 'crosses neither threshold'}."
    if not pooled.lower <= null <= pooled.upper:
        return 0, f"{said} leaves out no effect."
    if pooled.measure not in RATIOS:
        return 1, f"{said} includes no effect."
    large = [word for word, there in (("0.75", low < 0.75), ("1.25", high > 1.25)) if there]
    which = f"effects beyond {' and '.join(large)}" if large else "none beyond 0.75 and 1.25"
    return len(large), f"{said} includes no effect and {which}."


def _information(
    evidence: OutcomeEvidence, pooled: Pooled
) -> tuple[bool | None, str, tuple[tuple[str, float], ...]]:
    """Whether there is information enough, that in words, and the numbers."""
    if evidence.information_size is not None:
        return _compare(
            evidence.participants, evidence.information_size, "participants", "the calculated size of"
        )
    if pooled.measure in ("OR", "RR", "RD", "HR", "PROPORTION"):
        return _compare(evidence.events, _CLEAR_EVENTS, "events", "the rule of thumb of")
    return _compare(evidence.participants, _CLEAR_PARTICIPANTS, "participants", "the rule of thumb of")


def _compare(
    have: float | None, need: float, what: str, by: str
) -> tuple[bool | None, str, tuple[tuple[str, float], ...]]:
    if have is None:
        return None, f"The number of {what} is not known, so the size of the information is not checked.", ()
    word = "fewer than" if have < need else "not fewer than"
    return (
        have >= need,
        f"{have:,.0f} {what}, {word} {by} {need:,.0f}.",
        ((what, have), (f"{what} wanted", need)),
    )


# Publication bias


def _publication_bias(evidence: OutcomeEvidence) -> Suggestion:
    source = "Cochrane Handbook 13.3.5.4 (ten studies); Egger 1997, BMJ 315:629-34"
    k = evidence.pooled.k if evidence.pooled else 0

    def told(steps: int | None, words: str) -> Suggestion:
        p = () if evidence.egger_p is None else (("Egger p", evidence.egger_p),)
        numbers = (("studies", float(k)), *p)
        return Suggestion(domain="publication_bias", steps=steps, words=words, numbers=numbers, source=source)

    if evidence.pooled is None:
        return told(None, "The outcome is not pooled.")
    if k < _SMALL_STUDY_MINIMUM:
        studies = "study" if k == 1 else "studies"
        return told(
            None,
            f"{k} {studies}: cannot be tested below ten; a person looks at registers and funding.",
        )
    if evidence.egger_p is None:
        return told(None, "Ten studies or more, and no test of small-study effects is given.")
    care = " The test misleads for odds ratios and standardised differences." * (
        evidence.pooled.measure in ("OR", "SMD")
    )
    if evidence.egger_p < 0.10:
        return told(-1, f"Egger's test, p = {short(evidence.egger_p)}: small studies differ.{care}")
    return told(0, f"Egger's test, p = {short(evidence.egger_p)}: no sign that small studies differ.{care}")


# Upwards, for non-randomised studies


def _upwards(evidence: OutcomeEvidence) -> tuple[Suggestion, ...]:
    person = "Guyatt 2011, J Clin Epidemiol 64:1311-6"
    return (
        _large_effect(evidence),
        Suggestion(
            domain="dose_response",
            steps=None,
            words="A person looks for a gradient over doses within and between studies.",
            source=person,
        ),
        Suggestion(
            domain="confounding",
            steps=None,
            words="A person judges whether remaining confounding would only have made the effect smaller.",
            source=person,
        ),
    )


def _large_effect(evidence: OutcomeEvidence) -> Suggestion:
    source = "Guyatt 2011, J Clin Epidemiol 64:1311-6 (large: ratio over 2 or under 0.5; very large: 5, 0.2)"

    def told(steps: int | None, words: str, rr: float | None = None) -> Suggestion:
        numbers = () if rr is None else (("ratio", rr),)
        return Suggestion(domain="large_effect", steps=steps, words=words, numbers=numbers, source=source)

    pooled = evidence.pooled
    if pooled is None or pooled.measure not in RATIOS:
        return told(None, "No pooled ratio: a person judges the size of the effect.")
    ratio = natural(pooled.measure, pooled.y)
    if pooled.measure == "OR":
        if evidence.assumed_risk is None:
            return told(
                None, f"An odds ratio of {short(ratio)}: give the assumed risk to see it as a risk ratio."
            )
        ratio = ratio / (1 - evidence.assumed_risk + ratio * evidence.assumed_risk)
    size = max(ratio, 1 / ratio)
    if size <= 2:
        return told(0, f"A ratio of {short(ratio)} is not large.", ratio)
    if pooled.lower <= 0 <= pooled.upper:
        return told(0, f"A ratio of {short(ratio)}, but its interval includes no effect.", ratio)
    large = "very large" if size > 5 else "large"
    return told(2 if size > 5 else 1, f"A ratio of {short(ratio)} is {large}.", ratio)
