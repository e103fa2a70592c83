"""Two people read, each without the other's numbers: what holds, what waits, and that nothing said is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphs.consensus import agreed, digest, heard, latest, missing_people, settled_by_hand
from tests.graphs.tables import by, cell, events, paper, quoted

MACHINE = [events("30"), events("21", arm="Water"), cell("arm_role", "experimental", arm="Syrup")]


def read(**people):
    """Each person's readings, entered in this order."""
    return latest((name, cells) for name, cells in people.items())


def only(cells, key=None):
    """The one cell about events of the syrup arm."""
    (found,) = [c for c in cells if c.key == (key or events().key)]
    return found


# Who has read enough -----------------------------------------------------------------------------


def test_people_are_missing_until_enough_have_read_a_report():
    one = [by("ada", events("30"))]
    assert missing_people({}, ["r1"], 2) == {"r1": 2}
    assert missing_people(read(ada=one), ["r1", "r2"], 2) == {"r1": 1, "r2": 2}
    assert missing_people(read(ada=one, bo=one), ["r1", "r2"], 2) == {"r2": 2}
    assert missing_people(read(ada=one, bo=one, cy=one), ["r1"], 2) == {}


def test_one_persons_reading_leaves_the_table_as_it_was():
    other = [by("ada", events("29")), by("ada", events("5", arm="New arm"))]
    assert agreed(MACHINE, read(ada=other), 2) == MACHINE
    assert "29" not in str(agreed(MACHINE, read(ada=other), 2))


def test_a_person_who_enters_twice_is_still_one_person_and_the_last_word_holds():
    twice = latest([("ada", [by("ada", events("29"))]), ("ada", [by("ada", events("30"))])])
    assert agreed(MACHINE, twice, 2) == MACHINE
    assert only(agreed(MACHINE, twice, 1)).value == "30"


def test_what_two_people_read_alike_holds_whatever_the_machine_read():
    same = {name: [by(name, events("29"))] for name in ("ada", "bo")}
    got = only(agreed(MACHINE, read(**same), 2))
    assert (got.value, got.status) == ("29", "ungrounded")
    assert got.readings == ("person:ada: 29", "person:bo: 29", "machine:rules: 30")
    assert got.reader == "person:ada + person:bo"


def test_what_the_machine_alone_read_counts_for_nothing_where_two_people_read():
    same = {name: [by(name, events("30"))] for name in ("ada", "bo")}
    cells = agreed(MACHINE, read(**same), 2)
    water = only(cells, MACHINE[1].key)
    assert (water.value, water.quote, water.status) == (None, None, "not_found")
    assert water.readings == ("machine:rules: 21",)
    assert only(cells, MACHINE[2].key) == MACHINE[2]  # arms are proposed, and settled at the gate


def test_of_a_machine_that_weighed_two_readings_none_is_lost():
    weighed = events("30").model_copy(
        update={"readings": ("machine:big: 30", "rules: 31"), "confidence": 0.1}
    )
    people = {name: [by(name, events("21", arm="Water"))] for name in ("ada", "bo")}
    left = only(agreed([weighed, MACHINE[1]], read(**people), 2))
    assert (left.value, left.readings, left.confidence) == (None, ("machine:big: 30", "rules: 31"), None)
    both = {name: [by(name, events("31"))] for name in ("ada", "bo")}
    got = only(agreed([weighed], read(**both), 2))
    assert got.readings == ("person:ada: 31", "person:bo: 31", "machine:big: 30", "rules: 31")


@pytest.mark.parametrize("second", ["31", "30.5", "none"])
def test_a_conflict_has_no_value_and_no_quote_and_tells_who_said_what(second):
    first = quoted(by("ada", events("30")), "30 of 40 with snail")
    other = by("bo", events(None if second == "none" else second))
    got = only(agreed(MACHINE, read(ada=[first], bo=[other]), 2))
    assert (got.status, got.value, got.quote) == ("conflicting", None, None)
    assert got.readings[0] == "person:ada: 30"
    assert got.readings[1] == ("person:bo: not found" if second == "none" else f"person:bo: {second}")


def test_leaving_a_cell_out_where_the_other_has_a_number_is_a_difference():
    people = read(ada=[by("ada", events("30"))], bo=[by("bo", events("21", arm="Water"))])
    got = only(agreed(MACHINE, people, 2))
    assert got.status == "conflicting"
    assert got.readings[:2] == ("person:ada: 30", "person:bo: left out")


