"""Which reviews are supported, and what each kind switches. Pure: one table, and the words to read it.

A review is of a *type* (what it asks) and has a *framework* (how its question is cut into elements).
A pair that is not in `KINDS` is refused; it is never treated as a review of trials by default.
"""

from collections.abc import Iterable
from typing import Literal

from tools.errors import ConfigError
from tools.schemas import FieldSpec, Frozen

__all__ = [
    "FILTERS",
    "KINDS",
    "Framework",
    "FrameworkElement",
    "ReviewKind",
    "ReviewType",
    "SearchFilter",
    "kind_of",
    "supported",
    "with_filters",
]

ReviewType = Literal["intervention", "diagnostic_accuracy", "prognosis", "scoping", "other"]
"""What a review asks. `other`: several kinds of question at once, or none of the named ones."""

Framework = Literal["PICO", "PECO", "PCC", "PIRD"]
"""PICO and PECO: Cochrane Handbook chapter 2 and Morgan et al. 2018 (doi:10.1016/j.envint.2018.07.015).
PCC: JBI Manual, scoping reviews. PIRD: JBI Manual, diagnostic test accuracy."""


class FrameworkElement(Frozen):
    """One element of a framework. `searched`: it becomes a block of the strategy unless told otherwise."""

    id: str
    label: str
    searched: bool


class SearchFilter(Frozen):
    """A published search filter in PubMed syntax, and how it is joined to a strategy."""

    id: str
    joined_by: Literal["AND", "NOT"]
    text: str
    source: str


class ReviewKind(Frozen):
    """One supported pair of type and framework, and everything it switches."""

    type: ReviewType
    framework: Framework
    elements: tuple[FrameworkElement, ...]
    filters: tuple[str, ...]
    form: tuple[FieldSpec, ...]
    report: Literal["PRISMA 2020", "PRISMA-ScR", "PRISMA-DTA"]

    @property
    def element_ids(self) -> tuple[str, ...]:
        """Ids of the elements, in the framework's order."""
        return tuple(e.id for e in self.elements)

    @property
    def searched(self) -> tuple[str, ...]:
        """Ids of the elements that are searched unless the protocol names others."""
        return tuple(e.id for e in self.elements if e.searched)


# Filters -----------------------------------------------------------------------------------------

_NO_ANIMALS = "(animals[mh] NOT humans[mh])"
_HSSS = "Cochrane Highly Sensitive Search Strategy (PubMed), Handbook technical supplement to chapter 4"

FILTERS = {
    f.id: f
    for f in (
        SearchFilter(
            id="cochrane_rct_sensitive",
            joined_by="AND",
            text="((randomized controlled trial[pt] OR controlled clinical trial[pt] OR randomized[tiab] OR "
            "placebo[tiab] OR drug therapy[sh] OR randomly[tiab] OR trial[tiab] OR groups[tiab]) "
            f"NOT {_NO_ANIMALS})",
            source=f"{_HSSS}: sensitivity-maximising version",
        ),
        SearchFilter(
            id="cochrane_rct_balanced",
            joined_by="AND",
            text="((randomized controlled trial[pt] OR controlled clinical trial[pt] OR randomized[tiab] OR "
            "placebo[tiab] OR clinical trials as topic[mesh:noexp] OR randomly[tiab] OR trial[ti]) "
            f"NOT {_NO_ANIMALS})",
            source=f"{_HSSS}: sensitivity- and precision-maximising version",
        ),
        SearchFilter(
            id="no_animals",
            joined_by="NOT",
            text=_NO_ANIMALS,
            # humans[mh] alone would lose every record that is not indexed yet.
            source="Cochrane Handbook, chapter 4: remove what is about animals and not about humans",
        ),
        SearchFilter(
            id="english",
            joined_by="AND",
            text="english[la]",
            source="PubMed User Guide, field [la]; MECIR C35 asks to justify any restriction by language",
        ),
    )
}
"""Search filters by name."""


