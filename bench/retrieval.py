"""What reading PubMed's XML and searching a local corpus cost.

    python -m bench.retrieval --records 36000 1000000 --out bench/results/retrieval.json
    python -m bench.retrieval --parts xml

xml    a file of articles as NLM delivers them (gzipped), made from real ones at run time; read by our parser,
       by Biopython's `Entrez.read` and by pubmed_parser, each on one core, one after the other in this run;
       then several files by several processes. `ratio` columns compare with ours.
index  a corpus in files of 30,000 articles: building its index, opening it, and counting the hits of real
       strategies and of sixty of their terms; up to the size of the pool its own texts, above it texts put
       together from them, so that the number of different words does not grow as it would in PubMed.

Each row is measured in a process of its own, so that its peak memory is its own. Times of reading are of the
processor (one thread), times of building and searching are of the clock.
"""

import argparse
import gzip
import json
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from bench.report import Column, parser, table, write

DATA = Path(os.environ.get("LEADS_SHARED_DATA", "../shared/data"))
READERS = ("ours", "entrez", "pubmed_parser")
PER_FILE = 30_000
"""As in the files of NLM's baseline."""

_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, '
    '1st January 2025//EN" "https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n<PubmedArticleSet>\n'
)
_TAIL = "</PubmedArticleSet>\n"

