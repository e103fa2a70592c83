"""Task `characteristics` by rules: what papers report in set phrases. It abstains rather than guesses.

A field is known by the words of its id and question; one that no rule knows is `not_found`, which says
nothing about the paper. Rules never say `not_reported`: to know that, a paper must be understood.
"""

import re
from collections.abc import Sequence

from model.baseline.cues import Sign, signs
from model.baseline.paper import Finding, Rule, Sentence, any_case, sentences_of
from model.baseline.paper_numbers import accuracy, age, female_percent
from model.baseline.paper_texts import arm, country, dose, follow_up, funding, primary_outcome, registration
from model.baseline.reading import MAX_QUOTE, read
from model.baseline.sample_size import total_of
from model.tasks.characteristics import CharacteristicsAnswer, CharacteristicsInput, FieldAnswer
from tools.schemas import FieldSpec

__all__ = ["fields_of"]


def fields_of(asked: CharacteristicsInput) -> CharacteristicsAnswer:
    """Every field of the form once, in its order."""
    paper = list(sentences_of(asked))
    opening = "\n".join([asked.title, *(s.text for s in paper if s.about_itself)][:60])
    found = signs(read(opening, asked.title))
    return CharacteristicsAnswer(cells=tuple(_answer(field, paper, found) for field in asked.fields))


def _answer(field: FieldSpec, paper: Sequence[Sentence], found: dict[str, Sign]) -> FieldAnswer:
    finding = _category(field, paper, found) if field.kind == "category" else _by_rule(field, paper)
    if finding is None or len(finding.quote) > MAX_QUOTE:
        # A sentence too long for a quote is two run together: what it says cannot be shown.
        return FieldAnswer(field_id=field.id, status="not_found")
    unit = finding.unit or (field.unit if field.kind == "number" else None)
    return FieldAnswer(field_id=field.id, status="found", value=finding.value, unit=unit, quote=finding.quote)


def _asks(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b")


RULES: tuple[tuple[re.Pattern[str], str, Rule], ...] = (
    (_asks("female", "women"), "number", female_percent),
    (_asks("sensitivity", "specificity"), "number", accuracy),
    (
        _asks(
            "sample size",
            "how many (?:participants|patients|subjects|people) were (?:studied|randomi[sz]ed|included|enrolled)",
            "number of (?:participants|patients|subjects)",
        ),
        "number",
        lambda _field, paper: total_of(paper),
    ),
    (_asks("age", "how old"), "number", age),
    (_asks("age", "how old"), "text", age),
    (_asks("registration", "registered", "registry", "nct"), "text", registration),
    (_asks("country", "countries"), "text", country),
    (_asks("follow[- ]?up", "followed"), "text", follow_up),
    (_asks("dose", "dosage"), "text", dose),
    (_asks("primary outcome", "primary end ?point"), "text", primary_outcome),
    (_asks("funding", "funded", "funder", "sponsor"), "text", funding),
    (_asks("control group", "control arm"), "text", arm("c")),
    (_asks("intervention group", "intervention arm"), "text", arm("i")),
)
"""(words of id or question, kind of field, rule); the first that fits is used."""


def _by_rule(field: FieldSpec, paper: Sequence[Sentence]) -> Finding | None:
    asked = f"{field.id.replace('_', ' ')} {field.question}".lower()
    rule = next((rule for words, kind, rule in RULES if field.kind == kind and words.search(asked)), None)
    return rule(field, paper) if rule is not None else None


# Categories --------------------------------------------------------------------------------------

_RANDOMISED = (
    r"\b(?:(?:were|was) (?:\w+ )?randomi[sz]ed|randomly (?:assigned|allocated)"
    r"|randomi[sz]ed,? (?:[\w-]+,? ){0,5}(?:trial|study))\b"
)
_DESIGNS: tuple[tuple[str, str, str, float], ...] = (
    ("cross-?over", "trial", r"\bcross-?over\b", 4.0),
    ("cluster", "trial", r"\bcluster[- ]randomi[sz]ed\b|\bclusters? (?:were|was) randomi[sz]ed\b", 4.0),
    ("non-?randomi[sz]ed", "", r"\bnon-?randomi[sz]ed\b|\bquasi-?(?:experimental|randomi[sz]ed)\b", 3.5),
    ("parallel", "trial", _RANDOMISED, 3.0),
    ("randomi[sz]ed", "trial", _RANDOMISED, 3.0),
    ("case-?\\s?control", "case_control", r"\bcase[- ]control\b", 2.5),
    ("cross-?\\s?sectional", "cross_sectional", r"\bcross[- ]sectional\b", 2.5),
    ("qualitative", "qualitative", r"\bqualitative\b", 2.5),
    ("retrospective", "cohort", r"\bretrospective(?:ly)?\b", 2.0),
    ("prospective", "cohort", r"\bprospective(?:ly)?\b", 2.0),
    ("cohort", "cohort", r"\bcohort\b", 2.0),
)
"""Word of the option, kind of study it needs a sure sign of, what the quote must hold, and its rank: a
randomised trial is prospective too, and a crossover trial randomised."""

_NOT_PARALLEL = any_case(r"cross-?over", r"random(?:i[sz]ed)? order", r"wash-?out", r"cluster")


def _category(field: FieldSpec, paper: Sequence[Sentence], found: dict[str, Sign]) -> Finding | None:
    """The one option whose cues the paper shows; none when several do as well, or none does."""
    own = [s for s in paper if s.about_itself]
    fits = [(rank, option, quote) for option in field.options for rank, quote in _fit(option, own, found)]
    best = [fit for fit in fits if fit[0] == max(rank for rank, _, _ in fits)]
    if len({option for _, option, _ in best}) != 1:
        return None
    return Finding(best[0][1], best[0][2])


def _fit(option: str, own: Sequence[Sentence], found: dict[str, Sign]) -> list[tuple[float, str]]:
    """Rank and quote of an option; empty when the paper does not show it."""
    for word, kind, cue, rank in _DESIGNS:
        if not re.search(rf"\b{word}\b", option, re.IGNORECASE):
            continue
        quote = _first(cue, own)
        unsure = bool(kind) and not (kind in found and found[kind].sure)
        if quote is None or unsure or (word == "parallel" and any(_NOT_PARALLEL.search(s.text) for s in own)):
            return []
        return [(rank, quote)]
    if option.lower() in ("other", "unclear", "mixed", "none", "yes", "no"):
        return []
    quote = _first(rf"\b{re.escape(option)}\b", own)
    return [(1.0, quote)] if quote is not None else []


def _first(pattern: str, among: Sequence[Sentence]) -> str | None:
    seen = re.compile(pattern, re.IGNORECASE)
    return next((sentence.text for sentence in among if seen.search(sentence.text)), None)
