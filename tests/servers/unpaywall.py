"""Unpaywall over copies that a test names.

Source: Unpaywall REST API v2 (https://unpaywall.org/products/api): `/v2/{doi}?email=`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from tests.servers.faults import Answer


class Unpaywall:
    """`doi/<doi>`.

    Args:
        copies: DOI to its places, the best first, as (address of the PDF or None, version).
    """

    def __init__(self, copies: Mapping[str, Sequence[tuple[str | None, str]]]) -> None:
        self._copies = copies

    def forget(self) -> None:
        """Nothing is kept between requests."""

    def utility(self, path: str) -> str | None:
        """See `loopback.Service`."""
        doi = unquote(path.strip("/"))
        return f"doi/{doi}" if doi.startswith("10.") else None

    def answer(self, utility: str, params: Mapping[str, str]) -> Answer:
        """See `loopback.Service`."""
        doi = utility.partition("/")[2]
        email = params.get("email", "")
        if "@" not in email or email.endswith("@example.com"):
            return _json(_error(422, "Please use your own email address in API calls."), 422)
        if doi not in self._copies:
            return _json(_error(404, f"'{doi}' isn't in Unpaywall."), 404)
        places = [_location(url, version) for url, version in self._copies[doi]]
        told: dict[str, Any] = {"doi": doi, "is_oa": bool(places), "title": "Invented"}
        return _json({**told, "best_oa_location": places[0] if places else None, "oa_locations": places}, 200)


def _location(url: str | None, version: str) -> dict[str, Any]:
    landing = "https://repository.example.org/handle/1"
    return {
        "url": url or landing,
        "url_for_pdf": url,
        "url_for_landing_page": landing,
        "version": version,
        "host_type": "repository",
    }


def _error(status: int, message: str) -> dict[str, Any]:
    return {"HTTP_status_code": status, "error": True, "message": message}


def _json(document: Mapping[str, Any], status: int) -> Answer:
    return Answer(json.dumps(document).encode(), status, "application/json")
