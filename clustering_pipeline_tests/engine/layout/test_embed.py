"""The start of a layout, which must not carry the last digits of what it is computed from."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from clustering_pipeline.engine.layout.embed import curve, optimise
from clustering_pipeline.engine.layout.fuzzy import fuzzy_graph
from clustering_pipeline.engine.layout.spectral_start import (
    EXTENT,
    NOT_CONVERGED,
    SPECTRAL,
    TOO_FEW,
    spectral_start,
)
from clustering_pipeline.engine.neighbors.graph import nearest_neighbors
from clustering_pipeline.engine.preprocessing import reduce
from clustering_pipeline.model.errors import RunCanceled
from clustering_pipeline_tests.engine.data import blobs, passages


def test_digits_lost_to_rounding_do_not_change_where_a_layout_starts():
    graph = fuzzy_graph(nearest_neighbors(passages(), 15))
    noisy = graph.copy()
    noisy.data *= 1 + 1e-15 * np.random.default_rng(0).normal(size=noisy.data.size)

    starts = [spectral_start(each, components=10, random_state=42) for each in (graph, noisy)]

    assert [start.kind for start in starts] == [SPECTRAL, SPECTRAL]
    np.testing.assert_array_equal(*(start.points for start in starts))


def test_rows_of_a_group_start_near_each_other():
    points, truth = blobs(300, groups=3)

    graph = fuzzy_graph(nearest_neighbors(points, 15))
    start = spectral_start(graph, components=2, random_state=0).points

    middles = np.stack([start[truth == group].mean(axis=0) for group in range(3)])
    nearest = np.linalg.norm(start[:, None] - middles, axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest, truth)


@pytest.mark.parametrize("groups", [1, 60])
def test_a_start_is_within_its_extent_whatever_the_number_of_pieces(groups):
    points, _ = blobs(900, groups=groups, spread=1e-3)

    graph = fuzzy_graph(nearest_neighbors(points, 5))
    start = spectral_start(graph, components=10, random_state=0).points

    assert start.shape == (900, 10)
    assert np.abs(start).max() < 10.1


def like_pieces(count, *, pieces):
    """A graph of equal pieces, in which neighbours are drawn: all leading eigenvalues are one."""
    size, rng = count // pieces, np.random.default_rng(0)
    rows = np.arange(size * pieces)
    graph = csr_matrix((len(rows), len(rows)))
    for order in (rng.permutation(size) for _ in range(4)):
        there = rows // size * size + order[rows % size]
        graph += csr_matrix((np.ones(len(rows)), (rows, there)), shape=graph.shape)
    return csr_matrix(graph + graph.T)


def test_like_pieces_start_in_the_same_place_whatever_the_number_of_threads():
    graph = like_pieces(24_000, pieces=12)  # long enough that a product of vectors is divided
    starts = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            starts.append(spectral_start(graph, components=2, random_state=42).points)
    np.testing.assert_array_equal(*starts)


def test_a_solver_that_gives_up_leaves_a_seeded_draw_and_says_so():
    graph = like_pieces(600, pieces=12)
    starts = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            starts.append(spectral_start(graph, components=4, random_state=3, restarts=1))
    assert [start.kind for start in starts] == [NOT_CONVERGED, NOT_CONVERGED]
    np.testing.assert_array_equal(*(start.points for start in starts))
    assert np.abs(starts[0].points).max() <= EXTENT
    other = spectral_start(graph, components=4, random_state=4, restarts=1)
    assert (other.points != starts[0].points).any()


def test_too_few_rows_for_eigenvectors_are_drawn_and_the_record_says_so():
    points, _ = blobs(12)
    step = {"method": "umap", "n_components": 8, "n_neighbors": 4}
    (drawn,) = reduce(points[:10], [step]).record
    (solved,) = reduce(points, [step]).record
    assert (drawn["start"], solved["start"]) == (TOO_FEW, SPECTRAL)


def test_an_epoch_done_in_pieces_moves_the_points_alike():
    """So that no cancel waits for an epoch of millions of edges."""
    graph = fuzzy_graph(nearest_neighbors(passages(200), 10))
    start = spectral_start(graph, components=2, random_state=0).points
    asked: list[int] = []

    def moved(most_edges):
        asked.append(0)

        def check():
            asked[-1] += 1

        return optimise(
            graph,
            start.copy(),
            curve=curve(0.1),
            epochs=20,
            random_state=0,
            check=check,
            most_edges=most_edges,
        )

    np.testing.assert_array_equal(moved(1 << 20), moved(100))
    assert asked[0] == 2
    assert asked[1] > 20 * 10


def test_a_cancel_reaches_the_solver():
    asked = []

    def check():
        asked.append(1)
        if len(asked) == 5:
            message = "canceled"
            raise RunCanceled(message)

    with pytest.raises(RunCanceled):
        spectral_start(like_pieces(600, pieces=3), components=2, random_state=0, check=check)
    assert len(asked) == 5
