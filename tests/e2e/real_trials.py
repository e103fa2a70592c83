"""A review of real trials whose numbers people have read before: chosen by rule, written to a folder, read again.

The trials are those of `extraction/numeric_outcomes` in the real data. An outcome is a word of `THEMES`, which are
outcomes that reviews commonly pool; it takes every trial that has a complete row with that word, whether or not the
machine can read it. The trials of one outcome are of different questions, so that a pooled effect answers none: what
is shown is that the numbers arrive.
"""

import gzip
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz
from rapidfuzz.utils import default_process

from tools.synthesis.conversions import sd_from_ci
from tools.synthesis.rows import number
from tools.synthesis.values import Conversion

THEMES = (
    "mortality",
    "pain",
    "weight",
    "mass index",
    "blood pressure",
    "quality of life",
    "adverse events",
    "complication",
    "hospital stay",
)
"""Written down before anything was read, and not changed since."""

KIND = {"binary": "dichotomous", "continuous": "continuous"}
WANTED = {"binary": ("events", "total"), "continuous": ("mean", "sd", "total")}
COLUMN = {
    "events": "events",
    "total": "group_size",
    "mean": "mean",
    "sd": "standard_deviation",
}
SIDE_NAMES = {"experimental": "intervention", "control": "control"}
"""What a report calls an arm that it names in no other way."""

SIDES = {"experimental": "intervention", "control": "comparator"}
QUOTE = 600
"""Characters beyond which a line is no quote that a person would give."""

CONVERTED = 0.03
"""How far an SD from an interval may be from people's, who may have taken another quantile."""

SAME_ARM = 60
"""Likeness of names (0 to 100) from which on a person takes a machine's arm for the arm that they mean."""


@dataclass(frozen=True)
class Row:
    """What people read of one outcome of one trial: both arms, complete."""

    outcome: str
    kind: str
    pmcid: str
    pmid: str
    arms: dict[str, str]
    """Side to the arm's name in people's words."""
    numbers: dict[str, dict[str, str]]
    """Side to statistic to what they wrote."""

    @property
    def report_id(self) -> str:
        """In a source called `trials`."""
        return f"trials:{self.pmid}"


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of gzipped JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def chosen(data: Path) -> list[Row]:
    """For every theme and kind the first complete row of each trial, its arms being the same in every theme."""
    given = list(lines(data / "extraction" / "numeric_outcomes.jsonl.gz"))
    arms: dict[str, dict[str, str]] = {}
    rows = []
    for theme in THEMES:
        for kind in KIND:
            taken: set[str] = set()
            for line in given:
                title = line["outcome"].strip().casefold()
                if line["outcome_type"] != kind or theme not in title or title.startswith("baseline"):
                    continue
                row = _row(line, theme, kind)
                if row is None or row.pmcid in taken or arms.setdefault(row.pmcid, row.arms) != row.arms:
                    continue
                taken.add(row.pmcid)
                rows.append(row)
    return rows


def _row(line: dict[str, Any], theme: str, kind: str) -> Row | None:
    """None where people's row is not complete."""
    numbers = {
        side: {name: str(line[f"{arm}_{COLUMN[name]}"]).replace(",", "").strip() for name in WANTED[kind]}
        for side, arm in SIDES.items()
    }
    if any(number(value) is None for own in numbers.values() for value in own.values()):
        return None
    names = {side: line[arm].strip() for side, arm in SIDES.items()}
    return Row(
        outcome=f"{theme.replace(' ', '-')}-{kind}",
        kind=KIND[kind],
        pmcid=line["pmcid"],
        pmid=str(line["pmid"]),
        arms=names,
        numbers=numbers,
    )


# The review's files ------------------------------------------------------------------------------


