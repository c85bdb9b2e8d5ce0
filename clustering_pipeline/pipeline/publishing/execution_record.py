"""The execution's public record, filled before the pointer moves to it."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from clustering_pipeline.model.executions.execution import (
    ClusterExecutionCentroid,
    ClusterExecutionMetrics,
    RepresentativeDocument,
)
from clustering_pipeline.model.executions.views import Finding
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.model.public_text import for_clients
from clustering_pipeline.pipeline.publishing.tables import Results
from clustering_pipeline.pipeline.run.artifacts import (
    CLUSTERS,
    EXPORT,
    LABEL_ERRORS,
    MEMBERS,
    METRICS,
    RELATIONS,
    REUSED,
)
from clustering_pipeline.pipeline.run.columns import KEYS
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.pipeline.stages.metrics import FINDINGS

# A record is one document of at most 16 MB; texts of this many groups stay far below.
SUMMARY_COLUMNS = (
    "cluster_id",
    "group_uid",
    "num_members",
    "label",
    "summary",
    "keywords",
    "mean_cosine_similarity",
    "min_cosine_similarity",
    "representative_ids",
    "parent_cluster_id",
    "hierarchy_level",
)


def result_fields(run: Run, results: Results) -> dict[str, Any]:
    """What the run found, under the names of ``ExecutionRecord``."""
    errors = [for_clients(error) for error in run.read_json(LABEL_ERRORS) or ()]
    metrics = dict(run.read_json(METRICS))
    findings = metrics.pop(FINDINGS, [])
    return {
        "num_clusters": results.top.height,
        "num_points": results.documents,
        "metrics": _metrics(metrics),
        "findings": [Finding.model_validate(finding) for finding in findings],
        "centroids": [
            _centroid(row) for row in results.clusters.select(SUMMARY_COLUMNS).to_dicts()
        ],
        "hierarchy_relationships": run.read_json(RELATIONS) or None,
        "llm_labeling_errors": errors or None,
        "parquet_path": run.key(CLUSTERS),
        "members_key": run.key(MEMBERS),
        "artifacts": {artifact.file: run.source(artifact) for artifact in REUSED},
        **_reconciliation(run.read_json(EXPORT), results.members, method=run.spec.method),
    }


def _metrics(measured: Mapping[str, Any]) -> ClusterExecutionMetrics:
    known = ClusterExecutionMetrics.model_fields
    further = {name: value for name, value in measured.items() if name not in known}
    named = {name: value for name, value in measured.items() if name in known}
    return ClusterExecutionMetrics(**named, additional_properties=further)


def _centroid(row: dict[str, Any]) -> ClusterExecutionCentroid:
    documents = [
        RepresentativeDocument(document_id=name) for name in row["representative_ids"] or ()
    ]
    return ClusterExecutionCentroid.model_validate(row | {"representative_ids": documents})


# Methods that leave documents outside every group by design.
LEAVES_NOISE = frozenset(
    {"hdbscan", "dbscan", "optics", "mean_shift", "evoc", "auto", "attribute_based"}
)


def _reconciliation(
    export: Mapping[str, Any], members: pl.DataFrame, *, method: str
) -> dict[str, Any]:
    """The contract's counts: of the selection, what had a vector, and what is in a group."""
    source, retrieved = export["source_documents"], export["retrieved"]
    # With independent features, in a group of one of them.
    clustered = members.filter(pl.col("cluster_id") != NOISE_ID).select(KEYS).n_unique()
    gap, drop = source - retrieved, retrieved - clustered
    expected = method in LEAVES_NOISE
    reasons = list(_reasons(export, 0 if expected else drop))
    return {
        "source_documents": source,
        "vectors_retrieved": retrieved,
        "vectors_clustered": clustered,
        "index_gap": gap,
        "pipeline_drop": drop,
        "pipeline_drop_expected_as_noise": expected and drop > 0,
        "input_reconciliation_ok": not reasons,
        "input_reconciliation_reasons": reasons,
    }


def _reasons(export: Mapping[str, Any], dropped: int) -> Iterator[str]:
    lost = {
        "no vector of the feature": export["missing_vector"],
        "deleted while they were read": export["vanished"],
    }
    for reason, count in lost.items():
        if count:
            yield f"{count} of {export['source_documents']} selected documents: {reason}"
    if dropped:
        yield f"{dropped} of {export['retrieved']} documents with a vector: in no group"
