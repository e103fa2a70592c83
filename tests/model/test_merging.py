"""What parts of a text come to together: every pair of labels, and no verdict that hangs on their order."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.engine import Answer, Request, parse_answer
from model.merging import MERGES, Part
from model.tasks import (
    ALL,
    arms,
    bias,
    characteristics,
    direction,
    participants,
    question,
    rationale,
    results,
    screen,
)
from tools.schemas import Criterion, FieldSpec, canonical_json

SHOWN, BARE = "forty adults with a cough", "words that stand nowhere"
PAPER = {"report_id": "lib:1", "title": "t", "passages": ()}


def part(n, value):
    return Part(
        f"part {n}", f"Here are {SHOWN} and number {n}.", Answer(value, canonical_json(value), f"key-{n}")
    )


def merged(asked, task, *values):
    """The merged value, read back as the whole's answer; and what was merged."""
    done = MERGES[task.id](asked, [part(n, value) for n, value in enumerate(values, 1)])
    raw = canonical_json(task.answer.model_construct(**done.fields))
    return parse_answer(Request(task, asked), raw), done


def test_every_task_with_a_text_has_rules():
    assert set(MERGES) == set(ALL) - {"pico", "query", "summary"}


# Screening ---------------------------------------------------------------------------------------

Y, P, N, U = "YES", "PARTIAL", "NO", "UNCERTAIN"
LABELS = (Y, P, N, U)


def asked_about(kind):
    criterion = Criterion(id="cough", kind=kind, text="People with a cough.")
    return screen.ScreenInput(record_id="lib:1", criteria=(criterion,), text="whole")


def judged(label, quote):
    quote = "" if label == U else quote
    judgement = screen.Judgement(
        criterion_id="cough", label=label, quote=quote, rationale="r", confidence=0.9
    )
    return screen.ScreenAnswer(verdicts=(judgement,))


def verdict(kind, *said):
    value, done = merged(asked_about(kind), screen.TASK, *(judged(label, quote) for label, quote in said))
    return value.verdicts[0], done


TABLE = {
    (Y, Y): Y, (Y, P): P, (Y, N): U, (Y, U): Y,
    (P, P): P, (P, N): U, (P, U): P,
    (N, N): N, (N, U): N,
    (U, U): U,
}  # fmt: skip
"""Two labels, both shown, to what they come to: for either kind of criterion."""


@pytest.mark.parametrize("kind", ["include", "exclude"])
@pytest.mark.parametrize(("one", "other"), list(itertools.product(LABELS, repeat=2)))
def test_every_pair_of_labels_with_evidence(kind, one, other):
    expected = TABLE.get((one, other)) or TABLE[other, one]
    assert verdict(kind, (one, SHOWN), (other, SHOWN))[0].label == expected


@pytest.mark.parametrize(("kind", "ruling_out", "passing"), [("include", N, Y), ("exclude", Y, N)])
def test_what_would_exclude_needs_evidence_against_another_label(kind, ruling_out, passing):
    assert verdict(kind, (ruling_out, BARE), (U, ""))[0].label == U
    assert verdict(kind, (ruling_out, BARE), (passing, SHOWN))[0].label == passing
    assert verdict(kind, (ruling_out, BARE), (P, BARE))[0].label == P
    judgement, done = verdict(kind, (U, ""), (ruling_out, BARE))
    assert "not counted" in done.all_notes[0]
    assert ruling_out in done.all_notes[0]
    assert done.ones["cough"].source.part.where == "part 1"
    assert judgement.rationale == "r"


@pytest.mark.parametrize(("kind", "passing"), [("include", Y), ("exclude", N)])
def test_what_passes_a_record_on_needs_none(kind, passing):
    assert verdict(kind, (passing, BARE), (U, ""))[0].label == passing
    assert verdict(kind, (P, BARE), (U, ""))[0].label == P


@pytest.mark.parametrize("label", LABELS)
def test_agreement_stands_with_the_evidence_that_can_be_found(label):
    judgement, done = verdict("include", (label, BARE), (label, SHOWN), (label, BARE))
    assert judgement.label == label
    assert done.all_notes == ()
    if label != U:
        assert judgement.quote == SHOWN
        assert done.ones["cough"].source.part.answer.key == "key-2"


def test_yes_against_no_names_both_quotes_and_goes_to_a_person():
    judgement, done = verdict("include", (Y, SHOWN), (N, "number 2"))
    assert (judgement.label, judgement.quote, judgement.confidence) == (U, "", None)
    assert SHOWN in judgement.rationale
    assert "number 2" in judgement.rationale
    assert f"YES in part 1 “{SHOWN}”" in done.all_notes[0]
    assert "NO in part 2 “number 2”" in done.all_notes[0]
    assert not done.ones["cough"].own


