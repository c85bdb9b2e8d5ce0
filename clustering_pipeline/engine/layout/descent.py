"""UMAP's stochastic gradient descent, compiled once and kept on disk.

The order of the updates is fixed, so the same graph, start and seed give the same layout whatever
the number of threads. No ``fastmath``: with it, code just compiled and the same code loaded from
the disk round differently.
"""

import numba
import numpy as np

CLIP = np.float32(4.0)
NEAR = np.float32(1e-3)


@numba.njit(cache=True, inline="always")
def _clipped(value, limit):
    return min(max(value, -limit), limit)


@numba.njit(cache=True)
def _random(state):
    """The next number of a xorshift64* generator (Vigna, 2016)."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    return x * np.uint64(2685821657736338717)


@numba.njit(cache=True)
def _squared_distance(points, i, j):
    total = np.float32(0)
    for k in range(points.shape[1]):
        gap = points[i, k] - points[j, k]
        total += gap * gap
    return total


@numba.njit(cache=True)
def _attract(points, i, j, a, b, rate):  # noqa: PLR0917 - numba takes no keyword-only
    squared = _squared_distance(points, i, j)
    if squared <= 0:
        return
    power = np.exp(b * np.log(squared))
    pull = -np.float32(2) * a * b * power / (squared * (a * power + np.float32(1)))
    for k in range(points.shape[1]):
        step = rate * _clipped(pull * (points[i, k] - points[j, k]), CLIP)
        points[i, k] += step
        points[j, k] -= step


@numba.njit(cache=True)
def _repel(points, i, j, a, b, rate):  # noqa: PLR0917 - as above
    squared = _squared_distance(points, i, j)
    if squared <= 0:
        return
    power = np.exp(b * np.log(squared))
    push = np.float32(2) * b / ((NEAR + squared) * (a * power + np.float32(1)))
    for k in range(points.shape[1]):
        points[i, k] += rate * _clipped(push * (points[i, k] - points[j, k]), CLIP)


@numba.njit(cache=True)
def descend(  # noqa: PLR0917 - as above
    points, heads, tails, periods, due, negative_due, a, b, first, last, total, state
):
    """Epochs ``first`` to ``last`` of ``total`` over the edges (heads, tails), moving ``points``.

    An edge is used every ``periods`` epochs; ``due`` and ``negative_due`` hold when it and its
    five random counterparts are next, and ``state`` the generator; all are updated in place.
    """
    count = np.uint64(points.shape[0])
    for epoch in range(first, last):
        rate = np.float32(1.0 - epoch / total)
        for edge in range(heads.shape[0]):
            if due[edge] > epoch:
                continue
            i = heads[edge]
            _attract(points, i, tails[edge], a, b, rate)
            due[edge] += periods[edge]
            pause = periods[edge] / np.float32(5)
            repeats = int((epoch - negative_due[edge]) / pause)
            for _ in range(repeats):
                _repel(points, i, np.int64((_random(state) >> np.uint64(32)) % count), a, b, rate)
            negative_due[edge] += repeats * pause
