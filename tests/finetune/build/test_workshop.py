"""What makers work with: the vocabulary as it is handed out, and indexes that do not grow with PubMed."""

from pathlib import Path

import pytest

from finetune.build.corpus import Corpus
from finetune.build.ingest import ingest
from finetune.build.settings import BuildSettings
from finetune.build.sources import Source
from finetune.build.workshop import Workshop
from tests.finetune.build.public_world import TRIALS, write_public
from tools.errors import ConfigError


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_public(tmp_path_factory.mktemp("public") / "data")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    folder = tmp_path_factory.mktemp("work")
    kinds = {"pubmed": "pubmed_xml", "ctgov": "ctgov", "reviews": "reviews_csv"}
    sources = [Source(name=name, kind=kind, path=data / name, licence="CC0") for name, kind in kinds.items()]
    ingest(sources, folder / "corpus")
    return folder


def shop(data: Path, work: Path, **settings: object) -> Workshop:
    told = BuildSettings.model_validate({"vocabulary": "mesh", "invented": {"count": 1}, **settings})
    return Workshop(told, data, work)


def test_a_folder_with_nlm_s_descriptor_file_is_a_vocabulary(data: Path, work: Path, tmp_path: Path) -> None:
    assert shop(data, work).vocabulary.descriptor(TRIALS[0].topic.disease) is not None
    (tmp_path / "mesh").mkdir()
    for year in (2030, 2031):
        (tmp_path / "mesh" / f"desc{year}.xml").write_bytes((data / "mesh" / "desc2031.xml").read_bytes())
    with pytest.raises(ConfigError, match=r"holds desc2030\.xml, desc2031\.xml\. Remedy: keep one"):
        _ = shop(tmp_path, work).vocabulary_file


def test_all_records_are_searched_where_they_are_few(data: Path, work: Path) -> None:
    made = shop(data, work)
    assert made.publications.size == made.corpus.counts()["distinct_records"]
    assert made.trials is not None
    assert made.trials.size == made.corpus.counts()["trials"]
    assert made.trials.held([TRIALS[0].nct_id, "NCT00000000"]) == {TRIALS[0].nct_id}


def test_of_many_records_a_sample_is_searched_and_all_that_reviews_included(data: Path, work: Path) -> None:
    made = shop(data, work, searched=20)
    included = {pmid for review in made.corpus.reviews() for pmid in review.included}
    assert included
    assert made.publications.held(included) == included
    assert len(included) < made.publications.size < 20 + len(included) + 10
    assert made.publications.size < made.corpus.counts()["distinct_records"] / 2
    again = shop(data, work, searched=20)
    assert again.publications.source.size == made.publications.size


def test_an_index_that_is_there_is_not_made_again(
    data: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = shop(data, work).publications.size
    before = sorted((work / "index").iterdir())
    monkeypatch.setattr(Corpus, "all_records", lambda *given: pytest.fail("the records are read again"))
    assert shop(data, work).publications.size == size
    assert sorted((work / "index").iterdir()) == before
