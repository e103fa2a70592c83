"""The step `fulltext` over what people bring: PDFs that can be read, PDFs that cannot, and reports to translate."""

import pytest

from agent.wiring import texts, transport
from tests.graphs import small
from tests.tools.fulltext import pdfs
from tools.errors import ConfigError
from tools.fulltext.folder import ASSIGNMENTS


def paper(title):
    page = pdfs.line(title, 72, 740, 18) + pdfs.line("Methods", 72, 720, 12)
    page += pdfs.line("We enrolled 12 people with cough; they got snail syrup.", y=700)
    return pdfs.pdf([page + pdfs.lines(pdfs.PARAGRAPH, y=600)])


def to_extraction(review):
    while (halt := small.go(review)).step != "extract":
        small.approve_open(review)
    return halt


def outcome(review, record_id="shelf:4"):
    return review.store.outcomes(review.pass_id, "fulltext")[record_id].outcome


@pytest.fixture
def home(tmp_path):
    return small.write(tmp_path / "r")


def test_a_pdf_is_read_screened_and_extracted_from(home):
    (home.folder / "fulltexts" / "4.pdf").write_bytes(paper("Snail syrup unclear [UNCERTAIN]"))
    with small.opened(home) as review:
        to_extraction(review)
        assert outcome(review).kind == "passed"
        assert outcome(review).content["warnings"] == [
            "read from a PDF: tables are plain lines, and columns come in the order in which the file draws them"
        ]
        small.through(review)
        cells = review.store.artefact(review.pass_id, "extract").content["cells"]
        assert [(c["value"], c["status"]) for c in cells if c["report_id"] == "shelf:4"] == [
            ("12", "grounded")
        ]


def test_a_replay_takes_what_was_read_and_opens_no_pdf(tmp_path, monkeypatch):
    """By the commands themselves, with rules in the place of an engine."""
    from agent import commands
    from agent.replay import replay

    yaml = small.YAML.replace("keep: 6", "keep: 20")
    home = small.write(tmp_path / "plain", yaml + "search: {strategy: 'snail[tiab]'}\n")
    (home.folder / "fulltexts" / "1.nxml").unlink()
    (home.folder / "fulltexts" / "1.pdf").write_bytes(paper("Snail syrup trial one [YES]"))
    (home.folder / "fulltexts" / "4.pdf").write_bytes(pdfs.picture_pages([pdfs.PICTURE]))
    how = commands.Running(clock=lambda: small.AT)
    done = commands.run(home.yaml, {}, how)
    while done.status == commands.WAITING:
        commands.approve(home.yaml, step=None, by="Ada", clock=how.clock)
        done = commands.run(home.yaml, {}, how)
    with small.opened(home) as review:
        assert (outcome(review, "shelf:1").kind, outcome(review).kind) == ("passed", "failed")
    monkeypatch.setattr("tools.fulltext.pdf._read_apart", None)
    assert "byte-identical" in replay(home.yaml, compare=True, into=tmp_path / "again").text


def test_a_pdf_that_no_machine_reads_is_a_state_of_its_own_until_it_is_replaced(home):
    file = home.folder / "fulltexts" / "4.pdf"
    file.write_bytes(pdfs.picture_pages([pdfs.PICTURE]))
    with small.opened(home) as review:
        to_extraction(review)
        first = outcome(review)
        assert (first.kind, first.content) == ("failed", {"source": "4.pdf", "unreadable": "scanned"})
        assert "run text recognition" in first.reason
        file.write_bytes(paper("Snail syrup unclear [UNCERTAIN]"))
        small.go(review)
        assert outcome(review).kind == "passed"


def test_the_wrong_paper_is_read_and_told(home):
    (home.folder / "fulltexts" / "4.pdf").write_bytes(paper("Slug balm for burns in three small farms"))
    with small.opened(home) as review:
        to_extraction(review)
        assert any("its title differs from the record's" in w for w in outcome(review).content["warnings"])


def test_a_person_assigns_a_file_to_a_report(home):
    folder = home.folder / "fulltexts"
    (folder / "scan0001.pdf").write_bytes(paper("Snail syrup unclear [UNCERTAIN]"))
    (folder / ASSIGNMENTS).write_text("record_id,file\nshelf:4,scan0001.pdf\n")
    with small.opened(home) as review:
        to_extraction(review)
        assert outcome(review).content["source"] == "scan0001.pdf"


def test_a_report_in_a_language_that_nobody_reads_is_marked_wherever_it_stands(tmp_path):
    foreign = [
        {**record, "language": "ger"} if record["pmid"] in "14" else record for record in small.RECORDS
    ]
    home = small.write(tmp_path / "r", with_options("languages: [en, fr]"), foreign)
    with small.opened(home) as review:
        to_extraction(review)
        assert {r: outcome(review, f"shelf:{r}").content.get("needs_translation") for r in "124"} == {
            "1": "de",
            "2": None,
            "4": "de",
        }
        assert (outcome(review, "shelf:1").kind, outcome(review, "shelf:4").kind) == ("passed", "waiting")


def with_options(options):
    return small.YAML.replace("pmc: false}", f"pmc: false, {options}}}")


def chain(home, options):
    home = small.write(home.folder, with_options(options) if options else small.YAML)
    with small.opened(home) as review:
        way_out = review.closing.enter_context(transport(review.config, review.exchanges))
        found = texts(review, review.config, home.folder, way_out).finder
        return [type(finder).__name__ for finder in found.finders]


@pytest.mark.parametrize(
    ("options", "finders"),
    [
        ("", ["FolderFinder"]),
        ("europepmc: true, bioc: true", ["FolderFinder", "EuropePmcFinder", "BiocFinder"]),
    ],
)
def test_services_are_asked_as_the_protocol_says(home, options, finders):
    assert chain(home, options) == finders


def test_unpaywall_needs_an_address(home):
    with pytest.raises(ConfigError, match="unpaywall: asks a service that wants a contact address"):
        chain(home, "unpaywall: true")
