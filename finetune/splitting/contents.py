"""What of a question is a paper's or a review's own text, apart from the fixed words of a prompt. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools.records.citation import folded

__all__ = ["MIN_TITLE", "MIN_WORDS", "quotes_of", "texts_of", "titles_of"]

MIN_WORDS = 40
"""Words of a text that is compared; below, two papers are alike by chance."""

MIN_TITLE = 5
"""Words of a title that names one study; `Reply` or `Asthma in children` name many."""

MIN_QUOTE = 12
"""Words of a quote that two papers do not share by chance."""

_TEXTS = {"text", "abstract"}
_NOT_A_PAPER = {"criteria", "criterion", "questions", "fields"}
"""Parts of a question that a review's authors or the task wrote."""


def texts_of(asked: Mapping[str, Any]) -> list[str]:
    """Abstracts, passages and records in a question, each at least `MIN_WORDS` long, in their order.

    The title before a record's abstract is no part of it: under another title it is still the same text.
    """
    if isinstance(text := asked.get("text"), str):
        title = asked.get("title") or text.partition("\n")[0]
        asked = {**asked, "text": text.removeprefix(title) or text}
    return [text for text in _found(asked, _TEXTS) if len(text.split()) >= MIN_WORDS]


def titles_of(asked: Mapping[str, Any]) -> list[str]:
    """Folded titles in a question, of papers and of reviews, long enough to name one; each once.

    A question whose text has no title beside it gives the text's first line, where records have theirs.
    """
    titles = list(
        _found(
            {k: v for k, v in asked.items() if k not in ("outcome", "group", "groups", "measure")}, {"title"}
        )
    )
    if not any(titles) and isinstance(text := asked.get("text"), str):
        titles = [text.partition("\n")[0]]
    words = (folded(title) for title in titles if len(title) <= 1000)
    return list(dict.fromkeys(title for title in words if len(title.split()) >= MIN_TITLE))


def quotes_of(answer: Mapping[str, Any]) -> list[str]:
    """Quotes in an answer that are long enough to come from one paper."""
    return [text for text in _found(answer, {"quote"}) if len(text.split()) >= MIN_QUOTE]


def _found(value: Any, keys: set[str]) -> Iterator[str]:
    """Strings under some keys, at any depth, in the order of the question."""
    if isinstance(value, Mapping):
        for key, inside in value.items():
            if key in keys and isinstance(inside, str):
                yield inside
            elif key not in _NOT_A_PAPER:
                yield from _found(inside, keys)
    elif isinstance(value, list | tuple):
        for inside in value:
            yield from _found(inside, keys)
