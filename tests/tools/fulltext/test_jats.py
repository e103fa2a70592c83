"""JATS by hand (papers of our own invention), by property, and over real papers."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.errors import ReviewError
from tools.fulltext.jats import MAX_BYTES, UnreadableFullText, parse
from tools.schemas import FullText

FRONT = """<front><journal-meta><issn>0000-0000</issn></journal-meta><article-meta>
<article-id pub-id-type="pmid">00123</article-id><article-id pub-id-type="pmcid">PMC456.2</article-id>
<article-id pub-id-type="doi">10.1234/SOCKS.1</article-id>
<title-group><article-title>Warm <italic>socks</italic><xref ref-type="fn">*</xref></article-title>
<subtitle>a trial</subtitle></title-group>
<abstract><sec><title>Methods</title><p>We knitted.</p></sec>
<sec><title>Results</title><p>Warm.</p></sec></abstract>
<abstract abstract-type="plain-language-summary"><p>Socks are good.</p></abstract>
<custom-meta-group><custom-meta><meta-value>NCT01234567</meta-value></custom-meta></custom-meta-group>
</article-meta></front>"""


def article(body: str = "<p>Text.</p>", back: str = "", front: str = FRONT) -> bytes:
    return (
        f'<article xmlns:mml="http://www.w3.org/1998/Math/MathML" xmlns:xlink="http://www.w3.org/1999/xlink">'
        f"{front}<body>{body}</body>{back}</article>"
    ).encode()


def read(data: bytes) -> FullText:
    text = parse(data, report_id="r1", source="a.xml")
    for p in text.passages:
        assert text.canonical[p.start : p.start + len(p.text)] == p.text
    assert text.canonical == "\n".join(p.text for p in text.passages)
    return text


def body(xml: str) -> list[tuple[str, str, str]]:
    """(section, kind, text) of what stands in the body only."""
    return [(p.section, p.kind, p.text) for p in read(article(xml, front="")).passages]


def texts(xml: str) -> list[str]:
    return [text for _, _, text in body(xml)]


def test_front_matter_comes_first_with_ids_title_and_registrations():
    text = read(article())
    assert [(p.section, p.kind, p.text) for p in text.passages] == [
        ("", "title", "Warm socks: a trial"),
        ("Abstract > Methods", "abstract", "Methods"),
        ("Abstract > Methods", "abstract", "We knitted."),
        ("Abstract > Results", "abstract", "Results"),
        ("Abstract > Results", "abstract", "Warm."),
        ("Abstract (plain-language-summary)", "abstract", "Socks are good."),
        ("", "paragraph", "Text."),
    ]
    assert (text.pmid, text.pmcid, text.doi) == ("123", "PMC456", "10.1234/socks.1")
    assert (text.title, text.registry_ids, text.warnings) == ("Warm socks: a trial", ("NCT01234567",), ())
    assert (text.report_id, text.source) == ("r1", "a.xml")


@pytest.mark.parametrize(
    "given_id", ['pmc">456', 'pmc">PMC456', 'pmcid">PMC456', 'pmcaid">456', 'pmc-uid">456', 'pmcid">pmc456.1']
)
def test_pmc_ids_are_read_in_all_their_spellings(given_id):
    front = f'<front><article-meta><article-id pub-id-type="{given_id}</article-id></article-meta></front>'
    assert read(article(front=front)).pmcid == "PMC456"


def test_ids_of_cited_papers_are_not_taken():
    cited = '<ref><article-id pub-id-type="pmid">9</article-id>Cited NCT00000009.</ref>'
    back = f"<back><ref-list>{cited}</ref-list></back>"
    text = read(article(back=back, front=""))
    assert (text.pmid, text.registry_ids, text.canonical) == (None, (), "Text.")


def test_sections_keep_their_path_and_reading_order():
    assert body(
        "<p>Before.</p><sec><label>2</label><title>Methods</title><p>M.</p>"
        "<sec><title>Wool</title><p>W.</p></sec></sec><sec><p>Untitled.</p></sec>"
    ) == [
        ("", "paragraph", "Before."),
        ("Methods", "title", "2 Methods"),
        ("Methods", "paragraph", "M."),
        ("Methods > Wool", "title", "Wool"),
        ("Methods > Wool", "paragraph", "W."),
        ("", "paragraph", "Untitled."),
    ]


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        ("Warm [<X>1</X>].", "Warm."),
        ("Warm [<X>1</X>,<X>2</X>-<X>4</X>] feet", "Warm feet"),
        ("Warm [<X>1</X>]–[<X>3</X>] feet", "Warm feet"),
        ("Warm <sup><X>1</X>, <X>2</X></sup> feet", "Warm feet"),
        ("In 30<sup><X>1</X></sup> feet", "In 30 feet"),
        ("Smith (<X>1</X>) said", "Smith said"),
        ("Smith (1999; <X>1</X>) said", "Smith (1999;) said"),
        ("Dose [high, <b>low</b>] kept", "Dose [high, low] kept"),
    ],
)
def test_citation_markers_go_with_their_brackets(xml, text):
    xml = xml.replace("<X>", '<xref ref-type="bibr" rid="r">').replace("</X>", "</xref>")
    assert texts(f"<p>{xml}</p>") == [text]


def test_references_to_tables_and_figures_stay():
    assert texts('<p>See <xref ref-type="table" rid="t">Table 2</xref>.</p>') == ["See Table 2."]


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        ("10<sup>9</sup>/L", "10^9/L"),
        ("10<sup>-3</sup>", "10^-3"),
        ("m<sup>2</sup>", "m2"),
        ("CO<sub>2</sub>", "CO2"),
        ("the 1<sup>st</sup> of", "the 1st of"),
        ("a<break/>b", "a b"),
        ("  a \n <bold>b</bold>c ", "a bc"),
        ("a<!-- no -->b<?pi no?>c", "abc"),
        ("<![CDATA[1 < 2]]> &amp; 3", "1 < 2 & 3"),
        (
            "x <inline-formula><mml:math><mml:mi>y</mml:mi></mml:math><tex-math>Y</tex-math>"
            "</inline-formula>",
            "x y",
        ),
        (
            r"x <inline-formula><tex-math>\begin{document}$y$\end{document}</tex-math></inline-formula>",
            "x $y$",
        ),
    ],
)
def test_inline_text(xml, text):
    assert texts(f"<p>{xml}</p>") == [text]


def test_lists_in_a_paragraph_keep_their_place():
    xml = (
        "<p>First:<list><list-item><label>1.</label><p>one</p></list-item>"
        "<list-item><p>two</p><list><list-item><p>two a</p></list-item></list></list-item></list>"
        "and so on.</p>"
    )
    assert texts(xml) == ["First:", "1. one", "two", "two a", "and so on."]


def test_a_table_in_a_paragraph_comes_after_it_so_that_the_sentence_stays_whole():
    xml = "<p>The socks <table-wrap><table><tr><td>1</td></tr></table></table-wrap> were warm.</p>"
    assert [(k, t) for _, k, t in body(xml)] == [("paragraph", "The socks were warm."), ("table", "1")]


def test_spans_are_filled_in():
    xml = """<table-wrap><label>Table 1</label><caption><title>Feet.</title><p>All.</p></caption>
    <table><thead><tr><th rowspan="2">Arm</th><th colspan="2">Warm</th></tr>
    <tr><th>n</th><th>%</th></tr></thead>
    <tbody><tr><td rowspan="0">Wool</td><td>5<xref ref-type="table-fn">a</xref></td><td>50</td></tr>
    <tr><td>6</td><td/></tr></tbody></table>
    <table-wrap-foot><fn><label>a</label><p>A note.</p></fn></table-wrap-foot></table-wrap>"""
    assert body(xml) == [
        ("", "caption", "Table 1 Feet. All."),
        ("", "table", "Arm | Warm | Warm\nArm | n | %\nWool | 5 | 50\nWool | 6 | "),
        ("", "caption", "a A note."),
    ]


def test_cals_tables_are_read_too():
    xml = """<table-wrap><table><tgroup cols="3">
    <colspec colname="a"/><colspec colname="b"/><colspec colname="c"/>
    <tbody><row><entry morerows="1">Wool</entry><entry namest="b" nameend="c">5</entry></row>
    <row><entry>6</entry><entry>7</entry></row></tbody></tgroup></table></table-wrap>"""
    assert texts(xml) == ["Wool | 5 | 5\nWool | 6 | 7"]


def test_a_table_that_is_an_image_is_announced_and_its_caption_kept():
    text = read(
        article("<table-wrap><label>Table 3</label><caption><p>Feet.</p></caption><graphic/></table-wrap>")
    )
    assert text.passages[-1].text == "Table 3 Feet."
    assert text.warnings == ("Table 3 is an image: its numbers cannot be read here",)


def test_a_table_given_both_as_text_and_image_is_read_once():
    xml = "<table-wrap><alternatives><graphic/><table><tr><td>1</td></tr></table></alternatives></table-wrap>"
    assert texts(xml) == ["1"]
    grouped = f"<table-wrap-group><label>T</label>{xml}{xml}</table-wrap-group>"
    assert texts(grouped) == ["T", "1", "1"]


def test_spans_cannot_blow_up_a_table():
    cells = f'<td colspan="99999999" rowspan="99999999">{"x" * 30_000}</td>'
    text = read(article(f"<table-wrap><table>{f'<tr>{cells}</tr>' * 3}</table></table-wrap>", front=""))
    assert len(text.canonical) < 100_000
    assert text.warnings == ("a table is too large to fill in its spanning cells",)


def test_back_matter_and_floats_are_read_references_are_not():
    back = (
        "<back><ack><p>Thanks.</p></ack><fn-group><fn><label>1</label><p>Funded.</p></fn></fn-group>"
        "<ref-list><title>References</title><ref><mixed-citation>Cited.</mixed-citation></ref></ref-list>"
        "<app-group><app><title>Appendix</title><p>More.</p></app></app-group></back>"
        "<floats-group><fig><label>Figure 1</label><caption><p>Socks.</p></caption><graphic/></fig>"
        "</floats-group>"
    )
    text = read(article(back=back, front=""))
    assert text.canonical.split("\n") == [
        "Text.",
        "Thanks.",
        "1 Funded.",
        "Appendix",
        "More.",
        "Figure 1 Socks.",
    ]


def test_definitions_boxes_quotations_and_unknown_elements_lose_no_text():
    xml = (
        "<def-list><def-item><term>ICU</term><def><p>unit</p></def></def-item></def-list>"
        "<boxed-text><title>Box</title><p>Boxed.</p></boxed-text><disp-quote><p>Said.</p></disp-quote>"
        "<new-fangled>Odd <b>one</b></new-fangled>"
    )
    assert texts(xml) == ["ICU: unit", "Box", "Boxed.", "Said.", "Odd one"]


def test_an_article_without_body_is_read_and_says_so():
    data = f"<article>{FRONT}<!-- The publisher does not allow the full text --></article>".encode()
    text = read(data)
    assert text.warnings == ("no body: the file holds only what stands in front of it",)
    assert text.title == "Warm socks: a trial"


def test_other_articles_inside_are_left_out_and_named():
    text = read(
        article(
            back='<sub-article article-type="reviewer-report" id="s1"><body><p>No.</p></body></sub-article>'
        )
    )
    assert "No." not in text.canonical
    assert text.warnings == ("left out: sub-article reviewer-report s1",)


def test_the_article_is_found_inside_an_answer_of_a_service():
    inner = article().decode()
    assert read(f"<pmc-articleset>{inner}</pmc-articleset>".encode()).pmid == "123"
    spaced = inner.replace("<article ", '<article xmlns="https://jats.nlm.nih.gov/ns/archiving/1.0/" ', 1)
    assert read(f"<OAI-PMH><record><metadata>{spaced}</metadata></record></OAI-PMH>".encode()).pmid == "123"


def test_named_entities_are_read_and_reported_with_or_without_doctype():
    doctype = b'<!DOCTYPE article PUBLIC "-//NLM//DTD JATS v1.2//EN" "JATS-archivearticle1.dtd">'
    data = article("<p>p&lt;0.05, &alpha;&nbsp;&amp; &nosuch;</p>", front="")
    assert read(doctype + data).canonical == "p<0.05, α & &nosuch;"
    bare = read(data)
    assert bare.canonical == "p<0.05, α & &nosuch;"
    assert bare.warnings[0].startswith("undefined entities were read by their HTML names")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"%PDF-1.7", "not well-formed"),
        (b"<article><body><p>cut", "not well-formed"),
        (b"<html><body><p>Sign in</p></body></html>", "no JATS article"),
        (b"<pmc-articleset><error id='1'>no such PMCID</error></pmc-articleset>", "no such PMCID"),
        (b"<pmc-articleset><article/><article/></pmc-articleset>", "2 articles"),
        (b"<article><front/><body/></article>", "neither title"),
        (b"<article><body>" + b"<sec>" * 9999, "not well-formed"),
    ],
)
def test_what_cannot_be_read_is_a_typed_error_with_a_remedy(data, why):
    with pytest.raises(UnreadableFullText, match=f"full text of r1 .*{why}.*by hand") as caught:
        parse(data, report_id="r1", source="s")
    assert isinstance(caught.value, ReviewError)


@pytest.mark.parametrize("tag", ["sec", "bold", "list"])
def test_what_the_parser_takes_is_never_too_deep_for_us(tag):
    """libxml2 ends at 256 levels; our own recursion must end later, or say so."""
    deep = f"<{tag}>" * 240 + "x" + f"</{tag}>" * 240
    assert texts(f"<p>{deep}</p>" if tag == "bold" else deep.replace("x", "<p>x</p>")) == ["x"]


def test_entities_are_not_expanded_and_no_file_is_opened(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("TOP SECRET")
    for declared in (f'<!ENTITY x SYSTEM "file://{secret}">', '<!ENTITY x "haha">', '<!ENTITY % x "haha">'):
        data = f"<!DOCTYPE article [{declared}]>".encode() + article("<p>A &x; b</p>")
        with pytest.raises(UnreadableFullText, match=r"entities of its own|Entity"):
            parse(data, report_id="r1", source="s")


def test_more_than_fifty_megabytes_are_refused_before_reading():
    with pytest.raises(UnreadableFullText, match="52,428,801 bytes"):
        parse(b" " * (MAX_BYTES + 1), report_id="r1", source="s")


cells = st.tuples(st.sampled_from("abcd"), st.integers(0, 4), st.integers(0, 4))


@given(st.lists(st.lists(cells, max_size=4), min_size=1, max_size=5))
def test_every_cell_of_any_table_is_in_its_text(rows):
    xml = "".join(
        "<tr>" + "".join(f'<td rowspan="{r}" colspan="{c}">{t}</td>' for t, r, c in row) + "</tr>"
        for row in rows
    )
    got = texts(f"<p>x</p><table-wrap><table>{xml}</table></table-wrap>")[1:]
    wanted = {t for row in rows for t, _, _ in row}
    assert set("".join(got).replace("|", "").split()) == wanted


@given(
    st.recursive(
        st.sampled_from(["a", "b ", " "]),
        lambda inner: st.lists(
            st.tuples(st.sampled_from(["p", "sec", "list", "bold", "fig", "td", "table-wrap", "sup"]), inner),
            max_size=3,
        ),
    )
)
def test_offsets_hold_whatever_the_tree(tree):
    def render(node):
        return node if isinstance(node, str) else "".join(f"<{n}>{render(i)}</{n}>" for n, i in node)

    read(article(f"<p>x</p><sec>{render(tree)}</sec>"))


@pytest.mark.shared
def test_every_real_paper_is_read_with_its_offsets(shared_data):
    files = sorted((shared_data / "jats").glob("*.nxml.gz"))
    assert len(files) > 100
    for file in files:
        text = read(gzip.decompress(file.read_bytes()))
        assert text.pmcid == file.name.split(".")[0]
        assert text.title
        assert len(text.canonical) > 3_000 or text.warnings, file.name
        assert "\x00" not in text.canonical
