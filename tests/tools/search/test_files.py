"""Files a reviewer brings: every format by hand, every kind of bad file, and real exports."""

import gzip
import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.errors import InputFileError
from tools.identifiers import normal_doi, normal_pmid
from tools.schemas import Record
from tools.search.sources.files import ReadReport, read_records

RIS = """TY  - JOUR
AU  - Sock, Ann
A1  - Ignored, Because Of AU
AU  - Wool Study Group
TI  - Warm socks for cold feet
T2  - Journal of Feet
PY  - 2020///
VL  - 3
IS  - 1
SP  - 10
EP  - 19
DO  - https://doi.org/10.1234/SOCKS.5.
AB  - BACKGROUND: Feet are cold.
METHODS: We gave socks to a hundred
people, NCT 01234567.

KW  - socks
KW  - feet
LA  - English
DB  - Ovid MEDLINE(R)
AN  - 00123456
ER  -
"""

NBIB = """
PMID- 123456
OWN - NLM
DP  - 2020 Dec-2021 Jan
TI  - Warm socks for cold
      feet.
PG  - 10-9
LID - e77 [pii]
LID - 10.1234/Socks.5 [doi]
AB  - BACKGROUND: Feet are cold. METHODS AND AIMS: We gave
      socks. Socks (A: wool) were warm.
FAU - Sock, Ann
AU  - Sock A
FAU - Shoe, Bo
AU  - Shoe B
CN  - Wool Study Group of the
      Northern Countries
LA  - eng
SI  - ClinicalTrials.gov/NCT01234567
SI  - figshare/10.6084/m9
PT  - Journal Article
PT  - Retracted Publication
JT  - Journal of feet
MH  - Foot/*drug effects
MH  - Foot/surgery
MH  - *Clothing
OT  - socks of
      wool
PMC - PMC99
AID - 10.1234/socks.5 [doi]
"""


def read(folder: Path, content: str | bytes, name: str = "in.ris") -> ReadReport:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    report = read_records(path, source="lib")
    lost = sum(p.lost for p in report.problems)
    assert report.entries == len(report.records) + len(report.repeated) + lost
    assert len({r.record_id for r in report.records}) == len(report.records)
    return report


def one(folder: Path, content: str | bytes, name: str = "in.ris") -> Record:
    (record,) = read(folder, content, name).records
    return record


def typed(record: Record) -> Record:
    """Without the verbatim fields."""
    return record.model_copy(update={"fields": ()})


def places(report: ReadReport) -> list[tuple[str, bool]]:
    return [(p.place, p.lost) for p in report.problems]


def ris(**tags: str) -> str:
    return "TY  - JOUR\n" + "".join(f"{t}  - {v}\n" for t, v in tags.items()) + "ER  - \n"


# RIS ---------------------------------------------------------------------------------------------


def test_a_ris_entry_is_read_field_by_field(tmp_path):
    assert typed(one(tmp_path, RIS)) == Record(
        record_id="lib:123456",
        title="Warm socks for cold feet",
        abstract="BACKGROUND: Feet are cold.\nMETHODS: We gave socks to a hundred people, NCT 01234567.",
        authors=("Sock, Ann", "Wool Study Group"),
        year=2020,
        journal="Journal of Feet",
        volume="3",
        issue="1",
        pages="10-19",
        pmid="123456",
        doi="10.1234/socks.5",
        language="English",
        keywords=("socks", "feet"),
        registry_ids=("NCT01234567",),
    )


@pytest.mark.parametrize(
    ("tags", "field", "value"),
    [
        ({"T1": "Socks"}, "title", "Socks"),
        ({"TI": "Socks", "T1": "Other"}, "title", "Socks"),
        ({"N2": "Warm."}, "abstract", "Warm."),
        ({"A1": "Sock, A"}, "authors", ("Sock, A",)),
        ({"Y1": "1999/08//"}, "year", 1999),
        ({"DA": "1999/08//undefined"}, "year", 1999),
        ({"JO": "J Feet"}, "journal", "J Feet"),
        ({"JF": "J Feet"}, "journal", "J Feet"),
        ({"M3": "10.1234/x"}, "doi", "10.1234/x"),
        ({"UR": "https://doi.org/10.1234/x"}, "doi", "10.1234/x"),
        ({"UR": "https://pubmed.ncbi.nlm.nih.gov/0077/"}, "pmid", "77"),
        ({"N1": "PMID: 77"}, "pmid", "77"),
        ({"N1": "Erratum of PMID: 77"}, "pmid", None),
        ({"AN": "77", "DB": "Embase"}, "pmid", None),
        ({"M3": "Retracted Publication"}, "retracted", True),
        ({"M3": "Retraction of Publication"}, "retracted", False),
    ],
)
def test_variants_of_ris_tags(tmp_path, tags, field, value):
    assert (
        getattr(one(tmp_path, ris(**({"TI": "Socks"} | tags if field != "title" else tags))), field) == value
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda s: "\ufeff" + s,
        lambda s: s.replace("\n", "\r\n"),
        lambda s: s.replace("\n", "\r"),
        lambda s: "\n\n" + s + "\n\n",
        lambda s: s.replace("  - ", " - "),
        lambda s: s.replace("ER  -\n", "ER  - "),
        lambda s: ("\ufeff" + s).encode("utf-16-le"),
        lambda s: gzip.compress(s.encode()),
    ],
)
def test_the_same_entry_in_other_clothes_is_the_same_record(tmp_path, change):
    assert one(tmp_path, change(RIS)) == one(tmp_path, RIS)


