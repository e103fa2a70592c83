"""MeSH in a file: found by any of its names, exploded along its trees, installed whole or not at all."""

import gzip
import io
import json
import threading
from pathlib import Path

import pytest

from tools.errors import InputFileError, StoreError
from tools.search import vocabulary as v
from tools.search.vocabulary import Vocabulary

# An invented corner of a thesaurus.
HEADINGS = [
    {"descriptor": "Diseases", "ui": "X01", "tree_numbers": ["C01"]},
    {
        "descriptor": "Lung Diseases",
        "ui": "X02",
        "tree_numbers": ["C01.100"],
        "entry_terms": ["Pulmonary Disease", "Disease, Pulmonary"],
    },
    {
        "descriptor": "Asthma",
        "ui": "X03",
        "tree_numbers": ["C01.100.200", "C02.100"],
        "entry_terms": ["Bronchial Asthma", "Wheezing Sickness"],
    },
    {
        "descriptor": "Asthma, Winter",
        "ui": "X04",
        "tree_numbers": ["C01.100.200.300"],
        "entry_terms": ["WIN"],
    },
    {"descriptor": "Lung Diseases, Other", "ui": "X05", "tree_numbers": ["C01.1001"]},
    {"descriptor": "Allergy", "ui": "X06", "tree_numbers": ["C02"], "entry_terms": ["ALL"]},
    {
        "descriptor": "Blue Powder",
        "ui": "X07",
        "entry_terms": ["Anti-Wheeze Agent", "α-Powder"],
        "pharmacological_actions": ["Bronchodilators", "Antiwheezers"],
    },
]


def as_lines(headings: list[dict[str, object]]) -> bytes:
    return "\n".join(json.dumps(heading) for heading in headings).encode()


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    folder = tmp_path_factory.mktemp("vocabulary")
    source = folder / "demo.jsonl"
    source.write_bytes(as_lines(HEADINGS))
    return v.install(folder / "cache" / "demo.sqlite", source)


@pytest.mark.parametrize(
    ("term", "name"),
    [
        ("Asthma", "Asthma"),
        ("ASTHMA", "Asthma"),
        ("bronchial asthma", "Asthma"),
        ("Asthma, Bronchial", "Asthma"),
        ("Winter asthma", "Asthma, Winter"),
        ("pulmonary diseases", "Lung Diseases"),
        ("lung disease", "Lung Diseases"),
        ("wheezing sicknesses", "Asthma"),
        ("antiwheeze agents", "Blue Powder"),
        ("anti wheeze agent", "Blue Powder"),
        ("alpha-powder", "Blue Powder"),
        ("Ásthma", "Asthma"),
    ],
)
def test_a_heading_is_found_by_any_of_its_names(vocabulary: Vocabulary, term: str, name: str) -> None:
    found = vocabulary.lookup(term)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("term", ["", "  ", "--", "asth", "lung", "sickness", "asthma bronchial winter"])
def test_what_names_no_heading_gives_none(vocabulary: Vocabulary, term: str) -> None:
    assert vocabulary.lookup(term) is None


def test_a_descriptor_is_found_by_its_own_name_only(vocabulary: Vocabulary) -> None:
    assert vocabulary.descriptor("asthma") == v.Descriptor("X03", "Asthma", ("C01.100.200", "C02.100"))
    assert vocabulary.descriptor("Bronchial Asthma") is None


def test_explosion_follows_every_tree_and_stops_at_the_dot(vocabulary: Vocabulary) -> None:
    """C01.1001 begins like C01.100, yet lies beside it."""
    assert vocabulary.explode("lung diseases") == ("Asthma", "Asthma, Winter", "Lung Diseases")
    assert vocabulary.explode("Allergy") == ("Allergy", "Asthma")
    assert vocabulary.explode("Blue Powder") == ("Blue Powder",)


