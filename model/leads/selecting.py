"""The LEADS forms for finding studies: the search question and the eligibility criteria."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from model.engine import EngineRefused, Request, boundary
from model.forms import label_spans
from model.leads import strategy
from model.leads.base import LeadsForm, a_list, one_line, said_as
from model.leads.reply import Said, Unreadable, array, one_object, text
from model.tasks import query, screen
from tools.schemas import Criterion, Label

__all__ = ["QueryForm", "ScreenForm"]

MAX_QUERY = 4000
"""Characters of a query: what the 1,024 tokens of an answer hold."""


# Search --------------------------------------------------------------------------------------------


class QuerySaid(Said):
    """`{"query": "(…) AND (…)"}`."""

    query: str


class QueryForm(LeadsForm):
    """See `model.leads.strategy`. Known studies and earlier drafts cannot be told to LEADS."""

    offered = frozenset({"P", "I", "C", "O", "elements", "target"})
    needed = (frozenset({"elements"}), frozenset({"P", "I", "C", "O"}))

    def values(self, asked: query.QueryInput) -> dict[str, str]:
        """See `LeadsForm`. Elements without words are left out, or said not to be specified."""
        filled = strategy.lines(asked)
        if not filled:
            raise EngineRefused(
                f"query: none of the elements {', '.join(asked.elements) or '(none)'} can be put to LEADS, which knows "
                "population, intervention, comparison and outcome. Give `query` another engine under engine.tasks."
            )
        return {
            **{letter: filled.get(letter, "(not specified)") for letter in strategy.LINES},
            "elements": "\n".join(f"{strategy.LINES[letter]}: {words}" for letter, words in filled.items()),
            "target": "ClinicalTrials.gov" if asked.target == "trials" else "PubMed",
        }

    def schema(self, _asked: query.QueryInput) -> dict[str, Any]:
        """See `Form`."""
        return one_object(query=text(MAX_QUERY) | {"minLength": 1})

    def told(self, asked: query.QueryInput, reply: Any) -> dict[str, Any]:
        """See `LeadsForm`."""
        line = said_as(QuerySaid, reply, "").query
        if not line.strip():
            raise Unreadable("the query is empty")
        blocks, notes = strategy.blocks_of(asked, line)
        return {"blocks": [block.model_dump() for block in blocks], "notes": notes}

    def said(self, asked: query.QueryInput, value: query.QueryAnswer) -> Any:
        """See `LeadsForm`."""
        return {"query": strategy.line_of(asked, value.blocks)}


# Screening -----------------------------------------------------------------------------------------


class EvaluationSaid(Said):
    """One decision; its place in the list says which criterion it is about."""

    eligibility: Label
    rationale: str


class EvaluationsSaid(Said):
    """`{"evaluations": […]}`."""

    evaluations: list[Any]


_TURNED: dict[str, str] = {"YES": "NO", "NO": "YES", "PARTIAL": "PARTIAL", "UNCERTAIN": "UNCERTAIN"}
"""A label about the statement that an exclusion criterion does not apply, as one about the criterion itself."""

_PART = {"comparator": "Comparison"}


def _put(criterion: Criterion) -> str:
    """A criterion as LEADS knows them: something the paper must meet.

    LEADS has criteria for inclusion only. So an exclusion criterion is put turned round, and a model that leans
    towards YES, as one trained on included studies may, leans towards reading the paper.
    """
    words = one_line(criterion.text).rstrip(". ")
    if criterion.kind == "exclude":
        return f"None of the following applies to the study: {words}"
    element = (criterion.element or "").strip()
    part = _PART.get(element, element.replace("_", " ").capitalize())
    return words if not part or words.casefold().startswith(part.casefold()) else f"{part}: {words}"


class ScreenForm(LeadsForm):
    """As many decisions as criteria, in their order; exclusion criteria turned round and their labels back."""

    offered = frozenset({"paper_content", "num_criteria", "criteria_text", "boundary"})
    needed = (frozenset({"paper_content", "num_criteria", "criteria_text"}),)
    labels = tuple(str(label) for label in get_args(Label))

    def values(self, asked: screen.ScreenInput) -> dict[str, str]:
        """See `LeadsForm`."""
        blank = [c.id for c in asked.criteria if not one_line(c.text).strip(". ")]
        if blank:
            raise EngineRefused(f"screen: criteria without a text: {blank}. Fill them in, or take them out.")
        told = ". ".join(f"{n}: {_put(criterion)}" for n, criterion in enumerate(asked.criteria, 1))
        return {
            "paper_content": asked.text,
            "num_criteria": str(len(asked.criteria)),
            "criteria_text": f"{told}.",
            "boundary": boundary(asked.text),
        }

    def schema(self, asked: screen.ScreenInput) -> dict[str, Any]:
        """See `Form`."""
        n = len(asked.criteria)
        item = one_object(eligibility={"type": "string", "enum": list(self.labels)}, rationale=text(600))
        return one_object(evaluations=array(item, n, n))

    def told(self, asked: screen.ScreenInput, reply: Any) -> dict[str, Any]:
        """See `LeadsForm`."""
        given = said_as(EvaluationsSaid, reply, "").evaluations
        items = a_list(given, "evaluations", exactly=len(asked.criteria))
        verdicts = []
        for n, (criterion, item) in enumerate(zip(asked.criteria, items, strict=True)):
            one = said_as(EvaluationSaid, item, f"evaluations.{n}")
            label = self.turned(criterion, one.eligibility)
            verdicts.append({"criterion_id": criterion.id, "label": label, "rationale": one.rationale})
        return {"verdicts": verdicts}

    def said(self, asked: screen.ScreenInput, value: screen.ScreenAnswer) -> Any:
        """See `LeadsForm`."""
        by_id = {verdict.criterion_id: verdict for verdict in value.verdicts}
        return {
            "evaluations": [
                {"eligibility": self.turned(c, by_id[c.id].label), "rationale": by_id[c.id].rationale}
                for c in asked.criteria
            ]
        }

    @staticmethod
    def turned(criterion: Criterion, label: str) -> str:
        """A label of a reply as one of ours, and the other way round: turning twice changes nothing."""
        return _TURNED[label] if criterion.kind == "exclude" else label

    def meant(
        self, request: Request[Any, Any], likely: Mapping[str, Mapping[str, float]]
    ) -> dict[str, dict[str, float]]:
        """See `Form`."""
        criteria = {criterion.id: criterion for criterion in request.input.criteria}
        return {
            item: {self.turned(criteria[item], label): p for label, p in by_label.items()}
            for item, by_label in likely.items()
        }

    def label_spans(self, request: Request[Any, Any], raw: str) -> dict[str, tuple[int, int]]:
        """See `Form`."""
        return label_spans(raw, "eligibility", [criterion.id for criterion in request.input.criteria])
