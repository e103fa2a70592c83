"""Bodies by hash: whole or not there, and never another than was stored."""

import subprocess
import sys
import threading
import zlib
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools import blobs as module
from tools.blobs import Blobs
from tools.errors import StoreError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def blobs(tmp_path):
    return Blobs(tmp_path / "blobs")


def files(blobs):
    return sorted(path for path in blobs.folder.rglob("*") if path.is_file())


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(body=st.binary())
def test_what_is_put_comes_back(blobs, body):
    name = blobs.put(body)
    assert name == sha256(body).hexdigest()
    assert blobs.get(name) == body


def test_the_same_body_twice_is_one_file_named_by_its_hash(blobs):
    assert blobs.put(b"snail") == blobs.put(b"snail")
    name = sha256(b"snail").hexdigest()
    assert files(blobs) == [blobs.folder / name[:2] / f"{name}.z"]
    assert files(blobs)[0].stat().st_mode & 0o777 == 0o600


def test_a_missing_body_is_a_store_error_that_names_the_remedy(blobs):
    with pytest.raises(StoreError, match="Restore it from a backup"):
        blobs.get("ab" * 32)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: zlib.compress(b"another body"),
        lambda data: data[:-6],
        lambda data: b"",
        lambda data: b"no zlib at all",
        lambda data: data[:4] + bytes([data[4] ^ 1]) + data[5:],
    ],
    ids=["replaced", "cut", "emptied", "overwritten", "one bit"],
)
def test_changed_bytes_are_noticed(blobs, change):
    name = blobs.put(b"forty people with cough " * 10)
    path = files(blobs)[0]
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(StoreError, match=r"Restore it from a backup"):
        blobs.get(name)


def test_a_decompression_bomb_is_cut_off_and_refused(blobs, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 10_000)
    body = b"0" * 1_000_000
    name = sha256(body).hexdigest()
    path = blobs.folder / name[:2] / f"{name}.z"
    path.parent.mkdir(parents=True)
    path.write_bytes(zlib.compress(body))
    given_out = []
    real = zlib.decompressobj

    class Watched:
        def __init__(self):
            self.unpacker = real()

        def decompress(self, data, most):
            given_out.append(len(out := self.unpacker.decompress(data, most)))
            return out

    monkeypatch.setattr(zlib, "decompressobj", Watched)
    with pytest.raises(StoreError):
        blobs.get(name)
    assert given_out == [10_000]


def test_a_body_that_could_not_be_read_again_is_not_taken(blobs, monkeypatch):
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    with pytest.raises(StoreError, match="more than a review keeps"):
        blobs.put(b"eleven byte")
    assert not blobs.folder.exists()
    assert blobs.get(blobs.put(b"ten bytes.")) == b"ten bytes."


KILLED_BEFORE_RENAME = """
import os, sys
from pathlib import Path
from tools.blobs import Blobs

os.replace = lambda *_: os._exit(9)
Blobs(Path(sys.argv[1])).put(b"forty people")
"""


def test_a_kill_between_writing_and_naming_leaves_nothing_named(blobs):
    done = subprocess.run(
        [sys.executable, "-c", KILLED_BEFORE_RENAME, str(blobs.folder)], cwd=ROOT, timeout=60
    )
    assert done.returncode == 9
    left = files(blobs)
    assert len(left) == 1
    assert left[0].suffix != ".z"
    with pytest.raises(StoreError):
        blobs.get(sha256(b"forty people").hexdigest())
    assert blobs.get(blobs.put(b"forty people")) == b"forty people"


def test_a_failing_disk_is_a_store_error_and_leaves_no_file_at_all(blobs, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(StoreError, match="No space left.*Free some space.*resume"):
        blobs.put(b"forty people")
    assert files(blobs) == []


def test_many_threads_may_put_the_same_body(blobs):
    ready = threading.Barrier(6)
    names = []

    def put():
        ready.wait(10)
        names.append(blobs.put(b"the same" * 1000))

    threads = [threading.Thread(target=put) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(names) == 6
    assert len(set(names)) == len(files(blobs)) == 1


def test_the_name_of_a_body_is_on_the_disk_before_anybody_can_rely_on_it(tmp_path, monkeypatch):
    """What is flushed, in order: the bytes, then the folder after the renaming."""
    import os
    import stat

    told: list[str] = []
    flush, rename = os.fsync, os.replace

    def fsync(handle):
        told.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "bytes")
        flush(handle)

    def replace(old, new):
        told.append("rename")
        rename(old, new)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    Blobs(tmp_path / "blobs").put(b"body")
    assert told == ["folder", "bytes", "rename", "folder"]
