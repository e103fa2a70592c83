"""A file from an address that a record led us to: fetched as from a stranger.

Such an address comes from data, so it could name this machine, the network it stands in, or the address under which
a cloud gives out its keys. Hence: https on its usual port only; every address the name stands for must be a public
one, and the connection goes to the very address that was checked, so that the name cannot change its mind in between;
each redirect is checked in the same way, five at most; no cookies, no proxy, no credentials, nothing of the review in
the request; and limits on size and time that count from the first byte to the last.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from tools.errors import ReviewError

__all__ = ["Fetched", "NotFetched", "Policy", "fetch", "is_public", "resolved"]

Resolver = Callable[[str, int], Sequence[str]]

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_REDIRECTS = (301, 302, 303, 307, 308)
_LOCAL_NAMES = (".local", ".localhost", ".internal", ".lan", ".home", ".corp", ".intranet", ".arpa", ".onion")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class NotFetched(ReviewError):
    """The file did not come: refused by our rules, or not given by its host."""


@dataclass(frozen=True)
class Fetched:
    """A file and where it lay in the end."""

    data: bytes
    url: str
    content_type: str


def is_public(given: str) -> bool:
    """Whether this IP address belongs to a machine of the open internet, also inside IPv6's ways of writing IPv4."""
    address: _Address = ipaddress.ip_address(given.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def resolved(host: str, port: int) -> list[str]:
    """The addresses that the system's resolver gives, in its order.

    Raises:
        NotFetched: it gives none.
    """
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as e:
        raise NotFetched(f"the name {host} leads nowhere") from e
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


@dataclass(frozen=True)
class Policy:
    """What is fetched at all. The defaults are the rules; tests alone have others."""

    scheme: str = "https"
    port: int = 443
    is_allowed: Callable[[str], bool] = is_public
    resolve: Resolver = resolved
    max_bytes: int = 100 * 2**20
    total_s: float = 120.0
    silence_s: float = 20.0
    redirects: int = 5
    context: ssl.SSLContext | None = None
    """Who is trusted to say that a host is the one it says it is; None: the usual authorities."""
    monotonic: Callable[[], float] = field(default=time.monotonic)


def fetch(url: str, policy: Policy | None = None) -> Fetched:
    """Fetch a file.

    Raises:
        NotFetched: with the reason in words; it names the host, never the whole address.
    """
    policy = policy or Policy()
    end = policy.monotonic() + policy.total_s
    for _ in range(policy.redirects + 1):
        host = _host(url, policy)
        answer = _asked(url, host, _pinned(host, policy), policy, end)
        if isinstance(answer, Fetched):
            return answer
        url = urljoin(url, answer)
    raise NotFetched(f"{_shown(url)} sends us on and on")


def _host(url: str, policy: Policy) -> str:
    """The host of an address that our rules allow."""
    if len(url) > 2000 or not url.isascii() or any(ch <= " " or ch == "\\" or ch == "\x7f" for ch in url):
        raise NotFetched("its address holds signs that have no place there")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as e:
        raise NotFetched("its address cannot be understood") from e
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme != policy.scheme:
        raise NotFetched(f"{_shown(url)} is not offered over {policy.scheme}")
    if "@" in parts.netloc or port not in (None, policy.port) or not host:
        raise NotFetched(f"{_shown(url)} has a name, a password or a port in its address")
    if "." not in host and ":" not in host:
        raise NotFetched(f"{host} is a name of a local network")
    if host.endswith(_LOCAL_NAMES):
        raise NotFetched(f"{host} is a name of a local network")
    return host


def _shown(url: str) -> str:
    try:
        return urlsplit(url).hostname or "its address"
    except ValueError:
        return "its address"


def _pinned(host: str, policy: Policy) -> str:
    """The address to connect to; one private address among them condemns the name."""
    addresses = policy.resolve(host, policy.port)
    if not addresses:
        raise NotFetched(f"the name {host} leads nowhere")
    for address in addresses:
        try:
            allowed = policy.is_allowed(address)
        except ValueError as e:
            raise NotFetched(f"the name {host} leads to what is no address") from e
        if not allowed:
            raise NotFetched(f"{host} is a machine of a private network")
    return addresses[0]


def _asked(url: str, host: str, address: str, policy: Policy, end: float) -> "Fetched | str":
    """The file, or where it has gone to; one connection, nothing kept."""
    import httpx

    left = end - policy.monotonic()
    if left <= 0:
        raise NotFetched(f"{host} took longer than {policy.total_s:.0f} s")
    ip = f"[{address}]" if ":" in address else address
    target = httpx.URL(url).copy_with(netloc=f"{ip}:{policy.port}".encode())
    headers = {
        "Host": host,
        "User-Agent": "leads-agent (systematic review; open-access full texts)",
        "Accept": "application/pdf, application/xml;q=0.9, */*;q=0.1",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    timeout = httpx.Timeout(min(policy.silence_s, left))
    verify: ssl.SSLContext | bool = policy.context or True
    try:
        with (
            httpx.Client(
                transport=httpx.HTTPTransport(verify=verify, trust_env=False), follow_redirects=False
            ) as client,
            client.stream(
                "GET", target, headers=headers, timeout=timeout, extensions={"sni_hostname": host}
            ) as response,
        ):
            if response.status_code in _REDIRECTS and "location" in response.headers:
                return response.headers["location"]
            return _body(response, url, host, policy, end)
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as e:
        raise NotFetched(f"{host} did not answer ({type(e).__name__})") from e


def _body(response: "object", url: str, host: str, policy: Policy, end: float) -> Fetched:
    import httpx

    assert isinstance(response, httpx.Response)
    if response.status_code != 200:
        raise NotFetched(f"{host} answered {response.status_code}")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise NotFetched(f"{host} sent it packed, unasked")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind.startswith("text/html"):
        raise NotFetched(f"{host} gave a web page in place of the article")
    data = bytearray()
    for chunk in response.iter_raw():
        data += chunk
        if len(data) > policy.max_bytes:
            raise NotFetched(f"{host} sent more than {policy.max_bytes:,} bytes")
        if policy.monotonic() > end:
            raise NotFetched(f"{host} took longer than {policy.total_s:.0f} s")
    return Fetched(bytes(data), url, kind)
