"""RevMan's CSV files against golden files. The golden files are invented: no review has these data."""

import csv
import io
from pathlib import Path

import pytest

from tests.tools.reporting.analyses import analyses, bcg, effects, events, means, pooled, reported
from tools.reporting.analysis import Analysis
from tools.reporting.revman import (
    DATA_ROWS,
    STUDY_INFORMATION,
    STUDY_RESULTS,
    data_rows_csv,
    revman_files,
    study_information_csv,
    study_results_csv,
)
from tools.synthesis.values import ArmData, Effect, NotEstimable, Pooled, StudyData

GOLDEN = Path(__file__).parent / "golden"


def read(made: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(made.decode("utf-8-sig"), newline="")))


def analysis(measure: str, *studies: StudyData, **fields: object) -> Analysis:
    lines = effects(measure, *studies)  # type: ignore[arg-type]
    return Analysis(
        **{"analysis_id": "1.1", "outcome": "Sleep", "measure": measure, "lines": lines, **fields}
    )  # type: ignore[arg-type]


def golden_analyses() -> tuple[Analysis, ...]:
    """Made by hand, so that no change elsewhere moves the golden files."""
    tea, water = ArmData(arm="Sage tea", events=3, total=40), ArmData(arm="Tap water", events=9, total=41)
    calm = ArmData(arm="Tea", mean=-4.5, sd=6.25, total=40)
    tense = ArmData(arm="Water", mean=-2, sd=7, total=41)
    ash = StudyData(study_id="1", label="Ash 2001", year=2001, experimental=tea, control=water)
    none = tea.model_copy(update={"events": 0.0}), water.model_copy(update={"events": 0.0})
    cedar = StudyData(study_id="2", label="Cedar, van der 2010", experimental=none[0], control=none[1])
    elm = StudyData(study_id="3", label="Elm 2015", year=2015, experimental=calm, control=tense)
    of_ash = Pooled(
        measure="RR",
        model="common",
        k=1,
        y=-1,
        se=0.5,
        lower=-2,
        upper=0,
        statistic=-2,
        p=0.05,
        weights=(100,),
    )
    rr = Effect(study_id="1", label="Ash 2001", measure="RR", y=-1, v=0.25, subgroup="Adults", data=ash)
    zero = NotEstimable(study_id="2", label="Cedar, van der 2010", measure="RR", why="No event", data=cedar)
    md = Effect(study_id="3", label="Elm 2015", measure="MD", y=-2.5, v=2.25, data=elm)
    hr = Effect(study_id="4", label='Fir "2018"', measure="HR", y=-0.25, v=0.0625, notes=("as reported",))
    common = {"experimental": "Herbal tea", "control": "Water"}
    nights = {"outcome": "Sleepless nights", "time_point": "12 weeks", "lines": (rr, zero), "pooled": of_ash}
    return (
        Analysis(**{"analysis_id": "1.1", "measure": "RR", **nights, **common}),
        Analysis(analysis_id="1.2", outcome="Worry score", measure="MD", lines=(md,), **common),
        Analysis(analysis_id="2.1", outcome="Time to sleep", measure="HR", lines=(hr,), **common),
    )


@pytest.mark.parametrize(
    "name", ["study-information.csv", "study-arms.csv", "study-results.csv", "data-rows.csv"]
)
def test_the_files_are_the_golden_ones(name: str) -> None:
    made = dict(revman_files(golden_analyses()).files)
    assert made[name] == (GOLDEN / f"revman-{name}").read_bytes()


def test_headers_equal_those_that_revman_web_wrote() -> None:
    """Spelt out from a data package of RevMan Web (Fleiss1993.zip of the R package meta)."""
    seen = "Study,Year,Data source,Char: Methods,Char: Participants,Char: Interventions,Char: Outcomes,Char: Notes"
    assert ",".join(STUDY_INFORMATION) == seen
    assert ",".join(DATA_ROWS) == (
        "Analysis group,Analysis number,Analysis name,Subgroup,Applicability,Study,Study year,GIV Mean,GIV SE,"
        "Experimental mean,Experimental SD,Experimental cases,Experimental N,Control mean,Control SD,"
        "Control cases,Control N,O-E,Variance,Weight,Mean,CI start,CI end,Footnotes"
    )
    assert len(STUDY_RESULTS) == len(set(STUDY_RESULTS)) == 41


