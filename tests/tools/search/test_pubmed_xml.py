"""PubMed's XML as records. The articles here are invented; the traps in them are real."""

import gzip
import io
import re
from collections import Counter
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from tests.servers import render
from tools.errors import InputFileError
from tools.schemas import Correction, Record
from tools.search.pubmed_xml import Deleted, Unreadable, is_pubmed_xml, parse_article_set

DOCTYPE = (
    '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
    '"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">'
)

FULL = """
<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM">
 <PMID Version="1">101</PMID>
 <DateCompleted><Year>2019</Year><Month>01</Month><Day>02</Day></DateCompleted>
 <DateRevised><Year>2024</Year><Month>05</Month><Day>06</Day></DateRevised>
 <Article PubModel="Print-Electronic">
  <Journal><ISSN IssnType="Print">0000-0001</ISSN>
   <JournalIssue CitedMedium="Internet"><Volume>12</Volume><Issue>3 Suppl</Issue>
    <PubDate><Year>2018</Year><Month>Jun</Month></PubDate></JournalIssue>
   <Title>Journal of Invented Trials</Title><ISOAbbreviation>J Inv Tr</ISOAbbreviation></Journal>
  <ArticleTitle>Effect of <i>Nonexistens</i> on
     CO<sub>2</sub> at 1.73&#8201;m<sup>2</sup>.</ArticleTitle>
  <Pagination><StartPage>107</StartPage><EndPage>114</EndPage><MedlinePgn>107-14</MedlinePgn></Pagination>
  <ELocationID EIdType="pii" ValidYN="Y">S0000</ELocationID>
  <ELocationID EIdType="doi" ValidYN="Y">10.5555/Invented.1</ELocationID>
  <Abstract>
   <AbstractText Label="BACKGROUND" NlmCategory="BACKGROUND">We asked.</AbstractText>
   <AbstractText Label="RESULTS" NlmCategory="RESULTS">It fell by 2 m<sup>2</sup>
     (p&lt;0.05); registered as NCT 01234567.</AbstractText>
   <AbstractText>An unlabelled end.</AbstractText>
   <CopyrightInformation>Nobody.</CopyrightInformation>
  </Abstract>
  <AuthorList CompleteYN="Y">
   <Author ValidYN="Y"><LastName>Doe</LastName><ForeName>Jane Q</ForeName><Initials>JQ</Initials>
    <AffiliationInfo><Affiliation>Nowhere</Affiliation></AffiliationInfo></Author>
   <Author ValidYN="N"><LastName>Deo</LastName><ForeName>Jane</ForeName></Author>
   <Author ValidYN="Y"><LastName>Roe</LastName><Initials>R</Initials><Suffix>Jr</Suffix></Author>
   <Author ValidYN="Y"><CollectiveName>The Invented Study Group</CollectiveName></Author>
  </AuthorList>
  <Language>eng</Language><Language>fre</Language>
  <DataBankList CompleteYN="Y">
   <DataBank><DataBankName>ISRCTN</DataBankName>
    <AccessionNumberList><AccessionNumber>ISRCTN12345678</AccessionNumber></AccessionNumberList></DataBank>
   <DataBank><DataBankName>figshare</DataBankName>
    <AccessionNumberList><AccessionNumber>10.5555/data</AccessionNumber></AccessionNumberList></DataBank>
  </DataBankList>
  <PublicationTypeList><PublicationType UI="D016428">Journal Article</PublicationType>
   <PublicationType UI="D016449">Randomized Controlled Trial</PublicationType></PublicationTypeList>
  <ArticleDate DateType="Electronic"><Year>2017</Year><Month>12</Month><Day>31</Day></ArticleDate>
 </Article>
 <MedlineJournalInfo><MedlineTA>J Inv Tr</MedlineTA></MedlineJournalInfo>
 <MeshHeadingList>
  <MeshHeading><DescriptorName UI="D1" MajorTopicYN="N">Humans</DescriptorName></MeshHeading>
  <MeshHeading><DescriptorName UI="D2" MajorTopicYN="Y">Asthma</DescriptorName>
   <QualifierName UI="Q1" MajorTopicYN="N">therapy</QualifierName></MeshHeading>
 </MeshHeadingList>
 <OtherAbstract Type="plain-language-summary" Language="eng">
  <AbstractText>In plain words.</AbstractText></OtherAbstract>
 <KeywordList Owner="NOTNLM"><Keyword MajorTopicYN="N">lung</Keyword></KeywordList>
 <InvestigatorList><Investigator><LastName>Helper</LastName></Investigator></InvestigatorList>
</MedlineCitation>
<PubmedData>
 <History><PubMedPubDate PubStatus="entrez"><Year>2016</Year></PubMedPubDate></History>
 <PublicationStatus>ppublish</PublicationStatus>
 <ArticleIdList><ArticleId IdType="pubmed">101</ArticleId><ArticleId IdType="pmc">PMC777</ArticleId>
  <ArticleId IdType="doi">10.5555/INVENTED.1</ArticleId></ArticleIdList>
 <ReferenceList><Reference><Citation>Cited.</Citation><ArticleIdList>
  <ArticleId IdType="doi">10.5555/cited</ArticleId><ArticleId IdType="pmc">PMC1</ArticleId>
 </ArticleIdList></Reference></ReferenceList>
</PubmedData></PubmedArticle>
"""


