"""Rules for numbers in a report: sample size, age, percent female, accuracy. Pure.

Each abstains where two readings are about as likely: a wrong number is worse than none.
"""

import re
from collections.abc import Sequence

from model.baseline.paper import Finding, Sentence, any_case
from tools.schemas import FieldSpec

__all__ = ["accuracy", "age", "count_of", "female_percent", "sample_size"]

ENOUGH = 3.0
"""Votes by which the likeliest sample size must lead."""

_UNITS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_UNITS += ["thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_WORTH = {word: value for value, word in enumerate(_UNITS, start=1)}
_WORTH |= dict(zip(_TENS, range(20, 100, 10), strict=True))

_N = (
    rf"(?P<n>\d{{1,3}}(?:[,\u2009\u202f ]\d{{3}})+|\d+|(?:{'|'.join(_TENS)})(?:[- ](?:{'|'.join(_UNITS)}))?"
    rf"|(?:{'|'.join(_UNITS)}))"
)
_PEOPLE = (
    r"(?:(?!(?:of|were|was|had|with|in|to|and|or|from|per)\b)[\w-]+ ){0,4}(?:patients?|participants?|subjects?"
    r"|individuals?|persons?|people|women|men|children|adults|infants|neonates|volunteers|students|adolescents"
    r"|cases|respondents)\b"
)
_BETWEEN = r"(?:[\w,()%/-]+ ){0,8}?"
_TAKEN_IN = r"(?:randomi[sz]ed|randomly (?:assigned|allocated)|enrolled|recruited)"
_SAMPLE = tuple(
    (re.compile(rf"(?<![\w.,])(?:{pattern})", re.IGNORECASE), weight)
    for pattern, weight in (
        (
            rf"(?:a )?total of {_N} {_PEOPLE}[\w ,()%/-]{{0,60}}(?:{_TAKEN_IN}|included|analy[sz]ed|studied)",
            6.0,
        ),
        (rf"we (?:{_TAKEN_IN}|included|studied) (?:a total of )?{_N} {_PEOPLE}", 6.0),
        (rf"{_N} {_PEOPLE} {_BETWEEN}(?:were|was) (?:\w+ )?{_TAKEN_IN}", 6.0),
        (rf"randomi[sz]ed {_N} {_PEOPLE}", 5.0),
        (rf"(?:a )?total of {_N} {_PEOPLE}", 4.0),
        (rf"{_N} {_PEOPLE} {_BETWEEN}(?:were|was) (?:\w+ )?(?:included|studied|analy[sz]ed|evaluated)", 4.0),
    )
)
"""What papers say of their sample, and how much it tells."""

_NOT_ALL_BEFORE = any_case(
    r"(?:of (?:these|whom|which|them)|remaining|withdrew|excluded|dropped|lost to|hundred(?: and)?"
    r"|thousand|another"
    r"|further|additional|other|only|and|almost|about|nearly|approximately)[ ,]+$"
)
_NOT_ALL_AFTER = any_case(
    r"\bper \w+|\b(?:(?:in|to|for) (?:each|every|(?:the|both) \w+)? ?(?:group|arm)|per (?:group|arm)|each group"
    r"|offered|screened|invited|approached|assessed for|eligible but|completed|withdrew|died|excluded"
    r"|declined|refused)\b"
)
_ANOTHER = re.compile(rf"\b(?:and|versus|vs\.?) {_N} {_PEOPLE}", re.IGNORECASE)


def count_of(text: str) -> int:
    """A count in digits or words.

    >>> count_of("1,204"), count_of("Forty-two")
    (1204, 42)
    """
    if text[0].isdigit():
        return int(re.sub(r"\D", "", text))
    return sum(_WORTH[part] for part in re.split(r"[- ]", text.lower()))


def sample_size(_field: FieldSpec, paper: Sequence[Sentence]) -> Finding | None:
    """The number that the paper's statements about its sample agree on."""
    votes: dict[int, float] = {}
    quotes: dict[int, tuple[float, str]] = {}
    for sentence in (s for s in paper if s.about_its_sample):
        for number, weight in _counts(sentence.text).items():
            worth = weight * (1.5 if sentence.section == "abstract" else 1.0)
            votes[number] = votes.get(number, 0.0) + worth
            quotes[number] = max(quotes.get(number, (0.0, "")), (worth, sentence.text), key=lambda q: q[0])
    ranked = sorted(votes, key=lambda number: (-votes[number], -number))
    if not ranked or (len(ranked) > 1 and votes[ranked[0]] - votes[ranked[1]] < ENOUGH):
        return None
    return Finding(str(ranked[0]), quotes[ranked[0]][1])


def _counts(text: str) -> dict[int, float]:
    """Number to weight of the strongest phrase that a sentence has for it; parts of a sample are left out."""
    found: dict[int, float] = {}
    for pattern, weight in _SAMPLE:
        for hit in pattern.finditer(text):
            before, after = text[max(0, hit.start() - 30) : hit.start()], text[hit.end("n") :]
            part = (
                _NOT_ALL_BEFORE.search(before) or _NOT_ALL_AFTER.search(after[:90]) or _ANOTHER.search(after)
            )
            number = count_of(hit["n"])
            if not part and number > 1:
                found[number] = max(found.get(number, 0.0), weight)
    return found


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
