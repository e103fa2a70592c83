"""Reviews with known answers, read from a folder: criteria made from what the review says, records with labels."""

import gzip
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.errors import InputFileError
from tools.schemas import Criterion, Record

__all__ = [
    "LabelledRecord",
    "Question",
    "Review",
    "criteria_of",
    "elements_of",
    "read_question",
    "read_review",
    "read_seed_collection",
    "statements_of",
]

REMEDY = "Remedy: give a folder with review.json and records.jsonl.gz."

REMEDY_SEEDS = "Remedy: give the folder that holds seed_collection.jsonl.gz."

_SEARCHED = ("population", "intervention")
_ELEMENTS = {"P": "population", "I": "intervention", "C": "comparator", "O": "outcome", "S": "design"}
_LISTED = re.compile(r"^(?P<element>[\w /-]+?)\s+(?P<kind>INCLUDE|EXCLUDE)\s*:\s*(?P<items>.*)$")
_HEADING = re.compile(
    r"^\W*(?P<word>INCLUDE|EXCLUDE|inclusion|exclusion)(?:\s+criteria)?\s*:\s*(?P<rest>.*)$", re.IGNORECASE
)
_TOPIC = re.compile(r"^(?P<topic>[A-Z][\w ]{2,30}):\s*$")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+(?P<text>.+)$")
_WRAPPING = re.compile(r'^\s*(?:str_c\(|sep = "\\n",|\)+,?)\s*$')


@dataclass(frozen=True)
class LabelledRecord:
    """A record and what the reviewers decided: True, False, or None where nothing is known."""

    record: Record
    ta: bool | None
    final: bool | None


@dataclass(frozen=True)
class Review:
    """One review: its question, its criteria, its labelled records."""

    review_id: str
    title: str
    criteria: tuple[Criterion, ...]
    records: tuple[LabelledRecord, ...]


def read_review(folder: Path, limit: int | None = None) -> Review:
    """Read one review's folder.

    Args:
        folder: with `review.json` (`title`, and `pico` or `criteria_text`) and `records.jsonl.gz`
            (`record_id`, `title`, `abstract`, `label_ta`, `label_final`).
        limit: read only so many records. All that the reviewers included come first, so that a short
            run has something to find; its numbers cannot be compared with those of a whole review.

    Raises:
        InputFileError: a file is missing or is not in this form.
    """
    try:
        said = json.loads((folder / "review.json").read_text(encoding="utf-8"))
        with gzip.open(folder / "records.jsonl.gz", "rt", encoding="utf-8") as lines:
            records = [_record(json.loads(line)) for line in lines if line.strip()]
    except (OSError, EOFError, zlib.error, ValueError, KeyError) as e:
        raise InputFileError(f"{folder}: cannot be read as a review: {e!r}. {REMEDY}") from e
    if limit is not None:
        records.sort(key=lambda r: not (r.final or r.ta))
    return Review(folder.name, said.get("title") or folder.name, criteria_of(said), tuple(records[:limit]))


@dataclass(frozen=True)
class Question:
    """What a search starts from, the authors' own strategy where it is known, and what was included.

    `elements`: searched elements in the review's own words, empty where it does not tell them apart.
    `strategy` is empty where none is known; `platform` says in whose syntax it is written.
    `included`: PMIDs.
    """

    review_id: str
    title: str
    text: str
    elements: Mapping[str, tuple[str, ...]]
    strategy: str
    platform: str
    included: frozenset[str]


def read_question(folder: Path) -> Question:
    """Read one review's folder for its question and its strategy. Included: after full text, else by abstract.

    Raises:
        InputFileError: as `read_review`.
    """
    review = read_review(folder)
    said = json.loads((folder / "review.json").read_text(encoding="utf-8"))
    final = {r.record.pmid: r.final if r.final is not None else r.ta for r in review.records if r.record.pmid}
    return Question(
        review_id=review.review_id,
        title=review.title.replace("_", " "),
        text=_question_line(said.get("criteria_text") or "") or review.title.replace("_", " "),
        elements=elements_of(said),
        strategy=said.get("query") or "",
        platform=said.get("query_platform") or "",
        included=frozenset(pmid for pmid, included in final.items() if included),
    )