def write(folder: Path, data: Path, rows: Sequence[Row], texts: Mapping[str, bytes] | None = None) -> Path:
    """review.yaml, records and full texts of these rows; returns the path of review.yaml.

    Args:
        texts: PMC number to JATS; then the review is of these alone. Default: of all, as they are in the data.
    """
    (folder / "fulltexts").mkdir(parents=True)
    texts = texts or {row.pmcid: jats_of(data, row.pmcid) for row in rows}
    wanted = {row.pmid for row in rows if row.pmcid in texts}
    records = [line for line in lines(data / "pubmed" / "pool.jsonl.gz") if str(line["pmid"]) in wanted]
    (folder / "records.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    for pmcid, text in texts.items():
        (folder / "fulltexts" / f"{pmcid}.nxml").write_bytes(text)
    review = folder / "review.yaml"
    review.write_text(_yaml(rows), encoding="utf-8")
    return review


def jats_of(data: Path, pmcid: str) -> bytes:
    """A report's full text as the data has it."""
    return gzip.decompress((data / "jats" / f"{pmcid}.nxml.gz").read_bytes())


def _yaml(rows: Sequence[Row]) -> str:
    outcomes = {row.outcome: row.kind for row in rows}
    specs = "".join(
        f"    - {{id: {name}, title: {_title(name)}, kind: {kind}}}\n" for name, kind in outcomes.items()
    )
    analyses = "".join(
        f"    - {{id: {name}, outcome: {name}, measure: {measure(kind)}, model: random}}\n"
        for name, kind in outcomes.items()
    )
    return f"""
review: {{title: Numbers of real trials, type: intervention, id: real-trials, reviewers: [Ada]}}
question:
  framework: PICO
  text: What do the interventions of these trials do?
  elements:
    population: [patients, participants]
    intervention: {_phrases(rows, "experimental")}
    comparator: {_phrases(rows, "control")}
    outcome: [pain, weight]
criteria:
  - id: people
    kind: include
    text: People took part.
    terms: [patients, participants, people, children, women, men, adults, group, groups, subjects]
search: {{strategy: trial OR study OR group OR groups OR patients OR participants}}
sources:
  - {{kind: local, name: trials, files: [records.jsonl]}}
engine: {{backend: baseline}}
fulltext: {{folder: fulltexts, pmc: false}}
extraction:
  people: 1
  outcomes:
{specs}synthesis:
  analyses:
{analyses}gates: [screen, extract, evidence, synthesis]
"""


def _phrases(rows: Sequence[Row], side: str) -> str:
    """The arms of this side in people's words without what stands in brackets, and at last the name of the side."""
    names = [re.sub(r"\s*\([^)]*\)", "", row.arms[side]).strip() for row in rows]
    return json.dumps([*dict.fromkeys(names), SIDE_NAMES[side]], ensure_ascii=False)


def _title(outcome: str) -> str:
    return outcome.rpartition("-")[0].replace("-", " ").capitalize()


def measure(kind: str) -> str:
    """Scales differ from trial to trial, hence SMD."""
    return "RR" if kind == "dichotomous" else "SMD"


# A person at the gate ----------------------------------------------------------------------------


def arms_meant(row: Row, roles: Mapping[str, str]) -> dict[str, str]:
    """Side to the machine's arm that is meant, or to people's own name of it where none can be.

    Of one experimental and one control arm these are meant; of several, those with like names.

    Args:
        roles: the machine's arms with their roles.
    """
    by_role = {side: [label for label, role in roles.items() if role == side] for side in SIDES}
    if all(len(labels) == 1 for labels in by_role.values()):
        return {side: labels[0] for side, labels in by_role.items()}

    def like(side: str, label: str) -> float:
        if _shortened(label, row.arms[side]):
            return 100.0
        return fuzz.token_set_ratio(row.arms[side], label, processor=default_process)

    def fit(pair: tuple[str, str]) -> float:
        one, other = pair
        right = like("experimental", one) + like("control", other)
        return right - like("experimental", other) - like("control", one)

    best = max(((one, other) for one in roles for other in roles if one != other), key=fit, default=("", ""))
    return {
        side: label if label and like(side, label) >= SAME_ARM else row.arms[side]
        for side, label in zip(SIDES, best, strict=True)
    }


def _shortened(label: str, name: str) -> bool:
    """Whether a word of capitals, as `F-URS group`, has its letters in order in a name, the first at a beginning."""
    words = [re.sub(r"\W", "", word) for word in re.findall(r"\b[A-Z][A-Z-]{2,}\b", label)]
    patterns = (r"\b" + ".*?".join(word.casefold()) for word in words)
    return any(re.search(pattern, name.casefold()) for pattern in patterns)


def verdict(row: Row, said: dict[str, dict[str, str]]) -> str:
    """What the machine read of both arms beside what people read.

    `exact`: every number of theirs; `partial`: some, and none wrong; `wrong`; `other`: none of theirs but others,
    such as a percentage where they have a count; `not found`.
    """
    pairs = [(said[side].get(name), wanted) for side in SIDES for name, wanted in row.numbers[side].items()]
    told = [(value, wanted) for value, wanted in pairs if value is not None]
    if any(not _near(value, wanted) for value, wanted in told):
        return "wrong"
    if told:
        return "exact" if len(told) == len(pairs) else "partial"
    return "other" if any(said.values()) else "not found"


def _near(value: str, gold: str) -> bool:
    return abs(float(value) - float(gold)) <= 0.006 * max(1.0, abs(float(gold)))


def settled_lines(
    rows: Sequence[Row], table: Sequence[dict[str, str]], texts: dict[str, str]
) -> tuple[list[dict[str, str]], dict[tuple[str, str], dict[str, str]]]:
    """What a person changes who has people's reading beside the machine's table.

    Args:
        rows: people's reading.
        table: lines of the gate's CSV.
        texts: report to its canonical text, where the person looks for quotes.

    Returns:
        The lines to be given to `edit`, and (report, outcome) to side to the arm's name in the table.
    """
    roles: dict[str, dict[str, str]] = {}
    for line in table:
        if line["field_id"] == "arm_role":
            roles.setdefault(line["report_id"], {})[line["arm"]] = line["value"]
    meant = {(row.report_id, row.outcome): arms_meant(row, roles.get(row.report_id, {})) for row in rows}
    wanted = {
        _place(line): line
        for row in rows
        for line in _lines_of(row, meant[row.report_id, row.outcome], texts[row.report_id])
    }
    known = {_place(line): line for line in table}
    settled = [
        line | {"reason": "as people read it"}
        for place, line in wanted.items()
        if not _same(known.get(place), line) and not _follows(line, known)
    ]
    compared = {
        (report_id, outcome, arm) for (report_id, outcome), arms in meant.items() for arm in arms.values()
    }
    return [*settled, *_put_aside(table, wanted, compared)], meant


def _lines_of(row: Row, arms: dict[str, str], text: str) -> list[dict[str, str]]:
    """The roles of both arms and their numbers, with quotes where the text has them."""
    made = [line_of(row.report_id, "", arm, "arm_role", side) for side, arm in arms.items()]
    for side, arm in arms.items():
        quotes = quotes_of(row, side, text)
        made += [
            line_of(row.report_id, row.outcome, arm, name, value) | {"quote": quotes[name]}
            for name, value in row.numbers[side].items()
        ]
    return made


def _put_aside(
    table: Sequence[dict[str, str]], wanted: Collection[tuple[str, ...]], compared: set[tuple[str, str, str]]
) -> list[dict[str, str]]:
    """Lines that empty what people's reading does not have: other arms have no role, other rows no numbers."""
    made = []
    for line in table:
        if _place(line) in wanted or (line["report_id"], line["outcome"], line["arm"]) in compared:
            continue
        if line["field_id"] == "arm_role":
            made.append(line | {"value": "other", "reason": "not compared"})
        elif (
            line["outcome"]
            and line["field_id"] != "direction"
            and (line["value"] or line["status"] == "conflicting")
        ):
            made.append(line | {"value": "", "quote": "", "reason": "not in people's reading"})
    return made


def line_of(report_id: str, outcome: str, arm: str, field_id: str, value: str) -> dict[str, str]:
    """A line of the table, without a quote."""
    place = {"report_id": report_id, "outcome": outcome, "time_point": "", "arm": arm, "field_id": field_id}
    return place | {"value": value, "unit": "", "quote": "", "reason": ""}


def _place(line: dict[str, str]) -> tuple[str, ...]:
    return tuple(line[name] for name in ("report_id", "outcome", "time_point", "arm", "field_id"))


def _same(before: dict[str, str] | None, line: dict[str, str]) -> bool:
    if before is None or not before["value"]:
        return False
    one, other = number(before["value"]), number(line["value"])
    return one == other if one is not None else before["value"] == line["value"]


def _follows(line: dict[str, str], known: Mapping[tuple[str, ...], dict[str, str]]) -> bool:
    """Whether an SD need not be entered since the confidence interval that the machine read gives it."""
    if line["field_id"] != "sd":
        return False
    others = {
        name: number(found["value"])
        for name in ("ci_lower", "ci_upper", "total")
        if (found := known.get(_place(line | {"field_id": name}))) is not None
    }
    low, high, total = (others.get(name) for name in ("ci_lower", "ci_upper", "total"))
    if low is None or high is None or total is None:
        return False
    made = sd_from_ci(low, high, total)
    return isinstance(made, Conversion) and abs(made.value - float(line["value"])) <= CONVERTED * made.value


_NUMBER = re.compile(r"(?<![\d.])[−–-]?\d+(?:[.·]\d+)?")


def quotes_of(row: Row, side: str, text: str) -> dict[str, str]:
    """Where a person would point to: the line that holds an arm's numbers; empty where there is none.

    A mean stands beside its SD, a count beside that of the other arm, and a total as `n = 71`.
    """
    own = row.numbers[side]
    size = re.search(rf"\b[nN]\s?=\s?{float(own['total']):g}\b", text)
    beside = {"mean", "sd"} & own.keys()
    wanted = {own[name] for name in beside} or {row.numbers[each]["events"] for each in SIDES}
    line = _line_with({abs(float(value)) for value in wanted}, text)
    return {name: (size.group() if size else "") if name == "total" else line for name in own}


def _line_with(wanted: set[float], text: str) -> str:
    """The first line, be it a row of a table or a paragraph, that holds all these numbers."""
    for line in text.split("\n"):
        numbers = {abs(float(n.replace("·", ".").lstrip("−–-"))) for n in _NUMBER.findall(line)}
        if wanted <= numbers and len(line) <= QUOTE:
            return line.strip()
    return ""
