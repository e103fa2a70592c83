"""Checks of one arm's numbers against one another. Pure; nothing is ever changed.

Rounding is never an error: a number is taken to lie within one unit of its last printed digit (rounded or cut
off), and a rule speaks only where no value within reach would do.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from tools.synthesis.checks_numbers import Printed, last_unit, shown
from tools.synthesis.checks_rules import found
from tools.synthesis.checks_whole import whole_numbers
from tools.synthesis.conversions import Kind
from tools.synthesis.distributions import critical
from tools.synthesis.values import STATISTICS, ArmData, Finding

__all__ = ["Numbers", "Reach", "check_arm"]


class Reach(NamedTuple):
    """Where the true value of a printed number lies."""

    low: float
    high: float

    def apart(self, other: "Reach") -> bool:
        """Whether no value is within both, arithmetic's own loss apart."""
        slack = 1e-9 * max(map(abs, (*self, *other)))
        return self.low > other.high + slack or other.low > self.high + slack


@dataclass(frozen=True)
class Numbers:
    """An arm with how its numbers are printed."""

    arm: ArmData
    printed: Printed = field(default_factory=dict)

    def get(self, name: str) -> float | None:
        """A statistic's value."""
        value: float | None = getattr(self.arm, name)
        return value

    def reach(self, name: str, units: float = 1.0) -> Reach:
        """Of a known statistic: its value, give or take so many units of the last printed digit."""
        value = self.get(name)
        assert value is not None
        slack = units * last_unit(value, self.printed.get(name))
        return Reach(value - slack, value + slack)

    def above(self, name: str, other: str) -> bool:
        """Whether one known statistic is above another; 5 is not above 4.9, of which it may be the rounding."""
        one, two = self.get(name), self.get(other)
        assert one is not None
        assert two is not None
        if one <= two or last_unit(one, self.printed.get(name)) == last_unit(two, self.printed.get(other)):
            return one > two
        return self.reach(name, 0.5).low > self.reach(other, 0.5).high

    def say(self, name: str) -> str:
        """A known statistic as a message shows it."""
        value = self.get(name)
        assert value is not None
        return shown(value, self.printed.get(name))

    def has(self, *names: str) -> bool:
        """Whether all of these are known."""
        return all(self.get(name) is not None for name in names)

    def found(self, rule: str, message: str, *names: str) -> Finding:
        """A finding about this arm."""
        return found(rule, f"{self.arm.arm}: {message}", arms=(self.arm.arm,), statistics=names)


_FLOATS = tuple(name for name in STATISTICS if name in ArmData.model_fields)


def check_arm(
    arm: ArmData,
    *,
    kind: Kind,
    printed: Printed | None = None,
    level: float = 0.95,
    scale: tuple[float, float] | None = None,
    integer_valued: bool = False,
) -> list[Finding]:
    """What does not fit among the numbers of one arm.

    `printed`: the text of statistics as the paper prints it, so that rounding is judged by its digits; without
    it the shortest spelling of the float counts. `level`: of the arm's own interval. `scale`: lowest and highest
    possible score. `integer_valued`: each participant scores a whole number, so the mean must fit (GRIM).
    """
    strange = [name for name in _FLOATS if not math.isfinite(getattr(arm, name) or 0.0)]
    findings = [found("not-a-number", f"{arm.arm}: {name} is {getattr(arm, name)}, no finite number.", arms=(arm.arm,),
                      statistics=(name,)) for name in strange]  # fmt: skip
    numbers = Numbers(arm.model_copy(update=dict.fromkeys(strange)), printed or {})
    findings += [*_signs(numbers), *_counts(numbers)]
    if kind == "dichotomous":
        return [*findings, *_percent(numbers)]
    findings += [*_percent(numbers), *_spread(numbers, level), *_mean_interval(numbers)]
    findings += [*_order(numbers), *_range(numbers), *_quartiles(numbers)]
    if scale is not None:
        findings += _scale(numbers, *scale)
    if integer_valued:
        findings += whole_numbers(numbers.arm, numbers.printed)
    return findings


# Counts ------------------------------------------------------------------------------------------

