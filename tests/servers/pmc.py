"""PubMed Central's own services over records of ours: ID converter, OA service and its files, BioC.

Their full texts by EFetch are in `eutils`. Source: PMC's pages on the ID Converter API, the OA Web Service
and BioC; the answers have the same members in the same order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.servers.faults import Answer
from tools.schemas import Record

_AT = "2026-01-02 03:04:05"


class Pmc:
    """`idconv`, `oa`, `bioc/<id>` and `oa_package/<file>`.

    Args:
        records: those with a PMCID are in PMC.
        jats: folder of full texts named by PMC id: these are open access.
    """

    def __init__(self, records: Iterable[Record], *, jats: Path | None = None) -> None:
        self._records = [record for record in records if record.pmid]
        self._jats = jats

    def forget(self) -> None:
        """Nothing is kept between requests."""

    def utility(self, path: str) -> str | None:
        """See `loopback.Service`."""
        name = path.strip("/")
        if re.fullmatch(r"tools/idconv/api/v1/articles|utils/idconv/v1\.0", name):
            return "idconv"
        if name == "utils/oa/oa.fcgi":
            return "oa"
        if match := re.fullmatch(r"pmcoa\.cgi/BioC_json/(\w+)/unicode", name):
            return f"bioc/{match[1]}"
        return "oa_package/" + name.rpartition("/")[2] if name.startswith("oa_package/") else None

    def answer(self, utility: str, params: Mapping[str, str]) -> Answer:
        """See `loopback.Service`. The hrefs of the OA service are dead, as they have been since April 2026."""
        name, _, rest = utility.partition("/")
        if name == "idconv":
            return self._idconv(params)
        if name == "oa":
            return self._oa(params.get("id", ""))
        if name == "bioc":
            return self._bioc(rest)
        return Answer(b"<html><body>404 Not Found</body></html>", 404, "text/html")

    def _idconv(self, params: Mapping[str, str]) -> Answer:
        ids = [one for one in re.split(r"[,\s]+", params.get("ids", "")) if one]
        kinds = {_kind(one) for one in ids} if "idtype" not in params else {params["idtype"]}
        if not ids or len(ids) > 200 or len(kinds) > 1:
            said = {
                "status": "error",
                "response-date": _AT,
                "message": "Invalid request: mixed or too many ids",
            }
            return Answer(json.dumps(said).encode(), 400, "application/json")
        told = [self._converted(one, kinds.copy().pop()) for one in ids]
        body = {"status": "ok", "response-date": _AT, "request": dict(params), "records": told}
        return Answer(json.dumps(body).encode(), content_type="application/json")

    def _converted(self, given: str, kind: str) -> dict[str, object]:
        for record in self._records:
            names = {"pmid": record.pmid, "pmcid": record.pmcid, "doi": record.doi}
            if record.pmcid and (names[kind] or "").lower() == given.lower():
                told: dict[str, object] = {"doi": record.doi} if record.doi else {}
                return {**told, "pmcid": record.pmcid, "pmid": int(record.pmid or 0), "requested-id": given}
        told = {"requested-id": given, "status": "error", "errmsg": "Identifier not found in PMC"}
        return {**told, "pmid": int(given)} if kind == "pmid" and given.isdigit() else told

    def _oa(self, pmcid: str) -> Answer:
        start = f'<OA><responseDate>{_AT}</responseDate><request id="{pmcid}">oa.fcgi?id={pmcid}</request>'
        if not self._is_open(pmcid):
            said = f"identifier '{pmcid}' is not Open Access"
            return Answer(f'{start}<error code="idIsNotOpenAccess">{said}</error></OA>'.encode())
        href = f"ftp://ftp.ncbi.nlm.nih.gov/pub/pmc/oa_package/00/00/{pmcid}.tar.gz"
        link = f'<link format="tgz" updated="{_AT}" href="{href}" />'
        record = f'<record id="{pmcid}" citation="J Inv Tr" license="CC BY" retracted="no">{link}</record>'
        return Answer(f'{start}<records returned-count="1" total-count="1">{record}</records></OA>'.encode())

    def _bioc(self, given: str) -> Answer:
        """Title and abstract as passages; a miss is a page with status 200."""
        for record in self._records:
            if given in (record.pmid, record.pmcid) and record.pmcid and self._is_open(record.pmcid):
                parts = [("TITLE", record.title), ("ABSTRACT", record.abstract)]
                passages, offset = [], 0
                for kind, text in parts:
                    passages.append({"offset": offset, "infons": {"section_type": kind}, "text": text})
                    offset += len(text) + 1
                document = {"id": record.pmcid.removeprefix("PMC"), "passages": passages}
                body = [{"source": "PMC", "documents": [document]}]
                return Answer(json.dumps(body).encode(), content_type="application/json")
        miss = f"[Error] : No result can be found. <BR><HR><B> - {given}</B>"
        return Answer(miss.encode(), content_type="text/html")

    def _is_open(self, pmcid: str) -> bool:
        return self._jats is not None and any(self._jats.glob(f"{pmcid}.*"))


def _kind(given: str) -> str:
    if given.isdigit():
        return "pmid"
    return "pmcid" if given.upper().startswith("PMC") else "doi"
