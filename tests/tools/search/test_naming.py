"""Files of a protocol, named one by one or by a pattern."""

from tools.search.sources.naming import is_pattern, named


def test_a_pattern_means_all_files_that_fit_in_the_order_of_their_names(tmp_path):
    for name in ("n0010.xml", "n0002.xml", "other.ris"):
        (tmp_path / name).write_text("x")
    (tmp_path / "n0001.xml").mkdir()
    found = named(tmp_path, ["other.ris", "n*.xml"])
    assert [path.name for path in found] == ["other.ris", "n0002.xml", "n0010.xml"]
    assert named(tmp_path, [str(tmp_path / "n*.xml")]) == found[1:]


def test_a_folder_with_signs_of_a_pattern_in_its_name_is_taken_as_it_is(tmp_path):
    folder = tmp_path / "a[1]*"
    folder.mkdir()
    (folder / "x.ris").write_text("x")
    assert named(folder, ["*.ris"]) == [folder / "x.ris"]


def test_a_file_whose_name_has_a_star_is_itself(tmp_path):
    (tmp_path / "a*.ris").write_text("x")
    (tmp_path / "ab.ris").write_text("x")
    assert not is_pattern(tmp_path, "a*.ris")
    assert named(tmp_path, ["a*.ris"]) == [tmp_path / "a*.ris"]


def test_a_missing_file_is_named_all_the_same_so_that_its_reader_can_say_so(tmp_path):
    assert named(tmp_path, ["gone.ris"]) == [tmp_path / "gone.ris"]
    assert named(tmp_path, ["gone*.ris"]) == []
