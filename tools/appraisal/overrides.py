"""A person's judgement beside the algorithm's. The person's counts, and where it differs it says why. Pure."""

from collections.abc import Iterable

from pydantic import Field

from tools.appraisal.tool import Judgement, Overall, Tool, overall
from tools.errors import NotAllowed
from tools.schemas import Frozen

__all__ = ["OVERALL", "Appraisal", "DomainJudgement", "PersonsJudgement", "Unreasoned", "settle"]

OVERALL = "overall"
"""Stands for the result as a whole where a domain could be named."""


class Unreasoned(NotAllowed):
    """A judgement that changes the algorithm's, without a reason."""


class PersonsJudgement(Frozen):
    """What a person says of one domain, or of the result as a whole (`OVERALL`)."""

    domain: str
    level: str
    reason: str = Field(default="", description="Needed where it is not what the algorithm says.")


class DomainJudgement(Frozen):
    """Both judgements of one domain, or of the result as a whole."""

    domain: str
    algorithm: str | None = Field(description="None: the algorithm did not come to a level.")
    person: str | None = Field(default=None, description="None: no person has judged it.")
    reason: str = ""

    @property
    def final(self) -> str | None:
        """The person's where given, else the algorithm's; None where neither is there."""
        return self.person if self.person is not None else self.algorithm

    @property
    def changed(self) -> bool:
        """Whether the person set aside a level of the algorithm."""
        return self.person is not None and self.algorithm is not None and self.person != self.algorithm


class Appraisal(Frozen):
    """The judgements of one result: domains in the order of the tool, then the whole."""

    tool: str
    domains: tuple[DomainJudgement, ...]
    overall: DomainJudgement
    suggested: Overall = Field(description="What follows from the domains' final judgements, with its rule.")


def settle(tool: Tool, judged: Judgement, persons: Iterable[PersonsJudgement] = ()) -> Appraisal:
    """Put a person's judgements beside the algorithm's.

    The overall judgement is worked out anew from what the domains are now.

    Args:
        tool: the tool.
        judged: what its algorithm says.
        persons: at most one per domain, and one for `OVERALL`.

    Raises:
        Unreasoned: a judgement differs from the algorithm's, or stands where it has none, without a reason.
        NotAllowed: an unknown domain or level, two judgements of one domain, a judgement by another tool, or an overall
            judgement better than the worst domain.
    """
    if judged.tool != tool.id:
        raise NotAllowed(f"The answers were judged by {judged.tool}, not by {tool.id}: judge them again.")
    said = _by_domain(tool, persons)
    domains = tuple(_beside(d.domain, d.level, said.get(d.domain)) for d in judged.domains)
    suggested = overall(tool, {d.domain: d.final for d in domains})
    whole = _beside(OVERALL, suggested.level, said.get(OVERALL))
    _not_better_than_the_worst(tool, whole, domains)
    return Appraisal(tool=tool.id, domains=domains, overall=whole, suggested=suggested)


def _by_domain(tool: Tool, persons: Iterable[PersonsJudgement]) -> dict[str, PersonsJudgement]:
    said: dict[str, PersonsJudgement] = {}
    for judgement in persons:
        if judgement.domain != OVERALL:
            tool.domain(judgement.domain)
        tool.level(judgement.level)
        if judgement.domain in said:
            raise NotAllowed(f"Domain {judgement.domain} has two judgements by a person: keep one.")
        said[judgement.domain] = judgement
    return said


def _beside(domain: str, algorithm: str | None, person: PersonsJudgement | None) -> DomainJudgement:
    if person is None:
        return DomainJudgement(domain=domain, algorithm=algorithm)
    reason = person.reason.strip()
    if person.level != algorithm and not reason:
        instead = (
            f"instead of the algorithm's {algorithm}" if algorithm else "where the algorithm has no judgement"
        )
        raise Unreasoned(f"Domain {domain}: {person.level} {instead} needs a reason. Write one.")
    return DomainJudgement(domain=domain, algorithm=algorithm, person=person.level, reason=reason)


def _not_better_than_the_worst(
    tool: Tool, whole: DomainJudgement, domains: tuple[DomainJudgement, ...]
) -> None:
    """A result is at least as biased as its worst domain (Cochrane Handbook 8.2.4)."""
    if tool.overall != "worst" or whole.person is None:
        return
    order = [level.id for level in tool.levels if level.ranked]
    for domain in domains:
        if domain.final in order and whole.person in order[: order.index(domain.final)]:
            raise NotAllowed(
                f"Overall {whole.person} is better than domain {domain.domain} ({domain.final}). Change the judgement "
                "of the domain, with a reason, if it is too severe."
            )
