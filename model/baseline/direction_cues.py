"""What a sentence says of a difference: its p-values, its comparing words, who is compared with whom. Pure."""

import itertools
import re
from typing import Literal

__all__ = [
    "AGAINST",
    "AIM",
    "ALIKE",
    "BEFORE",
    "WITHIN",
    "Way",
    "clauses",
    "comparison",
    "p_value",
    "significance",
]

Way = Literal["increased", "decreased", "better", "worse", "faster", "slower"]
"""What a comparing word says of the outcome. Better and worse need to know whether more of it is good, faster
and slower whether it is a time."""

_NO_DIFFERENCE = re.compile(
    r"\b(?:no|without(?: an?y?)?|nor|neither) (?:\w+[- ]){0,3}?(?:statistically |clinically )?"
    r"(?:(?:significant|meaningful|relevant|major|apparent|clear|obvious|detectable|substantial|evident|statistical)"
    r"(?: \w+){0,3} )?(?:differences?|effects?|change|changes|improvements?|increases?|decreases?|reductions?"
    r"|benefits?"
    r"|impact|influence|associations?|interactions?|advantages?|superiority)\b"
    r"|\bno (?:statistical(?:ly)? )?significan(?:t|ce)\b"
    r"|\b(?:not|n't|never|cannot|nor) (?:\w+ ){0,4}?(?:significan(?:t|tly|ce)|differ(?:ed|ent|ently)?|superior"
    r"|inferior"
    r"|affect(?:ed)?|influenced?|alter(?:ed)?|improved?|reduced?|increased?|decreased?|changed?|effective"
    r"|better|lower"
    r"|higher|reach(?:ed)?|achieved?|lead|result|associated|prevent(?:ed)?)\b"
    r"|\b(?:non-?|in|statistically in)significant(?:ly)?\b|\bfailed to\b"
    r"|\b(?:similar|comparable|equivalent|equal(?:ly)?|identical|unchanged|unaffected|indistinguishable)\b"
    r"|\bthe same\b|\bNS\b|\bn\.s\.|\bdid ?n[o']t differ\b|\bsimilarity\b|\bnon-?inferior(?:ity)?\b",
    re.IGNORECASE,
)
_SIGNIFICANT = re.compile(
    r"(?<!not )(?<!no )(?<!non)(?<!non-)(?<!in)\bsignifican(?:t|tly|ce)\b|\bstatistically different\b"
    r"|\bfavou?r(?:ed|ing|s)\b",
    re.IGNORECASE,
)
_P = re.compile(
    r"\bp(?:[- ]?(?:values?|trend|interaction|for \w+))?\s?(?P<o>[<>=≤≥⩽⩾]+|&lt;|&gt;|less than|of|was|were|is"
    r"|:| (?=0?\.\d))\s?"
    r"(?P<v>(?:0|1)?[.·,]\d+|[01]\b)(?:\s?[×x]\s?10)?",
    re.IGNORECASE,
)

_BELOW = frozenset(("<", "≤", "⩽", "<=", "&lt;", "less than"))
_ABOVE = frozenset((">", "≥", "⩾", ">=", "&gt;"))


def p_value(text: str) -> list[tuple[int, bool]]:
    """Place of each p-value and whether it is below 0.05; those that do not tell, such as `p > 0.01`, are left out."""
    found = []
    for hit in _P.finditer(text):
        value = float(hit["v"].replace("·", ".").replace(",", "."))
        if value > 1:
            continue
        sign = hit["o"].lower()
        if sign in _BELOW:
            if value <= 0.05 or 0.06 < value < 0.1:  # `p < 0.067` is written where it is not significant
                found.append((hit.start(), value <= 0.05))
        elif sign in _ABOVE:
            if value >= 0.05:
                found.append((hit.start(), False))
        else:
            found.append((hit.start(), value < 0.05))
    return found


