"""Task `pico` by rules: labelled text is read as it is labelled, plain questions by their turns of phrase. Pure.

Where the text does not tell, the element stays empty: a person fills it in at the gate.
"""

import re
from collections.abc import Iterable

from model.tasks.pico import Element, PicoAnswer, PicoInput

__all__ = ["elements_of"]

_NAMES = {
    "population": r"populations?|participants?|patients?|problem|P",
    "intervention": r"interventions?|I",
    "exposure": r"exposures?|prognostic factors?|E",
    "comparator": r"comparators?|comparisons?|controls?|C",
    "outcome": r"outcomes?(?: measures?)?|O",
    "concept": r"concepts?",
    "context": r"contexts?|settings?",
    "index_test": r"index tests?|I",
    "reference_test": r"reference (?:tests?|standards?)|R",
    "diagnosis": r"diagnos[ei]s|target conditions?|D",
}
"""What an element is called before a colon. In PCC both C's are one letter: there only whole words count."""

_OTHERS = r"study designs?|designs?|time ?frames?|timing|S|T"
"""Labels that end an element and are none."""

_PEOPLE = (
    r"(?:people|patients?|adults?|children|adolescents?|infants?|neonates?|newborns?|women|men"
    r"|individuals?|persons?"
    r"|participants?|subjects?|those|older (?:adults?|people)|elderly|pregnant women|students?|teachers?"
    r"|nurses?"
    r"|physicians?|clinicians?|health ?care (?:workers|professionals)|survivors|smokers|athletes|carers"
    r"|caregivers)"
)
_VERBS = (
    r"(?:improve|reduce|increase|decrease|prevent|affect|lower|slow|alter|change|influence|lead to|result"
    r" in|cause|delay"
    r"|help|add to|contribute to|predict|detect|identify)"
)
_STOP = (
    rf"(?=,? (?:in terms of|with respect to|with regard to|compared (?:with|to)|versus|vs\.?|as measured|on"
    rf" (?:the )?\w+ outcomes?"
    rf"|what (?:is|are|does|do)|{_VERBS}|how (?:does|do|is|are|often)|does|do |is |are |be (?:treated"
    rf"|managed|given|screened|offered))"
    rf"|[,;?.](?:\s|$)|$)"
)
_POPULATION = re.compile(
    rf"\b(?:among|in|for|of|should) ((?:(?!(?:among|in|for|of|with)\b)\w+[- ]){{0,3}}{_PEOPLE}\b.*?){_STOP}",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:patients?|people|adults?|children|women|men|those|individuals?) (?:with|who|at|having) .*?"
    + _STOP,
    re.IGNORECASE,
)

_OF = (
    r"(?:effects?|efficacy|effectiveness|impact|benefits?|safety|harms?|tolerability|accuracy|role|use|value"
    r"|association)"
)
_VERSUS = r"(?:compared (?:with|to)|in comparison (?:with|to)|versus|vs\.?|rather than|instead of)"
_AFTER = r"(?= (?:among|in terms of|in|for|on|with respect to|to (?:treat|prevent|reduce|improve))\b|[?.;]|$)"

_EFFECT = re.compile(
    rf"\b(?:(?:\w+ )?{_OF}(?:,? (?:and|or) )?)+(?: of| from| for) (?P<x>.+?)"
    rf"(?:,? {_VERSUS} (?P<y>.+?))?(?:,? (?:on|in terms of) (?P<z>(?!people|patients).+?))?{_AFTER}",
    re.IGNORECASE,
)
_DOES = re.compile(
    rf"\b(?:does|do|can|could|will|would) (?P<x>.+?) "
    rf"{_VERBS} (?P<z>.+?)(?:,? {_VERSUS} (?P<y>.+?))?"
    r"(?= (?:among|in) |[?.;]|$)",
    re.IGNORECASE,
)
_SHOULD = re.compile(
    rf"\bshould (?P<p>.+?) (?:be (?:treated|managed|screened|offered|given)|receive|undergo)(?: with| by|"
    rf" for)? (?P<x>.+?)"
    rf"(?:,? {_VERSUS} (?P<y>.+?))?(?=[?.;]|$)",
    re.IGNORECASE,
)
_TERMS = re.compile(
    r"\b(?:in terms of|with respect to|with regard to|as measured by) (?P<z>.+?)(?=[?.;]|$)", re.IGNORECASE
)
_VERSUS_ONLY = re.compile(rf"(?P<x>[\w -]+?),? {_VERSUS} (?P<y>.+?){_AFTER}", re.IGNORECASE)


def elements_of(asked: PicoInput) -> PicoAnswer:
    """Every element once: what was given, else what is labelled, else what the question's form shows."""
    labelled = _labelled(asked.question, asked.elements)
    read = {} if labelled else _from_question(asked.question, asked.elements)
    if not labelled and not any(read.values()):
        read = _from_question(asked.title, asked.elements)
    found = read | labelled
    return PicoAnswer(
        elements=tuple(
            Element(name=name, phrases=tuple(asked.given.get(name) or found.get(name) or ()))
            for name in asked.elements
        )
    )