def test_ancestors_are_those_of_every_tree(vocabulary: Vocabulary) -> None:
    assert vocabulary.ancestors("Asthma") == ("Allergy", "Diseases", "Lung Diseases")
    assert vocabulary.ancestors("Diseases") == ()


def test_entry_terms_and_actions_are_given_in_the_source_s_spelling(vocabulary: Vocabulary) -> None:
    assert vocabulary.entry_terms("Asthma") == ("Bronchial Asthma", "Wheezing Sickness")
    assert vocabulary.pharmacological_actions("Blue Powder") == ("Antiwheezers", "Bronchodilators")
    assert vocabulary.pharmacological_actions("Asthma") == ()


def test_what_lies_below_a_tree_number_is_named_once_in_tree_order(vocabulary: Vocabulary) -> None:
    assert vocabulary.below("C01") == ("Lung Diseases", "Asthma", "Asthma, Winter", "Lung Diseases, Other")
    assert vocabulary.below("C9") == ()


def test_a_last_word_finds_the_headings_that_end_in_it(vocabulary: Vocabulary) -> None:
    assert [found.name for found in vocabulary.ending_in("sickness")] == ["Asthma"]
    assert [found.name for found in vocabulary.ending_in("Powder")] == ["Blue Powder"]
    assert [found.name for found in vocabulary.ending_in("asthma")] == [
        "Asthma"
    ]  # bronchial, not `Asthma, Winter`
    assert vocabulary.ending_in("two words") == ()


def test_an_action_names_its_substances_also_those_that_are_no_headings(tmp_path: Path) -> None:
    """A folder of invented tables: one substance is a heading, the other only in the table of actions."""
    tables = {
        "mesh_thesaurus.tsv.gz": (
            "DescriptorUI\tDescriptorName\tTermName\tIsPermutedTermYN",
            "D1\tBlue Powder\tBlue Powder\tN",
            "D2\tAntiwheezers\tAntiwheezers\tN",
        ),
        "mesh_trees.tsv.gz": (
            "DescriptorUI\tDescriptorName\ttree_location",
            "D1\tBlue Powder\tD01.1",
            "D2\tAntiwheezers\tD27.1",
        ),
        "PharmacologicalActions.tsv.gz": (
            "DescriptorUI\tDescriptorName\tPharmActionUI\tPharmActionName",
            "D1\tBlue Powder\tD2\tAntiwheezers",
            "C1\twheezobloc\tD2\tAntiwheezers",
        ),
    }
    for name, lines in tables.items():
        (tmp_path / name).write_bytes(gzip.compress("\n".join((*lines, "")).encode()))
    with v.install(tmp_path / "cache.sqlite", tmp_path) as installed:
        assert installed.with_action("Antiwheezers") == ("Blue Powder", "wheezobloc")
        assert installed.with_action("Blue Powder") == ()
        assert installed.lookup("wheezobloc") is None
        assert installed.identity.endswith("-2")


def test_an_unknown_heading_is_an_error_that_names_the_right_one(vocabulary: Vocabulary) -> None:
    with pytest.raises(InputFileError, match="the heading is 'Asthma'"):
        vocabulary.explode("Wheezing Sickness")
    with pytest.raises(InputFileError, match="remedy"):
        vocabulary.entry_terms("Nonsense")


# Finding in running text --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Asthma in lung diseases.", ["Asthma", "Lung Diseases"]),
        ("In winter asthma, bronchial asthma grows worse", ["Asthma"]),
        ("ASTHMA, WINTER: a view", ["Asthma, Winter"]),
        ("A case of pulmonary disease", ["Lung Diseases"]),
        ("anti-wheeze agents and α-powder", ["Blue Powder"]),
        ("We all win at last", []),
        ("the WIN trial", ["Asthma, Winter"]),
        ("the ALL-in rule", []),
        ("asthmatic", []),
        ("", []),
    ],
)
def test_headings_are_found_in_text(vocabulary: Vocabulary, text: str, names: list[str]) -> None:
    """The longest term counts; acronyms need capitals, function words never count."""
    assert [found.name for found in vocabulary.find_in(text)] == names


