"""Tables taken apart: headings, stubs, sections, footnotes and offsets. All tables are invented."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.fulltext.tables import bare, is_blank, tables_in, tables_of
from tools.schemas import FullText, Passage

CAPTION = "Table 2. Outcomes at week 12 (mean ± SD)."


def text_of(*parts):
    """A full text of (kind, text) parts with right offsets."""
    passages, at = [], 0
    for kind, text in parts:
        passages.append(Passage(section="Results", kind=kind, start=at, text=text))
        at += len(text) + 1
    canonical = "\n".join(text for _, text in parts)
    return FullText(report_id="r", source="test", canonical=canonical, passages=tuple(passages))


def table(*lines, caption=CAPTION, notes=()):
    text = text_of(("caption", caption), ("table", "\n".join(lines)), *(("caption", note) for note in notes))
    (found,) = tables_of(text)
    for row in found.rows:
        assert all(text.canonical[cell.start : cell.end] == cell.text for cell in row.cells)
    return found


def test_headings_of_several_levels_are_paths():
    found = table(
        " | Wool (n = 40) | Wool (n = 40) | Cotton (n = 38) | Cotton (n = 38)",
        "Outcome | Baseline | Week 12 | Baseline | Week 12",
        "Toe temperature | 28.1 ± 1.0 | 31.2 ± 0.8 | 28.3 ± 1.1 | 29.9 ± 0.9",
    )
    assert (found.name, found.stub) == ("Table 2", 1)
    (row,) = found.rows
    assert row.label == ("Toe temperature",)
    assert row.columns[2] == ("Wool (n = 40)", "Week 12")


def test_a_line_of_one_text_heads_the_rows_below_it():
    found = table(
        " | Wool | Cotton",
        "Feet | Feet | Feet",
        "Blisters | 6 | 12",
        "Hands |  | ",
        "Chilblains | 1 | 2",
    )
    assert [(row.section, row.label) for row in found.rows] == [
        ("Feet", ("Blisters",)),
        ("Hands", ("Chilblains",)),
    ]


def test_the_stub_may_have_several_columns_and_blanks_mean_what_stands_above():
    found = table(
        "Outcome | Group | Mean (SD)",
        "Toe temperature | Wool | 31.2 (0.8)",
        " | Cotton | 29.9 (0.9)",
        "Steps | Wool | 1,234 (210)",
        " | Cotton | 1,180 (199)",
    )
    assert found.stub == 2
    assert [row.label for row in found.rows] == [
        ("Toe temperature", "Wool"), ("Toe temperature", "Cotton"), ("Steps", "Wool"), ("Steps", "Cotton"),
    ]  # fmt: skip


def test_values_that_cannot_be_read_are_no_stub():
    found = table(
        "Outcome | Wool | Cotton",
        "Toes | 31.2 (0.8); (22) | 29.9 (0.9); (21)",
        "Feet | 3 (1); (22) | 4 (1); (20)",
    )
    assert found.stub == 1


def test_a_heading_line_among_values_takes_the_innermost_place():
    found = table(
        " | Wool | Wool | Cotton | Cotton",
        " | Mean | P | Mean | P",
        "Toes | 31.2 | 0.1 | 29.9 | 0.2",
        "Blisters | n (%) | P | n (%) | P",
        "Any | 6 (15.0) | 0.3 | 12 (31.6) | 0.4",
    )
    assert found.rows[0].columns[1] == ("Wool", "Mean")
    assert (found.rows[1].columns[1], found.rows[1].section) == (("Wool", "n (%)"), "Blisters")


def test_a_line_of_sizes_among_values_stands_under_the_groups():
    found = table(" | Wool | Cotton", "Toes | 31.2 | 29.9", " | (n = 20) | (n = 25)", "Feet | 3 | 4")
    assert found.rows[1].columns[1] == ("Wool", "(n = 20)")


def test_numbered_columns_under_a_spanning_heading_are_a_heading():
    found = table(" | Minute | Minute | Minute", " | 1 | 2 | 3", "Wool | 31 | 32 | 33")
    assert found.rows[0].columns[3] == ("Minute", "3")


def test_captions_behind_a_table_are_its_footnotes_and_their_letters_are_marks():
    text = text_of(
        ("caption", CAPTION),
        ("table", " | Wool | Cotton\nItch scorea | 3 | 4"),
        ("caption", "aMedian of three days."),
        ("caption", "Adjusted for age."),
        ("caption", "Table 3. More."),
        ("table", " | Wool\nSteps | 5"),
    )
    first, second = tables_of(text)
    assert [note.mark for note in first.notes] == ["a", ""]
    assert (first.marks, second.caption, second.notes) == (frozenset("a"), "Table 3. More.", ())
    assert text.canonical[first.notes[0].start :].startswith("aMedian")


def test_letters_of_footnotes_are_no_part_of_a_label():
    assert bare("Itch scorea (points)", frozenset("ab")) == "Itch score (points)"
    assert bare("Area", frozenset("b")) == "Area"
    assert bare("Area", frozenset()) == "Area"


@pytest.mark.parametrize(
    ("cell", "blank"), [("", True), ("–", True), ("N/A", True), ("0", False), ("no", False)]
)
def test_a_dash_says_nothing_and_a_nought_does(cell, blank):
    assert is_blank(cell) is blank


def test_a_table_without_values_has_no_rows_and_one_of_one_line_is_read():
    assert table("Wool | Cotton").rows == ()
    assert table("").rows == ()


@given(
    st.lists(
        st.lists(st.sampled_from(["", "a", "12", "3 (1)", "n = 4", "x | y", "p"]), min_size=1, max_size=5),
        max_size=8,
    )
)
def test_any_table_keeps_its_cells_at_their_places(lines):
    text = text_of(("caption", CAPTION), ("table", "\n".join(" | ".join(line) for line in lines)))
    for found in tables_in(text.passages):
        for row in found.rows:
            assert len(row.columns) == len(row.cells)
            assert all(text.canonical[cell.start : cell.end] == cell.text for cell in row.cells)
