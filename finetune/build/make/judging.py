"""An engine judges records by criteria, and is not told what the reviewers decided; what it says is checked here.

A verdict *stands* when its quote is found in the text and a second reading (`second_reading`) has nothing against it.
The answer to a record *agrees* with the reviewers when a record that they included is ruled out by nothing, and one
that they excluded is ruled out by at least one criterion with a quote, by the rules of `tools.screening.verdicts`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from model.baseline.screen import RATIONALE
from model.engine import Answer, Engine, Request
from model.pool import ask_all
from model.tasks.screen import TASK, Judgement, ScreenAnswer, ScreenInput
from tools.errors import EngineError
from tools.fulltext.quotes import locate
from tools.schemas import Criterion, Frozen, Record, sha256_of
from tools.screening.verdicts import excludes

__all__ = [
    "Opinion",
    "answers_of",
    "checked_opinions",
    "question_about",
    "studies_of_record",
    "worded",
]

MOST_WORDS = 40
"""Words of a rationale: the prompt asks for thirty, and engines do not count well."""


class Opinion(NamedTuple):
    """A criterion and an engine's verdict on it, its quote in the text's own wording."""

    criterion: Criterion
    judgement: Judgement

    @property
    def rules_out(self) -> bool:
        """Whether this alone excludes the record."""
        return excludes(self.criterion, self.judgement.label)

    @property
    def shows(self) -> bool:
        """Whether the text was found to speak for inclusion: an inclusion criterion met, at least in part."""
        return self.criterion.kind == "include" and self.judgement.label in ("YES", "PARTIAL")


def question_about(record: Record, criteria: Sequence[Criterion]) -> ScreenInput:
    """The question as the step `screen` asks it, but for the indexing: no model is shown that.

    A verdict that rests on a MeSH heading could not be learnt from the text, so the engine must do without, too.
    """
    name = f"pmid:{record.pmid}" if record.pmid else record.record_id
    return ScreenInput(record_id=name, criteria=tuple(criteria), text=record.text, title=record.title)


def answers_of(engine: Engine, questions: Sequence[Frozen], task: Any = TASK, *, in_flight: int) -> list[Any]:
    """One answer per question, in their order: the task's answer, or the `EngineError` why there is none.

    Raises:
        EngineUnavailable: nobody is there.
    """
    found: dict[int, Any] = {}

    def landed(position: int, result: Answer[Any] | EngineError) -> None:
        found[position] = result.value if isinstance(result, Answer) else result

    ask_all(engine, (Request(task, question) for question in questions), in_flight=in_flight, landed=landed)
    return [found[position] for position in range(len(questions))]


def checked_opinions(
    asked: ScreenInput, answer: ScreenAnswer
) -> tuple[list[Opinion], list[tuple[Criterion, str]]]:
    """The verdicts in the order of the criteria, and those that are refused, each with why.

    YES, PARTIAL and NO need a quote that stands in the text; UNCERTAIN has none.
    """
    given = {judgement.criterion_id: judgement for judgement in answer.verdicts}
    kept: list[Opinion] = []
    refused: list[tuple[Criterion, str]] = []
    for criterion in asked.criteria:
        judgement = given[criterion.id]
        if judgement.label == "UNCERTAIN":
            kept.append(Opinion(criterion, _cleaned(judgement, criterion, "")))
            continue
        quote = locate(judgement.quote, asked.text) if judgement.quote else None
        if quote is None:
            refused.append(
                (criterion, "quote not in the text" if judgement.quote else "verdict without a quote")
            )
            continue
        kept.append(Opinion(criterion, _cleaned(judgement, criterion, quote.text)))
    return kept, refused


def _cleaned(judgement: Judgement, criterion: Criterion, quote: str) -> Judgement:
    return Judgement(
        criterion_id=criterion.id,
        quote=quote,
        label=judgement.label,
        rationale=worded(judgement.rationale, criterion, quote),
    )


# Words -------------------------------------------------------------------------------------------

_NOT_FOUND = re.compile(r"; not found: .*", re.DOTALL)
_LISTED = re.compile(
    r"(?:^|title: |alone: |there: )(?P<mark>['\"])(?P<label>.{2,}?)(?P=mark) in the (?P<where>title|text)",
    re.DOTALL,
)


def worded(rationale: str, criterion: Criterion, quote: str) -> str:
    """An engine's rationale, as a model may say it of itself.

    The baseline engine begins with what it is, and names a criterion whole where one item of its list was found;
    here only that item is left. What any other engine says is left as it is.
    """
    if not rationale.startswith(RATIONALE):
        return rationale.strip()
    said = _NOT_FOUND.sub(".", rationale.removeprefix(RATIONALE)).strip()
    listed = _LISTED.search(said)
    if not quote:
        said = "The text does not tell."
    elif listed is not None:
        said = _speaking(
            f"The {listed['where']}", item_in(criterion, quote), whole="; not found: " not in rationale
        )
    elif said.startswith("a sentence is like"):
        said = "A sentence is much like it, though not all of it is told."
    return (said[:1].upper() + said[1:])[:600]


def _speaking(where: str, item: str, whole: bool) -> str:
    if item:
        return (
            f"{where} speaks of {item}." if whole else f"{where} speaks of {item}, not of all that is asked."
        )
    return f"{where} says it in other words." if whole else f"{where} speaks of a part of it."


def item_in(criterion: Criterion, quote: str) -> str:
    """The longest item of a criterion's list that stands in the quote word for word; empty when none does."""
    items = [*criterion.terms, *re.split(r"[;,\n]| or | and ", re.sub(r"^[\w ]{2,20}:", "", criterion.text))]
    plain = [item.strip(" .:()") for item in items]
    found = [item for item in plain if len(item) > 2 and _whole_word(item, quote)]
    return max(found, key=len, default="")


def _whole_word(item: str, quote: str) -> bool:
    words = r"[\s-]+".join(re.escape(word) for word in re.split(r"[\s-]+", item))
    return re.search(rf"(?<!\w){words}(?:e?s)?(?!\w)", quote, re.IGNORECASE) is not None


# Studies -----------------------------------------------------------------------------------------


def studies_of_record(record: Record) -> tuple[str, ...]:
    """All names of a record whose text stands in an instruction: the split goes by them."""
    trials = [number for number in record.registry_ids if number.upper().startswith("NCT")]
    named = [
        *([f"pmid:{record.pmid}"] if record.pmid else []),
        *([f"pmcid:{record.pmcid}"] if record.pmcid else []),
    ]
    if not named:
        title = " ".join((record.title or record.abstract[:200] or record.record_id).casefold().split())
        named = [f"doc:{sha256_of(title)[:16]}"]
    return (*named, *(f"nct:{number.upper()}" for number in sorted(set(trials))))
