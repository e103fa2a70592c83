"""Instructions from a registry entry and its paper: what is found in the paper, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from finetune.build.corpus import Corpus
from finetune.build.kinds import Shard
from finetune.build.make.abstain import Abstaining
from finetune.build.make.papers import CUT_AWAY, NO_TEXT, Reading
from finetune.build.make.registered import LINK_REFUSED, NO_RESULTS, NOT_IN_TEXT, SENTINEL
from finetune.build.make.registry_arms import NOT_EVERY_ARM, RegistryArms
from finetune.build.make.registry_fields import RegistryFields
from finetune.build.make.registry_participants import RegistryParticipants
from finetune.build.make.registry_results import RegistryResults
from finetune.instructions import Instruction, Refusal, row_of
from tests.finetune.build.make.registry_world import ENGINE, PAPER, corpus_of, other_trial, trial

WHOLE = Reading(characters=None)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return corpus_of(tmp_path_factory.mktemp("linked"), trial())


def made(maker: Any, corpus: Corpus) -> tuple[list[Instruction], list[Refusal]]:
    told = list(maker(corpus, Shard()))
    return [x for x in told if isinstance(x, Instruction)], [x for x in told if isinstance(x, Refusal)]


def of(instructions: list[Instruction], what: str) -> Instruction:
    found = [one for one in instructions if what in one.about.evidence[0]]
    assert len(found) == 1, [one.about.evidence for one in instructions]
    return found[0]


def test_a_baseline_measure_is_found_in_its_row_and_columns(corpus: Corpus) -> None:
    instructions, _ = made(RegistryParticipants(WHOLE), corpus)
    age = of(instructions, "Age")
    first, second = age.answer["values"]
    assert (first["group_id"], first["value"], first["spread"]) == ("BG000", "50.1", "9.0")
    assert (second["value"], second["spread"]) == ("51.2", "8.50"), "as the paper prints it"
    assert first["quote"] == "Age in years, mean (SD) | 50.1 (9.0) | 51.2 (8.50)"
    assert first["note"] == "SD"
    assert [group["id"] for group in age.asked["groups"]] == ["BG000", "BG001"], "the total is no group"
    assert age.about.studies == ("pmid:90000001", "pmcid:PMC90000001", "nct:NCT09000001")


def test_how_many_were_assigned_is_told_in_a_sentence(corpus: Corpus) -> None:
    instructions, _ = made(RegistryParticipants(WHOLE), corpus)
    assigned = of(instructions, "assigned")
    assert [value["value"] for value in assigned.answer["values"]] == ["41", "51"]
    assert assigned.answer["values"][0]["quote"].endswith("41 to placebo and 51 to zavidol.")


def test_female_is_women_in_a_paper_and_equal_numbers_go_by_their_columns(corpus: Corpus) -> None:
    instructions, refusals = made(RegistryParticipants(WHOLE), corpus)
    women = of(instructions, "Female, Male Female")
    assert [value["value"] for value in women.answer["values"]] == ["20", "24"]
    smokers = of(instructions, "Smokers")
    assert [value["value"] for value in smokers.answer["values"]] == ["9", "9"]
    assert any("Male" in one.what and one.why == NOT_IN_TEXT for one in refusals), "the paper counts no men"


def test_what_the_paper_does_not_tell_is_an_example_only_when_that_is_sure(corpus: Corpus) -> None:
    instructions, refusals = made(RegistryParticipants(WHOLE), corpus)
    assert any("Eye Colour" in one.what for one in refusals)
    instructions, refusals = made(RegistryParticipants(WHOLE, abstaining=Abstaining(ENGINE, 0.0)), corpus)
    eyes = of(instructions, "Eye Colour")
    assert {value["status"] for value in eyes.answer["values"]} == {"not_reported"}
    assert any("Female, Male Male" in one.what for one in refusals), "women are told: it is not sure"


def test_results_come_group_by_group_with_what_stands_beside_them(corpus: Corpus) -> None:
    instructions, refusals = made(RegistryResults(WHOLE), corpus)
    assert len(instructions) == 4
    drug = of(instructions, "outcome 1, ZVD 20 mg")
    value = drug.answer["values"][0]
    assert (value["value"], value["spread"]) == ("-3.0", "0.20")
    assert drug.answer["dispersion_type"] == "Standard Error"
    assert drug.answer["param_type"] == "LEAST_SQUARES_MEAN"
    assert drug.answer["denominator"] == 50
    assert drug.answer["unit"] == "units on a scale"
    assert drug.answer["time_frame"] == "Week 12"
    assert [other["title"] for other in drug.asked["others"]] == ["Placebo (FAS)"]
    free = of(instructions, "outcome 2, Placebo")
    assert free.answer["values"][0]["value"] == "8"
    assert [(one.why, one.what) for one in refusals] == [(SENTINEL, "NCT09000001 pmid:90000001 outcome 3")]


def test_an_outcome_that_the_paper_keeps_silent_about_is_not_reported(tmp_path: Path) -> None:
    entry = trial()
    elbow = other_trial()["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"]
    entry["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"] += elbow
    world = corpus_of(tmp_path, entry)
    _, refusals = made(RegistryResults(WHOLE), world)
    assert NOT_IN_TEXT in {one.why for one in refusals}
    instructions, refusals = made(RegistryResults(WHOLE, abstaining=Abstaining(ENGINE, 0.0)), world)
    silent = [one for one in instructions if one.about.how == "registry-results-untold"]
    assert [one.asked["outcome"]["title"] for one in silent] == ["Elbow Swelling Index"] * 2
    assert {one.answer["status"] for one in silent} == {"not_reported"}
    assert NOT_IN_TEXT not in {one.why for one in refusals}


def test_arms_need_a_quote_for_each(corpus: Corpus, tmp_path: Path) -> None:
    instructions, _ = made(RegistryArms(WHOLE), corpus)
    (one,) = instructions
    drug, control = one.answer["arms"]
    assert (drug["label"], drug["type"]) == ("zavidol 20 mg", "EXPERIMENTAL"), "as the paper spells it"
    assert "assigned to zavidol 20 mg" in drug["quote"]
    assert drug["interventions"] == ["Drug: Zavidol"]
    assert "placebo tablets" in control["quote"]
    silent = PAPER.replace("placebo", "nothing").replace("Placebo", "Nothing")
    _, refusals = made(RegistryArms(WHOLE), corpus_of(tmp_path, trial(), paper=silent))
    assert [one.why for one in refusals] == [NOT_EVERY_ARM]


def test_fields_are_those_that_paper_and_registry_tell_alike(corpus: Corpus) -> None:
    instructions, refusals = made(RegistryFields(WHOLE), corpus)
    (one,) = instructions
    questions = {field["id"]: field["question"] for field in one.asked["fields"]}
    told = {cell["field_id"]: cell["value"] for cell in one.answer["cells"]}
    assert len(told) == len(questions) >= 5
    allowed = {
        "92",
        "randomised",
        "double blind",
        "18 years",
        "March 2019",
        "June 2020",
        "Norland",
        "NCT09000001",
    }
    assert set(told.values()) <= allowed
    not_there = {one.what.rpartition(" ")[2] for one in refusals}
    assert {"acronym", "phase", "design"} <= not_there, "the paper says nothing of them"
    assert "sponsor" not in not_there, "the entry names none"


@pytest.mark.parametrize("maker", [RegistryParticipants, RegistryResults, RegistryArms, RegistryFields])
def test_every_instruction_can_be_said_and_every_quote_stands_in_the_question(
    maker: Any, corpus: Corpus
) -> None:
    instructions, _ = made(maker(WHOLE), corpus)
    assert instructions
    for one in instructions:
        row = row_of(one, "ours")
        listed = next(one.answer[name] for name in ("arms", "values", "cells") if name in one.answer)
        for item in listed:
            assert item["quote"], one
            assert item["quote"] in "\n".join(p["text"] for p in one.asked["passages"])
        assert row.prompt


@pytest.mark.parametrize("maker", [RegistryParticipants, RegistryResults])
def test_other_numbers_are_not_taken(maker: Any, tmp_path: Path) -> None:
    changed = PAPER
    for printed, other in (
        ("50.1", "50.2"),
        ("-1.0", "-1.01"),
        (">8 (20)", ">18 (45)"),
        (">20 (48.8)", ">21 (51.2)"),
    ):
        assert printed in changed
        changed = changed.replace(printed, other)
    instructions, refusals = made(maker(WHOLE), corpus_of(tmp_path, trial(), paper=changed))
    assert not [
        one for one in instructions if any(w in one.about.evidence[0] for w in ("Age", "Female", "outcome"))
    ]
    assert {one.why for one in refusals} >= {NOT_IN_TEXT}


def test_swapped_columns_are_not_taken(tmp_path: Path) -> None:
    swapped = PAPER.replace("<th>Placebo (n = 40)</th><th>Zavidol 20 mg (n = 50)</th>",
                            "<th>Zavidol 20 mg (n = 50)</th><th>Placebo (n = 40)</th>")  # fmt: skip
    assert swapped != PAPER
    instructions, refusals = made(RegistryResults(WHOLE), corpus_of(tmp_path, trial(), paper=swapped))
    assert not instructions
    assert [one.why for one in refusals] == [NOT_IN_TEXT, NOT_IN_TEXT, SENTINEL]


def test_a_time_that_the_entry_does_not_mean_is_not_taken(tmp_path: Path) -> None:
    later = PAPER.replace("Outcomes at week 12", "Outcomes at week 52")
    instructions, _ = made(RegistryResults(WHOLE), corpus_of(tmp_path, trial(), paper=later))
    assert not instructions


def test_a_budget_that_cuts_the_evidence_away(corpus: Corpus) -> None:
    instructions, refusals = made(RegistryResults(Reading(characters=500)), corpus)
    assert len(instructions) + sum(one.why == CUT_AWAY for one in refusals) == 4
    assert all(sum(len(p["text"]) + 1 for p in one.asked["passages"]) <= 500 for one in instructions)


def test_without_text_without_results_and_without_a_link_that_stands(tmp_path: Path) -> None:
    entry = trial()
    entry["protocolSection"]["referencesModule"]["references"] = [{"pmid": "90000009", "type": "RESULT"}]
    _, refusals = made(RegistryArms(WHOLE), corpus_of(tmp_path / "a", entry))
    assert NO_TEXT in {one.why for one in refusals}
    bare = trial()
    del bare["resultsSection"]
    _, refusals = made(RegistryResults(WHOLE), corpus_of(tmp_path / "b", bare))
    assert [one.why for one in refusals] == [NO_RESULTS]
    strange = trial()
    strange["protocolSection"]["statusModule"]["startDateStruct"] = {"date": "2025-03", "type": "ACTUAL"}
    _, refusals = made(RegistryArms(WHOLE), corpus_of(tmp_path / "c", strange))
    assert [one.why for one in refusals] == [LINK_REFUSED], "the paper is older than the trial"


def test_shards_make_everything_once(corpus: Corpus) -> None:
    whole, _ = made(RegistryResults(WHOLE), corpus)
    parts = [
        x for n in range(3) for x in RegistryResults(WHOLE)(corpus, Shard(n, 3)) if isinstance(x, Instruction)
    ]
    assert sorted(one.example_id for one in parts) == sorted(one.example_id for one in whole)
