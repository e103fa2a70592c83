"""Invented trials: drugs, diseases and numbers that do not exist, told in a few sentences whose facts are known.

They teach a small model the form of answers and to copy; nothing in them is knowledge. Deterministic by the
random numbers that are handed in.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from model.tasks.direction import Direction

Say = Callable[..., None]

__all__ = ["Arm", "Trial", "disease", "drug", "invent", "word"]

_ONSETS = (
    "b", "br", "c", "d", "dr", "f", "g", "h", "j", "k", "l", "m", "n", "p", "pl", "qu", "r", "s", "st", "t", "tr", "v",
    "w", "z",
)  # fmt: skip
_VOWELS = ["a", "e", "i", "o", "u", "ei", "au"]
_ENDINGS = ["mab", "nib", "zine", "pril", "sartan", "xin", "tide", "stat", "olol", "vir"]
_STEMS = ["itis", "osis", "algia", "emia", "opathy", "oma", "ia"]
FAMILIAR = 0.7
"""Share of names from a small stock: to copy those is learned first, and eases the way to those never seen."""

_PLACES = ["Norland", "Vestria", "Ostmark", "Calderia", "Lunovia", "Tarsis", "Meridon", "Elbonia"]
_SETTINGS = ("hospital", "outpatient clinics", "general practices", "nursing homes", "community centres")
_FUNDERS = ("Institute", "Foundation", "Research Council", "Pharma")
_OUTCOMES = (
    ("pain score", "points"), ("systolic pressure", "mmHg"), ("walking distance", "metres"), ("body weight", "kg"),
    ("attacks per month", "attacks"), ("quality of life", "points"), ("sleep time", "hours"), ("fatigue", "points"),
)  # fmt: skip
_FILLER = (
    "The methods have been described elsewhere.", "Data were checked twice before the analysis.",
    "Further work is under way.", "Missing values were left as they were.", "All visits took place in the morning.",
    "The staff had been trained for this purpose.", "Details are given in the supplement.",
    "The analysis followed a plan written beforehand.", "Costs were not a part of this work.",
)  # fmt: skip


def word(chance: random.Random, syllables: int = 2) -> str:
    """A word that is none."""
    return "".join(chance.choice(_ONSETS) + chance.choice(_VOWELS) for _ in range(syllables))


def drug(chance: random.Random) -> str:
    """Name of a drug that does not exist; more often than not one of those that occur again and again."""
    return chance.choice(_DRUGS) if chance.random() < FAMILIAR else _drug(chance)


def disease(chance: random.Random) -> str:
    """Name of a disease that does not exist; more often than not one of those that occur again and again."""
    stem = chance.choice(_STEMMED) if chance.random() < FAMILIAR else _stemmed(chance)
    return chance.choice(("", "", "chronic ", "acute ", "recurrent ")) + stem


def _drug(chance: random.Random) -> str:
    return word(chance, chance.choice((1, 2))) + chance.choice(_ENDINGS)


def _stemmed(chance: random.Random) -> str:
    return word(chance, 1) + chance.choice("bdklmnrt") + chance.choice(_STEMS)


_POOL = random.Random(7)  # noqa: S311 - invents
_DRUGS = tuple(dict.fromkeys(_drug(_POOL) for _ in range(60)))
_STEMMED = tuple(dict.fromkeys(_stemmed(_POOL) for _ in range(60)))


@dataclass(frozen=True)
class Arm:
    """One group of a trial, and what was seen in it."""

    label: str
    drug: str
    dose: str
    comparator: bool
    size: int
    age: str
    age_sd: str
    women: int
    mean: str
    sd: str


@dataclass(frozen=True)
class Trial:
    """What happened, and which span of the text tells each fact; a fact that is absent is not told."""

    drug: str
    disease: str
    design: str
    """randomised, cohort, review, animal, or empty where it is not told."""
    people: str
    """adults, children, adults and adolescents, or empty."""
    arms: tuple[Arm, ...]
    weeks: int
    outcome: str
    unit: str
    direction: Direction
    """Of the outcome under the first arm against the last."""
    title: str = ""
    sentences: tuple[str, ...] = ()
    told: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The sentences."""
        return " ".join(self.sentences)

    @property
    def abstract(self) -> str:
        """Title, then the sentences, as a record is shown for screening."""
        return f"{self.title}\n{self.text}"


