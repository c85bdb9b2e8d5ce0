"""The groups of one run, with the documents in them."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from clustering_pipeline.engine.groups.hierarchy import Path
from clustering_pipeline.engine.vectors import Labels, Vectors

PREFIX = "grp_"
_DIGITS = 24


@dataclass(frozen=True, kw_only=True, eq=False)
class Generation:
    """``documents`` (n,) are distinct keys, ``paths`` (k,) all groups, those around others too.

    ``deepest`` (n,) is the place in ``paths`` of the innermost group around each document, -1 for
    noise.
    """

    documents: Sequence[str]
    deepest: Labels
    paths: tuple[Path, ...]
    names: Sequence[str] = ()
    """What uids are made of in place of the keys: names that documents have elsewhere too."""
    uids: tuple[str, ...] = ()
    """The groups' lasting ids, once they have them."""
    centroids: Callable[[], Vectors] | None = None
    """Makes the (k, d) centroids; called only where members do not tell."""

    @property
    def levels(self) -> NDArray[np.int64]:
        """(k,) how many groups lie around each."""
        return np.array([len(path) - 1 for path in self.paths], dtype=np.int64)

    @cached_property
    def around(self) -> csr_array:
        """(k, k) with a 1 where the column's group is the row's own or lies around it."""
        places = {path: place for place, path in enumerate(self.paths)}
        pairs = [
            (place, places[path[:end]])
            for path, place in places.items()
            for end in range(1, len(path) + 1)
        ]
        rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        return csr_array((np.ones(len(rows), dtype=np.int64), (rows, columns)), shape=(self.k,) * 2)

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """(k,) documents in each group."""
        return self.sizes_among(np.ones(len(self.documents), dtype=np.bool_))

    @property
    def k(self) -> int:
        """How many groups there are, on all levels."""
        return len(self.paths)

    def sizes_among(self, known: NDArray[np.bool_]) -> NDArray[np.int64]:
        """(k,) documents in each group, of those that ``known`` (n,) marks."""
        inside = self.deepest[(self.deepest >= 0) & known]
        return self.around.T @ np.bincount(inside, minlength=self.k)


def fresh_uids(generation: Generation) -> tuple[str, ...]:
    """An id for each group that follows from its members and its level, in whatever order."""
    own: dict[int, list[str]] = {place: [] for place in range(generation.k)}
    names = generation.names or generation.documents
    for document, place in zip(names, generation.deepest.tolist(), strict=True):
        if place >= 0:
            own[place].append(document)
    members: dict[Path, list[str]] = {path: [] for path in generation.paths}
    for place, path in enumerate(generation.paths):
        for end in range(1, len(path) + 1):
            members[path[:end]] += own[place]
    return tuple(_uid(len(path), sorted(members[path])) for path in generation.paths)


def rehashed(uid: str) -> str:
    """Another id that follows from a taken one."""
    return PREFIX + hashlib.sha256(uid.encode()).hexdigest()[:_DIGITS]


def _uid(level: int, documents: Sequence[str]) -> str:
    content = "\0".join([str(level), *documents]).encode(errors="surrogatepass")
    return PREFIX + hashlib.sha256(content).hexdigest()[:_DIGITS]
