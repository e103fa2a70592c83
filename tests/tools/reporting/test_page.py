"""The HTML report: self-contained, honest about what is missing, deaf to hostile text."""

import re
from collections import Counter
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from tests.tools.reporting.invented import (
    CELLS,
    SEARCHES,
    decision,
    full,
    line,
    lines,
    record,
    review,
    search,
)
from tools.reporting.data import EngineUse, ReviewData
from tools.reporting.page import MAX_ROWS, html
from tools.reporting.prisma import count
from tools.schemas import Failed

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Reader(HTMLParser):
    """Collects tags, ids, links and text, and checks that every tag is closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.said: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src"):
                self.links.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.said.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.said))


def page(data: ReviewData) -> Reader:
    return Reader(html(data, count(data)))


def test_the_page_loads_nothing_and_links_only_to_itself_and_its_files() -> None:
    read = page(review())
    files = {"decisions.csv", "extraction.csv", "included.ris", "search.txt", "prisma.svg", "counts.json"}
    files |= {"search-appendix.md"}
    assert {x for x in read.links if not x.startswith("#")} == files
    assert {x[1:] for x in read.links if x.startswith("#")} <= set(read.ids)
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(read.tags)


def test_the_policy_forbids_everything_but_inline_style() -> None:
    text = html(review(), count(review()))
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    assert "style-src 'unsafe-inline'; img-src data:" in text


def test_ids_are_unique_and_headings_never_skip_a_level() -> None:
    read = page(review())
    assert [i for i, n in Counter(read.ids).items() if n > 1] == []
    levels = [int(x) for x in re.findall(r"<h([1-6])", html(review(), count(review())))]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


@pytest.mark.parametrize(
    "statement",
    [
        "We searched pubmed and ctgov, last on 2031-02-03, and found 25 records. 1 hit was declared and not",
        "2 duplicates were removed; 2 records below the ranking cut were not screened: nobody judged them.",
        "Of 19 records screened on title and abstract, 5 were excluded, and 14 went on.",
        "13 reports were sought; 1 could not be had, and 9 were assessed in full, of which 3 were excluded.",
        "The review includes 2 studies, known from 3 reports. 1 study is ongoing and 1 study is awaiting",
        "Not finished: 6 records are waiting for a person or for a full text.",
        "No language model was used",
        "baseline rules (no language model)",
        "Decisions were taken by Ada.",
        "2 by a person one by one, 2 suggested by the machine and approved in bulk by a person, 1 by",
        "timeout: no answer in 60 s",
        "not machine-readable: scanned pages",
        "asked the authors twice, no answer",
        "passed at full text and not grouped into a study yet",
        "The paper is a sermon",
        "the phrase 'warm milk' was not found as a phrase",
        "Criterion 'length' was added.",
        "added milk[mh]",
        "ab" * 32,
        "12 minutes longer",
        "characters 90–107; located after the fact",
        "malformed: no JSON",
    ],
)
def test_the_page_says(statement: str) -> None:
    assert statement in page(review()).text


def test_a_language_model_is_named_as_one() -> None:
    engine = EngineUse(
        task="screen", name="vllm:x", language_model=True, label="a model", prompt="ours/screen@1"
    )
    said = page(review(engines=(engine,))).text
    assert "A language model was used for: screen." in said
    assert "No language model" not in said
    assert "ours/screen@1" in said


def test_a_review_without_engine_does_not_claim_that_none_was_a_language_model() -> None:
    assert "No reasoning engine is recorded" in page(review(engines=())).text


HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>{{ 7*7 }}\u202e\u0000</style>&amp;'


def test_hostile_text_stays_text_everywhere() -> None:
    bad = record("18", title=HOSTILE, journal=HOSTILE, authors=(HOSTILE,))
    failed = line(
        "5",
        None,
        record=record("5", title=HOSTILE),
        failure=Failed(record_id="pubmed:5", kind="x", reason=HOSTILE),
    )
    swapped = {"18": full("18", decision("passed", by=f"person:{HOSTILE}"), record=bad), "5": failed}
    swapped["17"] = full("17", decision("excluded", reason=HOSTILE), record=record("17", title=HOSTILE))
    data = review(
        title=HOSTILE,
        records=tuple(swapped.get(x.record.pmid or "", x) for x in lines()),
        searches=tuple(
            s.model_copy(update={"query_sent": HOSTILE, "warnings": (HOSTILE,)}) for s in SEARCHES
        ),
        cells=tuple(
            c.model_copy(update={"value": HOSTILE, "section": HOSTILE, "reason": HOSTILE}) for c in CELLS
        ),
        edits=tuple(e.model_copy(update={"note": HOSTILE}) for e in review().edits),
    )
    text, read = html(data, count(data)), page(data)
    assert read.tags["script"] == read.tags["img"] == 0
    assert read.tags["style"] == 1
    assert "\u202e" not in text
    assert "\x00" not in text
    assert "⟦U+202E⟧" in read.text
    assert "{{ 7*7 }}" in read.text
    assert '<script>alert("x")</script>' in read.text


def test_a_long_table_is_cut_says_so_and_points_to_the_whole() -> None:
    rows = tuple(full(str(i), decision("excluded", reason="length")) for i in range(MAX_ROWS + 7))
    data = review(
        records=rows, searches=(search("s1", "pubmed", "database", len(rows)),), studies=(), cells=()
    )
    read = page(data)
    assert f"The first {MAX_ROWS} of {MAX_ROWS + 7} excluded reports are listed here." in read.text
    assert sum(i.startswith("r") for i in read.ids) == MAX_ROWS


def test_numbers_that_do_not_add_up_are_shown_and_not_hidden() -> None:
    said = page(review(records=lines()[1:])).text
    assert "NO" in said.split("Do the numbers add up?")[2]


def test_an_empty_review_is_a_page_too() -> None:
    said = page(ReviewData(review_id="e", title="e", review_type="", framework="", agent_version="0")).text
    assert "No search has been run yet." in said
    assert "No person has decided anything yet." in said