_NEVER_NEGATIVE = ("total", "events", "randomised", "sd", "se")
_COUNTS = ("total", "events")


def _signs(numbers: Numbers) -> Iterator[Finding]:
    for name in _NEVER_NEGATIVE:
        value = numbers.get(name)
        if value is not None and value < 0:
            yield numbers.found("negative", f"{name} = {numbers.say(name)} is below zero.", name)
    if numbers.arm.total == 0:
        yield numbers.found("total-zero", "total = 0, an arm without participants.", "total")


def _counts(numbers: Numbers) -> Iterator[Finding]:
    for name in _COUNTS:
        value = numbers.get(name)
        if value is not None and abs(value - round(value)) > 1e-6:
            yield numbers.found("not-whole", f"{name} = {numbers.say(name)} is not a whole number.", name)
    total, events, randomised = numbers.arm.total, numbers.arm.events, numbers.arm.randomised
    if total is not None and events is not None and events > total >= 0:
        message = f"{numbers.say('events')} events among {numbers.say('total')} participants."
        yield numbers.found("events-exceed-total", message, "events", "total")
    if total is not None and randomised is not None and total > randomised:
        message = f"{numbers.say('total')} participants analysed, but only {randomised} randomised."
        yield numbers.found("total-exceeds-randomised", message, "total", "randomised")


def _percent(numbers: Numbers) -> Iterator[Finding]:
    percent = numbers.arm.percent
    if percent is None:
        return
    if not 0 <= percent <= 100:
        yield numbers.found(
            "percent-range", f"{numbers.say('percent')} % is not between 0 and 100.", "percent"
        )
        return
    total, events = numbers.arm.total, numbers.arm.events
    if total is None:
        yield from _percent_alone(numbers)
        return
    if events is None or not 0 <= events <= total or total == 0:
        return
    share = 100 * events / total
    if not numbers.reach("percent", 0.5).apart(Reach(share, share)):
        return
    names = ("events", "total", "percent")
    said = (
        f"{numbers.say('events')} of {numbers.say('total')} is {share:.2f} %, not {numbers.say('percent')} %"
    )
    if not numbers.reach("percent").apart(Reach(share, share)):
        yield numbers.found("percent-cut-off", f"{said}, unless digits were cut off.", *names)
        return
    randomised = numbers.arm.randomised
    of_all = 100 * events / randomised if randomised else None
    if of_all is not None and not numbers.reach("percent", 0.5).apart(Reach(of_all, of_all)):
        message = f"{said}; it is {numbers.say('percent')} % of the {randomised} randomised."
        yield numbers.found("percent-of-randomised", message, *names, "randomised")
        return
    yield numbers.found("percent-of-total", f"{said}{_percent_hint(numbers, share)}.", *names)


def _percent_alone(numbers: Numbers) -> Iterator[Finding]:
    """Events and a percent without a total: whether the events are that percent of any number of participants."""
    events, reach = numbers.arm.events, numbers.reach("percent")
    if events is None or events <= 0 or reach.low <= 0:
        return
    least, most = 100 * events / reach.high, 100 * events / reach.low
    if math.floor(most + 1e-9) < math.ceil(least - 1e-9):
        message = f"{numbers.say('events')} is {numbers.say('percent')} % of no whole number of participants."
        yield numbers.found("percent-of-total", message, "events", "percent")


def _percent_hint(numbers: Numbers, share: float) -> str:
    percent, events = numbers.arm.percent, numbers.arm.events
    assert percent is not None
    if percent == events:
        return "; the percent may have been typed as the count"
    if not numbers.reach("percent", 0.5).apart(Reach(100 - share, 100 - share)):
        return "; it is the share of those without the event"
    if not numbers.reach("percent", 0.5).apart(Reach(share / 100, share / 100)) and percent < 1:
        return "; it may be a proportion"
    return ""


# Spread ------------------------------------------------------------------------------------------


