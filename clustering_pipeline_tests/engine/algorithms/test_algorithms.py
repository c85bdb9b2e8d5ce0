"""Every algorithm answers as the library it stands on."""

import numpy as np
import pytest
from scipy.sparse.linalg import ArpackNoConvergence
from sklearn import cluster as sklearn_cluster
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from clustering_pipeline.engine import fit
from clustering_pipeline.engine.algorithms import algorithm, names
from clustering_pipeline.engine.algorithms.evoc import LAYERS, refuse_workqueue
from clustering_pipeline.engine.algorithms.spectral import converging
from clustering_pipeline.engine.runtime.threads import one_thread
from clustering_pipeline.model.algorithms.registry import PARAMS
from clustering_pipeline.model.errors import InvalidParameters
from clustering_pipeline_tests.engine.data import DATASETS, blobs, digits, iris, passages
from clustering_pipeline_tests.sizes import size

REFERENCES = {
    "kmeans": (sklearn_cluster.KMeans, {"n_clusters": 5, "n_init": 3, "random_state": 7}, {}),
    "dbscan": (sklearn_cluster.DBSCAN, {"eps": 0.8, "min_samples": 4}, {}),
    "agglomerative": (
        sklearn_cluster.AgglomerativeClustering,
        {"n_clusters": 6, "linkage": "average", "affinity": "cosine"},
        {"affinity": "metric"},
    ),
    "spectral": (
        sklearn_cluster.SpectralClustering,
        {"n_clusters": 4, "affinity": "nearest_neighbors", "n_neighbors": 30, "random_state": 3},
        {},
    ),
    "mean_shift": (sklearn_cluster.MeanShift, {"bandwidth": 1.1, "bin_seeding": True}, {}),
    "optics": (sklearn_cluster.OPTICS, {"min_samples": 8, "xi": 0.05}, {}),
}


def reference_labels(algorithm, vectors):
    model, params, renamed = REFERENCES[algorithm]
    named = {renamed.get(name, name): value for name, value in params.items()}
    with one_thread():
        return model(**named).fit(vectors).labels_


# Loops over single points: of made-up data a few hundred say as much.
SLOW = {"mean_shift", "optics"}


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("algorithm", REFERENCES)
@pytest.mark.filterwarnings("ignore::UserWarning:sklearn")
def test_labels_equal_scikit_learns(algorithm, dataset):
    vectors = DATASETS[dataset]()
    thinned = algorithm in SLOW and dataset != "passages"
    vectors = vectors[:: size(ci=4, full=1)] if thinned else vectors
    ours = fit(vectors, algorithm=algorithm, params=REFERENCES[algorithm][1])
    assert adjusted_rand_score(reference_labels(algorithm, vectors), ours.labels) == 1.0


@pytest.mark.parametrize("given", [{}, {"cluster_method": "dbscan", "eps": 0.2}, {"max_eps": 0.4}])
def test_optics_by_angles_equals_scikit_learns(given):
    params = {"min_samples": 5, "metric": "cosine"} | given
    vectors = passages(300).astype(np.float64)
    with one_thread():
        usual = {"max_eps": np.inf} | params
        reference = sklearn_cluster.OPTICS(**usual).fit(vectors).labels_
    ours = fit(vectors, algorithm="optics", params=params)
    assert adjusted_rand_score(reference, ours.labels) == 1.0


@pytest.mark.parametrize("iteration", ["lloyd", "elkan"])
@pytest.mark.parametrize("init", ["k-means++", "random"])
def test_kmeans_starts_as_scikit_learn_does(init, iteration):
    params = {"n_clusters": 10, "n_init": 4, "init": init, "random_state": 1}
    params["algorithm"] = iteration
    reference = sklearn_cluster.KMeans(**params).fit(digits())
    ours = fit(digits(), algorithm="kmeans", params=params)
    assert adjusted_rand_score(reference.labels_, ours.labels) == 1.0
    assert ours.record["inertia"] == pytest.approx(reference.inertia_, rel=1e-9)


@pytest.mark.parametrize("covariance", ["full", "tied", "diag", "spherical"])
def test_gaussian_mixture_equals_scikit_learns(covariance):
    params = {"n_components": 3, "covariance_type": covariance, "random_state": 5}
    reference = GaussianMixture(**params).fit(iris())
    ours = fit(iris(), algorithm="gaussian_mixture", params=params)
    assert adjusted_rand_score(reference.predict(iris()), ours.labels) == 1.0
    shares = reference.predict_proba(iris()).max(axis=1)
    np.testing.assert_allclose(ours.probabilities, shares, atol=1e-9)


@pytest.mark.parametrize("dataset", DATASETS)
def test_gaussian_mixture_of_every_dataset_equals_scikit_learns(dataset):
    vectors = DATASETS[dataset]()
    params = {"n_components": 6, "covariance_type": "diag", "random_state": 5}
    reference = GaussianMixture(**params).fit_predict(vectors)
    ours = fit(vectors, algorithm="gaussian_mixture", params=params)
    assert adjusted_rand_score(reference, ours.labels) == 1.0


