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

from tools.errors import ConfigError
from tools.schemas import Frozen, sha256_of

__all__ = ["Prompt", "Template", "load", "pack"]

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
        ConfigError: no such file, no header, or the text uses other variables than it declares.
    """
    try:
        _, header, body = path.read_text(encoding="utf-8").split("---\n", 2)
        fields: dict[str, Any] = yaml.safe_load(header)
    except (OSError, ValueError, yaml.YAMLError) as e:
        raise ConfigError(f"{path} is not a prompt file: {e}. See the files in model/prompts/ours.") from e
    template = Template(**fields, body=body)
    used = set(string.Template(body).get_identifiers())
    if used != template.variables:
        raise ConfigError(f"{path}: header declares {sorted(template.variables)}, text uses {sorted(used)}")
    return template


@cache
def pack(name_or_folder: str, task: str) -> Template:
    """The prompt of a task from a shipped pack (`ours`) or from a user's folder of such files."""
    folder = PACKS / name_or_folder
    return load((folder if folder.is_dir() else Path(name_or_folder)) / f"{task}.md")
