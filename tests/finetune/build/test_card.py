"""The data card: licences, the hash of the data, and the page for people."""

import json

import pytest

from finetune.build.__main__ import main
from finetune.build.card import data_hash, read_card
from finetune.build.licences import forbids
from finetune.instructions import read_rows
from tests.finetune.build.invented_corpus import write_config, write_reviews
from tools.errors import InputFileError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data folder: reviews under a licence that forbids passing on, and invented questions."""
    base = tmp_path_factory.mktemp("card")
    write_reviews(base / "data", licence="texts are their publishers'")
    config = write_config(base)
    assert main([str(config), "--data", str(base / "data"), "--out", str(base / "out")]) == 0
    return base / "out"


@pytest.mark.parametrize(
    ("licence", "free"),
    [
        ("CC BY 4.0", True), ("CC-BY 4.0 (data set and code)", True), ("CC0-1.0", True), ("CC0", True), ("MIT", True),
        ("Apache-2.0", True), ("public domain", True), ("CC BY-SA 3.0", True), ("BSD-3-clause", True),
        ("unknown", False), ("", False), ("CC BY-NC 4.0", False), ("CC BY-ND 4.0", False), ("CC BY-NC-ND 4.0", False),
        ("MIT (repo); abstracts (c) publishers via PubMed", False), ("none stated", False), ("GPL-3", False),
        ("cc-by; text: CC BY 4.0", True), ("Apache-2.0; text: CC BY-NC 4.0", False), ("MIT; text: unknown", False),
        ("MIT (topics); protocols are Cochrane's", False), ("All rights reserved", False),
    ],
)  # fmt: skip
def test_only_licences_that_are_known_to_allow_it_allow_passing_on(licence, free):
    assert (forbids(licence) is None) == free


def test_the_hash_is_of_the_files_and_notices_a_change(folder, tmp_path):
    card = read_card(folder)
    assert data_hash(folder) == card.data_hash
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("work"))
    assert data_hash(copy) == card.data_hash
    (copy / "train" / "more.parquet").write_bytes(b"x")
    with pytest.raises(InputFileError, match=r"train/more\.parquet is not the file"):
        data_hash(copy)
    (copy / "card.json").write_text("{}")
    with pytest.raises(InputFileError, match="no data card"):
        data_hash(copy)
    with pytest.raises(InputFileError, match="no data card"):
        read_card(tmp_path)


def test_the_card_counts_what_lies_in_the_files(folder):
    card = read_card(folder)
    for part in ("train", "validation", "test"):
        rows = list(read_rows(folder / part))
        assert card.rows[part] == len(rows)
        assert sum(one.rows for one in card.counts if one.part == part) == len(rows)
    assert sum(one.rows for one in card.licences) == sum(card.rows.values())
    assert sum(one.rows for one in card.lengths.values()) == sum(card.rows.values())
    assert card.unit == "characters"
    longest = max(len(row.prompt) + len(row.reply) for row in read_rows(folder / "train"))
    assert max(one.longest for one in card.lengths.values()) >= longest


def test_what_cannot_be_passed_on_is_said_with_its_reason(folder):
    card = read_card(folder)
    closed = [one for one in card.licences if one.forbids]
    assert [one.licence for one in closed] == ["texts are their publishers'"]
    assert "publishers'" in card.redistribution
    assert "**Not for redistribution.**" in (folder / "README.md").read_text()


def test_the_card_holds_no_place_of_this_machine_and_no_clock(folder):
    text = (folder / "card.json").read_text() + (folder / "README.md").read_text()
    assert str(folder.parent) not in text
    assert "path" not in json.loads((folder / "card.json").read_text())["settings"]["sources"][0]


def test_the_page_has_a_heading_for_everything_and_whole_tables(folder):
    page = (folder / "README.md").read_text()
    for heading in ("Rows per task and part", "Where they come from", "Licences", "Lengths", "Split",
                    "Leaks between the parts", "What was left out", "Prompts", "Files", "Warnings"):  # fmt: skip
        assert f"\n## {heading}\n" in page
    for block in page.split("\n\n"):
        if block.startswith("|"):
            widths = {line.replace("\\|", "").count("|") for line in block.splitlines()}
            assert len(widths) == 1
    assert read_card(folder).data_hash in page
    assert "invented: has no dates" in page