def test_what_nobody_found_in_the_report_is_not_reported():
    silent = {name: [by(name, events(None), status="not_reported")] for name in ("ada", "bo")}
    got = only(agreed(MACHINE, read(**silent), 2))
    assert (got.status, got.value) == ("not_reported", None)
    assert "machine:rules: 30" in got.readings


def test_more_exact_and_other_spellings_of_one_number_agree():
    mean = cell("mean", "12.3", outcome="worry", arm="Syrup")
    people = read(ada=[by("ada", mean)], bo=[by("bo", mean, value="12.34")])
    assert only(agreed([], people, 2), mean.key).value == "12.34"
    months = mean.model_copy(update={"value": "12", "unit": "months"})
    years = mean.model_copy(update={"value": "1", "unit": "year"})
    got = only(agreed([], read(ada=[by("ada", months)], bo=[by("bo", years)]), 2), mean.key)
    assert (got.value, got.unit) == ("12", "months")


def test_a_machine_that_reads_the_same_lends_its_quote_and_raises_confidence():
    machine = [quoted(events("30"), "30 of 40 with snail")]
    alike = {name: [by(name, events("30"))] for name in ("ada", "bo")}
    got = only(agreed(machine, read(**alike), 2))
    assert (got.status, got.quote) == ("grounded", machine[0].quote)
    apart = {name: [by(name, events("31"))] for name in ("ada", "bo")}
    differs = only(agreed(machine, read(**apart), 2))
    assert (differs.value, differs.quote, differs.status) == ("31", None, "ungrounded")
    assert differs.confidence is not None
    assert got.confidence is not None
    assert differs.confidence < got.confidence


def test_a_persons_own_quote_is_kept():
    bo = quoted(by("bo", events("30")), "30 of 40 with snail syrup", paper())
    got = only(agreed([events("30")], read(ada=[by("ada", events("30"))], bo=[bo]), 2))
    assert (got.status, got.quote) == ("grounded", bo.quote)


def test_cells_that_only_people_have_come_last_and_hold():
    extra = {name: [by(name, events("4", arm="Third"))] for name in ("ada", "bo")}
    cells = agreed(MACHINE, read(**extra), 2)
    assert [c.key for c in cells[:3]] == [c.key for c in MACHINE]
    assert (cells[3].arm, cells[3].value) == ("Third", "4")


def test_one_report_that_is_read_does_not_open_another():
    people = {
        "ada": [by("ada", events("30")), by("ada", events("7", report_id="r2"))],
        "bo": [by("bo", events("30"))],
    }
    machine = [events("30"), events("8", report_id="r2")]
    assert only(agreed(machine, read(**people), 2), machine[1].key) == machine[1]


def test_where_one_person_is_enough_the_machine_stands_wherever_that_person_said_nothing():
    cells = agreed(MACHINE, read(ada=[by("ada", events("29"))]), 1)
    assert (only(cells).value, only(cells, MACHINE[1].key)) == ("29", MACHINE[1])


def test_a_third_reader_who_differs_opens_what_two_had_agreed():
    people = read(**{n: [by(n, events(v))] for n, v in (("ada", "30"), ("bo", "30"), ("cy", "31"))})
    got = only(agreed(MACHINE, people, 2))
    assert (got.status, got.value) == ("conflicting", None)
    assert len(got.readings) == 4


# Laws --------------------------------------------------------------------------------------------

ARMS = ("Syrup", "Water")
_values = st.one_of(st.none(), st.sampled_from(["30", "31", "30.0", "7"]))
_cells = st.builds(
    lambda report, arm, value: events(value, arm=arm, report_id=report),
    st.sampled_from(["r1", "r2"]),
    st.sampled_from(ARMS),
    _values,
)
_machine = st.lists(_cells, unique_by=lambda c: c.key, max_size=4)
_entries = st.lists(
    st.tuples(st.sampled_from(["ada", "bo", "cy"]), st.lists(_cells, min_size=1, max_size=4)), max_size=5
)


def named(entries):
    return [(who, [by(who, c) for c in cells]) for who, cells in entries]


@given(_machine, _entries, st.sampled_from([1, 2]))
def test_no_reading_is_lost_and_none_is_shown_too_early(machine, entries, needed):
    people = latest(named(entries))
    cells = agreed(machine, people, needed)
    assert len({c.key for c in cells}) == len(cells)
    assert {c.key for c in machine} <= {c.key for c in cells}
    short = missing_people(people, ["r1", "r2"], needed)
    for one in cells:
        if one.report_id in short:
            assert one in machine  # nothing of people is in it
            continue
        for who, own in people.items():
            if one.key in own:
                said = own[one.key].value or "not found"
                assert f"person:{who}: {said}" in one.readings
    for own in people.values():
        for key in own:
            assert key[0] in short or key in {c.key for c in cells}


