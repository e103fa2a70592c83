"""One corpus of many files: each thing once, by a rule, found quickly, and no damage unnoticed."""

import json
import pickle
from pathlib import Path

import pytest

from finetune.build import shards
from finetune.build.corpus import Corpus
from finetune.build.ingest import ingest
from finetune.build.kinds import Shard
from finetune.build.sources import Source
from tests.finetune.build.source_examples import EXAMPLES, article, article_set, jats, study
from tools.errors import InputFileError


def corpus_of(folder: Path, **files: tuple[str, str, str]) -> Corpus:
    """A corpus of invented files: name of the source to (kind, file name, content)."""
    sources = []
    for name, (kind, file, text) in files.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / file).write_text(text)
        sources.append(Source(name=name, kind=kind, path=folder / name, licence="CC0"))
    ingest(sources, folder / "out")
    return Corpus(folder / "out")


def pool(*rows: dict) -> tuple[str, str, str]:
    return "pool", "p.jsonl", "".join(json.dumps(r) + "\n" for r in rows)


def dated(pmid: str, title: str, day: str, abstract: str = "Sixty drank it.") -> str:
    text = article(pmid, title, abstract)
    parts = (
        f"<{name}>{value}</{name}>"
        for name, value in zip(("Year", "Month", "Day"), day.split("-"), strict=True)
    )
    return text.replace("<Year>2021</Year><Month>02</Month><Day>03</Day>", "".join(parts))


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> Corpus:
    folder = tmp_path_factory.mktemp("everything")
    sources = []
    for kind, example in EXAMPLES.items():
        (folder / kind).mkdir()
        sources.append(
            Source(name=kind.replace("_", "-"), kind=kind, path=example.make(folder / kind), licence="CC0")
        )
    ingest(sources, folder / "out")
    return Corpus(folder / "out")


# Which version stands --------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second"), [("a", "b"), ("b", "a")])
def test_of_several_versions_of_a_record_the_newest_stands_however_files_are_called(first, second, tmp_path):
    old = article_set(
        dated("1", "Old", "2019-01-01"),
        dated("2", "Newer but without abstract", "2022-01-01", abstract=""),
        dated("3", "Dated", "2019-01-01"),
    )
    new = article_set(dated("1", "New", "2020-01-01"), dated("2", "Older", "2019-01-01"))
    bare = pool(
        {"pmid": "3", "title": "Bare", "abstract": "x" * 900},
        {"pmid": "4", "title": "Short", "abstract": "x"},
    )
    more = pool({"pmid": "4", "title": "Short", "abstract": "x", "year": 1999})
    corpus = corpus_of(
        tmp_path,
        **{first: ("pubmed_xml", "x.xml", old), second: ("pubmed_xml", "x.xml", new)},
        **{f"{first}p": bare, f"{second}p": more},
    )
    titles = {pmid: r.title for pmid, r in corpus.records(["1", "2", "3", "4"]).items()}
    assert titles == {"1": "New", "2": "Older", "3": "Dated", "4": "Short"}
    assert corpus.record("4").year == 1999
    assert [r.title for r in corpus.all_records()].count("Old") == 0
    assert corpus.counts()["distinct_records"] == 4
    assert corpus.counts()["records"] == 8


def test_what_pubmed_has_deleted_is_no_record(tmp_path):
    gone = article_set("<DeleteCitation><PMID>2</PMID></DeleteCitation>")
    corpus = corpus_of(
        tmp_path,
        p=pool({"pmid": "1", "title": "a"}, {"pmid": "2", "title": "b"}),
        x=("pubmed_xml", "x.xml", gone),
    )
    assert corpus.record("1").title == "a"
    assert corpus.record("2") is None
    assert [r.pmid for r in corpus.all_records()] == ["1"]
    assert corpus.known_pmids(["1", "2", "3"]) == {"1"}


