"""The engine as a clusterer of scikit-learn: for its pipelines, searches and reports."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import validate_data

from clustering_pipeline.engine import cluster
from clustering_pipeline.model.errors import InputRejected, InvalidRequest


class Clusterer(ClusterMixin, BaseEstimator):
    """Groups the rows of (n, d) numbers by any method of the engine.

    ``params`` and ``preprocessing`` are those of a definition, ``sample_size`` the most rows to fit
    on.  After :meth:`fit` there are ``labels_`` (n,) int64, 0 the largest group and -1 noise,
    ``probabilities_`` and ``outlier_scores_`` (n,), ``record_``, what was done, and
    ``n_features_in_``.

    >>> from sklearn.datasets import make_blobs
    >>> blobs, _ = make_blobs(n_samples=60, centers=3, random_state=1)
    >>> Clusterer("kmeans", params={"n_clusters": 3}).fit_predict(blobs).tolist().count(0)
    20
    """

    def __init__(
        self,
        method: str = "hdbscan",
        *,
        params: Mapping[str, Any] | None = None,
        preprocessing: Sequence[Mapping[str, Any]] | None = None,
        sample_size: int | None = None,
        random_state: int = 42,
    ):
        self.method = method
        self.params = params
        self.preprocessing = preprocessing
        self.sample_size = sample_size
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: object = None) -> Self:  # noqa: ARG002, N803 - scikit-learn's
        """Finds the groups; raises ValueError for what cannot be grouped."""
        rows = validate_data(self, X, dtype=np.float64, ensure_min_samples=2, ensure_min_features=1)
        try:
            found = cluster(
                rows,
                algorithm=self.method,
                params=self.params,
                preprocessing=self.preprocessing,
                sample_size=self.sample_size,
                random_state=self.random_state,
            )
        except (InputRejected, InvalidRequest) as error:
            raise ValueError(str(error)) from error
        self.labels_ = found.labels
        self.probabilities_ = found.probabilities
        self.outlier_scores_ = found.outlier_scores
        self.record_ = found.record
        return self
