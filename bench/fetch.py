"""How close a whole fetch from PubMed comes to what NCBI's rate limit allows, beside plain Biopython.

    python -m bench.fetch --out bench/results/fetch.json

Both fetch the same invented records (with authors, headings and an abstract of common length) over HTTP from
the E-utilities of `tests.servers`, which run in a process of their own, in batches of the same size, with
NCBI's gap of 0.37 s between the starts of two calls, and read every record; turn about, the fastest of three
turns counts. Ours stores what has arrived, so that a search can be resumed and replayed; Biopython's
(Entrez.esearch, then Entrez.efetch and Entrez.read batch after batch) keeps nothing. `allowed_s` is the gap
times the calls after the first: no client that heeds the limit can be faster.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request

from bench.report import Column, parser, table, write
from tools import eutils
from tools.blobs import Blobs
from tools.database import Database
from tools.logs import Exchanges
from tools.search.query import parse
from tools.search.sources.base import DateRange
from tools.search.sources.pubmed import BATCH_SIZE, PubMedSource
from tools.transport import Transport

COLUMNS = (
    Column("client", "client"),
    Column("records", "records"),
    Column("calls", "calls"),
    Column("seconds", "seconds", 2),
    Column("allowed_s", "allowed s", 2),
    Column("ratio", "seconds / allowed", 3),
    Column("records_per_s", "records/s", 0),
)
EMAIL = "bench@example.org"
SYLLABLES = ("ka", "ro", "mi", "ten", "sul", "va", "pri", "dol", "ne", "xa", "tor", "li")


def main(argv: Sequence[str] | None = None) -> None:
    """Fetch with both clients and print one table."""
    made = parser(__doc__ or "")
    made.add_argument("--records", type=int, default=9_999, help="at most 9,999: one search without windows")
    made.add_argument("--batch", type=int, default=BATCH_SIZE, help="records per EFetch call, for both")
    made.add_argument("--repeat", type=int, default=3, help="the fastest of so many turns counts, for both")
    given = made.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "records.jsonl"
        data.write_text("".join(json.dumps(row) + "\n" for row in invented(given.records)), encoding="utf-8")
        with server(data) as address:
            turns = [
                (ours(address, folder / str(turn), given.batch), biopython(address, given.batch))
                for turn in range(given.repeat)
            ]
    rows = [min(of_one, key=lambda row: float(row["seconds"])) for of_one in zip(*turns, strict=True)]
    for row in rows:
        assert row["records"] == given.records, f"{row['client']} fetched {row['records']} records"
    print(table(rows, COLUMNS))
    summary = {
        "records": given.records,
        "batch": given.batch,
        "fastest_of": given.repeat,
        "ratio_to_allowed": rows[0]["ratio"],
        "biopython_ratio_to_allowed": rows[1]["ratio"],
        "times_as_fast_as_biopython": rows[1]["seconds"] / rows[0]["seconds"],
    }
    print(json.dumps(summary))
    write(given.out, summary, rows)


def invented(count: int) -> Iterator[dict[str, Any]]:
    """Records of common size: about 220 words of abstract, eight authors, ten headings. Always the same ones."""
    draw = random.Random(1)

    def words(number: int) -> str:
        return " ".join("".join(draw.choices(SYLLABLES, k=draw.randint(2, 4))) for _ in range(number))

    headings = [words(2).title() for _ in range(400)]
    for n in range(1, count + 1):
        yield {
            "pmid": str(n),
            "title": f"Asthma and {words(12)}.",
            "abstract": "\n".join(
                f"{label}: {words(55)}." for label in ("AIM", "METHODS", "RESULTS", "CONCLUSION")
            ),
            "authors": [f"{words(1).title()}, {words(1).title()}" for _ in range(8)],
            "mesh": draw.sample(headings, 10),
            "journal": words(3).title(),
            "year": 1990 + n % 35,
            "doi": f"10.5555/{n}",
            "created": f"{1990 + n % 35}-03-04",
            "publication_types": ["Journal Article"],
            "language": "eng",
        }


@contextmanager
def server(data: Path) -> Iterator[str]:
    """The address of E-utilities in a process of their own."""
    command = [sys.executable, "-m", "tests.servers", "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[1]
        finally:
            process.terminate()


def ours(address: str, folder: Path, batch: int) -> dict[str, Any]:
    """This program's own source, its exchanges stored as a review stores them."""
    log = Exchanges(Database.file(folder / "review.sqlite"), Blobs(folder / "blobs"))
    services = {eutils.SERVICE: eutils.service(address, gap_here=True)}
    with Transport(services, log, cache=folder) as transport:
        source = PubMedSource(transport, email=EMAIL, batch_size=batch)
        began = time.perf_counter()
        result = source.search(parse("asthma[ti]"), search_id="s1", dates=DateRange(), limit=10_000)
        seconds = time.perf_counter() - began
    return _row("ours", len(result.records), len(log.requests()), seconds)


def biopython(address: str, batch: int) -> dict[str, Any]:
    """Plain Bio.Entrez as its tutorial shows it; only the address is another one."""
    from Bio import Entrez

    entrez: Any = Entrez
    build, entrez.email = entrez._build_request, EMAIL

    def redirected(cgi: str, *args: Any, **more: Any) -> Request:
        request: Request = build(cgi, *args, **more)
        request.full_url = request.full_url.replace(eutils.BASE_URL, address)
        return request

    entrez._build_request = redirected
    calls, records = 1, 0
    try:
        began = time.perf_counter()
        with entrez.esearch(db="pubmed", term="asthma[ti]", usehistory="y", retmax=0) as handle:
            found = entrez.read(handle)
        place = {"WebEnv": found["WebEnv"], "query_key": found["QueryKey"]}
        for start in range(0, int(found["Count"]), batch):
            with entrez.efetch(db="pubmed", retmode="xml", retstart=start, retmax=batch, **place) as handle:
                records += len(entrez.read(handle)["PubmedArticle"])
            calls += 1
        seconds = time.perf_counter() - began
    finally:
        entrez._build_request = build
    return _row("Biopython", records, calls, seconds)


def _row(client: str, records: int, calls: int, seconds: float) -> dict[str, Any]:
    allowed_s = (calls - 1) * eutils.GAP_S["anonymous"]
    return {
        "client": client,
        "records": records,
        "calls": calls,
        "seconds": seconds,
        "allowed_s": allowed_s,
        "ratio": seconds / allowed_s,
        "records_per_s": records / seconds,
    }


if __name__ == "__main__":
    main()
