"""The invented review one version later, found also by other methods; every number counted on this page."""

from typing import Any

from tests.tools.reporting.invented import KEPT, decision, full, line, record, review, search
from tools.reporting.data import EarlierRecord, PassLine, ReviewData
from tools.schemas import Study

BEFORE = (
    EarlierRecord(record=record("501"), pass_id="1", standing="full text: passed", included=True),
    EarlierRecord(record=record("502"), pass_id="1", standing="full text: passed", included=True),
    EarlierRecord(record=record("503"), pass_id="1", standing="full text: passed", included=True),
    EarlierRecord(record=record("504"), pass_id="1", standing="title/abstract: excluded", included=False),
)
"""Three reports of two studies were included: 501 and 502 are one study, 503 another."""

PASSES = (
    PassLine(pass_id="1", kind="first", opened="2031-01-01T00:00:00Z"),
    PassLine(
        pass_id="2",
        kind="update",
        opened="2032-01-01T00:00:00Z",
        by="Ada",
        reason="a year has passed",
        previous="1",
        overlap_days=30,
        changes=("screen: engine baseline-1 became baseline-2",),
    ),
)

WINDOW = {"created_since": "2031-01-04", "searched_before": "2031-02-03"}


def lines() -> tuple[Any, ...]:
    """s1 brought 5, s2 (citations) 4, s3 (websites) 1, s4 (carried) 1; one of s2 was in s1 too."""
    out = decision("excluded", reason="design")
    return (
        line("504", None, seen_before=True, earlier="excluded in pass 1"),
        # 503 was included and is retracted now: a person takes it out.
        line("503", search="s4", title_abstract=out, changed=("retracted",), earlier="included in pass 1"),
        full("601", decision("passed")),
        full("602", decision("passed")),  # a new report of the study of 501
        line("603", "exclude", title_abstract=out, search_ids=("s1", "s2")),
        line("604", None, duplicate_of="pubmed:601"),
        line("701", None, search="s2", duplicate_of="pubmed:601"),
        line("702", "exclude", search="s2", title_abstract=out),
        full("703", decision("passed"), search_ids=("s2",)),
        full("801", decision("excluded", reason="length"), search_ids=("s3",), prefilter=KEPT),
    )


def updated(**more: Any) -> ReviewData:
    given: dict[str, Any] = {
        "records": lines(),
        "searches": (
            search("s1", "pubmed", "database", 5, parameters=WINDOW),
            search("s2", "citations", "citations", 4, query_sent="cited by: pubmed:501"),
            search("s3", "who", "website", 1, query_sent="milk"),
            search("s4", "earlier version", "carried", 1, query_sent=""),
            search("s5", "pubmed", "recheck", 3, query_sent="501[uid]", parameters={"looked_up": 3}),
        ),
        "studies": (
            Study(study_id="one", report_ids=("pubmed:501", "pubmed:502", "pubmed:602"), state="included"),
            Study(study_id="two", report_ids=("pubmed:503",), state="excluded"),
            Study(study_id="three", report_ids=("pubmed:601",), state="included"),
            Study(study_id="four", report_ids=("pubmed:703",), state="included"),
        ),
        "cells": (),
        "passes": PASSES,
        "earlier": BEFORE,
    }
    return review(**(given | more))
