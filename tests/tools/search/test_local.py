"""The local corpus: what a strategy finds there is what PubMed's rules say, and what was dropped is told."""

import gzip
import io
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.errors import InputFileError, SourceRefused, SourceUnavailable
from tools.schemas import Record, SearchResult
from tools.search import query as q
from tools.search import vocabulary as v
from tools.search.query import And, Not, Or, Term
from tools.search.sources.base import DateRange, Source
from tools.search.sources.local import LocalSource
from tools.search.vocabulary import Vocabulary

ALWAYS = DateRange()

# Invented records; their numbers stand in the tests below.
RECORDS = (
    Record(
        record_id="lib:1",
        title="Inhaled steroids for asthma",
        abstract="A randomised trial. Post-mortem findings were rare; TNF-α fell.",
        authors=("Smith, John B", "Miller, Ann"),
        year=2015,
        journal="Journal of Breath",
        pmid="101",
        doi="10.1/abc.D",
        language="eng",
        publication_types=("Randomized Controlled Trial",),
        mesh=("Asthma", "Humans"),
        keywords=("wheeze relief", "cost"),
        registry_ids=("NCT01234567",),
    ),
    Record(
        record_id="lib:2",
        title="Wheezing in mice",
        abstract="Steroid treatment of the mouse lung. Relief costs little.",
        authors=("Smithers, Paul",),
        year=2018,
        journal="Mouse Letters",
        pmid="102",
        pmcid="PMC77",
        language="ger",
        publication_types=("Journal Article",),
        mesh=("Asthma, Winter", "Mice"),
    ),
    Record(
        record_id="lib:3",
        title="Bronchial asthma and exercise",
        abstract="Steroids were inhaled by mice and men.\nMÉNIÈRE disease was absent.",
        year=2020,
        pmid="103",
    ),
    Record(record_id="lib:4", title="Chronic lung disease at home", year=None),
    Record(record_id="lib:5", title="Winter asthma", abstract="Trials.", year=2021, authors=("Smith, J",)),
)

HEADINGS = [
    {"descriptor": "Lung Disease, Chronic", "tree_numbers": ["C1"], "entry_terms": ["Long Lung Trouble"]},
    {"descriptor": "Asthma", "tree_numbers": ["C1.1"], "entry_terms": ["Bronchial Asthma", "ALL"]},
    {"descriptor": "Asthma, Winter", "tree_numbers": ["C1.1.1"], "entry_terms": []},
    {"descriptor": "Animals", "tree_numbers": ["B1"]},
    {"descriptor": "Mice", "tree_numbers": ["B1.1"], "entry_terms": ["Mouse"]},
    {"descriptor": "Humans", "tree_numbers": ["B1.2"], "entry_terms": ["Human"]},
    {"descriptor": "Clinical Trial", "tree_numbers": ["V1"]},
    {"descriptor": "Randomized Controlled Trial", "tree_numbers": ["V1.1"]},
]


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    lines = "\n".join(json.dumps(heading) for heading in HEADINGS).encode()
    return v.install(tmp_path_factory.mktemp("v") / "v.sqlite", io.BytesIO(lines))


@pytest.fixture(scope="module")
def source(vocabulary: Vocabulary, tmp_path_factory: pytest.TempPathFactory) -> LocalSource:
    return LocalSource("lib", RECORDS, tmp_path_factory.mktemp("i") / "index.sqlite", vocabulary)


def run(
    source: LocalSource, text: str | q.Query, dates: DateRange = ALWAYS, limit: int = 100
) -> SearchResult:
    query = q.parse(text) if isinstance(text, str) else text
    return source.search(query, search_id="s1", dates=dates, limit=limit)


def numbers(result: SearchResult) -> list[int]:
    assert result.count == len(result.records)
    return [int(record.record_id.removeprefix("lib:")) for record in result.records]


