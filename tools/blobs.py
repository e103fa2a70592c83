"""Large bodies beside the database: compressed, named by the hash of what they hold.

A blob is written whole under a temporary name and then renamed, before the row that names it, so a
row never points at a missing or half-written body; a crash can only leave an unused file.
"""

import os
import tempfile
import zlib
from hashlib import sha256
from pathlib import Path

from tools.errors import StoreError

__all__ = ["Blobs"]

MAX_BYTES = 1 << 30
"""No body of a review comes near it; a larger one is a bomb or a mistake."""


class Blobs:
    """Bodies by SHA-256 under one folder: `ab/abcd….z`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, body: bytes) -> str:
        """Store a body; the same body twice is one file. Returns its SHA-256 in hex.

        Raises:
            StoreError: the disk is full or not writable, or the body is larger than `get` would read.
        """
        if len(body) > MAX_BYTES:
            raise StoreError(
                f"a body of {len(body):,} bytes is more than a review keeps; split what it holds."
            )
        name = sha256(body).hexdigest()
        path = self._path(name)
        if path.exists():
            return name
        try:
            _make(path.parent)
            handle, temporary = tempfile.mkstemp(dir=path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(zlib.compress(body, 4))  # half the time of 6, 5 % more bytes
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, path)
                _flush(path.parent)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError as e:
            raise StoreError(
                f"cannot write {path}: {e}. Free some space or make the folder writable; "
                "then `python -m agent resume`: nothing was lost."
            ) from e
        return name

    def get(self, name: str) -> bytes:
        """The body with this hash, checked against it.

        Raises:
            StoreError: it is missing, or its bytes have changed.
        """
        path = self._path(name)
        try:
            unpacker = zlib.decompressobj()
            body = unpacker.decompress(path.read_bytes(), MAX_BYTES)
        except (OSError, zlib.error) as e:
            raise StoreError(f"{path} cannot be read: {e}. Restore it from a backup of the review.") from e
        if sha256(body).hexdigest() != name or not unpacker.eof:
            raise StoreError(f"{path} does not hold what its name says. Restore it from a backup.")
        return body

    def names(self) -> list[str]:
        """All bodies that are stored, whole ones only: a crash may have left a temporary file behind."""
        return sorted(path.stem for path in self.folder.glob("??/*.z"))

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / f"{name}.z"


def _make(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _flush(folder.parent)


def _flush(folder: Path) -> None:
    """Make names in a folder last: after a power cut the row that names a body must find it."""
    if os.name != "posix":  # elsewhere a folder has no handle to flush
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
