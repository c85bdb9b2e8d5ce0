"""Exact HDBSCAN on raw embeddings, in two passes over all pairs."""

from clustering_pipeline.engine.hdbscan.fit import HDBSCANFit, fit_hdbscan
from clustering_pipeline.engine.hdbscan.spanning_tree import lists_needed

__all__ = ["HDBSCANFit", "fit_hdbscan", "lists_needed"]
