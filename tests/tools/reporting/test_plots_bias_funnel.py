"""Funnel and risk-of-bias plots: places by hand, shares by hand, readable without colours, same bytes."""

import math
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.tools.reporting.analyses import bcg, effects, events, pooled
from tests.tools.reporting.test_plots_forest import ODD, assert_readable, texts
from tools.reporting.plots.bias_plots import (
    BiasRow,
    BiasTable,
    Domain,
    summary_bars,
    summary_drawing,
    traffic_drawing,
    traffic_light,
)
from tools.reporting.plots.drawing import Disc, Line, Shape, Text
from tools.reporting.plots.funnel import FunnelPlot, drawing, funnel
from tools.reporting.plots.judgements import COLOURS, Judgement
from tools.synthesis.values import Effect

ROOT = Path(__file__).parents[3]


def funnel_of(**fields: object) -> FunnelPlot:
    lines = [x for x in bcg() if isinstance(x, Effect)]
    given: dict[str, object] = {"measure": "RR", "effects": lines, "centre": pooled(bcg(), model="common")}
    return FunnelPlot(**{**given, **fields})  # type: ignore[arg-type]


# Funnel ------------------------------------------------------------------------------------------


def test_points_stand_at_effect_and_standard_error() -> None:
    plot = funnel_of()
    discs = [i for i in drawing(plot).items if isinstance(i, Disc)]
    assert len(discs) == 13
    errors = [math.sqrt(x.v) for x in plot.effects]
    down = [(d.y - discs[0].y) / (e - errors[0]) for d, e in zip(discs[1:], errors[1:], strict=True)]
    across = [
        (d.x - discs[0].x) / (x.y - plot.effects[0].y)
        for d, x in zip(discs[1:], plot.effects[1:], strict=True)
    ]
    assert down == pytest.approx([down[0]] * 12)
    assert across == pytest.approx([across[0]] * 12)
    assert down[0] > 0, "the most precise study is on top"


def test_the_funnel_is_as_wide_as_its_limits() -> None:
    plot = funnel_of()
    items = drawing(plot).items
    discs = [i for i in items if isinstance(i, Disc)]
    per_error = (discs[1].y - discs[0].y) / (math.sqrt(plot.effects[1].v) - math.sqrt(plot.effects[0].v))
    per_effect = (discs[1].x - discs[0].x) / (plot.effects[1].y - plot.effects[0].y)
    sides = [i for i in items if isinstance(i, Line) and i.dash == (2, 2)]
    assert len(sides) == 2
    for line in sides:
        across, down = line.end[0] - line.start[0], line.end[1] - line.start[1]
        assert abs(across / per_effect) / (down / per_error) == pytest.approx(1.959964, abs=1e-6)


def test_contours_lie_around_no_effect_and_are_explained() -> None:
    drawn = drawing(funnel_of(contours=True))
    assert {"P > 0.10", "0.10 > P > 0.05", "0.05 > P > 0.01", "P < 0.01"} <= set(texts(drawn))
    wedges = [i for i in drawn.items if isinstance(i, Shape) and len(i.points) == 5]
    ticks = {i.text: i.x for i in drawn.items if isinstance(i, Text)}
    assert len(wedges) == 3
    assert {round(w.points[0][0], 6) for w in wedges} == {round(ticks["1"], 6)}


