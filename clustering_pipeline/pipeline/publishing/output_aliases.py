"""Output collections: each run writes its own, and an alias shows readers the published ones.

Aliases follow the catalog's pointer: a crash between the two leaves readers of Qdrant one
generation behind until the next read or run, never between two.
"""

from collections.abc import Mapping
from contextlib import suppress

from clustering_pipeline.model.collections import CollectionRecord
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import ClusterNotFound, CollectionNotFound
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.pipeline import Pipeline

SEPARATOR = "__"


def generation(alias: str, run_id: str) -> str:
    """The Qdrant collection that one run writes for an output collection."""
    return f"{alias}{SEPARATOR}{run_id}"


def aliases_of(pipeline: Pipeline, record: ClusterRecord) -> list[str]:
    """The output collections of a definition.

    In a branch only those of its own: a catalog that was copied into it names others'.
    """
    aliases = record.state.output_collection_ids
    if pipeline.branch is None:
        return aliases
    return [alias for alias in aliases if alias.endswith(f"_{pipeline.branch}")]


def is_behind(pipeline: Pipeline, record: ClusterRecord) -> bool:
    """Whether the published run has generations that readers are not shown, or not cleanly."""
    current = _current(pipeline, record)
    if not current:
        return False
    execution = pipeline.catalog.executions.published(record)
    unreaped = execution is not None and not execution.generation_reap
    return unreaped or not _shown(pipeline, current)


def repair_aliases(pipeline: Pipeline, cluster_id: str) -> bool:
    """For readers of an output collection: points aliases where the catalog points.

    Nothing is removed, so a run may be under way; True when one was behind.
    """
    pointed: dict[str, str] | None = None
    while (current := _current(pipeline, pipeline.catalog.clusters.by_id(cluster_id))) != pointed:
        if _shown(pipeline, current):
            break
        # A run that publishes at this moment points them further, and removes what we point to,
        # with the alias.  If it dies of that, nobody but us knows: so the catalog is asked again.
        with suppress(CollectionNotFound):
            _show(pipeline, current)
        pointed = current
    return pointed is not None


def collection_to_read(pipeline: Pipeline, scope: Scope, identifier: str) -> CollectionRecord:
    """A registered collection; an output collection shows the published run from now on."""
    record = pipeline.catalog.collections.get(scope, identifier)
    if record.output_of is not None:
        # Kept collections outlive their definition.
        with suppress(ClusterNotFound):
            repair_aliases(pipeline, record.output_of)
    return record


def follow(pipeline: Pipeline, record: ClusterRecord) -> None:
    """Points the aliases at the published generations, then removes the others.

    For the holder of the definition.
    """
    current = _current(pipeline, record)
    if not current:
        return
    _show(pipeline, current)
    for alias in current:
        pipeline.catalog.collections.update(record.scope, alias, made=True)
    reaped = [_reap(pipeline, alias, name) for alias, name in current.items()]
    if not _shown(pipeline, current):  # a reader repaired them by an older record
        _show(pipeline, current)
    pipeline.catalog.executions.update(
        str(record.state.last_run_id), output_collections=dict(current), generation_reap=reaped
    )


def generations(pipeline: Pipeline, alias: str) -> list[str]:
    """Every generation of an output collection, shown or not."""
    return [
        name for name in pipeline.documents.collections() if name.startswith(f"{alias}{SEPARATOR}")
    ]


def _current(pipeline: Pipeline, record: ClusterRecord) -> dict[str, str]:
    """Alias to the published run's generation; empty when it wrote none."""
    published, aliases = record.state.last_run_id, aliases_of(pipeline, record)
    if published is None or not aliases:
        return {}
    present = set(pipeline.documents.collections())
    written = {alias: generation(alias, published) for alias in aliases}
    return {alias: name for alias, name in written.items() if name in present}


def _shown(pipeline: Pipeline, current: Mapping[str, str]) -> bool:
    return current.items() <= pipeline.documents.aliases().items()


def _show(pipeline: Pipeline, current: Mapping[str, str]) -> None:
    pipeline.documents.set_aliases(current)


def _reap(pipeline: Pipeline, alias: str, current: str) -> dict[str, object]:
    """Removes the generations that no reader sees any more; counts are of points."""
    documents = pipeline.documents
    older = [name for name in generations(pipeline, alias) if name != current]
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
