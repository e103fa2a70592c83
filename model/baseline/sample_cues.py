"""What reports say around a number of people: who they are, what was done with them, which are a part. Pure."""

import re

from model.baseline.counts import Count
from model.baseline.paper import any_case

__all__ = [
    "AIM",
    "ARM_BEHIND",
    "AT_START",
    "BESIDE",
    "FINITE",
    "GROUP_NAMED",
    "IN",
    "IN_BRACKETS",
    "N_IS",
    "OF",
    "OPENED",
    "PARTIAL",
    "PART_BEFORE",
    "PART_BEHIND",
    "RANDOMISING",
    "SHARE_OF",
    "SIDE",
    "SUBSET",
    "TAKING_IN",
    "THE",
    "TOTAL",
    "TRIAL_OF",
    "UNSAMPLED",
    "VERBS",
    "numbers_a_thing",
    "of_group",
    "people_behind",
]

# People ------------------------------------------------------------------------------------------

NOUN = (
    r"(?:(?:in|out)?patients?|participants?|subjects?|individuals?|persons?|people|wom[ae]n|m[ae]n|child(?:ren)?"
    r"|adults|infants?|neonates?|newborns?|babies|volunteers?|students?|adolescents?|cases|respondents?|survivors"
    r"|females|males|girls|boys|couples|mothers|veterans|smokers|residents|athletes|users|consumers|sufferers"
    r"|nulliparas?|members|latinas|immigrants|pregnancies|families|eyes|enrollees|caregivers|carers|workers|nurses"
    r"|physicians|controls)"
)
_NO_PHRASE = (
    r"(?!(?:of|were|was|had|have|has|with|in|to|or|from|per|who|received|underwent|completed|centers|centres"
    r"|hospitals?|weeks?|months?|days?|years?|hours?|cycles?|mg|between|among|for|by|on|at|is|are|as|than|versus"
    r"|vs|the|their|his|her)\b)"
)
_PEOPLE = re.compile(
    rf"\s?(?!and\b|or\b)(?:{_NO_PHRASE}[\w/+'’≥≤>-]+,? |\([^()]{{1,40}}\) ){{0,9}}?{NOUN}\b(?!-)"
    r"(?! (?:per|years|centres?|centers?)\b)",
    re.IGNORECASE,
)
_OUT_OF = re.compile(r"(?: (?:out )?of (?:the |all )?(?:planned |eligible |initial )?\d[\d,]*)?")

IN_BRACKETS = any_case(rf"\b{NOUN}\b[^.;()]{{0,100}}\(\s?n\s?=?\s*$", r"\brandomi[sz]ed \(\s?n\s?=?\s*$")
"""Before a number: `patients (n = `."""

N_IS = re.compile(r"\b[nN]\s?=?\s*$")
OPENED = re.compile(r"[({\[]\s?$")
GROUP_NAMED = any_case(r"\b(?:group|arm|control|placebo)")


def people_behind(after: str) -> int | None:
    """How far the words behind a number go that say it counts people; None where they do not.

    >>> people_behind(" adult patients were"), people_behind(" weeks of treatment")
    (15, None)
    """
    out = _OUT_OF.match(after)
    hit = _PEOPLE.match(after, out.end() if out else 0)
    return hit.end() if hit else None


# What was done with them -------------------------------------------------------------------------

RANDOMISING = any_case(
    r"\b(?:were|was|been|are) (?:\w+ ){0,2}?randomi[sz]ed\b",
    r"\brandomi[sz]ed(?= (?:to|in|into|between|before|after|with|at|1:|2:|and)\b|[.,;)])",
    r"\brandom(?:ly)?[ -](?:\w+ )?(?:assigned|allocated|divided|assignment|allocation|selected|distributed|placed)",
    r"\b(?:assigned|allocated|divided) (?:\w+ )?(?:at random|randomly|into)",
    r"\bunderwent randomi[sz]ation|\bto randomi[sz]e\b|\brandomly\b",
)
_ENROLLED = any_case(
    r"\b(?:enrol+(?:ed|ing|ment)|recruited|accrued|entered|included|registered|allocated|divided|selected"
    r"|took part|inducted|participated|participating|were studied|joined|admitted|entry)\b"
)
_TREATED = any_case(
    r"\b(?:received|receiving|treated|underwent|undergoing|assigned|administered|given|studied|followed"
    r"|investigated|intention-to-treat|started)\b"
)
_ANALYSED = any_case(
    r"\b(?:analy[sz]ed|analys[ie]s|evaluated|evalua(?:ble|tion)|available|assessed|assessable|completed|provided"
    r"|examined|eligible|responded|measured)\b"
)
_LOST = any_case(
    r"\b(?:screened|invited|approached|contacted|offered|declined|refused|withdrew|withdrawn|excluded|dropped"
    r"|lost|died|discontinued|ineligible|relapsed|deaths?|remained|remaining|non-?compliant|did not|crossed over"
    r"|stopped|failed|not eligible)\b"
)
_HAD = any_case(
    r"\b(?:had|experienced|developed|showed|reported|achieved|responded|have|has|occurred|progressed|gained"
    r"|were (?:free|alive|diagnosed|black|positive|negative|found|aged|over))\b"
)
VERBS: tuple[tuple[re.Pattern[str], float], ...] = (
    (_LOST, -6.0),
    (_HAD, -3.0),
    (_ENROLLED, 7.0),
    (_TREATED, 4.5),
    (_ANALYSED, 3.0),
)
"""What the people of a number did, and how likely that makes it the sample."""

