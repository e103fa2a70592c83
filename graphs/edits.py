"""What a person's edit makes of an artefact. Pure: the old content and a text in, the new content out.

Nothing is taken on trust: a line about an unknown record, a decision that does not exist or a strategy
that does not parse is refused with its place, and then nothing of the edit is stored.
"""

import csv
import io
from collections.abc import Callable, Mapping
from typing import Any, get_args

import yaml

from graphs.certainty import decided
from graphs.evidence_edits import settled
from graphs.gates import cells_of, dispositions_of, listing
from tools.errors import ConfigError
from tools.fulltext.quotes import locate
from tools.reporting.text import original_text
from tools.schemas import Cell, Disposition, Strategy
from tools.search import query as queries

__all__ = ["edited", "rows_of"]

DECISIONS = get_args(Disposition.model_fields["decision"].annotation)


def edited(
    step: str, content: Mapping[str, Any], text: str, by: str, text_of: Callable[[str], str]
) -> dict[str, Any]:
    """The content of the next revision.

    Args:
        step: whose artefact it is.
        content: what the gate shows now.
        text: the edit: YAML elements (pico), a strategy in PubMed syntax (query), or CSV lines
            `record_id,decision,reason` (screen, extract) or `report_id,field_id,value,unit,quote`
            (extract); of the evidence, lines with `evidence_edits.COLUMNS`; of the synthesis, with
            `certainty.COLUMNS`. Lines that are absent or unchanged stay as they are.
        by: who edits; changed lines carry the name.
        text_of: report id to its full text, to find quotes in.

    Raises:
        ConfigError: one line per mistake.
    """
    if step == "pico":
        return dict(content) | {"elements": _elements(content["elements"], text), "call_key": ""}
    if step == "query":
        return _strategy(text)
    rows = rows_of(text)
    if step == "synthesis":
        return decided(content, rows, by)
    if step == "evidence":
        return settled(content, rows, by, text_of)
    if step == "extract" and "field_id" in rows[0]:
        cells = _cells(cells_of(content), rows, by, text_of)
        return dict(content) | {"cells": [cell.model_dump(mode="json") for cell in cells]}
    lines = _lines(dispositions_of(content), rows, by)
    more = {k: v for k, v in content.items() if k not in ("summary", "protocol_basis", "dispositions")}
    return listing(lines, str(content["protocol_basis"]), **more)


def _elements(old: Mapping[str, Any], text: str) -> dict[str, list[str]]:
    try:
        new = yaml.safe_load(text)
    except yaml.YAMLError as e:
        raise ConfigError(f"the edit is not YAML: {e}. Remedy: one `element: [phrase, …]` per line.") from e
    good = isinstance(new, dict) and all(
        isinstance(v, list) and all(isinstance(p, str) for p in v) for v in new.values()
    )
    if not good:
        raise ConfigError(
            "the edit must map each element to a list of phrases, such as `population: [adults]`."
        )
    if unknown := sorted(set(new) - set(old)):
        raise ConfigError(f"no such element: {', '.join(unknown)}. Remedy: use {', '.join(old)}.")
    return {name: new.get(name, phrases) for name, phrases in old.items()}


def _strategy(text: str) -> dict[str, Any]:
    parsed = queries.parse(text)  # refuses what is no strategy, with the place
    return Strategy(text=queries.render(parsed), notes=queries.lint(text)).model_dump(mode="json")


def rows_of(text: str) -> list[dict[str, str]]:
    """The lines of a CSV with a header, formula guards removed.

    Raises:
        ConfigError: there are none.
    """
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    rows = [{k: original_text((v or "").strip()) for k, v in row.items() if k} for row in reader]
    if not rows:
        raise ConfigError("the edit holds no lines. Remedy: a CSV with a header and at least one line.")
    return rows


def _lines(old: list[Disposition], rows: list[dict[str, str]], by: str) -> list[Disposition]:
    known = {line.record_id: line for line in old}
    problems = []
    for number, row in enumerate(rows, start=2):
        record_id, decision = row.get("record_id", ""), row.get("decision", "")
        if record_id not in known:
            problems.append(f"line {number}: no record {record_id!r} at this gate.")
        elif decision not in DECISIONS:
            problems.append(f"line {number}: {decision!r} is no decision; use one of {', '.join(DECISIONS)}.")
        elif decision == "exclude" and not row.get("reason"):
            problems.append(f"line {number}: an exclusion needs a reason: a criterion's id, or your words.")
        else:
            before = known[record_id]
            reason = row.get("reason") or None
            if (decision, reason) != (before.decision, before.reason):
                told = {"decision": decision, "reason": reason, "suggested_by": f"person:{by}"}
                known[record_id] = before.model_copy(update=told)
    if problems:
        raise ConfigError(problems)
    return list(known.values())


def _cells(old: list[Cell], rows: list[dict[str, str]], by: str, text_of: Callable[[str], str]) -> list[Cell]:
    known = {(cell.report_id, cell.field_id): cell for cell in old}
    problems = []
    for number, row in enumerate(rows, start=2):
        key = (row.get("report_id", ""), row.get("field_id", ""))
        if key not in known:
            problems.append(f"line {number}: no field {key[1]!r} of report {key[0]!r} at this gate.")
            continue
        before = known[key]
        value, unit = row.get("value") or None, row.get("unit") or None
        quote = row.get("quote") or ""
        if (value, unit, quote) != (before.value, before.unit, before.quote.text if before.quote else ""):
            known[key] = _cell(before, value, unit, quote, by, text_of)
    if problems:
        raise ConfigError(problems)
    return list(known.values())


def _cell(
    before: Cell, value: str | None, unit: str | None, quote: str, by: str, text_of: Callable[[str], str]
) -> Cell:
    told: dict[str, Any] = {"value": value, "unit": unit, "reason": f"entered by {by}", "call_key": ""}
    found = locate(quote, text_of(before.report_id)) if quote else None
    if value is None:
        told |= {"status": "not_reported", "quote": None}
    elif found is None:
        told |= {"status": "ungrounded", "quote": None}
    else:
        told |= {"status": "located" if found.located else "grounded", "quote": found}
    return before.model_copy(update=told)
