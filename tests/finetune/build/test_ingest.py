"""Files to a corpus: once each, whole or not at all, the same bytes whoever reads them and whatever stopped it."""

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.build import shards, writing
from finetune.build.corpus import Corpus
from finetune.build.ingest import ingest, main, read_sources
from finetune.build.kinds import Shard
from finetune.build.sources import Part, Source
from tests.finetune.build.source_examples import EXAMPLES, article, article_set
from tools.errors import ConfigError, InputFileError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def sources(tmp_path):
    """All kinds of sources, each with its invented input."""
    made = []
    for kind, example in EXAMPLES.items():
        (tmp_path / "in" / kind).mkdir(parents=True)
        path = example.make(tmp_path / "in" / kind)
        made.append(Source(name=kind.replace("_", "-"), kind=kind, path=path, licence="CC0"))
    return made


def content(folder: Path) -> dict[str, str]:
    """File to hash, without what is derived."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and "index" not in p.parts)
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


# The list ------------------------------------------------------------------------------------------


def test_a_list_of_sources_is_read_with_paths_beside_it(tmp_path):
    (tmp_path / "list.yaml").write_text("- {name: pool, kind: pool, path: data/pool.jsonl, licence: CC0}\n")
    (source,) = read_sources(tmp_path / "list.yaml")
    assert (source.path, source.licence) == (tmp_path / "data" / "pool.jsonl", "CC0")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "must be a list"),
        ("", "must be a list"),
        ("- {name: a, kind: nonsense, path: x}", "unknown kind 'nonsense'. Known: clef_tar, ctgov"),
        ("- {name: A b, kind: pool, path: x}", "source 1: name"),
        ("- {name: a, kind: pool}", "source 1: path"),
        ("- {name: a, kind: pool, path: x, colour: red}", "source 1: colour"),
        (
            "- {name: a, kind: pool, path: x}\n- {name: a, kind: nbib, path: y}",
            "several sources are called 'a'",
        ),
        ("- just a text", "source 1"),
    ],
)
def test_a_wrong_list_says_what_is_wrong(tmp_path, text, said):
    (tmp_path / "list.yaml").write_text(text)
    with pytest.raises(ConfigError) as e:
        read_sources(tmp_path / "list.yaml")
    assert said in str(e.value)


def test_a_list_that_is_no_yaml_or_is_not_there(tmp_path):
    (tmp_path / "list.yaml").write_text("{[")
    for name in ("list.yaml", "none.yaml"):
        with pytest.raises(InputFileError, match="Remedy"):
            read_sources(tmp_path / name)


def test_a_source_whose_path_is_gone_stops_before_anything_is_read(tmp_path):
    with pytest.raises(InputFileError, match="is not there .source a.*Remedy"):
        ingest([Source(name="a", kind="pool", path=tmp_path / "none.jsonl")], tmp_path / "out")
    assert not (tmp_path / "out").exists()


# Once, and the same ----------------------------------------------------------------------------------


def test_the_second_time_nothing_is_read(sources, tmp_path):
    first = ingest(sources, tmp_path / "out")
    before = content(tmp_path / "out")
    second = ingest(sources, tmp_path / "out")
    assert (second.read, second.kept) == (0, first.read)
    assert (second.counts, second.unread) == (first.counts, first.unread)
    assert content(tmp_path / "out") == before
    assert "not read of reviews-csv: 1 × no included PMID" in second.table()


def test_several_processes_and_several_machines_leave_the_same_bytes(sources, tmp_path):
    ingest(sources, tmp_path / "one")
    ingest(sources, tmp_path / "two", workers=2)
    parts = [ingest(sources, tmp_path / "three", Shard(i, 3)) for i in range(3)]
    assert content(tmp_path / "one") == content(tmp_path / "two") == content(tmp_path / "three")
    assert sum(p.read for p in parts) == len(list((tmp_path / "one" / "receipts").iterdir()))


def test_a_changed_input_a_new_one_and_one_that_is_gone(sources, tmp_path):
    ingest(sources, tmp_path / "out")
    pool = next(s for s in sources if s.kind == "pool")
    pool.path.write_text('{"pmid": "77", "title": "Another tea"}\n')
    assert ingest(sources, tmp_path / "out").read == 1
    assert Corpus(tmp_path / "out").record("77").title == "Another tea"
    fewer = [s for s in sources if s.kind != "pool"]
    done = ingest(fewer, tmp_path / "out")
    assert (done.read, done.removed) == (0, ("pool/pool.jsonl",))
    assert Corpus(tmp_path / "out").record("77") is None
    assert content(tmp_path / "out") == {
        k: v for k, v in content(tmp_path / "out").items() if "pool-" not in k
    }


def test_a_file_beside_the_input_counts_too(sources, tmp_path):
    ingest(sources, tmp_path / "out")
    clef = next(s for s in sources if s.kind == "clef_tar")
    (clef.path / "qrels_content").write_text("CD000001 0 10 1\n")
    assert ingest(sources, tmp_path / "out").read == 1
    assert Corpus(tmp_path / "out").review("clef-tar:CD000001").included == ("10",)


def test_another_licence_is_another_input(sources, tmp_path):
    ingest(sources[:1], tmp_path / "out")
    assert ingest([sources[0].model_copy(update={"licence": "CC BY"})], tmp_path / "out").read == 1


# Damage --------------------------------------------------------------------------------------------


def _flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


@pytest.mark.parametrize(
    "damage",
    [_flipped, Path.unlink, lambda p: p.write_bytes(p.read_bytes()[:-9])],
    ids=["flipped", "gone", "cut"],
)
@pytest.mark.parametrize("what", ["records/pool-*", "receipts/pool-*"])
def test_a_damaged_shard_or_receipt_is_made_anew_and_nothing_else(sources, tmp_path, damage, what):
    ingest(sources, tmp_path / "out")
    before = content(tmp_path / "out")
    (path,) = (tmp_path / "out").glob(what)
    damage(path)
    assert ingest(sources, tmp_path / "out").read == 1
    assert content(tmp_path / "out") == before


def test_what_an_earlier_reading_left_beyond_the_new_one_goes(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "MAX_TEXT", 5_000)
    path = tmp_path / "pool.jsonl"
    rows = [json.dumps({"pmid": str(n), "title": f"Tea {n}", "abstract": "x" * 300}) for n in range(1, 101)]
    source = Source(name="pool", kind="pool", path=path)
    path.write_text("\n".join(rows))
    ingest([source], tmp_path / "out")
    pieces = len(list((tmp_path / "out" / "records").iterdir()))
    assert pieces > 3
    assert len(list(Corpus(tmp_path / "out").all_records())) == 100
    path.write_text(rows[0])
    ingest([source], tmp_path / "out")
    assert len(list((tmp_path / "out" / "records").iterdir())) == 1
    assert [r.pmid for r in Corpus(tmp_path / "out").all_records()] == ["1"]


# Stopped -------------------------------------------------------------------------------------------


@pytest.fixture
def baseline(tmp_path):
    """A list of some files as large as to be units by themselves."""
    (tmp_path / "xml").mkdir()
    for number in range(6):
        articles = (
            article(str(number * 1000 + n + 1), abstract="Sixty drank tea. " * 80) for n in range(900)
        )
        (tmp_path / "xml" / f"{number}.xml").write_text(article_set(*articles))
    (tmp_path / "list.yaml").write_text("- {name: base, kind: pubmed_xml, path: xml, licence: none}\n")
    return tmp_path / "list.yaml"


def _command(sources: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "finetune.build.ingest", "--sources", str(sources), "--out", str(out)]


def test_killed_in_the_middle_it_goes_on_and_ends_as_if_undisturbed(baseline, tmp_path):
    whole, out = tmp_path / "whole", tmp_path / "out"
    ingest(read_sources(baseline), whole)
    process = subprocess.Popen(_command(baseline, out), cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while (
            len(list(out.glob("receipts/*.json"))) < 2 and time.monotonic() < until and process.poll() is None
        ):
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL, "it was too quick to be killed"
    done = len(shards.receipts(out))
    assert 2 <= done < 6
    assert len(list(Corpus(out).all_records())) == done * 900  # what is finished can be read
    again = ingest(read_sources(baseline), out)
    assert (again.read, again.kept) == (6 - done, done)
    assert content(out) == content(whole)  # the half-written files of the killed process are gone too


def test_what_a_killed_process_left_goes_when_its_unit_is_read_again(sources, tmp_path):
    ingest(sources, tmp_path / "out")
    before = content(tmp_path / "out")
    (receipt,) = (tmp_path / "out").glob("receipts/pool-*")
    (records,) = (tmp_path / "out").glob("records/pool-*")
    receipt.unlink()
    records.with_suffix(".partial-1").write_bytes(b"half")
    receipt.with_suffix(".partial-1").write_bytes(b"half")
    assert ingest(sources, tmp_path / "out").read == 1
    assert content(tmp_path / "out") == before


def test_a_full_disk_says_so_and_nothing_half_written_counts(baseline, tmp_path):
    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, resource.RLIM_INFINITY))

    out = tmp_path / "out"
    done = subprocess.run(
        _command(baseline, out),
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=little_room,
        check=False,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 2, done.stderr
    assert "base/0.xml cannot be kept" in done.stderr
    assert "Remedy: free space" in done.stderr
    assert "Traceback" not in done.stderr
    assert [p for p in out.rglob("*") if p.is_file()] == []
    assert ingest(read_sources(baseline), out).counts == {"records": 5400}


def test_the_command_prints_what_it_did_and_refuses_a_wrong_part(baseline, tmp_path, capsys):
    assert main(["--sources", str(baseline), "--out", str(tmp_path / "out"), "--shard", "0/2"]) == 0
    assert "inputs read" in capsys.readouterr().out
    assert main(["--sources", str(tmp_path / "none.yaml"), "--out", str(tmp_path / "out")]) == 2
    for wrong in ("2/2", "a/2", "1", "-1/2"):
        with pytest.raises(SystemExit):
            main(["--sources", str(baseline), "--out", str(tmp_path / "out"), "--shard", wrong])
    assert "is no part" in capsys.readouterr().err


# Parts ---------------------------------------------------------------------------------------------

names = st.sets(st.text("abc/.0", min_size=1, max_size=8), min_size=1, max_size=30)


@given(names, st.integers(1, 9))
def test_every_key_is_in_exactly_one_shard(keys, of):
    assert all(sum(Shard(number, of).has(key) for number in range(of)) == 1 for key in keys)


@given(st.sets(st.integers(0, 10_000), min_size=1, max_size=40), st.sets(st.integers(0, 10_000), max_size=5))
def test_every_part_is_in_exactly_one_unit_and_a_new_file_moves_no_other(tmp_path_factory, numbers, more):
    folder = tmp_path_factory.mktemp("parts")
    source = Source(name="a", kind="pubmed_xml", path=folder)
    old = shards.PER_BUNDLE
    shards.PER_BUNDLE = 10_000
    try:
        for number in numbers:
            (folder / f"{number}.xml").write_text("<x/>")
        before = {p: u.key for u in shards.units(source) for p in u.parts}
        assert sorted(p.path.name for p in before) == sorted(f"{n}.xml" for n in numbers)
        for number in more:
            (folder / f"{number}.xml").write_text("<x/>")
        after = {p: u.key for u in shards.units(source) for p in u.parts}
        if len(numbers) > 1:
            assert {p: after[p] for p in before} == before
    finally:
        shards.PER_BUNDLE = old


def test_small_files_are_bundled_and_large_ones_are_not(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "PER_BUNDLE", 4)
    for number in range(30):
        (tmp_path / f"{number}.xml").write_text("<x/>")
    (tmp_path / "large.xml").write_bytes(b" " * shards.LARGE)
    found = shards.units(Source(name="a", kind="pubmed_xml", path=tmp_path))
    assert [u.key for u in found if "bundle" not in u.key] == ["a/large.xml"]
    assert 4 < len(found) <= 9
    assert sum(len(u.parts) for u in found) == 31
    assert all(isinstance(p, Part) for u in found for p in u.parts)
