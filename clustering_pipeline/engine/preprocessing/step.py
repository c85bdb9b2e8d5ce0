"""What every preprocessing step looks like, and the one that a name stands for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Generic, TypeVar

from clustering_pipeline.engine.neighbors.neighborhood import Neighborhood, Wanted
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.vectors import Vectors
from clustering_pipeline.model.algorithms.preprocessing import Step
from clustering_pipeline.model.progress import Check

S = TypeVar("S", bound=Step)


@dataclass(frozen=True, kw_only=True)
class StepContext:
    """What a step is handed besides its vectors and parameters.

    ``target`` has a value of each row, where the step names a field.
    """

    neighborhood: Neighborhood
    check: Check
    target: Sequence[object] | None = None


@dataclass(frozen=True, kw_only=True)
class Reduced:
    """The new vectors, and what the step has to add to the record."""

    vectors: Vectors
    notes: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Preprocessing(Generic[S]):
    """A preprocessing method, found by the name of its module.

    ``memory`` says how many bytes it takes, the vectors themselves apart, ``seconds`` about how
    long.  ``interruptible`` tells for which parameters it asks often enough whether to go on;
    ``neighbors`` are those it will want of its vectors.  Warnings that begin like one of
    ``passed_over`` say nothing about the result.
    """

    apply: Callable[[Vectors, S, StepContext], Reduced]
    memory: Callable[[Job, S], int]
    seconds: Callable[[Job, S], float]
    interruptible: Callable[[S], bool] = lambda _step: False
    neighbors: Callable[[S], Wanted | None] = lambda _step: None
    passed_over: tuple[str, ...] = ()


def step_named(step: Step) -> Preprocessing[Any]:
    """The method of a step."""
    name = step.model_dump()["method"]
    method: Preprocessing[Any] = import_module(f"{__package__}.{name}").STEP
    return method
