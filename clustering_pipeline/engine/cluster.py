"""The engine's one entry, vectors in, groups out; and how many neighbours that asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.algorithms import Fit, fit
from clustering_pipeline.engine.algorithms.algorithm import algorithm as named
from clustering_pipeline.engine.groups.equal_vectors import together
from clustering_pipeline.engine.groups.hierarchy import Hierarchy, by_size, of_deepest, top_labels
from clustering_pipeline.engine.groups.numbering import canonical, group_count
from clustering_pipeline.engine.limits import refuse_what_does_not_fit
from clustering_pipeline.engine.manifest import digest, versions
from clustering_pipeline.engine.neighbors.neighborhood import EACH_OTHER, Neighborhood, Wanted
from clustering_pipeline.engine.neighbors.outliers import NEIGHBORS, outlier_scores
from clustering_pipeline.engine.parameters import checked_seed, resolved, resolved_step
from clustering_pipeline.engine.preprocessing import Reduction, of_rows, reduce
from clustering_pipeline.engine.preprocessing.step import step_named
from clustering_pipeline.engine.runtime.blocks import group_sums
from clustering_pipeline.engine.sampling import (
    VOTERS,
    Assignment,
    assign,
    assign_to_centroids,
    sample_rows,
)
from clustering_pipeline.engine.vectors import NOISE, Labels, Vectors, as_vectors, directed, never
from clustering_pipeline.model.algorithms.parameters import Parameters
from clustering_pipeline.model.algorithms.preprocessing import Step
from clustering_pipeline.model.progress import Check


@dataclass(frozen=True, kw_only=True)
class Clustering:
    """``labels`` (n,) int64, 0 the largest group and -1 noise; ``probabilities`` and
    ``outlier_scores`` (n,) float64 in [0, 1], the latter from the original vectors whatever the
    preprocessing; ``record`` what was done; ``hierarchy`` the groups within groups, where the
    algorithm was asked for them.
    """

    labels: Labels
    probabilities: NDArray[np.float64]
    outlier_scores: NDArray[np.float64]
    record: dict[str, object]
    hierarchy: Hierarchy | None = None


@dataclass(frozen=True, kw_only=True)
class Placement:
    """The groups of all documents, fitted or not; as in ``Clustering``.

    ``record`` says by what those were assigned that were not fitted.
    """

    labels: Labels
    probabilities: NDArray[np.float64]
    hierarchy: Hierarchy | None
    record: dict[str, object]


def cluster(
    vectors: ArrayLike,
    *,
    algorithm: str,
    params: Mapping[str, Any] | Parameters | None = None,
    preprocessing: Sequence[Mapping[str, Any] | Step] | None = None,
    sample_size: int | None = None,
    random_state: int = 42,
    memory_limit: int | None = None,
    targets: Mapping[str, Sequence[object]] | None = None,
    check: Check = never,
) -> Clustering:
    """Group (n, d) vectors: preprocessing steps in order, then the algorithm.

    With more than ``sample_size`` documents, groups are fitted on a seeded sample; ``everywhere``
    says where the others go.  ``targets`` are the values of fields that steps name as ``target``,
    one a row.  ``check`` is called between blocks of work and may raise to cancel.  Raises
    ``EmptySelection``, ``InvalidVectors``, ``InvalidParameters``, ``DoesNotFit``.
    """
    original, random_state = as_vectors(vectors), checked_seed(random_state)
    method: dict[str, Any] = {"algorithm": algorithm, "params": params}
    least = neighbors_wanted(**method, preprocessing=preprocessing)
    rows = sample_rows(len(original), sample_size, random_state=random_state)
    hood, sampled = _neighborhoods(original, rows, check, least=least)
    refuse_what_does_not_fit(
        sampled.vectors, **method, preprocessing=preprocessing, limit=memory_limit
    )
    options: dict[str, Any] = {"random_state": random_state, "check": check}
    reduction = reduce(
        sampled.vectors, preprocessing, neighbors=sampled, targets=of_rows(targets, rows), **options
    )
    near = sampled if reduction.vectors is sampled.vectors else None
    fitted = fit(reduction.vectors, **method, neighbors=near, memory_limit=memory_limit, **options)
    placed = everywhere(original, rows, fitted, check, steps=reduction.record)
    scores = outlier_scores(original, neighbors=hood, check=check)
    record = _record(original, rows, reduction, fitted, random_state) | placed.record
    return Clustering(
        labels=placed.labels,
        probabilities=placed.probabilities,
        hierarchy=placed.hierarchy,
        outlier_scores=scores,
        record=record | {"neighbors": {"fitted": sampled.record, "scored": hood.record}},
    )


def _neighborhoods(
    original: Vectors, rows: NDArray[np.int64], check: Check, *, least: int
) -> tuple[Neighborhood, Neighborhood]:
    """Of all documents, and of those that groups are fitted on: one, where these are all."""
    if len(rows) == len(original):
        every = Neighborhood(original, check, least=least)
        return every, every
    sampled = Neighborhood(original[rows], check, least=least)
    return Neighborhood(original, check, least=NEIGHBORS), sampled


def _record(
    original: Vectors, rows: NDArray[np.int64], reduction: Reduction, fitted: Fit, random_state: int
) -> dict[str, object]:
    return {
        "input": digest(original),
        "random_state": random_state,
        "preprocessing": list(reduction.record),
        **fitted.record,
        "fitted": len(rows),
        "assigned": len(original) - len(rows),
        "versions": versions(),
    }


def everywhere(
    original: Vectors,
    rows: NDArray[np.int64],
    fitted: Fit,
    check: Check,
    *,
    steps: Sequence[Mapping[str, Any]] = (),
) -> Placement:
    """The groups of all documents: of those in ``rows`` as fitted, of the others by the nearest
    centroid, where that is the method's own rule and nothing was reduced, or by neighbours.

    Equal vectors are in one group, sampled or not.  ``steps`` are the preprocessing steps: where
    the first goes by angles, a zero vector, which has none, is noise.
    """
    tree = fitted.hierarchy
    labels = (fitted.labels if tree is None else tree.deepest).copy()
    probabilities, record = fitted.probabilities.copy(), {}
    first = next((step for step in steps if step["method"] != "none"), {})
    if len(rows) < len(original):
        nearest = named(str(fitted.record["algorithm"])).by_centroid and not first
        work = _by_centroids if nearest else _by_neighbors
        assigned = work(original, rows, labels, check)
        equal = together(original, *_with_the_others(rows, labels, probabilities, assigned))
        labels, probabilities = equal.labels, equal.probabilities
        record = {"assigned_by": "centroids" if nearest else "neighbors"}
    lost = ~directed(original, first.get("metric"))
    labels[lost], probabilities[lost] = NOISE, 0
    grown = (
        None if tree is None else by_size(of_deepest([node.path for node in tree.nodes], labels))
    )
    return Placement(
        labels=canonical(labels) if grown is None else top_labels(grown),
        probabilities=probabilities,
        hierarchy=grown,
        record=record,
    )


def _by_centroids(
    original: Vectors, rows: NDArray[np.int64], fitted: Labels, check: Check
) -> Assignment:
    """Those not in ``rows``, to the group whose mean is nearest, as k-means predicts."""
    sums = group_sums(original[rows], fitted, group_count(fitted), check)
    middles = sums / np.bincount(fitted)[:, None]
    labels = assign_to_centroids(original, middles, rows=_others(original, rows), check=check)
    return Assignment(labels=labels, probabilities=np.ones(len(labels)))


def _by_neighbors(
    original: Vectors, rows: NDArray[np.int64], fitted: Labels, check: Check
) -> Assignment:
    """Those not in ``rows``, to the group of most of their neighbours."""
    others = original[_others(original, rows)]
    return assign(others, original[rows], fitted, voters=VOTERS, check=check)


def _others(original: Vectors, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.setdiff1d(np.arange(len(original)), rows)


def _with_the_others(
    rows: NDArray[np.int64], fitted: Labels, known: NDArray[np.float64], assigned: Assignment
) -> tuple[Labels, NDArray[np.float64]]:
    count = len(rows) + len(assigned.labels)
    others = np.ones(count, dtype=np.bool_)
    others[rows] = False
    labels, probabilities = np.empty(count, dtype=np.int64), np.empty(count)
    labels[rows], labels[others] = fitted, assigned.labels
    probabilities[rows], probabilities[others] = known, assigned.probabilities
    return labels, probabilities


def neighbors_wanted(
    *,
    algorithm: str,
    params: Mapping[str, Any] | Parameters | None = None,
    preprocessing: Sequence[Mapping[str, Any] | Step] | None = None,
) -> int:
    """The most that outlier scores and whatever groups or reduces the original vectors will want.

    Cosine and Euclidean neighbours only, which come from one search.
    """
    lists = _of_original(algorithm, params, preprocessing or ())
    if lists is None or lists.metric not in EACH_OTHER:
        return NEIGHBORS
    return max(NEIGHBORS, lists.count)


def _of_original(
    algorithm: str,
    params: Mapping[str, Any] | Parameters | None,
    preprocessing: Sequence[Mapping[str, Any] | Step],
) -> Wanted | None:
    for given in preprocessing:
        step = resolved_step(given)
        if step.model_dump()["method"] != "none":
            return step_named(step).neighbors(step)
    return named(algorithm).neighbors(resolved(algorithm, params))
