"""The files about numbers: which there are, whose weight stands where, what hostile text becomes. All invented."""

import csv
import io
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tools.reporting.numbers import TRIALS, data, judged, pooled
from tests.tools.synthesis.tables import SETTINGS, SLEPT, WORRY, analysis, arm, study, trial
from tools.appraisal.grade import Rating, Step
from tools.reporting.evidence import Certainty, EvidenceData
from tools.reporting.evidence_files import (
    bias_table,
    conversions_csv,
    evidence_files,
    findings_table,
    forest_plot,
)
from tools.reporting.text import original_text
from tools.synthesis.analysing import AnalysisResult, analyse
from tools.synthesis.studies import StudyCells
from tools.synthesis.values import Effect, NotEstimable

EVERYTHING = ("csv", "xlsx", "svg", "png", "pdf", "html", "docx", "r")
BIAS = tuple(judged(t.study_id, d, "low") for t in TRIALS for d in ("1", "2", "3", "4", "5", "overall"))


def rows(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))


# Which files -------------------------------------------------------------------------------------


def test_every_wanted_kind_has_its_files_and_none_is_empty():
    files = evidence_files(data(cells=(*data().cells, *BIAS)), EVERYTHING)
    drawn = ("forest-main", "bias-slept", "bias-summary-slept")
    assert set(files) >= {f"{name}.{kind}" for name in drawn for kind in ("svg", "png", "pdf")}
    assert set(files) >= {"evidence.csv", "evidence.xlsx", "findings.html", "findings.docx", "metafor.R"}
    assert any(name.startswith("revman-") for name in files)
    assert all(files.values())


@pytest.mark.parametrize("kind", EVERYTHING)
def test_only_what_is_wanted_is_made(kind):
    made = evidence_files(data(), [kind])
    assert made
    endings = {name.rpartition(".")[2].lower() for name in made}
    assert endings == {kind}


def test_a_review_without_numbers_makes_no_files():
    assert evidence_files(EvidenceData(), EVERYTHING) == {}
    assert evidence_files(data(), []) == {}


def test_a_table_without_analyses_is_still_a_table():
    assert set(evidence_files(data(results=()), EVERYTHING)) == {"evidence.csv", "evidence.xlsx"}


def test_an_analysis_without_any_study_is_told_and_not_drawn():
    made = evidence_files(data((), [pooled(())]), EVERYTHING)
    assert not [name for name in made if name.startswith("forest")]
    assert b"No included study has an effect" in made["findings.html"]


def test_a_funnel_takes_ten_studies():
    many = tuple(trial(f"t{n}", 5 + n, 100, 9 + n, 100) for n in range(10))
    assert "funnel-main.svg" in evidence_files(data(many), ["svg"])
    assert "funnel-main.svg" not in evidence_files(data(many[:9]), ["svg"])


def test_the_same_value_gives_the_same_bytes():
    first, second = (evidence_files(data(cells=(*data().cells, *BIAS)), EVERYTHING) for _ in range(2))
    assert first == second
    again = EvidenceData.model_validate_json(data().model_dump_json())
    assert evidence_files(again, ("csv", "svg", "html", "r")) == evidence_files(
        data(), ("csv", "svg", "html", "r")
    )


# Weights -----------------------------------------------------------------------------------------


def weights(result: AnalysisResult) -> dict[str, float]:
    """Study to the weight that the plot shows beside it."""
    plot = forest_plot(result, data(results=[result]))
    assert plot.overall is not None
    return dict(zip((e.study_id for e in plot.effects), plot.overall.weights, strict=True))


def test_weights_stay_with_their_study_when_subgroups_change_the_order():
    plain, grouped = pooled(model="common"), pooled(model="common", subgroup="age")
    assert grouped.subgroups is not None
    order = [e.study_id for e in forest_plot(grouped, data(results=[grouped])).effects]
    assert order == ["a", "c", "b", "e"]
    assert weights(grouped) == weights(plain)
    # Inverse variance of the log risk ratio, v = 1/a − 1/n₁ + 1/c − 1/n₂.
    inverse = {
        name: 1 / (1 / a - 1 / n1 + 1 / c - 1 / n2)
        for name, a, n1, c, n2 in (
            ("a", 10, 100, 20, 100),
            ("b", 3, 400, 9, 400),
            ("c", 30, 250, 41, 240),
            ("e", 12, 90, 22, 95),
        )
    }
    total = sum(inverse.values())
    assert weights(plain) == {name: pytest.approx(100 * w / total) for name, w in inverse.items()}


