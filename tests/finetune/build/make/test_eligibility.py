"""Screening instructions: labels are outcomes, verdicts agree with them, quotes stand in the text."""

from collections import Counter

import pytest

from finetune.build.kinds import Review, Shard
from finetune.build.make.contrast import Contrast
from finetune.build.make.criteria_of_reviews import asked_criteria, renamed, title_only
from finetune.build.make.eligibility import ENOUGH, Eligibility, EligibilitySettings
from finetune.build.make.judging import Opinion, checked_opinions, question_about, studies_of_record, worded
from finetune.build.make.second_reading import SecondReading, administrative
from finetune.instructions import row_of
from model.baseline.screen import RATIONALE
from model.engine import EngineUnavailable
from model.tasks.screen import Judgement, ScreenAnswer
from tests.finetune.build.make.screening_world import (
    BASELINE,
    CRITERIA,
    LIKENESS,
    Says,
    corpus_of,
    made,
    record,
    records,
    vocabulary_of,
    write_review,
)
from tools.schemas import Criterion, Record
from tools.screening.verdicts import excludes

TITLE = "Velmarin against placebo in zorbitis"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("screening")
    write_review(folder, "zorb", records(), title=TITLE, criteria_text=CRITERIA)
    write_review(folder, "bare_name", [record(50, "Snow", "Snow fell.", 1, 1)], title="bare_name")
    return corpus_of(folder)


@pytest.fixture(scope="module")
def outcome(corpus):
    return made(Eligibility(BASELINE, LIKENESS), corpus)


def labels(one):
    kinds = {c["id"]: Criterion.model_validate(c) for c in one.asked["criteria"]}
    return [(kinds[v["criterion_id"]], v["label"], v["quote"]) for v in one.answer["verdicts"]]


def test_what_reviewers_included_meets_the_criteria_and_what_they_excluded_fails_one(outcome):
    instructions, _ = outcome
    by_how = Counter(one.about.how for one in instructions)
    assert by_how["eligibility-included"] == 6
    assert by_how["eligibility-excluded"] == 8
    for one in instructions:
        ruled_out = any(excludes(criterion, label) for criterion, label, _ in labels(one))
        shown = any(c.kind == "include" and label in ("YES", "PARTIAL") for c, label, _ in labels(one))
        assert ruled_out == (one.about.how == "eligibility-excluded")
        assert shown or ruled_out


def test_every_quote_stands_in_the_text_and_uncertain_has_none(outcome):
    for one in outcome[0]:
        for _, label, quote in labels(one):
            assert (quote in one.asked["text"] and quote) if label != "UNCERTAIN" else quote == ""


def test_every_candidate_is_an_instruction_or_is_refused_with_its_reason(outcome):
    instructions, refusals = outcome
    why = Counter(refusal.why for refusal in refusals)
    assert why == {
        "excluded after full text, the reason is not in the abstract": 1,
        "no abstract: too little to exclude by": 1,
        "not included, and the engine finds nothing that rules it out": 2,
        "review without criteria, and its title is only a name": 1,
    }
    assert len(instructions) + len(refusals) == len(records()) + 1
    assert all(refusal.task == "screen" and refusal.source == "folders" for refusal in refusals)


def test_it_says_where_each_comes_from(outcome):
    for one in outcome[0]:
        assert one.about.reviews == ("folders:zorb",)
        assert one.about.studies == (one.asked["record_id"],)
        assert one.about.studies[0].startswith("pmid:800000")
        assert one.about.year == 2015
        assert one.about.evidence[0].startswith(
            ("Included by the reviewers, after", "Excluded by the reviewers, by")
        )
        row_of(one, "ours")


def test_the_engine_is_not_told_what_the_reviewers_decided(corpus):
    engine = Says(lambda criterion, asked: ("UNCERTAIN", "", ""))
    made(Eligibility(engine, LIKENESS), corpus)
    assert {type(asked).__name__ for asked in engine.asked} == {"ScreenInput"}
    told = " ".join(asked.model_dump_json() for asked in engine.asked).casefold()
    assert not any(word in told for word in ("label_ta", "label_final", "reviewers", "included by"))


def test_a_verdict_against_the_reviewers_is_refused_both_ways(corpus):
    def wrong(criterion, asked):
        trial = "randomised" in asked.text
        return ("NO" if trial else "YES") if criterion.kind == "include" else "NO", asked.title, "So it is."

    instructions, refusals = made(Eligibility(Says(wrong), LIKENESS), corpus)
    why = Counter(refusal.why for refusal in refusals)
    assert instructions == []
    assert why["included, and the engine rules it out"] == 6
    assert why["not included, and the engine finds nothing that rules it out"] == 10


