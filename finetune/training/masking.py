"""Whether what is learned is what should be learned, looked at before the first step.

A mask that is wrong by one token trains without any complaint, and the model answers worse. So of each task some
examples are decoded again from the very ids that training will see, and compared with the replies byte for byte.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from finetune.instructions import Row, read_rows
from finetune.training.encoding import Encoded, Examples, Speech
from model.forms import form
from model.local_grammar import Grammars
from tools.errors import ReviewError

__all__ = ["WrongMask", "check_masks", "pack_of", "shown"]

EACH = 3
"""Examples of each task that are looked at."""


class WrongMask(ReviewError):
    """What would be learned is not the reply; training has not begun."""

    exit_status = 2


def check_masks(
    folder: Path, examples: Examples, speech: Speech, prompts: str | None, each: int = EACH
) -> list[str]:
    """Look at the first examples of each task.

    Args:
        folder: the instructions that `examples` were made from.
        examples: their ids.
        speech: the tokenizer.
        prompts: the pack whose forms the replies are in; None: replies are not held against a grammar.
        each: examples per task.

    Returns:
        Two examples with the learned part marked, to be shown to a person.

    Raises:
        WrongMask: with the example, what is wrong with it, and what to do.
    """
    places = {name: at for at, name in enumerate(examples.names)}
    pages: list[str] = []
    for row in _first(read_rows(folder), set(places), each):
        one = examples[places[row.example_id]]
        wrong = list(_faults(row, one, speech))
        if not wrong and prompts is not None:
            wrong = list(_unsayable(row, one, speech.grammars, prompts))
        if wrong:
            raise WrongMask(
                f"{row.task} {row.example_id}: {'; '.join(wrong)}. Nothing was trained. Remedy: if the data were "
                "built with another version, build them anew; else the tokenizer's chat template is at fault: "
                "compare tokenizer_config.json with the published one."
            )
        if len(pages) < 2:
            pages.append(shown(one, speech))
    return pages


def _first(rows: Iterable[Row], kept: set[str], each: int) -> Iterator[Row]:
    seen: dict[str, int] = defaultdict(int)
    for row in rows:
        if row.example_id in kept and seen[row.task] < each:
            seen[row.task] += 1
            yield row


def _faults(row: Row, one: Encoded, speech: Speech) -> Iterator[str]:
    """What is wrong with the ids of an example, by themselves."""
    asked, learned = one.ids[: one.start], one.ids[one.start :]
    if not learned:
        yield "nothing of it is learned"
        return
    if learned.count(speech.end) != 1 or learned[-1] != speech.end:
        yield "the end token is not learned exactly once, and last"
    said = speech.said(token for token in learned if token != speech.end)
    if said != row.reply.encode():
        yield f"what is learned is {_short(said)}, the reply is {_short(row.reply.encode())}"
    if asked != speech.prompts([row.prompt])[0]:
        yield "its prompt is not what an engine is sent"


def _unsayable(row: Row, one: Encoded, grammars: Grammars, prompts: str) -> Iterator[str]:
    """Whether the grammar that a server makes of the task's schema lets the learned tokens through, one by one."""
    import json

    from xgrammar import GrammarMatcher

    request = row.request
    schema = json.dumps(form(prompts, request.task).schema(request.input))
    matcher = GrammarMatcher(grammars.compiled(schema))
    for number, token in enumerate(one.ids[one.start :]):
        if not matcher.accept_token(token):
            place = _short(grammars.bytes[token])
            yield f"the grammar of its task forbids token {number} of its reply ({place})"
            return


def shown(one: Encoded, speech: Speech, around: int = 60) -> str:
    """An example for a person: the end of its prompt, and what is learned between ⟦ and ⟧."""
    head = speech.tokenizer.decode(one.ids[max(0, one.start - around) : one.start])
    tail = speech.tokenizer.decode(one.ids[one.start :])
    cut = "…" if one.start > around else ""
    return f"{cut}{head}⟦{tail}⟧"


def _short(said: bytes) -> str:
    text = said.decode("utf-8", "replace")
    return repr(text if len(text) <= 80 else f"{text[:50]} … {text[-25:]}")


def pack_of(tags: dict[str, str], packs: Sequence[str] = ("ours", "leads")) -> str | None:
    """The shipped pack whose prompts have these tags; None where there is none."""
    from model.prompting import pack
    from tools.errors import ConfigError

    for name in packs:
        try:
            if all(pack(name, task).tag == tag for task, tag in tags.items()):
                return name
        except ConfigError:
            continue
    return None
