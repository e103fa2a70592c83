"""From a JSON Schema to a grammar that a decoder can be held to, with xgrammar.

The lengths of texts are left out and kept otherwise, see `model.local_lengths`. xgrammar 0.2 writes a text with a
longest length as any characters but quotation marks, backslashes and line ends: a sentence with a quotation mark
in it could not be quoted word by word, and a bare tab could be said, which is no JSON (its issues 286 and 800).
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from model.forms import without_lengths
from tools.errors import ConfigError

__all__ = ["Grammars", "grammar_text"]

KEPT = 256
"""Compiled grammars that are kept: one per schema, and so one per set of criteria or form of fields."""

ESCAPE = r'basic_escape ::= (([\"\\/bfnrt]) | ("u" [A-Fa-f0-9] [A-Fa-f0-9] [A-Fa-f0-9] [A-Fa-f0-9]))'
SHORT_ESCAPE = r"basic_escape ::= (([\"\\/bfnrt]))"
r"""`\u` is left out: what needs it can be written as it is, and half of a surrogate pair is no text."""


class Grammars:
    """Compiles grammars for one tokenizer, each once."""

    def __init__(self, tokenizer: Any, vocabulary: int, stops: list[int]) -> None:
        """
        Args:
            tokenizer: of transformers.
            vocabulary: how many logits the model gives, which may be more than the tokenizer has tokens.
            stops: tokens that end an answer.
        """
        from xgrammar import GrammarCompiler, TokenizerInfo

        info = TokenizerInfo.from_huggingface(tokenizer, vocab_size=vocabulary, stop_token_ids=stops)
        self.bytes: list[bytes] = info.decoded_vocab
        """What each token stands for."""
        self._compiler = GrammarCompiler(info, max_threads=2, cache_enabled=False)
        self.compiled = lru_cache(KEPT)(self._compile)

    def _compile(self, schema: str) -> Any:
        """The grammar of a schema.

        Raises:
            ConfigError: no grammar can be made of it.
        """
        try:
            return self._compiler.compile_grammar(grammar_text(schema))
        except (RuntimeError, ValueError) as e:
            said = " ".join(str(e).split())[:300]
            raise ConfigError(
                f"no grammar can be made of the answer's schema: {said}. Remedy: report it."
            ) from e


def grammar_text(schema: str) -> str:
    """The grammar of a JSON Schema in xgrammar's EBNF: JSON without white space, properties in the schema's order.

    The same bytes as vLLM lets through, and as `forms.OwnForm.write` writes.
    """
    from xgrammar import Grammar

    told = json.dumps(without_lengths(json.loads(schema)))
    grammar = Grammar.from_json_schema(told, any_whitespace=False, separators=(",", ":"))
    return str(grammar).replace(ESCAPE, SHORT_ESCAPE)
