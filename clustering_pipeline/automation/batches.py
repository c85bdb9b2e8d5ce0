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
        held = [one for one in self.lagging if not one.standing.due]
        counted = (
            f"{self.definitions} automatic definitions, {len(self.lagging)} with new batches, "
            f"{len(self.requests)} to run now"
        )
        named = [f"{one.definition.name!r}: {_spoken(one)}" for one in held[:SHOWN]]
        more = [f"{len(held) - SHOWN} more wait"] if len(held) > SHOWN else []
        return "; ".join([counted, *named, *more])


def look(catalog: Catalog, count: Count, in_flight: InFlight, now: datetime) -> Tick:
    """Reads what there is and decides; the orchestrator is asked only when something lags."""
    definitions = catalog.automation.definitions()
    completed = catalog.batches.completed_everywhere()
    lagging = [
        (one, lag) for one in definitions if (lag := behind(one, completed.get(one.scope, {})))
    ]
    if not lagging:
        return Tick(definitions=len(definitions))
    places, flying = catalog.automation.places(), in_flight()
    judged = [_judged(one, lag, count, flying.get(one.cluster_id), now) for one, lag in lagging]
    placed = in_phases(judged, places)
    chosen = choose(placed, places)
    return Tick(
        definitions=len(definitions),
        lagging=placed,
        requests=[_request(one.definition, completed) for one in chosen],
    )


def run_key(definition: AutomaticDefinition, completed: Mapping[str, int]) -> str:
    """Tells an attempt from the next: by what was completed, and by the attempt before it."""
    number = sum(completed.get(one, 0) for one in definition.collection_ids)
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
    fresh = [one for one in tick.requests if one.run_key not in keys]
    return replace(tick, requests=fresh)


def _spoken(one: Judged) -> str:
    return ", ".join(one.standing.reasons)
