"""The drop folder: PDFs, supplements, a Zotero export, assignments, and what belongs to nobody. All invented."""

import pytest

from tests.tools.fulltext import pdfs
from tests.tools.fulltext.test_finding import article, put
from tests.tools.test_transport import Log
from tools.errors import ConfigError
from tools.fulltext.finding import Found, NotFound, Stored
from tools.fulltext.folder import ASSIGNMENTS, FolderFinder
from tools.fulltext.jats import UnreadableFullText
from tools.fulltext.matching import is_supplement
from tools.schemas import Record

TITLE = "Snail syrup for cough: a trial"


def record(key="lib:1", title=TITLE, **more):
    return Record(record_id=key, title=title, **more)


def find(folder, *args, **more):
    found = FolderFinder(folder).find(record(*args, **more))
    return found.source if isinstance(found, Found) else None


# PDFs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "77.pdf",
        "PMC88.pdf",
        "10.5555_snail.1.pdf",
        "1.pdf",
        "Miller 2010 pmid 77.PDF",
        "Miller PMC88 final (2).pdf",
        "sub/folder/77.pdf",
        "Miller et al. - 2010 - Snail syrup for cough a trial.pdf",
    ],
)
def test_a_pdf_is_known_by_its_name(tmp_path, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    put(tmp_path, name, pdfs.report("Nothing to be seen here at all", doi="10.5555/other"))
    assert find(tmp_path, pmid="77", pmcid="PMC88", doi="10.5555/snail.1") == name


def test_a_pdf_is_known_by_the_doi_on_its_first_page(tmp_path):
    put(tmp_path, "a.pdf", pdfs.report("Another title that was changed later", doi="10.5555/snail.1"))
    put(tmp_path, "b.pdf", pdfs.report("Yet another one of these reports", doi="10.5555/snail.2"))
    assert find(tmp_path, title="Something else", doi="10.5555/snail.1") == "a.pdf"


def test_a_pdf_is_known_by_its_title(tmp_path):
    put(tmp_path, "a.pdf", pdfs.report("Slug balm for burns: a cohort", doi=""))
    put(tmp_path, "b.pdf", pdfs.report(TITLE, doi=""))
    assert find(tmp_path) == "b.pdf"
    assert find(tmp_path, title="Snail syrup for gout: a trial") is None


def test_first_pages_are_read_once_for_all_resumes(tmp_path, monkeypatch):
    (tmp_path / "f").mkdir()
    put(tmp_path / "f", "a.pdf", pdfs.report(TITLE, doi=""))
    put(tmp_path / "f", "b.pdf", pdfs.encrypted("secret"))

    def look():
        return FolderFinder(tmp_path / "f", tmp_path / "cache").survey([record()])

    first = look()
    assert [s.file for s in first.matched] == ["a.pdf"]
    monkeypatch.setattr("tools.fulltext.pdf._read_apart", None)
    assert look() == first
    put(tmp_path / "f", "b.pdf", pdfs.report("Slug balm for burns: a cohort", doi=""))
    with pytest.raises(TypeError):
        look()


def test_of_two_files_with_one_title_neither_is_clear(tmp_path):
    for name in ("a.pdf", "b.pdf"):
        put(tmp_path, name, pdfs.report(TITLE, doi=""))
    assert find(tmp_path) is None


def test_a_title_does_not_help_against_another_doi(tmp_path):
    put(tmp_path, "a.pdf", pdfs.report(TITLE, doi="10.5555/snail.9"))
    assert find(tmp_path, doi="10.5555/snail.1") is None


def test_a_common_registration_makes_up_for_a_letter(tmp_path):
    body = (
        article()
        .replace(b"Snail syrup", b"Snail sirup for cough: one trial")
        .replace(b"Forty", b"NCT01234567 forty")
    )
    put(tmp_path, "a.nxml", body)
    assert find(tmp_path, title="Snail syrup for cough: a trial") is None
    assert find(tmp_path, title="Snail syrup for cough: on trial", registry_ids=("NCT01234567",)) == "a.nxml"


# A person's word ---------------------------------------------------------------------------------


def test_an_assignment_goes_before_everything(tmp_path):
    put(tmp_path, "77.pdf", pdfs.report())
    put(tmp_path, "scan of what I got.pdf", pdfs.report("Unrelated words in a title", doi=""))
    put(tmp_path, ASSIGNMENTS, b"record_id,file\r\nlib:1,scan of what I got.pdf\r\n")
    assert find(tmp_path, pmid="77") == "scan of what I got.pdf"


def test_an_assigned_file_is_nobody_elses(tmp_path):
    put(tmp_path, "77.pdf", pdfs.report())
    put(tmp_path, ASSIGNMENTS, b"record_id,file\nlib:2,77.pdf\n")
    assert find(tmp_path, pmid="77") is None


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (b"lib:1,gone.pdf", "'gone.pdf' is not in"),
        (b"lib:1,../secret.pdf", "is not in"),
        (b"lib:1,/etc/passwd", "is not in"),
        (b"lib:1,", "must both be filled in"),
        (b"lib:1,a.pdf\nlib:1,b.pdf", "line 3: lib:1 has another file already"),
    ],
)
def test_a_wrong_assignment_stops_with_its_line(tmp_path, row, said):
    (tmp_path / "f").mkdir()
    put(tmp_path, "secret.pdf", pdfs.report())
    for name in ("a.pdf", "b.pdf"):
        put(tmp_path / "f", name, pdfs.report())
    put(tmp_path / "f", ASSIGNMENTS, b"record_id,file\n" + row + b"\n")
    with pytest.raises(ConfigError, match=said):
        FolderFinder(tmp_path / "f").find(record())


