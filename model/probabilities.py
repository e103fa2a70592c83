"""How likely each label was, by the model's own weights: from the alternatives at the token where a label begins.

These are what the model would say before grammar and temperature (vLLM's default, `raw_logprobs`), so they do not
sum to 1 over the labels: most of the weight may lie on a space or a quotation mark that the grammar forbids. They
are renormalised over the labels. They are no calibrated confidence: see `tools.screening.calibration`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["ALTERNATIVES", "Token", "label_probabilities", "spelled"]

ALTERNATIVES = 8
"""Of the likeliest tokens at each place, so many are asked for: labels are four or five."""

LOST = 0.01
"""Where more than this share of the weight cannot be told apart between labels, nothing is said."""

BEFORE = " \t\r\n\"':"
"""What a label's first token may carry in front of it."""

Token = tuple[str, Mapping[str, float]]
"""A token's text, and the natural logarithm of the probability of each text that could have stood there, its own
included. The texts of an answer's tokens together are the answer."""


def label_probabilities(
    tokens: Sequence[Token], spans: Mapping[str, tuple[int, int]], labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Item id to label to probability, summing to 1 over the labels.

    A label that is not among the alternatives has probability 0: it was less likely than each of them.
    An item is left out, and nothing is said of it, where no alternative is a label, or where alternatives with
    more than `LOST` of the weight may begin several labels.

    Args:
        tokens: of the whole answer, in order.
        spans: item id to where its label stands in the answer (start, end), in characters.
        labels: all that could have been said.
    """
    starts = [0]
    for text, _ in tokens:
        starts.append(starts[-1] + len(text))
    found = {}
    place = 0
    for item, (start, _end) in sorted(spans.items(), key=lambda each: each[1]):
        while place < len(tokens) and starts[place + 1] <= start:
            place += 1
        if place < len(tokens) and (likely := _likely(tokens, place, start - starts[place], labels)):
            found[item] = likely
    return {item: found[item] for item in spans if item in found}


def _likely(
    tokens: Sequence[Token], place: int, offset: int, labels: Sequence[str]
) -> dict[str, float] | None:
    """Follow the label that was said, token by token, for as long as it could become several.

    Args:
        place: the token in which the label begins, `offset` characters into it.
    """
    if tokens[place][0][:offset].strip(BEFORE):
        return (
            None  # the label begins in the middle of something else, so what its alternatives are is unknown
        )
    mass = dict.fromkeys(labels, 0.0)
    lost, weight = 0.0, 1.0
    said = ""
    for text, alternatives in tokens[place:]:
        here = said + (text if said else text[offset:])
        shares = _shares(said, alternatives, labels)
        if not shares:
            return None
        onward = 0.0
        for begun, share in shares.items():
            hits = [label for label in labels if _may_become(begun, label)]
            if len(hits) == 1:
                mass[hits[0]] += weight * share
            elif begun == here:
                onward = weight * share
            else:
                lost += weight * share
        said, weight = here, onward
        if not weight:
            break
    total = sum(mass.values())
    if lost + weight > LOST or not total:
        return None
    return {label: round(one / total, 6) for label, one in mass.items()}


def _shares(said: str, alternatives: Mapping[str, float], labels: Sequence[str]) -> dict[str, float]:
    """What may have been said after this token, with its share of the weight of all that leads to a label."""
    weights: dict[str, float] = {}
    for alternative, logprob in alternatives.items():
        begun = said + (alternative if said else alternative.lstrip(BEFORE))
        if begun and any(_may_become(begun, label) for label in labels):
            weights[begun] = weights.get(begun, 0.0) + math.exp(logprob)
    total = sum(weights.values())
    return {begun: weight / total for begun, weight in weights.items()} if total else {}


def _may_become(begun: str, label: str) -> bool:
    """Whether a text is the beginning of a label, or the label and what comes after it."""
    if len(begun) <= len(label):
        return label.startswith(begun)
    return begun.startswith(label) and not (begun[len(label)].isalnum() or begun[len(label)] == "_")


def spelled(raw: str, content: Any) -> list[Token]:
    """The tokens of a chat completion's `logprobs.content`, so joined that their texts are the answer.

    A character may be split over several tokens, each of which is no text: they are made one, without
    alternatives. Empty where the tokens do not spell the answer: some servers trim it, or tell other texts.
    """
    if not isinstance(content, Sequence) or isinstance(content, str):
        return []
    try:
        for tokens in (list(_by_bytes(content)), [_token(entry) for entry in content]):
            if (fitted := _fitted(raw, tokens)) is not None:
                return fitted
    except (LookupError, TypeError, ValueError, AttributeError):  # not the API's form
        return []
    return []


def _by_bytes(content: Iterable[Any]) -> Iterable[Token]:
    pending = b""
    for entry in content:
        told = entry.get("bytes")
        pending += bytes(told) if told is not None else entry["token"].encode()
        try:
            text = pending.decode()
        except UnicodeDecodeError:
            continue
        whole = told is None or pending == bytes(told)
        yield text, _token(entry)[1] if whole else {}
        pending = b""
    if pending:
        yield pending.decode(errors="replace"), {}


def _token(entry: Mapping[str, Any]) -> Token:
    likely = {other["token"]: float(other["logprob"]) for other in entry.get("top_logprobs") or ()}
    return entry["token"], likely | {entry["token"]: float(entry["logprob"])}


def _fitted(raw: str, tokens: list[Token]) -> list[Token] | None:
    """Tokens that spell the answer, without the mark of the end behind it; None where they spell another."""
    length = 0
    for number, (text, _) in enumerate(tokens):
        if length == len(raw):
            return tokens[:number]
        if not raw.startswith(text, length):
            return None
        length += len(text)
    return tokens if length == len(raw) else None
