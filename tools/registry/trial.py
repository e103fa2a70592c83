"""One trial of ClinicalTrials.gov (API v2 JSON): what was registered, and what was posted. Pure.

`tools.search.ctgov_json` makes of the same JSON a record to be screened; here every value is kept, with the
path it stands at, so that a number in an analysis can be followed back into the entry. Where the entry is
written out as a text with offsets is `tools.registry.text`.

Source: https://clinicaltrials.gov/data-api/about-api/study-data-structure (field names, enumerations).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from tools.errors import ReviewError
from tools.registry.posted import read_results
from tools.registry.reading import DatePoint, Figure, Leaf, Node
from tools.registry.results import PostedResults
from tools.schemas import Frozen

__all__ = [
    "Design",
    "Intervention",
    "NotATrial",
    "OtherId",
    "Reference",
    "RegisteredArm",
    "RegisteredOutcome",
    "RegisteredTrial",
    "enum_word",
    "read",
]

UNKNOWN_ENROLLMENT = 99_999_999
"""The registry's way of saying that nobody knows."""

_KNOWN: dict[str, frozenset[str]] = {
    "overallStatus": frozenset({
        "ACTIVE_NOT_RECRUITING", "COMPLETED", "ENROLLING_BY_INVITATION", "NOT_YET_RECRUITING", "RECRUITING",
        "SUSPENDED", "TERMINATED", "WITHDRAWN", "AVAILABLE", "NO_LONGER_AVAILABLE",
        "TEMPORARILY_NOT_AVAILABLE", "APPROVED_FOR_MARKETING", "WITHHELD", "UNKNOWN",
    }),
    "studyType": frozenset({"EXPANDED_ACCESS", "INTERVENTIONAL", "OBSERVATIONAL"}),
    "allocation": frozenset({"RANDOMIZED", "NON_RANDOMIZED", "NA"}),
    "interventionModel": frozenset({"SINGLE_GROUP", "PARALLEL", "CROSSOVER", "FACTORIAL", "SEQUENTIAL"}),
    "masking": frozenset({"NONE", "SINGLE", "DOUBLE", "TRIPLE", "QUADRUPLE"}),
    "armType": frozenset({
        "EXPERIMENTAL", "ACTIVE_COMPARATOR", "PLACEBO_COMPARATOR", "SHAM_COMPARATOR", "NO_INTERVENTION",
        "OTHER",
    }),
}  # fmt: skip
"""Enumerations that decisions rest on; a word outside of them is kept, with a warning."""


Design = Literal["parallel", "crossover", "factorial", "single_group", "sequential", "unknown"]

_DESIGNS: dict[str, Design] = {
    "PARALLEL": "parallel",
    "CROSSOVER": "crossover",
    "FACTORIAL": "factorial",
    "SINGLE_GROUP": "single_group",
    "SEQUENTIAL": "sequential",
}


class NotATrial(ReviewError):
    """A document holds no study of ClinicalTrials.gov that could be named."""

    exit_status = 2


class OtherId(Frozen):
    """A number of the same trial in another register, or its sponsor's own."""

    id: Leaf
    type: str = Field(default="", description="Such as EUDRACT_NUMBER; `organisation` for the sponsor's own.")


class RegisteredArm(Frozen):
    """One arm as planned."""

    label: Leaf
    type: Leaf | None = Field(default=None, description="EXPERIMENTAL, PLACEBO_COMPARATOR, …")
    description: Leaf | None = None
    interventions: tuple[Leaf, ...] = Field(default=(), description="As `Drug: X`.")


class Intervention(Frozen):
    """What is given or done, with its other names."""

    name: Leaf
    type: Leaf | None = None
    description: Leaf | None = None
    other_names: tuple[Leaf, ...] = ()


class RegisteredOutcome(Frozen):
    """One outcome as planned."""

    kind: Literal["primary", "secondary", "other"]
    measure: Leaf
    description: Leaf | None = None
    time_frame: Leaf | None = None


class Reference(Frozen):
    """A paper that the entry names."""

    pmid: Leaf | None = None
    type: str = Field(
        default="", description="RESULT: the sponsor says so. DERIVED: NLM found it. BACKGROUND."
    )
    citation: Leaf | None = None
    retractions: tuple[Leaf, ...] = Field(default=(), description="Where it was retracted: PMID or source.")


