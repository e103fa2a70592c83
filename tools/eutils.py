"""NCBI's E-utilities through Biopython: requests by `Bio.Entrez`, everything else by our transport.

`Bio.Entrez` knows how to spell a request. Its address, its limiter (per process, not for
threads) and its retries (three at once, without a pause) are replaced: the request that it
built is handed to `Transport`, as a POST, so that neither the API key nor a long strategy
ever stands in a URL.

Source: NBK25497, NBK25499 (E-utilities Help); Bio.Entrez 1.88.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import parse_qsl, urlsplit
from urllib.request import Request

from tools.exchange import Call, Judgement, Reply, Service, excerpt, judge_status
from tools.transport import Transport

if TYPE_CHECKING:
    from lxml import etree

__all__ = [
    "BASE_URL",
    "GAP_S",
    "SERVICE",
    "Caller",
    "Params",
    "Utility",
    "ask",
    "call_of",
    "history_expired",
    "judge",
    "service",
    "xml_parser",
]

Utility: TypeAlias = Literal["esearch", "efetch", "epost", "esummary", "einfo", "elink"]

Params: TypeAlias = Mapping[str, "str | Sequence[str]"]
"""As NBK25499 names them; several values are a repeated parameter, as ELink takes them one by one."""

Look: TypeAlias = "Callable[[etree._Element], Judgement]"
"""Judges the content of a well-formed answer, given its root."""

SERVICE = "eutils"
BASE_URL = "https://eutils.ncbi.nlm.nih.gov/entrez/eutils/"

GAP_S = {"anonymous": 0.37, "keyed": 0.11}
"""NCBI allows 3 calls a second, or 10 with a key (NBK25497). A bare third of a second still meets
429 now and then, as Biopython found out; hence about a tenth more."""

_SWAP = threading.Lock()
"""Held while Bio.Entrez' module globals are ours; its functions only build requests meanwhile."""

_REFUSALS = (
    "cannot be larger than",
    "empty term",
    "empty id list",
    "id list is empty",
    "invalid db name",
    "invalid value",
    "unable to obtain query",
    "cannot retrieve history data",
    "webenv not found",
    "unknown webenv",
)
"""Words inside an error that say the request itself is wrong. All other errors count as theirs to
mend: an outage that reads as a refusal stops a review for good, a refusal that reads as an
outage only costs minutes."""

_EXPIRED = ("webenv not found", "unknown webenv", "unable to obtain query", "cannot retrieve history data")


@dataclass(frozen=True)
class Caller:
    """Who asks: NCBI wants a name and an address with every call (NBK25497)."""

    email: str
    api_key: str | None = None
    tool: str = "leads-agent"


def service(base_url: str | None = None, *, api_key: str | None = None, gap_here: bool = False) -> Service:
    """The service for `Transport(services={SERVICE: …})`; another address for a local server or mirror.

    `gap_here` keeps NCBI's rate towards this very machine, too: for measuring.
    """
    gap_s = GAP_S["keyed" if api_key else "anonymous"]
    return Service(base_url=base_url or BASE_URL, gap_s=gap_s, gap_here=gap_here)


def history_expired(said: str) -> bool:
    """Does this refusal mean that the history server forgot our search?"""
    return any(words in said.lower() for words in _EXPIRED)


def ask(
    transport: Transport,
    utility: Utility,
    *,
    caller: Caller,
    event: str,
    params: Params,
    stands_for: Mapping[str, str] | None = None,
    root: str,
    look: Look | None = None,
    attempts: int | None = None,
) -> Reply:
    """Ask one E-utility.

    Args:
        transport: with a service named `SERVICE`.
        utility: a function of `Bio.Entrez`.
        caller: sent along, never stored.
        event: the search event.
        params: as NBK25499 names them.
        stands_for: identity of the question where `params` point at the history server.
        root: root element of a good answer.
        look: see `judge`.
        attempts: see `Transport.exchange`.

    Raises:
        SourceRefused, SourceUnavailable, ReplayMiss: see `Transport.exchange`.
    """
    call = call_of(utility, caller=caller, event=event, params=params, stands_for=stands_for)
    return transport.exchange(call, lambda reply: judge(reply, root, look), attempts=attempts)