def test_it_is_a_source(source: LocalSource) -> None:
    as_source: Source = source
    assert (as_source.name, as_source.kind) == ("lib", "database")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # fields
        ("asthma[ti]", [1, 3, 5]),
        ("steroids[ti]", [1]),
        ("steroids[ab]", [3]),
        ("steroids[tiab]", [1, 3]),
        ("wheeze[tiab]", [1]),  # author keywords belong to [tiab]
        ("wheeze[ti]", []),
        ("wheeze[ot]", [1]),
        ("humans[tiab]", []),
        ("humans[tw]", [1]),
        ("letters[all]", [2]),
        # words are words: no stemming, case and diacritics do not matter
        ("steroid[tiab]", [2]),
        ("STEROID[tiab]", [2]),
        ("meniere[tiab]", [3]),
        ("Ménière[tiab]", [3]),
        ("TNF-alpha[tiab]", [1]),
        ("TNFα[tiab]", []),
        # truncation
        ("steroid*[tiab]", [1, 2, 3]),
        ("inhal*[ti]", [1]),
        ('"inhaled ster*"[tiab]', [1]),
        # phrases: adjacent, within one field, not across keywords
        ('"inhaled steroids"[tiab]', [1]),
        ('"steroids inhaled"[tiab]', []),
        ('"relief cost"[tiab]', []),
        ('"asthma a randomised"[tiab]', []),
        ('"post mortem"[tiab]', [1]),
        ("post-mortem[tiab]", [1]),
        ("mice and men[tiab]", [3]),
        ('"asthma exercise"[tiab]', []),
        # proximity, in any order, N words between at most
        ('"asthma exercise"[tiab:~0]', []),
        ('"asthma exercise"[tiab:~1]', [3]),
        ('"exercise asthma"[tiab:~1]', [3]),
        ('"steroids mice inhaled"[tiab:~2]', [3]),
        ('"steroids mice inhaled"[tiab:~1]', []),
        # Boolean
        ("asthma[ti] AND steroids[tiab]", [1, 3]),
        ("asthma[ti] NOT steroids[tiab]", [5]),
        ("wheezing[ti] OR chronic[ti]", [2, 4]),
        ("winter[ti] OR steroids[tiab] AND mice[tiab]", [3]),
        ("winter[ti] OR (steroids[tiab] AND mice[tiab])", [3, 5]),
        # whole values
        ("smith[au]", [1, 5]),
        ("smith j[au]", [1, 5]),
        ("smith jb[au]", [1]),
        ('"Smith, John"[au]', [1]),
        ("smith*[au]", [1, 2, 5]),
        ("miller a[1au]", []),
        ("miller a[lastau]", [1]),
        ("102[pmid]", [2]),
        ("101 103", [1, 3]),
        ("10.1/ABC.d[aid]", [1]),
        ("77[pmcid]", [2]),
        ("ClinicalTrials.gov/NCT01234567[si]", [1]),
        ('"Mouse Letters"[ta]', [2]),
        ("german[la]", [2]),
        ("eng[la]", [1]),
        ("hasabstract AND asthma[ti]", [1, 3, 5]),
        # publication types explode as headings do
        ("clinical trial[pt]", [1]),
        ("clinical trial[pt:noexp]", []),
        # years; what has no year is never held back
        ("2015:2018[dp]", [1, 2, 4]),
        ("2021[dp]", [4, 5]),
        ("asthma[ti] NOT 2015[dp]", [3, 5]),
        ("lung[ti] NOT 1900:3000[dp]", [4]),
        ("asthma[ti] AND 2015/06:2020/03[dp]", [1, 3]),
        ("asthma[ti] NOT 2015/06:2020/03[dp]", [1, 3, 5]),
    ],
)
def test_finds_what_the_rules_say(source: LocalSource, text: str, expected: list[int]) -> None:
    assert numbers(run(source, text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Asthma[mh:noexp]", [1, 3, 5]),  # 1 by its heading, 3 and 5 by their words
        ("Asthma[mh]", [1, 2, 3, 5]),  # 2 by the narrower heading
        ('"Asthma, Winter"[mh]', [2, 5]),  # 5 in natural order
        ('"Lung disease, chronic"[mh:noexp]', [4]),
        ('"Bronchial asthma"[mh]', [1, 2, 3, 5]),  # an entry term stands for its heading
        ("Mice[mh]", [2, 3]),
        ("asthma*[mh]", [1, 2, 3, 5]),
        ('"Asthma/drug therapy"[mh:noexp]', [1, 3, 5]),
        ("Asthma[majr:noexp]", [1, 3, 5]),
        # 3 has no headings: its words may find it, never exclude it
        ("steroids[tiab] NOT Mice[mh]", [1, 3]),
        ("steroid*[tiab] NOT (Animals[mh] NOT Humans[mh])", [1, 3]),
    ],
)
def test_headings_of_unindexed_records_are_looked_for_in_their_words(
    source: LocalSource, text: str, expected: list[int]
) -> None:
    assert numbers(run(source, text)) == expected