def test_of_several_versions_of_an_entry_or_a_paper(tmp_path):
    plain = study("NCT00000001", "Newer without results")
    results = study("NCT00000001", "With results") | {
        "resultsSection": {"participantFlowModule": {}},
        "hasResults": True,
    }
    results["protocolSection"]["statusModule"] = {"lastUpdatePostDateStruct": {"date": "2010-01-01"}}
    licence = '<license href="https://creativecommons.org/licenses/by/4.0/"/>'
    corpus = corpus_of(
        tmp_path,
        a=("ctgov", "a.json", json.dumps([plain])),
        b=("ctgov", "b.json", json.dumps([results])),
        c=("jats", "PMC1.nxml", jats("PMC1", body=f"<p>{'Long. ' * 99}</p>")),
        d=("jats", "PMC1.nxml", jats("PMC1", licence, pmid="10")),
    )
    (trial,) = corpus.trials()
    assert (trial.title, trial.has_results) == ("With results", True)
    assert corpus.trial("NCT00000001") == trial
    assert [(p.report_id, p.licence, p.year) for p in corpus.papers()] == [("PMC1", "CC0", 2019)]


def test_a_paper_is_found_by_either_number(everything):
    paper = everything.paper(pmcid="PMC1")
    assert (paper.pmid, paper.licence, paper.year) == ("10", "CC BY-NC 4.0", 2019)
    assert everything.paper(pmid="10") == everything.paper(pmcid="9", pmid="10") == paper
    assert everything.paper(pmcid="PMC2").licence == "CC0"  # the list's, as it states none
    assert everything.paper(pmcid="PMC77") is everything.paper() is everything.paper(pmid="x") is None


# Looking up --------------------------------------------------------------------------------------------


def test_every_record_is_found_by_its_number_and_nothing_else_is(tmp_path):
    numbers = [*range(1, 4000, 3)]
    corpus = corpus_of(tmp_path, p=pool(*({"pmid": str(n), "title": f"Tea {n}"} for n in reversed(numbers))))
    assert [r.pmid for r in corpus.all_records()] == [str(n) for n in numbers]
    for number in (*numbers[::200], numbers[-1]):
        assert corpus.record(str(number)).title == f"Tea {number}"
    assert corpus.record("2") is corpus.record("999999") is corpus.record("none") is corpus.record("") is None
    found = corpus.records([str(n) for n in range(20, 0, -1)])
    assert list(found) == ["19", "16", "13", "10", "7", "4", "1"]
    assert corpus.records(["007"])["007"].pmid == "7"


def test_candidates_of_a_list_of_pmids_get_the_records_that_the_corpus_holds(everything):
    kept = {c.record.pmid: (c.final, c.record.title) for c in everything.candidates("reviews-csv:r1")}
    assert kept["12"] == (False, "Ale")
    assert kept["10"] == (True, everything.record("10").title)
    assert everything.candidates("nobody") == ()


def test_the_last_word_of_the_reviewers(everything):
    labels = [
        (c.record.title, c.ta, c.final, c.included) for c in everything.candidates("review-folders:tea")
    ]
    assert ("Tea", True, False, False) in labels
    assert ("Coffee", True, True, True) in labels
    assert sorted(title for title, *_ in labels) == ["Coffee", "Milk", "Tea", "Water"]
    assert everything.review("review-folders:tea").included == ("11",)


def test_reviews_as_their_sources_tell_them(everything):
    reviews = {r.review_id: r for r in everything.reviews()}
    assert list(reviews) == sorted(reviews)
    tea = reviews["review-folders:tea"]
    assert (tea.title, tea.licence, tea.year, tea.strategies) == ("invented tea", "CC0", 2001, ("tea[tiab]",))
    assert tea.elements == {"population": ("Thirsty people",), "intervention": ("tea", "iced tea")}
    assert reviews["reviews-csv:r1"].included == ("10", "11")
    assert (reviews["ms2:900"].question, reviews["ms2:900"].included) == ("Does tea help?", ("10", "11"))
    assert (reviews["ms2:903"].title, reviews["ms2:903"].included) == ("Of wine", ("14",))
    assert reviews["clef-tar:CD000001"].strategies == ("tea[tiab] OR chai[tiab]",)
    assert reviews["clef-tar:CD000002"].strategies == ()  # Ovid's syntax
    assert (reviews["seed-collection:7"].year, reviews["seed-collection:7"].included) == (2019, ("10",))