def test_there_is_an_algorithm_for_every_method_of_the_contract():
    assert {*names(), "attribute_based"} == set(PARAMS)


def test_an_unknown_algorithm_is_refused_with_those_there_are():
    with pytest.raises(InvalidParameters, match=r"no algorithm 'kmean'; there are: .*kmeans"):
        fit(blobs()[0], algorithm="kmean")


def test_parameters_of_another_algorithm_are_refused_with_the_right_ones():
    with pytest.raises(InvalidParameters) as refused:
        fit(blobs()[0], algorithm="kmeans", params={"min_cluster_size": 5})
    assert "'min_cluster_size' (a parameter of hdbscan" in refused.value.message
    assert "it takes: n_clusters" in refused.value.message


@pytest.mark.parametrize(
    ("params", "message"),
    [
        pytest.param({"linkage": "ward", "affinity": "cosine"}, "use linkage 'average'", id="ward"),
        pytest.param({"n_clusters": 3, "distance_threshold": 1.0}, "not both", id="both"),
        pytest.param({"n_clusters": None}, "give one", id="neither"),
    ],
)
def test_agglomerative_says_which_parameters_exclude_each_other(params, message):
    with pytest.raises(InvalidParameters, match=message):
        fit(blobs()[0], algorithm="agglomerative", params=params)


def test_agglomerative_stops_at_the_distance():
    points, truth = blobs()
    fitted = fit(points, algorithm="agglomerative", params={"distance_threshold": 5.0})
    assert adjusted_rand_score(truth, fitted.labels) == 1.0


def test_agglomerative_keeps_the_distances_it_was_asked_for():
    params = {"compute_distances": True, "linkage": "average"}
    record = fit(iris(), algorithm="agglomerative", params=params).record
    joined = sklearn_cluster.AgglomerativeClustering(**params).fit(iris()).distances_
    assert record["distances"] == joined.tolist()


def test_a_mixture_that_cannot_be_estimated_names_the_way_out():
    points = np.repeat([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]], 10, axis=0)
    params = {"n_components": 2, "reg_covar": 0.0, "init_params": "random_from_data"}
    with pytest.raises(InvalidParameters, match="covariance_type 'diag'"):
        fit(points, algorithm="gaussian_mixture", params=params)


def test_a_solver_whose_package_is_missing_is_refused():
    with pytest.raises(InvalidParameters, match="use 'arpack' or 'lobpcg'"):
        fit(blobs()[0], algorithm="spectral", params={"eigen_solver": "amg"})


@pytest.mark.parametrize(
    ("chosen", "layers"),
    [
        pytest.param("workqueue", LAYERS, id="chosen"),
        pytest.param("default", ["a_layer_nobody_has"], id="no-other"),
    ],
)
def test_a_pool_of_threads_in_which_evoc_dies_is_refused(chosen, layers):
    with pytest.raises(InvalidParameters, match="pip install tbb"):
        refuse_workqueue(chosen, layers)


def test_eigenvectors_that_do_not_converge_name_the_way_out():
    failure = ArpackNoConvergence("no convergence", np.empty(0), np.empty((9, 0)))
    with pytest.raises(InvalidParameters, match="set eigen_solver 'lobpcg'"), converging():
        raise failure


@pytest.mark.parametrize("quantile", [0.0, 0.1, 0.3])
def test_mean_shift_estimates_the_bandwidth(quantile):
    points, _ = blobs()
    bandwidth = sklearn_cluster.estimate_bandwidth(points, quantile=quantile)
    fitted = fit(points, algorithm="mean_shift", params={"bandwidth_quantile": quantile})
    assert fitted.record["bandwidth"] == pytest.approx(bandwidth, rel=1e-6)


def test_warnings_of_a_library_go_to_the_record():
    params = {"n_components": 5, "max_iter": 1, "random_state": 0}
    fitted = fit(iris(), algorithm="gaussian_mixture", params=params)
    assert "did not converge" in fitted.record["warnings"][0]


def test_a_zero_vector_is_noise_under_cosine():
    points, _ = blobs()
    points[7] = 0
    params = {"min_cluster_size": 10, "metric": "cosine"}
    density = fit(points, algorithm="hdbscan", params=params)
    joined = fit(
        points, algorithm="agglomerative", params={"affinity": "cosine", "linkage": "average"}
    )
    assert density.labels[7] == joined.labels[7] == -1
    assert density.probabilities[7] == joined.probabilities[7] == 0
    assert density.record["zero_vectors"] == joined.record["zero_vectors"] == 1


def test_methods_that_leave_noise_between_dense_regions_say_so():
    assert {name for name in names() if algorithm(name).density} == {
        "dbscan",
        "evoc",
        "hdbscan",
        "optics",
    }
