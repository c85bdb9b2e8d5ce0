"""The step ``umap``: by the engine's own layout, and by umap-learn for what that does not have."""

from functools import cache
from typing import get_args

import numpy as np
import pytest
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

from clustering_pipeline.engine import cluster, divide, reduce
from clustering_pipeline.engine.neighbors.neighborhood import Neighborhood
from clustering_pipeline.engine.parameters import resolved_step
from clustering_pipeline.engine.preprocessing.reduce import in_child
from clustering_pipeline.engine.preprocessing.step import StepContext
from clustering_pipeline.engine.vectors import never
from clustering_pipeline.model.algorithms.preprocessing import OWN_METRICS, UMAPMetric
from clustering_pipeline.model.errors import InvalidParameters
from clustering_pipeline_tests.engine.data import blobs, passages
from clustering_pipeline_tests.sizes import size

STEP = {"method": "umap", "n_components": 2, "n_neighbors": 10}
NEIGHBORS = 10
BY_ITS_OWN_BALL = {"haversine", "poincare"}
OF_SHARES = {"hellinger", "ll_dirichlet", "symmetric_kl"}


@cache
def speeches():
    return passages(size(ci=800, full=2_000))


def reduced(points, **params):
    reduction = reduce(points, [STEP | params])
    return reduction.vectors, reduction.record[0]


def preserved(points, layout):
    """The share of the nearest neighbours by angle that are nearest in the layout, too."""

    def nearest(vectors, metric):
        search = NearestNeighbors(n_neighbors=NEIGHBORS, metric=metric).fit(vectors)
        return search.kneighbors(return_distance=False)

    pairs = zip(nearest(points, "cosine"), nearest(layout, "euclidean"), strict=True)
    return np.mean([len(np.intersect1d(before, after)) / NEIGHBORS for before, after in pairs])


def test_both_layouts_keep_as_many_neighbours():
    points = speeches()
    here, own = reduced(points, n_components=5, n_neighbors=15)
    there, other = reduced(points, n_components=5, n_neighbors=15, negative_sample_rate=6)
    assert (own["implementation"], other["implementation"]) == ("own", "umap-learn")
    trusted = [
        trustworthiness(points, layout, n_neighbors=NEIGHBORS, metric="cosine")
        for layout in (here, there)
    ]
    kept = [preserved(points, layout) for layout in (here, there)]
    assert min(trusted) > 0.9
    assert min(kept) > 0.35
    assert abs(trusted[0] - trusted[1]) < 0.01
    assert abs(kept[0] - kept[1]) < 0.03


@pytest.mark.parametrize("metric", sorted({*get_args(UMAPMetric)} - OWN_METRICS - BY_ITS_OWN_BALL))
def test_every_metric_lays_out_every_document(metric):
    points = np.abs(blobs(60)[0]) if metric in OF_SHARES else blobs(60)[0]
    layout, record = reduced(points, metric=metric)
    assert record["implementation"] == "umap-learn"
    assert layout.shape == (60, 2)
    assert np.isfinite(layout).all()


@pytest.mark.parametrize(
    ("metric", "points"),
    [
        pytest.param("haversine", blobs(60, dimensions=2)[0], id="on-a-globe"),
        pytest.param("poincare", blobs(60)[0] / 100, id="in-the-unit-ball"),
    ],
)
def test_metrics_of_some_vectors_lay_those_out(metric, points):
    assert np.isfinite(reduced(points, metric=metric)[0]).all()


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        pytest.param("haversine", "only defined for 2 dimensional data", id="too-many-dimensions"),
        pytest.param("hellinger", "has no distance between vectors with negative", id="negative"),
        pytest.param("poincare", "at least as long as one", id="out-of-the-ball"),
    ],
)
def test_vectors_that_a_metric_does_not_have_are_refused(metric, said):
    with pytest.raises(InvalidParameters, match=said):
        reduced(blobs(60)[0], metric=metric)


@pytest.mark.parametrize(
    "params",
    [
        {"densmap": True},
        {"spread": 2.0},
        {"set_op_mix_ratio": 0.5},
        {"local_connectivity": 2.0},
        {"repulsion_strength": 0.5},
        {"negative_sample_rate": 1},
    ],
    ids=lambda params: next(iter(params)),
)
def test_a_parameter_of_umap_learn_changes_the_layout_and_is_recorded(params):
    points = speeches()[:300]
    plain, _ = reduced(points, negative_sample_rate=6)
    layout, record = reduced(points, **params)
    assert record["implementation"] == "umap-learn"
    assert record.items() >= params.items()
    assert "warnings" not in record
    assert not np.allclose(layout, plain)


