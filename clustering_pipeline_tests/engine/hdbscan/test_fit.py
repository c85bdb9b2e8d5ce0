import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from clustering_pipeline.engine.hdbscan import fit_hdbscan
from clustering_pipeline.engine.neighbors.graph import nearest_neighbors
from clustering_pipeline.model.errors import EmptySelection, InvalidParameters, InvalidVectors
from clustering_pipeline_tests.engine.data import blobs
from clustering_pipeline_tests.engine.hdbscan.cases import CASES, embeddings_like


def test_no_vector_is_refused():
    with pytest.raises(EmptySelection):
        fit_hdbscan(np.empty((0, 4)))


@pytest.mark.parametrize(
    "vectors",
    [
        pytest.param(np.ones((1, 4)), id="one"),
        pytest.param(np.eye(2), id="two"),
        pytest.param(np.ones((2, 4)), id="two equal"),
        pytest.param(np.ones((50, 4)), id="all equal"),
        pytest.param(np.eye(4), id="fewer than a group"),
        pytest.param(np.zeros((30, 4)), id="zeros"),
        pytest.param(np.eye(30), id="all as far from each other"),
    ],
)
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_where_there_is_no_group_all_is_noise(vectors, metric):
    fitted = fit_hdbscan(vectors, min_cluster_size=5, metric=metric)
    count = len(vectors)
    assert fitted.labels.tolist() == [-1] * count
    assert fitted.probabilities.tolist() == [0] * count
    assert len(fitted.persistence) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_rows_without_finite_values_are_named(value):
    vectors = embeddings_like(20)
    vectors[[3, 11], 2] = value
    with pytest.raises(InvalidVectors, match=r"2 of 20 .*3, 11") as refusal:
        fit_hdbscan(vectors)
    assert refusal.value.details["rows"] == [3, 11]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_numbers_are_in_their_range_whatever_the_data(name, metric):
    vectors = CASES[name]()
    fitted = fit_hdbscan(vectors, min_cluster_size=5, metric=metric)
    for numbers in (fitted.probabilities, fitted.outlier_scores):
        assert numbers.shape == (len(vectors),)
        assert ((numbers >= 0) & (numbers <= 1)).all()
    assert (fitted.labels.dtype, fitted.labels.min() >= -1) == (np.int64, True)
    assert set(fitted.labels) - {-1} == set(range(len(fitted.persistence)))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.int64])
def test_any_kind_of_number_will_do(dtype):
    points, truth = blobs(300)
    fitted = fit_hdbscan((20 * points).astype(dtype), min_cluster_size=5)
    assert adjusted_rand_score(truth, fitted.labels) > 0.9


def test_views_of_any_layout_will_do():
    points, _ = blobs(300)
    wide = np.asfortranarray(np.repeat(points, 2, axis=1))[:, ::2]
    fitted, plain = fit_hdbscan(wide), fit_hdbscan(points)
    np.testing.assert_array_equal(fitted.labels, plain.labels)
    np.testing.assert_array_equal(fitted.outlier_scores, plain.outlier_scores)


def test_the_order_of_rows_is_the_order_of_labels_and_nothing_else():
    vectors = embeddings_like(500)
    order = np.random.default_rng(0).permutation(len(vectors))
    fitted, shuffled = fit_hdbscan(vectors), fit_hdbscan(vectors[order])
    assert adjusted_rand_score(fitted.labels[order], shuffled.labels) == 1
    np.testing.assert_allclose(shuffled.probabilities, fitted.probabilities[order], atol=1e-6)
    np.testing.assert_allclose(shuffled.outlier_scores, fitted.outlier_scores[order], atol=1e-6)


def test_vectors_without_direction_are_noise_under_cosine_and_counted():
    vectors = np.random.default_rng(0).uniform(1, 5, (300, 1)) * embeddings_like(300)
    vectors[[7, 70]] = 0
    fitted = fit_hdbscan(vectors, metric="cosine")
    others = np.delete(np.arange(300), [7, 70])
    alone = fit_hdbscan(vectors[others], metric="cosine")
    assert fitted.labels[[7, 70]].tolist() == [-1, -1]
    assert fitted.outlier_scores[[7, 70]].tolist() == [1, 1]
    np.testing.assert_array_equal(fitted.labels[others], alone.labels)
    assert fitted.record == {
        "metric": "cosine",
        "normalized": "rows scaled to unit length; Euclidean distance between them",
        "zero_vectors": 2,
    }


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_a_graph_made_before_changes_nothing(metric):
    vectors = 3 * embeddings_like(400)
    graph = nearest_neighbors(vectors, 40, metric)
    given = fit_hdbscan(vectors, metric=metric, neighbors=graph)
    alone = fit_hdbscan(vectors, metric=metric)
    np.testing.assert_array_equal(given.spanning_tree.weight, alone.spanning_tree.weight)
    np.testing.assert_array_equal(given.labels, alone.labels)


def test_a_graph_of_another_metric_is_left_alone():
    vectors = np.random.default_rng(0).uniform(1, 5, (300, 1)) * embeddings_like(300)
    graph = nearest_neighbors(vectors, 40, "cosine")
    given, alone = fit_hdbscan(vectors, neighbors=graph), fit_hdbscan(vectors)
    np.testing.assert_array_equal(given.spanning_tree.weight, alone.spanning_tree.weight)


def test_an_unknown_metric_is_refused_with_those_there_are():
    with pytest.raises(InvalidParameters, match="'hamming'; it has: euclidean, l2, cosine"):
        fit_hdbscan(embeddings_like(30), metric="hamming")


def test_planted_groups_and_planted_noise_are_found():
    points, truth = blobs(300)
    far = np.random.default_rng(0).uniform(-4, 4, (30, points.shape[1]))
    fitted = fit_hdbscan(np.vstack([points, far]), min_cluster_size=15)
    assert adjusted_rand_score(truth, fitted.labels[:300]) > 0.95
    assert (fitted.labels[300:] == -1).mean() > 0.9
    assert np.median(fitted.outlier_scores[300:]) > np.median(fitted.outlier_scores[:300]) + 0.5