XML_COLUMNS = (
    Column("reader", "reader"),
    Column("records", "records"),
    Column("files", "files"),
    Column("workers", "processes"),
    Column("seconds", "seconds", 1),
    Column("records_per_s", "records/s", 0),
    Column("ratio", "ours is faster by", 1),
    Column("peak_mb", "peak MB"),
)
INDEX_COLUMNS = (
    Column("records", "records"),
    Column("build_s", "build s", 1),
    Column("build_records_per_s", "records/s", 0),
    Column("build_peak_mb", "peak MB"),
    Column("index_mb", "index MB"),
    Column("open_ms", "open ms", 1),
    Column("strategies", "strategies"),
    Column("median_ms", "median ms", 1),
    Column("max_ms", "max ms", 1),
    Column("sixty_in_blocks_ms", "60 terms, 3 blocks ms", 1),
    Column("sixty_in_one_or_ms", "60 terms, one OR ms", 1),
    Column("sixty_in_one_or_hits", "its hits"),
    Column("query_peak_mb", "peak MB"),
)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the parts that were asked for and print a table of each."""
    arguments = parser(__doc__ or "")
    arguments.add_argument("--parts", nargs="+", default=["xml", "index"], choices=["xml", "index"])
    arguments.add_argument("--xml-records", type=int, default=PER_FILE)
    arguments.add_argument("--records", type=int, nargs="+", default=[36_000])
    arguments.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments.add_argument("--data", type=Path, default=DATA, help="the folder of shared data")
    arguments.add_argument("--scratch", type=Path, help="folder for generated files; emptied at the end")
    arguments.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    given = arguments.parse_args(argv)
    if given.one:
        print(json.dumps(ONE[given.one[0]](*given.one[1:])))
        return
    summary: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    if "xml" in given.parts:
        found, said = xml(given.data, given.xml_records, given.workers, given.scratch)
        print(table(found, XML_COLUMNS), end="\n\n")
        rows, summary = rows + found, summary | said
    if "index" in given.parts:
        found = [index(given.data, n, given.workers, given.scratch) for n in given.records]
        print(table(found, INDEX_COLUMNS))
        rows += found
        summary["sixty_in_blocks_ms"] = {str(row["records"]): row["sixty_in_blocks_ms"] for row in found}
        summary["open_ms"] = {str(row["records"]): row["open_ms"] for row in found}
    write(given.out, summary, rows)


def child(*what: object) -> dict[str, Any]:
    """One measurement in a process of its own, with the most memory that it held."""
    command = [sys.executable, "-m", "bench.retrieval", "--one", *map(str, what)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def _peak_mb() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


# XML ---------------------------------------------------------------------------------------------


def xml(
    data: Path, records: int, workers: int, scratch: Path | None
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows, and what follows from them."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        small, large = Path(folder) / "small.xml.gz", Path(folder) / "large.xml.gz"
        write_articles(small, real_articles(data), max(1, records // 10))
        write_articles(large, real_articles(data), records)
        rows = [child("read", reader, large) for reader in READERS]
        ours = rows[0]
        for row in rows:
            row["ratio"] = ours["records_per_s"] / row["records_per_s"]
            if row["records"] != ours["records"]:
                raise SystemExit(f"the readers disagree about the number of records: {rows}")
        less = child("read", "ours", small)
        files = [large, *(Path(folder) / f"copy{n}.xml.gz" for n in range(1, max(2, workers)))]
        for copy in files[1:]:
            copy.hardlink_to(large)
        alone, together = (child("files", n, *files) for n in (1, workers))
    summary = {
        "xml_times_entrez": round(rows[1]["ratio"], 2),
        "xml_times_pubmed_parser": round(rows[2]["ratio"], 2),
        "xml_peak_mb_small_large": [less["peak_mb"], ours["peak_mb"]],
        "xml_parallel_speedup": round(alone["seconds"] / together["seconds"], 2),
    }
    return [less, *rows, alone, together], summary


def real_articles(data: Path) -> list[bytes]:
    """The articles of the real samples, as they stand in their files."""
    found = []
    for path in sorted((data / "pubmed" / "xml").glob("*.gz")):
        found += re.findall(
            rb"<PubmedArticle>.*?</PubmedArticle>", gzip.decompress(path.read_bytes()), re.DOTALL
        )
    if not found:
        raise SystemExit(f"no articles in {data / 'pubmed' / 'xml'}; give the folder of shared data: --data")
    return found


def write_articles(path: Path, articles: Sequence[bytes], number: int, first: int = 10_000_001) -> None:
    """A file of so many articles, each under a PMID of its own, from `first` on."""
    with gzip.open(path, "wb", compresslevel=6) as out:
        out.write(_HEAD.encode())
        for pmid, article in enumerate(islice(cycle(articles), number), first):
            out.write(re.sub(rb"(<PMID [^>]*>)\d+", rb"\g<1>%d" % pmid, article, count=1) + b"\n")
        out.write(_TAIL.encode())


def read(reader: str, path: str) -> dict[str, Any]:
    """All records of a file, by one of the readers."""
    count: Callable[[str], int] = {
        "ours": _read_ours, "entrez": _read_entrez, "pubmed_parser": _read_pubmed_parser
    }[reader]  # fmt: skip
    count(_nothing(Path(path).parent))  # imports, and DTDs that are parsed once
    began = time.process_time()
    records = count(path)
    seconds = time.process_time() - began
    return {
        "reader": reader,
        "records": records,
        "files": 1,
        "workers": 1,
        "seconds": seconds,
        "records_per_s": records / seconds,
        "peak_mb": _peak_mb(),
    }


def _nothing(folder: Path) -> str:
    path = folder / "nothing.xml.gz"
    path.write_bytes(gzip.compress((_HEAD + _TAIL).encode()))
    return str(path)


def _read_ours(path: str) -> int:
    from tools.schemas import Record
    from tools.search.pubmed_xml import parse_article_set

    return sum(isinstance(item, Record) for item in parse_article_set(Path(path)))


def _read_entrez(path: str) -> int:
    from Bio import Entrez

    parse: Callable[[Any], Any] = Entrez.read
    with gzip.open(path) as stream:
        return len(parse(stream)["PubmedArticle"])


def _read_pubmed_parser(path: str) -> int:
    import pubmed_parser

    return sum(1 for _ in pubmed_parser.parse_medline_xml(path))


def files(workers: str, *paths: str) -> dict[str, Any]:
    """All records of several files, by several processes."""
    from tools.schemas import Record
    from tools.search.pubmed_files import parse_files

    began = time.perf_counter()
    found = parse_files([Path(path) for path in paths], workers=int(workers))
    records = sum(isinstance(item, Record) for _, item in found)
    seconds = time.perf_counter() - began
    return {
        "reader": "ours",
        "records": records,
        "files": len(paths),
        "workers": int(workers),
        "seconds": seconds,
        "records_per_s": records / seconds,
        "peak_mb": _peak_mb(),
    }


# Index -------------------------------------------------------------------------------------------


def index(data: Path, records: int, workers: int, scratch: Path | None) -> dict[str, Any]:
    """Build, open and ask an index of this many records."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        names = write_corpus(Path(folder), data / "pubmed" / "pool.jsonl.gz", records)
        child("vocabulary", folder, data / "mesh")
        built = child("build", folder, workers, *names)
        asked = child("ask", folder, data / "queries" / "seed_collection.jsonl.gz", *names)
    return {"records": records, **built, **asked}


