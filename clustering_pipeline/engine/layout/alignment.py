"""Lays a map over an earlier one: turned, mirrored, scaled and moved, never bent."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.vectors import Vectors, unit_rows

Places = NDArray[np.floating]
SAME = 1e-4
"""Shares of the map's width: what moved by less did not move."""
NEIGHBORS = 15
BLOCK = 2_048  # documents whose neighbours are looked for at once
TINY = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Similarity:
    """``scale * places @ turn + shift``."""

    turn: NDArray[np.float64]
    scale: float
    shift: NDArray[np.float64]

    def __call__(self, places: Places) -> Places:
        """(n, d) places after the transform."""
        return (self.scale * (places @ self.turn) + self.shift).astype(np.float32)


def similarity_between(places: Places, earlier: Places) -> Similarity:
    """The transform of (n, d) ``places`` that brings them close to ``earlier``.

    Orthogonal Procrustes (Schönemann 1966), mirroring allowed: a layout's orientation says nothing.
    The scale makes both equally wide; the least-squares one would shrink maps that agree little.
    """
    middle, goal = places.mean(axis=0, dtype=np.float64), earlier.mean(axis=0, dtype=np.float64)
    centered = places - middle
    left, _, right = np.linalg.svd(centered.T @ (earlier - goal))
    turn = left @ right
    spreads = float((centered**2).sum()), float(((earlier - goal) ** 2).sum())
    scale = float(np.sqrt(spreads[1] / spreads[0])) if min(spreads) > 0 else 1.0
    return Similarity(turn=turn, scale=scale, shift=goal - scale * middle @ turn)


def follow(places: Places, vectors: Vectors, rows: NDArray[np.int64], earlier: Places) -> Places:
    """``rows`` stay where they were ``earlier``; every other goes to where its nearest of them are.

    Nearest by cosine of the (n, d) ``vectors``, each weighed by how much nearer it is than the
    last of them: an earlier map serves as its own reducer.
    """
    placed = np.array(places, dtype=np.float32)
    placed[rows] = earlier
    others = np.setdiff1d(np.arange(len(places)), rows)
    known, count = unit_rows(vectors[rows]), min(NEIGHBORS, len(rows))
    for start in range(0, len(others), BLOCK):
        block = others[start : start + BLOCK]
        cosines = unit_rows(vectors[block]) @ known.T
        nearest = np.argpartition(-cosines, count - 1, axis=1)[:, :count]
        near = np.take_along_axis(cosines, nearest, axis=1).astype(np.float64)
        weights = near - near.min(axis=1, keepdims=True) + TINY
        weights /= weights.sum(axis=1, keepdims=True)
        placed[block] = np.einsum("nk,nkd->nd", weights, np.asarray(earlier)[nearest])
    return placed


def align(places: Places, rows: NDArray[np.int64], earlier: Places) -> Places:
    """All ``places`` after the transform that fits its ``rows`` to where they were ``earlier``.

    Where nothing really moved, what was there is returned to the last bit.
    """
    placed = similarity_between(places[rows], earlier)(places)
    width = float(np.ptp(earlier, axis=0).max())
    still = np.abs(placed[rows] - earlier).max(axis=1) <= SAME * width
    if still.all():
        placed[rows] = earlier
    return placed
