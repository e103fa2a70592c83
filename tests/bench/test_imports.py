"""The import bench counts by itself, and sees a field that is gone."""

from pathlib import Path

import pytest

from bench.imports import imported, main, ris_entries, same_as_ris
from tools.schemas import Record

RIS = "TY  - JOUR\nTI  - Socks\nZZ  - x \nER  - \n\n"


def test_a_whole_file_is_complete(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.ris").write_text(RIS)
    row = imported(tmp_path / "a.ris")
    assert (row["expected"], row["entries"], row["ris_fields"], row["ris_fields_kept"]) == (1, 1, 3, 3)
    assert row["complete"]
    main(["--exports", str(tmp_path)])
    assert "files 1, files_complete 1, entries 1" in capsys.readouterr().out


def test_what_is_not_complete_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.ris").write_text(RIS + "TY  - JOUR\nER  - \n")
    (tmp_path / "b.txt").write_text("nothing")
    assert imported(tmp_path / "a.ris")["not_complete"][0].startswith("LOST line 6")
    assert not imported(tmp_path / "b.txt")["complete"]


def test_entries_are_compared_with_order_and_trailing_spaces() -> None:
    assert ris_entries("junk\r\n" + RIS.replace("\n", "\r\n")) == [
        (("TY", "JOUR"), ("TI", "Socks"), ("ZZ", "x "))
    ]


def test_a_record_that_ris_cannot_hold_is_seen() -> None:
    assert same_as_ris(Record(record_id="lib:1", title="Socks", pages="1-2"))
    assert not same_as_ris(Record(record_id="lib:1", title="Socks", keywords=("a", "a\nb")))


@pytest.mark.shared
def test_every_real_export_comes_in_whole_and_ris_keeps_every_field(shared_data: Path) -> None:
    rows = [imported(path) for path in sorted((shared_data / "dedup" / "exports").iterdir())]
    assert len(rows) == 13
    assert [row["file"] for row in rows if not row["complete"]] == []
    assert (
        sum(row["records"] + row["repeated"] for row in rows) == sum(row["expected"] for row in rows) == 6_791
    )
    from_ris = [row for row in rows if row["format"] == "ris"]
    fields = sum(row["ris_fields"] for row in from_ris)
    assert fields == sum(row["ris_fields_kept"] for row in from_ris) > 47_000