def significance(text: str, at: int) -> bool | None:
    """Whether a stretch of text tells of a significant difference (True), of none (False), or neither.

    The p-value that follows `at` nearest goes before words; of words, a denial goes first.
    """
    told = p_value(text)
    after = [sure for place, sure in told if place >= at]
    denied = _NO_DIFFERENCE.search(text) is not None
    if after or told:
        sure = after[0] if after else told[-1][1]
        # `not different at rest, but lower in exercise (p = 0.01)`: the clause was not cut where it should be.
        return None if sure and denied and len(told) == 1 and not _LOOSE.search(text) else sure
    if denied:
        return False
    return True if _SIGNIFICANT.search(text) else None


_LOOSE = re.compile(r"\b(?:similar|comparable|same|equal|equivalent|identical)", re.IGNORECASE)

_WAYS: tuple[tuple[Way, str], ...] = (
    (
        "increased",
        r"higher|greater|more|increas(?:e|es|ed|ing)|larger|longer|rais(?:e|ed|es)|ris(?:e|es|en)|rose"
        r"|elevat(?:ed|ion|es)"
        r"|enhanc(?:e|ed|es|ement)|prolong(?:ed|s|ation)?|gain(?:ed)?|exceed(?:ed|s)?|heavier|stronger"
        r"|thicker|taller|deeper|most|augment(?:ed|s)?|boost(?:ed|s)?|doubled|promot(?:ed|es)|highest|greatest"
        r"|longest|older",
    ),
    (
        "decreased",
        r"lower(?:ed|s|ing)?|less|fewer|decreas(?:e|es|ed|ing)|reduc(?:e|es|ed|ing|tions?)|smaller|shorter"
        r"|declin(?:e|es|ed)"
        r"|diminish(?:ed|es)?|shorten(?:ed|s|ing)?|lessen(?:ed|s)?|fell|dropp?(?:ed|s)?|attenuat(?:ed|es|ion)|weaker"
        r"|suppress(?:ed|es|ion)|lost|prevent(?:ed|s|ion)?|inhibit(?:ed|s|ion)?|least|lowest|shortest|minimi[sz]ed"
        r"|alleviat(?:ed|es|ion)|reliev(?:ed|es)|protect(?:ed|s|ion)?|blunt(?:ed|s)?|thinner|younger|avoid(?:ed|s)?",
    ),
    (
        "better",
        r"better|improv(?:e|es|ed|ing|ements?)|superior|ameliorat(?:e|ed|es|ion)|effective(?:ly)?|benefi(?:t|ts"
        r"|ted|cial)|best"
        r"|favou?r(?:ed|ing|s|able)?|superiority",
    ),
    ("faster", r"faster|quicker|earlier|sooner|accelerat(?:e|ed|es|ion)|hasten(?:ed|s)?|rapid(?:ly)?"),
    ("slower", r"slower|later|delay(?:ed|s)?"),
    ("worse", r"worse(?:n|ned|ning)?|inferior|deteriorat(?:ed|ion)|poorer|impair(?:ed|s)?|worst"),
)  # fmt: skip
_WAY = re.compile("|".join(rf"(?P<{way}>\b(?:{words})\b)" for way, words in _WAYS), re.IGNORECASE)
_NOT_WAY = re.compile(
    r"^\s?(?:(?:or|than) (?:equal|\d)|-fold|dose|extremit|limb|back|urinary|respiratory|intensity\b)", re.I
)


def comparison(text: str) -> list[tuple[int, int, Way]]:
    """Comparing words of a text: start, end, and what they say; `a smaller increase` is one, a decrease."""
    found: list[tuple[int, int, Way]] = []
    for hit in _WAY.finditer(text):
        way = hit.lastgroup
        if way is None or _NOT_WAY.match(text[hit.end() :]):
            continue
        if (
            found
            and found[-1][2] in _DEGREE
            and re.fullmatch(r"(?: \w+)? ", text[found[-1][1] : hit.start()])
        ):
            start, _, degree = found.pop()
            found.append((start, hit.end(), way if degree == "increased" else _OPPOSITE[way]))  # type: ignore[index,arg-type]
        else:
            found.append((hit.start(), hit.end(), way))  # type: ignore[arg-type]  # lastgroup is one of `Way`
    return found