def test_the_longest_quotes_fit_into_a_rationale():
    long = "forty adults with a cough " * 23
    values = [judged(label, long[:600]) for label in (Y, P, N)]
    assert len(merged(asked_about("include"), screen.TASK, *values)[0].verdicts[0].rationale) <= 600


def test_yes_with_partial_is_partial_and_a_person_is_told():
    judgement, done = verdict("exclude", (Y, SHOWN), (P, "number 2"))
    assert (judgement.label, judgement.quote) == (P, "number 2")
    assert "YES in part 1" in done.all_notes[0]


said = st.tuples(st.sampled_from(LABELS), st.sampled_from([SHOWN, BARE]))


@settings(max_examples=300)
@given(st.sampled_from(["include", "exclude"]), st.lists(said, min_size=1, max_size=5), st.randoms())
def test_the_order_of_the_parts_changes_no_verdict(kind, labels, chance):
    shuffled = list(labels)
    chance.shuffle(shuffled)
    assert verdict(kind, *labels)[0].label == verdict(kind, *shuffled)[0].label


@settings(max_examples=300)
@given(st.sampled_from(["include", "exclude"]), st.lists(said, min_size=2, max_size=5))
def test_a_text_is_ruled_out_only_by_parts_that_agree_or_by_evidence_that_nothing_contradicts(kind, labels):
    ruling_out = N if kind == "include" else Y
    if verdict(kind, *labels)[0].label == ruling_out:
        given_labels = {label for label, _ in labels}
        assert given_labels <= {ruling_out, U}
        assert given_labels == {ruling_out} or (ruling_out, SHOWN) in labels


def test_criteria_are_merged_one_by_one_and_keep_their_own_calls():
    criteria = tuple(Criterion(id=i, kind="include", text=i) for i in ("a", "b"))
    asked = screen.ScreenInput(record_id="lib:1", criteria=criteria, text="whole")

    def answer(**labels):
        return screen.ScreenAnswer(
            verdicts=tuple(
                screen.Judgement(criterion_id=i, label=x, quote="" if x == U else SHOWN)
                for i, x in labels.items()
            )
        )

    value, done = merged(asked, screen.TASK, answer(a=Y, b=U), answer(b=N, a=U))
    assert [(v.criterion_id, v.label) for v in value.verdicts] == [("a", Y), ("b", N)]
    assert {key: one.source.part.answer.key for key, one in done.ones.items()} == {"a": "key-1", "b": "key-2"}


# Direction, bias, rationale ----------------------------------------------------------------------

DIRECTIONS = ("increased", "decreased", "no_difference", "uncertain")
ASKED_DIRECTION = direction.DirectionInput(**PAPER, intervention="syrup", comparator="water", outcome="cough")


def towards(*told):
    values = [direction.DirectionAnswer(direction=d, quote="" if d == "uncertain" else q) for d, q in told]
    value, done = merged(ASKED_DIRECTION, direction.TASK, *values)
    return value.direction, done


@pytest.mark.parametrize(("one", "other"), list(itertools.product(DIRECTIONS, repeat=2)))
def test_every_pair_of_directions(one, other):
    kinds = {one, other} - {"uncertain"}
    expected = next(iter(kinds)) if len(kinds) == 1 else "uncertain"
    assert towards((one, SHOWN), (other, SHOWN))[0] == expected


def test_a_direction_that_nothing_shows_yields():
    assert towards(("increased", BARE), ("uncertain", ""))[0] == "uncertain"
    assert towards(("increased", BARE), ("decreased", SHOWN))[0] == "decreased"
    assert towards(("increased", BARE), ("decreased", BARE))[0] == "uncertain"
    assert towards(("increased", BARE), ("increased", BARE))[0] == "increased"


SIGNALS = ("Y", "PY", "PN", "N", "NI", "NA")


def signalled(*told, options=SIGNALS):
    ask = bias.SignallingQuestion(id="1.1", domain="d", text="t", options=options)
    asked = bias.BiasInput(**PAPER, result="cough", questions=(ask,))

    def one(answer, quote):
        quote = "" if answer in ("NI", "NA") else quote
        return bias.BiasAnswer(
            answers=(bias.SignallingAnswer(question_id="1.1", quote=quote, answer=answer),)
        )

    value, done = merged(asked, bias.TASK, *(one(*each) for each in told))
    return value.answers[0].answer, done


def expected_signal(one, other):
    left = {one, other}
    for silent in ("NA", "NI"):
        left = left - {silent} or {silent}
    if len(left) == 1:
        return left.pop()
    return {frozenset({"Y", "PY"}): "PY", frozenset({"N", "PN"}): "PN"}.get(frozenset(left), "NI")


