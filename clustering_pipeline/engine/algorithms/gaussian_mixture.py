"""A mixture of Gaussians by expectation maximisation, by scikit-learn."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.algorithms.algorithm import Algorithm, FitContext, Grouping
from clustering_pipeline.engine.limits import PRODUCTS
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.runtime.threads import one_thread
from clustering_pipeline.engine.vectors import Vectors, double
from clustering_pipeline.model.algorithms.partitioning import GaussianMixtureParams
from clustering_pipeline.model.errors import InvalidParameters

COVARIANCES: dict[str, Callable[[int, int], int]] = {
    "full": lambda k, d: int(k * d**2),
    "tied": lambda _, d: int(d**2),
    "diag": lambda k, d: k * d,
    "spherical": lambda k, _: k,
}


def fit(vectors: Vectors, params: GaussianMixtureParams, context: FitContext) -> Grouping:
    """Each document's most likely component; the probability is that component's share."""
    from sklearn.mixture import GaussianMixture  # noqa: PLC0415 - heavy

    context.check()
    settings = params.model_dump(exclude={"verbose", "verbose_interval", "warm_start"})
    for name in ("weights_init", "means_init", "precisions_init"):
        settings[name] = _array(settings[name])
    settings["n_components"] = min(params.n_components, len(vectors))
    model = GaussianMixture(**settings)
    with one_thread():
        shares = _shares(model, double(vectors))
    notes = {"converged": bool(model.converged_), "lower_bound": float(model.lower_bound_)}
    return Grouping(labels=shares.argmax(axis=1), probabilities=shares.max(axis=1), notes=notes)


def memory(job: Job, params: GaussianMixtureParams) -> int:
    """The covariances with their factors, the shares, and four copies of the vectors."""
    dimensions, components = job.dimensions, params.n_components
    values = COVARIANCES[params.covariance_type](components, dimensions)
    return 8 * (3 * values + 3 * job.count * components + 4 * job.count * dimensions)


def seconds(job: Job, params: GaussianMixtureParams) -> float:
    """Fifty passes over all components, with the factors of their covariances."""
    values = COVARIANCES[params.covariance_type](params.n_components, job.dimensions)
    factored = values * job.dimensions if params.covariance_type in {"full", "tied"} else 0
    return 50 * (job.count * values + 1.5 * factored) * params.n_init / PRODUCTS


def _shares(model: Any, vectors: Vectors) -> NDArray[np.float64]:
    """Each component's share of each document."""
    try:
        shares: NDArray[np.float64] = model.fit(vectors).predict_proba(vectors)
    except ValueError as error:
        if "ill-defined" not in str(error):
            raise
        message = f"gaussian_mixture: {error} Or set covariance_type 'diag', or add a pca step."
        raise InvalidParameters(message) from error
    return shares


def _array(given: list[object] | None) -> np.ndarray | None:
    return None if given is None else np.array(given, dtype=np.float64)


ALGORITHM = Algorithm(params=GaussianMixtureParams, fit=fit, memory=memory, seconds=seconds)
