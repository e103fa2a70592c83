"""The links between papers and registry entries that a record, a full text or an entry tells of by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from finetune.build.kinds import Link, Paper, Trial
from finetune.build.sources import Item
from tools.identifiers import normal_pmid, registry_ids
from tools.schemas import Record

__all__ = ["links_of"]


def links_of(item: Item, source: str) -> Iterator[Link]:
    """The links that a record, a full text or a registry entry tells of by itself."""
    if isinstance(item, Record):
        yield from _of_record(item, source)
    elif isinstance(item, Paper):
        yield from _of_paper(item)
    elif isinstance(item, Trial):
        yield from _of_trial(item)


def _of_record(record: Record, source: str) -> Iterator[Link]:
    if record.pmid is None:
        return
    told = registry_ids(record.text)
    # The parser puts data banks' numbers before those of the text; a MEDLINE export keeps them as its own tag.
    banks = registry_ids("\n".join(value for tag, value in record.fields if tag == "SI"))
    for number in dict.fromkeys((*record.registry_ids, *told)):
        if not number.startswith("NCT"):
            continue
        if number in banks or number not in told:
            yield Link(pmid=record.pmid, nct_id=number, evidence="databank", source=source)
        if number in told:
            yield Link(
                pmid=record.pmid,
                nct_id=number,
                evidence="abstract",
                source=source,
                where=_around(record.text, number),
            )


def _of_paper(paper: Paper) -> Iterator[Link]:
    if paper.pmid is None:
        return
    text = paper.text.canonical
    for number in paper.text.registry_ids:
        if number.startswith("NCT"):
            yield Link(
                pmid=paper.pmid,
                nct_id=number,
                evidence="full_text",
                source=paper.source,
                where=_around(text, number),
            )


def _of_trial(trial: Trial) -> Iterator[Link]:
    module = trial.document.get("protocolSection", {}).get("referencesModule") or {}
    for reference in module.get("references") or ():
        kind = str(reference.get("type") or "").upper()
        pmid = normal_pmid(str(reference.get("pmid") or ""))
        if pmid and kind in ("RESULT", "DERIVED"):
            yield Link(
                pmid=pmid,
                nct_id=trial.nct_id,
                evidence="registry_result" if kind == "RESULT" else "registry_derived",
                source=trial.source,
                where=str(reference.get("citation") or "")[:200],
            )


def _around(text: str, number: str, width: int = 60) -> str:
    """The words around a number; empty where it is spelled in another way."""
    at = text.find(number)
    return " ".join(text[max(0, at - width) : at + len(number) + width].split()) if at >= 0 else ""
