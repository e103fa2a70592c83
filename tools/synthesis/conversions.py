"""Numbers computed from reported ones: what a study does not print but what it prints implies. Pure.

Every computed number is a `Conversion` with its inputs, formula and source; what cannot be computed is a
`NotComputed` with the reason. A reported number is never replaced. `Handbook` is the Cochrane Handbook for
Systematic Reviews of Interventions, version 6; the papers are named in `conversions_medians`.
"""

import math
from typing import Literal

from pydantic import Field

from tools.schemas import Frozen
from tools.synthesis.checks_numbers import Printed, last_unit, shown
from tools.synthesis.conversions_contrasts import (
    change_correlation,
    change_mean,
    change_sd,
    combine_arms,
    from_p_value,
    from_t,
    sd_from_difference_se,
    se_from_interval,
    se_from_p_value,
)
from tools.synthesis.conversions_medians import (
    Computed,
    FiveNumberMethod,
    NotComputed,
    Skewness,
    mean_from_five_numbers,
    sd_from_five_numbers,
    skewed,
)
from tools.synthesis.distributions import critical
from tools.synthesis.values import ArmData, Conversion

__all__ = [
    "Completion",
    "Computed",
    "FiveNumberMethod",
    "Kind",
    "NotComputed",
    "Skewness",
    "change_correlation",
    "change_mean",
    "change_sd",
    "combine_arms",
    "complete",
    "completion",
    "events_from_percent",
    "from_p_value",
    "from_t",
    "mean_from_five_numbers",
    "percent_from_events",
    "sd_from_ci",
    "sd_from_difference_se",
    "sd_from_five_numbers",
    "sd_from_se",
    "se_from_interval",
    "se_from_p_value",
    "skewed",
]

Kind = Literal["dichotomous", "continuous"]


class Completion(Frozen):
    """An arm with what could be computed, how, and why the rest could not."""

    arm: ArmData
    conversions: tuple[Conversion, ...] = ()
    not_computed: tuple[NotComputed, ...] = Field(default=(), description="Wanted, missing, not to be had.")


# An arm ------------------------------------------------------------------------------------------


def complete(
    arm: ArmData, *, kind: Kind, level: float = 0.95, printed: Printed | None = None
) -> tuple[ArmData, tuple[Conversion, ...]]:
    """The arm with what can be computed filled in, and how; see `completion` for what could not be."""
    done = completion(arm, kind=kind, level=level, printed=printed)
    return done.arm, done.conversions


def completion(
    arm: ArmData,
    *,
    kind: Kind,
    level: float = 0.95,
    printed: Printed | None = None,
    method: FiveNumberMethod = "luo_wan_shi",
) -> Completion:
    """Fill what an arm lacks and what its other numbers imply.

    Dichotomous: events from percent and total, percent from events and total. Continuous: SD from the SE, else
    from the CI of the mean, else from quartiles or range; mean from median with quartiles or range; SE from SD.
    `level` is that of `ci_lower` and `ci_upper`; `printed` says with how many decimals numbers were given.
    """
    steps = _dichotomous(arm, printed) if kind == "dichotomous" else _continuous(arm, level, printed, method)
    made = tuple(step for step in steps if isinstance(step, Conversion))
    refused = tuple(step for step in steps if isinstance(step, NotComputed))
    return Completion(
        arm=arm.model_copy(update={step.to: step.value for step in made}),
        conversions=made,
        not_computed=refused,
    )


def _dichotomous(arm: ArmData, printed: Printed | None) -> list[Computed]:
    if arm.events is not None and arm.percent is not None:
        return []
    if arm.total is None:
        return [NotComputed(to="events" if arm.events is None else "percent", why="the total is not known")]
    if arm.events is not None:
        return [percent_from_events(arm.events, arm.total)]
    if arm.percent is None:
        return [NotComputed(to="events", why="neither events nor percent is known")]
    return [events_from_percent(arm.percent, arm.total, (printed or {}).get("percent"))]


def _continuous(
    arm: ArmData, level: float, printed: Printed | None, method: FiveNumberMethod
) -> list[Computed]:
    steps: list[Computed] = []
    five = (arm.minimum, arm.q1, arm.median, arm.q3, arm.maximum)
    if arm.mean is None:
        steps.append(mean_from_five_numbers(five, arm.total, method))
    if arm.sd is None:
        steps.append(_missing_sd(arm, level, printed, method))
        return steps
    if arm.se is None and arm.total is not None and arm.total > 0 and arm.sd >= 0:
        steps.append(Conversion(to="se", value=arm.sd / math.sqrt(arm.total), inputs=(("sd", arm.sd), ("n", arm.total)),
                                formula="SE = SD / √n", source="Handbook 6.5.2.2"))  # fmt: skip
    return steps


