"""`python -m finetune.build` from files to parts, on a small invented corpus."""

import gzip
import json
import re
from collections import Counter

import pytest

from finetune.build.__main__ import main
from finetune.build.card import data_hash, read_card
from finetune.build.makers import MAKERS, MakerKind
from finetune.instructions import About, instruction, read_rows
from finetune.splitting.leaks import check_folder
from model.tasks.screen import Judgement, ScreenAnswer, ScreenInput
from tests.finetune.build.invented_corpus import CONFIG, write_config, write_reviews
from tools.schemas import Criterion


@pytest.fixture
def built(tmp_path, capsys):
    """Builds with the changes it is called with; gives the status, the folder and what was said."""
    write_reviews(tmp_path / "data")

    def build(*flags, out="out", **changes):
        config = write_config(tmp_path, **changes)
        status = main([str(config), "--data", str(tmp_path / "data"), "--out", str(tmp_path / out), *flags])
        told = capsys.readouterr()
        return status, tmp_path / out, told.out, told.err

    return build


def parts_of(out):
    return {part: list(read_rows(out / part)) for part in ("train", "validation", "test")}


def test_from_files_to_parts_with_card_and_leak_report(built):
    status, out, said, progress = built()
    assert status == 0, progress
    parts = parts_of(out)
    assert {row.source for rows in parts.values() for row in rows} == {"folders", "invented"}
    card = read_card(out)
    assert card.rows == {part: len(rows) for part, rows in parts.items()}
    assert card.data_hash == data_hash(out)
    assert f"data hash {card.data_hash}" in said
    assert all(row.prompt and row.reply and row.request for rows in parts.values() for row in rows)
    assert {row.prompt_tag for rows in parts.values() for row in rows} == set(card.tags.values())
    # Newest reviews are in test, and only there.
    years = {part: [row.year for row in rows if row.source == "folders"] for part, rows in parts.items()}
    limit = card.split.after["folders"]
    assert min(years["test"]) > limit >= max(years["train"] + years["validation"])
    assert check_folder(out).clean
    leaks = json.loads((out / "leaks.json").read_text())
    assert all(check["rows"] == 0 for check in leaks["checks"])
    assert "made pico 0000-of-0001" in progress
    assert "made" not in said.splitlines()[0]


def test_the_same_build_gives_the_same_bytes(built):
    _, one, _, _ = built()
    _, other, _, _ = built(out="other")
    files = sorted(p.relative_to(one) for p in one.rglob("*") if p.is_file() and "work" not in p.parts)
    assert len(files) > 6
    assert all((one / name).read_bytes() == (other / name).read_bytes() for name in files)


def test_pieces_change_the_files_and_not_the_rows(built):
    _, one, _, _ = built()
    _, other, _, _ = built(out="other", pieces=3)
    told = [
        {part: {row.example_id for row in rows} for part, rows in parts_of(out).items()}
        for out in (one, other)
    ]
    assert told[0] == told[1]


def test_shards_work_apart_and_are_divided_once(built):
    _, whole, _, _ = built(pieces=4)
    for shard in ("0/2", "1/2"):
        assert built("--stage", "ingest", "--shard", shard, out="shared", pieces=4)[0] == 0
    assert built("--stage", "make", "--shard", "0/2", out="shared", pieces=4)[0] == 0
    status, _, _, progress = built("--stage", "split", out="shared", pieces=4)
    assert status == 2
    assert "run the stage make, on every shard" in progress
    assert built("--stage", "make", "--shard", "1/2", out="shared", pieces=4)[0] == 0
    assert built("--stage", "split", "--shard", "0/2", out="shared", pieces=4)[0] == 2
    status, out, _, progress = built("--stage", "split", out="shared", pieces=4)
    assert status == 0, progress
    assert read_card(out).data_hash == read_card(whole).data_hash


def test_only_what_depends_on_a_change_is_made_again(built):
    built(pieces=2)
    _, _, _, progress = built(pieces=2)
    assert not any(word in progress for word in ("made", "worded"))
    _, _, _, progress = built(pieces=2, invented={"count": 120, "seed": 4})
    assert Counter(line.split()[1] for line in progress.splitlines() if line.startswith("made")) == {
        "invented": 2
    }
    _, _, _, progress = built(pieces=2, invented={"count": 120, "seed": 4}, prompts="leads")
    assert "made" not in progress
    assert progress.count("worded") == 4
    _, _, _, progress = built(
        pieces=2, invented={"count": 120, "seed": 4}, prompts="leads", split=CONFIG["split"] | {"seed": 1}
    )
    assert not any(word in progress for word in ("made", "worded"))


def test_a_damaged_piece_is_made_again(built):
    _, out, _, _ = built()
    hashed = read_card(out).data_hash
    piece = out / "work" / "made" / "pico" / "0000-of-0001.parquet"
    piece.write_bytes(piece.read_bytes()[:-100])
    _, _, _, progress = built()
    assert "made pico" in progress
    assert "made invented" not in progress
    assert read_card(out).data_hash == hashed


def test_tasks_that_the_pack_does_not_know_are_counted(built):
    status, out, said, _ = built(prompts="leads")
    assert status == 0
    card = read_card(out)
    known = {one.task for one in card.counts}
    assert "bias" not in known
    assert "screen" in known
    left = {one.task: one.rows for one in card.left_out if "no prompt" in one.why}
    assert left["bias"] == 10
    assert "warning: bias: the pack leads has no prompt for it" in said


