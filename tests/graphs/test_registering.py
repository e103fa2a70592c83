"""Entries of a register beside the papers: read, kept, compared, and used where no paper tells. All invented."""

import copy

import pytest

from agent.commands import open_gate, store_edit
from graphs.gates import cells_of
from graphs.registering import report_of
from tests.graphs import evident
from tests.graphs.evident import HEADER, SYRUP, cell
from tests.servers import serving
from tests.servers.ctgov import Ctgov
from tests.tools.registry import invented
from tools.errors import ConfigError

YAML = evident.YAML.replace("people: 1", "people: 1\n  registry: true")
NUMBER = "NCT09000001"
REPORT = report_of(NUMBER)


def entry(syrup=("6.0", "2.0"), water=("5.0", "2.0")):
    """An entry with the numbers of trial 1, or others."""
    study = copy.deepcopy(invented.study())
    protocol, results = study["protocolSection"], study["resultsSection"]
    protocol["armsInterventionsModule"]["armGroups"] = [
        {"label": "Snail Syrup", "type": "EXPERIMENTAL", "interventionNames": ["Drug: Snail Syrup"]},
        {"label": "Water", "type": "PLACEBO_COMPARATOR"},
    ]
    protocol["armsInterventionsModule"]["interventions"] = [{"type": "DRUG", "name": "Snail Syrup"}]
    protocol["outcomesModule"] = {"primaryOutcomes": [{"measure": "Nights Slept", "timeFrame": "12 weeks"}]}
    values = invented.pair({"value": water[0], "spread": water[1]}, {"value": syrup[0], "spread": syrup[1]})
    posted = invented.measure(
        "Nights Slept", values, paramType="MEAN", dispersionType="Standard Deviation", unitOfMeasure="nights"
    )
    posted["groups"] = [{"id": "OG000", "title": "Water"}, {"id": "OG001", "title": "Snail Syrup"}]
    posted["denoms"] = invented.counts("20", "20")
    results["outcomeMeasuresModule"] = {"outcomeMeasures": [posted]}
    return study


def review_over(folder, *, papers=("1",), yaml=YAML, number=NUMBER, bare=()):
    """Trials that name a registration; those in `bare` give no numbers themselves."""
    texts = {}
    for n in ("1", "2"):
        told = f" The trial was registered as {number}." if n in papers else ""
        texts[n] = evident.paper(n, told)
        if n in bare:
            texts[n] = texts[n].replace("Nights slept, mean (SD)", "Cups, mean (SD)")
    return evident.write(folder / "snail", yaml=yaml, papers=texts)


@pytest.fixture
def registry():
    """A register that knows one entry; its requests are counted."""
    with serving(Ctgov([entry()])) as served:
        yield served


def at(served):
    return {"addresses": {"ctgov": served.address}}


def posted(table, field_id, arm="Snail Syrup"):
    return cell(table, REPORT, field_id, arm)


def test_an_entry_is_read_into_cells_of_its_own_with_quotes_in_its_own_text(tmp_path, registry):
    home = review_over(tmp_path)
    with evident.opened(home) as review:
        evident.upto(review, "evidence", **at(registry))
        table = evident.shown(review)
        from agent.commands import texts_of

        text = texts_of(review, table)(REPORT)
    said = posted(table, "mean")
    assert (said.value, said.unit, said.reader, said.status) == ("6.0", "nights", "registry", "grounded")
    assert text[said.quote.start : said.quote.end] == said.quote.text == "6.0"
    assert posted(table, "total", "Water").value == "20"
    assert table.content["entries"] == {"shelf:1": [REPORT]}
    assert len(registry.log) == 1


def test_an_entry_is_asked_for_once_and_then_answered_from_the_log(tmp_path, registry):
    home = review_over(tmp_path)
    with evident.opened(home) as review:
        evident.upto(review, "evidence", **at(registry))
        home.checkpoints.unlink()
        evident.upto(review, "evidence", **at(registry))
        evident.upto(review, "synthesis", **at(registry))
    assert len(registry.log) == 1


def test_two_reports_of_one_registration_show_its_numbers_once(tmp_path, registry):
    home = review_over(tmp_path, papers=("1", "2"))
    with evident.opened(home) as review:
        evident.upto(review, "evidence", **at(registry))
        table = evident.shown(review)
        keys = [c.key for c in cells_of(table.content)]
    assert len(keys) == len(set(keys))
    assert table.content["entries"] == {"shelf:1": [REPORT], "shelf:2": [REPORT]}


