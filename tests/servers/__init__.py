"""Faithful services on this machine, so that tests use the real client over real HTTP.

with serve(records, faults=[Fault("efetch", 2, unavailable())]) as served:
    ...  # served.address, served.log
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from tests.servers.eutils import Eutils
from tests.servers.faults import Fault
from tests.servers.loopback import Served, serving
from tools.schemas import Record

__all__ = ["Fault", "Served", "serve"]


@contextmanager
def serve(
    records: Iterable[Record],
    *,
    faults: Sequence[Fault] = (),
    jats: Path | None = None,
    index: Path | None = None,
    port: int = 0,
) -> Iterator[Served]:
    """E-utilities over these records until the block ends."""
    with (
        closing(Eutils(records, jats=jats, index=index)) as service,
        serving(service, faults, port) as served,
    ):
        yield served
