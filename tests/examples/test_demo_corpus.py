"""The invented corpus of examples/demo: it says so everywhere, and its files agree with each other."""

import csv
import json
import re
from pathlib import Path

import pytest

from agent import config
from tools.fulltext import jats
from tools.records import dedupe, linking
from tools.records.linking import registry_ids
from tools.schemas import Record
from tools.search.query import parse
from tools.search.sources.base import DateRange
from tools.search.sources.files import read_records
from tools.search.sources.local import LocalSource
from tools.search.vocabulary import install

DEMO = Path(__file__).parents[2] / "examples" / "demo"
KNOWN = json.loads((DEMO / "known_answers.json").read_text(encoding="utf-8"))
NXML = sorted((DEMO / "fulltexts").glob("*.nxml"))
NOTE = "invented; no such trial exists"


@pytest.fixture(scope="module")
def loaded() -> config.Loaded:
    return config.load(DEMO / "review.yaml")


@pytest.fixture(scope="module")
def records(loaded) -> dict[str, Record]:
    found: dict[str, Record] = {}
    for source in loaded.config.sources:
        for file in source.files:
            report = read_records(DEMO / file, source=source.name)
            assert report.problems == ()
            assert report.entries == len(report.records)
            found |= {r.record_id: r for r in report.records}
    return found


def full_text(record_id: str):
    path = DEMO / "fulltexts" / f"{record_id.partition(':')[2]}.nxml"
    return jats.parse(path.read_bytes(), report_id=record_id, source=path.name)


# It is invented, and cannot be taken for anything else --------------------------------------------


def test_every_file_says_that_it_is_invented():
    for path in [DEMO / "README.md", DEMO / "review.yaml", DEMO / "known_answers.json", *NXML]:
        text = " ".join(path.read_text(encoding="utf-8").split()).casefold()
        assert NOTE in text, path
    lines = (DEMO / "vocabulary.jsonl").read_text(encoding="utf-8").splitlines()
    assert all(json.loads(line)["ui"].startswith("INVENTED") for line in lines)


def test_every_record_says_that_it_is_invented(records):
    assert [i for i, r in records.items() if NOTE not in r.keywords] == []


def test_no_number_can_belong_to_a_real_paper_or_trial(records):
    """10.5555 is a prefix for tests; PMIDs and registrations lie far above those ever issued."""
    for record in records.values():
        assert record.doi is not None
        assert record.doi.startswith("10.5555/invented.")
        assert record.pmid is None or int(record.pmid) > 99_000_000
        for number in (*record.registry_ids, *registry_ids(record.abstract)):
            assert re.fullmatch(r"(NCT|ISRCTN)9999\d{4}", number)


# The protocol and the records ---------------------------------------------------------------------


def test_the_protocol_is_valid_and_nothing_about_it_is_to_be_warned_of(loaded):
    assert config.warnings(loaded.config) == ()
    assert loaded.config.engine.backend == "baseline"
    assert loaded.config.gates == ("query", "screen", "extract", "evidence", "synthesis")
    assert not loaded.config.fetch_pmc


def test_each_record_has_exactly_one_known_answer(records):
    groups = [KNOWN["included"], list(KNOWN["excluded"]), KNOWN["not_found"], list(KNOWN["duplicates"])]
    answered = [i for group in groups for i in group]
    assert sorted(answered) == sorted(records)
    assert 55 <= len(records) <= 65
    assert 8 <= len(KNOWN["included"]) <= 12


def test_every_criterion_is_the_reason_for_some_exclusion(loaded):
    assert set(KNOWN["excluded"].values()) == {c.id for c in loaded.config.criteria}
    late = {c.id for c in loaded.config.criteria if c.stage == "full_text"}
    with_text = {path.stem for path in NXML}
    for record_id, reason in KNOWN["excluded"].items():
        assert (reason in late) == (record_id.partition(":")[2] in with_text)


STRATEGY = """
("migraine disorders"[mh] OR migraine*[tiab] OR headache*[tiab])
AND (tarovexin[mh] OR tarovexin[tiab] OR "neurokalin receptor antagonists"[mh] OR neurokalin[tiab])
"""


def test_a_search_for_the_elements_finds_what_is_to_be_found_and_nothing_else(tmp_path, records):
    """The strategy is ours; any other that joins the two elements by AND should find the same."""
    with install(tmp_path / "vocabulary.sqlite", DEMO / "vocabulary.jsonl") as vocabulary:
        source = LocalSource("demo", list(records.values()), tmp_path / "index.sqlite", vocabulary)
        result = source.search(parse(STRATEGY), search_id="s1", dates=DateRange(), limit=100)
    assert {r.record_id for r in result.records} == set(records) - set(KNOWN["not_found"])


def test_the_prefilter_leaves_some_records_unscreened(loaded, records):
    found = len(records) - len(KNOWN["not_found"]) - len(KNOWN["duplicates"])
    prefilter = loaded.config.prefilter
    assert len(KNOWN["included"]) < prefilter.keep
    assert prefilter.keep + prefilter.audit < found


def test_the_duplicate_is_one_citation_under_two_spellings(records):
    ((copy_id, original_id),) = KNOWN["duplicates"].items()
    copy, original = records[copy_id], records[original_id]
    assert copy.doi == original.doi
    assert copy.title != original.title
    assert copy.title.casefold().rstrip(".") == original.title.casefold()
    groups = [g.member_ids for g in dedupe.group(list(records.values())) if len(g.member_ids) > 1]
    assert groups == [(original_id, copy_id)]


