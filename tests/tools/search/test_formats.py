"""Every format by a hand-made entry, in the flavours that programs write, damaged and hostile ones too.

All citations here are invented.
"""

import csv
import gzip
import hashlib
import io
import json
import time
import zipfile
from pathlib import Path

import openpyxl
import pytest
import rispy
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.search.test_files import one, places, read, typed
from tools.errors import InputFileError
from tools.schemas import Record, canonical_json
from tools.search.formats import ris
from tools.search.formats.bibtex import unlatexed
from tools.search.sources.files import read_records

RECORD = Record(
    record_id="lib:77",
    title="Warm socks for cold feet",
    abstract="Feet are cold. We gave socks.",
    authors=("Sock, Ann", "Shoe, Bo"),
    year=2020,
    journal="Journal of Feet",
    volume="3",
    issue="1",
    pages="10-19",
    pmid="77",
    doi="10.1234/socks.5",
    issn="1234-5678",
    language="English",
    keywords=("socks", "feet"),
)


def same(found: Record, **but: object) -> None:
    """The record above, but for its id and what a format has no place for."""
    expected = RECORD.model_copy(update={"record_id": found.record_id, **but})
    assert typed(found) == expected


# RIS, as many programs write it ------------------------------------------------------------------

HEAD = "TI  - Warm socks for cold feet\nAB  - Feet are cold. We gave socks.\n"
REST = "VL  - 3\nIS  - 1\nSN  - 1234-5678\nLA  - English\nKW  - socks\nKW  - feet\n"
NAMES = "AU  - Sock, Ann\nAU  - Shoe, Bo\n"
FLAVOURS = {
    "pubmed": f"{HEAD}{NAMES}{REST}T2  - Journal of Feet\nPY  - 2020\nSP  - 10-19\nDB  - PubMed\n"
    "AN  - 77\nDO  - 10.1234/socks.5\n",
    "ovid": "ID  - 77\nT1  - Warm socks for cold feet\nA1  - Sock, Ann\nA1  - Shoe, Bo\nY1  - 2020///\n"
    "N2  - Feet are cold. We gave socks.\nJF  - Journal of Feet\nJA  - J Feet\nVL  - 3\nIS  - 1\nSP  - 10\n"
    "EP  - 19\nSN  - 1234-5678\nLA  - English\nKW  - socks\nKW  - feet\nM3  - https://dx.doi.org/10.1234/socks.5\n"
    "DB  - Ovid MEDLINE(R) <2015 to 2020>\n",
    "web of science": f"{HEAD}{NAMES}{REST}T2  - Journal of Feet\nDA  - FEB\nPY  - 2020\nSP  - 10\nEP  - 19\n"
    "DO  - 10.1234/socks.5\nAN  - WOS:1\nN1  - PMID: 77\n",
    "scopus": f"{HEAD}{NAMES}{REST}J2  - Journal of Feet\nPY  - 2020\nSP  - 10\nEP  - 19\n"
    "UR  - https://www.scopus.example/record.uri?eid=2-s2.0-1&doi=10.1234%2fsocks.5&md5=0\nN1  - PMID: 77\n",
    "endnote": f"{HEAD}{NAMES}{REST}T2  - Journal of Feet\nPY  - 2020\nSP  - 10\nEP  - 19\nM3  - 10.1234/socks.5\n"
    "AN  - 77 [pmid]\n",
    "zotero": f"{HEAD}{NAMES}{REST}T2  - Journal of Feet\nDA  - 2020/02//\nSP  - 10\nEP  - 19\n"
    "DO  - 10.1234/socks.5\nN1  - Place: Norway PMID: 77  PMCID: n/a\n",
    "central": f"{HEAD}{NAMES}{REST}JO  - Journal of Feet\nY1  - 2020\nSP  - 10-19\nAN  - CN-00000001\n"
    "C3  - PUBMED 77,EMBASE 2020\nDO  - 10.1234/socks.5\n"
    "UR  - https://www.cochranelibrary.example/central/doi/10.1002/central/CN-00000001/full\n",
    "rayyan": f"{HEAD}{NAMES}{REST}T2  - Journal of Feet\nPY  - 2020/02/01/\nSP  - 10\nEP  - 19\nID  - rayyan-1\n"
    "L3  - 10.1234/socks.5\nU1  - 77 [pmid]\n",
    "covidence": f"{HEAD}{NAMES}{REST}JO  - Journal of Feet\nY1  - 2020\nSP  - 10\nEP  - 19\nID  - #12\n"
    "UR  - https://doi.org/10.1234/socks.5\nUR  - https://pubmed.ncbi.nlm.nih.gov/77/\n",
}


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_one_citation_is_the_same_record_from_every_program(tmp_path: Path, flavour: str) -> None:
    found = one(tmp_path, f"TY  - JOUR\n{FLAVOURS[flavour]}ER  - \n")
    same(found, url=found.url)
    assert found.record_id in ("lib:77",)


