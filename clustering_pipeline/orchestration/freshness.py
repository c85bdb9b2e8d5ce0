"""Which definitions are overdue, all of them in a few reads of the catalog."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from clustering_pipeline.model.definitions.automation import (
    OVERDUE_AFTER_SECONDS,
    AutomaticDefinition,
    Overdue,
)
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.orchestration.automation.counting import Counter
from clustering_pipeline.orchestration.automation.due import behind
from clustering_pipeline.orchestration.automation.lateness import (
    Promised,
    batches_due,
    first_behind,
    trigger_due,
)
from clustering_pipeline.orchestration.pipeline import Pipeline
from clustering_pipeline.stores.catalog import Catalog
from clustering_pipeline.stores.catalog.automation.triggers import missed

Lagging = list[tuple[AutomaticDefinition, dict[str, int]]]
Late = Iterator[tuple[str, Promised]]


def all_overdue(
    pipeline: Pipeline, now: datetime, *, scope: Scope | None = None
) -> dict[str, Overdue]:
    """Definition to what it has not done in time: of one namespace, or of all.

    What that means, see ``automation.lateness``.
    """
    limit, catalog = now - timedelta(seconds=OVERDUE_AFTER_SECONDS), pipeline.catalog
    found: defaultdict[str, Promised] = defaultdict(dict)
    for cluster_id, promised in _by_batches(pipeline, _lagging(catalog, scope), limit):
        found[cluster_id] |= promised
    for cluster_id, promised in _by_triggers(catalog, scope, limit):
        found[cluster_id] |= promised
    return {one: Overdue.of(promised) for one, promised in sorted(found.items())}


def overdue(
    pipeline: Pipeline, definition: AutomaticDefinition, lag: dict[str, int], now: datetime
) -> Overdue | None:
    """What one definition has not done in time; None if nothing.

    ``lag`` are the batches behind, none if these do not make it run.
    """
    if definition.archived or definition.holder is not None:
        return None
    limit = now - timedelta(seconds=OVERDUE_AFTER_SECONDS)
    found: Promised = {}
    for _, promised in _by_batches(pipeline, [(definition, lag)], limit):
        found |= promised
    for trigger in missed(pipeline.catalog.triggers, limit, cluster_id=definition.cluster_id):
        found |= trigger_due(trigger)
    return Overdue.of(found) if found else None


def _lagging(catalog: Catalog, scope: Scope | None) -> Lagging:
    """Those with batches that no run has dealt with, nor one that is under way."""
    completed = catalog.batches.completed_everywhere()
    idle = (one for one in catalog.automation.definitions(scope) if one.holder is None)
    return [(one, lag) for one in idle if (lag := behind(one, completed.get(one.scope, {})))]


def _by_batches(pipeline: Pipeline, lagging: Lagging, limit: datetime) -> Late:
    counter = Counter(pipeline=pipeline)
    wanted = {number for one, lag in lagging for number in first_behind(one, lag)}
    completed_at = pipeline.catalog.batches.completed_at(wanted)
    for one, lag in lagging:
        promised = batches_due(one, lag, completed_at)
        if _passed(promised.values(), limit) and _enough(one, counter):
            yield one.cluster_id, promised


def _by_triggers(catalog: Catalog, scope: Scope | None, limit: datetime) -> Late:
    late = [one for one in missed(catalog.triggers, limit) if scope in {None, one.scope}]
    idle = catalog.automation.idle({one.cluster_id for one in late})
    for trigger in late:
        if trigger.cluster_id in idle:
            yield trigger.cluster_id, trigger_due(trigger)


def _passed(due: Iterable[datetime], limit: datetime) -> bool:
    return any(one < limit for one in due)


def _enough(definition: AutomaticDefinition, counter: Counter) -> bool:
    least = definition.min_documents
    return least is None or counter(definition.scope, definition.collection_ids) >= least
