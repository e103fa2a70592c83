"""JATS as it should not be: each case is read with a warning, or refused with a reason; nothing is lost in silence."""

import pytest

from tests.tools.fulltext.test_jats import article, read, texts
from tools.fulltext.jats import UnreadableFullText, parse

ROWS = "<tr><td>Snails</td><td>12</td></tr>"


def warnings(xml):
    return read(article(xml, front="")).warnings


def test_a_table_in_a_cell_is_one_line_and_told():
    inner = "<table><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></table>"
    xml = f"<table-wrap><label>Table 1</label><table><tr><td>Slow</td><td>{inner}</td></tr>{ROWS}</table></table-wrap>"
    assert texts(xml) == ["Table 1", "Slow | 1 2 3 4\nSnails | 12"]
    assert warnings(xml) == ("Table 1 holds a table in a cell: that cell is one line of text",)


def test_an_ordinary_table_is_not_taken_for_one():
    assert warnings(f"<table-wrap><table><tbody>{ROWS}</tbody></table></table-wrap>") == ()
    cals = (
        "<table><tgroup cols='2'><tbody><row><entry>a</entry><entry>b</entry></row></tbody></tgroup></table>"
    )
    assert warnings(f"<table-wrap>{cals}</table-wrap>") == ()


def test_tables_as_images_in_every_form_are_told():
    for inner in (
        "<graphic/>",
        "<alternatives><graphic/></alternatives>",
        "<table><tr><td><graphic/></td></tr></table>",
    ):
        found = warnings(f"<table-wrap><label>Table 2</label>{inner}</table-wrap>")
        assert found == ("Table 2 is an image: its numbers cannot be read here",)


@pytest.mark.parametrize("number", [0, 2, 3])
def test_several_articles_or_none_are_refused(number):
    data = b"<pmc-articleset>" + article() * number + b"</pmc-articleset>"
    with pytest.raises(UnreadableFullText, match="articles in one file" if number else "no JATS article"):
        parse(data, report_id="r1", source="s")


def test_an_entity_that_nobody_defined_stays_as_it_is_written():
    text = read(article("<p>Fifty &notaname; snails &plusmn; 2.</p>", front=""))
    assert "&notaname" in text.canonical
    assert "± 2" in text.canonical
    assert any("entit" in w for w in text.warnings)


@pytest.mark.parametrize("body", ["<body/>", "<body> </body>", ""])
def test_without_a_body_it_says_so(body):
    title = b"<title-group><article-title>T</article-title></title-group>"
    front = b"<front><article-meta>" + title + b"</article-meta></front>"
    text = parse(b"<article>" + front + body.encode() + b"</article>", report_id="r1", source="s")
    assert text.warnings == ("no body: the file holds only what stands in front of it",)
