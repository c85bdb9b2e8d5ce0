import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from clustering_pipeline.engine import assign, assign_to_centroids, cluster, sample_rows
from clustering_pipeline_tests.engine.data import blobs, passages


@pytest.mark.parametrize("size", [None, 10, 11])
def test_a_sample_as_large_as_the_documents_is_all_of_them(size):
    assert sample_rows(10, size).tolist() == list(range(10))


def test_a_sample_is_seeded_uniform_and_in_order():
    rows = sample_rows(1_000, 100, random_state=3)
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert rows.tolist() == sample_rows(1_000, 100, random_state=3).tolist()
    assert rows.tolist() != sample_rows(1_000, 100, random_state=4).tolist()
    assert abs(rows.mean() - 500) < 100


def test_others_join_the_group_of_their_neighbours():
    points, truth = blobs(300)
    found = assign(points[200:], points[:200], truth[:200])
    assert found.labels.tolist() == truth[200:].tolist()
    assert found.probabilities.tolist() == [1.0] * 100


def test_what_lies_among_noise_stays_noise():
    points, truth = blobs(300)
    known = np.where(truth == 1, -1, truth)
    found = assign(points[200:], points[:200], known[:200])
    assert found.labels.tolist() == known[200:].tolist()
    assert (found.probabilities[found.labels < 0] == 0).all()


def test_a_zero_vector_is_near_no_group():
    points, truth = blobs(300)
    points[250] = 0
    found = assign(points[200:], points[:200], truth[:200])
    assert (found.labels[50], found.probabilities[50]) == (-1, 0)
    assert np.delete(found.labels, 50).tolist() == np.delete(truth[200:], 50).tolist()


def test_a_tie_goes_to_the_nearer_neighbours():
    known = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]])
    found = assign(np.array([[1, 0.5]]), known, [3, 3, 5, 5], voters=4)
    assert found.labels.tolist() == [3]
    assert found.probabilities.tolist() == [0.5]


def test_the_number_of_threads_places_nobody_elsewhere():
    vectors = passages(900)
    labels = np.arange(300) % 7
    few, more = (placed(vectors, labels, threads) for threads in (1, 2))
    assert few.labels.tolist() == more.labels.tolist()
    assert few.probabilities.tolist() == more.probabilities.tolist()


def placed(vectors, labels, threads):
    with threadpool_limits(threads):
        return assign(vectors[300:], vectors[:300], labels)


def test_the_nearest_centroid():
    points, truth = blobs(60)
    middles = np.array([points[truth == group].mean(axis=0) for group in range(3)])
    assert assign_to_centroids(points, middles).tolist() == truth.tolist()


def test_a_run_fits_the_sample_and_assigns_the_rest():
    points, truth = blobs(600)
    result = cluster(points, algorithm="hdbscan", params={"min_cluster_size": 10}, sample_size=200)
    assert result.record["fitted"] == 200
    assert result.record["assigned"] == 400
    pairs = set(zip(result.labels.tolist(), truth.tolist(), strict=True))
    assert len(pairs) == 3
    assert np.bincount(result.labels).tolist() == [200, 200, 200]
