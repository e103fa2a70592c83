"""Europe PMC, ClinicalTrials.gov and citation searching in review.yaml and on the command line."""

import pytest

from agent import config
from agent.cli import main
from tests.graphs import small
from tools.errors import ConfigError
from tools.protocol import CtgovSource, EuropepmcSource


def loaded(folder, *changes):
    yaml = small.YAML
    for old, new in changes:
        assert old in yaml
        yaml = yaml.replace(old, new)
    return config.load(small.write(folder, yaml).yaml).config


SHELF = "  - {kind: local, name: shelf, files: [records.jsonl]}"


def test_both_services_need_nothing_but_their_kind(tmp_path):
    europepmc, ctgov = loaded(tmp_path, (SHELF, "  - {kind: europepmc}\n  - {kind: ctgov}")).sources
    assert isinstance(europepmc, EuropepmcSource)
    assert isinstance(ctgov, CtgovSource)
    assert (europepmc.name, europepmc.synonym, ctgov.name) == ("europepmc", False, "ctgov")


def test_a_misspelt_kind_names_those_that_there_are(tmp_path):
    with pytest.raises(ConfigError, match="'pubmed', 'europepmc', 'ctgov'"):
        loaded(tmp_path, (SHELF, "  - {kind: clinicaltrials}"))


def test_a_page_size_changes_no_answer_and_synonyms_do(tmp_path):
    plain = loaded(tmp_path / "a", (SHELF, "  - {kind: europepmc}"))
    paged = loaded(tmp_path / "b", (SHELF, "  - {kind: europepmc, page_size: 7}"))
    wider = loaded(tmp_path / "c", (SHELF, "  - {kind: europepmc, synonym: true}"))
    assert config.basis(plain, "retrieve") == config.basis(paged, "retrieve")
    assert config.basis(plain, "retrieve") != config.basis(wider, "retrieve")


def citing(settings, more=""):
    return ("prefilter:", f"search: {{{more}citations: {settings}}}\nprefilter:")


def test_searching_citations_leaves_the_strategy_alone(tmp_path):
    before, after = loaded(tmp_path / "a"), loaded(tmp_path / "b", citing("{rounds: 2}"))
    assert config.basis(before, "query") == config.basis(after, "query")
    assert after.search.citations.rounds == 2
    assert (after.search.citations.start, after.search.citations.source) == ("included", "europepmc")


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ("{backward: false, forward: false}", "search.citations: neither direction"),
        ("{from: seeds}", "search.citations.from: there are no seed studies"),
        ("{source: pubmed}", "review.email: is missing"),
        ("{rounds: 4}", "search.citations.rounds"),
        ("{start: seeds}", 'search.citations.start: no key is called "start"'),
    ],
)
def test_what_cannot_work_is_said_with_its_place(tmp_path, settings, place):
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, citing(settings))
    assert place in str(caught.value)


def test_seeds_are_asked_about_once(tmp_path):
    with pytest.raises(ConfigError, match="asked about once"):
        loaded(tmp_path, citing("{from: seeds, rounds: 2}", "seed_studies: [1], "))


def test_the_name_of_the_search_of_citations_is_taken(tmp_path):
    with pytest.raises(ConfigError, match="taken by the search of citations"):
        loaded(tmp_path, ("name: shelf", "name: citations"))


@pytest.mark.parametrize("given", ["europepmc", "nobody=http://localhost/", "ctgov=localhost"])
def test_an_address_needs_a_service_and_a_place(tmp_path, capsys, given):
    home = small.write(tmp_path)
    assert main(["run", str(home.yaml), "--service", given]) == 2
    assert "--service pubmed=http" in capsys.readouterr().err
