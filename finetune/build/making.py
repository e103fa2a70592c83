"""Runs the makers, piece by piece. A build that was stopped goes on where it was.

A piece is made again when what it follows from has changed: the corpus, the maker's options or code, and engine,
vocabulary or embedder for the makers that ask them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from finetune.build import make as makers_folder
from finetune.build.kinds import Shard
from finetune.build.makers import MAKERS, Maker, basis, made_of
from finetune.build.pieces import INVENTED, Notes, Piece, Receipt, keep, pieces, receipt_of
from finetune.build.workshop import Workshop
from finetune.instructions import Instruction, Refusal, Row
from tools.schemas import sha256_of

__all__ = ["DOUBLED", "make_all"]

_IMPORTED = re.compile(r"finetune\.build\.make\.(\w+)")

DOUBLED = "the same instruction as another of its piece"


def make_all(workshop: Workshop, mine: Shard, say: Callable[[str], None]) -> list[Receipt]:
    """Make every piece that is not there yet; the receipts of all of this process's pieces.

    Raises:
        ReviewError: as a maker says, such as an engine that cannot be reached; what is finished stays.
    """
    made: dict[str, Maker] = {}
    receipts = []
    for piece in pieces(workshop.settings, mine):
        path = piece.file(workshop.work / "made")
        follows = _follows_from(piece, workshop)
        receipt = receipt_of(path)
        if receipt is None or receipt.follows_from != follows:
            if piece.maker not in made:
                made[piece.maker] = _maker(piece.maker, workshop)
            # The invented ones are made of nothing, and need no corpus.
            corpus: Any = None if piece.maker == INVENTED else workshop.corpus
            notes = Notes()
            receipt = keep(path, _plain(made[piece.maker](corpus, piece.shard), notes), follows, notes)
            say(f"made {piece.maker} {piece.name}: {receipt.line}")
        receipts.append(receipt)
    return receipts


def _maker(name: str, workshop: Workshop) -> Maker:
    if name == INVENTED:
        from finetune.build.make.invented import Invented

        told = workshop.settings.invented
        return Invented(told.count, told.seed)
    return made_of(name, workshop)


def _follows_from(piece: Piece, workshop: Workshop) -> str:
    settings = workshop.settings
    if piece.maker == INVENTED:
        modules: tuple[str, ...] = ("invented",)
        own: Any = settings.invented.model_dump(mode="json")
    else:
        modules, own = MAKERS[piece.maker].modules, basis(piece.maker, workshop)
    return sha256_of([piece.maker, list(piece.shard), own, version("leads-agent"), _code(modules)])


@cache
def _code(modules: tuple[str, ...]) -> str:
    """Hash of a maker's own code and of the makers' modules that it imports: a corrected maker makes anew."""
    folder = Path(next(iter(makers_folder.__path__)))
    found: dict[str, str] = {}
    waiting = [*modules]
    while waiting:
        name = waiting.pop()
        path = folder / f"{name}.py"
        if name not in found and path.is_file():
            found[name] = path.read_text(encoding="utf-8")
            waiting += _IMPORTED.findall(found[name])
    return sha256_of(found)


def _plain(made: Iterator[Instruction | Refusal], notes: Notes) -> Iterator[Row]:
    """Instructions as rows without words; refusals and doubles are counted on the way."""
    seen: set[str] = set()
    for one in made:
        if isinstance(one, Refusal):
            notes.refuse(one)
        elif (key := one.example_id) in seen:
            notes.refuse(Refusal(one.task, one.about.source, DOUBLED, key))
        else:
            seen.add(key)
            notes.counts[one.task] += 1
            yield _wordless(one)


def _wordless(one: Instruction) -> Row:
    """An instruction as it lies on disk. Keys keep their order, which is that of the form of its answer."""
    asked, answer = (json.dumps(each, ensure_ascii=False) for each in (one.asked, one.answer))
    about = one.about.model_dump()
    return Row(
        example_id=one.example_id,
        task=one.task,
        asked=asked,
        answer=answer,
        prompt="",
        reply="",
        prompt_tag="",
        **about,
    )