def test_the_number_of_central_is_never_taken_for_a_doi(tmp_path: Path) -> None:
    text = "TY  - JOUR\nTI  - A\nDO  - 10.1002/central/CN-1\n"
    text += "UR  - https://x.example/doi/10.1002/central/CN-1/full\nER  - \n"
    assert one(tmp_path, text).doi is None


def test_the_number_of_embase_is_no_pmid(tmp_path: Path) -> None:
    text = "TY  - JOUR\nTI  - A\nDB  - Embase MEDLINE\nAN  - 2001234567\nU2  - L2001\nER  - \n"
    found = one(tmp_path, text)
    assert (found.pmid, found.record_id) == (None, "lib:2001234567")


def test_an_entry_with_single_spaces_in_a_file_with_double_ones_is_not_swallowed(tmp_path: Path) -> None:
    text = "TY  - JOUR\nTI  - A\nAB  - II - phase\nAN  - 1\nER - \nTY - BOOK\nTI  - B\nAN  - 2\nER  - \n"
    report = read(tmp_path, text)
    assert [r.title for r in report.records] == ["A", "B"]
    assert report.records[0].abstract == "II - phase"


# RIS goes out as it came in ----------------------------------------------------------------------

VERBATIM = (
    "TY  - JOUR\nZZ  - unknown tag \nTI  - Socks\nAU  - Sock, A\nAU  - Sock, A\nUR  - \nN1  - note one\n"
    "AB  - First.\n\n  Second: TY - no tag\nX1  - =1+1\nN1  - note two\n"
)


def test_every_tag_and_value_comes_back_in_order_unknown_and_empty_ones_too(tmp_path: Path) -> None:
    record = one(tmp_path, VERBATIM + "ER  - \n\n")
    assert record.fields[1] == ("ZZ", "unknown tag ")
    assert record.fields[7] == ("AB", "First.\n\n  Second: TY - no tag")
    kept = Record.model_validate_json(canonical_json(record))
    written = ris.written(kept, ["Decision: included"])
    mine = "N1  - Record in the review: lib:" + record.record_id[4:] + " | Decision: included\n"
    assert written.replace("\r\n", "\n") == VERBATIM + mine + "ER  - \n\n"


def test_what_we_add_is_not_added_again_on_the_next_way_through(tmp_path: Path) -> None:
    record = one(tmp_path, VERBATIM + "AN  - 5\nER  - \n")
    again = one(tmp_path, ris.written(record, ["Decision: included"]))
    assert again.record_id == record.record_id == "lib:5"
    assert ris.written(again) == ris.written(record)
    assert typed(again) == typed(record)


TAGS = st.from_regex(r"[A-Z][A-Z0-9]", fullmatch=True).filter(lambda t: t not in ("TY", "ER"))
LINES = st.text(st.characters(codec="utf-8", exclude_characters="\x00\n\r"), max_size=20)
PAIRS = st.lists(st.tuples(TAGS, LINES), min_size=1, max_size=8)


@given(PAIRS)
def test_any_tags_and_values_survive_import_and_export(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]]
) -> None:
    given = (("TY", "JOUR"), ("TI", "Something"), *pairs)
    text = "".join(f"{tag}  - {value}\n" for tag, value in given) + "ER  - \n"
    folder = tmp_path_factory.mktemp("ris")
    record = one(folder, text)
    assert record.fields == given
    again = one(folder, ris.written(Record.model_validate_json(canonical_json(record))))
    assert again.fields[: len(given)] == given


FORGED = "Milk\nER  - \n\nTY  - JOUR\nTI  - A forged paper\x0bER  - \u2028TY  - BOOK\rER - "


