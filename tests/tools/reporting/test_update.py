"""Updated reviews and other methods: the boxes by hand, their equations, and the pictures."""

import csv
import io
import re
from xml.etree import ElementTree

import pytest

from tests.tools.reporting.invented import decision, full, record, review, search
from tests.tools.reporting.updated import BEFORE, lines, updated
from tools.reporting.data import ReviewData
from tools.reporting.diagram import svg
from tools.reporting.export import decisions_csv, earlier_csv, included_ris
from tools.reporting.page import html
from tools.reporting.prisma import Unbalanced, check, count, equations, ledger
from tools.reporting.text import original_text
from tools.reporting.words import summary, version_sentences

SVG = "{http://www.w3.org/2000/svg}"


def words(data: ReviewData) -> str:
    root = ElementTree.fromstring(svg(count(data)))
    return re.sub(r"\s+", " ", " ".join(t.text or "" for t in root.iter(f"{SVG}text")))


def test_the_column_of_databases_by_hand() -> None:
    c = count(updated())
    # pubmed brought 504, 601, 602, 603 and 604; 503 was taken up again.
    assert (c.identified, c.repeats, c.duplicates, c.seen_before) == (6, 0, 1, 1)
    assert (c.screening.decided, c.screening.excluded.n, c.sought, c.eligibility.passed) == (4, 2, 2, 2)


def test_the_column_of_other_methods_by_hand() -> None:
    c = count(updated()).other
    assert c is not None
    # Of five records one is in the database's column, one a duplicate of what is there, one irrelevant.
    assert (c.identified, c.repeats, c.duplicates) == (5, 1, 1)
    assert (c.screening.excluded.n, c.sought, c.eligibility.decided) == (1, 2, 2)
    assert (c.eligibility.passed, [r.excluded.n for r in c.reasons]) == (1, [1])


def test_the_versions_by_hand() -> None:
    c = count(updated())
    v = c.versions
    assert (v.studies_before, v.studies_withdrawn, v.studies_new, c.studies_included) == (2, 1, 2, 3)
    assert (v.reports_before, v.reports_withdrawn, v.reports_of_new_studies) == (3, 1, 2)
    assert (v.new_reports_of_earlier_studies, c.reports_included, v.changed) == (1, 5, 1)


def test_everything_balances() -> None:
    c = count(updated())
    assert [e.name for e in equations(c) if not e.holds] == []
    assert {"Studies over the versions", "Other methods: Screening"} <= {e.name for e in equations(c)}
    check(c)


@pytest.mark.parametrize(
    ("breach", "equation"),
    [
        ({"earlier": BEFORE[1:]}, "Strays"),
        (
            {"earlier": (*BEFORE, BEFORE[0].model_copy(update={"record": record("999")}))},
            "Reports over the versions",
        ),
        ({"records": lines()[:-1]}, "Other methods: Identified"),
        ({"records": lines()[1:]}, "Identified"),
    ],
)
def test_what_is_lost_between_versions_or_columns_is_noticed(
    breach: dict[str, object], equation: str
) -> None:
    with pytest.raises(Unbalanced) as raised:
        check(count(updated(**breach)))
    assert equation in {e.name for e in raised.value.equations}


def test_a_previous_study_that_vanished_is_noticed() -> None:
    data = updated()
    with pytest.raises(Unbalanced):
        check(count(data.model_copy(update={"studies": data.studies[1:]})))


@pytest.mark.parametrize(
    "statement",
    [
        "Previous studies",
        "Studies included in previous version of review (n = 2)",
        "Reports of studies included in previous version of review (n = 3)",
        "Identification of new studies via databases and registers",
        "Identification of new studies via other methods",
        "Taken up again from the earlier version (n = 1)",
        "Settled by an earlier version, unchanged since (n = 1)",
        "Websites (n = 1)",
        "Citation searching (n = 4)",
        "Not sought (n = 3)",
        "Duplicates, also of what databases and registers found (n = 2)",
        "New studies included in review (n = 2)",
        "Reports of new included studies (n = 2)",
        "New reports of studies included before (n = 1)",
        "Total studies included in review (n = 3)",
        "Reports of total included studies (n = 5)",
        "Included before and excluded by this update",
    ],
)
def test_the_diagram_of_an_update_says(statement: str) -> None:
    assert statement in words(updated())


def test_the_other_column_has_no_box_of_screened_records() -> None:
    assert words(updated()).count("Records screened") == 1


def test_a_first_version_from_databases_alone_keeps_the_plain_template() -> None:
    said = words(review())
    assert "Identification of studies via databases and registers" in said
    for absent in ("Previous studies", "other methods", "Total studies", "New studies"):
        assert absent not in said


@pytest.mark.parametrize("data", [updated(), updated(passes=(), earlier=(), studies=())])
def test_boxes_of_wide_diagrams_never_overlap_nor_leave_the_picture(data: ReviewData) -> None:
    root = ElementTree.fromstring(svg(count(data)))
    _, _, width, height = (float(v) for v in (root.get("viewBox") or "").split())
    boxes = [
        tuple(float(r.get(k, "")) for k in ("x", "y", "width", "height"))
        for r in root.iter(f"{SVG}rect")
        if r.get("class") != "ground"
    ]
    assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= height for x, y, w, h in boxes)
    for i, (x, y, w, h) in enumerate(boxes):
        for x2, y2, w2, h2 in boxes[i + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def table(text: str) -> list[dict[str, str]]:
    return [{k: original_text(v) for k, v in row.items()} for row in csv.DictReader(io.StringIO(text))]


def test_every_number_of_both_columns_is_a_filter_over_the_table() -> None:
    data = updated()
    rows = table(decisions_csv(data))
    for entry in ledger(count(data)):
        if entry.rows:
            found = [row for row in rows if all(row[column] in values for column, values in entry.rows)]
            assert len(found) == entry.n, entry


def test_all_records_of_the_earlier_versions_are_listed_with_how_they_ended() -> None:
    rows = table(earlier_csv(updated()))
    assert [(r["record_id"], r["included"]) for r in rows] == [
        ("pubmed:501", "yes"),
        ("pubmed:502", "yes"),
        ("pubmed:503", "yes"),
        ("pubmed:504", "no"),
    ]


def test_the_export_of_included_reports_is_the_total() -> None:
    text = included_ris(updated())
    assert text.count("TY  - ") == count(updated()).reports_included
    assert "report 503" not in text


def test_the_words_name_both_ways_and_what_decides_differently_now() -> None:
    data = updated()
    c = count(data)
    assert "We searched pubmed" in summary(data, c)[0]
    assert "found 5 records" in summary(data, c)[0]
    assert "Other methods (citations and who) brought 5 records" in summary(data, c)[0]
    told = " ".join(version_sentences(data, c))
    assert "engine baseline-1 became baseline-2" in told
    assert "prefilter.keep" in told
    assert "a year has passed" in told


def test_the_page_shows_what_changed_and_the_studies_of_before() -> None:
    data = updated()
    page = html(data, count(data))
    for words_ in ("What this update changed", "retracted", "Included by an earlier version", "earlier.csv"):
        assert words_ in page


def test_a_record_found_both_ways_stands_in_the_column_of_databases() -> None:
    both = full("900", decision("passed"), search_ids=("s1", "s2"))
    c = count(
        review(
            records=(both,),
            searches=(search("s1", "pubmed", "database", 1), search("s2", "citations", "citations", 1)),
            studies=(),
            cells=(),
        )
    )
    assert c.other is not None
    assert (c.sought, c.other.sought, c.other.repeats) == (1, 0, 1)
    check(c)
