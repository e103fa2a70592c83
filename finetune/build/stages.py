"""The stages of a build, in their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from finetune.build.card import write_card
from finetune.build.card_making import card_of
from finetune.build.card_page import page, summary
from finetune.build.dividing import divide
from finetune.build.ingest import ingest
from finetune.build.kinds import Shard
from finetune.build.makers import MAKERS
from finetune.build.making import make_all
from finetune.build.pieces import Piece, Receipt, receipt_of
from finetune.build.settings import BuildSettings
from finetune.build.wording import word_all
from finetune.build.workshop import Workshop
from finetune.splitting.leaks import table
from model.tasks import ALL
from tools.errors import InputFileError

if TYPE_CHECKING:
    from finetune.build.linking import LinkReport

__all__ = ["STAGES", "Build", "Stage"]

Stage = Literal["ingest", "link", "make", "split"]
STAGES: tuple[Stage, ...] = get_args(Stage)


@dataclass
class Build:
    """One build, or one shard of it."""

    settings: BuildSettings
    data: Path
    out: Path
    base: Path
    """The folder of the build's file."""
    mine: Shard
    workers: int
    say: Callable[[str], None]

    @cached_property
    def shop(self) -> Workshop:
        """What the makers work with."""
        return Workshop(self.settings, self.data, self.out / "work", self.base)

    def run(self, stage: Stage) -> str:
        """Run one stage; a summary for people.

        Raises:
            ReviewError: with its remedy; what was finished before stays.
        """
        return {"ingest": self.ingest, "link": self.link, "make": self.make, "split": self.split}[stage]()

    def ingest(self) -> str:
        """Files to a corpus."""
        if not self.settings.sources:
            return ""
        done = ingest(
            self.settings.sources_in(self.data),
            self.shop.work / "corpus",
            self.mine,
            workers=self.workers,
            say=self.say,
        )
        return done.table()

    def link(self) -> str:
        """Papers to registry entries."""
        if not self.settings.sources:
            return ""
        counts = counts_of(self._links())
        return "\n".join(f"  {name:<40} {count:>10,}" for name, count in counts.items())

    def _links(self) -> LinkReport:
        from finetune.build.linking import link

        return link(self.shop.corpus)

    def make(self) -> str:
        """Corpus to instructions."""
        receipts = make_all(self.shop, self.mine, self.say)
        counts: Counter[str] = Counter()
        for receipt in receipts:
            counts.update(receipt.counts)
        lines = [f"  {task:<16} {count:>10,}" for task, count in sorted(counts.items())]
        refused = sum(one.count for receipt in receipts for one in receipt.refused)
        return "\n".join(
            [f"{sum(counts.values()):,} instructions made, {refused:,} candidates refused", *lines]
        )

    def split(self) -> str:
        """Instructions to parts, with their card."""
        worded = word_all(self.shop, Shard(), self.say)
        made = self._made(list(worded))
        divided = divide(self.shop, self.out, list(worded), self.say)
        card = card_of(
            self.out, self.settings, divided, made, worded, self._linked(), self._unread(), self._asked_for()
        )
        write_card(self.out, card, page(card))
        warned = "\n".join(f"warning: {one}" for one in card.warnings)
        return "\n\n".join(
            filter(None, (summary(card), table(card.leaks), warned, f"data hash {card.data_hash}"))
        )

    def _made(self, all_pieces: list[Piece]) -> dict[Piece, Receipt]:
        found = {piece: receipt_of(piece.file(self.shop.work / "made")) for piece in all_pieces}
        gone = [piece for piece, receipt in found.items() if receipt is None]
        if gone:
            raise InputFileError(
                f"{gone[0].maker} {gone[0].name}: changed on the way. Remedy: run the build again."
            )
        return {piece: receipt for piece, receipt in found.items() if receipt is not None}

    def _linked(self) -> Mapping[str, Any]:
        return counts_of(self._links()) if self.settings.sources else {}

    def _unread(self) -> Mapping[str, Mapping[str, int]]:
        found: dict[str, Counter[str]] = {}
        for receipt in self.shop.corpus.receipts if self.settings.sources else ():
            if receipt.unread:
                found.setdefault(receipt.source, Counter()).update(receipt.unread)
        return {source: dict(sorted(reasons.items())) for source, reasons in found.items()}

    def _asked_for(self) -> list[str]:
        tasks = {task for name in self.settings.makers for task in MAKERS[name].tasks}
        return sorted(tasks | (set(ALL) if self.settings.invented.count else set()))


def counts_of(report: LinkReport) -> dict[str, Any]:
    """What a report of links comes to, with the agreement of each two kinds of evidence."""
    told: dict[str, Any] = dict(report.counts)
    for one in report.agreement:
        if one.positive is not None:
            kind = "independent" if one.independent else "not independent"
            told[f"agreement of {one.first} and {one.second} ({kind}), of pairs both could name"] = round(
                one.positive, 3
            )
    return told
