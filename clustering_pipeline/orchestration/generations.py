"""Output collections: each run writes one of its own, and an alias shows readers the published.

The alias follows the catalog's pointer, so a crash between the two leaves readers of Qdrant one
generation behind until the next run, never between two.
"""

from clustering_pipeline.orchestration.run import Run

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
    others = [
        name
        for name in documents.collections()
        if name.startswith(f"{alias}{SEPARATOR}") and name != current
    ]
    for name in others:
        documents.delete_collection(name)
    run.pipeline.catalog.collections.update(run.spec.scope, alias, made=True)
    run.pipeline.catalog.executions.update(
        run.run_id,
        output_collections={alias: current},
        generation_reap=[{"collection": name, "removed": True} for name in others],
    )
