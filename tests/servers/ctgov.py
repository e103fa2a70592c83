"""ClinicalTrials.gov's API v2 over studies of ours: pages with tokens, former numbers, errors in plain text."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.servers.expressions import BadExpression, Test, Texts, has_phrase, in_range, parse, words
from tests.servers.faults import Answer, Behaviour, Forgetful
from tools.schemas import Record

VERSION = {"apiVersion": "2.0.5", "dataTimestamp": "2026-01-02T09:00:05"}
MOST = 1000
_MESH = {
    "ConditionMeshTerm": ("conditionBrowseModule", "meshes"),
    "ConditionAncestorTerm": ("conditionBrowseModule", "ancestors"),
    "InterventionMeshTerm": ("interventionBrowseModule", "meshes"),
    "InterventionAncestorTerm": ("interventionBrowseModule", "ancestors"),
}
_DATES = {"StudyFirstPostDate": "studyFirstPostDateStruct", "LastUpdatePostDate": "lastUpdatePostDateStruct"}
_SORTS = re.compile(rf"@relevance|({'|'.join(_DATES)}|EnrollmentCount)(:(asc|desc))?")
_LEAF = re.compile(
    r'(?:AREA\[(\w+)\])?(?:RANGE\[([\w-]+),\s*([\w-]+)\]|"([^"]*)"|((?!AND\b|OR\b|NOT\b|AREA\[)[^\s()\[\]",]+))'
)


class Ctgov:
    """The service.

    Args:
        studies: in the form of API v2; `study_of` makes one of a record.
        aliases: former numbers by the number that took their place, `{"NCT00000001": "NCT00000002"}`.
    """

    def __init__(
        self, studies: Iterable[Mapping[str, Any]], *, aliases: Mapping[str, str] | None = None
    ) -> None:
        self._studies = {_number(study): study for study in studies}
        self._texts = {number: _texts(study) for number, study in self._studies.items()}
        self._aliases = dict(aliases or {})
        self._tokens: dict[str, int] = {}
        self._given = 0
        self._lock = threading.Lock()
        self._hidden: frozenset[str] = frozenset()

    def forget(self) -> None:
        """A new version of the data: all tokens expire."""
        with self._lock:
            self._tokens.clear()

    def hide(self, *numbers: str) -> None:
        """From now on nothing finds these studies, and all others are found (again)."""
        self._hidden = frozenset(numbers)

    def utility(self, path: str) -> str | None:
        name = path.strip("/")
        return name if name in ("studies", "version") or re.fullmatch(r"studies/[^/]+", name) else None

    def answer(self, utility: str, params: Mapping[str, str]) -> Answer:
        if utility == "version":
            return _json(VERSION)
        if utility.startswith("studies/"):
            return self._study(utility.removeprefix("studies/"))
        try:
            return self._search(params)
        except _Refused as e:
            return plain_text(str(e), e.status)

    def _study(self, number: str) -> Answer:
        if number in self._aliases:
            return Answer(b"", 301, "text/plain", {"Location": f"{self._aliases[number]}?format=json"})
        if number not in self._studies:
            return plain_text(f"NCT number {number} not found", 404)
        return _json(self._studies[number])

    def _search(self, params: Mapping[str, str]) -> Answer:
        size = min(int(params.get("pageSize", "10")), MOST) or 10
        keep = _sections(params.get("fields", ""))
        sort = params.get("sort", "@relevance")
        if not all(_SORTS.fullmatch(part) for part in re.split(r"[,|]", sort)):
            raise _Refused(f"Invalid value in parameter `sort`: `{sort}`")
        tests = [
            _expression(params[name], said)
            for name, said in (("query.term", "Other terms"), ("filter.advanced", "advanced filter"))
            if params.get(name)
        ]
        numbers = [
            number
            for number, texts in self._texts.items()
            if number not in self._hidden and all(test(texts) for test in tests)
        ]
        if sort.startswith("StudyFirstPostDate"):
            numbers.sort(key=lambda number: self._texts[number]["StudyFirstPostDate"])
        token = params.get("pageToken", "")
        if token and token not in self._tokens:
            raise _Refused("Invalid value in parameter `pageToken`: the token is unknown or has expired")
        start = self._tokens.get(token, 0)
        page = numbers[start : start + size]
        document: dict[str, Any] = {"studies": [_kept(self._studies[number], keep) for number in page]}
        if params.get("countTotal") == "true" and not token:
            document["totalCount"] = len(numbers)
        if start + size < len(numbers):
            document["nextPageToken"] = self._token(start + size)
        return _json(document)

    def _token(self, position: int) -> str:
        with self._lock:
            self._given += 1
            token = f"ZVt07cGHkvI2{self._given:06}"
            self._tokens[token] = position
        return token


class _Refused(Exception):
    def __init__(self, said: str, status: int = 400) -> None:
        super().__init__(said)
        self.status = status


def study_of(record: Record) -> dict[str, Any]:
    """A study with a record's title, abstract, year and headings; its number is NCT and the digits of its id."""
    digits = re.sub(r"\D", "", record.record_id.rpartition(":")[2])
    year = record.year or 2000
    return {
        "protocolSection": {
            "identificationModule": {
                "nctId": f"NCT{int(digits):08}",
                "briefTitle": record.title,
                "officialTitle": record.title,
            },
            "statusModule": {
                "overallStatus": "COMPLETED",
                "studyFirstPostDateStruct": {"date": record.created or f"{year:04}-06-15", "type": "ACTUAL"},
                "lastUpdatePostDateStruct": {"date": f"{year:04}-07-01", "type": "ACTUAL"},
            },
            "descriptionModule": {"briefSummary": record.abstract},
            "conditionsModule": {"conditions": [], "keywords": list(record.keywords)},
            "designModule": {"studyType": "INTERVENTIONAL"},
        },
        "derivedSection": {
            "conditionBrowseModule": {"meshes": [{"id": "", "term": name} for name in record.mesh]},
            "interventionBrowseModule": {},
        },
        "hasResults": False,
    }


