"""An entry as one text with offsets; the trial is invented."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from tests.tools.registry.invented import study
from tools.registry.cells import cells
from tools.registry.reading import Leaf
from tools.registry.text import as_fulltext, write
from tools.registry.trial import read


def leaves(value: Any) -> Iterator[Leaf]:
    """Every leaf anywhere in a value."""
    if isinstance(value, Leaf):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from leaves(getattr(value, name))
    elif isinstance(value, tuple):
        for item in value:
            yield from leaves(item)


class TestTheText:
    def test_every_value_of_the_trial_stands_in_it(self):
        trial = read(study())
        page = write(trial)
        held = list(leaves(trial))
        assert len(held) > 150
        for leaf in held:
            quote = page.quote(leaf)
            assert quote.text == leaf.text == page.text.canonical[quote.start : quote.end]

    def test_passages_are_the_text(self):
        text = as_fulltext(read(study()))
        assert text.canonical == "\n".join(p.text for p in text.passages)
        for passage in text.passages:
            assert text.canonical[passage.start : passage.start + len(passage.text)] == passage.text

    def test_it_can_be_read(self):
        lines = as_fulltext(read(study()), report_id="ctgov:NCT09000001").canonical.splitlines()
        assert lines[0] == "A Trial of Zavidol (ZVD) >= 20 mg in Invented Cough"
        assert "Start: 2019-03 (ACTUAL)" in lines
        assert "STARTED | 41 | 51" in lines
        at = lines.index("Time to Relapse")
        assert lines[at : at + 8] == [
            "Time to Relapse",
            "Type: SECONDARY",
            "Time frame: Up to 1 year",
            "Reporting: POSTED",
            "Values: MEDIAN; spread: 95% Confidence Interval; unit: months",
            "Group | Placebo (FAS) | ZVD 20 mg (FAS)",
            "Analysed: Participants | 40 | 50",
            "MEDIAN | 7.5 [5.0 to 9.9] | NA [8.1 to NA] The median was not reached.",
        ]
        assert any(line.startswith("Hiccups (Invented disorders) | 4 of 41, events 9") for line in lines)

    def test_sections_name_the_outcome(self):
        trial = read(study())
        page = write(trial)
        value = trial.results.outcomes[1].classes[0].categories[0].measurements[0].value
        assert page.section(value) == "Outcome 2 (secondary)"

    def test_the_same_entry_gives_the_same_bytes(self):
        assert write(read(study())) == write(read(study()))

    def test_a_value_that_names_no_column_is_not_lost(self):
        entry = study()
        posted = entry["resultsSection"]["outcomeMeasuresModule"]["outcomeMeasures"][1]
        posted["classes"][0]["categories"][0]["measurements"][1]["groupId"] = "OG007"
        assert "COUNT_OF_PARTICIPANTS | 8 |  | OG007: 25" in as_fulltext(read(entry)).canonical


class TestCells:
    def test_values_are_quoted_and_named(self):
        trial = read(study())
        page = write(trial, report_id="r1")
        made = cells(trial, "r1")
        for value in made:
            assert value.value_text == page.text.canonical[value.start : value.end]
            assert value.report_id == "r1"
        events = [v for v in made if v.field == "outcome" and v.statistic == "events"]
        assert [(v.arm, v.registered_arm, v.value_text, v.time_point) for v in events] == [
            ("Placebo (FAS)", "Placebo", "8", "Week 12"),
            ("ZVD 20 mg (FAS)", "Zavidol 20 mg", "25", "Week 12"),
        ]
        hazard = [v for v in made if v.field == "estimate" and v.unit == "HR"]
        assert [(v.statistic, v.value_text) for v in hazard] == [
            ("estimate", "0.52"),
            ("estimate_lower", "0.31"),
            ("estimate_upper", "0.88"),
            ("p_value", "0.014"),
        ]
        assert all(v.note == "direction not said" for v in hazard)

    def test_participants_and_arms(self):
        made = cells(read(study()))
        assert [(v.arm, v.value_text) for v in made if v.field == "started"] == [
            ("Placebo", "41"),
            ("Zavidol 20 mg", "51"),
        ]
        assert [v.value_text for v in made if v.field == "enrolled"] == ["92"]
        assert [v.value_text for v in made if v.field == "arm" and v.outcome == "label"] == [
            "Zavidol 20 mg",
            "Placebo",
        ]
        # The total column of the baseline table is no arm.
        assert {v.arm for v in made if v.field == "baseline"} == {"Placebo", "Zavidol 20 mg"}

    def test_terms_of_adverse_events_only_when_asked_for(self):
        trial = read(study())
        few = [v for v in cells(trial) if v.field == "adverse_event"]
        many = [v for v in cells(trial, terms=True) if v.field == "adverse_event"]
        assert {v.outcome for v in many} - {v.outcome for v in few} == {"Hiccups (other adverse event)"}
        assert [v.value_text for v in many if v.outcome.startswith("Hiccups")] == ["4", "41", "2", "51"]
