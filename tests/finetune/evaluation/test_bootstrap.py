"""Intervals over clusters: by hand, and against properties."""

import numpy as np
import pytest

from finetune.evaluation.bootstrap import MacroF1, Mean, compared, estimated
from finetune.evaluation.sheet import Key, Sheet, markdown, shown

HOW = {"resamples": 500, "seed": 1}


def _means(**clusters: tuple[float, float]) -> dict[str, np.ndarray]:
    return {name: np.array(parts, dtype=float) for name, parts in clusters.items()}


def test_a_mean_counts_observations_and_not_clusters() -> None:
    """Three of four right in one study, none of one in another: 3 of 5."""
    found = estimated(_means(a=(3, 4), b=(0, 1)), Mean(), **HOW)
    assert (found.value, found.n, found.clusters) == (0.6, 5, 2)


def test_two_clusters_are_drawn_in_three_ways() -> None:
    """Both a (1), both b (0), or one of each (0.5): the interval's ends are the extremes, each drawn in a quarter."""
    found = estimated(_means(a=(1, 1), b=(0, 1)), Mean(), **HOW)
    assert (found.low, found.high) == (0.0, 1.0)


def test_one_cluster_has_no_interval() -> None:
    found = estimated(_means(a=(30, 100)), Mean(), **HOW)
    assert (found.value, found.low, found.high) == (0.3, None, None)


def test_rows_of_one_study_do_not_narrow_the_interval() -> None:
    """A hundred rows in four studies that agree within are no more than four observations."""
    apart = {f"s{n}": np.array([n % 2, 1.0]) for n in range(100)}
    together = {f"s{n}": np.array([25.0 * (n % 2), 25.0]) for n in range(4)}
    narrow, wide = (estimated(parts, Mean(), **HOW) for parts in (apart, together))
    assert narrow.value == wide.value == 0.5
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)  # type: ignore[operator]


def test_the_same_seed_gives_the_same_interval_in_any_order() -> None:
    parts = {f"s{n}": np.array([n**0.5, 1.0]) for n in range(30)}
    again = dict(reversed(parts.items()))
    assert estimated(parts, Mean(), **HOW) == estimated(again, Mean(), **HOW)
    assert estimated(parts, Mean(), resamples=500, seed=2).low != estimated(parts, Mean(), **HOW).low


def test_a_paired_difference_is_sharper_than_two_intervals() -> None:
    """The second engine is right wherever the first is, and once more in each study: the difference is certain."""
    first = {f"s{n}": np.array([n % 9, 10.0]) for n in range(40)}
    better = {name: parts + np.array([1.0, 0.0]) for name, parts in first.items()}
    found = compared(first, better, Mean(), **HOW)
    assert found.value == pytest.approx(0.1)
    assert found.low == pytest.approx(0.1)
    assert found.high == pytest.approx(0.1)


def test_an_undefined_figure_is_none() -> None:
    found = estimated(_means(a=(0, 0), b=(0, 0)), Mean(), **HOW)
    assert (found.value, found.n) == (None, 0)
    assert estimated({}, Mean(), **HOW).value is None


def test_macro_f1_by_hand() -> None:
    """YES: 2 true, 1 found, 0 wrongly: F1 2/3. NO: 1 true, found, 1 wrongly: F1 2/3. MAYBE is never true: no part."""
    statistic = MacroF1(("YES", "NO", "MAYBE"))
    parts = sum(statistic.parts(*told) for told in (("YES", "YES"), ("YES", "NO"), ("NO", "NO")))
    assert estimated({"a": parts}, statistic, **HOW).value == pytest.approx(2 / 3)  # type: ignore[dict-item]


def test_no_usable_answer_costs_recall() -> None:
    statistic = MacroF1(("YES", "NO"))
    parts = statistic.parts("YES", None) + statistic.parts("YES", "YES")
    assert estimated({"a": parts}, statistic, **HOW).value == pytest.approx(2 * 1 / (2 + 1))


def test_no_usable_answer_is_no_better_than_the_worst_answer() -> None:
    statistic = MacroF1(("YES", "NO", "MAYBE"))
    others = [("YES", "YES"), ("NO", "NO"), ("NO", "NO"), ("MAYBE", "MAYBE"), ("MAYBE", "YES")]
    known = sum(statistic.parts(*told) for told in others)

    def value(said: str | None) -> float:
        found = estimated({"a": known + statistic.parts("YES", said)}, statistic, **HOW).value
        assert found is not None
        return found

    assert value(None) <= min(value("NO"), value("MAYBE"))
    assert value(None) > 0


# Sheet -------------------------------------------------------------------------------------------


def test_a_sheet_shows_engines_side_by_side_with_the_difference_to_the_first() -> None:
    sheet = Sheet(["old", "new"], resamples=200)
    key = Key("t", "arms", "arm: cosine")
    for n in range(4):
        sheet.mean(key, "old", f"s{n}", 0, 1)
        sheet.mean(key, "new", f"s{n}", 1, 1)
    old, new = sheet.rows()
    assert (old["value"], old["n"], old["clusters"]) == (0.0, 4, 4)
    assert (new["difference"], new["difference_low"]) == (1.0, 1.0)
    assert "difference" not in old
    table = markdown([old, new], ["old", "new"])
    assert "new − old" in table
    assert "| arms | arm: cosine | 4 | 4" in table
    assert "+1.000 [+1.000" not in table
    assert "+1.000 [1.000, 1.000]" in table


def test_what_is_undefined_is_a_dash() -> None:
    assert shown({"value": None, "low": None, "high": None}) == "–"
    assert shown({}, "difference") == "–"
