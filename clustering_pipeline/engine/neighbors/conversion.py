"""Euclidean neighbours from cosine ones and back, exactly, without another search.

Lists by one metric propose candidates for the other.  They are measured in float64, and a row is
settled when geometry says that nothing beyond its list can be as near; the others are searched.
Vectors of about the same length, as embeddings are, have the same neighbours by both.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.neighbors.graph import NeighborGraph
from clustering_pipeline.engine.neighbors.screening import slices
from clustering_pipeline.engine.neighbors.search import SPARE, ranked, search_rows
from clustering_pipeline.engine.vectors import Vectors, unit_rows
from clustering_pipeline.model.progress import Check

Converted: TypeAlias = Literal["euclidean", "cosine"]

PROBES = 512  # rows that tell whether it is worth it
MOST_SEARCHED = 0.1  # of the rows: beyond, one search of all is less work
ROWS = 4096


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """The ``graph`` by the other metric, and how many rows had to be ``searched`` for it."""

    graph: NeighborGraph
    searched: int


def converted(
    known: NeighborGraph,
    vectors: Vectors,
    metric: Converted,
    count: int,
    *,
    blur: float = 0.0,
    check: Check,
) -> Conversion | None:
    """The ``count`` nearest of (n, d) ``vectors`` by ``metric``, from a ``known`` graph.

    What a search would find, to the last digit; None where the graph settles too few rows.

    ``blur`` is how far the distances of unit rows may be off in a cosine graph.
    """
    points = unit_rows(vectors) if metric == "cosine" else vectors
    lengths = Lengths.of(vectors, blur)
    work = _Work(known=known, points=points, lengths=lengths, metric=metric, count=count)
    probes = np.linspace(0, len(vectors) - 1, min(PROBES, len(vectors)), dtype=np.int64)
    if work.nearest_of(probes)[2].mean() < 1 - MOST_SEARCHED:
        return None
    indices = np.empty((len(points), count), dtype=np.int64)
    distances, settled = np.empty((len(points), count)), np.empty(len(points), dtype=bool)
    for span in slices(len(points), ROWS):
        check()
        rows = np.arange(span.start, span.stop)
        indices[span], distances[span], settled[span] = work.nearest_of(rows)
    unsettled = np.flatnonzero(~settled)
    if len(unsettled) > MOST_SEARCHED * len(points):
        return None
    if len(unsettled):
        indices[unsettled], distances[unsettled] = search_rows(points, unsettled, count, check)
    if metric == "cosine":
        distances = distances**2 / 2
    graph = NeighborGraph(indices=indices, distances=distances, metric=metric)
    return Conversion(graph=graph, searched=len(unsettled))


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """Of the vectors: ``each`` (n,), between ``least`` and ``most``.

    ``chord`` is how far two unit rows can be off their directions together, and ``square`` how far
    a square of a distance is, relative to the lengths' product.
    """

    each: NDArray[np.float64]
    least: float
    most: float
    chord: float
    square: float

    @classmethod
    def of(cls, vectors: Vectors, blur: float) -> "Lengths":
        """Measure (n, d) vectors, whose directions are known up to ``blur``."""
        each = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
        double = (vectors.shape[1] + 8) * float(np.finfo(np.float64).eps)
        return cls(
            each=each,
            least=float(each.min()),
            most=float(each.max()),
            chord=4 * float(np.finfo(vectors.dtype).eps) + double + blur,
            square=8 * double,
        )

    def chords_beyond(
        self, rows: NDArray[np.int64], reach: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """What no unit row is nearer by, when the vector itself is ``reach`` away or more.

        The law of cosines; for given ``reach`` it has its minimum at the shortest or the longest.
        """
        own = self.each[rows]
        lowest = np.full(len(rows), np.inf)
        for other in (self.least, self.most):
            scale = own * other
            square = reach**2 - (own - other) ** 2 - self.square * own * self.most
            with np.errstate(divide="ignore", invalid="ignore"):
                lowest = np.minimum(lowest, np.where(scale > 0, square / scale, 0))
        return np.sqrt(np.maximum(lowest, 0)) - self.chord

    def distances_beyond(
        self, rows: NDArray[np.int64], chord: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """What no vector is nearer by, when its unit row is ``chord`` away or more.

        It is nearest where it comes closest to the ray of its direction.
        """
        own = self.each[rows]
        square = np.maximum(chord - self.chord, 0) ** 2
        other = np.clip(own * (1 - square / 2), self.least, self.most)
        apart = (own - other) ** 2 + own * other * square - self.square * own * self.most
        return np.sqrt(np.maximum(apart, 0))


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What is known, and what is wanted of ``points``: vectors, or their unit rows for cosine."""

    known: NeighborGraph
    points: Vectors
    lengths: Lengths
    metric: Converted
    count: int

    def nearest_of(
        self, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
        """Neighbours of ``rows`` among those known, and whether nothing else can be as near."""
        width = min(self.count + SPARE, self.known.indices.shape[1])
        candidates = np.sort(self.known.indices[rows, :width], axis=1)
        indices, distances = ranked(self.points, rows, candidates, self.count)
        if width == len(self.points) - 1:
            return indices, distances, np.ones(len(rows), dtype=bool)
        return indices, distances, distances[:, -1] < self._beyond(rows, width)

    def _beyond(self, rows: NDArray[np.int64], width: int) -> NDArray[np.float64]:
        """What nothing is nearer by that is not among the first ``width`` known."""
        reach = self.known.distances[rows, width - 1]
        if self.known.metric == "euclidean":
            return self.lengths.chords_beyond(rows, reach)
        chord = np.sqrt(2 * reach)
        if self.metric == "cosine":
            return chord - self.lengths.chord
        return self.lengths.distances_beyond(rows, chord)
