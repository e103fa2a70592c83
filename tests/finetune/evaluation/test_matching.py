"""The rules by which an answer counts as right."""

import doctest
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from finetune.evaluation import failures, matching, perturbations, reviews, sheet
from finetune.evaluation.matching import (
    Likeness,
    folded,
    number_of,
    numbers_in,
    one_to_one,
    same_number,
    within,
)


class Letters:
    """Vectors of letter counts: words with the same letters are alike."""

    name = "letters"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        letters = [[text.lower().count(chr(97 + n)) for n in range(26)] for text in texts]
        counts = np.array(letters, dtype=np.float32)
        return np.asarray(counts / np.linalg.norm(counts, axis=1, keepdims=True), dtype=np.float32)


@pytest.mark.parametrize("module", [failures, matching, perturbations, reviews, sheet])
def test_examples_in_the_documentation(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Usual care", "usual  care.", True),
        ("“snail” syrup", "snail syrup", True),
        ("six–eight weeks", "six-eight weeks", True),
        ("ﬁve", "five", True),
        ("usual care", "care as usual", False),
    ],
)
def test_word_for_word(one: str, other: str, same: bool) -> None:
    assert (folded(one) == folded(other)) is same


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12", 12.0),
        ("1,204", 1204.0),
        ("12.50", 12.5),
        ("−3.2", -3.2),
        ("0·4", 0.4),
        (".5", 0.5),
        ("n = 40", 40.0),
    ],
)
def test_numbers_are_read_as_they_are_printed(written: str, value: float) -> None:
    assert number_of(written) == value


def test_what_is_no_number_is_none() -> None:
    assert number_of("about half") is None
    assert number_of(None) is None


def test_numbers_of_a_text() -> None:
    text = "Of 1,204 people, 40 (3.3%) of group A2 fell; mean 12–14 days."
    assert numbers_in(text) == {1204.0, 40.0, 3.3, 12.0, 14.0}


def test_tolerance_is_for_storage_and_not_for_rounding() -> None:
    assert same_number(0.1 + 0.2, 0.3)
    assert not same_number(12.34, 12.3)
    assert within(12.34, 12.3)
    assert not within(12.5, 12.3)


def test_likeness_by_words_first_then_by_vectors() -> None:
    likeness = Likeness(Letters())
    assert likeness("Usual care", "usual care.") == 1.0
    assert likeness.same("listen", "silent")
    assert not likeness.same("abc", "xyz")
    assert likeness("", "abc") == 0.0


def test_arms_are_matched_one_to_one() -> None:
    """Both true arms are nearest to the first told one; only one of them may have it."""
    likeness = Likeness(Letters())
    assert one_to_one(["abc", "abd"], ["abc", "xyz"], likeness) == {0: 0, 1: 1}
    assert one_to_one(["abc"], [], likeness) == {}
    assert one_to_one(["", ""], ["", ""], likeness) == {0: 0, 1: 1}
