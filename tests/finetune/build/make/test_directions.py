"""Directions: the annotators' passage is the quote, what they leave open is refused, what is taken out is uncertain."""

import gzip
import json
from pathlib import Path

import pytest

from finetune.build.kinds import Shard
from finetune.build.make.directions import SAID, Directions, asked_in, contradicts
from finetune.build.make.papers import CUT_AWAY, NO_TEXT, Reading
from finetune.instructions import Instruction, Refusal, request_of
from model.pool import ask
from model.scripted import ScriptedEngine
from model.tasks.direction import DirectionAnswer
from tests.finetune.build.make.annotated_world import ENGINE, QUOTE, corpus_of, direction, made, paper, record
from tools.errors import EngineError


def evidence(text: str) -> list[dict[str, object]]:
    return [{"text": text, "start": 0, "end": len(text)}]


def only(maker: Directions, corpus: object) -> Instruction:
    kept, refused = made(maker, corpus)  # type: ignore[arg-type]
    assert len(kept) == 1, refused
    return kept[0]


NEVER = Directions(ENGINE, uncertain_of=10**9)
ALWAYS = Directions(ENGINE, uncertain_of=1)


def test_the_quote_is_the_marked_passage_as_our_reader_has_it(tmp_path: Path) -> None:
    said = QUOTE.replace("(8", "(8").replace(" vs. ", "  vs. ").replace("Sneezing", "sneezing")
    corpus = corpus_of(tmp_path, papers=(paper(),), directions=(direction(evidence=evidence(said)),))
    one = only(NEVER, corpus)
    assert one.answer == {"quote": QUOTE, "direction": "decreased", "rationale": SAID["decreased"]}
    assert one.about.studies == ("pmid:90000001", "pmcid:PMC90000001")
    assert one.about.year == 2021
    assert any(QUOTE in passage["text"] for passage in one.asked["passages"])


def test_annotators_who_disagree_are_refused_and_the_same_twice_counts_once(tmp_path: Path) -> None:
    corpus = corpus_of(
        tmp_path,
        papers=(paper(),),
        directions=(
            direction("1"),
            direction("2", outcome="Sneezing ", label="no significant difference"),
            direction("3", intervention="cold brauxin"),
            direction("4", intervention="Cold  brauxin"),
        ),
    )
    kept, refused = made(NEVER, corpus)
    assert [one.asked["intervention"] for one in kept] == ["cold brauxin"]
    assert [one.why for one in refused] == ["annotators disagree"] * 2 + ["the same question twice"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"evidence": evidence("Nobody wrote this sentence anywhere.")}, "evidence not in the text"),
        ({"evidence": []}, "no evidence marked"),
        ({"label": "rather bad"}, "a label that is not known"),
        ({"outcome": " &nbsp; "}, "a part of the question is not named"),
        ({"outcome": "hiccups"}, "the marked passage does not name the outcome"),
        ({"outcome": "reduction of sneezing"}, "the outcome's name has a direction of its own"),
        ({"pmid": "90000009", "pmcid": "PMC90000009"}, NO_TEXT),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_reason(tmp_path: Path, changes: dict, why: str) -> None:
    corpus = corpus_of(tmp_path, papers=(paper(),), directions=(direction(**changes),))
    kept, refused = made(NEVER, corpus)
    assert (kept, [one.why for one in refused]) == ([], [why])
    assert refused[0].what == "evidence_inference:1"


@pytest.mark.parametrize(
    ("label", "text", "against"),
    [
        ("significantly decreased", "Sneezing was seen in 8 and 20 people (p = 0.38).", True),
        ("significantly decreased", "Sneezing was seen in 8 and 20 people (p = 0.04).", False),
        ("significantly decreased", "Sneezing fell (p = 0.01); hiccups did not (p = 0.6).", False),
        ("no significant difference", "Sneezing fell from 20 to 8 (p < 0.001).", True),
        ("no significant difference", "Sneezing fell from 20 to 8 (p < 0.001) in both groups alike.", False),
        ("no significant difference", "Sneezing was seen in 8 and 9 people.", False),
    ],
)
def test_p_values_that_say_the_contrary(tmp_path: Path, label: str, text: str, against: bool) -> None:
    corpus = corpus_of(tmp_path, directions=(direction(label=label),))
    one = next(asked_in(corpus, Shard()))
    assert not isinstance(one, Refusal)
    assert contradicts(one, text) is against


def test_a_passage_that_does_not_tell_which_way_shows_no_direction(tmp_path: Path) -> None:
    text = "Sneezing differed significantly between the two groups of people (p = 0.01)."
    corpus = corpus_of(tmp_path, papers=(paper(text),), directions=(direction(evidence=evidence(text)),))
    kept, refused = made(NEVER, corpus)
    assert (kept, [one.why for one in refused]) == ([], ["the marked passage does not tell which way"])


def test_without_the_evidence_the_answer_is_uncertain_and_an_engine_agrees(tmp_path: Path) -> None:
    corpus = corpus_of(tmp_path, papers=(paper(),), directions=(direction(),))
    kept, refused = made(ALWAYS, corpus)
    assert refused == []
    told, taken = kept
    assert taken.answer["direction"] == "uncertain"
    assert taken.answer["quote"] == ""
    whole = " ".join(p["text"] for p in taken.asked["passages"])
    assert "neezing" not in whole, "not in the table either"
    assert "tablets" in whole
    assert ask(ENGINE, request_of("direction", taken.asked)).value.direction == "uncertain"
    assert ask(ENGINE, request_of("direction", told.asked)).value.direction == "decreased", (
        "else it shows nothing"
    )


