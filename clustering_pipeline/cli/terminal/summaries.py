"""What somebody at a terminal wants to know of a record; all of it is there as JSON.

Each summary is field to value, in the order to read it in; fields without a value are left out
when it is printed.
"""

from collections.abc import Mapping
from typing import Any

from clustering_pipeline.model.automation.triggers import TriggerRecord
from clustering_pipeline.model.collections import ClusterApplicationConfig, CollectionRecord
from clustering_pipeline.model.definitions.automation import AutomationStanding
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.executions.execution import (
    ExecutionRecord,
    LabelingLedger,
    WriteBack,
)
from clustering_pipeline.model.status import ClusterStatus
from clustering_pipeline.stores.documents.types import CollectionInfo

Summary = dict[str, object]

_DEFINED = (
    "algorithm",
    "algorithm_params",
    "feature_uris",
    "clustered_attributes",
    "preprocessing_steps",
    "sample_size",
    "filters",
)
_FOUND = ("num_clusters", "num_documents_clustered", "last_run_id", "last_executed_at", "metadata")
_METRICS = ("silhouette_score", "davies_bouldin_index", "calinski_harabasz_score", "noise_ratio")
_JOINED = (
    "new_documents",
    "changed_documents",
    "removed_documents",
    "assigned_documents",
    "proposed_groups",
    "proposed_documents",
    "novelty_pool",
)
_TRIGGER = (
    "trigger_id",
    "status",
    "cluster_id",
    "trigger_type",
    "schedule_config",
    "description",
    "next_scheduled_at",
    "last_triggered_at",
    "last_execution_job_id",
    "last_execution_status",
    "last_execution_error",
)


def definition_summary(record: ClusterRecord, collections: Mapping[str, str]) -> Summary:
    """The definition; ``collections`` is id to name of those of its namespace."""
    view = record.metadata().model_dump(mode="json")
    inputs = [
        _named(collection_id, collections.get(collection_id))
        for collection_id in view["input_collections"]
    ]
    return {
        "cluster_id": record.cluster_id,
        "cluster_name": record.name,
        "description": view["description"],
        "status": view["status"],
        "error": view["error"],
        "input_collections": inputs,
        "source_cluster_ids": view["source_cluster_ids"],
        **{name: view[name] for name in _DEFINED},
        "llm_labeling": _set_fields(view["llm_labeling"]),
        "quality_gates": _set_fields(view["quality_gates"]),
        "fields_on_documents": _written_fields(record),
        "runs_by_itself": _occasion(record),
        "output_collections": view["output_collection_names"],
        **{name: view[name] for name in _FOUND},
        "quality_metrics": metrics_in_words(view["quality_metrics"]),
    }


def execution_summary(record: ExecutionRecord) -> Summary:
    """The execution, and what to know of its result."""
    view = record.model_dump(mode="json")
    return {
        "run_id": record.run_id,
        "run_name": record.run_name,
        "status": _status(record),
        "plan": record.plan,
        "source_execution_ids": record.source_execution_ids,
        "composite_mapping": record.composite_mapping,
        "error_message": record.whole_error,
        "num_clusters": record.num_clusters,
        "num_points": record.num_points,
        "in_no_group": record.pipeline_drop or None,
        "without_vector": record.index_gap or None,
        "input_reconciliation_reasons": record.input_reconciliation_reasons,
        "joined": _joined(record),
        "metrics": metrics_in_words(view["metrics"]),
        "labels": ledger_in_words(record.ledger),
        "llm_labeling_errors": record.llm_labeling_errors,
        "edit_conflicts": record.edit_conflicts,
        "written_back": _write_back(record.write_back),
        "output_collections": list(record.output_collections.values()),
        "seconds": _seconds(record),
    }


def collection_summary(record: CollectionRecord, info: CollectionInfo | None) -> Summary:
    """The collection; ``info`` is what Qdrant holds, None when it has lost the collection."""
    vectors = info.vectors.items() if info else ()
    return {
        "collection_id": record.collection_id,
        "collection_name": record.collection_name,
        "description": record.description,
        "qdrant_collection": record.qdrant_collection,
        "points": info.points if info else "lost: Qdrant has no such collection",
        "vectors": [f"{name or 'unnamed'} ({vector.size})" for name, vector in vectors],
        "feature_uris": [f"{uri} → {name}" for uri, name in record.vectors.items()],
        "runs_after_batches": [_place(application) for application in record.cluster_applications],
    }


