"""Fixtures for everybody: no network beyond this machine, and the way to the real data."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@pytest.fixture(autouse=True)
def no_network_beyond_loopback(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that opens a socket to another machine fails, whichever library it went through."""
    if request.node.get_closest_marker("contract"):
        return
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOOPBACK:
            raise AssertionError(f"a test reached for {address}; give the code a local server instead")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session", autouse=True)
def cache_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the user has in their cache, such as an installed MeSH, must not change a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("user-cache")))
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real public data. Absent: skip, or fail where LEADS_REQUIRE_SHARED_DATA is set (CI)."""
    folder = Path(os.environ.get("LEADS_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        message = f"real data not found at {folder}; set LEADS_SHARED_DATA to its folder"
        if os.environ.get("LEADS_REQUIRE_SHARED_DATA"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Live contract tests run only when asked for with -m contract."""
    if "contract" in (config.getoption("-m") or ""):
        return
    for item in items:
        if item.get_closest_marker("contract"):
            item.add_marker(pytest.mark.skip(reason="asks a live service; run with -m contract"))