def article(inside: str = "", *, pmid: str = "7", after: str = "", data: str = "", title: str = "T") -> str:
    """A least article: `inside` stands in Article, `after` behind it, `data` in PubmedData."""
    return (
        f"<PubmedArticle><MedlineCitation><PMID Version='1'>{pmid}</PMID><Article>{inside}"
        f"<ArticleTitle>{title}</ArticleTitle></Article>{after}</MedlineCitation>"
        f"<PubmedData>{data}</PubmedData></PubmedArticle>"
    )


def read(*articles: str, doctype: str = DOCTYPE) -> list:
    text = f'<?xml version="1.0" ?>{doctype}<PubmedArticleSet>{"".join(articles)}</PubmedArticleSet>'
    return list(parse_article_set(io.BytesIO(text.encode())))


def one(*articles: str) -> Record:
    (item,) = read(*articles)
    assert isinstance(item, Record), item
    return item


def test_a_whole_article_field_by_field():
    assert one(FULL) == Record(
        record_id="pubmed:101",
        title="Effect of Nonexistens on CO2 at 1.73 m2.",
        abstract=(
            "BACKGROUND: We asked.\n"
            "RESULTS: It fell by 2 m2 (p<0.05); registered as NCT 01234567.\n"
            "An unlabelled end."
        ),
        authors=("Doe, Jane Q", "Roe, R, Jr", "The Invented Study Group"),
        year=2018,
        journal="Journal of Invented Trials",
        volume="12",
        issue="3 Suppl",
        pages="107-14",
        pmid="101",
        pmcid="PMC777",
        doi="10.5555/invented.1",
        language="eng; fre",
        publication_types=("Journal Article", "Randomized Controlled Trial"),
        mesh=("Humans", "Asthma"),
        keywords=("lung",),
        registry_ids=("ISRCTN12345678", "NCT01234567"),
        issn="0000-0001",
        other_abstracts=("plain-language-summary, eng: In plain words.",),
        updated="2024-05-06",
    )


def test_the_source_names_the_record():
    text = f"<PubmedArticleSet>{FULL}</PubmedArticleSet>"
    (record,) = parse_article_set(io.BytesIO(text.encode()), name="baseline")
    assert record.record_id == "baseline:101"


@pytest.mark.parametrize(
    ("date", "year"),
    [
        ("<MedlineDate>2024 Dec-2025 Jan</MedlineDate>", 2024),
        ("<MedlineDate>1998 Spring</MedlineDate>", 1998),
        ("<MedlineDate>Winter 1899-1900</MedlineDate>", 1899),
        ("<Year>1990</Year><Season>Spring</Season>", 1990),
        ("<Year>2020</Year><Month>06</Month>", 2020),
    ],
)
def test_the_year_of_every_form_of_date(date, year):
    journal = f"<Journal><JournalIssue><PubDate>{date}</PubDate></JournalIssue></Journal>"
    record = one(article(journal))
    assert record.year == year
    assert record.warnings == ("no abstract",)


