"""A search that a person ran: everything comes in, and what does not add up is said."""

from pathlib import Path
from typing import Any

import pytest

from tools.errors import InputFileError, SourceRefused
from tools.protocol import ColumnField, ManualSource
from tools.schemas import SearchResult, canonical_json
from tools.search.formats.table import COLUMNS
from tools.search.query import parse
from tools.search.sources.base import DateRange, Source
from tools.search.sources.manual import ManualSearch

STRATEGY = "'sock'/exp AND ('cold foot':ti,ab OR feet NEAR/3 warm*)\nAND [2000-2026]/py"


def entry(number: int) -> str:
    return f"TY  - JOUR\nTI  - Invented trial {number}\nPY  - {2000 + number}\nAN  - {number}\nER  - \n"


def event(folder: Path, hits: int, *texts: str, **more: Any) -> ManualSearch:
    names = []
    for number, text in enumerate(texts, 1):
        names.append(f"part{number}.ris")
        (folder / names[-1]).write_text(text)
    said = {"strategy": STRATEGY} | more
    settings = ManualSource(
        kind="manual",
        name="embase",
        platform="Embase.com",
        searched_on="2026-03-01",
        hits=hits,
        files=tuple(names),
        **said,
    )
    return ManualSearch(settings, folder)


def run(source: Source, text: str = "asthma[ti]", limit: int = 100) -> SearchResult:
    return source.search(parse(text), search_id="s1", dates=DateRange(start="2010-01-01"), limit=limit)


def test_all_records_come_in_whatever_is_asked_and_the_strategy_is_the_one_that_was_run(
    tmp_path: Path,
) -> None:
    result = run(event(tmp_path, 3, entry(1) + entry(2), entry(3), limits="English only", searched_by="Ada"))
    assert [r.record_id for r in result.records] == ["embase:1", "embase:2", "embase:3"]
    assert (result.count, result.missing, result.warnings) == (3, (), ())
    assert result.query_sent == STRATEGY
    told = dict(result.parameters)
    files = told.pop("files")
    assert told == {
        "platform": "Embase.com",
        "searched_on": "2026-03-01",
        "searched_by": "Ada",
        "hits_declared": 3,
        "limits": "English only",
    }
    assert [(f["file"], f["format"], f["entries"], len(f["sha256"])) for f in files] == [
        ("part1.ris", "ris", 2, 64),
        ("part2.ris", "ris", 1, 64),
    ]
    assert SearchResult.model_validate_json(canonical_json(result)).records == result.records


def test_the_accounts_balance_and_name_what_was_lost_and_what_came_twice(tmp_path: Path) -> None:
    result = run(event(tmp_path, 5, entry(1) + entry(1) + "TY  - JOUR\nER  - \n" + entry(2), entry(2)))
    assert result.count == len(result.records) + len(result.missing) == 3
    assert result.missing == ("part1.ris: line 11",)
    assert result.warnings == (
        "part1.ris: line 11: an entry without any content",
        "part1.ris: line 6: repeats embase:1; kept once",
        "part2.ris: embase:2 stands in an earlier file too; kept once",
    )


@pytest.mark.parametrize(("hits", "said"), [(4, "4 hits; the files hold 2 entries, 2 fewer"), (1, "1 more")])
def test_declared_hits_that_differ_are_a_warning(tmp_path: Path, hits: int, said: str) -> None:
    (warning,) = run(event(tmp_path, hits, entry(1) + entry(2))).warnings
    assert said in warning
    assert "(2 records, 0 repeated, 0 lost)" in warning


def test_a_search_without_hits_is_an_event_too(tmp_path: Path) -> None:
    result = run(event(tmp_path, 0))
    assert (result.count, result.records, result.warnings, result.query_sent) == (0, (), (), STRATEGY)


def test_an_id_that_means_two_things_in_two_files_keeps_both(tmp_path: Path) -> None:
    result = run(event(tmp_path, 2, entry(1), entry(1).replace("Invented", "Other")))
    assert [r.record_id for r in result.records] == ["embase:1", "embase:1#2"]
    assert "is other content than before; kept as embase:1#2" in result.warnings[0]


def test_it_cannot_be_asked_and_says_so(tmp_path: Path) -> None:
    hits = event(tmp_path, 2, entry(1) + entry(2)).probe(
        parse("a[ti]"), search_id="p", dates=DateRange(), pmids=5
    )
    assert (hits.count, hits.pmids) == (2, ())
    assert "run by hand" in hits.warnings[0]


def test_the_strategy_can_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "embase.txt").write_text(f"\ufeff{STRATEGY}\n", encoding="utf-8")
    source = event(tmp_path, 1, entry(1), strategy=None, strategy_file="embase.txt")
    assert run(source).query_sent == STRATEGY
    (tmp_path / "embase.txt").unlink()
    with pytest.raises(InputFileError, match=r"embase\.txt: the strategy cannot be read"):
        run(source)


def test_more_records_than_the_limit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="2 records, the limit is 1"):
        run(event(tmp_path, 2, entry(1) + entry(2)), limit=1)


def test_columns_of_the_protocol_reach_the_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("Nr,Name of it\n1,Warm socks\n")
    source = event(tmp_path, 1, columns={"title": "Name of it"})
    source = ManualSearch(source.settings.model_copy(update={"files": ("t.csv",)}), tmp_path)
    assert run(source).records[0].title == "Warm socks"
    assert set(ColumnField.__args__) == set(COLUMNS)
