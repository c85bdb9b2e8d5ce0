"""The vectors as they are."""

from clustering_pipeline.engine.preprocessing.step import Preprocessing, Reduced, StepContext
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.preprocessing import NoStep


def keep(vectors: Vectors, _step: NoStep, _context: StepContext) -> Reduced:
    """Change nothing."""
    return Reduced(vectors=vectors)


STEP = Preprocessing(apply=keep)
