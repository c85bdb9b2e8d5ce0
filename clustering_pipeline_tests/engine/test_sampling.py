import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.neighbors import KNeighborsClassifier
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


@pytest.mark.parametrize("algorithm", ["lloyd", "elkan"])
def test_k_means_assigns_the_rest_as_scikit_learn_predicts(algorithm):
    points = passages().astype(np.float64)
    params = {"n_clusters": 9, "algorithm": algorithm}
    result = cluster(points, algorithm="kmeans", params=params, sample_size=300)
    rows = sample_rows(len(points), 300)
    groups = range(result.labels.max() + 1)
    middles = [points[rows[result.labels[rows] == group]].mean(axis=0) for group in groups]
    model = KMeans(n_clusters=9, init=np.array(middles), n_init=1, max_iter=1).fit(middles)
    others = np.setdiff1d(np.arange(len(points)), rows)
    assert model.predict(points[others]).tolist() == result.labels[others].tolist()
    assert (result.probabilities[others] == 1).all()
    assert result.record["assigned_by"] == "centroids"


def test_it_is_so_whatever_the_number_of_threads():
    points = passages()
    middles = points[:7].astype(np.float64)
    with threadpool_limits(1):
        alone = assign_to_centroids(points, middles, rows=np.arange(5, 900))
    assert alone.tolist() == assign_to_centroids(points[5:900], middles).tolist()


@pytest.mark.parametrize(
    ("algorithm", "preprocessing"),
    [("agglomerative", None), ("kmeans", [{"method": "pca", "n_components": 5}])],
)
def test_neighbours_decide_where_no_centroid_does(algorithm, preprocessing):
    result = cluster(
        blobs(300)[0],
        algorithm=algorithm,
        params={"n_clusters": 3},
        preprocessing=preprocessing,
        sample_size=100,
    )
    assert result.record["assigned_by"] == "neighbors"
    assert "assigned_by" not in cluster(blobs(30)[0], algorithm="hdbscan").record


@pytest.mark.parametrize("fitted", [15, 1_000, 1_919, 1_920, 1_985, 3_000])
def test_the_voters_are_the_nearest_however_many_are_fitted(fitted):
    rng = np.random.default_rng(fitted)
    known = rng.normal(size=(fitted, 12)).astype(np.float32)
    points = rng.normal(size=(40, 12)).astype(np.float32)
    labels = rng.integers(-1, 6, size=fitted)
    model = KNeighborsClassifier(15, metric="cosine").fit(known, labels)
    shares = dict(zip(model.classes_.tolist(), model.predict_proba(points).T, strict=True))
    found = assign(points, known, labels)
    best = np.max(list(shares.values()), axis=0)
    for row, label in enumerate(found.labels.tolist()):
        assert shares[label][row] == pytest.approx(best[row])
