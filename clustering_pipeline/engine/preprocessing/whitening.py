"""Soft ZCA whitening: every direction to nearly the variance one, without rotating.

Kessy, Lewin and Strimmer, "Optimal whitening and decorrelation" (2018); ``regularization`` is
added to every variance, so that directions without any are not blown up.
"""

import numpy as np

from clustering_pipeline.engine.effort import PRODUCTS
from clustering_pipeline.engine.job import Job
from clustering_pipeline.engine.preprocessing.step import Preprocessing, Reduced, StepContext
from clustering_pipeline.engine.threads import one_thread
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.preprocessing import WhiteningStep


def whiten(vectors: Vectors, step: WhiteningStep, context: StepContext) -> Reduced:
    """Decorrelate the dimensions."""
    context.check()
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    with one_thread():
        values, directions = np.linalg.eigh(centred.T @ centred / (len(vectors) - 1))
        scale = np.maximum(values, 0) + step.regularization
        roots = np.divide(1, np.sqrt(scale), out=np.zeros_like(scale), where=scale > 0)
        whitened = centred @ ((directions * roots) @ directions.T)
    return Reduced(vectors=whitened.astype(vectors.dtype))


def memory(job: Job, _step: WhiteningStep) -> int:
    """Two copies of the vectors in double precision, and three matrices of their directions."""
    return (2 * job.count + 3 * job.dimensions) * job.dimensions * 8


def seconds(job: Job, _step: WhiteningStep) -> float:
    """The covariance, its directions, and turning the vectors."""
    rows = job.count + 10 * job.dimensions
    return 8 * rows * float(job.dimensions) ** 2 / PRODUCTS


STEP = Preprocessing(apply=whiten, memory=memory, seconds=seconds)
