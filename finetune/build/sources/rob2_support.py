"""Judgements of RoB 2 with the texts that support them, per result of a trial (Pairwise70: from Cochrane reviews).

The body of an annotation is `{"review", "analysis", "study", "judgements": {"1": …}, "supports": {"1": …}}`, domains
by their number. A study that stands in several analyses with the same texts is given once.
"""

import csv
import html
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from finetune.build.kinds import Annotation
from finetune.build.sources.source import Item, Kind, Source, Unread, files_named, lines_of, year_in
from tools.errors import InputFileError
from tools.schemas import sha256_of

__all__ = ["KIND"]

_DOMAINS = {
    "1": "Bias.arising.from.the.randomization.process",
    "2": "Bias.due.to.deviations.from.intended.interventions",
    "3": "Bias.due.to.missing.outcome.data",
    "4": "Bias.in.measurement.of.the.outcome",
    "5": "Bias.in.selection.of.the.reported.result",
}
NEEDED = ("dataset", "Analysis.name", "Study", *(f"{name}..support." for name in _DOMAINS.values()))
_TAG = re.compile(r"<[^>]*>")


def _read(path: Path, source: Source) -> Iterator[Item]:
    csv.field_size_limit(10_000_000)
    reader = csv.DictReader(lines_of(path))
    names = reader.fieldnames or ()
    if missing := [name for name in NEEDED if name not in names]:
        raise InputFileError(
            f"{path}: has no column {', '.join(missing)}. Remedy: a table of RoB 2 judgements with their supporting "
            "texts, as Pairwise70 writes it."
        )
    seen: set[str] = set()
    for number, row in enumerate(reader, 2):
        supports = {n: _plain(row.get(f"{name}..support.")) for n, name in _DOMAINS.items()}
        supports = {n: text for n, text in supports.items() if text}
        study = _plain(row.get("Study"))
        if not supports or not study:
            yield Unread(f"line {number}", "no supporting text, or no study")
            continue
        body = _body(row, study, supports)
        key = sha256_of([body["review"], study, supports, body["judgements"]])[:16]
        if key in seen:
            continue
        seen.add(key)
        yield Annotation(
            annotation_id=f"{source.name}:{key}",
            kind="bias",
            source=source.name,
            licence=source.licence,
            title=f"{study} ({body['review']})",
            body=body | {"year": year_in(row.get("Study.year"))},
        )


def _body(row: Mapping[str, str], study: str, supports: Mapping[str, str]) -> dict[str, object]:
    judged = {n: str(row.get(f"{name}..judgement.") or "").strip() for n, name in _DOMAINS.items()}
    return {
        "review": re.sub(r"(?:_pub\d+)?_data$", "", row["dataset"]),
        "analysis": _plain(row["Analysis.name"]),
        "study": study,
        "judgements": {n: said for n, said in judged.items() if said},
        "supports": dict(supports),
    }


def _plain(text: str | None) -> str:
    """Text without marks of HTML, each paragraph on a line of its own."""
    pieces = re.split(r"</p>|<br\s*/?>", text or "")
    plain = (" ".join(html.unescape(_TAG.sub(" ", piece)).split()) for piece in pieces)
    return "\n".join(filter(None, plain))


KIND = Kind(_read, files_named(".csv"))
