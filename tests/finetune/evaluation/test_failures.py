"""Each kind of mistake, by a case that is plainly of that kind; and that the order of the rules decides."""

import pytest

from finetune.evaluation.cells import Cell
from finetune.evaluation.failures import CATEGORIES, misses_of, report_of, sorted_miss
from finetune.evaluation.matching import Likeness
from model.embedding import NoEmbedder

TEXT = (
    "Of 40 adults on snail syrup 12 slept (30.0%), of 38 on water 5 did. Mean age was 54.2 (SD 8.0) years. "
    "Nights were counted by cats."
)


def _number(truth: str | None, said: str | None, **more: object) -> Cell:
    told = {
        "task": "results",
        "example_id": "x",
        "cluster": "c",
        "slot": "v",
        "name": "number",
        "kind": "number",
    }
    return Cell(**{**told, "truth": truth, "said": said, "text": TEXT, **more})  # type: ignore[arg-type]


def _text(truth: str | None, said: str | None, **more: object) -> Cell:
    return _number(truth, said, **({"name": "text", "kind": "text"} | more))


def _label(truth: str, said: str | None, quote: str, **more: object) -> Cell:
    told = {"task": "screen", "name": "criterion", "kind": "label", "truth_quote": "adults on snail syrup"}
    return _number(truth, said, **(told | {"said_quote": quote} | more))


CASES = [
    ("format", _number("12", None, failed="malformed")),
    ("format", _number("12", None, failed="truncated")),
    ("not answered", _number("12", None, failed="too_long")),
    ("not answered", _number("12", None, failed="timeout")),
    ("abstained wrongly", _number("12", None)),
    ("missing context", _number("77", None)),
    ("abstained wrongly", _number("77", None, truth_quote="5 did")),
    ("unit confusion", _number("12", "1200")),
    ("unit confusion", _number("12", "0.012")),
    ("unit confusion", _number("54.2", "1.039", unit="weeks", said_unit="years")),
    ("unit confusion", _number("52", "364", unit="weeks", said_unit="days")),
    ("unit confusion", _number("8.0", "1.265", name="spread", total=40)),
    ("calculation error", _number("12", "30", total=40)),
    ("calculation error", _number("12", "28", total=40)),
    ("calculation error", _number("30", "12", total=40, unit="%")),
    ("calculation error", _number("30", "70", unit="%")),
    ("calculation error", _number("12", "7", others=(12.0, 5.0))),
    ("calculation error", _number("12", "17", others=(12.0, 5.0))),
    ("hallucination", _number("12", "99")),
    ("wrong place", _number("12", "5")),
    ("wrong place", _number(None, "5")),
    ("hallucination", _number(None, "99")),
    ("missing context", _number("77", "5")),
    ("abstained wrongly", _text("counted by cats", None)),
    ("missing context", _text("hospital in Norland", None)),
    ("hallucination", _text("counted by cats", "weighed by elephants twice")),
    ("wrong place", _text("counted by cats", "adults on snail syrup")),
    ("missing context", _text("hospital in Norland", "counted by cats")),
    ("in part", _text("counted by cats", "counted by elephants twice")),
    ("unit confusion", _text("participants", "percent", slot="unit")),
    ("unit confusion", _text("Standard Deviation", "Standard Error", slot="dispersion_type")),
    ("misread", _text("MEAN", "MEDIAN", slot="param_type")),
    ("hallucination", _text(None, "weighed by elephants twice")),
    ("wrong place", _text(None, "counted by cats")),
    ("abstained wrongly", _label("YES", "UNCERTAIN", "")),
    ("missing context", _label("YES", "UNCERTAIN", "", truth_quote="no such words here")),
    ("misread", _label("YES", "NO", "adults on snail syrup")),
    ("misread", _label("YES", "NO", "counted by cats")),
    ("unsupported label", _label("YES", "NO", "children with a cold")),
    ("unsupported label", _label("UNCERTAIN", "YES", "")),
    ("misread", _label("supported", "unsupported", "", task="rationale")),
]  # fmt: skip


@pytest.mark.parametrize(("category", "cell"), CASES)
def test_each_kind(category: str, cell: Cell) -> None:
    assert sorted_miss(cell)[0] == category


def test_every_kind_has_a_case() -> None:
    assert {category for category, _ in CASES} == set(CATEGORIES)


def test_a_number_that_stands_elsewhere_is_not_called_a_sum() -> None:
    """38 is 12 + 26, and stands in the text as the size of the other group."""
    assert sorted_miss(_number("12", "38", others=(12.0, 26.0)))[0] == "wrong place"


def test_the_report_counts_and_shows_five_of_each() -> None:
    likeness = Likeness(NoEmbedder())
    right = _number("12", "12.0")
    wrong = [_number("12", str(n)) for n in range(91, 100)]
    told = report_of(misses_of([right, *wrong, _number("12", None, failed="malformed")], likeness))
    assert told["misses"] == 10
    assert told["by_category"] == {"format": 1, "hallucination": 9}
    assert told["by_task"] == {"results": {"format": 1, "hallucination": 9}}
    assert len(told["examples"]["hallucination"]) == 5
    first = told["examples"]["hallucination"][0]
    assert (first["right"], first["said"], first["example_id"]) == ("12", "91", "x")
    assert first["why"]


def test_what_follows_from_another_miss_is_not_counted_again() -> None:
    """Without the value there is no spread to tell; beside a value that was told, a lacking spread is a miss."""
    likeness = Likeness(NoEmbedder())
    silent = [_number("12", None), _number("8.0", None, name="spread", main=False)]
    assert [miss.cell.name for miss in misses_of(silent, likeness)] == ["number"]
    spoke = [_number("12", "12"), _number("8.0", None, name="spread", main=False)]
    assert [miss.cell.name for miss in misses_of(spoke, likeness)] == ["spread"]
    failed = [_number("12", None, failed="malformed"), _number("8.0", None, main=False, failed="malformed")]
    assert len(misses_of(failed, likeness)) == 1


def test_a_rationale_without_a_usable_answer_is_a_miss() -> None:
    from dataclasses import replace

    cell = replace(_number("x", None, main=False, failed="malformed"), task="rationale", kind="label")
    assert [miss.category for miss in misses_of([cell], Likeness(NoEmbedder()))] == ["format"]


def test_long_texts_are_cut_in_examples_only() -> None:
    long = _text("counted by cats", "elephants " * 100)
    told = report_of([*misses_of([long], Likeness(_Far()))])
    assert len(told["examples"]["hallucination"][0]["said"]) == 300


class _Far:
    """No text is like another."""

    name = "far"

    def encode(self, texts):  # type: ignore[no-untyped-def]
        import numpy as np

        return np.eye(len(texts), 8, dtype=np.float32)
