"""Clustering algorithms, one module each, found by name."""

from clustering_pipeline.engine.algorithms.algorithm import algorithm, names
from clustering_pipeline.engine.algorithms.fit import Fit, fit

__all__ = ["Fit", "algorithm", "fit", "names"]
