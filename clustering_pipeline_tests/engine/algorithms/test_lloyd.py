"""Lloyd's iteration against scikit-learn's from the same centres."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from clustering_pipeline.engine import fit
from clustering_pipeline.engine.algorithms.lloyd import Iterated, lloyd, tolerance
from clustering_pipeline.engine.runtime.threads import spread
from clustering_pipeline.engine.vectors import never
from clustering_pipeline_tests.engine.data import DATASETS, blobs, digits, passages


def moved(points, start, *, most=300) -> Iterated:
    with spread() as several:
        return lloyd(
            points, start, most=most, tolerance=tolerance(points, 1e-4), spread=several, check=never
        )


def reference(points, start, *, most=300):
    return KMeans(len(start), init=start, n_init=1, max_iter=most, algorithm="lloyd").fit(points)


def assert_alike(ours, theirs):
    assert adjusted_rand_score(theirs.labels_, ours.labels) == 1
    assert ours.iterations == theirs.n_iter_
    assert ours.inertia == pytest.approx(theirs.inertia_, rel=1e-6)


@pytest.mark.parametrize("most", [1, 2, 300])
@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_as_many_rounds_lead_to_the_same_groups(dataset, most):
    points = DATASETS[dataset]()
    points = points - points.mean(axis=0)
    rng = np.random.default_rng(0)
    start = points[rng.choice(len(points), 7, replace=False)]
    start += 1e-3 * rng.normal(size=start.shape).astype(start.dtype)  # no two as near to a document
    assert_alike(moved(points, start, most=most), reference(points, start, most=most))


@pytest.mark.parametrize("empty", [1, 2])
def test_an_empty_group_takes_the_farthest_document(empty):
    points, _ = blobs(120, dtype=np.float64)
    points -= points.mean(axis=0)
    start = np.concatenate([points[:4], 1e3 * np.ones((empty, points.shape[1]))])
    ours = moved(points, start)
    assert_alike(ours, reference(points, start))
    assert len(np.unique(ours.labels)) == 4 + empty


def test_documents_that_are_all_equal_are_one_group():
    labels = fit(np.ones((20, 3)), algorithm="kmeans", params={"n_clusters": 3}).labels
    assert labels.tolist() == [0] * 20


def test_the_number_of_threads_changes_nothing():
    points = np.tile(passages(400), (12, 1))  # several blocks
    points += np.random.default_rng(0).normal(scale=0.01, size=points.shape).astype(np.float32)
    start = points[::700]
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            found.append(moved(points, start))
    assert found[0].labels.tolist() == found[1].labels.tolist()
    assert found[0].inertia == found[1].inertia


def test_each_start_is_recorded_by_the_best():
    record = fit(digits(), algorithm="kmeans", params={"n_clusters": 10, "n_init": 3}).record
    assert record["start"] in {0, 1, 2}
    assert record["iterations"] > 1
