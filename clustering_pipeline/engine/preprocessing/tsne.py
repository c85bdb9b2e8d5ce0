"""t-distributed stochastic neighbour embedding, by scikit-learn."""

import numpy as np

from clustering_pipeline.engine.limits import LOOPS, of_pairs, of_rows
from clustering_pipeline.engine.preprocessing.step import Preprocessing, Reduced, StepContext
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.runtime.threads import one_thread
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.algorithms.preprocessing import TSNEStep
from clustering_pipeline.model.errors import InvalidParameters

BARNES_HUT_DIMENSIONS = 3
BYTES_PER_NEIGHBOR = 64
FASTEST = 1e12  # beyond, positions soon leave all numbers, and compiled code the process
SMALLEST_SPREAD = 1e-6


def embed(vectors: Vectors, step: TSNEStep, context: StepContext) -> Reduced:
    """Embed in ``n_components`` dimensions, by the exact method above three."""
    from sklearn.manifold import TSNE  # noqa: PLC0415 - heavy

    if step.learning_rate > FASTEST:
        message = f"tsne: learning_rate must be at most {FASTEST:g}; 200 is usual"
        raise InvalidParameters(message)
    context.check()
    components = min(step.n_components, *vectors.shape)
    model = TSNE(
        n_components=components,
        perplexity=min(step.perplexity, max((len(vectors) - 1) / 3, 1)),
        learning_rate=step.learning_rate,
        random_state=step.random_state,
        method="barnes_hut" if components <= BARNES_HUT_DIMENSIONS else "exact",
    )
    with one_thread():
        reduced = model.fit_transform(_sized(vectors)).astype(vectors.dtype)
    notes = {"perplexity": model.perplexity, "divergence": float(model.kl_divergence_)}
    return Reduced(vectors=reduced, notes=notes)


def _sized(vectors: Vectors) -> Vectors:
    """Spread out as data usually is, which changes no neighbourhood: its start and its search for
    bandwidths overflow far from there, and then its compiled code ends the process.
    """
    middle = vectors.mean(axis=0, dtype=np.float64)
    reach = float(np.abs(vectors - middle).max())
    if SMALLEST_SPREAD <= reach <= 1 / SMALLEST_SPREAD:
        return vectors
    return (vectors - middle) / 2.0 ** np.ceil(np.log2(reach))


def memory(job: Job, step: TSNEStep) -> int:
    """The neighbours; by the exact method every pair, four times."""
    if step.n_components > BARNES_HUT_DIMENSIONS:
        return 4 * job.count**2 * 8
    neighbors = min(3 * step.perplexity, job.count)
    return int(job.count * neighbors * BYTES_PER_NEIGHBOR)


def seconds(job: Job, step: TSNEStep) -> float:
    """A thousand rounds over the neighbours, or over every pair."""
    if step.n_components > BARNES_HUT_DIMENSIONS:
        return 1000 * 4 * float(job.count) ** 2 / LOOPS
    return of_pairs(job) + of_rows(job, 8)


STEP = Preprocessing(apply=embed, memory=memory, seconds=seconds)
