"""Clustering algorithms, one module each, found by name."""

from clustering_pipeline.engine.algorithms.algorithm import (
    Algorithm,
    FitContext,
    Grouping,
    algorithm,
    names,
)
from clustering_pipeline.engine.algorithms.fit import Fit, fit

__all__ = ["Algorithm", "Fit", "FitContext", "Grouping", "algorithm", "fit", "names"]
