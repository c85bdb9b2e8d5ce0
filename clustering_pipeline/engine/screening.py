"""All pairs at float32 speed, judged in float64.

One float32 matrix product gives a lower bound of every squared distance, with the product's
rounding error (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.1) already
taken off.
What the bound lets through is computed again in float64 by direct differences, so no rounding of
the fast half ever shows in a result, whatever the number of threads or the order of the rows.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from clustering_pipeline.engine.vectors import Check, Vectors

ROUND_OFF = 2.0**-24  # of float32
PAIR_VALUES = 1 << 20  # differences held at once by pair_distances
HASHED_ROWS = 4096

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


@dataclass(frozen=True, kw_only=True)
class Screen:
    """Vectors prepared for lower bounds of their squared distances, in units of ``unit`` squared.

    ``operand`` is (n, d + 2) float32: centred vectors divided by ``unit``, their squared norms less
    the error margin, and ones.  ``slack`` is what a bound can lie below the true value, at most.
    """

    operand: NDArray[np.float32]
    unit: float
    slack: float

    def bounds(self, rows: slice, columns: slice) -> NDArray[np.float32]:
        """(rows, columns) lower bounds of the squared distances."""
        left = self.operand[rows].copy()
        left[:, :-2] *= -2
        left[:, -2:] = left[:, :-3:-1]
        return left @ self.operand[columns].T

    def squared(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """True distances in the screen's squared units."""
        return (distances / self.unit) ** 2


def screen(vectors: Vectors, order: NDArray[np.int64]) -> Screen:
    """Centre and scale (n, d) vectors, taken in ``order``, and bound float32's error on them."""
    count, dimensions = len(order), vectors.shape[1]
    center = vectors.mean(axis=0, dtype=np.float64)
    operand = np.ones((count, dimensions + 2), dtype=np.float32)
    unit = _power_of_two(np.maximum(vectors.max(axis=0) - center, center - vectors.min(axis=0)))
    squares = np.empty(count)
    for rows in slices(count, max(1, PAIR_VALUES // dimensions)):
        centred = (vectors[order[rows]] - center) / unit
        operand[rows, :-2] = centred
        squares[rows] = np.einsum("ij,ij->i", centred, centred)
    margin = 2 * (dimensions + 8) * ROUND_OFF
    operand[:, -2] = squares * (1 - margin)
    return Screen(operand=operand, unit=unit, slack=float(4 * margin * squares.max()))


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


def round_up(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The nearest float32 not below."""
    return np.nextafter(values.astype(np.float32), np.float32(np.inf))


def round_down(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """The nearest float32 not above."""
    return np.nextafter(values.astype(np.float32), np.float32(-np.inf))


def slices(count: int, step: int) -> Iterator[slice]:
    """Cut ``range(count)`` into runs of ``step``."""
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def in_parallel(
    work: Callable[[Item], Outcome], items: Iterable[Item], check: Check
) -> Iterator[Outcome]:
    """``work`` of every item, in order, on all cores, with ``check`` called between blocks.

    Each worker has a single BLAS thread: a product then does not depend on how many there are.
    """
    workers = ThreadPoolExecutor(len(os.sched_getaffinity(0)))
    with threadpool_limits(1, user_api="blas"):
        try:
            for outcome in workers.map(work, items):
                check()
                yield outcome
        finally:
            workers.shutdown(wait=True, cancel_futures=True)


def _power_of_two(spread: NDArray[np.float64]) -> float:
    widest = float(spread.max())
    return float(2.0 ** np.ceil(np.log2(widest))) if widest > 0 else 1.0