def trigger_summary(record: TriggerRecord) -> Summary:
    """The trigger, and how what it started ended."""
    view = record.model().model_dump(mode="json")
    return {name: view[name] for name in _TRIGGER}


def standing_in_words(standing: AutomationStanding) -> str:
    """Whether completed batches make it run, what it waits for, and whether it is late."""
    late = standing.overdue
    words = _automation_in_words(standing)
    return words if late is None else f"{words}; overdue since {late.since:%Y-%m-%d %H:%M} UTC"


def _automation_in_words(standing: AutomationStanding) -> str:
    if not standing.automatic:
        return f"off; {standing.run_in_flight} is under way" if standing.run_in_flight else "off"
    behind = sum(standing.batches_behind.values())
    lag = f"on; {behind} completed {'batch' if behind == 1 else 'batches'} to deal with"
    words = "on" if behind == 0 else lag
    if standing.full_run_because:
        words = f"{words}; {'; '.join(standing.full_run_because)}"
    if standing.due:
        kind = "full " if standing.full_run_because and standing.next_mode == "full" else ""
        return f"{words}; the next look of Dagster's daemon starts a {kind}run"
    return f"{words}; {'; '.join(standing.waits_for)}"


def ledger_in_words(ledger: LabelingLedger | None) -> str | None:
    """What labels took; None when no model was asked."""
    if ledger is None or not (ledger.calls or ledger.cached or ledger.embedding_calls):
        return None
    tokens = ledger.prompt_tokens + ledger.completion_tokens + ledger.embedding_tokens
    cost = f"${ledger.cost:.4f}{' and calls without a price' if ledger.unpriced else ''}"
    calls = ledger.calls + ledger.embedding_calls
    guessed = f" ({ledger.estimated_tokens:,} estimated)" if ledger.estimated_tokens else ""
    return f"{calls:,} calls, {ledger.cached:,} from the cache, {tokens:,} tokens{guessed}, {cost}"


def metrics_in_words(metrics: Mapping[str, Any] | None) -> str | None:
    """The usual ones, and whether the result says nothing."""
    if not metrics:
        return None
    known = [f"{name} {metrics[name]:.3g}" for name in _METRICS if metrics.get(name) is not None]
    if metrics.get("degenerate"):
        known.append(f"degenerate: {metrics['degenerate']}")
    return ", ".join(known)


def _joined(record: ExecutionRecord) -> str | None:
    """What became of documents that were to join groups, and of those that joined none."""
    known = record.metrics.additional_properties if record.metrics else {}
    return ", ".join(f"{name} {known[name]:,}" for name in _JOINED if name in known) or None


def _place(application: ClusterApplicationConfig) -> str:
    phase, priority = application.execution_phase, application.priority
    return f"{application.cluster_id} (phase {phase}, priority {priority})"


def _named(identifier: str, name: str | None) -> str:
    return identifier if name is None else f"{name} ({identifier})"


def _set_fields(config: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Without what was left open."""
    if config is None:
        return None
    return {name: value for name, value in config.items() if value not in (None, [], {})}


def _occasion(record: ClusterRecord) -> str | None:
    spec = record.spec
    if not spec.auto_execute_on_batch:
        return None
    least = spec.auto_execute_min_documents
    from_ = f", from {least:,} documents on" if least else ""
    every = f"every {spec.auto_execute_cooldown_seconds:,} s at most"
    how = {"full": every, "assign": "assigning what is new", "auto": f"assigning; in full {every}"}
    return f"after a completed batch{from_}, {how[spec.auto_execute_mode]}"


def _written_fields(record: ClusterRecord) -> list[str]:
    if not record.spec.enriches:
        return []
    return [mapping.target_field for mapping in record.resolved().field_mappings]


def _status(record: ExecutionRecord) -> str:
    troubled = record.task_status is ClusterStatus.COMPLETED_WITH_ERRORS
    return f"{record.status.value}{' with errors' if troubled else ''}"


def _write_back(done: WriteBack | None) -> str | None:
    if done is None:
        return None
    counts = f"{done.written} documents, {done.unchanged} unchanged, {done.removed} cleared"
    failed = f", {done.failed} failed: {done.error}" if done.failed or done.error else ""
    return f"{counts}{failed}" if done.status == "completed" else f"{done.status}: {counts}{failed}"


def _seconds(record: ExecutionRecord) -> float | None:
    if record.completed_at is None:
        return None
    return round((record.completed_at - record.created_at).total_seconds(), 1)
