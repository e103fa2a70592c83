"""The questions that one registry entry gives, each with a text that tells the answer. Pure.

What is drawn for a question depends on the entry's number and the question alone.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from finetune.build.kinds import Trial
from finetune.build.make.papers import CUT_AWAY, Reading, Report, show
from finetune.build.make.registered import (
    ALIKE,
    NOT_IN_TEXT,
    Posted,
    arms_of,
    denominator_of,
    dispersion_of,
    groups_of,
    parameter_of,
    posted_rows,
    posted_values,
    same_name,
    spread_note,
    trial_group,
    unit_of,
)
from finetune.build.make.registry_arm_layouts import arms_in_prose, types_show
from finetune.build.make.registry_field_layouts import fields_in_prose
from finetune.build.make.registry_form import FIELDS, specs
from finetune.build.make.registry_layouts import (
    LAYOUTS,
    Layout,
    Text,
    as_paper,
    of_entry,
)
from finetune.instructions import About, Instruction, Refusal, instruction
from model.tasks.arms import ArmsAnswer, ArmsInput
from model.tasks.characteristics import CharacteristicsAnswer, CharacteristicsInput, FieldAnswer
from model.tasks.participants import Group as AskedGroup
from model.tasks.participants import GroupValue, ParticipantsAnswer, ParticipantsInput
from model.tasks.participants import Measure as AskedMeasure
from model.tasks.results import OutcomeMeasure, ResultsAnswer, ResultsInput, ResultValue
from tools.fulltext.cues import Task
from tools.fulltext.quotes import holds_number
from tools.registry.matching import alike
from tools.registry.reading import Leaf
from tools.registry.results import Group, Measure, PostedOutcome
from tools.registry.text import Written, write
from tools.registry.trial import RegisteredTrial
from tools.schemas import Frozen

__all__ = ["Entry"]

NEAR = 0.5
"""Likeness of two outcomes' names from which a question must tell all it can to keep them apart."""


