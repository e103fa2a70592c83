"""Task `characteristics` by rules: what papers report in set phrases. It abstains rather than guesses.

A field is known by the words of its id and question; a field that no rule knows is `not_found`, which
says nothing about the paper. Rules never say `not_reported`: to know that needs reading.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from model.baseline.cues import Sign, signs
from model.baseline.places import COUNTRIES
from model.baseline.reading import MAX_QUOTE, read
from model.baseline.words import telling
from model.tasks.characteristics import CharacteristicsAnswer, CharacteristicsInput, FieldAnswer
from tools.fulltext.quotes import sentences
from tools.schemas import FieldSpec

__all__ = ["fields_of"]

ENOUGH = 3
"""Votes between two readings of a number that differ: nearer than this, the rule abstains."""


@dataclass(frozen=True)
class Sentence:
    """A sentence with its place in the paper. `prose` excludes tables and captions."""

    text: str
    section: str
    prose: bool


@dataclass(frozen=True)
class Reading:
    """A value and the sentence that holds it; a heavier one goes first, of equals the earlier."""

    value: str
    quote: str
    weight: float = 1.0
    unit: str | None = None


Rule = Callable[[FieldSpec, Sequence[Sentence]], Reading | None]


def fields_of(asked: CharacteristicsInput) -> CharacteristicsAnswer:
    """Every field of the form once, in its order."""
    paper = list(_paper(asked))
    found = signs(read("\n".join([asked.title, *(s.text for s in paper if s.prose)][:60]), asked.title))
    return CharacteristicsAnswer(cells=tuple(_answer(field, paper, found) for field in asked.fields))


def _paper(asked: CharacteristicsInput) -> Iterator[Sentence]:
    for passage in asked.passages:
        prose = passage.kind in ("title", "abstract", "paragraph")
        section = "abstract" if passage.kind == "abstract" else passage.section.lower()
        for start, end in sentences(passage.text):
            yield Sentence(passage.text[start:end], section, prose)


def _answer(field: FieldSpec, paper: Sequence[Sentence], found: dict[str, Sign]) -> FieldAnswer:
    reading = _category(field, paper, found) if field.kind == "category" else _by_rule(field, paper)
    if reading is None or len(reading.quote) > MAX_QUOTE or not reading.quote:
        return FieldAnswer(field_id=field.id, status="not_found")
    return FieldAnswer(
        field_id=field.id,
        status="found",
        value=reading.value,
        unit=reading.unit or field.unit,
        quote=reading.quote,
    )


def _by_rule(field: FieldSpec, paper: Sequence[Sentence]) -> Reading | None:
    asked = f"{field.id.replace('_', ' ')} {field.question}".lower()
    for wanted, kind, rule in RULES:
        if field.kind == kind and wanted.search(asked):
            return rule(field, paper)
    return None


# Categories --------------------------------------------------------------------------------------

_OPTION_CUES: tuple[tuple[str, str, str], ...] = (
    # words in the option, kind of study, further words that the paper must have
    (r"cross-?over", "trial", r"cross-?over"),
    (r"cluster", "trial", r"cluster[- ]randomi[sz]ed|clusters? (?:were|was) randomi[sz]ed"),
    (r"non-?randomi[sz]ed", "cohort", r"non-?randomi[sz]ed|quasi-?(?:experimental|randomi[sz]ed)"),
    (r"parallel", "trial", r"parallel|randomi[sz]ed|randomly"),
    (r"randomi[sz]ed", "trial", r"randomi[sz]ed|randomly"),
    (r"retrospective", "cohort", r"retrospective(?:ly)?"),
    (r"prospective", "cohort", r"prospective(?:ly)?"),
    (r"consecutive", "cohort", r"consecutive"),
    (r"case-?\s?control", "case_control", r"case[- ]control"),
    (r"cross-?\s?sectional", "cross_sectional", r"cross[- ]sectional"),
    (r"case (?:report|series)", "case_series", r"case (?:report|series)"),
    (r"qualitative", "qualitative", r"qualitative"),
    (r"systematic|meta-?analysis", "systematic_review", r"systematic review|meta-?analysis"),
    (r"cohort", "cohort", r"cohort"),
)


def _category(field: FieldSpec, paper: Sequence[Sentence], found: dict[str, Sign]) -> Reading | None:
    """The one option whose cues the paper shows; none when several do, or none."""
    opening = [s for s in paper if s.prose][:40]
    fits = [
        (option, hit) for option in field.options if (hit := _fitting(option, opening, found)) is not None
    ]
    first = {}
    for option, hit in fits:
        first.setdefault(hit.weight, []).append((option, hit))
    if not first:
        return None
    best = first[max(first)]
    return Reading(best[0][0], best[0][1].quote) if len(best) == 1 else None


def _fitting(option: str, opening: Sequence[Sentence], found: dict[str, Sign]) -> Reading | None:
    for words, kind, cue in _OPTION_CUES:
        if not re.search(rf"\b(?:{words})\b", option, re.IGNORECASE):
            continue
        sign = found.get(kind)
        hit = _first(rf"\b(?:{cue})\b", opening)
        if sign is None or not sign.sure or hit is None:
            return None
        # A randomised trial is also prospective: what names the design goes before how data were gathered.
        rank = {"trial": 3.0, "case_control": 2.5, "cross_sectional": 2.5}.get(kind, 2.0)
        special = option.lower().startswith(("cross", "cluster")) and kind == "trial"
        return Reading(option, hit.text, rank + 0.5 * special)
    wanted = telling(option)
    if not wanted or option.lower() in ("other", "unclear", "mixed", "yes", "no"):
        return None
    hit = _first(rf"\b{re.escape(option)}\b", opening)
    return Reading(option, hit.text) if hit is not None else None


def _first(pattern: str, among: Iterable[Sentence]) -> Sentence | None:
    seen = re.compile(pattern, re.IGNORECASE)
    return next((sentence for sentence in among if seen.search(sentence.text)), None)


# Numbers -----------------------------------------------------------------------------------------

_WORDS = {
    word: value
    for value, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
        " eighteen nineteen twenty".split(),
        start=1,
    )
}
_TENS = dict(
    zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10), strict=True)
)
_NUMBER = (
    r"(?P<n>\d{1,3}(?:[,\u2009\u202f ]\d{3})+|\d+|(?:(?:"
    + "|".join(_TENS)
    + r")(?:[- ](?:"
    + "|".join(_WORDS)
    + r"))?)"
    r"|(?:" + "|".join(_WORDS) + r"))"
)
_PEOPLE = (
    r"(?:(?!(?:of|were|was|had|with|in|to|and|or|from|per)\b)[\w-]+ ){0,4}(?:patients?|participants?|subjects?|individuals?"
    r"|persons?|people|women|men|children|adults|infants|neonates|volunteers|students|adolescents|cases|respondents)"
)
_SAMPLE = tuple(
    (re.compile(pattern, re.IGNORECASE), weight)
    for pattern, weight in (
        (rf"\b(?:a )?total of {_NUMBER} {_PEOPLE}[\w ,()%/-]{{0,60}}(?:randomi[sz]ed|enrolled|included|recruited|analy[sz]ed|studied|participated)", 6),
        (rf"\bwe (?:randomi[sz]ed|randomly (?:assigned|allocated)|enrolled|recruited|included|studied) (?:a total of )?{_NUMBER} {_PEOPLE}", 6),
        (rf"\b{_NUMBER} {_PEOPLE} (?:[\w,()%/-]+ ){{0,8}}?(?:were|was) (?:\w+ )?(?:randomi[sz]ed|randomly (?:assigned|allocated)|enrolled|recruited)", 6),
        (rf"\b(?:a )?total of {_NUMBER} {_PEOPLE}", 4),
        (rf"\b{_NUMBER} {_PEOPLE} (?:[\w,()%/-]+ ){{0,8}}?(?:were|was) (?:\w+ )?(?:included|studied|analy[sz]ed|evaluated|reviewed)", 4),
        (rf"\brandomi[sz]ed {_NUMBER} {_PEOPLE}", 5),
    )
)  # fmt: skip
_PART = re.compile(
    r"\b(?:of (?:these|whom|which|them)|remaining|withdrew|excluded|dropped|lost to|in (?:the )?\w+ group)\b",
    re.IGNORECASE,
)


def _value_of(text: str) -> int:
    """A count in digits or words.

    >>> _value_of("1,204"), _value_of("Forty-two")
    (1204, 42)
    """
    plain = re.sub(r"[,\u2009\u202f ]", "", text) if text[0].isdigit() else text.lower()
    if plain.isdigit():
        return int(plain)
    parts = re.split(r"[- ]", plain)
    return sum(_TENS.get(part) or _WORDS.get(part, 0) for part in parts)


def _sample_size(_field: FieldSpec, paper: Sequence[Sentence]) -> Reading | None:
    """The number on which most statements agree; none when two are about as well supported."""
    votes: dict[int, float] = {}
    quotes: dict[int, tuple[float, str]] = {}
    for sentence in paper:
        if not sentence.prose:
            continue
        for pattern, weight in _SAMPLE:
            for hit in pattern.finditer(sentence.text):
                if _PART.search(sentence.text[max(0, hit.start() - 30) : hit.start()]):
                    continue
                number = _value_of(hit["n"])
                worth = weight * (1.5 if sentence.section == "abstract" else 1.0)
                votes[number] = votes.get(number, 0.0) + worth
                quotes[number] = max(
                    quotes.get(number, (0.0, "")), (worth, sentence.text), key=lambda q: q[0]
                )
    votes = {number: worth for number, worth in votes.items() if number >= 2}
    if not votes:
        return None
    ranked = sorted(votes, key=lambda number: (-votes[number], -number))
    if len(ranked) > 1 and votes[ranked[0]] - votes[ranked[1]] < ENOUGH:
        return None
    return Reading(str(ranked[0]), quotes[ranked[0]][1])


_AGE = re.compile(
    r"\b(?:(?:mean|median|average)(?: \(?(?:±|\+/-)?\s?SD\)?)? age(?: \([^)]{1,20}\))?(?: (?:of|at) (?:the )?[\w ]{1,30})?"
    r"(?:,| was| of| is| were|:| =)*\s*(?P<a>\d{1,3}(?:\.\d+)?(?:\s?(?:±|\+/-)\s?\d+(?:\.\d+)?|\s?\((?:SD|IQR|range)?[^)]{1,25}\))?)"
    r"(?:\s?(?P<u>years?|yrs?|months?|weeks?|days?))?|age[d]?,? (?:mean|median)(?: \(?(?:±\s?)?SD\)?)?,?\s*(?P<b>\d{1,3}(?:\.\d+)?"
    r"(?:\s?(?:±|\+/-)\s?\d+(?:\.\d+)?|\s?\((?:SD)?[^)]{1,25}\))?)(?:\s?(?P<v>years?|yrs?|months?))?)",
    re.IGNORECASE,
)


def _age(field: FieldSpec, paper: Sequence[Sentence]) -> Reading | None:
    for sentence in paper:
        if sentence.prose and (hit := _AGE.search(sentence.text)) is not None:
            unit = hit["u"] or hit["v"] or ("years" if field.unit is None else None)
            value = (hit["a"] or hit["b"]).strip()
            if field.kind == "number":
                return Reading(re.match(r"[\d.]+", value)[0], sentence.text, unit=unit)  # type: ignore[index]
            return Reading(f"{value} {unit}".strip() if unit else value, sentence.text, unit=unit)
    return None


_FEMALE = (
    re.compile(r"(?P<p>\d{1,3}(?:\.\d+)?)\s?%\)?(?: \([^)]{1,15}\))?,? (?:of (?:them|whom|the \w+|\w+) )?(?:were |was |are )?(?:female|women|girls)\b", re.IGNORECASE),
    re.compile(r"\b(?:females?|women|girls)\b[^.;%]{0,12}?\(?(?:n\s?=\s?)?(?:\d+\s?[,(;]\s?)?(?P<p>\d{1,3}(?:\.\d+)?)\s?%", re.IGNORECASE),
)  # fmt: skip
_MALE = re.compile(
    r"(?P<p>\d{1,3}(?:\.\d+)?)\s?%\)?,? (?:of (?:them|whom|the \w+|\w+) )?(?:were |was |are )?(?:male|men|boys)\b",
    re.IGNORECASE,
)


def _female(_field: FieldSpec, paper: Sequence[Sentence]) -> Reading | None:
    for sentence in paper:
        if not sentence.prose:
            continue
        for pattern in _FEMALE:
            if (hit := pattern.search(sentence.text)) is not None and float(hit["p"]) <= 100:
                return Reading(hit["p"], sentence.text)
        if (hit := _MALE.search(sentence.text)) is not None and float(hit["p"]) <= 100:
            decimals = len(hit["p"].partition(".")[2])
            return Reading(f"{100 - float(hit['p']):.{decimals}f}", sentence.text)
    return None


_ACCURACY = re.compile(
    r"\b(?P<m>sensitivity|specificity)\b(?P<between>[^.;]{0,40}?)(?P<p>\d{1,3}(?:\.\d+)?)\s?%", re.IGNORECASE
)


def _accuracy(field: FieldSpec, paper: Sequence[Sentence]) -> Reading | None:
    """Only where one sensitivity, or specificity, is reported: of several, which is meant needs reading."""
    measure = "sensitivity" if "sensitiv" in f"{field.id} {field.question}".lower() else "specificity"
    found: dict[str, str] = {}
    for sentence in paper:
        for hit in _ACCURACY.finditer(sentence.text) if sentence.prose else ():
            if hit["m"].lower() == measure and " and " not in hit["between"]:
                found.setdefault(hit["p"], sentence.text)
    return Reading(*next(iter(found.items()))) if len(found) == 1 else None


# Texts -------------------------------------------------------------------------------------------

_REGISTRATION = re.compile(
    r"\b(?:NCT\d{8}|ISRCTN\s?\d{6,8}|EudraCT\s?(?:number:?\s?)?\d{4}-\d{6}-\d{2}|ACTRN\d{14}|ChiCTR[\w-]*\d{6,}|CTRI/\d{4}/\d{2,3}/\d{6}"
    r"|DRKS\d{8}|UMIN\d{9}|JPRN-\w+\d+|IRCT\d{8,}(?:N\d+)?|NTR\s?\d{3,5}|PACTR\d{15,}|KCT\d{7}|TCTR\d{11}|CRD\d{11})\b"
)


def _registration(_field: FieldSpec, paper: Sequence[Sentence]) -> Reading | None:
    """The number, when the paper names just one; a number in the abstract or beside "registered" goes first."""
    found: dict[str, Reading] = {}
    for sentence in paper:
        for hit in _REGISTRATION.finditer(sentence.text):
            near = sentence.section == "abstract" or re.search(
                r"regist|trial|identifier", sentence.text, re.IGNORECASE
            )
            reading = Reading(hit.group(), sentence.text, 2.0 if near else 1.0)
            if hit.group() not in found or reading.weight > found[hit.group()].weight:
                found[hit.group()] = reading
    likely = [reading for reading in found.values() if reading.weight == 2.0] or list(found.values())
    return likely[0] if len(likely) == 1 else None


_WHERE = r"(?:in|from|across|at|of|throughout|conducted in|university|hospitals?|centers?|centres?|,)"
_COUNTRY = re.compile(
    rf"\b{_WHERE}\s+(?:[\w'-]+[ ,]+){{0,4}}?(?:the )?(?P<c>{'|'.join(map(re.escape, COUNTRIES))})\b"
)


def _country(_field: FieldSpec, paper: Sequence[Sentence]) -> Reading | None:
    """The countries in one sentence on where the study was done; abstract and methods only."""
    placed = re.compile(
        r"\b(?:conducted|performed|carried out|recruited|enrolled|participants|patients|hospitals?|cent(?:er|re)s?|university|clinics?|sites?|study|trial)\b",
        re.IGNORECASE,
    )
    for sentence in paper:
        where = sentence.section == "abstract" or re.search(
            r"method|setting|participant|patient|design|subject", sentence.section
        )
        if not sentence.prose or not where or not placed.search(sentence.text):
            continue
        names = list(dict.fromkeys(hit["c"] for hit in _COUNTRY.finditer(sentence.text)))
        if names:
            return Reading(", ".join(COUNTRIES[name] for name in names), sentence.text)
    return None


_SPAN = r"(?P<v>\d+(?:\.\d+)?(?:[- ](?:to|and|-)[- ]\d+(?:\.\d+)?)?[- ](?:days?|weeks?|months?|years?))"
_FOLLOW_UP = (
    re.compile(rf"\b(?:followed(?:[- ]up)?|follow[- ]?up)(?: \w+)?(?: period| duration| time)?(?: of| was| for| lasted|:)+(?: (?:up to|at least|a|an|median|mean|(?:a )?(?:total|median|mean) of))* {_SPAN}", re.IGNORECASE),
    re.compile(rf"\b(?:mean|median|maximum|average|total) (?:duration of )?follow[- ]?up(?: (?:period|time|duration))?(?: \([^)]{{1,20}}\))?(?: was| of|:|,)*(?: about)? {_SPAN}", re.IGNORECASE),
    re.compile(rf"\b{_SPAN}(?:[- ]of)?[- ]follow[- ]?up\b", re.IGNORECASE),
    re.compile(rf"\bfollowed(?: up)? for (?:up to |a (?:mean|median) of )?{_SPAN}", re.IGNORECASE),
)  # fmt: skip


def _follow_up(_field: FieldSpec, paper: Sequence[Sentence]) -> Reading | None:
    return _said(_FOLLOW_UP, paper, "v")


_DOSE = (
    re.compile(
        r"(?P<v>\d+(?:[.,]\d+)?(?:[-–]\d+(?:\.\d+)?)?\s?(?:mg|g|µg|μg|mcg|ml|mL|IU|units?|U|mg/kg|µg/kg|mmol|ppm)(?:/(?:kg|m2|m²|day|d|h))*"
        r"(?: (?:once|twice|three times|four times)(?: (?:a|per))? (?:daily|day|weekly|week)| (?:daily|weekly|per day|a day|every \d+ (?:hours|days|weeks))"
        r"|/day)(?: for (?:\d+|\w+) (?:days|weeks|months|years))?)"
    ),
)


def _dose(_field: FieldSpec, paper: Sequence[Sentence]) -> Reading | None:
    """The dose, when abstract and methods name one alone: of several, which is the studied one needs reading."""
    found: dict[str, str] = {}
    for sentence in paper:
        if sentence.prose and (
            sentence.section == "abstract"
            or "method" in sentence.section
            or "intervention" in sentence.section
        ):
            for hit in _DOSE[0].finditer(sentence.text):
                found.setdefault(hit["v"].lower(), sentence.text)
    return Reading(*next(iter(found.items()))) if len(found) == 1 else None


_GROUPS = re.compile(
    r"\b(?:randomi[sz]ed|randomly (?:assigned|allocated)|assigned|allocated)(?: in a [\w:]+ (?:ratio|fashion|manner))?,?(?: \([^)]*\))?"
    r"(?: to| into)(?: (?:receive|either|take|undergo|one of two groups:))*(?P<i> [^.;]{3,140}?)(?:,? (?:or|versus|vs\.?) | and )(?:to (?:receive )?)?"
    r"(?P<c>[^.;,(]{3,100})",
    re.IGNORECASE,
)


def _arm(which: str) -> Rule:
    def rule(_field: FieldSpec, paper: Sequence[Sentence]) -> Reading | None:
        for sentence in paper:
            if not sentence.prose or not (hit := _GROUPS.search(sentence.text)):
                continue
            value = re.sub(r"\s*\([^)]*\)?", "", hit[which]).strip(" ,")
            if 3 <= len(value) <= 120 and "group" not in value.lower():
                return Reading(value, sentence.text)
        return None

    return rule


_OUTCOME = (
    re.compile(
        r"\b(?:the )?(?:primary|main|principal) (?:efficacy |study |clinical )?(?:outcome|end ?-?point)s?(?: (?:measure|variable)s?)?"
        r"(?: (?:of (?:this|the) (?:study|trial)|was|were|is|are|included|,))+ (?P<v>[^.;]{5,200})",
        re.IGNORECASE,
    ),
)


def _primary_outcome(_field: FieldSpec, paper: Sequence[Sentence]) -> Reading | None:
    return _said(_OUTCOME, paper, "v")


_FUNDING = (
    re.compile(r"\b(?:funded|supported|sponsored|financed) (?:\w+ )?by (?P<v>[^.;]{4,220})", re.IGNORECASE),
    re.compile(r"\b(?P<v>(?:no|without) (?:external |specific )?funding)\b", re.IGNORECASE),
)


def _funding(_field: FieldSpec, paper: Sequence[Sentence]) -> Reading | None:
    own = [s for s in paper if re.search(r"fund|acknowledg|support|abstract", s.section)]
    spoken = [
        s
        for s in paper
        if re.search(r"\b(?:this|the|our) (?:work|study|trial|research|project)\b", s.text, re.IGNORECASE)
    ]
    return _said(_FUNDING, own, "v") or _said(_FUNDING, spoken, "v")


def _said(patterns: Iterable[re.Pattern[str]], paper: Sequence[Sentence], group: str) -> Reading | None:
    """What the first sentence with one of the phrases says; earlier patterns are the surer ones."""
    for pattern in patterns:
        for sentence in paper:
            if sentence.prose and (hit := pattern.search(sentence.text)) is not None:
                return Reading(hit[group].strip(" ,"), sentence.text)
    return None


def _asks(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{pattern})\b")


RULES: tuple[tuple[re.Pattern[str], str, Rule], ...] = (
    (_asks(r"female|women|sex"), "number", _female),
    (_asks(r"sensitivity|specificity"), "number", _accuracy),
    (_asks(r"sample size|how many (?:participants|patients|subjects|people) (?:were )?(?:studied|randomi[sz]ed|included|enrolled|analy[sz]ed|in)|number of (?:participants|patients|subjects)"), "number", _sample_size),
    (_asks(r"age|old"), "number", _age),
    (_asks(r"age|how old"), "text", _age),
    (_asks(r"regist(?:ration|ered|ry)|nct"), "text", _registration),
    (_asks(r"country|countries"), "text", _country),
    (_asks(r"follow[- ]?up|followed"), "text", _follow_up),
    (_asks(r"dose|dosage"), "text", _dose),
    (_asks(r"primary outcome|primary end ?point"), "text", _primary_outcome),
    (_asks(r"fund(?:ing|ed|er)?|sponsor"), "text", _funding),
    (_asks(r"comparator|control (?:group|arm)"), "text", _arm("c")),
    (_asks(r"intervention (?:group|arm)|what did the intervention"), "text", _arm("i")),
)  # fmt: skip
"""(words of id or question, kind of field, rule); the first that fits is used."""