def call_of(
    utility: Utility,
    *,
    caller: Caller,
    event: str,
    params: Params,
    stands_for: Mapping[str, str] | None = None,
) -> Call:
    """The call that `ask` makes."""
    from Bio import Entrez

    call = _request(getattr(Entrez, utility), caller, params)
    told = None if stands_for is None else tuple(sorted(stands_for.items()))
    return call.model_copy(update={"event": event, "stands_for": told})


def _request(function: Callable[..., Any], caller: Caller, params: Params) -> Call:
    """What Bio.Entrez would send, as a call of ours."""
    sent: list[Request] = []
    who = {"tool": caller.tool, "email": caller.email, "api_key": caller.api_key}
    with _entrez_opens(sent.append):
        function(**params, **who)
    (request,) = sent
    url = urlsplit(request.full_url)
    form = request.data.decode() if isinstance(request.data, bytes) else url.query
    pairs = parse_qsl(form, keep_blank_values=True, strict_parsing=True)
    path = url.path.rpartition("/")[2]
    return Call(service=SERVICE, method="POST", path=path, params=tuple(pairs), event="")


@contextmanager
def _entrez_opens(take: Callable[[Request], None]) -> Iterator[None]:
    """Inside, requests that Bio.Entrez builds go to `take`; its own limiter and retries are off."""
    from Bio import Entrez

    entrez: Any = Entrez  # its globals are not part of its declared interface

    def urlopen(request: Request) -> _Nothing:
        take(request)
        return _Nothing()

    with _SWAP:
        before = entrez.urlopen, entrez.max_tries
        # Its limiter would sleep 0.37 s on top of ours, also where the answer lies in the log.
        entrez.urlopen, entrez.max_tries, entrez._open.previous = urlopen, 1, 0
        try:
            yield
        finally:
            entrez.urlopen, entrez.max_tries = before


class _Nothing(io.BytesIO):
    """What Bio.Entrez gets instead of a response: it only looks at the media type."""

    def __init__(self) -> None:
        super().__init__()
        self.headers = Message()
        self.headers["content-type"] = "text/xml"


def judge(reply: Reply, root: str, look: Look | None = None) -> Judgement:
    """Tell an answer from NCBI's many ways of failing, most of them inside a 200. Pure.

    Args:
        reply: any reply of an E-utility asked for XML.
        root: the element that a good answer has as its root.
        look: judges the content once the form is right.

    Returns:
        `ok` only for a complete, well-formed document with that root and without an error;
        an error, a page of HTML or half a document is never an answer with no results.
    """
    by_status = judge_status(reply)
    if by_status.kind == "transient":
        return by_status
    found = _document(reply.body)
    if isinstance(found, str):
        # A set that began well and breaks off or breaks down: one of its records may be to blame.
        broken = f"<{root}".encode() in reply.body
        answer = Judgement(kind="transient", said=found, divisible=broken)
        return by_status if by_status.kind != "ok" else answer
    errors = " / ".join(text for e in found.iter("ERROR") if (text := str(e.xpath("string()")).strip()))
    if errors:
        refused = by_status.kind == "permanent" or any(words in errors.lower() for words in _REFUSALS)
        return Judgement(kind="permanent" if refused else "transient", said=" ".join(errors.split()))
    if by_status.kind != "ok":
        return by_status
    if found.tag != root:
        return Judgement(kind="transient", said=f"<{found.tag}> instead of <{root}>: {excerpt(reply.body)}")
    return look(found) if look else Judgement(kind="ok")


def _document(body: bytes) -> etree._Element | str:
    """The root of a complete XML document, or what is wrong with it."""
    from lxml import etree

    if not body.strip():
        return "an empty answer"
    try:
        return etree.fromstring(body, xml_parser())
    except etree.XMLSyntaxError as e:
        return f"no complete XML ({e.msg}): {excerpt(body)}"


def xml_parser() -> etree.XMLParser:
    """A parser for documents of strangers: no DTD, no external entity, no network, no huge tree.

    NCBI's answers carry a DOCTYPE, so that alone is no reason to refuse one.
    """
    from lxml import etree

    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
