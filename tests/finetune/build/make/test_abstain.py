"""Examples without their value: what is taken out, what has to be silent, and which answer is right then."""

from __future__ import annotations

from typing import Any

import pytest

from finetune.build.make.abstain import (
    ENGINE_FINDS,
    IN_TITLE,
    NOTHING_FOUND,
    TOLD,
    TOO_LITTLE,
    Abstaining,
    abstained,
    elsewhere,
    silent_of,
    with_abstained,
)
from finetune.instructions import About, Instruction, Refusal, instruction
from model.engine import Answer, AnswerRejected, EngineUnavailable
from model.tasks.arms import Arm, ArmsAnswer, ArmsInput
from model.tasks.characteristics import CharacteristicsAnswer, CharacteristicsInput, FieldAnswer
from model.tasks.participants import Group, GroupValue, Measure, ParticipantsAnswer, ParticipantsInput
from model.tasks.results import OutcomeMeasure, ResultsAnswer, ResultsInput, ResultValue, TrialGroup
from model.tasks.summary import SummaryAnswer, SummaryCell, SummaryInput
from tests.finetune.build.make.registry_world import ENGINE
from tools.errors import ConfigError
from tools.schemas import FieldSpec, Passage

ABOUT = About(source="invented", licence="CC0", how="test", studies=("pmid:1",))
FILLER = "The staff had been trained for this purpose, and the mornings were quiet. " * 6
TABLE = "Measure | Brauxin (n = 40) | Placebo (n = 41)\nAge, mean (SD) | 50.1 (9.2) | 51.3 (8.8)\nSmokers, n | 9 | 12"


def paper(*passages: tuple[str, str, str], title: str = "A trial in dolitis") -> dict[str, Any]:
    made, start = [], 0
    for section, kind, text in (("", "title", title), *passages):
        made.append(Passage.model_validate({"section": section, "kind": kind, "start": start, "text": text}))
        start += len(text) + 1
    return {"report_id": "1", "title": title, "passages": tuple(made)}


PAPER = paper(
    ("Abstract", "abstract", "Elbow pain was 31.5 (SD 4.2) points with brauxin. " + FILLER),
    ("Results", "paragraph", FILLER + "At the end elbow pain had fallen. Costs were 204 crowns."),
    ("Results > Elbow pain", "title", "Elbow pain"),
    ("Results > Elbow pain", "paragraph", "It is told here in detail."),
    ("Results", "paragraph", "The score of 31.5 was the best ever seen."),
    ("Table 1", "caption", "Table 1. Characteristics"),
    ("Table 1", "table", TABLE),
)


def results(asked: dict[str, Any] = PAPER, outcome: str = "Elbow pain") -> Instruction:
    quote = "Elbow pain was 31.5 (SD 4.2) points with brauxin."
    value = ResultValue(quote=quote, value="31.5", spread="4.2")
    return instruction(
        "results",
        ResultsInput(outcome=OutcomeMeasure(title=outcome), group=TrialGroup(title="Brauxin"), **asked),
        ResultsAnswer(status="found", param_type="MEAN", values=(value,)),
        ABOUT,
    )


def participants(
    title: str = "Age, Continuous", row: str = "Age, mean (SD) | 50.1 (9.2) | 51.3 (8.8)"
) -> Instruction:
    groups = (Group(id="a", title="Brauxin"), Group(id="b", title="Placebo"))
    values = tuple(
        GroupValue(group_id=g, quote=row, status="found", value=v) for g, v in (("a", "50.1"), ("b", "51.3"))
    )
    return instruction(
        "participants",
        ParticipantsInput(measure=Measure(title=title), groups=groups, **PAPER),
        ParticipantsAnswer(values=values),
        ABOUT,
    )


def text_of(one: Instruction) -> str:
    return "\n".join(p["text"] for p in one.asked["passages"])


def test_quotes_numbers_and_names_of_a_result_are_taken_out() -> None:
    one = abstained(results(), ENGINE)
    assert isinstance(one, Instruction), one
    assert one.answer["status"] == "not_reported"
    assert one.answer["values"] == []
    left = text_of(one)
    assert "31.5" not in left
    assert "Elbow pain" not in left
    assert "elbow pain" not in left
    assert "told here in detail" not in left, "the section whose heading names it goes as a whole"
    assert "Costs were 204 crowns." in left
    assert "Smokers, n | 9 | 12" in left
    assert one.about.how == "test-abstained"
    assert ENGINE.name in one.about.evidence[-1]


