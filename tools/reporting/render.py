"""Everything that leaves the review, as bytes. Pure: same value in, same bytes out."""

import hashlib
from collections.abc import Callable, Mapping, Sequence

from tools.errors import ConfigError
from tools.reporting.counts import PrismaCounts
from tools.reporting.data import ReviewData
from tools.reporting.diagram import svg
from tools.reporting.export import (
    counts_json,
    decisions_csv,
    earlier_csv,
    extraction_csv,
    included_ris,
    search_text,
)
from tools.reporting.page import html
from tools.reporting.prisma import check, count
from tools.reporting.prisma_s import markdown

__all__ = ["DEFAULT_OUTPUTS", "OUTPUTS", "render_all"]

# A byte-order mark, because spreadsheets read UTF-8 as something else without one.
_BOM = "\ufeff"

_WRITERS: dict[str, Callable[[ReviewData, PrismaCounts], str]] = {
    "report.html": html,
    "prisma.svg": lambda data, counts: svg(counts),
    "decisions.csv": lambda data, counts: _BOM + decisions_csv(data),
    "extraction.csv": lambda data, counts: _BOM + extraction_csv(data),
    "earlier.csv": lambda data, counts: _BOM + earlier_csv(data),
    "included.ris": lambda data, counts: included_ris(data),
    "search.txt": lambda data, counts: search_text(data),
    "search-appendix.md": markdown,
    # The same value once more, nothing neutralised: what the CSV files escape, this one keeps.
    "data.json": lambda data, counts: data.model_dump_json(indent=1) + "\n",
}
DEFAULT_OUTPUTS = (*(name for name in _WRITERS if name not in ("data.json", "earlier.csv")), "counts.json")
OUTPUTS = (*_WRITERS, "counts.json")


def render_all(
    data: ReviewData, outputs: Sequence[str] = DEFAULT_OUTPUTS, besides: Mapping[str, bytes] | None = None
) -> dict[str, bytes]:
    """Every wanted file under its name, in a fixed order; all UTF-8, the CSV files with a byte-order mark.

    Args:
        data: the review.
        outputs: names out of `OUTPUTS`. counts.json carries the SHA-256 of the files made with it.
        besides: files made elsewhere, name to content, to be listed with these.

    Raises:
        ConfigError: a name that is not in `OUTPUTS`.
        Unbalanced: the counts do not add up; nothing is rendered.
    """
    unknown = sorted(set(outputs) - set(OUTPUTS))
    if unknown:
        raise ConfigError(f"outputs: {', '.join(unknown)} unknown; choose from {', '.join(OUTPUTS)}")
    counts = count(data)
    check(counts)
    files = {name: write(data, counts).encode() for name, write in _WRITERS.items() if name in outputs}
    files |= besides or {}
    if "counts.json" in outputs:
        hashes = {name: hashlib.sha256(body).hexdigest() for name, body in files.items()}
        files["counts.json"] = counts_json(data, counts, hashes).encode()
    return files
