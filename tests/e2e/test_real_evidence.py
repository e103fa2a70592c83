"""From full texts of real trials to forest plots: the machine reads, a person settles at a terminal, numbers arrive."""

import csv
import json
import math
from collections import Counter
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest

from graphs.evidence_edits import COLUMNS
from tests.e2e import real_trials as trials
from tests.e2e.processes import Agent
from tests.e2e.test_terminal import typed
from tools.fulltext import jats
from tools.synthesis.effects import effect
from tools.synthesis.values import ArmData, Effect, StudyData

pytestmark = [pytest.mark.shared, pytest.mark.timeout(900)]

SETTLED = [
    ("[q]uit:", "e"),
    ("Your name", "Ada"),
    ("[q]uit:", "a"),
    ("Your name", "Ada"),
    ("Note", "settled"),
]
ACCEPTED = [("[q]uit:", "a"), ("Your name", "Ada"), ("Note", "")]


@pytest.fixture(scope="module")
def rows(shared_data):
    return trials.chosen(shared_data)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def agent_of(folder, cache, data, rows, texts=None):
    """A review of these rows, ready to run."""
    return Agent(trials.write(folder / "review", data, rows, texts), folder / "home", cache)


def to_the_numbers(agent):
    """As far as the gate `evidence`; returns what it shows and the lines of its table."""
    agent("run", expect=3)
    agent("approve", "--gate", "screen", "--by", "Ada")
    agent("resume", expect=3)
    agent("approve", "--gate", "extract", "--by", "Ada")
    shown = agent("resume", expect=3)
    with (agent.home / "gates" / "evidence-1.csv").open(encoding="utf-8", newline="") as file:
        return shown, list(csv.DictReader(file))


def text_of(data, pmcid):
    """A report of the data, read anew."""
    return jats.parse(trials.jats_of(data, pmcid), report_id=pmcid, source=f"{pmcid}.nxml")


def editor(folder, lines, patch):
    """The person's editor: it puts these lines in the place of the table."""
    file = folder / "settled.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(lines)
    script = folder / "editor.sh"
    script.write_text(f'#!/bin/sh\ncp "{file}" "$1"\n')
    script.chmod(0o755)
    patch.setenv("EDITOR", str(script))


@dataclass(frozen=True)
class Settled:
    """The review after a person settled its numbers at a terminal."""

    agent: Agent
    table: list[dict[str, str]]
    """What the machine read."""
    lines: list[dict[str, str]]
    """What the person changed."""
    meant: dict[tuple[str, str], dict[str, str]]
    """(report, outcome) to side to the arm's name."""
    shown: str
    """At the gate, before the person came."""

    @property
    def data(self):
        return json.loads((self.agent.home / "out" / "data.json").read_text(encoding="utf-8"))

    def said(self, row):
        """Side to statistic to what the machine read of a row."""
        return {
            side: {
                line["field_id"]: line["value"]
                for line in self.table
                if (line["report_id"], line["outcome"], line["arm"]) == (row.report_id, row.outcome, arm)
                and line["value"]
            }
            for side, arm in self.meant[row.report_id, row.outcome].items()
        }


@pytest.fixture(scope="module")
def settled(tmp_path_factory, cache, shared_data, rows):
    folder = tmp_path_factory.mktemp("real-trials")
    agent = agent_of(folder, cache, shared_data, rows)
    shown, table = to_the_numbers(agent)
    texts = {row.report_id: text_of(shared_data, row.pmcid).canonical for row in rows}
    lines, meant = trials.settled_lines(rows, table, texts)
    with pytest.MonkeyPatch.context() as patch:
        editor(folder, lines, patch)
        status, seen, left = typed(agent, [*SETTLED, *ACCEPTED], verb="resume")
    assert (status, left) == (0, []), seen[-3000:]
    assert "Stored as 1/evidence/2; it is to be approved now." in seen
    return Settled(agent, table, lines, meant, shown)


def by_hand(row):
    """The effect from people's numbers."""
    arms = {
        side: ArmData(arm=row.arms[side], **{name: float(v) for name, v in row.numbers[side].items()})
        for side in trials.SIDES
    }
    made = effect(StudyData(study_id=row.report_id, label=row.report_id, **arms), trials.measure(row.kind))
    assert isinstance(made, Effect)
    return made


# The whole path ----------------------------------------------------------------------------------


def test_several_trials_share_an_outcome(rows):
    """Without such groups nothing below would show a synthesis."""
    trials_of = Counter(row.outcome for row in rows)
    assert sum(count > 1 for count in trials_of.values()) >= 4
    assert len({row.pmcid for row in rows}) >= 10


def test_the_machine_reads_some_rows_and_none_of_them_wrong(settled, rows):
    """Abstaining is right, guessing is not: the rest is for people."""
    verdicts = Counter(trials.verdict(row, settled.said(row)) for row in rows)
    assert verdicts["wrong"] == 0
    assert verdicts["exact"] >= 2


def test_where_no_arms_are_recognised_the_protocols_words_that_the_report_uses_stand_for_them(
    settled, shared_data, rows
):
    texts = {row.report_id: text_of(shared_data, row.pmcid).canonical.casefold() for row in rows}
    named = [
        line for line in settled.table if line["field_id"] == "arm_role" and line["status"] == "ungrounded"
    ]
    assert all(line["arm"].casefold() in texts[line["report_id"]] for line in named)