@given(_machine, _entries)
def test_a_value_is_what_every_reader_of_the_report_said(machine, entries):
    people = latest(named(entries))
    short = missing_people(people, ["r1", "r2"], 2)
    for one in agreed(machine, people, 2):
        if one.report_id in short:
            continue
        said = [own.get(one.key) for own in people.values() if any(k[0] == one.report_id for k in own)]
        values = {None if c is None or c.value is None else float(c.value) for c in said}
        assert one.status != "conflicting" or one.value is None
        if one.value is not None:
            assert len(said) >= 2
            assert values == {float(one.value)}
        elif values - {None}:
            assert one.status == "conflicting"


@given(_machine, _entries, st.randoms(use_true_random=False), st.sampled_from([1, 2]))
def test_the_order_in_which_people_enter_changes_nothing(machine, entries, random, needed):
    whole = {who: [c for w, cells in named(entries) if w == who for c in cells] for who, _ in named(entries)}
    # Of one cell a person's last word holds, so each cell is entered once.
    once = {who: list({c.key: c for c in cells}.values()) for who, cells in whole.items()}
    lines = [(who, [c]) for who, cells in once.items() for c in cells]
    turned = list(lines)
    random.shuffle(turned)
    first, second = latest(lines), latest(turned)
    assert agreed(machine, first, needed) == agreed(machine, second, needed)
    assert digest(first) == digest(second)


def test_the_digest_changes_with_every_change_of_a_reading():
    first = read(ada=[by("ada", events("30"))])
    assert digest(first) == digest(read(ada=[by("ada", events("30"))]))
    assert digest(first) != digest(read(ada=[by("ada", events("31"))]))
    assert digest(first) != digest(read(bo=[by("bo", events("30"))]))
    assert digest({}) != digest(first)


# Settled by hand ---------------------------------------------------------------------------------


def settled(one, value):
    return one.model_copy(
        update={
            "value": value, "status": "ungrounded", "reader": "person:ada", "reason": "settled by ada",
            "readings": heard(one),
        }
    )  # fmt: skip


def test_settling_stays_while_the_readers_say_the_same():
    conflict = only(agreed(MACHINE, read(ada=[by("ada", events("30"))], bo=[by("bo", events("31"))]), 2))
    hand = settled(conflict, "31")
    assert settled_by_hand([conflict, MACHINE[1]], [hand]) == [hand, MACHINE[1]]


def test_settling_a_machines_only_reading_stays_while_the_machine_says_the_same():
    hand = settled(MACHINE[0], "29")
    assert settled_by_hand(MACHINE, [hand])[0] == hand
    assert settled_by_hand([events("31"), *MACHINE[1:]], [hand])[0] == events("31")


def test_settling_is_open_again_when_a_reader_says_something_else():
    first = only(agreed(MACHINE, read(ada=[by("ada", events("30"))], bo=[by("bo", events("31"))]), 2))
    again = only(agreed(MACHINE, read(ada=[by("ada", events("29"))], bo=[by("bo", events("31"))]), 2))
    assert settled_by_hand([again], [settled(first, "31")]) == [again]


def test_settling_again_keeps_what_the_readers_said_at_first():
    hand = settled(settled(MACHINE[0], "29"), "28")
    assert hand.readings == ("machine:rules: 30",)
    assert settled_by_hand(MACHINE, [hand])[0].value == "28"


def test_a_cell_that_only_a_person_at_the_gate_has_stays():
    extra = by("ada", events("4", arm="Third"), reason="settled by ada", status="ungrounded")
    assert settled_by_hand(MACHINE, [extra]) == [*MACHINE, extra]


def test_a_cell_that_nobody_settled_is_taken_anew():
    before = [events("1"), by("ada", events("2", arm="Water"))]
    assert settled_by_hand(MACHINE, before) == MACHINE


@given(_machine, st.lists(_values, min_size=4, max_size=4))
def test_settling_survives_a_rebuild_exactly_as_long_as_the_readings_are_the_same(machine, new):
    hand = [settled(c, "99") for c in machine]
    rebuilt = [
        c.model_copy(update={"value": v, "status": "not_found" if v is None else "ungrounded"})
        for c, v in zip(machine, new, strict=False)
    ]
    for old, now, kept in zip(machine, rebuilt, settled_by_hand(rebuilt, hand), strict=True):
        assert (kept.value == "99") == (old.value == now.value)
