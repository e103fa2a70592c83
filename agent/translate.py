"""Strategies as they stand in files: verb `translate` into another database's language, verb `lint`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.commands import Done
from agent.wiring import cache_folder
from tools.errors import InputFileError
from tools.search.dialects import embase
from tools.search.dialects.base import Translated
from tools.search.dialects.reading import Imported
from tools.search.dialects.table import DIALECTS, READERS, guess
from tools.search.query import Headings, lint
from tools.search.vocabulary import Vocabulary

__all__ = ["installed", "lint_file", "translate"]

MOST_CHARACTERS = 1_000_000
"""Longest strategies are a few ten thousand characters; more is another file given by mistake."""


def translate(file: Path, source: str | None, target: str, vocabulary: Headings | None = None) -> Done:
    """A strategy in another language.

    Args:
        file: the strategy; `-` is standard input.
        source: its language, see `READERS`; None to guess.
        target: the language wanted, see `DIALECTS`.
        vocabulary: MeSH, for headings of Embase that it knows by name.

    Returns:
        The translation; `beside` it all that a person must know. Status 2 where nothing of the strategy could
        be read, or nothing of it has a form in the other language.

    Raises:
        InputFileError: the file cannot be read, or is no text.
        QuerySyntaxError: a strategy in PubMed syntax has a mistake.
    """
    text = _text(file)
    spoken = source or guess(text)
    imported = embase.read(text, vocabulary) if spoken == "embase" else READERS[spoken](text)
    about = [f"read as {spoken}" + ("" if source else ", which it looks like; --from says otherwise")]
    about += _reading(imported)
    if imported.query is None:
        return Done("", 2, "\n".join(about))
    made = DIALECTS[target](imported.query)
    about += _writing(made)
    return Done(made.text, 0 if made.text else 2, "\n".join(about))


def lint_file(file: Path, source: str | None, vocabulary: Headings | None) -> Done:
    """What a searcher would question about a strategy; status 0 also where there is something.

    Args:
        vocabulary: to check headings; without one the answer says that they were not checked.

    Raises:
        InputFileError: the file cannot be read, or is no text.
        QuerySyntaxError: a strategy in PubMed syntax has a mistake.
    """
    text = _text(file)
    spoken = source or guess(text)
    lines: list[str] = []
    if spoken == "pubmed":
        lines += lint(text, vocabulary)
    else:
        imported = READERS[spoken](text)
        lines += _reading(imported)
        if imported.query is None:
            return Done("\n".join(lines), 2)
        lines += lint(imported.query, vocabulary)
    if vocabulary is None:
        lines.append(
            "headings were not checked: no vocabulary is installed (python -m agent vocabulary install)"
        )
    return Done("\n".join(lines) or "nothing to question")


@contextmanager
def installed() -> Iterator[Vocabulary | None]:
    """The installed MeSH, None where there is none."""
    path = cache_folder() / "mesh.sqlite"
    if not path.is_file():
        yield None
        return
    with Vocabulary(path) as vocabulary:
        yield vocabulary


def _text(file: Path) -> str:
    remedy = "Remedy: give a text file in UTF-8 that holds one strategy, or - for standard input."
    try:
        raw = sys.stdin.buffer.read(MOST_CHARACTERS + 1) if str(file) == "-" else _read(file)
        text = raw.decode("utf-8-sig")
    except (OSError, ValueError) as e:
        raise InputFileError(f"{file}: cannot be read as a strategy: {e}. {remedy}") from e
    if len(text) > MOST_CHARACTERS or not text.strip():
        problem = "it is empty" if not text.strip() else f"more than {MOST_CHARACTERS} characters"
        raise InputFileError(f"{file}: cannot be read as a strategy: {problem}. {remedy}")
    return text


def _read(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(4 * MOST_CHARACTERS)


def _reading(imported: Imported) -> list[str]:
    return [
        *_listed("not translated", map(str, imported.untranslated)),
        *_listed("read differently", imported.notes),
        *_listed("headings to look up in MeSH", imported.blanks),
    ]


def _writing(made: Translated) -> list[str]:
    return [
        *_listed("has no form there, left out", made.dropped),
        *_listed("searched differently there", made.notes),
        *_listed("headings to look up there", made.blanks),
    ]


def _listed(title: str, items: Iterable[str]) -> list[str]:
    shown = [f"  {item}" for item in items]
    return [f"{title}:", *shown] if shown else []
