"""Prompts are files with a declared contract; their exact bytes are part of every call's key.

A prompt file is a YAML header between two lines of three dashes, then the text, with `$variables`
(string.Template). The text that comes from records goes into the variables and nowhere else.
"""

from __future__ import annotations

import string
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from tools.errors import ConfigError
from tools.schemas import Frozen, sha256_of

__all__ = ["Prompt", "Template", "folder_of", "load", "pack"]

PACKS = Path(__file__).parent / "prompts"


class Prompt(Frozen):
    """A filled-in prompt, and the tag of the file it came from."""

    tag: str
    text: str


class Template(Frozen):
    """A prompt file: what it needs and its exact text."""

    id: str
    version: int
    variables: frozenset[str]
    body: str

    @property
    def tag(self) -> str:
        """`screen.v1@9c1f…`: stored beside each answer, and in the card of a model trained on it."""
        return f"{self.id}.v{self.version}@{sha256_of(self.body)[:12]}"

    def fill(self, values: dict[str, str]) -> Prompt:
        """Fill it in; too few or too many values is a bug, not a default.

        Raises:
            TypeError: the values are not those the header declares.
        """
        if values.keys() != self.variables:
            raise TypeError(f"{self.id} needs {sorted(self.variables)}, was given {sorted(values)}")
        return Prompt(tag=self.tag, text=string.Template(self.body).substitute(values))


def load(path: Path) -> Template:
    """Read one prompt file.

    Raises:
        ConfigError: no such file, no header or one with something missing, or the text uses other variables
            than it declares, or a `$` that begins none.
    """
    try:
        header, body = path.read_text(encoding="utf-8").removeprefix("---\n").split("---\n", 1)
        fields: dict[str, Any] = yaml.safe_load(header)
        template = Template.model_validate({"body": body} | fields)
    except (OSError, ValueError, TypeError, yaml.YAMLError) as e:
        said = "; ".join(str(x["loc"][0]) for x in e.errors()) if isinstance(e, ValidationError) else e
        raise ConfigError(f"{path} is not a prompt file: {said}. See the files in model/prompts/ours.") from e
    text = string.Template(body)
    if not text.is_valid():
        raise ConfigError(f"{path}: a $ that begins no variable. Remedy: write $$ for the sign itself.")
    used = set(text.get_identifiers())
    if used != template.variables:
        raise ConfigError(f"{path}: header declares {sorted(template.variables)}, text uses {sorted(used)}")
    return template


@cache
def pack(name_or_folder: str, task: str) -> Template:
    """The prompt of a task from a shipped pack (`ours`) or from a user's folder of such files.

    Raises:
        ConfigError: see `load`; or the file is another task's prompt.
    """
    path = folder_of(name_or_folder) / f"{task}.md"
    template = load(path)
    if template.id != task:
        raise ConfigError(
            f"{path}: its header says id {template.id}. Remedy: write id: {task}, or rename it."
        )
    return template


def folder_of(name_or_folder: str) -> Path:
    """Where the prompts of a shipped pack, or of a user's folder, lie."""
    shipped = PACKS / name_or_folder
    return shipped if shipped.is_dir() else Path(name_or_folder)
