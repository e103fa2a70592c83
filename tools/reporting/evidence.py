"""What a report says about numbers: the approved table, the analyses, and how certain people hold them to be. Pure."""

from pydantic import Field

from tools.appraisal.grade import Rating
from tools.appraisal.grade_evidence import Suggestion
from tools.appraisal.overrides import OVERALL
from tools.appraisal.tool import Tool
from tools.evidence_settings import OutcomeSpec
from tools.reporting.narrative import Fact, Narrative
from tools.schemas import Cell, Frozen
from tools.synthesis.analysing import AnalysisResult
from tools.synthesis.reviewing import TableFinding

__all__ = ["BIAS", "Certainty", "EvidenceData", "StudyName", "Telling"]

BIAS = "bias/"
"""Begins the field of every cell about risk of bias: `bias/1.1` a signalling question, `bias/1` a domain."""


class StudyName(Frozen):
    """An included study as plots and tables name it."""

    study_id: str
    label: str
    report_ids: tuple[str, ...]


class Certainty(Frozen):
    """The certainty of one analysis: suggested domain by domain, and a person's rating."""

    analysis_id: str
    suggestions: tuple[Suggestion, ...] = ()
    by: str = Field(default="", description="Who decided; empty: nobody.")
    rating: Rating | None = Field(default=None, description="None: not every domain is decided.")


class Telling(Frozen):
    """The sentences about one analysis, each citing facts by id; what did not stand there is told apart."""

    analysis_id: str
    narrative: Narrative = Narrative()
    facts: tuple[Fact, ...] = ()
    engine: str = ""
    failed: str = Field(default="", description="Why there are no sentences.")


class EvidenceData(Frozen):
    """Everything about numbers that may leave the review. Empty where none are read."""

    cells: tuple[Cell, ...] = Field(
        default=(), description="The approved table; nothing that nobody approved."
    )
    waiting: int = Field(default=0, description="Reports whose numbers nobody has approved yet.")
    outcomes: tuple[OutcomeSpec, ...] = ()
    findings: tuple[TableFinding, ...] = ()
    people: int = Field(default=0, description="How many people read each report; 0: no numbers are read.")
    tool: Tool | None = None
    studies: tuple[StudyName, ...] = ()
    analyses: tuple[AnalysisResult, ...] = ()
    certainty: tuple[Certainty, ...] = ()
    narratives: tuple[Telling, ...] = ()
    experimental: str = Field(default="", description="The intervention, as the question names it.")
    control: str = ""
    population: str = ""

    @property
    def labels(self) -> dict[str, str]:
        """Report to the label of its study."""
        return {report_id: study.label for study in self.studies for report_id in study.report_ids}

    def judgements(self, outcome: str) -> dict[str, dict[str, str]]:
        """Study to domain (or `overall`) to judgement, for one outcome; a person's where one judged.

        A level that the tool does not have, as after a change of the tool, is none.
        """
        if self.tool is None:
            return {}
        names = {f"{BIAS}{name}": name for name in (*(d.id for d in self.tool.domains), OVERALL)}
        levels = {level.id for level in self.tool.levels}
        of_report: dict[str, dict[str, str]] = {}
        for cell in self.cells:
            if cell.outcome == outcome and cell.field_id in names and cell.value in levels:
                of_report.setdefault(cell.report_id, {})[names[cell.field_id]] = cell.value
        return {
            study.study_id: of_report[report_id]
            for study in reversed(self.studies)
            for report_id in reversed(study.report_ids)
            if report_id in of_report
        }
