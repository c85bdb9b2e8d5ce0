"""How a run came to its results: enough to do it again, and to tell whether they are the same."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from clustering_pipeline import engine
from clustering_pipeline.pipeline.run.artifacts import (
    EMBEDDINGS,
    EXPORT,
    FIT,
    LABELLING,
    MANIFEST,
    METRICS,
    REDUCTION,
    REUSED,
)
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.stores.artifacts import Artifacts

PACKAGES = ("clustering-pipeline", "numpy", "polars", "qdrant-client")
SEEDS = frozenset({"random_state", "seed"})
# What an execution adds to its definition.
ASKED = {"assignment_threshold", "from_pool", "source_execution_ids", "defer_visualization"}
ROWS = 10_000


def write_manifest(run: Run) -> dict[str, str | None]:
    """Writes ``manifest.json`` beside the results; what the catalog keeps of it.

    Everything else in the run's directory is there already.
    """
    content = manifest(run)
    run.write_json(MANIFEST, content)
    return {
        "sha256": run.pipeline.artifacts.sha256(run.key(MANIFEST)),
        "input_digest": content["input"]["digest"],
        "parent_run_id": content["parent_run_id"],
    }


def manifest(run: Run) -> dict[str, Any]:
    """The definition, what was asked of this run and of its groups, what the engine did, the
    documents it saw, and every file.
    """
    with ThreadPoolExecutor(2) as pool:
        # What was read and what was written, each by a core of its own.
        given, artifacts = pool.submit(_input, run), pool.submit(_artifacts, run)
        return _content(run, given.result(), artifacts.result())


def _content(run: Run, given: dict[str, Any], artifacts: dict[str, Any]) -> dict[str, Any]:
    records = {
        "definition": run.spec.definition.model_dump(mode="json"),
        "parameters": run.spec.params.model_dump(mode="json"),
        "preprocessing": run.read_json(REDUCTION),
        "fit": run.read_json(FIT),
        "metrics": run.read_json(METRICS),
        "labelling": run.read_json(LABELLING),
    }
    return records | {
        "run_id": run.run_id,
        "cluster_id": run.cluster_id,
        "parent_run_id": run.published.run_id if run.published else None,
        "mode": run.spec.mode,
        "plan": run.execution.plan,
        "asked": run.spec.model_dump(mode="json", include=ASKED),
        "edits": run.edits.model_dump(mode="json", exclude_defaults=True),
        "input": given,
        "export": run.read_json(EXPORT),
        "covered_batches": run.execution.covered_batches,
        "seeds": dict(_seeds(records)),
        "versions": engine.versions() | {name: version(name) for name in PACKAGES},
        "artifacts": artifacts,
    }


def input_digest(artifacts: Artifacts, key: str) -> str:
    """SHA-256 over the exported documents' ids and vectors, in canonical order."""
    kinds = artifacts.scan(key).collect_schema()
    columns = [name for name in kinds if name != "payload"]
    matrices = {
        name: artifacts.read_vectors(key, name)
        for name, kind in kinds.items()
        if isinstance(kind, pl.Array) and kind.inner == pl.Float32
    }
    frame = artifacts.read_frame(key, columns=[name for name in columns if name not in matrices])
    digest = hashlib.sha256()
    for start in range(0, frame.height, ROWS):
        for name in columns:
            rows = (matrices if name in matrices else frame)[name][start : start + ROWS]
            digest.update(_bytes(rows))
    return digest.hexdigest()


def files_of(content: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """File, key and expected digest of everything that a manifest names."""
    for file, facts in sorted(content["artifacts"].items()):
        yield str(file), str(facts["key"]), str(facts["sha256"])


def _input(run: Run) -> dict[str, Any]:
    return {
        "collections": list(run.spec.collection_ids),
        "filters": run.spec.filters,
        "feature_uris": list(run.spec.feature_uris),
        "watermark": run.execution.covered_batches,
        "digest": _digest(run),
    }


def _digest(run: Run) -> str:
    """Groups that only get new names are of the documents that the published run was made of."""
    known = run.published.manifest.get("input_digest") if run.published else None
    if run.only_renames and known:
        return str(known)
    return input_digest(run.pipeline.artifacts, run.source(EMBEDDINGS))


def _files(run: Run) -> dict[str, str]:
    """File to key: of the run's own directory, and of what it took from another run."""
    artifacts, prefix = run.pipeline.artifacts, run.execution.artifacts_prefix
    own = {key.removeprefix(f"{prefix}/"): key for key in artifacts.list(f"{prefix}/")}
    own.pop(MANIFEST.file, None)
    taken = {artifact.file: run.source(artifact) for artifact in REUSED if artifact.file not in own}
    return own | {file: key for file, key in taken.items() if artifacts.exists(key)}


def _artifacts(run: Run) -> dict[str, Any]:
    stored, known = run.pipeline.artifacts, _known(run)
    return {
        file: known.get(key)
        or {"key": key, "bytes": stored.size(key), "sha256": stored.sha256(key)}
        for file, key in _files(run).items()
    }


def _known(run: Run) -> dict[str, dict[str, Any]]:
    """By key, what the published run says of files that it shares with one of new names."""
    if not run.only_renames or run.published is None:
        return {}
    if not MANIFEST.exists(run.pipeline.artifacts, run.published):
        return {}
    content = MANIFEST.read(run.pipeline.artifacts, run.published)
    return {facts["key"]: facts for facts in content["artifacts"].values()}


def _seeds(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Every seed that the records name, by where it stands."""
    if isinstance(value, dict):
        items = [(str(key), inner) for key, inner in value.items()]
    elif isinstance(value, list):
        items = [(str(place), inner) for place, inner in enumerate(value)]
    else:
        return
    for key, inner in items:
        place = f"{path}.{key}" if path else key
        if key in SEEDS:
            yield place, inner
        yield from _seeds(inner, place)


def _bytes(column: pl.Series | NDArray[np.float32]) -> bytes | memoryview:
    if isinstance(column, np.ndarray):
        return column.reshape(-1).data
    if column.dtype == pl.String:
        return "\0".join(map(str, column.to_list())).encode()
    return bytes(column.to_numpy().tobytes())
