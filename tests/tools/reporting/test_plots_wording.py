"""Numbers, statements and axes of plots, by hand and by property; and real analyses, all readable."""

import csv
import gzip
import math
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.reporting.analyses import bcg, effects, events, means, plot, pooled
from tests.tools.reporting.test_plots_forest import assert_readable
from tools.reporting.plots.fonts import clean, printable, text_width, wrapped
from tools.reporting.plots.forest import drawing
from tools.reporting.plots.scale import scale_for
from tools.reporting.plots.wording import (
    amount,
    count,
    decimals_for,
    decimals_of,
    heterogeneity,
    interval,
    overall_test,
    p_value,
)
from tools.synthesis.values import Effect, StudyData


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (0.5, "P = 0.50"),
        (0.0123, "P = 0.01"),
        (0.00456, "P = 0.005"),
        (0.00034, "P = 0.0003"),
        (0.00005, "P < 0.0001"),
        (1e-9, "P < 0.00001"),
        (1.0, "P = 1.00"),
        (0.0, "P < 0.00001"),
    ],
)
def test_p_values_as_forest_plots_print_them(p: float, said: str) -> None:
    assert p_value(p) == said


@pytest.mark.parametrize(
    ("value", "decimals", "said"),
    [
        (-0.004, 2, "0.00"),
        (-1.5, 1, "−1.5"),
        (math.inf, 2, "∞"),
        (-math.inf, 2, "−∞"),
        (12345678.0, 2, "1.2e+07"),
    ],
)
def test_amounts_have_a_true_minus_and_no_negative_zero(value: float, decimals: int, said: str) -> None:
    assert amount(value, decimals) == said


@pytest.mark.parametrize(
    ("y", "lower", "upper", "measure", "said"),
    [
        (math.log(0.5), math.log(0.25), math.log(1), "RR", "0.50 [0.25, 1.00]"),
        (math.log(0.002), math.log(0.0001), math.log(2), "OR", "0.002 [0.0001, 2.00]"),
        (0.0, -800.0, 800.0, "OR", "1.00 [0.00, ∞]"),
        (0.0, -2.0, 2.0, "PROPORTION", "0.50 [0.12, 0.88]"),
        (None, -1.0, 2.5, "MD", "[−1.00, 2.50]"),
    ],
)
def test_intervals_are_in_natural_units(y, lower, upper, measure, said) -> None:
    assert interval(y, lower, upper, measure) == said


def test_columns_have_the_decimals_of_their_data() -> None:
    assert decimals_of([1, 2, 3]) == 0
    assert decimals_of([1.5, 2]) == 1
    assert decimals_of([1.25, 1 / 3]) == 2
    assert [count(v, 1) for v in (None, 3, -2.5)] == ["", "3.0", "−2.5"]
    assert [decimals_for("RD", [w]) for w in (0.2, 0.02, 0.002)] == [2, 3, 4]
    assert decimals_for("OR", [0.001]) == 2


def test_statements_of_the_pooling() -> None:
    one = pooled(bcg()[:1], model="common")
    assert heterogeneity(one) == "Heterogeneity: Not applicable"
    fixed = pooled(bcg(), model="common")
    assert heterogeneity(fixed).startswith("Heterogeneity: Chi² = 152.23, df = 12 (P < 0.00001); I² = 92%")
    assert (
        overall_test(pooled(bcg(), interval="hksj"))
        == "Test for overall effect: t = 3.95, df = 12 (P = 0.002)"
    )
    share = effects("PROPORTION", events("Ash", 3, 40, 9, 41), events("Elm", 6, 50, 9, 51))
    assert overall_test(pooled(share)) == "", "no proportion means no effect"


# Axes --------------------------------------------------------------------------------------------

places = st.floats(-6, 6)


@settings(deadline=None)
@given(
    st.lists(places, min_size=1, max_size=20),
    st.lists(places, max_size=40),
    st.sampled_from(["OR", "MD", "RD"]),
)
def test_an_axis_shows_what_must_be_seen_and_has_no_effect_in_the_middle(needed, wanted, measure) -> None:
    scale = scale_for(measure, needed, wanted, 100, 300)
    assert all(scale.shows(v) for v in needed)
    assert scale.x(0) == pytest.approx(200)
    ticks = [v for v, _ in scale.ticks]
    assert ticks == sorted(ticks)
    assert all(scale.low - 1e-9 <= v <= scale.high + 1e-9 for v in ticks)
    assert len({label for _, label in scale.ticks}) == len(ticks)


