"""A body for every operation that takes one, as the documentation shows it; a test sends them."""

from collections.abc import Mapping
from typing import Any

FEATURE = "mixpeek://text_extractor@v1/embedding"
_WHERE = {"field": "year", "operator": "gte", "value": 1960}

EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "create_namespace": {"namespace_name": "archive"},
    "create_collection": {
        "collection_name": "speeches",
        "description": "What presidents said to Congress.",
        "vector_sizes": {"embedding": 4},
        "vectors": {FEATURE: "embedding"},
    },
    "put_documents": {
        "documents": [
            {
                "document_id": "1961-kennedy",
                "vectors": {"embedding": [0.1, 0.9, 0.2, 0.4]},
                "payload": {"speaker": "Kennedy", "year": 1961, "text": "Our own economy …"},
            },
            {
                "document_id": "1965-johnson",
                "vectors": {"embedding": [0.8, 0.1, 0.7, 0.3]},
                "payload": {"speaker": "Johnson", "year": 1965, "text": "A great society …"},
            },
        ]
    },
    "list_documents": {"filters": _WHERE, "limit": 100},
    "delete_documents": {"document_ids": ["1961-kennedy"]},
    "fail_batch": {"error": "the upload stopped half-way"},
    "create_cluster": {
        "cluster_name": "topics",
        "collection_ids": ["speeches"],
        "vector_config": {
            "feature_uri": FEATURE,
            "clustering_method": "hdbscan",
            "algorithm_params": {"min_cluster_size": 10},
            "preprocessing_steps": [{"method": "umap", "n_components": 10}],
        },
        "filters": _WHERE,
        "metadata": {"team": "history"},
    },
    "patch_cluster": {"description": "What the speeches are about.", "sample_size": 20_000},
    "list_clusters": {
        "filters": {"field": "status", "operator": "in", "value": ["PENDING", "COMPLETED"]},
        "sort": {"field": "created_at", "direction": "desc"},
        "limit": 20,
    },
    "execute_cluster": {"filters": _WHERE, "sample_size": 5000},
    "list_executions": {"sort": {"field": "created_at", "direction": "desc"}, "limit": 5},
    "execute_clustering": {
        "collection_ids": ["speeches"],
        "config": {
            "algorithm": "kmeans",
            "algorithm_params": {"n_clusters": 2},
            "feature_vector": {"feature_address": FEATURE},
        },
        "include_members": True,
        "store_results": False,
    },
    "patch_execution_labels": {"labels": {"cl_0": "Foreign policy", "cl_1": ""}},
    "patch_execution_run_name": {"run_name": "before the election"},
    "put_cluster_edits": {"rename": {"grp_0a1b2c": "Taxes"}, "exclude": ["1961-kennedy"]},
    "roll_back_cluster": {"run_id": "run_0a1b2c"},
    "apply_cluster_enrichment": {
        "clustering_ids": ["topics"],
        "source_collection_id": "speeches",
    },
    "create_trigger": {
        "cluster_id": "topics",
        "trigger_type": "interval",
        "schedule_config": {"interval_seconds": 3600},
        "description": "every hour",
    },
    "list_triggers": {"cluster_id": "topics", "limit": 10},
    "update_trigger": {"schedule_config": {"interval_seconds": 7200}},
    "get_trigger_history": {"limit": 10},
    "estimate_cluster_labels": {},
    "create_webhook": {
        "url": "https://receiver.example.com/clusters",
        "event_types": ["cluster.execution.completed", "cluster.execution.failed"],
        "description": "tells the newsroom",
    },
}
