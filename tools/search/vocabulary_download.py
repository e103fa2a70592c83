"""NLM's descriptor file, fetched once into the user's cache.

It is no part of any review (a review stores the vocabulary's identity), so it does not go through the
transport, whose job is to record what a review was told.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tools.errors import SourceUnavailable

__all__ = ["ADDRESS", "download"]

ADDRESS = "https://nlmpubs.nlm.nih.gov/projects/mesh/MESH_FILES/xmlmesh/desc2026.xml"
"""MeSH descriptors of the year, about 300 MB (https://www.nlm.nih.gov/databases/download/mesh.html)."""

MAX_BYTES = 1 << 30


@contextmanager
def download(folder: Path, address: str = ADDRESS) -> Iterator[BinaryIO]:
    """The file as an open stream; gone when the context ends.

    Raises:
        SourceUnavailable: NLM did not answer, or sent more than any descriptor file holds.
    """
    import httpx

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        received = 0
        try:
            with httpx.stream("GET", address, timeout=60, follow_redirects=True) as reply:
                reply.raise_for_status()
                for chunk in reply.iter_bytes():
                    received += len(chunk)
                    if received > MAX_BYTES:
                        raise SourceUnavailable(
                            "NLM", f"{address} is larger than 1 GiB: not a descriptor file"
                        )
                    file.write(chunk)
        except httpx.HTTPError as e:
            raise SourceUnavailable(
                "NLM",
                f"{address}: {e}. Remedy: fetch the file by other means, then "
                "`python -m agent vocabulary install FILE`",
            ) from e
        file.seek(0)
        yield file
