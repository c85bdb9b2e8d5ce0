"""UMAP on a neighbour graph that is there already."""

from clustering_pipeline.engine.manifold.embed import embed
from clustering_pipeline.engine.manifold.fuzzy import fuzzy_graph

__all__ = ["embed", "fuzzy_graph"]
