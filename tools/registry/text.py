"""A registry entry as one readable text, in which every value has a place. Pure.

Papers are quoted by offsets into one canonical text; so are entries of the registry. Tables become lines of
cells separated by ` | `, as in `tools.fulltext.jats`. Nothing of the entry that `tools.registry.trial` reads
as a value is left out, so each path leads to a span and each span back to a path.
"""

from collections.abc import Mapping

from pydantic import Field

from tools.registry.page import Page, listed, optional
from tools.registry.reading import Leaf
from tools.registry.text_results import write_results
from tools.registry.trial import RegisteredTrial
from tools.schemas import Frozen, FullText, Quote

__all__ = ["Written", "as_fulltext", "write"]


class Written(Frozen):
    """The text, and where each value stands in it."""

    text: FullText
    spans: Mapping[str, tuple[int, int]] = Field(description="By path: `canonical[start:end]` is the value.")

    def quote(self, leaf: Leaf) -> Quote:
        """The value as evidence; `KeyError` is impossible for a leaf of the trial that was written."""
        start, end = self.spans[leaf.path]
        return Quote(text=self.text.canonical[start:end], start=start, end=end)

    def section(self, leaf: Leaf) -> str:
        """The section that the value stands in."""
        start, _ = self.spans[leaf.path]
        held = [p for p in self.text.passages if p.start <= start < p.start + len(p.text)]
        return held[0].section if held else ""


def as_fulltext(trial: RegisteredTrial, *, report_id: str = "") -> FullText:
    """The entry as a full text; see `write`."""
    return write(trial, report_id=report_id).text


def write(trial: RegisteredTrial, *, report_id: str = "") -> Written:
    """Write an entry out.

    Args:
        trial: as `tools.registry.trial.read` gives it.
        report_id: id of the report in the review; `ctgov:<number>` where none is given.

    Returns:
        Text and spans; the same trial always gives the same text.
    """
    page = Page()
    _protocol(page, trial)
    if trial.results is not None:
        write_results(page, trial.results)
    _references(page, trial)
    return Written(
        text=FullText(
            report_id=report_id or f"ctgov:{trial.nct_id}",
            source="ClinicalTrials.gov",
            canonical="\n".join(p.text for p in page.passages),
            passages=tuple(page.passages),
            title=trial.title,
            registry_ids=(trial.nct_id, *(leaf.text for leaf in trial.aliases)),
            warnings=trial.warnings,
        ),
        spans=page.spans,
    )


def _protocol(page: Page, trial: RegisteredTrial) -> None:
    title = trial.official_title or trial.brief_title
    if title:
        page.title(title, "")
    page.heading("Identification")
    page.words(f"NCT number: {trial.nct_id}")
    page.line("Brief title: ", trial.brief_title if trial.official_title else None)
    page.line("Acronym: ", trial.acronym)
    page.line("Former numbers: ", *listed(trial.aliases))
    for other in trial.other_ids:
        page.line(f"Other number ({other.type or 'kind not said'}): ", other.id)
    page.line("Sponsor: ", trial.sponsor)
    page.heading("Status")
    page.line("Status: ", trial.status)
    page.line("Why stopped: ", trial.why_stopped)
    for name, date in (
        ("Start", trial.start),
        ("Primary completion", trial.primary_completion),
        ("Completion", trial.completion),
        ("First submitted", trial.first_submitted),
        ("First posted", trial.first_posted),
        ("Results first posted", trial.results_first_posted),
        ("Last update posted", trial.last_update),
    ):
        page.line(f"{name}: ", date, f" ({date.kind})" if date and date.kind else None)
    page.heading("Summary")
    page.line(trial.summary)
    page.line("Conditions: ", *listed(trial.conditions, "; "))
    _design(page, trial)
    _arms(page, trial)
    _planned(page, trial)


def _design(page: Page, trial: RegisteredTrial) -> None:
    page.heading("Design")
    page.line("Study type: ", trial.study_type)
    page.line("Phase: ", *listed(trial.phases))
    page.line("Allocation: ", trial.allocation)
    page.line("Intervention model: ", trial.intervention_model)
    page.line("Purpose: ", trial.purpose)
    page.line("Masking: ", trial.masking)
    page.line("Masked: ", *listed(trial.who_masked))
    page.line("Enrollment: ", trial.enrollment)
    page.line("Enrollment is: ", trial.enrollment_type)
    page.heading("Eligibility")
    page.line("Sex: ", trial.sex)
    page.line("Minimum age: ", trial.minimum_age)
    page.line("Maximum age: ", trial.maximum_age)
    page.line(trial.eligibility)


def _arms(page: Page, trial: RegisteredTrial) -> None:
    page.heading("Arms")
    for arm in trial.arms:
        page.line(
            arm.label,
            *optional(" (", arm.type, ")"),
            *optional(": ", arm.description),
            *((" Interventions: ", *listed(arm.interventions, "; ")) if arm.interventions else ()),
        )
    page.heading("Interventions")
    for given in trial.interventions:
        page.line(
            given.name,
            *optional(" (", given.type, ")"),
            *((" also ", *listed(given.other_names)) if given.other_names else ()),
            *optional(": ", given.description),
        )


def _planned(page: Page, trial: RegisteredTrial) -> None:
    for kind in ("primary", "secondary", "other"):
        outcomes = [outcome for outcome in trial.outcomes if outcome.kind == kind]
        if outcomes:
            page.heading(f"Registered outcomes > {kind.capitalize()}")
        for outcome in outcomes:
            page.line(
                outcome.measure,
                *optional(" [", outcome.time_frame, "]"),
                *optional(": ", outcome.description),
            )


def _references(page: Page, trial: RegisteredTrial) -> None:
    if trial.references:
        page.heading("References")
    for reference in trial.references:
        page.line(
            f"{reference.type or 'Reference'}: ",
            reference.citation,
            *optional(" PMID ", reference.pmid),
            *((" Retracted in: ", *listed(reference.retractions)) if reference.retractions else ()),
        )
