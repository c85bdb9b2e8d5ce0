import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering_pipeline.engine.groups.numbering import canonical, group_count


@pytest.mark.parametrize(
    ("labels", "numbered"),
    [
        pytest.param([], [], id="none"),
        pytest.param([-1, -1], [-1, -1], id="noise"),
        pytest.param([5, 9, 9], [1, 0, 0], id="largest-first"),
        pytest.param([7, 3, 7, 3], [0, 1, 0, 1], id="ties-by-smallest-row"),
        pytest.param([-3, 2, -1], [-1, 0, -1], id="every-negative-is-noise"),
    ],
)
def test_groups_are_numbered_by_size_then_by_row(labels, numbered):
    assert canonical(labels).tolist() == numbered


@given(st.lists(st.integers(-2, 6), max_size=40))
def test_numbering_keeps_the_partition(labels):
    numbered = canonical(labels)
    pairs = {(old if old >= 0 else -1, new) for old, new in zip(labels, numbered, strict=True)}
    assert len(pairs) == len({old for old, _ in pairs}) == len({new for _, new in pairs})
    sizes = np.bincount(numbered[numbered >= 0], minlength=group_count(numbered))
    assert sorted(sizes, reverse=True) == sizes.tolist()
