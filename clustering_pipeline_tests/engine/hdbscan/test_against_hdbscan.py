"""Our trees and groups against those of the hdbscan package, which measures every pair."""

from functools import cache

import numpy as np
import pytest
from hdbscan import HDBSCAN
from scipy.spatial.distance import cdist
from sklearn import datasets
from sklearn.metrics import adjusted_rand_score

from clustering_pipeline.engine.hdbscan import fit_hdbscan
from clustering_pipeline.engine.neighbors.screening import pair_distances
from clustering_pipeline_tests.engine.data import digits, iris, moons, passages
from clustering_pipeline_tests.engine.hdbscan.cases import (
    Sets,
    embeddings_like,
    near_copies,
    with_copies,
)

DATA = {
    "digits": digits,
    "iris": iris,
    "wine": lambda: datasets.load_wine().data,
    "blobs": lambda: datasets.make_blobs(600, n_features=12, centers=9, random_state=0)[0],
    "moons": moons,
    "copies": with_copies,
    "near copies": lambda: near_copies(apart=1e-7),
    "passages": passages,
}
SETTINGS = {
    "as they are": {"min_cluster_size": 5},
    "larger groups": {"min_cluster_size": 15, "min_samples": 5},
    "leaves": {"min_cluster_size": 10, "cluster_selection_method": "leaf"},
    "epsilon": {"min_cluster_size": 5, "cluster_selection_epsilon": 0.5},
    "largest size": {"min_cluster_size": 5, "max_cluster_size": 60},
    "a single group": {"min_cluster_size": 25, "allow_single_cluster": True},
    "the first implementation": {"min_cluster_size": 8, "match_reference_implementation": True},
    "alpha": {"min_cluster_size": 10, "alpha": 1.2},
}
data = pytest.mark.parametrize("name", DATA)


def package(vectors, **settings):
    """hdbscan's own fit by the algorithm that follows all of its parameters."""
    model = HDBSCAN(
        **settings, algorithm="prims_kdtree", approx_min_span_tree=False, gen_min_span_tree=True
    )
    return model.fit(np.asarray(vectors, dtype=np.float64))


@cache
def reference(name):
    return package(DATA[name](), min_cluster_size=5)


@cache
def ours(name):
    return fit_hdbscan(DATA[name](), min_cluster_size=5)


@cache
def distances(name):
    vectors = np.asarray(DATA[name](), dtype=np.float64)
    return cdist(vectors, vectors)


def tree_of(model):
    """hdbscan's tree in our order of weights."""
    tree = model._min_spanning_tree
    return tree[np.argsort(tree[:, 2], kind="stable")]


@data
def test_tree_weights_are_the_packages(name):
    vectors = np.asarray(DATA[name](), dtype=np.float64)
    left, right, _ = tree_of(reference(name)).T.astype(np.int64)
    core = np.partition(distances(name), 5, axis=1)[:, 5]
    weights = np.maximum(pair_distances(vectors, left, right), np.maximum(core[left], core[right]))
    np.testing.assert_allclose(ours(name).spanning_tree.weight, np.sort(weights), rtol=0, atol=1e-9)


@data
def test_components_at_every_weight_are_the_packages(name):
    edges = ours(name).spanning_tree
    mine = np.column_stack([edges.low, edges.high, edges.weight])
    theirs = tree_of(reference(name))
    sets, others = Sets(len(mine) + 1), Sets(len(mine) + 1)
    steps = np.flatnonzero(np.diff(mine[:, 2], append=np.inf) > 1e-9) + 1
    for step in np.split(np.arange(len(mine)), steps[:-1]):
        pairs, counterparts = mine[step, :2].astype(int), theirs[step, :2].astype(int)
        for pair, counterpart in zip(pairs, counterparts, strict=True):
            sets.join(*pair)
            others.join(*counterpart)
        assert not any(sets.join(*pair) for pair in counterparts)
        assert not any(others.join(*pair) for pair in pairs)


def package_on(matrix):
    """hdbscan's labels from distances that need not be measured again for every order."""
    return HDBSCAN(min_cluster_size=5, metric="precomputed").fit(matrix).labels_


@data
def test_labels_are_as_near_to_the_packages_as_it_is_to_itself(name):
    theirs = package_on(distances(name))
    rng = np.random.default_rng(0)
    agreements = []
    for _ in range(10):
        order = rng.permutation(len(theirs))
        again = package_on(distances(name)[np.ix_(order, order)])
        agreements.append(adjusted_rand_score(theirs[order], again))
    agreement = adjusted_rand_score(theirs, ours(name).labels)
    assert agreement >= min(agreements) - 0.005


@pytest.mark.parametrize(
    "settings", [pytest.param(each, id=name) for name, each in SETTINGS.items()]
)
def test_groups_and_scores_are_the_packages_where_no_tie_decides(settings):
    vectors = embeddings_like(600, dtype=np.float64)
    theirs = package(vectors, **settings)

    fitted = fit_hdbscan(vectors, **settings)

    assert adjusted_rand_score(theirs.labels_, fitted.labels) == 1
    np.testing.assert_allclose(fitted.probabilities, theirs.probabilities_, rtol=0, atol=1e-6)


def test_persistence_is_the_packages():
    vectors = embeddings_like(600, dtype=np.float64)
    theirs = package(vectors, min_cluster_size=15)
    fitted = fit_hdbscan(vectors, min_cluster_size=15)
    np.testing.assert_allclose(np.sort(fitted.persistence), np.sort(theirs.cluster_persistence_))


def test_outlier_scores_are_the_packages_where_no_tie_decides():
    vectors = embeddings_like(600, dtype=np.float64)
    theirs = package(vectors, min_cluster_size=15, min_samples=5)
    fitted = fit_hdbscan(vectors, min_cluster_size=15, min_samples=5)
    np.testing.assert_allclose(fitted.outlier_scores, theirs.outlier_scores_, rtol=0, atol=1e-6)


@pytest.mark.parametrize("metric", ["manhattan", "chebyshev", "canberra", "braycurtis"])
def test_other_metrics_are_the_packages(metric):
    vectors = embeddings_like(120, dimensions=6, dtype=np.float64)
    prims = "prims_balltree" if metric in {"canberra", "braycurtis"} else "prims_kdtree"
    theirs = HDBSCAN(min_cluster_size=5, metric=metric, algorithm=prims, gen_min_span_tree=True)
    weights = np.sort(theirs.fit(vectors)._min_spanning_tree[:, 2])
    fitted = fit_hdbscan(vectors, min_cluster_size=5, metric=metric)
    np.testing.assert_allclose(fitted.spanning_tree.weight, weights)
