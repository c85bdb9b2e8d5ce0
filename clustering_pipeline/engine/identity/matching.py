"""Pairs earlier groups with groups of this run, each with one at most."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.groups.hierarchy import Path
from clustering_pipeline.engine.identity.evidence import Counts, Evidence, Shares, Terms, similarity

By = Literal["members", "centroid"]


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