@pytest.mark.parametrize("metric", ["cosine", "canberra"])
def test_a_seed_gives_the_same_layout_here_and_in_a_process_of_its_own(metric):
    points = speeches()[:300]
    step = resolved_step(STEP | {"metric": metric, "spread": 1.5})
    here, _ = reduced(points, metric=metric, spread=1.5)
    there = in_child(points, step, StepContext(neighborhood=Neighborhood(points), check=never))
    np.testing.assert_array_equal(there.vectors, here)
    assert (here != reduced(points, metric=metric, spread=1.5, random_state=7)[0]).any()


def test_few_and_equal_documents_pass_through():
    assert reduced(blobs(3)[0], densmap=True)[1]["skipped"] == "3 documents are too few"
    assert np.isfinite(reduced(blobs(5)[0], spread=2.0)[0]).all()
    assert np.isfinite(reduced(np.repeat(blobs(9)[0], 8, axis=0), spread=2.0)[0]).all()


def test_a_target_pulls_its_classes_together():
    points = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    classes = [["left", "right"][row % 2] for row in range(200)]
    step = STEP | {"target": "side", "target_weight": 0.9}
    layout = reduce(points, [step], targets={"side": classes}).vectors
    left, right = layout[::2], layout[1::2]
    apart = np.linalg.norm(left.mean(axis=0) - right.mean(axis=0))
    assert apart > 2 * max(left.std(axis=0).max(), right.std(axis=0).max())


def test_a_target_of_numbers_orders_the_layout():
    points = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    step = STEP | {"target": "year", "target_metric": "euclidean", "target_weight": 0.9}
    layout = reduce(points, [step], targets={"year": list(range(200))}).vectors
    apart = np.linalg.norm(np.diff(layout, axis=0), axis=1).mean()
    drawn = np.linalg.norm(layout - layout[::-1], axis=1).mean()
    assert apart < drawn / 2


def test_the_groups_of_a_supervised_layout_are_divided_with_its_targets():
    points, truth = blobs(90)
    step = STEP | {"target": "group"}
    targets = {"group": [None if row < 5 else f"g{truth[row]}" for row in range(90)]}
    how = {"algorithm": "kmeans", "params": {"n_clusters": 3}, "preprocessing": [step]}
    made = cluster(points, **how, sample_size=60, targets=targets)
    assert len(set(made.labels)) == 3
    divided = divide(points, made.labels, **how, max_depth=1, targets=targets)
    assert divided.nodes


@pytest.mark.parametrize(
    ("step", "targets", "said"),
    [
        pytest.param({}, None, "target 'year' needs a value for each of the 60 rows", id="absent"),
        pytest.param({}, {"year": [1]}, "for each of the 60 rows", id="too-few"),
        pytest.param({}, {"year": [None] * 60}, "no document has a value", id="nothing"),
        pytest.param(
            {"target_metric": "euclidean"},
            {"year": [1] * 59 + ["x"]},
            "is no number in 1 of 60 documents",
            id="no-number",
        ),
    ],
)
def test_a_target_that_is_not_there_is_refused(step, targets, said):
    with pytest.raises(InvalidParameters, match=said):
        reduce(blobs(60)[0], [STEP | {"target": "year"} | step], targets=targets)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        pytest.param({"min_dist": 0.9, "spread": 0.5}, "lower min_dist or raise spread", id="near"),
        pytest.param({"set_op_mix_ratio": 1.5}, "set_op_mix_ratio", id="no-share"),
        pytest.param({"repulsion_strength": -1.0}, "repulsion_strength", id="negative"),
        pytest.param({"negative_sample_rate": 0}, "negative_sample_rate", id="none-drawn"),
        pytest.param({"metric": "precomputed"}, "metric", id="no-metric-of-vectors"),
        pytest.param({"target": ""}, "target", id="unnamed"),
    ],
)
def test_parameters_that_umap_learn_does_not_take_are_refused_at_once(params, said):
    with pytest.raises(InvalidParameters, match=said):
        resolved_step(STEP | params)
