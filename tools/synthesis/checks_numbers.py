"""Numbers as papers print them: reading one, and how far its last digit leaves the true value open. Pure."""

import math
import re
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from tools.schemas import Frozen

__all__ = ["NotANumber", "NumberTrouble", "Printed", "decimals_of", "last_unit", "number_of", "shown"]

Printed = Mapping[str, str]
"""Name of a statistic (or of a reported number) → how the paper prints it, such as `12·30`."""

NumberTrouble = Literal["empty", "missing", "below", "above", "range", "several", "ambiguous", "words"]
"""Why a text is no number.

empty      nothing is there
missing    says that there is no value: NR, n/a, a dash
below      only a bound from above: <0.001
above      only a bound from below: >100
range      two limits: 3–5
several    more than one number: 12 (34%), 5.1 ± 2.0
ambiguous  a comma or a space that may be a decimal mark: 12,3
words      anything else
"""


class NotANumber(Frozen):
    """A text that cannot be taken as one number, and why. It is never read as 0."""

    text: str
    trouble: NumberTrouble
    why: str
    bound: float | None = Field(default=None, description="Of `below` and `above`.")
    possible: tuple[float, ...] = Field(default=(), description="What it may mean; for a person to choose.")


_MINUS = str.maketrans(dict.fromkeys("−‐‑‒–—﹣－", "-"))
_DOTS = str.maketrans(dict.fromkeys("·∙⋅•", "."))
_MISSING = frozenset(
    {
        "na",
        "n/a",
        "n.a",
        "n.a.",
        "nr",
        "n/r",
        "nd",
        "n/d",
        "ns",
        "nk",
        "nan",
        "none",
        "null",
        "missing",
        "unknown",
    }
    | {
        "unclear",
        "-",
        "--",
        "---",
        ".",
        "..",
        "...",
        "…",
        "?",
        "not reported",
        "not available",
        "not applicable",
    }
    | {"not done", "not given", "not stated", "no data"}
)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_SCIENTIFIC = re.compile(
    r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:\s*[x×*]\s*10\s*\^?\s*|[eE])([+-]?[0-9]{1,3})"
)
_THOUSANDS = re.compile(
    r"[+-]?[1-9][0-9]{0,2}(?:(?P<mark>[,'’\u00a0\u2009\u202f])[0-9]{3})(?:(?P=mark)[0-9]{3})*(?:\.[0-9]+)?"
)
_COMMA = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})*,[0-9]+|[+-]?[0-9]+,[0-9]+")
_BOUND = re.compile(r"(<=|>=|<|>|≤|≥|⩽|⩾)\s*(.+)")
_ANY = re.compile(r"[0-9]+(?:[.,][0-9]+)*|\.[0-9]+")


def number_of(text: str) -> float | NotANumber:
    """The one number that a printed text is, or why it is none.

    Read: signs with any dash, decimal points and the Lancet's middle dots, thousands in groups of three set
    off by a comma, an apostrophe or a thin or unbreakable space, powers of ten, a trailing percent sign (34% is
    34), enclosing parentheses, footnote marks. A decimal comma is not read: `12,3` is ambiguous.
    """
    plain = _plain(text)
    if not plain:
        return NotANumber(text=text, trouble="empty", why="nothing is printed here")
    if plain.casefold() in _MISSING:
        return NotANumber(text=text, trouble="missing", why=f"`{text.strip()}` says that there is no value")
    value = _value(plain)
    if value is not None:
        return value
    return _trouble(text, plain)


def decimals_of(text: str) -> int | None:
    """Digits after the decimal point as printed (1.2 × 10⁻⁵ has six); None where the text is no number."""
    plain = _plain(text)
    if _value(plain) is None:
        return None
    power = 0
    scientific = _SCIENTIFIC.fullmatch(plain)
    if scientific is not None:
        plain, power = scientific[1], int(scientific[2])
    return len(plain.partition(".")[2]) - power


def last_unit(value: float, text: str | None = None) -> float:
    """One unit of the last printed digit. Half of it is what rounding hides, all of it what cutting off hides.

    Without the printed text the shortest spelling of the float stands for it: 12.0 counts as `12`, as its
    zero may or may not have been printed.
    """
    decimals = decimals_of(text) if text is not None else None
    if decimals is None:
        spelling = repr(float(value))
        if "e" in spelling or not math.isfinite(value):
            return abs(value) * 1e-15 if math.isfinite(value) else 0.0
        fraction = spelling.partition(".")[2]
        decimals = 0 if fraction == "0" else len(fraction)
    return float(10.0**-decimals)


def shown(value: float, text: str | None = None) -> str:
    """A number for a message: as printed where that is known, else short and without a trailing `.0`."""
    return text.strip() if text is not None and text.strip() else f"{value:.6g}"


def _plain(text: str) -> str:
    if len(text) > 80:
        return text.strip()
    plain = text.translate(_DOTS).strip().rstrip("*†‡§¶#").strip()
    if plain.startswith("(") and plain.endswith(")") and plain.count("(") == 1:
        plain = plain[1:-1].strip()
    plain = plain.translate(_MINUS)
    if plain.endswith("%"):
        plain = plain[:-1].rstrip()
    return re.sub(r"^([+-])\s+(?=[0-9.])", r"\1", plain)


def _value(plain: str) -> float | None:
    if _NUMBER.fullmatch(plain):
        value = float(plain)
    elif (scientific := _SCIENTIFIC.fullmatch(plain)) is not None:
        value = float(f"{scientific[1]}e{scientific[2]}")
    elif _THOUSANDS.fullmatch(plain):
        value = float(re.sub(r"[,'’\u00a0\u2009\u202f]", "", plain))
    else:
        return None
    return value if math.isfinite(value) else None


def _trouble(text: str, plain: str) -> NotANumber:
    bound = _BOUND.fullmatch(plain)
    if bound is not None and (limit := _value(bound[2].strip())) is not None:
        side: NumberTrouble = "below" if bound[1] in "<=≤⩽" else "above"
        return NotANumber(
            text=text, trouble=side, why=f"only a bound is printed: `{text.strip()}`", bound=limit
        )
    if _COMMA.fullmatch(plain):
        possible = float(plain.replace(".", "").replace(",", "."))
        why = f"the comma of `{text.strip()}` may be a decimal mark"
        return NotANumber(text=text, trouble="ambiguous", why=why, possible=(possible,))
    if re.fullmatch(r"[+-]?[0-9]{1,3}( [0-9]{3})+", plain):
        why = f"`{text.strip()}` is one number with spaces, or several numbers"
        return NotANumber(text=text, trouble="ambiguous", why=why, possible=(float(plain.replace(" ", "")),))
    ends = re.fullmatch(r"(\S.*?)\s*(?:-|\bto\b)\s*(-?[0-9.].*)", plain)
    if ends is not None and None not in (limits := (_value(ends[1]), _value(ends[2]))):
        return NotANumber(text=text, trouble="range", why=f"`{text.strip()}` is a range, not one number",
                          possible=tuple(limit for limit in limits if limit is not None))  # fmt: skip
    if len(_ANY.findall(plain)) > 1 and not _SCIENTIFIC.fullmatch(plain):
        return NotANumber(text=text, trouble="several", why=f"`{text.strip()[:80]}` holds several numbers")
    return NotANumber(text=text, trouble="words", why=f"`{text.strip()[:80]}` is not a plain number")
