"""What makers work with, each thing made when it is first asked for: engine, vocabulary, indexes, links."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from finetune.build.corpus import Corpus
from tools.schemas import sha256_of

if TYPE_CHECKING:
    from finetune.build.make.likeness import Alone
    from finetune.build.make.search_blocks import Index
    from finetune.build.settings import BuildSettings
    from model.engine import Engine
    from tools.search.vocabulary import Vocabulary

__all__ = ["Workshop"]


@dataclass
class Workshop:
    """One build's."""

    settings: BuildSettings
    data: Path
    """What sources and vocabulary are relative to."""
    work: Path
    """Where indexes, stored calls and the corpus lie."""
    base: Path = field(default_factory=Path)
    """What paths of the engine's settings are relative to: the folder of the build's file."""

    @cached_property
    def corpus(self) -> Corpus:
        """What was ingested."""
        return Corpus(self.work / "corpus")

    @cached_property
    def vocabulary_file(self) -> Path | None:
        """The installed vocabulary; installed here where the settings name its source."""
        from tools.search.vocabulary import install

        given = self.settings.vocabulary_in(self.data)
        if given is None or given.suffix == ".sqlite":
            return given
        files = sorted(p for p in given.rglob("*") if p.is_file()) if given.is_dir() else [given]
        name = sha256_of([[p.name, p.stat().st_size] for p in files])[:12]
        path = self.work / f"vocabulary-{name}.sqlite"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            install(path, given).close()
        return path

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary.

        Raises:
            AssertionError: there is none; the settings are checked for that.
        """
        from tools.search.vocabulary import Vocabulary

        assert self.vocabulary_file is not None
        return Vocabulary(self.vocabulary_file)

    @cached_property
    def engine(self) -> Engine:
        """Whom the makers ask. What a language model answered is stored, and is not asked again."""
        from model.api_engine import connect

        told = self.settings.engine
        store = None if told.backend == "baseline" else self.work / "calls.sqlite"
        return connect(told, store=store, vocabulary=self.vocabulary_file, folder=self.base)

    @cached_property
    def embedder(self) -> Alone:
        """Texts as vectors."""
        from finetune.build.make.likeness import Alone, Lexical, embedder_at_hand

        name = self.settings.embedder
        return Alone(Lexical()) if name == "words" else embedder_at_hand(name)

    @cached_property
    def publications(self) -> Index:
        """An index of all PubMed records of the corpus."""
        from finetune.build.make.search_blocks import Index
        from tools.search.sources.local import LocalSource

        records = list(self.corpus.all_records())
        return Index(
            LocalSource("publications", records, self._index("publications"), self.vocabulary), len(records)
        )

    @cached_property
    def trials(self) -> Index | None:
        """An index of all registry entries; None where the corpus has none."""
        from finetune.build.make.search import trial_records
        from finetune.build.make.search_blocks import Index
        from tools.search.sources.local import LocalSource

        records = [record for _, record in trial_records(self.corpus)]
        if not records:
            return None
        source = LocalSource("trials", records, self._index("trials"), self.vocabulary, "register")
        return Index(source, len(records), "si")

    def _index(self, name: str) -> Path:
        path = self.work / "index" / f"{name}.sqlite"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
