"""What a paper says, what its registry entry says, and one difference between the two. Pure values."""

from pydantic import Field

from tools.registry.arms import ArmName
from tools.registry.reading import Leaf
from tools.registry.text import Written
from tools.schemas import Frozen, Quote
from tools.synthesis.values import Finding, Statistic

__all__ = ["Difference", "PaperOutcome", "PaperReport", "PaperValue", "Side", "side_of"]


class PaperOutcome(Frozen):
    """An outcome that a paper reports."""

    name: str
    kind: str = Field(
        default="", description="primary, secondary, other; empty where the paper does not say."
    )
    time_point: str = ""
    quote: Quote | None = None


class PaperValue(Frozen):
    """One number of a paper, as an accepted cell holds it."""

    outcome: str
    arm: str
    statistic: Statistic
    value: float
    value_text: str = Field(default="", description="As printed; tells the decimals.")
    time_point: str = ""
    quote: Quote | None = None


class PaperReport(Frozen):
    """What was taken from one paper of the trial. What is empty is not compared."""

    report_id: str
    sample_size: int | None = Field(default=None, description="Participants randomised or enrolled.")
    sample_quote: Quote | None = None
    arms: tuple[ArmName, ...] = ()
    outcomes: tuple[PaperOutcome, ...] = ()
    values: tuple[PaperValue, ...] = ()


class Side(Frozen):
    """What one side says, and where."""

    report_id: str
    says: str
    quote: Quote | None = Field(default=None, description="In the canonical text of that report.")
    path: str = Field(default="", description="In the registry's JSON.")


class Difference(Finding):
    """Something that paper and registry, or registry and calendar, do not agree on. A person judges it."""

    registry: Side
    paper: Side | None = Field(default=None, description="None: the paper is silent, or there is none.")


def side_of(page: Written, leaf: Leaf, says: str = "") -> Side:
    """The registry's side of a difference: the value itself, with its quote."""
    return Side(report_id=page.text.report_id, says=says or leaf.text, quote=page.quote(leaf), path=leaf.path)
