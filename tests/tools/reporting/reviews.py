"""Random reviews that are lawful by construction, for properties."""

from hypothesis import strategies as st

from tests.tools.reporting.invented import AUDIT, BULK, CUT, KEPT, decision, record, search
from tools.reporting.data import FinalDecision, RecordLine, ReportStatus, ReviewData
from tools.schemas import Failed, Study

hows = st.sampled_from(["individual", BULK, "machine"])
reasons = st.sampled_from([None, "design", "length", "own words", "=cmd()", "  "])


@st.composite
def decisions(draw: st.DrawFn) -> FinalDecision:
    kind = draw(st.sampled_from(["passed", "excluded", "ongoing", "awaiting_classification"]))
    return decision(kind, draw(hows), draw(reasons) if kind == "excluded" else None)


@st.composite
def lines(draw: st.DrawFn, key: int) -> RecordLine:
    searches = draw(st.lists(st.sampled_from(["s0", "s1", "s2"]), min_size=1, unique=True))
    base = {"record": record(str(key)), "search_ids": tuple(searches)}
    if key > 1 and set(searches) != {"s0"} and draw(st.integers(0, 5)) == 0:
        return RecordLine(**base, duplicate_of="pubmed:1")
    failed = Failed(record_id=f"pubmed:{key}", kind="timeout", reason="late") if draw(st.booleans()) else None
    base |= {"prefilter": draw(st.sampled_from([KEPT, AUDIT, None])), "failure": failed}
    if draw(st.integers(0, 5)) == 0:
        return RecordLine(**(base | {"prefilter": CUT}))
    first = draw(st.none() | decisions())
    if first is None or first.kind != "passed":
        return RecordLine(**base, title_abstract=first)
    return RecordLine(**base, title_abstract=first, **draw(reports(failed)))


@st.composite
def reports(draw: st.DrawFn, failed: Failed | None) -> dict[str, object]:
    state = draw(st.sampled_from([None, "sought", "not_retrieved", "unreadable", "retrieved"]))
    if state is None:
        return {}
    held: dict[str, object] = {"report": ReportStatus(state=state), "full_text_failure": failed}
    if state in ("unreadable", "retrieved"):
        held["full_text"] = draw(st.none() | decisions())
    elif state == "not_retrieved" and draw(st.booleans()):
        held["full_text"] = decision("awaiting_classification")
    return held


@st.composite
def reviews(draw: st.DrawFn) -> ReviewData:
    """Up to 30 records from three searches, the first superseded, all accounts in order."""
    from tests.tools.reporting.invented import review

    first = RecordLine(record=record("1"), search_ids=("s1",), prefilter=KEPT)
    rows = (first, *(draw(lines(key)) for key in range(2, draw(st.integers(2, 30)))))
    came = {s: sum(s in x.search_ids for x in rows) for s in ("s0", "s1", "s2")}
    passed = [x.record.record_id for x in rows if x.full_text and x.full_text.kind == "passed"]
    passed = [
        r for r in passed if any(s != "s0" for x in rows if x.record.record_id == r for s in x.search_ids)
    ]
    studies = tuple(
        Study(study_id=f"study {r}", report_ids=(r,), state="included") for r in passed if draw(st.booleans())
    )
    searches = (
        search("s0", "pubmed", "database", came["s0"], superseded=True),
        search("s1", "pubmed", "database", came["s1"]),
        search("s2", "ctgov", "register", came["s2"]),
    )
    return review(records=rows, searches=searches, studies=studies, cells=())
