"""Forest plots: every number in its place, nothing overlaps, nothing is markup, same bytes each time."""

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tools.reporting.analyses import BCG, bcg, effects, events, means, plot, pooled, reported
from tools.reporting.plots.drawing import Disc, Drawing, Line, Shape, Text
from tools.reporting.plots.forest import ForestGroup, ForestPlot, StudyBias, drawing, forest
from tools.reporting.plots.forest_rows import rows
from tools.synthesis.values import Effect

SVG = "{http://www.w3.org/2000/svg}"
SQUARE, DIAMOND = "#2458a6", "#111111"


def texts(drawn: Drawing) -> list[str]:
    return [i.text for i in drawn.items if isinstance(i, Text)]


def squares(drawn: Drawing, colour: str = SQUARE) -> list[Shape]:
    return [i for i in drawn.items if isinstance(i, Shape) and i.fill == colour]


def middle(shape: Shape) -> tuple[float, float]:
    xs, ys = zip(*shape.points, strict=True)
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2


def side(shape: Shape) -> float:
    xs, _ = zip(*shape.points, strict=True)
    return max(xs) - min(xs)


def assert_readable(drawn: Drawing) -> None:
    """Texts stay on the page and clear of one another, by the measures of a wide font."""
    placed = [i for i in drawn.items if isinstance(i, Text)]
    boxes = [(t.left, t.y - t.size * 0.72, t.left + t.width, t.y + 1, t.text) for t in placed]
    for left, top, right, bottom, text in boxes:
        assert min(left, top) >= 0, text
        assert right <= drawn.width, text
        assert bottom <= drawn.height, text
    for i, (l1, t1, r1, b1, one) in enumerate(boxes):
        for l2, t2, r2, b2, other in boxes[i + 1 :]:
            assert r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1, f"{one!r} lies on {other!r}"


# Known answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "0.41 [0.13, 1.26]",  # metafor's forest plot of dat.bcg
        "1.56 [0.37, 6.53]",
        "5.1%",
        "10.2%",
        "191064",
        "166283",
        "1065",
        "1510",
        "0.49 [0.33, 0.73]",  # REML, Hartung-Knapp-Sidik-Jonkman
        "[0.14, 1.76]",  # prediction interval, t with k − 1 df
        "Heterogeneity: Tau² = 0.31 (REML, 95% CI 0.12 to 1.11); Chi² = 152.23, df = 12 (P < 0.00001); I² = 92%",
        "Test for overall effect: t = 3.95, df = 12 (P = 0.002)",
        "IV, Random, 95% CI",
        "Total (95% CI)",
        "Favours tea",
    ],
)
def test_the_bcg_trials_come_out_as_published(statement: str) -> None:
    lines = bcg()
    drawn = drawing(plot(overall=pooled(lines, interval="hksj", prediction="t_k_minus_1")))
    assert statement in texts(drawn)


def test_areas_of_squares_follow_the_weights_and_places_follow_the_effects() -> None:
    p = plot()
    drawn = drawing(p)
    found = squares(drawn)
    assert len(found) == 13
    assert p.overall is not None
    heaviest = max(p.overall.weights)
    for shape, weight in zip(found, p.overall.weights, strict=True):
        assert side(shape) ** 2 == pytest.approx(11**2 * weight / heaviest)
    # Linear in the logarithm: the same ratio is the same distance everywhere.
    xs = [middle(s)[0] for s in found]
    ys = [x.y for x in p.effects]
    steps = [(xs[i] - xs[0]) / (ys[i] - ys[0]) for i in range(1, 13)]
    assert steps == pytest.approx([steps[0]] * 12)


def test_the_diamond_ends_at_the_limits_of_the_pooled_effect() -> None:
    p = plot()
    drawn = drawing(p)
    (diamond,) = (s for s in squares(drawn, DIAMOND) if len(s.points) == 6)
    xs = sorted({round(x, 6) for x, _ in diamond.points})
    assert p.overall is not None
    expected = p.overall
    at = {middle(s)[0]: x.y for s, x in zip(squares(drawn), p.effects, strict=True)}
    (x1, y1), (x2, y2) = sorted(at.items())[0], sorted(at.items())[-1]
    to_y = [y1 + (x - x1) * (y2 - y1) / (x2 - x1) for x in xs]
    assert to_y == pytest.approx([expected.lower, expected.y, expected.upper], abs=1e-6)


def test_a_wide_interval_ends_in_an_arrow_and_its_numbers_stay_whole() -> None:
    lines = (*bcg(), *effects("RR", events("Wide 1999", 1, 900, 0, 900)))
    drawn = drawing(plot(lines))
    arrows = [s for s in squares(drawn, DIAMOND) if len(s.points) == 3]
    assert arrows
    assert any(t.startswith("3.00 [0.12, 73.") for t in texts(drawn))


