"""Where a model's files lie, whether they are safe to load, and its tokenizer. Nothing here reads weights."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from model.card import weight_files
from model.embedding import _no_progress_bars
from tools.errors import ConfigError

__all__ = ["Tokenizer", "folder_of_adapter", "folder_of_model", "need"]

REMEDY = "Remedy: pip install 'leads-agent[local]'."


def folder_of_model(model: str, revision: str | None = None) -> Path:
    """The folder of a model: one on this machine, or of the hub's cache, filled if need be.

    Raises:
        ConfigError: there is none, or not one that can be loaded safely.
    """
    folder = Path(model).expanduser()
    if not folder.is_dir():
        folder = _from_hub(model, revision)
    if not (folder / "config.json").is_file():
        raise ConfigError(
            f"{folder} is no model: it holds no config.json. Remedy: name the folder that save_pretrained wrote."
        )
    _safe(folder)
    return folder


def folder_of_adapter(adapter: str) -> Path:
    """The folder of a LoRA adapter on this machine.

    Raises:
        ConfigError: there is none, or not one that can be loaded safely.
    """
    folder = Path(adapter).expanduser()
    if not (folder / "adapter_config.json").is_file():
        raise ConfigError(
            f"{adapter} is no adapter: it holds no adapter_config.json. "
            "Remedy: name the folder that training wrote, or the merged model as `model`."
        )
    _safe(folder)
    return folder


def _safe(folder: Path) -> None:
    # Other formats are pickles, and opening a pickle runs whatever its writer wished.
    if not weight_files(folder):
        raise ConfigError(
            f"{folder} holds no weights as .safetensors; other formats can run code when they are read and are not "
            "loaded. Remedy: save the model once more with save_pretrained, which writes safetensors."
        )


def _from_hub(model: str, revision: str | None) -> Path:
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", model) or model.startswith("."):
        raise ConfigError(
            f"engine.model: {model} is no folder. Remedy: name a model's folder, or one of the hub."
        )
    need("huggingface_hub")
    from huggingface_hub import snapshot_download

    try:
        with _no_progress_bars():
            folder = snapshot_download(
                model,
                revision=revision,
                allow_patterns=["*.json", "*.safetensors", "*.jinja", "tokenizer.model"],
                ignore_patterns=["consolidated*", "*/*"],
                local_files_only=_offline(),
            )
    except (OSError, ValueError) as e:  # all of the hub's errors are one of these
        first = str(e).partition("\n")[0]
        raise ConfigError(
            f"engine.model: {model} is neither a folder nor to be had from the hub: {first} "
            "Remedy: download it where there is a network and name its folder."
        ) from e
    return Path(folder)


def _offline() -> bool:
    given = {os.environ.get(name, "").lower() for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")}
    return bool(given & {"1", "true", "yes", "on"})


def need(*packages: str, remedy: str = REMEDY) -> None:
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"a language model in this process needs {', '.join(missing)}, which is not installed. {remedy}"
        )


# The tokenizer -----------------------------------------------------------------------------------


class Tokenizer:
    """A model's own tokenizer and chat template."""

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            ConfigError: there is none, or it knows no chat template.
        """
        need("transformers")
        from transformers import AutoTokenizer

        try:
            self.inner: Any = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, padding_side="left"
            )
        except (OSError, ValueError, KeyError, ImportError) as e:
            raise ConfigError(
                f"{folder}: its tokenizer cannot be loaded: {e}. Remedy: add tokenizer.json."
            ) from e
        if not self.inner.chat_template:
            raise ConfigError(
                f"{folder} has no chat template, so nobody knows how it is to be asked. "
                "Remedy: use an instruction-tuned model, or add its chat_template.jinja."
            )
        added: dict[int, Any] = self.inner.added_tokens_decoder
        self.marks = {token: str(mark) for token, mark in added.items() if mark.special}
        """Tokens of the template, such as the end of a turn: no text is made of them."""
        longest_first = sorted(self.marks.values(), key=len, reverse=True)
        self._marks = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def rendered(self, messages: Sequence[dict[str, str]]) -> str:
        """The messages in the chat template: the exact text that the model goes on from.

        Raises:
            ConfigError: the template does not take such messages.
        """
        from jinja2 import TemplateError

        try:
            text: str = self.inner.apply_chat_template(
                list(messages), tokenize=False, add_generation_prompt=True
            )
        except TemplateError as e:
            raise ConfigError(f"the model's chat template refuses the messages: {e}. Remedy: mend it.") from e
        return text

    def encode(self, messages: Sequence[dict[str, str]]) -> list[int]:
        """Token ids of the rendered messages.

        A mark of the template that stands in a message, such as `</s>` in an abstract, is read letter by letter:
        text from records is data and ends no turn.
        """
        marks = [mark for message in messages for mark in self._marks.findall(message["content"])]
        if not marks:
            return self._ids(self.rendered(messages))
        told = "".join(message["content"] for message in messages)
        blank = next(c for c in map(chr, range(0xE000, 0xF8FF)) if c not in told)
        swapped = [m | {"content": self._marks.sub(blank, m["content"])} for m in messages]
        first, *rest = self.rendered(swapped).split(blank)
        ids = self._ids(first)
        for mark, piece in zip(marks, rest, strict=True):
            ids += self._ids(mark, split_special_tokens=True) + self._ids(piece)
        return ids

    def _ids(self, text: str, **how: Any) -> list[int]:
        # verbose: what is too long for the model is refused by us, and needs no warning.
        return list(self.inner(text, add_special_tokens=False, verbose=False, **how).input_ids)
