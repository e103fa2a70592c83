"""Kinds of study and of those studied, with the words that show them: a table, and nothing else. Pure.

Each kind has words by which a criterion names it, and words by which a report shows it: a *sure* sign is
the report speaking about itself (in its title, or "we report a case"), a *hint* may speak of others.
Patterns are whole words, in any case.
"""

import re
from dataclasses import dataclass

__all__ = ["DESIGNS", "FAMILY", "KINDS", "PRIMARY", "WITHOUT_OWN_DATA", "Kind", "any_of"]

Pattern = re.Pattern[str]


def any_of(*patterns: str) -> Pattern:
    """One pattern for any of these, as whole words, in any case."""
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Kind:
    """One kind of study, or of those studied."""

    named: Pattern
    """How criteria name it."""
    title: Pattern | None
    """A sure sign in the title."""
    own: Pattern | None = None
    """A sure sign anywhere in title or abstract."""
    hint: Pattern | None = None
    """A weaker sign anywhere in title or abstract."""
    types: tuple[str, ...] = ()
    """PubMed publication types, lower case."""
    headings: tuple[str, ...] = ()
    """MeSH headings, lower case."""


_ANIMALS = (
    r"rats?|mice|mouse|murine|rodents?|rabbits?|guinea pigs?|hamsters?|piglets?|pigs?|porcine|swine|dogs?|canine"
    r"|cats|feline|sheep|ovine|bovine|cattle|cows?|horses?|equine|monkeys?|macaques?|zebrafish|drosophila"
    r"|chickens?|broilers?"
)
_YOUNG = (
    r"child(?:ren|hood)?|p(?:a)?ediatrics?|infants?|neonat(?:es?|al)|newborns?|preterm|toddlers?|adolescents?"
    r"|adolescence|teenagers?|schoolchildren"
)
_OLDER = r"elderly|older (?:adults?|people|patients|persons|women|men)"
_OBSERVED = r"retrospective|prospective|observational|cohort|longitudinal"
_OLD = r"\d{1,3}[- ](?:year|month|week|day)s?[- ]old"

PRIMARY = any_of(
    r"(?:primary|original|empirical) (?:\w+ )?(?:research|stud(?:y|ies)|data|articles?)", r"quantitative"
)
"""Names all designs with data of their own."""

