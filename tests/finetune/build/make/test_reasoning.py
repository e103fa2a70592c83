"""Rationales along paths of concepts, kept only if an engine reaches the right label from the steps alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from finetune.build.kinds import Shard
from finetune.build.make.likeness import Alone, Lexical
from finetune.build.make.reasoning import ReasoningMaker, Settings
from finetune.build.make.reasoning_cases import Case, cases
from finetune.build.make.reasoning_steps import natural, rationale_of, without_acronyms
from finetune.instructions import Instruction, Refusal, row_of
from model.baseline import BaselineEngine
from model.engine import Request
from model.scripted import ScriptedEngine
from model.tasks.screen import Judgement, ScreenAnswer, ScreenInput
from tests.finetune.build.make import marsh_world as world
from tools.errors import InputFileError
from tools.schemas import Criterion, Label, Record
from tools.search.concepts import Concepts, paths
from tools.search.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    return world.vocabulary_at(tmp_path_factory.mktemp("marsh"))


@pytest.fixture(scope="module")
def baseline(vocabulary: Vocabulary) -> BaselineEngine:
    return BaselineEngine(vocabulary, Alone(Lexical()))


class Saying(ScriptedEngine):
    """An engine that gives one label to every criterion, and keeps what it was asked."""

    def __init__(self, label: Label | None) -> None:
        super().__init__(self._said, "saying-1")
        self.told = label
        self.asked: list[ScreenInput] = []

    def _said(self, request: Request[Any, Any]) -> str | ScreenAnswer:
        self.asked.append(request.input)
        if self.told is None:
            return "no word"
        return ScreenAnswer(
            verdicts=tuple(Judgement(criterion_id=c.id, label=self.told) for c in request.input.criteria)
        )


def case(label: Label = "YES", **fields: Any) -> Case:
    told: dict[str, Any] = {
        "criterion": Criterion(id="c9", kind="include", text="Intervention: glimmer blockers"),
        "label": label,
        "record": Record(
            record_id="pmid:1",
            pmid="1",
            title="A drug for the marsh",
            abstract="Fever is common. Forty adults took veluprine daily. They felt well.",
        ),
        "how": "reasoning-included",
        "source": "marsh",
        "licence": "invented",
        "why": "the review included it after full text",
        "reviews": ("marsh:1",),
        "studies": ("pmid:1",),
    }
    return Case(**{**told, **fields})


def maker(engine: Any, vocabulary: Vocabulary, **settings: Any) -> ReasoningMaker:
    return ReasoningMaker(engine, vocabulary, Settings.model_validate({"contradicted": 0, **settings}))


def why(found: list[Instruction | Refusal]) -> str:
    (one,) = found
    assert isinstance(one, Refusal), one
    return one.why


STEPS = "The text names Veluprine. Veluprine: of the class Glimmer Blockers."


def test_the_path_becomes_a_rationale_that_the_baseline_engine_follows(
    vocabulary: Vocabulary, baseline: BaselineEngine
) -> None:
    screen, rationale = maker(baseline, vocabulary).made([case()])
    assert isinstance(screen, Instruction)
    assert isinstance(rationale, Instruction)
    (verdict,) = screen.answer["verdicts"]
    assert (verdict["label"], verdict["rationale"]) == ("YES", STEPS)
    assert verdict["quote"] == "Forty adults took veluprine daily."
    assert verdict["quote"] in screen.asked["text"]
    assert rationale.answer == {"quote": verdict["quote"], "supported": True, "rationale": STEPS}
    assert (rationale.asked["label"], rationale.asked["text"]) == ("YES", screen.asked["text"])
    assert screen.about.evidence == (
        "the review included it after full text",
        "Veluprine → Glimmer Blockers",
        "baseline-3 reaches YES from the steps alone",
    )
    assert screen.about.studies == ("pmid:1",)
    for one in (screen, rationale):
        row_of(one, "ours")


def test_the_engine_sees_the_steps_and_neither_record_nor_label(vocabulary: Vocabulary) -> None:
    engine = Saying("YES")
    assert len(list(maker(engine, vocabulary).made([case()]))) == 2
    (asked,) = engine.asked
    assert (asked.text, asked.title, asked.mesh) == (STEPS, "", ())
    assert "YES" not in asked.model_dump_json()


@pytest.mark.parametrize("label", ["NO", "PARTIAL", "UNCERTAIN"])
def test_what_an_engine_does_not_reach_from_the_steps_is_refused(
    label: Label, vocabulary: Vocabulary
) -> None:
    found = list(maker(Saying(label), vocabulary).made([case()]))
    assert why(found) == f"engine reaches {label}, not YES"


def test_an_engine_without_an_answer_is_counted(vocabulary: Vocabulary) -> None:
    assert why(list(maker(Saying(None), vocabulary).made([case()]))) == "engine gave no answer"


def test_a_wrong_verdict_is_denied_for_the_same_reasons(vocabulary: Vocabulary) -> None:
    found = list(maker(Saying("YES"), vocabulary, contradicted=1).made([case()]))
    denied = found[-1]
    assert isinstance(denied, Instruction)
    assert denied.asked["label"] == "NO"
    assert denied.answer == {"quote": "", "supported": False, "rationale": STEPS}


def of(criterion: str = "Intervention: glimmer blockers", abstract: str = "Adults took veluprine.") -> Case:
    return case(
        criterion=Criterion(id="c1", kind="include", text=criterion),
        record=Record(record_id="pmid:1", pmid="1", title="", abstract=abstract),
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (of(criterion="Patients who are brave"), "no concept in the criterion"),
        (of(abstract="Adults took part."), "no concept in the record"),
        (of(criterion="Population: reed cough"), "no path"),
        (of(criterion="Intervention: veluprine"), "named as it is asked for"),
        # a class leads down to its members, which proves nothing of any of them
        (of(criterion="Intervention: veluprine", abstract="Glimmer blockers were given."), "no path"),
        (of(abstract="Adults took veluprine " + "and rested " * 80 + "again."), "no sentence to quote"),
    ],
)
def test_cases_without_a_rationale_are_refused_with_why(
    given: Case, said: str, vocabulary: Vocabulary
) -> None:
    assert why(list(maker(Saying("YES"), vocabulary).made([given]))) == said


def test_a_rationale_is_no_longer_than_the_prompts_ask_for(vocabulary: Vocabulary) -> None:
    assert why(list(maker(Saying("YES"), vocabulary, most_words=5).made([case()]))) == "rationale too long"


def test_the_same_case_is_asked_once(vocabulary: Vocabulary) -> None:
    engine = Saying("YES")
    found = list(maker(engine, vocabulary).made([case(), case()]))
    assert [one.why for one in found if isinstance(one, Refusal)] == ["the same case again"]
    assert len(engine.asked) == 1


def test_results_come_in_the_order_of_the_cases_however_many_are_asked_at_once(
    vocabulary: Vocabulary,
) -> None:
    given = [
        case(record=Record(record_id=f"pmid:{n}", pmid=str(n), abstract=f"Study {n}. Veluprine in adults."))
        for n in range(7)
    ]
    one_by_one = list(maker(Saying("YES"), vocabulary, at_once=1).made(given))
    assert one_by_one == list(maker(Saying("YES"), vocabulary, at_once=3).made(given))
    assert len(one_by_one) == 14


def test_another_graph_may_be_given_with_paths_of_any_kind(
    vocabulary: Vocabulary, baseline: BaselineEngine, tmp_path: Path
) -> None:
    edges = tmp_path / "edges.csv"
    edges.write_text("x_name,display_relation,y_name\nVeluprine,indication,Glimmer Fever\n")
    given = of(criterion="Population: glimmer fever")
    screen, _ = maker(baseline, vocabulary, graph=edges).made([given])
    assert isinstance(screen, Instruction)
    assert screen.answer["verdicts"][0]["rationale"] == (
        "The text names Veluprine. Veluprine and Glimmer Fever: indication."
    )
    with pytest.raises(InputFileError, match="Remedy"):
        maker(baseline, vocabulary, graph=tmp_path / "none.csv")


# Words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Glimmer Fever", "Glimmer Fever"),
        ("Fever, Glimmer", "Glimmer Fever"),
        ("Fever, Glimmer, Late", "Late Glimmer Fever"),
        ("Fevers, Coughs, and Shivers", "Fevers, Coughs, and Shivers"),
    ],
)
def test_names_are_told_in_the_order_of_speech(name: str, said: str) -> None:
    assert natural(name) == said


def test_an_acronym_names_nothing() -> None:
    assert without_acronyms("APAP and CPAP-2 with Veluprine").split() == ["and", "with", "Veluprine"]


def test_paths_with_steps_go_first_and_beginnings_of_others_are_left_out(vocabulary: Vocabulary) -> None:
    concepts = Concepts(vocabulary)
    own = paths(concepts.graph, ["Glimmer Fever"], ["Glimmer Fever"])
    long = paths(concepts.graph, ["Veluprine"], ["Glimmer Blockers"])
    start = paths(concepts.graph, ["Veluprine"], ["Veluprine"])
    made = rationale_of(concepts, [*own, *start, *long], "Veluprine helps in glimmer fever.")
    assert made is not None
    assert made.text == STEPS + " The text names Glimmer Fever."
    assert made.quote == "Veluprine helps in glimmer fever."


# Cases -------------------------------------------------------------------------------------------


def test_cases_come_from_reviews_designs_and_comparisons(tmp_path: Path, vocabulary: Vocabulary) -> None:
    from finetune.build.corpus import Corpus
    from finetune.build.ingest import ingest
    from finetune.build.sources.source import Source

    world.corpus_at(tmp_path)
    row = {"prompt_id": "1", "pmcid": "PMC1", "pmid": "102", "label": "no significant difference"}
    row |= {"intervention": "tomafril", "comparator": "nothing", "outcome": "days", "evidence": []}  # type: ignore[dict-item]
    (tmp_path / "comparisons.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "designs.tsv").write_text(
        "pmid\ttitle\tabstract\trodent\thuman\n7\tA fever\tSeen in marsh mice.\t1\t0\n"
    )
    sources = [
        Source(name="marsh", kind="review_folders", path=tmp_path / "reviews", licence="invented"),
        Source(name="pool", kind="pool", path=tmp_path / "pool.jsonl.gz", licence="invented"),
        Source(name="pairs", kind="evidence_inference", path=tmp_path / "comparisons.jsonl", licence="x"),
        Source(name="designs", kind="study_type", path=tmp_path / "designs.tsv", licence="x"),
    ]
    ingest(sources, tmp_path / "all")
    found = list(cases(Corpus(tmp_path / "all"), Shard(), Concepts(vocabulary)))
    by_how = {
        how: [(c.record.pmid, c.criterion.text, c.label) for c in found if c.how == how]
        for how in dict.fromkeys(c.how for c in found)
    }
    assert len(by_how["reasoning-included"]) == 2 * len(world.INCLUDED)  # population and intervention
    assert {label for _, _, label in by_how["reasoning-included"]} == {"YES"}
    assert by_how["reasoning-design"] == [
        ("7", "Studies in rodents", "YES"),
        ("7", "Studies in humans", "NO"),
    ]
    assert by_how["reasoning-comparison"] == [("102", "Intervention: Glimmer Blockers", "YES")]
    assert all(c.studies for c in found)