def test_latin_1_is_read_and_told(tmp_path):
    report = read(tmp_path, ris(TI="Größe ± 1").encode("latin-1"))
    assert report.records[0].title == "Größe ± 1"
    assert "not UTF-8" in report.problems[0].what


def test_wrapped_and_repeated_lines_are_kept(tmp_path):
    text = "TY  - JOUR\nTI  - Warm\n  socks\nKW  - wool\ncotton\nKW  - feet\nER  - \n"
    record = one(tmp_path, text)
    assert (record.title, record.keywords) == ("Warm socks", ("wool", "cotton", "feet"))


def test_an_entry_without_its_end_is_read_and_told(tmp_path):
    text = "TY  - JOUR\nTI  - One\nAN  - a\nTY  - JOUR\nTI  - Two\nAN  - b\n"
    report = read(tmp_path, text)
    assert [r.title for r in report.records] == ["One", "Two"]
    assert places(report) == [("line 4", False), ("line 4", False)]


def test_lines_outside_any_entry_are_told(tmp_path):
    report = read(tmp_path, "Provider: Somebody\n" + ris(TI="One") + "AB  - Lost abstract\n")
    assert places(report) == [("line 1", False), ("line 5", False)]
    assert "Lost abstract" in report.problems[1].what


def test_an_empty_entry_is_a_problem_not_a_record(tmp_path):
    report = read(tmp_path, ris(TI="One") + "TY  - \nER  - \n")
    assert [r.title for r in report.records] == ["One"]
    assert places(report) == [("line 4", True)]


def test_a_doi_that_is_none_is_a_warning(tmp_path):
    record = one(tmp_path, ris(TI="Socks", AB="Warm.", DO="DOI 1"))
    assert (record.doi, record.warnings) == (None, ("DOI not understood: 'DOI 1'",))


def test_missing_title_and_abstract_are_warnings_and_the_record_stays(tmp_path):
    assert one(tmp_path, ris(AU="Sock, A")).warnings == ("no title", "no abstract")


def test_a_tag_inside_another_field_is_a_warning(tmp_path):
    record = one(tmp_path, ris(TI="Socks", AB="Warm.", AD="Oslo, NorwayAN  - WOS:1"))
    assert record.warnings == ("line breaks are missing in the file: AN stands inside another field",)


def test_two_pmids_are_none(tmp_path):
    record = one(tmp_path, ris(TI="Socks", DB="PubMed", AN="77", N1="PMID: 78"))
    assert record.pmid is None
    assert "several PMIDs: 77, 78; none was taken" in record.warnings


# NBIB --------------------------------------------------------------------------------------------


def test_an_nbib_entry_is_read_field_by_field(tmp_path):
    assert typed(one(tmp_path, NBIB, "in.nbib")) == Record(
        record_id="lib:123456",
        title="Warm socks for cold feet.",
        abstract="BACKGROUND: Feet are cold.\nMETHODS AND AIMS: We gave socks. Socks (A: wool) were warm.",
        authors=("Sock, Ann", "Shoe, Bo", "Wool Study Group of the Northern Countries"),
        year=2020,
        journal="Journal of feet",
        pages="10-9",
        pmid="123456",
        pmcid="PMC99",
        doi="10.1234/socks.5",
        language="eng",
        publication_types=("Journal Article", "Retracted Publication"),
        mesh=("Foot", "Clothing"),
        keywords=("socks of wool",),
        registry_ids=("NCT01234567",),
        retracted=True,
    )


