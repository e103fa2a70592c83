"""The rules of the arithmetic checks: what each means and how a person resolves it. Pure."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from tools.schemas import Frozen
from tools.synthesis.values import Finding

__all__ = ["RULES", "Rule", "found"]


class Rule(Frozen):
    """One rule. Its id is what findings carry."""

    id: str
    severity: Literal["error", "warning"] = Field(
        description="Of its findings, where they do not say otherwise."
    )
    meaning: str = Field(description="What a finding says, in one sentence.")
    resolve: str = Field(description="What a person does about it.")


_PLACE = "Look at the quoted place in the paper"
_TABLE: tuple[tuple[str, Literal["error", "warning"], str, str], ...] = (
    # One arm
    ("negative", "error", "A count, an SD, an SE or a p value is below zero.",
     f"{_PLACE}: a dash may have been read as a minus, or a change as a final value."),
    ("not-whole", "warning", "A count of participants or events is not a whole number.",
     "See whether a percent was typed as a count; counts corrected for clustering are rightly not whole."),
    ("total-zero", "error", "An arm has no participants.",
     "Enter the number analysed, or leave it empty where it is not reported."),
    ("events-exceed-total", "error", "More participants have the event than there are.",
     "See whether events and total are swapped, whether events count episodes, or a percent was typed as a count."),
    ("total-exceeds-randomised", "error", "More participants are analysed than were assigned.",
     "See whether the numbers are of the same arm and of participants, not of eyes, teeth or episodes."),
    ("percent-range", "error", "A percent is not between 0 and 100.",
     "See whether it is a relative change or a rate; it is no share of participants."),
    ("percent-of-total", "error", "The percent is not events divided by total, even if cut off instead of rounded.",
     "Find the denominator that the paper used, and a misprint or misreading in one of the three numbers."),
    ("percent-cut-off", "warning", "The percent fits events and total only if digits were cut off, not rounded.",
     "Usually harmless; see that the digits are right."),
    ("percent-of-randomised", "warning", "The percent fits those assigned, not those analysed.",
     "Decide which denominator the analysis takes and use it in both arms."),
    ("interval-order", "error", "The lower limit of an interval is above the upper.",
     "Swap the limits, or find a lost minus sign."),
    ("mean-outside-interval", "error", "The mean or median is outside its confidence interval.",
     "Find the misprint, or see whether the interval belongs to another number."),
    ("mean-interval-skew", "warning", "The mean is not in the middle of its confidence interval.",
     "The interval may come from a logarithm or a bootstrap: do not compute an SD from it as if it were normal."),
    ("sd-against-se", "error", "SD and SE do not fit the number of participants: SE = SD/√n.",
     "See which of them is mislabelled; where both numbers are alike, one was read twice."),
    ("sd-is-se", "error", "What is entered as the SD fits only if it is an SE.",
     "Read the column heading and the legend; if it is an SE, enter it as SE and let the SD be computed."),
    ("sd-looks-like-se", "warning", "An SD is so small, compared with others, that it may be an SE.",
     "Read the column heading and the legend; compare with other studies on the same scale."),
    ("sd-against-interval", "warning", "The confidence interval of the mean does not fit SD and participants.",
     "See whether the interval is of another level, is a range, or belongs to a model with covariates."),
    ("sd-zero", "warning", "The SD is zero: everybody scored the same, or a number is missing.",
     "Leave the SD empty if it is not reported; an arm without variation cannot be weighed."),
    ("sd-against-range", "error", "No sample of this size with this range can have this SD.",
     "See whether the SD is an SE, or the range is an interval or quartiles."),
    ("sd-against-quartiles", "warning", "The SD is too small for the distance of the quartiles.",
     "See whether the SD is an SE."),
    ("mean-against-median", "error", "Mean and median lie further apart than the SD allows.",
     "See whether the SD is an SE, or one of the numbers belongs to another outcome or time."),
    ("quantile-order", "error", "Minimum, first quartile, median, third quartile, maximum do not rise.",
     "Find the misprint, or see whether one of the numbers is a width (an IQR as one number)."),
    ("mean-outside-range", "error", "The mean is outside the range of the data.", f"{_PLACE} for a misprint."),
    ("outside-scale", "error", "A value is outside the declared scale of the outcome.",
     "See whether it is a change score, a sum score or another scale."),
    ("sd-against-scale", "error", "No scores on the declared scale with this mean can have this SD.",
     "See whether mean and SD are on the same scale."),
    ("skew", "warning", "The mean is less than two SDs from the end of the declared scale: the data are skewed.",
     "Prefer a median or a log scale where offered; say so in the synthesis (Handbook 10.5.3)."),
    ("grim", "warning", "The mean of whole numbers cannot be this with so many participants.",
     "See whether fewer people answered, or the score is an average of items."),
    ("grimmer", "warning", "The SD of whole numbers cannot be this with this mean and so many participants.",
     "See whether fewer people answered, or a number is misprinted."),
    # Two arms and what is between them
    ("same-numbers", "warning", "Both arms have the same numbers.",
     "See whether one arm was read twice."),
    ("unlike-sd", "warning", "The SDs of the arms differ by more than chance and treatment usually make them.",
     "See whether one is an SE, or has a misplaced decimal point."),
    ("unlike-means", "warning", "The arms' means differ by many SDs.",
     "See whether the SD is an SE, or one mean has a misplaced decimal point or another unit."),
    ("arms-exceed-total", "error", "The arms have more participants than the study.",
     "See whether a participant is in two arms, or the totals are of different populations."),
    ("arms-short-of-total", "warning", "The arms have fewer participants than the study.",
     "See whether an arm is missing, or participants were lost and why."),
    ("ratio-not-positive", "error", "A ratio or one of its limits is zero or below.",
     "The numbers may be logarithms, or a difference, not a ratio."),
    ("estimate-outside-interval", "error", "The estimate is outside its own confidence interval.",
     "Find the misprint, or see whether estimate and interval belong to one another."),
    ("estimate-off-centre", "warning", "The estimate is not in the middle of its interval (of logarithms, for ratios).",
     "Find a misprinted digit; exact, profile and bootstrap intervals are rightly off centre."),
    ("estimate-se", "warning", "The SE of the estimate does not fit its confidence interval.",
     "See whether the SE is of one arm, or of the ratio instead of its logarithm."),
    ("p-range", "error", "A p value is not between 0 and 1.", "Find the misread digit."),
    ("p-significance", "error", "The p value and the confidence interval contradict each other on significance.",
     "See whether both belong to the same comparison, outcome and analysis."),
    ("p-value", "warning", "The p value is not what estimate and interval give.",
     "Often another test was used; a large gap means that one of the numbers is of something else."),
    ("arms-swapped", "error", "The reported estimate fits the arms only if they are exchanged.",
     "See which arm is which, or whether the estimate is of control against intervention."),
    ("estimate-recomputed", "error", "The arms do not give the reported estimate.",
     "Find the wrong number; an adjusted estimate rightly differs a little and should be marked as adjusted."),
    ("interval-recomputed", "warning", "The arms do not give the width of the reported interval.",
     "See whether an SD is an SE, whether the analysis was adjusted or clustered, and the level of the interval."),
    ("units-differ", "error", "The arms, or two rows of one outcome, are given in different units.",
     "Convert one of them, or find the misread unit."),
    ("scale-differs", "warning", "Numbers of one outcome differ by the factor of a known mistake of units.",
     "Read the units of both; convert, or correct the decimal point."),
    ("percent-scale", "error", "One arm is given in percent, the other as a proportion.", "Enter both in percent."),
    ("dates-order", "error", "A study ends before it starts, or is published before it starts.",
     "Find the misread date; day and month may be swapped."),
    ("follow-up-too-long", "error", "The follow-up is longer than the study.",
     "See whether the time is in weeks or months, or the end is that of enrolment."),
    # A report, and studies side by side
    ("randomised-differs", "warning", "One arm has different numbers of assigned participants in one report.",
     "Decide which is right; the flow diagram usually is."),
    ("row-repeated", "warning", "Two rows of a report have the same numbers under different names.",
     "See whether a row was read twice."),
    ("study-repeated", "warning", "Two studies have the same numbers.",
     "See whether they are two reports of one study, or one was entered twice."),
    ("not-a-number", "error", "The text of a cell is not one number.",
     "Enter the number that is meant, or leave it empty where none is reported."),
)  # fmt: skip

RULES: dict[str, Rule] = {
    id_: Rule(id=id_, severity=severity, meaning=meaning, resolve=resolve)
    for id_, severity, meaning, resolve in _TABLE
}
"""Every rule by its id."""


def found(
    rule: str,
    message: str,
    *,
    arms: Sequence[str] = (),
    statistics: Sequence[str] = (),
    severity: Literal["error", "warning"] | None = None,
) -> Finding:
    """A finding of a rule in the table.

    Raises:
        KeyError: the rule is not in the table, which is a mistake of ours.
    """
    return Finding(
        rule=rule,
        severity=severity or RULES[rule].severity,
        message=message,
        arms=tuple(arms),
        statistics=tuple(statistics),
    )
