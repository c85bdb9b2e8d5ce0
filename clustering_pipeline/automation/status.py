"""Where one definition stands, for whoever asks: the command line, the API."""

from datetime import datetime

from clustering_pipeline.automation.batches import apart
from clustering_pipeline.automation.document_counts import Counter
from clustering_pipeline.automation.due import behind, judge
from clustering_pipeline.automation.overdue import overdue
from clustering_pipeline.automation.sources import gathered
from clustering_pipeline.model.definitions.automation import AutomationStanding
from clustering_pipeline.model.definitions.cluster import ClusterRecord
from clustering_pipeline.model.times import utc_now
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.stores.catalog.definitions.automatic import automatic_of


def standing_of(
    pipeline: Pipeline, record: ClusterRecord, now: datetime | None = None
) -> AutomationStanding:
    """What holds the definition back from running by itself, as far as the catalog knows."""
    now = now or utc_now()
    automatic = record.spec.auto_execute_on_batch
    definition = automatic_of(record)
    completed = pipeline.catalog.batches.completed(record.scope, definition.collection_ids)
    sources = gathered(pipeline.catalog, [definition]).get(record.cluster_id)
    lag = behind(definition, completed) if automatic else {}
    counts = automatic and definition.min_documents is not None
    documents = (
        Counter(pipeline=pipeline)(record.scope, definition.collection_ids) if counts else None
    )
    assigns = automatic and definition.mode != "full" and definition.published is not None
    standing = judge(
        definition,
        sources.lag if sources and automatic else lag,
        now,
        documents=documents,
        in_flight=_in_flight(pipeline, record),
        apart=apart(pipeline, record) if assigns else None,
        sources_wait=sources.waits({}) if sources else None,
    )
    return AutomationStanding(
        automatic=automatic,
        due=automatic and standing.due,
        waits_for=standing.waits if automatic else ["auto_execute_on_batch is off"],
        next_mode=standing.mode,
        full_run_because=list(standing.because),
        batches_behind=dict(lag),
        sources_behind=sorted(sources.fresh) if sources and automatic else [],
        cooldown_left_seconds=standing.cooldown_left,
        retry_in_seconds=standing.retry_left,
        documents=documents,
        documents_missing=standing.documents_missing,
        run_in_flight=standing.in_flight,
        overdue=overdue(pipeline, definition, lag, now, automatic=automatic),
    )


def _in_flight(pipeline: Pipeline, record: ClusterRecord) -> str | None:
    """The run that has an execution and goes on, or one that waits in the queue to have one."""
    catalog = pipeline.catalog
    active = catalog.executions.active(record.cluster_id)
    if active:
        return active[0].run_id
    waiting = catalog.queue.of_definition(record.cluster_id)
    if waiting is None or catalog.executions.find(waiting.run_id) is not None:
        return None
    return waiting.run_id