@pytest.mark.parametrize(("one", "other"), list(itertools.product(SIGNALS, repeat=2)))
def test_every_pair_of_signals(one, other):
    if {one, other} == {"NA", "NI"}:
        assert signalled((one, ""), (other, ""))[0] == "NI"
    else:
        assert signalled((one, SHOWN), (other, SHOWN))[0] == expected_signal(one, other)


def test_a_question_that_offers_no_ni_is_answered_as_the_first_part_shows_it_with_a_note():
    answer, done = signalled(("Y", BARE), ("N", SHOWN), ("Y", SHOWN), options=("Y", "PY", "PN", "N"))
    assert answer == "N"
    assert "the first stands" in done.all_notes[-1]


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.sampled_from(SIGNALS), st.sampled_from([SHOWN, BARE])), min_size=1, max_size=5),
    st.randoms(),
)
def test_the_order_of_the_parts_changes_no_signal_and_no_direction(told, chance):
    shuffled = list(told)
    chance.shuffle(shuffled)
    assert signalled(*told)[0] == signalled(*shuffled)[0]
    as_direction = dict(zip(SIGNALS, (*DIRECTIONS, *DIRECTIONS), strict=False))
    assert (
        towards(*((as_direction[s], q) for s, q in told))[0]
        == towards(*((as_direction[s], q) for s, q in shuffled))[0]
    )


@pytest.mark.parametrize(
    ("label", "told", "expected"),
    [
        ("NO", [(False, ""), (True, SHOWN)], True),
        ("NO", [(False, ""), (True, BARE)], False),
        ("YES", [(True, BARE), (True, BARE)], True),
        ("YES", [(False, ""), (False, "")], False),
        ("UNCERTAIN", [(True, SHOWN), (True, "")], True),
        ("UNCERTAIN", [(True, SHOWN), (False, "")], False),
    ],
)
def test_one_part_bears_a_verdict_out_but_uncertain_needs_all(label, told, expected):
    criterion = Criterion(id="cough", kind="include", text="People with a cough.")
    asked = rationale.RationaleInput(record_id="lib:1", criterion=criterion, label=label, text="whole")
    values = [rationale.RationaleAnswer(quote=q, supported=s, rationale="r") for s, q in told]
    value, done = merged(asked, rationale.TASK, *values)
    assert value.supported is expected
    assert bool(done.all_notes) == (len({s for s, _ in told}) > 1)


# Values ------------------------------------------------------------------------------------------


def cells(*told):
    asked = characteristics.CharacteristicsInput(
        report_id="lib:1", title="t", fields=(FieldSpec(id="size", question="How many?"),), passages=()
    )
    values = [
        characteristics.CharacteristicsAnswer(
            cells=(characteristics.FieldAnswer(field_id="size", status=s, value=v, quote=q),)
        )
        for s, v, q in told
    ]
    value, done = merged(asked, characteristics.TASK, *values)
    return value.cells[0], done


NOT_REPORTED, NOT_FOUND = ("not_reported", None, ""), ("not_found", None, "")


def test_a_found_value_wins_wherever_it_stands():
    for others in itertools.product([NOT_REPORTED, NOT_FOUND], repeat=2):
        for at in range(3):
            told = [*others]
            told.insert(at, ("found", "40", SHOWN))
            cell, done = cells(*told)
            assert (cell.status, cell.value) == ("found", "40")
            assert done.ones["size"].source.part.answer.key == f"key-{at + 1}"
            assert done.all_notes == ()


def test_not_reported_needs_every_part_to_say_so():
    assert cells(NOT_REPORTED, NOT_REPORTED)[0].status == "not_reported"
    assert cells(NOT_REPORTED, NOT_FOUND)[0].status == "not_found"
    assert cells(NOT_FOUND, NOT_REPORTED)[0].status == "not_found"


def test_of_two_values_the_first_that_is_shown_stands_and_the_other_is_named():
    cell, done = cells(("found", "41", BARE), ("found", "40", SHOWN), ("found", "42", "number 3"))
    assert cell.value == "40"
    assert "Taken: 40 in part 2" in done.all_notes[0]
    assert "41 in part 1" in done.all_notes[0]
    assert "42 in part 3" in done.all_notes[0]


def test_the_same_value_in_other_spelling_is_no_difference():
    cell, done = cells(("found", "Forty  adults", SHOWN), ("found", "forty adults", SHOWN))
    assert cell.value == "Forty  adults"
    assert done.all_notes == ()


