import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering_pipeline.engine.layout.alignment import align, follow, similarity_between


def places(count: int = 40, dimensions: int = 2, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)


@given(
    seed=st.integers(0, 1000),
    dimensions=st.sampled_from([2, 3]),
    scale=st.floats(0.1, 10),
    mirrored=st.booleans(),
)
@settings(max_examples=40, derandomize=True, deadline=None)
def test_a_turned_scaled_and_moved_map_comes_back(seed, dimensions, scale, mirrored):
    random = np.random.default_rng(seed)
    earlier = places(dimensions=dimensions, seed=seed)
    turn, _ = np.linalg.qr(random.normal(size=(dimensions, dimensions)))
    turn[:, 0] *= -1 if mirrored else 1
    moved = (scale * earlier @ turn + random.normal(size=dimensions)).astype(np.float32)
    rows = np.arange(len(earlier))
    assert np.array_equal(align(moved, rows, earlier), earlier)


def test_new_documents_go_where_the_others_take_them():
    earlier = places()
    turned = earlier[:, ::-1] * 2
    assert align(turned, np.arange(30), earlier[:30]) == pytest.approx(earlier, abs=1e-5)


def test_distances_keep_their_proportions():
    before, after = places(seed=1), places(seed=2)
    placed = align(after, np.arange(40), before)
    gaps, own = np.linalg.norm(placed - placed[0], axis=1), np.linalg.norm(after - after[0], axis=1)
    assert np.ptp(gaps[1:] / own[1:]) < 1e-4


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(np.zeros((5, 2), dtype=np.float32), id="all-in-one-place"),
        pytest.param(np.arange(10, dtype=np.float32).reshape(5, 2), id="on-a-line"),
    ],
)
def test_maps_without_a_shape_stay_finite(shown):
    assert np.isfinite(align(shown, np.arange(5), places(5))).all()
    assert np.isfinite(align(places(5), np.arange(5), shown)).all()


def test_the_transform_is_a_similarity():
    found = similarity_between(places(seed=1), places(seed=2))
    assert found.turn @ found.turn.T == pytest.approx(np.eye(2), abs=1e-9)


def test_those_that_follow_lie_among_their_nearest():
    vectors = np.repeat(np.eye(3, dtype=np.float32), 20, axis=0)
    earlier = np.repeat(np.array([[0, 0], [9, 0], [0, 9]], dtype=np.float32), 20, axis=0)
    known = np.arange(60) % 20 < 16
    placed = follow(np.zeros((60, 2)), vectors, np.flatnonzero(known), earlier[known])
    assert placed == pytest.approx(earlier, abs=1e-5)


def test_one_known_document_takes_all_to_itself():
    placed = follow(places(4), places(4, seed=5), np.array([2]), np.array([[1.0, 2.0]]))
    assert placed == pytest.approx(np.tile([1.0, 2.0], (4, 1)))
