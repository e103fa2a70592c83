"""Units of measurement: one spelling for each, what converts exactly into what, and slips of scale. Pure.

Factors are those of the SI brochure and of the Gregorian calendar. Months and years are not a whole number of
days: months convert into years, neither converts into weeks. Amounts of substance (mmol/L) and masses (mg/dL)
are not converted into one another, as that takes the molar mass of the analyte.
"""

import math
import re
from typing import Literal

__all__ = ["UnitRelation", "converted", "normal_unit", "relation", "slip_of_scale"]

UnitRelation = Literal["same", "convertible", "different", "unknown"]
"""same: two spellings of one unit. convertible: one quantity, other size (mg and g). different: other quantities.
unknown: a unit is missing or not in our table and spelt otherwise."""

_SPELLINGS: dict[str, str] = {
    spelling: unit
    for unit, spellings in {
        "%": "% percent pct percentage percentage_points",
        "proportion": "proportion fraction",
        "s": "s sec secs second seconds",
        "min": "min mins minute minutes",
        "h": "h hr hrs hour hours",
        "d": "d day days",
        "wk": "wk wks week weeks",
        "mo": "mo mos month months mth mths",
        "y": "y yr yrs year years",
        "kg": "kg kgs kilogram kilograms",
        "g": "g gram grams gm",
        "mg": "mg milligram milligrams",
        "ug": "ug mcg microgram micrograms",
        "ng": "ng nanogram nanograms",
        "pg": "pg picogram picograms",
        "L": "l litre litres liter liters",
        "dL": "dl decilitre deciliter",
        "mL": "ml millilitre millilitres milliliter milliliters cc",
        "uL": "ul microlitre microliter",
        "mol": "mol mole moles",
        "mmol": "mmol millimole millimoles",
        "umol": "umol micromole micromoles",
        "nmol": "nmol nanomole nanomoles",
        "pmol": "pmol picomole picomoles",
        "m": "m metre metres meter meters",
        "cm": "cm centimetre centimetres centimeter centimeters",
        "mm": "mm millimetre millimetres millimeter millimeters",
        "um": "um micrometre micrometer",
        "mmHg": "mmhg mm_hg",
        "kPa": "kpa",
        "IU": "iu international_unit international_units",
        "U": "u unit units",
        "kJ": "kj",
        "kcal": "kcal",
        "point": "point points pt pts score scores",
    }.items()
    for spelling in spellings.split()
}

_SIZES: dict[str, tuple[str, float]] = {
    "%": ("share", 0.01), "proportion": ("share", 1.0),
    "s": ("time", 1.0), "min": ("time", 60.0), "h": ("time", 3600.0), "d": ("time", 86400.0),
    "wk": ("time", 604800.0), "mo": ("calendar", 1.0), "y": ("calendar", 12.0),
    "kg": ("mass", 1e3), "g": ("mass", 1.0), "mg": ("mass", 1e-3), "ug": ("mass", 1e-6), "ng": ("mass", 1e-9),
    "pg": ("mass", 1e-12),
    "L": ("volume", 1.0), "dL": ("volume", 0.1), "mL": ("volume", 1e-3), "uL": ("volume", 1e-6),
    "mol": ("substance", 1.0), "mmol": ("substance", 1e-3), "umol": ("substance", 1e-6),
    "nmol": ("substance", 1e-9), "pmol": ("substance", 1e-12),
    "m": ("length", 1.0), "cm": ("length", 1e-2), "mm": ("length", 1e-3), "um": ("length", 1e-6),
    "mmHg": ("pressure", 0.133322387415), "kPa": ("pressure", 1.0),
    "kcal": ("energy", 4.184), "kJ": ("energy", 1.0),
}  # fmt: skip

_PER = re.compile(r"\s*(?:/|\bper\b)\s*")
_POWER = {"²": "^2", "³": "^3"}


_SLIPS: tuple[tuple[float, str], ...] = (
    (10.0, "a decimal point moved by one place"),
    (100.0, "percent against proportion, or m against cm"),
    (1000.0, "a step of the metric prefixes, such as mg against g"),
    (12.0, "months against years"),
    (365.25 / 84, "months against weeks"),
    (365.25 / 12, "days against months"),
    (365.25 / 7, "weeks against years"),
    (7.0, "days against weeks"),
    (24.0, "hours against days"),
    (60.0, "a step of seconds, minutes, hours"),
    (18.0, "glucose in mmol/L against mg/dL"),
    (7.50062, "kPa against mmHg"),
)


def normal_unit(text: str) -> str:
    """One spelling of a unit: `Months` → `mo`, `µg per mL` → `ug/mL`, `kg/m²` → `kg/m^2`; empty stays empty.

    What is not in the table keeps its own spelling, in lower case and without stray spaces and final points.
    """
    plain = text.replace("µ", "u").replace("μ", "u").strip().strip("()[]").strip()
    for sign, spelt in _POWER.items():
        plain = plain.replace(sign, spelt)
    plain = re.sub(r"\bper\s?cent\b", "%", re.sub(r"\s+", " ", plain).rstrip("."), flags=re.IGNORECASE)
    return "/".join(_normal_part(part) for part in _PER.split(plain)) if plain else ""


def relation(first: str, second: str) -> UnitRelation:
    """How two units stand to one another."""
    one, other = normal_unit(first), normal_unit(second)
    if not one or not other:
        return "unknown"
    if one == other:
        return "same"
    sizes = _size(one), _size(other)
    if sizes[0] is None or sizes[1] is None:
        return "unknown"
    return "convertible" if sizes[0][0] == sizes[1][0] else "different"


def converted(value: float, unit: str, to: str) -> float | None:
    """A value in another unit of the same quantity; None where the units do not convert exactly."""
    one, other = normal_unit(unit), normal_unit(to)
    if one and one == other:
        return value
    sizes = _size(one), _size(other)
    if sizes[0] is None or sizes[1] is None or sizes[0][0] != sizes[1][0]:
        return None
    return value * (sizes[0][1] / sizes[1][1])


def slip_of_scale(first: float, second: float, tolerance: float = 0.1) -> str | None:
    """What mistaken unit would explain the ratio of two positive numbers; None where none does.

    The ratio must lie within `tolerance` (natural logarithm) of a known factor; ratios below 4 tell nothing, as
    they arise without any mistake.
    """
    if first <= 0 or second <= 0:
        return None
    ratio = max(first, second) / min(first, second)
    if ratio < 4:
        return None
    factor, what = min(_SLIPS, key=lambda slip: abs(math.log(ratio / slip[0])))
    return what if abs(math.log(ratio / factor)) <= tolerance else None


def _normal_part(part: str) -> str:
    base, stroke, power = part.strip().partition("^")
    word = base.strip().casefold()
    spelt = _SPELLINGS.get(word.replace(" ", "_"), _SPELLINGS.get(word.rstrip(".").replace(" ", "_")))
    return (spelt if spelt is not None else word) + stroke + power.strip()


def _size(unit: str) -> tuple[str, float] | None:
    """Dimension and size of a normal unit such as `ug/mL`; None where a part is not in the table."""
    dimension, size = [], 1.0
    for place, part in enumerate(unit.split("/")):
        base, _, power = part.partition("^")
        if base not in _SIZES or not re.fullmatch(r"[1-9]?", power):
            return None
        name, factor = _SIZES[base]
        times = int(power or 1)
        size *= factor**times if place == 0 else factor**-times
        dimension.append(f"{name}^{times}")
    return "/".join(dimension), size
