"""A small corpus of invented annotations: papers, abstracts and marks of trials that nobody has done."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from finetune.build.corpus import Corpus
from finetune.build.ingest import ingest
from finetune.build.kinds import Shard
from finetune.build.sources import Source
from finetune.instructions import Instruction, Refusal, row_of
from model.baseline import BaselineEngine
from model.embedding import NoEmbedder

__all__ = ["ENGINE", "corpus_of", "direction", "made", "marks", "numbers", "paper", "record", "result_of"]

ENGINE = BaselineEngine(None, NoEmbedder())

QUOTE = (
    "Sneezing was significantly less frequent with brauxin than with placebo (8 vs. 20 patients, p = 0.01)."
)
METHODS = (
    "In this trial, 91 adults were recruited in Norland. Participants took brauxin or placebo tablets each morning. "
    "Staff and participants did not know who took what. Nothing else was changed in the clinics, and all rooms were "
    "kept at the same warmth. The tablets were made by hand and looked and smelled alike. "
)
TABLE = """
<table-wrap id="t1"><label>Table 1</label><caption><p>Outcomes at week 12</p></caption><table>
<thead><tr><th>Outcome</th><th>Brauxin (n = 50)</th><th>Placebo (n = 41)</th></tr></thead><tbody>
<tr><td>Sneezing, n (%)</td><td>8 (16.0)</td><td>20 (48.8)</td></tr>
<tr><td>Elbow stiffness score, mean (SD)</td><td>12.5 (3.25)</td><td>17.75 (4.5)</td></tr>
<tr><td>Knee warmth (degrees), mean (SE)</td><td>31.40 (0.20)</td><td>30.10 (0.25)</td></tr>
</tbody></table></table-wrap>
"""


def paper(results: str = QUOTE, table: str = TABLE, number: int = 90000001) -> str:
    """A full text about brauxin."""
    return f"""<?xml version="1.0"?>
<article article-type="research-article"><front><journal-meta><journal-title-group><journal-title>J Inv</journal-title>
</journal-title-group></journal-meta><article-meta><article-id pub-id-type="pmid">{number}</article-id>
<article-id pub-id-type="pmc">PMC{number}</article-id><title-group>
<article-title>Brauxin for dolitis: a randomised trial</article-title></title-group>
<pub-date><year>2021</year></pub-date>
<abstract><p>We studied brauxin in people with dolitis. The rooms were kept warm. {METHODS}</p></abstract>
</article-meta></front><body><sec><title>Methods</title><p>{METHODS * 2}</p></sec>
<sec><title>Results</title><p>{results} The mean elbow stiffness was told at each visit.</p>{table}</sec>
</body></article>"""


def direction(name: str = "1", **changes: Any) -> dict[str, Any]:
    """A row as Evidence Inference has it."""
    row = {
        "prompt_id": name, "pmcid": "PMC90000001", "pmid": "90000001", "licence": "CC0-1.0",
        "intervention": "brauxin", "comparator": "placebo", "outcome": "sneezing", "label": "significantly decreased",
        "n_annot": 1, "evidence": [{"text": QUOTE, "start": 0, "end": len(QUOTE)}],
    }  # fmt: skip
    return row | changes


def numbers(name: int = 1, **changes: Any) -> dict[str, Any]:
    """A row of numbers per arm."""
    row = {
        "id": name, "pmcid": "PMC90000001", "pmid": "90000001", "outcome": "Elbow stiffness score",
        "intervention": "Brauxin", "comparator": "Placebo", "outcome_type": "continuous",
        "intervention_mean": 12.5, "intervention_standard_deviation": 3.25, "intervention_group_size": 50,
        "comparator_mean": 17.75, "comparator_standard_deviation": 4.5, "comparator_group_size": 41,
        "is_data_complete": "TRUE", "is_relevant_data_in_table": "TRUE", "is_data_in_figure_graphics": "FALSE",
        "split": "DEV", "notes": "",
    }  # fmt: skip
    return row | changes


def record(pmid: str, title: str, abstract: str, year: int = 2020) -> dict[str, Any]:
    """A PubMed record."""
    return {"pmid": pmid, "title": title, "abstract": abstract, "year": year}


def marks(text: str, *spans: tuple[str, str]) -> tuple[str, str]:
    """An abstract and its marks in brat's form: (kind, words), each looked for behind the one before of its kind."""
    lines, after = [], {}
    for number, (kind, words) in enumerate(spans, 1):
        start = text.index(words, after.get(kind, 0))
        after[kind] = start + len(words)
        lines.append(f"T{number}\t{kind} {start} {start + len(words)}\t{words}\n")
    return text, "".join(lines)


def corpus_of(
    folder: Path,
    *,
    papers: tuple[str, ...] = (),
    records: tuple[dict[str, Any], ...] = (),
    directions: tuple[dict[str, Any], ...] = (),
    texts: dict[str, str] | None = None,
    rows: tuple[dict[str, Any], ...] = (),
    abstracts: dict[str, tuple[str, str]] | None = None,
    judged: tuple[list[str], ...] = (),
) -> Corpus:
    """A corpus of these things, ingested as any other.

    Args:
        folder: an empty one.
        papers: JATS.
        records: see `record`.
        directions: see `direction`.
        texts: PMC number to the text that the annotators read.
        rows: see `numbers`.
        abstracts: PMID to abstract and marks, see `marks`.
        judged: lines of a table of RoB 2, its heading first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sources = []

    def source(kind: str) -> Path:
        place = folder / kind
        place.mkdir()
        sources.append(Source(name=kind, kind=kind, path=place, licence="CC0-1.0"))
        return place

    if papers:
        place = source("jats")
        for number, text in enumerate(papers):
            (place / f"{number}.xml").write_text(text, encoding="utf-8")
    for kind, lines in (("pool", records), ("evidence_inference", directions), ("numeric_outcomes", rows)):
        if lines:
            path = source(kind) / "rows.jsonl"
            path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
            for name, text in (texts or {}).items() if kind == "evidence_inference" else ():
                (path.parent / "rows_txt").mkdir(exist_ok=True)
                (path.parent / "rows_txt" / f"{name}.txt").write_text(text, encoding="utf-8")
    if abstracts:
        place = source("pico_corpus")
        for pmid, (text, spans) in abstracts.items():
            (place / f"{pmid}.txt").write_text(text, encoding="utf-8")
            (place / f"{pmid}.ann").write_text(spans, encoding="utf-8")
    if judged:
        with (source("rob2_support") / "rob2.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(judged)
    ingest(sources, folder / "corpus")
    return Corpus(folder / "corpus")


def made(maker: Any, corpus: Corpus) -> tuple[list[Instruction], list[Refusal]]:
    """What a maker gives, each instruction said and read back in our own pack, and the same a second time."""
    told = list(maker(corpus, Shard()))
    assert told == list(maker(corpus, Shard())), "the same twice"
    parts = [one for number in range(3) for one in maker(corpus, Shard(number, 3))]
    key = repr
    assert sorted(map(key, parts)) == sorted(map(key, told)), "three processes make what one makes"
    kept = [one for one in told if isinstance(one, Instruction)]
    for one in kept:
        row_of(one, "ours")
        assert one.about.studies
        assert one.about.licence
    return kept, [one for one in told if isinstance(one, Refusal)]


def result_of(kept: list[Instruction], **about: str) -> Instruction:
    """The one instruction whose question has these titles."""
    found = [one for one in kept if all(one.asked[name]["title"] == title for name, title in about.items())]
    assert len(found) == 1, [one.asked for one in kept]
    return found[0]