def test_deaths_tell_of_mortality() -> None:
    told = paper(
        ("Abstract", "abstract", "Mortality was 31.5 (SD 4.2) points with brauxin. " + FILLER),
        ("Results", "paragraph", FILLER + "Seven deaths were seen with brauxin."),
    )
    quote = "Mortality was 31.5 (SD 4.2) points with brauxin."
    value = ResultValue(quote=quote, value="31.5")
    asked = ResultsInput(outcome=OutcomeMeasure(title="Mortality"), group=TrialGroup(title="Brauxin"), **told)
    one = abstained(
        instruction("results", asked, ResultsAnswer(status="found", values=(value,)), ABOUT), ENGINE
    )
    assert isinstance(one, Instruction)
    assert "deaths" not in text_of(one)


def test_pieces_keep_their_place_in_the_report() -> None:
    one = abstained(results(), ENGINE)
    assert isinstance(one, Instruction)
    whole = "\n".join(p.text for p in PAPER["passages"])
    for passage in one.asked["passages"]:
        assert whole[passage["start"] : passage["start"] + len(passage["text"])] == passage["text"]


def test_a_row_is_taken_out_of_a_table_for_all_groups() -> None:
    one = abstained(participants(), ENGINE)
    assert isinstance(one, Instruction), one
    assert [value["status"] for value in one.answer["values"]] == ["not_reported", "not_reported"]
    assert "Measure | Brauxin (n = 40) | Placebo (n = 41)" in text_of(one)
    assert "Smokers, n | 9 | 12" in text_of(one)
    assert "Age, mean" not in text_of(one)


def test_a_table_without_its_head_goes_as_a_whole() -> None:
    head_and_row = "\n".join(TABLE.splitlines()[:2])
    one = abstained(participants(row=head_and_row), ENGINE)
    assert isinstance(one, Instruction)
    assert "Smokers" not in text_of(one)


def test_one_field_of_a_form_is_taken_out_and_the_others_stay() -> None:
    asked = paper(
        ("Methods", "paragraph", "The trial was double-blind. It was done in Norland. " + FILLER),
        ("Methods", "paragraph", "In all, 240 adults were randomised. " + FILLER),
    )
    fields = (
        FieldSpec(id="masking", kind="text", question="How is the study's masking described?"),
        FieldSpec(id="country", kind="text", question="In which country was the study done?"),
    )
    cells = (
        FieldAnswer(
            field_id="masking", quote="The trial was double-blind.", status="found", value="double-blind"
        ),
        FieldAnswer(field_id="country", quote="It was done in Norland.", status="found", value="Norland"),
    )
    one = instruction(
        "characteristics",
        CharacteristicsInput(fields=fields, **asked),
        CharacteristicsAnswer(cells=cells),
        ABOUT,
    )
    made = abstained(one, ENGINE)
    assert isinstance(made, Instruction), made
    told = {cell["field_id"]: cell["status"] for cell in made.answer["cells"]}
    assert sorted(told.values()) == ["found", "not_reported"]
    gone = next(name for name, status in told.items() if status == "not_reported")
    assert ("double-blind" in text_of(made)) == (gone != "masking")
    assert ("Norland" in text_of(made)) == (gone != "country")


def _arms(title: str) -> Instruction:
    asked = paper(
        ("Methods", "paragraph", "One group got brauxin and one placebo. " + FILLER),
        ("Background", "paragraph", FILLER),
        title=title,
    )
    quote = "One group got brauxin and one placebo."
    arms = (
        Arm(quote=quote, label="brauxin", type="EXPERIMENTAL", interventions=("Drug: Brauxin",)),
        Arm(quote=quote, label="placebo", type="PLACEBO_COMPARATOR"),
    )
    return instruction("arms", ArmsInput(**asked), ArmsAnswer(status="found", arms=arms), ABOUT)


def test_arms_are_taken_out_unless_the_title_tells_them() -> None:
    one = abstained(_arms("Elbows at rest"), ENGINE)
    assert isinstance(one, Instruction)
    assert one.answer == {"status": "not_reported", "arms": []}
    assert "brauxin" not in text_of(one)
    told = abstained(_arms("Brauxin for elbows"), ENGINE)
    assert isinstance(told, Refusal)
    assert told.why == IN_TITLE


def test_of_a_short_text_nothing_is_made() -> None:
    short = paper(("Abstract", "abstract", "Elbow pain was 31.5 (SD 4.2) points with brauxin."))
    refused = abstained(results(short), ENGINE)
    assert isinstance(refused, Refusal)
    assert refused.why == TOO_LITTLE
    assert refused.task == "results"


def test_what_holds_no_value_cannot_lose_it() -> None:
    one = abstained(results(), ENGINE)
    assert isinstance(one, Instruction)
    again = abstained(one, ENGINE)
    assert isinstance(again, Refusal)
    assert again.why == NOTHING_FOUND