class RegisteredTrial(Frozen):
    """One entry of the registry. A leaf is None where the entry says nothing."""

    nct_id: str
    aliases: tuple[Leaf, ...] = Field(default=(), description="Former NCT numbers of the same entry.")
    other_ids: tuple[OtherId, ...] = ()
    brief_title: Leaf | None = None
    official_title: Leaf | None = None
    acronym: Leaf | None = None
    sponsor: Leaf | None = None
    summary: Leaf | None = None
    conditions: tuple[Leaf, ...] = ()
    status: Leaf | None = None
    why_stopped: Leaf | None = None
    start: DatePoint | None = None
    primary_completion: DatePoint | None = None
    completion: DatePoint | None = None
    first_submitted: DatePoint | None = None
    first_posted: DatePoint | None = None
    results_first_posted: DatePoint | None = None
    last_update: DatePoint | None = None
    study_type: Leaf | None = None
    phases: tuple[Leaf, ...] = ()
    allocation: Leaf | None = None
    intervention_model: Leaf | None = None
    masking: Leaf | None = None
    who_masked: tuple[Leaf, ...] = ()
    purpose: Leaf | None = None
    enrollment: Figure | None = Field(default=None, description="None also where the registry's 99999999 is.")
    enrollment_type: Leaf | None = Field(default=None, description="ACTUAL or ESTIMATED.")
    eligibility: Leaf | None = None
    sex: Leaf | None = None
    minimum_age: Leaf | None = None
    maximum_age: Leaf | None = None
    arms: tuple[RegisteredArm, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    outcomes: tuple[RegisteredOutcome, ...] = ()
    references: tuple[Reference, ...] = ()
    results: PostedResults | None = Field(default=None, description="None: no results are posted.")
    warnings: tuple[str, ...] = Field(default=(), description="`path: what is odd there`, in reading order.")

    @property
    def title(self) -> str:
        """The official title, or the brief one."""
        leaf = self.official_title or self.brief_title
        return leaf.text if leaf else ""

    @property
    def design(self) -> "Design":
        """The intervention model in one word of ours; `unknown` also for studies without interventions."""
        return _DESIGNS.get(enum_word(self.intervention_model), "unknown")


def read(study: Mapping[str, Any]) -> RegisteredTrial:
    """Read one study.

    Raises:
        NotATrial: it is no study, or has no NCT number. No other oddity raises: see `warnings`.
    """
    warnings: list[str] = []
    root = Node(study, "", warnings)
    if not root.has("protocolSection"):
        raise NotATrial(
            "no study of ClinicalTrials.gov: it has no protocolSection. "
            "Remedy: fetch the entry again, or export it as JSON from the API."
        )
    protocol = root.object("protocolSection")
    identity = protocol.object("identificationModule")
    number = identity.text("nctId")
    if not re.fullmatch(r"NCT\d{8}", number):
        raise NotATrial(
            f"a study whose number is {number!r}. Remedy: fetch the entry again by its NCT number."
        )
    section = root.object("resultsSection")
    results = read_results(section) if root.has("resultsSection") else None
    if results is None and root.value.get("hasResults") is True:
        warnings.append("hasResults: results are posted but not in this document; fetch the study by itself")
    return RegisteredTrial(
        nct_id=number,
        aliases=identity.leaves("nctIdAliases"),
        other_ids=tuple(_other_ids(identity)),
        brief_title=identity.leaf("briefTitle"),
        official_title=identity.leaf("officialTitle"),
        acronym=identity.leaf("acronym"),
        sponsor=protocol.object("sponsorCollaboratorsModule").object("leadSponsor").leaf("name"),
        summary=protocol.object("descriptionModule").leaf("briefSummary"),
        conditions=protocol.object("conditionsModule").leaves("conditions"),
        **_status(protocol.object("statusModule")),
        **_design(protocol.object("designModule")),
        **_eligibility(protocol.object("eligibilityModule")),
        arms=tuple(_arms(protocol.object("armsInterventionsModule"))),
        interventions=tuple(_interventions(protocol.object("armsInterventionsModule"))),
        outcomes=tuple(_outcomes(protocol.object("outcomesModule"))),
        references=tuple(map(_reference, protocol.object("referencesModule").objects("references"))),
        results=results,
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _other_ids(identity: Node) -> Iterator[OtherId]:
    if own := identity.object("orgStudyIdInfo").leaf("id"):
        yield OtherId(id=own, type="organisation")
    for place in identity.objects("secondaryIdInfos"):
        if leaf := place.leaf("id"):
            yield OtherId(id=leaf, type=place.text("type"))


def _status(module: Node) -> dict[str, Any]:
    return {
        "status": _choice(module, "overallStatus"),
        "why_stopped": module.leaf("whyStopped"),
        "start": module.date("startDateStruct"),
        "primary_completion": module.date("primaryCompletionDateStruct"),
        "completion": module.date("completionDateStruct"),
        "first_submitted": module.date("studyFirstSubmitDate"),
        "first_posted": module.date("studyFirstPostDateStruct"),
        "results_first_posted": module.date("resultsFirstPostDateStruct"),
        "last_update": module.date("lastUpdatePostDateStruct"),
    }


def _design(module: Node) -> dict[str, Any]:
    info, enrolled = module.object("designInfo"), module.object("enrollmentInfo")
    count = enrolled.figure("count")
    return {
        "study_type": _choice(module, "studyType"),
        "phases": module.leaves("phases"),
        "allocation": _choice(info, "allocation"),
        "intervention_model": _choice(info, "interventionModel"),
        "masking": _choice(info.object("maskingInfo"), "masking"),
        "who_masked": info.object("maskingInfo").leaves("whoMasked"),
        "purpose": info.leaf("primaryPurpose"),
        "enrollment": None if count and count.number == UNKNOWN_ENROLLMENT else count,
        "enrollment_type": enrolled.leaf("type"),
    }


def _eligibility(module: Node) -> dict[str, Any]:
    return {
        "eligibility": module.leaf("eligibilityCriteria"),
        "sex": module.leaf("sex"),
        "minimum_age": module.leaf("minimumAge"),
        "maximum_age": module.leaf("maximumAge"),
    }


def _arms(module: Node) -> Iterator[RegisteredArm]:
    for place in module.objects("armGroups"):
        label = place.leaf("label")
        if label is None:
            place.warn("an arm without a label")
            continue
        yield RegisteredArm(
            label=label,
            type=_choice(place, "type", "armType"),
            description=place.leaf("description"),
            interventions=place.leaves("interventionNames"),
        )


def _interventions(module: Node) -> Iterator[Intervention]:
    for place in module.objects("interventions"):
        if name := place.leaf("name"):
            yield Intervention(
                name=name,
                type=place.leaf("type"),
                description=place.leaf("description"),
                other_names=place.leaves("otherNames"),
            )


def _outcomes(module: Node) -> Iterator[RegisteredOutcome]:
    kinds: tuple[Literal["primary", "secondary", "other"], ...] = ("primary", "secondary", "other")
    for kind in kinds:
        for place in module.objects(f"{kind}Outcomes"):
            if measure := place.leaf("measure"):
                yield RegisteredOutcome(
                    kind=kind,
                    measure=measure,
                    description=place.leaf("description"),
                    time_frame=place.leaf("timeFrame"),
                )


def _reference(place: Node) -> Reference:
    retractions = place.objects("retractions")
    return Reference(
        pmid=place.leaf("pmid"),
        type=place.text("type"),
        citation=place.leaf("citation"),
        retractions=tuple(leaf for r in retractions if (leaf := r.leaf("pmid") or r.leaf("source"))),
    )


def _choice(place: Node, key: str, name: str = "") -> Leaf | None:
    """A word of an enumeration."""
    leaf = place.leaf(key)
    if leaf and enum_word(leaf) not in _KNOWN[name or key]:
        place.warn(f"unknown word {leaf.text[:60]!r}", key)
    return leaf


def enum_word(leaf: Leaf | None) -> str:
    """A word of an enumeration in the API's spelling; empty for none.

    `Parallel Assignment`, `N/A` and `None (Open Label)` are older spellings of the same words.
    """
    text = leaf.text if leaf else ""
    plain = re.sub(r"\s*\(.*", "", text).upper().replace("N/A", "NA").removesuffix(" ASSIGNMENT")
    word = re.sub(r"\W+", "_", plain).strip("_")
    return "UNKNOWN" if word == "UNKNOWN_STATUS" else word
