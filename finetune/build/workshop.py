"""What makers work with, each thing made when it is first asked for: engine, vocabulary, indexes, links."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from finetune.build.corpus import Corpus
from finetune.build.kinds import Shard
from tools.errors import ConfigError
from tools.schemas import sha256_of

if TYPE_CHECKING:
    from finetune.build.make.likeness import Alone
    from finetune.build.make.search_blocks import Index
    from finetune.build.settings import BuildSettings
    from model.engine import Engine
    from tools.schemas import Record
    from tools.search.sources.local import LocalSource
    from tools.search.vocabulary import Vocabulary

__all__ = ["Workshop"]

AT_ONCE = 500
INDEXED = 2
"""Goes up when an index holds other records of the same corpus."""


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
        """The installed vocabulary; installed here where the settings name its source.

        Raises:
            ConfigError: the folder holds several descriptor files.
        """
        from tools.search.vocabulary import install

        given = self.settings.vocabulary_in(self.data)
        if given is None or given.suffix == ".sqlite":
            return given
        given = _descriptors(given)
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
        """An index of the corpus' PubMed records: all of them, or as many as the settings allow.

        Of a larger corpus it holds what reviews included, and a sample of the rest by the hashes of the PMIDs.
        """
        from finetune.build.make.search_blocks import Index

        source = self._index("publications", self._searched())
        return Index(source, source.size)

    @cached_property
    def trials(self) -> Index | None:
        """An index of all registry entries; None where the corpus has none."""
        from finetune.build.make.search import trial_records
        from finetune.build.make.search_blocks import Index

        source = self._index("trials", (record for _, record in trial_records(self.corpus)), "register")
        return Index(source, source.size, "si") if source.size else None

    def _searched(self) -> Iterator[Record]:
        """The records of the index, each once."""
        of = self.corpus.share_of(self.settings.searched)
        sample = Shard(0, of)
        yield from self.corpus.all_records(sample)
        if of == 1:
            return
        included = {pmid for review in self.corpus.reviews() for pmid in review.included}
        missing = sorted(pmid for pmid in included if not sample.has(pmid))
        for start in range(0, len(missing), AT_ONCE):
            found = self.corpus.records(missing[start : start + AT_ONCE])
            yield from found.values()

    def _index(self, name: str, records: Iterator[Record], kind: str = "database") -> LocalSource:
        """A source over an index on disk; the records are read only where it is not there yet, one at a time."""
        from tools.search.sources.local import LocalSource
        from tools.search.sources.local_build import FORMAT
        from tools.search.sources.local_index import build_index, reuse

        told = [INDEXED, FORMAT, self.corpus.fingerprint, self.vocabulary.identity, self.settings.searched]
        identity = sha256_of([name, *told])[:16]
        path = self.work / "index" / f"{name}-{identity}.sqlite"
        index = reuse(path, identity) or build_index(path, records, identity, self.vocabulary)
        return LocalSource.over(name, index, self.vocabulary, kind)


def _descriptors(given: Path) -> Path:
    """NLM's descriptor file in a folder that holds one; else what was given."""
    found = sorted(p for p in given.glob("desc*.xml*") if p.is_file()) if given.is_dir() else []
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise ConfigError(f"vocabulary: {given} holds {names}. Remedy: keep one of them, or name the file.")
    return found[0] if found else given
