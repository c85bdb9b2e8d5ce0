"""Which group of one feature lies within a group of another, where features are independent."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from clustering_pipeline import engine
from clustering_pipeline.engine.vectors import Labels
from clustering_pipeline.model.ids import NOISE_ID
from clustering_pipeline.orchestration.stages.inputs import Space
from clustering_pipeline.orchestration.stages.levels import SUB

_IDS = ("parent_cluster_id", "child_cluster_id")


def relations_of(assignments: pl.DataFrame, spaces: Sequence[Space]) -> list[dict[str, Any]]:
    """The same for the groups as readers know them, people's edits applied."""
    if len(spaces) < 2:
        return []
    labels = assignments["label"].to_numpy()
    shown = assignments.filter(pl.col("cluster_id") != NOISE_ID).unique(["label", "cluster_id"])
    tops = {
        engine.group_id((label,)): cluster_id.partition(SUB)[0]
        for label, cluster_id in shown.select("label", "cluster_id").iter_rows()
    }
    found = relate({one.name: labels[one.rows] for one in spaces})
    return [{**one, **{key: tops[one[key]] for key in _IDS}} for one in found]


def relate(labels: Mapping[str, Labels]) -> list[dict[str, Any]]:
    """Parents and children by overlap of members, for ``hierarchy_relationships``.

    ``labels`` are the numbers of the top groups, unique over the features.
    """
    return [
        {
            "parent_cluster_id": engine.group_id((one.parent,)),
            "child_cluster_id": engine.group_id((one.child,)),
            "parent_feature": one.parent_feature,
            "child_feature": one.child_feature,
            "overlap": one.overlap,
            "child_members": one.child_size,
        }
        for one in engine.overlap_relations(labels)
    ]