def test_nbib_oddities_are_told_and_nothing_is_dropped(tmp_path):
    text = "Header\nPMID- 1\nTI  - One\nand more\nPMID- 2\nTI  - Two\n\nAB  - After a blank line.\n"
    text += "PMID- x\nTI  - Three\n"
    report = read(tmp_path, text, "in.nbib")
    assert [r.title for r in report.records] == ["One and more", "Two", "Three"]
    assert report.records[1].abstract == "After a blank line."
    assert places(report) == [("line 1", False), ("line 4", False)]
    assert "PMID not understood: 'x'" in report.records[2].warnings


def test_a_notice_of_retraction_is_not_retracted(tmp_path):
    text = "PMID- 1\nTI  - Socks\nPT  - Retraction of Publication\nROF - J. 2019;1:1\n"
    assert not one(tmp_path, text, "in.nbib").retracted
    assert one(tmp_path, text.replace("ROF", "RIN"), "in.nbib").retracted


# JSON lines --------------------------------------------------------------------------------------


def lines(*objects: object) -> str:
    return "".join(json.dumps(o, ensure_ascii=False) + "\n" for o in objects)


def test_a_json_line_is_read_and_its_other_keys_are_named_once(tmp_path):
    given = {
        "record_id": "a7",
        "title": " Warm\u2028socks ",
        "abstract": "One.\n\n Two. ",
        "year": "2020",
        "label": 1,
    }
    given |= {
        "doi": "doi:10.1234/X",
        "authors": "Sock, A; Shoe, B",
        "keywords": ["a", "a"],
        "pmcid": "99",
        "x": 2,
    }
    report = read(tmp_path, lines(given, {"title": "Other", "label": 0}), "in.jsonl")
    assert report.records[0] == Record(
        record_id="lib:a7",
        title="Warm socks",
        abstract="One.\nTwo.",
        authors=("Sock, A", "Shoe, B"),
        year=2020,
        doi="10.1234/x",
        keywords=("a",),
        pmcid="PMC99",
    )
    assert [(p.place, p.what, p.lost) for p in report.problems] == [
        ("line 1", "keys left aside: label, x", False)
    ]


def test_the_pmid_is_the_key_whatever_its_spelling(tmp_path):
    report = read(tmp_path, lines({"pmid": "0077", "title": "A"}, {"pmid": 78, "title": "B"}), "in.jsonl")
    assert [(r.record_id, r.pmid) for r in report.records] == [("lib:77", "77"), ("lib:78", "78")]


def test_without_any_id_the_key_comes_from_the_content_not_from_the_place(tmp_path):
    a, b = {"title": "A"}, {"title": "B"}
    forth = [r.record_id for r in read(tmp_path, lines(a, b), "in.jsonl").records]
    back = [r.record_id for r in read(tmp_path, lines(b, a), "in.jsonl").records]
    assert forth == back[::-1]
    assert len(set(forth)) == 2


def test_broken_lines_are_told_one_by_one_and_the_others_are_read(tmp_path):
    text = lines({"title": "A"}) + "{broken\n\n[1]\n" + lines({"foo": 1}, {"title": "B"}) + "[" * 99999 + "\n"
    report = read(tmp_path, text, "in.jsonl")
    assert [r.title for r in report.records] == ["A", "B"]
    assert [p for p, lost in places(report) if lost] == ["line 2", "line 4", "line 5", "line 7"]


def test_values_of_the_wrong_kind_are_left_out_with_a_warning(tmp_path):
    given = {
        "title": {"a": 1},
        "abstract": "X.",
        "authors": [1],
        "year": "unknown",
        "pmid": "12x",
        "doi": "none",
        "volume": 7,
    }
    record = one(tmp_path, lines(given), "in.jsonl")
    assert (record.title, record.authors, record.year, record.pmid, record.volume) == (
        "",
        (),
        None,
        None,
        "7",
    )
    assert set(record.warnings) == {
        "title left out: not a text, but dict",
        "authors left out: not a list of texts",
        "year not understood: 'unknown'",
        "pmid not understood: '12x'",
        "doi not understood: 'none'",
        "no title",
    }


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "true"])
def test_numbers_that_are_none_do_not_stop_the_file(tmp_path, number):
    record = one(tmp_path, f'{{"title": "A", "year": {number}, "volume": {number}}}\n', "in.jsonl")
    assert record.year is None


def test_text_that_no_database_takes_is_cleaned(tmp_path):
    record = one(tmp_path, '{"title": "a\\ud800b\\u0000c", "abstract": "\\ud83d\\ude00"}\n', "in.jsonl")
    assert (record.title, record.abstract) == ("a\ufffdbc", "😀")
    assert record.version


def test_our_own_records_come_back_as_they_went(tmp_path):
    record = one(tmp_path, NBIB, "in.nbib")
    assert one(tmp_path, record.model_dump_json() + "\n", "in.jsonl") == record


