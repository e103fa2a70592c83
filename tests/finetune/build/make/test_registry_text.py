"""Instructions from registry entries alone: quotes, layouts, and what is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from finetune.build.kinds import Shard, Trial
from finetune.build.make.abstain import Abstaining
from finetune.build.make.papers import CUT_AWAY, Reading
from finetune.build.make.registered import ALIKE, NO_ARMS, NO_RESULTS, NO_VALUE, SENTINEL
from finetune.build.make.registry_layouts import LAYOUTS
from finetune.build.make.registry_text import NOT_TAKEN, RegistryText
from finetune.instructions import Instruction, Refusal, row_of
from tests.finetune.build.make.registry_world import ENGINE, corpus_of, other_trial, trial
from tools.fulltext.quotes import holds_number
from tools.schemas import sha256_of

WHOLE = RegistryText(Reading(characters=None))


def entry(document: dict[str, Any], number: str = "NCT09000001") -> Trial:
    return Trial(
        nct_id=number, source="invented", licence="CC0", title="Zavidol", year=2021, has_results=True, document=document
    )  # fmt: skip


def made(
    document: dict[str, Any], maker: RegistryText = WHOLE, number: str = "NCT09000001"
) -> tuple[list[Instruction], list[Refusal]]:
    told = list(maker.of(entry(document, number)))
    return [x for x in told if isinstance(x, Instruction)], [x for x in told if isinstance(x, Refusal)]


def quoted(one: Instruction) -> list[dict[str, Any]]:
    return next(list(one.answer[name]) for name in ("arms", "values", "cells") if name in one.answer)


def shown(one: Instruction) -> str:
    return "\n".join(p["text"] for p in one.asked["passages"])


def renumbered(number: int) -> dict[str, Any]:
    document = trial()
    document["protocolSection"]["identificationModule"]["nctId"] = f"NCT{number:08d}"
    return document


MANY = [one for n in range(9_000_100, 9_000_130) for one in made(renumbered(n), number=f"NCT{n:08d}")[0]]
"""The same entry under thirty numbers: what is drawn follows from the number."""


def test_every_task_and_every_layout_comes_up() -> None:
    how = {one.about.how for one in MANY}
    for task in ("participants", "results"):
        assert {f"registry-text-{task}-{layout}" for layout in LAYOUTS} <= how
    assert {
        "registry-text-arms-entry",
        "registry-text-arms-prose",
        "registry-text-characteristics-entry",
    } <= how


def test_quotes_stand_in_the_text_and_hold_their_numbers() -> None:
    assert len(MANY) > 300
    for one in MANY:
        for item in quoted(one):
            assert item["quote"] in shown(one), one.about
            if one.task in ("participants", "results"):
                numbers = [item.get(name) for name in ("value", "spread", "lower", "upper")]
                assert all(holds_number(item["quote"], number) for number in numbers if number is not None)


def test_answers_are_what_is_posted_whatever_the_layout() -> None:
    ages = [
        one for one in MANY if one.task == "participants" and one.asked["measure"]["title"].startswith("Age")
    ]
    told = {tuple((v["value"], v["spread"], v["note"]) for v in one.answer["values"]) for one in ages}
    assert told == {(("50.1", "9.0", "SD"), ("51.2", "8.5", "SD"))}
    assert len({one.about.how for one in ages}) == 4
    scores = [one for one in MANY if one.task == "results" and "Severity" in one.asked["outcome"]["title"]]
    by_group = {(one.asked["group"]["title"], one.answer["values"][0]["value"]) for one in scores}
    assert by_group == {("Placebo (FAS)", "-1.0"), ("ZVD 20 mg (FAS)", "-3.0")}
    assert {(s.answer["param_type"], s.answer["dispersion_type"]) for s in scores} == {
        ("LEAST_SQUARES_MEAN", "Standard Error")
    }
    assert {(s.answer["denominator"], s.answer["denominator_unit"]) for s in scores} == {
        (40, "Participants"), (50, "Participants"),
    }  # fmt: skip
    assert {one.asked["others"][0]["title"] for one in scores} == {"Placebo (FAS)", "ZVD 20 mg (FAS)"}


def test_limits_that_are_no_numbers_are_left_out_and_values_that_are_none_refused() -> None:
    relapse = [
        one for one in MANY if one.task == "results" and one.asked["outcome"]["title"] == "Time to Relapse"
    ]
    assert {one.asked["group"]["title"] for one in relapse} == {"Placebo (FAS)"}
    (value,) = {tuple(one.answer["values"][0][n] for n in ("value", "lower", "upper")) for one in relapse}
    assert value == ("7.5", "5.0", "9.9")
    _, refusals = made(trial())
    assert [(one.task, one.why) for one in refusals] == [("results", SENTINEL)]


def test_how_many_were_assigned_is_asked_as_the_product_asks() -> None:
    asked = [
        one for one in MANY if one.task == "participants" and "assigned" in one.asked["measure"]["title"]
    ]
    assert asked
    assert {tuple(v["value"] for v in one.answer["values"]) for one in asked} == {("41", "51")}


def test_texts_differ_in_what_they_hold() -> None:
    fields = [one for one in MANY if one.task == "characteristics"]
    sections = {frozenset(p["section"] for p in one.asked["passages"]) for one in fields}
    assert len(sections) > 5
    assert len({frozenset(f["id"] for f in one.asked["fields"]) for one in fields}) > 15
    assert len({f["question"] for one in fields for f in one.asked["fields"] if f["kind"] == "number"}) > 1


def test_deaths_and_serious_events_are_asked_for_unless_an_outcome_counts_them_too() -> None:
    told = {
        (one.asked["outcome"]["title"], one.asked["group"]["title"], one.answer["values"][0]["value"],
         one.answer["denominator"])
        for one in MANY
        if one.task == "results" and one.asked["outcome"]["title"].startswith(("Deaths", "Participants with serious"))
    }  # fmt: skip
    assert told == {
        ("Deaths from any cause", "Placebo", "0", 41),
        ("Deaths from any cause", "Zavidol 20 mg", "1", 51),
        ("Participants with serious adverse events", "Placebo", "2", 41),
        ("Participants with serious adverse events", "Zavidol 20 mg", "3", 51),
    }
    document = trial()
    _outcomes(document)[1]["title"] = "Overall Mortality"
    document["resultsSection"]["adverseEventsModule"]["eventGroups"][0]["seriousNumAtRisk"] = 0
    instructions, _ = made(document)
    titles = {one.asked["outcome"]["title"] for one in instructions if one.task == "results"}
    assert titles == {"Change in Cough Severity Score", "Overall Mortality", "Time to Relapse"}


def test_fields_are_told_as_papers_tell_them_and_answered_as_they_are_told() -> None:
    told = {
        (field["question"], cell["value"], cell["quote"])
        for one in MANY
        if one.about.how == "registry-text-characteristics-prose"
        for field, cell in zip(one.asked["fields"], one.answer["cells"], strict=True)
    }
    values = {value for _, value, _ in told}
    assert {"92", "randomised", "double blind", "18 years", "March 2019", "June 2020", "2/3"} <= values
    assert not values & {"18 Years", "2019-03", "2020-06", "RANDOMIZED"}
    literal = {"92", "18 years", "March 2019", "June 2020", "2/3"}
    assert all(value in quote for _, value, quote in told if value in literal)


def test_offsets_are_those_of_one_text() -> None:
    for one in MANY:
        ends = 0
        for passage in one.asked["passages"]:
            assert passage["start"] >= ends
            ends = passage["start"] + len(passage["text"])


def test_both_packs_can_say_every_instruction() -> None:
    for one in MANY[::7]:
        assert row_of(one, "ours").reply
        assert row_of(one, "leads").reply


@pytest.mark.parametrize(("change", "expected"), [
    (lambda d: d.pop("resultsSection"), {("participants", NO_RESULTS), ("results", NO_RESULTS)}),
    (lambda d: d["protocolSection"]["armsInterventionsModule"]["armGroups"][0].pop("type"), {("arms", NO_ARMS)}),
    (lambda d: _outcome(d)["groups"][1].update(title="Placebo (FAS)"), {("results", ALIKE)}),
    (lambda d: _outcome(d)["classes"][0]["categories"][0]["measurements"].pop(), {("results", NO_VALUE)}),
    (lambda d: _outcomes(d).append({**_outcome(d)}), {("results", ALIKE)}),
])  # fmt: skip
def test_what_cannot_be_asked_is_refused_with_its_reason(change: Any, expected: set[tuple[str, str]]) -> None:
    document = trial()
    change(document)
    _, refusals = made(document)
    assert expected <= {(one.task, one.why) for one in refusals}


def _outcomes(document: dict[str, Any]) -> list[dict[str, Any]]:
    return document["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"]  # type: ignore[no-any-return]


def _outcome(document: dict[str, Any]) -> dict[str, Any]:
    return _outcomes(document)[0]


def test_no_entry_outweighs_the_others() -> None:
    instructions, refusals = made(trial(), RegistryText(Reading(characters=None), most=2))
    assert max(Counter(one.task for one in instructions).values()) == 2
    assert sum(one.why == NOT_TAKEN for one in refusals) == 4 + 8


def test_a_budget_is_kept() -> None:
    instructions, refusals = made(trial(), RegistryText(Reading(characters=500)))
    assert all(sum(len(p["text"]) + 1 for p in one.asked["passages"]) <= 500 for one in instructions)
    assert instructions
    assert CUT_AWAY in {one.why for one in refusals}


def test_a_corpus_is_made_the_same_twice_and_in_parts(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, trial(), other_trial())
    maker = RegistryText(Reading(characters=None), abstaining=Abstaining(ENGINE, 0.6))
    first, second = (
        [one for one in maker(corpus, Shard()) if isinstance(one, Instruction)] for _ in range(2)
    )
    assert sha256_of([one.model_dump(mode="json") for one in first]) == sha256_of(
        [one.model_dump(mode="json") for one in second]
    )
    ends = Counter(one.about.how.rpartition("-")[2] for one in first)
    assert ends["abstained"] > 3
    assert ends["elsewhere"] > 0
    assert all(
        "pmid:90000001" in one.about.studies for one in first if "nct:NCT09000001" in one.about.studies
    )
    exchanged = [one for one in first if one.about.how.endswith("elsewhere")]
    assert {one.answer["status"] for one in exchanged} == {"not_reported"}
    assert all({"nct:NCT09000001", "nct:NCT09000002"} <= set(one.about.studies) for one in exchanged)
    bare = RegistryText(Reading(characters=None))
    whole = {one.example_id for one in bare(corpus, Shard()) if isinstance(one, Instruction)}
    parts = [
        one.example_id for n in range(4) for one in bare(corpus, Shard(n, 4)) if isinstance(one, Instruction)
    ]
    assert sorted(parts) == sorted(whole)
