"""No document, one, two, all equal, too few, zeros, odd shapes: an error or a sensible answer."""

import json

import numpy as np
import pytest

from clustering_pipeline.engine import cluster, fit, quality, reduce
from clustering_pipeline.engine.algorithms import algorithm as algorithm_named
from clustering_pipeline.engine.algorithms import names
from clustering_pipeline.model.algorithms.density import DBSCANParams
from clustering_pipeline.model.errors import (
    DoesNotFit,
    EmptySelection,
    InvalidParameters,
    InvalidVectors,
)
from clustering_pipeline_tests.engine.data import blobs
from clustering_pipeline_tests.sizes import FULL

# evoc compiles for minutes in a fresh environment: one file does at CI size, test_evoc.py.
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


@pytest.mark.parametrize("scale", [1e30, 1e-30])
@pytest.mark.parametrize("algorithm", ["kmeans", "agglomerative"])
def test_large_and_tiny_numbers_are_grouped_like_others(algorithm, scale):
    points, _ = blobs(90)
    usual, other = (
        fit(np.float32(by) * points, algorithm=algorithm, params={"n_clusters": 3})
        for by in (1, scale)
    )
    assert other.labels.tolist() == usual.labels.tolist()
    assert "warnings" not in other.record


def test_large_numbers_are_mixed_like_small_ones():
    points, _ = blobs(90)
    small, large = (
        fit(np.float32(by) * points, algorithm="gaussian_mixture", params={"n_components": 3})
        for by in (1, 1e30)
    )
    assert large.labels.tolist() == small.labels.tolist()


@every_algorithm
@pytest.mark.parametrize(("scale", "way"), [(1e200, "down"), (1e-200, "up")])
def test_numbers_whose_squares_are_none_are_refused(algorithm, scale, way):
    with pytest.raises(InvalidVectors, match=f"scale the vectors {way}"):
        fit(scale * np.random.default_rng(0).normal(size=(90, 4)), algorithm=algorithm)


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


@pytest.mark.parametrize("smallest", [10, 10**9])
def test_fewer_than_min_cluster_size_are_noise(smallest):
    points, _ = blobs(9)
    result = cluster(points, algorithm="hdbscan", params={"min_cluster_size": smallest})
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


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("scale", [1e30, 1e-30, 1e-42])
def test_every_step_takes_numbers_of_any_size(step, scale):
    points = np.float32(scale) * np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    result = cluster(points, algorithm="kmeans", preprocessing=[STEPS[step]])
    assert_an_answer(result, 40)
    json.dumps(result.record, allow_nan=False)


@pytest.mark.parametrize("added", [0.0, 1e-40])
def test_directions_without_variance_stay_without_when_whitened(added):
    points = np.random.default_rng(0).normal(size=(60, 5)) @ np.ones((5, 9)) / 3
    whitened = reduce(points, [{"method": "whitening", "regularization": added}]).vectors
    assert whitened.var(axis=0, ddof=1).sum() == pytest.approx(1)


def test_fewer_documents_than_dimensions_are_whitened_alike():
    points = np.random.default_rng(0).normal(size=(30, 40))
    copies = np.repeat(points, 2, axis=0)  # more than dimensions, and the same directions
    few, many = (
        reduce(each, [{"method": "whitening", "regularization": 0.1}]).vectors[step]
        for each, step in ((points * np.sqrt(58 / 59), slice(None)), (copies, slice(None, None, 2)))
    )
    np.testing.assert_allclose(few, many * np.sqrt(58 / 59), atol=1e-9)


def test_zero_vectors_have_a_direction_once_they_are_moved():
    points, _ = blobs(60)
    points[:5] = 0
    steps = [{"method": "whitening"}, STEPS["umap"]]
    assert (cluster(points, algorithm="kmeans", preprocessing=steps).labels >= 0).all()


