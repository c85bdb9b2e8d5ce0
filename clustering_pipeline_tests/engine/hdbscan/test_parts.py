"""The steps between a tree and its vectors, each on a case small enough to see."""

import numpy as np
import pytest

from clustering_pipeline.engine.hdbscan.condensed import condense, outlier_scores
from clustering_pipeline.engine.hdbscan.forest import (
    certified,
    edges_between,
    merge,
    spanning_forest,
)
from clustering_pipeline.engine.hdbscan.joining import balls
from clustering_pipeline.engine.neighbors.screening import coarse_screen
from clustering_pipeline_tests.engine.hdbscan.cases import CASES, distances_of


def edges(*rows):
    left, right, weight = zip(*rows, strict=True)
    return edges_between(np.array(left), np.array(right), np.array(weight, dtype=np.float64))


def pairs(forest):
    return list(zip(forest.low.tolist(), forest.high.tolist(), strict=True))


def test_a_forest_takes_equal_weights_by_id():
    ring = edges((3, 0, 1), (2, 3, 1), (1, 2, 1), (1, 0, 1))
    assert pairs(spanning_forest(ring, np.arange(4))) == [(0, 1), (0, 3), (1, 2)]


def test_a_forest_of_components_takes_their_lightest_edge_and_none_inside():
    known = edges((0, 1, 1), (1, 2, 4), (0, 3, 3), (2, 3, 2))
    assert pairs(spanning_forest(known, np.array([0, 0, 1, 1]))) == [(0, 3)]


def test_merging_numbers_components_by_their_first_point():
    assert merge(edges((4, 2, 1), (1, 3, 1)), np.arange(5)).tolist() == [0, 1, 2, 1, 2]


@pytest.mark.parametrize(
    ("reach", "accepted", "component"),
    [
        pytest.param([9, 9, 9, 9], [(0, 1), (2, 3), (1, 2)], [0, 0, 0, 0], id="all known"),
        pytest.param([2, 2, 9, 9], [(0, 1), (2, 3), (1, 2)], [0, 0, 0, 0], id="one side knows"),
        pytest.param([2, 2, 2, 2], [(0, 1), (2, 3)], [0, 0, 1, 1], id="both may be wrong"),
        pytest.param([3, 3, 3, 3], [(0, 1), (2, 3)], [0, 0, 1, 1], id="as heavy as an unknown"),
        pytest.param([0, 0, 0, 0], [], [0, 1, 2, 3], id="nothing is known"),
    ],
)
def test_edges_are_accepted_while_no_unknown_one_can_be_as_light(reach, accepted, component):
    chain = spanning_forest(edges((0, 1, 1), (1, 2, 3), (2, 3, 1)), np.arange(4))
    found, left = certified(chain, np.array(reach, dtype=np.float64), np.arange(4))
    assert (pairs(found), left.tolist()) == (accepted, component)


@pytest.mark.parametrize("name", CASES)
def test_gaps_between_balls_are_no_larger_than_any_distance(name):
    vectors = CASES[name]()
    order = np.argsort(vectors[:, 0])
    starts = np.unique(np.linspace(0, len(vectors), 9, dtype=np.int64))
    screen = coarse_screen(vectors, order)
    distances = screen.squared(distances_of(vectors)[np.ix_(order, order)])
    closest = np.minimum.reduceat(distances, starts[:-1], axis=0)
    closest = np.minimum.reduceat(closest, starts[:-1], axis=1)

    around = balls(screen, starts)

    between = ~np.eye(len(starts) - 1, dtype=bool)
    assert (around.gaps()[between] <= closest[between]).all()


def test_the_nearest_points_connect_all_balls():
    vectors = np.repeat(np.eye(5, dtype=np.float32), 4, axis=0)
    starts = np.arange(0, 21, 4)
    left, right = balls(coarse_screen(vectors, np.arange(20)), starts).neighbors()
    assert (left < right).all()
    assert merge(edges_between(left // 4, right // 4, np.zeros(4)), np.arange(5)).max() == 0


def test_copies_do_not_make_everything_else_an_outlier():
    chain = edges((0, 1, 0), (0, 2, 0), (0, 3, 1), (3, 4, 2), (4, 5, 4))
    scores = outlier_scores(condense(chain, 2))
    assert scores.tolist() == [0, 0, 0, 0, 0.5, 0.75]
