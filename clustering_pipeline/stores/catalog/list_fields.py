"""Which fields of the views MongoDB may compare itself, and as what.

What is not listed here is compared in Python: the answer is the same, only slower.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class FieldKind(StrEnum):
    """What a field always holds, unless it is null."""

    TEXT = "text"
    TEXTS = "texts"
    NUMBER = "number"
    FLAG = "flag"
    TIME = "time"


_TEXT, _TEXTS, _NUMBER, _FLAG, _TIME = FieldKind

CLUSTER_FIELDS: Mapping[str, FieldKind] = {
    "cluster_id": _TEXT,
    "cluster_name": _TEXT,
    "description": _TEXT,
    "namespace_id": _TEXT,
    "organization_id": _TEXT,
    "input_collections": _TEXTS,
    "source_cluster_ids": _TEXTS,
    "source_bucket_ids": _TEXTS,
    "cluster_type": _TEXT,
    "feature_uris": _TEXTS,
    "multi_feature_strategy": _TEXT,
    "learning_quality_score": _NUMBER,
    "effective_feature_method": _TEXT,
    "sample_size": _NUMBER,
    "hierarchical_vector": _FLAG,
    "max_hierarchy_depth": _NUMBER,
    "vis_n_components": _NUMBER,
    "layout_stability": _TEXT,
    "clustered_attributes": _TEXTS,
    "hierarchical_grouping": _FLAG,
    "aggregation_method": _TEXT,
    "output_collection_ids": _TEXTS,
    "output_collection_names": _TEXTS,
    "algorithm": _TEXT,
    "enrich_source": _FLAG,
    "auto_execute_on_batch": _FLAG,
    "auto_execute_min_documents": _NUMBER,
    "auto_execute_cooldown_seconds": _NUMBER,
    "num_clusters": _NUMBER,
    "num_documents_clustered": _NUMBER,
    "execution_time_seconds": _NUMBER,
    "hierarchy_detected": _FLAG,
    "parent_cluster_id": _TEXT,
    "child_cluster_ids": _TEXTS,
    "status": _TEXT,
    "error": _TEXT,
    "failure_category": _TEXT,
    "last_execution_task_id": _TEXT,
    "last_run_id": _TEXT,
    "created_at": _TIME,
    "updated_at": _TIME,
    "last_executed_at": _TIME,
    "completed_at": _TIME,
    "llm_labeling_errors": _TEXTS,
}

EXECUTION_FIELDS: Mapping[str, FieldKind] = {
    "run_id": _TEXT,
    "cluster_id": _TEXT,
    "status": _TEXT,
    "num_clusters": _NUMBER,
    "num_points": _NUMBER,
    "metrics.silhouette_score": _NUMBER,
    "metrics.davies_bouldin_index": _NUMBER,
    "metrics.calinski_harabasz_score": _NUMBER,
    "created_at": _TIME,
    "completed_at": _TIME,
    "error_message": _TEXT,
    "run_name": _TEXT,
    "mode": _TEXT,
}


def value_at(view: Mapping[str, Any], path: str) -> Any:
    """The value that a dotted path leads to; None when there is none."""
    value: Any = view
    try:
        for key in path.split("."):
            value = value[key]
    except (KeyError, TypeError):
        return None
    return value
