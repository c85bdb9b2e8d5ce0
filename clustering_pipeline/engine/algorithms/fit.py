"""Fit one algorithm and answer in canonical form."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.algorithms.algorithm import Algorithm, FitContext, Grouping
from clustering_pipeline.engine.algorithms.algorithm import algorithm as named
from clustering_pipeline.engine.groups.equal_vectors import together
from clustering_pipeline.engine.groups.hierarchy import (
    Hierarchy,
    by_size,
    moved,
    of_deepest,
    top_labels,
)
from clustering_pipeline.engine.groups.numbering import canonical
from clustering_pipeline.engine.limits import refuse_what_does_not_fit
from clustering_pipeline.engine.neighbors.neighborhood import Neighborhood
from clustering_pipeline.engine.parameters import resolved, seeded
from clustering_pipeline.engine.runtime.libraries import answerable, collected
from clustering_pipeline.engine.vectors import (
    NOISE,
    Labels,
    Vectors,
    as_vectors,
    directed,
    never,
    silent,
    squarable,
    without_direction,
)
from clustering_pipeline.model.algorithms.parameters import Parameters
from clustering_pipeline.model.progress import Check, Tell


@dataclass(frozen=True, kw_only=True)
class Fit:
    """One group per row: 0 is the largest group, -1 is noise.

    ``labels`` is (n,) int64, ``probabilities`` (n,) float64 in [0, 1], ``record`` what was done.
    Equal vectors are in one group; ``equal_vectors_moved`` in the record counts those that the
    method had put elsewhere.
    ``hierarchy`` holds the groups within groups, where the method was asked for them.
    """

    labels: Labels
    probabilities: NDArray[np.float64]
    record: dict[str, object]
    hierarchy: Hierarchy | None = None


def fit(
    vectors: ArrayLike,
    *,
    algorithm: str,
    params: Mapping[str, Any] | Parameters | None = None,
    random_state: int = 42,
    neighbors: Neighborhood | None = None,
    memory_limit: int | None = None,
    check: Check = never,
    tell: Tell = silent,
) -> Fit:
    """Group (n, d) vectors by ``algorithm``; ``random_state`` serves where no seed is named.

    ``neighbors`` is the neighbourhood of ``vectors`` when the caller has it; ``tell`` hears what
    ``auto`` tries.  Raises
    ``InvalidParameters``, ``InvalidVectors``, ``EmptySelection``, or ``DoesNotFit`` when the method
    needs more than ``memory_limit`` bytes (None: what the machine has free).
    """
    points = squarable(as_vectors(vectors))
    method = named(algorithm)
    settings = seeded(resolved(algorithm, params), random_state)
    refuse_what_does_not_fit(points, algorithm=algorithm, params=settings, limit=memory_limit)
    context = FitContext(
        neighborhood=neighbors or Neighborhood(points, check), check=check, tell=tell
    )
    with collected() as warned:
        grouping = _grouped(method, points, settings, context)
    record = {"algorithm": algorithm, "params": settings.model_dump(), **grouping.notes}
    if warned:
        record["warnings"] = warned
    return _answer(points, grouping, record)


def _answer(points: Vectors, grouping: Grouping, record: dict[str, object]) -> Fit:
    """In canonical form, equal vectors in one group."""
    tree = grouping.hierarchy
    labels = canonical(grouping.labels)
    equal = together(
        points, labels if tree is None else tree.deepest, _probabilities(grouping, labels)
    )
    if equal.moved:
        labels = canonical(equal.labels)
        record["equal_vectors_moved"] = equal.moved
    if equal.moved and tree is not None:
        tree = by_size(of_deepest([node.path for node in tree.nodes], equal.labels))
        labels = top_labels(tree)
    return Fit(labels=labels, probabilities=equal.probabilities, record=record, hierarchy=tree)


def _grouped(
    method: Algorithm[Any], points: Vectors, settings: Parameters, context: FitContext
) -> Grouping:
    if len(points) == 1:
        return Grouping(labels=np.zeros(1), notes={"shortcut": "one document is one group"})
    placed = directed(points, method.metric(settings))
    if placed.all():
        return _fitted(method, points, settings, context)
    return _of_directed(method, points, settings, context, placed=placed)


def _fitted(
    method: Algorithm[Any], points: Vectors, settings: Parameters, context: FitContext
) -> Grouping:
    if not method.density and (points == points[0]).all():
        note = {"shortcut": "vectors that are all equal are one group"}
        return Grouping(labels=np.zeros(len(points)), notes=note)
    with answerable(settings.method, points):
        return method.fit(points, settings, context)


def _of_directed(
    method: Algorithm[Any],
    points: Vectors,
    settings: Parameters,
    context: FitContext,
    *,
    placed: NDArray[np.bool_],
) -> Grouping:
    """A zero vector has no direction: it is noise, and only ``placed`` rows are grouped."""
    rows = np.flatnonzero(placed)
    labels, probabilities = np.full(len(points), NOISE), np.zeros(len(points))
    tree = None
    if len(rows) > 1:
        inner = points[rows]
        hood = Neighborhood(inner, context.check)
        context = replace(context, neighborhood=hood)
        grouping = _fitted(method, inner, settings, context)
        labels[rows] = grouping.labels
        probabilities[rows] = _probabilities(grouping, labels[rows])
        tree = grouping.hierarchy and moved(grouping.hierarchy, len(points), rows)
    else:
        grouping = Grouping(labels=labels)
        labels[rows] = 0
        probabilities[rows] = 1
    notes = {**grouping.notes, **without_direction(placed, method.metric(settings))}
    return Grouping(labels=labels, probabilities=probabilities, hierarchy=tree, notes=notes)


def _probabilities(grouping: Grouping, labels: Labels) -> NDArray[np.float64]:
    if grouping.probabilities is None:
        return (labels >= 0).astype(np.float64)
    return np.where(labels >= 0, np.clip(grouping.probabilities, 0, 1), 0)
