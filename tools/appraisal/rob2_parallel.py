"""RoB 2 for individually randomised trials with parallel groups: its five domains. Pure.

Version of 22 August 2019; where it comes from and how it was confirmed: see `tools.appraisal.rob2`.
"""

from typing import Literal

from tools.appraisal.conditions import Signal
from tools.appraisal.tool import Domain, Part, Question, Rule

__all__ = [
    "DEVIATIONS",
    "MISSING_OPTIONS",
    "Deviation",
    "Effect",
    "adhering_domain",
    "assignment_analysis",
    "parallel_domains",
]

Effect = Literal["assignment", "adhering"]
"""assignment: intention to treat. adhering: per protocol."""

Deviation = Literal["non_protocol", "implementation", "adherence"]
"""What an assessment of the effect of adhering looks at; the review decides beforehand, at least one."""

DEVIATIONS: tuple[Deviation, ...] = ("non_protocol", "implementation", "adherence")

MISSING_OPTIONS: tuple[Signal, ...] = ("Y", "PY", "PN", "N")
"""Of question 3.2: there is evidence or there is none, so "no information" is not offered."""


def parallel_domains(effect: Effect, deviations: tuple[Deviation, ...]) -> tuple[Domain, ...]:
    """The five domains of 22 August 2019."""
    second = _assignment() if effect == "assignment" else adhering_domain(deviations)
    return (_RANDOMISATION, second, _MISSING, _MEASUREMENT, _SELECTION)


_RANDOMISATION = Domain(
    id="1",
    name="Randomisation process",
    questions=(
        Question(id="1.1", text="Was the order of allocation produced by chance?"),
        Question(
            id="1.2", text="Did allocations stay hidden until people were enrolled and had their group?"
        ),
        Question(
            id="1.3",
            text="Do differences between the groups at the start point to a problem with randomisation?",
        ),
    ),
    parts=(
        Part(
            rules=(
                Rule(when="1.2 no", level="high", why="Allocation was not concealed."),
                Rule(
                    when="1.2 ni; 1.3 yes",
                    level="high",
                    why="Nothing is known of concealment, and the groups at the start point to a problem.",
                ),
                Rule(
                    when="1.2 ni",
                    level="some",
                    why="Nothing is known of concealment; the groups at the start do not point to a problem.",
                ),
                Rule(when="1.1 no", level="some", why="Concealed, but the order was not produced by chance."),
                Rule(
                    when="1.3 yes",
                    level="some",
                    why="Concealed, but the groups at the start point to a problem.",
                ),
                Rule(
                    when="",
                    level="low",
                    why="Concealed, no sign of an order without chance, none of a problem in the groups.",
                ),
            )
        ),
    ),
)


def _assignment() -> Domain:
    context = Part(
        name="Deviations",
        rules=(
            Rule(when="2.1 no; 2.2 no", level="low", why="Neither participants nor staff knew the group."),
            Rule(
                when="2.3 no", level="low", why="The groups were known; no deviations because of the trial."
            ),
            Rule(when="2.3 ni", level="some", why="The groups were known; nothing is told of deviations."),
            Rule(
                when="2.4 no",
                level="some",
                why="Deviations because of the trial, unlikely to have changed the outcome.",
            ),
            Rule(
                when="2.5 yes",
                level="some",
                why="Deviations that may have changed the outcome, alike in both groups.",
            ),
            Rule(
                when="2.5 no ni",
                level="high",
                why="Deviations that may have changed the outcome, not known to be alike in both groups.",
            ),
        ),
    )
    awareness = (
        Question(id="2.1", text="Did participants know during the trial which group they were in?"),
        Question(
            id="2.2", text="Did those who cared for them or delivered the interventions know the groups?"
        ),
        Question(
            id="2.3",
            text="Did the trial itself lead to departures from the intended interventions?",
            asked_if="2.1 yes ni or 2.2 yes ni",
        ),
        Question(
            id="2.4", text="Is it likely that these departures changed the outcome?", asked_if="2.3 yes"
        ),
        Question(
            id="2.5",
            text="Were these departures about as frequent and of the same kind in all groups?",
            asked_if="2.4 yes ni",
        ),
    )
    questions, analysis = assignment_analysis()
    return Domain(
        id="2",
        name="Deviations from intended interventions",
        questions=(*awareness, *questions),
        parts=(context, analysis),
    )


def assignment_analysis() -> tuple[tuple[Question, ...], Part]:
    """Second part of domain 2 for the effect of assignment: its questions and its table."""
    questions = (
        Question(id="2.6", text="Does the analysis suit the effect of being assigned to the intervention?"),
        Question(
            id="2.7",
            text="Could it have changed the result much that people were not analysed in their own group?",
            asked_if="2.6 no ni",
        ),
    )
    rules = (
        Rule(when="2.6 yes", level="low", why="Analysed as assigned."),
        Rule(
            when="2.7 no",
            level="some",
            why="Not known to be analysed as assigned; little effect on the result.",
        ),
        Rule(
            when="2.7 yes ni",
            level="high",
            why="Not known to be analysed as assigned, and that could have changed the result much.",
        ),
    )
    return questions, Part(name="Analysis", rules=rules)