TAKING_IN = any_case(
    r"\b(?:randomi[sz](?:ed|ing|ation of)|(?:randomly|prospectively|finally|eventually|also) (?:\w+ )?(?:assigned"
    r"|allocated|divided|selected|enrolled)|(?P<weak>enrol+ed|recruited|accrued|included|studied|entered"
    r"|registered|assigned|analy[sz]ed|enrol+ing|including|involv(?:ing|ed)|recruiting|comprised|consisted of"
    r"|evaluated|treated|followed(?: up)?|(?:performed|conducted|done|carried out|tested) (?:on|in|with|among)"
    r"|(?:participants|subjects|patients|women|sample) (?:were|was|included)))"
    r"(?: (?:a total of|approximately|about|the|all|altogether|only|into))*(?: n(?: ?=)?)?\s?$"
)
"""Right before a number: `we randomised `; `weak` where it is not the random allocation."""

TOTAL = any_case(
    r"\b(?:(?:total|sample|population|series|cohort) of|in total,?|altogether,?|overall,?|all)\s?$"
)
TRIAL_OF = any_case(
    r"\b(?:trials?,?|study,?|design|placebo|cohort|sample|randomi[sz]ed[\w ,-]*)[\w ,-]{0,60}? (?:in|of|on|with"
    r"|among|were|from|included|involved|comprising)(?: a total of)?\s?$"
)
OF = any_case(r"(?:^|[.,;:] )(?:(?:out )?of|among|in|from)(?: (?:the|a total of|all|these))?\s?$")
"""At the start of a sentence or a part of it: `Of the 60 …`."""

AT_START = any_case(
    r"^(?:(?:between|from|in|during|since|over|after|at|on|for|thus|finally|methods?:?|results?:?|patients and|and"
    r"|the|study|design:?|participants?:?|subjects?:?|population:?)\b[^;()]{0,90}[,:] ?)?(?:an?d )?\s?$"
)
FINITE = any_case(r"\b(?:were|was|had|have|has|did|could|showed|is|are)\b")
AIM = any_case(
    r"\b(?:this|the|our|present) (?:[\w-]+ )?(?:study|trial)\b",
    r"\bwe (?:\w+ly )?(?:investigated|compared|assessed|examined|studied|tested|evaluated|conducted|performed)",
    r"\b(?:to|were|was) (?:compared?|evaluated?|investigated?|assess(?:ed)?|stud(?:y|ied)|examined?|tested"
    r"|performed|conducted)\b",
)
IN = any_case(r"\b(?:in|on|of|among|with|to|from|between)\s?$")
THE = any_case(r"\b(?:the|these)\s?$")


# Parts of a sample -------------------------------------------------------------------------------

_PERCENT = r"\s?[,(]\s?\d+(?:\.\d+)?\s?(?:%|percent|per cent)(?! [a-z])"

