"""Fetching the descriptor file, from a server on this machine in the place of NLM's."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tools.errors import SourceUnavailable
from tools.search import vocabulary, vocabulary_download

XML = b"""<?xml version="1.0"?><DescriptorRecordSet LanguageCode="eng"><DescriptorRecord DescriptorClass="1">
<DescriptorUI>D999001</DescriptorUI><DescriptorName><String>Snail Syrup</String></DescriptorName>
<TreeNumberList><TreeNumber>D99.1</TreeNumber></TreeNumberList>
<ConceptList><Concept PreferredConceptYN="Y"><TermList><Term RecordPreferredTermYN="Y"><TermUI>T1</TermUI>
<String>Snail Syrup</String></Term><Term><TermUI>T2</TermUI><String>Syrup of Snails</String></Term></TermList>
</Concept></ConceptList></DescriptorRecord></DescriptorRecordSet>"""
"""Invented."""


@contextmanager
def nlm(status, body):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/desc.xml"
    finally:
        server.shutdown()
        server.server_close()


def test_a_downloaded_file_installs(tmp_path):
    with nlm(200, XML) as address, vocabulary_download.download(tmp_path / "cache", address) as stream:
        made = vocabulary.install(tmp_path / "mesh.sqlite", stream)
    with made:
        assert made.lookup("syrup of snails").name == "Snail Syrup"
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("status", [404, 503])
def test_a_server_that_has_it_not_is_an_error_with_a_remedy(tmp_path, status):
    with (
        nlm(status, b"sorry") as address,
        pytest.raises(SourceUnavailable, match="vocabulary install FILE"),
        vocabulary_download.download(tmp_path, address),
    ):
        pass


def test_more_than_any_descriptor_file_holds_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(vocabulary_download, "MAX_BYTES", 100)
    with (
        nlm(200, XML) as address,
        pytest.raises(SourceUnavailable, match="larger"),
        vocabulary_download.download(tmp_path, address),
    ):
        pass