def _spread(numbers: Numbers, level: float) -> Iterator[Finding]:
    sd, total = numbers.arm.sd, numbers.arm.total
    if sd == 0:
        yield numbers.found("sd-zero", "SD = 0.", "sd")
    if sd is None or sd <= 0 or total is None or total <= 1:
        return
    root = math.sqrt(total)
    if numbers.has("se") and (numbers.arm.se or 0) >= 0:
        yield from _sd_and_se(numbers, root)
    if numbers.has("ci_lower", "ci_upper"):
        yield from _sd_and_interval(numbers, root, critical(level, total - 1), critical(level))


def _sd_and_se(numbers: Numbers, root: float) -> Iterator[Finding]:
    se = numbers.reach("se")
    implied = Reach(se.low * root, se.high * root)
    if numbers.reach("sd").apart(implied):
        said = f"SE {numbers.say('se')} × √{numbers.say('total')} = {(numbers.arm.se or 0) * root:.4g}"
        yield numbers.found(
            "sd-against-se", f"{said}, but the SD is {numbers.say('sd')}.", "sd", "se", "total"
        )


def _sd_and_interval(numbers: Numbers, root: float, t: float, z: float) -> Iterator[Finding]:
    """The half-width of the interval against SD/√n, and against the SD taken as an SE."""
    lower, upper, sd = numbers.reach("ci_lower"), numbers.reach("ci_upper"), numbers.reach("sd")
    half = Reach((upper.low - lower.high) / 2, (upper.high - lower.low) / 2)
    as_sd = Reach(z * sd.low / root * 0.97, t * sd.high / root * 1.03)
    if half.high <= 0 or not half.apart(as_sd):
        return
    names = ("sd", "ci_lower", "ci_upper", "total")
    interval = f"the interval {numbers.say('ci_lower')} to {numbers.say('ci_upper')} of the mean"
    if not half.apart(Reach(z * sd.low * 0.97, t * sd.high * 1.03)):
        message = f"{interval} is that of an SE of {numbers.say('sd')}, which is entered as the SD."
        yield numbers.found("sd-is-se", message, *names)
        return
    implied = (half.low + half.high) / 2 / t * root
    message = f"{interval} implies an SD of {implied:.4g} with {numbers.say('total')} participants, "
    yield numbers.found("sd-against-interval", f"{message}but the SD is {numbers.say('sd')}.", *names)


def _mean_interval(numbers: Numbers) -> Iterator[Finding]:
    if not numbers.has("ci_lower", "ci_upper"):
        return
    names = ("ci_lower", "ci_upper")
    interval = f"{numbers.say('ci_lower')} to {numbers.say('ci_upper')}"
    lower, upper = numbers.reach("ci_lower"), numbers.reach("ci_upper")
    if numbers.above("ci_lower", "ci_upper"):
        yield numbers.found("interval-order", f"the limits of {interval} are in the wrong order.", *names)
        return
    centre = "mean" if numbers.has("mean") else "median"
    if not numbers.has(centre):
        return
    at, whole = numbers.reach(centre), Reach(lower.low, upper.high)
    if at.apart(whole):
        message = f"the {centre} {numbers.say(centre)} is outside its interval {interval}."
        yield numbers.found("mean-outside-interval", message, centre, *names)
    elif centre == "mean":
        middle = Reach((lower.low + upper.low) / 2, (lower.high + upper.high) / 2)
        slack = 0.05 * (upper.high - lower.low)
        if Reach(at.low - slack, at.high + slack).apart(middle):
            message = f"the mean {numbers.say('mean')} is not in the middle of its interval {interval}."
            yield numbers.found("mean-interval-skew", message, centre, *names)


# Quantiles and bounds ----------------------------------------------------------------------------

_RISING = ("minimum", "q1", "median", "q3", "maximum")


def _order(numbers: Numbers) -> Iterator[Finding]:
    known = [name for name in _RISING if numbers.has(name)]
    for name, following in pairwise(known):
        if numbers.above(name, following):
            message = f"{name} {numbers.say(name)} is above {following} {numbers.say(following)}."
            yield numbers.found("quantile-order", message, name, following)
    if not numbers.has("mean", "minimum", "maximum"):
        return
    at, whole = numbers.reach("mean"), Reach(numbers.reach("minimum").low, numbers.reach("maximum").high)
    if whole.low <= whole.high and at.apart(whole):
        message = (
            f"the mean {numbers.say('mean')} is outside {numbers.say('minimum')} to {numbers.say('maximum')}."
        )
        yield numbers.found("mean-outside-range", message, "mean", "minimum", "maximum")


