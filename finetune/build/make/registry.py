"""The makers that rest on registry entries, by name, with one set of options for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from finetune.build.corpus import Corpus
from finetune.build.kinds import Shard
from finetune.build.make.abstain import Abstaining
from finetune.build.make.papers import Reading
from finetune.build.make.registry_arms import RegistryArms
from finetune.build.make.registry_fields import RegistryFields
from finetune.build.make.registry_participants import RegistryParticipants
from finetune.build.make.registry_results import RegistryResults
from finetune.build.make.registry_text import RegistryText
from finetune.instructions import Instruction, Refusal
from model.engine import Engine

__all__ = ["REGISTRY", "Options", "registry_maker"]


class _Maker(Protocol):
    def __call__(self, corpus: Corpus, shard: Shard) -> Iterator[Instruction | Refusal]: ...


@dataclass(frozen=True)
class Options:
    """How instructions are made of registry entries."""

    reading: Reading = field(default_factory=Reading)
    """How much of a report a question holds."""
    share: float = 0.15
    """Of the instructions that hold a value, how many are made again without it; 0: none, and nothing abstains."""
    most: int = 30
    """Of the maker of entries alone: questions about participants, and about results, of one entry."""


REGISTRY: dict[str, tuple[str, ...]] = {
    "registry-arms": ("arms",),
    "registry-participants": ("participants",),
    "registry-results": ("results",),
    "registry-fields": ("characteristics",),
    "registry-text": ("arms", "characteristics", "participants", "results"),
}
"""Maker to its tasks."""


def registry_maker(name: str, engine: Engine, options: Options) -> _Maker:
    """A maker of `REGISTRY`.

    Args:
        name: its name.
        engine: whose silence makes an example of `not reported`; the baseline, or a language model.
        options: see there.

    Raises:
        ConfigError: the share is no share.
        KeyError: no such maker.
    """
    abstaining = Abstaining(engine, options.share)
    makers: dict[str, Callable[..., _Maker]] = {
        RegistryArms.name: RegistryArms,
        RegistryParticipants.name: RegistryParticipants,
        RegistryResults.name: RegistryResults,
        RegistryFields.name: RegistryFields,
        RegistryText.name: partial(RegistryText, most=options.most),
    }
    return makers[name](options.reading, abstaining=abstaining if options.share else None)
