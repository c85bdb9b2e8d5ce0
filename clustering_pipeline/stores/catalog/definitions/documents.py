"""Definitions as documents of MongoDB.

``spec`` and ``state`` are the record.  ``view`` is the flat view made from them, written in the
same operation, so that lists can filter and sort by the names that clients read; ``folded`` holds
its texts without regard to case, ``search`` all that a search looks at, ``facts`` what the
metadata says.  ``writes`` claims each payload field that the definition writes, under a unique
index.
"""

from collections.abc import Mapping
from typing import Any

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.definitions.state import ClusterState
from clustering_pipeline.model.definitions.vector_config import STORED
from clustering_pipeline.model.json_values import texts_in
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.stores.catalog.listing.fields import CLUSTER_FIELDS, folded, search_text
from clustering_pipeline.stores.catalog.listing.metadata_index import FACTS, facts_in
from clustering_pipeline.stores.catalog.table import Document

WRITES = "writes"


def to_document(record: ClusterRecord) -> Document:
    """A new definition."""
    return {"_id": record.cluster_id, "claim": None, **_fields(record), **_claims(record)}


def to_update(record: ClusterRecord, beside: Mapping[str, Any]) -> Mapping[str, Any]:
    """A changed definition; its claim is somebody else's to write, unless it is in ``beside``."""
    claims = _claims(record)
    changed = {"$set": {**_fields(record), **claims, **beside, "version": record.version + 1}}
    return changed if claims else {**changed, "$unset": {WRITES: ""}}


def from_document(document: Document) -> ClusterRecord:
    """The record that a document holds."""
    fields = {**document, "cluster_id": document["_id"]}
    return ClusterRecord.model_validate(fields, context=STORED)


def with_state(record: ClusterRecord, **changes: Any) -> ClusterRecord:
    """The record with fields of its state changed."""
    unknown = changes.keys() - ClusterState.model_fields.keys()
    if unknown:
        message = f"a definition's state has no {', '.join(sorted(unknown))}"
        raise TypeError(message)
    state = ClusterState.model_validate(record.state.model_dump() | changes)
    return record.model_copy(update={"state": state})


def written_fields(record: ClusterRecord) -> list[str]:
    """What the definition writes where: one entry a collection and payload field."""
    if not record.spec.enriches:
        return []
    spec = record.resolved()
    return [
        written_entry(record.scope, collection, mapping.target_field)
        for collection in spec.collection_ids
        for mapping in spec.field_mappings
    ]


def written_entry(scope: Scope, collection_id: str, field: str) -> str:
    """How a payload field of a collection is claimed."""
    return f"{scope.organization_id}/{scope.namespace_id}/{collection_id}:{field}"


def _claims(record: ClusterRecord) -> dict[str, list[str]]:
    entries = written_fields(record)
    return {WRITES: entries} if entries else {}


def _fields(record: ClusterRecord) -> dict[str, Any]:
    view = record.metadata().model_dump(mode="json")
    return {
        **record.scope.fields(),
        "version": record.version,
        "spec": record.spec.model_dump(mode="json"),
        "state": record.state.model_dump(mode="json"),
        "view": view,
        "folded": folded(view, CLUSTER_FIELDS),
        "search": search_text(_searched(view)),
        FACTS: facts_in("metadata", view["metadata"]),
    }


def _searched(view: dict[str, Any]) -> list[str]:
    named = (view["cluster_id"], view["cluster_name"], view["description"], view["algorithm"])
    listed = (*view["input_collections"], *(view["feature_uris"] or ()))
    return [text for text in (*named, *listed) if text] + list(texts_in(view["metadata"]))
