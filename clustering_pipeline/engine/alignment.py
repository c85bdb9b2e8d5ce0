"""Lays a map over an earlier one: turned, mirrored, scaled and moved, never bent."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.floating]
SAME = 1e-4
"""Shares of the map's width: what moved by less did not move."""


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
    here, there = places.mean(axis=0, dtype=np.float64), earlier.mean(axis=0, dtype=np.float64)
    centered = places - here
    left, _, right = np.linalg.svd(centered.T @ (earlier - there))
    turn = left @ right
    spreads = float((centered**2).sum()), float(((earlier - there) ** 2).sum())
    scale = float(np.sqrt(spreads[1] / spreads[0])) if min(spreads) > 0 else 1.0
    return Similarity(turn=turn, scale=scale, shift=there - scale * here @ turn)


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
