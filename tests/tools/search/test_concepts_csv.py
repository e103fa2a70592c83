"""Lists of edges as graphs: the columns of PrimeKG or others, and what is wrong with a file said with its remedy."""

import gzip
from pathlib import Path

import pytest

from tools.errors import InputFileError
from tools.search.concepts import paths
from tools.search.concepts_csv import Columns, read_graph

# Invented; the columns are PrimeKG's.
PRIME = """relation,display_relation,x_index,x_id,x_type,x_name,x_source,y_index,y_id,y_type,y_name,y_source
indication,indication,0,D1,drug,Veluprine,A,1,M1,disease,"fever, glimmer",B
indication,indication,1,M1,disease,"fever, glimmer",B,0,D1,drug,Veluprine,A
disease_disease,parent-child,1,M1,disease,"fever, glimmer",B,2,M2,disease,marsh ailment,B
"""


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("zipped", [False, True])
def test_the_columns_of_primekg_are_read_without_being_told(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / ("kg.csv.gz" if zipped else "kg.csv")
    path.write_bytes(gzip.compress(PRIME.encode()) if zipped else PRIME.encode())
    (found,) = paths(read_graph(path), ["veluprine"], ["marsh ailment"])
    assert str(found) == "Veluprine → fever, glimmer → marsh ailment"
    assert [step.kind for step in found.steps] == ["indication", "parent-child"]


def test_other_columns_and_another_delimiter_can_be_named(tmp_path: Path) -> None:
    path = written(tmp_path / "edges.tsv", "who\thow\twhom\nreed\tgrows in\tmarsh\n\n")
    graph = read_graph(path, Columns(source="who", kind="how", target="whom"), delimiter="\t")
    assert [str(found) for found in paths(graph, ["marsh"], ["reed"])] == ["marsh → reed"]


def test_concepts_with_many_neighbours_are_hubs(tmp_path: Path) -> None:
    rows = "".join(f"k,leaf {n},stem\n" for n in range(4))
    path = written(tmp_path / "edges.csv", "display_relation,x_name,y_name\n" + rows)
    assert paths(read_graph(path), ["leaf 0"], ["leaf 1"])
    assert not paths(read_graph(path, most_neighbours=3), ["leaf 0"], ["leaf 1"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2\n", "has no column x_name, display_relation, y_name; it has a, b"),
        (b"", "it has no header"),
        (b"x_name,display_relation,y_name\n", "holds no edge"),
        (b"x_name,display_relation,y_name\na,k,b\na,k\n", "line 3: an edge without source, kind or target"),
        (b"x_name,display_relation,y_name\n ,k,b\n", "line 2: an edge without"),
        (b"x_name,display_relation,y_name\n\xff\xfe,k,b\n", "cannot be read as a list of edges"),
    ],
)
def test_a_file_that_is_no_list_of_edges_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "edges.csv"
    path.write_bytes(content)
    with pytest.raises(InputFileError, match="Remedy") as refused:
        read_graph(path)
    assert said in str(refused.value)


def test_a_file_that_is_missing_or_cut_off_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="Remedy"):
        read_graph(tmp_path / "none.csv")
    path = tmp_path / "kg.csv.gz"
    path.write_bytes(gzip.compress(PRIME.encode() * 50)[:-20])
    with pytest.raises(InputFileError, match="cannot be read as a list of edges"):
        read_graph(path)
