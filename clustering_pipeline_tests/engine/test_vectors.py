"""What the engine accepts as vectors, and what it refuses."""

import numpy as np
import pytest

from clustering_pipeline.engine.vectors import as_vectors, unit_rows
from clustering_pipeline.model.errors import EmptySelection, InvalidVectors


@pytest.mark.parametrize(
    ("dtype", "kept"),
    [
        pytest.param(np.float32, np.float32, id="float32-stays"),
        pytest.param(np.float64, np.float64, id="float64-stays"),
        pytest.param(np.float16, np.float32, id="float16-widens"),
        pytest.param(np.int16, np.float32, id="short-integers-become-float32"),
        pytest.param(np.int64, np.float64, id="integers-become-float64"),
        pytest.param(np.bool_, np.float32, id="booleans-become-float32"),
    ],
)
def test_numbers_become_single_or_double_precision(dtype, kept):
    vectors = as_vectors(np.ones((3, 2), dtype=dtype))
    assert vectors.dtype == kept
    assert vectors.tolist() == [[1, 1], [1, 1], [1, 1]]


def test_large_integers_stay_what_they_are():
    apart = [[2**24, 0], [2**24 + 1, 0]]
    assert as_vectors(np.array(apart)).tolist() == apart


def test_a_strided_view_is_copied():
    vectors = as_vectors(np.arange(24, dtype=np.float32).reshape(4, 6)[::2, ::3])
    assert vectors.flags.c_contiguous
    assert vectors.tolist() == [[0, 3], [12, 15]]


@pytest.mark.parametrize(
    ("vectors", "error", "message"),
    [
        pytest.param(np.empty((0, 4)), EmptySelection, "widen the filter", id="no-document"),
        pytest.param([], EmptySelection, "widen the filter", id="empty-list"),
        pytest.param(np.ones(4), InvalidVectors, r"not \(4,\)", id="one-axis"),
        pytest.param(np.ones((4, 0)), InvalidVectors, r"not \(4, 0\)", id="no-dimension"),
        pytest.param([[1, 2], [3]], InvalidVectors, "same number of dimensions", id="ragged"),
        pytest.param([["a", "b"]], InvalidVectors, "real numbers, not str", id="text"),
        pytest.param([[1j, 2]], InvalidVectors, "real numbers, not complex128", id="complex"),
        pytest.param([[0, np.nan], [1, 2]], InvalidVectors, r"rows 0\)", id="nan"),
        pytest.param([[0, 1], [np.inf, 2]], InvalidVectors, r"rows 1\)", id="infinity"),
    ],
)
def test_what_cannot_be_clustered_is_refused(vectors, error, message):
    with pytest.raises(error, match=message):
        as_vectors(vectors)


def test_the_first_ten_bad_rows_are_named_and_all_are_listed():
    vectors = np.ones((40, 2))
    vectors[::2] = np.nan
    with pytest.raises(InvalidVectors, match="20 of 40") as refused:
        as_vectors(vectors)
    assert "rows 0, 2, 4, 6, 8, 10, 12, 14, 16, 18)" in refused.value.message
    assert refused.value.details["rows"] == list(range(0, 40, 2))


def test_unit_rows_leave_zero_rows_alone():
    rows = unit_rows(np.array([[3.0, 4.0], [0.0, 0.0], [1e-30, 0.0]]))
    np.testing.assert_allclose(rows, [[0.6, 0.8], [0, 0], [1, 0]])