def test_a_field_cannot_forge_an_entry(tmp_path: Path) -> None:
    record = Record(record_id="lib:1", fields=(("TY", "JOUR"), ("TI", FORGED), ("AB", FORGED)))
    written = ris.written(record, [FORGED])
    assert len(rispy.loads(written)) == 1
    assert [line[:2] for line in written.splitlines() if line[2:5] == "  -"] == ["TY", "TI", "AB", "N1", "ER"]


# Web of Science, Cochrane ------------------------------------------------------------------------

WOS = """FN Clarivate Analytics Web of Science
VR 1.0
PT J
AU Sock, A
   Shoe, B
AF Sock, Ann
   Shoe, Bo
TI Warm socks for
   cold feet
SO Journal of Feet
LA English
DE socks; feet
AB Feet are cold. We gave
   socks.
SN 1234-5678
PY 2020
VL 3
IS 1
BP 10
EP 19
DI 10.1234/SOCKS.5
UT WOS:000000001
PM 77
ER

EF"""

COCHRANE = """Record #1 of 1
ID: CN-00000001
AU: Sock, Ann
AU: Shoe, Bo
TI: Warm socks for cold feet
SO: Journal of Feet
YR: 2020
VL: 3
NO: 1
PG: 10‐19
LA: English
SN: 1234-5678
PM: PUBMED 77
XR: EMBASE 20201
DOI: 10.1234/socks.5
AB: Feet are cold.
We gave socks.
KY: *socks; feet
"""


def test_web_of_science_text(tmp_path: Path) -> None:
    found = one(tmp_path, WOS, "savedrecs.txt")
    same(found)
    assert ("AF", "Sock, Ann\nShoe, Bo") in found.fields


def test_web_of_science_tabs(tmp_path: Path) -> None:
    head = "PT\tAU\tTI\tSO\tLA\tDE\tAB\tSN\tPY\tVL\tIS\tBP\tEP\tDI\tPM\tUT"
    row = "J\tSock, Ann; Shoe, Bo\tWarm socks for cold feet\tJournal of Feet\tEnglish\tsocks; feet\t"
    row += "Feet are cold. We gave socks.\t1234-5678\t2020\t3\t1\t10\t19\t10.1234/socks.5\t77\tWOS:1"
    same(one(tmp_path, f"\ufeff{head}\r\n{row}\r\n".encode("utf-16-le"), "savedrecs.txt"))


def test_cochrane_text_and_its_own_count(tmp_path: Path) -> None:
    same(one(tmp_path, COCHRANE, "central.txt"))
    report = read(tmp_path, COCHRANE.replace("of 1\n", "of 2\n"), "central.txt")
    assert "says that it holds 2 entries, and 1 were found" in report.problems[0].what


# EndNote XML -------------------------------------------------------------------------------------


def styled(text: str) -> str:
    return f'<style face="normal" font="default" size="100%">{text}</style>'


ENDNOTE = f"""<?xml version="1.0" encoding="UTF-8"?><xml><records><record>
<database name="my.enl">my.enl</database><ref-type name="Journal Article">17</ref-type>
<contributors><authors><author>{styled("Sock, Ann")}</author>
<author>{styled("Shoe, Bo")}</author></authors></contributors>
<titles><title>{styled("Warm ")}<style face="italic">socks</style>{styled(" for cold feet")}</title>
<secondary-title>{styled("Journal of Feet")}</secondary-title></titles>
<pages>{styled("10-19")}</pages><volume>{styled("3")}</volume><number>{styled("1")}</number>
<keywords><keyword>{styled("socks")}</keyword><keyword>{styled("feet")}</keyword></keywords>
<dates><year>{styled("2020")}</year></dates><isbn>{styled("1234-5678 (Print)")}</isbn>
<accession-num>{styled("77")}</accession-num><electronic-resource-num>{styled("10.1234/socks.5")}</electronic-resource-num>
<abstract>{styled("Feet are cold. We gave socks.")}</abstract>
<remote-database-name>{styled("PubMed")}</remote-database-name><language>{styled("English")}</language>
</record></records></xml>"""


