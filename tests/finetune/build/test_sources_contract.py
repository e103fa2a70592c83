"""What every kind of source must do, the same test for each of them."""

import shutil
from collections import Counter
from pathlib import Path

import pytest
from pydantic import BaseModel

from finetune.build import shards
from finetune.build.sources import READERS, Source, Unread
from tests.finetune.build.source_examples import EXAMPLES
from tools.errors import InputFileError

RUBBISH = (b"", b"\x1f\x8b\x08 no gzip", b"\xff\xfe\x00", b"[]", b"{}", b"null", b"<a/>", b"a,b\n1,2\n")


def source_of(kind: str, folder: Path) -> Source:
    return Source(name="invented", kind=kind, path=EXAMPLES[kind].make(folder), licence="CC0")


def read_all(source: Source) -> list:
    """All items; a part that cannot be read is an unread item, as in `shards`."""
    found = []
    for part in READERS[source.kind].parts(source.path):
        try:
            found += list(READERS[source.kind].read(part.path, source))
        except InputFileError as e:
            found.append(Unread(part.path.name, f"damaged file: {e}"))
    return found


def test_every_kind_has_an_example():
    assert set(EXAMPLES) == set(READERS)


@pytest.mark.parametrize("kind", sorted(READERS))
class TestEveryKind:
    def test_gives_what_the_input_holds_and_lists_what_it_cannot_read(self, kind, tmp_path):
        items = read_all(source_of(kind, tmp_path))
        unread = Counter(i.why.partition(":")[0] for i in items if isinstance(i, Unread))
        kept = Counter(type(i).__name__ for i in items if not isinstance(i, Unread))
        if kind == "pubmed_xml":  # how many articles stand before the damage depends on zlib's buffer
            kept["Record"] = min(kept["Record"], EXAMPLES[kind].items["Record"])
        assert (dict(kept), dict(unread)) == (EXAMPLES[kind].items, EXAMPLES[kind].unread)

    def test_gives_the_same_twice_and_under_another_path(self, kind, tmp_path):
        (tmp_path / "a").mkdir()
        source = source_of(kind, tmp_path / "a")
        first = read_all(source)
        shutil.copytree(tmp_path / "a", tmp_path / "b")
        moved = source.model_copy(update={"path": tmp_path / "b" / source.path.relative_to(tmp_path / "a")})
        told = [
            (i.what, i.why.replace(str(tmp_path / "b"), str(tmp_path / "a"))) if isinstance(i, Unread) else i
            for i in read_all(moved)
        ]
        assert told == [tuple(i) if isinstance(i, Unread) else i for i in first]

    def test_gives_items_that_survive_being_written(self, kind, tmp_path):
        for item in read_all(source_of(kind, tmp_path)):
            if isinstance(item, BaseModel):
                assert type(item).model_validate_json(item.model_dump_json(exclude_defaults=True)) == item

    def test_names_its_source_and_its_licence(self, kind, tmp_path):
        for item in read_all(source_of(kind, tmp_path)):
            if hasattr(item, "source"):
                assert item.source == "invented"
            if hasattr(item, "licence"):
                assert item.licence in ("CC0", "CC BY-NC 4.0")
            ids = (getattr(item, name, "") for name in ("review_id", "annotation_id"))
            assert all(i.startswith("invented:") for i in ids if i)

    def test_refuses_a_folder_that_holds_nothing_of_the_kind(self, kind, tmp_path):
        (tmp_path / "README.md").write_text("nothing")
        with pytest.raises(InputFileError, match="Remedy"):
            READERS[kind].parts(tmp_path)

    def test_nothing_but_our_errors_comes_out_of_rubbish(self, kind, tmp_path):
        for number, content in enumerate(RUBBISH):
            folder = tmp_path / str(number)
            folder.mkdir()
            source = source_of(kind, folder)
            for path in (p for p in sorted(folder.rglob("*")) if p.is_file()):
                path.write_bytes(content)
            assert all(isinstance(i, Unread) for i in read_all(source)), content

    def test_is_kept_as_it_was_read(self, kind, tmp_path):
        (tmp_path / "in").mkdir()
        source = source_of(kind, tmp_path / "in")
        counts: Counter[str] = Counter()
        for unit in shards.units(source):
            counts.update(shards.make(unit, tmp_path / "out").counts)
        assert counts["unread"] == sum(EXAMPLES[kind].unread.values())
        tables = {
            "Review": "reviews",
            "Candidate": "candidates",
            "Trial": "trials",
            "Paper": "papers",
            "Annotation": "annotations",
        }
        for item, table in tables.items():
            assert counts[table] == EXAMPLES[kind].items.get(item, 0)
