"""Work in a process of its own, so that it can be ended at any moment.

A library that is inside one long call cannot be asked to stop; its process can be ended.
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustering_pipeline.engine.algorithms import Fit, fit
from clustering_pipeline.engine.algorithms import algorithm as named
from clustering_pipeline.engine.hierarchy import of_deepest
from clustering_pipeline.engine.memory import expected_seconds
from clustering_pipeline.engine.neighborhood import Neighborhood
from clustering_pipeline.engine.parameters import resolved
from clustering_pipeline.engine.vectors import Check, Vectors, as_vectors, never
from clustering_pipeline.model import errors
from clustering_pipeline.model.parameters import Parameters
from clustering_pipeline.model.preprocessing import Step

VECTORS, REQUEST, ANSWER, RECORD = "vectors.npy", "request.json", "answer.npz", "record.json"
# From here on somebody who cancels must not wait for the end of a call.
LONG_SECONDS = 2.0
POLL_SECONDS = 0.1
GRACE_SECONDS = 2.0


def fit_interruptibly(
    vectors: ArrayLike,
    *,
    algorithm: str,
    params: Mapping[str, Any] | Parameters | None = None,
    random_state: int = 42,
    neighbors: Neighborhood | None = None,
    check: Check = never,
) -> Fit:
    """``fit`` that ``check`` can end within seconds: here, where ``neighbors`` serve, when it is
    short or asks by itself, in a child process otherwise.
    """
    points, asks = as_vectors(vectors), named(algorithm).interruptible
    seconds = expected_seconds(points, algorithm=algorithm, params=params)
    here = seconds < LONG_SECONDS or asks(resolved(algorithm, params))
    work = partial(fit, neighbors=neighbors) if here else fit_in_child
    return work(points, algorithm=algorithm, params=params, random_state=random_state, check=check)


def fit_in_child(
    vectors: ArrayLike,
    *,
    algorithm: str,
    params: Mapping[str, Any] | Parameters | None = None,
    random_state: int = 42,
    memory_limit: int | None = None,
    check: Check = never,
) -> Fit:
    """``fit`` in a child process; what ``check`` raises ends the child and is raised here.

    The child ends with its parent, however that ends.
    """
    # Only what was given: the child has the same defaults, and ``random_state`` beats those.
    typed = isinstance(params, Parameters)
    given = params.model_dump(exclude_unset=True) if typed else dict(params or {})
    request = {
        "algorithm": algorithm,
        "params": given,
        "random_state": random_state,
        "memory_limit": memory_limit,
    }
    arrays, told = _answered(as_vectors(vectors), {"fit": request}, check)
    paths = told["paths"]
    return Fit(
        labels=arrays["labels"],
        probabilities=arrays["probabilities"],
        record=told["record"],
        hierarchy=None if paths is None else of_deepest(paths, arrays["deepest"]),
    )


def step_in_child(vectors: Vectors, step: Step, *, check: Check) -> tuple[Vectors, dict[str, Any]]:
    """One preprocessing step in a child process: the new vectors, and the step's record."""
    arrays, told = _answered(vectors, {"step": step.model_dump()}, check)
    return arrays["vectors"], told["record"]


def _answered(
    vectors: Vectors, request: Mapping[str, Any], check: Check
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="clustering-fit-") as folder:
        where = Path(folder)
        np.save(where / VECTORS, vectors)
        (where / REQUEST).write_text(json.dumps(request))
        _run(where, check)
        with np.load(where / ANSWER) as arrays:
            return dict(arrays), json.loads((where / RECORD).read_text())


def _run(folder: Path, check: Check) -> None:
    command = [sys.executable, "-m", "clustering_pipeline.engine.fitting_process", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:  # noqa: S603 - our own module
        try:
            while process.poll() is None:
                check()
                time.sleep(POLL_SECONDS)
        finally:
            _end(process)
        _refuse_failure(folder, process.returncode)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _refuse_failure(folder: Path, code: int) -> None:
    if code == 0:
        return
    record = folder / RECORD
    if record.exists():
        failure = json.loads(record.read_text())
        leaf = getattr(errors, failure["error"], errors.ClusteringError)
        raise leaf(failure["message"], details=failure["details"])
    if code == -signal.SIGKILL:
        message = (
            "the system ended the fit, most likely for want of memory; "
            "lower sample_size or free memory"
        )
        raise errors.DoesNotFit(message)
    message = f"the process of the fit ended with code {code} and no answer"
    raise errors.ClusteringError(message)
