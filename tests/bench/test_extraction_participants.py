"""The bench of numbers of people: figures by hand, and a run of the real engine over invented abstracts."""

import pytest

from bench.extraction_participants import Sized, participants_rows, read_abstracts, row_of
from model.baseline import BaselineEngine
from model.embedding import NoEmbedder
from tools.errors import InputFileError

TEXT = "We randomised 78 women, 40 to wool and 38 to cotton."


def write(folder, pmid, text, **marked):
    """One abstract with brat spans: kind with `_` for `-`, and the marked text."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{pmid}.txt").write_text(text, encoding="utf-8")
    lines = []
    for number, (kind, what) in enumerate(marked.items(), start=1):
        at = text.index(what)
        lines.append(f"T{number}\t{kind.replace('_', '-')} {at} {at + len(what)}\t{what}\n")
    (folder / f"{pmid}.ann").write_text("".join(lines), encoding="utf-8")


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "extraction" / "pico_corpus"
    write(folder, 1, TEXT, total_participants="78", intervention="wool", control="cotton",
          intervention_participants="40", control_participants="38")  # fmt: skip
    write(folder, 2, TEXT, total_participants="40")
    write(folder, 3, "We studied socks, and marked Sixty.", total_participants="Sixty")
    write(folder, 5, TEXT)
    return tmp_path


def test_a_run_counts_exact_wrong_and_not_found_of_the_part_asked_for(data):
    engine = BaselineEngine(None, NoEmbedder())
    total, groups = participants_rows(data, "held-out", engine)
    assert (total["asked"], total["answered"], total["exact"], total["wrong"]) == (2, 1, 0.5, 0.0)
    assert (total["not_found"], total["grounded"], total["without_gold"], total["failed"]) == (0.5, 1.0, 1, 0)
    assert (groups["reports"], groups["asked"], groups["exact"]) == (1, 2, 1.0)
    (design, none) = participants_rows(data, "design", engine)
    assert (design["asked"], design["wrong"], design["wrong_of_answered"]) == (1, 1.0, 1.0)
    assert (none["asked"], none["exact"], none["grounded"]) == (0, None, None)


def test_the_figures_by_hand():
    found = [
        Sized("1", (60,), 60, grounded=True),
        Sized("2", (70, 65), 65, grounded=True),
        Sized("3", (80,), 81),
        Sized("4", (90,), None),
        Sized("5", (), 12, grounded=True),
        Sized("6", (), None, failed=True),
    ]
    row = row_of("total", found)
    assert (row["asked"], row["exact"], row["exact_first"]) == (4, 0.5, 0.25)
    assert (row["wrong"], row["not_found"], row["wrong_of_answered"]) == (0.25, 0.25, pytest.approx(1 / 3))
    assert (row["grounded"], row["without_gold"], row["failed"]) == (pytest.approx(2 / 3), 1, 1)


def test_what_is_no_corpus_is_said(tmp_path):
    with pytest.raises(InputFileError, match="Remedy"):
        list(read_abstracts(tmp_path, "all"))
    folder = tmp_path / "extraction" / "pico_corpus"
    write(folder, 7, TEXT)
    (folder / "7.ann").write_text("T1 no tabs\n", encoding="utf-8")
    with pytest.raises(InputFileError, match=r"7\.ann"):
        list(read_abstracts(tmp_path, "all"))
