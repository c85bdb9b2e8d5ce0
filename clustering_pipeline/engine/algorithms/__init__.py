"""Clustering algorithms, one module each, found by name."""

from clustering_pipeline.engine.algorithms.algorithm import Algorithm, FitContext, Grouping
from clustering_pipeline.engine.algorithms.fit import Fit, fit
from clustering_pipeline.engine.algorithms.registry import algorithm, names

__all__ = ["Algorithm", "Fit", "FitContext", "Grouping", "algorithm", "fit", "names"]
