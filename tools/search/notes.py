"""What a person should be told about a strategy before approving it; kept, so that a replay says the same."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from tools.errors import ReplayMiss
from tools.exchange import ExchangeLog, found_here, key_of
from tools.schemas import Frozen, canonical_json
from tools.search import query as queries

__all__ = ["NO_VOCABULARY", "Heading", "Notes"]

NO_VOCABULARY = (
    "no vocabulary is installed: only the review's own words are searched, and headings are not checked; "
    "`python -m agent vocabulary install` gets MeSH"
)


class Heading(Frozen):
    """A heading of the vocabulary, with the other names it goes by."""

    name: str
    entry_terms: tuple[str, ...] = ()


class Words(queries.Headings, Protocol):
    """What `Notes` needs of a vocabulary; `vocabulary.Vocabulary` has it."""

    def entry_terms(self, name: str) -> tuple[str, ...]:
        """Synonyms of a heading."""
        ...


class Notes:
    """Lints strategies with the vocabulary at hand, whose identity is part of each key."""

    def __init__(
        self,
        identity: str,
        vocabulary: Words | None,
        log: ExchangeLog,
        clock: Callable[[], str],
        *,
        live: bool = True,
    ) -> None:
        """
        Args:
            identity: of the vocabulary, or `none`.
            vocabulary: to look headings up in.
            log: where notes are kept.
            clock: labels what is kept.
            live: False serves a replay: what is not kept is a miss.
        """
        self.identity, self.vocabulary, self.log, self.clock, self.live = (
            identity,
            vocabulary,
            log,
            clock,
            live,
        )

    def of(self, strategy: str) -> tuple[str, ...]:
        """Warnings about a strategy.

        Raises:
            QuerySyntaxError: it is none.
            ReplayMiss: in a replay, nothing is kept about it.
        """
        request = canonical_json({"service": "lint", "vocabulary": self.identity, "strategy": strategy})
        if (kept := self.log.find(key_of(request))) is not None:
            return tuple(json.loads(kept.body))
        if not self.live:
            raise ReplayMiss(f"the review holds no notes about the strategy {strategy}")
        notes = queries.lint(strategy, self.vocabulary)
        if self.vocabulary is None:
            notes = (NO_VOCABULARY, *notes)
        body = canonical_json(list(notes)).encode()
        self.log.save(found_here("lint", request, body, content_type="application/json", at=self.clock()))
        return notes

    def headings(self, names: Sequence[str]) -> Mapping[str, Heading | None]:
        """The headings that these names mean, None for what is none; without a vocabulary nothing is told.

        Raises:
            ReplayMiss: in a replay, nothing is kept about them.
        """
        if self.identity == "none" or not names:
            return {}
        request = canonical_json({"service": "headings", "vocabulary": self.identity, "names": list(names)})
        kept = self.log.find(key_of(request))
        if kept is None:
            if not self.live or self.vocabulary is None:
                raise ReplayMiss(f"the review holds nothing about the headings {', '.join(names)}")
            found = {name: self._heading(name, self.vocabulary) for name in names}
            told = {n: None if h is None else h.model_dump(mode="json") for n, h in found.items()}
            body = canonical_json(told).encode()
            self.log.save(
                found_here("headings", request, body, content_type="application/json", at=self.clock())
            )
            return found
        return {n: None if h is None else Heading.model_validate(h) for n, h in json.loads(kept.body).items()}

    @staticmethod
    def _heading(name: str, vocabulary: Words) -> Heading | None:
        found = vocabulary.lookup(name)
        return (
            None
            if found is None
            else Heading(name=found.name, entry_terms=vocabulary.entry_terms(found.name))
        )