# Zotero ------------------------------------------------------------------------------------------

EXPORT = """TY  - JOUR
TI  - Snail syrup for cough: a trial
AU  - Nobody, Anna
DO  - 10.5555/snail.1
L1  - files/12/Nobody - Snail.pdf
ER  -

TY  - JOUR
TI  - Slug balm for burns: a cohort
L1  - file:///home/anna/Zotero/storage/ABCD2345/balm.pdf
L1  - files/99/../../../secret.pdf
ER  -
"""


def test_an_export_from_zotero_says_whose_its_files_are(tmp_path):
    for name in ("files/12/Nobody - Snail.pdf", "storage/ABCD2345/balm.pdf"):
        (tmp_path / name).parent.mkdir(parents=True)
        put(tmp_path, name, pdfs.pdf([pdfs.lines(pdfs.PARAGRAPH)]))
    put(tmp_path, "My library.ris", EXPORT.encode())
    assert find(tmp_path, title="x", doi="10.5555/snail.1") == "files/12/Nobody - Snail.pdf"
    assert find(tmp_path, "lib:2", title="Slug balm for burns: a cohort") == "storage/ABCD2345/balm.pdf"


# Who belongs to whom -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stem", ["77_supp1", "77-supplement", "77 S1", "10.1_abc-appendix", "77_supplementary_data", "x_ESM"]
)
def test_supplements_are_known_by_their_names(stem):
    assert is_supplement(stem)


@pytest.mark.parametrize("stem", ["77", "10.1016_s0140673605678890", "Miller 2010 Trials", "s1", "PMC88"])
def test_what_is_no_supplement(stem):
    assert not is_supplement(stem)