def _number(study: Mapping[str, Any]) -> str:
    return str(study["protocolSection"]["identificationModule"]["nctId"])


def _sections(fields: str) -> frozenset[str]:
    known = {"protocolSection", "derivedSection", "resultsSection", "documentSection", "hasResults", "NCTId"}
    wanted = frozenset(part for part in re.split(r"[,|]", fields) if part)
    for name in wanted - known:
        raise _Refused(f"Unknown piece name of field path: {name}", 404)
    return wanted


def _kept(study: Mapping[str, Any], fields: frozenset[str]) -> Mapping[str, Any]:
    if not fields:
        return study
    if fields == {"NCTId"}:
        return {"protocolSection": {"identificationModule": {"nctId": _number(study)}}}
    return {name: value for name, value in study.items() if name in fields}


# Evaluating ----------------------------------------------------------------------------------------


def _texts(study: Mapping[str, Any]) -> Texts:
    texts = {
        "BasicSearch": " | ".join(words(text) for text in _all_texts(study)),
        "NCTId": words(_number(study)),
    }
    for area, (module, part) in _MESH.items():
        listed = study.get("derivedSection", {}).get(module, {}).get(part, ())
        texts[area] = " | ".join(words(mesh["term"]) for mesh in listed)
    status = study["protocolSection"].get("statusModule", {})
    for area, struct in _DATES.items():
        texts[area] = str(status.get(struct, {}).get("date", ""))
    return texts


def _all_texts(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _all_texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _all_texts(inner)
    elif isinstance(value, str):
        yield value


def _expression(text: str, where: str) -> Test:
    try:
        return parse(text, _read_leaf)
    except BadExpression as e:
        raise _Refused(f"Error parsing query in {where}: {e}") from e


def _read_leaf(text: str, position: int) -> tuple[Test, int] | None:
    found = _LEAF.match(text, position)
    if not found:
        return None
    area, start, end, phrase, word = found.groups()
    area = area or "BasicSearch"
    if area not in {"BasicSearch", "NCTId", *_MESH, *_DATES}:
        raise BadExpression(f"Unknown area name: `{area}`")
    if start:
        test = in_range(area, start.replace("MIN", "0000"), end.replace("MAX", "9999"))
    else:
        test = has_phrase(area, phrase if phrase is not None else word)
    return test, found.end()


# Misbehaviour --------------------------------------------------------------------------------------


def _json(document: Mapping[str, Any]) -> Answer:
    return Answer(json.dumps(document).encode(), content_type="application/json")


def plain_text(said: str, status: int = 400) -> Answer:
    """An error as the registry has them: no JSON, one line of text."""
    return Answer(said.encode(), status, "text/plain; charset=utf-8")


def refusal(said: str, status: int = 400) -> Behaviour:
    """It refuses in plain text."""
    return lambda params, healthy, service: plain_text(said, status)


def expired_token() -> Behaviour:
    """The data were updated, and the tokens of before lead nowhere."""

    def behave(params: Mapping[str, str], healthy: Callable[[], Answer], service: Forgetful) -> Answer:
        service.forget()
        return healthy()

    return behave


def total_of(studies: int) -> Behaviour:
    """The total is another than before."""

    def behave(params: Mapping[str, str], healthy: Callable[[], Answer], service: Forgetful) -> Answer:
        return _json(json.loads(healthy().body) | {"totalCount": studies})

    return behave