def test_endnote_xml_through_its_styles(tmp_path: Path) -> None:
    found = one(tmp_path, ENDNOTE, "my.xml")
    same(found)
    assert ("titles/title", "Warm socks for cold feet") in found.fields
    assert ("ref-type@name", "Journal Article") in found.fields


def test_an_accession_number_is_a_pmid_only_where_the_entry_says_so(tmp_path: Path) -> None:
    found = one(tmp_path, ENDNOTE.replace("PubMed", "Somewhere"), "my.xml")
    assert (found.pmid, found.record_id) == (None, "lib:77")


def test_control_characters_do_not_stop_the_xml(tmp_path: Path) -> None:
    report = read(tmp_path, ENDNOTE.replace("Feet are", "Feet\x0b are"), "my.xml")
    assert report.records[0].abstract == "Feet are cold. We gave socks."
    assert "1 control characters" in report.problems[0].what


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)


@pytest.mark.parametrize("entities", [BOMB, '<!DOCTYPE xml [<!ENTITY c SYSTEM "secret.txt">]>'])
@pytest.mark.parametrize("root", ["xml", "Trials_downloaded_from_ICTRP"])
def test_entities_are_refused_and_no_file_is_read(tmp_path: Path, entities: str, root: str) -> None:
    (tmp_path / "secret.txt").write_text("the secret")
    item = "record" if root == "xml" else "Trial"
    body = f"<{item}><titles><title>&c;</title></titles><Public_title>&c;</Public_title></{item}>"
    path = tmp_path / "in.xml"
    path.write_text(f"{entities.replace('DOCTYPE xml', f'DOCTYPE {root}')}<{root}>{body}</{root}>")
    with pytest.raises(InputFileError, match="declares entities") as caught:
        read_records(path, source="lib")
    assert "secret" not in str(caught.value)


# BibTeX ------------------------------------------------------------------------------------------

BIBTEX = r"""% written by hand
@string{jof = "Journal of" # { Feet}}
@comment{not an entry, title = {No}}
@article{sock_warm_2020,
  title = {Warm {Socks} for \emph{cold} feet},
  author = {Sock, Ann and Bo Shoe and {Wool and Linen Study Group} and M{\"u}ller, J{\"o}rg and van der Sok, P.},
  journal = jof, year = 2020, month = feb, volume = "3", number = {1}, pages = {10--19},
  doi = {10.1234/so\_cks}, issn = {1234-5678}, keywords = {socks, feet},
  abstract = {Feet are cold ($p<0.05$) in 3\,\% -- S{\o}ren {\&} \'{E}lan.},
  note = {PMID: 77}, note = {second note}
}
"""


def test_bibtex_with_macros_accents_and_a_group(tmp_path: Path) -> None:
    found = one(tmp_path, BIBTEX, "my.bib")
    assert found.authors == (
        "Sock, Ann",
        "Shoe, Bo",
        "Wool and Linen Study Group",
        "Müller, Jörg",
        "van der Sok, P.",
    )
    assert (found.title, found.journal, found.year) == ("Warm Socks for cold feet", "Journal of Feet", 2020)
    assert (found.pages, found.doi, found.pmid) == ("10-19", "10.1234/so_cks", "77")
    assert found.abstract.startswith("Feet are cold (p<0.05) in 3")
    assert found.abstract.endswith("Søren & Élan.")
    assert found.keywords == ("socks", "feet")
    assert [value for name, value in found.fields if name == "note"] == ["PMID: 77", "second note"]
    assert found.fields[:2] == (("ENTRYTYPE", "article"), ("ID", "sock_warm_2020"))
    assert ("month", "feb") in found.fields


@pytest.mark.parametrize(
    ("latex", "plain"),
    [
        (r"\"{u}\"u{\"u}{\"{u}}", "üüüü"),
        (r"\c{c}\c c\v{s}\H{o}\r{a}\k{a}", "ççšőåą"),
        (r"{\'\i}\'{\i}\^{\i}", "ííî"),
        (r"\ss{} \aa \o{} {\AE}", "ß åø Æ"),
        (r"{\textless}5 {\textgreater} {\textpm} \textregistered{} $\beta$-blocker", "<5 > ± ® β-blocker"),
        (r"50\% \& 3\_4 \#1 \$5 \{a\}", "50% & 3_4 #1 $5 {a}"),
        (r"costs $5 and $10", "costs $5 and $10"),
        (r"Smith~J., ~10", "Smith J., ~10"),
        (r"\unknowncommand{x}", r"\unknowncommandx"),
        ("plain ü", "plain ü"),
    ],
)
def test_latex_becomes_text(latex: str, plain: str) -> None:
    assert unlatexed(latex) == plain


