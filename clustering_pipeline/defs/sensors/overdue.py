"""Shows in Dagster which definitions are overdue.

The asset ``stored_definitions`` stands for what the catalog holds, a partition a definition.  Its
check names those that are overdue now, and its observations tell of each when it became so and when
it no longer was.
"""

import json
from collections.abc import Iterator, Mapping

import dagster as dg

from clustering_pipeline.automation.overdue import all_overdue
from clustering_pipeline.defs.instance.partitions import CLUSTERS
from clustering_pipeline.model.definitions.automation import Overdue
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.pipeline.run.pipeline import Pipeline

STORED = dg.AssetSpec(
    "stored_definitions",
    group_name="automation",
    kinds={"mongodb"},
    partitions_def=CLUSTERS,
    description="The definitions in the catalog.",
)
ON_TIME = dg.AssetCheckKey(STORED.key, "on_time")
_IDS = "cluster_ids"
_ROWS = 100
_AT_ONCE = 200


@dg.asset_check(
    asset=STORED.key,
    name=ON_TIME.name,
    description="No batch and no trigger has made a definition due for long without a run.",
)
def on_time(
    context: dg.AssetCheckExecutionContext,  # noqa: ARG001 - Dagster's
    clustering: dg.ResourceParam[Pipeline],
) -> dg.AssetCheckResult:
    """The check as somebody asks for it in Dagster; ``watch_overdue`` makes it by itself."""
    late = all_overdue(clustering, utc_now())
    return dg.AssetCheckResult(
        passed=not late, severity=dg.AssetCheckSeverity.WARN, metadata=_metadata(late, set(late))
    )


@dg.sensor(minimum_interval_seconds=60, default_status=dg.DefaultSensorStatus.RUNNING)
def watch_overdue(
    context: dg.SensorEvaluationContext, clustering: dg.ResourceParam[Pipeline]
) -> dg.SensorResult | dg.SkipReason:
    """Tells Dagster of definitions that have become overdue, and of those that no longer are."""
    late, shown = all_overdue(clustering, utc_now()), _shown(context.instance)
    changed = sorted(late.keys() ^ shown)[:_AT_ONCE]
    if not changed:
        return dg.SkipReason(f"{len(late)} definitions are overdue, as shown")
    showing = shown ^ set(changed)
    evaluation = dg.AssetCheckEvaluation(
        asset_key=STORED.key,
        check_name=ON_TIME.name,
        passed=not showing,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=_metadata(late, showing),
    )
    return dg.SensorResult(asset_events=[evaluation, *_observations(late, changed)])


def _observations(late: Mapping[str, Overdue], changed: list[str]) -> Iterator[dg.AssetObservation]:
    for cluster_id in changed:
        reason = late.get(cluster_id)
        reasons = {} if reason is None else {"since": reason.since.isoformat(), "why": _why(reason)}
        yield dg.AssetObservation(
            asset_key=STORED.key,
            partition=cluster_id,
            metadata={"overdue": reason is not None, **reasons},
        )


def _shown(instance: dg.DagsterInstance) -> set[str]:
    """The definitions that Dagster shows as overdue."""
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key([ON_TIME])
    evaluation = latest[ON_TIME].evaluation if ON_TIME in latest else None
    return set() if evaluation is None else set(json.loads(str(evaluation.metadata[_IDS].value)))


def _metadata(late: Mapping[str, Overdue], showing: set[str]) -> dict[str, dg.MetadataValue]:
    rows = [
        dg.TableRecord(
            {"definition": cluster_id, "since": reason.since.isoformat(), "why": _why(reason)}
        )
        for cluster_id, reason in list(late.items())[:_ROWS]
    ]
    columns = [dg.TableColumn(name) for name in ("definition", "since", "why")]
    return {
        "overdue": dg.MetadataValue.int(len(showing)),
        "definitions": dg.MetadataValue.table(rows, schema=dg.TableSchema(columns)),
        # What the next look compares with.
        _IDS: dg.MetadataValue.text(json.dumps(sorted(showing))),
    }


def _why(overdue: Overdue) -> str:
    return "; ".join(overdue.reasons)
