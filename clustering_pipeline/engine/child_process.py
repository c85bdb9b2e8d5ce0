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
from pathlib import Path
from typing import Any, TextIO, cast

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.neighbors.graph import Named, NeighborGraph
from clustering_pipeline.engine.vectors import Vectors, silent
from clustering_pipeline.model import errors
from clustering_pipeline.model.progress import Check, Tell

VECTORS, REQUEST, ANSWER, RECORD = "vectors.npy", "request.json", "answer.npz", "record.json"
NEIGHBORS, SAID = "neighbors.npz", "said.txt"
# From here on somebody who cancels must not wait for the end of a call.
LONG_SECONDS = 2.0
POLL_SECONDS = 0.1
GRACE_SECONDS = 2.0
ENDED_BY_SYSTEM = "the system ended the fit"
"""So begins what is said of a child that the kernel killed."""


def answered(
    vectors: Vectors,
    request: Mapping[str, Any],
    check: Check,
    *,
    neighbors: NeighborGraph | None = None,
    tell: Tell = silent,
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays and the record a child process answers; what ``check`` raises ends it.

    The child ends with its parent, however that ends; ``tell`` hears what it says meanwhile.
    """
    with tempfile.TemporaryDirectory(prefix="clustering-fit-") as folder:
        where = Path(folder)
        np.save(where / VECTORS, vectors)
        if neighbors is not None:
            indices, distances = neighbors.indices, neighbors.distances
            metric = np.array(neighbors.metric)
            np.savez(where / NEIGHBORS, indices=indices, distances=distances, metric=metric)
        (where / REQUEST).write_text(json.dumps(request))
        _run(where, check, tell)
        with np.load(where / ANSWER) as arrays:
            return dict(arrays), json.loads((where / RECORD).read_text())


def saved_neighbors(folder: Path) -> NeighborGraph | None:
    """The graph that came with the request."""
    if not (folder / NEIGHBORS).exists():
        return None
    with np.load(folder / NEIGHBORS) as saved:
        metric = cast("Named", str(saved["metric"]))
        return NeighborGraph(indices=saved["indices"], distances=saved["distances"], metric=metric)


def _run(folder: Path, check: Check, tell: Tell) -> None:
    command = [sys.executable, "-m", "clustering_pipeline.engine.fitting_process", str(folder)]
    (folder / SAID).touch()
    with (
        (folder / SAID).open() as said,
        subprocess.Popen(command, stdin=subprocess.PIPE) as process,  # noqa: S603 - our own module
    ):
        try:
            while process.poll() is None:
                check()
                time.sleep(POLL_SECONDS)
                _pass_on(said, tell)
        finally:
            _end(process)
        _pass_on(said, tell)
        _refuse_failure(folder, process.returncode)


def _pass_on(said: TextIO, tell: Tell) -> None:
    """What the child has written since, whole lines."""
    while line := said.readline():
        if not line.endswith("\n"):
            said.seek(said.tell() - len(line.encode()))
            return
        tell(line.rstrip("\n"))


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
            f"{ENDED_BY_SYSTEM}, most likely for want of memory; lower sample_size or free memory"
        )
        raise errors.DoesNotFit(message)
    message = f"the process of the fit ended with code {code} and no answer"
    raise errors.ClusteringError(message)
