"""What passes between us and a service, as values: calls, replies, judgements, and the policies over them.

A `Call` says what is asked, never where: addresses, credentials and names of people are the
transport's business and are no part of the identity of an exchange. So a review replays on
another machine, with another key, and finds the same stored answers. Pure: no I/O, no clock,
no randomness.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, Protocol, runtime_checkable
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from tools.schemas import Frozen, canonical_json, sha256_of

__all__ = [
    "Browsable",
    "Call",
    "ExchangeLog",
    "Judgement",
    "Patience",
    "Reply",
    "Service",
    "StoredExchange",
    "difference",
    "excerpt",
    "found_here",
    "judge_status",
    "key_of",
    "pause_s",
    "redact",
    "retry_after_s",
]

UNRECORDED = frozenset({"api_key", "email", "tool"})
"""Parameters that say who asks, not what is asked: in no key, in no stored request, in no message."""

_CREDENTIAL = re.compile(r"""((?:api[-_]?key|email)["']?\s*[:=]\s*["']?)[^&\s"',}<]+""", re.IGNORECASE)
_IP_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")


# Values ------------------------------------------------------------------------------------------


class Service(Frozen):
    """Where a service is, and how often it may be asked."""

    base_url: str = Field(description="With a final slash, which is added; paths of calls follow it.")
    gap_s: float = Field(
        default=0.0, ge=0, description="Least time between the starts of two calls of one host."
    )
    gap_here: bool = Field(
        default=False, description="Keep the gap towards this very machine as well: for measuring."
    )

    @field_validator("base_url")
    @classmethod
    def _is_a_folder(cls, url: str) -> str:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ValueError(f"not an address of a web service: {url!r}; it looks like https://host/path/")
        return url if url.endswith("/") else url + "/"

    @property
    def is_rated(self) -> bool:
        """Whether calls have to wait for each other."""
        return self.gap_s > 0 and (self.gap_here or not self.is_loopback)

    @property
    def is_loopback(self) -> bool:
        """This very machine: nobody to be polite to, and no proxy on the way."""
        host = urlsplit(self.base_url).hostname or ""
        if host == "localhost":
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:  # a name, not an address
            return False


class Call(Frozen):
    """One question to one service."""

    service: str
    path: str
    method: Literal["GET", "POST"] = "GET"
    params: tuple[tuple[str, str], ...] = Field(default=(), description="Query of a GET, form of a POST.")
    event: str = Field(description="The search event: a new event is a new exchange.")
    stands_for: tuple[tuple[str, str], ...] | None = Field(
        default=None,
        description="Parameters that identify the question, where the sent ones name a temporary place at "
        "the service (such as a history server) that will be another one tomorrow.",
    )

    @field_validator("path")
    @classmethod
    def _stays_below_the_address(cls, path: str) -> str:
        # Paths may hold ids that came from records, and text from records never becomes an address. Percent signs
        # stand for the brackets, colons and such that DOIs hold, never for a dot, a slash or a percent sign.
        escaped = "%(?:2[0-46-9A-C]|3[A-F]|40|5[BD])"
        start, sign = f"(?:[A-Za-z0-9_~-]|{escaped})", f"(?:[A-Za-z0-9._~-]|{escaped})"
        if not re.fullmatch(f"{start}{sign}*(?:/{start}{sign}*)*", path):
            raise ValueError(f"not a path below a service's address: {path!r}")
        return path

    @property
    def request(self) -> str:
        """Canonical JSON of what is asked: no address, no secret, nobody's name. This is what is stored."""
        told = self.params if self.stands_for is None else self.stands_for
        params = sorted((name, value) for name, value in told if name not in UNRECORDED)
        return canonical_json(
            {
                "service": self.service,
                "method": self.method,
                "path": self.path,
                "params": params,
                "event": self.event,
            }
        )

    @property
    def key(self) -> str:
        """See `key_of`."""
        return key_of(self.request)


class Judgement(Frozen):
    """What a reply is worth.

    ok         an answer, to be stored and used
    transient  theirs to mend: ask again
    permanent  they understood and said no: asking again cannot help
    """

    kind: Literal["ok", "transient", "permanent"]
    said: str = Field(default="", description="The service's own words, or what is wrong with the reply.")
    divisible: bool = Field(
        default=False, description="Asking for less at once may help: something in the answer is broken."
    )


