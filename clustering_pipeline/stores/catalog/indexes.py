"""The indexes: those that keep promises (unique), and those that keep lists fast."""

from pymongo import ASCENDING, DESCENDING, IndexModel

from clustering_pipeline.stores.catalog.cluster_documents import WRITES
from clustering_pipeline.stores.catalog.facts import FACTS

_SCOPE = (("organization_id", ASCENDING), ("namespace_id", ASCENDING))


def _scoped(*keys: str, unique: bool = False) -> IndexModel:
    fields = [(key.lstrip("-"), DESCENDING if key.startswith("-") else ASCENDING) for key in keys]
    return IndexModel([*_SCOPE, *fields], unique=unique)


def _summed(key: str) -> IndexModel:
    """Filters by ``key``, and holds what lists sum up, so that they need not read the records."""
    summed = ("view.status", "-view.created_at", "view.num_documents_clustered")
    return _scoped(*dict.fromkeys((key, *summed)))


CLUSTERS = (
    _scoped("view.cluster_name", unique=True),
    IndexModel(
        [(WRITES, ASCENDING)], unique=True, partialFilterExpression={WRITES: {"$exists": True}}
    ),
    _scoped("-view.created_at", "_id"),
    _scoped("-view.updated_at", "_id"),
    _summed("view.status"),
    _summed("folded.status"),
    _summed("folded.algorithm"),
    _summed("view.num_clusters"),
    _summed("folded.cluster_name"),
    _scoped("view.input_collections"),
    IndexModel(
        [("spec.auto_execute_on_batch", ASCENDING)],
        partialFilterExpression={"spec.auto_execute_on_batch": True},
    ),
    IndexModel(
        [("claim.run_id", ASCENDING)],
        partialFilterExpression={"claim.run_id": {"$exists": True}},
    ),
    _scoped(FACTS),
)
COLLECTIONS = (
    _scoped("collection_name", unique=True),
    IndexModel([("output_of", ASCENDING)]),
    IndexModel([("qdrant_collection", ASCENDING)]),
)
EXECUTIONS = (
    IndexModel([("cluster_id", ASCENDING), ("view.created_at", DESCENDING), ("_id", DESCENDING)]),
    IndexModel([("view.task_id", ASCENDING)]),
    IndexModel(
        [("view.trigger_id", ASCENDING), ("view.created_at", DESCENDING)],
        partialFilterExpression={"view.trigger_id": {"$type": "string"}},
    ),
)
BATCHES = (
    IndexModel(
        [
            *_SCOPE,
            ("completions.collection_id", ASCENDING),
            ("completions.number", ASCENDING),
        ],
        unique=True,
        partialFilterExpression={"status": "completed"},
    ),
    _scoped("collection_ids", "-created_at"),
)
LINEAGES = (IndexModel([("cluster_id", ASCENDING), ("created_at", DESCENDING)]),)
TRIGGERS = (
    IndexModel([("status", ASCENDING), ("next_run_at", ASCENDING)]),
    IndexModel([("cluster_id", ASCENDING)]),
    _scoped("-created_at", "_id"),
)
NAMESPACES = (
    IndexModel([("organization_id", ASCENDING), ("namespace_name", ASCENDING)], unique=True),
)
ORGANIZATIONS = (IndexModel([("organization_name", ASCENDING)], unique=True),)
KEYS = (
    IndexModel([("key_hash", ASCENDING)], unique=True),
    IndexModel([("organization_id", ASCENDING), ("created_at", DESCENDING)]),
)
# Each answer says itself when it expires.
LABEL_ANSWERS = (IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),)