# Elements ----------------------------------------------------------------------------------------


def _elements(*rows: tuple[str, bool]) -> tuple[FrameworkElement, ...]:
    return tuple(
        FrameworkElement(id=name, label=name.replace("_", " ").capitalize(), searched=searched)
        for name, searched in rows
    )


# Outcomes and comparators are not searched: they are often absent from title and abstract, so a block
# for them loses studies (Cochrane Handbook 4.4.2). Diagnosis in PIRD is what the tests are aimed at.
_ELEMENTS: dict[Framework, tuple[FrameworkElement, ...]] = {
    "PICO": _elements(
        ("population", True), ("intervention", True), ("comparator", False), ("outcome", False)
    ),
    "PECO": _elements(("population", True), ("exposure", True), ("comparator", False), ("outcome", False)),
    "PCC": _elements(("population", True), ("concept", True), ("context", False)),
    "PIRD": _elements(
        ("population", False), ("index_test", True), ("reference_test", False), ("diagnosis", True)
    ),
}


# Extraction forms --------------------------------------------------------------------------------


def _text(field_id: str, question: str) -> FieldSpec:
    return FieldSpec(id=field_id, question=question)


def _number(field_id: str, question: str, unit: str) -> FieldSpec:
    return FieldSpec(id=field_id, kind="number", question=question, unit=unit)


def _category(field_id: str, question: str, *options: str) -> FieldSpec:
    return FieldSpec(id=field_id, kind="category", question=question, options=options)


_COUNTRY = _text("country", "In which country or countries were the participants recruited?")
_SETTING = _text("setting", "In what setting was the study done, such as hospital, clinic or community?")
_AGE = _text("age", "How old were the participants (mean or median, with its spread, and unit)?")
_FEMALE = _number("female_percent", "What percentage of the participants were female?", "%")
_N = _number("sample_size", "How many participants were studied in total?", "participants")
_FOLLOW_UP = _text("follow_up", "How long were the participants followed?")
_FUNDING = _text("funding", "Who funded the study?")
_REGISTRATION = _text("registration", "Under which number is the study registered?")
_OBSERVATIONAL = (
    "prospective cohort",
    "retrospective cohort",
    "case-control",
    "cross-sectional",
    "randomised trial",
    "other",
)

_TRIAL_FORM = (
    _category(
        "design",
        "What is the design of the study?",
        "parallel randomised trial",
        "cluster randomised trial",
        "crossover trial",
        "non-randomised trial",
        "other",
    ),
    _REGISTRATION,
    _COUNTRY,
    _SETTING,
    _number("sample_size", "How many participants were randomised in total?", "participants"),
    _AGE,
    _FEMALE,
    _text("condition", "Which condition did the participants have, and how was it defined?"),
    _text("intervention", "What did the intervention group receive?"),
    _text("dose", "At what dose, frequency and duration was the intervention given?"),
    _text("comparator", "What did the control group receive?"),
    _FOLLOW_UP,
    _text("primary_outcome", "What was the primary outcome, and when was it measured?"),
    _FUNDING,
)

_ACCURACY_FORM = (
    _category(
        "design",
        "What is the design of the study?",
        "consecutive cohort",
        "case-control",
        "cross-sectional",
        "other",
    ),
    _COUNTRY,
    _SETTING,
    _N,
    _AGE,
    _FEMALE,
    _text("index_test", "Which test was evaluated, and how was it done?"),
    _text("threshold", "At what threshold was the test called positive?"),
    _text("reference_test", "What was the reference standard?"),
    _number("prevalence", "What percentage of the participants had the target condition?", "%"),
    _number("sensitivity", "What was the sensitivity of the index test?", "%"),
    _number("specificity", "What was the specificity of the index test?", "%"),
    _FUNDING,
)

