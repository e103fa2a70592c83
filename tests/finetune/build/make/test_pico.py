"""The elements of questions are taught in the question's own words, as none, or not at all."""

from pathlib import Path
from typing import Any

import pytest

from finetune.build.kinds import Review, Shard, Trial
from finetune.build.make.pico import PicoMaker, of_review, of_trial
from finetune.instructions import Instruction, Refusal, row_of
from tests.finetune.build.make import marsh_world as world
from tools.records.citation import folded


def trial(**sections: Any) -> Trial:
    return Trial(
        nct_id="NCT90000001",
        source="register",
        licence="invented",
        title="",
        year=2021,
        has_results=False,
        document=world.entry("NCT90000001", **sections),
    )


def review(**fields: Any) -> Review:
    told: dict[str, Any] = {
        "review_id": "marsh:1",
        "source": "marsh",
        "licence": "invented",
        "title": "Blockers in glimmer fever",
        "question": "Does veluprine help adults with glimmer fever?",
        "elements": {"population": ("Glimmer Fever",), "intervention": ("veluprine",)},
        "year": 2020,
    }
    return Review.model_validate(told | fields)


def elements(made: Instruction | Refusal) -> dict[str, list[str]]:
    assert isinstance(made, Instruction), made
    assert [e["name"] for e in made.answer["elements"]] == made.asked["elements"]
    row_of(made, "ours")
    return {e["name"]: e["phrases"] for e in made.answer["elements"]}


def summary(text: str) -> dict[str, Any]:
    return {"descriptionModule": {"briefSummary": text}}


def arms(*given: tuple[str, str]) -> dict[str, Any]:
    """Arms of a type, each with one drug."""
    return {
        "armsInterventionsModule": {
            "armGroups": [{"label": f"Arm {n}", "type": kind} for n, (kind, _) in enumerate(given)],
            "interventions": [
                {"name": name, "armGroupLabels": [f"Arm {n}"]} for n, (_, name) in enumerate(given)
            ],
        }
    }


def test_a_registry_entry_gives_all_four_elements_as_its_question_words_them() -> None:
    made = of_trial(trial())
    assert elements(made) == {
        "population": ["Glimmer Fever"],
        "intervention": ["Veluprine"],
        "comparator": ["Placebo"],
        "outcome": ["days of fever"],
    }
    assert isinstance(made, Instruction)
    assert made.about.studies == ("nct:NCT90000001",)
    assert made.about.reviews == ()
    assert made.asked["title"] == "Veluprine Versus Placebo in Adults With Glimmer Fever"


def test_every_phrase_stands_in_the_question_letter_by_letter() -> None:
    for made in (of_trial(trial()), of_review(review())):
        assert isinstance(made, Instruction)
        text = f"{made.asked['title']}\n{made.asked['question']}"
        phrases = [phrase for one in made.answer["elements"] for phrase in one["phrases"]]
        assert phrases
        assert all(phrase in text for phrase in phrases)


def test_an_element_that_no_word_hints_at_is_taught_as_empty() -> None:
    alone = trial(
        identificationModule={"nctId": "NCT90000001", "briefTitle": "Veluprine in glimmer fever"},
        **summary("Forty adults take veluprine during glimmer fever."),
        **arms(("EXPERIMENTAL", "Veluprine")),
    )
    made = of_trial(alone)
    assert elements(made)["comparator"] == []
    assert isinstance(made, Instruction)
    assert "no word of comparator in the question" in " ".join(made.about.evidence)


def test_an_element_that_may_be_named_in_other_words_is_not_asked_for() -> None:
    """The entry's placebo is the question's "control"; its condition stands there by one of two words."""
    made = of_trial(
        trial(
            identificationModule={"nctId": "NCT90000001", "briefTitle": "Veluprine and shivers of fever"},
            **summary("Veluprine against control; whether the shivers improve."),
        )
    )
    assert elements(made) == {"intervention": ["Veluprine"]}
    assert isinstance(made, Instruction)
    assert made.about.evidence[-1] == (
        "not asked for population, comparator, outcome: perhaps in other words"
    )


def test_half_an_answer_is_none() -> None:
    both = arms(("EXPERIMENTAL", "Veluprine"), ("EXPERIMENTAL", "Oxamarin"))
    assert "intervention" not in elements(of_trial(trial(**both)))