def test_without_a_publication_date_the_electronic_one_counts_and_without_any_there_is_a_warning():
    assert one(article("<ArticleDate><Year>2021</Year></ArticleDate>")).year == 2021
    record = one(article(after="<DateRevised><Year>2024</Year></DateRevised>"))
    assert record.year is None
    assert record.warnings == ("no year of publication", "no abstract")


def test_ids_of_cited_papers_are_not_ours():
    cited = (
        "<ReferenceList><Reference><ArticleIdList><ArticleId IdType='doi'>10.5555/cited</ArticleId>"
        "<ArticleId IdType='pmc'>PMC1</ArticleId></ArticleIdList></Reference></ReferenceList>"
    )
    record = one(article(data=cited))
    assert (record.doi, record.pmcid) == (None, None)


def test_a_doi_may_stand_as_electronic_location_only_and_an_invalid_one_does_not_count():
    valid = '<ELocationID EIdType="doi" ValidYN="Y">https://doi.org/10.5555/E</ELocationID>'
    assert one(article(valid)).doi == "10.5555/e"
    assert one(article(valid.replace('"Y"', '"N"'))).doi is None


def test_two_dois_are_said_aloud():
    location = '<ELocationID EIdType="doi" ValidYN="Y">10.5555/b</ELocationID>'
    ids = "<ArticleIdList><ArticleId IdType='doi'>10.5555/A</ArticleId></ArticleIdList>"
    record = one(article(location, data=ids))
    assert record.doi == "10.5555/a"
    assert "10.5555/a, 10.5555/b" in " ".join(record.warnings)


@pytest.mark.parametrize("form", ["PMC123", "123", "pmc-id: PMC123;"])
def test_every_form_of_a_pmc_id(form):
    ids = f"<ArticleIdList><ArticleId IdType='pmc'>{form}</ArticleId></ArticleIdList>"
    assert one(article(data=ids)).pmcid == "PMC123"


def test_another_abstract_never_stands_in_for_the_abstract():
    other = (
        '<OtherAbstract Type="Publisher" Language="spa"><AbstractText>Otro.</AbstractText></OtherAbstract>'
    )
    record = one(article(after=other))
    assert record.abstract == ""
    assert "(Publisher, spa)" in " ".join(record.warnings)


def test_other_abstracts_are_kept_beside_the_abstract_each_with_its_kind():
    own = "<Abstract><AbstractText>Own.</AbstractText></Abstract>"
    others = (
        '<OtherAbstract Type="Publisher" Language="spa"><AbstractText Label="Uno">A.</AbstractText>'
        "<AbstractText>B.</AbstractText></OtherAbstract>"
        '<OtherAbstract Type="plain-language-summary" Language="eng"><AbstractText>C.</AbstractText>'
        "</OtherAbstract>"
    )
    record = one(article(own, after=others))
    assert record.abstract == "Own."
    assert record.other_abstracts == ("Publisher, spa: Uno: A.\nB.", "plain-language-summary, eng: C.")
    assert record.warnings == ("no year of publication",)


def test_the_original_title_is_kept_whether_or_not_it_is_the_one_shown():
    original = "<VernacularTitle>Eine <i>Studie</i></VernacularTitle>"
    assert one(article(original, title="[A study].")).vernacular_title == "Eine Studie"
    assert one(article(original, title="")).vernacular_title == "Eine Studie"


def test_the_linking_issn_stands_in_where_the_journals_own_is_missing():
    linking = "<MedlineJournalInfo><ISSNLinking>0000-0009</ISSNLinking></MedlineJournalInfo>"
    own = "<Journal><ISSN IssnType='Print'>0000-0001</ISSN></Journal>"
    assert one(article(own, after=linking)).issn == "0000-0001"
    assert one(article(after=linking)).issn == "0000-0009"


def test_the_create_date_is_that_of_status_entrez_and_not_the_entrez_date():
    """PubMed sets EDAT (status `pubmed`) back to the publication of papers that it adds late."""
    date = "<Year>{}</Year><Month>{}</Month><Day>{}</Day>".format
    history = (
        f"<History><PubMedPubDate PubStatus='pubmed'>{date(1999, 1, 1)}</PubMedPubDate>"
        f"<PubMedPubDate PubStatus='entrez'>{date(2024, 2, 9)}<Hour>6</Hour></PubMedPubDate></History>"
    )
    record = one(article(data=history, after=f"<DateRevised>{date(2025, 'Mar', '08')}</DateRevised>"))
    assert (record.created, record.updated) == ("2024-02-09", "2025-03-08")


