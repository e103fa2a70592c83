"""The search appendix: sixteen items in order, exact strategies, and nothing invented."""

import re

from tests.tools.reporting.invented import review, search
from tests.tools.reporting.updated import WINDOW, updated
from tools.reporting.data import FilterUse, ReviewData, StrategyUse
from tools.reporting.prisma import count
from tools.reporting.prisma_s import NOT_REPORTED, appendix, markdown
from tools.schemas import KnownStudyCheck, StrategyLine

TITLES = (
    *("Database name", "Multi-database searching", "Study registries", "Online resources and browsing"),
    *("Citation searching", "Contacts", "Other methods", "Full search strategies", "Limits and restrictions"),
    *("Search filters", "Prior work", "Updates", "Dates of searches", "Peer review", "Total records"),
    "Deduplication",
)

USED = StrategyUse(
    text="milk[tiab] AND sleep[tiab]",
    author="person:Ada",
    approved_by="person:Bea",
    approved_at="2031-02-02T00:00:00Z",
    counted_in="pubmed",
    lines=(
        StrategyLine(text="milk[tiab]", hits=1234),
        StrategyLine(text="sleep[tiab]", hits=None),
        StrategyLine(text="#1 AND #2", label="all", hits=20),
    ),
    filters=(FilterUse(id="no_horses", text="NOT horses[mh]", source="Stable Handbook, chapter 4"),),
    seeds=(KnownStudyCheck(pmid="18", use="validation", found=True),),
)

BY_HAND = search(
    "h1",
    "embase",
    "database",
    7,
    query_sent="'milk'/exp AND sleep:ti,ab",
    parameters={
        "platform": "Embase.com",
        "searched_on": "2031-01-15",
        "searched_by": "Cid",
        "hits_declared": 9,
        "limits": "English only, because nobody here reads more",
        "searched_at": "2031-02-03T04:05:06Z",
    },
)


def told(data: ReviewData, number: int) -> str:
    item = appendix(data, count(data))[number - 1]
    assert item.number == number
    return "\n".join(part.text for part in item.parts)


def test_all_sixteen_items_stand_there_in_order_and_none_is_empty() -> None:
    for data in (review(), updated(), review(searches=(), records=(), studies=(), cells=())):
        items = appendix(data, count(data))
        assert tuple(item.title for item in items) == TITLES
        assert all(item.parts for item in items)


def test_a_strategy_stands_there_letter_by_letter() -> None:
    data = review()
    verbatim = [p.text for p in appendix(data, count(data))[7].parts if p.verbatim]
    assert '("milk"[tiab] OR "warm milk"[tiab])\n  AND "sleep"[mh]' in verbatim
    assert '"milk"[MeSH Terms]' in verbatim  # the source's own reading
    assert "the phrase 'warm milk' was not found as a phrase" in told(data, 8)


def test_what_is_not_known_is_said_to_be_not_reported() -> None:
    data = review()
    assert NOT_REPORTED.lower() in told(data, 14).lower()
    assert NOT_REPORTED.lower() in told(data, 11).lower()
    assert told(data, 6) == "None recorded."
    assert "the platform is not reported" in told(data, 1)


def test_a_search_by_hand_tells_platform_person_day_limits_and_declared_hits() -> None:
    data = review(searches=(BY_HAND,), strategy=USED)
    assert "Embase.com, searched by hand by Cid" in told(data, 1)
    assert "English only" in told(data, 9)
    assert "2031-01-15 (by hand; imported on 2031-02-03)" in told(data, 13)
    assert "7 records; the platform declared 9 hits" in told(data, 15)


def test_an_api_names_itself_its_version_and_the_date_of_its_data() -> None:
    more = {"database": "Registry of Naps", "api": "Naps API 2.0", "data_timestamp": "2031-02-02T09:00:05"}
    run = search("c1", "naps", "register", 0, parameters=more)
    data = review(searches=(run,), records=(), studies=(), cells=())
    assert told(data, 3) == "naps: Registry of Naps; Naps API 2.0; data of 2031-02-02T09:00:05"
    assert told(data, 1) == "None recorded."


def test_lines_hits_filters_and_seeds_of_the_approved_strategy() -> None:
    data = review(strategy=USED)
    assert "#1  milk[tiab]  1,234" in told(data, 8)
    assert "#2  sleep[tiab]  (not counted)" in told(data, 8)
    assert "Stable Handbook, chapter 4" in told(data, 10)
    assert "1 of 1 found" in told(data, 11)
    assert "Approved by Bea on 2031-02-02, which is no peer review." in told(data, 14)


def test_ways_other_than_databases_stand_in_their_own_items() -> None:
    data = updated()
    assert told(data, 4).startswith("who:")
    assert told(data, 5).startswith("citations:")
    assert told(data, 7) == "None recorded."


def test_an_update_tells_windows_and_what_was_looked_up_again() -> None:
    run = search("s1", "pubmed", "database", 5, parameters=WINDOW)
    again = search("s5", "pubmed", "recheck", 3, parameters={"looked_up": 4, "not_found": ["pubmed:501"]})
    data = updated(searches=(run, again, *updated().searches[1:4]))
    said = told(data, 12)
    assert (
        "searched again for what it has listed since 2031-01-04; the search before was on 2031-02-03" in said
    )
    assert "4 included or undecided reports looked up again" in said
    assert "not found any more: pubmed:501" in said
    assert "update of pass 1, opened on 2032-01-01 by Ada" in said


def test_records_taken_up_again_are_not_counted_as_found() -> None:
    assert "In total 10 records." in told(updated(), 15)


def test_neither_a_strategy_nor_a_title_can_leave_its_place_in_the_markdown() -> None:
    nasty = "milk\n```\n# not a heading\n<script>alert(1)</script>"
    run = search("s1", "pubmed", "database", 0, query_sent=nasty, warnings=("# <b>big</b> ![x](y)",))
    data = review(title="<b>*x*</b>\n# y", searches=(run,), records=(), studies=(), cells=())
    text = markdown(data, count(data))
    # Outside the fences there is no markup but ours.
    outside = re.sub(r"(?ms)^(`{3,})text\n.*?^\1$", "", text)
    assert "````text\nmilk\n```\n# not a heading" in text
    assert not re.search(r"(?<!\\)[<!\[]", outside)
    assert [x for x in outside.splitlines() if x.startswith("# ")] == [
        r"# Search appendix: \<b\>\*x\*\</b\> \# y"
    ]