def test_every_quote_of_a_number_stands_in_the_report_at_its_place(settled, shared_data, rows):
    texts = {row.report_id: text_of(shared_data, row.pmcid).canonical for row in rows}
    quoted = [cell for cell in settled.data["evidence"]["cells"] if cell["quote"]]
    for cell in quoted:
        quote = cell["quote"]
        assert texts[cell["report_id"]][quote["start"] : quote["end"]] == quote["text"], cell
    by_a_person = [cell for cell in quoted if cell["reader"] == "person:Ada"]
    assert len(by_a_person) > 20
    assert all(
        cell["status"] == "ungrounded"
        for cell in settled.data["evidence"]["cells"]
        if cell["value"] is not None and cell["outcome"] and not cell["quote"]
    )


def test_what_a_person_accepted_at_the_terminal_is_what_the_analyses_show(settled, rows):
    evidence = settled.data["evidence"]
    reports = {study["study_id"]: study["report_ids"] for study in evidence["studies"]}
    lines = {
        (analysis["outcome"]["id"], report_id): line
        for analysis in evidence["analyses"]
        for line in analysis["lines"]
        for report_id in reports[line["study_id"]]
    }
    for row in rows:
        line, mine = lines.pop((row.outcome, row.report_id)), by_hand(row)
        converted = any(step["to"] == "sd" for step in line["data"]["conversions"])
        wanted = pytest.approx((mine.y, mine.v), rel=trials.CONVERTED if converted else 1e-9)
        assert (line["y"], line["v"]) == wanted, row
    # Of reports without such a row nothing has crept in.
    assert all("why" in line for line in lines.values())


def test_a_risk_ratio_is_that_of_four_numbers_on_paper(settled, rows):
    row = next(row for row in rows if row.kind == "dichotomous")
    (a, n1), (c, n2) = (
        (float(row.numbers[s]["events"]), float(row.numbers[s]["total"])) for s in trials.SIDES
    )
    report = next(x for x in settled.data["evidence"]["analyses"] if x["outcome"]["id"] == row.outcome)
    line = next(line for line in report["lines"] if "y" in line)
    assert line["y"] == pytest.approx(math.log(a * n2 / (n1 * c)))
    assert line["v"] == pytest.approx(1 / a - 1 / n1 + 1 / c - 1 / n2)


def test_every_analysis_has_its_forest_plot_and_the_studies_stand_in_it(settled, rows):
    out = settled.agent.home / "out"
    for name in {row.outcome for row in rows}:
        assert (out / f"forest-{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (out / f"forest-{name}.pdf").read_bytes().startswith(b"%PDF")
        drawn = ElementTree.fromstring((out / f"forest-{name}.svg").read_bytes())
        assert drawn.tag.endswith("svg")


def test_the_review_adds_up_and_runs_again_offline_to_the_same_bytes(settled):
    assert "All equations hold." in settled.agent("verify")
    assert "byte-identical" in settled.agent("replay", "--verify")


# Planted errors ----------------------------------------------------------------------------------


def counted(table):
    """(report, outcome) to the arms of which a table of the report gives events, percent and total."""
    found = {}
    for line in table:
        if line["outcome"] and line["value"] and line["field_id"] in ("events", "percent", "total"):
            found.setdefault((line["report_id"], line["outcome"]), {}).setdefault(line["arm"], {})[
                line["field_id"]
            ] = line
    return {
        place: arms
        for place, arms in found.items()
        if len(arms) > 1 and all(len(own) == 3 and int(own["events"]["value"]) > 0 for own in arms.values())
    }


def test_a_number_that_was_changed_in_a_table_is_flagged_at_the_gate_with_its_rule(
    settled, shared_data, rows, cache, tmp_path
):
    """One count above its column's participants, and another that its own percentage belies."""
    (report_id, outcome), arms = next(iter(counted(settled.table).items()))
    assert not [line for line in settled.shown.splitlines() if report_id in line and "[" in line]
    pmcid = next(row.pmcid for row in rows if row.report_id == report_id)
    text = trials.jats_of(shared_data, pmcid).decode("utf-8")
    (_one, first), (_other, second) = list(arms.items())[:2]
    above = str(int(first["total"]["value"]) + 3)
    off = str(int(second["events"]["value"]) + 2)
    for own, planted in ((first, above), (second, off)):
        cell = f"{own['events']['value']} ({own['percent']['value']}"
        assert text.count(cell) == 1, cell
        text = text.replace(cell, f"{planted} ({own['percent']['value']}")
    agent = agent_of(tmp_path, cache, shared_data, rows, {pmcid: text.encode("utf-8")})
    shown, _table = to_the_numbers(agent)
    flagged = [line.strip() for line in shown.splitlines() if line.strip().startswith("error: ")]
    assert len(flagged) == 2, shown
    assert all(line.startswith(f"error: {report_id}, {outcome}: ") for line in flagged)
    assert f"{above} events among {first['total']['value']} participants" in flagged[0]
    assert flagged[0].endswith("[events-exceed-total]")
    assert f"{off} of {second['total']['value']} is " in flagged[1]
    assert flagged[1].endswith("[percent-of-total]")