def test_the_survey_accounts_for_every_file_once(tmp_path):
    put(tmp_path, "77.nxml", article(pmid="77"))
    put(tmp_path, "77.pdf", pdfs.report(TITLE, doi=""))
    put(tmp_path, "77_supp1.pdf", pdfs.report("Supplement to something", doi=""))
    put(tmp_path, "77-s2.docx", b"PK")
    put(tmp_path, "supplement.docx", b"PK")
    put(tmp_path, "notes.txt", b"x")
    put(tmp_path, "near.pdf", pdfs.report("Snail syrups for a cough: two trial", doi=""))
    put(tmp_path, "damaged.pdf", b"%PDF-1.7\n%%EOF")
    reports = [record(pmid="77"), record("lib:2", "Slug balm for burns: a cohort", pmid="78")]
    found = FolderFinder(tmp_path).survey(reports)
    assert [(s.file, s.record_id) for s in found.matched] == [("77.nxml", "lib:1"), ("77.pdf", "lib:1")]
    assert [(s.file, s.record_id) for s in found.supplements] == [
        ("77-s2.docx", "lib:1"),
        ("77_supp1.pdf", "lib:1"),
    ]
    assert found.several == (("lib:1", ("77.nxml", "77.pdf")),)
    why = {s.file: s.how for s in found.unmatched}
    assert why.keys() == {"damaged.pdf", "near.pdf", "notes.txt", "supplement.docx"}
    assert why["damaged.pdf"].startswith("it could not be looked into")
    assert why["near.pdf"] == "its title is near that of lib:1, but not near enough to be sure"
    assert why["notes.txt"] == "neither PDF nor JATS"


def test_a_file_that_fits_two_reports_waits_for_a_person(tmp_path):
    put(tmp_path, "a.pdf", pdfs.report(TITLE, doi=""))
    found = FolderFinder(tmp_path).survey([record("lib:1"), record("lib:2")])
    assert [s.how for s in found.unmatched] == ["it fits several reports: lib:1, lib:2"]


def test_links_and_hidden_files_are_passed_over(tmp_path):
    (tmp_path / "f").mkdir()
    put(tmp_path, "77.pdf", pdfs.report())
    (tmp_path / "f" / "77.pdf").symlink_to(tmp_path / "77.pdf")
    put(tmp_path / "f", ".77.pdf", pdfs.report())
    assert find(tmp_path / "f", pmid="77", title="x") is None


# Reading, kept -----------------------------------------------------------------------------------


class OneFile:
    def __init__(self, data):
        self.data = data

    def find(self, record, look=1):
        return Found(self.data, "a.pdf")


def test_a_pdf_is_read_once_and_its_text_kept(monkeypatch):
    log = Log()
    stored = Stored(OneFile(pdfs.report()), log, lambda: "2026-01-02T03:04:05Z")
    first = stored.read(record(), stored.find(record()))
    monkeypatch.setattr("tools.fulltext.pdf._read_apart", None)
    again = stored.read(record("lib:2"), Found(pdfs.report(), "b.pdf"))
    assert again == first.model_copy(update={"report_id": "lib:2", "source": "b.pdf"})
    assert first.report_id == "lib:1"


def test_that_a_pdf_could_not_be_read_is_kept_until_another_look(monkeypatch):
    log = Log()
    stored = Stored(OneFile(b""), log, lambda: "2026-01-02T03:04:05Z")
    found = Found(pdfs.encrypted("secret"), "a.pdf")
    for look in (1, 1, 2):
        with pytest.raises(UnreadableFullText) as caught:
            stored.read(record(), found, look)
        assert (caught.value.kind, caught.value.report_id) == ("encrypted", "lib:1")
    assert len(log.requests("fulltext-reading")) == 2


@pytest.mark.parametrize(
    ("data", "source", "kind"),
    [
        (b"<!DOCTYPE html><html><body>Log in</body></html>", "77.pdf", "web_page"),
        (b'<?xml version="1.0"?>\n<html xmlns="x"><body/></html>', "77.xml", "web_page"),
        (b"", "77.pdf", "empty"),
        (b"Hello", "77.pdf", "not_pdf"),
        (b"Hello", "77.xml", "malformed"),
    ],
)
def test_other_things_under_a_reports_name_are_refused_by_name(data, source, kind):
    with pytest.raises(UnreadableFullText) as caught:
        Stored(OneFile(data), Log(), lambda: "t").read(record(), Found(data, source))
    assert caught.value.kind == kind


def test_what_is_not_there_is_not_found(tmp_path):
    assert isinstance(FolderFinder(tmp_path).find(record()), NotFound)