_counts = st.tuples(st.integers(0, 9), st.integers(9, 60), st.integers(0, 9), st.integers(9, 60))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(_counts, st.sampled_from(["x", "y", "z"])), min_size=1, max_size=7),
    st.sampled_from(["common", "random", "mantel_haenszel"]),
)
def test_weights_beside_the_rows_sum_to_a_hundred_in_any_grouping(given_trials, model):
    trials = [trial(f"t{n}", *counts, subgroup=group) for n, (counts, group) in enumerate(given_trials)]
    plain, grouped = pooled(trials, model=model), pooled(trials, model=model, subgroup="g")
    if plain.pooled is None:
        assert grouped.pooled is None
        return
    assert weights(grouped) == {name: pytest.approx(w) for name, w in weights(plain).items()}
    assert sum(weights(grouped).values()) == pytest.approx(100)
    plot = forest_plot(grouped, data(trials, [grouped]))
    assert sorted(line.study_id for line in plot.lines) == sorted(t.study_id for t in trials)
    for group in plot.groups:
        assert group.pooled is None or sum(group.pooled.weights) == pytest.approx(100)


def test_weights_survive_the_way_through_the_store():
    grouped = pooled(model="common", subgroup="age")
    back = AnalysisResult.model_validate_json(grouped.model_dump_json())
    assert weights(back) == weights(grouped)


def test_a_study_with_several_lines_has_the_sum_of_their_weights_in_the_plot_of_bias():
    doses = study(
        arm("Tea 1 g", "experimental", events=3, total=40),
        arm("Tea 2 g", "experimental", events=5, total=60),
        arm("Water", "control", events=10, total=50),
        name="a",
    )
    trials = (doses, TRIALS[1])
    result = pooled(trials, multi_arm="split")
    table = bias_table("slept", data(trials, [result], cells=BIAS))
    assert table is not None
    assert [row.label for row in table.rows] == [t.label for t in trials]
    assert result.pooled is not None
    assert table.rows[0].weight == pytest.approx(sum(result.pooled.weights[:2]))
    assert sum(row.weight or 0 for row in table.rows) == pytest.approx(100)


# Plots -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("better", "left"), [("lower", "Favours Tea"), ("higher", "Favours Water"), (None, "")]
)
def test_the_side_that_is_good_follows_from_which_way_is_better(better, left):
    spec = SLEPT.model_copy(update={"better": better})
    result = pooled(spec=spec, asked=analysis(spec))
    assert forest_plot(result, data(results=[result])).favours_left == left


def test_a_measure_of_one_group_favours_nobody():
    result = pooled(measure="PROPORTION")
    plot = forest_plot(result, data(results=[result]))
    assert (plot.favours_left, plot.favours_right) == ("", "")


def test_studies_without_an_effect_stand_in_the_plot_and_are_counted():
    result = pooled()
    plot = forest_plot(result, data(results=[result]))
    assert [type(line) for line in plot.lines] == [Effect, Effect, Effect, NotEstimable, Effect]
    (line,) = findings_table(data(results=[result])).lines
    assert (line.studies, line.participants) == (4, 100 + 100 + 400 + 400 + 250 + 240 + 90 + 95)
    assert line.comments == "1 more study that could not be pooled: Ash d"


def test_a_study_out_with_several_lines_is_one_study():
    doses = study(
        arm("Tea 1 g", "experimental", events=0, total=40),
        arm("Tea 2 g", "experimental", events=0, total=60),
        arm("Water", "control", events=0, total=50),
        name="z",
    )
    trials = (*TRIALS[:2], doses)
    result = pooled(trials, multi_arm="split")
    (line,) = findings_table(data(trials, [result])).lines
    assert line.comments.startswith("1 more study that could not be pooled")


