"""Rules for numbers in a report: age, percent female, accuracy. Pure.

Each abstains where two readings are about as likely: a wrong number is worse than none.
"""

import re
from collections.abc import Sequence

from model.baseline.paper import Finding, Sentence, any_case
from tools.schemas import FieldSpec

__all__ = ["accuracy", "age", "female_percent"]

_SPREAD = r"(?:\s?(?:±|\+/-)\s?\d+(?:\.\d+)?|\s?\((?:SD|IQR|range|±)?[^)]{1,25}\))?"
_AGE = any_case(
    r"\b(?:mean|median|average)(?: \(?(?:±|\+/-)?\s?SD\)?)? age(?: \([^)]{1,20}\))?(?: (?:of|at) [a-z"
    r" ]{1,30}?)?"
    rf"(?:,| was| of| is| were|:| =)*\s*(?<![\d.,])(?P<a>\d{{1,3}}(?:\.\d+)?{_SPREAD})(?:\s?(?P<u>years?"
    rf"|yrs?|y\b|months?|weeks?|days?))?"
)


def age(field: FieldSpec, paper: Sequence[Sentence]) -> Finding | None:
    """Mean or median age with its spread, of the whole sample: where groups differ in age, nothing."""
    found: dict[str, Finding] = {}
    for sentence in paper:
        for hit in _AGE.finditer(sentence.text) if sentence.about_its_sample else ():
            unit = {"y": "years", None: ""}.get(hit["u"], hit["u"] or "")
            value = hit["a"].strip()
            number = re.match(r"[\d.]+", value)
            assert number is not None
            shown = number.group() if field.kind == "number" else f"{value} {unit}".strip()
            found.setdefault(number.group(), Finding(shown, sentence.text, unit or None))
    return next(iter(found.values())) if len(found) == 1 else None


_PERCENT = r"(?<![\d.])(?P<p>\d{1,3}(?:\.\d+)?)\s?%"
_WOMEN = r"(?:females?|women)"
_FEMALE = (
    any_case(
        rf"{_PERCENT}\)? (?:of (?:them|whom|the (?:patients|participants|subjects|sample)) )?(?:were|was"
        rf"|are) {_WOMEN}\b"
    ),
    any_case(rf"\({_PERCENT} {_WOMEN}\b"),
    any_case(rf"\b{_WOMEN}(?: sex)?:? \(?(?:n ?= ?)?\d+ ?[,(;] ?{_PERCENT}"),
    any_case(rf"\bproportion (?:of )?{_WOMEN}(?: was| of)? {_PERCENT}"),
)


def female_percent(_field: FieldSpec, paper: Sequence[Sentence]) -> Finding | None:
    """The percentage as written, where there is one alone; it is never worked out from that of men."""
    found: dict[str, Finding] = {}
    for sentence in (s for s in paper if s.about_its_sample):
        for hit in (hit for pattern in _FEMALE for hit in pattern.finditer(sentence.text)):
            if float(hit["p"]) <= 100:
                found.setdefault(hit["p"], Finding(hit["p"], sentence.text, "%"))
    return next(iter(found.values())) if len(found) == 1 else None


_ACCURACY = any_case(
    r"\b(?P<m>sensitivity|specificity)\b(?P<between>[^.;]{0,40}?)(?<![\d.])(?P<p>\d{1,3}(?:\.\d+)?)\s?%"
)


def accuracy(field: FieldSpec, paper: Sequence[Sentence]) -> Finding | None:
    """Only where one sensitivity, or specificity, is reported: of several, which is meant needs reading."""
    asked = f"{field.id} {field.question}".lower()
    measure = "sensitivity" if "sensitiv" in asked else "specificity"
    found: dict[str, str] = {}
    for sentence in (s for s in paper if s.about_its_sample):
        for hit in _ACCURACY.finditer(sentence.text):
            if hit["m"].lower() == measure and " and " not in hit["between"] and float(hit["p"]) <= 100:
                found.setdefault(hit["p"], sentence.text)
    return Finding(*next(iter(found.items())), unit="%") if len(found) == 1 else None
