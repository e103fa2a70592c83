"""Plain strings and dicts as the tasks' typed inputs. Every mistake is a `ConfigError` that says what to write."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tools.errors import ConfigError
from tools.schemas import FullText, Passage, Record

__all__ = ["Paper", "Text", "listed", "made", "paper_of", "phrases_of", "record_of"]

M = TypeVar("M", bound=BaseModel)

Paper = str | FullText | Sequence[Passage] | Mapping[str, Any]
"""A report: its text; a parsed full text; passages; or a dict with `text`, or `sections` (heading to text), and
perhaps `title`, `abstract` and `report_id`."""

Text = str | Record | Mapping[str, Any]
"""What is screened: a text; a record; or a dict with `title` and `abstract` or `text`, and perhaps `record_id`."""

_PARAGRAPH = re.compile(r"\n\s*\n")


def made(model: type[M], value: object, what: str, short: str = "") -> M:
    """A typed value from what a person would write.

    Args:
        model: its type.
        value: one already, a dict with its fields, or a text where `short` names the field that it fills.
        what: what it is to the person, for the message.
        short: see `value`.

    Raises:
        ConfigError: one line for each mistake.
    """
    if isinstance(value, model):
        return value
    if isinstance(value, str) and short:
        value = {short: value}
    if not isinstance(value, Mapping):
        raise ConfigError(f"{what}: write a {'text or a ' if short else ''}dict, not {_kind(value)}")
    try:
        return model.model_validate(dict(value))
    except ValidationError as e:
        raise ConfigError(
            f"{'.'.join((what, *map(str, one['loc'])))}: {one['msg']}" for one in e.errors(include_url=False)
        ) from e


def listed(
    model: type[M],
    value: object,
    what: str,
    *,
    short: str,
    named: str | None = None,
    more: Mapping[str, Any] | None = None,
) -> tuple[M, ...]:
    """Several typed values with an `id`, from a dict of id to text or dict, or from a list.

    Args:
        model, what, short: see `made`.
        named: how texts without an id are called: this and their number, from 1. None: the text is the id.
        more: fields that texts and dicts have unless they say otherwise.

    Raises:
        ConfigError: none given, an id that comes twice, or a mistake in one.
    """
    if isinstance(value, Mapping):
        told = [_with_id(one, str(key), short) for key, one in value.items()]
    elif isinstance(value, str) or not isinstance(value, Iterable):
        raise ConfigError(f"{what}: write a list, or a dict of id to text, not {_kind(value)}")
    else:
        told = [
            _with_id(one, one if named is None else f"{named}{number}", short)
            if isinstance(one, str)
            else one
            for number, one in enumerate(value, 1)
        ]
    if not told:
        raise ConfigError(f"{what}: there are none; give one at least")
    found = tuple(
        made(model, {**(more or {}), **one} if isinstance(one, Mapping) else one, f"{what}.{n}")
        for n, one in enumerate(told)
    )
    twice = [key for key, n in Counter(getattr(one, "id") for one in found).items() if n > 1]  # noqa: B009
    if twice:
        raise ConfigError(f"{what}: ids must be unique, these come twice: {twice}")
    return found


def _with_id(value: object, key: str, short: str) -> object:
    if isinstance(value, str):
        return {"id": key, short: value}
    return {"id": key, **value} if isinstance(value, Mapping) else value


def phrases_of(value: object, what: str) -> dict[str, tuple[str, ...]]:
    """Elements of a question: name to phrases, from texts or lists of them; those left empty are not asked about.

    Raises:
        ConfigError: no dict, or nothing in it.
    """
    if not isinstance(value, Mapping):
        raise ConfigError(
            f"{what}: write a dict of element to text, as population: adults; not {_kind(value)}"
        )
    told = {}
    for name, said in value.items():
        phrases = [said] if isinstance(said, str) else said
        if phrases is None:
            continue
        if not isinstance(phrases, Iterable) or not all(isinstance(one, str) for one in phrases):
            raise ConfigError(f"{what}.{name}: write a text or a list of texts, not {_kind(said)}")
        if kept := tuple(one.strip() for one in phrases if one.strip()):
            told[str(name)] = kept
    if not told:
        raise ConfigError(f"{what}: every element is empty; say what to search for")
    return told


def record_of(text: Text, what: str = "text") -> dict[str, Any]:
    """What `ScreenInput` and `RationaleInput` take of a text: `text` and `record_id`, and more where it is known.

    Raises:
        ConfigError: there is nothing to read.
    """
    if isinstance(text, Record):
        told: dict[str, Any] = {
            "text": text.text,
            "title": text.title,
            "record_id": text.record_id,
            "publication_types": text.publication_types,
            "mesh": text.mesh,
        }
    elif isinstance(text, str):
        told = {"text": text, "record_id": "text"}
    elif isinstance(text, Mapping):
        told = _from_dict(text, what)
    else:
        raise ConfigError(
            f"{what}: write a text, a dict with title and abstract, or a record, not {_kind(text)}"
        )
    if not told["text"].strip():
        raise ConfigError(f"{what}: is empty; there is nothing to judge")
    return told


def _from_dict(given: Mapping[str, Any], what: str) -> dict[str, Any]:
    known = {"record_id", "title", "abstract", "text", "publication_types", "mesh"}
    _only(given, known, what)
    title, body = str(given.get("title") or ""), str(given.get("text") or given.get("abstract") or "")
    return {
        "text": "\n".join(filter(None, (title, body))) if not given.get("text") else body,
        "title": title,
        "record_id": str(given.get("record_id", "text")),
        "publication_types": tuple(given.get("publication_types") or ()),
        "mesh": tuple(given.get("mesh") or ()),
    }


def paper_of(paper: Paper, what: str = "paper") -> dict[str, Any]:
    """`report_id`, `title` and `passages` of a report.

    Raises:
        ConfigError: no form of a report that is known, or an empty one.
    """
    if isinstance(paper, FullText):
        told: dict[str, Any] = {
            "report_id": paper.report_id,
            "title": paper.title,
            "passages": paper.passages,
        }
    elif isinstance(paper, str):
        told = {"report_id": "paper", "title": "", "passages": _passages([("", paper)])}
    elif isinstance(paper, Mapping):
        told = _paper_from_dict(paper, what)
    elif isinstance(paper, Sequence) and all(isinstance(one, Passage) for one in paper):
        told = {"report_id": "paper", "title": "", "passages": tuple(paper)}
    else:
        raise ConfigError(f"{what}: write its text, or a dict with text or sections, not {_kind(paper)}")
    if not any(passage.text.strip() for passage in told["passages"]):
        raise ConfigError(f"{what}: is empty; there is nothing to read")
    return told


def _paper_from_dict(given: Mapping[str, Any], what: str) -> dict[str, Any]:
    _only(given, {"report_id", "title", "abstract", "text", "sections"}, what)
    sections = given.get("sections") or {}
    if not isinstance(sections, Mapping):
        raise ConfigError(f"{what}.sections: write a dict of heading to text, not {_kind(sections)}")
    parts = [("Abstract", given.get("abstract") or ""), ("", given.get("text") or ""), *sections.items()]
    return {
        "report_id": str(given.get("report_id", "paper")),
        "title": str(given.get("title") or ""),
        "passages": _passages([(str(heading), str(text)) for heading, text in parts]),
    }


def _passages(parts: Iterable[tuple[str, str]]) -> tuple[Passage, ...]:
    """Paragraphs, as blank lines part them."""
    told, start = [], 0
    for section, text in parts:
        for paragraph in filter(str.strip, _PARAGRAPH.split(text)):
            told.append(Passage(section=section, kind="paragraph", start=start, text=paragraph))
            start += len(paragraph) + 1
    return tuple(told)


def _only(given: Mapping[str, Any], known: set[str], what: str) -> None:
    if strange := sorted(map(str, given.keys() - known)):
        raise ConfigError(f"{what}: unknown {strange}; it may have {sorted(known)}")


def _kind(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"
