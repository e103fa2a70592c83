"""Embeddings: the contract every embedder keeps, the cache in front of it, and exact search behind it."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest

import model.embedding as embedding
from model.embedding import CachedEmbedder, load, nearest
from tools.errors import ConfigError, StoreError

TEXTS = ["kidney biopsy", "renal biopsy", "banana bread"]


class Counting:
    """A 64-dimensional embedder by hashing of letters, that counts what it is asked."""

    name = "letters/fp32"

    def __init__(self):
        self.asked = []

    def encode(self, texts):
        self.asked += texts
        rows = np.array([[text.count(chr(32 + i)) + 0.01 for i in range(64)] for text in texts], np.float32)
        rows = rows.reshape(len(texts), 64)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def minilm():
    return load()


def test_minilm_knows_that_renal_is_kidney(minilm):
    vectors = minilm.encode(TEXTS)
    cosines = vectors @ vectors.T
    assert (vectors.shape, vectors.dtype) == ((3, 384), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert cosines[0, 1] > 0.8 > 0.3 > cosines[0, 2]


def test_nothing_to_encode_gives_no_rows_of_the_right_width(minilm):
    assert minilm.encode([]).shape == (0, 384)


def test_the_name_says_model_and_precision_before_anything_is_loaded():
    assert load().name in ("all-minilm-l6-v2/bf16", "all-minilm-l6-v2/fp32")


@pytest.mark.parametrize(
    ("flags", "known"),
    [
        ("flags : sse avx512_bf16", True),
        ("flags : amx_bf16 sse", True),
        ("flags : sse avx512_vnni", False),
        ("", False),
    ],
)
def test_half_precision_only_where_the_cpu_computes_it(tmp_path, flags, known):
    (tmp_path / "cpuinfo").write_text(f"model : x\n{flags}\n")
    assert embedding._cpu_knows_bf16(tmp_path / "cpuinfo") is known
    assert not embedding._cpu_knows_bf16(tmp_path / "absent")


def test_a_missing_extra_is_told_with_its_remedy(monkeypatch):
    monkeypatch.setattr(embedding, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'leads-agent\[local\]'"):
        load()


def test_a_folder_that_is_no_model_is_told_when_it_is_needed(tmp_path):
    with pytest.raises(ConfigError, match="empty"):
        load(str(tmp_path))
    (tmp_path / "readme.txt").write_text("nothing here")
    with pytest.raises(ConfigError, match="cannot be loaded"):
        load(str(tmp_path)).encode(["a"])


def test_a_folders_name_follows_its_content_and_not_its_place(tmp_path):
    for place, content in (("one/m", "a"), ("two/m", "a"), ("three/m", "b")):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "config.json").write_text(content)
    names = [load(str(tmp_path / place / "m")).name for place in ("one", "two", "three")]
    assert names[0] == names[1] != names[2]


def test_a_cached_list_is_not_asked_for_again_and_gives_the_same_numbers(tmp_path):
    inner = Counting()
    cached = CachedEmbedder(inner, tmp_path / "deep" / "vectors.sqlite")
    fresh = cached.encode([*TEXTS, TEXTS[0]])
    again = CachedEmbedder(inner, tmp_path / "deep" / "vectors.sqlite").encode([*TEXTS, TEXTS[0]])
    assert inner.asked == [*TEXTS, TEXTS[0]]
    assert np.array_equal(fresh, again)
    assert np.array_equal(fresh[0], fresh[3])
    np.testing.assert_allclose(np.linalg.norm(fresh, axis=1), 1, atol=1e-6)
    assert cached.name == inner.name


def test_what_was_asked_before_changes_no_byte_of_an_answer(tmp_path, minilm):
    """The real model, whose last digits do depend on what else is in the batch."""
    lists = [TEXTS, TEXTS[1:], [TEXTS[2], "a much longer text about banana bread and its many friends"]]
    one, other = (CachedEmbedder(minilm, tmp_path / f"{name}.sqlite") for name in "ab")
    forwards = [one.encode(texts) for texts in lists]
    backwards = [other.encode(texts) for texts in reversed(lists)]
    for first, second in zip(forwards, reversed(backwards), strict=True):
        assert np.array_equal(first, second)


def test_many_texts_and_none(tmp_path):
    many = [f"text {i}" for i in range(1203)]
    cached = CachedEmbedder(Counting(), tmp_path / "v.sqlite")
    assert np.array_equal(cached.encode(many), cached.encode(many))
    assert cached.encode([]).shape == (0, 64)


def test_another_model_has_vectors_of_its_own(tmp_path):
    first, second = Counting(), Counting()
    second.name = "letters/bf16"
    for inner in (first, second):
        CachedEmbedder(inner, tmp_path / "v.sqlite").encode(TEXTS)
    assert first.asked == second.asked == TEXTS


def test_a_broken_cache_is_an_error_with_a_remedy_and_never_an_empty_answer(tmp_path):
    (tmp_path / "v.sqlite").write_bytes(b"this is no database, and long enough to be read as one" * 40)
    with pytest.raises(StoreError, match="delete the file"):
        CachedEmbedder(Counting(), tmp_path / "v.sqlite").encode(TEXTS)


def test_what_the_model_refuses_is_not_cached(tmp_path):
    class Refusing(Counting):
        def encode(self, texts):
            raise ConfigError("no weights. Remedy: none.")

    with pytest.raises(ConfigError):
        CachedEmbedder(Refusing(), tmp_path / "v.sqlite").encode(TEXTS)
    with closing(sqlite3.connect(tmp_path / "v.sqlite")) as db:
        assert db.execute("SELECT count(*) FROM vector").fetchone() == (0,)


def test_the_nearest_are_those_of_the_full_product():
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(60, 16)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    cosines, found = nearest(rows[:5], rows, 4)
    product = rows[:5] @ rows.T
    assert np.array_equal(found, np.argsort(-product, axis=1)[:, :4])
    np.testing.assert_allclose(cosines, np.sort(product, axis=1)[:, ::-1][:, :4], atol=1e-6)
    assert list(found[:, 0]) == [0, 1, 2, 3, 4]


def test_asking_for_more_neighbours_than_there_are_gives_those_there_are():
    rows = np.eye(3, dtype=np.float32)
    assert nearest(rows, rows, 10)[1].shape == (3, 3)
    assert nearest(rows[:0], rows, 2)[1].shape == (0, 2)
    assert nearest(rows, rows[:0], 2)[1].shape == (3, 0)
