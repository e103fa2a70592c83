"""Names of concepts that are younger than most vocabularies, or that a vocabulary scatters. A table. Pure.

MeSH takes a new concept up after years, and an installed copy is older still. The table is about
medicine at large and is meant to grow.
"""

from functools import lru_cache

from model.baseline.words import folded_words

__all__ = ["names_for"]

_GROUPS = """
large language models; large language model; generative artificial intelligence; generative AI; generative
  pre-trained transformer | ChatGPT; GPT-3; GPT-4; BERT; LLaMA; AI chatbot; artificial intelligence
  chatbot
machine learning | deep learning; artificial intelligence; neural network; random forest
COVID-19; COVID; SARS-CoV-2; 2019-nCoV; novel coronavirus; coronavirus disease 2019
long COVID; post-COVID; post-acute COVID-19; post-acute sequelae
SGLT2 inhibitors; sodium-glucose cotransporter-2 inhibitors; sodium-glucose co-transporter 2 inhibitors;
  gliflozins | canagliflozin; dapagliflozin; empagliflozin; ertugliflozin; sotagliflozin
GLP-1 receptor agonists; glucagon-like peptide-1 receptor agonists; GLP-1RA; incretin mimetics |
  exenatide; liraglutide; lixisenatide; dulaglutide; semaglutide; albiglutide; tirzepatide
DPP-4 inhibitors; dipeptidyl peptidase-4 inhibitors; gliptins | sitagliptin; saxagliptin; linagliptin;
  vildagliptin; alogliptin
non-vitamin K antagonist oral anticoagulants; direct oral anticoagulants; novel oral anticoagulants; new
  oral anticoagulants; direct-acting oral anticoagulants; NOAC; NOACs; DOAC; DOACs | dabigatran;
  rivaroxaban; apixaban; edoxaban
mineralocorticoid receptor antagonists; aldosterone antagonists | spironolactone; eplerenone; finerenone;
  esaxerenone
PCSK9 inhibitors | evolocumab; alirocumab; inclisiran
angiotensin receptor-neprilysin inhibitors | sacubitril; ARNI
JAK inhibitors; Janus kinase inhibitors | tofacitinib; baricitinib; upadacitinib; filgotinib
immune checkpoint inhibitors | PD-1 inhibitors; PD-L1 inhibitors; nivolumab; pembrolizumab; ipilimumab;
  atezolizumab; durvalumab; avelumab
PARP inhibitors | olaparib; niraparib; rucaparib; talazoparib
CDK4/6 inhibitors | palbociclib; ribociclib; abemaciclib
chimeric antigen receptor T cells; CAR-T; CAR T-cell therapy
direct-acting antivirals | sofosbuvir; ledipasvir; daclatasvir; velpatasvir; glecaprevir
pre-exposure prophylaxis; PrEP | tenofovir disoproxil
CGRP antagonists; calcitonin gene-related peptide antagonists; gepants | erenumab; fremanezumab;
  galcanezumab; eptinezumab
HIF prolyl hydroxylase inhibitors | roxadustat; daprodustat; vadadustat; enarodustat; molidustat
urate-lowering therapy; uric acid-lowering therapy | xanthine oxidase inhibitors; allopurinol; febuxostat;
  topiroxostat
potassium binders | patiromer; sodium zirconium cyclosilicate; sodium polystyrene sulfonate
antiamyloid antibodies | lecanemab; aducanumab; donanemab; gantenerumab
cholinesterase inhibitors; acetylcholinesterase inhibitors | donepezil; rivastigmine; galantamine
second-generation antipsychotics; atypical antipsychotics | aripiprazole; olanzapine; quetiapine;
  risperidone; clozapine; ziprasidone; paliperidone; lurasidone; brexpiprazole
biologics; biologic therapies; biological therapies | tumor necrosis factor inhibitors; anti-TNF;
  infliximab; adalimumab; etanercept
metabolic dysfunction-associated steatotic liver disease; MASLD; metabolic dysfunction-associated fatty
  liver disease; MAFLD; NAFLD; non-alcoholic fatty liver disease; NASH
myalgic encephalomyelitis; chronic fatigue syndrome; ME/CFS
electronic cigarettes; e-cigarettes; vaping; electronic nicotine delivery systems
telehealth; telemedicine | telerehabilitation; telemonitoring; teleconsultation; eHealth; mHealth; mobile
  health; digital health
mobile applications; smartphone app; mobile app; mHealth
virtual reality | augmented reality; extended reality; exergames
wearable devices; wearables | fitness trackers; smartwatch; activity tracker
continuous glucose monitoring; flash glucose monitoring; CGM
enhanced recovery after surgery; ERAS; fast-track surgery
fecal microbiota transplantation; faecal microbiota transplant; FMT; stool transplant
microbiome; microbiota; gut flora | dysbiosis
intermittent fasting; time-restricted eating; time-restricted feeding
high-intensity interval training; HIIT; interval training | sprint interval
gender dysphoria; transgender; gender incongruence | gender-affirming
climate change; global warming | extreme heat; heat wave
burnout; professional burnout | compassion fatigue; moral distress
shared decision making | decision aid; patient decision aids
nudge; nudging; choice architecture; behavioral economics
metagenomics; metagenomic sequencing; mNGS; shotgun sequencing | viral metagenomics
next-generation sequencing; high-throughput sequencing | whole exome sequencing; whole genome sequencing
genetic association; genetic polymorphism | single nucleotide polymorphism; genome-wide association; GWAS;
  genotype
"""
"""A line for each concept; an indented one goes on. Before the bar: names of the concept. Behind it: what
belongs to it, such as the drugs of a class; these are searched for with the class, but not the class with them."""


def names_for(phrase: str) -> tuple[str, ...]:
    """Other names of what a phrase names; empty for what is in no line.

    >>> names_for("Time-restricted feeding")
    ('intermittent fasting', 'time-restricted eating')
    """
    wanted = folded_words(phrase)
    return tuple(name for name in _by_name().get(wanted, ()) if folded_words(name) != wanted)


@lru_cache(maxsize=1)
def _by_name() -> dict[tuple[str, ...], tuple[str, ...]]:
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for line in _GROUPS.replace("\n  ", " ").strip().splitlines():
        names, _, members = line.partition(" | ")
        all_names = tuple(
            name.strip() for part in (names, members) for name in part.split(";") if name.strip()
        )
        for name in names.split(";"):
            found.setdefault(folded_words(name), all_names)
    return found