def write_corpus(folder: Path, pool: Path, number: int) -> list[str]:
    """So many articles in files of 30,000; the names of the files."""
    with gzip.open(pool, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    names: list[str] = []
    articles = _articles(rows, number)
    while part := list(islice(articles, PER_FILE)):
        names.append(f"part{len(names):04d}.xml.gz")
        with gzip.open(folder / names[-1], "wt", encoding="utf-8", compresslevel=1) as out:
            out.writelines((_HEAD, *part, _TAIL))
    return names


def _articles(rows: Sequence[dict[str, Any]], number: int) -> Iterator[str]:
    """Those of the pool first, then title, beginning and end of the abstract of three of them at random."""
    draw = random.Random(20_260_101)
    for n in range(number):
        if n < len(rows):
            one = two = three = rows[n]
        else:
            one, two, three = draw.choices(rows, k=3)
        first, last = two.get("abstract") or "", three.get("abstract") or ""
        abstract = first if n < len(rows) else f"{first[: len(first) // 2]} {last[len(last) // 2 :]}"
        year, day = draw.randrange(1970, 2026), draw.randrange(1, 29)
        created = f"<Year>{year}</Year><Month>{day % 12 + 1}</Month><Day>{day}</Day>"
        yield (
            f"<PubmedArticle><MedlineCitation><PMID Version='1'>{n + 1}</PMID><Article><Journal><JournalIssue>"
            f"<PubDate><Year>{year}</Year></PubDate></JournalIssue></Journal>"
            f"<ArticleTitle>{escape(one.get('title') or '')}</ArticleTitle>"
            f"<Abstract><AbstractText>{escape(abstract)}</AbstractText></Abstract></Article></MedlineCitation>"
            f"<PubmedData><History><PubMedPubDate PubStatus='entrez'>{created}</PubMedPubDate></History>"
            "</PubmedData></PubmedArticle>\n"
        )


def vocabulary(folder: str, mesh: str) -> dict[str, Any]:
    """Install MeSH."""
    from tools.search.vocabulary import install

    install(Path(folder) / "mesh.sqlite", Path(mesh)).close()
    return {}


def _source(folder: Path, names: Sequence[str], workers: int | None = None) -> Any:
    from tools.search.sources.local_files import LocalFiles
    from tools.search.vocabulary import Vocabulary

    words = Vocabulary(folder / "mesh.sqlite")
    return LocalFiles("pool", [folder / name for name in names], folder / "index", words, workers=workers)


def build(folder: str, workers: str, *names: str) -> dict[str, Any]:
    """The index, built by its first question."""
    source = _source(Path(folder), names, int(workers))
    began = time.perf_counter()
    records = _hits(source, "hasabstract OR 1900:2100[dp]")[1].count
    seconds = time.perf_counter() - began
    size = sum(path.stat().st_size for path in (Path(folder) / "index").glob("*.sqlite"))
    return {
        "build_s": seconds,
        "build_records_per_s": records / seconds,
        "build_peak_mb": _peak_mb(),
        "index_mb": round(size / 1e6),
    }


def ask(folder: str, queries: str, *names: str) -> dict[str, Any]:
    """Open the index, and count the hits of real strategies."""
    from tools.search.query import Term, leaves, parse, render

    source = _source(Path(folder), names)
    opened = _hits(source, "1[uid]")[0]
    with gzip.open(queries, "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["query"] for line in lines]
    times = [_best(source, text)[0] for text in texts]
    terms = [leaf for text in texts for leaf in leaves(parse(text)) if isinstance(leaf, Term) and leaf.field]
    sixty = list(dict.fromkeys(map(render, terms)))[::7][:60]
    assert len(sixty) == 60, "there are sixty terms"
    blocks = " AND ".join(f"({' OR '.join(sixty[n::3])})" for n in range(3))
    in_blocks, (in_one, hits) = _best(source, blocks), _best(source, " OR ".join(sixty))
    return {
        "open_ms": opened * 1000,
        "strategies": len(times),
        "median_ms": statistics.median(times) * 1000,
        "max_ms": max(times) * 1000,
        "sixty_in_blocks_ms": in_blocks[0] * 1000,
        "sixty_in_one_or_ms": in_one * 1000,
        "sixty_in_one_or_hits": hits,
        "query_peak_mb": _peak_mb(),
    }


def _best(source: Any, text: str) -> tuple[float, int]:
    """Shortest of three times, with the hits; the first of them reads the file into the system's cache."""
    tries = [_hits(source, text) for _ in range(3)]
    return min(seconds for seconds, _ in tries), tries[0][1].count


def _hits(source: Any, text: str) -> tuple[float, Any]:
    from tools.search.query import parse
    from tools.search.sources.base import DateRange

    began = time.perf_counter()
    hits = source.probe(parse(text), search_id="", dates=DateRange())
    return time.perf_counter() - began, hits


ONE: dict[str, Callable[..., dict[str, Any]]] = {
    "read": read,
    "files": files,
    "vocabulary": vocabulary,
    "build": build,
    "ask": ask,
}
"""What a process of its own measures."""


if __name__ == "__main__":
    main()
