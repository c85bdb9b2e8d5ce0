"""The vectors as they are."""

from clustering_pipeline.engine.preprocessing.step import Preprocessing, Reduced, StepContext
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.algorithms.preprocessing import NoStep


def keep(vectors: Vectors, _step: NoStep, _context: StepContext) -> Reduced:
    """Change nothing."""
    return Reduced(vectors=vectors)


def memory(job: Job, _step: NoStep) -> int:
    """None."""
    return 0 * job.count


def seconds(job: Job, _step: NoStep) -> float:
    """None."""
    return 0.0 * job.count


STEP = Preprocessing(apply=keep, memory=memory, seconds=seconds, interruptible=lambda _step: True)
