"""MeSH subheadings and their two-letter codes, as Ovid and the Cochrane Library write them. Pure.

Source: NLM, MeSH Qualifiers with Scope Notes, https://www.nlm.nih.gov/mesh/qualifiers_scopenotes.html.
"""

from collections.abc import Mapping

__all__ = ["CODES", "NAMES", "RETIRED"]

_LIST = """
ab abnormalities; ad administration & dosage; ae adverse effects; ag agonists; aa analogs & derivatives;
an analysis; ah anatomy & histology; ai antagonists & inhibitors; bi biosynthesis; bl blood; bs blood supply;
cf cerebrospinal fluid; ch chemistry; ci chemically induced; cs chemical synthesis; cl classification;
co complications; cn congenital; ct contraindications; cy cytology; df deficiency; di diagnosis;
dg diagnostic imaging; dh diet therapy; de drug effects; dt drug therapy; ec economics; ed education;
em embryology; en enzymology; ep epidemiology; es ethics; eh ethnology; et etiology; ge genetics;
gd growth & development; hi history; im immunology; in injuries; ir innervation; is instrumentation;
ip isolation & purification; lj legislation & jurisprudence; me metabolism; mt methods; mi microbiology;
mo mortality; nu nursing; og organization & administration; ps parasitology; py pathogenicity; pa pathology;
pk pharmacokinetics; pd pharmacology; ph physiology; pp physiopathology; po poisoning;
pc prevention & control; px psychology; re radiation effects; rt radiotherapy; rh rehabilitation;
sc secondary; se secretion; st standards; sn statistics & numerical data; sd supply & distribution;
su surgery; tu therapeutic use; th therapy; to toxicity; tm transmission; tr transplantation; td trends;
ul ultrastructure; ur urine; ve veterinary; vi virology
"""

NAMES: Mapping[str, str] = {
    code: name for code, _, name in (item.strip().partition(" ") for item in _LIST.split(";"))
}
"""Name by code."""

RETIRED: Mapping[str, str] = {
    "ra": "diagnostic imaging",  # radiography
    "ri": "diagnostic imaging",  # radionuclide imaging
    "us": "diagnostic imaging",  # ultrasonography
    "du": "",  # diagnostic use
    "ma": "",  # manpower
    "ut": "",  # utilization
}
"""Codes of subheadings that MeSH no longer has: what they were merged into, empty where that is not one."""

CODES: Mapping[str, str] = {name: code for code, name in NAMES.items()}
"""Code by name."""
