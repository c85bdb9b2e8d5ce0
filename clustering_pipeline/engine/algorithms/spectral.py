"""Spectral clustering, Shi and Malik (2000), von Luxburg (2007), by scikit-learn."""

from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec

import numpy as np

from clustering_pipeline.engine.algorithms.algorithm import Algorithm, FitContext, Grouping
from clustering_pipeline.engine.limits import of_few_dimensions, of_pairs
from clustering_pipeline.engine.neighbors.screening import first_copies
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.runtime.threads import one_thread
from clustering_pipeline.engine.vectors import Labels, Vectors, double
from clustering_pipeline.model.algorithms.graph import SpectralParams
from clustering_pipeline.model.errors import InvalidParameters

BYTES_PER_EDGE = 48
POSITIVE = frozenset({"rbf", "laplacian", "nearest_neighbors"})


def fit(vectors: Vectors, params: SpectralParams, context: FitContext) -> Grouping:
    """``n_clusters`` groups of the similarity graph; up to that many vectors stand alone.

    Where a vector has as many copies as a node has neighbours, or fewer vectors differ than groups
    are asked for, the graph would fall into pieces of which its eigenvectors tell nothing, after
    minutes: there equal vectors are one node.
    """
    context.check()
    if params.eigen_solver == "amg" and find_spec("pyamg") is None:
        message = "eigen_solver 'amg' needs the package pyamg; use 'arpack' or 'lobpcg'"
        raise InvalidParameters(message)
    different, node, copies = np.unique(
        first_copies(vectors), return_inverse=True, return_counts=True
    )
    if copies.max() < max(2, params.n_neighbors) and len(different) > params.n_clusters:
        return Grouping(labels=_groups(vectors, params))
    labels = _groups(vectors[different], params)
    return Grouping(labels=labels[node], notes={"copies": len(vectors) - len(different)})


def _groups(vectors: Vectors, params: SpectralParams) -> Labels:
    """The group of each of (n, d) different vectors."""
    from sklearn.cluster import SpectralClustering  # noqa: PLC0415 - heavy

    if len(vectors) <= params.n_clusters:
        return np.arange(len(vectors))
    settings = params.model_dump(exclude={"verbose"})
    settings["n_neighbors"] = min(params.n_neighbors, len(vectors))
    with one_thread(), converging(), similar(params.affinity):
        model = SpectralClustering(**settings).fit(double(vectors))
    return model.labels_.astype(np.int64)


@contextmanager
def converging() -> Generator[None]:
    """Raises ``InvalidParameters`` with what to change when the eigenvectors cannot be found."""
    from scipy.sparse.linalg import ArpackError  # noqa: PLC0415 - heavy

    try:
        yield
    except ArpackError as error:
        message = (
            f"spectral: the eigenvectors did not converge ({error}); "
            "set eigen_solver 'lobpcg', or a larger eigen_tol"
        )
        raise InvalidParameters(message) from error


@contextmanager
def similar(affinity: str) -> Generator[None]:
    """Raises ``InvalidParameters`` naming another affinity where this one gives no similarities.

    Those of products may be negative, and degrees then have no root.
    """
    try:
        yield
    except ValueError as error:
        if affinity in POSITIVE:
            raise
        message = (
            f"spectral: affinity {affinity!r} makes no graph of these vectors ({error}); "
            "use 'rbf' or 'nearest_neighbors'"
        )
        raise InvalidParameters(message) from error


def memory(job: Job, params: SpectralParams) -> int:
    """A copy, and the similarities of all pairs three times, or of the neighbours."""
    copy = 8 * job.count * job.dimensions
    if params.affinity == "nearest_neighbors":
        return copy + job.count * min(params.n_neighbors, job.count) * BYTES_PER_EDGE
    return copy + 3 * job.count**2 * 8


def seconds(job: Job, _params: SpectralParams) -> float:
    """Every similarity, and the eigenvectors."""
    return of_pairs(job, 2) + of_few_dimensions(job, 220)


ALGORITHM = Algorithm(params=SpectralParams, fit=fit, memory=memory, seconds=seconds)
