"""Brings documents with embeddings from a file into Qdrant, and registers the collection."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline.model.collection import CollectionRecord, RegisterCollectionRequest
from clustering_pipeline.model.errors import CollectionNotFound, InvalidRequest, InvalidVectors
from clustering_pipeline.model.point_ids import point_id_of
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.validation import validate
from clustering_pipeline.orchestration.pipeline import Pipeline

ROWS = 1_000
READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".parquet": pl.read_parquet,
    ".jsonl": pl.read_ndjson,
    ".ndjson": pl.read_ndjson,
}
Progress = Callable[[int, int], None]


def silent(_done: int, _total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One file, and how its columns read."""

    file: Path
    collection_name: str
    vector_column: str = "embedding"
    id_column: str = "document_id"


def load(
    pipeline: Pipeline, scope: Scope, request: Load, progress: Progress = silent
) -> CollectionRecord:
    """Upserts every row as a point; loading the same file again changes nothing.

    The vector is named after its column; the other columns become the payload.  Raises
    InvalidRequest for a file or a column that cannot be read, InvalidVectors for vectors of
    different lengths.
    """
    frame = _read(request)
    vectors = _vectors(frame[request.vector_column], request)
    record = _registered(pipeline, scope, request)
    _ensure_collection(pipeline, record, {request.vector_column: vectors.shape[1]})
    payloads = frame.drop(request.vector_column)
    for start in range(0, frame.height, ROWS):
        part = payloads.slice(start, ROWS)
        pipeline.documents.upsert(
            record.qdrant_collection,
            ids=[point_id_of(one) for one in part[request.id_column].to_list()],
            vectors={request.vector_column: vectors[start : start + ROWS]},
            payloads=part.to_dicts(),
        )
        progress(start + part.height, frame.height)
    return record


def _read(request: Load) -> pl.DataFrame:
    reader = READERS.get(request.file.suffix.lower())
    if reader is None:
        message = f"{request.file} is not of a kind that can be loaded: {', '.join(READERS)}"
        raise InvalidRequest(message)
    try:
        frame = reader(request.file)
    except (OSError, pl.exceptions.PolarsError) as error:
        message = f"cannot read {request.file}: {' '.join(str(error).split())}"
        raise InvalidRequest(message) from error
    for column in (request.vector_column, request.id_column):
        if column not in frame.columns:
            message = f"{request.file} has no column {column!r}; it has: {', '.join(frame.columns)}"
            raise InvalidRequest(message)
    return frame


def _vectors(column: pl.Series, request: Load) -> NDArray[np.float32]:
    lengths = column.list.len() if column.dtype == pl.List else column.arr.len()
    if lengths.n_unique() != 1:
        found = ", ".join(map(str, lengths.unique().sort().to_list()))
        message = (
            f"column {request.vector_column!r} of {request.file} holds vectors of lengths {found}"
        )
        raise InvalidVectors(message)
    array = column.cast(pl.Array(pl.Float32, int(lengths[0])))
    return array.to_numpy().reshape(len(array), -1)


def _registered(pipeline: Pipeline, scope: Scope, request: Load) -> CollectionRecord:
    collections = pipeline.catalog.collections
    try:
        return collections.get(scope, request.collection_name)
    except CollectionNotFound:
        wanted = {"collection_name": request.collection_name}
        return collections.register(scope, validate(RegisterCollectionRequest, wanted))


def _ensure_collection(
    pipeline: Pipeline, record: CollectionRecord, vectors: dict[str, int]
) -> None:
    try:
        pipeline.documents.describe(record.qdrant_collection)
    except CollectionNotFound:
        pipeline.documents.create_collection(record.qdrant_collection, vectors)
