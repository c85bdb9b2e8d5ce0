"""What a clustering without a stored definition is answered with, read off its tables."""

import math
from typing import Any

import polars as pl

from clustering_pipeline.model.definitions.one_shot import ClusterCentroid, ClusterMember
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.orchestration.stages.summarize import VECTOR

_MEMBER = ("document_id", "collection_id", "cluster_id", "distance_to_centroid")
_CENTROID = (
    "cluster_id",
    "num_members",
    "variance",
    "label",
    "summary",
    "keywords",
    "parent_cluster_id",
    "hierarchy_level",
)


def centroids(spec: ClusterSpec, clusters: pl.DataFrame) -> list[ClusterCentroid]:
    """The groups, in the order of the table."""
    attributes = "+".join(spec.attributes.attributes if spec.attributes else ())
    parents = clusters["parent_cluster_id"].to_list()
    children: dict[str, list[str]] = {}
    for name, parent in zip(clusters["cluster_id"].to_list(), parents, strict=True):
        if parent is not None:
            children.setdefault(parent, []).append(name)
    return [
        _centroid(row, row["feature_name"] or attributes, children)
        for row in clusters.iter_rows(named=True)
    ]


def _centroid(row: dict[str, Any], feature: str, children: dict[str, list[str]]) -> ClusterCentroid:
    vector = row.get(VECTOR) or []
    return ClusterCentroid.model_validate(
        {
            **{name: row.get(name) for name in _CENTROID},
            "centroid_vector": vector,
            "feature_name": feature,
            "vector_name": feature,
            "feature_dimensions": len(vector),
            "child_cluster_ids": children.get(row["cluster_id"], []),
        }
    )


def members_of(members: pl.DataFrame) -> list[ClusterMember]:
    """Every document with its group."""
    rows = members.select(_MEMBER).iter_rows(named=True)
    return [ClusterMember.model_validate(row) for row in rows]


def metrics(run: Run) -> dict[str, float]:
    """How good the groups are, as far as that is a finite number."""
    measured = run.read_json("metrics")
    numbers = {
        name: float(value)
        for name, value in measured.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return {name: value for name, value in numbers.items() if math.isfinite(value)}
