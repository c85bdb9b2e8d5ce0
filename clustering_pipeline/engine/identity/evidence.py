"""What two runs' groups have in common: documents, and where those changed, their place."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from clustering_pipeline.engine.identity.generation import Generation
from clustering_pipeline.engine.vectors import unit_rows

Counts = NDArray[np.int64]
Shares = NDArray[np.float64]
MOSTLY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How much two groups must have in common to be one."""

    jaccard: float = 0.5
    """Of the documents that both runs saw, those in both groups among those in either."""
    cosine: float = 0.9
    """Between centroids, where most documents of both groups are in one run only."""
    heir_overlap: float = 0.7
    """Where nothing else claims either: of the smaller group, the part that is in the other …"""
    heir_jaccard: float = 0.7
    """… and the share of ``jaccard`` that it still takes: a third of a group is no heir."""
    support: float = 0.1
    """Documents in common, of the smaller group: below it, members tell nothing."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """Pairs of groups that share documents: places in the run before and in this one, (m,) each."""

    before: Generation
    after: Generation
    old: Counts
    new: Counts
    shared: Counts
    """Documents in both groups."""
    old_known: Counts
    """(k0,) of each earlier group, the documents that this run saw too, grouped or not."""
    new_known: Counts
    """(k1,) of each group, the documents that the run before saw too."""

    @cached_property
    def jaccard(self) -> Shares:
        """(m,) over the documents that both runs saw."""
        either = self.old_known[self.old] + self.new_known[self.new] - self.shared
        return self.shared / either

    @cached_property
    def overlap(self) -> Shares:
        """(m,) share of the smaller group, of the documents that both runs saw."""
        return self.shared / np.minimum(self.old_known[self.old], self.new_known[self.new])

    @property
    def support(self) -> Shares:
        """(m,) documents in common against all of the smaller group."""
        sizes = np.minimum(self.before.sizes[self.old], self.after.sizes[self.new])
        return self.shared / sizes

    @property
    def same_level(self) -> NDArray[np.bool_]:
        """(m,) whether both lie equally deep."""
        return self.before.levels[self.old] == self.after.levels[self.new]

    @cached_property
    def jaccards(self) -> dict[tuple[int, int], float]:
        """The same by pair."""
        pairs = zip(self.old.tolist(), self.new.tolist(), strict=True)
        return dict(zip(pairs, self.jaccard.tolist(), strict=True))


def gather(before: Generation, after: Generation) -> Evidence:
    """What the groups of two runs share."""
    old_rows, new_rows = _common(before, after)
    grouped = (before.deepest[old_rows] >= 0) & (after.deepest[new_rows] >= 0)
    places = (before.deepest[old_rows][grouped], after.deepest[new_rows][grouped])
    ones = np.ones(len(places[0]), dtype=np.int64)
    innermost = csr_array((ones, places), shape=(before.k, after.k))
    shared = (before.around.T @ innermost @ after.around).tocoo()
    return Evidence(
        before=before,
        after=after,
        old=shared.row.astype(np.int64),
        new=shared.col.astype(np.int64),
        shared=shared.data,
        old_known=before.sizes_among(_marked(len(before.documents), old_rows)),
        new_known=after.sizes_among(_marked(len(after.documents), new_rows)),
    )


def similarity(evidence: Evidence, old: Counts, new: Counts) -> Shares:
    """(len(old), len(new)) cosines of centroids; -1 where documents stayed and so tell better."""
    before, after = evidence.before, evidence.after
    cosines = np.full((len(old), len(new)), -1.0)
    if before.centroids is None or after.centroids is None or not cosines.size:
        return cosines
    left, right = before.centroids(), after.centroids()
    if left.shape[1] != right.shape[1]:
        return cosines
    changed = np.outer(
        evidence.old_known[old] <= MOSTLY * before.sizes[old],
        evidence.new_known[new] <= MOSTLY * after.sizes[new],
    )
    level = before.levels[old][:, None] == after.levels[new][None]
    near = unit_rows(left[old]).astype(np.float64) @ unit_rows(right[new]).astype(np.float64).T
    return np.where(changed & level, near, cosines)


def _common(before: Generation, after: Generation) -> tuple[Counts, Counts]:
    left = pl.DataFrame({"document": pl.Series(before.documents, dtype=pl.String)})
    right = pl.DataFrame({"document": pl.Series(after.documents, dtype=pl.String)})
    both = left.with_row_index("old").join(right.with_row_index("new"), on="document")
    return both["old"].cast(pl.Int64).to_numpy(), both["new"].cast(pl.Int64).to_numpy()


def _marked(count: int, rows: Counts) -> NDArray[np.bool_]:
    marked = np.zeros(count, dtype=np.bool_)
    marked[rows] = True
    return marked
