"""Extraction by rules: set phrases are read, everything else is left open. All papers are invented."""

import gzip

import pytest

from model.baseline.characteristics import fields_of
from model.baseline.counts import count_of
from model.tasks.characteristics import TASK, CharacteristicsInput
from tools import frameworks
from tools.fulltext import jats
from tools.schemas import FieldSpec, Passage

FORM = frameworks.kind_of("intervention", "PICO").form
SENSITIVITY = FieldSpec(
    id="sensitivity", kind="number", unit="%", question="What was the sensitivity of the test?"
)


def passages(title, **sections):
    """Passages in reading order; `abstract` and names of sections as keywords."""
    made, at = [], 0
    for section, text in {"title": title, **sections}.items():
        kind = section if section in ("title", "abstract") else "table" if section == "table" else "paragraph"
        made.append(Passage(section=section, kind=kind, start=at, text=text))
        at += len(text) + 1
    return tuple(made)


def extract(field_id, text="", title="Wool socks", form=FORM, section="abstract", **sections):
    asked = CharacteristicsInput(
        report_id="r", title=title, fields=form, passages=passages(title, **{section: text}, **sections)
    )
    answer = fields_of(asked)
    TASK.check(answer, asked)
    cell = next(cell for cell in answer.cells if cell.field_id == field_id)
    if cell.status == "found":
        assert any(cell.quote in passage.text for passage in asked.passages)
    return cell


def value(*args, **kwargs):
    cell = extract(*args, **kwargs)
    return cell.value if cell.status == "found" else None


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("A total of 1,204 adults were randomised to wool or cotton.", "1204"),
        ("We randomly assigned 60 hikers and their patients.", None),
        ("We enrolled 60 patients with cold feet.", "60"),
        ("Forty-two women with cold feet were recruited.", "42"),
        ("One hundred and twenty-one patients were enrolled.", "121"),
        ("In total, 88 participants were randomly allocated to wool or cotton.", "88"),
    ],
)
def test_a_sample_size_in_a_set_phrase_is_read(text, number):
    assert value("sample_size", text) == number


@pytest.mark.parametrize(
    "text",
    [
        "Thirty patients in each group were randomly assigned to wool.",
        "A total of 4,548 individuals were offered socks.",
        "Of these, 12 patients were randomised.",
        "Ten children per school were recruited.",
        "We enrolled 60 women with wool, and 40 women without.",
        "A total of 60 patients were enrolled. We included 90 patients.",
        "Wool socks cost 60 euros.",
        "Almost 12,000 students were enrolled.",
    ],
)
def test_a_part_of_the_sample_or_a_contradiction_is_left_open(text):
    assert extract("sample_size", text).status == "not_found"


def test_other_studies_samples_are_not_read():
    text = "In an earlier trial, a total of 300 patients were randomised."
    assert value("sample_size", text, section="discussion") is None


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("Their mean age was 54 ± 7 years.", "54 ± 7 years"),
        ("The mean (SD) age of participants was 61.5 years.", "61.5 years"),
        ("Mean age of these subjects was 81.7, ranging from 64 to 94.", "81.7"),
        ("The median age was 30 months.", "30 months"),
        ("Mean age was 54 years in one group and mean age was 58 years in the other.", None),
        ("The age of wool was 54.", None),
    ],
)
def test_age_is_read_where_there_is_one(text, age):
    assert value("age", text) == age


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("Of 60 patients, 55.5% were female.", "55.5"),
        ("Sixty adults (78% women, mean age 50 years) took part.", "78"),
        ("Sex: women 33 (55%).", "55"),
        ("Overall, 62% were men.", None),
        ("In total, 3,406 (84%) women received socks.", None),
        ("Cold feet: 9% of women, as compared with 22% of men.", None),
    ],
)
def test_the_share_of_women_is_read_and_never_worked_out(text, percent):
    assert value("female_percent", text) == percent


def test_one_registration_number_is_read_and_of_two_none():
    assert value("registration", "Trial registration: NCT01234567.") == "NCT01234567"
    assert value("registration", "Registered as NCT01234567 and NCT07654321.") is None
    later = {"section": "abstract", "discussion": "A meta-analysis held NCT07654321 alone."}
    assert value("registration", "Trial registration: NCT01234567.", **later) == "NCT01234567"


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("The study was conducted in two hospitals in Leiden, the Netherlands.", "Netherlands"),
        ("Patients were recruited in England and Scotland.", "United Kingdom"),
        ("Participants came from a clinic in Papua New Guinea.", "Papua New Guinea"),
        ("The study took place in Sydney, New South Wales, Australia.", "Australia"),
        ("Patients wore socks (SockCo, Switzerland) in the clinic.", None),
        ("Analyses of the trial used SockStat software, version 3, Chicago, USA.", None),
        ("China is large.", None),
    ],
)
def test_the_country_is_where_the_study_was_done_and_not_where_devices_come_from(text, country):
    assert value("country", text) == country