def invent(chance: random.Random, filler: int = 0) -> Trial:
    """A trial with its text; `filler` sentences that say nothing are strewn in."""
    name, what = drug(chance), disease(chance)
    design = chance.choices(("randomised", "cohort", "review", "animal", ""), (65, 12, 8, 8, 7))[0]
    people = (
        ""
        if design == "animal"
        else chance.choice(("adults", "children", "adults and adolescents", "", "adults"))
    )
    outcome, unit = chance.choice(_OUTCOMES)
    direction: Direction = chance.choice(("increased", "decreased", "no_difference"))
    weeks = chance.choice((4, 6, 8, 12, 16, 24, 52))
    bare = Trial(
        name,
        what,
        design,
        people,
        _arms(chance, name, direction, (5, 15) if people == "children" else (30, 75)),
        weeks,
        outcome,
        unit,
        direction,
    )
    told, sentences = _tell(chance, bare)
    for _ in range(filler):
        sentences.insert(chance.randrange(len(sentences) + 1), chance.choice(_FILLER))
    title = chance.choice(("{d} for {x}", "{d} in {p} with {x}", "Treatment of {x} with {d}")).format(
        d=name.capitalize(), x=what, p=people or "patients"
    )
    shown = {**vars(bare), "title": title, "sentences": tuple(sentences), "told": told}
    return Trial(**shown)


def _arms(chance: random.Random, name: str, direction: str, years: tuple[int, int]) -> tuple[Arm, ...]:
    other = chance.choice(("placebo", "placebo", drug(chance), "usual care"))
    unit = chance.choice(("mg", "mg", "ml"))
    doses = sorted(
        {chance.choice((5, 10, 20, 25, 40, 50, 80, 100, 200)) for _ in range(chance.choice((1, 1, 2)))}
    )
    base = chance.randrange(20, 90)
    change = {"increased": 12, "decreased": -12}.get(direction, 0)
    groups = [(f"{name} {dose} {unit}", name, f"{dose} {unit}", False) for dose in reversed(doses)]
    groups.append((other, other, "", True))
    arms = []
    for label, given, dose, comparator in groups:
        size = chance.randrange(20, 400)
        mean = base + (0 if comparator else change)
        arms.append(
            Arm(
                label,
                given,
                dose,
                comparator,
                size,
                age=f"{chance.randrange(*years)}.{chance.randrange(10)}",
                age_sd=f"{chance.randrange(4, 15)}.{chance.randrange(10)}",
                women=chance.randrange(5, size),
                mean=f"{mean}.{chance.randrange(10)}",
                sd=f"{chance.randrange(2, 15)}.{chance.randrange(10)}",
            )
        )
    return tuple(arms)


