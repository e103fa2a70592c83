"""Groups: what people marked in abstracts becomes fields, sizes and values; what is in doubt is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from finetune.build.kinds import Shard
from finetune.build.make.groups import ANALYSED, SIZE, Groups
from finetune.instructions import Instruction, Refusal
from tests.finetune.build.make.annotated_world import ENGINE, corpus_of, made, marks

MAKER = Groups(ENGINE)

START = "Brauxin for dolitis. We randomly assigned 91 adults to brauxin (n = 50) or placebo (n = 41). "
SPANS = (
    ("intervention", "Brauxin"),
    ("total-participants", "91"),
    ("intervention", "brauxin"),
    ("intervention-participants", "50"),
    ("control", "placebo"),
    ("control-participants", "41"),
)


def kept_of(folder: Path, text: str, *spans: tuple[str, str]) -> tuple[list[Instruction], list[Refusal]]:
    return made(MAKER, corpus_of(folder, abstracts={"90000001": marks(text, *spans)}))


def of(kept: list[Instruction], task: str) -> list[Instruction]:
    return [one for one in kept if one.task == task]


def why(refused: list[Refusal], task: str) -> list[str]:
    return [one.why for one in refused if one.task == task]


def test_the_form_gets_what_is_marked_and_what_is_plainly_silent(tmp_path: Path) -> None:
    kept, _ = kept_of(tmp_path, START, *SPANS)
    (one,) = of(kept, "characteristics")
    cells = {cell["field_id"]: cell for cell in one.answer["cells"]}
    sentence = START.split(". ")[1] + "."
    assert (cells["sample_size"]["value"], cells["sample_size"]["quote"]) == ("91", sentence)
    assert cells["intervention"]["value"] == "Brauxin"
    assert cells["comparator"]["value"] == "placebo"
    assert cells["funding"]["status"] == cells["registration"]["status"] == "not_reported"
    asked = {field["id"]: field["question"] for field in one.asked["fields"]}
    assert "randomised" in asked["sample_size"]
    assert one.about.studies == ("pmid:90000001",)


def test_a_field_that_the_abstract_may_tell_is_not_called_silent(tmp_path: Path) -> None:
    kept, _ = kept_of(tmp_path, START + "The Moon Fund paid. Registered as NCT09000001.", *SPANS)
    (one,) = of(kept, "characteristics")
    assert {"funding", "registration"}.isdisjoint(field["id"] for field in one.asked["fields"])


def test_of_several_totals_the_one_that_was_randomised_is_meant(tmp_path: Path) -> None:
    text = "We saw 300 adults. Of these, 91 were randomised to brauxin or placebo. In all, 80 came back."
    total = [("total-participants", n) for n in ("300", "91", "80")]
    kept, _ = kept_of(tmp_path / "a", text, *total)
    assert of(kept, "characteristics")[0].answer["cells"][0]["value"] == "91"
    kept, refused = kept_of(tmp_path / "b", text.replace("randomised", "given tablets"), *total)
    assert of(kept, "characteristics") == []
    assert "several totals marked" in why(refused, "characteristics")


def test_sizes_of_both_groups(tmp_path: Path) -> None:
    kept, _ = kept_of(tmp_path, START, *SPANS)
    (one,) = of(kept, "participants")
    assert [(v["value"], v["status"]) for v in one.answer["values"]] == [("50", "found"), ("41", "found")]
    assert [group["title"] for group in one.asked["groups"]] == ["Brauxin", "placebo"]
    assert one.asked["measure"]["title"] == SIZE.title


def test_sizes_of_those_analysed_are_not_called_assigned(tmp_path: Path) -> None:
    text = START.replace("We randomly assigned 91 adults to", "We looked at 91 adults with")
    kept, _ = kept_of(tmp_path, text, *SPANS)
    assert of(kept, "participants")[0].asked["measure"]["title"] == ANALYSED.title


@pytest.mark.parametrize(
    ("text", "spans", "reason"),
    [
        (
            "We assigned 41 to placebo and 50 to brauxin.",
            (("intervention", "brauxin"), ("control", "placebo"), ("intervention-participants", "41"),
             ("control-participants", "50")),
            "the sizes stand at the other group",
        ),
        (
            START + "Later 45 on brauxin came back.",
            (*SPANS, ("intervention-participants", "45")),
            "several sizes marked for one group",
        ),
        (START, SPANS[:4] + SPANS[4:5], "the size of one group only is marked"),
        (START, (SPANS[0], ("intervention", "dolitis"), *SPANS[1:]), "the groups are not called by one name each"),
        (
            START.replace("91 adults", "80 adults"),
            (*SPANS[:1], ("total-participants", "80"), *SPANS[2:]),
            "the groups together are more than all",
        ),
        (
            "Brauxin or placebo was given. There were 50 (n) here.",
            (("intervention", "Brauxin"), ("control", "placebo")),
            "",
        ),
        (
            "Brauxin or placebo was given. There were two groups of 50.",
            (("intervention", "Brauxin"), ("control", "placebo")),
            "no size marked, and the abstract may tell one",
        ),
    ],
)  # fmt: skip
def test_sizes_in_doubt(tmp_path: Path, text: str, spans: tuple[tuple[str, str], ...], reason: str) -> None:
    kept, refused = kept_of(tmp_path, text, *spans)
    if reason:
        assert of(kept, "participants") == []
        assert why(refused, "participants") == [reason]
    else:
        (one,) = of(kept, "participants")
        assert [v["status"] for v in one.answer["values"]] == ["not_reported"] * 2


def values(kept: list[Instruction]) -> list[tuple[str, str, str | None, int | None]]:
    return [
        (one.asked["group"]["title"], v["value"], v["spread"], one.answer["denominator"])
        for one in of(kept, "results")
        for v in one.answer["values"]
    ]


NAMES = (("intervention", "Brauxin"), ("control", "placebo"))


@pytest.mark.parametrize(
    ("sentence", "spans", "found"),
    [
        (
            "Sneezing was seen in 8 of 50 people with brauxin and 20 of 41 with placebo.",
            (("outcome", "Sneezing"), ("iv-bin-abs", "8"), ("cv-bin-abs", "20")),
            [("Brauxin", "8", None, 50), ("placebo", "20", None, 41)],
        ),
        (
            "Sneezing was seen in 16% with brauxin and 48.8% with placebo.",
            (("outcome", "Sneezing"), ("iv-bin-percent", "16%"), ("cv-bin-percent", "48.8%")),
            [("Brauxin", "16", None, None), ("placebo", "48.8", None, None)],
        ),
        (
            "Mean stiffness was 12.5 (SD 3.2) points with brauxin and 17.7 (SD 4.5) points with placebo.",
            (("outcome", "stiffness"), ("iv-cont-mean", "12.5"), ("iv-cont-sd", "3.2"), ("cv-cont-mean", "17.7"),
             ("cv-cont-sd", "4.5")),
            [("Brauxin", "12.5", "3.2", None), ("placebo", "17.7", "4.5", None)],
        ),
    ],
)  # fmt: skip
def test_values_of_an_outcome_in_both_groups(
    tmp_path: Path, sentence: str, spans: tuple[tuple[str, str], ...], found: list[object]
) -> None:
    kept, _ = kept_of(tmp_path, f"Brauxin against placebo. {sentence}", *NAMES, *spans)
    assert values(kept) == found
    assert all(one.answer["values"][0]["quote"] == sentence for one in of(kept, "results"))


@pytest.mark.parametrize(
    ("sentence", "spans", "reason"),
    [
        (
            "Sneezing was seen in 8 people with placebo and 20 with brauxin.",
            (("outcome", "Sneezing"), ("iv-bin-abs", "8"), ("cv-bin-abs", "20")),
            "the values stand at the other group, or nothing tells whose they are",
        ),
        (
            "Sneezing was more frequent with brauxin (8 vs. 20 people).",
            (("outcome", "Sneezing"), ("iv-bin-abs", "8"), ("cv-bin-abs", "20")),
            "the values stand at the other group, or nothing tells whose they are",
        ),
        (
            "Sneezing fell from 20 before to 8 after brauxin.",
            (("outcome", "Sneezing"), ("iv-bin-abs", "8"), ("cv-bin-abs", "20")),
            "the values may be of two times, or of the difference between groups",
        ),
        (
            "Sneezing and hiccups were seen in 8 with brauxin and 20 with placebo.",
            (("outcome", "Sneezing"), ("outcome", "hiccups"), ("iv-bin-abs", "8"), ("cv-bin-abs", "20")),
            "not one outcome in the sentence",
        ),
        (
            "Sneezing was seen in 8 with brauxin.",
            (("outcome", "Sneezing"), ("iv-bin-abs", "8")),
            "not one value of a kind for each group",
        ),
        (
            "Sneezing was seen in 8 in the first and 20 in the other.",
            (("outcome", "Sneezing"), ("iv-bin-abs", "8"), ("cv-bin-abs", "20")),
            "no group is named in the sentence",
        ),
        (
            "Median sneezing was 8 with brauxin and 20 with placebo.",
            (("outcome", "Median sneezing"), ("iv-bin-abs", "8"), ("cv-bin-abs", "20")),
            "a count of an outcome that is no event",
        ),
    ],
)
def test_values_in_doubt(
    tmp_path: Path, sentence: str, spans: tuple[tuple[str, str], ...], reason: str
) -> None:
    kept, refused = kept_of(tmp_path, f"Brauxin against placebo. {sentence}", *NAMES, *spans)
    assert of(kept, "results") == []
    assert why(refused, "results") == [reason]


def test_real_abstracts(shared_data: Path, tmp_path: Path) -> None:
    from finetune.build.corpus import Corpus
    from finetune.build.ingest import ingest
    from finetune.build.sources import Source

    place = tmp_path / "pico"
    place.mkdir()
    for path in sorted((shared_data / "extraction" / "pico_corpus").iterdir())[:60]:
        (place / path.name).write_bytes(path.read_bytes())
    ingest([Source(name="pico", kind="pico_corpus", path=place)], tmp_path / "corpus")
    told = list(MAKER(Corpus(tmp_path / "corpus"), Shard()))
    kept = [one for one in told if isinstance(one, Instruction)]
    assert {one.task for one in kept} == {"characteristics", "participants", "results"}
    for one in kept:
        text = one.asked["passages"][0]["text"]
        items = one.answer.get("values") or one.answer.get("cells")
        assert all(item["quote"] in text for item in items)
