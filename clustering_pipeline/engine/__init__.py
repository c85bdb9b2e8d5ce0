"""Vectors in, groups out: a pure package, usable alone from a notebook."""

from clustering_pipeline.engine.algorithms import Fit, fit
from clustering_pipeline.engine.cluster import cluster, everywhere, neighbors_wanted
from clustering_pipeline.engine.division import divide
from clustering_pipeline.engine.features import complete_rows, concatenate, learn_weights
from clustering_pipeline.engine.groups.attributes import (
    AttributeGroups,
    aggregate,
    group_by_attributes,
    value_at,
)
from clustering_pipeline.engine.groups.centroids import Centroids, centroids
from clustering_pipeline.engine.groups.face_merge import merge_faces
from clustering_pipeline.engine.groups.hierarchy import Hierarchy, Node, hierarchy, of_labels
from clustering_pipeline.engine.groups.layers import persistent_layers
from clustering_pipeline.engine.groups.wishes import as_many_groups, with_less_noise
from clustering_pipeline.engine.interruptible import fit_in_child, fit_interruptibly
from clustering_pipeline.engine.layout.embed import Layout, layout
from clustering_pipeline.engine.limits import (
    Need,
    expected_need,
    expected_seconds,
    refuse_what_does_not_fit,
)
from clustering_pipeline.engine.manifest import digest, versions
from clustering_pipeline.engine.metrics.agreement import (
    agreement,
    explained_shares,
    overlap_relations,
)
from clustering_pipeline.engine.metrics.density_validity import density_validity
from clustering_pipeline.engine.metrics.quality import counted, quality
from clustering_pipeline.engine.neighbors.neighborhood import Neighborhood
from clustering_pipeline.engine.neighbors.outliers import outlier_scores
from clustering_pipeline.engine.preprocessing import of_rows, reduce
from clustering_pipeline.engine.sampling import assign, assign_to_centroids, sample_rows

__all__ = [
    "AttributeGroups",
    "Centroids",
    "Fit",
    "Hierarchy",
    "Layout",
    "Need",
    "Neighborhood",
    "Node",
    "aggregate",
    "agreement",
    "as_many_groups",
    "assign",
    "assign_to_centroids",
    "centroids",
    "cluster",
    "complete_rows",
    "concatenate",
    "counted",
    "density_validity",
    "digest",
    "divide",
    "everywhere",
    "expected_need",
    "expected_seconds",
    "explained_shares",
    "fit",
    "fit_in_child",
    "fit_interruptibly",
    "group_by_attributes",
    "hierarchy",
    "layout",
    "learn_weights",
    "merge_faces",
    "neighbors_wanted",
    "of_labels",
    "of_rows",
    "outlier_scores",
    "overlap_relations",
    "persistent_layers",
    "quality",
    "reduce",
    "refuse_what_does_not_fit",
    "sample_rows",
    "value_at",
    "versions",
    "with_less_noise",
]