KINDS: dict[str, Kind] = {
    "trial": Kind(
        named=any_of(
            r"randomi[sz]ed", r"randomi[sz]ation", r"RCTs?", r"trials?", r"experiments?", r"cross-?over",
            r"quasi-?experimental",
        ),
        title=any_of(
            r"randomi[sz]ed", r"placebo", r"double[- ]blind(?:ed)?", r"single[- ]blind", r"RCT", r"controlled trial",
            r"cross-?over",
        ),
        own=any_of(
            r"(?:were|was|are) (?:then )?(?:\w+ )?randomi[sz]ed", r"randomi[sz]ed to", r"placebo[- ]controlled",
            r"randomly (?:assigned|allocated|divided|received)", r"double[- ](?:blind|dummy)(?:ed)?",
            r"single[- ]blind", r"random (?:assignment|allocation)",
            r"(?:in|this|our|as|was|is|conducted|performed|undertook)(?: an?| the)? (?:[\w-]+,? ){0,4}randomi[sz]ed,?"
            r" (?:[\w-]+,? ){0,4}(?:study|trial)",
        ),
        hint=any_of(
            r"randomi[sz](?:ed|ation)", r"placebo", r"trials?", r"cross-?over", r"open[- ]label", r"blind(?:ed)?"
        ),
        types=(
            "randomized controlled trial", "controlled clinical trial", "clinical trial", "equivalence trial",
            "pragmatic clinical trial", "clinical trial, phase i", "clinical trial, phase ii",
            "clinical trial, phase iii", "clinical trial, phase iv",
        ),
    ),
    "cohort": Kind(
        named=any_of(
            r"cohorts?", r"observational", r"longitudinal", r"prospective", r"retrospective", r"registr(?:y|ies)",
            r"follow-?up stud(?:y|ies)", r"comparative stud(?:y|ies)",
        ),
        title=any_of(
            r"cohort", r"retrospective", r"prospective", r"longitudinal", r"observational study", r"registry",
            r"follow-?up study",
        ),
        own=any_of(
            rf"(?:{_OBSERVED})[\w ,-]{{0,30}} (?:study|analysis|review|cohort)",
            r"(?:retro|pro)spectively (?:\w+ )?(?:analy[sz]ed|reviewed|evaluated|studied|collected|followed|included)",
        ),
        hint=any_of(
            r"cohort", r"(?:retro|pro)spective(?:ly)?", r"longitudinal", r"observational", r"registry"
        ),
        types=("observational study",),
        headings=(
            "cohort studies", "retrospective studies", "prospective studies", "follow-up studies",
            "longitudinal studies",
        ),
    ),
    "case_control": Kind(
        named=any_of(r"case-?\s?control(?:led)?", r"observational"),
        title=any_of(r"case[- ]control(?:led)?"),
        own=any_of(r"case[- ]control(?:led)? (?:study|analysis|design)", r"matched controls"),
        hint=any_of(r"case[- ]control"),
        headings=("case-control studies",),
    ),
    "cross_sectional": Kind(
        named=any_of(
            r"cross-?\s?sectional", r"surveys?", r"questionnaires?", r"prevalence stud(?:y|ies)", r"observational"
        ),
        title=any_of(r"cross[- ]sectional", r"survey", r"prevalence of"),
        own=any_of(
            r"cross[- ]sectional (?:\w+ )?(?:study|survey|analysis|design|data)", r"(?:questionnaire|online) survey"
        ),
        hint=any_of(r"cross[- ]sectional", r"survey(?:ed)?", r"questionnaires?"),
        headings=("cross-sectional studies", "surveys and questionnaires"),
    ),
    "qualitative": Kind(
        named=any_of(r"qualitative", r"interviews?", r"focus groups?", r"mixed[- ]methods?"),
        title=any_of(r"qualitative (?:study|research|analysis|interviews?|exploration)", r"focus groups?"),
        own=any_of(
            r"semi-?structured interviews?", r"thematic analysis", r"qualitative (?:study|analysis|interviews?)"
        ),
        hint=any_of(r"qualitative", r"interview(?:s|ed)?"),
        headings=("qualitative research", "focus groups"),
    ),
    "case_series": Kind(
        named=any_of(
            r"case series", r"uncontrolled", r"single[- ]arm", r"before-?(?:and-)?after", r"pre-?(?:versus-)?post",
            r"interrupted time series",
        ),
        title=any_of(r"case series", r"(?:series|report) of (?:\w+ )?(?:cases|patients)"),
        own=any_of(r"case series", r"we (?:report|describe|present) (?:\w+ ){0,3}(?:cases|patients)"),
        hint=any_of(r"case series"),
    ),
    "case_report": Kind(
        named=any_of(r"(?:single )?case (?:reports?|stud(?:y|ies))", r"single cases"),
        title=any_of(
            r"case reports?", r"report of (?:a|one|two|three) (?:\w+ )?cases?", r"a case study",
            r"(?:a|one|two|an unusual|a rare|first) (?:\w+ )?case of",
        ),
        own=any_of(
            r"(?:we|authors|here) (?:\w+ )?(?:report|describe|present)s? (?:the |a |an |our )?(?:\w+ ){0,3}"
            r"case(?! series| control)",
            rf"an? {_OLD} (?:\w+[- ]){{0,4}}(?:man|woman|male|female|boy|girl|patient|infant|lady|gentleman)",
        ),
        hint=any_of(r"case reports?"),
        types=("case reports",),
    ),
    "systematic_review": Kind(
        named=any_of(
            r"(?:systematic|scoping|umbrella|cochrane) (?:\w+ )?reviews?", r"meta-?\s?analys[ei]s",
            r"pooled analys[ei]s", r"secondary literature",
        ),
        title=any_of(
            r"(?:systematic|scoping|umbrella|cochrane) (?:\w+ )?(?:review|overview)", r"meta-?analys[ei]s",
            r"meta-?analytic",
        ),
        own=any_of(
            r"we (?:\w+ )?(?:searched|systematically reviewed)"
            r"(?! (?:our|the (?:\w+ )?(?:archives?|records?|reports?|files|registry|registries)))",
            r"(?:medline|embase|pubmed|cochrane library|electronic databases)[\w ,()-]{0,60}search(?:ed)?",
            r"search(?:ed|es|ing)? (?:\w+ ){0,4}(?:medline|embase|pubmed|databases)",
            r"systematic(?:ally)? review(?:ed)? (?:and|was|of)",
        ),
        hint=any_of(r"systematic review", r"meta-?analysis"),
        types=("systematic review", "meta-analysis", "network meta-analysis"),
    ),
    "review": Kind(
        named=any_of(
            r"reviews?", r"review articles?", r"overviews?", r"tutorials?", r"theoretical articles?",
            r"secondary literature",
        ),
        title=any_of(
            r"(?:narrative|literature|clinical|critical|brief|mini|current|comprehensive) (?:\w+ )?reviews?",
            r"(?<!and )reviews? of the (?:literature|evidence)", r"review article", r"(?:an|the) (?:update|overview)",
            r"a review",
        ),
        own=any_of(
            r"this (?:article|paper|chapter) (?:\w+ )?(?:reviews?|summari[sz]es|provides an overview|highlights)",
            r"we (?:\w+ )?review (?:the|current|recent|available|published)", r"in this review", r"this review",
            r"the present review", r"is reviewed", r"are reviewed (?:here|in this)",
        ),
        hint=any_of(r"review", r"overview"),
        types=("review",),
    ),
    "editorial": Kind(
        named=any_of(
            r"editorials?", r"letters?", r"comment(?:s|ary|aries)?", r"opinions?(?: pieces?| papers?)?",
            r"viewpoints?", r"perspectives?", r"errat(?:um|a)", r"news",
        ),
        title=any_of(
            r"editorial", r"commentary", r"letter(?: to the editor)?", r"in reply", r"authors?'? reply",
            r"comments? on",
            r"viewpoint", r"erratum", r"corrigendum", r"correction to",
        ),
        types=("editorial", "letter", "comment", "news", "published erratum"),
    ),
    "guideline": Kind(
        named=any_of(r"guidelines?", r"consensus statements?", r"position (?:papers?|statements?)"),
        title=any_of(
            r"(?:practice|management|treatment) guidelines?", r"guidelines? (?:for|on|from)",
            r"consensus (?:statement|conference|report)", r"position (?:paper|statement)",
        ),
        own=any_of(r"(?:this|these) (?:\w+ )?(?:guidelines?|consensus statement|position paper)"),
        types=("guideline", "practice guideline", "consensus development conference"),
    ),
    "protocol": Kind(
        named=any_of(r"(?:study |trial |research )?protocols?(?: papers?)?"),
        title=any_of(
            r"(?:study|trial|review|research) protocol", r"protocol (?:for|of) (?:a|an|the)", r"rationale and design"
        ),
        own=any_of(
            r"this (?:study |trial )?protocol (?:describes|outlines|presents|paper)",
            r"will be (?:randomi[sz]ed|recruited|enrolled)",
        ),
        types=("clinical trial protocol",),
    ),
    "abstract_only": Kind(
        named=any_of(
            r"(?:conference|meeting) (?:\w+ )?(?:abstracts?|proceedings|papers?)(?: only)?", r"abstracts?[- ]only"
        ),
        title=any_of(r"proceedings", r"(?:conference|meeting) abstracts?"),
    ),
    "pharmacokinetic": Kind(
        named=any_of(
            r"pharmacokinetics?(?: stud(?:y|ies))?", r"phase I trials?", r"healthy volunteers?(?: stud(?:y|ies))?"
        ),
        title=any_of(
            r"pharmacokinetics?", r"bioavailability", r"bioequivalence",
            r"healthy (?:\w+ )?(?:volunteers?|subjects?|men|adults)",
        ),
        hint=any_of(r"pharmacokinetics?", r"healthy (?:\w+ )?volunteers"),
    ),
    "animal": Kind(
        named=any_of(r"animals?(?: stud(?:y|ies)| models?)?", r"non-?human", r"pre-?clinical", _ANIMALS),
        title=any_of(
            rf"(?:in|of|on|from|by|the|male|wistar|transgenic|diabetic|\w+-induced) (?:\w+[- ]){{0,3}}(?:{_ANIMALS})",
            r"(?:rat|mouse|murine|rodent|animal|porcine|canine) (?:\w+ )?(?:models?|stud(?:y|ies))",
            r"rats|mice|piglets|zebrafish|drosophila",
        ),
        own=any_of(
            r"(?:wistar|sprague[- ]dawley|c57bl|balb/?c|knock-?out) (?:\w+ )?(?:rats?|mice|mouse)",
            r"(?:rats|mice|rabbits|dogs|pigs|piglets) (?:were|was|received|treated|fed)",
        ),
        hint=any_of(_ANIMALS),
    ),
    "in_vitro": Kind(
        named=any_of(r"in[- ]vitro(?: stud(?:y|ies))?", r"cell (?:lines?|cultures?)", r"ex[- ]vivo"),
        title=any_of(r"in vitro", r"ex vivo", r"cell lines?", r"cultured (?:\w+ )?cells"),
        own=any_of(r"(?:cell lines?|cultured (?:\w+ )?cells) (?:were|was)"),
        hint=any_of(r"in vitro", r"ex vivo", r"cell lines?"),
    ),
    "child": Kind(
        named=any_of(_YOUNG),
        title=any_of(_YOUNG),
        own=any_of(rf"\d+ (?:\w+ ){{0,2}}(?:{_YOUNG})"),
        hint=any_of(_YOUNG),
        headings=("child", "infant", "child, preschool", "infant, newborn", "adolescent"),
    ),
    "adult": Kind(
        named=any_of(r"adults?", _OLDER, r"middle[- ]aged"),
        title=any_of(r"adults?", _OLDER, r"geriatric", r"aged"),
        own=any_of(r"(?:adults?|elderly) (?:patients|subjects|participants|men|women|volunteers)"),
        hint=any_of(r"adults?", r"elderly", r"(?<!young )(?:wo)?men", r"(?:1[89]|[2-9]\d) (?:years|yr|to \d+ years)"),
        headings=("adult", "aged", "middle aged", "young adult", "aged, 80 and over"),
    ),
}  # fmt: skip
"""Kinds by name."""

DESIGNS = frozenset(KINDS) - {"animal", "in_vitro", "child", "adult", "pharmacokinetic", "abstract_only"}
"""Kinds that say how a study was done; the others say on whom."""

WITHOUT_OWN_DATA = frozenset({"review", "editorial", "guideline", "protocol", "case_report"})
"""Designs that cannot be meant by a criterion for another one, whoever wrote it."""

FAMILY = {
    "cohort": frozenset({"cohort", "case_control", "cross_sectional", "case_series"}),
    "case_control": frozenset({"case_control", "cohort"}),
    "cross_sectional": frozenset({"cross_sectional", "cohort"}),
    "case_series": frozenset({"case_series", "cohort", "case_report"}),
    "case_report": frozenset({"case_report", "case_series"}),
    "qualitative": frozenset({"qualitative", "cross_sectional"}),
    "review": frozenset({"review", "systematic_review"}),
}
"""Designs that authors confuse: where one is wanted, its family does not contradict."""