def test_several_threads_may_read(vocabulary: Vocabulary) -> None:
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.extend(vocabulary.explode("Diseases") for _ in range(50)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [("Asthma", "Asthma, Winter", "Diseases", "Lung Diseases", "Lung Diseases, Other")] * 200


# Installing ---------------------------------------------------------------------------------------

XML = b"""<?xml version="1.0"?>
<!DOCTYPE DescriptorRecordSet SYSTEM "https://example.org/not-to-be-fetched.dtd" [<!ENTITY own "kept out">]>
<DescriptorRecordSet LanguageCode="eng">
 <DescriptorRecord DescriptorClass="1">
  <DescriptorUI>X03</DescriptorUI><DescriptorName><String>Asthma</String></DescriptorName>
  <TreeNumberList><TreeNumber>C01.100</TreeNumber></TreeNumberList>
  <ConceptList><Concept PreferredConceptYN="Y"><TermList>
   <Term IsPermutedTermYN="N"><TermUI>T1</TermUI><String>Asthma</String></Term>
   <Term IsPermutedTermYN="N"><TermUI>T2</TermUI><String>Bronchial &amp; Other Asthma</String></Term>
   <Term IsPermutedTermYN="Y"><TermUI>T2</TermUI><String>Asthma, Bronchial &amp; Other</String></Term>
  </TermList></Concept></ConceptList>
 </DescriptorRecord>
 <DescriptorRecord DescriptorClass="1">
  <DescriptorUI>X07</DescriptorUI><DescriptorName><String>Blue Powder</String></DescriptorName>
  <PharmacologicalActionList><PharmacologicalAction><DescriptorReferredTo><DescriptorUI>X08</DescriptorUI>
   <DescriptorName><String>Bronchodilators</String></DescriptorName>
  </DescriptorReferredTo></PharmacologicalAction></PharmacologicalActionList>
 </DescriptorRecord>
</DescriptorRecordSet>
"""


@pytest.mark.parametrize("packed", [False, True])
def test_descriptor_xml_is_read_from_a_file_or_a_stream(tmp_path: Path, packed: bool) -> None:
    data = gzip.compress(XML) if packed else XML
    source = tmp_path / "desc.xml"
    source.write_bytes(data)
    stream = io.BytesIO(data)
    with v.install(tmp_path / "a", source) as one, v.install(tmp_path / "b", stream) as two:
        assert one.identity == two.identity
        assert one.entry_terms("Asthma") == ("Bronchial & Other Asthma",)
        assert one.entry_terms("Asthma", permuted=True)[1:] == ("Asthma, Bronchial & Other",)
        assert one.pharmacological_actions("Blue Powder") == ("Bronchodilators",)
        descriptor = one.descriptor("Asthma")
        assert descriptor is not None
        assert descriptor.tree_numbers == ("C01.100",)
    assert not stream.closed


def test_the_identity_is_that_of_the_content(tmp_path: Path) -> None:
    """Order does not matter, a single term does."""
    changed = [*HEADINGS[:-1], {**HEADINGS[-1], "entry_terms": ["Anti-Wheeze Agent"]}]
    identities = [
        v.install(tmp_path / str(i), io.BytesIO(as_lines(headings))).identity
        for i, headings in enumerate([HEADINGS, HEADINGS[::-1], changed])
    ]
    assert identities[0] == identities[1] != identities[2]
    assert identities[0].endswith("-7")


BROKEN = {
    "xml cut off": XML[:-300],
    "gzip cut off": gzip.compress(XML)[:-200],
    "gzip damaged": gzip.compress(XML)[:60] + b"\x00" * 40 + gzip.compress(XML)[100:],
    "json cut off": as_lines(HEADINGS)[:-20],
    "unknown field": b'{"descriptor": "Asthma", "synonyms": []}',
    "no name": b'{"ui": "X01"}',
    "terms no list": b'{"descriptor": "Asthma", "entry_terms": "Wheeze"}',
    "the same twice": as_lines([HEADINGS[0], HEADINGS[0]]),
    "no heading": b"<DescriptorRecordSet/>",
    "a web page": b"<!DOCTYPE html><html><body>Not found<br></body></html>",
    "nothing": b"",
    "a picture": b"\x89PNG....",
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_a_broken_install_leaves_the_old_vocabulary_in_place(tmp_path: Path, data: bytes) -> None:
    target = tmp_path / "mesh.sqlite"
    before = v.install(target, io.BytesIO(as_lines(HEADINGS))).identity
    source = tmp_path / "broken"
    source.write_bytes(data)
    with pytest.raises(InputFileError, match="remedy"):
        v.install(target, source)
    assert Vocabulary(target).identity == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "mesh.sqlite"]


def test_a_missing_source_and_a_folder_without_tables_are_errors(tmp_path: Path) -> None:
    for source in (tmp_path / "nowhere.xml", tmp_path):
        with pytest.raises(InputFileError, match="remedy"):
            v.install(tmp_path / "mesh.sqlite", source)


def test_a_folder_that_cannot_be_written_is_an_error_of_the_disk(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="another folder"):
        v.install(tmp_path / "file" / "mesh.sqlite", io.BytesIO(as_lines(HEADINGS)))


def test_what_is_no_vocabulary_is_refused_on_opening(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello, this is no database at all")
    (tmp_path / "empty").touch()
    for name in ("text", "empty", "absent"):
        with pytest.raises(InputFileError, match="install the vocabulary again"):
            Vocabulary(tmp_path / name)


# Real MeSH ----------------------------------------------------------------------------------------


@pytest.mark.shared
def test_mesh_is_installed_from_its_tables(shared_data: Path, tmp_path: Path) -> None:
    with v.install(tmp_path / "mesh.sqlite", shared_data / "mesh") as mesh:
        assert mesh.identity.endswith("-30194")
        needle = mesh.lookup("needle biopsies")
        assert needle is not None
        assert needle.name == "Biopsy, Needle"
        assert "Kidney Failure, Chronic" in mesh.explode("Renal Insufficiency, Chronic")
        assert "Humans" in mesh.explode("Animals")
        assert "Kidney Diseases" in mesh.ancestors("Renal Insufficiency, Chronic")
        assert "Antipyretics" in mesh.pharmacological_actions("Aspirin")
        assert mesh.entry_terms("Biopsy") == ()
        assert mesh.entry_terms("Biopsy", permuted=True) == ("Biopsies",)
        text = "Heart attacks after non-steroidal anti-inflammatory drugs: we all know who was hit."
        found = [descriptor.name for descriptor in mesh.find_in(text)]
        assert found[0] == "Myocardial Infarction"
        assert "World Health Organization" not in found


@pytest.mark.shared
def test_the_first_heading_of_a_tree_explodes_though_the_table_has_no_row_for_it(
    shared_data: Path, tmp_path: Path
) -> None:
    with v.install(tmp_path / "mesh.sqlite", shared_data / "mesh") as mesh:
        assert "C04" in mesh.descriptor("Neoplasms").tree_numbers
        assert {"Neoplasms", "Breast Neoplasms", "Leukemia"} <= set(mesh.explode("Neoplasms"))


@pytest.mark.shared
def test_nlm_s_own_xml_agrees_with_the_tables(shared_data: Path, tmp_path: Path) -> None:
    """One heading of the sample, read by eye: Calcimycin, D000001."""
    with v.install(tmp_path / "mesh.sqlite", shared_data / "mesh" / "desc-samples.xml.gz") as mesh:
        assert mesh.lookup("A 23187") == mesh.descriptor("Calcimycin")
        assert mesh.pharmacological_actions("Calcimycin") == ("Anti-Bacterial Agents", "Calcium Ionophores")
