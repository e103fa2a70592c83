"""ClinicalTrials.gov: studies of API v2 or of the old API, alone, in a list, a search answer, JSON lines or a zip.

The zip is the registry's own bulk download, one file for each study. Each form is known by its content.
"""

import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from finetune.build.kinds import Trial
from finetune.build.sources.source import Item, Kind, Source, Unread, files_named, json_rows, text_of, year_in
from tools.errors import InputFileError
from tools.registry.legacy import from_legacy
from tools.registry.trial import NotATrial, read

__all__ = ["KIND"]


def _read(path: Path, source: Source) -> Iterator[Item]:
    for place, document in _documents(path):
        if isinstance(document, Unread):
            yield document
            continue
        for number, study in enumerate(_studies(document), 1):
            yield _trial(study, source, f"{place}study {number}")


def _documents(path: Path) -> Iterator[tuple[str, Any]]:
    if path.suffix.lower() == ".zip":
        yield from _zipped(path)
    elif ".jsonl" in path.suffixes:
        for number, row in json_rows(path):
            yield f"line {number}, ", row
    else:
        try:
            yield "", json.loads(text_of(path))
        except ValueError as e:
            raise InputFileError(f"{path}: no JSON: {e}. Remedy: fetch or export it again.") from e


def _zipped(path: Path) -> Iterator[tuple[str, Any]]:
    try:
        with zipfile.ZipFile(path) as box:
            for name in sorted(n for n in box.namelist() if n.lower().endswith(".json")):
                try:
                    yield f"{name}, ", json.loads(box.read(name))
                except (ValueError, zlib.error, zipfile.BadZipFile) as e:
                    yield "", Unread(name, f"no JSON: {e}")
    except (OSError, zipfile.BadZipFile) as e:
        raise InputFileError(f"{path}: no zip file that can be read: {e}. Remedy: fetch it again.") from e


def _studies(document: Any) -> list[Any]:
    """The studies of a document, in the form of API v2."""
    if isinstance(document, list):
        return [study for one in document for study in _studies(one)]
    if isinstance(document, dict) and "FullStudiesResponse" in document:
        return [_classic(one) for one in document["FullStudiesResponse"].get("FullStudies") or ()]
    if isinstance(document, dict) and isinstance(document.get("studies"), list):
        return list(document["studies"])
    return [_classic(document)]


def _classic(one: Any) -> Any:
    study = one.get("Study", one) if isinstance(one, dict) else one
    return from_legacy(study) if isinstance(study, dict) and "ProtocolSection" in study else study


def _trial(study: Any, source: Source, place: str) -> Trial | Unread:
    if not isinstance(study, dict):
        return Unread(place, "no study")
    try:
        entry = read(study)
    except NotATrial as e:
        return Unread(place, f"no study: {e}")
    status = study["protocolSection"].get("statusModule") or {}
    day = (status.get("lastUpdatePostDateStruct") or {}).get("date") or status.get("lastUpdateSubmitDate")
    return Trial(
        nct_id=entry.nct_id,
        source=source.name,
        licence=source.licence,
        title=entry.title,
        year=year_in(day),
        has_results=entry.results is not None,
        document=study,
    )


KIND = Kind(_read, files_named(".json", ".jsonl", ".zip"))
