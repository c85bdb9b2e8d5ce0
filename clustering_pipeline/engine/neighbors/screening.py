"""All pairs at float32 speed, judged in float64.

One float32 matrix product gives a lower bound of every squared distance, with the product's
rounding error (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1) already
taken off.  What the bound lets through is measured in float64 by direct differences, so no rounding
of the fast half ever shows in a result, whatever the number of threads or the order of the rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.vectors import Vectors

PAIR_VALUES = 1 << 20  # differences held at once by pair_distances
HASHED_ROWS = 4096
SAMPLED_ROWS = 1024  # for a center that single far points do not move
FINE_COLUMNS = 4096


@dataclass(frozen=True, kw_only=True)
class Screen:
    """Lower bounds of the squared distances between ``vectors`` taken in ``order``.

    Bounds are in units of ``unit`` squared, and fall short of the true value by ``slack`` at most.
    The coarse screen keeps its operand, ``held``, in float32.  The fine one works in float64, for
    data so uneven that the coarse margin hides the differences, and makes its operand as it goes.
    """

    vectors: Vectors
    order: NDArray[np.int64]
    center: NDArray[np.float64]
    unit: float
    slack: float
    held: NDArray[np.float32] | None

    def bounds(self, rows: slice | NDArray[np.int64], columns: slice) -> NDArray[np.floating]:
        """(rows, columns) lower bounds."""
        left = self._operand(rows).copy()
        left[:, :-2] *= -2
        left[:, -2:] = left[:, :-3:-1]
        if self.held is not None:
            return left @ self.held[columns].T
        bounds = np.empty((len(left), columns.stop - columns.start))
        for chunk in slices(bounds.shape[1], FINE_COLUMNS):
            right = slice(columns.start + chunk.start, columns.start + chunk.stop)
            bounds[:, chunk] = left @ self._operand(right).T
        return bounds

    def points(self, rows: slice) -> NDArray[np.floating]:
        """(rows, d) the centred vectors in the screen's units."""
        return self._operand(rows)[:, :-2]

    def squared(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """True distances in the screen's squared units."""
        return (distances / self.unit) ** 2

    def _operand(self, span: slice | NDArray[np.int64]) -> NDArray[np.floating]:
        """Centred vectors, their squared norms less the error margin, and ones."""
        if self.held is not None:
            return self.held[span]
        return _operand(self, self.order[span], np.float64)


def coarse_screen(vectors: Vectors, order: NDArray[np.int64]) -> Screen:
    """Lower bounds by float32 products, which most data needs nothing but."""
    fine = fine_screen(vectors, order)
    held = np.empty((len(order), vectors.shape[1] + 2), dtype=np.float32)
    for rows in slices(len(order), max(1, PAIR_VALUES // vectors.shape[1])):
        held[rows] = _operand(fine, order[rows], np.float32)
    furthest = float(held[:, -2].max()) + fine.slack
    return replace(fine, held=held, slack=_slack(furthest, held))


def fine_screen(vectors: Vectors, order: NDArray[np.int64]) -> Screen:
    """Lower bounds by float64 products."""
    sample = vectors[:: max(1, len(vectors) // SAMPLED_ROWS)]
    center = np.median(sample, axis=0).astype(np.float64)
    reach = np.maximum(vectors.max(axis=0) - center, center - vectors.min(axis=0))
    unit = float(2.0 ** np.ceil(np.log2(reach.max()))) if reach.max() > 0 else 1.0
    furthest = float(((reach / unit) ** 2).sum())
    return Screen(
        vectors=vectors,
        order=order,
        center=center,
        unit=unit,
        slack=_slack(furthest, np.empty((0, len(center) + 2))),
        held=None,
    )


def _operand(
    screen: Screen, chosen: NDArray[np.int64], precision: type[np.floating]
) -> NDArray[np.floating]:
    centred = (screen.vectors[chosen] - screen.center) / screen.unit
    operand = np.ones((len(chosen), centred.shape[1] + 2), dtype=precision)
    operand[:, :-2] = centred
    squares = np.einsum("ij,ij->i", centred, centred)
    operand[:, -2] = squares * (1 - _margin(operand)) - _underflow(operand)
    return operand


def _slack(furthest: float, operand: NDArray[np.floating]) -> float:
    """What a bound can fall short by, when no squared norm less its margin exceeds ``furthest``."""
    return 5 * _margin(operand) * furthest + 4 * _underflow(operand)


def _margin(operand: NDArray[np.floating]) -> float:
    """How far a product can be off, relative to the squared norms of the two vectors together."""
    return float((operand.shape[1] + 6) * np.finfo(operand.dtype).eps)


def _underflow(operand: NDArray[np.floating]) -> float:
    """How far a product can be off whatever the norms, because its terms vanish."""
    return float((operand.shape[1] + 6) * np.finfo(operand.dtype).tiny)


def pair_distances(
    vectors: Vectors, left: NDArray[np.integer], right: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Euclidean distances in float64 of rows ``left`` and ``right``, the same both ways round."""
    distances = np.empty(len(left))
    for chunk in slices(len(left), max(1, PAIR_VALUES // vectors.shape[1])):
        difference = np.subtract(vectors[left[chunk]], vectors[right[chunk]], dtype=np.float64)
        distances[chunk] = np.einsum("ij,ij->i", difference, difference)
    return np.sqrt(distances)


def first_copies(vectors: Vectors) -> NDArray[np.int64]:
    """For every row the first row that equals it, which is itself for most."""
    seen: dict[bytes, int] = {}
    first = np.empty(len(vectors), dtype=np.int64)
    for rows in slices(len(vectors), HASHED_ROWS):
        block = vectors[rows] + 0.0  # makes -0.0 a zero
        for index, row in enumerate(block, start=rows.start):
            first[index] = seen.setdefault(blake2b(row.data, digest_size=16).digest(), index)
    return first


def round_up(values: NDArray[np.float64], precision: np.dtype[np.floating]) -> NDArray[np.floating]:
    """The next number of that precision not below."""
    return np.nextafter(values.astype(precision), precision.type(np.inf))


def round_down(
    values: NDArray[np.float64], precision: np.dtype[np.floating]
) -> NDArray[np.floating]:
    """The next number of that precision not above."""
    return np.nextafter(values.astype(precision), precision.type(-np.inf))


def slices(count: int, step: int) -> Iterator[slice]:
    """Cut ``range(count)`` into runs of ``step``."""
    return (slice(start, min(start + step, count)) for start in range(0, count, step))