@pytest.mark.parametrize(
    "day",
    ["<Year>2024</Year>", "<Year>2024</Year><Month>2</Month><Day>30</Day>", "<Year>x</Year><Month/><Day/>"],
)
def test_a_day_that_is_none_is_not_made_up(day):
    history = f"<History><PubMedPubDate PubStatus='entrez'>{day}</PubMedPubDate></History>"
    assert one(article(data=history)).created is None


def test_corrections_are_kept_and_cited_papers_are_none():
    lines = "".join(
        f"<CommentsCorrections RefType='{kind}'><RefSource>{source}</RefSource>{more}</CommentsCorrections>"
        for kind, source, more in [
            ("Cites", "J Other. 1990", "<PMID Version='1'>1</PMID>"),
            ("ErratumIn", "J Inv Tr. 2020;1:2", "<PMID Version='1'>22</PMID><Note>Table 2</Note>"),
            ("CommentIn", "Letters. 2021", ""),
            ("UpdateOf", "Preprints. 2019", "<PMID Version='1'>23</PMID>"),
        ]
    )
    record = one(article(after=f"<CommentsCorrectionsList>{lines}</CommentsCorrectionsList>"))
    assert record.corrections == (
        Correction(kind="ErratumIn", citation="J Inv Tr. 2020;1:2; Table 2", pmid="22"),
        Correction(kind="CommentIn", citation="Letters. 2021"),
        Correction(kind="UpdateOf", citation="Preprints. 2019", pmid="23"),
    )
    assert not record.retracted
    assert record.warnings == ("no year of publication", "no abstract")


@pytest.mark.parametrize(
    ("kind", "said"),
    [("ExpressionOfConcernIn", "expression of concern"), ("RetractedandRepublishedIn", "republished")],
)
def test_a_person_is_warned_of_a_paper_under_suspicion_that_is_not_marked_as_retracted(kind, said):
    line = (
        f"<CommentsCorrections RefType='{kind}'><RefSource>J Inv Tr. 2022</RefSource></CommentsCorrections>"
    )
    record = one(article(after=f"<CommentsCorrectionsList>{line}</CommentsCorrectionsList>"))
    assert not record.retracted
    assert any(said in warning and "J Inv Tr. 2022" in warning for warning in record.warnings)


def test_the_original_title_stands_in_only_where_there_is_no_english_one():
    original = "<VernacularTitle>Eine Studie</VernacularTitle>"
    assert one(article(original, title="[A study].")).title == "[A study]."
    for absent in ("", "[Not Available]."):
        record = one(article(original, title=absent))
        assert record.title == "Eine Studie"
        assert any("original" in warning for warning in record.warnings)
    assert "no title" in one(article(title="")).warnings


@pytest.mark.parametrize(
    ("sign", "retracted"),
    [
        ('<CommentsCorrections RefType="RetractionIn"><RefSource>x</RefSource></CommentsCorrections>', True),
        ('<CommentsCorrections RefType="RetractionOf"><RefSource>x</RefSource></CommentsCorrections>', False),
        ('<CommentsCorrections RefType="ExpressionOfConcernIn"><RefSource/></CommentsCorrections>', False),
        ('<CommentsCorrections RefType="ErratumIn"><RefSource>x</RefSource></CommentsCorrections>', False),
    ],
)
def test_the_retracted_paper_is_told_from_its_notice(sign, retracted):
    record = one(article(after=f"<CommentsCorrectionsList>{sign}</CommentsCorrectionsList>"))
    assert record.retracted is retracted


def test_the_publication_type_alone_tells_a_retraction():
    types = "<PublicationTypeList><PublicationType>{}</PublicationType></PublicationTypeList>"
    assert one(article(types.format("Retracted Publication"))).retracted
    assert not one(article(types.format("Retraction of Publication"))).retracted


