"""Whether there are groups that new documents could be assigned to."""

from typing import Any

from clustering_pipeline.model.composite import COMPOSITE
from clustering_pipeline.model.errors import InvalidRequest, StateConflict
from clustering_pipeline.model.execution import ExecutionRecord
from clustering_pipeline.model.spec import ClusterSpec
from clustering_pipeline.orchestration.pipeline import Pipeline

ASSIGN = "assign"


def groups_to_join(
    pipeline: Pipeline, spec: ClusterSpec, published: ExecutionRecord | None
) -> ExecutionRecord:
    """The published run, when its groups are of the vectors that the definition uses now.

    Raises InvalidRequest where attributes make the groups, and StateConflict where a full run has
    to come first.
    """
    if spec.attributes is not None:
        message = (
            f"mode assign compares vectors, and attributes make the groups of "
            f"{spec.cluster_name!r}: execute it in mode full"
        )
        raise InvalidRequest(message)
    if spec.definition.source_cluster_ids:
        message = (
            f"{spec.cluster_name!r} groups the groups of other definitions: execute those in mode "
            "assign, then this one"
        )
        raise InvalidRequest(message)
    if published is None or published.spec is None:
        message = f"{spec.cluster_name!r} has published no groups yet: execute it in mode full"
        raise StateConflict(message)
    if published.spec.mode == COMPOSITE:
        message = (
            f"{published.run_id}, which is published, grouped groups of other executions: execute "
            f"{spec.cluster_name!r} in mode full"
        )
        raise StateConflict(message)
    if _vectors_of(spec) != _vectors_of(published.spec):
        message = (
            f"{spec.cluster_name!r} compares documents in another way than {published.run_id} did: "
            "execute it in mode full"
        )
        raise StateConflict(message)
    if not pipeline.artifacts.exists(published.artifact_key("embeddings.parquet")):
        message = f"the vectors of {published.run_id} are not kept: execute in mode full"
        raise StateConflict(message)
    return published


def _vectors_of(spec: ClusterSpec) -> tuple[Any, ...]:
    """What a document is compared by."""
    config = spec.definition.vector_config
    shape = (config.normalize_features, config.effective_feature_method) if config else ()
    return (dict(spec.clusterings), *shape)
