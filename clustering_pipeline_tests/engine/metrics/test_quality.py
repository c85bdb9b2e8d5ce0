"""Metrics against scikit-learn's and hdbscan's, and what a grouping that says nothing is called."""

import json
import math

import numpy as np
import pytest
from hdbscan.validity import validity_index
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from clustering_pipeline.engine import centroids, density_validity, fit, quality
from clustering_pipeline.engine.metrics.silhouette import cosine_silhouettes
from clustering_pipeline_tests.engine.data import blobs, digits, iris, passages


def grouped_passages():
    vectors = passages(600).astype(np.float64)
    labels = fit(vectors, algorithm="kmeans", params={"n_clusters": 9, "n_init": 1}).labels
    labels[::5] = -1
    return vectors, labels


def test_scores_equal_scikit_learns_over_the_documents_in_groups():
    vectors, labels = grouped_passages()
    inside = labels >= 0
    found = quality(vectors, labels)
    assert found.silhouette_score == pytest.approx(
        metrics.silhouette_score(vectors[inside], labels[inside], metric="cosine"), abs=1e-9
    )
    assert found.davies_bouldin_index == pytest.approx(
        metrics.davies_bouldin_score(vectors[inside], labels[inside]), rel=1e-9
    )
    assert found.calinski_harabasz_score == pytest.approx(
        metrics.calinski_harabasz_score(vectors[inside], labels[inside]), rel=1e-9
    )
    assert found.noise_ratio == pytest.approx(0.2)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(4, 25), st.integers(2, 4))
def test_every_silhouette_equals_scikit_learns(seed, count, groups):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, 3))
    labels = np.concatenate([np.arange(groups), rng.integers(0, groups, count - groups)])
    if groups == count:
        return
    theirs = metrics.silhouette_samples(vectors, labels, metric="cosine")
    np.testing.assert_allclose(cosine_silhouettes(vectors, labels), theirs, atol=1e-9)


def test_zero_vectors_are_as_far_from_everything_as_scikit_learn_says():
    vectors, labels = blobs(30, dtype=np.float64)
    vectors[3] = 0
    theirs = metrics.silhouette_samples(vectors, labels, metric="cosine")
    np.testing.assert_allclose(cosine_silhouettes(vectors, labels), theirs, atol=1e-9)


@pytest.mark.parametrize(
    ("labels", "flag", "detail"),
    [
        pytest.param([-1] * 20, "all_noise", "all 20 documents are noise", id="noise"),
        pytest.param([0] * 18 + [-1] * 2, "single_cluster", "one group holds 18 of 20", id="one"),
        pytest.param(list(range(20)), "all_singletons", "20 groups of one", id="singletons"),
        pytest.param([0] * 18 + [1] * 2, "dominant_cluster", "holds 18 of 20", id="dominant"),
        pytest.param([0] * 17 + [1] * 3, False, None, id="none-of-these"),
    ],
)
def test_a_grouping_that_says_nothing_is_flagged(labels, flag, detail):
    found = quality(np.random.default_rng(0).normal(size=(20, 3)), labels)
    assert found.degenerate == flag
    assert detail is None if found.degenerate_detail is None else detail in found.degenerate_detail


@pytest.mark.parametrize("labels", [[-1] * 6, [0] * 6, list(range(6)), [0, 0, 0, 1, 1, 1]])
@pytest.mark.parametrize("vectors", [np.zeros((6, 2)), np.ones((6, 2)), np.eye(6)])
def test_no_metric_is_ever_nan(vectors, labels):
    found = quality(vectors, labels, clustered=vectors).contract()
    numbers = [value for value in found.values() if isinstance(value, float)]
    assert all(math.isfinite(number) for number in numbers)
    json.dumps(found, allow_nan=False)


def test_metrics_are_null_when_fewer_than_two_groups():
    found = quality(np.eye(4), [0, 0, 0, 0])
    assert found.silhouette_score is None
    assert found.davies_bouldin_index is None
    assert found.calinski_harabasz_score is None


def test_the_space_is_named_and_both_names_of_davies_bouldin_are_there():
    found = quality(*blobs(30), space="after umap").contract()
    assert found["space"] == "after umap"
    assert found["davies_bouldin_score"] == found["davies_bouldin_index"]


def test_entropy_and_average_size_of_groups():
    found = quality(np.random.default_rng(0).normal(size=(9, 2)), [0, 0, 0, 0, 1, 1, 1, 1, -1])
    assert found.avg_cluster_size == 4
    assert found.cluster_size_entropy == pytest.approx(math.log(2))