def test_a_book_chapter_is_a_record():
    record = one(
        "<PubmedBookArticle><BookDocument><PMID Version='1'>55</PMID><ArticleIdList>"
        "<ArticleId IdType='bookaccession'>NBK1</ArticleId>"
        "<ArticleId IdType='doi'>10.5555/book</ArticleId></ArticleIdList>"
        "<Book><Publisher><PublisherName>P</PublisherName></Publisher><BookTitle>Book of Tests</BookTitle>"
        "<PubDate><Year>2011</Year></PubDate><AuthorList Type='editors'><Author><LastName>Ed</LastName>"
        "<ForeName>I</ForeName></Author></AuthorList></Book><ArticleTitle>Chapter</ArticleTitle>"
        "<Language>eng</Language><AuthorList Type='authors'><Author><LastName>Au</LastName>"
        "<ForeName>T</ForeName></Author></AuthorList><PublicationType>Review</PublicationType>"
        "<Abstract><AbstractText>About.</AbstractText></Abstract></BookDocument></PubmedBookArticle>"
    )
    assert record == Record(
        record_id="pubmed:55",
        title="Chapter",
        abstract="About.",
        authors=("Au, T",),
        year=2011,
        journal="Book of Tests",
        pmid="55",
        doi="10.5555/book",
        language="eng",
        publication_types=("Review",),
    )


def test_deleted_pmids_are_reported_and_are_no_records():
    items = read(article(), "<DeleteCitation><PMID>1</PMID><PMID>2</PMID></DeleteCitation>")
    assert [type(item) for item in items] == [Record, Deleted, Deleted]
    assert [item.pmid for item in items] == ["7", "1", "2"]


def test_one_unreadable_article_does_not_take_its_neighbours_along():
    nameless = article(pmid="")
    hollow = "<PubmedArticle><MedlineCitation><PMID>9</PMID></MedlineCitation></PubmedArticle>"
    items = read(article(pmid="1"), nameless, hollow, article(pmid="2"))
    assert [type(item) for item in items] == [Record, Unreadable, Unreadable, Record]
    assert items[1] == Unreadable(position=2, pmid=None, reason="no PMID, but ''")
    assert items[2] == Unreadable(position=3, pmid="9", reason="no Article element")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Down</body></html>",
        b'<?xml version="1.0" ?>\n',
        b"<eFetchResult><ERROR>no</ERROR></eFetchResult>",
        b"<PubmedArticleSet><PubmedArticle>",
        b"{}",
    ],
    ids=["empty", "html", "prolog", "error", "cut off", "json"],
)
def test_what_is_no_article_set_is_an_error_and_never_an_empty_set(body):
    with pytest.raises(InputFileError):
        list(parse_article_set(io.BytesIO(body)))


def test_an_empty_set_is_an_empty_set():
    assert read() == []


def test_records_before_the_cut_were_already_given():
    body = f"<PubmedArticleSet>{article(pmid='1')}{article(pmid='2')}".encode()
    items = parse_article_set(io.BytesIO(body))
    assert [next(items).pmid, next(items).pmid] == ["1", "2"]
    with pytest.raises(InputFileError, match="after 2 articles"):
        next(items)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputFileError, match=r"absent\.xml"):
        list(parse_article_set(tmp_path / "absent.xml"))


def test_a_path_is_as_good_as_a_stream(tmp_path):
    path = tmp_path / "set.xml"
    path.write_text(f"<PubmedArticleSet>{article()}</PubmedArticleSet>")
    assert [item.pmid for item in parse_article_set(path)] == ["7"]


def test_a_gzipped_path_is_as_good_as_a_plain_one_and_a_damaged_one_is_an_error(tmp_path):
    packed = gzip.compress(f"<PubmedArticleSet>{article() * 500}</PubmedArticleSet>".encode())
    path = tmp_path / "set.xml.gz"
    path.write_bytes(packed)
    assert len(list(parse_article_set(path))) == 500
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(InputFileError, match=r"set\.xml\.gz: the gzip file is damaged"):
        list(parse_article_set(path))


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b'\xef\xbb\xbf<?xml version="1.0"?><!DOCTYPE x><PubmedArticleSet>', True),
        (b"<PubmedArticleSet/>", True),
        (b"<html><PubmedArticles>", False),
        (b"TY  - JOUR\nTI  - <PubmedArticleSet>", False),
    ],
)
def test_a_set_is_recognised_by_its_first_bytes(head, expected):
    assert is_pubmed_xml(head) is expected


