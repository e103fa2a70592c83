"""An HTTP transport for hundreds of requests in flight: a connection each, and no common book-keeping.

httpx's own pool looks at every connection for every request. With 256 in flight that costs several milliseconds
of computing for each, more than all the rest of a request, and holds up everybody in the event loop. Here a free
connection is taken from a stack and put back: it does not matter how many others there are.
"""

from __future__ import annotations

import json
import ssl
from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

__all__ = ["Spread", "aside"]

IDLE_S = 4.0
"""After so long an unused connection is not used again. Servers close theirs after 5 (uvicorn, and so vLLM), and
a request that crosses the closing on its way is lost."""

aside: ContextVar[list[Any] | None] = ContextVar("aside", default=None)
"""Where it is a list, a reply's `logprobs` are put there instead of being left in the reply.

They are thousands of small objects, of which a client that types each makes ten times the work of all the rest.
"""

_OF_THE_BODY = ("content-encoding", "content-length", "transfer-encoding")
"""Headers that no longer hold once a body has been read."""


class Spread(httpx.AsyncBaseTransport):
    """As many connections as there are requests in flight; the one used last is used next."""

    def __init__(self, base_url: str, *, trust_env: bool) -> None:
        """
        Args:
            base_url: the one server that will be asked.
            trust_env: whether proxies of the environment are for us.
        """
        self._proxy = _proxy_for(base_url) if trust_env else None
        # Reading the machine's certificates takes 20 ms, which a server without any need not wait for.
        plain = urlsplit(base_url).scheme == "http" and self._proxy is None
        self._verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else httpx.create_ssl_context()
        self._free: list[httpx.AsyncHTTPTransport] = []
        self._made: list[httpx.AsyncHTTPTransport] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Ask, and read the whole reply."""
        transport = self._free.pop() if self._free else self._another()
        try:
            response = await transport.handle_async_request(request)
            try:
                body = await response.aread()
            finally:
                await response.aclose()
        finally:
            self._free.append(transport)
        headers = [
            (name, value) for name, value in response.headers.multi_items() if name not in _OF_THE_BODY
        ]
        taken = aside.get()
        if taken is not None and response.status_code == httpx.codes.OK:
            body = _without_logprobs(body, taken)
        return httpx.Response(response.status_code, headers=headers, content=body)

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._made:
            await transport.aclose()

    def _another(self) -> httpx.AsyncHTTPTransport:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=IDLE_S)
        transport = httpx.AsyncHTTPTransport(
            verify=self._verify, trust_env=False, limits=limits, proxy=self._proxy
        )
        self._made.append(transport)
        return transport


def _proxy_for(base_url: str) -> str | None:
    parts = urlsplit(base_url)
    if proxy_bypass(parts.netloc):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def _without_logprobs(body: bytes, taken: list[Any]) -> bytes:
    """The same reply with its `logprobs` in `taken`; as it is where it is no chat completion."""
    try:
        told = json.loads(body)
        found = [choice.pop("logprobs", None) for choice in told["choices"]]
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return body  # whoever reads it next says what is wrong
    taken.extend(found)
    return json.dumps(told).encode()
