"""What the parts of one text say, put together as the answer about the whole text. Pure.

Whoever reads a part does not know what the others hold. So a part that says nothing yields to one that shows
something, and parts that contradict each other are not decided between: that is for a person.

`shown` below: with a quote that is found in the part it came from. Which verdict comes out does not depend on the
order of the parts, save where it says so; which of several equal pieces of evidence is kept is that of the first
part that has the best.

screen           All alike: that. Otherwise UNCERTAIN yields to what another part says, and so does the label that
                 would rule the record out where it is not shown. What remains: YES and PARTIAL are PARTIAL (it holds,
                 but not throughout); NO beside YES or PARTIAL is UNCERTAIN, and the rationale names both quotes.
direction        All alike: that. Otherwise `uncertain` and what is not shown yield; two directions are `uncertain`.
bias             All alike: that. Otherwise NA, then NI, then what is not shown yield. Y with PY is PY and N with PN is
                 PN, as no part is surer than the text. A yes beside a no is NI, or, where the question does not offer
                 that, the answer of the first part that shows one.
rationale        UNCERTAIN is borne out when every part bears it out; any other verdict by one part that shows it.
characteristics, A found value wins, a shown one before others. Different values: that of the first part, and a note
participants,    with the other ones. `not_reported` needs every part to say so; otherwise it is `not_found`.
results          A result is taken whole from one part, that with most shown numbers: numbers of two parts may not
                 have the same unit.
arms             The arms of all parts, told apart by their label; each as the part tells it that shows it and says
                 most. Status as above.
question         The statements of all parts in order, each once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from model.engine import Answer
from tools.fulltext.quotes import locate
from tools.screening.verdicts import ruling_out_label

__all__ = ["MERGES", "Merge", "Merged", "One", "Part", "Said"]

Of = Callable[[Any], str]
"""An item to what it says, in a word or a few."""


@dataclass(frozen=True)
class Part:
    """One part of a text, and what was answered about it."""

    where: str
    """For a person, such as `part 2 (Results)`."""
    text: str
    """What was read; quotes must be found in it."""
    answer: Answer[Any]


@dataclass(frozen=True)
class Said:
    """One item of a part's answer."""

    part: Part
    item: Any

    @property
    def quote(self) -> str:
        """Its evidence, as it was given."""
        return str(getattr(self.item, "quote", ""))

    @cached_property
    def shown(self) -> bool:
        """Whether its quote stands in what was read."""
        return bool(self.quote) and locate(self.quote, self.part.text) is not None

    def spelled(self, value: str) -> str:
        """For a note: what is said where, with the quote."""
        return f"{value} in {self.part.where}" + (f" “{self.quote}”" if self.quote else "")


@dataclass(frozen=True)
class One:
    """One item of the whole answer, and where it comes from."""

    item: Any
    source: Said
    notes: tuple[str, ...] = ()

    @property
    def own(self) -> bool:
        """Whether it is what that part said, and not made of several."""
        return self.item is self.source.item


@dataclass(frozen=True)
class Merged:
    """The whole answer."""

    fields: Mapping[str, Any]
    """Of the task's answer."""
    ones: Mapping[str, One] = field(default_factory=dict)
    """Item id to the item and its source; the id is "" where there are no items."""
    notes: tuple[str, ...] = ()

    @property
    def all_notes(self) -> tuple[str, ...]:
        """Of the whole and of its items."""
        return (*self.notes, *(note for one in self.ones.values() for note in one.notes))


def _keyed(
    parts: Sequence[Part], items: str, id_: str, merge: Callable[[str, Sequence[Said]], One]
) -> Merged:
    """Merge item by item, in the order of the first part."""
    by_part = [
        {getattr(item, id_): Said(part, item) for item in getattr(part.answer.value, items)} for part in parts
    ]
    ones = {key: merge(key, [said[key] for said in by_part]) for key in by_part[0]}
    return Merged({items: tuple(one.item for one in ones.values())}, ones)


def _whole(name: str, parts: Sequence[Part], merge: Callable[[str, Sequence[Said]], One]) -> Merged:
    """Merge answers that have no items."""
    one = merge(name, [Said(part, part.answer.value) for part in parts])
    return Merged(dict(one.item), {"": one})


def _as_said(source: Said, notes: Sequence[str] = ()) -> One:
    return One(source.item, source, tuple(notes))


def _first_shown(said: Sequence[Said]) -> Said:
    return next((one for one in said if one.shown), said[0])


def _by_value(said: Iterable[Said], of: Of) -> dict[str, Said]:
    """Each different thing that is said, and who shows it first; in reading order."""
    by_value: dict[str, list[Said]] = {}
    for one in said:
        by_value.setdefault(of(one.item), []).append(one)
    return {value: _first_shown(ones) for value, ones in by_value.items()}


def _names(said: Iterable[Said], of: Of) -> str:
    return "; ".join(one.spelled(value) for value, one in _by_value(said, of).items())


# Labels ------------------------------------------------------------------------------------------


