"""Vectors as the engine takes them: a finite, contiguous matrix, one document a row."""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.model.errors import EmptySelection, InvalidVectors

Vectors: TypeAlias = NDArray[np.floating]
Labels: TypeAlias = NDArray[np.int64]

NOISE = -1
LARGEST, SMALLEST = 1e150, 1e-150  # beyond them squares overflow or vanish
LARGEST_SINGLE, SMALLEST_SINGLE = 1e13, 1e-13  # beyond them sums of squares do in float32


def silent(_sentence: str) -> None:
    """Tells nobody."""


def never() -> None:
    """Check for a cancel that cannot come."""


def as_vectors(vectors: ArrayLike) -> Vectors:
    """``vectors`` as a C-contiguous float32 or float64 matrix of shape (n, d).

    float32 and float64 stay what they are; what float32 holds exactly becomes that, everything else
    float64.  Raises ``EmptySelection`` when there is no row and ``InvalidVectors`` when the shape
    is not (n, d) or a value is no finite number.
    """
    matrix = _numbers(vectors)
    if matrix.ndim in {1, 2} and len(matrix) == 0:
        message = "there is no document to cluster; widen the filter or add documents"
        raise EmptySelection(message)
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        message = f"vectors must have the shape (documents, dimensions), not {matrix.shape}"
        raise InvalidVectors(message)
    _refuse_unusable(matrix)
    return np.ascontiguousarray(matrix)


def _numbers(vectors: ArrayLike) -> Vectors:
    try:
        matrix = np.asarray(vectors)
    except ValueError as error:
        message = f"vectors must all have the same number of dimensions: {error}"
        raise InvalidVectors(message) from error
    if matrix.dtype.kind not in "fiub":
        message = f"vectors must be real numbers, not {matrix.dtype.name}"
        raise InvalidVectors(message)
    exact = np.can_cast(matrix.dtype, np.float32)
    floats: Vectors = matrix.astype(np.float32 if exact else np.float64, copy=False)
    return floats


def squarable(vectors: Vectors) -> Vectors:
    """``vectors``, in float64 where sums of their squares would overflow or vanish in float32.

    Raises ``InvalidVectors`` where they do in float64, too.
    """
    largest = max(float(vectors.max(initial=0)), -float(vectors.min(initial=0)))
    if largest > LARGEST:
        message = f"a vector holds {largest:.3g}, whose square overflows; scale the vectors down"
        raise InvalidVectors(message)
    if 0 < largest < SMALLEST:
        message = f"vectors hold {largest:.3g} at most, whose square is 0; scale the vectors up"
        raise InvalidVectors(message)
    sound = largest == 0 or SMALLEST_SINGLE <= largest <= LARGEST_SINGLE
    return vectors if sound else vectors.astype(np.float64, copy=False)


def double(vectors: Vectors) -> NDArray[np.float64]:
    """``vectors`` in float64, for libraries that compute in the precision of their input.

    Their results carry the rounding of matrix products, which is another on another processor; that
    of float32 shows in them.
    """
    return vectors.astype(np.float64, copy=False)


def directed(vectors: Vectors, metric: str | None) -> NDArray[np.bool_]:
    """(n,) whether a row lies anywhere by ``metric``: by angles a zero row does not, by correlation
    a row of equal values.
    """
    placed = np.ones(len(vectors), dtype=np.bool_)
    if metric == "cosine":
        vectors.any(axis=1, out=placed)
    if metric == "correlation":
        (vectors != vectors[:, :1]).any(axis=1, out=placed)
    return placed


def without_direction(placed: NDArray[np.bool_], metric: str | None) -> dict[str, int]:
    """For a record: how many rows lie nowhere by ``metric``, if any, as ``directed`` tells."""
    lost = len(placed) - int(np.count_nonzero(placed))
    return {"zero_vectors" if metric == "cosine" else "constant_vectors": lost} if lost else {}


def unit_rows(vectors: Vectors) -> Vectors:
    """Each row scaled to length one; a zero row stays zero."""
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))[:, None]
    return np.divide(
        vectors, norms, out=np.zeros_like(vectors), where=norms > 0, casting="same_kind"
    )


def _refuse_unusable(matrix: Vectors) -> None:
    finite = np.isfinite(matrix).all(axis=1)
    if finite.all():
        return
    rows = np.flatnonzero(~finite)
    first = ", ".join(str(row) for row in rows[:10])
    message = (
        f"{len(rows)} of {len(matrix)} vectors hold NaN or infinity (rows {first}); "
        "embed them again"
    )
    raise InvalidVectors(message, details={"rows": rows.tolist()})
