"""The command: for real with the rules, the small trained model and a server; interrupted and resumed; bad input."""

import gzip
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from finetune.evaluate import main
from finetune.instructions import Row
from tests.finetune.evaluation.rows import about, data_folder, invented_rows
from tests.servers.openai_server import MODEL, failing, serving
from tests.trained import trained_model

TASKS = ("arms", "direction", "screen")
QUICK = ("--resamples", "50", "--greedy", "1", "--max-tokens", "300")


def _run(
    out: Path, data: Path, *engines: str, tables: tuple[str, ...] = (), more: tuple[str, ...] = ()
) -> int:
    told = ["--data", str(data), "--engines", *engines, "--out", str(out), *QUICK, *more]
    return main([*told, "--tables", *tables] if tables else told)


def _read(out: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return told


def _values(told: Mapping[str, Any], table: str, engine: str) -> dict[tuple[str, str], float]:
    rows = told["tables"][table]
    return {(row["group"], row["measure"]): row["value"] for row in rows if row["engine"] == engine}


def _speaking(rows: list[Row], spoil: Callable[[str], str] = str) -> Callable[[Mapping[str, Any]], str]:
    """A server's script: it knows the right reply to every prompt."""
    known = {row.prompt: row.reply for row in rows}

    def script(body: Mapping[str, Any]) -> str:
        return spoil(known.get(body["messages"][0]["content"], "{}"))

    return script


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return invented_rows(4, tasks=TASKS)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> Path:
    return data_folder(tmp_path_factory.mktemp("data"), rows)


def test_rules_and_the_small_model_side_by_side(
    tmp_path: Path, rows: list[Row], capsys: pytest.CaptureFixture[str]
) -> None:
    data = data_folder(tmp_path / "data", [row for row in rows if row.task == "direction"])
    out = tmp_path / "told.json"
    assert (
        _run(out, data, "baseline", f"small={trained_model()}", tables=("extraction", "answers", "loss")) == 0
    )
    told = _read(out)
    assert told["summary"]["engines"] == ["baseline", "small"]
    assert set(told["tables"]) == {"extraction", "answers", "loss"}
    small = _values(told, "extraction", "small")
    assert 0 <= small["direction", "direction: accuracy"] <= 1
    assert ("direction", "loss per token") in _values(told, "loss", "small")
    assert not _values(told, "loss", "baseline")
    row = next(r for r in told["tables"]["extraction"] if r["engine"] == "small")
    assert row["difference"] is not None
    assert {"n", "clusters", "low", "high"} <= set(row)
    printed = capsys.readouterr().out
    assert "## extraction" in printed
    assert "small − baseline" in printed
    assert "published, not measured here" in printed
    before = out.read_bytes()
    assert (
        _run(out, data, "baseline", f"small={trained_model()}", tables=("extraction", "answers", "loss")) == 0
    )
    assert out.read_bytes() == before


def test_a_server_that_knows_everything(tmp_path: Path, data: Path, rows: list[Row]) -> None:
    out = tmp_path / "told.json"
    with serving(_speaking(rows)) as server:
        code = _run(out, data, f"{server.base_url}#{MODEL}", tables=("criteria", "extraction", "answers"))
    assert code == 0
    told = _read(out)
    assert told["summary"]["engines"] == [MODEL]
    assert _values(told, "criteria", MODEL)["screen", "criterion: accuracy"] == 1.0
    assert _values(told, "extraction", MODEL)["arms", "arm: cosine"] == 1.0
    assert {v for (_, m), v in _values(told, "answers", MODEL).items() if m == "right in every part"} == {1.0}
    assert told["failures"][MODEL]["misses"] == 0


def test_a_server_that_talks_nonsense_is_told_by_its_failures(
    tmp_path: Path, data: Path, rows: list[Row]
) -> None:
    out = tmp_path / "told.json"
    with serving(_speaking(rows, lambda reply: reply[:-4] + "}")) as server:
        assert _run(out, data, f"{server.base_url}#{MODEL}", tables=("extraction", "answers")) == 0
    told = _read(out)
    assert set(told["failures"][MODEL]["by_category"]) == {"format"}
    assert {v for (_, m), v in _values(told, "answers", MODEL).items() if m == "no usable answer"} == {1.0}
    assert _values(told, "extraction", MODEL)["direction", "direction: accuracy"] == 0.0


def test_an_outage_stops_and_the_same_command_goes_on(
    tmp_path: Path, data: Path, rows: list[Row], capsys: pytest.CaptureFixture[str]
) -> None:
    """Five answers, then the server wants a key; the second run asks the other seven questions and no more."""
    out = tmp_path / "told.json"
    how: dict[str, Any] = {"tables": ("extraction", "criteria"), "more": ("--calls", str(tmp_path / "calls"))}
    settings = tmp_path / "one.yaml"
    with serving(_speaking(rows), [None] * 5 + [failing(401)] * 50) as server:
        _write(settings, server.base_url)
        assert _run(out, data, str(settings), **how) == 4
        assert len(server.log) == 6
    assert not out.exists()
    assert "the same command goes on from here" in capsys.readouterr().err
    with serving(_speaking(rows)) as server:
        _write(settings, server.base_url)
        assert _run(out, data, str(settings), **how) == 0
        assert len(server.log) == len(rows) - 5
    assert _values(_read(out), "criteria", "one")["screen", "criterion: accuracy"] == 1.0


def _write(path: Path, base_url: str) -> None:
    path.write_text(
        f"engine:\n  backend: openai\n  model: {MODEL}\n  base_url: {base_url}\n  max_in_flight: 1\n"
    )


def _library(tmp_path: Path) -> tuple[Path, Path]:
    """Two invented reviews of three records, and a pool."""
    for name in ("snails", "slugs"):
        place = tmp_path / "reviews" / name
        place.mkdir(parents=True)
        pico = {"P": "people with a cough", "I": f"{name[:-1]} syrup"}
        (place / "review.json").write_text(json.dumps({"title": f"{name} for cough", "pico": pico}))
        titles = (f"{name[:-1]} syrup in people with a cough", "Bridges", "Paint")
        with gzip.open(place / "records.jsonl.gz", "wt") as file:
            for n, title in enumerate(titles):
                row = {
                    "record_id": f"{name}{n}",
                    "pmid": f"{len(name)}{n}",
                    "title": title,
                    "abstract": f"{title}.",
                }
                file.write(json.dumps(row | {"label_ta": int(n == 0), "label_final": int(n == 0)}) + "\n")
    pool = tmp_path / "pool.jsonl"
    pool.write_text(
        "".join(json.dumps({"pmid": str(n), "title": f"Weather {n}"}) + "\n" for n in range(900, 920))
    )
    return tmp_path / "reviews", pool


def test_search_and_screening_of_reviews_that_nothing_was_trained_on(
    tmp_path: Path, rows: list[Row], capsys: pytest.CaptureFixture[str]
) -> None:
    from finetune.instructions import instruction, row_of

    reviews, pool = _library(tmp_path)
    one = rows[0]
    trained = instruction(one.task, one.request.input, one.value, about(reviews=("invented:slugs",)))
    data = data_folder(tmp_path / "data", rows[:2], [row_of(trained, "ours")])
    out = tmp_path / "told.json"
    more = ("--reviews", str(reviews), "--pool", str(pool), "--candidates", "10", "--samples", "2")
    assert _run(out, data, "baseline", tables=("search", "screening"), more=more) == 0
    told = _read(out)
    assert told["reviews"] == ["snails"]
    assert any("slugs" in note for note in told["notes"])
    found = _values(told, "search", "baseline")
    assert found["publications", "one: recall"] == 1.0
    assert found["publications", "one: hits"] == 1.0
    ranking = _values(told, "screening", "baseline")
    assert ranking["all reviews", "recall@10"] == 1.0
    assert ranking["targets 1–5", "AUROC"] == 1.0
    assert _values(told, "screening", "similarity alone")["all reviews", "recall@10"] == 1.0
    assert "similarity alone" in capsys.readouterr().out
    assert _run(out, data, "baseline", tables=("search",), more=(*more, "--seen", "--ids", "slugs")) == 0
    assert _read(out)["reviews"] == ["slugs"]


def test_a_corpus_gives_reviews_pool_and_trials(tmp_path: Path, rows: list[Row]) -> None:
    """Of one included report it is known which trial it tells of; the register is searched for that."""
    from finetune.build.ingest import ingest
    from finetune.build.sources import Source

    reviews, pool = _library(tmp_path)
    registered = {"NCT00000001": "Snail syrup in people with a cough", "NCT00000002": "Bridges in the rain"}
    (tmp_path / "trials").mkdir()
    for number, title in registered.items():
        told = {"protocolSection": {"identificationModule": {"nctId": number, "briefTitle": title}}}
        (tmp_path / "trials" / f"{number}.json").write_text(json.dumps(told | {"hasResults": False}))
    links = tmp_path / "links.json"
    links.write_text(
        json.dumps({"trials": [{"pmid": "60", "nct_id": "NCT00000001", "extraction_method": "databank"}]})
    )
    sources = [
        Source(name=kind.replace("_", "-"), kind=kind, path=path, licence="CC0")
        for kind, path in (
            ("review_folders", reviews), ("pool", pool), ("ctgov", tmp_path / "trials"), ("pmid_nct", links),
        )
    ]  # fmt: skip
    ingest(sources, tmp_path / "corpus")
    data = data_folder(tmp_path / "data", rows[:1])
    out = tmp_path / "told.json"
    more = ("--corpus", str(tmp_path / "corpus"), "--samples", "2")
    assert _run(out, data, "baseline", tables=("search",), more=more) == 0
    read = _read(out)
    assert read["reviews"] == ["review-folders:slugs", "review-folders:snails"]
    found = _values(read, "search", "baseline")
    assert found["publications", "one: recall"] == 1.0
    assert found["trials", "one: recall"] == 1.0
    assert found["trials", "one: hits"] == 1.0
    of = {(r["group"], r["measure"]): r["clusters"] for r in read["tables"]["search"]}
    assert of["publications", "one: recall"] == 2
    assert of["trials", "one: recall"] == 1


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (("--reviews", "{reviews}"), "needs --pool"),
        (("--reviews", "{reviews}", "--corpus", "x"), "two sources"),
        (("--reviews", "{reviews}", "--pool", "{pool}", "--ids", "worms"), "no review is left"),
        (("--corpus", "{reviews}"), "holds no corpus"),
        (("--tasks", "summary"), "holds no question"),
        (("--base", "baseline"), "has no weights"),
        (("--topics", "nowhere.csv", "--reviews", "{reviews}", "--pool", "{pool}"), "nowhere.csv"),
    ],
)
def test_what_cannot_be_used(
    tmp_path: Path, data: Path, more: tuple[str, ...], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    reviews, pool = _library(tmp_path)
    told = tuple(part.format(reviews=reviews, pool=pool) for part in more)
    assert _run(tmp_path / "told.json", data, "baseline", tables=("search", "answers"), more=told) == 2
    assert problem in capsys.readouterr().err


def test_no_data_and_damaged_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(tmp_path / "told.json", tmp_path, "baseline") == 2
    assert "holds no instructions" in capsys.readouterr().err
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "part.parquet").write_bytes(b"PAR1 no more")
    assert _run(tmp_path / "told.json", tmp_path, "baseline") == 2
    assert "is no file of instructions" in capsys.readouterr().err


def test_a_base_is_measured_by_its_loss_alone(tmp_path: Path, rows: list[Row]) -> None:
    from tests import tiny

    data = data_folder(tmp_path / "data", [row for row in rows if row.task == "direction"])
    out, base = tmp_path / "told.json", tiny.build(tmp_path / "untrained")
    more = ("--base", str(base), "--greedy", "0", "--limit", "2")
    assert _run(out, data, f"small={trained_model()}", tables=("loss",), more=more) == 0
    told = _read(out)
    small, untrained = (
        _values(told, "loss", name)["direction", "loss per token"] for name in ("small", "untrained")
    )
    assert small < untrained
    assert told["questions"] == {"direction": 2}
    assert "mean" in told["summary"]