# Labels ------------------------------------------------------------------------------------------


def _labelled(text: str, elements: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Elements from `P: …` or `Population: …`, wherever the next label begins they end."""
    names = {name: _NAMES.get(name, re.escape(name.replace("_", " "))) for name in elements}
    both = "|".join(f"(?P<{name}>{pattern})" for name, pattern in names.items())
    label = re.compile(
        rf"(?:^|(?<=[\s.;,(])){'(?:' + both}|(?P<other>{_OTHERS}))(?: ?\([^)]*\))?\s*:\s*",
        re.MULTILINE | re.IGNORECASE,
    )
    marks = [mark for mark in label.finditer(text) if _is_label(mark)]
    found: dict[str, tuple[str, ...]] = {}
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    for mark, end in zip(marks, ends if marks else [], strict=True):
        name = mark.lastgroup
        value = text[mark.end() : end]
        if name and name != "other" and name not in found:
            found[name] = phrases(value)
    return found


def _is_label(mark: re.Match[str]) -> bool:
    """A single letter must be a capital: `vitamin c:` is no comparator."""
    text = mark.group().split(":")[0].split("(")[0].strip()
    return len(text) > 1 or text.isupper()


def phrases(value: str) -> tuple[str, ...]:
    """The phrases of an element: cut at semicolons, line breaks and numbering; commas only in a list."""
    parts = re.split(r";|\n|(?:^|\s)(?:\d+[.)]|[-*•])\s", value)
    made = [piece for part in parts for piece in _listed(part)]
    clean = (re.sub(r"\s+", " ", piece).strip(" .,:;?") for piece in made)
    return tuple(dict.fromkeys(piece for piece in clean if piece))


def _listed(part: str) -> list[str]:
    """`A, B and C` is three; `patients with A and B` is one, and so is what stands in brackets."""
    outside = re.sub(r"\([^()]*\)", lambda found: "\0" * len(found.group()), part)
    if outside.count(",") == 0 or len(part) > 300:
        return [part]
    cuts = [m.span() for m in re.finditer(r",\s*(?:and/or |and |or )?", outside)]
    last = re.search(r"\s(?:and/or|and|or)\s(?!.*,)", outside[cuts[-1][1] :])
    if last:
        cuts.append((cuts[-1][1] + last.start(), cuts[-1][1] + last.end()))
    elif len(cuts) == 1 and not re.search(r",\s*(?:and|or) ", outside):
        return [part]
    starts = [0, *(end for _, end in cuts)]
    ends = [*(start for start, _ in cuts), len(part)]
    return [part[start:end] for start, end in zip(starts, ends, strict=True)]


# Questions ---------------------------------------------------------------------------------------


def _from_question(text: str, elements: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Elements from the common forms of a question; nothing where the form is another."""
    text = " ".join(text.split())
    parts = _parts(text)
    if "p" not in parts and (people := _POPULATION.search(text) or _CONDITION.search(text)):
        parts["p"] = people.group(1) if people.re is _POPULATION else people.group()
    if terms := _TERMS.search(text):
        parts["z"] = _trimmed(terms["z"])
    own = tuple(elements)
    focus = next((name for name in ("intervention", "exposure", "index_test", "concept") if name in own), "")
    named = {"p": "population", "x": focus, "y": "comparator", "z": "outcome"}
    return {
        named[key]: _phrases_of(key, value)
        for key, value in parts.items()
        if named[key] in own and value.strip()
    }


def _phrases_of(key: str, value: str) -> tuple[str, ...]:
    """Those who are studied stay one phrase: their conditions belong together."""
    value = re.sub(r"^(?:(?:the|a|an|or|and) )+", "", value.strip(), flags=re.IGNORECASE)
    if key == "p":
        return (value.strip(" .,:;?"),)
    return phrases(value)


def _parts(text: str) -> dict[str, str]:
    """What the question's form shows: `p` who, `x` what is studied, `y` against what, `z` by what it is judged."""
    for form in (_SHOULD, _EFFECT, _DOES, _VERSUS_ONLY):
        if found := form.search(text):
            parts = {key: _trimmed(value) for key, value in found.groupdict().items() if value}
            if "p" not in parts and not re.search(rf"\b{_PEOPLE}\b", text, re.IGNORECASE):
                # "… of opioids for chronic pain": a condition in the place of those who have it.
                condition = re.match(r" (?:for|in) (.+?)(?=[:?.;]|$)", text[found.end() :])
                parts |= {"p": condition[1]} if condition else {}
            return parts
    return {}


def _trimmed(value: str) -> str:
    """Without the people at its end: they are the population's."""
    return re.sub(
        rf"\s+(?:among|in|for) (?:\w+ ){{0,2}}{_PEOPLE}\b.*$", "", value, flags=re.IGNORECASE
    ).strip(" ,")