def test_follow_up_dose_outcome_and_funding_in_set_phrases():
    assert value("follow_up", "Patients were followed for 12 months.") == "12 months"
    assert value("follow_up", "The median follow-up was 2.5 years.") == "2.5 years"
    assert (
        value("dose", "Patients took wool extract 200 mg twice daily for 6 weeks.")
        == "200 mg twice daily for 6 weeks"
    )
    assert value("dose", "Patients took 200 mg daily or 400 mg daily.") is None
    assert value("primary_outcome", "The primary outcome was warmth of the toes at 12 weeks.") == (
        "warmth of the toes at 12 weeks"
    )
    money = {"acknowledgements": "This work was supported by the Wool Board (grant 12.3)."}
    assert value("funding", "Wool.", **money) == "the Wool Board (grant 12.3)"


def test_two_arms_are_told_apart_and_three_are_left_open():
    two = "Patients were randomised to receive wool socks or cotton socks."
    assert (value("intervention", two), value("comparator", two)) == ("wool socks", "cotton socks")
    three = "Patients were randomised to receive wool socks, cotton socks, or silk socks."
    assert (value("intervention", three), value("comparator", three)) == (None, None)
    assert value("intervention", "Patients were randomised to one of two groups or none.") is None


@pytest.mark.parametrize(
    ("title", "text", "design"),
    [
        (
            "Wool socks: a randomised trial",
            "Sixty adults were randomly assigned.",
            "parallel randomised trial",
        ),
        ("Wool socks: a randomised crossover trial", "Sixty adults wore both.", "crossover trial"),
        ("Wool: a cluster-randomised trial", "Ten huts were randomly assigned.", "cluster randomised trial"),
        ("Wool socks: a non-randomised trial", "Sixty adults chose.", "non-randomised trial"),
        ("Wool: a randomised trial", "Each wore both in random order, with a wash-out.", None),
        ("Wool socks", "Socks are warm.", None),
    ],
)
def test_the_design_is_chosen_among_the_options_or_left_open(title, text, design):
    assert value("design", text, title=title) == design


def test_observational_designs_are_told_apart():
    form = frameworks.kind_of("other", "PICO").form
    assert value("design", "We retrospectively reviewed 40 files.", form=form) == "retrospective cohort"
    both = "A retrospective cohort. A second, prospective cohort followed."
    assert value("design", both, form=form) is None


def test_one_sensitivity_is_read_and_of_several_none():
    assert value("sensitivity", "The sensitivity was 91.5%.", form=(SENSITIVITY,)) == "91.5"
    two = "The sensitivity was 91%. At the lower threshold sensitivity was 95%."
    assert value("sensitivity", two, form=(SENSITIVITY,)) is None


def test_tables_and_unknown_fields_are_left_open():
    assert value("sample_size", section="table", text="A total of 60 patients were enrolled.") is None
    colour = FieldSpec(id="colour", question="Which colour did the socks have?")
    assert value("colour", "The socks were red.", form=(colour,)) is None


def test_rules_never_say_that_a_paper_does_not_report_something():
    cells = [extract(field.id, "Wool socks are warm.") for field in FORM]
    assert {cell.status for cell in cells} == {"not_found"}


def test_counts_in_digits_and_words():
    assert [count_of(text) for text in ("1,204", "12", "Forty-two", "nineteen", "ninety")] == [
        1204,
        12,
        42,
        19,
        90,
    ]


@pytest.mark.shared
def test_on_real_full_texts_every_value_has_its_quote_and_most_trials_their_design(shared_data):
    files = sorted((shared_data / "jats").glob("*.gz"))[:40]
    designs = 0
    for file in files:
        paper = jats.parse(gzip.decompress(file.read_bytes()), report_id=file.name, source="file")
        asked = CharacteristicsInput(report_id="r", title=paper.title, fields=FORM, passages=paper.passages)
        for cell in fields_of(asked).cells:
            assert (cell.quote in paper.canonical) if cell.status == "found" else (cell.value is None)
            designs += cell.field_id == "design" and cell.status == "found"
    assert designs > len(files) / 2
