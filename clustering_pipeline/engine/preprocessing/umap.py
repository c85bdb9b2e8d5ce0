"""UMAP on exact neighbours."""

from clustering_pipeline.engine.layout import embed
from clustering_pipeline.engine.limits import of_products, of_rows
from clustering_pipeline.engine.neighbors.neighborhood import Wanted
from clustering_pipeline.engine.preprocessing.step import Preprocessing, Reduced, StepContext
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.vectors import Vectors, directed, without_direction
from clustering_pipeline.model.algorithms.preprocessing import UMAPStep

SMALLEST = 4
BYTES_PER_NEIGHBOR = 120


def reduce(vectors: Vectors, step: UMAPStep, context: StepContext) -> Reduced:
    """Embed in ``n_components`` dimensions; too few rows for a manifold stay as they are."""
    components = min(step.n_components, vectors.shape[1])
    if len(vectors) < max(SMALLEST, components + 2):
        return Reduced(vectors=vectors, notes={"skipped": f"{len(vectors)} documents are too few"})
    wanted = neighbors(step)
    embedding = embed(
        context.neighborhood.nearest(wanted.count, wanted.metric),
        components=components,
        min_dist=step.min_dist,
        random_state=step.random_state,
        check=context.check,
    )
    lost = without_direction(directed(vectors, step.metric), step.metric)
    return Reduced(
        vectors=embedding.coordinates.astype(vectors.dtype),
        notes={"neighbors": "exact", "start": embedding.start, **lost},
    )


def neighbors(step: UMAPStep) -> Wanted:
    """Those of the graph; the row itself, which UMAP counts, apart."""
    return Wanted(count=step.n_neighbors - 1, metric=step.metric)


def memory(job: Job, step: UMAPStep) -> int:
    """The neighbour lists, the graph of both directions, and a copy of the vectors."""
    listed = min(step.n_neighbors, job.count)
    row = listed * BYTES_PER_NEIGHBOR + 8 * min(step.n_components, job.dimensions)
    return job.count * (row + job.dimensions * job.itemsize)


def seconds(job: Job, _step: UMAPStep) -> float:
    """The neighbours, and a few hundred rounds over the graph."""
    return of_products(job, 1) + of_rows(job, 2)


STEP = Preprocessing(
    apply=reduce, memory=memory, seconds=seconds, interruptible=True, neighbors=neighbors
)
