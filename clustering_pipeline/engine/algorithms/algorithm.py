"""What every algorithm looks like to the engine, and which there are: every module of this package
that defines ``ALGORITHM``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.groups.hierarchy import Hierarchy
from clustering_pipeline.engine.neighbors.neighborhood import Neighborhood, Wanted
from clustering_pipeline.engine.runtime.job import Job
from clustering_pipeline.engine.vectors import Vectors, silent
from clustering_pipeline.model.algorithms.parameters import Parameters
from clustering_pipeline.model.errors import InvalidParameters
from clustering_pipeline.model.progress import Check, Tell

P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True, kw_only=True)
class FitContext:
    """What an algorithm is handed besides its vectors and parameters."""

    neighborhood: Neighborhood
    check: Check
    tell: Tell = silent


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """What an algorithm answers: any negative label is noise, numbers are its own.

    ``probabilities`` defaults to one for members and zero for noise; ``notes`` go to the record.
    A method that finds groups within groups answers a ``hierarchy`` too, whose top groups are those
    of ``labels`` and numbered by size.
    """

    labels: ArrayLike
    probabilities: NDArray[np.float64] | None = None
    hierarchy: Hierarchy | None = None
    notes: Mapping[str, object] = field(default_factory=dict)


def _named_metric(params: Parameters) -> str | None:
    """The one that its parameters name, which scikit-learn calls affinity here and there."""
    named = params.model_dump(include={"metric", "affinity"})
    return next(iter(named.values()), None)


@dataclass(frozen=True, kw_only=True)
class Algorithm(Generic[P]):
    """A clustering method, registered by the name of its module, the ``method`` of its ``params``.

    ``fit`` groups vectors.  ``memory`` says how many bytes that takes, the vectors themselves
    apart, and ``seconds`` about how long.  ``density`` methods leave noise between dense regions;
    ``interruptible`` tells for which work it asks often enough whether to go on.  ``neighbors`` are
    those it will want of its vectors, and ``metric`` is what it compares them by.  Where groups
    are those of the nearest centroid (``by_centroid``), so are documents that were not fitted.
    """

    params: type[P]
    fit: Callable[[Vectors, P, FitContext], Grouping]
    memory: Callable[[Job, P], int]
    seconds: Callable[[Job, P], float]
    density: bool = False
    interruptible: Callable[[Job, P], bool] = lambda _job, _params: False
    neighbors: Callable[[P], Wanted | None] = lambda _params: None
    metric: Callable[[P], str | None] = _named_metric
    by_centroid: bool = False


MACHINERY = {"__init__", "algorithm", "fit", "lloyd"}


def names() -> tuple[str, ...]:
    """The names of all algorithms, sorted."""
    modules = {path.stem for path in Path(__file__).parent.glob("*.py")}
    return tuple(sorted(modules - MACHINERY))


def algorithm(name: str) -> Algorithm[Any]:
    """The algorithm of that name; raises ``InvalidParameters`` listing those there are."""
    if name == "attribute_based":
        message = "attribute_based groups by values, not by vectors: call group_by_attributes"
        raise InvalidParameters(message)
    if name not in names():
        message = f"there is no algorithm {name!r}; there are: {', '.join(names())}"
        raise InvalidParameters(message)
    method: Algorithm[Any] = import_module(f"{__package__}.{name}").ALGORITHM
    return method
