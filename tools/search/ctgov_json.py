"""Studies of ClinicalTrials.gov (API v2 JSON) as records. Pure.

A registry entry has no abstract. What is screened is a text made of its own fields, one section on each
line, in this order: summary, conditions, design, arms, interventions, primary, secondary and other outcomes,
eligibility, status.

Source: https://clinicaltrials.gov/data-api/about-api/study-data-structure (field names, enumerations).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.errors import ReviewError
from tools.identifiers import normal_pmid, registry_ids
from tools.schemas import Correction, Record
from tools.search.ctgov_classic import from_classic

__all__ = ["UNKNOWN_ENROLLMENT", "UnreadableStudy", "nct_of", "read_study", "studies_of"]

UNKNOWN_ENROLLMENT = 99_999_999
"""The registry's way of saying that nobody knows."""

REFERENCES = {"RESULT": "ResultReference", "DERIVED": "DerivedReference", "BACKGROUND": "BackgroundReference"}
"""RESULT: declared by the sponsor. DERIVED: found by NLM, because the paper names the entry."""

_MARKDOWN = re.compile(r"\\([\\`*_{}\[\]()#+\-.!<>~|^&])")
_NCT = re.compile(r"NCT\d{8}")


class UnreadableStudy(ReviewError):
    """A document is no study of this registry."""

    exit_status = 2


