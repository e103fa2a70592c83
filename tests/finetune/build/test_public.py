"""The public build's own settings, from files to parts, on a folder of invented things."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from finetune.build.__main__ import main
from finetune.build.card import data_hash, read_card
from finetune.build.corpus import Corpus
from finetune.build.linking import link
from finetune.instructions import Row, read_rows
from finetune.splitting.leaks import check_folder
from tests.finetune.build.public_world import (
    CONFIG,
    TOPICS,
    TRIALS,
    WRONG,
    changed_config,
    write_public,
)

PARTS = ("train", "validation", "test")
ROOT = Path(__file__).parents[3]


class Built(NamedTuple):
    """One build in one process."""

    config: Path
    data: Path
    out: Path
    said: str
    rows: dict[str, list[Row]]

    def of(self, start: str) -> list[Row]:
        """The rows that were made so."""
        return [row for rows in self.rows.values() for row in rows if row.how.startswith(start)]


def command(config: Path, data: Path, out: Path, *flags: str) -> list[str]:
    return [str(config), "--data", str(data), "--out", str(out), *flags]


def run(*given: str) -> str:
    """The command in this process; what it printed."""
    with contextlib.redirect_stdout(io.StringIO()) as told, contextlib.redirect_stderr(io.StringIO()) as err:
        status = main(given)
    assert status == 0, err.getvalue()
    return told.getvalue()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("public")
    data, config, out = write_public(folder / "data"), changed_config(folder), folder / "out"
    said = run(*command(config, data, out))
    return Built(config, data, out, said, {part: list(read_rows(out / part)) for part in PARTS})


def test_nothing_but_engine_embedder_and_date_is_other_than_shipped(built: Built) -> None:
    shipped, used = (yaml.safe_load(path.read_text("utf-8")) for path in (CONFIG, built.config))
    assert {key for key in shipped if shipped[key] != used[key]} == {"engine", "embedder", "split"}
    assert shipped["split"] | {"after": used["split"]["after"]} == used["split"]
    assert used.keys() == shipped.keys()


def test_links_stand_and_the_wrong_one_is_refused(built: Built) -> None:
    report = link(Corpus(built.out / "work" / "corpus"))
    assert {(one.pmid, one.nct_id) for one in report.accepted} == {(t.pmid, t.nct_id) for t in TRIALS}
    assert all({"databank", "registry_result", "full_text"} <= set(one.evidence) for one in report.accepted)
    (wrong,) = report.refused
    assert (wrong.pmid, wrong.nct_id) == WRONG
    assert wrong.why == "tells of something else"
    assert not any(f"pmid:{WRONG[0]}" in row.studies for row in built.of("registry"))
    links = read_card(built.out).links
    assert links["accepted"] == len(TRIALS)
    assert links["refused: tells of something else"] == 1


@pytest.mark.parametrize("task", ["arms", "participants", "results", "characteristics"])
def test_what_is_posted_comes_with_quotes_of_the_paper(built: Built, task: str) -> None:
    rows = [row for row in built.of(f"registry-{task}") if "abstained" not in row.how]
    assert {row.studies[-1] for row in rows} >= {f"nct:{trial.nct_id}" for trial in TRIALS[:3]}
    for row in rows:
        asked, answer = json.loads(row.asked), json.loads(row.answer)
        texts = [passage["text"] for passage in asked["passages"]]
        quotes = quotes_in(answer)
        assert quotes
        assert all(any(quote in text for text in texts) for quote in quotes), row.how
        assert {kind.partition(":")[0] for kind in row.studies} == {"pmid", "pmcid", "nct"}


def quotes_in(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["quote"]] if value.get("quote") else []
        return own + [quote for inside in value.values() for quote in quotes_in(inside)]
    return [quote for inside in value for quote in quotes_in(inside)] if isinstance(value, list) else []


def test_the_numbers_are_those_of_the_trial_and_the_group_that_is_asked_for(built: Built) -> None:
    known = {f"nct:{trial.nct_id}": trial for trial in TRIALS}
    seen = Counter()
    for row in built.of("registry-results"):
        if row.how != "registry-results":
            continue
        asked, (value,) = json.loads(row.asked), json.loads(row.answer)["values"]
        trial = known[row.studies[-1]]
        drug = asked["group"]["title"] != "Placebo"
        assert value["value"] == trial.scores[drug]
        assert value["spread"] == ("0.25", "0.20")[drug]
        seen[drug] += 1
    assert min(seen.values()) >= len(TRIALS) - 3
    ages = [row for row in built.of("registry-participants") if "Age, Continuous" in row.evidence[0]]
    for row in ages:
        if row.how == "registry-participants":
            told = [one["value"] for one in json.loads(row.answer)["values"]]
            assert tuple(told) == known[row.studies[-1]].ages
    assert ages


def test_strategies_for_publications_and_trials_name_only_their_own_topic(built: Built) -> None:
    for target in ("publications", "trials"):
        rows = built.of(f"search-{target}")
        assert len(rows) >= 4
        for row in rows:
            assert json.loads(row.asked)["target"] == target
            drugs = [topic.drug.lower() for topic in TOPICS if topic.drug.lower() in row.reply.lower()]
            assert len(drugs) == 1
            assert drugs[0] in json.loads(row.asked)["title"].lower()
    assert {row.source for row in built.of("search")} == {"ms2", "reviews"}


def test_a_review_without_a_year_is_as_new_as_its_newest_record(built: Built) -> None:
    """MS^2 in the form of the shared task tells no years; without one a row with dates around it is dropped."""
    topic = TOPICS[1]
    rows = [row for row in built.of("search") if row.reviews == (f"ms2:{90_002_000 + topic.number}",)]
    assert rows
    assert {row.year for row in rows} == {topic.trials[-1].year}


def test_every_task_that_is_asked_for_comes_of_it(built: Built) -> None:
    tasks = Counter(row.task for rows in built.rows.values() for row in rows)
    asked = {"arms", "characteristics", "participants", "pico", "query", "rationale", "results", "screen"}
    assert set(tasks) == asked
    assert built.of("reasoning-included"), "a review that names a heading above"


def test_card_and_leak_report_are_right_and_nothing_leaked(built: Built) -> None:
    card = read_card(built.out)
    assert card.rows == {part: len(rows) for part, rows in built.rows.items()}
    assert all(card.rows.values())
    assert card.data_hash == data_hash(built.out)
    assert card.unit.startswith("tokens")
    assert not card.unread
    assert not card.warnings
    assert check_folder(built.out).clean
    years = {part: {row.year for row in rows} for part, rows in built.rows.items()}
    limit = card.split.after["jats"]
    assert limit is not None
    assert min(years["test"]) > limit >= max(years["train"] | years["validation"])
    studies = {part: {key for row in rows for key in row.studies} for part, rows in built.rows.items()}
    assert not studies["train"] & studies["test"]
    assert not studies["train"] & studies["validation"]
    assert not studies["validation"] & studies["test"]


def test_a_build_in_two_shards_of_which_one_was_killed_gives_the_same_bytes(built: Built) -> None:
    out = built.out.parent / "shared"
    given = command(built.config, built.data, out)
    for shard in ("0/2", "1/2"):
        run(*given, "--stage", "ingest", "--shard", shard)
    killed(given, out)
    receipts = {path: path.read_bytes() for path in sorted((out / "work" / "made").rglob("*.json"))}
    assert 0 < len(receipts) < 32 * 9
    for shard in ("0/2", "1/2"):
        run(*given, "--stage", "make", "--shard", shard)
    assert all(path.read_bytes() == body for path, body in receipts.items())
    run(*given, "--stage", "split")
    names = sorted(p.relative_to(built.out) for p in built.out.rglob("*") if p.is_file())
    names = [name for name in names if name.parts[0] != "work"]
    assert len(names) > 3 * 64
    assert [n for n in names if (built.out / n).read_bytes() != (out / n).read_bytes()] == []
    shutil.rmtree(out)


def killed(given: list[str], out: Path) -> None:
    """The first shard's make, in a process of its own that is killed in the middle."""
    called = [sys.executable, "-m", "finetune.build", *given, "--stage", "make", "--shard", "0/2"]
    with subprocess.Popen(
        called, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("made search 002"):
                break
        process.send_signal(signal.SIGKILL)
        process.stderr.read()
    assert process.returncode == -signal.SIGKILL
