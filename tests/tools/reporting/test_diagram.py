"""The flow diagram: well-formed, complete, readable, and deaf to hostile text."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tools.reporting.invented import decision, full, lines, review, search
from tests.tools.reporting.reviews import reviews
from tools.reporting.data import ReviewData
from tools.reporting.diagram import svg
from tools.reporting.lettering import text_width, wrap
from tools.reporting.prisma import count

SVG = "{http://www.w3.org/2000/svg}"


def drawn(data: ReviewData) -> ElementTree.Element:
    return ElementTree.fromstring(svg(count(data)))


def words(root: ElementTree.Element) -> str:
    return re.sub(r"\s+", " ", " ".join(t.text or "" for t in root.iter(f"{SVG}text")))


@pytest.mark.parametrize(
    "statement",
    [
        "Records identified (n = 25)",
        "pubmed (n = 22)",
        "Duplicate records removed (n = 2)",
        "Not screened: below the ranking cut (n = 2)",
        "Records screened (n = 19)",
        "Records excluded (n = 5)",
        "suggested by the machine, approved in bulk by a person (n = 2)",
        "decided by the machine alone (n = 1)",
        "no machine answer, a person must read (n = 1)",
        "not machine-readable, a person must read (n = 1)",
        "Reports sought for retrieval (n = 13)",
        "Reports not retrieved (n = 1)",
        "Reports assessed for eligibility (n = 9)",
        "Follow-up shorter than one week (n = 2)",
        "Studies included in review (n = 2)",
        "Reports of included studies (n = 3)",
        "Studies ongoing (n = 1)",
        "Studies awaiting classification (n = 1)",
        "2 records known only from searches that were replaced",
    ],
)
def test_the_diagram_says(statement: str) -> None:
    assert statement in words(drawn(review()))


def test_a_screen_reader_gets_title_and_every_number() -> None:
    root = drawn(review())
    assert root.get("role") == "img"
    named = (root.get("aria-labelledby") or "").split()
    texts = {
        e.get("id"): e.text or ""
        for e in (root.find(f"{SVG}title"), root.find(f"{SVG}desc"))
        if e is not None
    }
    assert set(named) == set(texts)
    assert "Reports sought for retrieval (n = 13)" in texts["prisma-desc"]


def test_nothing_is_loaded_linked_or_run() -> None:
    text = svg(count(review()))
    assert not re.search(r"script|href|url\(|@import|<style|<foreignObject|\son\w+=", text)
    assert text.count("http") == 1, "only the namespace"


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(reviews())
def test_boxes_never_overlap_nor_leave_the_picture(data: ReviewData) -> None:
    root = drawn(data)
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


def test_a_hostile_reason_stays_text() -> None:
    reason = '</text><script>alert(1)</script>\x00\u202e & "quoted"'
    rows = tuple(
        full("15", decision("excluded", reason=reason)) if x.record.pmid == "15" else x for x in lines()
    )
    root = drawn(review(records=rows))
    assert list(root.iter(f"{SVG}script")) == []
    assert "<script>alert(1)</script>⟦U+0000⟧⟦U+202E⟧" in words(root)


def test_many_long_reasons_are_shortened_and_summed_up_and_none_is_lost() -> None:
    rows = tuple(full(str(i), decision("excluded", reason=f"reason {i} " + "long " * 60)) for i in range(20))
    data = review(records=rows, searches=(search("s1", "pubmed", "database", 20),), studies=(), cells=())
    said = words(drawn(data))
    assert "8 further reasons (n = 8)" in said
    assert said.count("… (n = 1)") == 12


@given(st.text(max_size=200), st.floats(40, 400))
def test_wrapping_keeps_every_letter_and_stays_inside(text: str, width: float) -> None:
    broken = wrap(text, width, 14)
    assert "".join("".join(broken).split()) == "".join(text.split())
    assert all(text_width(part, 14) <= width or len(part) == 1 for part in broken)


def test_a_count_is_not_torn_apart() -> None:
    assert wrap("some words and more (n = 12)", 150, 14)[-1].endswith("(n\u00a0=\u00a012)")


def test_without_a_source_the_boxes_are_there_with_zero() -> None:
    said = words(drawn(ReviewData(review_id="e", title="e", review_type="", framework="", agent_version="0")))
    assert "Databases (n = 0)" in said
    assert "Studies included in review (n = 0)" in said


def test_an_unreadable_report_is_told_apart_before_and_after_a_person_read_it() -> None:
    read = tuple(
        x.model_copy(update={"full_text": decision("excluded", reason="length")})
        if x.record.pmid == "13"
        else x
        for x in lines()
    )
    before, after = words(drawn(review())), words(drawn(review(records=read)))
    assert "not machine-readable, read by a person" not in before
    assert "of these not machine-readable, read by a person (n = 1)" in after
    assert "not machine-readable, a person must read" not in after