def test_a_funnel_without_a_centre_has_points_only() -> None:
    items = drawing(funnel_of(centre=None)).items
    assert not [i for i in items if isinstance(i, Line) and i.dash]
    assert len([i for i in items if isinstance(i, Disc)]) == 13


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"measure": "OR"}, "draw them apart"),
        ({"effects": ()}, "at least 1"),
        ({"centre": None, "measure": "PROPORTION", "contours": True, "effects": ()}, "at least 1"),
    ],
)
def test_a_funnel_that_cannot_be_drawn_is_refused(change: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        funnel_of(**change)


def test_funnels_with_odd_labels_are_readable() -> None:
    lines = effects("OR", *(events(label, i + 1, 30, 5, 31) for i, label in enumerate(ODD)))
    plot = FunnelPlot(
        title=ODD[0],
        outcome=ODD[7],
        measure="OR",
        effects=tuple(x for x in lines if isinstance(x, Effect)),
        centre=pooled(lines),
        contours=True,
        footnotes=(ODD[3],),
    )
    assert_readable(drawing(plot))
    ElementTree.fromstring(funnel(plot, "svg"))


# Risk of bias ------------------------------------------------------------------------------------

DOMAINS = tuple(Domain(id=f"D{i}", name=f"Invented domain {i}") for i in range(1, 4))


def table(**fields: object) -> BiasTable:
    rows = (
        BiasRow(label="Ash 2001", judgements=("low", "some", "high"), overall="high", weight=60),
        BiasRow(label="Birch 2004", judgements=("low", "low", "low"), overall="low", weight=30),
        BiasRow(label="Cedar 2010", judgements=("low", "", "no_information"), overall="some", weight=10),
    )
    return BiasTable(**{"title": "Risk of bias", "domains": DOMAINS, "rows": rows, **fields})  # type: ignore[arg-type]


def test_each_judgement_has_its_colour_and_its_symbol() -> None:
    drawn = traffic_drawing(table())
    row = next(i for i in drawn.items if isinstance(i, Text) and i.text == "Ash 2001")
    discs = [i for i in drawn.items if isinstance(i, Disc) and abs(i.y - row.y) < 6]
    assert [d.fill for d in discs] == [COLOURS["low"], COLOURS["some"], COLOURS["high"], COLOURS["high"]]
    signs = {
        i.x: i.text for i in drawn.items if isinstance(i, Text) and abs(i.y - row.y) < 6 and i is not row
    }
    assert [signs[d.x] for d in discs] == ["+", "!", "–", "–"]
    heads = {i.text: i.x for i in drawn.items if isinstance(i, Text)}
    assert [heads[h] for h in ("D1", "D2", "D3", "Overall")] == [d.x for d in discs]


def test_what_nobody_judged_is_empty_and_said_to_be() -> None:
    drawn = traffic_drawing(table())
    assert "Not judged" in texts(drawn)
    assert (
        "Cedar 2010: D1 Low risk, D2 not judged, D3 No information, Overall Some concerns"
        in drawn.description
    )


def bars(drawn_table: BiasTable) -> list[float]:
    shapes = [i for i in summary_drawing(drawn_table).items if isinstance(i, Shape)]
    return [max(x for x, _ in s.points) - min(x for x, _ in s.points) for s in shapes]


def test_bars_are_weighted_and_fill_the_whole() -> None:
    widths = [w / 330 for w in bars(table())]
    # D1 all low; D2 some .6, low .3, not judged .1; D3 low .3, high .6, no information .1; overall.
    assert widths == pytest.approx([1, 0.3, 0.6, 0.1, 0.3, 0.6, 0.1, 0.3, 0.1, 0.6])
    said = texts(summary_drawing(table()))
    assert "+ 100%" in said
    assert "Studies weighted by their weight in the analysis; 3 in all." in said


def test_without_all_weights_every_study_counts_the_same_and_the_caption_says_so() -> None:
    rows = (*table().rows[:2], table().rows[2].model_copy(update={"weight": None}))
    widths = [w / 330 for w in bars(table(rows=rows))]
    assert widths[1:4] == pytest.approx([1 / 3] * 3)
    assert "Each study counts the same; 3 in all." in texts(summary_drawing(table(rows=rows)))


def test_other_tools_bring_their_own_words() -> None:
    own = (
        Judgement(id="moderate", words="Moderate", colour="some", symbol="−"),
        Judgement(id="critical", words="Critical", colour="critical", symbol="×"),
    )
    made = table(
        judgements=own,
        rows=(BiasRow(label="Ash", judgements=("moderate", "critical", "critical")),),
        tool="ROBINS-I",
    )
    said = texts(traffic_drawing(made))
    assert {"Moderate", "Critical", "×", "Risk of bias (ROBINS-I)"} <= set(said)
    assert "Overall" not in said


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (BiasRow(label="Ash", judgements=("low",)), "1 judgements for 3 domains"),
        (BiasRow(label="Ash", judgements=("low", "low", "red")), "unknown judgement 'red'"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(row: BiasRow, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        table(rows=(row,))


def test_long_tables_with_odd_labels_are_readable() -> None:
    rows = tuple(
        BiasRow(label=ODD[i % len(ODD)], judgements=("low", "", "high"), overall="high") for i in range(60)
    )
    odd = table(
        rows=rows, title=ODD[0], domains=tuple(Domain(id=f"D{i}", name=n) for i, n in enumerate(ODD[:3]))
    )
    for drawn in (traffic_drawing(odd), summary_drawing(odd)):
        assert_readable(drawn)
        ElementTree.fromstring(drawn.svg())


# Bytes -------------------------------------------------------------------------------------------

DIGESTS = """
import hashlib
from tests.tools.reporting.test_plots_bias_funnel import funnel_of, table
from tests.tools.reporting.analyses import plot
from tests.tools.reporting.test_extraction_table import table as extracted
from tools.reporting.extraction_table import extraction_xlsx
from tools.reporting.plots.bias_plots import summary_bars, traffic_light
from tools.reporting.plots.forest import forest
from tools.reporting.plots.funnel import funnel
made = [forest(plot(), "svg"), forest(plot(), "pdf"), funnel(funnel_of(), "svg"), traffic_light(table(), "png")]
made += [summary_bars(table(), "svg"), extraction_xlsx(extracted())]
print([hashlib.sha256(m).hexdigest() for m in made])
"""


def test_every_file_has_the_same_bytes_in_every_process() -> None:
    """Other hash seeds, another day, another user's Matplotlib settings."""
    seen = set()
    for seed, epoch in (("1", ""), ("2", "86400")):
        env = {**os.environ, "PYTHONHASHSEED": seed, "TZ": "UTC" if seed == "1" else "Asia/Tokyo"}
        env |= {"SOURCE_DATE_EPOCH": epoch} if epoch else {}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", DIGESTS],
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        seen.add(done.stdout)
    assert len(seen) == 1


def test_the_users_own_settings_do_not_reach_the_picture() -> None:
    import matplotlib

    plain = traffic_light(table(), "png"), summary_bars(table(), "pdf")
    own = {
        "text.usetex": True,
        "font.size": 30,
        "savefig.facecolor": "red",
        "savefig.dpi": 10,
        "pdf.fonttype": 3,
    }
    with matplotlib.rc_context(own):
        assert (traffic_light(table(), "png"), summary_bars(table(), "pdf")) == plain
        assert matplotlib.rcParams["font.size"] == 30, "and they are given back"


def test_pdf_and_png_tell_no_time() -> None:
    pdf, png = funnel(funnel_of(), "pdf"), funnel(funnel_of(), "png")
    assert b"CreationDate" not in pdf
    assert b"tEXtSoftware" not in png
    assert b"tIME" not in png
