"""Citations as text: RIS, NBIB (MEDLINE text) and JSON lines, read into records. Pure.

Each reader takes decoded text with `\\n` line ends and yields one `Entry` per entry of the file: a record,
or why there is none. What is odd about the file goes to `problems`, what is odd about one record to its
`warnings`. Nothing is dropped without one of them.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import Field

from tools.identifiers import normal_doi, normal_pmcid, normal_pmid, registry_ids
from tools.schemas import Frozen, Record

__all__ = [
    "RIS_TAGS",
    "Entry",
    "Problem",
    "absent",
    "json_lines",
    "nbib",
    "one_line",
    "paragraphs",
    "ris",
    "shown_title",
]

RIS_TAGS: Mapping[str, tuple[str, ...]] = {
    "title": ("TI", "T1", "CT", "BT"),
    "abstract": ("AB", "N2"),
    "authors": ("AU", "A1"),
    "year": ("PY", "Y1", "DA"),
    "journal": ("T2", "JO", "JF", "JA", "J2"),
    "volume": ("VL",),
    "issue": ("IS",),
    "doi": ("DO", "M3", "L3", "UR"),
    "language": ("LA",),
    "keywords": ("KW",),
    "publication_types": ("M3", "PT"),
    "own_id": ("AN", "ID"),
}
"""RIS tags by field, in order of preference: the first tag that holds a value gives it."""


class Problem(Frozen):
    """Something in the file that did not go as it should, and where."""

    place: str = Field(description="`line 12`, or `file`.")
    what: str
    lost: bool = Field(default=False, description="True when an entry of the file gave no record.")


class Entry(NamedTuple):
    """One entry of a file: a record without its final id, or why there is none."""

    place: str
    record: Record | None
    lost: str = ""


# Values ------------------------------------------------------------------------------------------


def one_line(text: str) -> str:
    """A field's text as every reader gives it, PubMed's XML included: all white space, thin and no-break
    spaces too, is one plain space, so that a record is the same text whatever form it came in."""
    return " ".join(text.split())


def paragraphs(lines: Iterable[str]) -> str:
    """Sections of an abstract, each `one_line` of its own; empty ones left out."""
    return "\n".join(line for raw in lines if (line := one_line(raw)))


def shown_title(title: str, original: str, warnings: list[str]) -> str:
    """MEDLINE's title, which for other languages is a translation in brackets; without one the original."""
    if original and title.strip("[]. ").lower() in ("", "not available"):
        warnings.append("no English title; the original one is shown")
        return original
    return title


def absent(title: str, abstract: str) -> list[str]:
    """The warnings of a record whose title or abstract is empty, the same from every format."""
    return [f"no {name}" for name, text in (("title", title), ("abstract", abstract)) if not text]


