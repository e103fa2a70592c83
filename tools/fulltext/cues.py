"""Words that stand beside what each task asks for, whatever the trial is about. Pure data.

They choose what is read (`tools.fulltext.choosing`), and decide nothing. Headings count as words of what stands below
them, so that `Methods` leads there. Written by hand from how trials are reported (CONSORT 2010 items) and what RoB 2
asks about (22 August 2019).
"""

from collections.abc import Mapping, Sequence
from typing import Literal

__all__ = ["BIAS_CUES", "CUES", "Task", "cues_for"]

Task = Literal["arms", "participants", "results", "direction", "bias", "characteristics"]

CUES: Mapping[str, tuple[str, ...]] = {
    "arms": (
        "randomised", "allocated", "assigned", "arms", "groups", "received", "intervention", "control", "placebo",
        "comparator", "dose", "daily", "Methods", "Interventions", "Treatment", "Study design", "flow of participants",
    ),
    "participants": (
        "Table 1", "baseline", "characteristics", "demographic", "participants", "enrolled", "randomised", "age",
        "years", "sex", "male", "female", "mean", "SD", "flow of participants",
    ),
    "results": (
        "Table", "Results", "outcome", "mean", "SD", "median", "events", "change from baseline", "analysed", "CI",
        "difference",
    ),
    "direction": (
        "Results", "significant", "difference", "between groups", "increased", "decreased", "higher",
        "lower", "reduced", "improved", "P", "CI",
    ),
    "characteristics": (
        "Methods", "setting", "country", "centres", "eligibility", "inclusion criteria", "participants", "recruited",
        "follow-up", "between", "weeks", "months", "funding", "registered",
    ),
}  # fmt: skip

BIAS_CUES: Mapping[str, tuple[str, ...]] = {
    "Randomisation process": (
        "random sequence", "randomisation", "computer generated", "blocks", "stratified", "allocation concealment",
        "sealed opaque envelopes", "central", "baseline characteristics",
    ),
    "Deviations from intended interventions": (
        "blinded", "masked", "open label", "double blind", "placebo", "adherence", "deviations", "crossover",
        "intention to treat", "per protocol", "as treated",
    ),
    "Missing outcome data": (
        "lost to follow-up", "withdrew", "dropped out", "discontinued", "missing data", "imputation",
        "excluded from analysis", "completed", "flow of participants",
    ),
    "Measurement of the outcome": (
        "assessors", "blinded", "masked", "assessed", "measured", "self-reported", "questionnaire", "validated",
    ),
    "Selection of the reported result": (
        "registered", "protocol", "prespecified", "primary outcome", "secondary outcome", "statistical analysis",
    ),
    "Identification and recruitment of participants": (
        "clusters", "recruited", "identified", "before randomisation", "consent",
    ),
    "Period and carryover effects": ("crossover", "sequence", "period", "washout", "carryover"),
}  # fmt: skip
"""By the names of RoB 2's domains, its variants for clusters and crossover included."""


def cues_for(task: Task, *, domains: Sequence[str] = ()) -> tuple[str, ...]:
    """The cue words of a task, to be given to `choose` beside the words of the question.

    Args:
        task: whose question it is.
        domains: of `bias`, the domains that are asked about; one of a tool of the user's own brings the words of
            its name. None: all of RoB 2.
    """
    if task != "bias":
        return CUES[task]
    named = domains or tuple(BIAS_CUES)
    return tuple(dict.fromkeys(cue for name in named for cue in BIAS_CUES.get(name, (name,))))