def read_seed_collection(path: Path) -> tuple[Question, ...]:
    """Questions of ielab's seed collection (doi:10.1145/3477495.3531748), of which only titles are known.

    Raises:
        InputFileError: the file is missing or is not in this form.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines if line.strip()]
        return tuple(
            Question(
                review_id=f"seed_{row['id']}",
                title=row["title"],
                text=row["title"],
                elements={},
                strategy=row["query"],
                platform="PubMed",
                included=frozenset(map(str, row["included_studies"])),
            )
            for row in rows
        )
    except (OSError, EOFError, zlib.error, ValueError, KeyError) as e:
        raise InputFileError(f"{path}: cannot be read as the seed collection: {e!r}. {REMEDY_SEEDS}") from e


def elements_of(said: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    """Population and intervention from `pico`, each alternative a phrase, else from listed criteria."""
    pico = said.get("pico")
    if pico:
        questions = pico if isinstance(pico, list) else [pico]
        found = {
            element: tuple(dict.fromkeys(part for q in questions for part in _flat(q.get(key))))
            for key, element in _ELEMENTS.items()
            if element in _SEARCHED
        }
    else:
        listed = _from_lists((said.get("criteria_text") or "").strip())
        found = {c.element or "": c.terms for c in listed if c.kind == "include" and c.element in _SEARCHED}
    return {name: found[name] for name in _SEARCHED if found.get(name)}


def _question_line(text: str) -> str:
    return next(
        (line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("QUESTION:")), ""
    )


def _record(row: Mapping[str, Any]) -> LabelledRecord:
    record = Record(
        record_id=str(row["record_id"]),
        title=row.get("title") or "",
        abstract=row.get("abstract") or "",
        pmid=row.get("pmid"),
    )
    return LabelledRecord(record, _label(row.get("label_ta")), _label(row.get("label_final")))


def _label(value: Any) -> bool | None:
    return None if value is None else bool(value)


def statements_of(review: Review) -> list[str]:
    """What records are compared with: the title and the inclusion criteria, as in the prefilter step."""
    return [review.title, *(c.text for c in review.criteria if c.kind == "include")]


# Criteria ----------------------------------------------------------------------------------------


def criteria_of(said: Mapping[str, Any]) -> tuple[Criterion, ...]:
    """Criteria from a review's own words, by the form they are in; the same rules for every review.

    In this order: `pico` (an inclusion criterion per element; of several questions, the alternatives
    together), lines "Population INCLUDE: a; b", headings with bullets, the whole text as one inclusion
    criterion, and where there are no criteria, the title.
    """
    text = (said.get("criteria_text") or "").strip()
    for found in (_from_pico(said.get("pico")), _from_lists(text), _from_bullets(text)):
        if found:
            return tuple(found)
    whole = text or str(said.get("title") or "").replace("_", " ")
    return (Criterion(id="whole", kind="include", text=whole),)


def _from_pico(pico: Any) -> list[Criterion]:
    if not pico:
        return []
    questions = pico if isinstance(pico, list) else [pico]
    made = []
    for key, element in _ELEMENTS.items():
        parts = dict.fromkeys(part for question in questions for part in _flat(question.get(key)))
        if parts:
            made.append(Criterion(id=element, kind="include", element=element, text="; ".join(parts)))
    return made


def _flat(value: Any) -> Iterator[str]:
    """The texts in an element: a string, a list, or outcomes by comparison."""
    if isinstance(value, str) and value.strip():
        yield " ".join(value.split())
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _flat(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _flat(inner)


def _from_lists(text: str) -> list[Criterion]:
    made = []
    for line in text.splitlines():
        found = _LISTED.match(line.strip())
        items = [item.strip() for item in found["items"].split(";") if item.strip()] if found else []
        if found and items:
            element = "design" if "design" in found["element"].lower() else found["element"].strip().lower()
            kind = found["kind"].lower()
            made.append(
                Criterion.model_validate(
                    {
                        "id": f"{element}-{kind}".replace(" ", "-"),
                        "kind": kind,
                        "element": element,
                        "text": f"{found['element'].strip()}: {'; '.join(items)}",
                        "terms": items,
                    }
                )
            )
    return made


def _from_bullets(text: str) -> list[Criterion]:
    """Bullets below a heading that says inclusion or exclusion; a heading before it names the topic."""
    made: list[Criterion] = []
    kind, topic = "", ""
    for line in text.splitlines():
        plain = _unwrapped(line)
        if not plain or _WRAPPING.match(line):
            continue
        heading, bullet = _HEADING.match(plain), _BULLET.match(plain)
        inline = ""
        if heading:
            kind = "include" if heading["word"].lower().startswith("inclu") else "exclude"
            said, inline = heading["rest"].strip(), topic if bullet else ""
        elif _TOPIC.match(plain):
            kind, topic, said = "", plain.rstrip(": "), ""
        elif bullet and kind:
            said = bullet["text"].strip()
        else:
            kind, said = "", ""
        if said and kind:
            number = sum(c.kind == kind for c in made) + 1
            whole = f"{inline}: {said}" if inline else said
            made.append(Criterion.model_validate({"id": f"{kind}-{number}", "kind": kind, "text": whole}))
    return made


def _unwrapped(line: str) -> str:
    """A line without the quotation marks of the program it was copied from."""
    return line.strip().removesuffix(",").strip().strip('"').strip()
