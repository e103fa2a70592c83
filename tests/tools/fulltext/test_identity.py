"""The wrong paper is noticed, and the right one under another spelling is not. All titles are invented."""

import pytest

from tools.fulltext.identity import names_title, title_likeness, wrong_paper
from tools.fulltext.languages import languages_of, needs_translation
from tools.schemas import FullText, Record

TITLE = "Snail syrup for cough in adults: a randomised trial"


def text(title=TITLE, canonical="", pdf=False, **ids):
    warnings = ("read from a PDF: tables are plain lines",) if pdf else ()
    return FullText(
        report_id="r", source="s", canonical=canonical, passages=(), title=title, warnings=warnings, **ids
    )


def told(record_ids=None, title=TITLE, **of_text):
    return wrong_paper(Record(record_id="lib:1", title=title, **(record_ids or {})), text(**of_text))


@pytest.mark.parametrize(
    "other",
    [
        TITLE,
        TITLE.upper() + ".",
        "Snail syrup for cough in adults",
        "Snail syrup for cough in adult: a randomized trial",
        "Snail syrup for cough in adults — a randomised tria",
    ],
    ids=["same", "capitals", "no subtitle", "spelling", "cut off"],
)
def test_one_title_in_many_spellings(other):
    assert title_likeness(TITLE, other) >= 0.9
    assert told(title=other) == []


@pytest.mark.parametrize(
    "other",
    ["Slug syrup for gout in children: a cohort", "Snail syrup for cough: part 2", "Cough", ""],
    ids=["other", "part", "short", "none"],
)
def test_another_title_is_another_paper(other):
    assert title_likeness(TITLE, other) < 0.9


def test_parts_of_a_series_are_two_papers():
    assert (
        title_likeness("Snail syrup for cough in adults, part 1", "Snail syrup for cough in adults, part 2")
        == 0
    )
    assert title_likeness("Snail syrup for cough in adults I", "Snail syrup for cough in adults II") == 0


def test_a_title_mismatch_is_told_with_the_title():
    assert told(title="Slug balm for burns") == [f"its title differs from the record's: {TITLE!r}"]


@pytest.mark.parametrize(
    ("kind", "ours", "theirs"), [("pmid", "1", "2"), ("pmcid", "PMC1", "PMC2"), ("doi", "10.1/a", "10.1/b")]
)
def test_a_contradicting_number_is_told_first(kind, ours, theirs):
    found = told({kind: ours}, title="Slug balm for burns", **{kind: theirs})
    assert found[0] == f"this may be another paper: it carries {kind.upper()} {theirs}, the record has {ours}"
    assert len(found) == 2


def test_two_dois_of_one_pmid_are_one_paper():
    assert told({"pmid": "1", "doi": "10.1/preprint"}, pmid="1", doi="10.1/article") == []
    assert told({"doi": "10.12688/f1000research.77.1"}, doi="10.12688/f1000research.77.2") == []


def test_the_title_of_a_pdf_is_looked_for_on_its_first_page():
    page = f"Journal of Invented Trials\n{TITLE.replace(' for', ' for ').upper()}\nA. Nobody\nAbstract"
    assert told(title=TITLE, canonical=page, pdf=True) == []
    other = told(title="Slug balm for burns in three farms", canonical=page, pdf=True)
    assert other == [f"its title differs from the record's: {TITLE!r}"]
    assert wrong_paper(
        Record(record_id="a:1", title="Slug balm for burns in farms"), text("", page, pdf=True)
    ) == ["the record's title does not stand at its beginning"]


def test_a_translated_title_fits_by_the_one_in_its_own_language():
    record = Record(
        record_id="a:1", title="[Snail syrup.]", vernacular_title="Schneckensirup gegen Husten bei Alten"
    )
    assert wrong_paper(record, text("Schneckensirup gegen Husten bei Alten")) == []


def test_a_title_is_found_across_divided_words_only_with_its_numbers():
    assert names_title("x Snail syr up for cough in adults x", "Snail syrup for cough in adults")
    assert not names_title(
        "Snail syrup for cough in adults, year 3", "Snail syrup for cough in adults, year 2"
    )


# Languages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "codes"),
    [
        ("eng", ("en",)),
        ("English", ("en",)),
        ("ger; eng", ("de", "en")),
        ("English, French", ("en", "fr")),
        ("pt-BR", ("pt",)),
        ("Chinese (Simplified)", ("zh",)),
        ("und", ()),
        ("", ()),
        ("Klingon", ("klingon",)),
    ],
)
def test_languages_in_any_writing(written, codes):
    assert languages_of(written) == codes


@pytest.mark.parametrize(
    ("written", "read", "needed"),
    [
        ("ger", ("en", "fr"), "de"),
        ("ger", ("en", "German"), ""),
        ("ger; eng", ("en",), ""),
        ("", ("en",), ""),
        ("ger", (), ""),
    ],
)
def test_a_translation_is_needed_only_where_nobody_reads_any_of_the_languages(written, read, needed):
    assert needs_translation(written, read) == needed
