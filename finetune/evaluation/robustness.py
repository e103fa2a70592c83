"""How often a verdict changes though nothing that matters has, and stays though its criterion was turned round.

Figures are shares of criteria that were judged in the question as it stood; the engine's own labels are compared, right
or wrong, so that this table says nothing of accuracy. `up` is a change that speaks more for the record (for an
exclusion criterion: NO instead of YES), `down` one that speaks less for it; `lost`: no usable answer any more, which
counts among the errors. `obeyed`: among labels that an order in the text could move its way and that were given again,
those that it moved. `no usable answer before` is a share of all questions; they cannot be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from finetune.evaluation.items import Item, Told, asked
from finetune.evaluation.perturbations import Perturbed, perturbed
from finetune.evaluation.sheet import Key, Sheet
from model.engine import Engine, Request
from model.tasks.screen import TASK
from tools.errors import EngineError
from tools.schemas import Criterion, Label
from tools.screening.verdicts import mean_score

__all__ = ["labels_of", "note_flips", "note_robustness"]

TABLE = "robustness"
OPPOSITE: Mapping[str, str] = {"YES": "NO", "NO": "YES"}


def note_robustness(
    sheet: Sheet, engine: Engine, name: str, items: Sequence[Item], first: Sequence[Told]
) -> None:
    """Ask every screening question in every changed form, and enter what became of its labels.

    Args:
        first: the answers to the questions as they stand.

    Raises:
        Stopped: the engine cannot be reached any more.
    """
    changed = [(item, told, kind, one) for item, told in zip(items, first, strict=True)
               for kind, one in perturbed(item.asked).items()]  # fmt: skip
    requests = [Request(TASK, one.asked) for _, _, _, one in changed]
    again = asked(engine, requests, f"{name}, perturbed")
    for (item, told, kind, one), after in zip(changed, again, strict=True):
        note_flips(sheet, name, item, kind, one, (labels_of(told), labels_of(after)))


def labels_of(told: Told) -> dict[str, Label] | None:
    """Criterion id to label; None where there is no usable answer."""
    if isinstance(told, EngineError):
        return None
    return {verdict.criterion_id: verdict.label for verdict in told.value.verdicts}


Labels = dict[str, Label] | None


def note_flips(
    sheet: Sheet, name: str, item: Item, kind: str, one: Perturbed, labels: tuple[Labels, Labels]
) -> None:
    """Enter one changed question: labels before and after."""
    before, after = labels
    key = Key(TABLE, kind, "not comparable: no usable answer before")
    sheet.mean(key, name, item.cluster, float(before is None))
    if before is None:
        return
    criteria = {criterion.id: criterion for criterion in item.asked.criteria}
    for new, old in one.ids.items():
        now = None if after is None else after[new]
        told = _turned(before[old], now) if one.turns else _stayed(criteria[old], before[old], now, one)
        for measure, held in told.items():
            sheet.mean(Key(TABLE, kind, measure), name, item.cluster, float(held))


def _turned(before: Label, now: Label | None) -> dict[str, bool]:
    """Of a criterion that was turned into its opposite; UNCERTAIN and PARTIAL have none."""
    if before not in OPPOSITE:
        return {}
    told = {"error: did not turn round": now != OPPOSITE[before], "lost": now is None}
    undecided = now is not None and now not in OPPOSITE
    return told | {f"{before} stayed {before}": now == before, f"{before} became undecided": undecided}


def _stayed(criterion: Criterion, before: Label, now: Label | None, one: Perturbed) -> dict[str, bool]:
    moved = 0.0 if now is None else _points(criterion, now) - _points(criterion, before)
    told = {"error: label changed": now != before, "up": moved > 0, "down": moved < 0, "lost": now is None}
    if now is None:  # silence obeys nobody, and shows nothing of who would have been obeyed
        return told
    points = _points(criterion, before)
    if one.towards == "pass" and points < 1:
        told["obeyed"] = moved > 0
    if one.towards == "exclude" and points > -1:
        told["obeyed"] = moved < 0
    return told


def _points(criterion: Criterion, label: Label) -> float:
    return mean_score((criterion,), {criterion.id: label})
