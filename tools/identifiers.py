"""DOI, PMID, PMCID and trial registration numbers: found in what people write, in one spelling each. Pure.

Two reports are joined, and duplicates found, by these strings, so every reader uses these functions and no
other. A registration number that is missed hides a link between reports; one that is none would invent a link.
Hence: a form that only registers use is read wherever it stands, a form that other numbers share (EudraCT's
digits, the short Dutch `NTR123`) only where nothing around it speaks against it.

Sources: DOI Handbook, 2.2 (https://doi.org/10.1000/182); NLM's data element descriptions for PMID and PMCID;
the forms of WHO ICTRP's primary registries and data providers (https://www.who.int/tools/clinical-trials-registry-platform),
EudraCT (year, six digits, two check digits; from 2004) and the EU's CTIS (the same with 5 in front of the
six digits, and a version of two digits behind).
"""

import re
from urllib.parse import unquote

__all__ = ["normal_doi", "normal_pmcid", "normal_pmid", "registry_ids", "registry_of"]


def normal_doi(given: str) -> str | None:
    """The DOI in `given`, lower case and without resolver address; None when there is none."""
    # The prefix's subdivisions are bounded: unbounded, a long run of `10.1234` takes minutes.
    found = re.search(r"10\.\d{4,9}(?:\.\d{1,9}){0,5}/\S+", unquote(given))
    return found.group().lower().rstrip(".,;") if found else None


def normal_pmid(given: str) -> str | None:
    """Digits without leading zeros; None when `given` is no PMID."""
    found = re.fullmatch(r"0*([1-9]\d{0,7})", given.strip())
    return found.group(1) if found else None


def normal_pmcid(given: str) -> str | None:
    """`PMC` and digits, of `PMC123`, `pmc123.2`, `123` or `pmc-id: PMC123;`; None when `given` is no PMCID."""
    found = re.fullmatch(r"(?:.*\bPMC)?0*([1-9]\d{0,8})(?:\.\d+)?\W*", given.strip(), re.IGNORECASE)
    return f"PMC{found.group(1)}" if found else None


# Trial registrations -----------------------------------------------------------------------------

# Up to two signs that authors set between a register's letters and its digits: `NCT: 01234567`.
_GAP = r"[\s:#-]{0,2}"
_EU_DIGITS = r"-\d{6}-\d\d(?:-\d\d)?(?!-?\d)"

_REGISTERS: dict[str, str] = {
    "ClinicalTrials.gov": rf"NCT{_GAP}\d{{8}}",
    "ISRCTN": rf"ISRCTN{_GAP}\d{{8}}",
    # With its name before it any year; bare only what the register could have issued.
    "EU": rf"(?:(?:EudraCT|EUCT|CTIS)[ :#./a-z-]{{0,12}}(?:19|20)\d\d{_EU_DIGITS}"
    rf"|(?<!-)20(?:0[4-9]|[1-3]\d)(?=-[05]){_EU_DIGITS})",
    "ANZCTR": rf"ACTRN{_GAP}\d{{14}}",
    "ChiCTR": r"ChiCTR(?:-?[A-Z]{2,5})?[ -]?\d{8,10}",
    "CRIS": r"KCT\d{7}",
    "CTRI": r"CTRI/\d{4}/\d{2,3}/\d{6}",
    "DRKS": rf"DRKS{_GAP}\d{{8}}",
    "IRCT": r"IRCT\d{8,16}(?:N\d{1,3})?",
    "jRCT": r"(?:JPRN-)?jRCT[a-z]?\d{9,10}",
    "LBCTR": r"LBCTR\d{10}",
    "NTR": r"(?:NTR\d{3,5}|NL-OMON\d{4,6})",
    "PACTR": r"PACTR\d{15,16}",
    "ReBec": r"RBR-(?=[a-z]*\d)[0-9a-z]{5,8}",
    "RPCEC": r"RPCEC\d{8}",
    "SLCTR": r"SLCTR/\d{4}/\d{3}",
    "TCTR": r"TCTR\d{11}",
    "UMIN": r"(?:JPRN-)?UMIN(?:-CTR)?[\s:-]?\d{9}",
    # What else ICTRP passes on from Japan, such as JPRN-JapicCTI-050012; last, as two forms stand above.
    "JPRN": r"JPRN-[A-Za-z][A-Za-z0-9-]*\d",
}
"""Forms by register. Not read, as other things are called so too: Peru's `PER-012-34`, the Dutch `NL1234`."""

_NUMBER = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    + "|".join(f"(?P<r{i}>{form})" for i, form in enumerate(_REGISTERS.values()))
    + r")(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_NAMES = tuple(_REGISTERS)
# Most texts hold none of these. The long pattern alone took half the time of reading a file.
_LONG_NUMBER = re.compile(r"\d(?:\d{4}|\d{3}/)")
_NTR = re.compile(r"ntr\d")


def registry_ids(text: str) -> tuple[str, ...]:
    """Registration numbers named in `text`, in one spelling, in order, each once.

    `registry_ids(number) == (number,)` for every number that it gives.
    """
    if _LONG_NUMBER.search(text) is None:
        lower = text.lower()
        if not ("rbr-" in lower or "jprn-" in lower or "nl-omon" in lower or _NTR.search(lower)):
            return ()
    return tuple(dict.fromkeys(_one_spelling(m.group(), _register(m)) for m in _NUMBER.finditer(text)))


def registry_of(number: str) -> str:
    """The register that issues numbers of this form, or an empty string."""
    match = _NUMBER.fullmatch(number)
    return _register(match) if match else ""


def _register(match: re.Match[str]) -> str:
    return _NAMES[int(match.lastgroup[1:])] if match.lastgroup else ""


def _one_spelling(number: str, register: str) -> str:
    """As the register prints it, so that reports of one trial can be linked by it."""
    if register == "EU":
        bare = re.sub(r"^[^\d]*", "", number)
        return f"EudraCT {bare}" if bare.count("-") == 2 else f"EUCT {bare}"
    if register == "ReBec":
        return "RBR-" + number[4:].lower()
    if register == "NTR" and number[:2].upper() == "NL":
        return "NL-OMON" + number[7:]
    if register == "jRCT":
        letter, digits = re.findall(r"jRCT([a-z]?)(\d+)", number, re.IGNORECASE)[0]
        return f"jRCT{letter.lower()}{digits}"
    if register == "ChiCTR":
        kind, digits = re.findall(r"ChiCTR-?([A-Z]*)[ -]?(\d+)", number, re.IGNORECASE)[0]
        return f"ChiCTR-{kind.upper()}-{digits}" if kind else f"ChiCTR{digits}"
    if register == "JPRN":
        return "JPRN-" + number[5:]
    plain = re.sub(r"[\s:#-]", "", number.upper().removeprefix("JPRN-"))
    return plain.replace("UMINCTR", "UMIN")
