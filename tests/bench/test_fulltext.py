"""The bench of full texts: what the XML holds is counted by itself, and a lost or moved cell is seen."""

import gzip
import json
from collections import Counter

import pytest
from lxml import etree

from bench import fulltext
from bench.fulltext import Read, cells_of, grid_of

TABLE = """<table><thead><tr><th rowspan="2">Snails</th><th colspan="2">Days<xref ref-type="table-fn">a</xref></th></tr>
<tr><th>1</th><th>2</th></tr></thead><tbody><tr><td>Slow</td><td>3 (50%)</td><td/></tr></tbody></table>"""
XML = f"""<article><front><article-meta><title-group><article-title>Snails</article-title></title-group>
</article-meta></front><body><sec><title>Results</title><p>They were slow.</p>
<table-wrap><label>Table 1</label>{TABLE}</table-wrap></sec></body></article>"""
LINES = [["Snails", "Days", "Days"], ["Snails", "1", "2"], ["Slow", "3 (50%)", ""]]


def test_spans_fill_their_places_and_marks_do_not_count():
    assert grid_of(etree.fromstring(TABLE)) == LINES
    counted = cells_of(XML.encode())
    assert counted.cells == Counter(["snails", "days", "1", "2", "slow", "350"])
    assert counted.grids == [LINES]


@pytest.mark.parametrize(
    ("tables", "recovered", "in_place"),
    [
        ([LINES], 6, 8),
        ([], 0, 0),
        ([[*LINES[:2], ["Slow", "", "3 (50%)"]]], 6, 7),
        ([[["Snails", "Days"], ["1", "2"], ["Slow", "4 (50%)"]]], 5, 3),
        ([[["?"]], LINES], 6, 8),
    ],
    ids=["whole", "none", "moved", "wrong", "one too many"],
)
def test_lost_and_moved_cells_are_seen(tables, recovered, in_place):
    counted = cells_of(XML.encode())
    read = Read(0.0, 1, tables)
    assert fulltext._recovered(read, counted) == recovered
    assert fulltext._in_place(read, counted) == in_place


def test_the_bench_runs_and_writes(tmp_path, capsys):
    (tmp_path / "PMC1.nxml.gz").write_bytes(gzip.compress(XML.encode()))
    (tmp_path / "PMC2.nxml.gz").write_bytes(gzip.compress(b"<article>"[:-1] + b"/>"))
    with pytest.raises(etree.XMLSyntaxError):
        cells_of(b"<article>")
    fulltext.main(["--data", str(tmp_path), "--rounds", "1", "--out", str(tmp_path / "out.json")])
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["summary"]["cells"] == 6
    assert written["summary"]["cells_recovered"] == written["summary"]["cells_in_place"] == 1.0
    assert written["summary"]["failed"] == 1
    ours, peer = written["rows"]
    assert (ours["reader"], peer["reader"]) == ("ours", "pubmed_parser")
    assert "cells_recovered 1.0" in capsys.readouterr().out


def test_an_empty_folder_is_no_result(tmp_path):
    with pytest.raises(SystemExit, match="see --data"):
        fulltext.main(["--data", str(tmp_path)])


@pytest.mark.shared
def test_every_cell_of_real_tables_is_recovered_in_its_place(shared_data):
    paths = sorted((shared_data / "jats").glob("*.nxml.gz"))[::6]
    rows, _ = fulltext.measured(paths, 1)
    assert rows[0]["cells"] > 5000
    assert rows[0]["recovered"] == rows[0]["cells"]
    assert rows[0]["place_share"] == 1.0
    assert rows[0]["failed"] == 0
