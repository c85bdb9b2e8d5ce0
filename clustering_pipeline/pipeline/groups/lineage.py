"""What the run did to the groups of its definition: kept beside its results and in the catalog."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from clustering_pipeline.engine.groups.hierarchy import Path
from clustering_pipeline.engine.identity import Event, Generation
from clustering_pipeline.model.executions.lineage import LineageEvent, RunLineage
from clustering_pipeline.model.ids import group_id
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.pipeline.run.artifacts import IDENTITY_RECORD, LINEAGE
from clustering_pipeline.pipeline.run.run import Run
from clustering_pipeline.report.table import table_line

_SHOWN = ("event", "cluster_id", "label", "previous_cluster_id", "num_members", "overlaps")
_ROWS = 100
KEPT = 20_000
"""Events that the catalog keeps of one run: a record is of 16 MB at most.  All are in parquet."""
_UNEVENTFUL = frozenset({"continued", "grown", "shrunk"})


def keep_lineage(run: Run, clusters: pl.DataFrame) -> list[LineageEvent]:
    """Writes the events, now that the groups have their labels."""
    labels = dict(clusters.select("group_uid", "label").iter_rows())
    before = _labels_before(run)
    events = list(_with_labels(_events(run, clusters), labels, before))
    rows = [event.model_dump(mode="json") for event in events]
    run.write_frame(LINEAGE, pl.DataFrame(rows, schema=LINEAGE.schema))
    run.pipeline.catalog.lineages.keep(
        RunLineage(
            run_id=run.run_id,
            cluster_id=run.cluster_id,
            **run.spec.scope.fields(),
            previous_run_id=run.published.run_id if run.published else None,
            created_at=utc_now(),
            events=events[:KEPT],
        )
    )
    return events


def _labels_before(run: Run) -> dict[str, str]:
    """Uid to name; readers see names given since the published run, which bears others itself."""
    if run.published is None:
        return {}
    then = run.published.edits.rename if run.published.edits else {}
    given = {uid for uid, name in run.edits.rename.items() if then.get(uid) != name}
    groups = run.published.centroids or ()
    borne = {group.group_uid: group.label or "" for group in groups if group.group_uid in given}
    return run.published.labels | borne


def lineage_table(events: list[LineageEvent]) -> str:
    """What happened, for people: how often, and each event that is more than growth."""
    counts = Counter(event.event for event in events).most_common()
    counted = ", ".join(f"{count} {kind}" for kind, count in counts)
    shown = [event for event in events if event.event not in _UNEVENTFUL][:_ROWS]
    lines = [table_line(_row(event)) for event in shown]
    head = [f"| {' | '.join(_SHOWN)} |", f"|{'---|' * len(_SHOWN)}"]
    return "\n".join([counted, "", *head, *lines]) if lines else counted


def _row(event: LineageEvent) -> list[object]:
    overlaps = ", ".join(f"{share:.2f}" for share in event.overlaps)
    return [getattr(event, name) for name in _SHOWN[:-1]] + [overlaps]


def _events(run: Run, clusters: pl.DataFrame) -> list[LineageEvent]:
    """Those of the assignments; where the published groups are shown again, they all continue."""
    if run.is_own(IDENTITY_RECORD):
        events = run.read_json(IDENTITY_RECORD)["events"]
        return [LineageEvent.model_validate(event) for event in events]
    return [_unchanged(row) for row in clusters.iter_rows(named=True)]


def _unchanged(row: Mapping[str, object]) -> LineageEvent:
    return LineageEvent.model_validate(
        {
            "event": "continued",
            "group_uid": row["group_uid"],
            "cluster_id": row["cluster_id"],
            "previous_cluster_id": row["cluster_id"],
            "hierarchy_level": row["hierarchy_level"],
            "parents": [row["group_uid"]],
            "overlaps": [1.0],
            "matched_by": "members",
            "score": 1.0,
            "num_members": row["num_members"],
            "previous_num_members": row["num_members"],
        }
    )


def _with_labels(
    events: list[LineageEvent], labels: Mapping[str, str], before: Mapping[str, str]
) -> Iterator[LineageEvent]:
    for event in events:
        uid = event.group_uid
        names = {"label": labels.get(uid), "previous_label": before.get(uid)}
        yield event.model_copy(update=names)
        continued = event.event in _UNEVENTFUL and uid in before
        if continued and labels.get(uid) != before[uid]:
            yield event.model_copy(update={**names, "event": "relabelled"})


def lineage_events(
    events: Sequence[Event],
    after: Generation,
    paths: Sequence[Path],
    uids: Sequence[str],
    before: Generation | None,
) -> Iterator[LineageEvent]:
    """The same events; ``paths`` and ``uids`` are those that the later groups go by."""
    for event in events:
        earlier = before if before is not None and event.old is not None else None
        old = 0 if event.old is None else event.old
        if event.new is None:
            uid, path = (earlier.uids[old], earlier.paths[old]) if earlier else ("", ())
        else:
            uid, path = uids[event.new], paths[event.new]
        yield LineageEvent(
            event=event.kind,
            group_uid=uid,
            cluster_id=None if event.new is None else group_id(path),
            previous_cluster_id=group_id(earlier.paths[old]) if earlier else None,
            hierarchy_level=len(path) - 1,
            parents=[before.uids[parent] for parent in event.parents] if before else [],
            overlaps=list(event.overlaps),
            matched_by=event.by,
            score=event.score,
            num_members=None if event.new is None else int(after.sizes[event.new]),
            previous_num_members=int(earlier.sizes[old]) if earlier else None,
        )