class Dreamer:
    """An engine that always finds something."""

    name = "dreamer"

    def seen(self, request: Any) -> dict[str, Any]:
        return {}

    async def answer(self, request: Any) -> Any:
        return Answer(ResultsAnswer(status="found", values=(ResultValue(value="1"),)), "")

    def read(self, request: Any, raw: str) -> Any:
        return request.task.answer.model_validate_json(raw)


def test_an_engine_that_still_finds_a_value_stops_it() -> None:
    refused = abstained(results(), Dreamer())
    assert isinstance(refused, Refusal)
    assert refused.why == ENGINE_FINDS


def test_other_tasks_cannot_abstain() -> None:
    asked = SummaryInput(outcome="pain", cells=(SummaryCell(id="c1", label="pain", value="1"),))
    one = instruction("summary", asked, SummaryAnswer(status="nothing_to_say"), ABOUT)
    with pytest.raises(ConfigError, match="Remedy"):
        abstained(one, ENGINE)
    assert list(with_abstained([one], Abstaining(ENGINE, 1.0))) == [one]


def test_the_share_is_kept_and_drawn_alike_every_time() -> None:
    some = [results(paper(("Abstract", "abstract", f"Elbow pain was 31.5 (SD 4.2) points with brauxin. {n} " + FILLER)))
            for n in range(200)]  # fmt: skip
    abstaining = Abstaining(ENGINE, 0.15)
    taken = [one.example_id for one in some if abstaining.takes(one)]
    assert 15 <= len(taken) <= 47  # 30 are expected, with a standard deviation of 5
    assert taken == [one.example_id for one in some if abstaining.takes(one)]
    assert not any(Abstaining(ENGINE, 0.0).takes(one) for one in some)
    assert all(Abstaining(ENGINE, 1.0).takes(one) for one in some)
    made = list(with_abstained(some[:3], Abstaining(ENGINE, 1.0)))
    assert [x.about.how for x in made if isinstance(x, Instruction)] == ["test", "test-abstained"] * 3
    assert list(with_abstained(some, None)) == some
    with pytest.raises(ConfigError, match="0 to 1"):
        Abstaining(ENGINE, 1.5)


def test_another_trials_outcome_is_asked_only_where_nothing_of_it_is_told() -> None:
    other = results(
        paper(("Abstract", "abstract", "Elbow pain was 31.5 (SD 4.2) points with brauxin.")), "Tooth length"
    )
    other = other.model_copy(
        update={"about": ABOUT.model_copy(update={"studies": ("pmid:2",), "reviews": ("r:2",)})}
    )
    one = elsewhere(results(), other, ENGINE)
    assert isinstance(one, Instruction)
    assert one.asked["outcome"]["title"] == "Tooth length"
    assert one.asked["group"]["title"] == "Brauxin"
    assert one.answer["status"] == "not_reported"
    assert one.about.studies == ("pmid:1", "pmid:2")
    assert one.about.reviews == ("r:2",)
    named = results(outcome="Costs in crowns").model_copy(update={"about": other.about})
    refused = elsewhere(results(), named, ENGINE)
    assert isinstance(refused, Refusal)
    assert refused.why == TOLD
    same = elsewhere(results(), results(outcome="Tooth length"), ENGINE)
    assert isinstance(same, Refusal), "of the same study"


def test_silence_is_sure_only_where_nothing_names_the_measure() -> None:
    groups = (Group(id="a", title="Brauxin"),)
    told = ParticipantsInput(measure=Measure(title="Age, Continuous"), groups=groups, **PAPER)
    assert silent_of("participants", told, ENGINE) == TOLD
    untold = ParticipantsInput(measure=Measure(title="Eye Colour", category="Green"), groups=groups, **PAPER)
    assert silent_of("participants", untold, ENGINE) == ""
    with pytest.raises(ConfigError, match="cannot be sure"):
        silent_of("arms", ArmsInput(**PAPER), ENGINE)


class Broken(Dreamer):
    """An engine that answers in another form."""

    name = "broken"

    async def answer(self, request: Any) -> Any:
        raise AnswerRejected("no JSON")


class Away(Dreamer):
    """An engine that is not there."""

    name = "away"

    async def answer(self, request: Any) -> Any:
        raise EngineUnavailable("nobody answers")


def test_an_engine_that_fails_is_a_reason_and_one_that_is_not_there_stops_the_work() -> None:
    refused = abstained(results(), Broken())
    assert isinstance(refused, Refusal)
    assert refused.why == "broken did not answer: malformed"
    with pytest.raises(EngineUnavailable):
        abstained(results(), Away())
