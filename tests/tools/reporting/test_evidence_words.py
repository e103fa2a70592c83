"""Effects in words: as many digits as say something."""

import pytest

from tools.reporting.evidence_words import interval_in_words, p_in_words


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((0.85, 0.704, 1.026), "0.85 (0.70 to 1.03)"),
        ((-1.499, -1.98, -1.0), "-1.50 (-1.98 to -1.00)"),
        ((0.0042, -0.0001, 0.013), "0.0042 (-0.0001 to 0.013)"),
        ((0.0, -0.004, 0.004), "0 (-0.004 to 0.004)"),
        ((12.34, 3.0, 151.6), "12.3 (3.00 to 152)"),
    ],
)
def test_a_small_effect_is_not_rounded_to_nothing(numbers, words):
    assert interval_in_words(*numbers) == words


def test_a_p_value_is_never_zero():
    assert (p_in_words(0.00001), p_in_words(0.0312)) == ("p < 0.001", "p = 0.031")