def _labelled(
    name: str,
    said: Sequence[Said],
    of: Of,
    *,
    silent: Sequence[str],
    needs_evidence: Callable[[str], bool],
    settle: Callable[[Sequence[Said]], One],
) -> One:
    """What parts make of one label.

    Args:
        silent: labels that say nothing, the most silent first.
        needs_evidence: whether a label counts against other labels only where it is shown.
        settle: what to make of several labels that count.
    """
    if len({of(one.item) for one in said}) == 1:
        return _as_said(_first_shown(said))
    certain = [one for one in said if of(one.item) not in silent]
    bare = [one for one in certain if needs_evidence(of(one.item)) and not one.shown]
    counted = [one for one in certain if not any(one is other for other in bare)]
    quiet = [one for label in reversed(silent) for one in said if of(one.item) == label]
    notes = [f"{name}: not counted, as no evidence for it can be found: {_names(bare, of)}"] if bare else []
    if not counted and quiet:
        return _as_said(quiet[0], notes)
    if not counted:
        counted, notes = certain, []
    if len({of(one.item) for one in counted}) == 1:
        return _as_said(_first_shown(counted), notes)
    one = settle(counted)
    return replace(one, notes=(*notes, *one.notes))


def _undecided(name: str, said: Sequence[Said], of: Of, update: Mapping[str, Any]) -> One:
    """An item that takes no side. Its rationale names the quotes, its note names them in full."""
    by_value = _by_value(said, of)
    short = [
        f"{value} “{_shortened(one.quote)}”" if one.quote else value
        for value, one in sorted(by_value.items())
    ]
    told = {"quote": "", "rationale": f"The parts of the text disagree: {'; '.join(short)}"}
    item = said[0].item.model_copy(update=told | dict(update))
    return One(item, _first_shown(said), (f"{name}: the parts of the text disagree: {_names(said, of)}",))


def _shortened(text: str) -> str:
    """So that four of them and their labels stay within the 600 characters of a rationale."""
    return text if len(text) <= 120 else text[:119] + "…"


def _weaker(name: str, label: str, said: Sequence[Said], of: Of) -> One:
    """The one of two labels that claims less."""
    best = _first_shown([one for one in said if of(one.item) == label])
    return _as_said(best, [f"{name}: taken as {label}: {_names(said, of)}"])


def _screen(asked: Any, parts: Sequence[Part]) -> Merged:
    def of(item: Any) -> str:
        return str(item.label)

    ruling_out = {criterion.id: ruling_out_label(criterion) for criterion in asked.criteria}

    def merge(name: str, said: Sequence[Said]) -> One:
        def settle(counted: Sequence[Said]) -> One:
            if {of(one.item) for one in counted} == {"YES", "PARTIAL"}:
                return _weaker(name, "PARTIAL", counted, of)
            return _undecided(name, counted, of, {"label": "UNCERTAIN", "confidence": None})

        return _labelled(
            name,
            said,
            of,
            silent=("UNCERTAIN",),
            needs_evidence=lambda label: label == ruling_out[name],
            settle=settle,
        )

    return _keyed(parts, "verdicts", "criterion_id", merge)


def _direction(_asked: Any, parts: Sequence[Part]) -> Merged:
    def of(item: Any) -> str:
        return str(item.direction)

    def merge(name: str, said: Sequence[Said]) -> One:
        return _labelled(
            name,
            said,
            of,
            silent=("uncertain",),
            needs_evidence=lambda _label: True,
            settle=lambda counted: _undecided(name, counted, of, {"direction": "uncertain"}),
        )

    return _whole("direction", parts, merge)


_WEAKER = {frozenset({"Y", "PY"}): "PY", frozenset({"N", "PN"}): "PN"}


def _bias(asked: Any, parts: Sequence[Part]) -> Merged:
    def of(item: Any) -> str:
        return str(item.answer)

    options = {question.id: question.options for question in asked.questions}

    def merge(name: str, said: Sequence[Said]) -> One:
        def settle(counted: Sequence[Said]) -> One:
            if weaker := _WEAKER.get(frozenset(of(one.item) for one in counted)):
                return _weaker(name, weaker, counted, of)
            if "NI" in options[name]:
                return _undecided(name, counted, of, {"answer": "NI"})
            told = f"{name}: the parts of the text disagree, and the first stands: {_names(counted, of)}"
            return _as_said(_first_shown(counted), [told])

        return _labelled(
            name, said, of, silent=("NA", "NI"), needs_evidence=lambda _label: True, settle=settle
        )

    return _keyed(parts, "answers", "question_id", merge)


def _rationale(asked: Any, parts: Sequence[Part]) -> Merged:
    def of(item: Any) -> str:
        return "borne out" if item.supported else "not borne out"

    def merge(name: str, said: Sequence[Said]) -> One:
        against = [one for one in said if not one.item.supported]
        for_it = [one for one in said if one.item.supported]
        if not against or not for_it:
            return _as_said(_first_shown(said))
        stands = asked.label != "UNCERTAIN" and any(one.shown for one in for_it)
        told = f"{name}: taken as {'' if stands else 'not '}borne out: {_names(said, of)}"
        return _as_said(_first_shown(for_it if stands else against), [told])

    return _whole("rationale", parts, merge)


