"""The engine as scikit-learn's clusterer."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from clustering_pipeline.sklearn import Clusterer
from clustering_pipeline_tests.worlds.planted import planted

DOCUMENTS = planted(sizes={"sea": 40, "court": 30})


@pytest.mark.parametrize(
    "estimator", [Clusterer(), Clusterer("kmeans", params={"n_clusters": 3})], ids=str
)
def test_it_is_a_clusterer_by_scikit_learns_own_checks(estimator):
    # Those for other array libraries are left out by scikit-learn itself where none is installed.
    check_estimator(estimator, on_skip=None)


@pytest.mark.parametrize("method", ["hdbscan", "agglomerative", "leiden"])
def test_it_finds_the_groups(method):
    params = {"agglomerative": {"n_clusters": 2}, "leiden": {"resolution": 0.5}}.get(method)
    fitted = Clusterer(method, params=params).fit(DOCUMENTS.vectors)
    assert adjusted_rand_score(DOCUMENTS.subjects, fitted.labels_) > 0.9
    assert fitted.probabilities_.shape == fitted.outlier_scores_.shape == (70,)
    assert fitted.record_["algorithm"] == method
    again = pickle.loads(pickle.dumps(clone(fitted))).fit(DOCUMENTS.vectors)  # noqa: S301 - our own
    assert np.array_equal(again.labels_, fitted.labels_)


def test_it_stands_in_a_pipeline():
    labels = make_pipeline(StandardScaler(), Clusterer("kmeans", params={"n_clusters": 2}))
    assert set(labels.fit_predict(DOCUMENTS.vectors)) == {0, 1}


@pytest.mark.parametrize(
    ("clusterer", "sentence"),
    [
        (Clusterer("magic"), "there is no algorithm 'magic'"),
        (Clusterer("kmeans", params={"n_clusters": 0}), "n_clusters"),
        (Clusterer(sample_size=-1), "sample"),
    ],
)
def test_wrong_settings_are_said_when_it_is_fitted(clusterer, sentence):
    with pytest.raises(ValueError, match=sentence):
        clusterer.fit(DOCUMENTS.vectors)
