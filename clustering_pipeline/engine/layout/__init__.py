"""UMAP on a neighbour graph that is there already."""

from clustering_pipeline.engine.layout.embed import Embedding, embed
from clustering_pipeline.engine.layout.fuzzy import fuzzy_graph

__all__ = ["Embedding", "embed", "fuzzy_graph"]
