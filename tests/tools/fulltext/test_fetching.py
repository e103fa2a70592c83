"""Files from strangers: what is fetched, and every way in which an address could lead where it must not."""

import shutil
import socket
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.servers import serving
from tests.servers.faults import Answer
from tools.fulltext.fetching import NotFetched, Policy, fetch, is_public

PDF = b"%PDF-1.7 words %%EOF"


class Host:
    """Pages by their path."""

    def __init__(self, pages):
        self.pages = pages

    def forget(self):
        """Nothing is kept between requests."""

    def utility(self, path):
        return path.strip("/") or None

    def answer(self, utility, params):
        return self.pages[utility]


def to(where, **more):
    return Answer(b"", more.pop("status", 302), "text/plain", {"Location": where, **more})


def file(body=PDF, kind="application/pdf", **more):
    return Answer(body, 200, kind, **more)


def rules(served, **changes):
    """The rules, but for a server on this machine: every name leads to it, and it alone is allowed."""
    port = int(served.address.rsplit(":", 1)[1].strip("/"))
    return Policy(
        **{
            "scheme": "http",
            "port": port,
            "is_allowed": lambda address: address == "127.0.0.1",
            "resolve": lambda host, port: ["127.0.0.1"],
            "total_s": 5.0,
            **changes,
        }
    )


def got(pages, start="http://one.example.org/a", **changes):
    with serving(Host(pages)) as served:
        return fetch(start, rules(served, **changes)), served.log


def refused(pages, start="http://one.example.org/a", **changes):
    with serving(Host(pages)) as served:
        with pytest.raises(NotFetched) as caught:
            fetch(start, rules(served, **changes))
        return str(caught.value), served.log


# What comes --------------------------------------------------------------------------------------


def test_a_file_comes_with_where_it_lay_and_nothing_of_ours_went_out(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    pages = {
        "a": to("http://two.example.org/b", **{"Set-Cookie": "who=we; Domain=example.org"}),
        "b": to("/c", status=303),
        "c": file(),
    }
    fetched, log = got(pages)
    assert (fetched.data, fetched.url, fetched.content_type) == (
        PDF,
        "http://two.example.org/c",
        "application/pdf",
    )
    assert [seen.headers["host"] for seen in log] == ["one.example.org", "two.example.org", "two.example.org"]
    sent = set().union(*(seen.headers for seen in log))
    assert sent <= {"host", "user-agent", "accept", "accept-encoding", "connection"}


def test_the_connection_goes_to_the_address_that_was_checked():
    """A name that leads elsewhere when it is asked again (DNS rebinding) is asked once for each hop."""
    asked = []

    def resolve(host, port):
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    fetched, _ = got({"a": file()}, resolve=resolve)
    assert fetched.data == PDF
    assert asked == ["one.example.org"]


# Where it must not lead --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2001:0:7f00:1:0:0:0:0",
    ],
)
def test_no_address_but_a_public_one(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "130.14.29.110", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_public_addresses(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://host.example.org/a.pdf",
        "ftp://host.example.org/a.pdf",
        "file:///etc/passwd",
        "https://user:word@host.example.org/a.pdf",
        "https://host.example.org@127.0.0.1/a.pdf",
        "https://host.example.org:8443/a.pdf",
        "https://host.example.org:99999999/a.pdf",
        "https://localhost/a.pdf",
        "https://printer/a.pdf",
        "https://metadata.google.internal/a.pdf",
        "https://nas.local/a.pdf",
        "https://127.0.0.1/a.pdf",
        "https://2130706433/a.pdf",
        "https://[::1]/a.pdf",
        "https://[::ffff:169.254.169.254]/latest/meta-data",
        "https://host.example.org\\@127.0.0.1/a.pdf",
        "https://host.example.org/a b",
        "https://host.example.org/a\r\nHost: x",
        "https://höst.example.org/a",
        "https://host.example.org/" + "a" * 3000,
        "https:///a.pdf",
        "",
    ],
)
def test_addresses_of_other_forms_are_refused_before_anybody_is_asked(url):
    def resolve(host, port):
        assert host in ("127.0.0.1", "::1", "::ffff:169.254.169.254"), f"{host} was looked up"
        return [host]

    with pytest.raises(NotFetched):
        fetch(url, Policy(resolve=resolve))