def test_without_a_vocabulary_a_heading_is_its_own_words(tmp_path: Path) -> None:
    source = LocalSource("lib", RECORDS, tmp_path / "index.sqlite")
    assert numbers(run(source, '"Lung disease, chronic"[mh]')) == [4]
    assert numbers(run(source, '"Asthma, Winter"[mh]')) == [2, 5]
    assert numbers(run(source, "Asthma[mh]")) == [1, 3, 5]


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ('"Asthma/drug therapy"[mh]', "subheadings"),
        ("Asthma[majr]", "major topics"),
        ("Asthma[mh]", "3 of 5 records without headings"),
        ("Wheeziness[mh] OR asthma[ti]", "not in the vocabulary"),
        ("steroids[tiab] NOT Mice[mh]", "excludes none of the 3 records"),
        ("asthma mice", "untagged"),
        ("exercise asthma[tiab]", "one by one"),
        ("asthma[ti] AND 2015/06:2020[dp]", "whole years"),
        ("2015:2016[dp]", "1 records have no year"),
        ("clinical trial[pt]", "3 of 5 records carry no publication type"),
        ("asthma[ti] AND nurses[sh]", "dropped"),
    ],
)
def test_what_is_read_differently_is_told(source: LocalSource, text: str, warning: str) -> None:
    assert any(warning in told for told in run(source, text).warnings)


def test_an_unquoted_phrase_that_stands_nowhere_is_split_as_in_pubmed(source: LocalSource) -> None:
    assert numbers(run(source, "exercise asthma[tiab]")) == [3]
    assert numbers(run(source, "inhaled steroids[tiab]")) == [1]


def test_untagged_words_are_searched_everywhere_each_on_its_own(source: LocalSource) -> None:
    assert numbers(run(source, "smithers relief")) == [2]
    assert numbers(run(source, "102")) == [2]


@pytest.mark.parametrize(
    ("text", "sent", "expected"),
    [
        ("asthma[ti] AND nurses[sh]", "asthma[ti]", [1, 3, 5]),
        ("asthma[ti] OR nurses[sh]", "asthma[ti]", [1, 3, 5]),
        ("asthma[ti] NOT nurses[sh]", "asthma[ti]", [1, 3, 5]),
        ("asthma[ti] AND (nurses[sh] OR 2020[edat])", "asthma[ti]", [1, 3, 5]),
        ("asthma[ti] NOT (mice[ab] AND nurses[sh])", "asthma[ti]", [1, 3, 5]),
    ],
)
def test_clauses_on_absent_fields_are_dropped_and_listed(
    source: LocalSource, text: str, sent: str, expected: list[int]
) -> None:
    result = run(source, text)
    assert (result.query_sent, numbers(result)) == (sent, expected)
    assert any("nurses[sh]" in warning for warning in result.warnings)


def test_a_wider_reading_never_excludes(source: LocalSource) -> None:
    """`Asthma/surgery` read as Asthma would exclude too much, so it excludes nothing."""
    assert numbers(run(source, 'steroids[tiab] NOT "Asthma/surgery"[mh]')) == [1, 3]


@pytest.mark.parametrize(("text", "said"), [("nurses[sh]", "no clause"), ("asthma[tab]", "no field tag")])
def test_what_cannot_be_run_is_refused_and_not_an_empty_result(
    source: LocalSource, text: str, said: str
) -> None:
    with pytest.raises(SourceRefused, match=said) as caught:
        run(source, text)
    assert "remedy" in str(caught.value)