@dataclass(frozen=True)
class Entry:
    """One entry, and the questions that are asked of it."""

    of: Trial
    trial: RegisteredTrial
    papers: tuple[str, ...]
    reading: Reading

    @cached_property
    def written(self) -> Written:
        return write(self.trial)

    def chance(self, what: str) -> random.Random:
        """Draws for one question: the same on every machine."""
        return random.Random(f"{self.trial.nct_id} {what}")  # noqa: S311 - variety, no secret

    # Arms and characteristics ---------------------------------------------------------------------

    def arms(self) -> Instruction | Refusal:
        """The arms as registered, each with the line that tells of it."""
        arms = arms_of(self.trial)
        if isinstance(arms, str):
            return self._refused("arms", arms)
        paths = [arm.label.path for arm in self.trial.arms]
        chance = self.chance("arms")
        layout = "prose" if types_show(self.trial) and chance.random() < 0.6 else "entry"
        text = arms_in_prose(self.trial, chance) if layout == "prose" else Text((), {})
        if any(path not in text.quotes for path in paths):  # a long description can only be quoted in part
            layout = "entry"
            text = of_entry(self.written, paths, self._sections("arms", ("Arms",)))
        if any(path not in text.quotes for path in paths):
            return self._refused("arms", NOT_IN_TEXT)
        told = [
            arm.model_copy(update={"quote": text.quotes[path]}) for arm, path in zip(arms, paths, strict=True)
        ]
        answer = ArmsAnswer(status="found", arms=tuple(told))
        return self._made("arms", text, [], ArmsInput, {}, answer, layout, "arms as registered")

    def characteristics(self) -> Instruction | Refusal:
        """Some fields of a form, of those that the entry tells."""
        chance = self.chance("fields")
        every = [(field, told) for field in FIELDS if (told := field.told(self.trial)) is not None]
        known = chance.sample(every, min(len(every), chance.randint(2, 7)))
        layout = chance.choice(("entry", "prose"))
        if layout == "prose":
            text, printed = fields_in_prose(self.trial, every, chance)
            known = [(field, told._replace(value=printed[field.id])) for field, told in known]
        else:
            own = (
                "", "Identification", "Status", "Summary", "Design", "Eligibility", "Registered outcomes > Primary",
            )  # fmt: skip
            paths = [told.leaf.path for _, told in known]
            text = of_entry(self.written, paths, self._sections("fields", own))
        kept = [(field, told) for field, told in known if told.leaf.path in text.quotes]
        if not kept:
            return self._refused("characteristics", NOT_IN_TEXT)
        asked = specs([field for field, _ in kept], chance)
        cells = [
            FieldAnswer(field_id=spec.id, quote=text.quotes[told.leaf.path], status="found", value=told.value,
                        unit=told.unit)
            for (_, spec), (_, told) in zip(asked, kept, strict=True)
        ]  # fmt: skip
        fields = {"fields": tuple(spec for _, spec in asked)}
        words = [spec.question for _, spec in asked]
        answer = CharacteristicsAnswer(cells=tuple(cells))
        return self._made(
            "characteristics",
            text,
            words,
            CharacteristicsInput,
            fields,
            answer,
            layout,
            "fields as registered",
        )

    # Numbers --------------------------------------------------------------------------------------

    def participants(self, measure: Measure, row: str) -> Instruction | Refusal:
        """One row of a baseline measure, in all groups."""
        title = measure.title.text if measure.title else ""
        what = f"baseline {title} {row}".strip()
        rows = [values for name, values in posted_rows(measure) if name == row]
        told = rows[0] if len(rows) == 1 else ()
        refused = next((one.posted for one in told if isinstance(one.posted, str)), "" if told else ALIKE)
        if refused:
            return self._refused("participants", refused, what)
        posted = [(one.group, one.posted) for one in told if isinstance(one.posted, Posted)]
        chance = self.chance(what)
        layout = chance.choice(LAYOUTS)
        text = self._told(measure, [p.leaf.path for _, p in posted], layout, chance)
        if why := _not_there([p for _, p in posted], text):
            return self._refused("participants", why, what)
        ids = [g.id if chance.random() < 0.5 else f"g{n}" for n, (g, _) in enumerate(posted, 1)]
        values = tuple(
            GroupValue(group_id=name, quote=text.quotes[p.leaf.path], status="found", value=p.value,
                       spread=p.spread, note=spread_note(measure, p))
            for name, (_, p) in zip(ids, posted, strict=True)
        )  # fmt: skip
        groups = tuple(
            AskedGroup(id=name, title=g.name, description=_described(g, chance))
            for name, (g, _) in zip(ids, posted, strict=True)
        )
        asked = AskedMeasure(
            title=title,
            category=row,
            param_type=parameter_of(measure) or "NUMBER",
            unit=unit_of(measure),
            description=measure.description.text if measure.description and chance.random() < 0.3 else "",
        )
        words = [title, row, asked.unit, *(group.title for group in groups)]
        return self._made(
            "participants", text, words, ParticipantsInput, {"measure": asked, "groups": groups},
            ParticipantsAnswer(values=values), layout, f"{what}, as posted",
        )  # fmt: skip

    def results(self, outcome: PostedOutcome, group: Group) -> Instruction | Refusal:
        """One outcome in one group."""
        what = f"outcome {outcome.number} {group.id}"
        results = self.trial.results
        groups = groups_of(outcome.groups)
        if results is None or not groups or same_name(outcome, results.outcomes):
            return self._refused("results", ALIKE, what)
        posted = posted_values(outcome, group)
        if isinstance(posted, str):
            return self._refused("results", posted, what)
        chance = self.chance(what)
        layout = chance.choice(LAYOUTS)
        text = self._told(outcome, [p.leaf.path for p in posted], layout, chance)
        if why := _not_there(posted, text):
            return self._refused("results", why, what)
        near = any(alike(outcome.name, o.name) >= NEAR for o in results.outcomes if o is not outcome)
        asked = _asked(outcome, chance, near)
        held = denominator_of(outcome, group)
        answer = ResultsAnswer(
            status="found",
            param_type=parameter_of(outcome),
            dispersion_type=dispersion_of(outcome) if any(len(p.numbers) > 1 for p in posted) else "",
            unit=unit_of(outcome),
            time_frame=outcome.time_frame.text[:300] if outcome.time_frame else "",
            denominator_unit="Participants" if held else "",
            denominator=held[0] if held else None,
            values=tuple(
                ResultValue(quote=text.quotes[p.leaf.path], title=p.title, value=p.value, spread=p.spread,
                            lower=p.lower, upper=p.upper)
                for p in posted
            ),
        )  # fmt: skip
        more = {
            "outcome": asked,
            "group": trial_group(group),
            "others": tuple(trial_group(g) for g in groups if g.id != group.id),
        }
        words = [asked.title, asked.description, answer.unit, asked.time_frame, group.name]
        return self._made(
            "results", text, words, ResultsInput, more, answer, layout,
            f"outcome {outcome.number}, {group.name}, as posted",
        )  # fmt: skip

    # Parts ----------------------------------------------------------------------------------------

    def _sections(self, what: str, own: Sequence[str]) -> Any:
        """Which sections of the entry are shown: the question's own, and others as it falls."""
        chance = self.chance(f"sections {what}")
        share = chance.choice((0.1, 0.3, 0.6, 1.0))
        names = dict.fromkeys(p.section for p in self.written.text.passages)
        shown = {name for name in names if chance.random() < share} | set(own)
        return lambda section: section in shown

    def _told(self, measure: Measure, paths: Sequence[str], layout: Layout, chance: random.Random) -> Text:
        """A text that tells a measure among others."""
        results = self.trial.results
        assert results is not None
        if layout == "entry":
            own = {self._section_of(path) for path in paths}
            heads = {name.rpartition(" > ")[0] for name in own}
            return of_entry(self.written, paths, self._sections(paths[0], sorted(own | heads - {""})))
        among: list[Measure] = [*results.baseline, *results.outcomes]
        others = [m for m in among if m is not measure and groups_of(m.groups) and m.classes]
        some = chance.sample(others, min(len(others), chance.choice((0, 1, 2, 2, 4, 6))))
        told = [measure, *some]
        order = {id(m): number for number, m in enumerate(among, 1)}
        return as_paper(self.trial, sorted(told, key=lambda m: order.get(id(m), 0)), layout, chance)

    def _section_of(self, path: str) -> str:
        return self.written.section(Leaf(text="", path=path)) if path in self.written.spans else ""

    def _made(
        self, task: Task, text: Text, words: Sequence[str], kind: Any, more: Mapping[str, Any], answer: Frozen,
        layout: str, why: str,
    ) -> Instruction | Refusal:  # fmt: skip
        """The instruction, where what is shown holds all quotes."""
        report = Report(
            report_id=self.trial.nct_id,
            title=self.trial.title,
            passages=text.passages,
            source=self.of.source,
            licence=self.of.licence,
            studies=(f"nct:{self.trial.nct_id}", *self.papers),
            full_text=False,
            year=self.of.year,
        )
        shown = show(report, task, words, _quotes(answer), self.reading)
        if shown is None:
            return self._refused(task, CUT_AWAY, why)
        about = About(
            source=report.source,
            licence=report.licence,
            how=f"registry-text-{task}-{layout}",
            studies=report.studies,
            year=report.year,
            evidence=(f"{self.trial.nct_id}: {why}",),
        )
        return instruction(task, kind(**report.asked(shown.passages), **more), answer, about)

    def _refused(self, task: str, why: str, what: str = "") -> Refusal:
        return Refusal(task, self.of.source, why, f"{self.trial.nct_id} {what}".strip())


def _quotes(answer: Any) -> list[str]:
    """The quotes of an answer of one of the four tasks."""
    listed = next(getattr(answer, name) for name in ("arms", "values", "cells") if hasattr(answer, name))
    return [item.quote for item in listed]


def _not_there(posted: Sequence[Posted], text: Text) -> str:
    """Why the quotes do not bear the numbers out; empty where they do."""
    for one in posted:
        quote = text.quotes.get(one.leaf.path, "")
        if not all(holds_number(quote, number) for number in one.numbers):
            return NOT_IN_TEXT
    return ""


def _asked(outcome: PostedOutcome, chance: random.Random, near: bool) -> OutcomeMeasure:
    """The outcome as a question words it: all that is known of it, or less where no other is like it."""
    described = outcome.description.text if outcome.description else ""
    frame = outcome.time_frame.text if outcome.time_frame else ""
    return OutcomeMeasure(
        title=outcome.name,
        description=described if near or chance.random() < 0.5 else "",
        time_frame=frame if near or chance.random() < 0.7 else "",
    )


def _described(group: Group, chance: random.Random) -> str:
    return group.description.text if group.description and chance.random() < 0.5 else ""