@pytest.mark.parametrize(
    "addresses", [["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["169.254.169.254"], [], ["what"]]
)
def test_a_name_with_a_private_address_is_refused(addresses):
    with pytest.raises(NotFetched):
        fetch("https://host.example.org/a.pdf", Policy(resolve=lambda host, port: addresses))


def test_a_name_that_leads_nowhere(monkeypatch):
    def getaddrinfo(*args, **more):
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(NotFetched, match="leads nowhere"):
        fetch("https://host.example.org/a.pdf")


@pytest.mark.parametrize(
    "where",
    [
        "https://two.example.org/b",
        "//printer/b",
        "http://two.example.org:1/b",
        "http://user@two.example.org/b",
        "file:///etc/passwd",
        "gopher://two.example.org/b",
    ],
)
def test_a_redirect_is_checked_like_the_first_address(where):
    said, log = refused({"a": to(where)})
    assert said
    assert len(log) == 1


def test_a_redirect_to_a_private_machine_is_refused():
    def resolve(host, port):
        return ["127.0.0.1"] if host == "one.example.org" else ["192.168.0.1"]

    port = {"a": to("/b"), "b": to("//two.example.org/c")}
    with serving(Host(port)) as served:
        policy = rules(served, resolve=resolve)
        port["b"] = to(f"http://two.example.org:{policy.port}/c")
        with pytest.raises(NotFetched, match="two.example.org is a machine of a private network"):
            fetch("http://one.example.org/a", policy)


def test_six_redirects_are_too_many():
    assert refused({"a": to("/a")})[0] == "one.example.org sends us on and on"
    pages = {str(n): to(f"/{n + 1}") for n in range(5)} | {"5": file()}
    assert got(pages, "http://one.example.org/0")[0].data == PDF


# What its host must not do -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (file(b"x" * 2000), "more than 1,000 bytes"),
        (file(drip_s=0.1), "took longer|did not answer"),
        (file(headers={"Content-Encoding": "gzip"}), "packed, unasked"),
        (file(b"<html>", "text/html; charset=utf-8"), "a web page in place of the article"),
        (Answer(b"no", 403, "text/plain"), "answered 403"),
        (Answer(b"no", 404, "text/plain"), "answered 404"),
        (Answer(b"", 302, "text/plain"), "answered 302"),
        (file(reset=True), "did not answer"),
        (file(cut_after=5), "did not answer"),
    ],
    ids=["large", "slow", "packed", "page", "forbidden", "gone", "nowhere", "reset", "cut"],
)
def test_what_does_not_come_is_told_with_its_host(answer, said):
    with pytest.raises(NotFetched, match=said) as caught:
        got({"a": answer}, max_bytes=1000, total_s=0.5)
    assert "one.example.org" in str(caught.value)


# TLS ---------------------------------------------------------------------------------------------


@pytest.fixture
def certified(tmp_path):
    """A server on this machine that can prove to be `host.example.org`, to whoever trusts its certificate."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command to make a certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=host.example.org",
    ]
    made += ["-addext", "subjectAltName=DNS:host.example.org", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "application/pdf")
            self.send_header("Content-Length", str(len(PDF)))
            self.end_headers()
            self.wfile.write(PDF)

        def log_message(self, *_):
            """Quiet."""

    class Server(HTTPServer):
        def handle_error(self, request, client_address):
            """A client that does not trust us hangs up."""

    server = Server(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server.server_port, ssl.create_default_context(cafile=str(certificate))
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_host_must_prove_its_name_although_its_address_is_asked(certified):
    port, trusting = certified
    given = {"port": port, "resolve": lambda host, port: ["127.0.0.1"], "is_allowed": lambda a: True}
    assert fetch("https://host.example.org/a.pdf", Policy(context=trusting, **given)).data == PDF
    with pytest.raises(NotFetched, match="other.example.org did not answer"):
        fetch("https://other.example.org/a.pdf", Policy(context=trusting, **given))
    with pytest.raises(NotFetched, match="host.example.org did not answer"):
        fetch("https://host.example.org/a.pdf", Policy(**given))
