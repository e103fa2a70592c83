"""`import-check`: what a person sees of a file before a review takes it in."""

from pathlib import Path

import pytest

from agent.cli import main
from agent.config import load
from agent.home import Home
from agent.importing import columns_of, searches_told
from agent.review import Review
from tools.errors import ConfigError
from tools.protocol import ManualSource
from tools.search.query import parse
from tools.search.sources.base import DateRange
from tools.search.sources.manual import ManualSearch

RIS = "TY  - JOUR\nTI  - Socks\nAU  - Sock, A\nPY  - 2020\nAN  - 1\nER  - \n"


def check(*given: object) -> int:
    return main(["import-check", *map(str, given)])


def test_a_good_file_is_told_in_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.ris"
    path.write_text(RIS + RIS + RIS.replace("1", "2"))
    assert check(path) == 0
    told = capsys.readouterr().out
    assert "ris: 3 entries = 2 records + 1 repeated + 0 lost" in told
    assert "title 2, abstract 0, authors 2, year 2" in told
    assert "line 7: repeats import:1" in told
    assert "2 records: no abstract" in told


def test_what_is_lost_comes_first_and_is_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, other = tmp_path / "a.ris", tmp_path / "b.ris"
    path.write_text("Provider: X\n" + RIS + "TY  - JOUR\nER  - \n")
    other.write_text("no citations")
    assert check(path, other) == 2
    lines = capsys.readouterr().out.splitlines()
    assert lines.index("  LOST line 8: an entry without any content") < next(
        i for i, line in enumerate(lines) if "line 1: outside" in line
    )
    assert any(line.startswith("  cannot be imported: looks like no format we know") for line in lines)


def test_columns_are_named_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Nr,Name of it\n1,Socks\n")
    assert check(path) == 2
    assert check(path, "--columns", "title=Name of it") == 0
    assert "column of title: Name of it" in capsys.readouterr().out


def test_columns_that_say_nothing_are_refused() -> None:
    assert columns_of(["title=A = B"]) == {"title": "A = B"}
    with pytest.raises(ConfigError) as caught:
        columns_of(["title", "colour=Red"])
    assert len(caught.value.problems) == 2


REVIEW = """
review: {title: Socks, type: other}
question: {framework: PICO, elements: {population: [feet]}}
criteria: [{id: a, kind: include, text: Feet were cold.}]
sources:
  - kind: manual
    name: embase
    platform: Embase.com
    searched_on: 2026-03-01
"""


def problems(folder: Path, more: str) -> list[str]:
    path = folder / "review.yaml"
    path.write_text(REVIEW + more)
    try:
        load(path, {})
    except ConfigError as e:
        return list(e.problems)
    return []


def test_a_manual_search_needs_its_strategy_and_its_files(tmp_path: Path) -> None:
    (tmp_path / "e.ris").write_text(RIS)
    (tmp_path / "e.txt").write_text("sock")
    assert problems(tmp_path, "    hits: 1\n    strategy: sock\n    files: [e.ris]\n") == []
    assert problems(tmp_path, "    hits: 0\n    strategy_file: e.txt\n") == []
    (neither,) = problems(tmp_path, "    hits: 1\n    files: [e.ris]\n")
    assert "strategy" in neither
    assert "is missing" in neither
    (both,) = problems(tmp_path, "    hits: 0\n    strategy: a\n    strategy_file: e.txt\n")
    assert "twice" in both
    (no_files,) = problems(tmp_path, "    hits: 9\n    strategy: a\n")
    assert "9 hits were declared" in no_files
    (gone,) = problems(tmp_path, "    hits: 9\n    strategy_file: f.txt\n    files: [e.ris]\n")
    assert "there is no file" in gone
    (column,) = problems(
        tmp_path, "    hits: 1\n    strategy: a\n    files: [e.ris]\n    columns: {colour: X}\n"
    )
    assert "colour" in column


def test_a_manual_search_has_no_dates_of_ours(tmp_path: Path) -> None:
    (tmp_path / "e.ris").write_text(RIS)
    path = tmp_path / "review.yaml"
    path.write_text(
        REVIEW + "    hits: 1\n    strategy: sock\n    files: [e.ris]\n    kind_in_prisma: website\n"
    )
    (source,) = load(path, {}).config.sources
    assert isinstance(source, ManualSource)
    assert (source.start, source.end, source.kind_in_prisma) == (None, None, "website")


def test_what_an_import_said_is_shown_where_the_review_waits(tmp_path: Path) -> None:
    (tmp_path / "e.ris").write_text(RIS + "TY  - JOUR\nER  - \n" + "stray\n" * 10)
    (tmp_path / "review.yaml").write_text(REVIEW + "    hits: 2\n    strategy: sock\n    files: [e.ris]\n")
    (settings,) = load(tmp_path / "review.yaml", {}).config.sources
    assert isinstance(settings, ManualSource)
    by_hand = ManualSearch(settings, tmp_path)
    result = by_hand.search(parse("sock[ti]"), search_id="1/embase/1", dates=DateRange(), limit=9)
    with Review.open(Home.of(tmp_path), lambda: "2026-03-02T00:00:00Z") as review:
        review.store.open_pass("1", "first")
        review.store.add_search("1", "1/embase/1", by_hand.kind, "basis", result)
        lines = searches_told(review).splitlines()
    assert lines[0] == "Search 1/embase/1: 2 declared, 1 received, 1 missing."
    assert "  warning: e.ris: line 9: outside any entry, not read: 'stray'" in lines
    assert lines[-1] == "  … and 3 more warnings, all in the report"