def test_what_is_retracted_or_has_no_abstract_is_listed(records):
    assert [i for i, r in records.items() if r.retracted] == KNOWN["retracted"]
    assert sorted(i for i, r in records.items() if not r.abstract) == sorted(KNOWN["without_abstract"])
    assert set(KNOWN["without_abstract"]) & set(KNOWN["included"])
    assert all(KNOWN["excluded"][i] == "retracted" for i in KNOWN["retracted"])


def test_two_reports_of_one_trial_share_its_number(records):
    assert sorted(i for ids in KNOWN["studies"].values() for i in ids) == sorted(KNOWN["included"])
    assert [len(ids) for ids in KNOWN["studies"].values()].count(2) == 1
    for number, ids in KNOWN["studies"].items():
        for record_id in ids:
            # Other databases do not pass registrations on: the record found only there has none.
            assert number in records[record_id].registry_ids or record_id.startswith("carebase:")
    groups = linking.studies([records[i] for i in KNOWN["included"]])
    joined = {g.study_id: list(g.report_ids) for g in groups if len(g.report_ids) > 1}
    assert joined == {number: ids for number, ids in KNOWN["studies"].items() if len(ids) > 1}


# Full texts and what stands in them ---------------------------------------------------------------


def test_full_texts_belong_to_records_and_some_are_missing(records):
    with_text = {f"medbase:{path.stem}" for path in NXML}
    assert 6 <= len(with_text) <= 8
    assert with_text <= set(records)
    assert set(KNOWN["included"]) - with_text == set(KNOWN["no_full_text"]) != set()
    assert set(KNOWN["extraction"]) == with_text


@pytest.mark.parametrize("record_id", KNOWN["extraction"])
class TestEveryFullText:
    def test_is_read_without_a_warning_and_carries_its_records_identity(self, record_id, records):
        text, record = full_text(record_id), records[record_id]
        assert text.warnings == ()
        assert (text.pmid, text.doi, text.title) == (record.pmid, record.doi, record.title)
        assert text.registry_ids == record.registry_ids
        assert record.abstract.rpartition(": ")[2] in text.canonical
        assert {p.kind for p in text.passages} >= {"title", "paragraph", "caption", "table"}

    def test_holds_every_known_value_in_its_quote(self, record_id, loaded):
        text, cells = full_text(record_id), KNOWN["extraction"][record_id]
        forms = {f.id: f for f in loaded.config.form}
        assert list(cells) == list(forms)
        for field_id, cell in cells.items():
            if cell.get("status") == "not_reported":
                assert field_id not in text.canonical.casefold()
                continue
            assert cell["quote"] in text.canonical, (record_id, field_id)
            if forms[field_id].kind == "category":
                assert cell["value"] in forms[field_id].options
            else:
                assert cell["value"].casefold() in cell["quote"].casefold()
            assert cell.get("unit") == forms[field_id].unit

    def test_adds_up_its_groups(self, record_id):
        """Groups in the head of table 1 give the sample; counts of women give the percentage."""
        cells = KNOWN["extraction"][record_id]
        table = next(p.text for p in full_text(record_id).passages if p.kind == "table")
        groups = [int(n) for n in re.findall(r"\(n=(\d+)\)", table)]
        women = [int(n) for n in re.findall(r"(\d+) \(\d+\)", table.partition("Female")[2])]
        assert sum(groups) == int(cells["sample_size"]["value"])
        assert len(women) == len(groups) >= 2
        assert round(100 * sum(women) / sum(groups)) == int(cells["female_percent"]["value"])

    def test_agrees_with_its_abstract_about_the_sample(self, record_id, records):
        abstract = records[record_id].abstract
        assert not abstract or KNOWN["extraction"][record_id]["sample_size"]["value"] in abstract


def test_exactly_one_value_is_not_reported():
    cells = [c for fields in KNOWN["extraction"].values() for c in fields.values()]
    assert [c for c in cells if "status" in c] == [{"status": "not_reported"}]


def test_only_the_excluded_full_text_tells_of_a_short_treatment():
    late = [i for i in KNOWN["extraction"] if i in KNOWN["excluded"]]
    assert len(late) == 1
    for record_id, cells in KNOWN["extraction"].items():
        assert bool(re.search(r"\b(12|16|24) weeks\b", cells["dose"]["value"])) == (record_id not in late)


# Vocabulary ---------------------------------------------------------------------------------------


def test_the_vocabulary_installs_and_knows_the_elements(tmp_path, loaded):
    with install(tmp_path / "vocabulary.sqlite", DEMO / loaded.config.search.vocabulary) as vocabulary:
        elements = loaded.config.question.elements
        for phrase in (*elements["population"], *elements["intervention"]):
            assert vocabulary.lookup(phrase), phrase
        assert "Migraine with Aura" in vocabulary.explode("Migraine Disorders")
        assert vocabulary.pharmacological_actions("Tarovexin") == ("Neurokalin Receptor Antagonists",)


def test_the_headings_of_the_protocols_elements_are_on_the_records(tmp_path, records):
    with install(tmp_path / "vocabulary.sqlite", DEMO / "vocabulary.jsonl") as vocabulary:
        names = {name for r in records.values() for name in r.mesh}
        known = {name for name in names if vocabulary.descriptor(name)}
        assert {"Migraine Disorders", "Tarovexin", "Placebos", "Humans", "Animals"} <= known


def test_the_readme_counts_right(records):
    text = (DEMO / "README.md").read_text(encoding="utf-8")
    assert f"{len(records)} records" in text


# What the demonstration's person decides -----------------------------------------------------------


@pytest.mark.parametrize("gate", ["screen", "extract"])
def test_the_demonstrations_person_decides_as_the_known_answers_say(gate):
    text = (DEMO / "decisions" / f"{gate}.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    assert rows
    assert {row["record_id"]: row["reason"] for row in rows}.items() <= KNOWN["excluded"].items()
    assert {row["decision"] for row in rows} == {"exclude"}
