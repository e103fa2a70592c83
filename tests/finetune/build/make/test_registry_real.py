"""The registry's makers on real entries, and the finder on real papers with numbers that people read in them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from finetune.build.corpus import Corpus
from finetune.build.ingest import ingest
from finetune.build.kinds import Shard
from finetune.build.make.registered import AMBIGUOUS, NOT_IN_TEXT, Posted
from finetune.build.make.registry import REGISTRY, Options, registry_maker
from finetune.build.make.registry_finding import Wanted, find, named
from finetune.build.sources import Source
from finetune.instructions import Instruction, Refusal, row_of
from tests.finetune.build.make.registry_world import ENGINE
from tools.errors import ConfigError
from tools.fulltext import jats
from tools.fulltext.quotes import holds_number
from tools.registry.reading import Figure


@pytest.fixture(scope="module")
def corpus(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("real")
    source = Source(name="ctgov", kind="ctgov", path=shared_data / "ctgov" / "studies", licence="public")
    ingest([source], folder)
    return Corpus(folder)


def test_real_entries_give_instructions_of_every_task_with_exact_quotes(corpus: Corpus) -> None:
    told = list(registry_maker("registry-text", ENGINE, Options(share=0.0, most=12))(corpus, Shard()))
    made = [one for one in told if isinstance(one, Instruction)]
    assert {one.task for one in made} == set(REGISTRY["registry-text"])
    assert len(made) > 100
    for one in made:
        text = "\n".join(p["text"] for p in one.asked["passages"])
        for item in next(one.answer[name] for name in ("arms", "values", "cells") if name in one.answer):
            assert item["quote"] in text
            if one.task in ("participants", "results"):
                assert holds_number(item["quote"], item["value"])
        assert row_of(one, "leads").reply
    assert all(isinstance(one, Instruction | Refusal) for one in told)


@pytest.mark.parametrize("name", [name for name in REGISTRY if name != "registry-text"])
def test_entries_without_papers_give_reasons_and_nothing_else(name: str, corpus: Corpus) -> None:
    told = list(registry_maker(name, ENGINE, Options())(corpus, Shard()))
    assert told
    assert all(isinstance(one, Refusal) and one.task in REGISTRY[name] for one in told)


def test_a_share_that_is_none_is_an_error() -> None:
    with pytest.raises(ConfigError, match="0 to 1"):
        registry_maker("registry-text", ENGINE, Options(share=2))


def _paper(shared_data: Path, pmcid: str) -> Any:
    path = shared_data / "jats" / f"{pmcid}.nxml.gz"
    return jats.parse(gzip.decompress(path.read_bytes()), report_id=pmcid, source=path.name)


def _wanted(row: dict[str, Any], side: str) -> Wanted:
    value = str(row[f"{side}_mean"] or row[f"{side}_events"])
    spread = str(row[f"{side}_standard_deviation"]) or None
    leaf = Figure(text=value, path="people", number=float(value))
    return Wanted(row[side], "", Posted("", value, spread, None, None, leaf))


def test_numbers_that_people_read_are_found_in_the_columns_they_read_them_in(shared_data: Path) -> None:
    with gzip.open(shared_data / "extraction" / "numeric_outcomes.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    heads = {
        "PMC5498715": ("Intervention", "Control"),
        "PMC4675066": ("Iodine (n = 27)", "Placebo (n = 26)"),
        "PMC3508963": ("Group I", "Group II"),
    }
    found = 0
    for pmcid, (first, second) in heads.items():
        text = _paper(shared_data, pmcid)
        for row in (row for row in rows if row["pmcid"] == pmcid):
            if not all(row[f"{s}_mean"] or row[f"{s}_events"] for s in ("intervention", "comparator")):
                continue
            told = find(text.passages, named([row["outcome"]], "", text.passages),
                        [_wanted(row, "intervention"), _wanted(row, "comparator")])  # fmt: skip
            if isinstance(told, str):
                continue
            assert told[0].column.endswith(first), row
            assert told[1].column.endswith(second), row
            found += 1
    assert found >= 10
    # Both numbers stand in the row of one arm, at different times: people read them in two rows.
    text = _paper(shared_data, "PMC5244530")
    (row,) = [r for r in rows if r["pmcid"] == "PMC5244530" and str(r["intervention_events"]) == "52"][:1]
    told = find(text.passages, named([row["outcome"]], "", text.passages),
                [_wanted(row, "intervention"), _wanted(row, "comparator")])  # fmt: skip
    assert told in (NOT_IN_TEXT, AMBIGUOUS)