def test_a_number_that_paper_and_entry_give_differently_is_shown(tmp_path):
    home = review_over(tmp_path)
    with serving(Ctgov([entry(syrup=("9.0", "2.0"))])) as served, evident.opened(home) as review:
        evident.upto(review, "evidence", **at(served))
        told = evident.shown(review).content["beside"]
        from agent.showing import gate_text

        text = gate_text(evident.shown(review), [])
    assert any(f["report_id"] == "shelf:1" and "9.0" in f["finding"]["message"] for f in told)
    assert "Papers beside their registrations:" in text
    assert "9.0" in text


def test_the_papers_numbers_count_where_both_give_them(tmp_path):
    home = review_over(tmp_path)
    with serving(Ctgov([entry(syrup=("9.0", "2.0"))])) as served, evident.opened(home) as review:
        evident.upto(review, "synthesis", **at(served))
        (made,) = evident.shown(review, "synthesis").content["analyses"]
    assert made["pooled"]["y"] == pytest.approx(evident.POOLED["1", "2"])


def test_the_entrys_numbers_count_where_no_paper_gives_any(tmp_path, registry):
    home = review_over(tmp_path, bare=("1",))
    with evident.opened(home) as review:
        evident.upto(review, "synthesis", **at(registry))
        (made,) = evident.shown(review, "synthesis").content["analyses"]
    assert made["pooled"]["k"] == 2
    assert made["pooled"]["y"] == pytest.approx(evident.POOLED["1", "2"])


def test_a_number_that_the_register_does_not_know_is_no_failure(tmp_path, registry):
    home = review_over(tmp_path, number="NCT09999999")
    with evident.opened(home) as review:
        assert evident.upto(review, "evidence", **at(registry)).step == "evidence"
        table = evident.shown(review)
        assert table.content["entries"] == {}
        assert all(c.status != "failed" for c in cells_of(table.content))
        assert evident.upto(review, "synthesis", **at(registry)).step == "synthesis"
    assert [seen.utility for seen in registry.log] == ["studies/NCT09999999"]


def test_a_former_number_leads_to_the_entry_that_took_its_place(tmp_path):
    home = review_over(tmp_path, number="NCT09000009")
    with serving(Ctgov([entry()], aliases={"NCT09000009": NUMBER})) as served, evident.opened(home) as review:
        evident.upto(review, "evidence", **at(served))
        assert posted(evident.shown(review), "mean").value == "6.0"


def test_without_a_wish_for_it_no_register_is_asked(tmp_path, registry):
    home = review_over(tmp_path, yaml=evident.YAML)
    with evident.opened(home) as review:
        evident.upto(review, "evidence", **at(registry))
        assert evident.shown(review).content["entries"] == {}
    assert registry.log == []


def test_an_entry_is_no_part_of_anybodys_form_and_is_not_entered(tmp_path, registry):
    home = review_over(tmp_path, yaml=YAML.replace("people: 1", "people: 2"))
    with evident.opened(home) as review:
        evident.upto(review, "evidence", **at(registry))
        assert {line["report_id"] for line in evident.form_of(review)} == {"shelf:1", "shelf:2"}
        line = {
            "report_id": REPORT,
            "outcome": "nights",
            "arm": "Snail Syrup",
            "field_id": "mean",
            "value": "1",
        }
        with pytest.raises(ConfigError, match="an entry of a register is read by rules"):
            evident.enter(review, [line], "Ada")


def test_a_corrected_number_of_an_entry_stays_corrected_when_the_table_is_made_anew(tmp_path, registry):
    from model.engine import EngineBusy

    home = review_over(tmp_path)
    say = evident.failing("shelf:2", lambda: EngineBusy("too slow today"))
    with evident.opened(home) as review:
        evident.upto(review, "evidence", say, **at(registry))
        line = f"{REPORT},nights,,Snail Syrup,mean,6.1,nights,,posted wrongly\n"
        store_edit(review, open_gate(review, "evidence"), HEADER + line, by="Ada", note="")
        evident.upto(review, "evidence", say, attempt=2, **at(registry))
        table = evident.shown(review)
        keys = [c.key for c in cells_of(table.content)]
        assert cell(table, "shelf:2", "mean", SYRUP).value == "7.0"
        assert posted(table, "mean").value == "6.1"
        assert len(keys) == len(set(keys))
