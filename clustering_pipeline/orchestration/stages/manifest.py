"""How a run came to its results: enough to do it again."""

from importlib.metadata import version
from typing import Any

from clustering_pipeline.orchestration.run import Run

PACKAGES = ("clustering-pipeline", "hdbscan", "numpy", "polars", "scikit-learn", "umap-learn")


def write_manifest(run: Run) -> None:
    """Writes ``manifest.json`` beside the results."""
    run.write_json("manifest", manifest(run))


def manifest(run: Run) -> dict[str, Any]:
    """The definition, what the engine did with it, the documents it saw, and the versions."""
    return {
        "run_id": run.run_id,
        "cluster_id": run.cluster_id,
        "definition": run.spec.definition.model_dump(mode="json"),
        "preprocessing": run.read_json("reduction"),
        "fit": run.read_json("fit"),
        "export": run.read_json("export"),
        "labelling": run.read_json("labelling"),
        "covered_batches": run.execution.covered_batches,
        "versions": {name: version(name) for name in PACKAGES},
    }