_SCOPING_FORM = (
    _text("design", "What kind of evidence is this, such as a trial, a qualitative study or a guideline?"),
    _COUNTRY,
    _SETTING,
    _N,
    _text("population", "Whom is the report about?"),
    _text("concept", "Which aspect of the concept does the report address, and how?"),
    _text("context", "In what cultural, geographical or care context?"),
    _text("key_findings", "What does the report find that bears on the review's question?"),
)


def _observational_form(focus: FieldSpec) -> tuple[FieldSpec, ...]:
    return (
        _category("design", "What is the design of the study?", *_OBSERVATIONAL),
        _COUNTRY,
        _SETTING,
        _N,
        _AGE,
        _FEMALE,
        _text("condition", "Which condition did the participants have, and how was it defined?"),
        focus,
        _text("comparator", "With whom or what was it compared, if with anything?"),
        _FOLLOW_UP,
        _text("outcomes", "Which outcomes were measured, and how?"),
        _FUNDING,
    )


_BY_INTERVENTION = _observational_form(
    _text("intervention", "Which intervention, test or procedure was studied?")
)
_BY_EXPOSURE = _observational_form(_text("exposure", "Which exposure or prognostic factor was studied?"))
_BY_FACTOR = _observational_form(_text("prognostic_factor", "Which prognostic factor or model was studied?"))


# The table ---------------------------------------------------------------------------------------

_RCT = ("cochrane_rct_sensitive", "cochrane_rct_balanced", "no_animals", "english")
_ANY = ("no_animals", "english")


def _kind(
    type_: ReviewType,
    framework: Framework,
    form: tuple[FieldSpec, ...],
    report: Literal["PRISMA 2020", "PRISMA-ScR", "PRISMA-DTA"] = "PRISMA 2020",
    filters: tuple[str, ...] = _ANY,
) -> ReviewKind:
    return ReviewKind(
        type=type_,
        framework=framework,
        elements=_ELEMENTS[framework],
        filters=filters,
        form=form,
        report=report,
    )


KINDS = {
    (k.type, k.framework): k
    for k in (
        _kind("intervention", "PICO", _TRIAL_FORM, filters=_RCT),
        _kind("prognosis", "PICO", _BY_FACTOR),
        _kind("prognosis", "PECO", _BY_EXPOSURE),
        _kind("diagnostic_accuracy", "PIRD", _ACCURACY_FORM, "PRISMA-DTA"),
        _kind("scoping", "PCC", _SCOPING_FORM, "PRISMA-ScR"),
        _kind("other", "PICO", _BY_INTERVENTION),
        _kind("other", "PECO", _BY_EXPOSURE),
        _kind("other", "PCC", _SCOPING_FORM),
    )
}
"""The supported reviews by (type, framework)."""


def supported() -> str:
    """The supported pairs as one line for people, such as `intervention with PICO, …`."""
    return ", ".join(f"{type_} with {framework}" for type_, framework in KINDS)


def kind_of(review_type: str, framework: str) -> ReviewKind:
    """The row of the table for one type and framework.

    Raises:
        ConfigError: the pair is not supported; the message lists those that are.
    """
    for (type_, name), kind in KINDS.items():
        if (type_, name) == (review_type, framework):
            return kind
    raise ConfigError(
        f'a review of type "{review_type}" with the framework {framework} is not supported. '
        f"Remedy: choose one of: {supported()}."
    )


def with_filters(strategy: str, names: Iterable[str]) -> str:
    """A PubMed strategy with search filters joined to it, every part in parentheses.

    PubMed reads Boolean operators from left to right without precedence, so a filter without its
    own parentheses would change the meaning of both.

    Raises:
        ConfigError: no filter has that name.
    """
    text = strategy
    for name in names:
        if name not in FILTERS:
            raise ConfigError(
                f'no search filter is called "{name}". Remedy: use one of {", ".join(FILTERS)}.'
            )
        text = f"({text}) {FILTERS[name].joined_by} {FILTERS[name].text}"
    return text
