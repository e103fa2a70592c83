"""Fields of an extraction form that a registry knows: how they are asked for, and what the entry says of them. Pure.

Questions are worded in several ways. Of what is a word of an enumeration in the registry, such as masking, the options
of a category are what reports say; which option stands for which word is fixed here.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from tools.registry.reading import DatePoint, Leaf
from tools.registry.trial import RegisteredTrial, enum_word
from tools.schemas import FieldSpec

__all__ = ["FIELDS", "RegistryField", "Told", "specs"]


class Told(NamedTuple):
    """What the entry says of a field."""

    value: str
    leaf: Leaf
    """Where it says so."""
    unit: str | None = None


@dataclass(frozen=True)
class RegistryField:
    """One field, and how it is asked for and read off an entry."""

    id: str
    kind: Literal["text", "number", "category"]
    questions: tuple[str, ...]
    told: Callable[[RegisteredTrial], Told | None]
    """None where the entry does not say, or says nothing that is an answer."""
    options: tuple[str, ...] = ()
    unit: str | None = None
    ids: tuple[str, ...] = ()
    """Other ids that forms use for it."""

    def spec(self, chance: random.Random) -> FieldSpec:
        """The field in one of its wordings."""
        question = chance.choice(self.questions)
        name = chance.choice((self.id, self.id, *self.ids))
        options = tuple(chance.sample(self.options, len(self.options)))
        return FieldSpec(id=name, kind=self.kind, question=question, unit=self.unit, options=options)


def specs(
    fields: Sequence[RegistryField], chance: random.Random
) -> tuple[tuple[RegistryField, FieldSpec], ...]:
    """Fields in their wordings, with ids that no two of them share."""
    made: list[tuple[RegistryField, FieldSpec]] = []
    taken: set[str] = set()
    for field in fields:
        spec = field.spec(chance)
        if spec.id in taken:
            spec = spec.model_copy(update={"id": f"{spec.id}_{len(made) + 1}"})
        taken.add(spec.id)
        made.append((field, spec))
    return tuple(made)


# What the entry says -----------------------------------------------------------------------------


def _leaf(name: str) -> Callable[[RegisteredTrial], Told | None]:
    def told(trial: RegisteredTrial) -> Told | None:
        leaf: Leaf | None = getattr(trial, name)
        return None if leaf is None or len(leaf.text) > 2000 else Told(leaf.text, leaf)

    return told


def _date(name: str) -> Callable[[RegisteredTrial], Told | None]:
    """Days on which something happened; of those that are planned only the registry knows."""

    def told(trial: RegisteredTrial) -> Told | None:
        point: DatePoint | None = getattr(trial, name)
        return Told(point.text, point) if point is not None and point.kind == "ACTUAL" else None

    return told


def _word(name: str, options: Mapping[str, str]) -> Callable[[RegisteredTrial], Told | None]:
    def told(trial: RegisteredTrial) -> Told | None:
        leaf: Leaf | None = getattr(trial, name)
        said = options.get(enum_word(leaf))
        return None if leaf is None or said is None else Told(said, leaf)

    return told


def _enrolled(trial: RegisteredTrial) -> Told | None:
    """The actual number only: who was planned for is another question."""
    count = trial.enrollment
    actual = trial.enrollment_type is not None and trial.enrollment_type.text.upper() == "ACTUAL"
    if count is None or not actual or not re.fullmatch(r"[1-9]\d*", count.text):
        return None
    return Told(count.text, count, "participants")


def _planned(trial: RegisteredTrial) -> Told | None:
    count = trial.enrollment
    kind = trial.enrollment_type.text.upper() if trial.enrollment_type else ""
    if count is None or kind not in ("ESTIMATED", "ANTICIPATED") or not re.fullmatch(r"[1-9]\d*", count.text):
        return None
    return Told(count.text, count, "participants")


def _phase(trial: RegisteredTrial) -> Told | None:
    words = [re.sub(r"\W|_", "", leaf.text.upper()) for leaf in trial.phases]
    known = {"EARLYPHASE1": "early phase 1", "PHASE1": "1", "PHASE2": "2", "PHASE3": "3", "PHASE4": "4"}
    if not words or any(word not in known for word in words):
        return None
    said = "/".join(known[word] for word in words)
    return Told(said, trial.phases[-1]) if said in PHASES else None  # a quote of the line up to there


def _condition(trial: RegisteredTrial) -> Told | None:
    leaf = trial.conditions[0] if len(trial.conditions) == 1 else None
    return Told(leaf.text, leaf) if leaf is not None else None


def _primary(trial: RegisteredTrial) -> Told | None:
    named = [outcome.measure for outcome in trial.outcomes if outcome.kind == "primary"]
    return Told(named[0].text, named[0]) if len(named) == 1 and len(named[0].text) <= 500 else None


def _acronym(trial: RegisteredTrial) -> Told | None:
    leaf = trial.acronym
    return (
        Told(leaf.text, leaf)
        if leaf is not None and re.fullmatch(r"[\w][\w .+&/-]{1,30}", leaf.text)
        else None
    )


def _age(name: str) -> Callable[[RegisteredTrial], Told | None]:
    def told(trial: RegisteredTrial) -> Told | None:
        leaf: Leaf | None = getattr(trial, name)
        return Told(leaf.text, leaf) if leaf is not None and re.match(r"\d", leaf.text) else None

    return told


ALLOCATION = {"RANDOMIZED": "randomised", "NON_RANDOMIZED": "not randomised"}
MODEL = {
    "PARALLEL": "parallel groups", "CROSSOVER": "crossover", "FACTORIAL": "factorial", "SINGLE_GROUP": "single group",
    "SEQUENTIAL": "sequential",
}  # fmt: skip
MASKING = {
    "NONE": "open label", "SINGLE": "single blind", "DOUBLE": "double blind", "TRIPLE": "triple blind",
    "QUADRUPLE": "quadruple blind",
}  # fmt: skip
SEX = {"ALL": "all", "FEMALE": "female only", "MALE": "male only"}
PURPOSE = {
    "TREATMENT": "treatment", "PREVENTION": "prevention", "DIAGNOSTIC": "diagnosis", "SCREENING": "screening",
    "SUPPORTIVE_CARE": "supportive care", "HEALTH_SERVICES_RESEARCH": "health services research",
    "BASIC_SCIENCE": "basic science",
}  # fmt: skip
PHASES = ("early phase 1", "1", "1/2", "2", "2/3", "3", "4")
STUDY = {
    "INTERVENTIONAL": "interventional",
    "OBSERVATIONAL": "observational",
    "EXPANDED_ACCESS": "expanded access",
}

FIELDS: tuple[RegistryField, ...] = (
    RegistryField(
        "sample_size", "number",
        ("How many participants were enrolled?", "Number of participants in the study.",
         "How many people were randomised or enrolled, all groups together?"),
        _enrolled, unit="participants", ids=("n", "enrolment", "participants"),
    ),
    RegistryField(
        "planned_sample_size", "number",
        ("How many participants was the study to enrol?", "The planned number of participants."),
        _planned, unit="participants", ids=("target_n",),
    ),
    RegistryField(
        "allocation", "category",
        ("How were participants allocated to groups?", "Was allocation to the groups random?"),
        _word("allocation", ALLOCATION), tuple(ALLOCATION.values()), ids=("randomisation",),
    ),
    RegistryField(
        "design", "category",
        ("Which design does the study have?", "How are the groups of the study related (parallel, crossover, ...)?"),
        _word("intervention_model", MODEL), tuple(MODEL.values()), ids=("study_design", "intervention_model"),
    ),
    RegistryField(
        "masking", "category",
        ("Who was blinded: how is the study's masking described?", "Was the study open or blinded?"),
        _word("masking", MASKING), tuple(MASKING.values()), ids=("blinding",),
    ),
    RegistryField(
        "phase", "category", ("Phase of the trial.", "Which phase of drug development is the trial in?"),
        _phase, PHASES,
    ),
    RegistryField(
        "purpose", "category", ("What is the intervention for?", "The study's primary purpose."),
        _word("purpose", PURPOSE), tuple(PURPOSE.values()), ids=("primary_purpose",),
    ),
    RegistryField(
        "study_type", "category", ("Was there an intervention, or were people observed?", "Type of study."),
        _word("study_type", STUDY), tuple(STUDY.values()),
    ),
    RegistryField(
        "sponsor", "text",
        ("Who sponsored the study?", "Name of the sponsor.", "Which institution or company is the sponsor?"),
        _leaf("sponsor"), ids=("lead_sponsor",),
    ),
    RegistryField(
        "sex", "category", ("Which sexes could take part?", "Sex of eligible participants."),
        _word("sex", SEX), tuple(SEX.values()), ids=("eligible_sex",),
    ),
    RegistryField(
        "minimum_age", "text", ("From what age could people take part?", "Youngest age that was eligible."),
        _age("minimum_age"), ids=("age_min",),
    ),
    RegistryField(
        "maximum_age", "text", ("Up to what age could people take part?", "Oldest age that was eligible."),
        _age("maximum_age"), ids=("age_max",),
    ),
    RegistryField(
        "start_date", "text", ("When did the study begin?", "Start of the study, as reported."),
        _date("start"), ids=("started",),
    ),
    RegistryField(
        "completion_date", "text", ("When was the study completed?", "End of the study, as reported."),
        _date("completion"), ids=("completed",),
    ),
    RegistryField(
        "condition", "text", ("Which condition was studied?", "Disease or condition of the participants."),
        _condition, ids=("disease",),
    ),
    RegistryField(
        "primary_outcome", "text",
        ("What was the primary outcome?", "The primary endpoint, as the report words it."),
        _primary, ids=("primary_endpoint",),
    ),
    RegistryField(
        "acronym", "text", ("Acronym or short name of the trial.", "By what short name does the trial go?"),
        _acronym, ids=("trial_name",),
    ),
)  # fmt: skip