def test_more_hits_than_the_limit_are_refused(source: LocalSource) -> None:
    assert run(source, "asthma[ti]", limit=3).count == 3
    with pytest.raises(SourceRefused, match="3 hits, the limit is 2"):
        run(source, "asthma[ti]", limit=2)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, [1, 2, 3, 4, 5]),
        ("2018-01-01", None, [2, 3, 4, 5]),
        (None, "2018-12-31", [1, 2, 4]),
        ("2016", "2020", [2, 3, 4]),
        ("2020-06-01", "2020-07-01", [3, 4]),
    ],
)
def test_limits_of_dates_keep_what_has_no_year(
    source: LocalSource, start: str | None, end: str | None, expected: list[int]
) -> None:
    dates = DateRange(start=start, end=end)
    result = run(source, "asthma*[ti] OR wheezing[ti] OR lung[ti]", dates)
    assert numbers(result) == expected
    assert result.parameters["dates"] == {"start": start, "end": end, "of": "publication"}
    assert any("no year" in w for w in result.warnings) == (start is not None or end is not None)


DAYS = ("2019-12-31", "2020-01-15", None, "2020-02-01")
DATED = tuple(
    Record(record_id=f"lib:{n}", title="Day", created=day, updated=day and "2024-05-06", year=2001)
    for n, day in enumerate(DAYS)
)


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory) -> LocalSource:
    return LocalSource("lib", DATED, tmp_path_factory.mktemp("d") / "index.sqlite")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("day[ti] AND 2020[crdt]", [1, 2, 3]),
        ("day[ti] AND 2020/01[crdt]", [1, 2]),
        ("day[ti] AND 2020/1/15[crdt]", [1, 2]),
        ("day[ti] AND 2019/12/31:2020/01/14[crdt]", [0, 2]),
        ("day[ti] AND 2019:2020/01[crdt]", [0, 1, 2]),
        ("day[ti] NOT 2020[crdt]", [0, 2]),  # what has no date is not excluded by one either
        ("day[ti] AND 2023[lr]", [2]),
    ],
)
def test_days_are_compared_where_records_carry_them_and_others_stay(
    dated: LocalSource, text: str, expected: list[int]
) -> None:
    result = run(dated, text)
    assert numbers(result) == expected
    said = any("1 records have no" in warning for warning in result.warnings)
    assert said == ("NOT" not in text)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2020-01-15", None, [1, 2, 3]),
        (None, "2020-01-15", [0, 1, 2]),
        ("2020-01-16", "2020-02-01", [2, 3]),
        ("2021", None, [2]),
    ],
)
def test_limits_of_creation_are_days_and_keep_what_has_none(
    dated: LocalSource, start: str | None, end: str | None, expected: list[int]
) -> None:
    result = run(dated, "day[ti]", DateRange(start=start, end=end, of="creation"))
    assert numbers(result) == expected
    assert any("1 hits have no create date and are kept" in warning for warning in result.warnings)


def test_limits_of_creation_hide_nothing_where_no_record_has_a_create_date(source: LocalSource) -> None:
    result = run(source, "asthma[ti]", DateRange(start="2020-01-01", of="creation"))
    assert numbers(result) == [1, 3, 5]
    assert any("3 hits have no create date" in warning for warning in result.warnings)


def test_other_abstracts_are_searched_with_the_abstract_and_original_titles_with_everything(
    tmp_path: Path,
) -> None:
    record = Record(
        record_id="lib:1",
        title="Trial",
        abstract="Own words.",
        other_abstracts=("Publisher, spa: Palabras propias.",),
        vernacular_title="Ensayo",
    )
    source = LocalSource("lib", [record], tmp_path / "index.sqlite")
    assert numbers(run(source, "palabras[tiab]")) == [1]
    assert numbers(run(source, '"words publisher"[ab]')) == []
    assert numbers(run(source, "ensayo[tiab]")) == []
    assert numbers(run(source, "ensayo[all]")) == [1]


