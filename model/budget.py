"""How many tokens a prompt costs, counted with the model's own tokenizer, and how many there is room for.

Another model's tokenizer is no measure: the same paper is longer in one vocabulary than in another, and a request
that is too long is refused by the server, or cut by it without a word.
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from model.engine import EngineBusy, EngineRefused, EngineUnavailable, RequestTooLong
from tools.errors import ConfigError, EngineError, ReplayMiss
from tools.exchange import Service, redact, retry_after_s
from tools.logs import ScoreLog
from tools.schemas import sha256_of

__all__ = [
    "Budget",
    "ByteCounter",
    "RememberedCounter",
    "ServerCounter",
    "TokenCounter",
    "TokenizerCounter",
    "folder_context",
    "most_tokens",
    "served_context",
]

TEMPLATE_TOKENS = 1024
"""More than a chat template adds by itself (marks, a default system prompt) in any model known to us. Only what is
shorter by this much is taken to fit without being counted."""


class TokenCounter(Protocol):
    """Tells how long a prompt is to one model."""

    name: str
    """Which tokenizer counts; part of the key under which a count is remembered."""

    def count(self, text: str) -> int:
        """Tokens that the model reads when `text` is all that it is sent.

        Raises:
            EngineError: there was no counting it.
            ConfigError: the tokenizer is not there.
        """
        ...


def most_tokens(text: str) -> int:
    """A number of tokens that no text of this length can exceed, without a tokenizer.

    Every token stands for a byte of UTF-8 at least. Byte-level BPE begins with one token per byte and only ever
    joins them; SentencePiece begins with one per character, and one per byte where it falls back to bytes. Three
    things add to that. SentencePiece puts a word mark before the text: one more. A tokenizer may normalise first,
    and then a character can become several: so the longest of the normal forms counts. And what a chat template
    puts around the text is not in the text: see `TEMPLATE_TOKENS`. (Words of the text that are special tokens are
    one token for several bytes.)
    """
    if text.isascii():  # its own normal form, at one byte per character
        return len(text) + 1
    # Composing never makes a text longer than it is decomposed, so NFC and NFKC need not be looked at.
    return max(_bytes(text), *(_bytes(unicodedata.normalize(form, text)) for form in ("NFD", "NFKD"))) + 1


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


MOST_BYTES = 33
"""Of one character in any normal form: U+FDFA, an Arabic ligature of 18 letters."""


@dataclass(frozen=True)
class Budget:
    """How long a prompt may be.

    Args of the constructor, all in tokens: `context` is what the model can hold, prompt and answer together;
    `answer` the longest answer that is asked for; `reserve` stays free, for what the counter does not see, such as
    what is said back when an answer has to be given again.
    """

    context: int
    answer: int
    reserve: int = 256
    counter: TokenCounter = field(kw_only=True)

    def __post_init__(self) -> None:
        if self.room < 1:
            raise ConfigError(
                f"a context of {self.context} tokens has no room for a prompt beside an answer of {self.answer} and "
                f"a reserve of {self.reserve}. Remedy: a smaller max_tokens, or the model's true context."
            )

    @property
    def room(self) -> int:
        """Tokens that a prompt may have."""
        return self.context - self.answer - self.reserve

    def fits_surely(self, text: str) -> bool:
        """Whether a prompt is so short that it need not be counted: the case of nearly every abstract."""
        spare = self.room - TEMPLATE_TOKENS
        beyond_ascii = _bytes(text) - len(text)  # as many such characters at most
        if len(text) + beyond_ascii + 1 > spare:
            return False
        # Normalising takes hundreds of microseconds, and the few such characters of an abstract do not matter.
        return len(text) + MOST_BYTES * beyond_ascii + 1 <= spare or most_tokens(text) <= spare

    def fits(self, text: str) -> bool:
        """Whether there is room for a prompt. Counts only where its length in bytes leaves a doubt.

        Raises:
            EngineError: see `TokenCounter`.
        """
        return self.fits_surely(text) or self.counter.count(text) <= self.room

    def too_long(self, what: str, text: str, remedy: str) -> RequestTooLong:
        """The error for a prompt without room."""
        return RequestTooLong(
            f"{what}: {self.counter.count(text):,} tokens, and there is room for {self.room:,} (context "
            f"{self.context:,}, less {self.answer:,} for the answer and {self.reserve:,} in reserve). {remedy}"
        )


class ByteCounter:
    """A declared estimate for where no tokenizer is at hand: never too low, and several times too high.

    Texts are then read in more parts than they need be, and none is refused or cut. A chat template is not in it:
    leave `Budget.reserve` for that.
    """

    name = "bytes"

    def count(self, text: str) -> int:
        """As many as there can be at most."""
        return most_tokens(text)


class TokenizerCounter:
    """Counts with a tokenizer on this machine, the chat template included where the model has one.

    Nothing is downloaded, and no code that comes with a model is run.
    """

    def __init__(self, where: str | Path) -> None:
        """
        Args:
            where: a folder with `tokenizer.json`, that file itself, or the name of a model in the local cache.
        """
        self.where = str(where)
        self.name = f"tokenizer:{Path(self.where).name}"
        self._lock = threading.Lock()

    def count(self, text: str) -> int:
        """See `TokenCounter`.

        Raises:
            ConfigError: no tokenizer there, or no library to read it with.
        """
        with self._lock:  # texts are counted from several threads, and transformers' tokenizers bear only one
            return self._count(text)

    @cached_property
    def _count(self) -> Callable[[str], int]:
        try:
            return _plain(self.where) or _templated(self.where)
        except ImportError as e:
            raise ConfigError(
                f"the tokenizer at {self.where} needs a library that is not installed ({e.name}). "
                "Remedy: pip install 'leads-agent[local]'."
            ) from e
        except (OSError, ValueError) as e:
            raise ConfigError(
                f"no tokenizer at {self.where}: {str(e).splitlines()[0]}. Remedy: the folder that holds the model's "
                "tokenizer.json, or a model that lies in the local cache."
            ) from e


def _plain(where: str) -> Callable[[str], int] | None:
    """A lone `tokenizer.json`: the text with its special tokens, in no template. None: there is more to read."""
    path = Path(where)
    file = path / "tokenizer.json" if path.is_dir() else path
    if not file.is_file() or (file.parent / "tokenizer_config.json").exists():
        return None
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as e:  # the library raises nothing narrower
        raise ValueError(str(e)) from e
    tokenizer.no_truncation()  # a file may say so, and the rest would not be counted
    return lambda text: len(tokenizer.encode(text).ids)


def _templated(where: str) -> Callable[[str], int]:
    from transformers import AutoTokenizer

    folder = str(Path(where).parent) if Path(where).is_file() else where
    tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if tokenizer.chat_template is None:
        return lambda text: len(tokenizer(text, verbose=False)["input_ids"])

    def count(text: str) -> int:
        message = [{"role": "user", "content": text}]
        said = tokenizer.apply_chat_template(message, add_generation_prompt=True, tokenize=False)
        # The template writes the marks itself, so none are added again.
        return len(tokenizer(said, add_special_tokens=False, verbose=False)["input_ids"])

    return count


class ServerCounter:
    """Asks a vLLM server, which counts with the tokenizer and the chat template that it serves with.

    Source: vLLM, `POST /tokenize` beside `/v1`: `{"model", "prompt"}` or `{"model", "messages"}`; answers `count`.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        chat: bool = True,
        api_key_env: str | None = None,
        timeout_s: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """
        Args:
            base_url: the server's address, as the engine has it: with or without the final `/v1`.
            model: as the server names it.
            chat: count `text` as a user's message in the chat template; False: as a bare prompt.
            api_key_env: variable that holds the server's key, where it wants one.
            timeout_s: for one try.
            sleep: waits between tries, in seconds.
        """
        self.url = base_url.rstrip("/").removesuffix("/v1") + "/tokenize"
        self.model, self.chat, self.api_key_env = model, chat, api_key_env
        self.timeout_s, self.sleep = timeout_s, sleep
        self.name = f"server:{model}"

    def count(self, text: str) -> int:
        """Ask; up to `TRIES` times where the server is busy or its reply broke off.

        Raises:
            EngineUnavailable: no server, or it does not let us in.
            EngineBusy: overloaded, or its reply broke off, again and again.
            EngineRefused: it will not count this.
            ConfigError: it has no such endpoint.
        """
        for tried in range(1, TRIES + 1):
            try:
                return self._once(text)
            except EngineBusy as e:
                if tried == TRIES:
                    raise
                self.sleep(min(e.retry_after_s or tried, 10.0))
        raise AssertionError("there is a last try")

    def _once(self, text: str) -> int:
        import httpx

        asked: dict[str, Any] = {"model": self.model}
        asked |= {"messages": [{"role": "user", "content": text}]} if self.chat else {"prompt": text}
        # A proxy of the environment is for the way out, not for a server on this machine.
        trust_env = not Service(base_url=self.url).is_loopback
        try:
            with httpx.Client(timeout=self.timeout_s, trust_env=trust_env) as client:
                reply = client.post(self.url, json=asked, headers=self._headers())
        except (httpx.ConnectError, httpx.UnsupportedProtocol) as e:
            raise EngineUnavailable(
                f"no server at {self.url} to count tokens. Start it, then `python -m agent resume`."
            ) from e
        except httpx.HTTPError as e:
            raise EngineBusy(f"{self.url}: {type(e).__name__}: {self._told(str(e))}") from e
        if reply.status_code != 200:
            raise self._refusal(reply.status_code, reply.text, reply.headers)
        try:
            count = reply.json()["count"]
        except (ValueError, LookupError, TypeError) as e:
            raise EngineBusy(f"{self.url}: the reply holds no count: {self._told(reply.text)}") from e
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise EngineBusy(f"{self.url}: {count!r} is no number of tokens")
        return count

    def _refusal(self, status: int, body: str, headers: Mapping[str, str]) -> EngineError | ConfigError:
        said = f"{self.url}: HTTP {status}: {self._told(body)}"
        if status in (404, 405):
            return ConfigError(
                f"{said}. This server counts no tokens. Remedy: name the folder of the model's tokenizer instead, or "
                "a vLLM server and the model's name as it serves it."
            )
        if status in (401, 403):
            return EngineUnavailable(
                f"{said}. Check the variable named by api_key_env, then `python -m agent resume`."
            )
        if status in (408, 409, 425, 429) or status >= 500:
            return EngineBusy(said, retry_after_s(headers, datetime.now(UTC)))
        return EngineRefused(said)

    def _headers(self) -> dict[str, str]:
        key = self._key()
        return {"Authorization": f"Bearer {key}"} if key else {}

    def _key(self) -> str:
        return os.environ.get(self.api_key_env, "") if self.api_key_env else ""

    def _told(self, text: str) -> str:
        return redact(" ".join(text.split()), [self._key()])[:300]