@pytest.mark.parametrize("of", [2, 3])
def test_shards_part_everything_and_the_order_is_that_of_the_keys(everything, of):
    readers = {
        "review_id": everything.reviews,
        "nct_id": everything.trials,
        "report_id": everything.papers,
        "annotation_id": lambda *shard: everything.annotations("direction", *shard),
        "pmid": everything.all_records,
    }
    for key, read in readers.items():
        whole = [getattr(item, key) for item in read()]
        parts = [[getattr(item, key) for item in read(Shard(number, of))] for number in range(of)]
        assert sorted(one for part in parts for one in part) == sorted(whole)
        assert len(set(whole)) == len(whole)
        if key != "pmid":
            assert whole == sorted(whole)


def test_annotations_of_one_kind_only(everything):
    counts = {k: len(list(everything.annotations(k))) for k in ("direction", "numbers", "groups", "design")}
    assert counts == {"direction": 2, "numbers": 1, "groups": 1, "design": 2}
    (groups,) = everything.annotations("groups")
    assert [s["text"] for s in groups.body["spans"]] == ["60", "30 tea"]
    designs = {a.pmid: a.body for a in everything.annotations("design")}
    assert designs == {"10": {"trial": True, "rodent": False}, "11": {}}


def test_links_say_where_the_number_stands(everything):
    told = {(one.pmid, one.nct_id, one.evidence, one.source) for one in everything.links()}
    assert told == {
        ("10", "NCT00000010", "databank", "pubmed-xml"),
        ("10", "NCT00000010", "databank", "nbib"),
        ("10", "NCT00000010", "listed", "pmid-nct"),
    }


def test_the_card_can_tell_where_everything_comes_from(everything):
    told = {s["name"]: s for s in everything.sources()}
    assert len(told) == len(EXAMPLES)
    assert told["jats"]["files"] == 4
    assert told["reviews-csv"]["unread"] == {
        "no PMID": 1,
        "no included PMID": 1,
        "no review_id": 1,
        "unknown label": 1,
    }
    assert sum(sum(s["unread"].values()) for s in told.values()) == len(everything.unread())
    assert all(u["why"] and u["what"] and u["source"] for u in everything.unread())


# Reading only -----------------------------------------------------------------------------------------


def test_two_processes_may_read_it_and_it_can_be_sent_to_another(everything):
    copy = pickle.loads(pickle.dumps(everything))
    assert copy.record("10") == everything.record("10")
    assert copy.fingerprint == everything.fingerprint


def test_a_folder_where_no_index_can_be_kept_is_read_all_the_same(tmp_path):
    corpus = corpus_of(tmp_path, p=pool({"pmid": "1", "title": "a"}))
    (tmp_path / "out" / "index").write_text("a file where the folder should be")
    assert corpus.record("1").title == "a"


def test_a_damaged_index_is_made_anew(tmp_path):
    corpus_of(tmp_path, p=pool({"pmid": "1", "title": "a"})).record("1")
    (index,) = (tmp_path / "out" / "index").iterdir()
    index.write_bytes(index.read_bytes()[:-20])
    assert Corpus(tmp_path / "out").record("1").title == "a"


def test_a_folder_without_a_corpus(tmp_path):
    with pytest.raises(InputFileError, match="holds no corpus.*ingest"):
        Corpus(tmp_path)


def test_a_corpus_without_records(tmp_path):
    corpus = corpus_of(tmp_path, c=("ctgov", "a.json", json.dumps(study("NCT00000001"))))
    assert (corpus.record("1"), list(corpus.all_records()), corpus.links(), list(corpus.reviews())) == (
        None,
        [],
        (),
        [],
    )
    assert corpus.counts()["distinct_records"] == 0


