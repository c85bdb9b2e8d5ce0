"""Preprocessing steps, applied in order."""

from clustering_pipeline.engine.preprocessing.reduce import Reduction, of_rows, reduce

__all__ = ["Reduction", "of_rows", "reduce"]
