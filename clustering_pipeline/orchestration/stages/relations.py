"""Which group of one feature lies within a group of another, where features are independent."""

from collections.abc import Mapping
from typing import Any

from clustering_pipeline import engine
from clustering_pipeline.engine.vectors import Labels


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
