"""Makes an existing Qdrant collection known, after a look at it."""

from clustering_pipeline.model.collection import CollectionRecord, RegisterCollectionRequest
from clustering_pipeline.model.errors import UnknownVector
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.orchestration.pipeline import Pipeline


def register_existing(
    pipeline: Pipeline, scope: Scope, request: RegisterCollectionRequest
) -> CollectionRecord:
    """Raises CollectionNotFound when Qdrant has no such collection, UnknownVector for a vector
    that it lacks, NameTaken when the name is registered.
    """
    name = request.qdrant_collection or request.collection_name
    present = pipeline.documents.describe(name).vectors
    for uri, vector in request.vectors.items():
        if vector not in present:
            known = ", ".join(sorted(present))
            message = f"{uri} maps to {vector!r}, which collection {name!r} lacks; it has: {known}"
            raise UnknownVector(message)
    return pipeline.catalog.collections.register(scope, request)
