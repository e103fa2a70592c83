"""How many took part, all together and per group: the sample is read, a part of it is not. All texts are invented."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.baseline.counts import count_of, counts_in
from model.baseline.paper import Sentence
from model.baseline.participants import participants_of
from model.baseline.sample_size import candidates, total_of
from model.tasks.participants import TASK, Group, Measure, ParticipantsInput
from tests.model.baseline.papers import HOSTILE, paper, stands_in
from tools.fulltext.quotes import sentences


def read(text, section="abstract"):
    return total_of([Sentence(text[a:b], section, True) for a, b in sentences(text)])


def total(text, section="abstract"):
    found = read(text, section)
    if found is not None:
        assert found.quote in text
        assert int(found.value) in {c.value for c in counts_in(found.quote)}
    return None if found is None else int(found.value)


# Counts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("7", 7),
        ("1,204", 1204),
        ("13 388", 13388),
        ("132\u2009979", 132979),
        ("Forty-two", 42),
        ("one hundred and twenty", 120),
        ("Two hundred one", 201),
        ("Two hundred-forty", 240),
        ("Hundred fifty-nine", 159),
        ("Eight-thousand four-hundred twenty-two", 8422),
        ("nineteen", 19),
        ("sixty", 60),
    ],
)
def test_a_number_in_digits_or_words_has_its_worth_and_its_place(written, number):
    assert count_of(written) == number
    text = f"There were {written} hikers."
    (count,) = counts_in(text)
    assert (text[count.start : count.end], count.value) == (written, number)


@pytest.mark.parametrize(
    "text", ["4.5 km", "40% of", "40 %", "12-week", "18-65", "3/40", "one-sided", "x2", "2·5"]
)
def test_what_is_no_whole_number_of_things_is_none(text):
    assert counts_in(f"It was {text} here.") == []


def test_n_is_read_and_two_numbers_stay_two():
    assert [c.value for c in counts_in("wool (n=40), cotton (N = 38)")] == [40, 38]
    assert [c.value for c in counts_in("one or two of thirty and five")] == [1, 2, 30, 5]


@given(st.integers(min_value=1, max_value=9_999_999))
def test_every_number_with_thousands_separators_reads_back(number):
    for written in (f"{number}", f"{number:,}", f"{number:,}".replace(",", "\u2009")):
        assert [c.value for c in counts_in(f"We saw {written} hikers.")] == [number]


# Totals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("We randomly assigned 2972 women, aged 30-70 years, to wool or cotton.", 2972),
        ("Women (n = 235) were randomly assigned to wool or cotton.", 235),
        ("Between May 1999 and December 2001, we accrued 136 adults with cold feet.", 136),
        ("One hundred and twelve women with cold feet were recruited.", 112),
        ("Of 53 adults randomised to wool (n = 25) or cotton (n = 28), 38 completed the trial.", 53),
        ("From March to May, 107 women were randomised and 102 completed the study.", 107),
        ("Among 98 enrolled women, 86 completed the walk.", 98),
        ("A total of 271 women were screened and 82 were randomised.", 82),
        ("The trial was done in 40 healthy volunteers with cold feet.", 40),
        ("Forty adults had their feet measured, 60 adults were randomised.", 60),
        ("After 74 of the planned 92 hikers were enrolled, the trial was stopped.", None),
        ("After 74 of the planned 92 patients were enrolled, the trial was stopped.", 74),
        ("In this trial 44 women were randomly divided into wool (n=22) and cotton (n=22) groups.", 44),
        ("PARTICIPANTS: Three hundred nine adults with cold feet.", 309),
    ],
)
def test_the_sample_is_read_in_the_words_that_reports_use(text, number):
    assert total(text) == number


@pytest.mark.parametrize(
    "text",
    [
        "Women were randomised to wool (n = 60) or cotton (n = 58).",
        "A total of 266 women were assigned to wool and 263 women were assigned to cotton.",
        "The control group included 25 women with warm feet.",
        "Thirty patients per arm were needed for a power of 80%.",
        "Approximately 2000 adults took part.",
        "Cold toes were seen in 12 patients (30%).",
        "Three patients died.",
        "It was measured on days 2 and 3, patients wearing wool.",
        "Patients took 20 mg of wool extract for 12 weeks in 2019.",
    ],
)
def test_a_part_of_the_sample_is_left_open(text):
    assert total(text) is None


def test_numbers_of_groups_speak_for_the_number_that_they_sum_to():
    text = "The trial took place in 45 centres, with 1623 women. {} were assigned to wool and 807 to cotton."
    assert total(text.format("In all, 816 women")) == 1623


def test_randomised_goes_before_enrolled_and_enrolled_before_analysed():
    assert total("We enrolled 90 women. Eighty women were randomised. We analysed 78 women.") == 80
    assert total("We enrolled 90 women. Data were available for 78 women.") == 90


def test_the_abstract_goes_before_the_methods_and_other_studies_are_not_read():
    early = Sentence("We randomised 60 women.", "abstract", True)
    late = Sentence("In all, 75 women were enrolled.", "methods", True)
    other = Sentence("Earlier, 300 women were randomised.", "introduction", True)
    for order in ([early, late, other], [other, late, early]):
        assert total_of(order).value == "60"
    assert total_of([late, other]).value == "75"
    assert total_of([other]) is None


def test_a_hostile_sentence_is_no_number_of_people():
    assert total(HOSTILE) is None
    assert total(f"{HOSTILE} We randomised 60 women.") == 60


@given(st.text(alphabet="0123456789 n=(),.%aofpatientsrandomised-\n", max_size=200))
def test_no_text_breaks_the_reading_and_every_candidate_stands_in_it(text):
    for candidate in candidates(text):
        count = candidate.count
        assert count_of(text[count.start : count.end]) == count.value
    total(text)


# Groups ------------------------------------------------------------------------------------------

HOW_MANY = Measure(title="Number of participants", param_type="COUNT_OF_PARTICIPANTS", unit="Participants")


def sizes(*parts, names=("Wool socks", "Cotton socks"), measure=HOW_MANY):
    groups = tuple(Group(id=f"g{n}", title=name) for n, name in enumerate(names))
    asked = ParticipantsInput(
        report_id="r", title="A trial", passages=paper("A trial", *parts), measure=measure, groups=groups
    )
    answer = participants_of(asked)
    TASK.check(answer, asked)
    for value in answer.values:
        assert value.status == "not_found" or stands_in(value.quote, asked.passages)
    return [value.value for value in answer.values]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Women were randomised to wool (n = 40) or cotton (n = 38).", ["40", "38"]),
        ("Women were randomised to cotton (n = 38) or wool (n = 40).", ["40", "38"]),
        ("We randomised 78 women, 40 to wool and 38 to cotton.", ["40", "38"]),
        ("Forty women received wool and 38 women received cotton.", ["40", "38"]),
        ("Women were assigned to wool (40 women) or cotton (38 women).", ["40", "38"]),
        ("There were n=40 and n=38 in the wool group and the cotton group, respectively.", ["40", "38"]),
        ("Women were randomised to wool (n = 40) or to nothing else (n = 38).", ["40", "38"]),
        ("Frostbite was seen in 12 women (30%) with wool and 8 women (21%) with cotton.", [None, None]),
        ("Frostbite was seen in 12/40 with wool and 8/38 with cotton.", [None, None]),
        ("Women walked for 12 weeks in wool and on day 30 in cotton.", [None, None]),
        ("Women were randomised.", [None, None]),
    ],
)
def test_a_group_has_the_number_beside_its_name(text, expected):
    assert sizes(("abstract", text)) == expected


def test_the_head_of_a_table_tells_where_no_sentence_does():
    table = "Characteristic | Wool (n = 40) | Cotton (n = 38)\nAge (years) | 44.1 | 45.3"
    assert sizes(("Results", "Table 1 Hikers."), ("Results", table)) == ["40", "38"]
    other = table.replace("n = 40", "n = 39")
    assert sizes(("Results", table), ("Results", other)) == [None, "38"]


def test_all_participants_are_the_total_and_another_measure_is_not_a_number_of_people():
    text = "We randomised 78 women, 40 to wool and 38 to cotton."
    assert sizes(("abstract", text), names=("Wool socks", "Cotton socks", "Total")) == ["40", "38", "78"]
    age = Measure(title="Age, Continuous", param_type="MEAN", unit="years")
    assert sizes(("abstract", text), measure=age) == [None, None]