def partly_grouped(vectors, groups):
    labels = fit(vectors, algorithm="kmeans", params={"n_clusters": groups, "n_init": 1}).labels
    labels[::7] = -1
    return np.asarray(vectors, dtype=np.float64), labels


DENSITIES = {
    "blobs": lambda: partly_grouped(blobs(200, dtype=np.float64, spread=0.4)[0], 3),
    "iris": lambda: partly_grouped(iris(), 4),
    "digits": lambda: partly_grouped(digits(), 12),
    "passages": lambda: partly_grouped(passages(300), 5),
    "two groups": lambda: partly_grouped(passages(300)[:, :8], 2),
    "ties": lambda: partly_grouped(np.random.default_rng(0).integers(0, 4, (200, 3)) / 2, 5),
    "copies": lambda: (np.repeat(np.eye(4), 6, axis=0), np.repeat(np.arange(4), 6)),
    "pairs": lambda: (blobs(12, groups=6, dtype=np.float64)[0], np.arange(12) % 6),
}


@pytest.mark.parametrize("name", DENSITIES)
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_density_validity_equals_hdbscans(name):
    vectors, labels = DENSITIES[name]()
    expected = validity_index(vectors, labels.astype(np.int64))
    assert density_validity(vectors, labels) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_density_validity_does_not_go_by_the_unit_of_length(scale):
    """The package's powers of distances leave the range of numbers in so many dimensions."""
    vectors, labels = partly_grouped(passages(200), 4)
    expected = density_validity(vectors, labels)
    assert density_validity(scale * vectors, labels) == pytest.approx(expected, abs=1e-9)


def test_density_validity_of_what_is_no_groups_of_two_is_none():
    assert density_validity(np.eye(4), [0, 1, 2, 3]) is None
    assert density_validity(np.eye(4), [0, 0, 0, -1]) is None


def test_density_validity_is_measured_on_a_seeded_sample():
    vectors, truth = blobs(400, dtype=np.float64, spread=0.4)
    first = density_validity(vectors, truth, sample=100, random_state=1)
    assert first == density_validity(vectors, truth, sample=100, random_state=1)
    assert first != density_validity(vectors, truth, sample=100, random_state=2)


@pytest.mark.parametrize("method", ["mean", "median", "medoid"])
def test_centroids_by_every_method(method):
    vectors, truth = blobs(90, dtype=np.float64)
    found = centroids(vectors, truth, method)
    for group in range(3):
        members = vectors[truth == group]
        if method == "medoid":
            total = metrics.pairwise.cosine_distances(members).sum(axis=1)
            expected = members[total.argmin()]
        else:
            expected = getattr(np, method)(members, axis=0)
        np.testing.assert_allclose(found.vectors[group], expected, rtol=1e-6)
    assert found.sizes.tolist() == [30, 30, 30]


def test_of_two_members_the_first_is_the_medoid():
    pairs = np.random.default_rng(0).normal(size=(400, 2, 24))
    firsts = [centroids(pair, [0, 0], "medoid").vectors[0] for pair in pairs]
    np.testing.assert_array_equal(firsts, pairs[:, 0].astype(np.float32))


def test_distances_are_cosine_and_noise_has_none():
    vectors, truth = blobs(60, dtype=np.float64)
    truth[:6] = -1
    found = centroids(vectors, truth)
    own = metrics.pairwise.cosine_distances(vectors, found.vectors)[np.arange(60), truth]
    assert np.isnan(found.distances[:6]).all()
    np.testing.assert_allclose(found.distances[6:], own[6:], atol=1e-6)
    for group in range(3):
        cosines = 1 - own[truth == group]
        assert found.mean_cosine[group] == pytest.approx(cosines.mean(), abs=1e-6)
        assert found.min_cosine[group] == pytest.approx(cosines.min(), abs=1e-6)


def test_the_nearest_group_is_the_one_with_the_nearest_centroid():
    vectors = np.array([[1, 0], [1, 0.1], [0.9, 1], [1, 1], [-1, 0], [-1, 0.1]])
    found = centroids(vectors, [0, 0, 1, 1, 2, 2])
    assert found.nearest.tolist() == [1, 0, 1]
    assert found.separation[0] == found.separation[1] < found.separation[2]


def test_one_group_has_no_nearest():
    found = centroids(np.eye(3), [0, 0, 0])
    assert found.nearest.tolist() == [-1]
    assert np.isnan(found.separation).all()


def test_no_group_has_no_centroid():
    found = centroids(np.eye(3), [-1, -1, -1])
    assert found.vectors.shape == (0, 3)
    assert found.sizes.tolist() == []
