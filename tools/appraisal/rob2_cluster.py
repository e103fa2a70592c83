"""RoB 2 for cluster-randomised trials, test version of 18 March 2021. Pure.

What is confirmed, and by what:

- that the variant exists, its date, and its domain on identification and recruitment: riskofbias.info and the
  Cochrane Handbook, chapter 23;
- its questions (1a, 1b, 2.1a/b, 3.1a/b, 4.3a/b and the rest as in the main tool) and decision tables: one transcription
  of the published cribsheet in another open-source tool. We could not read the cribsheet itself;
- one path of domain 2 is left to a person: deviations because of the trial that are unlikely to have changed the
  outcome (2.4 no) give some concerns in the main tool, and low risk in that transcription.

Domain 5, and domain 2 for the effect of adhering, are those of the main tool.
"""

from tools.appraisal.rob2_parallel import (
    MISSING_OPTIONS,
    Deviation,
    Effect,
    adhering_domain,
    assignment_analysis,
    parallel_domains,
)
from tools.appraisal.tool import Domain, Part, Question, Rule

__all__ = ["cluster_domains"]


def cluster_domains(effect: Effect, deviations: tuple[Deviation, ...]) -> tuple[Domain, ...]:
    """The six domains: as in the main tool, with 1b between the first and the second."""
    second = _assignment() if effect == "assignment" else adhering_domain(deviations)
    selection = parallel_domains(effect, deviations)[-1]
    return (_RANDOMISATION, _RECRUITMENT, second, _MISSING, _MEASUREMENT, selection)


_RANDOMISATION = Domain(
    id="1a",
    name="Randomisation process",
    questions=(
        Question(id="1a.1", text="Was the order in which clusters were allocated produced by chance?"),
        Question(
            id="1a.2", text="Did allocations stay hidden until clusters were enrolled and had their group?"
        ),
        Question(
            id="1a.3",
            text="Do differences between the groups at the start point to a problem with randomisation?",
        ),
    ),
    parts=(
        Part(
            rules=(
                Rule(when="1a.2 no", level="high", why="Allocation was not concealed."),
                Rule(
                    when="1a.2 ni; 1a.3 yes",
                    level="high",
                    why="Nothing is known of concealment, and the groups at the start point to a problem.",
                ),
                Rule(
                    when="1a.2 ni",
                    level="some",
                    why="Nothing is known of concealment; the groups at the start do not point to a problem.",
                ),
                Rule(
                    when="1a.1 no", level="some", why="Concealed, but the order was not produced by chance."
                ),
                Rule(
                    when="1a.3 yes",
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

_RECRUITMENT = Domain(
    id="1b",
    name="Identification and recruitment of participants",
    questions=(
        Question(
            id="1b.1",
            text="Had everyone who takes part been identified, and recruited where needed, before clusters were "
            "randomised?",
        ),
        Question(
            id="1b.2",
            text="Is it likely that knowing a cluster's intervention changed who was selected?",
            asked_if="1b.1 no ni",
        ),
        Question(
            id="1b.3",
            text="Do differences at the start suggest that the groups identified or recruited people differently?",
        ),
    ),
    parts=(
        Part(
            rules=(
                Rule(when="1b.1 yes", level="low", why="All were identified and recruited beforehand."),
                Rule(
                    when="1b.2 yes",
                    level="high",
                    why="Knowing the groups is likely to have changed who takes part.",
                ),
                Rule(
                    when="1b.2 ni; 1b.3 yes",
                    level="high",
                    why="Selection may have depended on the groups, and the groups differ at the start.",
                ),
                Rule(
                    when="1b.2 ni",
                    level="some",
                    why="Selection may have depended on the groups; they do not differ at the start.",
                ),
                Rule(
                    when="1b.3 yes",
                    level="some",
                    why="Selection is unlikely to have depended on the groups, but they differ at the start.",
                ),
                Rule(when="", level="low", why="Selection is unlikely to have depended on the groups."),
            )
        ),
    ),
)


def _assignment() -> Domain:
    questions, analysis = assignment_analysis()
    awareness = (
        Question(id="2.1a", text="Did participants know that they were in a trial?"),
        Question(
            id="2.1b",
            text="Did participants know during the trial which group they were in?",
            asked_if="2.1a yes ni",
        ),
        Question(
            id="2.2", text="Did those who cared for them or delivered the interventions know the groups?"
        ),
        Question(
            id="2.3",
            text="Did the trial itself lead to departures from the intended interventions?",
            asked_if="2.1b yes ni or 2.2 yes ni",
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
    rules = (
        Rule(
            when="2.1b no na; 2.2 no",
            level="low",
            why="Participants did not know of the trial or of their group, and staff did not know the groups.",
        ),
        Rule(when="2.3 no", level="low", why="The groups were known; no deviations because of the trial."),
        Rule(when="2.3 ni", level="some", why="The groups were known; nothing is told of deviations."),
        Rule(
            when="2.4 no",
            level=None,
            why="Deviations because of the trial, unlikely to have changed the outcome: our sources for this variant "
            "disagree between low risk and some concerns, so a person judges.",
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
    )
    return Domain(
        id="2",
        name="Deviations from intended interventions",
        questions=(*awareness, *questions),
        parts=(Part(name="Deviations", rules=rules), analysis),
    )


_MISSING = Domain(
    id="3",
    name="Missing outcome data",
    questions=(
        Question(id="3.1a", text="Is this outcome known from every cluster that recruited participants?"),
        Question(
            id="3.1b", text="Within the clusters, is this outcome known for all, or nearly all, participants?"
        ),
        Question(
            id="3.2",
            text="Is there evidence that the missing data did not bias the result?",
            options=MISSING_OPTIONS,
            asked_if="3.1a no ni or 3.1b no ni",
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
                Rule(
                    when="3.1a yes; 3.1b yes",
                    level="low",
                    why="Outcome data for all clusters and nearly all people.",
                ),
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
            id="4.3a",
            text="Did those who assessed the outcome know that a trial was going on?",
            asked_if="4.1 no ni; 4.2 no ni",
        ),
        Question(
            id="4.3b",
            text="Did those who assessed the outcome know which intervention people had received?",
            asked_if="4.3a yes ni",
        ),
        Question(id="4.4", text="Could that knowledge have swayed the assessment?", asked_if="4.3b yes ni"),
        Question(id="4.5", text="Is it likely that it did sway the assessment?", asked_if="4.4 yes ni"),
    ),
    parts=(
        Part(
            rules=(
                Rule(when="4.1 yes", level="high", why="An unsuitable way of measuring."),
                Rule(when="4.2 yes", level="high", why="Measuring could have differed between the groups."),
                Rule(
                    when="4.3a no; 4.2 ni or 4.3b no; 4.2 ni or 4.4 no; 4.2 ni",
                    level="some",
                    why="The assessment was not swayed, but nothing is told of whether measuring was the same.",
                ),
                Rule(
                    when="4.3a no", level="low", why="Those who assessed the outcome did not know of a trial."
                ),
                Rule(
                    when="4.3b no", level="low", why="Those who assessed the outcome did not know the groups."
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
