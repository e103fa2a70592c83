"""The section about numbers on the page: what it says, and that nothing in it is markup of others. All invented."""

from html.parser import HTMLParser

import pytest

from tests.tools.reporting.invented import review
from tests.tools.reporting.numbers import TRIALS, data, judged, names, pooled
from tests.tools.reporting.test_evidence_files import BIAS, HOSTILE, hostile
from tests.tools.synthesis.tables import SLEPT, WORRY, analysis, arm, study, trial
from tools.appraisal.grade import DOWN, Rating, Step
from tools.reporting.evidence import Certainty, EvidenceData
from tools.reporting.evidence_page import numbers_shown
from tools.reporting.page import html
from tools.reporting.prisma import count
from tools.schemas import Cell, Quote
from tools.synthesis.checks import found
from tools.synthesis.reviewing import TableFinding


def said(given: EvidenceData) -> str:
    """The sentences before the analyses."""
    shown = numbers_shown(given)
    assert shown is not None
    return " ".join(shown.sentences)


def first(given: EvidenceData):
    """The first analysis as the page shows it."""
    shown = numbers_shown(given)
    assert shown is not None
    return shown.analyses[0]


def page(given: EvidenceData) -> str:
    whole = review(evidence=given)
    return html(whole, count(whole))


class Read(HTMLParser):
    """The section about numbers as a browser reads it: tags with attributes, and words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.words = ""
        start = text.index('<section aria-labelledby="numbers">')
        self.feed(text[start : text.index("</section>", start)])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, *(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


# What it says ------------------------------------------------------------------------------------


def test_a_review_that_reads_no_numbers_has_no_such_section():
    assert numbers_shown(EvidenceData()) is None
    assert 'id="numbers"' not in page(EvidenceData())


def test_it_says_how_many_people_read():
    assert said(data()).startswith("Two people read the numbers")
    assert said(data(people=1)).startswith("One person approved")


def test_it_counts_approved_values_and_those_with_a_quote():
    quote = Quote(text="10 of 100", start=0, end=9)
    cells = (*data().cells[:2], data().cells[2].model_copy(update={"quote": quote}))
    assert [c.field_id for c in cells] == ["arm_role", "events", "total"]
    assert "2 values approved, 1 of them with a quote" in said(data(cells=cells, results=()))
    assert "0 values approved" in said(data(cells=(), results=()))


def test_what_nobody_approved_is_said_to_be_in_no_analysis():
    assert "The numbers of 2 reports are not approved yet and in no analysis." in said(data(waiting=2))
    assert "1 report is not approved" in said(data(waiting=1))
    assert "not approved" not in said(data())


def test_nothing_pooled_is_said():
    assert said(data(results=())).endswith("Nothing was pooled.")


def test_the_sentence_of_an_analysis_gives_studies_model_and_effect():
    """Two equal studies of 10/100 against 20/100: RR 0.5, SE of its logarithm 0.2550 (see the formula)."""
    se = ((1 / 10 - 1 / 100 + 1 / 20 - 1 / 100) / 2) ** 0.5
    low, high = (0.5 * 2.718281828459045 ** (sign * 1.959964 * se) for sign in (-1, 1))
    trials = tuple(trial(name, 10, 100, 20, 100) for name in "ab")
    told = first(data(trials)).sentence
    assert told.startswith("2 studies pooled, common model: RR 0.50")
    assert f"{low:.2f} to {high:.2f}" in told
    assert "without an effect" not in told


def test_studies_without_an_effect_are_counted_once_each():
    assert first(data()).sentence.endswith("1 study without an effect.")
    doses = study(
        arm("Tea 1 g", "experimental", events=0, total=40),
        arm("Tea 2 g", "experimental", events=0, total=60),
        arm("Water", "control", events=0, total=50),
        name="z",
    )
    trials = (*TRIALS[:2], doses)
    told = first(data(trials, [pooled(trials, multi_arm="split")])).sentence
    assert told.startswith("2 studies pooled")
    assert told.endswith("1 study without an effect.")


def test_what_was_not_pooled_says_why_and_has_no_plot_without_studies():
    nothing = first(data((), [pooled(())]))
    assert nothing.sentence == "Not pooled: No included study has an effect that can be computed."
    assert nothing.forest == ""
    assert "Forest plot" not in page(data((), [pooled(())]))


def test_conversions_are_shown_with_formula_and_source():
    trials = (
        study(
            arm("Tea", "experimental", of=WORRY, report_id="a", mean=5, se="0.5", total=100),
            arm("Water", "control", of=WORRY, report_id="a", mean=7, sd=5, total=100),
            name="a",
        ),
    )
    text = Read(page(data(trials, [pooled(trials, WORRY)], outcomes=(WORRY,)))).words
    assert "sd 5 = SD = SE × √n (se 0.5, n 100; Handbook 6.5.2.2)" in " ".join(text.split())


def test_findings_stand_with_report_outcome_and_rule():
    finding = found("events-exceed-total", "Tea: 43 events among 40.", arms=("Tea",), statistics=("events",))
    one = TableFinding(report_id="a", outcome="slept", finding=finding)
    text = Read(page(data(findings=(one,)))).words
    assert "Tea: 43 events among 40." in text
    assert "events-exceed-total" in text


def test_a_rating_is_shown_only_where_every_domain_was_decided():
    steps = tuple(Step(domain=d, steps=-1 if d == "imprecision" else 0, reason="wide") for d in DOWN)
    rating = Rating(design="randomised", start="high", steps=steps, certainty="moderate")
    rated = page(data(certainty=(Certainty(analysis_id="main", by="Ada", rating=rating),)))
    assert "⊕⊕⊕◯ moderate, decided by Ada." in Read(rated).words
    assert "Taken down one step for imprecision: wide." in Read(rated).words
    open_ = page(data(certainty=(Certainty(analysis_id="main"),)))
    assert "not rated: no person has decided every domain" in Read(open_).words
    assert "⊕" not in Read(open_).words


def test_leaving_out_each_study_is_shown_with_what_is_left():
    trials = (trial("a", 10, 100, 20, 100), trial("b", 40, 100, 20, 100))
    without = dict(first(data(trials)).without)
    assert without["Ash a"].startswith("RR 2.00")
    assert without["Ash b"].startswith("RR 0.50")


def test_bias_is_drawn_for_each_outcome_that_was_judged():
    shown = numbers_shown(data(cells=BIAS))
    assert shown is not None
    assert len(shown.bias) == 1
    nobody = numbers_shown(data())
    assert nobody is not None
    assert nobody.bias == ()


def test_the_same_value_gives_the_same_page():
    assert page(data(cells=(*data().cells, *BIAS))) == page(data(cells=(*data().cells, *BIAS)))


# Hostile text ------------------------------------------------------------------------------------


def dressed(text: str) -> EvidenceData:
    """The hostile review, with findings and a decision by somebody of that name."""
    finding = found("events-exceed-total", text, arms=(text,), statistics=("events",))
    step = Step(domain="imprecision", steps=-1, reason=text)
    rating = Rating(design="randomised", start="high", steps=(step,), certainty="moderate")
    return hostile(text).model_copy(
        update={
            "findings": (TableFinding(report_id=text, outcome="slept", finding=finding),),
            "certainty": (Certainty(analysis_id="main", by=text, rating=rating),),
        }
    )


def structure(given: EvidenceData) -> list[tuple[str, ...]]:
    """Tags of the section without those of the drawings, in which long labels take other shapes."""
    drawn = {
        "svg",
        "g",
        "rect",
        "line",
        "path",
        "circle",
        "text",
        "polygon",
        "title",
        "desc",
        "tspan",
        "polyline",
    }
    return [tag for tag in Read(page(given)).tags if tag[0] not in drawn]


@pytest.mark.parametrize("text", HOSTILE)
def test_words_of_others_are_words_on_the_page(text):
    assert structure(dressed(text)) == structure(dressed("plain words"))
    assert not [name for tag in Read(page(dressed(text))).tags for name in tag[1:] if name.startswith("on")]


@pytest.mark.parametrize("text", HOSTILE)
def test_signs_that_hide_or_reorder_are_spelt_out(text):
    body = page(dressed(text))
    assert "\u202e" not in body
    assert "\x00" not in body
    assert "\x07" not in body


def test_hostile_words_are_still_told():
    words = Read(page(dressed("<script>alert(1)</script>"))).words
    assert "Taken down one step for imprecision: <script>alert(1)</script>." in words


def test_names_of_studies_come_from_the_review():
    assert [name.label for name in names()] == [t.label for t in TRIALS]
    spec = SLEPT.model_copy(update={"better": None})
    assert "Ash a" in first(data(results=[pooled(spec=spec, asked=analysis(spec))])).forest
    judgement = judged("a", "1", "low")
    assert judgement.field_id == "bias/1"


def test_other_fates_of_those_lost_and_the_order_of_years_are_on_the_page():
    lost = [
        trial(f"t{n}", 10 + n, 90, 20, 95, year=2000 + n).model_copy(
            update={"cells": (*trial(f"t{n}", 10 + n, 90, 20, 95, year=2000 + n).cells, *randomised(f"t{n}"))}
        )
        for n in range(3)
    ]
    shown = first(data(lost, [pooled(lost)]))
    assert [words for words, _ in shown.missing] == [
        "best case for the experimental arm",
        "worst case for the experimental arm",
        "the missing have the risk observed in their own arm",
    ]
    assert len({effect for _, effect in shown.missing}) == 3
    assert len(shown.cumulative) == 3
    assert "had fared otherwise" in page(data(lost, [pooled(lost)]))


def randomised(report_id):
    """A hundred people were assigned to each arm."""
    arms = dict.fromkeys(c.arm for c in trial(report_id, 1, 90, 1, 95).cells if c.field_id == "events")
    return [
        Cell(report_id=report_id, field_id="randomised", arm=name, value="100", status="grounded")
        for name in arms
    ]