def test_events_go_in_by_arm_and_a_ratio_alone_as_a_contrast_on_the_log_scale() -> None:
    rows = read(study_results_csv(analyses()))
    ash = [r for r in rows if r["Study"] == "Ash 2001" and r["Data type"] == "Dichotomous"]
    assert [(r["Arm"], r["Cases"], r["Sample size"]) for r in ash] == [
        ("Sage tea", "3", "40"),
        ("Tap water", "9", "41"),
    ]
    (fir,) = (r for r in rows if r["Study"] == "Fir 2018")
    assert (fir["Effect measure"], fir["Arm"], fir["Reference arm"]) == ("LOG_HR", "Herbal tea", "Water")
    assert float(fir["Mean"]) == pytest.approx(-0.223144, abs=1e-6)  # ln 0.8
    assert fir["Cases"] == fir["SD"] == "", "what is not known stays empty, never 0"


def test_a_double_zero_study_goes_in_with_its_zeros() -> None:
    rows = [r for r in read(study_results_csv(analyses())) if r["Study"] == "Cedar 2010"]
    assert [(r["Cases"], r["Sample size"]) for r in rows] == [("0", "33"), ("0", "31")]


def test_counts_after_a_design_effect_go_in_as_a_contrast() -> None:
    rows = read(study_results_csv([analysis("RR", events("Cluster 2020", 3.2, 40.5, 9.1, 41))]))
    assert [r["Effect measure"] for r in rows] == ["LOG_RR"]


def test_what_cannot_go_in_is_told() -> None:
    bare = StudyData(study_id="x", label="No SD 2021", experimental=ArmData(arm="Tea", mean=1, total=9))
    made = revman_files([analysis("MD", bare)])
    assert read(dict(made.files)["study-results.csv"]) == []
    assert len(made.left_out) == 1
    assert made.left_out[0].startswith("1.1 Sleep, No SD 2021: ")


def test_the_same_arm_is_written_once_and_other_numbers_for_it_are_told() -> None:
    first, second = (analysis(m, events("Ash", 3, 40, 9, 41)) for m in ("RR", "OR"))
    assert len(read(study_results_csv([first, second]))) == 2
    split = analysis("RR", events("Ash", 3, 40, 4, 20), analysis_id="1.2")
    made = revman_files([first, split])
    assert len(made.left_out) == 1
    assert "another analysis has other numbers" in made.left_out[0]


def test_rows_of_analyses_have_the_published_numbers() -> None:
    lines = bcg("RR")
    of = Analysis(analysis_id="3.2", outcome="Tuberculosis", measure="RR", lines=lines, pooled=pooled(lines))
    first = read(data_rows_csv([of]))[0]
    assert (first["Analysis group"], first["Analysis number"]) == ("3", "2")
    assert (first["Experimental cases"], first["Experimental N"], first["Control cases"]) == (
        "4",
        "123",
        "11",
    )
    shown = [round(float(first[n]), 2) for n in ("Mean", "CI start", "CI end")]
    assert shown == [0.41, 0.13, 1.26]
    assert sum(float(r["Weight"]) for r in read(data_rows_csv([of]))) == pytest.approx(100)


def test_continuous_arms_keep_their_decimals() -> None:
    rows = read(study_results_csv([analysis("MD", means("Ash", (-4.5, 6.25, 40), (-2, 7, 41)))]))
    assert [(r["Mean"], r["SD"], r["Sample size"]) for r in rows] == [
        ("-4.5", "6.25", "40"),
        ("-2", "7", "41"),
    ]


def test_characteristics_are_those_columns_only() -> None:
    texts = {"Ash 2001": {"Char: Participants": "Adults\nwho count sheep", "Study": "Other"}, "Gone": {}}
    rows = read(study_information_csv(analyses(), texts))
    (ash,) = (r for r in rows if r["Study"] == "Ash 2001")
    assert ash["Char: Participants"] == "Adults who count sheep"
    assert ash["Year"] == "2001"
    assert ash["Data source"] == ""


def test_a_label_runs_no_formula_and_ends_no_row() -> None:
    of = analysis("HR", reported('=cmd|"x"\r\n,2020', 0.8, 0.6, 1.0666))
    (row,) = read(study_results_csv([of]))
    assert row["Study"] == '\'=cmd|"x" ,2020'


def test_an_analysis_holds_one_measure_and_weights_for_its_effects() -> None:
    with pytest.raises(ValueError, match="is of OR, but holds RR"):
        Analysis(analysis_id="1", outcome="x", measure="OR", lines=bcg("RR"))
    with pytest.raises(ValueError, match="pool exactly its 3 effects"):
        Analysis(analysis_id="1", outcome="x", measure="RR", lines=bcg("RR")[:3], pooled=pooled(bcg("RR")))