def test_a_comparison_that_is_out_while_its_study_is_in_is_named():
    """Against water nobody had the event twice: 1 g against 2 g of tea, the control group has none."""
    doses = study(
        arm("Tea 1 g", "experimental", events=0, total=40),
        arm("Tea 2 g", "experimental", events=5, total=60),
        arm("Water", "control", events=0, total=50),
        name="z",
    )
    (line,) = findings_table(data((doses,), [pooled((doses,), multi_arm="split")])).lines
    assert (line.studies, line.comments) == (1, "not in it: Ash z (Tea 1 g)")


def test_what_was_not_pooled_says_why_under_the_plot_and_in_the_findings():
    nothing = pooled((trial("d", 0, 30, 0, 31),))
    told = data((TRIALS[3],), [nothing])
    assert forest_plot(nothing, told).footnotes == ("No included study has an effect that can be computed.",)
    (line,) = findings_table(told).lines
    assert (line.pooled, line.narrative, line.studies) == (None, nothing.why_not_pooled, 0)


def test_the_assumed_risk_is_the_protocols_or_the_median_of_the_control_groups():
    def assumed(**told):
        (line,) = findings_table(data(results=[pooled(**told)])).lines
        return line.assumed

    by_protocol = assumed(baseline_risk=0.3)
    assert by_protocol is not None
    assert (by_protocol.risk, by_protocol.source) == (0.3, "given in the protocol")
    by_median = assumed()
    assert by_median is not None
    assert by_median.risk == pytest.approx((41 / 240 + 20 / 100) / 2)
    assert assumed(measure="PROPORTION") is None


def test_a_rating_stands_in_the_findings_only_where_a_person_rated():
    step = Step(domain="imprecision", steps=-1, reason="wide")
    rating = Rating(design="randomised", start="high", steps=(step,), certainty="moderate")
    rated = data(certainty=(Certainty(analysis_id="main", by="ada", rating=rating),))
    assert findings_table(rated).lines[0].rating == rating
    assert findings_table(data()).lines[0].rating is None
    other = data(certainty=(Certainty(analysis_id="else", by="ada", rating=rating),))
    assert findings_table(other).lines[0].rating is None


def test_bias_is_drawn_where_somebody_judged_and_only_there():
    assert bias_table("slept", data()) is None
    partly = bias_table("slept", data(cells=(judged("b", "1", "high"),)))
    assert partly is not None
    assert [(row.label, row.judgements, row.overall) for row in partly.rows] == [
        ("Ash b", ("high", "", "", "", ""), "")
    ]
    assert bias_table("slept", data(cells=BIAS, tool=None)) is None


def test_levels_of_a_tool_that_was_changed_do_not_stop_the_report():
    made = evidence_files(data(cells=(judged("a", "1", "serious"), judged("b", "1", "low"))), ["svg"])
    assert "bias-slept.svg" in made


# Hostile text ------------------------------------------------------------------------------------

HOSTILE = (
    '=HYPERLINK("http://x","y")',
    "@SUM(1)\n+2",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "$\\frac{a}{$ _b_ ^c^ {d}",
    "]]>&amp;<!--",
    "\u202egnp.exe\x00\x07",
    "a\r\nb,c;\td",
)


