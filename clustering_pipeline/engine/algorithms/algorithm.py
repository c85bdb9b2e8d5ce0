"""What every algorithm looks like to the engine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.neighborhood import Neighborhood
from clustering_pipeline.engine.vectors import Check, Vectors
from clustering_pipeline.model.parameters import Parameters

P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True, kw_only=True)
class FitContext:
    """What an algorithm is handed besides its vectors and parameters."""

    neighborhood: Neighborhood
    check: Check


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """What an algorithm answers: any negative label is noise, numbers are its own.

    ``probabilities`` defaults to one for members and zero for noise; ``notes`` go to the record.
    """

    labels: ArrayLike
    probabilities: NDArray[np.float64] | None = None
    notes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Algorithm(Generic[P]):
    """A clustering method: the model of its parameters, and the function that fits it.

    It is registered by the name of its module, which is the ``method`` of its parameters.
    """

    params: type[P]
    fit: Callable[[Vectors, P, FitContext], Grouping]