def test_a_placebo_is_a_comparator_whoever_gets_it() -> None:
    made = elements(of_trial(trial(**arms(("EXPERIMENTAL", "Veluprine"), ("EXPERIMENTAL", "Placebo")))))
    assert (made["intervention"], made["comparator"]) == (["Veluprine"], ["Placebo"])


def test_of_active_arms_against_each_other_none_is_the_comparator() -> None:
    against = trial(
        **summary("Veluprine or tomafril in glimmer fever, by days of fever."),
        **arms(("ACTIVE_COMPARATOR", "Veluprine"), ("ACTIVE_COMPARATOR", "Tomafril")),
    )
    made = elements(of_trial(against))
    assert made["intervention"] == ["Veluprine", "tomafril"]
    assert "comparator" not in made


def test_what_is_part_of_another_phrase_is_not_told_twice() -> None:
    made = elements(of_trial(trial(conditionsModule={"conditions": ["Fever", "Glimmer Fever"]})))
    assert made["population"] == ["Glimmer Fever"]


def test_a_short_name_must_stand_in_capitals() -> None:
    named = {"conditionsModule": {"conditions": ["GF"]}}
    titled = {"identificationModule": {"nctId": "NCT90000001", "briefTitle": "Veluprine in GF"}}
    assert elements(of_trial(trial(**named, **titled)))["population"] == ["GF"]
    titled = {"identificationModule": {"nctId": "NCT90000001", "briefTitle": "Veluprine in gf"}}
    assert "population" not in elements(of_trial(trial(**named, **titled)))


@pytest.mark.parametrize(
    ("sections", "why"),
    [
        ({"designModule": {"studyType": "OBSERVATIONAL"}}, "not interventional"),
        ({"designModule": {}}, "not interventional"),
        ({"descriptionModule": {}}, "no summary"),
        (
            {
                "identificationModule": {"nctId": "NCT90000001", "briefTitle": "A study"},
                "descriptionModule": {"briefSummary": "Nothing of the kind."},
            },
            "no phrase in the question",
        ),
    ],
)
def test_entries_of_which_nothing_can_be_taught_are_refused(sections: dict[str, Any], why: str) -> None:
    made = of_trial(trial(**sections))
    assert isinstance(made, Refusal)
    assert (made.why, made.what) == (why, "NCT90000001")


def test_a_review_is_asked_for_the_elements_that_its_question_words_as_it_does() -> None:
    assert elements(of_review(review())) == {"population": ["glimmer fever"], "intervention": ["veluprine"]}
    other = review(elements={"population": ("glimmer fever",), "intervention": ("sleeping pills",)})
    assert elements(of_review(other)) == {"population": ["glimmer fever"]}
    half = review(elements={"population": ("glimmer fever", "late fever"), "intervention": ("veluprine",)})
    assert elements(of_review(half))["intervention"] == ["veluprine"]
    touched = review(elements={"population": ("glimmer fever",), "intervention": ("veluprine", "help line")})
    assert elements(of_review(touched)) == {"population": ["glimmer fever"]}


def test_a_review_without_elements_or_with_other_words_is_refused() -> None:
    made = [of_review(review(elements={})), of_review(review(elements={"population": ("marsh people",)}))]
    assert [one.why for one in made if isinstance(one, Refusal)] == [
        "no elements known",
        "no phrase in the question",
    ]


def test_a_corpus_gives_its_reviews_and_its_trials(tmp_path: Path) -> None:
    made = list(PicoMaker()(world.corpus_at(tmp_path), Shard()))
    hows = [one.about.how for one in made if isinstance(one, Instruction)]
    assert hows == ["pico-review", "pico-registry", "pico-registry"]
    assert [one.why for one in made if isinstance(one, Refusal)] == ["not interventional"] * 10


def test_phrases_of_real_entries_stand_in_their_questions(shared_data: Path) -> None:
    import gzip
    import json

    made = 0
    for path in sorted((shared_data / "ctgov" / "studies").rglob("*.json*")):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        document = json.loads(data)
        if "protocolSection" not in document:
            continue
        one = Trial(nct_id="x", source="s", licence="l", title="", has_results=False, document=document)
        if isinstance(found := of_trial(one), Instruction):
            made += 1
            text = folded(f"{found.asked['title']} {found.asked['question']}")
            assert all(folded(p) in text for e in found.answer["elements"] for p in e["phrases"])
    assert made
