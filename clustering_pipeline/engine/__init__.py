"""Vectors in, groups out: a pure package, usable alone from a notebook."""

from clustering_pipeline.engine.algorithms import Fit, fit
from clustering_pipeline.engine.centroids import Centroids, centroids
from clustering_pipeline.engine.layout import layout
from clustering_pipeline.engine.neighborhood import Neighborhood
from clustering_pipeline.engine.outliers import outlier_scores
from clustering_pipeline.engine.preprocessing import Reduction, reduce
from clustering_pipeline.engine.quality import Quality, quality
from clustering_pipeline.engine.run import Clustering, cluster

__all__ = [
    "Centroids",
    "Clustering",
    "Fit",
    "Neighborhood",
    "Quality",
    "Reduction",
    "centroids",
    "cluster",
    "fit",
    "layout",
    "outlier_scores",
    "quality",
    "reduce",
]
