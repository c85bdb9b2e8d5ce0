"""No document, one, two, all equal, too few, zeros, odd shapes: an error or a sensible answer."""

import numpy as np
import pytest

from clustering_pipeline.engine import cluster, fit, quality
from clustering_pipeline.engine.algorithms import algorithm as algorithm_named
from clustering_pipeline.engine.algorithms import names
from clustering_pipeline.model.errors import DoesNotFit, EmptySelection, InvalidVectors
from clustering_pipeline_tests.engine.data import blobs
from clustering_pipeline_tests.sizes import FULL

# evoc compiles for minutes in a fresh environment.
ALGORITHMS = [name for name in names() if FULL or name != "evoc"]
DENSITY = {"dbscan", "hdbscan", "optics", "evoc"}

every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


def assert_an_answer(result, count):
    assert result.labels.shape == result.probabilities.shape == (count,)
    assert result.outlier_scores.shape == (count,)
    assert result.labels.dtype == np.int64
    assert ((result.probabilities >= 0) & (result.probabilities <= 1)).all()
    assert ((result.outlier_scores >= 0) & (result.outlier_scores <= 1)).all()


@every_algorithm
def test_no_document_is_refused(algorithm):
    with pytest.raises(EmptySelection):
        cluster(np.empty((0, 3)), algorithm=algorithm)


@every_algorithm
def test_one_document_is_one_group(algorithm):
    result = cluster(np.ones((1, 3)), algorithm=algorithm)
    assert_an_answer(result, 1)
    assert result.labels.tolist() == [0]


@every_algorithm
@pytest.mark.parametrize("count", [2, 3, 7])
def test_a_few_documents_have_an_answer(algorithm, count):
    points = np.random.default_rng(0).normal(size=(count, 4)).astype(np.float32)
    assert_an_answer(cluster(points, algorithm=algorithm), count)


@every_algorithm
@pytest.mark.parametrize("value", [0.5, 0.0])
def test_equal_vectors_have_a_degenerate_answer(algorithm, value):
    points = np.full((90, 4), value, dtype=np.float32)
    result = cluster(points, algorithm=algorithm)
    assert_an_answer(result, 90)
    # Only density, or an angle that is none, makes noise of them.
    noise = algorithm in DENSITY or value == 0
    expected = {"single_cluster", "all_noise"} if noise else {"single_cluster"}
    assert quality(points, result.labels).degenerate in expected


@every_algorithm
def test_zero_vectors_have_an_answer(algorithm):
    points, _ = blobs(60)
    points[:5] = 0
    assert_an_answer(cluster(points, algorithm=algorithm), 60)


@every_algorithm
def test_one_dimension_has_an_answer(algorithm):
    points = np.sort(np.random.default_rng(1).normal(size=(50, 1)), axis=0)
    assert_an_answer(cluster(points, algorithm=algorithm), 50)


@every_algorithm
def test_many_dimensions_have_an_answer(algorithm):
    points, _ = blobs(60, dimensions=4_096)
    # A full covariance of 4,096 dimensions is 134 MB and a minute's work.
    params = {"covariance_type": "diag"} if algorithm == "gaussian_mixture" else None
    assert_an_answer(cluster(points, algorithm=algorithm, params=params), 60)


@every_algorithm
@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int32])
def test_every_type_of_number_has_an_answer(algorithm, dtype):
    points, _ = blobs(60)
    assert_an_answer(cluster((10 * points).astype(dtype), algorithm=algorithm), 60)


@every_algorithm
def test_numbers_may_lie_anywhere_in_memory(algorithm):
    points, _ = blobs(60)
    apart = np.asfortranarray(np.repeat(points, 2, axis=0))[::2]
    assert not apart.flags.forc  # contiguous in either order
    here, there = (cluster(each, algorithm=algorithm) for each in (points, apart))
    assert here.labels.tolist() == there.labels.tolist()


@every_algorithm
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused_by_row(algorithm, value):
    points, _ = blobs(30)
    points[[4, 9], 2] = value
    with pytest.raises(InvalidVectors, match=r"2 of 30 vectors hold NaN or infinity \(rows 4, 9\)"):
        cluster(points, algorithm=algorithm)


@pytest.mark.parametrize("algorithm", ["kmeans", "gaussian_mixture", "agglomerative"])
def test_large_numbers_are_grouped_like_small_ones(algorithm):
    points, _ = blobs(90)
    params = {"n_components" if algorithm == "gaussian_mixture" else "n_clusters": 3}
    small, large = (
        fit(np.float32(scale) * points, algorithm=algorithm, params=params) for scale in (1, 1e30)
    )
    assert large.labels.tolist() == small.labels.tolist()
    assert "warnings" not in large.record


@every_algorithm
def test_numbers_whose_squares_overflow_are_refused(algorithm):
    with pytest.raises(InvalidVectors, match="scale the vectors down"):
        fit(1e200 * np.random.default_rng(0).normal(size=(90, 4)), algorithm=algorithm)


def test_a_fit_that_finds_no_memory_says_what_to_change(monkeypatch):
    def starved(*_):
        raise MemoryError

    monkeypatch.setitem(vars(algorithm_named("kmeans")), "fit", starved)
    with pytest.raises(DoesNotFit, match=r"kmeans ran out of memory with 90 .* lower sample_size"):
        fit(blobs(90)[0], algorithm="kmeans")


def test_a_radius_beyond_all_numbers_holds_everything():
    labels = cluster(blobs(90)[0], algorithm="dbscan", params={"eps": 1e300}).labels
    assert labels.tolist() == [0] * 90


def test_a_perplexity_beyond_all_numbers_takes_all_there_are():
    steps = [{"method": "tsne", "perplexity": 1e300}]
    assert_an_answer(cluster(blobs(60)[0], algorithm="kmeans", preprocessing=steps), 60)


def test_fewer_than_min_cluster_size_are_noise():
    points, _ = blobs(9)
    result = cluster(points, algorithm="hdbscan", params={"min_cluster_size": 10})
    assert result.labels.tolist() == [-1] * 9
    assert quality(points, result.labels).degenerate == "all_noise"


def test_more_groups_than_documents_are_as_many_as_documents():
    points, _ = blobs(4, groups=4)
    for algorithm in ("kmeans", "agglomerative", "spectral"):
        result = cluster(points, algorithm=algorithm, params={"n_clusters": 9})
        assert sorted(result.labels) == [0, 1, 2, 3]
        assert quality(points, result.labels).degenerate == "all_singletons"
    mixture = cluster(points, algorithm="gaussian_mixture", params={"n_components": 9})
    assert mixture.labels.max() < 4
    parted = cluster(points, algorithm="evoc", params={"approx_n_clusters": 9}) if FULL else mixture
    assert parted.labels.max() < 4


STEPS = {
    "whitening": {"method": "whitening"},
    "pca": {"method": "pca", "n_components": 2},
    "umap": {"method": "umap", "n_components": 2, "n_neighbors": 5},
    "tsne": {"method": "tsne", "perplexity": 5.0},
    "none": {"method": "none"},
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("count", [1, 2, 3, 5, 40])
@pytest.mark.parametrize("kind", ["random", "equal", "zero"])
def test_every_step_takes_any_number_of_documents(step, count, kind):
    points = np.random.default_rng(0).normal(size=(count, 4)).astype(np.float32)
    if kind != "random":
        points[:] = float(kind == "equal")
    result = cluster(points, algorithm="dbscan", preprocessing=[STEPS[step]])
    assert_an_answer(result, count)