text_values = st.text(st.characters(codec="utf-8"), max_size=30)


@given(
    st.lists(st.fixed_dictionaries({"title": text_values, "abstract": text_values}), min_size=1, max_size=5)
)
def test_every_line_is_accounted_for_and_reading_twice_gives_the_same(tmp_path_factory, objects):
    objects = [*objects, {"title": "At least this"}]
    folder = tmp_path_factory.mktemp("json")
    report = read(folder, lines(*objects), "in.jsonl")
    assert report.entries == len(objects)
    assert read(folder, lines(*objects), "in.jsonl") == report


# Ids, formats and bad files ----------------------------------------------------------------------


def test_the_same_entry_twice_counts_once_and_is_told_where(tmp_path):
    report = read(tmp_path, ris(TI="A", AN="1") + ris(TI="B", AN="2") + ris(TI="A", AN="1"))
    assert [r.record_id for r in report.records] == ["lib:1", "lib:2"]
    assert [(r.record_id, r.place) for r in report.repeated] == [("lib:1", "line 9")]


def test_one_id_with_other_content_is_kept_under_another_id(tmp_path):
    objects = [
        {"record_id": k, "title": t}
        for k, t in [("1", "A"), ("1", "B"), ("1#2", "C"), ("1", "D"), ("1", "B")]
    ]
    report = read(tmp_path, lines(*objects), "in.jsonl")
    assert [(r.record_id, r.title) for r in report.records] == [
        ("lib:1", "A"),
        ("lib:1#2", "B"),
        ("lib:1#2#2", "C"),
        ("lib:1#3", "D"),
    ]
    assert [p for p, _ in places(report)] == ["line 2", "line 3", "line 4"]
    assert [r.place for r in report.repeated] == ["line 5"]


def test_the_content_decides_not_the_name(tmp_path):
    report = read(tmp_path, NBIB, "in.ris")
    assert (report.format, report.counts) == ("nbib", {"nbib": 1})
    assert report.problems[0].what == "named like ris, but holds nbib; read as nbib"
    assert read(tmp_path, gzip.compress(NBIB.encode()), "in.nbib.gz").problems == ()
    assert "not compressed" in read(tmp_path, NBIB, "in.nbib.gz").problems[0].what


def test_pubmed_xml_goes_to_its_own_reader(tmp_path):
    article = "<PubmedArticle><MedlineCitation><PMID>7</PMID><Article><ArticleTitle>Socks</ArticleTitle>"
    article += "</Article></MedlineCitation></PubmedArticle>"
    bad = "<PubmedArticle><MedlineCitation><PMID>8</PMID></MedlineCitation></PubmedArticle>"
    gone = "<DeleteCitation><PMID>9</PMID></DeleteCitation>"
    report = read(
        tmp_path, f"<?xml version='1.0'?><PubmedArticleSet>{article}{bad}{gone}</PubmedArticleSet>", "in.xml"
    )
    assert [(r.record_id, r.title) for r in report.records] == [("lib:7", "Socks")]
    assert (report.format, report.entries) == ("pubmed_xml", 2)
    assert sorted(places(report)) == [("article 2", True), ("entry 3", False)]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (gzip.compress(b"", mtime=0), "empty"),
        (gzip.compress(b"TY  - JOUR\n" * 99, mtime=0)[:30], "damaged"),
        (b"\x1f\x8bnot gzip at all", "damaged"),
        (b"%PDF-1.7\n%abc", "binary"),
        (b"PK\x03\x04\x00\x00", "workbook is damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel file (.xls); save it as XLSX or CSV"),
        (b"\xff\xfe\x00", "no format we know"),
        ("TY  - J\n".encode("utf-16")[:-1], "damaged text"),
        (
            b"name,text,when\nA,B,2020\n",
            "no column is known as the title; its first row is: name, text, when",
        ),
        (b"@article{a,}", "line 1: an entry without any content"),
        (b'[{"title": "A"}]', "a JSON array; write one object per line"),
        (b"<html><body>Sign in</body></html>", "XML or HTML"),
        (b"<feed><entry/></feed>", "XML or HTML"),
        (b"<xml><records><record/></records></xml>", "entry 1: an entry without any content"),
        (b"just some words", "no format we know"),
        (b'{"foo": 1}\n{"bar": 2}\n', "line 1: an object with neither"),
        (b"TY  - \nER  - \n", "line 1: an entry without any content"),
        (b"<PubmedArticleSet><PubmedArticle>", "PubMed XML cannot be read"),
        (b"<PubmedArticleSet></PubmedArticleSet>", "holds no pubmed_xml entry"),
    ],
)
def test_a_file_without_use_is_an_error_with_its_name_and_a_remedy(tmp_path, content, why):
    path = tmp_path / "in.txt"
    path.write_bytes(content)
    with pytest.raises(InputFileError) as caught:
        read_records(path, source="lib")
    assert why in str(caught.value)
    assert "in.txt" in str(caught.value)
    assert any(remedy in str(caught.value).lower() for remedy in ("export", "name the columns"))


