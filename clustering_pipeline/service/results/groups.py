"""The groups readers see: of the published run, or of one asked for; never of one that failed."""

from typing import Any

import polars as pl

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.executions.execution import (
    ClusterExecutionCentroid,
    ClusterExecutionResult,
    ExecutionRecord,
)
from clustering_pipeline.model.executions.views import ClusterGroup, ClusterGroupsResponse
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.publishing.tables import NOISE_LABEL
from clustering_pipeline.pipeline.run.artifacts import CLUSTERS, LABELS
from clustering_pipeline.pipeline.run.columns import CENTROID
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.stores.artifacts import Artifacts
from clustering_pipeline.stores.catalog import Catalog

FIDELITY = ("fidelity", "fidelity_by_chance", "fidelity_is_low")


def published_groups(catalog: Catalog, scope: Scope, cluster: str) -> ClusterGroupsResponse:
    """The groups of a definition, by id or name; none before its first published run."""
    record = catalog.clusters.get(scope, cluster)
    return groups_of(record, catalog.executions.published(record))


def groups_of(record: ClusterRecord, execution: ExecutionRecord | None) -> ClusterGroupsResponse:
    """The groups that one of its runs found."""
    return ClusterGroupsResponse(
        cluster_id=record.cluster_id,
        run_id=execution.run_id if execution else None,
        total_groups=execution.num_clusters if execution else 0,
        total_documents=execution.num_points if execution else 0,
        member_counts_stale=execution.member_counts_stale if execution else False,
        groups=_groups(execution) if execution else [],
        findings=execution.findings if execution else [],
    )


def names_of(execution: ExecutionRecord) -> dict[str, str | None]:
    """Group to what readers see it called, noise among them."""
    named = {group.cluster_id: execution.label_of(group) for group in execution.centroids or ()}
    return {**named, NOISE_ID: NOISE_LABEL}


def named_now(execution: ExecutionRecord, column: str) -> pl.Expr:
    """A column of labels, as people last named the groups of their rows."""
    names = names_of(execution)
    return (
        pl.col("cluster_id")
        .replace_strict(names, default=pl.col(column), return_dtype=pl.String)
        .alias(column)
    )


def label_fidelities(pipeline: Pipeline, run_id: str | None) -> dict[str, dict[str, Any]]:
    """Group to how well its label tells its documents: what blind picking scores, and if it is low.

    Empty where the run was published before this was measured, or its files are gone.
    """
    execution = pipeline.catalog.executions.find(run_id) if run_id else None
    if execution is None or execution.expired_at is not None:
        return {}
    labels = LABELS.read(pipeline.artifacts, execution)
    if not set(FIDELITY) <= set(labels.columns):
        return {}
    rows = labels.select("cluster_id", *FIDELITY).iter_rows(named=True)
    return {row["cluster_id"]: {f"label_{name}": row[name] for name in FIDELITY} for row in rows}


def _groups(execution: ExecutionRecord) -> list[ClusterGroup]:
    return [
        _group(group, execution.label_of(group))
        for group in execution.centroids or ()
        if not group.hierarchy_level
    ]


def _group(centroid: ClusterExecutionCentroid, label: str | None) -> ClusterGroup:
    return ClusterGroup(
        cluster_id=centroid.cluster_id,
        label=label,
        summary=centroid.summary,
        keywords=centroid.keywords,
        member_count=centroid.num_members,
        group_uid=centroid.group_uid,
    )


def with_vectors(artifacts: Artifacts, execution: ExecutionRecord) -> ClusterExecutionResult:
    """The public view of an execution; groups by attributes have no vectors."""
    result = execution.result()
    if not result.centroids or execution.parquet_path is None:
        return result
    vectors = centroid_vectors(artifacts, execution.parquet_path)
    centroids = [
        group.model_copy(update={CENTROID: vectors.get(group.cluster_id)})
        for group in result.centroids
    ]
    return result.model_copy(update={"centroids": centroids})


def centroid_vectors(artifacts: Artifacts, key: str) -> dict[str, list[float]]:
    """Group to its centroid."""
    table = CLUSTERS.read_at(artifacts, key)
    if CENTROID not in table.columns:
        return {}
    rows = zip(table["cluster_id"].to_list(), table[CENTROID].to_list(), strict=True)
    return {group: vector for group, vector in rows if vector is not None}
