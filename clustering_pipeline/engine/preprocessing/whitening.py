"""Soft ZCA whitening: every direction to nearly the variance one, without rotating.

Kessy, Lewin and Strimmer, "Optimal whitening and decorrelation" (2018); ``regularization`` is
added to every variance, so that directions without any are not blown up.
"""

import numpy as np

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


STEP = Preprocessing(apply=whiten)
