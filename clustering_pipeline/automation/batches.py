"""One look over all definitions: what is due now, and what holds the others back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from clustering_pipeline.automation.due import behind, judge
from clustering_pipeline.automation.priority import Judged, choose, in_phases
from clustering_pipeline.model.definitions.automation import AutomaticDefinition
from clustering_pipeline.model.scope import Scope
from clustering_pipeline.stores.catalog import Catalog

SHOWN = 5
Completed = Mapping[Scope, Mapping[str, int]]
Count = Callable[[Scope, Sequence[str]], int]
"""Documents in collections of a namespace, whatever the filters of definitions."""
InFlight = Callable[[], Mapping[str, str]]
"""Definition to the run that the orchestrator has queued or started for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A run that is wanted; the same key is never run twice."""

    definition: AutomaticDefinition
    run_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What one look found."""

    definitions: int
    lagging: Sequence[Judged] = field(default_factory=list)
    requests: Sequence[Request] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """The look in a sentence, with what holds back the first few."""
        held = [judged for judged in self.lagging if not judged.standing.due]
        counted = (
            f"{self.definitions} automatic definitions, {len(self.lagging)} with new batches, "
            f"{len(self.requests)} to run now"
        )
        named = [f"{judged.definition.name!r}: {_spoken(judged)}" for judged in held[:SHOWN]]
        more = [f"{len(held) - SHOWN} more wait"] if len(held) > SHOWN else []
        return "; ".join([counted, *named, *more])


def look(catalog: Catalog, count: Count, in_flight: InFlight, now: datetime) -> Tick:
    """Reads what there is and decides; the orchestrator is asked only when something lags."""
    definitions = catalog.automation.definitions()
    completed = catalog.batches.completed_everywhere()
    lagging = [
        (definition, lag)
        for definition in definitions
        if (lag := behind(definition, completed.get(definition.scope, {})))
    ]
    if not lagging:
        return Tick(definitions=len(definitions))
    places, flying = catalog.automation.places(), in_flight()
    judged = [
        _judged(definition, lag, count, flying.get(definition.cluster_id), now)
        for definition, lag in lagging
    ]
    placed = in_phases(judged, places)
    chosen = choose(placed, places)
    return Tick(
        definitions=len(definitions),
        lagging=placed,
        requests=[_request(due.definition, completed) for due in chosen],
    )


def run_key(definition: AutomaticDefinition, completed: Mapping[str, int]) -> str:
    """Tells an attempt from the next: by what was completed, and by the attempt before it."""
    number = sum(completed.get(collection_id, 0) for collection_id in definition.collection_ids)
    return f"{definition.cluster_id}:batch:{number}:after:{definition.last_attempt_id or 'none'}"


def _judged(
    definition: AutomaticDefinition,
    lag: Mapping[str, int],
    count: Count,
    flying: str | None,
    now: datetime,
) -> Judged:
    standing = judge(definition, lag, now, in_flight=flying)
    if standing.due and definition.min_documents is not None:
        # Counting takes a call for each collection, so only where nothing else holds it back.
        documents = count(definition.scope, definition.collection_ids)
        standing = judge(definition, lag, now, in_flight=flying, documents=documents)
    return Judged(definition=definition, standing=standing)


def _request(definition: AutomaticDefinition, completed: Completed) -> Request:
    key = run_key(definition, completed.get(definition.scope, {}))
    return Request(definition=definition, run_key=key)


def without(tick: Tick, keys: Mapping[str, str]) -> Tick:
    """The look without the runs that there are already, by their keys."""
    fresh = [request for request in tick.requests if request.run_key not in keys]
    return replace(tick, requests=fresh)


def _spoken(judged: Judged) -> str:
    return ", ".join(judged.standing.reasons)
