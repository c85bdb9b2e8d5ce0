import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components

from clustering_pipeline.engine.hdbscan.spanning_tree import lists_needed, spanning_tree
from clustering_pipeline.engine.neighbors.graph import nearest_neighbors
from clustering_pipeline_tests.engine.data import digits, iris, moons
from clustering_pipeline_tests.engine.hdbscan.cases import (
    CASES,
    embeddings_like,
    kruskal,
    reachability_of,
    two_of_many,
)

DATA = CASES | {"digits": digits, "iris": iris, "moons": moons}
data = pytest.mark.parametrize("make", [pytest.param(make, id=name) for name, make in DATA.items()])


def as_rows(edges):
    return np.column_stack([edges.low, edges.high, edges.weight])


@data
@pytest.mark.parametrize("min_samples", [1, 5, 50])
def test_the_tree_is_that_of_brute_force_ties_by_id(make, min_samples):
    vectors = make()
    weights, core = reachability_of(vectors, min_samples=min_samples)

    tree = spanning_tree(vectors, min_samples=min_samples)

    np.testing.assert_array_equal(as_rows(tree.edges), kruskal(weights))
    np.testing.assert_array_equal(tree.core_distances, core)


@pytest.mark.parametrize("alpha", [0.5, 1.3, 3.0])
def test_alpha_divides_distances_but_not_core_distances(alpha):
    vectors = embeddings_like(300)
    weights, _ = reachability_of(vectors, min_samples=5, alpha=alpha)
    tree = spanning_tree(vectors, min_samples=5, alpha=alpha)
    np.testing.assert_array_equal(as_rows(tree.edges), kruskal(weights))


def test_more_components_than_the_second_pass_holds_are_joined_with_the_right_weights():
    vectors = two_of_many(4_500, kinds=150)
    ones = vectors.sum(axis=1)
    squared = ones[:, None] + ones - 2 * vectors @ vectors.T
    core = np.partition(squared, 5, axis=1)[:, 5]
    weights = np.sqrt(np.maximum(squared, np.maximum(core[:, None], core)).astype(np.float64))
    steps = np.unique(weights[weights < 2])  # nothing is left apart there
    components = [connected_components(weights <= step)[0] for step in steps]
    edges = -np.diff(components, prepend=len(vectors))

    tree = spanning_tree(vectors, min_samples=5)

    np.testing.assert_array_equal(tree.edges.weight, np.repeat(steps, edges))


def test_a_graph_made_before_gives_the_same_tree():
    vectors = embeddings_like()
    graph = nearest_neighbors(vectors, lists_needed(min_samples=5) + 7)
    given = spanning_tree(vectors, min_samples=5, neighbors=graph)
    np.testing.assert_array_equal(
        as_rows(given.edges), as_rows(spanning_tree(vectors, min_samples=5).edges)
    )


def test_a_graph_too_short_is_made_anew():
    vectors = embeddings_like()
    graph = nearest_neighbors(vectors, 3)
    given = spanning_tree(vectors, min_samples=5, neighbors=graph)
    np.testing.assert_array_equal(
        as_rows(given.edges), as_rows(spanning_tree(vectors, min_samples=5).edges)
    )


def test_the_order_of_rows_changes_no_weight():
    vectors = digits()
    order = np.random.default_rng(0).permutation(len(vectors))
    np.testing.assert_array_equal(
        spanning_tree(vectors[order], min_samples=5).edges.weight,
        spanning_tree(vectors, min_samples=5).edges.weight,
    )


class Stop(Exception):
    pass


@pytest.mark.parametrize("calls", [1, 2, 3], ids=lambda calls: f"call {calls}")
def test_a_fit_ends_when_the_check_says_so(calls):
    left = iter(range(calls - 1))

    def stop():
        if next(left, None) is None:
            raise Stop

    with pytest.raises(Stop):
        spanning_tree(embeddings_like(700), min_samples=5, check=stop)
