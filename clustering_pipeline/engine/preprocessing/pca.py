"""Principal components."""

from clustering_pipeline.engine.preprocessing.step import Preprocessing, Reduced, StepContext
from clustering_pipeline.engine.threads import one_thread
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.preprocessing import PCAStep


def project(vectors: Vectors, step: PCAStep, context: StepContext) -> Reduced:
    """Keep the ``n_components`` directions of most variance."""
    from sklearn.decomposition import PCA  # noqa: PLC0415 - heavy

    context.check()
    components = min(step.n_components, *vectors.shape)
    model = PCA(n_components=components, random_state=step.random_state)
    with one_thread():
        reduced = model.fit_transform(vectors).astype(vectors.dtype)
    explained = float(model.explained_variance_ratio_.sum())
    return Reduced(vectors=reduced, notes={"explained_variance": explained})


STEP = Preprocessing(apply=project)