def test_ratios_are_as_far_from_one_as_their_inverse() -> None:
    scale = scale_for("RR", [math.log(0.3)], [], 0, 100)
    assert [label for _, label in scale.ticks] == ["0.2", "0.5", "1", "2", "5"]
    assert scale.x(math.log(0.5)) == pytest.approx(100 - scale.x(math.log(2)))


def test_one_endless_interval_does_not_squeeze_the_others() -> None:
    limits = [0.5, -0.5] * 20 + [9.0, -9.0]
    assert scale_for("OR", [0.2], limits, 0, 1).high == pytest.approx(math.log(2))
    assert scale_for("OR", [9.5], limits, 0, 1).shows(9.5) or math.log(1e6) < 9.5


def test_proportions_stay_between_nought_and_one() -> None:
    scale = scale_for("PROPORTION", [0.9], [0.99], 0, 1)
    assert (scale.low, scale.high) == (0, 1)


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9))
def test_means_need_no_zero_on_their_axis(values) -> None:
    scale = scale_for("MEAN", values, [], 0, 1)
    assert all(scale.low <= v <= scale.high for v in values)
    assert 2 <= len(scale.ticks) <= 9


# Letters -----------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.text(max_size=80), st.floats(30, 300))
def test_broken_lines_fit_and_keep_every_letter(text: str, width: float) -> None:
    lines = wrapped(text, width, 9, most=1000)
    assert "".join("".join(lines).split()) == "".join(clean(text).split())
    assert all(text_width(line, 9) <= width or len(line) == 1 for line in lines)


def test_what_is_too_long_says_that_it_goes_on() -> None:
    lines = wrapped("word " * 100, 60, 9, most=3)
    assert len(lines) == 3
    assert lines[-1].endswith("…")
    assert text_width(lines[-1], 9) <= 60


@settings(deadline=None)
@given(st.text(max_size=60))
def test_what_is_printed_has_a_glyph_for_every_letter(text: str) -> None:
    from matplotlib.ft2font import FT2Font

    from tools.reporting.plots.fonts import font_file

    font = FT2Font(font_file())
    assert all(font.get_char_index(ord(ch)) for ch in printable(clean(text)))


# Real analyses -----------------------------------------------------------------------------------


def _study(row: dict[str, str]) -> StudyData:
    n = {
        k: float(row[k])
        for k in row
        if k.startswith(("Experimental", "Control")) and row[k] not in ("", "NA")
    }
    label = row["Study"]
    if n.get("Experimental.SD", 0) > 0:
        arms = ((n[f"{a}.mean"], n[f"{a}.SD"], n[f"{a}.N"]) for a in ("Experimental", "Control"))
        return means(label, *arms)
    return events(label, *(n[f"{a}.{k}"] for a in ("Experimental", "Control") for k in ("cases", "N")))


@pytest.mark.shared
def test_plots_of_real_analyses_are_readable(shared_data: Path) -> None:
    """Three hundred analyses of Cochrane reviews, one to a hundred studies each."""
    groups: dict[tuple[str, ...], list[dict[str, str]]] = {}
    with gzip.open(shared_data / "meta_analysis" / "pairwise_effects.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            key = (row["dataset"], row["Analysis.group"], row["Analysis.number"])
            groups.setdefault(key, []).append(row)
    drawn = 0
    for rows in islice(groups.values(), 300):
        studies = [_study(r) for r in rows if float(r["Experimental.N"] or 0) > 0]
        kinds = {s.experimental.mean is None for s in studies if s.experimental}
        if len(kinds) != 1:
            continue
        lines = effects("RR" if kinds.pop() else "MD", *studies)
        overall = pooled(lines, model="common") if any(isinstance(x, Effect) for x in lines) else None
        assert_readable(drawing(plot(lines, overall=overall, title=rows[0]["Analysis.name"])))
        drawn += 1
    assert drawn > 250