@pytest.mark.parametrize("algorithm", ["dbscan", "optics"])
def test_a_row_of_equal_values_is_noise_under_correlation(algorithm):
    points, _ = blobs(60)
    points[7] = 0.1
    fitted = fit(points, algorithm=algorithm, params={"metric": "correlation"})
    assert (fitted.labels[7], fitted.probabilities[7]) == (-1, 0)
    assert fitted.record["constant_vectors"] == 1
    assert "warnings" not in fitted.record


def test_copies_are_no_reason_for_a_warning():
    points = np.repeat(blobs(4)[0], 15, axis=0)
    assert "warnings" not in fit(points, algorithm="optics").record


def test_the_record_says_how_many_groups_copies_left():
    points = np.repeat(blobs(3)[0], 20, axis=0)
    record = fit(points, algorithm="kmeans", params={"n_clusters": 8}).record
    assert (record["params"]["n_clusters"], record["groups"]) == (8, 3)


REFUSED = [
    pytest.param("dbscan", {"metric_params": {"q": 1}}, "argument 'q'", id="argument"),
    pytest.param(
        "dbscan", {"metric": "cosine", "algorithm": "kd_tree"}, "use algorithm 'auto'", id="tree"
    ),
    pytest.param("optics", {"metric_params": {"q": 1}}, "argument 'q'", id="another-argument"),
    pytest.param("optics", {"xi": 1}, "xi must be below 1", id="xi"),
    pytest.param("spectral", {"affinity": "cosine"}, "use 'rbf' or", id="negative-similarity"),
    pytest.param("spectral", {"affinity": "chi2"}, "use 'rbf' or", id="negative-values"),
    pytest.param("mean_shift", {"seeds": []}, "give seeds", id="no-seed"),
    pytest.param(
        "mean_shift", {"bin_seeding": True, "min_bin_freq": 99}, "lower min_bin_freq", id="no-cell"
    ),
    pytest.param(
        "agglomerative", {"connectivity": [[1]]}, "matrix of 40 rows and columns", id="matrix"
    ),
    pytest.param("agglomerative", {"connectivity": {"a": 1}}, "matrix of 40 rows", id="no-matrix"),
    pytest.param(
        "gaussian_mixture", {"n_components": 2, "weights_init": [1]}, r"shape of \(2,\)", id="shape"
    ),
    pytest.param("kmeans", 5, "mapping of names to values, not 5", id="no-mapping"),
    pytest.param("kmeans", DBSCANParams(), "kmeans takes no parameters of dbscan", id="of-another"),
]


@pytest.mark.parametrize(("algorithm", "params", "message"), REFUSED)
def test_parameters_that_cannot_work_name_the_way_out(algorithm, params, message):
    points = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    with pytest.raises(InvalidParameters, match=message):
        cluster(points, algorithm=algorithm, params=params)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        pytest.param({"random_state": -1}, "from 0 to 4294967295, not -1", id="seed"),
        pytest.param({"random_state": None}, "not None", id="no-seed"),
        pytest.param({"sample_size": 0}, "sample_size must be a whole number above 0", id="none"),
        pytest.param({"sample_size": 2.5}, "not 2.5", id="half"),
        pytest.param({"preprocessing": "umap"}, r"steps such as {'method': 'umap'}", id="text"),
        pytest.param({"preprocessing": {"method": "pca"}}, "a list of steps", id="one-step"),
        pytest.param({"preprocessing": [{"n_components": 2}]}, "the methods are", id="no-method"),
        pytest.param(
            {"preprocessing": [{"method": "tsne", "learning_rate": 1e300}]}, "200", id="too-fast"
        ),
    ],
)
def test_what_cannot_be_asked_for_names_the_way_out(asked, message):
    with pytest.raises(InvalidParameters, match=message):
        cluster(blobs(40)[0], algorithm="kmeans", **asked)


def test_numbers_of_numpy_are_numbers():
    asked = {"random_state": np.int64(3), "sample_size": np.int64(20)}
    json.dumps(cluster(blobs(40)[0], algorithm="kmeans", **asked).record)