def served_context(base_url: str, model: str, *, api_key_env: str | None = None) -> int | None:
    """How many tokens a vLLM server lets a model read; None where it does not tell, or is not there to ask.

    Source: vLLM, `GET /v1/models`, `max_model_len`.
    """
    import httpx

    key = os.environ.get(api_key_env, "") if api_key_env else ""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    trust_env = not Service(base_url=base_url).is_loopback
    try:
        with httpx.Client(timeout=10.0, trust_env=trust_env) as client:
            listed = client.get(f"{base_url.rstrip('/')}/models", headers=headers).json()["data"]
        by_id = {one["id"]: one for one in listed}
        told = by_id[model].get("max_model_len")
        if told is None:  # an adapter reads as much as the model it is put on
            told = by_id[by_id[model]["parent"]].get("max_model_len")
    except (httpx.HTTPError, ValueError, LookupError, TypeError, AttributeError):
        return None  # the request itself will say what is wrong
    return told if isinstance(told, int) and told > 0 else None


def folder_context(folder: str | Path) -> int | None:
    """How many tokens the model in a folder reads, by its `config.json`; None where that does not tell."""
    try:
        told = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))[
            "max_position_embeddings"
        ]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return told if isinstance(told, int) and told > 0 else None


TRIES = 4


class RememberedCounter:
    """Keeps counts with the review, so that a replay needs no tokenizer and splits a text where it was split."""

    def __init__(self, name: str, counter: Callable[[], TokenCounter] | None, log: ScoreLog) -> None:
        """
        Args:
            name: the counter's name, known without loading it; part of every key.
            counter: makes the counter when first needed; None replays what is stored.
            log: where counts are kept.
        """
        self.name, self.counter, self.log = name, counter, log

    def count(self, text: str) -> int:
        """The stored count, or the counter's, stored before it is returned.

        Raises:
            ReplayMiss: it is not stored, and there is nobody to count.
        """
        key = "tokens:v1:" + sha256_of([self.name, text])
        if (stored := self.log.find([key]).get(key)) is not None:
            return math.ceil(stored)
        if self.counter is None:
            raise ReplayMiss(
                f"the review holds no length in tokens ({self.name}) of a text beginning {text[:60]!r}"
            )
        self.log.save({key: float(self._counter.count(text))})
        return math.ceil(self.log.find([key])[key])  # where two counted at once, the count that landed first

    @cached_property
    def _counter(self) -> TokenCounter:
        assert self.counter is not None
        return self.counter()
