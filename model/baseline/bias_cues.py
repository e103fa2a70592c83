"""What passages say about the signalling questions of RoB 2: a table, and nothing else. Pure.

A cue is direct (Y, N) where the report says the thing itself, and indirect (PY, PN) where it says something that
usually goes with it. Questions that a passage alone cannot settle have no cues.

Source: RoB 2 guidance document, 22 August 2019, elaboration of the signalling questions.
"""

import re
from dataclasses import dataclass

from model.tasks.bias import Signal

__all__ = ["QUESTIONS", "Cue", "Question"]


@dataclass(frozen=True)
class Cue:
    """An answer, and the words that speak for it."""

    answer: Signal
    pattern: re.Pattern[str]
    why: str


@dataclass(frozen=True)
class Question:
    """One of the tool's questions. `about`: words of its text, as other tools use the same numbers."""

    about: re.Pattern[str]
    cues: tuple[Cue, ...]


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})", re.IGNORECASE)


def _cue(answer: Signal, why: str, *patterns: str) -> Cue:
    return Cue(answer, _any(*patterns), why)


_RANDOM = r"random(?:i[sz](?:ed|ation|ing)|ly)?"
_WHO = r"(?:participants?|patients?|subjects?|women|men|children|parents?|volunteers?)"
_CARERS = (
    r"(?:investigators?|clinicians?|physicians?|surgeons?|nurses?|therapists?|staff|care ?(?:givers?|rs|providers?)"
    r"|providers?|personnel|doctors?|researchers?|(?:study|clinical|research) team|an(?:a)?esthetists?)"
)
_ASSESSORS = (
    r"(?:assessors?|evaluators?|raters?|examiners?|adjudicators?|adjudication committee"
    r"|(?:outcome|end-?point)s? assess(?:ors?|ments?))"
)
_BLIND = r"(?:blind(?:ed)?|masked|unaware|kept blind)"
_LIST = r"(?:[\w,/() -]{0,60}?)"
_PEOPLE = (
    r"(?:(?!\b(?:were|was|is|are|be|not|but|while|whereas|although|could|who|had|only)\b)[\w,/() -]){0,60}?"
)
"""Others who are named along with someone, up to the verb."""
_IS = r"(?:were|was|remained) (?:(?!not\b|never\b|neither\b)\w+ )?"
_IS_NOT = r"(?:were|was|could) (?:\w+ )?not (?:be )?(?:\w+ )?"
_SO = r"(?![^.;]*\b(?:not|no|impossible|infeasible|difficult|unclear|lack)\b)"
"""Unless the rest of the sentence takes it back: `blinding of patients was impossible`."""
_INSTRUMENT = r"(?:questionnaires?|scales?|instruments?|scores?|index|tools?|tests?)"
_FORESEEN = (
    r"(?:alternately|alternatingly|in alternation|by alternation|alternate (?:days|weeks|order)|date of birth"
    r"|birth dates?|days? of (?:the week|admission)|(?:odd|even)\W"
    r"|(?:hospital|medical|case|chart|record) (?:record )?numbers?)"
)
_GAP = r"(?:\W+\w+){0,4}?\W+"

DOUBLE = _any(
    r"double[- ](?:blind(?:ed)?|mask(?:ed)?)", r"(?:triple|quadruple)[- ](?:blind(?:ed)?|mask(?:ed)?)"
)
OPEN = _any(
    r"open[- ]label(?:led|ed)?(?! (?:extension|phase|period|follow))",
    r"unblinded",
    r"unmasked",
    r"non-?blinded",
)

