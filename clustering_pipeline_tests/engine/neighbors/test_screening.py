import numpy as np
import pytest

from clustering_pipeline.engine.neighbors.screening import (
    coarse_screen,
    fine_screen,
    first_copies,
    pair_distances,
    round_down,
    round_up,
    slices,
)
from clustering_pipeline.engine.runtime.blocks import rows_at_once
from clustering_pipeline_tests.engine.hdbscan.cases import CASES, distances_of

cases = pytest.mark.parametrize(
    "make", [pytest.param(make, id=name) for name, make in CASES.items()]
)


@cases
@pytest.mark.parametrize("kind", [coarse_screen, fine_screen])
def test_bounds_are_below_the_true_distances_and_within_the_slack(make, kind):
    vectors = make()
    order = np.random.default_rng(0).permutation(len(vectors))
    screen = kind(vectors, order)
    true = screen.squared(distances_of(vectors)[np.ix_(order, order)])

    bounds = screen.bounds(slice(0, len(order)), slice(0, len(order))).astype(np.float64)

    assert (bounds <= true).all()
    assert (true - bounds <= screen.slack).all()


@pytest.mark.parametrize("kind", [coarse_screen, fine_screen])
def test_bounds_of_a_part_are_the_part_of_the_bounds(kind):
    vectors = CASES["embeddings"]()
    screen = kind(vectors, np.arange(len(vectors)))
    rows = np.array([7, 3, 90])
    np.testing.assert_allclose(
        screen.bounds(rows, slice(10, 50)),
        screen.bounds(slice(0, len(vectors)), slice(0, len(vectors)))[rows, 10:50],
        atol=screen.slack,
    )


def test_a_distance_is_the_same_both_ways_round():
    vectors = CASES["embeddings"]()
    left, right = np.random.default_rng(0).integers(0, len(vectors), (2, 5_000))
    np.testing.assert_array_equal(
        pair_distances(vectors, left, right), pair_distances(vectors, right, left)
    )


def test_copies_know_their_first():
    vectors = np.array([[1.0, 0.0], [2.0, 0.0], [1.0, -0.0], [2.0, 0.0], [3.0, 1.0]])
    assert first_copies(vectors).tolist() == [0, 1, 0, 1, 4]


@pytest.mark.parametrize("precision", [np.float32, np.float64])
def test_rounding_goes_the_way_it_says(precision):
    values = np.random.default_rng(0).standard_normal(1_000)
    assert (round_up(values, np.dtype(precision)) >= values).all()
    assert (round_down(values, np.dtype(precision)) <= values).all()


@pytest.mark.parametrize(
    ("count", "step", "spans"),
    [
        pytest.param(0, 3, [], id="nothing"),
        pytest.param(3, 3, [(0, 3)], id="one"),
        pytest.param(7, 3, [(0, 3), (3, 6), (6, 7)], id="a remainder"),
    ],
)
def test_slices_cover_all(count, step, spans):
    assert [(each.start, each.stop) for each in slices(count, step)] == spans


@pytest.mark.parametrize(
    ("count", "dimensions", "rows"),
    [
        pytest.param(1_000, 384, 256, id="small"),
        pytest.param(100_000, 384, 167, id="many"),
        pytest.param(100_000, 4_096, 41, id="many and long"),
        pytest.param(10_000_000, 384, 16, id="too many"),
    ],
)
def test_blocks_shrink_with_what_they_cost(count, dimensions, rows):
    assert rows_at_once(count, dimensions, most=256) == rows