def _tell(chance: random.Random, trial: Trial) -> tuple[dict[str, str], list[str]]:
    """The sentences, and fact to the span that tells it."""
    told: dict[str, str] = {}
    lines: list[str] = []

    def say(sentence: str, **facts: str) -> None:
        lines.append(sentence)
        assert all(span in sentence for span in facts.values()), (sentence, facts)
        told.update(facts)

    _design(chance, trial, say)
    if trial.design == "review":
        return told, lines
    arms = trial.arms
    total = sum(arm.size for arm in arms)
    if chance.random() < 0.55:
        groups = _listed([f"{arm.size} {arm.label}" for arm in arms])
        say(
            f"{total} {'animals' if trial.design == 'animal' else 'participants'} were analysed: {groups}.",
            size=str(total), **{f"size {arm.label}": f"{arm.size} {arm.label}" for arm in arms},
        )  # fmt: skip
    if trial.people and chance.random() < 0.4:
        spans = [f"{arm.age} (SD {arm.age_sd}) years with {arm.label}" for arm in arms]
        say(f"Mean age was {_listed(spans)}.", **_by_arm("age", arms, spans))
    if trial.people and chance.random() < 0.35:
        spans = [f"{arm.women} of {arm.size} with {arm.label}" for arm in arms]
        say(f"Women were {_listed(spans)}.", **_by_arm("women", arms, spans))
    if chance.random() < 0.5:
        spans = [f"{arm.mean} (SD {arm.sd}) {trial.unit} with {arm.label}" for arm in arms]
        say(f"At week {trial.weeks}, {trial.outcome} was {_listed(spans)}.", **_by_arm("mean", arms, spans))
    if chance.random() < 0.6:
        how = {"increased": "was higher", "decreased": "was lower"}.get(trial.direction, "did not differ")
        p = f"p = 0.{'4' if trial.direction == 'no_difference' else '00'}{chance.randrange(1, 10)}"
        span = f"{trial.outcome} {how} with {trial.drug} than with {arms[-1].label}"
        say(f"{chance.choice(('Overall', 'At the end', 'In all'))}, {span} ({p}).", direction=span)
    _around(chance, say)
    return told, lines


def _design(chance: random.Random, trial: Trial, say: Say) -> None:
    who = trial.people or "patients"
    groups = _listed([arm.label for arm in trial.arms], "or")
    patients = f"{who} with {trial.disease}"
    facts = {"disease": trial.disease, "drug": trial.arms[0].label, "comparator": trial.arms[-1].label}
    if trial.people:
        facts["people"] = patients
    if trial.design == "review":
        span = chance.choice(("systematic review", "narrative review"))
        facts = {"review": span, "disease": trial.disease, "drug": trial.drug}
        say(f"This {span} sums up what is known of {trial.drug} in {trial.disease}.", **facts)
        return
    if trial.design == "animal":
        span = chance.choice(("rats", "mice", "beagle dogs"))
        facts |= {"animals": span, "people": span, "weeks": f"{trial.weeks} weeks"}
        say(f"For {trial.weeks} weeks {span} with {trial.disease} were given {groups}.", **facts)
        return
    facts["weeks"] = f"{trial.weeks} weeks"
    if trial.design == "cohort":
        span = chance.choice(("cohort", "retrospective cohort"))
        say(f"In a {span}, {patients} took {groups} for {trial.weeks} weeks.", cohort=span, **facts)
    elif trial.design == "randomised":
        span = chance.choice(("randomly assigned", "randomised", "allocated at random"))
        say(f"For {trial.weeks} weeks {patients} were {span} to {groups}.", randomised=span, **facts)
    else:
        say(f"For {trial.weeks} weeks {patients} took {groups}.", **facts)


def _around(chance: random.Random, say: Say) -> None:
    """Facts beside the results, each told more often than not."""
    if chance.random() < 0.4:
        place, setting = chance.choice(_PLACES), chance.choice(_SETTINGS)
        say(f"The study was done in {setting} in {place}.", country=place, setting=setting)
    if chance.random() < 0.3:
        funder = f"{word(chance).capitalize()} {chance.choice(_FUNDERS)}"
        say(f"Funding came from the {funder}.", funding=funder)
    if chance.random() < 0.3:
        number = f"NCT{chance.randrange(10**7, 10**8):08d}"
        say(f"It is registered as {number}.", registration=number)
    if chance.random() < 0.35:
        span, yes = chance.choice((("knew nothing of the treatment", True), ("knew the treatment", False)))
        say(f"Participants and assessors {span}.", **{"blind" if yes else "open": span})
    if chance.random() < 0.25:
        lost = chance.randrange(1, 40)
        say(f"{lost} participants were lost to follow-up.", lost=f"{lost} participants were lost")


def _by_arm(fact: str, arms: Sequence[Arm], spans: Sequence[str]) -> dict[str, str]:
    return {f"{fact} {arm.label}": span for arm, span in zip(arms, spans, strict=True)}


def _listed(parts: Sequence[str], last: str = "and") -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"
