"""GRADE: the certainty of the evidence for one outcome. Software suggests (`grade_suggest`), a person rates. Pure.

A rating starts high for randomised trials, and low for non-randomised studies unless ROBINS-I was used; five domains
may take it down by one or two steps, three may take it up; it ends between high and very low (Cochrane Handbook 14.2;
Guyatt 2011, J Clin Epidemiol 64:380-2 and 64:401-6). Every step carries a written reason: it becomes a footnote of
the summary of findings.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from tools.errors import NotAllowed
from tools.schemas import Frozen

__all__ = [
    "CERTAINTIES",
    "DOWN",
    "NAMES",
    "SYMBOLS",
    "UP",
    "WORDS",
    "Certainty",
    "Design",
    "GradeDomain",
    "Rating",
    "Step",
    "Undecided",
    "UnreasonedStep",
    "rate",
    "start",
]

Certainty = Literal["very_low", "low", "moderate", "high"]
CERTAINTIES: tuple[Certainty, ...] = ("very_low", "low", "moderate", "high")
WORDS: dict[Certainty, str] = {"very_low": "Very low", "low": "Low", "moderate": "Moderate", "high": "High"}
SYMBOLS: dict[Certainty, str] = {"very_low": "⊕◯◯◯", "low": "⊕⊕◯◯", "moderate": "⊕⊕⊕◯", "high": "⊕⊕⊕⊕"}

Design = Literal["randomised", "non_randomised"]

GradeDomain = Literal[
    "risk_of_bias", "inconsistency", "indirectness", "imprecision", "publication_bias",
    "large_effect", "dose_response", "confounding",
]  # fmt: skip
DOWN: tuple[GradeDomain, ...] = (
    "risk_of_bias", "inconsistency", "indirectness", "imprecision", "publication_bias",
)  # fmt: skip
UP: tuple[GradeDomain, ...] = ("large_effect", "dose_response", "confounding")
NAMES: dict[GradeDomain, str] = {
    "risk_of_bias": "risk of bias",
    "inconsistency": "inconsistency",
    "indirectness": "indirectness",
    "imprecision": "imprecision",
    "publication_bias": "publication bias",
    "large_effect": "large effect",
    "dose_response": "dose-response gradient",
    "confounding": "plausible residual confounding",
}


class UnreasonedStep(NotAllowed):
    """A step up or down without a written reason."""


class Undecided(NotAllowed):
    """A domain that nobody has decided; no step is a decision too."""


class Step(Frozen):
    """What a person decides for one domain."""

    domain: GradeDomain
    steps: int = Field(
        ge=-2, le=2, description="-2 to 0 for the five that take down, 0 to 2 for the three others."
    )
    reason: str = ""


class Rating(Frozen):
    """The certainty of one outcome, with all that led to it."""

    design: Design
    start: Certainty
    steps: tuple[Step, ...] = Field(
        description="In GRADE's order; those that take down all, the others where given."
    )
    certainty: Certainty
    notes: tuple[str, ...] = ()

    @property
    def symbols(self) -> str:
        """As summaries of findings show it: ⊕⊕⊕◯."""
        return SYMBOLS[self.certainty]

    @property
    def reasons(self) -> tuple[str, ...]:
        """One sentence per step that was taken, for footnotes."""
        return tuple(_footnote(step) for step in self.steps if step.steps)


def start(design: Design, robins_i: bool = False) -> Certainty:
    """Where a rating starts: high, or low for non-randomised studies that were not appraised with ROBINS-I.

    Source: Schünemann 2019, J Clin Epidemiol 111:105-14.
    """
    return "high" if design == "randomised" or robins_i else "low"


def rate(design: Design, steps: Sequence[Step], *, robins_i: bool = False) -> Rating:
    """The certainty that a person's decisions lead to.

    Args:
        design: of the studies of this outcome.
        steps: one per domain; all five that take down, with 0 where there is nothing against the evidence.
        robins_i: the non-randomised studies were appraised with ROBINS-I.

    Raises:
        Undecided: one of the five domains is not decided.
        UnreasonedStep: a step without a reason.
        NotAllowed: a domain decided twice, a step in the wrong direction, or a step up for randomised trials.
    """
    _check(design, steps)
    first = start(design, robins_i)
    order = (*DOWN, *UP)
    by_order = tuple(sorted(steps, key=lambda step: order.index(step.domain)))
    at = CERTAINTIES.index(first) + sum(step.steps for step in by_order)
    certainty = CERTAINTIES[min(max(at, 0), len(CERTAINTIES) - 1)]
    return Rating(design=design, start=first, steps=by_order, certainty=certainty, notes=_notes(by_order, at))


def _check(design: Design, steps: Sequence[Step]) -> None:
    times = Counter(step.domain for step in steps)
    if twice := [NAMES[domain] for domain, n in times.items() if n > 1]:
        raise NotAllowed(f"Decided more than once: {', '.join(twice)}. Keep one decision of each.")
    if open_ := [NAMES[domain] for domain in DOWN if domain not in times]:
        raise Undecided(
            f"Not decided yet: {', '.join(open_)}. Decide each; 0 where nothing speaks against it."
        )
    if bare := [step for step in steps if step.steps and not step.reason.strip()]:
        told = ", ".join(f"{NAMES[step.domain]} ({step.steps:+d})" for step in bare)
        raise UnreasonedStep(f"Without a reason: {told}. Write one; it becomes a footnote.")
    for step in steps:
        if (step.steps > 0) if step.domain in DOWN else (step.steps < 0):
            away = "down" if step.domain in DOWN else "up"
            raise NotAllowed(
                f"{NAMES[step.domain].capitalize()} can only take the certainty {away}, or leave it: 0."
            )
        if step.domain in UP and step.steps and design == "randomised":
            raise NotAllowed(
                f"{NAMES[step.domain].capitalize()} takes up non-randomised studies only. Leave it out."
            )
    if any(step.domain in ("dose_response", "confounding") and step.steps > 1 for step in steps):
        raise NotAllowed(
            "Dose-response gradient and plausible residual confounding take up by one step. Write 1."
        )
    if any(step.domain == "publication_bias" and step.steps < -1 for step in steps):
        raise NotAllowed(
            "Publication bias is undetected or strongly suspected: at most one step down. Write -1."
        )


def _notes(steps: Sequence[Step], at: int) -> tuple[str, ...]:
    notes = []
    if any(step.steps > 0 for step in steps) and any(step.steps < 0 for step in steps):
        notes.append("Taken up although there are limitations: GRADE does so rarely.")
    if at < 0 or at >= len(CERTAINTIES):
        notes.append("The steps lead beyond the scale; it ends at very low and at high.")
    return tuple(notes)


def _footnote(step: Step) -> str:
    verb = "Taken down" if step.steps < 0 else "Taken up"
    count = {1: "one step", 2: "two steps"}[abs(step.steps)]
    reason = step.reason.strip()
    end = "" if reason.endswith((".", "!", "?")) else "."
    return f"{verb} {count} for {NAMES[step.domain]}: {reason}{end}"