def _range(numbers: Numbers) -> Iterator[Finding]:
    """Sharp bounds of a sample's SD: two values at the ends at least, half of all at each end at most."""
    sd, n = numbers.arm.sd, numbers.arm.total
    if sd is None or sd <= 0 or n is None or n < 2 or not numbers.has("minimum", "maximum"):
        return
    low, high = numbers.reach("minimum"), numbers.reach("maximum")
    most = (high.high - low.low) / 2 * math.sqrt(n / (n - 1))
    least = max(0.0, high.low - low.high) / math.sqrt(2 * (n - 1))
    if most > 0 and numbers.reach("sd").apart(Reach(least, most)):
        ends = f"{numbers.say('minimum')} to {numbers.say('maximum')}"
        message = f"SD {numbers.say('sd')}, but {numbers.say('total')} values from {ends} "
        message += f"have an SD of {least:.4g} to {most:.4g}."
        yield numbers.found("sd-against-range", message, "sd", "minimum", "maximum", "total")


def _quartiles(numbers: Numbers) -> Iterator[Finding]:
    sd, n = numbers.arm.sd, numbers.arm.total
    if sd is None or sd <= 0 or n is None or n < 8:
        return
    if numbers.has("mean", "median"):
        apart = numbers.reach("mean").low - numbers.reach("median").high
        other = numbers.reach("median").low - numbers.reach("mean").high
        if max(apart, other) > numbers.reach("sd").high * math.sqrt((n - 1) / n):
            message = f"mean {numbers.say('mean')} and median {numbers.say('median')} lie further apart "
            message += f"than the SD {numbers.say('sd')}."
            yield numbers.found("mean-against-median", message, "mean", "median", "sd")
    if numbers.has("q1", "q3"):
        # A quarter of all values at or beyond each quartile: variance ≥ ½ (width/2)². Three quarters of the
        # bound, as papers' quartiles are interpolated in many ways.
        width = numbers.reach("q3").low - numbers.reach("q1").high
        if width > 0 and numbers.reach("sd").high < 0.75 * width / math.sqrt(8):
            message = f"SD {numbers.say('sd')} with quartiles {numbers.say('q1')} and {numbers.say('q3')}."
            yield numbers.found("sd-against-quartiles", message, "sd", "q1", "q3")


def _scale(numbers: Numbers, lowest: float, highest: float) -> Iterator[Finding]:
    """Values within the scale, and the greatest SD that a mean on it allows (Bhatia and Davis 2000)."""
    for name in ("mean", *_RISING):
        value = numbers.get(name)
        if value is not None and numbers.reach(name).apart(Reach(lowest, highest)):
            message = (
                f"{name} {numbers.say(name)} is outside the scale of {shown(lowest)} to {shown(highest)}."
            )
            yield numbers.found("outside-scale", message, name)
    mean, sd, n = numbers.arm.mean, numbers.arm.sd, numbers.arm.total
    if mean is None or sd is None or n is None or n < 2 or not lowest <= mean <= highest:
        return
    slack = last_unit(mean, numbers.printed.get("mean"))
    product = (min(highest, mean + slack) - lowest) * (highest - max(lowest, mean - slack))
    most = math.sqrt(product * n / (n - 1))
    if numbers.reach("sd").low > most:
        message = f"SD {numbers.say('sd')}, but scores from {shown(lowest)} to {shown(highest)} with mean "
        yield numbers.found(
            "sd-against-scale", f"{message}{numbers.say('mean')} have at most {most:.4g}.", "sd", "mean"
        )
    elif sd > 0 and min(mean - lowest, highest - mean) < 2 * sd:
        message = f"the mean {numbers.say('mean')} is less than two SDs ({numbers.say('sd')}) from an end of the scale."
        yield numbers.found("skew", message, "mean", "sd")
