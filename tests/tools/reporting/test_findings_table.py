"""The summary of findings: its words, the page and the Word document. All numbers here are invented."""

import io
import math
import time
import zipfile

import docx
import pytest
from pydantic import ValidationError

from tests.tools.reporting.test_page import Reader
from tools.appraisal.absolute import AssumedRisk
from tools.appraisal.findings import FindingsTable, OutcomeLine, lay_out
from tools.appraisal.grade import DOWN, Step, rate
from tools.errors import ConfigError
from tools.reporting.findings_table import findings_docx, findings_html
from tools.synthesis.values import Pooled


def pooled(measure, y, lower, upper, level=0.95):
    return Pooled(
        measure=measure, model="random", k=2, y=y, se=0.1, lower=lower, upper=upper, level=level, statistic=1, p=0.3,
        weights=(60.0, 40.0),
    )  # fmt: skip


def ratio(measure, *values, **more):
    return pooled(measure, *(math.log(x) for x in values), **more)


def rated(**given):
    every = {**dict.fromkeys(DOWN, (0, "")), **given}
    return rate("randomised", [Step(domain=name, steps=n, reason=why) for name, (n, why) in every.items()])


SMALL = (-1, "Fewer than 300 events.")
MEDIAN = AssumedRisk(risk=0.3, source="median of the control groups of 4 studies")
DEATH = OutcomeLine(
    outcome="Death", follow_up="12 months", pooled=ratio("RR", 0.92, 0.8, 1.05), assumed=MEDIAN, participants=2412,
    studies=4, rating=rated(imprecision=SMALL),
)  # fmt: skip
PAIN = OutcomeLine(
    outcome="Pain", pooled=pooled("MD", -3.2, -5.1, -1.3), control_mean="between 12 and 15 points", unit="points",
    participants=310, studies=1, rating=rated(imprecision=SMALL, risk_of_bias=(-2, "Nobody was blinded")),
)  # fmt: skip
MOOD = OutcomeLine(
    outcome="Mood",
    pooled=pooled("SMD", 0.45, -0.1, 1.0),
    sd=12.0,
    unit="points",
    studies=2,
    comments="Two scales",
)
HARM = OutcomeLine(
    outcome="Serious harm", pooled=None, narrative="Two studies saw none.", participants=310, studies=2
)
TABLE = FindingsTable(
    title="Invented treatment for an invented illness", population="Adults", intervention="treatment",
    comparison="usual care", lines=(DEATH, PAIN, MOOD, HARM),
)  # fmt: skip


def row(line):
    (found,) = lay_out(TABLE.model_copy(update={"lines": (line,)})).rows
    return [cell.text for cell in found.cells]


def test_events_per_thousand_with_difference_and_relative_effect():
    assert row(DEATH) == [
        "Death (12 months)",
        "300 per 1,000",
        "276 per 1,000 (240 to 315); 24 fewer per 1,000 (60 fewer to 15 more)",
        "RR 0.92 (0.80 to 1.05)",
        "2,412 (4 studies)",
        "⊕⊕⊕◯ Moderate",
        "",
    ]


def test_means_as_they_are():
    assert row(PAIN)[1:6] == [
        "between 12 and 15 points",
        "MD 3.20 points lower (5.10 lower to 1.30 lower)",
        "–",
        "310 (1 study)",
        "⊕◯◯◯ Very low",
    ]


def test_standardised_differences_with_help_to_read_them():
    got = row(MOOD)
    assert got[2] == (
        "SMD 0.45 higher (0.10 lower to 1.00 higher); with an SD of 12 points, 5.40 points higher (1.20 lower to "
        "12.00 higher)"
    )
    assert got[4:] == [
        "not known (2 studies)",
        "not rated",
        "Two scales. SMD: about 0.2 is a small, 0.5 a moderate and 0.8 a large difference.",
    ]


def test_what_is_not_pooled_is_told_in_words():
    assert row(HARM)[1:5] == ["not pooled", "Two studies saw none.", "not pooled", "310 (2 studies)"]
    with pytest.raises(ConfigError, match="'Serious harm' is not pooled; say in words"):
        row(HARM.model_copy(update={"narrative": " "}))


@pytest.mark.parametrize(
    ("line", "control", "intervention"),
    [
        ({"pooled": pooled("RD", -0.05, -0.1, 0.0)}, "not known", "50 fewer per 1,000 (100 fewer to 0)"),
        ({"pooled": ratio("OR", 0.5, 0.2, 1.1)}, "not known", "no assumed risk given"),
        ({"pooled": pooled("PROPORTION", 0.0, -1.0, 1.0)}, "no comparison", "50.0 % (26.9 to 73.1)"),
        (
            {"pooled": pooled("MEAN", 5.0, -1.0, 11.0), "unit": "kg"},
            "no comparison",
            "5.00 kg (−1.00 to 11.00)",
        ),
        (
            {"pooled": ratio("RR", 1.0, 0.5, 2.0), "assumed": AssumedRisk(risk=0.0042, source="a register")},
            "4.2 per 1,000",
            "4.2 per 1,000 (2.1 to 8.4); no difference (2.1 fewer to 4.2 more)",
        ),
    ],
)
def test_other_measures(line, control, intervention):
    assert row(OutcomeLine(outcome="x", studies=2, **line))[1:3] == [control, intervention]