def test_a_quote_that_is_not_there_decides_nothing(corpus):
    def inventing(criterion, asked):
        return "YES", "this passage stands nowhere", "It is told."

    instructions, refusals = made(Eligibility(Says(inventing), LIKENESS), corpus)
    assert instructions == []
    assert Counter(r.why for r in refusals)["included, and the engine finds nothing that speaks for it"] == 6
    whole = EligibilitySettings(whole=True)
    _, refusals = made(Eligibility(Says(inventing), LIKENESS, settings=whole), corpus)
    assert Counter(refusal.why for refusal in refusals)["quote not in the text"] == 16


def test_whole_asks_every_criterion_or_none(corpus):
    settings = EligibilitySettings(whole=True, second_reading=False)
    instructions, _ = made(Eligibility(BASELINE, LIKENESS, settings=settings), corpus)
    assert instructions
    assert {len(one.asked["criteria"]) for one in instructions} == {4}


def test_more_criteria_can_be_demanded_to_be_shown(corpus):
    every = EligibilitySettings(shown=1.0)
    instructions, _ = made(Eligibility(BASELINE, LIKENESS, settings=every), corpus)
    for one in instructions:
        if one.about.how == "eligibility-included":
            assert (
                sum(label == "YES" for criterion, label, _ in labels(one) if criterion.kind == "include") == 3
            )


def test_few_excluded_ones_are_kept_where_few_are_wanted(corpus):
    few = EligibilitySettings(kept_at_least=2, kept_per_included=0.5)
    instructions, refused = made(Eligibility(BASELINE, LIKENESS, settings=few), corpus)
    assert Counter(one.about.how for one in instructions)["eligibility-excluded"] == 3
    assert any(one.why == ENOUGH for one in refused)  # what is not needed is counted all the same


def test_the_same_corpus_gives_the_same_instructions_and_shards_share_them(corpus, outcome):
    again, _ = made(Eligibility(BASELINE, LIKENESS), corpus)
    assert [one.model_dump_json() for one in again] == [one.model_dump_json() for one in outcome[0]]
    parts = [made(Eligibility(BASELINE, LIKENESS), corpus, Shard(n, 3))[0] for n in range(3)]
    assert sorted(one.example_id for part in parts for one in part) == sorted(
        one.example_id for one in outcome[0]
    )


def partly(tmp_path, final):
    """A review of one criterion, and an engine that finds the quote and will not say YES."""
    one = record(60, "Velmarin eases zorbitis in winter", "The rats of it are another tale.", final, final)
    other = record(61, "Velmarin eases zorbitis in autumn", "The rats of it are another tale.", 1, 1)
    write_review(tmp_path, "short", [one, other], title="Zorb", criteria_text="Velmarin eases zorbitis")
    engine = Says(lambda criterion, asked: ("PARTIAL", asked.title, "A part of it."))
    instructions, _ = made(Eligibility(engine, LIKENESS), corpus_of(tmp_path))
    return {one.asked["record_id"]: one for one in instructions}


def test_partial_becomes_yes_where_the_quote_says_it_and_the_outcome_that_it_is_met(tmp_path):
    found = partly(tmp_path, 1)["pmid:80000060"]
    assert [(v["label"], v["quote"]) for v in found.answer["verdicts"]] == [
        ("YES", "Velmarin eases zorbitis in winter")
    ]
    assert found.answer["verdicts"][0]["rationale"] == "The title says what is asked for."
    assert "PARTIAL became YES in 1" in " ".join(found.about.evidence)


def test_it_does_not_for_a_record_that_was_excluded(tmp_path):
    assert set(partly(tmp_path, 0)) == {"pmid:80000061"}


def test_nobody_there_stops_it(corpus):
    class Gone(Says):
        async def answer(self, request):
            raise EngineUnavailable("nobody there")

    with pytest.raises(EngineUnavailable):
        made(Eligibility(Gone(None), LIKENESS), corpus)


# Criteria ----------------------------------------------------------------------------------------

LIST = tuple(
    Criterion(id=name, kind=kind, text=text)
    for name, kind, text in (
        ("P", "include", "People with zorbitis"),
        ("I", "include", "Velmarin for zorbitis"),
        ("X", "exclude", "Zorbitis in animals"),
    )
)


