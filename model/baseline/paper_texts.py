"""Rules for what reports tell in set phrases: registration, country, follow-up, dose, arms, outcome, funding. Pure."""

import re
from collections.abc import Sequence

from model.baseline.paper import Finding, Rule, Sentence, any_case, told
from model.baseline.places import COUNTRIES
from tools.schemas import FieldSpec

__all__ = ["arm", "country", "dose", "follow_up", "funding", "primary_outcome", "registration"]

_REGISTRATION = re.compile(
    r"\b(?:NCT\d{8}|ISRCTN\s?\d{6,8}|EudraCT\s?(?:number:?\s?)?\d{4}-\d{6}-\d{2}|ACTRN\d{14}|ChiCTR[\w-]*\d{6,}"
    r"|CTRI/\d{4}/\d{2,3}/\d{6}|DRKS\d{8}|UMIN\d{9}|JPRN-\w+\d+|IRCT\d{8,}(?:N\d+)?|NTR\s?\d{3,5}|PACTR\d{15,}"
    r"|KCT\d{7}|TCTR\d{11}|CRD\d{11})\b"
)
_NEAR_NUMBER = any_case(r"regist", r"trial", r"identifier")


def registration(_field: FieldSpec, paper: Sequence[Sentence]) -> Finding | None:
    """The number, when the paper names one alone, or one in title or abstract or beside "registered"."""
    sure: dict[str, Finding] = {}
    any_: dict[str, Finding] = {}
    for sentence in paper:
        for hit in _REGISTRATION.finditer(sentence.text):
            found = Finding(hit.group(), sentence.text)
            any_.setdefault(hit.group(), found)
            if sentence.section in ("title", "abstract") or _NEAR_NUMBER.search(sentence.text):
                sure.setdefault(hit.group(), found)
    likely = list((sure or any_).values())
    return likely[0] if len(likely) == 1 else None


_PLACED = any_case(
    r"\b(?:conducted|performed|carried out|took place|recruited|enrolled|participants|patients|hospitals?"
    r"|clinics?"
    r"|cent(?:er|re)s?|university|sites?|study|trial)\b"
)
_MAKERS = any_case(
    r"\b(?:inc|ltd|gmbh|corp|co|version|software|manufactur\w+|purchased|obtained from)\b", r"[®™]"
)
_COUNTRY = re.compile(
    r"\b(?:in|from|across|at|of|throughout|university|hospitals?|cent(?:er|re)s?|,)\s+(?:[\w'-]+["
    r" ,]+){0,4}?(?:[Tt]he )?"
    rf"(?<!South )(?P<c>{'|'.join(map(re.escape, COUNTRIES))})\b"
)


def country(_field: FieldSpec, paper: Sequence[Sentence]) -> Finding | None:
    """The countries in the first sentence on where the study was done; makers of devices do not count."""
    for sentence in paper:
        plain = re.sub(r"\([^()]*\)", " ", sentence.text)
        if not sentence.about_itself or not _PLACED.search(plain) or _MAKERS.search(plain):
            continue
        names = dict.fromkeys(COUNTRIES[hit["c"]] for hit in _COUNTRY.finditer(plain))
        if names:
            return Finding(", ".join(names), sentence.text)
    return None


_SPAN = (
    r"(?<![\d.])(?P<v>\d+(?:\.\d+)?(?:[- ](?:to|and|-)[- ]\d+(?:\.\d+)?)?[- ](?:days?|weeks?|months?|years?))"
)
_FOLLOW_UP = (
    any_case(
        rf"\b(?:mean|median|maximum|total) (?:duration of )?follow[- ]?up(?: (?:period|time|duration))?(?:"
        rf" was| of|:)* {_SPAN}"
    ),
    any_case(rf"\bfollowed(?:[- ]up)? for (?:up to |at least |a (?:mean|median|total) of )?{_SPAN}"),
    any_case(
        rf"\bfollow[- ]?up(?: period| duration| time)?(?: of| was| for| lasted|:)+ (?:up to |at least )?{_SPAN}"
    ),
    any_case(rf"{_SPAN}(?: of)? follow[- ]?up\b"),
)


def follow_up(_field: FieldSpec, paper: Sequence[Sentence]) -> Finding | None:
    """The first duration told of the follow-up in title, abstract or methods."""
    return told(_FOLLOW_UP, [s for s in paper if s.about_itself], "v")