QUESTIONS: dict[str, Question] = {
    "1.1": Question(
        _any("random", "sequence"),
        (
            _cue(
                "Y",
                "a random sequence is described",
                r"computer(?:i[sz]ed)?[- ](?:generated|based)?\s*(?:\w+\s+){0,2}" + _RANDOM,
                _RANDOM + r"\W+(?:\w+\W+){0,6}?(?:by|using|with|via|through) (?:a |an |the )?computer",
                r"computer[- ]generated (?:\w+ ){0,2}?(?:lists?|sequences?|schedules?|codes?|allocations?)\b",
                r"random[- ]numbers? (?:tables?|generat\w+|lists?|sequences?)",
                r"tables? of random numbers?",
                r"(?:permuted|random(?:ly)? (?:permuted|varying)|randomi[sz]ed)[- ]blocks?",
                r"blocks? randomi[sz]ation",
                r"randomi[sz](?:ation|ed)\W+(?:\w+\W+){0,4}?(?:permuted|variable|varying|random|fixed)?[- ]?blocks? of",
                r"(?:by|using|with) (?:a )?(?:coin toss|toss(?:ing)? (?:of )?a coin|drawing (?:of )?lots|shuffl\w+)",
                r"(?:coin|envelopes) (?:was|were) (?:tossed|shuffled)",
                r"drawn by lot",
                r"minimi[sz]ation (?:method|algorithm|procedure|technique|program\w*)",
                r"interactive (?:voice|web)[- ](?:based )?response",
                r"(?:web|internet)[- ]based (?:\w+ )?randomi[sz]ation",
            ),
            _cue(
                "N",
                "the sequence could be foreseen",
                r"quasi-?\s?random\w*",
                r"(?:assigned|allocated|randomi[sz]ed|divided)\W+(?:\w+\W+){0,6}?" + _FORESEEN,
                r"alternate (?:allocation|assignment)",
            ),
        ),
    ),
    "1.2": Question(
        _any("conceal"),
        (
            _cue(
                "Y",
                "the allocation was out of the recruiters' hands",
                r"(?:opaque|sequentially numbered)" + _LIST + r"sealed" + _LIST + r"envelopes?",
                r"sealed" + _LIST + r"(?:opaque|sequentially numbered)" + _LIST + r"envelopes?",
                r"opaque" + _LIST + r"envelopes?",
                r"(?:central(?:i[sz]ed|ly)?)[\w ,-]{0,25}" + _RANDOM,
                _RANDOM + r"[\w ,-]{0,25}central(?:i[sz]ed|ly)?\b",
                r"interactive (?:voice|web)[- ](?:based )?response",
                r"\bI[VW]RS\b",
                r"(?:telephone|web|internet|online)[- ](?:based )?(?:\w+ )?(?:randomi[sz]ation|allocation)",
                r"numbered" + _LIST + r"(?:identical|drug) (?:\w+ )?(?:containers?|bottles?|packs?|vials?)",
                r"pharmacy[- ](?:controlled|based)",
            ),
            _cue(
                "PY",
                "concealment is claimed or likely",
                r"allocation (?:was|were|sequence was|remained) (?:adequately )?concealed",
                r"concealed (?:allocation|random\w+)",
                r"allocation concealment was (?:ensured|achieved|maintained|adequate)",
                r"sealed" + _LIST + r"envelopes?",
            ),
            _cue(
                "N",
                "the allocation was open",
                r"(?:allocation|randomi[sz]ation)\W+(?:\w+\W+){0,3}?(?:not|n't) (?:been )?concealed",
                r"(?:no|without|lack of) (?:allocation )?concealment",
                r"open (?:list|random(?:i[sz]ation)? (?:list|table)|allocation)",
                r"unsealed envelopes?",
                r"(?:assigned|allocated)\W+(?:\w+\W+){0,6}?" + _FORESEEN,
            ),
        ),
    ),
    "1.3": Question(
        _any("baseline"),
        (
            _cue(
                "PN",
                "the groups are said to be alike at baseline",
                r"(?:well[- ])?(?:balanced|comparable|similar|matched)\b" + _GAP + r"(?:at|in their) baseline",
                r"baseline (?:\w+ ){0,4}?(?:were|was) (?:\w+ ){0,2}?(?:balanced|comparable|similar|matched)",
                r"no (?:\w+ ){0,3}?differences?\b[\w ,-]{0,60}\bbaseline",
                r"(?:did not|didn't) (?:\w+ )?differ\b[\w ,-]{0,40}\bbaseline",
                r"baseline[\w ,-]{0,40}\b(?:did not|didn't) (?:\w+ )?differ",
            ),
        ),
    ),
    "2.1": Question(
        _any("aware"),
        (
            _cue("Y", "the trial was open", OPEN.pattern),
            _cue(
                "Y",
                "those taking part were not blinded",
                _WHO + _PEOPLE + _IS_NOT + _BLIND,
                r"(?:blinding|masking) (?:of )?" + _PEOPLE + _WHO + _PEOPLE + r"was (?:not|impossible|infeasible)",
                r"(?:not (?:possible|feasible)|impossible) to (?:blind|mask) " + _PEOPLE + _WHO,
            ),
            _cue(
                "N",
                "those taking part were blinded",
                _WHO + r"\b" + _PEOPLE + _IS + _BLIND,
                r"(?:blinding|masking) of (?:the )?" + _WHO + _SO,
                r"(?:patient|participant|subject)[- ]blind(?:ed)?\b",
            ),
            _cue("PN", "the trial is called double-blind", DOUBLE.pattern),
        ),
    ),
    "2.2": Question(
        _any("aware"),
        (
            _cue("Y", "the trial was open", OPEN.pattern),
            _cue(
                "Y",
                "those who gave the treatment were not blinded",
                _CARERS + _PEOPLE + _IS_NOT + _BLIND,
                r"(?:not (?:possible|feasible)|impossible) to (?:blind|mask) " + _PEOPLE + _CARERS,
            ),
            _cue(
                "N",
                "those who gave the treatment were blinded",
                _CARERS + r"\b" + _PEOPLE + _IS + _BLIND,
                r"(?:blinding|masking) of (?:the )?" + _PEOPLE + _CARERS + _SO,
            ),
            _cue("PN", "the trial is called double-blind", DOUBLE.pattern),
            _cue("PY", "the trial is called single-blind", r"single[- ](?:blind(?:ed)?|mask(?:ed)?)"),
        ),
    ),
    "2.6": Question(
        _any(r"effect of assignment"),
        (
            _cue(
                "Y",
                "participants were analysed as randomised",
                r"(?<!modified )intent(?:ion)?[- ]to[- ]treat",
                r"(?<!modified )(?<!m)ITT\b",
                r"analy[sz]ed (?:\w+ ){0,3}?(?:as randomi[sz]ed|(?:in|according to) the (?:group|arm)s? to which)",
            ),
            _cue("PY", "most were analysed as randomised", r"modified intent(?:ion)?[- ]to[- ]treat", "mITT"),
            _cue(
                "PN",
                "participants were analysed by what they received",
                r"per[- ]protocol",
                r"as[- ]treated",
                r"(?:completers?|on-treatment) analys[ei]s",
            ),
        ),
    ),
    "3.1": Question(
        _any("data", "available"),
        (
            _cue(
                "Y",
                "nobody is missing",
                r"no (?:\w+ )?(?:" + _WHO + r" (?:was|were) )?"
                r"(?:lost to follow-?up|drop-?outs?|withdrawals?|missing (?:outcome )?data|attrition)",
                r"(?:none|no " + _WHO + r") (?:\w+ ){0,4}?(?:lost to follow-?up|dropped out|withdrew)",
                r"all (?:\w+ ){0,3}?" + _WHO + r" (?:\w+ )?completed (?:the )?(?:study|trial|follow-?up)",
                r"all (?:\w+ ){0,3}?" + _WHO + r" were (?:followed|analy[sz]ed|included in the (?:\w+ )?analys)",
                r"complete follow-?up",
            ),
        ),
    ),
    "3.2": Question(
        _any("evidence"),
        (
            _cue(
                "PY",
                "the result held when missing data were treated otherwise",
                r"sensitivity analys[ei]s\b[^.]*\bmissing[^.]*\b(?:similar|robust|consistent|did not change|unchanged)",
                r"(?:similar|robust|consistent|unchanged)[^.]*\bsensitivity analys[ei]s\b[^.]*\bmissing",
            ),
        ),
    ),
    "4.1": Question(
        _any("method", "inappropriate"),
        (
            _cue(
                "PN",
                "a validated instrument was used",
                r"(?<!not )(?:validated|standardi[sz]ed) (?:\w+ ){0,3}?" + _INSTRUMENT,
                _INSTRUMENT + r" (?:\w+ ){0,3}?(?:is|was|are|were|has been) validated",
            ),
        ),
    ),
    "4.3": Question(
        _any("aware", "assessors?"),
        (
            _cue(
                "Y",
                "assessors were not blinded",
                _ASSESSORS + _PEOPLE + _IS_NOT + _BLIND,
                r"(?:unblinded|non-?blinded) (?:\w+ )?" + _ASSESSORS,
            ),
            _cue(
                "N",
                "assessors were blinded",
                _ASSESSORS + r"\b" + _PEOPLE + r"(?:who )?" + _IS + _BLIND,
                r"(?<!un)(?<!non-)(?:blind(?:ed)?|masked|independent blinded) (?:\w+ )?" + _ASSESSORS,
                r"(?:assessor|observer|evaluator|rater|examiner)s?[- ](?:blind(?:ed)?|mask(?:ed)?)\b",
                r"assess(?:ed|ments?)[\w ,-]{0,40}\b(?:by|were) (?:an? |the )?(?:blind(?:ed)?|masked)",
                _ASSESSORS + r" " + _BLIND + r" to",
            ),
            _cue("PN", "the trial is called double-blind", DOUBLE.pattern),
            _cue("PY", "the trial was open", OPEN.pattern),
        ),
    ),
    "5.1": Question(
        _any("plan", "pre-?specified"),
        (
            _cue(
                "PN",
                "it was registered afterwards",
                r"retrospectively registered",
                r"registered retrospectively",
                r"(?:was|were) not registered",
            ),
            _cue(
                "PY",
                "a plan was registered or published",
                r"NCT\s?\d{8}",
                r"ISRCTN\s?\d{8}",
                r"ACTRN\s?\d{14}",
                r"ChiCTR[\w-]*\d{6,}",
                r"(?:EudraCT|UMIN|DRKS|CTRI)\W{0,3}\w*\d{5,}",
                r"prospectively registered",
                r"registered (?:\w+ ){0,3}?(?:at|with|in|on) (?:the )?(?:\w+ ){0,3}?(?:ClinicalTrials|regist(?:er|ry))",
                r"(?:study |trial )?protocol (?:has been|was|is) (?:previously )?published",
                r"(?:pre-?specified|published|finali[sz]ed) (?:\w+ ){0,3}?statistical analysis plan",
            ),
        ),
    ),
}  # fmt: skip
"""Number of the question to its cues. 2.3 to 2.5, 2.7, 3.3, 3.4, 4.2, 4.4, 4.5, 5.2 and 5.3 need a reader."""
