"""Soft ZCA whitening: every direction to nearly the variance one, without rotating.

Kessy, Lewin and Strimmer, "Optimal whitening and decorrelation" (2018); ``regularization`` is
added to every variance, so that directions without any are not blown up.
"""

import numpy as np

from clustering_pipeline.engine.limits import PRODUCTS
from clustering_pipeline.engine.preprocessing.step import Preprocessing, Reduced, StepContext
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.runtime.threads import one_thread
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.algorithms.preprocessing import WhiteningStep

ROUNDING = float(np.finfo(np.float64).eps)


def whiten(vectors: Vectors, step: WhiteningStep, context: StepContext) -> Reduced:
    """Decorrelate the dimensions.

    Of fewer vectors than dimensions, the products of the vectors with each other say as much.  What
    rounding leaves in a direction without variance is dropped: divided by next to nothing it would
    drown the others.
    """
    context.check()
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    wide = len(vectors) < vectors.shape[1]
    with one_thread():
        products = centred @ centred.T if wide else centred.T @ centred
        values, directions = np.linalg.eigh(products / (len(vectors) - 1))
        values[values <= ROUNDING * len(values) * values[-1]] = 0
        scale = values + step.regularization
        roots = np.divide(1, np.sqrt(scale), out=np.zeros_like(scale), where=values > 0)
        turned = (directions * roots) @ directions.T
        whitened = turned @ centred if wide else centred @ turned
    return Reduced(vectors=whitened.astype(vectors.dtype))


def memory(job: Job, _step: WhiteningStep) -> int:
    """Two copies of the vectors in double precision, and three matrices of their directions."""
    directions = min(job.count, job.dimensions)
    return (2 * job.count * job.dimensions + 3 * directions**2) * 8


def seconds(job: Job, _step: WhiteningStep) -> float:
    """The covariance, its directions, and turning the vectors."""
    fewer, more = sorted((job.count, job.dimensions))
    return 8 * (more + 10 * fewer) * float(fewer) ** 2 / PRODUCTS


STEP = Preprocessing(apply=whiten, memory=memory, seconds=seconds)