def test_a_probe_is_a_search_without_its_records(source: LocalSource) -> None:
    for text in ("asthma[ti] OR nurses[sh]", "steroids[tiab] NOT Mice[mh]"):
        query = q.parse(text)
        found = run(source, query)
        probe = source.probe(query, search_id="s", dates=ALWAYS, pmids=10)
        assert (probe.count, probe.query_sent) == (found.count, found.query_sent)
        assert probe.warnings == found.warnings
        assert probe.pmids == tuple(record.pmid for record in found.records if record.pmid)
    with pytest.raises(SourceRefused):
        source.probe(q.parse("nurses[sh]"), search_id="s", dates=ALWAYS)


# The index file -----------------------------------------------------------------------------------


def test_the_index_is_reused_for_the_same_records_and_rebuilt_for_others(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    told: list[tuple[int, int]] = []

    def open_with(records: tuple[Record, ...]) -> LocalSource:
        told.clear()
        return LocalSource("lib", records, path, progress=lambda done, total: told.append((done, total)))

    first = run(open_with(RECORDS), "asthma[ti]")
    assert told[-1] == (5, 5)
    assert run(open_with(RECORDS), "asthma[ti]") == first
    assert told == []
    changed = (*RECORDS[:4], RECORDS[4].model_copy(update={"title": "Summer"}))
    second = run(open_with(changed), "asthma[ti]")
    assert told[-1] == (5, 5)
    assert numbers(second) == [1, 3]
    assert second.parameters["index"] != first.parameters["index"]
    assert [p.name for p in tmp_path.iterdir()] == ["index.sqlite"]


def test_another_vocabulary_is_another_index(tmp_path: Path, vocabulary: Vocabulary) -> None:
    """What a text names was worked out with one vocabulary; another one must not be answered from it."""
    path = tmp_path / "index.sqlite"
    other = io.BytesIO(b'{"descriptor": "Asthma", "entry_terms": ["Chronic Lung"], "tree_numbers": ["C1"]}')
    with v.install(tmp_path / "other.sqlite", other) as narrow:
        sources = [LocalSource("lib", RECORDS, path, one) for one in (vocabulary, narrow, None, vocabulary)]
        results = [run(source, "Asthma[mh:noexp]") for source in sources]
    assert [numbers(result) for result in results] == [[1, 3, 5], [1, 3, 4, 5], [1, 3, 5], [1, 3, 5]]
    assert len({result.parameters["index"] for result in results}) == 3


def test_terms_inside_other_terms_are_found_as_a_search_for_each_would(tmp_path: Path) -> None:
    rows = [
        {"descriptor": "Heart", "tree_numbers": ["A1"], "entry_terms": ["Cardiac Muscle Pump"]},
        {"descriptor": "Heart Failure", "tree_numbers": ["C1"], "entry_terms": ["Cardiac Muscle"]},
        {"descriptor": "Failure, Acute", "tree_numbers": ["C1.2"], "entry_terms": ["Pump Failure Acute"]},
    ]
    texts = [
        "Acute heart failure",
        "Cardiac muscle pump failure acute",
        "Heart. Failure",
        "Acute and failure",
    ]
    keywords = [(), (), (), ("heart", "failure")]
    records = [
        Record(record_id=f"lib:{i}", title=text, keywords=words)
        for i, (text, words) in enumerate(zip(texts, keywords, strict=True))
    ]
    terms = v.install(tmp_path / "v.sqlite", io.BytesIO("\n".join(map(json.dumps, rows)).encode()))
    source = LocalSource("lib", records, tmp_path / "index.sqlite", terms)
    assert numbers(run(source, "Heart[mh]")) == [0, 1, 2, 3]
    assert numbers(run(source, '"Heart Failure"[mh:noexp]')) == [0, 1, 2]  # never across two keywords
    assert numbers(run(source, '"Failure, Acute"[mh]')) == [1]
    assert numbers(run(source, '"Heart Failure"[mh]')) == [0, 1, 2]


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\x00" + b"\x07" * 5000])
def test_a_broken_index_file_is_built_again(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "index.sqlite"
    path.write_bytes(content)
    assert numbers(run(LocalSource("lib", RECORDS, path), "asthma[ti]")) == [1, 3, 5]


def test_a_damaged_index_is_a_failure_and_not_an_empty_result(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    LocalSource("lib", RECORDS, path).close()
    source = LocalSource("lib", RECORDS, path)
    source.close()
    with pytest.raises(SourceUnavailable, match="delete"):
        run(source, "asthma[ti]")


def test_two_records_of_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="lib:1"):
        LocalSource("lib", (*RECORDS, RECORDS[0]), tmp_path / "index.sqlite")


def test_results_keep_the_order_of_the_corpus(tmp_path: Path) -> None:
    source = LocalSource("lib", RECORDS[::-1], tmp_path / "index.sqlite")
    assert numbers(run(source, "asthma[ti]")) == [5, 3, 1]


def test_an_empty_corpus_finds_nothing(tmp_path: Path) -> None:
    assert numbers(run(LocalSource("lib", (), tmp_path / "index.sqlite"), "asthma[ti]")) == []


def test_a_heading_with_thousands_of_terms_is_searched(tmp_path: Path) -> None:
    """More terms than SQLite joins in one expression; the last of them is found."""
    rows = [{"descriptor": "Things", "tree_numbers": ["T"]}]
    rows += [
        {
            "descriptor": f"Thing {i}",
            "tree_numbers": [f"T.{i}"],
            "entry_terms": [f"gadget no {i}", f"gizmo{i}"],
        }
        for i in range(4000)
    ]
    vocabulary = v.install(tmp_path / "v.sqlite", io.BytesIO("\n".join(map(json.dumps, rows)).encode()))
    records = [
        Record(record_id=f"lib:{i}", title=f"Report on gadget no {i} and more") for i in range(0, 4000, 2)
    ]
    records.append(Record(record_id="lib:9999", title="Report on gadget no and gizmo3999"))
    source = LocalSource("lib", records, tmp_path / "index.sqlite", vocabulary)
    assert run(source, "Things[mh]", limit=5000).count == 2001
    assert run(source, "Things[mh:noexp]", limit=5000).count == 0


# Against a plain reading of the rules -------------------------------------------------------------

WORDS = ["kale", "kales", "plum", "plums", "pear", "kiwi"]


def _plain(records: tuple[Record, ...], query: q.Query) -> set[str]:
    """The same rules, told with regular expressions."""
    if isinstance(query, And):
        return set.intersection(*(_plain(records, part) for part in query.parts))
    if isinstance(query, Or):
        return set.union(*(_plain(records, part) for part in query.parts))
    if isinstance(query, Not):
        return _plain(records, query.left) - _plain(records, query.right)
    assert isinstance(query, Term)
    ending = r"\w*\b" if query.truncated else r"\b"
    pattern = re.compile(r"\b" + query.text.replace(" ", r"\W+") + ending)
    fields: dict[str, Callable[[Record], list[str]]] = {
        "ti": lambda r: [r.title],
        "ab": lambda r: [r.abstract],
        "tiab": lambda r: [r.title, r.abstract, *r.keywords],
    }
    return {r.record_id for r in records if any(pattern.search(text) for text in fields[query.field](r))}


GARDEN = tuple(
    Record(
        record_id=f"lib:{i}",
        title=" ".join(WORDS[(i * 7 + k * k) % 6] for k in range(i % 4)),
        abstract="-".join(WORDS[(i * 5 + k * i) % 6] for k in range(i % 5)),
        keywords=(WORDS[i % 6], WORDS[(i * 5) % 6]),
    )
    for i in range(40)
)


@pytest.fixture(scope="module")
def garden(tmp_path_factory: pytest.TempPathFactory) -> LocalSource:
    return LocalSource("lib", GARDEN, tmp_path_factory.mktemp("g") / "index.sqlite")


_terms = st.builds(
    Term,
    text=st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(" ".join),
    field=st.sampled_from(["ti", "ab", "tiab"]),
    phrase=st.just(True),
    truncated=st.booleans(),
)
_trees = st.recursive(
    _terms,
    lambda parts: (
        st.lists(parts, min_size=2, max_size=4).map(lambda p: And(tuple(p)))
        | st.lists(parts, min_size=2, max_size=4).map(lambda p: Or(tuple(p)))
        | st.builds(Not, parts, parts)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(query=_trees)
def test_any_boolean_strategy_agrees_with_a_plain_reading_of_the_rules(
    garden: LocalSource, query: q.Query
) -> None:
    assert {record.record_id for record in run(garden, query).records} == _plain(GARDEN, query)


# Real data ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mesh(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    return v.install(tmp_path_factory.mktemp("m") / "mesh.sqlite", shared_data / "mesh")


def _read(path: Path, prefix: str, most: int | None = None) -> list[tuple[Record, int | None]]:
    found = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number == most:
                break
            row = json.loads(line)
            record = Record(
                record_id=f"{prefix}:{number}",
                title=row.get("title") or "",
                abstract=row.get("abstract") or "",
                year=int(float(row["year"])) if row.get("year") else None,
                pmid=row.get("pmid"),
            )
            found.append((record, row.get("label_final")))
    return found


@pytest.mark.shared
def test_a_published_strategy_finds_every_included_study(
    shared_data: Path, tmp_path: Path, mesh: Vocabulary
) -> None:
    """The authors' own strategy over their candidates and 3,000 other records of PubMed."""
    review = shared_data / "reviews" / "kdigo_a1"
    query = q.parse(json.loads((review / "review.json").read_text())["query"])
    own = _read(review / "records.jsonl.gz", "own")
    other = _read(shared_data / "pubmed" / "pool.jsonl.gz", "other", 3000)
    included = {record.record_id for record, label in own if label == 1}
    assert len(included) == 11
    records = [record for record, _ in own + other]
    source = LocalSource("lib", records, tmp_path / "index.sqlite", mesh)
    before = time.perf_counter()
    found = {record.record_id for record in run(source, query, limit=5000).records}
    took_s = time.perf_counter() - before
    assert included <= found
    assert len(found) < 1000  # a search, not the whole corpus
    assert took_s < 2  # some 10 ms; the margin is for a busy machine


# Broad ones, ones with short terms inside longer ones, and ones written in inverted order.
HEADINGS_ASKED = (
    "Proteins", "Neoplasms", "Anti-Bacterial Agents", "Renal Insufficiency, Chronic", "Diabetes Mellitus, Type 2",
    "Heart Failure", "Heart", "Acquired Immunodeficiency Syndrome", "Interleukin-1beta", "Hypertension, Pulmonary",
)  # fmt: skip


@pytest.mark.shared
@pytest.mark.parametrize("explode", [True, False])
def test_a_heading_finds_what_a_search_for_each_of_its_terms_finds(
    shared_data: Path, tmp_path: Path, mesh: Vocabulary, explode: bool
) -> None:
    """The plain way: every name and entry term below the heading as a phrase of its own, one by one."""
    records = [record for record, _ in _read(shared_data / "pubmed" / "pool.jsonl.gz", "r", 400)]
    source = LocalSource("r", records, tmp_path / "index.sqlite", mesh)
    texts = [[" ".join(v.words(text)) for text in (record.title, record.abstract)] for record in records]
    padded = "\n".join(f" {title} \n {abstract} " for title, abstract in texts)
    known = set(padded.split())
    found = 0
    for heading in HEADINGS_ASKED:
        names = mesh.explode(heading) if explode else (heading,)
        phrases = set()
        for name in names:
            for term in (name, *mesh.entry_terms(name, permuted=True)):
                for form in (term, " ".join(reversed(term.split(", ")))):
                    phrase = " ".join(v.words(form))
                    if v.is_telling(form) and known.issuperset(phrase.split()) and f" {phrase} " in padded:
                        phrases.add(f" {phrase} ")
        expected = {
            record.record_id
            for record, fields in zip(records, texts, strict=True)
            if any(phrase in f" {text} " for text in fields for phrase in phrases)
        }
        result = run(source, Term(heading, "mh", phrase=True, exploded=explode), limit=5000)
        assert {record.record_id for record in result.records} == expected, heading
        found += len(expected)
    assert found > 80  # 93 without explosion