def studies_of(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The studies in any answer of the registry: a page of a search, one study, or the old API's form.

    Raises:
        UnreadableStudy: it holds none of these.
    """
    if "studies" in document:
        yield from document["studies"]
    elif "protocolSection" in document:
        yield document
    elif "FullStudiesResponse" in document:
        for item in document["FullStudiesResponse"]["FullStudies"]:
            yield from_classic(item["Study"])
    else:
        raise UnreadableStudy(
            f"no study of ClinicalTrials.gov: it holds {', '.join(list(document)[:5]) or 'nothing'}. "
            "Remedy: export the studies as JSON from the API, or as RIS."
        )


def nct_of(study: Mapping[str, Any]) -> str | None:
    """The study's own number; None where it has none, so that it cannot be named at all."""
    number = _at(study, "protocolSection", "identificationModule").get("nctId")
    return number if isinstance(number, str) and _NCT.fullmatch(number) else None


def read_study(study: Mapping[str, Any], *, name: str = "ctgov") -> Record:
    """One study as a record; `name` begins its id.

    Raises:
        UnreadableStudy: it has no number, or a field has another shape than the registry documents.
    """
    number = nct_of(study)
    if number is None:
        raise UnreadableStudy("a study without an NCT number. Remedy: look at the answer of the registry.")
    try:
        return _record(study, number, name)
    except (AttributeError, KeyError, TypeError, ValueError) as e:
        raise UnreadableStudy(f"{number} has an unexpected form: {e!r}. Remedy: look it up by hand.") from e


def _record(study: Mapping[str, Any], number: str, name: str) -> Record:
    protocol = study["protocolSection"]
    identity, status = protocol["identificationModule"], protocol.get("statusModule", {})
    derived, sponsors = study.get("derivedSection", {}), protocol.get("sponsorCollaboratorsModule", {})
    posted, begun = _date(status, "studyFirstPostDateStruct"), _date(status, "startDateStruct")
    lead = sponsors.get("leadSponsor", {}).get("name") or identity.get("organization", {}).get("fullName")
    return Record(
        record_id=f"{name}:{number}",
        title=_line(identity.get("officialTitle") or identity.get("briefTitle") or ""),
        abstract="\n".join(_sections(protocol)),
        authors=(_line(lead),) if lead else (),
        year=_year(posted) or _year(begun),
        publication_types=tuple(_types(study, protocol)),
        mesh=tuple(dict.fromkeys(_mesh(derived))),
        keywords=tuple(_line(word) for word in protocol.get("conditionsModule", {}).get("keywords", ())),
        registry_ids=tuple(dict.fromkeys(_numbers(identity, number))),
        url=f"https://clinicaltrials.gov/study/{number}",
        corrections=tuple(_references(protocol.get("referencesModule", {}))),
        created=posted if posted and len(posted) == 10 else None,
        updated=_date(status, "lastUpdatePostDateStruct"),
    )


# Text --------------------------------------------------------------------------------------------


def _sections(protocol: Mapping[str, Any]) -> Iterator[str]:
    """Labelled lines, in the order that this module documents; a section without content has none."""
    arms = protocol.get("armsInterventionsModule", {})
    outcomes = protocol.get("outcomesModule", {})
    parts = (
        ("SUMMARY", [protocol.get("descriptionModule", {}).get("briefSummary", "")]),
        ("CONDITIONS", protocol.get("conditionsModule", {}).get("conditions", ())),
        ("DESIGN", _design(protocol.get("designModule", {}))),
        ("ARMS", map(_arm, arms.get("armGroups", ()))),
        ("INTERVENTIONS", map(_intervention, arms.get("interventions", ()))),
        ("PRIMARY OUTCOMES", map(_outcome, outcomes.get("primaryOutcomes", ()))),
        ("SECONDARY OUTCOMES", map(_outcome, outcomes.get("secondaryOutcomes", ()))),
        ("OTHER OUTCOMES", map(_outcome, outcomes.get("otherOutcomes", ()))),
        ("ELIGIBILITY", _eligibility(protocol.get("eligibilityModule", {}))),
        ("STATUS", _status(protocol.get("statusModule", {}))),
    )
    for label, items in parts:
        text = "; ".join(filter(None, map(_line, items)))
        if text:
            yield f"{label}: {text}"


def _design(design: Mapping[str, Any]) -> Iterator[str]:
    yield _words(design.get("studyType"))
    yield from (_phase(phase) for phase in design.get("phases", ()) if phase != "NA")
    info = design.get("designInfo", {})
    for key in ("allocation", "interventionModel", "observationalModel", "timePerspective", "primaryPurpose"):
        if info.get(key, "NA") != "NA":
            yield _words(info[key])
    masking = info.get("maskingInfo", {})
    if masking.get("masking"):
        who = ", ".join(_words(x) for x in masking.get("whoMasked", ()))
        yield f"masking: {_words(masking['masking'])}" + (f" ({who})" if who else "")
    enrolled = design.get("enrollmentInfo", {})
    if enrolled.get("count") not in (None, UNKNOWN_ENROLLMENT):
        yield f"enrollment {enrolled['count']}" + (
            f" ({_words(enrolled['type'])})" if enrolled.get("type") else ""
        )


def _arm(arm: Mapping[str, Any]) -> str:
    kind = f" ({_words(arm['type'])})" if arm.get("type") else ""
    text = f"{arm.get('label', '')}{kind}"
    return f"{text}: {arm['description']}" if arm.get("description") else text


def _intervention(given: Mapping[str, Any]) -> str:
    kind = f"{_words(given['type'])}: " if given.get("type") else ""
    others = f" ({', '.join(given['otherNames'])})" if given.get("otherNames") else ""
    text = f"{kind}{given.get('name', '')}{others}"
    return f"{text}: {given['description']}" if given.get("description") else text


def _outcome(outcome: Mapping[str, Any]) -> str:
    when = f" [{outcome['timeFrame']}]" if outcome.get("timeFrame") else ""
    text = f"{outcome.get('measure', '')}{when}"
    return f"{text}: {outcome['description']}" if outcome.get("description") else text


def _eligibility(rules: Mapping[str, Any]) -> Iterator[str]:
    yield rules.get("eligibilityCriteria", "")
    for key, words in (("sex", "sex"), ("minimumAge", "minimum age"), ("maximumAge", "maximum age")):
        if rules.get(key):
            yield f"{words}: {_words(rules[key]) if key == 'sex' else rules[key]}"


def _status(status: Mapping[str, Any]) -> Iterator[str]:
    yield _words(status.get("overallStatus"))
    yield status.get("whyStopped", "")
    for key, words in (
        ("startDateStruct", "start"),
        ("completionDateStruct", "completion"),
        ("studyFirstPostDateStruct", "first posted"),
        ("resultsFirstPostDateStruct", "results first posted"),
        ("lastUpdatePostDateStruct", "last update posted"),
    ):
        if date := _date(status, key):
            yield f"{words} {date}"


# Other fields ------------------------------------------------------------------------------------


def _types(study: Mapping[str, Any], protocol: Mapping[str, Any]) -> Iterator[str]:
    yield "Registry entry"
    design = protocol.get("designModule", {})
    if kind := design.get("studyType"):
        yield f"{_words(kind).capitalize()} study"
    yield from (_phase(phase).capitalize() for phase in design.get("phases", ()) if phase != "NA")
    if study.get("hasResults"):
        yield "Results posted"


def _mesh(derived: Mapping[str, Any]) -> Iterator[str]:
    for module in ("conditionBrowseModule", "interventionBrowseModule"):
        for mesh in derived.get(module, {}).get("meshes", ()):
            yield mesh["term"]


def _numbers(identity: Mapping[str, Any], number: str) -> Iterator[str]:
    """The entry's own number, its former ones, and those of other registers.

    A sponsor's internal number is none: two sponsors may both have a study 001.
    """
    yield number
    yield from identity.get("nctIdAliases", ())
    infos: Sequence[Mapping[str, Any]] = [
        identity.get("orgStudyIdInfo", {}),
        *identity.get("secondaryIdInfos", ()),
    ]
    for info in infos:
        prefix = "EudraCT " if info.get("type") == "EUDRACT_NUMBER" else ""
        yield from registry_ids(prefix + str(info.get("id", "")))


def _references(module: Mapping[str, Any]) -> Iterator[Correction]:
    for reference in module.get("references", ()):
        kind = REFERENCES.get(str(reference.get("type", "")), "Reference")
        pmid = normal_pmid(str(reference.get("pmid", "")))
        yield Correction(kind=kind, citation=_line(reference.get("citation", "")), pmid=pmid)
        for retraction in reference.get("retractions", ()):
            yield Correction(
                kind="ReferenceRetractedIn",
                citation=_line(retraction.get("source", "")),
                pmid=normal_pmid(str(retraction.get("pmid", ""))),
            )


# Values ------------------------------------------------------------------------------------------


def _at(value: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    for key in path:
        inner = value.get(key) if isinstance(value, Mapping) else None
        value = inner if isinstance(inner, Mapping) else {}
    return value


def _date(status: Mapping[str, Any], struct: str) -> str | None:
    date = status.get(struct, {}).get("date")
    return date if isinstance(date, str) and re.fullmatch(r"\d{4}(-\d\d){0,2}", date) else None


def _year(date: str | None) -> int | None:
    return int(date[:4]) if date else None


def _words(value: str | None) -> str:
    """`ACTIVE_NOT_RECRUITING` in words."""
    return (value or "").replace("_", " ").lower()


def _phase(phase: str) -> str:
    return re.sub(r"(?<=phase)(?=\d)", " ", _words(phase))


def _line(text: Any) -> str:
    """On one line, without the backslashes of Markdown."""
    return _MARKDOWN.sub(r"\1", " ".join(str(text).split()))
