"""Real entries: ten with posted results, in the API's form and in the old one."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.registry.arms import match_groups
from tools.registry.cells import cells
from tools.registry.differences import PaperReport
from tools.registry.estimates import estimates
from tools.registry.legacy import from_legacy
from tools.registry.matching import AskedOutcome, match_outcome
from tools.registry.numbers import different_numbers
from tools.registry.text import write
from tools.registry.timing import unpublished
from tools.registry.trial import RegisteredTrial, read
from tools.registry.values import outcome_rows
from tools.synthesis.values import ArmData

pytestmark = pytest.mark.shared


def studies(folder: Path) -> Iterator[dict[str, Any]]:
    """All studies of a folder, whichever form its files have."""
    for file in sorted(folder.rglob("*.json.gz")):
        if "openapi" in file.parts or file.name == "field_metadata.json.gz":
            continue
        document = json.loads(gzip.decompress(file.read_bytes()))
        if "FullStudiesResponse" in document:
            yield from (from_legacy(item["Study"]) for item in document["FullStudiesResponse"]["FullStudies"])
        elif "studies" in document:
            yield from document["studies"]
        elif "protocolSection" in document:
            yield document


@pytest.fixture(scope="module")
def trials(shared_data: Path) -> dict[str, RegisteredTrial]:
    """By their number."""
    found = [read(study) for name in ("ctgov", "api_captures/ctgov") for study in studies(shared_data / name)]
    return {trial.nct_id: trial for trial in found}


@pytest.fixture(scope="module")
def posted(trials: dict[str, RegisteredTrial]) -> list[RegisteredTrial]:
    return [trial for trial in trials.values() if trial.results is not None]


def test_all_are_read_and_nothing_is_odd(trials, posted):
    assert len(trials) >= 234
    assert len(posted) >= 10
    # A page of a search leaves results out; that is no odd field.
    said = [warning for trial in trials.values() for warning in trial.warnings]
    assert [warning for warning in said if not warning.startswith("hasResults: ")] == []


def test_every_value_can_be_quoted(posted):
    for trial in posted:
        page = write(trial)
        made = cells(trial, terms=True, written=page)
        assert len(made) > 40
        for value in made:
            assert page.text.canonical[value.start : value.end] == value.value_text


def test_how_many_posted_values_become_values_of_an_analysis(posted):
    rows = [
        row for trial in posted for outcome in trial.results.outcomes for row in outcome_rows(trial, outcome)
    ]
    arms, left = [arm for row in rows for arm in row.arms], [item for row in rows for item in row.left]
    assert len(arms) >= 440
    assert len(arms) / (len(arms) + len(left)) > 0.95
    assert sum(arm.match.arm is not None for arm in arms) / len(arms) > 0.85
    assert sorted({item.why for item in left}) == [
        "a geometric mean cannot be used as a mean",
        "a number whose unit is not participants: percentage of results matching PCR",
        "a number whose unit is not participants: units on a scale",
    ]


def test_numbers_of_one_trial(trials):
    trial = trials["NCT02552212"]
    (row,) = outcome_rows(trial, trial.results.outcomes[12])
    assert [(arm.data, arm.match.arm) for arm in row.arms] == [
        (ArmData(arm="Placebo (FAS)", total=158, mean=-0.38, se=0.21), "Placebo"),
        (
            ArmData(arm="CZP 200 mg Q2W (FAS)", total=159, mean=-2.07, se=0.20),
            "Certolizumab Pegol 200 mg Q2W",
        ),
    ]
    (difference,) = estimates(trial, trial.results.outcomes[12])
    assert (difference.measure, difference.value) == ("MD", -1.696)
    assert difference.direction == ("CZP 200 mg Q2W (FAS)", "Placebo (FAS)")


def test_one_group_id_is_another_arm_in_the_next_table(trials):
    trial = trials["NCT02552212"]
    first = {m.arm for o in trial.results.outcomes for m in match_groups(trial, o.groups[:1])}
    assert first == {"Placebo", "Certolizumab Pegol 200 mg Q2W"}


def test_directions_that_arithmetic_confirms(posted):
    found = [e for trial in posted for outcome in trial.results.outcomes for e in estimates(trial, outcome)]
    valued = [e for e in found if e.value is not None]
    assert len(valued) >= 69
    assert all(e.measure for e in valued)
    assert sum(e.direction is not None for e in valued) >= 29
    # What treats comes first in each of them: all were posted as treatment against comparison.
    for estimate in valued:
        if estimate.direction and "Placebo" in " ".join(estimate.direction):
            assert "Placebo" in estimate.direction[1]


def test_each_registered_outcome_finds_itself_or_nothing(posted):
    for trial in posted:
        for planned in trial.outcomes:
            times = (planned.time_frame.text,) if planned.time_frame else ()
            found = match_outcome(AskedOutcome(title=planned.measure.text, time_points=times), trial)
            if found.decision == "clear":
                assert found.candidates[0].title.lower() == planned.measure.text.lower()


def test_an_entry_that_contradicts_itself(trials):
    found = different_numbers(trials["NCT00763412"], PaperReport(report_id="none"))
    assert {difference.message for difference in found} == {
        "The registry posts for Region of Enrollment, United States, Patients Who Received Placebo: 8 of 4 "
        "participants cannot be.",
        "The registry posts for Region of Enrollment, United States, Patients Who Received Repaglinide: 8 of 4 "
        "participants cannot be.",
    }


def test_trials_that_ended_without_a_report(trials):
    found = [d for trial in trials.values() for d in unpublished(trial, as_of="2026-10-01")]
    assert {d.rule for d in found} == {"completed-unpublished", "results-without-paper"}
    assert all(trials[d.registry.report_id.removeprefix("ctgov:")].status.text for d in found)
