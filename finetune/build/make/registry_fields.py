"""Task `characteristics` from linked pairs: what the registry knows of a trial, where its paper says the same."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from finetune.build.make.papers import MAX_QUOTE, Report
from finetune.build.make.registered import NOT_IN_TEXT
from finetune.build.make.registry_form import FIELDS, RegistryField, Told, specs
from finetune.build.make.registry_links import Linked, LinkedMaker
from finetune.instructions import Instruction, Refusal
from model.tasks.characteristics import CharacteristicsAnswer, CharacteristicsInput, FieldAnswer
from tools.fulltext.quotes import locate, sentences
from tools.registry.reading import Leaf
from tools.registry.trial import RegisteredTrial

__all__ = ["RegistryFields"]

MOST = 7
_AS_A_TRIAL = r"(?:trial|study|randomi[sz]ed|design|participants|patients|subjects)"
_RECRUITED = re.compile(r"random|enrol|recruit|includ|assigned|participated|entered|eligible", re.IGNORECASE)
_PEOPLE = (
    r"(?:participants|patients|subjects|people|persons|individuals|adults|children|women|men|volunteers)"
)
_WHEN = re.compile(
    r"between|from|began|start|recruit|enrol|conducted|performed|carried out|took place", re.IGNORECASE
)
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


class _Found(NamedTuple):
    value: str
    quote: str


class RegistryFields(LinkedMaker):
    """See `LinkedMaker`."""

    name = "registry-fields"
    task = "characteristics"

    def _of(self, pair: Linked) -> Iterator[Instruction | Refusal]:
        """One form, with the fields that the paper tells as the registry does."""
        return self._form(pair)

    def _form(self, pair: Linked) -> Iterator[Instruction | Refusal]:
        lines = list(_sentences(pair.report))
        told: list[tuple[RegistryField, Told, _Found]] = []
        for field in (*FIELDS, COUNTRY, NUMBER):
            known = _told(field, pair)
            if known is None or field.id not in _FINDERS:
                continue
            found = _FINDERS[field.id](lines, known)
            if found is None:
                yield pair.refused("characteristics", NOT_IN_TEXT, field.id)
            else:
                told.append((field, known, found))
        if not told:
            return
        chance = random.Random(f"{pair.trial.nct_id} {pair.report.report_id}")  # noqa: S311 - variety, no secret
        told = chance.sample(told, min(len(told), MOST))
        asked = specs([field for field, _, _ in told], chance)
        cells = tuple(
            FieldAnswer(
                field_id=spec.id, quote=found.quote, status="found", value=found.value, unit=known.unit
            )
            for (_, spec), (_, known, found) in zip(asked, told, strict=True)
        )
        yield pair.made(
            "characteristics", CharacteristicsInput, {"fields": tuple(spec for _, spec in asked)},
            CharacteristicsAnswer(cells=cells), [spec.question for _, spec in asked],
            [found.quote for _, _, found in told], self._reading, f"{len(told)} fields",
        )  # fmt: skip


def _told(field: RegistryField, pair: Linked) -> Told | None:
    """What the entry says; where it was done stands in the document only."""
    if field is COUNTRY:
        return _country(pair.trial.document)
    return field.told(pair.entry)


def _country(document: Mapping[str, Any]) -> Told | None:
    """The country of all sites, where there is one."""
    module = document.get("protocolSection", {}).get("contactsLocationsModule") or {}
    places = module.get("locations") or ()
    named = {
        str(place.get("country")) for place in places if isinstance(place, Mapping) and place.get("country")
    }
    return Told(name := named.pop(), Leaf(text=name, path="locations")) if len(named) == 1 else None


def _number(trial: RegisteredTrial) -> Told | None:
    return Told(trial.nct_id, Leaf(text=trial.nct_id, path="nctId"))


COUNTRY = RegistryField(
    "country", "text", ("In which country was the study done?", "Country of the study."), lambda _trial: None,
    ids=("setting_country",),
)  # fmt: skip
NUMBER = RegistryField(
    "registration", "text", ("Under which number is the trial registered?", "Trial registration number."), _number,
    ids=("registry_id",),
)  # fmt: skip


# Finding -----------------------------------------------------------------------------------------


class _Line(NamedTuple):
    text: str
    own: bool
    """In title, abstract, methods or results: of the trial itself, as far as sections tell."""


def _sentences(report: Report) -> Iterator[_Line]:
    for passage in report.passages:
        if passage.kind == "table":
            continue
        elsewhere = re.search(
            r"introduction|background|discussion|conclusion|reference", passage.section, re.IGNORECASE
        )
        for start, end in sentences(passage.text):
            text = passage.text[start:end]
            if len(text) <= MAX_QUOTE:
                yield _Line(text, elsewhere is None or passage.kind == "abstract")


def _first(lines: Sequence[_Line], *patterns: str, own: bool = True) -> str | None:
    """The first sentence in which all of these occur."""
    seen = [re.compile(pattern, re.IGNORECASE) for pattern in patterns]
    return next(
        (line.text for line in lines if (line.own or not own) and all(p.search(line.text) for p in seen)),
        None,
    )


def _enrolled(lines: Sequence[_Line], told: Told) -> _Found | None:
    """The number of people who entered; below ten a number may be anything."""
    if int(told.value) < 10:
        return None
    behind = r"(?![\d%]|[.,]\d|\s?(?:%|years|weeks|months|days|mg))"
    for number in dict.fromkeys((told.value, f"{int(told.value):,}")):
        who = rf"(?<![\d.,-]){number}{behind}\s+(?:[\w-]+\s+){{0,4}}?{_PEOPLE}\b"
        quote = _first(lines, who, _RECRUITED.pattern)
        if quote is not None:
            return _Found(told.value, quote)
    return None


def _by_words(words: Mapping[str, str], *against: str) -> Callable[[Sequence[_Line], Told], _Found | None]:
    """A category by the words that reports use for it; none where they use those of another as well."""

    def found(lines: Sequence[_Line], told: Told) -> _Found | None:
        if told.value not in words:
            return None
        others = [pattern for value, pattern in words.items() if value != told.value]
        if any(_first(lines, other) for other in (*others, *against)):
            return None
        quote = _first(lines, words[told.value])
        return _Found(told.value, quote) if quote is not None else None

    return found


def _literal(around: str, *, own: bool = True) -> Callable[[Sequence[_Line], Told], _Found | None]:
    """A value that the paper spells as the registry does, in a sentence that speaks of the matter."""

    def found(lines: Sequence[_Line], told: Told) -> _Found | None:
        for line in lines:
            if (line.own or not own) and re.search(around, line.text, re.IGNORECASE):
                held = locate(told.value, line.text)
                if held is not None:
                    return _Found(held.text, line.text)
        return None

    return found


def _age(limit: str) -> Callable[[Sequence[_Line], Told], _Found | None]:
    def found(lines: Sequence[_Line], told: Told) -> _Found | None:
        hit = re.fullmatch(r"(\d+) (Year|Month)s?", told.value)
        if hit is None:
            return None
        number, unit = hit.groups()
        quote = _first(
            lines,
            limit.format(n=rf"(?<!\d){number}(?!\d)", u=unit.lower()),
            r"\bage[ds]?\b|older|younger|years old",
        )
        return _Found(f"{number} {unit.lower()}s", quote) if quote is not None else None

    return found


def _date(lines: Sequence[_Line], told: Told) -> _Found | None:
    """`2012-03-05` as `March 2012` or `5 March 2012`: the month and the year, as the paper writes them."""
    hit = re.match(r"(\d{4})-(\d{2})", told.value)
    if hit is None:
        return None
    month = _MONTHS[int(hit[2]) - 1]
    seen = re.compile(
        rf"\b(?:\d{{1,2}}(?:st|nd|rd|th)?\s)?(?:{month}|{month[:3]}\.?)\s(?:\d{{1,2}},\s)?{hit[1]}\b"
    )
    for line in lines:
        if line.own and _WHEN.search(line.text) and (held := seen.search(line.text)):
            return _Found(held.group(), line.text)
    return None


def _phase(lines: Sequence[_Line], told: Told) -> _Found | None:
    roman = {"1": "I", "2": "II", "3": "III", "4": "IV"}
    if told.value not in roman:
        return None
    quote = _first(lines, rf"\bphase[ -](?:{told.value}|{roman[told.value]})\b(?![/-])", _AS_A_TRIAL)
    return _Found(told.value, quote) if quote is not None else None


_FINDERS: Mapping[str, Callable[[Sequence[_Line], Told], _Found | None]] = {
    "sample_size": _enrolled,
    "allocation": _by_words(
        {
            "randomised": r"(?:were|was) (?:\w+ )?randomi[sz]ed|randomly (?:assigned|allocated)|"
            r"(?<!non-)(?<!non)\brandomi[sz]ed,? (?:[\w-]+,? ){0,5}(?:trial|study)",
            "not randomised": r"non-?\s?randomi[sz]ed (?:[\w-]+ ){0,3}(?:trial|study)|quasi-?experimental",
        }
    ),
    "masking": _by_words(
        {
            "open label": r"open[- ]label|unblinded|non-?blinded",
            "single blind": r"single[- ](?:blind|mask)",
            "double blind": r"double[- ](?:blind|mask)",
            "triple blind": r"triple[- ](?:blind|mask)",
            "quadruple blind": r"quadruple[- ](?:blind|mask)",
        }
    ),
    "design": _by_words(
        {
            "parallel groups": r"parallel[- ]?(?:group|arm|design)",
            "crossover": r"cross-?\s?over (?:[\w-]+ ){0,2}(?:trial|study|design)",
            "factorial": r"factorial (?:[\w-]+ ){0,2}(?:trial|study|design)",
            "single group": r"single[- ](?:arm|group) (?:[\w-]+ ){0,2}(?:trial|study|design)",
        }
    ),
    "phase": _phase,
    "sponsor": _literal(r"fund|sponsor|support|grant", own=False),
    "minimum_age": _age(
        r"(?:≥|>=|aged?|at least|over|older than|from)\s*(?:\w+\s){{0,2}}{n}"
        r"|{n}\s?(?:{u}s?)?\s?(?:of age )?(?:or|and) (?:older|over|above)"
    ),
    "maximum_age": _age(r"(?:≤|<=|to|and|–|-|up to|under|younger than)\s*{n}\s?(?:{u}s?)"),
    "start_date": _date,
    "completion_date": _date,
    "acronym": _literal(r"trial|study|acronym"),
    "country": _literal(r"conducted|performed|carried out|recruit|hospital|cent(?:er|re)s?|clinics?|sites?|university"),
    "registration": _literal(r"regist|clinicaltrials|trial|identifier|number", own=False),
    "primary_outcome": _literal(r"primary (?:outcome|end ?point)"),
}  # fmt: skip
