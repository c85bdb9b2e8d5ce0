"""Documents follow the groups that hold them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering_pipeline.engine.groups.followers import Followed, Memberships, follow_groups

AXES = np.eye(3, dtype=np.float32)


def follow(held: list[tuple[int, int]], went: list[int], *, documents=AXES, sure=None) -> Followed:
    """``held`` are document and group; groups lie on the axes."""
    pairs = np.array(held, dtype=np.int64).reshape(-1, 2)
    members = Memberships(
        rows=pairs[:, 0],
        groups=pairs[:, 1],
        probabilities=np.array(sure if sure is not None else [1.0] * len(pairs)),
    )
    sizes = np.ones(len(went), dtype=np.int64)
    return follow_groups(
        documents, members, np.array(went, dtype=np.int64), AXES[: len(went)], sizes
    )


def test_without_groups_everything_is_noise() -> None:
    found = follow([(0, -1), (1, -1)], [])
    assert found.places.tolist() == [-1, -1, -1]
    assert found.probabilities.tolist() == [0, 0, 0]


def test_a_document_goes_where_its_group_went() -> None:
    found = follow([(0, 1), (1, 0), (2, -1)], [5, 3])
    assert found.places.tolist() == [3, 5, -1]


def test_what_became_noise_takes_its_documents_along() -> None:
    assert follow([(0, 0), (1, 1)], [-1, 2]).places.tolist() == [-1, 2, -1]


def test_groups_that_went_to_one_place_agree() -> None:
    found = follow([(0, 0), (0, 1), (1, 1)], [4, 4], sure=[0.3, 0.6, 0.5])
    assert found.places.tolist() == [4, 4, -1]
    assert found.probabilities.tolist() == [0.6, 0.5, 0]


@pytest.mark.parametrize(
    ("document", "place"),
    [
        pytest.param([1.0, 0.2, 0], 0, id="nearer-to-the-first"),
        pytest.param([0.2, 1.0, 0], 1, id="nearer-to-the-second"),
        pytest.param([0, 0, 0], 0, id="of-no-direction"),
        pytest.param([5.0, 5.0, 0], 0, id="as-near"),
    ],
)
def test_where_groups_disagree_the_nearest_wins(document: list[float], place: int) -> None:
    held, sure = [(0, 1), (0, 0)], [0.25, 0.75]
    found = follow(held, [0, 1], documents=np.array([document]), sure=sure)
    assert found.places.tolist() == [place]
    assert found.probabilities.tolist() == [0.75 if place == 0 else 0.25]


def test_large_groups_weigh_more() -> None:
    members = Memberships(rows=np.array([0, 0]), groups=np.array([0, 2]), probabilities=np.ones(2))
    centroids = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    document = np.array([[1.0, 0.9]])
    for sizes, place in (([1, 1], 0), ([1, 99], 1)):
        weighed = np.array([*sizes, 1])
        found = follow_groups(document, members, np.array([0, 0, 1]), centroids, weighed)
        assert found.places.tolist() == [place]


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.data())
def test_a_document_is_where_one_of_its_groups_went(data: st.DataObject) -> None:
    went = data.draw(st.lists(st.integers(-1, 3), min_size=1, max_size=3))
    pair = st.tuples(st.integers(0, 2), st.integers(-1, len(went) - 1))
    held = data.draw(st.lists(pair, max_size=8, unique=True))
    found = follow(held, went)
    for document, place in enumerate(found.places.tolist()):
        options = {went[group] for row, group in held if row == document and group >= 0} - {-1}
        assert place in (options or {-1})
    again = follow(held[::-1], went)
    assert again.places.tolist() == found.places.tolist()