def _safe(text: str) -> str:
    """Without what no database or XML takes: control characters, and halves of surrogate pairs."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", text)


def _year(given: str) -> int | None:
    found = re.search(r"(?<!\d)(1[5-9]\d\d|20\d\d)(?!\d)", given)
    return int(found.group()) if found else None


def _finish(source: str, own_id: str, fields: dict[str, Any], warnings: list[str]) -> Record:
    """A record from plain fields: registrations, retraction, warnings and id are worked out here."""
    text = f"{fields.get('title', '')}\n{fields.get('abstract', '')}"
    given = (one for number in fields.pop("registry_ids", ()) for one in registry_ids(number) or (number,))
    fields["registry_ids"] = tuple(dict.fromkeys([*given, *registry_ids(text)]))
    types = [t.casefold() for t in fields.get("publication_types", ())]
    fields["retracted"] = bool(fields.get("retracted")) or "retracted publication" in types
    warnings += absent(fields.get("title", ""), fields.get("abstract", ""))
    record = Record(record_id="", warnings=tuple(warnings), **fields)
    # Content as key needs no running number: equal content is the same entry twice.
    key = record.pmid or own_id.removeprefix(f"{source}:") or record.version
    return record.model_copy(update={"record_id": f"{source}:{key}"})


# RIS ---------------------------------------------------------------------------------------------


def ris(text: str, source: str, problems: list[Problem]) -> Iterator[Entry]:
    """Blocks from TY to ER; rispy reads the inside of each.

    We cut the blocks ourselves: rispy drops what stands outside them without a word, and where an ER is
    missing it melts two records into one.
    """
    strict = re.search(r"^TY  -", text, re.MULTILINE) is not None
    tag = re.compile(r"([A-Z][A-Z0-9])  -(?: |$)" if strict else r"([A-Z][A-Z0-9]) {1,2}-(?: |$)")
    block: list[str] = []
    began = 0
    for number, line in enumerate(text.split("\n"), 1):
        found = tag.match(line)
        name = found.group(1) if found else ""
        if name == "TY" and block:
            what = f"entry begins before the one of line {began} has ended (ER missing); both were read"
            problems.append(Problem(place=f"line {number}", what=what))
            yield _ris_entry(block, began, source)
            block = []
        if name == "TY":
            began = number
        elif not block and line.strip():
            problems.append(
                Problem(place=f"line {number}", what=f"outside any entry, not read: {line[:60]!r}")
            )
            continue
        if name == "ER" and block:
            yield _ris_entry(block, began, source)
            block = []
        elif block or name == "TY":
            block.append(f"{name}  - {line[found.end() :].strip()}" if found else line)
    if block:
        problems.append(
            Problem(place=f"line {began}", what="the last entry has no ER; the file may be cut off")
        )
        yield _ris_entry(block, began, source)


def _ris_entry(block: list[str], began: int, source: str) -> Entry:
    from rispy import RisParser

    # Every tag is its own name and holds a list of lines, so that rispy neither drops repeated tags nor
    # joins the lines of an abstract.
    names = sorted({line[:2] for line in block if line[2:6] == "  - "} | {"TY", "ER"})
    reader = RisParser(mapping={n: n for n in names}, list_tags=names, delimiter_tags_mapping={})
    (values,) = reader.parse_lines(iter([*block, "ER  - "]))
    values = {n: [v for v in map(_safe, held) if v] for n, held in values.items() if isinstance(held, list)}
    if not any(values.values()):
        return Entry(f"line {began}", None, "an entry without any content")
    warnings: list[str] = []
    glued = sorted({m.group(1) for held in values.values() for v in held for m in _GLUED.finditer(v)})
    if glued:
        warnings.append(
            f"line breaks are missing in the file: {', '.join(glued)} stands inside another field"
        )
    fields = _ris_fields(values, warnings)
    return Entry(f"line {began}", _finish(source, _own_ris_id(values), fields, warnings))


_GLUED = re.compile(r"(?<=\S)([A-Z][A-Z0-9])  - ")


def _ris_fields(values: dict[str, list[str]], warnings: list[str]) -> dict[str, Any]:
    def first(field: str) -> list[str]:
        return next((values[t] for t in RIS_TAGS[field] if values.get(t)), [])

    dois = dict.fromkeys(d for t in RIS_TAGS["doi"] for v in values.get(t, []) if (d := normal_doi(v)))
    if values.get("DO") and not normal_doi(values["DO"][0]):
        warnings.append(f"DOI not understood: {values['DO'][0][:80]!r}")
    pages = "-".join(dict.fromkeys(v[0] for t in ("SP", "EP") if (v := values.get(t))))
    return {
        "title": one_line(" ".join(first("title"))),
        "abstract": _unwrapped(first("abstract")),
        "authors": tuple(map(one_line, first("authors"))),
        "year": next((y for t in RIS_TAGS["year"] for v in values.get(t, []) if (y := _year(v))), None),
        "journal": one_line(" ".join(first("journal"))),
        "volume": one_line(" ".join(first("volume"))),
        "issue": one_line(" ".join(first("issue"))),
        "pages": pages,
        "pmid": _ris_pmid(values, warnings),
        "pmcid": next((p for v in values.get("C2", []) if "PMC" in v and (p := normal_pmcid(v))), None),
        "doi": next(iter(dois), None),
        "language": one_line("; ".join(first("language"))),
        "publication_types": tuple(
            v for t in RIS_TAGS["publication_types"] for v in values.get(t, []) if not normal_doi(v)
        ),
        "keywords": tuple(dict.fromkeys(map(one_line, first("keywords")))),
    }


def _unwrapped(lines: list[str]) -> str:
    """Lines of a field as paragraphs: a line that ends in mid-sentence was only wrapped."""
    out = ""
    for line in map(one_line, lines):
        out += ("\n" if out.endswith((".", "!", "?", ":", ")", "]")) else " " if out else "") + line
    return out


def _ris_pmid(values: dict[str, list[str]], warnings: list[str]) -> str | None:
    """A PMID counts only where the entry says that it is one: numbers in AN may be anybody's."""
    pubmed = any(
        re.search(r"pubmed|medline", v, re.IGNORECASE) for t in ("DB", "DP") for v in values.get(t, [])
    )
    found = [p for v in values.get("AN", []) if pubmed and (p := normal_pmid(v))]
    for field in values.values():
        found += [m.group(1) for v in field if (m := re.fullmatch(r"PMID:?\s*0*([1-9]\d{0,7})", v))]
    address = re.compile(r"(?:pubmed\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/pubmed)/0*([1-9]\d{0,7})\b")
    found += [m.group(1) for v in values.get("UR", []) for m in address.finditer(v)]
    if len(set(found)) > 1:
        warnings.append(f"several PMIDs: {', '.join(dict.fromkeys(found))}; none was taken")
        return None
    return found[0] if found else None