_DOSE = re.compile(
    r"(?<![\d.,])(?P<v>\d+(?:[.,]\d+)?(?:[-–]\d+(?:\.\d+)?)?\s?(?:mg|g|µg|μg|mcg|ml|mL|IU|units?|U|mmol)"
    r"(?:/(?:kg|m2|m²|day|d|h))*(?: (?:once|twice|three times|four times)(?: (?:a|per))? (?:daily|day"
    r"|weekly|week)"
    r"| (?:daily|weekly|per day|a day|every \d+ (?:hours|days|weeks))|/day)(?: for (?:\d+|\w+) (?:days"
    r"|weeks|months|years))?)"
)


def dose(_field: FieldSpec, paper: Sequence[Sentence]) -> Finding | None:
    """The dose, when title, abstract and methods name one alone: of several, which is studied needs reading."""
    found: dict[str, Finding] = {}
    for sentence in (s for s in paper if s.about_itself):
        for hit in _DOSE.finditer(sentence.text):
            found.setdefault(hit["v"].lower(), Finding(hit["v"], sentence.text))
    return next(iter(found.values())) if len(found) == 1 else None


_ARMS = any_case(
    r"\b(?:randomi[sz]ed|randomly (?:assigned|allocated))(?: in a [\w:]+ (?:ratio|fashion|manner))?(?:"
    r" \([^)]*\))?"
    r"(?: to| into)(?: (?:receive|take|undergo))?(?: either)?(?P<i> [^.;,]{3,140}?)(?: or | versus | vs\.?"
    r" )(?:to (?:receive )?)?"
    r"(?P<c>(?:[^.;,(]|\.(?=\d)){3,100})"
)
_NO_ARM = any_case(
    r"^\W*\d", r"^one of", r"^(?:two|three|four)\b", r"\bgroups?\b", r"\b(?:compared|significant\w*|had|were|was)\b",
    r"\bor\b", r"^(?:the )?(?:intervention|control|treatment)$", r"\b(?:with|an? \w+|the latter)$",
)  # fmt: skip
"""What a phrase that is no arm by itself looks like."""


def arm(which: str) -> Rule:
    """The rule for the intervention (`i`) or the comparator (`c`) of a trial that names two arms in one sentence."""

    def rule(_field: FieldSpec, paper: Sequence[Sentence]) -> Finding | None:
        for sentence in (s for s in paper if s.about_itself):
            hit = _ARMS.search(sentence.text)
            # Of three arms, rules cannot tell which two are compared: `… or c, or d`.
            if hit is None or re.match(r"\s*(?:\([^)]*\))?,? or\b", sentence.text[hit.end() :]):
                continue
            arms = [re.sub(r"\s*\([^)]*\)?", "", hit[name]).strip(" ,") for name in ("i", "c")]
            if all(5 <= len(value) <= 120 and not _NO_ARM.search(value) for value in arms):
                return Finding(arms["ic".index(which)], sentence.text)
        return None

    return rule


_OUTCOME = (
    any_case(
        r"\b(?:primary|main|principal) (?:efficacy |study |clinical )?(?:outcome|end ?-?point)s?(?:"
        r" (?:measure|variable)s?)?"
        r"(?: of (?:this|the) (?:study|trial))? (?:was|were|is|are|included) (?P<v>[^.;]{5,200})"
    ),
)


def primary_outcome(_field: FieldSpec, paper: Sequence[Sentence]) -> Finding | None:
    """What "the primary outcome was" says in title, abstract or methods."""
    return told(_OUTCOME, [s for s in paper if s.about_itself], "v")


_FUNDING = (
    any_case(r"\b(?:funded|supported|sponsored|financed) (?:\w+ )?by (?P<v>.{4,300}?)\.?$"),
    any_case(r"\b(?P<v>(?:no|without) (?:external |specific )?funding)\b"),
)
_MONEY_SECTIONS = re.compile(r"fund|acknowledg|support")
_THIS_WORK = any_case(r"\b(?:this|the|our) (?:work|study|trial|research|project)\b")


def funding(_field: FieldSpec, paper: Sequence[Sentence]) -> Finding | None:
    """What stands behind "funded by", in acknowledgements first."""
    own = [s for s in paper if _MONEY_SECTIONS.search(s.section)]
    spoken = [s for s in paper if _THIS_WORK.search(s.text)]
    return told(_FUNDING, own, "v") or told(_FUNDING, spoken, "v")
