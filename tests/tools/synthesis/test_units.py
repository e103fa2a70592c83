"""Units of measurement: spellings, exact conversion, slips of scale."""

import pytest

from tools.synthesis.units import converted, normal_unit, relation, slip_of_scale


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Months", "mo"),
        ("yrs.", "y"),
        ("µg per mL", "ug/mL"),
        ("μg/ml", "ug/mL"),
        ("mcg / mL", "ug/mL"),
        ("kg/m²", "kg/m^2"),
        ("mm Hg", "mmHg"),
        ("(mmol/l)", "mmol/L"),
        ("per cent", "%"),
        ("Furlongs", "furlongs"),
        ("", ""),
    ],
)
def test_one_unit_has_one_spelling(text: str, normal: str) -> None:
    assert normal_unit(text) == normal
    assert normal_unit(normal) == normal


def test_units_stand_to_one_another() -> None:
    assert relation("mg", "milligrams") == "same"
    assert relation("mg", "g") == "convertible"
    assert relation("months", "years") == "convertible"
    assert relation("weeks", "months") == "different"  # a month is no number of weeks
    assert relation("mg", "mL") == "different"
    assert relation("mg", "") == "unknown"
    assert relation("points", "furlongs") == "unknown"


def test_conversion_is_exact_or_refused() -> None:
    assert converted(1, "g", "mg") == pytest.approx(1000)
    assert converted(2, "years", "months") == 24
    assert converted(14, "days", "weeks") == pytest.approx(2)
    assert converted(25, "%", "proportion") == pytest.approx(0.25)
    assert converted(5, "mg/dL", "g/L") == pytest.approx(0.05)
    assert converted(1, "m^2", "cm^2") == pytest.approx(1e4)
    assert converted(7, "furlongs", "Furlongs") == 7
    assert converted(1, "months", "weeks") is None
    assert converted(1, "mmol/L", "mg/dL") is None
    assert converted(1, "furlongs", "km") is None


def test_slips_of_scale_have_names() -> None:
    assert "months against weeks" in (slip_of_scale(26, 6) or "")
    assert "metric prefixes" in (slip_of_scale(0.005, 5.1) or "")
    assert "percent against proportion" in (slip_of_scale(0.25, 25) or "")
    assert slip_of_scale(3, 4) is None
    assert slip_of_scale(1, 35) is None
    assert slip_of_scale(-1, 10) is None
    assert slip_of_scale(0, 10) is None
