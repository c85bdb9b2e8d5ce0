"""One exact neighbour search, shared by every step of a run that needs neighbours."""

from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.neighbors.conversion import Converted, converted
from clustering_pipeline.engine.neighbors.graph import NeighborGraph, measured, nearest_neighbors
from clustering_pipeline.engine.runtime.blocks import blocks
from clustering_pipeline.engine.vectors import Vectors, never
from clustering_pipeline.model.progress import Check

Metric: TypeAlias = Literal["euclidean", "cosine", "correlation", "manhattan"]
# Each decides the other where vectors are of about the same length.
EACH_OTHER: dict[str, Converted] = {"euclidean": "cosine", "cosine": "euclidean"}
SPARE = 2  # more than asked for, so that the last of them still decides another metric
BLUR = 4  # of the last digit: what scaling rows twice can move them, and more
ROWS = 64  # held at once against all others
BLOCK_VALUES = 1 << 29  # coordinates compared between two checks: about a second


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How many neighbours somebody will ask for, and by which metric."""

    count: int
    metric: Metric = "euclidean"


@dataclass(frozen=True, kw_only=True)
class Hint:
    """Lists that are right up to ``blur`` in distances of unit rows, and where they are from."""

    graph: NeighborGraph
    source: str
    blur: float = 0.0


@dataclass
class Neighborhood:
    """The neighbours of one set of vectors, searched when first asked for.

    ``least`` is how many a later step will want, of whatever metric: a search lists as many.
    ``record`` tells of each metric how many are listed, and whether they were searched for or come
    from the other's.
    """

    vectors: Vectors
    check: Check = never
    least: int = 0
    found: dict[Metric, NeighborGraph] = field(default_factory=dict)
    record: dict[str, dict[str, object]] = field(default_factory=dict)
    hint: Hint | None = None

    def nearest(self, count: int, metric: Metric = "euclidean") -> NeighborGraph:
        """``count`` other rows for every row, or all others when there are fewer."""
        count = min(count, len(self.vectors) - 1)
        known = self.found.get(metric)
        if known is None or known.indices.shape[1] < count:
            known = self.found[metric] = self._derived(count, metric) or self._searched(
                count, metric
            )
        return known.first(count)

    @property
    def longest(self) -> NeighborGraph | None:
        """The lists that decide most others."""
        graphs = [
            graph
            for metric, graph in self.found.items()
            if metric in EACH_OTHER and graph.indices.shape[1] > 0
        ]
        return max(graphs, key=lambda graph: graph.indices.shape[1], default=None)

    def learn(
        self, indices: NDArray[np.int64], metric: Converted, *, source: str, scaled: bool = False
    ) -> None:
        """Take over (n, k) neighbours that a search of the same vectors found, as the record says.

        No more of them are measured than the ``least`` that will be asked for.  ``scaled`` vectors
        were searched as rows of length one, whose last digits were others.
        """
        listed = indices[:, : self.least + SPARE]
        if scaled:
            blur = BLUR * float(np.finfo(self.vectors.dtype).eps)
            near = measured(self.vectors, listed, "cosine", self.check)
            self.hint = Hint(graph=near, source=source, blur=blur)
            return
        self.found[metric] = measured(self.vectors, listed, metric, self.check)
        self.record[metric] = {"listed": listed.shape[1], "searched": 0, "from": source}

    def _searched(self, count: int, metric: Metric) -> NeighborGraph:
        listed = min(max(count, self.least) + SPARE, len(self.vectors) - 1)
        self.record[metric] = {"listed": listed, "searched": len(self.vectors)}
        return search(self.vectors, listed, metric, self.check)

    def _derived(self, count: int, metric: Metric) -> NeighborGraph | None:
        hint = self._hint(metric)
        if hint is None or not 0 < count <= hint.graph.indices.shape[1]:
            return None
        conversion = converted(
            hint.graph,
            self.vectors,
            EACH_OTHER[EACH_OTHER[metric]],
            count,
            blur=hint.blur,
            check=self.check,
        )
        if conversion is None:
            return None
        self.record[metric] = {
            "listed": count,
            "searched": conversion.searched,
            "from": hint.source,
        }
        return conversion.graph

    def _hint(self, metric: Metric) -> Hint | None:
        """What is known that may decide the neighbours by ``metric``."""
        other = EACH_OTHER.get(metric)
        if other is None:
            return None
        known = self.found.get(other)
        return self.hint if known is None else Hint(graph=known, source=other)


def search(vectors: Vectors, count: int, metric: Metric, check: Check = never) -> NeighborGraph:
    """Exact neighbours; correlation is the cosine of centred rows."""
    if metric == "manhattan":
        return _city_blocks(vectors, count, check)
    if metric == "correlation":
        centred = vectors - vectors.mean(axis=1, keepdims=True)
        graph = nearest_neighbors(centred, count, "cosine", check=check)
        return replace(graph, metric="correlation")
    return nearest_neighbors(vectors, count, metric, check=check)


def _city_blocks(vectors: Vectors, count: int, check: Check) -> NeighborGraph:
    """Row by row, and not by scikit-learn, in which the threads decide between equal distances."""
    from scipy.spatial.distance import cdist  # noqa: PLC0415 - heavy

    indices = np.empty((len(vectors), count), dtype=np.int64)
    distances = np.empty((len(vectors), count))
    for rows in blocks(len(vectors), max(1, min(ROWS, BLOCK_VALUES // vectors.size)), check):
        for row, away in enumerate(cdist(vectors[rows], vectors, "cityblock"), start=rows.start):
            away[row] = np.inf
            near = np.flatnonzero(away <= np.partition(away, count - 1)[count - 1])
            indices[row] = near[np.argsort(away[near], kind="stable")][:count]
            distances[row] = away[indices[row]]
    return NeighborGraph(indices=indices, distances=distances, metric="manhattan")