def test_ids_vary_and_are_always_the_same_for_the_same_record():
    ways = [renamed(LIST, "review", n) for n in range(300)]
    assert ways == [renamed(LIST, "review", n) for n in range(300)]
    assert all(len({c.id for c in way}) == 3 for way in ways)
    assert all(sorted(c.text for c in way) == sorted(c.text for c in LIST) for way in ways)
    ids = Counter(c.id for way in ways for c in way)
    assert {"P", "C1", "1", "I1", "E1", "people-zorbitis" if "people-zorbitis" in ids else "zorbitis"} <= set(
        ids
    )
    assert len(ids) > 60
    assert max(ids.values()) < 150
    assert 50 < sum([c.text for c in way] != [c.text for c in LIST] for way in ways) < 150


def test_a_review_without_criteria_is_asked_by_its_title():
    review = Review(review_id="x:1", source="x", licence="none", title="Velmarin_in zorbitis")
    assert title_only(review)
    assert [c.text for c in asked_criteria(review)] == ["Velmarin in zorbitis"]
    assert not title_only(review.model_copy(update={"criteria": LIST}))
    assert asked_criteria(review.model_copy(update={"title": " "})) == ()


def test_a_record_is_known_by_all_its_names():
    known = Record(record_id="a", title="T", pmid="1", pmcid="PMC2", registry_ids=("NCT00000003", "ISRCTN1"))
    assert studies_of_record(known) == ("pmid:1", "pmcid:PMC2", "nct:NCT00000003")
    first, second = (Record(record_id=n, title=t) for n, t in (("a", "A  Title"), ("b", "a title")))
    assert studies_of_record(first) == studies_of_record(second)
    assert studies_of_record(first)[0].startswith("doc:")


# Verdicts ----------------------------------------------------------------------------------------


def test_a_quote_is_taken_in_the_texts_own_wording():
    asked = question_about(Record(record_id="a", title="Zorbitis – a trial", abstract="x"), LIST)
    given = [
        Judgement(criterion_id="P", label="YES", quote="zorbitis - a trial", rationale="said"),
        Judgement(criterion_id="I", label="PARTIAL", quote="", rationale="said"),
        Judgement(criterion_id="X", label="UNCERTAIN", quote="left over", rationale="said"),
    ]
    kept, refused = checked_opinions(asked, ScreenAnswer(verdicts=tuple(given)))
    assert [(one.criterion.id, one.judgement.quote) for one in kept] == [
        ("P", "Zorbitis – a trial"),
        ("X", ""),
    ]
    assert refused == [(LIST[1], "verdict without a quote")]


@pytest.mark.parametrize(
    ("said", "quote", "wanted"),
    [
        (f"{RATIONALE}'hay; zorbitis; snow' in the title.", "On zorbitis", "The title speaks of zorbitis."),
        (
            f"{RATIONALE}'hay; zorbitis' in the text; not found: snow.",
            "On zorbitis",
            "The text speaks of zorbitis, not of all that is asked.",
        ),
        (f'{RATIONALE}trial: "randomised" in the title.', "randomised", 'Trial: "randomised" in the title.'),
        (f"{RATIONALE}too few of its words occur.", "", "The text does not tell."),
        ("Said by a model.", "x", "Said by a model."),
    ],
)
def test_a_rationale_does_not_speak_of_the_engine(said, quote, wanted):
    criterion = Criterion(
        id="a", kind="include", text="Population: hay; zorbitis; snow", terms=("hay", "zorbitis", "snow")
    )
    assert worded(said, criterion, quote) == wanted


def opinion(criterion, label, quote=""):
    return Opinion(
        criterion, Judgement(criterion_id=criterion.id, label=label, quote=quote, rationale="said")
    )


TOOK_PART = "40 patients with zorbitis took part."
DRAWN = "40 patients were randomised."


