"""Pairs earlier groups with groups of this run, each with one at most.

What two of them have in common is documents, and where those changed, their place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from clustering_pipeline.engine.groups.hierarchy import Path
from clustering_pipeline.engine.identity.generation import Generation
from clustering_pipeline.engine.vectors import unit_rows

By = Literal["members", "centroid"]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """An earlier group and the group of this run that it has become."""

    old: int
    new: int
    by: By
    score: float
    """Jaccard of the members, or cosine of the centroids."""
    overlap: float = 0.0
    """Documents of both, of the smaller group, over the documents that both runs saw."""
    known: float = 0.0
    """Documents of both, of all in the group of this run."""


def match(evidence: Evidence, names: Sequence[str], terms: Terms) -> tuple[Match, ...]:
    """Optimal pairs: by members on one level, across levels, as heirs, and by centroid.

    Each step takes what the steps before it left.  Where several assignments are equally good,
    numbers order the earlier groups and ``names`` (k1,) those of this run: the order of documents
    decides nothing.
    """
    rank_old, rank_new = _ranks(evidence.before.paths), _ranks(names)
    matches: list[Match] = []
    for allowed in _steps(evidence, terms):
        left = allowed & _left(evidence.old, evidence.new, matches)
        matches += _assign(evidence, left, rank_old, rank_new)
    matches += _by_centroid(evidence, terms, matches, rank_old, rank_new)
    return tuple(sorted(matches, key=lambda match: match.new))


def _steps(evidence: Evidence, terms: Terms) -> tuple[NDArray[np.bool_], ...]:
    telling = evidence.support >= terms.support
    alike = telling & (evidence.jaccard >= terms.jaccard)
    heirs = (
        telling
        & (evidence.jaccard >= terms.heir_jaccard * terms.jaccard)
        & (evidence.overlap >= terms.heir_overlap)
    )
    level = evidence.same_level
    return alike & level, alike & ~level, heirs & level


def _left(old: Counts, new: Counts, matches: Sequence[Match]) -> NDArray[np.bool_]:
    gone = [match.old for match in matches], [match.new for match in matches]
    return ~np.isin(old, gone[0]) & ~np.isin(new, gone[1])


def match_at(evidence: Evidence, place: int) -> Match:
    """A pair of groups that share documents."""
    new = int(evidence.new[place])
    return Match(
        old=int(evidence.old[place]),
        new=new,
        by="members",
        score=float(evidence.jaccard[place]),
        overlap=float(evidence.overlap[place]),
        known=float(evidence.shared[place] / evidence.after.sizes[new]),
    )


def _assign(
    evidence: Evidence, left: NDArray[np.bool_], rank_old: Counts, rank_new: Counts
) -> list[Match]:
    old, new, scores = evidence.old[left], evidence.new[left], evidence.jaccard[left]
    pairs = optimal(rank_old[old], rank_new[new], scores)
    return [match_at(evidence, place) for place in np.flatnonzero(left)[pairs].tolist()]


def _by_centroid(
    evidence: Evidence, terms: Terms, matches: Sequence[Match], rank_old: Counts, rank_new: Counts
) -> list[Match]:
    old = np.setdiff1d(np.arange(evidence.before.k), [match.old for match in matches])
    new = np.setdiff1d(np.arange(evidence.after.k), [match.new for match in matches])
    cosines = similarity(evidence, old, new)
    rows, columns = np.nonzero(cosines >= terms.cosine)
    scores = cosines[rows, columns]
    pairs = optimal(rank_old[old[rows]], rank_new[new[columns]], scores)
    return [
        Match(
            old=int(old[rows[at]]),
            new=int(new[columns[at]]),
            by="centroid",
            score=min(float(scores[at]), 1.0),
        )
        for at in pairs
    ]


def optimal(old: Counts, new: Counts, scores: Shares) -> list[int]:
    """Which of the pairs (old, new) to take so that none shares a side and the scores sum up best.

    Solved apart for groups of pairs that have nothing to do with each other: thousands of groups
    that each match one other take no matrix of thousands by thousands.
    """
    from scipy.sparse import coo_array  # noqa: PLC0415 - heavy
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415 - heavy

    if not len(scores):
        return []
    columns = new + old.max() + 1
    size = int(columns.max()) + 1
    graph = coo_array((np.ones(len(scores)), (old, columns)), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    order = np.argsort(component[old], kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(component[old][order])) + 1)
    return sorted(at for part in parts for at in _solved(old, new, scores, part))


def _solved(old: Counts, new: Counts, scores: Shares, part: Counts) -> list[int]:
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - heavy

    if len(part) == 1:
        return [int(part[0])]
    rows, row = np.unique(old[part], return_inverse=True)
    columns, column = np.unique(new[part], return_inverse=True)
    table = np.zeros((len(rows), len(columns)))
    table[row, column] = scores[part]
    pairs = {(r, c): int(at) for r, c, at in zip(row, column, part, strict=True)}
    chosen = zip(*linear_sum_assignment(table, maximize=True), strict=True)
    return [pairs[pair] for pair in chosen if pair in pairs]


def _ranks(names: Sequence[str] | Sequence[Path]) -> Counts:
    ranks = np.empty(len(names), dtype=np.int64)
    ranks[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
    return ranks