PART_BEFORE = any_case(
    r"\b(?:of (?:these|whom|which|them|those)[ ,]+|remaining|other|another|further|additional|almost|about|nearly"
    r"|approximately|around|up to|at least|more than|over|than|fewer than|first|last|every|only)\s?$",
    r"(?<!study )(?<!final )\b(?:groups?|arm|controls?) (?:included|comprised|consisted of|was composed of|had"
    r"|of)\s?$",
    r"\b(?:planned(?: for)?|target(?: of)?|needed|required|require|goal of|of the planned|per|one in|each)\s?$",
)
PART_BEHIND = any_case(
    rf"^(?:{_PERCENT}|\s?(?:\(?[\w.%-]+\)? ){{0,3}}?(?:(?:in|to|into|for|on|of|from) (?:each|every|both|either)\b"
    r"|per\b|each\b|or (?:more|fewer|less)\b)|\s?were (?:planned|needed|required)|\s?will be|\s?would)"
)
ARM_BEHIND = any_case(
    r"^[^.;,()]{0,25}?\b(?:in|into) (?:the |an? )?(?:[\w/+-]+ ){0,4}?(?:groups?|arms?)\b(?! (?:trial|study))",
    r"^ (?:to|on|in) (?:the )?(?:placebo|control|intervention)",
    r"^ (?:[^.;:()]{0,40}? )?(?:to|into|in|received|on) [^.;:()]{0,60}? and (?:\d[\d,]*|[a-z-]+)(?: \w+)? (?:to|in"
    r"|into|received|on|without|with|were (?:assigned|allocated))\b",
    rf"^ (?:\w+ )?(?:and|versus|vs\.?) (?:\d[\d,]* |[a-z-]+ ){NOUN}\b",
)
"""Behind a number of people: it is that of one group."""

SHARE_OF = any_case(
    r"(?:\d\)?|%\)?|\b(?:patients|women|participants|subjects|one|two|three|four|five|six|seven|eight|nine|ten))"
    r" of(?: the| all)?(?: \w+)? $"
)
"""Before a number: `12 of the `."""

UNSAMPLED = any_case(
    r"\b(?:power(?:ed)? (?:of|to)|% power|sample size (?:of|was|calculation|estimat)|would be|will be"
    r"|were (?:needed|required)|planned to|needed to|previous(?:ly)? (?:study|trial|report)|earlier (?:study|trial))"
)
"""Speaks of what was planned, or of another study."""

PARTIAL = any_case(
    r"\b(?:interim|subset|sub-?groups?|sub-?sample|sub-?study|safety population|per[- ]protocol)\b"
)

# Numbers side by side ----------------------------------------------------------------------------

SUBSET = any_case(
    r"\b(?:of|completed|who|which|withdrew|including|excluded|after|enrolled|screened|recruited|eligible|entered"
    r"|included|from)\b"
)
"""Between two numbers of which the second is a part of the first."""

SIDE = any_case(
    r"[,;] ?(?:and |while |whereas |versus |with )?(?:the other )?\w*\W*$",
    r"\b(?:and|versus|vs\.?|or|while|whereas|of)\W*$",
)
BESIDE = any_case(
    r" (?:were (?:\w+ )?(?:assigned|allocated|randomi)|to |in (?:the )?|received |on |had no |without |with )",
    rf" {NOUN} (?:in|to|on|received|treated|were (?:\w+ )?(?:assigned|allocated|randomi|treated)|with(?:out)?|who"
    r"|using|undergoing|completed)\b",
    r" (?:healthy |\w+ )?controls?\b",
)
"""Behind the second of two numbers that are each of one group."""

_WHAT_GROUPS_DO = any_case(
    rf"(?: \w+)?{_PEOPLE.pattern}",
    r"[ ,]+(?:to|in|into|on|for|received|with|without|were|patients)\b(?! (?:days?|weeks?|months?)\b)",
)
_CLOSED = re.compile(r"\s?[,)\]};]| (?:and|vs\.?|versus) \d")


def of_group(text: str, count: Count) -> bool:
    """Whether a number may be that of a group: `(n = 40)`, `(40 women)`, `40 received`, `40 in the`."""
    before, after = text[: count.start], text[count.end :]
    if N_IS.search(before):
        return True
    if OPENED.search(before) and _CLOSED.match(after):
        return True
    return _WHAT_GROUPS_DO.match(after) is not None


# No people ---------------------------------------------------------------------------------------

_NUMBERED = any_case(
    r"\b(?:days?|weeks?|months?|phases?|types?|stages?|grades?|groups?|arms?|levels?|cycles?|(?:aged?|ages)"
    r"(?: between| from| of| range)?|years?|visits?|steps?|parts?|tables?|fig(?:ure)?s?|p|january|february|march"
    r"|april|may|june|july|august|september|october|november|december)\.? (?:\d+,? (?:and|to|or|through) )?$"
)
_YEAR = re.compile(r"19[5-9]\d|20[0-3]\d")
_WHEN = re.compile(r"\b(?:in|since|until|between|from|to|through|and|of|during|[A-Z][a-z]+ \d{1,2},) $")


def numbers_a_thing(text: str, count: Count) -> bool:
    """Whether a number is that of a day, a stage, a table or a year, and counts nothing."""
    before = text[max(0, count.start - 40) : count.start]
    if _NUMBERED.search(before):
        return True
    year = _YEAR.fullmatch(text, count.start, count.end) and _WHEN.search(before)
    return bool(year) and people_behind(text[count.end :]) is None
