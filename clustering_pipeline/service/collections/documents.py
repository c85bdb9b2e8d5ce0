"""Documents of a collection, brought in, read back and deleted."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import chain, groupby

import numpy as np

from clustering_pipeline.model.collections import (
    DOCUMENT_ID,
    CollectionRecord,
    DeleteDocumentsRequest,
    DocumentInput,
    DocumentView,
    ListDocumentsRequest,
    ListDocumentsResponse,
    PutDocumentsRequest,
)
from clustering_pipeline.model.errors import DocumentNotFound, DocumentsRefused, InvalidRequest
from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline.model.ids import PointId, is_point_id, point_id_of, shard_text, unsharded
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.stages.embed_texts import embedder_for
from clustering_pipeline.service.collections.places import called, search
from clustering_pipeline.service.collections.register import check_own
from clustering_pipeline.stores.documents.types import CollectionInfo, Point

_NAMED = 10


def put_documents(
    pipeline: Pipeline, collection: CollectionRecord, request: PutDocumentsRequest
) -> int:
    """Stores documents whole, all of them or, when one does not fit the collection, none.

    Raises DocumentsRefused, and StateConflict for a collection that a definition writes.
    """
    check_own(pipeline, collection)
    info = pipeline.documents.describe(collection.qdrant_collection)
    request = _with_vectors(pipeline, collection, request)
    for document in request.documents:
        _check_id(document)
        _check_vectors(document, info)
    name = collection.qdrant_collection
    ids = [document.document_id for document in request.documents]
    placed = search(pipeline.documents, name, ids, part=_part(info, request)).place(ids)
    if placed.replaced:
        # Qdrant keeps no trace of them.
        pipeline.catalog.triggers.updated_documents(
            collection.scope, collection.collection_id, placed.replaced
        )
    pairs = zip(request.documents, placed.points, strict=True)
    ordered = sorted(pairs, key=lambda pair: _vector_names(pair[0]))
    for names, part in groupby(ordered, key=lambda pair: _vector_names(pair[0])):
        _upsert(pipeline, collection, names, list(part))
    if placed.copies:
        pipeline.documents.delete_points(name, point_ids=placed.copies)
    return len(ordered)


def list_documents(
    pipeline: Pipeline, collection: CollectionRecord, request: ListDocumentsRequest
) -> ListDocumentsResponse:
    """One page by point id; raises InvalidRequest for a cursor that is none."""
    tree = parse_filter(request.filters)
    name = collection.qdrant_collection
    pages = pipeline.documents.scroll(
        name,
        tree,
        limit=request.limit + 1,
        payload_fields=None if request.select is None else (DOCUMENT_ID, *request.select),
        vector_names=_all_vectors(pipeline, collection) if request.return_vectors else (),
        start=_checked_cursor(request.cursor),
    )
    points = list(chain.from_iterable(pages))
    shown = points[: request.limit]
    return ListDocumentsResponse(
        results=[_view(point, request.select) for point in shown],
        next_cursor=points[request.limit].id if len(points) > len(shown) else None,
        total_count=pipeline.documents.count(name, tree) if request.include_total else None,
    )


def get_document(
    pipeline: Pipeline, collection: CollectionRecord, document_id: str, *, vectors: bool = False
) -> DocumentView:
    """One document, by the id in its payload or else its point id.

    Raises DocumentNotFound, and DocumentsRefused where several points go by the id.
    """
    documents, name = pipeline.documents, collection.qdrant_collection
    info = documents.describe(name)
    names = tuple(info.vectors) if vectors else ()
    points = documents.retrieve(name, [str(point_id_of(document_id))], vector_names=names)
    alone = [point.document_id for point in points] == [document_id]
    # A look at every point is spared where the one that the id names is there.
    if not alone or DOCUMENT_ID in info.indexes:
        unnamed = [point for point in points if point.document_id == document_id]
        others = called(documents, name, [document_id], vector_names=names)
        points = list({point.id: point for point in [*unnamed, *others]}.values())
    if len(points) > 1:
        known = ", ".join(point.id for point in points[:_NAMED])
        message = (
            f"{len(points)} points of collection {collection.collection_name!r} are called "
            f"{document_id[:200]!r}: {known}; list them by a filter on {DOCUMENT_ID}"
        )
        raise DocumentsRefused(message)
    if points:
        return _view(points[0], None)
    message = f"collection {collection.collection_name!r} has no document {document_id[:200]!r}"
    raise DocumentNotFound(message)


def delete_documents(
    pipeline: Pipeline, collection: CollectionRecord, request: DeleteDocumentsRequest
) -> int:
    """Deletes what there is of them, and returns how many that was."""
    check_own(pipeline, collection)
    name = collection.qdrant_collection
    if request.document_ids is None:
        deleted = pipeline.documents.delete_points(name, tree=parse_filter(request.filters))
    else:
        points = called(pipeline.documents, name, request.document_ids, payload_fields=())
        deleted = pipeline.documents.delete_points(name, point_ids=[point.id for point in points])
    if deleted:
        _note_stale_counts(pipeline, collection)
    return deleted


def _with_vectors(
    pipeline: Pipeline, collection: CollectionRecord, request: PutDocumentsRequest
) -> PutDocumentsRequest:
    """Documents without the vector that their collection's texts become get it, if they have one.

    Raises EmbeddingFailed.
    """
    config = collection.embed
    if config is None:
        return request
    bare = [row for row, own in enumerate(request.documents) if config.vector not in own.vectors]
    if not bare:
        return request
    with closing(embedder_for(pipeline, collection.scope, config)) as embedder:
        texts = [embedder.text_of(dict(request.documents[row].payload)) for row in bare]
        made = embedder.embed(texts)
    documents = list(request.documents)
    for row, vector, empty in zip(bare, made.vectors, made.empty, strict=True):
        if not empty:
            vectors = documents[row].vectors | {config.vector: vector.tolist()}
            documents[row] = documents[row].model_copy(update={"vectors": vectors})
    return request.model_copy(update={"documents": documents})


def _part(info: CollectionInfo, request: PutDocumentsRequest) -> str | None:
    key = request.shard_key
    return None if key is None else shard_text(info.shard_key(key))


def _check_id(document: DocumentInput) -> None:
    other = document.payload.get(DOCUMENT_ID)
    if other is not None and str(other) != document.document_id:
        message = (
            f"document {document.document_id[:60]!r} has another {DOCUMENT_ID} in its payload, "
            f"{str(other)[:60]!r}: leave that out, or give both the same"
        )
        raise DocumentsRefused(message)


def _check_vectors(document: DocumentInput, info: CollectionInfo) -> None:
    for name, numbers in document.vectors.items():
        vector = info.vectors.get(name)
        if vector is None or vector.size != len(numbers):
            known = ", ".join(f"{name} ({info.vectors[name].size})" for name in info.vectors)
            message = (
                f"document {document.document_id[:60]!r} has a vector {name[:60]!r} of length "
                f"{len(numbers)}; the collection takes: {known}"
            )
            raise DocumentsRefused(message)


def _vector_names(document: DocumentInput) -> tuple[str, ...]:
    return tuple(sorted(document.vectors))


def _upsert(
    pipeline: Pipeline,
    collection: CollectionRecord,
    names: Iterable[str],
    placed: Sequence[tuple[DocumentInput, PointId]],
) -> None:
    documents = [document for document, _ in placed]
    pipeline.documents.upsert(
        collection.qdrant_collection,
        ids=[point for _, point in placed],
        vectors={
            name: np.array([document.vectors[name] for document in documents], dtype=np.float32)
            for name in names
        },
        payloads=[
            {**document.payload, DOCUMENT_ID: document.document_id} for document in documents
        ],
    )


def _all_vectors(pipeline: Pipeline, collection: CollectionRecord) -> tuple[str, ...]:
    return tuple(pipeline.documents.describe(collection.qdrant_collection).vectors)


def _checked_cursor(cursor: str | None) -> str | None:
    if cursor is not None and not is_point_id(unsharded(cursor)):
        message = "the cursor is none of ours: take next_cursor of the page before"
        raise InvalidRequest(message)
    return cursor


def _view(point: Point, select: Sequence[str] | None) -> DocumentView:
    payload = point.payload
    if select is not None:
        payload = {key: payload[key] for key in select if key in payload}
    vectors = {
        name: [float(number) if np.isfinite(number) else None for number in vector]
        for name, vector in point.vectors.items()
    }
    return DocumentView(
        document_id=point.document_id, point_id=point.id, payload=payload, vectors=vectors or None
    )


def _note_stale_counts(pipeline: Pipeline, collection: CollectionRecord) -> None:
    """Published runs over the collection count documents that are gone."""
    catalog = pipeline.catalog
    for run_id in catalog.clusters.published_over(collection.scope, collection.collection_id):
        catalog.executions.update(run_id, member_counts_stale=True)
