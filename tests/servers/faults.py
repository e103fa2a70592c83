"""How a service misbehaves, as values: `Fault("efetch", nth=2, behaviour=unavailable())`.

Each behaviour is one that NCBI has been seen with. A further one is a further function here, or in the module
of its service. A *fault script* is a YAML list of them; `load` reads one, and `scripts/full.yaml` has all.
"""

from __future__ import annotations

import gzip
import importlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import yaml


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
    drip_s: float = 0.0
    """The body comes in twenty pieces with so many seconds after each."""


class Forgetful(Protocol):
    """The part of a service that a fault may touch."""

    def forget(self) -> None: ...


Behaviour = Callable[[Mapping[str, str], Callable[[], Answer], Forgetful], Answer]
"""Given the parameters, what a healthy service would say, and the service."""


@dataclass(frozen=True)
class Fault:
    """When to misbehave, and how.

    `utility` is one such as `efetch`, `studies` or `studies/NCT00000001`, or `*`; `nth` counts the requests
    for it (ids left out) from 1, and 0 is every one.
    """

    utility: str
    nth: int
    behaviour: Behaviour

    def meets(self, utility: str, count: int) -> bool:
        return self.utility in ("*", utility, utility.partition("/")[0]) and self.nth in (0, count)


def load(script: str | Path) -> list[Fault]:
    """A fault script by its path, or by the name of one in `scripts/`.

    Each entry has `utility`, `nth` (a number, or a list of numbers), `does` (a function of this module, or
    `module.function` of this package) and, where it takes some, its arguments as `with`.

    Raises:
        ValueError: an entry is not of that form, or names no behaviour.
    """
    named = Path(__file__).parent / "scripts" / f"{script}.yaml"
    entries = yaml.safe_load((named if named.is_file() else Path(script)).read_text(encoding="utf-8"))
    faults: list[Fault] = []
    for entry in entries:
        if not {"utility", "nth", "does"} <= entry.keys() <= {"utility", "nth", "does", "with"}:
            raise ValueError(f"not an entry of a fault script: {entry}")
        numbers = entry["nth"] if isinstance(entry["nth"], list) else [entry["nth"]]
        behaviour = _behaviour(entry["does"], entry.get("with", {}))
        faults.extend(Fault(entry["utility"], number, behaviour) for number in numbers)
    return faults


def _behaviour(name: str, arguments: Mapping[str, Any]) -> Behaviour:
    module, _, function = name.rpartition(".")
    found = getattr(importlib.import_module(f"tests.servers.{module or 'faults'}"), function, None)
    if found is None:
        raise ValueError(f"no behaviour is called {name!r}")
    behaviour: Behaviour = found(**arguments)
    return behaviour


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


def slow_drip(pause_s: float = 0.05) -> Behaviour:
    """The right answer, in twenty small pieces."""
    return _changed(lambda answer: replace(answer, drip_s=pause_s))


def cut_gzip() -> Behaviour:
    """Half of a compressed answer, with the length of that half: whole by HTTP."""

    def cut(answer: Answer) -> Answer:
        packed = gzip.compress(answer.body, mtime=0)
        headers = {**answer.headers, "Content-Encoding": "gzip"}
        return replace(answer, body=packed[: len(packed) // 2], headers=headers)

    return _changed(cut)


def count_moves(by: int = 1) -> Behaviour:
    """PubMed grew between counting and listing: the count no longer fits the ids."""

    def moved(answer: Answer) -> Answer:
        count = re.search(rb"<Count>(\d+)</Count>", answer.body)
        if count is None:
            return answer
        new = b"<Count>%d</Count>" % (int(count[1]) + by)
        return replace(answer, body=answer.body.replace(count[0], new, 1))

    return _changed(moved)


_ARTICLE = re.compile(rb"<Pubmed(Book)?Article>.*?</Pubmed(Book)?Article>\n?", re.S)


def without_the_first() -> Behaviour:
    """One of the records does not come."""
    return _changed(lambda answer: replace(answer, body=_ARTICLE.sub(b"", answer.body, count=1)))


def with_deleted(pmid: str) -> Behaviour:
    """News of a PMID that was deleted, in the same set."""
    gone = f'<DeleteCitation><PMID Version="1">{pmid}</PMID></DeleteCitation></PubmedArticleSet>'.encode()
    return altered(b"</PubmedArticleSet>", gone)


def broken_by(pmid: str) -> Behaviour:
    """Answers that should hold this record break off inside it."""

    def broken(answer: Answer) -> Answer:
        place = answer.body.find(b">%b</PMID>" % pmid.encode())
        return answer if place < 0 else replace(answer, body=answer.body[:place])

    return _changed(broken)
