"""Brings documents with embeddings from files into Qdrant, and registers the collection."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import groupby
from threading import Lock

import numpy as np

from clustering_pipeline.model.collections import (
    DOCUMENT_ID,
    CollectionRecord,
    EmbedConfig,
    RegisterCollectionRequest,
)
from clustering_pipeline.model.definitions.validation import validate
from clustering_pipeline.model.errors import ClusteringError, CollectionNotFound, InvalidVectors
from clustering_pipeline.model.ids import PointId, shard_text
from clustering_pipeline.model.progress import Progress
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.stages.embed_texts import (
    CollectionEmbedder,
    embed_collection,
    embedder_for,
)
from clustering_pipeline.service.collections.embed import require_same_model
from clustering_pipeline.service.collections.files.block import Source
from clustering_pipeline.service.collections.files.documents import Document, FileDocuments
from clustering_pipeline.service.collections.places import Places, displaced
from clustering_pipeline.service.collections.register import check_own
from clustering_pipeline.stores.documents.concurrency import in_order
from clustering_pipeline.stores.documents.types import Floats

_IN_FLIGHT = 3


def no_check() -> None:
    """Nobody stops a load but an interrupt."""


def silent(_done: int, _total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, kw_only=True)
class Load(Source):
    """What to load, and the collection it goes to."""

    collection_name: str
    shard_key: str | int | None = None
    """In a collection with shard keys of its own: the one to write under."""
    embed: EmbedConfig | None = None
    """How texts of its rows become vectors; the collection's own way when nothing is said."""
    re_embed: bool = False
    """Whether all documents of the collection get vectors of that model, whoever made theirs."""


def load(
    pipeline: Pipeline, scope: Scope, request: Load, progress: Progress = silent
) -> CollectionRecord:
    """Upserts every row as a point, after all of them were looked at.

    A document that is there already is replaced whole, with the fields that runs wrote onto it;
    its vectors that the file does not bring stay, and a vector that the collection lacks is added.
    A vector is named after its column, and a row may lack it; the other columns become the payload,
    as JSON has them.  Raises InvalidRequest for a file or a column that cannot be read,
    InvalidVectors for vectors of different lengths, and what the store raises with the number of
    rows that were written before.
    """
    with closing(FileDocuments(request)) as documents, ExitStack() as opened:
        if request.embed is None:
            return _loaded(pipeline, scope, request, documents, progress)
        known = known_collection(pipeline, scope, request.collection_name)
        require_same_model(known, request.embed, again=request.re_embed)
        embedder = opened.enter_context(closing(embedder_for(pipeline, scope, request.embed)))
        record = _loaded(pipeline, scope, request, documents, progress, embedder=embedder)
        if request.re_embed:
            embed_collection(pipeline, record, check=no_check, everything=True)
        return record


def _loaded(
    pipeline: Pipeline,
    scope: Scope,
    request: Load,
    documents: FileDocuments,
    progress: Progress,
    *,
    embedder: CollectionEmbedder | None = None,
) -> CollectionRecord:
    sizes = documents.sizes
    if embedder is not None:
        sizes = sizes | {embedder.config.vector: embedder.size()}
    record = _registered(pipeline, scope, request, sizes)
    if embedder is not None:
        changes = {"embed": embedder.config}
        record = pipeline.catalog.collections.update(scope, record.collection_id, **changes)
    loading = _Loading(pipeline, record, sizes, request.shard_key, embedder)
    try:
        with closing(in_order(loading.write, documents.parts(), in_flight=_IN_FLIGHT)) as written:
            for _ in written:
                progress(loading.done, documents.rows)
    except ClusteringError as error:
        message = (
            f"{error.message}; {loading.done} of {documents.rows} rows of {request.file} "
            "were written: load it again to complete"
        )
        raise type(error)(message, details=error.details) from error
    return record


