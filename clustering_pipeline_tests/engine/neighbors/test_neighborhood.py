"""One search for all who need neighbours: what comes from another metric is what a search finds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering_pipeline.engine import Neighborhood, neighbors_wanted
from clustering_pipeline.engine.neighbors.graph import nearest_neighbors
from clustering_pipeline.engine.vectors import unit_rows
from clustering_pipeline_tests.engine.data import passages
from clustering_pipeline_tests.engine.hdbscan.cases import CASES, embeddings_like

OTHER = {"euclidean": "cosine", "cosine": "euclidean"}


def assert_same(found, expected):
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(found.distances, expected.distances)
    assert found.metric == expected.metric


@pytest.mark.parametrize("vectors", [pytest.param(make, id=name) for name, make in CASES.items()])
@pytest.mark.parametrize("metric", OTHER)
def test_neighbours_by_one_metric_after_the_other_are_those_of_a_search(vectors, metric):
    points = vectors()
    hood = Neighborhood(points)
    hood.nearest(20, OTHER[metric])
    assert_same(hood.nearest(9, metric), nearest_neighbors(points, 9, metric))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.integers(0, 10_000),
    st.sampled_from(sorted(OTHER)),
    st.floats(0, 2),
    st.integers(2, 40),
    st.integers(0, 3),
)
def test_however_much_the_lengths_differ(seed, metric, uneven, count, zeros):
    """``uneven`` from all of one length to a hundredfold."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, 12)).astype(np.float32)
    points *= 10 ** rng.uniform(-uneven / 2, uneven / 2, (count, 1)).astype(np.float32)
    points[:zeros] = 0
    hood = Neighborhood(points)
    hood.nearest(12, OTHER[metric])
    assert_same(hood.nearest(5, metric), nearest_neighbors(points, 5, metric))


@pytest.mark.parametrize("metric", OTHER)
def test_embeddings_are_searched_once_for_both_metrics(metric):
    points = passages(300)
    hood = Neighborhood(points)
    hood.nearest(20, OTHER[metric])
    hood.nearest(15, metric)
    assert hood.record == {
        OTHER[metric]: {"listed": 22, "searched": 300},
        metric: {"listed": 15, "searched": 0, "from": OTHER[metric]},
    }


def test_rows_that_lists_do_not_settle_are_searched_and_counted():
    points = embeddings_like(200)
    points[:4] *= 1 + 1e-3 * np.arange(4, dtype=np.float32)[:, None]
    points[4:8] = points[0]  # five copies and more than the lists hold
    hood = Neighborhood(points)
    hood.nearest(3, "cosine")
    found = hood.nearest(3)
    assert_same(found, nearest_neighbors(points, 3))
    assert 0 < hood.record["euclidean"]["searched"] < 20


def test_vectors_of_very_different_lengths_are_searched_again():
    points = embeddings_like(200) * np.linspace(1, 9, 200, dtype=np.float32)[:, None]
    hood = Neighborhood(points)
    hood.nearest(10)
    hood.nearest(10, "cosine")
    assert hood.record["cosine"] == {"listed": 12, "searched": 200}


def test_a_search_lists_what_a_later_step_will_want():
    hood = Neighborhood(embeddings_like(100), least=30)
    hood.nearest(5, "cosine")
    hood.nearest(30)
    assert hood.record["cosine"] == {"listed": 32, "searched": 100}
    assert hood.record["euclidean"]["from"] == "cosine"


def test_what_was_searched_elsewhere_is_as_good():
    points = embeddings_like(100)
    searched = nearest_neighbors(points, 40, "cosine")
    hood = Neighborhood(points, least=12)
    hood.learn(searched.indices, "cosine", source="another stage")
    assert_same(hood.nearest(12, "cosine"), searched.first(12))
    assert_same(hood.nearest(5), nearest_neighbors(points, 5))
    assert hood.record["cosine"] == {"listed": 14, "searched": 0, "from": "another stage"}


@pytest.mark.parametrize("metric", OTHER)
@pytest.mark.parametrize("uneven", [0.0, 1e-6])
def test_what_was_searched_among_rows_of_length_one_decides_for_the_vectors_themselves(
    metric, uneven
):
    rng = np.random.default_rng(0)
    points = 3 * embeddings_like(150)
    points *= 1 + uneven * rng.normal(size=(150, 1)).astype(np.float32)
    searched = nearest_neighbors(unit_rows(points), 30, metric)
    hood = Neighborhood(points, least=12)
    hood.learn(searched.indices, metric, source="another stage", scaled=True)
    for each in OTHER:
        assert_same(hood.nearest(12, each), nearest_neighbors(points, 12, each))
    assert hood.record["euclidean"]["from"] in {"another stage", "cosine"}


@pytest.mark.parametrize(
    ("run", "count"),
    [
        pytest.param({"algorithm": "kmeans"}, 5, id="outliers-only"),
        pytest.param({"algorithm": "leiden", "params": {"n_neighbors": 40}}, 40, id="leiden"),
        pytest.param({"algorithm": "hdbscan", "params": {"min_samples": 50}}, 52, id="hdbscan"),
        pytest.param(
            {"algorithm": "hdbscan", "params": {"metric": "manhattan"}}, 5, id="another-metric"
        ),
        pytest.param(
            {"algorithm": "hdbscan", "preprocessing": [{"method": "umap", "n_neighbors": 20}]},
            19,
            id="umap-first",
        ),
        pytest.param(
            {"algorithm": "hdbscan", "preprocessing": [{"method": "none"}]}, 32, id="none-first"
        ),
        pytest.param(
            {"algorithm": "hdbscan", "preprocessing": [{"method": "pca"}]}, 5, id="pca-first"
        ),
        pytest.param({"algorithm": "auto"}, 14, id="auto"),
    ],
)
def test_what_a_run_will_want_is_known_before(run, count):
    assert neighbors_wanted(**run) == count
