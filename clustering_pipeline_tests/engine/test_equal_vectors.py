"""Documents with equal vectors are in one group, by every method and however they are prepared."""

import numpy as np
import pytest

from clustering_pipeline.engine import cluster, divide, fit, reduce
from clustering_pipeline.engine.algorithms import names
from clustering_pipeline.engine.groups.equal_vectors import together
from clustering_pipeline.model.errors import InvalidParameters
from clustering_pipeline_tests.engine.data import blobs, doubled, passages
from clustering_pipeline_tests.sizes import FULL

PARAMS = {
    "agglomerative": {"n_clusters": 6},
    "dbscan": {"eps": 0.9},
    "gaussian_mixture": {"n_components": 6},
    "kmeans": {"n_clusters": 6},
    "spectral": {"n_clusters": 6},
}
# evoc compiles for minutes in a fresh environment: one file does at CI size, test_evoc.py.
ALGORITHMS = [name for name in names() if FULL or name != "evoc"]
LAYOUT = [{"method": "umap", "n_components": 3}]


def assert_together(labels, kinds):
    pairs = np.unique(np.column_stack([kinds, labels]), axis=0)
    assert len(pairs) == len(np.unique(kinds))


@pytest.mark.parametrize("preprocessing", [None, LAYOUT], ids=["raw", "umap"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_equal_vectors_are_in_one_group(algorithm, preprocessing):
    vectors, kinds = doubled(passages(150))
    found = cluster(
        vectors, algorithm=algorithm, params=PARAMS.get(algorithm), preprocessing=preprocessing
    )
    assert_together(found.labels, kinds)
    assert_together(np.round(found.probabilities, 12), kinds)


def test_they_are_so_where_some_of_them_were_not_in_the_sample():
    vectors, kinds = doubled(passages(150))
    found = cluster(vectors, algorithm="optics", sample_size=200)
    assert (found.record["fitted"], found.record["assigned"]) == (200, len(kinds) - 200)
    assert_together(found.labels, kinds)


def test_they_are_so_in_groups_within_groups():
    vectors, kinds = doubled(passages(150))
    layered = cluster(vectors, algorithm="hdbscan", params={"layers": True})
    assert_together(layered.hierarchy.deepest, kinds)
    tops = fit(vectors, algorithm="kmeans", params={"n_clusters": 2}).labels
    parts = divide(vectors, tops, algorithm="leiden", max_depth=1)
    assert parts.deepest.max() >= 2
    assert_together(parts.deepest, kinds)


@pytest.mark.parametrize("method", ["umap", "tsne", "pca", "whitening"])
def test_equal_vectors_get_one_place(method):
    vectors, kinds = doubled(passages(60))
    places = reduce(vectors, [{"method": method}]).vectors
    firsts = np.unique(kinds, return_index=True)[1]
    np.testing.assert_array_equal(places, places[firsts[kinds]])


def test_a_vector_joins_the_group_that_most_of_its_copies_are_in():
    vectors = np.repeat(np.eye(3, dtype=np.float32), [5, 4, 1], axis=0)
    labels = np.array([-1, -1, -1, 2, 1, 0, 1, 1, 0, -1])
    sure = np.array([0, 0, 0, 0.5, 0.25, 1, 0.5, 0.7, 1, 0])
    found = together(vectors, labels, sure)
    assert found.labels.tolist() == [2] * 5 + [0] * 4 + [-1]
    np.testing.assert_allclose(found.probabilities, [0.5] * 5 + [1] * 4 + [0])
    assert found.moved == 4 + 2


def test_of_vectors_that_all_differ_nothing_is_moved():
    labels, sure = np.array([0, -1, 1]), np.array([0.3, 0, 1])
    found = together(np.eye(3, dtype=np.float32), labels, sure)
    assert (found.labels is labels, found.probabilities is sure, found.moved) == (True, True, 0)


def test_zeros_of_either_sign_are_equal():
    vectors = np.array([[0.0, 1], [-0.0, 1]], dtype=np.float32)
    assert together(vectors, np.array([0, 1]), np.ones(2)).labels.tolist() == [0, 0]


def test_the_record_says_how_many_were_moved():
    vectors, kinds = doubled(passages(150))
    found = cluster(vectors, algorithm="optics")
    assert 0 < found.record["equal_vectors_moved"] < len(kinds)
    assert "equal_vectors_moved" not in cluster(vectors, algorithm="agglomerative").record


@pytest.mark.parametrize("affinity", ["rbf", "nearest_neighbors", "cosine"])
@pytest.mark.parametrize("different", [2, 5, 6, 9])
def test_spectral_sees_different_vectors_once(different, affinity):
    """Minutes, when each copy is a node: the graph falls into pieces."""
    points = np.abs(blobs(different, groups=different, dimensions=6)[0])
    kinds = np.arange(1_500) % different
    found = fit(points[kinds], algorithm="spectral", params={"n_clusters": 6, "affinity": affinity})
    assert found.record["copies"] == 1_500 - different
    assert found.labels.max() + 1 == min(different, 6)
    assert_together(found.labels, kinds)


@pytest.mark.parametrize(("largest", "smallest"), [(4, 5), (1, 2)])
def test_a_largest_size_below_the_smallest_is_refused(largest, smallest):
    params = {"max_cluster_size": largest, "min_cluster_size": smallest}
    message = f"max_cluster_size {largest} is below min_cluster_size {smallest}"
    with pytest.raises(InvalidParameters, match=message):
        fit(blobs(30)[0], algorithm="hdbscan", params=params)
    equal = fit(blobs(30)[0], algorithm="hdbscan", params=params | {"max_cluster_size": smallest})
    assert equal.labels.shape == (30,)
