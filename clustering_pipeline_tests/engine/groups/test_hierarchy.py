"""Groups within groups: one parent each, sizes that add up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from clustering_pipeline.engine import (
    Node,
    cluster,
    divide,
    fit,
    fit_in_child,
    hierarchy,
    of_labels,
    persistent_layers,
)
from clustering_pipeline.engine.groups.hierarchy import sizes, top_labels
from clustering_pipeline.model.errors import ClusteringError
from clustering_pipeline_tests.engine.data import blobs


def node(path, *rows):
    return Node(path=path, rows=np.array(rows))


def assert_sizes_add_up(tree):
    found = sizes(tree)
    for place, group in enumerate(tree.nodes):
        below = sum(found[child.path] for child in tree.children(group.path))
        assert found[group.path] == below + np.count_nonzero(tree.deepest == place)


def blobs_of_blobs(per_blob=30):
    """Three far apart places, each of two near ones: six small groups in three large ones."""
    rng = np.random.default_rng(0)
    far, near = 20 * rng.normal(size=(3, 5)), 3 * rng.normal(size=(6, 5))
    middles = np.repeat(far, 2, axis=0) + near
    truth = np.repeat(np.arange(6), per_blob)
    points = middles[truth] + 0.1 * rng.normal(size=(len(truth), 5))
    return points, truth // 2, truth


def test_every_document_knows_its_deepest_group():
    tree = hierarchy(6, [node((0,), 0, 1, 2, 3), node((0, 0), 1, 2), node((1,), 4)])
    assert [found.path for found in tree.nodes] == [(0,), (1,), (0, 0)]
    assert tree.deepest.tolist() == [0, 2, 2, 0, 1, -1]
    assert top_labels(tree).tolist() == [0, 0, 0, 0, 1, -1]
    assert tree.depth == 2
    assert_sizes_add_up(tree)


def test_no_group_is_a_hierarchy_of_noise():
    tree = hierarchy(3, [])
    assert tree.depth == 0
    assert top_labels(tree).tolist() == [-1, -1, -1]


@pytest.mark.parametrize(
    "nodes",
    [
        pytest.param([node((0, 0), 1)], id="no-parent"),
        pytest.param([node((0,), 0, 1), node((1,), 1, 2)], id="shared-document"),
        pytest.param([node((0,), 0, 1), node((0, 0), 1, 2)], id="child-outgrows-parent"),
    ],
)
def test_a_hierarchy_that_does_not_nest_is_refused(nodes):
    with pytest.raises(ClusteringError, match="does not lie in"):
        hierarchy(3, nodes)


def test_groups_are_divided_by_the_method_that_made_them():
    points, large, small = blobs_of_blobs()
    params = {"min_cluster_size": 10}
    tree = divide(points, large, algorithm="hdbscan", params=params, max_depth=1)
    assert tree.depth == 2
    found = {frozenset(child.rows.tolist()) for child in tree.nodes if child.level == 1}
    assert found == {frozenset(np.flatnonzero(small == group).tolist()) for group in range(6)}
    assert_sizes_add_up(tree)


@pytest.mark.parametrize("depth", [0, 1, 2, 5])
def test_division_goes_no_deeper_than_asked(depth):
    points, truth = blobs(200, groups=2)
    params = {"n_clusters": 2, "n_init": 1}
    tree = divide(points, truth, algorithm="kmeans", params=params, max_depth=depth)
    assert tree.depth <= depth + 1
    assert (top_labels(tree) == truth).all()
    assert_sizes_add_up(tree)


def test_small_groups_stay_whole():
    points, truth = blobs(57, groups=3)
    tree = divide(points, truth, algorithm="kmeans", params={"n_clusters": 2}, smallest=20)
    assert tree.depth == 1


def test_one_fit_yields_several_resolutions():
    points, large, small = blobs_of_blobs()
    tree = persistent_layers(points, min_cluster_size=20)
    tops = [set(found.rows.tolist()) for found in tree.nodes if found.level == 0]
    assert sorted(map(len, tops)) == [60, 60, 60]
    assert {frozenset(np.flatnonzero(large == group).tolist()) for group in range(3)} == {
        frozenset(rows) for rows in tops
    }
    below = {frozenset(found.rows.tolist()) for found in tree.nodes if found.level == 1}
    assert below == {frozenset(np.flatnonzero(small == group).tolist()) for group in range(6)}
    assert_sizes_add_up(tree)


def test_the_finest_layer_has_the_leaves_of_hdbscan():
    points, _ = blobs(300, groups=5, spread=0.3)
    params = {"min_cluster_size": 8, "cluster_selection_method": "leaf"}
    leaves = fit(points, algorithm="hdbscan", params=params).labels
    tree = persistent_layers(points, min_cluster_size=8)
    groups = {frozenset(found.rows.tolist()) for found in tree.nodes}
    for leaf in range(leaves.max() + 1):
        members = set(np.flatnonzero(leaves == leaf).tolist())
        assert any(members <= group for group in groups)


@pytest.mark.parametrize("count", [1, 2, 9])
def test_too_few_documents_have_no_layers(count):
    tree = persistent_layers(np.random.default_rng(0).normal(size=(count, 3)), min_cluster_size=10)
    assert tree.nodes == ()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(2, 60), st.integers(2, 6))
def test_layers_always_nest(seed, count, smallest):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, 2)).round(int(rng.integers(0, 4)))
    assert_sizes_add_up(persistent_layers(points, min_cluster_size=smallest))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_two_levels_of_labels_nest(pairs):
    parents = np.array([first for first, _ in pairs])
    parents = np.unique(parents, return_inverse=True)[1]
    children = np.unique([first * 4 + second for first, second in pairs], return_inverse=True)[1]
    assert_sizes_add_up(of_labels(parents, children))


def test_hdbscan_answers_its_layers_when_asked():
    points, large, small = blobs_of_blobs()
    result = cluster(points, algorithm="hdbscan", params={"min_cluster_size": 20, "layers": True})
    tree = result.hierarchy
    assert (top_labels(tree) == result.labels).all()
    assert adjusted_rand_score(large, result.labels) == 1.0
    assert adjusted_rand_score(small, tree.deepest) == 1.0
    assert ((result.probabilities > 0) == (result.labels >= 0)).all()
    assert result.probabilities.max() == 1.0
    assert result.record["layers"] == tree.depth == 2
    assert_sizes_add_up(tree)


def test_layers_of_a_sample_take_in_the_others():
    points, large, _ = blobs_of_blobs()
    params = {"min_cluster_size": 12, "layers": True}
    result = cluster(points, algorithm="hdbscan", params=params, sample_size=150)
    assert adjusted_rand_score(large, result.labels) > 0.95
    assert result.record["assigned"] == 30
    sizes_at_top = [len(one.rows) for one in result.hierarchy.nodes if one.level == 0]
    assert sizes_at_top == sorted(sizes_at_top, reverse=True)
    assert sum(sizes_at_top) == (result.labels >= 0).sum()
    assert_sizes_add_up(result.hierarchy)


def test_layers_leave_out_what_has_no_direction():
    points, _, _ = blobs_of_blobs()
    points[[3, 90]] = 0
    params = {"min_cluster_size": 20, "layers": True, "metric": "cosine"}
    result = cluster(points, algorithm="hdbscan", params=params)
    assert result.labels[[3, 90]].tolist() == [-1, -1]
    assert_sizes_add_up(result.hierarchy)
    assert_sizes_add_up(persistent_layers(points, min_cluster_size=20, metric="cosine"))


def test_layers_come_back_from_a_process_of_their_own():
    points, _, _ = blobs_of_blobs()
    params = {"min_cluster_size": 20, "layers": True}
    here, there = (run(points, algorithm="hdbscan", params=params) for run in (fit, fit_in_child))
    assert there.hierarchy.deepest.tolist() == here.hierarchy.deepest.tolist()
    assert [one.path for one in there.hierarchy.nodes] == [one.path for one in here.hierarchy.nodes]


@pytest.mark.parametrize("count", [1, 2, 9, 40])
def test_equal_documents_have_an_answer_in_layers(count):
    params = {"min_cluster_size": 10, "layers": True}
    result = cluster(np.ones((count, 3)), algorithm="hdbscan", params=params)
    assert result.labels.shape == result.probabilities.shape == (count,)
    assert np.isfinite(result.probabilities).all()