def adhering_domain(deviations: tuple[Deviation, ...]) -> Domain:
    """Domain 2 for the effect of adhering, with the questions on the deviations that the review addresses."""
    on_deviations: dict[Deviation, Question] = {
        "non_protocol": Question(
            id="2.3",
            text="Were important interventions outside the protocol alike in all groups?",
            asked_if="2.1 yes ni or 2.2 yes ni",
        ),
        "implementation": Question(
            id="2.4", text="Was the intervention put into practice so badly that outcomes may have changed?"
        ),
        "adherence": Question(
            id="2.5",
            text="Did participants depart from their intervention so that outcomes may have changed?",
        ),
    }
    concerns: dict[Deviation, str] = {
        "non_protocol": "2.3 no ni",
        "implementation": "2.4 yes ni",
        "adherence": "2.5 yes ni",
    }
    concern = " or ".join(concerns[x] for x in deviations)
    questions = (
        Question(id="2.1", text="Did participants know during the trial which group they were in?"),
        Question(
            id="2.2", text="Did those who cared for them or delivered the interventions know the groups?"
        ),
        *(on_deviations[x] for x in deviations),
        Question(
            id="2.6",
            text="Does the analysis suit the effect of adhering to the intervention?",
            asked_if=concern,
        ),
    )
    rules = (
        Rule(
            when="2.6 na", level="low", why="None of the deviations that the review addresses is a concern."
        ),
        Rule(when="2.6 yes", level="some", why="A deviation is a concern; the analysis allows for it."),
        Rule(
            when="2.6 no ni",
            level="high",
            why="A deviation is a concern, and the analysis is not known to allow for it.",
        ),
    )
    return Domain(
        id="2",
        name="Deviations from intended interventions",
        questions=questions,
        parts=(Part(rules=rules),),
    )


_MISSING = Domain(
    id="3",
    name="Missing outcome data",
    questions=(
        Question(id="3.1", text="Is this outcome known for all, or nearly all, who were randomised?"),
        Question(
            id="3.2",
            text="Is there evidence that the missing data did not bias the result?",
            options=MISSING_OPTIONS,
            asked_if="3.1 no ni",
        ),
        Question(
            id="3.3",
            text="Could data be missing because of the value they would have had?",
            asked_if="3.2 no",
        ),
        Question(
            id="3.4",
            text="Is it likely that data are missing because of the value they would have had?",
            asked_if="3.3 yes ni",
        ),
    ),
    parts=(
        Part(
            rules=(
                Rule(when="3.1 yes", level="low", why="Outcome data for all or nearly all."),
                Rule(when="3.2 yes", level="low", why="Data are missing; evidence that this did no harm."),
                Rule(when="3.3 no", level="low", why="Data are missing, but not because of their values."),
                Rule(
                    when="3.4 no",
                    level="some",
                    why="Data could be missing because of their values; not likely.",
                ),
                Rule(
                    when="3.4 yes ni",
                    level="high",
                    why="Data are likely to be missing because of their values.",
                ),
            )
        ),
    ),
)

_MEASUREMENT = Domain(
    id="4",
    name="Measurement of the outcome",
    questions=(
        Question(id="4.1", text="Was the way of measuring unsuitable for this outcome?"),
        Question(id="4.2", text="Could measuring or noticing the outcome have differed between the groups?"),
        Question(
            id="4.3",
            text="Did those who assessed the outcome know which intervention people had received?",
            asked_if="4.1 no ni; 4.2 no ni",
        ),
        Question(id="4.4", text="Could that knowledge have swayed the assessment?", asked_if="4.3 yes ni"),
        Question(id="4.5", text="Is it likely that it did sway the assessment?", asked_if="4.4 yes ni"),
    ),
    parts=(
        Part(
            rules=(
                Rule(when="4.1 yes", level="high", why="An unsuitable way of measuring."),
                Rule(when="4.2 yes", level="high", why="Measuring could have differed between the groups."),
                Rule(
                    when="4.3 no; 4.2 ni or 4.4 no; 4.2 ni",
                    level="some",
                    why="The assessment was not swayed, but nothing is told of whether measuring was the same.",
                ),
                Rule(
                    when="4.3 no", level="low", why="Those who assessed the outcome did not know the groups."
                ),
                Rule(when="4.4 no", level="low", why="Knowing the groups could not sway the assessment."),
                Rule(
                    when="4.5 no",
                    level="some",
                    why="Knowing the groups could sway the assessment; not likely.",
                ),
                Rule(when="4.5 yes ni", level="high", why="Knowing the groups is likely to have swayed it."),
            )
        ),
    ),
)

_SELECTION = Domain(
    id="5",
    name="Selection of the reported result",
    questions=(
        Question(
            id="5.1",
            text="Did the analysis follow a plan that was final before unblinded outcomes were seen?",
        ),
        Question(
            id="5.2",
            text="Is the result likely to have been picked, for what it shows, from several outcome measurements?",
        ),
        Question(
            id="5.3",
            text="Is the result likely to have been picked, for what it shows, from several analyses?",
        ),
    ),
    parts=(
        Part(
            rules=(
                Rule(
                    when="5.2 yes or 5.3 yes",
                    level="high",
                    why="Likely to have been picked for what it shows.",
                ),
                Rule(
                    when="5.2 ni or 5.3 ni",
                    level="some",
                    why="Nothing is told of whether it was picked from several.",
                ),
                Rule(when="5.1 yes", level="low", why="Not picked, and analysed by a plan made before."),
                Rule(
                    when="5.1 no ni",
                    level="some",
                    why="Not picked, but not known to follow a plan made before.",
                ),
            )
        ),
    ),
)
