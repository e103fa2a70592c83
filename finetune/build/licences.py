"""Which licences let a data set be passed on. Pure. What is not known to allow it, does not."""

from __future__ import annotations

import re

__all__ = ["forbids"]

_OPEN = re.compile(
    r"cc0(?:[ -]1\.0)?|cc[ -]by(?:[ -]sa)?(?:[ -]\d(?:\.\d)?)?|mit|apache(?:[ -]?2(?:\.0)?)?|bsd(?:[ -]\d-clause)?"
    r"|public domain|odc[ -]by|us government work",
    re.IGNORECASE,
)
_NOT_OPEN = {
    "no derivatives": re.compile(r"\bnd\b|no[ -]?deriv", re.IGNORECASE),
    "not for commercial use": re.compile(r"\bnc\b|non[ -]?commercial", re.IGNORECASE),
    "its text is the publishers'": re.compile(r"publisher|abstracts? remain", re.IGNORECASE),
    "Cochrane's": re.compile(r"cochrane", re.IGNORECASE),
    "share alike under the GPL": re.compile(r"\bgpl", re.IGNORECASE),
}


def forbids(licence: str) -> str | None:
    """Why a row under this licence cannot be passed on; None: it can, with attribution where the licence asks."""
    for why, words in _NOT_OPEN.items():
        if words.search(licence):
            return why
    # What stands in brackets says which part of a source a licence is of; several parts stand between semicolons.
    parts = [part.removeprefix("text:").strip(" .") for part in re.sub(r"\(.*?\)", "", licence).split("; ")]
    if all(_OPEN.fullmatch(part) for part in parts):
        return None
    return "no licence is known" if licence.strip().lower() in ("", "unknown") else "not known to allow it"
