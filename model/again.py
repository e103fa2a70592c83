"""What a language model is told after an answer in the wrong form: one wording for all backends."""

from __future__ import annotations

from model.engine import Objection
from tools.schemas import sha256_of

__all__ = ["TAG", "messages"]

AGAIN = """That answer cannot be used: {error}

Answer the same question once more, whole and in the form asked for, with nothing before or after it."""

TAG = f"again.v1@{sha256_of(AGAIN)[:12]}"
"""Stored with each call that was told this: other words may have another answer."""


def messages(prompt: str, objection: Objection | None) -> list[dict[str, str]]:
    """The conversation that is sent: the prompt, and where there is one the wrong answer and what is wrong.

    Roles alternate, as Mistral's chat template demands.
    """
    asked = [{"role": "user", "content": prompt}]
    if objection is None:
        return asked
    told = AGAIN.replace("{error}", objection.error)
    # An empty turn is refused by some servers, and left out by some chat templates.
    before = {"role": "assistant", "content": objection.raw if objection.raw.strip() else "{}"}
    return [*asked, before, {"role": "user", "content": told}]
