"""Spans in abstracts in brat's standoff form, `<PMID>.ann` beside `<PMID>.txt` (PICO corpus: Mutinda et al. 2022).

A span's body is `{"id", "type", "start", "end", "text"}`; of a span in several pieces, start and end are those
of the whole. A file of which one span does not fit its text is not read.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from finetune.build.kinds import Annotation
from finetune.build.sources.source import Item, Kind, Part, Source, Unread, files_named, text_of
from tools.identifiers import normal_pmid

__all__ = ["KIND"]

_SPAN = re.compile(r"(?P<id>T\d+)\t(?P<type>\S+) (?P<places>\d+ \d+(?:;\d+ \d+)*)\t(?P<text>.*)")


def _parts(path: Path) -> list[Part]:
    return [
        Part(p.path, (p.path.with_suffix(".txt"),) if p.path.with_suffix(".txt").is_file() else ())
        for p in files_named(".ann")(path)
    ]


def _read(path: Path, source: Source) -> Iterator[Item]:
    beside = path.with_suffix(".txt")
    if not beside.is_file():
        yield Unread(path.name, "no text beside it")
        return
    text = text_of(beside)
    spans: list[dict[str, Any]] = []
    for line in text_of(path).splitlines():
        found = _SPAN.fullmatch(line)
        if found is None:
            if line.startswith("T"):
                yield Unread(path.name, f"no span: {line[:60]!r}")
            continue  # relations and notes, which nothing here needs
        numbers = [int(n) for n in re.findall(r"\d+", found["places"])]
        pieces = " ".join(text[a:b] for a, b in zip(numbers[::2], numbers[1::2], strict=True))
        if pieces.split() != found["text"].split():
            yield Unread(path.name, f"a span does not fit its text: {line[:60]!r}")
            return
        spans.append(
            {
                "id": found["id"],
                "type": found["type"],
                "start": numbers[0],
                "end": numbers[-1],
                "text": found["text"],
            }
        )
    if not spans:
        yield Unread(path.name, "no spans")
        return
    yield Annotation(
        annotation_id=f"{source.name}:{path.stem}",
        kind="groups",
        source=source.name,
        licence=source.licence,
        pmid=normal_pmid(path.stem),
        text=text,
        body={"spans": spans},
    )


KIND = Kind(_read, _parts)
