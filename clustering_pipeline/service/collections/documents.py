"""Documents of a collection, brought in, read back and deleted."""

import uuid
from collections.abc import Iterable, Sequence
from itertools import chain, groupby

import numpy as np

from clustering_pipeline.model.collections.collection import CollectionRecord
from clustering_pipeline.model.collections.documents import (
    DOCUMENT_ID,
    DeleteDocumentsRequest,
    DocumentInput,
    DocumentView,
    ListDocumentsRequest,
    ListDocumentsResponse,
    PutDocumentsRequest,
)
from clustering_pipeline.model.errors import DocumentNotFound, DocumentsRefused, InvalidRequest
from clustering_pipeline.model.filters.tree import Filter, parse_filter
from clustering_pipeline.model.ids import point_id_of
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.service.collections.register import check_own
from clustering_pipeline.stores.documents.types import CollectionInfo, Point

_LARGEST = 2**64
_DIGITS = 20


def put_documents(
    pipeline: Pipeline, collection: CollectionRecord, request: PutDocumentsRequest
) -> int:
    """Stores documents whole, all of them or, when one does not fit the collection, none.

    Raises DocumentsRefused, and StateConflict for a collection that a definition writes.
    """
    check_own(pipeline, collection)
    info = pipeline.documents.describe(collection.qdrant_collection)
    for one in request.documents:
        _check_vectors(one, info)
    _note_updates(pipeline, collection, request.documents)
    ordered = sorted(request.documents, key=_vector_names)
    for names, part in groupby(ordered, key=_vector_names):
        _upsert(pipeline, collection, names, list(part))
    return len(ordered)


def list_documents(
    pipeline: Pipeline, collection: CollectionRecord, request: ListDocumentsRequest
) -> ListDocumentsResponse:
    """One page by point id; raises InvalidRequest for a cursor that is none."""
    tree = parse_filter(request.filters)
    pages = pipeline.documents.scroll(
        collection.qdrant_collection,
        tree,
        limit=request.limit + 1,
        payload_fields=None if request.select is None else (DOCUMENT_ID, *request.select),
        vector_names=_all_vectors(pipeline, collection) if request.return_vectors else (),
        start=_checked_cursor(request.cursor),
    )
    found = list(chain.from_iterable(pages))
    kept = found[: request.limit]
    return ListDocumentsResponse(
        results=[_view(one, request.select) for one in kept],
        next_cursor=found[request.limit].id if len(found) > len(kept) else None,
        total_count=_count(pipeline, collection, tree) if request.include_total else None,
    )


def get_document(
    pipeline: Pipeline, collection: CollectionRecord, document_id: str, *, vectors: bool = False
) -> DocumentView:
    """One document, by the id in its payload or else its point id; raises DocumentNotFound."""
    names = _all_vectors(pipeline, collection) if vectors else ()
    for point in _named(pipeline, collection, [document_id], names):
        return _view(point, None)
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
        points = _named(pipeline, collection, request.document_ids, ())
        deleted = pipeline.documents.delete_points(name, point_ids=[one.id for one in points])
    if deleted:
        _note_stale_counts(pipeline, collection)
    return deleted


def _check_vectors(document: DocumentInput, info: CollectionInfo) -> None:
    for name, numbers in document.vectors.items():
        known = info.vectors.get(name)
        if known is None or known.size != len(numbers):
            there = ", ".join(f"{one} ({info.vectors[one].size})" for one in info.vectors)
            message = (
                f"document {document.document_id[:60]!r} has a vector {name[:60]!r} of length "
                f"{len(numbers)}; the collection takes: {there}"
            )
            raise DocumentsRefused(message)


def _note_updates(
    pipeline: Pipeline, collection: CollectionRecord, documents: Sequence[DocumentInput]
) -> None:
    """Tells those who count replaced documents; Qdrant keeps no trace of them."""
    points = [str(point_id_of(one.document_id)) for one in documents]
    there = pipeline.documents.retrieve(
        collection.qdrant_collection, points, payload_fields=(DOCUMENT_ID,)
    )
    if there:
        pipeline.catalog.triggers.updated_documents(
            collection.scope, collection.collection_id, len(there)
        )


def _vector_names(document: DocumentInput) -> tuple[str, ...]:
    return tuple(sorted(document.vectors))


def _upsert(
    pipeline: Pipeline,
    collection: CollectionRecord,
    names: Iterable[str],
    documents: Sequence[DocumentInput],
) -> None:
    pipeline.documents.upsert(
        collection.qdrant_collection,
        ids=[point_id_of(one.document_id) for one in documents],
        vectors={
            name: np.array([one.vectors[name] for one in documents], dtype=np.float32)
            for name in names
        },
        payloads=[{**one.payload, DOCUMENT_ID: one.document_id} for one in documents],
    )


def _all_vectors(pipeline: Pipeline, collection: CollectionRecord) -> tuple[str, ...]:
    return tuple(pipeline.documents.describe(collection.qdrant_collection).vectors)


def _named(
    pipeline: Pipeline,
    collection: CollectionRecord,
    document_ids: Sequence[str],
    vector_names: Sequence[str],
) -> list[Point]:
    """The documents of these ids: their payload's, wherever that names one."""
    wanted = {"field": DOCUMENT_ID, "operator": "in", "value": list(document_ids)}
    tree = parse_filter({"AND": [wanted], "case_sensitive": True})
    name = collection.qdrant_collection
    pages = pipeline.documents.scroll(name, tree, vector_names=vector_names)
    points = {point.id: point for point in chain.from_iterable(pages)}
    rest = set(document_ids) - {point.document_id for point in points.values()}
    direct = [str(point) for one in sorted(rest) for point in (point_id_of(one), one)]
    direct = [one for one in direct if _is_point_id(one)]
    for point in pipeline.documents.retrieve(name, direct, vector_names=vector_names):
        if point.document_id in rest:
            points[point.id] = point
    return list(points.values())


def _count(pipeline: Pipeline, collection: CollectionRecord, tree: Filter | None) -> int:
    return pipeline.documents.count(collection.qdrant_collection, tree)


def _checked_cursor(cursor: str | None) -> str | None:
    if cursor is not None and not _is_point_id(cursor):
        message = "the cursor is none of ours: take next_cursor of the page before"
        raise InvalidRequest(message)
    return cursor


def _is_point_id(text: str) -> bool:
    if text.isascii() and text.isdigit():
        return len(text) <= _DIGITS and int(text) < _LARGEST
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _view(point: Point, select: Sequence[str] | None) -> DocumentView:
    payload = point.payload
    if select is not None:
        payload = {key: payload[key] for key in select if key in payload}
    vectors = {
        name: [float(one) if np.isfinite(one) else None for one in vector]
        for name, vector in point.vectors.items()
    }
    return DocumentView(
        document_id=point.document_id,
        point_id=point.id,
        payload=payload,
        vectors=vectors or None,
    )


def _note_stale_counts(pipeline: Pipeline, collection: CollectionRecord) -> None:
    """Published runs over the collection count documents that are gone."""
    catalog = pipeline.catalog
    for run_id in catalog.clusters.published_over(collection.scope, collection.collection_id):
        catalog.executions.update(run_id, member_counts_stale=True)
