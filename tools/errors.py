"""Our errors on one page, widest first; each message ends with what to do next.

ReviewError                  anything this project raises on purpose
├── ConfigError              review.yaml, or an argument, is wrong; exit status 2
├── InputFileError           a file the user gave cannot be read as what it should be; exit status 2
├── NotAllowed               the request would break a rule of the review; exit status 2
├── Busy                     another process is advancing this review; exit status 2
├── SourceError              a bibliographic service did not give us records
│   ├── SourceRefused        it understood and said no: the query must change; exit status 2
│   └── SourceUnavailable    theirs to mend: the run stops and can be resumed; exit status 4
├── EngineError              the reasoning engine did not answer (see model.engine for its own tree)
├── StoreError               the review's database, its blobs or the disk under them; exit status 1
├── ReplayMiss               a replay asked for something the review never stored; exit status 1
└── Unaccounted              records were lost or invented on the way: a bug of ours, never hidden

An *answer that failed* is not an exception at all but `schemas.Failed`: it is stored, counted
and shown to a person.
"""

from collections.abc import Iterable

__all__ = [
    "Busy",
    "ConfigError",
    "EngineError",
    "InputFileError",
    "NotAllowed",
    "ReplayMiss",
    "ReviewError",
    "SourceError",
    "SourceRefused",
    "SourceUnavailable",
    "StoreError",
    "Unaccounted",
]


class ReviewError(Exception):
    """Anything this project raises on purpose. `exit_status` is what the command line returns."""

    exit_status = 1


class ConfigError(ReviewError):
    """review.yaml or an argument cannot be used as it stands; `problems` holds one line per mistake."""

    exit_status = 2

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class InputFileError(ReviewError):
    """A file the user gave is missing, empty, or not in the format it should be in."""

    exit_status = 2


class NotAllowed(ReviewError):
    """A request that would break a rule of the review: a stale hash, a gate that is not open, …"""

    exit_status = 2


class Busy(ReviewError):
    """Another process is advancing this review. Deciding at a gate is still possible."""

    exit_status = 2


class SourceError(ReviewError):
    """A bibliographic service did not give us records. Never to be read as "0 results"."""


class SourceRefused(SourceError):
    """The service understood the request and said no; asking again cannot help."""

    exit_status = 2

    def __init__(self, source: str, query: str, said: str, remedy: str) -> None:
        super().__init__(f"{source} rejected the query: {said}\n  query: {query}\n  remedy: {remedy}")
        self.source, self.query, self.said, self.remedy = source, query, said, remedy


class SourceUnavailable(SourceError):
    """The service could not be reached, or answered nonsense, until our patience ended."""

    exit_status = 4

    def __init__(self, source: str, what: str, *, divisible: bool = False) -> None:
        super().__init__(f"{source} is not available: {what}")
        self.source, self.what = source, what
        self.divisible = divisible
        """It does answer, but not this question as a whole; smaller questions may get through."""


class EngineError(ReviewError):
    """The reasoning engine did not give a usable answer. `kind` names the reason in one word."""

    kind = "engine"
    call_key = ""
    """The stored call that failed, once it is stored."""
    tokens_in: int | None = None
    tokens_out: int | None = None
    """What it cost all the same, where the engine told."""


class StoreError(ReviewError):
    """The review's database or its blobs cannot be read or written."""


class ReplayMiss(ReviewError):
    """A replay needed a call or an exchange that the review never stored."""


class Unaccounted(ReviewError):
    """Records that went into a step did not all come out, or came out twice."""

    def __init__(self, step: str, lost: Iterable[str], extra: Iterable[str]) -> None:
        self.step, self.lost, self.extra = step, tuple(sorted(lost)), tuple(sorted(extra))
        super().__init__(
            f"{step}: {len(self.lost)} records lost {list(self.lost[:5])}, "
            f"{len(self.extra)} invented or doubled {list(self.extra[:5])}. This is a bug of ours: "
            "nothing was written; please report it with the output of `python -m agent trace`."
        )
