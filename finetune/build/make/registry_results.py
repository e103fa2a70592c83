"""Task `results` from linked pairs: an outcome as posted, group by group, where the paper gives the same numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from finetune.build.make.abstain import silent_of
from finetune.build.make.registered import (
    ALIKE,
    NO_RESULTS,
    NO_VALUE,
    NOT_IN_TEXT,
    Posted,
    denominator_of,
    dispersion_of,
    groups_of,
    parameter_of,
    posted_values,
    same_name,
    trial_group,
    unit_of,
)
from finetune.build.make.registry_finding import Found, Wanted, find, named
from finetune.build.make.registry_links import Linked, LinkedMaker
from finetune.instructions import Instruction, Refusal
from model.tasks.results import OutcomeMeasure, ResultsAnswer, ResultsInput, ResultValue
from tools.fulltext.relevance import terms
from tools.registry.matching import same_time
from tools.registry.results import Group, PostedOutcome

__all__ = ["RegistryResults"]


class RegistryResults(LinkedMaker):
    """See `LinkedMaker`."""

    name = "registry-results"
    task = "results"

    def _of(self, pair: Linked) -> Iterator[Instruction | Refusal]:
        """Each group of each posted outcome."""
        if pair.entry.results is None or not pair.entry.results.outcomes:
            yield pair.refused("results", NO_RESULTS)
            return
        for outcome in pair.entry.results.outcomes:
            yield from self._outcome(pair, outcome)

    def _outcome(self, pair: Linked, outcome: PostedOutcome) -> Iterator[Instruction | Refusal]:
        what = f"outcome {outcome.number}"
        results, groups = pair.entry.results, groups_of(outcome.groups)
        assert results is not None
        if not groups or same_name(outcome, results.outcomes):
            yield pair.refused("results", ALIKE, what)
            return
        told = [posted_values(outcome, group) for group in groups]
        refused = next((one for one in told if isinstance(one, str)), "")
        posted = [one for one in told if not isinstance(one, str)]
        if refused or len({tuple(one.title for one in group) for group in posted}) != 1:
            yield pair.refused("results", refused or NO_VALUE, what)
            return
        rows = []
        for row in zip(*posted, strict=True):
            found = self._row(pair, outcome, groups, row)
            if isinstance(found, str):
                yield from self._untold(pair, outcome, groups, found)
                return
            rows.append(found)
        for number, group in enumerate(groups):
            values = [
                (told[number], found[number])
                for told, found in zip(zip(*posted, strict=True), rows, strict=True)
            ]
            yield self._group(pair, outcome, group, values)

    def _row(
        self, pair: Linked, outcome: PostedOutcome, groups: Sequence[Group], row: Sequence[Posted]
    ) -> tuple[Found, ...] | str:
        """All groups of one class and category."""
        title = row[0].title
        frame = outcome.time_frame.text if outcome.time_frame else ""
        parts = [outcome.name, title] if title else [outcome.name]
        name = named(parts, f"{title} ; {outcome.name} ; {frame}", pair.report.passages)
        wanted = [
            Wanted(group.name, group.description.text if group.description else "", posted)
            for group, posted in zip(groups, row, strict=True)
        ]
        return find(pair.report.passages, name, wanted)

    def _group(
        self, pair: Linked, outcome: PostedOutcome, group: Group, values: Sequence[tuple[Posted, Found]]
    ) -> Instruction | Refusal:
        told = " ".join(f"{found.beside} {found.column}" for _, found in values)
        held = _denominator(outcome, group, told, pair)
        frame = outcome.time_frame.text if outcome.time_frame else ""
        unit = unit_of(outcome)
        answer = ResultsAnswer(
            status="found",
            param_type=parameter_of(outcome),
            dispersion_type=dispersion_of(outcome) if any(len(p.numbers) > 1 for p, _ in values) else "",
            unit=unit if set(terms(unit)) & set(terms(told)) or unit.lower() == "participants" else "",
            time_frame=frame[:300] if same_time(frame, told) else "",
            denominator_unit="Participants" if held is not None else "",
            denominator=held,
            values=tuple(
                ResultValue(
                    quote=f.quote, title=p.title, value=f.value, spread=f.spread, lower=f.lower, upper=f.upper
                )
                for p, f in values
            ),
        )
        quotes = [found.quote for _, found in values]
        return self._instruction(pair, outcome, group, answer, quotes, "")

    def _untold(
        self, pair: Linked, outcome: PostedOutcome, groups: Sequence[Group], why: str
    ) -> Iterator[Instruction | Refusal]:
        """A full text that does not tell the outcome at all is an example of its own; else the reason stands."""
        what = f"outcome {outcome.number}"
        if why != NOT_IN_TEXT or self._abstaining is None or not pair.report.full_text:
            yield pair.refused("results", why, what)
            return
        whole = ResultsInput(**pair.report.asked(pair.report.passages), **_question(outcome, groups[0]))
        if silent_of("results", whole, self._abstaining.engine):
            yield pair.refused("results", why, what)
            return
        for group in groups:
            answer = ResultsAnswer(status="not_reported")
            yield self._instruction(pair, outcome, group, answer, (), "registry-results-untold")

    def _instruction(
        self, pair: Linked, outcome: PostedOutcome, group: Group, answer: ResultsAnswer, quotes: Sequence[str],
        how: str,
    ) -> Instruction | Refusal:  # fmt: skip
        more = _question(outcome, group)
        asked: OutcomeMeasure = more["outcome"]
        words = [asked.title, asked.description, unit_of(outcome), asked.time_frame, group.name]
        return pair.made(
            "results", ResultsInput, more, answer, words, quotes, self._reading,
            f"outcome {outcome.number}, {group.name}", how,
        )  # fmt: skip


def _question(outcome: PostedOutcome, group: Group) -> dict[str, Any]:
    """Outcome, group and the other groups, as the task asks for them."""
    return {
        "outcome": OutcomeMeasure(
            title=outcome.name,
            description=outcome.description.text if outcome.description else "",
            time_frame=outcome.time_frame.text if outcome.time_frame else "",
        ),
        "group": trial_group(group),
        "others": tuple(trial_group(g) for g in groups_of(outcome.groups) if g.id != group.id),
    }


def _denominator(outcome: PostedOutcome, group: Group, told: str, pair: Linked) -> int | None:
    """How many were analysed, where the paper says so: beside the value, or above it."""
    held = denominator_of(outcome, group)
    if held is None:
        return None
    count = re.escape(str(held[0]))
    if re.search(rf"(?:\bn\s?=\s?|/\s?|\bof\s){count}(?!\d|[.,]\d)", told, re.IGNORECASE):
        return held[0]
    near = rf"\bn\s?=\s?{count}(?!\d|[.,]\d)"
    heads = (p.text.partition("\n")[0] for p in pair.report.passages if p.kind == "table")
    return held[0] if any(re.search(near, head, re.IGNORECASE) for head in heads) else None