def test_a_missing_brace_costs_no_neighbour(tmp_path: Path) -> None:
    text = "@article{a, title={One}}\n@article{b, title={Two, year={1999}\n@article{c,\n title={Three}}"
    report = read(tmp_path, text, "my.bib")
    assert [r.record_id for r in report.records] == ["lib:a", "lib:b", "lib:c"]
    assert report.records[1].title.startswith("Two")
    assert {"line 2"} == {place for place, _ in places(report)}


def test_two_entries_on_one_line_and_text_between_them(tmp_path: Path) -> None:
    report = read(
        tmp_path, "@article{a,title={A}} @book{b,title={B}}\nstray words\n@misc(c, title={C})", "my.bib"
    )
    assert [r.title for r in report.records] == ["A", "B", "C"]
    assert places(report) == [("line 2", False)]


# Tables ------------------------------------------------------------------------------------------


def in_csv(row: dict[str, str]) -> str:
    """A table of one row, everything in quotation marks."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(row), quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerow(row)
    return out.getvalue()


PUBMED_CSV = """PMID,Title,Authors,Citation,Journal/Book,Publication Year,Create Date,PMCID,DOI
77,Warm socks,"Sock A, Shoe BC.",J Feet. 2020,J Feet,2020,2020/02/01,PMC9,10.1234/socks.5
"""
SCOPUS_CSV = in_csv(
    {
        "Authors": "Sock A.; Shoe B.",
        "Author full names": "Sock, Ann (57000000001); Shoe, Bo (57000000002)",
        "Title": "Warm socks",
        "Year": "2020",
        "Source title": "J Feet",
        "Art. No.": "",
        "Page start": "10",
        "Page end": "19",
        "DOI": "10.1234/socks.5",
        "Abstract": 'Feet are "cold".\nWe gave socks.',
        "Author Keywords": "socks",
        "Index Keywords": "feet; socks",
        "Document Type": "Article",
        "Source": "Scopus",
        "EID": "2-s2.0-1",
    }
)
COVIDENCE_CSV = """Title,Authors,Abstract,Published Year,Journal,Volume,Issue,Pages,Accession Number,DOI,Covidence #
Warm socks,"Sock, A.; Shoe, B.",Cold.,2020,J Feet,3,1,10-19,123,10.1234/socks.5,#4
"""


def test_pubmeds_csv(tmp_path: Path) -> None:
    found = one(tmp_path, PUBMED_CSV, "csv-set.csv")
    assert (found.pmid, found.authors, found.year) == ("77", ("Sock, A", "Shoe, BC"), 2020)
    assert (found.journal, found.pmcid, found.created) == ("J Feet", "PMC9", "2020-02-01")


def test_scopus_csv_with_a_line_break_in_a_cell(tmp_path: Path) -> None:
    found = one(tmp_path, SCOPUS_CSV, "scopus.csv")
    assert found.authors == ("Sock, Ann", "Shoe, Bo")
    assert found.abstract == 'Feet are "cold".\nWe gave socks.'
    assert (found.journal, found.pages, found.keywords) == ("J Feet", "10-19", ("socks", "feet"))
    assert (found.record_id, found.publication_types) == ("lib:2-s2.0-1", ("Article",))


def test_covidence_csv_and_a_table_with_semicolons(tmp_path: Path) -> None:
    found = one(tmp_path, COVIDENCE_CSV, "covidence.csv")
    assert (found.year, found.pages, found.record_id) == (2020, "10-19", "lib:123")
    semicolons = 'sep=;\nTitle;Authors;Year\nA;"Sock, A; Shoe, B";2020\n'
    report = read(tmp_path, semicolons, "excel.csv")
    assert report.records[0].authors == ("Sock, A", "Shoe, B")
    assert report.columns == (("title", "Title"), ("authors", "Authors"), ("year", "Year"))


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("Nr,Name of it,Who,When,Title\n1,Warm socks,Sock A,2020,Dr\n")
    report = read_records(
        path, source="lib", columns={"title": "name of it", "authors": "Who", "year": "When"}
    )
    (found,) = report.records
    assert (found.title, found.authors, found.year) == ("Warm socks", ("Sock A",), 2020)
    assert found.fields == (
        ("Nr", "1"),
        ("Name of it", "Warm socks"),
        ("Who", "Sock A"),
        ("When", "2020"),
        ("Title", "Dr"),
    )
    with pytest.raises(
        InputFileError, match="no column is called 'Nome', which is named for title; the columns are"
    ):
        read_records(path, source="lib", columns={"title": "Nome"})


def test_rows_that_do_not_fit_are_told_and_empty_ones_are_lost(tmp_path: Path) -> None:
    report = read(tmp_path, "Title,Year,DOI\nA,2020\n,,,\n,2020,\nB,2021,10.1234/b,extra\n", "t.csv")
    assert [(r.title, r.year) for r in report.records] == [("A", 2020), ("B", 2021)]
    assert places(report) == [("line 2", False), ("line 4", True), ("line 5", False)]
    assert ("", "extra") in report.records[1].fields


def test_a_quotation_mark_that_is_not_closed_does_not_swallow_the_rows_below(tmp_path: Path) -> None:
    report = read(tmp_path, 'Title,Year\n"Socks,2020\nB,2021\nC,2022\n', "t.csv")
    assert [r.title for r in report.records][-2:] == ["B", "C"]
    assert len(report.records) == 3
    assert "quotation mark is not closed" in report.problems[0].what


def test_a_row_that_is_cut_off_inside_its_abstract_is_one_entry(tmp_path: Path) -> None:
    report = read(tmp_path, 'Title,Abstract\nA,"All."\nB,"Half of\nan abs', "t.csv")
    assert [(r.title, r.abstract) for r in report.records] == [("A", "All."), ("B", "Half of\nan abs")]
    assert "cut off" in report.problems[0].what


def test_formulas_stay_text(tmp_path: Path) -> None:
    text = 'Title,Abstract\n"=HYPERLINK(""http://x.example"")",+1-1\n'
    found = one(tmp_path, text, "t.csv")
    assert (found.title, found.abstract) == ('=HYPERLINK("http://x.example")', "+1-1")


# XLSX --------------------------------------------------------------------------------------------


def workbook(*rows: tuple[object, ...], before: str = "") -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    if before:
        sheet.append([before])
        sheet = book.create_sheet("citations")
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbook_is_read_from_the_sheet_with_the_citations(tmp_path: Path) -> None:
    data = workbook(
        ("Title", "Year", "Volume", "DOI"),
        ("=1+1", 2020, 3.0, None),
        ("B", "2021", 3.5, "10.1234/b"),
        before="About",
    )
    report = read(tmp_path, data, "in.xlsx")
    assert [(r.title, r.year, r.volume) for r in report.records] == [("=1+1", 2020, "3"), ("B", 2021, "3.5")]
    assert report.records[0].fields == (("Title", "=1+1"), ("Year", "2020"), ("Volume", "3"), ("DOI", ""))
    assert {problem.place for problem in report.problems} == {"sheet Sheet", "sheet citations"}
    assert read(tmp_path, gzip.compress(data), "in.xlsx.gz").records == report.records


def repacked(data: bytes, changes: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, changes.pop(name, None) or old.read(name))
        for name, content in changes.items():
            new.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"xl/media/zeros.bin": b"\0" * 20_000_000}, "times its size, which is refused"),
        ({"xl/sharedStrings.xml": b'<!DOCTYPE x [<!ENTITY a "b">]><sst/>'}, "document type or entities"),
        ({"xl/late.xml": b"<!--" + b" " * 2_000_000 + b'--><!DOCTYPE x SYSTEM "a"><x/>'}, "document type"),
        ({f"xl/media/{n}": b"" for n in range(1_001)}, "too many or encrypted parts"),
        ({"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row><c"}, "cannot be opened"),
    ],
)
def test_a_hostile_workbook_is_refused(tmp_path: Path, changes: dict[str, bytes], why: str) -> None:
    path = tmp_path / "in.xlsx"
    path.write_bytes(repacked(workbook(("Title", "Year"), ("A", 2020)), dict(changes)))
    with pytest.raises(InputFileError, match=why):
        read_records(path, source="lib")


@pytest.mark.parametrize("keep", [10, 500, -30])
def test_half_a_workbook_is_an_error_with_its_name(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "in.xlsx"
    path.write_bytes(workbook(("Title", "Year"), ("A", 2020))[:keep])
    with pytest.raises(InputFileError, match=r"in\.xlsx.*workbook is damaged"):
        read_records(path, source="lib")


def test_another_zip_archive_is_no_workbook(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("export.ris", "TY  - JOUR\n")
    path = tmp_path / "export.zip"
    path.write_bytes(out.getvalue())
    with pytest.raises(InputFileError, match="zip archive, but no Excel workbook. Unpack it"):
        read_records(path, source="lib")


# Registers ---------------------------------------------------------------------------------------

ICTRP = """<?xml version="1.0"?><Trials_downloaded_from_ICTRP><Trial><Internal_Number>1</Internal_Number>
<TrialID>ISRCTN12345678</TrialID><Last_Refreshed_on>2 March 2021</Last_Refreshed_on>
<Public_title>Warm socks</Public_title><Scientific_title>Socks: a randomised trial</Scientific_title>
<Date_registration>03/02/2020</Date_registration><Date_registration3>20200203</Date_registration3>
<web_address>http://isrctn.example/1</web_address><Study_type>Interventional</Study_type>
<Inclusion_Criteria>Inclusion: &lt;br&gt;cold feet</Inclusion_Criteria><Condition>Cold feet</Condition>
<Intervention>Socks</Intervention><Primary_outcome>Warmth</Primary_outcome><Secondary_ID>NCT01234567</Secondary_ID>
</Trial></Trials_downloaded_from_ICTRP>"""

CTGOV_CSV = in_csv(
    {
        "NCT Number": "NCT01234567",
        "Study Title": "Warm socks",
        "Study URL": "https://clinicaltrials.gov/study/NCT01234567",
        "Study Status": "COMPLETED",
        "Brief Summary": "Socks are given.",
        "Conditions": "Cold Feet|Chilblains",
        "Interventions": "OTHER: Socks",
        "Primary Outcome Measures": "Warmth",
        "Study Type": "INTERVENTIONAL",
        "Other IDs": "ISRCTN12345678|abc",
        "Start Date": "2020-02",
        "First Posted": "2020-01-15",
        "Last Update Posted": "2021-03-02",
    }
)


def test_ictrp_as_xml_and_as_csv(tmp_path: Path) -> None:
    found = one(tmp_path, ICTRP, "ICTRP-Results.xml")
    assert (found.record_id, found.title, found.year) == ("lib:ISRCTN12345678", "Warm socks", 2020)
    assert found.registry_ids == ("ISRCTN12345678", "NCT01234567")
    assert found.abstract == (
        "Scientific title: Socks: a randomised trial\nCondition: Cold feet\nIntervention: Socks\n"
        "Inclusion criteria: Inclusion: cold feet\nPrimary outcomes: Warmth"
    )
    assert (found.created, found.url) == ("2020-02-03", "http://isrctn.example/1")
    text = "TrialID,Public title,Scientific title,Date registration3,Condition,Secondary ID\n"
    text += "ISRCTN12345678,Warm socks,Socks: a randomised trial,20200203,Cold feet,NCT01234567\n"
    table = one(tmp_path, text, "ICTRP-Results.csv")
    assert (table.record_id, table.title, table.registry_ids) == (
        found.record_id,
        found.title,
        found.registry_ids,
    )
    assert table.abstract == "Scientific title: Socks: a randomised trial\nCondition: Cold feet"


def test_clinicaltrials_gov_csv(tmp_path: Path) -> None:
    found = one(tmp_path, CTGOV_CSV, "ctg-studies.csv")
    assert (found.record_id, found.title, found.year) == ("lib:NCT01234567", "Warm socks", 2020)
    assert found.registry_ids == ("NCT01234567", "ISRCTN12345678")
    assert (found.created, found.updated) == ("2020-01-15", "2021-03-02")
    assert found.abstract.startswith("Summary: Socks are given.\nCondition: Cold Feet|Chilblains")
    assert found.publication_types == ("INTERVENTIONAL",)


# Half a file, and other encodings ----------------------------------------------------------------

THREE = {
    "ris": "".join(f"TY  - JOUR\nTI  - T{n}\nAN  - {n}\nER  - \n" for n in (1, 2, 3)),
    "wos": "FN Clarivate\n" + "".join(f"PT J\nTI T{n}\nUT {n}\nER\n\n" for n in (1, 2, 3)),
    "xml": "<xml><records>"
    + "".join(f"<record><titles><title>T{n}</title></titles></record>" for n in (1, 2, 3)),
    "bib": "".join(f"@article{{k{n},\n title = {{T{n}}}\n}}\n" for n in (1, 2, 3)),
    "jsonl": "".join(json.dumps({"title": f"T{n}", "record_id": str(n)}) + "\n" for n in (1, 2, 3)),
}


@pytest.mark.parametrize("kind", THREE)
def test_of_half_a_file_what_stands_before_the_cut_is_read_and_the_cut_is_told(
    tmp_path: Path, kind: str
) -> None:
    whole = THREE[kind]
    report = read(tmp_path, whole[: whole.index("T3") + 1], f"half.{kind}")
    assert [r.title for r in report.records][:2] == ["T1", "T2"]
    assert report.problems


def test_of_a_broken_gzip_file_the_beginning_is_read_and_the_rest_counts_as_lost(tmp_path: Path) -> None:
    text = "".join(
        f"TY  - JOUR\nTI  - {hashlib.sha256(b'%d' % n).hexdigest()}\nAN  - {n}\nER  - \n"
        for n in range(1, 20_000)
    )
    packed = gzip.compress(text.encode())
    report = read(tmp_path, packed[: len(packed) // 2], "half.ris.gz")
    assert 5_000 < len(report.records) < 15_000
    assert report.lost[-1].what.startswith("the gzip file is damaged (it breaks off)")


def test_one_line_in_another_encoding_does_not_spoil_the_others(tmp_path: Path) -> None:
    good, bad = "TY  - JOUR\nTI  - Größe\nER  - \n", "TY  - JOUR\nTI  - Dosis ± 1\nER  - \n"
    report = read(tmp_path, good.encode() + bad.encode("cp1252"))
    assert [r.title for r in report.records] == ["Größe", "Dosis ± 1"]
    assert (report.problems[0].place, report.problems[0].lost) == ("line 5", False)


def test_glued_files_and_utf_16_without_a_mark_are_read(tmp_path: Path) -> None:
    entry = "TY  - JOUR\r\nTI  - Größe\r\nER  - \r\n"
    other = entry.replace("Größe", "Mass")
    assert len(read(tmp_path, ("\ufeff" + entry + "\ufeff" + other).encode()).records) == 2
    assert one(tmp_path, entry.encode("utf-16-be")).title == "Größe"


HOSTILE = {
    "in.bib": "@article{a,title={T}, author={A" + "\n" * 100_000 + "B},\n" + " " * 100_000 + "x}",
    "open.bib": "@article{a,title={T}}\n@article{b,title={" + "{" * 200_000,
    "in.csv": "Title,DOI\nA," + "10.1234" * 20_000 + "\n",
    "quote.csv": "Title,Year\n" + '"x,2\n' * 10_001,
    "in.ris": "TY  - JOUR\nTI  - a\nN1  - PUBMED "
    + "of " * 100_000
    + "\nAU  - "
    + "( " * 50_000
    + "\nER  - \n",
    "in.jsonl": '{"title": "A", "doi": "' + "10.1234" * 20_000 + '"}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_keeps_a_reader_busy_for_long(tmp_path: Path, name: str) -> None:
    began = time.process_time()
    read(tmp_path, HOSTILE[name], name)
    assert time.process_time() - began < 5


@given(st.binary(max_size=60), st.sampled_from(sorted(THREE)), st.integers(0, 60))
def test_no_bytes_make_a_reader_stumble(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, kind: str, at: int
) -> None:
    path = tmp_path_factory.mktemp("junk") / "in.txt"
    whole = THREE[kind].encode()
    path.write_bytes(whole[:at] + junk + whole[at:])
    try:
        report = read_records(path, source="lib")
    except InputFileError as refused:
        said = str(refused)
    else:
        assert report.entries == len(report.records) + len(report.repeated) + len(report.lost)
        said = str(path)
    assert str(path) in said
