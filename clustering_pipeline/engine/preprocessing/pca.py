"""Principal components."""

from clustering_pipeline.engine.limits import PRODUCTS
from clustering_pipeline.engine.preprocessing.step import Preprocessing, Reduced, StepContext
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.runtime.threads import one_thread
from clustering_pipeline.engine.vectors import Vectors, double
from clustering_pipeline.model.algorithms.preprocessing import PCAStep


def project(vectors: Vectors, step: PCAStep, context: StepContext) -> Reduced:
    """Keep the ``n_components`` directions of most variance."""
    from sklearn.decomposition import PCA  # noqa: PLC0415 - heavy

    context.check()
    components = min(step.n_components, *vectors.shape)
    model = PCA(n_components=components, random_state=step.random_state)
    with one_thread():
        reduced = model.fit_transform(double(vectors)).astype(vectors.dtype)
    explained = float(model.explained_variance_ratio_.sum())
    return Reduced(vectors=reduced, notes={"explained_variance": explained})


def memory(job: Job, _step: PCAStep) -> int:
    """The vectors in double precision, a centred copy of them, and their covariance."""
    return (2 * job.count + job.dimensions) * job.dimensions * 8


def seconds(job: Job, _step: PCAStep) -> float:
    """The covariance."""
    return 4 * job.count * float(job.dimensions) ** 2 / PRODUCTS


STEP = Preprocessing(apply=project, memory=memory, seconds=seconds)
