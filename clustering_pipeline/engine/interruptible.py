"""Fits that can be cancelled: where they do not ask by themselves, in a process of their own."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from clustering_pipeline.engine.algorithms import Fit, fit
from clustering_pipeline.engine.algorithms import algorithm as named
from clustering_pipeline.engine.child_process import LONG_SECONDS, answered
from clustering_pipeline.engine.groups.hierarchy import of_deepest
from clustering_pipeline.engine.limits import expected_seconds
from clustering_pipeline.engine.neighbors.neighborhood import Neighborhood
from clustering_pipeline.engine.parameters import checked_seed, resolved
from clustering_pipeline.engine.runtime.job import job_of
from clustering_pipeline.engine.vectors import as_vectors, never, silent
from clustering_pipeline.model.algorithms.parameters import Parameters
from clustering_pipeline.model.progress import Check, Tell


def fit_interruptibly(
    vectors: ArrayLike,
    *,
    algorithm: str,
    params: Mapping[str, Any] | Parameters | None = None,
    random_state: int = 42,
    neighbors: Neighborhood | None = None,
    check: Check = never,
    tell: Tell = silent,
) -> Fit:
    """``fit`` that ``check`` can end within seconds: here when it is short or asks by itself, in a
    child process otherwise.  ``neighbors`` is the neighbourhood of ``vectors``, if there is one.
    """
    points, method = as_vectors(vectors), named(algorithm)
    seconds = expected_seconds(points, algorithm=algorithm, params=params)
    asks = method.interruptible(job_of(points), resolved(algorithm, params))
    here = seconds < LONG_SECONDS or asks
    work = fit if here else fit_in_child
    return work(
        points,
        algorithm=algorithm,
        params=params,
        random_state=random_state,
        neighbors=neighbors,
        check=check,
        tell=tell,
    )


def fit_in_child(
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
    """``fit`` in a child process; what ``check`` raises ends the child and is raised here.

    The neighbours that the method will want are searched for here, where others use them too.
    """
    points, settings = as_vectors(vectors), resolved(algorithm, params)
    # Only what was given: the child has the same defaults, and ``random_state`` beats those.
    typed = isinstance(params, Parameters)
    given = params.model_dump(exclude_unset=True) if typed else dict(params or {})
    request = {
        "algorithm": algorithm,
        "params": given,
        "random_state": checked_seed(random_state),
        "memory_limit": memory_limit,
    }
    lists = named(algorithm).neighbors(settings)
    hood = neighbors or Neighborhood(points, check)
    graph = hood.nearest(lists.count, lists.metric) if lists and len(points) > 1 else None
    arrays, answer = answered(points, {"fit": request}, check, neighbors=graph, tell=tell)
    paths = answer["paths"]
    return Fit(
        labels=arrays["labels"],
        probabilities=arrays["probabilities"],
        record=answer["record"],
        hierarchy=None if paths is None else of_deepest(paths, arrays["deepest"]),
    )