def test_groups_are_merged_like_cells():
    groups = (participants.Group(id="BG0", title="Syrup"), participants.Group(id="BG1", title="Water"))
    asked = participants.ParticipantsInput(**PAPER, measure=participants.Measure(title="Age"), groups=groups)

    def told(**values):
        return participants.ParticipantsAnswer(
            values=tuple(
                participants.GroupValue(
                    group_id=g, status="found" if v else "not_reported", value=v, quote=SHOWN
                )
                for g, v in values.items()
            )
        )

    value, done = merged(asked, participants.TASK, told(BG0="40", BG1=None), told(BG0="41", BG1="39"))
    assert [(v.status, v.value) for v in value.values] == [("found", "40"), ("found", "39")]
    assert len(done.all_notes) == 1
    assert done.all_notes[0].startswith("BG0: ")


def test_a_result_is_taken_whole_from_the_part_that_shows_most_of_it():
    asked = results.ResultsInput(
        **PAPER, outcome=results.OutcomeMeasure(title="Cough"), group=results.TrialGroup(title="Syrup")
    )

    def told(unit, *values):
        numbers = tuple(results.ResultValue(value=v, quote=q) for v, q in values)
        return results.ResultsAnswer(status="found" if numbers else "not_reported", unit=unit, values=numbers)

    value, done = merged(
        asked, results.TASK, told("days", ("1", BARE)), told("nights", ("2", SHOWN)), told("")
    )
    assert (value.unit, value.values[0].value) == ("nights", "2")
    assert done.ones[""].source.part.answer.key == "key-2"
    assert "days: 1 in part 1" in done.all_notes[0]
    assert merged(asked, results.TASK, told(""), told(""))[0].status == "not_reported"


def arm(label, kind="EXPERIMENTAL", quote=SHOWN, description=""):
    return arms.Arm(label=label, type=kind, quote=quote, description=description)


def all_arms(*told):
    values = [arms.ArmsAnswer(status="found" if each else "not_found", arms=tuple(each)) for each in told]
    return merged(arms.ArmsInput(**PAPER), arms.TASK, *values)


def test_arms_are_united_by_their_label_each_from_the_part_that_says_most():
    value, done = all_arms(
        [arm("Syrup"), arm("Water", "PLACEBO_COMPARATOR")],
        [],
        [
            arm("syrup ", description="5 ml each night"),
            arm("Water", "PLACEBO_COMPARATOR", quote=BARE, description="x"),
        ],
    )
    assert [(a.label, a.description) for a in value.arms] == [("syrup ", "5 ml each night"), ("Water", "")]
    assert {key: one.source.part.answer.key for key, one in done.ones.items()} == {
        "syrup ": "key-3",
        "Water": "key-1",
    }
    assert done.all_notes == ()


def test_arms_under_different_names_are_all_kept_and_a_person_is_told():
    value, done = all_arms([arm("Syrup"), arm("Water")], [arm("Snail syrup"), arm("Water", "OTHER")])
    assert [a.label for a in value.arms] == ["Syrup", "Water", "Snail syrup"]
    assert "two names" in done.all_notes[0]
    assert "differ about its type" in done.all_notes[1]


def test_arms_beyond_what_an_answer_holds_are_named():
    value, done = all_arms([arm(f"A{n}") for n in range(15)], [arm(f"B{n}") for n in range(15)])
    assert len(value.arms) == 20
    assert "B14 (part 2)" in done.all_notes[0]


def test_no_arms_are_not_reported_only_if_every_part_says_so():
    none, unsure = arms.ArmsAnswer(status="not_reported"), arms.ArmsAnswer(status="not_found")
    asked = arms.ArmsInput(**PAPER)
    assert merged(asked, arms.TASK, none, none)[0].status == "not_reported"
    assert merged(asked, arms.TASK, none, unsure)[0].status == "not_found"


def test_statements_of_all_parts_are_kept_each_once():
    sources = (question.SourceText(record_id="a", text="t"), question.SourceText(record_id="b", text="t"))
    asked = question.QuestionInput(question="Does it help?", sources=sources)
    one, other = (question.Statement(record_id=i, quote=SHOWN, text=f"It does, says {i}.") for i in "ab")
    silent = question.QuestionAnswer(status="not_in_the_records")

    def told(*statements):
        return question.QuestionAnswer(status="answered", statements=statements)

    assert merged(asked, question.TASK, told(one), silent, told(other, one))[0] == told(one, other)
    assert merged(asked, question.TASK, silent, silent)[0] == silent
    many = [question.Statement(record_id="a", quote=SHOWN, text=f"Point {n}.") for n in range(30)]
    value, done = merged(asked, question.TASK, told(*many[:15]), told(*many[15:]))
    assert len(value.statements) == 20
    assert "left out: [a] Point 29." in done.all_notes[-1]
