"""Loss of the right answer, and free replies: on the small trained model, beside its untrained self."""

from pathlib import Path

import pytest

from finetune.evaluation.items import read_items
from finetune.evaluation.losses import loss_of, note_losses
from finetune.evaluation.sheet import Sheet
from finetune.training.encoding import Encoded, Speech
from model.local import Folders, shared
from tests import tiny
from tests.finetune.evaluation.rows import data_folder, invented_rows
from tests.trained import trained_model


def test_loss_by_hand(tmp_path: Path) -> None:
    """The sum of minus the log of each answer token's probability, all before it given."""
    import torch

    folder = tiny.build(tmp_path / "model")
    local = shared(Folders(folder, None), None, None).model
    speech = Speech(folder)
    [asked], [told] = speech.prompts(["Who slept?"]), speech.replies(['{"a":"cats"}'])
    assert told is not None
    total, tokens = loss_of(local, Encoded(asked + told, len(asked)))
    with torch.inference_mode():
        likely = local.model(torch.tensor([asked + told])).logits[0].float().log_softmax(-1)
    by_hand = -sum(float(likely[len(asked) + n - 1, token]) for n, token in enumerate(told))
    assert tokens == len(told)
    assert total == pytest.approx(by_hand, rel=1e-3)


def test_the_trained_model_beats_random_weights(tmp_path: Path) -> None:
    tasks = ("direction", "rationale")
    items = read_items(data_folder(tmp_path / "data", invented_rows(2, tasks=tasks)), tasks)
    sheet = Sheet(["random", "trained"], resamples=10)
    for name, folder, greedy in (
        ("random", tiny.build(tmp_path / "model"), 0),
        ("trained", trained_model(), 1),
    ):
        left = note_losses(sheet, name, (folder, None), items, prompts="ours", greedy=greedy, longest=40)
        assert left == dict.fromkeys(sorted(tasks), 0)
    told = {(r["group"], r["measure"], r["engine"]): r for r in sheet.rows()}
    for task in tasks:
        random, trained = (told[task, "loss per token", name] for name in ("random", "trained"))
        assert trained["value"] < 0.5 < random["value"]
        assert trained["n"] > 2, "n counts tokens"
        assert trained["difference_high"] is None or trained["difference_high"] < 0
        free = {m: told[task, m, "trained"] for _, m, e in told if m.startswith("free") and e == "trained"}
        assert len(free) == 2
        assert all(row["value"] in (0.0, 1.0) and row["n"] == 1 for row in free.values())
    assert ("direction", "free reply is readable", "random") not in told


def test_what_does_not_fit_is_left_out_and_counted(tmp_path: Path) -> None:
    from finetune.instructions import instruction, row_of
    from tests.finetune.evaluation.rows import about, passages

    [short] = invented_rows(1, tasks=("direction",))
    long = short.request.input.model_copy(update={"passages": passages("A cough. " * tiny.CONTEXT)})
    rows = [short, row_of(instruction("direction", long, short.value, about("pmid:2")), "ours")]
    items = read_items(data_folder(tmp_path / "data", rows), ("direction",))
    sheet = Sheet(["e"], resamples=10)
    folder = tiny.build(tmp_path / "model")
    assert note_losses(sheet, "e", (folder, None), items, prompts="ours", greedy=0, longest=10) == {
        "direction": 1
    }
    assert [row["clusters"] for row in sheet.rows()] == [1]


def test_a_free_reply_is_read_and_compared() -> None:
    from finetune.evaluation.losses import judged
    from tests.finetune.evaluation.rows import item_of

    [row] = invented_rows(1, tasks=("direction",))
    item = item_of("direction", row.request.input, row.value)
    other = '{"quote":"","direction":"uncertain","rationale":"The text is silent."}'
    assert judged(item, row.reply, "ours") == (True, True)
    assert judged(item, f" {row.reply}", "ours") == (True, True)
    assert judged(item, other, "ours") == (True, False)
    assert judged(item, other[:-1], "ours") == (False, False)
    assert judged(item, "", "ours") == (False, False)


def test_replies_made_together_are_those_made_alone(tmp_path: Path) -> None:
    """Padding of the shorter question changes nothing."""
    from finetune.evaluation.losses import replies

    folder = tiny.build(tmp_path / "model")
    local = shared(Folders(folder, None), None, "fp32").model
    asked = Speech(folder).prompts(["Who slept?", "How many adults with a cough slept, and on what?"])
    together = replies(local, asked, 12)
    assert together == [text for one in asked for text in replies(local, [one], 12)]
    assert len(together) == 2
    assert all(together)
