"""Kinds of values in review.yaml: texts, dates, addresses, names. Pure."""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, StringConstraints

__all__ = ["Email", "EnvName", "Gate", "IsoDate", "Pmid", "Slug", "SourceName", "Text", "http_url"]


def _iso_date(text: str) -> str:
    try:
        # Compared with its own spelling, since fromisoformat also takes 20150131 and 2015-W05-6.
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise ValueError("is not a date; write year-month-day, such as 2015-01-31")


def http_url(text: str) -> str:
    """The address of a server, without credentials.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(r"https?://[^\s/@?#]+(/[^\s@?#]*)?", text):
        raise ValueError(
            "is not the address of a server; write it as http://localhost:8000/v1, no password in it"
        )
    return text


def _email(text: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", text):
        raise ValueError("is not an email address; write it as name@institute.org")
    return text


def _env_name(text: str) -> str:
    # The value is not repeated: what is wrongly put here is usually the key itself.
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", text):
        raise ValueError(
            "is not the name of an environment variable; write a name in capitals such as NCBI_API_KEY, "
            "never the key itself"
        )
    return text


def _pmid(value: object) -> str:
    text = str(value).strip().removeprefix("PMID").lstrip(": ")
    if not re.fullmatch(r"[1-9]\d{0,8}", text) or isinstance(value, bool | float):
        raise ValueError("is not a PMID; write the number of the PubMed record, such as 12345678")
    return text


Gate = Literal["pico", "query", "screen", "extract", "evidence", "synthesis"]
"""Steps after which a person decides."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
IsoDate = Annotated[str, AfterValidator(_iso_date)]
Email = Annotated[str, AfterValidator(_email)]
Pmid = Annotated[str, BeforeValidator(_pmid)]
EnvName = Annotated[str, AfterValidator(_env_name)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$", max_length=60)]
SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=40)]