def hostile(text: str) -> EvidenceData:
    """The same review with this text in every place that a paper or a person fills."""
    trials = tuple(
        study(
            arm(f"{text}{n}", "experimental", events=5 + n, total=50),
            arm(f"{n}{text}", "control", events=9 + n, total=50),
            name=f"s{n}",
            label=text,
            subgroup=f"{text}{n % 2}",
        )
        for n in range(3)
    )
    quiet = trial("s9", 0, 9, 0, 9).model_copy(update={"label": text, "subgroup": text})
    spec = SLEPT.model_copy(update={"title": text, "unit": text})
    result = pooled((*trials, quiet), spec, analysis(spec, title=text, subgroup="x"))
    told = tuple(
        c.model_copy(update={"reason": text, "section": text, "unit": text, "readings": (text,)})
        for t in trials
        for c in t.cells
    )
    return data(
        (*trials, quiet),
        [result],
        cells=(*told, judged("s0", "1", "high", reason=text, reader=f"person:{text}")),
        outcomes=(spec,),
        experimental=text,
        control=text,
        population=text,
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_of_a_csv_begins_a_formula(text):
    files = evidence_files(hostile(text), ["csv"])
    assert len(files) > 1
    for name, body in files.items():
        for row in rows(body):
            for value in row:
                if re.match(r"[\s']*[=+\-@＝＋－＠]", value) and not value.startswith("'"):
                    assert re.fullmatch(r"[+-]?[0-9.]+([eE][+-]?[0-9]+)?", value), (name, value)
    table = rows(files["evidence.csv"])
    reasons = {original_text(row[table[0].index("reason")]) for row in table[1:]}
    assert text in reasons


@pytest.mark.parametrize("text", HOSTILE)
def test_a_workbook_holds_text_and_numbers_and_no_formula(text):
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(evidence_files(hostile(text), ["xlsx"])["evidence.xlsx"]))
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert kinds <= {"s", "n", "inlineStr"}
    assert all(cell.hyperlink is None for sheet in book for row in sheet.iter_rows() for cell in row)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_drawing_stays_a_drawing(text):
    for name, body in evidence_files(hostile(text), ["svg"]).items():
        root = ElementTree.fromstring(body)
        assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
            "svg", "g", "rect", "line", "path", "circle", "text", "polygon", "title", "desc", "tspan", "polyline",
        }, name  # fmt: skip
        assert not [k for element in root.iter() for k in element.attrib if k.startswith("on") or "href" in k]


@pytest.mark.parametrize("text", HOSTILE)
def test_printing_a_drawing_reads_no_formula_into_its_labels(text):
    files = evidence_files(hostile(text), ["png", "pdf"])
    assert files["forest-main.png"].startswith(b"\x89PNG")
    assert files["forest-main.pdf"].startswith(b"%PDF")


class Tags(HTMLParser):
    """The tags of a page with their attributes, as a browser finds them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, ...]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, *(name for name, _ in attrs)))


@pytest.mark.parametrize("text", HOSTILE)
def test_the_page_of_findings_has_no_markup_of_others(text):
    page = evidence_files(hostile(text), ["html"])["findings.html"].decode()
    harmless = evidence_files(hostile("plain words"), ["html"])["findings.html"].decode()
    assert Tags(page).found == Tags(harmless).found
    assert "\u202e" not in page
    assert "\x00" not in page


@pytest.mark.parametrize("text", HOSTILE)
def test_the_document_and_the_script_are_made(text):
    files = evidence_files(hostile(text), ["docx", "r"])
    assert files["findings.docx"].startswith(b"PK")
    assert files["metafor.R"].isascii()


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(min_size=1, max_size=25).filter(str.strip))
def test_any_text_at_all_makes_drawings_that_can_be_read(text):
    for body in evidence_files(hostile(text), ["svg"]).values():
        ElementTree.fromstring(body)


def test_continuous_outcomes_get_through_every_file():
    def worried(name, mean):
        return study(
            arm("Tea", "experimental", of=WORRY, report_id=name, mean=mean, sd=2, total=40),
            arm("Water", "control", of=WORRY, report_id=name, median=6, q1=4, q3=8, total=60),
            name=name,
        )

    trials = (worried("a", 5), worried("b", 7))
    made = evidence_files(data(trials, [pooled(trials, WORRY)], outcomes=(WORRY,)), EVERYTHING)
    assert "forest-main.svg" in made


def test_every_computed_number_is_told_with_its_formula_and_source():
    arms = [
        *arm("Syrup", "experimental", of=WORRY, mean=3, se=0.5, total=16),
        *arm("Water", "control", of=WORRY, mean=5, sd=2, total=20),
    ]
    gorm = StudyCells(study_id="s1", label="=Gorm 2020", cells=tuple(arms))
    result = analyse(analysis(WORRY), WORRY, [gorm], SETTINGS)
    lines = conversions_csv(data([gorm], [result])).decode("utf-8-sig").splitlines()
    assert len(lines) == 2
    (row,) = csv.DictReader(io.StringIO("\n".join(lines)))
    assert (row["computed"], row["value"], row["from"]) == ("sd", "2", "se 0.5; n 16")
    assert "√n" in row["formula"]
    assert row["source"]
    assert row["study"] == "'=Gorm 2020"