def test_no_entity_reads_a_file(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("hunter2")
    doctype = f'<!DOCTYPE PubmedArticleSet [<!ENTITY x SYSTEM "{secret.as_uri()}">]>'
    abstract = "<Abstract><AbstractText>a &x; b</AbstractText></Abstract>"
    (record,) = read(article(abstract), doctype=doctype)
    assert "hunter2" not in record.abstract
    assert any("entity" in warning for warning in record.warnings)


def test_no_entity_blows_up():
    bomb = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
    doctype = f'<!DOCTYPE PubmedArticleSet [<!ENTITY e0 "ha">{bomb}]>'
    abstract = "<Abstract><AbstractText>&e11;</AbstractText></Abstract>"
    with pytest.raises(InputFileError, match="amplification"):
        read(article(abstract), doctype=doctype)


# Lists of cited papers, which are taken out before the parser sees them ----------------------------

_REFERENCES = (
    "<ReferenceList><Title>Old</Title>{}<Reference><Citation>x</Citation></Reference></ReferenceList>"
)


@pytest.mark.parametrize("size", [*range(1, 60), 1_000])
def test_cited_papers_are_left_out_wherever_the_stream_is_cut(size, monkeypatch):
    monkeypatch.setattr("tools.search.pubmed_xml._Uncited._CHUNK", size)
    nested = _REFERENCES.format(_REFERENCES.format("") * 2)
    ids = "<ArticleIdList><ArticleId IdType='doi'>10.5555/{}</ArticleId></ArticleIdList>"
    items = read(*(article(pmid=n, data=nested + ids.format(n) + nested) for n in "123"))
    assert [(item.pmid, item.doi) for item in items] == [(n, f"10.5555/{n}") for n in "123"]


@pytest.mark.parametrize("size", [5, 50, 65_536])
def test_tags_that_are_only_written_about_are_text(size, monkeypatch):
    """In a CDATA section or a comment `<ReferenceList>` begins nothing."""
    monkeypatch.setattr("tools.search.pubmed_xml._Uncited._CHUNK", size)
    about = "<Abstract><AbstractText><![CDATA[We parsed <ReferenceList>.]]></AbstractText></Abstract>"
    items = read(article(about, pmid="1"), "<!-- <ReferenceList> -->", article(pmid="2", data=_REFERENCES))
    assert [item.pmid for item in items] == ["1", "2"]
    assert items[0].abstract == "We parsed <ReferenceList>."


@pytest.mark.parametrize("damage", ["<ReferenceList>", "</ReferenceList>"])
def test_a_list_that_does_not_end_or_begin_is_an_error(damage):
    with pytest.raises(InputFileError):
        read(article(pmid="1", data=damage), article(pmid="2"))


def test_memory_stays_flat_over_a_large_file():
    """What was read is dropped from the tree; only what libxml2 reads ahead hangs on the root."""
    many = b"<PubmedArticleSet>" + article().encode() * 3_000 + b"</PubmedArticleSet>"
    parser = parse_article_set(io.BytesIO(many))
    frame_sizes = set()
    for n, _ in enumerate(parser):
        inner = parser.gi_yieldfrom.gi_frame.f_locals["element"]
        frame_sizes.add(len(inner.getparent()))
        if n > 2_000:
            break
    # One buffer of 32 kB holds some 200 of these articles; all together they are 3,000.
    assert max(frame_sizes) < 500


# Against the local server's rendering ------------------------------------------------------------

plain = st.text("abcXYZ019 &<>\"'äß≤()", min_size=1, max_size=30).map(str.strip).filter(bool)
words = st.text("abcdefgäß", min_size=1, max_size=9)
names = st.one_of(st.builds("{}, {}".format, words, words), words)
records = st.builds(
    Record,
    record_id=st.just("pubmed:5"),
    pmid=st.just("5"),
    title=plain.map(lambda text: re.sub(" +", " ", text)),
    abstract=st.lists(plain.map(lambda t: re.sub(" +", " ", t)), max_size=3).map("\n".join),
    authors=st.lists(names, max_size=3).map(tuple),
    year=st.integers(1900, 2040),
    journal=words,
    volume=st.sampled_from(["", "12"]),
    issue=st.sampled_from(["", "3"]),
    pages=st.sampled_from(["", "1-9", "e12"]),
    doi=st.sampled_from([None, "10.5555/a<b>"]),
    pmcid=st.sampled_from([None, "PMC3"]),
    language=st.sampled_from(["", "eng", "eng; fre"]),
    publication_types=st.lists(words, max_size=2, unique=True).map(tuple),
    mesh=st.lists(words, max_size=2, unique=True).map(tuple),
    keywords=st.lists(words, max_size=2, unique=True).map(tuple),
    registry_ids=st.lists(st.sampled_from(["NCT01234567", "ISRCTN12345678"]), unique=True).map(tuple),
    retracted=st.booleans(),
)


@given(records)
def test_what_the_local_server_renders_reads_back_as_it_was(record):
    (back,) = parse_article_set(io.BytesIO(render.article_set([record])))
    expected = () if record.abstract else ("no abstract",)
    # The server says of every retracted paper where its retraction stands; these records name no place.
    assert back.model_copy(update={"corrections": ()}) == record.model_copy(update={"warnings": expected})


def test_what_the_local_server_renders_is_valid_by_nlms_own_dtd():
    """The DTD comes with Biopython; nothing is fetched."""
    folder = resources.files("Bio.Entrez") / "DTDs"
    dtd = etree.DTD(str(folder / "pubmed_250101.dtd"))
    full = one(FULL)
    empty = Record(record_id="pubmed:1", pmid="1")
    body = render.article_set([full, empty, full.model_copy(update={"retracted": True})])
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    assert dtd.validate(etree.fromstring(body, parser)), dtd.error_log


# Real files --------------------------------------------------------------------------------------


@pytest.mark.shared
def test_every_real_file_is_read_whole(shared_data):
    """Counted with a regular expression over the raw text, which knows nothing of our parser."""
    files = sorted((shared_data / "pubmed" / "xml").glob("*.gz"))
    files += sorted((shared_data / "api_samples" / "pubmed").glob("*.xml"))
    assert len(files) > 160
    files += [
        path
        for path in sorted((shared_data / "api_captures").rglob("*"))
        if path.is_file() and is_pubmed_xml(path.read_bytes()[:4096])
    ]
    kinds: Counter[str] = Counter()
    for path in files:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        items = list(parse_article_set(io.BytesIO(raw)))
        records = [item for item in items if isinstance(item, Record)]
        assert len(records) == len(re.findall(rb"</Pubmed(?:Book)?Article>", raw)), path.name
        signs = re.findall(rb'<CommentsCorrections RefType="(?!Cites")', raw)
        assert sum(len(record.corrections) for record in records) == len(signs), path.name
        kinds.update(type(item).__name__ for item in items)
        for record in records:
            kinds.update(
                name
                for name in ("title", "year", "journal", "doi", "abstract", "issn", "created", "updated")
                if getattr(record, name)
            )
            assert not re.search(r"&\w+;|</?[a-z]+>", record.text), record.record_id
    assert "Unreadable" not in kinds
    total = kinds["Record"]
    assert kinds["year"] == kinds["journal"] == total
    assert kinds["title"] >= total - 2, "two real records have no title of their own"
    assert kinds["doi"] >= 0.98 * total
    assert kinds["abstract"] >= 0.85 * total
    assert min(kinds["issn"], kinds["created"], kinds["updated"]) >= 0.98 * total


@pytest.mark.shared
def test_the_year_is_the_journals_in_real_records_revised_since(shared_data):
    """20 years lie between publication and completion in some; taken from the file by another way."""
    differing = 0
    for path in sorted((shared_data / "pubmed" / "xml").glob("*.gz")):
        raw = gzip.decompress(path.read_bytes())
        for block, record in zip(
            re.findall(rb"<PubmedArticle>.*?</PubmedArticle>", raw, re.DOTALL),
            (item for item in parse_article_set(io.BytesIO(raw)) if isinstance(item, Record)),
            strict=True,
        ):
            date = re.search(rb"<PubDate>.*?(\d{4}).*?</PubDate>", block, re.DOTALL)
            first = re.search(rb"<Year>(\d{4})</Year>", block)
            assert date is not None
            assert first is not None
            assert record.year == int(date.group(1))
            differing += first.group(1) != date.group(1)
    assert differing > 20, "the trap is in the data, or this test proves nothing"