def test_a_missing_file_and_a_folder_are_told_apart_from_empty_ones(tmp_path):
    for path in (tmp_path / "none.ris", tmp_path):
        with pytest.raises(InputFileError, match=r"cannot be read .*check the path"):
            read_records(path, source="lib")


def test_a_small_file_cannot_unpack_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr("tools.search.sources.files.MAX_BYTES", 2**20)
    path = tmp_path / "bomb.ris.gz"
    path.write_bytes(gzip.compress(b"TY  - JOUR\n" + b" " * 2**21))
    assert path.stat().st_size < 10_000
    with pytest.raises(InputFileError, match="more than 1 MB uncompressed; split"):
        read_records(path, source="lib")


@pytest.mark.parametrize(
    ("given_doi", "doi"),
    [
        ("10.1234/ABC", "10.1234/abc"),
        ("https://dx.doi.org/10.1234/abc.", "10.1234/abc"),
        ("doi: 10.1016/S0140-6736(05)67889-1", "10.1016/s0140-6736(05)67889-1"),
        ("https://doi.org/10.1234%2Fabc", "10.1234/abc"),
        ("10.1234/abc [doi]", "10.1234/abc"),
        ("DOI 1", None),
        ("", None),
    ],
)
def test_dois_have_one_spelling(given_doi, doi):
    assert normal_doi(given_doi) == doi


@pytest.mark.parametrize(
    ("given_pmid", "pmid"), [("007", "7"), (" 7 ", "7"), ("0", None), ("7a", None), ("1" * 9, None)]
)
def test_pmids_have_one_spelling(given_pmid, pmid):
    assert normal_pmid(given_pmid) == pmid


# Real files --------------------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "starts", "least"),
    [
        ("dedup/exports/zotero_export.ris.gz", b"\nTY  - ", {"doi": 700, "year": 990, "abstract": 750}),
        ("dedup/exports/scopus_538.ris.gz", b"\nTY  - ", {"doi": 850, "year": 951, "abstract": 940}),
        ("dedup/exports/wos_test.ris.gz", b"\nTY  - ", {"doi": 35, "year": 50, "abstract": 45}),
        ("dedup/exports/ris_export.txt.gz", b"\nTY  - ", {"doi": 60, "year": 65, "abstract": 50}),
        (
            "pubmed/medline/llm_bias_634.nbib.gz",
            b"\nPMID- ",
            {"pmid": 634, "doi": 600, "mesh": 200, "abstract": 600},
        ),
        ("pubmed/medline/rct_1000.txt.gz", b"\nPMID- ", {"pmid": 900, "mesh": 800, "abstract": 700}),
    ],
)
def test_real_exports_are_read_to_the_last_entry(shared_data, name, starts, least):
    data = (
        gzip.decompress((shared_data / name).read_bytes()).removeprefix(b"\xef\xbb\xbf").replace(b"\r", b"\n")
    )
    report = read_records(shared_data / name, source="x")
    assert report.entries == (b"\n" + data).count(starts)
    assert not any(p.lost for p in report.problems)
    for field, count in least.items():
        assert sum(bool(getattr(r, field)) for r in report.records) >= count, field


@pytest.mark.shared
def test_records_come_at_more_than_a_thousand_a_second(shared_data, tmp_path):
    with gzip.open(shared_data / "pubmed" / "pool.jsonl.gz", "rt", encoding="utf-8") as whole:
        text = "".join(line for line, _ in zip(whole, range(6_000), strict=False))
    began = time.process_time()
    report = read(tmp_path, gzip.compress(text.encode()), "pool.jsonl.gz")
    assert time.process_time() - began < 6
    assert (report.entries, len(report.records), report.problems) == (6_000, 6_000, ())


@pytest.mark.shared
def test_every_review_is_read_whole(shared_data):
    files = sorted((shared_data / "reviews").glob("*/records.jsonl.gz"))
    assert len(files) > 20
    total = 0
    for path in files:
        report = read_records(path, source=path.parent.name)
        total += len(report.records)
        assert not report.repeated
        assert not any(p.lost for p in report.problems)
        assert any("label_final" in p.what for p in report.problems)
    assert total == 27_731
