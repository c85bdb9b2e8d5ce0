"""Output collections: each run writes one of its own, and an alias shows readers the published.

The alias follows the catalog's pointer, so a crash between the two leaves readers of Qdrant one
generation behind until the next run, never between two.
"""

from clustering_pipeline.orchestration.run import Run
from clustering_pipeline.stores.documents import Documents

SEPARATOR = "__"


def output_alias(run: Run) -> str:
    """The name under which Qdrant's readers find the output collection."""
    record = run.pipeline.catalog.clusters.by_id(run.cluster_id)
    return record.state.output_collection_ids[0]


def generation(alias: str, run_id: str) -> str:
    """The Qdrant collection that one run writes."""
    return f"{alias}{SEPARATOR}{run_id}"


def show_readers(run: Run) -> None:
    """Points the alias at this run's generation and removes the others."""
    alias = output_alias(run)
    current = generation(alias, run.run_id)
    documents = run.pipeline.documents
    documents.set_alias(alias, current)
    run.pipeline.catalog.collections.update(run.spec.scope, alias, made=True)
    run.pipeline.catalog.executions.update(
        run.run_id,
        output_collections={alias: current},
        generation_reap=[_reap(documents, alias, current)],
    )


def _reap(documents: Documents, alias: str, current: str) -> dict[str, object]:
    """Removes the generations that no reader sees any more; counts are of points."""
    older = [
        name
        for name in documents.collections()
        if name.startswith(f"{alias}{SEPARATOR}") and name != current
    ]
    stale = sum(map(documents.points, older))
    for name in older:
        documents.delete_collection(name)
    return {
        "output_collection_id": alias,
        "decision": "reaped" if older else "nothing_stale",
        "written": documents.points(current),
        "stale": stale,
        "reaped": stale,
    }
