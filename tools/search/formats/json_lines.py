"""JSON lines with the fields of `schemas.Record`. Pure."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from tools.identifiers import normal_doi, normal_pmcid, normal_pmid
from tools.schemas import Correction, Record
from tools.search.citation_text import Entry, Problem, finish, iso_day, one_line, paragraphs, safe, year_of

__all__ = ["read"]

_TEXTS = ("title", "abstract", "journal", "volume", "issue", "pages", "language")
_TEXTS_SINCE = ("issn", "url", "vernacular_title")
_LISTS = ("authors", "publication_types", "mesh", "keywords", "registry_ids", "other_abstracts")
_IDS = ("pmid", "pmcid", "doi", "year", "created", "updated")
_KNOWN = {*_TEXTS, *_TEXTS_SINCE, *_LISTS, *_IDS, "record_id", "retracted", "warnings"}
_KNOWN |= {"corrections", "fields"}


def read(lines: Iterable[str], source: str, problems: list[Problem]) -> Iterator[Entry]:
    """One JSON object per line, with the fields of `Record` as far as they are known.

    Other keys, such as labels, are left aside and named once. A value of the wrong kind is left out, and
    the record's warnings say so.
    """
    unknown: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            given = json.loads(line)
        except (ValueError, RecursionError) as e:
            yield Entry(place, None, f"not JSON ({e})")
            continue
        if not isinstance(given, dict):
            yield Entry(place, None, f"not a JSON object, but {type(given).__name__}")
            continue
        for key in given.keys() - _KNOWN:
            unknown.setdefault(key, number)
        if not any(given.get(key) for key in ("title", "abstract", "pmid", "doi", "record_id")):
            yield Entry(place, None, "an object with neither title, abstract nor identifier")
            continue
        yield Entry(place, _record(given, source))
    if unknown:
        names = ", ".join(sorted(map(safe, unknown)))
        problems.append(Problem(place=f"line {min(unknown.values())}", what=f"keys left aside: {names}"))


def _record(given: dict[str, Any], source: str) -> Record:
    warnings = _list(given, "warnings", [])
    warnings = [w for w in warnings if w not in ("no title", "no abstract")]
    fields: dict[str, Any] = {
        name: one_line(_text(given, name, warnings)) for name in (*_TEXTS, *_TEXTS_SINCE)
    }
    fields["abstract"] = paragraphs(_text(given, "abstract", warnings).splitlines())
    fields |= {name: tuple(_list(given, name, warnings)) for name in _LISTS}
    ids = {name: _text(given, name, warnings) for name in _IDS}
    fields |= {
        "pmid": normal_pmid(ids["pmid"]),
        "pmcid": normal_pmcid(ids["pmcid"]),
        "doi": normal_doi(ids["doi"][:2_000]),
        "year": year_of(ids["year"]),
        "created": iso_day(ids["created"]),
        "updated": iso_day(ids["updated"]),
        "retracted": given.get("retracted") is True,
        "corrections": _corrections(given, warnings),
    }
    warnings += [
        f"{name} not understood: {safe(ids[name])[:80]!r}"
        for name in ids
        if ids[name].strip() and fields[name] is None
    ]
    own_id = one_line(_text(given, "record_id", warnings))
    return finish(source, own_id, fields, warnings, _pairs(given, warnings))


def _text(given: dict[str, Any], name: str, warnings: list[str]) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(int(value)) if value == value // 1 else str(value)
    warnings.append(f"{name} left out: not a text, but {type(value).__name__}")
    return ""


def _list(given: dict[str, Any], name: str, warnings: list[str]) -> list[str]:
    value = given.get(name)
    if isinstance(value, str):
        value = value.split(";")
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return list(dict.fromkeys(line for v in value if (line := one_line(safe(v)))))
    warnings.append(f"{name} left out: not a list of texts")
    return []


def _corrections(given: dict[str, Any], warnings: list[str]) -> tuple[Correction, ...]:
    try:
        return tuple(Correction.model_validate(one) for one in given.get("corrections") or ())
    except (ValidationError, TypeError):
        warnings.append("corrections left out: not a list of kind, citation and pmid")
        return ()


def _pairs(given: dict[str, Any], warnings: list[str]) -> list[tuple[str, str]]:
    value = given.get("fields") or []
    if isinstance(value, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair)
        for pair in value
    ):
        return [(_whole(tag), _whole(text)) for tag, text in value]
    warnings.append("fields left out: not a list of pairs of texts")
    return []


def _whole(text: str) -> str:
    """Verbatim, but for halves of surrogate pairs, which no database takes."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
