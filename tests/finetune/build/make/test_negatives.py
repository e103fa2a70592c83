"""Which records are asked about: hard negatives first, none of the same study, always the same."""

import json

import pytest

from finetune.build.make.eligibility import Eligibility, EligibilitySettings
from finetune.build.make.negatives import Negatives, NegativeSettings
from tests.finetune.build.make.screening_world import (
    BASELINE,
    LIKENESS,
    corpus_of,
    made,
    records,
    write_review,
)

PLANTS = (
    "amber birch cedar dune elder fern grove heath iris juniper kelp larch moss nettle oak pine quartz reed"
)
WORDS = PLANTS.split()


def pool():
    """Neighbours of zorbitis at growing distance, one twin of an included record, and far ones."""
    rows = [
        {
            "pmid": str(81_000_000 + n),
            "title": f"Zorbitis in {' and '.join(WORDS[:n])}",
            "abstract": f"Zorbitis {' '.join(WORDS[: 2 * n])} were seen in animals. Rats were fed.",
        }
        for n in range(1, 9)
    ]
    rows.append(
        {
            "pmid": "81000100",
            "title": "Velmarin for zorbitis: first report.",
            "abstract": "Another telling of it.",
        }
    )
    for n, word in enumerate(WORDS):
        abstract = f"The {word} bends. The rats were fed {word}."
        rows.append({"pmid": str(82_000_000 + n), "title": f"{word} in the wind", "abstract": abstract})
    return rows


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("negatives")
    write_review(
        folder, "labelled", records(), title="Velmarin in zorbitis", pico={"P": "People with zorbitis"}
    )
    for kind in ("pool", "reviews_csv"):
        (folder / kind).mkdir()
    known = [
        {
            "pmid": str(80_500_000 + n),
            "title": f"Velmarin for zorbitis: {which}",
            "abstract": f"Zorbitis was eased {n} times.",
        }
        for n, which in enumerate(("first report", "second"), 1)
    ]
    lines = [json.dumps(row) for row in (*known, *pool())]
    (folder / "pool" / "pool.jsonl").write_text("\n".join(lines), encoding="utf-8")
    table = [
        "review_id,pmid,title",
        "listed,80500001,Velmarin for people with zorbitis",
        "listed,80500002,",
        "lost,89999999,Gone",
    ]
    (folder / "reviews_csv" / "reviews.csv").write_text("\n".join(table), encoding="utf-8")
    return corpus_of(folder, "pool", "reviews_csv")


def review(corpus, name):
    return next(one for one in corpus.reviews() if one.review_id.endswith(name))


def chosen(corpus, name, **settings):
    return Negatives(LIKENESS, NegativeSettings(**settings))(corpus, review(corpus, name))


def test_what_the_reviewers_excluded_comes_before_anything_else(corpus):
    picked, apart = chosen(corpus, "labelled")
    assert {one.origin for one in picked} == {"included", "excluded"}
    assert [one.included for one in picked] == sorted((one.included for one in picked), reverse=True)
    assert sum(one.included for one in picked) == 6
    assert {one.stage for one in picked if one.included} == {"after full text"}
    assert {one.stage for one in picked if not one.included} == {"by title and abstract"}
    assert sorted(one.record.pmid for one in apart) == ["80000030", "80000031"]


def test_the_most_alike_of_them_come_first(corpus):
    picked, _ = chosen(corpus, "labelled", random_share=0)
    like = [one.like for one in picked if not one.included]
    assert like == sorted(like, reverse=True)
    assert like[0] > like[-1]


def test_a_review_of_which_only_the_included_are_known_gets_neighbours(corpus):
    picked, apart = chosen(corpus, "listed", per_included=4, fewest=8, random_share=0.25, ceiling=0.6)
    origins = [one.origin for one in picked]
    assert origins.count("included") == 2
    assert origins.count("random") == 2
    assert origins.count("near") == 6
    assert all(one.stage == "" for one in picked if not one.included)
    near = [one for one in picked if one.origin == "near"]
    assert all(one.like < 0.6 for one in near)
    assert all("zorbitis" in one.record.title.casefold() for one in near)
    why = {one.record.pmid: one.why for one in apart}
    assert why["81000100"] == "same study as an included record"
    assert set(why.values()) <= {
        "same study as an included record",
        "too like an included record to be called excluded",
    }
    assert not {"80500001", "80500002", "81000100"} & {one.record.pmid for one in picked if not one.included}


def test_a_low_ceiling_leaves_less_and_says_so(corpus):
    high, _ = chosen(corpus, "listed", ceiling=1, random_share=0)
    low, apart = chosen(corpus, "listed", ceiling=0.2, random_share=0)
    assert any(one.origin == "near" and one.like >= 0.2 for one in high)
    assert not any(one.origin == "near" and one.like >= 0.2 for one in low)
    assert any(one.why.startswith("too like") for one in apart)


@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_the_share_of_random_ones_is_kept(corpus, share):
    picked, _ = chosen(corpus, "listed", per_included=5, fewest=0, random_share=share, ceiling=1)
    others = [one.origin for one in picked if not one.included]
    assert len(others) == 10
    assert others.count("random") == round(10 * share)


def test_limits_are_kept_and_nothing_comes_twice(corpus):
    picked, _ = chosen(corpus, "labelled", most_included=2, per_included=1.5, fewest=0, most=100)
    assert [one.included for one in picked] == [True] * 2 + [False] * 3
    picked, _ = chosen(corpus, "labelled", most=4, fewest=50)
    assert sum(not one.included for one in picked) == 4
    ids = [one.record.record_id for one in chosen(corpus, "labelled")[0]]
    assert len(ids) == len(set(ids))


def test_the_choice_is_always_the_same(corpus):
    for name in ("labelled", "listed"):
        first, second = (chosen(corpus, name) for _ in range(2))
        assert first == second


def test_what_nobody_judged_is_kept_only_where_something_rules_it_out_and_says_so(corpus):
    settings = EligibilitySettings(records=NegativeSettings(ceiling=0.9))
    instructions, refusals = made(Eligibility(BASELINE, LIKENESS, settings=settings), corpus)
    unjudged = [one for one in instructions if one.about.how in ("eligibility-near", "eligibility-random")]
    assert unjudged
    for one in unjudged:
        assert one.about.evidence[0].startswith(
            "Not included by the review; nobody is known to have judged it."
        )
        assert one.about.evidence[-1] == "Of the criteria only the title is known."
        assert {v["label"] for v in one.answer["verdicts"]} == {"NO"}
        assert all(v["quote"] in one.asked["text"] for v in one.answer["verdicts"])
    lost = [refusal.why for refusal in refusals if "lost" in refusal.what]
    assert lost == ["nothing to read", "review without included records to be found"]