def test_longer_examples_are_left_out_and_counted(built):
    _, out, _, _ = built()
    longest = max(one.longest for one in read_card(out).lengths.values())
    _, out, _, _ = built(longest=longest - 1)
    card = read_card(out)
    assert max(one.longest for one in card.lengths.values()) < longest
    assert sum(one.over for one in card.lengths.values()) >= 1
    assert any(one.why == "longer than the context" and one.examples for one in card.left_out)


def test_limits_hold_and_take_the_same_rows_whatever_the_pieces(built):
    changes = {"limits": {"invented": {"per_task": 5}, "pico": {"total": 9}}}
    _, one, _, _ = built(**changes)
    card = read_card(one)
    rows = Counter((count.source, count.task) for count in card.counts for _ in range(count.rows))
    left = Counter({(x.maker, x.task): x.rows for x in card.left_out if x.why == "over the maker's limit"})
    assert left["invented", "arms"] == 5
    assert left["pico", "pico"] == 3
    assert all(count <= 5 for (source, _), count in rows.items() if source == "invented")
    _, other, _, _ = built(out="other", pieces=5, **changes)
    assert [c.model_dump() for c in read_card(other).counts] == [c.model_dump() for c in card.counts]
    _, limited, _, _ = built("--limit", "5", out="limited")
    assert all(
        n <= 5
        for n in Counter(
            row.task for rows in parts_of(limited).values() for row in rows if row.source == "invented"
        ).values()
    )


def test_every_instruction_is_in_a_part_or_in_a_count(built):
    _, out, _, _ = built()
    card = read_card(out)
    made = sum(
        sum(json.loads(path.read_text())["counts"].values())
        for path in (out / "work" / "made").rglob("*.json")
    )
    lost = sum(one.rows for one in card.left_out if one.stage != "make")
    assert made == sum(card.rows.values()) + lost


PLANTED = {"makers": {"texts": {}}, "invented": {"count": 0}}


def texts(corpus, shard):
    """A maker: one question about each candidate, whose answer is what the reviewers decided."""
    for review in corpus.reviews(shard):
        for candidate in corpus.candidates(review.review_id):
            record = candidate.record
            criterion = Criterion(id="C1", kind="include", text=f"Fits {review.title}.")
            asked = ScreenInput(
                record_id=record.record_id, criteria=(criterion,), text=record.text, title=record.title
            )
            label = "YES" if candidate.included else "NO"
            answer = ScreenAnswer(verdicts=(Judgement(criterion_id="C1", label=label, quote=record.title),))
            about = About(
                source=review.source, licence=review.licence, how="test", year=record.year,
                reviews=(review.review_id,), studies=(f"pmid:{record.pmid}",),
            )  # fmt: skip
            yield instruction("screen", asked, answer, about)


def plant(data):
    """The abstracts of an old review's records stand under other titles and PMIDs in a new one: no id tells.

    Their registration numbers would, as links to one entry, so they go.
    """
    old, new = (data / "reviews" / f"review{number:02}" / "records.jsonl.gz" for number in (0, 11))
    with gzip.open(old, "rt") as file:
        texts = [json.loads(line)["abstract"] for line in file]
    with gzip.open(new, "rt") as file:
        rows = [json.loads(line) for line in file]
    with gzip.open(new, "wt") as file:
        for row, text in zip(rows, texts, strict=True):
            file.write(json.dumps(row | {"abstract": re.sub(r"NCT\d+", "a register", text)}) + "\n")


def test_a_planted_leak_is_dropped_or_fails_the_build(built, tmp_path, monkeypatch):
    monkeypatch.setitem(MAKERS, "texts", MakerKind((), ("screen",), lambda shop, options: texts))
    status, out, _, progress = built(**PLANTED)
    assert status == 0, progress
    before = read_card(out)
    assert not any(check.settled for check in before.leaks.checks)
    plant(tmp_path / "data")
    status, out, _, progress = built(**PLANTED)
    assert status == 0, progress
    card = read_card(out)
    near = next(check for check in card.leaks.checks if check.name == "near_duplicates")
    assert near.settled >= 1
    assert near.rows == 0
    assert near.examples
    assert any(one.why.startswith("shares its text") and one.rows == near.settled for one in card.left_out)
    assert check_folder(out).clean
    status, out, _, err = built(leaks={"texts": "fail"}, **PLANTED)
    assert status == 3
    assert "nearly the same text" in err
    assert json.loads((out / "leaks.json").read_text())["checks"][-1]["rows"] >= 1
    assert not (out / "train").exists()
    assert not (out / "card.json").exists()


def test_bad_arguments_and_settings_end_with_their_status(built, tmp_path, capsys):
    for flags in (("--shard", "2/2"), ("--shard", "x"), ("--limit", "-1")):
        assert built(*flags)[0] == 2
    status, _, _, err = built(makers={"pcio": {}})
    assert status == 2
    assert "build.yaml:" in err
    assert "did you mean pico" in err
    assert main(["ingest", "--sources", str(tmp_path / "none.yaml"), "--out", str(tmp_path / "c")]) == 2
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "python -m finetune.build CONFIG" in capsys.readouterr().out


def test_a_build_of_which_nothing_comes_says_so(built):
    status, _, _, err = built(invented=None, longest=64)
    assert status == 2
    assert "no instructions to divide" in err


def test_the_corpus_alone_can_be_made(tmp_path, capsys):
    write_reviews(tmp_path / "data", 2)
    sources = tmp_path / "data" / "sources.yaml"
    sources.write_text("- {name: folders, kind: review_folders, path: reviews, licence: CC0}\n")
    assert main(["ingest", "--sources", str(sources), "--out", str(tmp_path / "corpus")]) == 0
    assert "2" in capsys.readouterr().out
