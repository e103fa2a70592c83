"""Task `participants` from linked pairs: a baseline characteristic as posted, where the paper tells it too."""

from __future__ import annotations

from collections.abc import Iterator

from finetune.build.make.abstain import silent_of
from finetune.build.make.registered import (
    ALIKE,
    ASSIGNED,
    NO_RESULTS,
    NOT_IN_TEXT,
    Posted,
    baseline_rows,
    parameter_of,
    posted_rows,
    spread_note,
    unit_of,
)
from finetune.build.make.registry_finding import Wanted, find, named
from finetune.build.make.registry_links import Linked, LinkedMaker
from finetune.instructions import Instruction, Refusal
from model.tasks.participants import Group as AskedGroup
from model.tasks.participants import GroupValue, ParticipantsAnswer, ParticipantsInput
from model.tasks.participants import Measure as AskedMeasure
from tools.registry.results import Measure

__all__ = ["RegistryParticipants"]


class RegistryParticipants(LinkedMaker):
    """See `LinkedMaker`."""

    name = "registry-participants"
    task = "participants"

    def _of(self, pair: Linked) -> Iterator[Instruction | Refusal]:
        """Each row of each baseline measure."""
        if pair.entry.results is None:
            yield pair.refused("participants", NO_RESULTS)
            return
        for measure, row in baseline_rows(pair.entry.results):
            yield self._one(pair, measure, row)

    def _one(self, pair: Linked, measure: Measure, row: str) -> Instruction | Refusal:
        title = measure.title.text if measure.title else ""
        what = f"baseline {title} {row}".strip()
        rows = [values for name, values in posted_rows(measure) if name == row]
        if len(rows) != 1 or not rows[0]:
            return pair.refused("participants", ALIKE, what)
        refused = next((one.posted for one in rows[0] if isinstance(one.posted, str)), "")
        if refused:
            return pair.refused("participants", refused, what)
        wanted = [
            Wanted(one.group.name, one.group.description.text if one.group.description else "", one.posted)
            for one in rows[0]
            if isinstance(one.posted, Posted)
        ]
        groups = tuple(
            AskedGroup(id=one.group.id, title=told.group, description=told.description)
            for one, told in zip(rows[0], wanted, strict=True)
        )
        asked = AskedMeasure(
            title=title, category=row, param_type=parameter_of(measure) or "NUMBER", unit=unit_of(measure)
        )
        words = [title, row, asked.unit, *(group.title for group in groups)]
        name = named([row or _plain(title)], "", pair.report.passages)
        found = find(pair.report.passages, name, wanted)
        if isinstance(found, str):
            return self._untold(pair, asked, groups, words, found, what)
        values = tuple(
            GroupValue(group_id=group.id, quote=told.quote, status="found", value=told.value, spread=told.spread,
                       note=spread_note(measure, one.posted._replace(lower=told.lower, upper=told.upper)))
            for group, told, one in zip(groups, found, wanted, strict=True)
        )  # fmt: skip
        return pair.made(
            "participants", ParticipantsInput, {"measure": asked, "groups": groups},
            ParticipantsAnswer(values=values), words, [told.quote for told in found], self._reading, what,
        )  # fmt: skip

    def _untold(
        self, pair: Linked, asked: AskedMeasure, groups: tuple[AskedGroup, ...], words: list[str], why: str,
        what: str,
    ) -> Instruction | Refusal:  # fmt: skip
        """A full text that does not tell the measure at all is an example of its own; else the reason stands."""
        if why != NOT_IN_TEXT or self._abstaining is None or not pair.report.full_text:
            return pair.refused("participants", why, what)
        answer = ParticipantsAnswer(
            values=tuple(GroupValue(group_id=group.id, status="not_reported") for group in groups)
        )
        whole = ParticipantsInput(**pair.report.asked(pair.report.passages), measure=asked, groups=groups)
        if silent_of("participants", whole, self._abstaining.engine):
            return pair.refused("participants", why, what)
        return pair.made(
            "participants", ParticipantsInput, {"measure": asked, "groups": groups}, answer, words, (),
            self._reading, f"{what} is posted, and the paper does not tell it", "registry-participants-untold",
        )  # fmt: skip


def _plain(title: str) -> str:
    """The title; of how many were assigned the one word that tells of it."""
    return "assigned" if title == ASSIGNED else title
