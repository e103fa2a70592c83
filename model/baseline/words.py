"""Words as the rules compare them: one spelling, one number, one name for an organ. Pure tables and functions."""

import re
from functools import lru_cache

from tools.search.vocabulary import words

__all__ = [
    "ABBREVIATIONS",
    "GENERIC",
    "ORGANS",
    "PEOPLE",
    "QUALIFIERS",
    "STOP",
    "SYNONYMS",
    "VAGUE",
    "american",
    "expanded",
    "fold",
    "folded_words",
    "spellings",
    "telling",
]


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP = _set("""
a about across after all also among an and any are as at be been before being between both but by can
compared comparison could did do does due during each either etc for from had has have having he her his
how if in into is it its least may more most must no not of on only or other our out over per should so
some such than that the their them then there these they this those through to under up upon using
versus via vs was we were what when where whether which while who whom whose why will with within without
would you your
""")
"""Words that never tell one concept from another."""

PEOPLE = _set("""
adult adults boy boys child children clinician clinicians elderly female females girl girls human humans
individual individuals infant infants inpatient inpatients male males man men neonate neonates
outpatient outpatients participant participants patient patients people person persons physician
physicians population populations professional professionals student students subject subjects teacher
teachers volunteer volunteers woman women
""")
"""Words for those who are studied; a criterion with one of them is about people."""

GENERIC = _set("""
care usual
adolescent adolescents adult adults aged ages any article articles available child children clinical
comparative compare compares comparing data diagnosed diagnosis disease diseases disorder disorders
effect effects efficacy effectiveness evidence evaluated examine examined found given had health healthy
human humans impact include included includes including individuals investigate investigated
investigating infants males females measured men management old original other outcome outcomes
paper papers participants patients pediatric people performed persons population published received
receiving related relation report reported reports research result results risk role safety specific
standard studies study subjects suspected syndrome therapy treat treated treatment treatments trial
trials undergoing use used using women years
""")
"""Words too common in medical writing to name a concept alone."""

QUALIFIERS = _set("""
active acute advanced atypical childhood chronic confirmed current diagnosed early elective elevated established
existing high-dose incident initial intravenous late long-acting long-term low-dose mild moderate native new
newly older oral persistent pre-existing previous primary progressive recurrent refractory resistant routine
second-generation secondary severe short-acting short-term stable standard suspected symptomatic systematic
systemic topical uncomplicated unstable untreated young
""")
"""Words without which a phrase is broader and still about the same thing."""

VAGUE = _set("""
access accuracy addition agent agents approach approaches area areas aspect aspects assay assays assessment
association associations barrier barriers behaviour beneficial care catalogue challenge challenges
characteristic characteristics classification clinic combination common community comparator complex
condition conditions consequence consequences context countries country criteria current decade decades
decision decisions delivering delivery detection determinants development difference differences different
drug drugs endemic environment exclusion experience experiences exposure extent facilitators factor factors
feature features first focus form forms frequency frequent general good group groups guideline guidelines
hospital hospitals identification implementation improvement indication indications intervention
interventions issue issues level levels local making marker markers measure measurement measures medication
medications medicine medicines method methods modalities modality model models monitoring must need needs
number numbers occurrence optimal option options pattern patterns people performance perspective
perspectives potential practice practices presence present presenting problem problems procedure procedures
process processes product products professional program programme programmes programs progression quality
quantity question questions range rapid rate rates red repeat response responses routine sample scale second
selection service services setting settings severity sign signs similar site sites status strategies
strategy support surface surfaces survey surveys symptom symptoms system systems technique techniques test
testing tests therapeutic therapeutics third tool tools type types unit units value values variable
variables various view views way ways whom work
""")
"""Words that name no concept to search for alone, beyond those of `GENERIC`: what kind of thing is meant."""

# One organ, two names: MeSH lists the noun, titles prefer the adjective.
_ORGANS = {
    "renal": "kidney", "nephritic": "kidney", "hepatic": "liver", "cardiac": "heart", "myocardial": "heart",
    "pulmonary": "lung", "cerebral": "brain", "gastric": "stomach", "intestinal": "bowel",
    "intestine": "bowel", "mammary": "breast", "ocular": "eye", "dental": "tooth", "teeth": "tooth",
    "dermal": "skin", "cutaneous": "skin", "osseous": "bone", "ovarian": "ovary", "uterine": "uterus",
    "prostatic": "prostate", "pancreatic": "pancreas", "splenic": "spleen", "colonic": "colon",
    "vesical": "bladder", "muscular": "muscle", "arterial": "artery", "venous": "vein",
    "oesophageal": "esophagus", "esophageal": "esophagus",
}  # fmt: skip
ORGANS = frozenset(_ORGANS.values())
"""Folded names of organs."""

