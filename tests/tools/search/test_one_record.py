"""The same record in every form that we read is the same record. It is invented."""

import json

import pytest

from tools.schemas import Record
from tools.search.sources.files import read_records

WIDE = "\u2009"  # thin space
FIXED = "\u00a0"  # no-break space

TITLE = f"Socks at 5{WIDE}°C: a{FIXED}trial."
AIMS = f"Feet{FIXED}are  cold in 3{WIDE}%."
RESULTS = "Warm feet (p<0.05). NCT: 01234567, EudraCT 2010-012345-67."

XML = f"""<?xml version="1.0"?><PubmedArticleSet><PubmedArticle><MedlineCitation><PMID Version="1">77</PMID>
<Article><Journal><JournalIssue><PubDate><MedlineDate>2020 Dec-2021 Jan</MedlineDate></PubDate></JournalIssue>
<Title>Journal of Feet</Title></Journal><ArticleTitle>{TITLE}</ArticleTitle>
<ELocationID EIdType="doi" ValidYN="Y">10.1234/Socks.7</ELocationID>
<Abstract><AbstractText Label="AIMS">{AIMS}</AbstractText>
<AbstractText Label="RESULTS">{RESULTS.replace("<", "&lt;")}</AbstractText></Abstract>
<Language>eng</Language>
<DataBankList><DataBank><DataBankName>ClinicalTrials.gov</DataBankName><AccessionNumberList>
<AccessionNumber>NCT01234567</AccessionNumber></AccessionNumberList></DataBank></DataBankList>
</Article></MedlineCitation><PubmedData><ArticleIdList>
<ArticleId IdType="doi">https://doi.org/10.1234/SOCKS.7</ArticleId><ArticleId IdType="pmc">PMC9</ArticleId>
</ArticleIdList></PubmedData></PubmedArticle></PubmedArticleSet>"""

NBIB = f"""PMID- 77
DP  - 2020 Dec-2021 Jan
TI  - {TITLE}
AB  - AIMS: {AIMS} RESULTS: {RESULTS.replace(" NCT", chr(10) + "      NCT")}
LA  - eng
JT  - Journal of Feet
SI  - ClinicalTrials.gov/NCT01234567
PMC - PMC9
AID - 10.1234/Socks.7 [doi]
"""

RIS = f"""TY  - JOUR
TI  - {TITLE}
AB  - AIMS: {AIMS}
RESULTS: {RESULTS}
T2  - Journal of Feet
PY  - 2020/12//
LA  - eng
DO  - https://doi.org/10.1234/SOCKS.7
DB  - PubMed
AN  - 00000077
C2  - PMC9
ER  -
"""

JSONL = json.dumps(
    {"title": TITLE, "abstract": f"AIMS: {AIMS}\nRESULTS: {RESULTS}", "journal": "Journal of Feet"}
    | {"year": "2020", "pmid": 77, "pmcid": 9, "doi": "doi:10.1234/Socks.7", "language": "eng"}
    | {"registry_ids": ["nct01234567"]}
)

EXPECTED = Record(
    record_id="lib:77",
    title="Socks at 5 °C: a trial.",
    abstract="AIMS: Feet are cold in 3 %.\n"
    "RESULTS: Warm feet (p<0.05). NCT: 01234567, EudraCT 2010-012345-67.",
    year=2020,
    journal="Journal of Feet",
    pmid="77",
    pmcid="PMC9",
    doi="10.1234/socks.7",
    language="eng",
    registry_ids=("NCT01234567", "EudraCT 2010-012345-67"),
)


@pytest.mark.parametrize("name", ["one.xml", "one.nbib", "one.ris", "one.jsonl"])
def test_a_record_is_the_same_whatever_form_it_came_in(tmp_path, name):
    content = {"xml": XML, "nbib": NBIB, "ris": RIS, "jsonl": JSONL}[name.partition(".")[2]]
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    report = read_records(path, source="lib")
    assert report.problems == ()
    (record,) = report.records
    assert record.model_copy(update={"fields": ()}) == EXPECTED


EMPTY = {
    "e.xml": "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>77</PMID><Article><Journal/>"
    "</Article></MedlineCitation></PubmedArticle></PubmedArticleSet>",
    "e.nbib": "PMID- 77\nLA  - eng\n",
    "e.ris": "TY  - JOUR\nLA  - eng\nER  -\n",
    "e.jsonl": '{"pmid": "77"}',
}


@pytest.mark.parametrize("name", EMPTY)
def test_what_is_absent_is_told_in_the_same_words(tmp_path, name):
    (tmp_path / name).write_text(EMPTY[name])
    (record,) = read_records(tmp_path / name, source="lib").records
    assert [w for w in record.warnings if w in ("no title", "no abstract")] == ["no title", "no abstract"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "v.xml",
            "<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>77</PMID><Article>"
            "<ArticleTitle>[Not Available].</ArticleTitle><VernacularTitle>Warme Socken.</VernacularTitle>"
            "</Article></MedlineCitation></PubmedArticle></PubmedArticleSet>",
        ),
        ("v.nbib", "PMID- 77\nTI  - [Not Available].\nTT  - Warme Socken.\n"),
    ],
)
def test_the_original_title_is_shown_where_there_is_no_translation(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    (record,) = read_records(tmp_path / name, source="lib").records
    assert record.title == "Warme Socken."
    assert "no English title; the original one is shown" in record.warnings