@pytest.mark.parametrize(
    ("criterion", "label", "quote", "objection"),
    [
        (("include", "People with zorbitis", "population"), "YES", TOOK_PART, ""),
        (
            ("include", "People with zorbitis", "population"),
            "YES",
            "Velmarin is effective in zorbitis.",
            "the quote may speak of others' patients",
        ),
        (
            ("include", "Velmarin", "intervention"),
            "YES",
            "Velmarin may rest in soil.",
            "the quote may speak of others' treatment",
        ),
        (("include", "Snow; hail", "population"), "YES", TOOK_PART, "quote and criterion are not alike"),
        (
            ("exclude", "Costs of noses", None),
            "PARTIAL",
            "Costs were counted.",
            "an exclusion that is only mentioned",
        ),
        (("include", "Randomised trials", "design"), "YES", DRAWN, ""),
        (("include", "Cohort studies", "design"), "YES", DRAWN, "no sure sign of the kind of study"),
        (("include", "Published in English", None), "UNCERTAIN", "", ""),
        (("include", "Brittle toes", "outcome"), "UNCERTAIN", "", ""),
        (("include", "Brittle toes", "population"), "UNCERTAIN", "", "silent on what a study is about"),
        (
            ("include", "Zorbitis score", "outcome"),
            "UNCERTAIN",
            "",
            "silent, and words of the criterion stand in the text",
        ),
        (("exclude", "Not in zorbitis", None), "UNCERTAIN", "", "silent on a denial or on prose"),
        (("exclude", "Population: others", None), "UNCERTAIN", "", "silent on whatever is other"),
        (("include", "Population: brittle toes", None), "UNCERTAIN", "", "silent on what a study is about"),
    ],
)
def test_the_second_reading_objects_to_coarse_mistakes(criterion, label, quote, objection):
    abstract = (
        "Velmarin is effective in zorbitis. Velmarin may rest in soil. Costs were counted. "
        "40 patients with zorbitis took part. 40 patients were randomised. Their zorbitis score fell."
    )
    asked = question_about(Record(record_id="a", title="A study of noses", abstract=abstract), LIST)
    kind, text, element = criterion
    one = Criterion(id="one", kind=kind, text=text, element=element)
    met = opinion(LIST[0], "YES", "40 patients with zorbitis took part.")
    assert SecondReading(LIKENESS).objection(opinion(one, label, quote), asked, (met,)) == objection


def test_animals_rule_nothing_out_where_people_were_studied():
    """`Conjugated equine oestrogens` are given to women."""
    one = Criterion(id="one", kind="include", text="Women with zorbitis", element="population")
    for people, objection in ((" 30 women took part.", "animals, and people are studied as well"), ("", "")):
        record = Record(
            record_id="a", title="Equine velmarin in rats", abstract=f"Velmarin was given.{people}"
        )
        ruled_out = opinion(one, "NO", "Equine velmarin in rats")
        found = SecondReading(LIKENESS).objection(ruled_out, question_about(record, (one,)), ())
        assert found == objection


def test_nothing_is_silent_about_a_text_that_is_about_something_else():
    asked = question_about(Record(record_id="a", title="Antennas", abstract="An antenna was bent."), LIST)
    one = Criterion(id="one", kind="include", text="Brittle toes", element="outcome")
    found = SecondReading(LIKENESS).objection(opinion(one, "UNCERTAIN"), asked, ())
    assert found == "silent on a text about something else"


def test_what_an_abstract_never_tells_is_administrative():
    texts = {
        "Published in English": True,
        "Peer-reviewed": True,
        "The study did not use language models": False,
    }
    assert {text: administrative(Criterion(id="a", kind="include", text=text)) for text in texts} == texts


# Contrast ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("element", "text", "title", "abstract", "label"),
    [
        ("population", "Patients with zorbitis", "Ossafix for crumblebone", "Bones were counted.", "NO"),
        ("population", "Patients with zorbitis", "Snivelosis in snow", "Noses were counted.", "UNCERTAIN"),
        (
            "population",
            "Patients with zorbitis",
            "Ossafix for crumblebone",
            "Some had zorb disease.",
            "UNCERTAIN",
        ),
        ("population", "Patients with zorbitis", "Noses in snow", "They were cold.", "UNCERTAIN"),
        ("intervention", "Velmarin", "Ossafix for crumblebone", "Bones were counted.", "NO"),
        ("intervention", "Velmarin", "Plumbalt in the soil", "Soil was dug.", "UNCERTAIN"),
        ("intervention", "No velmarin", "Ossafix for crumblebone", "Bones were counted.", "UNCERTAIN"),
        ("outcome", "Zorbitis", "Ossafix for crumblebone", "Bones were counted.", "UNCERTAIN"),
    ],
)
def test_another_subject_in_the_title_is_a_no(tmp_path, element, text, title, abstract, label):
    criterion = Criterion(id="one", kind="include", text=text, element=element)
    asked = question_about(Record(record_id="a", title=title, abstract=abstract), (criterion,))
    with vocabulary_of(tmp_path) as vocabulary:
        found = Contrast(vocabulary, LIKENESS).opinion(opinion(criterion, "UNCERTAIN"), asked)
    assert found.judgement.label == label
    assert found.judgement.quote == (title if label == "NO" else "")