_SAME = {
    "cancer": "neoplasm", "carcinoma": "neoplasm", "tumor": "neoplasm", "malignancy": "neoplasm",
    "medication": "drug", "pediatric": "child", "children": "child", "women": "woman", "men": "man",
    "people": "person", "hypertensive": "hypertension", "diabetic": "diabetes", "asthmatic": "asthma",
    "schizophrenic": "schizophrenia", "epileptic": "epilepsy", "demented": "dementia",
    "randomly": "randomized", "randomization": "randomized", "randomize": "randomized",
    "percent": "percentage", "hemorrhagic": "hemorrhage", "bleeding": "hemorrhage", "bleed": "hemorrhage",
    "death": "mortality", "suicidal": "suicide", "suicidality": "suicide",
    "septic": "sepsis", "obese": "obesity", "anemic": "anemia", "depressive": "depression",
}  # fmt: skip

SYNONYMS = {
    "kidney": ("renal",), "renal": ("kidney",), "liver": ("hepatic",), "hepatic": ("liver",),
    "heart": ("cardiac",), "cardiac": ("heart",), "coronary": ("myocardial",),
    "lung": ("pulmonary",), "pulmonary": ("lung",),
    "brain": ("cerebral",), "cerebral": ("brain",), "stomach": ("gastric",), "gastric": ("stomach",),
    "skin": ("cutaneous",), "eye": ("ocular",), "muscle": ("muscular",), "bowel": ("intestinal",),
    "cancer": ("neoplasm", "tumor", "carcinoma"), "tumor": ("cancer", "neoplasm"),
    "neoplasm": ("cancer", "tumor"), "bleeding": ("hemorrhage",), "hemorrhage": ("bleeding",),
    "death": ("mortality",), "mortality": ("death",), "children": ("pediatric",), "elderly": ("older",),
    "drug": ("medication",), "medication": ("drug",),
}  # fmt: skip
"""For searching: words that stand for one another in titles. American spelling; `spellings` adds the British."""

ABBREVIATIONS = {
    "ACS": "acute coronary syndrome", "AD": "Alzheimer disease", "ADHD": "attention deficit hyperactivity disorder",
    "AF": "atrial fibrillation", "AKI": "acute kidney injury", "ALS": "amyotrophic lateral sclerosis",
    "AMD": "macular degeneration", "ARDS": "acute respiratory distress syndrome", "ASD": "autism spectrum disorder",
    "BMI": "body mass index", "BP": "blood pressure", "CABG": "coronary artery bypass grafting",
    "CAD": "coronary artery disease", "CBT": "cognitive behavioral therapy", "CHD": "coronary heart disease",
    "CHF": "congestive heart failure", "CKD": "chronic kidney disease", "CLL": "chronic lymphocytic leukemia",
    "CML": "chronic myeloid leukemia", "COPD": "chronic obstructive pulmonary disease",
    "CPAP": "continuous positive airway pressure", "CRC": "colorectal cancer", "CVD": "cardiovascular disease",
    "DKD": "diabetic kidney disease", "DVT": "deep vein thrombosis", "ECMO": "extracorporeal membrane oxygenation",
    "EHR": "electronic health records", "ESKD": "end stage kidney disease", "ESRD": "end stage renal disease",
    "GERD": "gastroesophageal reflux disease", "GORD": "gastroesophageal reflux disease",
    "HCC": "hepatocellular carcinoma", "HCV": "hepatitis C", "HBV": "hepatitis B", "HF": "heart failure",
    "HRT": "hormone replacement therapy", "IBD": "inflammatory bowel disease", "IBS": "irritable bowel syndrome",
    "ICU": "intensive care unit", "IHD": "ischemic heart disease", "LLM": "large language model",
    "MDD": "major depressive disorder", "MI": "myocardial infarction", "MRI": "magnetic resonance imaging",
    "MS": "multiple sclerosis", "NAFLD": "non-alcoholic fatty liver disease",
    "NOAC": "non-vitamin K antagonist oral anticoagulant", "NSAID": "non-steroidal anti-inflammatory agents",
    "NSCLC": "non-small cell lung cancer", "OA": "osteoarthritis", "OCD": "obsessive compulsive disorder",
    "OSA": "obstructive sleep apnea", "PAD": "peripheral arterial disease", "PCI": "percutaneous coronary intervention",
    "PCOS": "polycystic ovary syndrome", "PD": "Parkinson disease", "PE": "pulmonary embolism",
    "PPI": "proton pump inhibitors", "PTSD": "post-traumatic stress disorder", "RA": "rheumatoid arthritis",
    "SLE": "systemic lupus erythematosus", "SSRI": "selective serotonin reuptake inhibitors",
    "T1DM": "type 1 diabetes", "T2D": "type 2 diabetes", "T2DM": "type 2 diabetes", "TB": "tuberculosis",
    "TBI": "traumatic brain injury", "TIA": "transient ischemic attack", "UTI": "urinary tract infection",
    "VTE": "venous thromboembolism", "WD": "Wilson disease",
}  # fmt: skip
"""Abbreviations that questions use without writing them out. A vocabulary that knows one goes first."""

