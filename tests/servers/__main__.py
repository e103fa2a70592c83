"""python -m tests.servers --data ../shared/data/pubmed/pool.jsonl.gz --port 8765 [--jats DIR] [--index FILE]

Then give the printed address to the program as its PubMed address.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from tests.servers import serve
from tests.servers.corpus import records


def main() -> int:
    """Serve until interrupted or terminated."""
    parser = argparse.ArgumentParser(description="E-utilities on this machine, over records of a file")
    parser.add_argument("--data", type=Path, required=True, help="JSON lines with pmid, title, abstract, …")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--jats", type=Path, help="folder of full texts named PMC<id>.nxml.gz")
    parser.add_argument("--index", type=Path, help="keep the search index here, to start faster next time")
    args = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with serve(records(args.data), jats=args.jats, index=args.index, port=args.port) as served:
        print(served.address, flush=True)
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