def test_where_an_engine_finds_an_answer_without_the_evidence_nothing_is_made(tmp_path: Path) -> None:
    sure = ScriptedEngine(lambda _: DirectionAnswer(quote="tablets", direction="increased"))
    corpus = corpus_of(tmp_path, papers=(paper(),), directions=(direction(),))
    kept, refused = made(Directions(sure, uncertain_of=1), corpus)
    assert [one.answer["direction"] for one in kept] == ["decreased"], "what people said needs no engine"
    assert [one.why for one in refused] == ["an engine finds an answer without the evidence"]


def test_an_engine_that_fails_has_not_found_nothing(tmp_path: Path) -> None:
    def fail(_: object) -> DirectionAnswer:
        raise EngineError("broken")

    corpus = corpus_of(tmp_path, papers=(paper(),), directions=(direction(),))
    kept, refused = made(Directions(ScriptedEngine(fail), uncertain_of=1), corpus)
    assert (len(kept), len(refused)) == (1, 1)


SILENT = (
    "We studied brauxin and placebo in people with dolitis. The rooms were kept warm. " * 6
    + "Elbow stiffness was 12 and 17 points."
)


@pytest.mark.parametrize(
    ("outcome", "abstract", "uncertain"),
    [
        ("sneezing", SILENT, True),
        ("sneezing", SILENT + " People sneezed a lot.", False),
        ("SNZ count", SILENT, False),  # an abbreviation may stand there in words
        ("sneezing", SILENT + " Other outcomes were alike.", False),
    ],
)
def test_an_abstract_that_does_not_name_the_outcome_leaves_it_open(
    tmp_path: Path, outcome: str, abstract: str, uncertain: bool
) -> None:
    corpus = corpus_of(
        tmp_path,
        records=(record("90000001", "Brauxin for dolitis", abstract),),
        directions=(direction(outcome=outcome),),
    )
    kept, refused = made(NEVER, corpus)
    if uncertain:
        assert [(one.answer["direction"], one.about.how) for one in kept] == [
            ("uncertain", "directions-abstract-silent")
        ]
    else:
        assert kept == []
        assert [one.why for one in refused] == ["evidence not in the abstract, which may tell it otherwise"]


def test_the_text_that_the_annotators_read_serves_where_no_other_is_at_hand(tmp_path: Path) -> None:
    text = (
        f"TITLE: \nBrauxin for dolitis\n\nABSTRACT.RESULTS:\n{QUOTE}\n\nBODY.METHODS:\nTablets were given.\n"
    )
    start = text.index(QUOTE)
    spans = [{"text": QUOTE, "start": start, "end": start + len(QUOTE)}]
    corpus = corpus_of(tmp_path, directions=(direction(evidence=spans),), texts={"PMC90000001": text})
    one = only(NEVER, corpus)
    assert one.asked["title"] == "Brauxin for dolitis"
    assert [(p["kind"], p["section"]) for p in one.asked["passages"]] == [
        ("title", "Title"), ("abstract", "Abstract > Results"), ("paragraph", "Body > Methods"),
    ]  # fmt: skip
    assert all(text[p["start"] :].startswith(p["text"]) for p in one.asked["passages"])


def test_evidence_that_the_budget_cuts_away_makes_no_instruction(tmp_path: Path) -> None:
    near = "Sneezing under brauxin, and sneezing under placebo, was significantly discussed at length. " * 20
    text = paper(f"{near}</p><p>{QUOTE} {'Quiet nights were counted. ' * 400}")
    corpus = corpus_of(tmp_path, papers=(text,), directions=(direction(),))
    small = Directions(ENGINE, reading=Reading(characters=600), uncertain_of=10**9)
    kept, refused = made(small, corpus)
    assert (kept, [one.why for one in refused]) == ([], [CUT_AWAY])


def test_real_annotations_stand_in_their_passages(shared_data: Path, tmp_path: Path) -> None:
    from finetune.build.corpus import Corpus
    from finetune.build.ingest import ingest
    from finetune.build.sources import Source

    folder, mine = shared_data / "extraction", tmp_path / "ei"
    (mine / "rows_txt").mkdir(parents=True)
    names = sorted(path.name.split(".")[0] for path in (folder / "evidence_inference_txt").iterdir())[:8]
    with gzip.open(folder / "evidence_inference.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [line for line in lines if json.loads(line)["pmcid"] in names]
    (mine / "rows.jsonl").write_text("".join(rows), encoding="utf-8")
    for name in names:
        text = (folder / "evidence_inference_txt" / f"{name}.txt.gz").read_bytes()
        (mine / "rows_txt" / f"{name}.txt.gz").write_bytes(text)
    ingest([Source(name="ei", kind="evidence_inference", path=mine, licence="MIT")], tmp_path / "corpus")
    told = list(Directions(ENGINE)(Corpus(tmp_path / "corpus"), Shard()))
    kept = [one for one in told if isinstance(one, Instruction)]
    assert len(kept) > 5
    assert {one.answer["direction"] for one in kept} == {
        "increased",
        "decreased",
        "no_difference",
        "uncertain",
    }
    for one in kept:
        quote = one.answer["quote"]
        assert (quote == "") == (one.answer["direction"] == "uncertain")
        assert any(quote in passage["text"] for passage in one.asked["passages"])
        assert any(name.startswith("pmcid:") for name in one.about.studies)
