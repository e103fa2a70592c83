"""Cues for what kind of study a report is and whom it studied. Pure tables, and the rules to read them.

Each *kind* has words by which a criterion names it, and words by which a report shows it: a *sure* sign is
the report speaking about itself (in the title, or "we report a case"), a *hint* may speak of others.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from model.baseline.reading import Reading

__all__ = ["DESIGNS", "KINDS", "Kind", "Sign", "contradicts", "kinds_named", "signs"]


@dataclass(frozen=True)
class Kind:
    """One kind of study or of those studied."""

    named: re.Pattern[str]
    """How criteria name it."""
    title: re.Pattern[str] | None
    """A sure sign in the title."""
    own: re.Pattern[str] | None = None
    """A sure sign anywhere in title or abstract."""
    hint: re.Pattern[str] | None = None
    """A weaker sign anywhere in title or abstract."""
    types: tuple[str, ...] = ()
    """PubMed publication types, lower case."""
    headings: tuple[str, ...] = ()
    """MeSH headings, lower case."""


@dataclass(frozen=True)
class Sign:
    """That a report is of a kind; `quote` is verbatim, empty when only the indexing says so."""

    kind: str
    sure: bool
    quote: str
    why: str
    in_title: bool = False


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)


_RODENTS = (
    r"rats?|mice|mouse|murine|rodents?|rabbits?|guinea pigs?|hamsters?|piglets?|pigs?|porcine|swine|dogs?|canine"
    r"|cats|feline|sheep|ovine|bovine|cattle|cows?|horses?|equine|monkeys?|macaques?|zebrafish|drosophila"
    r"|chickens?|broilers?"
)
_SELF = r"(?:this|our|the present|the current|we (?:conducted|performed|carried out|did|undertook|report)(?: an?)?)"
_YOUNG = r"child(?:ren|hood)?|p(?:a)?ediatrics?|infants?|neonat(?:es?|al)|newborns?|preterm|toddlers?|adolescents?|adolescence|teenagers?|schoolchildren"
_DATA_REVIEW = r"(?:retrospective|chart|records?|file|notes?|case|database|registry|institutional|clinical)"

KINDS: dict[str, Kind] = {
    "trial": Kind(
        named=_re(
            r"randomi[sz]ed|randomi[sz]ation|RCTs?|(?:controlled|clinical|cross-?over|non-?inferiority|superiority"
            r"|equivalence|placebo-controlled|blind(?:ed)?|parallel[- ]group|head-to-head) (?:\w+ )?trials?|trials?"
        ),
        title=_re(r"randomi[sz]ed|placebo|double[- ]blind(?:ed)?|single[- ]blind|RCT|controlled trial|cross-?over"),
        own=_re(
            r"(?:were|was|are) (?:then )?(?:\w+ )?randomi[sz]ed|randomi[sz]ed to|randomly (?:assigned|allocated|divided"
            r"|received|selected to receive)|placebo[- ]controlled|double[- ](?:blind|dummy)(?:ed)?|single[- ]blind"
            r"|random (?:assignment|allocation)|randomi[sz]ed,|randomi[sz]ed (?:\w+ )?(?:study|trial)"
        ),
        hint=_re(r"randomi[sz](?:ed|ation)|placebo|trials?|cross-?over|open[- ]label|blind(?:ed)?"),
        types=("randomized controlled trial", "controlled clinical trial", "clinical trial", "equivalence trial",
               "pragmatic clinical trial", "clinical trial, phase ii", "clinical trial, phase iii",
               "clinical trial, phase iv", "clinical trial, phase i"),
    ),
    "cohort": Kind(
        named=_re(
            r"cohorts?|observational|longitudinal|prospective|retrospective|follow-?up stud(?:y|ies)|registr(?:y|ies)"
            r"|comparative stud(?:y|ies)|quantitative|(?:primary|original|empirical) (?:\w+ )?(?:research|stud(?:y|ies)|data)"
        ),
        title=_re(r"cohort|retrospective|prospective|longitudinal|observational study|registry|follow-?up study"),
        own=_re(
            r"(?:retrospective|prospective|observational|cohort|longitudinal)[\w ,-]{0,30} (?:study|analysis|review|cohort)"
            r"|(?:retrospectively|prospectively) (?:\w+ )?(?:analy[sz]ed|reviewed|evaluated|studied|collected|followed|included)"
        ),
        hint=_re(r"cohort|retrospective(?:ly)?|prospective(?:ly)?|longitudinal|observational|registry"),
        types=("observational study",),
        headings=("cohort studies", "retrospective studies", "prospective studies", "follow-up studies",
                  "longitudinal studies"),
    ),
    "case_control": Kind(
        named=_re(r"case-?\s?control(?:led)?|observational"),
        title=_re(r"case[- ]control(?:led)?"),
        own=_re(r"case[- ]control(?:led)? (?:study|analysis|design)|matched controls"),
        hint=_re(r"case[- ]control"),
        headings=("case-control studies",),
    ),
    "cross_sectional": Kind(
        named=_re(r"cross-?\s?sectional|surveys?|questionnaires?|prevalence stud(?:y|ies)|observational|quantitative"),
        title=_re(r"cross[- ]sectional|survey|prevalence of"),
        own=_re(r"cross[- ]sectional (?:\w+ )?(?:study|survey|analysis|design|data)|questionnaire survey|online survey"),
        hint=_re(r"cross[- ]sectional|survey(?:ed)?|questionnaires?"),
        headings=("cross-sectional studies", "surveys and questionnaires"),
    ),
    "qualitative": Kind(
        named=_re(r"qualitative|interviews?|focus groups?|mixed[- ]methods?"),
        title=_re(r"qualitative|interviews?|focus groups?|perceptions? of|experiences? of|lived experience"),
        own=_re(r"semi-?structured interviews?|thematic analysis|focus groups?|qualitative (?:study|analysis|interviews?)"),
        hint=_re(r"qualitative|interview(?:s|ed)?"),
        headings=("qualitative research", "focus groups"),
    ),
    "case_series": Kind(
        named=_re(r"case series|uncontrolled|single[- ]arm|before-?(?:and-)?after|pre-?(?:versus-)?post"),
        title=_re(r"case series|(?:series|report) of (?:\w+ )?(?:cases|patients)"),
        own=_re(r"case series|we (?:report|describe|present) (?:\w+ ){0,3}(?:cases|patients)"),
        hint=_re(r"case series"),
    ),
    "case_report": Kind(
        named=_re(r"(?:single )?case (?:reports?|stud(?:y|ies))|single cases"),
        title=_re(
            r"case reports?|report of (?:a|one|two|three) (?:\w+ )?cases?|(?:a|one|two|an unusual|a rare|first) (?:\w+ )?case of"
            r"|in (?:a|an) (?:\w+[- ])?(?:patient|man|woman|boy|girl|infant|child|adult)|a case study"
        ),
        own=_re(
            r"(?:we|authors|this (?:paper|article|report)|here) (?:\w+ )?(?:report|describe|present|discuss)s? (?:the |a |an |our )?"
            r"(?:\w+ ){0,3}case(?! series)(?: of)?|an? \d{1,3}[- ](?:year|month|week|day)s?[- ]old (?:\w+[- ]){0,4}(?:man|woman|male|female|boy|girl|patient|infant|lady|gentleman)"
        ),
        hint=_re(r"case reports?"),
        types=("case reports",),
    ),
    "systematic_review": Kind(
        named=_re(r"(?:systematic|scoping|umbrella|cochrane) (?:\w+ )?reviews?|meta-?\s?analys[ei]s|pooled analys[ei]s|secondary literature"),
        title=_re(r"(?:systematic|scoping|umbrella|cochrane) (?:\w+ )?(?:review|overview)|meta-?analys[ei]s|meta-?analytic"),
        own=_re(
            r"we (?:\w+ )?(?:searched|systematically reviewed)|(?:medline|embase|pubmed|cochrane library|electronic databases)"
            r"[\w ,()-]{0,60}(?:searched|search)|search(?:ed|es|ing)? (?:\w+ ){0,4}(?:medline|embase|pubmed|databases)|"
            r"systematic(?:ally)? review(?:ed)? (?:and|was|of)"
        ),
        hint=_re(r"systematic review|meta-?analys[ei]s"),
        types=("systematic review", "meta-analysis", "network meta-analysis"),
    ),
    "review": Kind(
        named=_re(
            r"(?:narrative|literature|non-?systematic|state of the art) (?:\w+ )?reviews?|reviews?|review articles?|overviews?|tutorials?"
            r"|theoretical articles?|secondary literature"
        ),
        title=_re(
            rf"(?<!systematic )(?<!scoping )(?:narrative|literature|clinical|critical|brief|mini|current|comprehensive) (?:\w+ )?reviews?"
            rf"|reviews? (?:of the (?:literature|evidence))|: (?:a|an) (?:\w+ )?(?:review|overview|update)$|an (?:update|overview)"
        ),
        own=_re(
            r"this (?:article|paper|chapter|review) (?:\w+ )?(?:reviews?|discusses|summari[sz]es|provides an overview|focuses on|describes"
            r"|highlights|outlines)|we (?:\w+ )?review (?:the|current|recent|available|published)|in this review|this review"
            r"|the present review|is reviewed|are reviewed (?:here|in this)"
        ),
        hint=_re(r"review|overview"),
        types=("review",),
    ),
    "editorial": Kind(
        named=_re(
            r"editorials?|letters?|comment(?:s|ary|aries)?|opinions?(?: pieces?| papers?)?|viewpoints?|perspectives?|errat(?:um|a)|news"
        ),
        title=_re(
            r"editorial|commentary|letter(?: to the editor)?|in reply|authors?'? reply|comments? on|viewpoint|erratum|corrigendum"
            r"|correction to|a perspective|an opinion"
        ),
        types=("editorial", "letter", "comment", "news", "published erratum"),
    ),
    "guideline": Kind(
        named=_re(r"(?:practice )?guidelines?|consensus statements?|position (?:papers?|statements?)|recommendations"),
        title=_re(
            r"(?:practice|clinical|management|treatment) guidelines?|guidelines? (?:for|on|from)|consensus (?:statement|conference|report)"
            r"|position (?:paper|statement)"
        ),
        own=_re(r"(?:this|these|the present) (?:\w+ )?(?:guidelines?|consensus|position paper|recommendations) (?:was|were|is|are|provides?)"),
        types=("guideline", "practice guideline", "consensus development conference"),
    ),
    "protocol": Kind(
        named=_re(r"(?:study |trial |research )?protocols?(?: papers?)?"),
        title=_re(r"(?:study|trial|review|research) protocol|: (?:a |the )?(?:\w+ )?protocol|protocol (?:for|of) (?:a|an|the)|rationale and design"),
        own=_re(r"this (?:study |trial )?protocol (?:describes|outlines|presents|paper)|will be (?:randomi[sz]ed|recruited|enrolled)"),
        types=("clinical trial protocol",),
    ),
    "abstract_only": Kind(
        named=_re(r"(?:conference|meeting) (?:\w+ )?(?:abstracts?|proceedings|papers?)(?: only)?|abstracts? only|abstract-only"),
        title=_re(r"proceedings|conference abstracts?|meeting abstracts?"),
    ),
    "pharmacokinetic": Kind(
        named=_re(r"pharmacokinetics?(?: stud(?:y|ies))?|phase I trials?|healthy volunteer(?:s)?(?: stud(?:y|ies))?"),
        title=_re(r"pharmacokinetics?|bioavailability|bioequivalence|healthy (?:\w+ )?(?:volunteers?|subjects?|men|adults)"),
        hint=_re(r"pharmacokinetics?|healthy (?:\w+ )?volunteers"),
    ),
    "animal": Kind(
        named=_re(rf"animals?(?: stud(?:y|ies)| models?)?|non-?human|pre-?clinical|{_RODENTS}"),
        title=_re(rf"(?:in|of|on|from|by|anesthetized|anaesthetized|wistar|sprague[- ]dawley|male|diabetic|transgenic|\w+-induced|the) (?:\w+[- ]){{0,3}}(?:{_RODENTS})|(?:rat|mouse|murine|rodent|animal|porcine|canine) (?:\w+ )?(?:models?|stud(?:y|ies))|(?:rats|mice|piglets|zebrafish|drosophila)"),
        own=_re(r"(?:wistar|sprague[- ]dawley|c57bl|balb/?c|knock-?out) (?:\w+ )?(?:rats?|mice|mouse)|(?:rats|mice|rabbits|dogs|pigs|piglets) (?:were|was|received|treated|fed)"),
        hint=_re(_RODENTS),
    ),
    "in_vitro": Kind(
        named=_re(r"in[- ]vitro(?: stud(?:y|ies))?|cell (?:lines?|cultures?)|ex[- ]vivo"),
        title=_re(r"in vitro|ex vivo|cell lines?|cultured (?:\w+ )?cells"),
        own=_re(r"(?:cell lines?|cultured (?:\w+ )?cells) (?:were|was)"),
        hint=_re(r"in vitro|ex vivo|cell lines?"),
    ),
    "child": Kind(
        named=_re(_YOUNG),
        title=_re(_YOUNG),
        own=_re(rf"\d+ (?:\w+ ){{0,2}}(?:{_YOUNG})"),
        hint=_re(_YOUNG),
        headings=("child", "infant", "child, preschool", "infant, newborn", "adolescent"),
    ),
    "adult": Kind(
        named=_re(r"adults?|elderly|older (?:adults?|people|patients|persons|women|men)|middle[- ]aged"),
        title=_re(r"adults?|elderly|older (?:adults?|people|patients|persons|women|men)|geriatric|aged"),
        own=_re(r"(?:adults?|elderly) (?:patients|subjects|participants|men|women|volunteers)"),
        hint=_re(r"adults?|elderly|(?<!young )men|(?<!young )women|(?<!-)\b(?:1[89]|[2-9]\d) (?:years|yr|to \d+ years)"),
        headings=("adult", "aged", "middle aged", "young adult", "aged, 80 and over"),
    ),
}  # fmt: skip
"""Kinds by name."""

DESIGNS = frozenset(KINDS) - {"animal", "in_vitro", "child", "adult", "pharmacokinetic", "abstract_only"}
"""Kinds that say how a study was done; the others say on whom."""

WITHOUT_OWN_DATA = frozenset({"review", "editorial", "guideline", "protocol", "case_report"})
"""Designs that cannot be meant by a criterion for another one, whoever wrote it."""

FAMILY = {
    "trial": frozenset({"trial"}),
    "cohort": frozenset({"cohort", "case_control", "cross_sectional", "case_series"}),
    "case_control": frozenset({"case_control", "cohort"}),
    "cross_sectional": frozenset({"cross_sectional", "cohort"}),
    "case_series": frozenset({"case_series", "cohort", "case_report"}),
    "case_report": frozenset({"case_report", "case_series"}),
    "qualitative": frozenset({"qualitative", "cross_sectional"}),
    "systematic_review": frozenset({"systematic_review"}),
    "review": frozenset({"review", "systematic_review"}),
}
"""Designs that authors confuse: where one is wanted, its family does not contradict."""


def kinds_named(text: str) -> frozenset[str]:
    """The kinds that a piece of a criterion names."""
    found = {name for name, kind in KINDS.items() if kind.named.search(text)}
    # "Systematic review" holds the word review, and "case-control" the word case.
    if "systematic_review" in found and not re.search(r"narrative|literature review|overview", text, re.IGNORECASE):
        found.discard("review")
    return frozenset(found)


def signs(
    reading: Reading, publication_types: Sequence[str] = (), mesh: Sequence[str] = ()
) -> dict[str, Sign]:
    """Kind to the best sign that the report is of it; kinds without a sign are absent."""
    types = {value.lower() for value in publication_types}
    headings = {value.lower().split("/")[0].strip("* ") for value in mesh}
    found = {}
    for name, kind in KINDS.items():
        sign = _sign(name, kind, reading, types, headings)
        if sign is not None:
            found[name] = sign
    return _settled(found, headings)


def _sign(name: str, kind: Kind, reading: Reading, types: set[str], headings: set[str]) -> Sign | None:
    titles = [index for index in reading.opening if reading.in_title(index)]
    for pattern, sure, within, where in (
        (kind.title, True, titles, "title"),
        (kind.own, True, None, "abstract"),
    ):
        if pattern is not None and (hit := reading.search(pattern, within)) is not None and not _chart_review(name, hit[1]):
            return Sign(name, sure, reading.quote(hit[0]), f'"{hit[1].group()}" in the {where}', where == "title")
    indexed = sorted(types.intersection(kind.types)) or sorted(headings.intersection(kind.headings))
    if indexed:
        hint = reading.search(kind.hint) if kind.hint else None
        return Sign(name, True, reading.quote(hit[0]) if (hit := hint) else "", f"indexed as {indexed[0]}")
    if kind.hint is not None and (hit := reading.search(kind.hint)) is not None and not _chart_review(name, hit[1]):
        return Sign(name, False, reading.quote(hit[0]), f'"{hit[1].group()}"')
    return None


def _chart_review(name: str, found: re.Match[str]) -> bool:
    """Whether `review` is the reading of charts: `a retrospective review of 40 cases` is a cohort."""
    if name != "review":
        return False
    around = found.string[max(0, found.start() - 40) : found.end() + 25]
    return re.search(rf"{_DATA_REVIEW}\b[\w ,-]{{0,25}}review|peer[- ]review|systematic", around, re.IGNORECASE) is not None


_HUMANS = _re(
    r"patients?|participants?|volunteers?|men|women|children|adults|adolescents?|infants|subjects|clinical (?:trial|study)|humans?"
)


def _settled(found: dict[str, Sign], headings: set[str]) -> dict[str, Sign]:
    """Signs that speak against one another: what may be about people is not surely about animals."""
    animal = found.get("animal")
    if animal is not None and animal.sure:
        about_people = "humans" in headings or _HUMANS.search(animal.quote) is not None
        if about_people:
            found["animal"] = Sign("animal", False, animal.quote, animal.why)
    return found


def contradicts(sign: Sign, wanted: frozenset[str], found: dict[str, Sign]) -> bool:
    """Whether a report of this kind cannot be of a wanted design.

    Only a sure sign counts, only where nothing hints at a wanted design, and, for designs with data of
    their own, only in the title: authors call one study by several names.
    """
    related = frozenset().union(*(FAMILY.get(design, frozenset({design})) for design in wanted))
    if not wanted or not sign.sure or sign.kind in related or sign.kind not in DESIGNS:
        return False
    if any(design in found for design in wanted & related):
        return False
    return sign.kind in WITHOUT_OWN_DATA or sign.in_title
