"""Faithful services on this machine, so that tests use the real client over real HTTP.

with serve(records, faults=[Fault("efetch", 2, unavailable())]) as served:
    ...  # served.address, served.log

`serve` gives E-utilities alone; `serving(…)` of `services(…)` gives all below one address, as
`python -m tests.servers` does. A further service implements `loopback.Service` and gets its line in `services`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.servers.ctgov import Ctgov, study_of
from tests.servers.europepmc import EuropePmc
from tests.servers.eutils import Eutils, Links
from tests.servers.faults import Fault
from tests.servers.loopback import Served, Service, serving
from tests.servers.pmc import Pmc
from tests.servers.unpaywall import Unpaywall
from tools.schemas import Record

__all__ = ["Fault", "Served", "serve", "services", "serving"]


@contextmanager
def serve(
    records: Iterable[Record],
    *,
    faults: Sequence[Fault] = (),
    jats: Path | None = None,
    index: Path | None = None,
    links: Links | None = None,
    forms: Mapping[str, str] | None = None,
    port: int = 0,
) -> Iterator[Served]:
    """E-utilities over these records until the block ends; see `Eutils` for what each is."""
    with (
        closing(Eutils(records, jats=jats, index=index, links=links, forms=forms)) as service,
        serving(service, faults, port) as served,
    ):
        yield served


@contextmanager
def services(
    records: Iterable[Record],
    *,
    jats: Path | None = None,
    index: Path | None = None,
    links: Links | None = None,
    forms: Mapping[str, str] | None = None,
    studies: Iterable[Mapping[str, Any]] | None = None,
) -> Iterator[dict[str, Service]]:
    """All services by their prefix, over the same records; the registry over `studies` in the form of its API,
    or, where none are given, over studies made of the records that name a registration of its."""
    known = list(records)
    if studies is None:
        registered = {n: record for record in known for n in record.registry_ids if n.startswith("NCT")}
        studies = [study_of(r.model_copy(update={"record_id": f"ctgov:{n}"})) for n, r in registered.items()]
    with closing(Eutils(known, jats=jats, index=index, links=links, forms=forms)) as eutils:
        yield {
            "entrez/eutils": eutils,
            "pmc": Pmc(known, jats=jats),
            "europepmc/webservices/rest": EuropePmc(known, jats=jats),
            "unpaywall/v2": Unpaywall({}),
            "ctgov/api/v2": Ctgov(studies),
        }
