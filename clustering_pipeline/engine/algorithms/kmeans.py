"""Lloyd's k-means, by scikit-learn."""

from clustering_pipeline.engine.algorithms.algorithm import Algorithm, FitContext, Grouping
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.partitioning_params import KMeansParams


def fit(vectors: Vectors, params: KMeansParams, context: FitContext) -> Grouping:
    """``n_clusters`` groups, or one per document when there are fewer."""
    from sklearn.cluster import KMeans  # noqa: PLC0415 - heavy

    context.check()
    model = KMeans(
        n_clusters=min(params.n_clusters, len(vectors)),
        max_iter=params.max_iter,
        random_state=params.random_state,
        n_init=params.n_init,
        tol=params.tol,
        init=params.init,
        algorithm=params.algorithm,
    ).fit(vectors)
    return Grouping(
        labels=model.labels_,
        notes={"inertia": float(model.inertia_), "iterations": int(model.n_iter_)},
    )


ALGORITHM = Algorithm(params=KMeansParams, fit=fit)
