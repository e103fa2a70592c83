"""Evidence Inference 2.0 (DeYoung et al. 2020, arXiv 2005.04177): what happened to an outcome, with spans.

The text that the offsets refer to stands in `evidence_inference_txt/<PMCID>.txt` beside the file, where it is
there. A row whose text is there and whose spans do not fit it is not read.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from finetune.build.kinds import Annotation
from finetune.build.sources.source import Item, Kind, Part, Source, Unread, files_named, json_rows, text_of
from tools.identifiers import normal_pmcid, normal_pmid

__all__ = ["KIND"]


def _parts(path: Path) -> list[Part]:
    return [
        Part(part.path, tuple(sorted(_folder(part.path).glob("*.txt*"))))
        for part in files_named(".jsonl")(path)
    ]


def _folder(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".gz").removesuffix(".jsonl") + "_txt")


def _read(path: Path, source: Source) -> Iterator[Item]:
    texts: dict[str, str] = {}
    for number, row in json_rows(path):
        if isinstance(row, Unread):
            yield row
            continue
        pmcid = normal_pmcid(str(row.get("pmcid") or "")) or ""
        if not row.get("prompt_id") or not pmcid or not row.get("label"):
            yield Unread(f"line {number}", "fields missing: prompt_id, pmcid or label")
            continue
        if pmcid not in texts:
            texts = {pmcid: _text(path, pmcid)}  # rows of one paper stand together
        if any(not _fits(one, texts[pmcid]) for one in row.get("evidence") or ()):
            yield Unread(f"prompt {row['prompt_id']}", "a span does not fit its text")
            continue
        yield Annotation(
            annotation_id=f"{source.name}:{row['prompt_id']}",
            kind="direction",
            source=source.name,
            licence=str(row.get("licence") or source.licence),
            pmid=normal_pmid(str(row.get("pmid") or "")),
            pmcid=pmcid,
            title=str(row.get("title") or ""),
            text=texts[pmcid],
            body=row,
        )


def _text(path: Path, pmcid: str) -> str:
    place = _folder(path) / f"{pmcid}.txt"
    found = next((p for p in (place, place.with_name(place.name + ".gz")) if p.is_file()), None)
    return text_of(found) if found else ""


def _fits(span: dict[str, Any], text: str) -> bool:
    return not text or text[span["start"] : span["end"]].split() == str(span["text"]).split()


KIND = Kind(_read, _parts)