def _own_ris_id(values: dict[str, list[str]]) -> str:
    return next((one_line(values[t][0]) for t in RIS_TAGS["own_id"] if values.get(t)), "")


# NBIB --------------------------------------------------------------------------------------------

_NBIB_LINE = re.compile(r"[A-Z][A-Z0-9]{0,3} *- ?")
# PubMed prints a structured abstract in one run; its labels are in capitals after a full stop.
_NBIB_LABEL = re.compile(r"(?<=[.?!)]) (?=[A-Z][A-Z ,/&'()-]{3,60}: )")


def nbib(text: str, source: str, problems: list[Problem]) -> Iterator[Entry]:
    """Entries from one `PMID- ` line to the next; Bio.Medline reads the inside of each.

    Wrapped lines are put together first: Bio.Medline takes those of a keyword or a group name apart.
    """
    block: list[str] = []
    began = 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("PMID- "):
            if block:
                yield _nbib_entry(block, began, source)
            block, began = [line], number
        elif not line.strip():
            continue
        elif not block:
            problems.append(
                Problem(place=f"line {number}", what=f"outside any entry, not read: {line[:60]!r}")
            )
        elif len(line) > 4 and line[4] == "-" and _NBIB_LINE.match(line):
            block.append(line)
        else:
            if not line.startswith("      "):
                what = f"neither a field nor indented; read as part of the line above: {line[:60]!r}"
                problems.append(Problem(place=f"line {number}", what=what))
            block[-1] = f"{block[-1].rstrip()} {line.strip()}"
    if block:
        yield _nbib_entry(block, began, source)


def _nbib_entry(block: list[str], began: int, source: str) -> Entry:
    from Bio import Medline

    parse: Any = Medline.parse  # has no types
    (held,) = parse([_safe(line) + "\n" for line in block])
    values = {tag: [v] if isinstance(v, str) else list(v) for tag, v in held.items()}
    warnings: list[str] = []
    pmid = normal_pmid(" ".join(values.get("PMID", [])))
    if pmid is None:
        if set(values) <= {"PMID"}:
            return Entry(f"line {began}", None, "an entry without any content")
        warnings.append(f"PMID not understood: {block[0][6:46]!r}")
    return Entry(f"line {began}", _finish(source, "", _nbib_fields(values, pmid, warnings), warnings))


