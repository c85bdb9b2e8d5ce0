"""Takes a definition's fields off documents."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, suppress

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import CollectionNotFound, DocumentsRefused
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.ids import run_mark
from clustering_pipeline.pipeline.publishing.run_marks import (
    held_runs,
    marked,
    require_no_branch,
    written_fields,
)
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.run.process import require_idle


def _at_will() -> None:
    """Nobody can take the documents away meanwhile."""


def clear(
    pipeline: Pipeline,
    record: ClusterRecord,
    held: Sequence[ExecutionRecord],
    *,
    check: Callable[[], None] = _at_will,
) -> int:
    """Removes what the definition and the runs ``held`` wrote from every document; returns how
    many showed it.

    Interrupted, it can be repeated.
    """
    spec = record.resolved()
    fields = written_fields(*held) | set(spec.target_fields)
    specs = [spec, *(run.spec for run in held if run.spec)]
    collections = dict.fromkeys(name for spec in specs for name in spec.collection_ids)
    removed = sum(_clear_one(pipeline, record, name, fields, check) for name in collections)
    pipeline.catalog.clusters.update_state(record.cluster_id, documents_hold=[])
    return removed


def clear_unheld(pipeline: Pipeline, record: ClusterRecord) -> int:
    """The same from outside; raises ExecutionInFlight while a run is under way, and StateConflict
    in a branch.

    The next execution takes every document for one that shows nothing.
    """
    require_idle(record)
    require_no_branch(pipeline)
    return clear(pipeline, record, held_runs(pipeline, record))


def take_off(
    pipeline: Pipeline,
    record: ClusterRecord,
    collection_id: str,
    point_ids: Sequence[str],
    fields: Collection[str],
    *,
    check: Callable[[], None],
) -> int:
    """Removes fields and mark from those documents that still carry the mark.

    Others were deleted or put anew since.  Fields that another definition writes by now are its
    own.
    """
    with suppress(CollectionNotFound):
        name = pipeline.catalog.collections.get(record.scope, collection_id).qdrant_collection
        taken = pipeline.catalog.clusters.written_by_others(record, collection_id, fields)
        mark = run_mark(record.cluster_id)
        # Qdrant takes null for the removal of a field.
        nothing = dict.fromkeys([*sorted(set(fields) - taken), mark])
        marked_ids = _still_marked(pipeline, name, point_ids, mark)
        report = pipeline.documents.write_shared(name, marked_ids, nothing, check=check)
        if report.refusal is not None:
            message = f"none of {report.failed} documents gave its fields up: {report.refusal}"
            raise DocumentsRefused(message)
        return report.written
    return 0


def _clear_one(
    pipeline: Pipeline,
    record: ClusterRecord,
    collection_id: str,
    fields: Collection[str],
    check: Callable[[], None],
) -> int:
    with suppress(CollectionNotFound):
        name = pipeline.catalog.collections.get(record.scope, collection_id).qdrant_collection
        tree = marked(run_mark(record.cluster_id), there=True)
        pages = pipeline.documents.scroll(name, tree, payload_fields=())
        ids = [point.id for page in pages for point in page]
        return take_off(pipeline, record, collection_id, ids, fields, check=check)
    return 0


def _still_marked(
    pipeline: Pipeline, name: str, point_ids: Sequence[str], mark: str
) -> Iterator[str]:
    pages = pipeline.documents.retrieve_pages(name, point_ids, payload_fields=[mark])
    with closing(pages):
        yield from (point.id for page in pages for point in page if mark in point.payload)