class Reply(Frozen):
    """What came back."""

    status: int
    headers: Mapping[str, str] = Field(default_factory=dict, description="Lower-case names, a few only.")
    body: bytes
    at: str = Field(description="UTC, ISO 8601: when it was received, also when it comes from the log.")
    from_store: bool = False

    @property
    def content_type(self) -> str:
        """Media type without parameters, lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class StoredExchange(Frozen):
    """A question and its final answer, as the review keeps them."""

    key: str
    service: str
    request: str = Field(description="`Call.request`; `key` is its hash.")
    status: int
    content_type: str
    body: bytes
    at: str = Field(description="UTC, ISO 8601.")


def key_of(request: str) -> str:
    """Identity of an exchange, from its canonical request. `v1:` names this recipe; change it, change the tag."""
    return "v1:" + sha256_of(request)


def found_here(service: str, request: str, body: bytes, *, content_type: str, at: str) -> StoredExchange:
    """Something that was found out and not by HTTP, in the form in which a review keeps exchanges."""
    return StoredExchange(
        key=key_of(request),
        service=service,
        request=request,
        status=200,
        content_type=content_type,
        body=body,
        at=at,
    )


class ExchangeLog(Protocol):
    """Where exchanges are kept. Both methods may be called from several threads."""

    def find(self, key: str) -> StoredExchange | None:
        """The exchange with this key, if there was one."""
        ...

    def save(self, exchange: StoredExchange) -> None:
        """Keep it. Saving a key twice keeps the first."""
        ...


@runtime_checkable
class Browsable(Protocol):
    """A log that can also list its requests, so that a replay miss can show the nearest one."""

    def requests(self, service: str) -> Iterable[str]:
        """`StoredExchange.request` of everything kept for a service."""
        ...


class Patience(Frozen):
    """How long to wait before a service counts as unavailable."""

    connect_s: float = 10.0
    call_s: float = Field(
        default=120.0, description="For one attempt, first byte sent to last byte received."
    )
    total_s: float = Field(default=300.0, description="For all attempts, pauses and the queue together.")
    attempts: int = Field(default=8, ge=1)
    max_bytes: int = Field(default=64 * 2**20, description="Cap on a body, after decompression.")


# Policies, pure ----------------------------------------------------------------------------------


def judge_status(reply: Reply) -> Judgement:
    """Judge by the status alone; services that put errors inside a 200 have their own judge."""
    if 200 <= reply.status < 300:
        return Judgement(kind="ok")
    # 429 is throttling and 408 and 425 are timing: the 4xx where asking again later is what is wanted.
    kind: Literal["transient", "permanent"] = "permanent"
    if reply.status in (408, 425, 429) or reply.status >= 500:
        kind = "transient"
    return Judgement(kind=kind, said=f"HTTP {reply.status}: {excerpt(reply.body)}")


def pause_s(attempt: int, retry_after_s: float | None, chance: float) -> float:
    """Seconds to wait before attempt `attempt + 1`.

    Args:
        attempt: how many attempts have failed so far, from 1.
        retry_after_s: the server's own Retry-After, which always wins.
        chance: in [0, 1), drawn by the caller; spreads the pause by ±25 % so that clients
            who failed together do not come back together.

    Returns:
        1, 2, 4, … with that spread, never above 30; or `retry_after_s`.
    """
    if retry_after_s is not None:
        return max(0.0, retry_after_s)
    return min(30.0, 2.0 ** min(attempt - 1, 10) * (0.75 + 0.5 * chance))


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read Retry-After, in seconds or as a date (RFC 9110, 10.2.3); None when absent or unreadable."""
    value = headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds())


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Take credentials and addresses out of a text that a person or a file will see.

    NCBI's own 429 answer echoes the key, or the caller's address where there is none.
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[redacted]")
    return _IP_ADDRESS.sub("[redacted]", _CREDENTIAL.sub(r"\1[redacted]", text))


def excerpt(body: bytes, limit: int = 160) -> str:
    """The beginning of a body on one line, for messages."""
    return redact(" ".join(body[: limit * 4].decode("utf-8", "replace").split()))[:limit] or "(empty)"


def difference(request: str, kept: Iterable[str]) -> str:
    """How a request differs from the nearest one that is kept; empty when nothing is kept."""

    def likeness(other: str) -> float:
        # quick_ratio, not ratio: requests hold thousands of ids, and the exact measure is quadratic.
        return difflib.SequenceMatcher(None, other, request).quick_ratio()

    near = max(kept, key=likeness, default="")
    return "\n".join(
        difflib.unified_diff(_lines(near), _lines(request), "stored", "asked", n=0, lineterm="")
        if near
        else ()
    )


def _lines(request: str) -> list[str]:
    """A request with one parameter, id or operand on each line, so that a difference can be read."""
    return re.sub(r"(,| (?=(?:OR|AND|NOT) ))", r"\1\n", request).splitlines()
