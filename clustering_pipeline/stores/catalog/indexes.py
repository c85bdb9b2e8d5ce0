"""The indexes: those that keep promises (unique), and those that keep lists fast."""

from pymongo import ASCENDING, DESCENDING, IndexModel

from clustering_pipeline.stores.catalog.definitions.documents import WRITES
from clustering_pipeline.stores.catalog.listing.fields import Covering, Order
from clustering_pipeline.stores.catalog.listing.metadata_index import FACTS

_SCOPE = (("organization_id", ASCENDING), ("namespace_id", ASCENDING))


def _scoped(*keys: str, unique: bool = False, name: str | None = None) -> IndexModel:
    fields = [(key.lstrip("-"), DESCENDING if key.startswith("-") else ASCENDING) for key in keys]
    named = {} if name is None else {"name": name}
    return IndexModel([*_SCOPE, *fields], unique=unique, **named)


# What lists are filtered by, sorted by and sum up: an index that holds all of it answers alone.
_TOLD = (
    "view.status",
    "view.created_at",
    "view.num_documents_clustered",
    "view.updated_at",
    "view.cluster_name",
    "view.num_clusters",
    "folded.status",
    "folded.algorithm",
    "_id",
)
# Those that usually leave fewest come first.
_FILTERED = (
    "folded.cluster_name",
    "folded.algorithm",
    "folded.status",
    "view.status",
    "view.num_clusters",
    "search",
)
_NAMES = "view.cluster_name"


def _covering(first: str) -> Covering:
    owner = (key for key, _ in _SCOPE)
    return Covering(
        name=f"told by {first}",
        first=first,
        keys=tuple(dict.fromkeys((*owner, first, *_TOLD))),
        serves_all=first == _NAMES,
    )


CLUSTERS_COVERED = tuple(map(_covering, (*_FILTERED, _NAMES)))
_NEWEST = _scoped("-view.created_at", "_id")
_CHANGED = _scoped("-view.updated_at", "_id")
CLUSTERS_ORDERED = (
    # No two definitions of a namespace share a name.
    Order(name=CLUSTERS_COVERED[-1].name, sort=((_NAMES, ASCENDING),)),
    *(
        Order(name=index.document["name"], sort=tuple(index.document["key"].items())[len(_SCOPE) :])
        for index in (_NEWEST, _CHANGED)
    ),
)
CLUSTERS = (
    _scoped("view.cluster_name", unique=True),
    IndexModel(
        [(WRITES, ASCENDING)], unique=True, partialFilterExpression={WRITES: {"$exists": True}}
    ),
    _NEWEST,
    _CHANGED,
    _scoped("view.input_collections"),
    IndexModel(
        [("spec.auto_execute_on_batch", ASCENDING)],
        partialFilterExpression={"spec.auto_execute_on_batch": True},
    ),
    IndexModel(
        [("claim.run_id", ASCENDING)], partialFilterExpression={"claim.run_id": {"$exists": True}}
    ),
    _scoped(FACTS),
    *(_scoped(*index.keys[len(_SCOPE) :], name=index.name) for index in CLUSTERS_COVERED),
)
COLLECTIONS = (
    _scoped("collection_name", unique=True),
    # A name may be that of an id too, so both are looked for.
    _scoped("collection_id"),
    IndexModel(
        [("cluster_applications.cluster_id", ASCENDING)],
        partialFilterExpression={"cluster_applications.cluster_id": {"$exists": True}},
    ),
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
    IndexModel(
        [("view.source_execution_ids", ASCENDING)],
        partialFilterExpression={"view.mode": "composite"},
    ),
    IndexModel(
        [("view.created_at", ASCENDING)],
        name="owing events",
        partialFilterExpression={"owes_events": True},
    ),
)
QUEUE = (
    IndexModel([("task_id", ASCENDING)]),
    IndexModel([("cluster_id", ASCENDING), ("number", ASCENDING)]),
    IndexModel([("priority", DESCENDING), ("number", ASCENDING)]),
)
WEBHOOKS = (_scoped("-created_at"),)
_PENDING = {"status": "pending"}
DELIVERIES = (
    IndexModel(
        [("next_attempt_at", ASCENDING), ("webhook_id", ASCENDING)],
        partialFilterExpression=_PENDING,
    ),
    IndexModel(
        [("webhook_id", ASCENDING), ("next_attempt_at", ASCENDING)],
        partialFilterExpression=_PENDING,
    ),
    IndexModel([("webhook_id", ASCENDING), ("created_at", DESCENDING)]),
    # Each message says itself when it expires.
    IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
)
_COMPLETED = {"status": "completed"}
_PLACE = (*_SCOPE, ("completions.collection_id", ASCENDING), ("completions.number", ASCENDING))
NOT_OVERTAKEN = "last of each collection"
BATCHES = (
    IndexModel([*_PLACE], unique=True, partialFilterExpression=_COMPLETED),
    IndexModel(
        [("completions.overtaken", ASCENDING), *_PLACE],
        name=NOT_OVERTAKEN,
        partialFilterExpression=_COMPLETED,
    ),
    _scoped("collection_ids", "-created_at", "_id"),
    IndexModel(
        [*_SCOPE, ("collection_ids", ASCENDING)],
        name="open",
        partialFilterExpression={"status": "open"},
    ),
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