def test_double_zero_studies_keep_their_row_and_say_why() -> None:
    lines = effects("OR", events("Ash 2001", 3, 40, 9, 41), events("Cedar 2010", 0, 33, 0, 31))
    drawn = drawing(plot(lines, overall=pooled(lines, model="common")))
    said = texts(drawn)
    assert said.count("Not estimable") == 1
    assert any(t.startswith("Not estimable: Cedar 2010. ") for t in said)
    assert len(squares(drawn)) == 1
    assert {"73", "72"} <= set(said), "its participants are in the totals, as its row is in the table"


def test_a_total_that_is_partly_unknown_is_left_out() -> None:
    lines = effects("OR", events("Ash 2001", 3, 40, 9, 41), reported("Fir 2018", 0.8, 0.6, 1.0666))
    total = next(r for r in rows(plot(lines)) if r.label.startswith("Total"))
    assert total.cells == ("", "", "", "")
    assert not any(r.label == "Total events" for r in rows(plot(lines)))


def test_unpooled_studies_have_no_diamond_and_no_weights() -> None:
    drawn = drawing(plot(overall=None))
    assert not [s for s in squares(drawn, DIAMOND) if len(s.points) == 6]
    assert "Weight" not in texts(drawn)
    assert "95% CI" in texts(drawn)
    assert len({round(side(s), 6) for s in squares(drawn)}) == 1


def test_subtotals_carry_the_share_of_their_studies() -> None:
    lines = bcg()
    groups = tuple(
        ForestGroup(name=name, lines=part, pooled=pooled(part))
        for name, part in (("Early", lines[:6]), ("Late", lines[6:]))
    )
    p = plot(groups=groups, subgroup_test="Test for subgroup differences: Chi² = 1.00, df = 1 (P = 0.32)")
    assert p.overall is not None
    early = math.fsum(p.overall.weights[:6])
    found = [r for r in rows(p) if r.label.startswith("Subtotal")]
    assert [r.weight for r in found] == [f"{early:.1f}%", f"{100 - early:.1f}%"]
    assert "Test for subgroup differences: Chi² = 1.00, df = 1 (P = 0.32)" in texts(drawing(p))


def test_one_study_has_no_heterogeneity() -> None:
    said = texts(drawing(plot(bcg()[:1], overall=pooled(bcg()[:1], model="common"))))
    assert "Heterogeneity: Not applicable" in said
    assert "IV, Fixed, 95% CI" in said


def test_continuous_data_keep_the_decimals_that_they_were_given_with() -> None:
    lines = effects(
        "MD", means("Ash", (-4.5, 6.25, 40), (-2, 7, 41)), means("Elm", (3, 0.02, 6), (2, 0.5, 6))
    )
    said = texts(drawing(plot(lines)))
    assert {"−4.5", "6.25", "0.02", "7.0"} <= set(said)
    assert {"Mean Difference", "SD"} <= set(said)


def test_tiny_risk_differences_are_not_rounded_to_nothing() -> None:
    said = texts(drawing(plot(bcg("RD"), overall=None)))
    assert "−0.0023 [−0.0046, 0.0000]" in said
    assert not any("-0" in t for t in said)


def test_risk_of_bias_stands_beside_its_study() -> None:
    bias = (StudyBias(study_id="Hart 1977", judgements=(("Randomisation", "low"), ("Deviations", "high"))),)
    drawn = drawing(plot(bias=bias))
    row = next(i for i in drawn.items if isinstance(i, Text) and i.text == "Hart 1977")
    discs = [i for i in drawn.items if isinstance(i, Disc) and abs(i.y - row.y) < 6]
    assert len(discs) == 2
    signs = [
        i.text
        for i in drawn.items
        if isinstance(i, Text) and i.x in {d.x for d in discs} and abs(i.y - row.y) < 6
    ]
    assert signs == ["+", "–"], "symbols tell them apart without colours"
    assert "(A) Randomisation" in texts(drawn)


def test_caveats_of_studies_and_of_the_pooling_stand_below() -> None:
    lines = effects("RR", events("Ash", 0, 40, 9, 41), events("Elm", 5, 50, 9, 51))
    p = plot(lines)
    assert p.overall is not None
    noted = p.overall.model_copy(update={"notes": ("Few studies.",)})
    said = texts(drawing(plot(lines, overall=noted)))
    assert any(t.startswith("Ash: 0.5 was added") for t in said)
    assert "Few studies." in said
    same = tuple(x.model_copy(update={"notes": ("as reported",)}) for x in lines)
    assert "All studies: as reported" in texts(drawing(plot(same)))


# Refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"groups": (ForestGroup(lines=()),), "overall": None}, "nothing to draw"),
        ({"measure": "OR"}, "draw them apart"),
        ({"groups": (ForestGroup(lines=bcg()[:5]),)}, "13 weights for 5 effects"),
        ({"bias": (StudyBias(study_id="x", judgements=(("D1", "purple"),)),)}, "unknown judgement 'purple'"),
    ],
)
def test_a_plot_that_would_mislead_is_refused(change: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        plot(**change)


def test_an_effect_that_is_no_number_is_refused() -> None:
    bad = bcg()[0].model_copy(update={"y": math.nan})
    with pytest.raises(ValueError, match="not finite"):
        plot((bad,), overall=None)


# Pictures ----------------------------------------------------------------------------------------

ODD = [
    "$\\alpha_1^2$ {x} \\frac{1}{2} & <script>alert(1)</script>",
    "\u202egpj.exe",
    "张伟 2019 中文",
    "دراسة سريرية 2020",
    "לוי 2018 😀 \x00\x1b",
    "a\nb\r\nc\td",
    "x" * 400,
    " ".join(["very"] * 100),
    "",
]


def odd_plot() -> ForestPlot:
    lines = effects("OR", *(events(label, i, 30, 5, 31) for i, label in enumerate(ODD)))
    return plot(
        lines,
        title=ODD[0],
        outcome=ODD[2],
        experimental=ODD[0],
        control=ODD[6],
        favours_left=ODD[7],
        favours_right=ODD[3],
        footnotes=(ODD[0],),
        bias=tuple(StudyBias(study_id=x, judgements=((ODD[0], "low"), (ODD[2], "some"))) for x in ODD),
    )


@pytest.mark.parametrize("file_format", ["svg", "png", "pdf"])
def test_odd_labels_are_drawn_literally_in_every_format(file_format: str) -> None:
    made = forest(odd_plot(), file_format)  # type: ignore[arg-type]
    start = {"svg": b"<svg ", "png": b"\x89PNG", "pdf": b"%PDF"}[file_format]
    assert made.startswith(start)
    assert made == forest(odd_plot(), file_format)  # type: ignore[arg-type]


def test_svg_is_one_closed_document_without_anything_that_acts() -> None:
    made = forest(odd_plot(), "svg").decode()
    root = ElementTree.fromstring(made)
    tags = {e.tag.removeprefix(SVG) for e in root.iter()}
    assert tags == {"svg", "title", "desc", "rect", "text", "line", "polygon", "circle"}
    assert not re.search(r"<script|href=|url\(|@import|\son\w+=\"", made)
    assert made.count("http") == 1, "only the namespace"
    said = [e.text for e in root.iter(f"{SVG}text")]
    assert {"⟦U+202E⟧gpj.exe", "张伟 2019 中文"} <= set(said)
    assert any("$\\alpha_1^2$" in (t or "") for t in said)


def test_a_screen_reader_gets_every_row() -> None:
    told = drawing(plot(title="Tea")).description
    assert all(f"{label}, " in told for label, *_ in BCG)
    assert "Total (95% CI), 0.49 [0.34, 0.70], weight 100.0%." in told


def test_odd_labels_do_not_run_into_each_other() -> None:
    assert_readable(drawing(odd_plot()))


labels = st.text(max_size=60)
counts = st.tuples(st.integers(0, 20), st.integers(20, 5000), st.integers(0, 20), st.integers(20, 5000))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(labels, counts), min_size=1, max_size=8),
    labels,
    labels,
    labels,
    st.sampled_from(["OR", "RR", "RD"]),
)
def test_any_plot_is_readable(studies, title, arm, caption, measure) -> None:
    lines = effects(measure, *(events(label, *numbers) for label, numbers in studies))
    overall = pooled(lines, model="common") if any(isinstance(x, Effect) for x in lines) else None
    drawn = drawing(plot(lines, overall=overall, title=title, experimental=arm, favours_right=caption))
    assert_readable(drawn)
    for item in drawn.items:
        if isinstance(item, Line):
            assert all(0 <= x <= drawn.width and 0 <= y <= drawn.height for x, y in (item.start, item.end))
    ElementTree.fromstring(drawn.svg())


def test_the_page_grows_with_the_studies() -> None:
    lines = effects("OR", *(events(f"Study {i}", i % 7, 50 + i, 3 + i % 5, 60) for i in range(60)))
    few, many = drawing(plot(lines[:6], overall=None)), drawing(plot(lines, overall=None))
    assert many.height - few.height == pytest.approx(54 * 14.5)
    assert_readable(many)