_SPELLING = tuple(
    (re.compile(british), american)
    for british, american in (
        (r"\b(?:haem|h\u00e6m)", "hem"), (r"aemi", "emi"), (r"\boedema", "edema"), (r"\boesoph", "esoph"),
        (r"paed", "ped"), (r"tumour", "tumor"), (r"behaviour", "behavior"), (r"\bfoet", "fet"),
        (r"rrhoea", "rrhea"), (r"gynaec", "gynec"), (r"anaesth", "anesth"), (r"fibre", "fiber"),
        (r"\bcentre", "center"), (r"caesar", "cesar"), (r"leucocyt", "leukocyt"), (r"\bsulph", "sulf"),
        (r"\boestr", "estr"), (r"apnoea", "apnea"), (r"isation", "ization"), (r"colour", "color"),
        (r"\blabour", "labor"),
    )
)  # fmt: skip
"""British to American, for words in lower case."""

_ISE = re.compile(r"(random|hospital|immun|minim|optim|steril|metabol|local|neutral|general)is(e|ed|es|ing)$")


@lru_cache(maxsize=100_000)
def fold(word: str) -> str:
    """One form for a word's spellings, its plural, and its adjective: `Renal` and `kidneys` are both `kidney`.

    >>> fold("haemorrhages"), fold("randomised")
    ('hemorrhage', 'randomized')
    """
    word = _ISE.sub(r"\1iz\2", _american(word.lower()))
    word = _SAME.get(word, word)
    word = _singular(word)
    return _ORGANS.get(word, _SAME.get(word, word))


def _american(word: str) -> str:
    for british, american in _SPELLING:
        word = british.sub(american, word)
    return word


def _singular(word: str) -> str:
    """As the vocabulary does it: short words and Latin endings stay."""
    if len(word) < 5 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith(("sses", "shes", "ches", "xes")) else word[:-1]


def folded_words(text: str) -> tuple[str, ...]:
    """All words of a text, folded, in order."""
    return tuple(map(fold, words(text)))


def telling(text: str) -> tuple[str, ...]:
    """The folded words of a phrase that can tell it from another: no function words, nothing generic.

    A phrase of generic words only keeps those that are no function words.
    """
    content = [word for word in words(text) if word not in STOP and (len(word) > 1 or word.isdigit())]
    strong = [word for word in content if word not in GENERIC]
    return tuple(dict.fromkeys(map(fold, strong or content)))


def american(phrase: str) -> str:
    """A phrase in American spelling, as MeSH has it."""
    return " ".join(_american(word) if word.islower() else word for word in phrase.split())


def spellings(phrase: str) -> tuple[str, ...]:
    """A phrase in American and, where it differs, in British spelling."""
    american = " ".join(_american(word) for word in phrase.split())
    british = american
    for own, other in _BRITISH:
        british = re.sub(own, other, british)
    return tuple(dict.fromkeys((phrase, american, british)))


_BRITISH = (
    (r"\bhem(?=o|a)", "haem"), (r"(?<=[a-z])emia(?=s?\b)", "aemia"), (r"(?<=an|uk|yc|ch|ur)emic\b", "aemic"),
    (r"\bedema", "oedema"),
    (r"\besophag", "oesophag"), (r"\bpediatric", "paediatric"), (r"tumor(?!ou)", "tumour"),
    (r"behavior", "behaviour"), (r"rrhea\b", "rrhoea"), (r"gynec", "gynaec"), (r"anesth", "anaesth"),
    (r"orthoped", "orthopaed"), (r"\bestrogen", "oestrogen"), (r"\bfet(?=us|al)", "foet"),
    (r"apnea", "apnoea"), (r"ization\b", "isation"), (r"randomized", "randomised"),
)  # fmt: skip


def expanded(phrase: str) -> str:
    """A phrase with its abbreviations written out: `CKD` is `chronic kidney disease`."""
    return re.sub(r"(?<![\w-])[A-Z][A-Za-z0-9]*[A-Z0-9]s?(?![\w-])", _written_out, phrase)


def _written_out(found: re.Match[str]) -> str:
    text = found.group()
    return ABBREVIATIONS.get(text) or ABBREVIATIONS.get(text.removesuffix("s")) or text
