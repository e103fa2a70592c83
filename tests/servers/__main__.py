"""python -m tests.servers --data ../shared/data/pubmed/pool.jsonl.gz --port 8765 [--faults full] …

Plays E-utilities, PubMed Central, Europe PMC and ClinicalTrials.gov on this machine, and prints one address for
each; give the first one to the program as its PubMed address: `python -m agent run review.yaml --pubmed-url …`.
`--faults full` plays every misbehaviour that is known of them, once; a path plays a script of your own.
`--log` writes down what was asked, without keys and addresses of people.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from tests.servers import faults, hard, services, serving
from tests.servers.corpus import records
from tests.servers.loopback import Served
from tools.exchange import UNRECORDED


def main() -> int:
    """Serve until interrupted or terminated."""
    given = _arguments()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    corpus = [*records(given.data), *(hard.records() if given.hard else [])]
    links = json.loads(given.links.read_text(encoding="utf-8")) if given.links else None
    forms = hard.FORMS if given.hard else None
    studies = [json.loads(path.read_bytes()) for path in given.studies] if given.studies else None
    script = faults.load(given.faults) if given.faults else []
    with (
        services(
            corpus, jats=given.jats, index=given.index, links=links, forms=forms, studies=studies
        ) as by_prefix,
        serving(by_prefix, script, given.port) as served,
    ):
        for prefix in served.prefixes:
            print(f"{prefix} {served.at(prefix)}", flush=True)
        stop.wait()
    if given.log:
        _write_log(given.log, served)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="JSON lines with pmid, title, abstract, …")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--jats", type=Path, help="folder of full texts named PMC<id>.nxml.gz")
    parser.add_argument("--links", type=Path, help="JSON: link name, then PMID, then the PMIDs it leads to")
    parser.add_argument("--studies", type=Path, nargs="+", help="registry entries, JSON of API v2, one each")
    parser.add_argument("--index", type=Path, help="keep the search index here, to start faster next time")
    parser.add_argument("--hard", action="store_true", help="add invented articles with every difficulty")
    parser.add_argument("--faults", help="`full`, or a file with a fault script")
    parser.add_argument("--log", type=Path, help="write the requests here at the end, as JSON lines")
    return parser.parse_args()


def _write_log(path: Path, served: Served) -> None:
    with path.open("w", encoding="utf-8") as file:
        for seen in served.log:
            told = {name: value for name, value in seen.params.items() if name not in UNRECORDED}
            line = {
                "at_s": round(seen.at_s, 3),
                "method": seen.method,
                "utility": seen.utility,
                "params": told,
            }
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main())
