"""Apply preprocessing steps in order and record what each one did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike

from clustering_pipeline.engine.child_process import LONG_SECONDS, answered
from clustering_pipeline.engine.neighbors.neighborhood import Neighborhood
from clustering_pipeline.engine.parameters import resolved_step, seeded
from clustering_pipeline.engine.preprocessing.registry import step_named
from clustering_pipeline.engine.preprocessing.step import Reduced, StepContext
from clustering_pipeline.engine.runtime.job import job_of
from clustering_pipeline.engine.runtime.libraries import answerable, collected
from clustering_pipeline.engine.vectors import Check, Vectors, as_vectors, never, squarable
from clustering_pipeline.model.algorithms.preprocessing import Step


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
    check: Check = never,
) -> Reduction:
    """(n, d) vectors through ``steps``; ``random_state`` serves the steps that name no seed.

    ``neighbors`` is the neighbourhood of ``vectors``, when the caller has it already.  ``check``
    can end it within seconds: what does not ask by itself, and is long, is done in a child process.
    """
    current = as_vectors(vectors)
    hood = neighbors or Neighborhood(current, check)
    record: list[dict[str, object]] = []
    for given in steps or ():
        step = seeded(resolved_step(given), random_state)
        reduced = applied(step, current, StepContext(neighborhood=hood, check=check))
        shapes = {"dimensions_in": current.shape[1], "dimensions_out": reduced.vectors.shape[1]}
        record.append(step.model_dump() | shapes | dict(reduced.notes))
        current = reduced.vectors
        hood = Neighborhood(current, check)
    return Reduction(vectors=current, record=tuple(record))


def applied(step: Step, vectors: Vectors, context: StepContext) -> Reduced:
    """One step, and what libraries warned of."""
    if (vectors == vectors[0]).all():
        return Reduced(vectors=vectors, notes={"skipped": "all vectors are equal"})
    vectors = squarable(vectors)
    method, job = step_named(step), job_of(vectors)
    asks = method.interruptible or context.check is never
    if not asks and method.seconds(job, step) >= LONG_SECONDS:
        return in_child(vectors, step, context.check)
    with collected() as warned, answerable(str(step.model_dump()["method"]), vectors):
        reduced = method.apply(vectors, step, context)
    notes = reduced.notes | ({"warnings": warned} if warned else {})
    return Reduced(vectors=reduced.vectors, notes=notes)


def in_child(vectors: Vectors, step: Step, check: Check) -> Reduced:
    """One step in a child process, for a library that cannot be asked to stop."""
    arrays, told = answered(vectors, {"step": step.model_dump()}, check)
    return Reduced(vectors=arrays["vectors"], notes=told["notes"])
