"""Paths between concepts: shortest, in a fixed order, through no hub; the vocabulary and lists of edges as graphs."""

import gzip
import json
import random
from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.search.concept_graph import Edge, graph_of
from tools.search.concepts import HAS_ACTION, IS_A, Concepts, mesh_graph, paths
from tools.search.vocabulary import Vocabulary, install

# An invented corner of a thesaurus.
HEADINGS = [
    {"descriptor": "Marsh Ailments", "ui": "X01", "tree_numbers": ["C51"]},
    {"descriptor": "Glimmer Fever", "ui": "X02", "tree_numbers": ["C51.100"], "entry_terms": ["Glimmers"]},
    {"descriptor": "Glimmer Fever, Late", "ui": "X03", "tree_numbers": ["C51.100.200"]},
    {"descriptor": "Reed Cough", "ui": "X04", "tree_numbers": ["C51.300"]},
    {"descriptor": "Signs of Marsh", "ui": "X05", "tree_numbers": ["C23"]},
    {"descriptor": "Shivers and Such", "ui": "X06", "tree_numbers": ["C23.100"]},
    {"descriptor": "Shiver", "ui": "X07", "tree_numbers": ["C23.100.100"]},
    {"descriptor": "Shudder", "ui": "X08", "tree_numbers": ["C23.100.200"]},
    {"descriptor": "Glimmer Blockers", "ui": "X09", "tree_numbers": ["D27.505.954.100"]},
    {"descriptor": "Slow Glimmer Blockers", "ui": "X10", "tree_numbers": ["D27.505.954.100.50"]},
    {
        "descriptor": "Veluprine",
        "ui": "X11",
        "tree_numbers": ["D02.100"],
        "entry_terms": ["Veluprinate"],
        "pharmacological_actions": ["Slow Glimmer Blockers"],
    },
]


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Vocabulary:
    folder = tmp_path_factory.mktemp("concepts")
    source = folder / "headings.jsonl"
    source.write_text("\n".join(map(json.dumps, HEADINGS)))
    return install(folder / "headings.sqlite", source)


def told(found: object) -> list[str]:
    return [str(path) for path in found]  # type: ignore[attr-defined]


def test_a_drug_is_led_to_what_its_class_is(vocabulary: Vocabulary) -> None:
    (path,) = paths(mesh_graph(vocabulary), ["veluprine"], ["GLIMMER BLOCKERS"])
    assert str(path) == "Veluprine → Slow Glimmer Blockers → Glimmer Blockers"
    assert [(step.kind, step.forward) for step in path.steps] == [(HAS_ACTION, True), (IS_A, True)]
    assert path.upward
    assert (path.source, path.target) == ("Veluprine", "Glimmer Blockers")


def test_a_path_down_is_told_along_its_edges_and_leads_up_to_nothing(vocabulary: Vocabulary) -> None:
    (path,) = paths(mesh_graph(vocabulary), ["Glimmer Blockers"], ["Veluprine"])
    assert [step.told for step in path.steps] == [
        "Slow Glimmer Blockers is a Glimmer Blockers",
        "Veluprine has action Slow Glimmer Blockers",
    ]
    assert not path.upward


def test_no_path_leads_through_the_top_of_a_tree_or_a_heading_that_only_sorts(vocabulary: Vocabulary) -> None:
    graph = mesh_graph(vocabulary)
    assert paths(graph, ["Glimmer Fever"], ["Reed Cough"]) == ()
    assert paths(graph, ["Shiver"], ["Shudder"]) == ()
    # but it may end there
    assert told(paths(graph, ["Reed Cough"], ["Marsh Ailments"])) == ["Reed Cough → Marsh Ailments"]
    assert told(paths(graph, ["Marsh Ailments"], ["Reed Cough"])) == ["Marsh Ailments → Reed Cough"]


def test_a_concept_that_is_source_and_target_is_a_path_without_steps(vocabulary: Vocabulary) -> None:
    (path,) = paths(mesh_graph(vocabulary), ["Reed Cough"], ["reed cough"])
    assert (path.steps, str(path), path.upward) == ((), "Reed Cough", True)


def test_what_the_graph_does_not_have_is_passed_over(vocabulary: Vocabulary) -> None:
    assert paths(mesh_graph(vocabulary), ["Unheard of"], ["Reed Cough"]) == ()
    assert paths(graph_of([]), ["a"], ["b"]) == ()


def star(spokes: int) -> list[Edge]:
    return [Edge(f"spoke {number:02}", "touches", "middle") for number in range(spokes)]


def test_a_concept_with_too_many_neighbours_is_a_hub() -> None:
    assert paths(graph_of(star(5), most_neighbours=5), ["spoke 00"], ["spoke 01"])
    graph = graph_of(star(6), most_neighbours=5)
    assert paths(graph, ["spoke 00"], ["spoke 01"]) == ()
    assert told(paths(graph, ["spoke 00"], ["middle"])) == ["spoke 00 → middle"]


def test_several_edges_between_two_concepts_are_one_neighbour() -> None:
    doubled = [Edge("a", f"kind {n}", "b") for n in range(9)]
    graph = graph_of([*doubled, Edge("b", "joins", "c")], most_neighbours=2)
    (path,) = paths(graph, ["a"], ["c"])
    assert [step.kind for step in path.steps] == ["kind 0", "joins"]


