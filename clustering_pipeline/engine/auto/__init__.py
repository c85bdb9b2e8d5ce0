"""Preprocessing, algorithm and parameters found from the data."""

from clustering_pipeline.engine.auto.search import Search, search
from clustering_pipeline.engine.auto.trial import Trial

__all__ = ["Search", "Trial", "search"]