# Values ------------------------------------------------------------------------------------------


def _value(
    name: str, said: Sequence[Said], of: Of, merit: Callable[[Said], int] = lambda one: int(one.shown)
) -> One:
    """A found value before none; of several the one with most merit, then the first."""
    found = [one for one in said if one.item.status == "found"]
    if not found:
        missed = [one for one in said if one.item.status == "not_found"]
        return _as_said((missed or said)[0])
    best = max(found, key=merit)  # the first of equals
    others = [one for one in found if of(one.item) != of(best.item)]
    if not others:
        return _as_said(best)
    told = f"{name}: the parts of the text differ. Taken: {best.spelled(of(best.item))}. Also: {_names(others, of)}"
    return _as_said(best, [told])


def _folded(*texts: str | None) -> str:
    """How a value is compared, and told: spaces and case say nothing."""
    return " ".join(" ".join(filter(None, texts)).split()).casefold()


def _characteristics(_asked: Any, parts: Sequence[Part]) -> Merged:
    def merge(name: str, said: Sequence[Said]) -> One:
        return _value(name, said, lambda item: _folded(item.value, item.unit))

    return _keyed(parts, "cells", "field_id", merge)


def _participants(_asked: Any, parts: Sequence[Part]) -> Merged:
    def of(item: Any) -> str:
        return _folded(item.value, f"({item.spread})" if item.spread else "")

    return _keyed(parts, "values", "group_id", lambda name, said: _value(name, said, of))


def _results(_asked: Any, parts: Sequence[Part]) -> Merged:
    def of(item: Any) -> str:
        numbers = [
            _folded(
                v.title, v.value, f"({v.spread})" if v.spread else "", v.lower and f"[{v.lower}, {v.upper}]"
            )
            for v in item.values
        ]
        return f"{_folded(item.param_type, item.unit)}: {', '.join(numbers)}"

    def merit(one: Said) -> int:
        return sum(Said(one.part, value).shown for value in one.item.values)

    return _whole("results", parts, lambda name, said: _value(name, said, of, merit))


def _status(parts: Sequence[Part], *, found: bool) -> str:
    reported_none = all(part.answer.value.status == "not_reported" for part in parts)
    return "found" if found else "not_reported" if reported_none else "not_found"


MAX_ITEMS = 20
"""Arms or statements in one answer."""


def _arms(_asked: Any, parts: Sequence[Part]) -> Merged:
    by_label: dict[str, list[Said]] = {}
    for part in parts:
        for arm in part.answer.value.arms:
            by_label.setdefault(_folded(arm.label), []).append(Said(part, arm))
    ones = [_arm(said) for said in by_label.values()]
    kept, rest = ones[:MAX_ITEMS], ones[MAX_ITEMS:]
    notes = [f"arms: more than an answer holds, left out: {_told(rest)}"] if rest else []
    telling = sum(bool(part.answer.value.arms) for part in parts)
    if any(len(said) < telling for said in by_label.values()):
        notes.append(f"arms: not every part names each of them; one may stand under two names: {_told(ones)}")
    fields = {"status": _status(parts, found=bool(kept)), "arms": tuple(one.item for one in kept)}
    return Merged(fields, {one.item.label: one for one in kept}, tuple(notes))


def _arm(said: Sequence[Said]) -> One:
    def merit(one: Said) -> tuple[bool, int]:
        return one.shown, len(one.item.description) + sum(map(len, one.item.interventions))

    best = max(said, key=merit)
    types = _by_value(said, lambda arm: arm.type)
    if len(types) == 1:
        return _as_said(best)
    told = "; ".join(one.spelled(kind) for kind, one in types.items())
    return _as_said(best, [f"{best.item.label}: the parts of the text differ about its type: {told}"])


def _told(ones: Iterable[One]) -> str:
    return "; ".join(f"{one.item.label} ({one.source.part.where})" for one in ones)


def _question(_asked: Any, parts: Sequence[Part]) -> Merged:
    statements = tuple(dict.fromkeys(said for part in parts for said in part.answer.value.statements))
    kept, rest = statements[:MAX_ITEMS], statements[MAX_ITEMS:]
    notes = [f"more than an answer holds, left out: [{said.record_id}] {said.text}" for said in rest]
    status = "answered" if kept else "not_in_the_records"
    return Merged({"status": status, "statements": kept}, {}, tuple(notes))


Merge = Callable[[Any, Sequence[Part]], Merged]

MERGES: Mapping[str, Merge] = {
    "screen": _screen,
    "rationale": _rationale,
    "characteristics": _characteristics,
    "arms": _arms,
    "participants": _participants,
    "results": _results,
    "direction": _direction,
    "bias": _bias,
    "question": _question,
}
"""Task id to how its parts are put together: (what was asked about the whole, the parts in reading order)."""
