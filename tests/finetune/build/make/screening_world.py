"""A small corpus of invented reviews and of records that their reviewers included or excluded. Nothing is real."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from finetune.build.corpus import Corpus
from finetune.build.ingest import ingest
from finetune.build.kinds import Shard
from finetune.build.make.likeness import Alone, Lexical
from finetune.build.sources import Source
from finetune.instructions import Instruction, Refusal
from model.baseline import BaselineEngine
from model.engine import Answer
from model.tasks.screen import Judgement, ScreenAnswer
from tools.search.vocabulary import Vocabulary, install

LIKENESS = Alone(Lexical())
BASELINE = BaselineEngine(None, LIKENESS)

CRITERIA = """Population INCLUDE: zorbitis; chronic zorbitis
Intervention INCLUDE: velmarin; velmarin hydrochloride
Study design INCLUDE: randomised controlled trials
Study design EXCLUDE: narrative review; case report; editorial
"""

TRIAL = (
    "{n} patients with zorbitis were randomised to velmarin or placebo. Their zorbitis score was {n} at the start. "
    "Velmarin was better than placebo after twelve weeks in place {n}."
)
REVIEW = "This review summarizes what is known of zorbitis and of velmarin in place {n}. Nobody was treated for it."
VAGUE = (
    "Velmarin and zorbitis are spoken of in many places, and in place {n} as well. Costs were counted there."
)


def record(
    number: int, title: str, abstract: str, ta: int | None, final: int | None, **more: Any
) -> dict[str, Any]:
    return {
        "record_id": str(number), "pmid": str(80_000_000 + number), "title": title, "abstract": abstract,
        "year": 2015, "label_ta": ta, "label_final": final, **more,
    }  # fmt: skip


def records() -> list[dict[str, Any]]:
    """Six included trials, eight excluded reviews, two excluded trials, one kept and excluded later, one bare title."""
    made = [record(n, f"Velmarin for zorbitis: trial {n}", TRIAL.format(n=30 + n), 1, 1) for n in range(6)]
    made += [record(n, f"Zorbitis: a review, part {n}", REVIEW.format(n=n), 0, 0) for n in range(10, 18)]
    made += [record(n, f"Velmarin in zorbitis, note {n}", VAGUE.format(n=n), 0, 0) for n in (20, 21)]
    made.append(record(30, "Velmarin for zorbitis in the long run", TRIAL.format(n=99), 1, 0))
    made.append(record(31, "Zorbitis: a review without words", "", 0, 0))
    return made


def write_review(data: Path, name: str, rows: list[dict[str, Any]], **said: Any) -> None:
    folder = data / "reviews" / name
    folder.mkdir(parents=True)
    (folder / "review.json").write_text(json.dumps(said), encoding="utf-8")
    with gzip.open(folder / "records.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def corpus_of(folder: Path, *kinds: str) -> Corpus:
    """What stands in the folder's `reviews`, and besides in files of these kinds, each in a folder of its name."""
    sources = [Source(name=kind, kind=kind, path=folder / kind, licence="invented") for kind in kinds]
    if (folder / "reviews").is_dir():
        sources.append(
            Source(name="folders", kind="review_folders", path=folder / "reviews", licence="invented")
        )
    ingest(sources, folder / "corpus")
    return Corpus(folder / "corpus")


def vocabulary_of(folder: Path) -> Vocabulary:
    """Two diseases of the nose, one of the bones, one below it, and two drugs."""
    rows = [
        ("Zorbitis", "C08.460.100", ["Zorb Disease"], []),
        ("Snivelosis", "C08.460.200", [], []),
        ("Crumblebone", "C05.116.300", ["Crumbling Bones"], []),
        ("Velmarin", "D02.100.100", [], ["Antizorbitics"]),
        ("Ossafix", "D03.200.200", [], ["Bone Hardeners"]),
        ("Plumbalt", "D01.300.300", [], []),
    ]
    path = folder / "headings.jsonl"
    path.write_text(
        "".join(
            json.dumps({
                "descriptor": name, "ui": f"D9{at:05}", "entry_terms": terms, "tree_numbers": [number],
                "pharmacological_actions": actions,
            })
            + "\n"
            for at, (name, number, terms, actions) in enumerate(rows)
        ),
        encoding="utf-8",
    )  # fmt: skip
    return install(folder / "vocabulary.sqlite", path)


class Says:
    """An engine that answers each criterion of `screen` by a function, and remembers what it was asked."""

    name = "says-1"

    def __init__(self, judge: Any) -> None:
        self.judge, self.asked = judge, []

    def seen(self, request: Any) -> dict[str, Any]:
        return {"input": request.input.model_dump(mode="json")}

    async def answer(self, request: Any) -> Answer[Any]:
        self.asked.append(request.input)
        given = [
            Judgement(
                criterion_id=c.id,
                **dict(zip(("label", "quote", "rationale"), self.judge(c, request.input), strict=False)),
            )
            for c in request.input.criteria
        ]
        value = ScreenAnswer(verdicts=tuple(given))
        return Answer(value, value.model_dump_json())

    def read(self, request: Any, raw: str) -> Any:
        return request.task.answer.model_validate_json(raw)


def made(maker: Any, corpus: Corpus, shard: Shard = Shard()) -> tuple[list[Instruction], list[Refusal]]:  # noqa: B008
    told = list(maker(corpus, shard))
    return [x for x in told if isinstance(x, Instruction)], [x for x in told if isinstance(x, Refusal)]
