"""The history of a definition's groups, and what is different between two of its runs."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import polars as pl

from clustering_pipeline.engine.identity import Generation, compare
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.errors import GroupNotFound, InvalidRequest, StateConflict
from clustering_pipeline.model.executions.execution import ExecutionRecord
from clustering_pipeline.model.executions.lineage import (
    ClusterLineageResponse,
    LineageEvent,
    RunDiffResponse,
    RunEvents,
    RunLineage,
)
from clustering_pipeline.model.ids import is_group_id
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.model.status import ExecutionStatus
from clustering_pipeline.pipeline.groups.lineage import lineage_events
from clustering_pipeline.pipeline.groups.snapshots import generation_of_run
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.stores.catalog import Catalog


def cluster_lineage(
    catalog: Catalog, scope: Scope, cluster: str, *, group: str | None = None
) -> ClusterLineageResponse:
    """What the published runs of a definition did, to all its groups or to one.

    ``group`` is a uid, or a group of the published run: ``cl_3``.  Events of one group are its own
    and those of groups that come from it.  Raises ClusterNotFound, and GroupNotFound for a group
    that the published run lacks.
    """
    record = catalog.clusters.get(scope, cluster)
    uid = None if group is None else _uid(catalog, record, group)
    runs = catalog.lineages.of(record.cluster_id)
    published = _published(record, runs)
    shown = [_shown(run, uid) for run in runs if run.run_id in published]
    return ClusterLineageResponse(
        cluster_id=record.cluster_id,
        group_uid=uid,
        runs=[run for run in shown if run.events or uid is None],
    )


def run_diff(
    pipeline: Pipeline, scope: Scope, run_id: str, against: str, *, cluster_id: str | None = None
) -> RunDiffResponse:
    """What became of the groups and documents of ``against`` in ``run_id``, whichever came first.

    Raises ExecutionNotFound, InvalidRequest for runs of two definitions, and StateConflict for one
    that came to no results.
    """
    executions = pipeline.catalog.executions
    run = executions.get(scope, run_id, cluster_id=cluster_id)
    other = executions.get(scope, against, cluster_id=cluster_id)
    if run.cluster_id != other.cluster_id:
        message = f"{run_id} and {against} are runs of two definitions: compare runs of one"
        raise InvalidRequest(message)
    after, before = _groups(pipeline, run), _groups(pipeline, other)
    labels, earlier = run.labels, other.labels
    events = [
        event.model_copy(
            update={
                "label": labels.get(event.group_uid),
                "previous_label": earlier.get(event.group_uid),
            }
        )
        for event in lineage_events(compare(before, after), after, after.paths, after.uids, before)
    ]
    return RunDiffResponse(
        cluster_id=run.cluster_id,
        run_id=run.run_id,
        against=other.run_id,
        **_documents(before, after),
        counts=dict(Counter(event.event for event in events)),
        events=events,
    )


def _uid(catalog: Catalog, record: ClusterRecord, group: str) -> str:
    if not is_group_id(group):
        return group
    published = catalog.executions.published(record)
    uids = published.uids if published else {}
    if group in uids:
        return uids[group]
    message = (
        f"the published run of {record.name!r} has no group {group[:60]!r}: name a group of other "
        "runs by its group_uid (grp_…)"
    )
    raise GroupNotFound(message)


def _published(record: ClusterRecord, runs: Sequence[RunLineage]) -> set[str]:
    """Runs whose results readers have seen: what a run that failed wrote is no history.

    Those whose files are gone are among them, as long as a later run was compared with them.
    """
    seen = {*record.state.published_run_ids, record.state.last_run_id}
    return {run_id for run_id in seen | {run.previous_run_id for run in runs} if run_id}


def _shown(lineage: RunLineage, uid: str | None) -> RunEvents:
    events = [event for event in lineage.events if uid is None or _concerns(event, uid)]
    fields = lineage.model_dump(include={"run_id", "previous_run_id", "created_at"})
    return RunEvents(**fields, events=events)


def _concerns(event: LineageEvent, uid: str) -> bool:
    return event.group_uid == uid or uid in event.parents


def _groups(pipeline: Pipeline, run: ExecutionRecord) -> Generation:
    if run.status is not ExecutionStatus.COMPLETED or run.members_key is None:
        message = f"{run.run_id} ({run.status.value}) has no groups to compare"
        raise StateConflict(message)
    return generation_of_run(pipeline, run)


def _documents(before: Generation, after: Generation) -> dict[str, int]:
    """Counts by what happened to each document; groups are compared by uid."""
    both = _table(before).join(_table(after), on="document", how="full", suffix="_after")
    stayed = both.drop_nulls(["document", "document_after"])
    was, present = stayed["group"] != "", stayed["group_after"] != ""
    same = stayed["group"] == stayed["group_after"]
    return {
        "documents_added": both["document"].null_count(),
        "documents_removed": both["document_after"].null_count(),
        "documents_kept": int(same.sum()),
        "documents_moved": int((was & present & ~same).sum()),
        "documents_to_noise": int((was & ~present).sum()),
        "documents_from_noise": int((~was & present).sum()),
    }


def _table(generation: Generation) -> pl.DataFrame:
    names = np.array([*generation.uids, ""], dtype=object)
    return pl.DataFrame(
        {"document": list(generation.documents), "group": names[generation.deepest].tolist()},
        schema={"document": pl.String, "group": pl.String},
    )
