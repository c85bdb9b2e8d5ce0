"""Less noise, and as many groups as somebody wants, on planted data."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from clustering_pipeline.engine import as_many_groups, with_less_noise
from clustering_pipeline.model.errors import InvalidParameters
from clustering_pipeline_tests.engine.data import blobs


def loose(count=200, groups=4):
    """Planted groups, of whose documents every second is in none."""
    points, truth = blobs(count, groups=groups, dimensions=12, spread=0.1)
    labels = truth.copy()
    labels[np.arange(count) // groups % 2 == 1] = -1
    return points, truth, labels


@pytest.mark.parametrize(("target", "left"), [(0.1, 20), (0.0, 0), (0.499, 99), (0.5, 100)])
def test_noise_joins_the_nearest_group_until_the_wanted_share_is_left(target, left):
    points, truth, labels = loose()
    filled, joined = with_less_noise(points, labels, target)
    assert int((filled < 0).sum()) == left
    assert int(joined.sum()) == 100 - left
    assert (filled[joined] == truth[joined]).all()
    assert (filled[~joined] == labels[~joined]).all()


def test_the_nearest_join_first():
    points, _, labels = loose()
    middles = np.stack([points[labels == group].mean(axis=0) for group in range(4)])
    middles /= np.linalg.norm(middles, axis=1)[:, None]
    near = (points / np.linalg.norm(points, axis=1)[:, None] @ middles.T).max(axis=1)
    filled, joined = with_less_noise(points, labels, 0.2)
    assert near[joined].min() >= near[filled < 0].max()


def test_equal_documents_join_together_and_zero_vectors_nowhere():
    points, _, labels = loose(40)
    rows = np.flatnonzero(labels < 0)
    points[rows[:5]] = points[rows[0]]
    points[rows[5]] = 0
    for target in (0.45, 0.4, 0.3, 0.0):
        filled, _ = with_less_noise(points, labels, target)
        assert len(set(filled[rows[:5]])) == 1
        assert filled[rows[5]] == -1


def test_without_a_group_there_is_none_to_join():
    points, _, labels = loose(20)
    filled, joined = with_less_noise(points, np.full_like(labels, -1), 0)
    assert (filled < 0).all()
    assert not joined.any()


@pytest.mark.parametrize("wanted", [1, 2, 3, 6, 9, 20])
def test_there_are_as_many_groups_as_wanted(wanted):
    points, _, labels = loose(groups=6, count=300)
    made = as_many_groups(points, labels, wanted)
    assert made.max() + 1 == wanted
    assert ((made < 0) == (labels < 0)).all()


def test_groups_that_were_torn_apart_are_whole_again():
    points, truth = blobs(240, groups=4, dimensions=12, spread=0.1)
    torn = truth * 3 + np.random.default_rng(1).integers(0, 3, 240)
    assert adjusted_rand_score(truth, as_many_groups(points, torn, 4)) == 1


def test_groups_that_were_thrown_together_come_apart():
    points, truth = blobs(240, groups=6, dimensions=12, spread=0.1)
    assert adjusted_rand_score(truth, as_many_groups(points, truth // 2, 6)) == 1


def test_more_groups_than_documents_are_refused():
    points, truth = blobs(12, groups=3)
    with pytest.raises(InvalidParameters, match="groups_wanted is 20, and 12 documents are in"):
        as_many_groups(points, truth, 20)
    points[:] = points[0]
    with pytest.raises(InvalidParameters, match="no more than 1 groups of different documents"):
        as_many_groups(points, np.zeros(12, dtype=np.int64), 2)
