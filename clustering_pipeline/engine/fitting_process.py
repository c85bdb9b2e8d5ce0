"""The child's side of work in a process of its own: ``python -m`` this module, with a folder."""

import json
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from clustering_pipeline.engine.algorithms import fit
from clustering_pipeline.engine.child_process import (
    ANSWER,
    RECORD,
    REQUEST,
    SAID,
    VECTORS,
    saved_neighbors,
)
from clustering_pipeline.engine.neighbors.graph import NeighborGraph
from clustering_pipeline.engine.neighbors.neighborhood import Neighborhood
from clustering_pipeline.engine.parameters import resolved_step
from clustering_pipeline.engine.preprocessing.reduce import applied
from clustering_pipeline.engine.preprocessing.step import StepContext
from clustering_pipeline.engine.vectors import Vectors, never
from clustering_pipeline.garbage import collect_rarely
from clustering_pipeline.model import errors


def main(arguments: Sequence[str]) -> int:
    """Do what the folder asks for; 0 when it worked, 1 when the record says why not."""
    folder = Path(arguments[0])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    request = json.loads((folder / REQUEST).read_text())
    vectors = np.load(folder / VECTORS, mmap_mode="r")
    try:
        with (folder / SAID).open("a", buffering=1) as said:
            arrays, record = _worked(vectors, request, saved_neighbors(folder), said)
    except errors.ClusteringError as error:
        failure = {
            "error": type(error).__name__,
            "message": error.message,
            "details": error.details,
        }
        (folder / RECORD).write_text(json.dumps(failure, default=str))
        return 1
    np.savez(folder / ANSWER, allow_pickle=False, **arrays)
    (folder / RECORD).write_text(json.dumps(record))
    return 0


def _worked(
    vectors: Vectors, request: Mapping[str, Any], graph: NeighborGraph | None, said: TextIO
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    hood = Neighborhood(vectors, found={} if graph is None else {graph.metric: graph})
    if "step" in request:
        step = resolved_step(request["step"])
        context = StepContext(neighborhood=hood, check=never, target=request["target"])
        reduced = applied(step, vectors, context)
        return {"vectors": reduced.vectors}, {"notes": reduced.notes}

    def tell(sentence: str) -> None:
        said.write(f"{sentence}\n")

    fitted = fit(vectors, neighbors=hood, tell=tell, **request["fit"])
    tree = fitted.hierarchy
    arrays = {
        "labels": fitted.labels,
        "probabilities": fitted.probabilities,
        "deepest": fitted.labels if tree is None else tree.deepest,
    }
    paths = None if tree is None else [node.path for node in tree.nodes]
    return arrays, {"record": fitted.record, "paths": paths}


def _end_with_parent() -> None:
    """The parent holds the other end of stdin: when it closes, nobody waits for the answer."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    collect_rarely()
    sys.exit(main(sys.argv[1:]))
