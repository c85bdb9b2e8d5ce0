"""Preprocessing steps, applied in order."""

from clustering_pipeline.engine.preprocessing.reduce import Reduction, reduce

__all__ = ["Reduction", "reduce"]
