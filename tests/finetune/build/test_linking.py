"""Links: which stand, which are refused and why, and how far independent sources agree."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.build.agreement import KINDS, Agreement, Coverage, agreements
from finetune.build.kinds import Link
from finetune.build.linking import accepted, link, of_reviews, perhaps_one_study
from finetune.build.pairing import Told, pairing, sizes_in
from tests.finetune.build.source_examples import article, article_set, banks, jats, study
from tests.finetune.build.test_corpus import corpus_of
from tools.registry.trial import read

TEA = "NCT00000001"


def entry(nct_id: str = TEA, began: str = "2018-01", enrolment: int = 60, references=()) -> dict:
    return study(
        nct_id,
        "Invented tea against thirst in adults",
        statusModule={"startDateStruct": {"date": began}},
        designModule={
            "studyType": "INTERVENTIONAL",
            "enrollmentInfo": {"count": enrolment, "type": "ACTUAL"},
        },
        conditionsModule={"conditions": ["Thirst"]},
        armsInterventionsModule={
            "interventions": [{"type": "DRUG", "name": "Oolong", "otherNames": ["Wulong leaf"]}]
        },
        referencesModule={
            "references": [{"pmid": pmid, "type": kind, "citation": "x"} for pmid, kind in references]
        },
    )


def told(title: str, text: str = "", year: int | None = 2020) -> Told:
    return Told(title=title, text=text, abstract=bool(text), year=year)


# Two things compared -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paper", "wrong"),
    [
        (told("Invented tea and thirst in adults"), ""),
        (told("Results of a cup", "Of 58 patients, 30 had a hot drink."), ""),  # as many as took part
        (told("Results of a cup", "Oolong was given."), ""),
        (told("Results of a cup", "Wulong leaves were given."), ""),
        (told("Results of a cup", "Of 4000 patients with gout, 2000 walked."), "tells of something else"),
        (told("Results of a cup", "Walking helps gout."), "tells of something else"),
        (told("Invented tea and thirst in adults", year=2012), "published before the trial began"),
        (told("Invented tea against thirst: protocol", year=2017), ""),
        (told("Invented tea and thirst in adults", year=None), ""),
    ],
)
def test_a_pair_is_refused_where_nothing_of_it_fits(paper, wrong):
    assert pairing(paper, read(entry())).wrong == wrong


def test_an_entry_that_says_little_refuses_nothing_by_date():
    bare = read(study(TEA, "Tea"))
    assert pairing(told("Tea", year=1990), bare).wrong == ""
    assert pairing(told("Tea", "Sixty"), bare).size is None


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("A total of 1,234 patients were randomised.", (1234,)),
        ("60 healthy young volunteers and 58 controls (n=58)", (58, 60)),
        ("tea (N = 30) or water (n=31)", (30, 31)),
        ("In 2015 women were invited; 45% of patients, 3.25 patients", ()),
        ("aged 60 years", ()),
        ("", ()),
    ],
)
def test_numbers_of_participants(text, sizes):
    assert sizes_in(text) == sizes


# All links of a corpus -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    many = "NCT00000001 NCT00000011 NCT00000012 NCT00000013"
    entries = [
        entry(
            references=[
                ("1", "RESULT"),
                ("6", "RESULT"),
                ("9", "BACKGROUND"),
                ("77", "DERIVED"),
                ("8", "DERIVED"),
            ]
        ),
        entry("NCT00000002"),
    ]
    records = article_set(
        article("1", "Invented tea for thirst", "Sixty drank oolong. NCT00000001.", banks(TEA)),
        article("2", "Tea and thirst", "In NCT00000001 and in NCT00009999.", banks(TEA)),
        article("3", "Four trials of tea and thirst", many),
        article("4", "Walking and gout", "Of 4000 patients half walked.", banks(TEA)),
        article("5", "Tea and thirst again", "Registered as NCT00000002."),
        article("6", "Walking and gout, once more", "Nothing of it."),
        article("8", "Oolong for thirst, five years later", "Sixty drank it."),
    )
    several = "<p>Unlike NCT00000001, NCT00000011, NCT00000012 and NCT00000013.</p>"
    listed = {
        "trials": [
            {"pmid": "1", "nct_id": TEA},
            {"pmid": "5", "nct_id": "NCT00000003"},
            {"pmid": "88", "nct_id": TEA},
        ]
    }
    return corpus_of(
        tmp_path_factory.mktemp("links"),
        reg=("ctgov", "a.json", json.dumps(entries)),
        med=("pubmed_xml", "a.xml", records),
        pmc=("jats", "PMC5.nxml", jats("PMC5", body="<p>Thirst, as in NCT00000001.</p>", pmid="5")),
        pmd=("jats", "PMC7.nxml", jats("PMC7", body=several, pmid="7")),
        pme=("jats", "PMC9.nxml", jats("PMC9", body="<p>Thirst, NCT00000002.</p>", pmid="9")),
        lst=("pmid_nct", "l.json", json.dumps(listed)),
        rev=("reviews_csv", "r.csv", "review_id,pmid\nr1,1\nr1,8\nr1,4\nr1,500\nr2,3\n"),
    )


def test_links_stand_or_are_refused_with_a_reason(corpus):
    report = link(corpus)
    assert {(p.pmid, p.nct_id): p.evidence for p in report.accepted} == {
        ("1", TEA): ("abstract", "databank", "listed", "registry_result"),
        ("2", TEA): ("abstract", "databank"),
        ("5", "NCT00000002"): ("abstract",),
        ("8", TEA): ("registry_derived",),
        ("9", "NCT00000002"): ("full_text",),
    }
    assert {(r.pmid, r.nct_id): r.why for r in report.refused} == {
        ("3", TEA): "the paper lists registrations",
        ("4", TEA): "tells of something else",
        ("5", TEA): "only cited in the full text",
        ("6", TEA): "tells of something else",
        ("7", TEA): "the full text lists registrations",
    }
    # 2: NCT00009999; 3 and 7: three each; 5: what the list says. 77 and 88 are no papers of the corpus.
    assert report.dead == {"entry": 8, "paper": 2}
    assert all(p.fits.startswith("titles ") for p in report.accepted)
    assert "enrolment 60 to 4000" in next(r.detail for r in report.refused if r.pmid == "4")


def test_what_is_divided_as_one_study_are_doubtful_pairs_too_and_not_what_a_paper_lists(corpus):
    report = link(corpus)
    stand = {(one.pmid, one.nct_id) for one in report.accepted}
    assert set(perhaps_one_study(corpus)) == stand | {("4", TEA), ("6", TEA)}


def test_every_pair_is_accounted_for_once(corpus):
    pairs = {(one.pmid, one.nct_id) for one in corpus.links()}
    report = link(corpus)
    assert len(report.accepted) + len(report.refused) + sum(report.dead.values()) == len(pairs)
    assert report.counts["accepted"] == 5
    assert report.counts["refused: tells of something else"] == 2
    assert sum(count for what, count in report.counts.items() if what.startswith("dead")) == 10


def test_what_stands_is_kept_for_the_next_process_and_made_anew_when_it_is_damaged(corpus):
    first = accepted(corpus)
    (kept,) = (corpus.folder / "index").glob("links-*.json")
    kept.write_text("{half")
    assert accepted(corpus) == accepted(corpus) == first == link(corpus).accepted


def test_reviews_their_reports_and_their_entries(corpus):
    first, second = of_reviews(corpus, accepted(corpus))
    assert (first.review_id, first.included, first.held) == ("rev:r1", 4, 3)
    assert first.entries == {"1": (TEA,), "8": (TEA,)}
    assert second.entries == {}


# Agreement -----------------------------------------------------------------------------------------------


def test_agreement_over_the_pairs_that_both_could_have_named(corpus):
    tables = {(a.first, a.second): a for a in link(corpus).agreement}
    result = tables["abstract", "registry_result"]
    # Of pairs with an entry and an abstract both name 1; the abstract alone 2, 3, and 5 with the second entry;
    # the entry alone 6; neither 4 (databank), 8 (derived), and 5 with the first entry (full text).
    assert (result.both, result.only_first, result.only_second, result.neither) == (1, 3, 1, 3)
    assert result.independent
    assert not tables["databank", "abstract"].independent
    assert ("registry_result", "registry_derived") not in tables


def test_agreement_by_hand():
    """Positive: 2·20 / (2·20 + 5 + 10). Kappa: observed 35/50, chance .5·.6 + .5·.4, as in the usual example."""
    table = Agreement(
        first="a", second="b", independent=True, both=20, only_first=5, only_second=10, neither=15
    )
    assert table.positive == pytest.approx(40 / 55)
    assert table.kappa == pytest.approx((0.7 - 0.5) / 0.5)
    nothing = table.model_copy(update={"both": 0, "only_first": 0, "only_second": 0, "neither": 0})
    assert (nothing.positive, nothing.kappa) == (None, None)
    assert table.model_copy(update={"both": 3, "only_first": 0, "only_second": 0, "neither": 0}).kappa is None


evidence = st.sets(st.sampled_from(KINDS), min_size=1)


@given(st.lists(evidence, max_size=12))
def test_tables_count_every_pair_that_both_could_have_named(pairs):
    coverage = Coverage(frozenset({TEA}))
    for number, kinds in enumerate(pairs, 1):
        links = [Link(pmid=str(number), nct_id=TEA, evidence=kind, source="s") for kind in sorted(kinds)]
        coverage.add(str(number), None, None, {TEA: links})
    for table in agreements(coverage):
        could = [1 for _, able in coverage.pairs if {table.first, table.second} <= able]
        assert table.both + table.only_first + table.only_second + table.neither == len(could)
        both = sum({table.first, table.second} <= kinds for kinds in pairs)
        assert table.both == both


# Real data -------------------------------------------------------------------------------------------------


def test_real_entries_that_call_what_they_read_their_result_are_noticed(shared_data, tmp_path):
    """Three references of type RESULT whose papers are in the pool: all older than the trial by decades."""
    from finetune.build.corpus import Corpus
    from finetune.build.ingest import ingest
    from finetune.build.sources import Source

    pool, entries = (
        shared_data / "pubmed" / "pool.jsonl.gz",
        shared_data / "ctgov" / "covid-19-search.json.gz",
    )
    ingest(
        [Source(name="pool", kind="pool", path=pool), Source(name="reg", kind="ctgov", path=entries)],
        tmp_path,
    )
    report = link(Corpus(tmp_path))
    wrong = Counter(r.why for r in report.refused if r.evidence == ("registry_result",))
    assert sum(wrong.values()) <= 3
    assert all(why == "published before the trial began" for why in wrong)
    assert not [p for p in report.accepted if p.evidence == ("registry_result",)]
    assert report.dead["entry"] > 1000
