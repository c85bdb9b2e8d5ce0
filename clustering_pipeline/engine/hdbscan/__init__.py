"""Exact HDBSCAN on raw embeddings, in two passes over all pairs."""

from clustering_pipeline.engine.hdbscan.fit import HDBSCANFit, fit_hdbscan

__all__ = ["HDBSCANFit", "fit_hdbscan"]
