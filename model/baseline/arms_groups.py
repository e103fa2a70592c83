"""What groups without telling names are said to have received, and how many groups a report speaks of. Pure."""

import re
from collections import Counter
from collections.abc import Iterable

from model.baseline.arms_sentences import ALLOCATING, COUNT, ratio_in, trimmed
from model.baseline.arms_words import Named, is_generic
from model.baseline.paper import Sentence, any_case

__all__ = ["counts_said", "received_by", "roles"]

# Roles -------------------------------------------------------------------------------------------

_ROLE = re.compile(
    r"\b(?P<role>(?P<treated>interventions?|experimental|treatment|active)|(?P<control>control|comparison|placebo|sham"
    r"|usual[- ]care|standard[- ]care)) (?P<kind>group|arm|condition)\b",
    re.IGNORECASE,
)


def roles(own: Iterable[Sentence]) -> list[Named]:
    """`intervention group` and `control group`, where a report calls its two arms nothing else, twice each."""
    found: dict[bool, list[Named]] = {True: [], False: []}
    for sentence in own:
        for hit in _ROLE.finditer(sentence.text):
            found[hit["control"] is not None].append(Named(hit.group(), sentence.text))
    told = [found[False], found[True]]
    return [each[0] for each in told] if all(len(each) >= 2 for each in told) else []


_GOT = (
    r"(?:received|were given|was given|got|took(?! part)|underwent|(?:were |was )?treated (?:with|by)|consisted of|wore"
    r"|comprised|participated in|attended|performed|(?:were|was) (?:offered|provided with|assigned to|allocated to)"
    r"|will receive|receiving|continued with)"
)


def received_by(label: str, own: Iterable[Sentence]) -> Named | None:
    """What a group without a telling name is said to have received, and the sentence; None where nothing is."""
    core = re.sub(r"\s+(?:groups?|arms?|conditions?)$", "", label.strip(), flags=re.IGNORECASE)
    lettered = re.match(r"(?:group|arm)s?\s", core, re.IGNORECASE) is not None
    name = rf"{re.escape(core)}" if lettered else rf"(?:the )?{re.escape(core)}(?: (?:group|arm|condition))?"
    pattern = any_case(
        rf"(?:^|\b(?:the|in|to|and|while|whereas|assigned to)\s)\b{name}(?: (?:participants|patients|subjects))?"
        rf"(?: \([^)]*\))?,? (?:only )?{_GOT} (?P<what>[^.;]{{3,160}}?)"
        r"(?=[.;,]| (?:and|while|whereas|but) (?:the |group |those )| \(|$)"
    )
    grouped = name if lettered else rf"(?:the )?{re.escape(core)} (?:group|arm|condition)"
    beside = any_case(
        rf"(?:^|[,;:]|\b(?:or|and|to|either|an?|the|received?|given|with)) "
        rf"(?P<what>[^.;:(),]{{3,90}}) \((?:the )?{grouped}\s?[),;:]"
    )
    for sentence in own:
        hit = pattern.search(sentence.text) or beside.search(sentence.text)
        if hit is None:
            continue
        what = hit["what"]
        if hit.re is beside:
            what = _BEGUN.split(what)[-1]
        what = trimmed(what)
        if len(what) > 3 and not is_generic(what) and not _NO_GIVING.search(what):
            return Named(what, sentence.text)
    return None


_BEGUN = any_case(
    r"\b(?:or|and|either|into|received?|given|(?:randomi[sz]ed|assigned|allocated) to)\s(?:to\s)?(?:receive\s)?"
)
"""Where what stands before the name of its group begins."""

_NO_GIVING = any_case(
    r"\b(?:was|were|had|did|is|are|who|which|that|patients|participants|subjects|groups|arms|compar\w+|occur\w*|showed"
    r"|observed|found|same|findings|results|(?:control|intervention) (?:group|arm))\b"
)
"""Words that what a group received does not have."""


# How many ----------------------------------------------------------------------------------------

_SAID = re.compile(
    r"\b(?P<n>two|three|four|five|six|[2-6]) (?:(?:parallel|treatment|study|equal|different|intervention|experimental"
    r"|main|randomi[sz]ed|comparison|trial) ){0,2}(?:groups|arms)\b"
    r"|\b(?P<armed>two|three|four|five|six|[2-6])[- ](?:arm|armed|group)\b",
    re.IGNORECASE,
)


def counts_said(own: Iterable[Sentence]) -> Counter[int]:
    """How many groups the report says to have, and how often it says so."""
    said: Counter[int] = Counter()
    for sentence in own:
        for hit in _SAID.finditer(sentence.text):
            word = (hit["n"] or hit["armed"]).lower()
            said[int(word) if word.isdigit() else COUNT[word]] += 1
        if (many := ratio_in(sentence.text)) is not None and ALLOCATING.search(sentence.text):
            said[many] += 2
    return said
