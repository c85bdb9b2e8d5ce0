"""Whether an execution must cluster again, or may put new names on the published groups."""

from typing import Any

from clustering_pipeline.model.definitions.composite import COMPOSITE
from clustering_pipeline.model.definitions.execute import Plan
from clustering_pipeline.model.definitions.spec import ClusterSpec
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.executions.group_edits import ClusterEdits
from clustering_pipeline.model.filters.tree import parse_filter
from clustering_pipeline.model.ids import run_mark
from clustering_pipeline.model.status import ExecutionStatus
from clustering_pipeline.pipeline.publishing.run_marks import marked
from clustering_pipeline.pipeline.run.artifacts import EMBEDDINGS, EXPORT
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.pipeline.stages.assign_mode.published import groups_to_join
from clustering_pipeline.pipeline.stages.composite_mode.sources import composed, require_files

# What names and describes a definition changes none of its groups.
_NAMES = {"cluster_name", "description"}


def plan_of(pipeline: Pipeline, spec: ClusterSpec) -> Plan:
    """``relabel`` when nothing but the labelling differs from the published run.

    That is the same definition, the same batches completed and as many documents selected in each
    collection; a definition that writes onto its documents must find its mark on each: a document
    that was put anew has lost it.  A vector or payload changed in place leaves no trace that Qdrant
    could be asked for: after such a change a full run has to be asked for.

    Mode ``assign`` is a plan of its own; raises InvalidRequest or StateConflict where there are no
    groups that documents could be assigned to.  So is ``from_pool``, which raises the same, and
    mode ``composite``, which raises what ``composed`` does.
    """
    if spec.mode == COMPOSITE:
        require_files(pipeline, composed(pipeline.catalog, spec))
        return "composite"
    published = _published(pipeline, spec)
    edits = pipeline.catalog.edits.get(spec.cluster_id).edits
    if spec.joins:
        groups_to_join(pipeline, spec, published, edits)
        return "from_pool" if spec.from_pool else "assign"
    if published is None or published.spec is None:
        return "full"
    if _groups_of(spec) != _groups_of(published.spec):
        return "full"
    if not edits.regroups_as(published.edits or ClusterEdits()):
        return "full"
    return "relabel" if _same_input(pipeline, spec, published) else "full"


def _published(pipeline: Pipeline, spec: ClusterSpec) -> ExecutionRecord | None:
    """The published run, if it was finished."""
    catalog = pipeline.catalog
    published = catalog.executions.published(catalog.clusters.by_id(spec.cluster_id))
    return published if published and published.status is ExecutionStatus.COMPLETED else None


def _groups_of(spec: ClusterSpec) -> dict[str, Any]:
    """All of a definition that its groups, or where they are written, depend on."""
    given = spec.model_dump(mode="json", exclude={"version", "cluster_name"})
    definition = spec.definition.model_dump(
        mode="json", exclude={"llm_labeling", "quality_gates", *_NAMES}
    )
    return given | {"definition": definition}


def _same_input(pipeline: Pipeline, spec: ClusterSpec, published: ExecutionRecord) -> bool:
    batches = pipeline.catalog.batches.completed(spec.scope, spec.collection_ids)
    return batches == published.covered_batches and _same_documents(pipeline, spec, published)


def _same_documents(pipeline: Pipeline, spec: ClusterSpec, published: ExecutionRecord) -> bool:
    if not EMBEDDINGS.exists(pipeline.artifacts, published):
        return False
    export = EXPORT.read(pipeline.artifacts, published)
    collections = pipeline.catalog.collections.resolve(spec.scope, spec.collection_ids)
    names = [collection.qdrant_collection for collection in collections]
    selected = parse_filter(spec.filters)
    count = sum(pipeline.documents.count(name, selected) for name in names)
    if count != export["source_documents"]:
        return False
    if not spec.enrich or pipeline.branch is not None:
        return True
    marks = marked(run_mark(spec.cluster_id), there=True)
    return sum(pipeline.documents.count(name, marks) for name in names) == published.num_points
