"""Rationales: supported by the quote that was given untold, or turned round and denied."""

from collections import Counter

import pytest

from finetune.build.kinds import Shard
from finetune.build.make.eligibility import Eligibility
from finetune.build.make.rationale import TURNED, Explained, RationaleSettings
from finetune.instructions import About, Instruction, instruction, row_of
from model.engine import Answer
from model.tasks.rationale import RationaleAnswer
from model.tasks.screen import Judgement, ScreenAnswer, ScreenInput
from tests.finetune.build.make.screening_world import (
    BASELINE,
    CRITERIA,
    LIKENESS,
    corpus_of,
    made,
    records,
    write_review,
)
from tools.schemas import Criterion, Record

ALL_OF_THEM = RationaleSettings(supported=1, unsupported=1, at_once=5)


class Given:
    """A screening that gives one instruction."""

    name, task = "given", "screen"

    def __init__(self, one):
        self.one = one

    def __call__(self, corpus, shard):
        yield self.one


class Gullible:
    """An engine that bears out whatever it is told."""

    name = "gullible-1"

    async def answer(self, request):
        value = RationaleAnswer(quote="", supported=True, rationale="It must be so.")
        return Answer(value, value.model_dump_json())


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rationale")
    write_review(
        folder, "zorb", records(), title="Velmarin against placebo in zorbitis", criteria_text=CRITERIA
    )
    return corpus_of(folder)


@pytest.fixture(scope="module")
def explained(corpus):
    return made(Explained(Eligibility(BASELINE, LIKENESS), BASELINE, ALL_OF_THEM), corpus)


def verdicts_of(instructions):
    """Record and criterion to the verdict that was kept."""
    return {
        (one.asked["record_id"], criterion["text"]): verdict
        for one in instructions
        if one.task == "screen"
        for criterion in one.asked["criteria"]
        for verdict in one.answer["verdicts"]
        if verdict["criterion_id"] == criterion["id"]
    }


def test_the_screening_instructions_are_handed_on_untouched(corpus, explained):
    alone, refusals = made(Eligibility(BASELINE, LIKENESS), corpus)
    assert [one for one in explained[0] if one.task == "screen"] == alone
    assert [r for r in explained[1] if r.task == "screen"] == refusals


def test_a_supported_verdict_has_its_quote_and_its_own_reasons(explained):
    kept = verdicts_of(explained[0])
    supported = [one for one in explained[0] if one.about.how == "rationale-supported"]
    assert len(supported) == len([one for one in explained[0] if one.task == "screen"])
    for one in supported:
        verdict = kept[one.asked["record_id"], one.asked["criterion"]["text"]]
        assert one.asked["label"] == verdict["label"]
        assert one.answer == {"quote": verdict["quote"], "supported": True, "rationale": verdict["rationale"]}
        assert one.answer["quote"] in one.asked["text"]
        row_of(one, "ours")


def test_a_verdict_that_was_turned_round_is_not_borne_out(explained):
    kept = verdicts_of(explained[0])
    turned = [one for one in explained[0] if one.about.how == "rationale-unsupported"]
    assert turned
    for one in turned:
        was = kept[one.asked["record_id"], one.asked["criterion"]["text"]]["label"]
        assert one.asked["label"] != was
        assert one.asked["label"] == TURNED.get(was, one.asked["label"])
        assert one.answer["supported"] is False
        assert one.answer["quote"] == ""
        assert one.answer["rationale"].startswith(("The text shows", "Nothing in the text speaks for"))
        assert "rules" not in one.answer["rationale"].casefold()
        assert one.about.reviews == ("folders:zorb",)
        assert one.about.studies == (one.asked["record_id"],)
        row_of(one, "ours")


def test_a_record_that_the_build_drew_stays_known_as_one():
    """The division goes by it: such a record stands in many reviews, and must not tie them together."""
    record = Record(record_id="pmid:1", pmid="1", title="Tea and thirst", abstract="Tea was given to goats.")
    criterion = Criterion(id="C1", kind="include", text="Adults with thirst")
    asked = ScreenInput(record_id="pmid:1", criteria=(criterion,), text=record.text, title=record.title)
    verdict = Judgement(
        criterion_id="C1", label="NO", quote="Tea was given to goats.", rationale="The text has goats."
    )
    for how, wanted in {
        "eligibility-near": "eligibility-near-rationale-supported",
        "eligibility-excluded": "rationale-supported",
    }.items():
        about = About(source="a", licence="CC0", how=how, reviews=("a:r",), studies=("pmid:1",))
        one = instruction("screen", asked, ScreenAnswer(verdicts=(verdict,)), about)
        told = Explained(Given(one), BASELINE, ALL_OF_THEM)(None, Shard())
        explained = [x for x in told if isinstance(x, Instruction) and x.task == "rationale"]
        assert explained[0].about.how == wanted


def test_an_engine_that_bears_out_everything_teaches_nothing(corpus):
    instructions, refusals = made(Explained(Eligibility(BASELINE, LIKENESS), Gullible(), ALL_OF_THEM), corpus)
    assert not [one for one in instructions if one.about.how == "rationale-unsupported"]
    why = Counter(r.why for r in refusals if r.task == "rationale")
    assert why == {"the engine bears out a verdict that was turned round": 14}


@pytest.mark.parametrize(("supported", "unsupported"), [(0, 0), (1, 0), (0, 1)])
def test_the_shares_are_kept(corpus, supported, unsupported):
    settings = RationaleSettings(supported=supported, unsupported=unsupported)
    instructions, refusals = made(Explained(Eligibility(BASELINE, LIKENESS), BASELINE, settings), corpus)
    found = Counter(one.about.how.partition("-")[2] for one in instructions if one.task == "rationale")
    found.update("unsupported" for r in refusals if r.task == "rationale")
    assert found == Counter({"supported": 14 * supported, "unsupported": 14 * unsupported})


def test_a_rationale_too_long_to_be_learnt_is_refused_and_counted(explained):
    screened = next(one for one in explained[0] if one.task == "screen")
    answer = {
        "verdicts": [v | {"rationale": "word " * 60, "label": "YES", "quote": screened.asked["title"]}
                     for v in screened.answer["verdicts"]]
    }  # fmt: skip
    wordy = screened.model_copy(update={"answer": answer})
    maker = Explained(
        Eligibility(BASELINE, LIKENESS), BASELINE, RationaleSettings(supported=1, unsupported=0)
    )
    (refusal,) = maker.of([wordy])
    assert refusal.why == "rationale too long"
    assert refusal.task == "rationale"


def test_criteria_reach_the_question_whole(explained):
    for one in explained[0]:
        if one.task == "rationale":
            assert isinstance(one, Instruction)
            assert Criterion.model_validate(one.asked["criterion"]).text in CRITERIA.replace(
                " INCLUDE", ""
            ).replace(" EXCLUDE", "")