def test_an_edge_along_the_way_goes_before_one_against_it() -> None:
    graph = graph_of([Edge("b", "a first kind", "a"), Edge("a", "last kind", "b")])
    (path,) = paths(graph, ["a"], ["b"])
    assert (path.steps[0].kind, path.steps[0].forward) == ("last kind", True)


def test_ties_come_in_the_order_of_names_and_no_more_than_asked_for() -> None:
    edges = [edge for name in "cbda" for edge in (Edge("from", "k", name), Edge(name, "k", "to"))]
    for seed in range(3):
        random.Random(seed).shuffle(edges)
        found = paths(graph_of(edges), ["from"], ["to"], most=3)
        assert told(found) == ["from → a → to", "from → b → to", "from → c → to"]


def test_what_is_further_apart_than_allowed_has_no_path() -> None:
    chain = [Edge(str(n), "k", str(n + 1)) for n in range(5)]
    assert paths(graph_of(chain), ["0"], ["4"], longest=3) == ()
    assert told(paths(graph_of(chain), ["0"], ["4"], longest=4)) == ["0 → 1 → 2 → 3 → 4"]


def test_shorter_paths_come_first_over_all_pairs() -> None:
    edges = [Edge("x", "k", "z"), Edge("a", "k", "b"), Edge("b", "k", "z")]
    assert told(paths(graph_of(edges), ["a", "x"], ["z"])) == ["x → z", "a → b → z"]


pairs = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25)


@settings(deadline=None)
@given(pairs, st.integers(1, 5), st.sets(st.integers(2, 9), max_size=3))
def test_paths_are_those_of_an_exhaustive_search(
    joined: list[tuple[int, int]], longest: int, hubs: set[int]
) -> None:
    graph = graph_of((Edge(str(a), "k", str(b)) for a, b in joined), hubs=map(str, hubs))
    plain = nx.Graph([(a, b) for a, b in joined if a != b])
    plain.remove_nodes_from(hubs)
    expected = []
    if 0 in plain and 1 in plain and nx.has_path(plain, 0, 1):
        expected = sorted(w for w in nx.all_shortest_paths(plain, 0, 1) if len(w) <= longest + 1)
    found = paths(graph, ["0"], ["1"], longest, most=10_000)
    assert [list(map(int, path.names)) for path in found] == expected


# Texts -------------------------------------------------------------------------------------------


def test_the_concepts_of_a_text_and_of_its_indexing_meet_those_of_a_criterion(vocabulary: Vocabulary) -> None:
    concepts = Concepts(vocabulary)
    record = "Veluprinate in forty adults with a fever"
    assert told(concepts.between(record, "Any glimmer blockers")) == [
        "Veluprine → Slow Glimmer Blockers → Glimmer Blockers"
    ]
    assert concepts.between("Nothing of the kind", "Glimmers") == ()
    assert told(concepts.between("", "Glimmers", mesh=["Glimmer Fever, Late"])) == [
        "Glimmer Fever, Late → Glimmer Fever"
    ]


def test_names_that_are_no_heading_are_found_in_a_text_too(vocabulary: Vocabulary) -> None:
    graph = graph_of(
        [Edge("oxamarin hydrate", "treats", "Glimmers"), Edge("PX2", "interacts with", "oxamarin hydrate")]
    )
    concepts = Concepts(vocabulary, graph)
    # The heading is `Glimmer Fever`; the graph has it under another of its names. `PX2` is too short to tell.
    assert concepts.named_in("Oxamarin Hydrate or PX2 for glimmer fever") == ("Glimmers", "oxamarin hydrate")
    assert told(concepts.between("oxamarin hydrate", "glimmer fever")) == ["oxamarin hydrate → Glimmers"]


def test_the_real_vocabulary_leads_from_a_substance_to_what_it_is_used_for(
    shared_data: Path, tmp_path: Path
) -> None:
    """The trees of the circulation, the nerves and of actions: all trees would take half a minute to install."""
    folder = tmp_path / "mesh"
    folder.mkdir()
    trees, names, actions = (
        gzip.decompress((shared_data / "mesh" / f"{name}.tsv.gz").read_bytes()).decode().splitlines(True)
        for name in ("mesh_trees", "mesh_thesaurus", "PharmacologicalActions")
    )
    trees = [row for row in trees if row.split("\t")[2].startswith(("tree", "C10", "C14", "D27"))]
    kept = {row.split("\t")[0] for row in trees}
    tops = {row.split("\t")[5] for row in trees}  # which have no row of their own
    names = [row for row in names if row.split("\t")[0] in kept or row.split("\t")[1] in tops]
    actions = [row for row in actions if row.split("\t")[2] in {"PharmActionUI", *kept}]
    for name, rows in (("mesh_trees", trees), ("mesh_thesaurus", names), ("PharmacologicalActions", actions)):
        (folder / f"{name}.tsv.gz").write_bytes(gzip.compress("".join(rows).encode()))
    concepts = Concepts(install(tmp_path / "mesh.sqlite", folder))
    assert len(concepts.graph.names) > 5_000
    (path,) = concepts.between("Empagliflozin once daily", "Hypoglycemic agents")
    assert str(path) == "empagliflozin → Sodium-Glucose Transporter 2 Inhibitors → Hypoglycemic Agents"
    assert told(concepts.between("heart failure", "cardiovascular diseases")) == [
        "Heart Failure → Heart Diseases → Cardiovascular Diseases"
    ]
    assert concepts.between("heart failure", "stroke") == ()
