"""The settings of a build: the shipped files are right, and every mistake is told with its line and its remedy."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import finetune
from finetune.build.settings import BuildSettings, Limit, read_settings
from finetune.build.sources import READERS
from tools.errors import ConfigError

CONFIGS = Path(finetune.__file__).parent / "configs"
SHIPPED = sorted(CONFIGS.glob("build_*.yaml"))


def saved(folder, text):
    path = folder / "build.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def lines_of(folder, text):
    with pytest.raises(ConfigError) as caught:
        read_settings(saved(folder, text), folder)
    return caught.value.problems


def test_there_are_shipped_settings():
    assert {path.stem for path in SHIPPED} == {"build_invented", "build_public", "build_shared", "build_tiny"}


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_file_is_right_and_opens_with_its_command(path, tmp_path):
    text = path.read_text(encoding="utf-8")
    opening = text.partition("\nsources:")[0]
    reads = "sources: []" not in text
    assert f"python -m finetune.build finetune/configs/{path.name} --{'data' if reads else 'out'} " in opening
    # Everything but the data is there: an empty file or folder stands for each source.
    for line in text.splitlines():
        if "path: " in line and not line.startswith("#"):
            (tmp_path / line.split("path: ")[1].split(",")[0]).mkdir(parents=True)
    (tmp_path / "mesh").mkdir(exist_ok=True)
    settings = read_settings(path, tmp_path)
    assert {source.kind for source in settings.sources} <= READERS.keys()
    assert bool(settings.makers) == reads


@pytest.mark.shared
def test_the_paths_of_the_shared_build_are_there(shared_data):
    settings = read_settings(CONFIGS / "build_shared.yaml", shared_data)
    assert all(source.path.exists() for source in settings.sources_in(shared_data))
    assert settings.vocabulary_in(shared_data).is_dir()


MISTAKES = {
    "no yaml": ("a: [", [r"build\.yaml:1: this is not YAML"]),
    "no mapping": ("- a", [r"is no build\. Remedy"]),
    "empty": ("", ["is no build"]),
    "anchors": ("sources: &x []\nmakers: *x", ["anchors"]),
    "nothing to make": ("sources: []", [r"makers: nothing is to be made\. Remedy: name makers, or set invented"]),
    "a key that is none": (
        "invented: {count: 3}\nmaker: {}", [r"build\.yaml:2: maker: no such key.*did you mean makers\?"]),
    "a key that is none, inside": (
        "invented: {count: 3}\nsplit:\n  shares: 3", [r"build\.yaml:3: split\.shares: no such key.*validation"]),
    "a value out of range": (
        "invented: {count: 3}\nsplit:\n  test: 0.9", [r"build\.yaml:3: split\.test: should be less than 0\.5, is 0\.9"]),  # noqa: E501
    "a source without kind": (
        "invented: {count: 3}\nsources:\n  - {name: a, path: x}", [r":3: sources\[1\]\.kind: is missing.*add it \(How it is"]),  # noqa: E501
    "several at once": (
        "sources:\n"
        "  - {name: a, kind: pol, path: there}\n"
        "  - {name: a, kind: pool, path: gone}\n"
        "vocabulary: nowhere\n"
        "makers:\n"
        "  pcio: {}\n"
        "  search: {fewest: x, colour: 3}\n"
        "limits: {numbers: {total: 3}}\n"
        "split: {sources: {b: null}}\n",
        [
            r":2: sources\[1\]\.kind: 'pol' is not known.*did you mean pool",
            r":2: sources\[1\]\.name: 'a' is taken",
            r":3: sources\[2\]\.name: 'a' is taken",
            r":3: sources\[2\]\.path: .*gone is not there.*--data",
            r":4: vocabulary: .*nowhere is not there",
            r":6: makers\.pcio: no maker is called so.*did you mean pico",
            r":7: makers\.search: colour: no such option.*Remedy",
            r":8: limits\.numbers: this build has no such maker",
            r":9: split\.sources\.b: no such source",
        ]),
    "a maker without its vocabulary": (
        "sources:\n  - {name: a, kind: pool, path: there}\nmakers:\n  search: {}", [r":4: makers\.search: needs a vocabulary"]),  # noqa: E501
    "a maker without options that is given some": (
        "sources:\n  - {name: a, kind: pool, path: there}\nmakers:\n  pico: {loud: 1}", [r":4: makers\.pico: loud"]),
    "makers without sources": ("makers: {pico: {}}", ["names nothing to read"]),
    "the engine": ("invented: {count: 3}\nengine:\n  backend: baselin", [r":3: engine\.backend: should be 'baseline'"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "told"), MISTAKES.values(), ids=MISTAKES)
def test_every_mistake_has_a_line_and_a_remedy(tmp_path, text, told):
    import re

    (tmp_path / "there").mkdir()
    problems = lines_of(tmp_path, text)
    assert len(problems) == len(told), problems
    for line, pattern in zip(problems, told, strict=True):
        assert re.search(pattern, line), line
        assert "Remedy: " in line


def test_a_file_that_is_not_there_or_no_text(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_settings(tmp_path / "none.yaml", tmp_path)
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        read_settings(tmp_path / "bytes.yaml", tmp_path)


def test_folders_are_looked_for_with_the_data_and_names_stay_names(tmp_path):
    (tmp_path / "data" / "tok").mkdir(parents=True)
    path = saved(tmp_path, "invented: {count: 3}\ntokenizer: tok\nembedder: words\n")
    settings = read_settings(path, tmp_path / "data")
    assert settings.tokenizer == str((tmp_path / "data" / "tok").resolve())
    assert settings.embedder == "words"
    assert settings.prompts == "ours"
    assert settings.split.unknown_year == "drop"


@given(st.builds(BuildSettings, limits=st.dictionaries(st.text(max_size=5), st.builds(Limit), max_size=2)))
def test_settings_survive_json(settings):
    assert BuildSettings.model_validate_json(settings.model_dump_json()) == settings
