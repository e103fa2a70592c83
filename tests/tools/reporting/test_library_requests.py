"""The list for the library: what nobody has got yet, and nothing else."""

import csv
import io

import rispy

from tests.tools.reporting import invented
from tools.fulltext.matching import Standing, Survey
from tools.reporting.data import ReportStatus
from tools.reporting.library_requests import folder_csv, library_requests_csv, library_requests_ris, wanted


def review(*reports, **more):
    """The invented review, whose first lines that passed get these reports."""
    data = invented.review()
    lines = list(data.records)
    places = [n for n, x in enumerate(lines) if x.report is not None and x.full_text is None]
    assert len(places) >= len(reports), "the invented review has too few open reports"
    for place, (status, changes) in zip(places, reports, strict=False):
        line = lines[place]
        lines[place] = line.model_copy(
            update={"report": status, "record": line.record.model_copy(update=changes), **more}
        )
    for place in places[len(reports) :]:
        lines[place] = lines[place].model_copy(update={"report": invented.RETRIEVED})
    return data.model_copy(update={"records": tuple(lines)})


MISSING = ReportStatus(
    state="not_retrieved", why="not retrieved: no file for it in fulltexts/; PMC: not in PMC"
)
SCANNED = ReportStatus(state="unreadable", why="unreadable: its pages are pictures", source="7.pdf")


def test_what_is_missing_or_unreadable_is_asked_for_with_what_was_tried():
    data = review(
        (MISSING, {"title": "Milk\nER  - \nTY  - JOUR", "language": "ger"}),
        (SCANNED, {"title": "=Warm()", "doi": "10.5555/x"}),
    )
    first, second = wanted(data)
    assert (first.state, second.state) == ("not retrieved", "retrieved, not machine-readable")
    entries = rispy.loads(library_requests_ris(data))
    assert len(entries) == 2
    assert "Tried: not retrieved: no file for it in fulltexts/; PMC: not in PMC" in entries[0]["notes"]
    assert entries[1]["doi"] == "10.5555/x"
    rows = list(csv.DictReader(io.StringIO(library_requests_csv(data))))
    assert [row["record_id"] for row in rows] == [w.record.record_id for w in (first, second)]
    assert (rows[0]["language"], rows[0]["state"]) == ("de", "not retrieved")
    assert rows[0]["title"] == "Milk ER - TY - JOUR"
    assert rows[1]["title"] == "'=Warm()"


def test_what_is_there_or_decided_is_not_asked_for():
    data = review((MISSING, {}), full_text=invented.decision("excluded", reason="design"))
    assert wanted(data) == ()
    assert library_requests_ris(data) == ""
    assert library_requests_csv(data).count("\r\n") == 1
    assert wanted(review()) == ()


def test_the_folders_files_come_with_what_belongs_to_nobody_first():
    survey = Survey(
        matched=(
            Standing(file="1.nxml", record_id="a:1", how="its PMID"),
            Standing(file="1.pdf", record_id="a:1", how="its name"),
        ),
        supplements=(Standing(file="1_s1.pdf", record_id="a:1", how="its name"),),
        unmatched=(Standing(file="=x.pdf", how="no report has its identifiers or its title"),),
        several=(("a:1", ("1.nxml", "1.pdf")),),
    )
    rows = list(csv.reader(io.StringIO(folder_csv(survey))))[1:]
    assert [row[:3] for row in rows] == [
        ["'=x.pdf", "no report", ""],
        ["1.nxml", "report", "a:1"],
        ["1.pdf", "another file is read", "a:1"],
        ["1_s1.pdf", "supplement", "a:1"],
    ]
