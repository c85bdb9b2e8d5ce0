"""Executions as documents of MongoDB: the record in ``view``, prepared for lists like a cluster."""

from collections.abc import Mapping
from typing import Any

from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.stores.catalog.listing.fields import EXECUTION_FIELDS, folded, search_text
from clustering_pipeline.stores.catalog.mongo.table import Document


def to_document(record: ExecutionRecord) -> Document:
    """A new execution."""
    return {"_id": record.run_id, "cluster_id": record.cluster_id, **_fields(record)}


def to_update(record: ExecutionRecord) -> Mapping[str, Any]:
    """A changed execution."""
    return {"$set": {**_fields(record), "version": record.version + 1}}


def from_document(document: Document) -> ExecutionRecord:
    """The record that a document holds."""
    return ExecutionRecord.model_validate({**document["view"], "version": document["version"]})


def _fields(record: ExecutionRecord) -> dict[str, Any]:
    view = record.model_dump(mode="json", exclude={"version"})
    return {
        **record.scope.fields(),
        "version": record.version,
        "view": view,
        "folded": folded(view, EXECUTION_FIELDS),
        "search": search_text(_searched(record)),
        "elapsed_ms": _elapsed(record),
        "owes_events": bool(record.events_owed),
    }


def _searched(record: ExecutionRecord) -> list[str]:
    texts = [record.run_id, record.run_name, record.error_message]
    for group in record.centroids or ():
        texts += [group.label, group.summary]
    given = [text for text in texts if text is not None]
    return [*given, *(record.label_overrides or {}).values()]


def _elapsed(record: ExecutionRecord) -> float | None:
    if record.completed_at is None:
        return None
    return (record.completed_at - record.created_at).total_seconds() * 1000