class _Loading:
    """One collection that is being written; counts the rows that are."""

    def __init__(
        self,
        pipeline: Pipeline,
        record: CollectionRecord,
        sizes: Mapping[str, int],
        shard_key: str | int | None,
        embedder: CollectionEmbedder | None,
    ):
        self.done = 0
        self._embedder = embedder
        self._documents = pipeline.documents
        self._name = record.qdrant_collection
        info = self._documents.describe(self._name)
        self._others = tuple(sorted(info.vectors.keys() - sizes.keys()))
        part = shard_text(info.shard_key(shard_key))
        places = Places(part=part)
        self._places = displaced(self._documents, self._name, part=part) if info.points else places
        self._fresh = not info.points
        self._lock = Lock()

    def write(self, part: Sequence[Document]) -> None:
        """Upserts some rows."""
        placed = self._places.place([document.id for document in part])
        part = part if self._embedder is None else _embedded(part, self._embedder)
        vectors = self._with_others(part, placed.points)
        order = sorted(range(len(part)), key=lambda row: sorted(vectors[row]))
        for names, rows in groupby(order, key=lambda row: tuple(sorted(vectors[row]))):
            chosen = list(rows)
            self._documents.upsert(
                self._name,
                ids=[placed.points[row] for row in chosen],
                vectors={name: np.stack([vectors[row][name] for row in chosen]) for name in names},
                payloads=[part[row].payload for row in chosen],
            )
        if placed.copies:
            self._documents.delete_points(self._name, point_ids=placed.copies)
        with self._lock:
            self.done += len(part)

    def _with_others(
        self, part: Sequence[Document], points: Sequence[PointId]
    ) -> list[dict[str, Floats]]:
        """The vectors of the rows, and those that the file does not bring and the store has."""
        if self._fresh or not self._others:
            return [document.vectors for document in part]
        stored = {
            point.id: dict(point.vectors)
            for point in self._documents.retrieve(
                self._name, list(map(str, points)), payload_fields=(), vector_names=self._others
            )
        }
        return [
            stored.get(str(point), {}) | document.vectors
            for point, document in zip(points, part, strict=True)
        ]


def _embedded(part: Sequence[Document], embedder: CollectionEmbedder) -> list[Document]:
    """The same with vectors of their texts; a document without a text has none."""
    made = embedder.embed([embedder.text_of(document.payload) for document in part])
    name = embedder.config.vector
    return [
        document if empty else replace(document, vectors=document.vectors | {name: vector})
        for document, vector, empty in zip(part, made.vectors, made.empty, strict=True)
    ]


def known_collection(pipeline: Pipeline, scope: Scope, name: str) -> CollectionRecord | None:
    """The collection that a load would go to; None where it is made by it."""
    try:
        return pipeline.catalog.collections.get(scope, name)
    except CollectionNotFound:
        return None


def _registered(
    pipeline: Pipeline, scope: Scope, request: Load, sizes: Mapping[str, int]
) -> CollectionRecord:
    """The collection, made in Qdrant first: what Qdrant refuses is not registered."""
    collections = pipeline.catalog.collections
    try:
        record = collections.get(scope, request.collection_name)
    except CollectionNotFound:
        _ensure_vectors(pipeline, request.collection_name, sizes, request.shard_key)
        asked = {"collection_name": request.collection_name}
        return collections.register(scope, validate(RegisterCollectionRequest, asked))
    check_own(pipeline, record)
    _ensure_vectors(pipeline, record.qdrant_collection, sizes, request.shard_key)
    return record


def _ensure_vectors(
    pipeline: Pipeline, name: str, sizes: Mapping[str, int], shard_key: str | int | None
) -> None:
    """Raises InvalidVectors for a length that the collection does not take."""
    documents = pipeline.documents
    try:
        vectors = documents.describe(name).vectors
    except CollectionNotFound:
        if shard_key is not None:
            raise
        documents.create_collection(name, sizes)
        documents.index_keyword(name, DOCUMENT_ID)
        return
    for vector, size in sizes.items():
        if vector not in vectors:
            distance = next((shape.distance for shape in vectors.values()), "Cosine")
            documents.add_vector(name, vector, size, distance=distance)
        elif vectors[vector].size != size:
            message = (
                f"vectors {vector!r} have {size} numbers, and in collection {name!r} "
                f"{vectors[vector].size}: load them under another --name"
            )
            raise InvalidVectors(message)
