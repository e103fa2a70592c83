"""How a service misbehaves, as values: `Fault("efetch", nth=2, behaviour=unavailable())`.

Each behaviour is one that NCBI has been seen with. A further one is a further function here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol


@dataclass(frozen=True)
class Answer:
    """What goes out."""

    body: bytes
    status: int = 200
    content_type: str = "text/xml; charset=UTF-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    reset: bool = False
    """The connection breaks instead."""
    cut_after: int | None = None
    """The connection ends after so many bytes of the body, although more were promised."""


class Forgetful(Protocol):
    """The part of a service that a fault may touch."""

    def forget(self) -> None: ...


Behaviour = Callable[[Mapping[str, str], Callable[[], Answer], Forgetful], Answer]
"""Given the parameters, what a healthy service would say, and the service."""


@dataclass(frozen=True)
class Fault:
    """When to misbehave, and how.

    `utility` is one such as `efetch`, or `*`; `nth` counts its requests from 1, and 0 is every one.
    """

    utility: str
    nth: int
    behaviour: Behaviour

    def meets(self, utility: str, count: int) -> bool:
        return self.utility in ("*", utility) and self.nth in (0, count)


def _always(answer: Answer) -> Behaviour:
    return lambda params, healthy, service: answer


def _changed(change: Callable[[Answer], Answer]) -> Behaviour:
    return lambda params, healthy, service: change(healthy())


def too_many_requests(*, status: int = 429, retry_after: str | None = None) -> Behaviour:
    """NCBI's throttling: it echoes the key, or the caller's address; also seen with status 200."""

    def behave(params: Mapping[str, str], healthy: Callable[[], Answer], service: Forgetful) -> Answer:
        body = {"error": "API rate limit exceeded", "count": "4", "limit": "3"}
        body["api-key"] = params.get("api_key", "203.0.113.7")
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        return Answer(json.dumps(body).encode(), status, "application/json", headers)

    return behave


def unavailable(status: int = 503) -> Behaviour:
    return _always(Answer(b"<html><body>Service Unavailable</body></html>", status, "text/html"))


def html_page() -> Behaviour:
    """A maintenance page that claims success."""
    return _always(
        Answer(b"<!DOCTYPE html><html><body><h1>Down for maintenance</h1></body></html>", 200, "text/html")
    )


def reset() -> Behaviour:
    return _always(Answer(b"", reset=True))


def empty() -> Behaviour:
    return _always(Answer(b""))


def prolog_only() -> Behaviour:
    """A document without its root."""
    return _always(Answer(b'<?xml version="1.0" encoding="UTF-8" ?>\n'))


def error_inside(text: str, root: str = "eSearchResult") -> Behaviour:
    """An error that comes with status 200."""
    return _always(Answer(f'<?xml version="1.0" ?>\n<{root}><ERROR>{text}</ERROR></{root}>'.encode()))


def truncated() -> Behaviour:
    """Half of what was promised."""
    return _changed(lambda answer: replace(answer, cut_after=len(answer.body) // 2))


def half_a_document() -> Behaviour:
    """A whole answer by HTTP, half a document by XML."""
    return _changed(lambda answer: replace(answer, body=answer.body[: len(answer.body) // 2]))


def without(pmid: str) -> Behaviour:
    """One record does not come."""
    article = re.compile(
        rb"<PubmedArticle><MedlineCitation[^>]*><PMID[^>]*>%b</PMID>.*?</PubmedArticle>" % pmid.encode(), re.S
    )
    return _changed(lambda answer: replace(answer, body=article.sub(b"", answer.body)))


def altered(old: bytes, new: bytes) -> Behaviour:
    """Something in the answer is different."""
    return _changed(lambda answer: replace(answer, body=answer.body.replace(old, new)))


def forgotten_history() -> Behaviour:
    """The history server loses every search, as it does after some hours."""

    def behave(params: Mapping[str, str], healthy: Callable[[], Answer], service: Forgetful) -> Answer:
        service.forget()
        return healthy()

    return behave


def redirect(location: str) -> Behaviour:
    return _always(Answer(b"", 302, headers={"Location": location}))
