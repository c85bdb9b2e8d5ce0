"""What a definition promises by when, and whether that time has passed.

With ``auto_execute_on_batch`` it promises to begin a run over every completed batch at once, or
when its cooldown ends; a composite definition over every run that a source publishes.  A cron or
interval trigger promises a run at each of its times; one that failed five times in a row promises
it still.  Nothing is promised while a run holds the definition, by one that is archived, while
documents are missing to its threshold, or by triggers that wait for events and conditions.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from clustering_pipeline.automation.document_counts import Counter
from clustering_pipeline.automation.due import CENTURY_SECONDS, behind
from clustering_pipeline.automation.sources import Gathered, gathered
from clustering_pipeline.model.automation.triggers import TriggerRecord, TriggerStatus
from clustering_pipeline.model.definitions.automation import (
    OVERDUE_AFTER_SECONDS,
    AutomaticDefinition,
    Overdue,
)
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.pipeline.run.pipeline import Pipeline
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline.stores.catalog.automation.batches import BatchNumber
from clustering_pipeline.stores.catalog.automation.triggers import missed

Promised = dict[str, datetime]
"""What is due, in sentences, and since when."""


def first_behind(definition: AutomaticDefinition, lag: Mapping[str, int]) -> list[BatchNumber]:
    """The oldest batch of each collection that no run has dealt with."""
    settled = definition.settled
    return [
        (definition.scope, collection_id, settled.get(collection_id, 0) + 1)
        for collection_id in lag
    ]


def batches_due(
    definition: AutomaticDefinition,
    lag: Mapping[str, int],
    completed_at: Mapping[BatchNumber, datetime],
) -> Promised:
    """What batches make due."""
    waiting = [
        completed_at[batch] for batch in first_behind(definition, lag) if batch in completed_at
    ]
    if not waiting:
        return {}
    assigns = definition.mode != "full" and definition.published is not None
    due = max([min(waiting), *([] if assigns else _cooled(definition))])
    batches = sum(lag.values())
    said = "a batch has" if batches == 1 else f"{batches} batches have"
    failures = f", after {definition.failures} failures in a row" if definition.failures else ""
    return {f"{said} completed that no run has dealt with{failures}": due}


def sources_due(definition: AutomaticDefinition, sources: Gathered) -> Promised:
    """What runs of its sources make due of a composite definition; nothing while one is at work."""
    runs = [sources.newest[source_id] for source_id in sources.fresh]
    ended = [run.completed_at for run in runs if run.completed_at is not None]
    if not ended or sources.waits({}) is not None:
        return {}
    due = max([min(ended), *_cooled(definition)])
    return {"a source has published a run whose groups it has not grouped": due}


def trigger_due(trigger: TriggerRecord) -> Promised:
    """What a trigger makes due whose next time has passed."""
    failed = trigger.status is TriggerStatus.FAILED
    why = "; it has stopped after five failures in a row" if failed else ""
    said = f"{trigger.trigger_id} ({trigger.trigger_type}) has not run at its time{why}"
    return {} if trigger.next_run_at is None else {said: trigger.next_run_at}


def _cooled(definition: AutomaticDefinition) -> list[datetime]:
    """When the cooldown of the last automatic run ends, or ended; none without such a run."""
    last = definition.batch_run_at
    seconds = min(definition.cooldown_seconds, CENTURY_SECONDS)
    return [] if last is None else [last + timedelta(seconds=seconds)]


Lagging = list[tuple[AutomaticDefinition, dict[str, int]]]
Late = Iterator[tuple[str, Promised]]


def all_overdue(
    pipeline: Pipeline, now: datetime, *, scope: Scope | None = None
) -> dict[str, Overdue]:
    """Definition to what it has not done in time: of one namespace, or of all.

    What that means, see ``automation.lateness``.
    """
    limit, catalog = now - timedelta(seconds=OVERDUE_AFTER_SECONDS), pipeline.catalog
    promises: defaultdict[str, Promised] = defaultdict(dict)
    idle = [
        definition
        for definition in catalog.automation.definitions(scope)
        if definition.holder is None
    ]
    for cluster_id, promised in _by_batches(pipeline, _lagging(catalog, idle), limit):
        promises[cluster_id] |= promised
    for cluster_id, promised in _by_sources(pipeline, idle, limit):
        promises[cluster_id] |= promised
    for cluster_id, promised in _by_triggers(catalog, scope, limit):
        promises[cluster_id] |= promised
    return {cluster_id: Overdue.of(promised) for cluster_id, promised in sorted(promises.items())}


def overdue(
    pipeline: Pipeline,
    definition: AutomaticDefinition,
    lag: dict[str, int],
    now: datetime,
    *,
    automatic: bool,
) -> Overdue | None:
    """What one definition has not done in time; None if nothing.

    ``lag`` are the batches behind, none if these do not make it run; those and runs of sources make
    one run that is ``automatic``.
    """
    if definition.archived or definition.holder is not None:
        return None
    limit = now - timedelta(seconds=OVERDUE_AFTER_SECONDS)
    promises: Promised = {}
    for _, promised in _by_batches(pipeline, [(definition, lag)], limit):
        promises |= promised
    composite = [definition] if definition.source_ids and automatic else []
    for _, promised in _by_sources(pipeline, composite, limit):
        promises |= promised
    for trigger in missed(pipeline.catalog.triggers, limit, cluster_id=definition.cluster_id):
        promises |= trigger_due(trigger)
    return Overdue.of(promises) if promises else None


def _lagging(catalog: Catalog, idle: Sequence[AutomaticDefinition]) -> Lagging:
    """Those with batches that no run has dealt with, nor one that is under way."""
    completed = catalog.batches.completed_everywhere()
    return [
        (definition, lag)
        for definition in idle
        if (lag := behind(definition, completed.get(definition.scope, {})))
    ]


def _by_batches(pipeline: Pipeline, lagging: Lagging, limit: datetime) -> Late:
    counter = Counter(pipeline=pipeline)
    numbers = {number for definition, lag in lagging for number in first_behind(definition, lag)}
    completed_at = pipeline.catalog.batches.completed_at(numbers)
    for definition, lag in lagging:
        promised = batches_due(definition, lag, completed_at)
        if _passed(promised.values(), limit) and _enough(definition, counter):
            yield definition.cluster_id, promised


def _by_sources(pipeline: Pipeline, idle: Sequence[AutomaticDefinition], limit: datetime) -> Late:
    composites, counter = gathered(pipeline.catalog, idle), Counter(pipeline=pipeline)
    for definition in idle:
        if sources := composites.get(definition.cluster_id):
            promised = sources_due(definition, sources)
            if _passed(promised.values(), limit) and _enough(definition, counter):
                yield definition.cluster_id, promised


def _by_triggers(catalog: Catalog, scope: Scope | None, limit: datetime) -> Late:
    late = [
        trigger for trigger in missed(catalog.triggers, limit) if scope in {None, trigger.scope}
    ]
    idle = catalog.automation.idle({trigger.cluster_id for trigger in late})
    for trigger in late:
        if trigger.cluster_id in idle:
            yield trigger.cluster_id, trigger_due(trigger)


def _passed(due: Iterable[datetime], limit: datetime) -> bool:
    return any(since < limit for since in due)


def _enough(definition: AutomaticDefinition, counter: Counter) -> bool:
    least = definition.min_documents
    return least is None or counter(definition.scope, definition.collection_ids) >= least