_DEGREE = frozenset(("increased", "decreased"))
_OPPOSITE: dict[Way, Way] = {
    "increased": "decreased", "decreased": "increased", "better": "worse", "worse": "better", "faster": "slower",
    "slower": "faster",
}  # fmt: skip


AGAINST = re.compile(
    r"\b(?:than|versus|vs\.?|over|(?:as |when |in )?compar(?:ed|ison|ing) (?:with|to|of)|relative to|as opposed to"
    r"|rather than|in contrast (?:to|with)|against|as against)\b",
    re.IGNORECASE,
)
"""What stands behind this is what the other is compared with."""

WITHIN = re.compile(
    r"\b(?:both|all|each|either|the (?:two|three|four)) (?:the )?(?:\w+ )?(?:groups?|arms?|treatments?"
    r"|conditions|drugs)\b"
    r"|\bwithin[- ]?(?:the )?groups?\b|\b(?:compared (?:with|to)|from|than|versus|vs\.?|over) (?:the )?(?:their )?"
    r"(?:baseline|pre-?\w*|before|initial)|\bbefore and after\b|\bpre- ?(?:and|to) post|\bover time\b",
    re.IGNORECASE,
)
"""Speaks of a change in time, not of a difference between groups."""

ALIKE = re.compile(
    r"\b(?:no|not|without|nor|neither|similar|comparable)\b[^.;]{0,70}\b(?:between|among|across)\b[^.;]{0,30}"
    r"\b(?:groups?|arms?|treatments?|conditions?|diets?|both|two|three|four|them)\b",
    re.IGNORECASE,
)
"""Denies a difference between groups, whatever stands before it of changes in time."""

BEFORE = re.compile(
    r"\b(?:at|the) baseline\b|\bbaseline (?:\w+ )?(?:scores?|levels?|values?|characteristics|measure\w*)\b"
    r"|\b(?:before|prior to) (?:the )?(?:induction|treatment|intervention|surgery|randomi[sz]ation|operation)\b"
    r"|\bpre-?(?:treatment|test|operative)\b",
    re.IGNORECASE,
)
"""Speaks of the time before the intervention."""

AIM = re.compile(
    r"\b(?:aim(?:ed|s)?|purpose|objectives?|hypothes[ie]\w*|to (?:compare|determine|investigate|evaluate|assess"
    r"|examine"
    r"|test|study|find out) (?:whether|if|the)|whether|(?:was|were|is|are) (?:designed|planned|conducted|performed)"
    r"|sample size|power (?:of|to)|previous(?:ly)?|earlier stud|other studies|reported (?:by|in|that)|et al"
    r"|in the literature"
    r"|meta-?analys[ie]s|will be|we expect|outcomes? (?:was|were|is|are|measures?)"
    r"|end[- ]?points? (?:was|were|is|are)(?! (?:not|met|reached|achieved))"
    r"|was defined|considered (?:statistically )?significant|if (?:the )?p\b|detect)\b",
    re.IGNORECASE,
)
"""Speaks of what was meant to be found, or of others' findings."""

_CUT = re.compile(
    r";\s|,? (?:but|whereas|while|although|though|however|yet|except)[ ,]|, (?:and|as well as) (?=\w)|, (?=no\b)",
    re.IGNORECASE,
)


def clauses(sentence: str) -> list[tuple[int, int]]:
    """Start and end of the parts of a sentence that can contradict each other."""
    cuts = [0]
    for hit in _CUT.finditer(sentence):
        # `pain, nausea, and fever were lower`: what stands before is no clause but part of a list.
        if _LISTED.match(hit.group()) and not _SAYS.search(sentence, cuts[-1], hit.start()):
            continue
        cuts.append(hit.start())
    return [(a, b) for a, b in itertools.pairwise([*cuts, len(sentence)]) if b > a]


_LISTED = re.compile(r", (?:and|as well as) ", re.IGNORECASE)
_SAYS = re.compile(
    r"\b(?:was|were|is|are|had|has|have|did|does|showed|led|resulted|caused|decreased|increased|improved|reduced"
    r"|remained|differed|occurred|received|demonstrated|produced|gained|lost)\b|\b[Pp]\s?[<>=]",
    re.IGNORECASE,
)