def test_very_small_ratios_keep_their_digits():
    assert (
        row(OutcomeLine(outcome="x", studies=2, pooled=ratio("HR", 0.05, 0.004, 0.31)))[3]
        == "HR 0.05 (0.004 to 0.31)"
    )


def test_reasons_become_footnotes_each_once():
    laid = lay_out(TABLE)
    assert [mark for mark, _ in laid.footnotes] == ["a", "b", "c"]
    assert [text for _, text in laid.footnotes] == [
        "Assumed risk: median of the control groups of 4 studies.",
        "Taken down one step for imprecision: Fewer than 300 events.",
        "Taken down two steps for risk of bias: Nobody was blinded.",
    ]
    assert laid.rows[0].control.marks == ("a",)
    assert [r.certainty.marks for r in laid.rows] == [("b",), ("c", "b"), (), ()]


def test_more_footnotes_than_letters():
    lines = tuple(
        OutcomeLine(
            outcome=f"o{n}",
            pooled=None,
            narrative="x",
            studies=1,
            rating=rated(indirectness=(-1, f"Why {n}.")),
        )
        for n in range(28)
    )
    marks = [mark for mark, _ in lay_out(TABLE.model_copy(update={"lines": lines})).footnotes]
    assert marks[24:] == ["y", "z", "aa", "ab"]


def test_one_level_of_confidence_for_the_whole_table():
    assert lay_out(TABLE).headers[3] == "Relative effect (95\u00a0%\u00a0CI)"
    ninety = DEATH.model_copy(update={"pooled": ratio("RR", 0.9, 0.8, 1.0, level=0.9)})
    assert (
        lay_out(TABLE.model_copy(update={"lines": (ninety,)})).headers[3]
        == "Relative effect (90\u00a0%\u00a0CI)"
    )
    with pytest.raises(ConfigError, match="90%, 95%; pool all at one level"):
        lay_out(TABLE.model_copy(update={"lines": (ninety, PAIN)}))


def test_a_table_without_outcomes_is_none():
    with pytest.raises(ValidationError):
        FindingsTable(title="t", intervention="i", comparison="c", lines=())


def test_the_page_shows_every_cell_and_footnote_and_loads_nothing():
    page = findings_html(TABLE)
    read = Reader(page)
    said = " ".join(read.said)
    laid = lay_out(TABLE)
    for text in (
        [c.text for r in laid.rows for c in r.cells] + [t for _, t in laid.footnotes] + list(laid.headers)
    ):
        assert text in said
    assert read.tags["tr"] == 5
    assert {link for link in read.links if link} == {"#note-a", "#note-b", "#note-c"}
    assert {"note-a", "note-b", "note-c"} <= set(read.ids)
    assert "default-src 'none'" in page
    assert page == findings_html(TABLE)


HOSTILE = "<script>alert(1)</script>\u202egnp.exe\x07"


def test_hostile_text_stays_text_on_the_page_and_in_the_document():
    table = TABLE.model_copy(update={
        "title": HOSTILE, "lines": (HARM.model_copy(update={"outcome": HOSTILE, "narrative": HOSTILE}),)
    })  # fmt: skip
    page = findings_html(table)
    assert Reader(page).tags["script"] == 0
    assert "⟦U+202E⟧" in page
    document = docx.Document(io.BytesIO(findings_docx(table)))
    assert document.tables[0].cell(1, 2).text == "<script>alert(1)</script>⟦U+202E⟧gnp.exe⟦U+0007⟧"


def opened():
    return docx.Document(io.BytesIO(findings_docx(TABLE)))


def test_the_document_holds_the_same_words():
    document = opened()
    laid = lay_out(TABLE)
    (grid,) = document.tables
    told = [[cell.text for cell in line.cells] for line in grid.rows]
    assert told[0] == list(laid.headers)
    for line, expected in zip(told[1:], laid.rows, strict=True):
        assert line == [c.text + ",".join(c.marks) for c in expected.cells]
    assert told[1][5] == "⊕⊕⊕◯ Moderateb"
    said = [p.text for p in document.paragraphs]
    assert said[0] == TABLE.title
    assert "Setting: not stated" in said
    assert "c Taken down two steps for risk of bias: Nobody was blinded." in said
    assert grid.cell(1, 5).paragraphs[0].runs[1].font.superscript
    assert grid.rows[0]._tr.trPr.xpath("w:tblHeader")


def test_the_document_is_the_same_at_any_time_and_names_nobody():
    first = findings_docx(TABLE)
    time.sleep(2.1)  # the zip format counts in steps of two seconds
    assert findings_docx(TABLE) == first
    with zipfile.ZipFile(io.BytesIO(first)) as parts:
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert parts.namelist()[0] == "[Content_Types].xml"
        assert b"python-docx" not in parts.read("docProps/core.xml")
    properties = opened().core_properties
    assert (properties.author, properties.last_modified_by, properties.title) == ("", "", TABLE.title)
    assert properties.created.year == 1980
