"""Reads and changes what people want of a definition's groups, their names among it."""

from collections.abc import Mapping

from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.executions.group_edits import (
    ClusterEdits,
    ClusterEditsResponse,
    EditsRecord,
)
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.groups.names import gone
from clustering_pipeline.stores.catalog import Catalog


def get_edits(catalog: Catalog, scope: Scope, cluster: str) -> ClusterEditsResponse:
    """The overlay of a definition, by id or name; raises ClusterNotFound."""
    record = catalog.clusters.get(scope, cluster)
    return _response(catalog, record, catalog.edits.get(record.cluster_id))


def put_edits(
    catalog: Catalog, scope: Scope, cluster: str, edits: ClusterEdits
) -> tuple[ClusterEditsResponse, set[str]]:
    """Replaces the overlay, and tells whose names changed; raises ClusterNotFound.

    Readers of the published run see the names at once, all else is applied from the next run on.
    """
    record = catalog.clusters.get(scope, cluster)
    before = catalog.edits.get(record.cluster_id).edits.rename
    stored = catalog.edits.put(record.cluster_id, edits)
    uids = {uid for uid, _ in before.items() ^ edits.rename.items()}
    show_names(catalog, record, {uid: edits.rename.get(uid, "") for uid in uids})
    return _response(catalog, record, stored), uids


def name_groups(
    catalog: Catalog, scope: Scope, cluster: str, run_id: str, labels: Mapping[str, str]
) -> tuple[ExecutionRecord, set[str]]:
    """Names groups of an execution for good, and tells their uids; an empty name takes one back.

    Raises ClusterNotFound, ExecutionNotFound, and InvalidRequest for a group that it lacks.
    """
    record = catalog.clusters.get(scope, cluster)
    execution = catalog.executions.get(scope, run_id, cluster_id=record.cluster_id)
    uids = execution.uids
    names = {uids[group]: name for group, name in labels.items() if group in uids}
    execution = catalog.executions.relabel(scope, run_id, labels, cluster_id=record.cluster_id)
    catalog.edits.rename(record.cluster_id, names)
    show_names(catalog, record, names)
    return execution, set(names)


def renamed_since(catalog: Catalog, record: ClusterRecord) -> set[str]:
    """Uids of groups whose names people gave, changed or took back since the published run."""
    published = catalog.executions.published(record)
    then = published.edits.rename if published and published.edits else {}
    return {
        uid for uid, _ in then.items() ^ catalog.edits.get(record.cluster_id).edits.rename.items()
    }


def edits_wait(catalog: Catalog, cluster_id: str) -> bool:
    """Whether an execution is to bring what people want: other groups than the published ones, or
    their names where no run of names may begin.
    """
    record, given = catalog.clusters.by_id(cluster_id), catalog.edits.get(cluster_id).edits
    published = catalog.executions.published(record)
    if published is None or record.state.archived_at is not None:
        return given != ClusterEdits()
    return not given.regroups_as(published.edits or ClusterEdits())


def show_names(catalog: Catalog, record: ClusterRecord, names: Mapping[str, str]) -> None:
    """Has readers of the published run see the names, given by uid.

    An empty one is taken back, from every run that readers may return to.
    """
    taken = {uid: name for uid, name in names.items() if not name}
    published = record.state.last_run_id
    for run_id in {*(record.state.published_run_ids if taken else ()), published or ""}:
        execution = catalog.executions.find(run_id)
        given = names if run_id == published else taken
        uids = execution.uids if execution else {}
        labels = {group: given[uid] for group, uid in uids.items() if uid in given}
        if labels:
            catalog.executions.relabel(record.scope, run_id, labels)


def _response(catalog: Catalog, record: ClusterRecord, stored: EditsRecord) -> ClusterEditsResponse:
    published = catalog.executions.published(record)
    conflicts = published.edit_conflicts if published else []
    return ClusterEditsResponse(
        cluster_id=record.cluster_id,
        version=stored.version,
        edits=stored.edits,
        updated_at=stored.updated_at,
        conflicts=list(dict.fromkeys([*conflicts, *gone(published, stored.edits.rename)])),
    )
