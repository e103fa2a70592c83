"""How long a text may still become, at every place of an answer."""

import json

import pytest

from model.local_lengths import Bounds, Lengths

SCHEMA = {
    "$defs": {"Cell": {"type": "object", "properties": {"quote": {"type": "string", "maxLength": 9}}}},
    "type": "object",
    "properties": {
        "label": {"type": "string", "enum": ["YES", "NO"]},
        "note": {"anyOf": [{"type": "string", "minLength": 3, "maxLength": 5}, {"type": "null"}]},
        "free": {"type": "string"},
        "cells": {"type": "object", "properties": {"size": {"$ref": "#/$defs/Cell"}}},
        "terms": {"type": "array", "items": {"type": "string", "maxLength": 4}},
        "last": {"type": ["string", "null"], "maxLength": 7},
    },
}


@pytest.mark.parametrize(
    ("said", "bounds"),
    [
        ("", None),
        ('{"', None),  # a key
        ('{"note', None),
        ('{"note": ', None),
        ('{"note": "', Bounds(3, 5)),
        ('{"note": "ab', Bounds(1, 3)),
        ('{"note": "abcd', Bounds(0, 1)),
        ('{"note": "abcdef', Bounds(0, 0)),
        ('{"note": "äö😀', Bounds(0, 2)),  # letters and not bytes
        ('{"note": "a\\', None),  # within an escape nothing ends
        ('{"note": "a\\"', Bounds(0, 2)),
        ('{"note": "abc"', None),
        ('{"label": "Y', None),
        ('{"free": "abc', None),
        ('{"note": null, "free": "a: {[", "cells": {"size": {"quote": "ab', Bounds(0, 7)),
        ('{"cells": {"size": {"quote": "ab"}}, "terms": ["cough", "', Bounds(0, 4)),
        ('{"terms": [], "last": "abc', Bounds(0, 4)),
        ('{"te\\u0072ms": ["ab', Bounds(0, 2)),
        ('{"terms": ["a"], "note": "a', Bounds(2, 4)),
    ],
)
def test_the_bounds_are_those_of_the_text_under_way(said, bounds):
    whole, letters = Lengths(SCHEMA), Lengths(SCHEMA)
    whole.said(said.encode())
    for byte in said.encode():
        letters.said(bytes([byte]))
    assert whole.bounds == letters.bounds == bounds


def test_an_answer_of_one_text_has_bounds_too():
    lengths = Lengths({"type": "string", "maxLength": 3})
    lengths.said(json.dumps("ab")[:-1].encode())
    assert lengths.bounds == Bounds(0, 1)