@pytest.mark.parametrize("damage", ["gone", "cut", "flipped"])
def test_a_damaged_file_is_named_with_its_remedy(tmp_path, damage):
    corpus = corpus_of(
        tmp_path, p=pool(*({"pmid": str(n), "title": f"Tea {n * 7919 % 1000}" * 5} for n in range(1, 900)))
    )
    (name,) = [o.name for o in shards.receipts(corpus.folder)[0].outputs]
    data = (corpus.folder / name).read_bytes()
    kept = {
        "gone": None,
        "cut": data[:-1],
        "flipped": data[:200] + bytes(b ^ 0x55 for b in data[200:-2000]) + data[-2000:],
    }[damage]
    (corpus.folder / name).unlink()
    if kept is not None:
        (corpus.folder / name).write_bytes(kept)
    with pytest.raises(InputFileError, match=r"records.* is damaged: .*Remedy: ingest again"):
        list(Corpus(corpus.folder).all_records())


# Real data ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(shared_data, tmp_path_factory) -> Corpus:
    some = tmp_path_factory.mktemp("jats")
    for path in sorted((shared_data / "jats").iterdir())[:12]:
        (some / path.name).symlink_to(path)
    paths = {
        "xml": ("pubmed_xml", shared_data / "pubmed" / "xml"),
        "medline": ("nbib", shared_data / "pubmed" / "medline"),
        "ctgov": ("ctgov", shared_data / "ctgov" / "studies"),
        "captures": ("ctgov", shared_data / "api_captures" / "ctgov"),
        "results": ("ctgov", shared_data / "ctgov" / "results_1.json.gz"),
        "jats": ("jats", some),
        "review": ("review_folders", shared_data / "reviews" / "cohen_antihistamines"),
        "clef": ("clef_tar", shared_data / "queries" / "clef"),
        "seeds": ("seed_collection", shared_data / "queries" / "seed_collection.jsonl.gz"),
        "direction": ("evidence_inference", shared_data / "extraction" / "evidence_inference.jsonl.gz"),
        "numbers": ("numeric_outcomes", shared_data / "extraction" / "numeric_outcomes.jsonl.gz"),
        "groups": ("pico_corpus", shared_data / "extraction" / "pico_corpus"),
        "listed": ("pmid_nct", shared_data / "linking" / "pmid_nct.json.gz"),
    }
    out = tmp_path_factory.mktemp("corpus")
    ingest([Source(name=name, kind=kind, path=path) for name, (kind, path) in paths.items()], out)
    return Corpus(out)


def test_real_files_give_what_their_readme_says(real):
    counts = real.counts()
    assert (len(list(real.annotations("direction"))), len(list(real.annotations("numbers")))) == (1057, 241)
    assert len(list(real.annotations("groups"))) > 480
    assert counts["papers"] == 12
    assert sum(bool(a.text) for a in real.annotations("direction")) >= 350
    assert len([one for one in real.links() if one.evidence == "listed"]) == 681
    assert sum(r.source == "seeds" for r in real.reviews()) == 14
    assert all(p.licence != "unknown" for p in real.papers())
    assert sum(t.has_results for t in real.trials()) >= 5


def test_real_records_are_found_and_full_ones_stand(real):
    pmids = [r.pmid for r in real.all_records()]
    assert len(pmids) == len(set(pmids)) == real.counts()["distinct_records"] > 2000
    assert [r.pmid for r in real.records(pmids).values()] == pmids
    assert sum(bool(r.mesh) for r in real.records(pmids).values()) > 900


def test_a_real_review_has_all_its_candidates(real):
    candidates = real.candidates("review:cohen_antihistamines")
    review = real.review("review:cohen_antihistamines")
    assert len(candidates) == 300
    assert {c.record.pmid for c in candidates if c.included} == set(review.included)
    assert len(review.included) == 16


def test_a_candidate_of_whom_nobody_knows_more_is_only_its_number(tmp_path):
    corpus = corpus_of(tmp_path, r=("reviews_csv", "r.csv", "review_id,pmid\nr1,12\n"))
    (candidate,) = corpus.candidates("r:r1")
    assert (candidate.record.pmid, candidate.record.text, candidate.included) == ("12", "", True)
