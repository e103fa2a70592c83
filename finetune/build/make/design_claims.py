"""What can be asked about a study's kind, in several wordings, and by which words an abstract tells it. A table; pure.

Each claim has a truth, taken from what people wrote down about the report, and three patterns: words that show that it
holds, words that show that it does not, and words at which its silence would be doubtful. A label that people took
from more than the abstract is never forced on the abstract: without words that show it, the answer is UNCERTAIN.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from model.baseline.kinds import any_of

__all__ = ["CLAIMS", "Claim", "Wording"]

Body = Mapping[str, bool]


class Wording(NamedTuple):
    """One way to put a claim as a criterion. Its verdict is about the statement, whichever kind it is."""

    kind: Literal["include", "exclude"]
    text: str


class Claim(NamedTuple):
    """A statement about a study."""

    name: str
    wordings: tuple[Wording, ...]
    truth: Callable[[Body], bool | None]
    """From the annotation; None where it does not tell."""
    holds: re.Pattern[str]
    """Words that show that it holds."""
    fails: re.Pattern[str]
    """Words that show that it does not."""
    doubtful: re.Pattern[str]
    """Words at which neither `holds` nor `fails` matched, and a reader might still see an answer."""
    silence: Callable[[Body], bool] = lambda _body: False
    """Of which reports it may be said that the abstract does not tell it. Of an antenna nobody asks how old it is."""


def _worded(include: tuple[str, ...], exclude: tuple[str, ...] = ()) -> tuple[Wording, ...]:
    return (*(Wording("include", text) for text in include), *(Wording("exclude", text) for text in exclude))


def _any(*told: bool | None) -> bool | None:
    """True where one is; None where nothing is told at all."""
    known = [one for one in told if one is not None]
    return any(known) if known else None


def _reviewed(body: Body) -> bool | None:
    return _any(body.get("systematic_review"), body.get("meta_analysis"))


def _own_data(body: Body) -> bool | None:
    """Neither people nor rodents may be material of another kind, such as plants: that is not told."""
    if _reviewed(body) or body.get("protocol"):
        return False
    return True if body.get("human") else None


def _of_living(told: bool | None, body: Body) -> bool | None:
    """What is false of any report is asked only about those on people or rodents: nobody searches for the others."""
    return told if told or body.get("human") or body.get("rodent") else None


def _rodents(body: Body) -> bool | None:
    if body.get("rodent"):
        return True
    return False if body.get("human") else None


def _human(body: Body) -> bool | None:
    """Both, or neither, tells nothing certain: the abstract may be about the other part."""
    human, rodent = body.get("human"), body.get("rodent")
    return None if human is None or bool(human) == bool(rodent) else bool(human)


def _told(name: str) -> Callable[[Body], bool | None]:
    return lambda body: body.get(name)


_RODENTS = r"(?:rats?|mice|mouse|murine|rodents?)"
_IN_RODENTS = (
    r"(?:in|of|on|from|by|male|female|wistar|transgenic|knock-?out|wild[- ]type|adult|aged|old|young)"
    r" (?:[\w-]+ ){0,2}(?:rats|mice|rodents)",
    r"(?:rats|mice) (?:were|was|received|with|that|showed)",
)
_PEOPLE = (
    r"(?:patients|participants|women|men|children|adults|volunteers|individuals|students|adolescents|infants|people"
    r"|respondents|households|subjects|workers|nurses|physicians)"
)
_STUDIED = r"(?:recruited|enrolled|included|randomi[sz]ed|interviewed|surveyed|treated|followed)"
_SAMPLE = any_of(
    rf"(?<![\w-])\d+(?:,\d{{3}})* (?:(?!(?:and|in|of|or|for|to|from) )\w+[ -]){{0,4}}{_PEOPLE}",
    rf"{_PEOPLE} (?:were|was) (?:\w+ )?{_STUDIED}",
    r"\d+[- ]year[- ]old (?:\w+[- ]){0,3}(?:man|woman|male|female|boy|girl|patient)",
)
_OBSERVED = any_of(
    r"(?:this|our|a|an|we (?:conducted|performed)) (?:\w+[ -]){0,4}cross[- ]sectional",
    r"cross[- ]sectional (?:\w+ )?(?:study|survey|analysis|design)",
    r"(?:retrospective|prospective|birth|population[- ]based) (?:\w+ )?cohort",
    r"cohort study",
    r"retrospective(?:ly)? (?:\w+ )?(?:study|analysis|review|reviewed|analy[sz]ed)",
    r"case[- ]control (?:study|design)",
    r"case (?:report|series)",
    r"we (?:report|present|describe) (?:a|the|an) (?:\w+ ){0,3}case",
    r"semi-?structured interviews",
    r"qualitative (?:study|research|analysis|interviews)",
)
_REVIEWED = any_of(
    r"systematic(?:ally)? (?:literature )?review(?:ed)?",
    r"meta-?analy(?:sis|ses|tic)",
    r"scoping review",
    r"(?:in|of) this review",
    r"this review",
    r"narrative review",
)
_TRIALLED = any_of(
    r"random\w*",
    r"trials?",
    r"placebo",
    r"blind(?:ed)?",
    r"cross-?over",
    r"intervention group",
    r"control group",
    r"allocated",
)
_RESULTS = re.compile(
    r"^(?:results?|findings)\s*[:.]|\bwe (?:found|observed|identified|detected) "
    r"|\bour (?:results|findings|data) (?:show|indicate|suggest|demonstrate|reveal)",
    re.IGNORECASE,
)
_PLANNED = any_of(
    r"(?:study|trial|review|research) protocol",
    r"protocol (?:for|of) (?:a|an|the)",
    r"this protocol",
    r"will be (?:\w+ )?(?:randomi[sz]ed|recruited|enrolled|included|searched|conducted|assessed|collected)",
    r"will be (?:\w+ )?(?:analy[sz]ed|invited|performed)",
)
_ADULT = any_of(
    r"adult (?:patients|participants|population|men|women)",
    r"(?:older|elderly|middle-aged|postmenopausal) (?:\w+ )?(?:adults|people|patients|women|men|persons)",
    r"aged? (?:over|above|≥|>=?)? ?(?:1[89]|[2-9]\d) (?:years )?(?:and|or) (?:older|over|above)",
    r"(?:[2-9]\d)[- ]year[- ]old (?:\w+[- ]){0,3}(?:man|woman|male|female|patient)",
    r"university students",
    r"adults",
)
_YOUNG = any_of(
    r"child(?:ren|hood)?", r"p(?:a)?ediatrics?", r"infants?", r"neonat(?:es?|al)", r"newborns?", r"preterm",
    r"toddlers?", r"adolescents?", r"teenagers?", r"school ?children", r"(?:boys|girls)",
    r"(?:[1-9]|1[0-7])[- ]year[- ]old",
)  # fmt: skip
_AGES = any_of(
    r"years? (?:of age|old)",
    r"aged?",
    r"young(?:er)?",
    r"youths?",
    r"pupils?",
    r"schools?",
    r"birth",
    r"pregnan\w+",
    r"mothers?",
    r"parents?",
    r"families",
)
_ANIMALS = any_of(
    _RODENTS, r"animals?", r"zebrafish", r"drosophila", r"pigs?", r"rabbits?", r"dogs?", r"monkeys?", r"macaques?",
    r"chicken", r"cattle", r"sheep", r"cats?", r"insects?", r"mosquito\w*", r"fish(?:es)?", r"in vivo",
    r"c\. elegans", r"horses?",
)  # fmt: skip

_NOTHING_SILENT = re.compile("")
"""Matches everything: where silence is never an answer."""

CLAIMS: tuple[Claim, ...] = (
    Claim(
        "randomised",
        _worded(
            (
                "The study is a randomised trial.",
                "Randomised controlled trials only.",
                "Study design: randomized controlled trial (RCT)",
                "Participants were allocated to the groups at random.",
                "Eligible designs: parallel-group or crossover trials with random allocation.",
            ),
            ("The study is a randomised trial.", "Study design: randomised controlled trials"),
        ),
        _told("randomized_trial"),
        any_of(
            r"randomi[sz]ed",
            r"randomly (?:\w+ )?(?:assigned|allocated|divided)",
            r"random (?:allocation|assignment)",
        ),
        any_of(_OBSERVED.pattern, _REVIEWED.pattern),
        _TRIALLED,
        lambda body: bool(body.get("randomized_trial")),
    ),
    Claim(
        "systematic review",
        _worded(
            ("The report is a systematic review or a meta-analysis.", "Study design: systematic reviews"),
            (
                "Systematic reviews and meta-analyses",
                "The report is a systematic review.",
                "Secondary literature: systematic reviews, scoping reviews, meta-analyses",
            ),
        ),
        lambda body: _of_living(_reviewed(body), body),
        any_of(r"systematic(?:ally)? (?:literature )?review(?:ed)?", r"meta-?analy(?:sis|ses)"),
        any_of(_OBSERVED.pattern, _SAMPLE.pattern),
        any_of(r"review\w*", r"literature", r"databases?", r"medline", r"pubmed", r"search\w*", r"evidence", r"pooled"),
        lambda body: bool(_reviewed(body)),
    ),
    Claim(
        "own data",
        _worded(
            (
                "The report gives data of its own on people who were studied.",
                "Primary research with results from participants.",
            ),
        ),
        _own_data,
        _SAMPLE,
        any_of(_REVIEWED.pattern, _PLANNED.pattern),
        _NOTHING_SILENT,
    ),
    Claim(
        "rodents",
        _worded(
            ("The experiments were done in rodents.", "Animal studies in rats or mice"),
            (
                "Animal studies",
                "The study was done in animals.",
                "Preclinical studies in rodents",
                "Experiments in rats or mice",
            ),
        ),
        _rodents,
        any_of(*_IN_RODENTS, rf"{_RODENTS} (?:\w+ )?models?"),
        _SAMPLE,
        _ANIMALS,
        lambda body: bool(body.get("rodent")),
    ),
    Claim(
        "people",
        _worded(
            (
                "The study was done in people.",
                "Participants are humans, of any age.",
                "Human participants, not animals or cells",
            ),
        ),
        _human,
        _SAMPLE,
        any_of(*_IN_RODENTS),
        _NOTHING_SILENT,
    ),
    Claim(
        "children",
        _worded(
            (
                "Participants are children or adolescents.",
                "Population: children and adolescents under 18 years",
                "Paediatric patients",
            ),
            ("Participants are children.", "Studies in children or adolescents", "Population: paediatric patients"),
        ),
        _told("child"),
        _YOUNG,
        _ADULT,
        _AGES,
        lambda body: bool(body.get("human")) and not _reviewed(body),
    ),
    Claim(
        "protocol",
        _worded(
            (),
            (
                "The report is a protocol.",
                "Study protocols without results",
                "Protocols of trials or reviews",
                "Planned or ongoing studies that report no results yet",
            ),
        ),
        lambda body: _of_living(body.get("protocol"), body),
        _PLANNED,
        _RESULTS,
        _NOTHING_SILENT,
    ),
)  # fmt: skip
"""In the order in which they are tried."""