def _nbib_fields(values: dict[str, list[str]], pmid: str | None, warnings: list[str]) -> dict[str, Any]:
    def one(*tags: str) -> str:
        return next((line for t in tags if (line := one_line(" ".join(values.get(t, []))))), "")

    def many(tag: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(line for v in values.get(tag, []) if (line := one_line(v))))

    authors = many("FAU") or tuple(re.sub(r" ([A-Z]{1,4})$", r", \1", a) for a in many("AU"))
    ids = re.search(r"(10\.\S+) \[doi\]", f"{one('AID')} {one('LID')}")
    return {
        "title": shown_title(one("TI", "BTI"), one("TT"), warnings),
        "abstract": paragraphs(part.removeprefix("UNLABELLED: ") for part in _NBIB_LABEL.split(one("AB"))),
        "authors": (*authors, *many("CN")),
        "year": _year(one("DP")) or _year(one("DEP")),
        "journal": one("JT", "TA"),
        "volume": one("VI"),
        "issue": one("IP"),
        "pages": one("PG"),
        "pmid": pmid,
        "pmcid": normal_pmcid(one("PMC")),
        "doi": normal_doi(ids.group(1)) if ids else None,
        "language": "; ".join(many("LA")),
        "publication_types": many("PT"),
        "mesh": tuple(dict.fromkeys(m.split("/")[0].strip("* ") for m in many("MH"))),
        "keywords": tuple(k.strip("* ") for k in many("OT")),
        # SI names data banks of all kinds; only registers' numbers are taken.
        "registry_ids": registry_ids("\n".join(many("SI"))),
        "retracted": "RIN" in values,
    }


# JSON lines --------------------------------------------------------------------------------------

_TEXTS = ("title", "abstract", "journal", "volume", "issue", "pages", "language")
_LISTS = ("authors", "publication_types", "mesh", "keywords", "registry_ids")
_KNOWN = {*_TEXTS, *_LISTS, "record_id", "pmid", "pmcid", "doi", "year", "retracted", "warnings"}


def json_lines(text: str, source: str, problems: list[Problem]) -> Iterator[Entry]:
    """One JSON object per line, with the fields of `Record` as far as they are known.

    Other keys, such as labels, are left aside and named once. A value of the wrong kind is left out, and
    the record's warnings say so.
    """
    unknown: dict[str, int] = {}
    # Not splitlines(): JSON strings may hold U+2028 and the like as they are.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        place = f"line {number}"
        try:
            given = json.loads(line)
        except (ValueError, RecursionError) as e:
            yield Entry(place, None, f"not JSON ({e})")
            continue
        if not isinstance(given, dict):
            yield Entry(place, None, f"not a JSON object, but {type(given).__name__}")
            continue
        for key in given.keys() - _KNOWN:
            unknown.setdefault(key, number)
        if not any(given.get(key) for key in ("title", "abstract", "pmid", "doi", "record_id")):
            yield Entry(place, None, "an object with neither title, abstract nor identifier")
            continue
        yield Entry(place, _json_record(given, source))
    if unknown:
        names = ", ".join(sorted(map(_safe, unknown)))
        problems.append(Problem(place=f"line {min(unknown.values())}", what=f"keys left aside: {names}"))


def _json_record(given: dict[str, Any], source: str) -> Record:
    warnings = _json_list(given, "warnings", [])
    warnings = [w for w in warnings if w not in ("no title", "no abstract")]
    fields: dict[str, Any] = {name: one_line(_json_text(given, name, warnings)) for name in _TEXTS}
    fields["abstract"] = paragraphs(_json_text(given, "abstract", warnings).splitlines())
    fields |= {name: tuple(_json_list(given, name, warnings)) for name in _LISTS}
    ids = {name: _json_text(given, name, warnings) for name in ("pmid", "pmcid", "doi", "year")}
    fields |= {
        "pmid": normal_pmid(ids["pmid"]),
        "pmcid": normal_pmcid(ids["pmcid"]),
        "doi": normal_doi(ids["doi"]),
        "year": _year(ids["year"]),
        "retracted": given.get("retracted") is True,
    }
    warnings += [
        f"{name} not understood: {_safe(ids[name])[:80]!r}"
        for name in ids
        if ids[name].strip() and fields[name] is None
    ]
    return _finish(source, one_line(_json_text(given, "record_id", warnings)), fields, warnings)


def _json_text(given: dict[str, Any], name: str, warnings: list[str]) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if isinstance(value, str):
        return _safe(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(int(value)) if value == value // 1 else str(value)
    warnings.append(f"{name} left out: not a text, but {type(value).__name__}")
    return ""


def _json_list(given: dict[str, Any], name: str, warnings: list[str]) -> list[str]:
    value = given.get(name)
    if isinstance(value, str):
        value = value.split(";")
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return list(dict.fromkeys(line for v in value if (line := one_line(_safe(v)))))
    warnings.append(f"{name} left out: not a list of texts")
    return []
