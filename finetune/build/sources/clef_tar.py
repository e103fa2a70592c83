"""Topics of CLEF TAR 2017 to 2019 (title, strategy, PMIDs), and the judgements (qrels) where they are there.

A file of qrels has `abs` or `content` in its name, as the task's repository has it, and lines
`CD008054 0 20301575 1`. Without qrels a topic's PMIDs are what its search found, not what it included, so
that it is a review with a title and strategies only.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from finetune.build.kinds import Candidate, Review
from finetune.build.sources.source import Item, Kind, Part, Source, Unread, plain_record, text_of
from tools.errors import InputFileError
from tools.identifiers import normal_pmid

__all__ = ["KIND"]

_HEAD = re.compile(r"^(Topic|Title|Query|Pids|Objectives?) *:[ \t]*", re.MULTILINE)
_OVID = re.compile(
    r"^exp |/$|\badj\d*\b|\.(?:tw|mp|ti|ab|sh|pt|ti,ab)\.?\s*$|^or/\d|^\d+ (?:and|or) \d+", re.MULTILINE
)


def _parts(path: Path) -> list[Part]:
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    qrels = tuple(p for p in files if "qrel" in p.name.lower())
    topics = [p for p in files if p not in qrels and not p.name.startswith((".", "Icon", "README"))]
    if not topics:
        raise InputFileError(f"{path}: holds no topics. Remedy: give the folder of the task's topic files.")
    return [Part(p, qrels) for p in topics]


def _read(path: Path, source: Source) -> Iterator[Item]:
    text = text_of(path)
    pieces = _HEAD.split(text)
    said = {name.lower(): body.strip() for name, body in zip(pieces[1::2], pieces[2::2], strict=True)}
    topic, title = said.get("topic", ""), " ".join(said.get("title", "").split())
    if not topic or not title:
        yield Unread(path.name, "no topic: it has no Topic: and Title:")
        return
    review_id = f"{source.name}:{topic}"
    qrels = _qrels(path, source, topic)
    labels = {stage: kept for stage, kept in qrels.items() if kept}
    final = labels.get("content") or labels.get("abs") or {}
    strategy = said.get("query", "")
    yield Review(
        review_id=review_id,
        source=source.name,
        licence=source.licence,
        title=title,
        question=" ".join(said.get("objective", said.get("objectives", "")).split()),
        strategies=(strategy,) if strategy and not _OVID.search(strategy) else (),
        included=tuple(pmid for pmid, kept in final.items() if kept),
    )
    for pmid in dict.fromkeys(p for kept in labels.values() for p in kept):
        yield Candidate(
            review_id=review_id,
            record=plain_record({"pmid": pmid}),
            ta=labels.get("abs", {}).get(pmid),
            final=labels.get("content", {}).get(pmid),
        )


def _qrels(path: Path, source: Source, topic: str) -> dict[str, dict[str, bool]]:
    """Stage (`abs`, `content`) to PMID to judgement, for one topic."""
    files = next((p.beside for p in _parts(source.path) if p.path == path), ())
    found: dict[str, dict[str, bool]] = {}
    for file in files:
        stage = "content" if "content" in file.name.lower() else "abs"
        found.setdefault(stage, {}).update(_judged(file, file.stat().st_mtime_ns).get(topic, {}))
    return found


@lru_cache(maxsize=8)
def _judged(file: Path, changed: int) -> dict[str, dict[str, bool]]:
    """Topic to PMID to judgement; read once for all topics, and again when the file has changed."""
    found: dict[str, dict[str, bool]] = {}
    for line in text_of(file).splitlines():
        words = line.split()
        if len(words) >= 4 and (pmid := normal_pmid(words[2])):
            found.setdefault(words[0], {})[pmid] = words[3] not in ("0", "-1")
    return found


KIND = Kind(_read, _parts)
