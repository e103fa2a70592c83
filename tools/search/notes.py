"""What a person should be told about a strategy before approving it; kept, so that a replay says the same."""

import json
from collections.abc import Callable

from tools.errors import ReplayMiss
from tools.exchange import ExchangeLog, found_here, key_of
from tools.schemas import canonical_json
from tools.search import query as queries

__all__ = ["NO_VOCABULARY", "Notes"]

NO_VOCABULARY = (
    "no vocabulary is installed: only the review's own words are searched, and headings are not checked; "
    "`python -m agent vocabulary install` gets MeSH"
)


class Notes:
    """Lints strategies with the vocabulary at hand, whose identity is part of each key."""

    def __init__(
        self,
        identity: str,
        vocabulary: queries.Headings | None,
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
