"""UMAP on exact neighbours."""

from clustering_pipeline.engine.manifold import embed
from clustering_pipeline.engine.preprocessing.step import Preprocessing, Reduced, StepContext
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.preprocessing import UMAPStep

SMALLEST = 4


def reduce(vectors: Vectors, step: UMAPStep, context: StepContext) -> Reduced:
    """Embed in ``n_components`` dimensions; too few rows for a manifold stay as they are."""
    components = min(step.n_components, vectors.shape[1])
    if len(vectors) < max(SMALLEST, components + 2):
        return Reduced(vectors=vectors, notes={"skipped": f"{len(vectors)} documents are too few"})
    neighbors = context.neighborhood.nearest(step.n_neighbors - 1, step.metric)
    coordinates = embed(
        neighbors,
        components=components,
        min_dist=step.min_dist,
        random_state=step.random_state,
        check=context.check,
    )
    return Reduced(vectors=coordinates.astype(vectors.dtype), notes={"neighbors": "exact"})


STEP = Preprocessing(apply=reduce)
