"""Vectors of texts that were embedded before, by model: parquet beside the artifacts.

Parts are only ever added, so any number of processes may share them.
"""

import hashlib
import uuid
from collections.abc import Sequence
from threading import Lock

import numpy as np
import polars as pl

from clustering_pipeline.embedding.embedder import Floats
from clustering_pipeline.model.collections import EmbedConfig
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline.stores.artifacts.matrices import vector_matrix

FOLDER = "embedded_texts"
PART = 4_096
"""Vectors of a part: what is lost at most when a process is killed."""
_KEY, _VECTOR = "text_sha256", "vector"


def key_of(text: str) -> str:
    """What a text is known by."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class VectorCache:
    """What one model made of texts in one namespace.

    What is added is kept when :data:`PART` vectors are there, and by :meth:`close`.
    """

    def __init__(self, artifacts: Artifacts, scope: Scope, config: EmbedConfig):
        model = hashlib.sha256(f"{config.provider}\0{config.model}".encode()).hexdigest()[:16]
        self._artifacts = artifacts
        self._prefix = f"{scope.organization_id}/{scope.namespace_id}/{FOLDER}/{model}"
        self._parts: dict[str, str] | None = None
        self._fresh: dict[str, Floats] = {}
        self._lock = Lock()

    def get(self, keys: Sequence[str]) -> dict[str, Floats]:
        """The vectors that there are, by key."""
        with self._lock:
            known = self._known()
            parts = {known[key] for key in keys if key in known}
            vectors = {key: self._fresh[key] for key in keys if key in self._fresh}
        asked = pl.Series(_KEY, list(keys), dtype=pl.String)
        for part in sorted(parts):
            rows = self._artifacts.scan(part).filter(pl.col(_KEY).is_in(asked.implode())).collect()
            if rows.height:
                vectors |= zip(rows[_KEY].to_list(), vector_matrix(rows[_VECTOR]), strict=True)
        return vectors

    def add(self, keys: Sequence[str], vectors: Floats) -> None:
        """Keeps vectors for the next time."""
        with self._lock:
            self._fresh |= zip(keys, vectors, strict=True)
            if len(self._fresh) >= PART:
                self._write()

    def close(self) -> None:
        """Writes what is not yet kept."""
        with self._lock:
            if self._fresh:
                self._write()

    def _known(self) -> dict[str, str]:
        """Key to the part that has it."""
        if self._parts is None:
            self._parts = {
                key: part
                for part in self._artifacts.list(self._prefix)
                for key in self._artifacts.read_frame(part, [_KEY])[_KEY].to_list()
            }
        return self._parts

    def _write(self) -> None:
        part = f"{self._prefix}/{uuid.uuid4().hex}.parquet"
        matrix = np.stack(list(self._fresh.values()))
        frame = pl.DataFrame(
            {
                _KEY: list(self._fresh),
                _VECTOR: pl.Series(matrix, dtype=pl.Array(pl.Float32, matrix.shape[1])),
            }
        )
        self._artifacts.write_frame(part, frame)
        if self._parts is not None:
            self._parts |= dict.fromkeys(self._fresh, part)
        self._fresh = {}
