"""What a registry knows of a trial as sentences of a paper's methods, in several wordings. Pure.

A value is given as the sentence prints it: a day as `5 March 2019`, an age in small letters.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

from finetune.build.make.registry_form import RegistryField, Told
from finetune.build.make.registry_layouts import Piece, Span, Text, joined
from tools.registry.trial import RegisteredTrial

__all__ = ["fields_in_prose"]

_SENTENCES: Mapping[str, tuple[str, ...]] = {
    "sample_size": ("In all, {} participants were enrolled.", "{} people took part.", "We enrolled {} participants."),
    "planned_sample_size": ("It was planned to enrol {} participants.", "The target was {} participants."),
    "allocation": ("How participants came into the groups: {}.", "Allocation: {}."),
    "allocation randomised": ("Participants were randomised to the groups.", "They were randomly allocated."),
    "allocation not randomised": ("Allocation to the groups was not random.", "Participants were not randomised."),
    "design parallel groups": ("The groups were studied in parallel.", "It had a parallel-group design."),
    "design crossover": ("It had a crossover design.", "Every participant crossed over to the other treatment."),
    "design factorial": ("It had a factorial design.", "Treatments were combined in a factorial design."),
    "design single group": ("There was one group only.", "It was a single-group study."),
    "design sequential": ("Groups were enrolled one after the other, in a sequential design.",),
    "masking open label": ("It was an open-label study.", "Treatment was open, and nobody was blinded."),
    "masking single blind": ("It was single-blind.", "The study was single-masked."),
    "masking double blind": ("It was double-blind.", "The study was double-masked."),
    "masking triple blind": ("It was triple-blind.", "The study was triple-masked."),
    "masking quadruple blind": ("It was quadruple-blind.", "The study was quadruple-masked."),
    "phase": ("This was a phase {} trial.", "The trial belongs to phase {}."),
    "phase early phase 1": ("This was an early phase 1 trial.",),
    "purpose": ("The intervention was meant for {}.", "Its purpose was {}."),
    "study_type interventional": ("It was an interventional study.", "It was a study of an intervention."),
    "study_type observational": ("It was an observational study.", "People were observed, with no intervention."),
    "study_type expanded access": ("It was an expanded-access programme.",),
    "sponsor": ("{} sponsored the study.", "The study was sponsored by {}.", "Sponsor: {}."),
    "sex all": ("Women and men could take part.", "People of all sexes were eligible."),
    "sex female only": ("Only women could take part.", "Men were not eligible."),
    "sex male only": ("Only men could take part.", "Women were not eligible."),
    "minimum_age": ("People aged {} or more were eligible.", "Participants had to be at least {} old."),
    "maximum_age": ("People of up to {} of age were eligible.", "Nobody older than {} was enrolled."),
    "start_date": ("The study began in {}.", "Enrolment started in {}."),
    "completion_date": ("The study was completed in {}.", "It ended in {}."),
    "condition": ("The study was about {}.", "The condition under study was {}."),
    "primary_outcome": ("The primary outcome was: {}.", "The primary endpoint: {}."),
    "acronym": ("The study is known as {}.", "Its short name is {}."),
}  # fmt: skip
"""Field, and where its words depend on it the value, to sentences."""

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def fields_in_prose(
    trial: RegisteredTrial, known: Sequence[tuple[RegistryField, Told]], chance: random.Random
) -> tuple[Text, dict[str, str]]:
    """A report that tells these fields in its methods.

    Args:
        trial: whose title, summary and arms stand beside them.
        known: what is told, also of fields that are not asked for.
        chance: draws wording and order.

    Returns:
        The text with quotes by the paths of the leaves, and by the field's id the value as it is printed.
    """
    told = [(field, found, _printed(field, found)) for field, found in known]
    sentences = [(found.leaf.path, _sentence(field, value, chance)) for field, found, value in told]
    chance.shuffle(sentences)
    pieces = [Piece("", "title", trial.title)] if trial.title else []
    if trial.summary and chance.random() < 0.5:
        pieces.append(Piece("Abstract", "abstract", trial.summary.text))
    pieces.append(Piece("Methods", "title", "Methods"))
    some = chance.choice((2, 3, 5))
    for start in range(0, len(sentences), some):
        pieces.append(_paragraph(sentences[start : start + some]))
        if trial.arms and chance.random() < 0.4:
            arm = chance.choice(trial.arms)
            more = f": {arm.description.text}" if arm.description else ""
            pieces.append(Piece("Methods > Interventions", "paragraph", f"{arm.label.text}{more}"))
    return joined(pieces), {field.id: value for field, _, value in told}


def _paragraph(sentences: Sequence[tuple[str, str]]) -> Piece:
    text, spans = "", []
    for path, sentence in sentences:
        begin = len(text) + 1 if text else 0
        text = f"{text} {sentence}" if text else sentence
        spans.append(Span(path, begin, len(text)))
    return Piece("Methods", "paragraph", text, tuple(spans))


def _sentence(field: RegistryField, value: str, chance: random.Random) -> str:
    wordings = _SENTENCES.get(f"{field.id} {value}") or _SENTENCES[field.id]
    return chance.choice(wordings).format(value)


def _printed(field: RegistryField, told: Told) -> str:
    if field.id in ("minimum_age", "maximum_age"):
        return told.value.lower()
    hit = re.fullmatch(r"(\d{4})-(\d{2})(?:-(\d{2}))?", told.value)
    if field.id.endswith("_date") and hit is not None:
        return f"{_MONTHS[int(hit[2]) - 1]} {hit[1]}"
    return told.value.rstrip(".") if field.kind == "text" else told.value
