"""The child's side of a fit in a process of its own: ``python -m`` this module, with a folder."""

import json
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clustering_pipeline.engine.algorithms import fit
from clustering_pipeline.engine.child import ANSWER, RECORD, REQUEST, VECTORS
from clustering_pipeline.model import errors


def main(arguments: Sequence[str]) -> int:
    """Fit what the folder asks for; 0 when it worked, 1 when the record says why not."""
    folder = Path(arguments[0])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    request = json.loads((folder / REQUEST).read_text())
    try:
        fitted = fit(np.load(folder / VECTORS, mmap_mode="r"), **request)
    except errors.ClusteringError as error:
        failure = {
            "error": type(error).__name__,
            "message": error.message,
            "details": error.details,
        }
        (folder / RECORD).write_text(json.dumps(failure, default=str))
        return 1
    tree = fitted.hierarchy
    np.savez(
        folder / ANSWER,
        labels=fitted.labels,
        probabilities=fitted.probabilities,
        deepest=fitted.labels if tree is None else tree.deepest,
    )
    paths = None if tree is None else [node.path for node in tree.nodes]
    (folder / RECORD).write_text(json.dumps({"record": fitted.record, "paths": paths}))
    return 0


def _end_with_parent() -> None:
    """The parent holds the other end of stdin: when it closes, nobody waits for the answer."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
