"""Full texts: the right file for the right record, kept once found, looked for again while not."""

import gzip

import pytest

from tests.tools.test_transport import Log
from tools.errors import InputFileError, SourceUnavailable
from tools.fulltext.finding import Found, NotFound, Stored, either
from tools.fulltext.folder import FolderFinder
from tools.fulltext.services import PmcFinder
from tools.schemas import Record
from tools.transport import Transport

AT = "2026-01-02T03:04:05Z"


def article(**ids):
    """An invented report."""
    tags = "".join(f'<article-id pub-id-type="{kind}">{value}</article-id>' for kind, value in ids.items())
    return (
        f"<article><front><article-meta>{tags}<title-group><article-title>Snail syrup</article-title>"
        "</title-group></article-meta></front><body><p>Forty people.</p></body></article>"
    ).encode()


def record(key="lib:1", **ids):
    return Record(record_id=key, title="Snail syrup", **ids)


def put(folder, name, data):
    path = folder / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


class Says:
    """A finder that says one thing after the other."""

    def __init__(self, *says):
        self.says, self.asked = list(says), 0

    def find(self, record, look=1):
        self.asked += 1
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if isinstance(said, Exception):
            raise said
        return said


# A folder ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.nxml", "x.xml", "x.nxml.gz", "x.xml.gz"])
@pytest.mark.parametrize(
    ("inside", "wanted"),
    [
        ({"pmid": "77"}, {"pmid": "77"}),
        ({"pmc": "PMC88"}, {"pmcid": "PMC88"}),
        ({"doi": "10.1234/AbC"}, {"doi": "10.1234/abc"}),
    ],
    ids=["pmid", "pmcid", "doi"],
)
def test_a_file_is_known_by_what_stands_inside(tmp_path, name, inside, wanted):
    put(tmp_path, name, article(**inside))
    assert FolderFinder(tmp_path).find(record(**wanted)) == Found(article(**inside), name)


@pytest.mark.parametrize("name", ["77.nxml", "PMC88.xml", "pmc88.xml", "10.1_abc.nxml", "own.xml.gz"])
def test_a_file_is_known_by_its_name(tmp_path, name):
    put(tmp_path, name, article())
    found = FolderFinder(tmp_path).find(record("lib:own", pmid="77", pmcid="PMC88", doi="10.1/abc"))
    assert found == Found(article(), name)


def test_what_stands_inside_goes_before_a_name(tmp_path):
    put(tmp_path, "77.nxml", article(pmid="99"))
    put(tmp_path, "other.nxml", article(pmid="77"))
    assert FolderFinder(tmp_path).find(record(pmid="77")).source == "other.nxml"


def test_another_databases_number_is_not_a_pmid(tmp_path):
    """Key 77 of some database and PMID 77 are two papers."""
    put(tmp_path, "a.nxml", article(pmid="77"))
    assert isinstance(FolderFinder(tmp_path).find(record("embase:77")), NotFound)


def test_a_record_without_a_file_is_not_found_and_no_failure(tmp_path):
    put(tmp_path, "a.nxml", article(pmid="77"))
    put(tmp_path, "780.pdf", b"%PDF-")
    for finder in (FolderFinder(tmp_path), FolderFinder(tmp_path / "absent")):
        found = finder.find(record(pmid="78"))
        assert isinstance(found, NotFound)
        assert str(tmp_path) not in found.reason


def test_an_unreadable_neighbour_harms_nobody_else(tmp_path):
    (tmp_path / "a.nxml.gz").write_bytes(b"\x1f\x8b\x08 damaged")
    damaged = gzip.compress(article(pmid="1") * 50)
    (tmp_path / "b.nxml.gz").write_bytes(damaged[:20] + b"\xff" * 30 + damaged[50:])
    put(tmp_path, "c.nxml", b"<article>")
    put(tmp_path, "d.nxml", article(pmid="77"))
    assert FolderFinder(tmp_path).find(record(pmid="77")).source == "d.nxml"


@pytest.mark.parametrize("data", [b"\x1f\x8b\x08 damaged", b"no gzip", gzip.compress(article())[:-9]])
def test_a_damaged_file_of_this_very_record_is_an_error_with_a_remedy(tmp_path, data):
    (tmp_path / "77.nxml.gz").write_bytes(data)
    with pytest.raises(InputFileError, match="Replace it, or move it out of the folder"):
        FolderFinder(tmp_path).find(record(pmid="77"))


def test_a_key_from_a_record_never_becomes_a_path(tmp_path):
    (tmp_path / "folder").mkdir()
    put(tmp_path, "secret.xml", article())
    for key in ("lib:../secret", "lib:../secret.xml", f"lib:{tmp_path}/secret"):
        assert isinstance(FolderFinder(tmp_path / "folder").find(record(key, doi="../secret")), NotFound)


# Keeping -----------------------------------------------------------------------------------------


def test_what_was_found_is_kept_and_the_finder_is_not_asked_again():
    log, finder = Log(), Says(Found(b"one", "a.nxml"), Found(b"two", "b.nxml"))
    stored = Stored(finder, log, lambda: AT)
    assert stored.find(record()) == stored.find(record()) == Found(b"one", "a.nxml")
    assert finder.asked == 1


def test_what_was_not_found_is_looked_for_again():
    log, finder = Log(), Says(NotFound("none"), Found(b"one", "a.nxml"))
    stored = Stored(finder, log, lambda: AT)
    assert stored.find(record()) == NotFound("none")
    assert log.kept == {}
    assert stored.find(record()) == Found(b"one", "a.nxml")


def test_a_service_that_is_away_is_not_the_same_as_no_text():
    log = Log()
    with pytest.raises(SourceUnavailable):
        Stored(Says(SourceUnavailable("pmc", "down")), log, lambda: AT).find(record())
    assert log.kept == {}


def test_another_record_and_a_changed_one_are_looked_for_themselves():
    log = Log()
    Stored(Says(Found(b"one", "a.nxml")), log, lambda: AT).find(record())
    later = Stored(Says(NotFound("none")), log, lambda: AT)
    assert later.find(record()) == Found(b"one", "a.nxml")
    assert later.find(record("lib:2")) == NotFound("none")
    assert later.find(record(pmid="5")) == NotFound("none")


# One after the other -----------------------------------------------------------------------------


def test_the_second_is_asked_only_where_the_first_has_nothing():
    second = Says(Found(b"two", "pmc"))
    assert either(Says(Found(b"one", "folder")), second).find(record()) == Found(b"one", "folder")
    assert second.asked == 0
    assert either(Says(NotFound("not here")), second).find(record()) == Found(b"two", "pmc")


def test_the_reasons_of_both_are_kept():
    assert either(Says(NotFound("not here")), Says(NotFound("nor there"))).find(record()) == NotFound(
        "not here; nor there"
    )


def test_a_record_without_pmcid_is_not_asked_about(tmp_path):
    with Transport({}, Log(), cache=tmp_path) as nowhere:
        finder = PmcFinder(nowhere, email="a@example.org", api_key=None, event="e1")
        assert finder.find(record(pmid="77")) == NotFound("no PMCID, so PMC was not asked")
