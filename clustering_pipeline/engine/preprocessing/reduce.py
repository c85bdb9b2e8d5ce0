"""Apply preprocessing steps in order and record what each one did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.child_process import LONG_SECONDS, answered
from clustering_pipeline.engine.neighbors.neighborhood import Neighborhood
from clustering_pipeline.engine.neighbors.screening import first_copies
from clustering_pipeline.engine.parameters import resolved_step, seeded
from clustering_pipeline.engine.preprocessing.step import Reduced, StepContext, step_named
from clustering_pipeline.engine.runtime.job import job_of
from clustering_pipeline.engine.runtime.libraries import answerable, collected
from clustering_pipeline.engine.vectors import Vectors, as_vectors, never, squarable
from clustering_pipeline.model.algorithms.preprocessing import Step
from clustering_pipeline.model.errors import InvalidParameters
from clustering_pipeline.model.progress import Check


@dataclass(frozen=True, kw_only=True)
class Reduction:
    """The vectors after the last step, and one record per step."""

    vectors: Vectors
    record: tuple[dict[str, object], ...]


def reduce(
    vectors: ArrayLike,
    steps: Sequence[Mapping[str, Any] | Step] | None,
    *,
    random_state: int = 42,
    neighbors: Neighborhood | None = None,
    targets: Mapping[str, Sequence[object]] | None = None,
    check: Check = never,
) -> Reduction:
    """(n, d) vectors through ``steps``; ``random_state`` serves the steps that name no seed.

    ``neighbors`` is the neighbourhood of ``vectors``, when the caller has it already.  ``targets``
    are the values of fields that steps name as ``target``, one a row.  ``check`` can end it within
    seconds: what does not ask by itself, and is long, is done in a child process.
    """
    current = as_vectors(vectors)
    hood = neighbors or Neighborhood(current, check)
    record: list[dict[str, object]] = []
    for given in steps or ():
        step = seeded(resolved_step(given), random_state)
        target = target_of(step, targets or {}, len(current))
        context = StepContext(neighborhood=hood, check=check, target=target)
        reduced = applied(step, current, context)
        shapes = {"dimensions_in": current.shape[1], "dimensions_out": reduced.vectors.shape[1]}
        record.append(step.model_dump() | shapes | dict(reduced.notes))
        current = reduced.vectors
        hood = Neighborhood(current, check)
    return Reduction(vectors=current, record=tuple(record))


def of_rows(
    targets: Mapping[str, Sequence[object]] | None, rows: NDArray[np.int64]
) -> dict[str, list[object]]:
    """The values of ``rows`` alone."""
    return {name: [values[row] for row in rows] for name, values in (targets or {}).items()}


def target_of(
    step: Step, targets: Mapping[str, Sequence[object]], count: int
) -> Sequence[object] | None:
    """A value of each of ``count`` rows, where the step names a field; raises ``InvalidParameters``
    where these are not at hand.
    """
    name = getattr(step, "target", None)
    if name is None:
        return None
    if len(targets.get(name, ())) != count:
        message = (
            f"target {name!r} needs a value for each of the {count:,} rows: give it in targets"
        )
        raise InvalidParameters(message)
    return targets[name]


def applied(step: Step, vectors: Vectors, context: StepContext) -> Reduced:
    """One step, and what libraries warned of; equal vectors stay equal, where the first is put."""
    if (vectors == vectors[0]).all():
        return Reduced(vectors=vectors, notes={"skipped": "all vectors are equal"})
    vectors = squarable(vectors)
    method, job = step_named(step), job_of(vectors)
    asks = method.interruptible(step) or context.check is never
    if not asks and method.seconds(job, step) >= LONG_SECONDS:
        return in_child(vectors, step, context)
    with collected() as warned, answerable(str(step.model_dump()["method"]), vectors):
        reduced = method.apply(vectors, step, context)
    heard = [message for message in warned if not message.startswith(method.passed_over)]
    notes = reduced.notes | ({"warnings": heard} if heard else {})
    if reduced.vectors is vectors:
        return Reduced(vectors=vectors, notes=notes)
    return Reduced(vectors=reduced.vectors[first_copies(vectors)], notes=notes)


def in_child(vectors: Vectors, step: Step, context: StepContext) -> Reduced:
    """One step in a child process, for a library that cannot be asked to stop.

    The neighbours that the step will want are searched for here, where others use them too.
    """
    demand = step_named(step).neighbors(step)
    hood = context.neighborhood
    graph = hood.nearest(demand.count, demand.metric) if demand else None
    target = None if context.target is None else list(context.target)
    request = {"step": step.model_dump(), "target": target}
    arrays, answer = answered(vectors, request, context.check, neighbors=graph)
    return Reduced(vectors=arrays["vectors"], notes=answer["notes"])