def _missing_sd(arm: ArmData, level: float, printed: Printed | None, method: FiveNumberMethod) -> Computed:
    """From the most exact source there is. A refusal of one source goes on to the next."""
    refused = []
    if arm.se is not None:
        found = sd_from_se(arm.se, arm.total)
        if isinstance(found, Conversion):
            return found
        refused.append(found.why)
    if arm.ci_lower is not None and arm.ci_upper is not None:
        found = sd_from_ci(arm.ci_lower, arm.ci_upper, arm.total, level, mean=arm.mean, printed=printed)
        if isinstance(found, Conversion):
            return found
        refused.append(found.why)
    five = (arm.minimum, arm.q1, arm.median, arm.q3, arm.maximum)
    found = sd_from_five_numbers(five, arm.total, method)
    if isinstance(found, Conversion) or not refused:
        return found
    return NotComputed(to="sd", why="; ".join(refused))


def events_from_percent(percent: float, total: float, text: str | None = None) -> Computed:
    """Events from a percent and a total, where exactly one whole number rounds to the printed percent."""
    if not 0 <= percent <= 100:
        return NotComputed(to="events", why=f"{shown(percent, text)} % is no percent")
    if total <= 0 or total != int(total):
        return NotComputed(to="events", why=f"{shown(total)} is no number of participants")
    half = last_unit(percent, text) / 2
    low = max(0, math.ceil((percent - half) / 100 * total - 1e-9))
    high = min(int(total), math.floor((percent + half) / 100 * total + 1e-9))
    if low > high:
        why = f"no whole number of {shown(total)} participants rounds to {shown(percent, text)} %"
        return NotComputed(to="events", why=why)
    if low < high:
        why = f"{low} to {high} of {shown(total)} participants all round to {shown(percent, text)} %"
        return NotComputed(to="events", why=why)
    return Conversion(
        to="events",
        value=float(low),
        inputs=(("percent", percent), ("total", total)),
        formula="events = percent × total / 100, the only whole number that rounds to the printed percent",
        source="Handbook 6.4.2",
    )


def percent_from_events(events: float, total: float) -> Computed:
    """100 × events / total."""
    if total <= 0 or not 0 <= events <= total:
        return NotComputed(to="percent", why=f"{shown(events)} of {shown(total)} is no share")
    return Conversion(to="percent", value=100 * events / total, inputs=(("events", events), ("total", total)),
                      formula="percent = 100 × events / total", source="arithmetic")  # fmt: skip


def sd_from_se(se: float, n: float | None) -> Computed:
    """SD of one group from the SE of its mean (not of a difference)."""
    if n is None or n <= 0:
        return NotComputed(
            to="sd", why="the SD from an SE takes the number of participants, which is not known"
        )
    if se < 0:
        return NotComputed(to="sd", why=f"an SE cannot be {shown(se)}")
    return Conversion(to="sd", value=se * math.sqrt(n), inputs=(("se", se), ("n", n)),
                      formula="SD = SE × √n", source="Handbook 6.5.2.2")  # fmt: skip


def sd_from_ci(
    lower: float,
    upper: float,
    n: float | None,
    level: float = 0.95,
    *,
    mean: float | None = None,
    printed: Printed | None = None,
) -> Computed:
    """SD of one group from the confidence interval of its mean, by t with n − 1 degrees of freedom.

    From about 100 participants on, t gives what the large-sample divisor (3.92 at 95 %) gives, to one percent.
    Refused where a known mean is not in the middle, as the interval then comes from another scale.
    """
    if n is None or n < 2:
        return NotComputed(
            to="sd", why="the SD from a CI takes at least two participants, and how many there are"
        )
    if upper < lower:
        return NotComputed(
            to="sd", why=f"the limits {shown(lower)} and {shown(upper)} are in the wrong order"
        )
    texts = printed or {}
    if mean is not None:
        slack = last_unit(mean, texts.get("mean")) + (
            last_unit(lower, texts.get("ci_lower")) + last_unit(upper, texts.get("ci_upper"))
        ) / 2  # fmt: skip
        if abs((lower + upper) / 2 - mean) > slack + 0.02 * (upper - lower):
            why = f"the CI {shown(lower)} to {shown(upper)} is not symmetric about the mean {shown(mean)}"
            return NotComputed(to="sd", why=why)
    return Conversion(
        to="sd",
        value=math.sqrt(n) * (upper - lower) / (2 * critical(level, n - 1)),
        inputs=(("ci_lower", lower), ("ci_upper", upper), ("n", n), ("level", level)),
        formula="SD = √n × (upper − lower) / (2 × t), t of n − 1 degrees of freedom",
        source="Handbook 6.5.2.2",
    )
